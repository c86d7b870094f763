//! Stepping through replays in the workbench: the examples, driven by keys.

use std::collections::HashSet;

use serde_json::Value;

use crate::project::{Project, counts};
use crate::terminal::Terminal;
use crate::wait;

/// A project whose `$EDITOR` is this script; `$1` is the file.
pub fn with_editor(project: Project, script: &str) -> Project {
    use std::os::unix::fs::PermissionsExt;
    let path = project.temporary().join("editor.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.display().to_string();
    project.with("EDITOR", &path)
}

/// `show RUN --json`.
pub fn shown(project: &Project, run: &str) -> Value {
    project.json(0, &["show", run, "--json"])
}

/// Statuses of the calls in the order in which they were asked for, by the end of their paths.
fn statuses(run: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let calls = run["calls"].as_array().unwrap().iter().skip(1);
    calls.map(|call| (text(&call["path"]).replace("research_agent/", ""), text(&call["status"]))).collect()
}

/// All that the store holds of a run, row by row and byte by byte, and all pieces of values.
fn stored(project: &Project, run: &str) -> (Vec<String>, HashSet<String>) {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(project.path(".tl-bench/store.db"), flags).unwrap();
    let id: i64 = db.query_row("SELECT id FROM runs WHERE uid = ?1", [run], |row| row.get(0)).unwrap();
    let dump = |sql: String| -> Vec<String> {
        let mut query = db.prepare(&sql).unwrap();
        let columns = query.column_count();
        let whole = |row: &rusqlite::Row<'_>| {
            Ok((0..columns).map(|at| format!("{:?} ", row.get_ref(at).unwrap())).collect::<String>())
        };
        query.query_map([], whole).unwrap().map(Result::unwrap).collect()
    };
    let of_run = ["runs WHERE id", "events WHERE run", "calls WHERE run"];
    let rows: Vec<String> =
        of_run.iter().flat_map(|of| dump(format!("SELECT * FROM {of} = {id} ORDER BY 1, 2"))).collect();
    assert!(rows.len() > 30, "{rows:?}");
    (rows, dump("SELECT * FROM nodes".to_owned()).into_iter().collect())
}

/// Leaves the workbench.
pub fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

