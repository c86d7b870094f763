//! One line about a place, from as much of it as one line can show.

use std::sync::Arc;

use super::super::store::UnpackError;
use super::super::tree::{Text, Value};
use super::super::view;
use super::reader::{Read, Reader};
use super::{Child, Kind, Place};

/// Levels that are looked into.
const LEVELS: usize = 3;
/// Elements of one container.
const ELEMENTS: usize = 8;
/// Nodes and places in one glance.
const PLACES: usize = 120;
/// Bytes of one string.
const STRING: usize = 600;

impl Reader<'_> {
    /// One line about a place, like the preview of a call: unsanitised, at most `chars` characters.
    pub fn glance(&self, place: &Place, chars: usize) -> Result<String, UnpackError> {
        let shape = self.shape(place)?;
        if shape.kind.has_children() && shape.count > ELEMENTS as u64 && shape.scalar.is_none() {
            return self.many(place, &shape, chars);
        }
        let mut left = PLACES;
        Ok(view::preview(&self.outline(place, LEVELS, &mut left)?, chars))
    }

    /// A container of which only the beginning can be shown.
    fn many(&self, place: &Place, shape: &super::Shape, chars: usize) -> Read<String> {
        let first = self.children(place, 0, 1)?;
        let messages = match first.first() {
            Some(child) if shape.kind == Kind::List => self.field(&child.place, "role")?.is_some(),
            _ => false,
        };
        let count = shape.count;
        if messages {
            return Ok(format!("{count} msgs"));
        }
        let (unit, mut left) = (if shape.kind == Kind::Dict { "key" } else { "item" }, PLACES);
        if shape.kind == Kind::Object {
            let class = shape.class.as_deref().unwrap_or("?");
            return Ok(view::short_name(class).to_owned() + "(…)");
        }
        let mut out = crate::base::text::count(count, unit);
        if shape.kind == Kind::Dict {
            let outline = self.outline(place, 1, &mut left)?;
            let names = outline.as_dict().unwrap_or_default().iter().map(|(key, _)| view::preview(key, 40));
            out = format!("{out}: {}, …", names.collect::<Vec<_>>().join(", ").replace('"', ""));
        }
        Ok(view::preview(&Value::str(&out), chars + 2).trim_matches('"').to_owned())
    }

    /// A value with what does not fit a line left out.
    fn outline(&self, place: &Place, levels: usize, left: &mut usize) -> Read<Value> {
        let Some(rest) = left.checked_sub(1) else { return Ok(Value::Opaque("…")) };
        *left = rest;
        let shape = self.shape(place)?;
        match shape.kind {
            Kind::Str => {
                let window = self.text(place, 0, STRING)?;
                let cut = if window.to < window.total { "…" } else { "" };
                Ok(Value::Str(Text::from(window.text + cut)))
            }
            // Only the length is shown; the bytes themselves are not read.
            Kind::Bytes | Kind::ByteArray => {
                let len = usize::try_from(shape.count).unwrap_or(usize::MAX);
                Ok(if len <= super::super::store::format::BLOB_SIZE {
                    self.load(&self.resolve(place)?)?
                } else {
                    Value::Global(Arc::new(super::super::tree::Global {
                        module: Text::from(""),
                        name: Text::from(format!(
                            "{} {}",
                            shape.kind.word(),
                            crate::base::text::bytes(shape.count)
                        )),
                    }))
                })
            }
            kind if !kind.has_children() || shape.scalar.is_some() => self.load(&self.resolve(place)?),
            _ if levels == 0 => Ok(Value::Opaque("…")),
            kind => {
                let children = self.children(place, 0, ELEMENTS)?;
                self.container(kind, &shape, children, levels - 1, left)
            }
        }
    }

    fn container(
        &self,
        kind: Kind,
        shape: &super::Shape,
        children: Vec<Child>,
        levels: usize,
        left: &mut usize,
    ) -> Read<Value> {
        let more = shape.count > children.len() as u64;
        let mut keys = Vec::with_capacity(children.len());
        let mut values = Vec::with_capacity(children.len());
        for child in children {
            keys.push(Value::str(&child.key.words()));
            values.push(self.outline(&child.place, levels, left)?);
        }
        if more && !matches!(kind, Kind::Dict | Kind::Object) {
            values.push(Value::Opaque("…"));
        }
        let pairs = || keys.into_iter().zip(values.clone()).collect::<Vec<_>>();
        Ok(match kind {
            Kind::Tuple => Value::tuple(values),
            Kind::Set => Value::Set(Arc::new(values)),
            Kind::FrozenSet => Value::FrozenSet(Arc::new(values)),
            Kind::Dict => Value::dict(pairs()),
            Kind::Object => Value::Object(Arc::new(super::super::tree::Object {
                make: super::super::tree::Make::New {
                    cls: Value::global("", shape.class.as_deref().unwrap_or("?")),
                    args: Value::tuple(Vec::new()),
                    kwargs: None,
                },
                items: Vec::new(),
                pairs: Vec::new(),
                added: Vec::new(),
                state: Some(Value::dict(pairs())),
            })),
            _ => Value::list(values),
        })
    }

    /// The child with this name among the first few hundred.
    pub fn field(&self, place: &Place, name: &str) -> Result<Option<Place>, UnpackError> {
        if !matches!(self.shape(place)?.kind, Kind::Dict | Kind::Object) {
            return Ok(None);
        }
        let children = self.children(place, 0, 256)?;
        let found =
            children.into_iter().find(|child| matches!(&child.key, super::Key::Name(key) if key == name));
        Ok(found.map(|child| child.place))
    }
}
