//! Everything that can happen to a run: a closed, append-only set.
//!
//! Events are stored as MessagePack arrays: a new field goes to the end with `#[serde(default)]`, a new
//! kind to the end of [`EventKind`]; nothing is ever removed or reordered.

use serde::{Deserialize, Serialize};

use super::call::{CallKind, CallStatus, ErrorInfo, Origin, Site, Usage, ValueRef};
use super::witness::{CodeKnown, FileRead};
use crate::base::clock::Micros;
use crate::base::digest::{BytesDigest, Digest};
use crate::base::ids::{CallNo, RunId};

/// How a run reuses checkpoints (design.md section 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Match by content; divergence just executes.
    Adaptive,
    /// Match by position; divergence stops the run.
    Strict,
    /// Nothing is reused.
    Fresh,
}

impl Mode {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Adaptive => "adaptive",
            Mode::Strict => "strict",
            Mode::Fresh => "fresh",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It executes now.
    Running,
    /// It has an output.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// It was stopped by its user.
    Cancelled,
    /// Its engine died.
    Interrupted,
    /// A strict replay diverged.
    Mismatch,
}

impl RunStatus {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
            RunStatus::Interrupted => "interrupted",
            RunStatus::Mismatch => "mismatch",
        }
    }

    /// The status with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            RunStatus::Running,
            RunStatus::Succeeded,
            RunStatus::Failed,
            RunStatus::Cancelled,
            RunStatus::Interrupted,
            RunStatus::Mismatch,
        ]
        .into_iter()
        .find(|status| status.word() == word)
    }
}

/// What a run is for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To execute its application.
    #[default]
    Application,
    /// To execute one recorded call several times; the application's body does not run.
    Samples {
        /// The call that executed what is sampled.
        of: Origin,
        /// The number of the sampled call in the parent.
        #[serde(default)]
        call: CallNo,
    },
    /// To go back in the run that it replays, which was left for it.
    StepBack,
}

/// A standard stream of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How much a notice matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// Something is wrong.
    Error,
}

/// One event of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Position in the run's log, from 1, without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: Micros,
    /// What happened.
    pub kind: EventKind,
}

/// What a call looks like when it is asked for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CallAsked {
    /// Its number.
    pub no: CallNo,
    /// Its caller's number.
    pub parent: CallNo,
    /// The caller's attempt.
    pub parent_attempt: u32,
    /// What it is.
    pub kind: CallKind,
    /// The function.
    pub function: String,
    /// See [`super::Call::ordinal`].
    pub ordinal: u32,
    /// Its key (zero for operations).
    pub key: Digest,
    /// Code digest of the function.
    pub code: Digest,
    /// Durable id (zero when not durable).
    pub durable_id: Digest,
    /// Whether its outcome may be reused.
    pub durable: bool,
    /// Bound arguments.
    pub input: Option<ValueRef>,
    /// Where it was called from.
    pub site: Option<Site>,
    /// Why it executes rather than being served.
    pub reason: Option<String>,
    /// Whether executing it has an effect outside that must not be repeated unseen (`effect=True`).
    #[serde(default)]
    pub effect: bool,
    /// The bytes that its caller pickled its arguments to; for calls whose arguments came as one pickle.
    #[serde(default)]
    pub pickled: Option<BytesDigest>,
}

/// How a call ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CallEnded {
    /// Its number.
    pub no: CallNo,
    /// A final status.
    pub status: CallStatus,
    /// Microseconds of the body (of the original for a cached call).
    pub wall_us: i64,
    /// The output.
    pub output: Option<ValueRef>,
    /// The error.
    pub error: Option<ErrorInfo>,
    /// Where a cached outcome came from.
    pub origin: Option<Origin>,
    /// What a model call used.
    pub usage: Option<Usage>,
    /// State keys read, for the witness.
    pub state_reads: Vec<(String, Option<Digest>)>,
    /// Files that its own body looked at (not those of the calls that it made), for the witness.
    #[serde(default)]
    pub reads: Vec<FileRead>,
}

