//! Run against run: what is a cause, what follows, and what a script can do with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::Project;

const AGENT: &str = r#"
STYLE = "short"

@function()
def llm(prompt: str, n: int) -> dict:
    return {"content": f"{STYLE} {prompt}", "usage": {"total": n}}

@function()
def tool(text: str) -> str:
    return text.upper()

@application()
@function()
def app(questions: list) -> list:
    return [tool(llm(question, i)["content"]) for i, question in enumerate(questions)]
"#;

fn diff(project: &Project, args: &[&str]) -> serde_json::Value {
    let mut all = vec!["diff", "--json"];
    all.extend(args);
    project.tl(&all).exits(0).json()
}

#[test]
fn equal_runs_have_no_differences() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\", \"b\"]"]);
    project.run_ok(&["--input", "[\"a\", \"b\"]"]);
    let found = diff(&project, &["latest~1", "latest", "--fail-on", "changed"]);
    assert_eq!(found["counts"]["same"], 4);
    assert_eq!(found["causes"].as_array().unwrap().len(), 0);
    assert_eq!(found["first_divergence"], serde_json::Value::Null);
}

#[test]
fn another_input_is_the_cause_and_an_inserted_question_shifts_nothing() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\", \"b\", \"c\"]"]);
    project.run_ok(&["--input", "[\"new\", \"a\", \"b\", \"c\"]"]);
    let found = diff(&project, &["latest~1", "latest", "--ignore", "n,usage.*"]);
    assert_eq!(found["causes"], serde_json::json!(["app"]));
    assert_eq!(found["counts"]["added"], 2, "{found:#}");
    let added: Vec<&str> = found["calls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|call| call["kind"] == "added")
        .map(|call| call["path"].as_str().unwrap())
        .collect();
    assert_eq!(added, ["app/llm#1", "app/tool#1"]);
}

#[test]
fn an_edited_function_is_the_cause_and_its_users_follow() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\"]"]);
    project.edit("text.upper()", "text.title()");
    project.tl(&["replay", "--json"]).exits(0);
    let found = diff(&project, &[]);
    assert_eq!(found["causes"], serde_json::json!(["app/tool#1"]));
    assert_eq!(found["first_divergence"], "app/tool#1");
    let text = project.tl(&["diff"]).exits(0).out;
    assert!(text.contains("1 cause") && text.contains("\"SHORT A\" → \"Short A\""), "{text}");
    project.tl(&["diff", "--fail-on", "output"]).exits(1);
    project.tl(&["diff", "--fail-on", "structure"]).exits(0);
    let patch = project.tl(&["diff", "--patch"]).exits(0).out;
    assert!(patch.contains("--- a/app/tool#1\n+++ b/app/tool#1\n@@ -1 +1 @@\n-SHORT A\n"), "{patch}");
    assert!(patch.contains("\\ No newline at end of file\n+Short A\n"), "{patch}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let project = Project::app(AGENT);
    project.run_ok(&["--input", "[\"a\"]"]);
    let text = project.tl(&["diff"]).exits(2).err;
    assert!(text.contains("replays no other run") && text.contains("tl-bench diff A B"), "{text}");
    project.run_ok(&["--input", "[\"a\"]"]);
    let text = project.tl(&["diff", "latest~1", "latest", "--ignore", "a..b"]).exits(2).err;
    assert!(text.contains("at character 3"), "{text}");
}

const NOISY: &str = r#"
@function()
def llm(prompt: str) -> str:
    note("llm")
    if times("llm") == 6:
        return "something else entirely, which nobody expected to be said here at all"
    words = ["one", "two", "three", "four", "five", "six"]
    return f"the answer to {prompt} is surely {words[times('llm')]} and nothing more"

@application()
@function()
def app(prompt: str) -> str:
    return llm(prompt)
"#;

