//! How the code that a function reaches differs between two closures, definition by definition.
//!
//! Pure: both sides carry their source slices.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::source::{Closure, Part};

/// Lines of a diff around a change.
const AROUND: usize = 2;

/// How long a comparison may take before it becomes coarser.
const PATIENCE: Duration = Duration::from_millis(200);

/// What happened to a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    /// It is another one.
    Changed,
    /// The function reaches it now.
    Added,
    /// The function does not reach it any more.
    Removed,
}

/// A definition that differs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DefinitionChange {
    /// `clean`, `Cart.total`, the names that a statement binds.
    pub name: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Its first line: today's, or the old one of a definition that is gone.
    pub line: usize,
    /// What happened to it.
    pub change: Happened,
    /// The names through which the function reaches it, the function first: `summarise`, `prep`, `clean`.
    pub chain: Vec<String>,
    /// Old and new source as a unified diff with the lines of its files.
    pub diff: String,
}

/// Whether two parts are one and the same.
type Rule<'a> = &'a dyn Fn(&Part, &Part) -> bool;

/// Which definition of `old` each of `new` was.
pub struct Matching {
    /// By the index in `new`: the index in `old`, and whether they count as the same.
    pub was: Vec<Option<(usize, bool)>>,
    /// Those of `old` that are in `new` no more.
    pub gone: Vec<usize>,
}

/// Matches the definitions of two closures: the surest matches first.
pub fn matching(old: &Closure, new: &Closure) -> Matching {
    let mut then: Vec<Option<usize>> = (0..old.parts.len()).map(Some).collect();
    let mut was: Vec<Option<(usize, bool)>> = vec![None; new.parts.len()];
    let equal = |a: &Part, b: &Part| a.digest == b.digest;
    let here = |a: &Part, b: &Part| a.file == b.file && a.name == b.name;
    // What is as it was, what moved as it was, what changed in place, what moved and changed.
    let rules: [Rule<'_>; 4] = [
        &|a, b| here(a, b) && equal(a, b),
        &|a, b| a.name == b.name && equal(a, b),
        &|a, b| here(a, b),
        &|a, b| a.name == b.name,
    ];
    for (at, rule) in rules.iter().enumerate() {
        let mut open: HashMap<&str, Vec<usize>> = HashMap::new();
        for i in then.iter().flatten() {
            open.entry(old.parts[*i].name.as_str()).or_default().push(*i);
        }
        for (part, was) in new.parts.iter().zip(&mut was).filter(|(_, was)| was.is_none()) {
            let candidates = open.get_mut(part.name.as_str());
            let Some(candidates) = candidates else { continue };
            let Some(k) = candidates.iter().position(|i| rule(&old.parts[*i], part)) else { continue };
            let i = candidates.remove(k);
            then[i] = None;
            *was = Some((i, at < 2));
        }
    }
    Matching { was, gone: then.into_iter().flatten().collect() }
}

/// What differs, in the order in which the function reaches it.
pub fn changes(old: &Closure, new: &Closure) -> Vec<DefinitionChange> {
    let Matching { was, gone } = matching(old, new);
    let mut found = Vec::new();
    for (j, (part, was)) in new.parts.iter().zip(was).enumerate() {
        let before = match was {
            Some((_, true)) => continue,
            Some((i, false)) => Some(&old.parts[i]),
            None => None,
        };
        let (source, line) = before.map_or(("", 0), |old| (old.source.as_str(), old.lines.0));
        found.push(DefinitionChange {
            name: part.name.clone(),
            file: part.file.clone(),
            line: part.lines.0,
            change: if before.is_some() { Happened::Changed } else { Happened::Added },
            chain: new.chain(j),
            diff: unified(source, &part.source, line, part.lines.0),
        });
    }
    for i in gone {
        let part = &old.parts[i];
        found.push(DefinitionChange {
            name: part.name.clone(),
            file: part.file.clone(),
            line: part.lines.0,
            change: Happened::Removed,
            chain: old.chain(i),
            diff: unified(&part.source, "", part.lines.0, 0),
        });
    }
    found
}

