//! Writing segments of the log, and rows of `runs` and `calls`, which follow from it.

use rusqlite::{Connection, params};

use super::rows::{CallRow, RunRecord, kind_code, run_sum, status_code};
use super::state::Segment;
use crate::base::ids::RunId;

/// Appends a segment to the log of a run.
pub(super) fn write_segment(
    db: &Connection,
    id: i64,
    segment: &Segment,
    data: &[u8],
) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO events(run, first_seq, n, digest, data) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id, segment.first as i64, segment.count as i64, &segment.link[..], data])?;
    Ok(())
}

/// Writes the row of a run.
pub(super) fn write_run(db: &Connection, id: i64, record: &RunRecord) -> rusqlite::Result<()> {
    let data = rmp_serde::to_vec(record).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    let (uid, status) = (record.summary.id.as_str(), record.summary.status.word());
    db.prepare_cached("UPDATE runs SET status=?2, data=?3, sum=?4 WHERE id=?1")?.execute(params![
        id,
        status,
        data,
        run_sum(uid, status, &data)
    ])?;
    Ok(())
}

/// Writes the row of a call.
pub(super) fn write_call(
    db: &Connection,
    id: i64,
    run: &RunId,
    row: &CallRow,
    stored: bool,
) -> rusqlite::Result<()> {
    if stored {
        db.prepare_cached(
            "UPDATE calls SET status=?3, fp=?4, started=?5, ended=?6, wall=?7, tokens=?8, cost=?9, end_seq=?10, \
             sum=?11 WHERE run=?1 AND no=?2",
        )?
        .execute(params![
            id, row.no, status_code(row.status), row.fp, row.started_at, row.ended_at, row.wall_us,
            row.tokens as i64, row.cost_usd, row.end_seq as i64, row.sum(run),
        ])?;
    } else {
        db.prepare_cached(
            "INSERT OR REPLACE INTO calls(run, no, parent, kind, status, function, ordinal, fp, asked, started, ended, wall, \
             tokens, cost, ask_seq, end_seq, sum) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?
        .execute(params![
            id, row.no, row.parent, kind_code(row.kind), status_code(row.status), row.function, row.ordinal, row.fp,
            row.asked_at, row.started_at, row.ended_at, row.wall_us, row.tokens as i64, row.cost_usd,
            row.ask_seq as i64, row.end_seq as i64, row.sum(run),
        ])?;
    }
    Ok(())
}
