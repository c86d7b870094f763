//! What kind of text a string is, from its beginning.

/// A kind of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prose {
    /// Nothing special.
    Plain,
    /// Headings, lists, fences, links.
    Markdown,
    /// JSON: it can be shown as a tree.
    Json,
    /// Source code in this language.
    Code(&'static str),
}

/// A language, and beginnings of lines that are typical of it.
const LANGUAGES: &[(&str, &[&str])] = &[
    (
        "python",
        &["def ", "async def ", "import ", "from ", "class ", "    return", "@", "if __name__", "    self."],
    ),
    (
        "javascript",
        &["function ", "const ", "let ", "export ", "import ", "async function ", "  return ", "});", "};"],
    ),
    ("rust", &["fn ", "pub fn ", "use ", "impl ", "pub struct ", "struct ", "    let ", "#[", "mod "]),
    ("go", &["package ", "func ", "import (", "type ", "\treturn", "\tif err"]),
    (
        "sql",
        &[
            "select ",
            "insert into ",
            "update ",
            "create table ",
            "from ",
            "where ",
            "with ",
            "group by ",
            "order by ",
        ],
    ),
    (
        "shell",
        &["#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash", "set -e", "export ", "echo ", "fi", "done"],
    ),
    ("css", &["body {", ".", "#", "@media", "}"]),
];

/// What kind of text this is. `whole`: there is no more of it than this.
pub fn prose(text: &str, whole: bool) -> Prose {
    let start = text.trim_start();
    let lower: String = start.chars().take(40).collect::<String>().to_ascii_lowercase();
    if is_json(start, whole) {
        return Prose::Json;
    }
    if start.starts_with("diff --git ") || (start.starts_with("--- ") && start.contains("\n@@ ")) {
        return Prose::Code("diff");
    }
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Prose::Code("html");
    }
    if lower.starts_with("<?xml") || lower.starts_with("<svg") {
        return Prose::Code("xml");
    }
    if start.starts_with("#!") && start.lines().next().is_some_and(|line| line.contains("python")) {
        return Prose::Code("python");
    }
    let markdown = markdown_marks(start);
    let fenced = start.lines().take(200).any(|line| line.trim_start().starts_with("```"));
    match code(start).filter(|_| !fenced) {
        // Comments of code look like headings.
        Some((language, share)) if share * 4 > markdown => Prose::Code(language),
        _ if markdown >= 2 => Prose::Markdown,
        _ => Prose::Plain,
    }
}

fn is_json(start: &str, whole: bool) -> bool {
    let last = start.trim_end().chars().next_back();
    match (start.chars().next(), last) {
        (Some('{'), Some('}')) | (Some('['), Some(']')) if whole => {
            serde_json::from_str::<serde::de::IgnoredAny>(start).is_ok()
        }
        // The beginning must be one that JSON can have.
        (Some('{'), _) if !whole => {
            let inner = start[1..].trim_start();
            inner.starts_with('"')
                && inner[1..].split_once('"').is_some_and(|(_, rest)| rest.trim_start().starts_with(':'))
        }
        (Some('['), _) if !whole => start[1..].trim_start().starts_with(['{', '[', '"']),
        _ => false,
    }
}

/// How many lines look like markdown; a heading and a fence count twice.
fn markdown_marks(text: &str) -> usize {
    let mut marks = 0;
    for line in text.lines().take(200) {
        let inner = line.trim_start();
        let level = inner.chars().take_while(|c| *c == '#').count();
        if (1..=6).contains(&level) && inner[level..].starts_with(' ') || inner.starts_with("```") {
            marks += 2;
        } else if ["- ", "* ", "> ", "| "].iter().any(|mark| inner.starts_with(mark)) || is_numbered(inner) {
            marks += 1;
        }
        let bold = inner.matches("**").count() >= 2;
        let link =
            inner.split_once("](").is_some_and(|(head, tail)| head.contains('[') && tail.contains(')'));
        marks += usize::from(bold) + usize::from(link);
    }
    marks
}

fn is_numbered(line: &str) -> bool {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    (1..=3).contains(&digits) && line[digits..].starts_with(". ")
}

/// The language with the most typical lines: at least three of them, and a fifth of all.
fn code(text: &str) -> Option<(&'static str, usize)> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(200).collect();
    let typical = |starts: &[&str], any_case: bool| {
        let fits = |line: &&&str| {
            let line = if any_case { line.trim_start().to_ascii_lowercase() } else { (**line).to_owned() };
            starts.iter().any(|start| line.starts_with(start))
        };
        lines.iter().filter(fits).count()
    };
    LANGUAGES
        .iter()
        .map(|(name, starts)| (*name, typical(starts, *name == "sql")))
        .filter(|(name, count)| {
            let enough = if *name == "sql" { 2 } else { 3 };
            *count >= enough && count * 5 >= lines.len()
        })
        .max_by_key(|(_, count)| *count)
}
