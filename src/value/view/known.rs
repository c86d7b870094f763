//! What common classes of the standard library mean, from the shapes that they pickle to.

use super::super::tree::{Object, Value};
use super::{encoding, times};

/// The dotted name of what makes an instance: `app.Plan`, `ValueError` for builtins.
pub(in crate::value) fn type_name(callable: &Value) -> String {
    match callable {
        Value::Global(global) => dotted(&global.module.to_str(), &global.name.to_str()),
        // `getattr(cls, name)`: a classmethod or a nested class.
        Value::Object(object) if object.global() == Some(("builtins", "getattr")) => match object.make.args()
        {
            [Value::Global(owner), name] => format!(
                "{}.{}",
                dotted(&owner.module.to_str(), &owner.name.to_str()),
                name.as_str().unwrap_or("?")
            ),
            _ => "?".to_owned(),
        },
        _ => "?".to_owned(),
    }
}

fn dotted(module: &str, name: &str) -> String {
    if module == "builtins" || module.is_empty() { name.to_owned() } else { format!("{module}.{name}") }
}

/// The last part of a dotted name.
pub(in crate::value) fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn number(value: &Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::BigInt(bytes) => Some(encoding::decimal(bytes)),
        _ => None,
    }
}

fn uuid(object: &Object) -> Option<String> {
    let bytes = match object.state.as_ref()?.get("int")? {
        Value::Int(number) => number.to_le_bytes().to_vec(),
        Value::BigInt(bytes) => bytes.to_vec(),
        _ => return None,
    };
    let mut hex = [0u8; 16];
    for (i, byte) in hex.iter_mut().rev().enumerate() {
        *byte = bytes.get(i).copied().unwrap_or(0);
    }
    let hex = crate::base::digest::hex(&hex);
    Some(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

fn path(args: &[Value]) -> Option<String> {
    let mut out = String::new();
    for part in args {
        let Value::Str(part) = part else { return None };
        if !out.is_empty() && !out.ends_with(['/', '\\']) {
            out.push('/');
        }
        out.push_str(&part.head(4096).0);
    }
    Some(if out.is_empty() { ".".to_owned() } else { out })
}

/// An instance that is best shown as one text: its tag and the text.
pub(super) fn scalar(object: &Object) -> Option<(&'static str, String)> {
    let args = object.make.args();
    match object.global()? {
        ("datetime", _) => times::iso(object),
        ("decimal", "Decimal") => match args {
            [Value::Str(digits)] => Some(("$decimal", digits.head(4096).0.into_owned())),
            _ => None,
        },
        ("uuid", "UUID") => Some(("$uuid", uuid(object)?)),
        ("pathlib" | "pathlib._local", _) => Some(("$path", path(args)?)),
        ("fractions", "Fraction") => match args {
            [numerator, denominator] => {
                Some(("$fraction", format!("{}/{}", number(numerator)?, number(denominator)?)))
            }
            [Value::Str(text)] => Some(("$fraction", text.head(4096).0.into_owned())),
            _ => None,
        },
        ("ipaddress", _) => match args {
            [Value::Str(text)] => Some(("$ip", text.head(200).0.into_owned())),
            _ => None,
        },
        _ => None,
    }
}

/// The class and value of what looks like a member of an enum: a class called with one plain value. Exceptions
/// and the classes of the standard library that pickle alike are told apart by name.
pub(super) fn enum_member(object: &Object) -> Option<(String, Value)> {
    let plain = object.state.is_none() && object.items.is_empty() && object.pairs.is_empty();
    if !plain || !matches!(object.make, super::super::tree::Make::Reduce { .. }) {
        return None;
    }
    let args = object.make.args();
    match object.global()? {
        // By name: `getattr(cls, 'RED')`, as Python 3.11 pickles some.
        ("builtins", "getattr") => match args {
            [Value::Global(owner), Value::Str(name)] => {
                let class = dotted(&owner.module.to_str(), &owner.name.to_str());
                Some((class, Value::Str(name.clone())))
            }
            _ => None,
        },
        ("builtins" | "collections" | "numpy" | "re" | "copyreg" | "functools" | "operator", _) => None,
        (module, name)
            if module.starts_with("numpy.") || module.starts_with("pandas") || is_exception(name) =>
        {
            None
        }
        (module, name) => match args {
            [value @ (Value::Int(_) | Value::Str(_) | Value::Float(_) | Value::Bool(_))]
                if short_name(name).starts_with(char::is_uppercase) =>
            {
                Some((dotted(module, name), value.clone()))
            }
            _ => None,
        },
    }
}

/// Whether a class is an exception, by the look of its name.
pub(super) fn is_exception(name: &str) -> bool {
    ["Error", "Exception", "Warning", "Interrupt", "Exit", "Iteration"].iter().any(|end| name.ends_with(end))
}
