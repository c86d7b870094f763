//! Which definitions made a function's code another one.

use std::collections::HashMap;

use crate::model::verdict::{ChangedPart, PartChange};
use crate::source::{Closure, Part};

/// What of `new` is not in `old`, and the reverse. Parts are matched by file and name, else by what they are.
pub fn changed(old: &Closure, new: &Closure) -> Vec<ChangedPart> {
    let mut out = Vec::new();
    let was = index(old);
    let is = index(new);
    for (key, (at, part)) in &is {
        let change = match was.get(key) {
            Some((_, before)) if before.digest == part.digest => continue,
            Some(_) => PartChange::Changed,
            // It was moved: what it is counts, not where it stands.
            None if old.parts.iter().any(|p| p.digest == part.digest && !is.contains_key(&key_of(p))) => {
                continue;
            }
            None => PartChange::Added,
        };
        out.push(described(change, part, new.chain(*at)));
    }
    for (key, (at, part)) in &was {
        let moved = || new.parts.iter().any(|p| p.digest == part.digest && !was.contains_key(&key_of(p)));
        if !is.contains_key(key) && !moved() {
            out.push(described(PartChange::Removed, part, old.chain(*at)));
        }
    }
    out.sort();
    out
}

type Key<'a> = (&'a str, &'a str, usize);

fn key_of(part: &Part) -> Key<'_> {
    (&part.file, &part.name, 0)
}

/// Parts by file and name; the second definition of a name is another one than the first.
fn index(closure: &Closure) -> HashMap<Key<'_>, (usize, &Part)> {
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let mut found = HashMap::new();
    for (at, part) in closure.parts.iter().enumerate() {
        let nth = seen.entry((&part.file, &part.name)).or_default();
        found.insert((part.file.as_str(), part.name.as_str(), *nth), (at, part));
        *nth += 1;
    }
    found
}

fn described(change: PartChange, part: &Part, via: Vec<String>) -> ChangedPart {
    ChangedPart { change, name: part.name.clone(), file: part.file.clone(), line: part.lines.0, via }
}
