//! `why`: the component that differs, in words and as data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::Project;

/// The verdicts of `why --now` on all calls of a run are what the replay that follows does.
#[track_caller]
fn foretold(project: &Project, run: &str) {
    let paths: Vec<String> = project.show(run)["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["path"].as_str().unwrap().to_owned())
        .collect();
    let said: Vec<(String, Value)> = paths
        .into_iter()
        .map(|path| {
            let found = project.tl(&["why", "--now", run, &path, "--json"]).exits(0).json();
            (path, found)
        })
        .collect();
    let replayed = project.replay_ok(&[run]);
    let shown = project.show(replayed["run"].as_str().unwrap());
    for (path, found) in said {
        let call = shown["calls"].as_array().unwrap().iter().find(|call| call["path"] == path.as_str());
        let Some(call) = call else { continue };
        let served = call["status"] == "cached";
        let sentence = found["sentence"].as_str().unwrap();
        match found["verdict"].as_str().unwrap() {
            "would-serve" if sentence.contains("if it is asked for") => {}
            "would-serve" => assert!(served, "{path}: {sentence}"),
            _ => assert!(!served, "{path}: {sentence}"),
        }
    }
}

const TRIP: &str = r#"
@function()
def plan(city: str, options: dict) -> dict:
    return {"text": city + " in spring", "options": options}

@function()
def book(trip: dict) -> str:
    return hotel(trip["text"])

@function()
def hotel(trip: str) -> str:
    if not healthy():
        raise RuntimeError("no rooms")
    return "booked " + trip

@function(durable=False)
def price(city: str) -> int:
    return 100

@application()
@function()
def app(city: str) -> str:
    return book(plan(city, {"nights": 3, "tags": ["a", "b"]}))
"#;

fn project() -> Project {
    let project = Project::app(TRIP);
    project.heal();
    project.run_ok(&["--arg", "city=Rome"]);
    project
}

/// Ids are made anew in every run.
fn masked(text: &str) -> String {
    let id = |word: &str| word.len() == 12 && word.chars().all(|c| c.is_ascii_hexdigit());
    let mut out = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        match id(word) {
            true => out.push_str(&piece.replace(word, "ID")),
            false => out.push_str(piece),
        }
    }
    out
}

fn why(project: &Project, args: &[&str]) -> String {
    masked(&project.tl(&[&["why"], args].concat()).exits(0).out)
}

