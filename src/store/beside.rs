//! What a run records beside the database until the next commit takes it along.
//!
//! A transaction of SQLite for each call's start and each outcome would cost more than everything else that the engine does for a
//! call. So small batches go into a file of their run, with one positioned write, and become part of the log with
//! what the run commits next, or a moment later when nothing comes (`writer.rs`). A start only has to outlive this
//! process and is not synced; an outcome is, before its caller sees it. When the process ends before they are in the log,
//! whoever opens the store next takes them into it (`runs.rs`).
//!
//! A record is `u32le length | 16 bytes of blake3 over the run and the rest | base sequence number | base link | first
//! sequence number | count | u32le length of the segment | a segment (chain.rs) | values, each its digest, u32le length and bytes`, filled up
//! to a multiple of four. The base is the end of the log in the database when it was written:
//! what was committed since has another end, so that nothing is ever taken twice. Records of one base follow each other
//! from the start of the file, and after the last one stands a length that none has; older ones may lie behind it.
//!
//! Invariants: the file has its name only once it is readable, and is so wherever its process is killed: what is not was
//! damaged, or the power was lost before it was on disk. A synced record is written over only when the log that holds it is
//! synced (`commit/hold.rs`). Reading is total, whatever the bytes say.
//!
//! Programs that knew the third format only put starts there, in `starts-RUN`: records without the length of the segment
//! and without values. Such files are read and never written. One may also appear after the store was brought up to
//! date, when its program still ran.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::chain::{self, Link, START};
use super::heads::End;
use super::nodes::Node;
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::model::Event;

const PREFIX: &str = "beside-";
/// How names of files of the third format began.
const STARTS: &str = "starts-";
/// Length and digest.
const HEAD: usize = 20;
/// In place of a length, after the last record. Not zero, as a lost sector is.
const MARK: [u8; 4] = [0xff; 4];
/// Records begin at multiples of it, so that no length lies in two pages.
const ALIGN: usize = 4;
/// No page of a file is smaller. A write is cut short by a kill only between two pages.
const PAGE: u64 = 4096;
/// Base, first sequence number, count.
const PLACE: usize = 8 + 16 + 8 + 8;
/// The place, and the length of the segment.
const FIELDS: usize = PLACE + 4;
/// Digest and length of a value.
const VALUE: usize = 32 + 4;
/// Room that is made at once: a sync of a file that grows takes longer (`room.rs`).
const ROOM: u64 = 64 * 1024;
/// The longest that a file gets.
pub(super) const MOST: u64 = 1024 * 1024;

/// The file of a run that this process records.
#[derive(Debug)]
pub(super) struct Beside {
    file: File,
    path: PathBuf,
    base: End,
    at: u64,
    /// How long the file is.
    size: u64,
    /// Whether a power loss leaves the file its name.
    named: bool,
}

impl Beside {
    /// Makes the file of a run.
    pub fn create(dir: &Path, run: &RunId) -> Result<Self> {
        let fresh = dir.join(name(run) + ".new");
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all_at(&MARK, 0)?;
        std::fs::rename(&fresh, path(dir, run))?;
        let size = MARK.len() as u64;
        Ok(Beside { file, path: path(dir, run), base: End::NONE, at: 0, size, named: false })
    }

    /// Writes events that follow the log's end `base` and what was written since it, and values that they refer to.
    pub fn write(&mut self, run: &RunId, base: End, events: &[Event], nodes: &[&Node]) -> Result<()> {
        let Some(first) = events.first() else { return Ok(()) };
        if base != self.base {
            (self.base, self.at) = (base, 0);
        }
        let segment = chain::encode(events).map_err(Error::other)?;
        let values: usize = nodes.iter().map(|node| VALUE + node.data.len()).sum();
        let length = FIELDS + segment.len() + values;
        let mut record = Vec::with_capacity(HEAD + length + ALIGN + MARK.len());
        record.extend_from_slice(&u32::try_from(length).map_err(Error::other)?.to_le_bytes());
        record.resize(HEAD, 0);
        record.extend_from_slice(&base.seq.to_le_bytes());
        record.extend_from_slice(&base.link);
        record.extend_from_slice(&first.seq.to_le_bytes());
        record.extend_from_slice(&(events.len() as u64).to_le_bytes());
        record.extend_from_slice(&u32::try_from(segment.len()).map_err(Error::other)?.to_le_bytes());
        record.extend_from_slice(&segment);
        for node in nodes {
            record.extend_from_slice(node.digest.as_bytes());
            record.extend_from_slice(&u32::try_from(node.data.len()).map_err(Error::other)?.to_le_bytes());
            record.extend_from_slice(&node.data);
        }
        let sum = sum(run, &record[HEAD..]);
        record[4..HEAD].copy_from_slice(&sum);
        record.resize(record.len().next_multiple_of(ALIGN), 0);
        let end = self.at + record.len() as u64;
        record.extend_from_slice(&MARK);
        if end + MARK.len() as u64 > MOST {
            return Err(Error::other("it is full"));
        }
        self.lengthen(end + MARK.len() as u64)?;
        for (at, bytes) in writes(self.at, &record) {
            self.file.write_all_at(bytes, at)?;
        }
        self.at = end;
        Ok(())
    }

