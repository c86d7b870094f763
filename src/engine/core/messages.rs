//! What goes into the scheduler and what comes out: plain data.

use bytes::Bytes;

use super::node::ConnId;
use crate::base::ids::{CallNo, RunId};
use crate::engine::recorder::Pending;
use crate::engine::secrets::Secrets;
use crate::engine::values::Prices;
use crate::model::{ErrorInfo, Mode, Purpose, RunStatus, ValueRef};
use crate::proto::message::{FromWorker, Function, Loaded, ToWorker, ValidationMessage};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A worker connected and imported the application.
    Ready {
        /// Its connection.
        conn: ConnId,
        /// Its number.
        worker: u32,
        /// Version of its interpreter.
        python: String,
        /// The functions that it registered.
        functions: Vec<Function>,
        /// What validation said.
        messages: Vec<ValidationMessage>,
        /// What importing told.
        loaded: Box<Loaded>,
    },
    /// A worker could not import the application.
    LoadFailed {
        /// Its number.
        worker: u32,
        /// Why.
        error: ErrorInfo,
    },
    /// A message of a connection.
    Message {
        /// The connection.
        conn: ConnId,
        /// The message.
        message: FromWorker,
        /// Its blobs.
        blobs: Vec<Bytes>,
    },
    /// Bytes that a worker process wrote past the runtime (C code, child processes).
    Output {
        /// The worker's number.
        worker: u32,
        /// Where to.
        stream: crate::model::Stream,
        /// The bytes.
        bytes: Bytes,
    },
    /// A worker is gone.
    Gone {
        /// Its number.
        worker: u32,
        /// Its connection, when it had one.
        conn: Option<ConnId>,
        /// Calls that its threads were executing.
        executing: Vec<CallNo>,
        /// How it ended, e.g. `was ended by signal 9 (SIGKILL)`.
        why: String,
    },
    /// A batch is on disk, or could not be written.
    Committed {
        /// The batch.
        token: u64,
        /// Why it could not be written.
        error: Option<String>,
    },
    /// The time of [`Core::next_timer`] has come.
    Timer,
    /// Whoever steps through the run wants something.
    Step(crate::engine::step::StepCommand),
    /// The user wants the run to end.
    Stop {
        /// At once.
        force: bool,
    },
}

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// Send a message.
    Send {
        /// To this connection.
        conn: ConnId,
        /// The message.
        message: ToWorker,
        /// Its blobs.
        blobs: Vec<Bytes>,
    },
    /// Write a batch and answer with [`Input::Committed`].
    Submit {
        /// What to write.
        batch: Pending,
        /// Names it.
        token: u64,
    },
    /// Start a worker with this number.
    Spawn {
        /// The number.
        worker: u32,
    },
    /// End a worker's process at once.
    Kill {
        /// Its number.
        worker: u32,
    },
    /// Tell whoever steps through the run.
    Gate(crate::engine::step::GateEvent),
    /// The run is over and recorded (or nothing was recorded because the application could not be loaded).
    Finish(Ending),
}

/// How a run ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// It was recorded to its end.
    Recorded {
        /// How.
        status: RunStatus,
        /// The output.
        output: Option<ValueRef>,
        /// Why it failed.
        error: Option<ErrorInfo>,
        /// The output's pickle, when it is not recorded whole.
        whole: Option<Bytes>,
    },
    /// The application could not be loaded or is invalid; nothing was recorded.
    NotLoaded(ErrorInfo),
    /// The store failed; what was acknowledged before is safe.
    StoreFailed(String),
}

/// What to do with calls whose outcome is not known (design.md section 5).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum InDoubt {
    /// Execute them again.
    #[default]
    Rerun,
    /// End the run and list them.
    Fail,
    /// Take this JSON as their output.
    Accept(serde_json::Value),
}

/// What to do with a call that acts on the world, did so in the replayed run, and would execute again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effects {
    /// Let it act again.
    Rerun,
    /// Take what it gave then (nothing, when that is not known).
    Skip,
    /// Ask whoever steps through the run; without anybody to ask, end it.
    Ask,
    /// End the run before it acts.
    #[default]
    Fail,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct CoreSpec {
    /// Its id.
    pub run: RunId,
    /// The application.
    pub app: String,
    /// Absolute path of its file.
    pub file: String,
    /// A JSON object by parameter name.
    pub input: serde_json::Value,
    /// How it reuses.
    pub mode: Mode,
    /// The run that it replays.
    pub parent: Option<RunId>,
    /// What to do with calls in doubt.
    pub in_doubt: InDoubt,
    /// What to do with effects that would happen again.
    pub effects: Effects,
    /// Most worker processes.
    pub workers: u32,
    /// Most calls that execute at once in a worker.
    pub slots: u32,
    /// A process outside of the engine's hands executes the calls (`exec`).
    pub driver: bool,
    /// What tokens cost.
    pub prices: Prices,
    /// What it is for, unless it samples.
    pub purpose: Purpose,
    /// The call that is executed several times, in place of the application.
    pub samples: Option<super::samples::Sampling>,
    /// What must not be recorded.
    pub secrets: Secrets,
}
