//! `source` and `history`: what stands beside a call, in the project's files and in other runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::Project;

const APP: &str = r#"
LIMIT = 3

def clean(text):
    return text.strip()

@function()
def summarise(text: str) -> str:
    return clean(text)[:LIMIT]

@application()
@function()
def app(text: str) -> str:
    return summarise(text)
"#;

fn project() -> Project {
    let project = Project::app(APP);
    project.run_ok(&["--arg", "text= tides "]);
    project
}

fn source(project: &Project) -> Value {
    project.tl(&["source", "latest", "summarise", "--json"]).exits(0).json()
}

/// Name, what happened, and the lines that differ of each definition.
fn differs(found: &Value) -> Value {
    let all = found["definitions"].as_array().unwrap().iter().map(|one| {
        let lines = one["lines"].as_array().unwrap().iter().filter(|line| line["kind"] != "same");
        let lines: Vec<Value> = lines.map(|line| json!([line["kind"], line["text"]])).collect();
        json!([one["name"], one["change"], lines])
    });
    Value::Array(all.collect())
}

#[test]
fn what_changed_since_a_call_is_marked() {
    let project = project();
    let same = json!([["summarise", null, []], ["LIMIT", null, []], ["clean", null, []]]);
    let found = source(&project);
    assert_eq!((&found["standing"], &differs(&found)), (&json!("same"), &same));
    assert_eq!(found["definitions"][2]["chain"], json!(["summarise", "clean"]));

    project.edit("text.strip()", "text.strip().lower()");
    let found = source(&project);
    assert_eq!(found["standing"], "changed");
    let lines = json!([["removed", "    return text.strip()"], ["added", "    return text.strip().lower()"]]);
    let changed = json!([["summarise", null, []], ["LIMIT", null, []], ["clean", "changed", lines]]);
    assert_eq!(differs(&found), changed);

    project.edit("text.strip().lower()", "text.strip()");
    assert_eq!(differs(&source(&project)), same, "undone");
}

#[test]
fn what_has_no_effect_is_marked_and_is_no_change() {
    let project = project();
    project.edit("    return clean(text)", "    # Short.\n    return clean(text)");
    let found = source(&project);
    assert_eq!(found["standing"], "same");
    assert_eq!(differs(&found)[0], json!(["summarise", null, [["added", "    # Short."]]]));
    let text = project.tl(&["source", "latest", "summarise"]).exits(0).out;
    assert!(text.starts_with("changed since this call only in what has no effect"), "{text}");
}

#[test]
fn a_function_that_is_gone_or_does_not_parse_is_shown_as_it_was() {
    let project = project();
    let whole = json!([
        ["removed", "@function()"],
        ["removed", "def summarise(text: str) -> str:"],
        ["removed", "    return clean(text)[:LIMIT]"]
    ]);
    project.edit("return clean(text)", "return clean(text");
    let found = source(&project);
    assert_eq!((&found["standing"], &differs(&found)[0][2]), (&json!("gone"), &whole));
    assert!(found["note"].as_str().unwrap().contains("does not parse"), "{found}");

    project.edit("return clean(text", "return clean(text)");
    project.edit("def summarise(", "def shorten(");
    let found = source(&project);
    assert_eq!((&found["standing"], &differs(&found)[0][2]), (&json!("gone"), &whole));
}

/// Run, same arguments, same code, status, and whether it was served from or in another, of each call.
fn past(found: &Value) -> Vec<(Value, Value, Value, bool, usize)> {
    let all = found["calls"].as_array().unwrap().iter();
    all.map(|one| {
        let served = one["served"].as_array().unwrap().len();
        let from = !one["served_from"].is_null();
        (one["arguments"].clone(), one["code"].clone(), one["status"].clone(), from, served)
    })
    .collect()
}

#[test]
fn history_lists_the_call_of_each_run_newest_first() {
    let project = project();
    project.replay_ok(&[]);
    project.edit("LIMIT = 3", "LIMIT = 4");
    project.replay_ok(&[]);
    project.run_ok(&["--arg", "text=waves"]);
    let at = |run: &str| project.tl(&["history", run, "summarise", "--json"]).exits(0).json();
    let (yes, no) = (json!(true), json!(false));
    let (fresh, cached) = (json!("fresh"), json!("cached"));
    // Asked about the second run, which was served.
    let found = at("latest~2");
    assert_eq!(
        past(&found),
        [
            (no.clone(), no.clone(), fresh.clone(), false, 0),
            (yes.clone(), no.clone(), fresh.clone(), false, 0),
            (yes.clone(), yes.clone(), cached, true, 0),
            (yes.clone(), yes, fresh, false, 1),
        ],
        "{found}"
    );
    assert_eq!(found["calls"][2]["itself"], true);
    let first = &found["calls"][3];
    assert_eq!((&first["output"], &first["input"]), (&json!("\"tid\""), &json!("\" tides \"")));
    assert_eq!(found["calls"][2]["served_from"]["call"], first["call"]);
    assert_eq!(found["calls"].as_array().unwrap().iter().filter(|one| one["durable_id"] == true).count(), 4);
    assert_eq!(no, found["more"]);

    let found = project.tl(&["history", "latest~2", "summarise", "--limit", "1", "--json"]).exits(0).json();
    assert_eq!(found["more"], true);
    // Beside the newest run there is the call itself, and the checkpoint that it was served from.
    assert_eq!(past(&found).len(), 3, "{found}");
}

#[test]
fn history_of_a_call_that_failed_shows_why() {
    let project = Project::app(
        "@function()\ndef f(n: int) -> int:\n    if n < 0:\n        raise ValueError('below')\n    return n\n\n\
         @application()\n@function()\ndef app(n: int) -> int:\n    return f(n)\n",
    );
    project.tl(&["run", "--arg", "n=-1"]).exits(1);
    let found = project.tl(&["history", "latest", "f", "--json"]).exits(0).json();
    assert_eq!(found["calls"][0]["error"], "ValueError: below");
    let text = project.tl(&["history", "latest", "f"]).exits(0).out;
    assert!(text.starts_with("no checkpoint of this question; 1 run looked through"), "{text}");
    project.tl(&["history", "latest", "g"]).exits(2);
}

#[test]
fn failed_attempts_have_times_and_errors() {
    let project = Project::app(
        "from tensorlake.applications import Retries\n\n@function(retries=Retries(max_retries=1))\n\
         def f(n: int) -> int:\n    raise ValueError('never')\n\n\
         @application()\n@function()\ndef app(n: int) -> int:\n    return f(n)\n",
    );
    project.tl(&["run", "--arg", "n=1"]).exits(1);
    let call = project.tl(&["show", "latest", "f", "--json"]).exits(0).json();
    let failed = call["failed_attempts"].as_array().unwrap();
    assert_eq!((failed.len(), &call["attempts"]), (1, &json!(2)));
    assert_eq!(failed[0]["error"]["message"], "never");
    let (start, end) = (failed[0]["started_at"].as_i64().unwrap(), failed[0]["ended_at"].as_i64().unwrap());
    assert!(start <= end && end <= call["started_at"].as_i64().unwrap(), "{call}");
}
