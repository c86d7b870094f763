//! What is asked of workers while a call waits at the gate: the frames of its callers, and outputs as expressions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::Project;
use support::stepped::Stepped;

const APP: &str = r#"
import asyncio
import os

CITIES = ["Whistler", "Japan"]

class Session:
    __slots__ = ("host",)

    def __init__(self):
        self.host = "example"

    def __repr__(self):
        note("user code", "repr")
        raise RuntimeError("no repr")

class Trap:
    def __getattribute__(self, name):
        note("user code", name)
        raise RuntimeError("touched")

    def __repr__(self):
        while True:
            pass

class Odd(dict):
    def items(self):
        note("user code", "items")
        return []

    def __len__(self):
        note("user code", "len")
        return 5

@function()
def leaf(x: int) -> dict:
    return {"answer": x}

@function()
def add(acc: int, item: int) -> int:
    return acc + item

@function()
def middle(x: int) -> dict:
    doubled = x * 2
    return leaf(doubled)

@application()
@function()
def nested(topic: str) -> dict:
    token = os.environ.get("API_KEY", "")
    half = "x" * 1990 + token
    session, trap, odd = Session(), Trap(), Odd(a=1)
    huge = list(range(100_000))
    deep = {}
    for _ in range(500):
        deep = {"in": deep}
    escape = "\x1b[2J\u202ehidden"
    everything = [middle(3) for _ in range(1)]
    return everything[0]

@function()
async def aleaf(x: int) -> dict:
    return {"answer": x}

@application()
@function()
async def gathered(n: int) -> list:
    async def one(i):
        local = f"item {i}"
        found = await aleaf(i)
        return local, found
    outer = "waits for all"
    out = await asyncio.gather(*(one(i) for i in range(n)))
    return [found["answer"] for _, found in out]

@cls()
class Counter:
    def __init__(self):
        self.base = 40

    @function()
    def bump(self, by: int) -> dict:
        total = self.base + by
        return leaf(total)

@application()
@function()
def bumped(by: int) -> dict:
    return Counter().bump(by)

@application()
@function()
def mapped(n: int) -> list:
    items = list(range(n))
    return leaf.map(items)

@application()
@function()
def later(n: int) -> dict:
    future = leaf.future(n)
    future.run()
    purpose = "a future"
    return future.result()

@application()
@function()
def summed(n: int) -> int:
    numbers = list(range(n))
    return add.reduce(numbers, 10)

@function()
def passing(x: int) -> dict:
    return leaf.future(x)

@application()
@function()
def tail(x: int) -> dict:
    return passing(x)
"#;

/// What an expression may need.
const EXPR: &str = r#"
PRICES = {"Japan": 1200}

def cheapest(city):
    return PRICES.get(city, 0)

@function()
def model(city: str, *, days: int = 3) -> dict:
    note("model", city)
    return {"city": city, "price": 1}

@function()
def other(x: int) -> int:
    return x

@application()
@function()
def app(city: str) -> int:
    found = model(city)
    return found["price"] * 2
"#;

fn frames(step: &mut Stepped) -> Vec<Value> {
    step.say(json!({"cmd": "frames"}));
    step.next("frames")["stacks"].as_array().unwrap().clone()
}

/// Function and names of the innermost frame of each stack.
fn innermost(stacks: &[Value]) -> Vec<(String, String, Vec<String>)> {
    let words = |stack: &Value| {
        let frame = &stack["frames"][0];
        let locals = frame["locals"].as_array().cloned().unwrap_or_default();
        let names = locals
            .iter()
            .map(|one| format!("{}={}", one["name"].as_str().unwrap(), one["text"].as_str().unwrap()));
        let name = frame["name"].as_str().or(stack["why"].as_str()).unwrap_or_default();
        (stack["path"].as_str().unwrap().to_owned(), name.to_owned(), names.collect())
    };
    stacks.iter().map(words).collect()
}

fn local<'a>(stack: &'a Value, name: &str) -> &'a Value {
    let locals = stack["frames"][0]["locals"].as_array().unwrap();
    locals.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}: {locals:#?}"))
}

/// A fresh run of an application that waits before the first call of a function.
fn waiting(project: &Project, app: &str, input: &str, filter: &str) -> Stepped {
    project.tl(&["run", app, "--input", input, "-q"]).exits(0);
    let mut step = Stepped::start(project, &["latest", "--mode", "fresh", "--break", filter]);
    step.next("asked");
    step
}

