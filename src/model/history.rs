//! The projection of a run's events to its call tree.
//!
//! Invariant: live, finished and imported runs all go through [`RunHistory::apply`]; applying a prefix of the
//! log and then the rest gives the same as applying all of it.

use rustc_hash::FxHashMap as HashMap;

use super::call::{Call, CallKind, CallStatus, ErrorInfo, FailedAttempt, ValueRef};
use super::event::{AnswerKind, Event, EventKind, Level, Mode, Purpose, RunStatus, Stream};
use super::summary::{Counts, RunSummary, Saved, Spent, add_end};
use super::witness::CodeKnown;
use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};

/// A piece of text that a call wrote.
#[derive(Clone, PartialEq, Debug)]
pub struct LogLine {
    /// The call, 0 when unknown.
    pub call: CallNo,
    /// When.
    pub at: Micros,
    /// Where to.
    pub stream: Stream,
    /// The text, unsanitised.
    pub text: String,
}

/// A change of request state.
#[derive(Clone, PartialEq, Debug)]
pub struct StateChange {
    /// The call that set it.
    pub call: CallNo,
    /// The key.
    pub key: String,
    /// The value.
    pub value: ValueRef,
}

/// A sentence about the run.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// The call, 0 for the run.
    pub call: CallNo,
    /// How much it matters.
    pub level: Level,
    /// The sentence.
    pub text: String,
}

/// A metric that a call recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct Metric {
    /// The call.
    pub call: CallNo,
    /// Its name.
    pub name: String,
    /// True for a timer.
    pub timer: bool,
    /// Increment, or seconds.
    pub value: f64,
}

/// Everything that is known of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct RunHistory {
    /// The run's id.
    pub id: RunId,
    /// The application.
    pub app: String,
    /// Absolute path of its file.
    pub file: String,
    /// How it reuses.
    pub mode: Mode,
    /// The run that it replays.
    pub parent: Option<RunId>,
    /// The input: a JSON-compatible dict by parameter name.
    pub input: Option<ValueRef>,
    /// Interpreter version.
    pub python: String,
    /// Where it stands.
    pub status: RunStatus,
    /// First event's time.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// The application's output.
    pub output: Option<ValueRef>,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// Calls by number: `calls[no - 1]`.
    pub calls: Vec<Call>,
    /// Children by parent number (0: the root alone), in the order in which they were asked for.
    pub children: HashMap<CallNo, Vec<CallNo>>,
    /// What calls wrote.
    pub logs: Vec<LogLine>,
    /// Changes of request state, in order.
    pub state: Vec<StateChange>,
    /// Metrics, in order.
    pub metrics: Vec<Metric>,
    /// Notices, in order.
    pub notices: Vec<Notice>,
    /// What the code of its functions was.
    pub codes: Vec<CodeKnown>,
    /// Calls by status.
    pub counts: Counts,
    /// What was spared.
    pub saved: Saved,
    /// What executed calls used.
    pub spent: Spent,
    /// Sequence number of the last event applied.
    pub last_seq: u64,
    /// What it is for.
    pub purpose: Purpose,
}

impl RunHistory {
    /// A run of which nothing is known yet.
    pub fn new(id: RunId) -> Self {
        RunHistory {
            id,
            app: String::new(),
            file: String::new(),
            mode: Mode::Fresh,
            parent: None,
            input: None,
            python: String::new(),
            status: RunStatus::Running,
            started_at: 0,
            ended_at: None,
            output: None,
            error: None,
            calls: Vec::new(),
            children: HashMap::default(),
            logs: Vec::new(),
            state: Vec::new(),
            metrics: Vec::new(),
            notices: Vec::new(),
            codes: Vec::new(),
            counts: Counts::default(),
            saved: Saved::default(),
            spent: Spent::default(),
            last_seq: 0,
            purpose: Purpose::default(),
        }
    }

    /// The call with this number.
    pub fn call(&self, no: CallNo) -> Option<&Call> {
        self.calls.get((no as usize).checked_sub(1)?)
    }

    fn call_mut(&mut self, no: CallNo) -> Option<&mut Call> {
        self.calls.get_mut((no as usize).checked_sub(1)?)
    }

    /// What is known of a function's code.
    pub fn code(&self, function: &str, code: &Digest) -> Option<&CodeKnown> {
        self.codes.iter().find(|known| known.code == *code && known.function == function)
    }

    /// The numbers of a node's children in the order in which they were asked for.
    pub fn children(&self, no: CallNo) -> &[CallNo] {
        self.children.get(&no).map_or(&[], Vec::as_slice)
    }

