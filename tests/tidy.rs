//! House rules that no compiler checks: sizes, headers, immutable migrations, a README that names every command.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use clap::CommandFactory;

/// Lines a source file may have.
const MOST_LINES: usize = 600;

/// blake3 of every migration that was released: a line is added, never changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("001_initial.sql", "1d2345c6da6ba259c5573c435578e3908226b577ab01389e27762dd5c3fc091a"),
    ("002_accepted.sql", "43e1e0c1dfc17858224ed851305af2c9800aeea0ada4df7e1064563b1f05b910"),
    ("003_references.sql", "04569196e7431d6cf36a9b4fe6edb866a45fad34c95d0ad17d3fe065981d594d"),
    ("004_beside.sql", "7e24575e270857e8fd3d046f05886ed2a624a560d8d3851b979e79eb8c0aeb23"),
];

/// Paths that exist on somebody's machine only.
const MACHINE_PATHS: &[&str] = &["/work/", "/root/", "/tmp/", "/home/", "/Users/"];

struct File {
    /// Relative to the project, with `/`.
    name: String,
    text: String,
}

impl File {
    fn is(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.name.ends_with(ending))
    }

    fn below(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.name.starts_with(&format!("{folder}/")))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The project's own text files.
fn files() -> Vec<File> {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "workspaces", "benches", "docs", "themes", ".ci"] {
        walk(&root().join(folder), &mut paths);
    }
    for entry in std::fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let files: Vec<File> = paths
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            Some(File { name, text })
        })
        .collect();
    assert!(files.len() > 100, "only {} files found in {}", files.len(), root().display());
    files
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // Left behind by running the examples and the Python suite.
        let generated = [".state", ".tl-bench", "__pycache__", ".venv-model"].contains(&name);
        if path.is_dir() && !generated {
            walk(&path, out);
        } else if path.is_file() {
            out.push(path);
        }
    }
}

/// Endings of files that people write.
const KINDS: &[&str] = &[".rs", ".py", ".md", ".sql", ".toml", ".sh", ".ci/run", "LICENSE", ".gitignore"];

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_source_is_too_long_to_read() {
    let wrong: Vec<String> = files()
        .iter()
        .filter(|file| file.is(&[".rs", ".py"]) && file.text.lines().count() > MOST_LINES)
        .map(|file| format!("{}: {} lines, {MOST_LINES} are allowed", file.name, file.text.lines().count()))
        .collect();
    none(&wrong);
}

/// Modules in files of their own that are compiled for tests only: their paths without `.rs`.
fn test_modules(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for file in files.iter().filter(|file| file.is(&[".rs"])) {
        let module = file.name.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let mut lines = file.text.lines();
        while let Some(line) = lines.next() {
            if line == "#[cfg(test)]"
                && let Some(name) = lines.next().and_then(|line| line.strip_suffix(';')?.split("mod ").nth(1))
            {
                out.push(format!("{module}/{name}"));
            }
        }
    }
    out
}

fn is_test(name: &str, test_modules: &[String]) -> bool {
    // A module with a #[path] has a name that says it.
    name.ends_with("_tests.rs")
        || test_modules
            .iter()
            .any(|module| name.strip_prefix(module).is_some_and(|rest| rest.starts_with(['/', '.'])))
}

#[test]
fn every_module_says_what_it_is_for() {
    let files = files();
    let tests = test_modules(&files);
    assert!(tests.contains(&"src/value/figures".to_owned()), "{tests:?}");
    let wrong: Vec<String> = files
        .iter()
        .filter(|file| file.below(&["src", "tests", "benches"]) && file.is(&[".rs"]))
        .filter(|file| !is_test(&file.name, &tests) && !file.text.starts_with("//! "))
        .map(|file| format!("{}: does not begin with //!", file.name))
        .collect();
    none(&wrong);
}

#[test]
fn text_files_are_clean() {
    let mut wrong = Vec::new();
    for file in files() {
        if file.is(KINDS) && !file.text.is_empty() && !file.text.ends_with('\n') {
            wrong.push(format!("{}: does not end with a line break", file.name));
        }
        if file.is(&[".rs"]) && file.text.contains('\t') {
            wrong.push(format!("{}: contains a tab", file.name));
        }
        if file.is(KINDS) && file.text.contains('\r') {
            wrong.push(format!("{}: contains a carriage return", file.name));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_depends_on_a_machine() {
    let mut wrong = Vec::new();
    let files = files();
    let tests = test_modules(&files);
    for file in files.iter().filter(|file| file.is(KINDS)) {
        if file.below(&["tests", "docs"]) || file.is(&[".md"]) || is_test(&file.name, &tests) {
            continue;
        }
        let program = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (i, line) in program.lines().enumerate() {
            if let Some(path) = MACHINE_PATHS.iter().find(|path| line.contains(*path)) {
                wrong.push(format!("{}:{}: names {path}", file.name, i + 1));
            }
        }
    }
    none(&wrong);
}

#[test]
fn released_migrations_never_change() {
    let mut found: Vec<(String, String)> = std::fs::read_dir(root().join("src/store/schema"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "sql"))
        .map(|path| {
            let digest = blake3::hash(&std::fs::read(&path).unwrap()).to_hex().to_string();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), digest)
        })
        .collect();
    found.sort();
    let released: Vec<(String, String)> =
        MIGRATIONS.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect();
    assert_eq!(
        found, released,
        "a released migration is never edited: add a numbered one, and its digest here"
    );
}

#[test]
fn every_command_is_documented() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (readme, manual) = (read("README.md"), read("docs/cli.md"));
    let mut wrong = Vec::new();
    for command in tl_bench::cli::args::Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
        let name = command.get_name();
        if !readme.contains(&format!("| `{name}")) {
            wrong.push(format!("README.md: no row for `{name}` in the table of commands"));
        }
        if !manual.contains(&format!("\n## {name}")) {
            wrong.push(format!("docs/cli.md: no section for `{name}`"));
        }
    }
    none(&wrong);
}

#[test]
fn the_page_of_keys_is_that_of_the_table() {
    let path = root().join("docs/keys.md");
    let page = tl_bench::app::page::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/keys.md is old: UPDATE_DOCS=1 cargo test --test tidy writes it anew");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut wrong = Vec::new();
    for file in files().iter().filter(|file| file.is(&[".md"])) {
        let folder = root().join(&file.name).parent().unwrap().to_path_buf();
        for target in file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = path.is_empty() || path.contains("://") || path.contains(char::is_whitespace);
            if !elsewhere && !folder.join(path).exists() {
                wrong.push(format!("{}: links to {target}, which does not exist", file.name));
            }
        }
    }
    none(&wrong);
}
