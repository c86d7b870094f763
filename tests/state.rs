//! Request state: what a call saw of it must hold, what it did to it is done again.

mod support;

use serde_json::json;
use support::{Project, executed};

const STATE: &str = r#"
@function()
def remember(x: int) -> int:
    note("ran", "remember")
    context = RequestContext.get()
    context.state.set("x", {"value": [x, "é", 1.5]})
    context.metrics.counter("remembered", 2)
    context.metrics.timer("took", 0.5)
    context.progress.update(1, 2, "half")
    print(f"remembering {x}")
    return 0

@function()
def recall(label: str) -> str:
    note("ran", "recall")
    return f"{label} {RequestContext.get().state.get('x', None)}"

@function()
def tally(label: str) -> int:
    note("ran", "tally")
    state = RequestContext.get().state
    state.set("n", state.get("n", 0) + 1)
    return state.get("n")

@function()
def outer(label: str) -> str:
    note("ran", "outer")
    RequestContext.get().state.set("x", label)
    return recall(label)

@application()
@function()
def app(xs: list) -> list:
    note("ran", "app")
    out = []
    for x in xs:
        remember(x)
        out.append(recall("saw"))
    return out + [tally("t"), tally("t"), outer("own")]
"#;

#[test]
fn request_state_is_part_of_what_must_hold_and_is_set_again() {
    let project = Project::app(STATE);
    let first = project.run_ok(&["--input", "[1, 2]"]);
    executed(
        &project,
        &["app", "remember", "recall", "remember", "recall", "tally", "tally", "outer", "recall"],
    );
    assert_eq!(first["output"][1], "saw {'value': [2, 'é', 1.5]}");
    assert_eq!(first["output"].as_array().unwrap()[2..], [json!(1), json!(2), json!("own own")]);
    let state = project.show("latest")["state"].clone();
    assert_eq!(state["n"], 2);

    // All served, and all that was done to the run beside is there again.
    project.edit("return out +", "return list(out) +");
    let second = project.replay_ok(&[]);
    assert_eq!(second["output"], first["output"]);
    executed(&project, &["app"]);
    assert_eq!(project.show("latest")["state"], state);
    let logs = project.tl(&["logs", "latest"]).exits(0).out;
    assert!(logs.contains("remembering 1") && logs.contains("remembering 2"), "{logs}");
    let events = project.tl(&["replay", "--events"]).exits(0).out;
    for kind in ["metric", "progress", "state_set", "log"] {
        assert!(events.contains(&format!("\"event\":\"{kind}\"")), "no {kind} in {events}");
    }

    // In the other order each `recall` reads what its own checkpoint did not read: they execute.
    let third = project.replay_ok(&["--input", "[2, 1]"]);
    assert_eq!(third["output"][0], "saw {'value': [2, 'é', 1.5]}");
    executed(&project, &["app", "recall", "recall"]);
    // What set the state before it was read does not depend on what was there.
    assert_eq!(project.statuses("latest", "outer"), ["cached"]);
    assert_eq!(project.statuses("latest", "tally"), ["cached", "cached"]);
}

#[test]
fn a_call_that_read_before_it_wrote_depends_on_what_it_read() {
    let project = Project::app(
        r#"
@function()
def begin() -> int:
    note("ran", "begin")
    RequestContext.get().state.set("n", 10)
    return 0

@function()
def tally() -> int:
    note("ran", "tally")
    state = RequestContext.get().state
    state.set("n", state.get("n", 0) + 1)
    return state.get("n")

@function()
def twice() -> int:
    note("ran", "twice")
    tally()
    return tally()

@application()
@function()
def app(x: int) -> list:
    begin()
    return [twice()]
"#,
    );
    assert_eq!(project.run_ok(&["--input", "1"])["output"], json!([12]));
    project.forget();
    project.edit("set(\"n\", 10)", "set(\"n\", 20)");
    // Neither arguments nor code of `twice` changed, but what it found did.
    assert_eq!(project.replay_ok(&[])["output"], json!([22]));
    executed(&project, &["begin", "twice", "tally", "tally"]);
}
