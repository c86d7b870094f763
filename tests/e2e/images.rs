//! Images that the terminal draws itself (feature `images`): asked, answered, moved, covered, taken away.

use crate::project::Project;
use crate::terminal::Terminal;
use crate::wait::{self, BOUND};

/// A picture of 60 by 40 pixels, after a call without one.
const APP: &str = r#"
import struct
import zlib
from tensorlake.applications import File, application, function


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 60, 40, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress((b"\0" + b"\xff\0\0" * 30 + b"\0\0\xff" * 30) * 40))
    + chunk(b"IEND", b"")
)


@function()
def before(n: int) -> str:
    return "no picture"


@function()
def draw(n: int) -> File:
    return File(content=PNG, content_type="image/png")


@application()
@function()
def pictures() -> str:
    before(1)
    draw(1)
    return "done"
"#;

const QUESTION: &str = "\x1b_Gi=31,s=1,v=1,a=q";
const SENT: &str = "\x1b_Ga=t,f=100,";
const PLACED: &str = "\x1b_Ga=p,";
const DELETED: &str = "\x1b_Ga=d,d=I,";
const SIXEL: &str = "\x1bP0;1;0q";

fn project() -> Project {
    let project = Project::new();
    project.write("app.py", APP);
    let done = project.tl(&["run", "-q"]);
    assert_eq!(done.code(), 0, "{done}");
    project
}

/// The workbench at the call that returned a picture.
fn at_the_picture(project: &Project, size: (u16, u16)) -> Terminal {
    let mut terminal = Terminal::bench(project, size, &[]);
    terminal.sees("the calls", &["before#1", "draw#1"]);
    terminal.keys("ggjj");
    terminal.sees("the half cells of the picture", &["PNG image (image/png), 60 × 40", "▀▀▀▀"]);
    terminal
}

fn count(terminal: &Terminal, what: &str) -> usize {
    terminal.bytes().matches(what).count()
}

fn counts(terminal: &Terminal, reason: &str, what: &str, n: usize) {
    wait::until(&format!("{reason} ({n} of {what:?})"), BOUND, || (count(terminal, what) == n).then_some(()));
}

fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

#[test]
fn a_terminal_that_answers_draws_images_itself() {
    let project = project();
    let mut terminal = at_the_picture(&project, (120, 40));
    terminal.gets("the question", QUESTION);
    assert_eq!(count(&terminal, SENT), 0, "before there is an answer");
    // What comes is no keys: `G` would go to the end, `i` would edit.
    terminal.keys("\x1b_Gi=31;OK\x1b\\\x1bP>|other 1.0\x1b\\");
    counts(&terminal, "the picture", SENT, 1);
    counts(&terminal, "its place", PLACED, 1);
    terminal.sees("the same call", &["│ draw#1", "PNG image"]);

    // A list over it takes it away, and it comes again.
    terminal.keys(":");
    counts(&terminal, "it to be covered", DELETED, 1);
    terminal.keys("\x1b");
    counts(&terminal, "it again", SENT, 2);
    // Another call, another tab.
    terminal.keys("k");
    counts(&terminal, "it to go", DELETED, 2);
    terminal.sees("the other call", &["no picture"]);
    terminal.keys("j");
    counts(&terminal, "it again", SENT, 3);
    terminal.keys("t");
    counts(&terminal, "it to go with its tab", DELETED, 3);
    terminal.keys("gi\x1b[Dgc");
    counts(&terminal, "it again", SENT, 4);
    // A new size clears the screen, and the picture with it.
    terminal.resize((110, 18));
    counts(&terminal, "it again", SENT, 5);
    // Scrolled, it is moved, not sent.
    let placed = count(&terminal, PLACED);
    terminal.mouse(65, (90, 10), true);
    counts(&terminal, "it to move", PLACED, placed + 1);
    assert_eq!((count(&terminal, SENT), count(&terminal, QUESTION)), (5, 1));
    quit(terminal);
}

#[test]
fn a_terminal_that_does_not_answer_gets_half_cells() {
    let project = project();
    let mut terminal = at_the_picture(&project, (120, 30));
    terminal.gets("the question", QUESTION);
    terminal.keys("k");
    terminal.sees("that keys arrive", &["no picture"]);
    terminal.keys("j\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\");
    terminal.sees("the picture", &["│ draw#1", "▀▀▀▀"]);
    let bytes = terminal.bytes();
    assert!(!bytes.contains(SENT) && !bytes.contains(SIXEL));
    quit(terminal);
    // A multiplexer would answer for itself.
    let project = self::project().with("TMUX", "/tmp/tmux-0/default,1,0");
    let terminal = at_the_picture(&project, (120, 30));
    assert!(!terminal.bytes().contains("\x1b_G"));
    quit(terminal);
}

#[test]
fn settings_force_a_protocol_and_images_are_drawn_after_a_stop() {
    let project = project();
    project.write("tl-bench.toml", "[workbench]\nimages = \"sixel\"\n");
    let mut terminal = at_the_picture(&project, (120, 40));
    counts(&terminal, "the picture", SIXEL, 1);
    assert_eq!(count(&terminal, QUESTION), 0);
    // Sixels are part of the screen: only clearing it takes them away.
    let cleared = count(&terminal, "\x1b[2J");
    terminal.keys("k");
    counts(&terminal, "a cleared screen", "\x1b[2J", cleared + 1);
    terminal.sees("the other call", &["no picture"]);
    terminal.keys("j");
    counts(&terminal, "the picture", SIXEL, 2);
    // Other settings count at once.
    project.write("tl-bench.toml", "[workbench]\nimages = \"kitty\"\n");
    counts(&terminal, "the picture in another way", SENT, 1);
    project.write("tl-bench.toml", "[workbench]\nimages = \"blocks\"\n");
    counts(&terminal, "a cleared screen", "\x1b[2J", cleared + 3);
    terminal.sees("half cells", &["▀▀▀▀"]);
    // Stopped and continued.
    project.write("tl-bench.toml", "[workbench]\nimages = \"kitty\"\n");
    counts(&terminal, "the picture", SENT, 2);
    nix::sys::signal::kill(terminal.pid(), nix::sys::signal::Signal::SIGCONT).unwrap();
    counts(&terminal, "the picture again", SENT, 3);
    quit(terminal);
}
