//! `tl-bench show` and `tl-bench logs`.

use std::collections::HashSet;
use std::io::{BufWriter, Seek, Write};

use serde_json::{Value, json};
use tempfile::SpooledTempFile;

use super::args::{LogsArgs, ShowArgs};
use super::context::{Context, WriteError, plain_value, value_json, whole_value, write_value};
use super::error::{CliError, Exit};
use super::output::Tone;
use super::{filtered, launch, lens, payload, view};
use crate::base::ids::{CallNo, call_id};
use crate::base::text;
use crate::model::filter::Filter;
use crate::model::{Call, CallKind, CallStatus, FileRead, ReadKind, RunHistory, Stream, ValueRef};
use crate::store::Store;
use crate::value::view::ViewLimits;

/// `tl-bench show RUN [CALL]`.
pub fn run(context: &Context, args: &ShowArgs) -> Result<Exit, CliError> {
    let filter = args.filter.as_deref().map(filtered::parse).transpose()?;
    let store = context.existing_store()?;
    let mut history = context.history(&store, &store.find_run(&args.run)?)?;
    if let Some(as_of) = &args.as_of {
        history = at(&store, &history, as_of)?;
    }
    if let Some(file) = &args.save {
        return payload::save(context, &store, &history, args, file);
    }
    if args.lens {
        return lens::show(context, &store, &history, args);
    }
    if let Some(filter) = filter {
        return matching(context, &store, &history, &filter, args);
    }
    match &args.call {
        Some(text) => {
            let no = context.call(&history, text)?;
            let Some(call) = history.call(no) else { return Ok(Exit::Usage) };
            if args.json.json {
                print_call(context, &store, &history, call)?;
            } else {
                one_call(context, &store, &history, call)?;
            }
        }
        None if args.json.json => print_run(context, &store, &history, &history.calls, None)?,
        None => tree(context, &history),
    }
    Ok(Exit::Success)
}

/// Events that are read at once.
const WINDOW: usize = 8_192;

/// A run as it was after one of its events. Nothing is executed.
fn at(store: &Store, whole: &RunHistory, text: &str) -> Result<RunHistory, CliError> {
    let seconds = text.strip_suffix('s').map(str::parse::<f64>);
    let (seq, time) = match (seconds, text.parse::<u64>()) {
        (Some(Ok(seconds)), _) if seconds.is_finite() && seconds >= 0.0 => {
            (u64::MAX, whole.started_at.saturating_add((seconds * 1e6) as i64))
        }
        (None, Ok(seq)) if seq > 0 => (seq, i64::MAX),
        _ => {
            let why = format!(
                "--as-of {text}: give the number of an event (120) or seconds since the start (2.5s)"
            );
            return Err(CliError::usage(why));
        }
    };
    let mut history = RunHistory::new(whole.id.clone());
    let mut after = 0;
    loop {
        let events = store.events(&whole.id, after, WINDOW)?;
        for event in &events {
            // The first event says what the run is.
            if event.seq > 1 && (event.seq > seq || event.at > time) {
                return Ok(history);
            }
            history.apply(event);
        }
        match events.last() {
            Some(last) => after = last.seq,
            None => return Ok(history),
        }
    }
}

/// A call with its values, as `show RUN CALL --json` prints it.
pub(super) fn call_document(store: &Store, run: &RunHistory, no: CallNo) -> Result<Value, CliError> {
    match run.call(no) {
        Some(call) => full_call(store, run, call),
        None => Ok(json!({})),
    }
}

fn full_call(store: &Store, run: &RunHistory, call: &Call) -> Result<Value, CliError> {
    let mut object = call_frame(run, call);
    object.insert("input".to_owned(), whole_value(store, call.input.as_ref())?);
    object.insert("output".to_owned(), whole_value(store, call.output.as_ref())?);
    Ok(Value::Object(object))
}

