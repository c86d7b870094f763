//! Headers whose values are secrets whatever they look like: as names of entries, and in texts.

use std::ops::Range;

/// What such a value is called in a marker.
pub(super) const NAME: &str = "header";

/// Names of entries (of headers, of credentials) whose value is a secret; lower case, `-` for `_`.
const NAMES: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-amz-security-token",
    "aws-secret-access-key",
    "aws-session-token",
    "secretaccesskey",
    "sessiontoken",
];

/// `Authorization` by what all its spellings share, and its spellings.
const PARTS: [&str; 2] = ["uthorization", "UTHORIZATION"];
const SPELLINGS: [&str; 3] = ["Authorization", "authorization", "AUTHORIZATION"];

/// Parts of the other names, as they are written.
const OTHERS: [&str; 14] = [
    "-api-key",
    "-API-KEY",
    "-Api-Key",
    "api-key",
    "Api-Key",
    "security-token",
    "Security-Token",
    "secret_access_key",
    "SECRET_ACCESS_KEY",
    "SecretAccessKey",
    "secretAccessKey",
    "aws_session_token",
    "AWS_SESSION_TOKEN",
    "SessionToken",
];

/// Parts of these names, as they are written.
pub(super) fn anchors() -> impl Iterator<Item = &'static str> {
    PARTS.into_iter().chain(OTHERS)
}

/// How they begin, for text that arrives in pieces.
pub(super) fn beginnings() -> impl Iterator<Item = &'static str> {
    SPELLINGS.into_iter().chain(OTHERS)
}

/// A header's value in a text has at least this many characters ...
const SHORTEST: usize = 8;
/// ... and one without digits this many: `authorization: required` is none.
const WORDS: usize = 24;

/// Whether an entry with this name holds a secret.
pub fn is_secret_name(name: &[u8]) -> bool {
    let folded = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    NAMES.iter().any(|known| known.len() == name.len() && known.bytes().eq(name.iter().map(folded)))
}

/// The value behind a header's name in a text: `x-api-key: …`, `"Authorization": "…"`, `aws_secret_access_key = …`.
pub(super) fn value(bytes: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let mut at = anchor.end;
    let mut assigned = false;
    while let Some(byte) = bytes.get(at).filter(|_| at < anchor.end + 12) {
        match byte {
            b':' | b'=' => assigned = true,
            b' ' | b'"' | b'\'' | b'\\' | b'\t' | b'b'
                if *byte != b'b' || bytes.get(at + 1) == Some(&b'\'') => {}
            _ => break,
        }
        at += 1;
    }
    if !assigned {
        return None;
    }
    // The scheme is no secret.
    for scheme in ["bearer ", "basic ", "token ", "digest ", "negotiate "] {
        let word = bytes.get(at..at + scheme.len()).unwrap_or_default();
        if word.eq_ignore_ascii_case(scheme.as_bytes()) {
            at += scheme.len();
        }
    }
    let rest = bytes.get(at..)?;
    if rest.starts_with(b"[secret ") {
        return None;
    }
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b';' | b'}' | b'\\' | b'>')
    };
    let len = rest.iter().position(|byte| ends(byte) || !byte.is_ascii_graphic()).unwrap_or(rest.len());
    let token = rest.get(..len)?;
    let likely = len >= WORDS || token.iter().any(u8::is_ascii_digit);
    (len >= SHORTEST && likely).then(|| at..at + len)
}
