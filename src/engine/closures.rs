//! Closures as stored values: what a function reached when a run called it, with the source of each part.
//!
//! [`pack`] makes the pieces that a run records with [`CodeKnown`]; [`load`] reads a closure back, for whoever says
//! how code differs. Slices of source are elements of a list, so the value floor gives each of more than a few bytes a
//! node of its own: a helper that fifty functions reach is stored once.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::recorder::Piece;

use super::values::Packer;
use crate::base::digest::Digest;
use crate::find::StoreNodes;
use crate::model::{CodeKnown, Opaque};
use crate::source::{Closure, Part};
use crate::store::Store;
use crate::value;

/// The layout of the stored document.
const LAYOUT: u32 = 1;

/// A closure as pieces of a value, and the digest of its root: [`CodeKnown::closure`].
pub fn pack(closure: &Closure, packer: &Packer) -> (Digest, Vec<Piece>) {
    let mut sources: Vec<&str> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut places: Vec<usize> = Vec::new();
    for part in &closure.parts {
        places.push(*known.entry(&part.source).or_insert_with(|| {
            sources.push(&part.source);
            sources.len() - 1
        }));
    }
    let digests: String = closure.parts.iter().map(|part| part.digest.hex()).collect();
    let lines: Vec<usize> = closure.parts.iter().flat_map(|part| [part.lines.0, part.lines.1]).collect();
    packer.document(&json!({
        "layout": LAYOUT,
        "digest": closure.digest.hex(),
        "files": closure.parts.iter().map(|part| &part.file).collect::<Vec<_>>(),
        "names": closure.parts.iter().map(|part| &part.name).collect::<Vec<_>>(),
        "lines": lines,
        "digests": digests,
        "via": closure.parts.iter().map(|part| part.via).collect::<Vec<_>>(),
        "at": places,
        "sources": sources,
        "opaque": closure.opaque.iter().map(|o| json!([o.file, o.line, o.reason])).collect::<Vec<_>>(),
        "external": closure.external,
        "version": closure.version,
    }))
}

/// The closure that a run recorded; `None` when it recorded none (the analysis did not find the function).
///
/// Fails when the stored value is damaged, gone, or of a layout that this version does not know.
pub fn load(store: &Store, known: &CodeKnown) -> Result<Option<Closure>, String> {
    let Some(digest) = &known.closure else { return Ok(None) };
    let tree = value::load_value(digest, None, &StoreNodes(store)).map_err(|error| error.to_string())?;
    let document = value::to_plain_json(&tree).unwrap_or_default();
    match read(&document) {
        Some(closure) => Ok(Some(closure)),
        None => Err(format!("the stored code of {} is of another version of tl-bench", known.function)),
    }
}

fn read(document: &Value) -> Option<Closure> {
    if document.get("layout")?.as_u64()? != u64::from(LAYOUT) {
        return None;
    }
    let list = |key: &str| document.get(key)?.as_array();
    let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (files, names, lines) = (list("files")?, list("names")?, list("lines")?);
    let (via, places, sources) = (list("via")?, list("at")?, list("sources")?);
    let digests = document.get("digests")?.as_str()?;
    let mut parts = Vec::with_capacity(files.len());
    for at in 0..files.len() {
        parts.push(Part {
            file: text(files.get(at)?)?,
            name: text(names.get(at)?)?,
            lines: (number(lines.get(2 * at)?)?, number(lines.get(2 * at + 1)?)?),
            digest: Digest::from_hex(digests.get(64 * at..64 * (at + 1))?)?,
            via: match via.get(at)? {
                Value::Null => None,
                index => Some(number(index)?),
            },
            source: text(sources.get(number(places.get(at)?)?)?)?,
        });
    }
    let mut opaque = Vec::new();
    for entry in list("opaque")? {
        opaque.push(Opaque {
            file: text(entry.get(0)?)?,
            line: u32::try_from(entry.get(1)?.as_u64()?).ok()?,
            reason: text(entry.get(2)?)?,
        });
    }
    Some(Closure {
        digest: Digest::from_hex(document.get("digest")?.as_str()?)?,
        parts,
        opaque,
        external: list("external")?.iter().map(text).collect::<Option<_>>()?,
        // Older runs did not record it.
        version: document.get("version").and_then(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::collections::HashMap;

    struct Held(HashMap<Digest, Bytes>);

    impl value::NodeSource for Held {
        fn get(&self, digest: &Digest) -> Result<value::StoredNode, value::NodeError> {
            let data = self.0.get(digest).cloned().ok_or(value::NodeError::Missing)?;
            Ok(value::StoredNode { data, verified: false })
        }
    }

    fn part(name: &str, via: Option<usize>, source: &str) -> Part {
        let digest = Digest::of(source.as_bytes());
        let (file, name, source) = ("app.py".into(), name.into(), source.into());
        Part { file, name, lines: (1, 4), digest, via, source }
    }

    fn closure(own: &str, helper: &str) -> Closure {
        Closure {
            digest: Digest::of(own.as_bytes()),
            parts: vec![
                part("f", None, own),
                part("helper", Some(0), helper),
                part("again", Some(1), helper),
            ],
            opaque: vec![Opaque { file: "app.py".into(), line: 3, reason: "exec".into() }],
            external: vec!["numpy".into()],
            version: Some("2".into()),
        }
    }

    #[test]
    fn a_closure_comes_back_and_shares_its_slices() {
        let helper = "def helper(x):\n    return x\n".repeat(20);
        let (one, two) = (closure("def f(): pass", &helper), closure("def g(): pass", &helper));
        let mut held = HashMap::new();
        for (closure, more) in [(&one, 5), (&two, 2)] {
            let before = held.len();
            let (digest, pieces) = pack(closure, &Packer::new(&Default::default()));
            held.extend(pieces.into_iter().map(|piece| (piece.digest, piece.data)));
            assert!(held.len() - before <= more, "{} new pieces", held.len() - before);
            let tree = value::load_value(&digest, None, &Held(held.clone())).unwrap();
            assert_eq!(read(&value::to_plain_json(&tree).unwrap()).as_ref(), Some(closure));
        }
        let texts = held.values().filter(|data| data.windows(6).any(|w| w == b"helper")).count();
        assert!(texts <= 3, "the helper's text is in {texts} pieces");
    }

    #[test]
    fn another_layout_is_refused() {
        assert_eq!(read(&json!({"layout": 99})), None);
        assert_eq!(read(&json!({})), None);
    }
}
