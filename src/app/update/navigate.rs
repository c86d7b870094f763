//! Moving about: selections, pages, folds, failures.

use crate::app::layout;
use crate::app::screens;
use crate::app::state::{AppState, Pane, Screen};

/// Moves the selection of the focused pane (in the inspector: the text) by so many rows.
pub(super) fn step(state: &mut AppState, by: isize) {
    if state.screen == Screen::Timeline {
        super::timeline::lane(state, by);
        return;
    }
    if state.screen == Screen::Diff {
        super::compare::step(state, by);
        return;
    }
    if state.screen != Screen::Main {
        state.list.at = moved(state.list.at, by, screens::rows(state));
        return;
    }
    match state.focus {
        Pane::Runs => {
            let rows = state.runs.items.len();
            let at = moved(state.runs.selected_row(), by, rows);
            if let Some(run) = state.runs.items.get(at) {
                state.runs.selected = Some(run.id.clone());
            }
        }
        Pane::Calls => {
            let Some(open) = state.current_mut() else { return };
            open.follow = false;
            // An earlier key of the same batch may have folded something.
            open.tree.rebuild();
            let at = open.tree.row_of(open.tree.visible(open.selected)).unwrap_or(0);
            let at = moved(at, by, open.tree.rows().len());
            if let Some(row) = open.tree.rows().get(at) {
                open.selected = row.no;
            }
        }
        // `settle` keeps it within the text.
        Pane::Inspector if super::values::has_cursor(state) => {
            state.doc_at = moved(state.doc_at, by, state.doc.lines.len());
        }
        Pane::Inspector => state.doc_top = moved(state.doc_top, by, state.doc.lines.len()),
    }
}

fn moved(at: usize, by: isize, rows: usize) -> usize {
    at.saturating_add_signed(by).min(rows.saturating_sub(1))
}

/// Moves by a page.
pub(super) fn page(state: &mut AppState, by: isize) {
    if state.screen == Screen::Diff {
        let rows = super::compare::page_rows(state);
        step(state, by * (isize::try_from(rows).unwrap_or(1) - 1).max(1));
        return;
    }
    let places = layout::layout(state);
    let area = match state.focus {
        _ if state.screen != Screen::Main => places.screen,
        Pane::Runs => places.runs,
        Pane::Calls => places.tree,
        Pane::Inspector => places.inspector,
    };
    step(state, by * (isize::try_from(places.rows(area)).unwrap_or(1) - 1).max(1));
}

/// Folds the selected call, or goes to the call above when it is folded or has nothing below.
pub(super) fn fold(state: &mut AppState) {
    let Some(open) = state.current_mut() else { return };
    open.follow = false;
    let no = open.selected;
    if open.tree.foldable(no) && !open.tree.folded(no) {
        open.tree.set_fold(no, true);
    } else if open.tree.parent(no) != 0 {
        open.selected = open.tree.parent(no);
    }
}

/// Unfolds the selected call, or goes to the first call below when it is open.
pub(super) fn unfold(state: &mut AppState) {
    let Some(open) = state.current_mut() else { return };
    open.follow = false;
    let no = open.selected;
    if open.tree.folded(no) {
        open.tree.set_fold(no, false);
    } else if open.tree.first_child(no) != 0 {
        open.selected = open.tree.first_child(no);
    }
}

/// Folds or unfolds the selected call.
pub(super) fn toggle_fold(state: &mut AppState) {
    let Some(open) = state.current_mut() else { return };
    open.follow = false;
    let folded = open.tree.folded(open.selected);
    open.tree.set_fold(open.selected, !folded);
}

/// Folds everything below so many levels of calls, or unfolds everything.
pub(super) fn fold_to(state: &mut AppState, levels: Option<u16>) {
    let Some(open) = state.current_mut() else { return };
    open.follow = false;
    open.tree.fold_to(levels);
    open.selected = open.tree.visible(open.selected);
}

/// Selects the next or previous failed call and makes it visible.
pub(super) fn failed(state: &mut AppState, forward: bool) {
    let Some(open) = state.current_mut() else { return };
    open.follow = false;
    if let Some(no) = open.next_failed(open.selected, forward) {
        open.tree.reveal(no);
        open.selected = no;
    }
    if state.screen != Screen::Timeline {
        state.screen = Screen::Main;
    }
    if state.focus == Pane::Runs {
        state.focus = Pane::Calls;
    }
}
