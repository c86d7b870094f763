//! Answers that a replayed body gets before it asks: whatever it does, it sees what it would see by asking.

mod support;

use support::{Project, count, executed};

const LOOP: &str = r#"
@function()
def step(x: int, text: str = "") -> dict:
    note("ran", x)
    print("step", x)
    return {"x": x, "text": text + chr(97 + x % 26)}

@application()
@function()
def app(n: int) -> str:
    text = ""
    for x in range(n):
        text = step(x, text)["text"]
    if not healthy():
        raise RuntimeError("not yet")
    return text
"#;

#[test]
fn a_long_loop_is_served_without_gaps_and_recorded_like_any_other() {
    let project = Project::app(LOOP);
    project.tl(&["run", "--input", "150"]).exits(1);
    let first = project.calls("latest", "step");
    project.heal();
    // The second replays a run that has served calls only.
    for again in [false, true] {
        project.forget();
        if again {
            project.edit("return text", "return text or None");
        }
        let replayed = project.replay_ok(&[]);
        executed(&project, &[]);
        assert_eq!(count(&replayed, "cached"), 150);
        let now = project.calls("latest", "step");
        assert_eq!(now.len(), first.len());
        for (now, then) in now.iter().zip(&first) {
            for key in ["path", "durable_id", "key", "input", "output"] {
                assert_eq!(now[key], then[key], "{key}");
            }
            assert_eq!(now["status"], "cached");
        }
        // What served calls had written is there again.
        let logs = project.tl(&["logs", "latest"]).out;
        assert_eq!(logs.lines().filter(|line| line.contains("step ")).count(), 150);
    }
    project.sound();
}

#[test]
fn a_call_that_is_new_in_the_middle_executes_alone() {
    let project = Project::app(LOOP);
    project.tl(&["run", "--input", "60"]).exits(1);
    project.heal();
    project.forget();
    project.edit("        text = step(x", "        if x == 31: step(1000)\n        text = step(x");
    let replayed = project.replay_ok(&[]);
    executed(&project, &["1000"]);
    assert_eq!((count(&replayed, "cached"), count(&replayed, "fresh")), (60, 1));
    // Gone again, and another one is left out: what was foreseen in vain is served later.
    project.forget();
    project.edit("        if x == 31: step(1000)\n", "        if x == 31: continue\n");
    project.edit("    if not healthy", "    step(31, text[:31])\n    if not healthy");
    project.replay_ok(&["latest~1"]);
    let later: Vec<String> = (32..60).map(|x| x.to_string()).collect();
    executed(&project, &later.iter().map(String::as_str).collect::<Vec<_>>());
    project.sound();
}

/// Whatever stands between two calls: state, futures, maps, threads, calls that are not durable.
const MIXED: &str = r#"
import contextvars, threading

@function()
def step(x: int) -> int:
    note("ran", x)
    return x * x

@function()
def remember(x: int) -> int:
    note("ran", f"remember {x}")
    state = RequestContext.get().state
    state.set("sum", state.get("sum", 0) + x)
    return x

@function(durable=False)
def live(x: int) -> int:
    note("live", x)
    return x

@function()
def nested(x: int) -> int:
    note("ran", f"nested {x}")
    return step(x) + step(x + 1)

@application()
@function()
def app(n: int) -> list:
    state = RequestContext.get().state
    state.set("sum", 0)
    seen = []
    for x in range(n):
        seen.append(step(x))
        seen.append(step(0))
        what = x % 7
        if what == 1:
            state.set("sum", state.get("sum") + 1000)
        elif what == 2:
            seen.append(remember(x))
            seen.append(state.get("sum"))
        elif what == 3:
            seen.append(live(x))
        elif what == 4:
            future = step.future(x + 100)
            seen.append(step(x + 200))
            seen.append(future.result())
        elif what == 5:
            seen.extend(step.map([x + 300, x + 301, x + 300]))
        elif what == 6:
            got = []
            context = contextvars.copy_context()
            thread = threading.Thread(target=lambda: context.run(lambda: got.append(nested(x))))
            thread.start()
            thread.join()
            seen.extend(got)
    seen.append(state.get("sum"))
    if not healthy():
        raise RuntimeError(str(seen))
    return seen
"#;

#[test]
fn whatever_a_body_does_between_its_calls_it_sees_what_it_saw() {
    let project = Project::app(MIXED);
    project.tl(&["run", "--json", "--input", "45"]).exits(1);
    let first = project.show("latest").to_string();
    project.heal();
    let lives = project.times("live");
    project.forget();
    let replayed = project.replay_ok(&[]);
    assert_eq!(project.times("live"), lives);
    executed(&project, &[]);
    let seen = replayed["output"].as_array().unwrap();
    let text = seen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    assert!(first.contains(&text), "{first} has no {text}");
    project.sound();
}

