//! Values in the inspector: what must be read of them, unfolding, other looks, looking for a text.

use std::sync::Arc;

use crate::app::inspect;
use crate::app::msg::{Ask, Effect, Env, ValueView};
use crate::app::search;
use crate::app::state::{AppState, HeldValue, Overlay, ValueState};
use crate::base::digest::Digest;
use crate::model::{Level, ValueRef};

use super::toast;

/// How many values are kept.
const VALUES: usize = 64;
/// How many lines before the end of what was read more is read.
const AHEAD: usize = 100;

fn shown(state: &AppState) -> Option<&ValueRef> {
    let call = state.current()?.call()?;
    inspect::shown_value(state, call, state.effective_tab())
}

fn held(state: &AppState) -> Option<&HeldValue> {
    state.values.get(&shown(state)?.digest)
}

fn held_mut(state: &mut AppState) -> Option<&mut HeldValue> {
    let digest = shown(state)?.digest;
    state.values.get_mut(&digest)
}

/// Asks for what is shown and not here: the value, what was unfolded, or more when the end comes near.
pub(super) fn wanted(state: &mut AppState) -> Option<Effect> {
    let value = shown(state)?.clone();
    let laid_out = state.doc.key.as_ref().map(inspect::DocKey::answer);
    let near = state.doc_at.max(state.doc_top) + AHEAD > state.doc.lines.len();
    let answer = state.generation;
    let held = state.values.entry(value.digest).or_insert_with(|| HeldValue {
        ask: Ask::default(),
        asked: false,
        state: ValueState::Loading,
        answer,
        stuck: false,
    });
    let more = match &held.state {
        ValueState::Loading => true,
        ValueState::Ready(view) => near && laid_out == Some(held.answer) && view.cut.is_some() && !held.stuck,
        ValueState::Failed(_) => false,
    };
    if held.asked || !more {
        return None;
    }
    if matches!(held.state, ValueState::Ready(_)) {
        held.ask.rows += Ask::PAGE;
    }
    held.asked = true;
    Some(Effect::LoadValue { ask: Box::new(held.ask.clone()), value: Box::new(value) })
}

/// Takes an answer.
pub(super) fn answered(state: &mut AppState, digest: Digest, ask: &Ask, result: Result<ValueView, String>) {
    state.generation += 1;
    let answer = state.generation;
    if let Some(held) = state.values.get_mut(&digest)
        && held.ask == *ask
    {
        held.asked = false;
        held.answer = answer;
        let rows = |state: &ValueState| match state {
            ValueState::Ready(view) => Some(view.rows.len()),
            _ => None,
        };
        let before = rows(&held.state);
        held.state = result.map_or_else(ValueState::Failed, |view| ValueState::Ready(Arc::new(view)));
        held.stuck = held.ask.rows > Ask::PAGE && rows(&held.state) == before;
    }
    state.value_order.retain(|other| *other != digest);
    state.value_order.push(digest);
    while state.value_order.len() > VALUES {
        let oldest = state.value_order.remove(0);
        state.values.remove(&oldest);
    }
}

/// Whether lines of the text can be selected.
pub(super) fn has_cursor(state: &AppState) -> bool {
    !state.doc.places.is_empty() || !state.doc.targets.is_empty() || !state.search.text.is_empty()
}

fn ask_again(state: &mut AppState, change: impl FnOnce(&mut Ask)) -> Vec<Effect> {
    let Some(value) = shown(state).cloned() else { return Vec::new() };
    let Some(held) = held_mut(state) else { return Vec::new() };
    change(&mut held.ask);
    held.asked = true;
    vec![Effect::LoadValue { ask: Box::new(held.ask.clone()), value: Box::new(value) }]
}

/// Folds or unfolds what the selected line stands for, or what holds it.
pub(super) fn toggle(state: &mut AppState) -> Vec<Effect> {
    let at = state.doc_at;
    let Some((_, path)) = state.doc.places.iter().rev().find(|(line, _)| *line <= at).cloned() else {
        return Vec::new();
    };
    let Some(open) = is_open(state, &path) else { return Vec::new() };
    ask_again(state, |ask| {
        ask.folds.insert(path, !open);
    })
}

/// Whether the place is unfolded; `None` when it cannot be.
fn is_open(state: &AppState, path: &[u64]) -> Option<bool> {
    use crate::app::msg::ValueRow;
    let held = held(state)?;
    let ValueState::Ready(view) = &held.state else { return None };
    view.rows.iter().find_map(|row| match row {
        ValueRow::Node { path: here, foldable, open, is_text, .. } if here == path => {
            let long = *is_text && held.ask.folds.get(path) == Some(&true);
            (*foldable || *is_text).then_some(*open || long)
        }
        _ => None,
    })
}

/// Shows the value as a tree, or again as what it looks like.
pub(super) fn other_look(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let ready = match held(state).map(|held| &held.state) {
        Some(ValueState::Ready(view)) => Some((view.look.clone(), view.has_other)),
        _ => None,
    };
    match ready {
        Some((_, true)) => {
            state.doc_at = 0;
            ask_again(state, |ask| ask.plain = !ask.plain)
        }
        Some((look, false)) => {
            toast(state, Level::Info, format!("This value can only be shown as a {look}."), env);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Goes to the next line that holds what is looked for.
pub(super) fn next(state: &mut AppState, forward: bool, env: &Env) {
    let wanted = state.search.text.clone();
    match search::next(&state.doc.lines, &wanted, state.doc_at, forward, false) {
        Some(at) => go(state, at),
        None => toast(state, Level::Info, format!("{wanted:?} is not in what is shown."), env),
    }
}

/// Goes to the first line from `from` on that holds what is typed.
pub(super) fn seek(state: &mut AppState, text: &str, from: usize) {
    state.search.text = text.to_owned();
    let at = search::next(&state.doc.lines, text, from, true, true);
    go(state, at.unwrap_or(from));
}

fn go(state: &mut AppState, at: usize) {
    state.doc_at = at;
    state.doc_wheeled = None;
}

/// Opens the line for what to look for.
pub(super) fn ask_search(state: &mut AppState) {
    let from = state.doc_at.max(state.doc_top);
    state.overlay = Some(Overlay::Search { editor: crate::app::editor::Editor::default(), from });
}
