//! `tl-bench golden check`: replays a golden with today's code and compares what comes of it.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{CheckArgs, files, read, tell, write};
use crate::base::clock::SystemClock;
use crate::base::ids::RunId;
use crate::base::{paths, text};
use crate::cli::context::{Context, store_options};
use crate::cli::diff::{Comparison, compared};
use crate::cli::error::{CliError, Exit};
use crate::cli::launch::{not_loaded, not_recorded};
use crate::diff::tree::Merged;
use crate::engine::golden::{Golden, Roles};
use crate::engine::replay::Answers;
use crate::engine::secrets::Secrets;
use crate::engine::today::Today;
use crate::engine::{self, Effects, Ending, RunSpec};
use crate::model::{ErrorInfo, Mode, RunHistory, RunStatus};
use crate::source::FINGERPRINT_VERSION;
use crate::store::Store;

/// How a golden stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Nothing differs.
    Holds,
    /// All that differs is within its noise, or follows from that.
    Noise,
    /// Something differs.
    Differs,
    /// Something differed, and was written into it.
    Updated,
}

/// A golden beside what happens now.
pub(super) struct Checked<'a> {
    /// Its file, as it is shown.
    pub(super) shown: String,
    /// As it is in the file.
    pub(super) golden: Golden,
    /// What happens now.
    pub(super) now: Golden,
    /// Both, compared.
    pub(super) comparison: Comparison<'a>,
    /// What the run asked for and the golden does not know: the run ended there.
    pub(super) unknown: Option<ErrorInfo>,
    /// Answered functions with other code than gave the answers.
    pub(super) stale: Vec<String>,
    /// Calls that were made.
    pub(super) calls: usize,
    /// How it stands.
    pub(super) verdict: Verdict,
}

impl Checked<'_> {
    /// Whether the check passes.
    pub(super) fn passes(&self, args: &CheckArgs) -> bool {
        match self.verdict {
            Verdict::Holds | Verdict::Updated => true,
            Verdict::Noise => args.accept_noise,
            Verdict::Differs => false,
        }
    }
}

/// `tl-bench golden check`.
pub(super) fn check(context: &Context, args: &CheckArgs) -> Result<Exit, CliError> {
    let files = files(context, &args.names)?;
    let mut documents = Vec::new();
    let mut failed = 0u64;
    for path in &files {
        let (passes, document) = one(context, args, path)?;
        failed += u64::from(!passes);
        documents.extend(document);
    }
    if args.json.json {
        context.out.json(&Value::Array(documents));
    } else {
        let all = text::count(files.len() as u64, "golden");
        match failed {
            0 if files.len() == 1 => context.out.note(&format!("{all} holds")),
            0 => context.out.note(&format!("{all} hold")),
            failed => context.out.note(&format!("{failed} of {all} failed")),
        }
    }
    Ok(if failed == 0 { Exit::Success } else { Exit::Failed })
}

/// Checks one golden and tells it: whether it passes, and with `--json` its document.
fn one(context: &Context, args: &CheckArgs, path: &Path) -> Result<(bool, Option<Value>), CliError> {
    let golden = read(path)?;
    let shown = paths::relative(path, &context.project.root).display().to_string();
    let dir = tempfile::tempdir().map_err(|error| CliError::new(Exit::Store, error.to_string()))?;
    let store = Store::open(dir.path(), store_options())?;
    // Markers without digits: the golden is compared with what other machines recorded.
    let secrets = context.project.config.track.secrets.untagged();
    let wrong = |why: String| CliError::usage(format!("{shown}: {why}"));
    let then = golden.record(&store, &SystemClock, &secrets).map_err(wrong)?;
    let replayed = replay(context, args, (&golden, &then), (&store, &secrets), &shown)?;
    let checked = compare(context, args, &store, (golden, then), replayed, (path, shown, &secrets))?;
    let passes = checked.passes(args);
    if args.json.json {
        return Ok((passes, Some(tell::document(&checked, passes, path)?)));
    }
    tell::tell(context, &checked)?;
    Ok((passes, None))
}

