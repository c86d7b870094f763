//! Going to a screen, and from it to what its selected row is about.

use crate::app::msg::{Effect, Env};
use crate::app::state::{AppState, ListAt, Pane, Screen};
use crate::app::{blast, problems};
use crate::base::ids::{CallNo, RunId};

use super::{acts, filter};

/// Shows a screen from its beginning; the same again goes back.
pub(super) fn show(state: &mut AppState, screen: Screen) {
    state.screen = if state.screen == screen { Screen::Main } else { screen };
    state.list = ListAt::default();
    // Where one was in the comparison is known by its calls.
    if screen == Screen::Diff
        && let Some(pair) = state.compare.selected
    {
        state.list.at = state.compare.place_of(pair).unwrap_or(0);
    }
}

/// Takes the filter away when it hides the call that is gone to, or may hide it because the run was not filtered yet.
/// Says whether it did.
pub(super) fn unhide(state: &mut AppState, run: &RunId, no: CallNo) -> bool {
    let Some(meaning) = state.meaning.as_ref().map(ToString::to_string) else { return false };
    let filtered = state.open.get(run).filter(|open| open.filtered.as_ref() == Some(&meaning));
    let hides = filtered.is_none_or(|open| !open.tree.passes(no));
    if hides {
        filter::clear(state);
    }
    hides
}

/// Goes to a call in the tree.
pub(super) fn go_to(state: &mut AppState, no: CallNo) {
    state.screen = Screen::Main;
    state.focus = Pane::Calls;
    if let Some(open) = state.current_mut() {
        open.follow = false;
        open.tree.reveal(no);
        open.selected = no;
    }
}

/// Goes to the call that the selected row of the edits is about.
pub(super) fn open_edit(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let row = blast::rows(state).into_iter().nth(state.list.at);
    go_to_or_edit(state, row.and_then(|row| row.call), env)
}

fn go_to_or_edit(state: &mut AppState, call: Option<CallNo>, env: &Env) -> Vec<Effect> {
    let Some(no) = call else { return acts::edit(state, env) };
    if let Some(run) = state.runs.selected.clone() {
        unhide(state, &run, no);
    }
    go_to(state, no);
    Vec::new()
}

/// Goes to the call that the selected problem is about.
pub(super) fn open_problem(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let problem = problems::list(state).into_iter().nth(state.list.at);
    go_to_or_edit(state, problem.and_then(|problem| problem.call), env)
}
