//! Values of 100 MB: what the program takes to show them is bounded, whatever they are.

use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

use crate::project::Project;
use crate::terminal::Terminal;

/// What the program may take at its peak, in kB. One copy of a value beside the program itself is too much.
const MOST: u64 = 150_000;
/// What writes them into another file may: the text that a value becomes, and what that text is read back to.
const MOST_TO_SAVE: u64 = 300_000;
/// What reads that file, twice as large as it is at most, and executes with its answers may.
const MOST_TO_CHECK: u64 = 1_200_000;
/// Recording them takes its time where nothing is optimised.
const LONG: Duration = Duration::from_secs(240);
/// A value's size.
const SIZE: usize = 100_000_000;

const APP: &str = r#"
from tensorlake.applications import application, function

LINE = "line {}: a word, and some words more that are there to be long\n"


@function()
def answer(question: str) -> str:
    return question


@function()
def bytes_of(text: str) -> bytes:
    return text.encode()


@function()
def speak(size: int) -> int:
    for n in range(size // 100):
        print(n, "x" * 92)
    return size


@application()
@function()
def huge(size: int, last: str) -> int:
    text = "".join(LINE.format(n) for n in range(size // 70)) + last
    answer(text)
    bytes_of(text)
    return speak(size)
"#;

/// The most memory that a process had so far, in kB.
fn peak(pid: nix::unistd::Pid) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Runs a command to its end; its peak is below the bound.
fn bounded(project: &Project, args: &[&str]) -> String {
    bounded_by(project, args, MOST)
}

fn bounded_by(project: &Project, args: &[&str], bound: u64) -> String {
    let started = project.start(args);
    let pid = started.pid();
    // The last look is a moment before the end: what was given back by then is in the peak, too.
    let watched = std::thread::spawn(move || {
        let mut most = 0;
        while let Some(now) = peak(pid) {
            most = most.max(now);
            std::thread::park_timeout(std::time::Duration::from_millis(2));
        }
        most
    });
    let done = started.finish_within(LONG);
    assert_eq!(done.code(), 0, "{done}");
    let most = watched.join().unwrap();
    assert!((1..bound).contains(&most), "{args:?} took {most} kB");
    done.out
}

#[test]
fn values_of_100_mb_are_shown_in_little_memory() {
    if !Path::new("/proc/self/status").exists() {
        return;
    }
    let project = Project::new();
    project.write("app.py", APP);
    let run = |last: &str| {
        let args = ["run", "-q", "--arg", &format!("size={SIZE}"), "--arg", &format!("last={last}")];
        let done = project.start(&args).finish_within(LONG);
        assert_eq!(done.code(), 0, "{done}");
    };
    run("the end");
    run("another end");
    for call in ["huge/answer#1", "huge/bytes_of#1", "huge/speak#1"] {
        bounded(&project, &["show", "latest", call]);
    }
    let told = bounded(&project, &["diff", "latest~1", "latest", "--call", "huge/answer#1"]);
    assert!(told.contains("another end"), "{told}");
    let whole = bounded(&project, &["show", "latest", "huge/answer#1", "--json"]);
    assert!(whole.len() > SIZE / 10 * 19, "{}", whole.len());
    assert_eq!(whole.matches("another end\"").count(), 2);
    bounded(&project, &["logs", "latest"]);
    let found = bounded(&project, &["show", "latest", "--filter", "out~'ANOTHER end'"]);
    assert!(found.contains("answer#1"), "{found}");
    bounded_by(&project, &["golden", "save", "latest", "big"], MOST_TO_SAVE);
    let golden = std::fs::File::open(project.path("tests/golden/big.golden.json")).unwrap();
    let mut golden = std::io::BufReader::new(golden).lines();
    assert!(golden.any(|line| line.unwrap().trim() == "\"another end\""));
    let held = bounded_by(&project, &["golden", "check", "big"], MOST_TO_CHECK);
    assert!(held.starts_with("holds "), "{held}");
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("the calls", &["answer#1", "bytes_of#1", "speak#1"]);
    terminal.keys("ggj");
    terminal.sees("an output", &["line 0: a word"]);
    terminal.keys("j");
    terminal.sees("bytes", &["00000000"]);
    terminal.keys("kt");
    terminal.sees("an input", &["question", "line 0: a word"]);
    terminal.keys("t");
    terminal.sees("a difference", &["compared with huge/answer#1", "another end"]);
    terminal.keys("tjj");
    terminal.sees("logs", &["xxxxxxxx"]);
    let most = peak(terminal.pid()).unwrap();
    assert!(most < MOST, "the workbench took {most} kB");
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
}