#[test]
fn what_differs_within_the_noise_of_a_call_is_told_from_what_does_not() {
    let project = Project::app(NOISY);
    let noise = |project: &Project| {
        let found = diff(project, &["latest~1", "latest"]);
        let calls = found["calls"].as_array().unwrap().clone();
        let call = calls.into_iter().find(|call| call["path"] == "app/llm#1").unwrap();
        assert_eq!(call["cause"], "noise", "{call:#}");
        call["noise"].clone()
    };
    for _ in 0..3 {
        project.run_ok(&["--arg", "prompt=x"]);
    }
    assert_eq!(noise(&project), serde_json::Value::Null, "two earlier answers say too little");
    project.run_ok(&["--arg", "prompt=x"]);
    let fourth = noise(&project);
    assert_eq!((&fourth["within"], &fourth["samples"]), (&true.into(), &3.into()), "{fourth}");
    let text = project.tl(&["diff", "latest~1", "latest"]).exits(0).out;
    assert!(text.contains("≈ app/llm#1") && text.contains("within its noise"), "{text}");
    assert!(text.contains("from the nearest of 3 answers (of runs)"), "how it was measured: {text}");

    project.run_ok(&["--arg", "prompt=x"]);
    project.run_ok(&["--arg", "prompt=x"]);
    let odd = noise(&project);
    assert_eq!(odd["within"], false, "{odd}");
    let spread = project.tl(&["variance", "latest", "app/llm#1", "--json"]).exits(0).json();
    assert_eq!(
        (&spread["answers"], spread["clusters"].as_array().unwrap().len()),
        (&6.into(), 6),
        "{spread:#}"
    );
    assert_eq!(spread["distance"]["pairs"].as_array().unwrap().len(), 15);
    let text = project.tl(&["variance", "latest", "app/llm#1"]).exits(0).out;
    assert!(text.contains("executed 6 times, 6 different answers") && text.contains("17 %"), "{text}");
}

#[test]
fn an_answer_that_was_served_is_not_counted_again() {
    let project = Project::app(NOISY);
    project.run_ok(&["--arg", "prompt=x"]);
    project.replay_ok(&["--mode", "adaptive"]);
    project.edit("return llm(prompt)", "return llm(prompt) + \"\"");
    project.replay_ok(&[]);
    assert_eq!(project.times("llm"), 1);
    let count = |run: &str| {
        let spread = project.tl(&["variance", run, "app/llm#1", "--json"]).exits(0).json();
        (spread["answers"].as_u64().unwrap(), spread["samples"].as_u64().unwrap())
    };
    assert_eq!([count("latest"), count("latest~2")], [(1, 0), (1, 0)]);
    let made = project.tl(&["resample", "latest", "app/llm#1", "-n", "2", "--json"]).exits(0).json();
    let samples = made["samples"][1]["run"].as_str().unwrap();
    // Of the call, of the one that was served, and of a sample it is the same question.
    assert_eq!([count("latest"), count("latest~2")], [(3, 2), (3, 2)]);
    let sample = project.tl(&["variance", samples, "app/llm#2", "--json"]).exits(0).json();
    assert_eq!((&sample["answers"], &sample["path"]), (&3.into(), &"app/llm#1".into()));
}

const TWO_MODELS: &str = r#"
TONE = "kind"

@function()
def llm(prompt: str) -> str:
    note("llm")
    return f"the answer to {prompt} is surely {times('llm')} and nothing more"

@function()
def shout(text: str) -> str:
    return text.upper()

@function()
def polite(text: str) -> str:
    return TONE + " " + text

@application()
@function()
def app(prompt: str) -> str:
    loud = shout(llm(prompt))
    return polite(loud)
"#;

