//! `tl-bench diff --html FILE`: a report in one file that any browser shows without network and without scripts.
//!
//! Invariants: every text of a run is made safe by `base::text` and then escaped, and stands between tags or in no place
//! at all, never in an attribute; nothing is loaded, and the page's own policy forbids it; what is left out is said.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Comparison;
use crate::base::{text, whole};
use crate::cli::error::CliError;
use crate::diff::tree::{PairKind, Role};
use crate::diff::value::{
    Change, Fate, Line, LineKind, Sides, hidden_words, hunks, last_break, sentences, told_all,
};
use crate::model::{Call, ErrorInfo, RunHistory, ValueRef};
use crate::value::{self, view};

/// Rows of the tree that are written.
const ROWS: usize = 2_000;
/// Causes that are written with their values.
const CAUSES: usize = 100;
/// Differences of one value.
const CHANGES: usize = 100;
/// Characters of one side of a difference.
const SIDE: usize = 20_000;
/// Bytes of values in the whole report.
const WHOLE: usize = 8 << 20;

const STYLE: &str = include_str!("report.css");

/// Writes the report.
pub(super) fn write(comparison: &Comparison<'_>, file: &Path) -> Result<(), CliError> {
    let told = |error: std::io::Error| CliError::usage(format!("--html {}: {error}", file.display()));
    whole::replace(file, page(comparison)?.as_bytes(), whole::COMMON).map_err(told)?;
    comparison.context.out.note(&text::line(&format!("wrote {}", file.display())));
    Ok(())
}

struct Page<'a> {
    comparison: &'a Comparison<'a>,
    out: String,
    /// Differences of values that were left out.
    left_out: usize,
}

fn page(comparison: &Comparison<'_>) -> Result<String, CliError> {
    let mut page = Page { comparison, out: String::with_capacity(1 << 16), left_out: 0 };
    let title = format!("{} against {}", comparison.a.id.short(), comparison.b.id.short());
    let hash = view::to_json(
        &value::Value::Bytes(Sha256::digest(STYLE.as_bytes()).to_vec().into()),
        &view::ViewLimits::full(),
    );
    let hash = hash.json.get("$bytes").and_then(Value::as_str).unwrap_or_default().to_owned();
    let _ = writeln!(
        page.out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        escaped(&title)
    );
    page.head();
    page.causes()?;
    page.answer()?;
    page.tree()?;
    if page.left_out > 0 {
        let what = text::count(page.left_out as u64, "difference");
        let _ = writeln!(
            page.out,
            "<p class=\"cut\">{what} of values left out: the report is bounded. <code>tl-bench diff --json</code> has all.</p>"
        );
    }
    page.out.push_str("</body>\n</html>\n");
    Ok(page.out)
}

