//! The workbench line by line, in a terminal as a screen reader reads it, and through a pipe.

use std::io::Write;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};

use crate::project::Project;
use crate::terminal::Terminal;
use crate::wait;

const APP: &str = r#"
import os
import time
from tensorlake.applications import application, function


@function()
def quick(n: int) -> int:
    return n + 1


@function()
def patient(n: int) -> str:
    open("waiting", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    if os.path.exists("ill"):
        raise ValueError("no refund for order 7")
    return "the wait is over"


@application()
@function()
def waiting(n: int = 3) -> str:
    return patient(quick(n))
"#;

#[test]
fn a_run_is_started_watched_and_read_line_by_line() {
    let project = Project::new();
    project.write("app.py", APP);
    project.write("ill", "");
    let mut terminal = Terminal::bench(&project, (100, 60), &["--plain"]);
    terminal.sees("the beginning", &["Workbench of", "Type help"]);
    terminal.keys("run\r");
    terminal.sees("the form", &["name=value", "n (int) ="]);
    terminal.keys("n=41\r");
    terminal.sees("what was typed", &["n = 41"]);
    terminal.keys("\r");
    wait::for_file(&project.path("waiting"));
    terminal.sees("calls while the run goes on", &["quick#1: fresh", "Out: 42", "patient#1: running"]);
    project.write("go", "");
    terminal.sees("the end", &["failed after", "patient#1: failed", "ValueError: no refund for order 7"]);
    terminal.keys("next-failed\ropen\r");
    terminal.sees("the traceback", &["The inspector: Attempts.", "raise ValueError"]);
    terminal.keys("search-all-runs refund\r");
    terminal.sees("what was found", &["Found ", "waiting/patient#1, error"]);
    terminal.keys("nonsense\r");
    terminal.sees("the mistake", &["there is no command \"nonsense\""]);
    std::fs::remove_file(project.path("ill")).unwrap();
    terminal.keys("replay\r");
    terminal.sees("the replay", &["replay of", "1 cached, 1 fresh."]);
    // Nothing is drawn over: the terminal keeps its ordinary screen.
    assert!(!terminal.text().is_empty());
    terminal.given_back();
    terminal.keys("quit\r");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
}

#[test]
fn it_works_through_a_pipe_and_ends_with_its_input() {
    let project = Project::new();
    project.write("app.py", APP);
    project.write("go", "");
    assert_eq!(project.tl(&["run"]).code(), 0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tl-bench"));
    command.arg("--plain").current_dir(project.path("")).env_clear().envs(project.environment());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = child.stdin.take().unwrap();
    lines.write_all(b"help replay\nlist\n").unwrap();
    drop(lines);
    let done = child.wait_with_output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{text}");
    assert!(text.contains("replay-strict: Replay by position"), "{text}");
    // What is asked at once waits until the runs are read.
    let calls = text.lines().filter(|line| line.contains("level 0, ") || line.starts_with("1 Run ")).count();
    assert_eq!(calls, 1, "{text}");
    assert!(!text.contains('\u{1b}'), "an escape sequence in {text:?}");
}

#[test]
fn a_signal_ends_it() {
    let project = Project::new();
    project.write("app.py", APP);
    let mut terminal = Terminal::bench(&project, (100, 40), &["--plain"]);
    terminal.sees("the beginning", &["Type help"]);
    kill(terminal.pid(), Signal::SIGTERM).unwrap();
    assert_eq!(terminal.end(), 1, "{}", terminal.text());
}
