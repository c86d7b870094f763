//! How a value is best shown: as a conversation, a table, markdown, code, an image, or simply as a tree.
//!
//! ```
//! use tl_bench::value::look::media;
//!
//! let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 0, 1, 0, 0, 0, 0, 200]].concat();
//! let found = media(&png).unwrap();
//! assert_eq!((found.mime, found.size), ("image/png", Some((256, 200))));
//! ```
//!
//! Everything here looks at the beginning of a value, through a [`Reader`]: a bounded number of elements, and a few
//! kilobytes of a string. It is a guess about looks, never a change of content; a tree is always right, too.

mod carried;
pub(in crate::value) mod fields;
mod media;
mod messages;
mod pixels;
mod prose;
mod said;

#[cfg(test)]
mod tests;

use super::lazy::{Key, Kind, Place, Reader};
use super::store::UnpackError;

pub use carried::{Carried, carried, linked};
pub use media::{Media, measures, media};
pub(in crate::value) use messages::is_conversation;
pub use messages::{Part, Spot, Turn, blocks, turn};
pub use prose::{Prose, prose};
pub use said::{Piece, PieceKind, Said, are_messages, put_together, said};

/// How a value is best shown.
#[derive(Clone, Debug)]
pub enum Look {
    /// Turns of a chat; the place of the list of messages, and how many there are. [`turn`] reads one.
    Conversation(Place, u64),
    /// One message of a chat, or the message inside a model's response.
    Message(Place),
    /// Rows with the same columns: dicts (or instances of one class) with equal keys.
    Table {
        /// The columns in order.
        columns: Vec<String>,
        /// How many rows.
        rows: u64,
    },
    /// A string.
    Text(Prose),
    /// A file of a known type: bytes, base64, or what wraps it.
    Carried(Carried),
    /// Bytes of no known type.
    Bytes,
    /// Anything else that can be unfolded.
    Tree,
    /// Anything else: one line is enough.
    Scalar,
}

impl Look {
    /// The end of a file's name for what is shown so.
    pub fn extension(&self) -> &'static str {
        match self {
            Look::Carried(file) => file.media.extension(),
            Look::Text(Prose::Markdown) => "md",
            Look::Text(Prose::Json) => "json",
            Look::Text(Prose::Plain) => "txt",
            Look::Text(Prose::Code(language)) => match *language {
                "python" => "py",
                "javascript" => "js",
                "rust" => "rs",
                "shell" => "sh",
                other => other,
            },
            Look::Bytes => "bin",
            _ => "json",
        }
    }
}

/// Bytes of a string or of bytes that are looked at.
const HEAD: usize = 8 << 10;
/// Rows of a table that are compared, and the most columns it may have.
const ROWS: usize = 20;
const COLUMNS: u64 = 64;

/// How the value at a place is best shown.
pub fn look(reader: &Reader<'_>, place: &Place) -> Result<Look, UnpackError> {
    let shape = reader.shape(place)?;
    if shape.scalar.is_some() {
        return Ok(Look::Scalar);
    }
    match shape.kind {
        Kind::Str => {
            if let Some(file) = carried(reader, place)? {
                return Ok(Look::Carried(file));
            }
            let head = reader.text(place, 0, HEAD)?;
            Ok(Look::Text(prose(&head.text, head.to == head.total)))
        }
        Kind::Bytes | Kind::ByteArray => {
            if let Some(file) = carried(reader, place)? {
                return Ok(Look::Carried(file));
            }
            let head = reader.bytes(place, 0, HEAD)?;
            let whole = head.data.len() as u64 == head.total;
            Ok(match readable(&head.data, whole) {
                Some(text) => Look::Text(prose(text, whole)),
                None => Look::Bytes,
            })
        }
        Kind::List | Kind::Tuple => {
            if messages::is_conversation(reader, place, shape.count)? {
                return Ok(Look::Conversation(place.clone(), shape.count));
            }
            table(reader, place, shape.count)
        }
        Kind::Dict | Kind::Object => match carried(reader, place)? {
            Some(file) => Ok(Look::Carried(file)),
            None => messages::inside(reader, place),
        },
        kind if kind.has_children() => Ok(Look::Tree),
        _ => Ok(Look::Scalar),
    }
}

/// The head of bytes that are text; a character that the head cuts does not count.
fn readable(head: &[u8], whole: bool) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if !whole || head.len() == HEAD => {
            if head.len() - error.valid_up_to() > 3 {
                return None;
            }
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let control = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c' | '\x1b'));
    (!text.is_empty() && !control).then_some(text)
}

/// A table, when the first rows and the last one have equal columns.
fn table(reader: &Reader<'_>, place: &Place, count: u64) -> Result<Look, UnpackError> {
    if count < 2 {
        return Ok(Look::Tree);
    }
    let mut rows = reader.children(place, 0, ROWS)?;
    if count <= 10_000 {
        // Farther ends are too far to look at.
        rows.extend(reader.children(place, count - 1, 1)?);
    }
    let mut columns: Option<Vec<String>> = None;
    for row in rows {
        let shape = reader.shape(&row.place)?;
        let fits = matches!(shape.kind, Kind::Dict | Kind::Object) && (1..=COLUMNS).contains(&shape.count);
        if !fits || columns.as_ref().is_some_and(|columns| columns.len() as u64 != shape.count) {
            return Ok(Look::Tree);
        }
        let mut names = Vec::new();
        for cell in reader.children(&row.place, 0, COLUMNS as usize)? {
            let Key::Name(name) = cell.key else { return Ok(Look::Tree) };
            names.push(name);
        }
        match &columns {
            None => columns = Some(names),
            Some(columns) if *columns == names => {}
            Some(_) => return Ok(Look::Tree),
        }
    }
    Ok(match columns {
        Some(columns) => Look::Table { columns, rows: count },
        None => Look::Tree,
    })
}