/// The same as [`full_call`] makes, written while the values are read.
fn write_call(out: &mut impl Write, store: &Store, run: &RunHistory, call: &Call) -> Result<(), CliError> {
    for (index, (name, told)) in call_frame(run, call).iter().enumerate() {
        let open = if index > 0 { ',' } else { '{' };
        write!(out, "{open}{}:", json!(name)).map_err(no_room)?;
        let value = match name.as_str() {
            "input" => call.input.as_ref(),
            "output" => call.output.as_ref(),
            _ => {
                write!(out, "{told}").map_err(no_room)?;
                continue;
            }
        };
        write_value(store, value, out).map_err(|error| match error {
            WriteError::Value(error) => error,
            WriteError::Io(error) => no_room(error),
        })?;
    }
    out.write_all(b"}").map_err(no_room)
}

/// A call without its values, in the order in which it is printed.
fn call_frame(run: &RunHistory, call: &Call) -> serde_json::Map<String, Value> {
    let mut object = view::call_json(run, call);
    object.insert("input".to_owned(), Value::Null);
    object.insert("output".to_owned(), Value::Null);
    let withheld = |value: &Option<crate::model::ValueRef>| value.as_ref()?.withheld.clone();
    let (input, output) = (withheld(&call.input), withheld(&call.output));
    if input.is_some() || output.is_some() {
        let names = |withheld: &Option<Box<crate::model::Withheld>>| {
            withheld.as_ref().map(|withheld| withheld.names.clone()).unwrap_or_default()
        };
        let reusable = output.as_ref().is_none_or(|withheld| withheld.kept.is_some());
        object.insert(
            "withheld".to_owned(),
            json!({"input": names(&input), "output": names(&output), "reusable": reusable}),
        );
    }
    object
}

/// Bytes of a document that are held in memory before a file takes them.
const HELD: usize = 8 << 20;

/// Prints the run and these calls of it as one JSON document, or nothing when something of it cannot be read.
///
/// Values are written as they are read: those of a reduce over a thousand items are more than a machine may have memory
/// for.
fn print_run<'a>(
    context: &Context,
    store: &Store,
    run: &RunHistory,
    calls: impl IntoIterator<Item = &'a Call>,
    filter: Option<&Filter>,
) -> Result<(), CliError> {
    let mut head = run_document(store, run)?;
    let filter = filter.map(|filter| json!(filter.to_string()));
    if context.out.terminal {
        let calls = calls.into_iter().map(|call| full_call(store, run, call));
        head.insert("calls".to_owned(), Value::Array(calls.collect::<Result<_, _>>()?));
        head.extend(filter.map(|filter| ("filter".to_owned(), filter)));
        context.out.json(&Value::Object(head));
        return Ok(());
    }
    print_whole(context, |document| {
        let head = Value::Object(head).to_string();
        write!(document, "{},\"calls\":[", head.strip_suffix('}').unwrap_or(&head)).map_err(no_room)?;
        for (index, call) in calls.into_iter().enumerate() {
            document.write_all(if index > 0 { b"," } else { b"" }).map_err(no_room)?;
            write_call(document, store, run, call)?;
        }
        let end = filter.map(|filter| format!(",\"filter\":{filter}")).unwrap_or_default();
        write!(document, "]{end}}}").map_err(no_room)
    })
}

/// Prints one call with its values, as [`print_run`] does.
fn print_call(context: &Context, store: &Store, run: &RunHistory, call: &Call) -> Result<(), CliError> {
    if context.out.terminal {
        context.out.json(&full_call(store, run, call)?);
        return Ok(());
    }
    print_whole(context, |document| write_call(document, store, run, call))
}

