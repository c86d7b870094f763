//! Code digests: blake3 over normal trees.
//!
//! Equal for texts that mean the same by the rules of `normal`, different otherwise. A digest
//! carries [`FINGERPRINT_VERSION`]: when the parser or a rule changes, every digest does.
//!
//! The trees are hashed through `std::hash::Hash` of the parser's comparable forms. [`Feed`] writes
//! numbers in a fixed size and order, so that the bytes are the same on every machine.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use ruff_python_ast::comparable::ComparableStmt;
use ruff_python_ast::{Expr, Stmt};

use crate::base::digest::Digest;

use super::defs::{Def, Defs};
use super::imports::{Imports, Mark};
use super::literal::Literal;
use super::normal;
use super::parse::{PARSER, Parsed};

/// The parser and the revision of the rules here and in `normal`. Raise the revision with every
/// change that moves a digest.
pub const FINGERPRINT_VERSION: &str = "ruff_python_parser 0.0.10, rules 1";

/// The digest of the function `qualname` (`name`, `Class.method`, `outer.<locals>.inner`) alone.
/// `None` when there is no such function or the text has a syntax error.
pub fn code_digest(parsed: &Parsed, qualname: &str) -> Option<Digest> {
    if parsed.error().is_some() {
        return None;
    }
    parsed.with_stack(|| {
        let imports = Imports::of(parsed.body());
        let defs = Defs::of(parsed.body(), &imports);
        digest(&defs, &imports, qualname)
    })?
}

/// The digests of all functions and methods of a module, by qualified name; nothing when the text
/// has a syntax error.
pub fn code_digests(parsed: &Parsed) -> BTreeMap<String, Digest> {
    if parsed.error().is_some() {
        return BTreeMap::new();
    }
    let all = parsed.with_stack(|| {
        let imports = Imports::of(parsed.body());
        let defs = Defs::of(parsed.body(), &imports);
        let one = |name: &str| Some((name.to_owned(), digest(&defs, &imports, name)?));
        defs.names().filter_map(one).collect()
    });
    all.unwrap_or_default()
}

fn digest(defs: &Defs<'_>, imports: &Imports, qualname: &str) -> Option<Digest> {
    let found = defs.get(qualname);
    if found.is_empty() {
        return None;
    }
    let mut feed = Feed::default();
    (FINGERPRINT_VERSION, PARSER).hash(&mut feed);
    qualname.hash(&mut feed);
    found.len().hash(&mut feed);
    for def in found {
        definition(def, imports, &mut feed);
    }
    Some(feed.digest())
}

fn definition(def: &Def<'_>, imports: &Imports, feed: &mut Feed) {
    if let Some(version) = version(def, imports) {
        // The author says which code is the same.
        ("version", version).hash(feed);
        return;
    }
    // What a nested function does depends on the variables of the functions around it.
    let func = def.outer.unwrap_or(def.func);
    // pydantic evaluates the hints of an application to read inputs and to write the output.
    let hints = has(func.decorator_list.iter().map(|one| &one.expression), imports, Mark::Application);
    "code".hash(feed);
    let normal = Stmt::FunctionDef(normal::function(func, imports, hints));
    ComparableStmt::from(&normal).hash(feed);
    if let Some((class, name)) = def.class.as_ref().filter(|_| def.outer.is_none()) {
        ("class", name).hash(feed);
        let frame = Stmt::ClassDef(normal::class_frame(class, func, imports));
        ComparableStmt::from(&frame).hash(feed);
    }
}

fn has<'a>(mut decorators: impl Iterator<Item = &'a Expr>, imports: &Imports, wanted: Mark) -> bool {
    decorators.any(|expr| super::defs::mark(expr, imports) == Some(wanted))
}

/// `version=` of a `@function`, when it is a literal.
pub(super) fn version(def: &Def<'_>, imports: &Imports) -> Option<String> {
    def.func.decorator_list.iter().find_map(|decorator| {
        let Expr::Call(call) = &decorator.expression else {
            return None;
        };
        if imports.mark(&call.func) != Some(Mark::Function) {
            return None;
        }
        match Literal::of(&call.arguments.find_keyword("version")?.value)? {
            Literal::None => None,
            value => Some(value.to_string()),
        }
    })
}

/// A `Hasher` that keeps the bytes for blake3 (one call over many bytes is the fast way).
#[derive(Default)]
struct Feed(Vec<u8>);

impl Feed {
    fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl Hasher for Feed {
    fn finish(&self) -> u64 {
        let mut head = [0; 8];
        head.copy_from_slice(&self.digest().as_bytes()[..8]);
        u64::from_le_bytes(head)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn write_u16(&mut self, n: u16) {
        self.write(&n.to_le_bytes());
    }

    fn write_u32(&mut self, n: u32) {
        self.write(&n.to_le_bytes());
    }

    fn write_u64(&mut self, n: u64) {
        self.write(&n.to_le_bytes());
    }

    fn write_u128(&mut self, n: u128) {
        self.write(&n.to_le_bytes());
    }

    // Lengths and discriminants: eight bytes whatever the machine's word.
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_the_parser_in_use() {
        assert!(FINGERPRINT_VERSION.starts_with(PARSER));
    }
}
