//! What the rows of the tree say: their names, what went in and what came out.
//!
//! The rows that are seen are looked at together: their previews begin in one column where their names leave room for that,
//! and those of calls of one function below one caller are shortened to what tells them apart. Nothing else is looked
//! at, so that a tree of any size costs the same.

use crate::app::distinct::distinct;
use crate::app::inspect::say_progress;
use crate::app::layout;
use crate::app::openrun::OpenRun;
use crate::app::say;
use crate::app::tone::{Line, Tone};
use crate::app::tree::TreeRow;
use crate::base::ids::CallNo;
use crate::base::text;
use crate::model::{Call, CallKind};

use super::cells::Canvas;

/// From this many columns on what went in is shown beside what came out.
const BOTH: usize = 20;
/// Columns before the names of the outermost rows: their signs.
const SIGNS: u16 = 5;
/// Cells of an operation's progress bar.
const BAR: usize = 8;
/// Columns of the names below which previews do not begin: short names leave a gap.
const NAMES: u16 = 16;
/// Where there is room, previews begin at every so many columns, so that they move seldom while the tree is scrolled.
const STEP: u16 = 4;
/// From this many columns of text on there is.
const ROOM: u16 = 60;

/// What a row says.
pub(super) struct Words {
    /// Columns that it is set in.
    pub indent: u16,
    /// Its name, cut.
    pub name: String,
    /// The column at which the preview begins.
    pub at: u16,
    /// The preview.
    pub preview: Line,
}

impl Words {
    /// The column at which the name begins.
    pub fn start(&self) -> u16 {
        SIGNS + self.indent
    }
}

/// The words of the rows that are seen, in a pane of so many columns that leaves so many for text.
pub(super) fn words(
    canvas: &Canvas<'_>,
    open: &OpenRun,
    window: &[(TreeRow, &Call)],
    columns: u16,
    pane: u16,
) -> Vec<Words> {
    let names: Vec<(u16, String)> =
        window.iter().map(|(row, call)| named(open, *row, call, columns, pane)).collect();
    let ends: Vec<u16> = names
        .iter()
        .map(|(indent, name)| SIGNS + indent + u16::try_from(text::width(name)).unwrap_or(u16::MAX) + 2)
        .collect();
    let first = names.iter().map(|(indent, _)| SIGNS + indent).min().unwrap_or(0);
    let starts = aligned(&ends, first, columns);
    let sides = previews(window, &starts, columns);
    let both = names.into_iter().zip(starts).zip(sides).zip(window);
    both.map(|((((indent, name), at), sides), (_, call))| {
        let room = usize::from(columns.saturating_sub(at));
        let preview = match sides {
            Some(sides) => sides.line(canvas, room),
            None => operation(canvas, open, call, room),
        };
        Words { indent, name, at, preview }
    })
    .collect()
}

fn named(open: &OpenRun, row: TreeRow, call: &Call, columns: u16, pane: u16) -> (u16, String) {
    let indent = layout::indent(row.depth, pane);
    let room = columns.saturating_sub(SIGNS + indent);
    let in_operation = open
        .history
        .call(call.parent)
        .is_some_and(|parent| matches!(parent.kind, CallKind::Map | CallKind::Reduce));
    // Below its operation an item needs no more than its index.
    let name = if in_operation { format!("[{}]", call.ordinal) } else { say::label(call, false) };
    (indent, text::fit(&text::line(&name), usize::from(room.min((room / 2).max(NAMES)))))
}

/// Where names are so long that their previews begin for themselves: a little behind the middle.
fn half(columns: u16) -> u16 {
    (u32::from(columns) * 11 / 20) as u16
}

/// Where the previews begin behind names that end at these columns: in one column, except behind names that reach into the
/// second half of the text. `first`: where the outermost name begins.
fn aligned(ends: &[u16], first: u16, columns: u16) -> Vec<u16> {
    let step = |column: u16| if columns < ROOM { column } else { column.div_ceil(STEP) * STEP };
    let half = half(columns);
    let least = first + NAMES.min(columns.saturating_sub(first) * 2 / 5);
    let common = ends.iter().map(|end| step(*end)).filter(|end| *end <= half).max().unwrap_or(0).max(least);
    ends.iter().map(|end| if *end <= common { common } else { step(*end) }).collect()
}

