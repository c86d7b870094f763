//! Stored values of any size, compared where they differ.
//!
//! Values of up to [`WHOLE`] bytes are read and compared as [`super::value::compare`] does. Larger ones are walked from
//! the top: parts with one digest are equal and are not decoded, lists are aligned by the digests of their elements, long
//! texts and bytes are read piece by piece. A part that is small enough is compared as any other value, conversations by
//! turn included.
//!
//! Invariants: memory is bounded by the reader's, two windows of a text, and eight bytes for each element or line that is
//! aligned; what was not looked at within the bounds is said in `left_out`. [`Effort::First`] stops at the first place that
//! differs, and says that it is rough.

mod leaf;
mod list;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;

use super::value::{Change, ChangeKind, Detail, Differences, Hidden, Options, Path, compare, compare_at};
use crate::base::text;
use crate::model::ValueRef;
use crate::value::lazy::{Kind, Place, Reader};
use crate::value::view::{ViewLimits, to_json};
use crate::value::{NodeSource, UnpackError};

/// Smaller values are read as a whole.
pub const WHOLE: u64 = 8 << 20;
/// Smaller parts of larger ones are.
const PART: usize = 256 << 10;
const ELEMENTS: u64 = 200;
/// Differences that are told one by one.
const FOUND: usize = 200;
/// Entries of a dict that are compared by key.
const KEYS: u64 = 500_000;
/// Columns of what a part is about.
const GLANCE: usize = 100;

type Read<T> = Result<T, UnpackError>;

/// How long to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// Until something differs.
    First,
    /// Until everything was looked at, within bounds.
    All,
}

/// What differs between two stored values.
pub fn compare_stored(
    source: &dyn NodeSource,
    old: &ValueRef,
    new: &ValueRef,
    options: &Options,
    effort: Effort,
) -> Result<Differences, UnpackError> {
    if old.digest == new.digest {
        return Ok(Differences::default());
    }
    if old.size <= WHOLE && new.size <= WHOLE {
        let json = |value: &ValueRef| -> Read<Json> {
            let value = crate::value::load_value(&value.digest, value.inline.as_deref(), source)?;
            Ok(to_json(&value, &ViewLimits::full()).json)
        };
        return Ok(compare(&json(old)?, &json(new)?, options));
    }
    let reader = Reader::new(source);
    let a = reader.open(&old.digest, old.inline.as_deref())?;
    let b = reader.open(&new.digest, new.inline.as_deref())?;
    let mut walk = Walk::new(&reader, options, effort);
    walk.pair(&Path::default(), &a, &b)?;
    Ok(walk.ended())
}

struct Walk<'r, 's> {
    reader: &'r Reader<'s>,
    options: &'r Options,
    effort: Effort,
    found: Vec<Change>,
    hidden: BTreeMap<String, usize>,
    /// Differences that are not in `found`.
    more: usize,
    /// What was not looked at.
    left_out: Vec<String>,
}

impl<'r, 's> Walk<'r, 's> {
    fn new(reader: &'r Reader<'s>, options: &'r Options, effort: Effort) -> Self {
        let (found, hidden, left_out) = Default::default();
        Walk { reader, options, effort, found, hidden, more: 0, left_out }
    }

    fn ended(mut self) -> Differences {
        if self.more > 0 {
            self.left_out.insert(0, text::count(self.more as u64, "more difference"));
        }
        let hidden = self.hidden.into_iter().map(|(pattern, differences)| Hidden { pattern, differences });
        Differences {
            rough: self.effort == Effort::First,
            changes: self.found,
            hidden: hidden.collect(),
            left_out: (!self.left_out.is_empty()).then(|| self.left_out.join("; ")),
        }
    }

    /// Whether enough was found.
    fn done(&self) -> bool {
        self.effort == Effort::First && !self.found.is_empty()
    }

    fn push(&mut self, change: Change) {
        if let Some(pattern) = self.options.ignore.iter().find(|pattern| pattern.takes(&change.path)) {
            *self.hidden.entry(pattern.to_string()).or_default() += 1;
        } else if self.found.len() < FOUND {
            self.found.push(change);
        } else {
            self.more += 1;
        }
    }

