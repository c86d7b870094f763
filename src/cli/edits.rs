//! Edits of recorded calls: values as texts that are edited, and what `--set`, `--set-input` and `--take` mean.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::args::ReplayArgs;
use super::context::Context;
use super::error::CliError;
use crate::base::ids::CallNo;
use crate::base::json as typed;
use crate::engine::explain::values;
use crate::find::StoreNodes;
use crate::model::fork::{Changed, Edit, Taken};
use crate::model::{Origin, RunHistory, ValueRef, path};
use crate::store::Store;
use crate::value::view::ViewLimits;
use crate::value::{self, from_json, view};

/// A recorded value as JSON that means it; else why there is none.
pub fn editable(store: &Store, value: &ValueRef) -> Result<Json, String> {
    let tree = value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(store))
        .map_err(|error| format!("The value cannot be read: {error}"))?;
    let json = view::to_json(&tree, &ViewLimits::full()).json;
    if from_json(&json) == tree {
        Ok(json)
    } else {
        Err("The value holds instances of classes, which JSON cannot say.".to_owned())
    }
}

/// Says why an edit cannot be taken whatever the types are: it holds markers of secrets, not the secrets.
pub fn unmarked(edit: &Edit) -> Result<(), String> {
    match edit {
        Edit::Output(json) | Edit::Arguments(json) => value::secrets::unmarked(json),
        // What stands for it as a whole was checked when it was taken.
        Edit::Taken(_) => Ok(()),
    }
}

/// What each edit changes in what was recorded of its call, place by place.
pub fn changes(store: &Store, run: &RunHistory, edits: &[(CallNo, Edit)]) -> Vec<Changed> {
    let read =
        |value: &ValueRef| value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(store)).ok();
    let one = |(no, edit): &(CallNo, Edit)| {
        let call = run.call(*no);
        let (old, new) = match edit {
            Edit::Output(json) => (call.and_then(|call| call.output.as_ref()), Some(from_json(json))),
            Edit::Taken(taken) => (call.and_then(|call| call.output.as_ref()), read(&taken.value)),
            Edit::Arguments(json) => (call.and_then(|call| call.input.as_ref()), Some(from_json(json))),
        };
        let found = old.and_then(read).zip(new).map(|(old, new)| values::differences(&old, &new));
        let places = found.unwrap_or_default().iter().map(ToString::to_string).collect();
        Changed { call: *no, path: path::path(run, *no), places }
    };
    edits.iter().map(one).collect()
}

/// Says why an edit cannot stand for what a call has. What is not recorded, or cannot be read, is compared with nothing.
pub fn fits(store: &Store, run: &RunHistory, no: CallNo, edit: &Edit) -> Result<(), String> {
    let Some(call) = run.call(no) else { return Ok(()) };
    let read =
        |value: &ValueRef| value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(store)).ok();
    let like = || run.calls.iter().find(|other| other.function == call.function && other.output.is_some());
    let output = || call.output.as_ref().or_else(|| like()?.output.as_ref());
    let (recorded, json) = match edit {
        Edit::Output(json) => (output(), json.clone()),
        Edit::Taken(taken) => match editable(store, &taken.value) {
            Ok(json) => (output(), json),
            Err(_) => return Ok(()),
        },
        Edit::Arguments(json) => (call.input.as_ref(), json.clone()),
    };
    match recorded.and_then(read) {
        Some(tree) => value::fits(&tree, &json),
        None => Ok(()),
    }
}

