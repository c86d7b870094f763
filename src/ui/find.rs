//! The search screen: the line, and what was found in all runs.

use crate::app::AppState;
use crate::app::find::{FIELDS, FoundHit, HIT_ROWS, Standing};
use crate::app::layout::Area;
use crate::app::state::Overlay;
use crate::app::tone::{Line, Tone};
use crate::base::clock::Micros;
use crate::base::text;

use super::cells::{Canvas, fit_pieces};
use super::overlay::edited;

/// Draws the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState, now: Micros) {
    let finder = &state.finder;
    let typing = matches!(state.overlay, Some(Overlay::Find));
    let x = canvas.text(area, 1, 0, if typing { Tone::Quiet } else { Tone::Focus }, "Search");
    let field = finder.field.and_then(|at| FIELDS.get(at)).map_or("everywhere", |field| field);
    let runs = if finder.here { "in this run" } else { "in all runs" };
    let x = canvas.text(area, x + 2, 0, Tone::Text, &format!("{field}, {runs}"));
    let (tone, words) = standing(state);
    canvas.text(area, x + 3, 0, tone, &words);
    if let Some(at) = finder.indexing {
        let events = text::short(at.events);
        let words = format!("indexing run {} of {}: {events} events", at.run, at.runs);
        canvas.right(area, area.w.saturating_sub(1), 0, area.w / 2, Tone::Active, &words);
    }
    let mark = canvas.look.glyphs.pick("▸", ">");
    canvas.text(area, 1, 1, Tone::Focus, mark);
    let line = Area { x: area.x + 3, w: area.w.saturating_sub(4), ..area };
    if typing {
        edited(canvas, line, 1, &finder.editor, "words in inputs, outputs, logs and errors of all runs");
    } else {
        canvas.text(line, 0, 1, Tone::Text, &finder.editor.value());
    }
    let body = Area { y: area.y + 3, h: area.h.saturating_sub(3), ..area };
    if finder.hits.is_empty() && matches!(finder.standing, Standing::Done(_)) && !finder.updating {
        let narrow = match (finder.field.is_some(), finder.here) {
            (true, true) => {
                "Looked only in one kind of text (Tab: others) of the open run (Ctrl-R: all runs)."
            }
            (true, false) => "Looked only in one kind of text; Tab goes on to others, then to everywhere.",
            (false, true) => "Looked only in the open run; Ctrl-R looks in all.",
            (false, false) => "All words must stand in one text; each may be the beginning of a longer one.",
        };
        canvas.text(body, 1, 0, Tone::Quiet, narrow);
    }
    for slot in 0..body.h.div_ceil(HIT_ROWS) {
        let row = state.list.top + usize::from(slot);
        let Some(hit) = finder.hits.get(row) else { break };
        one(canvas, body, slot * HIT_ROWS, hit, row == state.list.at, now);
    }
}

fn standing(state: &AppState) -> (Tone, String) {
    let finder = &state.finder;
    let hits = text::count(finder.hits.len() as u64, "text");
    match &finder.standing {
        Standing::Idle => (Tone::Quiet, String::new()),
        Standing::Looking if finder.stale => (Tone::Faint, "looking …".to_owned()),
        Standing::Looking => (Tone::Faint, format!("{hits}, looking …")),
        Standing::Done(_) if finder.hits.is_empty() && finder.updating => {
            (Tone::Faint, "nothing yet, the index is being brought up to date".to_owned())
        }
        Standing::Done(_) if finder.hits.is_empty() => (Tone::Warning, "nothing found".to_owned()),
        Standing::Done(end) => {
            let more = if end.more { " and more" } else { "" };
            let unreadable = match end.unreadable {
                0 => String::new(),
                n => format!(", {n} could not be read"),
            };
            (Tone::Quiet, format!("{hits}{more}{unreadable}"))
        }
        Standing::Failed(why) => (Tone::Warning, why.clone()),
    }
}

fn one(canvas: &mut Canvas<'_>, body: Area, y: u16, hit: &FoundHit, selected: bool, now: Micros) {
    if selected {
        canvas.text(body, 0, y, Tone::Focus, canvas.look.glyphs.pick("▸", ">"));
    }
    let path = if hit.path.is_empty() { &hit.app } else { &hit.path };
    let places = match (hit.places, hit.more) {
        (0 | 1, false) => String::new(),
        (n, more) => format!(", {n}{} places", if more { "+" } else { "" }),
    };
    let age = text::age((now - hit.started_at).max(0));
    let about = format!("{}  run {} {age}{places}", hit.field, hit.run.short());
    let room = Area { w: body.w.saturating_sub(1), ..body };
    let width = (text::width(&about) as u16 + 2).min(room.w / 2);
    let x = canvas.text(Area { w: room.w - width, ..room }, 1, y, Tone::Title, path);
    canvas.text(room, x + 2, y, Tone::Quiet, &about);
    let pieces = fit_pieces(&marked(hit), usize::from(room.w.saturating_sub(3)));
    canvas.pieces(room, 3, y + 1, &pieces);
    if selected {
        canvas.tint(body, y, Tone::Selected);
    }
}

/// The snippet with what was looked for marked.
fn marked(hit: &FoundHit) -> Line {
    let mut out = Line::new();
    let mut at = 0;
    let piece = |from: usize, to: usize| hit.text.get(from..to).unwrap_or_default().to_owned();
    for mark in &hit.marks {
        out.push((Tone::Text, piece(at, mark.start)));
        out.push((Tone::Focus, piece(mark.start, mark.end)));
        at = mark.end;
    }
    out.push((Tone::Text, piece(at, hit.text.len())));
    out.retain(|(_, piece)| !piece.is_empty());
    out
}
