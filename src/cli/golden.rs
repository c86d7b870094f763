//! `tl-bench golden`: a run as a test in the repository, and whether today's code still does the same with its answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::args::{EngineArgs, JsonArgs};
use super::context::{Context, store_options};
use super::error::{CliError, Exit};
use super::launch::{not_loaded, not_recorded};
use super::output::Tone;
use crate::base::clock::SystemClock;
use crate::base::{paths, text};
use crate::engine::golden::{FORMAT, Golden, Line, Roles, roles};
use crate::engine::replay::Answers;
use crate::engine::today::Today;
use crate::engine::{self, Effects, Ending, RunSpec};
use crate::model::{Mode, RunStatus};
use crate::source::FINGERPRINT_VERSION;
use crate::store::Store;

/// What a golden's file name ends with.
const EXTENSION: &str = ".golden.json";
/// Where they are, unless the project says otherwise.
const FOLDER: &str = "tests/golden";

#[derive(Args, Debug, Clone)]
pub struct GoldenArgs {
    #[command(subcommand)]
    command: GoldenCommand,
}

#[derive(Subcommand, Debug, Clone)]
enum GoldenCommand {
    /// Write a recorded run to a file of the project
    Save(SaveArgs),
    /// Replay goldens with today's code: their answers are given, nothing else is asked
    Check(CheckArgs),
}

#[derive(Args, Debug, Clone)]
struct SaveArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    run: String,
    /// What it is called; the application's name when it is left out
    name: Option<String>,
    /// Functions whose calls are answered from the golden, beside those that cannot be executed without it
    #[arg(long, value_name = "FUNCTION", value_delimiter = ',')]
    answer: Vec<String>,
    /// Functions whose calls execute
    #[arg(long, value_name = "FUNCTION", value_delimiter = ',')]
    execute: Vec<String>,
    /// Places inside values that are not compared, such as `*.id`
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Replace the golden of this name
    #[arg(long)]
    force: bool,
}

#[derive(Args, Debug, Clone)]
struct CheckArgs {
    /// Names, or files; without any, all of the project
    names: Vec<String>,
    /// Write what happens now into the golden
    #[arg(long)]
    update: bool,
    /// Execute calls that the golden does not know, whatever they do
    #[arg(long)]
    allow: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// `tl-bench golden …`.
pub fn run(context: &Context, args: &GoldenArgs) -> Result<Exit, CliError> {
    match &args.command {
        GoldenCommand::Save(args) => save(context, args),
        GoldenCommand::Check(args) => check(context, args),
    }
}

fn folder(context: &Context) -> PathBuf {
    let configured = context.project.config.golden.clone();
    context.project.root.join(configured.unwrap_or_else(|| PathBuf::from(FOLDER)))
}

fn save(context: &Context, args: &SaveArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let run = context.history(&store, &store.find_run(&args.run)?)?;
    if !matches!(run.status, RunStatus::Succeeded | RunStatus::Failed) {
        let status = run.status.word();
        return Err(CliError::usage(format!(
            "run {} is {status}: a golden is a run that ended by itself",
            run.id
        )));
    }
    if let Some(call) = run.calls.iter().find(|call| call.is_answered()) {
        let path = crate::model::path::path(&run, call.no);
        context.out.note(&text::line(&format!("{path} was answered by hand; the golden keeps that answer")));
    }
    let file = PathBuf::from(&run.file);
    let app = format!("{}::{}", paths::relative(&file, &context.project.root).display(), run.app);
    let harmless = Today::new(&context.project, &file).harmless();
    let mut roles = roles(&run, &|name| harmless.iter().any(|known| known == name));
    assign(&mut roles, &args.answer, &args.execute)?;
    let broken = |why: String| CliError::new(Exit::Store, why);
    let mut golden = Golden::of(&store, &run, &app, roles).map_err(broken)?;
    golden.ignore.clone_from(&args.ignore);
    let name = args.name.clone().unwrap_or_else(|| run.app.clone());
    let name = name.strip_suffix(EXTENSION).unwrap_or(&name);
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(CliError::usage(format!("{name:?} is no name of a golden: it becomes a file's name")));
    }
    let path = folder(context).join(format!("{name}{EXTENSION}"));
    if path.exists() && !args.force {
        let shown = paths::relative(&path, &context.project.root).display().to_string();
        return Err(
            CliError::usage(format!("{shown} exists")).hint("--force replaces it; another NAME keeps it")
        );
    }
    write(&path, &golden)?;
    let shown = paths::relative(&path, &context.project.root).display().to_string();
    context.out.line(&text::line(&shown));
    tell_roles(context, &golden);
    Ok(Exit::Success)
}

