//! Scripts whose `run_local_application` becomes recorded runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::project::{Project, counts};
use crate::wait::{self, BOUND};

/// A script that is an application and its caller; `MODE` says how it goes.
const SCRIPT: &str = r#"
import os
import sys
import time
from tensorlake.applications import RequestError, application, function, run_local_application

patched = "as in the file"


@function()
def step(n: int) -> str:
    with open("steps", "a") as steps:
        steps.write(f"{n}\n")
    if n == 2 and os.path.exists("broken"):
        raise ValueError("step 2 is broken")
    return f"{n} {patched}"


@application()
@function()
def main(n: int) -> list[str]:
    if n > 10:
        raise RequestError("too many")
    return [step(i) for i in range(n)]


@application()
@function()
def together(name: str) -> str:
    open(f"here-{name}", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return name + step(len(name))


if __name__ == "__main__":
    mode = sys.argv[1]
    patched = "as in the script"
    if mode == "together":
        print(run_local_application(together, sys.argv[2]).output())
    elif mode == "twice":
        for n in (1, 2):
            print(run_local_application(main, n).output())
    else:
        request = run_local_application(main, int(mode))
        print("request", request.id)
        try:
            print(request.output())
        except RequestError as error:
            print("refused:", error.message)
            sys.exit(7)
    sys.exit(3)
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("script.py", SCRIPT);
    project
}

fn runs(project: &Project) -> Vec<Value> {
    let runs = project.json(0, &["runs", "--json"]);
    runs.as_array().unwrap().clone()
}

fn executed(project: &Project) -> Vec<String> {
    project.read("steps").lines().map(str::to_owned).collect()
}

#[test]
fn a_script_is_recorded_and_replayed() {
    let project = project();
    let done = project.tl(&["exec", "--", "python3", "script.py", "3"]);
    assert_eq!(done.code(), 3, "the script's own exit code: {done}");
    assert!(
        done.out.contains("['0 as in the script', '1 as in the script', '2 as in the script']"),
        "{done}"
    );
    assert!(done.err.contains("1 run recorded"), "{done}");
    let found = runs(&project);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["status"], "succeeded");
    assert!(done.out.contains(&format!("request {}", found[0]["run"].as_str().unwrap())), "{done}");

    let replay = project.json(0, &["replay", "--json"]);
    assert_eq!(counts(&replay), (3, 0, 0), "{replay}");
    assert_eq!(replay["parent"], found[0]["run"]);
    assert_eq!(executed(&project), ["0", "1", "2"], "the replay executed nothing");
}

#[test]
fn a_script_that_failed_is_replayed_from_where_it_was() {
    let project = project();
    project.write("broken", "");
    let done = project.tl(&["exec", "--", "python3", "script.py", "4"]);
    assert_eq!(done.code(), 1, "python's code of an exception that nobody caught: {done}");
    assert!(done.err.contains("step 2 is broken") && done.err.contains("RequestFailed"), "{done}");
    assert_eq!(runs(&project)[0]["status"], "failed");

    std::fs::remove_file(project.path("broken")).unwrap();
    let replay = project.json(0, &["replay", "--json"]);
    assert_eq!(counts(&replay), (2, 2, 0), "{replay}");
    // The worker imports the script, so what its main block would do is not done.
    assert_eq!(replay["output"][1], "1 as in the script");
    assert_eq!(replay["output"][3], "3 as in the file");
    assert_eq!(executed(&project), ["0", "1", "2", "2", "3"]);
}

#[test]
fn a_request_error_reaches_the_script() {
    let project = project();
    let done = project.tl(&["exec", "--", "python3", "script.py", "11"]);
    assert_eq!(done.code(), 7, "{done}");
    assert!(done.out.contains("refused: too many"), "{done}");
    let shown = project.json(0, &["show", "latest", "--json"]);
    assert_eq!((&shown["status"], &shown["error"]["kind"]), (&json!("failed"), &json!("request")), "{shown}");
    assert_eq!(shown["error"]["message"], "too many");
}

