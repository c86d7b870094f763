//! The screen Diff in a terminal: a run and its replay after an edit, and a run that was marked.

use crate::project::Project;
use crate::terminal::Terminal;

const APP: &str = r#"
from tensorlake.applications import application, function

TONE = "kind"


@function()
def greet(name: str) -> str:
    return f"{TONE} greetings to {name}"


@function()
def shout(text: str) -> str:
    return text.upper()


@application()
@function()
def talk(name: str = "Ada") -> str:
    return shout(greet(name)) + " and " + greet("Bob")
"#;

#[test]
fn an_edited_constant_is_seen_as_the_cause_at_every_size() {
    for size in [(200, 60), (120, 40), (80, 24), (40, 10)] {
        let project = Project::new();
        project.write("app.py", APP);
        assert_eq!(project.tl(&["run"]).code(), 0);
        project.write("app.py", &APP.replace("\"kind\"", "\"curt\""));
        assert_eq!(project.tl(&["replay"]).code(), 0);

        let mut terminal = Terminal::bench(&project, size, &[]);
        terminal.sees("the replay", &["succeeded"]);
        terminal.keys("gd");
        terminal.sees("the tree of both", &["Diff", "1 cause", "greet#1"]);
        if size.0 >= 80 {
            terminal.sees("the cause by name", &["code changed: TONE in app.py:4", "2 calls"]);
            terminal.sees("what was edited", &["- TONE = \"kind\"", "+ TONE = \"curt\""]);
            terminal.sees("its twin", &["tl-bench diff"]);
        } else {
            terminal.keys("\t");
            terminal.sees("what differs inside", &["TONE"]);
            terminal.keys("\t");
        }
        terminal.keys("n");
        terminal.sees("the next difference", &["shout#1", "input"]);
        terminal.keys("c");
        terminal.misses("what follows from it", "shout#1");
        terminal.keys("c");
        terminal.sees("what follows from it, again", &["shout#1"]);
        terminal.keys("1\r");
        terminal.sees("the call in its tree", &["greet#1"]);
        terminal.misses("the comparison", "1 cause");
        terminal.keys("q");
        assert_eq!(terminal.end(), 0, "{}", terminal.text());
        terminal.given_back();
    }
}

#[test]
fn a_marked_run_is_the_first_and_what_cannot_be_compared_is_said() {
    let project = Project::new();
    project.write("app.py", APP);
    assert_eq!(project.tl(&["run"]).code(), 0);
    let mut terminal = Terminal::bench(&project, (120, 40), &[]);
    terminal.sees("the run", &["succeeded"]);
    terminal.keys("gd");
    terminal.sees("that there is nothing to compare", &["no earlier run of talk"]);
    terminal.keys("\x1b");
    let new = project.json(0, &["run", "--arg", "name=Eve", "--json"]);
    terminal.keys("gr");
    terminal.sees("the new run", &[&new["run"].as_str().unwrap()[..4]]);
    // The oldest is marked, the newest compared with it.
    terminal.keys("GM");
    terminal.sees("the mark", &["is marked"]);
    terminal.keys("ggd");
    terminal.sees(
        "the comparison",
        &["(marked)", "1 cause, 1 same, 2 changed", "other input", "name  added  \"Eve\""],
    );
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}
