//! The screen Diff: two runs as one tree, and what differs inside a pair. Its twin is `tl-bench diff A B`.

use super::diff;
use super::shelf::{Shelf, ShelfRecords};
use crate::app::compare::{CauseLine, Comparison, How, Mark, PairId, PairView, Part, Row};
use crate::app::tab::{TabRow, TabView};
use crate::app::tone::Tone;
use crate::base::ids::RunId;
use crate::base::text;
use crate::cli::context::Context;
use crate::diff::stored::{Effort, WHOLE};
use crate::diff::tree::{Cause, Pair, PairKind, Role};
use crate::diff::value::{Options, Pattern, as_file, patch_of};
use crate::engine::explain::Records;
use crate::engine::explain::beside::{Group, groups};
use crate::engine::explain::noise::{Answers, Judged};
use crate::engine::rules;
use crate::model::{Call, CallKind, RunHistory, ValueRef, path};
use crate::store::Store;
use crate::value::view::{ViewLimits, to_json};

/// What counts: what the project's file ignores does not, nor do the places that the view ignores.
pub fn options(context: &Context, how: &How) -> Options {
    let Some(more) = &how.ignore else { return Options::default() };
    let mut ignore = rules::ignored(&context.project);
    ignore.extend(more.iter().filter_map(|text| Pattern::parse(text).ok()));
    Options { ignore, ..Options::default() }
}

fn patterns(options: &Options) -> Vec<String> {
    options.ignore.iter().map(ToString::to_string).collect()
}

/// Both runs as one tree; without the first, the one that the second replays, else the one before it.
pub fn comparison(
    store: &Store,
    shelf: &Shelf,
    a: Option<&RunId>,
    b: &RunId,
    options: &Options,
) -> Result<Comparison, String> {
    let records = shelf.records(store);
    let run = |id: &RunId| records.run(id).ok_or_else(|| format!("Run {} cannot be read.", id.short()));
    let b = run(b)?;
    let a = match a {
        Some(a) => run(a)?,
        None => diff::base(&b, &records)?,
    };
    let (merged, hidden) = shelf.merged(&a, &b, options, &records);
    let groups = groups(&merged, &a, &b, &records);
    let mut rows: Vec<Row> = Vec::with_capacity(merged.pairs.len());
    for pair in &merged.pairs {
        let depth = pair.parent.map_or(0, |parent| rows[parent].depth.saturating_add(1));
        rows.push(row(pair, depth, &a, &b));
    }
    let noise = Answers::new(store).judge(&merged, &a, &b);
    for (at, row) in rows.iter_mut().enumerate() {
        row.noise = noise.is_quiet(at);
    }
    for group in &groups {
        for at in &group.rows {
            rows[*at].why.clone_from(&group.words);
        }
    }
    let line = |group: &Group| {
        let row = *group.rows.first()?;
        Some(CauseLine { words: group.words.clone(), row, calls: group.rows.len() })
    };
    Ok(Comparison {
        tally: tally(&merged.pairs, &a, &b, &noise),
        causes: groups.iter().filter_map(line).collect(),
        first: merged.first_divergence(),
        hidden: hidden.iter().map(|one| (one.pattern.clone(), one.differences as u64)).collect(),
        ignores: patterns(options),
        rows,
        a: a.id.clone(),
        b: b.id.clone(),
    })
}

fn row(pair: &Pair, depth: u16, a: &RunHistory, b: &RunHistory) -> Row {
    let label = match (pair.b.and_then(|no| b.call(no)), pair.a.and_then(|no| a.call(no))) {
        (Some(call), _) => path::label(b, call),
        (None, Some(call)) => path::label(a, call),
        (None, None) => String::new(),
    };
    let differs = pair.differs;
    let words: Vec<&str> = differs.words().collect();
    Row {
        pair: (pair.a, pair.b),
        depth,
        parent: pair.parent,
        label,
        mark: match pair.kind {
            PairKind::Added => Mark::Added,
            PairKind::Repeated => Mark::Repeated,
            PairKind::Removed => Mark::Removed,
            PairKind::Moved => Mark::Moved,
            PairKind::Both if differs.matters() => Mark::Changed,
            PairKind::Both => Mark::Same,
        },
        part: match pair.role {
            Role::None => Part::None,
            Role::Cause(_) => Part::Cause,
            Role::Consequence => Part::Consequence,
        },
        words: words.join(", "),
        why: String::new(),
        only_time: differs.timing && !differs.matters(),
        noise: false,
    }
}

