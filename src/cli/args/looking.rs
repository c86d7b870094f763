//! The arguments of the subcommands that show and compare what was recorded.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::JsonArgs;

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
    #[arg(long, value_name = "N", default_value = "50", value_parser = super::whole::<usize>)]
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

#[derive(Args, Debug, Clone)]
pub struct RunsArgs {
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = super::whole::<usize>)]
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
    /// Write the call's output into a new file, `-` for standard output: an image, a document, a string, bytes as they
    /// are, anything else as JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["filter", "lens", "json"])]
    pub save: Option<std::path::PathBuf>,
    /// With `--save`: the call's arguments, not its output
    #[arg(long, requires = "save")]
    pub input: bool,
    /// With `--save`: only this part of the value: `messages[0].content[1]`
    #[arg(long, value_name = "PATH", requires = "save")]
    pub at: Option<String>,
    /// The run as it was after its event with this number, or so long after its start: `120`, `2.5s`
    #[arg(long, value_name = "SEQ|SECONDS", conflicts_with_all = ["filter", "lens", "save"])]
    pub as_of: Option<String>,
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
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = super::whole::<usize>)]
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
    /// Compare the places, too, that `ignore` in tl-bench.toml names
    #[arg(long)]
    pub no_ignore: bool,
    /// Numbers that differ by at most this part are equal
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    pub tolerance: f64,
    /// Exit with 1 when this differs
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Option<FailOn>,
    /// What is within measured noise, or follows from that alone, does not count for --fail-on
    #[arg(long, requires = "fail_on")]
    pub accept_noise: bool,
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
