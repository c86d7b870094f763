//! `watch` and `status` with the real binary: which calls an edit names, what is no edit, and replays by themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{Project, Running, count, executed, until};

const APP: &str = r#"
import util

@function()
def fetch(x: int) -> int:
    note("ran", "fetch")
    return x + 1

@function()
def clean(x: int) -> int:
    note("ran", "clean")
    return util.tidy(x)

@function()
def prompt(x: int) -> str:
    note("ran", "prompt")
    with open("prompt.txt") as file:
        return file.read() + str(x)

@application()
@function()
def app(x: int) -> str:
    note("ran", "app")
    a = fetch(x)
    b = clean(a)
    return prompt(b)
"#;

const UTIL: &str = "def tidy(x):\n    return scale(x) % 10\n\ndef scale(x):\n    return x * 1\n";

fn project() -> Project {
    let project = Project::new(&[
        ("app.py", &format!("{}{APP}", support::HEAD)),
        ("util.py", UTIL),
        ("prompt.txt", "say "),
    ]);
    project.run_ok(&["--input", "1"]);
    project.forget();
    project
}

fn read(project: &Project) -> String {
    std::fs::read_to_string(project.root().join("app.py")).unwrap()
}

/// The same, where every function says that it does not act on the world.
fn labelled() -> Project {
    let project = project();
    let text = read(&project).replace("@function()", "@function(effect=False)");
    project.write("app.py", &text);
    project
}

/// Paths of the calls with this fate that an edit is the reason of.
fn by_edit(document: &Value, fate: &str) -> Vec<String> {
    let calls = document["calls"].as_array().unwrap().iter();
    let wanted = calls.filter(|call| call["fate"] == fate && call["by_edit"] == true);
    wanted.map(|call| call["path"].as_str().unwrap().to_owned()).collect()
}

/// A watch that prints JSON, and how many of its lines were read.
struct Watch {
    running: Running,
    read: usize,
}

impl Watch {
    fn start(project: &Project, args: &[&str]) -> Self {
        let mut watch = Watch { running: project.start(&[&["watch", "--json"], args].concat()), read: 0 };
        assert_eq!(watch.next("verdict")["clean"], true);
        let note = watch.next("notice");
        assert!(note["text"].as_str().unwrap().starts_with("watching"), "{note}");
        watch
    }

    /// The next line of this kind; others before it are an error.
    fn next(&mut self, kind: &str) -> Value {
        let line = |all: &str, at: usize| {
            all.split_inclusive('\n').nth(at).filter(|l| l.ends_with('\n')).map(str::to_owned)
        };
        let mut found = None;
        until(&format!("a {kind}; {}", self.running.err_so_far()), || {
            found = line(&self.running.out_so_far(), self.read);
            found.is_some()
        });
        self.read += 1;
        let document: Value = serde_json::from_str(&found.unwrap()).unwrap();
        assert_eq!(document["event"], kind, "{document:#}");
        document
    }

    /// It ends by Ctrl-C, having written nothing that was not read.
    fn end(self) {
        self.running.signal(Signal::SIGINT);
        let done = self.running.wait().exits(0);
        assert_eq!(done.out.lines().count(), self.read, "{}", done.out);
    }
}

