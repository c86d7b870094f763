//! `tl-bench functions`: a run by function.

use serde_json::{Map, Value, json};

use super::args::RunArg;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use super::view;
use crate::base::text;
use crate::model::CallStatus;
use crate::model::functions::{Function, Functions};

/// `tl-bench functions RUN`.
pub fn run(context: &Context, args: &RunArg) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let history = context.history(&store, &store.find_run(&args.run)?)?;
    let all = Functions::of(&history);
    if args.json.json {
        context.out.json(&json!({
            "run": history.id,
            "app": history.app,
            "status": history.status,
            "functions": all.all.iter().map(document).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Success);
    }
    let out = context.out;
    out.line(&view::run_sentence(&history, &|tone, text| out.paint(tone, text)));
    let total = all.total();
    let statuses: Vec<CallStatus> = CallStatus::ALL
        .into_iter()
        .filter(|status| {
            matches!(status, CallStatus::Cached | CallStatus::Fresh | CallStatus::Failed)
                || total.of(*status) > 0
        })
        .collect();
    let width = all.all.iter().map(|f| text::width(&text::line(&f.name))).max().unwrap_or(0).clamp(8, 40);
    let mut heading = format!("{:<width$} {:>7}", "function", "calls");
    statuses.iter().for_each(|status| heading.push_str(&format!(" {:>9}", status.word())));
    heading.push_str(&format!(
        " {:>7} {:>10} {:>10} {:>10} {:>9} {:>9}",
        "retries", "p50", "p95", "executed", "tokens", "cost"
    ));
    out.line(&out.paint(Tone::Quiet, heading.trim_end()));
    for function in all.all.iter() {
        out.line(line(function, &statuses, width).trim_end());
    }
    if all.all.len() > 1 {
        out.line(&out.paint(Tone::Strong, line(&total, &statuses, width).trim_end()));
    }
    Ok(Exit::Success)
}

fn line(function: &Function, statuses: &[CallStatus], width: usize) -> String {
    let name = text::fit(&text::line(&function.name), width);
    let pad = " ".repeat(width.saturating_sub(text::width(&name)));
    let mut out = format!("{name}{pad} {:>7}", function.calls());
    for status in statuses {
        out.push_str(&format!(" {:>9}", function.of(*status)));
    }
    let time = |micros: Option<i64>| micros.map(text::duration).unwrap_or_default();
    let cost = match function.spent.known_cost() {
        _ if function.spent.tokens == 0 => String::new(),
        Some(usd) => text::dollars(usd),
        None => "?".to_owned(),
    };
    let executed = time((function.executed_us > 0).then_some(function.executed_us));
    out + &format!(
        " {:>7} {:>10} {:>10} {executed:>10} {:>9} {cost:>9}",
        function.retries,
        time(function.p50),
        time(function.p95),
        function.spent.tokens
    )
}

fn document(function: &Function) -> Value {
    let mut counts = Map::new();
    for status in CallStatus::ALL {
        counts.insert(status.word().replace('-', "_"), json!(function.of(status)));
    }
    json!({
        "function": function.name,
        "calls": function.calls(),
        "counts": counts,
        "retries": function.retries,
        "p50_us": function.p50,
        "p95_us": function.p95,
        "executed_us": function.executed_us,
        "tokens": function.spent.tokens,
        "saved_tokens": function.saved_tokens,
        "cost_usd": function.spent.known_cost(),
    })
}
