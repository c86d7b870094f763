//! Moving on from the gate by keys: over, out, to the next failure or effect, letting go; what is done behind a body,
//! and taking an edit back.

use serde_json::{Value, json};

use crate::project::Project;
use crate::stepping::{quit, shown, with_editor};
use crate::terminal::Terminal;

/// Two days of two calls each; each body of `fetch` leaves a line.
const TRIP: &str = r#"
from tensorlake.applications import application, function


@function()
def fetch(n: int) -> int:
    open("ran", "a").write(f"{n}\n")
    return n


@function()
def day(n: int) -> int:
    return fetch(n) + fetch(n + 10)


@application()
@function()
def trip() -> list:
    return [day(1), day(2)]
"#;

/// The calls of a run by their paths.
fn call(project: &Project, path: &str) -> Value {
    let run = shown(project, "latest");
    let found = run["calls"].as_array().unwrap().iter().find(|call| call["path"] == path).cloned();
    found.unwrap_or_else(|| panic!("no {path} in {run:#}"))
}

/// What the bodies of `fetch` left since the run.
fn ran(project: &Project) -> String {
    std::fs::read_to_string(project.path("ran")).unwrap_or_default()
}

/// A run of the trip, stepped through; changed, every `fetch` executes anew.
fn at_the_first_day(changed: bool) -> (Project, Terminal) {
    let project = Project::new();
    project.write("app.py", TRIP);
    project.json(0, &["run", "--json"]);
    std::fs::remove_file(project.path("ran")).unwrap();
    if changed {
        project.write("app.py", &TRIP.replace("return n\n", "return n * 100\n"));
    }
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the run", &["succeeded", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before trip"]);
    terminal.keys("t");
    terminal.sees("the first day", &["PAUSED before day#1"]);
    (project, terminal)
}

#[test]
fn over_a_call_that_executes_stops_behind_it_and_not_below() {
    let (project, mut terminal) = at_the_first_day(true);
    assert_eq!(ran(&project), "");
    terminal.keys("n");
    terminal.sees("the next call beside it", &["PAUSED before day#2", "3 fresh"]);
    assert_eq!(ran(&project), "1\n11\n", "all below it executed, and nothing behind it");
    terminal.keys("n");
    terminal.sees("the caller's end", &["PAUSED after trip"]);
    assert_eq!(ran(&project), "1\n11\n2\n12\n");
    terminal.keys("c");
    terminal.sees("the end", &["succeeded"]);
    quit(terminal);
    assert_eq!(shown(&project, "latest")["output"], json!([1200, 1400]));
}

#[test]
fn out_of_a_call_stops_behind_its_caller() {
    let (project, mut terminal) = at_the_first_day(true);
    terminal.keys("t");
    terminal.sees("a call below", &["PAUSED before fetch#1"]);
    assert_eq!(ran(&project), "");
    terminal.keys("o");
    terminal.sees("what follows its caller", &["PAUSED before day#2"]);
    assert_eq!(ran(&project), "1\n11\n", "the caller went on to its end");
    terminal.keys("c");
    terminal.sees("the end", &["succeeded"]);
    quit(terminal);
    assert_eq!(ran(&project), "1\n11\n2\n12\n");
}

#[test]
fn a_call_that_is_let_go_is_not_stopped_at_again_nor_anything_below_it() {
    let (project, mut terminal) = at_the_first_day(true);
    terminal.keys("Lc");
    terminal.sees("the next call that was not let go", &["PAUSED before day#2"]);
    assert_eq!(ran(&project), "1\n11\n");
    // The goal is as before: the other day is gone into.
    terminal.keys("t");
    terminal.sees("a call below the other", &["PAUSED before fetch#1"]);
    assert_eq!(ran(&project), "1\n11\n");
    terminal.keys("c");
    terminal.sees("the end", &["succeeded"]);
    quit(terminal);
    assert_eq!(ran(&project), "1\n11\n2\n12\n");
}

/// One of three checks fails, each time; then something acts on the world.
const CHECKS: &str = r#"
import os

from tensorlake.applications import application, function


@function()
def check(n: int) -> int:
    open("ran", "a").write(f"{n}\n")
    if n == 2:
        raise ValueError("two is odd today")
    return n


@function(effect=True)
def send(total: int) -> str:
    open("sent", "a").write(f"{total}\n")
    return f"sent {total}"


@application()
@function()
def checks() -> str:
    return send(check(1) + check(2) + check(3))
"#;

