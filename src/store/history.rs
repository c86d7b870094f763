//! Reading a run's log: verified link by link, compared with `heads`, projected.
//!
//! A log that breaks or ends early is never silently shorter: what could be verified is returned together with
//! a [`Damage`] that says from where on, and how many acknowledged events are missing.

use std::fmt;

use rusqlite::{Connection, params};

use super::beside::{self, Left};
use super::chain::{self, START};
use super::error::{Result, StoreError};
use super::heads::{End, Scan};
use super::open::Store;
use super::rows::RawRun;
use crate::base::ids::RunId;
use crate::model::{Event, RunHistory, RunStatus};

/// What is wrong with a run's records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// The run.
    pub run: RunId,
    /// The first event that is missing or cannot be trusted.
    pub at_seq: u64,
    /// How many acknowledged events are known to be missing.
    pub missing: u64,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} is damaged: {}", self.run, self.what)?;
        if self.missing > 0 {
            let events = crate::base::text::count(self.missing, "acknowledged event");
            let are = if self.missing == 1 { "is" } else { "are" };
            write!(f, "; {events} {are} missing from number {} on", self.at_seq)?;
        }
        Ok(())
    }
}

/// A run's projected log.
#[derive(Clone, PartialEq, Debug)]
pub struct History {
    /// Everything that could be verified. Closed as interrupted when the run's engine is dead.
    pub history: RunHistory,
    /// What could not.
    pub damage: Option<Damage>,
    /// Whether a living process still adds to it.
    pub alive: bool,
}

/// A scan of a run's segments.
pub(super) struct Verified {
    pub end: End,
    /// What broke the chain, if something did.
    pub broken: Option<String>,
}

/// Calls for which there is room at once, where the log's length is not known.
const EXPECTED: usize = 1 << 17;

/// Reads segments in order and hands each verified event to `each`.
pub(super) fn scan(
    db: &Connection,
    id: i64,
    run: &RunId,
    each: impl FnMut(Event),
) -> rusqlite::Result<Verified> {
    scan_from(db, id, run, End::NONE, each)
}

/// Like [`scan`], from the segment after a known end.
pub(super) fn scan_from(
    db: &Connection,
    id: i64,
    run: &RunId,
    from: End,
    mut each: impl FnMut(Event),
) -> rusqlite::Result<Verified> {
    let mut verified = Verified { end: from, broken: None };
    let mut query = db.prepare_cached(
        "SELECT first_seq, n, digest, data FROM events WHERE run=?1 AND first_seq>?2 ORDER BY first_seq",
    )?;
    let mut rows = query.query(params![id, from.seq as i64])?;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) if is_damage(&error) => {
                verified.broken = Some(format!("its log cannot be read on ({error})"));
                break;
            }
            Err(error) => return Err(error),
        };
        let cells = (|| {
            let first = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
            let n = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            Ok::<_, rusqlite::Error>((first, n, row.get_ref(2)?.as_blob()?, row.get_ref(3)?.as_blob()?))
        })();
        let Ok((first, n, digest, data)) = cells else {
            verified.broken =
                Some(format!("the records after event {} have the wrong type", verified.end.seq));
            break;
        };
        let due = verified.end.seq + 1;
        if first != due {
            verified.broken = Some(format!("event {due} is missing, {first} follows"));
            break;
        }
        let link = chain::link(&verified.end.link, run, first, n, data);
        if n == 0 || digest != link {
            verified.broken = Some(format!("event {first} does not match the chain"));
            break;
        }
        match chain::decode(first, n, data) {
            Ok(events) => events.into_iter().for_each(&mut each),
            Err(what) => {
                verified.broken = Some(format!("event {first} cannot be read ({what})"));
                break;
            }
        }
        verified.end = End { seq: first + n - 1, link };
    }
    Ok(verified)
}

/// Whether an error while reading means that the file is damaged.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as C;
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, C::DatabaseCorrupt | C::NotADatabase | C::SystemIoFailure | C::Unknown)
        }
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

impl Store {
    /// A whole run: one range scan, verified and projected.
    pub fn history(&self, run: &RunId) -> Result<History> {
        let look = || {
            // Before the snapshot begins: a head that is read first can only be behind it.
            let heads = self.inner.heads.scan()?;
            self.read("read a run", |db| self.history_in(db, run, &heads))
        };
        twice(look, |found| found.damage.is_some())
    }

