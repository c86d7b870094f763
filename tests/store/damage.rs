//! Flipped bits, zeroed sectors, cut files: the right answer or the word `damaged`.

use std::fs;
use std::path::Path;

use tl_bench::base::digest::Digest;
use tl_bench::base::ids::RunId;
use tl_bench::model::{RunHistory, RunStatus};
use tl_bench::store::{CallFilter, CallRow, Store};

use crate::support::{Recorder, node, open, options};

struct Seed(u64);

impl Seed {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// Everything that a reader can be told about a store.
struct Truth {
    runs: Vec<(RunId, RunHistory, Vec<CallRow>)>,
}

fn truth(store: &Store) -> Truth {
    let runs = store.runs(None, 99).unwrap();
    let runs = runs.into_iter().map(|row| {
        let run = row.summary.id;
        let rows = store.call_rows(&run, &CallFilter::default(), 0, 999).unwrap();
        (run.clone(), store.history(&run).unwrap().history, rows)
    });
    Truth { runs: runs.collect() }
}

/// Reads everything and compares; returns what was reported. Panics on a wrong answer.
fn read_all(dir: &Path, truth: &Truth) -> Vec<String> {
    let mut reports = Vec::new();
    let store = match Store::open_read_only(dir, options()) {
        Ok(store) => store,
        Err(error) => return vec![error.to_string()],
    };
    let listed = match store.runs(None, 99) {
        Ok(rows) => Some(rows),
        Err(error) => {
            reports.push(error.to_string());
            None
        }
    };
    match store.find_run("latest") {
        Err(error) => reports.push(error.to_string()),
        Ok(run) => assert_eq!(run, truth.runs[0].0, "an older run was given out as the latest"),
    }
    for (run, history, rows) in &truth.runs {
        match store.history(run) {
            Err(error) => reports.push(error.to_string()),
            Ok(read) => match read.damage {
                Some(damage) => reports.push(damage.to_string()),
                None => assert_eq!(read.history, *history, "a wrong history was given out"),
            },
        }
        match store.call_rows(run, &CallFilter::default(), 0, 999) {
            Err(error) => reports.push(error.to_string()),
            Ok(read) => assert_eq!(read, *rows, "wrong calls were given out"),
        }
        for call in &history.calls {
            let Some(output) = call.output.as_ref().filter(|output| output.inline.is_none()) else {
                continue;
            };
            match store.node(&output.digest) {
                Ok(data) => assert_eq!(Digest::of(&data), output.digest),
                Err(error) => reports.push(error.to_string()),
            }
        }
        if let Some(listed) = &listed {
            match listed.iter().find(|row| row.summary.id == *run) {
                None => panic!("run {run} vanished from the list: {reports:?}"),
                Some(row) if row.damaged.is_none() => {
                    assert_eq!(row.summary, history.summary(false), "a wrong summary was given out");
                }
                Some(row) => reports.extend(row.damaged.clone()),
            }
        }
    }
    reports
}

/// A store with three runs, copied while it is open: database, log and heads all hold something.
fn sample(dir: &Path) -> Truth {
    let store = open(dir);
    for name in 1..4u64 {
        let mut run = Recorder::start(&store, name, None);
        for no in 2..14 {
            let text = format!("run {name} call {no} ").repeat(if no % 5 == 0 { 500 } else { 20 });
            run.step(no, node(text));
        }
        run.end(if name == 2 { RunStatus::Failed } else { RunStatus::Succeeded });
        if name == 1 {
            // The first run is in the database, the others in the log.
            rusqlite::Connection::open(dir.join("store.db"))
                .unwrap()
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
                .unwrap();
        }
    }
    let truth = truth(&store);
    let copy = dir.with_extension("copy");
    fs::create_dir(&copy).unwrap();
    for name in ["store.db", "store.db-wal", "heads"] {
        fs::copy(dir.join(name), copy.join(name)).unwrap();
    }
    truth
}

#[test]
fn damage_is_never_a_wrong_answer() {
    let dir = tempfile::tempdir().unwrap();
    let truth = sample(&dir.path().join("s"));
    let copy = dir.path().join("s.copy");
    let files: Vec<(&str, Vec<u8>)> = ["store.db", "store.db-wal", "heads"]
        .into_iter()
        .map(|name| (name, fs::read(copy.join(name)).unwrap()))
        .collect();
    let place = dir.path().join("place");
    assert!(read_all(&copy, &truth).is_empty(), "the undamaged copy reads well");
    let mut seed = Seed(0x9E37_79B9_7F4A_7C15 ^ std::env::var("SEED").map_or(0, |s| s.parse().unwrap()));
    let trials = std::env::var("TRIALS").map_or(300, |n| n.parse().unwrap());
    for trial in 0..trials {
        let _ = fs::remove_dir_all(&place);
        fs::create_dir(&place).unwrap();
        let (hit, _) = &files[trial % files.len()];
        let mut what = String::new();
        for (name, bytes) in &files {
            let mut bytes = bytes.clone();
            if name == hit {
                let at = seed.below(bytes.len());
                match seed.below(8) {
                    0 => {
                        bytes.truncate(at);
                        what = format!("{name} cut at {at}");
                    }
                    1 => {
                        let sector = at / 512 * 512;
                        let end = (sector + 512).min(bytes.len());
                        bytes[sector..end].fill(0);
                        what = format!("{name} sector {sector} zeroed");
                    }
                    _ => {
                        let bit = seed.below(8);
                        bytes[at] ^= 1 << bit;
                        what = format!("{name} byte {at} bit {bit}");
                    }
                }
            }
            fs::write(place.join(name), bytes).unwrap();
        }
        let outcome = std::panic::catch_unwind(|| read_all(&place, &truth));
        let Ok(reports) = outcome else { panic!("trial {trial}: {what}: a wrong answer or a panic") };
        for report in reports {
            assert!(report.contains("damaged") || report.contains("corrupt"), "{what}: {report}");
        }
        // A writable open and a check may refuse, never panic.
        if trial % 4 == 0
            && let Ok(store) = Store::open(&place, options())
        {
            let _ = store.integrity_check();
        }
    }
}

#[test]
fn a_lost_log_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let truth = sample(&dir.path().join("s"));
    let copy = dir.path().join("s.copy");
    fs::write(copy.join("store.db-wal"), "").unwrap();
    let store = open(&copy);
    let rows = store.runs(None, 99).unwrap();
    assert_eq!(rows.len(), 3);
    let lost: Vec<_> = rows.iter().filter_map(|row| row.damaged.as_deref()).collect();
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert!(lost[0].contains("damaged: all 41 acknowledged events"), "{lost:?}");
    let (run, _, _) = &truth.runs[0];
    let history = store.history(run).unwrap();
    assert_eq!(history.damage.as_ref().map(|damage| damage.missing), Some(41));
    assert_eq!(store.find_run(run.as_str()).unwrap(), *run);
    let findings = store.integrity_check().unwrap();
    assert_eq!(findings.iter().filter(|finding| finding.damage).count(), 2, "{findings:?}");
}

