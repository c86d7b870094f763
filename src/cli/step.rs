//! `tl-bench step [RUN]`: a replay that is driven from standard input, one JSON object a line (docs/step.md).
//!
//! What waits at the gate, and how the run goes on, is written to standard output in the same form. When the input
//! ends, the run goes on to its end.

use std::collections::{HashMap, VecDeque};
use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde::Deserialize;
use serde_json::{Value, json};

use super::args::StepArgs;
use super::context::{Context, value_json};
use super::error::{CliError, Exit};
use super::launch::{self, replay_spec, replay_store};
use super::signals::{Came, Interrupts};
use super::view;
use crate::base::clock::SystemClock;
use crate::base::ids::{CallNo, RunId, call_id};
use crate::engine::step::{
    Answer, Ask, Breakpoint, Budget, GateEvent, Goal, Proposed, StepCommand, Stepper, Stepping, Want,
};
use crate::engine::{self, Ending, RunHandle, RunSpec};
use crate::model::filter::Filter;
use crate::model::fork::Edit;
use crate::model::frames::Stack;
use crate::model::points;
use crate::model::{Event, RunHistory, RunStatus, ValueRef};
use crate::store::Store;
use crate::value::view::ViewLimits;

/// A line of the input.
#[derive(Deserialize, Debug)]
#[serde(tag = "cmd", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// Answers a call that waits.
    Answer { call: Option<String>, answer: Answer },
    /// To the next call or outcome.
    Into,
    /// Past a call and all below it.
    Over { call: Option<String> },
    /// Past the caller of a call.
    Out { call: Option<String> },
    /// To the next call that a filter takes.
    To { filter: String },
    /// To the next of a kind: `fresh`, `failed`, `effect`.
    Next { want: String },
    /// To the next breakpoint.
    Continue,
    /// Lets a call with all below it, or a function, go for good.
    Let { call: Option<String>, function: Option<String> },
    /// Replaces the breakpoints.
    Break { filters: Vec<String> },
    /// Stops at the next call.
    Pause,
    /// Goes back to a call (without one: to the one before): the run ends, and a replay of it stops there.
    Back { call: Option<String> },
    /// Prints the frames of the bodies that wait for a call.
    Frames { call: Option<String> },
    /// Prints a call with its values.
    Show { call: String },
    /// Ends the run.
    Stop,
}

impl Line {
    /// Whether it is about a call that waits.
    fn is_of_a_call(&self) -> bool {
        !matches!(self, Line::Pause | Line::Stop | Line::Break { .. } | Line::Show { .. })
    }
}

/// Rings when the engine lets go of it: the run has ended and everything was told.
struct Bell(Sender<Message>);

impl Drop for Bell {
    fn drop(&mut self) {
        let _ = self.0.send(Message::RunEnded);
    }
}

enum Message {
    Events(Vec<Event>),
    Gate(GateEvent),
    Line(String),
    InputEnded,
    RunEnded,
}

/// A run at the gate.
struct Session<'a> {
    context: &'a Context,
    store: &'a Store,
    handle: RunHandle,
    came: Came,
    history: RunHistory,
    waiting: Vec<CallNo>,
    /// What is asked about the calls at the gate, those that were answered a moment ago included.
    asks: HashMap<CallNo, Ask>,
    /// Calls whose output is being evaluated: they may be answered otherwise meanwhile.
    evaluating: Vec<CallNo>,
    /// Lines that came while nothing waited: they are about the next call that does.
    lines: VecDeque<String>,
    input_ended: bool,
    /// The run goes on to its end without stopping.
    let_go: bool,
    events: bool,
}

