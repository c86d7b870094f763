//! `tl-bench scan`: finds secrets in what was recorded, says where, and deletes the runs that hold them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::args::ScanArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::ids::{RunId, call_id};
use crate::base::secrets::Redactor;
use crate::base::text;
use crate::find::{Leak, leaks};
use crate::store::{GcOptions, SearchIndex, Store};

/// Files of the store's folder that are read as values, not as bytes.
const READ: &[&str] = &["store.db", "store.db-wal", "store.db-shm", "heads", ".gitignore"];

/// Looks through the store.
pub fn run(context: &Context, args: &ScanArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let redactor = context.project.config.track.secrets.redactor();
    let found = leaks(&store, &redactor)?;
    let (kept, leaked): (Vec<Leak>, Vec<Leak>) = found.found.into_iter().partition(|leak| leak.kept);
    let mut notes: Vec<String> = store
        .accepted()?
        .declarations
        .iter()
        .filter(|accepted| accepted.note.as_deref().is_some_and(|note| redactor.holds(note.as_bytes())))
        .map(|accepted| format!("note of accepted change {}", accepted.id))
        .collect();
    let files = files(store.dir(), &redactor);
    notes.extend(files.iter().map(|file| format!("file {file}")));
    let mut runs: Vec<RunId> = leaked.iter().map(|leak| leak.run.clone()).collect();
    runs.dedup();
    let deleted = if args.delete { delete(&store, &runs)? } else { Vec::new() };
    if args.json.json {
        let paths = |leaks: &[Leak]| -> Vec<Value> { named(context, &store, leaks, &deleted) };
        context.out.json(&json!({
            "runs": found.runs,
            "leaks": paths(&leaked),
            "kept": paths(&kept),
            "elsewhere": notes,
            "problems": found.problems,
            "deleted": deleted,
        }));
    } else {
        for leak in named(context, &store, &leaked, &deleted) {
            line(context, &leak);
        }
        notes.iter().for_each(|note| context.out.line(&text::line(note)));
        report(context, found.runs, &leaked, &kept, &notes, &runs, &deleted);
        for problem in &found.problems {
            context.out.note(&context.out.paint_note(Tone::Bad, &text::line(problem)));
        }
    }
    let left = leaked.iter().any(|leak| !deleted.contains(&leak.run))
        || notes.iter().any(|note| note.starts_with("note"));
    Ok(match (found.problems.is_empty(), left || !args.delete && !notes.is_empty()) {
        (false, _) => Exit::Store,
        (true, true) => Exit::Failed,
        (true, false) => Exit::Success,
    })
}

/// Each leak with the path of its call. Runs that were deleted meanwhile are named by number.
fn named(context: &Context, store: &Store, leaks: &[Leak], deleted: &[RunId]) -> Vec<Value> {
    let mut histories = BTreeMap::new();
    let describe = |leak: &Leak| {
        let history = histories.entry(leak.run.clone()).or_insert_with(|| {
            context.history(store, &leak.run).ok().filter(|_| !deleted.contains(&leak.run))
        });
        let path =
            history.as_ref().filter(|_| leak.call > 0).map(|run| crate::model::path::path(run, leak.call));
        json!({
            "run": leak.run,
            "call": (leak.call > 0).then(|| call_id(&leak.run, leak.call)),
            "path": path,
            "place": leak.place,
            "secrets": leak.names,
        })
    };
    leaks.iter().map(describe).collect()
}

fn line(context: &Context, leak: &Value) {
    let words = |key: &str| leak[key].as_str().map(text::line).unwrap_or_default();
    let path = match leak["path"].as_str() {
        Some(path) => format!("  {}", text::line(path)),
        None => leak["call"].as_str().map(|id| format!("  {id}")).unwrap_or_default(),
    };
    let names: Vec<&str> =
        leak["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let names = context.out.paint(Tone::Bad, &text::line(&names.join(", ")));
    context.out.line(&format!("{}{path}  {}  {names}", words("run"), words("place")));
}

fn report(
    context: &Context,
    read: usize,
    leaked: &[Leak],
    kept: &[Leak],
    notes: &[String],
    runs: &[RunId],
    deleted: &[RunId],
) {
    let out = context.out;
    let read = text::count(read as u64, "run");
    if leaked.is_empty() && notes.is_empty() {
        out.note(&format!("no secrets in {read}"));
    } else {
        let places = text::count((leaked.len() + notes.len()) as u64, "place");
        out.note(&format!("secrets in {places} of {read}"));
        if deleted.is_empty() {
            if !runs.is_empty() {
                let runs = text::count(runs.len() as u64, "run");
                out.note(&format!("`tl-bench scan --delete` deletes {runs} and overwrites what they held"));
            }
            out.note("replace keys that leaked: copies of the store may exist");
        } else {
            out.note(&format!("deleted {}", text::count(deleted.len() as u64, "run")));
        }
    }
    if !kept.is_empty() {
        let places = text::count(kept.len() as u64, "value");
        out.note(&format!("{places} with secrets kept for reuse (`keep_secrets` in tl-bench.toml)"));
    }
}

/// Other files of the store's folder that hold a secret: bytes are all that is known of them.
fn files(dir: &Path, redactor: &Redactor) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if READ.contains(&name.as_str()) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if std::fs::read(entry.path()).is_ok_and(|bytes| redactor.holds(&bytes)) {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// Deletes runs with everything that nobody else refers to; what was there is overwritten.
fn delete(store: &Store, runs: &[RunId]) -> Result<Vec<RunId>, CliError> {
    let mut deleted = Vec::new();
    for run in runs {
        store.delete_run(run)?;
        deleted.push(run.clone());
    }
    let everything = GcOptions { keep_last: usize::MAX, older_than: None, max_bytes: None };
    let plan = store.gc_plan(&everything)?;
    store.gc(&plan)?;
    store.rewrite()?;
    // It follows from the store, and is made again when somebody searches.
    SearchIndex::remove(store)?;
    Ok(deleted)
}
