//! The inspector: one tab of the selected call.

use crate::app::layout::{self, Area};
use crate::app::say;
use crate::app::state::{AppState, Pane, Tab};
use crate::app::tone::Tone;
use crate::base::text;
use crate::model::CallKind;

use super::cells::Canvas;
use super::title_tone;

/// Draws the pane.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let body = area.below_title();
    let Some((open, call)) = state.current().and_then(|open| Some((open, open.call()?))) else {
        canvas.text(area, 1, 0, title_tone(state, Pane::Inspector), "Inspector");
        canvas.text(body, 1, 1, Tone::Faint, "Shows what the selected call did.");
        return;
    };
    tabs(canvas, area, state, open, call);
    let inner = layout::inspector_text(area);
    for y in 0..inner.h {
        let Some(line) = state.doc.lines.get(state.doc_top + usize::from(y)) else { break };
        canvas.pieces(inner, 0, y, line);
    }
    let below = state.doc.lines.len().saturating_sub(state.doc_top + usize::from(inner.h));
    if below > 0 && inner.h > 0 {
        let more = format!(" {below} more ");
        canvas.right(area, area.w, area.h - 1, area.w, Tone::Faint, &more);
    }
}

fn tabs(
    canvas: &mut Canvas<'_>,
    area: Area,
    state: &AppState,
    open: &crate::app::state::OpenRun,
    call: &crate::model::Call,
) {
    let shown = state.effective_tab();
    let has_logs =
        open.logs.contains_key(&call.no) || (call.kind == CallKind::Root && !open.history.logs.is_empty());
    let has = |tab: Tab| match tab {
        Tab::Output => call.output.is_some(),
        Tab::Input => call.input.is_some(),
        Tab::Logs => has_logs,
        Tab::Error => call.error.is_some() || !call.failed_attempts.is_empty(),
    };
    let wide: usize = Tab::ALL.iter().map(|tab| tab.title().len() + 1).sum();
    let in_operation = open
        .history
        .call(call.parent)
        .is_some_and(|parent| matches!(parent.kind, CallKind::Map | CallKind::Reduce));
    let titles = layout::inspector_titles(area);
    let room = usize::from(area.w).saturating_sub(if titles > 1 { 1 } else { wide + 3 });
    let name = text::fit(&text::line(&say::label(call, in_operation)), room);
    canvas.text(area, 1, 0, title_tone(state, Pane::Inspector), &name);
    let mut x = if titles > 1 { 1 } else { area.w.saturating_sub(wide as u16) };
    for tab in Tab::ALL {
        let tone = match tab {
            _ if tab == shown => Tone::Focus,
            Tab::Error if has(tab) => Tone::Bad,
            _ if has(tab) => Tone::Text,
            _ => Tone::Faint,
        };
        x = canvas.text(area, x, titles - 1, tone, tab.title()) + 1;
    }
}
