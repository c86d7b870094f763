//! What never moves a digest: the form of the text, the order of definitions, comments, imports nobody uses.

use proptest::prelude::*;

use super::*;

const MODULES: &str = "
import os
import string
from text import clean, tag
import text as t
LIMIT = 3
TABLE = {'a': 1, 'b': [1, 2]}
def label(n): return f'{LIMIT}-{n}' + t.MARK
class Cart:
    rate = 2
    def __init__(self, n): self.n = n
    def total(self): return self.n * self.rate
@function()
def one(x): return clean(x) + label(1)
@function()
def two(x): return Cart(TABLE['a']).total() + len(string.digits)
@function()
def three(x):
    def inner(v): return v + LIMIT
    return [inner(i) for i in range(3)]
# file text.py
MARK = '#'
RULES = []
def rule(fn):
    RULES.append(fn)
    return fn
@rule
def clean(x): return tag(x).strip()
def tag(x): return MARK + x
";

/// One way to write the same.
fn noise(text: &str, kind: usize) -> String {
    let blocks = |text: &str| -> Vec<String> {
        let mut blocks: Vec<String> = Vec::new();
        let mut decorated = false;
        for line in text.lines() {
            if line.trim().is_empty() {
                continue;
            }
            let continues = line.starts_with([' ', '\t']) || decorated;
            decorated = line.starts_with('@');
            match blocks.last_mut() {
                Some(last) if continues => last.push_str(&format!("\n{line}")),
                _ => blocks.push(line.to_owned()),
            }
        }
        blocks
    };
    match kind {
        0 => text.replace(":\n    ", ":\n    # a comment\n\n    "),
        1 => text.replace('\'', "\""),
        2 => text.replace("import os\n", "import os, colorsys\nimport re as regex\n"),
        3 => text.replace("    ", "\t"),
        4 => text.replace("def inner(v)", "def inner(v: int) -> int"),
        5 => text
            .replace("return ", "return (")
            .lines()
            .map(|line| if line.contains("return (") { format!("{line})\n") } else { format!("{line}\n") })
            .collect(),
        6 => text.replace("LIMIT = 3", "LIMIT: int = 0x3"),
        7 => text.replace("@function()", "@function(timeout=30, description='d')"),
        8 => text.replace("from text import clean, tag", "from text import tag\nfrom text import clean"),
        9 => text.replace("def tag(x): return", "def tag(x):\n    'A docstring.'\n    return"),
        10 => {
            // Definitions of functions and classes in another order, file by file.
            let mut out = String::new();
            for file in text.split_inclusive("# file text.py\n") {
                let (mut defs, mut rest): (Vec<String>, Vec<String>) =
                    blocks(file).into_iter().partition(|block| {
                        block.starts_with("def ")
                            || block.starts_with("class ")
                            || block.starts_with("@function")
                    });
                defs.reverse();
                let ends_with_file = rest.last().is_some_and(|last| last.starts_with("# file"));
                let last = if ends_with_file { rest.pop() } else { None };
                // What is decorated needs its decorator first.
                let at = rest.iter().position(|block| block.starts_with("@rule")).unwrap_or(rest.len());
                let tail = rest.split_off(at);
                for block in rest.into_iter().chain(defs).chain(tail).chain(last) {
                    out.push_str(&block);
                    out.push('\n');
                }
            }
            out
        }
        11 => format!("{}\ndef nobody(): return 1\nNOBODY = 2\n", text.trim_end()),
        12 => text.replace("LIMIT = 3\n", "LIMIT = 3\nif __name__ == '__main__':\n    print(LIMIT)\n"),
        13 => text.replace("{'a': 1, 'b': [1, 2]}", "{\n  'a': 1,\n  'b': [\n    1, 2,\n  ],\n}"),
        _ => text.replace('\n', "\n\n"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn noise_is_nothing(kinds in prop::collection::vec(0..15_usize, 1..6)) {
        let mut text = MODULES.to_owned();
        for kind in kinds {
            text = noise(&text, kind);
        }
        pair(MODULES, &text, &[]);
    }
}

#[test]
fn each_noise_is_nothing() {
    for kind in 0..15 {
        let text = noise(MODULES, kind);
        assert_ne!(text, MODULES, "{kind} does nothing");
        pair(MODULES, &text, &[]);
    }
}

#[test]
fn definitions_may_move_to_other_files() {
    let text = "
from text import clean
@function()
def one(x): return clean(x)
# file text.py
MARK = '#'
def clean(x): return MARK + x
";
    let moved = "
from pack.inner import clean
@function()
def one(x): return clean(x)
# file pack/__init__.py
# file pack/inner.py
from .marks import MARK
def clean(x): return MARK + x
# file pack/marks.py
MARK = '#'
";
    pair(text, moved, &[]);
}

#[test]
fn line_ends_and_marks() {
    let before = files(MODULES);
    for change in [
        |text: &str| text.replace('\n', "\r\n"),
        |text: &str| text.replace('\n', "\r"),
        |text: &str| format!("\u{feff}{text}"),
        |text: &str| text.trim_end().to_owned(),
        |text: &str| format!("# coding: utf-8\n{text}"),
    ] {
        let after =
            Files(before.0.iter().map(|(name, text)| (name.clone(), Arc::from(change(text)))).collect());
        for name in ["one", "two", "three"] {
            assert_eq!(closure(&before, name).map(|c| c.digest), closure(&after, name).map(|c| c.digest));
        }
    }
}

#[test]
fn the_order_of_questions_is_nothing() {
    let files = files(MODULES);
    let names = ["one", "two", "three"];
    let ask = |order: &[usize]| {
        let mut program = Program::new(vec![String::new()], "app.py");
        let mut found: Vec<_> = order
            .iter()
            .map(|at| (names[*at], program.closure("app.py", names[*at], &files).expect("found").digest))
            .collect();
        found.sort();
        found
    };
    assert_eq!(ask(&[0, 1, 2]), ask(&[2, 1, 0]));
}

#[test]
fn the_chain_is_kept() {
    let found = closure(&files(MODULES), "one").expect("one");
    let at = |name: &str| found.parts.iter().position(|part| part.name == name).expect(name);
    let mark = at("MARK");
    let mut chain = Vec::new();
    let mut next = Some(mark);
    while let Some(part) = next {
        chain.push(found.parts[part].name.as_str());
        next = found.parts[part].via;
    }
    assert!(chain == ["MARK", "label", "one"] || chain == ["MARK", "tag", "clean", "one"], "{chain:?}");
    assert_eq!(found.parts[at("clean")].source, "@rule\ndef clean(x): return tag(x).strip()");
    assert_eq!(found.parts[at("clean")].file, "text.py");
}
