//! What the scheduler knows of one node of the call tree while a run executes.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use rustc_hash::FxHashMap as HashMap;

use crate::base::clock::Micros;
use crate::base::digest::{BytesDigest, Digest};
use crate::base::ids::CallNo;
use crate::model::{CallKind, ErrorInfo, FileRead, Origin, Site, Usage, ValueRef};

/// Index of a node in [`super::Core`]'s list.
pub type NodeIx = usize;
/// Index of a function in [`super::Core`]'s list.
pub type FuncIx = usize;
/// A connection to a worker, a driver or a context peer.
pub type ConnId = u32;

/// Who gets the outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// The run itself.
    Run,
    /// A request of a connection.
    Request {
        /// The connection.
        conn: ConnId,
        /// Its request.
        id: u64,
    },
    /// A map or reduce operation.
    Operation {
        /// The operation.
        op: NodeIx,
        /// Index of the item or step.
        index: usize,
    },
    /// Nobody any more: the caller is gone.
    Nobody,
}

/// Where a node stands inside the scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Arguments are futures that are not there yet.
    Waiting,
    /// Started with `run_later`; due at this time.
    Delayed(Micros),
    /// Wants a worker.
    Ready,
    /// Its start is being written.
    Starting {
        /// The worker that will execute it.
        conn: ConnId,
    },
    /// Its body runs.
    Running {
        /// The worker that executes it.
        conn: ConnId,
    },
    /// An operation whose children run, or a call that returned a future as its result.
    Following,
    /// It waits for an answer of whoever steps through the run.
    AtGate,
    /// Its outcome is being written.
    Recording,
    /// Over.
    Done,
}

/// A node's outcome.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A value.
    Value(ValueRef),
    /// A map's values: the items' nodes in order.
    List(Vec<NodeIx>),
    /// A failure.
    Error(ErrorInfo),
}

/// A part that most nodes do not have: it takes room from its first change on.
#[derive(Debug)]
pub struct Rare<T>(Option<Box<T>>);

/// What a [`Rare`] part is before it is changed.
pub trait Blank: Default + 'static {
    /// It.
    fn blank() -> &'static Self;
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Rare(None)
    }
}

impl<T: Blank> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::blank())
    }
}

impl<T: Blank> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl Blank for Scope {
    fn blank() -> &'static Self {
        static BLANK: LazyLock<Scope> = LazyLock::new(Scope::default);
        &BLANK
    }
}

/// Finished durable children of failed attempts, by key, the earliest last.
pub type Earlier = HashMap<Digest, Vec<NodeIx>>;

impl Blank for Earlier {
    fn blank() -> &'static Self {
        static BLANK: LazyLock<Earlier> = LazyLock::new(Earlier::default);
        &BLANK
    }
}

/// Bookkeeping of the calls that one attempt of a body made.
#[derive(Debug, Default)]
pub struct Scope {
    /// Calls with the same function and arguments so far.
    pub occurrences: HashMap<(FuncIx, Digest), u32>,
    /// Calls with the same function and kind so far.
    pub ordinals: HashMap<(FuncIx, CallKind), u32>,
    /// Durable id of the durable call that was started last.
    pub previous: Option<String>,
    /// Requests made so far: what was foreseen for a body counts only until its next one.
    pub said: u64,
    /// Nodes made by this attempt, operations' items included.
    pub children: Vec<NodeIx>,
    /// Strict replay: how many recorded children were met.
    pub matched: usize,
}

/// What an operation needs beside its children.
#[derive(Debug)]
pub enum Operation {
    /// A map: children in order; how many are not over.
    Map {
        /// Items' nodes.
        items: Vec<NodeIx>,
        /// Items that are not over.
        open: usize,
    },
    /// A reduce: a chain of calls, each made when the one before is over.
    Reduce {
        /// Names of the accumulator's and the item's parameters.
        params: (String, String),
        /// Inputs still to be used, in order.
        inputs: std::collections::VecDeque<Bytes>,
        /// Steps made.
        steps: usize,
        /// The accumulator.
        accumulator: Option<Bytes>,
    },
}

