//! What goes into `update` and what comes out: messages, effects, and the plain data they carry.
//!
//! Everything here is data; the terminal floor's `backend` module re-exports the types that an engine must know.

mod effect;
mod project;
mod reply;
mod value;

use std::sync::Arc;

use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId};
pub use crate::model::fork::{Fork, ForkEffects, ForkPlan};
use crate::model::gate::{Breakpoint, Budget, GateEvent, Goal};
use crate::model::{Event, Mode};

use super::blast::Said;
use super::command::CommandId;
pub use super::gate::Edited;
use super::keys::Key;
use super::pointer::Mouse;

pub use effect::Effect;
pub use project::{AppInfo, Param, ProjectInfo, SourceFile, Sources};
pub use reply::Reply;
pub use value::{AnswerHead, Ask, Payload, Picture, Piece, Purpose, Tokens, ValueRow, ValueView};

/// What is injected into `update`.
#[derive(Clone, Copy, Debug)]
pub struct Env {
    /// The time of this batch.
    pub now: Micros,
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
    /// A recorded call executed several times, and nothing else.
    Resample {
        /// The run.
        run: RunId,
        /// The call.
        call: CallNo,
        /// How often.
        count: u32,
        /// Whether it may act on the world.
        effects: bool,
    },
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
    /// The same about something that went wrong.
    Failed(String),
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
