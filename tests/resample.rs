//! Samples of a call: executed on purpose, kept, compared, and never an answer by themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{Project, until};

/// `llm` answers by turns: the ticket that nobody took before says which.
const AGENT: &str = r#"
import os

def ticket():
    number = 0
    while True:
        try:
            os.close(os.open(os.path.join(os.environ["TRACE"], f"ticket{number}"), os.O_CREAT | os.O_EXCL))
            return number
        except FileExistsError:
            number += 1

@function()
def think(prompt: str) -> str:
    note("think", prompt)
    return prompt + "?"

@function()
def llm(prompt: str) -> dict:
    note("llm", prompt)
    answer = ["Whistler", "Japan"][ticket() % 2]
    return {"answer": answer, "thought": think(prompt)}

@function()
def count() -> int:
    state = RequestContext.get().state
    value = (state.get("count") or 0) + 1
    state.set("count", value)
    note("count", value)
    return value

@function(effect=True)
def book(where: str) -> str:
    note("book", where)
    return "booked " + where

@function()
def trip(where: str) -> str:
    return book(where)

@application()
@function()
def app(n: int) -> list:
    count()
    return [llm("where to")["answer"], count(), trip("here")]
"#;

fn project() -> Project {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "1"]);
    project.forget();
    project
}

fn outcomes(document: &Value) -> Vec<Value> {
    document["outcomes"].as_array().unwrap().iter().map(|one| one["samples"].clone()).collect()
}

#[test]
fn samples_are_kept_side_by_side_and_answer_nothing_by_themselves() {
    let project = project();
    let original = project.show("latest");
    let made = project.tl(&["resample", "latest", "app/llm#1", "-n", "5", "--json"]).exits(0).json();
    assert_eq!((project.times("llm"), project.times("think")), (5, 5), "what it calls executes, too");
    let samples = made["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 6);
    assert_eq!(
        (&samples[0]["recorded"], &samples[0]["output"]["answer"]),
        (&json!(true), &json!("Whistler"))
    );
    // Tickets 0 to 4: three say what was recorded, two say Japan.
    let counts: Vec<usize> = outcomes(&made).iter().map(|group| group.as_array().unwrap().len()).collect();
    assert_eq!(counts, [4, 2]);
    let differs = &made["outcomes"][1]["differences"][0];
    assert_eq!(
        (&differs["path"], &differs["old"], &differs["new"]),
        (&json!("answer"), &json!("Whistler"), &json!("Japan"))
    );

    // They are there for whoever looks later, also from the other runs that have the call.
    let replayed = project.replay_ok(&[]);
    assert_eq!(replayed["output"], original["output"], "a sample is no checkpoint");
    assert_eq!(replayed["parent"], original["run"], "latest means no run of samples");
    let listed = project.tl(&["resample", "latest", "llm", "--list", "--json"]).exits(0).json();
    assert_eq!(outcomes(&listed), outcomes(&made));
    let text = project.tl(&["resample", "latest", "llm", "--list"]).exits(0).out;
    for piece in [
        "5 samples, 2 outcomes with what was recorded",
        "outcome 2, 2 times",
        "answer  \"Whistler\" → \"Japan\"",
    ] {
        assert!(text.contains(piece), "{piece} is missing from\n{text}");
    }
    // More of them stand beside the first.
    let more = project.tl(&["resample", "latest", "llm", "-n", "1", "--json"]).exits(0).json();
    assert_eq!(more["samples"].as_array().unwrap().len(), 7);
    assert_eq!(project.run_ok(&["--mode", "adaptive", "--input", "1"])["output"], original["output"]);
    assert_eq!(project.show(original["run"].as_str().unwrap()), original, "the run is as it was");
    project.sound();
}

#[test]
fn each_sample_finds_the_request_state_of_then_and_sets_its_own() {
    let project = project();
    let made = project.tl(&["resample", "latest", "app/count#2", "-n", "4", "--json"]).exits(0).json();
    let outputs: Vec<&Value> = made["samples"].as_array().unwrap().iter().map(|one| &one["output"]).collect();
    assert_eq!(outputs, [&json!(2); 5]);
    assert_eq!(project.noted("count"), ["2"; 4]);
}

#[test]
fn nothing_acts_on_the_world_unless_that_was_asked_for() {
    let project = project();
    let refused = project.tl(&["resample", "latest", "app/trip#1/book#1"]).exits(2);
    refused.says(&["book acts on the world (effect=True) and would do so 5 times", "--effects rerun"]);
    let below = project.tl(&["resample", "latest", "app/trip#1", "-n", "2"]).exits(1);
    below.says(&["a sample calls book, which acts on the world"]);
    assert_eq!(project.times("book"), 0);
    project.tl(&["resample", "latest", "trip", "-n", "2", "--effects", "rerun"]).exits(0);
    assert_eq!(project.times("book"), 2);
}

#[test]
fn what_cannot_be_sampled_is_refused_before_anything_is_recorded() {
    let project = project();
    let runs = project.tl(&["runs", "--json"]).json();
    project
        .tl(&["resample", "latest", "app"])
        .exits(2)
        .says(&["run it again, or sample a call that it makes"]);
    project.tl(&["resample", "latest", "nothing"]).exits(2).says(&["no call 'nothing'"]);
    project.edit("def llm(", "def lm(");
    project.edit("[llm(", "[lm(");
    project.tl(&["resample", "latest", "llm"]).exits(2).says(&["llm is not defined any more"]);
    assert_eq!(project.tl(&["runs", "--json"]).json(), runs);
    project.edit("def lm(", "def llm(");
    project.edit("[lm(", "[llm(");
    project.tl(&["resample", "latest", "llm", "-n", "1"]).exits(0);
    let samples = project.tl(&["runs", "--json"]).json()[0]["run"].as_str().unwrap().to_owned();
    project.tl(&["replay", &samples]).exits(2).says(&["holds samples of a call", "--take"]);
}

#[test]
fn killed_while_it_samples_what_had_ended_is_there() {
    let project = Project::app(
        r#"
import time

@function()
def draw(x: int) -> int:
    note("draw")
    if times("draw") > 4:
        while not healthy():
            time.sleep(0.01)
    return x

@application()
@function()
def app() -> int:
    return draw(1)
"#,
    );
    project.run_ok(&[]);
    let child = project.start(&["resample", "latest", "draw", "-n", "8", "--workers", "1", "--slots", "1"]);
    let listed = || project.tl(&["resample", "latest", "draw", "--list", "--json"]).exits(0).json();
    let ended = |listed: &serde_json::Value| {
        let samples = listed["samples"].as_array().unwrap().iter();
        samples.filter(|one| one["status"] == "fresh" && one["recorded"] == false).count()
    };
    // The fourth body may begin before the outcome of the third is on disk.
    until("the fourth body began", || project.times("draw") == 5);
    until("three are on disk", || ended(&listed()) == 3);
    child.signal_group(Signal::SIGKILL);
    child.wait();
    let listed = listed();
    assert_eq!(ended(&listed), 3, "{listed:#}");
    project.sound();
}
