//! The scheduler of one run: a state machine without I/O.
//!
//! [`Core::handle`] takes one [`Input`] (a message of a worker, a commit that is on disk, a timer, a stop) and
//! returns the [`Action`]s that follow (messages to send, batches to write, workers to start or kill). It never
//! blocks but for reading checkpoints, never looks at the wall clock but through the injected one, and knows no
//! process, socket or terminal: `engine::local` does what it says.
//!
//! Invariants (design.md section 5):
//! - a body starts only after the event that says so was written;
//! - an outcome is handed to its asker only after its event and its value are on disk;
//! - after an error of the store nothing more starts and nothing more is handed out.

mod again;
mod ahead;
mod asks;
mod byhand;
mod decide;
mod dispatch;
mod effects;
mod finish;
mod gate;
mod golden;
mod look;
mod maps;
mod messages;
mod node;
mod outcomes;
mod parts;
mod samples;
mod used;
mod witness;

#[cfg(test)]
mod ahead_tests;
#[cfg(test)]
mod crowd_tests;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod used_tests;

use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap as HashMap;

pub use effects::LOG_LIMIT;
pub use messages::{Action, CoreSpec, Effects, Ending, InDoubt, Input};
pub use node::{Asker, ConnId, FuncIx, Node, NodeIx, Outcome, Phase};
pub use samples::Sampling;

use super::checkpoints::Checkpoints;
use super::coder::{Coder, Placed};
use super::files::Files;
use super::recorder::{Recorder, Then};
use super::replay::Replay;
use crate::base::clock::{Clock, Micros};
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::event::Level;
use crate::model::{CallKind, CodeKnown, ErrorInfo, EventKind, RunHistory};
use crate::proto::message::{FromWorker, Function, Loaded, ToWorker, ValidationMessage};

/// Lines that are shown of what a process wrote that could not load the application.
const LAST_WORDS: usize = 10;

/// A function of the application.
#[derive(Debug, Clone)]
pub struct Func {
    /// As the worker registered it.
    pub facts: Function,
    /// Its code digest.
    pub code: Digest,
    /// What else is known of its code.
    pub known: Arc<CodeKnown>,
}

/// A worker process as the scheduler sees it.
#[derive(Debug, Default)]
struct Worker {
    conn: Option<ConnId>,
    /// Nodes whose bodies it hosts.
    hosts: Vec<NodeIx>,
    /// No new calls: a body that timed out still runs there.
    draining: bool,
    /// What its process holds of files, by the place on whose account it looked.
    holds: Vec<Placed>,
}

/// How far the user's wish to stop has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
enum Stopping {
    No,
    Graceful,
    Over,
}

/// How many workers a run with at most `workers` starts with.
pub fn first_workers(workers: u32) -> u32 {
    workers.clamp(1, 2)
}

/// How long, in microseconds, a record of which nothing depends may wait for others.
const HOLD: Micros = 10_000;
/// ... and how many of them.
const HOLD_EVENTS: usize = 512;

