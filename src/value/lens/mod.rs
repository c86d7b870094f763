//! Calls of models, read from recorded values: what was asked, with which settings, and what was answered.
//!
//! [`request`] reads arguments, [`response`] a result: OpenAI's chat completions and responses, Anthropic's messages,
//! Google's, LiteLLM's (in OpenAI's shape), LangChain's messages; dicts and clients' objects alike, lists of the pieces
//! of a stream too. Texts stay where they lie: an answer names their places.
//!
//! Invariants: a bounded number of fields is read, whatever the value's size, except of a stream, which is put together.
//! Nothing is invented: what the values do not say is `None`. Tokens are those of [`usage`], which also prices them.

mod request;

#[cfg(test)]
mod tests;

use super::lazy::{Key, Kind, Place, Reader};
use super::look::fields::Fields;
use super::look::{self, Part, Turn};
use super::store::UnpackError;
use super::stream;
use super::tree::Value;
use super::usage::{self, TokenUsage};

pub use request::{Prompt, Request, request};

pub(super) type Read<T> = Result<T, UnpackError>;

/// Whose shape a response has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// OpenAI's chat completions, and everything compatible with them.
    ChatCompletions,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Google,
    /// A message of LangChain.
    Langchain,
    /// A message alone, as programs take it out of a response.
    Message,
    /// A text alone; only [`exchange`] takes one for an answer.
    Text,
}

impl Api {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Api::ChatCompletions => "chat completion",
            Api::Responses => "OpenAI response",
            Api::Anthropic => "Anthropic message",
            Api::Google => "Gemini response",
            Api::Langchain => "LangChain message",
            Api::Message => "message",
            Api::Text => "text",
        }
    }
}

/// One answer of a response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is said, and which tools are called.
    pub turn: Turn,
    /// Why it ended, in the provider's word: `stop`, `tool_use`, `MAX_TOKENS` …
    pub finish: Option<String>,
}

impl Answer {
    /// The tools that it calls, by name.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.turn.parts.iter().filter_map(|part| match part {
            Part::ToolCall { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }
}

/// A model's response.
#[derive(Clone, Debug)]
pub struct Response {
    /// Whose shape it has.
    pub api: Api,
    /// The model that answered.
    pub model: Option<String>,
    /// What it answered: one, or as many as were asked for.
    pub answers: Vec<Answer>,
    /// What it says to have used.
    pub tokens: Option<TokenUsage>,
    /// Of how many pieces of a stream it was put together.
    pub pieces: Option<u64>,
}

/// A question and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was asked, when the arguments say it.
    pub request: Option<Request>,
    /// What was answered.
    pub response: Response,
}

/// A call of a model: its result holds a response, or a text is the answer to arguments that ask a model.
pub fn exchange(
    reader: &Reader<'_>,
    input: Option<&Place>,
    output: Option<&Place>,
) -> Result<Option<Exchange>, UnpackError> {
    let Some(output) = output else { return Ok(None) };
    let request = match input {
        Some(input) => request(reader, input)?,
        None => None,
    };
    let mut found = response(reader, output)?;
    let asks = request.as_ref().is_some_and(|asked| asked.model.is_some() || !asked.parameters.is_empty());
    if found.is_none() && asks && reader.shape(output)?.kind == Kind::Str {
        let turn = said(vec![Part::Text(output.clone())]);
        let answers = vec![Answer { turn, finish: None }];
        found = Some(Response { api: Api::Text, model: None, answers, tokens: None, pieces: None });
    }
    Ok(found.map(|response| Exchange { request, response }))
}

/// Pieces of a stream that are put together.
const PIECES: u64 = 200_000;
/// Fields of a result in which a response is looked for.
const LOOKED_IN: usize = 16;

