//! The messages, as docs/protocol.md writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::frame::{Frame, FrameError};
use crate::model::{ErrorInfo, ReadKind};

/// The first message of a peer.
#[derive(Clone, Debug, Deserialize)]
pub struct Hello {
    /// Protocol version.
    pub proto: u32,
    /// The secret.
    pub token: String,
    /// `worker`, `driver` or `context`.
    pub role: String,
    /// A worker's number.
    #[serde(default)]
    pub worker: u32,
    /// Process id.
    #[serde(default)]
    pub pid: u32,
    /// Interpreter version.
    #[serde(default)]
    pub python: String,
    /// The call of a context peer.
    #[serde(default)]
    pub call: u32,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// `positional_only`, `positional_or_keyword`, `keyword_only`, `var_positional`, `var_keyword`.
    pub kind: String,
    /// The hint as source text.
    #[serde(default)]
    pub hint: Option<String>,
    /// Whether it may be left out.
    #[serde(default)]
    pub has_default: bool,
}

fn yes() -> bool {
    true
}

fn default_timeout() -> f64 {
    300.0
}

/// A function as the worker registered it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Function {
    /// Qualified name, unique in the project.
    pub name: String,
    /// Its module.
    #[serde(default)]
    pub module: String,
    /// Absolute path of its source.
    #[serde(default)]
    pub file: String,
    /// 1-based line.
    #[serde(default)]
    pub line: u32,
    /// Whether it is an application.
    #[serde(default)]
    pub application: bool,
    /// Whether its outcomes may be reused.
    #[serde(default = "yes")]
    pub durable: bool,
    /// Whether it acts on the world.
    #[serde(default)]
    pub effect: bool,
    /// Seconds an attempt may take.
    #[serde(default = "default_timeout")]
    pub timeout: f64,
    /// Retries after the first attempt; `None`: the application's.
    #[serde(default)]
    pub retries: Option<u32>,
    /// For applications: the default for functions without their own.
    #[serde(default)]
    pub app_retries: u32,
    /// Its parameters.
    #[serde(default)]
    pub params: Vec<Param>,
}

/// A validation message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ValidationMessage {
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// What is wrong and where.
    pub text: String,
}

/// Which version of a file somebody saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "(u64, u64, i64, i64)")]
pub struct Stamp {
    /// Its inode.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When its content changed: nanoseconds since the epoch.
    pub mtime: i64,
    /// When it or what is known of it changed.
    pub ctime: i64,
}

impl From<(u64, u64, i64, i64)> for Stamp {
    fn from((inode, size, mtime, ctime): (u64, u64, i64, i64)) -> Self {
        Stamp { inode, size, mtime, ctime }
    }
}

/// A file or folder that user code looked at.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Sighting {
    /// Relative to the project, with `/`.
    pub path: String,
    /// What was asked of it.
    pub kind: ReadKind,
    /// Its version then; none when it was absent.
    #[serde(default)]
    pub stamp: Option<Stamp>,
    /// SHA-256 as hex of a small file's content, or of the sorted names joined by NUL, when the stamp could not be
    /// relied upon.
    #[serde(default)]
    pub sha: Option<String>,
    /// File (relative to the project) and line of the statement or function on whose account it was: who reaches
    /// that depends on it, whoever looked. None: the call alone.
    #[serde(default)]
    pub at: Option<(String, u32)>,
}

/// What importing the application told.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
pub struct Loaded {
    /// Sources of the project that were executed: path relative to the project, SHA-256 of the bytes as hex.
    #[serde(default)]
    pub sources: Vec<(String, String)>,
    /// What modules looked at while they were imported.
    #[serde(default)]
    pub reads: Vec<Sighting>,
    /// Where the interpreter imports from, in order.
    #[serde(default)]
    pub path: Vec<String>,
    /// Environment variables that are secrets, as the process has them.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Loaded {
    /// The values of variables that are secrets.
    pub fn secrets(&self) -> Vec<(String, Vec<u8>)> {
        self.env.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect()
    }
}

/// How a call ended, as the worker reports it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct End {
    /// The call.
    pub call: u32,
    /// Its attempt.
    pub attempt: u32,
    /// True: a blob with the result follows.
    #[serde(default)]
    pub ok: bool,
    /// Microseconds of the body.
    #[serde(default)]
    pub us: i64,
    /// The failure.
    #[serde(default)]
    pub error: Option<ErrorInfo>,
    /// The request whose result is the call's.
    #[serde(default)]
    pub tail: Option<u64>,
    /// The blob is JSON (applications).
    #[serde(default)]
    pub json: bool,
    /// The failure is that of a future which the application returned: another attempt would not help.
    #[serde(default, rename = "final")]
    pub last: bool,
    /// Files that it looked at.
    #[serde(default)]
    pub reads: Vec<Sighting>,
    /// Sources that were imported while it ran: see [`Loaded::sources`].
    #[serde(default)]
    pub sources: Vec<(String, String)>,
}