    /// Returns when everything that was written is on disk, where it is looked for.
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync_data()?;
        if !self.named {
            File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
            self.named = true;
        }
        if self.is_gone() { Err(Error::other("its name is gone")) } else { Ok(()) }
    }

    /// Whether nobody will find the file: it was deleted, perhaps by a process that took this one for dead.
    pub fn is_gone(&self) -> bool {
        // Asked by name: who asks an open file for its links asks for its times, too, and makes the next sync write them.
        access(&self.path, AccessFlags::F_OK) == Err(Errno::ENOENT)
    }

    fn lengthen(&mut self, end: u64) -> Result<()> {
        if end > self.size {
            let wanted = (2 * end).next_multiple_of(ROOM).min(MOST);
            let zeros = vec![0; usize::try_from(wanted - self.size).map_err(Error::other)?];
            self.file.write_all_at(&zeros, self.size)?;
            self.size = wanted;
        }
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
fn name(run: &RunId) -> String {
    format!("{PREFIX}{run}")
}

fn starts(run: &RunId) -> String {
    format!("{STARTS}{run}")
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
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The events that follow the log's end, as far as they can be read.
    pub events: Vec<Event>,
    /// Values that they refer to.
    pub nodes: Vec<Node>,
    /// Whether more was there than can be read.
    pub damaged: bool,
    /// Whether the system would not let it be read at all.
    pub refused: bool,
    /// The name of the file.
    pub file: String,
}

/// The events that a run's process wrote after the log's end and did not commit.
pub(super) fn left(dir: &Path, run: &RunId, end: End) -> Left {
    let absent = |read: &Result<Vec<u8>>| read.as_ref().is_err_and(|e| e.kind() == ErrorKind::NotFound);
    let mut left = Left { file: name(run), ..Left::default() };
    let mut read = std::fs::read(dir.join(&left.file));
    let mut old = false;
    if absent(&read) {
        let older = std::fs::read(dir.join(starts(run)));
        if !absent(&older) {
            (read, left.file, old) = (older, starts(run), true);
        }
    }
    left.refused = read.is_err() && !absent(&read);
    let Ok(bytes) = read else { return left };
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
        let said = body.get(PLACE..).unwrap_or_default();
        let parts = if old { Some((said, Vec::new())) } else { parts(said) };
        match parts.and_then(|(segment, nodes)| Some((chain::decode(first, count, segment).ok()?, nodes))) {
            Some((events, nodes)) if first == next => {
                left.events.extend(events);
                left.nodes.extend(nodes);
            }
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
    (length >= PLACE && sound).then_some((body, after))
}

/// The segment of a record, and the values after it.
fn parts(bytes: &[u8]) -> Option<(&[u8], Vec<Node>)> {
    let (segment, mut rest) = sized(bytes)?;
    let mut nodes = Vec::new();
    while !rest.is_empty() {
        let (digest, after) = rest.split_at_checked(32)?;
        let (data, after) = sized(after)?;
        nodes.push(Node { digest: Digest::from_slice(digest)?, data: Bytes::copy_from_slice(data) });
        rest = after;
    }
    Some((segment, nodes))
}

/// The bytes whose length stands before them, and what follows.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// The runs that have such a file.
pub(super) fn runs(dir: &Path) -> Vec<RunId> {
    files(dir).map(|(run, _)| run).collect()
}

/// How many bytes such files have.
pub(super) fn bytes(dir: &Path) -> u64 {
    files(dir).filter_map(|(_, file)| Some(file.metadata().ok()?.len())).sum()
}

fn files(dir: &Path) -> impl Iterator<Item = (RunId, std::fs::DirEntry)> {
    std::fs::read_dir(dir).into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        let run = name.strip_prefix(PREFIX).or(name.strip_prefix(STARTS)).map(RunId::from_text)?;
        Some((run, entry))
    })
}

