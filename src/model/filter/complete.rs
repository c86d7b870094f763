//! What can come next in a filter that is being typed.

use super::expr::value;
use super::fields::{self, FIELDS, TextField, Unit, What};
use super::parse::{Slot, operators, progress};

/// Most completions that are offered.
pub(super) const MOST: usize = 200;

/// Texts that occur, for completing values.
pub trait Vocabulary {
    /// Different texts of a field, in any order; empty when there are too many to tell.
    fn values(&self, field: TextField) -> Vec<String>;
}

/// No texts are known.
impl Vocabulary for () {
    fn values(&self, _: TextField) -> Vec<String> {
        Vec::new()
    }
}

/// One thing that can come next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    /// What replaces the text from [`Completions::from`] to the cursor.
    pub insert: String,
    /// One sentence about it; empty for a value.
    pub doc: String,
}

/// What can come next.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completions {
    /// Byte offset from which on the text is replaced.
    pub from: usize,
    /// The choices, best first.
    pub items: Vec<Completion>,
}

/// What can stand at the cursor (a byte offset; what is after it does not count). Nothing when the text before it
/// is wrong already.
pub fn complete(text: &str, cursor: usize, vocabulary: &dyn Vocabulary) -> Completions {
    let cursor = (0..=cursor.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let text = &text[..cursor];
    let progress = progress(text);
    if progress.outcome.as_ref().is_err_and(|error| !text[error.at + error.len..].trim().is_empty()) {
        return Completions { from: cursor, items: Vec::new() };
    }
    let from = progress.start.min(cursor);
    let typed = &text[from..];
    let mut items = Vec::new();
    let mut offer = |insert: String, doc: &str| {
        if insert.starts_with(typed) && items.len() < MOST {
            items.push(Completion { insert, doc: doc.to_owned() });
        }
    };
    match progress.slot {
        Slot::Condition => {
            conditions(typed, &mut offer);
            negation(&mut offer);
        }
        Slot::Next(open) => {
            if open > 0 {
                offer(")".to_owned(), "closes the parenthesis");
            }
            for (word, doc) in fields::KEYWORDS.iter().filter(|(word, _)| *word != "not") {
                offer((*word).to_owned(), doc);
            }
            conditions(typed, &mut offer);
            negation(&mut offer);
        }
        Slot::Operator(what) => operators(what).for_each(|(word, doc)| offer(word.to_owned(), doc)),
        Slot::Value(What::Text(field)) => {
            let mut values = vocabulary.values(field);
            values.sort();
            // What is typed in quotes is offered in quotes.
            let quote = typed.chars().next().filter(|c| *c == '"');
            for text in values {
                let plain = value(&text);
                match quote {
                    Some(quote) if !plain.starts_with(quote) => offer(format!("{quote}{plain}{quote}"), ""),
                    _ => offer(plain, ""),
                }
            }
        }
        Slot::Value(What::Number(number)) => {
            let digits = typed.trim_end_matches(|c: char| c.is_alphabetic());
            let units: &[(&str, &str)] = match number.unit() {
                Unit::Dollars => &[],
                Unit::Count => &[("k", "thousands"), ("M", "millions")],
                Unit::Millis => {
                    &[("s", "seconds"), ("min", "minutes"), ("h", "hours"), ("us", "microseconds")]
                }
                Unit::Bytes => {
                    &[("kB", "1,000 bytes"), ("MB", "1,000,000 bytes"), ("MiB", "1,048,576 bytes")]
                }
            };
            if digits.ends_with(|c: char| c.is_ascii_digit()) {
                units.iter().for_each(|(unit, doc)| offer(format!("{digits}{unit}"), doc));
            }
        }
        Slot::Value(What::Flag(_)) => {}
    }
    Completions { from, items }
}

fn conditions(typed: &str, offer: &mut dyn FnMut(String, &str)) {
    for field in FIELDS {
        match field.what {
            What::Flag(_) => offer(field.name.to_owned(), field.doc),
            // The name is there: which operators it takes is what is not known.
            _ if field.name == typed => {
                operators(field.what).for_each(|(word, doc)| offer(format!("{}{word}", field.name), doc))
            }
            What::Text(TextField::Function | TextField::Path | TextField::Model | TextField::Id) => {
                offer(format!("{}:", field.name), field.doc);
            }
            What::Text(_) => offer(format!("{}~", field.name), field.doc),
            What::Number(_) => offer(format!("{}>", field.name), field.doc),
        }
    }
}

fn negation(offer: &mut dyn FnMut(String, &str)) {
    for (word, doc) in fields::KEYWORDS.iter().filter(|(word, _)| *word == "not") {
        offer((*word).to_owned(), doc);
    }
    offer("(".to_owned(), "a group");
}
