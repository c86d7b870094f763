//! `status` says before a replay what the replay then does: on random edits, and on the examples.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;
use support::Project;

/// What `status` said of a call, and what the replay did with it when it was asked for again with equal arguments.
fn compare(before: &Value, status: &Value, after: &Value) -> (usize, usize) {
    // The same call: same place, same question.
    let place =
        |call: &Value| (call["path"].as_str().unwrap().to_owned(), call["key"].as_str().map(str::to_owned));
    let calls = |run: &Value| run["calls"].as_array().unwrap().clone();
    let done: HashMap<_, _> = calls(after).iter().map(|call| (place(call), call.clone())).collect();
    let asked: HashMap<String, Value> =
        calls(before).iter().map(|call| (call["path"].as_str().unwrap().to_owned(), call.clone())).collect();
    let root = &calls(after)[0];
    if root["status"] == "cached" {
        let cached = calls(after).iter().all(|call| call["status"] == "cached");
        assert!(cached, "{after:#}");
    }
    let (mut served, mut executed) = (0, 0);
    for said in status["calls"].as_array().unwrap() {
        let path = said["path"].as_str().unwrap();
        let fate = said["fate"].as_str().unwrap();
        let Some(call) = done.get(&place(&asked[path])) else {
            // Below an application that an older run serves whole stand the calls that it made there.
            if root["status"] == "cached" {
                assert_eq!((fate, said["by_edit"].as_bool()), ("holds", Some(false)), "{path}\n{status:#}");
            } else {
                assert_ne!(fate, "holds", "{path} holds, but was not asked for again\n{status:#}\n{after:#}");
            }
            continue;
        };
        let cached = call["status"] == "cached";
        match fate {
            // What came before it may also have set another state.
            "after" if call["reason"].as_str().is_some_and(|why| why.starts_with("request state")) => {}
            "holds" | "after" => {
                assert!(cached, "{path} {fate}, but executed: {}\n{status:#}", call["reason"])
            }
            _ => assert!(!cached, "{path} {fate}, but was served: {}\n{status:#}", call["reason"]),
        }
        served += usize::from(cached);
        executed += usize::from(!cached);
    }
    (served, executed)
}

/// The examples without their pauses.
fn quick(project: &Project, args: &[&str]) -> support::Done {
    let mut command = project.command(args);
    command.env("TLB_DEMO_SPEED", "0");
    support::run(command)
}

/// Judges the latest run, replays it, and compares.
fn judged_and_replayed(project: &Project) -> (usize, usize) {
    let status = quick(project, &["status", "--json"]).exits(0).json();
    let run = status["run"].as_str().unwrap();
    let before = project.show(run);
    quick(project, &["replay", "--json"]);
    let after = project.show("latest");
    assert_eq!(after["parent"], run, "the replay was recorded");
    compare(&before, &status, &after)
}

/// Every `$name` is a number that edits change; `#` stands for a comment that edits change.
const PROGRAM: &str = r#"
@function()
def leaf(x: int) -> int:
    return x + $leaf

@function()
def other(x: int) -> int:
    # #
    return x % 5 + $other

@function()
def keep(x: int) -> int:
    RequestContext.get().state.set("kept", x + $keep)
    return 0

@function()
def recall(x: int) -> int:
    return RequestContext.get().state.get("kept", 0) * 0 + x

@function()
def mid(x: int) -> int:
    a = leaf(x)
    b = other(a)
    return (a + b) * $mid // $mid

@function(durable=False)
def live(x: int) -> int:
    return leaf(x % 2) + $live

@function()
def add(item: int, acc: int) -> int:
    return acc + item + $add

@application()
@function()
def app(n: int) -> int:
    total = mid(n)
    keep(total % 3)
    many = leaf.map([1, 2, 3, total % 2])
    total += many.reduce(add, 0)
    total += recall(total % 4)
    if live(total) > 1000:
        total += mid(1)
    total += other(total % 3)
    return total + $app
"#;

const NAMES: [&str; 8] = ["leaf", "other", "keep", "mid", "live", "add", "app", "#"];

fn program(values: &HashMap<&str, u64>) -> String {
    let mut text = PROGRAM.to_owned();
    for (name, value) in values {
        let mark = if *name == "#" { "# #".to_owned() } else { format!("${name}") };
        let now = if *name == "#" { format!("# {value}") } else { value.to_string() };
        text = text.replace(&mark, &now);
    }
    format!("{}{text}", support::HEAD)
}

#[test]
fn what_status_says_is_what_the_replay_does_on_random_edits() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let mut values: HashMap<&str, u64> = NAMES.iter().map(|name| (*name, 1)).collect();
    let project = Project::app("");
    project.write("app.py", &program(&values));
    project.run_ok(&["--input", "5"]);
    let (mut served, mut executed) = (0, 0);
    for _ in 0..14 {
        for _ in 0..=random(2) {
            let name = NAMES[random(NAMES.len() as u64) as usize];
            // Of three values, so that edits are undone now and then and older runs hold again.
            values.insert(name, 1 + random(3));
        }
        project.write("app.py", &program(&values));
        let counts = judged_and_replayed(&project);
        served += counts.0;
        executed += counts.1;
    }
    assert!(served > 40 && executed > 40, "the test compares little: {served} served, {executed} executed");
}

fn workspace(name: &str) -> Project {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("workspaces").join(name);
    let project = Project::new(&[]);
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_file() {
            project.write(&file, &std::fs::read_to_string(&path).unwrap());
        }
    }
    project
}

#[test]
fn what_status_says_is_what_the_replay_does_on_the_examples() {
    for (name, edits) in [
        (
            "research-agent",
            vec![
                ("return web.read(url)", "return str(web.read(url))"),
                ("messages = [", "messages = 0 or ["),
            ],
        ),
        ("batch-processor", vec![("return extracted", "return dict(extracted)")]),
        ("market-data", vec![("days=30)", "days=30 + 0)"), ("comment.strip()", "comment.strip().upper()")]),
        ("onboarding-agent", vec![("return response[", "return 0 or response["), ("Welcome,", "Hello,")]),
        (
            "travel-agent",
            vec![
                ("max_tokens=40)", "max_tokens=41)"),
                ("travel_api.search_hotels(d", "travel_api.search_hotels(d or d"),
            ],
        ),
    ] {
        let project = workspace(name);
        if name == "batch-processor" {
            // A few of its thousand documents, one of which cannot be had at first.
            let urls: Vec<String> = (130..145).map(|n| format!("https://filings.example/{n:04}")).collect();
            project.write("input.json", &serde_json::to_string(&urls).unwrap());
        }
        quick(&project, &["run", "--json"]);
        judged_and_replayed(&project);
        for (from, to) in edits {
            project.edit(from, to);
            judged_and_replayed(&project);
            project.edit(to, from);
            judged_and_replayed(&project);
        }
    }
}