/// The edits that the options of a replay name.
pub fn named(
    context: &Context,
    store: &Store,
    run: &RunHistory,
    args: &ReplayArgs,
) -> Result<Vec<(CallNo, Edit)>, CliError> {
    let texts = [("--set", &args.set), ("--set-input", &args.set_input), ("--take", &args.take)];
    let mut edits: Vec<(CallNo, Edit)> = Vec::new();
    let mut seen = HashSet::new();
    for (option, text) in
        texts.into_iter().flat_map(|(option, all)| all.iter().map(move |text| (option, text)))
    {
        let wrong = |why: String| CliError::usage(format!("{option} {text}: {why}"));
        // The value may contain `=`, a call's path cannot.
        let (call, what) = text.split_once('=').ok_or_else(|| {
            wrong(match option {
                "--take" => "CALL=RUN:CALL or CALL=sample:N is expected".to_owned(),
                _ => "CALL=JSON is expected, for example app/call_llm#3='{\"answer\": 42}'".to_owned(),
            })
        })?;
        let no = context.call(run, call)?;
        if no == 1 {
            return Err(wrong("the application's own output cannot be set".to_owned())
                .hint("use --input for another input, or edit a call that it makes"));
        }
        if !seen.insert(no) {
            return Err(wrong("this call is edited twice".to_owned()));
        }
        let edit = match option {
            "--take" => taken(context, store, run, no, what).map_err(&wrong)?,
            _ => {
                let value = json(what).map_err(|error| match error {
                    Unread::File(why) => wrong(why),
                    Unread::Json(why) => wrong(why).hint("a string needs its quotes: '\"text\"'"),
                })?;
                match option {
                    "--set" => Edit::Output(value),
                    _ => Edit::Arguments(arguments(store, run, no, value).map_err(&wrong)?),
                }
            }
        };
        unmarked(&edit).map_err(&wrong)?;
        if !args.any_type {
            fits(store, run, no, &edit).map_err(|why| wrong(why).hint("--any-type takes it all the same"))?;
        }
        edits.push((no, edit));
    }
    if edits.is_empty() && (args.any_type || args.plan) {
        let option = if args.plan { "--plan" } else { "--any-type" };
        return Err(CliError::usage(format!("{option} needs an edit: --set, --set-input or --take")));
    }
    Ok(edits)
}

enum Unread {
    File(String),
    Json(String),
}

/// JSON, or `@FILE`.
fn json(text: &str) -> Result<Json, Unread> {
    let text = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| Unread::File(format!("{file}: {error}")))?
        }
        None => text.to_owned(),
    };
    typed::tagged(&text).map_err(|error| Unread::Json(format!("not JSON: {error}")))
}

/// All arguments: those that were given, and of the others the recorded ones.
fn arguments(store: &Store, run: &RunHistory, no: CallNo, given: Json) -> Result<Json, String> {
    let Json::Object(given) = given else {
        return Err("arguments are a JSON object by parameter name".to_owned());
    };
    let Some(input) = run.call(no).and_then(|call| call.input.as_ref()) else {
        return Ok(Json::Object(given));
    };
    if input.withheld.is_some() {
        // Markers stand in place of secrets: nobody is to be asked with them.
        return Ok(Json::Object(given));
    }
    let recorded = match editable(store, input) {
        Ok(Json::Object(recorded)) => recorded,
        Ok(_) => return Ok(Json::Object(given)),
        Err(why) => return Err(format!("the recorded arguments cannot be completed: {why}")),
    };
    if let Some(name) = given.keys().find(|name| !recorded.contains_key(*name)) {
        let names: Vec<&str> = recorded.keys().map(String::as_str).collect();
        return Err(format!("the recorded call has no argument '{name}'; it has {}", names.join(", ")));
    }
    let mut all = recorded;
    all.extend(given);
    Ok(Json::Object(all))
}

/// `RUN:CALL`, `RUN` (the same path there) or `sample:N`.
fn taken(context: &Context, store: &Store, run: &RunHistory, no: CallNo, text: &str) -> Result<Edit, String> {
    let at = match text.strip_prefix("sample:") {
        Some(number) => {
            let samples = store.samples(run, no).map_err(|error| error.to_string())?;
            let count = samples.all.len().saturating_sub(1);
            let at = number.parse::<usize>().ok().filter(|at| *at >= 1).and_then(|at| samples.all.get(at));
            at.map(|sample| sample.at.clone()).ok_or_else(|| {
                format!(
                    "there is no sample {number}: it has {}",
                    crate::base::text::count(count as u64, "sample")
                )
            })?
        }
        None => {
            let (other, call) = text.split_once(':').unwrap_or((text, ""));
            let other = store.find_run(other).map_err(|error| error.to_string())?;
            let history = context.history(store, &other).map_err(|error| error.message)?;
            let own = path::path(run, no);
            let call = if call.is_empty() { own.as_str() } else { call };
            let call = context.call(&history, call).map_err(|error| error.message)?;
            Origin { run: other, call }
        }
    };
    let history = context.history(store, &at.run).map_err(|error| error.message)?;
    let call = history.call(at.call);
    let Some(value) = call.and_then(|call| call.output.clone()) else {
        let status = call.map_or("unknown", |call| call.status.word());
        return Err(format!("that call gave no output ({status})"));
    };
    if let Some(why) = value.lost() {
        return Err(format!("that call's output held {why}"));
    }
    Ok(Edit::Taken(Box::new(Taken { from: at, value })))
}
