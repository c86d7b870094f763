//! `@function(version="2")`: the author says which code is the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{HEAD, Project, executed};

const APP: &str = r#"
from util import tidy

@function(version="1")
def extract(page: str) -> str:
    note("ran", "extract")
    return tidy(page) + "."

@function()
def section(page: str) -> str:
    note("ran", "section")
    return extract(page)

@application()
@function()
def app(page: str) -> str:
    note("ran", "app")
    return section(page)
"#;

fn project() -> Project {
    let util = "def tidy(text):\n    return text.strip()\n";
    let project = Project::new(&[("app.py", &format!("{HEAD}{APP}")), ("util.py", util)]);
    project.run_ok(&["--arg", "page= a "]);
    project.forget();
    project
}

#[test]
fn edits_behind_a_version_invalidate_nothing() {
    let project = project();
    project.edit("+ \".\"", "+ \"!\"");
    project.write("util.py", "def tidy(text):\n    return text.strip().upper()\n");
    assert_eq!(project.replay_ok(&[])["output"], "a.");
    executed(&project, &[]);
    project.tl(&["accept"]).exits(0).says(&["nothing to accept"]);
    let why = project.tl(&["why", "section/extract"]).exits(0).out;
    assert!(why.contains("checked: arguments, version 1 instead of code"), "{why}");
    let reach = project.tl(&["why", "--function", "extract"]).exits(0).out;
    assert!(reach.contains("version 1 counts instead of all this"), "{reach}");
}

#[test]
fn another_version_executes_the_function_and_its_callers() {
    let project = project();
    project.edit("+ \".\"", "+ \"!\"");
    project.edit("version=\"1\"", "version=\"2\"");
    assert_eq!(project.replay_ok(&[])["output"], "a!");
    executed(&project, &["app", "section", "extract"]);
    let why = project.tl(&["why", "section/extract"]).exits(0).out;
    assert!(why.contains("-@function(version=\"1\")") && why.contains("+@function(version=\"2\")"), "{why}");
    // The first version's checkpoints are there still.
    project.edit("version=\"2\"", "version=\"1\"");
    let first = project.tl(&["runs", "--json"]).json()[1]["run"].as_str().unwrap().to_owned();
    assert_eq!(project.replay_ok(&[&first])["output"], "a.");
    executed(&project, &[]);
}

#[test]
fn a_version_that_comes_or_goes_is_a_change() {
    let project = project();
    project.edit("(version=\"1\")", "()");
    project.replay_ok(&[]);
    executed(&project, &["app", "section", "extract"]);
    project.edit("def extract(page: str)", "def extract(page: str,)");
    project.replay_ok(&[]);
    executed(&project, &[]);
}
