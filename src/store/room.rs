//! Room at the end of SQLite's write-ahead log, made before it is needed.
//!
//! A sync of a file that has become longer waits twice: for its bytes, and for the file system's own log, in which the new
//! length stands. So the log is made longer ahead of the commits, with zeros, in steps that double: a commit then
//! writes over blocks that are there, and its sync takes half as long. SQLite ends its log at the first frame that
//! does not match its sum, as zeros do not, whatever the length of the file; it does the same itself with what is left of a
//! log that it begins anew.
//!
//! Invariants: bytes are only added behind the end of the file, and only within a write transaction of SQLite, so that nobody
//! writes a frame there meanwhile. That no room can be made fails nothing: commits then make it themselves.

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::schema::PAGE;

/// Of a log, before the first frame; and of a frame, before its page (SQLite's file format, section 4).
const LOG_HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;
/// So much is written in one go, and it is the first room that a log gets.
const STEP: usize = 256 * 1024;
/// More than most commits take. What takes more is long to write anyway.
const MARGIN: u64 = 64 * 1024;
/// Logs are moved into the database when they are as long as this (`commit/mod.rs`), and start over.
const MOST: u64 = 20 * 1024 * 1024;

/// What is known of a connection's log.
#[derive(Debug)]
pub(super) struct Room {
    log: PathBuf,
    file: Option<File>,
    /// Pages in the log after this connection's last commit.
    pages: Arc<AtomicU64>,
    /// `pages` when the room was looked at last.
    seen: u64,
    /// The least that the file is long.
    size: u64,
    refused: bool,
}

impl Room {
    /// Watches the log of the connection that writes `file`.
    pub fn of(db: &mut Connection, file: &Path) -> Self {
        let pages = Arc::new(AtomicU64::new(0));
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let told = pages.clone();
        let watched = db.wal_hook(Some(move |_: &mut _, now: std::ffi::c_int| {
            told.store(u64::try_from(now).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }));
        Room { log: log.into(), file: None, pages, seen: 0, size: 0, refused: watched.is_err() }
    }

    /// Makes the log longer when the next commit may find no room. Within a write transaction only.
    pub fn make(&mut self) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.seen {
            // It started over, perhaps after somebody cut it off.
            self.size = 0;
        }
        self.seen = pages;
        let used = LOG_HEAD + pages * (FRAME_HEAD + u64::from(PAGE));
        if self.refused || used + MARGIN <= self.size || used >= MOST {
            return;
        }
        match self.lengthen(used) {
            Ok(size) => self.size = size,
            Err(_) => self.refused = true,
        }
    }

    fn lengthen(&mut self, used: u64) -> Result<u64> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).open(&self.log)?,
        };
        let mut size = file.metadata()?.len();
        let wanted = (2 * used).next_multiple_of(STEP as u64).min(MOST);
        if used + MARGIN > size {
            let (zeros, before) = (vec![0; STEP], size);
            while size < wanted {
                if let Err(error) = file.write_all_at(&zeros, size) {
                    // What is left of a full disk is for others.
                    file.set_len(before)?;
                    return Err(error);
                }
                size += STEP as u64;
            }
        }
        self.file = Some(file);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Options, Store};
    use proptest::prelude::*;

    fn length(dir: &Path) -> u64 {
        std::fs::metadata(dir.join("store.db-wal")).unwrap().len()
    }

    /// Commits a row of `bytes` bytes the way the writer does.
    fn commit(db: &Connection, room: Option<&mut Room>, row: usize, bytes: usize) {
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        room.into_iter().for_each(Room::make);
        let value = format!("{row:x}").repeat(bytes);
        db.execute("INSERT INTO meta(key, value) VALUES (?1, ?2)", [format!("row {row}"), value]).unwrap();
        db.execute_batch("COMMIT").unwrap();
    }

    fn rows(db: &Connection) -> usize {
        let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
        db.query_row("SELECT count(*) FROM meta WHERE key LIKE 'row %'", [], |row| row.get::<_, i64>(0))
            .unwrap() as usize
    }

    #[test]
    fn small_commits_do_not_make_the_log_longer() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let mut db = store.write_connection().unwrap();
        let mut room = Room::of(&mut db, &dir.path().join("store.db"));
        let mut lengths = Vec::new();
        for row in 0..200 {
            commit(&db, Some(&mut room), row, 3_000);
            lengths.push(length(dir.path()));
        }
        lengths.dedup();
        assert!(lengths.len() <= 6, "{lengths:?}");
        assert!(lengths.iter().all(|length| length % STEP as u64 == 0), "{lengths:?}");
    }

    #[test]
    fn a_log_that_cannot_be_made_longer_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let mut db = store.write_connection().unwrap();
        let mut room = Room::of(&mut db, &dir.path().join("another.db"));
        commit(&db, Some(&mut room), 1, 10);
        assert!(room.refused);
        commit(&db, Some(&mut room), 2, 10);
        assert_eq!(rows(&db), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn nothing_is_lost_whoever_else_writes_or_cuts_the_log(steps in prop::collection::vec((0u8..6, 0usize..90_000), 1..40)) {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path(), Options::default()).unwrap();
            let mut db = store.write_connection().unwrap();
            let other = store.write_connection().unwrap();
            let mut room = Room::of(&mut db, &dir.path().join("store.db"));
            let mut written = 0;
            for (step, bytes) in steps {
                match step {
                    0..=2 => commit(&db, Some(&mut room), written, bytes),
                    3 => commit(&other, None, written, bytes),
                    4 => other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap(),
                    _ => other.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap(),
                }
                written += usize::from(step <= 3);
                // As it is found after a kill.
                let killed = tempfile::tempdir().unwrap();
                for name in ["store.db", "store.db-wal"] {
                    std::fs::copy(dir.path().join(name), killed.path().join(name)).unwrap();
                }
                prop_assert_eq!(rows(&Connection::open(killed.path().join("store.db")).unwrap()), written);
            }
            prop_assert_eq!(rows(&other), written);
        }
    }
}
