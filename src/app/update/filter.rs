//! Typing a filter for the tree, and taking it away.

use crate::app::editor::Editor;
use crate::app::filtering::{self, FilterLine, SHOWN};
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Effect, Env};
use crate::app::state::{AppState, Overlay, Pane, Screen};
use crate::base::ids::{CallNo, RunId};
use crate::model::Level;

use super::toast;

/// Opens the line with the filter that is there.
pub(super) fn edit(state: &mut AppState) {
    state.screen = Screen::Main;
    state.focus = Pane::Calls;
    let before = state.filter.clone();
    state.overlay = Some(Overlay::Filter(FilterLine { editor: Editor::new(&before), choice: None, before }));
}

/// Shows what a filter means; a text that means nothing changes nothing.
pub(super) fn apply(state: &mut AppState, text: &str) {
    if let Ok(filter) = filtering::meaning(text) {
        state.filter = if filter.is_some() { text.trim().to_owned() } else { String::new() };
        state.meaning = filter;
    }
}

/// Takes the filter away.
pub(super) fn clear(state: &mut AppState) {
    apply(state, "");
}

/// A key while the filter is typed.
pub(super) fn key(state: &mut AppState, mut line: FilterLine, key: Key, env: &Env) -> Vec<Effect> {
    let found = filtering::completions(state, &line);
    let rows = found.items.len().min(SHOWN);
    match key.code {
        KeyCode::Enter => match line.choice {
            Some(choice) => filtering::accept(&mut line, &found, choice),
            None => return accept(state, line, env),
        },
        KeyCode::Tab => {
            let choice = line.choice.unwrap_or(0);
            filtering::accept(&mut line, &found, choice);
        }
        KeyCode::Down if rows > 0 => line.choice = Some(line.choice.map_or(0, |at| (at + 1).min(rows - 1))),
        KeyCode::Up => line.choice = line.choice.and_then(|at| at.checked_sub(1)),
        _ => {
            line.editor.key(key);
            line.choice = None;
        }
    }
    let text = line.editor.value();
    state.overlay = Some(Overlay::Filter(line));
    apply(state, &text);
    Vec::new()
}

/// Leaves the line as it was before.
pub(super) fn cancel(state: &mut AppState, line: &FilterLine) {
    apply(state, &line.before);
}

fn accept(state: &mut AppState, line: FilterLine, env: &Env) -> Vec<Effect> {
    let text = line.editor.value();
    match filtering::meaning(&text) {
        Err(_) => {
            // The line stays open: the mistake is pointed at below it.
            state.overlay = Some(Overlay::Filter(line));
            Vec::new()
        }
        Ok(filter) => {
            apply(state, &text);
            let doubts = filter.as_ref().map(crate::model::filter::Filter::doubts).unwrap_or_default();
            if let Some((word, near)) = doubts.first() {
                let sentence = format!("{word} was looked for as text; did you mean {near}?");
                toast(state, Level::Info, sentence, env);
            }
            exact(state)
        }
    }
}

/// Asks the store which calls are meant, when previews do not tell.
pub(super) fn exact(state: &mut AppState) -> Vec<Effect> {
    // The store judges the run as it is.
    if state.then().is_some() {
        return Vec::new();
    }
    let Some(filter) = state.meaning.clone().filter(|filter| filter.reads_values()) else {
        return Vec::new();
    };
    let Some(run) = state.runs.selected.clone() else { return Vec::new() };
    vec![Effect::Filter { run, filter }]
}

/// The store's answer. One for a filter that is not there any more is dropped.
pub(super) fn answered(
    state: &mut AppState,
    run: &RunId,
    filter: &str,
    result: Result<Vec<CallNo>, String>,
    env: &Env,
) {
    match result {
        Ok(found) => {
            if let Some(open) = state.open.get_mut(run)
                && open.filtered.as_deref() == Some(filter)
            {
                open.tree.filter(Some(&found));
            }
        }
        Err(why) => toast(state, Level::Error, why, env),
    }
}
