//! Every command in one table: what it is called, what it does, its keys, where it works, and when not, why.
//!
//! The keymap ([`lookup`]), the help, and the bottom line ([`hints`]) derive from [`COMMANDS`]; nothing else knows
//! a key. Adding a command is a row here and an arm in `update/commands.rs`.

use crate::model::{RunStatus, RunSummary};

use super::keys::Key;
use super::state::{AppState, Pane};

/// Names of the commands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // Each is described by its row in the table.
pub enum CommandId {
    Open,
    Run,
    Replay,
    Stop,
    NextFailed,
    PrevFailed,
    Follow,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Fold,
    Unfold,
    ToggleFold,
    NextTab,
    PrevTab,
    CycleTab,
    NextPane,
    PrevPane,
    Back,
    Help,
    Repaint,
    Suspend,
    Quit,
}

/// Where a command works.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// In one pane.
    Pane(Pane),
}

impl Scope {
    /// The heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Scope::Global => "Everywhere",
            Scope::Pane(Pane::Runs) => "In the list of runs",
            Scope::Pane(Pane::Calls) => "In the tree of calls",
            Scope::Pane(Pane::Inspector) => "In the inspector",
        }
    }

    /// All headings in order.
    pub const ALL: [Scope; 3] = [Scope::Global, Scope::Pane(Pane::Calls), Scope::Pane(Pane::Inspector)];
}

/// One command.
pub struct Command {
    /// Which.
    pub id: CommandId,
    /// Its name in key files.
    pub name: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
    /// Its keys; the first is shown.
    pub keys: &'static [&'static str],
    /// Where it works.
    pub scope: Scope,
    /// The word for it in the bottom line; `None`: never there.
    pub hint: Option<&'static str>,
    /// Why it cannot be used now.
    pub enabled: fn(&AppState) -> Result<(), &'static str>,
}

fn always(_: &AppState) -> Result<(), &'static str> {
    Ok(())
}

fn selected(state: &AppState) -> Result<&RunSummary, &'static str> {
    state.runs.current().ok_or("No run is selected.")
}

fn can_run(state: &AppState) -> Result<(), &'static str> {
    if state.project.applications.is_empty() { Err("This project has no application.") } else { Ok(()) }
}

fn can_replay(state: &AppState) -> Result<(), &'static str> {
    match selected(state)?.status {
        RunStatus::Running => Err("The run is still going; it can be replayed when it has ended."),
        _ => Ok(()),
    }
}

fn can_stop(state: &AppState) -> Result<(), &'static str> {
    match selected(state)?.status {
        RunStatus::Running => Ok(()),
        _ => Err("The run has ended."),
    }
}

fn has_failed(state: &AppState) -> Result<(), &'static str> {
    let open = state.current().ok_or("No run is open.")?;
    // Asked for every frame, so it must not walk the tree.
    let counts = &open.history.counts;
    let root = open.history.call(1).is_some_and(|call| call.error.is_some());
    if counts.failed + counts.in_doubt > 0 || root { Ok(()) } else { Err("Nothing failed in this run.") }
}

fn has_calls(state: &AppState) -> Result<(), &'static str> {
    match state.current() {
        Some(open) if !open.tree.rows().is_empty() => Ok(()),
        _ => Err("No run is open."),
    }
}

fn can_fold(state: &AppState) -> Result<(), &'static str> {
    match state.current() {
        Some(open) if open.tree.foldable(open.selected) => Ok(()),
        Some(_) => Err("Nothing lies below this call."),
        None => Err("No run is open."),
    }
}

fn can_open(state: &AppState) -> Result<(), &'static str> {
    match state.focus {
        Pane::Runs => selected(state).map(|_| ()),
        Pane::Inspector if state.size.0 < super::layout::THREE => {
            Err("The window has room for one pane only.")
        }
        Pane::Calls | Pane::Inspector => has_calls(state),
    }
}

