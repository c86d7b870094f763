//! Brings the derived parts of the state up to date, once after a batch of messages.

use crate::app::blast;
use crate::app::inspect;
use crate::app::layout::{self, scroll_to};
use crate::app::msg::{Effect, Env};
use crate::app::openrun::OpenRun;
use crate::app::screens;
use crate::app::search;
use crate::app::state::{AppState, Overlay, Screen};
use crate::app::tour;
use crate::base::ids::{CallNo, RunId};
use crate::model::RunStatus;

use super::{replies, values};

/// How many histories that nobody looks at are kept, and of how many calls in all.
const KEPT: usize = 6;
const KEPT_CALLS: usize = 50_000;

/// Rebuilds visible rows, follows, scrolls, lays out the inspector's text, and asks for what is missing.
pub fn settle(state: &mut AppState, env: &Env) -> Vec<Effect> {
    if state.toast.as_ref().is_some_and(|toast| toast.until.is_some_and(|until| until <= env.now)) {
        state.toast = None;
    }
    tour::advance(state);
    let mut effects = replies::ask_selected(state);
    effects.extend(blast::question(state).map(|run| Effect::Judge { run }));
    effects.extend(super::asof::settle(state));
    let places = layout::layout(state);
    // Panes that are not shown keep their scroll position for the height they will have.
    runs(state, places.rows(places.runs));
    let filtered = calls(state, places.rows(places.tree));
    if filtered && !matches!(state.overlay, Some(Overlay::Filter(_))) {
        effects.extend(super::filter::exact(state));
    }
    if state.screen == Screen::Search {
        super::find::settle(state);
    }
    if state.screen == Screen::Functions {
        super::functions::settle(state);
    }
    if state.screen == Screen::Diff {
        super::compare::settle(state);
    }
    screen(state, &places);
    if state.screen == Screen::Timeline {
        super::timeline::settle(state, env);
    }
    if let Some(area) = places.inspector.map(layout::inspector_text) {
        text(state, area.w, usize::from(area.h));
    }
    // After the text is laid out: how near its end is decides whether more is read.
    effects.extend(values::wanted(state));
    effects.extend(super::tabs::wanted(state));
    effects.extend(super::compare::wanted(state));
    forget(state);
    effects
}

fn runs(state: &mut AppState, height: usize) {
    let rows = state.runs.items.len();
    if state.runs.wheeled.is_some() && state.runs.wheeled == state.runs.selected {
        state.runs.top = state.runs.top.min(rows.saturating_sub(height));
    } else {
        state.runs.wheeled = None;
        state.runs.top = scroll_to(state.runs.top, state.runs.selected_row(), rows, height);
    }
}

fn screen(state: &mut AppState, places: &layout::Layout) {
    if matches!(state.screen, Screen::Main | Screen::Timeline | Screen::Search | Screen::Diff) {
        return;
    }
    let (rows, height) = (screens::rows(state), screens::height(state, places));
    state.list.at = state.list.at.min(rows.saturating_sub(1));
    state.list.top = scroll_to(state.list.top, state.list.at, rows, height);
}

/// Says whether the filter was applied anew.
fn calls(state: &mut AppState, height: usize) -> bool {
    state.generation += 1;
    let used = state.generation;
    let meaning = state.meaning.clone();
    let Some(open) = state.current_mut() else { return false };
    open.used = used;
    let other = meaning.as_ref().map(ToString::to_string) != open.filtered;
    let anew = other && open.filter(meaning.as_ref());
    if !other {
        open.matching = None;
    }
    if anew {
        // Somebody who filters wants to see what was found.
        if let Some(first) = open.tree.hits().filter(|n| *n > 0).and_then(|_| first_hit(open)) {
            open.selected = first;
        }
    } else if let Some(filter) = meaning.as_ref().filter(|_| !other && !open.touched.is_empty()) {
        open.refilter(filter);
    }
    if open.follow {
        open.selected = open.tree.visible(open.newest);
    } else if !open.tree.passes(open.selected) {
        open.selected = open.tree.visible(open.selected);
    } else if open.tree.visible(open.selected) != open.selected && !open.tree.rows().is_empty() {
        // Rows that fold by themselves while they grow must not swallow the selection; rows that the user
        // folds do not, because folding selects the row that is folded.
        open.tree.reveal(open.selected);
    }
    open.tree.rebuild();
    let (row, rows) = (open.tree.row_of(open.selected).unwrap_or(0), open.tree.rows().len());
    if open.wheeled == Some(open.selected) {
        open.top = open.top.min(rows.saturating_sub(height));
    } else {
        open.wheeled = None;
        open.top = scroll_to(open.top, row, rows, height);
    }
    anew
}

/// The selected call when it is meant, else the first that is.
fn first_hit(open: &OpenRun) -> Option<CallNo> {
    if open.tree.is_hit(open.selected) {
        return None;
    }
    (1..=open.history.calls.len() as CallNo).find(|no| open.tree.is_hit(*no))
}

fn text(state: &mut AppState, width: u16, height: usize) {
    let key = inspect::key(state, width);
    let anew = key != state.doc.key;
    if anew {
        let same = match (&key, &state.doc.key) {
            (Some(new), Some(old)) => new.same_view(old),
            _ => false,
        };
        if !same {
            state.doc_top = 0;
            state.doc_at = 0;
            state.doc_wheeled = None;
        }
        // Whoever reads the end of a log that grows keeps reading its end.
        let tail = same
            && key.as_ref().is_some_and(inspect::DocKey::grows)
            && state.doc_top + height >= state.doc.lines.len();
        let page = inspect::build(state, width);
        state.doc.lines = page.lines;
        state.doc.places = page.places;
        state.doc.targets = page.targets;
        state.doc.files = page.files;
        state.doc.pictures = page.pictures;
        if tail {
            state.doc_top = state.doc.lines.len();
        }
        state.doc.key = key;
    }
    search::settle(state, anew);
    state.doc_at = state.doc_at.min(state.doc.lines.len().saturating_sub(1));
    if values::has_cursor(state) && state.doc_wheeled != Some(state.doc_at) {
        state.doc_wheeled = None;
        state.doc_top = scroll_to(state.doc_top, state.doc_at, state.doc.lines.len(), height);
    }
    state.doc_top = state.doc_top.min(state.doc.lines.len().saturating_sub(height.max(1)));
}

/// Drops histories that were not looked at for longest.
fn forget(state: &mut AppState) {
    let mut idle: Vec<(u64, usize, RunId)> = state
        .open
        .iter()
        .filter(|(run, open)| {
            open.history.status != RunStatus::Running && state.runs.selected.as_ref() != Some(*run)
        })
        .map(|(run, open)| (open.used, open.history.calls.len(), run.clone()))
        .collect();
    idle.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
    let (mut runs, mut all) = (0, 0);
    for (_, calls, run) in idle {
        (runs, all) = (runs + 1, all + calls);
        if runs > KEPT || all > KEPT_CALLS {
            state.open.remove(&run);
        }
    }
}