impl End {
    /// Whether a blob belongs to it.
    pub fn has_blob(&self) -> bool {
        self.ok && self.tail.is_none()
    }
}

/// What a worker, driver or context peer sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromWorker {
    /// The first message.
    Hello(Hello),
    /// The application is loaded.
    Ready {
        /// All registered functions.
        functions: Vec<Function>,
        /// Validation messages.
        #[serde(default)]
        messages: Vec<ValidationMessage>,
        /// What importing it told.
        #[serde(default)]
        loaded: Box<Loaded>,
    },
    /// User code set variables that are secrets; what follows may hold them.
    Secrets {
        /// Their values by name.
        env: BTreeMap<String, String>,
    },
    /// The application cannot be loaded.
    LoadFailed {
        /// Why.
        error: ErrorInfo,
    },
    /// A function call.
    Call {
        /// Request id.
        id: u64,
        /// The calling call.
        by: u32,
        /// Its attempt.
        #[serde(default)]
        attempt: u32,
        /// The function.
        r#fn: String,
        /// Parameter → request that gives its value.
        #[serde(default)]
        deps: BTreeMap<String, u64>,
        /// Seconds to wait before starting.
        #[serde(default)]
        delay: Option<f64>,
        /// File and line.
        #[serde(default)]
        at: Option<(String, u32)>,
    },
    /// A map.
    Map {
        /// Request id.
        id: u64,
        /// The calling call.
        by: u32,
        /// Its attempt.
        #[serde(default)]
        attempt: u32,
        /// The function.
        r#fn: String,
        /// The parameter that gets the item.
        param: String,
        /// Number of items.
        n: usize,
        /// Index → request that gives the item.
        #[serde(default)]
        deps: BTreeMap<String, u64>,
        /// The request whose result is the list of items.
        #[serde(default)]
        from: Option<u64>,
        /// Seconds to wait before starting.
        #[serde(default)]
        delay: Option<f64>,
        /// File and line.
        #[serde(default)]
        at: Option<(String, u32)>,
    },
    /// A reduce.
    Reduce {
        /// Request id.
        id: u64,
        /// The calling call.
        by: u32,
        /// Its attempt.
        #[serde(default)]
        attempt: u32,
        /// The function.
        r#fn: String,
        /// Names of the accumulator's and the item's parameters.
        params: (String, String),
        /// Number of inputs, the initial value included.
        n: usize,
        /// Whether the first input is an initial value.
        #[serde(default)]
        initial: bool,
        /// Index (or `initial`) → request that gives the input.
        #[serde(default)]
        deps: BTreeMap<String, u64>,
        /// The request whose result is the list of items.
        #[serde(default)]
        from: Option<u64>,
        /// Seconds to wait before starting.
        #[serde(default)]
        delay: Option<f64>,
        /// File and line.
        #[serde(default)]
        at: Option<(String, u32)>,
    },
    /// Answers that were sent ahead and that a body took, in order.
    Took {
        /// Request id, when it waits for more.
        #[serde(default)]
        id: Option<u64>,
        /// The calling call.
        by: u32,
        /// Its attempt.
        attempt: u32,
        /// File and line of each.
        at: Vec<Option<(String, u32)>>,
    },
    /// Sets request state.
    StateSet {
        /// The call.
        by: u32,
        /// The key.
        key: String,
    },
    /// Reads request state.
    StateGet {
        /// Request id.
        id: u64,
        /// The call.
        by: u32,
        /// The key.
        key: String,
    },
    /// Progress.
    Progress {
        /// The call.
        by: u32,
        /// Steps done.
        current: f64,
        /// Steps in all.
        total: f64,
        /// What it does.
        #[serde(default)]
        message: Option<String>,
    },
    /// A metric.
    Metric {
        /// The call.
        by: u32,
        /// Its name.
        name: String,
        /// `counter` or `timer`.
        kind: String,
        /// Increment or seconds.
        value: f64,
    },
    /// Text written by a call.
    Log {
        /// The call, 0 when unknown.
        by: u32,
        /// `stdout` or `stderr`.
        stream: String,
    },
    /// A call's outcome.
    End(End),
    /// Several outcomes.
    Ends {
        /// The outcomes.
        ends: Vec<End>,
    },
    /// The frames that were asked for; they follow as JSON.
    Frames {
        /// Of the question.
        id: u64,
    },
    /// What an expression gave: a pickle (JSON for applications) follows, unless it failed.
    Evaluated {
        /// Of the question.
        id: u64,
        /// Why it failed.
        #[serde(default)]
        error: Option<ErrorInfo>,
    },
    /// A driver asks for a run.
    RunApp {
        /// Request id.
        id: u64,
        /// The application.
        app: String,
        /// All registered functions.
        functions: Vec<Function>,
        /// Validation messages.
        #[serde(default)]
        messages: Vec<ValidationMessage>,
        /// What is known of the modules that the script imported.
        #[serde(default)]
        loaded: Box<Loaded>,
    },
}

