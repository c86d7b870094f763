//! A canary: secrets that an application meets everywhere are found nowhere in what tl-bench writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod canary;
mod late;
#[path = "../support/mod.rs"]
mod support;

use canary::{clean, clean_below, clean_database};
use support::Project;

/// In the environment, named by the project.
/// It is written otherwise in JSON, in addresses, in HTML and as Python shows it.
const CANARY: &str = "correct horse/battery+\"stäple&'\\7";
/// Learnt by the worker from a file of its own.
const DOTENV: &str = "from-a-dotenv-file-42";
/// A key of a well-known format, named nowhere; put together, so that scanners of this repository stay quiet.
fn key() -> String {
    format!("sk-ant-{}", "api03-AbCdEf0123456789AbCdEf0123456789")
}

const APP: &str = r#"
import base64, html, json, os, re, sys
from urllib.parse import quote, quote_plus
from tensorlake.applications import RequestContext

os.environ["DOTENV_TOKEN"] = "from-a-dotenv-" + "file-42"
CANARY = os.environ["CANARY"]
def lower(encoded):
    return re.sub("%..", lambda found: found.group().lower(), encoded)

KEY = "sk-ant-" + "api03-AbCdEf0123456789AbCdEf0123456789"

@function()
def header(prompt: str) -> dict:
    note("header")
    return {"headers": {"Authorization": "Bearer " + CANARY}, "prompt": prompt}

@function()
def prompt(text: str) -> str:
    note("prompt")
    return "answered: " + text[:3]

@function()
def forms(n: int) -> list:
    note("forms")
    basic = base64.b64encode(("user:" + CANARY).encode()).decode()
    return [json.dumps({"k": KEY}), CANARY.encode(), {CANARY: 1}, ("authorization", CANARY), basic, os.environ["DOTENV_TOKEN"],
            json.dumps(CANARY), json.dumps(json.dumps(CANARY)), quote(CANARY), quote_plus(CANARY), lower(quote(CANARY, safe="")), html.escape(CANARY),
            repr(CANARY), repr(CANARY.encode()), base64.urlsafe_b64encode(b"xy" + CANARY.encode()).decode(), "/tmp/" + CANARY + ".txt"]

@function()
def speak(n: int) -> int:
    note("speak")
    print("the key is " + KEY)
    sys.stdout.write("torn: " + CANARY[:10]); sys.stdout.flush()
    os.write(2, ("past the runtime " + CANARY + "\n").encode())
    import time; time.sleep(0.1)
    sys.stdout.write(CANARY[10:]); sys.stdout.flush()
    context = RequestContext.get()
    context.progress.update(1, 2, "at " + KEY)
    context.state.set("token", {"value": CANARY})
    context.metrics.counter("calls." + CANARY, 1)
    assert context.state.get("token")["value"] == CANARY
    return n

@function()
def breaks(n: int) -> int:
    token = CANARY
    if n == 2:
        return {}[token]
    if n == 3:
        raise OSError(2, "No such file", "/srv/" + token + "/x")
    raise ValueError("bad token " + token + " and " + KEY + repr({token: token.encode()}))

@function()
def dies(n: int) -> int:
    os.write(2, ("dying with " + CANARY + "\\n").encode())
    sys.stdout.write("unfinished " + CANARY[:12]); sys.stdout.flush()
    os.abort()

@application()
@function()
def app(question: str) -> dict:
    first = header(question)
    assert first["headers"]["Authorization"] == "Bearer " + CANARY
    second = prompt("use " + KEY + " please")
    third = forms(1)
    assert third[1] == CANARY.encode() and third[5].endswith("42"), third
    mapped = prompt.map([CANARY, KEY])
    speak(1)
    for n in (1, 2, 3):
        try:
            breaks(n)
        except Exception as error:
            assert CANARY in str(error) or repr(CANARY)[1:-1] in str(error), error
    if question == "die":
        dies(1)
    if question == "wait":
        import time
        note("waits")
        while not healthy():
            time.sleep(0.02)
    if question == "fail":
        raise ValueError(CANARY)
    return {"n": len(third), "second": second, "mapped": mapped, "token": CANARY}
"#;

fn project(settings: &str) -> Project {
    let project = Project::app(APP);
    project.write(
        "tl-bench.toml",
        &format!("workers = 2\nsecrets = [\"CANARY\", \"DOTENV_TOKEN\"]\n{settings}"),
    );
    project
}

fn env() -> [(&'static str, &'static str); 1] {
    [("CANARY", CANARY)]
}

