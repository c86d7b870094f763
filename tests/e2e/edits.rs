//! Edits in the workbench: the blast radius of a save, its undoing, replays by hand and by themselves.

use crate::project::Project;
use crate::terminal::Terminal;

const APP: &str = r#"
from tensorlake.applications import application, function

import util


def ran(name):
    with open("ran", "a") as file:
        file.write(name + "\n")


@function()
def fetch(x: int) -> int:
    ran("fetch")
    return x + 1


@function()
def clean(x: int) -> int:
    ran("clean")
    return util.tidy(x)


@application()
@function()
def app() -> int:
    ran("app")
    return clean(fetch(1))
"#;

const UTIL: &str = "def tidy(x):\n    return x * 10\n";

#[test]
fn a_save_shows_what_it_costs_before_anything_runs() {
    let project = Project::new();
    project.write("app.py", APP);
    project.write("util.py", UTIL);
    assert_eq!(project.tl(&["run"]).code(), 0);
    let mut executed = 3;
    let mut executes = |project: &Project, more: usize| {
        executed += more;
        assert_eq!(project.read("ran").lines().count(), executed, "{}", project.read("ran"));
    };
    let mut terminal = Terminal::bench(&project, (140, 30), &[]);
    terminal.sees("the run", &["Runs 1", "succeeded", "fetch#1", "clean#1"]);
    terminal.misses("an edit", "invalid");

    project.write("util.py", &UTIL.replace("10", "20"));
    terminal.sees(
        "the blast radius",
        &["util.py saved: tidy changed", "1 of 2 calls invalid", "effects unknown", "R replay", "g b list"],
    );
    terminal.sees("the call in its place", &["↻ clean#1", "edited", "◆ fetch#1", "re-runs"]);
    terminal.keys("gb");
    terminal.sees("the list", &["util.py:1 tidy changed", "clean → tidy", "edited    app/clean#1"]);
    terminal.keys("gb");

    project.write("util.py", UTIL);
    terminal.misses("the edit once it is undone", "invalid");
    terminal.misses("the call's mark", "↻");

    project.write("util.py", "def tidy(x:\n    return x\n");
    terminal.sees("the error in its place", &["util.py:1: "]);
    terminal.misses("anything invalid", "invalid");
    terminal.keys("gp");
    terminal.sees("the problem", &["Problems 1", "source", "util.py:1: "]);
    terminal.keys("gp");
    project.write("util.py", &UTIL.replace("10", "30"));
    terminal.sees("the edit that parses", &["tidy changed", "1 of 2 calls invalid"]);
    terminal.misses("the error", "util.py:1: ");
    executes(&project, 0);

    terminal.keys("R");
    terminal.sees("the replay", &["Runs 2", "succeeded", "1 cached", "1 fresh"]);
    terminal.misses("the edit that was replayed", "invalid");
    executes(&project, 2);

    // By itself only what says that it does not act, unless it is told otherwise.
    terminal.keys("aa");
    terminal.sees("the sentence", &["Each save replays"]);
    project.write("util.py", &UTIL.replace("10", "40"));
    terminal.sees("the refusal", &["Not replayed: app, clean", "R replays"]);
    executes(&project, 0);
    terminal.keys("aa");
    terminal.sees("the other sentence", &["unless a function with effect=True"]);
    project.write("util.py", &UTIL.replace("10", "50"));
    terminal.sees("the replay by itself", &["Runs 3", "succeeded", "1 cached", "1 fresh"]);
    terminal.misses("the edit that was replayed", "invalid");
    executes(&project, 2);
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}
