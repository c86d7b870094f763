//! `tl-bench timeline`: when calls waited and executed, and the critical path.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::args::TimelineArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use super::view;
use crate::base::clock::{Clock, Micros, SystemClock};
use crate::base::ids::{CallNo, call_id};
use crate::base::text;
use crate::model::path::path;
use crate::model::timeline::{Segment, Share, Timeline, attempts, critical_path, end_of, shares, waited};
use crate::model::{Call, CallKind, RunHistory};

/// `tl-bench timeline RUN`.
pub fn run(context: &Context, args: &TimelineArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let history = context.history(&store, &store.find_run(&args.run)?)?;
    let now = SystemClock.now();
    let (chart, path) = (Timeline::of(&history), critical_path(&history, now));
    let shares = shares(&history, &path);
    if args.json.json {
        context.out.json(&document(&history, &chart, &path, &shares, now));
    } else {
        print(context, &history, &chart, if args.path { &path } else { &[] }, &shares, now);
    }
    Ok(Exit::Success)
}

fn took(run: &RunHistory, now: Micros) -> Micros {
    (run.ended_at.unwrap_or(now) - run.started_at).max(0)
}

fn document(run: &RunHistory, chart: &Timeline, critical: &[Segment], sums: &[Share], now: Micros) -> Value {
    let since = |at: Micros| at - run.started_at;
    let mut on_path: HashMap<CallNo, Micros> = HashMap::new();
    for segment in critical {
        *on_path.entry(segment.no).or_default() += segment.to - segment.from;
    }
    let lane_in_group = |lane: u32| {
        let group = chart.lanes.get(lane as usize).and_then(|lane| chart.groups.get(lane.group as usize));
        group.and_then(|group| group.lanes.iter().position(|one| *one == lane))
    };
    let call = |call: &Call| {
        let attempts: Vec<Value> = attempts(run, call, now)
            .iter()
            .filter(|_| call.is_call())
            .map(|(from, to)| json!({"from_us": since(*from), "to_us": since(*to)}))
            .collect();
        json!({
            "id": call_id(&run.id, call.no),
            "path": path(run, call.no),
            "function": call.function,
            "kind": call.kind,
            "status": call.status.word(),
            "asked_us": since(call.asked_at),
            "from_us": call.began_at().map(since),
            "to_us": call.status.is_final().then(|| since(end_of(run, call, now))),
            "waited_us": waited(run, call, now),
            "attempts": attempts,
            "lane": chart.place(call.no).and_then(|(lane, _)| lane_in_group(lane)),
            "critical_us": on_path.get(&call.no).copied().unwrap_or(0),
        })
    };
    let segment = |segment: &Segment| {
        json!({
            "id": call_id(&run.id, segment.no),
            "path": path(run, segment.no),
            "spent": segment.spent.word(),
            "from_us": since(segment.from),
            "to_us": since(segment.to),
        })
    };
    let share = |share: &Share| {
        let (spent, calls) = (share.spent.word(), share.calls);
        json!({"function": share.function, "spent": spent, "us": share.time, "calls": calls})
    };
    let whole = took(run, now);
    json!({
        "run": run.id,
        "app": run.app,
        "status": run.status,
        "started_at": run.started_at,
        "wall_us": whole,
        "most_at_once": chart.most,
        "mean_at_once": chart.mean(run.started_at, run.started_at + whole),
        "critical": sums.iter().map(share).collect::<Vec<_>>(),
        "critical_path": critical.iter().map(segment).collect::<Vec<_>>(),
        "calls": run.calls.iter().map(call).collect::<Vec<_>>(),
    })
}

fn print(
    context: &Context,
    run: &RunHistory,
    chart: &Timeline,
    path: &[Segment],
    shares: &[Share],
    now: Micros,
) {
    let out = context.out;
    let whole = took(run, now);
    out.line(&view::run_sentence(run, &|tone, text| out.paint(tone, text)));
    let mean = chart.mean(run.started_at, run.started_at + whole);
    out.line(&format!("at once: {} at most, {mean:.1} on average", text::count(chart.most.into(), "call")));
    out.line(&out.paint(Tone::Strong, "critical path"));
    let share = |time: Micros| format!("{:>4.0} %", time as f64 * 100.0 / whole.max(1) as f64);
    let quiet = |text: String| out.paint(Tone::Quiet, &text);
    for sum in shares.iter().filter(|sum| path.is_empty() && sum.time >= 1_000) {
        let line = format!("  {:>9} {}  ", text::duration(sum.time), share(sum.time));
        let calls = format!("{} in {}", sum.spent.word(), text::count(sum.calls, "call"));
        out.line(&format!("{line} {}  {}", text::line(&sum.function), quiet(calls)));
    }
    for segment in path.iter().filter(|segment| segment.to - segment.from >= 1_000) {
        let Some(call) = run.call(segment.no) else { continue };
        let time = segment.to - segment.from;
        let name = crate::model::path::label(run, call);
        let name = if call.kind == CallKind::Root { call.function.clone() } else { name };
        let at = text::duration(segment.from - run.started_at);
        let line = format!("  {at:>9} {:>9} {}  ", text::duration(time), share(time));
        out.line(&format!("{line} {}  {}", text::line(&name), quiet(segment.spent.word().to_owned())));
    }
}
