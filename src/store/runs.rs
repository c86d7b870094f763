//! Lists of runs, finding one, marks, and runs whose engine died.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::derived::{write_call, write_run, write_segment};
use super::error::{FindError, Result, StoreError};
use super::heads::Scan;
use super::history::twice;
use super::open::Store;
use super::rows::{CallRow, RawRun, RunRecord, RunRow, mark_sum, unknown};
use super::state::Segment;
use super::{beside, chain};
use crate::base::ids::RunId;
use crate::model::summary::listed;
use crate::model::{EventKind, Purpose, RunStatus};

/// Runs that are looked at together.
const WINDOW: usize = 50;

impl Store {
    /// Runs, newest first: at most `limit`, before the `cursor` of a row returned earlier (`None`: from the
    /// newest). The first window also holds runs whose records are lost, where they began.
    pub fn runs(&self, before: Option<i64>, limit: usize) -> Result<Vec<RunRow>> {
        let damaged = |rows: &Vec<RunRow>| rows.iter().any(|row| row.damaged.is_some());
        twice(|| self.runs_once(before, limit), damaged)
    }

    fn runs_once(&self, before: Option<i64>, limit: usize) -> Result<Vec<RunRow>> {
        let heads = self.inner.heads.scan()?;
        self.read("list runs", |db| {
            let mut out = Vec::new();
            for raw in self.sql("list runs", window(db, before, limit))? {
                out.push(self.row(db, raw, &heads)?);
            }
            if before.is_none() {
                for run in self.lost(db, &heads)? {
                    let row = self.lost_row(&run, &heads);
                    let at = out.iter().position(|r: &RunRow| r.summary.started_at < row.summary.started_at);
                    out.insert(at.unwrap_or(out.len()), row);
                }
            }
            Ok(out)
        })
    }

    /// One run.
    pub fn run(&self, run: &RunId) -> Result<RunRow> {
        let look = || {
            let heads = self.inner.heads.scan()?;
            self.read("read a run", |db| {
                match self.sql("find the run", super::history::find_raw(db, run))? {
                    Some(raw) => self.row(db, raw, &heads),
                    None if self.lost(db, &heads)?.contains(run) => Ok(self.lost_row(run, &heads)),
                    None => Err(StoreError::NoRun { run: run.clone() }),
                }
            })
        };
        twice(look, |row| row.damaged.is_some())
    }

    /// The run that a text names: an id, a prefix that only one has, `latest`, `latest~2`.
    ///
    /// A lost run counts, too: who asks for it must be told that it is lost, and not be given an older one.
    pub fn find_run(&self, text: &str) -> std::result::Result<RunId, FindError> {
        if let Some(back) = latest(text) {
            return match self.nth_latest(back)? {
                Some(run) => Ok(run),
                None => Err(FindError::NotFound { text: text.to_owned(), near: Vec::new() }),
            };
        }
        let heads = self.inner.heads.scan()?;
        let mut ids: Vec<RunId> = self.read("find a run", |db| {
            let mut query = self
                .sql("find a run", db.prepare_cached("SELECT uid FROM runs NOT INDEXED ORDER BY id DESC"))?;
            let ids: rusqlite::Result<Vec<String>> =
                query.query_map([], |row| row.get(0)).and_then(Iterator::collect);
            let mut ids: Vec<RunId> =
                self.sql("find a run", ids)?.iter().map(|uid| RunId::from_text(uid)).collect();
            ids.extend(self.lost(db, &heads)?);
            Ok(ids)
        })?;
        if let Some(exact) = ids.iter().find(|run| run.as_str() == text) {
            return Ok(exact.clone());
        }
        let lower = text.to_ascii_lowercase();
        let mut matches: Vec<RunId> =
            ids.iter().filter(|run| !lower.is_empty() && run.as_str().starts_with(&lower)).cloned().collect();
        match matches.len() {
            1 => Ok(matches.remove(0)),
            0 => {
                let far = |run: &RunId| strsim::damerau_levenshtein(run.as_str(), &lower);
                ids.retain(|run| far(run) <= 3);
                ids.sort_by_cached_key(far);
                ids.truncate(3);
                Err(FindError::NotFound { text: text.to_owned(), near: ids })
            }
            _ => Err(FindError::Ambiguous { text: text.to_owned(), matches }),
        }
    }

