//! Every command in one table: what it is called, what it does, its keys, where it works, and when not, why.
//!
//! The keymap, the help, the palette, the which-key box, the bottom line and `docs/keys.md` derive from
//! [`COMMANDS`]; nothing else knows a key. Adding a command is a row in `table.rs` and an arm in
//! `update/commands.rs`.

mod elsewhere;
mod enabled;
mod hints;
mod table;

pub use elsewhere::elsewhere;
pub use hints::{Hint, bar_hints, hints};
pub use table::{COMMANDS, CommandId, PREFIXES};

use super::state::{AppState, Pane, Screen};

/// Where a command works.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// While the run that is shown is stepped through, in the calls and the inspector.
    Gate,
    /// While a run is shown as it was, in the calls and the inspector.
    TimeLine,
    /// In one pane.
    Pane(Pane),
    /// On one of the other screens.
    Screen(Screen),
}

impl Scope {
    /// The heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Scope::Global => "Everywhere",
            Scope::Gate => "While a run is stepped through",
            Scope::TimeLine => "While a run is shown as it was",
            Scope::Pane(Pane::Runs) => "In the list of runs",
            Scope::Pane(Pane::Calls) => "In the tree of calls",
            Scope::Pane(Pane::Inspector) => "In the inspector",
            Scope::Screen(Screen::Main) => "Among runs, calls and the inspector",
            Scope::Screen(Screen::Problems) => "In the list of problems",
            Scope::Screen(Screen::Timeline) => "In the timeline",
            Scope::Screen(Screen::Edits) => "In the list of edits",
            Scope::Screen(Screen::Search) => "In what was found in all runs",
            Scope::Screen(Screen::Functions) => "In the table of functions",
            Scope::Screen(Screen::Diff) => "Where two runs are compared",
            Scope::Screen(Screen::Savings) => "In the table of savings",
            Scope::Screen(Screen::Messages) => "In the list of messages",
        }
    }

    /// All headings in order.
    pub const ALL: [Scope; 13] = [
        Scope::Global,
        Scope::Pane(Pane::Runs),
        Scope::Pane(Pane::Calls),
        Scope::Pane(Pane::Inspector),
        Scope::Screen(Screen::Problems),
        Scope::Screen(Screen::Timeline),
        Scope::Screen(Screen::Edits),
        Scope::Gate,
        Scope::TimeLine,
        Scope::Screen(Screen::Functions),
        Scope::Screen(Screen::Search),
        Scope::Screen(Screen::Diff),
        Scope::Screen(Screen::Messages),
    ];
}

/// One command.
pub struct Command {
    /// Which.
    pub id: CommandId,
    /// Its name in key files.
    pub name: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
    /// Its keys when nobody says otherwise; the first is shown. Several keys after one another: `g g`.
    pub keys: &'static [&'static str],
    /// Where it works.
    pub scope: Scope,
    /// The word for it in the bottom line and the which-key box; empty: never in the bottom line.
    pub hint: &'static str,
    /// Why it cannot be used now.
    pub enabled: fn(&AppState) -> Result<(), &'static str>,
}

/// The command with this id.
pub fn command(id: CommandId) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.id == id)
}

/// The command with this name.
pub fn named(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// The scopes whose keys count now, the narrowest first.
pub fn scopes(state: &AppState) -> Vec<Scope> {
    let here = match state.screen {
        Screen::Main => Scope::Pane(state.focus),
        other => Scope::Screen(other),
    };
    match here {
        Scope::Pane(Pane::Calls | Pane::Inspector) if state.time_line().is_some() => {
            vec![Scope::TimeLine, here, Scope::Global]
        }
        _ if state.gate().is_none() => vec![here, Scope::Global],
        Scope::Pane(Pane::Calls) => vec![Scope::Gate, here, Scope::Global],
        // Whoever reads a value moves in it first.
        Scope::Pane(Pane::Inspector) => vec![here, Scope::Gate, Scope::Global],
        _ => vec![here, Scope::Global],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::keys;
    use std::collections::HashSet;

    #[test]
    fn every_command_is_described_and_reachable() {
        let mut names = HashSet::new();
        for command in COMMANDS {
            assert!(names.insert(command.name), "{} twice", command.name);
            assert!(command.doc.ends_with('.'), "{}", command.name);
            assert!(Scope::ALL.contains(&command.scope), "{} is missing in the help", command.name);
        }
    }

    #[test]
    fn keys_are_valid_and_mean_one_thing_in_a_pane() {
        let mut seen = HashSet::new();
        for command in COMMANDS {
            for key in command.keys {
                assert!(keys::sequence(key).is_some(), "{key}");
                assert!(seen.insert((command.scope, key)), "{key} twice in {:?}", command.scope);
                // Keys that need AltGr on common layouts are no defaults.
                assert!(!key.contains(|c| "[]{}\\@~|".contains(c)), "{key}");
            }
        }
    }

    #[test]
    fn every_prefix_has_a_name() {
        for command in COMMANDS {
            for key in command.keys.iter().filter(|key| key.contains(' ')) {
                let first = key.split(' ').next().unwrap_or_default();
                assert!(PREFIXES.iter().any(|(prefix, _)| *prefix == first), "{first}");
            }
        }
    }
}
