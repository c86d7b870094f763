//! `tl-bench runs`.

use serde_json::{Value, json};

use super::args::RunsArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use super::view;
use crate::base::clock::{Clock, SystemClock};
use crate::base::ids::call_id;
use crate::base::text;
use crate::model::Purpose;
use crate::model::summary::Folded;
use crate::store::RunRow;

/// Lists runs, newest first.
pub fn run(context: &Context, args: &RunsArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let mut rows = store.runs(None, args.limit)?;
    let folded =
        if args.all { Folded::default() } else { Folded::fold(&mut rows, |row: &RunRow| &row.summary) };
    if args.json.json {
        context.out.json(&Value::Array(rows.iter().map(row_json).collect()));
        return Ok(Exit::Success);
    }
    let now = SystemClock.now();
    for row in &rows {
        let run = &row.summary;
        let status = context.out.paint(view::run_tone(run.status), &format!("{:<11}", run.status.word()));
        let parent = folded.parent(run).map(|p| format!("  ← {}", p.short())).unwrap_or_default();
        let pin = if run.pinned { "  pinned" } else { "" };
        let what = match &run.purpose {
            Purpose::Samples { of, .. } => format!("samples of call {}", call_id(&of.run, of.call)),
            Purpose::Application | Purpose::StepBack => run.mode.word().to_owned(),
        };
        let tail = format!("{what}{parent}{pin}");
        context.out.line(&format!(
            "{}  {status} {:>5}  {:<24} {}  {}",
            run.id,
            text::age(now - run.started_at),
            text::fit(&text::line(&run.app), 24),
            run.counts.words(),
            context.out.paint(Tone::Quiet, &tail),
        ));
        if let Some(damage) = &row.damaged {
            context.out.note(&context.out.paint_note(Tone::Bad, &format!("  {}", text::line(damage))));
        }
    }
    let damaged = rows.iter().any(|row| row.damaged.is_some());
    Ok(if damaged { Exit::Store } else { Exit::Success })
}

fn row_json(row: &RunRow) -> Value {
    let run = &row.summary;
    json!({
        "run": run.id,
        "app": run.app,
        "mode": run.mode,
        "parent": run.parent,
        "status": run.status,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "counts": view::counts_json(&run.counts),
        "tokens": run.tokens,
        "cost_usd": run.cost_usd,
        "saved": run.saved,
        "pinned": run.pinned,
        "samples_of": match &run.purpose {
            Purpose::Samples { of, .. } => json!({"run": of.run, "call": call_id(&of.run, of.call)}),
            Purpose::Application | Purpose::StepBack => Value::Null,
        },
        "stepped_back": run.purpose == Purpose::StepBack,
        "alive": row.alive,
        "damaged": row.damaged,
    })
}
