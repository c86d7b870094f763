//! Stepping through a run: what is asked at its gate, and what is answered.

use crate::app::command::CommandId;
use crate::app::editor::Editor;
use crate::app::frames::ExprLine;
use crate::app::gate::{FAULTS, FailLine, Rejected};
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Edited, Effect, Env, Start};
use crate::app::state::{AppState, Overlay, Pane, Screen};
use crate::base::ids::{CallNo, RunId};
use crate::base::json;
use crate::model::filter::Filter;
use crate::model::gate::{Answer, GateEvent, Goal, Moment, StepCommand, Want};
use crate::model::points;
use crate::model::{Level, RunHistory, RunStatus, ValueRef, path};

use super::{acts, commands, fork, frames, toast};

/// Steps through a replay of the selected run.
pub(super) fn begin(state: &mut AppState, goal: Goal, env: &Env) -> Vec<Effect> {
    let Some(run) = state.runs.selected.clone() else { return Vec::new() };
    let what = start(state, run, goal);
    commands::begin(state, what, env)
}

fn start(state: &AppState, run: RunId, goal: Goal) -> Start {
    let (breakpoints, budget) = points::active(&state.points);
    Start::Step { run, goal, breakpoints, budget }
}

/// Replays the selected run up to the selected call.
pub(super) fn begin_here(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(open) = state.current() else { return Vec::new() };
    let goal = to_call(&path::path(&open.history, open.selected), open.selected);
    begin(state, goal, env)
}

/// The call with this path. A path that the language cannot say is found by its number.
fn to_call(path: &str, no: CallNo) -> Goal {
    match Filter::parse(&format!("path:\"{path}\"")) {
        Ok(filter) => Goal::To(filter),
        Err(_) => Goal::At(no),
    }
}

/// A run that is stepped through has an id.
pub(super) fn begun(state: &mut AppState, run: &RunId) {
    let ended = state
        .open
        .get(run)
        .is_some_and(|open| open.history.started_at != 0 && open.history.status != RunStatus::Running);
    if !ended {
        state.stepping.entry(run.clone()).or_default();
        state.screen = Screen::Main;
        state.focus = Pane::Calls;
    }
}

/// It could not be started: what was to be left goes on.
pub(super) fn not_begun(state: &mut AppState, what: &Start) {
    if let Start::Step { run, .. } = what
        && let Some(gate) = state.stepping.get_mut(run)
    {
        gate.left = false;
    }
}

/// Something happens at a gate.
pub(super) fn happened(state: &mut AppState, run: RunId, event: &GateEvent, env: &Env) {
    let shown = state.runs.selected.as_ref() == Some(&run);
    let ended = state.open.get(&run).is_some_and(|open| open.history.status != RunStatus::Running);
    if ended {
        return;
    }
    let gate = state.stepping.entry(run.clone()).or_default();
    // What was written by hand and is not refused is taken.
    let edited = matches!(event, GateEvent::Left { call } if gate.is_sent(*call));
    gate.apply(event);
    let first = gate.waiting.first().map(|ask| ask.call);
    let waits = |no: CallNo| gate.waiting.iter().any(|ask| ask.call == no);
    match event {
        GateEvent::Asked(_) | GateEvent::Left { .. } => {
            // The cursor stays on a call as long as it waits; then it goes on to what has waited longest.
            if let Some(open) = state.open.get_mut(&run)
                && let Some(first) = first.filter(|_| !waits(open.selected))
            {
                open.follow = false;
                open.tree.reveal(first);
                open.selected = first;
            }
        }
        GateEvent::Refused { call, why } if gate.sent.as_ref().is_some_and(|(sent, _)| sent.is_of(*call)) => {
            let Some((what, text)) = gate.sent.take() else { return };
            if !matches!(what, Edited::Expression(..)) {
                let rejected = Rejected { what, text, why: why.clone(), may: true };
                state.overlay = Some(Overlay::Rejected(rejected));
            } else if state.overlay.is_none() {
                let line = ExprLine { editor: Editor::new(&text), problem: Some(why.clone()) };
                state.overlay = Some(Overlay::Expression(line));
            } else {
                // What is being written meanwhile stays.
                toast(state, Level::Error, format!("The expression was not taken: {why}."), env);
            }
        }
        GateEvent::Refused { why, .. } if shown => {
            let sentence = format!("That cannot be done: {why}.");
            toast(state, Level::Error, sentence, env);
        }
        GateEvent::Refused { .. } => {}
        GateEvent::Frames { call, stacks } => frames::came(state, &run, *call, stacks),
    }
    if edited {
        acts::edited_run(state, &run);
    }
}

/// The run that is shown, and the call that the keys are about.
fn cursor(state: &AppState) -> Option<(RunId, CallNo, Moment)> {
    let ask = state.asked()?;
    Some((state.runs.selected.clone()?, ask.call, ask.moment))
}

