//! The lines that run across the screen: header, borders, hint, notice, keys.

use crate::app::AppState;
use crate::app::asof::{self, AsOf};
use crate::app::blast;
use crate::app::command;
use crate::app::command::CommandId;
use crate::app::headless;
use crate::app::inspect;
use crate::app::layout::{Area, Layout, Split};
use crate::app::messages;
use crate::app::say::{self, Piece};
use crate::app::tone::{Line, Tone};
use crate::base::clock::Micros;
use crate::base::text;

use super::cells::Canvas;

fn columns(line: &Line) -> usize {
    line.iter().map(|(_, piece)| text::width(&text::line(piece))).sum()
}

/// Pieces that do not fit are left out, the least important first; those of rank 0 are cut instead.
fn fitting(canvas: &mut Canvas<'_>, area: Area, mut pieces: Vec<Piece>) {
    let room = usize::from(area.w).saturating_sub(2);
    while pieces.len() > 1
        && pieces.iter().map(|piece| columns(&piece.words) + usize::from(piece.gap)).sum::<usize>() > room
    {
        let spared = pieces.iter().enumerate().filter(|(_, piece)| piece.rank > 0);
        let Some((worst, _)) = spared.max_by_key(|(i, piece)| (piece.rank, *i)) else { break };
        pieces.remove(worst);
    }
    let mut x = 1;
    for (i, piece) in pieces.iter().enumerate() {
        let gap = if i == 0 { 0 } else { piece.gap };
        x = canvas.pieces(area, x + gap, 0, &piece.words);
    }
}

/// The sentence at the top.
pub(super) fn header(canvas: &mut Canvas<'_>, area: Area, state: &AppState, now: Micros) {
    fitting(canvas, area, say::headline(state, now));
}

/// What edits mean for the run, and the keys for it at the right.
pub(super) fn blast(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let keys: Vec<command::Hint> = command::bar_hints(state);
    let width = hints_width(&keys);
    let width = if area.w >= width.saturating_add(60) { width } else { 0 };
    fitting(canvas, Area { w: area.w - width, ..area }, blast::bar(state));
    if width > 0 {
        hints(canvas, area, area.w - width + 2, &keys);
    }
}

/// Where one is in a run that is stepped through.
pub(super) fn gate(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let Some(open) = state.current() else { return };
    let mut pieces = crate::app::gate::line(state, &open.history);
    if let Some(first) = pieces.first_mut() {
        first.words.insert(0, (Tone::Focus, format!("{} ", canvas.look.glyphs.paused())));
    }
    fitting(canvas, area, pieces);
}

/// Columns of the slider: fewer tell nothing.
const SLIDER: u16 = 8;

/// Which event of the run one looks back to: a sentence, and a slider in the room beside it.
pub(super) fn time_line(canvas: &mut Canvas<'_>, area: Area, state: &AppState, line: &AsOf) {
    let words = asof::line(state);
    let needs = u16::try_from(columns(&words)).unwrap_or(u16::MAX).saturating_add(4);
    let x = canvas.pieces(area, 1, 0, &words) + 2;
    let room = area.w.saturating_sub(needs.max(x)).saturating_sub(1);
    if room < SLIDER || line.seq == 0 {
        return;
    }
    // It ends at the right, so that it does not move with the sentence.
    let width = room.min(area.w / 3);
    let from = area.w - 1 - width;
    let steps = u64::from(width - 1);
    let knob =
        u16::try_from((line.seq - 1) * steps / line.total().saturating_sub(1).max(1)).unwrap_or(width - 1);
    let glyphs = canvas.look.glyphs;
    let rail = |n: u16| glyphs.pick("─", "-").repeat(usize::from(n));
    canvas.text(area, from, 0, Tone::Focus, &rail(knob));
    canvas.text(area, from + knob, 0, Tone::Focus, glyphs.pick("●", "O"));
    canvas.text(area, from + knob + 1, 0, Tone::Rule, &rail(width - 1 - knob));
}

/// The lines between the panes and below them.
pub(super) fn borders(canvas: &mut Canvas<'_>, places: &Layout) {
    let glyphs = canvas.look.glyphs;
    let mut edges = Vec::new();
    for (split, line) in places.splits() {
        if split == Split::Stack {
            canvas.text(line, 0, 0, Tone::Rule, &glyphs.pick("─", "-").repeat(usize::from(line.w)));
            continue;
        }
        edges.push(line.x);
        for y in 0..line.h {
            canvas.text(line, 0, y, Tone::Rule, glyphs.pick("│", "|"));
        }
    }
    if let (Some(stack), Some(x)) = (places.stack_rule, edges.first()) {
        let crossing = Area { x: *x, w: 1, ..stack };
        canvas.text(crossing, 0, 0, Tone::Rule, glyphs.pick("┤", "+"));
    }
    let Some(rule) = places.rule else { return };
    let whole: String = (0..rule.w)
        .map(|x| if edges.contains(&x) { glyphs.pick("┴", "+") } else { glyphs.pick("─", "-") })
        .collect();
    canvas.text(rule, 0, 0, Tone::Rule, &whole);
}

