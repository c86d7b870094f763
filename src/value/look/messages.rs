//! Chats: which values are messages, and what one message holds, in the shapes of the common providers.

use super::super::lazy::{Child, Key, Kind, Place, Reader};
use super::super::store::UnpackError;
use super::Look;

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

/// Blocks and calls of one message that are read.
const BLOCKS: usize = 200;
/// Bytes of a name.
const NAME: usize = 200;

type Read<T> = Result<T, UnpackError>;

/// The fields of a message, read once.
struct Fields<'r, 's> {
    reader: &'r Reader<'s>,
    fields: Vec<Child>,
}

impl<'r, 's> Fields<'r, 's> {
    fn of(reader: &'r Reader<'s>, place: &Place) -> Read<Option<Self>> {
        let shape = reader.shape(place)?;
        if !matches!(shape.kind, Kind::Dict | Kind::Object) || shape.scalar.is_some() {
            return Ok(None);
        }
        Ok(Some(Fields { reader, fields: reader.children(place, 0, 64)? }))
    }

    fn get(&self, name: &str) -> Option<&Place> {
        let found = self.fields.iter().find(|child| matches!(&child.key, Key::Name(key) if key == name));
        found.map(|child| &child.place)
    }

    /// A short string.
    fn text(&self, name: &str) -> Read<Option<String>> {
        let Some(place) = self.get(name) else { return Ok(None) };
        if self.reader.shape(place)?.kind != Kind::Str {
            return Ok(None);
        }
        Ok(Some(self.reader.text(place, 0, NAME)?.text))
    }

    fn kind(&self, name: &str) -> Read<Option<Kind>> {
        self.get(name).map(|place| self.reader.shape(place).map(|shape| shape.kind)).transpose()
    }

    fn inner(&self, name: &str) -> Read<Option<Fields<'r, 's>>> {
        match self.get(name) {
            Some(place) => Fields::of(self.reader, place),
            None => Ok(None),
        }
    }

    /// Elements of a list.
    fn items(&self, name: &str) -> Read<Vec<Place>> {
        let Some(place) = self.get(name) else { return Ok(Vec::new()) };
        if !matches!(self.reader.shape(place)?.kind, Kind::List | Kind::Tuple) {
            return Ok(Vec::new());
        }
        Ok(self.reader.children(place, 0, BLOCKS)?.into_iter().map(|child| child.place).collect())
    }

    /// Who speaks, when this is a message.
    fn role(&self) -> Read<Option<String>> {
        let says = ["content", "parts", "tool_calls", "text"].iter().any(|name| self.get(name).is_some());
        if !says {
            return Ok(None);
        }
        if let Some(role) = self.text("role")? {
            return Ok(Some(role));
        }
        // LangChain's messages say it with their type.
        let role = self.text("type")?.and_then(|kind| match kind.as_str() {
            "human" => Some("user"),
            "ai" => Some("assistant"),
            "system" => Some("system"),
            "tool" => Some("tool"),
            _ => None,
        });
        Ok(role.map(str::to_owned))
    }
}

/// Whether a list holds messages: its first ones and its last one do.
pub(super) fn is_conversation(reader: &Reader<'_>, place: &Place, count: u64) -> Read<bool> {
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

/// What a message holds; `None` when it is none.
pub fn turn(reader: &Reader<'_>, place: &Place) -> Result<Option<Turn>, UnpackError> {
    let Some(message) = Fields::of(reader, place)? else { return Ok(None) };
    let Some(role) = message.role()? else { return Ok(None) };
    let mut turn =
        Turn { role, name: message.text("name")?, answers: message.text("tool_call_id")?, parts: Vec::new() };
    if let Some(thoughts) = message.get("reasoning_content")
        && message.kind("reasoning_content")? == Some(Kind::Str)
    {
        turn.parts.push(Part::Thinking(thoughts.clone()));
    }
    for name in ["content", "parts", "text"] {
        match message.kind(name)? {
            Some(Kind::Str) => turn.parts.extend(message.get(name).cloned().map(Part::Text)),
            Some(Kind::List | Kind::Tuple) => {
                for place in message.items(name)? {
                    turn.parts.push(block(reader, &place)?);
                }
            }
            Some(Kind::None) | None => continue,
            Some(_) => turn.parts.extend(message.get(name).cloned().map(Part::Other)),
        }
        break;
    }
    for place in message.items("tool_calls")? {
        turn.parts.push(tool_call(reader, &place)?);
    }
    Ok(Some(turn))
}

/// `{id, function: {name, arguments}}`, or `{id, name, args}`.
fn tool_call(reader: &Reader<'_>, place: &Place) -> Read<Part> {
    let Some(call) = Fields::of(reader, place)? else { return Ok(Part::Other(place.clone())) };
    let id = call.text("id")?;
    let inner = call.inner("function")?;
    let what = inner.as_ref().unwrap_or(&call);
    let Some(name) = what.text("name")? else { return Ok(Part::Other(place.clone())) };
    let arguments = ["arguments", "args", "input"].iter().find_map(|name| what.get(name)).cloned();
    Ok(Part::ToolCall { id, name, arguments })
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
        "tool_use" | "function_call" | "tool_call" => tool_call(reader, place)?,
        "tool_result" | "function_call_output" => Part::ToolResult {
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
        _ if block.kind("text")? == Some(Kind::Str) => text("text").map_or(other, Part::Text),
        // Gemini's parts have no type.
        _ => {
            for name in ["functionCall", "function_call"] {
                if let Some(call) = block.get(name) {
                    return tool_call(reader, call);
                }
            }
            if let Some(result) = block.inner("functionResponse")? {
                return Ok(Part::ToolResult {
                    id: result.text("name")?,
                    content: result.get("response").cloned(),
                    failed: false,
                });
            }
            if block.get("inlineData").is_some() || block.get("inline_data").is_some() {
                return Ok(Part::Attachment(place.clone()));
            }
            other
        }
    })
}
