//! The log of changes of code that the user declared harmless (`tl-bench accept`).
//!
//! Rows are only added, with numbers from 1 without gaps: taking a declaration back is a row, too. When a row is
//! damaged or missing, it may have been such a row: then no declaration before it counts, and calls execute.

use rusqlite::{Connection, params};

use super::error::{Result, StoreError};
use super::open::Store;
use super::rows::accepted_sum;
use crate::base::digest::Digest;
use crate::model::Accepted;

/// A change to declare harmless.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The function.
    pub function: String,
    /// Its code digest before.
    pub old: Digest,
    /// Its code digest after.
    pub new: Digest,
}

/// Everything that was declared.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AcceptedLog {
    /// The declarations, oldest first.
    pub declarations: Vec<Accepted>,
    /// What is wrong with the log; the declarations before that place are left out.
    pub damage: Option<String>,
}

struct Row {
    one: Accepted,
    revokes: Option<i64>,
}

impl Store {
    /// What was declared, with what was taken back marked so.
    pub fn accepted(&self) -> Result<AcceptedLog> {
        self.read("read accepted changes", |db| self.accepted_in(db))
    }

    /// Declares changes harmless, all or none. Returns their declarations; one that is in force already is not
    /// made again.
    pub fn accept(&self, changes: &[Change], note: Option<&str>) -> Result<Vec<Accepted>> {
        let db = self.write_connection()?;
        self.accept_with(&db, changes, note)
    }

    fn accept_with(&self, db: &Connection, changes: &[Change], note: Option<&str>) -> Result<Vec<Accepted>> {
        let at = self.inner.options.clock.now();
        self.immediate(db, "accept changes", |db| {
            let known = self.accepted_in(db)?.declarations;
            let mut made = Vec::new();
            for change in changes {
                let same = |one: &&Accepted| {
                    one.revoked.is_none()
                        && (one.old, one.new) == (change.old, change.new)
                        && one.function == change.function
                };
                if let Some(one) = known.iter().find(same) {
                    made.push(one.clone());
                    continue;
                }
                let one = Accepted {
                    id: self.next(db)?,
                    at,
                    function: change.function.clone(),
                    old: change.old,
                    new: change.new,
                    note: note.map(str::to_owned),
                    revoked: None,
                };
                self.sql("accept a change", add(db, &one, None))?;
                made.push(one);
            }
            Ok(made)
        })
    }

    /// Takes a declaration back. `None` when there is no such declaration in force.
    pub fn revoke(&self, id: i64) -> Result<Option<Accepted>> {
        let db = self.write_connection()?;
        let at = self.inner.options.clock.now();
        self.immediate(&db, "revoke an accepted change", |db| {
            let declarations = self.accepted_in(db)?.declarations;
            let Some(one) = declarations.into_iter().find(|one| one.id == id && one.revoked.is_none()) else {
                return Ok(None);
            };
            let row = Accepted { id: self.next(db)?, at, note: None, ..one.clone() };
            self.sql("revoke an accepted change", add(db, &row, Some(id)))?;
            Ok(Some(Accepted { revoked: Some(at), ..one }))
        })
    }

    fn accepted_in(&self, db: &Connection) -> Result<AcceptedLog> {
        match read(db) {
            Ok(log) => Ok(log),
            Err(error) if super::history::is_damage(&error) => {
                let damage = Some(format!("the accepted changes cannot be read ({error})"));
                Ok(AcceptedLog { declarations: Vec::new(), damage })
            }
            Err(error) => Err(StoreError::sql(&self.inner.file, "read accepted changes", error)),
        }
    }

    fn next(&self, db: &Connection) -> Result<i64> {
        let next = db.query_row("SELECT ifnull(max(id), 0) + 1 FROM accepted", [], |row| row.get(0));
        self.sql("accept a change", next)
    }
}

fn read(db: &Connection) -> rusqlite::Result<AcceptedLog> {
    let mut query =
        db.prepare_cached("SELECT id, at, revokes, function, old, new, note, sum FROM accepted ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut log = AcceptedLog::default();
    let mut due = 1;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let found = read_row(row).ok().flatten();
        if id != due {
            log.damage = Some(format!("accepted change #{due} is missing"));
            log.declarations.clear();
        }
        due = id.saturating_add(1);
        match found {
            None => {
                log.damage = Some(format!("accepted change #{id} is damaged"));
                log.declarations.clear();
            }
            Some(Row { one, revokes: Some(revokes) }) => {
                if let Some(before) = log.declarations.iter_mut().find(|before| before.id == revokes) {
                    before.revoked = Some(one.at);
                }
            }
            Some(Row { one, revokes: None }) => log.declarations.push(one),
        }
    }
    Ok(log)
}