#[test]
fn reuse_is_asked_for() {
    let project = project();
    let twice = ["exec", "--", "python3", "script.py", "twice"];
    assert_eq!(project.tl(&twice).code(), 3);
    let found = runs(&project);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|run| run["counts"]["cached"] == 0), "{found:?}");
    let adaptive = ["exec", "--mode", "adaptive", "--", "python3", "script.py", "twice"];
    assert_eq!(project.tl(&adaptive).code(), 3);
    let found = runs(&project);
    assert_eq!(found.len(), 4);
    assert!(found[..2].iter().all(|run| run["counts"]["fresh"] == 0), "{found:?}");
    assert_eq!(executed(&project).len(), 3);
}

#[test]
fn scripts_run_beside_each_other() {
    let project = project();
    let script = |name: &str| project.start(&["exec", "--", "python3", "script.py", "together", name]);
    let both = [script("a"), script("bb")];
    // Each waits for the other: they are in their applications at the same time.
    wait::for_file(&project.path("here-a"));
    wait::for_file(&project.path("here-bb"));
    let alive = || runs(&project).iter().filter(|run| run["alive"] == true).count();
    wait::until("both runs to be seen", BOUND, || (alive() == 2).then_some(()));
    project.write("go", "");
    for (started, out) in both.into_iter().zip(["a1 as in the script", "bb2 as in the script"]) {
        let done = started.finish();
        assert_eq!((done.code(), done.out.trim()), (3, out), "{done}");
    }
    let found = runs(&project);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|run| run["status"] == "succeeded" && run["counts"]["fresh"] == 1), "{found:?}");
}

#[test]
fn two_processes_of_one_command() {
    let project = project();
    let both = "python3 script.py together a & python3 script.py together bb; code=$?; wait; exit $code";
    let started = project.start(&["exec", "--", "sh", "-c", both]);
    wait::for_file(&project.path("here-a"));
    wait::for_file(&project.path("here-bb"));
    project.write("go", "");
    let done = started.finish();
    assert_eq!(done.code(), 3, "{done}");
    assert!(done.err.contains("2 runs recorded"), "{done}");
    assert!(runs(&project).iter().all(|run| run["status"] == "succeeded"));
}

#[test]
fn commands_without_runs_and_commands_that_do_not_exist() {
    let project = project();
    let done = project.tl(&["exec", "--", "sh", "-c", "echo hello; exit 42"]);
    assert_eq!((done.code(), done.out.as_str(), done.err.as_str()), (42, "hello\n", ""));
    let done = project.tl(&["exec", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(done.code(), 128 + 15, "{done}");
    let done = project.tl(&["exec", "--", "no-such-command"]);
    assert_eq!(done.code(), 4, "{done}");
    assert!(done.err.contains("cannot run no-such-command"), "{done}");
}

#[test]
fn a_script_that_is_killed_leaves_no_run_alive() {
    let project = project();
    let started = project.start(&["exec", "--", "python3", "script.py", "together", "a"]);
    wait::for_file(&project.path("here-a"));
    let script = wait::until("the script's process", BOUND, || child_of(started.pid().as_raw()));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(script), nix::sys::signal::Signal::SIGKILL).unwrap();
    let done = started.finish();
    assert_eq!(done.code(), 128 + 9, "{done}");
    let found = runs(&project);
    assert_eq!((found.len(), &found[0]["alive"]), (1, &json!(false)), "{found:?}");
    assert_ne!(found[0]["status"], "running", "{found:?}");
    // Nothing that waits is left behind: the next one is served by a store that nobody holds.
    project.write("go", "");
    let replay = project.json(0, &["replay", "--json"]);
    assert_eq!(replay["output"], "a1 as in the file");
    assert!(replay["wall_ms"].as_u64().unwrap() < Duration::from_secs(60).as_millis() as u64);
}

/// The number of a process that this one started.
fn child_of(parent: i32) -> Option<i32> {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(1).and_then(|ppid| ppid.parse().ok()) == Some(parent)
    })
}