/// `tl-bench step [RUN]`.
pub fn run(context: &Context, args: &StepArgs) -> Result<Exit, CliError> {
    let store = replay_store(context)?;
    let mut spec = replay_spec(context, &store, &args.replay)?;
    if args.replay.effects.is_none() {
        spec.effects = engine::Effects::Ask;
    }
    let mut breakpoints = breakpoints_of(&args.breakpoints).map_err(CliError::usage)?;
    let budget =
        Budget { tokens: args.budget_tokens, dollars: args.budget_dollars, seconds: args.budget_seconds };
    let limited = budget != Budget::default();
    let mut goal = if breakpoints.is_empty() && !limited { Goal::Into } else { Goal::Continue };
    let (kept, limit) = points::active(&super::breakpoints::load(context).map_err(CliError::usage)?);
    breakpoints.extend(kept);
    let budget = Budget {
        tokens: budget.tokens.or(limit.tokens),
        dollars: budget.dollars.or(limit.dollars),
        seconds: budget.seconds.or(limit.seconds),
    };
    let (send, inbox) = channel();
    read_input(send.clone());
    let mut input = (VecDeque::new(), false);
    loop {
        let stepper = Stepper::new(goal, breakpoints.clone(), budget);
        let mut session = Session::start(context, &store, spec.clone(), stepper, &send, args)?;
        (session.lines, session.input_ended) = input;
        match session.follow(&inbox, &mut breakpoints)? {
            None => return session.finish(),
            Some(to) => {
                let run = session.history.id.clone();
                session.handle.kill();
                session.handle.wait();
                input = (std::mem::take(&mut session.lines), session.input_ended);
                keep_lines(&inbox, &send);
                spec.parent = Some(run);
                spec.back = true;
                (spec.from, spec.edits) = (None, Vec::new());
                goal = Goal::At(to);
            }
        }
    }
}

/// What a run that has ended still said is of no use to the next one; what was typed is.
fn keep_lines(inbox: &Receiver<Message>, send: &Sender<Message>) {
    let kept: Vec<Message> = inbox
        .try_iter()
        .filter(|message| matches!(message, Message::Line(_) | Message::InputEnded))
        .collect();
    for message in kept {
        let _ = send.send(message);
    }
}

fn read_input(send: Sender<Message>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if !line.trim().is_empty() && send.send(Message::Line(line)).is_err() {
                return;
            }
        }
        let _ = send.send(Message::InputEnded);
    });
}

fn breakpoints_of(filters: &[String]) -> Result<Vec<Breakpoint>, String> {
    filters
        .iter()
        .map(|text| match Filter::parse(text) {
            Ok(filter) => Ok(Breakpoint { filter, text: text.clone() }),
            Err(error) => Err(format!("breakpoint {text}: {error}\n{}", error.pointer(text))),
        })
        .collect()
}

impl<'a> Session<'a> {
    fn start(
        context: &'a Context,
        store: &'a Store,
        spec: RunSpec,
        stepper: Stepper,
        send: &Sender<Message>,
        args: &StepArgs,
    ) -> Result<Self, CliError> {
        let parent = spec.parent.clone();
        let (bell, gate) = (Bell(send.clone()), send.clone());
        let observer = Box::new(move |_: &RunId, batch: &[Event]| {
            let _ = bell.0.send(Message::Events(batch.to_vec()));
        });
        let tell = Box::new(move |_: &RunId, event| {
            let _ = gate.send(Message::Gate(event));
        });
        let interrupts = Interrupts::hear();
        let handle =
            engine::start_stepping(store, spec, Arc::new(SystemClock), observer, Stepping { stepper, tell })?;
        let came = interrupts.stop(handle.commands(), context.out);
        let id = handle.id.clone();
        let session = Session {
            context,
            store,
            handle,
            came,
            history: RunHistory::new(id),
            waiting: Vec::new(),
            asks: HashMap::new(),
            evaluating: Vec::new(),
            lines: VecDeque::new(),
            input_ended: false,
            let_go: false,
            events: args.replay.output.events,
        };
        session.say(&json!({"t": "run", "run": session.history.id, "parent": parent}));
        Ok(session)
    }

    fn say(&self, value: &Value) {
        self.context.out.record(value);
    }

    /// Until the run ends (`None`), or is left for an earlier call.
    fn follow(
        &mut self,
        inbox: &Receiver<Message>,
        breakpoints: &mut Vec<Breakpoint>,
    ) -> Result<Option<CallNo>, CliError> {
        for message in inbox {
            match message {
                Message::Events(batch) => {
                    for event in batch {
                        if self.events {
                            let mut line = view::event_json(&self.history.id, &event);
                            line["t"] = json!("event");
                            self.say(&line);
                        }
                        self.history.apply(&event);
                    }
                }
                Message::Gate(event) => self.gate(event)?,
                Message::Line(text) => self.lines.push_back(text),
                Message::InputEnded => self.input_ended = true,
                Message::RunEnded => return Ok(None),
            }
            if let Some(back) = self.read_lines(breakpoints) {
                return Ok(Some(back));
            }
        }
        Ok(None)
    }