#[test]
fn status_names_the_calls_of_an_edit_and_what_did_it() {
    let project = project();
    let status = || project.tl(&["status", "--json"]).exits(0).json();
    assert_eq!(status()["clean"], true);
    project.write("util.py", &UTIL.replace("x * 1", "x * 2"));
    let edited = status();
    assert_eq!(by_edit(&edited, "edited"), ["app/clean#1"]);
    assert_eq!(by_edit(&edited, "caller"), ["app"]);
    assert_eq!(by_edit(&edited, "after"), ["app/prompt#1"]);
    let part = &edited["changed"][0]["parts"][0];
    assert_eq!(
        (&part["name"], &part["file"], &part["line"]),
        (&"scale".into(), &"util.py".into(), &4.into())
    );
    assert_eq!(part["via"], serde_json::json!(["clean", "tidy", "scale"]));
    assert_eq!((edited["rerun"]["calls"].as_u64(), edited["at_most"]["calls"].as_u64()), (Some(1), Some(2)));
    assert_eq!(edited["rerun"]["unlabelled"], serde_json::json!(["app", "clean"]));
    // A comment is no edit, and undoing is none.
    project.write("util.py", &UTIL.replace("x * 1", "x * 1  # once"));
    assert_eq!(status()["clean"], true);
    project.write("prompt.txt", "shout ");
    let data = status();
    assert_eq!(by_edit(&data, "edited"), ["app/prompt#1"]);
    assert_eq!(data["changed"][0]["reasons"], serde_json::json!(["file prompt.txt changed"]));
    // What does not parse changes nothing and is said with its place.
    project.write("prompt.txt", "say ");
    project.write("util.py", &UTIL.replace("return scale(x)", "return scale(x"));
    let broken = status();
    assert_eq!((&broken["clean"], &broken["problems"][0]["file"]), (&true.into(), &"util.py".into()));
    assert!(broken["problems"][0]["line"].as_u64().is_some_and(|line| line == 2 || line == 4), "{broken:#}");
    executed(&project, &[]);
    // For people: the same in a few lines.
    project.write("util.py", &UTIL.replace("x * 1", "x * 2"));
    let text = project.tl(&["status"]).exits(0).out;
    for piece in [
        "clean  app.py:",
        "util.py:4 scale changed  clean → tidy → scale",
        "1 function changed: 1 call",
        "app/clean#1",
    ] {
        assert!(text.contains(piece), "{piece:?} is missing from\n{text}");
    }
}

#[test]
fn watch_tells_each_save_that_means_something_and_its_undoing() {
    let project = project();
    let mut watch = Watch::start(&project, &[]);
    // Neither the same text nor a comment says anything: what follows is the next line.
    project.write("util.py", UTIL);
    project.write("util.py", &format!("# a comment\n{UTIL}"));
    // By another name and renamed, as editors save.
    project.write(".util.py.swp", "x");
    project.write("util.py.new", &UTIL.replace("x * 1", "x * 2"));
    std::fs::rename(project.root().join("util.py.new"), project.root().join("util.py")).unwrap();
    let edited = watch.next("verdict");
    assert_eq!(
        (by_edit(&edited, "edited"), &edited["saved"][0]),
        (vec!["app/clean#1".into()], &"util.py".into())
    );
    // While it does not parse, what it held before stands.
    project.write("util.py", "def tidy(:\n");
    let broken = watch.next("verdict");
    assert_eq!(broken["problems"][0]["line"], 1, "{broken:#}");
    assert_eq!(by_edit(&broken, "edited"), ["app/clean#1"]);
    project.write("util.py", UTIL);
    assert_eq!(watch.next("verdict")["clean"], true);
    project.write("prompt.txt", "shout ");
    let read = watch.next("verdict");
    assert_eq!(
        (by_edit(&read, "edited"), &read["saved"]),
        (vec!["app/prompt#1".into()], &json!(["prompt.txt"]))
    );
    project.write("prompt.txt", "say ");
    assert_eq!(watch.next("verdict")["clean"], true);
    executed(&project, &[]);
    watch.end();
}

#[test]
fn a_branch_switch_is_told_as_one() {
    let project = project();
    for i in 0..200 {
        project.write(&format!("pkg/m{i}.py"), "X = 1\n");
    }
    let mut watch = Watch::start(&project, &[]);
    for i in 0..200 {
        project.write(&format!("pkg/m{i}.py"), "X = 2\n");
    }
    project.write("util.py", &UTIL.replace("x * 1", "x * 2"));
    project.edit("x + 1", "x + 2");
    // Hundreds of files may take more than one burst; the last word counts.
    let mut told = watch.next("verdict");
    while by_edit(&told, "edited").len() < 2 {
        told = watch.next("verdict");
    }
    assert_eq!(by_edit(&told, "edited"), ["app/fetch#1", "app/clean#1"]);
    watch.end();
}

