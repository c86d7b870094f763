//! The tree of calls: status, name, what went in and came out, time, tokens.

use crate::app::blast::{self, Mark};
use crate::app::layout::Area;
use crate::app::openrun::OpenRun;
use crate::app::say;
use crate::app::state::{AppState, Pane};
use crate::app::tone::Tone;
use crate::app::tree::TreeRow;
use crate::base::clock::Micros;
use crate::base::text;
use crate::model::{Call, CallStatus};

use super::cells::{Canvas, fit_pieces};
use super::previews::{self, Words};
use super::{selected_tone, title_tone};

const WORD: u16 = 10;
const TRIES: u16 = 4;
const TIME: u16 = 9;
const TOKENS: u16 = 6;
const COST: u16 = 9;

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
    let window: Vec<(TreeRow, &Call)> = rows
        .iter()
        .skip(open.top)
        .take(usize::from(body.h))
        .filter_map(|row| Some((*row, open.history.call(row.no)?)))
        .collect();
    let words = previews::words(canvas, open, &window, columns.text, body.w);
    for (y, ((row, call), words)) in (0..).zip(window.into_iter().zip(words)) {
        let edit = said.and_then(|said| said.mark(call.no));
        let below = said.map_or(0, |said| said.below(call.no));
        line(canvas, body, y, &columns, open, call, words, (edit, below), state.waits(row.no), now);
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
    call: &Call,
    words: Words,
    (edit, below): (Option<Mark>, u32),
    waits: bool,
    now: Micros,
) {
    let glyphs = canvas.look.glyphs;
    let doomed = edit.is_some_and(Mark::is_certain);
    let indent = words.indent;
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
    canvas.text(text_area, words.start(), y, name_tone, &words.name);
    let rest = usize::from(columns.text.saturating_sub(words.at));
    if rest > 3 {
        let mut pieces = words.preview;
        if doomed && call.is_call() {
            pieces.iter_mut().for_each(|(tone, _)| *tone = Tone::Faint);
        }
        if below > 0 && open.tree.folded(call.no) {
            pieces.insert(0, (Tone::Warning, format!("{below}{} ", glyphs.again())));
        }
        let pieces = fit_pieces(&pieces, rest);
        canvas.pieces(text_area, words.at, y, &pieces);
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
