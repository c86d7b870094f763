//! The walk and the cost on small recorded runs.

use super::cost::{self, Times};
use super::walk::{Walked, walk};
use crate::base::clock::SystemClock;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::engine::checkpoints::InMemory;
use crate::engine::files::Files;
use crate::engine::replay::Replay;
use crate::model::event::{CallAsked, CallEnded};
use crate::model::verdict::{Cost, Fate};
use crate::model::{
    Call, CallKind, CallStatus, CodeKnown, Event, EventKind, Mode, RunHistory, RunStatus, Usage, ValueRef,
};
use std::collections::HashMap;
use std::sync::Arc;

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A recorded node. Times are in milliseconds.
#[derive(Clone)]
struct N {
    function: &'static str,
    parent: CallNo,
    kind: CallKind,
    from: i64,
    to: i64,
    status: CallStatus,
    code: &'static str,
    output: &'static str,
}

fn call(function: &'static str, parent: CallNo, from: i64, to: i64) -> N {
    let kind = if parent == 0 { CallKind::Root } else { CallKind::Call };
    N { function, parent, kind, from, to, status: CallStatus::Fresh, code: "1", output: "same" }
}

fn map(function: &'static str, parent: CallNo, from: i64, to: i64) -> N {
    N { kind: CallKind::Map, ..call(function, parent, from, to) }
}

impl N {
    fn status(self, status: CallStatus) -> N {
        N { status, ..self }
    }
    fn code(self, code: &'static str) -> N {
        N { code, ..self }
    }
    fn output(self, output: &'static str) -> N {
        N { output, ..self }
    }
}

/// Functions called `live…` are not durable. Each call takes 1,000 tokens at a dollar; those of `free…` have no price.
fn run(id: &str, nodes: &[N]) -> Arc<RunHistory> {
    let mut run = RunHistory::new(RunId::from_text(id));
    let mut events: Vec<(i64, u8, EventKind)> = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let no = i as CallNo + 1;
        let nth =
            nodes[..i].iter().filter(|n| (n.function, n.parent) == (node.function, node.parent)).count();
        let asked = CallAsked {
            no,
            parent: node.parent,
            parent_attempt: 1,
            kind: node.kind,
            function: node.function.to_owned(),
            ordinal: nth as u32 + 1,
            key: digest(&format!("{} {nth} {}", node.function, node.parent)),
            code: digest(node.code),
            durable_id: digest(&format!("place {no}")),
            durable: !node.function.starts_with("live"),
            input: None,
            site: None,
            reason: None,
            effect: false,
            pickled: None,
        };
        events.push((node.from, 1, EventKind::CallAsked(Box::new(asked))));
        if node.kind != CallKind::Map {
            events.push((node.from, 2, EventKind::CallStarted { no, attempt: 1, worker: 1 }));
        }
        let output = ValueRef {
            digest: digest(node.output),
            size: 1,
            preview: String::new(),
            inline: None,
            withheld: None,
        };
        let price = (!node.function.starts_with("free")).then_some(1.0);
        let ended = CallEnded {
            no,
            status: node.status,
            wall_us: (node.to - node.from) * 1_000,
            output: node.status.has_output().then_some(output),
            error: None,
            origin: None,
            usage: Some(Usage { input: 1_000, cost_usd: price, ..Usage::default() }),
            state_reads: vec![],
            reads: vec![],
        };
        events.push((node.to, 0, EventKind::CallEnded(Box::new(ended))));
    }
    // Ends before what is asked for at the same moment, callers' after those of what they called.
    events.sort_by_key(|(at, rank, _)| (*at, *rank));
    for (i, (at, _, kind)) in events.into_iter().enumerate() {
        run.apply(&Event { seq: i as u64 + 1, at: at * 1_000, kind });
    }
    run.status = RunStatus::Succeeded;
    Arc::new(run)
}

