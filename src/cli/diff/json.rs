//! `tl-bench diff --json`: one document.

use serde_json::{Value, json};

use super::Comparison;
use crate::base::ids::call_id;
use crate::cli::error::CliError;
use crate::diff::tree::Role;
use crate::diff::value::{Differences, sentences};
use crate::model::{Call, RunHistory};

pub(super) fn document(comparison: &Comparison<'_>, rows: &[usize]) -> Result<Value, CliError> {
    let tally = comparison.tally();
    let rows: Result<Vec<Value>, CliError> = rows.iter().map(|row| one(comparison, *row)).collect();
    let causes: Vec<String> = comparison.merged.causes().map(|row| comparison.path(row)).collect();
    Ok(json!({
        "a": side(&comparison.a),
        "b": side(&comparison.b),
        "counts": {
            "same": tally.same,
            "changed": tally.changed,
            "added": tally.added,
            "removed": tally.removed,
            "moved": tally.moved,
            "within_noise": tally.noise,
        },
        "unmeasured": comparison.noise.unmeasured,
        "ignored": comparison.options.ignore.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "hidden": comparison.hidden,
        "first_divergence": comparison.merged.first_divergence().map(|row| comparison.path(row)),
        "causes": causes,
        "because": comparison.groups.iter().map(|group| json!({
            "cause": group.cause,
            "words": group.words,
            "definitions": group.definitions,
            "calls": group.rows.iter().map(|row| comparison.path(*row)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "sentences": comparison.sentences()?.map(|(old, new)| {
            let found = sentences(&old, &new).into_iter();
            found.map(|(fate, text)| json!({"fate": fate, "text": text})).collect::<Vec<_>>()
        }),
        "calls": rows?,
    }))
}

fn side(run: &RunHistory) -> Value {
    json!({
        "run": run.id.as_str(),
        "app": run.app,
        "status": run.status.word(),
        "started_at": run.started_at,
        "tokens": run.spent.tokens,
        "cost_usd": run.known_cost(),
    })
}

fn one(comparison: &Comparison<'_>, row: usize) -> Result<Value, CliError> {
    let (pair, old, new) = comparison.pair(row);
    let id = |run: &RunHistory, call: Option<&Call>| call.map(|call| call_id(&run.id, call.no));
    let (role, cause) = match pair.role {
        Role::None => ("none", None),
        Role::Cause(cause) => ("cause", Some(cause)),
        Role::Consequence => ("consequence", None),
    };
    let input = |call: Option<&Call>| call.and_then(|call| call.input.clone());
    let output = |call: Option<&Call>| call.and_then(|call| call.output.clone());
    let both = old.is_some() && new.is_some();
    let changes = |a: Option<crate::model::ValueRef>, b: Option<crate::model::ValueRef>| {
        if both { comparison.changes(a.as_ref(), b.as_ref()) } else { Ok(Differences::default()) }
    };
    let (input, output) = (changes(input(old), input(new))?, changes(output(old), output(new))?);
    Ok(json!({
        "path": comparison.path(row),
        "function": old.or(new).map(|call| &call.function),
        "a": id(&comparison.a, old),
        "b": id(&comparison.b, new),
        "kind": pair.kind,
        "differs": pair.differs,
        "role": role,
        "cause": cause,
        "because": comparison.group(row).map(|group| &group.words),
        "noise": comparison.noise.measured.get(&row),
        "within_noise": comparison.noise.is_quiet(row),
        "status": [old.map(|call| call.status.word()), new.map(|call| call.status.word())],
        "wall_ms": [old.map(|call| call.wall_us as f64 / 1e3), new.map(|call| call.wall_us as f64 / 1e3)],
        "input": input.changes,
        "output": output.changes,
        "left_out": [input.left_out, output.left_out],
        "error": [
            old.and_then(|call| call.error.as_ref()).map(|error| error.headline()),
            new.and_then(|call| call.error.as_ref()).map(|error| error.headline()),
        ],
    }))
}
