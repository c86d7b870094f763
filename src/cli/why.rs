//! `tl-bench why RUN CALL`: the verdict of a call, component by component.

use serde_json::{Value, json};

use super::args::WhyArgs;
use super::context::{Context, whole_value};
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::ids::call_id;
use crate::base::text;
use crate::model::{Call, CallStatus, Mode, RunHistory};
use crate::store::Store;

/// What was compared with what.
struct Comparison {
    /// The recorded call that stands beside it, with its run.
    other: Option<(RunHistory, Call)>,
    /// How the two were matched.
    matched: &'static str,
    /// Each component: name, whether it is equal, what differs.
    parts: Vec<(&'static str, bool, String)>,
}

/// Prints it.
pub fn run(context: &Context, args: &WhyArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let run = context.history(&store, &store.find_run(&args.run)?)?;
    let no = context.call(&run, &args.call)?;
    let Some(call) = run.call(no) else { return Ok(Exit::Usage) };
    let comparison = compare(context, &store, &run, call)?;
    if args.json.json {
        context.out.json(&json!({
            "call": call_id(&run.id, no),
            "path": crate::model::path::path(&run, no),
            "status": call.status,
            "reason": call.reason,
            "sentence": sentence(&run, call),
            "matched": comparison.matched,
            "compared_with": comparison.other.as_ref().map(|(other, c)| json!({
                "run": other.id, "call": call_id(&other.id, c.no), "status": c.status,
            })),
            "components": comparison.parts.iter().map(|(name, equal, text)| json!({
                "name": name, "equal": equal, "difference": if *equal { Value::Null } else { json!(text) },
            })).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Success);
    }
    let out = context.out;
    out.line(&out.paint(Tone::Strong, &text::line(&crate::model::path::path(&run, no))));
    out.line(&text::line(&sentence(&run, call)));
    if let Some((other, recorded)) = &comparison.other {
        out.line(&format!(
            "compared with call {} of run {} ({}, matched by {})",
            call_id(&other.id, recorded.no),
            other.id,
            recorded.status.word(),
            comparison.matched
        ));
    }
    for (name, equal, difference) in &comparison.parts {
        let (mark, tone) = if *equal { ("=", Tone::Quiet) } else { ("≠", Tone::Warn) };
        out.line(&format!("  {} {name:<10} {}", out.paint(tone, mark), text::line(difference)));
    }
    Ok(Exit::Success)
}

fn sentence(run: &RunHistory, call: &Call) -> String {
    let because = call.reason.clone().unwrap_or_else(|| match run.mode {
        Mode::Fresh => "the run reuses nothing".to_owned(),
        _ => "nothing recorded stands in its place".to_owned(),
    });
    match call.status {
        CallStatus::Cached => {
            let origin =
                call.origin.as_ref().map(|o| format!(" executed in run {}", o.run)).unwrap_or_default();
            format!("served from the checkpoint{origin}: key, code and everything below it hold")
        }
        CallStatus::Failed => format!("executed ({because}) and failed"),
        CallStatus::Cancelled => "did not run: the run ended before".to_owned(),
        CallStatus::InDoubt => "started; its outcome is not known".to_owned(),
        _ => format!("executed: {because}"),
    }
}

fn compare(context: &Context, store: &Store, run: &RunHistory, call: &Call) -> Result<Comparison, CliError> {
    let none = Comparison { other: None, matched: "nothing", parts: vec![] };
    let base = match (&call.origin, &run.parent) {
        (Some(origin), _) if origin.run != run.id => origin.run.clone(),
        (_, Some(parent)) => parent.clone(),
        _ => return Ok(none),
    };
    let other = context.history(store, &base)?;
    let by =
        |test: &dyn Fn(&Call) -> bool| other.calls.iter().find(|c| c.kind == call.kind && test(c)).cloned();
    let origin_call = call.origin.as_ref().filter(|o| o.run == other.id).and_then(|o| other.call(o.call));
    let (recorded, matched) = if let Some(recorded) = origin_call {
        (recorded.clone(), "origin")
    } else if let Some(recorded) = by(&|c| c.key == call.key) {
        (recorded, "key")
    } else if let Some(recorded) = by(&|c| c.durable && c.durable_id == call.durable_id) {
        (recorded, "position")
    } else {
        return Ok(none);
    };
    let mut parts = Vec::new();
    parts.push((
        "function",
        recorded.function == call.function,
        format!("{} → {}", recorded.function, call.function),
    ));
    let input = match (&recorded.input, &call.input) {
        (Some(old), Some(new)) if old.digest != new.digest => {
            let (old, new) = (whole_value(store, Some(old))?, whole_value(store, Some(new))?);
            Some(first_difference("", &old, &new).unwrap_or_else(|| "differs in type".to_owned()))
        }
        _ => None,
    };
    let same_input = input.is_none();
    parts.push(("input", same_input, input.unwrap_or_else(|| "equal".to_owned())));
    if same_input {
        let text = if recorded.key == call.key { "equal" } else { "another occurrence of the same call" };
        parts.push(("occurrence", recorded.key == call.key, text.to_owned()));
    }
    let code = if recorded.code == call.code { "equal" } else { "the function's code changed" };
    parts.push(("code", recorded.code == call.code, code.to_owned()));
    let outcome = format!("{} in run {}", recorded.status.word(), other.id);
    parts.push(("outcome", recorded.status.has_output(), outcome));
    Ok(Comparison { other: Some((other, recorded)), matched, parts })
}

/// The path at which two values first differ, and both sides in short: `messages[3].content: "a" → "b"`.
fn first_difference(path: &str, old: &Value, new: &Value) -> Option<String> {
    let short = |value: &Value| text::fit(&text::line(&value.to_string()), 40);
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, old) in a {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match b.get(key) {
                    Some(new) => {
                        if let Some(found) = first_difference(&inner, old, new) {
                            return Some(found);
                        }
                    }
                    None => return Some(format!("{inner}: removed")),
                }
            }
            b.keys().find(|key| !a.contains_key(*key)).map(|key| format!("{path}.{key}: added"))
        }
        (Value::Array(a), Value::Array(b)) => {
            for (i, (old, new)) in a.iter().zip(b).enumerate() {
                if let Some(found) = first_difference(&format!("{path}[{i}]"), old, new) {
                    return Some(found);
                }
            }
            (a.len() != b.len()).then(|| format!("{path}: {} → {} items", a.len(), b.len()))
        }
        _ if old == new => None,
        _ => Some(format!("{path}: {} → {}", short(old), short(new))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_has_a_path() {
        let old = json!({"messages": [{"content": "a"}, {"content": "b"}]});
        let new = json!({"messages": [{"content": "a"}, {"content": "c"}]});
        assert_eq!(first_difference("", &old, &new).unwrap(), "messages[1].content: \"b\" → \"c\"");
        assert_eq!(first_difference("", &old, &old), None);
        assert_eq!(first_difference("", &json!([1]), &json!([1, 2])).unwrap(), ": 1 → 2 items");
    }
}
