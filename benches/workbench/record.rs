//! Runs of any number of calls: an agent that is asked many questions. Each answer is a call with nine calls below it,
//! of a model and of a search, and each has an input and an output of its own.

use bytes::Bytes;
use tl_bench::base::clock::{Clock, SystemClock};
use tl_bench::base::digest::Digest;
use tl_bench::base::ids::{CallNo, RunId};
use tl_bench::cli::context::store_options;
use tl_bench::model::event::{CallAsked, CallEnded};
use tl_bench::model::{CallKind, CallStatus, Event, EventKind, Mode, RunStatus, Usage, ValueRef};
use tl_bench::store::{Batch, Node, Store};
use tl_bench::value::{self, NodeSink};

/// Calls below each answer, with the answer.
const TURN: u32 = 10;
/// Events that are written at once.
const BATCH: usize = 3_000;

#[derive(Default)]
struct Nodes(Vec<Node>);

impl NodeSink for Nodes {
    fn put(&mut self, digest: Digest, data: Bytes, _: Vec<Digest>) {
        self.0.push(Node { digest, data });
    }
}

/// A run, event by event.
pub struct Agent {
    run: RunId,
    calls: u32,
    no: CallNo,
    seq: u64,
    at: i64,
    nodes: Nodes,
}

impl Agent {
    /// The run with this number, of so many calls, that ends about now.
    pub fn new(number: u64, calls: u32) -> Self {
        let at = SystemClock.now() - i64::from(calls) * 1_000;
        // Ids begin with what is looked at.
        let run = RunId::from_random((number + 1) << 40 | number << 16);
        Agent { run, calls, no: 0, seq: 0, at, nodes: Nodes::default() }
    }

    /// Its id.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    fn packed(&mut self, json: &serde_json::Value) -> ValueRef {
        let packed = value::pack_json(json, &mut self.nodes);
        ValueRef {
            digest: packed.digest,
            size: packed.size,
            preview: packed.preview,
            inline: packed.inline,
            withheld: None,
        }
    }

    fn event(&mut self, kind: EventKind) -> Event {
        self.seq += 1;
        self.at += 300;
        Event { seq: self.seq, at: self.at, kind }
    }

    fn asked(&mut self, parent: CallNo, function: &str, ordinal: u32) -> Event {
        self.no += 1;
        let no = self.no;
        let said = format!("what is known about checkpoint number {no} of {}, and who says so?", self.run);
        let input = match function {
            "call_llm" => serde_json::json!({"messages": [
                {"role": "system", "content": "You are a careful assistant who names sources."},
                {"role": "user", "content": said}]}),
            _ => serde_json::json!({"question": said}),
        };
        let asked = CallAsked {
            no,
            parent,
            parent_attempt: 1,
            kind: if no == 1 { CallKind::Root } else { CallKind::Call },
            function: function.to_owned(),
            ordinal,
            key: Digest::of(&no.to_le_bytes()),
            code: Digest::default(),
            durable_id: Digest::of(&u64::from(no).to_le_bytes()),
            durable: true,
            input: Some(self.packed(&input)),
            site: None,
            reason: None,
            effect: false,
            pickled: None,
        };
        self.event(EventKind::CallAsked(Box::new(asked)))
    }

    fn started(&mut self, no: CallNo) -> Event {
        self.event(EventKind::CallStarted { no, attempt: 1, worker: 1 })
    }

    fn ended(&mut self, no: CallNo, model: bool) -> Event {
        let text = format!("call {no}: matched by content, ordered by position, consumed once. ").repeat(4);
        let output = self.packed(&serde_json::json!({"role": "assistant", "content": text}));
        let usage = model.then(|| Usage {
            input: 900,
            output: 100,
            model: Some("gpt-4o".to_owned()),
            cost_usd: Some(0.0032),
            ..Usage::default()
        });
        let ended = CallEnded {
            no,
            status: CallStatus::Fresh,
            wall_us: 600,
            output: Some(output),
            error: None,
            origin: None,
            usage,
            state_reads: Vec::new(),
            reads: Vec::new(),
        };
        self.event(EventKind::CallEnded(Box::new(ended)))
    }

    /// All of it up to its end, in parts of about [`BATCH`] events.
    pub fn play(&mut self, take: &mut dyn FnMut(Vec<Event>, Vec<Node>)) {
        let input = self.packed(&serde_json::json!({"topic": "durable execution"}));
        let began = EventKind::RunStarted {
            run: self.run.clone(),
            app: "research_agent".to_owned(),
            file: "app.py".to_owned(),
            mode: Mode::Fresh,
            parent: None,
            input,
            python: "3.12".to_owned(),
            version: "0".to_owned(),
            purpose: tl_bench::model::Purpose::default(),
        };
        let mut held = vec![self.event(began), self.asked(0, "research_agent", 1), self.started(1)];
        let mut answer = 1;
        for no in 2..=self.calls {
            let within = (no - 2) % TURN;
            let (parent, function, ordinal) = match within {
                0 => (1, "answer", (no - 2) / TURN + 1),
                n if n % 2 == 1 => (answer, "call_llm", n / 2 + 1),
                n => (answer, "search_web", n / 2),
            };
            if within == 0 {
                if answer > 1 {
                    held.push(self.ended(answer, false));
                }
                answer = no;
            }
            held.push(self.asked(parent, function, ordinal));
            held.push(self.started(no));
            if within > 0 {
                held.push(self.ended(no, function == "call_llm"));
            }
            if held.len() > BATCH {
                take(std::mem::take(&mut held), std::mem::take(&mut self.nodes.0));
            }
        }
        if answer > 1 {
            held.push(self.ended(answer, false));
        }
        held.push(self.ended(1, false));
        held.push(self.event(EventKind::RunEnded {
            status: RunStatus::Succeeded,
            output: None,
            error: None,
        }));
        take(held, std::mem::take(&mut self.nodes.0));
    }
}

/// Records so many runs of so many calls in a store.
pub fn record(folder: &std::path::Path, runs: u64, calls: u32) {
    let store = Store::open(folder, store_options()).unwrap();
    let writer = store.writer().unwrap();
    for number in 0..runs {
        let mut agent = Agent::new(number, calls);
        let run = agent.run().clone();
        agent.play(&mut |events, nodes| {
            writer.write(Batch { run: run.clone(), events, nodes }, false).unwrap();
        });
    }
}
