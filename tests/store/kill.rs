//! A process that records is killed at random instants: what it was told is recorded, is.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tl_bench::base::ids::RunId;
use tl_bench::model::{CallStatus, EventKind, RunStatus};

use crate::support::{Recorder, asked, ended, node, open, value};

/// Runs in a child process: records until it is killed, noting each acknowledged call.
#[test]
fn child_records() {
    let Ok(dir) = std::env::var("STORE_KILL_DIR") else { return };
    let dir = Path::new(&dir);
    let name: u64 = std::env::var("STORE_KILL_NAME").unwrap().parse().unwrap();
    let mut acks = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("acks")).unwrap();
    let store = open(&dir.join("s"));
    let mut run = Recorder::start(&store, name, None);
    writeln!(acks, "{} 1", run.run).unwrap();
    for no in 2.. {
        // As the engine writes the start of a call: what it may go on after, a kill does not take.
        let start =
            run.batch(vec![asked(no, 1), EventKind::CallStarted { no, attempt: 1, worker: 1 }], vec![]);
        if let Err(start) = run.writer.commit_now(start, false) {
            run.writer.write(start, false).unwrap();
        }
        acks.write_all(format!("{} started {no}\n", run.run).as_bytes()).unwrap();
        let output = node(format!("{name} {no} ").repeat(30));
        let end = ended(no, CallStatus::Fresh, Some(value(&output)), None);
        run.put(vec![end], vec![output], true).unwrap();
        acks.write_all(format!("{} {no}\n", run.run).as_bytes()).unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut seed = 99u64;
    for name in 1..=8u64 {
        // Two at a time, so that they also share the store.
        let children: Vec<_> = [name, name + 100]
            .map(|name| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "kill::child_records", "--nocapture"])
                    .env("STORE_KILL_DIR", dir.path())
                    .env("STORE_KILL_NAME", name.to_string())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .into_iter()
            .collect();
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        std::thread::sleep(Duration::from_millis(60 + (seed >> 57)));
        for mut child in children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    let store = open(&dir.path().join("s"));
    let acks = std::fs::read_to_string(dir.path().join("acks")).unwrap();
    assert!(acks.lines().count() > 20, "the children got nowhere: {acks}");
    for line in acks.lines() {
        let (run, no) = line.split_once(' ').unwrap();
        let history = store.history(&RunId::from_text(run)).unwrap();
        assert_eq!(history.damage, None);
        if let Some(no) = no.strip_prefix("started ") {
            let call = history.history.call(no.parse().unwrap());
            assert!(call.is_some_and(|call| call.started_at.is_some()), "{line}");
            continue;
        }
        let call = history.history.call(no.parse().unwrap()).unwrap();
        assert!(call.no == 1 || call.status == CallStatus::Fresh, "{line}");
        if let Some(output) = &call.output {
            store.node(&output.digest).unwrap();
        }
    }
    for row in store.runs(None, 99).unwrap() {
        assert_eq!((row.summary.status, row.alive, row.damaged), (RunStatus::Interrupted, false, None));
        let history = store.history(&row.summary.id).unwrap().history;
        // The root only made calls: what is in doubt is at most the one that ran.
        assert_eq!(history.call(1).unwrap().status, CallStatus::Cancelled);
        assert!(history.counts.in_doubt <= 1);
        assert_eq!(row.summary, history.summary(false));
    }
    assert!(store.integrity_check().unwrap().is_empty());
    let left = std::fs::read_dir(dir.path().join("s")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("starts-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Runs in a child process: starts a call and dies before that is in the log.
#[test]
fn child_starts_a_call() {
    let Ok(dir) = std::env::var("STORE_START_DIR") else { return };
    let store = open(Path::new(&dir));
    let mut run = Recorder::start(&store, 1, None);
    let start = run.batch(vec![asked(2, 1), EventKind::CallStarted { no: 2, attempt: 1, worker: 1 }], vec![]);
    while run.writer.commit_now(start.clone(), false).is_err() {}
    std::process::abort();
}

#[test]
fn a_damaged_start_is_reported_and_not_taken_for_one_that_never_was() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "kill::child_starts_a_call", "--nocapture"]).env("STORE_START_DIR", &whole);
    child.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let names: Vec<String> = std::fs::read_dir(&whole)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let starts = names.iter().find(|name| name.starts_with("starts-")).unwrap();
    let bytes = std::fs::read(whole.join(starts)).unwrap();
    let copy = |trial: usize, bytes: &[u8]| {
        let to = dir.path().join(format!("s{trial}"));
        std::fs::create_dir(&to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o700)).unwrap();
        for name in &names {
            std::fs::copy(whole.join(name), to.join(name)).unwrap();
        }
        std::fs::write(to.join(starts), bytes).unwrap();
        let store = open(&to);
        let run = store.find_run("latest").unwrap();
        let status = store.history(&run).unwrap().history.call(2).map(|call| call.status);
        (store.run(&run).unwrap().damaged, store.history(&run).unwrap().damage, status)
    };
    let (damaged, damage, status) = copy(0, &bytes);
    assert_eq!((damaged, damage), (None, None));
    assert_eq!(status, Some(CallStatus::InDoubt));
    for trial in 1..=40 {
        let mut other = bytes.clone();
        let at = trial * 7919 % bytes.len();
        match trial % 4 {
            0 => other.truncate(at),
            1 => other.fill(0),
            _ => other[at] ^= 1 << (trial % 8),
        }
        let (damaged, damage, status) = copy(trial, &other);
        assert!(
            damaged.is_some_and(|text| text.contains("damaged") && text.contains(starts)),
            "trial {trial}"
        );
        assert!(damage.is_some() && status.is_none(), "trial {trial}");
    }
}

/// A start is written beside the database at first, but who looks from elsewhere sees it soon.
#[test]
fn a_call_that_takes_long_is_seen_by_others_although_nothing_else_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    let start = run.batch(vec![asked(2, 1), EventKind::CallStarted { no: 2, attempt: 1, worker: 1 }], vec![]);
    while let Err(batch) = run.writer.commit_now(start.clone(), false) {
        drop(batch);
    }
    let other = open(dir.path());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while other.history(&run.run).unwrap().history.call(2).is_none_or(|call| call.started_at.is_none()) {
        assert!(std::time::Instant::now() < deadline, "it was never written");
        std::thread::yield_now();
    }
    let output = node("done");
    run.put(vec![ended(2, CallStatus::Fresh, Some(value(&output)), None)], vec![output], true).unwrap();
    run.end(RunStatus::Succeeded);
    assert!(store.integrity_check().unwrap().is_empty());
}
