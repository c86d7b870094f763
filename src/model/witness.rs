//! What a checkpoint depended on beside its arguments and its code (design.md section 3, rule 3).
//!
//! Recorded when a call ends, compared when it is to be served.

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;

/// What was asked of a path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadKind {
    /// Its content was read.
    Content,
    /// Its names were listed.
    Listing,
    /// It was looked for in vain.
    Absent,
    /// It was asked for, and it was there.
    Present,
    /// It is a pattern (`track.files`), and counts with all that matches.
    Matching,
}

/// A file or folder of the project that a call, or a module while it was imported, looked at.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct FileRead {
    /// Relative to the project, with `/`.
    pub path: String,
    /// What was asked of it.
    pub kind: ReadKind,
    /// Of its content, or of its sorted names; `None` when it was absent.
    pub digest: Option<Digest>,
}

impl FileRead {
    /// Why a call that looked at this path is never served, when its name is not UTF-8: workers write such bytes as `\udc80`
    /// to `\udcff`, and no path leads back.
    pub fn unnameable(path: &str) -> Option<String> {
        let is_byte =
            |part: &[u8]| matches!(part, [b'8'..=b'9' | b'a'..=b'f', last, ..] if last.is_ascii_hexdigit());
        path.split("\\udc").skip(1).any(|part| is_byte(part.as_bytes())).then(|| {
            format!("the name of {path} is not UTF-8: calls that look at it are never served; rename it")
        })
    }
}

/// Something that the analysis of code cannot follow.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Opaque {
    /// Relative to the project, with `/`.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// Why, in a few words: `exec`, `getattr with a computed name` …
    pub reason: String,
}

/// An installed distribution that code imports.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Package {
    /// Its name; of an importable that no distribution owns, its top-level module.
    pub name: String,
    /// Its version; empty when it has none.
    pub version: String,
    /// Of its RECORD (or of the module's source): two builds of one version differ here.
    pub record: Option<Digest>,
}

/// What a function's code was, and what importing it depended on, when a run called it.
///
/// Calls refer to it by function and [`CodeKnown::code`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CodeKnown {
    /// The function.
    pub function: String,
    /// The code digest: [`super::Call::code`].
    pub code: Digest,
    /// Parser version and revision of the rules that made it.
    pub rules: String,
    /// The value under which the closure is stored: its parts with their places and source slices.
    pub closure: Option<Digest>,
    /// What was read while modules that it reaches were imported.
    pub files: Vec<FileRead>,
    /// Distributions that its closure imports.
    pub packages: Vec<Package>,
    /// Tracked environment variables and the digests of their values (`None`: not set).
    pub env: Vec<(String, Option<Digest>)>,
    /// What could not be followed.
    pub opaque: Vec<Opaque>,
}

impl CodeKnown {
    /// A function's code that depends on nothing else.
    pub fn alone(function: impl Into<String>, code: Digest) -> Self {
        CodeKnown {
            function: function.into(),
            code,
            rules: String::new(),
            closure: None,
            files: Vec::new(),
            packages: Vec::new(),
            env: Vec::new(),
            opaque: Vec::new(),
        }
    }
}
