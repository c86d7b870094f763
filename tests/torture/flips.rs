//! A flipped bit, a zeroed sector or a cut in any file of a real run's store: the program gives the right output or
//! says what is damaged.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use tl_bench::store::{Options, Store};

use crate::support::{Done, Project, program, run};
use crate::{Random, trials};

const APP: &str = r#"
@function()
def page(x: int) -> str:
    return f"page {x} " * (400 if x % 4 == 0 else 20)

@application()
@function()
def main(n: int) -> int:
    return sum(len(text) for text in page.map(list(range(n))))
"#;

const FILES: [&str; 3] = ["store.db", "store.db-wal", "heads"];

/// The store's files, and what the program says about them when they are whole.
struct Sample {
    files: Vec<(&'static str, Vec<u8>)>,
    runs: HashMap<String, Value>,
    /// Newest first.
    shown: Vec<(String, String)>,
}

/// Three runs: one in the database, the others in the log that an open store keeps from being emptied.
fn sample() -> Sample {
    let project = Project::app(APP);
    project.run_ok(&["--input", "10"]);
    let dir = project.root().join(".tl-bench");
    let held = Store::open(&dir, Options::default()).unwrap();
    project.run_ok(&["--input", "12"]);
    project.replay_ok(&[]);
    let files: Vec<_> =
        FILES.map(|name| (name, std::fs::read(dir.join(name)).unwrap())).into_iter().collect();
    assert!(files.iter().all(|(_, bytes)| !bytes.is_empty()), "every file holds something");
    let rows = project.tl(&["runs", "--json"]).exits(0).json();
    let rows: Vec<Value> = rows.as_array().unwrap().clone();
    let id = |row: &Value| row["run"].as_str().unwrap().to_owned();
    let shown = rows.iter().map(|row| (id(row), project.tl(&["show", &id(row), "--json"]).exits(0).out));
    let sample = Sample {
        files,
        shown: shown.collect(),
        runs: rows.iter().map(|row| (id(row), row.clone())).collect(),
    };
    assert_eq!(sample.shown.len(), 3);
    drop(held);
    sample
}

/// Damages one file; says how.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => {
            bytes.truncate(at);
            format!("cut at {at}")
        }
        1 => {
            let sector = at / 512 * 512;
            let end = (sector + 512).min(bytes.len());
            bytes[sector..end].fill(0);
            format!("sector {sector} zeroed")
        }
        _ => {
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            format!("byte {at}, bit {bit}")
        }
    }
}

fn tl(dir: &Path, args: &[&str]) -> Done {
    let dir = dir.to_str().unwrap();
    run(program(&[&["-C", dir], args].concat()))
}

/// A report is one only if it says what is wrong.
fn report(what: &str, text: &str) {
    let clear = ["damaged", "corrupt", "missing", "malformed", "not a database", "cannot be shown"];
    assert!(clear.iter().any(|word| text.contains(word)), "{what}: an unclear report: {text}");
}

/// Everything that the program says about a damaged store is right or a report. Returns whether it reported.
fn look(what: &str, dir: &Path, sample: &Sample, run: usize) -> bool {
    let mut reported = false;
    let (id, whole) = &sample.shown[run];
    // The newest is asked for by the name that people use.
    let name = if run == 0 { "latest" } else { id };
    let done = tl(dir, &["show", name, "--json"]);
    match done.status.code() {
        Some(0) => assert_eq!(done.out, *whole, "{what}: show {name} is wrong"),
        Some(_) => {
            report(what, &done.err);
            reported = true;
        }
        None => panic!("{what}: show {name}: {:?}\n{}", done.status, done.err),
    }
    assert!(!done.err.contains("panicked"), "{what}: {}", done.err);
    let done = tl(dir, &["runs", "--json"]);
    assert!(done.status.code().is_some() && !done.err.contains("panicked"), "{what}: {}", done.err);
    if done.out.trim().is_empty() {
        report(what, &done.err);
        return true;
    }
    let rows = done.json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), sample.runs.len(), "{what}: a run vanished or was made up");
    for row in rows {
        match row["damaged"].as_str() {
            Some(text) => {
                report(what, text);
                reported = true;
            }
            None => assert_eq!(*row, sample.runs[row["run"].as_str().unwrap()], "{what}: a wrong row"),
        }
    }
    reported
}

#[test]
fn damaged_files_never_give_a_wrong_answer() {
    let sample = sample();
    let mut random = Random::new(2);
    let mut reported = 0;
    let total = trials(150);
    for trial in 0..total {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join(".tl-bench");
        std::fs::create_dir(&store).unwrap();
        std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o700)).unwrap();
        let mut what = String::new();
        for (i, (name, bytes)) in sample.files.iter().enumerate() {
            let mut bytes = bytes.clone();
            if i == trial % sample.files.len() {
                what = format!("trial {trial}: {name}, {}", damage(&mut bytes, &mut random));
            }
            std::fs::write(store.join(name), bytes).unwrap();
        }
        reported += usize::from(look(&what, dir.path(), &sample, random.below(3)));
    }
    println!("{total} trials: {} right, {reported} reported", total - reported);
    assert!(total < 50 || reported > total / 10, "only {reported} of {total} were noticed");
}
