//! Forks: other arguments, outputs taken elsewhere, several edits at once; and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use support::Project;

const AGENT: &str = r#"
from dataclasses import dataclass

@dataclass
class Plan:
    city: str

@function()
def plan(wish: str, days: int = 3) -> Plan:
    note("plan", wish)
    return Plan(wish.split()[-1])

@function()
def llm(prompt: str) -> str:
    note("llm", prompt)
    return prompt + "!"

@function()
def flaky(x: int) -> int:
    if not healthy():
        raise ValueError("not yet")
    return x

@application()
@function()
def app(wish: str) -> list:
    city = plan(wish).city
    out = [llm(city), llm("hotel in " + city)]
    try:
        out.append(flaky(1))
    except FunctionError:
        out.append(None)
    return out
"#;

fn project() -> Project {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "\"go to Whistler\""]);
    project.forget();
    project
}

fn run_of(document: &Value) -> String {
    document["run"].as_str().unwrap().to_owned()
}

fn call(project: &Project, path: &str) -> Value {
    let run = project.show("latest");
    let found = run["calls"].as_array().unwrap().iter().find(|call| call["path"] == path);
    found.unwrap_or_else(|| panic!("no {path} in {run:#}")).clone()
}

#[test]
fn what_another_run_gave_is_taken_as_it_is() {
    let project = project();
    let whistler = project.show("latest");
    let japan = run_of(&project.run_ok(&["--input", "\"go to Japan\""]));
    project.forget();
    // An instance of a class, which JSON could not say.
    let taken = project.replay_ok(&[&run_of(&whistler), "--take", &format!("app/plan#1={japan}")]);
    assert_eq!(taken["output"], json!(["Japan!", "hotel in Japan!", null]));
    assert_eq!(project.times("plan"), 0);
    let edited = call(&project, "app/plan#1");
    assert_eq!((&edited["status"], &edited["answers"][0]["from"]["run"]), (&json!("edited"), &json!(japan)));
    assert!(edited["reason"].as_str().unwrap().contains(&format!("of run {japan}")), "{edited:#}");
    assert_eq!(project.show(&run_of(&whistler)), whistler, "the run that was forked is as it was");
    // Another call's output, and a type that does not fit.
    let source = format!("app/llm#1={japan}:app/llm#2");
    assert_eq!(project.replay_ok(&[&run_of(&whistler), "--take", &source])["output"][0], "hotel in Japan!");
    let wrong = format!("app/llm#1={japan}:app/flaky#1");
    project.tl(&["replay", &run_of(&whistler), "--take", &wrong]).exits(2).says(&["gave no output (failed)"]);
    project
        .tl(&["replay", "--take", "app/llm#1=sample:1"])
        .exits(2)
        .says(&["there is no sample 1: it has 0 samples"]);
}

#[test]
fn a_sample_is_chosen_and_forked_with() {
    let project = project();
    project.edit("prompt + \"!\"", "prompt + \"?\"");
    project.tl(&["resample", "latest", "app/llm#1", "-n", "2"]).exits(0);
    let report = project.replay_ok(&["--take", "llm#1=sample:2"]);
    assert_eq!(report["output"][0], "Whistler?");
    assert!(call(&project, "app/llm#1")["answers"][0]["from"].is_object());
}

