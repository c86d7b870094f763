//! What runs spent and what reuse spared: whoever adds up, and whatever by, it is the same sum over calls.
//!
//! Runs are made at random in a store: served, failed, retried, nested and unfinished calls, with tokens of known and unknown
//! price. The sums that the commands tell, and those of the store's rows, are compared with sums that are made here.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use support::Project;
use tl_bench::base::digest::Digest;
use tl_bench::base::ids::{CallNo, RunId, call_id};
use tl_bench::engine::secrets::Secrets;
use tl_bench::engine::values::Packer;
use tl_bench::model::event::{CallAsked, CallEnded};
use tl_bench::model::{
    CallKind, CallStatus, ErrorInfo, ErrorKind, Event, EventKind, Mode, RunStatus, Usage, ValueRef,
};
use tl_bench::store::{Batch, Node, Options, Store};

const DAY: i64 = 86_400_000_000;
const FUNCTIONS: [&str; 3] = ["ask", "plan", "read"];

#[derive(Clone, Debug)]
struct Made {
    parent: usize,
    function: usize,
    kind: CallKind,
    status: CallStatus,
    retried: bool,
    usage: Option<Usage>,
    /// Its output is a model's answer: its own, or one that was counted for another call.
    answers: bool,
    wall_us: i64,
}

/// A value as the engine packs it; what it is made of goes to `nodes`.
fn packed(json: &Value, nodes: &mut Vec<Node>) -> ValueRef {
    let ready = Packer::new(&Secrets::default()).json_value(json);
    nodes.extend(ready.pieces);
    ready.value
}

fn answer(usage: Option<&Usage>) -> Value {
    let (input, output) = usage.map_or((7, 7), |usage| (usage.input, usage.output));
    let message = json!({"role": "assistant", "content": "Yes."});
    json!({
        "object": "chat.completion", "model": "some-model",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output},
    })
}

fn calls() -> impl Strategy<Value = Vec<Made>> {
    use CallStatus::{Cached, Cancelled, Edited, Failed, Fresh, InDoubt, Pending};
    let kind = prop_oneof![6 => Just(CallKind::Call), 1 => Just(CallKind::Map), 1 => Just(CallKind::Reduce)];
    let statuses = [Fresh, Fresh, Cached, Cached, Failed, Edited, Cancelled, InDoubt, Pending];
    // Prices are sixty-fourths of a dollar, so that sums of floats are exact.
    let usage = (0u64..5_000, 0u64..900, 0u64..99, prop::option::of(0u32..4_000)).prop_map(
        |(input, output, part, cost)| Usage {
            input,
            output,
            cached_input: part.min(input),
            reasoning: part.min(output),
            cost_usd: cost.map(|cost| f64::from(cost) / 64.0),
            model: Some("some-model".to_owned()),
            ..Usage::default()
        },
    );
    let call = (
        any::<usize>(),
        0..FUNCTIONS.len(),
        kind,
        prop::sample::select(statuses.to_vec()),
        any::<bool>(),
        prop::option::weighted(0.7, usage),
        any::<bool>(),
        0i64..9_000_000,
    );
    let made = call.prop_map(|(parent, function, kind, status, retried, usage, answers, wall_us)| {
        // Maps have no body that could use anything.
        let usage = usage.filter(|_| kind == CallKind::Call);
        let answers = answers && kind == CallKind::Call && status.has_output();
        Made { parent, function, kind, status, retried, usage, answers, wall_us }
    });
    prop::collection::vec(made, 0..14)
}

/// A run: its calls by number, and what was made of them.
struct Recorded {
    id: RunId,
    day: i64,
    calls: Vec<(CallNo, CallNo, Made)>,
}

