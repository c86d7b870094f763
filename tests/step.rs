//! A replay that is driven call by call, and forks: what is answered at the gate, and what becomes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::Project;
use support::stepped::Stepped;

const AGENT: &str = r#"
@function()
def llm(prompt: str) -> dict:
    note("llm", prompt)
    return {"answer": prompt + "!"}

@function(effect=True)
def book(where: str) -> str:
    note("book", where)
    return "booked " + where

@function()
def item(x: int) -> int:
    note("item", x)
    return x * 2

@application()
@function()
def app(n: int) -> list:
    out = [llm(f"q{i}")["answer"] for i in range(n)]
    out.append(book(out[-1]))
    return out + item.map([1, 2, 3])
"#;

fn project() -> Project {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "2"]);
    project.forget();
    project
}

#[test]
fn stepping_into_a_finished_run_serves_each_call_and_executes_nothing() {
    let project = project();
    let mut step = Stepped::start(&project, &[]);
    let mut seen = vec![step.asked()];
    for _ in 0..3 {
        step.say(json!({"cmd": "into"}));
        seen.push(step.asked());
    }
    assert_eq!(
        seen,
        ["before app serve", "before app/llm#1 serve", "before app/llm#2 serve", "before app/book#1 serve"]
    );
    let report = step.end();
    assert_eq!((&report["counts"]["cached"], &report["counts"]["fresh"]), (&json!(6), &json!(0)));
    assert_eq!(project.times("llm") + project.times("book") + project.times("item"), 0);
}

#[test]
fn an_output_by_hand_goes_on_from_there() {
    let project = project();
    let mut step = Stepped::start(&project, &["--break", "path:\"app/llm#2\""]);
    assert_eq!(step.asked(), "before app/llm#2 serve");
    step.answer(json!({"do": "output", "value": {"answer": "JAPAN"}}));
    // It booked something in the replayed run, and would book again.
    let asked = step.next("asked");
    assert_eq!((&asked["path"], &asked["effect"]), (&json!("app/book#1"), &json!(true)));
    // Its arguments changed, and it stands where it stood: the platform would not ask.
    assert_eq!((&asked["would"], &asked["platform"]), (&json!("execute"), &json!("reuse")));
    assert_eq!(asked["stopped_by"], "its effect would happen again");
    step.answer(json!({"do": "go"}));
    let report = step.end();
    assert_eq!(report["output"], json!(["q0!", "JAPAN", "booked JAPAN", 2, 4, 6]));
    assert_eq!(report["counts"]["edited"], 1);
    assert_eq!(project.noted("book"), ["JAPAN"]);
    assert_eq!(project.times("llm"), 0);
    // What was there before is on the record.
    let run = project.show("latest");
    let call = run["calls"].as_array().unwrap().iter().find(|call| call["path"] == "app/llm#2").unwrap();
    assert_eq!(call["status"], "edited");
    assert_eq!(call["answers"][0]["answer"], "output");
    assert_eq!(call["answers"][0]["was"], "{answer: \"q1!\"}", "{call:#}");
    // A replay of it keeps the decision.
    let again = project.replay_ok(&[]);
    assert_eq!(again["output"], report["output"]);
    assert_eq!(again["counts"]["cached"], 6);
    // A run beside it does not.
    let other = project.run_ok(&["--mode", "adaptive", "--input", "2"]);
    assert_eq!(other["output"][1], "q1!");
}

#[test]
fn other_arguments_are_asked_about_again_and_stay_with_the_run() {
    let project = project();
    let mut step = Stepped::start(&project, &["--break", "fn:llm"]);
    assert_eq!(step.asked(), "before app/llm#1 serve");
    step.answer(json!({"do": "arguments", "value": {"prompt": "Q"}}));
    assert_eq!(step.asked(), "before app/llm#1 execute");
    step.answer(json!({"do": "go"}));
    assert_eq!(step.asked(), "after app/llm#1 return");
    let report = step.end();
    assert_eq!(report["output"][0], "Q!");
    assert_eq!(project.noted("llm"), ["Q"]);
    assert_eq!(project.replay_ok(&[])["output"][0], "Q!");
    assert_eq!(project.run_ok(&["--mode", "adaptive", "--input", "2"])["output"][0], "q0!");
}

