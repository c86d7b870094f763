//! `heads`: where each run's log ends, kept beside the database.
//!
//! SQLite ends a damaged write-ahead log silently: every later commit vanishes, and what is left is an older
//! but perfectly consistent database. So after each commit the end of each run's chain is written here, with
//! one positioned write of 128 bytes, not synced. Two ends are kept:
//!
//! - the *durable* end, moved only after a commit that was synced: never ahead of the disk;
//! - the *soft* end, moved after every commit, and valid only as long as the machine has not restarted
//!   (commits that were not synced survive a killed process, not a power loss).
//!
//! Invariants: a record is written after the commit it describes; slots are given out and taken back only
//! inside an SQLite write transaction, so that two processes never share one; a record that does not match
//! its checksum is reported and otherwise ignored, the database then stands alone.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::chain::{Link, START};
use super::error::{Result, StoreError};
use crate::base::clock::Micros;
use crate::base::ids::RunId;

/// Bytes of a record; a divisor of the sector size, so that a write is never torn by a power loss.
pub(super) const RECORD: usize = 128;
/// The longest run id that fits.
pub(super) const MAX_UID: usize = 24;
const MAGIC: &[u8; 4] = b"TLH1";
const SUM_AT: usize = 112;

/// Where a run's log ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End {
    /// Sequence number of the last event.
    pub seq: u64,
    /// Link of the last segment.
    pub link: Link,
}

impl End {
    /// Before the first event.
    pub const NONE: End = End { seq: 0, link: START };
}

/// One run's record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub run: RunId,
    pub durable: End,
    pub soft: End,
    /// Digest of the boot during which `soft` was written.
    pub boot: Link,
    /// When the run began, so that a lost run keeps its place among the others; 0 when unknown.
    pub started: Micros,
    /// The last event that is on disk, be it in the log or beside the database (`beside.rs`).
    pub kept: u64,
}

impl Head {
    /// The end that must be in the database if the machine has been up since `boot`.
    pub fn expected(&self, boot: &Link) -> End {
        if *boot == self.boot && self.soft.seq > self.durable.seq { self.soft } else { self.durable }
    }

    pub fn encode(&self) -> Option<[u8; RECORD]> {
        let uid = self.run.as_str().as_bytes();
        let mut out = [0u8; RECORD];
        out[..4].copy_from_slice(MAGIC);
        out.get_mut(4..4 + MAX_UID)?.get_mut(..uid.len())?.copy_from_slice(uid);
        out[28] = u8::try_from(uid.len()).ok()?;
        out[32..40].copy_from_slice(&self.durable.seq.to_le_bytes());
        out[40..56].copy_from_slice(&self.durable.link);
        out[56..64].copy_from_slice(&self.soft.seq.to_le_bytes());
        out[64..80].copy_from_slice(&self.soft.link);
        out[80..96].copy_from_slice(&self.boot);
        out[96..104].copy_from_slice(&self.started.to_le_bytes());
        out[104..112].copy_from_slice(&self.kept.to_le_bytes());
        let sum = checksum(&out);
        out[SUM_AT..].copy_from_slice(&sum);
        Some(out)
    }

    /// `Ok(None)`: a free slot. `Err(())`: not a record.
    pub fn decode(bytes: &[u8; RECORD]) -> std::result::Result<Option<Head>, ()> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if bytes[..4] != *MAGIC || bytes[SUM_AT..] != checksum(bytes) {
            return Err(());
        }
        let uid = bytes.get(4..4 + usize::from(bytes[28]).min(MAX_UID)).ok_or(())?;
        let uid = std::str::from_utf8(uid).map_err(|_| ())?;
        let number = |at: usize| {
            let mut eight = [0u8; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        let link = |at: usize| {
            let mut out = START;
            out.copy_from_slice(&bytes[at..at + 16]);
            out
        };
        Ok(Some(Head {
            run: RunId::from_text(uid),
            durable: End { seq: number(32), link: link(40) },
            soft: End { seq: number(56), link: link(64) },
            boot: link(80),
            started: Micros::from_le_bytes(number(96).to_le_bytes()),
            kept: number(104),
        }))
    }
}

fn checksum(bytes: &[u8; RECORD]) -> Link {
    let mut out = START;
    out.copy_from_slice(&blake3::hash(&bytes[..SUM_AT]).as_bytes()[..16]);
    out
}

/// What the file holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Records with their slots.
    pub heads: Vec<(u64, Head)>,
    /// Slots that hold neither a record nor nothing.
    pub damaged: Vec<u64>,
    free: Option<u64>,
    slots: u64,
}

