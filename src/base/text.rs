//! Text that is safe to show: the one sanitiser, widths, and shortening.
//!
//! Everything that a model, a tool or user code produced reaches a terminal only through
//! [`line`] or [`lines`] (JSON: [`json`]). Control bytes, escape sequences, bidirectional marks and other
//! invisible characters are shown as visible stand-ins, never obeyed. What is printed passes [`printed`] as well,
//! so that a place that forgot the sanitiser shows its text all the same.

use std::borrow::Cow;
use std::io;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that this (already sanitised) text takes in a terminal: the sum of its cells'.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    // Some pairs are narrower where letters are joined (Arabic lam and alef); a terminal gives each its cell.
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Combining marks in a row that are drawn.
const MARKS: usize = 4;

fn stand_in(c: char) -> Option<String> {
    let code = c as u32;
    match c {
        '\n' => Some("⏎".to_owned()),
        '\t' => Some("⇥".to_owned()),
        '\0'..='\x1f' => char::from_u32(0x2400 + code).map(String::from),
        '\x7f' => Some("␡".to_owned()),
        // C1 controls, soft hyphen, zero-width and directional marks, separators, variation and tag
        // characters, interlinear marks, byte-order mark, private and non-characters.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}'..='\u{ffff}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{10ffff}' => Some(format!("<{code:X}>")),
        _ => None,
    }
}

/// One safe line: every control and invisible character becomes a visible stand-in, a line break too.
/// Combining marks are kept, but at most four in a row.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_safe(&mut out, text);
    out
}

fn push_safe(out: &mut String, text: &str) {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        out.push_str(text);
        return;
    }
    let from = out.len();
    push_visible(out, text);
    if !out[from..].is_ascii() {
        spread(out, from);
    }
}

/// Takes apart what some terminals draw as one sign and others as several (a thumb and its colour): what follows the first
/// character becomes a stand-in, so that all agree on the columns.
fn spread(out: &mut String, from: usize) {
    let apart = |cell: &str| cell.chars().filter_map(UnicodeWidthChar::width).sum::<usize>();
    let joined = |cell: &&str| UnicodeWidthStr::width(*cell) != apart(cell);
    if !out[from..].graphemes(true).any(|cell| joined(&cell)) {
        return;
    }
    let all = out.split_off(from);
    for cell in all.graphemes(true) {
        let mut chars = cell.chars();
        match chars.next().filter(|_| joined(&cell)) {
            Some(first) => {
                out.push(first);
                chars.for_each(|c| out.push_str(&format!("<{:X}>", c as u32)));
            }
            None => out.push_str(cell),
        }
    }
}

fn push_visible(out: &mut String, text: &str) {
    let mut marks = 0;
    for c in text.chars() {
        if let Some(safe) = stand_in(c) {
            out.push_str(&safe);
            marks = 0;
        } else if UnicodeWidthChar::width(c) == Some(0) {
            marks += 1;
            // A mark at the start of a line, or a tower of them, would draw over its neighbours.
            if marks <= MARKS && !out.is_empty() && !out.ends_with('\n') {
                out.push(c);
            } else {
                out.push_str(&format!("<{:X}>", c as u32));
            }
        } else {
            marks = 0;
            out.push(c);
        }
    }
}

/// JSON text that is safe to show and still means the same: what would be obeyed or hidden is written as `\\u202e`.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        marks = if UnicodeWidthChar::width(c) == Some(0) { marks + 1 } else { 0 };
        // A line break stands between tokens; within strings JSON escapes control characters by itself.
        if c == '\n' || marks <= MARKS && stand_in(c).is_none() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Writes JSON text that is safe to show, as [`json`] makes it. Each write must begin and end between characters.
pub struct SafeJson<W>(pub W);

impl<W: io::Write> io::Write for SafeJson<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in pieces(bytes, 64 << 10) {
            if is_plain(piece) {
                self.0.write_all(piece)?;
                continue;
            }
            let text = std::str::from_utf8(piece).map_err(io::Error::other)?;
            self.0.write_all(json(text).as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Safe text that keeps its line breaks; tabs become four spaces, `\r\n` one break.
pub fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let part = part.strip_suffix('\r').unwrap_or(part).replace('\t', "    ");
        push_safe(&mut out, &part);
    }
    out
}

/// Lines that were composed of safe texts and of our colours (`ESC [ 31 m`): both pass unchanged, anything else that a
/// terminal would obey becomes a stand-in.
pub fn printed(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let at = color(rest);
        if at > 0 {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            continue;
        }
        let until = rest
            .char_indices()
            .find(|(at, c)| *at > 0 && *c == '\x1b' || *c == '\n')
            .map_or(rest.len(), |(at, _)| at);
        push_visible(&mut out, &rest[..until]);
        rest = &rest[until..];
        if let Some(next) = rest.strip_prefix('\n') {
            out.push('\n');
            rest = next;
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal shows all of it and obeys none.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == b'\n' || (b' '..=b'~').contains(byte))
}

