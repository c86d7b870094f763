//! The mouse over lists and over what lies above them, and the terminal's cursor where text is typed.

use crate::project::Project;
use crate::terminal::Terminal;

const APP: &str = r#"
from tensorlake.applications import application, function


@function()
def item(n: int) -> str:
    return "\n".join(f"line {i} of {n}" for i in range(90))


@application()
@function()
def many(topic: str = "tides", count: int = 40) -> int:
    return len([item(n) for n in range(count)])


@application()
@function()
def other() -> str:
    return "the other one"
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("app.py", APP);
    let done = project.tl(&["run", "many", "-q"]);
    assert_eq!(done.code(), 0, "{done}");
    project
}

fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

fn click(terminal: &mut Terminal, at: (u16, u16)) {
    terminal.mouse(0, at, true);
    terminal.mouse(0, at, false);
}

const UP: u8 = 64;
const DOWN: u8 = 65;

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let project = project();
    for _ in 0..3 {
        assert_eq!(project.tl(&["run", "other", "-q"]).code(), 0);
    }
    let mut terminal = Terminal::bench(&project, (160, 24), &[]);
    terminal.sees("the runs", &["Runs 4"]);
    terminal.keys("grGgc");
    terminal.sees("the first run", &["Runs 4", "item#1 ", "item#15"]);
    let tree = terminal.find("item#15");
    for _ in 0..3 {
        terminal.mouse(DOWN, tree, true);
    }
    terminal.misses("the first items to be scrolled away", "item#1 ");
    terminal.sees("later ones", &["item#22", "Runs 4"]);
    for _ in 0..3 {
        terminal.mouse(UP, tree, true);
    }
    terminal.sees("the first again", &["item#1 "]);
    let at = terminal.find("item#5");
    click(&mut terminal, at);
    terminal.sees("its output", &["line 2 of 4", "│ item#5"]);
    let text = terminal.find("line 2 of 4");
    for _ in 0..4 {
        terminal.mouse(DOWN, text, true);
    }
    terminal.misses("the text to be scrolled", "line 2 of 4");
    terminal.sees("a later part, and the same call", &["line 20 of 4", "│ item#5"]);
    // A list that has the screen.
    terminal.keys("gf");
    terminal.sees("the table", &["p95", "▸many", " item "]);
    let row = terminal.find(" item ");
    terminal.mouse(DOWN, row, true);
    terminal.misses("the selection to move", "▸many");
    terminal.mouse(UP, row, true);
    terminal.sees("it where it was", &["▸many"]);
    quit(terminal);
}

#[test]
fn entries_of_lists_are_clicked() {
    let project = project();
    let mut terminal = Terminal::bench(&project, (120, 30), &[]);
    terminal.sees("the run", &["item#1 "]);

    // The palette: the wheel, a click that selects, one that acts, one beside it.
    terminal.keys(":");
    terminal.sees("the palette", &["Commands", "type to find a command"]);
    terminal.keys("functns");
    terminal.sees("what fits", &["functions "]);
    let at = terminal.find("functions ");
    let title = terminal.find("Commands");
    click(&mut terminal, title);
    click(&mut terminal, at);
    terminal.sees("the screen", &["Functions", "p95"]);
    terminal.keys("\x1b");
    terminal.misses("the screen to close", "p95");
    terminal.keys(":");
    terminal.sees("the palette", &["type to find a command"]);
    click(&mut terminal, (1, 28));
    terminal.misses("it to close", "type to find a command");

    // Help scrolls.
    terminal.keys("?");
    terminal.sees("the help", &["Keys", "In the tree of calls"]);
    for _ in 0..40 {
        terminal.mouse(DOWN, (60, 12), true);
    }
    terminal.misses("its beginning to be scrolled away", "In the tree of calls");
    terminal.keys("\x1b");

    // Which application, then its form.
    terminal.misses("the help to close", "type to find a command");
    terminal.keys("r");
    terminal.sees("the question", &["Run which application?", "many", "other"]);
    let (x, y) = terminal.find("other");
    click(&mut terminal, (x, y));
    terminal.sees("the question still there", &["Run which application?"]);
    click(&mut terminal, (x, y - 1));
    click(&mut terminal, (x, y - 1));
    terminal.sees("the form", &["Run many", "topic: str", "count: int"]);
    let at = terminal.find("count: int");
    click(&mut terminal, at);
    terminal.keys("\x1513");
    let at = terminal.find("topic: str");
    click(&mut terminal, at);
    terminal.keys("\x15xyzzy");
    terminal.sees("both fields", &["topic: str xyzzy", "count: int 13"]);
    // What was typed is not lost by a click.
    click(&mut terminal, (1, 28));
    terminal.sees("why it stays", &["Run many", "Esc closes this"]);
    let (x, y) = terminal.find("xyzzy");
    click(&mut terminal, (x + 2, y));
    terminal.keys("-");
    terminal.sees("a character before the one that was clicked", &["xy-zzy"]);
    terminal.keys("\r");
    terminal.sees("the run", &["Runs 2", "item#13", "succeeded"]);

    // Completions of a filter, and a click that leaves its line.
    terminal.keys("/pen");
    terminal.sees("a completion", &["/pen", "pending"]);
    let at = terminal.find("pending");
    click(&mut terminal, at);
    terminal.sees("it taken", &["/pending", "0 found"]);
    terminal.keys("\x15fn:item");
    terminal.sees("another filter", &["13 found"]);
    let at = terminal.find("item#7");
    click(&mut terminal, at);
    terminal.sees("the call that was clicked", &["│ item#7", "fn:item"]);

    // The keys that may follow.
    terminal.keys("g");
    terminal.sees("them", &["Show the run by function"]);
    let (x, y) = terminal.find("Show the run by function");
    click(&mut terminal, (x, y));
    terminal.sees("the screen", &["p95"]);
    quit(terminal);
}