#[test]
fn new_runs_are_judged_and_a_named_one_is_kept() {
    let project = project();
    let first = project.show("latest")["run"].as_str().unwrap().to_owned();
    let mut newest = Watch::start(&project, &[]);
    let mut named = Watch::start(&project, &[&first]);
    project.edit("x + 1", "x + 2");
    assert_eq!(by_edit(&newest.next("verdict"), "edited"), ["app/fetch#1"]);
    assert_eq!(by_edit(&named.next("verdict"), "edited"), ["app/fetch#1"]);
    let second = project.replay_ok(&[]);
    let told = newest.next("verdict");
    assert_eq!((&told["run"], &told["clean"]), (&second["run"], &true.into()));
    // A replay of the older run would now be served by the newer one.
    let elsewhere = named.next("verdict");
    assert_eq!((&elsewhere["run"], &elsewhere["clean"]), (&first.into(), &true.into()));
    let served = format!("from run {}", second["run"].as_str().unwrap());
    assert_eq!(elsewhere["calls"][0]["reason"], served);
    newest.end();
    named.end();
}

#[test]
fn watch_replays_when_asked_executing_what_the_edit_touched() {
    let project = labelled();
    let mut watch = Watch::start(&project, &["--replay"]);
    project.write("util.py", &UTIL.replace("x * 1", "x * 2"));
    assert_eq!(by_edit(&watch.next("verdict"), "edited"), ["app/clean#1"]);
    let replay = watch.next("replay");
    assert_eq!((&replay["status"], count(&replay, "cached")), (&"succeeded".into(), 1));
    executed(&project, &["app", "clean", "prompt"]);
    let after = watch.next("verdict");
    assert_eq!((&after["run"], &after["clean"]), (&replay["run"], &true.into()));
    // Undone: the older run's checkpoints serve.
    project.write("util.py", UTIL);
    watch.next("verdict");
    let back = watch.next("replay");
    assert_eq!((&back["status"], count(&back, "fresh")), (&"succeeded".into(), 0));
    watch.next("verdict");
    watch.end();
}

#[test]
fn what_may_act_on_the_world_is_not_replayed_unasked() {
    let text = format!("{}{APP}", support::HEAD)
        .replace("@function()", "@function(effect=False)")
        .replace("effect=False)\ndef clean", "effect=True)\ndef clean");
    let project = Project::new(&[("app.py", &text), ("util.py", UTIL), ("prompt.txt", "say ")]);
    project.run_ok(&["--input", "1"]);
    project.forget();
    let mut watch = Watch::start(&project, &["--replay"]);
    project.edit("x + 1", "x + 2");
    let told = watch.next("verdict");
    assert_eq!(
        (by_edit(&told, "after").first().unwrap().as_str(), &told["effects"][0]),
        ("app/clean#1", &"clean".into())
    );
    let refusal = watch.next("notice");
    assert!(refusal["text"].as_str().unwrap().contains("not replayed: clean may act"), "{refusal}");
    // An edit that comes after it does not concern it.
    project.edit("x + 2", "x + 1");
    assert_eq!(watch.next("verdict")["clean"], true);
    project.write("prompt.txt", "shout ");
    watch.next("verdict");
    assert_eq!(watch.next("replay")["status"], "succeeded");
    watch.next("verdict");
    executed(&project, &["app", "prompt"]);
    watch.end();
}

