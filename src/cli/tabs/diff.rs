//! The tab Diff: a call beside the one that stands for it in the replayed run. Its twin is `tl-bench diff A B --call`.

use std::sync::Arc;

use serde_json::Value as Json;

use super::shelf::ShelfRecords;
use crate::app::tab::{Change as Sign, TabRow, TabView, Target};
use crate::app::tone::Tone;
use crate::base::text;
use crate::diff::stored::{Effort, WHOLE};
use crate::diff::tree::{Merged, Pair, PairKind, Role};
use crate::diff::value::{Change, Line, LineKind, Options, Sides, hunks, last_break, told_all};
use crate::engine::explain::Records;
use crate::engine::explain::beside::{Group, groups};
use crate::model::{Call, RunHistory, ValueRef, path};

/// Differences of one value that are listed.
const LISTED: usize = 200;
/// Lines of one side of one difference.
const SIDE: usize = 200;
/// Lines around a change of a text.
const AROUND: usize = 3;
/// Characters of a value of several parts that stands in one line.
const FLAT: usize = 160;

/// The run that another is compared with: the one that it replays, else the one before it of the same application.
pub(super) fn base(run: &RunHistory, records: &ShelfRecords<'_>) -> Result<Arc<RunHistory>, String> {
    match &run.parent {
        Some(parent) => records
            .run(parent)
            .ok_or_else(|| format!("Run {}, which this run replays, cannot be read.", parent.short())),
        None => records.before(run).ok_or_else(|| {
            format!(
                "This run replays no other, and there is no earlier run of {} to compare it with.",
                run.app
            )
        }),
    }
}

/// What values are compared with.
pub(super) struct Look<'a> {
    /// The store.
    pub records: &'a ShelfRecords<'a>,
    /// What does not count.
    pub options: &'a Options,
    /// How long to look.
    pub effort: Effort,
}

/// Its rows.
pub(super) fn view(
    base: &RunHistory,
    run: &RunHistory,
    call: &Call,
    merged: &Merged,
    look: &Look<'_>,
) -> TabView {
    let mut rows = Vec::new();
    let Some(row) = merged.pairs.iter().position(|pair| pair.b == Some(call.no)) else {
        rows.push(TabRow::text(0, Tone::Quiet, "It is not part of the comparison yet."));
        return TabView { rows };
    };
    let pair = &merged.pairs[row];
    let Some(old) = pair.a.and_then(|no| base.call(no)) else {
        let text = format!("added: run {} has no call that this one stands for", base.id.short());
        rows.push(TabRow::text(0, Tone::Good, text));
        return TabView { rows };
    };
    let groups = groups(merged, base, run, look.records);
    let group = groups.iter().find(|group| group.rows.contains(&row));
    pair_view(base, run, pair, (old, call), group, look).0
}

/// Two calls beside each other; and whether looking longer would tell more.
pub(super) fn pair_view(
    base: &RunHistory,
    run: &RunHistory,
    pair: &Pair,
    (old, call): (&Call, &Call),
    group: Option<&Group>,
    look: &Look<'_>,
) -> (TabView, bool) {
    let mut rows = Vec::new();
    let mut rough = false;
    head(&mut rows, base, run, pair, old, group);
    facts(&mut rows, old, call);
    for definition in group.iter().flat_map(|group| &group.definitions) {
        rows.push(TabRow::Blank);
        let place = format!("{}  {}:{}", definition.name, definition.file, definition.line);
        rows.push(TabRow::text(0, Tone::Title, place));
        rows.extend(definition.diff.lines().filter_map(source_line));
    }
    let sides = [("input", &old.input, &call.input), ("output", &old.output, &call.output)];
    for (name, old, new) in sides {
        rough |= value(&mut rows, name, old.as_ref(), new.as_ref(), look);
    }
    errors(&mut rows, old, call);
    (TabView { rows }, rough)
}

/// A line of a unified diff.
fn source_line(line: &str) -> Option<TabRow> {
    let (change, tone) = match line.chars().next()? {
        '-' => (Sign::Removed, Tone::Bad),
        '+' => (Sign::Added, Tone::Good),
        ' ' => (Sign::Same, Tone::Quiet),
        _ => return None,
    };
    Some(code(change, tone, line.get(1..)?))
}

fn head(
    rows: &mut Vec<TabRow>,
    base: &RunHistory,
    run: &RunHistory,
    pair: &Pair,
    old: &Call,
    group: Option<&Group>,
) {
    let (tone, role) = match pair.role {
        Role::Cause(cause) => {
            let words = group.map_or(cause.words(), |group| &group.words);
            (Tone::Marked, format!("a cause of what differs: {words}"))
        }
        Role::Consequence => (Tone::Text, "differs because of other calls".to_owned()),
        Role::None if pair.differs.matters() => (Tone::Text, "differs".to_owned()),
        Role::None => (Tone::Quiet, "nothing differs".to_owned()),
    };
    rows.push(TabRow::text(0, tone, role));
    let moved = if pair.kind == PairKind::Moved { ", where it stood elsewhere" } else { "" };
    let which = match &run.parent {
        Some(parent) if *parent == base.id => "replayed run",
        Some(_) => "run",
        None => "run before, which this one does not replay",
    };
    let other = path::path(base, old.no);
    let text = format!("compared with {other} of the {which}, {}{moved}", base.id.short());
    let target = Some(Target::Call { run: base.id.clone(), no: old.no });
    rows.push(TabRow::Text { indent: 0, tone: Tone::Quiet, text, target });
}