fn tell(state: &AppState, commands: Vec<StepCommand>) -> Vec<Effect> {
    let Some(run) = state.runs.selected.clone() else { return Vec::new() };
    vec![Effect::Step { run, commands }]
}

/// Answers the call at the cursor alone; the run stops again at whatever comes next.
fn answer(state: &AppState, answer: Answer) -> Vec<Effect> {
    let Some((run, call, _)) = cursor(state) else { return Vec::new() };
    answer_call(run, call, answer)
}

pub(super) fn answer_call(run: RunId, call: CallNo, answer: Answer) -> Vec<Effect> {
    vec![Effect::Step { run, commands: vec![StepCommand::Pause, StepCommand::Answer { call, answer }] }]
}

/// What a key of the gate does.
pub(super) fn execute(state: &mut AppState, id: CommandId, env: &Env) -> Vec<Effect> {
    let go = |goal| vec![StepCommand::Go(goal)];
    let call = state.asked().map_or(1, |ask| ask.call);
    let commands = match id {
        CommandId::GateGo => return answer(state, Answer::Go),
        CommandId::GateExecute => return answer(state, Answer::Execute),
        CommandId::GateKeep => return answer(state, Answer::Serve),
        CommandId::GateRetry => return answer(state, Answer::Retry),
        CommandId::GateAnswer => return edit_output(state),
        CommandId::GateArguments => return edit_arguments(state),
        CommandId::GateFrames => return frames::ask(state),
        CommandId::GateExpression => {
            state.overlay = Some(Overlay::Expression(ExprLine::default()));
            return Vec::new();
        }
        CommandId::GateFail => {
            state.overlay = Some(Overlay::Fail(FailLine::default()));
            return Vec::new();
        }
        CommandId::GateTo => {
            state.overlay = Some(Overlay::RunTo { editor: Editor::default(), problem: None });
            return Vec::new();
        }
        CommandId::GateBack => return back(state, env),
        CommandId::GateInto => go(Goal::Into),
        CommandId::GateOver => go(Goal::Past(call)),
        CommandId::GateOut => {
            let run = state.current().map(|open| &open.history);
            let caller = run.and_then(|run| run.call(call)).map_or(1, |call| call.parent.max(1));
            go(Goal::Past(caller))
        }
        CommandId::GateContinue => go(Goal::Continue),
        CommandId::GateNextFresh => go(Goal::Next(Want::Fresh)),
        CommandId::GateNextFailed => go(Goal::Next(Want::Failed)),
        CommandId::GateNextEffect => go(Goal::Next(Want::Effect)),
        CommandId::GateLetCall => vec![StepCommand::LetCall(call)],
        CommandId::GateLetFunction => {
            let run = state.current().map(|open| &open.history);
            let Some(name) = run.and_then(|run| run.call(call)).map(|call| call.function.clone()) else {
                return Vec::new();
            };
            vec![StepCommand::LetFunction(name)]
        }
        CommandId::GatePause => vec![StepCommand::Pause],
        CommandId::GateDetach => vec![StepCommand::Detach],
        _ => return Vec::new(),
    };
    tell(state, commands)
}

/// Goes back: to the selected call when it came before the one that waits.
fn back(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(ask) = state.asked() else { return Vec::new() };
    let (here, earlier) = (ask.call, ask.earlier());
    let Some(open) = state.current() else { return Vec::new() };
    let selected = open.selected;
    let to = if selected < here { selected } else { earlier };
    let run = open.history.id.clone();
    let Some(gate) = state.stepping.get_mut(&run) else { return Vec::new() };
    if gate.left {
        return Vec::new();
    }
    gate.left = true;
    let what = start(state, run, Goal::At(to));
    commands::begin(state, what, env)
}

/// What there is to begin with: what it would give, else what another call of the function gave.
fn edit_output(state: &AppState) -> Vec<Effect> {
    let Some((run, call, _)) = cursor(state) else { return Vec::new() };
    let what = Edited::Output(run, call);
    let own = state.asked().and_then(|ask| ask.output());
    match own.or_else(|| like_it(state, call)) {
        Some(value) => vec![Effect::LoadJson { what, value: Box::new(value.clone()) }],
        None => vec![Effect::EditText { what, text: String::new() }],
    }
}

/// The last output of the same function in this run or the one that it replays.
pub(super) fn like_it(state: &AppState, no: CallNo) -> Option<&ValueRef> {
    let run = &state.current()?.history;
    let function = &run.call(no)?.function;
    let parent = run.parent.as_ref().and_then(|parent| state.open.get(parent)).map(|open| &open.history);
    let of = |run: &'_ RunHistory| -> Option<usize> {
        run.calls
            .iter()
            .rposition(|call| call.function == *function && call.is_call() && call.output.is_some())
    };
    let found = [Some(run), parent].into_iter().flatten().find_map(|run| Some(&run.calls[of(run)?]));
    found.and_then(|call| call.output.as_ref())
}

