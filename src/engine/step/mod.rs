//! Stepping through a run: where it stops, and what a person may answer there.
//!
//! In step mode the scheduler shows each call to a [`Stepper`] before it is served or executed, and each outcome of a
//! body before its caller sees it. The stepper, which is pure, says whether to stop there; what waits then is answered
//! with an [`Answer`]. Without a stepper nothing of this runs.
//!
//! Invariants: an outcome that waits for an answer is on disk; an answer that changes anything is an event of the run;
//! a run that dies at the gate is replayed up to it.

mod stepper;

pub use crate::model::gate::{
    Answer, Ask, Breakpoint, Budget, Fault, GateEvent, Goal, Moment, Proposed, StepCommand, Want,
};
pub use stepper::{Expected, Passing, Stepper};

use crate::base::ids::RunId;

/// Told of what happens at the gate, after the events that led there. Must be quick.
pub type Teller = Box<dyn FnMut(&RunId, GateEvent) + Send>;

/// A run is to be stepped through.
pub struct Stepping {
    /// Where it stops.
    pub stepper: Stepper,
    /// Who is told.
    pub tell: Teller,
}
