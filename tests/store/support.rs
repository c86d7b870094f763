//! Small runs for the tests of the store.

use std::path::Path;

use bytes::Bytes;
use tl_bench::base::digest::Digest;
use tl_bench::base::ids::{CallNo, RunId};
use tl_bench::model::event::{CallAsked, CallEnded};
use tl_bench::model::{CallKind, CallStatus, Event, EventKind, Mode, Origin, RunStatus, Usage, ValueRef};
use tl_bench::store::{Batch, Node, NodeRules, Options, Store, StoreError, Writer};

/// Values made of lines; a line of 64 hex digits refers to another value.
pub fn children(data: &[u8]) -> Vec<Digest> {
    String::from_utf8_lossy(data).lines().filter_map(Digest::from_hex).collect()
}

pub fn options() -> Options {
    Options { nodes: NodeRules { children: Some(children), ..NodeRules::default() }, ..Options::default() }
}

pub fn open(dir: &Path) -> Store {
    Store::open(dir, options()).unwrap()
}

pub fn node(text: impl Into<String>) -> Node {
    let data = Bytes::from(text.into());
    Node { digest: Digest::of(&data), data }
}

pub fn value(node: &Node) -> ValueRef {
    let preview = String::from_utf8_lossy(&node.data).chars().take(40).collect();
    ValueRef { digest: node.digest, size: node.data.len() as u64, preview, inline: None, withheld: None }
}

pub fn inline(text: &str) -> ValueRef {
    ValueRef {
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        preview: text.to_owned(),
        inline: Some(text.as_bytes().to_vec()),
        withheld: None,
    }
}

/// A run under construction.
pub struct Recorder {
    pub writer: Writer,
    pub run: RunId,
    pub seq: u64,
    /// When it began: later for higher names.
    pub began: i64,
}

impl Recorder {
    /// Starts a run: its first event and its root call.
    pub fn start(store: &Store, name: u64, parent: Option<&RunId>) -> Recorder {
        let run = RunId::from_random(name << 16);
        let mut recorder = Recorder {
            writer: store.writer().unwrap(),
            run: run.clone(),
            seq: 0,
            began: (name % 1_000) as i64 * 1_000_000_000,
        };
        let started = EventKind::RunStarted {
            run,
            app: "agent".to_owned(),
            file: "/project/agent.py".to_owned(),
            mode: Mode::Adaptive,
            parent: parent.cloned(),
            input: inline("{\"topic\": \"x\"}"),
            python: "3.11.7".to_owned(),
            version: "0.1.0".to_owned(),
            purpose: Default::default(),
        };
        let root = EventKind::CallStarted { no: 1, attempt: 1, worker: 1 };
        recorder.put(vec![started, asked(1, 0), root], vec![], true).unwrap();
        recorder
    }

    pub fn batch(&mut self, kinds: Vec<EventKind>, nodes: Vec<Node>) -> Batch {
        let events = kinds
            .into_iter()
            .map(|kind| {
                self.seq += 1;
                Event {
                    seq: self.seq,
                    at: 1_700_000_000_000_000 + self.began + self.seq as i64 * 1_000,
                    kind,
                }
            })
            .collect();
        Batch { run: self.run.clone(), events, nodes }
    }

    pub fn put(
        &mut self,
        kinds: Vec<EventKind>,
        nodes: Vec<Node>,
        durable: bool,
    ) -> Result<(), std::sync::Arc<StoreError>> {
        let batch = self.batch(kinds, nodes);
        self.writer.write(batch, durable)
    }

    /// Commits on this thread, as the engine does while nothing else goes on.
    pub fn put_now(&mut self, kinds: Vec<EventKind>, nodes: Vec<Node>, durable: bool) {
        let batch = self.batch(kinds, nodes);
        match self.writer.commit_now(batch, durable) {
            Ok(outcome) => outcome.unwrap(),
            Err(batch) => self.writer.write(batch, durable).unwrap(),
        }
    }

    /// A call that starts and ends freshly with this output.
    pub fn step(&mut self, no: CallNo, output: Node) {
        self.put(vec![asked(no, 1), EventKind::CallStarted { no, attempt: 1, worker: 1 }], vec![], false)
            .unwrap();
        let ended = ended(no, CallStatus::Fresh, Some(value(&output)), None);
        self.put(vec![ended], vec![output], true).unwrap();
    }

    pub fn end(&mut self, status: RunStatus) {
        self.put(
            vec![
                ended(1, CallStatus::Fresh, None, None),
                EventKind::RunEnded { status, output: Some(inline("done")), error: None },
            ],
            vec![],
            true,
        )
        .unwrap();
    }
}

pub fn asked(no: CallNo, parent: CallNo) -> EventKind {
    EventKind::CallAsked(Box::new(CallAsked {
        no,
        parent,
        parent_attempt: 1,
        kind: if parent == 0 { CallKind::Root } else { CallKind::Call },
        function: if parent == 0 { "agent" } else { "step" }.to_owned(),
        ordinal: no,
        key: Digest::of(&no.to_le_bytes()),
        code: Digest::of(b"code"),
        durable_id: Digest::of(b"durable"),
        durable: true,
        input: Some(inline("{}")),
        site: None,
        reason: None,
        effect: false,
        pickled: None,
    }))
}

pub fn ended(no: CallNo, status: CallStatus, output: Option<ValueRef>, origin: Option<Origin>) -> EventKind {
    EventKind::CallEnded(Box::new(CallEnded {
        no,
        status,
        wall_us: 7_000,
        output,
        error: None,
        origin,
        usage: Some(Usage { input: 10, output: 5, cost_usd: Some(0.25), ..Usage::default() }),
        state_reads: vec![],
        reads: vec![],
    }))
}
