//! Chats: which values are messages, and what one message holds, in the shapes of the common providers.

use super::super::lazy::{Kind, Place, Reader};
use super::super::store::UnpackError;
use super::Look;
use super::fields::Fields;

/// One message of a chat.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// Who speaks: `system`, `user`, `assistant`, `tool` …, as it is written.
    pub role: String,
    /// The name of the speaker or of the tool.
    pub name: Option<String>,
    /// The call that a tool's message answers.
    pub answers: Option<String>,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// A piece of a message.
#[derive(Clone, Debug)]
pub enum Part {
    /// A string.
    Text(Place),
    /// What the model thought before it answered: a string.
    Thinking(Place),
    /// A tool is called.
    ToolCall {
        /// What the answer refers to.
        id: Option<String>,
        /// The tool.
        name: String,
        /// Its arguments: a string of JSON, or a dict.
        arguments: Option<Place>,
    },
    /// What a tool gave.
    ToolResult {
        /// The call that it answers.
        id: Option<String>,
        /// What it gave: a string, or blocks.
        content: Option<Place>,
        /// Whether the tool failed.
        failed: bool,
    },
    /// An image, a file, audio: the block that holds it.
    Attachment(Place),
    /// Anything else.
    Other(Place),
}

type Read<T> = Result<T, UnpackError>;

impl Fields<'_, '_> {
    /// Who speaks, when this is a message.
    pub(in crate::value) fn role(&self) -> Read<Option<String>> {
        let kind = self.text("type")?;
        // OpenAI's responses keep calls of tools and their results as items of their own.
        match kind.as_deref() {
            Some("function_call" | "custom_tool_call") if self.get("name").is_some() => {
                return Ok(Some("assistant".to_owned()));
            }
            Some("function_call_output" | "custom_tool_call_output") if self.get("output").is_some() => {
                return Ok(Some("tool".to_owned()));
            }
            Some("reasoning") if self.get("summary").is_some() => return Ok(Some("assistant".to_owned())),
            _ => {}
        }
        let says = ["content", "parts", "tool_calls", "text"].iter().any(|name| self.get(name).is_some());
        if !says {
            return Ok(None);
        }
        if let Some(role) = self.text("role")? {
            return Ok(Some(role));
        }
        // LangChain's messages say it with their type.
        let role = kind.and_then(|kind| match kind.as_str() {
            "human" => Some("user"),
            "ai" | "AIMessageChunk" => Some("assistant"),
            "system" => Some("system"),
            "tool" => Some("tool"),
            _ => None,
        });
        Ok(role.map(str::to_owned))
    }
}

/// Whether a list holds messages: its first ones and its last one do.
pub(in crate::value) fn is_conversation(reader: &Reader<'_>, place: &Place, count: u64) -> Read<bool> {
    if count == 0 {
        return Ok(false);
    }
    let mut looked = reader.children(place, 0, 4)?;
    if count <= 10_000 {
        looked.extend(reader.children(place, count - 1, 1)?);
    }
    for child in &looked {
        let message = Fields::of(reader, &child.place)?;
        if message.map(|message| message.role()).transpose()?.flatten().is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How a dict or an instance is shown: a message, a response that holds one, arguments that are a conversation.
pub(super) fn inside(reader: &Reader<'_>, place: &Place) -> Read<Look> {
    let Some(fields) = Fields::of(reader, place)? else { return Ok(Look::Tree) };
    if fields.role()?.is_some() {
        return Ok(Look::Message(place.clone()));
    }
    if let Some(choice) = fields.items("choices")?.first()
        && let Some(choice) = Fields::of(reader, choice)?
        && let Some(message) = choice.get("message")
        && Fields::of(reader, message)?.map(|message| message.role()).transpose()?.flatten().is_some()
    {
        return Ok(Look::Message(message.clone()));
    }
    // A call that is given nothing but messages is shown as what they say.
    let only = fields.fields.len() == 1;
    for name in ["messages", "contents", "history"] {
        let Some(list) = fields.get(name).filter(|_| only) else { continue };
        let shape = reader.shape(list)?;
        if matches!(shape.kind, Kind::List | Kind::Tuple) && is_conversation(reader, list, shape.count)? {
            return Ok(Look::Conversation(list.clone(), shape.count));
        }
    }
    Ok(Look::Tree)
}

/// Where a part stands in its message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The field that holds it; `None` when the message itself is the part.
    pub field: Option<&'static str>,
    /// Its place in the list that the field holds.
    pub index: Option<usize>,
}

/// What a message holds; `None` when it is none.
pub fn turn(reader: &Reader<'_>, place: &Place) -> Result<Option<Turn>, UnpackError> {
    Ok(turn_with_spots(reader, place)?.map(|(turn, _)| turn))
}

/// The same, and for each part where it stands.
pub(super) fn turn_with_spots(reader: &Reader<'_>, place: &Place) -> Read<Option<(Turn, Vec<Spot>)>> {
    let Some(message) = Fields::of(reader, place)? else { return Ok(None) };
    let Some(role) = message.role()? else { return Ok(None) };
    let mut turn =
        Turn { role, name: message.text("name")?, answers: message.text("tool_call_id")?, parts: Vec::new() };
    let mut spots = Vec::new();
    let mut add = |turn: &mut Turn, field, index, parts: Vec<Part>| {
        spots.extend(parts.iter().map(|_| Spot { field, index }));
        turn.parts.extend(parts);
    };
    let kind = message.text("type")?.unwrap_or_default();
    if matches!(kind.as_str(), "function_call" | "custom_tool_call" | "reasoning")
        || kind.ends_with("_call_output")
    {
        add(&mut turn, None, None, blocks(reader, place)?);
        turn.answers = message.text("call_id")?.filter(|_| kind.ends_with("_output"));
        return Ok(Some((turn, spots)));
    }
    let text = |name: &'static str| -> Read<Option<&Place>> {
        Ok(message.get(name).filter(|_| matches!(message.kind(name), Ok(Some(Kind::Str)))))
    };
    if let Some(thoughts) = text("reasoning_content")? {
        add(&mut turn, Some("reasoning_content"), None, vec![Part::Thinking(thoughts.clone())]);
    }
    for name in ["content", "parts", "text"] {
        let Some(said) = message.get(name) else { continue };
        match message.kind(name)? {
            Some(Kind::Str) => add(&mut turn, Some(name), None, vec![Part::Text(said.clone())]),
            Some(Kind::List | Kind::Tuple) => {
                for (index, place) in message.items(name)?.iter().enumerate() {
                    add(&mut turn, Some(name), Some(index), blocks(reader, place)?);
                }
            }
            Some(Kind::None) | None => continue,
            Some(_) => add(&mut turn, Some(name), None, vec![Part::Other(said.clone())]),
        }
        break;
    }
    if let Some(refusal) = text("refusal")? {
        add(&mut turn, Some("refusal"), None, vec![Part::Text(refusal.clone())]);
    }
    // LangChain says them a second time, beside the blocks of its content.
    let said = turn.parts.iter().any(|part| matches!(part, Part::ToolCall { .. }));
    for (index, place) in message.items("tool_calls")?.iter().enumerate().filter(|_| !said) {
        add(&mut turn, Some("tool_calls"), Some(index), vec![tool_call(reader, place)?]);
    }
    Ok(Some((turn, spots)))
}

