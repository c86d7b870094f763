//! Names that are computed: what is known of them from the text.

use ruff_python_ast::{Expr, FStringPart, InterpolatedStringElement, Operator};

/// The beginning and the end of a name whose middle is computed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Pattern {
    pub(super) prefix: String,
    suffix: String,
    /// Nothing is computed: the prefix is the name.
    exact: bool,
}

impl Pattern {
    /// Of an expression. `look`: the value of a local name, when it has one.
    pub(super) fn of<'a>(expr: &'a Expr, look: &dyn Fn(&str) -> Option<&'a Expr>) -> Self {
        Pattern::at(expr, look, 0)
    }

    fn at<'a>(expr: &'a Expr, look: &dyn Fn(&str) -> Option<&'a Expr>, depth: usize) -> Self {
        match expr {
            Expr::StringLiteral(text) => Pattern::exactly(text.value.to_str()),
            Expr::FString(text) => {
                let mut whole = Pattern::exactly("");
                for part in text.value.iter() {
                    match part {
                        FStringPart::Literal(text) => whole = whole.then(Pattern::exactly(&text.value)),
                        FStringPart::FString(text) => {
                            for element in &text.elements {
                                whole = whole.then(match element {
                                    InterpolatedStringElement::Literal(text) => Pattern::exactly(&text.value),
                                    InterpolatedStringElement::Interpolation(_) => Pattern::default(),
                                });
                            }
                        }
                    }
                }
                whole
            }
            Expr::BinOp(sum) if sum.op == Operator::Add && depth < 20 => {
                Pattern::at(&sum.left, look, depth + 1).then(Pattern::at(&sum.right, look, depth + 1))
            }
            // "on_%s" % kind
            Expr::BinOp(format) if format.op == Operator::Mod => match &*format.left {
                Expr::StringLiteral(text) => Pattern::percent(text.value.to_str()),
                _ => Pattern::default(),
            },
            // "on_{}".format(kind)
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(method) if method.attr.as_str() == "format" => match &*method.value {
                    Expr::StringLiteral(text) => Pattern::braces(text.value.to_str()),
                    _ => Pattern::default(),
                },
                _ => Pattern::default(),
            },
            Expr::Name(name) if depth < 20 => match look(name.id.as_str()) {
                Some(value) => Pattern::at(value, look, depth + 10),
                None => Pattern::default(),
            },
            _ => Pattern::default(),
        }
    }

    /// One name.
    pub(super) fn of_name(name: &str) -> Self {
        Pattern::exactly(name)
    }

    fn exactly(name: &str) -> Self {
        Pattern { prefix: name.to_owned(), suffix: String::new(), exact: true }
    }

    fn percent(text: &str) -> Self {
        let prefix = text.find('%').map_or(text, |at| &text[..at]);
        let last = text.rfind('%').map_or("", |at| &text[at + 1..]);
        let suffix = last.find(|c: char| c.is_ascii_alphabetic()).map_or("", |at| &last[at + 1..]);
        Pattern { prefix: prefix.to_owned(), suffix: suffix.to_owned(), exact: false }
    }

    fn braces(text: &str) -> Self {
        let prefix = text.find('{').map_or(text, |at| &text[..at]);
        let suffix = text.rfind('}').map_or("", |at| &text[at + 1..]);
        Pattern { prefix: prefix.to_owned(), suffix: suffix.to_owned(), exact: false }
    }

    fn then(self, next: Pattern) -> Pattern {
        match (self.exact, next.exact) {
            (true, true) => Pattern::exactly(&(self.prefix + &next.prefix)),
            (true, false) => {
                Pattern { prefix: self.prefix + &next.prefix, suffix: next.suffix, exact: false }
            }
            (false, true) => {
                Pattern { prefix: self.prefix, suffix: self.suffix + &next.prefix, exact: false }
            }
            (false, false) => Pattern { prefix: self.prefix, suffix: next.suffix, exact: false },
        }
    }

    /// The name, when nothing of it is computed.
    pub(super) fn name(&self) -> Option<&str> {
        self.exact.then_some(&*self.prefix)
    }

    /// Nothing is known.
    pub(super) fn is_anything(&self) -> bool {
        !self.exact && self.prefix.is_empty() && self.suffix.is_empty()
    }

    /// A name may come out as this.
    pub(super) fn matches(&self, name: &str) -> bool {
        if self.exact {
            return name == self.prefix;
        }
        name.len() >= self.prefix.len() + self.suffix.len()
            && name.starts_with(&self.prefix)
            && name.ends_with(&self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;
    use ruff_python_ast::Stmt;

    fn pattern(text: &str) -> (String, String, bool) {
        let parsed = parse(text);
        let Some(Stmt::Expr(stmt)) = parsed.body().first() else { panic!("{text}") };
        let found = Pattern::of(&stmt.value, &|_| None);
        (found.prefix, found.suffix, found.exact)
    }

    #[test]
    fn beginnings_and_ends_are_seen() {
        let is = |prefix: &str, suffix: &str, exact| (prefix.to_owned(), suffix.to_owned(), exact);
        assert_eq!(pattern("'on_' + kind"), is("on_", "", false));
        assert_eq!(pattern("kind + '_handler'"), is("", "_handler", false));
        assert_eq!(pattern("f'on_{kind}_{n}_now'"), is("on_", "_now", false));
        assert_eq!(pattern("'on_%s' % kind"), is("on_", "", false));
        assert_eq!(pattern("'{}_x'.format(kind)"), is("", "_x", false));
        assert_eq!(pattern("'on_%s_%03d!' % (a, b)"), is("on_", "!", false));
        assert_eq!(pattern("'on_' + 'start'"), is("on_start", "", true));
        assert_eq!(pattern("kind"), is("", "", false));
        assert_eq!(pattern("'a' + kind + 'b'"), is("a", "b", false));
    }

    #[test]
    fn overlapping_ends_do_not_match() {
        let pattern = Pattern { prefix: "ab".into(), suffix: "bc".into(), exact: false };
        assert!(!pattern.matches("abc") && pattern.matches("abbc"));
    }
}
