//! Answers that are sent before they are asked for.
//!
//! A replayed body mostly makes the calls that its recorded predecessor made. When one of its calls was served, the
//! outcomes of those that came next in the record travel with the answer. The worker takes such an outcome when its
//! body makes exactly that call (same function, arguments pickled to the same bytes), and tells in groups which it
//! took: no process is woken in between.
//!
//! Invariants:
//! - [`Replay::find`](crate::engine::replay::Replay::find) decides about each, as if it had been asked for; what it
//!   gave is reserved until it is taken, or free again when the body asks for something else;
//! - in a run that is stepped through, nothing is foreseen that it is to stop at or inside; who changes his mind
//!   meanwhile finds the run stopped behind what had been sent;
//! - nothing that a body can do before it takes an answer makes that wrong: only outcomes are foreseen whose bodies read no
//!   request state and no file, and set no state;
//! - both sides count the requests of the caller: an answer counts only as long as none was made since;
//! - what was taken is told before anything else that the caller asks or returns. When the worker dies first, nothing
//!   was executed, and the next attempt gets the same.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::Core;
use super::Stopping;
use super::asks::internal;
use super::node::{Asker, ConnId, FuncIx, Node, NodeIx, Phase};
use crate::base::digest::{BytesDigest, Digest};
use crate::base::ids::CallNo;
use crate::engine::replay::{Hit, Wanted, below};
use crate::model::keys::{PositionKind, call_key, durable_id};
use crate::model::{CallKind, EventKind, Mode, RunHistory, RunStatus, Site, ValueRef};
use crate::proto::message::{Foreseen, ToWorker};

/// Answers that are on their way at first, and at most.
const FIRST: usize = 4;
const MOST: usize = 64;
/// The largest output that is sent without being asked for.
const SIZE: u64 = 64 << 10;
/// Bytes of outputs that are read before they are asked for: a large one while its caller takes in the one before.
const READ: u64 = 4 << 20;

/// What one body will probably ask for next.
pub(super) struct Ahead {
    attempt: u32,
    /// What the worker may take, in order.
    queue: VecDeque<Guess>,
    /// The record that is followed: a run, a call of it, and which of that call's children comes next.
    history: Arc<RunHistory>,
    parent: CallNo,
    next: usize,
}

/// A call that a worker may take the answer of.
struct Guess {
    func: FuncIx,
    canonical: Digest,
    key: Digest,
    durable_id: String,
    input: ValueRef,
    pickled: BytesDigest,
    hit: Hit,
    /// How many nodes it will be recorded as, in a run that is stepped through.
    nodes: CallNo,
}

/// How many answers are sent ahead, by how well it went.
pub(super) struct Trust(usize);

impl Default for Trust {
    fn default() -> Self {
        Trust(FIRST)
    }
}

impl Ahead {
    /// How many nodes what the worker may take will be recorded as.
    fn nodes(&self) -> CallNo {
        self.queue.iter().map(|guess| guess.nodes).sum()
    }
}

/// How many nodes a call that is served is recorded as.
fn nodes_of(hit: &Hit) -> CallNo {
    let mut stack = vec![hit.call];
    let mut nodes = 0;
    while let Some(no) = stack.pop() {
        nodes += 1;
        stack.extend(below(&hit.history, no));
    }
    nodes
}

impl Core {
    /// A served call is being answered: what its caller will probably ask for next.
    pub(super) fn foresee(
        &mut self,
        caller: NodeIx,
        history: &Arc<RunHistory>,
        served: CallNo,
    ) -> (Option<Foreseen>, Vec<Bytes>) {
        if self.spec.mode != Mode::Adaptive
            || self.stopping != Stopping::No
            // Whoever edits the run is asked about each call.
            || self.replay.has_edits()
            || self.replay.is_golden()
            || !self.gate_lets_some_pass()
            || !self.nodes[caller].durable
            || !self.nodes[caller].earlier.is_empty()
            || !self.alone(caller)
        {
            return (None, vec![]);
        }
        let Some(parent) = history.call(served).map(|call| call.parent) else { return (None, vec![]) };
        let Ok(at) = history.children(parent).binary_search(&served) else { return (None, vec![]) };
        self.forget_ahead(caller);
        let attempt = self.nodes[caller].attempt;
        let history = history.clone();
        self.ahead.insert(caller, Ahead { attempt, queue: VecDeque::new(), history, parent, next: at + 1 });
        let (foreseen, blobs) = self.foresee_more(caller);
        if foreseen.calls.is_empty() {
            self.ahead.remove(&caller);
            return (None, vec![]);
        }
        (Some(foreseen), blobs)
    }