    /// The newest run but `back`. Runs that hold samples, and those that were left by stepping back, do not count.
    fn nth_latest(&self, back: usize) -> Result<Option<RunId>> {
        let mut left = HashSet::new();
        let (mut cursor, mut back) = (None, back);
        loop {
            let rows = self.runs(cursor, WINDOW)?;
            let (full, last) =
                (rows.len() >= WINDOW, rows.iter().rfind(|row| row.cursor > 0).map(|row| row.cursor));
            for row in rows {
                if listed(&row.summary, &mut left) && !matches!(row.summary.purpose, Purpose::Samples { .. })
                {
                    match back.checked_sub(1) {
                        Some(fewer) => back = fewer,
                        None => return Ok(Some(row.summary.id)),
                    }
                }
            }
            if !full {
                return Ok(None);
            }
            cursor = last;
        }
    }

    /// Pins a run (gc keeps it), or no longer.
    pub fn pin(&self, run: &RunId, pinned: bool) -> Result<()> {
        self.mark(run, |_, label| (pinned, label))
    }

    /// Gives a run a name, or takes it away.
    pub fn set_label(&self, run: &RunId, label: Option<&str>) -> Result<()> {
        self.mark(run, |pinned, _| (pinned, label.map(str::to_owned)))
    }

    fn mark(
        &self,
        run: &RunId,
        change: impl FnOnce(bool, Option<String>) -> (bool, Option<String>),
    ) -> Result<()> {
        let db = self.write_connection()?;
        self.immediate(&db, "mark a run", |db| {
            if self.sql("find the run", super::history::find_raw(db, run))?.is_none() {
                return Err(StoreError::NoRun { run: run.clone() });
            }
            let (pinned, label) = marks(db, run).map_err(|e| self.mark_error(e))?.unwrap_or((false, None));
            let (pinned, label) = change(pinned, label);
            let sum = mark_sum(run.as_str(), pinned, label.as_deref());
            let put = db.execute(
                "INSERT OR REPLACE INTO marks(uid, pinned, label, sum) VALUES (?1, ?2, ?3, ?4)",
                params![run.as_str(), pinned, label, sum],
            );
            self.sql("mark a run", put).map(|_| ())
        })
    }

