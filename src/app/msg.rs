//! What goes into `update` and what comes out: messages, effects, and the plain data they carry.
//!
//! Everything here is data; the terminal floor's `backend` module re-exports the types that an engine must know.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::filter::Filter;
pub use crate::model::fork::{Fork, ForkEffects, ForkPlan};
use crate::model::gate::{Breakpoint, Budget, GateEvent, Goal, StepCommand};
use crate::model::points::Point;
use crate::model::{Event, Mode, RunHistory, RunSummary, ValueRef};

use super::blast::Said;
use super::command::CommandId;
use super::find::{FindAsk, FoundEnd, FoundHit, Indexing};
pub use super::gate::Edited;
use super::keys::Key;
use super::pointer::Mouse;
use super::tab::{TabKey, TabView};
use super::tone::Line;

/// What is injected into `update`.
#[derive(Clone, Copy, Debug)]
pub struct Env {
    /// The time of this batch.
    pub now: Micros,
}

/// The project as far as the workbench shows it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ProjectInfo {
    /// Its name.
    pub name: String,
    /// Absolute path of its folder.
    pub root: String,
    /// Its applications, in the order of the source.
    pub applications: Vec<AppInfo>,
    /// What is wrong with its source: one sentence each.
    pub problems: Vec<String>,
}

/// One application.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AppInfo {
    /// Name of the function.
    pub name: String,
    /// Absolute path of its file.
    pub file: String,
    /// 1-based line.
    pub line: u32,
    /// Its parameters in order.
    pub params: Vec<Param>,
}

/// A parameter of an application.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// The type hint as written.
    pub hint: Option<String>,
    /// The default as written.
    pub default: Option<String>,
}

/// Which part of a value is looked at, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// As a tree, whatever else it could be shown as.
    pub plain: bool,
    /// What was folded and unfolded by hand, by the positions that lead there.
    pub folds: BTreeMap<Vec<u64>, bool>,
    /// Most rows.
    pub rows: usize,
}

impl Ask {
    /// Rows that are read at once.
    pub const PAGE: usize = 1_000;
}

impl Default for Ask {
    fn default() -> Self {
        Ask { plain: false, folds: BTreeMap::new(), rows: Ask::PAGE }
    }
}

/// A row of a value, unsanitised and of any length.
#[derive(Clone, PartialEq, Debug)]
pub enum ValueRow {
    /// A place in a tree.
    Node {
        /// The positions that lead there; empty for the root.
        path: Vec<u64>,
        /// What it is called in its parent.
        key: Option<String>,
        /// What it is: `dict[3]`, `str 1.2 kB`.
        kind: String,
        /// It, or a glance at it, in one line; empty when it is unfolded.
        text: String,
        /// Whether it can be unfolded.
        foldable: bool,
        /// Whether it is.
        open: bool,
        /// Whether it is a string, of which more may be shown than one line.
        is_text: bool,
    },
    /// A line of text.
    Text {
        /// The line.
        text: String,
        /// Whether it may have marks of markdown.
        markdown: bool,
    },
    /// A line with colours of its own.
    Styled(Line),
    /// A turn of a conversation begins.
    Turn {
        /// Who speaks.
        role: String,
        /// The speaker's or the tool's name.
        name: Option<String>,
        /// What else is known of it.
        note: Option<String>,
    },
    /// A tool is called.
    Tool {
        /// The tool.
        name: String,
        /// Its arguments.
        text: String,
        /// Its id.
        note: Option<String>,
    },
    /// Something about the value.
    Fact(String),
    /// A row of a table.
    Cells {
        /// What stands in its columns.
        cells: Vec<String>,
        /// Whether these are the columns' names.
        heading: bool,
    },
    /// Some bytes.
    Dump {
        /// Offset of the first.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// What is shown of a value.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ValueView {
    /// The rows.
    pub rows: Vec<ValueRow>,
    /// What it is shown as: `tree`, `conversation`, `table` …
    pub look: String,
    /// Whether it can be shown in another way.
    pub has_other: bool,
    /// What was left out, as a few words.
    pub cut: Option<String>,
}

/// A file that was read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SourceFile {
    /// Its path as the user knows it; a theme's name for a theme.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// The files that settings are made of.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sources {
    /// The user's, then the project's.
    pub files: Vec<SourceFile>,
    /// The user's themes by name.
    pub themes: Vec<SourceFile>,
}

/// What to start.
#[derive(Clone, PartialEq, Debug)]
pub enum Start {
    /// A new run, nothing reused.
    Run {
        /// The application.
        app: String,
        /// The input as JSON text by parameter name; `None`: defaults.
        input: Option<String>,
    },
    /// A replay of a run.
    Replay {
        /// The run.
        run: RunId,
        /// How it reuses.
        mode: Mode,
        /// Nothing is served that was asked for from this call on.
        from: Option<CallNo>,
    },
    /// A replay of a run in which a call has another output.
    Fork(Box<Fork>),
    /// A replay of a run that is stepped through. When the run is itself stepped through in this process, it is
    /// ended first: that is a step back.
    Step {
        /// The run.
        run: RunId,
        /// Where it stops first.
        goal: Goal,
        /// Where it stops beside that.
        breakpoints: Vec<Breakpoint>,
        /// What it may use until it stops.
        budget: Budget,
    },
}

/// What is done with the bytes of a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Purpose {
    /// They are copied.
    Copy {
        /// What they are, for the sentence about it.
        what: String,
    },
    /// They are shown in the pager.
    Page,
    /// They are written into a file that does not exist yet.
    Save {
        /// The file, relative to where the workbench was started.
        file: String,
    },
}

