//! Rows of `runs` and `calls`: their columns, and the checksums that cover them. No I/O.
//!
//! Every column that is shown or decides something is covered by `sum`, 8 bytes of blake3 over the columns
//! and the run's id, and verified on every read.

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::owner::Owner;
use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId};
use crate::model::{Accepted, CallKind, CallStatus, RunStatus, RunSummary};

/// What the row of a run holds, as MessagePack: new fields go to the end with `#[serde(default)]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct RunRecord {
    /// The run in one line, as of `seq`; whether it is pinned is in `marks`.
    pub summary: RunSummary,
    /// The process that executes it.
    pub owner: Owner,
    /// That process's last sign of life.
    pub beat: Micros,
    /// The last event that the summary covers.
    pub seq: u64,
    /// Rows in `calls`.
    pub nodes: u32,
    /// gc keeps nodes from this row on while the run is running.
    pub first_node: i64,
}

/// 8 bytes of blake3 over framed parts.
fn sum(parts: &[&[u8]]) -> i64 {
    crate::base::digest::Digest::of_parts(parts).prefix()
}

pub(super) fn run_sum(uid: &str, status: &str, data: &[u8]) -> i64 {
    sum(&[b"run", uid.as_bytes(), status.as_bytes(), data])
}

pub(super) fn mark_sum(uid: &str, pinned: bool, label: Option<&str>) -> i64 {
    sum(&[
        b"mark",
        uid.as_bytes(),
        &[u8::from(pinned), u8::from(label.is_some())],
        label.unwrap_or("").as_bytes(),
    ])
}

/// Covers a row of `accepted`.
pub(super) fn accepted_sum(one: &Accepted, revokes: Option<i64>) -> i64 {
    sum(&[
        b"accepted",
        &one.id.to_le_bytes(),
        &one.at.to_le_bytes(),
        &revokes.unwrap_or(0).to_le_bytes(),
        one.function.as_bytes(),
        one.old.as_bytes(),
        one.new.as_bytes(),
        &[u8::from(one.note.is_some())],
        one.note.as_deref().unwrap_or("").as_bytes(),
    ])
}

/// A row of `runs` as it is stored.
#[derive(Debug)]
pub(super) struct RawRun {
    pub id: i64,
    pub uid: String,
    pub record: Result<RunRecord, String>,
}

impl RawRun {
    pub const COLUMNS: &'static str = "id, uid, status, data, sum";

    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let id = row.get(0)?;
        let uid = String::from_utf8_lossy(text(row, 1)?).into_owned();
        let status = String::from_utf8_lossy(text(row, 2)?).into_owned();
        let data = text(row, 3)?;
        let record = if row.get::<_, i64>(4)? != run_sum(&uid, &status, data) {
            Err("the row does not match its checksum".to_owned())
        } else {
            rmp_serde::from_slice::<RunRecord>(data).map_err(|e| e.to_string())
        };
        Ok(RawRun { id, uid, record })
    }
}

/// Text or bytes, whatever a damaged header made of the column.
fn text<'a>(row: &'a Row<'_>, at: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(match row.get_ref(at)? {
        rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => bytes,
        _ => b"",
    })
}

/// A run for lists: its summary and what is known about its health.
#[derive(Clone, PartialEq, Debug)]
pub struct RunRow {
    /// Grows with age of the store; the cursor of windowed reading.
    pub cursor: i64,
    /// The run in one line. A run whose engine is dead is `Interrupted` here.
    pub summary: RunSummary,
    /// A name given by the user.
    pub label: Option<String>,
    /// The process that executes (or executed) it.
    pub pid: u32,
    /// Whether that process executes it now.
    pub alive: bool,
    /// What is wrong with its records; the text contains the word `damaged`.
    pub damaged: Option<String>,
}

/// A call for windowed lists: what fits a line.
#[derive(Clone, PartialEq, Debug)]
pub struct CallRow {
    /// Its number.
    pub no: CallNo,
    /// Its caller's number.
    pub parent: CallNo,
    /// What it is.
    pub kind: CallKind,
    /// The function.
    pub function: String,
    /// See [`crate::model::Call::ordinal`].
    pub ordinal: u32,
    /// Where it stands.
    pub status: CallStatus,
    /// When it was asked for.
    pub asked_at: Micros,
    /// When its body started.
    pub started_at: Option<Micros>,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// Microseconds of the body.
    pub wall_us: i64,
    /// Tokens it used (or spared, when cached).
    pub tokens: u64,
    /// Dollars, when the price is known.
    pub cost_usd: Option<f64>,
    /// The event that asked for it.
    pub ask_seq: u64,
    /// The event that ended it; 0 while open.
    pub end_seq: u64,
    /// Prefix of the fingerprint, for reusable checkpoints.
    pub fp: Option<i64>,
}

