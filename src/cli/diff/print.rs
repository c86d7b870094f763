//! `tl-bench diff` for people: the causes with what they changed, then the tree of what differs.

use serde_json::Value;

use super::Comparison;
use crate::base::text;
use crate::cli::error::CliError;
use crate::cli::output::Tone;
use crate::cli::view;
use crate::diff::stored::WHOLE;
use crate::diff::tree::{Cause, PairKind, Role};
use crate::diff::value::{
    Change, Fate, Line, LineKind, Sides, Told, as_file, hidden_words, hunks, last_break, patch_of, sentences,
    told_all,
};
use crate::model::{Call, ErrorInfo, RunHistory, ValueRef};

/// Causes that are shown with their values.
const CAUSES: usize = 5;
/// Differences of one value that are shown, among other calls and of one that was asked for.
const CHANGES: usize = 8;
const ALL_CHANGES: usize = 500;
/// Definitions of one cause that are shown, and lines of one.
const NAMED: usize = 3;
const LINES: usize = 12;
/// Sentences of the answer that are shown.
const SENTENCES: usize = 16;
/// Rows of the tree that are shown for one parent.
const ROWS: usize = 12;
/// Columns of one side of a difference that stands in one line.
const SHORT: usize = 60;
/// In wider lines what differs is marked where there are no colours.
const MARKED: usize = 80;

/// Everything, shortest first.
pub(super) fn whole(comparison: &Comparison<'_>) -> Result<(), CliError> {
    head(comparison);
    causes(comparison)?;
    tree(comparison);
    answer(comparison)?;
    Ok(())
}

/// What differs, without figures of the runs.
pub(super) fn differences(comparison: &Comparison<'_>) -> Result<(), CliError> {
    causes(comparison)?;
    tree(comparison);
    Ok(())
}

/// How a call is asked now, and how it was asked.
pub(super) fn asked(comparison: &Comparison<'_>, path: &str, old: &Value, new: &Value) {
    let out = comparison.context.out;
    let words = out.paint(Tone::Quiet, "is asked otherwise");
    out.line(&format!("{} {}  {words}", out.paint(Tone::Warn, "●"), text::line(path)));
    let changes = crate::diff::value::compare(old, new, &comparison.options).changes;
    for line in change_lines(comparison, "input", &changes[..changes.len().min(CHANGES)]) {
        out.line(&format!("    {line}"));
    }
    if changes.len() > CHANGES {
        let more = format!("    and {} more", changes.len() - CHANGES);
        out.line(&out.paint(Tone::Quiet, &more));
    }
}

/// `--stat`: the first lines alone.
pub(super) fn stat(comparison: &Comparison<'_>) {
    head(comparison);
}

fn head(comparison: &Comparison<'_>) {
    let out = comparison.context.out;
    for (name, run) in [("a", &comparison.a), ("b", &comparison.b)] {
        let sentence = view::run_sentence(run, &|tone, text| out.paint(tone, text));
        out.line(&format!("{}  {sentence}", out.paint(Tone::Quiet, name)));
    }
    let words: Vec<String> = comparison.tally().parts().map(|(n, word)| format!("{n} {word}")).collect();
    out.line(&format!("{}  {}", out.paint(Tone::Strong, "calls"), words.join(", ")));
    if let Some(hidden) = hidden_words(&comparison.hidden) {
        out.line(&out.paint(Tone::Warn, &format!("       {}", text::line(&hidden))));
    }
    let figures =
        // What was served was used once, too: runs are compared by what they took to make.
        |run: &RunHistory| (run.spent.tokens + run.saved.tokens, run.ended_at.unwrap_or(run.started_at) - run.started_at);
    let ((tokens_a, wall_a), (tokens_b, wall_b)) = (figures(&comparison.a), figures(&comparison.b));
    let tokens =
        if tokens_a + tokens_b > 0 { format!("tokens {tokens_a} → {tokens_b}, ") } else { String::new() };
    out.line(&out.paint(
        Tone::Quiet,
        &format!("       {tokens}time {} → {}", text::duration(wall_a), text::duration(wall_b)),
    ));
}