/// A unified diff without file names; `old_line` and `new_line` are the lines at which the two texts begin.
pub fn unified(old: &str, new: &str, old_line: usize, new_line: usize) -> String {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    let mut out = String::new();
    for hunk in diff.unified_diff().context_radius(AROUND).iter_hunks() {
        let ops = hunk.ops();
        let (Some(first), Some(last)) = (ops.first(), ops.last()) else { continue };
        let (a, b) = (first.old_range().start, first.new_range().start);
        let (a_len, b_len) = (last.old_range().end - a, last.new_range().end - b);
        out.push_str(&format!("@@ -{},{a_len} +{},{b_len} @@\n", a + old_line, b + new_line));
        for change in hunk.iter_changes() {
            out.push(match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            });
            out.push_str(change.value().trim_end_matches(['\r', '\n']));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;

    fn part(file: &str, name: &str, line: usize, via: Option<usize>, source: &str) -> Part {
        let lines = (line, line + source.lines().count().max(1) - 1);
        let digest = Digest::of(source.as_bytes());
        Part { file: file.into(), name: name.into(), lines, digest, via, source: source.into() }
    }

    fn closure(parts: Vec<Part>) -> Closure {
        Closure { digest: Digest::default(), parts, opaque: vec![], external: vec![], version: None }
    }

    fn summarise(clean: &str, clean_line: usize) -> Closure {
        closure(vec![
            part("app.py", "summarise", 5, None, "def summarise(t):\n    return prep(t)\n"),
            part("util.py", "prep", 3, Some(0), "def prep(t):\n    return clean(t)\n"),
            part("util.py", "clean", clean_line, Some(1), clean),
        ])
    }

    #[test]
    fn a_helper_that_changed_is_shown_with_the_way_to_it() {
        let old = summarise("def clean(t):\n    return t.strip()\n", 12);
        let new = summarise("def clean(t):\n    return t.strip().lower()\n", 14);
        let found = changes(&old, &new);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].file.as_str(), found[0].line), ("util.py", 14));
        assert_eq!(found[0].change, Happened::Changed);
        assert_eq!(found[0].chain, ["summarise", "prep", "clean"]);
        assert_eq!(
            found[0].diff,
            "@@ -12,2 +14,2 @@\n def clean(t):\n-    return t.strip()\n+    return t.strip().lower()\n"
        );
    }

    #[test]
    fn what_only_moved_is_no_difference() {
        let old = summarise("def clean(t):\n    return t\n", 12);
        let mut new = old.clone();
        new.parts[2].file = "text.py".into();
        new.parts.swap(1, 2);
        assert!(changes(&old, &new).is_empty());
    }

    #[test]
    fn definitions_come_and_go() {
        let one = closure(vec![part("a.py", "f", 1, None, "def f(): pass\n")]);
        let mut two = one.clone();
        two.parts.push(part("a.py", "LIMIT", 9, Some(0), "LIMIT = 3\n"));
        let came = changes(&one, &two);
        assert_eq!(
            (came[0].change, came[0].chain.clone()),
            (Happened::Added, vec!["f".into(), "LIMIT".into()])
        );
        assert_eq!(came[0].diff, "@@ -0,0 +9,1 @@\n+LIMIT = 3\n");
        let went = changes(&two, &one);
        assert_eq!((went[0].change, went[0].line), (Happened::Removed, 9));
        assert_eq!(went[0].diff, "@@ -9,1 +0,0 @@\n-LIMIT = 3\n");
    }

    #[test]
    fn of_several_definitions_of_one_name_the_right_one_is_compared() {
        let of = |second: &str| {
            closure(vec![
                part("a.py", "f", 1, None, "def f(): pass\n"),
                part("a.py", "LIMITS", 3, Some(0), "LIMITS = []\n"),
                part("a.py", "LIMITS", 4, Some(0), second),
            ])
        };
        let found = changes(&of("LIMITS.append(1)\n"), &of("LIMITS.append(2)\n"));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].change), (4, Happened::Changed));
    }

    #[test]
    fn a_circle_of_reasons_ends() {
        let mut odd = summarise("x = 1\n", 1);
        odd.parts[0].via = Some(2);
        assert!(odd.chain(2).len() <= 4);
    }
}