/// Prints a line when all of it could be written.
fn print_whole(
    context: &Context,
    write: impl FnOnce(&mut BufWriter<SpooledTempFile>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut document = BufWriter::new(SpooledTempFile::new(HELD));
    write(&mut document)?;
    document.write_all(b"\n").map_err(no_room)?;
    let mut document = document.into_inner().map_err(|error| no_room(error.into_error()))?;
    document.rewind().and_then(|()| context.out.copy(&mut document)).map_err(no_room)
}

fn no_room(error: std::io::Error) -> CliError {
    let folder = std::env::temp_dir();
    let text =
        format!("a large document cannot be kept in {} until it is complete: {error}", folder.display());
    CliError::new(Exit::Environment, text).hint("set TMPDIR to a folder with room")
}

/// What is told of a run beside its calls.
fn run_document(store: &Store, run: &RunHistory) -> Result<serde_json::Map<String, Value>, CliError> {
    let Value::Object(mut object) = launch::run_json(store, run)? else { return Ok(serde_json::Map::new()) };
    let mut state = serde_json::Map::new();
    for change in &run.state {
        state.insert(change.key.clone(), whole_value(store, Some(&change.value))?);
    }
    object.insert("input".to_owned(), plain_value(store, run.input.as_ref())?);
    object.insert("state".to_owned(), Value::Object(state));
    object.insert("started_at".to_owned(), json!(run.started_at));
    object.insert("python".to_owned(), json!(run.python));
    object.insert("functions".to_owned(), json!(run.codes));
    Ok(object)
}

/// The calls that a filter means, each with its path.
fn matching(
    context: &Context,
    store: &Store,
    run: &RunHistory,
    filter: &Filter,
    args: &ShowArgs,
) -> Result<Exit, CliError> {
    let below = args.call.as_deref().map(|text| context.call(run, text)).transpose()?;
    let found = filtered::matching(store, run, filter, below)?;
    let calls = found.iter().filter_map(|no| run.call(*no));
    if args.json.json {
        print_run(context, store, run, calls, Some(filter))?;
    } else {
        for call in calls {
            line(context, call, &crate::model::path::path(run, call.no), 0);
        }
        filtered::tell(context, filter, found.len(), run.calls.len());
    }
    Ok(Exit::Success)
}

/// Runs of equal siblings longer than this are folded in the printed tree.
const FOLD: usize = 12;

fn tree(context: &Context, run: &RunHistory) {
    let out = context.out;
    out.line(&view::run_sentence(run, &|tone, text| out.paint(tone, text)));
    let mut stack: Vec<(CallNo, usize)> = run.children(0).iter().rev().map(|no| (*no, 0)).collect();
    while let Some((no, depth)) = stack.pop() {
        let Some(call) = run.call(no) else { continue };
        line(context, call, &crate::model::path::label(run, call), depth);
        let children = run.children(no);
        let fold = !call.is_call() && children.len() > FOLD;
        for child in children.iter().rev() {
            let quiet =
                run.call(*child).is_some_and(|c| matches!(c.status, CallStatus::Cached | CallStatus::Fresh));
            if !(fold && quiet) {
                stack.push((*child, depth + 1));
            }
        }
        if fold {
            out.line(
                &out.paint(Tone::Quiet, &format!("{}  {}", "  ".repeat(depth + 1), folded(run, children))),
            );
        }
    }
}

fn folded(run: &RunHistory, children: &[CallNo]) -> String {
    let mut counts = crate::model::Counts::default();
    for call in children.iter().filter_map(|no| run.call(*no)) {
        counts.shift(call, None, call.status);
    }
    counts.words()
}

fn line(context: &Context, call: &Call, name: &str, depth: usize) {
    let out = context.out;
    let glyph = out.paint(view::tone(call.status), view::glyph(call.status));
    let name = text::line(name);
    let input = call.input.as_ref().map(|v| text::line(&v.preview)).unwrap_or_default();
    let result = match (&call.output, &call.error) {
        // The preview of a model's message that calls a tool brings its own arrow.
        (Some(value), _) => {
            let preview = text::line(&value.preview);
            format!(" → {}", preview.strip_prefix("→ ").unwrap_or(&preview))
        }
        (None, Some(error)) => format!(" → {}", text::line(&error.headline())),
        (None, None) => String::new(),
    };
    let body = text::fit(&format!("{name}  {input}{result}"), 96usize.saturating_sub(depth * 2));
    let reason = call.reason.as_ref().map(|r| format!("  [{}]", text::line(r))).unwrap_or_default();
    let time = if call.is_call() && call.wall_us > 0 { text::duration(call.wall_us) } else { String::new() };
    out.line(&format!(
        "{}{glyph} {body}  {}",
        "  ".repeat(depth),
        out.paint(Tone::Quiet, &format!("{time}{reason}"))
    ));
}

/// Bytes of an error's text that people get to see.
const ERROR: usize = 64 << 10;

/// The text, or its beginning and how much follows: nobody reads ten megabytes of a message on a terminal.
fn shortened(whole: &str) -> String {
    if whole.len() <= ERROR {
        return whole.to_owned();
    }
    let end = (0..=ERROR).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
    let left = text::bytes((whole.len() - end) as u64);
    format!("{}\n… {left} more; `--json` has all of it", &whole[..end])
}

fn one_call(context: &Context, store: &Store, run: &RunHistory, call: &Call) -> Result<(), CliError> {
    let out = context.out;
    let status = out.paint(view::tone(call.status), call.status.word());
    let title = out.paint(Tone::Strong, &text::line(&crate::model::path::path(run, call.no)));
    out.line(&format!("{title}  {}  {status}  {}", call_id(&run.id, call.no), text::duration(call.wall_us)));
    if let Some(reason) = &call.reason {
        out.line(&format!("why      {}", text::line(reason)));
    }
    if let Some(origin) = &call.origin {
        out.line(&format!("from     run {}, call {}", origin.run, call_id(&origin.run, origin.call)));
    }
    if let Some(site) = &call.site {
        let file = crate::base::paths::relative(std::path::Path::new(&site.file), &context.project.root);
        out.line(&format!("called   {}:{}", text::line(&file.display().to_string()), site.line));
    }
    if let Some(usage) = &call.usage {
        let model = usage.model.as_deref().map(text::line).unwrap_or_default();
        let kinds = [
            (usage.input, "in"),
            (usage.cached_input, "of it cached by the provider"),
            (usage.cache_written, "of it written to its cache"),
            (usage.output, "out"),
            (usage.reasoning, "of it reasoning"),
        ];
        let shown = kinds.iter().filter(|(count, name)| *count > 0 || matches!(*name, "in" | "out"));
        let counts: Vec<String> = shown.map(|(count, name)| format!("{count} {name}")).collect();
        let cost = text::price(usage.cost_usd);
        out.line(&format!("tokens   {}  {model}  {cost}", counts.join(", ")));
    }
    witness_lines(context, run, call);
    for (name, value) in [("input", &call.input), ("output", &call.output)] {
        if let Some(withheld) = value.as_ref().and_then(|value| value.withheld.as_ref()) {
            let what = match (name, withheld.kept) {
                ("output", None) => "; a replay executes the call again",
                ("output", Some(_)) => "; the value is kept for reuse",
                _ => "",
            };
            let names = text::line(&withheld.names.join(", "));
            out.line(&format!("secret   in its {name}, not recorded: {names}{what}"));
        }
        if let Some(value) = value {
            section(context, store, name, value)?;
        }
    }
    for (i, failed) in call.failed_attempts.iter().enumerate() {
        out.line(&out.paint(Tone::Strong, &format!("attempt {}", i + 1)));
        let took = text::duration(failed.ended_at - failed.started_at);
        let at = text::duration(failed.started_at - run.started_at);
        out.line(&format!("failed after {took}, started {at} into the run"));
        out.line(&text::line(&shortened(&failed.error.headline())));
        if !failed.error.traceback.is_empty() {
            out.line(&text::lines(&shortened(failed.error.traceback.trim_end())));
        }
    }
    if let Some(error) = &call.error {
        out.line(&out.paint(Tone::Strong, "error"));
        out.line(&text::line(&shortened(&error.headline())));
        if !error.traceback.is_empty() {
            out.line(&text::lines(&shortened(error.traceback.trim_end())));
        }
    }
    Ok(())
}

/// What a call depended on beside its arguments and its code.
fn witness_lines(context: &Context, run: &RunHistory, call: &Call) {
    let out = context.out;
    let say = |name: &str, what: String| out.line(&format!("{name:<8} {}", text::line(&what)));
    let words = |read: &FileRead| match read.kind {
        ReadKind::Content => read.path.clone(),
        ReadKind::Listing => format!("the names in {}", read.path),
        ReadKind::Absent => format!("{}, which was not there", read.path),
        ReadKind::Present => format!("whether {} is there", read.path),
        ReadKind::Matching => format!("all files {}", read.path),
    };
    for read in &call.reads {
        say("read", words(read));
    }
    let Some(code) = run.code(&call.function, &call.code) else { return };
    for read in &code.files {
        say("imports", words(read));
    }
    for package in &code.packages {
        let untracked = package.record.is_none() && package.version.is_empty();
        let version = if untracked { "(ignored)" } else { &package.version };
        say("package", format!("{} {version}", package.name));
    }
    for (name, value) in &code.env {
        say("variable", format!("{name}{}", if value.is_some() { "" } else { ", which was not set" }));
    }
    for opaque in &code.opaque {
        say("opaque", format!("{}:{} {}", opaque.file, opaque.line, opaque.reason));
    }
}

fn section(context: &Context, store: &Store, name: &str, value: &ValueRef) -> Result<(), CliError> {
    let shown = value_json(store, value, &ViewLimits::default())?;
    let out = context.out;
    out.line(&out.paint(Tone::Strong, name));
    let text = serde_json::to_string_pretty(&shown.json).unwrap_or_default();
    out.line(&text::lines(&text));
    if let Some(cut) = shown.cut {
        out.line(&out.paint(Tone::Quiet, &text::line(&cut)));
    }
    Ok(())
}

/// `tl-bench logs RUN [CALL]`.
pub fn logs(context: &Context, args: &LogsArgs) -> Result<Exit, CliError> {
    let filter = args.filter.as_deref().map(filtered::parse).transpose()?;
    let store = context.existing_store()?;
    let history = context.history(&store, &store.find_run(&args.run)?)?;
    let only = args.call.as_deref().map(|text| context.call(&history, text)).transpose()?;
    let meant: Option<HashSet<CallNo>> = match &filter {
        Some(filter) => {
            let found = filtered::matching(&store, &history, filter, only)?;
            filtered::tell(context, filter, found.len(), history.calls.len());
            Some(found.into_iter().collect())
        }
        None => None,
    };
    let wanted = history.logs.iter().filter(|log| match &meant {
        Some(meant) => meant.contains(&log.call),
        None => only.is_none_or(|no| history.is_within(log.call, no)),
    });
    if args.json.json {
        let lines: Vec<Value> = wanted
            .map(|log| {
                let path = match log.call {
                    0 => Value::Null,
                    no => json!(crate::model::path::path(&history, no)),
                };
                json!({"at": log.at, "call": path, "stream": log.stream, "text": log.text})
            })
            .collect();
        context.out.json(&Value::Array(lines));
        return Ok(Exit::Success);
    }
    for log in wanted {
        let who = match history.call(log.call) {
            Some(call) if call.kind == CallKind::Root => text::line(&call.function),
            Some(call) => text::line(&crate::model::path::label(&history, call)),
            None => "-".to_owned(),
        };
        let tone = if log.stream == Stream::Stderr { Tone::Warn } else { Tone::Plain };
        for line in text::lines(log.text.trim_end_matches('\n')).lines() {
            let who = context.out.paint(Tone::Quiet, &format!("{who} │"));
            context.out.line(&format!("{who} {}", context.out.paint(tone, line)));
        }
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_error_is_shortened_between_characters() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"ü".repeat(ERROR));
        assert!(cut.len() < ERROR + 80 && cut.ends_with("`--json` has all of it"), "{}", cut.len());
    }
}
