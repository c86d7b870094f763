//! Events that need no sync, kept beside the database until the next commit takes them along.
//!
//! A call's start has to be written before its body runs, but nobody waits for the disk: it only has to outlive this
//! process. A transaction of SQLite for it would cost as much as the one for its outcome. So it is put into a small
//! file of its run, with one positioned write, and becomes part of the log with what the run commits next, or a
//! moment later when nothing comes (`writer.rs`). When its process ends before that, whoever opens the store next
//! takes it into the log (`runs.rs`).
//!
//! A record is `u32le length | 16 bytes of blake3 over the run and the rest | base sequence number | base link | first
//! sequence number | count | a segment (chain.rs)`. The base is the end of the log in the database when it was written:
//! what was committed since has another end, so that nothing is ever taken twice. Records of one base follow each other
//! from the start of the file; older ones may lie behind them.
//!
//! Invariants: a record is whole or ends the reading; reading is total, whatever the bytes say.

use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::chain::{self, Link, START};
use super::heads::End;
use crate::base::ids::RunId;
use crate::model::Event;

const PREFIX: &str = "starts-";
/// Length and digest.
const HEAD: usize = 20;
/// Base, first sequence number, count.
const FIELDS: usize = 8 + 16 + 8 + 8;

/// The file of a run that this process records.
#[derive(Debug)]
pub(super) struct Starts {
    file: File,
    base: End,
    at: u64,
}

impl Starts {
    /// Makes the file of a run.
    pub fn create(dir: &Path, run: &RunId) -> Result<Self> {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path(dir, run))?;
        Ok(Starts { file, base: End::NONE, at: 0 })
    }

    /// Writes events that follow the log's end `base` and what was written since it.
    pub fn write(&mut self, run: &RunId, base: End, events: &[Event]) -> Result<()> {
        let Some(first) = events.first() else { return Ok(()) };
        if base != self.base {
            (self.base, self.at) = (base, 0);
        }
        let segment = chain::encode(events).map_err(Error::other)?;
        let mut body = Vec::with_capacity(HEAD + FIELDS + segment.len());
        body.extend_from_slice(&[0; HEAD]);
        body.extend_from_slice(&base.seq.to_le_bytes());
        body.extend_from_slice(&base.link);
        body.extend_from_slice(&first.seq.to_le_bytes());
        body.extend_from_slice(&(events.len() as u64).to_le_bytes());
        body.extend_from_slice(&segment);
        let length = u32::try_from(body.len() - HEAD).map_err(Error::other)?;
        let sum = sum(run, &body[HEAD..]);
        body[..4].copy_from_slice(&length.to_le_bytes());
        body[4..HEAD].copy_from_slice(&sum);
        self.file.write_all_at(&body, self.at)?;
        self.at += body.len() as u64;
        Ok(())
    }
}

fn path(dir: &Path, run: &RunId) -> PathBuf {
    dir.join(format!("{PREFIX}{run}"))
}

fn sum(run: &RunId, body: &[u8]) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(run.as_str().len() as u64).to_le_bytes());
    hasher.update(run.as_str().as_bytes());
    hasher.update(body);
    let mut out = START;
    out.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    out
}

/// The events that a run's process wrote after the log's end and did not commit.
pub(super) fn left(dir: &Path, run: &RunId, end: End) -> Vec<Event> {
    let bytes = std::fs::read(path(dir, run)).unwrap_or_default();
    let mut events = Vec::new();
    let mut rest = &bytes[..];
    let mut next = end.seq + 1;
    while let Some((body, after)) = record(run, rest) {
        let number = |at: usize| {
            body.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
        };
        let (seq, first, count) = (number(0), number(24), number(32));
        if seq != end.seq || body.get(8..24) != Some(&end.link[..]) || first != next {
            break;
        }
        let Ok(more) = chain::decode(first, count, body.get(FIELDS..).unwrap_or_default()) else { break };
        next += count;
        events.extend(more);
        rest = after;
    }
    events
}

/// The record at the front, and what follows it.
fn record<'a>(run: &RunId, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let length = u32::from_le_bytes(head.get(..4)?.try_into().ok()?) as usize;
    let (body, after) = rest.split_at_checked(length)?;
    (length >= FIELDS && sum(run, body) == head.get(4..)?).then_some((body, after))
}

/// The runs that have such a file.
pub(super) fn runs(dir: &Path) -> Vec<RunId> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| Some(RunId::from_text(name.strip_prefix(PREFIX)?))).collect()
}

/// Removes the file of a run. One that is left does no harm: its records follow no log any more.
pub(super) fn remove(dir: &Path, run: &RunId) {
    let _ = std::fs::remove_file(path(dir, run));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventKind;
    use proptest::prelude::*;

    fn events(first: u64, count: u64) -> Vec<Event> {
        (first..first + count)
            .map(|seq| Event {
                seq,
                at: seq as i64,
                kind: EventKind::CallStarted { no: seq as u32, attempt: 1, worker: 2 },
            })
            .collect()
    }

    fn base(seq: u64) -> End {
        End { seq, link: [seq as u8; 16] }
    }

    #[test]
    fn what_followed_the_last_commit_is_found_and_what_was_before_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunId::from_text("00aa");
        let mut starts = Starts::create(dir.path(), &run).unwrap();
        starts.write(&run, base(3), &events(4, 2)).unwrap();
        starts.write(&run, base(3), &events(6, 1)).unwrap();
        assert_eq!(left(dir.path(), &run, base(3)), events(4, 3));
        assert_eq!(left(dir.path(), &run, base(6)), []);
        // Committed: what follows is written over it, and its rest lies behind.
        starts.write(&run, base(6), &events(7, 1)).unwrap();
        assert_eq!(left(dir.path(), &run, base(6)), events(7, 1));
        assert_eq!(left(dir.path(), &run, base(3)), []);
        assert_eq!(left(dir.path(), &RunId::from_text("00ab"), base(6)), []);
        assert_eq!(runs(dir.path()), std::slice::from_ref(&run));
        remove(dir.path(), &run);
        assert_eq!(left(dir.path(), &run, base(6)), []);
    }

    proptest! {
        #[test]
        fn a_damaged_or_cut_file_gives_what_was_whole(at in 0usize..600, bit in 0u8..8, cut in any::<bool>()) {
            let dir = tempfile::tempdir().unwrap();
            let run = RunId::from_text("00aa");
            let mut starts = Starts::create(dir.path(), &run).unwrap();
            let all = events(4, 6);
            for event in &all {
                starts.write(&run, base(3), std::slice::from_ref(event)).unwrap();
            }
            let file = path(dir.path(), &run);
            let mut bytes = std::fs::read(&file).unwrap();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            let record = bytes.len().max(1) / if cut { 1 } else { 6 };
            std::fs::write(&file, bytes).unwrap();
            let found = left(dir.path(), &run, base(3));
            prop_assert_eq!(&found[..], &all[..found.len()]);
            prop_assert!(cut || found.len() == at / record);
        }
    }
}
