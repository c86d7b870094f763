//! A secret in what the workbench gives to other programs and leaves behind: the editor's and the pager's file, the
//! clipboard, the terminal, its own state.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tl_bench::value::view::{base64, from_base64};

use crate::project::Project;
use crate::terminal::Terminal;
use crate::wait;

const BOUND: Duration = Duration::from_secs(20);

const CANARY: &str = "correct-horse-battery-staple-7";

const APP: &str = r#"
import os
from tensorlake.applications import application, function

CANARY = os.environ["CANARY"]

@function()
def header(prompt: str) -> dict:
    return {"Authorization": "Bearer " + CANARY, "asked": prompt}

@application()
@function()
def app(question: str) -> dict:
    given = header("use " + CANARY)
    if question == "fail":
        raise ValueError("refused: " + given["Authorization"])
    return {"token": CANARY}
"#;

/// Keeps what it gets and how: modes, arguments (its own, its caller's), the file; and leaves a copy beside it, as editors do.
const PROGRAM: &str = r#"#!/bin/sh
kept="$(dirname "$0")/../kept"; mkdir -p "$kept"; name="$(basename "$0")"
stat -c '%a' "$1" "$(dirname "$1")" > "$kept/$name.modes"
tr '\0' ' ' < /proc/$$/cmdline > "$kept/$name.args"; tr '\0' ' ' < /proc/$PPID/cmdline >> "$kept/$name.args"
cp "$1" "$kept/$name.file"; cp "$1" "$1~"
printf '%s' "$1" > "$kept/$name.new"; mv "$kept/$name.new" "$kept/$name.path"
"#;

fn project() -> Project {
    let project = Project::new().with("CANARY", CANARY);
    project.write("app.py", APP);
    project.write("tl-bench.toml", "secrets = [\"CANARY\"]\n");
    let programs = project.temporary().parent().unwrap().join("programs");
    std::fs::create_dir(&programs).unwrap();
    for name in ["editor", "pager"] {
        std::fs::write(programs.join(name), PROGRAM).unwrap();
        std::fs::set_permissions(programs.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let program = |name: &str| programs.join(name).display().to_string();
    let (editor, pager) = (program("editor"), program("pager"));
    project.with("EDITOR", &editor).with("PAGER", &pager)
}

fn clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains(CANARY), "{what} holds the secret: {text}");
    // In base64 wherever it begins.
    for before in 0..3 {
        let encoded = base64(["x".repeat(before).as_str(), CANARY].concat().as_bytes());
        let middle = &encoded[4..encoded.len() - 4];
        assert!(!text.contains(middle), "{what} holds the secret in base64: {text}");
    }
}

/// Every file of the project's world but what its author wrote; how many there were.
fn clean_below(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files += clean_below(&path);
        } else if path.is_file() && !path.ends_with("app.py") {
            clean(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default());
            files += 1;
        }
    }
    files
}

/// What was given to a program, after it was looked through.
fn kept(project: &Project, name: &str) -> (String, String) {
    let kept = project.temporary().parent().unwrap().join("kept");
    wait::for_file(&kept.join(format!("{name}.path")));
    let read = |what: &str| std::fs::read_to_string(kept.join(format!("{name}.{what}"))).unwrap();
    assert_eq!(
        read("modes").split_whitespace().collect::<Vec<_>>(),
        ["600", "700"],
        "{name}: for nobody else"
    );
    clean("the arguments", read("args").as_bytes());
    let path = read("path");
    std::fs::remove_file(kept.join(format!("{name}.path"))).unwrap();
    (read("file"), path)
}

fn gone(reason: &str, path: &str) {
    wait::until(reason, BOUND, || (!Path::new(path).exists()).then_some(()));
}

/// What was copied, from the sequences that a terminal gets.
fn copied(terminal: &Terminal) -> Vec<String> {
    let bytes = terminal.bytes();
    let payloads = bytes.split("\x1b]52;c;").skip(1).filter_map(|rest| rest.split(['\x07', '\x1b']).next());
    payloads.map(|text| String::from_utf8(from_base64(text).unwrap()).unwrap()).collect()
}

#[test]
fn what_the_workbench_hands_out_and_leaves_holds_no_secret() {
    let project = project();
    assert_eq!(project.tl(&["run", "--arg", "question=hello", "-q"]).code(), 0);
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the call", &["header#1"]);
    terminal.keys("ggj");
    terminal.sees("its output", &["Authorization", "[secret CANARY"]);

    terminal.keys("v");
    let (paged, path) = kept(&project, "pager");
    assert!(paged.contains("[secret CANARY"), "{paged}");
    gone("it goes with the pager", &path);
    terminal.sees("the workbench again", &["header#1"]);

    terminal.keys("yy");
    wait::until("the copy", BOUND, || {
        copied(&terminal).iter().any(|text| text.contains("[secret CANARY")).then_some(())
    });
    copied(&terminal).iter().for_each(|text| clean("the clipboard", text.as_bytes()));

    // The arguments of the call, to be edited.
    terminal.keys("ai");
    let (edited, path) = kept(&project, "editor");
    assert!(edited.contains("[secret CANARY"), "{edited}");
    gone("it goes with the editor", &path);
    // What the editor itself left beside it goes with the workbench.
    let beside = format!("{path}~");
    assert!(Path::new(&beside).exists());
    terminal.sees("the workbench again", &["header#1"]);
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
    assert!(!Path::new(&beside).exists(), "it goes with the workbench");
    clean("the terminal", terminal.bytes().as_bytes());

    let world = project.temporary().parent().unwrap().to_path_buf();
    assert!(world.join("home").exists() && clean_below(&world) > 5, "no file was looked at");
    let left: Vec<_> =
        std::fs::read_dir(project.temporary()).unwrap().flatten().map(|it| it.path()).collect();
    assert!(left.is_empty(), "temporary files are left: {left:?}");
}

#[test]
fn a_workbench_that_is_killed_while_the_editor_is_open_leaves_no_secret_and_the_next_run_its_files_none() {
    let project = project();
    assert_eq!(project.tl(&["run", "--arg", "question=fail", "-q"]).code(), 1);
    let world = project.temporary().parent().unwrap().to_path_buf();
    let (open, go) = (world.join("open"), world.join("go"));
    let waits =
        format!("#!/bin/sh\ntouch {}\nuntil [ -e {} ]; do sleep 0.02; done\n", open.display(), go.display());
    std::fs::write(world.join("programs/editor"), waits).unwrap();
    let mut terminal = Terminal::bench(&project, (120, 36), &[]);
    terminal.sees("the call", &["header#1", "refused: Bearer [secret CANARY"]);
    terminal.keys("ggjai");
    wait::for_file(&open);
    terminal.killed();
    std::fs::write(&go, "").unwrap();
    clean("the terminal", terminal.bytes().as_bytes());
    clean_below(&world);
    let left = || std::fs::read_dir(project.temporary()).unwrap().count();
    assert!(left() > 0, "the kill left the editor's file");
    assert_eq!(project.tl(&["run", "--arg", "question=hello", "-q"]).code(), 0);
    assert_eq!(left(), 0, "the next run removes it");
}