/// What replaying gave.
struct Replayed {
    run: RunHistory,
    error: Option<ErrorInfo>,
    /// The code of answered functions as it is now.
    now: Golden,
}

/// Runs today's code with the golden's answers.
fn replay(
    context: &Context,
    args: &CheckArgs,
    (golden, then): (&Golden, &RunId),
    (store, secrets): (&Store, &Secrets),
    shown: &str,
) -> Result<Replayed, CliError> {
    let app = context.application(Some(&golden.app))?;
    let file = app.file.clone();
    let mut spec = context.run_spec(&app, golden.input.clone(), &args.engine)?;
    spec.track.secrets = secrets.clone();
    let spec = RunSpec {
        mode: Mode::Adaptive,
        parent: Some(then.clone()),
        effects: Effects::Rerun,
        golden: Some(Answers { functions: golden.answer.iter().cloned().collect(), allow: args.allow }),
        ..spec
    };
    let handle = engine::start(store, spec, Arc::new(SystemClock), None)?;
    crate::cli::signals::stop_on_interrupt(handle.commands(), context.out);
    let id = handle.id.clone();
    let error = match handle.wait() {
        Ending::NotLoaded(error) => return Err(not_loaded(&error)),
        Ending::StoreFailed(text) => return Err(not_recorded(&text)),
        Ending::Recorded { error, .. } => error,
    };
    let run = context.history(store, &id)?;
    if run.status == RunStatus::Cancelled {
        return Err(CliError::new(Exit::Failed, format!("{shown}: stopped")));
    }
    let roles = Roles { answer: golden.answer.clone(), execute: golden.execute.clone() };
    let wrong = |why: String| CliError::usage(format!("{shown}: {why}"));
    let mut now = Golden::of(store, &run, &golden.app, roles).map_err(wrong)?;
    now.ignore.clone_from(&golden.ignore);
    now.keep_noise(golden);
    // A call that is answered has the code of its answer; the question is which code there is now.
    let mut today = Today::new(&context.project, &file);
    now.rules = FINGERPRINT_VERSION.to_owned();
    for name in &golden.answer {
        if let Ok(digest) = today.digest(name) {
            now.code.insert(name.clone(), digest.hex());
        }
    }
    Ok(Replayed { run, error, now })
}

/// Compares what happened then with what happens now, and writes that into the file when it is wanted.
fn compare<'a>(
    context: &'a Context,
    args: &CheckArgs,
    store: &'a Store,
    (golden, then): (Golden, RunId),
    Replayed { run, error, now }: Replayed,
    (path, shown, secrets): (&Path, String, &Secrets),
) -> Result<Checked<'a>, CliError> {
    // Digests of different rules differ whatever the code is.
    let comparable = now.rules == golden.rules || golden.rules.is_empty() || now.rules.is_empty();
    let mut written = now.clone();
    written.code.retain(|name, _| golden.code.contains_key(name));
    if !comparable {
        written.code.clone_from(&golden.code);
    }
    let other = written.code.iter().filter(|(name, code)| golden.code.get(*name) != Some(*code));
    let stale = other.map(|(name, _)| name.clone()).collect();
    let wrong = |why: String| CliError::usage(format!("{shown}: {why}"));
    let b = written.record(store, &SystemClock, secrets).map_err(wrong)?;
    let judge = |merged: &mut Merged, a: &_, b: &_| golden.judge(&now, store, merged, (a, b));
    let comparison = compared(context, store, [&then, &b], &golden.ignore, &judge)?;
    let unknown = error.filter(|_| run.status == RunStatus::Mismatch);
    let mut verdict = match (comparison.is_different(), comparison.is_noise()) {
        (false, _) => Verdict::Holds,
        (true, true) if unknown.is_none() => Verdict::Noise,
        (true, _) => Verdict::Differs,
    };
    if args.update && unknown.is_none() && !(verdict == Verdict::Holds && comparable) {
        write(path, &now)?;
        verdict = Verdict::Updated;
    }
    Ok(Checked { shown, golden, now, comparison, unknown, stale, calls: run.calls.len(), verdict })
}
