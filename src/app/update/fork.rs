//! Forking from recorded calls: other outputs or arguments, outputs taken elsewhere, samples; planned before anything
//! executes.

use crate::app::editor::Editor;
use crate::app::fork::HowOften;
use crate::app::gate::Rejected;
use crate::app::keys::{Key, KeyCode};
use crate::app::msg::{Edited, Effect, Env, Fork, ForkEffects, Start};
use crate::app::say;
use crate::app::state::{AppState, Overlay};
use crate::base::ids::CallNo;
use crate::base::json;
use crate::model::fork::{Edit, ForkPlan, Taken};
use crate::model::{Level, Origin, Purpose};

use super::{commands, gate, toast};

/// Lets the output of the selected call be edited.
pub(super) fn output(state: &AppState) -> Vec<Effect> {
    let Some(open) = state.current() else { return Vec::new() };
    let Some(call) = open.call() else { return Vec::new() };
    let what = Edited::Fork(open.history.id.clone(), call.no);
    match call.output.as_ref().or_else(|| gate::like_it(state, call.no)) {
        Some(value) => vec![Effect::LoadJson { what, value: Box::new(value.clone()) }],
        None => vec![Effect::EditText { what, text: String::new() }],
    }
}

/// Lets the arguments of the selected call be edited.
pub(super) fn input(state: &AppState) -> Vec<Effect> {
    let Some(open) = state.current() else { return Vec::new() };
    let Some(value) = open.call().and_then(|call| call.input.clone()) else { return Vec::new() };
    let what = Edited::ForkInput(open.history.id.clone(), open.selected);
    vec![Effect::LoadJson { what, value: Box::new(value) }]
}

/// Marks the output of the selected call, to be taken into another run.
pub(super) fn mark(state: &mut AppState, env: &Env) {
    let Some(open) = state.current() else { return };
    let Some(call) = open.call() else { return };
    let Some(value) = call.output.clone() else { return };
    let name = say::place_in_tree(&open.history, call);
    let from = Origin { run: open.history.id.clone(), call: call.no };
    let sentence =
        format!("The output of {name} is marked; a t takes it into the call that is selected then.");
    state.forking.marked = Some((Taken { from, value }, name));
    toast(state, Level::Info, sentence, env);
}

/// Takes an output: a selected sample into the call that it is a sample of, else what was marked into the selected call.
pub(super) fn take(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(open) = state.current() else { return Vec::new() };
    let (run, call, taken) = match &open.history.purpose {
        Purpose::Samples { of, call } => {
            let Some(sample) = open.call().filter(|call| call.parent == 1) else { return Vec::new() };
            let Some(value) = sample.output.clone() else { return Vec::new() };
            let from = Origin { run: open.history.id.clone(), call: sample.no };
            let run = open.history.parent.clone().unwrap_or_else(|| of.run.clone());
            (run, *call, Taken { from, value })
        }
        _ => match &state.forking.marked {
            Some((taken, _)) => (open.history.id.clone(), open.selected, taken.clone()),
            None => {
                toast(
                    state,
                    Level::Info,
                    "Nothing is marked; a m marks the output of the selected call.",
                    env,
                );
                return Vec::new();
            }
        },
    };
    let fork = state.forking.fork(&run, call, Edit::Taken(Box::new(taken)), false);
    vec![Effect::Plan { fork: Box::new(fork), text: String::new() }]
}

/// What came back from `$EDITOR`.
pub(super) fn edited(
    state: &mut AppState,
    what: Edited,
    before: &str,
    text: String,
    env: &Env,
) -> Vec<Effect> {
    if text.trim() == before.trim() {
        toast(state, Level::Info, "Nothing was changed; nothing is forked.", env);
        return Vec::new();
    }
    match json::tagged(&text) {
        Ok(value) => plan(state, &what, value, text, false),
        Err(why) => {
            let why = format!("What was saved is not JSON: {why}.");
            state.overlay = Some(Overlay::Rejected(Rejected { what, text, why, may: false }));
            Vec::new()
        }
    }
}

/// Asks what a fork with this edit would do.
pub(super) fn plan(
    state: &AppState,
    what: &Edited,
    value: serde_json::Value,
    text: String,
    any_type: bool,
) -> Vec<Effect> {
    let (run, call, edit) = match what {
        Edited::Fork(run, call) => (run, *call, Edit::Output(value)),
        Edited::ForkInput(run, call) => (run, *call, Edit::Arguments(value)),
        _ => return Vec::new(),
    };
    vec![Effect::Plan { fork: Box::new(state.forking.fork(run, call, edit, any_type)), text }]
}

