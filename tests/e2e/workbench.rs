//! The workbench in a terminal: the demo as its tour leads through it, and everything that happens around a window.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use crate::project::Project;
use crate::terminal::Terminal;
use crate::wait;

/// An application that waits for a file, so that a test decides how long it runs.
const WAITING: &str = r#"
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
    return "the wait is over"


@application()
@function()
def waiting() -> str:
    return patient(quick(1))
"#;

fn waiting() -> Project {
    let project = Project::new();
    project.write("app.py", WAITING);
    project
}

fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

#[test]
fn the_demo_at_120x30() {
    // At its own pace, so that there is something to watch.
    let project = Project::new().with("TLB_DEMO_SPEED", "1");
    let mut terminal = Terminal::bench(&project, (120, 30), &["demo"]);
    terminal.sees("the tour", &["1/4", "the example runs and will fail as scripted"]);
    terminal.sees("calls while the run goes on", &["running", "call_llm#2", "search_web#1"]);
    terminal.sees("the scripted failure", &["failed", "28 fresh", "1 failed", "2/4", "press R", "429"]);

    terminal.keys("R");
    terminal.sees("the replay", &["replay of", "28 cached"]);
    terminal.sees("its end", &["succeeded", "28 cached", "5 fresh", "4/4", "Runs 2"]);

    // The calls have the focus: to the top, folded and unfolded.
    terminal.keys("gg");
    terminal.sees("the first call", &["call_llm#1"]);
    terminal.keys(" ");
    terminal.misses("what is below the root to be folded", "call_llm#1 ");
    terminal.keys(" ");
    terminal.sees("it unfolded", &["call_llm#1"]);
    terminal.keys("j");
    terminal.sees("the output of the selected call", &["│ call_llm#1", "search_web"]);
    terminal.keys("t");
    terminal.sees("its input as a conversation", &["│ user", "Research this topic", "called from app.py:"]);
    terminal.keys("\t");
    terminal.sees("keys of the inspector", &["Enter one pane", "Right tab"]);
    terminal.keys("?");
    terminal.sees("the help", &["Everywhere", "Replay the selected run"]);
    terminal.keys("\x1b");
    terminal.misses("the help to close", "Everywhere");
    quit(terminal);
}

#[test]
fn the_demo_at_80x24() {
    let project = Project::new();
    let mut terminal = Terminal::bench(&project, (80, 24), &["demo"]);
    terminal.sees("the scripted failure", &["failed", "28 fresh", "2/4", "press R"]);
    terminal.keys("R");
    terminal.sees("the replay's end", &["succeeded", "28 cached", "4/4"]);
    terminal.keys("?");
    terminal.sees("the help", &["Everywhere"]);
    terminal.keys("\x1b");
    terminal.misses("the help to close", "Everywhere");
    quit(terminal);
}

#[test]
fn the_first_frame_is_there_at_once() {
    let project = waiting();
    // The best of some, so that a busy machine does not decide.
    let best = (0..5).map(|_| {
        let terminal = Terminal::bench(&project, (120, 30), &[]);
        let took = terminal.sees("the first frame", &["No runs yet. Press r to run waiting."]);
        quit(terminal);
        took
    });
    let best = best.min().unwrap();
    assert!(best < Duration::from_secs(1), "{best:?}");
}

#[test]
fn a_run_of_another_process_appears_and_is_followed() {
    let project = waiting();
    let terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("an empty list", &["No runs yet."]);
    let run = project.start(&["run", "--json"]);
    wait::for_file(&project.path("waiting"));
    terminal.sees("the run", &["Runs 1", "running", "quick#1", "patient#1"]);
    project.write("go", "");
    let done = run.finish();
    assert_eq!(done.code(), 0, "{done}");
    terminal.sees("its end", &["succeeded", "2 fresh", "the wait is over"]);
    quit(terminal);
}