/// The walk when these functions have these codes and all others that of the run.
fn judged(base: &Arc<RunHistory>, edits: &[(&str, &str)], older: &[Arc<RunHistory>]) -> Walked {
    let mut codes: HashMap<String, Digest> =
        base.calls.iter().map(|call| (call.function.clone(), call.code)).collect();
    for (function, code) in edits {
        match *code {
            "" => codes.remove(*function),
            code => codes.insert((*function).to_owned(), digest(code)),
        };
    }
    let files = Arc::new(Files::new(std::path::Path::new("nowhere"), Arc::new(SystemClock), &[]));
    let mut replay = Replay::new(Mode::Adaptive, Some(base.clone()), None, files);
    let known = |(function, code): (&String, &Digest)| {
        let known = CodeKnown::alone(function.clone(), *code);
        (function.clone(), Arc::new(known))
    };
    replay.set_known(codes.iter().map(known));
    let mut all = vec![base.clone()];
    all.extend_from_slice(older);
    walk(&mut replay, base, &codes, &InMemory(all), &std::collections::HashSet::new())
}

/// The fates in order: `h`olds, `a`fter, `c`aller, `e`dited, `l`ive, `u`nfinished; large when an edit is the reason.
fn fates(walked: &Walked) -> String {
    let letter = |fate: Fate| fate.word().chars().next().unwrap();
    let of = |call: &Option<crate::model::verdict::CallVerdict>| match call {
        Some(call) if call.by_edit => letter(call.fate).to_ascii_uppercase(),
        Some(call) => letter(call.fate),
        None => '-',
    };
    walked.calls.iter().map(of).collect()
}

/// `app` calls `a`, `b`, `c` one after the other; `b` calls `d`.
fn chain() -> Vec<N> {
    vec![
        call("app", 0, 0, 100),
        call("a", 1, 10, 20),
        call("b", 1, 20, 60),
        call("d", 3, 30, 50),
        call("c", 1, 70, 90),
    ]
}

#[test]
fn an_edit_makes_its_callers_execute_and_leaves_what_came_before() {
    let base = run("aaaaaaaaaaaa", &chain());
    for (edits, expected) in [
        (&[][..], "hhhhh"),
        (&[("a", "2")], "CEAAA"),
        (&[("d", "2")], "ChCEA"),
        (&[("c", "2")], "ChhhE"),
        // Its body may ask something else from its first line.
        (&[("app", "2")], "EAAAA"),
        (&[("b", "2")], "ChEAA"),
        // Not defined any more.
        (&[("c", "")], "ChhhE"),
        (&[("a", "2"), ("c", "2")], "CEAAE"),
    ] {
        let walked = judged(&base, edits, &[]);
        assert_eq!(fates(&walked), expected, "{edits:?}");
        for (i, fate) in expected.chars().enumerate() {
            assert_eq!(
                walked.changes.contains_key(&(i as CallNo + 1)),
                fate == 'E',
                "{edits:?}: call {}",
                i + 1
            );
        }
    }
    let walked = judged(&base, &[("d", "2")], &[]);
    assert_eq!(walked.calls[0].as_ref().unwrap().because, Some(4), "the edited call, not the one between");
    assert_eq!(walked.calls[4].as_ref().unwrap().because, Some(4));
}

#[test]
fn what_was_asked_for_before_an_outcome_was_known_does_not_depend_on_it() {
    // `b` and `c` were under way together; `d` came after both.
    let nodes = [call("app", 0, 0, 100), call("b", 1, 10, 50), call("c", 1, 20, 60), call("d", 1, 70, 90)];
    let base = run("aaaaaaaaaaaa", &nodes);
    assert_eq!(fates(&judged(&base, &[("b", "2")], &[])), "CEhA");
    // The items of a map do not depend on each other, however they were run.
    let nodes = [
        call("app", 0, 0, 100),
        map("f", 1, 10, 50),
        call("f", 2, 10, 20),
        call("g", 3, 12, 18),
        call("f", 2, 20, 30),
        call("z", 1, 60, 70),
    ];
    let base = run("aaaaaaaaaaaa", &nodes);
    assert_eq!(fates(&judged(&base, &[("g", "2")], &[])), "CCCEhA");
}