    /// Applies the next event. An event that is already known (by its sequence number) changes nothing.
    pub fn apply(&mut self, event: &Event) {
        if event.seq <= self.last_seq {
            return;
        }
        self.last_seq = event.seq;
        match &event.kind {
            EventKind::RunStarted { app, file, mode, parent, input, python, purpose, .. } => {
                self.purpose.clone_from(purpose);
                self.app.clone_from(app);
                self.file.clone_from(file);
                self.mode = *mode;
                self.parent.clone_from(parent);
                self.input = Some(input.clone());
                self.python.clone_from(python);
                self.started_at = event.at;
            }
            EventKind::CallAsked(asked) => self.asked(event.at, asked),
            EventKind::CallStarted { no, attempt, .. } => {
                let (no, attempt) = (*no, *attempt);
                if let Some(call) = self.call_mut(no) {
                    call.attempts = attempt;
                    call.started_at = Some(event.at);
                }
                self.set_status(no, CallStatus::Running);
            }
            EventKind::AttemptFailed { no, error, .. } => {
                if let Some(call) = self.call_mut(*no) {
                    call.failed_attempts.push(FailedAttempt {
                        started_at: call.started_at.unwrap_or(event.at),
                        ended_at: event.at,
                        error: error.clone(),
                    });
                }
                self.set_status(*no, CallStatus::Pending);
            }
            EventKind::CallEnded(ended) => self.ended(event.at, ended),
            EventKind::Progress { no, current, total, message } => {
                if let Some(call) = self.call_mut(*no) {
                    call.progress = Some(Box::new((*current, *total, message.clone())));
                }
            }
            EventKind::Metric { no, name, timer, value } => {
                self.metrics.push(Metric { call: *no, name: name.clone(), timer: *timer, value: *value });
            }
            EventKind::Log { no, stream, text } => {
                self.logs.push(LogLine { call: *no, at: event.at, stream: *stream, text: text.clone() });
            }
            EventKind::StateSet { no, key, value } => {
                self.state.push(StateChange { call: *no, key: key.clone(), value: value.clone() });
            }
            EventKind::Notice { no, level, text } => {
                self.notices.push(Notice { call: *no, level: *level, text: text.clone() });
            }
            EventKind::RunEnded { status, output, error } => {
                self.output.clone_from(output);
                self.error.clone_from(error);
                self.close(*status, event.at);
                self.blame_root(error.as_ref());
            }
            EventKind::Offered(ended) => {
                if let Some(call) = self.call_mut(ended.no) {
                    call.offered = Some(ended.clone());
                }
            }
            EventKind::Answered(answered) => self.answered(answered),
            EventKind::CodeKnown(known) => self.codes.push((**known).clone()),
        }
    }

    fn asked(&mut self, at: Micros, asked: &super::event::CallAsked) {
        let call = Call {
            no: asked.no,
            parent: asked.parent,
            kind: asked.kind,
            function: asked.function.clone(),
            ordinal: asked.ordinal,
            status: CallStatus::Pending,
            reason: asked.reason.clone(),
            key: asked.key,
            code: asked.code,
            durable_id: asked.durable_id,
            durable: asked.durable,
            effect: asked.effect,
            attempts: 0,
            parent_attempt: asked.parent_attempt,
            asked_at: at,
            started_at: None,
            ended_at: None,
            wall_us: 0,
            input: asked.input.clone(),
            output: None,
            error: None,
            origin: None,
            usage: None,
            site: asked.site.clone(),
            progress: None,
            state_reads: Vec::new(),
            reads: Vec::new(),
            offered: None,
            answers: Vec::new(),
            failed_attempts: Vec::new(),
            pickled: asked.pickled,
        };
        // Numbers are given in the order of events, so this is a push; a gap would be a damaged log.
        if self.calls.len() + 1 == asked.no as usize {
            self.counts.shift(&call, None, CallStatus::Pending);
            self.children.entry(asked.parent).or_default().push(asked.no);
            self.calls.push(call);
        }
    }

    /// Looks at the run as if this call had been asked for next; it gets the next number. Nothing is kept of it.
    pub fn supposing<T>(&mut self, mut call: Call, look: impl FnOnce(&RunHistory, CallNo) -> T) -> T {
        let (no, parent) = (self.calls.len() as CallNo + 1, call.parent);
        call.no = no;
        self.children.entry(parent).or_default().push(no);
        self.calls.push(call);
        let seen = look(self, no);
        self.calls.pop();
        if let Some(siblings) = self.children.get_mut(&parent) {
            siblings.pop();
            if siblings.is_empty() {
                self.children.remove(&parent);
            }
        }
        seen
    }

    fn answered(&mut self, answered: &super::event::Answered) {
        let Some(call) = self.call_mut(answered.no) else { return };
        call.offered = None;
        if answered.answer == AnswerKind::Arguments {
            // Its key stays what was asked for: that is what a replay asks for again.
            call.input.clone_from(&answered.now);
        }
        call.answers.push(answered.clone());
    }

