//! What is looked for: words and phrases, as an expression for the index and as marks in a text.

use std::ops::Range;

/// Words and phrases that must all be there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words(Vec<Term>);

/// One of them: words that follow each other.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    words: Vec<String>,
    /// Whether the last word may go on.
    open: bool,
}

impl Term {
    fn expression<E>(
        &self,
        beginning: &mut impl FnMut(&str) -> Result<Option<Vec<String>>, E>,
    ) -> Result<String, E> {
        let whole = format!("\"{}\"", self.words.join(" "));
        let Some((last, before)) = self.words.split_last().filter(|_| self.open) else { return Ok(whole) };
        let found = beginning(last)?.unwrap_or_default();
        if found.is_empty() {
            return Ok(format!("{whole} *"));
        }
        let lead: String = before.iter().flat_map(|word| [word.as_str(), " "]).collect();
        let each: Vec<String> = found.iter().map(|word| format!("\"{lead}{word}\"")).collect();
        Ok(if each.len() == 1 { each.concat() } else { format!("({})", each.join(" OR ")) })
    }
}

/// The words of a text with their places. A word is made of letters and digits, as in the index.
fn words(text: &str) -> impl Iterator<Item = (Range<usize>, String)> + '_ {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, c)| !c.is_alphanumeric()).is_some() {}
        let (from, _) = *rest.peek()?;
        let mut to = from;
        while let Some((at, c)) = rest.next_if(|(_, c)| c.is_alphanumeric()) {
            to = at + c.len_utf8();
        }
        Some((from..to, text[from..to].to_lowercase()))
    })
}

impl Words {
    /// `refund order` means both, in any order; each word may go on (`refunds`). `"refund for order"` means these
    /// words in this order. `None` when there is no word.
    pub fn parse(text: &str) -> Option<Words> {
        let mut terms = Vec::new();
        // Every other piece is in quotes; a quote that is not closed reaches to the end.
        for (i, piece) in text.split('"').enumerate() {
            let quoted = i % 2 == 1;
            let parts: Vec<&str> = if quoted { vec![piece] } else { piece.split_whitespace().collect() };
            for part in parts {
                let words: Vec<String> = words(part).map(|(_, word)| word).collect();
                if !words.is_empty() {
                    terms.push(Term { words, open: !quoted });
                }
            }
        }
        (!terms.is_empty()).then_some(Words(terms))
    }

    /// As an expression of FTS5. Only letters and digits get there, in quotes. `beginning` says which words begin like one
    /// that may go on, if it can.
    pub fn expression<E>(
        &self,
        mut beginning: impl FnMut(&str) -> Result<Option<Vec<String>>, E>,
    ) -> Result<String, E> {
        let terms: Result<Vec<String>, E> =
            self.0.iter().map(|term| term.expression(&mut beginning)).collect();
        Ok(terms?.join(" AND "))
    }

    /// Where they stand in a text: in order, without overlaps; and how many of them were found.
    pub fn marks(&self, text: &str) -> (Vec<Range<usize>>, usize) {
        let tokens: Vec<(Range<usize>, String)> = words(text).collect();
        let (mut marks, mut found): (Vec<Range<usize>>, usize) = (Vec::new(), 0);
        for term in &self.0 {
            let fits = |at: &[(Range<usize>, String)]| {
                term.words.iter().zip(at).enumerate().all(|(i, (wanted, (_, word)))| {
                    word == wanted
                        || (term.open && i + 1 == term.words.len() && word.starts_with(wanted.as_str()))
                })
            };
            let before = marks.len();
            for at in tokens.windows(term.words.len()).filter(|at| fits(at)) {
                let (Some((first, _)), Some((last, _))) = (at.first(), at.last()) else { continue };
                let end = match term.words.last() {
                    // A word that goes on is marked as far as it was asked for.
                    Some(word) if term.open => (last.start + word.len()).min(last.end),
                    _ => last.end,
                };
                let end = (end..=last.end).find(|end| text.is_char_boundary(*end)).unwrap_or(last.end);
                marks.push(first.start..end);
            }
            found += usize::from(marks.len() > before);
        }
        marks.sort_by_key(|mark| (mark.start, mark.end));
        marks.dedup_by(|next, mark| {
            let overlaps = next.start < mark.end;
            if overlaps {
                mark.end = mark.end.max(next.end);
            }
            overlaps
        });
        (marks, found)
    }
}

/// A piece of a text around what was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snippet {
    /// One line, unsanitised; blanks are joined, cuts are marked by `…`.
    pub text: String,
    /// Byte ranges of the text that are what was looked for.
    pub marks: Vec<Range<usize>>,
}