/// Waits until the terminal's cursor is shown behind a text, or, with none, hidden.
fn cursor(terminal: &Terminal, reason: &str, behind: Option<&str>) {
    terminal.wait(reason, |screen| {
        let (row, column) = screen.cursor_position();
        match behind {
            None => screen.hide_cursor(),
            Some(text) => {
                let before = screen.contents_between(row, 0, row, column);
                !screen.hide_cursor() && before.trim_end_matches('\n').ends_with(text)
            }
        }
    });
}

#[test]
fn the_cursor_is_where_text_is_typed_and_nowhere_else() {
    let project = project();
    let mut terminal = Terminal::bench(&project, (80, 24), &[]);
    terminal.sees("the run", &["item#1 "]);
    cursor(&terminal, "no cursor in the tree", None);

    // The filter: wide characters, more than there is room for.
    terminal.keys("/");
    cursor(&terminal, "an empty line", Some(" /"));
    terminal.keys("out~日本語");
    cursor(&terminal, "behind wide characters", Some("/out~日本語"));
    terminal.keys("\x1b[D\x1b[D");
    cursor(&terminal, "two of them to the left", Some("/out~日"));
    terminal.keys("\x1b[F");
    let long = "潮".repeat(60);
    terminal.keys(&long);
    terminal.keys("終");
    cursor(&terminal, "behind the end of a scrolled line", Some("潮潮潮終"));
    terminal.keys("\x1b[D");
    cursor(&terminal, "before its last character", Some("潮潮潮"));
    terminal.wait("its last character below the cursor", |screen| {
        let (row, column) = screen.cursor_position();
        screen.cell(row, column).is_some_and(|cell| cell.contents() == "終")
    });
    terminal.keys("\x1b[H");
    cursor(&terminal, "its beginning", Some(" /"));
    terminal.keys("\x1b");
    cursor(&terminal, "no cursor in the tree", None);

    terminal.keys(":run");
    cursor(&terminal, "the palette", Some("▸ run"));
    terminal.keys("\x1b");
    cursor(&terminal, "no cursor in the tree", None);

    // A form, in the field that is edited.
    terminal.keys("r");
    terminal.sees("the question", &["Run which application?"]);
    cursor(&terminal, "no cursor in a list", None);
    terminal.keys("\r");
    terminal.sees("the form", &["topic: str"]);
    terminal.keys("\x15é日");
    cursor(&terminal, "the first field", Some("topic: str é日"));
    terminal.keys("\t\x157");
    cursor(&terminal, "the second field", Some("count: int 7"));
    terminal.keys("\x1b");
    terminal.misses("the form to close", "count: int");

    // Words in all runs, and in the inspector.
    terminal.keys("gs");
    terminal.keys("日");
    cursor(&terminal, "the line of the search", Some("▸ 日"));
    terminal.keys("\x1b");
    cursor(&terminal, "no cursor in the list", None);
    terminal.keys("\x1b");
    terminal.sees("the tree", &["item#1 "]);
    terminal.keys("jgi");
    terminal.sees("the text", &["line 2 of 0"]);
    terminal.keys("/li");
    cursor(&terminal, "the line below the inspector", Some("/li"));
    terminal.keys("\x1b");
    cursor(&terminal, "no cursor in the inspector", None);
    quit(terminal);
}