/// What a fork would do is known.
pub(super) fn planned(
    state: &mut AppState,
    fork: Box<Fork>,
    text: String,
    result: Result<ForkPlan, String>,
    env: &Env,
) {
    match result {
        Ok(plan) => state.overlay = Some(Overlay::Fork { fork, plan: Box::new(plan) }),
        Err(why) => {
            let what = match fork.edits.last() {
                Some((call, Edit::Output(_))) => Edited::Fork(fork.run.clone(), *call),
                Some((call, Edit::Arguments(_))) => Edited::ForkInput(fork.run.clone(), *call),
                _ => {
                    toast(state, Level::Error, format!("It cannot be taken: {why}."), env);
                    return;
                }
            };
            state.overlay = Some(Overlay::Rejected(Rejected { what, text, why, may: !fork.any_type }));
        }
    }
}

/// A key while it is shown what a fork would do.
pub(super) fn key(
    state: &mut AppState,
    mut fork: Box<Fork>,
    plan: Box<ForkPlan>,
    key: Key,
    env: &Env,
) -> Vec<Effect> {
    match key.code {
        KeyCode::Enter => {
            // Without effects nobody need be asked, and what is served may be served ahead.
            if plan.effects.is_empty() {
                fork.effects = ForkEffects::Rerun;
            }
            state.forking.kept = None;
            return commands::begin(state, Start::Fork(fork), env);
        }
        KeyCode::Char('+') => {
            let edits = crate::base::text::count(fork.edits.len() as u64, "edit");
            let verb = if fork.edits.len() == 1 { "is" } else { "are" };
            state.forking.kept = Some((fork.run, fork.edits));
            let sentence =
                format!("{edits} {verb} kept; edit another call of this run, and the fork has them all.");
            toast(state, Level::Info, sentence, env);
            return Vec::new();
        }
        KeyCode::Char('-') => {
            state.forking.kept = None;
            toast(state, Level::Info, "No edit is kept.", env);
            return Vec::new();
        }
        KeyCode::Char('a') => fork.effects = ForkEffects::Ask,
        KeyCode::Char('k') => fork.effects = ForkEffects::Skip,
        KeyCode::Char('r') => fork.effects = ForkEffects::Rerun,
        _ => {}
    }
    state.overlay = Some(Overlay::Fork { fork, plan });
    Vec::new()
}

/// Asks how often the selected call is to be executed.
pub(super) fn resample(state: &mut AppState) {
    state.overlay = Some(Overlay::Resample(HowOften { editor: Editor::new("5"), problem: None }));
}

/// A key while that is typed.
pub(super) fn resample_key(state: &mut AppState, mut editor: Editor, key: Key, env: &Env) -> Vec<Effect> {
    if key.code != KeyCode::Enter {
        editor.key(key);
        state.overlay = Some(Overlay::Resample(HowOften { editor, problem: None }));
        return Vec::new();
    }
    let Some(open) = state.current() else { return Vec::new() };
    let (run, call, acting) = (open.history.id.clone(), open.selected, acts(state));
    let text = editor.value();
    let (number, again) = match text.trim().strip_suffix("again") {
        Some(number) => (number.trim(), true),
        None => (text.trim(), false),
    };
    match number.parse::<u32>().ok().filter(|count| (1..=1000).contains(count)) {
        Some(_) if acting.is_some() && !again => {
            let what = acting.unwrap_or_default();
            let why = format!("{what} acts on the world each time. If that is wanted, type: {number} again");
            state.overlay = Some(Overlay::Resample(HowOften { editor, problem: Some(why) }));
            Vec::new()
        }
        Some(count) => commands::begin(state, Start::Resample { run, call, count, effects: again }, env),
        None => {
            let problem = Some("How often? A number from 1 to 1000.".to_owned());
            state.overlay = Some(Overlay::Resample(HowOften { editor, problem }));
            Vec::new()
        }
    }
}

/// A function that acts on the world in the selected call, as it was recorded.
fn acts(state: &AppState) -> Option<String> {
    let open = state.current()?;
    let within = |no: CallNo| open.history.is_within(no, open.selected);
    let found = open.history.calls.iter().find(|call| call.effect && within(call.no));
    found.map(|call| call.function.clone())
}
