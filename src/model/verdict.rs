//! What the code and files of now mean for a recorded run, as plain data: which of its calls a replay would serve,
//! which it would execute, why, and what that costs. Made by the engine, shown by everyone.

use serde::Serialize;

use crate::base::ids::{CallNo, RunId};
use crate::base::text;

/// How a recorded call would fare in a replay that asks for it again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It would be served.
    Holds,
    /// Its checkpoint holds, but its caller may ask something else: what came before it executes and may return
    /// something else. Equal arguments are served.
    After,
    /// It made a call that executes, so its body executes, too.
    Caller,
    /// What it depended on itself changed: its code, a file that it read, a package.
    Edited,
    /// It is not durable: it executes whatever was edited.
    Live,
    /// It has no outcome: it failed, is in doubt, or was not reached.
    Unfinished,
}

impl Fate {
    /// Whether it executes for sure when it is asked for.
    pub fn executes(self) -> bool {
        !matches!(self, Fate::Holds | Fate::After)
    }

    /// The word for it, as `--json` writes it.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Holds => "holds",
            Fate::After => "after",
            Fate::Caller => "caller",
            Fate::Edited => "edited",
            Fate::Live => "live",
            Fate::Unfinished => "unfinished",
        }
    }
}

/// The verdict of one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallVerdict {
    /// How it stands.
    pub fate: Fate,
    /// Whether an edit is the reason: without it the call would be served.
    pub by_edit: bool,
    /// For [`Fate::Caller`] and [`Fate::After`]: the call because of which.
    pub because: Option<CallNo>,
    /// In words, when there is more to say: `file prompt.txt changed`, `from run 3b3eadfa09e6`.
    pub reason: Option<String>,
    /// Whether another run's checkpoint serves it.
    pub elsewhere: bool,
}

/// What became of a part of a function's code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartChange {
    /// It reads otherwise.
    Changed,
    /// It was not reached before.
    Added,
    /// It is not reached any more.
    Removed,
}

/// A definition or statement that a function reaches and that changed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct ChangedPart {
    /// What became of it.
    pub change: PartChange,
    /// `clean`, `Cart.total`, or the names that a statement binds.
    pub name: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Its first line, from 1; of a removed part, where it was.
    pub line: usize,
    /// How the function reaches it: `summarise`, `prep`, `clean`.
    pub via: Vec<String>,
}

/// A function whose recorded calls of a run no longer hold by themselves.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ChangedFunction {
    /// Its name.
    pub function: String,
    /// Where it is defined now: file relative to the project, and line. `None`: nowhere that reading finds.
    pub place: Option<(String, usize)>,
    /// How many recorded calls of it that concerns.
    pub calls: u64,
    /// The parts of its code that changed; empty when its code did not, or when they are not known.
    pub parts: Vec<ChangedPart>,
    /// What else changed, each in words: `file prompt.txt changed`.
    pub reasons: Vec<String>,
}

/// What executing some calls would cost, from what they cost when they were recorded.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Cost {
    /// Calls below the application; maps and reduces do not count.
    pub calls: u64,
    /// Seconds of all their bodies, one after the other.
    pub seconds: f64,
    /// Seconds as they were concurrent when they were recorded: what one waits.
    pub critical_seconds: f64,
    /// Tokens.
    pub tokens: u64,
    /// Dollars, of calls whose price is known.
    pub known_usd: f64,
    /// Calls that used tokens whose price is not known.
    pub unpriced_calls: u64,
    /// Functions with `effect=True` among them, and how many calls.
    pub effects: Vec<(String, u64)>,
    /// Functions among them that do not say whether they act on the world.
    pub unlabelled: Vec<String>,
}

impl Cost {
    /// Dollars; `None` when some price is unknown.
    pub fn usd(&self) -> Option<f64> {
        (self.unpriced_calls == 0).then_some(self.known_usd)
    }

    /// `14 calls, 31.0 s, 12.1k tokens, $0.03`.
    pub fn words(&self) -> String {
        let mut out = text::count(self.calls, "call");
        if self.calls == 0 && self.seconds == 0.0 {
            return out;
        }
        out.push_str(&format!(", {}", text::duration((self.critical_seconds * 1e6) as i64)));
        if self.tokens > 0 {
            out.push_str(&format!(", {} tokens", text::short(self.tokens)));
            match self.usd() {
                Some(usd) => out.push_str(&format!(", {}", text::dollars(usd))),
                None => out.push_str(", price unknown"),
            }
        }
        out
    }

    /// Calls with side effects.
    pub fn effect_calls(&self) -> u64 {
        self.effects.iter().map(|(_, calls)| calls).sum()
    }
}

/// A file that does not parse. What it held before stands until it does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SourceProblem {
    /// Relative to the project.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// A run against the code and files of now.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The run.
    pub run: RunId,
    /// Of each call by number (`calls[no - 1]`); `None`: of an attempt that failed, no part of the outcome.
    pub calls: Vec<Option<CallVerdict>>,
    /// What changed since the run, by function.
    pub changed: Vec<ChangedFunction>,
    /// Files that do not parse.
    pub problems: Vec<SourceProblem>,
    /// What executes because of edits.
    pub rerun: Cost,
    /// That, and what may execute because of them, if what executes returns something else. New calls cannot be known.
    pub at_most: Cost,
    /// Functions with `effect=True` that a replay may execute: a call of theirs does not hold for sure, or code that
    /// executes and names them made no such call before, or is not the code that it was.
    pub effects: Vec<String>,
    /// Functions that do not say whether they act on the world and that a replay may execute, by the same rules.
    pub unlabelled: Vec<String>,
    /// What would execute without any edit: calls that are not durable or have no outcome, and their callers.
    pub anyway: Cost,
}

impl Verdict {
    /// Of one call.
    pub fn call(&self, no: CallNo) -> Option<&CallVerdict> {
        self.calls.get((no as usize).checked_sub(1)?)?.as_ref()
    }

    /// `2 functions changed: 14 calls, 31.0 s, 12.1k tokens to re-run`; `None`: nothing changed.
    pub fn headline(&self) -> Option<String> {
        if self.is_clean() {
            return None;
        }
        let what = match self.changed.len() as u64 {
            0 => "something changed".to_owned(),
            n => format!("{} changed", text::count(n, "function")),
        };
        if self.rerun.calls == 0 {
            let callers = if self.rerun.seconds > 0.0 { " but what calls them" } else { "" };
            return Some(format!("{what}: nothing to re-run{callers}"));
        }
        Some(format!("{what}: {} to re-run", self.rerun.words()))
    }

    /// Whether the application itself would be served from another run (an edit was undone): a replay executes
    /// nothing, and has that run's output instead of this one's.
    pub fn is_answered_elsewhere(&self) -> bool {
        self.call(1).is_some_and(|root| root.fate == Fate::Holds && root.elsewhere)
    }

    /// Whether edits cost nothing.
    pub fn is_clean(&self) -> bool {
        self.changed.is_empty() && !self.calls.iter().flatten().any(|call| call.by_edit)
    }
}
