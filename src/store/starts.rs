//! Events that need no sync, kept beside the database until the next commit takes them along.
//!
//! A call's start has to be written before its body runs, but nobody waits for the disk: it only has to outlive this
//! process. A transaction of SQLite for it would cost as much as the one for its outcome. So it is put into a small
//! file of its run, with one positioned write, and becomes part of the log with what the run commits next, or a
//! moment later when nothing comes (`writer.rs`). When its process ends before that, whoever opens the store next
//! takes it into the log (`runs.rs`).
//!
//! A record is `u32le length | 16 bytes of blake3 over the run and the rest | base sequence number | base link | first
//! sequence number | count | a segment (chain.rs)`, filled up to a multiple of four. The base is the end of the log in the database when it was written:
//! what was committed since has another end, so that nothing is ever taken twice. Records of one base follow each other
//! from the start of the file, and after the last one stands a length that none has; older ones may lie behind it.
//!
//! Invariants: the file has its name only once it is readable, and is so wherever its process is killed: what is not was
//! damaged, or the power was lost before it was on disk. Reading is total, whatever the bytes say.

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
/// In place of a length, after the last record. Not zero, as a lost sector is.
const MARK: [u8; 4] = [0xff; 4];
/// Records begin at multiples of it, so that no length lies in two pages.
const ALIGN: usize = 4;
/// No page of a file is smaller. A write is cut short by a kill only between two pages.
const PAGE: u64 = 4096;
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
        let fresh = dir.join(name(run) + ".new");
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all_at(&MARK, 0)?;
        std::fs::rename(&fresh, path(dir, run))?;
        Ok(Starts { file, base: End::NONE, at: 0 })
    }

    /// Writes events that follow the log's end `base` and what was written since it.
    pub fn write(&mut self, run: &RunId, base: End, events: &[Event]) -> Result<()> {
        let Some(first) = events.first() else { return Ok(()) };
        if base != self.base {
            (self.base, self.at) = (base, 0);
        }
        let segment = chain::encode(events).map_err(Error::other)?;
        let mut body = Vec::with_capacity(HEAD + FIELDS + segment.len() + ALIGN + MARK.len());
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
        body.resize(body.len().next_multiple_of(ALIGN), 0);
        let end = self.at + body.len() as u64;
        body.extend_from_slice(&MARK);
        for (at, bytes) in writes(self.at, &body) {
            self.file.write_all_at(bytes, at)?;
        }
        self.at = end;
        Ok(())
    }
}

/// What is written where, in this order, to add a record with the mark behind it: whichever write is the last, and
/// wherever between two pages it ends, the file is readable. A record in several pages counts only with its length.
fn writes(at: u64, record: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let last = (at + record.len() as u64).saturating_sub(1);
    let several = at / PAGE != last / PAGE;
    let (length, rest) = record.split_at(MARK.len().min(record.len()));
    let one: [(u64, &[u8]); 3] = [(at, record), (at, &[]), (at, &[])];
    let three: [(u64, &[u8]); 3] = [(at, &MARK), (at + MARK.len() as u64, rest), (at, length)];
    (if several { three } else { one }).into_iter().filter(|(_, bytes)| !bytes.is_empty())
}

/// The name of a run's file.
pub(super) fn name(run: &RunId) -> String {
    format!("{PREFIX}{run}")
}

fn path(dir: &Path, run: &RunId) -> PathBuf {
    dir.join(name(run))
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

/// What a run's process wrote beside the log.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Left {
    /// The events that follow the log's end, as far as they can be read.
    pub events: Vec<Event>,
    /// Whether more was there than can be read.
    pub damaged: bool,
}

/// The events that a run's process wrote after the log's end and did not commit.
pub(super) fn left(dir: &Path, run: &RunId, end: End) -> Left {
    let mut left = Left::default();
    let bytes = match std::fs::read(path(dir, run)) {
        Ok(bytes) => bytes,
        Err(error) => {
            left.damaged = error.kind() != std::io::ErrorKind::NotFound;
            return left;
        }
    };
    let mut rest = &bytes[..];
    let mut next = end.seq + 1;
    while !rest.starts_with(&MARK) {
        let Some((body, after)) = record(run, rest) else {
            left.damaged = true;
            return left;
        };
        let number = |at: usize| {
            body.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
        };
        let (seq, first, count) = (number(0), number(24), number(32));
        if seq != end.seq || body.get(8..24) != Some(&end.link[..]) {
            // The log went on since.
            return left;
        }
        match chain::decode(first, count, body.get(FIELDS..).unwrap_or_default()) {
            Ok(more) if first == next => left.events.extend(more),
            _ => {
                left.damaged = true;
                return left;
            }
        }
        next += count;
        rest = after;
    }
    left
}

