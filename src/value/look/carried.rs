//! Files that values carry: bytes of a known type, base64, `data:` URLs, and what wraps them: blocks of messages,
//! Tensorlake's `File`, Pillow's images.
//!
//! What a file is comes from the marks at its beginning; what its wrapper says counts only where there are none. Nothing is
//! decoded but the beginning, until somebody asks for all of it.

use super::super::lazy::{Key, Kind, Place, Reader};
use super::super::store::UnpackError;
use super::super::view::from_base64;
use super::fields::Fields;
use super::media::{Media, declared, measures, media};
use super::pixels::{self, Pixels};

/// Bytes of a file that are looked at.
const HEAD: usize = 8 << 10;
/// Bytes of a JPEG that are looked at: its size stands behind its profile.
const PROFILE: usize = 256 << 10;
/// Shorter strings are words, not files.
const SHORTEST: u64 = 64;
/// Bytes of a `data:` URL before its data.
const PREFIX: usize = 200;
/// Wrappers within wrappers.
const LEVELS: usize = 3;

type Read<T> = Result<T, UnpackError>;

/// A file inside a value.
#[derive(Clone, Debug)]
pub struct Carried {
    /// What it is.
    pub media: Media,
    /// Its bytes, as many as there are.
    pub len: u64,
    at: Held,
}

/// Where its bytes are.
#[derive(Clone, Debug)]
enum Held {
    /// They are the value at this place.
    Bytes(Place),
    /// They are written in base64 in a string, from this byte on.
    Base64(Place, u64),
    /// They are pixels.
    Pixels(Place, Pixels),
}

impl Carried {
    /// `PNG image (image/png), 320 × 200, 105.8 kB`.
    pub fn words(&self) -> String {
        format!("{} ({}){}", self.media.name, self.media.mime, measures(self.media.size, self.len))
    }

    /// All of the file's bytes.
    pub fn read(&self, reader: &Reader<'_>) -> Result<Vec<u8>, UnpackError> {
        let all = usize::MAX / 2;
        Ok(match &self.at {
            Held::Bytes(place) => reader.bytes(place, 0, all)?.data.to_vec(),
            Held::Base64(place, from) => decoded(&reader.bytes(place, *from, all)?.data),
            Held::Pixels(place, shape) => shape.bitmap(&reader.bytes(place, 0, all)?.data),
        })
    }

    /// The bytes themselves, when they are a value of their own.
    pub fn bytes(&self) -> Option<&Place> {
        match &self.at {
            Held::Bytes(place) => Some(place),
            _ => None,
        }
    }
}

/// The file that the value at a place is, or wraps.
pub fn carried(reader: &Reader<'_>, place: &Place) -> Result<Option<Carried>, UnpackError> {
    inside(reader, place, LEVELS)
}

fn inside(reader: &Reader<'_>, place: &Place, levels: usize) -> Read<Option<Carried>> {
    let shape = reader.shape(place)?;
    if shape.scalar.is_some() || levels == 0 {
        return Ok(None);
    }
    match shape.kind {
        Kind::Bytes | Kind::ByteArray => bytes(reader, place, shape.count, None),
        Kind::Str if shape.count >= SHORTEST => string(reader, place, None),
        Kind::Object if shape.class.as_deref().is_some_and(|class| class.starts_with("PIL.")) => {
            picture(reader, place)
        }
        Kind::Dict | Kind::Object => wrapped(reader, place, levels),
        _ => Ok(None),
    }
}

fn bytes(reader: &Reader<'_>, place: &Place, len: u64, said: Option<Media>) -> Read<Option<Carried>> {
    let found = recognised(|most| Ok(reader.bytes(place, 0, most)?.data.to_vec()))?;
    Ok(found.or(said).map(|media| Carried { media, len, at: Held::Bytes(place.clone()) }))
}

/// What the beginning of a file says; of a JPEG as much as it takes to find its size.
fn recognised(head: impl Fn(usize) -> Read<Vec<u8>>) -> Read<Option<Media>> {
    let found = media(&head(HEAD)?);
    match found {
        Some(Media { mime: "image/jpeg", size: None, .. }) => Ok(media(&head(PROFILE)?)),
        found => Ok(found),
    }
}

/// A `data:` URL, or base64 of a type that no text begins like.
fn string(reader: &Reader<'_>, place: &Place, said: Option<Media>) -> Read<Option<Carried>> {
    let head = reader.bytes(place, 0, PREFIX)?;
    let (from, said, url) = match url(&head.data) {
        Some((from, mime)) => (from as u64, said.or_else(|| declared(&mime)), true),
        None => (0, said, false),
    };
    let digits = head.data.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
    if digits.is_empty() || !digits.iter().all(|byte| is_digit(*byte) || byte.is_ascii_whitespace()) {
        return Ok(None);
    }
    let found = recognised(|most| Ok(decoded(&reader.bytes(place, from, most / 3 * 4)?.data)))?;
    // A long word may begin like a file of few marks.
    let sure = |media: &Media| match media.mime {
        "image/png" | "image/gif" | "image/webp" | "application/pdf" => true,
        "image/jpeg" => media.size.is_some(),
        _ => false,
    };
    let media = found.filter(|media| url || said.is_some() || sure(media)).or(said);
    let tail = reader.bytes(place, head.total.saturating_sub(2).max(from), 2)?;
    let padding = tail.data.iter().filter(|byte| **byte == b'=').count() as u64;
    let len = ((head.total - from) * 3 / 4).saturating_sub(padding);
    Ok(media.map(|media| Carried { media, len, at: Held::Base64(place.clone(), from) }))
}