impl FromWorker {
    /// Reads a frame's header. Blobs are the caller's to check.
    pub fn parse(frame: &Frame) -> Result<Self, FrameError> {
        serde_json::from_slice(&frame.header).map_err(|error| FrameError::Message(error.to_string()))
    }
}

/// One call to execute.
#[derive(Clone, Debug, Serialize)]
pub struct RunCall {
    /// The call.
    pub call: u32,
    /// Its attempt.
    pub attempt: u32,
    /// The function.
    pub r#fn: String,
    /// Parameters whose values follow as blobs of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<String>,
    /// The first blob is a bare item for this parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// `pickle` or `json`.
    pub input: &'static str,
    /// Seconds.
    pub timeout: f64,
    /// The run's id.
    pub request: String,
}

/// An expression whose value is to be a call's output.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// The call.
    pub call: u32,
    /// Its function.
    pub r#fn: String,
    /// The application.
    pub app: String,
    /// The expression.
    pub expr: String,
    /// See [`RunCall::deps`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<String>,
    /// See [`RunCall::map`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// `pickle` or `json`.
    pub input: &'static str,
    /// The last blob is what the call would give, or gave.
    pub output: bool,
    /// The run's id.
    pub request: String,
}

/// What the application file is.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// Absolute path.
    pub file: String,
}

/// Answers that are sent before they are asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Foreseen {
    /// Requests of the caller that the engine knew of.
    pub said: u64,
    /// The calls that would be answered by the blobs: function, digest of the pickled arguments as hex.
    pub calls: Vec<(String, String)>,
}

/// What the engine sends.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ToWorker {
    /// The answer to `hello`.
    Welcome {
        /// Protocol version.
        proto: u32,
        /// Calls that may execute at once.
        slots: u32,
        /// The project's folder.
        project: String,
        /// What to import.
        load: Option<Load>,
        /// Bytes of text kept of each stream of a call.
        log_limit: u64,
        /// Environment variables whose values are secrets.
        secrets: Vec<String>,
    },
    /// The answer to a bad `hello`.
    Refused {
        /// Why.
        why: String,
    },
    /// Calls to execute.
    Run {
        /// The calls.
        calls: Vec<RunCall>,
    },
    /// The answer to a request.
    Done {
        /// The request.
        id: u64,
        /// Whether blobs with the result follow.
        ok: bool,
        /// For a map: number of items.
        #[serde(skip_serializing_if = "Option::is_none")]
        n: Option<usize>,
        /// Indexes of the items whose results follow, when those of others were sent before.
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Vec<usize>>,
        /// Why not.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<ErrorInfo>,
        /// Answers to what will probably be asked for next; their blobs follow the result's.
        #[serde(skip_serializing_if = "Option::is_none")]
        ahead: Option<Foreseen>,
    },
    /// Results of some items of a map that goes on.
    Part {
        /// The request.
        id: u64,
        /// Indexes of the items whose results follow.
        at: Vec<usize>,
    },
    /// The answer to `state_get`.
    State {
        /// The request.
        id: u64,
        /// Whether a blob with the value follows.
        found: bool,
    },
    /// Tell the frames of these bodies.
    Frames {
        /// Names the question.
        id: u64,
        /// Call, attempt, and the request of it that is asked about (0: none).
        calls: Vec<(u32, u32, u64)>,
    },
    /// Evaluate an expression; the blobs are a call's arguments, as in `run`.
    Evaluate {
        /// Names the question.
        id: u64,
        /// It.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// Stop executing this.
    Interrupt {
        /// The call.
        call: u32,
        /// Its attempt.
        attempt: u32,
        /// `timeout` or `cancelled`.
        why: &'static str,
    },
    /// No more work will come.
    Shutdown {},
    /// The end of a driver's run.
    RunDone {
        /// The request.
        id: u64,
        /// The run's id.
        run: String,
        /// Whether a blob with the JSON output follows.
        ok: bool,
        /// Why not.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<ErrorInfo>,
    },
}

impl ToWorker {
    /// The header's bytes.
    pub fn header(&self) -> Vec<u8> {
        // Serialising these types to memory cannot fail: keys are strings, floats are written as null when not finite.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