/// What can be said in a word each.
fn facts(rows: &mut Vec<TabRow>, old: &Call, new: &Call) {
    let mut facts = Vec::new();
    let mut add = |name: &str, a: String, b: String| {
        if a != b {
            facts.push(format!("{name} {a} → {b}"));
        }
    };
    add("status", old.status.word().to_owned(), new.status.word().to_owned());
    add("attempts", old.attempts.max(1).to_string(), new.attempts.max(1).to_string());
    let tokens = |call: &Call| call.usage.as_ref().map_or(0, |usage| usage.tokens()).to_string();
    add("tokens", tokens(old), tokens(new));
    add("time", text::duration(old.wall_us), text::duration(new.wall_us));
    if old.is_call() && old.code != new.code {
        facts.push("other code".to_owned());
    }
    let digest = |value: &Option<ValueRef>| value.as_ref().map(|value| value.digest);
    for (name, old, new) in [("input", &old.input, &new.input), ("output", &old.output, &new.output)] {
        if old.is_some() && digest(old) == digest(new) {
            facts.push(format!("the same {name}"));
        }
    }
    if !facts.is_empty() {
        rows.push(TabRow::text(0, Tone::Quiet, facts.join("   ")));
    }
}

/// What differs in a value; says whether looking longer would tell more.
fn value(
    rows: &mut Vec<TabRow>,
    name: &str,
    old: Option<&ValueRef>,
    new: Option<&ValueRef>,
    look: &Look<'_>,
) -> bool {
    let (Some(old), Some(new)) = (old, new) else {
        match (old, new) {
            (Some(value), None) => only(rows, name, "was", Sign::Removed, value),
            (None, Some(value)) => only(rows, name, "is", Sign::Added, value),
            _ => {}
        }
        return false;
    };
    if old.digest == new.digest {
        return false;
    }
    rows.push(TabRow::Blank);
    let large = old.size.max(new.size) > WHOLE;
    let sizes = format!("{name}  {} → {}", text::bytes(old.size), text::bytes(new.size));
    rows.push(TabRow::text(0, Tone::Title, if large { sizes } else { name.to_owned() }));
    let found = match look.records.differences(old, new, look.options, look.effort) {
        Ok(found) => found,
        Err(why) => {
            rows.push(TabRow::text(2, Tone::Warning, why));
            rows.push(code(Sign::Removed, Tone::Bad, &old.preview));
            rows.push(code(Sign::Added, Tone::Good, &new.preview));
            return false;
        }
    };
    let changes = &found.changes;
    if changes.is_empty() && found.hidden.is_empty() {
        rows.push(TabRow::text(2, Tone::Quiet, "differs in what is not shown"));
    }
    list(rows, &changes[..changes.len().min(LISTED)]);
    if changes.len() > LISTED {
        let more = text::count((changes.len() - LISTED) as u64, "more difference");
        rows.push(TabRow::text(2, Tone::Faint, format!("… {more}")));
    }
    if let Some(left_out) = found.left_out {
        rows.push(TabRow::text(2, Tone::Faint, format!("… {left_out}")));
    }
    if found.rough {
        rows.push(TabRow::text(2, Tone::Faint, "That is the first place. Looking further …"));
    }
    for hidden in &found.hidden {
        let text =
            format!("{} hidden by {}", text::count(hidden.differences as u64, "difference"), hidden.pattern);
        let target = Some(Target::Ignored { pattern: hidden.pattern.clone() });
        rows.push(TabRow::Text { indent: 2, tone: Tone::Warning, text, target });
    }
    found.rough
}

/// A value that only one side has.
fn only(rows: &mut Vec<TabRow>, name: &str, verb: &str, sign: Sign, value: &ValueRef) {
    rows.push(TabRow::Blank);
    rows.push(TabRow::text(0, Tone::Title, format!("{name}, which there {verb} in one run only")));
    rows.push(code(sign, if sign == Sign::Added { Tone::Good } else { Tone::Bad }, &value.preview));
}

fn errors(rows: &mut Vec<TabRow>, old: &Call, new: &Call) {
    let whole =
        |call: &Call| call.error.as_ref().map(|error| format!("{}: {}", error.type_name, error.message));
    let (a, b) = (whole(old), whole(new));
    if a == b {
        return;
    }
    rows.push(TabRow::Blank);
    rows.push(TabRow::text(0, Tone::Title, "error"));
    sides(rows, a.as_deref().map(str::lines), Sign::Removed, Tone::Bad);
    sides(rows, b.as_deref().map(str::lines), Sign::Added, Tone::Good);
}

