//! The command line: arguments, one file per subcommand, human and JSON output.
//!
//! Only this floor and `tui` write to the terminal, and here only `output` does.

mod accept;
pub mod args;
mod breakpoints;
pub mod context;
mod demo;
mod diff;
mod edits;
pub mod error;
mod exec;
mod filtered;
mod finding;
mod follow;
mod functions;
mod golden;
mod input;
mod judging;
mod launch;
mod lens;
mod maintenance;
pub mod output;
mod payload;
mod peek;
mod prices;
mod resample;
mod runs;
mod savings;
mod scan;
mod search;
mod session;
mod settings;
mod show;
mod signals;
mod staged;
mod step;
mod status;
mod tabs;
mod timeline;
mod view;
mod watch;
mod watched;
mod why;
mod why_text;
mod workbench;

use clap::{CommandFactory, Parser};

use crate::base::text;

use args::{Cli, Command};
use context::Context;
use error::{CliError, Exit};
use output::Out;

/// What a thread that panicked held is used on: none leaves it half changed.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs the program and returns its exit code.
pub fn run(args: impl Iterator<Item = std::ffi::OsString>) -> i32 {
    let out = Out::detect();
    let args: Vec<std::ffi::OsString> = args.collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return say(out, &error, &args),
    };
    let done = match &cli.command {
        Some(Command::Exec(args)) => Context::new(&cli, out).and_then(|context| exec::run(&context, args)),
        _ => dispatch(&cli, out).map(|exit| exit as i32),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            out.error(&error);
            error.exit as i32
        }
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments, and returns the exit code.
fn say(out: Out, error: &clap::Error, args: &[std::ffi::OsString]) -> i32 {
    // It repeats arguments as they are, between colours of its own: those of safe ones can be shown.
    let safe = args.iter().map(|arg| text::line(&text::lossy(arg.as_encoded_bytes())));
    let shown = Cli::try_parse_from(safe).err().filter(|shown| shown.kind() == error.kind());
    match shown {
        Some(shown) => drop(shown.print()),
        None => out.note(&text::lines(&error.to_string())),
    }
    (if error.use_stderr() { Exit::Usage } else { Exit::Success }) as i32
}

fn dispatch(cli: &Cli, out: Out) -> Result<Exit, CliError> {
    match &cli.command {
        Some(Command::Run(args)) => launch::run(&Context::new(cli, out)?, args),
        Some(Command::Replay(args)) => launch::replay(&Context::new(cli, out)?, args),
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "tl-bench", &mut text);
            out.exact(&String::from_utf8_lossy(&text));
            Ok(Exit::Success)
        }
        Some(Command::Man) => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut text)?;
            out.exact(&String::from_utf8_lossy(&text));
            Ok(Exit::Success)
        }
        Some(Command::Runs(args)) => runs::run(&Context::new(cli, out)?, args),
        Some(Command::Show(args)) => show::run(&Context::new(cli, out)?, args),
        Some(Command::Logs(args)) => show::logs(&Context::new(cli, out)?, args),
        Some(Command::Functions(args)) => functions::run(&Context::new(cli, out)?, args),
        Some(Command::Variance(args)) => tabs::variance::run(&Context::new(cli, out)?, args),
        Some(Command::Savings(args)) => savings::run(&Context::new(cli, out)?, args),
        Some(Command::Timeline(args)) => timeline::run(&Context::new(cli, out)?, args),
        Some(Command::Search(args)) => search::run(&Context::new(cli, out)?, args),
        Some(Command::Why(args)) => why::run(&Context::new(cli, out)?, args),
        Some(Command::Source(args)) => tabs::source::run(&Context::new(cli, out)?, args),
        Some(Command::History(args)) => tabs::history::run(&Context::new(cli, out)?, args),
        Some(Command::Diff(args)) => diff::run(&Context::new(cli, out)?, args),
        Some(Command::Accept(args)) => accept::run(&Context::new(cli, out)?, args),
        Some(Command::Resample(args)) => resample::run(&Context::new(cli, out)?, args),
        Some(Command::Step(args)) => step::run(&Context::new(cli, out)?, args),
        Some(Command::Watch(args)) => watch::run(&Context::new(cli, out)?, args),
        Some(Command::Status(args)) => status::run(&Context::new(cli, out)?, args),
        Some(Command::Demo(args)) => demo::run(out, args),
        Some(Command::Golden(args)) => golden::run(&Context::new(cli, out)?, args),
        Some(Command::Scan(args)) => scan::run(&Context::new(cli, out)?, args),
        Some(Command::Gc(args)) => maintenance::gc(&Context::new(cli, out)?, args),
        Some(Command::Doctor(args)) => maintenance::doctor(&Context::new(cli, out)?, args),
        Some(Command::Config(args)) => maintenance::config(&Context::new(cli, out)?, args),
        Some(Command::Prices(args)) => prices::run(&Context::new(cli, out)?, args),
        Some(Command::Exec(_)) => Ok(Exit::Success),
        None if cli.plain => workbench::plain(Context::new(cli, out)?),
        None => workbench::open(Context::new(cli, out)?),
    }
}
