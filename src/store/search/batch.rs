//! Adding to the index: one transaction for what was read of one run.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::error::Result;
use super::super::rows::kind_code;
use super::{Mark, SearchField, SearchIndex};
use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::event::CallAsked;

/// What is added in one transaction. Methods that fail leave it to be dropped, which adds nothing.
pub struct IndexBatch<'i> {
    index: &'i SearchIndex,
    run: i64,
    open: bool,
}

impl SearchIndex {
    /// Begins to add what follows `from` in a run; `None` when another process added it meanwhile: look at
    /// [`SearchIndex::marks`] again.
    pub fn begin(&mut self, run: &RunId, from: u64) -> Result<Option<IndexBatch<'_>>> {
        self.sql(self.db.execute_batch("BEGIN IMMEDIATE"))?;
        let found = (|| {
            let query = "SELECT id, seq FROM runs WHERE uid=?1";
            let known: Option<(i64, i64)> = self
                .db
                .prepare_cached(query)?
                .query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match known {
                Some((id, seq)) => Ok((seq == from as i64).then_some(id)),
                None if from > 0 => Ok(None),
                None => {
                    let insert = "INSERT INTO runs(uid, app, started, seq, done) VALUES (?1, '', 0, 0, 0)";
                    self.db.prepare_cached(insert)?.insert([run.as_str()]).map(Some)
                }
            }
        })();
        let batch = |run: i64, open: bool| IndexBatch { index: self, run, open };
        match self.sql(found) {
            Ok(Some(run)) => Ok(Some(batch(run, true))),
            other => {
                drop(batch(0, true));
                other.map(|_| None)
            }
        }
    }
}

impl IndexBatch<'_> {
    fn db(&self) -> &Connection {
        &self.index.db
    }

    /// What is known of the run from its first event.
    pub fn run(&self, app: &str, started: Micros) -> Result<()> {
        self.index.sql((|| {
            let mut update = self.db().prepare_cached("UPDATE runs SET app=?2, started=?3 WHERE id=?1")?;
            update.execute(params![self.run, app, started]).map(|_| ())
        })())
    }

    /// A call, for its path.
    pub fn call(&self, asked: &CallAsked) -> Result<()> {
        self.index.sql((|| {
            let insert = "INSERT OR REPLACE INTO calls(run, no, parent, kind, function, ordinal) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let kind = kind_code(asked.kind);
            self.db()
                .prepare_cached(insert)?
                .execute(params![self.run, asked.no, asked.parent, kind, asked.function, asked.ordinal])
                .map(|_| ())
        })())
    }

    /// The doc with this digest, and whether it is new: then its text and its parts are to be added. It, or what holds
    /// it, is about to get a place in this field.
    pub fn doc(&self, digest: &Digest, field: SearchField) -> Result<(i64, bool)> {
        let bit = 1 << field.code();
        self.index.sql((|| {
            let known = self
                .db()
                .prepare_cached("SELECT id, fields FROM docs WHERE digest=?1")?
                .query_row([&digest.as_bytes()[..]], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))
                .optional()?;
            let Some((id, fields)) = known else {
                let mut insert = self.db().prepare_cached("INSERT INTO docs(digest, fields) VALUES (?1, ?2)")?;
                let id = insert.insert(params![&digest.as_bytes()[..], bit])?;
                let mut insert = self.db().prepare_cached("INSERT INTO run_docs(run, doc, fields) VALUES (?1, ?2, ?3)")?;
                return insert.execute(params![self.run, id, bit]).map(|_| (id, true));
            };
            if fields & bit == 0 {
                // What has the bit already has it in all its parts: each doc is reached once a field.
                let spread = "WITH RECURSIVE down(id) AS (VALUES (?1) UNION SELECT d.id FROM down \
                                JOIN edges ON edges.parent=down.id JOIN docs d ON d.id=edges.child WHERE d.fields & ?2 = 0) \
                              UPDATE docs SET fields = fields | ?2 WHERE id IN down";
                self.db().prepare_cached(spread)?.execute([id, bit])?;
            }
            self.of_run(id, bit)?;
            Ok((id, false))
        })())
    }

    /// A doc that is known, and its parts, have this field in the run, too.
    fn of_run(&self, id: i64, bit: i64) -> rusqlite::Result<()> {
        let fields: Option<i64> = self
            .db()
            .prepare_cached("SELECT fields FROM run_docs WHERE run=?1 AND doc=?2")?
            .query_row([self.run, id], |row| row.get(0))
            .optional()?;
        if fields.is_some_and(|fields| fields & bit != 0) {
            return Ok(());
        }
        let spread = "WITH RECURSIVE down(id) AS (VALUES (?2) UNION SELECT e.child FROM down \
                        JOIN edges e ON e.parent=down.id LEFT JOIN run_docs r ON r.run=?1 AND r.doc=e.child \
                        WHERE r.fields IS NULL OR r.fields & ?3 = 0) \
                      INSERT INTO run_docs SELECT ?1, id, ?3 FROM down WHERE true \
                      ON CONFLICT (run, doc) DO UPDATE SET fields = fields | ?3";
        self.db().prepare_cached(spread)?.execute([self.run, id, bit]).map(|_| ())
    }

    /// The own text of a new doc.
    pub fn text(&self, doc: i64, text: &str) -> Result<()> {
        self.index.sql((|| {
            let mut insert = self.db().prepare_cached("INSERT INTO texts(rowid, body) VALUES (?1, ?2)")?;
            insert.execute(params![doc, text]).map(|_| ())
        })())
    }

    /// A doc is a part of another one.
    pub fn part(&self, child: i64, parent: i64) -> Result<()> {
        self.index.sql((|| {
            let mut insert =
                self.db().prepare_cached("INSERT OR IGNORE INTO edges(child, parent) VALUES (?1, ?2)")?;
            insert.execute([child, parent]).map(|_| ())
        })())
    }

    /// A doc occurs in a call; the field is that of [`IndexBatch::doc`].
    pub fn place(&self, doc: i64, call: CallNo, field: SearchField, seq: u64) -> Result<()> {
        self.index.sql((|| {
            let insert =
                "INSERT OR IGNORE INTO places(doc, run, call, field, seq) VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut insert = self.db().prepare_cached(insert)?;
            insert.execute(params![doc, self.run, call, field.code(), seq as i64]).map(|_| ())
        })())
    }

    /// Ends the transaction: the run was read so far.
    pub fn commit(mut self, mark: Mark) -> Result<()> {
        let ended = (|| {
            let mut update = self.db().prepare_cached("UPDATE runs SET seq=?2, done=?3 WHERE id=?1")?;
            update.execute(params![self.run, mark.seq as i64, mark.done])?;
            self.db().execute_batch("COMMIT")
        })();
        self.index.sql(ended)?;
        self.open = false;
        Ok(())
    }
}

impl Drop for IndexBatch<'_> {
    fn drop(&mut self) {
        if self.open {
            // What was added is taken back; there is nothing to be done when that fails, too.
            let _ = self.index.db.execute_batch("ROLLBACK");
        }
    }
}
