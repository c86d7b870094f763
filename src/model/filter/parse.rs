//! From text to expressions, and errors that point at the character.
//!
//! ```text
//! or        := and ("or" and)*
//! and       := unary ("and"? unary)*
//! unary     := ("not" | "!") unary | "(" or ")" | condition
//! condition := flag | field operator value | word | string
//! ```
//!
//! The parser also notes what it was about to read when the text ended: completion is made of that.

use super::expr::{Expr, NumberOp, Pattern, TextOp};
use super::fields::{self, Flag, Number, TextField, Unit, What};

/// Levels of parentheses and negations.
pub const MAX_DEPTH: usize = 64;

/// What is wrong with a filter, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilterError {
    /// Byte offset of the first wrong character; the text's length when something is missing at its end.
    pub at: usize,
    /// Bytes that are wrong; 0 when something is missing.
    pub len: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl FilterError {
    /// The filter as one safe line, and below it a line that marks what is wrong.
    pub fn pointer(&self, text: &str) -> String {
        use crate::base::text::{line, width};
        let (head, rest) = text.split_at_checked(self.at).unwrap_or((text, ""));
        let wrong = rest.get(..self.len).unwrap_or(rest);
        let carets = "^".repeat(width(&line(wrong)).max(1));
        format!("{}\n{}{carets}", line(text), " ".repeat(width(&line(head))))
    }
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FilterError {}

/// What the parser was about to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    /// A condition.
    Condition,
    /// An operator of this field.
    Operator(What),
    /// A value of this field.
    Value(What),
    /// A connective or another condition; with the parentheses that are open.
    Next(usize),
}

/// How far the parser came.
pub(super) struct Progress {
    pub slot: Slot,
    /// Where what belongs into the slot begins.
    pub start: usize,
    /// Whether there is an expression, or why not.
    pub outcome: Result<Expr, FilterError>,
}

pub(super) fn parse(text: &str) -> Result<Expr, FilterError> {
    progress(text).outcome
}

pub(super) fn progress(text: &str) -> Progress {
    let mut parser = Parser { text, pos: 0, depth: 0, open: 0, slot: Slot::Condition, start: 0 };
    parser.blanks();
    parser.start = parser.pos;
    let outcome = if parser.rest().is_empty() { Ok(Expr::Is(Flag::All)) } else { parser.whole() };
    Progress { slot: parser.slot, start: parser.start, outcome }
}

struct Parser<'t> {
    text: &'t str,
    pos: usize,
    depth: usize,
    open: usize,
    slot: Slot,
    start: usize,
}

type Parsed<T> = Result<T, FilterError>;

const OPERATORS: [&str; 8] = [">=", "<=", "!=", ">", "<", "=", ":", "~"];