fn causes(comparison: &Comparison<'_>) -> Result<(), CliError> {
    let out = comparison.context.out;
    let groups = &comparison.groups;
    if groups.is_empty() {
        let same = !comparison.merged.pairs.iter().any(|pair| pair.is_different());
        out.line(if same { "nothing differs" } else { "no call explains the differences by itself" });
        return Ok(());
    }
    if let Some(first) = comparison.merged.first_divergence() {
        let path = text::line(&comparison.path(first));
        out.line(&format!("{}  {path}", out.paint(Tone::Strong, "first changed call")));
    }
    out.line("");
    out.line(&out.paint(Tone::Strong, &text::count(groups.len() as u64, "cause")));
    for group in groups.iter().take(CAUSES) {
        let Some(row) = group.rows.first() else { continue };
        let more = match group.rows.len() {
            1 => String::new(),
            n => format!(" and {}", text::count(n as u64 - 1, "more call")),
        };
        let path = text::line(&comparison.path(*row));
        let words = out.paint(Tone::Quiet, &text::line(&group.words));
        let noise = comparison.noise.measured.get(row).map(|noise| format!("  {}", noise.words()));
        let mark = match comparison.noise.is_quiet(*row) {
            true => out.paint(Tone::Quiet, "≈"),
            false => out.paint(Tone::Warn, "●"),
        };
        out.line(&format!("{mark} {path}{more}  {words}{}", noise.unwrap_or_default()));
        for definition in group.definitions.iter().take(NAMED) {
            definition_lines(comparison, &definition.diff);
        }
        values(comparison, *row, "    ", group.cause == Cause::Input, CHANGES)?;
    }
    if groups.len() > CAUSES {
        let more = format!("  and {} more: tl-bench diff --json lists all", groups.len() - CAUSES);
        out.line(&out.paint(Tone::Quiet, &more));
    }
    if comparison.noise.unmeasured > 0 {
        let more = text::count(comparison.noise.unmeasured as u64, "more cause");
        out.line(&out.paint(Tone::Quiet, &format!("  the noise of {more} was not measured")));
    }
    Ok(())
}

/// The changed lines of a definition.
fn definition_lines(comparison: &Comparison<'_>, diff: &str) {
    let out = comparison.context.out;
    let changed = |line: &&str| line.starts_with(['-', '+']);
    let lines: Vec<&str> = diff.lines().filter(changed).collect();
    for line in lines.iter().take(LINES) {
        let tone = if line.starts_with('-') { Tone::Bad } else { Tone::Good };
        out.line(&format!("    {}", out.paint(tone, &text::line(line))));
    }
    if lines.len() > LINES {
        let more = text::count((lines.len() - LINES) as u64, "more line");
        out.line(&out.paint(Tone::Quiet, &format!("    and {more}")));
    }
}

/// Which sentences of the run's answer are other ones.
fn answer(comparison: &Comparison<'_>) -> Result<(), CliError> {
    let Some((old, new)) = comparison.sentences()? else { return Ok(()) };
    let out = comparison.context.out;
    let found = sentences(&old, &new);
    let n = |fate: Fate| found.iter().filter(|one| one.0 == fate).count();
    let parts = [
        (n(Fate::Same), "same"),
        (n(Fate::Moved), "moved"),
        (n(Fate::Added), "new"),
        (n(Fate::Removed), "gone"),
    ];
    let words: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    out.line("");
    out.line(&format!("{}  sentences: {}", out.paint(Tone::Strong, "answer"), words.join(", ")));
    let changed: Vec<_> = found.iter().filter(|one| one.0 != Fate::Same).collect();
    for (fate, sentence) in changed.iter().take(SENTENCES) {
        let (sign, tone) = match fate {
            Fate::Removed => ("-", Tone::Bad),
            Fate::Added => ("+", Tone::Good),
            _ => ("»", Tone::Warn),
        };
        let shown = text::fit(&text::line(sentence), 160);
        out.line(&format!("  {}", out.paint(tone, &format!("{sign} {}", shown.trim_end()))));
    }
    if changed.len() > SENTENCES {
        let more = text::count((changed.len() - SENTENCES) as u64, "more sentence");
        out.line(&out.paint(Tone::Quiet, &format!("  and {more}")));
    }
    Ok(())
}

