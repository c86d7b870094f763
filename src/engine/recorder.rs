//! Turns what happens into numbered events, gathered into one batch per turn of the loop.
//!
//! **The one redaction point.** All that a run writes, shows to watchers or prints while it goes on is a [`Pending`], and
//! only this file fills one: events pass [`Recorder::emit`], values [`Recorder::keep`], what streams say
//! [`Recorder::heard`]. Each takes secrets out before anything has a digest, a preview or a place on disk. What a body is
//! given stays as it was: originals of values with secrets are held in memory while the run goes on.

use bytes::Bytes;
use rustc_hash::FxHashMap as HashMap;

use super::secrets::Secrets;
use super::values::{Packer, Ready};
use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::base::secrets::Held;
use crate::engine::core::NodeIx;
use crate::model::{ErrorInfo, Event, EventKind, Stream, ValueRef};

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

/// Numbers events and calls of one run, and takes secrets out of what is recorded.
#[derive(Debug)]
pub struct Recorder {
    seq: u64,
    calls: CallNo,
    /// What is not yet handed to the store.
    pub pending: Pending,
    /// Makes values ready.
    pub packer: Packer,
    /// Values with secrets as they were, by the digest of what is recorded.
    originals: HashMap<Digest, Bytes>,
    /// Ends of what streams said that may become secrets with what follows.
    torn: HashMap<(CallNo, bool), Held>,
}

impl Recorder {
    /// Nothing is recorded yet.
    pub fn new(secrets: &Secrets) -> Self {
        Recorder {
            seq: 0,
            calls: 0,
            pending: Pending::default(),
            packer: Packer::new(secrets),
            originals: HashMap::default(),
            torn: HashMap::default(),
        }
    }

    /// Appends an event.
    pub fn emit(&mut self, at: Micros, mut kind: EventKind) {
        let redactor = self.packer.redactor();
        kind.each_text(&mut |text| redactor.clean(text));
        self.seq += 1;
        self.pending.events.push(Event { seq: self.seq, at, kind });
    }

    /// Takes a value's pieces to be recorded: how it is referred to, and its digest for keys.
    pub fn keep(&mut self, ready: Ready) -> (ValueRef, Digest) {
        self.pending.pieces.extend(ready.pieces);
        if let Some(original) = ready.original {
            self.originals.insert(ready.value.digest, original);
        }
        (ready.value, ready.canonical)
    }

    /// Takes the pieces of what a function reaches.
    pub fn keep_document(&mut self, document: (Digest, Vec<Piece>)) -> Digest {
        self.pending.pieces.extend(document.1);
        document.0
    }

    /// The pickle of a value of this run that held secrets.
    pub fn original(&self, value: &ValueRef) -> Option<Bytes> {
        value.withheld.as_ref().and_then(|_| self.originals.get(&value.digest).cloned())
    }

    /// What of a stream's next piece can be recorded now.
    pub fn heard(&mut self, no: CallNo, stream: Stream, bytes: &[u8]) -> Vec<u8> {
        let place = (no, stream == Stream::Stderr);
        let held = self.torn.entry(place).or_default();
        let clean = held.push(self.packer.redactor(), bytes);
        if held.is_empty() {
            self.torn.remove(&place);
        }
        clean
    }

    /// What is left of a call's streams (with 0: of all) when they have ended.
    pub fn unheard(&mut self, no: CallNo) -> Vec<(CallNo, Stream, Vec<u8>)> {
        if self.torn.is_empty() {
            return Vec::new();
        }
        let mut places: Vec<(CallNo, bool)> =
            self.torn.keys().copied().filter(|(of, _)| no == 0 || *of == no).collect();
        places.sort_unstable();
        let mut out = Vec::new();
        for place in places {
            if let Some(mut held) = self.torn.remove(&place) {
                let stream = if place.1 { Stream::Stderr } else { Stream::Stdout };
                out.push((place.0, stream, held.end(self.packer.redactor())));
            }
        }
        out
    }

    /// An error for eyes that are not Python's.
    pub fn shown(&self, mut error: ErrorInfo) -> ErrorInfo {
        error.each_text(&mut |text| self.packer.redactor().clean(text));
        error
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
