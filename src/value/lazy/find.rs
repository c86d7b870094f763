//! The next place inside a value that holds a text.

use super::super::store::UnpackError;
use super::super::tree::Value;
use super::super::view;
use super::reader::{Read, Reader};
use super::{Child, Kind, Place};

/// How a search ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// Here: the positions of the children that lead there from the root; empty for the root itself. Search on
    /// from it to find the next one.
    Here(Vec<u64>),
    /// Nowhere after where the search began.
    Nowhere,
    /// As much was read as was allowed. Search on from this path.
    Paused(Vec<u64>),
}

impl Found {
    /// Where it was found.
    pub fn path(&self) -> Option<&[u64]> {
        match self {
            Found::Here(path) => Some(path),
            _ => None,
        }
    }
}

/// Children that are read at once.
const WINDOW: usize = 64;
/// Bytes of a string that are read at once; windows overlap by the length of what is looked for.
const PIECE: usize = 1 << 20;
/// Levels that are searched; nothing that was read from a pickle is deeper.
const MAX_DEPTH: usize = 280;

struct Search<'r, 's> {
    reader: &'r Reader<'s>,
    needle: String,
    budget: usize,
    path: Vec<u64>,
}

impl Reader<'_> {
    /// The first place after `after` (in the order in which a tree shows it; `None`: from the root on) whose name or
    /// text holds `needle`, in upper or lower case. Reads about `budget` bytes, then pauses.
    pub fn find(
        &self,
        root: &Place,
        needle: &str,
        after: Option<&[u64]>,
        budget: usize,
    ) -> Result<Found, UnpackError> {
        if needle.is_empty() {
            return Ok(Found::Nowhere);
        }
        let mut search = Search { reader: self, needle: needle.to_lowercase(), budget, path: Vec::new() };
        if after.is_none() && search.holds(root)? {
            return Ok(Found::Here(Vec::new()));
        }
        search.below(root, after.unwrap_or_default())
    }

    /// The place that a path of [`Reader::find`] leads to, and what it is called.
    pub fn at(&self, root: &Place, path: &[u64]) -> Result<Option<Child>, UnpackError> {
        let mut place = root.clone();
        let mut child = None;
        for position in path {
            let Some(next) = self.children(&place, *position, 1)?.pop() else { return Ok(None) };
            place = next.place.clone();
            child = Some(next);
        }
        Ok(child)
    }
}

impl Search<'_, '_> {
    /// Looks at the children of a place, after those that `after` leads to.
    fn below(&mut self, place: &Place, after: &[u64]) -> Read<Found> {
        if self.path.len() >= MAX_DEPTH {
            return Ok(Found::Nowhere);
        }
        let shape = self.reader.shape(place)?;
        let mut at = after.first().copied().unwrap_or(0);
        let mut inside = after.get(1..);
        while at < shape.count && shape.kind.has_children() && shape.scalar.is_none() {
            let children = self.reader.children(place, at, WINDOW)?;
            if children.is_empty() {
                break;
            }
            for child in children {
                self.path.push(at);
                // What `after` names was looked at before, but not all that is inside.
                let resumed = inside.take().filter(|_| !after.is_empty());
                if resumed.is_none() {
                    if self.budget == 0 {
                        return Ok(Found::Paused(self.before()));
                    }
                    self.budget = self.budget.saturating_sub(32);
                    if self.named(&child) || self.holds(&child.place)? {
                        return Ok(Found::Here(self.path.clone()));
                    }
                }
                match self.below(&child.place, resumed.unwrap_or_default())? {
                    Found::Nowhere => {}
                    found => return Ok(found),
                }
                self.path.pop();
                at += 1;
            }
        }
        Ok(Found::Nowhere)
    }

    /// The path after which the search goes on with the current one: of the sibling before it, or the parent.
    fn before(&self) -> Vec<u64> {
        let mut path = self.path.clone();
        match path.last_mut() {
            Some(last) if *last > 0 => {
                *last -= 1;
                // All inside that sibling was looked at.
                path.push(u64::MAX);
            }
            _ => {
                path.pop();
            }
        }
        path
    }

    fn named(&self, child: &Child) -> bool {
        !matches!(child.key, super::Key::Index(_)) && child.key.words().to_lowercase().contains(&self.needle)
    }

    /// Whether the text of a place itself holds what is looked for.
    fn holds(&mut self, place: &Place) -> Read<bool> {
        let shape = self.reader.shape(place)?;
        let own = match shape.kind {
            Kind::Str => return self.in_text(place, shape.count),
            Kind::Bytes | Kind::ByteArray | Kind::Opaque => return Ok(false),
            _ if shape.scalar.is_some() => shape.scalar.clone(),
            Kind::Object => shape.class.clone(),
            kind if kind.has_children() => None,
            _ => {
                let mut text = None;
                let value: Value = self.reader.load(&self.reader.resolve(place)?)?;
                view::any_text(&value, &mut |found| {
                    text = Some(found.to_owned());
                    true
                });
                text
            }
        };
        Ok(own.is_some_and(|text| text.to_lowercase().contains(&self.needle)))
    }

    fn in_text(&mut self, place: &Place, total: u64) -> Read<bool> {
        let mut from = 0;
        loop {
            let window = self.reader.text(place, from, PIECE.max(4 * self.needle.len()))?;
            self.budget = self.budget.saturating_sub(window.text.len());
            if window.text.to_lowercase().contains(&self.needle) {
                return Ok(true);
            }
            if window.to >= total || window.to <= from {
                return Ok(false);
            }
            // Folding may change lengths; twice the needle is enough for what is cut by the window's end.
            let overlap = (2 * self.needle.len() as u64 + 8).min(window.to - window.from - 1);
            from = window.to - overlap;
        }
    }
}
