//! `tl-bench show --lens`: calls of models as questions and answers. The twin of the inspector's conversations.

use serde_json::{Value, json};

use super::args::ShowArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use super::peek::peek;
use crate::app::msg::Tokens;
use crate::app::msg::{Ask, ValueRow};
use crate::base::ids::{CallNo, call_id};
use crate::base::text;
use crate::engine::values::used;
use crate::find::StoreNodes;
use crate::model::ledger::{self, Amount};
use crate::model::{Call, RunHistory, ValueRef, path};
use crate::store::Store;
use crate::value::lazy::{Kind, Place, Reader};
use crate::value::lens::{Answer, Exchange, Prompt, Request, Response, exchange};
use crate::value::look::{self, Part, Turn};
use crate::value::view::{ViewLimits, to_json};
use crate::value::{UnpackError, read_plain_json, to_plain_json};

/// A call of a model.
struct Asked<'a> {
    call: &'a Call,
    path: String,
    /// What its values say; nothing of a call that only reported what it used.
    found: Option<Exchange>,
}

impl Asked<'_> {
    /// Tokens as the run counts them; those of a response that was counted elsewhere are told apart.
    fn tokens(&self) -> Option<Tokens> {
        let usage = self.call.usage.as_ref().map(Tokens::of);
        usage.or_else(|| self.response()?.tokens.clone().map(|tokens| Tokens::of(&used(tokens))))
    }

    fn request(&self) -> Option<&Request> {
        self.found.as_ref().and_then(|found| found.request.as_ref())
    }

    fn response(&self) -> Option<&Response> {
        self.found.as_ref().map(|found| &found.response)
    }

    fn answers(&self) -> &[Answer] {
        self.response().map_or(&[], |response| &response.answers)
    }

    fn model(&self) -> Option<&str> {
        let own = self.response().and_then(|response| response.model.as_deref());
        let counted = self.call.usage.as_ref().and_then(|usage| usage.model.as_deref());
        let asked = self.request().and_then(|request| request.model.as_deref());
        own.or(counted).or(asked)
    }

    fn finish(&self) -> Option<&str> {
        self.answers().first().and_then(|answer| answer.finish.as_deref())
    }
}

/// One call, or all of the run.
pub(super) fn show(
    context: &Context,
    store: &Store,
    run: &RunHistory,
    args: &ShowArgs,
) -> Result<Exit, CliError> {
    let source = StoreNodes(store);
    let reader = Reader::new(&source);
    let Some(wanted) = &args.call else { return all(context, &reader, run, None, args.json.json) };
    let no = context.call(run, wanted)?;
    let asked = match run.call(no) {
        Some(call) => look_at(&reader, run, call).map_err(|error| unreadable(run, no, &error))?,
        None => None,
    };
    let Some(asked) = asked.filter(|asked| asked.found.is_some()) else {
        return all(context, &reader, run, Some(no), args.json.json);
    };
    if args.json.json {
        context.out.json(&document(&reader, run, &asked).map_err(|error| unreadable(run, no, &error))?);
    } else {
        one(context, &reader, &asked).map_err(|error| unreadable(run, no, &error))?;
    }
    Ok(Exit::Success)
}

fn unreadable(run: &RunHistory, no: CallNo, error: &UnpackError) -> CliError {
    let path = text::line(&path::path(run, no));
    CliError::new(Exit::Store, format!("the values of {path} cannot be read: {error}"))
}

fn place(reader: &Reader<'_>, value: Option<&ValueRef>) -> Result<Option<Place>, UnpackError> {
    value.map(|value| reader.open(&value.digest, value.inline.as_deref())).transpose()
}

fn look_at<'a>(
    reader: &Reader<'_>,
    run: &RunHistory,
    call: &'a Call,
) -> Result<Option<Asked<'a>>, UnpackError> {
    let input = place(reader, call.input.as_ref())?;
    let output = place(reader, call.output.as_ref())?;
    let found = exchange(reader, input.as_ref(), output.as_ref())?;
    let is_asked = found.is_some() || call.usage.is_some();
    Ok(is_asked.then(|| Asked { call, path: path::path(run, call.no), found }))
}

