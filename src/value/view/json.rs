//! Values as JSON: plain data as it is, everything else under a tag that begins with `$`.

use serde_json::{Map, Value as Json, json};

use super::super::tree::{Text, Value};
use super::{View, ViewLimits, arrays, encoding, instances, known, preview};

/// The JSON view of a value within limits. What is left out is marked in place (`$more`, `$cut`, `…`) and told
/// in [`View::cut`].
pub fn to_json(value: &Value, limits: &ViewLimits) -> View {
    let mut viewer = Viewer::new(limits);
    let json = viewer.value(value, 0);
    View { json, cut: viewer.cut() }
}

#[derive(Default)]
pub(in crate::value) struct Cuts {
    pub items: u64,
    pub strings: u64,
    pub bytes: u64,
    depth: u64,
    total: bool,
}

impl Cuts {
    fn words(&self, limits: &ViewLimits) -> Option<String> {
        let mut parts = Vec::new();
        if self.total {
            parts.push(format!("stopped after {}", crate::base::text::bytes(limits.max_bytes as u64)));
        }
        if self.items > 0 {
            parts.push(format!("{} not shown", crate::base::text::count(self.items, "item")));
        }
        if self.strings > 0 {
            parts.push(format!("{} shortened", crate::base::text::count(self.strings, "string")));
        }
        if self.bytes > 0 {
            parts.push(format!("{} shortened", crate::base::text::count(self.bytes, "byte string")));
        }
        if self.depth > 0 {
            parts.push(format!("nesting beyond {} levels not shown", limits.max_depth));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

pub(in crate::value) struct Viewer {
    pub limits: ViewLimits,
    left: usize,
    pub cuts: Cuts,
}

/// An object with one entry.
pub(in crate::value) fn tagged(tag: &str, content: impl Into<Json>) -> Json {
    let mut map = Map::new();
    map.insert(tag.to_owned(), content.into());
    Json::Object(map)
}

impl Viewer {
    pub(in crate::value) fn new(limits: &ViewLimits) -> Self {
        Viewer { limits: *limits, left: limits.max_bytes, cuts: Cuts::default() }
    }

    /// What was left out so far, in words.
    pub(in crate::value) fn cut(&self) -> Option<String> {
        self.cuts.words(&self.limits)
    }

    /// Whether something at this depth is not shown; pays for it or for its mark.
    pub(in crate::value) fn too_deep(&mut self, depth: usize, nested: bool) -> bool {
        let cut = nested && depth >= self.limits.max_depth;
        self.cuts.depth += u64::from(cut);
        self.spend(if cut { 40 } else { 4 });
        cut
    }

    pub(in crate::value) fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// How many of `count` elements may be shown, as far as is known before showing them.
    fn room(&self, count: usize) -> usize {
        count.min(self.limits.max_items)
    }

    /// Whether the budget is used up; remembers that something was left out for it.
    pub(in crate::value) fn exhausted(&mut self) -> bool {
        self.cuts.total |= self.left == 0;
        self.left == 0
    }

    /// Notes elements that are not shown; the marker that says so in place.
    pub(in crate::value) fn more(&mut self, hidden: usize) -> Option<Json> {
        if hidden == 0 {
            return None;
        }
        self.cuts.items += hidden as u64;
        Some(Json::from(hidden))
    }

    pub(in crate::value) fn value(&mut self, value: &Value, depth: usize) -> Json {
        let nested = !matches!(
            value,
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::BigInt(_)
        );
        if self.too_deep(depth, nested) {
            return tagged("$cut", preview::preview(value, 60));
        }
        match value {
            Value::None => Json::Null,
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Int(number) => Json::from(*number),
            Value::BigInt(bytes) => {
                let digits = encoding::decimal(bytes);
                self.spend(digits.len());
                tagged("$int", digits)
            }
            Value::Float(number) => arrays::float(*number),
            Value::Str(text) => self.string(text),
            Value::Bytes(bytes) => self.bytes("$bytes", bytes),
            Value::ByteArray(bytes) => self.bytes("$bytearray", bytes),
            Value::List(items) => Json::Array(self.items(items, depth)),
            Value::Tuple(items) => tagged("$tuple", self.items(items, depth)),
            Value::Set(items) => tagged("$set", self.items(items, depth)),
            Value::FrozenSet(items) => tagged("$frozenset", self.items(items, depth)),
            Value::Dict(pairs) => self.dict(pairs, depth),
            Value::Global(_) => {
                let name = known::type_name(value);
                self.spend(name.len());
                tagged("$global", name)
            }
            Value::Object(object) => instances::view(self, object, depth),
            Value::Raw(pickle) => json!({"$pickle": "kept as it is", "size": pickle.len()}),
            Value::Opaque(reason) => tagged("$opaque", *reason),
        }
    }

    /// Characters of a string, or bytes, that may be shown.
    pub(in crate::value) fn room_for_text(&self) -> usize {
        self.limits.max_string.min(self.left.max(16))
    }

    fn string(&mut self, text: &Text) -> Json {
        self.beginning(text, true)
    }

    /// A string of which this is at least as much as may be shown; `whole`: there is no more of it.
    pub(in crate::value) fn beginning(&mut self, text: &Text, whole: bool) -> Json {
        let (head, all) = text.head(self.room_for_text());
        self.spend(head.len());
        if all && whole {
            return Json::from(head);
        }
        self.cuts.strings += 1;
        Json::String(format!("{head}…"))
    }

    /// How many of so many bytes are shown; pays for them.
    pub(in crate::value) fn room_for_bytes(&mut self, count: usize) -> usize {
        let mut shown = count.min(self.room_for_text());
        if shown < count {
            // Whole groups of base64, so that the head decodes.
            shown -= shown % 3;
            self.cuts.bytes += 1;
        }
        self.spend(shown.div_ceil(3) * 4);
        shown
    }

    fn bytes(&mut self, tag: &str, bytes: &[u8]) -> Json {
        let shown = self.room_for_bytes(bytes.len());
        let text = encoding::base64(&bytes[..shown]);
        let mut map = Map::new();
        map.insert(tag.to_owned(), Json::String(text));
        map.insert("size".to_owned(), Json::from(bytes.len()));
        Json::Object(map)
    }

    pub(super) fn items(&mut self, items: &[Value], depth: usize) -> Vec<Json> {
        let room = self.room(items.len());
        let mut out = Vec::with_capacity(room.min(1024));
        for item in &items[..room] {
            if self.exhausted() {
                break;
            }
            out.push(self.value(item, depth + 1));
        }
        if let Some(more) = self.more(items.len() - out.len()) {
            out.push(tagged("$more", more));
        }
        out
    }

    /// Named entries into an object that may hold a type tag already.
    pub(super) fn entries(&mut self, map: &mut Map<String, Json>, pairs: &[(Value, Value)], depth: usize) {
        let room = self.room(pairs.len());
        let mut shown = 0;
        for (key, value) in &pairs[..room] {
            if self.exhausted() {
                break;
            }
            let key = match key {
                Value::Str(text) => text.head(self.limits.max_string).0.into_owned(),
                other => preview::preview(other, 60),
            };
            self.spend(key.len() + 4);
            let value = self.value(value, depth + 1);
            map.insert(key, value);
            shown += 1;
        }
        if let Some(more) = self.more(pairs.len() - shown) {
            map.insert("$more".to_owned(), more);
        }
    }

    /// Whether a key can be a name: one that looks like a tag, or is too long to be shown whole, would be misread.
    pub(in crate::value) fn is_name(&self, key: &Value) -> bool {
        let Value::Str(text) = key else { return false };
        !text.bytes().starts_with(b"$")
            && text.bytes().len() <= self.limits.max_string
            && text.as_str().is_some()
    }

    pub(super) fn dict(&mut self, pairs: &[(Value, Value)], depth: usize) -> Json {
        let plain = pairs.iter().take(self.limits.max_items).all(|(key, _)| self.is_name(key));
        if plain {
            let mut map = Map::new();
            self.entries(&mut map, pairs, depth);
            return Json::Object(map);
        }
        let room = self.room(pairs.len());
        let mut out = Vec::new();
        for (key, value) in &pairs[..room] {
            if self.exhausted() {
                break;
            }
            let pair = vec![self.value(key, depth + 1), self.value(value, depth + 1)];
            out.push(Json::Array(pair));
        }
        if let Some(more) = self.more(pairs.len() - out.len()) {
            out.push(tagged("$more", more));
        }
        tagged("$dict", out)
    }
}