/// How many bytes at the start of a text set a colour or a weight.
fn color(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\x1b[") else { return 0 };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits <= 2 && rest[digits..].starts_with('m') { digits + 3 } else { 0 }
}

/// Bytes as safe text; invalid UTF-8 is shown as `\xNN`.
pub fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// Bytes in pieces of about this many, cut after line breaks where there are some, and never inside a character.
pub fn pieces(bytes: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let window = &rest[..rest.len().min(most.max(4))];
        let cut = match window.iter().rposition(|byte| *byte == b'\n') {
            _ if window.len() == rest.len() => window.len(),
            Some(at) => at + 1,
            // A character has at most three bytes that continue it.
            None => (window.len() - 3..=window.len())
                .rev()
                .find(|at| rest.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80))
                .unwrap_or(window.len()),
        };
        let (piece, after) = rest.split_at(cut);
        rest = after;
        Some(piece)
    })
}

/// At most `columns` columns of safe text; what is cut is marked by `…`.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if text.is_ascii() {
        return text.get(..columns.saturating_sub(1)).unwrap_or_default().to_owned()
            + if columns > 0 { "…" } else { "" };
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let w = width(grapheme);
        if used + w + 1 > columns {
            break;
        }
        out.push_str(grapheme);
        used += w;
    }
    // A sign that something is left out says that more is left out, too.
    if columns > 0 && !out.ends_with('…') {
        out.push('…');
    }
    out
}

/// The first characters of a text, with an ellipsis when there are more.
pub fn beginning(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// How many bytes of safe text fit into so many columns.
pub fn cut(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return at;
        }
    }
    text.len()
}

/// Where the last columns of safe text begin, in bytes: at most so many.
pub fn cut_front(text: &str, columns: usize) -> usize {
    let mut used = 0;
    let mut from = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > columns {
            break;
        }
        from = at;
    }
    from
}

/// Where what is seen as one character begins and ends that has this byte; behind the end of the text, nothing.
pub fn grapheme_at(text: &str, at: usize) -> (usize, usize) {
    if text.is_ascii() {
        return (at.min(text.len()), (at + 1).min(text.len()));
    }
    let found = text.grapheme_indices(true).find(|(from, grapheme)| at < from + grapheme.len());
    found.map_or((text.len(), text.len()), |(from, grapheme)| (from, from + grapheme.len()))
}