/// The scheduler of one run.
pub struct Core {
    spec: CoreSpec,
    clock: Arc<dyn Clock>,
    checkpoints: Arc<dyn Checkpoints>,
    coder: Box<dyn Coder>,
    files: Arc<Files>,
    functions: Vec<Func>,
    by_name: HashMap<String, FuncIx>,
    nodes: Vec<Node>,
    by_no: Vec<NodeIx>,
    requests: HashMap<(ConnId, u64), NodeIx>,
    workers: BTreeMap<u32, Worker>,
    next_worker: u32,
    failed_spawns: u32,
    ready: VecDeque<NodeIx>,
    /// Outcomes that are not looked at yet: calls that wait for their place come first.
    arrived: Vec<outcomes::Arrived>,
    /// Calls find no idle worker.
    crowd: Option<dispatch::Crowd>,
    timers: BinaryHeap<std::cmp::Reverse<(Micros, NodeIx, u32)>>,
    recorder: Recorder,
    commits: HashMap<u64, Vec<Then>>,
    next_token: u64,
    state: HashMap<String, effects::State>,
    replay: Replay,
    /// Nodes that are not over.
    open: usize,
    /// Nodes that are over and of which nobody was told yet.
    ended: VecDeque<NodeIx>,
    /// Whether somebody is being told now.
    telling: bool,
    stopping: Stopping,
    ending: Option<Ending>,
    /// What the recorded ending will be once it is on disk.
    final_ending: Option<Ending>,
    actions: Vec<Action>,
    /// When what was recorded is written even if nothing depends on it.
    held_until: Option<Micros>,
    /// Version of the interpreter, for the record.
    python: String,
    /// The recorded call that was served last.
    served_last: Option<(RunId, CallNo)>,
    /// What the answer that is being given was served from.
    served_from: Option<(NodeIx, Arc<RunHistory>, CallNo)>,
    /// Answers that were sent before they are asked for, by caller.
    ahead: HashMap<NodeIx, ahead::Ahead>,
    trust: ahead::Trust,
    /// Results of maps that were sent before all of their items were over, by map.
    parts: HashMap<NodeIx, parts::Parts>,
    /// Maps whose items are not all decided, in the order in which they were asked for.
    undecided: VecDeque<maps::Undecided>,
    /// Outputs of recorded calls before this one were read ahead.
    ahead_until: CallNo,
    /// The first event was emitted.
    opened: bool,
    /// The last event was emitted: nothing may follow it.
    closed: bool,
    /// What was written while the application was loaded: it follows the first event.
    early: Vec<EventKind>,
    /// Bytes of the two streams that belong to no call.
    stray: [u64; 2],
    /// Functions whose code this run has recorded, by its digest.
    told: HashMap<Digest, Vec<String>>,
    /// Workers that were started again because a file was saved while they loaded it.
    reloads: u32,
    /// Step mode.
    gate: Option<Box<gate::Gate>>,
    /// What was counted of models' responses.
    used: used::Used,
}

impl Core {
    /// A run that has not started. Ask [`Core::begin`] for the first actions.
    pub fn new(
        spec: CoreSpec,
        clock: Arc<dyn Clock>,
        checkpoints: Arc<dyn Checkpoints>,
        coder: Box<dyn Coder>,
        files: Arc<Files>,
        replay: Replay,
    ) -> Self {
        let recorder = Recorder::new(&spec.secrets);
        Core {
            spec,
            clock,
            checkpoints,
            coder,
            files,
            functions: Vec::new(),
            by_name: HashMap::default(),
            nodes: Vec::new(),
            by_no: Vec::new(),
            requests: HashMap::default(),
            workers: BTreeMap::new(),
            next_worker: 1,
            failed_spawns: 0,
            ready: VecDeque::new(),
            arrived: Vec::new(),
            crowd: None,
            timers: BinaryHeap::new(),
            recorder,
            commits: HashMap::default(),
            next_token: 1,
            state: HashMap::default(),
            replay,
            open: 0,
            ended: VecDeque::new(),
            telling: false,
            stopping: Stopping::No,
            ending: None,
            final_ending: None,
            actions: Vec::new(),
            held_until: None,
            python: String::new(),
            served_last: None,
            served_from: None,
            ahead: HashMap::default(),
            trust: ahead::Trust::default(),
            parts: HashMap::default(),
            undecided: VecDeque::new(),
            ahead_until: 0,
            opened: false,
            closed: false,
            early: Vec::new(),
            stray: [0, 0],
            told: HashMap::default(),
            reloads: 0,
            gate: None,
            used: used::Used::default(),
        }
    }

    /// Stops the run where the stepper says so.
    pub fn stepped(mut self, stepper: crate::engine::step::Stepper) -> Self {
        self.gate = Some(Box::new(gate::Gate::new(stepper, self.spec.run.clone())));
        self
    }

    /// Finds out before anybody waits for it what the application's code is.
    pub fn prepared(mut self) -> Self {
        self.coder.prepare(&self.spec.app);
        self
    }

    /// Starts the first workers: one for the application and one for what it calls.
    pub fn begin(&mut self) -> Vec<Action> {
        if !self.spec.driver {
            for _ in 0..first_workers(self.spec.workers) {
                self.spawn();
            }
        }
        std::mem::take(&mut self.actions)
    }

