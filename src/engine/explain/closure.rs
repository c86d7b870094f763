//! What a function reaches, laid out as a tree for eyes.

use serde::Serialize;

use crate::base::ids::RunId;
use crate::model::{FileRead, Opaque, Package};
use crate::source::Closure;

/// One part of a closure in the tree.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Reached {
    /// Its name.
    pub name: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Its first line.
    pub line: usize,
    /// Its last line.
    pub end_line: usize,
    /// How far it is from the function: 0 for the function itself.
    pub depth: usize,
    /// The name through which it is reached.
    pub via: Option<String>,
}

/// Everything that a function's code digest covers.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Reach {
    /// The function.
    pub function: String,
    /// Its code digest.
    pub code: String,
    /// The rules that make it.
    pub rules: &'static str,
    /// What it reaches: parents before what they reach, in the order in which they reach it.
    pub parts: Vec<Reached>,
    /// Imported modules that are not the project's.
    pub external: Vec<String>,
    /// The function's own `version=`, which counts instead of all that.
    pub version: Option<String>,
    /// What could not be followed.
    pub opaque: Vec<Opaque>,
    /// What importing it depended on when a run last had this very code; `None`: no recent run had it.
    pub seen: Option<Seen>,
}

/// What a run found out about a function's code by importing it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Seen {
    /// The run.
    pub run: RunId,
    /// Files that were read while modules were imported.
    pub files: Vec<FileRead>,
    /// Installed distributions.
    pub packages: Vec<Package>,
    /// Tracked environment variables.
    pub environment: Vec<String>,
}

/// Lays out a closure.
pub fn reach(function: &str, closure: &Closure) -> Reach {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); closure.parts.len()];
    let mut roots = Vec::new();
    for (i, part) in closure.parts.iter().enumerate() {
        match part.via.and_then(|via| children.get_mut(via)) {
            Some(siblings) => siblings.push(i),
            None => roots.push(i),
        }
    }
    let mut parts = Vec::with_capacity(closure.parts.len());
    let mut stack: Vec<(usize, usize)> = roots.into_iter().rev().map(|i| (i, 0)).collect();
    while let Some((i, depth)) = stack.pop() {
        let Some(part) = closure.parts.get(i) else { continue };
        parts.push(Reached {
            name: part.name.clone(),
            file: part.file.clone(),
            line: part.lines.0,
            end_line: part.lines.1,
            depth,
            via: part.via.and_then(|via| closure.parts.get(via)).map(|via| via.name.clone()),
        });
        stack.extend(children[i].iter().rev().map(|child| (*child, depth + 1)));
    }
    Reach {
        function: function.to_owned(),
        code: closure.digest.hex(),
        rules: crate::source::FINGERPRINT_VERSION,
        parts,
        external: closure.external.clone(),
        version: closure.version.clone(),
        opaque: closure.opaque.clone(),
        seen: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::source::Part;

    #[test]
    fn parts_stand_below_what_reaches_them() {
        let part = |name: &str, via| Part {
            file: "a.py".into(),
            name: name.into(),
            lines: (1, 2),
            digest: Digest::default(),
            via,
            source: String::new(),
        };
        // In the order in which they are reached, breadth first, as the analysis may give them.
        let parts = vec![part("f", None), part("g", Some(0)), part("h", Some(0)), part("i", Some(1))];
        let closure =
            Closure { digest: Digest::default(), parts, opaque: vec![], external: vec![], version: None };
        let laid: Vec<(String, usize)> =
            reach("f", &closure).parts.into_iter().map(|part| (part.name, part.depth)).collect();
        assert_eq!(laid, [("f".into(), 0), ("g".into(), 1), ("i".into(), 2), ("h".into(), 1)]);
    }
}
