//! The search screen: typing, what is asked while typing, and going to what was found.

use crate::app::editor::Editor;
use crate::app::find::{FIELDS, FindAsk, FoundEnd, FoundHit, HIT_ROWS, Indexing, Standing};
use crate::app::keys::{Key, KeyCode};
use crate::app::layout::{self, scroll_to};
use crate::app::msg::{Effect, Env};
use crate::app::search::{Goal, Search};
use crate::app::state::{AppState, ListAt, Overlay, Screen, Tab};
use crate::model::Level;

use super::{tabs, toast};

/// Shows the screen with the line open; the same again goes back.
pub(super) fn show(state: &mut AppState) -> Vec<Effect> {
    if state.screen == Screen::Search {
        state.screen = Screen::Main;
        return Vec::new();
    }
    state.screen = Screen::Search;
    state.list = ListAt::default();
    state.overlay = Some(Overlay::Find);
    ask(state)
}

/// Opens the line again.
pub(super) fn edit(state: &mut AppState) {
    state.overlay = Some(Overlay::Find);
}

/// Asks for what is typed, and for the index to be brought up to date.
fn ask(state: &mut AppState) -> Vec<Effect> {
    let generation = state.next_generation();
    let finder = &mut state.finder;
    finder.generation = generation;
    finder.stale = true;
    let mut effects = Vec::new();
    let text = finder.editor.value();
    if text.trim().is_empty() {
        finder.found(Vec::new());
        finder.standing = Standing::Idle;
    } else {
        finder.standing = Standing::Looking;
        let run = finder.here.then(|| state.runs.selected.clone()).flatten();
        let field = finder.field.and_then(|at| FIELDS.get(at)).copied();
        effects.push(Effect::Find(Box::new(FindAsk { generation, text, run, field })));
    }
    if !std::mem::replace(&mut finder.updating, true) {
        effects.push(Effect::UpdateIndex);
    }
    effects
}

/// A key while the line is open.
pub(super) fn key(state: &mut AppState, key: Key, env: &Env) -> Vec<Effect> {
    state.overlay = Some(Overlay::Find);
    state.finder.eager = false;
    match key.code {
        KeyCode::Enter => {
            state.finder.eager = state.finder.standing == Standing::Looking;
            if state.finder.stale { Vec::new() } else { go(state, env) }
        }
        KeyCode::Down => step(state, 1),
        KeyCode::Up => step(state, -1),
        KeyCode::PageDown => step(state, 10),
        KeyCode::PageUp => step(state, -10),
        KeyCode::Tab => next_field(state),
        KeyCode::Char('r') if key.ctrl => here(state),
        _ => {
            let before = state.finder.editor.value();
            state.finder.editor.key(key);
            if state.finder.editor.value() == before { Vec::new() } else { anew(state) }
        }
    }
}

/// Opens the selected hit when there is one.
fn go(state: &mut AppState, env: &Env) -> Vec<Effect> {
    if state.finder.hits.is_empty() {
        return Vec::new();
    }
    (state.finder.eager, state.overlay) = (false, None);
    open(state, env)
}

fn step(state: &mut AppState, by: isize) -> Vec<Effect> {
    super::navigate::step(state, by);
    Vec::new()
}

/// Pasted text goes where the keys go.
pub(super) fn paste(state: &mut AppState, pasted: &str) -> Vec<Effect> {
    state.finder.editor.paste(pasted);
    anew(state)
}

fn anew(state: &mut AppState) -> Vec<Effect> {
    state.list = ListAt::default();
    ask(state)
}

/// Any field, then one after the other.
pub(super) fn next_field(state: &mut AppState) -> Vec<Effect> {
    state.finder.field = match state.finder.field {
        None => Some(0),
        Some(at) if at + 1 < FIELDS.len() => Some(at + 1),
        Some(_) => None,
    };
    anew(state)
}

/// Only the open run, or all runs again.
pub(super) fn here(state: &mut AppState) -> Vec<Effect> {
    state.finder.here = !state.finder.here;
    anew(state)
}

/// Empties the line.
pub(super) fn clear(state: &mut AppState) -> Vec<Effect> {
    state.finder.editor = Editor::default();
    anew(state)
}

/// Goes to the call that has the selected text, in whichever run.
pub(super) fn open(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(hit) = state.finder.hits.get(state.list.at) else { return Vec::new() };
    let (run, no) = (hit.run.clone(), hit.call.max(1));
    let tab = match hit.field {
        "input" => Tab::Input,
        "output" => Tab::Output,
        "log" => Tab::Logs,
        _ => Tab::Attempts,
    };
    let word = hit.marks.first().and_then(|mark| hit.text.get(mark.clone())).unwrap_or_default().to_owned();
    let effects = tabs::call(state, &run, no, env);
    if state.runs.selected.as_ref() == Some(&run) {
        state.picked = Some((run.clone(), no, tab));
        state.search = Search { text: word, goal: Some(Goal { run, no, tab, at: None }) };
    }
    effects
}

/// Hits came.
pub(super) fn found(state: &mut AppState, generation: u64, hits: Vec<FoundHit>, env: &Env) -> Vec<Effect> {
    if generation != state.finder.generation {
        return Vec::new();
    }
    state.finder.found(hits);
    // The row that was selected may be of hits that come later.
    let there = state.list.at < state.finder.hits.len();
    if state.finder.eager && there && state.overlay == Some(Overlay::Find) {
        go(state, env)
    } else {
        Vec::new()
    }
}

/// A search ended.
pub(super) fn ended(
    state: &mut AppState,
    generation: u64,
    result: Result<FoundEnd, String>,
    env: &Env,
) -> Vec<Effect> {
    if generation != state.finder.generation {
        return Vec::new();
    }
    state.finder.ended(result);
    let eager = std::mem::take(&mut state.finder.eager) && state.overlay == Some(Overlay::Find);
    settle(state);
    if eager { go(state, env) } else { Vec::new() }
}

/// The index is so far.
pub(super) fn indexing(state: &mut AppState, at: Indexing) {
    state.finder.indexing = Some(at);
}

/// The index is up to date; `Ok(true)`: something was added.
pub(super) fn indexed(state: &mut AppState, result: Result<bool, String>, env: &Env) -> Vec<Effect> {
    state.finder.updating = false;
    state.finder.indexing = None;
    match result {
        Ok(true) if state.screen == Screen::Search => {
            let effects = ask(state);
            // Once is enough: what a run that goes on adds meanwhile is found by the next key.
            state.finder.updating = false;
            effects.into_iter().filter(|effect| *effect != Effect::UpdateIndex).collect()
        }
        Ok(_) => Vec::new(),
        Err(why) => {
            toast(state, Level::Warning, format!("The index of search is not up to date: {why}"), env);
            Vec::new()
        }
    }
}

/// Keeps the selection within the hits and in view.
pub(super) fn settle(state: &mut AppState) {
    let area = layout::layout(state).screen.unwrap_or_default();
    let hits = state.finder.hits.len();
    state.list.at = state.list.at.min(hits.saturating_sub(1));
    let height = usize::from(area.h.saturating_sub(HEAD) / HIT_ROWS).max(1);
    state.list.top = scroll_to(state.list.top, state.list.at, hits, height);
}

/// Rows above the hits.
pub(super) const HEAD: u16 = 3;

/// The hit in a row of the screen.
pub(super) fn hit_at(state: &AppState, y: u16) -> Option<usize> {
    let area = layout::layout(state).screen?;
    let row = y.checked_sub(area.y + HEAD)?;
    Some(state.list.top + usize::from(row / HIT_ROWS)).filter(|at| *at < state.finder.hits.len())
}