#[test]
fn what_executes_without_an_edit_is_kept_apart() {
    let mut nodes = chain();
    nodes[0] = nodes[0].clone().status(CallStatus::Failed);
    nodes[4] = nodes[4].clone().status(CallStatus::Failed);
    let base = run("aaaaaaaaaaaa", &nodes);
    assert_eq!(fates(&judged(&base, &[], &[])), "uhhhu");
    // The application executes in any case, `b` only because of the edit.
    assert_eq!(fates(&judged(&base, &[("d", "2")], &[])), "uhCEu");
    // The edit of what has no outcome is told, though it costs nothing more.
    let walked = judged(&base, &[("c", "2")], &[]);
    assert_eq!(fates(&walked), "uhhhu");
    assert!(walked.changes.contains_key(&5));
    let nodes =
        [call("app", 0, 0, 100), call("live", 1, 10, 20), call("a", 1, 30, 40), call("live2", 3, 32, 38)];
    let base = run("aaaaaaaaaaaa", &nodes);
    assert_eq!(fates(&judged(&base, &[], &[])), "clcl");
    assert_eq!(fates(&judged(&base, &[("a", "2")], &[])), "clel");
}

#[test]
fn an_older_run_with_todays_code_serves_and_a_different_output_puts_the_rest_in_doubt() {
    let base = run("aaaaaaaaaaaa", &chain());
    let with = |output| {
        let mut nodes = chain();
        nodes[1] = nodes[1].clone().code("2").output(output);
        nodes
    };
    // The edit was undone: the application itself is served, too.
    let whole = run("bbbbbbbbbbbb", &with("same"));
    assert_eq!(fates(&judged(&base, &[("a", "2")], &[whole])), "hhhhh");
    let with = |output| {
        let mut nodes = with(output);
        nodes[0] = nodes[0].clone().status(CallStatus::Failed);
        run("bbbbbbbbbbbb", &nodes)
    };
    let walked = judged(&base, &[("a", "2")], &[with("same")]);
    assert_eq!(fates(&walked), "Chhhh");
    let a = walked.calls[1].clone().unwrap();
    assert_eq!(a.reason.as_deref(), Some("from run bbbbbbbbbbbb"));
    assert_eq!(fates(&judged(&base, &[("a", "2")], &[with("other")])), "ChAAA");
}

fn costs(base: &Arc<RunHistory>, walked: &Walked, test: impl Fn(char) -> bool) -> Cost {
    let letters: Vec<char> = fates(walked).chars().collect();
    let times = Times::new(base, &mut |_| None);
    let label = |function: &str| match function {
        "a" => Some(true),
        "b" => Some(false),
        _ => None,
    };
    cost::cost(base, &times, &label, &|no| test(letters[no as usize - 1]))
}

#[test]
fn a_caller_costs_its_own_time_and_calls_cost_what_they_did() {
    let base = run("aaaaaaaaaaaa", &chain());
    let walked = judged(&base, &[("a", "2"), ("d", "2")], &[]);
    assert_eq!(fates(&walked), "CECEA");
    let cost = costs(&base, &walked, |fate| "CE".contains(fate));
    // app: 100 - 10 - 40 - 20; a: 10; b: 40 - 20; d: 20.
    assert_eq!((cost.calls, cost.seconds, cost.critical_seconds), (3, 0.08, 0.08));
    assert_eq!((cost.tokens, cost.usd()), (3_000, Some(3.0)));
    assert_eq!(cost.effects, [("a".to_owned(), 1)]);
    assert_eq!(cost.unlabelled, ["app", "d"]);
    let nodes = [call("app", 0, 0, 100), call("free", 1, 0, 100)];
    let base = run("aaaaaaaaaaaa", &nodes);
    let cost = costs(&base, &judged(&base, &[("free", "2")], &[]), |_| true);
    assert_eq!((cost.usd(), cost.unpriced_calls, cost.tokens), (None, 1, 1_000));
}

#[test]
fn the_critical_path_is_as_concurrent_as_the_run_was() {
    // Three together of 40, 30 and 20; then one that waited for the 20 only, then one that waited for all.
    let nodes = [
        call("app", 0, 0, 100),
        call("x", 1, 0, 40),
        call("x", 1, 0, 30),
        call("x", 1, 0, 20),
        call("x", 1, 22, 52),
        call("x", 1, 60, 100),
    ];
    let base = run("aaaaaaaaaaaa", &nodes);
    let cost = costs(&base, &judged(&base, &[("x", "2")], &[]), |_| true);
    let ms = |seconds: f64| (seconds * 1_000.0).round() as i64;
    // 20 + 30 + 40, and of the application the 8 between.
    assert_eq!((ms(cost.seconds), ms(cost.critical_seconds)), (168, 98));
}