/// A text of a run between tags.
fn escaped(raw: &str) -> String {
    let safe = text::lines(raw);
    let mut out = String::with_capacity(safe.len());
    for c in safe.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

impl Page<'_> {
    fn head(&mut self) {
        let comparison = self.comparison;
        let _ = writeln!(self.out, "<header><h1>{}</h1>\n<div class=\"runs\">", escaped(&comparison.b.app));
        for (name, run) in [("a", &comparison.a), ("b", &comparison.b)] {
            self.side(name, run);
        }
        self.out.push_str("</div>\n<p class=\"counts\">");
        for (count, word) in comparison.tally().parts() {
            let class = if word == "within noise" { "noise" } else { word };
            let _ = write!(self.out, "<span class=\"{class}\">{count} {word}</span> ");
        }
        if let Some(hidden) = hidden_words(&comparison.hidden) {
            let _ = write!(self.out, "<span class=\"hidden\">{}</span>", escaped(&hidden));
        }
        self.out.push_str("</p></header>\n");
    }

    fn side(&mut self, name: &str, run: &RunHistory) {
        let wall = run.ended_at.unwrap_or(run.started_at) - run.started_at;
        // What was served was used once, too: runs are compared by what they took to make.
        let spent = match run.spent.tokens + run.saved.tokens {
            0 => String::new(),
            tokens => format!(", {tokens} tokens"),
        };
        let _ = writeln!(
            self.out,
            "<section class=\"run\"><h2>{name}</h2><p><code>{}</code> <b class=\"{}\">{}</b></p><p>{}</p><p>{} calls, {}{}</p></section>",
            escaped(run.id.as_str()),
            if run.output.is_some() { "good" } else { "bad" },
            run.status.word(),
            escaped(&moment(run.started_at)),
            run.calls.len().saturating_sub(1),
            escaped(&text::duration(wall)),
            escaped(&spent),
        );
        if let Some(error) = &run.error {
            let _ = write!(self.out, "<pre class=\"error\">{}</pre>", escaped(&cut(&error.headline())));
        }
    }

    fn causes(&mut self) -> Result<(), CliError> {
        let groups = &self.comparison.groups;
        let _ = writeln!(self.out, "<main>\n<h2>{}</h2>", text::count(groups.len() as u64, "cause"));
        if let Some(first) = self.comparison.merged.first_divergence() {
            let path = escaped(&self.comparison.path(first));
            let _ = writeln!(self.out, "<p class=\"same\">First changed call: <code>{path}</code></p>");
        }
        if groups.is_empty() {
            let words = match self.comparison.is_different() {
                true => "No call explains the differences by itself.",
                false => "Nothing differs.",
            };
            let _ = writeln!(self.out, "<p>{words}</p>");
        }
        for (at, group) in groups.iter().take(CAUSES).enumerate() {
            let Some(row) = group.rows.first() else { continue };
            let path = escaped(&self.comparison.path(*row));
            let more = match group.rows.len() {
                1 => String::new(),
                n => format!(" and {}", text::count(n as u64 - 1, "more call")),
            };
            let quiet = self.comparison.noise.is_quiet(*row);
            let noise =
                self.comparison.noise.measured.get(row).map(|noise| format!(" {}", escaped(&noise.words())));
            let _ = writeln!(
                self.out,
                "<details{} class=\"{}\" id=\"cause-{at}\"><summary><code>{path}</code>{more} <i>{}</i>{}</summary>",
                if quiet { "" } else { " open" },
                if quiet { "noise" } else { "cause" },
                escaped(&group.words),
                noise.unwrap_or_default(),
            );
            for definition in &group.definitions {
                self.definition(&definition.diff);
            }
            self.values(*row)?;
            self.out.push_str("</details>\n");
        }
        if groups.len() > CAUSES {
            let _ = writeln!(
                self.out,
                "<p class=\"cut\">{} more causes are not shown.</p>",
                groups.len() - CAUSES
            );
        }
        Ok(())
    }

    /// Which sentences of the run's answer are other ones.
    fn answer(&mut self) -> Result<(), CliError> {
        let Some((old, new)) = self.comparison.sentences()? else { return Ok(()) };
        let found = sentences(&old, &new);
        let same = found.iter().filter(|one| one.0 == Fate::Same).count();
        let _ =
            writeln!(self.out, "<h2>The answer, by sentence</h2>\n<p class=\"same\">{same} same</p>\n<ul>");
        let changed: Vec<_> = found.iter().filter(|one| one.0 != Fate::Same).collect();
        for (fate, sentence) in changed.iter().take(CHANGES) {
            let (word, tag) = match fate {
                Fate::Removed => ("gone", "del"),
                Fate::Added => ("new", "ins"),
                _ => ("moved", "span"),
            };
            let _ = writeln!(self.out, "<li><b>{word}</b> <{tag}>{}</{tag}></li>", escaped(&cut(sentence)));
        }
        self.out.push_str("</ul>\n");
        if changed.len() > CHANGES {
            let more = text::count((changed.len() - CHANGES) as u64, "more sentence");
            let _ = writeln!(self.out, "<p class=\"cut\">{more} not shown.</p>");
        }
        Ok(())
    }

    /// The lines of a definition that changed, and those around them.
    fn definition(&mut self, diff: &str) {
        self.out.push_str("<pre>");
        for (at, line) in cut(diff).lines().enumerate() {
            let text = escaped(line);
            if line.starts_with("@@") {
                self.out.push_str(if at > 0 { "…\n" } else { "" });
                continue;
            }
            let _ = match line.as_bytes().first() {
                Some(b'-') => writeln!(self.out, "<del>{text}</del>"),
                Some(b'+') => writeln!(self.out, "<ins>{text}</ins>"),
                _ => writeln!(self.out, "{text}"),
            };
        }
        self.out.push_str("</pre>\n");
    }

    /// The merged tree without what is the same.
    fn tree(&mut self) -> Result<(), CliError> {
        let shown = self.comparison.shown();
        if shown.is_empty() {
            self.out.push_str("</main>\n");
            return Ok(());
        }
        self.out.push_str("<h2>All that differs</h2>\n<div class=\"tree\">\n");
        enum Step {
            Row(usize),
            Same(String),
            End,
        }
        let mut written = 0;
        let mut stack = vec![Step::Row(0)];
        while let Some(step) = stack.pop() {
            match step {
                Step::End => self.out.push_str("</details>\n"),
                Step::Same(words) => {
                    let _ = writeln!(self.out, "<p class=\"same\">{words}</p>");
                }
                Step::Row(_) if written >= ROWS => written += 1,
                Step::Row(row) => {
                    written += 1;
                    self.row(row)?;
                    stack.push(Step::End);
                    let children = &self.comparison.merged.pairs[row].children;
                    let different: Vec<usize> =
                        children.iter().copied().filter(|r| shown.contains(r)).collect();
                    stack.extend(different.iter().rev().map(|row| Step::Row(*row)));
                    stack.extend(self.comparison.left_out(row, &shown).map(Step::Same));
                }
            }
        }
        self.out.push_str("</div>\n");
        if shown.len() > ROWS {
            let _ = writeln!(
                self.out,
                "<p class=\"cut\">{} of {} calls are shown. <code>tl-bench diff --json</code> has all.</p>",
                ROWS,
                shown.len()
            );
        }
        self.out.push_str("</main>\n");
        Ok(())
    }

    /// The beginning of a row; its end comes behind what is below it.
    fn row(&mut self, row: usize) -> Result<(), CliError> {
        let (pair, old, new) = self.comparison.pair(row);
        let (class, sign) = match pair.kind {
            PairKind::Added | PairKind::Repeated => ("added", "+"),
            PairKind::Removed => ("removed", "−"),
            PairKind::Moved => ("moved", "»"),
            PairKind::Both if pair.differs.matters() => ("changed", "~"),
            PairKind::Both => ("same", "·"),
        };
        let run = if new.is_some() { &self.comparison.b } else { &self.comparison.a };
        let label = new.or(old).map(|call| crate::model::path::label(run, call)).unwrap_or_default();
        let words: Vec<&str> = pair.differs.words().collect();
        let quiet = self.comparison.noise.is_quiet(row);
        let cause = match pair.role {
            Role::Cause(_) if quiet => " within its noise",
            _ if quiet => " follows from noise",
            Role::Cause(_) => " <i>cause</i>",
            _ => "",
        };
        let sign = if quiet { "≈" } else { sign };
        let open = if row == 0 || class == "same" { " open" } else { "" };
        let one_sided = matches!(class, "added" | "removed");
        let _ = writeln!(
            self.out,
            "<details{open} class=\"{class}{}\"><summary><b>{sign}</b> <code>{}</code> {}{cause}</summary>",
            if quiet { " noise" } else { "" },
            escaped(&label),
            if one_sided { class.to_owned() } else { words.join(", ") },
        );
        if one_sided {
            let call = new.or(old);
            let (input, output) = (call.and_then(|c| c.input.clone()), call.and_then(|c| c.output.clone()));
            for (name, value) in [("input", input), ("output", output)] {
                self.whole(name, value.as_ref())?;
            }
        } else {
            let above =
                self.comparison.groups.iter().take(CAUSES).position(|group| group.rows.first() == Some(&row));
            match above {
                Some(at) => {
                    let _ = writeln!(
                        self.out,
                        "<p class=\"same\"><a href=\"#cause-{at}\">Its values stand with the cause.</a></p>"
                    );
                }
                None => self.values(row)?,
            }
        }
        Ok(())
    }

    /// A value that is in one run only.
    fn whole(&mut self, name: &str, value: Option<&ValueRef>) -> Result<(), CliError> {
        let Some(value) = value else { return Ok(()) };
        if self.out.len() > WHOLE {
            self.left_out += 1;
            return Ok(());
        }
        let json = self.comparison.view(Some(value))?;
        let _ = writeln!(
            self.out,
            "<div class=\"change\"><code>{name}</code><pre>{}</pre></div>",
            escaped(&shown(&json))
        );
        Ok(())
    }

    fn values(&mut self, row: usize) -> Result<(), CliError> {
        let (_, old, new) = self.comparison.pair(row);
        let (Some(old), Some(new)) = (old, new) else { return Ok(()) };
        for (name, was, now) in [("input", &old.input, &new.input), ("output", &old.output, &new.output)] {
            if was.is_none() || now.is_none() {
                continue;
            }
            let found = self.comparison.changes(was.as_ref(), now.as_ref())?;
            let changes = found.changes;
            if let Some(left_out) = found.left_out {
                let _ = writeln!(
                    self.out,
                    "<p class=\"cut\">not shown of the {name}: {}</p>",
                    escaped(&left_out)
                );
            }
            self.left_out += changes.len().saturating_sub(CHANGES);
            self.changes(name, &changes[..changes.len().min(CHANGES)]);
        }
        if old.error.is_some() || new.error.is_some() {
            let ending = |call: &Call| match &call.error {
                Some(error) => ErrorInfo::headline(error),
                None => call.status.word().to_owned(),
            };
            self.out.push_str("<div class=\"change\">\n");
            self.sides("ended", &cut(&ending(old)), &cut(&ending(new)));
            self.out.push_str("</div>\n");
        }
        Ok(())
    }

    fn changes(&mut self, name: &str, changes: &[Change]) {
        for row in told_all(changes, name) {
            if self.out.len() > WHOLE {
                self.left_out += usize::from(row.sides != Sides::None);
                continue;
            }
            let _ = writeln!(self.out, "<div class=\"change d{}\">", row.depth.min(4));
            let words = escaped(&row.words);
            match (row.sides.in_short(), row.sides) {
                (Some(sides), _) => {
                    let side = |side: Option<String>, tag| match side {
                        Some(side) => format!("<{tag}><code>{}</code></{tag}>", escaped(&side)),
                        None => String::new(),
                    };
                    let arrow = if sides.iter().all(Option::is_some) { " → " } else { "" };
                    let [old, new] = sides;
                    let (old, new) = (side(old, "del"), side(new, "ins"));
                    let _ = writeln!(self.out, "<code>{words}</code> {old}{arrow}{new}");
                }
                (None, Sides::None) => {
                    let _ = writeln!(self.out, "<code>{words}</code>");
                }
                (None, Sides::Texts(old, new)) => self.sides(&row.words, &cut(old), &cut(new)),
                (None, Sides::Excerpts(old, new)) => self.sides(&row.words, old, new),
                (None, Sides::Values(old, new)) => {
                    let side = |value: Option<&Value>| value.map(shown).unwrap_or_default();
                    self.sides(&row.words, &side(old), &side(new));
                }
            }
            self.out.push_str("</div>\n");
        }
    }

    /// Two texts side by side, line by line.
    fn sides(&mut self, place: &str, old: &str, new: &str) {
        let _ = writeln!(self.out, "<code>{}</code>\n<table>", escaped(place));
        let (mut left, mut right): (Vec<&Line>, Vec<&Line>) = (Vec::new(), Vec::new());
        for (at, hunk) in hunks(old, new, 3).iter().enumerate() {
            if at > 0 || !hunk.heading.is_empty() {
                let words = escaped(&hunk.heading);
                let _ = writeln!(self.out, "<tr class=\"gap\"><td colspan=\"2\">… {words}</td></tr>");
            }
            for line in &hunk.lines {
                match line.kind {
                    LineKind::Removed => left.push(line),
                    LineKind::Added => right.push(line),
                    LineKind::Same => {
                        self.pairs(&mut left, &mut right);
                        self.pairs(&mut vec![line], &mut vec![line]);
                    }
                }
            }
            self.pairs(&mut left, &mut right);
        }
        if let Some(words) = last_break(old, new) {
            let _ = writeln!(self.out, "<tr class=\"gap\"><td></td><td>({words})</td></tr>");
        }
        self.out.push_str("</table>\n");
    }

    fn pairs(&mut self, left: &mut Vec<&Line>, right: &mut Vec<&Line>) {
        for at in 0..left.len().max(right.len()) {
            self.out.push_str("<tr>");
            for (line, tag) in [(left.get(at), "del"), (right.get(at), "ins")] {
                match line {
                    None => self.out.push_str("<td class=\"none\"></td>"),
                    Some(line) => {
                        let class = if line.kind == LineKind::Same { "same" } else { tag };
                        let _ = write!(self.out, "<td class=\"{class}\">");
                        for span in &line.spans {
                            let text = escaped(&span.text);
                            let _ = match span.differs {
                                true => write!(self.out, "<{tag}>{text}</{tag}>"),
                                false => write!(self.out, "{text}"),
                            };
                        }
                        self.out.push_str("</td>");
                    }
                }
            }
            self.out.push_str("</tr>\n");
        }
        left.clear();
        right.clear();
    }
}

/// When something was, for people anywhere.
fn moment(at: crate::base::clock::Micros) -> String {
    jiff::Timestamp::from_microsecond(at).map(|at| format!("{at:.0}")).unwrap_or_default()
}

fn shown(json: &Value) -> String {
    match json {
        Value::String(text) => cut(text),
        other => cut(&serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

/// At most [`SIDE`] characters, and how many more there are.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SIDE) {
        Some((at, _)) => {
            let more = text[at..].chars().count();
            format!("{}\n… {more} more characters are not shown", &text[..at])
        }
        None => text.to_owned(),
    }
}
