//! The table of functions: moving among its cells, and filtering the tree by one.

use crate::app::functions::{self, Column};
use crate::app::layout;
use crate::app::msg::{Effect, Env};
use crate::app::state::{AppState, Pane, Screen};
use crate::model::Level;
use crate::model::functions::Functions;

use super::{filter, toast};

/// Makes the table when there is none, and brings it up to date.
pub(super) fn settle(state: &mut AppState) {
    let Some(open) = state.current_mut() else { return };
    let history = &open.history;
    open.functions.get_or_insert_with(|| Box::new(Functions::of(history))).settle();
    let columns = columns(state).len();
    state.table.column = state.table.column.min(columns.saturating_sub(1));
    // Where the order changed the selection stays on its function.
    let names = names(state);
    let (name, row) = &state.table.selected;
    if *row == state.list.at
        && let Some(at) = names.iter().position(|one| one == name)
    {
        state.list.at = at;
    }
    let at = state.list.at.min(names.len().saturating_sub(1));
    state.table.selected = (names.get(at).cloned().unwrap_or_default(), at);
}

fn names(state: &AppState) -> Vec<String> {
    let all = state.current().and_then(|open| open.functions.as_ref());
    let rows = all.map(|all| functions::ordered(all, state.table.by)).unwrap_or_default();
    rows.into_iter().map(|function| function.name.clone()).collect()
}

fn columns(state: &AppState) -> Vec<Column> {
    let width = layout::layout(state).screen.map_or(0, |area| area.w);
    let all = state.current().and_then(|open| open.functions.as_ref());
    all.map(|all| functions::columns(all, width)).unwrap_or_default()
}

/// Goes to the cell beside.
pub(super) fn step(state: &mut AppState, by: isize) {
    let last = columns(state).len().saturating_sub(1);
    state.table.column = state.table.column.saturating_add_signed(by).min(last);
}

/// Puts the most of the selected column first, or the order of first calls again.
pub(super) fn sort(state: &mut AppState, env: &Env) {
    let Some(column) = columns(state).get(state.table.column).copied() else { return };
    let by = (state.table.by != Some(column)).then_some(column);
    state.table.by = by;
    let sentence = match by {
        Some(column) => format!("Most {} first.", column.title()),
        None => "In the order of first calls.".to_owned(),
    };
    toast(state, Level::Info, sentence, env);
}

/// Filters the tree by the selected cell and goes there.
pub(super) fn open(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let columns = columns(state);
    let Some(all) = state.current().and_then(|open| open.functions.as_ref()) else { return Vec::new() };
    let rows = functions::ordered(all, state.table.by);
    let (Some(function), Some(column)) = (rows.get(state.list.at), columns.get(state.table.column)) else {
        return Vec::new();
    };
    if let Column::Status(status) = column
        && function.of(*status) == 0
    {
        let sentence = format!("No call of {} is {}.", function.name, column.title());
        toast(state, Level::Info, sentence, env);
        return Vec::new();
    }
    let text = functions::filter(function, *column);
    filter::apply(state, &text);
    state.screen = Screen::Main;
    state.focus = Pane::Calls;
    Vec::new()
}
