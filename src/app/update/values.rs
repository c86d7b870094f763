//! Values in the inspector: what must be read of them, unfolding, other looks, looking for a text.

use std::sync::Arc;

use crate::app::inspect;
use crate::app::msg::{Ask, Effect, Env, Piece, ValueRow, ValueView};
use crate::app::search;
use crate::app::state::{AppState, HeldValue, Overlay, Pane, ValueState};
use crate::base::digest::Digest;
use crate::model::{Level, ValueRef};

use super::toast;

/// How many values are kept.
const VALUES: usize = 64;
/// Pixels of pictures that are kept with them: 60 MB.
const PIXELS: usize = 20_000_000;
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
    while state.value_order.len() > VALUES || state.value_order.len() > 1 && pixels(state) > PIXELS {
        let oldest = state.value_order.remove(0);
        state.values.remove(&oldest);
    }
}

/// Pixels of the pictures of all values that are held.
fn pixels(state: &AppState) -> usize {
    let views = state.values.values().filter_map(|held| match &held.state {
        ValueState::Ready(view) => Some(view),
        _ => None,
    });
    let pictures = views.flat_map(|view| &view.rows).filter_map(|row| match row {
        ValueRow::File { picture, .. } => picture.as_ref(),
        _ => None,
    });
    pictures.map(|picture| picture.pixels.len()).sum()
}

/// Whether lines of the text can be selected.
pub(super) fn has_cursor(state: &AppState) -> bool {
    let doc = &state.doc;
    let nothing = doc.places.is_empty() && doc.targets.is_empty() && doc.files.is_empty();
    !nothing || !state.search.text.is_empty()
}

/// What the selected line stands for.
fn selected(state: &AppState) -> Selected<'_> {
    let (doc, at) = (&state.doc, state.doc_at);
    if state.focus != Pane::Inspector {
        return Selected::Whole;
    }
    if let Some((_, nth)) = doc.files.iter().find(|(lines, _)| lines.contains(&at)) {
        return Selected::File(*nth);
    }
    match doc.places.iter().rev().find(|(line, _)| *line <= at) {
        Some((_, path)) if !path.is_empty() => Selected::At(path),
        _ => Selected::Whole,
    }
}

enum Selected<'s> {
    Whole,
    At(&'s [u64]),
    File(usize),
}

/// The part of the shown value that the selected line stands for.
pub(super) fn selected_piece(state: &AppState) -> Piece {
    match selected(state) {
        Selected::Whole => Piece::Whole,
        Selected::At(path) => Piece::At(path.to_vec()),
        Selected::File(nth) => {
            let ask = held(state).map(|held| held.ask.clone()).unwrap_or_default();
            Piece::File(Box::new(ask), nth)
        }
    }
}

/// Where the selected part is in its value, in words: `data[0].name`; `None` for the whole.
pub(super) fn selected_place(state: &AppState) -> Option<String> {
    let path = match selected(state) {
        Selected::At(path) => path,
        Selected::File(nth) => return Some(format!("file {}", nth + 1)),
        Selected::Whole => return None,
    };
    let ValueState::Ready(view) = &held(state)?.state else { return None };
    let mut out = String::new();
    for row in &view.rows {
        if let ValueRow::Node { path: here, key: Some(key), .. } = row
            && path.starts_with(here)
        {
            if !key.starts_with('[') && !out.is_empty() {
                out.push('.');
            }
            out.push_str(key);
        }
    }
    Some(out)
}

/// The end of a file's name for what is shown, as far as that is known yet.
pub(super) fn extension(state: &AppState) -> &'static str {
    match (held(state).map(|held| &held.state), selected(state)) {
        (Some(ValueState::Ready(view)), Selected::Whole) => view.extension,
        (Some(ValueState::Ready(view)), Selected::File(nth)) => {
            let file = |row: &ValueRow| match row {
                ValueRow::File { nth: here, extension, .. } if *here == nth => Some(*extension),
                _ => None,
            };
            view.rows.iter().find_map(file).unwrap_or("bin")
        }
        (Some(ValueState::Ready(view)), Selected::At(path)) => {
            let node = |row: &ValueRow| match row {
                ValueRow::Node { path: here, extension, .. } if here == path => Some(*extension),
                _ => None,
            };
            view.rows.iter().find_map(node).unwrap_or("json")
        }
        _ => "json",
    }
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
    state.search = search::Search { text: text.to_owned(), goal: None };
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
