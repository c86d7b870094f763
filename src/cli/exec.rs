//! `tl-bench exec`.

use std::sync::Arc;

use super::args::ExecArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::clock::SystemClock;
use crate::base::text;
use crate::engine::exec::{self, ExecSpec};

/// Runs the command; its exit code is ours.
pub fn run(context: &Context, args: &ExecArgs) -> Result<i32, CliError> {
    if args.mode == super::args::ModeArg::Strict {
        return Err(
            CliError::usage("--mode strict needs a recorded run").hint("use `tl-bench replay --mode strict`")
        );
    }
    let store = context.store()?;
    let spec = ExecSpec {
        project: context.project.root.clone(),
        command: args.command.clone(),
        mode: args.mode.into(),
        track: context.project.config.track.clone(),
        prices: context.project.config.prices(),
    };
    // Ctrl-C goes to the command, too; it decides, and what it was doing is recorded.
    let _ = ignore_interrupt();
    let done = exec::exec(&store, spec, Arc::new(SystemClock)).map_err(|error| {
        let name = args.command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        match error {
            crate::engine::StartError::Io(error) => {
                CliError::new(Exit::Environment, format!("cannot run {name}: {error}"))
            }
            other => other.into(),
        }
    })?;
    if !done.runs.is_empty() {
        let text =
            format!("{} recorded; `tl-bench runs` lists them", text::count(done.runs.len() as u64, "run"));
        context.out.note(&context.out.paint_note(Tone::Quiet, &text));
    }
    use std::os::unix::process::ExitStatusExt;
    Ok(done.status.code().unwrap_or_else(|| 128 + done.status.signal().unwrap_or(0)))
}

/// Keeps this process alive on Ctrl-C while the command handles it.
fn ignore_interrupt() -> std::io::Result<()> {
    // A flag that nobody reads is the simplest of all handlers. To ignore the signal would make the command ignore it.
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default()).map(drop)
}
