"""Request context: who is current, and how progress and metrics are printed."""
