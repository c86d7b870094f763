//! Deleting old runs and the values that nothing refers to any more.
//!
//! Kept are: the newest runs, pinned and running ones, every run that a kept one came from (as its parent, or
//! as the origin of a cached call), and every value that the log of a kept run reaches. When any kept run is
//! damaged, or it is not known which values a value refers to, no value is deleted.
//!
//! Marking reads a snapshot without blocking anybody; the deletion then catches up, in its write transaction,
//! with what was recorded meanwhile. Writers of other processes notice by the `epoch` in `meta` that values
//! which they knew to be stored may be gone.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::error::{Result, StoreError};
use super::heads::End;
use super::history::{find_raw, scan_from};
use super::nodes::digest_of;
use super::open::Store;
use super::rows::{RawRun, RunRecord};
use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::model::{Event, EventKind, RunStatus, ValueRef};

/// What may go. A run goes when every given limit allows it.
#[derive(Clone, Debug, Default)]
pub struct GcOptions {
    /// Keep this many of the newest runs.
    pub keep_last: usize,
    /// Keep runs that are younger than this (microseconds).
    pub older_than: Option<Micros>,
    /// Delete the oldest only until the database's content is at most this many bytes.
    pub max_bytes: Option<u64>,
}

/// Why a run stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kept {
    /// It is among the newest.
    Recent,
    /// It is not old enough.
    Young,
    /// There is room for it.
    Room,
    /// The user pinned it.
    Pinned,
    /// It is running.
    Running,
    /// Its records are damaged: somebody may want to look at them.
    Damaged,
    /// A kept run was replayed from it.
    ParentOf(RunId),
    /// A kept run shows its outcomes.
    OriginOf(RunId),
}

/// What gc would do.
#[derive(Clone, Debug, Default)]
pub struct GcPlan {
    /// Runs to delete, oldest first.
    pub runs: Vec<RunId>,
    /// Values that nothing will refer to.
    pub nodes: u64,
    /// Bytes of those values and of the deleted logs.
    pub bytes: u64,
    /// Every other run, and why it stays.
    pub kept: Vec<(RunId, Kept)>,
    /// Why no values are deleted, if so.
    pub values_kept: Option<String>,
}

/// What gc did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcDone {
    /// Runs deleted.
    pub runs: u64,
    /// Values deleted.
    pub nodes: u64,
    /// Bytes returned to the file system.
    pub bytes: u64,
}

struct Item {
    id: i64,
    run: RunId,
    record: std::result::Result<RunRecord, String>,
    pinned: bool,
    bytes: u64,
}

/// What the logs of kept runs reach.
#[derive(Default)]
struct Marks {
    /// How far each run was read.
    seen: HashMap<i64, End>,
    live: HashSet<Digest>,
    origins: HashMap<i64, HashSet<RunId>>,
    /// Why the marks are incomplete.
    doubt: Option<String>,
}

impl Store {
    /// What [`Store::gc`] would delete, and why the rest stays.
    pub fn gc_plan(&self, options: &GcOptions) -> Result<GcPlan> {
        self.read("plan gc", |db| {
            let items = self.items(db)?;
            let mut marks = Marks::default();
            let kept = self.choose(db, &items, options, &mut marks)?;
            let mut plan = GcPlan { values_kept: self.values_kept(&marks), ..GcPlan::default() };
            for item in items.iter() {
                match kept.get(&item.run) {
                    Some(why) => plan.kept.push((item.run.clone(), why.clone())),
                    None => {
                        plan.bytes += item.bytes;
                        plan.runs.push(item.run.clone());
                    }
                }
            }
            if plan.values_kept.is_none() {
                self.close_over_children(db, &mut marks);
                let floor = self.floor(&items);
                for (_, bytes) in self.sql("look for unused values", dead(db, &marks.live, floor))? {
                    plan.nodes += 1;
                    plan.bytes += bytes;
                }
            }
            Ok(plan)
        })
    }