#[test]
fn what_follows_from_noise_alone_is_greyed_and_what_follows_from_an_edit_as_well_is_not() {
    let project = Project::app(TWO_MODELS);
    for _ in 0..4 {
        project.run_ok(&["--arg", "prompt=x"]);
    }
    let quiet = |found: &serde_json::Value| -> Vec<(String, bool)> {
        let calls = found["calls"].as_array().unwrap().iter();
        calls
            .map(|call| (call["path"].as_str().unwrap().to_owned(), call["within_noise"].as_bool().unwrap()))
            .collect()
    };
    let pair = |path: &str, within: bool| (path.to_owned(), within);
    let found = diff(&project, &["latest~1", "latest"]);
    let all = ["app", "app/llm#1", "app/shout#1", "app/polite#1"];
    assert_eq!(quiet(&found), all.map(|path| pair(path, true)), "{found:#}");
    assert_eq!((&found["counts"]["within_noise"], &found["counts"]["changed"]), (&3.into(), &3.into()));
    let text = project.tl(&["diff", "latest~1", "latest"]).exits(0).out;
    assert!(text.contains("3 changed, 3 within noise"), "{text}");
    assert!(text.contains("≈ shout#1  input, output  follows from noise"), "{text}");
    // A script decides whether that fails; it does unless it says otherwise.
    let two = ["diff", "latest~1", "latest", "--stat", "--fail-on"];
    for what in ["changed", "output"] {
        project.tl(&[&two[..], &[what]].concat()).exits(1);
        project.tl(&[&two[..], &[what, "--accept-noise"]].concat()).exits(0);
    }
    project.tl(&["diff", "latest~1", "latest", "--accept-noise"]).exits(2).says(&["--fail-on"]);
    project.tl(&["diff", "latest~1", "latest", "--html", "noise.html"]).exits(0);
    let html = std::fs::read_to_string(project.root().join("noise.html")).unwrap();
    assert_eq!(html.matches("follows from noise").count(), 3, "{html}");
    assert!(html.contains("class=\"noise\"") && html.contains("3 within noise"), "{html}");

    project.edit("TONE = \"kind\"", "TONE = \"curt\"");
    project.run_ok(&["--arg", "prompt=x"]);
    let found = diff(&project, &["latest~1", "latest"]);
    let mixed =
        [pair("app", false), pair("app/llm#1", true), pair("app/shout#1", true), pair("app/polite#1", false)];
    assert_eq!(quiet(&found), mixed, "{found:#}");
    project.tl(&[&two[..], &["output", "--accept-noise"]].concat()).exits(1);
}

const HOSTILE: &str = r#"
import json

WORD = "<script>alert(1)</script>"

@function()
def llm(prompt: str) -> dict:
    evil = "</pre></td></table><img src=x onerror=alert(2)>\x1b[31m\u202e\" onmouseover='alert(3)'"
    return {"</code><b>": evil + WORD, "text": f"one\ntwo {prompt}\nthree"}

@function()
def extra(n: int) -> str:
    return "&lt;only here&gt; <iframe src=//evil>"

@application()
@function()
def app(question: str) -> list:
    out = [llm(question)["text"]]
    return out
"#;

#[test]
fn a_report_is_one_page_that_obeys_nothing_in_it() {
    let project = Project::app(HOSTILE);
    project.run_ok(&["--arg", "question=first"]);
    project.edit("WORD = \"<script>alert(1)</script>\"", "WORD = \"<style>*{display:none}</style>\"");
    project.edit("    return out", "    out.append(extra(1))\n    return out");
    project.run_ok(&["--arg", "question=second <svg onload=alert(4)>"]);
    let page = project.root().join("report.html");
    project
        .tl(&["diff", "latest~1", "latest", "--html", "report.html"])
        .exits(0)
        .says(&["wrote report.html"]);
    project.tl(&["diff", "latest~1", "latest", "--html", "report.html", "--fail-on", "changed"]).exits(1);
    let html = std::fs::read_to_string(page).unwrap();
    // Only tags of ours, and none of them with anything of the runs in it.
    let known = [
        "!doctype", "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "div", "section",
        "p", "code", "b", "i", "pre", "span", "main", "details", "summary", "table", "tr", "td", "del",
        "ins", "ul", "li", "a",
    ];
    let after_style = html.split_once("</style>").unwrap();
    let inside = format!("{}{}", after_style.0.split_once("<style>").unwrap().0, after_style.1);
    for tag in inside.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        assert!(known.contains(&name), "<{tag}>");
        // Links lead to causes on the page alone.
        assert!(name != "a" || tag.starts_with('/') || tag.starts_with("a href=\"#cause-"), "<{tag}>");
        assert!(!tag.contains("onerror") && !tag.contains("alert") && !tag.contains("src="), "<{tag}>");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") || html.contains("script&gt;"), "{html}");
    assert!(html.contains("default-src 'none'; style-src 'sha256-"));
    assert!(!html.contains('\x1b') && !html.contains('\u{202e}'), "control characters");
    assert!(html.contains("<details open class=\"cause\" id=\"cause-0\">"));
    assert!(html.find("cause").unwrap() < html.find("All that differs").unwrap());
    project
        .tl(&["diff", "latest~1", "latest", "--html", "no/such/folder/x.html"])
        .exits(2)
        .says(&["--html no/such"]);
}

