//! The format of the database: numbered migrations, and the checks made before anything is trusted.
//!
//! Invariants: a migration is never edited once released (a test knows its digest); a database of a later
//! format is never touched; a new database appears under its name complete or not at all.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error::{Result, StoreError};
use crate::base::digest::Digest;

/// The migrations in order: the n-th leads to format n.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/001_initial.sql"),
    include_str!("schema/002_accepted.sql"),
    include_str!("schema/003_references.sql"),
    include_str!("schema/004_beside.sql"),
];

/// The newest format known here.
pub(super) const FORMAT: i64 = MIGRATIONS.len() as i64;

/// Bytes of a database page.
pub(super) const PAGE: u32 = 4096;

/// Digest (first 16 hex digits) of `sqlite_schema` at [`FORMAT`]: a flipped bit there would change what SQL means.
const SHAPE: &str = "e5d69a005b75c8b2";

/// Makes a new database at `file`. Complete when it gets its name; a rival's that was faster is kept.
pub(super) fn create(dir: &Path, file: &Path) -> Result<()> {
    let error = |e| StoreError::io(file, "create", e);
    let fresh = tempfile::Builder::new().prefix("new-").suffix(".db").tempfile_in(dir).map_err(error)?;
    let sql = |e| StoreError::sql(file, "create", e);
    let db = Connection::open(fresh.path()).map_err(sql)?;
    db.execute_batch(&format!("PRAGMA page_size={PAGE}; PRAGMA auto_vacuum=INCREMENTAL;")).map_err(sql)?;
    let mode: String = db.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0)).map_err(sql)?;
    if mode != "wal" {
        return Err(StoreError::ReadOnly { file: file.to_owned(), what: format!("journal mode {mode}") });
    }
    migrate(&db, file, 0)?;
    db.close().map_err(|(_, e)| sql(e))?;
    fresh.as_file().sync_all().map_err(error)?;
    match std::fs::hard_link(fresh.path(), file) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(error(e)),
        _ => std::fs::File::open(dir).and_then(|folder| folder.sync_all()).map_err(error),
    }
}

/// Brings an older format up to date, all or nothing.
fn migrate(db: &Connection, file: &Path, from: i64) -> Result<()> {
    let sql = |e| StoreError::sql(file, "migrate", e);
    db.execute_batch("BEGIN IMMEDIATE").map_err(sql)?;
    let outcome = (|| {
        for migration in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
            db.execute_batch(migration)?;
        }
        db.execute_batch(&format!("PRAGMA user_version={FORMAT}"))?;
        let mut put = db.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES (?1, ?2)")?;
        put.execute(("format", FORMAT.to_string()))?;
        put.execute(("written_by", env!("CARGO_PKG_VERSION")))?;
        db.execute("INSERT OR IGNORE INTO meta(key, value) VALUES ('epoch', '0')", [])?;
        db.execute_batch("COMMIT")
    })();
    if let Err(error) = outcome {
        // The first error is the one to tell.
        let _ = db.execute_batch("ROLLBACK");
        return Err(sql(error));
    }
    Ok(())
}

/// Checks that an open database is ours, of a known format, and as it was made; migrates it when `writable`.
pub(super) fn check(db: &Connection, file: &Path, writable: bool) -> Result<()> {
    let sql = |e| StoreError::sql(file, "open", e);
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sql)?;
    let meta = |key: &str| -> rusqlite::Result<String> {
        db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
    };
    let noted = meta("format").map_err(sql)?;
    if noted != version.to_string() {
        return Err(StoreError::damaged(
            file,
            format!("its header says format {version}, its table {noted}"),
        ));
    }
    if version > FORMAT {
        let by = meta("written_by").unwrap_or_else(|_| "of a later version".to_owned());
        return Err(StoreError::Newer { file: file.to_owned(), found: version, known: FORMAT, by });
    }
    if version < FORMAT {
        if !writable {
            return Err(StoreError::Older { file: file.to_owned(), found: version });
        }
        migrate(db, file, version)?;
    }
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(sql)?;
    if mode != "wal" && writable {
        return Err(StoreError::damaged(file, format!("its header asks for journal mode {mode}")));
    }
    if shape(db).map_err(sql)? != SHAPE {
        return Err(StoreError::damaged(file, "its tables are not as they were made"));
    }
    Ok(())
}

fn shape(db: &Connection) -> rusqlite::Result<String> {
    let mut query =
        db.prepare("SELECT type || name || tbl_name || ifnull(sql, '') FROM sqlite_schema ORDER BY name")?;
    let rows: rusqlite::Result<Vec<String>> = query.query_map([], |row| row.get(0))?.collect();
    Ok(Digest::of(rows?.join("\0").as_bytes()).hex()[..16].to_owned())
}

/// Flags for an ordinary connection.
pub(super) fn flags(writable: bool) -> OpenFlags {
    let access = if writable { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests of released migrations: a line is added, never changed.
    const RELEASED: &[&str] =
        &["1d2345c6da6ba259", "43e1e0c1dfc17858", "04569196e7431d6c", "7e24575e270857e8"];

    #[test]
    fn released_migrations_never_change() {
        let now: Vec<String> =
            MIGRATIONS.iter().map(|sql| Digest::of(sql.as_bytes()).hex()[..16].to_owned()).collect();
        assert_eq!(now, RELEASED);
    }

    #[test]
    fn an_older_store_is_brought_up_to_date_when_it_may_be_written_and_else_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store.db");
        let db = Connection::open(&file).unwrap();
        db.execute_batch("PRAGMA journal_mode=WAL").unwrap();
        db.execute_batch(MIGRATIONS[0]).unwrap();
        db.execute_batch(
            "PRAGMA user_version=1; INSERT INTO meta(key, value) VALUES ('format', '1'), ('epoch', '0');
             INSERT INTO gone(uid) VALUES ('x');",
        )
        .unwrap();
        drop(db);
        let options = || crate::store::Options::default();
        let refused = crate::store::Store::open_read_only(dir.path(), options()).err().unwrap();
        assert!(matches!(refused, StoreError::Older { found: 1, .. }), "{refused}");
        let store = crate::store::Store::open(dir.path(), options()).unwrap();
        assert!(store.accepted().unwrap().declarations.is_empty());
        let gone =
            store.read("test", |db| store.is_gone(db, &crate::base::ids::RunId::from_text("x"))).unwrap();
        assert!(gone, "what was in it is there");
        drop(store);
        assert!(crate::store::Store::open_read_only(dir.path(), options()).is_ok());
    }

    #[test]
    fn the_shape_is_that_of_the_last_migration() {
        let db = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            db.execute_batch(migration).unwrap();
        }
        assert_eq!(shape(&db).unwrap(), SHAPE);
    }
}
