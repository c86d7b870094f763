//! Functions and attributes of Python that the analysis knows by name.

use ruff_python_ast::{CmpOp, Expr, UnaryOp};

use super::facts::{How, Reads};
use super::stdlib;
use crate::source::builtins::is_builtin_name;

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

/// Methods of containers that change them and give something back.
pub(super) fn is_mutator(method: &str) -> bool {
    matches!(
        method,
        "add"
            | "append"
            | "appendleft"
            | "clear"
            | "discard"
            | "extend"
            | "extendleft"
            | "insert"
            | "pop"
            | "popitem"
            | "popleft"
            | "remove"
            | "reverse"
            | "rotate"
            | "setdefault"
            | "sort"
            | "update"
            | "__setitem__"
            | "__delitem__"
    )
}

/// Functions of Python that change what they are given first.
pub(super) fn changes_first(path: &str) -> bool {
    matches!(
        path,
        "next"
            | "heapq.heappush"
            | "heapq.heappop"
            | "heapq.heapify"
            | "heapq.heappushpop"
            | "heapq.heapreplace"
            | "bisect.insort"
            | "bisect.insort_left"
            | "bisect.insort_right"
            | "random.shuffle"
    )
}

/// The value of a call has nothing in common with what it was made of.
fn gives_new(path: &str) -> bool {
    const PATHS: [&str; 34] = [
        "abs",
        "bool",
        "bytes",
        "chr",
        "copy.copy",
        "copy.deepcopy",
        "datetime.timedelta",
        "decimal.Decimal",
        "dict",
        "float",
        "format",
        "frozenset",
        "hash",
        "int",
        "json.dumps",
        "json.loads",
        "len",
        "list",
        "logging.getLogger",
        "max",
        "min",
        "object",
        "ord",
        "os.getenv",
        "pathlib.Path",
        "range",
        "re.compile",
        "repr",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
    ];
    PATHS.contains(&path) || path.starts_with("os.path.") || path.starts_with("os.environ.")
}

/// The value of an expression may be, or hold, an object that it names. `path`: what a function is outside the project.
pub(super) fn shares(expr: &Expr, path: &dyn Fn(&Expr) -> Option<String>) -> bool {
    const NEW: [&str; 14] = [
        "decode",
        "encode",
        "format",
        "join",
        "lower",
        "parent",
        "read_bytes",
        "read_text",
        "replace",
        "resolve",
        "strip",
        "title",
        "upper",
        "with_suffix",
    ];
    let each = |list: &[Expr]| list.iter().any(|one| shares(one, path));
    match expr {
        Expr::BinOp(_) | Expr::UnaryOp(_) | Expr::Compare(_) | Expr::FString(_) => false,
        _ if expr.is_literal_expr() => false,
        Expr::List(list) => each(&list.elts),
        Expr::Tuple(list) => each(&list.elts),
        Expr::Set(list) => each(&list.elts),
        Expr::Dict(dict) => dict.items.iter().any(|item| shares(&item.value, path)),
        Expr::Attribute(attribute) => !NEW.contains(&attribute.attr.as_str()),
        Expr::Call(call) => {
            let method = match &*call.func {
                Expr::Attribute(method) => NEW.contains(&method.attr.as_str()),
                _ => false,
            };
            !method && !path(&call.func).is_some_and(|path| gives_new(&path))
        }
        _ => true,
    }
}

/// A value that nothing can change in place.
pub(super) fn is_frozen(expr: &Expr, path: &dyn Fn(&Expr) -> Option<String>) -> bool {
    match expr {
        Expr::Tuple(list) => list.elts.iter().all(|one| is_frozen(one, path)),
        Expr::BinOp(sum) => is_frozen(&sum.left, path) && is_frozen(&sum.right, path),
        Expr::UnaryOp(_) | Expr::Compare(_) | Expr::FString(_) => true,
        Expr::Call(call) => path(&call.func).is_some_and(|path| {
            matches!(
                &*path,
                "bool"
                    | "bytes"
                    | "float"
                    | "frozenset"
                    | "int"
                    | "len"
                    | "os.getenv"
                    | "os.environ.get"
                    | "pathlib.Path"
                    | "range"
                    | "re.compile"
                    | "str"
                    | "sum"
            )
        }),
        _ => expr.is_literal_expr(),
    }
}

/// A function of Python that reads neither docstring nor hints of what it is given.
pub(super) fn is_blind(path: &str) -> bool {
    (is_builtin_name(path) || stdlib::is_standard(path)) && Reader::of_function(path).is_none()
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