#[test]
fn a_failure_is_injected_and_an_outcome_is_refused() {
    let project = project();
    let mut step = Stepped::start(&project, &["--break", "fn:book"]);
    assert_eq!(step.asked(), "before app/book#1 serve");
    step.answer(json!({"do": "retry"}));
    let refused = step.next("error");
    assert!(refused["error"].as_str().unwrap().contains("its body has not run"), "{refused}");
    step.answer(json!({"do": "execute"}));
    assert_eq!(step.asked(), "after app/book#1 return");
    step.answer(json!({"do": "retry"}));
    assert_eq!(step.asked(), "after app/book#1 return");
    step.answer(json!({"do": "fail", "error": "ValueError", "message": "no seats"}));
    let report = step.end();
    assert_eq!(report["status"], "failed");
    assert!(report["error"]["message"].as_str().unwrap().contains("no seats"), "{report}");
    assert_eq!(project.times("book"), 2, "executed and executed once more");
}

#[test]
fn concurrent_calls_wait_together_and_any_may_go_first() {
    let project = project();
    let mut step = Stepped::start(&project, &["--break", "fn:item"]);
    let last = (0..3).map(|_| step.next("asked")).last().unwrap();
    assert_eq!(last["waiting"].as_array().unwrap().len(), 3);
    step.say(json!({"cmd": "answer", "call": "app/item[2]", "answer": {"do": "output", "value": 60}}));
    step.say(json!({"cmd": "let", "function": "item"}));
    let report = step.end();
    assert_eq!(report["output"], json!(["q0!", "q1!", "booked q1!", 2, 4, 60]));
}

#[test]
fn stepping_back_stops_at_the_earlier_call_of_a_new_run() {
    let project = project();
    let mut step = Stepped::start(&project, &["--break", "fn:book"]);
    assert_eq!(step.asked(), "before app/book#1 serve");
    step.say(json!({"cmd": "break", "filters": []}));
    step.say(json!({"cmd": "back", "call": "app/llm#2"}));
    let run = step.next("run");
    assert!(run["parent"].is_string());
    assert_eq!(step.asked(), "before app/llm#2 serve");
    step.answer(json!({"do": "output", "value": {"answer": "back"}}));
    assert_eq!(step.asked(), "before app/book#1 execute");
    step.answer(json!({"do": "go"}));
    let report = step.end();
    assert_eq!(report["output"][1], "back");
    assert_eq!(project.noted("book"), ["back"]);
}

#[test]
fn what_waits_and_would_be_served_is_gone_into_when_the_run_is_to_stop_below_it() {
    let project = project();
    let mut step = Stepped::start(&project, &[]);
    assert_eq!(step.asked(), "before app serve");
    step.say(json!({"cmd": "to", "filter": "fn:book"}));
    assert_eq!(step.asked(), "before app/book#1 serve");
    step.say(json!({"cmd": "back"}));
    assert_eq!(step.asked(), "before app/llm#2 serve");
    step.say(json!({"cmd": "break", "filters": ["fn:item"]}));
    step.say(json!({"cmd": "continue"}));
    assert!(step.asked().starts_with("before app/item["));
    assert_eq!(step.end()["counts"]["cached"], 6);
}

#[test]
fn an_output_must_have_the_recorded_type_unless_it_is_said_that_any_will_do() {
    let project = project();
    let edit = |json: &str| format!("app/llm#2={json}");
    let wrong = project.tl(&["replay", "--set", &edit("5")]).exits(2);
    wrong.says(&["it was a dict, what you wrote is an int", "--any-type"]);
    project.tl(&["replay", "--set", &edit("{\"anser\": 1}")]).exits(2).says(&["'answer' is missing"]);
    project.tl(&["replay", "--set", &edit("{\"answer\": 1}")]).exits(2).says(&["answer was a str"]);
    let taken = project.tl(&["replay", "--json", "--set", "app/item[0]=\"x\"", "--any-type"]).exits(0).json();
    assert_eq!(taken["output"][3], "x");
    // At the gate the same, also of a call that has no output yet.
    let mut step = Stepped::start(&project, &["latest~1", "--break", "fn:item"]);
    (0..3).for_each(|_| drop(step.next("asked")));
    step.say(json!({"cmd": "answer", "call": "app/item[1]", "answer": {"do": "output", "value": "y"}}));
    let refused = step.next("error");
    assert_eq!(refused["error"], "it was an int, what you wrote is a str", "{refused}");
    let any = json!({"do": "output", "value": "y", "any_type": true});
    step.say(json!({"cmd": "answer", "call": "app/item[1]", "answer": any}));
    assert_eq!(step.end()["output"][4], "y");
}

