//! Expressions, and how they are written.

use std::fmt::{self, Display};

use super::fields::{self, Flag, Number, TextField, What};

/// A text to look for, with what is needed to compare it without regard to case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    text: String,
    folded: String,
}

impl Pattern {
    /// A pattern.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Pattern { folded: text.to_lowercase(), text }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In lower case.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }
}

/// How a text is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextOp {
    /// `:`, the whole text, where `*` stands for any characters and `?` for one.
    Is,
    /// `~`, somewhere in it, without regard to case.
    Contains,
    /// `=`, exactly.
    Equals,
    /// `!=`, not exactly.
    Differs,
}

impl TextOp {
    /// All, with how they are written and what they mean.
    pub const ALL: [(TextOp, &'static str, &'static str); 4] = [
        (TextOp::Contains, "~", "contains, in upper or lower case"),
        (TextOp::Is, ":", "is; * stands for any characters, ? for one"),
        (TextOp::Equals, "=", "is exactly"),
        (TextOp::Differs, "!=", "is not exactly"),
    ];

    /// How it is written.
    pub fn word(self) -> &'static str {
        TextOp::ALL.iter().find(|(op, _, _)| *op == self).map_or("~", |(_, word, _)| word)
    }
}

/// How a number is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberOp {
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equals,
    /// `!=`
    Differs,
}

impl NumberOp {
    /// All, with how they are written and what they mean.
    pub const ALL: [(NumberOp, &'static str, &'static str); 6] = [
        (NumberOp::More, ">", "is more than"),
        (NumberOp::AtLeast, ">=", "is at least"),
        (NumberOp::Less, "<", "is less than"),
        (NumberOp::AtMost, "<=", "is at most"),
        (NumberOp::Equals, "=", "is"),
        (NumberOp::Differs, "!=", "is not"),
    ];

    /// How it is written.
    pub fn word(self) -> &'static str {
        NumberOp::ALL.iter().find(|(op, _, _)| *op == self).map_or("=", |(_, word, _)| word)
    }
}

/// Which calls are meant.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// A flag.
    Is(Flag),
    /// A text compared.
    Text {
        /// Which.
        field: TextField,
        /// How.
        op: TextOp,
        /// With what.
        pattern: Pattern,
    },
    /// A number compared.
    Number {
        /// Which.
        field: Number,
        /// How.
        op: NumberOp,
        /// With what, in the field's own unit.
        value: f64,
    },
    /// A text in the name or in the previews of input and output; with a `/`, in the path.
    Word(Pattern),
    /// The opposite.
    Not(Box<Expr>),
    /// All of two or more.
    And(Vec<Expr>),
    /// One or more of two or more.
    Or(Vec<Expr>),
}

impl Expr {
    /// Whether `wanted` is true of this expression or of one inside.
    pub(super) fn any(&self, wanted: &mut dyn FnMut(&Expr) -> bool) -> bool {
        if wanted(self) {
            return true;
        }
        match self {
            Expr::Not(inner) => inner.any(wanted),
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|part| part.any(wanted)),
            _ => false,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Is(flag) => f.write_str(fields::name_of(What::Flag(*flag))),
            Expr::Text { field, op, pattern } => {
                write!(f, "{}{}", fields::name_of(What::Text(*field)), op.word())?;
                f.write_str(&value(pattern.text()))
            }
            Expr::Number { field, op, value } => {
                write!(f, "{}{}{value}", fields::name_of(What::Number(*field)), op.word())
            }
            Expr::Word(pattern) => f.write_str(&word(pattern.text())),
            Expr::Not(inner) => write!(f, "not {}", Inside(inner)),
            Expr::And(parts) => joined(f, parts, " and "),
            Expr::Or(parts) => joined(f, parts, " or "),
        }
    }
}

/// An expression as a part of another one.
struct Inside<'a>(&'a Expr);

impl fmt::Display for Inside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::And(_) | Expr::Or(_) => write!(f, "({})", self.0),
            other => other.fmt(f),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], between: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        // An `and` inside an `or` needs no parentheses, but reads better with them.
        Inside(part).fmt(f)?;
    }
    Ok(())
}

/// A text after an operator, in quotes where they are needed.
pub(super) fn value(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-*?/#.[]@,+%$:".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

/// A text by itself, in quotes when it could be taken for something else.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-/#.[]@".contains(c);
    let taken = fields::find(text).is_some()
        || fields::KEYWORDS.iter().any(|(keyword, _)| keyword.eq_ignore_ascii_case(text));
    if !text.is_empty() && !taken && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
