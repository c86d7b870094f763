//! The arguments of the subcommands that execute calls, and what they share.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::JsonArgs;

#[derive(Args, Debug, Default, Clone)]
pub struct OutputArgs {
    /// Print one JSON document about the run
    #[arg(long, conflicts_with_all = ["events", "quiet"])]
    pub json: bool,
    /// Print the run's events as they happen, one JSON object a line
    #[arg(long, conflicts_with = "quiet")]
    pub events: bool,
    /// Print the application's output alone, as one line of JSON
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args, Debug, Default, Clone)]
pub struct EngineArgs {
    /// Most worker processes; else `workers` in tl-bench.toml, else 3
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub workers: Option<u32>,
    /// Most calls that execute at once in a worker process; else `slots` in tl-bench.toml, else 32
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub slots: Option<u32>,
    /// The Python interpreter; else `python` in tl-bench.toml, $VIRTUAL_ENV, .venv, python3
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
}

#[derive(Args, Debug, Default, Clone)]
pub struct InputArgs {
    /// The input as JSON, `@FILE`, or `-` for standard input: the value of a single parameter, or an object by name or
    /// an array by position for several
    #[arg(long, value_name = "JSON")]
    pub input: Option<String>,
    /// One parameter; VALUE is JSON, or else a string
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pub args: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Match recorded calls by content
    Adaptive,
    /// Match recorded calls by position; divergence stops the run
    Strict,
    /// Reuse nothing
    Fresh,
}

#[derive(Args, Debug, Clone)]
pub struct RunArgs {
    /// `function`, `path.py`, or `path.py::function`; may be left out when the project has one application
    pub app: Option<String>,
    #[command(flatten)]
    pub input: InputArgs,
    /// How recorded calls are reused
    #[arg(long, value_enum, default_value = "fresh")]
    pub mode: ModeArg,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EffectsArg {
    /// Let it act again
    Rerun,
    /// Take what it gave then
    Skip,
    /// Ask at the gate (`step`); elsewhere like fail
    Ask,
    /// End the run before it acts
    Fail,
}

#[derive(Args, Debug, Clone)]
pub struct ReplayArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    /// How recorded calls are reused
    #[arg(long, value_enum, default_value = "adaptive")]
    pub mode: ModeArg,
    #[command(flatten)]
    pub input: InputArgs,
    /// Serve only what was asked for before this call; execute it and what follows
    #[arg(long, value_name = "CALL")]
    pub from: Option<String>,
    /// Give a call of the run another output, as JSON or `@FILE`; what followed from it executes
    #[arg(long = "set", value_name = "CALL=JSON")]
    pub set: Vec<String>,
    /// Give a call other arguments, a JSON object by parameter name or `@FILE`; those that are left out stay
    #[arg(long, value_name = "CALL=JSON")]
    pub set_input: Vec<String>,
    /// Give a call the output of another one: of another run, or a sample of it
    #[arg(long, value_name = "CALL=RUN:CALL|sample:N")]
    pub take: Vec<String>,
    /// Take edits although they have other types than what is recorded
    #[arg(long)]
    pub any_type: bool,
    /// Say what the replay with these edits would do and cost, and execute nothing
    #[arg(long)]
    pub plan: bool,
    /// What to do with calls whose outcome is not known: `rerun`, `fail`, or `accept=JSON`
    #[arg(long, value_name = "WHAT", default_value = "rerun")]
    pub in_doubt: String,
    /// What to do with a call marked `effect=True` that acted in the replayed run and would act again; without this
    /// the run ends before it (`step` asks)
    #[arg(long, value_enum, value_name = "WHAT")]
    pub effects: Option<EffectsArg>,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug, Clone)]
pub struct StepArgs {
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// Stop at calls that a filter takes; may be given several times. Without one: at every call
    #[arg(long = "break", value_name = "FILTER")]
    pub breakpoints: Vec<String>,
    /// Stop once when the run has used this many tokens
    #[arg(long, value_name = "N", value_parser = super::whole::<u64>)]
    pub budget_tokens: Option<u64>,
    /// Stop once when the run has spent this many dollars
    #[arg(long, value_name = "DOLLARS")]
    pub budget_dollars: Option<f64>,
    /// Stop once when the run has taken this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub budget_seconds: Option<f64>,
}

#[derive(Args, Debug, Clone)]
pub struct ResampleArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    pub run: String,
    /// An id prefix or a path: `research_agent/call_llm#3`
    pub call: String,
    /// How often it is executed
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// Show the samples that there are, and execute nothing
    #[arg(long, conflicts_with_all = ["count", "effects"])]
    pub list: bool,
    /// `rerun`: let what is marked `effect=True` act on the world each time; without this nothing that does is executed
    #[arg(long, value_name = "rerun", value_parser = ["rerun"])]
    pub effects: Option<String>,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub json: JsonArgs,
}

/// What `watch --replay` may execute unasked.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum WatchReplayArg {
    /// Functions that say `effect=False`
    Harmless,
    /// These, and functions that do not say whether they act on the world
    Unlabelled,
}

#[derive(Args, Debug, Clone)]
pub struct WatchArgs {
    /// The run that is judged; without it the newest, also after new ones were made
    pub run: Option<String>,
    /// Replay after each save that invalidates something, one replay at a time, when all that may execute says
    /// `effect=False`; with `=unlabelled` also what says nothing
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "harmless")]
    pub replay: Option<WatchReplayArg>,
    /// With --replay: what to do about calls marked `effect=True`; without this nothing is replayed that may execute one
    #[arg(long, value_enum, value_name = "WHAT", requires = "replay")]
    pub effects: Option<EffectsArg>,
    /// Print each verdict, replay and notice as one line of JSON
    #[arg(long)]
    pub json: bool,
    /// The same, and each event of the replays
    #[arg(long, conflicts_with = "json")]
    pub events: bool,
}

#[derive(Args, Debug, Clone)]
pub struct ExecArgs {
    /// How recorded calls are reused by the command's runs
    #[arg(long, value_enum, default_value = "fresh")]
    pub mode: ModeArg,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Args, Debug, Clone)]
pub struct DemoArgs {
    /// Which example; without it the first, `list` prints all
    pub name: Option<String>,
    /// Do not open the workbench: run, replay, and print
    #[arg(long)]
    pub headless: bool,
    /// Keep the copy and copy it here
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}
