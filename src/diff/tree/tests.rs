//! Runs made by hand, and what is said of them.

#![allow(clippy::print_stdout)]

use super::*;
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::model::event::{CallAsked, CallEnded};
use crate::model::{CallKind, CallStatus, Event, EventKind, RunHistory, ValueRef};

/// A run made by hand: each call has a function, an argument and an answer.
struct Script(RunHistory);

fn value(text: &str) -> ValueRef {
    ValueRef {
        digest: Digest::of(text.as_bytes()),
        size: 1,
        preview: text.to_owned(),
        inline: None,
        withheld: None,
    }
}

impl Script {
    fn new(name: &str) -> Self {
        let mut script = Script(RunHistory::new(crate::base::ids::RunId::from_text(name)));
        script.asked("main", 0, CallKind::Root, "in", 1);
        script
    }

    fn push(&mut self, kind: EventKind) {
        let seq = self.0.last_seq + 1;
        self.0.apply(&Event { seq, at: 0, kind });
    }

    fn asked(&mut self, function: &str, parent: CallNo, kind: CallKind, input: &str, attempt: u32) -> CallNo {
        let no = self.0.calls.len() as CallNo + 1;
        self.push(EventKind::CallAsked(Box::new(CallAsked {
            no,
            parent,
            parent_attempt: attempt,
            kind,
            function: function.to_owned(),
            ordinal: no,
            key: Digest::of(input.as_bytes()),
            code: Digest::default(),
            durable_id: Digest::default(),
            durable: true,
            input: Some(value(input)),
            site: None,
            reason: None,
            pickled: None,
            effect: false,
        })));
        no
    }

    fn ended(&mut self, no: CallNo, status: CallStatus, output: &str) {
        self.push(EventKind::CallEnded(Box::new(CallEnded {
            no,
            status,
            wall_us: 0,
            output: status.has_output().then(|| value(output)),
            error: None,
            origin: None,
            usage: None,
            state_reads: vec![],
            reads: vec![],
        })));
    }

    fn call(&mut self, function: &str, parent: CallNo, input: &str, output: &str) -> CallNo {
        let no = self.asked(function, parent, CallKind::Call, input, 1);
        self.ended(no, CallStatus::Fresh, output);
        no
    }

    fn end(mut self, output: &str) -> RunHistory {
        self.ended(1, CallStatus::Fresh, output);
        self.0
    }
}

fn words(merged: &Merged, a: &RunHistory, b: &RunHistory) -> Vec<String> {
    let name = |pair: &Pair| {
        let call = pair.b.and_then(|no| b.call(no)).or_else(|| pair.a.and_then(|no| a.call(no))).unwrap();
        format!("{}({})", call.function, call.input.as_ref().unwrap().preview)
    };
    merged
        .pairs
        .iter()
        .map(|pair| {
            let role = match pair.role {
                Role::None => String::new(),
                Role::Cause(cause) => format!(" cause: {}", cause.words()),
                Role::Consequence => " follows".to_owned(),
            };
            format!("{:?} {}{role}", pair.kind, name(pair))
        })
        .collect()
}

#[test]
fn one_inserted_call_does_not_shift_what_follows() {
    let mut a = Script::new("a");
    let mut b = Script::new("b");
    for x in ["1", "2", "3"] {
        a.call("f", 1, x, x);
    }
    for x in ["0", "1", "2", "3"] {
        b.call("f", 1, x, x);
    }
    let (a, b) = (a.end("out"), b.end("out"));
    let merged = merge(&a, &b);
    let kinds: Vec<PairKind> = merged.pairs.iter().map(|pair| pair.kind).collect();
    use PairKind::{Added, Both};
    assert_eq!(kinds, [Both, Added, Both, Both, Both]);
    assert_eq!(merged.pairs[2].a, Some(2));
}

#[test]
fn another_answer_is_the_cause_and_what_uses_it_follows() {
    let mut a = Script::new("a");
    a.call("llm", 1, "prompt", "yes");
    a.call("tool", 1, "yes", "1");
    a.call("other", 1, "x", "x");
    let mut b = Script::new("b");
    b.call("llm", 1, "prompt", "no");
    b.call("tool", 1, "no", "2");
    b.call("other", 1, "x", "x");
    let (a, b) = (a.end("1"), b.end("2"));
    let merged = merge(&a, &b);
    assert_eq!(
        words(&merged, &a, &b),
        [
            "Both main(in) follows",
            "Both llm(prompt) cause: another answer to the same question",
            "Both tool(no) follows",
            "Both other(x)",
        ]
    );
    assert_eq!(merged.causes().collect::<Vec<_>>(), [1]);
    assert_eq!(merged.first_divergence(), Some(1));
}

