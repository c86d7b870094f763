//! The rules of reuse: what a replay serves, what it executes, and what it says.

mod support;

use serde_json::{Value, json};
use support::{Project, count, executed};

const SAMPLES: &str = r#"
import random

@function()
def sample(prompt: str) -> float:
    note("ran", prompt)
    return random.random()

@application()
@function()
def app(prompts: list) -> list:
    return [sample(p) for p in prompts]
"#;

#[test]
fn equal_calls_are_different_samples_and_each_is_served_once() {
    let project = Project::app(SAMPLES);
    let first = project.run_ok(&["--input", r#"["a", "a", "b", "a"]"#]);
    let values = first["output"].as_array().unwrap();
    assert!(values[0] != values[1] && values[1] != values[3]);
    executed(&project, &["a", "a", "b", "a"]);
    // Each gets its own.
    project.edit("return [", "return 0 or [");
    assert_eq!(project.replay_ok(&[])["output"], first["output"]);
    executed(&project, &[]);
    // A fourth one is new: the three that are there are used.
    let longer = project.replay_ok(&["--input", r#"["a", "a", "b", "a", "a"]"#]);
    executed(&project, &["a"]);
    assert_eq!(longer["output"].as_array().unwrap()[..4], values[..]);
    // Another order is served: position only breaks ties.
    let other = project.replay_ok(&["latest~1", "--input", r#"["b", "a", "a", "a"]"#]);
    executed(&project, &[]);
    assert_eq!(other["output"], json!([values[2], values[0], values[1], values[3]]));
}

#[test]
fn changed_arguments_execute_and_later_equal_calls_are_served() {
    let project = Project::app(SAMPLES);
    let first = project.run_ok(&["--input", r#"["a", "b", "c"]"#]);
    project.forget();
    let second = project.replay_ok(&["--input", r#"["a", "x", "c"]"#]);
    executed(&project, &["x"]);
    assert_eq!(second["output"][2], first["output"][2]);
    let call = &project.calls("latest", "sample")[1];
    assert_eq!(call["reason"], "arguments changed");
    // The replay of a replay has both: served calls are as good as those that executed.
    project.replay_ok(&["--input", r#"["c", "a", "b", "x"]"#]);
    executed(&project, &[]);
    let replayed = project.show("latest");
    assert_eq!((count(&replayed, "cached"), count(&replayed, "fresh")), (4, 0));
    project.sound();
}

const PIPELINE: &str = r#"
import json

FACTOR = 2

def helper(x):
    return x * FACTOR

@function()
def load(x: int) -> int:
    note("ran", "load")
    return x % 10

@function()
def double(x: int) -> int:
    """Doubles."""
    note("ran", "double")
    return helper(x)

@function()
def show(x: int) -> str:
    note("ran", "show")
    return f"<{x}>"

@function()
def stage(x: int) -> str:
    note("ran", "stage")
    return show(double(x))

@application()
@function()
def app(x: int) -> str:
    note("ran", "app")
    return stage(load(x))
"#;

#[test]
fn an_edit_executes_what_it_touched_and_its_callers() {
    let project = Project::app(PIPELINE);
    project.run_ok(&["--input", "13"]);
    executed(&project, &["app", "load", "stage", "double", "show"]);

    // Nothing that changes no behaviour.
    for (from, to) in [
        ("FACTOR = 2", "# twice\nFACTOR   =  2  # or so"),
        ("    \"\"\"Doubles.\"\"\"", "    # no words"),
        ("return f\"<{x}>\"", "return f'<{x}>'"),
        ("def load(x: int) -> int:", "def load(\n    x: int,\n) -> int:"),
        ("@function()\ndef show", "@function(timeout=77, description=\"shows\")\ndef show"),
    ] {
        project.edit(from, to);
        assert_eq!(project.replay_ok(&[])["output"], "<6>");
        executed(&project, &[]);
    }

    project.edit("return helper(x)", "return x * 3");
    assert_eq!(project.replay_ok(&[])["output"], "<9>");
    executed(&project, &["app", "stage", "double", "show"]);
    let reason = |function: &str| project.calls("latest", function)[0]["reason"].clone();
    assert_eq!(reason("double"), "code changed");
    assert_eq!(reason("show"), "arguments changed");
    assert_eq!(project.statuses("latest", "load"), ["cached"]);

    // Undone: the older run's checkpoints hold again.
    project.edit("return x * 3", "return helper(x)");
    assert_eq!(project.replay_ok(&[])["output"], "<6>");
    executed(&project, &[]);
    // And redone.
    project.edit("return helper(x)", "return x * 3");
    assert_eq!(project.replay_ok(&[])["output"], "<9>");
    executed(&project, &[]);
    project.sound();
}

#[test]
fn an_edit_of_what_a_function_reaches_by_name_executes_it() {
    let project = Project::app(PIPELINE);
    project.write("words.py", "def words(x):\n    return f'<{x}>'\n");
    project.edit("import json", "from words import words");
    project.edit("return f\"<{x}>\"", "return words(x)");
    project.run_ok(&["--input", "13"]);
    project.forget();
    // A constant, through a helper.
    project.edit("FACTOR = 2", "FACTOR = 3");
    assert_eq!(project.replay_ok(&[])["output"], "<9>");
    executed(&project, &["app", "stage", "double", "show"]);
    // A helper.
    project.edit("return x * FACTOR", "return x * FACTOR + 1");
    assert_eq!(project.replay_ok(&[])["output"], "<10>");
    executed(&project, &["app", "stage", "double", "show"]);
    // Another module.
    project.write("words.py", "def words(x):\n    return f'[{x}]'\n");
    assert_eq!(project.replay_ok(&[])["output"], "[10]");
    executed(&project, &["app", "stage", "show"]);
}

#[test]
fn an_equal_output_cuts_the_edit_off() {
    let project = Project::app(PIPELINE);
    project.run_ok(&["--input", "13"]);
    project.forget();
    project.edit("return x % 10", "return (x - 10) % 10");
    project.replay_ok(&[]);
    // `load` executes and so does its caller; what used its output is served.
    executed(&project, &["app", "load"]);
}

#[test]
fn nested_calls_are_served_whole() {
    let project = Project::app(PIPELINE);
    project.run_ok(&["--input", "13"]);
    project.forget();
    let second = project.replay_ok(&["--input", "23"]);
    executed(&project, &["app", "load"]);
    // The record is complete all the same.
    assert_eq!(count(&second, "cached"), 3);
    for function in ["stage", "double", "show"] {
        assert_eq!(project.statuses("latest", function), ["cached"]);
    }
    // And can be replayed in turn.
    project.edit("return helper(x)", "return helper(x) + 1");
    assert_eq!(project.replay_ok(&[])["output"], "<7>");
    executed(&project, &["app", "stage", "double", "show"]);
}

#[test]
fn runs_reuse_across_runs_when_asked() {
    let project = Project::app(PIPELINE);
    project.run_ok(&["--input", "13"]);
    project.run_ok(&["--input", "13"]);
    executed(&project, &["app", "load", "stage", "double", "show"].repeat(2));
    let report = project.run_ok(&["--input", "23", "--mode", "adaptive"]);
    assert_eq!(report["output"], "<6>");
    assert_eq!(report["parent"], Value::Null);
    executed(&project, &["app", "load"]);
    project.run_ok(&["--input", "23", "--mode", "adaptive"]);
    executed(&project, &[]);
    project.replay_ok(&["--mode", "fresh"]);
    executed(&project, &["app", "load", "stage", "double", "show"]);
}

#[test]
fn from_a_call_on_everything_executes() {
    let project = Project::app(SAMPLES);
    project.run_ok(&["--input", r#"["a", "b", "c", "d"]"#]);
    project.forget();
    let done = project.tl(&["replay", "--from", "app/sample#3"]).exits(0);
    done.says(&["2 served, 2 calls that were asked for again and what follows execute"]);
    executed(&project, &["c", "d"]);
    assert_eq!(project.calls("latest", "sample")[2]["reason"], "asked for again");
}

#[test]
fn what_has_a_call_that_is_not_durable_below_it_is_never_served_whole() {
    let project = Project::app(
        r#"
@function(durable=False)
def now(x: int) -> int:
    note("ran", "now")
    return x

@function()
def steady(x: int) -> int:
    note("ran", "steady")
    return x

@function()
def outer(x: int) -> int:
    note("ran", "outer")
    return now(steady(x))

@application()
@function()
def app(x: int) -> int:
    note("ran", "app")
    return outer(x) + steady(x + 1)
"#,
    );
    project.run_ok(&["--input", "1"]);
    executed(&project, &["app", "outer", "now", "steady", "steady"]);
    for mode in ["adaptive", "strict"] {
        let done = project.tl(&["replay", "--mode", mode]).exits(0);
        done.says(&["2 served, 1 call that is not durable and what follows executes"]);
        executed(&project, &["app", "outer", "now"]);
        assert_eq!(project.statuses("latest", "now"), ["fresh"]);
    }
}

#[test]
fn a_retried_caller_is_served_what_its_earlier_attempt_achieved() {
    let project = Project::app(
        r#"
@function()
def paid(x: int) -> int:
    note("ran", f"paid {x}")
    return x

@function(retries=2)
def caller(x: int) -> int:
    note("ran", "caller")
    a = paid(x)
    b = paid(x)
    if times("ran") < 4:
        raise ConnectionError("later")
    return a + b + paid(x + 1)

@application()
@function()
def app(x: int) -> int:
    return caller(x)
"#,
    );
    let report = project.run_ok(&["--input", "1"]);
    assert_eq!(report["output"], 4);
    executed(&project, &["caller", "paid 1", "paid 1", "caller", "paid 2"]);
    // Its record can be served whole.
    project.edit("return caller(x)", "return 0 or caller(x)");
    assert_eq!(project.replay_ok(&[])["output"], 4);
    executed(&project, &[]);
    project.sound();
}

#[test]
fn the_tree_below_an_earlier_attempts_call_is_in_the_replay_too() {
    let project = Project::app(
        r#"
@function()
def inner(x: int) -> int:
    return x + 1

@function()
def outer(x: int) -> int:
    return inner(x)

@function(retries=1)
def caller(x: int) -> int:
    note("ran", "caller")
    a = outer(x)
    if times("ran") < 2:
        raise ConnectionError("later")
    return a

@application()
@function()
def app(x: int) -> int:
    return caller(x)
"#,
    );
    project.run_ok(&["--input", "1"]);
    assert_eq!(project.statuses("latest", "outer"), ["fresh", "cached"]);
    project.edit("return caller(x)", "return 0 or caller(x)");
    for _ in 0..2 {
        assert_eq!(project.replay_ok(&[])["output"], 2);
        assert_eq!(project.statuses("latest", "outer"), ["cached"]);
        assert_eq!(project.statuses("latest", "inner"), ["cached"]);
    }
}

#[test]
fn an_attempt_that_left_calls_running_does_not_start_them_again() {
    let project = Project::app(
        r#"
import time

@function()
def slow(x: int) -> int:
    note("ran", "slow")
    time.sleep(1)
    return x

@function(retries=1)
def caller(x: int) -> int:
    note("ran", "caller")
    future = slow.future(x).run()
    if times("ran") < 3 and not times("second"):
        note("second")
        raise ConnectionError("the line broke")
    return future.result()

@application()
@function()
def app(x: int) -> int:
    return caller(x)
"#,
    );
    assert_eq!(project.run_ok(&["--input", "1"])["output"], 1);
    executed(&project, &["caller", "slow", "caller"]);
}

#[test]
fn what_is_used_below_a_served_call_is_used() {
    let project = Project::app(
        r#"
import random

@function()
def sample(x: int) -> float:
    note("ran", "sample")
    return random.random()

@function()
def outer(x: int) -> float:
    note("ran", "outer")
    return sample(x)

@application()
@function()
def app(x: int) -> list:
    return [outer(x)]
"#,
    );
    project.run_ok(&["--input", "1"]);
    project.forget();
    project.edit("[outer(x)]", "[outer(x), sample(x)]");
    let report = project.replay_ok(&[]);
    // Two samples stay two, although function and arguments are the same.
    executed(&project, &["sample"]);
    assert_ne!(report["output"][0], report["output"][1]);
}

#[test]
fn a_module_with_a_loader_of_its_own_counts_and_runs_as_it_is_written() {
    let project = Project::app(
        r#"
import importlib.util, pathlib
HERE = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("extra", HERE / "scripts" / "extra.py")
extra = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extra)

@application()
@function()
def app(x: int) -> int:
    note("ran", "app")
    return extra.add(x)
"#,
    );
    project.write("scripts/extra.py", "def add(x):\n    return x + 1\n");
    assert_eq!(project.run_ok(&["--input", "3"])["output"], 4);
    project.forget();
    assert_eq!(project.replay_ok(&[])["output"], 4);
    executed(&project, &[]);
    // Of equal size, within the second: bytecode that lies beside it would pass for current.
    project.write("scripts/extra.py", "def add(x):\n    return x + 2\n");
    assert_eq!(project.replay_ok(&[])["output"], 5);
    assert!(!project.root().join("scripts/__pycache__").exists());
}

#[test]
fn what_a_script_reads_while_it_imports_counts_for_who_reaches_it() {
    let project = Project::app(
        r#"
import prompts

@function()
def greet(x: int) -> str:
    note("ran", "greet")
    return prompts.SYSTEM + str(x)

@function()
def plain(x: int) -> str:
    note("ran", "plain")
    return str(x)

@application()
@function()
def app(x: int) -> str:
    return greet(x) + plain(x)

if __name__ == "__main__":
    from tensorlake.applications import run_local_application
    print(run_local_application(app, 3).output())
"#,
    );
    project.write("prompts.py", "SYSTEM = open('system.txt').read()\n");
    let script = ["exec", "--mode", "adaptive", "--", "python3", "app.py"];
    for (text, ran) in [("a", vec!["greet", "plain"]), ("b", vec!["greet"]), ("a", vec![])] {
        project.write("system.txt", text);
        project.forget();
        let done = project.tl(&script).exits(0);
        assert!(done.out.contains(&format!("{text}33")), "{}", done.out);
        executed(&project, &ran);
    }
}

#[test]
fn a_copied_project_replays_its_own_files() {
    let project = Project::app(
        "@application()\n@function()\ndef app(x: int) -> int:\n    return step(x)\n\n@function()\ndef step(x: int) -> int:\n    return x + 1\n",
    );
    project.run_ok(&["--input", "1"]);
    let copy = project.root().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let mut cp = std::process::Command::new("cp");
    cp.arg("-r").args(["app.py", "effects.py", ".tl-bench"].map(|name| project.root().join(name))).arg(&copy);
    assert!(cp.status().unwrap().success());
    let text = std::fs::read_to_string(copy.join("app.py")).unwrap();
    std::fs::write(copy.join("app.py"), text.replace("x + 1", "x + 2")).unwrap();
    let there = copy.to_string_lossy().into_owned();
    let done = project.tl(&["-C", &there, "status", "--json"]).exits(0);
    assert!(done.out.contains("step"), "{}", done.out);
    let done = project.tl(&["-C", &there, "replay", "-q"]).exits(0);
    assert_eq!(done.out.trim(), "3");
}