    /// Obeys the lines that have come, as long as there is something to say them of.
    fn read_lines(&mut self, breakpoints: &mut Vec<Breakpoint>) -> Option<CallNo> {
        while let Some(text) = self.lines.front() {
            let line = match crate::base::json::tagged::<Line>(text) {
                Ok(line)
                    if self.waiting.is_empty() && line.is_of_a_call() && !self.is_of_evaluating(&line) =>
                {
                    return None;
                }
                Ok(line) => line,
                Err(error) => {
                    self.say(&json!({"t": "error", "error": format!("not a command: {error}")}));
                    self.lines.pop_front();
                    continue;
                }
            };
            self.lines.pop_front();
            match self.obey(line, breakpoints) {
                Ok(Some(back)) => return Some(back),
                Ok(None) => {}
                Err(why) => self.say(&json!({"t": "error", "error": why})),
            }
        }
        if self.input_ended && !std::mem::replace(&mut self.let_go, true) {
            // Nobody will answer any more.
            self.handle.step(StepCommand::Detach);
        }
        None
    }

    /// Whether a line names a call whose output is being evaluated.
    fn is_of_evaluating(&self, line: &Line) -> bool {
        let (Line::Answer { call: Some(call), .. } | Line::Frames { call: Some(call) }) = line else {
            return false;
        };
        self.call(Some(call)).is_ok_and(|call| self.evaluating.contains(&call))
    }

    fn gate(&mut self, event: GateEvent) -> Result<(), CliError> {
        match event {
            GateEvent::Asked(ask) => {
                self.waiting.push(ask.call);
                let line = self.ask(&ask)?;
                self.asks.insert(ask.call, ask);
                self.say(&line);
            }
            GateEvent::Left { call } => {
                self.waiting.retain(|waits| *waits != call);
                self.evaluating.retain(|waits| *waits != call);
                self.asks.remove(&call);
                self.say(&json!({"t": "left", "call": self.name(call)}));
            }
            GateEvent::Refused { call, why } => {
                self.evaluating.retain(|waits| *waits != call);
                if !self.waiting.contains(&call) && self.asks.contains_key(&call) {
                    self.waiting.push(call);
                }
                self.say(&json!({"t": "error", "call": self.name(call), "error": why}));
            }
            GateEvent::Frames { call, stacks } => {
                let stacks: Vec<Value> = stacks.iter().map(|stack| self.stack(stack)).collect();
                self.say(&json!({"t": "frames", "call": self.name(call), "stacks": stacks}));
            }
        }
        Ok(())
    }

    fn name(&self, call: CallNo) -> String {
        call_id(&self.history.id, call)
    }

    /// A stack, with the call as everything else names calls.
    fn stack(&self, stack: &Stack) -> Value {
        let mut shown = json!(stack);
        shown["call"] = json!(self.name(stack.call));
        shown["path"] = json!(crate::model::path::path(&self.history, stack.call));
        shown
    }

    fn ask(&self, ask: &Ask) -> Result<Value, CliError> {
        let shown = |value: &ValueRef| -> Result<Value, CliError> {
            Ok(value_json(self.store, value, &ViewLimits::default())?.json)
        };
        let call = self.history.call(ask.call);
        let mut line = json!({
            "t": "asked",
            "moment": ask.moment,
            "call": self.name(ask.call),
            "path": crate::model::path::path(&self.history, ask.call),
            "function": call.map(|call| &call.function),
            "at": call.and_then(|call| call.site.as_ref()).map(|site| json!([site.file, site.line])),
            "effect": ask.effect,
            "stopped_by": ask.stopped_by,
            "platform": ask.platform_word(),
            "waiting": self.waiting.iter().map(|call| self.name(*call)).collect::<Vec<_>>(),
        });
        if let Some(input) = call.and_then(|call| call.input.as_ref()) {
            line["input"] = shown(input)?;
        }
        match &ask.proposed {
            Proposed::Serve { origin, output, reason } => {
                line["would"] = json!("serve");
                line["from"] = json!({"run": origin.run, "call": call_id(&origin.run, origin.call)});
                line["output"] = shown(output)?;
                line["reason"] = json!(reason);
            }
            Proposed::Execute { reason, in_doubt } => {
                line["would"] = json!("execute");
                line["reason"] = json!(reason);
                line["in_doubt"] = json!(in_doubt.is_some());
            }
            Proposed::Edit { edit, .. } => {
                line["would"] = json!("edit");
                line["reason"] = json!(edit.reason());
                match edit {
                    Edit::Output(value) => line["output"] = value.clone(),
                    Edit::Arguments(value) => line["arguments"] = value.clone(),
                    Edit::Taken(taken) => {
                        let from = &taken.from;
                        line["from"] = json!({"run": from.run, "call": call_id(&from.run, from.call)});
                        line["output"] = shown(&taken.value)?;
                    }
                }
            }
            Proposed::Return { output } => {
                line["would"] = json!("return");
                line["output"] = shown(output)?;
            }
            Proposed::Raise { error } => {
                line["would"] = json!("raise");
                line["error"] = json!(error);
            }
        }
        Ok(line)
    }