#[test]
fn forward_to_call_15_back_to_3_edited_and_on() {
    let project = Project::workspace("research-agent");
    let project =
        with_editor(project, r#"sed -i 's/"content": "[^"]*"/"content": "Somebody wants to know"/' "$1""#);
    let first = project.json(1, &["run", "--json"]);
    let original = shown(&project, "latest");
    let name = first["run"].as_str().unwrap();
    let (rows, pieces) = stored(&project, name);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["failed", "28 fresh", "s step"]);
    terminal.keys("s");
    terminal
        .sees("the gate", &["PAUSED before research_agent", "would execute: failed before", "Enter execute"]);
    terminal.keys("t");
    terminal
        .sees("the first call", &["PAUSED before call_llm#1 ", "would be served from run", "Enter serve"]);
    terminal.keys("Nf");
    terminal.sees("call 15", &["PAUSED before call_llm#15", "28 cached", "failed before"]);
    // The third question to the model is the fifth call below the application.
    terminal.keys("ggjjjjj");
    terminal.sees("the selection", &["│ call_llm#3 "]);
    terminal.keys("p");
    terminal.sees("call 3", &["PAUSED before call_llm#3 ", "4 cached", "Runs 2"]);
    terminal.keys("a");
    terminal.sees("the next call", &["PAUSED before search_web#2", "1 edited"]);
    terminal.keys("c");
    // Its line below the run that it was made of.
    terminal.sees("the end", &["succeeded", "1 edited", "Runs 2"]);
    quit(terminal);

    assert_eq!(shown(&project, "latest~1"), original, "the run that was stepped through is as it was");
    // To the byte: its rows, its log, and the pieces of its values.
    let (rows_now, pieces_now) = stored(&project, name);
    assert_eq!(rows_now, rows);
    assert!(pieces.is_subset(&pieces_now) && pieces.len() < pieces_now.len());
    let listed = project.json(0, &["runs", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "the run that was left is not listed");
    let runs = project.json(0, &["runs", "--json", "--all"]);
    assert_eq!(runs[2]["run"], first["run"]);
    assert_eq!((&runs[1]["parent"], &runs[0]["parent"]), (&runs[2]["run"], &runs[1]["run"]));
    let run = shown(&project, "latest");
    let all = statuses(&run);
    let expected = [
        ("call_llm#1", "cached"),
        ("search_web#1", "cached"),
        ("call_llm#2", "cached"),
        ("read_document#1", "cached"),
        ("call_llm#3", "edited"),
        ("search_web#2", "cached"),
        ("call_llm#4", "fresh"),
    ];
    for ((path, status), (wanted, as_)) in all.iter().zip(expected) {
        assert_eq!((path.as_str(), status.as_str()), (wanted, as_), "{all:?}");
    }
    // Each later question holds the edited answer, so each was asked anew.
    let later = all.iter().skip(6).filter(|(path, _)| path.starts_with("call_llm"));
    assert!(later.clone().all(|(_, status)| status == "fresh"), "{all:?}");
    let edited = &run["calls"][5];
    assert!(edited["output"].to_string().contains("Somebody wants to know"), "{edited:#}");
    assert!(edited["answers"][0]["was"].is_string(), "{edited:#}");
}

#[test]
fn faults_retries_and_outcomes_at_the_gate() {
    let project = Project::workspace("research-agent");
    project.json(1, &["run", "--json"]);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["failed", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before research_agent"]);
    terminal.keys("Tfn:read_document\r");
    terminal.sees("a call that a filter means", &["PAUSED before read_document#1"]);
    // What is executed although it would be served waits behind its body; then once more, and then it is let through.
    terminal.keys("X");
    terminal.sees(
        "its outcome",
        &["PAUSED after read_document#1", "returned; its caller has not seen it", "Enter accept"],
    );
    terminal.keys("r");
    terminal.sees("its outcome again", &["PAUSED after read_document#1", "Attempt 2."]);
    terminal.keys("\r");
    terminal.sees("the next call", &["PAUSED before call_llm#3"]);
    terminal.keys("!\x1b[B\r");
    terminal.sees("what it leads to", &["PAUSED after research_agent", "RequestError"]);
    terminal.keys("c");
    terminal.sees("the end", &["failed", "1 failed", "R replay"]);
    quit(terminal);
    let run = shown(&project, "latest");
    let call = |path: &str| {
        let of = |call: &&Value| call["path"] == format!("research_agent/{path}");
        run["calls"].as_array().unwrap().iter().find(of).unwrap().clone()
    };
    assert_eq!(call("read_document#1")["attempts"], 2);
    assert_eq!(call("read_document#1")["answers"][0]["answer"], "execute");
    assert_eq!(call("read_document#1")["answers"][1]["answer"], "retry");
    assert_eq!(call("call_llm#3")["error"]["type"], "RequestError");
    // The next replay makes good for it and executes nothing twice.
    let again = project.json(0, &["replay", "--json"]);
    assert_eq!(again["counts"]["failed"], 0);
}

#[test]
fn a_finished_run_is_looked_at_event_by_event() {
    let project = Project::workspace("research-agent");
    project.json(1, &["run", "--json"]);
    let before = shown(&project, "latest");
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["28 fresh", "call_llm#15", "RateLimitError"]);
    // It begins where the failed call ended; before that the call had no error yet.
    terminal.keys("T");
    terminal.sees("the time line", &["event ", "ended: failed", "leave"]);
    terminal.keys("\x1b[D");
    terminal.misses("the event before", "ended: failed");
    terminal.keys("\x1b[H");
    terminal.sees("the first event", &["event 1 of", "the run started"]);
    terminal.keys("c");
    terminal.sees("the first call that ended", &["ended: fresh", "--as-of"]);
    // The panes are as of the event that the line tells, and so is the command below them.
    let text = terminal.text();
    let seq = text.split("event ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    terminal.sees("that event in the command", &[&format!("--as-of {seq} ")]);
    terminal.misses("a call that had not been asked for", "search_web#2");
    terminal.keys("n");
    terminal.sees("the failure", &["ended: failed"]);
    terminal.keys("\x1b");
    terminal.misses("the run as it is", "ended: failed");
    terminal.sees("all of it", &["28 fresh", "s step"]);
    quit(terminal);
    assert_eq!(shown(&project, "latest"), before);
    assert_eq!(project.json(0, &["runs", "--json"]).as_array().unwrap().len(), 1, "nothing was executed");
}

#[test]
fn variables_of_the_callers_and_an_output_as_an_expression() {
    let project = Project::workspace("research-agent");
    project.json(1, &["run", "--json"]);
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("the failed run", &["failed", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before research_agent"]);
    terminal.keys("V");
    terminal.sees("that nobody called it", &["Who called research_agent", "No body waits for it"]);
    terminal.keys("\x1b");
    terminal.misses("the frames", "Who called");
    terminal.keys("Tfn:read_document\r");
    terminal.sees("a call below", &["PAUSED before read_document#1"]);
    terminal.keys("V");
    terminal.sees("its caller", &["Who called read_document#1", "app.py:", "messages", "list of"]);
    // A value unfolds where it stands, and folds again.
    terminal.keys("jjjj");
    terminal.keys(" ");
    terminal.sees("what is in it", &["[0]", "role"]);
    terminal.keys(" ");
    terminal.misses("what is in it", "[0]");
    terminal.keys("\x1b");
    terminal.misses("the frames", "Who called");
    // An expression that fails is said and can be mended; then it is the output.
    terminal.keys("=");
    terminal.keys("outptu\r");
    terminal.sees("what is wrong", &["as a Python expression", "name 'outptu' is not defined"]);
    terminal.keys("\x17output + ' (by hand)'\r");
    terminal.sees("the next call", &["PAUSED before call_llm#3"]);
    terminal.keys("C");
    terminal.sees("the end", &["R replay"]);
    quit(terminal);
    let run = shown(&project, "latest");
    let edited = run["calls"].as_array().unwrap().iter().find(|call| call["status"] == "edited").unwrap();
    assert_eq!(edited["path"], "research_agent/read_document#1");
    assert_eq!(edited["answers"][0]["expr"], "output + ' (by hand)'");
    assert!(edited["output"].as_str().unwrap().ends_with(" (by hand)"), "{edited:#}");
}

const TRAVEL: &str = r#"
from tensorlake.applications import application, function


@function()
def plan(wish: str) -> str:
    return wish.split()[-1]


@function(effect=True)
def book(place: str) -> str:
    open("booked", "a").write(f"{place}\n")
    return "booked " + place


@application()
@function()
def travel() -> str:
    return book(plan("a week in Whistler"))
"#;

#[test]
fn an_effect_waits_for_a_decision_and_edited_arguments_are_asked_about_again() {
    let project = Project::new();
    project.write("app.py", TRAVEL);
    project.json(0, &["run", "--json"]);
    let project = with_editor(project, r#"sed -i 's/Whistler/Japan/g' "$1""#);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the run", &["succeeded", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before travel "]);
    terminal.keys("Tfn:book\r");
    terminal.sees("the booking", &["PAUSED before book#1", "would be served", "acts on the world"]);
    terminal.keys("i");
    terminal.sees("what other arguments lead to", &["PAUSED before book#1", "would execute", "K keep"]);
    terminal.keys("c");
    terminal.sees("that it waits until somebody decides", &["PAUSED before book#1", "would execute"]);
    terminal.keys("K");
    terminal.sees("its caller", &["PAUSED after travel", "1 edited"]);
    terminal.keys("c");
    terminal.sees("the end", &["succeeded"]);
    quit(terminal);
    assert_eq!(project.read("booked"), "Whistler\n", "nothing was booked again");
}

const SQUARES: &str = r#"
from tensorlake.applications import application, function


@function()
def square(n: int) -> int:
    open("squared", "a").write(f"{n}\n")
    return n * n


@application()
@function()
def squares() -> list:
    return square.map([1, 2, 3])
"#;

#[test]
fn items_that_wait_together_are_answered_in_any_order() {
    let project = Project::new();
    project.write("app.py", SQUARES);
    project.json(0, &["run", "--json"]);
    std::fs::remove_file(project.path("squared")).unwrap();
    let project = with_editor(project, r#"echo 70 > "$1""#);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the run", &["succeeded", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before squares"]);
    terminal.keys("t");
    terminal.sees("all three", &["PAUSED before square[0]", "2 more wait"]);
    terminal.keys("j");
    terminal.sees("the second", &["PAUSED before square[1]"]);
    terminal.keys("a");
    terminal.sees("the others", &["PAUSED before square[0]", "1 more waits", "1 edited"]);
    terminal.keys("Lf");
    terminal.sees("the end of the application", &["PAUSED after squares"]);
    terminal.keys("c");
    terminal.sees("the end", &["succeeded", "2 cached", "1 edited"]);
    quit(terminal);
    let run = shown(&project, "latest");
    assert_eq!(run["output"], serde_json::json!([1, 70, 9]));
    assert!(!project.path("squared").exists(), "no body ran");
}

#[test]
fn killed_at_the_gate_the_replay_resumes_there() {
    let project = Project::workspace("research-agent");
    project.json(1, &["run", "--json"]);
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("the failed run", &["failed"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before research_agent"]);
    terminal.keys("Nf");
    terminal.sees("call 15", &["PAUSED before call_llm#15"]);
    terminal.keys("\r");
    terminal.sees("its outcome", &["PAUSED after call_llm#15"]);
    terminal.killed();
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("the interrupted run", &["interrupted"]);
    terminal.keys("s");
    terminal.sees("the gate again", &["PAUSED before research_agent"]);
    terminal.keys("Nf");
    // What had waited was on disk: it is served, and the next is new.
    terminal.sees("the call behind it", &["PAUSED before search_web#8", "29 cached"]);
    terminal.keys("C");
    terminal.sees("the end", &["succeeded"]);
    quit(terminal);
    assert_eq!(project.json(0, &["doctor", "--json"])["ok"], true);
}

#[test]
fn killed_in_the_editor_nothing_was_changed() {
    let project = Project::workspace("research-agent");
    let (open, go) = (project.temporary().join("open"), project.temporary().join("go"));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.01; done", open.display(), go.display());
    let project = with_editor(project, &script);
    project.json(1, &["run", "--json"]);
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("the failed run", &["failed"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before research_agent"]);
    terminal.keys("Nf");
    terminal.sees("call 15", &["PAUSED before call_llm#15"]);
    terminal.keys("a");
    wait::for_file(&open);
    terminal.killed();
    std::fs::write(&go, "").unwrap();
    let replayed = project.json(0, &["replay", "--json"]);
    assert_eq!(counts(&replayed), (28, 5, 0));
    assert_eq!(replayed["counts"]["edited"], 0);
    assert_eq!(project.json(0, &["doctor", "--json"])["ok"], true);
}

#[test]
fn a_fork_from_the_tree_is_planned_and_its_effects_are_decided() {
    let project = Project::new();
    project.write("app.py", TRAVEL);
    project.json(0, &["run", "--json"]);
    let original = shown(&project, "latest");
    let project = with_editor(project, r#"sed -i 's/Whistler/Japan/g' "$1""#);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the run", &["succeeded", "book#1", "s step"]);
    terminal.keys("ggj");
    terminal.sees("the plan", &["│ plan#1"]);
    terminal.keys("f");
    terminal
        .sees("what would happen", &["Fork", "plan#1 of run", "Japan", "executes about 1", "book (1 call)"]);
    terminal.keys("\r");
    terminal
        .sees("that the booking is asked about", &["PAUSED before book#1", "acts on the world", "1 edited"]);
    terminal.keys("\r");
    terminal.sees("its outcome", &["PAUSED after book#1", "Enter accept"]);
    terminal.keys("c");
    terminal.sees("the end", &["succeeded", "1 edited"]);
    quit(terminal);
    assert_eq!(project.read("booked"), "Whistler\nJapan\n");
    assert_eq!(shown(&project, "latest")["output"], "booked Japan");
    assert_eq!(shown(&project, "latest~1"), original);
}

#[test]
fn breakpoints_are_kept_with_the_project() {
    let project = Project::workspace("research-agent");
    project.json(1, &["run", "--json"]);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["failed", "s step"]);
    terminal.keys("Ba");
    terminal.sees("the list", &["Breakpoints", "Enter add"]);
    terminal.keys("fn:read_document\r");
    terminal.sees("the new one", &["on   fn:read_document"]);
    terminal.keys("\x1b");
    terminal.misses("the list to close", "Breakpoints");
    quit(terminal);
    // Another workbench, and the command line, stop there.
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the failed run", &["failed", "s step"]);
    terminal.keys("s");
    terminal.sees("the gate", &["PAUSED before research_agent"]);
    terminal.keys("c");
    terminal.sees("the breakpoint", &["PAUSED before read_document#1", "stopped by fn:read_document"]);
    terminal.keys("Bd");
    terminal.sees("that it is gone", &["None yet"]);
    terminal.keys("\x1b");
    terminal.misses("the list to close", "Breakpoints");
    terminal.keys("c");
    terminal.sees("the end", &["succeeded"]);
    quit(terminal);
    assert_eq!(project.read(".tl-bench/breakpoints.json"), "[]");
}
