//! The pieces of a streamed response, put together to what the provider would have sent at once.
//!
//! Programs record what `list(stream)` gives: chunks of text, and counts of tokens in one or two of them. Whoever reads
//! tokens or words of such a list asks [`whole`] first; nothing else needs to know that there are streams. What is put
//! together is a plain dict in the provider's own shape. A list of whole responses is none of a stream.

use std::collections::BTreeMap;

use super::tree::{Text, Value};

/// The whole response of a list of its pieces; `None` for any other list. Looks at the first elements to tell.
pub fn whole(items: &[Value]) -> Option<Value> {
    let first = items.first()?;
    first.fields()?;
    if items.iter().take(3).any(|item| item.field("choices").is_some_and(has_delta)) {
        return Some(chat(items));
    }
    match text(first, "type") {
        "message_start" => anthropic(items),
        "AIMessageChunk" => Some(langchain(items)),
        kind if kind.starts_with("response.") => responses(items),
        _ => google(items),
    }
}

fn has_delta(choices: &Value) -> bool {
    choices.as_items().is_some_and(|choices| choices.iter().any(|choice| choice.field("delta").is_some()))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.field(name).and_then(Value::as_str).unwrap_or_default()
}

fn some<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.field(name).filter(|value| !matches!(value, Value::None))
}

/// Where a piece belongs.
fn index(value: &Value, name: &str) -> i64 {
    match value.field(name) {
        Some(Value::Int(index)) => *index,
        _ => 0,
    }
}

/// Adds a string to what was there; lone surrogates (half an emoji in each of two pieces) are replaced.
fn push(to: &mut String, value: Option<&Value>) {
    if let Some(Value::Str(piece)) = value {
        to.push_str(&piece.to_str());
    }
}

fn string(text: String) -> Value {
    Value::Str(Text::from(text))
}

fn dict<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    Value::dict(
        pairs.into_iter().filter_map(|(name, value)| value.map(|value| (Value::str(name), value))).collect(),
    )
}

/// The first value that any piece has under a name.
fn first_of(items: &[Value], name: &str) -> Option<Value> {
    items.iter().find_map(|item| some(item, name).cloned())
}

fn last_of(items: &[Value], name: &str) -> Option<Value> {
    items.iter().rev().find_map(|item| some(item, name).cloned())
}

/// A call of a tool whose arguments come in pieces.
#[derive(Default)]
struct Tool {
    id: Option<Value>,
    name: String,
    arguments: String,
}

impl Tool {
    fn add(&mut self, id: Option<&Value>, name: Option<&Value>, arguments: Option<&Value>) {
        if self.id.is_none() {
            self.id = id.cloned();
        }
        push(&mut self.name, name);
        push(&mut self.arguments, arguments);
    }

    /// As OpenAI's chat completions have it.
    fn function(self) -> Value {
        let function = dict([("name", Some(string(self.name))), ("arguments", Some(string(self.arguments)))]);
        dict([("id", self.id), ("type", Some(Value::str("function"))), ("function", Some(function))])
    }
}

#[derive(Default)]
struct Choice {
    role: Option<Value>,
    content: Option<String>,
    refusal: Option<String>,
    reasoning: Option<String>,
    tools: BTreeMap<i64, Tool>,
    finish: Option<Value>,
}

/// OpenAI's chat completions, and everything compatible with them.
fn chat(items: &[Value]) -> Value {
    let mut choices: BTreeMap<i64, Choice> = BTreeMap::new();
    for choice in items.iter().filter_map(|item| item.field("choices")?.as_items()).flatten() {
        let held = choices.entry(index(choice, "index")).or_default();
        if let Some(finish) = some(choice, "finish_reason") {
            held.finish = Some(finish.clone());
        }
        let Some(delta) = choice.field("delta") else { continue };
        held.role = held.role.take().or_else(|| some(delta, "role").cloned());
        let texts = [
            ("content", &mut held.content),
            ("refusal", &mut held.refusal),
            ("reasoning_content", &mut held.reasoning),
        ];
        for (name, to) in texts {
            if let Some(piece) = some(delta, name) {
                push(to.get_or_insert_default(), Some(piece));
            }
        }
        for call in delta.field("tool_calls").and_then(Value::as_items).unwrap_or_default() {
            let function = call.field("function");
            let part = |name: &str| function.and_then(|function| some(function, name));
            let tool = held.tools.entry(index(call, "index")).or_default();
            tool.add(some(call, "id"), part("name"), part("arguments"));
        }
    }
    let choices = choices.into_iter().map(|(index, choice)| {
        let tools: Vec<Value> = choice.tools.into_values().map(Tool::function).collect();
        let message = dict([
            ("role", Some(choice.role.unwrap_or_else(|| Value::str("assistant")))),
            ("reasoning_content", choice.reasoning.map(string)),
            ("content", Some(choice.content.map_or(Value::None, string))),
            ("refusal", choice.refusal.map(string)),
            ("tool_calls", (!tools.is_empty()).then(|| Value::list(tools))),
        ]);
        dict([
            ("index", Some(Value::Int(index))),
            ("message", Some(message)),
            ("finish_reason", Some(choice.finish.unwrap_or(Value::None))),
        ])
    });
    dict([
        ("id", first_of(items, "id")),
        ("object", Some(Value::str("chat.completion"))),
        ("model", first_of(items, "model")),
        ("choices", Some(Value::list(choices.collect()))),
        // Some servers count up in each piece.
        ("usage", last_of(items, "usage")),
    ])
}

