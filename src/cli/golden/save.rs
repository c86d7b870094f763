//! `tl-bench golden save`: which functions answer, and the file.

use std::path::PathBuf;

use super::{EXTENSION, SaveArgs, folder, write};
use crate::base::{paths, text};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Exit};
use crate::cli::output::Tone;
use crate::engine::golden::{Golden, Roles, roles};
use crate::engine::today::Today;
use crate::model::RunStatus;

pub(super) fn save(context: &Context, args: &SaveArgs) -> Result<Exit, CliError> {
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
    let mut golden = Golden::saving(&store, &run, &app, roles).map_err(broken)?;
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
    write(&path, &golden).map_err(|error| golden.calls.failure().map_or(error, broken))?;
    let shown = paths::relative(&path, &context.project.root).display().to_string();
    context.out.line(&text::line(&shown));
    tell_roles(context, &golden);
    let noisy = golden.calls.noisy();
    if noisy > 0 {
        let line =
            format!("the noise of {} was measured and is kept in it", text::count(noisy, "executed call"));
        context.out.note(&context.out.paint_note(Tone::Quiet, &line));
    }
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

fn tell_roles<C>(context: &Context, golden: &Golden<C>) {
    for (word, names) in [("answered from it:", &golden.answer), ("executed:", &golden.execute)] {
        if !names.is_empty() {
            let line = format!("{word} {}", names.join(", "));
            context.out.note(&context.out.paint_note(Tone::Quiet, &text::line(&line)));
        }
    }
}
