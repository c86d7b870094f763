//! Workers: which call goes where, timeouts, deaths.

use std::collections::BTreeMap;

use super::node::{ConnId, NodeIx, Phase};
use super::{Action, Core, Stopping};
use crate::base::clock::Micros;
use crate::base::ids::CallNo;
use crate::engine::recorder::Then;
use crate::model::event::Level;
use crate::model::{ErrorInfo, ErrorKind, EventKind};
use crate::proto::message::{RunCall, ToWorker};

/// A worker that cannot import the application this often in a row ends the run.
const SPAWN_TRIES: u32 = 3;
/// How long calls wait, in microseconds, before a further worker is started for them: about as long as its start takes.
/// A start keeps a core busy, so that one which comes too late for the calls only delays them.
const CROWDED: Micros = 75_000;

/// Calls that find no idle worker.
pub(super) struct Crowd {
    /// Since when.
    since: Micros,
    /// How many waited then.
    waiting: usize,
    /// When to look next whether a further worker is worth it.
    look: Micros,
    /// What bodies that have ended since then took.
    pub(super) bodies: Micros,
}

impl Crowd {
    fn new(now: Micros, waiting: usize) -> Self {
        Crowd { since: now, waiting, look: now + CROWDED, bodies: 0 }
    }
}

impl Core {
    pub(super) fn spawn(&mut self) {
        let worker = self.next_worker;
        self.next_worker += 1;
        self.workers.insert(worker, super::Worker::default());
        self.actions.push(Action::Spawn { worker });
    }

    /// Whether bodies execute or are about to: then something happens while a commit waits for the disk.
    pub fn is_busy(&self) -> bool {
        let runs = |ix: &NodeIx| self.nodes[*ix].asking == 0;
        !self.ready.is_empty() || self.workers.values().any(|worker| worker.hosts.iter().any(runs))
    }

    /// Whether one body executes and nothing else is to be done: then its next message is what everybody waits for.
    pub fn is_alone(&self) -> bool {
        let hosted = self.workers.values().flat_map(|worker| &worker.hosts);
        self.ready.is_empty() && hosted.filter(|ix| self.nodes[**ix].asking == 0).take(2).count() == 1
    }

    /// Gives ready calls to workers that have room.
    pub(super) fn dispatch(&mut self) {
        if self.ready.is_empty() {
            return;
        }
        // Blocked bodies hold no slot, so a worker's load is what runs without waiting for an answer.
        let mut loads: BTreeMap<u32, usize> = BTreeMap::new();
        for (number, worker) in &self.workers {
            if worker.conn.is_some() && !worker.draining {
                let load = worker.hosts.iter().filter(|ix| self.nodes[**ix].asking == 0).count();
                loads.insert(*number, load);
            }
        }
        let mut avoided: Option<(NodeIx, Vec<ConnId>)> = None;
        while let Some(&ix) = self.ready.front() {
            if self.nodes[ix].phase != Phase::Ready {
                self.ready.pop_front();
                continue;
            }
            let parent = self.nodes[ix].parent;
            if avoided.as_ref().is_none_or(|(of, _)| *of != parent) {
                avoided = Some((parent, self.hosts_of_ancestors(ix)));
            }
            let avoid = avoided.as_ref().map_or(&[][..], |(_, conns)| conns.as_slice());
            let Some(worker) = self.pick(&loads, avoid) else { break };
            self.ready.pop_front();
            *loads.entry(worker).or_insert(0) += 1;
            self.assign(ix, worker);
        }
    }

    pub(super) fn hosts_of_ancestors(&self, ix: NodeIx) -> Vec<ConnId> {
        let mut hosts = Vec::new();
        let mut at = ix;
        while at != 0 {
            at = self.nodes[at].parent;
            if let Some(conn) = self.nodes[at].host()
                && !hosts.contains(&conn)
            {
                hosts.push(conn);
            }
        }
        hosts
    }