const CALLS: Scope = Scope::Pane(Pane::Calls);
const INSPECTOR: Scope = Scope::Pane(Pane::Inspector);

macro_rules! commands {
    ($($id:ident $name:literal $scope:expr, $keys:expr, $hint:expr, $enabled:expr, $doc:literal;)*) => {
        /// Every command, in the order of the help and of the bottom line.
        pub const COMMANDS: &[Command] = &[$(Command {
            id: CommandId::$id, name: $name, doc: $doc, keys: &$keys, scope: $scope, hint: $hint, enabled: $enabled,
        }),*];
    };
}

commands! {
    Open "open" Scope::Global, ["enter"], Some("inspect"), can_open,
        "Go from the run to its calls, from the call to its inspector, and there to one pane and back.";
    Run "run" Scope::Global, ["r"], Some("run"), can_run,
        "Start a new run of an application; nothing is reused.";
    Replay "replay" Scope::Global, ["R"], Some("replay"), can_replay,
        "Replay the selected run: what still holds is served, what failed or changed is executed.";
    Stop "stop" Scope::Global, ["x"], Some("stop"), can_stop,
        "Stop the selected run; pressed again, without waiting for what executes.";
    NextFailed "next-failed" Scope::Global, ["n"], Some("failures"), has_failed,
        "Select the next failed call, also inside folded rows.";
    PrevFailed "previous-failed" Scope::Global, ["N", "p"], None, has_failed,
        "Select the previous failed call.";
    Follow "follow" Scope::Global, ["f"], Some("follow"), has_calls,
        "Let the selection go along with what starts; moving the selection ends it.";
    ToggleFold "toggle-fold" CALLS, ["space"], Some("fold"), can_fold,
        "Fold or unfold what lies below the call.";
    Fold "fold" CALLS, ["left", "h"], None, has_calls,
        "Fold the call, or go to the call above it.";
    Unfold "unfold" CALLS, ["right", "l"], None, has_calls,
        "Unfold the call, or go to the first call below it.";
    PrevTab "previous-tab" INSPECTOR, ["left", "h"], None, has_calls,
        "Show the tab to the left.";
    NextTab "next-tab" INSPECTOR, ["right", "l"], Some("tab"), has_calls,
        "Show the tab to the right.";
    CycleTab "cycle-tab" Scope::Global, ["t"], None, has_calls,
        "Show the inspector's next tab: output, input, logs, error.";
    Up "up" Scope::Global, ["up", "k"], None, always, "Go up.";
    Down "down" Scope::Global, ["down", "j"], None, always, "Go down.";
    PageUp "page-up" Scope::Global, ["pgup", "ctrl-b", "ctrl-u"], None, always, "Go up a page.";
    PageDown "page-down" Scope::Global, ["pgdn", "ctrl-f", "ctrl-d"], None, always, "Go down a page.";
    Top "top" Scope::Global, ["home", "g"], None, always, "Go to the first row.";
    Bottom "bottom" Scope::Global, ["end", "G"], None, always, "Go to the last row.";
    NextPane "next-pane" Scope::Global, ["tab"], Some("pane"), always,
        "Go to the next pane: runs, calls, inspector.";
    PrevPane "previous-pane" Scope::Global, ["shift-tab"], None, always, "Go to the previous pane.";
    Back "back" Scope::Global, ["esc", "backspace"], None, always,
        "Go back: from one pane to all, from the inspector to the calls, from there to the runs.";
    Help "help" Scope::Global, ["?"], Some("help"), always, "Show what every key does.";
    Repaint "repaint" Scope::Global, ["ctrl-l"], None, always, "Draw the screen anew.";
    Suspend "suspend" Scope::Global, ["ctrl-z"], None, always,
        "Go back to the shell; `fg` returns. Runs go on meanwhile only as far as the shell lets them.";
    Quit "quit" Scope::Global, ["q", "ctrl-c"], Some("quit"), always,
        "Leave. Runs of this workbench are stopped; it asks first.";
}

/// The command with this id.
pub fn command(id: CommandId) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.id == id)
}