/// A block of Anthropic's content: what it began as, and what was added.
struct Block {
    start: Value,
    text: String,
    json: String,
}

fn anthropic(items: &[Value]) -> Option<Value> {
    let message = items.first()?.field("message")?;
    let mut blocks: BTreeMap<i64, Block> = BTreeMap::new();
    let mut usage: Vec<(Value, Value)> = Vec::new();
    let mut count = |from: Option<&Value>| {
        for (name, value) in from.and_then(Value::fields).unwrap_or_default() {
            if matches!(value, Value::None) {
                continue;
            }
            match usage.iter_mut().find(|(known, _)| known == name) {
                Some((_, held)) => *held = value.clone(),
                None => usage.push((name.clone(), value.clone())),
            }
        }
    };
    count(message.field("usage"));
    let mut stop = None;
    for item in items {
        match text(item, "type") {
            "content_block_start" => {
                let start = item.field("content_block").cloned().unwrap_or(Value::None);
                let text = ["text", "thinking"].iter().map(|name| text(&start, name)).collect();
                blocks.insert(index(item, "index"), Block { start, text, json: String::new() });
            }
            "content_block_delta" => {
                let (Some(block), Some(delta)) = (blocks.get_mut(&index(item, "index")), item.field("delta"))
                else {
                    continue;
                };
                push(&mut block.text, some(delta, "text").or_else(|| some(delta, "thinking")));
                push(&mut block.json, some(delta, "partial_json"));
            }
            "message_delta" => {
                stop = item.field("delta").and_then(|delta| some(delta, "stop_reason")).cloned().or(stop);
                count(item.field("usage"));
            }
            _ => {}
        }
    }
    let content = blocks.into_values().map(Block::whole).collect();
    Some(dict([
        ("id", some(message, "id").cloned()),
        ("type", Some(Value::str("message"))),
        ("role", Some(Value::str("assistant"))),
        ("model", some(message, "model").cloned()),
        ("content", Some(Value::list(content))),
        ("stop_reason", Some(stop.unwrap_or(Value::None))),
        ("usage", Some(Value::dict(usage))),
    ]))
}

impl Block {
    fn whole(self) -> Value {
        let kind = text(&self.start, "type").to_owned();
        let part = |name: &str| some(&self.start, name).cloned();
        let said = Some(string(self.text.clone()));
        match kind.as_str() {
            "text" => dict([("type", part("type")), ("text", said)]),
            "thinking" => dict([("type", part("type")), ("thinking", said)]),
            _ if !self.json.is_empty() => dict([
                ("type", part("type")),
                ("id", part("id")),
                ("name", part("name")),
                ("input", Some(string(self.json.clone()))),
            ]),
            _ => self.start,
        }
    }
}

/// OpenAI's responses end with the whole response; a stream that was left holds words at least.
fn responses(items: &[Value]) -> Option<Value> {
    let over = |item: &&Value| {
        matches!(text(item, "type"), "response.completed" | "response.incomplete" | "response.failed")
    };
    if let Some(whole) = items.iter().rev().find(over).and_then(|item| item.field("response")) {
        return Some(whole.clone());
    }
    let begun = items.iter().find_map(|item| item.field("response"))?;
    let mut said = String::new();
    for item in items.iter().filter(|item| text(item, "type") == "response.output_text.delta") {
        push(&mut said, item.field("delta"));
    }
    let block = dict([("type", Some(Value::str("output_text"))), ("text", Some(string(said)))]);
    let message = dict([
        ("type", Some(Value::str("message"))),
        ("role", Some(Value::str("assistant"))),
        ("content", Some(Value::list(vec![block]))),
    ]);
    Some(dict([
        ("id", some(begun, "id").cloned()),
        ("object", Some(Value::str("response"))),
        ("model", some(begun, "model").cloned()),
        ("status", Some(Value::str("in_progress"))),
        ("output", Some(Value::list(vec![message]))),
    ]))
}