#[test]
fn the_frames_of_all_callers_are_told_without_running_any_code_of_theirs() {
    let project = Project::app(APP);
    project.write("tl-bench.toml", "secrets = [\"API_KEY\"]\n");
    let secret = "s3cr3t-0123456789-abcdefgh";
    project.tl_with(&["run", "nested", "--input", "\"tea\"", "-q"], &[("API_KEY", secret)]).exits(0);
    let mut step =
        Stepped::start_with(&project, &["--mode", "fresh", "--break", "fn:leaf"], &[("API_KEY", secret)]);
    assert_eq!(step.asked(), "before nested/middle#1/leaf#1 execute");
    let stacks = frames(&mut step);
    let found = innermost(&stacks);
    assert_eq!(found[0].0, "nested/middle#1");
    assert_eq!(
        (found[0].1.as_str(), &found[0].2),
        ("middle", &vec!["x=3".to_owned(), "doubled=6".to_owned()])
    );
    assert_eq!((found[1].0.as_str(), found.len()), ("nested", 2));
    let frame = &stacks[0]["frames"][0];
    assert_eq!(frame["text"], "return leaf(doubled)");
    assert_eq!(frame["line"].as_u64().unwrap() as usize, project.line_of("return leaf(doubled)"));
    // Python 3.11 and older have a frame of its own for a comprehension.
    let outer = stacks[1]["frames"].as_array().unwrap().last().unwrap();
    let stack = json!({"frames": [outer]});
    assert_eq!(local(&stack, "topic")["text"], "\"tea\"");
    assert_eq!(local(&stack, "session")["text"], "Session(host=\"example\")");
    assert_eq!(local(&stack, "trap")["kind"], "app.Trap");
    assert_eq!(local(&stack, "odd")["text"], "{a: 1}");
    assert_eq!(local(&stack, "huge")["kind"], "list of 100000");
    assert!(local(&stack, "huge")["more"].as_u64().unwrap() > 99_000);
    assert!(local(&stack, "escape")["text"].as_str().unwrap().contains("hidden"));
    let told = json!(stacks).to_string();
    assert!(told.contains("[secret API_KEY") && !told.contains("s3cr3t"), "{told}");
    assert!(told.len() < 300_000, "{}", told.len());
    assert_eq!(project.noted("user code"), Vec::<String>::new());
    assert_eq!(step.end()["output"], json!({"answer": 6}));
    assert_eq!(project.noted("user code"), Vec::<String>::new());
}

#[test]
fn frames_of_coroutines_classes_futures_maps_reduces_and_tail_calls() {
    let project = Project::app(APP);
    // Every task that waits, that of the call first.
    let mut step = waiting(&project, "gathered", "3", "path:\"gathered/aleaf#2\"");
    let found = innermost(&frames(&mut step));
    assert!(found[0].1.ends_with("one"), "{found:?}");
    assert!(
        found[0].2.contains(&"i=1".to_owned()) && found[0].2.contains(&"local=\"item 1\"".to_owned()),
        "{found:?}"
    );
    let of_all = found.iter().find(|stack| stack.2.contains(&"outer=\"waits for all\"".to_owned()));
    assert!(of_all.is_some(), "{found:?}");
    assert_eq!(step.end()["output"], json!([0, 1, 2]));

    let mut step = waiting(&project, "bumped", "2", "fn:leaf");
    let stacks = frames(&mut step);
    assert_eq!(local(&stacks[0], "total")["text"], "42");
    assert_eq!(local(&stacks[0], "self")["items"][0]["text"], "40");
    assert_eq!(innermost(&stacks)[1].0, "bumped");
    step.end();

    for (app, filter, name) in [
        ("mapped", "path:\"mapped/leaf[1]\"", "items=[0, 1, 2]"),
        ("later", "fn:leaf", "purpose=\"a future\""),
        ("summed", "fn:add", "numbers=[0, 1, 2]"),
    ] {
        let mut step = waiting(&project, app, "3", filter);
        let found = innermost(&frames(&mut step));
        assert_eq!(found[0].0, app);
        assert!(found[0].2.contains(&name.to_owned()), "{app}: {found:?}");
        assert_eq!(step.end()["status"], "succeeded");
    }

    // Its caller has returned; the caller of that one waits.
    let mut step = waiting(&project, "tail", "3", "fn:leaf");
    let mut found = innermost(&frames(&mut step));
    // The call may be there a moment before its caller's return is.
    let returned = "it has returned: what it called gives its result";
    for _ in 0..1_000 {
        if found[0].1 == returned {
            break;
        }
        found = innermost(&frames(&mut step));
    }
    assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("tail/passing#1", returned));
    assert!(found[1].2.contains(&"x=3".to_owned()), "{found:?}");
    step.end();

    // The application itself was called by nobody, and what waits behind its body was called as before.
    let mut step = Stepped::start(&project, &[]);
    assert_eq!(step.asked(), "before tail serve");
    assert_eq!(frames(&mut step), Vec::<Value>::new());
    step.say(json!({"cmd": "frames", "call": "tail"}));
    step.next("frames");
    step.end();
}

