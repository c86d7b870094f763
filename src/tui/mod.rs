//! The terminal: guard, input, the loop, the effect interpreter.