    /// Handles one input without writing what it recorded: several inputs make one batch, see [`Core::flush`].
    pub fn handle(&mut self, input: Input) {
        if self.ending.is_some() && !matches!(input, Input::Committed { .. }) {
            return;
        }
        if !self.only_begins(&input) {
            self.decide_all();
        }
        if !matches!(&input, Input::Committed { .. }) && !outcomes::is_outcome(&input) {
            self.take_in();
        }
        match input {
            Input::Ready { conn, worker, python, functions, messages, loaded } => {
                if self.nodes.is_empty() {
                    self.python = python;
                }
                self.worker_ready(conn, worker, functions, &messages, &loaded);
            }
            Input::LoadFailed { worker, error } => self.load_failed(worker, error),
            Input::Message { conn, message, blobs } => self.message(conn, message, blobs),
            Input::Output { worker, stream, bytes } => self.raw_output(worker, stream, &bytes),
            Input::Gone { worker, conn, executing, why } => self.worker_gone(worker, conn, &executing, &why),
            Input::Committed { token, error } => self.committed(token, error),
            Input::Timer => self.expire(),
            Input::Step(command) => self.step(command),
            Input::Stop { force } => self.stop(force),
        }
    }

    /// Hands out what the inputs since the last flush made necessary. While the run [goes on](Core::goes_on) by itself, it is to
    /// be called again.
    pub fn flush(&mut self) -> Vec<Action> {
        self.decide_some();
        if self.ending.is_none() {
            self.dispatch();
            if !self.arrived.is_empty() && !self.begins_more() {
                self.take_in();
                self.dispatch();
            }
        }
        if self.may_wait() {
            let now = self.now();
            let due = *self.held_until.get_or_insert(now + HOLD);
            if now < due && due - now <= HOLD {
                return std::mem::take(&mut self.actions);
            }
        }
        self.held_until = None;
        if let Some(batch) = self.recorder.take() {
            let token = self.next_token;
            self.next_token += 1;
            self.commits.insert(token, batch.then.clone());
            self.actions.push(Action::Submit { batch, token });
        }
        std::mem::take(&mut self.actions)
    }

    /// Whether nothing follows from writing what was recorded: served calls, output, progress. It travels with what
    /// comes next, or goes alone a little later.
    fn may_wait(&self) -> bool {
        let pending = &self.recorder.pending;
        !pending.events.is_empty()
            && pending.then.is_empty()
            && !pending.durable
            && pending.events.len() < HOLD_EVENTS
            && pending.pieces.len() < HOLD_EVENTS
            && self.ending.is_none()
    }

    /// Whether bodies begin with what was recorded, and nothing in it waits for the disk. Then it goes first: workers
    /// have something to do while outcomes are packed and written.
    fn begins_more(&self) -> bool {
        !self.recorder.pending.then.is_empty() && !self.recorder.pending.durable
    }

    /// When [`Input::Timer`] is wanted next.
    pub fn next_timer(&self) -> Option<Micros> {
        let timer = self.timers.peek().map(|entry| entry.0.0);
        timer.into_iter().chain(self.held_until).chain(self.crowd_look()).chain(self.questions_due()).min()
    }

    fn now(&self) -> Micros {
        self.clock.now()
    }

    fn emit(&mut self, kind: EventKind) {
        if self.closed {
            return;
        }
        let first = matches!(kind, EventKind::RunStarted { .. });
        if !self.opened && !first {
            self.early.push(kind);
            return;
        }
        self.closed = matches!(kind, EventKind::RunEnded { .. });
        if let EventKind::CallEnded(ended) = &kind
            && let Some(usage) = &ended.usage
        {
            self.used.count(ended.no, usage);
        }
        let now = self.clock.now();
        let known = self.recorder.pending.events.len();
        self.emit_unheard(now, &kind);
        self.recorder.emit(now, kind);
        if first {
            self.opened = true;
            for early in std::mem::take(&mut self.early) {
                self.recorder.emit(now, early);
            }
        }
        if let Some(gate) = &mut self.gate {
            self.recorder.pending.events[known..].iter().for_each(|event| gate.apply(event));
        }
    }

