//! Values in the inspector: files that they carry, and other programs that open them.

use std::os::unix::fs::PermissionsExt;

use crate::project::Project;
use crate::terminal::Terminal;
use crate::wait;

/// A PNG of 3 by 2 pixels in several wrappings.
const PICTURES: &str = r#"
import base64
import struct
import zlib
from tensorlake.applications import File, application, function


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\0" + b"\xff\0\0" * 3 + b"\0" + b"\0\0\xff" * 3))
    + chunk(b"IEND", b"")
)


@function()
def draw(n: int) -> File:
    return File(content=PNG, content_type="image/png")


@function()
def ask(messages: list) -> str:
    return "<!doctype html>\n<html><body>a page</body></html>\n"


@application()
@function()
def pictures() -> str:
    draw(1)
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    ask([{"role": "user", "content": [
        {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]}])
    open("picture.png", "wb").write(PNG)
    return "done"
"#;

/// A project whose files are opened by a script that keeps what it gets and how it got it.
fn pictures() -> Project {
    let project = Project::new();
    project.write("app.py", PICTURES);
    let opener = project.path("opener.sh");
    std::fs::write(
        &opener,
        "#!/bin/sh\nstat -c '%a' \"$1\" \"$(dirname \"$1\")\" > mode.new\ncp \"$1\" \"$(basename \"$1\").copy\"\n\
         echo \"$1\" > opened.new; mv mode.new mode; mv opened.new opened\nprintf '\\033[31mnoise\\n'\n",
    )
    .unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let project = project.with("TL_BENCH_OPEN", &opener.display().to_string());
    let done = project.tl(&["run", "-q"]);
    assert_eq!(done.code(), 0, "{done}");
    project
}

#[test]
fn files_in_values_are_told_and_opened_by_another_program() {
    let project = pictures();
    let png = std::fs::read(project.path("picture.png")).unwrap();
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("the calls", &["draw#1", "ask#1"]);
    terminal.keys("ggj");
    terminal.sees("the image", &["PNG image (image/png), 3 × 2, ", "O opens it", "--save FILE"]);
    terminal.keys("O");
    terminal.sees("the program", &["opener.sh opens "]);
    wait::for_file(&project.path("opened"));
    let path = std::fs::read_to_string(project.path("opened")).unwrap();
    assert!(path.trim_end().ends_with("/draw-output.png"), "{path}");
    assert_eq!(std::fs::read(project.path("draw-output.png.copy")).unwrap(), png);
    let mode = std::fs::read_to_string(project.path("mode")).unwrap();
    assert_eq!(mode.split_whitespace().collect::<Vec<_>>(), ["600", "700"], "nobody else can read it");

    // An image in a message, selected; its number tells it from others.
    std::fs::remove_file(project.path("opened")).unwrap();
    terminal.keys("jt");
    terminal.sees("the message with its image", &["What is this?", "PNG image (image/png), 3 × 2"]);
    terminal.keys("gijj");
    terminal.keys("O");
    wait::for_file(&project.path("opened"));
    assert_eq!(std::fs::read(project.path("ask-input.png.copy")).unwrap(), png);

    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
    assert!(!std::path::Path::new(path.trim_end()).exists(), "it goes with the workbench");
}

#[test]
fn a_program_that_fails_is_told_with_the_file() {
    let project = pictures().with("TL_BENCH_OPEN", "false");
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("the calls", &["draw#1", "ask#1"]);
    terminal.keys("ggjjO");
    terminal.sees("that it failed", &["false ended with exit status: 1", "ask-output.html"]);
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
}

#[test]
fn show_saves_what_the_workbench_opens() {
    let project = pictures();
    let png = std::fs::read(project.path("picture.png")).unwrap();
    let save = |args: &[&str]| {
        let done = project.tl(&[&["show", "latest"], args].concat());
        assert_eq!(done.code(), 0, "{done}");
    };
    save(&["pictures/draw#1", "--save", "a.png"]);
    save(&["pictures/ask#1", "--input", "--at", "messages[0].content[1]", "--save", "b.png"]);
    save(&["pictures/ask#1", "--input", "--at", "messages[0].content[0].text", "--save", "b.txt"]);
    save(&["pictures/ask#1", "--input", "--save", "b.json"]);
    assert_eq!(std::fs::read(project.path("a.png")).unwrap(), png);
    assert_eq!(std::fs::read(project.path("b.png")).unwrap(), png);
    assert_eq!(std::fs::read_to_string(project.path("b.txt")).unwrap(), "What is this?");
    let whole: serde_json::Value =
        serde_json::from_slice(&std::fs::read(project.path("b.json")).unwrap()).unwrap();
    assert_eq!(whole["messages"][0]["role"], "user");
    let refused = project.tl(&["show", "latest", "pictures/draw#1", "--save", "a.png"]);
    assert_eq!(refused.code(), 2, "{refused}");
    let nowhere = project.tl(&["show", "latest", "pictures/ask#1", "--at", "x.y", "--save", "c"]);
    assert_eq!(nowhere.code(), 2, "{nowhere}");
    assert!(!project.path("c").exists());
}
