//! Runs that are stepped through: what waits at their gates, and the words for it.
//!
//! The call at the cursor is the selected one when it waits, else the one that has waited longest.

use crate::base::ids::{CallNo, RunId};
use crate::model::gate::{Ask, Fault, GateEvent, Moment, Proposed};
use crate::model::{ErrorInfo, RunHistory};

use super::editor::Editor;
use super::say::{self, Piece};
use super::state::{AppState, Tab};
use super::tone::Tone;

/// What a text that is edited is for.
#[derive(Clone, PartialEq, Debug)]
pub enum Edited {
    /// The input of a new run.
    Input,
    /// The output of a call that waits at the gate.
    Output(RunId, CallNo),
    /// The arguments of a call that waits at the gate.
    Arguments(RunId, CallNo),
    /// The output of a call that waits at the gate, as a Python expression.
    Expression(RunId, CallNo),
    /// The output of a recorded call, for a fork.
    Fork(RunId, CallNo),
    /// The arguments of a recorded call, for a fork.
    ForkInput(RunId, CallNo),
}

impl Edited {
    /// Whether it is about this call at the gate.
    pub fn is_of(&self, no: CallNo) -> bool {
        matches!(
            self,
            Edited::Output(_, call) | Edited::Arguments(_, call) | Edited::Expression(_, call) if *call == no
        )
    }
}

/// The gate of a run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Gate {
    /// What waits, in the order in which it came.
    pub waiting: Vec<Ask>,
    /// The run is being left for an earlier call of it.
    pub left: bool,
    /// What was written by hand and sent: when it is refused it is not lost.
    pub sent: Option<(Edited, String)>,
}

impl Gate {
    /// What is asked about a call.
    pub fn ask(&self, no: CallNo) -> Option<&Ask> {
        self.waiting.iter().find(|ask| ask.call == no)
    }

    /// Whether what was written by hand for a call is under way.
    pub fn is_sent(&self, no: CallNo) -> bool {
        self.sent.as_ref().is_some_and(|(what, _)| what.is_of(no))
    }

    /// Takes up what happened.
    pub fn apply(&mut self, event: &GateEvent) {
        match event {
            GateEvent::Asked(ask) => {
                self.waiting.retain(|held| held.call != ask.call);
                self.waiting.push(ask.clone());
            }
            GateEvent::Left { call } => {
                self.waiting.retain(|ask| ask.call != *call);
                self.sent.take_if(|(what, _)| what.is_of(*call));
            }
            GateEvent::Refused { .. } | GateEvent::Frames { .. } => {}
        }
    }
}

/// Choosing how a call is to fail: one of a list, or `Class: message` typed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FailLine {
    /// The row.
    pub at: usize,
    /// What was typed.
    pub editor: Editor,
}

/// Failures to choose from: what is injected, and what it is.
pub const FAULTS: [(&str, &str); 5] = [
    ("FunctionError", "the body raised; it may be retried"),
    ("RequestError", "the request is wrong; it is never retried"),
    ("TimeoutError", "it took longer than its timeout"),
    ("ConnectionError", "the other side could not be reached"),
    ("ValueError", "a value was not what it should be"),
];

impl FailLine {
    /// What is to be raised.
    pub fn fault(&self) -> Fault {
        let typed = self.editor.value();
        let (class, message) = match typed.split_once(':') {
            Some((class, message)) => (class.trim(), Some(message.trim().to_owned())),
            None => (typed.trim(), None),
        };
        let chosen = FAULTS.get(self.at).map_or("FunctionError", |(class, _)| *class);
        let class = if class.is_empty() { chosen } else { class };
        Fault {
            error: (class != "FunctionError").then(|| class.to_owned()),
            message: message.filter(|text| !text.is_empty()),
        }
    }
}

/// The list of breakpoints while it is open.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PointList {
    /// The row.
    pub at: usize,
    /// A new one that is being typed.
    pub typed: Option<Editor>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// An edited text that cannot be taken as it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Rejected {
    /// What it was for.
    pub what: Edited,
    /// The text.
    pub text: String,
    /// Why not.
    pub why: String,
    /// Whether it may be taken all the same.
    pub may: bool,
}

impl AppState {
    /// The gate of the run that is shown, when it is stepped through.
    pub fn gate(&self) -> Option<&Gate> {
        self.stepping.get(self.runs.selected.as_ref()?)
    }

    /// What the keys of the gate are about.
    pub fn asked(&self) -> Option<&Ask> {
        let gate = self.gate()?;
        let selected = self.current().map_or(0, |open| open.selected);
        gate.ask(selected).or_else(|| gate.waiting.first())
    }

    /// Whether a call of the run that is shown waits.
    pub fn waits(&self, no: CallNo) -> bool {
        self.gate().is_some_and(|gate| gate.ask(no).is_some())
    }

    /// The error with which a call waits behind its body.
    pub fn offered_error(&self, no: CallNo) -> Option<&ErrorInfo> {
        match &self.gate()?.ask(no)?.proposed {
            Proposed::Raise { error } => Some(error),
            _ => None,
        }
    }

    /// Whether a run stands still because something of it waits.
    pub fn paused(&self, run: &RunId) -> bool {
        self.stepping.get(run).is_some_and(|gate| !gate.waiting.is_empty())
    }

