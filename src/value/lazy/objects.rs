//! Instances: their class, what known classes mean, and their fields as children.

use std::sync::Arc;

use super::super::store::UnpackError;
use super::super::store::format::*;
use super::super::tree::{Make, Object, Value};
use super::super::view;
use super::reader::{Read, Reader};
use super::scan;
use super::{At, Child, Key, Kind, Place, Shape};

/// Objects of more encoded bytes are never looked at as a whole to see what they mean.
const SMALL_OBJECT: usize = LARGE;

/// Children of an object: fields of a dict, or one named part.
enum Part {
    Fields(Place, u64),
    Named(&'static str, Place),
}

impl Reader<'_> {
    pub(super) fn object_shape(&self, place: &Place) -> Read<Shape> {
        let (class, scalar) = match &place.0 {
            At::Loaded(Value::Object(object)) => {
                (view::type_name(object.make.callable()), view::scalar_text(object))
            }
            At::Node { digest, data, pos } => {
                let mut cursor = Cursor { data, pos: pos + 1 };
                let parts = scan::object(&mut cursor).ok_or(UnpackError::Damaged(*digest))?;
                let callable = parts.at.first().copied().ok_or(UnpackError::Damaged(*digest))?;
                let callable = Place(At::Node { digest: *digest, data: data.clone(), pos: callable });
                let small = cursor.pos - pos <= SMALL_OBJECT && !refers(&data[*pos..cursor.pos]);
                let scalar = match small.then(|| self.load(place)).transpose()? {
                    Some(Value::Object(object)) => view::scalar_text(&object),
                    _ => None,
                };
                (view::type_name(&self.load(&callable)?), scalar)
            }
            _ => return Err(self.damaged(place)),
        };
        let count = match &scalar {
            Some(_) => 0,
            None => self
                .object_parts(place)?
                .iter()
                .map(|part| match part {
                    Part::Fields(_, count) => *count,
                    Part::Named(..) => 1,
                })
                .sum(),
        };
        Ok(Shape { kind: Kind::Object, count, class: Some(class), scalar })
    }

    fn object_parts(&self, place: &Place) -> Read<Vec<Part>> {
        let mut parts = Vec::new();
        match &place.0 {
            At::Loaded(Value::Object(object)) => self.loaded_parts(object, &mut parts)?,
            At::Node { digest, data, pos } => {
                let mut cursor = Cursor { data, pos: pos + 1 };
                let found = scan::object(&mut cursor).ok_or(UnpackError::Damaged(*digest))?;
                let at = |pos: usize| Place(At::Node { digest: *digest, data: data.clone(), pos });
                if let Some(pos) = found.at.get(1)
                    && self.shape(&at(*pos))?.count > 0
                {
                    parts.push(Part::Named("args", at(*pos)));
                }
                for (flag, name) in [(HAS_KWARGS, "kwargs"), (HAS_ITEMS, "items"), (HAS_ADDED, "added")] {
                    parts.extend(found.of(flag).map(|pos| Part::Named(name, at(pos))));
                }
                if let Some(pos) = found.of(HAS_PAIRS) {
                    self.fields_or("entries", at(pos), &mut parts)?;
                }
                if let Some(pos) = found.of(HAS_STATE) {
                    self.state(at(pos), &mut parts)?;
                }
            }
            _ => return Err(self.damaged(place)),
        }
        Ok(parts)
    }

    fn loaded_parts(&self, object: &Object, parts: &mut Vec<Part>) -> Read<()> {
        let list = |items: &[Value]| Place::from(Value::List(Arc::new(items.to_vec())));
        if !object.make.args().is_empty() {
            parts.push(Part::Named("args", Place::from(Value::tuple(object.make.args().to_vec()))));
        }
        if let Make::New { kwargs: Some(kwargs), .. } = &object.make {
            parts.push(Part::Named("kwargs", Place::from(kwargs.clone())));
        }
        for (name, items) in [("items", &object.items), ("added", &object.added)] {
            if !items.is_empty() {
                parts.push(Part::Named(name, list(items)));
            }
        }
        if !object.pairs.is_empty() {
            self.fields_or("entries", Place::from(Value::dict(object.pairs.clone())), parts)?;
        }
        match &object.state {
            Some(state) => self.state(Place::from(state.clone()), parts),
            None => Ok(()),
        }
    }

    /// A dict's entries as fields, anything else under a name.
    fn fields_or(&self, name: &'static str, place: Place, parts: &mut Vec<Part>) -> Read<()> {
        let shape = self.shape(&place)?;
        match shape.kind {
            Kind::None => {}
            Kind::Dict => parts.push(Part::Fields(place, shape.count)),
            _ => parts.push(Part::Named(name, place)),
        }
        Ok(())
    }

    /// What `__setstate__` gets: fields, the fields inside a pydantic model's state, or slots.
    fn state(&self, place: Place, parts: &mut Vec<Part>) -> Read<()> {
        let shape = self.shape(&place)?;
        if shape.kind == Kind::Tuple && shape.count == 2 {
            let pair = self.children(&place, 0, 2)?;
            let kinds: Read<Vec<Kind>> =
                pair.iter().map(|child| self.shape(&child.place).map(|shape| shape.kind)).collect();
            if kinds?.iter().all(|kind| matches!(kind, Kind::None | Kind::Dict)) {
                return pair.into_iter().try_for_each(|child| self.fields_or("state", child.place, parts));
            }
        }
        if shape.kind == Kind::Dict && shape.count <= 8 {
            let fields = self.children(&place, 0, 8)?;
            let of = |name: &str| fields.iter().find(|child| child.key == Key::Name(name.to_owned()));
            if let (Some(inner), Some(_)) = (of("__dict__"), of("__pydantic_fields_set__")) {
                self.fields_or("state", inner.place.clone(), parts)?;
                return match of("__pydantic_extra__") {
                    Some(extra) => self.fields_or("extra", extra.place.clone(), parts),
                    None => Ok(()),
                };
            }
        }
        self.fields_or("state", place, parts)
    }

    pub(super) fn object_children(&self, place: &Place, skip: u64, limit: usize) -> Read<Vec<Child>> {
        let (mut skip, mut left) = (skip, limit);
        let mut out = Vec::new();
        for part in self.object_parts(place)? {
            let count = match &part {
                Part::Fields(_, count) => *count,
                Part::Named(..) => 1,
            };
            if skip >= count {
                skip -= count;
                continue;
            }
            match part {
                Part::Fields(dict, _) => out.extend(self.children(&dict, skip, left)?),
                Part::Named(name, place) if left > 0 => {
                    out.push(Child { key: Key::Name(name.to_owned()), place });
                }
                Part::Named(..) => {}
            }
            skip = 0;
            left = limit - out.len();
        }
        Ok(out)
    }
}

/// Whether encoded bytes refer to other nodes. Conservative: a byte that looks like a reference counts.
pub(super) fn refers(data: &[u8]) -> bool {
    !super::super::store::children(&[&[VERSION], data].concat()).is_empty()
}
