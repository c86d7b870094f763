//! Names of runs and calls.
//!
//! A run's id is 12 hex digits, made at random. A call is numbered within its run from 1 (the
//! application's own call); its public id is 12 hex digits derived from run and number, so it
//! needs no storage.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, hex};

/// The public id of a run: 12 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// An id from 64 random bits.
    pub fn from_random(bits: u64) -> Self {
        RunId(hex(&bits.to_be_bytes()[..6]).into())
    }

    /// Reads an id that was printed before (no check that such a run exists).
    pub fn from_text(text: &str) -> Self {
        RunId(text.into())
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first four digits, for lists where space is short.
    pub fn short(&self) -> &str {
        self.0.get(..4).unwrap_or(&self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a call within its run; 1 is the application's own call, 0 is "no call".
pub type CallNo = u32;

/// The public id of a call: 12 hex digits.
pub fn call_id(run: &RunId, call: CallNo) -> String {
    hex(&Digest::of_parts(&[run.as_str().as_bytes(), &call.to_le_bytes()]).as_bytes()[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_twelve_digits() {
        let run = RunId::from_random(u64::MAX / 7);
        assert_eq!(run.as_str().len(), 12);
        assert_eq!(call_id(&run, 1).len(), 12);
        assert_ne!(call_id(&run, 1), call_id(&run, 2));
    }
}
