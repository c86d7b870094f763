//! Every answer at the gate for every kind of call: what the caller gets, what the record says, what was executed, and
//! that a replay of it executes nothing more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::Project;
use support::stepped::Stepped;

/// A kind of call, by an application that makes one of them. Each body of `work` notes its `x`.
struct Kind {
    app: &'static str,
    /// The call that is answered.
    path: &'static str,
    /// Where the run stops; what waits beside the call waits until the call was answered.
    stop: &'static str,
    /// What it gives for an `x`.
    gives: fn(i64) -> i64,
    /// Other arguments, whose `x` is one more.
    other: &'static str,
    /// What the application gives when the call gives this.
    output: fn(i64) -> Value,
}

/// What the call's `x` is.
const X: i64 = 3;

/// What is answered and what becomes of it.
struct Row {
    name: &'static str,
    /// How the call waits, and the answer.
    answers: Vec<(&'static str, Value)>,
    /// The `x` of the bodies that execute.
    executed: Vec<i64>,
    /// What the call gives; nothing when it is to fail.
    gives: Option<i64>,
    status: &'static str,
    /// The answers that the record keeps.
    kept: &'static [&'static str],
}

fn rows(kind: &Kind) -> Vec<Row> {
    let go = || json!({"do": "go"});
    let fail = || json!({"do": "fail", "error": "ValueError", "message": "no luck"});
    let execute = || ("before serve", json!({"do": "execute"}));
    let output = |value: i64| json!({"do": "output", "value": value});
    let expr = |expr: &str| json!({"do": "expr", "expr": expr});
    let recorded = (kind.gives)(X);
    let row =
        |name, answers, executed, gives, status, kept| Row { name, answers, executed, gives, status, kept };
    let other: Value = serde_json::from_str(kind.other).unwrap();
    let other = json!({"do": "arguments", "value": other});
    vec![
        row("go", vec![("before serve", go())], vec![], Some(recorded), "cached", &[]),
        row("serve", vec![("before serve", json!({"do": "serve"}))], vec![], Some(recorded), "cached", &[]),
        row(
            "execute",
            vec![execute(), ("after return", go())],
            vec![X],
            Some(recorded),
            "fresh",
            &["execute"],
        ),
        row("answer", vec![("before serve", output(77))], vec![], Some(77), "edited", &["output"]),
        row(
            "expr",
            vec![("before serve", expr("output + x"))],
            vec![],
            Some(recorded + X),
            "edited",
            &["output"],
        ),
        row(
            "arguments",
            vec![("before serve", other), ("before execute", go()), ("after return", go())],
            vec![X + 1],
            Some((kind.gives)(X + 1)),
            "fresh",
            &["arguments"],
        ),
        row("fail", vec![("before serve", fail())], vec![], None, "failed", &["fail"]),
        row(
            "edit after the body",
            vec![execute(), ("after return", output(78))],
            vec![X],
            Some(78),
            "edited",
            &["execute", "output"],
        ),
        row(
            "expr after the body",
            vec![execute(), ("after return", expr("output - x"))],
            vec![X],
            Some(recorded - X),
            "edited",
            &["execute", "output"],
        ),
        row(
            "retry after the body",
            vec![execute(), ("after return", json!({"do": "retry"})), ("after return", go())],
            vec![X, X],
            Some(recorded),
            "fresh",
            &["execute", "retry"],
        ),
        row(
            "fail after the body",
            vec![execute(), ("after return", fail())],
            vec![X],
            None,
            "failed",
            &["execute", "fail"],
        ),
    ]
}

/// Waits until the call does; says how.
fn waits(step: &mut Stepped, path: &str) -> String {
    loop {
        let line = step.next("asked");
        if line["path"] == path {
            return format!("{} {}", line["moment"].as_str().unwrap(), line["would"].as_str().unwrap());
        }
    }
}

fn answer(step: &mut Stepped, path: &str, answer: &Value) {
    step.say(json!({"cmd": "answer", "call": path, "answer": answer}));
}

