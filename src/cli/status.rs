//! `tl-bench status`: a recorded run against the code and files of now.

use serde_json::{Value, json};

use super::args::StatusArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::{Out, Tone};
use crate::base::clock::{Clock, SystemClock};
use crate::base::ids::{CallNo, call_id};
use crate::base::text;
use crate::engine::verdict::{Judge, JudgeError};
use crate::model::path::{label, path};
use crate::model::verdict::{CallVerdict, ChangedFunction, Cost, Fate, PartChange, Verdict};
use crate::model::{CallKind, RunHistory};

/// Lines of calls that are printed; `--json` has all.
const SHOWN: usize = 12;

impl From<JudgeError> for CliError {
    fn from(error: JudgeError) -> Self {
        match error {
            JudgeError::Store(error) => error.into(),
            other => {
                CliError::usage(other.to_string()).hint("`tl-bench runs` lists runs of other applications")
            }
        }
    }
}

/// Prints it once.
pub fn run(context: &Context, args: &StatusArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let id = store.find_run(&args.run)?;
    let history = context.history(&store, &id)?;
    let verdict = Judge::new(&context.project, &store, context.search()).verdict(&id)?;
    if args.json.json {
        context.out.json(&document(&history, &verdict));
    } else {
        print(context.out, &history, &verdict);
    }
    Ok(Exit::Success)
}

/// The verdict for people.
pub fn print(out: Out, run: &RunHistory, verdict: &Verdict) {
    let ago = text::age(SystemClock.now() - run.ended_at.unwrap_or(run.started_at));
    let ago = if ago == "now" { "just now".to_owned() } else { format!("{ago} ago") };
    let status = out.paint(super::view::run_tone(run.status), run.status.word());
    out.line(&format!("run {} of {} {status} {ago}: {}", run.id, text::line(&run.app), run.counts.words()));
    body(out, run, verdict);
}

/// What changed, what executes because of it, and what that costs.
pub fn body(out: Out, run: &RunHistory, verdict: &Verdict) {
    for problem in &verdict.problems {
        out.line(&out.paint(Tone::Bad, &problem_line(problem)));
    }
    for function in &verdict.changed {
        for line in changed_lines(out, function) {
            out.line(&line);
        }
    }
    let calls = affected(run, verdict);
    for line in calls.iter().take(SHOWN) {
        out.line(&format!(
            "  {} {}",
            out.paint(line.tone, &format!("{:<7}", line.word)),
            text::line(&line.text)
        ));
    }
    if calls.len() > SHOWN {
        out.line(&out.paint(Tone::Quiet, &format!("  and {} more: --json lists all", calls.len() - SHOWN)));
    }
    for line in summary(out, verdict) {
        out.line(&line);
    }
}

/// `util.py:12:5 does not parse: …`.
pub fn problem_line(problem: &crate::model::verdict::SourceProblem) -> String {
    text::line(&format!(
        "{}:{}:{} does not parse: {} (what it held before counts until it does)",
        problem.file, problem.line, problem.column, problem.message
    ))
}

/// What it comes to, in a few lines.
pub fn summary(out: Out, verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    match verdict.headline() {
        Some(headline) => lines.push(out.paint(Tone::Strong, &text::line(&headline))),
        None if verdict.problems.is_empty() => {
            lines.push("nothing changed since: every checkpoint holds".to_owned())
        }
        None => lines.push("nothing else changed since".to_owned()),
    }
    let more = verdict.at_most.calls.saturating_sub(verdict.rerun.calls);
    if more > 0 {
        let all = verdict.at_most.words();
        lines.push(format!("at most {all}: {} more if what they get differs", text::count(more, "call")));
    }
    let effects = effects(&verdict.at_most);
    if !effects.is_empty() {
        let tone = if verdict.at_most.effects.is_empty() { Tone::Quiet } else { Tone::Warn };
        lines.push(out.paint(tone, &text::line(&effects)));
    }
    if verdict.anyway.calls > 0 {
        let words = verdict.anyway.words();
        lines.push(out.paint(
            Tone::Quiet,
            &format!("without any edit a replay executes {words}: failed, or not durable"),
        ));
    }
    lines
}

fn effects(cost: &Cost) -> String {
    let mut parts = Vec::new();
    if !cost.effects.is_empty() {
        let calls: Vec<String> = cost.effects.iter().map(|(name, n)| format!("{n} × {name}")).collect();
        parts.push(format!("acts on the world: {}", calls.join(", ")));
    }
    if !cost.unlabelled.is_empty() {
        parts.push(format!("effect= is not said by {}", cost.unlabelled.join(", ")));
    }
    parts.join("; ")
}

