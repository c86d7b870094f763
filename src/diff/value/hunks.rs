//! The differences of two texts in pieces, each under what it is in: the headings of a markdown text, the class and the
//! function of code.
//!
//! What a text is, is a guess (`value::look`); a wrong one makes a heading that helps nobody, never a wrong difference.

use super::text::{Line, LineKind, groups};
use crate::base::text;
use crate::value::look::{Prose, prose};

/// Levels of a heading that are told, the innermost ones.
const LEVELS: usize = 3;
/// Characters of one of them.
const LEVEL: usize = 60;

/// Lines that stand together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunk {
    /// What they are in, as far as it does not stand in them: `class Shape › def area(self)`. Unsanitised.
    pub heading: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// The changed lines with `context` lines around them.
pub fn hunks(old: &str, new: &str, context: usize) -> Vec<Hunk> {
    let groups = groups(old, new, context);
    let sides = [old, new].map(|text| (text, text.lines().collect::<Vec<&str>>(), prose(text, true)));
    let one = |lines: Vec<Line>| {
        let heading = lines.iter().find(|line| line.kind != LineKind::Same).and_then(|changed| {
            let is_old = changed.kind == LineKind::Removed;
            let number = |line: &Line| if is_old { line.old } else { line.new };
            let (_, text, prose) = &sides[usize::from(!is_old)];
            let shown = lines.iter().find_map(number)?;
            Some(heading(text, *prose, number(changed)?.saturating_sub(1), shown.saturating_sub(1)))
        });
        Hunk { heading: heading.unwrap_or_default(), lines }
    };
    groups.into_iter().map(one).collect()
}

/// Of two texts of which one ends with a line break: which. Their last lines are compared as if both did.
pub fn last_break(old: &str, new: &str) -> Option<&'static str> {
    match (old.ends_with('\n'), new.ends_with('\n')) {
        (true, false) if !new.is_empty() => Some("no line break at the end any more"),
        (false, true) if !old.is_empty() => Some("a line break at the end now"),
        _ => None,
    }
}

/// What the line at a place is in, without what stands at `shown` or after it.
fn heading(lines: &[&str], prose: Prose, at: usize, shown: usize) -> String {
    let mut levels = match prose {
        Prose::Markdown => sections(lines, at),
        Prose::Code(language) => scopes(lines, language, at),
        Prose::Plain | Prose::Json => Vec::new(),
    };
    levels.retain(|(place, _)| *place < shown);
    let from = levels.len().saturating_sub(LEVELS);
    levels.split_off(from).into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(" › ")
}

/// The headings over a line of a markdown text.
fn sections(lines: &[&str], at: usize) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, usize, String)> = Vec::new();
    let mut fenced = false;
    for (place, line) in lines.iter().enumerate().take(at + 1) {
        let text = line.trim_start();
        if text.starts_with("```") || text.starts_with("~~~") {
            fenced = !fenced;
        }
        let level = text.chars().take_while(|c| *c == '#').count();
        if !fenced && (1..=6).contains(&level) && text[level..].starts_with(' ') {
            out.retain(|(_, above, _)| *above < level);
            out.push((place, level, short(text[level..].trim().trim_end_matches('#'))));
        }
    }
    out.into_iter().map(|(place, _, words)| (place, words)).collect()
}

/// Beginnings of lines that define what stands below them, set in.
fn definitions(language: &str) -> &'static [&'static str] {
    match language {
        "python" => &["def ", "async def ", "class "],
        "javascript" => {
            &["function ", "async function ", "class ", "export ", "const ", "let ", "interface ", "static "]
        }
        "rust" => {
            &["fn ", "pub ", "impl ", "impl<", "struct ", "enum ", "trait ", "mod ", "async fn ", "unsafe "]
        }
        "go" => &["func ", "type "],
        "shell" => &["function "],
        _ => &[],
    }
}

/// The definitions around a line of code: lines above it that are set in less.
fn scopes(lines: &[&str], language: &str, at: usize) -> Vec<(usize, String)> {
    let depth = |line: &str| line.chars().take_while(|c| c.is_whitespace()).count();
    let said = |place: usize| lines.get(place).filter(|line| !line.trim().is_empty());
    let Some(mut limit) = (at..lines.len()).find_map(said).map(|line| depth(line)) else { return Vec::new() };
    let mut out = Vec::new();
    for place in (0..at).rev() {
        let Some(line) = said(place).filter(|line| depth(line) < limit) else { continue };
        limit = depth(line);
        let text = line.trim();
        if definitions(language).iter().any(|start| text.starts_with(start)) {
            out.push((place, short(text.trim_end_matches(['{', ':', ' ']))));
        }
        if limit == 0 {
            break;
        }
    }
    out.reverse();
    out
}

fn short(words: &str) -> String {
    text::beginning(words.trim(), LEVEL).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(old: &str, new: &str, context: usize) -> Vec<String> {
        hunks(old, new, context).into_iter().map(|hunk| hunk.heading).collect()
    }

    #[test]
    fn pieces_of_code_stand_under_their_class_and_function() {
        let old = "import math\n\nclass Shape:\n    def __init__(self, name):\n        self.name = name\n\n    def area(self):\n        \
                   radius = self.radius\n        scale = 1\n\n        return radius * scale\n\ndef total(shapes):\n    result = 0\n    \
                   for one in shapes:\n        result += one.area()\n    return result\n";
        let new = old
            .replace("return radius * scale", "return radius")
            .replace("return result", "return int(result)");
        assert_eq!(headings(old, &new, 1), ["class Shape › def area(self)", "def total(shapes)"]);
        // What the piece itself shows is not told again.
        assert_eq!(headings(old, &new, 4), ["class Shape"]);
        let removed = old.replace("        scale = 1\n", "");
        assert_eq!(headings(old, &removed, 0), ["class Shape › def area(self)"]);
    }

    #[test]
    fn pieces_of_markdown_stand_under_their_headings() {
        let old = "# Tides\n\nWhat they are.\n\n## Causes\n\n```python\n# no heading\nx = 1\ny = 2\n```\n\n- moon\n- sun\n\n## Effects\n\n- ships\n- ebb\n";
        let new =
            old.replace("- sun\n", "- sun\n- wind\n").replace("- ebb", "- flood").replace("x = 1", "x = 3");
        assert_eq!(headings(old, &new, 0), ["Tides › Causes", "Tides › Causes", "Tides › Effects"]);
        assert_eq!(headings("a\nb\n", "a\nc\n", 0), [""]);
        assert_eq!(headings("a\n", "a\n", 0), Vec::<String>::new());
    }

    #[test]
    fn a_line_break_at_the_end_is_no_other_line() {
        let found = hunks("one\ntwo\n", "one\n2\ntwo", 0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].lines.len(), 1, "{found:?}");
        assert_eq!(last_break("one\ntwo\n", "one\ntwo"), Some("no line break at the end any more"));
        assert_eq!(last_break("one", "one\n"), Some("a line break at the end now"));
        assert_eq!(
            (last_break("one", ""), last_break("a\n", "b\n"), last_break("a", "b")),
            (None, None, None)
        );
        assert!(hunks("one", "one\n", 3).is_empty());
    }
}