/// Where the data of a URL begins, and its type.
fn url(head: &[u8]) -> Option<(usize, String)> {
    let rest = head.strip_prefix(b"data:")?;
    let mark = b";base64,";
    let at = rest.windows(mark.len()).position(|window| window == mark)?;
    let mime = rest[..at].split(|byte| *byte == b';').next().unwrap_or_default();
    Some((5 + at + mark.len(), String::from_utf8_lossy(mime).into_owned()))
}

/// Both alphabets: that of URLs has `-` and `_`.
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// Base64 as far as it goes; line breaks do not count.
fn decoded(text: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let mut digits: Vec<u8> =
        text.iter().filter(|byte| is_digit(**byte) && **byte != b'=').map(plain).collect();
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    digits.resize(digits.len().next_multiple_of(4), b'=');
    String::from_utf8(digits).ok().and_then(|digits| from_base64(&digits)).unwrap_or_default()
}

/// Names under which wrappers keep a file, and wrap it once more.
const NAMES: [&str; 14] = [
    "data",
    "_content",
    "content",
    "image_url",
    "url",
    "source",
    "base64",
    "b64_json",
    "inline_data",
    "inlineData",
    "input_audio",
    "file",
    "file_data",
    "image",
];
/// Names under which they say what it is.
const TYPES: [&str; 6] = ["media_type", "mime_type", "mimeType", "_content_type", "content_type", "format"];

/// A block of a message, a `File`: few fields, of which one is the file and another may say its type.
fn wrapped(reader: &Reader<'_>, place: &Place, levels: usize) -> Read<Option<Carried>> {
    let Some(fields) = Fields::of(reader, place)? else { return Ok(None) };
    let kind = fields.text("type")?.unwrap_or_default();
    // What a block keeps it in says nothing of its own.
    let block = levels < LEVELS
        || matches!(
            kind.as_str(),
            "image"
                | "image_url"
                | "input_image"
                | "input_audio"
                | "audio"
                | "file"
                | "document"
                | "input_file"
                | "base64"
                | "media"
                | "image_generation_call"
        );
    let mut said = None;
    for name in TYPES {
        said = said.or(fields.text(name)?);
    }
    // Any other dict is more than the file in it.
    let only = said.is_some() && fields.fields.len() <= 4 || fields.fields.len() == 1;
    if !block && !only {
        return Ok(None);
    }
    let said = said.and_then(|said| declared(&said));
    for name in NAMES.iter().copied().chain(block.then_some("result")) {
        let Some(inner) = fields.get(name) else { continue };
        let shape = reader.shape(inner)?;
        let found = match shape.kind {
            Kind::Bytes | Kind::ByteArray => bytes(reader, inner, shape.count, said)?,
            Kind::Str => string(reader, inner, said.filter(|said| kind == "base64" || !said.is_text()))?,
            _ => inside(reader, inner, levels - 1)?,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Where the file that a block names is, when it is elsewhere: a URL, an id.
pub fn linked(reader: &Reader<'_>, place: &Place) -> Result<Option<String>, UnpackError> {
    let mut place = place.clone();
    for _ in 0..LEVELS {
        let Some(fields) = Fields::of(reader, &place)? else { return Ok(None) };
        for name in ["url", "image_url", "file_url", "file_uri", "fileUri", "file_id"] {
            if let Some(address) = fields.text(name)? {
                return Ok(Some(address));
            }
        }
        let inner =
            ["image_url", "source", "file", "file_data", "fileData"].iter().find_map(|name| fields.get(name));
        match inner {
            Some(inner) => place = inner.clone(),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// A Pillow image: its state is `[info, mode, (width, height), palette, bytes]`.
fn picture(reader: &Reader<'_>, place: &Place) -> Read<Option<Carried>> {
    let parts = reader.children(place, 0, 4)?;
    let Some(state) = parts.into_iter().find(|part| part.key == Key::Name("state".to_owned())) else {
        return Ok(None);
    };
    let parts = reader.children(&state.place, 0, 8)?;
    let [_, mode, size, _, data, ..] = parts.as_slice() else { return Ok(None) };
    let number = |place: &Place| -> Read<Option<u32>> { Ok(reader.glance(place, 12)?.parse().ok()) };
    let size = reader.children(&size.place, 0, 3)?;
    let [w, h] = size.as_slice() else { return Ok(None) };
    let (Some(w), Some(h)) = (number(&w.place)?, number(&h.place)?) else { return Ok(None) };
    let mode = reader.text(&mode.place, 0, 8)?.text;
    let held = reader.shape(&data.place)?;
    let shape = pixels::Pixels::of(&mode, w, h, held.count).filter(|_| held.kind == Kind::Bytes);
    Ok(shape.map(|shape| Carried {
        media: Media { mime: "image/bmp", name: shape.name(), size: Some((w, h)) },
        len: shape.len(),
        at: Held::Pixels(data.place.clone(), shape),
    }))
}
