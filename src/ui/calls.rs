//! The tree of calls: status, name, what went in and came out, time, tokens.

use crate::app::blast::{self, Mark};
use crate::app::inspect::say_progress;
use crate::app::layout::{self, Area};
use crate::app::openrun::OpenRun;
use crate::app::say;
use crate::app::state::{AppState, Pane};
use crate::app::tone::{Line, Tone};
use crate::app::tree::TreeRow;
use crate::base::clock::Micros;
use crate::base::text;
use crate::model::{Call, CallKind, CallStatus};

use super::cells::{Canvas, fit_pieces};
use super::{selected_tone, title_tone};

const WORD: u16 = 10;
const TRIES: u16 = 4;
const TIME: u16 = 9;
const TOKENS: u16 = 6;
const COST: u16 = 9;
/// From this many columns on what went in is shown beside what came out.
const BOTH: usize = 20;
/// Cells of an operation's progress bar.
const BAR: usize = 8;

/// Draws the pane.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState, now: Micros) {
    let x = canvas.text(area, 1, 0, title_tone(state, Pane::Calls), "Calls");
    let body = area.below_title();
    let Some(open) = state.current() else {
        empty(canvas, body, state);
        return;
    };
    let columns = Columns::of(body);
    if let Some(hits) = open.tree.hits() {
        let mark = canvas.text(area, x + 1, 0, Tone::Focus, "/");
        let found = format!("{hits} of {}", open.history.calls.len());
        let room = Area { w: columns.text.saturating_sub(text::width(&found) as u16 + 2), ..area };
        let x = canvas.text(room, mark, 0, Tone::Text, &state.filter);
        canvas.text(area, x + 2, 0, if hits == 0 { Tone::Warning } else { Tone::Quiet }, &found);
    } else {
        let rows = open.tree.rows().len();
        let mut x = x + 1;
        if rows > usize::from(body.h) {
            let at = open.tree.row_of(open.selected).unwrap_or(0) + 1;
            x = canvas.text(area, x, 0, Tone::Faint, &format!("{at} of {rows}")) + 1;
        }
        if open.follow {
            canvas.text(area, x + 1, 0, Tone::Active, "following");
        }
    }
    for (right, width, title) in columns.titles() {
        canvas.right(area, right, 0, width, Tone::Faint, title);
    }
    let said = blast::shown(state);
    let rows = open.tree.rows();
    for y in 0..body.h {
        let Some(row) = rows.get(open.top + usize::from(y)) else { break };
        if let Some(call) = open.history.call(row.no) {
            let edit = said.and_then(|said| said.mark(call.no));
            let below = said.map_or(0, |said| said.below(call.no));
            let waits = state.waits(row.no);
            line(canvas, body, y, &columns, open, *row, call, (edit, below), waits, now);
        }
        if row.no == open.selected {
            canvas.tint(body, y, selected_tone(state, Pane::Calls));
        }
    }
    if rows.is_empty() {
        let sentence =
            if open.tree.hits().is_some() { "No call is meant by this filter." } else { "No call yet." };
        canvas.text(body, 1, 1, Tone::Quiet, sentence);
    }
}

/// Right ends of the columns at the right, and where the text must end. What matters least is the first to go.
#[derive(Default)]
struct Columns {
    word: Option<u16>,
    tries: Option<u16>,
    time: u16,
    tokens: Option<u16>,
    cost: Option<u16>,
    text: u16,
}

impl Columns {
    fn of(body: Area) -> Self {
        let mut out = Columns::default();
        let mut end = body.w.saturating_sub(1);
        let mut take = |from: u16, width: u16| {
            (body.w >= from).then(|| {
                let right = end;
                end = end.saturating_sub(width);
                right
            })
        };
        out.cost = take(96, COST);
        out.tokens = take(48, TOKENS);
        out.time = take(0, TIME).unwrap_or(0);
        out.tries = take(84, TRIES);
        out.word = take(64, WORD);
        out.text = end;
        out
    }