/// How an operation got its inputs.
#[derive(Debug)]
pub struct OperationAsk {
    /// Map's parameter, or reduce's two.
    pub params: Vec<String>,
    /// True for reduce.
    pub reduce: bool,
    /// The inputs as pickles (empty where a future gives it).
    pub items: Vec<Bytes>,
    /// `from`: the items are the list that this dependency gives, after the initial value.
    pub from: bool,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Public number; 0 until the call was recorded as asked.
    pub no: CallNo,
    /// The node in whose body (or operation) it was made; its own index for the root.
    pub parent: NodeIx,
    /// That body's attempt.
    pub parent_attempt: u32,
    /// What it is.
    pub kind: CallKind,
    /// The function.
    pub func: FuncIx,
    /// See [`crate::model::Call::ordinal`].
    pub ordinal: u32,
    /// Whether its outcome may be reused.
    pub durable: bool,
    /// Its durable id as hex; empty when not durable.
    pub durable_id: String,
    /// Who gets the outcome.
    pub asker: Asker,
    /// Where it stands.
    pub phase: Phase,
    /// Dependencies that are not over.
    pub unmet: usize,
    /// Named dependencies: parameter (or index, for operations) and node.
    pub deps: Vec<(String, NodeIx)>,
    /// Nodes that wait for this one.
    pub dependents: Vec<NodeIx>,
    /// Arguments to send: the dict (or the bare item), then the dependencies' values.
    pub args: Vec<Bytes>,
    /// The bare item's parameter.
    pub map_param: Option<String>,
    /// Arguments are JSON (the root).
    pub json: bool,
    /// Delay before starting, in microseconds.
    pub delay: Option<Micros>,
    /// Arguments to record; taken when they are, unless somebody steps through the run.
    pub input: Option<ValueRef>,
    /// See [`crate::model::event::CallAsked::pickled`].
    pub pickled: Option<BytesDigest>,
    /// Its key.
    pub key: Digest,
    /// The code that made what it is served, when that is not today's.
    pub code: Option<Digest>,
    /// Attempt that runs or ran last.
    pub attempt: u32,
    /// When that attempt's body started.
    pub started_at: Micros,
    /// When it times out.
    pub deadline: Option<Micros>,
    /// Calls made by the current attempt.
    pub scope: Rare<Scope>,
    /// Served to the next attempt.
    pub earlier: Rare<Earlier>,
    /// Requests of its body that are not answered: while there are some, it holds no slot.
    pub asking: usize,
    /// Names of the futures whose values follow in `args`.
    pub dep_names: Vec<String>,
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// The outcome's pickle, kept from its arrival until it was handed out.
    pub result: Option<Bytes>,
    /// Where a served outcome came from.
    pub origin: Option<Origin>,
    /// What a model call used.
    pub usage: Option<Usage>,
    /// Body time of the outcome.
    pub wall_us: i64,
    /// Call site; items of an operation share it.
    pub site: Option<Arc<Site>>,
    /// Operation data.
    pub op: Option<Box<Operation>>,
    /// Operation data before its inputs are there.
    pub ask: Option<Box<OperationAsk>>,
    /// Strict replay: the recorded call at this position.
    pub recorded: Option<CallNo>,
    /// State keys read by its body.
    pub state_reads: Vec<(String, Option<Digest>)>,
    /// Files that its body looked at.
    pub reads: Vec<FileRead>,
    /// The node whose outcome is this call's (a tail call).
    pub tail: Option<NodeIx>,
    /// Bytes of its two streams so far.
    pub logged: [u64; 2],
    /// The unfinished call of an earlier attempt that it stands for.
    pub adopts: Option<NodeIx>,
    /// Whether its body is known to have begun: something came from it.
    pub begun: bool,
    /// Attempts that were lost because another call ended their process.
    pub lost: u32,
    /// Its end as it will be recorded, when whoever steps through the run accepts it.
    pub offered: Option<Box<crate::model::event::CallEnded>>,
    /// Whoever steps through the run has said how it ends.
    pub decided: bool,
}

impl Node {
    /// A node that nothing is known of yet.
    pub fn new(parent: NodeIx, parent_attempt: u32, kind: CallKind, func: FuncIx, asker: Asker) -> Self {
        Node {
            no: 0,
            parent,
            parent_attempt,
            kind,
            func,
            ordinal: 1,
            durable: true,
            durable_id: String::new(),
            asker,
            phase: Phase::Waiting,
            unmet: 0,
            deps: Vec::new(),
            dependents: Vec::new(),
            args: Vec::new(),
            map_param: None,
            json: false,
            delay: None,
            input: None,
            pickled: None,
            key: Digest::default(),
            code: None,
            attempt: 0,
            started_at: 0,
            deadline: None,
            scope: Rare::default(),
            earlier: Rare::default(),
            asking: 0,
            dep_names: Vec::new(),
            outcome: None,
            result: None,
            origin: None,
            usage: None,
            wall_us: 0,
            site: None,
            op: None,
            ask: None,
            recorded: None,
            state_reads: Vec::new(),
            reads: Vec::new(),
            tail: None,
            logged: [0, 0],
            adopts: None,
            begun: false,
            lost: 0,
            offered: None,
            decided: false,
        }
    }

    /// Whether it is a map or reduce operation.
    pub fn is_operation(&self) -> bool {
        matches!(self.kind, CallKind::Map | CallKind::Reduce)
    }

    /// The worker that hosts its body now.
    pub fn host(&self) -> Option<ConnId> {
        match self.phase {
            Phase::Running { conn } | Phase::Starting { conn } => Some(conn),
            _ => None,
        }
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Done
    }
}