/// Counts calls; the application's own and operations do not count.
fn tally(pairs: &[Pair], a: &RunHistory, b: &RunHistory, noise: &Judged) -> String {
    let mut counts =
        [(0u64, "same"), (0, "changed"), (0, "added"), (0, "removed"), (0, "moved"), (0, "within noise")];
    for (row, pair) in pairs.iter().enumerate() {
        let call = pair.b.and_then(|no| b.call(no)).or_else(|| pair.a.and_then(|no| a.call(no)));
        if call.is_none_or(|call| call.kind != CallKind::Call) {
            continue;
        }
        let at = match pair.kind {
            PairKind::Both if !pair.differs.matters() => 0,
            PairKind::Both => 1,
            PairKind::Added | PairKind::Repeated => 2,
            PairKind::Removed => 3,
            PairKind::Moved => 4,
        };
        counts[at].0 += 1;
        counts[5].0 += u64::from(noise.is_quiet(row));
    }
    let words: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    words.join(", ")
}

/// What differs inside a pair of calls.
pub fn pair(
    store: &Store,
    shelf: &Shelf,
    (a, b): (&RunId, &RunId),
    pair: PairId,
    options: &Options,
    thorough: bool,
) -> Result<PairView, String> {
    let records = shelf.records(store);
    let run = |id: &RunId| records.run(id).ok_or_else(|| format!("Run {} cannot be read.", id.short()));
    let (a, b) = (run(a)?, run(b)?);
    let (merged, _) = shelf.merged(&a, &b, options, &records);
    let row = merged.pairs.iter().position(|one| (one.a, one.b) == pair);
    let row = row.ok_or("This pair is not part of the comparison any more.")?;
    let found = &merged.pairs[row];
    let view = match (found.a.and_then(|no| a.call(no)), found.b.and_then(|no| b.call(no))) {
        (Some(old), Some(new)) => {
            let groups = groups(&merged, &a, &b, &records);
            let group = groups.iter().find(|group| group.rows.contains(&row));
            let effort = if thorough { Effort::All } else { Effort::First };
            let look = diff::Look { records: &records, options, effort };
            let (mut view, rough) = diff::pair_view(&a, &b, found, (old, new), group, &look);
            if found.role == Role::Cause(Cause::Noise)
                && let Some(noise) = Answers::new(store).pair((&a, old), (&b, new))
            {
                view.rows.insert(0, TabRow::text(0, Tone::Quiet, noise.words()));
            }
            let path = path::path(&b, new.no);
            let (mut patch, mut unpatched) = (String::new(), Vec::new());
            for (name, was, now) in [("input", &old.input, &new.input), ("output", &old.output, &new.output)]
            {
                let (Some(was), Some(now)) = (was, now) else { continue };
                if was.digest == now.digest {
                    continue;
                }
                let texts = || Ok([pretty(was, &records)?, pretty(now, &records)?]);
                match patch_of(&format!("{path}/{name}"), [was.size, now.size], WHOLE, texts) {
                    Ok(Ok(found)) => patch.push_str(&found),
                    Ok(Err(why)) | Err(why) => unpatched.push(format!("{name}: {why}")),
                }
            }
            PairView { view, patch, unpatched, rough, ignores: Vec::new() }
        }
        (Some(old), None) => alone(&a, old, "removed: only run", Tone::Bad),
        (None, Some(new)) => alone(&b, new, "added: only run", Tone::Good),
        (None, None) => PairView::default(),
    };
    Ok(PairView { ignores: patterns(options), ..view })
}

/// A value as text of several lines.
fn pretty(value: &ValueRef, records: &ShelfRecords<'_>) -> Result<String, String> {
    let value = records.value(value).map_err(|error| error.to_string())?;
    Ok(as_file(&to_json(&value, &ViewLimits::full()).json))
}

/// A call that only one run has.
fn alone(run: &RunHistory, call: &Call, words: &str, tone: Tone) -> PairView {
    let mut rows =
        vec![TabRow::text(0, tone, format!("{words} {} has {}", run.id.short(), path::path(run, call.no)))];
    for (name, value) in [("input", &call.input), ("output", &call.output)] {
        if let Some(value) = value {
            rows.push(TabRow::Blank);
            rows.push(TabRow::text(0, Tone::Title, format!("{name}  {}", text::bytes(value.size))));
            rows.push(TabRow::text(2, Tone::Text, value.preview.clone()));
        }
    }
    if let Some(error) = &call.error {
        rows.push(TabRow::Blank);
        rows.push(TabRow::text(0, Tone::Bad, error.brief()));
    }
    PairView { view: TabView { rows }, ..PairView::default() }
}
