//! Which definitions made a function's code another one.

use crate::engine::explain::code::{Matching, matching};
use crate::model::verdict::{ChangedPart, PartChange};
use crate::source::{Closure, Part};

/// What of `new` is not in `old`, and the reverse, by the rule of [`matching`].
pub fn changed(old: &Closure, new: &Closure) -> Vec<ChangedPart> {
    let Matching { was, gone } = matching(old, new);
    let mut out = Vec::new();
    for (at, (part, was)) in new.parts.iter().zip(was).enumerate() {
        let change = match was {
            Some((_, true)) => continue,
            Some((_, false)) => PartChange::Changed,
            None => PartChange::Added,
        };
        out.push(described(change, part, new.chain(at)));
    }
    for (at, part) in gone.into_iter().filter_map(|at| Some((at, old.parts.get(at)?))) {
        out.push(described(PartChange::Removed, part, old.chain(at)));
    }
    out.sort();
    out
}

fn described(change: PartChange, part: &Part, via: Vec<String>) -> ChangedPart {
    ChangedPart { change, name: part.name.clone(), file: part.file.clone(), line: part.lines.0, via }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::engine::explain::code::{Happened, changes};

    fn closure(parts: &[(&str, &str, &str)]) -> Closure {
        let part = |(at, (file, name, text)): (usize, &(&str, &str, &str))| Part {
            file: (*file).into(),
            name: (*name).into(),
            lines: (at + 1, at + 1),
            digest: Digest::of(text.as_bytes()),
            via: (at > 0).then_some(0),
            source: (*text).into(),
        };
        let parts = parts.iter().enumerate().map(part).collect();
        Closure { digest: Digest::of(b""), parts, opaque: Vec::new(), external: Vec::new(), version: None }
    }

    #[test]
    fn status_and_why_name_the_same_definitions() {
        let old = closure(&[
            ("app.py", "f", "f"),
            ("app.py", "moved", "moved"),
            ("app.py", "both", "one"),
            ("app.py", "twice", "a"),
            ("app.py", "twice", "b"),
            ("app.py", "gone", "gone"),
        ]);
        let new = closure(&[
            ("app.py", "f", "f2"),
            ("util.py", "moved", "moved"),
            ("util.py", "both", "two"),
            ("app.py", "twice", "b"),
            ("app.py", "new", "new"),
        ]);
        let told = changed(&old, &new);
        let names: Vec<(PartChange, &str, &str)> =
            told.iter().map(|part| (part.change, part.name.as_str(), part.file.as_str())).collect();
        let mut explained: Vec<(PartChange, String, String)> = changes(&old, &new)
            .into_iter()
            .map(|one| {
                let change = match one.change {
                    Happened::Changed => PartChange::Changed,
                    Happened::Added => PartChange::Added,
                    Happened::Removed => PartChange::Removed,
                };
                (change, one.name, one.file)
            })
            .collect();
        explained.sort();
        let same: Vec<_> =
            explained.iter().map(|(c, name, file)| (*c, name.as_str(), file.as_str())).collect();
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(sorted, same);
        // What moved and changed is one definition, not two; what only moved is none.
        assert!(names.contains(&(PartChange::Changed, "both", "util.py")), "{names:?}");
        assert!(names.contains(&(PartChange::Removed, "twice", "app.py")), "{names:?}");
        assert_eq!(names.len(), 5, "{names:?}");
    }
}