    fn notice(&mut self, no: CallNo, level: Level, text: impl Into<String>) {
        self.emit(EventKind::Notice { no, level, text: text.into() });
    }

    fn send(&mut self, conn: ConnId, message: ToWorker, blobs: Vec<Bytes>) {
        self.actions.push(Action::Send { conn, message, blobs });
    }

    /// The first worker is there: now the functions are known, and the run begins.
    fn worker_ready(
        &mut self,
        conn: ConnId,
        worker: u32,
        functions: Vec<Function>,
        messages: &[ValidationMessage],
        loaded: &Loaded,
    ) {
        self.recorder.packer.learn(loaded.secrets());
        if !self.nodes.is_empty() {
            self.joined(conn, worker, loaded);
            return;
        }
        let errors: Vec<&str> =
            messages.iter().filter(|m| m.severity == "error").map(|m| m.text.as_str()).collect();
        if !errors.is_empty() {
            self.not_loaded(ErrorInfo::new(
                crate::model::ErrorKind::SdkUsage,
                "SDKUsageError",
                format!("the application does not validate:\n{}", errors.join("\n")),
            ));
            return;
        }
        if let Err(path) = self.coder.loaded(&functions, loaded) {
            self.load_again(worker, &path);
            return;
        }
        self.workers.entry(worker).or_default().conn = Some(conn);
        self.failed_spawns = 0;
        for facts in functions {
            let known = Arc::new(self.coder.known(&facts));
            // The last definition of a name wins, as in the registry.
            self.by_name.insert(facts.name.clone(), self.functions.len());
            self.functions.push(Func { facts, code: known.code, known });
        }
        let known = self.by_name.iter().map(|(name, ix)| (name.clone(), self.functions[*ix].known.clone()));
        self.replay.set_known(known);
        self.begin_run(messages);
    }

    fn begin_run(&mut self, messages: &[ValidationMessage]) {
        let Some(&func) = self.by_name.get(&self.spec.app) else {
            let near = super::suggest::nearest(&self.spec.app, self.by_name.keys().map(String::as_str));
            self.not_loaded(ErrorInfo::new(
                crate::model::ErrorKind::SdkUsage,
                "SDKUsageError",
                format!("no function named '{}' in {}{}", self.spec.app, self.spec.file, near),
            ));
            return;
        };
        let ready = self.recorder.packer.json_args(&self.spec.input);
        let (input, _) = self.recorder.keep(ready);
        let started = EventKind::RunStarted {
            run: self.spec.run.clone(),
            app: self.spec.app.clone(),
            file: self.spec.file.clone(),
            mode: self.spec.mode,
            parent: self.spec.parent.clone(),
            input: input.clone(),
            python: self.python.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            purpose: self.spec.purpose(),
        };
        if let Err(why) = self.may_sample() {
            self.not_loaded(ErrorInfo::new(crate::model::ErrorKind::SdkUsage, "SDKUsageError", why));
            return;
        }
        self.emit(started);
        self.tell_short();
        for message in messages.iter().filter(|m| m.severity == "warning") {
            self.notice(0, Level::Warning, message.text.clone());
        }
        if let Some(plan) = self.replay.plan(&*self.checkpoints) {
            self.notice(0, Level::Info, plan.sentence());
        }
        let mut root = Node::new(0, 0, CallKind::Root, func, Asker::Run);
        root.durable = self.functions[func].facts.durable;
        root.json = true;
        root.durable_id = super::replay::ROOT.to_owned();
        root.recorded = self.replay.recorded_root();
        root.args = vec![Bytes::from(self.spec.input.to_string())];
        root.key = crate::model::keys::call_key(&self.spec.app, &input.digest, 0);
        root.input = Some(input);
        self.nodes.push(root);
        self.open = 1;
        if self.spec.samples.is_some() {
            self.begin_samples();
        } else {
            self.decide_root();
        }
    }

