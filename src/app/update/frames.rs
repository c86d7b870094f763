//! The variables of callers at the gate, and outputs written as expressions.

use crate::app::frames::{ExprLine, FrameList, rows};
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Edited, Effect, Env};
use crate::app::state::{AppState, Overlay};
use crate::base::ids::{CallNo, RunId};
use crate::model::Level;
use crate::model::frames::Stack;
use crate::model::gate::{Answer, StepCommand};

use super::toast;

/// Asks for the frames of the callers of the call at the cursor.
pub(super) fn ask(state: &mut AppState) -> Vec<Effect> {
    let (Some(run), Some(ask)) = (state.runs.selected.clone(), state.asked()) else { return Vec::new() };
    let call = ask.call;
    state.overlay = Some(Overlay::Frames(Box::new(FrameList::new(run.clone(), call))));
    vec![Effect::Step { run, commands: vec![StepCommand::Frames { call }] }]
}

/// They are here.
pub(super) fn came(state: &mut AppState, of: &RunId, no: CallNo, stacks: &[Stack]) {
    if let Some(Overlay::Frames(list)) = &mut state.overlay
        && list.run == *of
        && list.call == no
    {
        list.stacks = Some(stacks.to_vec());
    }
}

/// A key while they are shown.
pub(super) fn key(state: &mut AppState, mut list: Box<FrameList>, key: Key) -> Vec<Effect> {
    let rows = rows(state, &list);
    let last = rows.len().saturating_sub(1);
    let page = usize::from(state.size.1 / 2).max(1);
    match key.code {
        KeyCode::Char('q' | 'V') => return Vec::new(),
        KeyCode::Down | KeyCode::Char('j') => list.at = (list.at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => list.at = list.at.saturating_sub(1),
        KeyCode::PageDown => list.at = (list.at + page).min(last),
        KeyCode::PageUp => list.at = list.at.saturating_sub(page),
        KeyCode::Home | KeyCode::Char('g') => list.at = 0,
        KeyCode::End | KeyCode::Char('G') => list.at = last,
        code => {
            let Some(row) = rows.get(list.at) else {
                state.overlay = Some(Overlay::Frames(list));
                return Vec::new();
            };
            match code {
                KeyCode::Enter | KeyCode::Char(' ') => list.turn(row, row.fold.map(|open| !open)),
                KeyCode::Right | KeyCode::Char('l') => list.turn(row, Some(true)),
                KeyCode::Left | KeyCode::Char('h') if row.fold == Some(true) => list.turn(row, Some(false)),
                KeyCode::Left | KeyCode::Char('h') => list.at = list.above(&rows).unwrap_or(list.at),
                KeyCode::Char('e') => {
                    if let Some((file, line)) = list.source(row) {
                        state.overlay = Some(Overlay::Frames(list));
                        return vec![Effect::Edit { file, line }];
                    }
                }
                _ => {}
            }
        }
    }
    state.overlay = Some(Overlay::Frames(list));
    Vec::new()
}

/// A key while an output is written as an expression.
pub(super) fn expr_key(state: &mut AppState, mut line: ExprLine, key: Key, env: &Env) -> Vec<Effect> {
    let any_type = key.ctrl && key.code == KeyCode::Char('t');
    if key.code == KeyCode::Enter || any_type {
        let expr = line.editor.value().trim().to_owned();
        let (Some(run), Some(ask)) = (state.runs.selected.clone(), state.asked()) else {
            toast(state, Level::Warning, "The call does not wait any more.", env);
            return Vec::new();
        };
        let call = ask.call;
        if !expr.is_empty() {
            if let Some(gate) = state.stepping.get_mut(&run) {
                gate.sent = Some((Edited::Expression(run.clone(), call), expr.clone()));
            }
            return super::gate::answer_call(run, call, Answer::Expression { expr, any_type });
        }
    } else {
        line.editor.key(key);
        line.problem = None;
    }
    state.overlay = Some(Overlay::Expression(line));
    Vec::new()
}