    fn ended(&mut self, at: Micros, ended: &super::event::CallEnded) {
        let Some(call) = self.call_mut(ended.no) else { return };
        call.offered = None;
        call.ended_at = Some(at);
        call.wall_us = ended.wall_us;
        call.output.clone_from(&ended.output);
        // Most calls have none; a hundred thousand that may have one must not be the larger for it.
        call.error = ended.error.clone().map(Box::new);
        call.origin.clone_from(&ended.origin);
        call.usage.clone_from(&ended.usage);
        call.state_reads.clone_from(&ended.state_reads);
        call.reads.clone_from(&ended.reads);
        if ended.status == CallStatus::Cached && call.started_at.is_none() {
            call.started_at = Some(at);
        }
        let kind = call.kind;
        let leaf = self.children(ended.no).is_empty();
        add_end(&mut self.spent, &mut self.saved, kind, ended, leaf);
        self.set_status(ended.no, ended.status);
    }

    fn set_status(&mut self, no: CallNo, status: CallStatus) {
        let Some(call) = self.calls.get_mut((no as usize).wrapping_sub(1)) else { return };
        let from = call.status;
        call.status = status;
        self.counts.shift(call, Some(from), status);
    }

    /// Closes a run: what still ran is in doubt when the engine died, cancelled otherwise.
    ///
    /// Also called by readers for a run whose engine is known to be dead and that has no last event.
    pub fn close(&mut self, status: RunStatus, at: Micros) {
        self.status = status;
        self.ended_at = Some(at);
        for no in 1..=self.calls.len() as CallNo {
            // Its body had ended, and that was on disk: only nobody had looked at it yet.
            if let Some(offered) = self.call_mut(no).and_then(|call| call.offered.take()) {
                self.ended(at, &offered);
                continue;
            }
            let Some(call) = self.call(no) else { continue };
            let waits = !self.children(no).is_empty();
            let open = match call.status {
                // A caller's outcome follows from what it called; only what calls nothing is in doubt.
                CallStatus::Running
                    if status == RunStatus::Interrupted && call.kind == CallKind::Call && !waits =>
                {
                    CallStatus::InDoubt
                }
                CallStatus::Running | CallStatus::Pending => CallStatus::Cancelled,
                _ => continue,
            };
            self.set_status(no, open);
        }
    }

    /// What stops a run from above its calls (an effect that would be repeated, a replay that parts from its record) is
    /// told nowhere but at the run's end: readers of calls find it at the application's own.
    fn blame_root(&mut self, error: Option<&ErrorInfo>) {
        let failed = matches!(self.status, RunStatus::Failed | RunStatus::Mismatch);
        if let (true, Some(error)) = (failed, error)
            && let Some(root) = self.call_mut(1)
            && root.output.is_none()
            && root.error.is_none()
        {
            root.error = Some(Box::new(error.clone()));
        }
    }

    /// The run in one line.
    pub fn summary(&self, pinned: bool) -> RunSummary {
        RunSummary {
            id: self.id.clone(),
            app: self.app.clone(),
            file: self.file.clone(),
            mode: self.mode,
            parent: self.parent.clone(),
            status: self.status,
            started_at: self.started_at,
            ended_at: self.ended_at,
            counts: self.counts,
            tokens: self.spent.tokens,
            cost_usd: self.known_cost(),
            saved: self.saved,
            pinned,
            purpose: self.purpose.clone(),
            priced_usd: self.spent.cost_usd,
        }
    }

    /// Dollars spent, `None` when some price is unknown.
    pub fn known_cost(&self) -> Option<f64> {
        self.spent.known_cost()
    }

    /// Whether `no` lies below `ancestor` (or is it).
    pub fn is_within(&self, no: CallNo, ancestor: CallNo) -> bool {
        let mut at = no;
        while at != 0 {
            if at == ancestor {
                return true;
            }
            at = self.call(at).map_or(0, |call| call.parent);
        }
        false
    }
}

#[cfg(test)]
pub mod test_support {
    //! Small histories for tests of the floors above.
    use super::*;
    use crate::base::digest::Digest;
    use crate::model::event::CallAsked;

    /// A running history with these nodes: (function, parent, kind, ordinal).
    pub fn history(nodes: &[(&str, CallNo, CallKind, u32)]) -> RunHistory {
        let mut run = RunHistory::new(RunId::from_text("0123456789ab"));
        for (i, (function, parent, kind, ordinal)) in nodes.iter().enumerate() {
            let no = i as CallNo + 1;
            let asked = CallAsked {
                no,
                parent: *parent,
                parent_attempt: 1,
                kind: *kind,
                function: (*function).to_owned(),
                ordinal: *ordinal,
                key: Digest::of(&no.to_le_bytes()),
                code: Digest::default(),
                durable_id: Digest::default(),
                durable: true,
                input: None,
                site: None,
                reason: None,
                effect: false,
                pickled: None,
            };
            run.apply(&Event { seq: u64::from(no), at: 0, kind: EventKind::CallAsked(Box::new(asked)) });
        }
        run
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
