//! The samples of a call beside each other: which gave the same, and how the others differ.

use serde_json::{Value as Json, json};

use super::diff;
use crate::app::say;
use crate::app::tab::{TabRow, TabView, Target};
use crate::app::tone::Tone;
use crate::base::ids::call_id;
use crate::base::text;
use crate::diff::value::{Change, Options, compare};
use crate::engine::explain::Records;
use crate::model::samples::{Sample, Samples};
use crate::model::{Usage, ValueRef};
use crate::value::view::{ViewLimits, to_json};

/// Differences of one outcome that are listed.
const LISTED: usize = 40;

/// Its rows.
pub fn view(samples: &Samples, records: &dyn Records) -> TabView {
    let groups = samples.groups();
    let sampled = samples.all.iter().filter(|sample| !sample.recorded).count() as u64;
    let mut rows = Vec::new();
    if sampled == 0 {
        rows.push(TabRow::text(0, Tone::Quiet, "It was not sampled yet."));
        return TabView { rows };
    }
    let head = format!(
        "{}, {} with what was recorded",
        text::count(sampled, "sample"),
        text::count(groups.len() as u64, "outcome")
    );
    rows.push(TabRow::text(0, Tone::Title, head));
    for (number, group) in groups.iter().enumerate() {
        rows.push(TabRow::Blank);
        let Some(first) = group.first().map(|at| &samples.all[*at]) else { continue };
        let times = format!("outcome {}, {}", number + 1, text::count(group.len() as u64, "time"));
        rows.push(TabRow::text(0, Tone::Title, times));
        for at in group {
            rows.push(line(&samples.all[*at], *at));
        }
        match (&first.output, &first.error) {
            (Some(output), _) => rows.push(TabRow::text(2, Tone::Text, format!("→ {}", output.preview))),
            (None, Some(error)) => rows.push(TabRow::text(2, Tone::Bad, error.brief())),
            (None, None) => rows.push(TabRow::text(2, Tone::Quiet, say::status_word(first.status))),
        }
        if number > 0 {
            differs(&mut rows, samples, &groups, first, records);
        }
    }
    let code = samples.all.first().map(|first| first.code);
    if samples.all.iter().any(|sample| Some(sample.code) != code) {
        rows.push(TabRow::Blank);
        rows.push(TabRow::text(0, Tone::Warning, "not all were made by the same code"));
    }
    TabView { rows }
}

/// What a sample is called: it may be named on the command line by its number.
fn name(sample: &Sample, at: usize) -> String {
    if sample.recorded { "recorded".to_owned() } else { format!("sample:{at}") }
}

fn line(sample: &Sample, at: usize) -> TabRow {
    let used = match &sample.usage {
        Some(usage) if usage.tokens() > 0 => format!("  {} tokens", text::short(usage.tokens())),
        _ => String::new(),
    };
    let line = format!(
        "{:<10}  {:<9} {:>8}{used}   call {} of run {}",
        name(sample, at),
        say::status_word(sample.status),
        text::duration(sample.wall_us),
        call_id(&sample.at.run, sample.at.call),
        sample.at.run.short(),
    );
    let target = Some(Target::Call { run: sample.at.run.clone(), no: sample.at.call });
    TabRow::Text { indent: 2, tone: say::status_tone(sample.status), text: line, target }
}

/// How an outcome differs from the first that is one.
fn differs(
    rows: &mut Vec<TabRow>,
    samples: &Samples,
    groups: &[Vec<usize>],
    other: &Sample,
    records: &dyn Records,
) {
    let Some(first) = base(samples, groups) else { return };
    let (Some(a), Some(b)) = (&first.output, &other.output) else { return };
    if a.digest == b.digest {
        return;
    }
    match changes(a, b, records) {
        Ok(changes) => {
            diff::list(rows, &changes[..changes.len().min(LISTED)]);
            if changes.len() > LISTED {
                let more = text::count((changes.len() - LISTED) as u64, "more difference");
                rows.push(TabRow::text(2, Tone::Faint, format!("… {more}")));
            }
        }
        Err(why) => rows.push(TabRow::text(2, Tone::Warning, why)),
    }
}

/// What others are compared with: the recorded outcome, when there is one.
fn base<'a>(samples: &'a Samples, groups: &[Vec<usize>]) -> Option<&'a Sample> {
    let firsts = groups.iter().filter_map(|group| group.first()).map(|at| &samples.all[*at]);
    firsts.into_iter().find(|sample| sample.output.is_some())
}

fn changes(a: &ValueRef, b: &ValueRef, records: &dyn Records) -> Result<Vec<Change>, String> {
    let json = |value: &ValueRef| Ok::<_, String>(to_json(&records.value(value)?, &ViewLimits::full()).json);
    Ok(compare(&json(a)?, &json(b)?, &Options::default()).changes)
}

/// As a document.
pub fn document(samples: &Samples, path: &str, records: &dyn Records) -> Json {
    let groups = samples.groups();
    let shown = |value: Option<&ValueRef>| match value {
        Some(value) => records.value(value).map(|value| to_json(&value, &ViewLimits::full()).json),
        None => Ok(Json::Null),
    };
    let one = |(at, sample): (usize, &Sample)| {
        json!({
            "sample": at,
            "recorded": sample.recorded,
            "run": sample.at.run,
            "call": call_id(&sample.at.run, sample.at.call),
            "status": sample.status,
            "output": shown(sample.output.as_ref()).unwrap_or_else(Json::String),
            "error": sample.error,
            "wall_ms": sample.wall_us as f64 / 1e3,
            "tokens": sample.usage.as_ref().map_or(0, Usage::tokens),
            "cost_usd": sample.usage.as_ref().and_then(|usage| usage.cost_usd),
            "outcome": groups.iter().position(|group| group.contains(&at)).map(|at| at + 1),
        })
    };
    let first = base(samples, &groups);
    let differing = |group: &Vec<usize>| {
        let other = group.first().and_then(|at| samples.all[*at].output.as_ref());
        let pair = first.and_then(|first| first.output.as_ref()).zip(other);
        pair.and_then(|(a, b)| changes(a, b, records).ok()).unwrap_or_default()
    };
    let outcomes: Vec<Json> =
        groups.iter().map(|group| json!({"samples": group, "differences": differing(group)})).collect();
    json!({
        "path": path,
        "of": {"run": samples.of.run, "call": call_id(&samples.of.run, samples.of.call)},
        "samples": samples.all.iter().enumerate().map(one).collect::<Vec<_>>(),
        "outcomes": outcomes,
    })
}
