//! Words for people: labels of calls, previews, token counts, the sentence at the top.
//!
//! What comes out may hold user text and is *not* sanitised; drawing does that for everything.

use crate::base::clock::Micros;
use crate::base::text;
use crate::model::{Call, CallKind, CallStatus, Purpose, RunHistory, RunStatus, RunSummary, ValueRef};

use super::blast::AutoReplay;
use super::state::AppState;
use super::tone::{Line, Tone};
use super::tree::Tally;

/// A token count in five columns: `412`, `1.2k`, `61k`, `3.4M`.
pub fn tokens(n: u64) -> String {
    match n {
        0..=999 => n.to_string(),
        1_000..=9_949 => format!("{:.1}k", n as f64 / 1e3),
        9_950..=999_499 => format!("{}k", (n + 500) / 1_000),
        _ => format!("{:.1}M", n as f64 / 1e6),
    }
}

/// How long ago in three columns: `now`, `45s`, `5d`, `20w`, `3y`.
pub fn age(micros: Micros) -> String {
    let days = micros / 86_400_000_000;
    match days {
        0..=99 => text::age(micros),
        100..=699 => format!("{}w", days / 7),
        _ => format!("{}y", days / 365),
    }
}

/// A running time that does not jump about: `0:12`, `1:02:03`.
pub fn stopwatch(micros: Micros) -> String {
    let s = micros.max(0) / 1_000_000;
    if s < 3_600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
    }
}

/// What a call is called among its siblings: `call_llm#3`, `[17]`, `map summarise`.
pub fn label(call: &Call, in_operation: bool) -> String {
    match call.kind {
        CallKind::Root => call.function.clone(),
        CallKind::Map => format!("map {}", call.function),
        CallKind::Reduce => format!("reduce {}", call.function),
        CallKind::Call if in_operation => format!("{}[{}]", call.function, call.ordinal),
        CallKind::Call => format!("{}#{}", call.function, call.ordinal),
    }
}

/// A call as a list outside of its tree names it: `call_llm#3`, `summarise[17]`.
pub fn place_in_tree(run: &RunHistory, call: &Call) -> String {
    let operation = |parent: &Call| matches!(parent.kind, CallKind::Map | CallKind::Reduce);
    label(call, run.call(call.parent).is_some_and(operation))
}

/// A value's preview; arguments that are one JSON object lose its names and braces.
pub fn preview(value: &ValueRef) -> String {
    value.preview.clone()
}

/// Arguments in one line: the values alone, when the preview is complete JSON.
pub fn arguments(value: &ValueRef) -> String {
    let Ok(serde_json::Value::Object(map)) = serde_json::from_str(&value.preview) else {
        return value.preview.clone();
    };
    map.values().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The status to show: an operation whose items are under way is, too, whether or not the log says so.
pub fn shown_status(call: &Call, tally: &Tally) -> CallStatus {
    if call.status == CallStatus::Pending && !call.is_call() && tally.total() > tally.of(CallStatus::Pending)
    {
        CallStatus::Running
    } else {
        call.status
    }
}

/// Microseconds that a call took, or has taken so far.
pub fn took(call: &Call, now: Micros) -> Option<Micros> {
    match call.status {
        // What waits behind its body takes no longer because somebody thinks.
        CallStatus::Running if call.offered.is_some() => call.offered.as_ref().map(|ended| ended.wall_us),
        CallStatus::Running if call.is_call() => call.started_at.map(|at| (now - at).max(0)),
        CallStatus::Running => Some((now - call.asked_at).max(0)),
        CallStatus::Pending => None,
        _ if matches!(call.kind, CallKind::Map | CallKind::Reduce) => {
            Some((call.ended_at? - call.asked_at).max(0))
        }
        _ if call.started_at.is_none() => None,
        _ => Some(call.wall_us),
    }
}

/// The tone of a status.
pub fn status_tone(status: CallStatus) -> Tone {
    match status {
        CallStatus::Pending | CallStatus::Cancelled => Tone::Faint,
        CallStatus::Running => Tone::Active,
        CallStatus::Cached => Tone::Quiet,
        CallStatus::Fresh => Tone::Good,
        CallStatus::Failed => Tone::Bad,
        CallStatus::Edited => Tone::Marked,
        CallStatus::InDoubt => Tone::Warning,
    }
}

/// The tone of a run's status.
pub fn run_tone(status: RunStatus) -> Tone {
    match status {
        RunStatus::Running => Tone::Active,
        RunStatus::Succeeded => Tone::Good,
        RunStatus::Failed | RunStatus::Mismatch => Tone::Bad,
        RunStatus::Interrupted => Tone::Warning,
        RunStatus::Cancelled => Tone::Faint,
    }
}

/// A status as people read it.
pub fn status_word(status: CallStatus) -> &'static str {
    match status {
        CallStatus::InDoubt => "in doubt",
        other => other.word(),
    }
}