    pub(super) fn history_in(&self, db: &Connection, run: &RunId, heads: &Scan) -> Result<History> {
        let expected = heads.of(run).map(|head| head.expected(&self.inner.me.boot_link()));
        let mut history = RunHistory::new(run.clone());
        let Some(raw) = self.sql("find the run", find_raw(db, run))? else {
            if self.is_gone(db, run)? {
                return Err(StoreError::NoRun { run: run.clone() });
            }
            let Some(expected) = expected.filter(|end| end.seq > 0) else {
                return Err(StoreError::NoRun { run: run.clone() });
            };
            history.close(RunStatus::Interrupted, 0);
            let what = "all its records are lost".to_owned();
            let damage = Damage { run: run.clone(), at_seq: 1, missing: expected.seq, what };
            return Ok(History { history, damage: Some(damage), alive: false });
        };
        // A vector that grows by doubling would take up to twice as much, and three times while it grows.
        let most = expected.map_or(EXPECTED, |end| usize::try_from(end.seq).unwrap_or(EXPECTED));
        let rows = "SELECT max(no) FROM calls WHERE run=?1";
        let calls = db.prepare_cached(rows).and_then(|mut query| query.query_row([raw.id], |row| row.get(0)));
        let calls: Option<u32> = self.sql("count the calls", calls)?;
        history.calls.reserve_exact(calls.map_or(0, |n| n as usize).min(most));
        let mut last_at = 0;
        let verified = self.sql(
            "read the log",
            scan(db, raw.id, run, |event| {
                last_at = event.at;
                history.apply(&event);
            }),
        )?;
        let ended = history.status != RunStatus::Running;
        let record = raw.record.as_ref().ok();
        let alive = !ended && record.is_some_and(|record| self.is_alive(record));
        let mut damage = judge(run, &verified, expected, &raw, &history);
        if !ended && !alive {
            if damage.is_none() {
                let left = beside::left(&self.inner.dir, run, verified.end);
                damage = self.left_damage(&raw, run, verified.end, &left, heads);
                // Where nobody may write they are still there.
                left.events.iter().for_each(|event| history.apply(event));
            }
            history.close(RunStatus::Interrupted, last_at);
        }
        Ok(History { history, damage, alive })
    }

    /// Events after `after_seq`, at most about `limit` (whole segments): the live tail of a run.
    ///
    /// An empty list means that nothing is new; a tail that ends before what was acknowledged is an error.
    pub fn events(&self, run: &RunId, after_seq: u64, limit: usize) -> Result<Vec<Event>> {
        let heads = self.inner.heads.scan()?;
        self.read("read events", |db| {
            let expected = heads.of(run).map(|head| head.expected(&self.inner.me.boot_link()));
            let Some(raw) = self.sql("find the run", find_raw(db, run))? else {
                return Err(match expected.filter(|end| end.seq > 0) {
                    Some(end) => self.damaged(format!("all {} events of run {run} are lost", end.seq)),
                    None => StoreError::NoRun { run: run.clone() },
                });
            };
            let mut events = Vec::new();
            let end = self.sql("read events", tail(db, raw.id, run, after_seq, limit, &mut events))?;
            match end {
                Tail::Broken(what) => Err(self.damaged(format!("run {run}: {what}"))),
                Tail::End(seq) if expected.is_some_and(|end| end.seq > seq) => {
                    let missing = expected.map_or(0, |end| end.seq - seq);
                    Err(self
                        .damaged(format!("run {run}: {missing} acknowledged events after {seq} are missing")))
                }
                Tail::End(_) | Tail::More => Ok(events),
            }
        })
    }

    /// What a dead run's process had written beside its log and cannot be read.
    pub(super) fn left_damage(
        &self,
        raw: &RawRun,
        run: &RunId,
        end: End,
        left: &Left,
        heads: &Scan,
    ) -> Option<Damage> {
        let have = end.seq + left.events.len() as u64;
        let missing = heads.of(run).map_or(0, |head| head.kept).saturating_sub(have);
        let file = &left.file;
        let what = if missing > 0 {
            format!("{file}, beside the database, does not hold what was acknowledged")
        } else if left.refused || left.damaged && self.is_readable(raw) {
            format!("{file}, beside the database, cannot be read: calls that had begun are missing")
        } else {
            return None;
        };
        Some(Damage { run: run.clone(), at_seq: have + 1, missing, what })
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::damaged(&self.inner.file, what)
    }
}

/// Looks, and once more when something seems damaged: what a dead process had written beside the database may have been
/// taken into it by another one, between the look at the log and the one beside it.
pub(super) fn twice<T>(look: impl Fn() -> Result<T>, damaged: impl Fn(&T) -> bool) -> Result<T> {
    let found = look()?;
    if damaged(&found) { look() } else { Ok(found) }
}

enum Tail {
    /// The limit was reached before the end.
    More,
    /// Everything up to this event was read.
    End(u64),
    Broken(String),
}