/// The calls that answered, or reported what they used, of the run or of `from` and all below it: who only hands an answer
/// on is left out.
fn all(
    context: &Context,
    reader: &Reader<'_>,
    run: &RunHistory,
    from: Option<CallNo>,
    as_json: bool,
) -> Result<Exit, CliError> {
    let mut found = Vec::new();
    for call in ledger::whole(run, from.unwrap_or(1)).into_iter().filter_map(|no| run.call(no)) {
        let asked = look_at(reader, run, call).map_err(|error| unreadable(run, call.no, &error))?;
        found.extend(asked.filter(|asked| call.usage.is_some() || asked.request().is_some()));
    }
    let amount = ledger::subtree(run, from.unwrap_or(1));
    if let Some(no) = from.filter(|_| found.is_empty()) {
        let path = text::line(&path::path(run, no));
        let none = "returned nothing that is known as a model's answer, and reported no tokens";
        let error = CliError::usage(format!("{path} and what it called {none}"));
        return Err(error.hint("without --lens its values are shown as they are"));
    }
    if as_json {
        let calls: Result<Vec<Value>, UnpackError> =
            found.iter().map(|asked| document(reader, run, asked)).collect();
        let calls = calls.map_err(|error| unreadable(run, from.unwrap_or(1), &error))?;
        context.out.json(&json!({
            "run": run.id,
            "app": run.app,
            "call": from.map(|no| path::path(run, no)),
            "tokens": amount.spent.tokens,
            "cost_usd": amount.spent.known_cost(),
            "saved": amount.saved,
            "calls": calls,
        }));
        return Ok(Exit::Success);
    }
    if found.is_empty() {
        context
            .out
            .note("no call of this run returned what is known as a model's answer, or reported tokens");
        return Ok(Exit::Success);
    }
    let widest = found.iter().map(|asked| text::width(&text::line(&asked.path))).max().unwrap_or(0);
    let width = widest.clamp(ALL.len(), 48);
    let row = |name: &str, words: &str| {
        let name = text::fit(&text::line(name), width);
        format!("{name}{}  {words}", " ".repeat(width - text::width(&name)))
    };
    for asked in &found {
        context.out.line(&row(&asked.path, &head(asked)));
    }
    context.out.line(&context.out.paint(Tone::Strong, &row(ALL, &sums(&amount))));
    Ok(Exit::Success)
}

/// The name of the line of sums.
const ALL: &str = "all";

/// `1200 tokens  $0.004   spared by reuse: 600 tokens  $0.002`.
fn sums(amount: &Amount) -> String {
    let side = |tokens: u64, cost: Option<f64>| match tokens {
        0 if cost == Some(0.0) => "0 tokens".to_owned(),
        _ => format!("{tokens} tokens  {}", text::price(cost)),
    };
    let mut words = side(amount.spent.tokens, amount.spent.known_cost());
    if amount.saved.tokens > 0 || amount.saved.cost_usd > 0.0 {
        words += &format!("   spared by reuse: {}", side(amount.saved.tokens, Some(amount.saved.cost_usd)));
    }
    words
}

/// `gpt-4o  stop  in 1102   out 98  $0.004`.
fn head(asked: &Asked<'_>) -> String {
    let mut parts: Vec<String> = asked.model().into_iter().chain(asked.finish()).map(text::line).collect();
    parts.extend(asked.tokens().map(|tokens| tokens.words()));
    match &asked.call.usage {
        Some(usage) => parts.push(text::price(usage.cost_usd)),
        None if asked.tokens().is_some() => parts.push("counted elsewhere".to_owned()),
        None => {}
    }
    let tools: Vec<&str> = asked.answers().iter().flat_map(|answer| answer.tools()).collect();
    if !tools.is_empty() {
        parts.push(format!("→ {}", text::line(&tools.join(", "))));
    }
    parts.join("   ")
}

fn one(context: &Context, reader: &Reader<'_>, asked: &Asked<'_>) -> Result<(), UnpackError> {
    let out = context.out;
    out.line(&format!("{}  {}", out.paint(Tone::Strong, &text::line(&asked.path)), head(asked)));
    let sides = [(&asked.call.input, asked.request().is_some()), (&asked.call.output, true)];
    for (i, (value, shown)) in sides.into_iter().enumerate() {
        let Some(place) = place(reader, value.as_ref())?.filter(|_| shown) else { continue };
        out.line("");
        out.line(&out.paint(Tone::Quiet, if i == 0 { "── asked" } else { "── answered" }));
        let view = peek(reader, &place, &Ask::default())?;
        for row in &view.rows {
            line(context, row);
        }
        if let Some(cut) = view.cut {
            out.line(&out.paint(Tone::Quiet, &format!("… {}", text::line(&cut))));
        }
    }
    Ok(())
}

fn line(context: &Context, row: &ValueRow) {
    let out = context.out;
    match row {
        ValueRow::Turn { role, name, note } => {
            let extra: String =
                name.iter().chain(note).map(|word| format!("  {}", text::line(word))).collect();
            out.line(&format!(
                "{}{}",
                out.paint(Tone::Strong, &text::line(role)),
                out.paint(Tone::Quiet, &extra)
            ));
        }
        ValueRow::Tool { name, text: arguments, note } => {
            let note = note.as_ref().map(|note| format!("  {}", text::line(note))).unwrap_or_default();
            out.line(&format!("→ {}{}", text::line(name), out.paint(Tone::Quiet, &note)));
            arguments.lines().for_each(|argument| out.line(&format!("    {}", text::line(argument))));
        }
        ValueRow::Text { text: said, .. } => out.line(&text::line(said)),
        ValueRow::Fact(fact) | ValueRow::File { words: fact, .. } => {
            out.line(&out.paint(Tone::Quiet, &text::line(fact)));
        }
        ValueRow::Styled(pieces) => {
            out.line(&pieces.iter().map(|(_, piece)| text::line(piece)).collect::<String>());
        }
        ValueRow::Node { text: said, .. } => out.line(&text::line(said)),
        ValueRow::Cells { cells, .. } => out.line(&text::line(&cells.join("  "))),
        ValueRow::Dump { .. } => {}
    }
}

