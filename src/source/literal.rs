//! Values of expressions that need no execution.

use ruff_python_ast::{Expr, Number, UnaryOp};

/// A value that stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string (adjacent ones joined).
    Str(String),
    /// A list or a tuple of literals.
    List(Vec<Literal>),
}

impl Literal {
    /// The value of an expression, when it is a literal.
    pub(super) fn of(expr: &Expr) -> Option<Literal> {
        match expr {
            Expr::NoneLiteral(_) => Some(Literal::None),
            Expr::BooleanLiteral(value) => Some(Literal::Bool(value.value)),
            Expr::StringLiteral(value) => Some(Literal::Str(value.value.to_str().to_owned())),
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(value) => value.as_i64().map(Literal::Int),
                Number::Float(value) => Some(Literal::Float(*value)),
                Number::Complex { .. } => None,
            },
            Expr::UnaryOp(unary) if unary.op == UnaryOp::USub => match Literal::of(&unary.operand)? {
                Literal::Int(value) => value.checked_neg().map(Literal::Int),
                Literal::Float(value) => Some(Literal::Float(-value)),
                _ => None,
            },
            Expr::List(list) => list.elts.iter().map(Literal::of).collect::<Option<_>>().map(Literal::List),
            Expr::Tuple(list) => list.elts.iter().map(Literal::of).collect::<Option<_>>().map(Literal::List),
            _ => None,
        }
    }

    /// As Python's `bool()` sees it.
    pub fn is_true(&self) -> bool {
        match self {
            Literal::None => false,
            Literal::Bool(value) => *value,
            Literal::Int(value) => *value != 0,
            Literal::Float(value) => *value != 0.0,
            Literal::Str(value) => !value.is_empty(),
            Literal::List(items) => !items.is_empty(),
        }
    }
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Literal::None => f.write_str("None"),
            Literal::Bool(true) => f.write_str("True"),
            Literal::Bool(false) => f.write_str("False"),
            Literal::Int(value) => write!(f, "{value}"),
            Literal::Float(value) => write!(f, "{value:?}"),
            Literal::Str(value) => f.write_str(value),
            Literal::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}
