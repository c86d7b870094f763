//! One transaction of the writer: a group of batches becomes rows, a commit, and moved heads.
//!
//! Invariants: all of a group or nothing; heads move only after the commit; after an error the runs of the
//! group take no more events (nothing goes on unrecorded).

mod hold;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustc_hash::FxHashMap as HashMap;

use super::beside;
use super::chain;
use super::derived::{write_call, write_run, write_segment};
use super::error::{Result, StoreError};
use super::heads::Heads;
use super::nodes::{ChildrenOf, Known, PackedNode};
use super::owner::Owner;
use super::room::Room;
use super::state::RunState;
use super::values;
use crate::base::clock::{Clock, Micros};
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::model::Event;

/// How old the row of a running run may be while events come in.
const SUMMARY_EVERY: Duration = Duration::from_millis(100);
/// A checkpoint is tried when the log has this many pages (16 MiB); larger logs slow readers down.
const CHECKPOINT_PAGES: i64 = 4_000;
/// Readers that never pause keep the log from starting over; from here on they are waited for (64 MiB).
const RESTART_PAGES: i64 = 16_000;
/// Commits between two looks at the log's length.
const LOOK_EVERY: u32 = 64;

/// What one submission asks for.
#[derive(Debug)]
pub(super) struct Work {
    pub run: RunId,
    pub events: Vec<Event>,
    pub nodes: Vec<PackedNode>,
    pub durable: bool,
}

/// The writer's side of the database.
pub(super) struct Committer {
    db: Connection,
    file: PathBuf,
    room: Room,
    heads: Heads,
    owner: Owner,
    boot: chain::Link,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<Known>>,
    children: Option<ChildrenOf>,
    /// Rows of nodes that the open transaction wrote or found.
    fresh: HashMap<Digest, i64>,
    /// Whether nodes that are known to be stored may be so only in commits that no sync has followed.
    loose: bool,
    runs: HashMap<RunId, RunState>,
    failed: HashMap<RunId, String>,
    /// Failed runs whose rows still say that this process executes them.
    orphans: Vec<RunId>,
    full: bool,
    data_version: i64,
    epoch: String,
    commits: u32,
    last_summary: Instant,
}

impl Committer {
    pub fn new(
        mut db: Connection,
        file: PathBuf,
        heads: Heads,
        clock: Arc<dyn Clock>,
        known: Arc<Mutex<Known>>,
        children: Option<ChildrenOf>,
    ) -> Self {
        let owner = Owner::me();
        Committer {
            room: Room::of(&mut db, &file),
            db,
            file,
            heads,
            boot: owner.boot_link(),
            owner,
            clock,
            known,
            children,
            fresh: HashMap::default(),
            loose: false,
            runs: HashMap::default(),
            failed: HashMap::default(),
            orphans: Vec::new(),
            full: false,
            data_version: -1,
            epoch: String::new(),
            commits: 0,
            last_summary: Instant::now(),
        }
    }

    /// Whether a row in `runs` is behind, or a heartbeat will be due.
    pub fn stale(&self) -> bool {
        self.runs.values().any(|state| state.stale)
    }

    pub fn recording(&self) -> bool {
        !self.runs.is_empty() || !self.orphans.is_empty()
    }

    /// Whether it is time to look at the log's length.
    pub fn wants_checkpoint(&self) -> bool {
        self.commits >= LOOK_EVERY
    }

    /// Records a group in one transaction. One result for each piece of work, in order.
    pub fn commit(&mut self, group: &[Work]) -> Vec<std::result::Result<(), Arc<StoreError>>> {
        let mut results = Vec::with_capacity(group.len());
        let mut accepted = Vec::with_capacity(group.len());
        let now = self.clock.now();
        let outcome = self.try_commit(group, now, &mut results, &mut accepted);
        if let Err(error) = outcome {
            let error = Arc::new(error);
            let _ = self.db.execute_batch("ROLLBACK");
            for index in accepted {
                if let (Some(work), Some(result)) = (group.get(index), results.get_mut(index)) {
                    *result = Err(error.clone());
                    self.fail(&work.run, &error);
                }
            }
            results.resize_with(group.len(), || Err(error.clone()));
            for work in group {
                self.fail(&work.run, &error);
            }
            self.forget_known();
            // Most likely refused too; then tried again with the heartbeats.
            let _ = self.disown();
        }
        results
    }

    /// Takes this process's name off runs that it cannot record any more: to everybody they are interrupted.
    fn disown(&mut self) -> Result<()> {
        if self.orphans.is_empty() {
            return Ok(());
        }
        let orphans = std::mem::take(&mut self.orphans);
        let outcome = self.begin(false).and_then(|()| {
            self.sql("give up a run", |db| {
                for run in &orphans {
                    if let Some(raw) = super::history::find_raw(db, run)?
                        && let Ok(mut record) = raw.record
                    {
                        (record.owner, record.beat) = (Owner::default(), 0);
                        write_run(db, raw.id, &record)?;
                    }
                }
                db.prepare_cached("COMMIT")?.execute([]).map(|_| ())
            })
        });
        if outcome.is_err() {
            let _ = self.db.execute_batch("ROLLBACK");
            self.orphans = orphans;
        }
        outcome
    }