#[test]
fn a_call_that_changed_its_place_has_moved() {
    let mut a = Script::new("a");
    a.call("f", 1, "1", "1");
    a.call("f", 1, "2", "2");
    let mut b = Script::new("b");
    b.call("f", 1, "2", "2");
    b.call("f", 1, "1", "1");
    let (a, b) = (a.end("x"), b.end("x"));
    let merged = merge(&a, &b);
    let moved = merged.pairs.iter().filter(|pair| pair.kind == PairKind::Moved).count();
    assert_eq!((moved, merged.pairs.len()), (1, 3));
    assert!(merged.pairs.iter().all(|pair| !pair.differs.matters()));
}

#[test]
fn a_wrapped_call_has_moved_below_its_wrapper() {
    let mut a = Script::new("a");
    a.call("f", 1, "1", "1");
    let mut b = Script::new("b");
    let wrapper = b.asked("wrap", 1, CallKind::Call, "w", 1);
    b.call("f", wrapper, "1", "1");
    b.ended(wrapper, CallStatus::Fresh, "1");
    let (a, b) = (a.end("x"), b.end("x"));
    let merged = merge(&a, &b);
    assert_eq!(
        merged.pairs.iter().map(|pair| pair.kind).collect::<Vec<_>>(),
        [PairKind::Both, PairKind::Added, PairKind::Moved]
    );
}

#[test]
fn the_same_question_asked_once_more_is_repeated() {
    let mut a = Script::new("a");
    a.call("llm", 1, "q", "1");
    let mut b = Script::new("b");
    b.call("llm", 1, "q", "1");
    b.call("llm", 1, "q", "2");
    let (a, b) = (a.end("x"), b.end("x"));
    let merged = merge(&a, &b);
    assert_eq!(merged.pairs[2].kind, PairKind::Repeated);
}

#[test]
fn calls_of_a_failed_attempt_are_not_those_of_the_last() {
    let mut a = Script::new("a");
    let caller = a.asked("caller", 1, CallKind::Call, "c", 1);
    a.call("f", caller, "1", "1");
    a.ended(caller, CallStatus::Fresh, "x");
    let mut b = Script::new("b");
    let caller = b.asked("caller", 1, CallKind::Call, "c", 1);
    b.call("f", caller, "1", "1");
    let again = b.asked("f", caller, CallKind::Call, "1", 2);
    b.ended(again, CallStatus::Fresh, "1");
    b.ended(caller, CallStatus::Fresh, "x");
    let (a, b) = (a.end("x"), b.end("x"));
    let merged = merge(&a, &b);
    let f: Vec<_> =
        merged.pairs[1].children.iter().map(|row| (merged.pairs[*row].a, merged.pairs[*row].b)).collect();
    assert_eq!(f, [(None, Some(3)), (Some(3), Some(4))]);
}

#[test]
fn each_call_stands_in_the_merged_tree_once_whatever_is_compared() {
    let mut a = Script::new("a");
    for i in 0..5 {
        let caller = a.call("caller", 1, &i.to_string(), "x");
        a.call("f", caller, &(i % 2).to_string(), "y");
    }
    let mut b = Script::new("b");
    b.call("g", 1, "1", "1");
    let (a, b) = (a.end("x"), b.end("y"));
    let merged = merge(&a, &b);
    let mut left: Vec<_> = merged.pairs.iter().filter_map(|pair| pair.a).collect();
    left.sort_unstable();
    assert_eq!(left, (1..=a.calls.len() as CallNo).collect::<Vec<_>>());
    assert_eq!(merged.pairs.iter().filter(|pair| pair.b.is_some()).count(), b.calls.len());
}

