//! `tl-bench why`: the verdict on a call, and what it rests on.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::args::WhyArgs;
use super::context::{Context, replayed_application};
use super::error::{CliError, Exit};
use super::output::Tone;
use super::{tabs, why_text};
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::base::text;
use crate::engine::explain::now::Now;
use crate::engine::explain::records::StoreRecords;
use crate::engine::explain::{Cause, Explanation, Records, Verdict, closure, recorded};
use crate::engine::suggest;
use crate::engine::today::{Today, Unknown};
use crate::model::{RunHistory, path};
use crate::store::{FindError, Store};

/// Prints it.
pub fn run(context: &Context, args: &WhyArgs) -> Result<Exit, CliError> {
    if let Some(name) = &args.function {
        return function(context, name, args.json.json);
    }
    let store = context.existing_store()?;
    let (run, call) = subject(context, &store, args)?;
    let records = StoreRecords(&store);
    let wanted = call.is_none();
    // What is not durable always executes: that is no news.
    let first = |all: &mut Vec<CallNo>| {
        all.sort_by_key(|no| run.call(*no).is_some_and(|call| !call.durable));
        call.or_else(|| all.first().copied()).unwrap_or(1)
    };
    let (found, decisive) = if args.now {
        let app = replayed_application(context, &run)?;
        let search = context.search()();
        let mut now = Now::new(&context.project, &store, &records, run.clone(), &app.file, &search)?;
        let mut decisive = if wanted { now.decisive() } else { Vec::new() };
        (now.explain(first(&mut decisive)), decisive)
    } else {
        let mut decisive = if wanted { recorded::decisive(&run) } else { Vec::new() };
        (recorded::explain(&run, first(&mut decisive), &records), decisive)
    };
    let Some(found) = found else {
        return Err(CliError::usage(format!("run {} has no calls", run.id)));
    };
    if args.json.json {
        context.out.json(&document(&found));
        return Ok(Exit::Success);
    }
    tabs::print(context.out, &tabs::why::view(&found, &context.project.root));
    if call.is_none() {
        others(context, &run, &decisive, args.now);
    }
    Ok(Exit::Success)
}

/// `--function`: what a function's code consists of today, and what importing it depended on when it ran last.
fn function(context: &Context, name: &str, as_json: bool) -> Result<Exit, CliError> {
    let entry = entry(context);
    let mut today = Today::new(&context.project, &entry);
    let closure = today.closure(name).map_err(|why| {
        let near = match &why {
            Unknown::Undefined(_) => suggest::nearest(name, today.functions().into_iter()),
            _ => String::new(),
        };
        CliError::usage(format!("{why}{near}"))
    })?;
    let mut reach = closure::reach(name, &closure);
    // Reading finds no packages and no files: a run that had this code recorded them.
    if context.project.store_dir().exists() {
        let store = context.existing_store()?;
        reach.seen = last_seen(&store, name, &closure.digest);
    }
    if as_json {
        context.out.json(&json!(reach));
        return Ok(Exit::Success);
    }
    for line in why_text::reach(&reach, &|tone, text| context.out.paint(tone, text)) {
        context.out.line(&line);
    }
    Ok(Exit::Success)
}

/// The application whose imports count: the configured or only one, else that of the latest run.
fn entry(context: &Context) -> PathBuf {
    if let Ok(app) = context.application(None) {
        return app.file;
    }
    let latest = context.existing_store().ok().and_then(|store| {
        let row = store.runs(None, 1).ok()?.into_iter().next()?;
        Some(PathBuf::from(row.summary.file))
    });
    let any = || context.project.applications().0.into_iter().next().map(|app| app.file);
    latest.filter(|file| file.is_file()).or_else(any).unwrap_or_else(|| context.project.root.join("app.py"))
}

/// Runs that are looked through for one that had this code.
const RECENT: usize = 20;

