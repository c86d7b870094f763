//! `tl-bench gc`, `doctor` and `config`.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::args::{EngineArgs, GcArgs, JsonArgs};
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::{paths, text};
use crate::store::{GcOptions, GcPlan, Store};

/// `tl-bench gc`.
pub fn gc(context: &Context, args: &GcArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    for (wanted, pinned) in [(&args.pin, true), (&args.unpin, false)] {
        if let Some(run) = wanted {
            let run = store.find_run(run)?;
            store.pin(&run, pinned)?;
            context.out.note(&format!("run {run} is {}", if pinned { "pinned" } else { "no longer pinned" }));
            return Ok(Exit::Success);
        }
    }
    let plan = store.gc_plan(&GcOptions {
        keep_last: args.keep,
        older_than: args.older_than.map(|days| i64::from(days) * 86_400_000_000),
        max_bytes: args.max_mb.map(|mb| mb * 1_000_000),
    })?;
    let done = if args.apply { Some(store.gc(&plan)?) } else { None };
    if done.is_some_and(|done| done.runs > 0)
        && let Err(error) = crate::find::forget_gone(&store)
    {
        // It follows from the store; without it no word of a deleted run is left behind.
        context.out.note(&text::line(&format!("the index of search is deleted: {error}")));
        crate::store::SearchIndex::remove(&store)?;
    }
    if args.json.json {
        context.out.json(&json!({
            "applied": args.apply,
            "runs": plan.runs,
            "values": plan.nodes,
            "bytes": done.map_or(plan.bytes, |done| done.bytes),
            "kept": plan.kept.iter().map(|(run, why)| json!({"run": run, "because": kept(why)})).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Success);
    }
    print_plan(context, &plan);
    match done {
        Some(done) => context.out.note(&format!(
            "deleted {}, {}; {} returned",
            text::count(done.runs, "run"),
            text::count(done.nodes, "value"),
            text::bytes(done.bytes)
        )),
        None if plan.runs.is_empty() && plan.nodes == 0 => context.out.note("nothing to delete"),
        None => context.out.note("nothing was deleted; add --apply to do it"),
    }
    Ok(Exit::Success)
}

fn print_plan(context: &Context, plan: &GcPlan) {
    let out = context.out;
    for run in &plan.runs {
        out.line(&format!("{} {run}", out.paint(Tone::Bad, "delete")));
    }
    for (run, why) in &plan.kept {
        out.line(&format!(
            "{} {run}  {}",
            out.paint(Tone::Good, "keep  "),
            out.paint(Tone::Quiet, &kept(why))
        ));
    }
    let summary = format!("{} and {}", text::count(plan.nodes, "value"), text::bytes(plan.bytes));
    out.line(&format!("{summary} that nothing else refers to"));
    if let Some(why) = &plan.values_kept {
        out.note(&text::line(&format!("values are kept: {why}")));
    }
}

fn kept(why: &crate::store::Kept) -> String {
    use crate::store::Kept;
    match why {
        Kept::Recent => "among the newest".to_owned(),
        Kept::Young => "not old enough".to_owned(),
        Kept::Room => "there is room for it".to_owned(),
        Kept::Pinned => "pinned".to_owned(),
        Kept::Running => "running".to_owned(),
        Kept::Damaged => "damaged: look at it first".to_owned(),
        Kept::ParentOf(run) => format!("replayed as {run}"),
        Kept::OriginOf(run) => format!("its results are served in {run}"),
    }
}

/// One thing that doctor looked at.
struct Check {
    name: &'static str,
    problem: Option<Exit>,
    text: String,
}

/// `tl-bench doctor`.
pub fn doctor(context: &Context, args: &JsonArgs) -> Result<Exit, CliError> {
    let mut checks = vec![Check {
        name: "tl-bench",
        problem: None,
        text: format!("{} (analysis {})", env!("CARGO_PKG_VERSION"), crate::source::FINGERPRINT_VERSION),
    }];
    checks.push(Check { name: "project", problem: None, text: context.project.root.display().to_string() });
    let (apps, problems) = context.project.applications();
    let names: Vec<String> = apps.iter().map(|app| context.app_name(app)).collect();
    checks.push(Check {
        name: "applications",
        problem: None,
        text: if names.is_empty() { "none found".to_owned() } else { names.join(", ") },
    });
    for problem in problems {
        let file = paths::relative(&problem.file, &context.project.root).display().to_string();
        let text = format!("{file}:{}: {}", problem.line, problem.text);
        checks.push(Check { name: "syntax", problem: Some(Exit::Environment), text });
    }
    checks.extend(settings_checks(context));
    checks.push(python_check(context));
    checks.push(match crate::python::install() {
        Ok(path) => Check { name: "runtime", problem: None, text: path.display().to_string() },
        Err(error) => Check { name: "runtime", problem: Some(Exit::Environment), text: error.to_string() },
    });
    store_checks(context, &mut checks);
    let worst = checks.iter().filter_map(|check| check.problem).max_by_key(|exit| *exit as i32);
    if args.json {
        let list: Vec<Value> = checks
            .iter()
            .map(|c| json!({"check": c.name, "ok": c.problem.is_none(), "text": c.text}))
            .collect();
        context.out.json(&json!({"ok": worst.is_none(), "checks": list}));
    } else {
        for check in &checks {
            let mark = match check.problem {
                None => context.out.paint(Tone::Good, "✓"),
                Some(_) => context.out.paint(Tone::Bad, "✗"),
            };
            context.out.line(&format!("{mark} {:<13} {}", check.name, text::line(&check.text)));
        }
    }
    Ok(worst.unwrap_or(Exit::Success))
}

/// The files of the workbench's settings, and what is wrong in them.
fn settings_checks(context: &Context) -> Vec<Check> {
    let settings = crate::app::settings::read(super::settings::sources(&context.project.root));
    let theme = settings.theme.as_deref().unwrap_or(crate::app::settings::THEMES[0]);
    let (_, wrong) =
        crate::ui::theme::Theme::of(theme, &settings.sources, crate::ui::colour::Depth::default());
    let problems = settings.problems.iter().chain(&wrong);
    let mut checks: Vec<Check> = problems
        .map(|text| Check { name: "settings", problem: Some(Exit::Environment), text: text.clone() })
        .collect();
    if checks.is_empty() {
        let files: Vec<&str> = settings.sources.files.iter().map(|file| file.path.as_str()).collect();
        let text = if files.is_empty() { "as they come".to_owned() } else { files.join(", ") };
        checks.push(Check { name: "settings", problem: None, text });
    }
    checks
}

fn python_check(context: &Context) -> Check {
    let problem = |text: String| Check { name: "python", problem: Some(Exit::Environment), text };
    let path = match context.python(&EngineArgs::default()) {
        Ok(path) => path,
        Err(error) => return problem(error.message),
    };
    let script = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
    let output = Command::new(&path).arg("-c").arg(script).output();
    let version = match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(output) => {
            return problem(format!(
                "{} does not run: {}",
                path.display(),
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        Err(error) => return problem(format!("{} does not run: {error}", path.display())),
    };
    let mut parts = version.split('.').filter_map(|part| part.parse::<u32>().ok());
    let new_enough = (parts.next(), parts.next()) >= (Some(3), Some(10));
    if new_enough {
        Check { name: "python", problem: None, text: format!("{version} at {}", path.display()) }
    } else {
        problem(format!("{version} at {} is older than 3.10", path.display()))
    }
}

fn store_checks(context: &Context, checks: &mut Vec<Check>) {
    let dir = context.project.store_dir();
    if !dir.exists() {
        checks.push(Check { name: "store", problem: None, text: format!("none yet ({})", dir.display()) });
        return;
    }
    let store = match context.existing_store() {
        Ok(store) => store,
        Err(error) => {
            checks.push(Check { name: "store", problem: Some(Exit::Store), text: error.message });
            return;
        }
    };
    checks.push(match store.size() {
        Ok(size) => Check {
            name: "store",
            problem: None,
            text: format!(
                "{}, {}, {}, {} on disk",
                text::count(size.runs, "run"),
                text::count(size.calls, "call"),
                text::count(size.nodes, "value"),
                text::bytes(size.file_bytes)
            ),
        },
        Err(error) => Check { name: "store", problem: Some(Exit::Store), text: error.to_string() },
    });
    checks.push(Check { name: "search", problem: None, text: super::search::health(&store) });
    checks.push(permissions(&dir));
    integrity(&store, checks);
}

fn permissions(dir: &Path) -> Check {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(dir).map(|meta| meta.permissions().mode() & 0o777).unwrap_or(0);
    let text = format!("{mode:03o} {}", dir.display());
    if mode & 0o077 == 0 {
        Check { name: "permissions", problem: None, text }
    } else {
        let text = format!("{text}: others can read recorded prompts and outputs; `chmod 700` it");
        Check { name: "permissions", problem: Some(Exit::Store), text }
    }
}

fn integrity(store: &Store, checks: &mut Vec<Check>) {
    match store.integrity_check() {
        Ok(found) if found.is_empty() => {
            checks.push(Check {
                name: "integrity",
                problem: None,
                text: "every record and value holds".to_owned(),
            });
        }
        Ok(found) => checks.extend(found.into_iter().map(|finding| Check {
            name: "integrity",
            problem: finding.damage.then_some(Exit::Store),
            text: finding.text,
        })),
        Err(error) => {
            checks.push(Check { name: "integrity", problem: Some(Exit::Store), text: error.to_string() });
        }
    }
}

/// `tl-bench config`.
pub fn config(context: &Context, args: &JsonArgs) -> Result<Exit, CliError> {
    let config = &context.project.config;
    let file = context.project.root.join(paths::CONFIG_FILE);
    let from = |set: bool| if set { paths::CONFIG_FILE } else { "default" };
    let python = context.python(&EngineArgs::default());
    let rows = [
        ("project", context.project.root.display().to_string(), "found"),
        ("config", file.display().to_string(), if file.exists() { "found" } else { "absent" }),
        ("store", context.project.store_dir().display().to_string(), "default"),
        ("cache", paths::cache_dir().display().to_string(), "default"),
        ("app", config.app.clone().unwrap_or_default(), from(config.app.is_some())),
        (
            "input",
            config.input.as_ref().map(|p| p.display().to_string()).unwrap_or_default(),
            from(config.input.is_some()),
        ),
        ("workers", config.workers().to_string(), from(config.workers.is_some())),
        ("slots", config.slots().to_string(), from(config.slots.is_some())),
        (
            "python",
            python.map(|path| path.display().to_string()).unwrap_or_else(|error| error.message),
            from(config.python.is_some()),
        ),
        (
            "golden",
            config.golden.as_ref().map_or("tests/golden".to_owned(), |path| path.display().to_string()),
            from(config.golden.is_some()),
        ),
        ("ignore", config.ignore.join(", "), from(!config.ignore.is_empty())),
        ("secrets", config.secrets.join(", "), from(!config.secrets.is_empty())),
        ("keep_secrets", config.keep_secrets.to_string(), from(config.keep_secrets)),
        ("track.env", config.track.env.join(", "), from(!config.track.env.is_empty())),
        ("track.files", config.track.files.join(", "), from(!config.track.files.is_empty())),
        ("track.ignore", config.track.ignore.join(", "), from(!config.track.ignore.is_empty())),
        (
            "track.ignore_packages",
            config.track.ignore_packages.join(", "),
            from(!config.track.ignore_packages.is_empty()),
        ),
    ];
    if args.json {
        let object: serde_json::Map<String, Value> = rows
            .into_iter()
            .map(|(key, value, from)| (key.to_owned(), json!({"value": value, "from": from})))
            .collect();
        context.out.json(&Value::Object(object));
    } else {
        for (key, value, from) in rows {
            let from = context.out.paint(Tone::Quiet, from);
            context.out.line(&format!("{key:<21} {:<60} {from}", text::line(&value)));
        }
    }
    Ok(Exit::Success)
}
