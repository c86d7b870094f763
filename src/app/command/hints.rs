//! The bottom line: the keys that matter for what is selected.

use crate::app::keymap::Found;
use crate::app::openrun::OpenRun;
use crate::app::state::{AppState, Pane, Screen};

use crate::model::gate::Moment;

use super::{COMMANDS, Command, CommandId, Scope, scopes};

/// A key in the bottom line.
#[derive(Clone, PartialEq, Debug)]
pub struct Hint {
    /// The key's name.
    pub key: String,
    /// What it does, in a word or two.
    pub word: &'static str,
    /// When space is short, the highest go first.
    pub rank: u8,
}

/// Most keys in the bottom line.
const MOST: usize = 8;
/// The same at the gate, where each key is an answer.
const MOST_AT_GATE: usize = 11;

/// The keys that matter now, always in the order of the table, so that each stays in its place.
pub fn hints(state: &AppState) -> Vec<Hint> {
    let scopes = scopes(state);
    // What waits at the gate comes first.
    let gate = |command: &&Command| matches!(command.scope, Scope::Gate | Scope::TimeLine);
    let mut out: Vec<Hint> = COMMANDS
        .iter()
        .filter(gate)
        .chain(COMMANDS.iter().filter(|command| !gate(command)))
        .filter(|command| {
            scopes.contains(&command.scope)
                && relevant(command.id, state)
                && (command.enabled)(state).is_ok()
                && reached(command, state)
        })
        .filter_map(|command| hint(command, state))
        .collect();
    let most = if state.gate().is_some() { MOST_AT_GATE } else { MOST };
    while out.len() > most {
        let worst = out.iter().enumerate().max_by_key(|(i, hint)| (hint.rank, *i)).map(|(i, _)| i);
        out.remove(worst.unwrap_or(0));
    }
    out
}

/// Whether its key means it here: a narrower command may have the same one.
fn reached(command: &Command, state: &AppState) -> bool {
    let Some(keys) = state.settings.keymap.keys(command.id).next() else { return true };
    match state.settings.keymap.find(keys, &scopes(state)) {
        Found::Command(id) if id != command.id => {
            super::command(id).is_some_and(|other| (other.enabled)(state).is_err())
        }
        _ => true,
    }
}

/// What can be spared in the bottom line.
fn rank(id: CommandId, gate: bool, screen: Screen) -> u8 {
    match id {
        // What is compared is at hand already.
        CommandId::Run | CommandId::Replay | CommandId::Step if screen == Screen::Diff => 7,
        CommandId::GateGo | CommandId::GateInto | CommandId::GateOver | CommandId::GateBack => 0,
        CommandId::GateAnswer | CommandId::GateContinue | CommandId::GatePause => 1,
        CommandId::GateArguments | CommandId::GateRetry | CommandId::GateFail | CommandId::GateKeep => 2,
        CommandId::AsOfPrev | CommandId::AsOfNext | CommandId::AsOfLeave => 0,
        CommandId::AsOfNextFailed | CommandId::AsOfNextEnded => 1,
        CommandId::AsOfBack | CommandId::AsOfForward => 3,
        CommandId::GateOut => 3,
        CommandId::GateExecute => 4,
        CommandId::GateExpression | CommandId::GateFrames => 7,
        CommandId::Step => 3,
        // The gate's own keys are needed more.
        CommandId::Quit | CommandId::Stop | CommandId::Run if gate => 8,
        CommandId::Help | CommandId::Quit | CommandId::Stop => 0,
        CommandId::Replay | CommandId::NextFailed => 1,
        CommandId::Run | CommandId::NextTab | CommandId::GoThere => 2,
        CommandId::Open | CommandId::Palette => 3,
        CommandId::Follow | CommandId::Filter | CommandId::Search | CommandId::Undo => 4,
        CommandId::FindOpen | CommandId::FindEdit | CommandId::FindField | CommandId::FindHere => 2,
        CommandId::TimelineOpen | CommandId::CellOpen | CommandId::SortTable | CommandId::CriticalNext => 2,
        CommandId::DiffOpen | CommandId::DiffNext | CommandId::DiffPane | CommandId::DiffIgnore => 1,
        CommandId::DiffCauses | CommandId::DiffSides | CommandId::DiffKeep => 2,
        CommandId::DiffAll => 3,
        CommandId::MessagesPage | CommandId::MessageCopy => 1,
        CommandId::DiffFirst => 4,
        CommandId::ZoomIn | CommandId::ZoomOut | CommandId::ZoomAll => 3,
        CommandId::ToggleFold => 5,
        _ => 6,
    }
}

/// Whether a usable command deserves a place in the bottom line.
fn relevant(id: CommandId, state: &AppState) -> bool {
    match id {
        CommandId::ToggleFold => {
            let folded = |open: &OpenRun| open.tree.folded(open.selected);
            let operation = |open: &OpenRun| open.call().is_some_and(|call| !call.is_call());
            state.current().is_some_and(|open| folded(open) || operation(open))
        }
        // Enter means something else at the gate, and the pane changes with Tab; a screen's own command has the key.
        CommandId::Open => match state.screen {
            Screen::Timeline | Screen::Functions | Screen::Search | Screen::Diff | Screen::Messages => false,
            _ => state.gate().is_none() || state.focus == Pane::Runs,
        },
        CommandId::MessagesPage | CommandId::MessageCopy => !state.messages.is_empty(),
        // It is about a line of the text.
        CommandId::DiffIgnore => state.compare.reads,
        CommandId::Follow => {
            state.current_runs() && state.gate().is_none() && state.current().is_some_and(|open| !open.follow)
        }
        _ => true,
    }
}

fn hint(command: &Command, state: &AppState) -> Option<Hint> {
    let key = state.settings.keymap.name(command.id)?;
    let word = match (command.id, state.focus) {
        (CommandId::GateGo, _) => state.asked().map_or("go on", crate::app::gate::go_word),
        (CommandId::GateAnswer, _) if state.asked().is_some_and(|ask| ask.moment == Moment::After) => "edit",
        (CommandId::DiffPane, _) if state.compare.reads => "tree",
        (CommandId::Open, _) if state.screen != Screen::Main => "back",
        (CommandId::Open, Pane::Runs) => "calls",
        (CommandId::Open, Pane::Inspector) if state.zoom => "all panes",
        (CommandId::Open, Pane::Inspector) => "one pane",
        (CommandId::ToggleFold, _) if state.current().is_some_and(|open| open.tree.folded(open.selected)) => {
            "unfold"
        }
        (CommandId::Stop, _)
            if state.runs.selected.as_ref().is_some_and(|run| state.runs.stopping.contains(run)) =>
        {
            "stop now"
        }
        _ => command.hint,
    };
    (!word.is_empty()).then_some(Hint {
        key,
        word,
        rank: rank(command.id, state.gate().is_some(), state.screen),
    })
}

/// The keys of the bar of edits: what can be done about them.
pub fn bar_hints(state: &AppState) -> Vec<Hint> {
    [(CommandId::Replay, "replay"), (CommandId::GoEdits, "list")]
        .into_iter()
        .filter(|(id, _)| super::command(*id).is_some_and(|command| (command.enabled)(state).is_ok()))
        .filter_map(|(id, word)| {
            let key = state.settings.keymap.name(id)?;
            Some(Hint { key, word, rank: 0 })
        })
        .collect()
}
