//! The inspector's tabs in a terminal: of a call that failed, of one that was served, and while source is edited.

use std::os::unix::fs::PermissionsExt;

use crate::project::Project;
use crate::terminal::Terminal;

const APP: &str = r#"
from tensorlake.applications import Retries, application, function

TONE = "kind"


def dressed(text: str) -> str:
    return f"{TONE}: {text}"


@function()
def greet(name: str) -> str:
    return dressed(name)


@function(retries=Retries(max_retries=1))
def shout(text: str) -> str:
    raise ValueError("nobody listens to " + text)


@application()
@function()
def talk(name: str = "Ada") -> str:
    return shout(greet(name))
"#;

/// A failed run and its replay, in which `greet` was served and `shout` failed again.
fn replayed() -> Project {
    let project = Project::new();
    project.write("app.py", APP);
    assert_eq!(project.tl(&["run"]).code(), 1);
    assert_eq!(project.tl(&["replay"]).code(), 1);
    project
}

fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

/// Goes from Output to the right and looks at each tab.
fn through(terminal: &mut Terminal, tabs: &[(&str, &[&str])]) {
    for (name, texts) in tabs {
        terminal.sees(name, texts);
        terminal.keys("l");
    }
}

#[test]
fn each_tab_of_a_failed_and_of_a_served_call() {
    for size in [(200, 60), (80, 24)] {
        let project = replayed();
        let mut terminal = Terminal::bench(&project, size, &[]);
        terminal.sees("the failed call", &["shout#1", "failed"]);
        terminal.keys("gi");
        terminal.sees("its attempts", &["attempt 2  failed", "app.py:18", "with the same error"]);
        terminal.keys("l");
        let failed: [(&str, &[&str]); 8] = [
            ("its output", &["It failed and has no output"]),
            ("its input", &["called from app.py:24", "kind: Ada"]),
            (
                "its difference",
                &["nothing differs", "compared with talk/shout#1 of the replayed run", "tl-bench diff"],
            ),
            ("its log", &["It wrote nothing", "tl-bench logs"]),
            ("its source", &["as it was when this call was made", "def shout(text", "tl-bench source"]),
            (
                "why",
                &[
                    "executed: it failed before",
                    "on the platform: execute (the same)",
                    "A replay now",
                    "tl-bench why",
                ],
            ),
            ("its history", &["2 runs looked through", "this call", "the same question", "tl-bench history"]),
            ("how its answers vary", &["tl-bench variance"]),
        ];
        through(&mut terminal, &failed);
        terminal.sees("its attempts again", &["attempt 2  failed"]);

        // The served call keeps the tab that was looked at.
        terminal.keys("gcgg");
        terminal.keys("j");
        terminal.keys("gi");
        terminal.sees("how the answers of the served call vary", &["greet#1", "tl-bench variance"]);
        terminal.keys("h");
        terminal.sees("its history", &["greet#1", "1 checkpoint of this question", "served from run"]);
        terminal.keys("ll");
        terminal.sees("its attempts", &["It did not fail", "Served from run"]);
        terminal.keys("l");
        let served: [(&str, &[&str]); 6] = [
            ("its output", &["kind: Ada", "Served from run"]),
            ("its input", &["called from app.py:24"]),
            ("its difference", &["the same input", "the same output"]),
            ("its log", &["It wrote nothing"]),
            ("its source", &["def greet(name", "reaches, as it is:", "dressed  app.py:7"]),
            (
                "why",
                &[
                    "served: everything that it depends on holds",
                    "checked: arguments, code (3 definitions)",
                    "would be served now",
                ],
            ),
        ];
        through(&mut terminal, &served);
        terminal.sees("its history again", &["served from run"]);
        quit(terminal);
    }
}

#[test]
fn an_edit_is_marked_in_the_source_told_by_why_and_opened_at_its_line() {
    let project = replayed();
    let editor = project.path("editor");
    std::fs::write(&editor, "#!/bin/sh\nprintf '%s\\n' \"$@\" > opened.new\nmv opened.new opened\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let project = project.with("EDITOR", &editor.display().to_string());
    let mut terminal = Terminal::bench(&project, (120, 40), &[]);
    terminal.sees("the failed call", &["shout#1"]);
    terminal.keys("gg");
    terminal.keys("j");
    terminal.keys("gi");
    terminal.sees("the served call", &["│ greet#1"]);
    terminal.keys("hhhhh");
    terminal.sees("its source", &["tl-bench source", "as it was when this call was made"]);

    project.write("app.py", &APP.replace("TONE = \"kind\"", "# How.\nTONE = \"curt\""));
    terminal.sees(
        "the edit",
        &[
            "changed since this call: 1 definition: TONE",
            "reached by greet → dressed → TONE",
            "- TONE = \"kind\"",
            "5 + TONE = \"curt\"",
        ],
    );
    terminal.keys("l");
    terminal.sees("what it means", &["would execute now: its code differs: TONE", "A replay now"]);
    terminal
        .sees("the platform's verdict", &["another verdict", "the code changed: the platform would serve"]);

    // Where the definition that changed stands.
    terminal.keys("h");
    terminal.sees("the source again", &["TONE  app.py:5  changed"]);
    terminal.keys("/changed\r");
    terminal.keys("n");
    terminal.keys("e");
    crate::wait::for_file(&project.path("opened"));
    let opened = project.read("opened");
    assert_eq!(opened.lines().collect::<Vec<_>>(), ["+5", &project.path("app.py").display().to_string()]);

    // Undone, it holds again.
    project.write("app.py", APP);
    terminal.sees("the edit undone", &["as it was when this call was made"]);
    quit(terminal);
}

#[test]
fn history_leads_to_the_call_in_its_run() {
    let project = replayed();
    let mut terminal = Terminal::bench(&project, (120, 40), &[]);
    terminal.sees("the failed call", &["shout#1"]);
    terminal.keys("gg");
    terminal.keys("j");
    terminal.keys("gi");
    terminal.sees("the served call", &["│ greet#1", "cached"]);
    terminal.keys("hhh");
    terminal.sees("its history", &["served from run"]);
    terminal.keys("/served from\r");
    terminal.keys("\r");
    // The run that executed it replays none.
    terminal.sees("the call that executed", &["│ greet#1  ◆ fresh", "this call", "served in"]);
    quit(terminal);
}
