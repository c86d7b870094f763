//! Python text to facts: functions, applications, code digests. No I/O: text in, facts out.
//!
//! [`parse()`] makes a tree of a text (and survives any text), [`facts()`] lists the functions of a
//! module and what their decorators say, [`Program`] tells what a
//! function reaches and whether it still means the same, [`highlight()`] colours a text. The parts, lowest first:
//!
//! - `parse`: the only place that names the parser; its limits and its errors
//! - `decode`: bytes to text
//! - `text`: lines, columns, slices, docstring layout
//! - `imports`: which names of a module mean `@function`, `@application`, `@cls`
//! - `defs`: which definitions a name has when the module has run (branches, redefinitions)
//! - `literal`: values of expressions that need no execution
//! - `facts`: what the rest of the program sees of a module
//! - `normal`: a tree without what changes no behaviour
//! - `digest`: blake3 over normal trees
//! - `program`: the modules of a project, and what a function reaches
//!
//! Invariants: no text makes anything here panic or overflow the stack; positions are those of
//! [`Parsed::text`] (the given text without a byte-order mark, every line break as `\n`), lines and
//! columns count from 1; a text with a syntax error has facts but no digests.
//!
//! Any floor above may call what is re-exported here. Closures over several modules stand on `defs`
//! (what a name is), `normal` (its tree) and `digest` (the framing).

mod builtins;
mod decode;
mod defs;
mod digest;
mod facts;
mod highlight;
mod imports;
mod literal;
mod normal;
mod parse;
mod program;
mod text;

pub use decode::decode;
pub use digest::FINGERPRINT_VERSION;
pub use facts::{DecoratorFacts, FunctionFacts, ModuleFacts, OptionFacts, ParamFacts, ParamKind, facts};
pub use highlight::{Token, TokenKind, highlight};
pub use imports::Mark;
pub use literal::Literal;
pub use parse::{Parsed, SyntaxError, parse};
pub use program::{Closure, Part, Program, Sources};
pub use text::{function_slice, source_slice};

#[cfg(test)]
mod any_tests;
#[cfg(test)]
mod digest_tests;
#[cfg(test)]
mod facts_tests;