    /// The call that a command names; without a name the one that waits longest.
    fn call(&self, text: Option<&str>) -> Result<CallNo, String> {
        match text {
            Some(text) => self.context.call(&self.history, text).map_err(|error| error.to_string()),
            None => self.waiting.first().copied().ok_or_else(|| "no call waits".to_owned()),
        }
    }

    /// Does what a line says; the call to go back to, if that is what it says.
    fn obey(&mut self, line: Line, breakpoints: &mut Vec<Breakpoint>) -> Result<Option<CallNo>, String> {
        let command = match line {
            Line::Answer { call, answer } => {
                StepCommand::Answer { call: self.call(call.as_deref())?, answer }
            }
            Line::Frames { call } => StepCommand::Frames { call: self.call(call.as_deref())? },
            Line::Into => StepCommand::Go(Goal::Into),
            Line::Over { call } => StepCommand::Go(Goal::Past(self.call(call.as_deref())?)),
            Line::Out { call } => {
                let call = self.call(call.as_deref())?;
                let caller = self.history.call(call).map_or(1, |call| call.parent.max(1));
                StepCommand::Go(Goal::Past(caller))
            }
            Line::To { filter } => {
                let filter = breakpoints_of(&[filter])?.remove(0).filter;
                StepCommand::Go(Goal::To(filter))
            }
            Line::Next { want } => StepCommand::Go(Goal::Next(match want.as_str() {
                "fresh" => Want::Fresh,
                "failed" => Want::Failed,
                "effect" => Want::Effect,
                other => return Err(format!("next {other}: use fresh, failed or effect")),
            })),
            Line::Continue => StepCommand::Go(Goal::Continue),
            Line::Let { call, function: None } => StepCommand::LetCall(self.call(call.as_deref())?),
            Line::Let { function: Some(name), .. } => StepCommand::LetFunction(name),
            Line::Break { filters } => {
                *breakpoints = breakpoints_of(&filters)?;
                StepCommand::Breakpoints(breakpoints.clone())
            }
            Line::Pause => StepCommand::Pause,
            Line::Back { call } => {
                let here = self.call(call.as_deref())?;
                let earlier = || self.asks.get(&here).map_or(here, Ask::earlier);
                return Ok(Some(if call.is_some() { here } else { earlier() }));
            }
            Line::Show { call } => {
                let no = self.call(Some(&call))?;
                let shown = super::show::call_document(self.store, &self.history, no);
                let mut shown = shown.map_err(|error| error.to_string())?;
                shown["t"] = json!("call");
                self.say(&shown);
                return Ok(None);
            }
            Line::Stop => {
                self.handle.kill();
                return Ok(None);
            }
        };
        // What is answered waits no longer, so the next line is about the next call.
        match &command {
            StepCommand::Answer { call, answer } => {
                self.waiting.retain(|waits| waits != call);
                if matches!(answer, Answer::Expression { .. }) {
                    self.evaluating.push(*call);
                }
            }
            StepCommand::Go(_) => self.waiting.clear(),
            _ => {}
        }
        self.handle.step(command);
        Ok(None)
    }

    /// The last line, and the exit code.
    fn finish(self) -> Result<Exit, CliError> {
        let ending = self.handle.wait();
        match ending {
            Ending::NotLoaded(error) => Err(launch::not_loaded(&self.came.why(error))),
            Ending::StoreFailed(text) => Err(CliError::new(
                Exit::Store,
                format!("the run ended because it could not be recorded: {text}"),
            )),
            Ending::Recorded { status, .. } => {
                let history = self.context.history(self.store, &self.history.id)?;
                let mut report = launch::run_json(self.store, &history)?;
                report["t"] = json!("ended");
                self.context.out.record(&report);
                Ok(match status {
                    RunStatus::Succeeded => Exit::Success,
                    RunStatus::Mismatch => Exit::Mismatch,
                    _ => Exit::Failed,
                })
            }
        }
    }
}
