//! Full-text search over all runs: what is looked for, and what was found so far.
//!
//! Each key asks anew, and an answer to an older question is dropped; what was found last stays on the screen until the
//! first answer to the new one. The index is brought up to date beside it, and the question is asked again when that
//! changed something.

use std::ops::Range;

use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId};

use super::editor::Editor;

/// Where a text can stand.
pub const FIELDS: [&str; 4] = ["input", "output", "log", "error"];
/// Rows of one hit.
pub const HIT_ROWS: u16 = 2;

/// What is asked of the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindAsk {
    /// To be sent back; a search with a lower one may stop.
    pub generation: u64,
    /// The words.
    pub text: String,
    /// In this run only.
    pub run: Option<RunId>,
    /// In this one of [`FIELDS`] only.
    pub field: Option<&'static str>,
}

/// A text that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundHit {
    /// The newest run that has it.
    pub run: RunId,
    /// Its application.
    pub app: String,
    /// When that run started.
    pub started_at: Micros,
    /// The earliest call of it that has the text; 0 when no call is known.
    pub call: CallNo,
    /// That call's path.
    pub path: String,
    /// Where in it.
    pub field: &'static str,
    /// What stands around it, unsanitised.
    pub text: String,
    /// What was looked for in that.
    pub marks: Vec<Range<usize>>,
    /// In how many places the text stands.
    pub places: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// How a search ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FoundEnd {
    /// There are more texts.
    pub more: bool,
    /// Matches that cannot be read any more.
    pub unreadable: u64,
}

/// How far the index is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Indexing {
    /// The run that is read, from 1.
    pub run: usize,
    /// Of so many.
    pub runs: usize,
    /// Events so far.
    pub events: u64,
}

/// How the latest search stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Standing {
    /// Nothing is looked for.
    #[default]
    Idle,
    /// Going on.
    Looking,
    /// Ended.
    Done(FoundEnd),
    /// A sentence.
    Failed(String),
}

/// The state of the screen.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Finder {
    /// What is typed.
    pub editor: Editor,
    /// Only the open run.
    pub here: bool,
    /// Only one of [`FIELDS`].
    pub field: Option<usize>,
    /// What was found.
    pub hits: Vec<FoundHit>,
    /// How it stands.
    pub standing: Standing,
    /// The latest question.
    pub generation: u64,
    /// The hits are those of an older question.
    pub stale: bool,
    /// The first hit of the latest question that comes is to be opened: who asked did not wait for it.
    pub eager: bool,
    /// The index is being brought up to date.
    pub updating: bool,
    /// How far that is.
    pub indexing: Option<Indexing>,
}

impl Finder {
    /// Takes up hits of the latest question.
    pub fn found(&mut self, hits: Vec<FoundHit>) {
        if std::mem::take(&mut self.stale) {
            self.hits.clear();
        }
        self.hits.extend(hits);
    }

    /// The search ended.
    pub fn ended(&mut self, result: Result<FoundEnd, String>) {
        self.found(Vec::new());
        self.standing = match result {
            Ok(end) => Standing::Done(end),
            Err(why) => Standing::Failed(why),
        };
    }
}
