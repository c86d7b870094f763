//! The checkpoint store from outside: what is written is read, by everybody, or said to be damaged.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod damage;
mod gc;
mod kill;
mod many;
mod refs;
mod support;

use support::{Recorder, asked, ended, node, open};
use tl_bench::base::digest::Digest;
use tl_bench::base::ids::RunId;
use tl_bench::model::{CallStatus, EventKind, RunHistory, RunStatus, Stream};
use tl_bench::store::{CallFilter, FindError, NodeError, Store, StoreError};

#[test]
fn a_run_is_read_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join(".tl-bench"));
    let mut run = Recorder::start(&store, 1, None);
    for no in 2..40 {
        run.step(no, node(format!("answer {no} ").repeat(100)));
    }
    let text = "a line of output\n".repeat(50);
    run.put(vec![EventKind::Log { no: 3, stream: Stream::Stdout, text: text.clone() }], vec![], false)
        .unwrap();
    run.end(RunStatus::Succeeded);

    let history = store.history(&run.run).unwrap();
    assert_eq!(history.damage, None);
    assert!(!history.alive);
    let history = history.history;
    assert_eq!((history.status, history.counts.fresh), (RunStatus::Succeeded, 38));
    assert_eq!(history.logs[0].text, text);
    let output = history.call(5).unwrap().output.clone().unwrap();
    assert_eq!(&store.node(&output.digest).unwrap()[..9], b"answer 5 ");

    let row = store.run(&run.run).unwrap();
    assert_eq!(row.summary, history.summary(false));
    assert_eq!((row.damaged, row.alive), (None, false));
    let all = store.call_rows(&run.run, &CallFilter::default(), 0, 1_000).unwrap();
    assert_eq!(all.len(), history.calls.len());
    for (row, call) in all.iter().zip(&history.calls) {
        assert_eq!((row.no, row.status, row.wall_us), (call.no, call.status, call.wall_us));
        assert_eq!((row.started_at, row.ended_at), (call.started_at, call.ended_at));
        assert_eq!(row.fp, (call.status == CallStatus::Fresh).then(|| call.fingerprint().prefix()));
    }
    let children = CallFilter { parent: Some(1), ..CallFilter::default() };
    assert_eq!(store.call_count(&run.run, &children).unwrap(), 38);
    let window = store.call_rows(&run.run, &children, 10, 3).unwrap();
    assert_eq!(window.iter().map(|row| row.no).collect::<Vec<_>>(), [12, 13, 14]);
    assert_eq!(store.call_events(&run.run, &window[0]).unwrap().len(), 2);
    assert!(store.integrity_check().unwrap().is_empty());
}

#[test]
fn the_tail_of_a_run_is_read_from_any_event() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    for no in 2..12 {
        run.step(no, node(format!("{no}")));
    }
    let all = store.events(&run.run, 0, usize::MAX).unwrap();
    assert_eq!(all.len() as u64, run.seq);
    for after in 0..=run.seq {
        let tail = store.events(&run.run, after, usize::MAX).unwrap();
        assert_eq!(tail, all[after as usize..], "after {after}");
        let some = store.events(&run.run, after, 1).unwrap();
        assert_eq!(some.first(), all.get(after as usize));
    }
    let mut projected = RunHistory::new(run.run.clone());
    all.iter().for_each(|event| projected.apply(event));
    let live = store.history(&run.run).unwrap();
    assert!(live.alive);
    assert_eq!(live.history, projected);
    assert_eq!(store.run(&run.run).unwrap().summary.status, RunStatus::Running);
}

#[test]
fn checkpoints_are_found_by_fingerprint_newest_run_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for name in 1..4 {
        let mut run = Recorder::start(&store, name, None);
        run.step(2, node("two"));
        run.put(vec![asked(3, 1)], vec![], false).unwrap();
        run.put(vec![ended(3, CallStatus::Failed, None, None)], vec![], true).unwrap();
        run.end(RunStatus::Failed);
    }
    let newest = store.find_run("latest").unwrap();
    let calls = store.history(&newest).unwrap().history.calls;
    let prints: Vec<Digest> = calls[1..].iter().map(|call| call.fingerprint()).collect();
    let found = store.candidates(&prints, 2).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|candidate| candidate.asked == 0 && candidate.call == 2));
    assert_eq!(found[0].run, newest);
    assert_eq!(found[1].run, store.find_run("latest~1").unwrap());
}

