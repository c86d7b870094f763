//! `--filter`: which calls of a run are meant, and how what is wrong with a filter is told.

use super::context::Context;
use super::error::{CliError, Exit};
use crate::base::ids::CallNo;
use crate::base::text;
use crate::find::StoreValues;
use crate::model::RunHistory;
use crate::model::filter::{Filter, Previews, RunCalls};
use crate::store::Store;

/// What a filter means.
pub fn parse(source: &str) -> Result<Filter, CliError> {
    Filter::parse(source).map_err(|error| {
        let pointer = error.pointer(source).replace('\n', "\n  ");
        CliError::usage(format!("--filter: {error}\n  {pointer}"))
            .hint("docs/filter.md has the language; an example: --filter 'failed and fn:call_*'")
    })
}

/// The calls that are meant, in order; only `below` and what it called, when given. Values are read when the
/// filter asks for what is inside them.
pub fn matching(
    store: &Store,
    run: &RunHistory,
    filter: &Filter,
    below: Option<CallNo>,
) -> Result<Vec<CallNo>, CliError> {
    let mut found = if filter.reads_values() {
        let values = StoreValues::new(store);
        let found = RunCalls::new(run, &values).matching(filter);
        if let Some(error) = values.failed().first() {
            let text = format!("the filter needs values that cannot be read: {error}");
            return Err(CliError::new(Exit::Store, text).hint("`tl-bench doctor` checks the whole store"));
        }
        found
    } else {
        RunCalls::new(run, &Previews).matching(filter)
    };
    if let Some(below) = below {
        found.retain(|no| run.is_within(*no, below));
    }
    Ok(found)
}

/// Says on standard error how many calls are meant, and what may be meant instead of nothing.
pub fn tell(context: &Context, filter: &Filter, found: usize, of: usize) {
    let calls = text::count(of as u64, "call");
    context.out.note(&text::line(&format!("{found} of {calls}: {filter}")));
    if found == 0 {
        for (word, near) in filter.doubts() {
            let hint = format!("`{word}` was looked for as text; did you mean `{near}`?");
            context.out.note(&text::line(&hint));
        }
    }
}