/// Statuses as a tally names them: what went well first, worst last.
pub const TALLY_ORDER: [CallStatus; 8] = [
    CallStatus::Cached,
    CallStatus::Fresh,
    CallStatus::Edited,
    CallStatus::Running,
    CallStatus::Pending,
    CallStatus::Cancelled,
    CallStatus::InDoubt,
    CallStatus::Failed,
];

/// `997 cached, 3 failed`; statuses without calls are left out.
pub fn tally(tally: &Tally) -> Line {
    let mut out = Line::new();
    for status in TALLY_ORDER {
        let n = tally.of(status);
        if n == 0 {
            continue;
        }
        if !out.is_empty() {
            out.push((Tone::Faint, ", ".to_owned()));
        }
        out.push((status_tone(status), format!("{n} {}", status_word(status))));
    }
    out
}

/// A piece of the sentence at the top.
pub struct Piece {
    /// When space is short, the pieces with the highest rank go first.
    pub rank: u8,
    /// Columns before it.
    pub gap: u16,
    /// The words.
    pub words: Line,
}

fn piece(rank: u8, gap: u16, tone: Tone, words: impl Into<String>) -> Piece {
    Piece { rank, gap, words: vec![(tone, words.into())] }
}

/// What was served, executed and failed. What is zero is the first to go, what failed the last.
fn counts(run: &RunSummary) -> Vec<Piece> {
    let c = &run.counts;
    let count = |n: u64, word: &str, rank: u8, tone: Tone| {
        let (rank, tone) = if n == 0 { (5, Tone::Quiet) } else { (rank, tone) };
        piece(rank, 2, tone, format!("{n} {word}"))
    };
    let mut out = vec![
        count(c.cached, "cached", 2, Tone::Quiet),
        count(c.fresh, "fresh", 3, Tone::Good),
        count(c.failed, "failed", 1, Tone::Bad),
    ];
    if let Some(first) = out.first_mut() {
        first.gap = 3;
    }
    if c.edited > 0 {
        out.push(count(c.edited, "edited", 3, Tone::Marked));
    }
    if c.in_doubt > 0 {
        out.push(count(c.in_doubt, "in doubt", 1, Tone::Warning));
    }
    out
}

/// What reuse spared.
fn saved(run: &RunSummary) -> Vec<Piece> {
    let mut parts = Vec::new();
    if run.saved.cost_usd > 0.0 {
        parts.push((5, text::dollars(run.saved.cost_usd)));
    }
    if run.saved.tokens > 0 {
        parts.push((6, format!("{} tok", tokens(run.saved.tokens))));
    }
    parts.push((if parts.is_empty() { 5 } else { 7 }, text::duration((run.saved.seconds * 1e6) as i64)));
    let mut out = Vec::new();
    for (i, (rank, part)) in parts.into_iter().enumerate() {
        let (gap, lead) = if i == 0 { (3, "saved ") } else { (0, ", ") };
        out.push(piece(rank, gap, Tone::Good, format!("{lead}{part}")));
    }
    out
}

