//! Finding things with keys: the filter with its mistakes and completion, commands by name with the reason when one is
//! off, words in all runs.

use crate::project::Project;
use crate::terminal::Terminal;

/// A failed run of the tool loop, in the workbench.
fn failed() -> (Project, Terminal) {
    let project = Project::workspace("research-agent");
    assert_eq!(project.tl(&["run"]).code(), 1);
    let terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("the run", &["research_agent", "28 fresh", "call_llm#15"]);
    (project, terminal)
}

fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

#[test]
fn a_filter_points_at_mistakes_completes_and_leaves_what_matches() {
    let (project, mut terminal) = failed();
    terminal.keys("gcgg/ms>abc");
    terminal.sees("what is wrong, and where", &["^^^", "expected a number after `ms>`"]);
    terminal.keys("\x15fai\t");
    terminal.sees("the word completed", &["/failed", "2 found"]);
    terminal.keys("\r");
    terminal.sees("the failed call below its caller", &["Calls /failed", "2 of 30", "✗ call_llm#15"]);
    terminal.misses("the other calls to go", "search_web#1 ");
    terminal.sees("the command with the same answer", &["--filter failed"]);
    let found = project.json(0, &["show", "latest", "--filter", "failed", "--json"]);
    let found = found["calls"].as_array().map(Vec::len);
    assert_eq!(found, Some(2));

    terminal.keys("/\x15fn:search_web and not failed\r");
    terminal.sees("what matches both", &["7 of 30", "search_web#1", "search_web#7"]);
    terminal.keys("\x1b");
    terminal.sees("all calls again", &["call_llm#1 ", "search_web#1 "]);
    quit(terminal);
}

#[test]
fn a_command_that_is_off_says_why() {
    let (_project, mut terminal) = failed();
    terminal.keys(":");
    terminal.sees("the commands", &["Commands"]);
    terminal.keys("stop\r");
    terminal.sees("why it cannot be stopped", &["Not now: The run has ended."]);
    terminal.keys("\x1b\x1b");
    terminal.misses("the commands to close", "Commands");
    quit(terminal);
}

#[test]
fn words_of_an_older_run_lead_to_the_call_that_has_them() {
    let (project, terminal) = failed();
    quit(terminal);
    assert_eq!(project.tl(&["replay"]).code(), 0);
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("both runs", &["Runs 2", "28 cached"]);
    terminal.keys("gs");
    terminal.sees("the search", &["Search"]);
    terminal.keys("429 Too Many");
    terminal.sees("where they stand", &["call_llm#15", "research_agent"]);
    terminal.keys("\x1b[B\r");
    terminal.sees("that call in its run", &["│ call_llm#15  ✗ failed"]);
    quit(terminal);
}