    /// The least loaded worker that hosts no caller of the call: if the call kills its process, its callers live on.
    fn pick(&mut self, loads: &BTreeMap<u32, usize>, avoid: &[ConnId]) -> Option<u32> {
        let slots = self.spec.slots as usize;
        let mut best: Option<(usize, u32)> = None;
        let mut with_caller: Option<(usize, u32)> = None;
        let mut full = false;
        for (number, load) in loads {
            let conn = self.workers.get(number).and_then(|w| w.conn);
            let hosts_caller = conn.is_some_and(|conn| avoid.contains(&conn));
            if *load >= slots {
                full |= !hosts_caller;
                continue;
            }
            let held = if hosts_caller { &mut with_caller } else { &mut best };
            if held.is_none_or(|held| (*load, *number) < held) {
                *held = Some((*load, *number));
            }
        }
        if let Some((0, number)) = best {
            self.crowd = None;
            return Some(number);
        }
        let room = !self.spec.driver
            && (self.workers.len() as u32) < self.spec.workers
            && self.failed_spawns < SPAWN_TRIES;
        let spawning = self.workers.values().any(|w| w.conn.is_none());
        if !room || spawning {
            self.crowd = None;
        } else if best.is_none() && !full || self.is_crowded(loads) {
            self.crowd = None;
            self.spawn();
            return best.map(|(_, number)| number);
        }
        match (best, with_caller) {
            (Some((_, number)), _) => Some(number),
            (None, Some((_, number))) if !spawning && !room => Some(number),
            _ => None,
        }
    }

    /// Whether calls have waited for busy workers so long, and will at this pace, that a further one is worth its start.
    fn is_crowded(&mut self, loads: &BTreeMap<u32, usize>) -> bool {
        // How many calls wait is known only when all of a map are decided.
        if self.goes_on() {
            self.crowd = None;
            return false;
        }
        let (now, waiting) = (self.now(), self.ready.len());
        let crowd = self.crowd.get_or_insert_with(|| Crowd::new(now, waiting));
        // A clock that was set back starts anew.
        if now < crowd.since {
            *crowd = Crowd::new(now, waiting);
        }
        if now < crowd.look {
            return false;
        }
        crowd.look = now + CROWDED;
        let passed = now - crowd.since;
        let started = i64::try_from(crowd.waiting.saturating_sub(waiting)).unwrap_or(i64::MAX);
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        if waiting.saturating_mul(passed) < started.saturating_mul(CROWDED) {
            return false;
        }
        // Workers in which bodies take less than half of the time wait for the engine, as a further one would.
        let executing = loads.values().filter(|load| **load > 0).count() as Micros;
        crowd.bodies.saturating_mul(2) >= passed.saturating_mul(executing) || self.one_is_long(now)
    }

    /// Whether a call has executed for a while: that is no time of bodies that have ended.
    fn one_is_long(&self, now: Micros) -> bool {
        let hosted = self.workers.values().flat_map(|worker| &worker.hosts);
        hosted.map(|ix| &self.nodes[*ix]).any(|node| {
            let runs = matches!(node.phase, Phase::Running { .. }) && node.asking == 0;
            runs && now - node.started_at >= CROWDED / 2
        })
    }

    /// When calls that wait are to be looked at again, though nothing happened.
    pub(super) fn crowd_look(&self) -> Option<Micros> {
        self.crowd.as_ref().filter(|_| !self.ready.is_empty()).map(|crowd| crowd.look)
    }

