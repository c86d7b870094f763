//! The index of full-text search: `search.db` beside the store.
//!
//! Derived data in a file of its own, for three reasons: recording a run never waits for it, the store's format
//! stays small, and it can be deleted at any time. It is brought up to date when somebody searches, from a mark for
//! each run; one transaction moves the mark and adds what was read, so that a process that is killed loses nothing
//! but time. Two processes may do so at once.
//!
//! The index holds words, not texts. Docs are content-addressed like the nodes of values: what many calls share is
//! indexed once, `edges` lead from a part to the values that hold it, `places` from a value to calls.
//!
//! Invariants: a file that is damaged or of another format is made again, never repaired; nothing here is proof of
//! anything: who shows a match reads it from the store.

mod batch;
mod query;

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::error::{Result, StoreError};
use super::open::{BUSY, Store};
use crate::base::ids::RunId;

pub use batch::IndexBatch;
pub use query::{Link, Matches, PlaceFilter, SearchPlace, SearchPlaces};

/// Raised with every change of `schema.sql` or of what is made a doc: the index is then made again.
const FORMAT: &str = "2";

const SCHEMA: &str = include_str!("schema.sql");

/// Where a text occurs in a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum SearchField {
    /// In its arguments.
    Input,
    /// In its output.
    Output,
    /// In what it wrote.
    Log,
    /// In its errors, those of earlier attempts too.
    Error,
}

impl SearchField {
    /// All, in the order in which they are shown.
    pub const ALL: [SearchField; 4] =
        [SearchField::Input, SearchField::Output, SearchField::Log, SearchField::Error];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            SearchField::Input => "input",
            SearchField::Output => "output",
            SearchField::Log => "log",
            SearchField::Error => "error",
        }
    }

    fn code(self) -> i64 {
        SearchField::ALL.iter().position(|field| *field == self).map_or(0, |at| at as i64)
    }

    fn from_code(code: i64) -> Option<Self> {
        SearchField::ALL.get(usize::try_from(code).ok()?).copied()
    }
}

/// How far a run was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// The last event that is in the index.
    pub seq: u64,
    /// Whether nothing more will come.
    pub done: bool,
}

/// How large the index is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IndexSize {
    /// Runs that are in it, at least in part.
    pub runs: u64,
    /// Texts.
    pub texts: u64,
    /// Bytes of its file.
    pub bytes: u64,
}

/// The open index.
pub struct SearchIndex {
    db: Connection,
    file: PathBuf,
}

impl SearchIndex {
    /// The index of a store; made when absent, made again when it is damaged or of another format. For a store that
    /// is only read, an index in memory.
    pub fn open(store: &Store) -> Result<SearchIndex> {
        let file = store.dir().join("search.db");
        if !store.is_writable() {
            let index = SearchIndex { db: Connection::open_in_memory().map_err(|e| sql(&file, e))?, file };
            index.make()?;
            return Ok(index);
        }
        match SearchIndex::open_file(&file) {
            Ok(index) => Ok(index),
            Err(error) if error.is_damage() => {
                SearchIndex::remove(store)?;
                SearchIndex::open_file(&file)
            }
            Err(error) => Err(error),
        }
    }

    /// The index as it is, for a look at it; `None` when there is none.
    pub fn look(store: &Store) -> Result<Option<SearchIndex>> {
        let file = store.dir().join("search.db");
        if !file.exists() {
            return Ok(None);
        }
        let db = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let index = SearchIndex { db, file };
        if index.format()?.as_deref() != Some(FORMAT) {
            return Err(StoreError::damaged(&index.file, "it is of another format"));
        }
        Ok(Some(index))
    }

    /// Deletes the index. Who has it open goes on with what is deleted.
    pub fn remove(store: &Store) -> Result<()> {
        for name in ["search.db", "search.db-wal", "search.db-shm"] {
            let file = store.dir().join(name);
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::io(&file, "delete", error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn open_file(file: &Path) -> Result<SearchIndex> {
        // SQLite would make it readable for whom the umask allows.
        let made =
            std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file);
        made.map_err(|error| StoreError::io(file, "create", error))?;
        let index =
            SearchIndex { db: connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?, file: file.to_owned() };
        match index.format()? {
            Some(format) if format == FORMAT => Ok(index),
            Some(_) => Err(StoreError::damaged(file, "it is of another format")),
            None => index.make().map(|()| index),
        }
    }

    /// The format of the file; `None` when it is empty.
    fn format(&self) -> Result<Option<String>> {
        let tables: i64 =
            self.sql(self.db.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)))?;
        if tables == 0 {
            return Ok(None);
        }
        self.sql(self.db.query_row("SELECT value FROM meta WHERE key='format'", [], |r| r.get(0))).map(Some)
    }