#[test]
fn a_run_is_stopped() {
    let project = waiting();
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("an empty list", &["Press r"]);
    terminal.keys("r");
    wait::for_file(&project.path("waiting"));
    terminal.sees("the run", &["running", "patient#1", "x stop"]);
    terminal.keys("x");
    terminal.sees("the answer", &["what executes may finish"]);
    terminal.keys("x");
    terminal.sees("the end of the run", &["cancelled", "R replay"]);
    // What was done is kept: the replay waits for the file alone.
    project.write("go", "");
    terminal.keys("R");
    terminal.sees("the replay", &["succeeded", "1 cached", "1 fresh"]);
    quit(terminal);
}

#[test]
fn a_run_of_another_process_is_stopped() {
    let project = waiting();
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("an empty list", &["No runs yet."]);
    let run = project.start(&["run", "--json"]);
    wait::for_file(&project.path("waiting"));
    terminal.sees("the run", &["running", "patient#1"]);
    terminal.keys("x");
    terminal.sees("the answer", &["what executes may finish"]);
    terminal.keys("x");
    assert_eq!(run.finish().code(), 1);
    terminal.sees("its end", &["cancelled"]);
    quit(terminal);
}

#[test]
fn leaving_asks_while_a_run_goes_on() {
    let project = waiting();
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("an empty list", &["Press r"]);
    terminal.keys("r");
    wait::for_file(&project.path("waiting"));
    terminal.sees("the run", &["patient#1"]);
    terminal.keys("q");
    terminal.sees("the question", &["q again stops and leaves"]);
    quit(terminal);
    let runs = project.json(0, &["runs", "--json"]);
    assert_eq!(runs[0]["status"], "cancelled", "{runs}");
    assert_eq!(runs[0]["alive"], false, "{runs}");
}

#[test]
fn a_signal_gives_the_terminal_back_and_ends_what_runs() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let project = waiting();
        let mut terminal = Terminal::bench(&project, (120, 30), &[]);
        terminal.sees("an empty list", &["Press r"]);
        terminal.keys("r");
        terminal.sees("the run", &["patient#1"]);
        kill(terminal.pid(), signal).unwrap();
        assert_ne!(terminal.end(), 0);
        terminal.given_back();
        let runs = project.json(0, &["runs", "--json"]);
        assert_eq!(runs[0]["alive"], false, "{signal}: {runs}");
        assert_ne!(runs[0]["status"], "running", "{signal}: {runs}");
    }
}

#[test]
fn the_window_is_resized() {
    let project = waiting();
    project.write("go", "");
    assert_eq!(project.tl(&["run"]).code(), 0);
    let terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("three panes", &["Runs 1", "patient#1", "Output"]);
    for size in [(80, 24), (40, 10), (200, 60), (20, 5), (120, 30)] {
        terminal.resize(size);
        let width = usize::from(size.0);
        // The last line has the keys at every size; a line as wide as the window is drawn when there is room.
        terminal.wait(&format!("a drawing of {size:?}"), |screen| {
            let all = screen.contents();
            // The line below the panes; at its end stands a command line.
            let rule = |line: &str| line.starts_with(['─', '┴']) && line.ends_with('─');
            let drawn = all.lines().any(|line| rule(line) && line.chars().count() == width);
            drawn || size.1 < 10
        });
    }
    terminal.sees("three panes again", &["Runs 1", "patient#1", "Output"]);
    quit(terminal);
}

#[test]
fn settings_count_as_soon_as_they_are_saved() {
    let project = waiting();
    project.write("go", "");
    assert_eq!(project.tl(&["run"]).code(), 0);
    let terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("signs of Unicode", &["◆ quick#1", "Output"]);
    project.write("tl-bench.toml", "[workbench]\nglyphs = \"ascii\"\n\n[workbench.keys]\nreplya = \"R\"\n");
    terminal.sees("other signs, and what is wrong", &["+ quick#1", "tl-bench.toml:5", "replya"]);
    project.write("tl-bench.toml", "[workbench]\nglyphs = \"unicode\"\n");
    terminal.sees("the first signs", &["◆ quick#1"]);
    terminal.misses("the mistake to go", "tl-bench.toml:5");
    quit(terminal);
}