/// Answers that do not fit the moment are refused with a sentence, and the call still waits.
fn refuses(project: &Project, base: &str, kind: &Kind) {
    let mut step = Stepped::start(project, &[base, "--break", kind.stop]);
    let refused = |step: &mut Stepped, what: Value, why: &str| {
        answer(step, kind.path, &what);
        let said = step.next("error");
        assert!(said["error"].as_str().unwrap().contains(why), "{what}: {said}");
    };
    assert_eq!(waits(&mut step, kind.path), "before serve");
    refused(&mut step, json!({"do": "retry"}), "its body has not run");
    refused(&mut step, json!({"do": "output", "value": "text"}), "it was an int, what you wrote is a str");
    refused(&mut step, json!({"do": "arguments", "value": {}}), "is missing");
    refused(&mut step, json!({"do": "expr", "expr": "nothing_there"}), "NameError");
    answer(&mut step, kind.path, &json!({"do": "execute"}));
    assert_eq!(waits(&mut step, kind.path), "after return");
    refused(&mut step, json!({"do": "serve"}), "there is no checkpoint to serve");
    refused(&mut step, json!({"do": "execute"}), "its body has ended");
    refused(&mut step, json!({"do": "arguments", "value": {"x": 1}}), "its body has ended");
    assert_eq!(step.end()["output"], (kind.output)((kind.gives)(X)));
}