    fn mark_error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::sql(&self.inner.file, "read the marks of a run", error)
    }

    /// Runs `act` in a write transaction: committed when it succeeds, undone when it fails.
    pub(super) fn immediate<T>(
        &self,
        db: &Connection,
        what: &str,
        act: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        self.sql(what, db.execute_batch("BEGIN IMMEDIATE"))?;
        let outcome = act(db).and_then(|value| self.sql(what, db.execute_batch("COMMIT")).map(|()| value));
        if outcome.is_err() {
            let _ = db.execute_batch("ROLLBACK");
        }
        outcome
    }

    pub(super) fn is_alive(&self, record: &RunRecord) -> bool {
        record.owner.is_alive(&self.inner.me, record.beat, self.inner.options.clock.now())
    }

    pub(super) fn is_gone(&self, db: &Connection, run: &RunId) -> Result<bool> {
        let gone = db
            .prepare_cached("SELECT EXISTS(SELECT 1 FROM gone WHERE uid=?1)")
            .and_then(|mut query| query.query_row([run.as_str()], |row| row.get(0)));
        self.sql("look for a deletion", gone)
    }

    /// Runs that `heads` knows and the database does not.
    fn lost(&self, db: &Connection, heads: &Scan) -> Result<Vec<RunId>> {
        let uids = |table: &str| -> rusqlite::Result<HashSet<String>> {
            let mut query = db.prepare_cached(&format!("SELECT uid FROM {table}"))?;
            query.query_map([], |row| row.get(0))?.collect()
        };
        let known = self.sql("list runs", uids("runs NOT INDEXED"))?;
        let boot = self.inner.me.boot_link();
        let mut lost: Vec<RunId> = heads
            .heads
            .iter()
            .filter(|(_, head)| head.expected(&boot).seq > 0 && !known.contains(head.run.as_str()))
            .map(|(_, head)| head.run.clone())
            .collect();
        if !lost.is_empty() {
            let gone = self.sql("list deletions", uids("gone"))?;
            lost.retain(|run| !gone.contains(run.as_str()));
        }
        Ok(lost)
    }

    fn lost_row(&self, run: &RunId, heads: &Scan) -> RunRow {
        let head = heads.of(run);
        let events = head.map_or(0, |head| head.expected(&self.inner.me.boot_link()).seq);
        let mut summary = unknown(run);
        summary.started_at = head.map_or(0, |head| head.started);
        RunRow {
            cursor: 0,
            summary,
            label: None,
            pid: 0,
            alive: false,
            damaged: Some(format!("damaged: all {events} acknowledged events of this run are missing")),
        }
    }

    fn row(&self, db: &Connection, raw: RawRun, heads: &Scan) -> Result<RunRow> {
        let run = RunId::from_text(&raw.uid);
        let mut damaged = None;
        let (mut summary, pid, alive) = match &raw.record {
            Ok(record) if record.summary.id == run => {
                let running = record.summary.status == RunStatus::Running;
                let alive = running && self.is_alive(record);
                if running && !alive {
                    // Not marked yet: what its calls came to is in the log.
                    let history = self.history_in(db, &run, heads)?;
                    damaged = history.damage.map(|damage| damage.to_string());
                    (history.history.summary(false), record.owner.pid, false)
                } else {
                    (record.summary.clone(), record.owner.pid, alive)
                }
            }
            _ => {
                // The row is derived from the log, which carries its own proof.
                let history = self.history_in(db, &run, heads)?;
                let what = history.damage.map_or_else(|| "its row was damaged".to_owned(), |d| d.to_string());
                damaged = Some(format!("{what} (damaged; rebuilt from its log)"));
                (history.history.summary(false), 0, false)
            }
        };
        if damaged.is_none() {
            damaged = self.short(db, &raw, &run, heads)?;
        }
        let label = match marks(db, &run) {
            Ok(marks) => {
                let (pinned, label) = marks.unwrap_or((false, None));
                summary.pinned = pinned;
                label
            }
            Err(error) => {
                summary.pinned = true;
                damaged.get_or_insert(format!("the marks of this run are damaged: {error}"));
                None
            }
        };
        Ok(RunRow { cursor: raw.id, summary, label, pid, alive, damaged })
    }

    /// Whether the log ends before what was acknowledged: one look at its last segment.
    pub(super) fn short(
        &self,
        db: &Connection,
        raw: &RawRun,
        run: &RunId,
        heads: &Scan,
    ) -> Result<Option<String>> {
        let last = db
            .prepare_cached(
                "SELECT first_seq+n-1, digest FROM events WHERE run=?1 ORDER BY first_seq DESC LIMIT 1",
            )
            .and_then(|mut query| {
                let mut rows = query.query([raw.id])?;
                rows.next()?.map(|row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).transpose()
            });
        let (seq, digest) = match last {
            Ok(last) => last.unwrap_or((0, Vec::new())),
            Err(error) if super::history::is_damage(&error) => {
                return Ok(Some(format!("damaged: the end of its log cannot be read ({error})")));
            }
            Err(error) => return Err(StoreError::sql(&self.inner.file, "read the end of a log", error)),
        };
        let expected = heads.of(run).map(|head| head.expected(&self.inner.me.boot_link()));
        let acknowledged =
            expected.map_or(0, |e| e.seq).max(raw.record.as_ref().map_or(0, |record| record.seq));
        let seq = u64::try_from(seq).unwrap_or(0);
        if acknowledged > seq {
            let missing = crate::base::text::count(acknowledged - seq, "acknowledged event");
            return Ok(Some(format!("damaged: {missing} of this run missing after number {seq}")));
        }
        let differs = expected.is_some_and(|e| e.seq == seq && e.seq > 0 && digest != e.link);
        Ok(differs.then(|| "damaged: its log does not end as it was acknowledged".to_owned()))
    }

    /// Marks running runs of dead processes as interrupted, frees slots of deleted runs.
    pub(super) fn mark_interrupted(&self) -> Result<()> {
        let heads = self.inner.heads.scan()?;
        let (dead, idle) = self.read("look for interrupted runs", |db| {
            let mut query = self.sql(
                "look for interrupted runs",
                db.prepare_cached(&format!(
                    "SELECT {} FROM runs NOT INDEXED WHERE status='running'",
                    RawRun::COLUMNS
                )),
            )?;
            let raws: rusqlite::Result<Vec<RawRun>> =
                query.query_map([], RawRun::read).and_then(Iterator::collect);
            let mut dead = Vec::new();
            for raw in self.sql("look for interrupted runs", raws)? {
                if let Ok(record) = &raw.record
                    && !self.is_alive(record)
                {
                    dead.push(RunId::from_text(&raw.uid));
                }
            }
            let mut idle = false;
            for (_, head) in &heads.heads {
                idle |= head.durable.seq == 0 && head.soft.seq == 0 || self.is_gone(db, &head.run)?;
            }
            Ok((dead, idle))
        })?;
        let kept = beside::runs(&self.inner.dir);
        if !dead.is_empty() || idle {
            let db = self.write_connection()?;
            self.immediate(&db, "mark interrupted runs", |db| {
                for run in &dead {
                    if kept.contains(run) {
                        self.take_left(db, run, &heads)?;
                    }
                    self.interrupt(db, run, &heads)?;
                }
                self.free_slots(db)
            })?;
        }
        if kept.is_empty() { Ok(()) } else { self.sweep_beside(&kept, &heads) }
    }

    /// Takes into the log of a dead process's run what it had written beside it. Inside a write transaction.
    fn take_left(&self, db: &Connection, run: &RunId, heads: &Scan) -> Result<()> {
        let Some(raw) = self.sql("find the run", super::history::find_raw(db, run))? else { return Ok(()) };
        if raw.record.as_ref().map_or(true, |record| self.is_alive(record)) {
            return Ok(());
        }
        let mut over = false;
        let verified = self.sql(
            "read the log",
            super::history::scan(db, raw.id, run, |event| {
                over |= matches!(event.kind, EventKind::RunEnded { .. })
            }),
        )?;
        let left = beside::left(&self.inner.dir, run, verified.end);
        // A part of it would hide that there was more.
        let lost = self.left_damage(&raw, run, verified.end, &left, heads).is_some();
        if verified.broken.is_some() || over || left.events.is_empty() || lost {
            return Ok(());
        }
        for node in left.nodes {
            self.put_node(db, node)?;
        }
        let left = left.events;
        let data = chain::encode(&left).map_err(|what| self.damaged(format!("run {run}: {what}")))?;
        let (first, count) = (verified.end.seq + 1, left.len() as u64);
        let link = chain::link(&verified.end.link, run, first, count, &data);
        self.sql("append events", write_segment(db, raw.id, &Segment { first, count, link }, &data))
    }

    /// Whether what a dead run's process wrote beside the log must be readable: it was not synced, so a power loss since
    /// may have taken it.
    pub(super) fn is_readable(&self, raw: &RawRun) -> bool {
        let boot = &self.inner.me.boot;
        !boot.is_empty() && raw.record.as_ref().is_ok_and(|record| record.owner.boot == *boot)
    }

    /// Removes files of runs that are recorded no more. Those of runs whose log is lost stay: it may be found again.
    fn sweep_beside(&self, kept: &[RunId], heads: &Scan) -> Result<()> {
        self.read("look for ended runs", |db| {
            let lost = self.lost(db, heads)?;
            for run in kept.iter().filter(|run| !lost.contains(run)) {
                let raw = self.sql("find the run", super::history::find_raw(db, run))?;
                // A damaged row says nothing.
                let ended =
                    |raw: RawRun| raw.record.is_ok_and(|record| record.summary.status != RunStatus::Running);
                if raw.is_none_or(ended) {
                    beside::remove(&self.inner.dir, run);
                }
            }
            Ok(())
        })
    }

    /// Frees slots of runs that were deleted or never began. Inside a write transaction.
    pub(super) fn free_slots(&self, db: &Connection) -> Result<()> {
        for (slot, head) in self.inner.heads.scan()?.heads {
            let begun = head.durable.seq > 0 || head.soft.seq > 0;
            let there = self.sql("find the run", super::history::find_raw(db, &head.run))?.is_some();
            if !there && (!begun || self.is_gone(db, &head.run)?) {
                self.inner.heads.clear(slot)?;
            }
        }
        Ok(())
    }

    fn interrupt(&self, db: &Connection, run: &RunId, heads: &Scan) -> Result<()> {
        let Some(raw) = self.sql("find the run", super::history::find_raw(db, run))? else { return Ok(()) };
        let Ok(mut record) = raw.record else { return Ok(()) };
        if record.summary.status != RunStatus::Running || self.is_alive(&record) {
            return Ok(());
        }
        let history = self.history_in(db, run, heads)?;
        if history.damage.is_some() {
            // Its row keeps saying how far it got; readers close it on reading.
            return Ok(());
        }
        let history = history.history;
        // The writer had not written every row, and what was open is in doubt now.
        for row in self.project(run, &history)? {
            if self.sql("read a call", stored_row(db, raw.id, run, row.no))?.as_ref() != Some(&row) {
                self.sql("write a call", write_call(db, raw.id, run, &row, false))?;
            }
        }
        record.summary = history.summary(false);
        record.seq = history.last_seq;
        record.nodes = u32::try_from(history.calls.len()).unwrap_or(u32::MAX);
        self.sql("write the run", write_run(db, raw.id, &record))
    }
}