/// The response in a result: the result itself, or one of its fields.
pub fn response(reader: &Reader<'_>, place: &Place) -> Result<Option<Response>, UnpackError> {
    if let Some(found) = at(reader, place)? {
        return Ok(Some(found));
    }
    let shape = reader.shape(place)?;
    if !matches!(shape.kind, Kind::Dict | Kind::Object | Kind::Tuple) || shape.scalar.is_some() {
        return Ok(None);
    }
    for child in reader.children(place, 0, LOOKED_IN)? {
        if let Some(found) = at(reader, &child.place)?
            // A message in a field may be anything: a question, an example.
            && found.api != Api::Message
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn at(reader: &Reader<'_>, place: &Place) -> Read<Option<Response>> {
    let shape = reader.shape(place)?;
    match shape.kind {
        Kind::List | Kind::Tuple if (1..=PIECES).contains(&shape.count) => {
            // The first elements tell whether the rest is worth reading.
            let head: Vec<Value> = reader
                .children(place, 0, 3)?
                .iter()
                .filter(|child| may_be_piece(reader, &child.place).unwrap_or(false))
                .map(|child| reader.load(&child.place))
                .collect::<Read<_>>()?;
            if stream::whole(&head).is_none() {
                return Ok(None);
            }
            let items: Vec<Value> = reader
                .children(place, 0, shape.count as usize)?
                .iter()
                .map(|child| reader.load(&child.place))
                .collect::<Read<_>>()?;
            let Some(whole) = stream::whole(&items) else { return Ok(None) };
            let found = whole_at(reader, &Place::from(whole))?;
            Ok(found.map(|found| Response { pieces: Some(shape.count), ..found }))
        }
        Kind::Dict | Kind::Object if shape.scalar.is_none() => whole_at(reader, place),
        _ => Ok(None),
    }
}

/// Whether this can be a piece of a stream: a small thing with a field that pieces have.
fn may_be_piece(reader: &Reader<'_>, place: &Place) -> Read<bool> {
    let Some(fields) = Fields::of(reader, place)? else { return Ok(false) };
    Ok(["choices", "candidates", "type"].iter().any(|name| fields.get(name).is_some()))
}

fn whole_at(reader: &Reader<'_>, place: &Place) -> Read<Option<Response>> {
    let Some(fields) = Fields::of(reader, place)? else { return Ok(None) };
    let Some((api, answers)) = answers(reader, place, &fields)? else { return Ok(None) };
    let tokens = tokens(&fields)?;
    let model = match &tokens {
        Some(tokens) if tokens.model.is_some() => tokens.model.clone(),
        _ => model(&fields)?,
    };
    Ok(Some(Response { api, model, answers, tokens, pieces: None }))
}

fn answers(reader: &Reader<'_>, place: &Place, fields: &Fields<'_, '_>) -> Read<Option<(Api, Vec<Answer>)>> {
    let kind = fields.text("type")?.unwrap_or_default();
    let choices = chat(reader, fields)?;
    if !choices.is_empty() {
        return Ok(Some((Api::ChatCompletions, choices)));
    }
    let candidates = candidates(reader, fields)?;
    if !candidates.is_empty() {
        return Ok(Some((Api::Google, candidates)));
    }
    if fields.text("object")?.as_deref() == Some("response")
        || fields.get("incomplete_details").is_some() && fields.get("output").is_some()
    {
        return Ok(Some((Api::Responses, vec![items(reader, fields)?])));
    }
    let role = fields.role()?;
    if role.as_deref() != Some("assistant") && role.as_deref() != Some("model") {
        return Ok(None);
    }
    let Some(turn) = look::turn(reader, place)? else { return Ok(None) };
    if kind == "message" || fields.get("stop_reason").is_some() {
        let finish = word(fields, &["stop_reason"])?;
        return Ok(Some((Api::Anthropic, vec![Answer { turn, finish }])));
    }
    if matches!(kind.as_str(), "ai" | "AIMessageChunk") {
        let finish = match fields.inner("response_metadata")? {
            Some(said) => word(&said, &["finish_reason", "stop_reason", "done_reason"])?,
            None => None,
        };
        return Ok(Some((Api::Langchain, vec![Answer { turn, finish }])));
    }
    // Items of a conversation say what they are; a response does not.
    let answers = kind.is_empty();
    Ok(answers.then(|| (Api::Message, vec![Answer { turn, finish: None }])))
}

fn chat(reader: &Reader<'_>, fields: &Fields<'_, '_>) -> Read<Vec<Answer>> {
    let mut out = Vec::new();
    for choice in fields.items("choices")? {
        let Some(choice) = Fields::of(reader, &choice)? else { continue };
        let finish = word(&choice, &["finish_reason"])?;
        let turn = match (choice.get("message"), choice.get("text")) {
            (Some(message), _) => look::turn(reader, message)?,
            // Completions of text, before there were chats.
            (None, Some(text)) => Some(said(vec![Part::Text(text.clone())])),
            (None, None) => None,
        };
        out.extend(turn.map(|turn| Answer { turn, finish }));
    }
    Ok(out)
}

fn said(parts: Vec<Part>) -> Turn {
    Turn { role: "assistant".to_owned(), parts, ..Turn::default() }
}

fn candidates(reader: &Reader<'_>, fields: &Fields<'_, '_>) -> Read<Vec<Answer>> {
    let mut out = Vec::new();
    for candidate in fields.items("candidates")? {
        let Some(candidate) = Fields::of(reader, &candidate)? else { continue };
        let finish = word(&candidate, &["finish_reason", "finishReason"])?;
        let mut parts = Vec::new();
        if let Some(content) = candidate.inner("content")? {
            for part in content.items("parts")? {
                parts.extend(look::blocks(reader, &part)?);
            }
        }
        out.push(Answer { turn: said(parts), finish });
    }
    Ok(out)
}

/// What OpenAI's responses put out, item by item, is one answer.
fn items(reader: &Reader<'_>, fields: &Fields<'_, '_>) -> Read<Answer> {
    let mut parts = Vec::new();
    for item in fields.items("output")? {
        match look::turn(reader, &item)? {
            Some(turn) => parts.extend(turn.parts),
            None => parts.extend(look::blocks(reader, &item)?),
        }
    }
    let why = match fields.inner("incomplete_details")? {
        Some(details) => details.text("reason")?,
        None => None,
    };
    let finish = why.map_or_else(|| fields.text("status"), |why| Ok(Some(why)))?;
    Ok(Answer { turn: said(parts), finish })
}

/// A word under the first of these names: a string, or a member of an enum.
fn word(fields: &Fields<'_, '_>, names: &[&str]) -> Read<Option<String>> {
    for name in names {
        let Some(place) = fields.get(name) else { continue };
        match fields.reader.shape(place)?.kind {
            Kind::Str => return fields.text(name),
            Kind::Object => {
                let args = fields.reader.field(place, "args")?;
                let Some(args) = args else { continue };
                let first = fields.reader.children(&args, 0, 1)?;
                if let Some(first) = first.first()
                    && fields.reader.shape(&first.place)?.kind == Kind::Str
                {
                    return Ok(Some(fields.reader.text(&first.place, 0, 200)?.text));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

const MODEL: [&str; 4] = ["model", "model_name", "model_version", "modelVersion"];

fn model(fields: &Fields<'_, '_>) -> Read<Option<String>> {
    let own = word(fields, &MODEL)?;
    match (own, fields.inner("response_metadata")?) {
        (None, Some(said)) => word(&said, &MODEL),
        (own, _) => Ok(own),
    }
}

/// What counts and names a response: a small value of its own, so that all counting is done in one place.
fn tokens(fields: &Fields<'_, '_>) -> Read<Option<TokenUsage>> {
    const NAMES: [&str; 12] = [
        "usage",
        "usage_metadata",
        "usageMetadata",
        "token_usage",
        "response_metadata",
        "id",
        "response_id",
        "responseId",
        MODEL[0],
        MODEL[1],
        MODEL[2],
        MODEL[3],
    ];
    let mut pairs = Vec::new();
    for child in &fields.fields {
        if let Key::Name(name) = &child.key
            && NAMES.contains(&name.as_str())
            && fields.reader.shape(&child.place)?.count <= 200
        {
            pairs.push((Value::str(name), fields.reader.load(&child.place)?));
        }
    }
    Ok(usage::find(&Value::dict(pairs)).into_iter().next())
}
