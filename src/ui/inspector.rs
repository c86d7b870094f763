//! The inspector: one tab of the selected call.

use crate::app::inspect::{TabAt, tab_bar};
use crate::app::layout::{self, Area};
use crate::app::openrun::OpenRun;
use crate::app::say;
use crate::app::state::{AppState, Overlay, Pane, Tab};
use crate::app::tone::Tone;
use crate::base::clock::Micros;
use crate::base::text;
use crate::model::{Call, CallKind};

use super::cells::Canvas;
use super::{Placed, title_tone};

/// Draws the pane.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState, now: Micros) {
    let body = area.below_title();
    let Some((open, call)) = state.current().and_then(|open| Some((open, open.call()?))) else {
        canvas.text(area, 1, 0, title_tone(state, Pane::Inspector), "Inspector");
        canvas.text(body, 1, 1, Tone::Faint, "Shows what the selected call did.");
        return;
    };
    let inner = layout::inspector_text(area);
    let below = state.doc.lines.len().saturating_sub(state.doc_top + usize::from(inner.h));
    let more = if below > 0 { format!("{below} more") } else { String::new() };
    titles(canvas, area, state, open, call, &more, now);
    for y in 0..inner.h {
        let Some(line) = state.doc.lines.get(state.doc_top + usize::from(y)) else { break };
        canvas.pieces(inner, 0, y, line);
        let at = state.doc_top + usize::from(y);
        let focused = state.focus == Pane::Inspector;
        let has_lines = !state.doc.places.is_empty() || !state.doc.targets.is_empty();
        let searched = state.search.marks() && matches!(state.overlay, None | Some(Overlay::Search { .. }));
        if at == state.doc_at && (focused && has_lines || searched) {
            canvas.tint(inner, y, Tone::Selected);
        }
    }
    pictures(canvas, inner, state);
}

/// Says where the pictures are that can be seen.
fn pictures(canvas: &mut Canvas<'_>, inner: Area, state: &AppState) {
    let end = state.doc_top + usize::from(inner.h);
    for shown in &state.doc.pictures {
        let (from, to) = (shown.lines.start.max(state.doc_top), shown.lines.end.min(end));
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let w = small(shown.columns);
        // A text that was made for another width is made anew before long.
        if from < to && w <= inner.w {
            let y = inner.y + small(from - state.doc_top);
            canvas.drawn.pictures.push(Placed {
                area: Area { x: inner.x, y, w, h: small(to - from) },
                picture: std::sync::Arc::clone(&shown.picture),
                rows: small(shown.lines.len()),
                skip: small(from - shown.lines.start),
            });
        }
    }
}

/// The call, and the tabs; `more` says that there are lines below.
fn titles(
    canvas: &mut Canvas<'_>,
    area: Area,
    state: &AppState,
    open: &OpenRun,
    call: &Call,
    more: &str,
    now: Micros,
) {
    let status = say::shown_status(call, &open.tree.tally(call.no));
    let glyphs = canvas.look.glyphs;
    let (tone, word) = if state.waits(call.no) {
        (Tone::Focus, format!("{} paused", glyphs.paused()))
    } else {
        (say::status_tone(status), format!("{} {}", glyphs.status(status, now), say::status_word(status)))
    };
    let took = say::took(call, now).map(text::duration).unwrap_or_default();
    let right = text::width(&word) + text::width(&took) + 5 + more.len() + usize::from(!more.is_empty()) * 2;
    let room = usize::from(area.w).saturating_sub(right).max(8);
    let name = text::fit(&text::line(&say::place_in_tree(&open.history, call)), room);
    let x = canvas.text(area, 1, 0, title_tone(state, Pane::Inspector), &name);
    let x = canvas.text(area, x + 2, 0, tone, &word);
    canvas.text(area, x + 1, 0, Tone::Quiet, &took);
    canvas.right(area, area.w.saturating_sub(1), 0, area.w, Tone::Faint, more);

    let has_logs =
        open.logs.contains_key(&call.no) || (call.kind == CallKind::Root && !open.history.logs.is_empty());
    let has = |tab: Tab| match tab {
        Tab::Output => call.output.is_some(),
        Tab::Input => call.input.is_some(),
        Tab::Logs => has_logs,
        Tab::Diff | Tab::Source | Tab::Why | Tab::History | Tab::Variance => true,
        Tab::Attempts => call.error.is_some() || !call.failed_attempts.is_empty(),
    };
    let shown = state.effective_tab();
    let bar = tab_bar(area.w, shown);
    let ends = |tab: Option<&Tab>, at: Option<&TabAt>| tab.copied() != at.map(|at| at.tab);
    if ends(Tab::ALL.first(), bar.first()) {
        canvas.text(area, 0, 1, Tone::Faint, canvas.look.glyphs.pick("‹", "<"));
    }
    if ends(Tab::ALL.last(), bar.last()) {
        canvas.right(area, area.w, 1, 1, Tone::Faint, canvas.look.glyphs.pick("›", ">"));
    }
    for at in bar {
        let tone = match at.tab {
            tab if tab == shown => Tone::Focus,
            Tab::Attempts if has(Tab::Attempts) => Tone::Bad,
            tab if has(tab) => Tone::Text,
            _ => Tone::Faint,
        };
        canvas.text(area, at.x, 1, tone, at.tab.title());
    }
}
