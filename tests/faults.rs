//! What bodies can do to their worker. Whatever it is: the message names the call and the place, the run is
//! recorded, the store is sound, what was done before is kept, and the next replay works.

mod support;

use std::time::{Duration, Instant};

use support::{Done, Project, count};

/// `before` succeeds; `step` misbehaves until the project is healthy.
fn project(helpers: &str, options: &str, body: &str) -> Project {
    let body = body.replace('\n', "\n        ");
    Project::app(&format!(
        r#"
import ctypes, os, signal, sys, time, threading
{helpers}

@function()
def before(x: int) -> int:
    note("before")
    return x + 1

@function({options})
def step(x):
    note("step")
    if not healthy():
        {body}
    return x * 10

@application()
@function()
def app(x: int) -> int:
    return step(before(x))
"#
    ))
}

/// Runs it, checks what every fault has in common, heals it, replays it. Returns the failed run's output.
fn survives(project: &Project, says: &[&str]) -> Done {
    let done = project.tl(&["run", "--input", "1"]).exits(1).says(&["app/step#1 failed", "at app.py:"]);
    let done = done.says(says);
    assert!(done.err.contains("tl-bench replay"), "no way on is shown: {}", done.err);
    assert_eq!(project.times("before"), 1);
    let report = project.show("latest");
    assert_eq!(report["status"], "failed");
    assert_eq!(project.statuses("latest", "step"), ["failed"]);
    project.sound();
    project.forget();
    project.heal();
    let report = project.replay_ok(&[]);
    assert_eq!(report["output"], 20);
    assert_eq!((project.times("before"), project.times("step")), (0, 1));
    assert_eq!(count(&report, "cached"), 1);
    project.sound();
    done
}

fn fault(body: &str, says: &[&str]) {
    let project = project("", "", body);
    survives(&project, says);
}

#[test]
fn a_segfault() {
    fault("ctypes.string_at(0)", &["ended by signal 11 (SIGSEGV) while it executed step"]);
}

#[test]
fn os_exit() {
    fault("os._exit(0)", &["exited with status 0 while it executed step"]);
}

#[test]
fn sigkill() {
    fault("os.kill(os.getpid(), signal.SIGKILL)", &["ended by signal 9 (SIGKILL) while it executed step"]);
}

