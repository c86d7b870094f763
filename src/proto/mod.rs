//! Frames and messages between engine and worker (docs/protocol.md). Sans-IO.
//!
//! Invariants: decoding is total (any byte sequence gives frames or an error, never a panic), and never
//! allocates more than a peer has really sent. Used by the engine only.

pub mod frame;
pub mod message;

pub use frame::{Decoder, Frame, FrameError, encode};
pub use message::{FromWorker, Hello, ToWorker};

/// The version that both sides must speak.
pub const VERSION: u32 = 1;
