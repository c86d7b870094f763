//! The list of runs.

use crate::app::AppState;
use crate::app::command::CommandId;
use crate::app::layout::Area;
use crate::app::runs::Lineage;
use crate::app::say;
use crate::app::state::Pane;
use crate::app::tone::Tone;
use crate::base::clock::Micros;
use crate::base::text;
use crate::model::{CallStatus, RunSummary};

use super::cells::Canvas;
use super::{selected_tone, title_tone};

/// From this width on a line also says which application and which parent.
const ROOMY: u16 = 34;
/// From this width on it says how long it took and what it cost.
const WIDE: u16 = 56;
/// Columns of both.
const NUMBERS: u16 = 19;

/// Draws the pane.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState, now: Micros) {
    let n = state.runs.items.len();
    let x = canvas.text(area, 1, 0, title_tone(state, Pane::Runs), "Runs");
    let body = area.below_title();
    if n > 0 {
        let at = state.runs.selected_row() + 1;
        let fits = n <= usize::from(body.h);
        let count = if fits { n.to_string() } else { format!("{at} of {n}") };
        let x = canvas.text(area, x + 1, 0, Tone::Faint, &count);
        let folded = state.runs.folded.ids().count();
        if folded > 0 {
            let key = state.settings.keymap.names(CommandId::FoldedRuns);
            canvas.text(area, x + 2, 0, Tone::Faint, &format!("+{folded} folded: {key}"));
        }
    }
    if n == 0 {
        empty(canvas, body, state);
        return;
    }
    for y in 0..body.h {
        let row = state.runs.top + usize::from(y);
        let Some(run) = state.runs.items.get(row) else { break };
        line(canvas, body, y, state, row, run, now);
        if state.runs.selected.as_ref() == Some(&run.id) {
            canvas.tint(body, y, selected_tone(state, Pane::Runs));
        }
    }
}

fn empty(canvas: &mut Canvas<'_>, body: Area, state: &AppState) {
    let sentence = if state.runs.loaded { "No runs yet." } else { "Reading …" };
    canvas.text(body, 1, 1, Tone::Quiet, sentence);
}

fn line(
    canvas: &mut Canvas<'_>,
    body: Area,
    y: u16,
    state: &AppState,
    row: usize,
    run: &RunSummary,
    now: Micros,
) {
    let glyphs = canvas.look.glyphs;
    let mark = match state.runs.lineage(row) {
        Lineage::Own => " ",
        Lineage::Replay => glyphs.pick("↻", "@"),
        Lineage::ParentOfAbove => glyphs.pick("└", "`"),
    };
    if state.runs.selected.as_ref() == Some(&run.id) {
        canvas.text(body, 0, y, Tone::Focus, glyphs.pick("▸", ">"));
    }
    canvas.text(body, 1, y, Tone::Faint, mark);
    canvas.text(body, 2, y, Tone::Text, run.id.short());
    if run.pinned {
        canvas.text(body, 6, y, Tone::Focus, "*");
    }
    canvas.right(body, 10, y, 3, Tone::Quiet, &say::age(now - run.started_at));
    let sign = if state.paused(&run.id) { glyphs.paused() } else { glyphs.run(run.status, now) };
    canvas.text(body, 11, y, say::run_tone(run.status), sign);
    let c = &run.counts;
    let mut x = 13;
    let parts = [
        (CallStatus::Failed, c.failed),
        (CallStatus::Cached, c.cached),
        (CallStatus::Fresh, c.fresh),
        (CallStatus::Running, c.running),
        (CallStatus::Edited, c.edited),
        (CallStatus::InDoubt, c.in_doubt),
    ];
    for (status, n) in parts {
        if n > 0 {
            // A still sign: what counts here is how many, and the row's own spinner moves already.
            let piece = format!("{}{}", say::tokens(n), glyphs.status(status, 0));
            if usize::from(x) + text::width(&piece) > usize::from(body.w) {
                break;
            }
            x = canvas.text(body, x, y, say::status_tone(status), &piece) + 1;
        }
    }
    if body.w >= ROOMY {
        let end = body.w.saturating_sub(1);
        let costs = run.tokens > 0 && body.w >= WIDE;
        let left = x.max(25);
        // A parent in the row below is told by the marks.
        let below = state.runs.lineage(row + 1) == Lineage::ParentOfAbove;
        let what = match state.runs.folded.parent(run).filter(|_| !below) {
            Some(parent) => format!("of {}  {}", parent.short(), run.app),
            None => run.app.clone(),
        };
        let room = Area { w: if body.w >= WIDE { end.saturating_sub(NUMBERS) } else { end }, ..body };
        canvas.text(room, left, y, Tone::Faint, &what);
        if body.w >= WIDE {
            let took = run.ended_at.unwrap_or(now) - run.started_at;
            canvas.right(body, end.saturating_sub(9), y, 9, Tone::Quiet, &text::duration(took));
        }
        if costs {
            let cost = run.cost_usd.map_or_else(|| say::tokens(run.tokens), text::dollars);
            canvas.right(body, end, y, 8, Tone::Quiet, &cost);
        }
    }
}