/// Characters before the first mark, and in all.
const BEFORE: usize = 40;
const LENGTH: usize = 160;

impl Snippet {
    /// The piece of a text around the first mark.
    pub fn of(text: &str, marks: &[Range<usize>]) -> Snippet {
        let first = marks.first().map_or(0, |mark| mark.start);
        let head = text.get(..first).unwrap_or_default();
        let from = head.char_indices().rev().take(BEFORE).last().map_or(first, |(at, _)| at);
        let tail = text.get(from..).unwrap_or_default();
        let to = tail.char_indices().nth(LENGTH).map_or(text.len(), |(at, _)| from + at);
        let mut out = Snippet::default();
        if from > 0 {
            out.text.push('…');
        }
        let mut blank = from > 0;
        for (at, c) in text.get(from..to).unwrap_or_default().char_indices() {
            let here = from + at;
            if let Some(mark) = marks.iter().find(|mark| mark.start == here) {
                out.marks.push(out.text.len()..out.text.len());
                debug_assert!(mark.end > here);
            }
            if !c.is_whitespace() {
                out.text.push(c);
            } else if !blank {
                out.text.push(' ');
            }
            blank = c.is_whitespace();
            let inside = marks.iter().any(|mark| mark.start <= here && here < mark.end);
            if let Some(last) = out.marks.last_mut().filter(|_| inside) {
                last.end = out.text.len();
            }
        }
        if to < text.len() {
            out.text.push('…');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(query: &str, text: &str) -> String {
        let (marks, _) = Words::parse(query).unwrap().marks(text);
        let snippet = Snippet::of(text, &marks);
        let mut out = snippet.text.clone();
        for mark in snippet.marks.iter().rev() {
            out.insert(mark.end, ']');
            out.insert(mark.start, '[');
        }
        out
    }

    #[test]
    fn words_become_expressions() {
        let expression =
            |text: &str| Words::parse(text).map(|words| words.expression(|_| Ok::<_, ()>(None)).unwrap());
        assert_eq!(expression("refund order").unwrap(), "\"refund\" * AND \"order\" *");
        assert_eq!(expression("\"a refund\" call_llm").unwrap(), "\"a refund\" AND \"call llm\" *");
        assert_eq!(expression("x\" OR y*").unwrap(), "\"x\" * AND \"or y\"");
        assert_eq!(expression("  ?! \"\" "), None);
        let known = |text: &str| {
            let of = |word: &str| {
                Ok::<_, ()>(Some(if word == "no" { vec![] } else { vec![word.into(), format!("{word}s")] }))
            };
            Words::parse(text).unwrap().expression(of).unwrap()
        };
        assert_eq!(known("refund \"an order\""), "(\"refund\" OR \"refunds\") AND \"an order\"");
        assert_eq!(known("call_llm no"), "(\"call llm\" OR \"call llms\") AND \"no\" *");
    }

    #[test]
    fn marks_stand_where_the_words_are() {
        assert_eq!(marked("refund", "wants a Refund, two refunds"), "wants a [Refund], two [refund]s");
        assert_eq!(marked("\"a refund\"", "a refund, a refunded"), "[a refund], a refunded");
        assert_eq!(marked("call_ll", "use call_llm now"), "use [call_ll]m now");
        assert_eq!(marked("a ab", "abc"), "[ab]c");
        assert_eq!(marked("grü", "Grüße\n\n  aus"), "[Grü]ße aus");
        let far = format!("{}needle{}", "x ".repeat(100), " y".repeat(200));
        let snippet = marked("needle", &far);
        assert!(
            snippet.starts_with("…x ") && snippet.contains("[needle]") && snippet.ends_with('…'),
            "{snippet}"
        );
        assert_eq!(marked("nothing", "some text"), "some text");
    }

    proptest! {
        #[test]
        fn any_text_can_be_searched_for_and_in(query in any::<String>(), text in any::<String>()) {
            let Some(words) = Words::parse(&query) else { return Ok(()) };
            let (marks, found) = words.marks(&text);
            prop_assert!(found <= words.0.len());
            for mark in &marks {
                prop_assert!(text.get(mark.clone()).is_some());
            }
            let snippet = Snippet::of(&text, &marks);
            prop_assert!(snippet.text.chars().count() <= LENGTH + 2);
            for mark in &snippet.marks {
                prop_assert!(snippet.text.get(mark.clone()).is_some());
            }
            let (_, own) = words.marks(&query);
            prop_assert_eq!(own, words.0.len());
        }
    }
}