#[test]
fn an_endless_loop_meets_its_timeout() {
    let project = project("", "timeout=1", "while True: pass");
    let begun = Instant::now();
    survives(&project, &["step did not end within its timeout of 1 s"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_endless_loop_in_c_meets_its_timeout() {
    let project = project("", "timeout=1", "ctypes.CDLL(None).pause()");
    survives(&project, &["step did not end within its timeout of 1 s"]);
}

#[test]
fn a_result_that_cannot_be_pickled() {
    fault("return (i for i in range(3))", &["cannot pickle 'generator' object"]);
}

#[test]
fn a_result_whose_pickling_raises() {
    let project = project(
        "class Bad:\n    def __reduce__(self): raise OSError('no bytes today')\n",
        "",
        "return Bad()",
    );
    survives(&project, &["no bytes today"]);
}

#[test]
fn an_argument_that_cannot_be_pickled() {
    let project = Project::app(
        r#"
import threading

@function()
def step(x):
    return 1

@application()
@function()
def app(x: int) -> int:
    return step(threading.Lock()) if not healthy() else step(x)
"#,
    );
    let done = project.tl(&["run", "--input", "1"]).exits(1);
    done.says(&["SerializationError", "lock", "at app.py:13", "step"]);
    project.sound();
    project.heal();
    assert_eq!(project.replay_ok(&[])["output"], 1);
}

#[test]
fn recursion_without_end() {
    let project = project("def down(n):\n    return down(n + 1)\n", "", "down(0)");
    survives(&project, &["RecursionError: maximum recursion depth exceeded", "return down(n + 1)"]);
}

#[test]
fn system_exit() {
    fault("sys.exit(7)", &["SystemExit: 7", "sys.exit(7)"]);
}

#[test]
fn keyboard_interrupt() {
    fault("raise KeyboardInterrupt", &["KeyboardInterrupt", "raise KeyboardInterrupt"]);
}

#[test]
fn an_exception_with_a_broken_message() {
    let broken = "class Broken(Exception):\n    def __str__(self): raise ValueError('no')\n";
    let project = project(broken, "", "raise Broken()");
    survives(&project, &["Broken"]);
}

#[test]
fn an_exception_with_lone_surrogates_and_escapes() {
    let done = survives(&project("", "", r#"raise ValueError("\udcff \x1b[2J bell\x07")"#), &["ValueError"]);
    assert!(!done.err.contains('\x1b') && !done.err.contains('\x07'), "{:?}", done.err);
}

#[test]
fn a_large_result_is_kept() {
    let project = Project::app(
        r#"
@function()
def big(n: int) -> bytes:
    note("big")
    return bytes(range(256)) * (n << 12)

@application()
@function()
def app(n: int) -> int:
    return len(big(n))
"#,
    );
    // 200 MB through the socket, into the store and back.
    let report = project.run_ok(&["--input", "200"]);
    assert_eq!(report["output"], 200 << 20);
    project.edit("len(big(n))", "len(big(n)) + 1");
    let report = project.replay_ok(&[]);
    assert_eq!(report["output"], (200 << 20) + 1);
    assert_eq!(project.times("big"), 1);
    project.sound();
}

/// A body that does strange things to its outputs, and yet ends well.
fn output(body: &str) -> (Project, String) {
    let project = Project::app(&format!(
        r#"
import os, sys, subprocess

@function()
def step(x: int) -> int:
{body}
    return x * 10

@application()
@function()
def app(x: int) -> int:
    return step(x)
"#
    ));
    let report = project.run_ok(&["--input", "2"]);
    assert_eq!(report["output"], 20);
    project.sound();
    let logs = project.tl(&["logs", "latest", "app/step#1"]).exits(0).out;
    project.edit("return step(x)", "return step(x) + 0");
    let report = project.replay_ok(&[]);
    assert_eq!((report["output"].as_i64(), count(&report, "cached")), (Some(20), 1));
    (project, logs)
}

#[test]
fn closed_standard_streams() {
    output("    sys.stdout.close()\n    sys.stderr.close()\n    print('nobody hears this')");
    output("    os.close(1)\n    os.close(2)\n    print('nor this')");
    output("    sys.stdout = None\n    print('nor that')");
}

#[test]
fn output_that_is_not_text() {
    let (_, logs) = output("    os.write(1, b'\\xff\\xfe raw\\n')\n    print('surrogate \\udcff')");
    assert!(logs.contains("raw") && logs.contains("surrogate"), "{logs:?}");
    let (_, logs) = output("    sys.stdout.buffer.write(b'\\x80 bytes\\n')\n    print('\\x1b[31mred')");
    assert!(logs.contains("bytes") && logs.contains("red") && !logs.contains('\x1b'), "{logs:?}");
}

#[test]
fn output_of_child_processes() {
    let (_, logs) =
        output("    subprocess.run(['sh', '-c', 'echo from a child; echo wrong >&2'], check=True)");
    assert!(logs.contains("from a child") && logs.contains("wrong"), "{logs:?}");
}

#[test]
fn fifty_megabytes_of_output_are_cut() {
    let (project, logs) = output("    for _ in range(50): print('y' * (1 << 20))");
    assert!(logs.len() > 1 << 19 && logs.len() < 4 << 20, "{} bytes", logs.len());
    let size = std::fs::read_dir(project.root().join(".tl-bench")).unwrap();
    let size: u64 = size.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(size < 20 << 20, "the store has {size} bytes");
}

#[test]
fn fifty_megabytes_past_the_runtime_are_cut() {
    let (_, logs) = output("    for _ in range(50): os.write(1, b'y' * (1 << 20))");
    assert!(logs.len() < 8 << 20, "{} bytes", logs.len());
}

#[test]
fn code_that_cannot_be_imported() {
    for (text, says) in [
        ("import nothing_of_that_name\n", ["app.py:3", "nothing_of_that_name"]),
        ("1 / 0\n", ["app.py:3", "division by zero"]),
        ("import sys; sys.exit(3)\n", ["app.py:3", "sys.exit(3)"]),
    ] {
        let app = "@application()\n@function()\ndef app(x: int) -> int:\n    return x\n";
        let project = Project::app(&format!("{text}{app}"));
        project.tl(&["run", "--input", "1"]).exits(4).says(&says);
        // Nothing was recorded, and nothing is broken.
        project.write("app.py", &format!("{}{app}", support::HEAD));
        assert_eq!(project.run_ok(&["--input", "1"])["output"], 1);
        project.sound();
    }
}

#[test]
fn code_that_talks_while_it_is_imported() {
    let project = Project::app(
        "import os, sys\nprint('loading')\nprint('in earnest', file=sys.stderr)\nos.write(2, b'raw\\n')\n@application()\n@function()\ndef app(x: int) -> int:\n    return x\n",
    );
    for _ in 0..5 {
        project.run_ok(&["--input", "1"]);
    }
    let logs = project.tl(&["logs", "latest"]).exits(0).out;
    assert!(logs.contains("loading") && logs.contains("in earnest"), "{logs:?}");
}

#[test]
fn code_that_kills_its_process_while_it_is_imported() {
    let project = Project::app(
        "import os\nif not healthy(): os._exit(97)\n@application()\n@function()\ndef app(x: int) -> int:\n    return x\n",
    );
    project.tl(&["run", "--input", "1"]).exits(4).says(&["exited with status 97 while it loaded", "app.py"]);
    project.heal();
    project.run_ok(&["--input", "1"]);
}

/// Saves a module while it is being imported, the first time.
const SAVED_WHILE_LOADING: &str = r#"
import plugin

if not healthy():
    import subprocess
    note("loads", str(plugin.VALUE))
    subprocess.run(["sh", "-c", "printf 'VALUE = 2' > $1", "sh", plugin.__file__], check=True)

@function()
def f(x: int) -> int:
    note("ran", "f")
    return plugin.VALUE

@application()
@function()
def app(x: int) -> int:
    return f(x)
"#;

#[test]
fn a_source_saved_while_a_worker_loads_it_is_not_recorded_as_what_it_was_before() {
    let project = Project::app(SAVED_WHILE_LOADING);
    project.write("plugin.py", "VALUE = 1");
    let first = project.run_ok(&["--workers", "1", "--arg", "x=1"]);
    // The worker that had imported the old text was turned away.
    assert_eq!(project.noted("loads"), ["1", "2"]);
    assert_eq!(first["output"], 2);
    project.heal();
    project.forget();
    assert_eq!(project.run_ok(&["--workers", "1", "--arg", "x=1", "--mode", "adaptive"])["output"], 2);
    assert_eq!(project.times("ran"), 0);
    project.write("plugin.py", "VALUE = 1");
    assert_eq!(project.run_ok(&["--workers", "1", "--arg", "x=1", "--mode", "adaptive"])["output"], 1);
    assert_eq!(project.times("ran"), 1);
}

#[test]
fn code_that_does_not_parse() {
    let project = Project::app("@application()\n@function()\ndef app(x: int) -> int:\n    return (x\n");
    project.tl(&["run", "app.py", "--input", "1"]).exits(4).says(&["app.py:6", "was never closed"]);
    project.tl(&["run", "app", "--input", "1"]).exits(4).says(&["app.py:6"]);
}

#[test]
fn a_thread_that_outlives_its_call() {
    let project = Project::app(
        r#"
import threading, time

@function()
def step(x: int) -> int:
    def late():
        while not healthy():
            time.sleep(0.01)
        print("late words")
        note("late")
    threading.Thread(target=late).start()
    return x

@function()
def heal(x: int) -> int:
    import effects, os
    open(os.path.join(effects.TRACE, "healthy"), "w").close()
    while not times("late"):
        time.sleep(0.01)
    return x + 1

@application()
@function()
def app(x: int) -> int:
    return heal(step(x))
"#,
    );
    let report = project.run_ok(&["--input", "1"]);
    assert_eq!(report["output"], 2);
    project.sound();
}

#[test]
fn threads_that_never_end_do_not_keep_the_run() {
    let project = Project::app(
        r#"
import threading, time

@application()
@function()
def app(x: int) -> int:
    threading.Thread(target=lambda: time.sleep(1000)).start()
    return x
"#,
    );
    let begun = Instant::now();
    project.run_ok(&["--input", "1"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn calls_nest_three_hundred_deep() {
    let project = Project::app(
        r#"
@function()
def down(n: int) -> int:
    note("down", n)
    if n == 0 and not healthy():
        raise ValueError("the bottom")
    return 1 + down(n - 1) if n else 0

@application()
@function()
def app(n: int) -> int:
    return down(n)
"#,
    );
    project.tl(&["run", "--input", "300"]).exits(1).says(&["ValueError: the bottom", "app.py:"]);
    assert_eq!(project.times("down"), 301);
    project.heal();
    assert_eq!(project.replay_ok(&[])["output"], 300);
    project.sound();
    let again = project.replay_ok(&[]);
    assert_eq!(count(&again, "fresh"), 0, "{}", again["counts"]);
    assert_eq!(project.times("down"), 602);
}

#[test]
fn workers_that_die_are_retried_too() {
    let project = project("", "retries=2", "if times('step') < 3: os._exit(1)\nelse: return 0");
    assert_eq!(project.run_ok(&["--input", "1"])["output"], 0);
    assert_eq!(project.times("step"), 3);
    project.sound();
}

#[test]
fn a_request_error_is_final() {
    let project = project("", "retries=5", "raise RequestError('no such user')");
    survives(&project, &["RequestError: no such user"]);
    assert_eq!(project.times("step"), 1);
}
