//! What the terminal floor is asked to do, as values.

use std::sync::Arc;

use crate::app::asof::Rebuilt;
use crate::app::compare::{How, PairId};
use crate::app::find::FindAsk;
use crate::app::gate::Edited;
use crate::app::tab::TabKey;
use crate::base::ids::RunId;
use crate::model::filter::Filter;
use crate::model::fork::Fork;
use crate::model::gate::StepCommand;
use crate::model::points::Point;
use crate::model::{RunHistory, ValueRef};

use super::{Ask, Piece, Purpose, Start};

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
    /// Read what the events of a run are.
    LoadMarks {
        /// The run.
        run: RunId,
        /// To be sent back.
        generation: u64,
    },
    /// Put a run together as it was.
    LoadAsOf {
        /// The run.
        run: RunId,
        /// After this event.
        seq: u64,
        /// How many events it has.
        total: u64,
        /// An earlier history of it to begin with.
        from: Option<Arc<RunHistory>>,
        /// To be sent back.
        generation: u64,
    },
    /// Let go of what a time line does not need any more: of a long run that takes longer than a frame.
    LetGo(Box<Rebuilt>),
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
    /// Compare two runs.
    Compare {
        /// The first run; `None`: the one that the second replays, else the one before it.
        a: Option<RunId>,
        /// The second run.
        b: RunId,
        /// What counts.
        how: How,
        /// To be sent back.
        generation: u64,
    },
    /// Say what differs inside a pair of calls.
    ComparePair {
        /// The first run.
        a: RunId,
        /// The second run.
        b: RunId,
        /// Their calls.
        pair: PairId,
        /// What counts, and how far to look.
        how: How,
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
        /// Which part of it.
        piece: Piece,
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
    /// Copy the bytes of a value, which may be too many for it.
    CopyBytes {
        /// What they are, for the sentence about it.
        what: String,
        /// The bytes.
        bytes: Vec<u8>,
        /// The end of a file's name that fits them.
        extension: &'static str,
    },
    /// Write a new file.
    SaveFile {
        /// The file, relative to where the workbench was started.
        file: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// Let another program open a file that is made for it.
    Open {
        /// What the file is called.
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
    /// Write places that do not count into the project's file, or take them out of it.
    ChangeIgnored {
        /// Their patterns.
        patterns: Vec<String>,
        /// They are to be written.
        adds: bool,
    },
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
