//! The list of edits and of the calls that they make execute again.

use crate::app::AppState;
use crate::app::blast;
use crate::app::layout::Area;
use crate::app::tone::Tone;

use super::cells::Canvas;

/// Draws the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let rows = blast::rows(state);
    canvas.text(area, 1, 0, Tone::Focus, state.screen.title());
    let body = area.below_title();
    if rows.is_empty() {
        canvas.text(
            body,
            1,
            1,
            Tone::Quiet,
            "No edit touches this run: every checkpoint holds. Esc goes back.",
        );
        return;
    }
    for y in 0..body.h {
        let Some(row) = rows.get(state.list.top + usize::from(y)) else { break };
        canvas.text(body, 1 + row.indent, y, row.tone, &row.text);
        if state.list.top + usize::from(y) == state.list.at {
            canvas.tint(body, y, Tone::Selected);
        }
    }
}
