//! Call keys, fingerprints and durable ids: how calls are told apart.

use sha2::{Digest as _, Sha256};

use crate::base::digest::Digest;

/// blake3(function, canonical digest of the bound arguments, occurrence); design.md section 3 rule 1.
pub fn call_key(function: &str, arguments: &Digest, occurrence: u32) -> Digest {
    Digest::of_parts(&[b"call-key 1", function.as_bytes(), arguments.as_bytes(), &occurrence.to_le_bytes()])
}

/// blake3(key, code digest).
pub fn fingerprint(key: &Digest, code: &Digest) -> Digest {
    Digest::of_parts(&[b"fingerprint 1", key.as_bytes(), code.as_bytes()])
}

/// What stands at a position, as Tensorlake's durable id spells it (design.md section 4).
#[derive(Clone, Copy, Debug)]
pub enum PositionKind<'a> {
    /// A call of this function.
    Call(&'a str),
    /// A map over this function.
    Map(&'a str),
    /// A reduce with this function.
    Reduce(&'a str),
}

/// The durable id of a call as 64 hex digits, like the platform writes it.
///
/// `parent`, `previous` (the parent's own id for the first sibling) and `futures` (ids of the arguments that
/// are futures) are ids as text; the request's root is the text `root` in the platform's vectors.
pub fn durable_id(parent: &str, previous: &str, kind: PositionKind<'_>, futures: &[String]) -> String {
    let mut hasher = Sha256::new();
    let mut add = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
        hasher.update(b"|");
    };
    add(parent);
    add(previous);
    match kind {
        PositionKind::Call(name) => {
            add("FunctionCall");
            add(name);
        }
        PositionKind::Map(name) => add(&format!("MAP_OPERATION:{name}")),
        PositionKind::Reduce(name) => {
            add("ReduceOperation");
            add(name);
        }
    }
    for id in futures {
        add(id);
    }
    crate::base::digest::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of design.md section 4.
    #[test]
    fn durable_ids_match_the_platform() {
        let step = durable_id("root", "root", PositionKind::Call("step"), &[]);
        assert_eq!(step, "6d5d2ea2e48b9f55560e76890d8190750ca5f199a81845c2517f8bfea40c38ff");
        let map = durable_id("root", &step, PositionKind::Map("step"), &[]);
        assert_eq!(map, "7988acbb1247564c9057f7c89cd441bb3f9f536540be9ea7aa0ea24acfadcd9e");
        let reduce = durable_id("root", &map, PositionKind::Reduce("agg"), std::slice::from_ref(&map));
        assert_eq!(reduce, "20eb40b994baeb1c2fd2ffc28068a1172dfe6c08b68624827d65a547c66e586d");
    }

    #[test]
    fn occurrence_is_part_of_the_key() {
        let args = Digest::of(b"args");
        assert_ne!(call_key("f", &args, 0), call_key("f", &args, 1));
    }
}
