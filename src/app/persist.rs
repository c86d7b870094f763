//! What of the workbench outlives it: where the user was in the project's runs, and how the panes were.
//!
//! Kept as one small JSON text. A text that cannot be read is as good as none: nothing but comfort is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::ids::{CallNo, RunId};

use super::layout::Shares;
use super::openrun::OpenRun;
use super::state::{AppState, Pane, Tab};

/// How many runs' folds and selections are kept.
const RUNS: usize = 20;
/// How many folds of a run are kept.
const FOLDS: usize = 2_000;

/// Where the user was in a run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InRun {
    /// The selected call.
    pub selected: CallNo,
    /// Folds made by hand.
    pub folds: BTreeMap<CallNo, bool>,
}

/// Everything that is kept.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// The focused pane.
    pub focus: Pane,
    /// The inspector's tab.
    pub tab: Tab,
    /// How the panes share the room.
    pub shares: Shares,
    /// The theme that was chosen.
    pub theme: Option<String>,
    /// Whether the mouse is used.
    pub mouse: Option<bool>,
    /// The newest run when this was written.
    pub newest: Option<String>,
    /// The selected run.
    pub run: Option<String>,
    /// Where the user was in runs, by their ids.
    pub runs: BTreeMap<String, InRun>,
}

/// What is kept of a state.
pub fn save(state: &AppState) -> String {
    let id = |run: &RunId| run.as_str().to_owned();
    let mut runs = state.saved.as_ref().map(|saved| saved.runs.clone()).unwrap_or_default();
    for (run, open) in &state.open {
        let folds = open.tree.folds().take(FOLDS).collect();
        runs.insert(id(run), InRun { selected: open.selected, folds });
    }
    // Runs that are listed no more are gone, and the oldest of the others are the first to go.
    let listed: Vec<String> = state.runs.items.iter().map(|run| id(&run.id)).collect();
    let kept: Vec<&String> = listed.iter().filter(|run| runs.contains_key(*run)).take(RUNS).collect();
    let runs = runs
        .iter()
        .filter(|(run, _)| kept.contains(run))
        .map(|(run, at)| (run.clone(), at.clone()))
        .collect();
    let saved = Saved {
        focus: state.focus,
        tab: state.tab,
        shares: state.shares,
        theme: state.theme.clone(),
        mouse: state.mouse,
        newest: listed.first().cloned(),
        run: state.runs.selected.as_ref().map(id),
        runs,
    };
    serde_json::to_string(&saved).unwrap_or_default()
}

/// Takes up what was kept, as far as it does not depend on the runs.
pub fn restore(state: &mut AppState, text: &str) {
    let Ok(saved) = serde_json::from_str::<Saved>(text) else { return };
    state.focus = saved.focus;
    state.tab = saved.tab;
    state.shares = saved.shares;
    state.theme = saved.theme.clone();
    state.mouse = saved.mouse;
    state.saved = Some(saved);
}

/// Selects the run that was selected, unless there is a newer one, which matters more.
pub fn select_run(state: &mut AppState) {
    let Some(saved) = &state.saved else { return };
    let newest = state.runs.items.first().map(|run| run.id.as_str());
    if newest.is_none() || saved.newest.as_deref() != newest {
        return;
    }
    let item = state.runs.items.iter().find(|run| Some(run.id.as_str()) == saved.run.as_deref());
    if let Some(run) = item.map(|run| run.id.clone()) {
        state.runs.selected = Some(run);
    }
}

/// Goes where the user was in a run that was just opened.
pub fn in_run(saved: Option<&Saved>, open: &mut OpenRun) {
    let Some(at) = saved.and_then(|saved| saved.runs.get(open.history.id.as_str())) else { return };
    for (no, folded) in &at.folds {
        open.tree.set_fold(*no, *folded);
    }
    if open.history.call(at.selected).is_some() && !open.follow {
        open.selected = open.tree.visible(at.selected);
    }
    open.tree.rebuild();
}
