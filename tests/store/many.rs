//! Several writers and readers at once; read-only folders; a disk that refuses.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use tl_bench::model::{CallStatus, RunStatus};
use tl_bench::store::{CallFilter, Store, StoreError};

use crate::support::{Recorder, asked, ended, node, open, options, value};

#[test]
fn readers_see_runs_grow_and_never_shrink() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two, reader) = (open(dir.path()), open(dir.path()), open(dir.path()));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = std::collections::HashMap::new();
            let mut counted = std::collections::HashMap::new();
            let mut looks = 0;
            let mut counter = reader.change_counter();
            let mut changes = 0;
            while !stop.load(Ordering::Relaxed) || looks < 3 {
                looks += 1;
                let now = reader.change_counter();
                changes += usize::from(now != counter);
                counter = now;
                for row in reader.runs(None, 9).unwrap() {
                    assert_eq!(row.damaged, None);
                    let history = reader.history(&row.summary.id).unwrap();
                    assert_eq!(history.damage, None);
                    // Rows of a run that goes on may be behind its log, but never by much of a second, and they grow.
                    let calls = reader.call_count(&row.summary.id, &CallFilter::default()).unwrap();
                    let rows = counted.insert(row.summary.id.clone(), calls).unwrap_or(0);
                    assert!(rows <= calls);
                    assert!(row.alive || calls >= history.history.calls.len());
                    let before = seen.insert(row.summary.id, history.history.last_seq).unwrap_or(0);
                    assert!(before <= history.history.last_seq);
                }
            }
            changes
        });
        let writers = [(&one, 1), (&two, 2)].map(|(store, name)| {
            scope.spawn(move || {
                let mut run = Recorder::start(store, name, None);
                for no in 2..60 {
                    run.step(no, node(format!("shared {no} ").repeat(40)));
                }
                run.end(RunStatus::Succeeded);
            })
        });
        for writer in writers {
            writer.join().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(watch.join().unwrap() > 0);
    });
    assert_eq!(reader.runs(None, 9).unwrap().len(), 2);
    // Both wrote the same values: each is stored once.
    assert_eq!(reader.size().unwrap().nodes, 58);
    assert!(reader.integrity_check().unwrap().is_empty());
}

#[test]
fn a_queue_of_submissions_is_acknowledged_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    let (send, receive) = channel();
    let mut no = 1;
    for at in 0..200 {
        no += 1;
        let output = node(format!("{no}"));
        let kinds = vec![asked(no, 1), ended(no, CallStatus::Fresh, Some(value(&output)), None)];
        let batch = run.batch(kinds, vec![output]);
        let send = send.clone();
        run.writer.submit(batch, at % 3 == 0, move |outcome| send.send((at, outcome.is_ok())).unwrap());
    }
    drop(send);
    let got: Vec<_> = receive.iter().collect();
    assert_eq!(got, (0..200).map(|at| (at, true)).collect::<Vec<_>>());
    run.end(RunStatus::Succeeded);
    assert_eq!(store.history(&run.run).unwrap().history.counts.fresh, 200);
}

#[test]
fn a_read_only_folder_is_read_and_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("s");
    let copy = dir.path().join("with log");
    let run = {
        let store = open(&at);
        let mut run = Recorder::start(&store, 1, None);
        run.step(2, node("x"));
        run.end(RunStatus::Succeeded);
        std::fs::create_dir(&copy).unwrap();
        for name in ["store.db", "store.db-wal", "heads"] {
            std::fs::copy(at.join(name), copy.join(name)).unwrap();
        }
        run.run
    };
    for folder in [&at, &copy] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o500)).unwrap();
        let store = Store::open_read_only(folder, options()).unwrap();
        assert_eq!(store.history(&run).unwrap().history.status, RunStatus::Succeeded);
        assert!(matches!(store.pin(&run, true), Err(StoreError::ReadOnly { .. })));
        assert!(matches!(store.writer(), Err(StoreError::ReadOnly { .. })));
        drop(store);
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn a_failed_commit_ends_the_recording_of_its_runs() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    // A trigger stands for a disk that is full.
    let db = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    db.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON nodes BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    )
    .unwrap();
    let output = node("lost");
    let kinds = vec![asked(2, 1), ended(2, CallStatus::Fresh, Some(value(&output)), None)];
    let first = run.put(kinds, vec![output], true).unwrap_err();
    assert!(first.to_string().contains("disk full"), "{first}");
    db.execute_batch("DROP TRIGGER full").unwrap();
    run.seq -= 2;
    let later = run.put(vec![asked(2, 1)], vec![], true).unwrap_err();
    assert!(matches!(&*later, StoreError::RunFailed { .. }), "{later}");
    let history = store.history(&run.run).unwrap();
    assert_eq!(
        (history.history.calls.len(), history.damage),
        (1, None),
        "nothing of the failed commit is there"
    );
    let mut other = Recorder::start(&store, 2, None);
    other.step(2, node("fine"));
}