    /// The same for the run that is shown.
    pub fn is_paused(&self) -> bool {
        self.runs.selected.as_ref().is_some_and(|run| self.paused(run))
    }

    /// The inspector's tab that matters for a call that waits: what it is asked, then what came out.
    pub fn gate_tab(&self, no: CallNo) -> Tab {
        match self.gate().and_then(|gate| gate.ask(no)).map(|ask| &ask.proposed) {
            Some(Proposed::Return { .. }) => Tab::Output,
            Some(Proposed::Raise { .. }) => Tab::Attempts,
            _ => Tab::Input,
        }
    }
}

/// The word of the bottom line for going on as proposed.
pub fn go_word(ask: &Ask) -> &'static str {
    match (&ask.proposed, ask.moment) {
        (Proposed::Serve { .. }, _) => "serve",
        (Proposed::Execute { .. }, _) => "execute",
        (Proposed::Edit { .. }, _) => "take edit",
        (Proposed::Return { .. } | Proposed::Raise { .. }, Moment::After) => "accept",
        (Proposed::Return { .. } | Proposed::Raise { .. }, Moment::Before) => "take",
    }
}

/// What would happen, in a few words.
fn would(ask: &Ask) -> (Tone, String) {
    let because = |what: &str, why: &Option<String>| match why {
        Some(why) => format!("{what}: {why}"),
        None => what.to_owned(),
    };
    match &ask.proposed {
        Proposed::Serve { origin, reason, .. } => {
            let from = format!("would be served from run {}", origin.run.short());
            (Tone::Quiet, because(&from, reason))
        }
        Proposed::Execute { in_doubt: Some(origin), .. } => {
            let run = origin.run.short();
            (Tone::Warning, format!("in doubt: it had started in run {run} and nobody knows how it ended"))
        }
        Proposed::Execute { reason, .. } => (Tone::Active, because("would execute", reason)),
        Proposed::Edit { edit, .. } => (Tone::Marked, because("would be edited", &Some(edit.reason()))),
        Proposed::Return { .. } if ask.moment == Moment::Before => {
            (Tone::Quiet, "would get what it gave before; its effect is not repeated".to_owned())
        }
        Proposed::Return { .. } => (Tone::Good, "returned; its caller has not seen it".to_owned()),
        Proposed::Raise { error } => (Tone::Bad, format!("failed: {}", error.brief())),
    }
}

/// The line above the panes while a run is stepped through: where one is. When space is short, what matters least goes.
pub fn line(state: &AppState, run: &RunHistory) -> Vec<Piece> {
    let Some(gate) = state.gate() else { return Vec::new() };
    let piece =
        |rank: u8, gap: u16, tone: Tone, words: String| Piece { rank, gap, words: vec![(tone, words)] };
    let Some(ask) = state.asked() else {
        let words = if gate.left { "going back …" } else { "goes on to the next stop …" };
        return vec![
            piece(0, 0, Tone::Active, "STEPPING".to_owned()),
            piece(0, 2, Tone::Quiet, words.to_owned()),
        ];
    };
    let call = run.call(ask.call);
    let name = call.map_or_else(|| format!("call {}", ask.call), |call| say::place_in_tree(run, call));
    let moment = if ask.moment == Moment::Before { "before" } else { "after" };
    let mut out = vec![piece(0, 0, Tone::Focus, format!("PAUSED {moment} {name}"))];
    let (tone, words) = would(ask);
    out.push(piece(0, 3, tone, words));
    if matches!(&gate.sent, Some((what @ Edited::Expression(..), _)) if what.is_of(ask.call)) {
        out.push(piece(0, 3, Tone::Active, "evaluates …".to_owned()));
    }
    if let Some(word) = ask.platform_word() {
        // That both would do the same is the least of all.
        let (rank, tone, but) = if ask.differs() { (1, Tone::Warning, "but ") } else { (4, Tone::Quiet, "") };
        out.push(piece(rank, 3, tone, format!("{but}platform: {word}")));
    }
    if ask.effect {
        out.push(piece(1, 3, Tone::Warning, "acts on the world".to_owned()));
    }
    let others = gate.waiting.len() - 1;
    if others > 0 {
        let verb = if others == 1 { "waits" } else { "wait" };
        out.push(piece(2, 3, Tone::Text, format!("{others} more {verb}")));
    }
    if let Some(point) = &ask.stopped_by {
        out.push(piece(3, 3, Tone::Marked, format!("stopped by {point}")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_failure_names_class_and_message() {
        let fault = |text: &str, at| {
            let fault = FailLine { at, editor: Editor::new(text) }.fault();
            (fault.error.unwrap_or_default(), fault.message.unwrap_or_default())
        };
        assert_eq!(fault("", 0), (String::new(), String::new()));
        assert_eq!(fault("", 2), ("TimeoutError".to_owned(), String::new()));
        assert_eq!(fault("KeyError: no seat", 2), ("KeyError".to_owned(), "no seat".to_owned()));
        assert_eq!(fault(": no seat", 1), ("RequestError".to_owned(), "no seat".to_owned()));
    }
}
