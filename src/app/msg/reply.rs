//! The answers to effects.

use std::sync::Arc;

use crate::app::asof::{Mark, Rebuilt};
use crate::app::compare::{Comparison, PairView};
use crate::app::find::{FoundEnd, FoundHit, Indexing};
use crate::app::gate::Edited;
use crate::app::tab::TabView;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::fork::{Fork, ForkPlan};
use crate::model::{Event, RunHistory, RunSummary};

use super::{Ask, Payload, ProjectInfo, Purpose, Sources, Start, ValueView};

/// The answer to an effect. `generation` is that of the question; an old one is dropped.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// To [`Effect::LoadProject`].
    Project(ProjectInfo),
    /// To [`Effect::LoadSettings`].
    Settings(Sources),
    /// To [`Effect::LoadRuns`].
    Runs {
        /// Of the question.
        generation: u64,
        /// Newest first.
        result: Result<Vec<RunSummary>, String>,
    },
    /// To [`Effect::LoadHistory`].
    History {
        /// Of the question.
        generation: u64,
        /// The run.
        run: RunId,
        /// All of it so far.
        result: Result<Arc<RunHistory>, String>,
    },
    /// To [`Effect::LoadEvents`].
    Events {
        /// Of the question.
        generation: u64,
        /// The run.
        run: RunId,
        /// What followed.
        result: Result<Vec<Event>, String>,
    },
    /// To [`Effect::LoadMarks`].
    Marks {
        /// Of the question.
        generation: u64,
        /// One for each event.
        result: Result<Arc<Vec<Mark>>, String>,
    },
    /// To [`Effect::LoadAsOf`].
    AsOf {
        /// Of the question.
        generation: u64,
        /// The run as it was.
        result: Result<Box<Rebuilt>, String>,
    },
    /// To [`Effect::LoadValue`].
    Value {
        /// Which.
        digest: Digest,
        /// What was asked for; an answer to another question is dropped.
        ask: Box<Ask>,
        /// Its rows.
        result: Result<ValueView, String>,
    },
    /// To [`Effect::LoadTab`].
    Tab {
        /// Of the question.
        generation: u64,
        /// Its rows.
        result: Result<TabView, String>,
    },
    /// To [`Effect::Compare`].
    Compared {
        /// Of the question.
        generation: u64,
        /// Both runs as one tree.
        result: Result<Comparison, String>,
    },
    /// To [`Effect::ComparePair`].
    Inside {
        /// Of the question.
        generation: u64,
        /// What differs.
        result: Result<PairView, String>,
    },
    /// To [`Effect::LoadBytes`].
    Bytes {
        /// What they are for.
        purpose: Purpose,
        /// The bytes: a file's, a string's or bytes' own, else the JSON view.
        result: Result<Payload, String>,
    },
    /// To [`Effect::ChangeIgnored`].
    Ignored {
        /// The patterns.
        patterns: Vec<String>,
        /// They were to be written.
        adds: bool,
        /// Whether the file was changed.
        result: Result<(), String>,
    },
    /// To an effect that is done with a sentence: a copy, a file, a pin.
    Done(Result<String, String>),
    /// To [`Effect::EditText`]; an error when the editor failed.
    Edited {
        /// What for.
        what: Edited,
        /// What was there before.
        before: String,
        /// The text.
        result: Result<String, String>,
    },
    /// To [`Effect::Plan`].
    Planned {
        /// What was asked.
        fork: Box<Fork>,
        /// What was written.
        text: String,
        /// What it would do, or why the output cannot be taken.
        result: Result<ForkPlan, String>,
    },
    /// To [`Effect::LoadJson`].
    Json {
        /// What for.
        what: Edited,
        /// The value as JSON.
        result: Result<String, String>,
    },
    /// To [`Effect::LoadInput`].
    Input {
        /// The application.
        app: String,
        /// The input of its last run as JSON.
        input: Option<String>,
    },
    /// To [`Effect::Filter`].
    Filtered {
        /// The run.
        run: RunId,
        /// The filter as it is printed.
        filter: String,
        /// The calls that are meant.
        result: Result<Vec<CallNo>, String>,
    },
    /// To [`Effect::Find`]: some of what was found.
    Found {
        /// Of the question.
        generation: u64,
        /// In the order in which they are found.
        hits: Vec<FoundHit>,
    },
    /// To [`Effect::Find`]: the search ended.
    FindEnded {
        /// Of the question.
        generation: u64,
        /// How.
        result: Result<FoundEnd, String>,
    },
    /// To [`Effect::UpdateIndex`]: how far it is.
    Indexing(Indexing),
    /// To [`Effect::UpdateIndex`]: done; whether that changed something.
    Indexed(Result<bool, String>),
    /// To [`Effect::Start`].
    Started {
        /// What was asked.
        what: Start,
        /// The new run.
        result: Result<RunId, String>,
    },
    /// Answering failed in a way that should not happen; which question it was is not known.
    Broken(String),
    /// To [`Effect::Stop`].
    Stopped {
        /// The run.
        run: RunId,
        /// Whether it could be told.
        result: Result<(), String>,
    },
}
