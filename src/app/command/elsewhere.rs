//! Keys that mean nothing here but do somewhere else: where that is, how to get there, and what they do there.

use crate::app::keys::{Key, sequence_name};
use crate::app::state::{AppState, Pane, Screen};
use crate::base::text;

use super::{CommandId, PREFIXES, Scope, command};

/// Most places that are named; the help has all.
const MOST: usize = 3;

/// One sentence about keys that mean nothing here; `None` when they mean nothing anywhere.
pub fn elsewhere(state: &AppState, keys: &[Key]) -> Option<String> {
    let mut all = state.settings.keymap.anywhere(keys);
    // In the order of the help.
    all.sort_by_key(|(scope, _)| Scope::ALL.iter().position(|one| one == scope));
    let name = sequence_name(keys);
    let mut places: Vec<String> = Vec::new();
    for (scope, _) in &all {
        let place = place(state, *scope);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let does = match all.as_slice() {
        [] => return None,
        [(_, id)] => what(*id, &name).map(|does| format!(": {does}")).unwrap_or_default(),
        _ if places.len() > MOST => {
            let help = state.settings.keymap.name(CommandId::Help);
            let help = help.as_deref().unwrap_or("the help");
            let more = text::count(places.len().saturating_sub(MOST) as u64, "other place");
            places.truncate(MOST);
            return Some(format!("{name} works {} and in {more}; {help} shows all.", places.join(", ")));
        }
        _ => String::new(),
    };
    let last = places.pop()?;
    let places = if places.is_empty() { last } else { format!("{} and {last}", places.join(", ")) };
    Some(format!("{name} works {places}{does}."))
}

/// `in the list of runs (g r)`: where, and the key that leads there.
fn place(state: &AppState, scope: Scope) -> String {
    // A run that is stepped through, or shown as it was: its keys work in two panes of it.
    let within = match scope {
        Scope::Gate => state.gate().is_some(),
        Scope::TimeLine => state.time_line().is_some(),
        _ => false,
    };
    let scope = if within { Scope::Pane(Pane::Calls) } else { scope };
    let title = lower(scope.title());
    match leads_to(scope).and_then(|id| state.settings.keymap.name(id)) {
        Some(key) => format!("{title} ({key})"),
        None => title,
    }
}

/// What they do there: the command's sentence as far as it can stand for itself. Nobody has words for prefixes that the
/// user's own keys make.
fn what(id: Option<CommandId>, name: &str) -> Option<String> {
    let Some(command) = id.and_then(command) else {
        let prefix = PREFIXES.iter().find(|(prefix, _)| *prefix == name);
        return prefix.map(|(_, words)| lower(words));
    };
    let end = command.doc.find([':', ';', '.']).unwrap_or(command.doc.len());
    command.doc.get(..end).map(lower)
}

fn lower(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The command that leads to where a scope counts.
fn leads_to(scope: Scope) -> Option<CommandId> {
    Some(match scope {
        Scope::Global | Scope::Screen(Screen::Main) => return None,
        Scope::Gate => CommandId::Step,
        Scope::TimeLine => CommandId::AsOf,
        Scope::Pane(Pane::Runs) => CommandId::GoRuns,
        Scope::Pane(Pane::Calls) => CommandId::GoCalls,
        Scope::Pane(Pane::Inspector) => CommandId::GoInspector,
        Scope::Screen(Screen::Problems) => CommandId::GoProblems,
        Scope::Screen(Screen::Timeline) => CommandId::GoTimeline,
        Scope::Screen(Screen::Edits) => CommandId::GoEdits,
        Scope::Screen(Screen::Functions) => CommandId::GoFunctions,
        Scope::Screen(Screen::Search) => CommandId::GoSearch,
        Scope::Screen(Screen::Diff) => CommandId::GoDiff,
        Scope::Screen(Screen::Savings) => CommandId::GoSavings,
        Scope::Screen(Screen::Messages) => CommandId::GoMessages,
    })
}
