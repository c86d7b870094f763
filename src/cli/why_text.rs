//! Explanations as lines of text: sanitised, with tones.

use std::collections::HashSet;

use super::output::Tone;
use crate::base::text;
use crate::engine::explain::closure::Reach;
use crate::engine::explain::{Cause, Checked, DefinitionChange, Explanation, Happened, Matched, ValueChange};
use crate::model::{FileRead, Opaque, ReadKind};

/// Lines of one diff; the rest is counted.
const DIFF: usize = 40;
/// Differences, definitions and opaque places that are listed.
const LISTED: usize = 8;

type Paint<'a> = &'a dyn Fn(Tone, &str) -> String;

struct Lines<'a> {
    out: Vec<String>,
    paint: Paint<'a>,
    /// Definitions whose diff was printed: calls of one function repeat the same.
    told: HashSet<(String, String, usize)>,
}

/// The whole answer.
pub fn explanation(found: &Explanation, paint: Paint<'_>) -> Vec<String> {
    let mut lines = Lines { out: Vec::new(), paint, told: HashSet::new() };
    lines.add(0, Tone::Strong, &found.path);
    lines.add(0, Tone::Plain, &found.sentence());
    if has_more(&found.causes) {
        for cause in &found.causes {
            lines.cause(1, cause);
        }
    }
    if let Some(with) = &found.compared_with {
        let verb = if with.matched == Matched::Origin { "made by" } else { "compared with" };
        let how = match with.matched {
            Matched::Origin => "",
            Matched::Key => ", the same arguments",
            Matched::Position => ", the same position",
            Matched::Path => ", the same path",
            Matched::Similar => ", the most similar arguments",
        };
        let other = format!("{verb} call {} of run {} ({}{how})", with.call, with.run, with.status.word());
        lines.add(0, Tone::Quiet, &other);
    }
    if let Some(checked) = &found.checked {
        lines.add(0, Tone::Plain, &format!("checked: {}", checked_words(checked)));
    }
    lines.opaque(&found.opaque);
    if let Some(platform) = &found.platform {
        let does = if platform.reuses { "reuse" } else { "execute" };
        let differs = if platform.agrees { "the same" } else { "another verdict" };
        let tone = if platform.agrees { Tone::Quiet } else { Tone::Warn };
        lines.add(0, tone, &format!("on the platform: {does} ({differs}): {}", platform.because));
    }
    lines.out
}

/// What a function's code consists of.
pub fn reach(found: &Reach, paint: Paint<'_>) -> Vec<String> {
    let mut lines = Lines { out: Vec::new(), paint, told: HashSet::new() };
    for part in &found.parts {
        let lines_of = if part.end_line > part.line {
            format!("{}:{}-{}", part.file, part.line, part.end_line)
        } else {
            format!("{}:{}", part.file, part.line)
        };
        let name = text::line(&part.name);
        let tone = if part.depth == 0 { Tone::Strong } else { Tone::Plain };
        let place = paint(Tone::Quiet, &text::line(&lines_of));
        lines.out.push(format!("{}{}  {place}", "  ".repeat(part.depth), paint(tone, &name)));
    }
    let words = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    match &found.seen {
        Some(seen) => {
            let packages = seen.packages.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
            lines.add(0, Tone::Quiet, &format!("packages: {}", words(packages)));
            let data = |read: &&FileRead| !matches!(read.kind, ReadKind::Absent | ReadKind::Present);
            let files = seen.files.iter().filter(data).map(|read| read.path.clone()).collect();
            lines.add(0, Tone::Quiet, &format!("files read while it is imported: {}", words(files)));
            if !seen.environment.is_empty() {
                lines.add(0, Tone::Quiet, &format!("environment: {}", words(seen.environment.clone())));
            }
        }
        None => {
            lines.add(0, Tone::Quiet, &format!("packages: {}", words(found.external.clone())));
            lines.add(
                0,
                Tone::Quiet,
                "no recent run had this code: versions, and files read at import, are not known",
            );
        }
    }
    lines.opaque(&found.opaque);
    let code = format!("code {}, {}", found.code.get(..12).unwrap_or_default(), found.rules);
    lines.add(0, Tone::Quiet, &code);
    lines.out
}

/// Whether causes have more to say than the one line of the first.
fn has_more(causes: &[Cause]) -> bool {
    causes.len() > 1
        || causes.iter().any(|cause| match cause {
            Cause::Input { changes } => {
                changes.len() > 1 || changes.iter().any(|change| change.diff.is_some())
            }
            Cause::Child { causes, .. } => has_more(causes),
            Cause::Code { .. } => true,
            _ => false,
        })
}

