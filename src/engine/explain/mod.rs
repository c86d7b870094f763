//! Why a call executed or was served: the component that differs, and the way to it.
//!
//! [`recorded`] answers for a run that is over, from what it and the run that it replayed recorded; [`now`] answers
//! for a replay that would begin now, from the files on disk. Both give an [`Explanation`]: data, for the command line
//! and the workbench alike; no text in it is sanitised. [`closure`](mod@closure) lays out what a function reaches.
//!
//! Invariant: an explanation names a cause only when the records show it. Where they do not reach, it repeats what the
//! run said ([`Cause::Said`]).

pub mod beside;
pub mod closure;
pub mod code;
pub mod ignored;
pub mod noise;
pub mod now;
pub mod pair;
pub mod past;
mod platform;
pub mod recorded;
pub mod records;
pub mod source;
pub mod values;
pub mod witness;
mod words;

use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::diff::stored::Effort;
use crate::diff::value::{Differences, Options, compare};
use crate::model::{CallStatus, CodeKnown, Opaque, RunHistory, ValueRef};
use crate::source::Closure;
use crate::value::Value;
use crate::value::view::{ViewLimits, to_json};

pub use code::{DefinitionChange, Happened};
pub use values::ValueChange;
pub use witness::FileChange;

/// What explaining reads beside the run itself.
pub trait Records {
    /// A recorded value.
    fn value(&self, value: &ValueRef) -> Result<Value, String>;
    /// What differs between two recorded values.
    fn differences(
        &self,
        old: &ValueRef,
        new: &ValueRef,
        options: &Options,
        _: Effort,
    ) -> Result<Differences, String> {
        let json = |value: &ValueRef| Ok::<_, String>(to_json(&self.value(value)?, &ViewLimits::full()).json);
        Ok(compare(&json(old)?, &json(new)?, options))
    }
    /// A recorded closure; `None` when the run recorded none.
    fn closure(&self, known: &CodeKnown) -> Result<Option<Closure>, String>;
    /// Another run, as far as it can be read.
    fn run(&self, run: &RunId) -> Option<std::sync::Arc<RunHistory>>;
    /// The newest run of the same application that began before this one.
    fn before(&self, run: &RunHistory) -> Option<std::sync::Arc<RunHistory>>;
}

/// The verdict on a call, and what it rests on.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explanation {
    /// The run.
    pub run: RunId,
    /// The call's number there.
    #[serde(skip)]
    pub no: CallNo,
    /// Its public id.
    pub call: String,
    /// Its path.
    pub path: String,
    /// Its function.
    pub function: String,
    /// Its status in the run.
    pub status: CallStatus,
    /// What became of it, or would become of it.
    pub verdict: Verdict,
    /// What the run said about it.
    pub reason: Option<String>,
    /// The recorded call that stands beside it.
    pub compared_with: Option<Compared>,
    /// Why it executed: the decisive cause first. Empty when it was served.
    pub causes: Vec<Cause>,
    /// What was compared and found equal, of a call that was served.
    pub checked: Option<Checked>,
    /// What the analysis of its code could not follow.
    pub opaque: Vec<Opaque>,
    /// The Python expression that gave its outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// What the platform would do, which goes by the durable id alone.
    pub platform: Option<Platform>,
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was served from a checkpoint.
    Served,
    /// Its body ran.
    Executed,
    /// Its outcome was given by hand.
    Supplied,
    /// The run ended before it ran.
    NotReached,
    /// It started, and nobody knows how it ended.
    InDoubt,
    /// A map or a reduce: its items are served or executed one by one.
    Operation,
    /// It would be served now.
    WouldServe,
    /// It would execute now.
    WouldExecute,
}

/// The recorded call that was compared.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Compared {
    /// Its run.
    pub run: RunId,
    /// Its number there.
    #[serde(skip)]
    pub no: CallNo,
    /// Its public id.
    pub call: String,
    /// Its path.
    pub path: String,
    /// Its status there.
    pub status: CallStatus,
    /// How it was found.
    pub matched: Matched,
}

/// How two calls were matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Matched {
    /// One was served from the other.
    Origin,
    /// The same function with the same arguments.
    Key,
    /// The same durable id.
    Position,
    /// The same path.
    Path,
    /// Of the calls of the function the one whose arguments are most alike.
    Similar,
}

/// Why a call executes.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// The run reuses nothing.
    Fresh,
    /// `durable=False`.
    NotDurable,
    /// `--from`, or a call before it was asked for.
    AskedAgain,
    /// The recorded call failed.
    FailedBefore {
        /// With this.
        error: String,
    },
    /// The recorded call did not end.
    NotEnded,
    /// The recorded call started, and nobody knows how it ended.
    InDoubt,
    /// Nothing recorded stands in its place.
    New,
    /// The checkpoint was given to an equal call of the same run.
    UsedAlready,
    /// The arguments differ.
    Input {
        /// Where.
        changes: Vec<ValueChange>,
    },
    /// The same arguments were asked for another time: the recorded run asked for them less often.
    Occurrence,
    /// The code differs.
    Code {
        /// The code digest of the checkpoint.
        old: Digest,
        /// The code digest that was asked for.
        new: Digest,
        /// The definitions that differ.
        definitions: Vec<DefinitionChange>,
        /// Why they cannot be named, when they cannot.
        unknown: Option<String>,
    },
    /// The rules that make code digests differ: nothing can be said of the code itself.
    Rules {
        /// Those of the checkpoint.
        old: String,
        /// Those in use.
        new: String,
    },
    /// The function is not there any more.
    Undefined,
    /// A data file differs.
    File(FileChange),
    /// An installed distribution differs.
    Package {
        /// Its name.
        name: String,
        /// The version that was recorded; `None`: the code did not import it.
        old: Option<String>,
        /// The version in use; `None`: it is not imported (any more).
        new: Option<String>,
    },
    /// A tracked environment variable differs.
    Environment {
        /// Its name.
        name: String,
        /// Whether it was set.
        was_set: bool,
        /// Whether it is set.
        is_set: bool,
    },
    /// A key of the request state differs.
    State {
        /// The key.
        key: String,
        /// What it held, in short; `None`: nothing.
        old: Option<String>,
        /// What it holds, in short; `None`: nothing.
        new: Option<String>,
    },
    /// A call that it made would not be served itself.
    Child {
        /// Its path.
        path: String,
        /// Why not.
        causes: Vec<Cause>,
    },
    /// What the run said; nothing that was recorded says more.
    Said {
        /// In its words.
        text: String,
    },
}

/// What was compared before a call was served.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Checked {
    /// What was asked: function, arguments, occurrence.
    pub key: Digest,
    /// The code that made the checkpoint.
    pub code: Digest,
    /// Definitions that this code consists of; `None` when they were not recorded.
    pub definitions: Option<usize>,
    /// The function's own `version=`, which was compared instead of its code.
    pub version: Option<String>,
    /// Data files, with those of the calls below it.
    pub files: usize,
    /// Installed distributions, with those of the calls below it.
    pub packages: usize,
    /// Tracked environment variables.
    pub environment: usize,
    /// Keys of the request state.
    pub state: usize,
    /// Calls below it.
    pub children: usize,
}

/// The platform's verdict beside ours.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Platform {
    /// Whether it would reuse the recorded outcome.
    pub reuses: bool,
    /// Whether that is what happens here.
    pub agrees: bool,
    /// Why.
    pub because: &'static str,
    /// The durable id that it goes by.
    pub durable_id: String,
    /// Where the two differ: what comes of it.
    pub matters: Option<&'static str>,
}