const CHAT: &str = r#"
import json, os, zlib, struct

ROUND = int(open("round.txt").read())

def png(dot: int) -> bytes:
    rows = b"".join(b"\0" + bytes(dot if (x, y) == (2, 1) else 9 for x in range(4)) for y in range(3))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", 4, 3, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

@function()
def call_llm(messages: list) -> dict:
    query = ["warm in march", "warm in april"][ROUND]
    call = {"id": f"call_{ROUND}", "type": "function",
            "function": {"name": "search", "arguments": json.dumps({"query": query, "limit": 3})}}
    message = {"role": "assistant", "content": ["Let me see.", "Let me look."][ROUND], "tool_calls": [call]}
    return {"id": f"chatcmpl-{ROUND}", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}

@function()
def draw() -> bytes:
    return png(9 + ROUND)

@application()
@function()
def app(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    if ROUND:
        messages.insert(0, {"role": "system", "content": "Be brief."})
    call_llm(messages)
    draw()
    return "done"
"#;

#[test]
fn conversations_are_compared_by_turn_and_images_by_pixels() {
    let project = Project::app(CHAT);
    project.write("round.txt", "0");
    project.run_ok(&["--input", "\"Where is it warm?\""]);
    project.write("round.txt", "1");
    project.run_ok(&["--input", "\"Where is it warm?\""]);
    let text = project.tl(&["diff", "latest~1", "latest", "--call", "app/call_llm#1"]).exits(0).out;
    for line in [
        "input.messages[0]  system message  added",
        "output.choices[0].message  assistant message",
        "text  \"Let me see.\" → \"Let me look.\"",
        "tool call search  query  \"warm in march\" → \"warm in april\"",
        "tool_calls[0].id  \"call_0\" → \"call_1\"",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let found = diff(&project, &["latest~1", "latest", "--call", "app/call_llm#1"]);
    let part = &found["calls"][0]["output"][1]["turn"]["parts"][1];
    assert_eq!(
        (&part["tool"], &part["changes"][0]["new"]),
        (&"search".into(), &"warm in april".into()),
        "{found:#}"
    );
    let found = diff(&project, &["latest~1", "latest", "--call", "app/draw#1"]);
    let pixels = &found["calls"][0]["output"][0]["image"]["pixels"];
    assert_eq!(*pixels, serde_json::json!({"changed": 1, "all": 12, "bounds": [2, 1, 1, 1]}), "{found:#}");
    let page = project.root().join("report.html");
    project.tl(&["diff", "latest~1", "latest", "--html", page.to_str().unwrap()]).exits(0);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("tool call search  query") && html.contains("1 of 12 pixels differ"), "{html}");
}

#[test]
fn ignored_places_are_named_in_the_projects_file_and_what_they_hide_is_told() {
    let project = Project::app(CHAT);
    project.write("round.txt", "0");
    project.run_ok(&["--input", "\"Where is it warm?\""]);
    project.write("round.txt", "1");
    project.run_ok(&["--input", "\"Where is it warm?\""]);
    project.write("tl-bench.toml", "ignore = [\"*.id\"]\n");
    let found = diff(&project, &["latest~1", "latest", "--ignore", "choices[*].message.content"]);
    assert_eq!(found["ignored"], serde_json::json!(["*.id", "choices[*].message.content"]));
    let hidden = serde_json::json!([
        {"pattern": "*.id", "differences": 2},
        {"pattern": "choices[*].message.content", "differences": 1},
    ]);
    assert_eq!(found["hidden"], hidden, "{found:#}");
    let text = project.tl(&["diff", "latest~1", "latest"]).exits(0).out;
    assert!(text.contains("2 differences hidden by *.id"), "{text}");
    let found = diff(&project, &["latest~1", "latest", "--no-ignore"]);
    assert_eq!((&found["ignored"], &found["hidden"]), (&serde_json::json!([]), &serde_json::json!([])));
    let settings = project.tl(&["config", "--json"]).exits(0).json();
    assert_eq!(settings["ignore"], serde_json::json!({"value": "*.id", "from": "tl-bench.toml"}));
    project.write("tl-bench.toml", "workers = 2\nignore = [\"*.id\", \"a..b\"]\n");
    project.tl(&["config"]).exits(2).says(&["tl-bench.toml:2: ignore: 'a..b' is not a path pattern"]);
}

const WIDE: &str = r#"
TONE = "kind"

@function()
def item(n: int) -> str:
    return TONE if n % 10 == 0 else "the same"

@function()
def last(n: int) -> str:
    return TONE * 3

@application()
@function()
def app(count: int) -> str:
    answers = item.map(list(range(count)))
    return last(1) + ". " + ", ".join(answers) + "."
"#;

#[test]
fn calls_that_answer_alike_by_other_code_do_not_hide_those_that_do_not() {
    let project = Project::app(WIDE);
    project.run_ok(&["--arg", "count=100"]);
    project.edit("TONE = \"kind\"", "TONE = \"curt\"");
    project.run_ok(&["--arg", "count=100"]);
    let text = project.tl(&["diff", "latest~1", "latest"]).exits(0).out;
    assert!(text.contains("app/item[0] and 100 more calls  code changed: TONE in app.py:"), "{text}");
    assert!(text.contains("90 answer alike by other code"), "{text}");
    assert_eq!(text.matches("output, code  ● cause").count(), 11, "{text}");
    project.tl(&["diff", "latest~1", "latest", "--html", "wide.html"]).exits(0);
    let html = std::fs::read_to_string(project.root().join("wide.html")).unwrap();
    assert!(html.contains("90 answer alike by other code") && html.contains("last#1"), "{html}");
    assert!(html.contains("<li><b>gone</b> <del>kindkindkind.</del></li>"), "{html}");
    assert!(html.contains("First changed call: <code>app/item[0]</code>"), "{html}");
}

#[test]
fn a_patch_applies_to_files_that_hold_the_values() {
    let project = Project::app(
        r#"
STYLE = "short"

@function()
def write(n: int) -> str:
    return "title \x1b[31m\ttab\n" + "same\n" * 10 + f"the {STYLE} end"

@function()
def table() -> list:
    return [{"id": i, "style": STYLE if i == 3 else "any"} for i in range(6)]

@application()
@function()
def app(q: str) -> int:
    return len(write(1)) + len(table())
"#,
    );
    project.run_ok(&["--input", "\"q\""]);
    project.edit("STYLE = \"short\"", "STYLE = \"curt\"");
    project.tl(&["replay", "--json"]).exits(0);
    let patch = project.tl(&["diff", "--patch"]).exits(0).out;
    let text = |style: &str| format!("title \x1b[31m\ttab\n{}the {style} end", "same\n".repeat(10));
    let table = |style: &str| {
        let row = |i| serde_json::json!({"id": i, "style": if i == 3 { style } else { "any" }});
        serde_json::to_string_pretty(&(0..6).map(row).collect::<Vec<_>>()).unwrap() + "\n"
    };
    // `patch -p0` finds what the header calls `a/…`, `git apply` takes that first step away.
    for (tool, args, under) in [("patch", &["-p0"][..], "a/"), ("git", &["apply"][..], "")] {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(format!("{under}app/{name}"));
        std::fs::create_dir_all(file("write#1").parent().unwrap()).unwrap();
        std::fs::write(file("write#1"), text("short")).unwrap();
        std::fs::write(file("table#1"), table("short")).unwrap();
        // The application's own output, a number, stands first; `app` is a folder here.
        let first = patch.find("--- a/app/").unwrap();
        std::fs::write(folder.path().join("it.patch"), &patch[first..]).unwrap();
        let mut command = std::process::Command::new(tool);
        command
            .args(args)
            .current_dir(folder.path())
            .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap());
        match tool {
            "patch" => command.stdin(std::fs::File::open(folder.path().join("it.patch")).unwrap()),
            _ => command.arg("it.patch"),
        };
        let done = command.output().unwrap_or_else(|error| panic!("{tool}: {error}"));
        assert!(
            done.status.success(),
            "{tool}: {}{}\n{patch}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        assert_eq!(std::fs::read_to_string(file("write#1")).unwrap(), text("curt"), "{tool}");
        assert_eq!(std::fs::read_to_string(file("table#1")).unwrap(), table("curt"), "{tool}");
    }
}

const CAUSES: &str = r#"
GREETING = "Hello"
RATE = 2

def price(n):
    return n * RATE

@function()
def tool(n: int) -> int:
    return price(n)

@function()
def template(n: int) -> str:
    return open("greeting.txt").read().strip()

@function()
def llm(prompt: str) -> str:
    note("llm")
    return f"{prompt} it costs little. It was asked {times('llm')} times."

@function()
def shaky(n: int) -> int:
    if not healthy():
        raise ValueError("not today")
    return n

@application()
@function()
def app(n: int) -> str:
    text = llm(f"{GREETING}, {template(1)}!")
    try:
        shaky(1)
    except Exception:
        pass
    return text + f" The price is {tool(n)}."
"#;

/// What differs between the newest two runs: each cause with its words, and where they part.
fn told(project: &Project) -> (Vec<(String, String)>, String) {
    let found = diff(project, &["latest~1", "latest"]);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let because = found["because"].as_array().unwrap().iter();
    let because = because.map(|group| (text(&group["calls"][0]), text(&group["words"]))).collect();
    (because, text(&found["first_divergence"]))
}

#[test]
fn each_kind_of_change_is_named_as_the_cause_and_nothing_else_is() {
    let project = Project::app(CAUSES);
    project.write("greeting.txt", "world");
    project.run_ok(&["--arg", "n=1"]);
    let changed = |words: &str, path: &str| {
        let (because, first) = told(&project);
        assert_eq!((because.len(), first.as_str()), (1, path), "{words}: {because:?}");
        assert!(because[0].0 == path && because[0].1.contains(words), "{words}: {because:?}");
    };
    project.replay_ok(&[]);
    assert_eq!(told(&project).0, [], "a replay of the same differs in nothing");
    project.edit("RATE = 2", "RATE = 3");
    project.replay_ok(&[]);
    changed("code changed: RATE in app.py:", "app/tool#1");
    project.heal();
    project.replay_ok(&["--from", "app/shaky#1"]);
    changed("ended otherwise", "app/shaky#1");
    project.write("greeting.txt", "moon");
    project.replay_ok(&[]);
    changed("greeting.txt", "app/template#1");
    project.tl(&["replay", "--set", "app/tool#1=77"]).exits(0);
    changed("edited by hand", "app/tool#1");
    project.tl(&["replay", "--from", "app/llm#1", "latest"]).exits(0);
    let (because, first) = told(&project);
    assert!(
        because.contains(&("app/llm#1".to_owned(), "another answer to the same question".to_owned())),
        "{because:?}"
    );
    assert_eq!(first, "app/llm#1");
    project.edit("GREETING = \"Hello\"", "GREETING = \"Good day\"");
    project.replay_ok(&[]);
    let (because, first) = told(&project);
    assert!(because[0].1.contains("code changed: GREETING in app.py:"), "{because:?}");
    assert_eq!(first, "app/llm#1", "the first call that is asked otherwise");
    let text = project.tl(&["diff", "latest~1", "latest"]).exits(0).out;
    assert!(text.contains("+ Good day, moon! it costs little.") && text.contains("sentences:"), "{text}");
    project.run_ok(&["--arg", "n=5"]);
    let (because, _) = told(&project);
    assert!(because.contains(&("app".to_owned(), "other input".to_owned())), "{because:?}");
}