#[test]
fn runs_are_found_by_what_people_type() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for name in [0x1111, 0x1122, 0x2222] {
        Recorder::start(&store, name << 32, None).end(RunStatus::Succeeded);
    }
    let name = |text: &str| store.find_run(text).map(|run| run.as_str().to_owned());
    assert_eq!(name("2").unwrap(), "222200000000");
    assert_eq!(name("latest~2").unwrap(), "111100000000");
    assert!(matches!(name("11"), Err(FindError::Ambiguous { matches, .. }) if matches.len() == 2));
    assert!(
        matches!(name("222200000001"), Err(FindError::NotFound { near, .. }) if near[0].as_str() == "222200000000")
    );
    assert!(matches!(name("latest~3"), Err(FindError::NotFound { .. })));
    assert!(matches!(name(""), Err(FindError::NotFound { .. })));
    let rows = store.runs(None, 2).unwrap();
    assert_eq!(rows.len(), 2);
    let rest = store.runs(Some(rows[1].cursor), 9).unwrap();
    assert_eq!(rest[0].summary.id.as_str(), "111100000000");
    store.pin(&rest[0].summary.id, true).unwrap();
    store.set_label(&rest[0].summary.id, Some("the good one")).unwrap();
    let marked = store.run(&rest[0].summary.id).unwrap();
    assert_eq!((marked.summary.pinned, marked.label.as_deref()), (true, Some("the good one")));
}

#[test]
fn faults_of_a_caller_touch_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut good = Recorder::start(&store, 1, None);
    let mut bad = Recorder::start(&store, 2, None);
    bad.seq += 5;
    let error = bad.put(vec![asked(2, 1)], vec![], true).unwrap_err();
    assert!(matches!(&*error, StoreError::Misuse { .. }), "{error}");
    good.step(2, node("fine"));
    good.end(RunStatus::Succeeded);
    assert!(good.put(vec![asked(3, 1)], vec![], true).is_err(), "an ended run takes no events");
    assert_eq!(store.history(&good.run).unwrap().damage, None);
    assert!(matches!(store.history(&RunId::from_text("none")), Err(StoreError::NoRun { .. })));
    assert!(matches!(store.node(&Digest::of(b"?")), Err(NodeError::Missing { .. })));
}

#[test]
fn stores_that_cannot_be_used_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert!(matches!(Store::open_read_only(&at("none"), support::options()), Err(StoreError::Absent { .. })));

    drop(open(&at("newer")));
    let db = rusqlite::Connection::open(at("newer/store.db")).unwrap();
    db.execute_batch("PRAGMA user_version=99; UPDATE meta SET value='99' WHERE key='format'; UPDATE meta SET value='7.0' WHERE key='written_by'").unwrap();
    drop(db);
    let before = std::fs::read(at("newer/store.db")).unwrap();
    let error = Store::open(&at("newer"), support::options()).err().unwrap();
    assert!(matches!(&error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("tl-bench 7.0"), "{error}");
    assert_eq!(std::fs::read(at("newer/store.db")).unwrap(), before);

    std::fs::create_dir(at("text")).unwrap();
    std::fs::write(at("text/store.db"), "this is not a database".repeat(300)).unwrap();
    let error = Store::open(&at("text"), support::options()).err().unwrap().to_string();
    assert!(error.contains("damaged") && error.contains("store.db"), "{error}");
    std::fs::write(at("text/store.db"), "").unwrap();
    let error = Store::open(&at("text"), support::options()).err().unwrap().to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn the_folder_is_private_and_ignored() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("s"));
    let _run = Recorder::start(&store, 1, None);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir.path().join("s")), 0o700);
    for entry in std::fs::read_dir(dir.path().join("s")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("s/.gitignore")).unwrap(), "*\n");
}