/// What was compared before a call was served.
fn checked_words(checked: &Checked) -> String {
    let code = match checked.definitions {
        Some(n) => format!("code ({})", text::count(n as u64, "definition")),
        None => "code".to_owned(),
    };
    let mut words = vec!["arguments".to_owned(), code];
    let counted = [
        (checked.files, "data file"),
        (checked.packages, "package"),
        (checked.environment, "environment variable"),
        (checked.state, "state key"),
        (checked.children, "call"),
    ];
    for (n, what) in counted.into_iter().filter(|(n, _)| *n > 0) {
        words.push(text::count(n as u64, what));
    }
    let mut all = words.join(", ");
    if checked.children > 0 {
        all.push_str(" below it");
    }
    all
}

impl Lines<'_> {
    fn add(&mut self, level: usize, tone: Tone, line: &str) {
        self.out.push(format!("{}{}", "  ".repeat(level), (self.paint)(tone, &text::line(line))));
    }

    fn cause(&mut self, level: usize, cause: &Cause) {
        match cause {
            Cause::Code { definitions, unknown, .. } => {
                self.add(level, Tone::Warn, "≠ code");
                for definition in definitions.iter().take(LISTED) {
                    self.definition(level + 1, definition);
                }
                self.rest(level + 1, definitions.len(), "definition");
                match unknown {
                    Some(why) => {
                        self.add(level + 1, Tone::Quiet, &format!("what differs is not known: {why}"))
                    }
                    None if definitions.is_empty() => {
                        self.add(level + 1, Tone::Quiet, "the same definitions in another order or place");
                    }
                    None => {}
                }
            }
            Cause::Input { changes } => {
                self.add(level, Tone::Warn, "≠ arguments");
                for change in changes.iter().take(LISTED) {
                    self.value(level + 1, change);
                }
                self.rest(level + 1, changes.len(), "difference");
            }
            Cause::Child { path, causes } => {
                self.add(level, Tone::Warn, &format!("≠ call {path}"));
                for cause in causes {
                    self.cause(level + 1, cause);
                }
            }
            other => self.add(level, Tone::Warn, &format!("≠ {other}")),
        }
    }

    fn definition(&mut self, level: usize, definition: &DefinitionChange) {
        let verb = match definition.change {
            Happened::Added => "added",
            Happened::Removed => "removed",
            _ => "changed",
        };
        let place = format!("{} {verb} in {}:{}", definition.name, definition.file, definition.line);
        self.add(level, Tone::Plain, &place);
        if definition.chain.len() > 1 {
            self.add(level, Tone::Quiet, &format!("reached by {}", definition.chain.join(" → ")));
        }
        let key = (definition.file.clone(), definition.name.clone(), definition.line);
        if self.told.insert(key) {
            self.diff(level + 1, &definition.diff);
        }
    }

    fn value(&mut self, level: usize, change: &ValueChange) {
        match &change.diff {
            Some(diff) => {
                let path = if change.path.is_empty() { "the value" } else { &change.path };
                self.add(level, Tone::Plain, path);
                self.diff(level + 1, diff);
            }
            None => self.add(level, Tone::Plain, &change.to_string()),
        }
    }

    fn diff(&mut self, level: usize, diff: &str) {
        let all = diff.lines().count();
        for line in diff.lines().take(DIFF) {
            let tone = match line.as_bytes().first() {
                Some(b'+') => Tone::Good,
                Some(b'-') => Tone::Bad,
                Some(b'@') => Tone::Quiet,
                _ => Tone::Plain,
            };
            self.add(level, tone, line);
        }
        if all > DIFF {
            self.add(level, Tone::Quiet, &format!("… {} more", text::count((all - DIFF) as u64, "line")));
        }
    }

    fn opaque(&mut self, places: &[Opaque]) {
        for place in places.iter().take(LISTED) {
            let text = format!("not followed: {}:{} {}", place.file, place.line, place.reason);
            self.add(0, Tone::Warn, &text);
        }
        self.rest(0, places.len(), "place");
    }

    fn rest(&mut self, level: usize, all: usize, what: &str) {
        if all > LISTED {
            let more = text::count((all - LISTED) as u64, &format!("more {what}"));
            self.add(level, Tone::Quiet, &format!("… {more}"));
        }
    }
}