/// `None` when the row does not match its checksum.
fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Row>> {
    let digest = |at: usize| -> rusqlite::Result<Option<Digest>> {
        Ok(row.get_ref(at)?.as_blob().ok().and_then(Digest::from_slice))
    };
    let (Some(old), Some(new)) = (digest(4)?, digest(5)?) else { return Ok(None) };
    let one = Accepted {
        id: row.get(0)?,
        at: row.get(1)?,
        function: row.get(3)?,
        old,
        new,
        note: row.get(6)?,
        revoked: None,
    };
    let revokes = row.get(2)?;
    Ok((row.get::<_, i64>(7)? == accepted_sum(&one, revokes)).then_some(Row { one, revokes }))
}

fn add(db: &Connection, one: &Accepted, revokes: Option<i64>) -> rusqlite::Result<()> {
    let values = params![
        one.id,
        one.at,
        revokes,
        one.function,
        one.old.as_bytes(),
        one.new.as_bytes(),
        one.note,
        accepted_sum(one, revokes),
    ];
    db.prepare_cached(
        "INSERT INTO accepted(id, at, revokes, function, old, new, note, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(values)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Options;

    fn change(function: &str, old: &str, new: &str) -> Change {
        Change {
            function: function.to_owned(),
            old: Digest::of(old.as_bytes()),
            new: Digest::of(new.as_bytes()),
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        (dir, store)
    }

    fn force(store: &Store) -> Vec<i64> {
        let log = store.accepted().unwrap();
        log.declarations.iter().filter(|one| one.revoked.is_none()).map(|one| one.id).collect()
    }

    #[test]
    fn what_is_declared_is_kept_and_taken_back_but_never_forgotten() {
        let (dir, store) = store();
        let made = store.accept(&[change("f", "a", "b"), change("g", "a", "b")], Some("wording")).unwrap();
        assert_eq!(made.iter().map(|one| one.id).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(store.accept(&[change("f", "a", "b")], None).unwrap()[0].id, 1, "in force already");
        assert_eq!(store.revoke(1).unwrap().unwrap().function, "f");
        assert_eq!(store.revoke(1).unwrap(), None, "taken back already");
        assert_eq!(store.revoke(3).unwrap(), None, "3 is the taking back itself");
        assert_eq!(store.accept(&[change("f", "a", "b")], None).unwrap()[0].id, 4);
        drop(store);
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let log = store.accepted().unwrap();
        assert_eq!(log.damage, None);
        assert_eq!(log.declarations.len(), 3);
        assert_eq!(log.declarations[0].note.as_deref(), Some("wording"));
        assert!(log.declarations[0].revoked.is_some());
        assert_eq!(force(&store), [2, 4]);
    }

    #[test]
    fn a_declaration_fails_as_a_whole() {
        let (_dir, store) = store();
        let db = store.write_connection().unwrap();
        db.execute_batch(
            "CREATE TEMP TRIGGER stop BEFORE INSERT ON main.accepted WHEN NEW.id = 2 BEGIN SELECT RAISE(ABORT, 'x'); END",
        )
        .unwrap();
        let outcome = store.accept_with(&db, &[change("f", "a", "b"), change("g", "a", "b")], None);
        assert!(outcome.is_err());
        assert!(force(&store).is_empty());
    }

    #[test]
    fn nothing_counts_that_a_damaged_or_missing_row_may_have_taken_back() {
        for damage in ["UPDATE accepted SET function='x' WHERE id=2", "DELETE FROM accepted WHERE id=2"] {
            let (_dir, store) = store();
            store.accept(&[change("f", "a", "b")], None).unwrap();
            store.revoke(1).unwrap();
            store.accept(&[change("g", "a", "b")], None).unwrap();
            store.write_connection().unwrap().execute(damage, []).unwrap();
            assert_eq!(force(&store), [3], "{damage}");
            let log = store.accepted().unwrap();
            assert!(log.damage.unwrap().contains("#2"));
            let found = store.integrity_check().unwrap();
            assert!(found.iter().any(|finding| finding.damage && finding.text.contains("#2")), "{found:?}");
        }
    }
}
