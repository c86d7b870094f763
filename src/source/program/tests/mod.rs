//! Pairs of programs of several modules: which functions an edit concerns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;

/// Files by path.
#[derive(Clone, Default)]
pub(super) struct Files(BTreeMap<String, Arc<str>>);

impl Sources for Files {
    fn text(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).cloned()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut names: Vec<String> = self
            .0
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix)?.split('/').next().map(str::to_owned))
            .collect();
        names.dedup();
        names
    }
}

const HEAD: &str = "from tensorlake.applications import application, cls, function\n";

/// Files from a text: `# file NAME` begins one. `app.py` imports our decorators.
pub(super) fn files(text: &str) -> Files {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut name = "app.py".to_owned();
    for line in text.trim_start_matches('\n').split_inclusive('\n') {
        if let Some(next) = line.trim().strip_prefix("# file ") {
            name = next.to_owned();
            files.entry(name.clone()).or_default();
            continue;
        }
        files.entry(name.clone()).or_default().push_str(line);
    }
    let head = |(name, text): (String, String)| {
        let text = if name == "app.py" { format!("{HEAD}{text}") } else { text };
        (name, Arc::from(text.as_str()))
    };
    Files(files.into_iter().map(head).collect())
}

pub(super) fn closure(files: &Files, name: &str) -> Option<Arc<Closure>> {
    Program::new(vec![String::new()], "app.py").closure("app.py", name, files)
}

/// One edit: `from` becomes `to` (in all files), and concerns exactly `changed` of `functions`.
#[track_caller]
pub(super) fn edit(text: &str, from: &str, to: &str, changed: &[&str]) {
    assert!(text.contains(from), "nothing to edit: {from:?}");
    pair(text, &text.replacen(from, to, 1), changed);
}

#[track_caller]
pub(super) fn pair(before: &str, after: &str, changed: &[&str]) {
    let (before, after) = (files(before), files(after));
    let listed = |files: &Files| -> Vec<String> {
        let text = files.text("app.py").expect("app.py");
        let found = crate::source::facts(&crate::source::parse(&text));
        assert_eq!(found.error, None);
        found.functions.into_iter().filter(|one| one.is_function).map(|one| one.name).collect()
    };
    let names = listed(&before);
    assert!(changed.iter().all(|name| names.iter().any(|known| known == name)), "{changed:?} of {names:?}");
    for name in names {
        let old = closure(&before, &name).unwrap_or_else(|| panic!("no closure of {name} before"));
        let Some(new) = closure(&after, &name) else {
            assert!(!listed(&after).contains(&name), "no closure of {name} after");
            continue;
        };
        let expected = changed.contains(&name.as_str());
        let show = |closure: &Closure| -> Vec<String> {
            closure
                .parts
                .iter()
                .map(|part| format!("{}:{} {}", part.file, part.name, &part.digest.hex()[..6]))
                .collect()
        };
        assert_eq!(
            old.digest != new.digest,
            expected,
            "{name} should {}\nbefore {:#?}\nafter {:#?}",
            if expected { "change" } else { "stay" },
            show(&old),
            show(&new)
        );
    }
}

#[test]
fn helpers_are_followed_across_modules() {
    let text = "
import os
from text import clean
LIMIT = 3
WINDOW = LIMIT * 2

@function()
def main(x): return one(x) + two(x)

@function()
def one(x): return clean(x)[:WINDOW]

@function()
def two(x): return x

# file text.py
import lex
MARK = '#'
def clean(x): return lex.normal(x).strip()
def tag(x): return MARK + x

# file lex.py
TABLE = {'a': 'b'}
def normal(x): return TABLE.get(x, x)
def loud(x): return x.upper()
";
    edit(text, "LIMIT = 3", "LIMIT = 4", &["one"]);
    edit(text, "'a': 'b'", "'a': 'c'", &["one"]);
    edit(text, ".strip()", ".lstrip()", &["one"]);
    edit(text, "x.upper()", "x.lower()", &[]);
    edit(text, "MARK = '#'", "MARK = '@'", &[]);
    edit(text, "return x\n\n# file", "return x + 1\n\n# file", &["two"]);
    edit(text, "import os\n", "import sys\n", &[]);
    edit(text, "one(x) + two(x)", "two(x) + one(x)", &["main"]);
    edit(text, "def one(x): return clean(x)", "def one(x):\n    clean = str\n    return clean(x)", &["one"]);
}

mod aliases;
mod classes;
mod effects;
mod imports;
mod names;
mod noise;
mod readers;
