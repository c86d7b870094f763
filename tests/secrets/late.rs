//! Secrets that are known late, stand in odd places, or come back from a screen.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use super::canary::{clean, clean_below, clean_database};
use super::support::Project;
use super::{CANARY, DOTENV, env, project};

const LATE: &str = r#"
import os, sys
from tensorlake.applications import RequestContext

print("while importing", "from-a-dotenv-" + "file-42" if os.environ.setdefault("DOTENV_TOKEN", "from-a-dotenv-" + "file-42") else "")

@function()
def loads(n: int) -> str:
    # What load_dotenv() does in a body.
    os.environ["BODY_TOKEN"] = "known-only-" + "in-the-body-9"
    print("now it is", os.environ["BODY_TOKEN"])
    return os.environ["BODY_TOKEN"]

@function()
def uses(token: str, options: dict) -> dict:
    for piece in (token[:5], token[5:]):
        sys.stdout.write(piece)
        sys.stdout.flush()
    print()
    for character in token:
        os.write(2, character.encode())
    RequestContext.get().state.set("last", {"of " + token: token.encode()})
    return {token: {"bytes": token.encode(), "file": "/srv/" + token + ".json"}}

@application()
@function()
def app(n: int) -> int:
    token = loads(n)
    uses(token, {"path": "/home/" + token, token: [token]})
    try:
        open("/nowhere/" + token)
    except OSError as error:
        print("no such file:", error)
        raise ValueError(f"cannot read {error.filename!r}") from error
"#;

#[test]
fn what_a_body_puts_into_the_environment_is_known_from_then_on() {
    let project = Project::app(LATE);
    project.write("tl-bench.toml", "secrets = [\"DOTENV_TOKEN\", \"BODY_TOKEN\"]\n");
    let late = "known-only-in-the-body-9";
    let nowhere = |what: &str, bytes: &[u8]| {
        clean(what, bytes);
        assert!(!bytes.windows(late.len()).any(|window| window == late.as_bytes()), "{what}");
    };
    let done = project.tl(&["run", "--arg", "n=1", "--events"]).exits(1);
    nowhere("events", done.out.as_bytes());
    nowhere("standard error", done.err.as_bytes());
    assert!(done.out.contains("while importing"), "{}", done.out);
    for args in [vec!["show", "--json"], vec!["logs", "--json"], vec!["show", "latest", "app/uses", "--json"]]
    {
        let done = project.tl(&args);
        nowhere(&format!("{args:?}"), done.out.as_bytes());
        assert!(done.out.contains("[secret BODY_TOKEN "), "{args:?}: {}", done.out);
    }
    let files = project.root().join(".tl-bench");
    for entry in std::fs::read_dir(&files).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        nowhere(&entry.path().display().to_string(), &std::fs::read(entry.path()).unwrap());
    }
    clean_below(&files);
    clean_database(&files.join("store.db"));
    assert_eq!(DOTENV.len(), 21);
}

#[test]
fn a_marker_is_not_taken_for_what_it_stands_for() {
    let project = project("");
    project.tl_with(&["run", "--arg", "question=hello", "-q"], &env()).exits(0);
    let shown = project.tl_with(&["show", "latest", "app/header", "--json"], &env()).exits(0).json();
    let output = shown["output"].to_string();
    assert!(output.contains("[secret CANARY "), "{output}");
    for option in ["--set", "--set-input"] {
        let edit = match option {
            "--set" => format!("app/header#1={output}"),
            _ => format!("app/header#1={}", serde_json::json!({"prompt": output})),
        };
        for more in [&[][..], &["--any-type"], &["--plan"]] {
            let args = [&["replay", option, &edit][..], more].concat();
            let refused = project.tl_with(&args, &env()).exits(2);
            assert!(refused.err.contains("stands for a secret that is not recorded"), "{}", refused.err);
            assert!(refused.err.contains("write the secret itself"), "{}", refused.err);
        }
    }
    let input = format!("--arg=question={}", shown["output"]["headers"]["Authorization"].as_str().unwrap());
    let refused = project.tl_with(&["run", &input], &env()).exits(2);
    assert!(refused.err.contains("input question: it holds [secret CANARY "), "{}", refused.err);
    // The secret itself is taken, given to the body, and taken out of the record.
    let edit =
        serde_json::json!({"headers": {"Authorization": format!("Bearer {CANARY}")}, "prompt": "by hand"});
    let edit = format!("app/header#1={edit}");
    let done = project.tl_with(&["replay", "--set", &edit, "--json"], &env()).exits(0);
    clean("the report", done.out.as_bytes());
    clean_below(&project.root().join(".tl-bench"));
}

#[test]
fn a_marker_is_refused_at_the_gate_and_the_call_waits_on() {
    let project = project("");
    project.tl_with(&["run", "--arg", "question=hello", "-q"], &env()).exits(0);
    let mut command = project.command(&["step", "--break", "fn:header"]);
    command.envs(env());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut said = String::new();
    let mut next = |kind: &str| -> serde_json::Value {
        loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "no '{kind}' in {said}");
            said.push_str(&line);
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["t"] == kind {
                return line;
            }
        }
    };
    next("asked");
    let answer = |value: &str, any: bool| {
        let answer = serde_json::json!({"do": "output", "value": {"Authorization": value}, "any_type": any});
        format!("{}\n", serde_json::json!({"cmd": "answer", "answer": answer}))
    };
    input.write_all(answer("Bearer [secret CANARY 0123456789abcdef]", true).as_bytes()).unwrap();
    let refused = next("error").to_string();
    assert!(refused.contains("stands for a secret that is not recorded"), "{refused}");
    input.write_all(answer(&format!("Bearer {CANARY}"), true).as_bytes()).unwrap();
    drop(input);
    next("ended");
    child.wait().unwrap();
    clean("what stepping says", said.as_bytes());
    clean_below(&project.root().join(".tl-bench"));
}
