//! Functions and attributes of Python that the analysis knows by name.

use ruff_python_ast::{CmpOp, Expr, UnaryOp};

use super::facts::{How, Reads};
use super::stdlib;

/// What reads something of a definition instead of running it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Doc,
    Signature,
    Source,
    Name,
    /// Signature and docstring.
    Help,
    /// The fields of a class with their types.
    Fields,
}

impl Reader {
    pub(super) fn of_attribute(name: &str) -> Option<Self> {
        Some(match name {
            "__doc__" => Reader::Doc,
            "__annotations__"
            | "__defaults__"
            | "__kwdefaults__"
            | "__signature__"
            | "__dataclass_fields__" => Reader::Signature,
            "__name__" | "__qualname__" | "__module__" => Reader::Name,
            _ => return None,
        })
    }

    pub(super) fn of_function(path: &str) -> Option<Self> {
        Some(match path {
            "inspect.getdoc" | "pydoc.getdoc" => Reader::Doc,
            "inspect.signature"
            | "inspect.getfullargspec"
            | "inspect.get_annotations"
            | "inspect.Signature.from_callable"
            | "typing.get_type_hints"
            | "typing_extensions.get_type_hints"
            | "annotationlib.get_annotations" => Reader::Signature,
            "inspect.getsource" | "inspect.getsourcelines" | "inspect.getcomments" | "dis.dis" => {
                Reader::Source
            }
            "help" | "pydoc.render_doc" | "pydoc.help" | "pydoc.doc" => Reader::Help,
            "dataclasses.fields" => Reader::Fields,
            _ => return None,
        })
    }

    /// What that is to what is named.
    pub(super) fn how(self) -> &'static [How] {
        match self {
            Reader::Doc => &[How::Doc],
            Reader::Signature => &[How::Signature],
            Reader::Source => &[How::Source],
            Reader::Name => &[How::Name],
            Reader::Help => &[How::Doc, How::Signature],
            Reader::Fields => &[How::Signature, How::Value],
        }
    }

    /// What that is when it is not known whose it is.
    pub(super) fn of_some(self) -> Reads {
        let mut reads = Reads::default();
        match self {
            Reader::Doc => reads.doc = true,
            Reader::Signature | Reader::Fields => reads.signature = true,
            Reader::Source => reads.source = true,
            Reader::Help => (reads.doc, reads.signature) = (true, true),
            Reader::Name => {}
        }
        reads
    }
}

/// A function of Python that reads neither docstring nor hints of what it is given.
pub(super) fn is_blind(path: &str) -> bool {
    (stdlib::is_builtin_name(path) || stdlib::is_standard(path)) && Reader::of_function(path).is_none()
}

/// The names under which a module knows itself.
pub(super) fn is_identity(name: &str) -> bool {
    matches!(name, "__name__" | "__file__" | "__package__" | "__path__" | "__spec__")
}

/// A string that may be the name of an attribute, or several with dots.
pub(super) fn is_word(text: &str) -> bool {
    text.len() <= 80
        && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

/// Level and module of a name given to `import_module`.
pub(super) fn relative(name: &str) -> (u32, &str) {
    let module = name.trim_start_matches('.');
    (u32::try_from(name.len() - module.len()).unwrap_or(u32::MAX), module)
}

/// `TYPE_CHECKING`
pub(super) fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}

/// What a condition is whenever a module is imported.
pub(super) fn constant(test: &Expr) -> Option<bool> {
    match test {
        Expr::BooleanLiteral(value) => Some(value.value),
        Expr::NumberLiteral(_) => super::super::literal::Literal::of(test).map(|value| value.is_true()),
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => constant(&not.operand).map(|value| !value),
        Expr::Compare(compare) => {
            let sides = [&*compare.left, compare.comparators.first()?];
            let name =
                sides.iter().any(|side| matches!(side, Expr::Name(name) if name.id.as_str() == "__name__"));
            let main = sides
                .iter()
                .any(|side| matches!(side, Expr::StringLiteral(text) if text.value.to_str() == "__main__"));
            match compare.ops.first()? {
                CmpOp::Eq if name && main => Some(false),
                CmpOp::NotEq if name && main => Some(true),
                _ => None,
            }
        }
        _ if is_type_checking(test) => Some(false),
        _ => None,
    }
}