fn all_answers(kind: &Kind) {
    let project = Project::app(kind.app);
    let base = project.run_ok(&[]);
    let recorded = (kind.output)((kind.gives)(X));
    assert_eq!(base["output"], recorded);
    let base = base["run"].as_str().unwrap();
    for row in rows(kind) {
        project.forget();
        let name = row.name;
        let mut step = Stepped::start(&project, &[base, "--break", kind.stop]);
        for (how, what) in &row.answers {
            assert_eq!(waits(&mut step, kind.path), *how, "{name}");
            answer(&mut step, kind.path, what);
        }
        let report = step.end();
        let run = report["run"].as_str().unwrap();
        let shown = project.show(run);
        let of = |call: &&Value| call["path"] == kind.path;
        let call = shown["calls"].as_array().unwrap().iter().find(of).unwrap();
        assert_eq!(call["status"], row.status, "{name}: {call:#}");
        let kept: Vec<&str> = call["answers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["answer"].as_str().unwrap())
            .collect();
        assert_eq!(kept, row.kept, "{name}: {call:#}");
        let executed: Vec<String> = row.executed.iter().map(i64::to_string).collect();
        assert_eq!(project.noted("work"), executed, "{name}");
        let wanted = match row.gives {
            Some(gives) => {
                assert_eq!(
                    (&report["status"], &call["output"]),
                    (&json!("succeeded"), &json!(gives)),
                    "{name}"
                );
                (kind.output)(gives)
            }
            None => {
                assert_eq!(report["status"], "failed", "{name}: {report}");
                assert!(report["error"]["message"].as_str().unwrap().contains("no luck"), "{name}: {report}");
                assert_eq!(call["error"]["type"], "ValueError", "{name}: {call:#}");
                recorded.clone()
            }
        };
        if row.gives.is_some() {
            assert_eq!(report["output"], wanted, "{name}");
        }
        // What was decided stays with the run; what failed is executed by the replay, like all that failed.
        assert_eq!(project.replay_ok(&[run])["output"], wanted, "{name}, replayed");
        let retried = row.gives.is_none().then(|| X.to_string());
        assert_eq!(project.noted("work"), [executed, Vec::from_iter(retried)].concat(), "{name}, replayed");
    }
    refuses(&project, base, kind);
    project.sound();
}

#[test]
fn a_plain_call() {
    all_answers(&Kind {
        app: r#"
@function()
def work(x: int) -> int:
    note("work", x)
    return x * 10

@application()
@function()
def app() -> list:
    return [work(3), "end"]
"#,
        path: "app/work#1",
        stop: "fn:work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!([given, "end"]),
    });
}

#[test]
fn a_call_of_a_call() {
    all_answers(&Kind {
        app: r#"
@function()
def work(x: int) -> int:
    note("work", x)
    return x * 10

@function()
def outer(x: int) -> int:
    return work(x) + 1

@application()
@function()
def app() -> list:
    return [outer(3), "end"]
"#,
        path: "app/outer#1/work#1",
        stop: "fn:work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!([given + 1, "end"]),
    });
}

#[test]
fn an_item_of_a_map_beside_others_that_wait() {
    all_answers(&Kind {
        app: r#"
@function()
def work(x: int) -> int:
    note("work", x)
    return x * 10

@application()
@function()
def app() -> list:
    return work.map([1, 3, 5])
"#,
        path: "app/work[1]",
        stop: "fn:work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!([10, given, 50]),
    });
}

#[test]
fn an_async_function_beside_another_that_waits() {
    all_answers(&Kind {
        app: r#"
import asyncio

@function()
async def work(x: int) -> int:
    note("work", x)
    await asyncio.sleep(0)
    return x * 10

@application()
@function()
async def app() -> list:
    return list(await asyncio.gather(work(1), work(3)))
"#,
        path: "app/work#2",
        stop: "fn:work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!([10, given]),
    });
}

#[test]
fn a_function_of_a_class() {
    all_answers(&Kind {
        app: r#"
@cls()
class Desk:
    def __init__(self):
        self.factor = 10

    @function()
    def work(self, x: int) -> int:
        note("work", x)
        return x * self.factor

@application()
@function()
def app() -> list:
    return [Desk().work(3), "end"]
"#,
        path: "app/Desk.work#1",
        stop: "fn:Desk.work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!([given, "end"]),
    });
}

#[test]
fn a_future_that_is_awaited_after_another_call() {
    all_answers(&Kind {
        app: r#"
@function()
def work(x: int) -> int:
    note("work", x)
    return x * 10

@function()
def side(x: int) -> int:
    return x + 1

@application()
@function()
def app() -> list:
    future = work.future(3)
    future.run()
    beside = side(1)
    return [beside, future.result()]
"#,
        path: "app/work#1",
        stop: "fn:work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!([2, given]),
    });
}

const REDUCE: &str = r#"
@function()
def work(acc: int, x: int) -> int:
    note("work", x)
    return acc + x * 10

@application()
@function()
def app() -> list:
    return [work.reduce([1, 2, 3], 5), "end"]
"#;

#[test]
fn the_last_step_of_a_reduce() {
    all_answers(&Kind {
        app: REDUCE,
        path: "app/work~[2]",
        stop: "path:\"app/work~[2]\"",
        gives: |x| 35 + x * 10,
        other: r#"{"acc": 35, "x": 4}"#,
        output: |given| json!([given, "end"]),
    });
}

#[test]
fn a_call_that_is_its_callers_result() {
    all_answers(&Kind {
        app: r#"
@function()
def work(x: int) -> int:
    note("work", x)
    return x * 10

@function()
def passing(x: int) -> int:
    return work.future(x)

@application()
@function()
def app() -> list:
    return [passing(3), "end"]
"#,
        path: "app/passing#1/work#1",
        stop: "fn:work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!([given, "end"]),
    });
}

#[test]
fn a_call_that_is_the_applications_result() {
    all_answers(&Kind {
        app: r#"
@function()
def work(x: int) -> int:
    note("work", x)
    return x * 10

@application()
@function()
def app() -> int:
    return work.future(3)
"#,
        path: "app/work#1",
        stop: "fn:work",
        gives: |x| x * 10,
        other: r#"{"x": 4}"#,
        output: |given| json!(given),
    });
}

#[test]
fn what_follows_in_a_reduce_is_executed_with_what_was_answered() {
    let project = Project::app(REDUCE);
    project.run_ok(&[]);
    project.forget();
    let mut step = Stepped::start(&project, &["--break", "path:\"app/work~[0]\""]);
    assert_eq!(waits(&mut step, "app/work~[0]"), "before serve");
    answer(&mut step, "app/work~[0]", &json!({"do": "output", "value": 1000}));
    assert_eq!(step.end()["output"], json!([1050, "end"]));
    assert_eq!(project.noted("work"), ["2", "3"]);
}