    fn pair(&mut self, path: &Path, a: &Place, b: &Place) -> Read<()> {
        if self.done() || self.reader.mark(a)? == self.reader.mark(b)? {
            return Ok(());
        }
        if let Some(pattern) = self.options.ignore.iter().find(|pattern| pattern.takes(path)) {
            *self.hidden.entry(pattern.to_string()).or_default() += 1;
            return Ok(());
        }
        if let (Some(old), Some(new)) = (self.small(a)?, self.small(b)?) {
            let found = compare_at(path, &old, &new, self.options);
            found.changes.into_iter().for_each(|change| self.push(change));
            for one in found.hidden {
                *self.hidden.entry(one.pattern).or_default() += one.differences;
            }
            return Ok(());
        }
        let (was, now) = (self.reader.shape(a)?, self.reader.shape(b)?);
        if (was.kind, &was.class) != (now.kind, &now.class) {
            let change = self.other(path, a, b)?;
            self.push(change);
            return Ok(());
        }
        match now.kind {
            Kind::List => self.list(path, (a, was.count), (b, now.count)),
            Kind::Tuple => self.list(&path.key("$tuple"), (a, was.count), (b, now.count)),
            Kind::Set => self.list(&path.key("$set"), (a, was.count), (b, now.count)),
            Kind::FrozenSet => self.list(&path.key("$frozenset"), (a, was.count), (b, now.count)),
            Kind::Dict | Kind::Object if was.scalar.is_none() && was.count.max(now.count) <= KEYS => {
                self.keyed(path, (a, was.count), (b, now.count))
            }
            Kind::Str | Kind::Bytes | Kind::ByteArray => self.leaf(path, a, b, now.kind == Kind::Str),
            _ => {
                let change = self.other(path, a, b)?;
                self.push(change);
                Ok(())
            }
        }
    }

    /// A part as JSON, when it is small.
    fn small(&self, place: &Place) -> Read<Option<Json>> {
        // To weigh many elements is to read them.
        let shape = self.reader.shape(place)?;
        let many = if shape.kind.has_children() { ELEMENTS } else { PART as u64 };
        if shape.count > many || self.reader.weigh(place, PART)?.is_none() {
            return Ok(None);
        }
        Ok(Some(to_json(&self.reader.load(place)?, &ViewLimits::full()).json))
    }

    /// Two parts of which no more is told than what they are.
    fn other(&self, path: &Path, a: &Place, b: &Place) -> Read<Change> {
        let detail = Some(Detail::Large { old: self.words(a)?, new: self.words(b)? });
        Ok(Change {
            path: path.clone(),
            kind: ChangeKind::Changed,
            from: None,
            old: None,
            new: None,
            detail,
            within: Vec::new(),
        })
    }

    /// A part that only one side has.
    fn only(&mut self, path: Path, kind: ChangeKind, place: &Place) -> Read<()> {
        let gone = kind == ChangeKind::Removed;
        let change = match self.small(place)? {
            Some(json) => {
                let (old, new) = if gone { (Some(json), None) } else { (None, Some(json)) };
                Change { path, kind, from: None, old, new, detail: None, within: Vec::new() }
            }
            None => {
                let (words, none) = (self.words(place)?, String::new());
                let (old, new) = if gone { (words, none) } else { (none, words) };
                let detail = Some(Detail::Large { old, new });
                Change { path, kind, from: None, old: None, new: None, detail, within: Vec::new() }
            }
        };
        self.push(change);
        Ok(())
    }

    /// `list of 12 elements: [1, 2, …]`
    fn words(&self, place: &Place) -> Read<String> {
        let shape = self.reader.shape(place)?;
        let what = shape.class.as_deref().unwrap_or(shape.kind.word());
        let size = match shape.kind {
            Kind::Str | Kind::Bytes | Kind::ByteArray => format!(" of {}", text::bytes(shape.count)),
            kind if kind.has_children() => format!(" of {}", text::count(shape.count, "element")),
            _ => String::new(),
        };
        Ok(format!("{what}{size}: {}", self.reader.glance(place, GLANCE)?))
    }

    /// Dicts and instances: by key.
    fn keyed(&mut self, path: &Path, a: (&Place, u64), b: (&Place, u64)) -> Read<()> {
        let mut old: HashMap<String, (u64, u64)> = HashMap::new();
        self.each(a, |walk, at, name, place| {
            old.insert(name, (walk.reader.mark(place)?, at));
            Ok(())
        })?;
        let reader = self.reader;
        self.each(b, |walk, _, name, place| match old.remove(&name) {
            Some((mark, _)) if mark == walk.reader.mark(place)? => Ok(()),
            Some((_, at)) => match reader.children(a.0, at, 1)?.first() {
                Some(was) => walk.pair(&path.key(&name), &was.place, place),
                None => Ok(()),
            },
            None => walk.only(path.key(&name), ChangeKind::Added, place),
        })?;
        let mut gone: Vec<(u64, String)> = old.into_iter().map(|(name, (_, at))| (at, name)).collect();
        gone.sort_unstable();
        for (at, name) in gone {
            if self.done() {
                break;
            }
            if let Some(was) = reader.children(a.0, at, 1)?.first() {
                self.only(path.key(&name), ChangeKind::Removed, &was.place)?;
            }
        }
        Ok(())
    }

    fn each(
        &mut self,
        (place, count): (&Place, u64),
        mut what: impl FnMut(&mut Self, u64, String, &Place) -> Read<()>,
    ) -> Read<()> {
        let mut at = 0;
        while at < count && !self.done() {
            let window = self.reader.children(place, at, 512)?;
            if window.is_empty() {
                break;
            }
            for child in &window {
                what(self, at, child.key.words(), &child.place)?;
                at += 1;
            }
        }
        Ok(())
    }
}