/// Removes the file of a run. One that is left does no harm: its records follow no log any more.
pub(super) fn remove(dir: &Path, run: &RunId) {
    for name in [name(run), starts(run)] {
        let _ = std::fs::remove_file(dir.join(name));
    }
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

    /// As many values as `sizes` says, each with bytes of its own.
    fn nodes(sizes: &[usize]) -> Vec<Node> {
        let data = sizes.iter().enumerate().map(|(i, size)| Bytes::from(vec![i as u8; *size]));
        data.map(|data| Node { digest: Digest::of(&data), data }).collect()
    }

    fn write(beside: &mut Beside, run: &RunId, base: End, events: &[Event], nodes: &[Node]) {
        beside.write(run, base, events, &nodes.iter().collect::<Vec<_>>()).unwrap();
    }

    /// What is left, with the values as bytes.
    fn seen(dir: &Path, run: &RunId, end: End) -> (Vec<Event>, Vec<(Digest, Bytes)>, bool) {
        let Left { events, nodes, damaged, .. } = left(dir, run, end);
        (events, nodes.into_iter().map(|node| (node.digest, node.data)).collect(), damaged)
    }

    fn whole(events: Vec<Event>) -> (Vec<Event>, Vec<(Digest, Bytes)>, bool) {
        (events, vec![], false)
    }

    #[test]
    fn what_followed_the_last_commit_is_found_and_what_was_before_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunId::from_text("00aa");
        let mut beside = Beside::create(dir.path(), &run).unwrap();
        assert_eq!(seen(dir.path(), &run, base(3)), whole(vec![]));
        write(&mut beside, &run, base(3), &events(4, 2), &[]);
        write(&mut beside, &run, base(3), &events(6, 1), &[]);
        assert_eq!(seen(dir.path(), &run, base(3)), whole(events(4, 3)));
        assert_eq!(seen(dir.path(), &run, base(6)), whole(vec![]));
        // Committed: what follows is written over it, and its rest lies behind.
        write(&mut beside, &run, base(6), &events(7, 1), &[]);
        assert_eq!(seen(dir.path(), &run, base(6)), whole(events(7, 1)));
        assert_eq!(seen(dir.path(), &run, base(3)), whole(vec![]));
        assert_eq!(seen(dir.path(), &RunId::from_text("00ab"), base(6)), whole(vec![]));
        assert_eq!(runs(dir.path()), std::slice::from_ref(&run));
        remove(dir.path(), &run);
        assert_eq!(seen(dir.path(), &run, base(6)), whole(vec![]));
    }

    proptest! {
        #[test]
        fn a_kill_within_a_write_leaves_what_was_there_before(
            counts in prop::collection::vec((1u64..300, any::<bool>(), prop::collection::vec(0usize..6_000, 0..4)), 1..5),
            last in any::<prop::sample::Index>(),
            pages in any::<prop::sample::Index>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let run = RunId::from_text("00aa");
            let file = path(dir.path(), &run);
            let mut beside = Beside::create(dir.path(), &run).unwrap();
            let (mut end, mut next) = (base(3), 4);
            for (count, commit, sizes) in counts {
                if commit {
                    end = base(next - 1);
                }
                let before = std::fs::read(&file).unwrap();
                let old = seen(dir.path(), &run, end);
                write(&mut beside, &run, end, &events(next, count), &nodes(&sizes));
                beside.sync().unwrap();
                next += count;
                let new = seen(dir.path(), &run, end);
                prop_assert!(!old.2 && !new.2);

                // The record as it stands, cut off within one of its writes.
                let after = std::fs::read(&file).unwrap();
                let start = if commit || old.0.is_empty() { 0 } else { starts_at(&before) };
                let record = &after[start as usize..starts_at(&after) as usize + MARK.len()];
                let all: Vec<_> = writes(start, record).collect();
                let last = last.index(all.len());
                let mut torn = before.clone();
                for (i, (at, bytes)) in all.iter().enumerate().take(last + 1) {
                    let borders: Vec<usize> = (0..bytes.len()).filter(|n| (at + *n as u64).is_multiple_of(PAGE)).collect();
                    let cut = if i < last { bytes.len() } else { borders.get(pages.index(borders.len() + 1)).copied().unwrap_or(bytes.len()) };
                    let at = *at as usize;
                    torn.resize(torn.len().max(at + cut), 0);
                    torn[at..at + cut].copy_from_slice(&bytes[..cut]);
                }
                std::fs::write(&file, &torn).unwrap();
                let found = seen(dir.path(), &run, end);
                prop_assert!(found == old || found == new, "{found:?}");
                std::fs::write(&file, &after).unwrap();
            }
        }

        #[test]
        fn a_damaged_or_cut_file_gives_what_was_whole_and_says_so(at in 0usize..600, bit in 0u8..8, cut in any::<bool>()) {
            let dir = tempfile::tempdir().unwrap();
            let run = RunId::from_text("00aa");
            let mut beside = Beside::create(dir.path(), &run).unwrap();
            let all = events(4, 6);
            for event in &all {
                write(&mut beside, &run, base(3), std::slice::from_ref(event), &[]);
            }
            let file = path(dir.path(), &run);
            let mut bytes = std::fs::read(&file).unwrap();
            let used = starts_at(&bytes) as usize + MARK.len();
            let record = (used - MARK.len()) / 6;
            let at = at % used;
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            std::fs::write(&file, bytes).unwrap();
            let found = left(dir.path(), &run, base(3));
            prop_assert!(found.damaged);
            prop_assert_eq!(&found.events[..], &all[..at / record]);
        }
    }
}
