//! Colours for a source pane: the kinds of a text's tokens.
//!
//! Works on any text as it is given (line breaks and byte-order mark included), also with syntax
//! errors; a text that the parser refuses has no tokens. What lies between tokens is blank.

use std::ops::Range;

use ruff_python_ast::token::TokenKind as T;

use super::builtins::is_builtin_name;
use super::parse::tokens;

/// A piece of text and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the given text; a string may span lines.
    pub range: Range<usize>,
    /// What it is.
    pub kind: TokenKind,
}

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `def`, `return`, `None`, ...
    Keyword,
    /// A string, the literal parts of an f-string.
    String,
    /// A number.
    Number,
    /// From `#` to the end of the line.
    Comment,
    /// Any other name.
    Name,
    /// The name after `def` or `class`.
    Definition,
    /// `@` and the dotted name after it.
    Decorator,
    /// Operators and punctuation.
    Operator,
    /// A name that Python defines.
    Builtin,
}

/// The tokens of a text, in order, without overlaps.
pub fn highlight(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut before = T::Newline;
    let mut decorator = false;
    for (kind, range) in tokens(text) {
        let line_start = matches!(before, T::Newline | T::Indent | T::Dedent | T::NonLogicalNewline);
        // A matrix product may stand at the start of a line inside brackets, where no name is defined
        // anyway; a decorator's dotted name ends at anything else.
        decorator = match kind {
            T::At => line_start,
            T::Name | T::Dot => decorator,
            _ => false,
        };
        let name = text.get(range.clone()).unwrap_or("");
        let found = match kind {
            T::Comment => Some(TokenKind::Comment),
            T::Int | T::Float | T::Complex => Some(TokenKind::Number),
            T::String
            | T::FStringStart
            | T::FStringMiddle
            | T::FStringEnd
            | T::TStringStart
            | T::TStringMiddle
            | T::TStringEnd => Some(TokenKind::String),
            _ if decorator => Some(TokenKind::Decorator),
            T::Name if matches!(before, T::Def | T::Class) => Some(TokenKind::Definition),
            T::Name if before != T::Dot && (is_builtin_name(name) || name == "__name__") => {
                Some(TokenKind::Builtin)
            }
            T::Name => Some(TokenKind::Name),
            T::Newline | T::NonLogicalNewline | T::Indent | T::Dedent | T::EndOfFile | T::Unknown => None,
            _ if kind.is_keyword() => Some(TokenKind::Keyword),
            _ => Some(TokenKind::Operator),
        };
        if !matches!(kind, T::Comment) {
            before = kind;
        }
        // After an error the parser may hand out a token again; what was coloured stays.
        let fresh = out.last().is_none_or(|last| last.range.end <= range.start);
        if let Some(kind) = found
            && fresh
            && range.start < range.end
        {
            out.push(Token { range, kind });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(&str, TokenKind)> {
        highlight(text).into_iter().map(|token| (&text[token.range], token.kind)).collect()
    }

    #[test]
    fn every_kind() {
        use TokenKind as K;
        let text = "@tl.function()\ndef f(n): # c\n    return len(f'{n}' + \"x\", 1, x.len)\n";
        assert_eq!(
            kinds(text),
            [
                ("@", K::Decorator),
                ("tl", K::Decorator),
                (".", K::Decorator),
                ("function", K::Decorator),
                ("(", K::Operator),
                (")", K::Operator),
                ("def", K::Keyword),
                ("f", K::Definition),
                ("(", K::Operator),
                ("n", K::Name),
                (")", K::Operator),
                (":", K::Operator),
                ("# c", K::Comment),
                ("return", K::Keyword),
                ("len", K::Builtin),
                ("(", K::Operator),
                ("f'", K::String),
                ("{", K::Operator),
                ("n", K::Name),
                ("}", K::Operator),
                ("'", K::String),
                ("+", K::Operator),
                ("\"x\"", K::String),
                (",", K::Operator),
                ("1", K::Number),
                (",", K::Operator),
                ("x", K::Name),
                (".", K::Operator),
                ("len", K::Name),
                (")", K::Operator),
            ]
        );
    }

    #[test]
    fn soft_keywords_and_errors() {
        assert_eq!(kinds("match = 1")[0].1, TokenKind::Name);
        assert_eq!(kinds("match x:\n  case 1: pass\n")[0].1, TokenKind::Keyword);
        assert_eq!(kinds("def f(:\r\n  x = 'open\r\nreturn 1")[1], ("f", TokenKind::Definition));
        assert_eq!(kinds("\u{feff}x = 1")[0], ("x", TokenKind::Name));
    }
}