impl Scan {
    /// The record of a run; the furthest one if a crash left two.
    pub fn of(&self, run: &RunId) -> Option<&Head> {
        self.heads.iter().map(|(_, head)| head).filter(|head| head.run == *run).max_by_key(|h| h.soft.seq)
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Heads {
    file: Option<File>,
    path: PathBuf,
}

impl Heads {
    /// Opens `heads` in the store's folder. Writable: made when absent. Read-only: absent is empty.
    pub fn open(dir: &Path, writable: bool) -> Result<Self> {
        let path = dir.join("heads");
        let mut options = OpenOptions::new();
        options.read(true).write(writable).create(writable).mode(0o600);
        let file = match options.open(&path) {
            Ok(file) => Some(file),
            Err(error) if !writable && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(StoreError::io(&path, "open", error)),
        };
        Ok(Heads { file, path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything. A record that another process is writing just now is read again.
    pub fn scan(&self) -> Result<Scan> {
        let mut scan = Scan::default();
        for attempt in 0..5 {
            scan = self.scan_once()?;
            if scan.damaged.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_micros(100 << attempt));
        }
        Ok(scan)
    }

    fn scan_once(&self) -> Result<Scan> {
        let mut scan = Scan::default();
        let Some(file) = &self.file else { return Ok(scan) };
        let error = |e| StoreError::io(&self.path, "read", e);
        let size = file.metadata().map_err(error)?.len();
        let mut bytes = vec![0u8; usize::try_from(size).unwrap_or(0)];
        let mut have = 0;
        while have < bytes.len() {
            match file.read_at(&mut bytes[have..], have as u64) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(error(e)),
            }
        }
        bytes.truncate(have);
        let (records, rest) = bytes.as_chunks::<RECORD>();
        for (slot, record) in records.iter().enumerate() {
            let slot = slot as u64;
            match Head::decode(record) {
                Ok(Some(head)) => scan.heads.push((slot, head)),
                Ok(None) => scan.free = scan.free.or(Some(slot)),
                Err(()) => scan.damaged.push(slot),
            }
        }
        scan.slots = records.len() as u64;
        if !rest.is_empty() {
            scan.damaged.push(scan.slots);
        }
        Ok(scan)
    }

    /// Takes a slot for a run. Only inside a write transaction.
    pub fn allocate(&self, head: &Head) -> Result<u64> {
        let scan = self.scan()?;
        let mine = scan.heads.iter().find(|(_, other)| other.run == head.run).map(|(slot, _)| *slot);
        let slot = mine.or(scan.free).unwrap_or(scan.slots);
        self.write(slot, head)?;
        Ok(slot)
    }

    /// Writes a record into its slot.
    pub fn write(&self, slot: u64, head: &Head) -> Result<()> {
        let record = head.encode().ok_or_else(|| StoreError::Misuse {
            run: head.run.clone(),
            what: format!("an id has at most {MAX_UID} bytes"),
        })?;
        self.put(slot, &record)
    }

    /// Frees a slot. Only inside a write transaction, or after the one that deleted the run.
    pub fn clear(&self, slot: u64) -> Result<()> {
        self.put(slot, &[0; RECORD])
    }

    fn put(&self, slot: u64, record: &[u8; RECORD]) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.write_all_at(record, slot * RECORD as u64).map_err(|e| StoreError::io(&self.path, "write", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(run: &str, seq: u64) -> Head {
        let end = End { seq, link: [seq as u8; 16] };
        Head {
            run: RunId::from_text(run),
            durable: End::NONE,
            soft: end,
            boot: [9; 16],
            started: seq as i64,
            kept: seq + 2,
        }
    }

    proptest! {
        #[test]
        fn records_round_trip_and_notice_any_flip(
            uid in "[0-9a-f]{1,24}", seq in 1u64.., at in 0usize..RECORD, bit in 0u8..8,
        ) {
            let head = head(&uid, seq);
            let mut bytes = head.encode().unwrap();
            prop_assert_eq!(Head::decode(&bytes), Ok(Some(head)));
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(Head::decode(&bytes), Err(()));
        }
    }

    #[test]
    fn slots_are_reused_and_a_damaged_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let heads = Heads::open(dir.path(), true).unwrap();
        assert_eq!(heads.allocate(&head("aa", 1)).unwrap(), 0);
        assert_eq!(heads.allocate(&head("bb", 1)).unwrap(), 1);
        heads.clear(0).unwrap();
        assert_eq!(heads.allocate(&head("cc", 1)).unwrap(), 0);
        heads.put(0, &[1; RECORD]).unwrap();
        assert_eq!(heads.allocate(&head("dd", 1)).unwrap(), 2);
        assert_eq!(heads.scan().unwrap().damaged, [0]);
    }

    #[test]
    fn the_soft_end_holds_during_one_boot_only() {
        let head = head("aa", 5);
        assert_eq!(head.expected(&[9; 16]).seq, 5);
        assert_eq!(head.expected(&[8; 16]).seq, 0);
    }

    #[test]
    fn an_id_that_does_not_fit_is_refused() {
        assert_eq!(head("0123456789012345678901234", 1).encode(), None);
    }
}