    /// Deletes what the plan says, as far as it still may go, in one transaction; then gives the space back.
    pub fn gc(&self, plan: &GcPlan) -> Result<GcDone> {
        let before = self.file_bytes();
        let wanted: HashSet<&RunId> = plan.runs.iter().collect();
        let mut marks = Marks::default();
        self.read("mark values", |db| {
            let items = self.items(db)?;
            for item in items.iter().filter(|item| !wanted.contains(&item.run)) {
                self.mark_run(db, item, &mut marks)?;
            }
            self.close_over_children(db, &mut marks);
            Ok(())
        })?;
        let db = self.write_connection()?;
        let mut done = self.immediate(&db, "gc", |db| self.sweep(db, &wanted, &mut marks))?;
        if done.runs > 0 {
            let db = self.write_connection()?;
            self.immediate(&db, "free slots", |db| self.free_slots(db))?;
        }
        let vacuum = (|| {
            let mut query = db.prepare("PRAGMA incremental_vacuum")?;
            let mut rows = query.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })();
        self.sql("give space back", vacuum)?;
        self.sql("checkpoint", db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))?;
        done.bytes = before.saturating_sub(self.file_bytes());
        Ok(done)
    }

    /// Deletes one run, whatever depends on it. Its values go with the next gc.
    pub fn delete_run(&self, run: &RunId) -> Result<()> {
        let db = self.write_connection()?;
        self.immediate(&db, "delete a run", |db| {
            let Some(raw) = self.sql("find the run", find_raw(db, run))? else {
                return Err(StoreError::NoRun { run: run.clone() });
            };
            if raw.record.as_ref().is_ok_and(|r| r.summary.status == RunStatus::Running && self.is_alive(r)) {
                return Err(StoreError::Misuse {
                    run: run.clone(),
                    what: "a running run cannot be deleted".to_owned(),
                });
            }
            self.sql("delete a run", delete(db, raw.id, run))
        })?;
        // Only after the commit: until then the run is there.
        self.immediate(&db, "free slots", |db| self.free_slots(db))
    }

    /// Writes the whole file anew, so that nothing of what was deleted is left in it: free pages, and the gaps of
    /// pages that are in use, keep what was once there.
    ///
    /// Fails, and changes nothing, while another process writes.
    pub fn rewrite(&self) -> Result<()> {
        let db = self.write_connection()?;
        self.sql("write the store anew", db.execute_batch("VACUUM"))?;
        // The log held the old pages.
        self.sql("checkpoint", db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
    }

    fn sweep(&self, db: &Connection, wanted: &HashSet<&RunId>, marks: &mut Marks) -> Result<GcDone> {
        let items = self.items(db)?;
        let mut stay: Vec<&Item> = Vec::new();
        let mut go: Vec<&Item> = Vec::new();
        for item in &items {
            let held = item.pinned || self.running(item) || item.record.is_err();
            if wanted.contains(&item.run) && !held { go.push(item) } else { stay.push(item) }
        }
        // What was recorded since the snapshot may refer to a run that was to go.
        loop {
            let mut again = false;
            for item in &stay {
                self.mark_run(db, item, marks)?;
            }
            let needed: HashSet<RunId> = stay.iter().flat_map(|item| needs(item, marks)).collect();
            go.retain(|item| {
                let keep = needed.contains(&item.run);
                if keep {
                    stay.push(item);
                    again = true;
                }
                !keep
            });
            if !again {
                break;
            }
        }
        let mut done = GcDone::default();
        for item in &go {
            self.sql("delete a run", delete(db, item.id, &item.run))?;
            done.runs += 1;
        }
        if self.values_kept(marks).is_none() {
            self.close_over_children(db, marks);
            if self.values_kept(marks).is_none() {
                let floor = self.floor(&items);
                let unused = self.sql("look for unused values", dead(db, &marks.live, floor))?;
                let mut query =
                    self.sql("delete values", db.prepare_cached("DELETE FROM nodes WHERE id=?1"))?;
                for (id, _) in unused {
                    self.sql("delete values", query.execute([id]))?;
                    done.nodes += 1;
                }
            }
        }
        let bump = "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key='epoch'";
        self.sql("count the gc", db.execute(bump, []))?;
        Ok(done)
    }

    fn items(&self, db: &Connection) -> Result<Vec<Item>> {
        let mut query = self.sql(
            "list runs",
            db.prepare_cached(&format!("SELECT {} FROM runs NOT INDEXED ORDER BY id", RawRun::COLUMNS)),
        )?;
        let raws: rusqlite::Result<Vec<RawRun>> =
            query.query_map([], RawRun::read).and_then(Iterator::collect);
        let mut items = Vec::new();
        for raw in self.sql("list runs", raws)? {
            let run = RunId::from_text(&raw.uid);
            // A mark that cannot be read keeps its run.
            let pinned =
                super::runs::marks(db, &run).map_or(true, |marks| marks.is_some_and(|(pinned, _)| pinned));
            let bytes = db
                .prepare_cached("SELECT ifnull(sum(length(data) + 40), 0) FROM events WHERE run=?1")
                .and_then(|mut query| query.query_row([raw.id], |row| row.get::<_, i64>(0)));
            let bytes = self.sql("measure a run", bytes)?.max(0) as u64;
            items.push(Item { id: raw.id, run, record: raw.record, pinned, bytes });
        }
        Ok(items)
    }

    fn running(&self, item: &Item) -> bool {
        item.record.as_ref().is_ok_and(|r| r.summary.status == RunStatus::Running && self.is_alive(r))
    }

    fn choose(
        &self,
        db: &Connection,
        items: &[Item],
        options: &GcOptions,
        marks: &mut Marks,
    ) -> Result<HashMap<RunId, Kept>> {
        let now = self.inner.options.clock.now();
        let mut kept: HashMap<RunId, Kept> = HashMap::new();
        let mut content: u64 = match options.max_bytes {
            Some(_) => self.sql("measure", db.query_row(
                "SELECT (SELECT ifnull(sum(length(data)), 0) FROM nodes) + (SELECT ifnull(sum(length(data)), 0) FROM events)",
                [], |row| row.get::<_, i64>(0)))?.max(0) as u64,
            None => 0,
        };
        let per_run = content / (items.len() as u64).max(1);
        for (at, item) in items.iter().enumerate() {
            let record = item.record.as_ref().ok();
            let ended = record.and_then(|r| r.summary.ended_at.or(Some(r.beat))).unwrap_or(now);
            let why = if self.running(item) {
                Kept::Running
            } else if item.pinned {
                Kept::Pinned
            } else if item.record.is_err() {
                Kept::Damaged
            } else if items.len() - at <= options.keep_last {
                Kept::Recent
            } else if options.older_than.is_some_and(|age| now.saturating_sub(ended) < age) {
                Kept::Young
            } else if options.max_bytes.is_some_and(|max| content <= max) {
                Kept::Room
            } else {
                // Values are shared: what a run frees is known only after marking. An even share is near enough.
                content = content.saturating_sub(item.bytes.max(per_run));
                continue;
            };
            kept.insert(item.run.clone(), why);
        }
        // What kept runs came from stays too, transitively.
        loop {
            let mut more: Vec<(RunId, Kept)> = Vec::new();
            for item in items.iter().filter(|item| kept.contains_key(&item.run)) {
                self.mark_run(db, item, marks)?;
                if let Ok(record) = &item.record
                    && let Some(parent) = &record.summary.parent
                {
                    more.push((parent.clone(), Kept::ParentOf(item.run.clone())));
                }
                for origin in marks.origins.get(&item.id).into_iter().flatten() {
                    more.push((origin.clone(), Kept::OriginOf(item.run.clone())));
                }
            }
            let before = kept.len();
            for (run, why) in more {
                if items.iter().any(|item| item.run == run) {
                    kept.entry(run).or_insert(why);
                }
            }
            if kept.len() == before {
                return Ok(kept);
            }
        }
    }

    /// Reads on in a kept run's log and marks what it refers to.
    fn mark_run(&self, db: &Connection, item: &Item, marks: &mut Marks) -> Result<()> {
        let from = marks.seen.get(&item.id).copied().unwrap_or(End::NONE);
        let children = self.inner.options.nodes.children;
        let (mut live, mut origins) = (Vec::new(), Vec::new());
        let verified =
            scan_from(db, item.id, &item.run, from, |event| refer(&event, children, &mut live, &mut origins));
        let verified = self.sql("read a log", verified)?;
        marks.live.extend(live);
        marks.origins.entry(item.id).or_default().extend(origins);
        let short = item.record.as_ref().map_or(true, |record| record.seq > verified.end.seq);
        if verified.broken.is_some() || short {
            marks.doubt.get_or_insert(format!("run {} is damaged: what it refers to is not known", item.run));
        }
        marks.seen.insert(item.id, verified.end);
        Ok(())
    }

    fn values_kept(&self, marks: &Marks) -> Option<String> {
        if self.inner.options.nodes.children.is_none() {
            return Some("it is not known which values a value refers to".to_owned());
        }
        marks.doubt.clone()
    }

    /// Adds everything that live values refer to.
    fn close_over_children(&self, db: &Connection, marks: &mut Marks) {
        let Some(children) = self.inner.options.nodes.children else { return };
        let mut queue: Vec<Digest> = marks.live.iter().copied().collect();
        while let Some(digest) = queue.pop() {
            match self.node_in(db, &digest) {
                Ok(data) => {
                    queue.extend(children(&data).into_iter().filter(|child| marks.live.insert(*child)));
                }
                // A small value is in the event itself and never was a node.
                Err(super::error::NodeError::Missing { .. }) => {}
                Err(error) => {
                    marks.doubt.get_or_insert(error.to_string());
                }
            }
        }
    }

    /// Values from this row on may belong to events that running runs have not recorded yet.
    fn floor(&self, items: &[Item]) -> i64 {
        items
            .iter()
            .filter(|item| self.running(item))
            .filter_map(|item| item.record.as_ref().ok().map(|record| record.first_node))
            .min()
            .unwrap_or(i64::MAX)
    }
}