/// What went into a call and what came out, safe.
struct Sides {
    input: String,
    outcome: (Tone, String),
    failed: bool,
}

impl Sides {
    fn of(call: &Call) -> Self {
        let outcome = outcome(call);
        Sides {
            input: text::line(&call.input.as_ref().map(say::arguments).unwrap_or_default()),
            outcome: (outcome.0, text::line(&outcome.1)),
            failed: call.error.is_some(),
        }
    }

    /// Columns that the input has of so many, at most.
    fn share(&self, room: usize) -> usize {
        if self.outcome.1.is_empty() {
            return room;
        }
        if room < BOTH {
            return 0;
        }
        // An error's sentence needs the room more than what went in.
        let share = if self.failed { room / 4 } else { room * 2 / 5 };
        share.max(room.saturating_sub(text::width(&self.outcome.1) + 3)).min(room)
    }

    /// Columns that the outcome has.
    fn rest(&self, room: usize) -> usize {
        let used = text::width(&self.input).min(self.share(room));
        room.saturating_sub(used + 3)
    }

    fn line(self, canvas: &Canvas<'_>, room: usize) -> Line {
        let arrow = canvas.look.glyphs.pick(" → ", " -> ");
        if self.outcome.1.is_empty() {
            return vec![(Tone::Quiet, self.input)];
        }
        if room < BOTH {
            return vec![(Tone::Faint, arrow.trim_start().to_owned()), self.outcome];
        }
        let input = text::fit(&self.input, self.share(room));
        vec![(Tone::Quiet, input), (Tone::Faint, arrow.to_owned()), self.outcome]
    }
}

/// What went into each call and what came out; `None` for operations.
fn previews(window: &[(TreeRow, &Call)], starts: &[u16], columns: u16) -> Vec<Option<Sides>> {
    let mut out: Vec<Option<Sides>> =
        window.iter().map(|(_, call)| call.is_call().then(|| Sides::of(call))).collect();
    let rooms: Vec<usize> = starts.iter().map(|at| usize::from(columns.saturating_sub(*at))).collect();
    for group in groups(window) {
        // What went into calls that failed has less room; the others are not shortened for their sake.
        let failed = |at: &usize| out.get(*at).is_some_and(|one| one.as_ref().is_some_and(|one| one.failed));
        let (failed, others): (Vec<usize>, Vec<usize>) = group.into_iter().partition(failed);
        tell_apart(&mut out, &rooms, &failed, Sides::share, |sides| &mut sides.input);
        tell_apart(&mut out, &rooms, &others, Sides::share, |sides| &mut sides.input);
        // Which error it was is never left out, although it is alike in all that failed.
        tell_apart(&mut out, &rooms, &others, Sides::rest, |sides| &mut sides.outcome.1);
    }
    out
}

/// Rows of calls of one function below one caller: what is alike in them is so in all.
fn groups(window: &[(TreeRow, &Call)]) -> Vec<Vec<usize>> {
    let mut out: Vec<((CallNo, &str), Vec<usize>)> = Vec::new();
    for (at, (_, call)) in window.iter().enumerate().filter(|(_, (_, call))| call.is_call()) {
        let key = (call.parent, call.function.as_str());
        // The last ones first: siblings mostly stand together.
        match out.iter_mut().rev().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(at),
            None => out.push((key, vec![at])),
        }
    }
    out.into_iter().map(|(_, rows)| rows).filter(|rows| rows.len() > 1).collect()
}

