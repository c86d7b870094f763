//! Opening a store, and the connections that read it.
//!
//! Invariants: the folder is private (0700, files 0600) and ignored by git; a read-only store changes nothing
//! in its folder; nothing here opens `store.db` as a plain file while SQLite has it open (closing such a file
//! would drop SQLite's locks).

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rusqlite::Connection;

use super::commit::Committer;
use super::error::{Result, StoreError};
use super::heads::Heads;
use super::nodes::{Known, NodeRules};
use super::owner::Owner;
use super::schema;
use super::shared::Shared;
use super::writer::Writer;
use crate::base::clock::{Clock, SystemClock};

/// How long a connection waits for another process.
pub(super) const BUSY: Duration = Duration::from_secs(30);
/// Read connections kept open.
const POOL: usize = 4;

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// What is known about the values in it.
    pub nodes: NodeRules,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Options { nodes: NodeRules::default(), clock: Arc::new(SystemClock) }
    }
}

/// A checkpoint store: cheap to clone, safe to share between threads. Its methods block on the disk.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub dir: PathBuf,
    pub file: PathBuf,
    /// What SQLite is told to open.
    target: PathBuf,
    pub writable: bool,
    pub heads: Heads,
    pub me: Owner,
    pub options: Options,
    pub known: Arc<Mutex<Known>>,
    // Dropped in this order: the writer's connection goes last and moves what is left of the log.
    watch: Mutex<Connection>,
    pool: Mutex<Vec<Connection>>,
    writer: OnceLock<Writer>,
    starting: Mutex<()>,
    pub shared: Shared,
    /// Holds the copy that a read-only folder with an unfinished log is read from.
    _copy: Option<tempfile::TempDir>,
}

impl Store {
    /// Opens the store in `dir` (a project's `.tl-bench`), making both when absent. Runs whose engine is dead
    /// are marked interrupted.
    pub fn open(dir: &Path, options: Options) -> Result<Store> {
        prepare_folder(dir)?;
        let file = dir.join("store.db");
        if !file.exists() {
            schema::create(dir, &file)?;
        }
        let heads = Heads::open(dir, true)?;
        let target = file.clone();
        let first = connect(&file, &target, true)?;
        schema::check(&first, &file, true)?;
        let store = Store::assemble(dir, file, target, true, heads, options, first, None)?;
        store.mark_interrupted()?;
        Ok(store)
    }

    /// Opens an existing store without changing anything; [`StoreError::Absent`] when there is none.
    pub fn open_read_only(dir: &Path, options: Options) -> Result<Store> {
        let file = dir.join("store.db");
        if !file.exists() {
            return Err(StoreError::Absent { file });
        }
        let heads = Heads::open(dir, false)?;
        let target = file.clone();
        let attempt =
            connect(&file, &target, false).and_then(|db| schema::check(&db, &file, false).map(|()| db));
        match attempt {
            Ok(first) => Store::assemble(dir, file, target, false, heads, options, first, None),
            Err(StoreError::Sqlite { .. } | StoreError::ReadOnly { .. } | StoreError::Io { .. }) => {
                // SQLite cannot make its index of the log here. A private copy can have one.
                Store::open_copy(dir, file, heads, options)
            }
            Err(error) => Err(error),
        }
    }

