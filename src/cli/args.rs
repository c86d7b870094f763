//! The arguments of every subcommand. Their documentation is `--help`, the man page and the completions.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Delete old runs and values that nothing refers to
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
pub struct SourceArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    /// An id prefix or a path; without it the application
    pub call: Option<String>,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct HistoryArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    /// An id prefix or a path; without it the application
    pub call: Option<String>,
    /// Most runs of the application that are looked through, newest first
    #[arg(long, value_name = "N", default_value = "50")]
    pub limit: usize,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Default, Clone)]
pub struct PricesArgs {
    /// A model, as a response names it; without one all are listed
    pub model: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

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
    /// Most worker processes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub workers: Option<u32>,
    /// Most calls that execute at once in a worker process
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub slots: Option<u32>,
    /// The Python interpreter
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
pub struct RunsArgs {
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Also runs that were left by stepping back in them
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct ShowArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    /// An id prefix or a path: `research_agent/call_llm#3`, `batch_processor/process_document[17]`
    pub call: Option<String>,
    /// Only the calls that this means: `failed`, `fn:call_* and ms>500`, `out~"refund"`; docs/filter.md has the language
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// Questions to models and their answers: model, settings, prompt, completion, calls of tools, tokens, cost
    #[arg(long, conflicts_with = "filter")]
    pub lens: bool,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct RunArg {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct VarianceArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    pub run: String,
    /// An id prefix or a path: `research_agent/call_llm#3`
    pub call: String,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct SavingsArgs {
    /// What the sums are by
    #[arg(long, value_enum, default_value = "day")]
    pub by: SavingsBy,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(clap::ValueEnum, Debug, Clone, Copy)]
pub enum SavingsBy {
    /// The day (UTC) on which runs started
    Day,
    /// Each run
    Run,
    /// Each function, what was spared most of first
    Function,
}

impl SavingsBy {
    /// The heading and the key.
    pub fn word(self) -> &'static str {
        match self {
            SavingsBy::Day => "day",
            SavingsBy::Run => "run",
            SavingsBy::Function => "function",
        }
    }
}

#[derive(Args, Debug, Clone)]
pub struct TimelineArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    /// Every stretch of the critical path in the order of time, not its sums by function
    #[arg(long)]
    pub path: bool,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct LogsArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
    /// An id prefix or a path
    pub call: Option<String>,
    /// Only the calls that this means: `failed`, `fn:call_* and ms>500`, `out~"refund"`; docs/filter.md has the language
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Where `search` looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InArg {
    /// Arguments of calls
    Input,
    /// Outputs of calls
    Output,
    /// What calls wrote
    Log,
    /// Errors of calls, those of earlier attempts too
    Error,
}

#[derive(Args, Debug, Clone)]
pub struct SearchArgs {
    /// Words that must all be there; each may go on (`refund` finds refunds). In quotes: these words in this order
    #[arg(required = true, value_name = "TEXT")]
    pub text: Vec<String>,
    /// Only in this run: an id, a unique prefix, `latest`, `latest~1`
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Only there; may be given several times
    #[arg(long = "in", value_enum, value_name = "WHERE")]
    pub fields: Vec<InArg>,
    /// How many texts at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct WhyArgs {
    /// An id, a unique prefix, `latest`, `latest~1`; or, alone, a CALL of the latest run
    pub run: Option<String>,
    /// An id prefix or a path; without it the first call that executed for a reason of its own
    pub call: Option<String>,
    /// Say instead what would happen to the call if the run were replayed now, with the code and files as they are
    #[arg(long)]
    pub now: bool,
    /// Say instead what a function's code consists of
    #[arg(long, value_name = "FUNCTION", conflicts_with_all = ["run", "call", "now"])]
    pub function: Option<String>,
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

#[derive(Args, Debug, Clone)]
pub struct StepArgs {
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// Stop at calls that a filter takes; may be given several times. Without one: at every call
    #[arg(long = "break", value_name = "FILTER")]
    pub breakpoints: Vec<String>,
    /// Stop once when the run has used this many tokens
    #[arg(long, value_name = "N")]
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

/// When `diff` exits with 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Anything but the time differs
    Changed,
    /// The run's output or status differs
    Output,
    /// Calls were added, removed or moved
    Structure,
}

#[derive(Args, Debug, Clone)]
pub struct DiffArgs {
    /// A run; with neither: the run that the newest one replays
    pub a: Option<String>,
    /// The run to compare it with; without it A is compared with the run that it replays
    pub b: Option<String>,
    /// Only this call: an id prefix or a path, in B or in A
    #[arg(long, value_name = "CALL")]
    pub call: Option<String>,
    /// Print unified diffs of the outputs that differ
    #[arg(long, conflicts_with_all = ["json", "stat"])]
    pub patch: bool,
    /// Print the summary alone
    #[arg(long, conflicts_with = "json")]
    pub stat: bool,
    /// Write a report for browsers: one file, without scripts
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "stat", "patch", "call"])]
    pub html: Option<PathBuf>,
    /// Places inside values that are not compared, such as `*.id` or `usage.*`
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Numbers that differ by at most this part are equal
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    pub tolerance: f64,
    /// Exit with 1 when this differs
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Option<FailOn>,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args, Debug, Clone)]
pub struct StatusArgs {
    /// An id, a unique prefix, `latest`, `latest~1`
    #[arg(default_value = "latest")]
    pub run: String,
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

#[derive(Args, Debug, Clone)]
pub struct GcArgs {
    /// Delete; without it only what would be deleted is printed
    #[arg(long)]
    pub apply: bool,
    /// Keep this many newest runs
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub keep: usize,
    /// Delete only runs older than this many days
    #[arg(long, value_name = "DAYS")]
    pub older_than: Option<u32>,
    /// Delete oldest runs until the store is below this many megabytes
    #[arg(long, value_name = "MB")]
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