/// The command line that gives what is on the screen, at the right end of the line below the panes.
pub(super) fn command_line(canvas: &mut Canvas<'_>, places: &Layout, state: &AppState) {
    let (Some(rule), Some(line)) = (places.rule, headless::command_line(state)) else { return };
    let shown = format!(" {line} ");
    canvas.right(rule, rule.w.saturating_sub(2), 0, rule.w / 2, Tone::Faint, &shown);
}

/// The tour's hint.
pub(super) fn hint(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    if let Some(hint) = state.tour.as_ref().and_then(crate::app::tour::Tour::hint) {
        let mark = canvas.look.glyphs.pick("▸", ">");
        let x = canvas.text(area, 1, 0, Tone::Focus, mark);
        canvas.text(area, x + 1, 0, Tone::Focus, &hint);
    }
}

/// A passing sentence, or what is wrong with the project. A sentence that is too long for a row has two, and one that is
/// too long for these names the key that shows all of it.
pub(super) fn notice(canvas: &mut Canvas<'_>, places: &Layout, state: &AppState) {
    let area = places.notice;
    if let Some(toast) = &state.toast {
        let tone = messages::tone(toast.level);
        let room = usize::from(area.w.saturating_sub(2)).max(1);
        // Nobody reads more of it here than a few rows.
        let lines = inspect::wrapped(&text::line(&text::beginning(&toast.text, 8 * room)), room);
        let Some((first, rest)) = lines.split_first() else { return };
        let Some(second) = rest.first() else {
            canvas.text(area, 1, 0, tone, first);
            return;
        };
        // What the next step is, and what edits cost, stand where they are.
        if places.hint.is_some() || places.bar.is_some() {
            shortened(canvas, area, state, tone, first, toast.answers);
            return;
        }
        let above = Area { y: area.y.saturating_sub(1), ..area };
        canvas.clear(above);
        canvas.text(above, 1, 0, tone, first);
        if rest.len() == 1 {
            canvas.text(area, 1, 0, tone, second);
            return;
        }
        shortened(canvas, area, state, tone, second, toast.answers);
    } else if let Some(problem) = state.problems().next() {
        let more = state.problems().count() - 1;
        // The list has all of them, and each in full.
        let hint = match more {
            0 => keyed(state, CommandId::GoProblems, "all of it"),
            _ => keyed(state, CommandId::GoProblems, "all"),
        };
        let count = if more > 0 { format!("and {more} more") } else { String::new() };
        let long = text::width(&text::line(problem)) + 2 > usize::from(area.w);
        if !long && more == 0 {
            canvas.text(area, 1, 0, Tone::Warning, problem);
            return;
        }
        let beside = hints_width(&hint) + u16::try_from(count.len() + 2).unwrap_or(0);
        let part = Area { w: area.w.saturating_sub(beside), ..area };
        let x = canvas.text(part, 1, 0, Tone::Warning, problem);
        let x = canvas.text(area, x + 1, 0, Tone::Faint, &count);
        hints(canvas, area, x + if more > 0 { 2 } else { 1 }, &hint);
    }
}

/// A row of a sentence that goes on, and the key that shows all of it; what only answers a key is not kept.
fn shortened(canvas: &mut Canvas<'_>, area: Area, state: &AppState, tone: Tone, row: &str, answers: bool) {
    let hint = if answers { Vec::new() } else { keyed(state, CommandId::GoMessages, "all of it") };
    let part = Area { w: area.w.saturating_sub(hints_width(&hint)), ..area };
    let x = canvas.text(part, 1, 0, tone, &format!("{row} …"));
    hints(canvas, area, x + 2, &hint);
}

/// A command's key with a word for it here; nothing when it has no key.
fn keyed(state: &AppState, id: CommandId, word: &'static str) -> Vec<command::Hint> {
    let key = state.settings.keymap.name(id);
    key.map(|key| command::Hint { key, word, rank: 0 }).into_iter().collect()
}

/// Columns of keys with what stands between them and what is before them.
fn hints_width(hints: &[command::Hint]) -> u16 {
    let width: usize = hints.iter().map(|hint| text::width(&hint.key) + hint.word.len() + 4).sum();
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// The keys that matter now; when space is short the least important ones go first.
pub(super) fn footer(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let mut hints = match &state.overlay {
        None => command::hints(state),
        Some(overlay) => super::overlay::hints(overlay),
    };
    let width = |hints: &[command::Hint]| -> usize {
        hints.iter().map(|hint| text::width(&hint.key) + 1 + hint.word.len() + 3).sum::<usize>()
    };
    while hints.len() > 2 && width(&hints) > usize::from(area.w) + 2 {
        let worst = hints.iter().enumerate().max_by_key(|(i, hint)| (hint.rank, *i)).map(|(i, _)| i);
        hints.remove(worst.unwrap_or(0));
    }
    self::hints(canvas, area, 1, &hints);
}

fn hints(canvas: &mut Canvas<'_>, area: Area, mut x: u16, hints: &[command::Hint]) {
    for hint in hints {
        x = canvas.text(area, x, 0, Tone::Key, &hint.key) + 1;
        x = canvas.text(area, x, 0, Tone::Quiet, hint.word) + 3;
    }
}