    fn open_copy(dir: &Path, file: PathBuf, heads: Heads, options: Options) -> Result<Store> {
        let log = dir.join("store.db-wal");
        if std::fs::metadata(&log).map_or(0, |meta| meta.len()) == 0 {
            // Nothing but the database: it can be read in place, as a file that never changes.
            let target = immutable(&file);
            let first = connect(&file, &target, false)?;
            schema::check(&first, &file, false)?;
            return Store::assemble(dir, file, target, false, heads, options, first, None);
        }
        let io = |e| StoreError::io(&file, "copy to a temporary folder", e);
        let copy = tempfile::Builder::new().prefix("tl-bench-").tempdir().map_err(io)?;
        let target = copy.path().join("store.db");
        std::fs::copy(&file, &target).map_err(io)?;
        std::fs::copy(&log, copy.path().join("store.db-wal")).map_err(io)?;
        let mut writable = std::fs::metadata(&target).map_err(io)?.permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut writable, 0o600);
        std::fs::set_permissions(&target, writable).map_err(io)?;
        let first = connect(&file, &target, false)?;
        schema::check(&first, &file, false)?;
        Store::assemble(dir, file, target, false, heads, options, first, Some(copy))
    }

    #[expect(clippy::too_many_arguments, reason = "private, called three times, each with all of them")]
    fn assemble(
        dir: &Path,
        file: PathBuf,
        target: PathBuf,
        writable: bool,
        heads: Heads,
        options: Options,
        first: Connection,
        copy: Option<tempfile::TempDir>,
    ) -> Result<Store> {
        let watch = connect(&file, &target, writable)?;
        let inner = Inner {
            dir: dir.to_owned(),
            file,
            target,
            writable,
            heads,
            me: Owner::me(),
            options,
            known: Arc::default(),
            pool: Mutex::new(vec![first]),
            watch: Mutex::new(watch),
            writer: OnceLock::new(),
            starting: Mutex::new(()),
            shared: Shared::default(),
            _copy: copy,
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Whether it was opened for writing.
    pub fn is_writable(&self) -> bool {
        self.inner.writable
    }

    /// The handle to the writer thread, which starts with the first call.
    pub fn writer(&self) -> Result<Writer> {
        let inner = &self.inner;
        if let Some(writer) = inner.writer.get() {
            return Ok(writer.clone());
        }
        let _one_at_a_time = inner.starting.lock();
        if let Some(writer) = inner.writer.get() {
            return Ok(writer.clone());
        }
        let db = self.write_connection()?;
        let heads = Heads::open(&inner.dir, true)?;
        let known = inner.known.clone();
        let (clock, children) = (inner.options.clock.clone(), inner.options.nodes.children);
        let committer = Committer::new(db, inner.file.clone(), heads, clock, known.clone(), children);
        let writer = Writer::start(committer, known, children)
            .map_err(|e| StoreError::io(&inner.file, "start the writer thread", e))?;
        Ok(inner.writer.get_or_init(|| writer).clone())
    }

    /// A connection of its own for changes outside a run (pins, deletion, gc).
    pub(super) fn write_connection(&self) -> Result<Connection> {
        if !self.inner.writable {
            return Err(StoreError::ReadOnly {
                file: self.inner.file.clone(),
                what: "it was opened for reading".to_owned(),
            });
        }
        let db = connect(&self.inner.file, &self.inner.target, true)?;
        db.execute_batch("PRAGMA synchronous=FULL")
            .map_err(|e| StoreError::sql(&self.inner.file, "open", e))?;
        Ok(db)
    }

    /// Runs `act` on a read connection, inside one read transaction.
    pub(super) fn read<T>(&self, what: &str, act: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let inner = &self.inner;
        if let Some(writer) = inner.writer.get() {
            writer.settle();
        }
        let pooled = inner.pool.lock().ok().and_then(|mut pool| pool.pop());
        let db = match pooled {
            Some(db) => db,
            None => connect(&inner.file, &inner.target, inner.writable)?,
        };
        let sql = |e| StoreError::sql(&inner.file, what, e);
        db.prepare_cached("BEGIN").and_then(|mut s| s.execute([])).map_err(sql)?;
        let outcome = act(&db);
        // Ending a read transaction cannot lose anything; a connection that fails to is dropped.
        if db.prepare_cached("COMMIT").and_then(|mut s| s.execute([])).is_ok()
            && let Ok(mut pool) = inner.pool.lock()
            && pool.len() < POOL
        {
            pool.push(db);
        }
        outcome
    }

    /// Changes whenever any process committed something; cheap (microseconds).
    pub fn change_counter(&self) -> i64 {
        let Ok(db) = self.inner.watch.lock() else { return 0 };
        db.prepare_cached("PRAGMA data_version")
            .and_then(|mut s| s.query_row([], |row| row.get(0)))
            .unwrap_or(-1)
    }

    pub(super) fn sql<T>(&self, what: &str, outcome: rusqlite::Result<T>) -> Result<T> {
        outcome.map_err(|e| StoreError::sql(&self.inner.file, what, e))
    }
}

fn connect(file: &Path, target: &Path, writable: bool) -> Result<Connection> {
    let sql = |e| StoreError::sql(file, "open", e);
    let db = Connection::open_with_flags(target, schema::flags(writable)).map_err(sql)?;
    db.busy_timeout(BUSY).map_err(sql)?;
    db.set_prepared_statement_cache_capacity(64);
    // No mmap: a file that shrinks under it would kill the process. The log is moved by the writer alone.
    db.execute_batch(
        "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA wal_autocheckpoint=0; \
         PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY;",
    )
    .map_err(sql)?;
    Ok(db)
}

/// The file as an SQLite URI that promises nobody writes it.
fn immutable(file: &Path) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut uri = b"file:".to_vec();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            _ => uri.push(*byte),
        }
    }
    uri.extend_from_slice(b"?immutable=1");
    PathBuf::from(std::ffi::OsString::from_vec(uri))
}

fn prepare_folder(dir: &Path) -> Result<()> {
    let error = |e| StoreError::io(dir, "create", e);
    if !dir.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(error)?;
        // The folder's own name must outlive a power loss, too.
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(error)?;
    }
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let outcome = options.open(&ignore).and_then(|mut file| std::io::Write::write_all(&mut file, b"*\n"));
        outcome.map_err(|e| StoreError::io(&ignore, "write", e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beside_the_database_counts_as_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let before = store.file_bytes();
        for (name, bytes) in [("beside-000000000001", 5000), ("starts-000000000002", 300), ("other", 7)] {
            std::fs::write(dir.path().join(name), vec![0; bytes]).unwrap();
        }
        assert_eq!(store.file_bytes(), before + 5300);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_read_in_place_or_from_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (at, copy) = (dir.path().join("100% sure?#"), dir.path().join("copy"));
        let store = Store::open(&at, Options::default()).unwrap();
        let db = store.write_connection().unwrap();
        db.execute("INSERT INTO gone(uid) VALUES ('x')", []).unwrap();
        std::fs::create_dir(&copy).unwrap();
        for name in ["store.db", "store.db-wal"] {
            std::fs::copy(at.join(name), copy.join(name)).unwrap();
        }
        drop(db);
        drop(store);
        assert!(!at.join("store.db-wal").exists(), "the last connection empties the log");
        for folder in [at, copy] {
            let heads = Heads::open(&folder, false).unwrap();
            let store =
                Store::open_copy(&folder, folder.join("store.db"), heads, Options::default()).unwrap();
            let gone = store.read("test", |db| store.is_gone(db, &crate::base::ids::RunId::from_text("x")));
            assert!(gone.unwrap());
            assert!(!folder.join("store.db-shm").exists());
        }
    }
}
