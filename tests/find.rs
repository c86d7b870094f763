//! Finding calls: filters, with the real program.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::Project;

const SHOP: &str = r#"
@function()
def lookup(customer: str) -> dict:
    print(f"looking for {customer}")
    return {"customer": customer, "notes": ["x" * 300, "wants a Refund for order 7"]}

@function(effect=True)
def pay(customer: str, amount: float) -> str:
    if amount > 10:
        raise ValueError(f"no budget for {customer}")
    return "paid"

@function(retries=1)
def flaky(n: int) -> int:
    note("flaky")
    if times("flaky") < 2:
        raise RuntimeError("first attempt fails")
    return n

@application()
@function()
def shop(customer: str) -> str:
    found = lookup(customer)
    flaky(1)
    sizes = square.map([1, 2, 3])
    try:
        pay(customer, 5)
        pay(customer, 50)
    except FunctionError:
        pass
    return "done"

@function()
def square(n: int) -> int:
    return n * n
"#;

fn shop() -> Project {
    let project = Project::app(SHOP);
    project.run_ok(&["--arg", "customer=Ada"]);
    project
}

fn paths(project: &Project, args: &[&str]) -> Vec<String> {
    let shown = project.tl(&[&["show"], args, &["--json"]].concat()).exits(0).json();
    let calls = shown["calls"].as_array().unwrap();
    calls.iter().map(|call| call["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_filter_finds_calls_by_what_they_are_and_hold() {
    let project = shop();
    for (filter, expected) in [
        ("failed", &["shop/pay#2"][..]),
        ("effect", &["shop/pay#1", "shop/pay#2"]),
        ("effect fresh", &["shop/pay#1"]),
        ("retried", &["shop/flaky#1"]),
        ("err~'first attempt'", &["shop/flaky#1"]),
        // Far behind the preview.
        ("out~\"a refund for\"", &["shop/lookup#1"]),
        ("in~ada leaf", &["shop/lookup#1", "shop/pay#1", "shop/pay#2"]),
        ("in=5", &["shop/pay#1"]),
        ("log~looking", &["shop/lookup#1"]),
        ("fn:sq* map", &["shop/square[]"]),
        ("path:square[]", &["shop/square[]", "shop/square[0]", "shop/square[1]", "shop/square[2]"]),
        ("root", &["shop"]),
        ("cached", &[]),
        ("file~app.py calls>0", &["shop/square[]"]),
    ] {
        assert_eq!(paths(&project, &["latest", "--filter", filter]), expected, "{filter}");
    }
    assert_eq!(paths(&project, &["latest", "square[]", "--filter", "leaf in=2"]), ["shop/square[1]"]);
}

#[test]
fn filtered_calls_read_well() {
    let project = shop();
    let done = project.tl(&["show", "--filter", "pay failed"]).exits(0);
    assert!(
        done.out.starts_with("✗ shop/pay#2  \"Ada\", amount=50 → ValueError: no budget for Ada"),
        "{}",
        done.out
    );
    assert_eq!(done.out.lines().count(), 1);
    done.says(&["1 of 9 calls: pay and failed"]);
    let none = project.tl(&["show", "--filter", "faild"]).exits(0);
    assert!(none.out.is_empty());
    none.says(&["0 of 9 calls", "did you mean `failed`?"]);
    let logs = project.tl(&["logs", "--filter", "fn:lookup"]).exits(0);
    assert_eq!(logs.out, "lookup#1 │ looking for Ada\n");
    let logs = project.tl(&["logs", "--filter", "fn:pay", "--json"]).exits(0);
    assert_eq!(logs.json(), Value::Array(Vec::new()));
}

#[test]
fn what_is_wrong_with_a_filter_is_marked() {
    let project = shop();
    for command in ["show", "logs"] {
        let done = project.tl(&[command, "--filter", "failed and cost>much"]).exits(2);
        assert!(done.out.is_empty());
        done.says(&[
            "error: --filter: expected a number after `cost>`",
            "\n  failed and cost>much\n                  ^^^^\n",
        ]);
    }
    let hostile = project.tl(&["show", "--filter", "\u{1b}]0;x\u{7}(failed"]).exits(2);
    assert!(!hostile.err.contains('\u{1b}') && !hostile.err.contains('\u{7}'), "{:?}", hostile.err);
}

fn hits(project: &Project, args: &[&str]) -> Vec<String> {
    let found = project.tl(&[&["search", "--json"], args].concat()).exits(0).json();
    let hits = found["hits"].as_array().unwrap();
    hits.iter()
        .map(|hit| {
            let text = hit["text"].as_str().unwrap();
            for mark in hit["marks"].as_array().unwrap() {
                let (from, to) = (mark[0].as_u64().unwrap() as usize, mark[1].as_u64().unwrap() as usize);
                assert!(from < to && to <= text.chars().count(), "{hit}");
            }
            format!("{} {}", hit["path"].as_str().unwrap_or("-"), hit["in"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn words_are_found_in_inputs_outputs_logs_and_errors() {
    let project = shop();
    for (args, expected) in [
        (&["refund"][..], &["shop/lookup#1 output"][..]),
        (&["refunds"], &[]),
        (&["REFU"], &["shop/lookup#1 output"]),
        (&["order", "wants"], &["shop/lookup#1 output"]),
        (&["\"refund for order\""], &["shop/lookup#1 output"]),
        (&["\"order refund\""], &[]),
        (&["budget"], &["shop/pay#2 error"]),
        (&["looking"], &["shop/lookup#1 log"]),
        (&["attempt fails"], &["shop/flaky#1 error"]),
        (&["customer", "ada", "--in", "output"], &["shop/lookup#1 output"]),
        (&["customer", "--in", "log"], &[]),
        (&["ada", "--in", "log", "--in", "error"], &["shop/pay#2 error", "shop/lookup#1 log"]),
    ] {
        assert_eq!(hits(&project, args), expected, "{args:?}");
    }
    let done = project.tl(&["search", "refund"]).exits(0).says(&["1 text"]);
    let (first, second) = done.out.split_once('\n').unwrap();
    assert!(first.starts_with("shop/lookup#1  output  run "), "{first}");
    assert_eq!(second, "    wants a [Refund] for order 7\n");
    project.tl(&["search", "nowhere"]).exits(0).says(&["nothing found"]);
    project.tl(&["search", "?!"]).exits(2).says(&["no word to look for"]);
    project.tl(&["search"]).exits(2);
}

#[test]
fn search_follows_what_is_recorded_and_deleted() {
    let project = shop();
    assert_eq!(hits(&project, &["looking"]).len(), 1);
    let second = project.run_ok(&["--arg", "customer=Grace"])["run"].as_str().unwrap().to_owned();
    let found = project.tl(&["search", "refund", "--json"]).exits(0).json();
    assert_eq!(found["hits"].as_array().unwrap().len(), 2, "{found:#}");
    assert_eq!(hits(&project, &["grace", "--run", &second, "--in", "log"]), ["shop/lookup#1 log"]);
    assert!(hits(&project, &["grace", "--run", "latest~1"]).is_empty());
    // Both runs called with the same numbers: one text, two places, the newest run first.
    let found = project.tl(&["search", "amount 50", "--json", "--in", "input"]).exits(0).json();
    assert_eq!(found["hits"][0]["run"], second);
    let index = project.root().join(".tl-bench/search.db");
    let words = || {
        let bytes = std::fs::read(&index).unwrap();
        let log = std::fs::read(index.with_extension("db-wal")).unwrap_or_default();
        [bytes, log].iter().any(|bytes| bytes.windows(5).any(|window| window == b"grace"))
    };
    assert!(words());
    // The older run is kept, the newest goes.
    project.tl(&["gc", "--pin", "latest~1"]).exits(0);
    project.tl(&["gc", "--keep", "0", "--apply"]).exits(0);
    assert!(!words(), "a word of a deleted run is left");
    assert!(hits(&project, &["grace"]).is_empty());
    assert_eq!(hits(&project, &["refund"]), ["shop/lookup#1 output"]);
    project.sound();
    for broken in [&b"garbage"[..], b""] {
        std::fs::write(&index, broken.repeat(5000)).unwrap();
        project.tl(&["doctor"]).exits(0).out.contains("index").then_some(()).unwrap();
        assert_eq!(hits(&project, &["refund"]), ["shop/lookup#1 output"]);
    }
}

#[test]
fn several_searches_at_once_agree() {
    let project = shop();
    for _ in 0..3 {
        project.run_ok(&["--arg", "customer=Ada"]);
    }
    let searches: Vec<_> = (0..4).map(|_| project.start(&["search", "--json", "refund"])).collect();
    let answers: Vec<Value> = searches.into_iter().map(|search| search.wait().exits(0).json()).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(answers[0]["hits"][0]["places"], 4);
}

#[test]
fn what_is_found_cannot_touch_the_terminal() {
    let project = Project::app(
        "@application()\n@function()\ndef spill() -> str:\n    return '\\x1b]52;c;Zm9v\\x07 needle \\x1b[2J\\u202e\\x9b31m'\n",
    );
    project.run_ok(&[]);
    let done = project.tl(&["search", "needle"]).exits(0);
    let text = done.out.replace('\n', "");
    assert!(text.contains("[needle]"), "{text}");
    assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
}