/// Moves functions to where the user wants them.
fn assign(roles: &mut Roles, answer: &[String], execute: &[String]) -> Result<(), CliError> {
    for (wanted, answers) in
        answer.iter().map(|name| (name, true)).chain(execute.iter().map(|name| (name, false)))
    {
        let (to, from) = match answers {
            true => (&mut roles.answer, &mut roles.execute),
            false => (&mut roles.execute, &mut roles.answer),
        };
        if to.contains(wanted) {
            continue;
        }
        let Some(at) = from.iter().position(|name| name == wanted) else {
            return Err(CliError::usage(format!("the run has no call of a function '{wanted}'")));
        };
        to.push(from.remove(at));
        to.sort();
    }
    Ok(())
}

fn tell_roles(context: &Context, golden: &Golden) {
    for (word, names) in [("answered from it:", &golden.answer), ("executed:", &golden.execute)] {
        if !names.is_empty() {
            let line = format!("{word} {}", names.join(", "));
            context.out.note(&context.out.paint_note(Tone::Quiet, &text::line(&line)));
        }
    }
}

/// Whole or not at all.
fn write(path: &Path, golden: &Golden) -> Result<(), CliError> {
    let mut text =
        serde_json::to_string_pretty(golden).map_err(|error| CliError::usage(error.to_string()))?;
    text.push('\n');
    let told = |error: std::io::Error| CliError::usage(format!("{}: {error}", path.display()));
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(told)?;
    let file = tempfile::NamedTempFile::new_in(folder).map_err(told)?;
    std::fs::write(file.path(), text).map_err(told)?;
    // As any file of a repository is.
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).map_err(told)?;
    file.persist(path).map_err(|error| told(error.error))?;
    Ok(())
}

/// The files that are meant.
fn files(context: &Context, names: &[String]) -> Result<Vec<PathBuf>, CliError> {
    let folder = folder(context);
    if names.is_empty() {
        let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with(EXTENSION))
            .collect();
        found.sort();
        if found.is_empty() {
            return Err(CliError::usage(format!("no goldens in {}", folder.display()))
                .hint("`tl-bench golden save` writes the newest run as one"));
        }
        return Ok(found);
    }
    let find = |name: &String| {
        let below = folder.join(format!("{}{EXTENSION}", name.strip_suffix(EXTENSION).unwrap_or(name)));
        let found = [PathBuf::from(name), below].into_iter().find(|path| path.is_file());
        found.ok_or_else(|| CliError::usage(format!("no golden '{name}' in {}", folder.display())))
    };
    names.iter().map(find).collect()
}

fn read(path: &Path) -> Result<Golden, CliError> {
    let wrong = |why: String| CliError::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let golden: Golden =
        serde_json::from_str(&text).map_err(|error| wrong(format!("not a golden: {error}")))?;
    if golden.golden != FORMAT {
        return Err(wrong(format!("it is of format {}, this tl-bench reads {FORMAT}", golden.golden)));
    }
    Ok(golden)
}