/// The sentence at the top.
pub fn headline(state: &AppState, now: Micros) -> Vec<Piece> {
    let name = if state.project.name.is_empty() { "tl-bench" } else { &state.project.name };
    let mut out = vec![piece(4, 0, Tone::Title, name)];
    let Some(run) = state.runs.current() else {
        let what = match state.project.applications.len() as u64 {
            _ if state.project.unread => "reading …".to_owned(),
            0 => "no applications found".to_owned(),
            apps => text::count(apps, "application"),
        };
        out.push(piece(1, 3, Tone::Quiet, what));
        if !state.project.problems.is_empty() {
            let n = text::count(state.project.problems.len() as u64, "problem");
            out.push(piece(0, 3, Tone::Bad, n));
        }
        return out;
    };
    let run_id = (Tone::Title, run.id.short().to_owned());
    out.push(Piece { rank: 0, gap: 3, words: vec![(Tone::Quiet, "run ".to_owned()), run_id] });
    if let Some(parent) = state.runs.folded.parent(run) {
        if matches!(run.purpose, Purpose::Samples { .. }) {
            out.push(piece(4, 2, Tone::Quiet, format!("samples from {}", parent.short())));
        } else {
            out.push(piece(4, 2, Tone::Quiet, format!("replay of {}", parent.short())));
            out.push(piece(7, 2, Tone::Quiet, run.mode.word()));
        }
    } else {
        out.push(piece(7, 2, Tone::Quiet, run.app.clone()));
    }
    let elapsed = run.ended_at.unwrap_or(now) - run.started_at;
    let stopping = state.runs.stopping.contains(&run.id) && run.status == RunStatus::Running;
    let paused = state.paused(&run.id);
    let word = match run.status {
        _ if stopping => "stopping",
        RunStatus::Running if paused => "paused",
        status => status.word(),
    };
    let time = if paused {
        String::new()
    } else if run.status == RunStatus::Running {
        stopwatch(elapsed)
    } else {
        text::duration(elapsed)
    };
    out.push(piece(0, 3, run_tone(run.status), format!("{word} {time}").trim_end()));
    out.extend(counts(run));
    let cost = match run.cost_usd {
        Some(usd) => text::dollars(usd),
        None => format!("{} tok, price unknown", tokens(run.tokens)),
    };
    if run.tokens > 0 || run.cost_usd.is_none() {
        out.push(piece(6, 3, Tone::Text, cost));
    }
    match state.blast.auto {
        AutoReplay::Off => {}
        AutoReplay::Harmless => out.push(piece(3, 3, Tone::Focus, "auto-replay")),
        AutoReplay::Unlabelled => out.push(piece(3, 3, Tone::Focus, "auto-replay of unlabelled")),
    }
    if run.saved.calls > 0 {
        out.extend(saved(run));
    }
    out
}

/// How a run that just ended went, for a toast; `cause` is why it failed. The numbers stand at the top of the screen.
pub fn ended(run: &RunSummary, cause: Option<String>) -> String {
    let took = text::duration(run.ended_at.unwrap_or(run.started_at) - run.started_at);
    let so = match cause {
        Some(cause) => cause,
        None if matches!(run.purpose, Purpose::Samples { .. }) => {
            let n = text::count(run.counts.fresh, "sample");
            format!("{n}; the tab Variance shows how they differ")
        }
        None => run.counts.words(),
    };
    format!("Run {} {} in {took}: {so}", run.id.short(), run.status.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        assert_eq!(
            [412, 1_204, 9_950, 61_000, 999_600].map(tokens),
            ["412", "1.2k", "10k", "61k", "1.0M"].map(str::to_owned)
        );
        assert_eq!(text::dollars(0.004), "$0.0040");
        assert_eq!(stopwatch(12_000_000), "0:12");
    }
}