fn record(store: &Store, name: u64, day: i64, calls: Vec<Made>) -> Recorded {
    let run = RunId::from_random(name << 16);
    let mut nodes = Vec::new();
    let mut kinds = vec![EventKind::RunStarted {
        run: run.clone(),
        app: "agent".to_owned(),
        file: "/project/app.py".to_owned(),
        mode: Mode::Adaptive,
        parent: None,
        input: packed(&json!({}), &mut nodes),
        python: "3.11.7".to_owned(),
        version: "0.1.0".to_owned(),
        purpose: Default::default(),
    }];
    let root = Made {
        parent: 0,
        function: 0,
        kind: CallKind::Root,
        status: CallStatus::Fresh,
        retried: false,
        usage: None,
        answers: false,
        wall_us: 1,
    };
    let mut all = vec![(1, 0, root)];
    for (no, made) in (2..).zip(calls) {
        let parent = all[made.parent % all.len()].0;
        all.push((no, parent, made));
    }
    for (no, parent, made) in &all {
        let root = made.kind == CallKind::Root;
        kinds.push(EventKind::CallAsked(Box::new(CallAsked {
            no: *no,
            parent: *parent,
            parent_attempt: 1,
            kind: made.kind,
            function: if root { "agent" } else { FUNCTIONS[made.function] }.to_owned(),
            ordinal: *no,
            key: Digest::of(&no.to_le_bytes()),
            code: Digest::of(b"code"),
            durable_id: Digest::of(b"durable"),
            durable: true,
            input: None,
            site: None,
            reason: None,
            effect: false,
            pickled: None,
        })));
        if matches!(made.status, CallStatus::Fresh | CallStatus::Failed) {
            kinds.push(EventKind::CallStarted { no: *no, attempt: 1, worker: 1 });
            if made.retried {
                let error = ErrorInfo::new(ErrorKind::Function, "ValueError", "once");
                kinds.push(EventKind::AttemptFailed { no: *no, attempt: 1, error });
                kinds.push(EventKind::CallStarted { no: *no, attempt: 2, worker: 1 });
            }
        }
    }
    for (no, _, made) in all.iter().rev().filter(|(_, _, made)| made.status.is_final()) {
        let output = made.answers.then(|| packed(&answer(made.usage.as_ref()), &mut nodes));
        let end = CallEnded::bodiless(*no, made.status, output, None);
        let ended = CallEnded { usage: made.usage.clone(), wall_us: made.wall_us, ..end };
        kinds.push(EventKind::CallEnded(Box::new(ended)));
    }
    kinds.push(EventKind::RunEnded { status: RunStatus::Succeeded, output: None, error: None });
    let at = 20_000 * DAY + day * DAY;
    let events = (1..).zip(kinds).map(|(seq, kind)| Event { seq, at: at + seq as i64, kind }).collect();
    let batch = Batch { run: run.clone(), events, nodes };
    store.writer().unwrap().write(batch, true).unwrap();
    Recorded { id: run, day: 20_000 + day, calls: all }
}

/// Tokens, dollars of known price, whether all prices are known; calls, tokens, dollars and microseconds spared.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Sum {
    executed: u64,
    tokens: u64,
    cost: f64,
    priced: bool,
    calls: u64,
    spared: u64,
    dollars: f64,
    time_us: i64,
}

impl Recorded {
    fn sum(&self, of: impl Fn(&(CallNo, CallNo, Made)) -> bool) -> Sum {
        let (mut sum, none) = (zero(), Usage::default());
        for call in
            self.calls.iter().filter(|call| call.2.kind != CallKind::Map && call.2.kind != CallKind::Reduce)
        {
            let (no, _, made) = call;
            if !of(call) {
                continue;
            }
            let usage = made.usage.as_ref().unwrap_or(&none);
            let is_call = u64::from(made.kind == CallKind::Call);
            match made.status {
                CallStatus::Fresh | CallStatus::Failed => {
                    sum.executed += is_call;
                    sum.tokens += usage.input + usage.output;
                    sum.cost += usage.cost_usd.unwrap_or(0.0);
                    sum.priced &= usage.cost_usd.is_some() || usage.input + usage.output == 0;
                }
                CallStatus::Cached => {
                    sum.calls += is_call;
                    sum.spared += usage.input + usage.output;
                    sum.dollars += usage.cost_usd.unwrap_or(0.0);
                    let leaf = !self.calls.iter().any(|(_, parent, _)| parent == no);
                    sum.time_us += if leaf { made.wall_us } else { 0 };
                }
                _ => {}
            }
        }
        sum
    }