    fn titles(&self) -> impl Iterator<Item = (u16, u16, &'static str)> {
        let all = [
            (self.tries, TRIES, "try"),
            (Some(self.time), TIME, "time"),
            (self.tokens, TOKENS, "tok"),
            (self.cost, COST, "cost"),
        ];
        all.into_iter().filter_map(|(right, width, title)| Some((right?, width, title)))
    }
}

fn empty(canvas: &mut Canvas<'_>, body: Area, state: &AppState) {
    if let Some(why) = state.runs.selected.as_ref().and_then(|run| state.unreadable.get(run)) {
        canvas.text(body, 1, 1, Tone::Bad, "This run cannot be read:");
        canvas.text(body, 1, 2, Tone::Text, why);
        return;
    }
    if state.runs.selected.is_some() || !state.runs.loaded || state.project.unread {
        canvas.text(body, 1, 1, Tone::Faint, "Reading …");
        return;
    }
    let sentences = match state.project.applications.as_slice() {
        [] => vec![
            "No application was found in this project.".to_owned(),
            "Decorate a function with @application() and @function(),".to_owned(),
            "or press q and start tl-bench in another folder.".to_owned(),
        ],
        [only] => vec![format!("No runs yet. Press r to run {}.", only.name)],
        many => vec![format!("No runs yet. Press r to run one of {} applications.", many.len())],
    };
    for (y, sentence) in (1..).zip(sentences) {
        canvas.text(body, 1, y, if y == 1 { Tone::Text } else { Tone::Quiet }, &sentence);
    }
}

#[allow(clippy::too_many_arguments)] // One row needs all of it, and a struct would only rename them.
fn line(
    canvas: &mut Canvas<'_>,
    body: Area,
    y: u16,
    columns: &Columns,
    open: &OpenRun,
    row: TreeRow,
    call: &Call,
    (edit, below): (Option<Mark>, u32),
    waits: bool,
    now: Micros,
) {
    let glyphs = canvas.look.glyphs;
    let doomed = edit.is_some_and(Mark::is_certain);
    let indent = layout::indent(row.depth, body.w);
    let fold = if !open.tree.foldable(call.no) {
        " "
    } else if open.tree.folded(call.no) {
        glyphs.pick("▸", ">")
    } else {
        glyphs.pick("▾", "v")
    };
    let text_area = Area { w: columns.text, ..body };
    if call.no == open.selected {
        canvas.text(text_area, 0, y, Tone::Focus, glyphs.pick("▸", ">"));
    }
    canvas.text(text_area, 1 + indent, y, Tone::Quiet, fold);
    let status = say::shown_status(call, &open.tree.tally(call.no));
    let (tone, sign) = match edit {
        _ if waits => (Tone::Focus, glyphs.paused()),
        Some(mark) if doomed => (mark_tone(mark), glyphs.again()),
        _ => (say::status_tone(status), glyphs.status(status, now)),
    };
    canvas.text(text_area, 3 + indent, y, tone, sign);
    let in_operation = open
        .history
        .call(call.parent)
        .is_some_and(|parent| matches!(parent.kind, CallKind::Map | CallKind::Reduce));
    let name_tone = match status {
        // On the way to what is meant, but not meant.
        _ if !open.tree.is_hit(call.no) => Tone::Faint,
        _ if waits => Tone::Focus,
        // Dimmed in place: what stands here will be another.
        _ if doomed => Tone::Faint,
        CallStatus::Pending | CallStatus::Cancelled => Tone::Faint,
        CallStatus::Failed => Tone::Bad,
        _ => Tone::Text,
    };
    let start = 5 + indent;
    let room = columns.text.saturating_sub(start);
    // Below its operation an item needs no more than its index.
    let name = if in_operation { format!("[{}]", call.ordinal) } else { say::label(call, false) };
    let name = text::fit(&text::line(&name), usize::from(room.min((room / 2).max(16))));
    let x = canvas.text(text_area, start, y, name_tone, &name);
    // Short names leave a gap, so that previews begin in the same column as often as possible.
    let x = (x + 2).max(start + 16.min(room * 2 / 5));
    let rest = usize::from(columns.text.saturating_sub(x));
    if rest > 3 {
        let mut pieces =
            if call.is_call() { values(canvas, call, rest) } else { operation(canvas, open, call, rest) };
        if doomed && call.is_call() {
            pieces.iter_mut().for_each(|(tone, _)| *tone = Tone::Faint);
        }
        if below > 0 && open.tree.folded(call.no) {
            pieces.insert(0, (Tone::Warning, format!("{below}{} ", glyphs.again())));
        }
        let pieces = fit_pieces(&pieces, rest);
        canvas.pieces(text_area, x, y, &pieces);
    }
    numbers(canvas, body, y, columns, open, call, (status, edit), waits, now);
}