/// Shortens one side of the rows of a group to what tells them apart.
fn tell_apart(
    all: &mut [Option<Sides>],
    rooms: &[usize],
    group: &[usize],
    room: impl Fn(&Sides, usize) -> usize,
    side: impl Fn(&mut Sides) -> &mut String,
) {
    let mut texts: Vec<(usize, String, usize)> = Vec::new();
    for at in group {
        if let (Some(Some(sides)), Some(columns)) = (all.get_mut(*at), rooms.get(*at)) {
            let room = room(sides, *columns);
            texts.push((*at, std::mem::take(side(sides)), room));
        }
    }
    let whole: Vec<&str> = texts.iter().map(|(_, text, _)| text.as_str()).collect();
    let columns: Vec<usize> = texts.iter().map(|(_, _, room)| *room).collect();
    let shown = distinct(&whole, &columns);
    let shown: Vec<String> = match shown {
        Some(shown) => shown,
        None => texts.iter_mut().map(|(_, text, _)| std::mem::take(text)).collect(),
    };
    for ((at, _, _), shown) in texts.iter().zip(shown) {
        if let Some(Some(sides)) = all.get_mut(*at) {
            *side(sides) = shown;
        }
    }
}

/// What came out of a call, or how far it is.
fn outcome(call: &Call) -> (Tone, String) {
    if let Some(error) = &call.error {
        (Tone::Bad, error.brief())
    } else if let Some(output) = &call.output {
        // The preview of a model's message that calls a tool brings its own arrow.
        let preview = say::preview(output);
        (Tone::Text, preview.strip_prefix("→ ").map(str::to_owned).unwrap_or(preview))
    } else if let (Some((current, total, message)), false) =
        (call.progress.as_deref(), call.status.is_final())
    {
        (Tone::Active, say_progress(*current, *total, message.as_deref()))
    } else if call.attempts > 1 && !call.status.is_final() {
        (Tone::Warning, format!("attempt {}", call.attempts))
    } else if !call.failed_attempts.is_empty() && !call.status.is_final() {
        (Tone::Warning, "waits to be tried again".to_owned())
    } else {
        (Tone::Faint, String::new())
    }
}

/// An operation in one row: a bar and how its items stand.
fn operation(canvas: &Canvas<'_>, open: &OpenRun, call: &Call, room: usize) -> Line {
    let glyphs = canvas.look.glyphs;
    let tally = open.tree.tally(call.no);
    let total = tally.total();
    let mut out = Line::new();
    if total == 0 {
        return vec![(Tone::Faint, "no items".to_owned())];
    }
    if tally.ended() < total {
        let done = (tally.ended() as usize * BAR) / total as usize;
        out.push((Tone::Good, glyphs.pick("━", "#").repeat(done)));
        out.push((Tone::Faint, format!("{} ", glyphs.pick("─", "-").repeat(BAR - done))));
    }
    let words = say::tally(&tally);
    let used: usize = out.iter().chain(&words).map(|(_, piece)| text::width(piece)).sum();
    if used <= room {
        out.extend(words);
        return out;
    }
    // Signs say it in half the room.
    for status in say::TALLY_ORDER {
        let n = tally.of(status);
        if n > 0 {
            // A still sign: what counts here is how many, and the row's own spinner moves already.
            out.push((say::status_tone(status), format!("{n}{} ", glyphs.status(status, 0))));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{aligned, half};
    use proptest::prelude::*;

    #[test]
    fn previews_begin_in_one_column() {
        assert_eq!(aligned(&[12, 17, 22], 5, 50), [22, 22, 22]);
        assert_eq!(aligned(&[12, 14], 5, 50), [21, 21], "short names leave a gap");
        assert_eq!(aligned(&[12, 40, 41], 5, 50), [21, 40, 41], "a long one moves only itself");
        assert_eq!(aligned(&[12, 17, 22], 5, 80), [24, 24, 24], "and seldom");
        assert_eq!(aligned(&[], 0, 50), Vec::<u16>::new());
    }

    proptest! {
        #[test]
        fn no_preview_begins_in_a_name(
            ends in proptest::collection::vec(0u16..200, 0..60), first in 5u16..30, columns in 0u16..200,
        ) {
            let starts = aligned(&ends, first, columns);
            for (end, start) in ends.iter().zip(&starts) {
                prop_assert!(end <= start);
                // Names within the first half share a column.
                let others = ends.iter().zip(&starts);
                for (other, theirs) in others.filter(|(other, _)| other.max(&end) <= &&(half(columns) / 4 * 4)) {
                    prop_assert_eq!(start, theirs, "{} and {}", end, other);
                }
            }
        }
    }
}
