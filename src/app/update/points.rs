//! The project's breakpoints: listed, added, switched, deleted. What changes is kept, and told to runs that are stepped
//! through.

use crate::app::editor::Editor;
use crate::app::gate::PointList;
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Effect, Env};
use crate::app::state::{AppState, Overlay};
use crate::model::Level;
use crate::model::gate::StepCommand;
use crate::model::points::{Point, active, at_function, meaning};

use super::toast;

/// Keeps them, and tells the runs.
fn changed(state: &AppState) -> Vec<Effect> {
    let (breakpoints, budget) = active(&state.points);
    let commands = vec![StepCommand::Breakpoints(breakpoints), StepCommand::Budget(budget)];
    let mut out = vec![Effect::SavePoints(state.points.clone())];
    let runs = state.stepping.iter().filter(|(_, gate)| !gate.left);
    out.extend(runs.map(|(run, _)| Effect::Step { run: run.clone(), commands: commands.clone() }));
    out
}

/// Stops at the selected call's function, or no longer.
pub(super) fn toggle_here(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(name) = state.current().and_then(|open| open.call()).map(|call| call.function.clone()) else {
        return Vec::new();
    };
    let text = at_function(&name);
    let before = state.points.len();
    state.points.retain(|point| point.text != text);
    let sentence = if state.points.len() < before {
        format!("No breakpoint at {name} any more.")
    } else {
        state.points.push(Point { text, on: true });
        format!("Runs that are stepped through stop at {name}.")
    };
    toast(state, Level::Info, sentence, env);
    changed(state)
}

/// A key while the list is open.
pub(super) fn key(state: &mut AppState, mut list: PointList, key: Key, env: &Env) -> Vec<Effect> {
    let mut out = Vec::new();
    if let Some(mut editor) = list.typed.take() {
        if key.code == KeyCode::Enter {
            let text = editor.value().trim().to_owned();
            match meaning(&text) {
                Ok(_) => {
                    state.points.retain(|point| point.text != text);
                    state.points.push(Point { text, on: true });
                    list = PointList { at: state.points.len() - 1, ..PointList::default() };
                    out = changed(state);
                }
                Err(why) => (list.problem, list.typed) = (Some(why), Some(editor)),
            }
        } else {
            editor.key(key);
            (list.problem, list.typed) = (None, Some(editor));
        }
        state.overlay = Some(Overlay::Points(list));
        return out;
    }
    let last = state.points.len().saturating_sub(1);
    match key.code {
        KeyCode::Down | KeyCode::Char('j') => list.at = (list.at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => list.at = list.at.saturating_sub(1),
        KeyCode::Char('a') => list.typed = Some(Editor::default()),
        KeyCode::Enter | KeyCode::Char(' ') => {
            if let Some(point) = state.points.get_mut(list.at) {
                point.on = !point.on;
                out = changed(state);
            } else {
                list.typed = Some(Editor::default());
            }
        }
        KeyCode::Char('d' | 'D') | KeyCode::Delete if list.at < state.points.len() => {
            let gone = state.points.remove(list.at);
            list.at = list.at.min(state.points.len().saturating_sub(1));
            let sentence = format!("The breakpoint {} is gone.", gone.text);
            toast(state, Level::Info, sentence, env);
            out = changed(state);
        }
        _ => {}
    }
    state.overlay = Some(Overlay::Points(list));
    out
}
