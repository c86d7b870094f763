//! The mouse: clicks select, the wheel scrolls what is under it, borders can be dragged.
//!
//! A click never does what needs a key: it selects, folds where the fold sign is, and chooses a tab. What lies over the
//! panes is [`over`]'s.

use crate::app::inspect::tabs_at;
use crate::app::layout::{self, Area};
use crate::app::msg::{Effect, Env};
use crate::app::pointer::{Mouse, MouseKind};
use crate::app::screens;
use crate::app::state::{AppState, Pane, Screen};

use super::{over, panes};

/// Rows that a notch of the wheel moves.
const NOTCH: isize = 3;

/// Takes up what the mouse did.
pub(super) fn mouse(state: &mut AppState, mouse: Mouse, env: &Env) -> Vec<Effect> {
    let (mut effects, taken) = over::mouse(state, mouse.kind, mouse.over, env);
    if !taken {
        effects.extend(in_panes(state, mouse, env));
    }
    effects
}

fn in_panes(state: &mut AppState, mouse: Mouse, env: &Env) -> Vec<Effect> {
    let places = layout::layout(state);
    let (x, y) = (mouse.x, mouse.y);
    match mouse.kind {
        MouseKind::Up => state.dragged = None,
        MouseKind::Drag => {
            if let Some(split) = state.dragged {
                panes::drag(state, split, x, y);
            }
        }
        MouseKind::Down => {
            state.dragged = places.splits().find(|(_, area)| area.holds(x, y)).map(|(split, _)| split);
            if state.dragged.is_none() {
                return click(state, &places, x, y, env);
            }
        }
        MouseKind::WheelUp => wheel(state, &places, x, y, -NOTCH),
        MouseKind::WheelDown => wheel(state, &places, x, y, NOTCH),
    }
    Vec::new()
}

fn row(area: Area, y: u16, top: usize) -> Option<usize> {
    let body = area.below_title();
    (y >= body.y).then(|| top + usize::from(y - body.y))
}

fn click(state: &mut AppState, places: &layout::Layout, x: u16, y: u16, env: &Env) -> Vec<Effect> {
    if state.screen == Screen::Timeline {
        super::timeline::click(state, x, y, env.now);
        return Vec::new();
    }
    if state.screen == Screen::Diff {
        super::compare::click(state, x, y);
        return Vec::new();
    }
    if state.screen == Screen::Search {
        if let Some(at) = super::find::hit_at(state, y) {
            state.list.at = at;
        }
        return Vec::new();
    }
    if state.screen != Screen::Main {
        let list = |area: Area| screens::list_area(state, area.below_title());
        let list = places.screen.map(list).filter(|list| list.holds(x, y));
        if let Some(list) = list {
            state.list.at = state.list.top + usize::from(y - list.y);
        }
        return Vec::new();
    }
    let Some((pane, area)) = places.pane_at(x, y) else { return Vec::new() };
    state.focus = pane;
    match pane {
        Pane::Runs => {
            let run = row(area, y, state.runs.top).and_then(|row| state.runs.items.get(row));
            if let Some(run) = run.map(|run| run.id.clone()) {
                state.runs.wheeled = Some(run.clone());
                state.runs.selected = Some(run);
            }
        }
        Pane::Calls => {
            let Some(open) = state.current_mut() else { return Vec::new() };
            let Some(row) = row(area, y, open.top).and_then(|row| open.tree.rows().get(row).copied()) else {
                return Vec::new();
            };
            open.follow = false;
            open.selected = row.no;
            open.wheeled = Some(row.no);
            let sign = area.x + 1 + layout::indent(row.depth, area.w);
            if x == sign {
                let folded = open.tree.folded(row.no);
                open.tree.set_fold(row.no, !folded);
            }
        }
        Pane::Inspector => {
            if let Some(tab) = tabs_at(state, area, x, y) {
                super::commands::choose_tab(state, tab);
                return Vec::new();
            }
            let text = layout::inspector_text(area);
            let line = state.doc_top + usize::from(y.saturating_sub(text.y));
            if y >= text.y && line < state.doc.lines.len() && super::values::has_cursor(state) {
                let again = state.doc_at == line;
                state.doc_at = line;
                state.doc_wheeled = Some(line);
                // The fold signs stand somewhere in the line: a second click on it unfolds.
                if again {
                    return super::values::toggle(state);
                }
            }
        }
    }
    Vec::new()
}

fn wheel(state: &mut AppState, places: &layout::Layout, x: u16, y: u16, by: isize) {
    if state.screen == Screen::Timeline {
        // `settle` keeps it within the lanes.
        state.list.top = state.list.top.saturating_add_signed(by);
        return;
    }
    if state.screen != Screen::Main {
        super::navigate::step(state, by);
        return;
    }
    let Some((pane, area)) = places.pane_at(x, y) else { return };
    let height = places.rows(Some(area));
    match pane {
        Pane::Runs => {
            let most = state.runs.items.len().saturating_sub(height);
            state.runs.top = state.runs.top.saturating_add_signed(by).min(most);
            state.runs.wheeled = state.runs.selected.clone();
        }
        Pane::Calls => {
            let Some(open) = state.current_mut() else { return };
            open.follow = false;
            open.top = open.top.saturating_add_signed(by).min(open.tree.rows().len().saturating_sub(height));
            open.wheeled = Some(open.selected);
        }
        // `settle` keeps it within the text.
        Pane::Inspector => {
            state.doc_top = state.doc_top.saturating_add_signed(by).min(state.doc.lines.len());
            state.doc_wheeled = Some(state.doc_at);
        }
    }
}
