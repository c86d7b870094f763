//! `tl-bench history` and the tab History: what answered the same question and what stood in the same place, run by run.

use serde_json::json;

use super::print;
use crate::app::say;
use crate::app::tab::{TabRow, TabView, Target};
use crate::app::tone::Tone;
use crate::base::clock::{Clock, Micros, SystemClock};
use crate::base::text;
use crate::cli::args::HistoryArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Exit};
use crate::engine::explain::past::{Past, PastCall, look};

/// Runs that the workbench looks through.
pub(super) const LIMIT: usize = 50;
/// Runs that are named.
const NAMED: usize = 6;

/// `tl-bench history [RUN] [CALL]`.
pub fn run(context: &Context, args: &HistoryArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let run = context.history(&store, &store.find_run(&args.run)?)?;
    let no = match &args.call {
        Some(text) => context.call(&run, text)?,
        None => 1,
    };
    let Some(found) = look(&store, &run, no, args.limit)? else {
        return Err(CliError::usage(format!("run {} has no calls", run.id)));
    };
    if args.json.json {
        context.out.json(&json!(found));
    } else {
        print(context.out, &view(&found, SystemClock.now()));
    }
    Ok(Exit::Success)
}

/// Its rows.
pub(super) fn view(found: &Past, now: Micros) -> TabView {
    let mut rows = Vec::new();
    let answers = found.calls.iter().filter(|one| one.arguments && one.code && one.status.has_output());
    let executed = answers.clone().filter(|one| one.served_from.is_none()).count() as u64;
    let runs = text::count(found.runs as u64, "run");
    let what = match executed {
        0 => "no checkpoint of this question".to_owned(),
        n => format!("{} of this question", text::count(n, "checkpoint")),
    };
    rows.push(TabRow::text(0, Tone::Quiet, format!("{what}; {runs} looked through")));
    rows.push(TabRow::Blank);
    for one in &found.calls {
        call(&mut rows, one, now);
    }
    if found.more {
        rows.push(TabRow::text(0, Tone::Faint, "… older runs were not looked through (--limit)"));
    }
    for run in &found.unreadable {
        rows.push(TabRow::text(0, Tone::Warning, format!("run {run} is damaged and was left out")));
    }
    TabView { rows }
}

fn call(rows: &mut Vec<TabRow>, one: &PastCall, now: Micros) {
    let mut how = Vec::new();
    match (one.itself, one.arguments, one.code) {
        (true, ..) => how.push("this call"),
        (_, true, true) => how.push("the same question"),
        (_, true, false) => how.push("the same arguments, other code"),
        (_, false, true) => how.push("other arguments, the same code"),
        (_, false, false) => how.push("other arguments, other code"),
    }
    if !one.position {
        how.push("asked for elsewhere");
    } else if !one.durable_id && !one.itself {
        how.push("other durable id");
    }
    let target = Some(Target::Call { run: one.run.clone(), no: one.no });
    let head = format!(
        "{}  {:>4}  {:<9} {:>8}   {}",
        one.run.short(),
        text::age(now - one.at),
        say::status_word(one.status),
        text::duration(one.wall_us),
        how.join(", ")
    );
    let tone = if one.itself { Tone::Title } else { say::status_tone(one.status) };
    rows.push(TabRow::Text { indent: 0, tone, text: head, target: target.clone() });
    let mut add = |tone: Tone, text: String| {
        rows.push(TabRow::Text { indent: 6, tone, text, target: target.clone() });
    };
    if let Some(input) = one.input.as_ref().filter(|_| !one.arguments) {
        add(Tone::Quiet, format!("asked {input}"));
    }
    if let Some(error) = &one.error {
        add(Tone::Bad, error.clone());
    }
    if let Some(output) = &one.output {
        let text = if output.starts_with('→') { output.clone() } else { format!("→ {output}") };
        add(Tone::Text, text);
    }
    if !one.served.is_empty() {
        let named: Vec<&str> = one.served.iter().take(NAMED).map(|run| run.short()).collect();
        let more = if one.served.len() > NAMED { ", …" } else { "" };
        add(Tone::Quiet, format!("served in {}{more}", named.join(", ")));
    }
    if let Some(from) = &one.served_from {
        let text = format!("served from run {}, call {}", from.run.short(), from.call);
        let target = Some(Target::Call { run: from.run.clone(), no: from.no });
        rows.push(TabRow::Text { indent: 6, tone: Tone::Quiet, text, target });
    }
}
