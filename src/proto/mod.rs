//! Frames and messages between engine and worker (docs/protocol.md). Sans-IO.