impl CallEnded {
    /// The end of what no body made: it took no time, used nothing and read nothing.
    pub fn bodiless(
        no: CallNo,
        status: CallStatus,
        output: Option<ValueRef>,
        error: Option<ErrorInfo>,
    ) -> Self {
        CallEnded {
            no,
            status,
            wall_us: 0,
            output,
            error,
            origin: None,
            usage: None,
            state_reads: Vec::new(),
            reads: Vec::new(),
        }
    }
}

/// What a person answered at the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// Execute, although there was a checkpoint.
    Execute,
    /// Another output.
    Output,
    /// Other arguments.
    Arguments,
    /// Fail.
    Fail,
    /// Once more.
    Retry,
}

/// An answer at the gate and what was there before.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The call.
    pub no: CallNo,
    /// What was answered.
    pub answer: AnswerKind,
    /// The output (or arguments) before.
    pub was: Option<ValueRef>,
    /// The output (or arguments) now.
    pub now: Option<ValueRef>,
    /// The call that it was taken from.
    #[serde(default)]
    pub from: Option<Origin>,
    /// The Python expression that gave it.
    #[serde(default)]
    pub expr: Option<String>,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The first event of every run.
    RunStarted {
        /// The run.
        run: RunId,
        /// The application's name.
        app: String,
        /// Absolute path of the file that defines it.
        file: String,
        /// How it reuses.
        mode: Mode,
        /// The run that it replays.
        parent: Option<RunId>,
        /// The input: a JSON object by parameter name.
        input: ValueRef,
        /// The interpreter, e.g. `3.11.7`.
        python: String,
        /// tl-bench's version.
        version: String,
        /// What it is for.
        #[serde(default)]
        purpose: Purpose,
    },
    /// A call was asked for (status pending).
    CallAsked(Box<CallAsked>),
    /// A call's body is about to run (status running).
    CallStarted {
        /// The call.
        no: CallNo,
        /// From 1.
        attempt: u32,
        /// The worker.
        worker: u32,
    },
    /// An attempt failed and another will follow.
    AttemptFailed {
        /// The call.
        no: CallNo,
        /// The attempt that failed.
        attempt: u32,
        /// Why.
        error: ErrorInfo,
    },
    /// A call ended.
    CallEnded(Box<CallEnded>),
    /// `progress.update`.
    Progress {
        /// The call.
        no: CallNo,
        /// Steps done.
        current: f64,
        /// Steps in all.
        total: f64,
        /// What it does.
        message: Option<String>,
    },
    /// A counter or timer.
    Metric {
        /// The call.
        no: CallNo,
        /// Its name.
        name: String,
        /// True for a timer.
        timer: bool,
        /// Increment, or seconds.
        value: f64,
    },
    /// Text that a call wrote.
    Log {
        /// The call, 0 when unknown.
        no: CallNo,
        /// Where to.
        stream: Stream,
        /// The text, unsanitised; bytes that are not UTF-8 as `\xNN`.
        text: String,
    },
    /// A request-state key was set.
    StateSet {
        /// The call.
        no: CallNo,
        /// The key.
        key: String,
        /// The value.
        value: ValueRef,
    },
    /// Something the user should know about the run or a call.
    Notice {
        /// The call, 0 for the run.
        no: CallNo,
        /// How much it matters.
        level: Level,
        /// One sentence.
        text: String,
    },
    /// The last event of a run that ended by itself.
    RunEnded {
        /// How.
        status: RunStatus,
        /// The application's output as JSON-compatible value.
        output: Option<ValueRef>,
        /// Why it failed.
        error: Option<ErrorInfo>,
    },
    /// The code of a function, before its first call with that code.
    CodeKnown(Box<CodeKnown>),
    /// A body ended in a run that is stepped through: its outcome waits for an answer. What would have been its
    /// `CallEnded`; without a later one it is.
    Offered(Box<CallEnded>),
    /// What a person answered at the gate, when it is not what would have happened anyway.
    Answered(Box<Answered>),
}