const DYING: &str = r#"
import os

@function()
def step(x: int) -> int:
    note("ran", x)
    return x

@application()
@function(retries=2)
def app(n: int) -> int:
    total = 0
    for x in range(n):
        total += step(x)
        if healthy() and x == n // 2 and times("died") < 2:
            note("died")
            os._exit(9)
    if not healthy():
        raise RuntimeError("not yet")
    return total
"#;

/// Answers were taken and not told when the process ended: the next attempt gets the same ones.
#[test]
fn a_process_that_ends_between_two_served_calls_loses_nothing() {
    let project = Project::app(DYING);
    project.tl(&["run", "--input", "80"]).exits(1);
    project.heal();
    project.forget();
    let replayed = project.replay_ok(&[]);
    assert_eq!(project.times("died"), 2);
    executed(&project, &[]);
    assert_eq!(replayed["output"], (0..80).sum::<i64>());
    project.edit("return total", "return total + 0");
    project.replay_ok(&[]);
    executed(&project, &[]);
    project.sound();
}

const WIDE: &str = r#"
import os

@function()
def page(x: int) -> str:
    note("ran", x)
    if x == 150 and not healthy():
        raise ValueError("no page 150")
    return str(x) + "-" * 5000

@function()
def total(pages: list) -> int:
    return sum(int(text.split("-")[0]) * (at + 1) for at, text in enumerate(pages))

@application()
@function(retries=1)
def app(n: int) -> list:
    if times("died") == 1:
        note("died")
        page.map(list(range(n)))
        os._exit(9)
    pages = page.future.map(list(range(n)))
    both = [total(pages), 0]
    for at, text in enumerate(pages.result()):
        assert text == str(at) + "-" * 5000, (at, text[:10])
    return both
"#;

/// Results of a map that leave before its end come in order, with a failure among them, and once more when the
/// process that had some of them is gone.
#[test]
fn results_of_a_wide_map_come_whole_and_in_order() {
    let project = Project::app(WIDE);
    project.tl(&["run", "--input", "300"]).exits(1);
    project.heal();
    project.forget();
    let sum: i64 = (0..300).map(|x| x * (x + 1)).sum();
    assert_eq!(project.replay_ok(&[])["output"], serde_json::json!([sum, 0]));
    executed(&project, &["150"]);
    std::fs::write(project.trace("died"), "once\n").unwrap();
    project.edit("both = [", "both = [0 + ");
    let again = project.replay_ok(&[]);
    assert_eq!((&again["output"], project.times("died")), (&serde_json::json!([sum, 0]), 2));
    executed(&project, &[]);
    project.sound();
}

const CALLING: &str = r#"
from tensorlake.applications import application, function

class Page:
    """Its values are completed by a call when they are unpickled, and one of them cannot be."""

    def __init__(self, x):
        self.x = x
        self.text = "-" * 8000

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self.x % 50 == 0:
            self.more = more(self.x)
        if self.x == 170 and not healthy():
            raise ValueError("page 170 does not like to be read")

@function()
def page(x: int) -> Page:
    return Page(x)

@function()
def more(x: int) -> int:
    return x + 1

@application()
@function()
def app(n: int) -> list:
    return [[at.x, at.more] for at in page.map(list(range(n))) if at.x % 50 == 0]
"#;

/// Results of a map become values in the process of their caller while others are made: what they do there works as it does
/// anywhere, and an error comes from the map.
#[test]
fn results_that_make_calls_when_they_are_read_are_whole() {
    let project = Project::app(CALLING);
    let failed = project.tl(&["run", "--input", "200", "--json"]).exits(1);
    let text = failed.json()["error"]["message"].to_string();
    assert!(text.contains("page 170 does not like to be read"), "{text}");
    project.heal();
    let expected = serde_json::json!([[0, 1], [50, 51], [100, 101], [150, 151]]);
    let healed = project.replay_ok(&[]);
    assert_eq!((&healed["output"], &healed["counts"]["cached"]), (&expected, &serde_json::json!(204)));
    project.edit("[[at.x, at.more]", "[[at.x + 0, at.more]");
    let again = project.replay_ok(&[]);
    assert_eq!((&again["output"], &again["counts"]["cached"]), (&expected, &serde_json::json!(204)));
    project.sound();
}