#[test]
fn the_shell_gets_the_terminal_meanwhile() {
    let project = waiting();
    let mut terminal = Terminal::shell(&project, (120, 30));
    terminal.sees("the prompt", &["shell>"]);
    terminal.keys(&format!("{}\r", env!("CARGO_BIN_EXE_tl-bench")));
    terminal.sees("the workbench", &["No runs yet."]);
    terminal.keys("\x1a");
    terminal.sees("the shell", &["Stopped"]);
    terminal.given_back();
    terminal.keys("fg\r");
    terminal.wait("the workbench again", |screen| {
        screen.alternate_screen() && screen.contents().contains("No runs yet.")
    });
    terminal.keys("q");
    terminal.wait("the shell again", |screen| !screen.alternate_screen());
    // At once: what is typed from here on is for the shell.
    terminal.keys("echo left with $?\r");
    terminal.sees("the exit code", &["left with 0"]);
    terminal.keys("exit\r");
    terminal.end();
}

/// The process that was started last with this one above it.
fn child_of(parent: nix::unistd::Pid) -> nix::unistd::Pid {
    let tasks = format!("/proc/{parent}/task/{parent}/children");
    let child = || std::fs::read_to_string(&tasks).ok()?.split_whitespace().last()?.parse().ok();
    nix::unistd::Pid::from_raw(wait::until("the shell's child", wait::BOUND, child))
}

#[test]
fn a_workbench_that_is_stopped_from_outside_gives_the_terminal_back() {
    let project = waiting();
    let mut terminal = Terminal::shell(&project, (80, 24));
    terminal.sees("the prompt", &["shell>"]);
    terminal.keys(&format!("{}\r", env!("CARGO_BIN_EXE_tl-bench")));
    terminal.sees("the workbench", &["No runs yet."]);
    let bench = child_of(terminal.pid());
    for round in 0..2 {
        kill(bench, Signal::SIGTSTP).unwrap();
        terminal.wait("the shell", |screen| {
            let all = screen.contents();
            // With its prompt: what is typed before that stands in another place.
            let prompts = all.trim_end().ends_with("shell>");
            !screen.alternate_screen() && all.matches("Stopped").count() > round && prompts
        });
        terminal.given_back();
        // What is written meanwhile must not shine through.
        terminal.keys(&format!("echo meanwhile {round}\r"));
        terminal.sees("the shell's output", &[&format!("\nmeanwhile {round}")]);
        terminal.keys("fg\r");
        terminal.wait("the workbench again", |screen| {
            let all = screen.contents();
            screen.alternate_screen() && all.contains("No runs yet.") && !all.contains("meanwhile")
        });
    }
    // A stop that nobody can hear of: the shell restores the line discipline, `fg` brings everything back.
    kill(bench, Signal::SIGSTOP).unwrap();
    terminal.sees("the shell", &["Stopped"]);
    terminal.keys("fg\r");
    terminal.wait("the workbench drawn anew", |screen| {
        let all = screen.contents();
        screen.alternate_screen() && all.contains("No runs yet.") && !all.contains("Stopped")
    });
    terminal.keys("?");
    terminal.sees("that keys arrive", &["Everywhere"]);
    terminal.keys("\x1b");
    terminal.misses("the help to close", "Everywhere");
    terminal.keys("q");
    terminal.wait("the shell again", |screen| !screen.alternate_screen());
    terminal.keys("exit\r");
    terminal.end();
}

/// An application that fails with a sentence of several rows.
const WORDY: &str = r#"
from tensorlake.applications import application, function


@application()
@function()
def wordy() -> str:
    raise RuntimeError(" ".join(f"word{n}" for n in range(28)))
"#;

#[test]
fn what_was_said_is_read_later() {
    let project = Project::new();
    project.write("app.py", WORDY);
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("what to do", &["Press r to run wordy"]);
    terminal.keys("r");
    terminal.sees("two rows of it, and the key for the rest", &["RuntimeError: word0", "g m all of it"]);
    terminal.keys("gm");
    terminal.sees("all of it", &["Messages 2", "error", "Starting wordy", "word27"]);
    terminal.keys("k");
    terminal.misses("the message in full", "word27");
    // A key of the tree says where the tree is.
    terminal.keys("S");
    terminal.sees("where the key works", &["S works in the tree of calls (g c)"]);
    terminal.keys("gcM");
    terminal.sees("where the other one does", &["M works in the list of runs (g r): mark the selected run."]);
    quit(terminal);
}
