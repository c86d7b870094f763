//! The fields of a dict or an instance, read once.

use super::super::lazy::{Child, Key, Kind, Place, Reader};
use super::super::store::UnpackError;

/// Blocks and calls of one message that are read.
const BLOCKS: usize = 200;
/// Bytes of a name.
const NAME: usize = 200;

type Read<T> = Result<T, UnpackError>;

/// The fields of a message, read once.
pub(in crate::value) struct Fields<'r, 's> {
    pub(in crate::value) reader: &'r Reader<'s>,
    pub(in crate::value) fields: Vec<Child>,
}

impl<'r, 's> Fields<'r, 's> {
    pub(in crate::value) fn of(reader: &'r Reader<'s>, place: &Place) -> Read<Option<Self>> {
        let shape = reader.shape(place)?;
        if !matches!(shape.kind, Kind::Dict | Kind::Object) || shape.scalar.is_some() {
            return Ok(None);
        }
        Ok(Some(Fields { reader, fields: reader.children(place, 0, 64)? }))
    }

    pub(in crate::value) fn get(&self, name: &str) -> Option<&Place> {
        let found = self.fields.iter().find(|child| matches!(&child.key, Key::Name(key) if key == name));
        found.map(|child| &child.place)
    }

    /// A short string.
    pub(in crate::value) fn text(&self, name: &str) -> Read<Option<String>> {
        let Some(place) = self.get(name) else { return Ok(None) };
        if self.reader.shape(place)?.kind != Kind::Str {
            return Ok(None);
        }
        Ok(Some(self.reader.text(place, 0, NAME)?.text))
    }

    pub(in crate::value) fn kind(&self, name: &str) -> Read<Option<Kind>> {
        self.get(name).map(|place| self.reader.shape(place).map(|shape| shape.kind)).transpose()
    }

    pub(in crate::value) fn inner(&self, name: &str) -> Read<Option<Fields<'r, 's>>> {
        match self.get(name) {
            Some(place) => Fields::of(self.reader, place),
            None => Ok(None),
        }
    }

    /// Elements of a list.
    pub(in crate::value) fn items(&self, name: &str) -> Read<Vec<Place>> {
        let Some(place) = self.get(name) else { return Ok(Vec::new()) };
        if !matches!(self.reader.shape(place)?.kind, Kind::List | Kind::Tuple) {
            return Ok(Vec::new());
        }
        Ok(self.reader.children(place, 0, BLOCKS)?.into_iter().map(|child| child.place).collect())
    }
}
