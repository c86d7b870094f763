//! What differs between two runs, and between two values.
//!
//! Pure: histories and values in, differences out. Nothing here reads a store, a file or a clock, and
//! nothing draws. The command line, the workbench and reports show the same facts.
//!
//! - [`tree`]: which call of one run is which call of the other, and which differences are causes
//! - [`stored`]: the same of stored values of any size
//! - [`value`]: which parts of a value differ, and which words of a text

pub mod stored;
pub mod tree;
pub mod value;
