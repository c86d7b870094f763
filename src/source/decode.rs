//! Bytes of a source file to text, as Python decodes them (PEP 263): UTF-8 unless a comment in the first two lines
//! names another encoding.
//!
//! Invariant: different bytes of one encoding give different texts, whether Python would accept them or not.

/// Windows-1252 from 0x80 to 0x9F; what it leaves open is read as Latin-1.
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// The text of a source file.
pub fn decode(bytes: &[u8]) -> String {
    let Some(name) = cookie(bytes) else { return utf8(bytes) };
    match name.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" | "utf-8-sig" | "utf" | "u8" | "ascii" | "us-ascii" => utf8(bytes),
        "cp1252" | "windows-1252" | "1252" => bytes
            .iter()
            .map(|byte| match byte {
                0x80..=0x9f => WINDOWS.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{fffd}'),
                byte => char::from(*byte),
            })
            .collect(),
        "iso-8859-15" | "iso8859-15" | "latin-9" | "latin9" => bytes
            .iter()
            .map(|byte| match byte {
                0xa4 => '€',
                0xa6 => 'Š',
                0xa8 => 'š',
                0xb4 => 'Ž',
                0xb8 => 'ž',
                0xbc => 'Œ',
                0xbd => 'œ',
                0xbe => 'Ÿ',
                byte => char::from(*byte),
            })
            .collect(),
        // Latin-1, and one character a byte for whatever else there is: nothing is lost.
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// UTF-8; bytes that are none are kept apart in a range of private characters.
fn utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push(char::from_u32(0xf_0000 + u32::from(*byte)).unwrap_or('\u{fffd}'));
        }
    }
    text
}

/// The encoding that a comment in the first two lines names.
fn cookie(bytes: &[u8]) -> Option<String> {
    let mut lines = bytes.split(|byte| *byte == b'\n' || *byte == b'\r').filter(|line| !line.is_empty());
    let first = lines.next()?;
    if let Some(found) = named(first) {
        return Some(found);
    }
    let blank =
        first.iter().find(|byte| !matches!(byte, b' ' | b'\t' | 0x0c)).is_none_or(|byte| *byte == b'#');
    if blank { named(lines.next()?) } else { None }
}

fn named(line: &[u8]) -> Option<String> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = String::from_utf8_lossy(line);
    let comment = line.trim_start_matches([' ', '\t', '\u{c}']).strip_prefix('#')?;
    let (_, rest) = comment.split_once("coding")?;
    let rest = rest.strip_prefix([':', '='])?.trim_start();
    let name: String =
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_decides() {
        assert_eq!(decode("x = 'é'".as_bytes()), "x = 'é'");
        assert_eq!(decode(b"# -*- coding: latin-1 -*-\nx = '\xe9'"), "# -*- coding: latin-1 -*-\nx = 'é'");
        assert_eq!(
            decode(b"#!/bin/python\n# vim: fileencoding=cp1252\n'\x80'"),
            "#!/bin/python\n# vim: fileencoding=cp1252\n'€'"
        );
        assert_eq!(decode(b"x = 1\n# coding: latin-1\n'\xc3\xa9'"), "x = 1\n# coding: latin-1\n'é'");
    }

    #[test]
    fn bytes_that_are_no_text_stay_apart() {
        assert_ne!(decode(b"'\xff'"), decode(b"'\xfe'"));
    }
}