/// The record at the front, and what follows it.
fn record<'a>(run: &RunId, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let length = u32::from_le_bytes(head.get(..4)?.try_into().ok()?) as usize;
    let (body, after) = rest.split_at_checked(length)?;
    let (filled, after) = after.split_at_checked((HEAD + length).next_multiple_of(ALIGN) - HEAD - length)?;
    let sound = filled.iter().all(|byte| *byte == 0) && sum(run, body) == head.get(4..)?;
    (length >= FIELDS && sound).then_some((body, after))
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

    /// Where the mark behind the last record stands.
    fn starts_at(file: &[u8]) -> u64 {
        let mut at = 0;
        while file[at..at + 4] != MARK {
            let length = u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            at += (HEAD + length).next_multiple_of(ALIGN);
        }
        at as u64
    }

    fn whole(events: Vec<Event>) -> Left {
        Left { events, damaged: false }
    }

    #[test]
    fn what_followed_the_last_commit_is_found_and_what_was_before_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunId::from_text("00aa");
        let mut starts = Starts::create(dir.path(), &run).unwrap();
        assert_eq!(left(dir.path(), &run, base(3)), Left::default());
        starts.write(&run, base(3), &events(4, 2)).unwrap();
        starts.write(&run, base(3), &events(6, 1)).unwrap();
        assert_eq!(left(dir.path(), &run, base(3)), whole(events(4, 3)));
        assert_eq!(left(dir.path(), &run, base(6)), Left::default());
        // Committed: what follows is written over it, and its rest lies behind.
        starts.write(&run, base(6), &events(7, 1)).unwrap();
        assert_eq!(left(dir.path(), &run, base(6)), whole(events(7, 1)));
        assert_eq!(left(dir.path(), &run, base(3)), Left::default());
        assert_eq!(left(dir.path(), &RunId::from_text("00ab"), base(6)), Left::default());
        assert_eq!(runs(dir.path()), std::slice::from_ref(&run));
        remove(dir.path(), &run);
        assert_eq!(left(dir.path(), &run, base(6)), Left::default());
    }

    proptest! {
        #[test]
        fn a_kill_within_a_write_leaves_what_was_there_before(
            counts in prop::collection::vec((1u64..300, any::<bool>()), 1..5),
            write in any::<prop::sample::Index>(),
            pages in any::<prop::sample::Index>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let run = RunId::from_text("00aa");
            let file = path(dir.path(), &run);
            let mut starts = Starts::create(dir.path(), &run).unwrap();
            let (mut end, mut next) = (base(3), 4);
            for (count, commit) in counts {
                if commit {
                    end = base(next - 1);
                }
                let before = std::fs::read(&file).unwrap();
                let old = left(dir.path(), &run, end);
                starts.write(&run, end, &events(next, count)).unwrap();
                next += count;
                let new = left(dir.path(), &run, end);
                prop_assert!(!old.damaged && !new.damaged);

                // The record as it stands, cut off within one of its writes.
                let after = std::fs::read(&file).unwrap();
                let start = if commit || old.events.is_empty() { 0 } else { starts_at(&before) };
                let record = &after[start as usize..starts_at(&after) as usize + MARK.len()];
                let all: Vec<_> = writes(start, record).collect();
                let last = write.index(all.len());
                let mut torn = before.clone();
                for (i, (at, bytes)) in all.iter().enumerate().take(last + 1) {
                    let borders: Vec<usize> = (0..bytes.len()).filter(|n| (at + *n as u64).is_multiple_of(PAGE)).collect();
                    let cut = if i < last { bytes.len() } else { borders.get(pages.index(borders.len() + 1)).copied().unwrap_or(bytes.len()) };
                    let at = *at as usize;
                    torn.resize(torn.len().max(at + cut), 0);
                    torn[at..at + cut].copy_from_slice(&bytes[..cut]);
                }
                std::fs::write(&file, &torn).unwrap();
                let found = left(dir.path(), &run, end);
                prop_assert!(found == old || found == new, "{found:?}");
                std::fs::write(&file, &after).unwrap();
            }
        }

        #[test]
        fn a_damaged_or_cut_file_gives_what_was_whole_and_says_so(at in 0usize..600, bit in 0u8..8, cut in any::<bool>()) {
            let dir = tempfile::tempdir().unwrap();
            let run = RunId::from_text("00aa");
            let mut starts = Starts::create(dir.path(), &run).unwrap();
            let all = events(4, 6);
            for event in &all {
                starts.write(&run, base(3), std::slice::from_ref(event)).unwrap();
            }
            let file = path(dir.path(), &run);
            let mut bytes = std::fs::read(&file).unwrap();
            let record = (bytes.len() - MARK.len()) / 6;
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            std::fs::write(&file, bytes).unwrap();
            let found = left(dir.path(), &run, base(3));
            prop_assert!(found.damaged);
            prop_assert_eq!(&found.events[..], &all[..at / record]);
        }
    }
}