/// The tone of what an edit does to a call.
fn mark_tone(mark: Mark) -> Tone {
    match mark {
        Mark::Edited => Tone::Warning,
        Mark::Caller => Tone::Quiet,
        Mark::After => Tone::Faint,
    }
}

/// The columns at the right.
#[allow(clippy::too_many_arguments)] // As above.
fn numbers(
    canvas: &mut Canvas<'_>,
    body: Area,
    y: u16,
    columns: &Columns,
    open: &OpenRun,
    call: &Call,
    (status, edit): (CallStatus, Option<Mark>),
    waits: bool,
    now: Micros,
) {
    if let Some(right) = columns.word {
        // Words begin below one another, so that a column of them is read as one.
        let left = Area { x: body.x + (right + 1).saturating_sub(WORD), w: WORD - 1, ..body };
        let (tone, word) = match edit {
            _ if waits => (Tone::Focus, "paused"),
            Some(mark) => (mark_tone(mark), mark.word()),
            None => (say::status_tone(status), say::status_word(status)),
        };
        let x = canvas.text(left, 0, y, tone, word);
        let tries = format!("{}{}", canvas.look.glyphs.pick("×", "x"), call.attempts);
        let room = usize::from(left.w.saturating_sub(x));
        // Without a column of their own.
        if call.attempts > 1 && columns.tries.is_none() && text::width(&tries) <= room {
            let gap = u16::from(text::width(&tries) < room);
            canvas.text(left, x + gap, y, Tone::Warning, &tries);
        }
    }
    if let Some(right) = columns.tries.filter(|_| call.attempts > 1) {
        canvas.right(body, right, y, TRIES - 1, Tone::Warning, &format!("{}", call.attempts));
    }
    if let Some(took) = say::took(call, now) {
        let tone = if call.status == CallStatus::Running { Tone::Active } else { Tone::Quiet };
        canvas.right(body, columns.time, y, TIME, tone, &text::duration(took));
    }
    let tally = open.tree.tally(call.no);
    let own = call.usage.as_ref();
    let used = if call.is_call() { own.map_or(0, crate::model::Usage::tokens) } else { tally.tokens };
    if let Some(right) = columns.tokens.filter(|_| used > 0) {
        canvas.right(body, right, y, TOKENS, Tone::Quiet, &say::tokens(used));
    }
    if let Some(right) = columns.cost
        && let Some(usage) = own
    {
        // Unknown is not nothing.
        let cost = usage.cost_usd.map_or_else(|| "?".to_owned(), text::dollars);
        canvas.right(body, right, y, COST, Tone::Quiet, &cost);
    }
}

/// What went in and came out.
fn values(canvas: &Canvas<'_>, call: &Call, room: usize) -> Line {
    let arrow = canvas.look.glyphs.pick(" → ", " -> ");
    let input = call.input.as_ref().map(say::arguments).unwrap_or_default();
    let (tone, outcome) = if let Some(error) = &call.error {
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
    };
    if outcome.is_empty() {
        return vec![(Tone::Quiet, input)];
    }
    if room < BOTH {
        return vec![(Tone::Faint, arrow.trim_start().to_owned()), (tone, outcome)];
    }
    // An error's sentence needs the room more than what went in.
    let share = if call.error.is_some() { room / 4 } else { room * 2 / 5 };
    let outcome_width = text::width(&text::line(&outcome));
    let share = share.max(room.saturating_sub(outcome_width + 3)).min(room);
    let input = text::fit(&text::line(&input), share);
    vec![(Tone::Quiet, input), (Tone::Faint, arrow.to_owned()), (tone, outcome)]
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
