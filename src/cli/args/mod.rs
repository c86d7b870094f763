//! The arguments of every subcommand. Their documentation is `--help`, the man page and the completions.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod looking;
mod running;

pub use looking::{
    DiffArgs, FailOn, HistoryArgs, InArg, LogsArgs, PricesArgs, RunArg, RunsArgs, SavingsArgs, SavingsBy,
    SearchArgs, ShowArgs, SourceArgs, StatusArgs, TimelineArgs, VarianceArgs, WhyArgs,
};
pub use running::{
    DemoArgs, EffectsArg, EngineArgs, ExecArgs, InputArgs, ModeArg, OutputArgs, ReplayArgs, ResampleArgs,
    RunArgs, StepArgs, WatchArgs, WatchReplayArg,
};

/// Durable, replayable runs of Tensorlake-style Python applications.
///
/// Without a command: the workbench in this project.
#[derive(Parser, Debug)]
#[command(name = "tl-bench", version, max_term_width = 100)]
pub struct Cli {
    /// Work in the project of this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub dir: Option<PathBuf>,

    /// The workbench line by line, for screen readers and pipes: commands on standard input, what changes on standard
    /// output
    #[arg(long)]
    pub plain: bool,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run an application; every function call becomes a checkpoint
    Run(RunArgs),
    /// Run again: serve what is recorded, execute what failed or changed
    Replay(ReplayArgs),
    /// List runs, newest first
    Runs(RunsArgs),
    /// Show a run's calls, or one call with its values
    Show(ShowArgs),
    /// Print what calls wrote
    Logs(LogsArgs),
    /// Say when calls waited and executed, and which of them decided how long the run took
    Timeline(TimelineArgs),
    /// Sum up a run by function: calls by status, how long they took, tokens and cost
    Functions(RunArg),
    /// Say how much the answers to a call's question differ, over runs and samples
    Variance(VarianceArgs),
    /// Sum up what runs spent and what reuse spared: calls, tokens, dollars, seconds
    Savings(SavingsArgs),
    /// Find words in the inputs, outputs, logs and errors of all runs
    Search(SearchArgs),
    /// Say why a call was executed or served
    Why(WhyArgs),
    /// Show the source of a call's function, and what changed in it since
    Source(SourceArgs),
    /// List what answered the same question as a call, and what stood in its place, run by run
    History(HistoryArgs),
    /// Compare two runs: causes first, then what follows from them
    Diff(DiffArgs),
    /// Declare changes of code harmless: what the old code made is served again
    Accept(AcceptArgs),
    /// Replay a run call by call: commands on standard input, what waits on standard output, as lines of JSON
    Step(StepArgs),
    /// Execute one recorded call several times, and show which outcomes differ, and how
    Resample(ResampleArgs),
    /// Say what the edits since a run invalidate, and what re-running that would cost
    Status(StatusArgs),
    /// Say after each save what it invalidates and what re-running that would cost
    Watch(WatchArgs),
    /// Run a command in which `run_local_application` makes recorded runs
    Exec(ExecArgs),
    /// Copy an example workspace to a temporary folder and run it there
    Demo(DemoArgs),
    /// Keep a run as a test in the repository, and replay it without asking any model
    Golden(super::golden::GoldenArgs),
    /// Find secrets in what was recorded
    Scan(ScanArgs),
    /// Say which old runs and values can go; `--apply` deletes them
    Gc(GcArgs),
    /// Check the project, the interpreter and the store
    Doctor(JsonArgs),
    /// Print the settings in force and where they come from
    Config(JsonArgs),
    /// List what models cost, as the sums of dollars are made of
    Prices(PricesArgs),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Args, Debug, Default, Clone)]
pub struct JsonArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug, Default, Clone)]
pub struct ScanArgs {
    /// Delete the runs that hold secrets, overwrite what they held, and delete the index of search
    #[arg(long)]
    pub delete: bool,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct AcceptArgs {
    /// The run whose results shall count again: an id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    /// Only this function; may be given several times. Without it every function whose code changed since the run
    #[arg(long, value_name = "FUNCTION")]
    pub function: Vec<String>,
    /// Why the change is harmless: shown with every call that is served because of it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Only say what would be accepted
    #[arg(long)]
    pub dry_run: bool,
    /// List what was accepted, then do nothing else
    #[arg(long, conflicts_with_all = ["function", "note", "dry_run", "revoke"])]
    pub list: bool,
    /// Take back the acceptance with this number, then do nothing else
    #[arg(long, value_name = "N", conflicts_with_all = ["function", "note", "dry_run"])]
    pub revoke: Option<i64>,
    #[command(flatten)]
    pub json: JsonArgs,
}

/// How many of something.
fn whole<N: std::str::FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "give a whole number, such as 20")
}

#[derive(Args, Debug, Clone)]
pub struct GcArgs {
    /// Delete; without it only what would be deleted is printed
    #[arg(long)]
    pub apply: bool,
    /// Keep this many newest runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole::<usize>)]
    pub keep: usize,
    /// Delete only runs older than this many days
    #[arg(long, value_name = "DAYS", value_parser = whole::<u32>)]
    pub older_than: Option<u32>,
    /// Delete oldest runs until the store is below this many megabytes
    #[arg(long, value_name = "MB", value_parser = whole::<u64>)]
    pub max_mb: Option<u64>,
    /// Keep a run whatever happens (or with --unpin no longer), then do nothing else
    #[arg(long, value_name = "RUN")]
    pub pin: Option<String>,
    /// Undo --pin
    #[arg(long, value_name = "RUN")]
    pub unpin: Option<String>,
    #[command(flatten)]
    pub json: JsonArgs,
}