    fn not_loaded(&mut self, mut error: ErrorInfo) {
        if error.kind == crate::model::ErrorKind::Died {
            // What the process said last is the best that is known of why.
            let text: String = self.early.iter().filter_map(effects::text_of).collect();
            let lines: Vec<&str> = text.lines().collect();
            for line in &lines[lines.len().saturating_sub(LAST_WORDS)..] {
                error.message.push_str("\n    ");
                error.message.push_str(line);
            }
        }
        self.kill_all();
        let error = self.recorder.shown(error);
        self.finish_with(Ending::NotLoaded(error));
    }

    fn finish_with(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending.clone());
            self.actions.push(Action::Finish(ending));
        }
    }

    fn kill_all(&mut self) {
        let workers: Vec<u32> = self.workers.keys().copied().collect();
        for worker in workers {
            self.actions.push(Action::Kill { worker });
        }
    }

    fn committed(&mut self, token: u64, error: Option<String>) {
        let then = self.commits.remove(&token).unwrap_or_default();
        if let Some(error) = error {
            self.kill_all();
            self.finish_with(Ending::StoreFailed(error));
            return;
        }
        if self.ending.is_some() {
            return;
        }
        let mut starts: BTreeMap<ConnId, Vec<NodeIx>> = BTreeMap::new();
        for step in then {
            match step {
                Then::Start(ix, attempt) => {
                    if let Phase::Starting { conn } = self.nodes[ix].phase
                        && self.nodes[ix].attempt == attempt
                    {
                        starts.entry(conn).or_default().push(ix);
                    }
                }
                Then::Deliver(ix) => self.delivered(ix),
                Then::Finish => {
                    let ending = self.recorded_ending();
                    self.finish_with(ending);
                }
            }
        }
        for (conn, group) in starts {
            self.start_bodies(conn, &group);
        }
    }

    fn message(&mut self, conn: ConnId, message: FromWorker, blobs: Vec<Bytes>) {
        match message {
            FromWorker::Call { .. } | FromWorker::Map { .. } | FromWorker::Reduce { .. } => {
                self.request(conn, message, blobs);
            }
            FromWorker::Took { id, by, attempt, at } => self.took(conn, id, by, attempt, at),
            FromWorker::End(end) => self.ends(conn, vec![end], blobs),
            FromWorker::Ends { ends } => self.ends(conn, ends, blobs),
            FromWorker::StateSet { by, key } => self.state_set(by, key, blobs),
            FromWorker::StateGet { id, by, key } => self.state_get(conn, id, by, key),
            FromWorker::Progress { by, current, total, message } => {
                self.progress(by, current, total, message);
            }
            FromWorker::Metric { by, name, kind, value } => {
                self.reported(by, &name, value);
                self.emit(EventKind::Metric { no: by, name, timer: kind == "timer", value });
            }
            FromWorker::Secrets { env } => {
                let values = env.into_iter().map(|(name, value)| (name, value.into_bytes()));
                self.recorder.packer.learn(values.collect());
            }
            FromWorker::Log { by, stream } => {
                let stream = if stream == "stderr" {
                    crate::model::Stream::Stderr
                } else {
                    crate::model::Stream::Stdout
                };
                for blob in blobs {
                    self.log(by, stream, &blob);
                }
            }
            FromWorker::Frames { id } => {
                self.frames_told(conn, id, &blobs.into_iter().next().unwrap_or_default())
            }
            FromWorker::Evaluated { id, error } => {
                self.output_evaluated(conn, id, error, blobs.into_iter().next());
            }
            FromWorker::Hello(_)
            | FromWorker::Ready { .. }
            | FromWorker::LoadFailed { .. }
            | FromWorker::RunApp { .. } => {}
        }
    }

    fn node_by_no(&self, no: CallNo) -> Option<NodeIx> {
        self.by_no.get((no as usize).checked_sub(1)?).copied()
    }

    /// The call in whose body a node was made: its parent, or for an operation's item the operation's parent.
    fn caller(&self, ix: NodeIx) -> NodeIx {
        let parent = self.nodes[ix].parent;
        if self.nodes[parent].is_operation() { self.nodes[parent].parent } else { parent }
    }

    fn function_name(&self, func: FuncIx) -> &str {
        &self.functions[func].facts.name
    }
}
