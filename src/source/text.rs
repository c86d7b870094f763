//! Lines, columns, slices, and the layout of docstrings. Pure functions over text.

use std::borrow::Cow;

/// The text as Python reads it: no byte-order mark, every line break `\n`.
pub(super) fn universal(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Where the lines of a text start.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub(super) fn position(&self, text: &str, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = text.get(start..offset).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }
}

/// Lines `line` to `end_line` of a text (from 1, both included), with their line breaks as they are.
/// What lies outside the text is left out.
pub fn source_slice(text: &str, line: usize, end_line: usize) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if line == 0 || end_line < line {
        return "";
    }
    let bytes = text.as_bytes();
    let (mut at, mut number) = (0, 1);
    let mut start = if line == 1 { Some(0) } else { None };
    while let Some(byte) = bytes.get(at) {
        at += 1;
        // `\r\n` is one break, `\r` alone is one too.
        let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at) != Some(&b'\n'));
        if !ends {
            continue;
        }
        if number == end_line {
            return start.and_then(|start| text.get(start..at)).unwrap_or("");
        }
        number += 1;
        if number == line {
            start = Some(at);
        }
    }
    start.and_then(|start| text.get(start..)).unwrap_or("")
}

/// The source of a function without the indentation that its lines share, for a pane of its own.
pub fn function_slice(text: &str, line: usize, end_line: usize) -> String {
    let slice = source_slice(text, line, end_line);
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    // The first line decides: continuation lines of a string may well stand further left.
    let shared = slice.lines().next().map_or(0, indent);
    let mut out = String::with_capacity(slice.len());
    for line in slice.lines() {
        out.push_str(line.get(shared.min(indent(line))..).unwrap_or(line));
        out.push('\n');
    }
    out
}

/// A docstring as `inspect.cleandoc` lays it out.
pub(super) fn clean_doc(doc: &str) -> String {
    let expanded = doc.replace('\t', "        ");
    let mut lines: Vec<&str> = expanded.split('\n').collect();
    let margin = lines
        .iter()
        .skip(1)
        .filter(|line| !line.trim_start().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    for (number, line) in lines.iter_mut().enumerate() {
        *line = if number == 0 { line.trim_start() } else { line.get(margin..).unwrap_or("") };
        *line = line.trim_end();
    }
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_keep_their_breaks() {
        let text = "a\r\nb\rc\nd";
        assert_eq!(source_slice(text, 2, 3), "b\rc\n");
        assert_eq!(source_slice(text, 4, 9), "d");
        assert_eq!(source_slice(text, 1, 1), "a\r\n");
        assert_eq!(source_slice(text, 0, 1), "");
        assert_eq!(source_slice(text, 9, 9), "");
        assert_eq!(source_slice("", 1, 1), "");
    }

    #[test]
    fn a_method_is_moved_left() {
        let text = "class A:\n    def f(self):\n        x = '''\n  y'''\n        return x\n";
        assert_eq!(function_slice(text, 2, 5), "def f(self):\n    x = '''\ny'''\n    return x\n");
    }

    #[test]
    fn positions_count_characters() {
        let text = "é = 1\nxé y";
        let lines = Lines::new(text);
        assert_eq!(lines.position(text, 0), (1, 1));
        assert_eq!(lines.position(text, 10), (2, 3));
        assert_eq!(lines.line(text.len()), 2);
    }

    #[test]
    fn docs_lose_their_margin() {
        assert_eq!(clean_doc("One.\n\n    Two\n      three\n    "), "One.\n\nTwo\n  three");
    }
}
