//! The index over a recorded store, and how long one of 100,000 calls takes. The figures are ignored: run them with
//! `cargo test --release --lib find::tests -- --ignored --nocapture`.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use bytes::Bytes;

use super::{Words, search, update};
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::model::event::{CallAsked, CallEnded};
use crate::model::{CallKind, CallStatus, Event, EventKind, Mode, RunStatus, ValueRef};
use crate::store::{Batch, Node, NodeRules, Options, PlaceFilter, SearchField, SearchIndex, Store};
use crate::value::{self, NodeSink};

#[derive(Default)]
struct Nodes(Vec<Node>);

impl NodeSink for Nodes {
    fn put(&mut self, digest: Digest, data: Bytes, _: Vec<Digest>) {
        self.0.push(Node { digest, data });
    }
}

fn packed(json: &serde_json::Value, nodes: &mut Nodes) -> ValueRef {
    let packed = value::pack_json(json, nodes);
    ValueRef {
        digest: packed.digest,
        size: packed.size,
        preview: packed.preview,
        inline: packed.inline,
        withheld: None,
    }
}

const WORDS: [&str; 12] = [
    "refund", "order", "customer", "invoice", "delay", "shipping", "damaged", "payment", "question",
    "answer", "urgent", "thanks",
];

/// A run of an agent's tool calls: each has an input of its own, a shared system prompt, and an output of 400 bytes.
fn record(store: &Store, run: u64, calls: u32) {
    let run = RunId::from_random(run << 16);
    let writer = store.writer().unwrap();
    let mut nodes = Nodes::default();
    let input = packed(&serde_json::json!({"topic": "x"}), &mut nodes);
    let system = "You are a careful assistant of a shop. ".repeat(5);
    let mut kinds = vec![EventKind::RunStarted {
        run: run.clone(),
        app: "agent".to_owned(),
        file: "agent.py".to_owned(),
        mode: Mode::Fresh,
        parent: None,
        input: input.clone(),
        python: "3.12".to_owned(),
        version: "0".to_owned(),
        purpose: crate::model::Purpose::default(),
    }];
    let mut seq = 0;
    for no in 1..=calls {
        let word =
            |step: u32| WORDS[(no.wrapping_mul(2_654_435_761).wrapping_add(step * 7919) >> 7) as usize % 12];
        let text: Vec<String> =
            (0..40).map(|step| format!("{}{}", word(step), if step == 7 { no } else { 0 })).collect();
        let messages = serde_json::json!({"messages": [
            {"role": "system", "content": system}, {"role": "user", "content": format!("ticket {no} of {run}")}]});
        let asked = CallAsked {
            no,
            parent: u32::from(no > 1),
            parent_attempt: 1,
            kind: if no == 1 { CallKind::Root } else { CallKind::Call },
            function: if no == 1 { "agent" } else { "call_llm" }.to_owned(),
            ordinal: no,
            key: Digest::of(&no.to_le_bytes()),
            code: Digest::default(),
            durable_id: Digest::default(),
            durable: true,
            input: Some(packed(&messages, &mut nodes)),
            site: None,
            reason: None,
            effect: false,
            pickled: Default::default(),
        };
        let ended = CallEnded {
            no,
            status: CallStatus::Fresh,
            wall_us: 5,
            output: Some(packed(&serde_json::json!({"content": text.join(" ")}), &mut nodes)),
            error: None,
            origin: None,
            usage: None,
            state_reads: Vec::new(),
            reads: Vec::new(),
        };
        kinds.push(EventKind::CallAsked(Box::new(asked)));
        kinds.push(EventKind::CallEnded(Box::new(ended)));
        if no == calls {
            kinds.push(EventKind::RunEnded { status: RunStatus::Succeeded, output: None, error: None });
        }
        if kinds.len() > 500 || no == calls {
            let events = std::mem::take(&mut kinds).into_iter().map(|kind| {
                seq += 1;
                Event { seq, at: 1_700_000_000_000_000 + seq as i64, kind }
            });
            let batch =
                Batch { run: run.clone(), events: events.collect(), nodes: std::mem::take(&mut nodes.0) };
            writer.write(batch, false).unwrap();
        }
    }
}

fn store(dir: &std::path::Path) -> Store {
    let nodes = NodeRules { children: Some(value::children), ..NodeRules::default() };
    Store::open(dir, Options { nodes, ..Options::default() }).unwrap()
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for run in 1..=10 {
        record(&store, run, 10_000);
    }
    let mut index = SearchIndex::open(&store).unwrap();
    let start = Instant::now();
    let updated = update(&store, &mut index, &mut |_| {}).unwrap();
    let took = start.elapsed().as_secs_f64();
    let size = index.size().unwrap();
    println!("index of {} events: {took:.2} s; {size:?}; store {:?}", updated.events, store.size().unwrap());
    let start = Instant::now();
    update(&store, &mut index, &mut |_| {}).unwrap();
    println!("update with nothing new: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let run = store.runs(None, 10).unwrap().pop().unwrap().summary.id;
    for (text, filter) in [
        ("refund", PlaceFilter::default()),
        ("refund5003", PlaceFilter::default()),
        ("ticket 77", PlaceFilter::default()),
        ("\"careful assistant\"", PlaceFilter::default()),
        ("refund order invoice", PlaceFilter::default()),
        ("nowhere", PlaceFilter::default()),
        ("ticket", PlaceFilter { run: Some(run), fields: vec![SearchField::Input] }),
        ("careful", PlaceFilter { run: None, fields: vec![SearchField::Log] }),
    ] {
        let words = Words::parse(text).unwrap();
        let mut best = f64::MAX;
        let mut hits = 0;
        for _ in 0..5 {
            let start = Instant::now();
            let found = search(&store, &index, &words, &filter, 20).unwrap();
            hits = found.hits.len();
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
        println!("{text:24} {hits:3} hits {best:8.2} ms");
    }
}

#[test]
fn what_all_calls_share_is_indexed_once_and_leads_to_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    record(&store, 1, 30);
    record(&store, 2, 30);
    let mut index = SearchIndex::open(&store).unwrap();
    assert_eq!(update(&store, &mut index, &mut |_| {}).unwrap().events, 124);
    assert_eq!(update(&store, &mut index, &mut |_| {}).unwrap().events, 0);
    let words = Words::parse("careful").unwrap();
    let found = search(&store, &index, &words, &PlaceFilter::default(), 9).unwrap();
    assert_eq!((found.hits.len(), found.hits[0].count), (1, 60));
    assert_eq!(found.hits[0].path, "agent");
    assert_eq!(found.hits[0].place.run, RunId::from_random(2 << 16));
    // Other outputs of the second run are the same values.
    let words = Words::parse("ticket 7 of").unwrap();
    let found = search(&store, &index, &words, &PlaceFilter::default(), 9).unwrap();
    let paths: Vec<&str> = found.hits.iter().map(|hit| hit.path.as_str()).collect();
    assert_eq!(paths, ["agent/call_llm#7", "agent/call_llm#7"]);
    assert!(
        found.hits.iter().all(|hit| hit.snippet.text.contains("ticket 7 of") && hit.snippet.marks.len() >= 3)
    );
}
