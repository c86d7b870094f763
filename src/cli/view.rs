//! How runs, calls, events and errors read: sentences for people, objects for programs.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::output::Tone;
use crate::base::ids::{RunId, call_id};
use crate::base::{paths, text};
use crate::model::{Call, CallKind, CallStatus, Counts, ErrorInfo, Event, RunHistory, RunStatus};

/// The glyph of a status.
pub fn glyph(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Cached => "◇",
        CallStatus::Fresh => "◆",
        CallStatus::Failed => "✗",
        CallStatus::Edited => "✎",
        CallStatus::Running => "▸",
        CallStatus::Pending => "·",
        CallStatus::InDoubt => "?",
        CallStatus::Cancelled => "⊘",
    }
}

/// The tone of a status.
pub fn tone(status: CallStatus) -> Tone {
    match status {
        CallStatus::Cached | CallStatus::Pending | CallStatus::Cancelled => Tone::Quiet,
        CallStatus::Fresh => Tone::Good,
        CallStatus::Failed => Tone::Bad,
        CallStatus::InDoubt | CallStatus::Edited => Tone::Warn,
        CallStatus::Running => Tone::Strong,
    }
}

/// The tone of a run's status.
pub fn run_tone(status: RunStatus) -> Tone {
    match status {
        RunStatus::Succeeded => Tone::Good,
        RunStatus::Failed | RunStatus::Mismatch => Tone::Bad,
        RunStatus::Cancelled | RunStatus::Interrupted => Tone::Warn,
        RunStatus::Running => Tone::Strong,
    }
}

/// The `counts` object of design.md section 8.
pub fn counts_json(counts: &Counts) -> Value {
    json!({
        "cached": counts.cached,
        "fresh": counts.fresh,
        "failed": counts.failed,
        "edited": counts.edited,
        "in_doubt": counts.in_doubt,
        "cancelled": counts.cancelled,
    })
}

/// `run 8f3c… succeeded in 3.2 s: 28 cached, 5 fresh; 911 tokens, $0.02; saved 28 calls, 9120 tokens, $0.05, 31 s`.
pub fn run_sentence(run: &RunHistory, paint: &dyn Fn(Tone, &str) -> String) -> String {
    let wall = run.ended_at.unwrap_or(run.started_at) - run.started_at;
    let mut out = format!(
        "run {} {} in {}: {}",
        run.id,
        paint(run_tone(run.status), run.status.word()),
        text::duration(wall),
        run.counts.words()
    );
    if run.spent.tokens > 0 || run.known_cost().is_none_or(|usd| usd > 0.0) {
        let cost = text::price(run.known_cost());
        out.push_str(&format!("; {} tokens, {cost}", run.spent.tokens));
    }
    if run.saved.calls > 0 {
        out.push_str(&format!("; saved {}", text::count(run.saved.calls, "call")));
        if run.saved.tokens > 0 {
            out.push_str(&format!(", {} tokens", run.saved.tokens));
        }
        if run.saved.cost_usd > 0.0 {
            out.push_str(&format!(", {}", text::dollars(run.saved.cost_usd)));
        }
        out.push_str(&format!(", {}", text::duration((run.saved.seconds * 1e6) as i64)));
    }
    out
}

/// An error for people: the sentence, the place, the traceback.
pub fn error_lines(run: &RunHistory, error: &ErrorInfo, project: &Path) -> Vec<String> {
    let mut out = Vec::new();
    let failed = run
        .calls
        .iter()
        .filter(|call| call.status == CallStatus::Failed && call.kind == CallKind::Call)
        .min_by_key(|call| call.ended_at);
    if let Some(call) = failed {
        let headline = call.error.as_deref().map(ErrorInfo::headline).unwrap_or_default();
        out.push(format!(
            "{} failed: {}",
            text::line(&crate::model::path::path(run, call.no)),
            text::line(&headline)
        ));
    } else {
        out.push(text::line(&error.headline()));
    }
    let shown = failed.and_then(|call| call.error.as_deref()).unwrap_or(error);
    let extra: Vec<&str> = shown.message.lines().skip(1).take(12).collect();
    let told_by_message = shown.kind == crate::model::ErrorKind::Deserialization;
    if shown.traceback.is_empty() || told_by_message {
        out.extend(extra.iter().map(|line| format!("  {}", text::line(line))));
    }
    if let Some(frame) = shown.frames.last() {
        let file = paths::relative(Path::new(&frame.file), project).display().to_string();
        out.push(format!("  at {}:{} in {}", text::line(&file), frame.line, text::line(&frame.name)));
        if !frame.text.is_empty() {
            out.push(format!("     {}", text::line(&frame.text)));
        }
    }
    let others = run.counts.failed.saturating_sub(1);
    if others > 0 {
        out.push(format!(
            "  and {} more: `tl-bench show {}`",
            text::count(others, "failed call"),
            run.id.short()
        ));
    }
    out
}

/// One event as a flat object, for `--events`.
pub fn event_json(run: &RunId, event: &Event) -> Value {
    let mut out = Map::new();
    out.insert("run".to_owned(), json!(run));
    out.insert("seq".to_owned(), json!(event.seq));
    out.insert("at".to_owned(), json!(event.at));
    if let Ok(Value::Object(kind)) = serde_json::to_value(&event.kind) {
        for (name, fields) in kind {
            out.insert("event".to_owned(), json!(name));
            if let Value::Object(fields) = fields {
                for (key, field) in fields {
                    out.entry(key).or_insert(field);
                }
            }
        }
    }
    Value::Object(out)
}

/// A call's facts without its values, as `show --json` prints them.
pub fn call_json(run: &RunHistory, call: &Call) -> Map<String, Value> {
    let hex = |digest: &crate::base::digest::Digest| {
        if *digest == crate::base::digest::Digest::default() { Value::Null } else { json!(digest) }
    };
    let parent = if call.parent == 0 { Value::Null } else { json!(call_id(&run.id, call.parent)) };
    let mut out = Map::new();
    let mut add = |key: &str, value: Value| out.insert(key.to_owned(), value);
    add("id", json!(call_id(&run.id, call.no)));
    add("path", json!(crate::model::path::path(run, call.no)));
    add("parent", parent);
    add("kind", json!(call.kind));
    add("function", json!(call.function));
    add("status", json!(call.status));
    add("reason", json!(call.reason));
    if !call.answers.is_empty() {
        let shown =
            |value: &Option<crate::model::ValueRef>| value.as_ref().map(|value| value.preview.clone());
        let answers = call.answers.iter();
        let answers: Vec<Value> = answers
            .map(|one| json!({
                    "answer": one.answer, "was": shown(&one.was), "now": shown(&one.now), "expr": one.expr,
                    "from": one.from.as_ref().map(|from| json!({"run": from.run, "call": call_id(&from.run, from.call)})),
                }))
            .collect();
        add("answers", json!(answers));
    }
    add("durable_id", hex(&call.durable_id));
    add("key", hex(&call.key));
    add("code", hex(&call.code));
    add("fingerprint", if call.is_call() { json!(call.fingerprint()) } else { Value::Null });
    add("attempts", json!(call.attempts));
    add("failed_attempts", json!(call.failed_attempts));
    add("started_at", json!(call.started_at));
    add("wall_ms", json!(call.wall_us as f64 / 1e3));
    add("usage", json!(call.usage));
    add("reads", json!(call.reads));
    add("error", json!(call.error));
    add("origin_run", json!(call.origin.as_ref().map(|o| o.run.clone())));
    add("origin_call", json!(call.origin.as_ref().map(|o| call_id(&o.run, o.call))));
    out
}