fn ends_word(c: char) -> bool {
    c.is_whitespace() || "():~=<>".contains(c)
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || c == '(' || c == ')'
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.pos += self.rest().len() - self.rest().trim_start().len();
    }

    fn expect(&mut self, slot: Slot) {
        self.slot = slot;
        self.start = self.pos;
    }

    fn wrong<T>(&self, at: usize, len: usize, message: impl Into<String>) -> Parsed<T> {
        Err(FilterError { at, len, message: message.into() })
    }

    /// The next word, without moving.
    fn peek(&self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|(at, c)| ends_word(*c) || rest[*at..].starts_with("!="))
            .map_or(rest.len(), |(at, _)| at);
        &rest[..end]
    }

    /// Whether the next word is this keyword; it must stand alone.
    fn keyword(&self, keyword: &str) -> bool {
        self.peek().eq_ignore_ascii_case(keyword)
    }

    fn whole(&mut self) -> Parsed<Expr> {
        let expr = self.or()?;
        match self.rest().chars().next() {
            None => Ok(expr),
            Some(')') => self.wrong(self.pos, 1, "this parenthesis was never opened"),
            Some(c) => self.wrong(self.pos, c.len_utf8(), "expected `and`, `or` or another condition"),
        }
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.and()?];
        while self.keyword("or") {
            self.pos += 2;
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.unary()?];
        loop {
            let before = self.pos;
            self.blanks();
            if self.pos > before || self.text[..before].ends_with(')') {
                self.expect(Slot::Next(self.open));
            }
            let end = self.rest().is_empty() || self.rest().starts_with(')') || self.keyword("or");
            if end {
                break;
            }
            if self.keyword("and") {
                self.pos += 3;
            }
            parts.push(self.unary()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        let parsed = self.operand();
        self.depth -= 1;
        parsed
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let before = self.pos;
        self.blanks();
        // Directly after a word, only more of that word can come; where a connective may stand, it still may.
        let glued = self.pos == before && self.text[..before].ends_with(char::is_alphanumeric);
        let next = matches!(self.slot, Slot::Next(_)) && self.start == self.pos;
        if !glued && !next {
            self.expect(Slot::Condition);
        }
        let at = self.pos;
        if self.depth > MAX_DEPTH {
            return self.wrong(at, 0, format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let Some(first) = self.rest().chars().next() else {
            return self.wrong(at, 0, "expected a condition, for example `failed` or `fn:call_*`");
        };
        match first {
            '(' => {
                self.pos += 1;
                self.open += 1;
                let inner = self.or()?;
                if !self.rest().starts_with(')') {
                    return self.wrong(self.pos, 0, "expected `)` for the parenthesis that was opened");
                }
                self.pos += 1;
                self.open -= 1;
                Ok(inner)
            }
            ')' => self.wrong(at, 1, "expected a condition before `)`"),
            '!' if !self.rest().starts_with("!=") => {
                self.pos += 1;
                Ok(Expr::Not(Box::new(self.unary()?)))
            }
            '"' | '\'' => {
                let text = self.string(first)?;
                if OPERATORS.iter().any(|op| self.rest().trim_start().starts_with(op)) {
                    return self.wrong(at, self.pos - at, "a field is written without quotes");
                }
                Ok(Expr::Word(Pattern::new(text)))
            }
            _ if OPERATORS.iter().any(|op| self.rest().starts_with(op)) => {
                self.wrong(at, first.len_utf8(), "expected the name of a field before the operator")
            }
            _ if self.keyword("not") => {
                self.pos += 3;
                Ok(Expr::Not(Box::new(self.unary()?)))
            }
            _ if self.keyword("and") || self.keyword("or") => {
                let len = self.peek().len();
                self.wrong(at, len, format!("expected a condition before `{}`", self.peek()))
            }
            _ => self.condition(),
        }
    }

    fn condition(&mut self) -> Parsed<Expr> {
        let at = self.pos;
        let name = self.peek();
        self.pos += name.len();
        let field = fields::find(name);
        let after_name = self.pos;
        self.blanks();
        let operator = OPERATORS.iter().copied().find(|op| self.rest().starts_with(op));
        match (field.map(|field| field.what), operator) {
            (Some(What::Flag(flag)), None) => {
                self.pos = after_name;
                Ok(Expr::Is(flag))
            }
            (None, None) => {
                self.pos = after_name;
                Ok(Expr::Word(Pattern::new(name)))
            }
            (Some(What::Flag(_)), Some(op)) => {
                let text = format!("`{name}` is a condition by itself and takes no `{op}`");
                self.wrong(self.pos, op.len(), text)
            }
            (None, Some(_)) => {
                let near = match fields::nearest(name) {
                    Some(near) => format!("did you mean `{near}`? "),
                    None => String::new(),
                };
                let text =
                    format!("there is no field `{name}`; {near}to look for text, put it into \"quotes\"");
                self.wrong(at, name.len(), text)
            }
            (Some(what), None) => {
                if self.pos > after_name {
                    self.expect(Slot::Operator(what));
                }
                let words: Vec<String> = operators(what).map(|(word, _)| format!("`{word}`")).collect();
                let text = format!(
                    "expected {} after `{name}`; to look for text, put it into \"quotes\"",
                    words.join(", ")
                );
                self.wrong(after_name, 0, text)
            }
            (Some(What::Text(field)), Some(op)) => self.text_condition(field, name, op),
            (Some(What::Number(field)), Some(op)) => self.number_condition(field, name, op),
        }
    }

    fn text_condition(&mut self, field: TextField, name: &str, word: &str) -> Parsed<Expr> {
        let Some((op, _, _)) = TextOp::ALL.iter().find(|(_, known, _)| *known == word) else {
            return self.wrong(
                self.pos,
                word.len(),
                format!("`{name}` is a text: use `~`, `:`, `=` or `!=`"),
            );
        };
        self.pos += word.len();
        self.blanks();
        self.expect(Slot::Value(What::Text(field)));
        let at = self.pos;
        let text = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.string(quote)?,
            _ => self.bare().to_owned(),
        };
        if self.pos == at {
            return self.wrong(at, 0, format!("expected a text after `{name}{word}`"));
        }
        Ok(Expr::Text { field, op: *op, pattern: Pattern::new(text) })
    }

    fn number_condition(&mut self, field: Number, name: &str, word: &str) -> Parsed<Expr> {
        let alike = if word == ":" { "=" } else { word };
        let Some((op, _, _)) = NumberOp::ALL.iter().find(|(_, known, _)| *known == alike) else {
            let text = format!("`{name}` is a number: use `>`, `>=`, `<`, `<=`, `=` or `!=`");
            return self.wrong(self.pos, word.len(), text);
        };
        self.pos += word.len();
        self.blanks();
        self.expect(Slot::Value(What::Number(field)));
        let at = self.pos;
        let text = self.bare();
        let value = number(text, field.unit()).map_err(|(from, message)| FilterError {
            at: at + from,
            len: text.len() - from,
            message: format!("{message} after `{name}{word}`"),
        })?;
        Ok(Expr::Number { field, op: *op, value })
    }

    /// A value without quotes.
    fn bare(&mut self) -> &'t str {
        let rest = self.rest();
        let text = &rest[..rest.find(ends_value).unwrap_or(rest.len())];
        self.pos += text.len();
        text
    }

    fn string(&mut self, quote: char) -> Parsed<String> {
        self.pos += 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return self.wrong(self.pos, 0, format!("expected {quote} at the end of the text"));
            };
            let at = self.pos;
            self.pos += c.len_utf8();
            if c == quote {
                break;
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            let Some(escaped) = self.rest().chars().next() else {
                return self.wrong(self.pos, 0, format!("expected {quote} at the end of the text"));
            };
            self.pos += escaped.len_utf8();
            match escaped {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '\\' | '"' | '\'' => out.push(escaped),
                'u' => out.push(self.code_point(at)?),
                _ => {
                    let text = "no such escape; there are \\n \\t \\r \\\\ \\\" \\' and \\u{…}";
                    return self.wrong(at, self.pos - at, text);
                }
            }
        }
        let next = self.rest().chars().next();
        if next.is_some_and(|c| !ends_word(c) && !self.rest().starts_with("!=")) {
            return self.wrong(
                self.pos,
                0,
                format!("expected a space after the text that begins with {quote}"),
            );
        }
        Ok(out)
    }

    /// What follows `\u`: hex digits in braces.
    fn code_point(&mut self, at: usize) -> Parsed<char> {
        let digits =
            self.rest().strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
        let found = digits
            .filter(|digits| digits.len() <= 6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32);
        match (digits, found) {
            (Some(digits), Some(c)) => {
                self.pos += digits.len() + 2;
                Ok(c)
            }
            _ => {
                self.wrong(at, self.pos - at, "expected a character's number after \\u, for example \\u{e9}")
            }
        }
    }
}

