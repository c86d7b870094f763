//! `tl-bench golden`: a run as a test in the repository, and whether today's code still does the same with its answers.

mod check;
mod save;
mod tell;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::value::RawValue;

use super::args::{EngineArgs, JsonArgs};
use super::context::Context;
use super::error::{CliError, Exit};
use crate::base::text::SafeJson;
use crate::base::whole;
use crate::engine::golden::{FORMAT, Golden};

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
    /// What differs by no more than the noise that the golden knows of does not fail
    #[arg(long)]
    accept_noise: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// `tl-bench golden …`.
pub fn run(context: &Context, args: &GoldenArgs) -> Result<Exit, CliError> {
    match &args.command {
        GoldenCommand::Save(args) => save::save(context, args),
        GoldenCommand::Check(args) => check::check(context, args),
    }
}

fn folder(context: &Context) -> PathBuf {
    let configured = context.project.config.golden.clone();
    context.project.root.join(configured.unwrap_or_else(|| PathBuf::from(FOLDER)))
}

/// Whole or not at all; while it is made, where it is.
fn write<C: Serialize>(path: &Path, golden: &Golden<C>) -> Result<(), CliError> {
    let told = |error: std::io::Error| CliError::usage(format!("{}: {error}", path.display()));
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(told)?;
    whole::replace_with(path, whole::COMMON, |file| {
        // Who reviews it reads it in a terminal.
        let mut safe = SafeJson(std::io::BufWriter::new(file));
        serde_json::to_writer_pretty(&mut safe, golden)?;
        safe.write_all(b"\n")?;
        safe.flush()
    })
    .map_err(told)
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

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| CliError::usage(format!("{}: {error}", path.display())))
}

fn parsed<'t>(path: &Path, text: &'t str) -> Result<Golden<Vec<&'t RawValue>>, CliError> {
    let wrong = |why: String| CliError::usage(format!("{}: {why}", path.display()));
    let golden = Golden::parse(text).map_err(wrong)?;
    if golden.golden != FORMAT {
        return Err(wrong(format!("it is of format {}, this tl-bench reads {FORMAT}", golden.golden)));
    }
    Ok(golden)
}