    fn is_below(&self, mut no: CallNo, top: CallNo) -> bool {
        while no > top {
            no = self.calls[no as usize - 1].1;
        }
        no == top
    }
}

fn zero() -> Sum {
    Sum { executed: 0, tokens: 0, cost: 0.0, priced: true, calls: 0, spared: 0, dollars: 0.0, time_us: 0 }
}

fn together(sums: impl Iterator<Item = Sum>) -> Sum {
    sums.fold(zero(), |a, b| Sum {
        executed: a.executed + b.executed,
        tokens: a.tokens + b.tokens,
        cost: a.cost + b.cost,
        priced: a.priced && b.priced,
        calls: a.calls + b.calls,
        spared: a.spared + b.spared,
        dollars: a.dollars + b.dollars,
        time_us: a.time_us + b.time_us,
    })
}

/// What a document says: `spent` has the calls, the tokens and the price, `saved` the rest.
fn told(spent: &Value, saved: &Value, executed: &Value) -> (u64, u64, Option<f64>, u64, u64, f64, i64) {
    (
        executed.as_u64().unwrap(),
        spent["tokens"].as_u64().unwrap(),
        spent["cost_usd"].as_f64(),
        saved["calls"].as_u64().unwrap(),
        saved["tokens"].as_u64().unwrap(),
        saved["cost_usd"].as_f64().unwrap(),
        (saved["seconds"].as_f64().unwrap() * 1e6).round() as i64,
    )
}

fn expected(sum: Sum) -> (u64, u64, Option<f64>, u64, u64, f64, i64) {
    let cost = sum.priced.then_some(sum.cost);
    (sum.executed, sum.tokens, cost, sum.calls, sum.spared, sum.dollars, sum.time_us)
}

/// The rows of calls of a document of the lens: tokens by what became of the call.
fn listed(lens: &Value, statuses: &[&str]) -> u64 {
    let calls = lens["calls"].as_array().unwrap().iter();
    let calls = calls.filter(|call| call["counted"] == true);
    let calls = calls.filter(|call| statuses.iter().any(|status| call["status"] == *status));
    calls
        .map(|call| call["tokens"]["input"].as_u64().unwrap() + call["tokens"]["output"].as_u64().unwrap())
        .sum()
}