#[test]
fn a_fork_says_beforehand_what_it_does() {
    let project = project();
    let edit = "app/llm#2={\"answer\": \"JAPAN\"}";
    let runs = project.tl(&["runs", "--json"]).json();
    let plan = project.tl(&["replay", "--set", edit, "--plan", "--json"]).exits(0).json();
    // What came after it may be asked for again; of that only the booking acts.
    assert_eq!(
        (&plan["edited"], &plan["serve"], &plan["execute"]),
        (&json!(1), &json!(1), &json!(4)),
        "{plan}"
    );
    assert_eq!(plan["effects"], json!([["book", 1]]));
    assert_eq!(project.tl(&["runs", "--json"]).json(), runs, "nothing was executed");
    let said = project.tl(&["replay", "--set", edit, "--effects", "rerun"]).exits(0);
    said.says(&["serves 1 call, then executes about 4", "book (1 call)"]);
    assert_eq!(project.noted("book"), ["JAPAN"]);
}

#[test]
fn the_breakpoints_of_the_project_count_here_too() {
    let project = project();
    project.write(".tl-bench/breakpoints.json", r#"[{"text": "fn:book"}, {"text": "fn:llm", "on": false}]"#);
    let mut step = Stepped::start(&project, &[]);
    assert_eq!(step.asked(), "before app serve");
    step.say(json!({"cmd": "continue"}));
    let asked = step.next("asked");
    assert_eq!((&asked["path"], &asked["stopped_by"]), (&json!("app/book#1"), &json!("fn:book")));
    assert_eq!(step.end()["status"], "succeeded");
    project.write(".tl-bench/breakpoints.json", "[{]");
    project.tl(&["step"]).exits(2).says(&["breakpoints.json", "mend it or delete it"]);
}

#[test]
fn killed_while_an_edit_is_written_it_is_there_or_not() {
    let project = project();
    for wait in 0..8u64 {
        let mut step = Stepped::start(
            &project,
            &["latest", "--break", "path:\"app/llm#2\"", "--break", "fn:book", "--effects", "skip"],
        );
        step.asked();
        let run = step.seen[0]["run"].as_str().unwrap().to_owned();
        step.answer(json!({"do": "output", "value": {"answer": format!("edit {wait}")}}));
        // From before it is read to after its consequence waits: then it is there for sure.
        if wait == 7 {
            step.next("asked");
        } else {
            std::thread::sleep(std::time::Duration::from_micros(wait * 700));
        }
        step.child.kill().unwrap();
        step.child.wait().unwrap();
        let shown = project.show(&run);
        let is_edited = |call: &Value| call["path"] == "app/llm#2" && call["status"] == "edited";
        let edited = shown["calls"].as_array().unwrap().iter().any(is_edited);
        assert!(edited || wait < 7, "{shown:#}");
        let replayed = project.replay_ok(&[&run, "--effects", "skip"]);
        if edited {
            assert_eq!(replayed["output"][1], format!("edit {wait}"));
        }
        project.sound();
    }
    assert_eq!(project.times("book"), 0);
}

#[test]
fn killed_at_the_gate_nothing_is_lost_and_nothing_happens_twice() {
    let project = project();
    let mut step = Stepped::start(&project, &["--mode", "adaptive", "--input", "1", "--break", "fn:book"]);
    assert_eq!(step.asked(), "before app/book#1 execute");
    step.answer(json!({"do": "go"}));
    assert_eq!(step.asked(), "after app/book#1 return");
    step.child.kill().unwrap();
    step.child.wait().unwrap();
    assert_eq!(project.noted("book"), ["q0!"]);
    // The outcome that waited was on disk: it stands.
    let report = project.replay_ok(&[]);
    assert_eq!(report["output"], json!(["q0!", "booked q0!", 2, 4, 6]));
    assert_eq!(project.noted("book"), ["q0!"]);
    project.sound();
}

#[test]
fn a_fork_serves_what_was_before_and_executes_what_follows() {
    let project = project();
    let parent = project.show("latest");
    let edit = "app/llm#2={\"answer\": \"JAPAN\"}";
    let report = project.replay_ok(&["--set", edit, "--effects", "rerun"]);
    assert_eq!(report["output"], json!(["q0!", "JAPAN", "booked JAPAN", 2, 4, 6]));
    assert_eq!((&report["counts"]["cached"], &report["counts"]["edited"]), (&json!(4), &json!(1)));
    assert_eq!(project.noted("book"), ["JAPAN"]);
    assert_eq!(project.show("latest~1"), parent, "the run that was forked is as it was");
    let found = project.tl(&["diff", "--json"]).exits(0).json();
    assert_eq!(found["causes"], json!(["app/llm#2"]));
}

#[test]
fn an_effect_happens_again_only_when_somebody_says_so() {
    let project = project();
    let edit = "app/llm#2={\"answer\": \"JAPAN\"}";
    let refused = project.tl(&["replay", "--set", edit]).exits(1);
    refused.says(&["book acted on the world in run", "--effects rerun", "--effects skip"]);
    assert_eq!(project.times("book"), 0);
    let run = project.show("latest~1")["run"].as_str().unwrap().to_owned();
    let skipped = project.replay_ok(&[&run, "--set", edit, "--effects", "skip"]);
    assert_eq!(skipped["output"], json!(["q0!", "JAPAN", "booked q1!", 2, 4, 6]));
    assert_eq!(project.times("book"), 0);
    // Nobody is there to answer: the gate does not let it through.
    let step = Stepped::start(&project, &[&run, "--set", edit, "--break", "fn:nothing"]);
    assert_eq!(step.end()["error"]["type"], "EffectWouldRepeat");
    assert_eq!(project.times("book"), 0);
    // What acts for the first time is nobody's decision.
    project.run_ok(&["--input", "3"]);
    assert_eq!(project.noted("book"), ["q2!"]);
}

#[test]
fn what_cannot_be_set_is_said() {
    let project = project();
    project.tl(&["replay", "--set", "app/llm#9=1"]).exits(2);
    project.tl(&["replay", "--set", "app=1"]).exits(2).says(&["own output", "--input"]);
    project.tl(&["replay", "--set", "app/llm#1=text"]).exits(2).says(&["not JSON", "quotes"]);
    project.tl(&["step", "--break", "fn:"]).exits(2);
}

#[test]
fn a_run_is_shown_as_of_any_of_its_events() {
    let project = project();
    let whole = project.show("latest");
    let as_of = |at: &str| project.tl(&["show", "latest", "--json", "--as-of", at]).exits(0).json();
    let calls = |run: &Value| run["calls"].as_array().unwrap().clone();
    assert_eq!(as_of("1000000")["calls"], whole["calls"]);
    assert_eq!(as_of("3600s")["calls"], whole["calls"]);
    // Each event adds to what was before; a call is asked for, runs, and has ended.
    let mut statuses = Vec::new();
    let mut before = 0;
    for seq in 1..200 {
        let run = as_of(&seq.to_string());
        let calls = calls(&run);
        assert!(calls.len() >= before);
        before = calls.len();
        let first = calls.iter().find(|call| call["path"] == "app/llm#1");
        statuses.extend(first.map(|call| call["status"].as_str().unwrap().to_owned()));
        if statuses.last().is_some_and(|status| status == "fresh") {
            assert_eq!(run["status"], "running");
            break;
        }
    }
    statuses.dedup();
    assert_eq!(statuses, ["pending", "running", "fresh"]);
    assert!(calls(&as_of("0s")).len() < calls(&whole).len());
    project.tl(&["show", "latest", "--as-of", "soon"]).exits(2).says(&["number of an event"]);
    assert_eq!(project.times("llm"), 0, "nothing was executed");
}
