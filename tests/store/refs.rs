//! Lists that grow: what their nodes refer to is stored once, as numbers of rows.

use std::path::Path;

use bytes::Bytes;
use rusqlite::Connection;
use tl_bench::base::digest::Digest;
use tl_bench::model::{CallStatus, RunStatus};
use tl_bench::store::{GcOptions, Node, NodeError, NodeRules, Options, Store};

use crate::support::{Recorder, asked, ended, node, value};

/// Values that refer to others with 32 raw bytes each, after a byte `R`; anything else refers to nothing.
fn children(data: &[u8]) -> Vec<Digest> {
    let all: Option<Vec<Digest>> =
        data.chunks(33).map(|entry| Digest::from_slice(entry.strip_prefix(b"R")?)).collect();
    all.unwrap_or_default()
}

fn open(dir: &Path) -> Store {
    let nodes = NodeRules { children: Some(children), ..NodeRules::default() };
    Store::open(dir, Options { nodes, ..Options::default() }).unwrap()
}

fn message(no: usize) -> Node {
    node(format!("message {no} "))
}

/// A list of the first messages.
fn list(count: usize) -> Node {
    let entries = (0..count).flat_map(|no| [&b"R"[..], message(no).digest.as_bytes()].concat());
    let data: Bytes = entries.collect::<Vec<u8>>().into();
    Node { digest: Digest::of(&data), data }
}

/// A run whose calls each get a list that is one message longer.
fn record(store: &Store, name: u64, from: usize, to: usize) -> Recorder {
    let mut run = Recorder::start(store, name, None);
    for (no, count) in (2..).zip(from..to) {
        let whole = list(count);
        let kinds = vec![asked(no, 1), ended(no, CallStatus::Fresh, Some(value(&whole)), None)];
        run.put(kinds, vec![message(count - 1), whole], true).unwrap();
    }
    run.end(RunStatus::Succeeded);
    run
}

fn database(dir: &Path) -> Connection {
    Connection::open(dir.join("store.db")).unwrap()
}

fn check(store: &Store, lists: std::ops::Range<usize>) {
    for count in lists {
        assert_eq!(store.node(&list(count).digest).unwrap(), list(count).data, "list of {count}");
    }
    assert!(store.integrity_check().unwrap().is_empty());
}

#[test]
fn a_list_that_grows_costs_a_few_bytes_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    record(&store, 1, 1, 200);
    check(&store, 1..200);
    let sql = "SELECT sum(length(data)), sum(size) FROM nodes WHERE codec >= 2";
    let bytes = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (stored, size): (i64, i64) = database(dir.path()).query_row(sql, [], bytes).unwrap();
    assert_eq!(size, (1..200).map(|count| 33 * count).sum::<i64>());
    assert!(stored * 10 < size, "{stored} bytes for {size}");
    // Another process knows no rows by heart.
    record(&open(dir.path()), 2, 150, 260);
    check(&store, 1..260);
}

#[test]
fn gc_keeps_what_a_kept_list_refers_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    record(&store, 1, 1, 60);
    let other = node("of the first run alone");
    let mut first = Recorder::start(&store, 2, None);
    first.step(2, other.clone());
    first.end(RunStatus::Succeeded);
    record(&store, 3, 30, 90);
    let plan = store.gc_plan(&GcOptions { keep_last: 1, ..GcOptions::default() }).unwrap();
    assert_eq!(plan.runs.len(), 2);
    store.gc(&plan).unwrap();
    assert!(matches!(store.node(&other.digest), Err(NodeError::Missing { .. })));
    assert!(matches!(store.node(&list(29).digest), Err(NodeError::Missing { .. })));
    check(&store, 30..90);
    store.rewrite().unwrap();
    // Rows that became free are used again, and mean something else.
    record(&store, 4, 1, 30);
    check(&store, 1..90);
}

#[test]
fn what_refers_to_a_damaged_row_is_damaged_and_heals_when_it_is_recorded_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    record(&store, 1, 1, 20);
    let flip = "UPDATE nodes SET rest = zeroblob(24) WHERE key = ?1";
    assert_eq!(database(dir.path()).execute(flip, [message(3).digest.prefix()]).unwrap(), 1);
    let store = open(dir.path());
    assert_eq!(store.node(&list(3).digest).unwrap(), list(3).data);
    for count in 4..20 {
        let found = store.node(&list(count).digest);
        assert!(matches!(found, Err(NodeError::Damaged { .. })), "list of {count}: {found:?}");
    }
    assert!(store.integrity_check().unwrap().iter().any(|finding| finding.damage));
    record(&store, 2, 4, 20);
    for count in 1..20 {
        assert_eq!(store.node(&list(count).digest).unwrap(), list(count).data, "list of {count}");
    }
}

#[test]
fn lists_of_a_store_of_the_second_format_are_read_and_grow() {
    let dir = tempfile::tempdir().unwrap();
    record(&open(dir.path()), 1, 1, 40);
    // As the second format stored them: with their digests.
    let db = database(dir.path());
    for count in 1..40 {
        let whole = list(count);
        let put = "UPDATE nodes SET codec = 0, data = ?2 WHERE key = ?1";
        assert_eq!(db.execute(put, (whole.digest.prefix(), &whole.data[..])).unwrap(), 1);
    }
    db.execute_batch("PRAGMA user_version=2; UPDATE meta SET value='2' WHERE key='format'").unwrap();
    drop(db);
    let store = open(dir.path());
    check(&store, 1..40);
    record(&store, 2, 30, 60);
    check(&store, 1..60);
}

/// A conversation comes whole with each turn. What of it is stored makes the turn no larger.
#[test]
fn what_is_stored_already_does_not_count_against_what_goes_beside_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    let long = |no: usize| node(format!("{no} {}", "a long message ".repeat(200)));
    let all: Vec<Node> = (0..100).map(long).collect();
    assert!(all.iter().map(|one| one.data.len()).sum::<usize>() > 200_000);
    run.put(vec![asked(2, 1), ended(2, CallStatus::Fresh, Some(value(&all[0])), None)], all.clone(), true)
        .unwrap();
    let beside = dir.path().join(format!("beside-{}", run.run));
    assert!(!beside.exists());
    let turn = [all, vec![long(100)]].concat();
    run.put_now(vec![asked(3, 1), ended(3, CallStatus::Fresh, Some(value(&long(100))), None)], turn, true);
    let written = std::fs::read(&beside).unwrap();
    let holds = |no: usize| written.windows(long(no).data.len()).any(|bytes| bytes == long(no).data);
    assert!(holds(100) && !holds(99));
    run.end(RunStatus::Succeeded);
    assert_eq!(store.node(&long(100).digest).unwrap(), long(100).data);
    assert!(store.integrity_check().unwrap().is_empty());
}