/// `--call`: the differences of single calls in full.
pub(super) fn calls(comparison: &Comparison<'_>, rows: &[usize]) -> Result<(), CliError> {
    let out = comparison.context.out;
    for row in rows {
        let (pair, ..) = comparison.pair(*row);
        let role = match pair.role {
            Role::Cause(cause) => comparison.group(*row).map_or(cause.words(), |group| &group.words),
            Role::Consequence if comparison.noise.is_quiet(*row) => "follows from noise alone",
            Role::Consequence => "follows from other differences",
            Role::None => "nothing differs",
        };
        let role = text::line(role);
        let path = out.paint(Tone::Strong, &text::line(&comparison.path(*row)));
        let noise = comparison.noise.measured.get(row).map(|noise| format!("  {}", noise.words()));
        out.line(&format!("{path}  {}  {role}{}", kind_word(pair.kind), noise.unwrap_or_default()));
        values(comparison, *row, "  ", true, ALL_CHANGES)?;
    }
    Ok(())
}

/// What differs in the values of a pair.
fn values(
    comparison: &Comparison<'_>,
    row: usize,
    indent: &str,
    input: bool,
    most: usize,
) -> Result<(), CliError> {
    let out = comparison.context.out;
    let (_, old, new) = comparison.pair(row);
    let (Some(old), Some(new)) = (old, new) else { return Ok(()) };
    let mut sections: Vec<(&str, Option<&ValueRef>, Option<&ValueRef>)> = Vec::new();
    if input {
        sections.push(("input", old.input.as_ref(), new.input.as_ref()));
    }
    sections.push(("output", old.output.as_ref(), new.output.as_ref()));
    for (name, was, now) in sections {
        if was.is_none() || now.is_none() {
            continue;
        }
        let found = comparison.changes(was, now)?;
        let changes = &found.changes;
        for line in change_lines(comparison, name, &changes[..changes.len().min(most)]) {
            out.line(&format!("{indent}{line}"));
        }
        if changes.len() > most {
            let more = format!("{indent}and {} more in the {name}", changes.len() - most);
            out.line(&out.paint(Tone::Quiet, &more));
        }
        if let Some(left_out) = &found.left_out {
            let more = format!("{indent}not shown of the {name}: {}", text::line(left_out));
            out.line(&out.paint(Tone::Quiet, &more));
        }
    }
    let ending = |call: &Call| match &call.error {
        Some(error) => ErrorInfo::headline(error),
        None => call.status.word().to_owned(),
    };
    if old.error.is_some() || new.error.is_some() {
        out.line(&format!(
            "{indent}{} → {}",
            out.paint(Tone::Bad, &text::line(&ending(old))),
            out.paint(Tone::Good, &text::line(&ending(new)))
        ));
    }
    Ok(())
}

/// The rows of differences; texts of several lines, and long ones, as a diff.
fn change_lines(comparison: &Comparison<'_>, name: &str, changes: &[Change]) -> Vec<String> {
    told_all(changes, name).iter().flat_map(|row| told_lines(comparison, row)).collect()
}