impl Purpose {
    /// The effect that does it.
    pub fn effect(self, bytes: Vec<u8>) -> Effect {
        match self {
            Purpose::Copy { what } => Effect::Copy { what, text: crate::base::text::lossy(&bytes) },
            Purpose::Page => Effect::Page { bytes },
            Purpose::Save { file } => Effect::SaveFile { file, bytes },
        }
    }
}

/// A run against the sources and files of now.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    /// The run.
    pub run: RunId,
    /// The files that were saved since the last time, relative to the project.
    pub saved: Vec<String>,
    /// The verdict, or why there is none.
    pub result: Result<Arc<Said>, String>,
}

/// What the engine or the store reports by itself.
#[derive(Clone, PartialEq, Debug)]
pub enum BackendEvent {
    /// New events of a run of this process, in order, already batched.
    Run {
        /// The run.
        run: RunId,
        /// Its events.
        events: Vec<Event>,
    },
    /// Something happens at the gate of a run of this process; the events that led there came before.
    Gate {
        /// The run.
        run: RunId,
        /// What.
        event: GateEvent,
    },
    /// The store changed (runs of other processes): lists and open foreign runs are read again.
    Changed,
    /// The project's source changed: its applications are read again.
    ProjectChanged,
    /// The run that is attended to was judged: it was asked for, or a save changed something.
    Judged(Judged),
    /// A settings file or a theme changed.
    SettingsChanged,
    /// A sentence for the user.
    Notice(String),
}

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
        result: Result<Box<RunHistory>, String>,
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
    /// To [`Effect::LoadBytes`].
    Bytes {
        /// What they are for.
        purpose: Purpose,
        /// The bytes: a string's or bytes' own, else the JSON view.
        result: Result<Vec<u8>, String>,
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

/// Everything that can happen to the workbench.
#[derive(Clone, PartialEq, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// A command was named.
    Command(CommandId),
    /// The mouse did something.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this size now (columns, rows).
    Resize(u16, u16),
    /// The window got the focus, or time passed that was asked for: draw again.
    Tick,
    /// The engine or the store reports.
    Backend(BackendEvent),
    /// An effect's answer.
    Reply(Reply),
}

/// What the terminal floor must do.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Read the project again.
    LoadProject,
    /// Read the settings again.
    LoadSettings,
    /// Read the list of runs.
    LoadRuns {
        /// To be sent back.
        generation: u64,
        /// How many at most.
        limit: usize,
    },
    /// Read all of a run.
    LoadHistory {
        /// The run.
        run: RunId,
        /// To be sent back.
        generation: u64,
    },
    /// Read what follows in a run.
    LoadEvents {
        /// The run.
        run: RunId,
        /// After this event.
        after_seq: u64,
        /// How many at most.
        limit: usize,
        /// To be sent back.
        generation: u64,
    },
    /// Read a part of a value.
    LoadValue {
        /// The value.
        value: Box<ValueRef>,
        /// Which part.
        ask: Box<Ask>,
    },
    /// Make a tab of the inspector.
    LoadTab {
        /// Which.
        key: Box<TabKey>,
        /// To be sent back.
        generation: u64,
    },
    /// Find the calls that a filter means by reading their values.
    Filter {
        /// The run.
        run: RunId,
        /// The filter.
        filter: Filter,
    },
    /// Look for words in all runs.
    Find(Box<FindAsk>),
    /// Bring the index of search up to date.
    UpdateIndex,
    /// Start a run.
    Start(Start),
    /// Stop a run.
    Stop {
        /// The run.
        run: RunId,
        /// Without waiting for what executes.
        force: bool,
    },
    /// From now on judge this run after each save, beginning at once; the answers are reports.
    Judge {
        /// The run; `None`: none.
        run: Option<RunId>,
    },
    /// Keep a run whatever happens, or no longer.
    Pin {
        /// The run.
        run: RunId,
        /// Whether to keep it.
        pinned: bool,
    },
    /// Read the bytes of a value.
    LoadBytes {
        /// The value.
        value: Box<ValueRef>,
        /// What for.
        purpose: Purpose,
    },
    /// Read the input of an application's last run.
    LoadInput {
        /// The application.
        app: String,
    },
    /// Copy a text.
    Copy {
        /// What it is, for the sentence about it.
        what: String,
        /// The text.
        text: String,
    },
    /// Write a new file.
    SaveFile {
        /// The file, relative to where the workbench was started.
        file: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// Show bytes in the pager.
    Page {
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Open a file in the editor.
    Edit {
        /// The file.
        file: String,
        /// 1-based line.
        line: u32,
    },
    /// Let a text be edited.
    EditText {
        /// What for.
        what: Edited,
        /// The text.
        text: String,
    },
    /// Say what a fork would do.
    Plan {
        /// The fork.
        fork: Box<Fork>,
        /// What was written.
        text: String,
    },
    /// Read a value as JSON that can be edited.
    LoadJson {
        /// What for.
        what: Edited,
        /// The value.
        value: Box<ValueRef>,
    },
    /// Keep the project's breakpoints.
    SavePoints(Vec<Point>),
    /// Say what is to happen at the gate of a run of this process.
    Step {
        /// The run.
        run: RunId,
        /// What.
        commands: Vec<StepCommand>,
    },
    /// Hand the terminal back to the shell until the process is continued.
    Suspend,
    /// Draw every cell anew.
    Repaint,
    /// Leave.
    Quit,
}
