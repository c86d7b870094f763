//! Samples, outputs taken elsewhere, and several edits in one fork, in the workbench.

use serde_json::Value;

use crate::project::Project;
use crate::stepping::with_editor;
use crate::terminal::Terminal;

const AGENT: &str = r#"
from tensorlake.applications import application, function


@function()
def plan(wish: str) -> str:
    with open("asked", "a") as file:
        file.write("x")
        return ["Japan", "Whistler"][file.tell() % 2]


@function(effect=True)
def book(place: str) -> str:
    open("booked", "a").write(f"{place}\n")
    return "booked " + place


@application()
@function()
def travel() -> str:
    return book(plan("a week away"))
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("app.py", AGENT);
    project.json(0, &["run", "--json"]);
    with_editor(project, r#"sed -i 's/Whistler/Japan/g' "$1""#)
}

fn shown(project: &Project, run: &str) -> Value {
    project.json(0, &["show", run, "--json"])
}

#[test]
fn a_call_is_sampled_and_a_sample_is_forked_with() {
    let project = project();
    let original = shown(&project, "latest");
    let mut terminal = Terminal::bench(&project, (140, 36), &[]);
    terminal.sees("the run", &["succeeded", "plan#1", "book#1"]);
    // What acts on the world is asked about first.
    terminal.keys("ggjjax");
    terminal.sees("the question", &["Execute this call how often?"]);
    terminal.keys("\r");
    terminal.sees("what it would do", &["book acts on the world each time"]);
    terminal.keys("\x1b");
    terminal.misses("the question to close", "how often?");
    terminal.keys("ggjax\x7f3\r");
    terminal.sees("the samples", &["Runs 2", "plan#1", "plan#2", "plan#3", "succeeded"]);
    let run = original["run"].as_str().unwrap();
    let samples = project.json(0, &["resample", run, "plan", "--list", "--json"]);
    assert_eq!(samples["samples"].as_array().unwrap().len(), 4);
    terminal.keys("ggjjat");
    terminal.sees("the plan of the fork", &["Fork", "plan#1 of run", "from run"]);
    terminal.keys("k\r");
    terminal.sees("the fork", &["Runs 3", "succeeded", "edited"]);
    // Marked here, taken into the first run.
    terminal.keys("ggjam");
    terminal.sees("that it is marked", &["The output of plan#1 is marked"]);
    terminal.keys("grGgcggjat");
    terminal.sees("the plan of the other fork", &["Fork", "from run"]);
    terminal.keys("k\r");
    terminal.sees("the other fork", &["Runs 4", "succeeded", "edited"]);
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    for fork in ["latest", "latest~1"] {
        let plan = shown(&project, fork)["calls"][1].clone();
        assert_eq!(plan["output"], samples["samples"][2]["output"], "{plan:#}");
        assert!(plan["answers"][0]["from"]["run"].is_string(), "{plan:#}");
    }
    assert_eq!(project.read("booked"), "Whistler\n", "nothing was booked again");
    assert_eq!(shown(&project, run), original);
}

#[test]
fn an_output_and_arguments_are_edited_for_one_fork() {
    let project = project();
    let mut terminal = Terminal::bench(&project, (140, 36), &[]);
    terminal.sees("the run", &["succeeded", "plan#1", "book#1"]);
    terminal.keys("ggjf");
    terminal.sees(
        "the first edit",
        &["Fork", "plan#1 of run", "gives something else", "\"Whistler\" → \"Japan\""],
    );
    terminal.keys("+");
    terminal.sees("that it is kept", &["1 edit is kept"]);
    terminal.keys("ggjjai");
    terminal.sees(
        "both edits",
        &[
            "plan#1 of run",
            "the value: \"Whistler\" → \"Japan\"",
            "book#1 of run",
            "is asked something else",
            "place: \"Whistler\" → \"Japan\"",
        ],
    );
    terminal.keys("r\r");
    terminal.sees("the fork", &["Runs 2", "succeeded", "1 edited"]);
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    let run = shown(&project, "latest");
    assert_eq!(run["output"], "booked Japan");
    assert_eq!(run["calls"][2]["answers"][0]["answer"], "arguments", "{run:#}");
    assert_eq!(project.read("booked"), "Whistler\nJapan\n");
}

#[test]
fn a_fork_is_undone_and_brought_back() {
    let project = project();
    let original = shown(&project, "latest");
    let mut terminal = Terminal::bench(&project, (140, 36), &[]);
    terminal.sees("the run", &["Runs 1", "succeeded", "plan#1", "book#1"]);
    terminal.keys("ggjf");
    terminal.sees("the plan", &["Fork", "plan#1 of run", "gives something else", "\"Whistler\" → \"Japan\""]);
    terminal.keys("k\r");
    terminal.sees("the fork", &["Runs 2", "succeeded", "2 edited"]);
    let fork = shown(&project, "latest");
    assert_eq!(fork["parent"], original["run"]);
    terminal.keys("u");
    terminal.sees("that the run is selected again", &["Runs 1", "The edit is undone"]);
    terminal.misses("the edit", "2 edited");
    // Until the workbench is left nothing is lost.
    assert_eq!(shown(&project, "latest"), fork);
    terminal.keys("u");
    terminal.sees("the fork again", &["Runs 2", "2 edited"]);
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    assert_eq!((shown(&project, "latest"), shown(&project, "latest~1")), (fork, original));
    assert_eq!(project.read("booked"), "Whistler\n", "nothing was booked again");
}