fn edit_arguments(state: &AppState) -> Vec<Effect> {
    let Some((run, no, _)) = cursor(state) else { return Vec::new() };
    let call = state.current().and_then(|open| open.history.call(no));
    match call.and_then(|call| call.input.clone()) {
        Some(value) => vec![Effect::LoadJson { what: Edited::Arguments(run, no), value: Box::new(value) }],
        None => Vec::new(),
    }
}

fn by_hand(what: &Edited, value: serde_json::Value, any_type: bool) -> Answer {
    match what {
        Edited::Arguments(..) => Answer::Arguments { value, any_type },
        _ => Answer::Output { value, any_type },
    }
}

/// What came back from `$EDITOR`.
pub(super) fn edited(
    state: &mut AppState,
    what: Edited,
    before: &str,
    text: String,
    env: &Env,
) -> Vec<Effect> {
    let (run, call) = match &what {
        Edited::Output(run, call) | Edited::Arguments(run, call) => (run.clone(), *call),
        Edited::Fork(..) | Edited::ForkInput(..) => return fork::edited(state, what, before, text, env),
        Edited::Input | Edited::Expression(..) => return Vec::new(),
    };
    if state.stepping.get(&run).is_none_or(|gate| gate.ask(call).is_none()) {
        toast(state, Level::Warning, "The call does not wait any more; nothing was changed.", env);
        return Vec::new();
    }
    if text.trim() == before.trim() {
        toast(state, Level::Info, "Nothing was changed; the call still waits.", env);
        return Vec::new();
    }
    let value = match json::tagged(&text) {
        Ok(value) => value,
        Err(why) => {
            let why = format!("What was saved is not JSON: {why}.");
            state.overlay = Some(Overlay::Rejected(Rejected { what, text, why, may: false }));
            return Vec::new();
        }
    };
    let answer = by_hand(&what, value, false);
    if let Some(gate) = state.stepping.get_mut(&run) {
        gate.sent = Some((what, text));
    }
    answer_call(run, call, answer)
}

/// A key while an edited text could not be taken.
pub(super) fn rejected_key(state: &mut AppState, rejected: Rejected, key: Key) -> Vec<Effect> {
    match key.code {
        KeyCode::Char('e') | KeyCode::Enter => {
            vec![Effect::EditText { what: rejected.what, text: rejected.text }]
        }
        KeyCode::Char('u') if rejected.may => {
            let Ok(value) = json::tagged::<serde_json::Value>(&rejected.text) else { return Vec::new() };
            let answer = by_hand(&rejected.what, value.clone(), true);
            match rejected.what {
                Edited::Output(run, call) | Edited::Arguments(run, call) => answer_call(run, call, answer),
                Edited::Fork(..) | Edited::ForkInput(..) => {
                    fork::plan(state, &rejected.what, value, rejected.text, true)
                }
                Edited::Input | Edited::Expression(..) => Vec::new(),
            }
        }
        _ => {
            state.overlay = Some(Overlay::Rejected(rejected));
            Vec::new()
        }
    }
}

/// A key while it is chosen how a call is to fail.
pub(super) fn fail_key(state: &mut AppState, mut line: FailLine, key: Key, env: &Env) -> Vec<Effect> {
    match key.code {
        KeyCode::Enter => {
            let fault = line.fault();
            if state.asked().is_none() {
                toast(state, Level::Warning, "The call does not wait any more.", env);
                return Vec::new();
            }
            return answer(state, Answer::Fail { fault });
        }
        KeyCode::Down => line.at = (line.at + 1).min(FAULTS.len() - 1),
        KeyCode::Up => line.at = line.at.saturating_sub(1),
        _ => {
            line.editor.key(key);
        }
    }
    state.overlay = Some(Overlay::Fail(line));
    Vec::new()
}

/// A key while it is typed where to go.
pub(super) fn run_to_key(state: &mut AppState, mut editor: Editor, key: Key) -> Vec<Effect> {
    if key.code == KeyCode::Enter {
        let text = editor.value();
        match Filter::parse(&text) {
            Ok(filter) if !filter.is_all() => return tell(state, vec![StepCommand::Go(Goal::To(filter))]),
            Ok(_) => return Vec::new(),
            Err(why) => {
                state.overlay = Some(Overlay::RunTo { editor, problem: Some(why.to_string()) });
                return Vec::new();
            }
        }
    }
    editor.key(key);
    state.overlay = Some(Overlay::RunTo { editor, problem: None });
    Vec::new()
}