fn savings(project: &Project, by: &str) -> Value {
    project.tl(&["savings", "--by", by, "--json"]).exits(0).json()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_sums_are_the_same_sum_over_calls(
        made in prop::collection::vec((0i64..3, calls(), any::<Index>()), 1..4),
    ) {
        let project = Project::new(&[("tl-bench.toml", "")]);
        let store = Store::open(&project.root().join(".tl-bench"), Options::default()).unwrap();
        let mut runs = Vec::new();
        let mut picks = Vec::new();
        for (name, (day, calls, pick)) in (1..).zip(made) {
            runs.push(record(&store, name, day, calls));
            picks.push(pick);
        }
        let whole = |run: &Recorded| run.sum(|_| true);

        // The store's own sums, and those of its rows.
        let db = rusqlite::Connection::open(project.root().join(".tl-bench/store.db")).unwrap();
        let sql = "SELECT coalesce(sum(tokens), 0) FROM calls";
        let kept: u64 = db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64;
        let ended = |made: &Made| made.status.is_final();
        let all = runs.iter().flat_map(|run| &run.calls).filter(|(_, _, made)| ended(made));
        prop_assert_eq!(kept, all.filter_map(|(_, _, made)| Some(made.usage.as_ref()?.tokens())).sum::<u64>());
        drop(store);

        let list = project.tl(&["runs", "--json"]).exits(0).json();
        let rows = list.as_array().or(list["runs"].as_array()).unwrap();
        for run in &runs {
            let row = rows.iter().find(|row| row["run"] == run.id.as_str()).unwrap();
            let executed = (row["counts"]["fresh"].as_u64().unwrap() + row["counts"]["failed"].as_u64().unwrap()).into();
            prop_assert_eq!(told(row, &row["saved"], &executed), expected(whole(run)), "runs: {}", row);
        }

        let key = |by: &str, row: &Value| row[by].as_str().unwrap().to_owned();
        let mut by_day: BTreeMap<i64, Vec<Sum>> = BTreeMap::new();
        let mut by_function: BTreeMap<&str, Vec<Sum>> = BTreeMap::new();
        for run in &runs {
            by_day.entry(run.day).or_default().push(whole(run));
            for name in FUNCTIONS {
                let here = |call: &(CallNo, CallNo, Made)| call.0 > 1 && FUNCTIONS[call.2.function] == name;
                by_function.entry(name).or_default().push(run.sum(here));
            }
        }
        let total = expected(together(runs.iter().map(whole)));
        for by in ["day", "run", "function"] {
            let said = savings(&project, by);
            let of = |row: &Value| told(&row["spent"], &row["saved"], &row["spent"]["calls"]);
            prop_assert_eq!(of(&said["total"]), total, "savings by {}: {}", by, said);
            let rows = said["rows"].as_array().unwrap();
            for row in rows.iter().filter(|_| by == "run") {
                let run = runs.iter().find(|run| key("run", row) == run.id.as_str()).unwrap();
                prop_assert_eq!(of(row), expected(whole(run)), "{}", row);
            }
            for row in rows.iter().filter(|row| by == "function" && row["function"] != "agent") {
                let sums = by_function[key("function", row).as_str()].iter().copied();
                prop_assert_eq!(of(row), expected(together(sums)), "{}", row);
            }
            if by == "day" {
                // The newest first.
                let days: Vec<_> = rows.iter().map(of).collect();
                let sums = by_day.values().rev().map(|sums| expected(together(sums.iter().copied())));
                prop_assert_eq!(days, sums.collect::<Vec<_>>(), "{}", said);
            }
        }

        for (run, pick) in runs.iter().zip(picks) {
            let shown = project.tl(&["show", run.id.as_str(), "--json"]).exits(0).json();
            let tokens = |status: &str| -> u64 {
                let calls = shown["calls"].as_array().unwrap().iter().filter(|call| call["status"] == status);
                calls.filter_map(|call| Some(call["usage"]["input"].as_u64()? + call["usage"]["output"].as_u64()?)).sum()
            };
            prop_assert_eq!(tokens("fresh") + tokens("failed"), whole(run).tokens, "show: {}", shown);
            prop_assert_eq!(tokens("cached"), whole(run).spared);

            // The lens: the run, and a call with all below it.
            let no = run.calls[pick.index(run.calls.len())].0;
            let call = call_id(&run.id, no).to_string();
            for (args, top) in [(vec!["show", run.id.as_str(), "--lens", "--json"], 1),
                (vec!["show", run.id.as_str(), &call, "--lens", "--json"], no)] {
                let sum = run.sum(|call| run.is_below(call.0, top));
                let seen = |call: &(CallNo, CallNo, Made)| {
                    run.is_below(call.0, top) && call.2.usage.is_some() && ended(&call.2)
                };
                let done = project.tl(&args);
                if no > 1 && args.len() == 5 && run.calls[no as usize - 1].2.answers {
                    // One answer, with what it used itself.
                    let one = done.exits(0).json();
                    let own = run.calls[no as usize - 1].2.usage.as_ref();
                    prop_assert_eq!(&one["counted"], own.is_some());
                    prop_assert_eq!(one["tokens"]["input"].as_u64(), Some(own.map_or(7, |usage| usage.input)));
                    continue;
                }
                if args.len() == 5 && !run.calls.iter().any(seen) {
                    done.exits(2);
                    continue;
                }
                let lens = done.exits(0).json();
                let said = told(&lens, &lens["saved"], &sum.executed.into());
                prop_assert_eq!(said, expected(sum), "{}", lens);
                prop_assert_eq!(listed(&lens, &["fresh", "failed"]), sum.tokens, "{}", lens);
                prop_assert_eq!(listed(&lens, &["cached"]), sum.spared, "{}", lens);
            }
        }
    }
}
