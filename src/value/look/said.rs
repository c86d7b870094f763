//! Messages in a JSON view, read to be compared: what each says, piece by piece, and where each piece stands.
//!
//! Which values are messages is decided in one place, `messages`: whatever a chat is shown as a chat is compared as one.

use serde_json::Value as Json;

use super::super::from_json::{from_plain_json, to_plain_json};
use super::super::lazy::{Place, Reader};
use super::super::store::{NodeError, NodeSource, StoredNode};
use super::super::stream;
use super::super::tree::Value;
use super::super::view::{ViewLimits, to_json};
use super::messages::{Part, Spot, is_conversation, turn_with_spots};
use crate::base::digest::Digest;

/// What a piece of a message is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PieceKind {
    /// A text.
    Text,
    /// What the model thought.
    Thinking,
    /// A tool is called.
    ToolCall,
    /// What a tool gave.
    ToolResult,
    /// An image, a file, audio.
    Attachment,
    /// Anything else.
    Other,
}

impl PieceKind {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            PieceKind::Text => "text",
            PieceKind::Thinking => "thoughts",
            PieceKind::ToolCall => "tool call",
            PieceKind::ToolResult => "tool result",
            PieceKind::Attachment => "attachment",
            PieceKind::Other => "part",
        }
    }
}

/// A piece of a message.
#[derive(Clone, PartialEq, Debug)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// The tool that is called.
    pub tool: Option<String>,
    /// What is said: a text, the arguments of a call (read, when they are a string of JSON), a result.
    pub content: Json,
    /// Whether a tool failed.
    pub failed: bool,
    /// Where it stands.
    pub spot: Spot,
}

/// A message.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// Who speaks.
    pub role: String,
    /// The name of the speaker or of the tool.
    pub name: Option<String>,
    /// What is said, in order.
    pub pieces: Vec<Piece>,
}

/// Views hold everything themselves.
struct Nothing;

impl NodeSource for Nothing {
    fn get(&self, _: &Digest) -> Result<StoredNode, NodeError> {
        Err(NodeError::Missing)
    }
}

/// Whether these are the messages of a conversation.
pub fn are_messages(list: &[Json]) -> bool {
    // Its beginning and its end tell, as in `is_conversation`.
    let looked = list.iter().take(4).chain(list.last()).map(from_plain_json).collect();
    let place = Place::from(Value::list(looked));
    let reader = Reader::new(&Nothing);
    !list.is_empty() && is_conversation(&reader, &place, (list.len() as u64).min(5)).unwrap_or(false)
}

/// A message; `None` when it is none.
pub fn said(message: &Json) -> Option<Said> {
    message.as_object()?;
    let reader = Reader::new(&Nothing);
    let (turn, spots) = turn_with_spots(&reader, &Place::from(from_plain_json(message))).ok()??;
    let json =
        |place: &Place| reader.load(place).ok().and_then(|value| to_plain_json(&value)).unwrap_or_default();
    let pieces = turn.parts.into_iter().zip(spots).map(|(part, spot)| {
        let (kind, tool, content, failed) = match part {
            Part::Text(text) => (PieceKind::Text, None, json(&text), false),
            Part::Thinking(text) => (PieceKind::Thinking, None, json(&text), false),
            Part::ToolCall { name, arguments, .. } => (
                PieceKind::ToolCall,
                Some(name),
                arguments.map(|place| read(json(&place))).unwrap_or_default(),
                false,
            ),
            Part::ToolResult { content, failed, .. } => {
                (PieceKind::ToolResult, None, content.map(|place| json(&place)).unwrap_or_default(), failed)
            }
            Part::Attachment(block) => (PieceKind::Attachment, None, json(&block), false),
            Part::Other(block) => (PieceKind::Other, None, json(&block), false),
        };
        Piece { kind, tool, content, failed, spot }
    });
    Some(Said { role: turn.role, name: turn.name, pieces: pieces.collect() })
}

/// Arguments are mostly a string of JSON.
fn read(arguments: Json) -> Json {
    match &arguments {
        Json::String(text) => {
            serde_json::from_str(text).ok().filter(|read: &Json| read.is_object()).unwrap_or(arguments)
        }
        _ => arguments,
    }
}

/// The response that these pieces of a stream make; `None` when they are none.
pub fn put_together(list: &[Json]) -> Option<Json> {
    let head: Vec<Value> = list.iter().take(3).map(from_plain_json).collect();
    stream::whole(&head)?;
    let items: Vec<Value> = list.iter().map(from_plain_json).collect();
    Some(to_json(&stream::whole(&items)?, &ViewLimits::full()).json)
}
