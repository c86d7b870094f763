//! What the engine and the store say.

use std::sync::Arc;

use crate::app::blast;
use crate::app::msg::{Edited, Effect, Env, Fork, ForkEffects, Reply, Sources, Start};
use crate::app::openrun::OpenRun;
use crate::app::persist;
use crate::app::say;
use crate::app::settings::{self, Settings};
use crate::app::state::{AppState, Pane};
use crate::base::ids::RunId;
use crate::model::{Event, Level, RunHistory, RunStatus};

use super::{asof, compare, find, ignore};
use super::{filter, fork, gate, overlay, tabs, toast, values};

/// How many runs are listed.
pub const RUN_LIMIT: usize = 500;
/// How many events of a foreign run are read at once.
pub const EVENT_BATCH: usize = 5_000;

/// Asks for the list of runs, or notes that it must be asked for again.
pub(super) fn ask_runs(state: &mut AppState) -> Vec<Effect> {
    if state.runs_asked.is_some() {
        state.runs_again = true;
        return Vec::new();
    }
    let generation = state.next_generation();
    state.runs_asked = Some(generation);
    vec![Effect::LoadRuns { generation, limit: RUN_LIMIT }]
}

/// New events of a run of this process.
pub(super) fn local_events(state: &mut AppState, run: RunId, events: &[Event], env: &Env) -> Vec<Effect> {
    let begins = events.first().is_some_and(|event| event.seq == 1);
    if !state.open.contains_key(&run) && !begins {
        // The beginning was missed: all of it is read; the events are in the store already.
        return ask_history(state, run);
    }
    let open =
        state.open.entry(run.clone()).or_insert_with(|| OpenRun::new(Arc::new(RunHistory::new(run.clone()))));
    let was = open.history.status;
    let missing = open.apply(events);
    let summary = open.history.summary(state.runs.get(&run).is_some_and(|item| item.pinned));
    let now = summary.status;
    if now == RunStatus::Running {
        state.runs.local.insert(run.clone());
    }
    if summary.started_at != 0 {
        state.runs.put(summary);
    }
    if state.runs.selected.is_none() || state.expected.remove(&run) {
        select(state, &run);
    }
    if was == RunStatus::Running && now != RunStatus::Running {
        finished(state, &run, env);
    }
    if missing { ask_history(state, run) } else { Vec::new() }
}

fn select(state: &mut AppState, run: &RunId) {
    state.runs.selected = Some(run.clone());
    if state.focus == Pane::Runs {
        state.focus = Pane::Calls;
    }
}

fn finished(state: &mut AppState, run: &RunId, env: &Env) {
    tabs::note_runs(state);
    let left = state.stepping.remove(run).is_some_and(|gate| gate.left);
    state.runs.local.remove(run);
    state.runs.stopping.remove(run);
    // What it recorded may serve what was invalid.
    state.blast.epoch += 1;
    if let Some(open) = state.open.get_mut(run) {
        // A run that was followed to its end shows what it was about: its failure, or its output.
        if open.follow {
            open.follow = false;
            open.selected = open.tree.visible(open.next_failed(1, true).unwrap_or(1));
        }
    }
    // A run that was left for an earlier call of it goes on as another one.
    if let Some(item) = state.runs.get(run).filter(|_| !left) {
        let level = match item.status {
            RunStatus::Failed | RunStatus::Mismatch => Level::Error,
            _ => Level::Info,
        };
        let failed = level == Level::Error;
        let cause = state.open.get(run).filter(|_| failed).and_then(OpenRun::cause);
        let sentence = say::ended(item, cause);
        toast(state, level, sentence, env);
    }
}

fn ask_history(state: &mut AppState, run: RunId) -> Vec<Effect> {
    if state.opening.contains_key(&run) {
        return Vec::new();
    }
    let generation = state.next_generation();
    state.opening.insert(run.clone(), generation);
    vec![Effect::LoadHistory { run, generation }]
}

/// Asks for the history of the selected run when it is not here.
pub(super) fn ask_selected(state: &mut AppState) -> Vec<Effect> {
    let Some(run) = state.runs.selected.clone() else { return Vec::new() };
    if state.open.contains_key(&run) || state.unreadable.contains_key(&run) {
        return Vec::new();
    }
    ask_history(state, run)
}

/// The store changed: lists are read again, and the tail of the open foreign run.
pub(super) fn store_changed(state: &mut AppState) -> Vec<Effect> {
    let mut effects = ask_runs(state);
    state.unreadable.clear();
    // Another process may have recorded, or accepted, what makes it whole again.
    if blast::shown(state).is_some() {
        state.blast.epoch += 1;
    }
    let foreign: Vec<RunId> = state
        .open
        .iter()
        .filter(|(run, open)| open.history.status == RunStatus::Running && !state.runs.local.contains(*run))
        .map(|(run, _)| run.clone())
        .collect();
    for run in foreign {
        effects.extend(ask_events(state, &run));
    }
    effects
}

