//! What a function reaches, laid out as a tree for eyes.

use serde::Serialize;

use crate::model::Opaque;
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
    /// What could not be followed.
    pub opaque: Vec<Opaque>,
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
        opaque: closure.opaque.clone(),
    }
}