fn changed_lines(out: Out, function: &ChangedFunction) -> Vec<String> {
    let place = match &function.place {
        Some((file, line)) => format!("{file}:{line}"),
        None => "not defined any more".to_owned(),
    };
    let calls = text::count(function.calls, "call");
    let head = format!("{}  {place}  {calls}", out.paint(Tone::Strong, &text::line(&function.function)));
    let mut lines = vec![format!(
        "{} {head}",
        out.paint(Tone::Warn, super::view::glyph(crate::model::CallStatus::Edited))
    )];
    for part in &function.parts {
        let word = match part.change {
            PartChange::Changed => "changed",
            PartChange::Added => "new",
            PartChange::Removed => "gone",
        };
        let via = if part.via.len() > 1 { format!("  {}", part.via.join(" → ")) } else { String::new() };
        let line = format!("    {}:{} {} {word}", part.file, part.line, part.name);
        lines.push(format!("{}{}", text::line(&line), out.paint(Tone::Quiet, &text::line(&via))));
    }
    lines.extend(function.reasons.iter().map(|reason| format!("    {}", text::line(reason))));
    lines
}

struct Affected {
    word: &'static str,
    tone: Tone,
    text: String,
}

/// Siblings with one fate: that, their parent, their function, the call that makes them execute, their numbers.
type Group<'a> = (Fate, CallNo, &'a str, Option<CallNo>, Vec<CallNo>);

/// The calls that execute because of edits, siblings of one function on one line.
fn affected(run: &RunHistory, verdict: &Verdict) -> Vec<Affected> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for call in run.calls.iter().filter(|call| call.is_call()) {
        let Some(one) = verdict.call(call.no).filter(|one| one.by_edit && one.fate.executes()) else {
            continue;
        };
        let same = |g: &&mut Group<'_>| g.0 == one.fate && g.1 == call.parent && g.2 == call.function;
        match groups.iter_mut().find(same) {
            Some(group) => group.4.push(call.no),
            None => groups.push((one.fate, call.parent, &call.function, one.because, vec![call.no])),
        }
    }
    groups
        .into_iter()
        .map(|(fate, _, function, because, numbers)| {
            let name = |no: &CallNo| path(run, *no);
            let last = |no: &CallNo| run.call(*no).map(|call| label(run, call)).unwrap_or_default();
            let mut text = numbers.first().map(name).unwrap_or_default();
            if let (Some(end), true) = (numbers.last(), numbers.len() > 1) {
                let ordinal = last(end).trim_start_matches(function).to_owned();
                text.push_str(&format!(" … {ordinal}  ({} calls)", numbers.len()));
            }
            if let Some(because) = because {
                text.push_str(&format!("  calls {}", last(&because)));
            }
            let tone = if fate == Fate::Edited { Tone::Warn } else { Tone::Quiet };
            Affected { word: fate.word(), tone, text }
        })
        .collect()
}

/// The document of `--json`.
pub fn document(run: &RunHistory, verdict: &Verdict) -> Value {
    let calls: Vec<Value> = run
        .calls
        .iter()
        .filter(|call| call.is_call())
        .filter_map(|call| Some(call_json(run, call.no, verdict.call(call.no)?)))
        .collect();
    let count = |test: &dyn Fn(&CallVerdict) -> bool| {
        let counted = run.calls.iter().filter(|call| call.kind == CallKind::Call);
        counted.filter_map(|call| verdict.call(call.no)).filter(|call| test(call)).count()
    };
    let fates = [Fate::Holds, Fate::After, Fate::Caller, Fate::Edited, Fate::Live, Fate::Unfinished];
    let counts: serde_json::Map<String, Value> =
        fates.iter().map(|fate| (fate.word().to_owned(), json!(count(&|call| call.fate == *fate)))).collect();
    json!({
        "run": run.id,
        "app": run.app,
        "status": run.status,
        "clean": verdict.is_clean(),
        "headline": verdict.headline(),
        "changed": verdict.changed.iter().map(changed_json).collect::<Vec<_>>(),
        "problems": verdict.problems,
        "counts": counts,
        "rerun": cost_json(&verdict.rerun),
        "at_most": cost_json(&verdict.at_most),
        "effects": verdict.effects,
        "unlabelled": verdict.unlabelled,
        "anyway": cost_json(&verdict.anyway),
        "calls": calls,
    })
}

fn changed_json(function: &ChangedFunction) -> Value {
    json!({
        "function": function.function,
        "file": function.place.as_ref().map(|(file, _)| file),
        "line": function.place.as_ref().map(|(_, line)| line),
        "calls": function.calls,
        "parts": function.parts,
        "reasons": function.reasons,
    })
}

fn call_json(run: &RunHistory, no: CallNo, call: &CallVerdict) -> Value {
    json!({
        "id": call_id(&run.id, no),
        "path": path(run, no),
        "function": run.call(no).map(|call| &call.function),
        "fate": call.fate,
        "by_edit": call.by_edit,
        "because": call.because.map(|no| path(run, no)),
        "reason": call.reason,
    })
}

fn cost_json(cost: &Cost) -> Value {
    json!({
        "calls": cost.calls,
        "seconds": cost.seconds,
        "critical_seconds": cost.critical_seconds,
        "tokens": cost.tokens,
        "cost_usd": cost.usd(),
        "unpriced_calls": cost.unpriced_calls,
        "effects": cost.effects.iter().map(|(name, calls)| json!({"function": name, "calls": calls})).collect::<Vec<_>>(),
        "unlabelled": cost.unlabelled,
    })
}
