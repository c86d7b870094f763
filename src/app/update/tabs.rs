//! Tabs of the inspector that are loaded: what must be asked for, and where their lines lead.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::app::inspect;
use crate::app::layout;
use crate::app::msg::{Effect, Env};
use crate::app::state::AppState;
use crate::app::tab::Target;
use crate::base::ids::{CallNo, RunId};
use crate::model::Level;

use super::{screens, toast};

/// Asks for the tab that is shown when it is not here, or was made of what is no more.
pub(super) fn wanted(state: &mut AppState) -> Option<Effect> {
    // Whoever does not see it needs no answer yet.
    layout::layout(state).inspector?;
    let (key, stamp) = inspect::shown_tab(state)?;
    let generation = state.next_generation();
    let asks = state.tabs.ask(&key, stamp, generation);
    asks.then(|| Effect::LoadTab { key: Box::new(key), generation })
}

/// Puts the sides of a diff beside each other, or below.
pub(super) fn side_by_side(state: &mut AppState) {
    let width = layout::layout(state).inspector.map_or(0, |area| layout::inspector_text(area).w);
    state.side_by_side = Some(!inspect::splits(state, width));
}

/// Notes which runs there are: what lists them is made anew when one came, ended or went.
pub(super) fn note_runs(state: &mut AppState) {
    let mut hasher = DefaultHasher::new();
    for run in &state.runs.items {
        (run.id.as_str(), run.status.word()).hash(&mut hasher);
    }
    state.tabs.runs = hasher.finish();
}

/// Goes to what the selected line stands for.
pub(super) fn go(state: &mut AppState, env: &Env) -> Vec<Effect> {
    match state.doc.target(state.doc_at).cloned() {
        Some(Target::Source { file, line }) => vec![Effect::Edit { file, line }],
        Some(Target::Call { run, no }) => call(state, &run, no, env),
        Some(Target::Value { .. } | Target::Ignored { .. }) | None => Vec::new(),
    }
}

/// Selects a call of a run, which may have to be read first.
pub(super) fn call(state: &mut AppState, run: &RunId, no: CallNo, env: &Env) -> Vec<Effect> {
    if state.runs.get(run).is_none() {
        if state.runs.deleted.contains(run) {
            toast(state, Level::Info, format!("Run {} is deleted.", run.short()), env);
            return Vec::new();
        }
        // Older than the list goes: it is listed when it is read.
        state.runs.visited = Some(run.clone());
    }
    if screens::unhide(state, run, no) {
        toast(state, Level::Info, "The filter is taken away: it hides where this leads.", env);
    }
    state.runs.selected = Some(run.clone());
    if !state.open.contains_key(run) {
        state.wanted_call = Some((run.clone(), no));
    }
    screens::go_to(state, no);
    Vec::new()
}