fn finish(item: &Value) -> Option<&Value> {
    let candidate = item.field("candidates")?.as_items()?.first()?;
    some(candidate, "finish_reason").or_else(|| some(candidate, "finishReason"))
}

/// Google's pieces look like whole responses: of a stream only the last one says why it ended.
fn google(items: &[Value]) -> Option<Value> {
    let (last, before) = items.split_last()?;
    let has = |item: &Value| item.field("candidates").is_some();
    if before.is_empty() || !items.iter().all(has) || before.iter().any(|item| finish(item).is_some()) {
        return None;
    }
    let mut said = String::new();
    let mut parts = Vec::new();
    for item in items {
        let candidate = item.field("candidates").and_then(Value::as_items).and_then(<[Value]>::first);
        let content = candidate.and_then(|candidate| candidate.field("content"));
        let pieces = content.and_then(|content| content.field("parts")?.as_items()).unwrap_or_default();
        for piece in pieces {
            let thought = matches!(piece.field("thought"), Some(Value::Bool(true)));
            match some(piece, "text").filter(|_| !thought) {
                Some(text) => push(&mut said, Some(text)),
                None => parts.push(piece.clone()),
            }
        }
    }
    if !said.is_empty() {
        parts.push(dict([("text", Some(string(said)))]));
    }
    let content = dict([("role", Some(Value::str("model"))), ("parts", Some(Value::list(parts)))]);
    let candidate = dict([("content", Some(content)), ("finish_reason", finish(last).cloned())]);
    let either = |names: [&str; 2]| names.iter().find_map(|name| last_of(items, name));
    Some(dict([
        ("response_id", either(["response_id", "responseId"])),
        ("model_version", either(["model_version", "modelVersion"])),
        ("candidates", Some(Value::list(vec![candidate]))),
        ("usage_metadata", either(["usage_metadata", "usageMetadata"])),
    ]))
}

/// LangChain's chunks are added up, their counts too.
fn langchain(items: &[Value]) -> Value {
    let mut said = String::new();
    let mut tools: BTreeMap<i64, Tool> = BTreeMap::new();
    let mut usage = None;
    for item in items {
        match item.field("content") {
            Some(Value::List(blocks)) => {
                blocks.iter().for_each(|block| push(&mut said, block.field("text")));
            }
            content => push(&mut said, content),
        }
        for call in item.field("tool_call_chunks").and_then(Value::as_items).unwrap_or_default() {
            let tool = tools.entry(index(call, "index")).or_default();
            tool.add(some(call, "id"), some(call, "name"), some(call, "args"));
        }
        if let Some(more) = some(item, "usage_metadata") {
            usage = Some(match usage {
                Some(sum) => added(&sum, more),
                None => more.clone(),
            });
        }
    }
    let tools: Vec<Value> = tools
        .into_values()
        .map(|tool| {
            dict([("id", tool.id), ("name", Some(string(tool.name))), ("args", Some(string(tool.arguments)))])
        })
        .collect();
    dict([
        ("id", first_of(items, "id")),
        ("type", Some(Value::str("ai"))),
        ("content", Some(string(said))),
        ("tool_calls", (!tools.is_empty()).then(|| Value::list(tools))),
        ("response_metadata", items.iter().rev().find_map(metadata)),
        ("usage_metadata", usage),
    ])
}

/// What says more than nothing.
fn metadata(item: &Value) -> Option<Value> {
    some(item, "response_metadata").filter(|value| value.fields().is_some_and(|f| !f.is_empty())).cloned()
}

/// Two blocks of counts as one.
fn added(a: &Value, b: &Value) -> Value {
    let (Some(old), Some(new)) = (a.fields(), b.fields()) else { return a.clone() };
    let mut out: Vec<(Value, Value)> = old.to_vec();
    for (name, more) in new {
        match out.iter_mut().find(|(known, _)| known == name) {
            Some((_, Value::Int(sum))) => {
                if let Value::Int(more) = more {
                    *sum = sum.saturating_add(*more);
                }
            }
            Some((_, held)) => *held = added(held, more),
            None => out.push((name.clone(), more.clone())),
        }
    }
    Value::dict(out)
}