    fn assign(&mut self, ix: NodeIx, worker: u32) {
        let Some(conn) = self.workers.get(&worker).and_then(|w| w.conn) else { return };
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.hosts.push(ix);
        }
        let node = &mut self.nodes[ix];
        node.attempt += 1;
        node.begun = false;
        node.phase = Phase::Starting { conn };
        let (no, attempt, func) = (node.no, node.attempt, node.func);
        self.emit(EventKind::CallStarted { no, attempt, worker });
        // Power loss may take the start of a call that acts on the world only after it is on disk.
        self.recorder.pending.durable |= self.functions[func].facts.effect;
        self.recorder.pending.then.push(Then::Start(ix, attempt));
    }

    /// The starts are written: hands the calls to their worker.
    pub(super) fn start_bodies(&mut self, conn: ConnId, group: &[NodeIx]) {
        let now = self.now();
        let mut calls = Vec::with_capacity(group.len());
        let mut blobs = Vec::with_capacity(group.len());
        for &ix in group {
            let request = self.spec.run.as_str().to_owned();
            let node = &mut self.nodes[ix];
            node.phase = Phase::Running { conn };
            node.started_at = now;
            let facts = &self.functions[node.func].facts;
            calls.push(RunCall {
                call: node.no,
                attempt: node.attempt,
                r#fn: facts.name.clone(),
                deps: node.dep_names.clone(),
                map: node.map_param.clone(),
                input: if node.json { "json" } else { "pickle" },
                timeout: facts.timeout,
                request,
            });
            blobs.extend(node.args.iter().cloned());
            self.arm_timeout(ix);
        }
        self.send(conn, ToWorker::Run { calls }, blobs);
    }

    /// (Re)starts the clock of a running call.
    pub(super) fn arm_timeout(&mut self, ix: NodeIx) {
        if !matches!(self.nodes[ix].phase, Phase::Running { .. }) {
            return;
        }
        let seconds = self.functions[self.nodes[ix].func].facts.timeout;
        if !seconds.is_finite() || seconds <= 0.0 {
            return;
        }
        let deadline = self.now() + (seconds * 1e6) as i64;
        self.nodes[ix].deadline = Some(deadline);
        self.timers.push(std::cmp::Reverse((deadline, ix, self.nodes[ix].attempt)));
    }

    /// Handles every timer that is due.
    pub(super) fn expire(&mut self) {
        self.questions_expired();
        let now = self.now();
        while let Some(&std::cmp::Reverse((due, ix, attempt))) = self.timers.peek() {
            if due > now {
                break;
            }
            self.timers.pop();
            match self.nodes[ix].phase {
                Phase::Delayed(at) if at == due => {
                    self.nodes[ix].phase = Phase::Waiting;
                    self.resolved(ix);
                }
                Phase::Running { conn }
                    if self.nodes[ix].attempt == attempt && self.nodes[ix].deadline == Some(due) =>
                {
                    // Nobody's time runs out while a person thinks about what it called.
                    if self.waits_below(ix) {
                        self.arm_timeout(ix);
                    } else {
                        self.time_out(ix, conn);
                    }
                }
                _ => {}
            }
        }
    }

    fn time_out(&mut self, ix: NodeIx, conn: ConnId) {
        let name = self.function_name(self.nodes[ix].func).to_owned();
        let seconds = self.functions[self.nodes[ix].func].facts.timeout;
        let (call, attempt) = (self.nodes[ix].no, self.nodes[ix].attempt);
        self.unhost(ix);
        let number = self.workers.iter().find(|(_, w)| w.conn == Some(conn)).map(|(number, _)| *number);
        if let Some(number) = number {
            let alone = self.workers.get(&number).is_some_and(|w| w.hosts.is_empty());
            if alone && !self.spec.driver {
                self.workers.remove(&number);
                self.actions.push(Action::Kill { worker: number });
            } else {
                // Others run in that process: ask the thread to stop, and end the process when they are done.
                self.send(conn, ToWorker::Interrupt { call, attempt, why: "timeout" }, vec![]);
                if let Some(worker) = self.workers.get_mut(&number)
                    && !self.spec.driver
                {
                    worker.draining = true;
                }
            }
        }
        let error = ErrorInfo::new(
            ErrorKind::Timeout,
            "TimeoutError",
            format!("{name} did not end within its timeout of {seconds} s"),
        );
        self.abandon(ix);
        self.attempt_failed(ix, error);
    }

    /// A body is over: its worker has room again. A worker that was to be ended is ended when it is empty.
    pub(super) fn unhost(&mut self, ix: NodeIx) {
        self.forget_ahead(ix);
        let Some(conn) = self.nodes[ix].host() else { return };
        let Some((&number, worker)) = self.workers.iter_mut().find(|(_, w)| w.conn == Some(conn)) else {
            return;
        };
        if let Some(at) = worker.hosts.iter().position(|held| *held == ix) {
            worker.hosts.swap_remove(at);
        }
        if worker.draining && worker.hosts.is_empty() {
            self.workers.remove(&number);
            self.actions.push(Action::Kill { worker: number });
        }
    }

    pub(super) fn load_failed(&mut self, worker: u32, error: ErrorInfo) {
        self.workers.remove(&worker);
        if self.nodes.is_empty() {
            self.not_loaded(error);
        } else {
            // The source changed under a running application. What runs goes on in the workers that are left.
            self.failed_spawns += 1;
            let text = format!("a further worker could not load the application: {}", error.headline());
            self.notice(0, Level::Warning, text);
            self.give_up_without_workers(error);
        }
    }

    fn give_up_without_workers(&mut self, error: ErrorInfo) {
        if self.failed_spawns >= SPAWN_TRIES && self.workers.is_empty() {
            self.end_run(crate::model::RunStatus::Failed, Some(error));
        } else if self.workers.is_empty() && !self.spec.driver && self.stopping == Stopping::No {
            self.spawn();
        }
    }

    pub(super) fn worker_gone(&mut self, number: u32, conn: Option<ConnId>, executing: &[CallNo], why: &str) {
        if let Some(conn) = conn {
            self.questions_lost(conn, why);
        }
        let Some(worker) = self.workers.remove(&number) else { return };
        if self.spec.driver {
            // The script that executes the calls is gone, and with it whoever waits for the run.
            self.end_run(crate::model::RunStatus::Cancelled, Some(ErrorInfo::cancelled()));
            return;
        }
        let before_ready = worker.conn.is_none();
        if before_ready {
            let file = &self.spec.file;
            let text = match conn {
                Some(_) => format!("the Python process {why} while it loaded {file}"),
                None => format!(
                    "the Python process {why} it loaded {file}; give --python the path of a Python 3.10 or newer"
                ),
            };
            let error = ErrorInfo::new(ErrorKind::Died, "WorkerDied", text);
            self.failed_spawns += 1;
            if self.nodes.is_empty() {
                self.not_loaded(error);
            } else {
                self.give_up_without_workers(error);
            }
            return;
        }
        let (executed, waited): (Vec<NodeIx>, Vec<NodeIx>) = worker.hosts.into_iter().partition(|ix| {
            matches!(self.nodes[*ix].phase, Phase::Running { conn: at } if Some(at) == conn)
                && executing.contains(&self.nodes[*ix].no)
        });
        for ix in executed.iter().chain(&waited) {
            self.forget_ahead(*ix);
        }
        for ix in executed {
            let error = self.death(ix, number, why, "while it executed");
            self.abandon(ix);
            self.attempt_failed(ix, error);
        }
        for ix in waited.into_iter().rev() {
            if self.nodes[ix].host() != worker.conn {
                continue;
            }
            if self.nodes[ix].begun {
                let error = self.death(ix, number, why, "while what it had called executed:");
                let text = format!("{}; it starts again, and what it had called stands", error.message);
                let no = self.nodes[ix].no;
                self.notice(no, Level::Warning, text);
                self.attempt_lost(ix, error);
            } else {
                // It had not begun.
                self.nodes[ix].attempt -= 1;
                self.nodes[ix].phase = Phase::Ready;
                self.ready.push_front(ix);
            }
        }
    }

    fn death(&self, ix: NodeIx, worker: u32, why: &str, when: &str) -> ErrorInfo {
        let facts = &self.functions[self.nodes[ix].func].facts;
        ErrorInfo {
            kind: ErrorKind::Died,
            type_name: "WorkerDied".to_owned(),
            message: format!("worker {worker} {why} {when} {}", facts.name),
            traceback: String::new(),
            frames: vec![self.defined_at(ix)],
        }
    }

    /// Where a call's function is defined: the place of failures that have no better one.
    pub(super) fn defined_at(&self, ix: NodeIx) -> crate::model::Frame {
        let facts = &self.functions[self.nodes[ix].func].facts;
        crate::model::Frame {
            file: facts.file.clone(),
            line: facts.line,
            name: facts.name.clone(),
            text: String::new(),
        }
    }
}