fn check(context: &Context, args: &CheckArgs) -> Result<Exit, CliError> {
    let files = files(context, &args.names)?;
    let mut documents = Vec::new();
    let mut failed = 0u64;
    for path in &files {
        let (ok, document) = one(context, args, path)?;
        failed += u64::from(!ok);
        documents.push(document);
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

/// Checks one golden: whether it holds, and the document.
fn one(context: &Context, args: &CheckArgs, path: &Path) -> Result<(bool, Value), CliError> {
    let golden = read(path)?;
    let shown = paths::relative(path, &context.project.root).display().to_string();
    let wrong = |why: String| CliError::usage(format!("{shown}: {why}"));
    let dir = tempfile::tempdir().map_err(|error| CliError::new(Exit::Store, error.to_string()))?;
    let store = Store::open(dir.path(), store_options())?;
    // Markers without digits: the golden is compared with what other machines recorded.
    let secrets = context.project.config.track.secrets.untagged();
    let then = golden.record(&store, &SystemClock, &secrets).map_err(wrong)?;
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
    let handle = engine::start(&store, spec, Arc::new(SystemClock), None)?;
    super::signals::stop_on_interrupt(handle.commands(), context.out);
    let id = handle.id.clone();
    let error = match handle.wait() {
        Ending::NotLoaded(error) => return Err(not_loaded(&error)),
        Ending::StoreFailed(text) => return Err(not_recorded(&text)),
        Ending::Recorded { error, .. } => error,
    };
    let run = context.history(&store, &id)?;
    if run.status == RunStatus::Cancelled {
        return Err(CliError::new(Exit::Failed, format!("{shown}: stopped")));
    }
    let roles = Roles { answer: golden.answer.clone(), execute: golden.execute.clone() };
    let mut now = Golden::of(&store, &run, &golden.app, roles).map_err(wrong)?;
    now.ignore.clone_from(&golden.ignore);
    // A call that is answered has the code of its answer; the question is which code there is now.
    let mut today = Today::new(&context.project, &file);
    now.rules = FINGERPRINT_VERSION.to_owned();
    for name in &golden.answer {
        if let Ok(digest) = today.digest(name) {
            now.code.insert(name.clone(), digest.hex());
        }
    }
    // Digests of different rules differ whatever the code is.
    let comparable = now.rules == golden.rules || golden.rules.is_empty() || now.rules.is_empty();
    let mut compared = now.clone();
    compared.code.retain(|name, _| golden.code.contains_key(name));
    if !comparable {
        compared.code.clone_from(&golden.code);
    }
    let stale: Vec<&String> = compared
        .code
        .iter()
        .filter(|(name, code)| golden.code.get(*name) != Some(*code))
        .map(|c| c.0)
        .collect();
    let b = compared.record(&store, &SystemClock, &secrets).map_err(wrong)?;
    let comparison = super::diff::compared(context, &store, [&then, &b], &golden.ignore)?;
    let unknown = run.status == RunStatus::Mismatch;
    let holds = !comparison.is_different();
    let updated = args.update && !unknown && !(holds && comparable);
    if updated {
        write(path, &now)?;
    }
    let document = json!({
        "golden": path.file_name().map(|name| name.to_string_lossy().trim_end_matches(EXTENSION).to_owned()),
        "file": shown,
        "ok": holds || updated,
        "updated": updated,
        "unknown": error.as_ref().filter(|_| unknown).map(|error| error.message.clone()),
        "stale": stale,
        "calls": run.calls.len(),
        "diff": if holds { Value::Null } else { comparison.document()? },
    });
    if !args.json.json {
        let (mark, tone) = match (holds, updated) {
            (true, false) => ("holds  ", Tone::Good),
            (_, true) => ("updated", Tone::Warn),
            (false, false) => ("differs", Tone::Bad),
        };
        context.out.line(&format!("{}  {}", context.out.paint(tone, mark), text::line(&shown)));
        if !holds {
            if let Some(error) = error.filter(|_| unknown) {
                context.out.line(&text::line(&error.message));
                if let Some((path, old, new)) = asked_otherwise(&golden, &now) {
                    comparison.tell_asked(path, old, new);
                }
            }
            for name in &stale {
                let line = format!("the code of {name} is not what gave these answers");
                context.out.line(&context.out.paint(Tone::Warn, &text::line(&line)));
            }
            if unknown {
                // The run ended there: that the rest is missing says nothing.
                let done =
                    now.calls.iter().filter(|line| line.output.is_some() && golden.calls.contains(line));
                let done = text::count(done.count() as u64, "call");
                let all = text::count(golden.calls.len() as u64, "recorded call");
                context.out.line(&format!("{done} of {all} came before, and were as recorded"));
            } else {
                comparison.tell()?;
            }
            if unknown {
                let hint = "record a new run and save it, or let unknown calls execute: --allow";
                context.out.note(&context.out.paint_note(Tone::Quiet, hint));
            } else if !updated {
                let hint = "--update writes what happens now into the golden";
                context.out.note(&context.out.paint_note(Tone::Quiet, hint));
            }
        }
    }
    Ok((holds || updated, document))
}

/// The call that the golden does not know: its path, how the golden's call at its place (else its function's next one)
/// was asked, and how it is asked now.
fn asked_otherwise<'a>(golden: &'a Golden, now: &'a Golden) -> Option<(&'a str, &'a Value, &'a Value)> {
    let function = |line: &Line| {
        let last = line.call.rsplit('/').next().unwrap_or(&line.call);
        last.split(['#', '[', '@', '~']).next().unwrap_or(last).to_owned()
    };
    let open = |line: &&Line| line.output.is_none() && line.error.is_none() && line.input.is_some();
    let call = now.calls.iter().rfind(|line| open(line) && golden.answer.contains(&function(line)))?;
    let same = golden.calls.iter().find(|line| line.call == call.call);
    let unused =
        |line: &&Line| function(line) == function(call) && !now.calls.iter().any(|n| n.input == line.input);
    let then = same.filter(|line| line.input != call.input).or_else(|| golden.calls.iter().find(unused))?;
    Some((&call.call, then.input.as_ref()?, call.input.as_ref()?))
}
