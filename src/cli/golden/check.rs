//! `tl-bench golden check`: replays a golden with today's code and compares what comes of it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{CheckArgs, files, parsed, read, tell, write};
use crate::base::clock::SystemClock;
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::base::{paths, text};
use crate::cli::context::{Context, store_options};
use crate::cli::diff::{Comparison, compared};
use crate::cli::error::{CliError, Exit};
use crate::cli::launch::{not_loaded, not_recorded};
use crate::cli::signals::Interrupts;
use crate::diff::tree::Merged;
use crate::engine::golden::{Calls, Golden, Noisy, said};
use crate::engine::replay::Answers;
use crate::engine::secrets::Secrets;
use crate::engine::today::Today;
use crate::engine::{self, Effects, Ending, RunSpec};
use crate::model::{Call, ErrorInfo, Mode, RunHistory, RunStatus, ValueRef, path};
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
    /// Both, compared.
    pub(super) comparison: Comparison<'a>,
    /// What the run asked for and the golden does not know: the run ended there.
    pub(super) unknown: Option<Unknown>,
    /// Answered functions with other code than gave the answers.
    pub(super) stale: Vec<String>,
    /// Calls that were made.
    pub(super) calls: usize,
    /// How it stands.
    pub(super) verdict: Verdict,
}

/// Where a run ended that asked for what the golden does not know.
pub(super) struct Unknown {
    /// What it says.
    pub(super) message: String,
    /// How many calls came before, and were as recorded.
    pub(super) done: usize,
    /// How many the golden knows.
    pub(super) known: usize,
    /// The call: its path, how it was asked then and how it is asked now.
    pub(super) asked: Option<(String, Value, Value)>,
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
    let shown = paths::relative(path, &context.project.root).display().to_string();
    let dir = tempfile::tempdir().map_err(|error| CliError::new(Exit::Store, error.to_string()))?;
    let store = Store::open(dir.path(), store_options())?;
    // Markers without digits: the golden is compared with what other machines recorded.
    let secrets = context.project.config.track.secrets.untagged();
    let wrong = |why: String| CliError::usage(format!("{shown}: {why}"));
    let (golden, then) = {
        let text = read(path)?;
        parsed(path, &text)?.record(&store, &SystemClock, &secrets).map_err(wrong)?
    };
    let (run, error) = replay(context, args, (&golden, &then), (&store, &secrets), &shown)?;
    let mut now = Golden::replayed(&store, &run, &golden).map_err(wrong)?;
    // A call that is answered has the code of its answer; the question is which code there is now.
    let mut today = Today::new(&context.project, &context.application(Some(&golden.app))?.file);
    now.rules = FINGERPRINT_VERSION.to_owned();
    for name in &golden.answer {
        if let Ok(digest) = today.digest(name) {
            now.code.insert(name.clone(), digest.hex());
        }
    }
    let unknown = error.filter(|_| run.status == RunStatus::Mismatch);
    let ended = Ended { now, unknown, calls: run.calls.len() };
    let checked = compare(context, args, &store, (golden, then), ended, (path, shown, &secrets))?;
    let passes = checked.passes(args);
    if args.json.json {
        return Ok((passes, Some(tell::document(&checked, passes, path)?)));
    }
    tell::tell(context, &checked)?;
    Ok((passes, None))
}

/// What replaying gave.
struct Ended<'a> {
    now: Golden<Calls<'a>>,
    unknown: Option<ErrorInfo>,
    calls: usize,
}

/// Runs today's code with the golden's answers.
fn replay(
    context: &Context,
    args: &CheckArgs,
    (golden, then): (&Golden<Noisy>, &RunId),
    (store, secrets): (&Store, &Secrets),
    shown: &str,
) -> Result<(RunHistory, Option<ErrorInfo>), CliError> {
    let app = context.application(Some(&golden.app))?;
    let mut spec = context.run_spec(&app, golden.input.clone(), &args.engine)?;
    spec.track.secrets = secrets.clone();
    let spec = RunSpec {
        mode: Mode::Adaptive,
        parent: Some(then.clone()),
        effects: Effects::Rerun,
        golden: Some(Answers { functions: golden.answer.iter().cloned().collect(), allow: args.allow }),
        ..spec
    };
    let interrupts = Interrupts::hear();
    let handle = engine::start(store, spec, Arc::new(SystemClock), None)?;
    let came = interrupts.stop(handle.commands(), context.out);
    let id = handle.id.clone();
    let error = match handle.wait() {
        Ending::NotLoaded(error) => return Err(not_loaded(&came.why(error))),
        Ending::StoreFailed(text) => return Err(not_recorded(&text)),
        Ending::Recorded { error, .. } => error,
    };
    let run = context.history(store, &id)?;
    if run.status == RunStatus::Cancelled {
        return Err(CliError::new(Exit::Failed, format!("{shown}: stopped")));
    }
    Ok((run, error))
}

