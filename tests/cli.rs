//! The command line: wrong input is named, the environment may be poor, outputs and exit codes keep their shapes.

#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{Project, program, run, until};

const GREETER: &str = r#"
@function()
def greet(name: str) -> str:
    note("greet")
    print(f"greeting {name}")
    return f"hello {name}"

@application()
@function()
def greeter(name: str, times_: int = 1) -> dict:
    """Greets."""
    if name == "nobody":
        raise ValueError("nobody is there")
    return {"said": [greet(name) for _ in range(times_)]}
"#;

#[test]
fn input_that_is_wrong_is_named() {
    let project = Project::app(GREETER);
    let cases: [(&[&str], &[&str]); 12] = [
        (&["--input", "{bad"], &["--input is not JSON", "line 1 column 2", "double quotes"]),
        (&["--input", "@nowhere.json"], &["cannot read --input @nowhere.json", "No such file"]),
        (&["--input", "-"], &["standard input is not JSON"]),
        (&["--input", "3"], &["greeter takes 2 arguments", "object by name or an array by position"]),
        (&["--input", "[1, 2, 3]"], &["--input has 3 values, greeter takes 2"]),
        (&["--input", r#"{"nam": "x"}"#], &["no parameter 'nam'", "did you mean 'name'"]),
        (&["--arg", "nme=x"], &["no parameter 'nme'", "did you mean 'name'"]),
        (&["--arg", "name"], &["write NAME=VALUE"]),
        (&[], &["greeter needs an argument: name", "--arg name="]),
        (&["--workers", "0"], &["--workers", "0 is not in 1..=256"]),
        (&["--mode", "strict", "--arg", "name=x"], &["needs a recorded run"]),
        (&["--json", "--quiet"], &["cannot be used with"]),
    ];
    for (args, says) in cases {
        let done = project.tl(&[&["run", "greeter"], args].concat()).exits(2).says(says);
        assert!(done.out.is_empty(), "{args:?}: {}", done.out);
    }
    assert!(!project.root().join(".tl-bench").exists(), "nothing was recorded");
}

#[test]
fn input_of_a_wrong_type_is_named() {
    let project = Project::app(GREETER);
    let done = project.tl(&["run", "--arg", "name=x", "--arg", "times_=many"]);
    done.exits(2).says(&["times_", "int"]);
    assert_eq!(project.times("greet"), 0);
}

#[test]
fn input_comes_in_several_ways() {
    let project = Project::app(GREETER);
    project.write("input.json", r#"{"name": "file"}"#);
    let said = |args: &[&str]| project.run_ok(args)["output"]["said"].clone();
    assert_eq!(said(&["--input", "@input.json"]), json!(["hello file"]));
    assert_eq!(said(&["--input", r#"["ada", 2]"#]), json!(["hello ada", "hello ada"]));
    assert_eq!(said(&["--arg", "name=ada", "--arg", "times_=2"]), json!(["hello ada", "hello ada"]));
    assert_eq!(said(&["--arg", "name=a=b"]), json!(["hello a=b"]));
    let mut command = project.command(&["run", "--input", "-", "--quiet"]);
    command.stdin(std::fs::File::open(project.root().join("input.json")).unwrap());
    assert_eq!(run(command).exits(0).out, "{\"said\":[\"hello file\"]}\n");
    project.write("tl-bench.toml", "input = \"input.json\"\n");
    assert_eq!(said(&[]), json!(["hello file"]));
}

#[test]
fn unknown_names_come_with_near_ones() {
    let project = Project::app(GREETER);
    project.tl(&["run", "greter"]).exits(2).says(&["no application 'greter'", "did you mean 'greeter'"]);
    project.tl(&["run", "nowhere.py"]).exits(2).says(&["no such file", "nowhere.py"]);
    project
        .tl(&["run", "app.py::greet"])
        .exits(2)
        .says(&["no application 'greet' in app.py", "app.py::greeter"]);
    project.tl(&["rn"]).exits(2).says(&["unrecognized subcommand", "run"]);
    // There is no store yet.
    for command in [&["runs"][..], &["show"], &["replay"], &["logs"], &["gc"], &["why", "latest", "greet"]] {
        let done = project.tl(command);
        done.exits(2).says(&["no runs are recorded in", "`tl-bench run` makes one"]);
    }
    assert!(!project.root().join(".tl-bench").exists(), "a store was made by looking for one");
    project.run_ok(&["--arg", "name=ada"]);
    project.tl(&["show", "zzzz"]).exits(2).says(&["zzzz", "tl-bench runs"]);
    project.tl(&["replay", "latest~7"]).exits(2).says(&["latest~7"]);
    project
        .tl(&["show", "latest", "greeter/gret"])
        .exits(2)
        .says(&["no call 'greeter/gret'", "greeter/greet#1"]);
    project.tl(&["why", "latest", "nothing"]).exits(2).says(&["no call 'nothing'"]);
    project.tl(&["replay", "--from", "greet#9"]).exits(2).says(&["no call 'greet#9'", "greet#1"]);
    project.tl(&["-C", "/nonexistent/folder", "runs"]).says(&["/nonexistent/folder"]);
}

#[test]
fn several_applications_and_none() {
    let project = Project::app(GREETER);
    project.write("second.py", &format!("{}{GREETER}", support::HEAD));
    project.tl(&["run", "greeter", "--arg", "name=x"]).exits(2).says(&[
        "several files define the application 'greeter'",
        "app.py::greeter",
        "second.py::greeter",
    ]);
    project.tl(&["run", "--arg", "name=x"]).exits(2).says(&["several applications"]);
    project.run_ok(&["second.py", "--arg", "name=x"]);
    project.run_ok(&["second.py::greeter", "--arg", "name=x"]);
    let empty = Project::new(&[]);
    empty.tl(&["run"]).exits(2).says(&["no application in", "@application()"]);
    empty.write("broken.py", "from tensorlake.applications import application\n@application(\n");
    empty.tl(&["run"]).exits(4).says(&["broken.py:2", "was never closed"]);
}

#[test]
fn a_damaged_store_is_said_to_be_damaged() {
    let project = Project::app(GREETER);
    project.run_ok(&["--arg", "name=ada"]);
    let file = project.root().join(".tl-bench/store.db");
    let intact = std::fs::read(&file).unwrap();
    let mut bad = intact.clone();
    for byte in &mut bad[..4096] {
        *byte ^= 0x5a;
    }
    for content in [bad, b"not a database".to_vec(), Vec::new()] {
        std::fs::write(&file, &content).unwrap();
        for command in [&["runs"][..], &["show"], &["replay"], &["doctor"]] {
            let done = project.tl(command);
            let text = format!("{}{}", done.out, done.err);
            assert_eq!(done.status.code(), Some(5), "{command:?} with {} bytes: {text}", content.len());
            assert!(text.contains("store.db") || text.contains("damaged"), "{command:?}: {text}");
        }
    }
    std::fs::write(&file, intact).unwrap();
    project.sound();
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let project = Project::app(GREETER);
    project.run_ok(&["--arg", "name=ada"]);
    let file = project.root().join(".tl-bench/store.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch("PRAGMA user_version=99; UPDATE meta SET value='99' WHERE key='format'").unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(db);
    let before = std::fs::read(&file).unwrap();
    for command in [&["runs"][..], &["run", "--arg", "name=x"], &["replay"], &["gc", "--apply"]] {
        project.tl(command).exits(5).says(&["format 99", "nothing was changed"]);
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

/// A small file system of its own, when this process may make one.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "tmpfs"])
            .arg(at)
            .stderr(Stdio::null());
        let mounted = command.status().is_ok_and(|status| status.success());
        mounted.then(|| Disk(at.to_path_buf()))
    }

    fn read_only(&self) {
        let mut command = Command::new("mount");
        assert!(command.args(["-o", "remount,ro"]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_run_and_keeps_what_was_acknowledged() {
    let project = Project::app(
        r#"
import os

@function()
def chunk(i: int) -> bytes:
    note("chunk", i)
    return os.urandom(400_000)

@application()
@function()
def app(n: int) -> int:
    got = 0
    for i in range(n):
        chunk(i)
        note("ack", i)
        got += 1
    return got
"#,
    );
    let store = project.root().join(".tl-bench");
    std::fs::create_dir(&store).unwrap();
    let Some(_disk) = Disk::mount(&store, "6m") else {
        support::skipped("a file system cannot be mounted here");
        return;
    };
    let done = project.tl(&["run", "--input", "100"]).exits(5).says(&["the run ended", "full"]);
    assert!(done.err.contains("gc"), "{}", done.err);
    let acknowledged = project.times("ack");
    assert!((2..20).contains(&acknowledged), "{acknowledged} calls were acknowledged");
    assert!(project.times("chunk") <= acknowledged + 1, "calls executed unrecorded");
    // With room again it goes on where it stopped.
    let mut grow = Command::new("mount");
    assert!(grow.args(["-o", "remount,size=100m"]).arg(&store).status().unwrap().success());
    project.forget();
    project.replay_ok(&["--input", &(acknowledged + 1).to_string()]);
    let again = project.noted("chunk");
    assert!(again.iter().all(|i| i.parse::<usize>().unwrap() >= acknowledged), "{again:?}");
    project.sound();
}

#[test]
fn a_folder_that_cannot_be_written() {
    let project = Project::app(GREETER);
    let Some(disk) = Disk::mount(&project.root(), "1m") else {
        support::skipped("a file system cannot be mounted here");
        return;
    };
    project.write("tl-bench.toml", "");
    project.write("effects.py", "def note(*a): pass\nhealthy = times = note\n");
    project.write("app.py", &format!("{}{GREETER}", support::HEAD));
    disk.read_only();
    project.tl(&["run", "--arg", "name=x"]).exits(5).says(&[".tl-bench", "ead-only"]);
    // What was recorded before can be looked at.
    let mut writable = Command::new("mount");
    assert!(writable.args(["-o", "remount,rw"]).arg(&disk.0).status().unwrap().success());
    project.run_ok(&["--arg", "name=x"]);
    disk.read_only();
    project.tl(&["runs"]).exits(0);
    assert_eq!(project.show("latest")["status"], "succeeded");
    let mut workbench = project.command(&["--plain"]);
    let mut workbench = workbench.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut workbench.stdin.take().unwrap(), b"list\nquit\n").unwrap();
    let looked = String::from_utf8(workbench.wait_with_output().unwrap().stdout).unwrap();
    assert!(looked.contains("succeeded after"), "the workbench shows it: {looked}");
    project.tl(&["replay"]).exits(5);
}

#[test]
fn a_number_that_is_none_is_named_with_its_option() {
    let project = Project::app(GREETER);
    for args in [["gc", "--keep", "x"], ["gc", "--older-than", "-1"], ["runs", "--limit", "1e3"]] {
        let done = project.tl(&[args[0], &format!("{}={}", args[1], args[2])]);
        done.exits(2).says(&[&format!("'{}'", args[2]), args[1], "give a whole number"]);
    }
}

#[test]
fn without_python_the_message_says_what_to_do() {
    let project = Project::app(GREETER);
    let with = |python: &str| project.tl(&["run", "--arg", "name=x", "--python", python]);
    with("/nonexistent/python").exits(4).says(&["no Python at /nonexistent/python", "3.10"]);
    let mut command = project.command(&["run", "--arg", "name=x"]);
    command.env("PATH", "");
    run(command).exits(4).says(&["no Python found", "--python"]);

    let script = |name: &str, text: &str| {
        let path = project.trace(name);
        support::script(&path, text);
        path.display().to_string()
    };
    let old = script("old", "#!/bin/sh\nexit 97\n");
    with(&old).exits(4).says(&[&old, "older than Python 3.10", "--python"]);
    let failing = script("failing", "#!/bin/sh\necho 'no such thing' >&2\nexit 1\n");
    with(&failing).exits(4).says(&[&failing, "exited with status 1", "app.py", "no such thing", "--python"]);
    let silent = script("silent", "#!/bin/sh\n");
    with(&silent).exits(4).says(&[&silent, "exited with status 0 before it loaded", "3.10", "--python"]);
    let plain = project.trace("plain");
    std::fs::write(&plain, "no program").unwrap();
    with(&plain.display().to_string()).exits(4).says(&["cannot start", "plain"]);
    let home = std::env::var("HOME").unwrap_or_default();
    for version in ["3.8.18", "2.7.18"] {
        let python = format!("{home}/.pyenv/versions/{version}/bin/python");
        if Path::new(&python).exists() {
            with(&python).exits(4).says(&["older than Python 3.10", &python, &format!("Python {version}")]);
        }
    }
    assert_eq!(project.tl(&["doctor", "--json"]).json()["ok"], true);
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let project = Project::app(GREETER);
    for _ in 0..3 {
        project.run_ok(&["--arg", "name=ada", "--arg", "times_=30"]);
    }
    for args in ["runs", "show", "logs", "show --json", "completions bash", "man", "--help"] {
        let mut command = program(&[]);
        let script = format!("'{}' {args} | head -1", support::program_file().display());
        command = {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(script).current_dir(project.root()).process_group(0).stdin(Stdio::null());
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => shell.env(name, value),
                    None => shell.env_remove(name),
                };
            }
            shell
        };
        let done = run(command).exits(0);
        assert!(!done.err.contains("panicked") && !done.err.contains("error"), "{args}: {}", done.err);
        assert_eq!(done.out.lines().count(), 1, "{args}");
    }
}

const SLOW: &str = r#"
import os, time

@function()
def slow(i: int) -> int:
    note("start", i)
    end = time.monotonic() + 30
    while not healthy() and time.monotonic() < end:
        time.sleep(0.01)
    note("end", i)
    return i

@application()
@function()
def app(n: int) -> int:
    return sum(slow(i) for i in range(n))
"#;

#[test]
fn the_first_interrupt_lets_end_what_runs() {
    let project = Project::app(SLOW);
    let running = project.start(&["run", "--input", "3"]);
    until("the first call runs", || project.times("start") == 1);
    running.signal_group(Signal::SIGINT);
    until("it is said what happens", || running.err_so_far().contains("once more to end at once"));
    project.heal();
    running.wait().exits(1).says(&["stopping: 1 running call may still end", "cancelled"]);
    assert_eq!((project.times("start"), project.times("end")), (1, 1));
    assert_eq!(project.show("latest")["status"], "cancelled");
    // What ended after the interrupt is a checkpoint.
    assert_eq!(project.statuses("latest", "slow"), ["fresh"]);
    project.sound();
    assert_eq!(project.replay_ok(&[])["output"], 3);
    assert_eq!(project.noted("start"), ["0", "1", "2"]);
}

#[test]
fn the_second_interrupt_ends_the_run_at_once() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let project = Project::app(SLOW);
        let running = project.start(&["run", "--input", "3", "--json"]);
        until("the first call runs", || project.times("start") == 1);
        match signal {
            // A terminal's Ctrl-C reaches the workers, too; they leave it to the engine.
            Signal::SIGINT => running.signal_group(signal),
            _ => running.signal(signal),
        }
        until("it is said what happens", || running.err_so_far().contains("once more"));
        running.signal(signal);
        let status = running.ended_within(Duration::from_secs(20)).expect("it ends at once");
        let report = running.finish(status).exits(1).json();
        assert_eq!(report["status"], "cancelled");
        // The call may have done anything.
        assert_eq!(project.statuses("latest", "slow"), ["in-doubt"]);
        project.sound();
        project.heal();
        project.tl(&["replay"]).exits(0).says(&["1 call in doubt and what follows executes"]);
    }
}

#[test]
fn an_interrupt_before_the_application_is_loaded() {
    let project = Project::app(&format!("import time\nnote('load')\ntime.sleep(20)\n{SLOW}"));
    let running = project.start(&["run", "--input", "3"]);
    until("the module is being imported", || project.times("load") >= 1);
    running.signal_group(Signal::SIGINT);
    let status = running.ended_within(Duration::from_secs(15)).expect("there is nothing to wait for");
    running.finish(status).exits(1);
    project.sound();
}

#[test]
fn an_interrupt_that_also_ends_an_interpreter_that_starts() {
    let project = Project::app(SLOW);
    let python = project.trace("python");
    let started = project.trace("started");
    // Ends by the signal, as a Python does whose runtime is not there yet.
    let wait = format!("#!/bin/sh\necho >> '{}'\nexec sleep 60\n", started.display());
    support::script(&python, &wait);
    let running = project.start(&["run", "--input", "3", "--python", &python.display().to_string()]);
    until("the interpreter starts", || started.exists());
    until("the program hears interrupts", || running.hears(Signal::SIGINT));
    running.signal_group(Signal::SIGINT);
    let status = running.ended_within(Duration::from_secs(15)).expect("there is nothing to wait for");
    running.finish(status).exits(1).says(&["the run was stopped"]);
    project.sound();
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn one_json_document_about_a_run() {
    let project = Project::app(GREETER);
    let good = project.run_ok(&["--arg", "name=ada"]);
    for key in [
        "run", "app", "mode", "parent", "status", "output", "error", "counts", "tokens", "cost_usd", "saved",
        "wall_ms",
    ] {
        assert!(keys(&good).contains(&key), "{key} is missing from {good:#}");
    }
    for key in ["cached", "fresh", "failed", "edited", "in_doubt"] {
        assert!(keys(&good["counts"]).contains(&key), "{key} is missing from {good:#}");
    }
    assert_eq!(
        (&good["app"], &good["mode"], &good["parent"]),
        (&json!("greeter"), &json!("fresh"), &Value::Null)
    );
    let bad = project.tl(&["run", "--json", "--arg", "name=nobody"]).exits(1).json();
    assert_eq!((&bad["status"], &bad["output"]), (&json!("failed"), &Value::Null));
    assert_eq!(
        (&bad["error"]["type"], &bad["error"]["message"]),
        (&json!("ValueError"), &json!("nobody is there"))
    );
    assert_eq!(
        bad["error"]["frames"].as_array().unwrap().last().unwrap()["line"],
        project.line_of("raise Val")
    );
    let again = project.tl(&["replay", "latest~1", "--json"]).exits(0).json();
    assert_eq!((&again["mode"], &again["parent"]), (&json!("adaptive"), &good["run"]));
    let shown = project.show(good["run"].as_str().unwrap());
    let call = &shown["calls"][1];
    for key in [
        "id",
        "path",
        "parent",
        "function",
        "status",
        "reason",
        "durable_id",
        "key",
        "fingerprint",
        "attempts",
        "started_at",
        "wall_ms",
        "input",
        "output",
        "error",
        "origin_run",
    ] {
        assert!(keys(call).contains(&key), "{key} is missing from {call:#}");
    }
    assert_eq!(call["durable_id"].as_str().unwrap().len(), 64);
    let runs = project.tl(&["runs", "--json"]).exits(0).json();
    assert_eq!(runs.as_array().unwrap().len(), 3);
    assert_eq!(runs[0]["run"], again["run"]);
}

#[test]
fn events_are_one_object_a_line() {
    let project = Project::app(GREETER);
    let done = project.tl(&["run", "--events", "--arg", "name=ada"]).exits(0);
    let events: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (i, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], i as u64 + 1);
        assert!(event["run"].is_string() && event["at"].is_i64() && event["event"].is_string(), "{event}");
    }
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("run_started", "run_ended"));
    for kind in ["call_asked", "call_started", "call_ended", "log"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let done = project.tl(&["run", "--events", "--arg", "name=nobody"]).exits(1);
    assert!(done.out.lines().last().unwrap().contains("\"failed\""));
}

#[test]
fn quiet_is_the_output_alone() {
    let project = Project::app(GREETER);
    let done = project.tl(&["run", "-q", "--arg", "name=ada"]).exits(0);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("{\"said\":[\"hello ada\"]}\n", ""));
    let done = project.tl(&["run", "-q", "--arg", "name=nobody"]).exits(1);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("", "ValueError: nobody is there\n"));
}

#[test]
fn the_other_commands_work_on_a_run() {
    let project = Project::app(GREETER);
    project.run_ok(&["--arg", "name=ada"]);
    assert!(project.tl(&["runs"]).exits(0).out.contains("greeter"));
    assert!(project.tl(&["show"]).exits(0).out.contains("greet#1"));
    assert!(project.tl(&["show", "latest", "greet"]).exits(0).out.contains("hello ada"));
    assert!(project.tl(&["logs"]).exits(0).out.contains("greeting ada"));
    project.replay_ok(&[]);
    let why = project.tl(&["why", "latest", "greet", "--json"]).exits(0).json();
    assert_eq!(why["status"], "cached");
    project.tl(&["gc", "--json"]).exits(0).json();
    project.tl(&["config", "--json"]).exits(0).json();
    assert!(project.tl(&["completions", "zsh"]).exits(0).out.contains("tl-bench"));
    assert!(project.tl(&["--version"]).exits(0).out.starts_with("tl-bench "));
}

#[test]
fn a_path_that_is_not_utf_8_is_refused_by_name_before_anything_runs() {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::new(&[]);
    let folder = project.root().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    if std::fs::create_dir(&folder).is_err() {
        return support::skipped("the file system takes no such name");
    }
    let app = format!("{}{GREETER}", support::HEAD);
    std::fs::write(folder.join("app.py"), app).unwrap();
    let told = [r"caf\xE9", "is not UTF-8", "rename"];
    // The application's file only.
    project.tl(&["run", "greeter", "--arg", "name=ada"]).exits(4).says(&told);
    // The project itself.
    std::fs::write(folder.join("tl-bench.toml"), "").unwrap();
    for args in [&["run", "--arg", "name=ada"][..], &["exec", "--", "true"]] {
        let mut command = project.command(args);
        command.current_dir(&folder);
        support::run(command).exits(4).says(&told);
    }
    assert_eq!(project.tl(&["-C", ".", "runs"]).exits(0).out, "");
}

#[test]
fn a_float_in_an_input_is_what_was_written() {
    let project =
        Project::app("@application()\n@function()\ndef app(x: float) -> str:\n    return repr(x)\n");
    for text in ["0.38275406796483036", "5e-324", "0.1", "123456789.12345679", "9007199254740993.0"] {
        let expected = project.tl(&["run", "-q", "--input", text]).exits(0).out;
        let by_arg = project.tl(&["run", "-q", "--arg", &format!("x={text}")]).exits(0).out;
        let exact: f64 = text.parse().unwrap();
        let said: f64 = expected.trim().trim_matches('"').parse().unwrap();
        assert_eq!(said.to_bits(), exact.to_bits(), "{text}");
        assert_eq!(expected, by_arg);
    }
}

#[test]
fn messages_name_what_there_is_instead() {
    let project = Project::app(GREETER);
    // A parameter that looks like none of them.
    project
        .tl(&["run", "--arg", "town=Rome"])
        .exits(2)
        .says(&["no parameter 'town'", "its parameters: name"]);
    // A store without a run: the next step is to make one, not to list what is not there.
    project.tl(&["exec", "--", "true"]);
    project.tl(&["show"]).exits(2).says(&["`latest`", "`tl-bench run` makes one"]);
    project.tl(&["show", "abc"]).exits(2).says(&["`abc`", "`tl-bench runs`"]);
    // What keeps the workbench from opening.
    project.tl(&[]).exits(2).says(&["needs a terminal", "not one: standard input, standard output"]);
    // Applications as `run` takes them.
    assert!(project.tl(&["doctor"]).out.contains("app.py::greeter"));
}
