//! The health of a store: sizes for people, and a check of everything that can be checked.

use rusqlite::Connection;

use super::error::{NodeError, Result};
use super::nodes::digest_of;
use super::open::Store;
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::model::CallStatus;

/// Something that the check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The run that it concerns, if one.
    pub run: Option<RunId>,
    /// Whether data was lost or changed; otherwise a remark.
    pub damage: bool,
    /// One sentence.
    pub text: String,
}

/// How large the store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// Runs.
    pub runs: u64,
    /// Rows of calls and operations.
    pub calls: u64,
    /// Values.
    pub nodes: u64,
    /// Bytes of values before compression.
    pub node_bytes: u64,
    /// Bytes of all files.
    pub file_bytes: u64,
    /// Bytes inside the database that nothing uses.
    pub free_bytes: u64,
}

impl Store {
    /// How large the store is.
    pub fn size(&self) -> Result<Size> {
        self.read("measure", |db| {
            let number = |sql: &str| -> Result<u64> {
                Ok(self.sql("measure", db.query_row(sql, [], |row| row.get::<_, i64>(0)))?.max(0) as u64)
            };
            Ok(Size {
                runs: number("SELECT count(*) FROM runs")?,
                calls: number("SELECT count(*) FROM calls")?,
                nodes: number("SELECT count(*) FROM nodes")?,
                node_bytes: number("SELECT ifnull(sum(size), 0) FROM nodes")?,
                file_bytes: self.file_bytes(),
                free_bytes: number("PRAGMA freelist_count")? * number("PRAGMA page_size")?,
            })
        })
    }

    pub(super) fn file_bytes(&self) -> u64 {
        let database: u64 = ["store.db", "store.db-wal", "store.db-shm", "heads"]
            .iter()
            .filter_map(|name| std::fs::metadata(self.inner.dir.join(name)).ok())
            .map(|meta| meta.len())
            .sum();
        database + super::beside::bytes(&self.inner.dir)
    }

    /// Checks everything: SQLite's structures, every log link by link, every derived row against the log, every
    /// value against its digest, and `heads`. Reads the whole store.
    pub fn integrity_check(&self) -> Result<Vec<Finding>> {
        let mut found = Vec::new();
        let mut note = |run: Option<&RunId>, damage: bool, text: String| {
            found.push(Finding { run: run.cloned(), damage, text });
        };
        let heads = self.inner.heads.scan()?;
        for slot in &heads.damaged {
            let file = self.inner.heads.path().display();
            note(None, true, format!("{file}: record {slot} is damaged; the run's log stands without it"));
        }
        for text in self.read("check", |db| Ok(structure(db)))? {
            note(None, true, format!("{} is damaged: {text}", self.inner.file.display()));
        }
        let mut before = None;
        loop {
            let rows = self.runs(before, 200)?;
            let next = rows.iter().map(|row| row.cursor).filter(|cursor| *cursor > 0).min();
            for row in rows {
                let run = &row.summary.id;
                match self.history(run) {
                    Err(error) => note(Some(run), true, error.to_string()),
                    Ok(history) => {
                        if let Some(damage) = &history.damage {
                            note(Some(run), true, damage.to_string());
                        } else if let Some(text) = &row.damaged {
                            note(Some(run), true, text.clone());
                        } else if !row.alive {
                            self.compare(&history.history, &mut note);
                        }
                        if heads.of(run).is_none() {
                            note(
                                Some(run),
                                false,
                                format!("run {run} has no record in heads: its end is unproven"),
                            );
                        }
                    }
                }
            }
            match next {
                Some(cursor) => before = Some(cursor),
                None => break,
            }
        }
        if let Some(damage) = self.accepted()?.damage {
            note(None, true, format!("{damage}: no accepted change before it counts"));
        }
        for (digest, error) in self.bad_nodes()? {
            note(None, true, format!("{error} ({digest})"));
        }
        Ok(found)
    }

    /// Compares derived rows with the log.
    fn compare(
        &self,
        history: &crate::model::RunHistory,
        note: &mut impl FnMut(Option<&RunId>, bool, String),
    ) {
        let run = &history.id;
        let rows = match self.call_rows(run, &super::CallFilter::default(), 0, usize::MAX) {
            Ok(rows) => rows,
            Err(error) => return note(Some(run), true, error.to_string()),
        };
        let same = rows.len() == history.calls.len()
            && rows.iter().zip(&history.calls).all(|(row, call)| {
                row.status == call.status || call.status == CallStatus::Pending || row.end_seq == 0
            });
        if !same {
            note(Some(run), true, format!("the calls of run {run} are damaged: they differ from its log"));
        }
    }

    fn bad_nodes(&self) -> Result<Vec<(Digest, NodeError)>> {
        let mut bad = Vec::new();
        let mut after = 0;
        loop {
            let (digests, last) = self.read("check values", |db| {
                let rows = self.sql("check values", digests(db, after));
                let rows = rows?;
                let last = rows.last().map(|(id, _)| *id);
                Ok((rows.into_iter().map(|(_, digest)| digest).collect::<Vec<_>>(), last))
            })?;
            let Some(last) = last else { return Ok(bad) };
            after = last;
            for (digest, outcome) in digests.iter().zip(self.nodes(&digests)?) {
                if let Err(error) = outcome {
                    bad.push((*digest, error));
                }
            }
        }
    }
}

fn digests(db: &Connection, after: i64) -> rusqlite::Result<Vec<(i64, Digest)>> {
    let mut query = db.prepare_cached("SELECT id, key, rest FROM nodes WHERE id>?1 ORDER BY id LIMIT 500")?;
    query
        .query_map([after], |row| Ok((row.get(0)?, digest_of(row.get(1)?, row.get_ref(2)?.as_blob()?))))?
        .collect()
}

fn structure(db: &Connection) -> Vec<String> {
    let rows = db.prepare("PRAGMA integrity_check(20)").and_then(|mut query| {
        query.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
    });
    match rows {
        Ok(rows) => rows.into_iter().filter(|row| row != "ok").collect(),
        Err(error) => vec![error.to_string()],
    }
}