/// The operators of a field, and what they mean.
pub(super) fn operators(what: What) -> Box<dyn Iterator<Item = (&'static str, &'static str)>> {
    match what {
        What::Flag(_) => Box::new(std::iter::empty()),
        What::Text(_) => Box::new(TextOp::ALL.iter().map(|(_, word, doc)| (*word, *doc))),
        What::Number(_) => Box::new(NumberOp::ALL.iter().map(|(_, word, doc)| (*word, *doc))),
    }
}

/// A number with a unit; the error says from which byte on it is wrong.
fn number(text: &str, unit: Unit) -> Result<f64, (usize, String)> {
    let skipped = usize::from(unit == Unit::Dollars && text.starts_with('$'));
    let body = &text[skipped..];
    let digits = body.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(body.len());
    let value: Option<f64> =
        body[..digits].replace('_', "").parse().ok().filter(|value: &f64| value.is_finite());
    let Some(value) = value else { return Err((skipped, "expected a number".to_owned())) };
    let suffix = &body[digits..];
    let factor = match unit {
        Unit::Dollars => (suffix.is_empty()).then_some(1.0),
        Unit::Count => match suffix {
            "" => Some(1.0),
            "k" | "K" => Some(1e3),
            "M" => Some(1e6),
            _ => None,
        },
        Unit::Millis => match suffix {
            "" | "ms" => Some(1.0),
            "us" | "µs" => Some(1e-3),
            "s" => Some(1e3),
            "m" | "min" => Some(60e3),
            "h" => Some(3_600e3),
            _ => None,
        },
        Unit::Bytes => match suffix.to_ascii_lowercase().as_str() {
            "" | "b" => Some(1.0),
            "k" | "kb" => Some(1e3),
            "m" | "mb" => Some(1e6),
            "g" | "gb" => Some(1e9),
            "kib" => Some(1024.0),
            "mib" => Some(1_048_576.0),
            "gib" => Some(1_073_741_824.0),
            _ => None,
        },
    };
    match factor.map(|factor| value * factor).filter(|value| value.is_finite()) {
        Some(value) => Ok(value),
        None => {
            let units = match unit {
                Unit::Dollars => "no unit",
                Unit::Count => "`k`, `M`, or no unit",
                Unit::Millis => "`us`, `ms`, `s`, `min`, `h`, or no unit",
                Unit::Bytes => "`kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`, or no unit",
            };
            Err((skipped + digits, format!("expected {units}")))
        }
    }
}
