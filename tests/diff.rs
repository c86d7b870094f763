//! Run against run: what is a cause, what follows, and what a script can do with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::Project;

const AGENT: &str = r#"
STYLE = "short"

@function()
def llm(prompt: str, n: int) -> dict:
    return {"content": f"{STYLE} {prompt}", "usage": {"total": n}}

@function()
def tool(text: str) -> str:
    return text.upper()

@application()
@function()
def app(questions: list) -> list:
    return [tool(llm(question, i)["content"]) for i, question in enumerate(questions)]
"#;

fn diff(project: &Project, args: &[&str]) -> serde_json::Value {
    let mut all = vec!["diff", "--json"];
    all.extend(args);
    project.tl(&all).exits(0).json()
}

#[test]
fn equal_runs_have_no_differences() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\", \"b\"]"]);
    project.run_ok(&["--input", "[\"a\", \"b\"]"]);
    let found = diff(&project, &["latest~1", "latest", "--fail-on", "changed"]);
    assert_eq!(found["counts"]["same"], 4);
    assert_eq!(found["causes"].as_array().unwrap().len(), 0);
    assert_eq!(found["first_divergence"], serde_json::Value::Null);
}

#[test]
fn another_input_is_the_cause_and_an_inserted_question_shifts_nothing() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\", \"b\", \"c\"]"]);
    project.run_ok(&["--input", "[\"new\", \"a\", \"b\", \"c\"]"]);
    let found = diff(&project, &["latest~1", "latest", "--ignore", "n,usage.*"]);
    assert_eq!(found["causes"], serde_json::json!(["app"]));
    assert_eq!(found["counts"]["added"], 2, "{found:#}");
    let added: Vec<&str> = found["calls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|call| call["kind"] == "added")
        .map(|call| call["path"].as_str().unwrap())
        .collect();
    assert_eq!(added, ["app/llm#1", "app/tool#1"]);
}

#[test]
fn an_edited_function_is_the_cause_and_its_users_follow() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\"]"]);
    project.edit("text.upper()", "text.title()");
    project.tl(&["replay", "--json"]).exits(0);
    let found = diff(&project, &[]);
    assert_eq!(found["causes"], serde_json::json!(["app/tool#1"]));
    assert_eq!(found["first_divergence"], "app/tool#1");
    let text = project.tl(&["diff"]).exits(0).out;
    assert!(text.contains("1 cause") && text.contains("\"SHORT A\" → \"Short A\""), "{text}");
    project.tl(&["diff", "--fail-on", "output"]).exits(1);
    project.tl(&["diff", "--fail-on", "structure"]).exits(0);
    let patch = project.tl(&["diff", "--patch"]).exits(0).out;
    assert!(patch.contains("--- a/app/tool#1\n+++ b/app/tool#1\n@@ -1 +1 @@\n-SHORT A\n+Short A"), "{patch}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\"]"]);
    let text = project.tl(&["diff"]).exits(2).err;
    assert!(text.contains("replays no other run") && text.contains("tl-bench diff A B"), "{text}");
    project.run_ok(&["--input", "[\"a\"]"]);
    let text = project.tl(&["diff", "latest~1", "latest", "--ignore", "a..b"]).exits(2).err;
    assert!(text.contains("at character 3"), "{text}");
}
