//! The screen Diff in a terminal: a run and its replay after an edit, and a run that was marked.

use crate::project::Project;
use crate::terminal::Terminal;

const APP: &str = r#"
from tensorlake.applications import application, function

TONE = "kind"


@function()
def greet(name: str) -> str:
    return f"{TONE} greetings to {name}"


@function()
def shout(text: str) -> str:
    return text.upper()


@application()
@function()
def talk(name: str = "Ada") -> str:
    return shout(greet(name)) + " and " + greet("Bob")
"#;

#[test]
fn an_edited_constant_is_seen_as_the_cause_at_every_size() {
    for size in [(200, 60), (120, 40), (80, 24), (40, 10)] {
        let project = Project::new();
        project.write("app.py", APP);
        assert_eq!(project.tl(&["run"]).code(), 0);
        project.write("app.py", &APP.replace("\"kind\"", "\"curt\""));
        assert_eq!(project.tl(&["replay"]).code(), 0);

        let mut terminal = Terminal::bench(&project, size, &[]);
        terminal.sees("the replay", &["succeeded"]);
        terminal.keys("gd");
        terminal.sees("the tree of both", &["Diff", "1 cause", "greet#1"]);
        if size.0 >= 80 {
            terminal.sees("the cause by name", &["code changed: TONE in app.py:4", "2 calls"]);
            terminal.sees("what was edited", &["- TONE = \"kind\"", "+ TONE = \"curt\""]);
            terminal.sees("its twin", &["tl-bench diff"]);
        } else {
            terminal.keys("\t");
            terminal.sees("what differs inside", &["TONE"]);
            terminal.keys("\t");
        }
        terminal.keys("n");
        terminal.sees("the next difference", &["shout#1", "input"]);
        terminal.keys("c");
        terminal.misses("what follows from it", "shout#1");
        terminal.keys("c");
        terminal.sees("what follows from it, again", &["shout#1"]);
        terminal.keys("1\r");
        terminal.sees("the call in its tree", &["greet#1"]);
        terminal.misses("the comparison", "1 cause");
        terminal.keys("q");
        assert_eq!(terminal.end(), 0, "{}", terminal.text());
        terminal.given_back();
    }
}

#[test]
fn a_marked_run_is_the_first_and_what_cannot_be_compared_is_said() {
    let project = Project::new();
    project.write("app.py", APP);
    assert_eq!(project.tl(&["run"]).code(), 0);
    let mut terminal = Terminal::bench(&project, (120, 40), &[]);
    terminal.sees("the run", &["succeeded"]);
    terminal.keys("gd");
    terminal.sees("that there is nothing to compare", &["no earlier run of talk"]);
    terminal.keys("\x1b");
    let new = project.json(0, &["run", "--arg", "name=Eve", "--json"]);
    terminal.keys("gr");
    terminal.sees("the new run", &[&new["run"].as_str().unwrap()[..4]]);
    // The oldest is marked, the newest compared with it.
    terminal.keys("GM");
    terminal.sees("the mark", &["is marked"]);
    terminal.keys("ggd");
    terminal.sees(
        "the comparison",
        &["(marked)", "1 cause, 1 same, 2 changed", "other input", "name  added  \"Eve\""],
    );
    terminal.keys("q");
    assert_eq!(terminal.end(), 0, "{}", terminal.text());
    terminal.given_back();
}

const STOCK: &str = r#"
from tensorlake.applications import application, function

PRICE = 2.5


@function()
def stock(shop: str) -> dict:
    rows = [{"sku": f"A{n}", "price": 1.0 * n, "city": "Rome"} for n in range(1, 5)]
    rows[2]["price"] = PRICE
    note = f"The price is {PRICE}, and this line is much longer than any terminal of this test is wide. " * 3
    return {"rows": rows, "note": note, "created": PRICE * 100}


@application()
@function()
def shop(name: str = "Ada") -> str:
    return str(len(stock(name)["rows"]))
"#;

