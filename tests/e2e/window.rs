//! What lies between the workbench and its terminal: colours, signs, the mouse, copies, settings, what is kept.

use std::os::unix::fs::PermissionsExt;

use crate::project::Project;
use crate::terminal::Terminal;

const APP: &str = r#"
from tensorlake.applications import application, function


@function()
def first(n: int) -> str:
    return "the first answer"


@function()
def second(text: str) -> str:
    return text.upper()


@application()
@function()
def app() -> str:
    return second(first(1))
"#;

/// A project with one run.
fn project() -> Project {
    let project = Project::new();
    project.write("app.py", APP);
    assert_eq!(project.tl(&["run"]).code(), 0);
    project
}

fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

/// The numbers of all colours that were asked for.
fn colours(bytes: &str) -> Vec<String> {
    let sequences = bytes.split("\x1b[").skip(1);
    let styles = sequences.filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    // What only switches colours off does not count.
    styles
        .filter(|style| {
            style.split(';').any(|n| n.len() == 2 && n != "39" && n != "49" && "3489".contains(&n[..1]))
        })
        .collect()
}

#[test]
fn each_terminal_gets_the_colours_that_it_has() {
    let project = project();
    let shown = |variables: &[(&str, &str)]| {
        let mut project = Project::new();
        project
            .variables
            .extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        project.write("app.py", APP);
        assert_eq!(project.tl(&["run"]).code(), 0);
        let terminal = Terminal::bench(&project, (120, 30), &[]);
        terminal.sees("the run", &["Runs 1", "first#1", "succeeded"]);
        let bytes = terminal.bytes();
        quit(terminal);
        bytes
    };
    drop(project);
    let old = |style: &String| style.len() == 2 && "349".contains(&style[..1]);
    for variables in [&[("TERM", "xterm")][..], &[("TERM", "xterm"), ("TL_BENCH_THEME", "dark")]] {
        let found = colours(&shown(variables));
        assert!(!found.is_empty() && found.iter().all(old), "{variables:?}: {found:?}");
    }
    let dark = ("TL_BENCH_THEME", "dark");
    let found = colours(&shown(&[("TERM", "xterm-256color"), dark]));
    assert!(found.iter().any(|style| style.starts_with("38;5;")), "{found:?}");
    assert!(!found.iter().any(|style| style.starts_with("38;2;")), "{found:?}");
    let found = colours(&shown(&[("TERM", "xterm"), ("COLORTERM", "truecolor"), dark]));
    assert!(found.iter().any(|style| style.starts_with("38;2;")), "{found:?}");
    let found =
        colours(&shown(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1"), dark]));
    assert_eq!(found, Vec::<String>::new());
    let bytes = shown(&[("LANG", "C")]);
    assert!(bytes.is_ascii(), "{bytes}");
}

#[test]
fn a_terminal_that_cannot_place_text_is_refused_with_a_way_out() {
    let project = project().with("TERM", "dumb");
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("the refusal", &["TERM says dumb", "tl-bench --plain"]);
    assert_eq!(terminal.end(), 2);
}

#[test]
fn the_mouse_selects_scrolls_drags_and_is_given_back() {
    let project = project();
    let mut terminal = Terminal::bench(&project, (160, 30), &[]);
    terminal.sees("three panes", &["Runs 1", "Calls", "first#1", "│ app"]);
    let at = terminal.find("second#1");
    terminal.mouse(0, at, true);
    terminal.mouse(0, at, false);
    terminal.sees("the call that was clicked", &["│ second#1", "THE FIRST ANSWER"]);
    // A tab by its title.
    let at = terminal.find("Input");
    terminal.mouse(0, at, true);
    terminal.mouse(0, at, false);
    terminal.sees("its input", &["called from app.py:"]);
    // The border between runs and calls.
    let (x, y) = (terminal.find("Calls").0 - 2, 10);
    terminal.mouse(0, (x, y), true);
    terminal.mouse(32, (x + 9, y), true);
    terminal.mouse(0, (x + 9, y), false);
    terminal.wait("the border where it was dragged to", |screen| {
        let line = screen.rows(0, 160).nth(10).unwrap_or_default();
        line.chars().nth(usize::from(x) + 9) == Some('│') && line.chars().nth(usize::from(x)) != Some('│')
    });
    terminal.keys("m");
    terminal.sees("the sentence", &["mouse"]);
    terminal.wait("the mouse to be the terminal's", |screen| {
        screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    });
    terminal.keys("m");
    terminal.wait("the mouse to be used again", |screen| {
        screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
    });
    quit(terminal);
}

/// `the first answer`, as OSC 52 carries it.
const COPIED: &str = "\x1b]52;c;dGhlIGZpcnN0IGFuc3dlcg==\x07";

#[test]
fn copies_go_through_the_terminal_and_multiplexers() {
    for (variable, value) in [("TMUX", "/tmp/tmux-0/default,1,0"), ("SSH_TTY", "/dev/pts/7")] {
        let project = project().with(variable, value).with("DISPLAY", ":7");
        // A tool that copies on the machine on which it runs.
        let tool = project.path("xclip");
        project.write("xclip", "#!/bin/sh\ncat > \"$0.copied\"\n");
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", project.path("").display(), std::env::var("PATH").unwrap());
        let project = project.with("PATH", &path);
        let mut terminal = Terminal::bench(&project, (120, 30), &[]);
        terminal.sees("the run", &["first#1"]);
        terminal.keys("jyy");
        terminal.sees("the sentence", &["is copied"]);
        match variable {
            "TMUX" => {
                let wrapped = format!("\x1bPtmux;{}\x1b\\", COPIED.replace('\x1b', "\x1b\x1b"));
                terminal.gets("the copy as tmux hands it on", &wrapped);
                crate::wait::for_file(&project.path("xclip.copied"));
            }
            _ => {
                terminal.gets("the copy", COPIED);
                assert!(!project.path("xclip.copied").exists(), "copied on the wrong machine");
            }
        }
        quit(terminal);
    }
}

#[test]
fn settings_that_did_not_exist_at_the_start_count_as_soon_as_they_are_saved() {
    let project = project();
    let config = project.path("../home/config");
    assert!(!config.exists());
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("signs of Unicode", &["◆ first#1"]);
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), "[workbench]\nglyphs = \"ascii\"\ntheme = \"own\"\n").unwrap();
    terminal.sees("other signs, and that there is no such theme", &["+ first#1", "own"]);
    std::fs::create_dir(config.join("themes")).unwrap();
    std::fs::write(
        config.join("themes/own.toml"),
        "inherits = \"dark\"\n[meanings]\ngod = { bold = true }\n",
    )
    .unwrap();
    terminal.sees("the mistake in the theme", &["own.toml:3", "god"]);
    let doctor = project.tl(&["doctor"]);
    assert!(doctor.out.contains("own.toml:3") && doctor.code() != 0, "{doctor}");
    std::fs::write(config.join("themes/own.toml"), "inherits = \"dark\"\n").unwrap();
    terminal.misses("the mistake to go", "own.toml");
    terminal.keys("j");
    quit(terminal);
}

#[test]
fn where_the_user_was_is_there_the_next_time() {
    let project = project();
    let mut terminal = Terminal::bench(&project, (160, 30), &[]);
    terminal.sees("three panes", &["Runs 1", "│ app"]);
    let before = terminal.find("Calls").0;
    terminal.keys("gr>>>");
    terminal.wait("a wider list", |screen| {
        screen.contents().lines().nth(1).is_some_and(|line| {
            line.find("Calls").is_some_and(|at| line[..at].chars().count() > usize::from(before))
        })
    });
    let wide = terminal.find("Calls").0;
    terminal.keys("gcjj");
    terminal.sees("the selected call", &["│ second#1"]);
    quit(terminal);
    let terminal = Terminal::bench(&project, (160, 30), &[]);
    terminal.sees("the same call", &["│ second#1"]);
    assert_eq!(terminal.find("Calls").0, wide);
    quit(terminal);
}