#[test]
fn on_to_the_next_body_that_fails_whose_outcome_is_edited() {
    let project = Project::new();
    project.write("app.py", CHECKS);
    project.json(1, &["run", "--json"]);
    std::fs::remove_file(project.path("ran")).unwrap();
    let project = with_editor(project, r#"echo 20 > "$1""#);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["failed", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before checks"]);
    terminal.keys("Nx");
    terminal.sees("the body that failed", &["PAUSED after check#2", "two is odd today"]);
    assert_eq!(ran(&project), "2\n", "what had succeeded was served, and the caller waits");
    terminal.keys("a");
    terminal.sees("the next call", &["PAUSED before check#3", "1 edited"]);
    assert_eq!(ran(&project), "2\n");
    terminal.keys("C");
    terminal.sees("the end", &["succeeded", "1 edited", "Runs 2"]);
    quit(terminal);
    assert_eq!(call(&project, "checks/check#2")["status"], "edited");
    assert_eq!(ran(&project), "2\n3\n");
    assert_eq!(project.read("sent"), "24\n");
}

#[test]
fn on_to_the_next_call_that_would_act_on_the_world() {
    let project = Project::new();
    project.write("app.py", CHECKS);
    project.json(1, &["run", "--json"]);
    std::fs::remove_file(project.path("ran")).unwrap();
    project.write("app.py", &CHECKS.replace("n == 2", "n == 4"));
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["failed", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before checks"]);
    terminal.keys("Ne");
    terminal.sees("the effect", &["PAUSED before send#1", "acts on the world"]);
    assert_eq!(ran(&project), "1\n2\n3\n", "what acts on nothing went by");
    assert!(!project.path("sent").exists(), "it waits");
    terminal.keys("c");
    terminal.sees("the end", &["succeeded"]);
    quit(terminal);
    assert_eq!(project.read("sent"), "6\n");
}

/// The research agent at the outcome of the first document that it read, executed once more.
fn behind_a_document() -> (Project, Terminal) {
    let project = Project::workspace("research-agent");
    project.json(1, &["run", "--json"]);
    let project = with_editor(project, r#"echo '"An empty page."' > "$1""#);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["Runs 1", "failed", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before research_agent"]);
    terminal.keys("Tfn:read_document\r");
    terminal.sees("the document", &["PAUSED before read_document#1"]);
    terminal.keys("X");
    terminal.sees("its outcome", &["PAUSED after read_document#1"]);
    (project, terminal)
}

#[test]
fn an_outcome_is_made_to_fail_before_its_caller_sees_it() {
    let (project, mut terminal) = behind_a_document();
    terminal.keys("!\x1b[B\r");
    terminal.sees("what it leads to", &["PAUSED after research_agent", "RequestError"]);
    terminal.keys("c");
    terminal.sees("the end", &["failed", "1 failed", "R replay"]);
    quit(terminal);
    let document = call(&project, "research_agent/read_document#1");
    assert_eq!((&document["status"], &document["attempts"]), (&json!("failed"), &json!(1)));
    assert_eq!(document["error"]["type"], "RequestError");
    assert_eq!(document["answers"][1]["answer"], "fail");
    assert!(document["answers"][1]["was"].is_string(), "{document:#}");
    // The model was not asked what to do with it.
    let run = shown(&project, "latest");
    assert!(!run["calls"].to_string().contains("research_agent/call_llm#3"), "{run:#}");
}

#[test]
fn an_outcome_is_edited_before_its_caller_sees_it_and_that_is_undone() {
    let (project, mut terminal) = behind_a_document();
    let original = shown(&project, "latest~1");
    terminal.keys("a");
    terminal.sees("the question that holds it", &["PAUSED before", "1 edited"]);
    terminal.keys("C");
    terminal.sees("the end", &["Runs 2", "succeeded", "1 edited"]);
    let document = call(&project, "research_agent/read_document#1");
    assert_eq!((&document["status"], &document["output"]), (&json!("edited"), &json!("An empty page.")));
    let asked = call(&project, "research_agent/call_llm#3");
    assert_eq!(asked["status"], "fresh", "it was asked something new");
    assert!(asked["input"].to_string().contains("An empty page."), "{asked:#}");
    terminal.keys("u");
    terminal.sees("the run that was replayed", &["Runs 1", "failed"]);
    terminal.misses("the edit", "1 edited");
    quit(terminal);
    assert_eq!(project.json(0, &["runs", "--json", "--all"]).as_array().unwrap().len(), 1);
    assert_eq!(shown(&project, "latest"), original);
    assert_eq!(project.json(0, &["doctor", "--json"])["ok"], true);
}