    fn fail(&mut self, run: &RunId, error: &StoreError) {
        if self.runs.remove(run).is_some() {
            self.orphans.push(run.clone());
        }
        self.failed.entry(run.clone()).or_insert_with(|| error.to_string());
    }

    fn try_commit(
        &mut self,
        group: &[Work],
        now: Micros,
        results: &mut Vec<std::result::Result<(), Arc<StoreError>>>,
        accepted: &mut Vec<usize>,
    ) -> Result<()> {
        // Nothing that was synced beside the database may be in a log that is not.
        let durable = group.iter().any(|work| work.durable || self.is_synced(&work.run));
        self.fresh.clear();
        self.begin(durable)?;
        let mut touched: Vec<RunId> = Vec::new();
        for (index, work) in group.iter().enumerate() {
            match self.check(work, now) {
                Ok(()) => {
                    results.push(Ok(()));
                    accepted.push(index);
                    self.write(work)?;
                    if !work.events.is_empty() && touched.last() != Some(&work.run) {
                        touched.push(work.run.clone());
                    }
                }
                // A fault of one caller; anything else may have ended the transaction.
                Err(error @ (StoreError::Misuse { .. } | StoreError::RunFailed { .. })) => {
                    results.push(Err(Arc::new(error)));
                }
                Err(error) => return Err(error),
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let due = durable && self.last_summary.elapsed() >= SUMMARY_EVERY;
        self.write_derived(&touched, now, due)?;
        self.end(durable, &touched)?;
        self.remember(durable);
        Ok(())
    }

    /// What the transaction wrote or found is stored.
    fn remember(&mut self, durable: bool) {
        self.loose = !durable && (self.loose || !self.fresh.is_empty());
        if !self.fresh.is_empty()
            && let Ok(mut known) = self.known.lock()
        {
            self.fresh.drain().for_each(|(digest, row)| known.insert(digest, row));
        }
    }

    fn sql<T>(&self, what: &str, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        act(&self.db).map_err(|e| StoreError::sql(&self.file, what, e))
    }

    fn begin(&mut self, durable: bool) -> Result<()> {
        if durable != self.full {
            // The pragma acts while it is prepared, so it cannot be cached; it costs about a microsecond.
            let pragma = if durable { "PRAGMA synchronous=FULL" } else { "PRAGMA synchronous=NORMAL" };
            self.sql("set durability", |db| db.execute_batch(pragma))?;
            self.full = durable;
        }
        self.sql("begin", |db| db.prepare_cached("BEGIN IMMEDIATE")?.execute([]))?;
        if durable {
            self.room.make();
        }
        let version: i64 = self.sql("look for other writers", |db| {
            db.prepare_cached("PRAGMA data_version")?.query_row([], |r| r.get(0))
        })?;
        if version != self.data_version {
            let epoch: String = self.sql("read the epoch", |db| {
                db.prepare_cached("SELECT value FROM meta WHERE key='epoch'")?.query_row([], |r| r.get(0))
            })?;
            if epoch != self.epoch {
                // Somebody's gc removed nodes: what was known to be stored may be gone.
                self.forget_known();
                self.epoch = epoch;
            }
            self.data_version = version;
        }
        Ok(())
    }

    fn forget_known(&self) {
        if let Ok(mut known) = self.known.lock() {
            known.clear();
        }
    }

    /// Whether the work may be written; makes the state and the slot of a new run.
    fn check(&mut self, work: &Work, now: Micros) -> Result<()> {
        let run = &work.run;
        if let Some(first) = self.failed.get(run) {
            return Err(StoreError::RunFailed { run: run.clone(), first: first.clone() });
        }
        if work.events.is_empty() {
            return Ok(());
        }
        let misuse = |what: String| StoreError::Misuse { run: run.clone(), what };
        if let Some(state) = self.runs.get(run) {
            return state.accepts(&work.events).map_err(misuse);
        }
        let mut state = RunState::new(run.clone(), self.owner.clone(), now);
        state.accepts(&work.events).map_err(misuse)?;
        let taken: bool = self.sql("look for the run", |db| {
            db.prepare_cached("SELECT count(*) FROM runs WHERE uid=?1")?
                .query_row([run.as_str()], |r| r.get(0))
        })?;
        if taken {
            return Err(misuse("it was recorded before".to_owned()));
        }
        let head = state.head(self.boot);
        state.slot = self.heads.allocate(&head)?;
        state.record.first_node = self.sql("read the last node", |db| {
            db.prepare_cached("SELECT ifnull(max(id), 0) + 1 FROM nodes")?.query_row([], |r| r.get(0))
        })?;
        state.id = self.sql("add the run", |db| {
            db.prepare_cached("INSERT INTO runs(uid, status, data, sum) VALUES (?1, '', x'', 0)")?
                .insert([run.as_str()])
        })?;
        self.runs.insert(run.clone(), state);
        Ok(())
    }

    fn write(&mut self, work: &Work) -> Result<()> {
        self.write_held(&work.run)?;
        self.write_nodes(&work.nodes)?;
        if work.events.is_empty() { Ok(()) } else { self.write_events(&work.run, &work.events) }
    }

    /// Appends a segment to a run's log: what it held, and these events.
    fn write_events(&mut self, run: &RunId, events: &[Event]) -> Result<()> {
        let Some(state) = self.runs.get_mut(run) else { return Ok(()) };
        let held = std::mem::take(&mut state.held);
        let data = chain::encode(held.events.iter().chain(events))
            .map_err(|what| StoreError::Misuse { run: run.clone(), what: format!("events: {what}") })?;
        let segment = state.append(held.events.len(), events, &data);
        let id = state.id;
        self.sql("append events", |db| write_segment(db, id, &segment, &data))
    }

    fn write_nodes(&mut self, nodes: &[PackedNode]) -> Result<()> {
        for node in nodes {
            if self.fresh.contains_key(&node.digest) {
                continue;
            }
            let (known, damaged) = self.known.lock().map_or((None, false), |known| {
                let row = known.contains(&node.digest).then(|| known.row(&node.digest));
                (row, known.is_damaged(&node.digest))
            });
            let there = match known {
                // Used again: not to be forgotten soon.
                Some(row) => Some(row.unwrap_or(i64::MAX)),
                None if damaged => None,
                None => self.row_of(&node.digest)?,
            };
            let row = match there {
                Some(row) => row,
                None => self.insert(node)?,
            };
            self.fresh.insert(node.digest, row);
        }
        Ok(())
    }

    fn insert(&self, node: &PackedNode) -> Result<i64> {
        let (codec, data) = node.stored(|child| self.row_of(child))?;
        self.sql("store a value", |db| values::insert(db, node, codec, &data))
    }

    /// The row of a stored node.
    fn row_of(&self, digest: &Digest) -> Result<Option<i64>> {
        let fresh = self.fresh.get(digest).copied().filter(|row| *row != i64::MAX);
        if let Some(row) = fresh.or_else(|| self.known.lock().ok().and_then(|known| known.row(digest))) {
            return Ok(Some(row));
        }
        self.sql("look for a value", |db| values::row_of(db, digest))
    }

    /// Rows of `runs` and `calls`: always for a run that starts or ends, else when `due`.
    ///
    /// They follow from the log, and writing them with every commit would double its pages. A run's row says how
    /// many of its calls have rows, so that readers never take the rows for more than they are.
    fn write_derived(&mut self, touched: &[RunId], now: Micros, due: bool) -> Result<()> {
        for run in touched {
            let Some(state) = self.runs.get_mut(run) else { continue };
            if !(due || state.closed || state.record.seq == 0) {
                continue;
            }
            let id = state.id;
            let changes = state.changes();
            let written = changes
                .iter()
                .try_for_each(|change| write_call(&self.db, id, run, &change.row, change.stored))
                .and_then(|()| write_run(&self.db, id, state.current(now)));
            if let Err(error) = written {
                state.put_back(changes);
                return Err(StoreError::sql(&self.file, "write the run", error));
            }
        }
        if due {
            self.last_summary = Instant::now();
        }
        Ok(())
    }

    fn end(&mut self, durable: bool, touched: &[RunId]) -> Result<()> {
        self.sql("commit", |db| db.prepare_cached("COMMIT")?.execute([]))?;
        self.commits += 1;
        self.move_heads(durable, touched)?;
        for run in touched {
            if !self.runs.get(run).is_some_and(|state| state.closed) {
                continue;
            }
            if self.runs.remove(run).is_some_and(|state| state.beside.is_some()) {
                beside::remove(self.file.parent().unwrap_or(Path::new(".")), run);
            }
            self.failed.insert(run.clone(), "it has ended".to_owned());
        }
        Ok(())
    }

    /// Says beside the database how far the logs of these runs go. A sync covers every earlier commit, of any run.
    fn move_heads(&mut self, durable: bool, touched: &[RunId]) -> Result<()> {
        for state in self.runs.values_mut() {
            let behind = durable && state.durable != state.end;
            if behind {
                state.durable = state.end;
            }
            if behind || touched.contains(&state.run) {
                self.heads.write(state.slot, &state.head(self.boot))?;
            }
        }
        Ok(())
    }

    /// Moves the log into the database when it has grown enough. Called when nobody waits for the writer.
    pub fn checkpoint(&mut self) -> Result<()> {
        if self.commits < LOOK_EVERY {
            return Ok(());
        }
        self.commits = 0;
        let run = |mode: &str| {
            self.sql("checkpoint", |db| {
                db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |r| {
                    Ok((r.get::<_, i64>(1)?, r.get::<_, i64>(2)?))
                })
            })
        };
        let (length, moved) = run("NOOP")?;
        if length - moved >= CHECKPOINT_PAGES || length >= RESTART_PAGES {
            let (length, _) = run("PASSIVE")?;
            if length >= RESTART_PAGES {
                self.sql("wait less", |db| db.busy_timeout(Duration::from_millis(100)))?;
                let outcome = run("RESTART");
                self.sql("wait as before", |db| db.busy_timeout(super::open::BUSY))?;
                outcome?;
            }
        }
        Ok(())
    }
}
