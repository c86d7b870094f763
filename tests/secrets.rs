//! A canary: secrets that an application meets everywhere are found nowhere in what tl-bench writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use support::Project;

/// In the environment, named by the project.
const CANARY: &str = "correct-horse-battery-staple-7";
/// Learnt by the worker from a file of its own.
const DOTENV: &str = "from-a-dotenv-file-42";
/// A key of a well-known format, named nowhere; put together, so that scanners of this repository stay quiet.
fn key() -> String {
    format!("sk-ant-{}", "api03-AbCdEf0123456789AbCdEf0123456789")
}

const APP: &str = r#"
import base64, json, os, sys
from tensorlake.applications import RequestContext

os.environ["DOTENV_TOKEN"] = "from-a-dotenv-" + "file-42"
CANARY = os.environ["CANARY"]
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
    return [json.dumps({"k": KEY}), CANARY.encode(), {CANARY: 1}, ("authorization", CANARY), basic, os.environ["DOTENV_TOKEN"]]

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
    raise ValueError("bad token " + token + " and " + KEY)

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
    try:
        breaks(1)
    except Exception as error:
        assert CANARY in str(error)
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

/// Every needle, in every form that a scan would look for.
fn needles() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        [CANARY.to_owned(), DOTENV.to_owned(), key()].map(String::into_bytes).to_vec();
    // The middle of its base64, whatever stands before it.
    all.push(b"Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5".to_vec());
    all.push(b"NvcnJlY3QtaG9yc2UtYmF0dGVye".to_vec());
    all.push(b"jb3JyZWN0LWhvcnNlLWJhdHRlcnk".to_vec());
    all
}

fn clean(what: &str, bytes: &[u8]) {
    for needle in needles() {
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{what} holds {}", String::from_utf8_lossy(&needle));
    }
}

fn clean_below(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            clean_below(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            clean(&path.display().to_string(), &bytes);
        }
    }
}

/// Every cell of every table, decompressed where it is compressed.
fn clean_database(file: &Path) -> usize {
    let db = rusqlite::Connection::open(file).unwrap();
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_master WHERE type='table'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut unpacked = 0;
    for table in tables {
        let mut query = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = query.column_count();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let cell = row.get_ref(column).unwrap();
                let bytes = match cell {
                    rusqlite::types::ValueRef::Blob(bytes) | rusqlite::types::ValueRef::Text(bytes) => bytes,
                    _ => continue,
                };
                clean(&table, bytes);
                // Frames begin anywhere: a tag may stand before them.
                for at in 0..bytes.len().min(16) {
                    if let Ok(plain) = zstd::decode_all(&bytes[at..]) {
                        unpacked += 1;
                        clean(&format!("{table} (unpacked)"), &plain);
                    }
                }
            }
        }
    }
    unpacked
}

#[test]
fn a_canary_is_found_nowhere() {
    let project = project("");
    let tmp = tempfile::tempdir().unwrap();
    let tmp_path = tmp.path().display().to_string();
    let with = [("CANARY", CANARY), ("TMPDIR", tmp_path.as_str())];
    let big = format!("--arg=question={}", "long ".repeat(4_000));
    let mut said = Vec::new();
    for args in [
        vec!["run", "--arg", "question=hello", "--events"],
        vec!["run", &big, "--json"],
        vec!["replay", "--json"],
        vec!["run", "--arg", "question=fail"],
        vec!["show"],
        vec!["show", "--json"],
        vec!["show", "latest~1", "app/header", "--json"],
        vec!["logs", "latest~1"],
        vec!["logs", "--json"],
        vec!["why"],
        vec!["diff", "latest~3", "latest", "--json"],
        vec!["search", "horse"],
        vec!["search", "answered", "--json"],
        vec!["functions", "--json"],
        vec!["source", "latest", "app"],
        vec!["doctor"],
    ] {
        let done = project.tl_with(&args, &with);
        clean(&format!("{args:?} (standard output)"), done.out.as_bytes());
        clean(&format!("{args:?} (standard error)"), done.err.as_bytes());
        said.push(done.out);
    }
    assert!(said[0].contains("[secret CANARY "), "nothing was there to be taken out");
    assert!(said[0].contains("[secret anthropic-key "), "{}", said[0]);
    assert!(said[0].contains("DOTENV_TOKEN"), "{}", said[0]);
    clean_below(tmp.path());
    clean_below(&project.root().join(".tl-bench"));
    for name in ["store.db", "search.db"] {
        let unpacked = clean_database(&project.root().join(".tl-bench").join(name));
        assert!(name != "store.db" || unpacked > 0, "no frame was unpacked");
    }
    let scan = project.tl_with(&["scan", "--json"], &env()).exits(0).json();
    assert_eq!(scan["leaks"], serde_json::json!([]));
    assert_eq!(scan["elsewhere"], serde_json::json!([]));
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
