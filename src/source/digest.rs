//! Code digests: blake3 over normal trees.
//!
//! Equal for texts that mean the same by the rules of `normal`, different otherwise. A digest
//! carries [`FINGERPRINT_VERSION`]: when the parser or a rule changes, every digest does.
//!
//! The trees are hashed through `std::hash::Hash` of the parser's comparable forms. [`Feed`] writes
//! numbers in a fixed size and order, so that the bytes are the same on every machine.

use std::hash::Hasher;

use ruff_python_ast::{Expr, StmtFunctionDef};

use crate::base::digest::Digest;

use super::imports::{Imports, Mark};
use super::literal::Literal;
#[cfg(test)]
use super::parse::PARSER;

/// The parser and the revision of the rules here and in `normal`. Raise the revision with every
/// change that moves a digest. Every digest carries it.
pub const FINGERPRINT_VERSION: &str = "ruff_python_parser 0.0.10, rules 3";

/// `version=` of a `@function`, when it is a literal.
pub(super) fn version(func: &StmtFunctionDef, imports: &Imports) -> Option<String> {
    func.decorator_list.iter().find_map(|decorator| {
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
pub(super) struct Feed(Vec<u8>);

impl Feed {
    pub(super) fn digest(&self) -> Digest {
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
