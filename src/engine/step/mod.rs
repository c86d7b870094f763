//! Stepping through a run: where it stops, and what a person may answer there.
//!
//! In step mode the scheduler shows each call to a [`Stepper`] before it is served or executed, and each outcome of a
//! body before its caller sees it. The stepper, which is pure, says whether to stop there; what waits then is answered
//! with an [`Answer`]. Without a stepper nothing of this runs.
//!
//! Invariants: an outcome that waits for an answer is on disk; an answer that changes anything is an event of the run;
//! a run that dies at the gate is replayed up to it.

mod stepper;

use serde::{Deserialize, Serialize};

pub use stepper::{Breakpoint, Budget, Goal, Passing, Stepper, Want};

use crate::base::ids::CallNo;
use crate::model::{ErrorInfo, Origin, ValueRef};

/// When a call is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moment {
    /// Before it is served or executed.
    Before,
    /// After its body ended, before its caller sees how.
    After,
}

/// What would happen to a call.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "would", rename_all = "kebab-case")]
pub enum Proposed {
    /// It would be served.
    Serve {
        /// The call that executed what would be served.
        origin: Origin,
        /// What would be served.
        output: ValueRef,
        /// Where it is from, when not from the replayed run.
        reason: Option<String>,
    },
    /// It would execute.
    Execute {
        /// Why it cannot be served.
        reason: Option<String>,
        /// It had started before and nobody knows how it ended.
        in_doubt: Option<Origin>,
    },
    /// It would get the output that this replay was told to give it.
    Edit {
        /// The output.
        value: serde_json::Value,
        /// What it had.
        was: Option<ValueRef>,
    },
    /// Its caller would get this value.
    Return {
        /// The value.
        output: ValueRef,
    },
    /// Its caller would get this error.
    Raise {
        /// The error.
        error: ErrorInfo,
    },
}

/// A call that waits at the gate.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Ask {
    /// The call; its event `call_asked` came before.
    pub call: CallNo,
    /// When.
    pub moment: Moment,
    /// What would happen.
    #[serde(flatten)]
    pub proposed: Proposed,
    /// It acts on the world.
    pub effect: bool,
    /// Which breakpoint stopped it, in the words in which it was set.
    pub stopped_by: Option<String>,
}

/// What happens at the gate, told to whoever answers.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum GateEvent {
    /// A call waits.
    Asked(Ask),
    /// A call waits no longer.
    Left {
        /// The call.
        call: CallNo,
    },
    /// An answer could not be taken; the call still waits.
    Refused {
        /// The call.
        call: CallNo,
        /// Why not, and what would do.
        why: String,
    },
}

/// What to do with a call that waits.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Answer {
    /// As proposed.
    Go,
    /// Serve the checkpoint (before).
    Serve,
    /// Execute the body, whatever is recorded (before).
    Execute,
    /// Take this as its output.
    Output {
        /// JSON, with tags for what JSON cannot say.
        value: serde_json::Value,
    },
    /// Take these arguments, and ask again (before).
    Arguments {
        /// A JSON object by parameter name.
        value: serde_json::Value,
    },
    /// Let it fail.
    Fail {
        /// With this.
        #[serde(flatten)]
        fault: Fault,
    },
    /// Execute the body once more (after).
    Retry,
}

/// A failure that is injected.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Fault {
    /// `request`, `timeout`, or the name of an exception class; `FunctionError` when left out.
    #[serde(default)]
    pub error: Option<String>,
    /// Its message.
    #[serde(default)]
    pub message: Option<String>,
}

/// Told of what happens at the gate, after the events that led there. Must be quick.
pub type Teller = Box<dyn FnMut(GateEvent) + Send>;

/// A run is to be stepped through.
pub struct Stepping {
    /// Where it stops.
    pub stepper: Stepper,
    /// Who is told.
    pub tell: Teller,
}

/// What a person wants of a run that is stepped through.
#[derive(Clone, PartialEq, Debug)]
pub enum StepCommand {
    /// Answer one call; with a goal, go on towards it.
    Answer {
        /// The call.
        call: CallNo,
        /// The answer.
        answer: Answer,
    },
    /// Where to stop next. What waits goes on as proposed, unless the goal stops it again.
    Go(Goal),
    /// Let everything below this call (and it) go without asking again.
    LetCall(CallNo),
    /// Let every call of this function go without asking again.
    LetFunction(String),
    /// These are the breakpoints from now on.
    Breakpoints(Vec<Breakpoint>),
    /// Stop at the next call, leaving what waits.
    Pause,
    /// Nobody answers any more: go on to the end.
    Detach,
}