fn last_seen(store: &Store, name: &str, code: &Digest) -> Option<closure::Seen> {
    for row in store.runs(None, RECENT).ok()? {
        let Some(run) = StoreRecords(store).run(&row.summary.id) else { continue };
        if let Some(known) = run.code(name, code) {
            return Some(closure::Seen {
                run: run.id.clone(),
                files: known.files.clone(),
                packages: known.packages.clone(),
                environment: known.env.iter().map(|(name, _)| name.clone()).collect(),
            });
        }
    }
    None
}

/// The run and the call that are asked about. A single argument that is no run is a call of the latest one.
fn subject(
    context: &Context,
    store: &Store,
    args: &WhyArgs,
) -> Result<(RunHistory, Option<CallNo>), CliError> {
    let first = args.run.as_deref().unwrap_or("latest");
    let (run, call) = match store.find_run(first) {
        Ok(run) => (run, args.call.as_deref()),
        Err(FindError::NotFound { .. }) if args.call.is_none() => {
            let latest = context.history(store, &store.find_run("latest")?)?;
            if let Ok(no) = context.call(&latest, first) {
                return Ok((latest, Some(no)));
            }
            return Err(CliError::usage(format!(
                "'{first}' is neither a run nor a call of run {}",
                latest.id
            ))
            .hint("`tl-bench runs` lists runs, `tl-bench show` the calls of one"));
        }
        Err(error) => return Err(error.into()),
    };
    let run = context.history(store, &run)?;
    let no = call.map(|text| context.call(&run, text)).transpose()?;
    Ok((run, no))
}

/// Without a call, the first one is explained and the others are named.
fn others(context: &Context, run: &RunHistory, decisive: &[CallNo], now: bool) {
    const NAMED: usize = 5;
    let Some(rest) = decisive.get(1..).filter(|rest| !rest.is_empty()) else { return };
    let names: Vec<String> = rest.iter().take(NAMED).map(|no| path::path(run, *no)).collect();
    let more = if rest.len() > NAMED { ", …" } else { "" };
    let verb = if now { "would execute, too" } else { "executed, too" };
    let text = format!("{verb}: {}{more}", names.join(", "));
    context.out.note(&context.out.paint_note(Tone::Quiet, &text::line(&text)));
}

/// The document of `why --json`.
pub fn document(found: &Explanation) -> Value {
    let mut document = json!(found);
    let components: Vec<Value> = components(found)
        .into_iter()
        .map(|(name, difference)| {
            json!({"name": name, "equal": difference.is_none(), "difference": difference})
        })
        .collect();
    if let Value::Object(object) = &mut document {
        object.insert("sentence".to_owned(), json!(found.sentence()));
        let matched = found.compared_with.as_ref().map_or(json!("nothing"), |with| json!(with.matched));
        object.insert("matched".to_owned(), matched);
        object.insert("components".to_owned(), json!(components));
    }
    document
}

/// The components of a comparison, each with what differs.
fn components(found: &Explanation) -> Vec<(&'static str, Option<String>)> {
    let compared =
        found.compared_with.is_some() || matches!(found.verdict, Verdict::WouldServe | Verdict::WouldExecute);
    if !compared {
        return Vec::new();
    }
    let name = |cause: &Cause| match cause {
        Cause::Input { .. } => "input",
        Cause::Occurrence => "occurrence",
        Cause::Code { .. } | Cause::Rules { .. } | Cause::Undefined => "code",
        Cause::File(_) => "files",
        Cause::Package { .. } => "packages",
        Cause::Environment { .. } => "environment",
        Cause::State { .. } => "state",
        Cause::Child { .. } => "children",
        _ => "outcome",
    };
    let all = [
        "function",
        "input",
        "occurrence",
        "code",
        "files",
        "packages",
        "environment",
        "state",
        "children",
        "outcome",
    ];
    all.into_iter()
        .map(|one| (one, found.causes.iter().find(|cause| name(cause) == one).map(ToString::to_string)))
        .collect()
}