/// The command that a key means in a pane; the pane's own commands come first.
pub fn lookup(key: Key, focus: Pane) -> Option<&'static Command> {
    let bound = |command: &&Command| command.keys.iter().any(|name| Key::parse(name) == Some(key));
    let here = |scope: Scope| COMMANDS.iter().filter(move |command| command.scope == scope);
    here(Scope::Pane(focus)).find(bound).or_else(|| here(Scope::Global).find(bound))
}

/// A command's keys for people: `Left h`.
pub fn key_names(command: &Command) -> String {
    let names: Vec<String> = command.keys.iter().filter_map(|key| Key::parse(key)).map(Key::name).collect();
    names.join(" ")
}

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

/// The keys that matter now, always in the order of the table, so that each stays in its place. At most eight.
pub fn hints(state: &AppState) -> Vec<Hint> {
    let mut out: Vec<Hint> = COMMANDS
        .iter()
        .filter(|command| {
            (command.scope == Scope::Global || command.scope == Scope::Pane(state.focus))
                && (command.enabled)(state).is_ok()
                && relevant(command.id, state)
        })
        .filter_map(|command| hint(command, state))
        .collect();
    while out.len() > 8 {
        let worst = out.iter().enumerate().max_by_key(|(i, hint)| (hint.rank, *i)).map(|(i, _)| i);
        out.remove(worst.unwrap_or(0));
    }
    out
}

/// What can be spared in the bottom line.
fn rank(id: CommandId) -> u8 {
    match id {
        CommandId::Help | CommandId::Quit | CommandId::Stop => 0,
        CommandId::Replay | CommandId::NextFailed => 1,
        CommandId::Run => 2,
        CommandId::Open | CommandId::Follow => 3,
        CommandId::NextTab | CommandId::ToggleFold => 4,
        _ => 5,
    }
}

/// Whether a usable command deserves a place in the bottom line.
fn relevant(id: CommandId, state: &AppState) -> bool {
    match id {
        CommandId::ToggleFold => {
            let folded = |open: &super::state::OpenRun| open.tree.folded(open.selected);
            let operation = |open: &super::state::OpenRun| open.call().is_some_and(|call| !call.is_call());
            state.current().is_some_and(|open| folded(open) || operation(open))
        }
        CommandId::Follow => state.current_runs() && state.current().is_some_and(|open| !open.follow),
        _ => true,
    }
}

fn hint(command: &Command, state: &AppState) -> Option<Hint> {
    let key = Key::parse(command.keys.first()?)?.name();
    let word = match (command.id, state.focus) {
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
        _ => command.hint?,
    };
    Some(Hint { key, word, rank: rank(command.id) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_command_is_described_and_reachable() {
        let mut names = HashSet::new();
        for command in COMMANDS {
            assert!(names.insert(command.name), "{} twice", command.name);
            assert!(command.doc.ends_with('.'), "{}", command.name);
            assert!(!command.keys.is_empty(), "{}", command.name);
            assert!(Scope::ALL.contains(&command.scope), "{} is missing in the help", command.name);
        }
    }

    #[test]
    fn keys_are_valid_and_mean_one_thing_in_a_pane() {
        let mut seen = HashSet::new();
        for command in COMMANDS {
            for key in command.keys {
                assert!(seen.insert((command.scope, key)), "{key} twice in {:?}", command.scope);
                // Keys that need AltGr on common layouts are no defaults.
                assert!(!"[]{}\\@~|".contains(key), "{key}");
            }
        }
    }

    #[test]
    fn the_pane_comes_first() {
        let left = Key::parse("left").unwrap();
        assert_eq!(lookup(left, Pane::Calls).map(|c| c.id), Some(CommandId::Fold));
        assert_eq!(lookup(left, Pane::Inspector).map(|c| c.id), Some(CommandId::PrevTab));
        assert_eq!(lookup(left, Pane::Runs).map(|c| c.id), None);
    }
}
