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
