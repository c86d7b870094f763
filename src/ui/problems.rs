//! The list of problems.

use crate::app::AppState;
use crate::app::inspect;
use crate::app::layout::Area;
use crate::app::problems;
use crate::app::tone::Tone;
use crate::base::text;

use super::cells::Canvas;

/// Columns of the kind.
const KIND: u16 = 11;

/// Draws the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let all = problems::list(state);
    let x = canvas.text(area, 1, 0, Tone::Focus, "Problems");
    canvas.text(area, x + 1, 0, Tone::Faint, &all.len().to_string());
    let body = area.below_title();
    if all.is_empty() {
        canvas.text(body, 1, 1, Tone::Quiet, "Nothing needs a look. Esc goes back.");
        return;
    }
    // What is cut in its row stands below the list in full, where the list leaves room.
    let room = usize::from(body.w.saturating_sub(2));
    let cut = |text: &String| text::width(text) > room.saturating_sub(usize::from(KIND));
    let long = all.get(state.list.at).map(|problem| text::line(&problem.text)).filter(cut);
    let free = usize::from(body.h).saturating_sub(all.len() + 1);
    let foot: Vec<String> =
        long.map(|text| inspect::wrapped(&text, room)).unwrap_or_default().into_iter().take(free).collect();
    let from = body.h - u16::try_from(foot.len()).unwrap_or(0);
    for (y, line) in (from..).zip(&foot) {
        canvas.text(body, 1, y, Tone::Text, line);
    }
    for y in 0..body.h {
        let row = state.list.top + usize::from(y);
        let Some(problem) = all.get(row) else { break };
        canvas.text(body, 1, y, problem.kind.tone(), problem.kind.word());
        canvas.text(body, 1 + KIND, y, Tone::Text, &problem.text);
        if row == state.list.at {
            canvas.tint(body, y, Tone::Selected);
        }
    }
}