fn ask_events(state: &mut AppState, run: &RunId) -> Vec<Effect> {
    let Some(open) = state.open.get(run) else { return Vec::new() };
    let after_seq = open.history.last_seq;
    let generation = state.next_generation();
    state.tailing.insert(run.clone(), generation);
    vec![Effect::LoadEvents { run: run.clone(), after_seq, limit: EVENT_BATCH, generation }]
}

/// Takes up the settings. A theme that was chosen by hand gives way to one that the files name anew.
pub fn configure(state: &mut AppState, sources: Sources) {
    let settings = settings::read(sources);
    if settings.theme != state.settings.theme {
        state.theme = None;
    }
    // Who draws finds them, and looks again only when the theme is another.
    let theme_problems = std::mem::take(&mut state.settings.theme_problems);
    state.settings = Settings { theme_problems, ..settings };
}

/// Applies an answer.
pub(super) fn reply(state: &mut AppState, reply: Reply, env: &Env) -> Vec<Effect> {
    match reply {
        Reply::Project(project) => {
            state.project = project;
            Vec::new()
        }
        Reply::Bytes { purpose, result: Ok(payload) } => vec![purpose.effect(payload)],
        Reply::Bytes { result: Err(why), .. } => {
            toast(state, Level::Error, format!("The value cannot be read: {why}"), env);
            Vec::new()
        }
        Reply::Ignored { patterns, adds, result } => {
            ignore::changed(state, &patterns, adds, result, env);
            Vec::new()
        }
        Reply::Done(Ok(sentence)) => {
            if !sentence.is_empty() {
                toast(state, Level::Info, sentence, env);
            }
            Vec::new()
        }
        Reply::Done(Err(why)) | Reply::Edited { result: Err(why), .. } => {
            toast(state, Level::Error, why, env);
            Vec::new()
        }
        Reply::Edited { what: Edited::Input, result: Ok(text), .. } => {
            overlay::edited(state, &text);
            Vec::new()
        }
        Reply::Edited { what, before, result: Ok(text) } => gate::edited(state, what, &before, text, env),
        Reply::Planned { fork, text, result } => {
            fork::planned(state, fork, text, result, env);
            Vec::new()
        }
        Reply::Json { what, result: Ok(text) } => vec![Effect::EditText { what, text }],
        Reply::Json { result: Err(why), .. } => {
            toast(state, Level::Error, why, env);
            Vec::new()
        }
        Reply::Input { app, input } => {
            overlay::last_input(state, &app, input.as_deref());
            Vec::new()
        }
        Reply::Filtered { run, filter, result } => {
            filter::answered(state, &run, &filter, result, env);
            Vec::new()
        }
        Reply::Settings(sources) => {
            configure(state, sources);
            Vec::new()
        }
        Reply::Runs { generation, result } => runs(state, generation, result, env),
        Reply::History { generation, run, result } => {
            if state.opening.get(&run) != Some(&generation) {
                return Vec::new();
            }
            state.opening.remove(&run);
            match result {
                Ok(history) => opened(state, run, history),
                Err(why) => {
                    toast(state, Level::Error, format!("Run {} cannot be read: {why}", run.short()), env);
                    state.runs.visited.take_if(|visited| *visited == run);
                    state.unreadable.insert(run, why);
                }
            }
            Vec::new()
        }
        Reply::Events { generation, run, result } => {
            if state.tailing.get(&run) != Some(&generation) {
                return Vec::new();
            }
            state.tailing.remove(&run);
            tail(state, &run, result, env)
        }
        Reply::Marks { generation, result } => asof::marked(state, generation, result, env),
        Reply::AsOf { generation, result } => asof::came(state, generation, result, env),
        Reply::Value { digest, ask, result } => {
            values::answered(state, digest, &ask, result);
            Vec::new()
        }
        Reply::Tab { generation, result } => {
            let answer = state.next_generation();
            state.tabs.answered(generation, answer, result);
            Vec::new()
        }
        Reply::Compared { generation, result } => {
            compare::answered(state, generation, result);
            Vec::new()
        }
        Reply::Inside { generation, result } => {
            compare::inside(state, generation, result);
            Vec::new()
        }
        Reply::Found { generation, hits } => find::found(state, generation, hits, env),
        Reply::FindEnded { generation, result } => find::ended(state, generation, result, env),
        Reply::Indexing(at) => {
            find::indexing(state, at);
            Vec::new()
        }
        Reply::Indexed(result) => find::indexed(state, result, env),
        Reply::Started { what, result } => {
            started(state, &what, result, env);
            Vec::new()
        }
        Reply::Broken(why) => {
            // Every open question may be the one; asking again is cheap and waiting for ever is not.
            state.runs_asked = None;
            state.opening.clear();
            state.tailing.clear();
            state.tabs.broken();
            state.as_of = None;
            compare::broken(state);
            state.values.retain(|_, held| !held.asked);
            state.starting = 0;
            state.finder.updating = false;
            toast(state, Level::Error, format!("Something broke inside tl-bench: {why}"), env);
            Vec::new()
        }
        Reply::Stopped { run, result } => {
            if let Err(why) = result {
                state.runs.stopping.remove(&run);
                toast(state, Level::Error, format!("Run {} could not be stopped: {why}", run.short()), env);
            }
            Vec::new()
        }
    }
}

