//! The screens beside the main one: how many rows each has.
//!
//! A screen that is a list needs a row count here; its selection is `AppState::list`, its drawing a file in `ui`.
//! Where rows are sentences that may be too long for a row, the selected one stands below the list in full.

use crate::base::text;

use super::inspect;
use super::layout::{Area, Layout};
use super::messages::Message;
use super::state::{AppState, Screen};
use super::{blast, problems};

/// Columns of a problem's kind, before its sentence.
pub const KIND: u16 = 11;
/// Columns of a message's age and level, before its sentence.
pub const SAID: u16 = 14;
/// From this many rows on the table of functions has sums.
const SUMMED: u16 = 6;

/// Rows of the screen that is shown.
pub fn rows(state: &AppState) -> usize {
    match state.screen {
        // The timeline moves and scrolls by itself.
        Screen::Main | Screen::Timeline => 0,
        Screen::Functions => {
            let all = state.current().and_then(|open| open.functions.as_ref());
            all.map_or(0, |all| all.all.len())
        }
        Screen::Savings => crate::model::ledger::by_day(state.runs.items.iter()).len(),
        Screen::Diff => state.compare.visible.len(),
        Screen::Search => state.finder.hits.len(),
        Screen::Problems => problems::list(state).len(),
        Screen::Edits => blast::rows(state).len(),
        Screen::Messages => state.messages.len(),
    }
}

/// Rows of the screen's list that can be seen.
pub fn height(state: &AppState, places: &Layout) -> usize {
    let Some(area) = places.screen else { return places.rows(None) };
    usize::from(list_area(state, area.below_title()).h)
}

/// The part of the body that the list has: all but headings, sums, and what is kept for the selected sentence in full.
/// Drawing, scrolling and the mouse share it.
pub fn list_area(state: &AppState, body: Area) -> Area {
    let less = |rows: u16| Area { h: body.h.saturating_sub(rows), ..body };
    match state.screen {
        Screen::Problems => {
            let all = problems::list(state);
            less(foot_rows(body, KIND, all.iter().map(|problem| problem.text.as_str())))
        }
        Screen::Messages => less(foot_rows(body, SAID, state.messages.iter().map(Message::words))),
        // The sums stand below a gap when there is room for both.
        Screen::Functions if body.h >= SUMMED && rows(state) > 1 => less(2),
        // The headings, a gap and the sums.
        Screen::Savings => Area { y: body.y + 1, ..less(3) },
        _ => body,
    }
}

/// Rows below a list of sentences that begin at a column: as many as the longest needs, so that they stay while the
/// selection moves; none when each fits into its row.
fn foot_rows(body: Area, from: u16, sentences: impl ExactSizeIterator<Item = impl AsRef<str>>) -> u16 {
    let room = usize::from(body.w.saturating_sub(2));
    let free = body.h.saturating_sub(u16::try_from(sentences.len()).unwrap_or(u16::MAX));
    let most = free.max(body.h / 3);
    let mut rows = 0;
    for sentence in sentences {
        if !is_cut(sentence.as_ref(), from, room) {
            continue;
        }
        let lines = inspect::wrapped(&shown_of(sentence.as_ref(), room, usize::from(most)), room).len();
        // One row stays free between the list and the sentence.
        rows = rows.max(u16::try_from(lines + 1).unwrap_or(u16::MAX)).min(most);
        if rows == most {
            break;
        }
    }
    rows
}

/// Whether a row is too short for a sentence that begins at a column of it.
fn is_cut(sentence: &str, from: u16, room: usize) -> bool {
    text::width(&shown_of(sentence, room, 1)) + usize::from(from) > room
}

/// As much of a sentence, made safe, as so many rows could hold, and a little more.
fn shown_of(sentence: &str, room: usize, rows: usize) -> String {
    text::line(&text::beginning(sentence, room.max(1) * (rows + 1)))
}

/// The selected sentence as it stands below the list: nothing when its row shows all of it. The last row says that there
/// is more.
pub fn foot(sentence: &str, from: u16, body: Area, list: Area) -> Vec<String> {
    let room = usize::from(body.w.saturating_sub(2));
    let rows = usize::from((body.h - list.h).saturating_sub(1));
    if rows == 0 || !is_cut(sentence, from, room) {
        return Vec::new();
    }
    let mut lines = inspect::wrapped(&shown_of(sentence, room, rows), room);
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            *last = text::fit(&format!("{last} …"), room);
        }
    }
    lines
}