fn told_lines(comparison: &Comparison<'_>, row: &Told<'_>) -> Vec<String> {
    let out = comparison.context.out;
    let indent = "  ".repeat(row.depth);
    let words = format!("{indent}{}", text::line(&row.words));
    let fit = |shown: &str| text::fit(&text::line(shown), SHORT).trim_end().to_owned();
    let short = |value: &Value| fit(&serde_json::to_string(value).unwrap_or_default());
    match row.sides {
        Sides::None => vec![words],
        Sides::Texts(old, new)
            if old.contains('\n') || new.contains('\n') || is_long(old) || is_long(new) =>
        {
            let mut shown = vec![words];
            let several = old.trim_end().contains('\n') || new.trim_end().contains('\n');
            for (at, hunk) in hunks(old, new, 1).iter().enumerate() {
                if several && (at > 0 || !hunk.heading.is_empty()) {
                    let line = hunk.lines.first().and_then(|line| line.new.or(line.old)).unwrap_or_default();
                    let heading = text::line(&hunk.heading);
                    let heading = format!("@@ line {line}  {heading}");
                    shown.push(format!("{indent}  {}", out.paint(Tone::Quiet, heading.trim_end())));
                }
                let marks = !out.has_colors() && hunk.lines.iter().any(|line| columns(line) > MARKED);
                let line = |line| format!("{indent}  {}", text_line(comparison, line, marks));
                shown.extend(hunk.lines.iter().map(line));
            }
            let end = last_break(old, new).map(|words| out.paint(Tone::Quiet, &format!("({words})")));
            shown.extend(end.map(|words| format!("{indent}  {words}")));
            shown
        }
        Sides::Texts(old, new) => {
            let (old, new) = (short(&Value::from(old)), short(&Value::from(new)));
            vec![format!("{words}  {} → {}", out.paint(Tone::Bad, &old), out.paint(Tone::Good, &new))]
        }
        Sides::Values(old, new) => {
            let sides: Vec<String> = [(old, Tone::Bad), (new, Tone::Good)]
                .into_iter()
                .filter_map(|(side, tone)| Some(out.paint(tone, &short(side?))))
                .collect();
            vec![format!("{words}  {}", sides.join(" → "))]
        }
        Sides::Excerpts(old, new) => vec![
            words,
            format!("{indent}  {} {}", out.paint(Tone::Bad, "-"), text::line(old)),
            format!("{indent}  {} {}", out.paint(Tone::Good, "+"), text::line(new)),
        ],
    }
}

/// Texts of more columns than these stand below their place.
fn is_long(shown: &str) -> bool {
    text::width(&text::line(shown)) > SHORT - 2
}

/// A line of a text with what differs in it; without colours long lines mark it as `git diff --word-diff` does.
fn text_line(comparison: &Comparison<'_>, line: &Line, marks: bool) -> String {
    let out = comparison.context.out;
    let (sign, tone) = match line.kind {
        LineKind::Same => (" ", Tone::Quiet),
        LineKind::Removed => ("-", Tone::Bad),
        LineKind::Added => ("+", Tone::Good),
    };
    let marked = line.spans.iter().any(|span| span.differs) && line.spans.iter().any(|span| !span.differs);
    let marks = match line.kind {
        _ if !marked || !marks => ("", ""),
        LineKind::Removed => ("[-", "-]"),
        _ => ("{+", "+}"),
    };
    let mut shown = format!("{} ", out.paint(tone, sign));
    for span in &line.spans {
        let safe = text::line(&span.text);
        shown.push_str(&match (line.kind, span.differs) {
            (LineKind::Same, _) => out.paint(Tone::Quiet, &safe),
            (_, true) => out.paint(tone, &format!("{}{safe}{}", marks.0, marks.1)),
            (_, false) => safe,
        });
    }
    if line.kind == LineKind::Same { shown.trim_end().to_owned() } else { shown }
}

fn columns(line: &Line) -> usize {
    line.spans.iter().map(|span| text::width(&text::line(&span.text))).sum()
}