fn runs(
    state: &mut AppState,
    generation: u64,
    result: Result<Vec<crate::model::RunSummary>, String>,
    env: &Env,
) -> Vec<Effect> {
    if state.runs_asked != Some(generation) {
        return Vec::new();
    }
    state.runs_asked = None;
    match result {
        Ok(mut items) => {
            // The list may have been read before the last events that are known here; an end is final.
            for item in items.iter_mut().filter(|item| item.status == RunStatus::Running) {
                if let Some(open) = state.open.get(&item.id)
                    && open.history.status != RunStatus::Running
                {
                    *item = open.history.summary(item.pinned);
                }
            }
            let first = !state.runs.loaded;
            state.runs.replace(items);
            tabs::note_runs(state);
            if first {
                persist::select_run(state);
            }
        }
        Err(why) => {
            state.runs.loaded = true;
            toast(state, Level::Error, format!("The list of runs cannot be read: {why}"), env);
        }
    }
    let mut effects = Vec::new();
    // A run whose engine died has no last event; its list entry knows, its history must be read again.
    let dead: Vec<RunId> = state
        .runs
        .items
        .iter()
        .filter(|item| item.status != RunStatus::Running)
        .filter(|item| {
            state.open.get(&item.id).is_some_and(|open| open.history.status == RunStatus::Running)
                && !state.tailing.contains_key(&item.id)
        })
        .map(|item| item.id.clone())
        .collect();
    for run in dead {
        effects.extend(ask_history(state, run));
    }
    if std::mem::take(&mut state.runs_again) {
        effects.extend(ask_runs(state));
    }
    effects
}

/// Takes a whole history; where the user is in the run stays when it was open already.
fn opened(state: &mut AppState, run: RunId, history: Arc<RunHistory>) {
    match state.open.get_mut(&run) {
        Some(open) if open.history.last_seq > history.last_seq => {}
        Some(open) => {
            open.history = history;
            open.tree.sync_all(&open.history);
            open.reindex();
            open.filtered = None;
            open.tree.filter(None);
        }
        None => {
            let mut open = OpenRun::new(history);
            persist::in_run(state.saved.as_ref(), &mut open);
            if let Some((_, no)) = state.wanted_call.take_if(|(wanted, _)| *wanted == run) {
                open.follow = false;
                open.tree.reveal(no);
                open.selected = no;
            }
            state.open.insert(run.clone(), open);
        }
    }
    let Some(open) = state.open.get(&run) else { return };
    let ended = open.history.status != RunStatus::Running;
    state.runs.put(open.history.summary(state.runs.get(&run).is_some_and(|item| item.pinned)));
    if ended {
        state.runs.local.remove(&run);
        state.runs.stopping.remove(&run);
    }
}

fn tail(state: &mut AppState, run: &RunId, result: Result<Vec<Event>, String>, env: &Env) -> Vec<Effect> {
    let events = match result {
        Ok(events) => events,
        Err(why) => {
            toast(state, Level::Error, format!("Run {} cannot be read: {why}", run.short()), env);
            return Vec::new();
        }
    };
    let Some(open) = state.open.get_mut(run) else { return Vec::new() };
    let missing = open.apply(&events);
    let ended = open.history.status != RunStatus::Running;
    let summary = open.history.summary(state.runs.get(run).is_some_and(|item| item.pinned));
    state.runs.put(summary);
    if missing {
        return ask_history(state, run.clone());
    }
    if ended {
        finished(state, run, env);
    } else if events.len() >= EVENT_BATCH {
        return ask_events(state, run);
    }
    Vec::new()
}

fn started(state: &mut AppState, what: &Start, result: Result<RunId, String>, env: &Env) {
    state.starting = state.starting.saturating_sub(1);
    match result {
        Ok(run) => {
            // It said that it starts.
            state.toast = None;
            let asks = |fork: &Fork| fork.effects == ForkEffects::Ask;
            if matches!(what, Start::Step { .. }) || matches!(what, Start::Fork(fork) if asks(fork)) {
                gate::begun(state, &run);
            }
            if matches!(what, Start::Fork(_)) {
                super::acts::edited_run(state, &run);
            }
            if state.open.contains_key(&run) {
                select(state, &run);
            } else {
                state.expected.insert(run);
            }
        }
        Err(why) => {
            gate::not_begun(state, what);
            let what = match what {
                Start::Run { app, .. } => format!("{app} could not be started"),
                Start::Fork(fork) => format!("Run {} could not be forked", fork.run.short()),
                Start::Resample { .. } => "The call could not be sampled".to_owned(),
                Start::Replay { run, .. } | Start::Step { run, .. } => {
                    format!("Run {} could not be replayed", run.short())
                }
            };
            toast(state, Level::Error, format!("{what}: {why}"), env);
        }
    }
}