/// Compares what happened then with what happens now, and writes that into the file when it is wanted.
fn compare<'a>(
    context: &'a Context,
    args: &CheckArgs,
    store: &'a Store,
    (golden, then): (Golden<Noisy>, RunId),
    Ended { mut now, unknown, calls }: Ended<'_>,
    (path, shown, secrets): (&Path, String, &Secrets),
) -> Result<Checked<'a>, CliError> {
    // Digests of different rules differ whatever the code is.
    let comparable = now.rules == golden.rules || golden.rules.is_empty() || now.rules.is_empty();
    let mut code = now.code.clone();
    code.retain(|name, _| golden.code.contains_key(name));
    if !comparable {
        code.clone_from(&golden.code);
    }
    let other = code.iter().filter(|(name, code)| golden.code.get(*name) != Some(*code));
    let stale = other.map(|(name, _)| name.clone()).collect();
    let wrong = |why: String| CliError::usage(format!("{shown}: {why}"));
    let b = now.record(&code, store, &SystemClock, secrets).map_err(wrong)?;
    let judge = |merged: &mut Merged, a: &_, b: &_| golden.judge(&now, store, merged, (a, b));
    let comparison = compared(context, store, [&then, &b], &golden.ignore, &judge)?;
    let mut verdict = match (comparison.is_different(), comparison.is_noise()) {
        (false, _) => Verdict::Holds,
        (true, true) if unknown.is_none() => Verdict::Noise,
        (true, _) => Verdict::Differs,
    };
    if args.update && unknown.is_none() && !(verdict == Verdict::Holds && comparable) {
        now.keep_noise(&golden, comparison.runs());
        write(path, &now)?;
        verdict = Verdict::Updated;
    }
    let found = |error: ErrorInfo| unknown_call(store, &golden.answer, comparison.runs(), error);
    let unknown = unknown.map(found).transpose().map_err(wrong)?;
    Ok(Checked { shown, comparison, unknown, stale, calls, verdict })
}

/// What the run asked for that the golden `a` does not know, and how far it came: `b` is what happened now.
fn unknown_call(
    store: &Store,
    answer: &[String],
    (a, b): (&RunHistory, &RunHistory),
    error: ErrorInfo,
) -> Result<Unknown, String> {
    let (then, now) = (a.calls.get(1..).unwrap_or_default(), b.calls.get(1..).unwrap_or_default());
    let paths: HashMap<String, &Call> = then.iter().map(|call| (path::path(a, call.no), call)).collect();
    let at = |call: &Call| paths.get(&path::path(b, call.no)).copied();
    let digest = |value: &Option<ValueRef>| value.as_ref().map(|value| value.digest);
    let state = |run: &RunHistory, call: &Call| -> BTreeMap<String, Digest> {
        let set = run.state.iter().filter(|set| set.call == call.no);
        set.map(|set| (set.key.clone(), set.value.digest)).collect()
    };
    let is_same = |old: &Call, new: &Call| {
        digest(&old.input) == digest(&new.input)
            && digest(&old.output) == digest(&new.output)
            && old.error == new.error
            && state(a, old) == state(b, new)
    };
    let done = now.iter().filter(|call| call.output.is_some());
    let done = done.filter(|call| at(call).is_some_and(|old| is_same(old, call))).count();
    let is_open = |call: &&Call| call.output.is_none() && call.error.is_none() && call.input.is_some();
    let asked = now.iter().rfind(|call| is_open(call) && answer.contains(&call.function)).and_then(|call| {
        let otherwise = |old: &&Call| digest(&old.input) != digest(&call.input);
        let is_unused = |old: &&Call| {
            old.function == call.function && !now.iter().any(|new| digest(&new.input) == digest(&old.input))
        };
        let then = at(call).filter(otherwise).or_else(|| then.iter().find(is_unused))?;
        Some((path::path(b, call.no), then.input.as_ref()?, call.input.as_ref()?))
    });
    let asked = match asked {
        Some((path, then, now)) => Some((path, said(store, then)?, said(store, now)?)),
        None => None,
    };
    Ok(Unknown { message: error.message, done, known: then.len(), asked })
}
