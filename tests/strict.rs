//! Strict replay: the history is the source of truth, by position.

mod support;

use support::{Project, executed};

const STRICT: &str = r#"
@function()
def first(x: int) -> int:
    note("ran", "first")
    return x + 1

@function()
def second(x: int) -> int:
    note("ran", "second")
    return x + 1

@function()
def third(x: int) -> int:
    note("ran", "third")
    if not healthy():
        raise ValueError("not yet")
    return x + 1

@application()
@function()
def app(x: int) -> int:
    a = first(x)
    b = second(a)
    return third(b)
"#;

fn strict(edits: &[(&str, &str)]) -> Project {
    let project = Project::app(STRICT);
    project.tl(&["run", "--input", "1"]).exits(1);
    project.heal();
    project.forget();
    for (from, to) in edits {
        project.edit(from, to);
    }
    project
}

#[test]
fn strict_replay_serves_by_position_and_goes_on_live() {
    let project = strict(&[]);
    let done = project.tl(&["replay", "--mode", "strict"]).exits(0);
    done.says(&["2 served, 1 failed call and what follows executes"]);
    executed(&project, &["third"]);
    // Edited code and arguments are served all the same; the latter with a warning.
    let project =
        strict(&[("return x + 1\n\n@function()\ndef third", "return x + 99\n\n@function()\ndef third")]);
    assert_eq!(project.replay_ok(&["--mode", "strict"])["output"], 4);
    executed(&project, &["third"]);
    let project = strict(&[("second(a)", "second(a + 5)")]);
    let done = project.tl(&["replay", "--mode", "strict"]).exits(0);
    done.says(&["second: the arguments differ from those of the recorded call"]);
    executed(&project, &["third"]);
    // What was served answers the question of then, not today's: who asks again gets another answer.
    assert_eq!(project.replay_ok(&["--from", "third"])["output"], 9);
    executed(&project, &["second", "third"]);
    // Nor does what a caller made of it: without `--from`, too, and in the strict run's own replays.
    let project = strict(&[("second(a)", "second(a + 5)")]);
    project.tl(&["replay", "--mode", "strict"]).exits(0);
    project.forget();
    assert_eq!(project.replay_ok(&["--mode", "strict"])["output"], 4);
    executed(&project, &[]);
    assert_eq!(project.replay_ok(&[])["output"], 9);
    executed(&project, &["second", "third"]);
    // Further calls after the history are live.
    let project = strict(&[("return third(b)", "return second(third(b))")]);
    assert_eq!(project.replay_ok(&["--mode", "strict"])["output"], 5);
    executed(&project, &["third", "second"]);
}

#[test]
fn strict_replay_stops_at_a_call_that_is_new_missing_or_moved() {
    type Edits<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Edits<'_>, &[&str]); 4] = [
        (
            "new",
            &[("    b = second(a)", "    n = third(a)\n    b = second(a)")],
            &["the history has a call of second", "app.py:25", "the code now makes a call of third"],
        ),
        (
            "missing",
            &[("    b = second(a)", "    b = a")],
            &["the history has a call of second", "the code now makes a call of third", "app.py:26"],
        ),
        (
            "moved",
            &[("    a = first(x)\n    b = second(a)", "    b = second(x)\n    a = first(b)")],
            &["the history has a call of first", "app.py:24", "the code now makes a call of second"],
        ),
        (
            "too few",
            &[("    return third(b)", "    return b")],
            &[
                "the history goes on with a call of third",
                "app.py:26",
                "a call of app ended without making it",
            ],
        ),
    ];
    for (name, edits, says) in cases {
        let project = strict(edits);
        let done = project.tl(&["replay", "--mode", "strict"]).exits(3).says(&["ReplayMismatch"]).says(says);
        assert!(done.out.is_empty(), "{name}: {}", done.out);
        executed(&project, &[]);
        let report = project.tl(&["replay", "latest~1", "--mode", "strict", "--json"]).exits(3).json();
        assert_eq!(report["status"], "mismatch", "{name}");
        assert_eq!(report["error"]["kind"], "mismatch", "{name}");
        project.sound();
    }
}

#[test]
fn strict_replay_of_a_map_that_changed() {
    let project = Project::app(
        r#"
@function()
def item(x: int) -> int:
    note("ran", str(x))
    if x == 2 and not healthy():
        raise ValueError("two")
    return x

@application()
@function()
def app(n: int) -> int:
    return sum(item.map(list(range(n))))
"#,
    );
    project.tl(&["run", "--input", "4"]).exits(1);
    project.heal();
    project.forget();
    project.replay_ok(&["--mode", "strict"]);
    executed(&project, &["2"]);
    // One item fewer than recorded.
    project
        .tl(&["replay", "--mode", "strict", "--input", "3"])
        .exits(3)
        .says(&["goes on with a call of item"]);
    executed(&project, &[]);
    // One more is live.
    assert_eq!(project.replay_ok(&["latest~1", "--mode", "strict", "--input", "5"])["output"], 10);
    executed(&project, &["4"]);
    project.sound();
}

#[test]
fn strict_replay_stops_at_the_first_strange_item_of_a_map() {
    let project = Project::app(
        r#"
@function()
def left(x: int) -> int:
    return x

@function()
def right(x: int) -> int:
    return x

@application()
@function()
def app(n: int) -> int:
    return sum(left.map(list(range(n))))
"#,
    );
    project.run_ok(&["--input", "4"]);
    project.edit("left.map", "right.map");
    project.tl(&["replay", "--mode", "strict"]).exits(3).says(&[
        "a map over left",
        "a map over right",
        "app.py:15",
    ]);
    project.sound();
}
