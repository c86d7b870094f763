//! Going to a screen, and from it to what its selected row is about.

use crate::app::msg::{Effect, Env};
use crate::app::state::{AppState, ListAt, Pane, Screen};
use crate::app::{blast, problems};
use crate::base::ids::{CallNo, RunId};
use crate::model::Level;

use super::{acts, filter, refuse};

/// Said where nothing was said.
const NOTHING: &str = "Nothing was said yet.";

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

/// Shows what was said, the newest selected; the same again goes back.
pub(super) fn messages(state: &mut AppState) {
    show(state, Screen::Messages);
    state.list.at = state.messages.len().saturating_sub(1);
}

/// Keeps a sentence. The selection stays on its message; on the last one it goes along with what is said.
pub(super) fn said(state: &mut AppState, level: Level, sentence: &str, env: &Env) {
    let last = state.list.at + 1 >= state.messages.len();
    let gone = state.messages.keep(env.now, level, sentence);
    if state.screen != Screen::Messages {
        return;
    }
    if last {
        state.list.at = state.messages.len().saturating_sub(1);
    } else if gone.is_some_and(|place| place < state.list.at) {
        state.list.at -= 1;
        state.list.top = state.list.top.saturating_sub(1);
    }
}

/// Shows all that was said in the pager. Without a message the keys of the list still mean the list.
pub(super) fn page_messages(state: &mut AppState, env: &Env) -> Vec<Effect> {
    if state.messages.is_empty() {
        refuse(state, NOTHING, env);
        return Vec::new();
    }
    vec![Effect::Page { bytes: state.messages.paged(env.now).into_bytes() }]
}

/// Copies the selected sentence.
pub(super) fn copy_message(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(message) = state.messages.get(state.list.at) else {
        refuse(state, NOTHING, env);
        return Vec::new();
    };
    vec![Effect::Copy { what: "The message".to_owned(), text: message.text.clone() }]
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