/// Random runs: what the walk says is what the rules imply.
mod any {
    use super::*;
    use proptest::prelude::*;

    fn nodes() -> impl Strategy<Value = Vec<(u8, u32, u8)>> {
        prop::collection::vec((0u8..6, any::<u32>(), 0u8..12), 1..25)
    }

    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "live"];

    fn build(parts: &[(u8, u32, u8)]) -> Arc<RunHistory> {
        let mut nodes = vec![call("app", 0, 0, 10_000)];
        let mut at = 0;
        for (name, parent, status) in parts {
            // Sequential, depth first: the parent is the last call or one of its callers.
            let mut line = vec![nodes.len() as CallNo];
            while let Some(up) = line.last().map(|no| nodes[*no as usize - 1].parent).filter(|no| *no > 0) {
                line.push(up);
            }
            let parent = line[*parent as usize % line.len()];
            at += 1;
            let status = if *status == 0 { CallStatus::Failed } else { CallStatus::Fresh };
            nodes.push(call(NAMES[*name as usize], parent, at, at).status(status));
        }
        // A caller ends after what it called.
        let mut ends: HashMap<CallNo, i64> = HashMap::new();
        for no in (2..=nodes.len()).rev() {
            let end = ends.get(&(no as CallNo)).copied().unwrap_or(0).max(nodes[no - 1].from);
            nodes[no - 1].to = end;
            let up = ends.entry(nodes[no - 1].parent).or_default();
            *up = (*up).max(end);
        }
        run("aaaaaaaaaaaa", &nodes)
    }

    proptest! {
        #[test]
        fn fates_follow_from_each_other(parts in nodes(), edited in 0usize..5) {
            let base = build(&parts);
            let walked = judged(&base, &[(NAMES[edited], "2")], &[]);
            let fate = |no: CallNo| walked.calls[no as usize - 1].as_ref().map(|call| call.fate);
            let of = |call: &Call| fate(call.no).expect("every call of a successful attempt is judged");
            let mut executes = false;
            for call in &base.calls {
                let fate = of(call);
                executes |= fate.executes();
                let is_edited = call.function == NAMES[edited];
                let whole = call.durable && call.status.has_output();
                // Its own cause comes before that of others.
                if !call.durable { prop_assert_eq!(fate, Fate::Live); }
                else if !whole { prop_assert_eq!(fate, Fate::Unfinished); }
                else if is_edited { prop_assert_eq!(fate, Fate::Edited); }
                else {
                    // It executes exactly when something below it does.
                    let below = base.children(call.no).iter().any(|no| of(base.call(*no).unwrap()).executes());
                    prop_assert_eq!(fate.executes(), below);
                    if below { prop_assert_eq!(fate, Fate::Caller); }
                }
                // What executes, and what follows it, is never promised.
                if fate == Fate::Holds && call.parent > 0 {
                    let siblings = base.children(call.parent);
                    let before = siblings.iter().take_while(|no| **no != call.no);
                    prop_assert!(before.into_iter().all(|no| !of(base.call(*no).unwrap()).executes()));
                }
                if executes && call.no == 1 { prop_assert!(fate.executes()); }
            }
        }

        #[test]
        fn the_critical_path_is_no_longer_than_the_sum(parts in nodes()) {
            let base = build(&parts);
            let times = Times::new(&base, &mut |_| None);
            let all = cost::cost(&base, &times, &|_| None, &|_| true);
            prop_assert!(all.critical_seconds <= all.seconds + 1e-9);
            let none = cost::cost(&base, &times, &|_| None, &|_| false);
            prop_assert_eq!((none.seconds, none.critical_seconds, none.calls), (0.0, 0.0, 0));
            let some = cost::cost(&base, &times, &|_| None, &|no| no % 2 == 0);
            prop_assert!(some.critical_seconds <= all.critical_seconds + 1e-9);
        }
    }
}