fn stored_row(db: &Connection, id: i64, run: &RunId, no: u32) -> rusqlite::Result<Option<CallRow>> {
    let mut query =
        db.prepare_cached(&format!("SELECT {} FROM calls WHERE run=?1 AND no=?2", CallRow::COLUMNS))?;
    let mut rows = query.query(params![id, no])?;
    match rows.next()? {
        Some(row) => CallRow::read(row, run),
        None => Ok(None),
    }
}

fn window(db: &Connection, before: Option<i64>, limit: usize) -> rusqlite::Result<Vec<RawRun>> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {} FROM runs NOT INDEXED WHERE id<?1 ORDER BY id DESC LIMIT ?2",
        RawRun::COLUMNS
    ))?;
    query
        .query_map(
            params![before.unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX)],
            RawRun::read,
        )?
        .collect()
}

/// Whether a run is pinned, and its name; an error when the row is damaged.
pub(super) fn marks(db: &Connection, run: &RunId) -> rusqlite::Result<Option<(bool, Option<String>)>> {
    let mut query = db.prepare_cached("SELECT pinned, label, sum FROM marks WHERE uid=?1")?;
    let mut rows = query.query([run.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (pinned, label): (bool, Option<String>) = (row.get(0)?, row.get(1)?);
    if row.get::<_, i64>(2)? != mark_sum(run.as_str(), pinned, label.as_deref()) {
        return Err(rusqlite::Error::InvalidColumnType(2, "sum".to_owned(), rusqlite::types::Type::Integer));
    }
    Ok(Some((pinned, label)))
}

/// `latest` is 0, `latest~2` is 2.
pub(super) fn latest(text: &str) -> Option<usize> {
    match text.strip_prefix("latest")? {
        "" => Some(0),
        rest => rest.strip_prefix('~')?.parse().ok(),
    }
}
