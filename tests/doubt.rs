//! Calls whose outcome is not known: everything was killed while they ran.

mod support;

use support::{Project, count, executed};

/// Kills everything while a call runs: its outcome is not known.
const DOUBT: &str = r#"
import os, signal

@function()
def safe(x: int) -> int:
    note("ran", "safe")
    return x

@function()
def pay(x: int) -> str:
    note("ran", "pay")
    if not healthy():
        os.killpg(0, signal.SIGKILL)
    return f"paid {x}"

@application()
@function()
def app(x: int) -> str:
    return pay(safe(x))
"#;

fn in_doubt() -> Project {
    let project = Project::app(DOUBT);
    assert_eq!(project.tl(&["run", "--input", "5"]).status.code(), None, "everything was killed");
    project.heal();
    let run = project.show("latest");
    assert_eq!(run["status"], "interrupted");
    assert_eq!(project.statuses("latest", "pay"), ["in-doubt"]);
    project.forget();
    project
}

#[test]
fn calls_in_doubt_execute_again_and_that_is_said() {
    for mode in ["adaptive", "strict"] {
        let project = in_doubt();
        let done = project.tl(&["replay", "--mode", mode]).exits(0).says(&[
            "1 served, 1 call in doubt and what follows executes",
            "pay had started in run",
            "a side effect may happen twice",
        ]);
        assert!(done.out.contains("paid 5"));
        executed(&project, &["pay"]);
        project.sound();
    }
}

#[test]
fn calls_in_doubt_can_end_the_replay() {
    for mode in ["adaptive", "strict"] {
        let project = in_doubt();
        let done = project.tl(&["replay", "--mode", mode, "--in-doubt", "fail"]).exits(1);
        done.says(&["(pay) had started in run", "--in-doubt rerun", "accept=JSON"]);
        executed(&project, &[]);
        // That failed run did not learn more: the first one is still there to be replayed.
        project.replay_ok(&["latest~1"]);
        executed(&project, &["pay"]);
        project.sound();
    }
}

#[test]
fn calls_in_doubt_can_be_given_an_output() {
    for mode in ["adaptive", "strict"] {
        let project = in_doubt();
        let report = project.replay_ok(&["--mode", mode, "--in-doubt", r#"accept="paid by hand""#]);
        assert_eq!(report["output"], "paid by hand");
        assert_eq!(count(&report, "edited"), 1);
        executed(&project, &[]);
        let given = project.calls("latest", "pay").remove(0);
        assert_eq!(given["answers"][0]["now"], "\"paid by hand\"", "it is recorded as an answer: {given:#}");
        // It stays so in later replays.
        project.edit("return pay(", "return 0 or pay(");
        assert_eq!(project.replay_ok(&[])["output"], "paid by hand");
        executed(&project, &[]);
    }
    let project = in_doubt();
    project.tl(&["replay", "--in-doubt", "accept={"]).exits(2).says(&["not JSON"]);
    project.tl(&["replay", "--in-doubt", "maybe"]).exits(2).says(&["rerun, fail, or accept=JSON"]);
}

#[test]
fn a_replay_that_was_killed_is_replayed() {
    let project = Project::app(DOUBT);
    project.tl(&["run", "--input", "5"]);
    executed(&project, &["safe", "pay"]);
    for _ in 0..3 {
        assert_eq!(project.tl(&["replay"]).status.code(), None, "everything was killed");
        executed(&project, &["pay"]);
    }
    project.heal();
    assert_eq!(project.replay_ok(&[])["output"], "paid 5");
    executed(&project, &["pay"]);
    assert_eq!(project.statuses("latest", "safe"), ["cached"]);
    project.sound();
}