fn document(reader: &Reader<'_>, run: &RunHistory, asked: &Asked<'_>) -> Result<Value, UnpackError> {
    let (call, response) = (asked.call, asked.response());
    let request = match asked.request() {
        None => Value::Null,
        Some(request) => {
            let mut parameters = serde_json::Map::new();
            for (name, place) in &request.parameters {
                parameters.insert(name.clone(), any(reader, place)?);
            }
            let mut turns = Vec::new();
            match &request.prompt {
                Prompt::Text(place) => turns.push(json!({"role": "user", "text": string(reader, place)?})),
                Prompt::Turns(list, count) => {
                    for child in reader.children(list, 0, *count as usize)? {
                        turns.push(match look::turn(reader, &child.place)? {
                            Some(turn) => spoken(reader, &turn)?,
                            None => any(reader, &child.place)?,
                        });
                    }
                }
            }
            let system = request.system.as_ref().map(|place| any(reader, place)).transpose()?;
            json!({
                "model": request.model,
                "parameters": parameters,
                "system": system,
                "messages": turns,
                "tools": request.tools,
            })
        }
    };
    let mut answers = Vec::new();
    for answer in asked.answers() {
        let mut spoken = spoken(reader, &answer.turn)?;
        spoken["finish_reason"] = json!(answer.finish);
        answers.push(spoken);
    }
    let tokens = asked.tokens().map(|tokens| {
        json!({
            "input": tokens.input,
            "cached_input": tokens.cached,
            "cache_written": tokens.written,
            "output": tokens.output,
            "reasoning": tokens.reasoning,
        })
    });
    Ok(json!({
        "id": call_id(&run.id, call.no),
        "path": asked.path,
        "function": call.function,
        "status": call.status,
        "api": response.map(|response| response.api),
        "model": asked.model(),
        "request": request,
        "answers": answers,
        "tokens": tokens,
        "counted": call.usage.is_some(),
        "cost_usd": call.usage.as_ref().and_then(|usage| usage.cost_usd),
        "streamed_pieces": response.and_then(|response| response.pieces),
    }))
}

/// A turn as one object: what is said as text, the rest apart.
fn spoken(reader: &Reader<'_>, turn: &Turn) -> Result<Value, UnpackError> {
    let (mut said, mut thought) = (Vec::new(), Vec::new());
    let (mut calls, mut results, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for part in &turn.parts {
        match part {
            Part::Text(place) => said.push(string(reader, place)?),
            Part::Thinking(place) => thought.push(string(reader, place)?),
            Part::ToolCall { id, name, arguments } => {
                let arguments = match arguments {
                    Some(place) => arguments_of(reader, place)?,
                    None => Value::Null,
                };
                calls.push(json!({"id": id, "name": name, "arguments": arguments}));
            }
            Part::ToolResult { id, content, failed } => {
                let content = content.as_ref().map(|place| any(reader, place)).transpose()?;
                results.push(json!({"id": id, "content": content, "failed": failed}));
            }
            Part::Attachment(place) | Part::Other(place) => others.push(any(reader, place)?),
        }
    }
    let mut out = json!({"role": turn.role, "text": said.join("\n")});
    let parts = [("tool_calls", calls), ("tool_results", results), ("other", others)];
    if let Some(out) = out.as_object_mut() {
        for (key, word) in [("name", &turn.name), ("answers", &turn.answers)] {
            out.extend(word.as_ref().map(|word| (key.to_owned(), json!(word))));
        }
        if !thought.is_empty() {
            out.insert("thinking".to_owned(), json!(thought.join("\n")));
        }
        for (key, list) in parts.into_iter().filter(|(_, list)| !list.is_empty()) {
            out.insert(key.to_owned(), Value::Array(list));
        }
    }
    Ok(out)
}

fn string(reader: &Reader<'_>, place: &Place) -> Result<String, UnpackError> {
    Ok(reader.text(place, 0, usize::MAX / 2)?.text)
}

fn any(reader: &Reader<'_>, place: &Place) -> Result<Value, UnpackError> {
    if reader.shape(place)?.kind == Kind::Str {
        return string(reader, place).map(Value::String);
    }
    Ok(to_json(&reader.load(place)?, &ViewLimits::default()).json)
}

/// Arguments of a tool: the JSON that a string of them holds, when it is JSON.
fn arguments_of(reader: &Reader<'_>, place: &Place) -> Result<Value, UnpackError> {
    let found = any(reader, place)?;
    let read = found.as_str().and_then(|text| read_plain_json(text).ok());
    Ok(read.and_then(|value| to_plain_json(&value)).unwrap_or(found))
}