#[test]
fn an_argument_that_differs_is_named_by_its_path() {
    let project = project();
    project.edit("\"b\"]", "\"c\"]");
    project.replay_ok(&[]);
    insta::assert_snapshot!(why(&project, &["plan"]), @r#"
    app/plan#1
    executed: an argument differs: options.tags[1]: "b" → "c"
    compared with call ID of run ID (fresh, the same position)
    on the platform: reuse (another verdict): a result is recorded at its durable id
      the arguments changed: the platform would serve the output that the old ones gave
    "#);
    insta::assert_snapshot!(why(&project, &["latest", "book"]), @r#"
    app/book#1
    executed: an argument differs: trip.options.tags[1]: "b" → "c"
    compared with call ID of run ID (fresh, the same position)
    on the platform: reuse (another verdict): a result is recorded at its durable id
      the arguments changed: the platform would serve the output that the old ones gave
    "#);
    let json = project.tl(&["why", "latest", "plan", "--json"]).exits(0).json();
    assert_eq!(json["verdict"], "executed");
    assert_eq!(json["matched"], "position");
    let cause = &json["causes"][0];
    assert_eq!(
        (cause["kind"].as_str(), &cause["changes"][0]["path"]),
        (Some("input"), &Value::from("options.tags[1]"))
    );
    assert_eq!(json["platform"]["agrees"], false);
    let input = json["components"].as_array().unwrap().iter().find(|one| one["name"] == "input").unwrap();
    assert_eq!(input["difference"], "an argument differs: options.tags[1]: \"b\" → \"c\"");
}

#[test]
fn a_caller_is_explained_by_the_call_that_it_made() {
    let project = project();
    project.sicken();
    project.edit("\"booked \"", "\"held \"");
    project.tl(&["replay"]).exits(1);
    project.heal();
    project.replay_ok(&[]);
    insta::assert_snapshot!(why(&project, &["book"]), @r"
    app/book#1
    executed: it failed before: FunctionError: RuntimeError: no rooms
      ≠ it failed before: FunctionError: RuntimeError: no rooms
      ≠ call app/book#1/hotel#1
        ≠ it failed before: RuntimeError: no rooms
    compared with call ID of run ID (failed, the same arguments)
    on the platform: execute (the same): no result is recorded at its durable id
    ");
}

#[test]
fn what_was_served_says_what_was_checked() {
    let project = project();
    project.edit("return book(", "note('x'); return book(");
    project.replay_ok(&[]);
    let text = why(&project, &["book"]);
    assert!(
        text.starts_with(
            "app/book#1\nserved: everything that it depends on holds\nmade by call ID of run ID (fresh)\n"
        ),
        "{text}"
    );
    assert!(text.contains("1 call below it\n"), "{text}");
    let json = project.tl(&["why", "latest", "book", "--json"]).exits(0).json();
    assert_eq!(json["verdict"], "served");
    assert_eq!((&json["checked"]["children"], &json["causes"]), (&Value::from(1), &serde_json::json!([])));
    assert!(json["components"].as_array().unwrap().iter().all(|one| one["equal"] == true));
}

#[test]
fn without_arguments_the_first_call_that_executed_is_explained() {
    let project = project();
    let fresh = why(&project, &[]);
    assert!(fresh.starts_with("app/plan#1\nexecuted: the run reuses nothing\n"), "{fresh}");
    project.edit("return book(", "price(city); return book(");
    project.edit("\" in spring\"", "\" in autumn\"");
    project.replay_ok(&[]);
    let done = project.tl(&["why"]).exits(0);
    assert!(done.out.starts_with("app/plan#1\nexecuted: its code differs"), "{}", done.out);
    assert!(done.err.contains("executed, too: app/book#1/hotel#1, app/price#1"), "{}", done.err);
    project.tl(&["why", "nothing"]).exits(2).says(&["neither a run nor a call"]);
}

#[test]
fn a_function_is_laid_out_with_what_it_reaches() {
    let project = project();
    let text = project.tl(&["why", "--function", "book"]).exits(0).out;
    assert!(text.starts_with("book  app.py:8-10\n"), "{text}");
    assert!(text.contains("\npackages: none\nfiles read while it is imported: none\n"), "{text}");
    let json = project.tl(&["why", "--function", "book", "--json"]).exits(0).json();
    let run = project.tl(&["runs", "--json"]).json()[0]["run"].clone();
    assert_eq!((&json["parts"][0]["name"], &json["seen"]["run"]), (&Value::from("book"), &run));
    let call = project.calls(run.as_str().unwrap(), "book")[0].clone();
    let why = project.tl(&["why", "latest", call["path"].as_str().unwrap(), "--json"]).json();
    assert_eq!(why["status"], "fresh");
    project.edit("hotel(trip[", "hotel(trip [");
    let same = project.tl(&["why", "--function", "book", "--json"]).exits(0).json();
    assert_eq!(same["code"], json["code"]);
    project.tl(&["why", "--function", "bok"]).exits(2).says(&["no @function bok is defined", "book"]);
}

#[test]
fn now_says_what_the_replay_that_follows_does() {
    let project = project();
    let run = project.tl(&["runs", "--json"]).json()[0]["run"].as_str().unwrap().to_owned();
    foretold(&project, &run);
    project.edit("\"booked \"", "\"held \"");
    let text = why(&project, &["--now", &run, "book"]);
    insta::assert_snapshot!(text, @r#"
    app/book#1
    would execute now: a call that it made is not served: app/book#1/hotel#1: its code differs: hotel (app.py:12)
      ≠ call app/book#1/hotel#1
        ≠ code
          hotel changed in app.py:12
            @@ -14,3 +14,3 @@
                 if not healthy():
                     raise RuntimeError("no rooms")
            -    return "booked " + trip
            +    return "held " + trip
    on the platform: reuse (another verdict): a result is recorded at its durable id
      the code changed: the platform would serve what the old code gave
    "#);
    let first = why(&project, &["--now"]);
    assert!(first.starts_with("app/book#1/hotel#1\nwould execute now: its code differs"), "{first}");
    foretold(&project, &run);
    // Accepted, it holds again.
    project.tl(&["accept", &run, "--note", "wording"]).exits(0);
    let text = why(&project, &["--now", &run, "book/hotel"]);
    assert!(text.contains("would be served now: accepted change of hotel (#1: wording)\n"), "{text}");
    foretold(&project, &run);
    // What comes before it decides what it is asked for.
    project.edit("\" in spring\"", "\" in autumn\"");
    let text = why(&project, &["--now", &run, "book"]);
    assert!(
        text.contains("if it is asked for with the same arguments: app/plan#1 executes before it"),
        "{text}"
    );
    foretold(&project, &run);
    let run = project.tl(&["runs", "--json"]).json()[0]["run"].as_str().unwrap().to_owned();
    project.edit("def hotel(", "def hostel(");
    let text = why(&project, &["--now", &run, "book"]);
    assert!(text.contains("the function is no longer defined"), "{text}");
}

#[test]
fn what_does_not_parse_changes_nothing_now() {
    let project = project();
    project.write("broken.py", "def half(:\n");
    project.edit("from tensorlake", "import broken\nfrom tensorlake");
    let text = why(&project, &["--now", "latest", "book"]);
    assert!(text.contains("would be served now: broken.py:1 does not parse: "), "{text}");
    assert!(text.contains("; the recorded code stands\n"), "{text}");
}

#[test]
fn a_data_file_that_differs_is_named() {
    let project = Project::app(
        "@function()\ndef f(x: int) -> str:\n    return open('p.txt').read()\n\n\
         @application()\n@function()\ndef app(x: int) -> str:\n    return f(x)\n",
    );
    project.write("p.txt", "one");
    project.run_ok(&["--arg", "x=1"]);
    let run = project.tl(&["runs", "--json"]).json()[0]["run"].as_str().unwrap().to_owned();
    let served = why(&project, &["--now", "latest", "f"]);
    assert!(served.contains("checked: arguments, code (1 definition), 1 data file\n"), "{served}");
    project.write("p.txt", "two");
    insta::assert_snapshot!(why(&project, &["--now", "latest", "f"]), @r"
    app/f#1
    would execute now: file p.txt has other content
    on the platform: reuse (another verdict): a result is recorded at its durable id
      what it reads changed: the platform would serve what was made of the old data
    ");
    foretold(&project, &run);
    insta::assert_snapshot!(why(&project, &["latest", "f"]), @r"
    app/f#1
    executed: file p.txt has other content
    compared with call ID of run ID (fresh, the same arguments)
    on the platform: reuse (another verdict): a result is recorded at its durable id
      what it reads changed: the platform would serve what was made of the old data
    ");
    std::fs::remove_file(project.root().join("p.txt")).unwrap();
    assert!(why(&project, &["--now", "latest", "f"]).contains("would execute now: file p.txt is gone\n"));
}

#[test]
fn a_definition_two_modules_away_is_named_with_the_way_to_it() {
    let app = format!(
        "{}from util import prep\n\n@function()\ndef summarise(t: str) -> str:\n    return prep(t)\n\n\
         @application()\n@function()\ndef app(t: str) -> str:\n    return summarise(t)\n",
        support::HEAD
    );
    let util = "from text import clean\n\ndef prep(t):\n    return clean(t)\n";
    let text = "def clean(t):\n    return t.strip()\n";
    let project = Project::new(&[("app.py", &app), ("util.py", util), ("text.py", text)]);
    project.run_ok(&["--arg", "t= A "]);
    project.write("text.py", "# cleaner\ndef clean(t):\n    return t.strip().lower()\n");
    project.replay_ok(&[]);
    insta::assert_snapshot!(why(&project, &[]), @r"
    app/summarise#1
    executed: its code differs: clean (text.py:2)
      ≠ code
        clean changed in text.py:2
        reached by summarise → prep → clean
          @@ -1,2 +2,2 @@
           def clean(t):
          -    return t.strip()
          +    return t.strip().lower()
    compared with call ID of run ID (fresh, the same arguments)
    on the platform: reuse (another verdict): a result is recorded at its durable id
      the code changed: the platform would serve what the old code gave
    ");
    let dry = project.tl(&["accept", "latest~1", "--dry-run"]).exits(0).out;
    assert!(dry.contains("text.py:2  summarise → prep → clean"), "{dry}");
}