#[test]
fn other_arguments_execute_the_call_and_what_follows() {
    let project = project();
    let original = project.show("latest");
    let input = r#"app/llm#2={"prompt": "hut"}"#;
    let plan = project.tl(&["replay", "--set-input", input, "--plan", "--json"]).exits(0).json();
    assert_eq!((&plan["edited"], &plan["execute"]), (&json!(1), &json!(2)), "{plan}");
    // It says what is edited, place by place.
    assert_eq!(plan["changed"][0]["path"], "app/llm#2");
    assert_eq!(plan["changed"][0]["places"], json!([r#"prompt: "hotel in Whistler" → "hut""#]), "{plan}");
    let said = project.tl(&["replay", "--set-input", input, "--plan"]).exits(0).out;
    assert!(said.starts_with("app/llm#2  prompt: "), "{said}");
    assert_eq!(project.times("llm"), 0);
    let forked = project.replay_ok(&["--set-input", input]);
    assert_eq!(forked["output"], json!(["Whistler!", "hut!", null]));
    assert_eq!(project.noted("llm"), ["hut"]);
    let edited = call(&project, "app/llm#2");
    assert_eq!(
        (&edited["input"], &edited["answers"][0]["answer"]),
        (&json!({"prompt": "hut"}), &json!("arguments"))
    );
    assert!(edited["answers"][0]["was"].as_str().unwrap().contains("hotel in Whistler"), "{edited:#}");
    // It stays so in replays, and the run that was forked as it was.
    assert_eq!(project.replay_ok(&[])["output"], forked["output"]);
    assert_eq!(project.times("llm"), 1);
    assert_eq!(project.show(&run_of(&original)), original);
}

#[test]
fn several_edits_make_one_fork() {
    let project = project();
    let edits = ["--set", "app/llm#1=\"x\"", "--set-input", "app/llm#2={\"prompt\": \"y\"}"];
    assert_eq!(project.replay_ok(&edits)["output"], json!(["x", "y!", null]));
    let twice = ["replay", "--set", "app/llm#1=\"x\"", "--set-input", "app/llm={\"prompt\": \"y\"}"];
    project.tl(&twice).exits(2).says(&["this call is edited twice"]);
    project.tl(&["replay", "--any-type"]).exits(2).says(&["--any-type needs an edit"]);
}

#[test]
fn arguments_that_do_not_fit_are_refused_and_nothing_is_recorded() {
    let project = project();
    let runs = project.tl(&["runs", "--json"]).json();
    let refused = |edit: &str, why: &str| {
        project.tl(&["replay", "--set-input", edit]).exits(2).says(&[why]);
    };
    refused("app/llm#1={\"promt\": \"x\"}", "no argument 'promt'; it has prompt");
    refused("app/llm#1={\"prompt\": 5}", "prompt was a str, what you wrote is an int");
    refused("app/llm#1=5", "a JSON object by parameter name");
    refused("app={\"wish\": \"x\"}", "use --input for another input");
    assert_eq!(project.tl(&["runs", "--json"]).json(), runs);
    let any = project.tl(&["replay", "--json", "--set-input", "app/llm#1={\"prompt\": [5]}", "--any-type"]);
    assert_eq!(any.json()["status"], "failed", "a list and a str cannot be added");
}

#[test]
fn at_the_gate_arguments_are_checked_by_name_and_type() {
    let project = project();
    let mut command = project.command(&["step", "--break", "fn:plan", "--break", "fn:llm"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let answer = |value: Value, any: bool| json!({"cmd": "answer", "answer": {"do": "arguments", "value": value, "any_type": any}});
    let lines = [
        answer(json!({"wish": "x", "dais": 2}), false),
        answer(json!({"days": 2}), false),
        answer(json!({"wish": "to Oslo", "days": "2"}), false),
        answer(json!({"wish": 1}), false),
        answer(json!({"wish": "to Oslo", "days": 2}), false),
        json!({"cmd": "continue"}),
        json!({"cmd": "continue"}),
        answer(json!({"prompt": ["x"]}), true),
        json!({"cmd": "answer", "answer": {"do": "output", "value": "done"}}),
    ];
    let mut input = child.stdin.take().unwrap();
    lines.iter().for_each(|line| writeln!(input, "{line}").unwrap());
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let errors: Vec<&str> = said.iter().filter_map(|line| line["error"].as_str()).collect();
    let expected = [
        "there is no parameter 'dais' (did you mean 'days'?); it has wish, days",
        "the parameter 'wish' is missing",
        "days: its hint is int, what you wrote is a str",
        "wish: it was a str, what you wrote is an int",
    ];
    for (error, wanted) in errors.iter().zip(expected) {
        assert!(error.contains(wanted.split(" (").next().unwrap()), "{error} is not {wanted}");
    }
    assert_eq!(errors.len(), expected.len(), "{said:#?}");
    assert_eq!(project.noted("plan"), ["to Oslo"]);
    let ended = said.last().unwrap();
    assert_eq!((&ended["t"], &ended["output"][0]), (&json!("ended"), &json!("done")));
}