    fn make(&self) -> Result<()> {
        let mode = "PRAGMA journal_mode=WAL";
        self.sql(self.db.query_row(mode, [], |_| Ok(())))?;
        self.sql(self.db.execute_batch("BEGIN IMMEDIATE"))?;
        let made = (|| {
            // Another process may have been faster.
            if self.format()?.is_none() {
                self.sql(self.db.execute_batch(SCHEMA))?;
                self.sql(self.db.execute("INSERT INTO meta VALUES ('format', ?1)", [FORMAT]))?;
            }
            self.sql(self.db.execute_batch("COMMIT"))
        })();
        if made.is_err() {
            let _ = self.db.execute_batch("ROLLBACK");
        }
        made
    }

    /// How far each run was read.
    pub fn marks(&self) -> Result<HashMap<RunId, Mark>> {
        self.sql((|| {
            let mut query = self.db.prepare_cached("SELECT uid, seq, done FROM runs")?;
            let rows = query.query_map([], |row| {
                let uid: String = row.get(0)?;
                let mark = Mark { seq: row.get::<_, i64>(1)?.max(0) as u64, done: row.get(2)? };
                Ok((RunId::from_text(&uid), mark))
            })?;
            rows.collect()
        })())
    }

    /// Forgets every run but these, and the texts that only they had. How many runs were forgotten.
    pub fn keep_only(&mut self, runs: &HashSet<RunId>) -> Result<u64> {
        let gone: Vec<RunId> = self.marks()?.into_keys().filter(|run| !runs.contains(run)).collect();
        if gone.is_empty() {
            return Ok(0);
        }
        self.immediate(|db| {
            for run in &gone {
                let id: i64 = db.query_row("SELECT id FROM runs WHERE uid=?1", [run.as_str()], |r| r.get(0))?;
                for table in ["calls", "places", "run_docs"] {
                    db.execute(&format!("DELETE FROM {table} WHERE run=?1"), [id])?;
                }
                db.execute("DELETE FROM runs WHERE id=?1", [id])?;
            }
            // Parts go when the last value that holds them went.
            loop {
                let batch = "CREATE TEMP TABLE unused AS SELECT id FROM docs \
                             WHERE id NOT IN (SELECT doc FROM places) AND id NOT IN (SELECT child FROM edges)";
                db.execute_batch(batch)?;
                db.execute("DELETE FROM texts WHERE rowid IN (SELECT id FROM unused)", [])?;
                db.execute("DELETE FROM edges WHERE parent IN (SELECT id FROM unused)", [])?;
                let deleted = db.execute("DELETE FROM docs WHERE id IN (SELECT id FROM unused)", [])?;
                db.execute_batch("DROP TABLE unused")?;
                if deleted == 0 {
                    break;
                }
            }
            // Deleted words would stay in the file until their segment is merged.
            db.execute("INSERT INTO texts(texts) VALUES ('optimize')", [])?;
            Ok(())
        })?;
        self.sql(self.db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"))?;
        Ok(gone.len() as u64)
    }

    /// What is wrong with the index; empty when nothing is.
    pub fn check(&self) -> Result<Vec<String>> {
        let rows: Vec<String> = self.sql((|| {
            let mut query = self.db.prepare("PRAGMA quick_check(5)")?;
            query.query_map([], |row| row.get(0))?.collect()
        })())?;
        let mut wrong: Vec<String> = rows.into_iter().filter(|row| row != "ok").collect();
        if let Err(error) = self.db.execute("INSERT INTO texts(texts) VALUES ('integrity-check')", []) {
            wrong.push(error.to_string());
        }
        Ok(wrong)
    }

    /// How large it is.
    pub fn size(&self) -> Result<IndexSize> {
        let number = |sql: &str| -> Result<u64> {
            Ok(self.sql(self.db.query_row(sql, [], |row| row.get::<_, i64>(0)))?.max(0) as u64)
        };
        Ok(IndexSize {
            runs: number("SELECT count(*) FROM runs")?,
            texts: number("SELECT count(*) FROM docs")?,
            bytes: number("PRAGMA page_count")? * number("PRAGMA page_size")?,
        })
    }

    fn immediate<T>(&mut self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.sql(self.db.execute_batch("BEGIN IMMEDIATE"))?;
        let outcome = act(&self.db).and_then(|done| self.db.execute_batch("COMMIT").map(|()| done));
        if outcome.is_err() {
            let _ = self.db.execute_batch("ROLLBACK");
        }
        self.sql(outcome)
    }

    fn sql<T>(&self, outcome: rusqlite::Result<T>) -> Result<T> {
        outcome.map_err(|error| sql(&self.file, error))
    }
}

fn sql(file: &Path, error: rusqlite::Error) -> StoreError {
    StoreError::sql(file, "search", error)
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection> {
    let db = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let db = db.map_err(|error| sql(file, error))?;
    let set = db.busy_timeout(BUSY).and_then(|()| {
        db.set_prepared_statement_cache_capacity(64);
        // Losing the latest part in a power loss costs only reading it again.
        db.execute_batch(
            "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA synchronous=NORMAL; \
             PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;",
        )
    });
    set.map(|()| db).map_err(|error| sql(file, error))
}

#[cfg(test)]
mod tests;
