//! Pickles as data: a symbolic reader of the opcode stream, and a writer.
//!
//! The reader resolves no global and calls nothing. It is a bounded, total stack machine over an arena
//! ([`machine`]), whose result is then built into a [`Value`] tree ([`build`]). Whatever it cannot represent
//! exactly is an error, and the caller keeps the pickle as it is.

mod build;
mod machine;
mod ops;
mod write;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::tree::Value;

pub use write::to_pickle;

/// How deep a value may nest; deeper ones are kept as raw pickles. A pydantic model takes three levels.
pub const MAX_DEPTH: usize = 256;

/// Why a pickle could not be read symbolically.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PickleError {
    /// The bytes end before `STOP`, or a length points beyond them.
    #[error("the pickle is cut short")]
    Truncated,
    /// Not an opcode that the protocols 2 to 5 write.
    #[error("unknown pickle opcode {0:#04x}")]
    Opcode(u8),
    /// An opcode finds something else than it needs.
    #[error("malformed pickle: {0}")]
    Malformed(&'static str),
    /// Valid, but with an effect that a tree cannot express.
    #[error("not representable as a tree: {0}")]
    Unsupported(&'static str),
    /// A value that contains itself.
    #[error("the value contains itself")]
    Recursive,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested too deep")]
    TooDeep,
    /// Written out as a tree it would be many times larger than the pickle.
    #[error("the value shares its parts too often")]
    TooShared,
}

/// What [`read`] found.
#[derive(Clone, Debug)]
pub struct Read {
    /// The value, aliases written out.
    pub value: Value,
    /// Whether a mutable object is reachable twice: the tree alone would lose that.
    pub shared: bool,
}

/// Reads a pickle; every value that a tree can express.
pub fn read(pickle: &Bytes) -> Result<Read, PickleError> {
    let arena = machine::run(pickle)?;
    if let Some(reason) = arena.inexact {
        return Err(PickleError::Unsupported(reason));
    }
    let built = build::Builder::new(arena, pickle.len(), false).finish()?;
    Ok(Read { value: built.0, shared: built.1 })
}

/// Reads a pickle for eyes: what a tree cannot express becomes [`Value::Opaque`].
pub fn read_lossy(pickle: &Bytes) -> Value {
    let Ok(arena) = machine::run(pickle) else {
        return Value::Opaque("unreadable pickle");
    };
    match build::Builder::new(arena, pickle.len(), true).finish() {
        Ok((value, _)) => value,
        Err(PickleError::TooShared) => Value::Opaque("shares its parts too often"),
        Err(_) => Value::Opaque("unreadable pickle"),
    }
}