#[test]
fn what_does_not_say_whether_it_acts_is_replayed_only_when_that_is_asked_for() {
    let project = project();
    let mut careful = Watch::start(&project, &["--replay"]);
    project.edit("x + 1", "x + 2");
    let told = careful.next("verdict");
    assert_eq!(told["unlabelled"], serde_json::json!(["app", "clean", "fetch", "prompt"]));
    let refusal = careful.next("notice")["text"].as_str().unwrap().to_owned();
    assert!(refusal.contains("not replayed: app, clean, fetch, prompt do not say"), "{refusal}");
    careful.end();
    executed(&project, &[]);
    project.edit("x + 2", "x + 1");
    let mut asked = Watch::start(&project, &["--replay=unlabelled"]);
    project.edit("x + 1", "x + 2");
    asked.next("verdict");
    assert_eq!(asked.next("replay")["status"], "succeeded");
    asked.next("verdict");
    executed(&project, &["app", "clean", "fetch", "prompt"]);
    asked.end();
}

#[test]
fn ctrl_c_ends_the_replay_and_then_the_watch() {
    let project = labelled();
    project
        .edit("    a = fetch(x)", "    a = fetch(x)\n    import time; note('waits', 'app'); time.sleep(600)");
    let fast = read(&project);
    project.write("app.py", &fast.replace("time.sleep(600)", "time.sleep(0)"));
    project.run_ok(&["--input", "1"]);
    let mut watch = Watch::start(&project, &["--replay"]);
    project.forget();
    project.write("app.py", &fast);
    watch.next("verdict");
    until("the replay waits", || !project.noted("waits").is_empty());
    watch.running.signal(Signal::SIGINT);
    until("it says that it stops", || watch.running.err_so_far().contains("once more"));
    watch.running.signal(Signal::SIGINT);
    let done = watch.running.wait().exits(0);
    assert_eq!(project.show("latest")["status"], "cancelled", "{}", done.out);
    project.sound();
}

#[test]
fn people_read_what_changed_what_broke_and_what_was_undone() {
    let project = project();
    let watch = project.start(&["watch"]);
    let until_out = |piece: &str| until(piece, || watch.out_so_far().contains(piece));
    until_out("every checkpoint holds");
    until("it watches", || watch.err_so_far().contains("Ctrl-C ends"));
    project.write("util.py", &UTIL.replace("x * 1", "x * 2"));
    until_out("saved util.py");
    until_out("util.py:4 scale changed  clean → tidy → scale");
    until_out("1 function changed: 1 call");
    project.write("util.py", "def tidy(:\n");
    until_out("util.py:1:10 does not parse: ");
    project.write("util.py", &UTIL.replace("x * 1", "x * 2"));
    until_out("util.py parses again");
    project.write("util.py", UTIL);
    until_out("undone: every checkpoint of run");
    project.write("util.py", &format!("# a comment\n{UTIL}"));
    until_out("saved util.py: changes nothing");
    watch.signal(Signal::SIGINT);
    watch.wait().exits(0);
}

#[test]
fn what_cannot_be_watched_is_said() {
    let empty = Project::new(&[("app.py", "")]);
    empty.tl(&["watch"]).exits(2).says(&["no runs are recorded", "`tl-bench run` makes one"]);
    let project = project();
    project.tl(&["watch", "ffff"]).exits(2).says(&["ffff"]);
    project.tl(&["watch", "--effects", "rerun"]).exits(2).says(&["--replay"]);
    std::fs::remove_file(project.root().join("app.py")).unwrap();
    project.tl(&["watch"]).exits(2).says(&["the application app is not defined in"]);
}

#[test]
fn polling_is_a_fallback_that_works_and_says_so() {
    let project = project();
    let mut command = project.command(&["watch", "--json"]);
    command.env("TL_BENCH_WATCH", "poll");
    let mut watch = Watch { running: support::start(command), read: 0 };
    watch.next("verdict");
    watch.next("notice");
    project.write("util.py", &UTIL.replace("x * 1", "x * 2"));
    assert_eq!(by_edit(&watch.next("verdict"), "edited"), ["app/clean#1"]);
    watch.end();
}