/// Reads on from the segment that holds `after_seq + 1`; the link before it is taken from its neighbour.
fn tail(
    db: &Connection,
    id: i64,
    run: &RunId,
    after_seq: u64,
    limit: usize,
    events: &mut Vec<Event>,
) -> rusqlite::Result<Tail> {
    let mut from = End::NONE;
    {
        // The last two segments that begin at or before `after_seq`: the earlier one gives the link before the
        // later one, which may reach beyond `after_seq`.
        let mut query = db.prepare_cached(
            "SELECT first_seq, n, digest FROM events WHERE run=?1 AND first_seq<=?2 ORDER BY first_seq DESC LIMIT 2",
        )?;
        let mut rows = query.query(params![id, after_seq as i64])?;
        while let Some(row) = rows.next()? {
            let first = row.get::<_, i64>(0)? as u64;
            let last = first.saturating_add(row.get::<_, i64>(1)? as u64).saturating_sub(1);
            let mut link = START;
            match row.get_ref(2)?.as_blob() {
                Ok(digest) if digest.len() == link.len() => link.copy_from_slice(digest),
                _ => return Ok(Tail::Broken(format!("event {first} does not match the chain"))),
            }
            from = End { seq: last, link };
            if last <= after_seq {
                break;
            }
            // The segment reaches beyond: start before it.
            from = End::NONE;
        }
    }
    let mut query = db.prepare_cached(
        "SELECT first_seq, n, digest, data FROM events WHERE run=?1 AND first_seq>?2 ORDER BY first_seq",
    )?;
    let mut rows = query.query(params![id, from.seq as i64])?;
    while let Some(row) = rows.next()? {
        if events.len() >= limit {
            return Ok(Tail::More);
        }
        let first = row.get::<_, i64>(0)? as u64;
        let n = row.get::<_, i64>(1)? as u64;
        let (Ok(digest), Ok(data)) = (row.get_ref(2)?.as_blob(), row.get_ref(3)?.as_blob()) else {
            return Ok(Tail::Broken(format!("event {first} has the wrong type")));
        };
        let link = chain::link(&from.link, run, first, n, data);
        if first != from.seq + 1 || n == 0 || digest != link {
            return Ok(Tail::Broken(format!("event {} does not match the chain", from.seq + 1)));
        }
        match chain::decode(first, n, data) {
            Ok(more) => events.extend(more.into_iter().filter(|event| event.seq > after_seq)),
            Err(what) => return Ok(Tail::Broken(format!("event {first} cannot be read ({what})"))),
        }
        from = End { seq: first + n - 1, link };
    }
    Ok(Tail::End(from.seq))
}

/// The row of a run: by the index, and when that has nothing by looking at every row (the index may be damaged).
pub(super) fn find_raw(db: &Connection, run: &RunId) -> rusqlite::Result<Option<RawRun>> {
    for source in ["runs WHERE uid=?1", "runs NOT INDEXED WHERE +uid=?1"] {
        let mut query = db.prepare_cached(&format!("SELECT {} FROM {source}", RawRun::COLUMNS))?;
        let mut rows = query.query([run.as_str()])?;
        if let Some(row) = rows.next()? {
            return RawRun::read(row).map(Some);
        }
    }
    Ok(None)
}

/// Compares what was read with everything that says how much there should be.
fn judge(
    run: &RunId,
    verified: &Verified,
    expected: Option<End>,
    raw: &RawRun,
    history: &RunHistory,
) -> Option<Damage> {
    let end = verified.end;
    let at_seq = end.seq + 1;
    let acknowledged = expected.map_or(0, |end| end.seq).max(raw.record.as_ref().map_or(0, |r| r.seq));
    let missing = acknowledged.saturating_sub(end.seq);
    let damage = |what: String| Some(Damage { run: run.clone(), at_seq, missing, what });
    if let Some(what) = &verified.broken {
        return damage(what.clone());
    }
    if missing > 0 {
        return damage("its log ends early".to_owned());
    }
    if expected.is_some_and(|expected| expected.seq == end.seq && expected.link != end.link) {
        return damage("its log does not end as it was acknowledged".to_owned());
    }
    match &raw.record {
        Err(what) => damage(what.clone()),
        Ok(record) => {
            let status = record.summary.status;
            let open = matches!(status, RunStatus::Running | RunStatus::Interrupted);
            if status != history.status
                && !(open && history.status == RunStatus::Running)
                && record.seq == end.seq
            {
                return damage(format!("its row says {}, its log {}", status.word(), history.status.word()));
            }
            None
        }
    }
}
