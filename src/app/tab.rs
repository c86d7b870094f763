//! The inspector's tabs, and what those show that are loaded: rows with meanings, made by whoever reads the store.
//!
//! Output, Input, Logs and Attempts are made of the run's history, which is here. Source, Why, Diff, History and Variance need
//! the store and the files on disk: they are asked for when they come into view and arrive as a [`TabView`].

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::ids::{CallNo, RunId};
use crate::model::CallStatus;

use super::tone::{Line, Tone};

/// How many loaded tabs are kept.
const KEPT: usize = 32;

/// The inspector's views of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tab {
    /// What it returned.
    #[default]
    Output,
    /// What it was asked.
    Input,
    /// What differs from the run that is replayed.
    Diff,
    /// What it wrote.
    Logs,
    /// Its source, and what changed in it since.
    Source,
    /// Why it executed or was served, and what the platform would do.
    Why,
    /// What answered the same question, and what stood in its place, in all runs.
    History,
    /// How much the answers to its question differ, over runs and samples.
    Variance,
    /// Each attempt, and why it failed.
    #[serde(alias = "error")]
    Attempts,
}

impl Tab {
    /// Every tab in order.
    pub const ALL: [Tab; 9] = [
        Tab::Output,
        Tab::Input,
        Tab::Diff,
        Tab::Logs,
        Tab::Source,
        Tab::Why,
        Tab::History,
        Tab::Variance,
        Tab::Attempts,
    ];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Tab::Output => "Output",
            Tab::Input => "Input",
            Tab::Diff => "Diff",
            Tab::Logs => "Logs",
            Tab::Source => "Source",
            Tab::Why => "Why",
            Tab::History => "History",
            Tab::Variance => "Variance",
            Tab::Attempts => "Attempts",
        }
    }

    /// Whether it is asked for when it comes into view.
    pub fn is_loaded(self) -> bool {
        matches!(self, Tab::Diff | Tab::Source | Tab::Why | Tab::History | Tab::Variance)
    }

    /// What a sentence calls it.
    pub fn words(self) -> &'static str {
        match self {
            Tab::Output => "The output",
            Tab::Input => "The input",
            Tab::Diff => "The difference",
            Tab::Logs => "The log",
            Tab::Source => "The source",
            Tab::Why => "The explanation",
            Tab::History => "The history",
            Tab::Variance => "How the answers vary",
            Tab::Attempts => "The error",
        }
    }
}

/// What a line stands for, so that one key leads there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A place in a file.
    Source {
        /// Absolute path.
        file: String,
        /// 1-based line.
        line: u32,
    },
    /// A call of a run.
    Call {
        /// The run.
        run: RunId,
        /// Its number there.
        no: CallNo,
    },
    /// Places that are ignored, by their pattern.
    Ignored {
        /// `*.id`.
        pattern: String,
    },
    /// A place inside a value, as its path is written.
    Value {
        /// `messages[3].content`.
        path: String,
    },
}

/// How a line of source stands to what was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// In both.
    Same,
    /// Only in what was recorded.
    Removed,
    /// Only in what is there now.
    Added,
}

/// A row, unsanitised and of any length.
#[derive(Clone, PartialEq, Debug)]
pub enum TabRow {
    /// Words.
    Text {
        /// By how many columns it is set in.
        indent: u16,
        /// What they mean.
        tone: Tone,
        /// The words.
        text: String,
        /// What they stand for.
        target: Option<Target>,
    },
    /// Words of several meanings.
    Pieces {
        /// By how many columns it is set in.
        indent: u16,
        /// The words.
        pieces: Line,
        /// What they stand for.
        target: Option<Target>,
    },
    /// A line of source or of a diff.
    Code {
        /// How it stands.
        change: Change,
        /// Its number before.
        old: Option<u32>,
        /// Its number now.
        new: Option<u32>,
        /// The line in coloured pieces.
        pieces: Line,
        /// What it stands for.
        target: Option<Target>,
    },
    /// Nothing.
    Blank,
}

impl TabRow {
    /// Words that stand for nothing.
    pub fn text(indent: u16, tone: Tone, text: impl Into<String>) -> TabRow {
        TabRow::Text { indent, tone, text: text.into(), target: None }
    }
}

/// What a loaded tab shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TabView {
    /// The rows.
    pub rows: Vec<TabRow>,
}

impl TabView {
    /// As plain text, for the clipboard, the pager and files.
    pub fn plain(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            match row {
                TabRow::Text { indent, text, .. } => {
                    out.push_str(&" ".repeat(usize::from(*indent)));
                    out.push_str(text);
                }
                TabRow::Pieces { indent, pieces, .. } => {
                    out.push_str(&" ".repeat(usize::from(*indent)));
                    pieces.iter().for_each(|(_, piece)| out.push_str(piece));
                }
                TabRow::Code { change, pieces, .. } => {
                    out.push(match change {
                        Change::Same => ' ',
                        Change::Removed => '-',
                        Change::Added => '+',
                    });
                    pieces.iter().for_each(|(_, piece)| out.push_str(piece));
                }
                TabRow::Blank => {}
            }
            out.push('\n');
        }
        out
    }
}

/// Which tab of which call.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TabKey {
    /// The run.
    pub run: RunId,
    /// The call.
    pub no: CallNo,
    /// The tab.
    pub tab: Tab,
}