/// The merged tree without what is the same.
fn tree(comparison: &Comparison<'_>) {
    let shown = comparison.shown();
    if shown.is_empty() {
        return;
    }
    let out = comparison.context.out;
    out.line("");
    // Rows, and how many more there are after them.
    let mut stack: Vec<(Result<usize, usize>, usize)> = vec![(Ok(0), 0)];
    while let Some((row, depth)) = stack.pop() {
        let row = match row {
            Ok(row) => row,
            Err(more) => {
                let text = format!("{}{more} more that differ", "  ".repeat(depth));
                out.line(&out.paint(Tone::Quiet, &text));
                continue;
            }
        };
        out.line(&tree_line(comparison, row, depth));
        let children = &comparison.merged.pairs[row].children;
        let different: Vec<usize> = children.iter().copied().filter(|row| shown.contains(row)).collect();
        if let Some(words) = comparison.left_out(row, &shown) {
            let text = format!("{}  {words}", "  ".repeat(depth + 1));
            out.line(&out.paint(Tone::Quiet, &text));
        }
        let hidden = different.len().saturating_sub(ROWS);
        if hidden > 0 {
            stack.push((Err(hidden), depth + 1));
        }
        stack.extend(different.into_iter().take(ROWS).rev().map(|row| (Ok(row), depth + 1)));
    }
}

fn tree_line(comparison: &Comparison<'_>, row: usize, depth: usize) -> String {
    let out = comparison.context.out;
    let (pair, old, new) = comparison.pair(row);
    let (sign, tone) = match pair.kind {
        PairKind::Added | PairKind::Repeated => ("+", Tone::Good),
        PairKind::Removed => ("-", Tone::Bad),
        PairKind::Moved => ("»", Tone::Warn),
        PairKind::Both if pair.differs.matters() => ("~", Tone::Warn),
        PairKind::Both => (" ", Tone::Quiet),
    };
    let run = if new.is_some() { &comparison.b } else { &comparison.a };
    let label = new.or(old).map(|call| crate::model::path::label(run, call)).unwrap_or_default();
    let kind = (pair.kind != PairKind::Both).then(|| kind_word(pair.kind));
    let words: Vec<&str> = kind.into_iter().chain(pair.differs.words()).collect();
    let quiet = comparison.noise.is_quiet(row);
    let (sign, tone) = if quiet { ("≈", Tone::Quiet) } else { (sign, tone) };
    let role = match pair.role {
        Role::Cause(_) if quiet => out.paint(Tone::Quiet, "  within its noise"),
        _ if quiet => out.paint(Tone::Quiet, "  follows from noise"),
        Role::Cause(_) => out.paint(Tone::Warn, "  ● cause"),
        _ => String::new(),
    };
    format!(
        "{}{} {}  {}{role}",
        "  ".repeat(depth),
        out.paint(tone, sign),
        out.paint(if quiet { Tone::Quiet } else { Tone::Plain }, &text::line(&label)),
        out.paint(Tone::Quiet, &words.join(", "))
    )
}

fn kind_word(kind: PairKind) -> &'static str {
    match kind {
        PairKind::Both => "in both",
        PairKind::Moved => "moved",
        PairKind::Added => "added",
        PairKind::Repeated => "asked once more",
        PairKind::Removed => "removed",
    }
}

/// `--patch`: unified diffs of all outputs that differ, which apply to files that hold them.
pub(super) fn patch(comparison: &Comparison<'_>, rows: &[usize]) -> Result<(), CliError> {
    for row in rows {
        let (_, old, new) = comparison.pair(*row);
        let size =
            |call: Option<&Call>| call.and_then(|call| call.output.as_ref()).map_or(0, |value| value.size);
        let pretty = |call: Option<&Call>| -> Result<String, CliError> {
            let value = comparison.view(call.and_then(|call| call.output.as_ref()))?;
            Ok(match (&value, call.and_then(|call| call.error.as_ref())) {
                (Value::Null, Some(error)) => format!("{}\n", error.headline()),
                (Value::Null, None) => String::new(),
                _ => as_file(&value),
            })
        };
        let path = comparison.path(*row);
        let texts = || Ok::<_, CliError>([pretty(old)?, pretty(new)?]);
        match patch_of(&path, [size(old), size(new)], WHOLE, texts)? {
            Ok(found) if found.is_empty() => {}
            Ok(found) => comparison.context.out.exact(&found),
            Err(why) => comparison.context.out.note(&text::line(&format!("{path}: {why}"))),
        }
    }
    Ok(())
}
