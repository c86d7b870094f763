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

pub(in crate::value) mod fields;
mod media;
mod messages;
mod prose;
mod said;

#[cfg(test)]
mod tests;

use super::lazy::{Key, Kind, Place, Reader};
use super::store::UnpackError;

pub use media::{Media, media};
pub use messages::{Part, Spot, Turn, turn};
pub(in crate::value) use messages::{blocks, is_conversation};
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
    /// Bytes (or a string that is a `data:` URL) of a known type.
    Media(Media),
    /// Bytes of no known type.
    Bytes,
    /// Anything else that can be unfolded.
    Tree,
    /// Anything else: one line is enough.
    Scalar,
}

/// Bytes of a string or of bytes that are looked at.
const HEAD: usize = 8 << 10;
/// Bytes of an image that are looked at: the size of a JPEG stands behind its profile.
const MEDIA_HEAD: usize = 256 << 10;
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
        Kind::Str => text(reader, place),
        Kind::Bytes | Kind::ByteArray => {
            let head = reader.bytes(place, 0, MEDIA_HEAD)?;
            if let Some(media) = media(&head.data) {
                return Ok(Look::Media(media));
            }
            let whole = head.data.len() as u64 == head.total;
            Ok(match readable(&head.data[..head.data.len().min(HEAD)], whole) {
                Some(text) => Look::Text(prose(text, whole && head.data.len() <= HEAD)),
                None => Look::Bytes,
            })
        }
        Kind::List | Kind::Tuple => {
            if messages::is_conversation(reader, place, shape.count)? {
                return Ok(Look::Conversation(place.clone(), shape.count));
            }
            table(reader, place, shape.count)
        }
        Kind::Dict | Kind::Object => messages::inside(reader, place),
        kind if kind.has_children() => Ok(Look::Tree),
        _ => Ok(Look::Scalar),
    }
}

fn text(reader: &Reader<'_>, place: &Place) -> Result<Look, UnpackError> {
    let head = reader.text(place, 0, HEAD)?;
    if head.text.starts_with("data:")
        && let Some((_, data)) = head.text.split_once(";base64,")
    {
        let digits = data.get(..data.len().min(4096) / 4 * 4);
        let found = digits.and_then(super::view::from_base64).and_then(|bytes| media(&bytes));
        if let Some(media) = found {
            return Ok(Look::Media(media));
        }
    }
    Ok(Look::Text(prose(&head.text, head.to == head.total)))
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