    /// Whether nothing goes on but this body and those that wait for it: then nobody else wants what is reserved.
    fn alone(&self, caller: NodeIx) -> bool {
        let mut open = 1;
        let mut at = caller;
        while at != 0 {
            at = self.nodes[at].parent;
            open += 1;
        }
        self.open == open
            && self.nodes[caller].asking == 0
            && matches!(self.nodes[caller].phase, Phase::Running { .. })
    }

    /// The next answers for a caller whose record is followed.
    fn foresee_more(&mut self, caller: NodeIx) -> (Foreseen, Vec<Bytes>) {
        let mut foreseen = Foreseen { said: self.nodes[caller].scope.said, calls: Vec::new() };
        let mut blobs = Vec::new();
        let Some(mut ahead) = self.ahead.remove(&caller) else { return (foreseen, blobs) };
        let wanted = self.trust.0;
        let history = ahead.history.clone();
        let children = history.children(ahead.parent);
        let next = children.get(ahead.next..).unwrap_or_default();
        // Those of the next time are read while these are used.
        let outputs = next.iter().take(2 * wanted).filter_map(|no| history.call(*no)?.output.as_ref());
        let mut room = READ;
        let fits = |value: &&ValueRef| {
            let left = room.checked_sub(value.size);
            room = left.unwrap_or(0);
            left.is_some()
        };
        let outputs: Vec<&ValueRef> = outputs.take_while(fits).collect();
        self.checkpoints.ahead(&outputs);
        while foreseen.calls.len() < wanted
            && let Some(no) = children.get(ahead.next)
            && let Some((guess, bytes)) = self.guess(caller, &ahead, *no)
        {
            ahead.next += 1;
            let name = self.functions[guess.func].facts.name.clone();
            foreseen.calls.push((name, guess.pickled.hex()));
            blobs.push(bytes);
            ahead.queue.push_back(guess);
        }
        self.ahead.insert(caller, ahead);
        (foreseen, blobs)
    }

    /// What the caller would get if it made this recorded call next; `None` when that cannot be said before.
    fn guess(&mut self, caller: NodeIx, ahead: &Ahead, no: CallNo) -> Option<(Guess, Bytes)> {
        let recorded = ahead.history.call(no)?;
        let func = *self.by_name.get(&recorded.function)?;
        let (pickled, input) = (recorded.pickled?, recorded.input.clone()?);
        if recorded.kind != CallKind::Call || !recorded.durable || !self.functions[func].facts.durable {
            return None;
        }
        let canonical = input.digest;
        let scope = &self.nodes[caller].scope;
        let counted = scope.occurrences.get(&(func, canonical)).copied().unwrap_or(0) as usize;
        let waiting = ahead.queue.iter().filter(|guess| (guess.func, guess.canonical) == (func, canonical));
        let key = call_key(&recorded.function, &canonical, (counted + waiting.count()) as u32);
        // It differs when the count does, or when the digest of the arguments is that of how they are stored.
        if key != recorded.key {
            return None;
        }
        let place = &self.nodes[caller].durable_id;
        let before = ahead.queue.back().map(|guess| &guess.durable_id).or(scope.previous.as_ref());
        let durable_id =
            durable_id(place, before.unwrap_or(place), PositionKind::Call(&recorded.function), &[]);
        let wanted = Wanted {
            function: &recorded.function,
            key,
            code: self.functions[func].code,
            durable_id: &durable_id,
            parent_key: self.nodes[caller].key,
        };
        let state = &self.state;
        let hit = self
            .replay
            .find(&wanted, &|key| state.get(key).map(|held| held.digest), &*self.checkpoints)
            .ok()?;
        let sets = |effect: &EventKind| matches!(effect, EventKind::StateSet { .. });
        let same = ahead.queue.iter().filter(|guess| guess.func == func).count() as u32;
        let free = hit.output.size <= SIZE
            && hit.is_unconditional()
            && !hit.effects.iter().any(sets)
            && self.passes_unseen(caller, recorded, func, same, &hit, ahead.nodes());
        let nodes = if self.gate.is_some() { nodes_of(&hit) } else { 1 };
        match free.then(|| self.checkpoints.load(&hit.output)) {
            Some(Ok(bytes)) if bytes.len() as u64 <= SIZE => {
                Some((Guess { func, canonical, key, durable_id, input, pickled, hit, nodes }, bytes))
            }
            _ => {
                self.replay.release(&hit);
                None
            }
        }
    }