/// What a loaded tab was made of; when that changes it is asked for again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Of the call.
    pub status: CallStatus,
    /// Of the call.
    pub attempts: u32,
    /// How often source files changed, where that matters.
    pub sources: u64,
    /// Which runs there are, where that matters.
    pub runs: u64,
}

/// A tab as far as it is known.
#[derive(Clone, PartialEq, Debug)]
pub enum TabState {
    /// Asked for.
    Loading,
    /// Here.
    Ready(Arc<TabView>),
    /// Could not be made.
    Failed(String),
}

/// A tab, and what it was made of.
#[derive(Clone, PartialEq, Debug)]
pub struct HeldTab {
    /// What it was asked with.
    pub stamp: Stamp,
    /// What is here.
    pub state: TabState,
    /// Changes with every answer.
    pub answer: u64,
}

/// The loaded tabs that are known. At most one is asked for at a time: whoever runs through a thousand calls asks for
/// the one where they stop.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tabs {
    held: HashMap<TabKey, HeldTab>,
    order: Vec<TabKey>,
    asked: Option<(TabKey, u64)>,
    /// How often source files changed.
    pub sources: u64,
    /// Changes when a run comes, ends, or goes.
    pub runs: u64,
}

impl Tabs {
    /// What a tab of a call is made of.
    pub fn stamp(&self, tab: Tab, status: CallStatus, attempts: u32) -> Stamp {
        let (sources, runs) = match tab {
            Tab::Source | Tab::Why => (self.sources, 0),
            Tab::History | Tab::Variance => (0, self.runs),
            _ => (0, 0),
        };
        Stamp { status, attempts, sources, runs }
    }

    /// What is known of a tab.
    pub fn get(&self, key: &TabKey) -> Option<&HeldTab> {
        self.held.get(key)
    }

    /// Notes a question when this tab is not here as of `stamp` and no other is being answered. Says whether it must
    /// be asked.
    pub fn ask(&mut self, key: &TabKey, stamp: Stamp, generation: u64) -> bool {
        if self.asked.is_some() || self.held.get(key).is_some_and(|held| held.stamp == stamp) {
            return false;
        }
        self.asked = Some((key.clone(), generation));
        match self.held.get_mut(key) {
            // What is shown stays until the answer comes.
            Some(held) => held.stamp = stamp,
            None => {
                let held = HeldTab { stamp, state: TabState::Loading, answer: generation };
                self.held.insert(key.clone(), held);
                self.order.push(key.clone());
            }
        }
        true
    }

    /// Whether an answer is awaited.
    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Takes an answer; one to an older question is dropped.
    pub fn answered(&mut self, generation: u64, answer: u64, result: Result<TabView, String>) {
        let Some((key, _)) = self.asked.take_if(|(_, asked)| *asked == generation) else { return };
        if let Some(held) = self.held.get_mut(&key) {
            held.answer = answer;
            held.state = match result {
                Ok(view) => TabState::Ready(Arc::new(view)),
                Err(why) => TabState::Failed(why),
            };
        }
        self.order.retain(|other| *other != key);
        self.order.push(key);
        while self.order.len() > KEPT {
            let oldest = self.order.remove(0);
            self.held.remove(&oldest);
        }
    }

    /// Forgets the open question: nobody will answer it.
    pub fn broken(&mut self) {
        if let Some((key, _)) = self.asked.take() {
            self.held.remove(&key);
            self.order.retain(|other| *other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(no: CallNo) -> TabKey {
        TabKey { run: RunId::from_text("2c1a00000000"), no, tab: Tab::Source }
    }

    fn stamp(sources: u64) -> Stamp {
        Stamp { status: CallStatus::Fresh, attempts: 1, sources, runs: 0 }
    }

    #[test]
    fn one_question_at_a_time_and_again_when_something_changed() {
        let mut tabs = Tabs::default();
        assert!(tabs.ask(&key(1), stamp(0), 1));
        assert!(!tabs.ask(&key(2), stamp(0), 2), "another is being answered");
        tabs.answered(7, 8, Err("late".to_owned()));
        assert_eq!(tabs.get(&key(1)).unwrap().state, TabState::Loading, "no answer to this question");
        tabs.answered(1, 3, Ok(TabView::default()));
        assert!(!tabs.ask(&key(1), stamp(0), 4), "it is here");
        assert!(tabs.ask(&key(1), stamp(1), 5), "a file was saved");
        assert!(matches!(tabs.get(&key(1)).unwrap().state, TabState::Ready(_)), "what was shown stays");
        tabs.broken();
        assert!(tabs.ask(&key(1), stamp(1), 6));
    }

    #[test]
    fn old_ones_are_forgotten() {
        let mut tabs = Tabs::default();
        for no in 1..=40 {
            assert!(tabs.ask(&key(no), stamp(0), u64::from(no)));
            tabs.answered(u64::from(no), 0, Ok(TabView::default()));
        }
        assert!(tabs.get(&key(8)).is_none() && tabs.get(&key(9)).is_some());
    }

    #[test]
    fn a_tab_that_was_called_otherwise_is_still_known() {
        assert_eq!(serde_json::from_str::<Tab>("\"error\"").unwrap(), Tab::Attempts);
    }
}