#[test]
fn an_expression_gives_the_output_and_is_recorded_with_its_text() {
    let project = Project::app(EXPR);
    project.run_ok(&["--input", "\"Whistler\""]);
    project.forget();
    let mut step = Stepped::start(&project, &["--break", "fn:model"]);
    assert_eq!(step.asked(), "before app/model#1 serve");
    // Errors are shown, and it still waits.
    for (expr, why) in [
        ("nothing_there", "it failed: NameError: name 'nothing_there' is not defined"),
        ("{*", "it failed: SyntaxError"),
        ("other(1)", "cannot call a @function"),
        ("5", "it was a dict, what you wrote is an int"),
        ("{'city': city}", "'price' is missing"),
        ("lambda: 1", "it failed: SerializationError"),
    ] {
        step.answer(json!({"do": "expr", "expr": expr}));
        let refused = step.next("error");
        assert!(refused["error"].as_str().unwrap().contains(why), "{expr}: {refused}");
    }
    let expr = "{**output, 'city': 'Japan', 'price': cheapest('Japan') + days + len(city)}";
    step.answer(json!({"do": "expr", "expr": expr}));
    let report = step.end();
    assert_eq!(report["output"], 2 * (1200 + 3 + 8));
    assert_eq!((project.times("model"), &report["counts"]["edited"]), (0, &json!(1)));
    let run = project.show("latest");
    let call = run["calls"].as_array().unwrap().iter().find(|call| call["path"] == "app/model#1").unwrap();
    assert_eq!((&call["status"], &call["answers"][0]["expr"]), (&json!("edited"), &json!(expr)));
    let why = project.tl(&["why", "latest", "app/model#1"]).exits(0).out;
    assert!(why.contains("by the expression {**output"), "{why}");
    // A replay keeps what it gave.
    assert_eq!(project.replay_ok(&[])["output"], report["output"]);
    project.sound();
}

#[test]
fn after_a_body_the_expression_sees_what_it_returned() {
    let project = Project::app(EXPR);
    let mut step = waiting(&project, "app", "\"Oslo\"", "fn:model");
    step.answer(json!({"do": "go"}));
    assert_eq!(step.asked(), "after app/model#1 return");
    step.answer(json!({"do": "expr", "expr": "output | {'price': output['price'] + 99}"}));
    let report = step.end();
    assert_eq!((&report["output"], &report["counts"]["edited"]), (&json!(200), &json!(1)));
    project.sound();
}

#[test]
fn an_expression_that_ends_its_worker_or_never_ends_leaves_the_call_waiting() {
    let project = Project::app(EXPR);
    project.run_ok(&["--input", "\"Whistler\""]);
    project.forget();
    let mut step = Stepped::start(&project, &["--break", "fn:model"]);
    step.asked();
    step.answer(json!({"do": "expr", "expr": "__import__('os')._exit(7)"}));
    let refused = step.next("error");
    assert!(refused["error"].as_str().unwrap().contains("while it evaluated the expression"), "{refused}");
    // One that goes on forever is given up for another answer.
    step.answer(json!({"do": "expr", "expr": "[None for _ in iter(int, 1)]"}));
    step.say(json!({"cmd": "answer", "call": "app/model#1", "answer": {"do": "serve"}}));
    let report = step.end();
    assert_eq!((&report["output"], &report["status"]), (&json!(2), &json!("succeeded")));
    project.sound();
}

#[test]
fn killed_while_an_expression_is_evaluated_nothing_was_answered() {
    let project = Project::app(EXPR);
    project.run_ok(&["--input", "\"Whistler\""]);
    let mut step = Stepped::start(&project, &["--break", "fn:model"]);
    step.asked();
    let run = step.seen[0]["run"].as_str().unwrap().to_owned();
    let begun = project.trace("begun");
    let expr =
        format!("(open({:?}, 'w').close(), __import__('time').sleep(600))", begun.display().to_string());
    step.answer(json!({"do": "expr", "expr": expr}));
    support::until("the expression to be evaluated", || begun.exists());
    step.child.kill().unwrap();
    step.child.wait().unwrap();
    let shown = project.show(&run);
    let call =
        shown["calls"].as_array().unwrap().iter().find(|call| call["path"] == "app/model#1").unwrap().clone();
    assert!(call["answers"].is_null() && call["attempts"] == 0, "{call:#}");
    assert_eq!(project.replay_ok(&[&run])["output"], 2);
    project.sound();
}