#[test]
fn a_damaged_value_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("s");
    let value = node("precious ".repeat(200));
    {
        let store = open(&at);
        let mut run = Recorder::start(&store, 1, None);
        run.step(2, value.clone());
        run.end(RunStatus::Succeeded);
    }
    let db = rusqlite::Connection::open(at.join("store.db")).unwrap();
    db.execute("UPDATE nodes SET data = zeroblob(length(data))", []).unwrap();
    drop(db);
    let store = open(&at);
    let error = store.node(&value.digest).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    let mut run = Recorder::start(&store, 2, None);
    run.step(2, value.clone());
    assert_eq!(store.node(&value.digest).unwrap(), value.data);
}

#[test]
fn damaged_derived_rows_are_made_again_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let truth = sample(&dir.path().join("s"));
    let db = rusqlite::Connection::open(dir.path().join("s/store.db")).unwrap();
    db.execute_batch("UPDATE calls SET status=4 WHERE no=3; DELETE FROM calls WHERE no=5 AND run=2; UPDATE runs SET status='failed' WHERE id=1").unwrap();
    drop(db);
    let store = open(&dir.path().join("s"));
    for (run, history, rows) in &truth.runs {
        match store.call_rows(run, &CallFilter::default(), 0, 99) {
            Ok(read) => assert_eq!(read, *rows),
            // How far its log must reach is in the row that is damaged.
            Err(error) => assert!(run.as_str() == "000000000001" && error.to_string().contains("damaged")),
        }
        assert_eq!(store.history(run).unwrap().history, *history);
    }
    let first = store.runs(None, 9).unwrap().remove(2);
    assert!(first.damaged.unwrap().contains("damaged"));
    assert_eq!(first.summary.status, RunStatus::Succeeded);
}