fn sides<'a>(rows: &mut Vec<TabRow>, lines: Option<impl Iterator<Item = &'a str>>, sign: Sign, tone: Tone) {
    let mut lines = lines.into_iter().flatten();
    rows.extend(lines.by_ref().take(SIDE).map(|line| code(sign, tone, line)));
    let left = lines.count();
    if left > 0 {
        let more = text::count(left as u64, "more line");
        rows.push(TabRow::text(2, Tone::Faint, format!("… {more}")));
    }
}

/// A line without a number: it stands in a value.
fn code(change: Sign, tone: Tone, line: &str) -> TabRow {
    let line: String = line.chars().take(LINE).collect();
    TabRow::Code { change, old: None, new: None, pieces: vec![(tone, line)], target: None }
}

/// Characters of a line.
const LINE: usize = 2_000;

/// Differences of one value.
pub(super) fn list(rows: &mut Vec<TabRow>, changes: &[Change]) {
    for row in told_all(changes, "") {
        let target = Some(Target::Value { path: row.path.to_string() });
        let from = rows.len();
        let indent = 2 + 2 * u16::try_from(row.depth).unwrap_or(0);
        if let Some(sides) = row.sides.in_short() {
            let lead = if row.words.is_empty() { "" } else { "  " };
            let mut pieces = vec![(Tone::Key, format!("{}{lead}", row.words))];
            for (at, (side, tone)) in sides.into_iter().zip([Tone::Bad, Tone::Good]).enumerate() {
                let Some(side) = side else { continue };
                if at > 0 && pieces.len() > 1 {
                    pieces.push((Tone::Quiet, " → ".to_owned()));
                }
                pieces.push((tone, side));
            }
            rows.push(TabRow::Pieces { indent, pieces, target });
            continue;
        }
        if !row.words.is_empty() {
            let text = row.words.clone();
            rows.push(TabRow::Text { indent, tone: Tone::Key, text, target: target.clone() });
        }
        match row.sides {
            Sides::None => {}
            Sides::Texts(old, new) => texts(rows, old, new),
            // What is new or gone as a whole is long enough once.
            Sides::Values(old, new) => {
                let (old, new) = (old.map(pretty), new.map(pretty));
                sides(rows, old.as_deref().map(str::lines), Sign::Removed, Tone::Bad);
                sides(rows, new.as_deref().map(str::lines), Sign::Added, Tone::Good);
            }
            Sides::Excerpts(old, new) => {
                rows.push(code(Sign::Removed, Tone::Bad, old));
                rows.push(code(Sign::Added, Tone::Good, new));
            }
        }
        for row in &mut rows[from..] {
            if let TabRow::Text { target: of, .. } | TabRow::Code { target: of, .. } = row {
                of.clone_from(&target);
            }
        }
    }
}

fn pretty(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        row if is_flat(row) => row.to_string(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

/// Whether a value is as well read in one line: a row of a table.
fn is_flat(value: &Json) -> bool {
    let scalar = |value: &Json| !value.is_object() && !value.is_array();
    let flat = match value {
        Json::Object(map) => map.values().all(scalar),
        Json::Array(list) => list.iter().all(scalar),
        _ => true,
    };
    flat && value.to_string().len() <= FLAT
}

/// Two texts line by line; what differs within a line that was replaced is told from what does not.
fn texts(rows: &mut Vec<TabRow>, old: &str, new: &str) {
    let found = hunks(old, new, AROUND);
    // The number of an only line says nothing.
    let numbered = old.contains('\n') || new.contains('\n');
    let mut left = SIDE * 2;
    for (at, hunk) in found.iter().enumerate() {
        if at > 0 || !hunk.heading.is_empty() {
            let heading = format!("… {}", hunk.heading);
            rows.push(TabRow::text(2, Tone::Faint, heading.trim_end()));
        }
        rows.extend(hunk.lines.iter().take(left).map(|line| text_line(line, numbered)));
        left = left.saturating_sub(hunk.lines.len());
    }
    let more = found.iter().map(|hunk| hunk.lines.len()).sum::<usize>().saturating_sub(SIDE * 2);
    if more > 0 {
        rows.push(TabRow::text(2, Tone::Faint, format!("… {}", text::count(more as u64, "more line"))));
    }
    if let Some(words) = last_break(old, new) {
        rows.push(TabRow::text(2, Tone::Faint, format!("({words})")));
    }
}

fn text_line(line: &Line, numbered: bool) -> TabRow {
    let (change, tone) = match line.kind {
        LineKind::Same => (Sign::Same, Tone::Quiet),
        LineKind::Removed => (Sign::Removed, Tone::Bad),
        LineKind::Added => (Sign::Added, Tone::Good),
    };
    // A line with nothing to tell apart differs as a whole.
    let whole = !line.spans.iter().any(|span| span.differs);
    let mut left = LINE;
    let mut pieces = Vec::new();
    for span in &line.spans {
        let tone = if span.differs || whole { tone } else { Tone::Text };
        let shown: String = span.text.chars().take(left).collect();
        left -= shown.chars().count();
        pieces.push((tone, shown));
    }
    let number = |at: Option<usize>| at.filter(|_| numbered).and_then(|at| u32::try_from(at).ok());
    TabRow::Code { change, old: number(line.old), new: number(line.new), pieces, target: None }
}
