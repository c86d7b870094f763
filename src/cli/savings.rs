//! `tl-bench savings`: what runs spent, and what reuse spared, by day, run or function.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::args::{SavingsArgs, SavingsBy};
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::text;
use crate::model::RunSummary;
use crate::model::ledger::{Amount, Line, by_day};
use crate::store::{CallFilter, Store};

/// Rows read at once.
const PAGE: usize = 500;

/// `tl-bench savings`.
pub fn run(context: &Context, args: &SavingsArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let runs = all_runs(&store)?;
    let rows: Vec<(String, Line)> = match args.by {
        SavingsBy::Day => by_day(runs.iter()),
        SavingsBy::Run => runs
            .iter()
            .map(|run| (run.id.as_str().to_owned(), Line { runs: 1, amount: Amount::of_run(run) }))
            .collect(),
        SavingsBy::Function => by_function(&store, &runs)?,
    };
    // The runs' own sums, whatever they are shown by.
    let total = Line { runs: runs.len() as u64, amount: runs.iter().map(Amount::of_run).sum() };
    if args.json.json {
        let by = args.by.word();
        let rows: Vec<Value> = rows.iter().map(|(name, line)| row(by, name, line)).collect();
        context.out.json(&json!({"by": by, "rows": rows, "total": row("", "", &total)}));
        return Ok(Exit::Success);
    }
    print(context, args.by, &rows, &total);
    Ok(Exit::Success)
}

fn all_runs(store: &Store) -> Result<Vec<RunSummary>, CliError> {
    let mut runs = Vec::new();
    let mut cursor = None;
    loop {
        let rows = store.runs(cursor, PAGE)?;
        let Some(last) = rows.last() else { return Ok(runs) };
        cursor = Some(last.cursor);
        runs.extend(rows.into_iter().map(|row| row.summary));
    }
}

/// From rows of calls: whole histories need not be read. `runs` of a function are those in which it was called.
fn by_function(store: &Store, runs: &[RunSummary]) -> Result<Vec<(String, Line)>, CliError> {
    let mut all: BTreeMap<String, Line> = BTreeMap::new();
    for run in runs {
        let rows = store.call_rows(&run.id, &CallFilter::default(), 0, usize::MAX)?;
        let mut callers: Vec<u32> = rows.iter().map(|row| row.parent).collect();
        callers.sort_unstable();
        let mut here: BTreeMap<&str, Amount> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.ended_at.is_some()) {
            let leaf = callers.binary_search(&row.no).is_err();
            let used = (row.tokens, row.cost_usd);
            *here.entry(&row.function).or_default() +=
                Amount::of(row.kind, row.status, used, row.wall_us, leaf);
        }
        for (name, amount) in here {
            let line = all.entry(name.to_owned()).or_default();
            line.runs += 1;
            line.amount += amount;
        }
    }
    let mut rows: Vec<(String, Line)> = all.into_iter().collect();
    // What was spared most of comes first: dollars, then tokens, then time.
    let amount = |line: &Line| {
        let saved = &line.amount.saved;
        (saved.cost_usd, saved.tokens as f64, saved.seconds)
    };
    rows.sort_by(|a, b| amount(&b.1).partial_cmp(&amount(&a.1)).unwrap_or(std::cmp::Ordering::Equal));
    Ok(rows)
}

fn row(by: &str, name: &str, line: &Line) -> Value {
    let (amount, saved) = (&line.amount, &line.amount.saved);
    let mut out = json!({
        "runs": line.runs,
        "spent": {
            "calls": amount.executed,
            "tokens": amount.spent.tokens,
            "cost_usd": amount.spent.known_cost(),
        },
        "saved": {
            "calls": saved.calls,
            "tokens": saved.tokens,
            "cost_usd": saved.cost_usd,
            "seconds": saved.seconds,
        },
    });
    if let Some(object) = out.as_object_mut().filter(|_| !by.is_empty()) {
        object.insert(by.to_owned(), json!(name));
    }
    out
}

fn print(context: &Context, by: SavingsBy, rows: &[(String, Line)], total: &Line) {
    let out = context.out;
    let widest = rows.iter().map(|(name, _)| text::width(&text::line(name))).max().unwrap_or(0);
    let width = widest.clamp(8, 40);
    let heading = format!(
        "{:<width$} {:>6} {:>9} {:>10} {:>10}   {:>9} {:>10} {:>10} {:>9}",
        by.word(),
        "runs",
        "executed",
        "tokens",
        "cost",
        "saved",
        "tokens",
        "cost",
        "time"
    );
    out.line(&out.paint(Tone::Quiet, &heading));
    let line = |name: &str, line: &Line| {
        let name = text::fit(&text::line(name), width);
        let pad = " ".repeat(width.saturating_sub(text::width(&name)));
        let (amount, saved) = (&line.amount, &line.amount.saved);
        let cost = match amount.spent.known_cost() {
            _ if amount.spent.tokens == 0 && amount.spent.unpriced == 0 => String::new(),
            Some(usd) => text::dollars(usd),
            // Some of it has no price: at least the rest.
            None if amount.spent.cost_usd > 0.0 => format!(">{}", text::dollars(amount.spent.cost_usd)),
            None => "?".to_owned(),
        };
        let spared = if saved.cost_usd > 0.0 { text::dollars(saved.cost_usd) } else { String::new() };
        format!(
            "{name}{pad} {:>6} {:>9} {:>10} {cost:>10}   {:>9} {:>10} {spared:>10} {:>9}",
            line.runs,
            amount.executed,
            amount.spent.tokens,
            saved.calls,
            saved.tokens,
            text::duration((saved.seconds * 1e6) as i64)
        )
    };
    for (name, one) in rows {
        out.line(line(name, one).trim_end());
    }
    out.line(&out.paint(Tone::Strong, line("all", total).trim_end()));
}