#[test]
fn arguments_with_secrets_are_reused_and_outputs_are_not() {
    let project = project("");
    project.tl_with(&["run", "--arg", "question=hello", "-q"], &env()).exits(0);
    let again = project.tl_with(&["replay", "--json"], &env()).exits(0).json();
    // The application executes because of what it calls, `header` and `forms` because of what they gave, `speak` because
    // of the state that it set, `breaks` because it failed.
    assert_eq!([project.times("header"), project.times("forms"), project.times("speak")], [2, 2, 2]);
    assert_eq!(project.times("prompt"), 3, "arguments with secrets are no obstacle: {again:#}");
    assert_eq!(again["status"], "succeeded");
    let why = project.tl_with(&["why", "latest", "app/header"], &env()).exits(0);
    assert!(why.out.contains("a secret, which is not recorded (CANARY)"), "{}", why.out);
    let show = project.tl_with(&["show", "latest", "app/header", "--json"], &env()).exits(0).json();
    assert_eq!(show["withheld"], serde_json::json!({"input": [], "output": ["CANARY"], "reusable": false}));
    // Another value is another argument: nothing is served to it.
    let other = [("CANARY", "correct-horse-battery-staple-8")];
    project.tl_with(&["replay", "--json"], &other).exits(0);
    assert_eq!(project.times("prompt"), 4);
}

#[test]
fn a_project_may_keep_what_reuse_needs() {
    let project = project("keep_secrets = true\n");
    project.tl_with(&["run", "--arg", "question=hello", "-q"], &env()).exits(0);
    let again = project.tl_with(&["replay", "--json"], &env()).exits(0).json();
    assert_eq!(
        [project.times("header"), project.times("forms"), project.times("speak")],
        [1, 1, 1],
        "{again:#}"
    );
    let shown = project.tl_with(&["show", "latest", "--json"], &env()).exits(0);
    clean("show", shown.out.as_bytes());
    let scan = project.tl_with(&["scan", "--json"], &env()).exits(0).json();
    assert_eq!(scan["leaks"], serde_json::json!([]));
    assert!(!scan["kept"].as_array().unwrap().is_empty(), "{scan:#}");
}

#[test]
fn an_input_with_a_secret_must_be_given_again() {
    let project = project("");
    let input = format!("--arg=question=it is {CANARY}");
    project.tl_with(&["run", &input, "-q"], &env()).exits(0);
    let refused = project.tl_with(&["replay"], &env()).exits(2);
    assert!(refused.err.contains("held a secret, which is not recorded (CANARY)"), "{}", refused.err);
    assert!(refused.err.contains("--input"), "{}", refused.err);
    project.tl_with(&["replay", &input], &env()).exits(0);
    assert_eq!(project.times("prompt"), 3);
}

#[test]
fn scan_finds_what_was_recorded_before_a_secret_was_named_and_deletes_it() {
    let project = project("");
    project.write("tl-bench.toml", "workers = 2\n");
    project.tl_with(&["run", "--arg", "question=hello", "-q"], &env()).exits(0);
    project.tl_with(&["search", "horse"], &env()).exits(0);
    project.write("tl-bench.toml", "workers = 2\nsecrets = [\"CANARY\"]\n");
    let found = project.tl_with(&["scan", "--json"], &env()).exits(1);
    clean("scan", found.out.as_bytes());
    let found = found.json();
    let places: Vec<(&str, &str)> = found["leaks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leak| (leak["path"].as_str().unwrap_or_default(), leak["place"].as_str().unwrap()))
        .collect();
    for place in [
        ("app/forms#1", "output"),
        ("app/speak#1", "log"),
        ("app/speak#1", "state token"),
        ("app/breaks#1", "error"),
    ] {
        assert!(places.contains(&place), "{place:?} is not in {places:?}");
    }
    let text = project.tl_with(&["scan"], &env()).exits(1);
    assert!(text.out.contains("app/forms#1  output  CANARY"), "{}", text.out);
    assert!(text.err.contains("scan --delete"), "{}", text.err);
    project.tl_with(&["scan", "--delete"], &env()).exits(0);
    clean_below(&project.root().join(".tl-bench"));
    clean_database(&project.root().join(".tl-bench/store.db"));
    assert_eq!(project.tl_with(&["scan", "--json"], &env()).exits(0).json()["leaks"], serde_json::json!([]));
}

#[test]
fn a_value_that_is_too_short_is_told() {
    let project = Project::app("@application()\n@function()\ndef app(n: int) -> int:\n    return n\n");
    project.write("tl-bench.toml", "secrets = [\"PIN\", \"NOT_SET\"]\n");
    let run = project.tl_with(&["run", "--arg", "n=1", "--json"], &[("PIN", "12")]).exits(0).json();
    assert!(run["notices"][0]["text"].as_str().unwrap().starts_with("PIN is named in `secrets`"), "{run:#}");
    project.write("tl-bench.toml", "secrets = [\"A=B\"]\n");
    assert!(project.tl(&["runs"]).exits(2).err.contains("secrets: \"A=B\""));
}