fn needs(item: &Item, marks: &Marks) -> Vec<RunId> {
    let parent = item.record.as_ref().ok().and_then(|record| record.summary.parent.clone());
    marks.origins.get(&item.id).into_iter().flatten().cloned().chain(parent).collect()
}

fn refer(
    event: &Event,
    children: Option<super::nodes::ChildrenOf>,
    live: &mut Vec<Digest>,
    origins: &mut Vec<RunId>,
) {
    let value = |value: &ValueRef, live: &mut Vec<Digest>| {
        live.push(value.digest);
        // A small value is in the event itself, and may still refer to stored ones.
        if let (Some(children), Some(data)) = (children, &value.inline) {
            live.extend(children(data));
        }
    };
    match &event.kind {
        EventKind::RunStarted { input, .. } => value(input, live),
        EventKind::CallAsked(asked) => asked.input.iter().for_each(|input| value(input, live)),
        EventKind::CallEnded(ended) => {
            ended.output.iter().for_each(|output| value(output, live));
            origins.extend(ended.origin.iter().map(|origin| origin.run.clone()));
            live.extend(ended.state_reads.iter().filter_map(|(_, digest)| *digest));
        }
        EventKind::Offered(ended) => ended.output.iter().for_each(|output| value(output, live)),
        EventKind::Answered(answered) => {
            answered.was.iter().chain(&answered.now).for_each(|known| value(known, live));
        }
        EventKind::StateSet { value: set, .. } => value(set, live),
        EventKind::RunEnded { output, .. } => output.iter().for_each(|output| value(output, live)),
        EventKind::CodeKnown(known) => live.extend(known.closure),
        _ => {}
    }
}

/// Rows of values below `floor` that are not live, with their bytes.
fn dead(db: &Connection, live: &HashSet<Digest>, floor: i64) -> rusqlite::Result<Vec<(i64, u64)>> {
    let mut query = db.prepare_cached("SELECT id, key, rest, length(data) FROM nodes WHERE id<?1")?;
    let mut rows = query.query([floor])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let digest = digest_of(row.get(1)?, row.get_ref(2)?.as_blob().unwrap_or_default());
        if !live.contains(&digest) {
            out.push((row.get(0)?, row.get::<_, i64>(3)?.max(0) as u64));
        }
    }
    Ok(out)
}

fn delete(db: &Connection, id: i64, run: &RunId) -> rusqlite::Result<()> {
    for table in ["events", "calls"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE run=?1"))?.execute([id])?;
    }
    db.prepare_cached("DELETE FROM runs WHERE id=?1")?.execute([id])?;
    db.prepare_cached("DELETE FROM marks WHERE uid=?1")?.execute([run.as_str()])?;
    db.prepare_cached("INSERT OR IGNORE INTO gone(uid) VALUES (?1)")?.execute(params![run.as_str()])?;
    Ok(())
}
