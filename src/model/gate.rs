//! What waits at the gate of a run that is stepped through, and what may be answered: plain data, shared by the engine,
//! `tl-bench step` and the workbench.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::fork::Edit;
use super::frames::Stack;
use super::{ErrorInfo, Origin, ValueRef};
use crate::base::ids::CallNo;

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
#[derive(Clone, PartialEq, Debug)]
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
    /// It would get what this replay was told to give it.
    Edit {
        /// That.
        edit: Edit,
        /// The output that it had.
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
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    /// The call; its event `call_asked` came before.
    pub call: CallNo,
    /// When.
    pub moment: Moment,
    /// What would happen.
    pub proposed: Proposed,
    /// It acts on the world.
    pub effect: bool,
    /// Which breakpoint stopped it, in the words in which it was set.
    pub stopped_by: Option<String>,
    /// Before: whether the platform would reuse a recorded result, as it goes by the durable id alone.
    pub platform: Option<bool>,
}

/// What happens at the gate, told to whoever answers.
#[derive(Clone, PartialEq, Debug)]
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
    /// To [`StepCommand::Frames`]: the bodies in which a call was made, its caller's first.
    Frames {
        /// The call.
        call: CallNo,
        /// Their stacks.
        stacks: Vec<Stack>,
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
        /// Whatever type it has; else it must be that of the recorded output.
        #[serde(default)]
        any_type: bool,
    },
    /// Take these arguments, and ask again (before).
    Arguments {
        /// A JSON object by parameter name.
        value: serde_json::Value,
        /// Whatever types they have; else they must be those of the recorded ones.
        #[serde(default)]
        any_type: bool,
    },
    /// Take what a Python expression gives, evaluated in a worker.
    #[serde(rename = "expr")]
    Expression {
        /// The expression: it sees the application's names, the arguments, and `output`.
        expr: String,
        /// Whatever type it has.
        #[serde(default)]
        any_type: bool,
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

/// What is sought of the next stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// A call that would execute.
    Fresh,
    /// A body that failed.
    Failed,
    /// A call that would act on the world.
    Effect,
}

/// Where to stop next.
#[derive(Clone, PartialEq, Debug)]
pub enum Goal {
    /// At the next call, wherever it is, and at each outcome.
    Into,
    /// At the next call or outcome that is not this call's or below it.
    Past(CallNo),
    /// At this call, before it or after it.
    At(CallNo),
    /// At the next call that a filter takes.
    To(Filter),
    /// At the next of a kind.
    Next(Want),
    /// At breakpoints alone.
    Continue,
}

/// A standing reason to stop.
#[derive(Clone, PartialEq, Debug)]
pub struct Breakpoint {
    /// Which calls, in the filter language.
    pub filter: Filter,
    /// The filter as it was written.
    pub text: String,
}

/// Stops the run when it has used this much; each limit stops it once.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Budget {
    /// Tokens.
    pub tokens: Option<u64>,
    /// Dollars.
    pub dollars: Option<f64>,
    /// Seconds since its start.
    pub seconds: Option<f64>,
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
    /// Tell the frames of the bodies that wait for this call, with what their names stand for.
    Frames {
        /// The call; it waits at the gate.
        call: CallNo,
    },
    /// Where to stop next. What waits goes on as proposed, unless the goal stops it again.
    Go(Goal),
    /// Let everything below this call (and it) go without asking again.
    LetCall(CallNo),
    /// Let every call of this function go without asking again.
    LetFunction(String),
    /// These are the breakpoints from now on.
    Breakpoints(Vec<Breakpoint>),
    /// These are the limits from now on; one that is reached already stops the run at once.
    Budget(Budget),
    /// Stop at the next call, leaving what waits.
    Pause,
    /// Nobody answers any more: go on to the end.
    Detach,
}

impl Ask {
    /// Where a step back leads: an outcome's own call, before it ran; else the call that was asked for before it.
    pub fn earlier(&self) -> CallNo {
        match self.moment {
            Moment::After => self.call,
            Moment::Before => self.call.saturating_sub(1).max(1),
        }
    }

    /// Whether the platform would do otherwise than is proposed.
    pub fn differs(&self) -> bool {
        let serves = matches!(self.proposed, Proposed::Serve { .. });
        // What somebody wants to be otherwise says nothing of checkpoints.
        let decided = matches!(self.proposed, Proposed::Serve { .. } | Proposed::Execute { .. });
        decided && self.platform.is_some_and(|reuses| reuses != serves)
    }

    /// The platform's verdict in a word: `reuse`, `re-execute`.
    pub fn platform_word(&self) -> Option<&'static str> {
        self.platform.map(|reuses| if reuses { "reuse" } else { "re-execute" })
    }

    /// The value that its caller would get, as far as it is known.
    pub fn output(&self) -> Option<&ValueRef> {
        match &self.proposed {
            Proposed::Serve { output, .. } | Proposed::Return { output } => Some(output),
            Proposed::Edit { was, .. } => was.as_ref(),
            Proposed::Execute { .. } | Proposed::Raise { .. } => None,
        }
    }
}
