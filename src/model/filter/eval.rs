//! Whether an expression holds for a call.

use std::borrow::Cow;

use super::super::path;
use super::expr::{Expr, NumberOp, Pattern, TextOp};
use super::fields::{Flag, Number, TextField};

/// What can be filtered. Whoever implements it decides how much it knows: a number that is not known compares
/// with nothing, and a text that is not known contains nothing.
pub trait Subject {
    /// Whether this is true of it.
    fn is(&self, flag: Flag) -> bool;

    /// A number, when it is known.
    fn number(&self, number: Number) -> Option<f64>;

    /// Whether one of the texts of this field satisfies `holds`.
    fn any_text(&self, field: TextField, holds: &mut dyn FnMut(&str) -> bool) -> bool;

    /// Whether one of the texts that a row of a tree shows satisfies `holds`: name, previews, the error in one
    /// line. Words without a field are looked for here.
    fn any_shown(&self, holds: &mut dyn FnMut(&str) -> bool) -> bool;
}

impl Expr {
    /// Whether it holds for a call.
    pub fn holds<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        match self {
            Expr::Is(flag) => subject.is(*flag),
            Expr::Number { field, op, value } => {
                subject.number(*field).is_some_and(|number| compare(number, *op, *value))
            }
            Expr::Text { field, op, pattern } => {
                let found = subject.any_text(*field, &mut |text| match op {
                    TextOp::Contains => contains(text, pattern),
                    TextOp::Equals | TextOp::Differs => text == pattern.text(),
                    TextOp::Is if *field == TextField::Path => is_path(text, pattern),
                    TextOp::Is => is_like(&folded(text), pattern.folded()),
                });
                found != (*op == TextOp::Differs)
            }
            Expr::Word(pattern) => {
                // Every path begins with the paths above it: only what has a slash is meant to be one.
                let slash = pattern.text().contains('/');
                subject.any_shown(&mut |text| contains(text, pattern))
                    || (slash && subject.any_text(TextField::Path, &mut |text| contains(text, pattern)))
            }
            Expr::Not(inner) => !inner.holds(subject),
            Expr::And(parts) => parts.iter().all(|part| part.holds(subject)),
            Expr::Or(parts) => parts.iter().any(|part| part.holds(subject)),
        }
    }
}

fn compare(number: f64, op: NumberOp, value: f64) -> bool {
    match op {
        NumberOp::More => number > value,
        NumberOp::AtLeast => number >= value,
        NumberOp::Less => number < value,
        NumberOp::AtMost => number <= value,
        NumberOp::Equals => number == value,
        NumberOp::Differs => number != value,
    }
}

fn folded(text: &str) -> Cow<'_, str> {
    let lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

/// Whether the pattern stands somewhere in the text, in upper or lower case.
fn contains(text: &str, pattern: &Pattern) -> bool {
    // Most texts hold an exact match or are long; folding copies them.
    text.contains(pattern.text()) || holds_folded(text, pattern.folded(), PIECE)
}

/// Bytes that are folded at once.
const PIECE: usize = 64 << 10;

/// Whether a text, folded piece by piece, holds a folded pattern.
fn holds_folded(text: &str, pattern: &str, piece: usize) -> bool {
    // What a letter becomes may depend on what follows it (a sigma at the end of a word), across marks and points.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace();
    let mut window = String::new();
    let mut rest = text;
    while rest.len() > piece {
        let bytes = rest.as_bytes();
        let end = (piece..rest.len()).find(|at| plain(bytes[at - 1]) && plain(bytes[*at]));
        let Some(end) = end else { break };
        let (this, after) = rest.split_at(end);
        window.push_str(&folded(this));
        if window.contains(pattern) {
            return true;
        }
        // A match may begin in this piece and end in the next.
        window.drain(..window.floor_char_boundary(window.len().saturating_sub(pattern.len())));
        rest = after;
    }
    if window.is_empty() {
        return folded(rest).contains(pattern);
    }
    window.push_str(&folded(rest));
    window.contains(pattern)
}

/// Whether a text is like a pattern in which `*` stands for any characters and `?` for one. Linear in practice,
/// at worst the product of the lengths.
fn is_like(text: &str, pattern: &str) -> bool {
    let (mut t, mut p) = (text.chars(), pattern.chars());
    // Where to go on when the latest `*` takes one character more.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before = t.clone();
        match (p.next(), t.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((before.clone(), p.clone()));
                t = before;
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => {
                let Some((from, after)) = &mut retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                (t, p) = (from.clone(), after.clone());
            }
        }
    }
}

/// A whole path means the call and what is below it; the application's name and `#1` may be left out.
fn is_path(text: &str, pattern: &Pattern) -> bool {
    let wanted = path::bare(pattern.folded());
    let whole = path::bare(&folded(text));
    let below = whole.split_once('/').map(|(_, below)| below);
    [Some(whole.as_str()), below].into_iter().flatten().any(|candidate| {
        if wanted.contains(['*', '?']) {
            return is_like(candidate, &wanted);
        }
        // The items of an operation lie below it, though their paths do not go through it.
        match (candidate.strip_prefix(wanted.as_str()), wanted.strip_suffix("[]")) {
            (Some(rest), _) if rest.is_empty() || rest.starts_with('/') => true,
            (_, Some(operation)) => {
                candidate.strip_prefix(operation).is_some_and(|rest| rest.starts_with('['))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_folded_piece_by_piece_as_it_would_be_whole(
            text in "[aBΣσ .é]{0,60}", at in any::<prop::sample::Index>(), len in 0usize..9, piece in 1usize..12,
        ) {
            let whole = text.to_lowercase();
            let chars: Vec<char> = whole.chars().collect();
            let from = at.index(chars.len() + 1);
            let pattern: String = chars[from..].iter().take(len).collect();
            prop_assert!(holds_folded(&text, &pattern, piece));
            let other = format!("{pattern}x");
            prop_assert!(!holds_folded(&text, &other, piece));
        }
    }

    #[test]
    fn wildcards() {
        for (text, pattern, expected) in [
            ("call_llm", "call_*", true),
            ("call_llm", "*llm", true),
            ("call_llm", "c*l*m", true),
            ("call_llm", "call", false),
            ("call_llm", "call_ll?", true),
            ("call_llm", "call_llm?", false),
            ("", "*", true),
            ("", "", true),
            ("aaab", "*a*ab", true),
            ("aaab", "*b*a", false),
            ("日本", "?本", true),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} like {pattern}");
        }
    }

    #[test]
    fn paths_mean_what_is_below() {
        for (text, pattern, expected) in [
            ("agent/plan#2", "agent/plan#2", true),
            ("agent/plan#2/llm#1", "agent/plan#2", true),
            ("agent/plan#21", "agent/plan#2", false),
            ("agent/plan#1", "plan", true),
            ("agent/plan#1/llm#1", "plan/llm", true),
            ("agent/doc[17]", "agent/doc[]", true),
            ("agent/doc[17]/llm#1", "doc[]", true),
            ("agent/docs[17]", "doc[]", false),
            ("agent/doc[17]/llm#2", "*/llm*", true),
            ("agent/plan#2", "agent", true),
        ] {
            assert_eq!(is_path(text, &Pattern::new(pattern)), expected, "{text} is {pattern}");
        }
    }
}
