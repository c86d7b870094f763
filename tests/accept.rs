//! Changes that are declared harmless: what is served because of them, what is not, and how it is taken back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{HEAD, Project, executed};

const TRIP: &str = r#"
from util import season

@function()
def plan(city: str) -> str:
    note("ran", "plan")
    return season(city)

@function()
def book(trip: str) -> str:
    note("ran", "book")
    return hotel(trip)

@function()
def hotel(trip: str) -> str:
    note("ran", "hotel")
    return "booked " + trip

@application()
@function()
def app(city: str) -> str:
    note("ran", "app")
    return book(plan(city))
"#;

const UTIL: &str = "def season(city):\n    return city + ' in spring'\n";

fn project() -> Project {
    let project = Project::new(&[("app.py", &format!("{HEAD}{TRIP}")), ("util.py", UTIL)]);
    project.run_ok(&["--arg", "city=Rome"]);
    project.forget();
    project
}

fn reasons(project: &Project, run: &str) -> Vec<(String, String, String)> {
    let shown = project.show(run);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let calls = shown["calls"].as_array().unwrap();
    calls.iter().map(|call| (text(&call["function"]), text(&call["status"]), text(&call["reason"]))).collect()
}

#[test]
fn an_accepted_change_spares_the_call_and_its_callers_until_it_is_taken_back() {
    let project = project();
    project.edit("\"booked \"", "\"reserved \"");
    let said = project.tl(&["accept", "--note", "wording only"]).exits(0);
    assert!(said.out.starts_with("#1 hotel  spares 1 call"), "{}", said.out);
    assert!(said.err.contains("tl-bench accept --revoke 1"), "{}", said.err);

    let replayed = project.replay_ok(&[]);
    assert_eq!(replayed["output"], "booked Rome in spring");
    executed(&project, &[]);
    let run = replayed["run"].as_str().unwrap();
    let all = reasons(&project, run);
    let hotel = all.iter().find(|(function, _, _)| function == "hotel").unwrap();
    assert_eq!(
        (hotel.1.as_str(), hotel.2.as_str()),
        ("cached", "accepted change of hotel (#1: wording only)")
    );
    let why = project.tl(&["why", run, "book/hotel"]).exits(0);
    assert!(why.out.contains("served: accepted change of hotel (#1: wording only)"), "{}", why.out);
    let events = project.tl(&["replay", "--events"]).exits(0);
    assert!(events.out.contains("accepted change of hotel"), "it is in the run's record");

    project.tl(&["accept", "--revoke", "1"]).exits(0);
    project.tl(&["accept", "--revoke", "1"]).exits(2).says(&["no accepted change #1"]);
    // Also a run that was served because of it gives nothing more.
    assert_eq!(project.replay_ok(&[])["output"], "reserved Rome in spring");
    executed(&project, &["app", "book", "hotel"]);
    let listed = project.tl(&["accept", "--list", "--json"]).exits(0).json();
    assert_eq!(listed["accepted"][0]["function"], "hotel");
    assert!(listed["accepted"][0]["revoked"].is_i64());
    project.sound();
}

#[test]
fn only_what_was_accepted_counts_and_only_in_its_direction() {
    let project = project();
    let first = project.tl(&["runs", "--json"]).json()[0]["run"].as_str().unwrap().to_owned();
    project.edit("\"booked \"", "\"reserved \"");
    project.edit("note(\"ran\", \"plan\")", "note(\"ran\", \"plan\"); x = 1");
    let accepted = project.tl(&["accept", "--function", "hotel", "--json"]).exits(0).json();
    let names: Vec<&str> = accepted["accepted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["function"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["hotel"]);
    assert_eq!(accepted["accepted"][0]["spares"]["calls"], 1);
    project.replay_ok(&[]);
    executed(&project, &["app", "plan"]);

    // A later edit needs another acceptance.
    project.edit("; x = 1", "");
    project.edit("\"reserved \"", "\"held \"");
    project.tl(&["accept", &first, "--dry-run"]).exits(0);
    assert_eq!(project.replay_ok(&[&first])["output"], "held Rome in spring");
    executed(&project, &["app", "book", "hotel"]);
    project.tl(&["accept", &first]).exits(0);
    assert_eq!(project.replay_ok(&[&first])["output"], "booked Rome in spring");
    executed(&project, &[]);

    // The old code does not stand for the new one.
    let second = project.tl(&["runs", "--json"]).json()[1]["run"].as_str().unwrap().to_owned();
    project.edit("\"held \"", "\"booked \"");
    assert_eq!(project.replay_ok(&[&second, "--mode", "adaptive"])["output"], "booked Rome in spring");
    project.sound();
}

#[test]
fn accepting_lists_every_changed_function_and_says_when_there_is_none() {
    let project = project();
    project.tl(&["accept"]).exits(0).says(&["nothing to accept"]);
    project.edit("\"booked \"", "\"reserved \"");
    project.edit("return book(plan(city))", "return book(plan(city)) + '!'");
    let dry = project.tl(&["accept", "--dry-run"]).exits(0);
    assert!(dry.out.contains("hotel") && dry.out.contains("app  spares"), "{}", dry.out);
    assert!(dry.err.contains("nothing was accepted"), "{}", dry.err);
    assert_eq!(project.tl(&["accept", "--list", "--json"]).json()["accepted"].as_array().unwrap().len(), 0);
    let all = project.tl(&["accept", "--json"]).exits(0).json();
    assert_eq!(all["accepted"].as_array().unwrap().len(), 2);
    // What is accepted already is not accepted again.
    project.tl(&["accept"]).exits(0).says(&["nothing to accept"]);
    project.replay_ok(&[]);
    executed(&project, &[]);
    project.tl(&["accept", "--function", "hotl"]).exits(2).says(&["no call of 'hotl'", "hotel"]);
}

#[test]
fn what_does_not_parse_cannot_be_accepted() {
    let project = project();
    project.edit("def hotel(trip: str) -> str:", "def hotel(trip: str) -> str");
    project.tl(&["accept", "--function", "hotel"]).exits(2).says(&["app.py:"]);
    assert_eq!(project.tl(&["accept", "--list", "--json"]).json()["accepted"].as_array().unwrap().len(), 0);
}

#[test]
fn acceptances_outlive_garbage_collection() {
    let project = project();
    project.edit("\"booked \"", "\"reserved \"");
    project.tl(&["accept"]).exits(0);
    project.replay_ok(&[]);
    project.tl(&["gc", "--apply", "--keep", "1", "--json"]).exits(0);
    assert_eq!(project.replay_ok(&[])["output"], "booked Rome in spring");
    executed(&project, &[]);
    project.sound();
}