/// Seconds for people: `0.3 s`, `12.1 s`, `2:05 min`, `1:02 h`.
pub fn duration(micros: i64) -> String {
    let ms = micros.max(0) / 1_000;
    match ms {
        0..=99_949 if ms < 100 => format!("{ms} ms"),
        0..=99_949 => format!("{}.{} s", (ms + 50) / 1_000, (ms + 50) % 1_000 / 100),
        99_950..=3_599_999 => format!("{}:{:02} min", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{}:{:02} h", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// How long ago: `now`, `45s`, `2m`, `3h`, `5d`.
pub fn age(micros: i64) -> String {
    let s = micros.max(0) / 1_000_000;
    match s {
        0..=4 => "now".to_owned(),
        5..=59 => format!("{s}s"),
        60..=3_599 => format!("{}m", s / 60),
        3_600..=86_399 => format!("{}h", s / 3_600),
        _ => format!("{}d", s / 86_400),
    }
}

/// A byte count for people: `812 B`, `8.1 kB`, `200.0 MB`.
pub fn bytes(n: u64) -> String {
    match n {
        0..=999 => format!("{n} B"),
        1_000..=999_949 => format!("{:.1} kB", n as f64 / 1e3),
        999_950..=999_949_999 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// A large count for people: `812`, `9.1k`, `12k`, `3.4M`.
pub fn short(n: u64) -> String {
    match n {
        0..=999 => n.to_string(),
        1_000..=9_949 => format!("{:.1}k", n as f64 / 1e3),
        9_950..=999_499 => format!("{:.0}k", n as f64 / 1e3),
        _ => format!("{:.1}M", n as f64 / 1e6),
    }
}

/// A count with a singular and a plural word: `1 call`, `3 calls`.
pub fn count(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// What something cost; `None` is not 0.
pub fn price(usd: Option<f64>) -> String {
    usd.map_or_else(|| "price unknown".to_owned(), dollars)
}

/// Dollars: `$0.02`, `$0.0004`, `$12`.
pub fn dollars(usd: f64) -> String {
    if usd == 0.0 {
        "$0".to_owned()
    } else if usd < 0.01 {
        format!("${usd:.4}")
    } else {
        format!("${usd:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_is_safe_and_means_the_same() {
        let value =
            serde_json::json!({"a\u{9d}0;x\u{9c}": ["\u{202e}b", "\u{e0041}", "\u{1b}[31m\n", "日本 é 👍"]});
        let shown = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(shown.chars().all(|c| c == '\n' || stand_in(c).is_none()), "{shown:?}");
        assert!(shown.contains("日本 é 👍") && shown.contains(r"\u202e"), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn large_counts_are_short() {
        let seen: Vec<String> =
            [0, 999, 1_000, 9_949, 9_950, 999_499, 999_500, 3_440_000].into_iter().map(short).collect();
        assert_eq!(seen, ["0", "999", "1.0k", "9.9k", "10k", "999k", "1.0M", "3.4M"]);
    }

    #[test]
    fn escapes_are_shown_not_obeyed() {
        assert_eq!(line("a\x1b[31mb"), "a␛[31mb");
        assert_eq!(line("x\u{202e}y"), "x<202E>y");
        assert_eq!(lines("a\r\nb\tc"), "a\nb    c");
        assert_eq!(lossy(b"a\xffb"), "a\\xffb");
    }

    #[test]
    fn what_is_printed_keeps_our_colours_alone() {
        let ours = "\x1b[31m✗ a\u{301}\x1b[0m\n\x1b[2m日本\x1b[0m";
        assert_eq!(printed(ours), ours);
        assert!(matches!(printed("plain\ntext"), Cow::Borrowed(_)));
        let forgotten = "\x1b[2J\x1b]0;t\x07\x1b[1m\u{9b}2J\r\u{202e}x\x1b[38;5;1m\x1b";
        assert_eq!(printed(forgotten), "␛[2J␛]0;t␇\x1b[1m<9B>2J␍<202E>x␛[38;5;1m␛");
    }

    #[test]
    fn marks_neither_tower_nor_begin_a_line() {
        let tower = format!("e{}", "\u{301}".repeat(6));
        assert_eq!(line(&tower), "e\u{301}\u{301}\u{301}\u{301}<301><301>");
        assert_eq!(json(&format!("\"{tower}\"")), "\"e\u{301}\u{301}\u{301}\u{301}\\u0301\\u0301\"");
        assert_eq!(lines("a\n\u{301}b"), "a\n<301>b");
    }

    #[test]
    fn pieces_end_after_lines_or_between_characters() {
        let of = |text: &'static str, most| {
            pieces(text.as_bytes(), most)
                .map(|piece| String::from_utf8_lossy(piece).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("ab\ncd\nefg", 6), ["ab\ncd\n", "efg"]);
        assert_eq!(of("日本語日本", 7), ["日本", "語日", "本"]);
        assert_eq!(of("", 7), Vec::<String>::new());
        assert_eq!(pieces(&[0x80; 9], 4).map(<[u8]>::len).sum::<usize>(), 9, "no character at all");
    }

    #[test]
    fn json_is_as_safe_piece_by_piece() {
        let value =
            serde_json::json!({"a": ["\u{202e}x\n", "日本語".repeat(40_000), "e\u{301}\u{301}\u{301}"]});
        let mut safe = SafeJson(Vec::new());
        serde_json::to_writer_pretty(&mut safe, &value).unwrap();
        assert_eq!(String::from_utf8(safe.0).unwrap(), json(&serde_json::to_string_pretty(&value).unwrap()));
    }

    #[test]
    fn shortening_marks_the_cut() {
        assert_eq!(fit("hello", 5), "hello");
        assert_eq!(fit("hello!", 5), "hell…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("x", 0), "");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(3_000), "3 ms");
        assert_eq!(duration(300_000), "0.3 s");
        assert_eq!(duration(125_000_000), "2:05 min");
    }

    #[test]
    fn what_terminals_join_or_not_is_taken_apart() {
        assert_eq!(line("a\u{1f44d}\u{1f3fd}b"), "a\u{1f44d}<1F3FD>b");
        assert_eq!(line("\u{1f468}\u{200d}\u{1f469}"), "\u{1f468}<200D>\u{1f469}");
        // Letters that a font joins have a cell each.
        assert_eq!(line("\u{644}\u{627}"), "\u{644}\u{627}");
        assert_eq!(width("\u{644}\u{627}"), 2);
        assert_eq!(fit("\u{644}\u{627}x", 2), "\u{644}…");
    }

    proptest! {
        #[test]
        fn every_cell_is_as_wide_as_its_characters(text in "[\\PC\u{1f3fb}-\u{1f3ff}\u{1f466}-\u{1f469}\u{1100}-\u{11ff}\u{600}-\u{6ff}\u{1780}-\u{17ff}]*") {
            let apart: usize = line(&text).chars().filter_map(UnicodeWidthChar::width).sum();
            prop_assert_eq!(width(&line(&text)), apart);
        }

        #[test]
        fn fit_never_exceeds(text in "\\PC*", columns in 0usize..40) {
            prop_assert!(width(&fit(&line(&text), columns)) <= columns);
        }

        #[test]
        fn safe_text_is_printed_as_it_is(text in "\\PC*|[a\\x00-\\x1f\u{80}-\u{9f}\u{301}\u{200d}]*") {
            let safe = lines(&text);
            prop_assert_eq!(printed(&safe), safe.as_str());
        }

        #[test]
        fn sanitised_text_has_no_control(text in any::<String>()) {
            prop_assert!(!line(&text).chars().any(|c| c.is_control()));
        }
    }
}
