"""Looking at functions: names, places, type hints, serialization of their values."""