    /// A caller goes another way, or is over: what was foreseen and not taken is free again.
    pub(super) fn forget_ahead(&mut self, caller: NodeIx) {
        let Some(ahead) = self.ahead.remove(&caller) else { return };
        if !ahead.queue.is_empty() {
            self.trust.0 = 1;
        }
        for guess in ahead.queue {
            self.replay.release(&guess.hit);
        }
    }

    /// A worker tells which answers its body took, in order. With `id` it waits for more.
    pub(super) fn took(
        &mut self,
        conn: ConnId,
        id: Option<u64>,
        by: CallNo,
        attempt: u32,
        sites: Vec<Option<(String, u32)>>,
    ) {
        let caller = self.spoke(by).filter(|ix| {
            self.nodes[*ix].host() == Some(conn)
                && self.nodes[*ix].attempt == attempt
                && self.stopping != Stopping::Over
        });
        let mut foreseen = Foreseen { said: 0, calls: vec![] };
        let mut blobs = vec![];
        if let Some(caller) = caller {
            for site in sites {
                let guess = self
                    .ahead
                    .get_mut(&caller)
                    .filter(|ahead| ahead.attempt == attempt)
                    .and_then(|ahead| ahead.queue.pop_front());
                let Some(guess) = guess else {
                    // Going on would leave a record without calls that were made.
                    let error = internal("a worker took an answer that was not meant for it");
                    self.end_run(RunStatus::Failed, Some(error));
                    return;
                };
                self.taken(caller, guess, site);
            }
            if id.is_some() && self.stopping == Stopping::No {
                self.trust.0 = (self.trust.0 * 2).min(MOST);
                (foreseen, blobs) = self.foresee_more(caller);
            }
        }
        if let Some(id) = id {
            let ahead = Some(foreseen);
            self.send(conn, ToWorker::Done { id, ok: true, n: None, at: None, error: None, ahead }, blobs);
        }
    }

    /// Records a call whose outcome its caller has already.
    fn taken(&mut self, caller: NodeIx, guess: Guess, site: Option<(String, u32)>) {
        let attempt = self.nodes[caller].attempt;
        let mut node = Node::new(caller, attempt, CallKind::Call, guess.func, Asker::Nobody);
        node.site = site.map(|(file, line)| Arc::new(Site { file, line }));
        node.input = Some(guess.input);
        node.key = guess.key;
        node.pickled = Some(guess.pickled);
        // Its place follows from those that were taken before it, as it was foreseen.
        node.durable_id.clone_from(&guess.durable_id);
        let ix = self.add(node);
        let scope = &mut self.nodes[caller].scope;
        scope.previous = Some(guess.durable_id);
        *scope.occurrences.entry((guess.func, guess.canonical)).or_insert(0) += 1;
        let ordinal = scope.ordinals.entry((guess.func, CallKind::Call)).or_insert(0);
        *ordinal += 1;
        self.nodes[ix].ordinal = *ordinal;
        self.record_served(ix, guess.hit);
    }
}
