//! What watching costs: reading a project, bringing digests up to date after a save, judging a run, and the time
//! from a save to its verdict; each with how it grows.
//!
//! `cargo bench --bench watch` makes all of it in a minute or two; `-- 100 1000` names the numbers of files. `DATA` is
//! the folder to work below.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod generate;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tl_bench::base::ids::RunId;
use tl_bench::engine::code::CodeBase;
use tl_bench::engine::project::Project;
use tl_bench::engine::verdict::Judge;
use tl_bench::store::{Options, Store};

use generate::{CALLS, Generated};

/// Saves that are measured.
const SAVES: usize = 21;
/// Cold scans that are measured; the best counts.
const SCANS: usize = 3;

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100, 1_000, 10_000] } else { sizes };
    println!(
        "| files | lines | cold scan, ms | the same, us a file | after a save, ms | verdict, ms | save to verdict, ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    for files in &sizes {
        by_files(*files);
    }
    println!();
    println!("| calls | first verdict, ms | after a save, ms | the same, us a call |");
    println!("|---|---|---|---|");
    for calls in [100, 1_000, 10_000] {
        by_calls(calls);
    }
}

fn folder() -> tempfile::TempDir {
    let below = std::env::var_os("DATA").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::Builder::new().prefix("watch-bench-").tempdir_in(below).unwrap()
}

/// Digests of all functions of the application.
fn digests(code: &mut CodeBase, root: &Path) -> usize {
    code.closure(&root.join("app.py"), "app");
    let functions = code.functions();
    let mut found = 0;
    for (name, defined) in &functions {
        found += usize::from(code.closure(&root.join(&defined.file), name).is_some());
    }
    found
}

fn by_files(files: usize) {
    let dir = folder();
    let root = dir.path().canonicalize().unwrap();
    let project = Generated::write(&root, files);
    let mut best = Duration::MAX;
    let mut code = CodeBase::new(&root, &root.join("app.py"));
    for _ in 0..SCANS {
        let begun = Instant::now();
        code = CodeBase::new(&root, &root.join("app.py"));
        assert_eq!(digests(&mut code, &root), project.functions + 1);
        best = best.min(begun.elapsed());
    }
    let mut updates: Vec<Duration> = Vec::new();
    for nth in 0..SAVES {
        let file = project.edit(nth);
        let begun = Instant::now();
        assert_eq!(code.changed(std::slice::from_ref(&file)).len(), 1);
        digests(&mut code, &root);
        updates.push(begun.elapsed());
    }
    run(&root);
    let (mut judge, id) = judge(&root);
    judge.verdict(&id).unwrap();
    let mut verdicts: Vec<Duration> = Vec::new();
    for nth in SAVES..2 * SAVES {
        let file = project.edit(nth);
        let begun = Instant::now();
        judge.changed(std::slice::from_ref(&file), false);
        assert!(!judge.verdict(&id).unwrap().is_clean());
        verdicts.push(begun.elapsed());
    }
    let saves = watched(&root, &project);
    println!(
        "| {files} | {} | {} | {:.0} | {} | {} | {} |",
        project.lines,
        ms(best),
        best.as_secs_f64() * 1e6 / files as f64,
        middle(updates),
        middle(verdicts),
        middle(saves),
    );
}

/// From each save to the line of `tl-bench watch` about it.
fn watched(root: &Path, project: &Generated) -> Vec<Duration> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tl-bench"));
    command.args(["watch", "--json"]).current_dir(root).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |kind: &str| {
        let mark = format!("\"event\":\"{kind}\"");
        lines.by_ref().map(Result::unwrap).find(|line| line.contains(&mark)).unwrap()
    };
    next("notice");
    let mut took = Vec::new();
    for nth in 2 * SAVES..3 * SAVES {
        let begun = Instant::now();
        project.edit(nth);
        next("verdict");
        took.push(begun.elapsed());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    took
}

fn by_calls(calls: usize) {
    let dir = folder();
    let root = dir.path().canonicalize().unwrap();
    std::fs::write(root.join("app.py"), CALLS.replace("COUNT", &calls.to_string())).unwrap();
    run(&root);
    let (mut judge, id) = judge(&root);
    let begun = Instant::now();
    assert!(judge.verdict(&id).unwrap().is_clean());
    let first = begun.elapsed();
    let mut verdicts = Vec::new();
    for nth in 0..SAVES {
        let text = CALLS.replace("COUNT", &calls.to_string()).replace("x + 1", &format!("x + {}", nth + 2));
        std::fs::write(root.join("app.py"), text).unwrap();
        let begun = Instant::now();
        judge.changed(&[root.join("app.py")], false);
        assert_eq!(judge.verdict(&id).unwrap().rerun.calls, calls as u64);
        verdicts.push(begun.elapsed());
    }
    verdicts.sort();
    let each = verdicts[verdicts.len() / 2].as_secs_f64() * 1e6 / calls as f64;
    println!("| {calls} | {} | {} | {each:.1} |", ms(first), middle(verdicts));
}

fn run(root: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tl-bench"));
    let done = command.args(["run", "-q"]).current_dir(root).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn judge(root: &Path) -> (Judge, RunId) {
    let project = Project::find(root).unwrap();
    let store = Store::open(&project.store_dir(), Options::default()).unwrap();
    let id = store.find_run("latest").unwrap();
    (Judge::new(&project, &store, Box::new(Vec::new)), id)
}

fn ms(took: Duration) -> String {
    format!("{:.1}", took.as_secs_f64() * 1e3)
}

/// The median, and the largest.
fn middle(mut all: Vec<Duration>) -> String {
    all.sort();
    format!("{} (most {})", ms(all[all.len() / 2]), ms(all[all.len() - 1]))
}