/// `{id, function: {name, arguments}}`, or `{id, name, args}`.
fn tool_call(reader: &Reader<'_>, place: &Place) -> Read<Part> {
    let Some(call) = Fields::of(reader, place)? else { return Ok(Part::Other(place.clone())) };
    // What the answer refers to; items of OpenAI's responses have an id of their own beside it.
    let id = call.text("call_id")?.map_or_else(|| call.text("id"), |id| Ok(Some(id)))?;
    let inner = call.inner("function")?;
    let what = inner.as_ref().unwrap_or(&call);
    let Some(name) = what.text("name")? else { return Ok(Part::Other(place.clone())) };
    let arguments = ["arguments", "args", "input"].iter().find_map(|name| what.get(name)).cloned();
    Ok(Part::ToolCall { id, name, arguments })
}

/// What a block of a message's content says: thoughts may be several texts.
pub fn blocks(reader: &Reader<'_>, place: &Place) -> Result<Vec<Part>, UnpackError> {
    if let Some(fields) = Fields::of(reader, place)?
        && fields.text("type")?.as_deref() == Some("reasoning")
        && fields.get("summary").is_some()
    {
        let mut thoughts = Vec::new();
        for place in fields.items("summary")? {
            if let Some(text) = Fields::of(reader, &place)?.and_then(|text| text.get("text").cloned()) {
                thoughts.push(Part::Thinking(text));
            }
        }
        return Ok(thoughts);
    }
    Ok(vec![block(reader, place)?])
}

/// A block of a message's content.
fn block(reader: &Reader<'_>, place: &Place) -> Read<Part> {
    if reader.shape(place)?.kind == Kind::Str {
        return Ok(Part::Text(place.clone()));
    }
    let other = Part::Other(place.clone());
    let Some(block) = Fields::of(reader, place)? else { return Ok(other) };
    let text = |name: &str| block.get(name).cloned();
    let kind = block.text("type")?.unwrap_or_default();
    Ok(match kind.as_str() {
        "thinking" | "reasoning" => text("thinking").or_else(|| text("text")).map_or(other, Part::Thinking),
        "tool_use" | "server_tool_use" | "mcp_tool_use" | "function_call" | "custom_tool_call"
        | "tool_call" => tool_call(reader, place)?,
        "tool_result" | "function_call_output" | "custom_tool_call_output" => Part::ToolResult {
            id: match block.text("tool_use_id")? {
                Some(id) => Some(id),
                None => block.text("call_id")?,
            },
            content: text("content").or_else(|| text("output")),
            failed: match block.get("is_error") {
                Some(place) => reader.glance(place, 8)? == "True",
                None => false,
            },
        },
        "image" | "image_url" | "input_image" | "input_audio" | "audio" | "file" | "document"
        | "input_file" => Part::Attachment(place.clone()),
        _ if block.kind("text")? == Some(Kind::Str) => {
            let thought = match block.get("thought") {
                Some(place) => reader.glance(place, 8)? == "True",
                None => false,
            };
            let part = if thought { Part::Thinking } else { Part::Text };
            text("text").map_or(other, part)
        }
        "refusal" => text("refusal").map_or(other, Part::Text),
        // Gemini's parts have no type.
        _ => {
            // Objects of the Python package have all fields, most of them `None`.
            for name in ["functionCall", "function_call"] {
                if let Some(call) = block.inner(name)?.and(block.get(name)) {
                    return tool_call(reader, call);
                }
            }
            let result = match block.inner("functionResponse")? {
                Some(result) => Some(result),
                None => block.inner("function_response")?,
            };
            if let Some(result) = result {
                return Ok(Part::ToolResult {
                    id: result.text("name")?,
                    content: result.get("response").cloned(),
                    failed: false,
                });
            }
            if block.inner("inlineData")?.is_some() || block.inner("inline_data")?.is_some() {
                return Ok(Part::Attachment(place.clone()));
            }
            other
        }
    })
}
