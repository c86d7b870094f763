//! The tree of a Python value, and how to walk it.
//!
//! Invariants: strings are UTF-8 in which lone surrogates may stand as three bytes (Python's `surrogatepass`);
//! `BigInt` holds minimal little-endian two's complement that does not fit an `i64`; the arguments of a [`Make`]
//! are tuples. A value that [`super::pickle::read`] made nests at most [`super::pickle::MAX_DEPTH`] levels, so
//! recursion over it (and dropping it) is safe on any stack.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// A Python string, exactly: UTF-8, where lone surrogates are kept as three bytes each.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Bytes);

impl Text {
    /// Takes bytes that Python would decode with `surrogatepass`; `None` when it would refuse them.
    pub fn from_bytes(bytes: Bytes) -> Option<Self> {
        let mut rest: &[u8] = &bytes;
        while let Err(error) = std::str::from_utf8(rest) {
            rest = rest.get(error.valid_up_to()..)?;
            match rest {
                [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => rest = rest.get(3..)?,
                _ => return None,
            }
        }
        Some(Text(bytes))
    }

    /// The bytes as a pickle holds them.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The text, unless it holds a lone surrogate.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text with a replacement character for every lone surrogate.
    pub fn to_str(&self) -> Cow<'_, str> {
        lossy(&self.0)
    }

    /// At most the first `chars` characters, and whether that is all; looks at no more than it must.
    pub fn head(&self, chars: usize) -> (Cow<'_, str>, bool) {
        let mut end = self.0.len().min(chars.saturating_mul(4));
        // Step back to the start of a character, so that none is torn.
        while end < self.0.len() && end > 0 && self.0[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        let text = lossy(&self.0[..end]);
        match text.char_indices().nth(chars) {
            Some((cut, _)) => (Cow::Owned(text[..cut].to_owned()), false),
            None => (text, end == self.0.len()),
        }
    }
}

/// Surrogates take three bytes that are invalid one by one; they become one replacement character.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let text = String::from_utf8_lossy(bytes);
            Cow::Owned(text.replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}"))
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(Bytes::from(text.into_bytes()))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str(), f)
    }
}

/// A name in a module: a class or a function. Never resolved.
#[derive(Clone, PartialEq, Debug)]
pub struct Global {
    /// The module, e.g. `collections`.
    pub module: Text,
    /// The qualified name in it, e.g. `OrderedDict`.
    pub name: Text,
}

/// How Python makes an object before filling it.
#[derive(Clone, PartialEq, Debug)]
pub enum Make {
    /// `callable(*args)`.
    Reduce {
        /// What is called: a global, or an object that evaluates to one.
        callable: Value,
        /// A tuple.
        args: Value,
    },
    /// `cls.__new__(cls, *args, **kwargs)`.
    New {
        /// The class.
        cls: Value,
        /// A tuple.
        args: Value,
        /// A dict, only for `NEWOBJ_EX`.
        kwargs: Option<Value>,
    },
}

impl Make {
    /// The callable or the class.
    pub fn callable(&self) -> &Value {
        match self {
            Make::Reduce { callable, .. } => callable,
            Make::New { cls, .. } => cls,
        }
    }

    /// The positional arguments.
    pub fn args(&self) -> &[Value] {
        match self {
            Make::Reduce { args: Value::Tuple(args), .. } | Make::New { args: Value::Tuple(args), .. } => {
                args
            }
            _ => &[],
        }
    }
}

/// An instance: how it is made, then filled in this order.
#[derive(Clone, PartialEq, Debug)]
pub struct Object {
    /// How it is made.
    pub make: Make,
    /// What is appended to it (`APPENDS`).
    pub items: Vec<Value>,
    /// What is set in it (`SETITEMS`).
    pub pairs: Vec<(Value, Value)>,
    /// What is added to it (`ADDITEMS`).
    pub added: Vec<Value>,
    /// What `__setstate__` gets, or its `__dict__` (`BUILD`).
    pub state: Option<Value>,
}

impl Object {
    /// Module and name of the class or function that makes it, when it is a plain global.
    pub fn global(&self) -> Option<(&str, &str)> {
        self.make.callable().as_global()
    }
}

/// A Python value. Clones are cheap.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// Any other integer: minimal little-endian two's complement.
    BigInt(Bytes),
    /// A float, bit for bit.
    Float(f64),
    /// A string.
    Str(Text),
    /// Bytes.
    Bytes(Bytes),
    /// A bytearray.
    ByteArray(Bytes),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A tuple.
    Tuple(Arc<Vec<Value>>),
    /// A dict in insertion order.
    Dict(Arc<Vec<(Value, Value)>>),
    /// A set, in no particular order.
    Set(Arc<Vec<Value>>),
    /// A frozenset, in no particular order.
    FrozenSet(Arc<Vec<Value>>),
    /// A class or function by name.
    Global(Arc<Global>),
    /// Any other instance.
    Object(Arc<Object>),
    /// A pickle that is kept as it is: it holds aliases, or cannot be read symbolically.
    Raw(Bytes),
    /// Where a lossy reading gave up, and why. Never written to a pickle.
    Opaque(&'static str),
}

/// How many entries of a dict a look-up by name examines.
const LOOKED_AT: usize = 256;

impl Value {
    /// A string value.
    pub fn str(text: &str) -> Self {
        Value::Str(Text::from(text))
    }

