//! The forms in which an exact value may stand in a text: as it is, escaped, percent-encoded, in base64.

use std::ops::Range;

use super::SHORTEST;

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// As it is, or escaped: what was found is all of it.
    Plain,
    /// In base64: what was found is the middle of a longer run.
    Base64,
}

/// Lines of a longer value that are shorter than this are not looked for alone.
const LINE: usize = 16;
/// Values of more bytes are looked for as they are, escaped, and line by line.
const LONG: usize = 1_024;
/// What is found of base64 is at least this long: shorter runs are found by chance.
const BASE64: usize = 8;

/// The words to look for.
pub(super) fn forms(value: &[u8]) -> Vec<(Form, Vec<u8>)> {
    let mut out: Vec<(Form, Vec<u8>)> = Vec::new();
    // Long values are documents: their lines and escapes are looked for, the rest would cost more than it finds.
    let long = value.len() > LONG;
    let mut add = |form: Form, word: Vec<u8>| {
        if word.len() >= SHORTEST && !out.iter().any(|(_, known)| *known == word) {
            out.push((form, word));
        }
    };
    add(Form::Plain, value.to_vec());
    // A key in several lines may be written line by line.
    if value.contains(&b'\n') {
        for line in value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|l| l.len() >= LINE) {
            // The frame of a PEM block is no secret.
            if !line.starts_with(b"-----") {
                add(Form::Plain, line.to_vec());
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(value) {
        let escaped = escaped(text);
        // JSON in JSON is not rare: a tool's arguments in a request's body.
        let twice = self::escaped(&escaped);
        add(Form::Plain, twice.into_bytes());
        // As Python's `json.dumps` writes what is not ASCII.
        let ascii = in_ascii(&escaped);
        add(Form::Plain, escaped.into_bytes());
        let twice = self::escaped(&ascii);
        add(Form::Plain, ascii.into_bytes());
        add(Form::Plain, twice.into_bytes());
        // As Python shows texts and bytes: in the message of a KeyError, in a printed dict.
        add(Form::Plain, repr(text));
        add(Form::Plain, repr_of_bytes(value));
        add(Form::Plain, in_html(text).into_bytes());
    }
    if long {
        return out;
    }
    for space in ["%20", "+"] {
        add(Form::Plain, percent(value, space, b"-._~"));
        add(Form::Plain, percent(value, space, b"-._~/"));
        add(Form::Plain, lower(percent(value, space, b"-._~")));
        add(Form::Plain, lower(percent(value, space, b"-._~/")));
    }
    for alphabet in [STANDARD, URL_SAFE] {
        for shift in 0..3 {
            let word = base64_middle(value, shift, alphabet);
            if word.len() >= BASE64 {
                add(Form::Base64, word);
            }
        }
    }
    out
}

/// All of what was found: of base64 the run that it is in, whose ends hold some bits of it.
pub(super) fn whole(form: Form, bytes: &[u8], at: Range<usize>) -> Range<usize> {
    if form == Form::Plain {
        return at;
    }
    let run = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    let before = bytes.get(..at.start).unwrap_or_default().iter().rev().take_while(|byte| run(byte)).count();
    let after = bytes.get(at.end..).unwrap_or_default().iter().take_while(|byte| run(byte)).count();
    at.start - before..at.end + after
}

fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// JSON without anything beyond ASCII.
fn in_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// What stands between the quotes of `repr` of a text. What is not printable is left as it is: it is not looked for so.
fn repr(text: &str) -> Vec<u8> {
    let quotes = text.contains('\'') && text.contains('"');
    let mut out = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        between_quotes(&mut out, byte, quotes);
    }
    out
}

/// What stands between the quotes of `repr` of bytes.
fn repr_of_bytes(value: &[u8]) -> Vec<u8> {
    let quotes = value.contains(&b'\'') && value.contains(&b'"');
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b' '..=b'~' | b'\n' | b'\r' | b'\t' => between_quotes(&mut out, *byte, quotes),
            other => out.extend_from_slice(format!("\\x{other:02x}").as_bytes()),
        }
    }
    out
}

/// A byte as `repr` writes it; single quotes are escaped only beside double ones.
fn between_quotes(out: &mut Vec<u8>, byte: u8, quotes: bool) {
    match byte {
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\'' if quotes => out.extend_from_slice(b"\\'"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        other => out.push(other),
    }
}

/// As Python's `html.escape` and templates write it.
fn in_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            other => out.push(other),
        }
    }
    out
}

/// With the digits of percent-encoding in lower case.
fn lower(mut encoded: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while at + 2 < encoded.len() {
        if encoded[at] == b'%' {
            encoded[at + 1..at + 3].make_ascii_lowercase();
            at += 2;
        }
        at += 1;
    }
    encoded
}

fn percent(value: &[u8], space: &str, safe: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b' ' => out.extend_from_slice(space.as_bytes()),
            byte if byte.is_ascii_alphanumeric() || safe.contains(byte) => out.push(*byte),
            byte => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The digits of base64 that depend on the value alone when `shift` (0 to 2) bytes stand before it in its group of three.
fn base64_middle(value: &[u8], shift: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bits = 8 * (shift + value.len());
    let digit = |at: usize| {
        let mut number = 0;
        for bit in 6 * at..6 * at + 6 {
            let byte = (bit / 8).checked_sub(shift).and_then(|i| value.get(i)).copied().unwrap_or(0);
            number = number << 1 | usize::from(byte >> (7 - bit % 8) & 1);
        }
        alphabet.get(number).copied().unwrap_or(b'A')
    };
    ((8 * shift).div_ceil(6)..bits / 6).map(digit).collect()
}

/// The bytes that standard base64 means, up to what is none.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut number, mut bits) = (0u32, 0);
    for byte in text {
        let Some(digit) = STANDARD.iter().chain(URL_SAFE).position(|known| known == byte) else { break };
        number = number << 6 | (digit % 64) as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((number >> bits) as u8);
        }
    }
    out
}
