//! The filter language: which calls of a run are meant.
//!
//! One language for the tree's `/`, `show --filter` and `logs --filter`: `failed and fn:call_*`, `cost>0.01`,
//! `out~"refund" or err~timeout`, `not cached`. [`fields`] is the one table of words: the parser, the completion
//! and `docs/filter.md` follow it.
//!
//! ```
//! use tl_bench::model::filter::{Filter, complete};
//!
//! let filter = Filter::parse("failed fn:call_* ms>1.5s").unwrap();
//! assert_eq!(filter.to_string(), "failed and fn:call_* and ms>1500");
//! let error = Filter::parse("cost>much").unwrap_err();
//! assert_eq!(error.pointer("cost>much"), "cost>much\n     ^^^^");
//! let next = complete("fa", 2, &());
//! assert_eq!((next.from, next.items[0].insert.as_str()), (0, "failed"));
//! ```
//!
//! Invariants: pure; parsing and completion are total (no text panics or nests deeper than [`MAX_DEPTH`]);
//! `parse(print(expr)) == expr` for every expression that [`Filter::parse`] makes.

mod complete;
mod eval;
mod expr;
pub mod fields;
mod parse;
mod subject;

#[cfg(test)]
mod tests;

pub use complete::{Completion, Completions, Vocabulary, complete};
pub use eval::Subject;
pub use expr::{Expr, NumberOp, Pattern, TextOp};
pub use fields::{FIELDS, Field, Flag, Number, TextField, What};
pub use parse::{FilterError, MAX_DEPTH};
pub use subject::{CallSubject, Previews, RunCalls, Values};

use std::fmt;

/// An expression that was parsed.
#[derive(Clone, PartialEq, Debug)]
pub struct Filter {
    expr: Expr,
}

impl Filter {
    /// What a text means; the empty text means every call.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        parse::parse(text).map(|expr| Filter { expr })
    }

    /// The expression.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Whether a call is meant.
    pub fn matches(&self, subject: &(impl Subject + ?Sized)) -> bool {
        self.expr.holds(subject)
    }

    /// Whether every call is meant.
    pub fn is_all(&self) -> bool {
        self.expr == Expr::Is(Flag::All)
    }

    /// Whether it asks for what is inside inputs or outputs, so that whole values must be read to be exact.
    pub fn reads_values(&self) -> bool {
        self.expr
            .any(&mut |expr| matches!(expr, Expr::Text { field: TextField::Input | TextField::Output, .. }))
    }

    /// Words that are looked for as text and are nearly a word of the language: the word, and what may be meant.
    pub fn doubts(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        self.expr.any(&mut |expr| {
            if let Expr::Word(word) = expr
                && let Some(near) = fields::nearest(word.text())
            {
                found.push((word.text().to_owned(), near));
            }
            false
        });
        found
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