    /// A list value.
    pub fn list(items: Vec<Value>) -> Self {
        Value::List(Arc::new(items))
    }

    /// A tuple value.
    pub fn tuple(items: Vec<Value>) -> Self {
        Value::Tuple(Arc::new(items))
    }

    /// A dict value.
    pub fn dict(pairs: Vec<(Value, Value)>) -> Self {
        Value::Dict(Arc::new(pairs))
    }

    /// A global by name.
    pub fn global(module: &str, name: &str) -> Self {
        Value::Global(Arc::new(Global { module: Text::from(module), name: Text::from(name) }))
    }

    /// `callable(*args)` with nothing filled in.
    pub fn reduce(callable: Value, args: Vec<Value>) -> Self {
        Value::Object(Arc::new(Object {
            make: Make::Reduce { callable, args: Value::tuple(args) },
            items: Vec::new(),
            pairs: Vec::new(),
            added: Vec::new(),
            state: None,
        }))
    }

    /// An integer of little-endian two's complement bytes of any length.
    pub fn int_from_le(bytes: &[u8]) -> Self {
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let fill = if negative { 0xff } else { 0 };
        let mut len = bytes.len();
        while len > 1 && bytes[len - 1] == fill && (bytes[len - 2] & 0x80 != 0) == negative {
            len -= 1;
        }
        if len <= 8 {
            let mut word = [fill; 8];
            word[..len].copy_from_slice(&bytes[..len]);
            return Value::Int(i64::from_le_bytes(word));
        }
        Value::BigInt(Bytes::copy_from_slice(&bytes[..len]))
    }

    /// The text of a string without lone surrogates.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => text.as_str(),
            _ => None,
        }
    }

    /// Module and name of a global.
    pub fn as_global(&self) -> Option<(&str, &str)> {
        match self {
            Value::Global(global) => Some((global.module.as_str()?, global.name.as_str()?)),
            _ => None,
        }
    }

    /// The elements of a list, tuple, set or frozenset.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
                Some(items)
            }
            _ => None,
        }
    }

    /// The entries of a dict.
    pub fn as_dict(&self) -> Option<&[(Value, Value)]> {
        match self {
            Value::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The named entries of a dict or the fields of an instance: of a plain object, a dataclass, one with
    /// slots, a pydantic model, a subclass of dict.
    pub fn fields(&self) -> Option<&[(Value, Value)]> {
        match self {
            Value::Dict(pairs) => Some(pairs),
            Value::Object(object) => match &object.state {
                Some(Value::Dict(state)) => match lookup(state, "__dict__") {
                    Some(Value::Dict(inner)) if lookup(state, "__pydantic_fields_set__").is_some() => {
                        Some(inner)
                    }
                    _ => Some(state),
                },
                // `(None, {slot: value})` of classes with `__slots__`.
                Some(Value::Tuple(pair)) => match pair.as_slice() {
                    [Value::None, Value::Dict(slots)] => Some(slots),
                    [Value::Dict(dict), Value::None] => Some(dict),
                    _ => None,
                },
                _ if !object.pairs.is_empty() => Some(&object.pairs),
                _ => None,
            },
            _ => None,
        }
    }

    /// One of [`Value::fields`] by name; looks at the first few hundred only. What a pydantic model keeps beside
    /// its declared fields counts too.
    pub fn field(&self, name: &str) -> Option<&Value> {
        lookup(self.fields()?, name).or_else(|| match self {
            Value::Object(object) => match object.state.as_ref()?.get("__pydantic_extra__")? {
                Value::Dict(extra) => lookup(extra, name),
                _ => None,
            },
            _ => None,
        })
    }

    /// The entry of a dict with this string as key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        lookup(self.as_dict()?, key)
    }
}

fn lookup<'v>(pairs: &'v [(Value, Value)], name: &str) -> Option<&'v Value> {
    pairs.iter().take(LOOKED_AT).find_map(|(key, value)| match key {
        Value::Str(text) if text == name => Some(value),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_lone_surrogates_and_refuses_garbage() {
        let text = Text::from_bytes(Bytes::from_static(b"a\xed\xb2\x80b")).unwrap();
        assert_eq!(text.to_str(), "a\u{fffd}b");
        assert_eq!(text.as_str(), None);
        assert!(Text::from_bytes(Bytes::from_static(b"\xff")).is_none());
        assert!(Text::from_bytes(Bytes::from_static(b"\xed\xa0")).is_none());
    }

    #[test]
    fn heads_do_not_tear_characters() {
        let text = Text::from("日本語日本語");
        assert_eq!(text.head(2), (Cow::Owned("日本".to_owned()), false));
        assert!(text.head(6).1);
        assert_eq!(Text::from("abc").head(3), (Cow::Borrowed("abc"), true));
    }

    #[test]
    fn integers_are_minimal() {
        assert_eq!(Value::int_from_le(&[]), Value::Int(0));
        assert_eq!(Value::int_from_le(&[0xff]), Value::Int(-1));
        assert_eq!(Value::int_from_le(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Value::Int(1));
        assert_eq!(Value::int_from_le(&[0, 0, 0, 0, 0, 0, 0, 0x80]), Value::Int(i64::MIN));
        assert!(
            matches!(Value::int_from_le(&[0, 0, 0, 0, 0, 0, 0, 0x80, 0]), Value::BigInt(b) if b.len() == 9)
        );
    }
}
