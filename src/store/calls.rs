//! Windowed reading of a run's calls, and the look-up of candidates for reuse.
//!
//! `calls` is derived from the log. A window is read by number, every row is verified and gaps are noticed;
//! when anything is off the rows are projected from the log instead, which carries its own proof.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::error::Result;
use super::history::find_raw;
use super::open::Store;
use super::rows::{CallRow, RawRun};
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::{CallStatus, Event, EventKind, RunStatus};

/// Which calls of a run.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    /// Children of this call (0: the root).
    pub parent: Option<CallNo>,
    /// In this status.
    pub status: Option<CallStatus>,
    /// Of this function.
    pub function: Option<String>,
}

impl CallFilter {
    fn takes(&self, row: &CallRow) -> bool {
        self.parent.is_none_or(|parent| parent == row.parent)
            && self.status.is_none_or(|status| status == row.status)
            && self.function.as_deref().is_none_or(|function| function == row.function)
    }
}

/// A recorded call that may answer a call with this fingerprint. Only the first 8 bytes were compared: load the
/// run's history and verify.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Position in the list of fingerprints that was asked for.
    pub asked: usize,
    /// The run that executed it.
    pub run: RunId,
    /// Its number there.
    pub call: CallNo,
}

impl Store {
    /// Calls of a run in the order of their numbers: those that match, after `skip` of them, at most `limit`.
    pub fn call_rows(
        &self,
        run: &RunId,
        filter: &CallFilter,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<CallRow>> {
        let mut matched = 0usize;
        let mut out = Vec::new();
        self.each_call(run, &mut |row| {
            if filter.takes(row) {
                if matched >= skip && out.len() < limit {
                    out.push(row.clone());
                }
                matched += 1;
            }
        })?;
        Ok(out)
    }

    /// How many calls (and operations) match.
    pub fn call_count(&self, run: &RunId, filter: &CallFilter) -> Result<usize> {
        let mut matched = 0;
        self.each_call(run, &mut |row| matched += usize::from(filter.takes(row)))?;
        Ok(matched)
    }

    /// The events that asked for and ended a call of `call_rows`: its input, output and error.
    pub fn call_events(&self, run: &RunId, row: &CallRow) -> Result<Vec<Event>> {
        let mut out = Vec::new();
        for seq in [row.ask_seq, row.end_seq] {
            if seq > 0 {
                let events = self.events(run, seq - 1, 1)?;
                out.extend(events.into_iter().find(|event| event.seq == seq));
            }
        }
        Ok(out)
    }

    fn each_call(&self, run: &RunId, each: &mut dyn FnMut(&CallRow)) -> Result<()> {
        let heads = self.inner.heads.scan()?;
        let rows = self.read("read calls", |db| {
            let Some(raw) = self.sql("find the run", find_raw(db, run))? else { return Ok(None) };
            let Ok(record) = &raw.record else { return Ok(None) };
            if record.summary.status == RunStatus::Running && !self.is_alive(record) {
                return Ok(None);
            }
            // Rows of a log that ends early are older than what was acknowledged.
            if self.short(db, &raw, run, &heads)?.is_some() {
                return Ok(None);
            }
            match rows_of(db, &raw, run) {
                Ok(rows) => Ok(rows.filter(|rows| rows.len() as u64 >= u64::from(record.nodes))),
                Err(error) if super::history::is_damage(&error) => Ok(None),
                Err(error) => self.sql("read calls", Err(error)),
            }
        })?;
        let rows = match rows {
            Some(rows) => rows,
            None => {
                let history = self.history(run)?;
                if let Some(damage) = history.damage {
                    return Err(self.damaged(damage.to_string()));
                }
                self.project(run, &history.history)?
            }
        };
        rows.iter().for_each(each);
        Ok(())
    }

    /// Rows from the log, when the derived ones cannot be used.
    pub(super) fn project(&self, run: &RunId, history: &crate::model::RunHistory) -> Result<Vec<CallRow>> {
        let mut seqs: HashMap<CallNo, (u64, u64)> = HashMap::new();
        let mut after = 0;
        loop {
            let events = self.events(run, after, 10_000)?;
            let Some(last) = events.last() else { break };
            after = last.seq;
            for event in &events {
                match &event.kind {
                    EventKind::CallAsked(asked) => seqs.entry(asked.no).or_default().0 = event.seq,
                    EventKind::CallEnded(ended) => seqs.entry(ended.no).or_default().1 = event.seq,
                    _ => {}
                }
            }
        }
        Ok(history
            .calls
            .iter()
            .map(|call| {
                let (ask, end) = seqs.get(&call.no).copied().unwrap_or_default();
                CallRow::of(call, ask, end)
            })
            .collect())
    }

    /// Reusable checkpoints with these fingerprints (compared by prefix), for each fingerprint newest run first,
    /// at most `per` of them.
    pub fn candidates(&self, fingerprints: &[Digest], per: usize) -> Result<Vec<Candidate>> {
        self.read("look for checkpoints", |db| {
            let found = (|| {
                let mut runs: HashMap<i64, Option<RunId>> = HashMap::new();
                let mut out = Vec::new();
                let mut query = db.prepare_cached(
                    "SELECT run, no FROM calls INDEXED BY calls_fp WHERE fp=?1 ORDER BY run DESC, no LIMIT ?2",
                )?;
                for (asked, fingerprint) in fingerprints.iter().enumerate() {
                    let mut rows =
                        query.query(params![fingerprint.prefix(), i64::try_from(per).unwrap_or(i64::MAX)])?;
                    while let Some(row) = rows.next()? {
                        let (id, call): (i64, CallNo) = (row.get(0)?, row.get(1)?);
                        let run = match runs.get(&id) {
                            Some(run) => run.clone(),
                            None => {
                                let run = uid(db, id)?;
                                runs.insert(id, run.clone());
                                run
                            }
                        };
                        if let Some(run) = run {
                            out.push(Candidate { asked, run, call });
                        }
                    }
                }
                Ok(out)
            })();
            self.sql("look for checkpoints", found)
        })
    }
}

/// The rows of a run; `None` when one is damaged or missing in between.
fn rows_of(db: &Connection, raw: &RawRun, run: &RunId) -> rusqlite::Result<Option<Vec<CallRow>>> {
    let mut query =
        db.prepare_cached(&format!("SELECT {} FROM calls WHERE run=?1 ORDER BY no", CallRow::COLUMNS))?;
    let mut rows = query.query([raw.id])?;
    let mut out: Vec<CallRow> = Vec::new();
    while let Some(row) = rows.next()? {
        match CallRow::read(row, run)? {
            Some(call) if call.no as usize == out.len() + 1 => out.push(call),
            _ => return Ok(None),
        }
    }
    Ok(Some(out))
}

fn uid(db: &Connection, id: i64) -> rusqlite::Result<Option<RunId>> {
    let mut query = db.prepare_cached(&format!("SELECT {} FROM runs WHERE id=?1", RawRun::COLUMNS))?;
    let mut rows = query.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let raw = RawRun::read(row)?;
    Ok(raw.record.is_ok().then(|| RunId::from_text(&raw.uid)))
}
