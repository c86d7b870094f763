//! The embedded Python runtime and how it is installed.
