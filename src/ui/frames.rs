//! The variables of the callers of a call at the gate, and the line in which an output is written as an expression.

use crate::app::frames::{ExprLine, FrameList, rows};
use crate::app::layout::{Area, scroll_to};
use crate::app::pointer::Over;
use crate::app::tone::Tone;
use crate::app::{AppState, say};
use crate::base::text;

use super::cells::Canvas;
use super::overlay::{edited, window};

/// The frames and their names.
pub(super) fn draw(canvas: &mut Canvas<'_>, body: Area, state: &AppState, list: &FrameList) {
    let rows = rows(state, list);
    let run = state.open.get(&list.run).map(|open| &open.history);
    let name = run.and_then(|run| Some(say::place_in_tree(run, run.call(list.call)?))).unwrap_or_default();
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).max(3);
    let inner = window(canvas, body, body.w.saturating_sub(6).max(20), height, &format!("Who called {name}"));
    let top = scroll_to(0, list.at, rows.len(), usize::from(inner.h));
    let glyphs = canvas.look.glyphs;
    for y in 0..inner.h {
        let at = top + usize::from(y);
        let Some(row) = rows.get(at) else { break };
        let x = u16::try_from(row.place.len().saturating_sub(1) * 2).unwrap_or(0).min(inner.w / 2);
        let sign = match row.fold {
            Some(true) => glyphs.pick("▾", "v"),
            Some(false) => glyphs.pick("▸", ">"),
            None => " ",
        };
        canvas.text(inner, x, y, Tone::Faint, sign);
        let room = usize::from(inner.w.saturating_sub(x + 2));
        // A remark has the line for itself.
        let most = if row.place.is_empty() { room } else { (room * 2 / 3).max(8) };
        let head = text::fit(&text::line(&row.head.1), most);
        let after = canvas.text(inner, x + 2, y, row.head.0, &head) + 2;
        let left = usize::from(inner.w.saturating_sub(after));
        let kind = text::line(&row.kind);
        // What says how much there is stands at the right, where there is room for it.
        let right = if kind.is_empty() || left < 30 { 0 } else { text::width(&kind).min(left / 2) + 2 };
        let shown = text::fit(&text::line(&row.text.1), left.saturating_sub(right));
        canvas.text(inner, after, y, row.text.0, &shown);
        if right > 0 {
            let width = u16::try_from(right).unwrap_or(0);
            canvas.right(inner, inner.w, y, width, Tone::Faint, &kind);
        }
        canvas.target(inner, (0, y), inner.w, Over::Entry(at));
        if at == list.at {
            canvas.tint(inner, y, Tone::Selected);
        }
    }
}

/// The expression.
pub(super) fn expression(canvas: &mut Canvas<'_>, body: Area, line: &ExprLine) {
    let inner =
        window(canvas, body, 76, 2 + u16::from(line.problem.is_some()), "Its output, as a Python expression");
    edited(canvas, inner, 0, &line.editor, "{**output, \"answer\": \"Japan\"}");
    let said = "sees the application's names, the arguments, and output";
    match &line.problem {
        Some(problem) => {
            let lines = crate::app::inspect::wrapped(&text::line(problem), usize::from(inner.w));
            for (y, one) in (1..inner.h).zip(&lines) {
                canvas.text(inner, 0, y, Tone::Bad, one);
            }
        }
        None => {
            canvas.text(inner, 0, 1, Tone::Faint, said);
        }
    }
}