/// What differs in values: how it is shown, copied, and ignored for good.
#[test]
fn what_differs_inside_a_call_is_shown_copied_and_ignored() {
    for size in [(200, 60), (80, 24)] {
        let project = Project::new();
        project.write("app.py", STOCK);
        let rules = "# What all of us know.\nworkers = 2   # small\n\n[track]\nenv = []\n";
        project.write("tl-bench.toml", rules);
        assert_eq!(project.tl(&["run"]).code(), 0);
        project.write("app.py", &STOCK.replace("PRICE = 2.5", "PRICE = 9.5"));
        assert_eq!(project.tl(&["replay"]).code(), 0);

        let mut terminal = Terminal::bench(&project, size, &[]);
        terminal.sees("the replay", &["succeeded"]);
        terminal.keys("gd");
        terminal.sees("the tree of both", &["what differs", "stock#1", "PRICE = 9.5"]);
        terminal.keys("\t");
        // The text has room now.
        terminal.sees("the row by its name", &["rows[2]  sku \"A3\"", "price  2.5 → 9.5"]);
        terminal.keys("G");
        terminal.sees("the end", &["created  250.0 → 950.0"]);
        // Long lines are wrapped, and cut.
        terminal.sees("all of the long line", &["than any terminal"]);
        let wrapped = terminal.text().matches("much longer").count();
        terminal.keys("w");
        let longer = |screen: &vt100::Screen| screen.contents().matches("much longer").count();
        terminal.wait("cut lines", |screen| longer(screen) < wrapped);
        terminal.keys("w");
        terminal.sees("wrapped lines", &["wide. The price is 2.5, and"]);
        terminal.keys("gg");
        let beside = |screen: &vt100::Screen| {
            screen
                .contents()
                .lines()
                .any(|line| line.contains("- PRICE = 2.5") && line.contains("+ PRICE = 9.5"))
        };
        let first = size.0 == 200;
        terminal.wait("both sides", |screen| beside(screen) == first);
        terminal.keys("u");
        terminal.wait("both sides otherwise", |screen| beside(screen) != first);
        terminal.keys("u");
        // The patch goes through the terminal.
        terminal.keys("yy");
        terminal.sees("that it is copied", &["patch"]);
        let bytes = terminal.bytes();
        assert!(bytes.contains("\x1b]52;c;"), "it was not copied: {bytes:?}");

        terminal.keys("Gi");
        terminal.sees("how it is kept", &["W writes it into tl-bench.toml: created", "hidden by created"]);
        assert_eq!(project.read("tl-bench.toml"), rules, "nobody said so");
        terminal.keys("W");
        terminal.sees("the question", &["Ignore for good", "+ created"]);
        terminal.keys("\r");
        terminal.sees("that it is done", &["tl-bench.toml ignores created", "hidden by created"]);
        let written = project.read("tl-bench.toml");
        assert_eq!(written, rules.replace("small\n", "small\nignore = [\"created\"]\n"));
        let told = project.tl(&["diff"]);
        assert!(told.out.contains("1 difference hidden by created"), "{told}");
        terminal.keys("I");
        terminal.sees("all places", &["ignored places too"]);
        let at_the_end = |terminal: &mut Terminal, text: &str| {
            terminal.keys("G");
            terminal.sees("the end of what differs", &[text]);
        };
        at_the_end(&mut terminal, "created  250.0 → 950.0");
        terminal.keys("I");
        terminal.sees("what is hidden", &[" 1 hidden by created"]);
        at_the_end(&mut terminal, "1 difference hidden by created");
        terminal.misses("the ignored place", "250.0");
        // The line that says so takes it out.
        terminal.keys("i");
        terminal.sees("the question", &["Let it count again", "- created"]);
        terminal.keys("\r");
        terminal.sees("that it counts", &["does not ignore created any more"]);
        terminal.misses("that anything is hidden", "hidden by");
        at_the_end(&mut terminal, "created  250.0 → 950.0");
        assert!(!project.read("tl-bench.toml").contains("created"));
        terminal.keys("q");
        assert_eq!(terminal.end(), 0, "{}", terminal.text());
        terminal.given_back();
    }
}
