//! What failures mean for others: retries, callers that catch them, maps, neighbours in the same process.

mod support;

use support::{Project, count};

const RETRIES: &str = r#"
@function(retries=RETRIES)
def flaky(x: int) -> int:
    note("flaky")
    if times("flaky") < 3:
        raise ConnectionError("try again")
    return x

@application(APP)
@function()
def app(x: int) -> int:
    note("app")
    return flaky(x)
"#;

#[test]
fn retries_until_it_succeeds() {
    for (own, app) in [("2", ""), ("Retries(max_retries=2)", ""), ("None", "retries=Retries(max_retries=2)")]
    {
        let project = Project::app(&RETRIES.replace("RETRIES", own).replace("APP", app));
        let report = project.run_ok(&["--input", "5"]);
        assert_eq!(report["output"], 5, "{own} {app}");
        assert_eq!((project.times("flaky"), project.times("app")), (3, 1));
        let call = &project.calls("latest", "flaky")[0];
        assert_eq!((call["status"].as_str(), call["attempts"].as_u64()), (Some("fresh"), Some(3)));
    }
    let project = Project::app(&RETRIES.replace("RETRIES", "1").replace("APP", ""));
    project.tl(&["run", "--input", "5"]).exits(1).says(&["ConnectionError: try again", "app/flaky#1"]);
    assert_eq!(project.times("flaky"), 2);
}

#[test]
fn failures_can_be_caught() {
    let project = Project::app(
        r#"
import os

@function()
def raises(x: int) -> int:
    raise ValueError("bad luck")

@function(retries=3)
def refuses(x: int) -> int:
    note("refuses")
    raise RequestError("not you")

@function()
def dies(x: int) -> int:
    os._exit(9)

@function(timeout=1)
def hangs(x: int) -> int:
    while True: pass

@function()
def works(x: int) -> int:
    note("works")
    return x

@application()
@function()
def app(x: int) -> list:
    seen = []
    for f in (raises, refuses, dies, hangs):
        try:
            f(x)
        except (FunctionError, RequestError, TimeoutError) as error:
            seen.append(f"{type(error).__name__}: {str(error)[-400:]}")
    return seen + [str(works(x))]
"#,
    );
    let report = project.run_ok(&["--input", "1"]);
    let seen: Vec<&str> = report["output"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert!(seen[0].starts_with("FunctionError") && seen[0].contains("ValueError: bad luck"), "{seen:?}");
    assert_eq!(seen[1], "RequestError: not you");
    assert!(seen[2].starts_with("FunctionError") && seen[2].contains("status 9"), "{seen:?}");
    assert!(seen[3].starts_with("TimeoutError"), "{seen:?}");
    assert_eq!(seen[4], "1");
    assert_eq!(project.times("refuses"), 1);
    assert_eq!(count(&report, "failed"), 4);
    project.sound();
    // The application's own outcome is a checkpoint although calls below it failed: it caught that.
    project.edit("return seen +", "return list(seen) +");
    project.replay_ok(&[]);
    assert_eq!(project.times("works"), 1);
}

#[test]
fn progress_resets_the_timeout() {
    let project = Project::app(
        r#"
import time

@function(timeout=3)
def long(x: int) -> int:
    context = RequestContext.get()
    for i in range(8):
        time.sleep(0.5)
        context.progress.update(i + 1, 8, f"part {i + 1}")
    return x

@application()
@function()
def app(x: int) -> int:
    return long(x)
"#,
    );
    assert_eq!(project.run_ok(&["--input", "1"])["output"], 1);
}

#[test]
fn all_items_of_a_map_are_tried_and_the_first_failure_is_raised() {
    let project = Project::app(
        r#"
import time

@function()
def item(i: int) -> int:
    note("item", i)
    if i == 3 and not healthy():
        time.sleep(0.5)
        raise ValueError("three")
    if i == 7 and not healthy():
        raise ValueError("seven")
    return i

@application()
@function()
def app(n: int) -> int:
    return sum(item.map(list(range(n))))
"#,
    );
    let done = project.tl(&["run", "--input", "10"]).exits(1);
    assert_eq!(project.times("item"), 10);
    // What the application saw is the first in order, although it failed last.
    let report = project.show("latest");
    let error = report["error"]["traceback"].as_str().unwrap();
    assert!(error.contains("three") && !error.contains("seven"), "{error}");
    done.says(&["app.py:", "1 failed call"]);
    project.sound();
    project.forget();
    project.heal();
    assert_eq!(project.replay_ok(&[])["output"], 45);
    let mut again = project.noted("item");
    again.sort();
    assert_eq!(again, ["3", "7"]);
}

#[test]
fn a_hundred_waiting_calls_wait_at_the_same_time() {
    let project = Project::app(
        r#"
import time

@function()
def wait(i: int) -> int:
    time.sleep(0.5)
    return i

@application()
@function()
def app(n: int) -> int:
    begun = time.monotonic()
    assert sum(wait.map(list(range(n)))) == sum(range(n))
    return int((time.monotonic() - begun) * 1000)
"#,
    );
    let report = project.run_ok(&["--input", "100"]);
    // One after the other would be 50 s; one a core at a time 25 s.
    let took = report["output"].as_u64().unwrap();
    assert!(took < 8_000, "{took} ms");
}

/// Callers wait in the process that a call of another caller ends.
const NEIGHBOURS: &str = r#"
import os, time

@function()
def paid(i: int) -> int:
    note("paid", i)
    return i

@function()
def deadly(i: int) -> int:
    note("deadly", i)
    if i == 2 and not healthy():
        while times("acknowledged") < 6:
            time.sleep(0.01)
        os._exit(1)
    time.sleep(0.2)
    return i

@function()
def caller(i: int) -> int:
    note("caller", i)
    receipt = paid(i)
    note("acknowledged", i)
    return deadly(receipt)

@application()
@function()
def app(n: int) -> list:
    futures = [caller.future(i).run() for i in range(n)]
    out = []
    for future in futures:
        try:
            out.append(future.result())
        except FunctionError as error:
            out.append("failed")
    return out
"#;

#[test]
fn callers_outlive_a_process_that_a_stranger_ended() {
    for workers in ["1", "2", "3"] {
        let project = Project::app(NEIGHBOURS);
        project.write("tl-bench.toml", &format!("workers = {workers}\n"));
        let report = project.run_ok(&["--input", "6"]);
        let out: Vec<String> =
            report["output"].as_array().unwrap().iter().map(|value| value.to_string()).collect();
        assert_eq!(out[2], "\"failed\"", "{workers} workers: {out:?}");
        // What was paid is not paid again by a caller that had to begin anew.
        let mut paid = project.noted("paid");
        paid.sort();
        assert_eq!(paid, ["0", "1", "2", "3", "4", "5"], "{workers} workers");
        project.sound();
        project.heal();
        project.edit("out = []", "out = list()");
        let report = project.replay_ok(&[]);
        assert_eq!(report["output"], serde_json::json!([0, 1, 2, 3, 4, 5]), "{workers} workers");
        assert_eq!(project.times("paid"), 6);
    }
}
