//! What the scheduler asks of the store, as a seam for tests.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::{RunHistory, ValueRef};

/// A value that was recorded cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// The store does not have it (any more), or what it has is damaged: treat the checkpoint as absent.
    #[error("{0}")]
    Absent(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

/// Recorded calls, each with its run.
pub type Found = Vec<(RunId, CallNo)>;

/// Recorded runs and values. Calls may block for as long as the store reads.
pub trait Checkpoints: Send + Sync {
    /// The pickle of a recorded value.
    fn load(&self, value: &ValueRef) -> Result<Bytes, LoadError>;
    /// These values will be loaded soon: reading them together costs less. May do nothing.
    fn ahead(&self, _values: &[&ValueRef]) {}
    /// A run, as far as it was recorded, closed if its engine is dead.
    fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String>;
    /// For each of these fingerprints the calls of any run whose fingerprint begins like it, newest run first.
    fn candidates(&self, fingerprints: &[Digest]) -> Result<Vec<Found>, String>;
}

/// Recorded runs in memory; their values are empty.
#[cfg(test)]
pub struct InMemory(pub Vec<Arc<RunHistory>>);

#[cfg(test)]
impl Checkpoints for InMemory {
    fn load(&self, _: &ValueRef) -> Result<Bytes, LoadError> {
        Ok(Bytes::new())
    }

    fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String> {
        self.0.iter().find(|one| one.id == *run).cloned().ok_or_else(|| "no such run".to_owned())
    }

    fn candidates(&self, fingerprints: &[Digest]) -> Result<Vec<Found>, String> {
        let made_by = |fingerprint: &Digest| -> Found {
            let calls = self.0.iter().flat_map(|run| run.calls.iter().map(|call| (run.id.clone(), call)));
            calls
                .filter(|(_, call)| call.fingerprint() == *fingerprint)
                .map(|(run, call)| (run, call.no))
                .collect()
        };
        Ok(fingerprints.iter().map(made_by).collect())
    }
}
