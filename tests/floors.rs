//! The floors of ARCHITECTURE.md, checked: which module may use which, and what may be named where.
//!
//! The sources are read as tokens, so comments, strings and `use` groups are understood; macros are not expanded.
//! What must be otherwise is listed in [`ALLOWED`] with its reason. An entry that is no longer needed fails, too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The floors, lowest first. `main` stands on top.
const FLOORS: &[&str] = &[
    "base", "value", "model", "diff", "source", "proto", "store", "find", "python", "engine", "watch", "app",
    "ui", "tui", "cli", "main",
];

/// Floors that use less than all below them.
const ONLY: &[(&str, &[&str])] = &[
    ("value", &["base"]),
    ("model", &["base"]),
    ("source", &["base", "model"]),
    ("find", &["base", "value", "model", "store"]),
    ("app", &["base", "model"]),
];

/// What may be named in some places only.
struct Rule {
    /// A path (`std::fs`), its end (`…::Instant::now`), a crate's prefix (`ruff_*`), or a macro (`println!`).
    name: &'static str,
    /// Places it may stand in; empty with `not_in` given: everywhere else.
    only_in: &'static [&'static str],
    /// Places it may not stand in.
    not_in: &'static [&'static str],
    why: &'static str,
}

const fn only(name: &'static str, only_in: &'static [&'static str], why: &'static str) -> Rule {
    Rule { name, only_in, not_in: &[], why }
}

const fn never(name: &'static str, not_in: &'static [&'static str], why: &'static str) -> Rule {
    Rule { name, only_in: &[], not_in, why }
}

/// Floors (and one folder) that compute and do nothing else.
const PURE: &[&str] = &["value", "model", "diff", "source", "proto", "app", "ui", "engine/core"];

const RULES: &[Rule] = &[
    only("rusqlite", &["store"], "only the store knows SQL"),
    only("ruff_*", &["source"], "only source knows the parser"),
    only("crossterm", &["tui"], "only tui talks to the terminal"),
    only("ratatui::crossterm", &["tui"], "only tui talks to the terminal"),
    only("ratatui", &["ui", "tui"], "only ui draws"),
    only("unicode_width", &["base"], "widths are measured in one place, base::text"),
    only("notify", &["watch"], "only watch watches files"),
    only("clap", &["cli"], "only cli knows the command line"),
    only("…::SystemTime::now", &["base/clock.rs"], "the clock is injected"),
    only("…::Timestamp::now", &["base/clock.rs"], "the clock is injected"),
    only("…::Instant::now", &["base/clock.rs"], "the clock is injected"),
    only("println!", &["cli/output.rs"], "one place writes to standard output"),
    only("print!", &["cli/output.rs"], "one place writes to standard output"),
    only("eprintln!", &["cli/output.rs"], "one place writes to standard error"),
    only("eprint!", &["cli/output.rs"], "one place writes to standard error"),
    only("…::value::pack", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("…::value::pack_arguments", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("…::value::pack_dict", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("…::value::pack_item", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("…::value::pack_json", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("…::value::pack_keep", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("…::value::pack_tagged_json", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("…::value::pack_value", &["engine/values.rs", "value"], "values are recorded without secrets"),
    only("dbg!", &[], "nothing is debugged in public"),
    never("std::fs", PURE, "pure: no files"),
    never("std::process", PURE, "pure: no processes"),
    never("std::net", PURE, "pure: no sockets"),
    never("std::env", PURE, "pure: no environment"),
    never("tokio", PURE, "pure: no executor"),
    never(
        "tokio",
        &["base", "store", "python"],
        "only the engine, the loops and the signal handler are asynchronous",
    ),
];

/// File, what it names, why that is right.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "store/commit/mod.rs",
        "…::Instant::now",
        "how long since the run's row was written: monotonic, never recorded",
    ),
    ("store/writer.rs", "…::Instant::now", "when the next heartbeat is due: monotonic, never recorded"),
    ("tui/plain/mod.rs", "…::Instant::now", "when something may be said again: monotonic, never recorded"),
    ("tui/run.rs", "…::Instant::now", "when the next frame may be drawn: monotonic, never recorded"),
    (
        "engine/local.rs",
        "…::Instant::now",
        "how long the loop looks out before it sleeps: monotonic, never recorded",
    ),
    ("engine/watched.rs", "…::Instant::now", "when watchers are told next: monotonic, never recorded"),
    ("watch/mod.rs", "…::Instant::now", "how long a burst has been gathered: monotonic, never recorded"),
    ("watch/tree.rs", "…::Instant::now", "how long reports have been quiet: monotonic, never recorded"),
];

#[derive(Clone, Debug, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// Comments away, literals emptied; line breaks stay.
fn bare(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut i = 0;
    while i < bytes.len() {
        let start = i;
        match bytes[i] {
            b'/' if at(i + 1) == b'/' => {
                while i < bytes.len() && bytes[i] != b'\n' {
                    i += 1;
                }
            }
            b'/' if at(i + 1) == b'*' => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        (b'/', b'*') => (depth, i) = (depth + 1, i + 2),
                        (b'*', b'/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= bytes.len() {
                        break;
                    }
                }
            }
            b'r' if (at(i + 1) == b'"' || at(i + 1) == b'#')
                && !(i > 0 && word(at(i - 1)) && !matches!(at(i - 1), b'b' | b'c')) =>
            {
                let hashes = bytes[i + 1..].iter().take_while(|b| **b == b'#').count();
                if at(i + 1 + hashes) == b'"' {
                    let end = format!("\"{}", "#".repeat(hashes));
                    let from = i + 2 + hashes;
                    i = text[from..].find(&end).map_or(bytes.len(), |found| from + found + end.len());
                } else {
                    // A raw identifier: r#fn.
                    i += 1;
                    out.push(' ');
                    continue;
                }
            }
            b'"' => {
                i += 1;
                while i < bytes.len() && bytes[i] != b'"' {
                    i += if bytes[i] == b'\\' { 2 } else { 1 };
                }
                i += 1;
            }
            // A character, or else a lifetime, which is left as it is.
            b'\'' if at(i + 1) == b'\\' => {
                i += 3;
                while i < bytes.len() && bytes[i] != b'\'' {
                    i += 1;
                }
                i += 1;
            }
            b'\'' => {
                let next = text[i + 1..].chars().next().map_or(1, char::len_utf8);
                i += if at(i + 1 + next) == b'\'' { next + 2 } else { 1 };
            }
            _ => {
                let c = text[i..].chars().next().unwrap();
                out.push(c);
                i += c.len_utf8();
                continue;
            }
        }
        i = i.min(bytes.len());
        out.push(' ');
        out.extend(text.as_bytes()[start..i].iter().filter(|b| **b == b'\n').map(|_| '\n'));
    }
    out
}

fn tokens(text: &str) -> Vec<Token> {
    let code: Vec<char> = bare(text).chars().collect();
    let mut out = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < code.len() {
        let c = code[i];
        let start = i;
        if c.is_alphanumeric() || c == '_' {
            while i < code.len() && (code[i].is_alphanumeric() || code[i] == '_') {
                i += 1;
            }
        } else if c == ':' && code.get(i + 1) == Some(&':') {
            i += 2;
        } else {
            i += 1;
            if c == '\n' {
                line += 1;
            }
            if c.is_whitespace() {
                continue;
            }
        }
        out.push(Token { text: code[start..i].iter().collect(), line });
    }
    out
}

fn is_word(token: Option<&Token>) -> bool {
    token.is_some_and(|t| t.text.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

fn text_at(tokens: &[Token], i: usize) -> &str {
    tokens.get(i).map_or("", |t| t.text.as_str())
}

/// The index after the bracket that closes the one at `open`.
fn closed(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Splits off what is compiled for tests only; also the names of test modules in files of their own.
fn without_tests(all: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut i = 0;
    while i < all.len() {
        let attribute = text_at(all, i) == "#" && text_at(all, i + 1) == "[";
        let end = if attribute { closed(all, i + 1) } else { i };
        let inside: Vec<&str> = all[i..end].iter().map(|t| t.text.as_str()).collect();
        if !(inside.get(2) == Some(&"cfg") && inside.contains(&"test") && !inside.contains(&"not")) {
            kept.push(all[i].clone());
            i += 1;
            continue;
        }
        i = end;
        while text_at(all, i) == "#" {
            i = closed(all, i + 1);
        }
        let start = i;
        while i < all.len() && !matches!(text_at(all, i), ";" | "{") {
            i = if matches!(text_at(all, i), "(" | "[") { closed(all, i) } else { i + 1 };
        }
        if text_at(all, i) == ";" {
            if let Some(at) = (start..i).find(|at| text_at(all, *at) == "mod") {
                modules.push(text_at(all, at + 1).to_owned());
            }
            i += 1;
        } else {
            i = closed(all, i);
        }
    }
    (kept, modules)
}

/// A name as it is written, `use` groups spelled out. A macro's last segment ends with `!`.
#[derive(Debug, PartialEq)]
struct Name {
    segments: Vec<String>,
    line: usize,
    imported: bool,
}

fn names(tokens: &[Token]) -> Vec<Name> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        if text_at(tokens, i) == "use" && text_at(tokens, i + 1) != "<" {
            i = use_tree(tokens, i + 1, Vec::new(), &mut out);
        } else if is_word(tokens.get(i)) {
            let line = tokens[i].line;
            let mut segments = vec![tokens[i].text.clone()];
            while text_at(tokens, i + 1) == "::" && is_word(tokens.get(i + 2)) {
                i += 2;
                segments.push(tokens[i].text.clone());
            }
            if text_at(tokens, i + 1) == "!" && text_at(tokens, i + 2) != "=" {
                segments.last_mut().unwrap().push('!');
            }
            out.push(Name { segments, line, imported: false });
            i += 1;
        } else {
            i += 1;
        }
    }
    out
}

fn use_tree(tokens: &[Token], mut i: usize, mut segments: Vec<String>, out: &mut Vec<Name>) -> usize {
    let line = tokens.get(i).map_or(0, |t| t.line);
    loop {
        match text_at(tokens, i) {
            "{" => {
                i += 1;
                while !matches!(text_at(tokens, i), "}" | "") {
                    i = use_tree(tokens, i, segments.clone(), out);
                    if text_at(tokens, i) == "," {
                        i += 1;
                    }
                }
                return i + 1;
            }
            "as" => i += 2,
            "::" => i += 1,
            "," | "}" | ";" | "" => break,
            segment => {
                segments.push(segment.to_owned());
                i += 1;
            }
        }
    }
    out.push(Name { segments, line, imported: true });
    i
}

fn matches_rule(rule: &str, name: &Name) -> bool {
    let segments: Vec<&str> = name.segments.iter().map(String::as_str).collect();
    if let Some(end) = rule.strip_prefix("…::") {
        let end: Vec<&str> = end.split("::").collect();
        return segments.windows(end.len()).any(|window| window == end);
    }
    if rule.ends_with('!') {
        return segments.last() == Some(&rule);
    }
    // A single word that is not imported is a variable.
    if segments.len() < 2 && !name.imported {
        return false;
    }
    match rule.strip_suffix('*') {
        Some(prefix) => segments.first().is_some_and(|first| first.starts_with(prefix)),
        None => segments.starts_with(&rule.split("::").collect::<Vec<_>>()),
    }
}

/// Whether `file` (relative to `src`) is the place or lies in it.
fn within(file: &str, place: &str) -> bool {
    file == place || file.strip_prefix(place).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

fn floor_of(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The floors that a file names, with lines.
fn used_floors(file: &str, names: &[Name]) -> Vec<(String, usize)> {
    let module = file.strip_suffix("/mod.rs").or(file.strip_suffix(".rs")).unwrap_or(file);
    let depth = module.split('/').count();
    let mut out = Vec::new();
    for name in names {
        let segments = &name.segments;
        let supers = segments.iter().take_while(|s| *s == "super").count();
        let target = match segments.first().map(String::as_str) {
            Some("crate" | "tl_bench") => segments.get(1),
            Some("super") if supers >= depth => segments.get(supers),
            _ => None,
        };
        if let Some(target) = target.filter(|t| FLOORS.contains(&t.as_str())) {
            out.push((target.clone(), name.line));
        }
    }
    out
}

/// Everything that is wrong with some sources (path relative to `src`, text). Allowances that were needed go to `used`.
fn check(sources: &BTreeMap<String, String>, used: &mut BTreeSet<(String, String)>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut parsed = BTreeMap::new();
    let mut test_modules = Vec::new();
    for (file, text) in sources {
        let (kept, modules) = without_tests(&tokens(text));
        let folder = file
            .strip_suffix("mod.rs")
            .map_or_else(|| format!("{}/", file.trim_end_matches(".rs")), str::to_owned);
        let folder = if matches!(file.as_str(), "lib.rs" | "main.rs") { String::new() } else { folder };
        test_modules.extend(modules.into_iter().map(|module| format!("{folder}{module}")));
        parsed.insert(file, kept);
    }
    for (file, kept) in parsed {
        // A module with a #[path] has a name that says it.
        let test = file.ends_with("_tests.rs") || test_modules.iter().any(|module| within(file, module));
        let floor = floor_of(file);
        let Some(height) = FLOORS.iter().position(|f| *f == floor) else {
            if file != "lib.rs" {
                wrong.push(format!(
                    "{file}: '{floor}' is no floor; tests/floors.rs and ARCHITECTURE.md list them"
                ));
            }
            continue;
        };
        let found = names(&kept);
        for (target, line) in used_floors(file, &found) {
            let lower = FLOORS.iter().position(|f| *f == target).is_some_and(|at| at < height);
            let narrow = ONLY.iter().find(|(name, _)| *name == floor).map(|(_, may)| *may);
            let fine = target == floor || (lower && narrow.is_none_or(|may| may.contains(&target.as_str())));
            if !fine && !test {
                wrong.push(format!("{file}:{line}: '{floor}' must not use '{target}'"));
            }
        }
        if test {
            continue;
        }
        for name in &found {
            for rule in RULES.iter().filter(|rule| matches_rule(rule.name, name)) {
                let listed = |places: &[&str]| places.iter().any(|place| within(file, place));
                let fine = if rule.not_in.is_empty() { listed(rule.only_in) } else { !listed(rule.not_in) };
                if fine {
                    continue;
                }
                if ALLOWED.iter().any(|(at, what, _)| at == file && *what == rule.name) {
                    used.insert((file.clone(), rule.name.to_owned()));
                } else {
                    wrong.push(format!("{file}:{}: names {}: {}", name.line, rule.name, rule.why));
                }
            }
        }
    }
    wrong.dedup();
    wrong
}

fn read_sources(root: &Path, folder: &Path, out: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            read_sources(root, &path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            out.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_floor_stands_on_lower_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    read_sources(&root, &root, &mut sources);
    assert!(sources.len() > 50, "only {} sources found in {}", sources.len(), root.display());
    let mut used = BTreeSet::new();
    let wrong = check(&sources, &mut used);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    for (file, what, why) in ALLOWED {
        let needed = used.contains(&((*file).to_owned(), (*what).to_owned()));
        assert!(
            needed || !sources.contains_key(*file),
            "{file} no longer needs {what} ({why}): remove it from ALLOWED"
        );
    }
}

fn complaints(file: &str, text: &str) -> Vec<String> {
    check(&BTreeMap::from([(file.to_owned(), text.to_owned())]), &mut BTreeSet::new())
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let wrong = [
        ("app/mod.rs", "use crate::store::Store;", "'app' must not use 'store'"),
        ("app/mod.rs", "use crate::{base::text, engine};", "'app' must not use 'engine'"),
        ("app/mod.rs", "use super::store;", "'app' must not use 'store'"),
        ("app/tree.rs", "fn f() { super::super::store::open() }", "'app' must not use 'store'"),
        ("base/ids.rs", "fn f(_: &crate::model::Call) {}", "'base' must not use 'model'"),
        ("app/mod.rs", "use std::{collections::HashMap, fs::{self, File}};", "std::fs"),
        ("engine/core/mod.rs", "async fn f() { tokio::task::yield_now().await }", "tokio"),
        ("cli/show.rs", "fn f() { let x = '\"'; println!(\"{x}\") }", "println!"),
        ("engine/run.rs", "fn f() { let t = std::time::Instant::now(); }", "Instant::now"),
        ("engine/run.rs", "use std::time::Instant;\nfn f<'a>() { Instant::now(); }", "run.rs:2"),
        ("cli/runs.rs", "use rusqlite as sql;", "rusqlite"),
        ("model/call.rs", "use ruff_python_ast::Expr;", "ruff_*"),
        ("helpers/mod.rs", "", "is no floor"),
    ];
    for (file, text, expected) in wrong {
        let found = complaints(file, text);
        assert!(found.len() == 1 && found[0].contains(expected), "{file}: {text}\n{found:?}");
    }
}

#[test]
fn the_checker_leaves_in_peace_what_is_right() {
    let right = [
        ("app/mod.rs", "use crate::base::text; use crate::model::{Call, event::Mode}; use super::app::x;"),
        (
            "app/mod.rs",
            "// crate::store\n/* a /* crate::tui */ println!() */ const A: &str = \"crate::store\";",
        ),
        ("app/mod.rs", "const A: &str = r#\"\"crate::store\"#; fn f() -> char { 'c' }"),
        (
            "app/mod.rs",
            "#[cfg(test)]\n#[allow(x)]\nmod tests { fn f() { println!(); std::fs::read(\"\"); } }\nfn g() {}",
        ),
        ("value/pickle.rs", "use super::store::pack;"),
        ("model/mod.rs", "fn tokio() {} mod notify {} fn f(clap: u8) -> bool { a.println != 1 }"),
        ("tui/run.rs", "use crossterm::event; fn f() { Instant::now(); }"),
    ];
    for (file, text) in right {
        let found = complaints(file, text);
        assert!(found.is_empty(), "{file}: {text}\n{found:?}");
    }
    let both = BTreeMap::from([
        ("ui/mod.rs".to_owned(), "#[cfg(test)] mod screens;".to_owned()),
        ("ui/screens.rs".to_owned(), "fn f() { std::fs::read(\"\"); println!(); }".to_owned()),
    ]);
    assert_eq!(check(&both, &mut BTreeSet::new()), Vec::<String>::new());
}