pub(super) const KINDS: [CallKind; 4] = [CallKind::Root, CallKind::Call, CallKind::Map, CallKind::Reduce];

pub(super) fn kind_code(kind: CallKind) -> i64 {
    match kind {
        CallKind::Root => 0,
        CallKind::Call => 1,
        CallKind::Map => 2,
        CallKind::Reduce => 3,
    }
}

pub(super) fn status_code(status: CallStatus) -> i64 {
    CallStatus::ALL.iter().position(|s| *s == status).map_or(-1, |at| at as i64)
}

impl CallRow {
    pub(super) const COLUMNS: &'static str = "no, parent, kind, status, function, ordinal, fp, asked, \
         started, ended, wall, tokens, cost, ask_seq, end_seq, sum";

    /// The checksum of its columns.
    pub(super) fn sum(&self, run: &RunId) -> i64 {
        let mut bytes = Vec::with_capacity(160);
        let mut add = |n: i64| bytes.extend_from_slice(&n.to_le_bytes());
        add(i64::from(self.no));
        add(i64::from(self.parent));
        add(kind_code(self.kind) << 8 | status_code(self.status));
        add(i64::from(self.ordinal));
        for option in [self.fp, self.started_at, self.ended_at, self.cost_usd.map(|c| c.to_bits() as i64)] {
            add(i64::from(option.is_some()));
            add(option.unwrap_or(0));
        }
        add(self.asked_at);
        add(self.wall_us);
        add(self.tokens as i64);
        add(self.ask_seq as i64);
        add(self.end_seq as i64);
        sum(&[b"call", run.as_str().as_bytes(), &bytes, self.function.as_bytes()])
    }

    /// Reads and verifies a row selected with [`CallRow::COLUMNS`]; `None` when it is damaged.
    pub(super) fn read(row: &Row<'_>, run: &RunId) -> rusqlite::Result<Option<Self>> {
        let kind = usize::try_from(row.get::<_, i64>(2)?).ok().and_then(|at| KINDS.get(at));
        let status = usize::try_from(row.get::<_, i64>(3)?).ok().and_then(|at| CallStatus::ALL.get(at));
        let (Some(kind), Some(status)) = (kind, status) else { return Ok(None) };
        let call = CallRow {
            no: row.get(0)?,
            parent: row.get(1)?,
            kind: *kind,
            status: *status,
            function: row.get(4)?,
            ordinal: row.get(5)?,
            fp: row.get(6)?,
            asked_at: row.get(7)?,
            started_at: row.get(8)?,
            ended_at: row.get(9)?,
            wall_us: row.get(10)?,
            tokens: row.get::<_, i64>(11)? as u64,
            cost_usd: row.get(12)?,
            ask_seq: row.get::<_, i64>(13)? as u64,
            end_seq: row.get::<_, i64>(14)? as u64,
        };
        Ok((row.get::<_, i64>(15)? == call.sum(run)).then_some(call))
    }

    /// The row of a projected call.
    pub(super) fn of(call: &crate::model::Call, ask_seq: u64, end_seq: u64) -> Self {
        CallRow {
            no: call.no,
            parent: call.parent,
            kind: call.kind,
            function: call.function.clone(),
            ordinal: call.ordinal,
            status: call.status,
            asked_at: call.asked_at,
            started_at: call.started_at,
            ended_at: call.ended_at,
            wall_us: call.wall_us,
            tokens: call.usage.as_ref().map_or(0, crate::model::Usage::tokens),
            cost_usd: call.usage.as_ref().and_then(|usage| usage.cost_usd),
            ask_seq,
            end_seq,
            fp: reusable(call.status, call.durable && !call.is_answered(), call.kind)
                .then(|| call.fingerprint().prefix()),
        }
    }
}

/// Whether the outcome is a checkpoint that later runs may be served from.
pub(super) fn reusable(status: CallStatus, durable: bool, kind: CallKind) -> bool {
    durable
        // What somebody made up answers in replays of that run, and nowhere else.
        && status == CallStatus::Fresh
        && matches!(kind, CallKind::Root | CallKind::Call)
}

/// The summary of a run whose records are lost: nothing but its id is known.
pub(super) fn unknown(run: &RunId) -> RunSummary {
    let mut summary = crate::model::RunHistory::new(run.clone()).summary(false);
    summary.status = RunStatus::Interrupted;
    summary
}
