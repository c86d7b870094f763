//! Going along the time line of a finished run. What is asked for is read off the loop; keys that come meanwhile move
//! on, and only where they end is asked for next.

use std::sync::Arc;

use crate::app::asof::{AsOf, Mark, Move, Rebuilt, What, moved};
use crate::app::command::CommandId;
use crate::app::msg::{Effect, Env};
use crate::app::openrun::OpenRun;
use crate::app::state::{AppState, Pane, Screen};
use crate::model::{Level, RunHistory, RunStatus};

use super::{refuse, toast};

/// Shows the time line, from where the selected call ended.
pub(super) fn enter(state: &mut AppState) -> Vec<Effect> {
    let Some(run) = state.runs.selected.clone() else { return Vec::new() };
    let generation = state.next_generation();
    state.screen = Screen::Main;
    if state.focus == Pane::Runs {
        state.focus = Pane::Calls;
    }
    state.as_of = Some(AsOf::new(run.clone(), generation));
    vec![Effect::LoadMarks { run, generation }]
}

/// What a key of the time line does.
pub(super) fn execute(state: &mut AppState, id: CommandId, env: &Env) -> Vec<Effect> {
    let by = match id {
        CommandId::AsOfNext => Move::By(1),
        CommandId::AsOfPrev => Move::By(-1),
        CommandId::AsOfForward => Move::By(10),
        CommandId::AsOfBack => Move::By(-10),
        CommandId::AsOfFirst => Move::First,
        CommandId::AsOfLast => Move::Last,
        CommandId::AsOfNextFailed => Move::Failure(true),
        CommandId::AsOfPrevFailed => Move::Failure(false),
        CommandId::AsOfNextEnded => Move::End(true),
        CommandId::AsOfPrevEnded => Move::End(false),
        _ => return leave(state),
    };
    let Some(line) = &mut state.as_of else { return Vec::new() };
    match (moved(&line.marks, line.seq, by), by) {
        (Some(seq), _) => {
            line.seq = seq;
            if let Some(open) = &mut line.open {
                open.follow = true;
            }
        }
        (None, _) if line.marks.is_empty() => {}
        (None, Move::Failure(forward)) => {
            refuse(state, format!("No failure {} this event.", side(forward)), env)
        }
        (None, Move::End(forward)) => {
            refuse(state, format!("No call ended {} this event.", side(forward)), env)
        }
        (None, _) => {}
    }
    Vec::new()
}

fn side(forward: bool) -> &'static str {
    if forward { "after" } else { "before" }
}

/// The events are read.
pub(super) fn marked(
    state: &mut AppState,
    generation: u64,
    result: Result<Arc<Vec<Mark>>, String>,
    env: &Env,
) -> Vec<Effect> {
    let Some(line) = state.as_of.as_mut().filter(|line| line.asked == Some(generation)) else {
        return Vec::new();
    };
    line.asked = None;
    match result {
        Ok(marks) => {
            let selected = state.open.get(&line.run).map_or(0, |open| open.selected);
            let ends = |mark: &Mark| mark.no == selected && matches!(mark.what, What::Ended(_));
            let end = marks.iter().rposition(ends).map_or(marks.len(), |at| at + 1);
            line.marks = marks;
            line.seq = end as u64;
            if line.marks.is_empty() {
                state.as_of = None;
            }
            Vec::new()
        }
        Err(why) => failed(state, &why, env),
    }
}

/// The run as it was is there; where the user is in it stays.
pub(super) fn came(
    state: &mut AppState,
    generation: u64,
    result: Result<Box<Rebuilt>, String>,
    env: &Env,
) -> Vec<Effect> {
    let Some(line) = state.as_of.as_mut().filter(|line| line.asked == Some(generation)) else {
        // Nobody waits for it any more.
        return result.map(Effect::LetGo).into_iter().collect();
    };
    line.asked = None;
    match result {
        Ok(rebuilt) => {
            let Rebuilt { mut open, kept } = *rebuilt;
            let before = line.open.as_deref().or_else(|| state.open.get(&line.run));
            open.follow = line.open.as_ref().is_none_or(|before| before.follow);
            if let Some(before) = before {
                let last = u32::try_from(open.history.calls.len()).unwrap_or(u32::MAX);
                open.selected = before.selected.min(last).max(1);
                open.top = before.top;
                before.tree.folds().for_each(|(no, folded)| open.tree.set_fold(no, folded));
            }
            // Whoever goes along goes to the call that the event is about.
            open.newest = line.mark().map_or(1, |mark| mark.no.max(1));
            let before = line.open.replace(Box::new(open));
            let kept = line.keep(kept);
            before.map(|before| spent(*before, kept)).into_iter().collect()
        }
        Err(why) => failed(state, &why, env),
    }
}

fn spent(open: OpenRun, kept: Vec<Arc<RunHistory>>) -> Effect {
    Effect::LetGo(Box::new(Rebuilt { open, kept }))
}

/// Shows the run as it is again.
fn leave(state: &mut AppState) -> Vec<Effect> {
    let line = state.as_of.take();
    line.and_then(|line| Some(spent(*line.open?, line.kept))).into_iter().collect()
}

fn failed(state: &mut AppState, why: &str, env: &Env) -> Vec<Effect> {
    let effects = leave(state);
    toast(state, Level::Error, format!("The events of the run cannot be read: {why}"), env);
    effects
}

/// Ends with the run that is shown; asks for what is to be shown and is not there.
pub(super) fn settle(state: &mut AppState) -> Vec<Effect> {
    let goes_on = |line: &AsOf| {
        state.runs.selected.as_ref() == Some(&line.run)
            && state.runs.get(&line.run).is_some_and(|run| run.status != RunStatus::Running)
    };
    if !state.as_of.as_ref().is_some_and(goes_on) {
        return leave(state);
    }
    let generation = state.next_generation();
    let Some(line) = state.as_of.as_mut() else { return Vec::new() };
    let there = line.open.as_ref().is_some_and(|open| open.history.last_seq == line.seq);
    if there || line.asked.is_some() || line.marks.is_empty() {
        return Vec::new();
    }
    line.asked = Some(generation);
    let (run, seq, total, from) = (line.run.clone(), line.seq, line.total(), line.base());
    vec![Effect::LoadAsOf { run, seq, total, from, generation }]
}
