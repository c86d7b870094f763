//! Requests of running bodies: calls, maps, reduces. Makes nodes, resolves futures, asks for decisions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::node::{Asker, ConnId, FuncIx, Node, NodeIx, Operation, OperationAsk, Outcome, Phase};
use super::{Core, Stopping};
use crate::base::digest::{BytesDigest, Digest};
use crate::engine::values;
use crate::model::event::CallAsked;
use crate::model::keys::{PositionKind, call_key, durable_id};
use crate::model::{CallKind, ErrorInfo, ErrorKind, EventKind, Site};
use crate::proto::message::{FromWorker, ToWorker};

/// What the three kinds of request have in common.
struct Request {
    conn: ConnId,
    id: u64,
    by: u32,
    attempt: u32,
    function: String,
    delay: Option<f64>,
    at: Option<(String, u32)>,
}

impl Core {
    pub(super) fn request(&mut self, conn: ConnId, message: FromWorker, mut blobs: Vec<Bytes>) {
        match message {
            FromWorker::Call { id, by, attempt, r#fn, deps, delay, at } => {
                let request = Request { conn, id, by, attempt, function: r#fn, delay, at };
                let Some((parent, func)) = self.admit(&request) else { return };
                let mut node = self.new_node(&request, parent, func, CallKind::Call);
                let arguments = blobs.drain(..).next().unwrap_or_default();
                node.pickled =
                    (deps.is_empty() && arguments.len() <= COMPARED).then(|| BytesDigest::of(&arguments));
                node.args = vec![arguments];
                let ix = self.add(node);
                self.requests.insert((conn, id), ix);
                self.position(ix, &request, &deps);
            }
            FromWorker::Map { id, by, attempt, r#fn, param, n: _, deps, from, delay, at } => {
                let request = Request { conn, id, by, attempt, function: r#fn, delay, at };
                let Some((parent, func)) = self.admit(&request) else { return };
                let mut node = self.new_node(&request, parent, func, CallKind::Map);
                node.ask = Some(Box::new(OperationAsk {
                    params: vec![param],
                    reduce: false,
                    items: blobs,
                    from: from.is_some(),
                }));
                let ix = self.add(node);
                self.requests.insert((conn, id), ix);
                self.position(ix, &request, &with_from(deps, from));
            }
            FromWorker::Reduce { id, by, attempt, r#fn, params, n: _, initial, deps, from, delay, at } => {
                let request = Request { conn, id, by, attempt, function: r#fn, delay, at };
                let Some((parent, func)) = self.admit(&request) else { return };
                let mut node = self.new_node(&request, parent, func, CallKind::Reduce);
                if from.is_some() && initial && blobs.is_empty() {
                    blobs.push(Bytes::new());
                }
                node.ask = Some(Box::new(OperationAsk {
                    params: vec![params.0, params.1],
                    reduce: true,
                    items: blobs,
                    from: from.is_some(),
                }));
                let ix = self.add(node);
                self.requests.insert((conn, id), ix);
                self.position(ix, &request, &with_from(deps, from));
            }
            _ => {}
        }
    }

    /// Checks that the request comes from a body that runs, names a known function, and that the run goes on.
    fn admit(&mut self, request: &Request) -> Option<(NodeIx, FuncIx)> {
        let refuse = |core: &mut Core, error: ErrorInfo| {
            let message = ToWorker::Done {
                id: request.id,
                ok: false,
                n: None,
                at: None,
                error: Some(error),
                ahead: None,
            };
            core.send(request.conn, message, vec![]);
            None
        };
        if self.stopping != Stopping::No {
            return refuse(self, ErrorInfo::cancelled());
        }
        let parent = self.spoke(request.by).filter(|ix| {
            let node = &self.nodes[*ix];
            node.host() == Some(request.conn) && (request.attempt == 0 || node.attempt == request.attempt)
        });
        let Some(parent) = parent else {
            // A body that timed out or was given up is still running: nothing of it counts any more.
            return refuse(self, ErrorInfo::cancelled());
        };
        self.nodes[parent].scope.said += 1;
        self.forget_ahead(parent);
        let Some(&func) = self.by_name.get(&request.function) else {
            let error = ErrorInfo::new(
                ErrorKind::SdkUsage,
                "SDKUsageError",
                format!("Function with name '{}' is not defined", request.function),
            );
            return refuse(self, error);
        };
        Some((parent, func))
    }

    fn new_node(&mut self, request: &Request, parent: NodeIx, func: FuncIx, kind: CallKind) -> Node {
        let asker = Asker::Request { conn: request.conn, id: request.id };
        let mut node = Node::new(parent, self.nodes[parent].attempt, kind, func, asker);
        node.durable = self.nodes[parent].durable && self.functions[func].facts.durable;
        node.delay = request.delay.map(|seconds| (seconds.max(0.0) * 1e6) as i64);
        node.site = request.at.clone().map(|(file, line)| Arc::new(Site { file, line }));
        self.nodes[parent].asking += 1;
        node
    }

    pub(super) fn add(&mut self, node: Node) -> NodeIx {
        let ix = self.nodes.len();
        let parent = node.parent;
        self.nodes.push(node);
        self.nodes[parent].scope.children.push(ix);
        self.open += 1;
        ix
    }

    /// Gives a new node its place among its siblings, and starts it as soon as its futures are there.
    fn position(&mut self, ix: NodeIx, request: &Request, deps: &BTreeMap<String, u64>) {
        let mut futures = Vec::new();
        for (name, id) in deps {
            if let Some(&dep) = self.requests.get(&(request.conn, *id)) {
                futures.push(self.nodes[dep].durable_id.clone());
                self.nodes[ix].deps.push((name.clone(), dep));
                if !self.nodes[dep].is_over() {
                    self.nodes[ix].unmet += 1;
                    self.nodes[dep].dependents.push(ix);
                }
            }
        }
        let name = self.functions[self.nodes[ix].func].facts.name.clone();
        let place = match self.nodes[ix].kind {
            CallKind::Map => PositionKind::Map(&name),
            CallKind::Reduce => PositionKind::Reduce(&name),
            CallKind::Root | CallKind::Call => PositionKind::Call(&name),
        };
        self.chain(ix, place, &futures);
        let (func, kind, parent) = (self.nodes[ix].func, self.nodes[ix].kind, self.nodes[ix].parent);
        let ordinal = self.nodes[parent].scope.ordinals.entry((func, kind)).or_insert(0);
        *ordinal += 1;
        self.nodes[ix].ordinal = *ordinal;
        if !self.met(ix) {
            return;
        }
        if self.nodes[ix].unmet == 0 {
            self.resolved(ix);
        }
    }

    /// Puts a durable node into the chain of its parent's durable calls.
    pub(super) fn chain(&mut self, ix: NodeIx, place: PositionKind<'_>, futures: &[String]) {
        if !self.nodes[ix].durable {
            return;
        }
        let parent = self.nodes[ix].parent;
        let parent_id = self.nodes[parent].durable_id.clone();
        let previous = self.nodes[parent].scope.previous.clone().unwrap_or_else(|| parent_id.clone());
        let id = durable_id(&parent_id, &previous, place, futures);
        self.nodes[parent].scope.previous = Some(id.clone());
        self.nodes[ix].durable_id = id;
    }

    /// All futures among a node's arguments are over: puts their values in place.
    pub(super) fn resolved(&mut self, ix: NodeIx) {
        if let Some(delay) = self.nodes[ix].delay.take() {
            let due = self.now() + delay;
            self.nodes[ix].phase = Phase::Delayed(due);
            self.timers.push(std::cmp::Reverse((due, ix, 0)));
            return;
        }
        let deps = std::mem::take(&mut self.nodes[ix].deps);
        let mut values = Vec::with_capacity(deps.len());
        for (name, dep) in &deps {
            match self.value_of(*dep) {
                Ok(pickle) => values.push((name.clone(), pickle)),
                Err(error) => {
                    self.ask_event(ix, None);
                    self.fail(ix, error);
                    return;
                }
            }
        }
        if self.nodes[ix].is_operation() {
            self.operation_inputs(ix, values);
        } else {
            self.call_arguments(ix, values);
        }
    }

    /// A finished node's value as one pickle.
    pub(super) fn value_of(&mut self, ix: NodeIx) -> Result<Bytes, ErrorInfo> {
        if let Some(bytes) = &self.nodes[ix].result {
            return Ok(bytes.clone());
        }
        match self.nodes[ix].outcome.clone() {
            Some(Outcome::Value(value)) => self.load(&value),
            Some(Outcome::List(items)) => {
                let pickles: Result<Vec<Bytes>, ErrorInfo> =
                    items.into_iter().map(|item| self.value_of(item)).collect();
                values::join_list(&pickles?).map_err(|e| internal(&e))
            }
            Some(Outcome::Error(error)) => Err(error),
            None => Err(internal("a future that is not over was used")),
        }
    }

    pub(super) fn load(&self, value: &crate::model::ValueRef) -> Result<Bytes, ErrorInfo> {
        match self.recorder.original(value) {
            Some(bytes) => Ok(bytes),
            None => self.checkpoints.load(value).map_err(|error| internal(&error.to_string())),
        }
    }

    fn call_arguments(&mut self, ix: NodeIx, values: Vec<(String, Bytes)>) {
        let base = self.nodes[ix].args.first().cloned().unwrap_or_default();
        let packer = &self.recorder.packer;
        let packed = match &self.nodes[ix].map_param {
            Some(param) => Ok(packer.item(param, &base)),
            None => packer.args(&base, &values),
        };
        match packed {
            Ok(ready) => {
                let (input, canonical) = self.recorder.keep(ready);
                let node = &mut self.nodes[ix];
                // The digest of bytes with a secret in them could be tried out.
                node.pickled = node.pickled.filter(|_| input.withheld.is_none());
                node.input = Some(input);
                for (name, value) in values {
                    node.dep_names.push(name);
                    node.args.push(value);
                }
                self.set_key(ix, canonical);
                self.decide(ix);
            }
            Err(text) => {
                self.ask_event(ix, None);
                let error = ErrorInfo::new(ErrorKind::Serialization, "SerializationError", text);
                self.fail(ix, error);
            }
        }
    }

    /// Counts the call among its caller's equal ones, which completes its key.
    pub(super) fn set_key(&mut self, ix: NodeIx, arguments: Digest) {
        let caller = self.caller(ix);
        let func = self.nodes[ix].func;
        let seen = self.nodes[caller].scope.occurrences.entry((func, arguments)).or_insert(0);
        let occurrence = *seen;
        *seen += 1;
        self.nodes[ix].key = call_key(&self.functions[func].facts.name, &arguments, occurrence);
    }

    fn operation_inputs(&mut self, ix: NodeIx, values: Vec<(String, Bytes)>) {
        let Some(mut ask) = self.nodes[ix].ask.take() else { return };
        let mut listed = Vec::new();
        for (name, pickle) in values {
            if name == FROM {
                match values::split_list(&pickle) {
                    Ok(items) => listed = items,
                    Err(kind) => {
                        self.ask_event(ix, None);
                        let operation = if ask.reduce { "Reduce" } else { "Map" };
                        let text = format!("{operation} operation input must be a list, got {kind}");
                        let error = ErrorInfo::new(ErrorKind::SdkUsage, "SDKUsageError", text);
                        self.fail(ix, error);
                        return;
                    }
                }
            } else {
                let index = if name == "initial" { Ok(0) } else { name.parse::<usize>() };
                if let Some(slot) = index.ok().and_then(|i| ask.items.get_mut(i)) {
                    *slot = pickle;
                }
            }
        }
        ask.items.extend(listed);
        self.ask_event(ix, None);
        let no = self.nodes[ix].no;
        self.nodes[ix].attempt = 1;
        self.emit(EventKind::CallStarted { no, attempt: 1, worker: 0 });
        self.nodes[ix].phase = Phase::Following;
        if ask.reduce { self.begin_reduce(ix, *ask) } else { self.begin_map(ix, *ask) }
    }

    fn begin_reduce(&mut self, op: NodeIx, ask: OperationAsk) {
        let mut params = ask.params.into_iter();
        let names = (params.next().unwrap_or_default(), params.next().unwrap_or_default());
        let mut inputs: VecDeque<Bytes> = ask.items.into();
        let Some(first) = inputs.pop_front() else {
            let text = "reduce of empty iterable with no initial value";
            self.fail(op, ErrorInfo::new(ErrorKind::SdkUsage, "SDKUsageError", text));
            return;
        };
        self.nodes[op].op =
            Some(Box::new(Operation::Reduce { params: names, inputs, steps: 0, accumulator: Some(first) }));
        self.next_step(op);
    }

    /// Makes the next call of a reduce, or ends it.
    pub(super) fn next_step(&mut self, op: NodeIx) {
        let Some(Operation::Reduce { params, inputs, steps, accumulator }) = self.nodes[op].op.as_deref_mut()
        else {
            return;
        };
        let Some(item) = inputs.pop_front() else {
            self.operation_over(op);
            return;
        };
        let pair = vec![(params.0.clone(), accumulator.take().unwrap_or_default()), (params.1.clone(), item)];
        let index = *steps;
        *steps += 1;
        let func = self.nodes[op].func;
        let ix = self.step_node(op, func, index, vec![values::empty_dict()], None);
        self.call_arguments(ix, pair);
    }

    pub(super) fn step_node(
        &mut self,
        op: NodeIx,
        func: FuncIx,
        index: usize,
        args: Vec<Bytes>,
        param: Option<String>,
    ) -> NodeIx {
        let attempt = self.nodes[op].parent_attempt;
        let mut node = Node::new(op, attempt, CallKind::Call, func, Asker::Operation { op, index });
        node.durable = self.nodes[op].durable && self.functions[func].facts.durable;
        node.ordinal = index as u32;
        node.args = args;
        node.map_param = param;
        node.site = self.nodes[op].site.clone();
        let ix = self.add(node);
        let name = self.functions[func].facts.name.clone();
        self.chain(ix, PositionKind::Call(&name), &[]);
        self.met(ix);
        ix
    }

    /// Records that a node was asked for; from here on it has a number.
    pub(super) fn ask_event(&mut self, ix: NodeIx, reason: Option<String>) {
        if self.nodes[ix].no != 0 {
            return;
        }
        if self.nodes[ix].code.is_none() {
            self.tell_code(self.nodes[ix].func);
        }
        let no = self.recorder.next_call();
        self.by_no.push(ix);
        let stepped = self.gate.is_some();
        let node = &mut self.nodes[ix];
        node.no = no;
        // Only who steps through the run looks at it again.
        let input = if stepped { node.input.clone() } else { node.input.take() };
        let node = &self.nodes[ix];
        let operation = node.is_operation();
        let asked = CallAsked {
            no,
            parent: if node.kind == CallKind::Root { 0 } else { self.nodes[node.parent].no },
            parent_attempt: node.parent_attempt,
            kind: node.kind,
            function: self.function_name(node.func).to_owned(),
            ordinal: node.ordinal,
            key: if operation { Digest::default() } else { node.key },
            code: node.code.unwrap_or(self.functions[node.func].code),
            durable_id: Digest::from_hex(&node.durable_id).unwrap_or_default(),
            durable: node.durable,
            input,
            site: node.site.as_deref().cloned(),
            reason,
            effect: !operation && self.functions[node.func].facts.effect,
            pickled: node.pickled,
        };
        self.emit(EventKind::CallAsked(Box::new(asked)));
    }
}

/// The most bytes of arguments that are compared as bytes.
const COMPARED: usize = 1 << 20;

/// The dependency that gives a whole list of items.
const FROM: &str = "from";

fn with_from(mut deps: BTreeMap<String, u64>, from: Option<u64>) -> BTreeMap<String, u64> {
    if let Some(id) = from {
        deps.insert(FROM.to_owned(), id);
    }
    deps
}

pub(super) fn internal(text: &str) -> ErrorInfo {
    ErrorInfo::new(ErrorKind::Internal, "InternalError", text)
}