/// Ten thousand against ten thousand: every tenth changed, some dropped, some new, all moved below other callers, and the
/// worst case, nothing alike. `cargo test --release --lib diff::tree -- --ignored --nocapture figures`.
#[test]
#[ignore = "a figure, not a test"]
fn figures() {
    let big = |salt: usize, drop: usize| {
        let mut script = Script::new("run");
        for i in 0..10_000usize {
            if drop > 0 && i % drop == 3 {
                continue;
            }
            let input = if salt > 0 && i % salt == 0 { format!("{i} changed") } else { i.to_string() };
            script.call("f", 1, &input, &input);
        }
        script.end("x")
    };
    // A hundred callers of a hundred; `turn` gives each the calls of another.
    let deep = |turn: usize| {
        let mut script = Script::new("run");
        for i in 0..100usize {
            let caller = script.call("caller", 1, &i.to_string(), "x");
            for j in 0..99usize {
                let input = ((i + turn) % 100 * 100 + j).to_string();
                script.call("f", caller, &input, &input);
            }
        }
        script.end("x")
    };
    let (flat, tree) = (big(0, 0), deep(0));
    for (name, base, other) in [
        ("same", &flat, big(0, 0)),
        ("every 10th changed, some dropped", &flat, big(10, 97)),
        ("all changed", &flat, big(1, 0)),
        ("all changed, fewer", &flat, big(1, 7)),
        ("deep, same", &tree, deep(0)),
        ("deep, every call below another caller", &tree, deep(1)),
        ("deep against flat", &tree, big(0, 0)),
    ] {
        let start = std::time::Instant::now();
        let merged = merge(base, &other);
        println!("{name}: {:?}, {} rows", start.elapsed(), merged.pairs.len());
    }
}

/// Which rows are noise when the causes are that ask with these inputs.
fn quiet(merged: &Merged, a: &RunHistory, b: &RunHistory, inputs: &[&str]) -> Vec<String> {
    let input = |row: usize| {
        let pair = &merged.pairs[row];
        let call = pair.b.and_then(|no| b.call(no)).or_else(|| pair.a.and_then(|no| a.call(no))).unwrap();
        call.input.as_ref().unwrap().preview.clone()
    };
    let found = merged.noise(a, b, &|row| inputs.contains(&input(row).as_str()));
    (0..merged.pairs.len()).filter(|row| found[*row]).map(input).collect()
}

#[test]
fn what_only_noise_could_have_reached_is_noise() {
    let runs = |answers: [&str; 2], read: &str, out: &str| {
        let mut run = Script::new(out);
        run.call("llm", 1, "first", answers[0]);
        run.call("tidy", 1, read, read);
        run.call("llm", 1, "second", answers[1]);
        run.call("last", 1, answers[1], answers[1]);
        run.end(out)
    };
    let (a, b) = (runs(["x", "s"], "x", "1"), runs(["y", "t"], "y", "2"));
    let merged = merge(&a, &b);
    assert_eq!(merged.causes().count(), 2, "{:?}", words(&merged, &a, &b));
    assert_eq!(quiet(&merged, &a, &b, &["first", "second"]), ["in", "first", "y", "second", "t"]);
    // The second answer is no noise: what came before it still is, what came after and what holds both is not.
    assert_eq!(quiet(&merged, &a, &b, &["first"]), ["first", "y"]);
    assert_eq!(quiet(&merged, &a, &b, &["second"]), ["second"], "the other cause came before what follows");
    assert_eq!(quiet(&merged, &a, &b, &[]), Vec::<String>::new());
}

#[test]
fn items_of_a_map_do_not_reach_each_other_and_below_an_edit_nothing_is_noise() {
    let run = |answers: [&str; 2], out: &str| {
        let mut run = Script::new(out);
        let map = run.asked("item", 1, CallKind::Map, "all", 1);
        for (input, answer) in [("odd", answers[0]), ("even", answers[1])] {
            let item = run.asked("item", map, CallKind::Call, input, 1);
            run.call("llm", item, &format!("ask {input}"), answer);
            run.ended(item, CallStatus::Fresh, answer);
        }
        run.ended(map, CallStatus::Fresh, out);
        run.end(out)
    };
    let (a, b) = (run(["x", "s"], "1"), run(["y", "t"], "2"));
    let merged = merge(&a, &b);
    assert_eq!(quiet(&merged, &a, &b, &["ask even"]), ["even", "ask even"]);
    assert_eq!(quiet(&merged, &a, &b, &["ask even", "ask odd"]).len(), 6);
    let mut other = merged.clone();
    other.pairs[0].differs.code = true;
    other.judge(&a, &b);
    assert_eq!(quiet(&other, &a, &b, &["ask even", "ask odd"]), ["ask odd", "ask even"]);
}
