//! Turns what happens into numbered events, gathered into one batch per turn of the loop.

use crate::base::clock::Micros;
use crate::base::ids::CallNo;
use crate::engine::core::NodeIx;
use crate::model::{Event, EventKind};

/// A piece of a value for the store.
pub use crate::store::Node as Piece;

/// What to do once a batch is on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Send this attempt to its worker.
    Start(NodeIx, u32),
    /// Hand the outcome to whoever asked.
    Deliver(NodeIx),
    /// The run is over.
    Finish,
}

/// What one turn of the loop wants written.
#[derive(Debug, Default)]
pub struct Pending {
    /// Events, in order.
    pub events: Vec<Event>,
    /// Pieces of values that the events refer to.
    pub pieces: Vec<Piece>,
    /// Whether it must be on disk before anything goes on.
    pub durable: bool,
    /// What follows.
    pub then: Vec<Then>,
}

/// Numbers events and calls of one run.
#[derive(Debug, Default)]
pub struct Recorder {
    seq: u64,
    calls: CallNo,
    /// What is not yet handed to the store.
    pub pending: Pending,
}

impl Recorder {
    /// Appends an event.
    pub fn emit(&mut self, at: Micros, kind: EventKind) {
        self.seq += 1;
        self.pending.events.push(Event { seq: self.seq, at, kind });
    }

    /// The next call's number.
    pub fn next_call(&mut self) -> CallNo {
        self.calls += 1;
        self.calls
    }

    /// Calls that have a number.
    pub fn calls(&self) -> CallNo {
        self.calls
    }

    /// Takes what was gathered, if anything.
    pub fn take(&mut self) -> Option<Pending> {
        if self.pending.events.is_empty() && self.pending.then.is_empty() {
            return None;
        }
        Some(std::mem::take(&mut self.pending))
    }
}
