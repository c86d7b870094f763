//! Drawing only: theme, widgets, panels.
//!
//! [`draw`] is a pure function of the state, the look and the time; it changes nothing but the buffer. Only the
//! visible window of lists and texts is read.
//!
//! ```text
//!  header     one sentence: project, run, what it does, what it served, cost, savings
//!  gate       (stepping only) where one is
//!  Runs  │ Calls                        │ call_llm#3     Output Input Logs Error
//!  rows  │ tree rows, columns at right  │ text of the tab
//!  ──────┴──────────────────────────────┴──────────────────────────────────────
//!  bar        what edits mean for the run (only then)
//!  hint       (tour only)
//!  notice     toasts; a long one also has the row above
//!  footer     the keys that matter now
//! ```
//!
//! Invariants: every cell is written through [`cells::Canvas`], which sanitises and clips, so no text can leave
//! its place or reach the terminal as a control sequence; no colour is named outside [`theme`]; any size draws.

pub mod cells;
pub mod colour;
pub mod glyphs;
pub mod theme;

mod bars;
mod calls;
mod compare;
mod drawn;
mod edits;
mod filter;
mod gate;
mod find;
mod frames;
mod functions;
mod inspector;
mod ledger;
mod lists;
mod overlay;
mod previews;
mod problems;
mod runs;
mod timeline;

#[cfg(test)]
mod any_state_tests;
#[cfg(test)]
mod other_screen_tests;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod screen_tests;

use ratatui::buffer::Buffer;

use crate::app::AppState;
use crate::app::layout::layout;
use crate::app::state::{Pane, Screen};
use crate::app::tone::Tone;
use crate::base::clock::Micros;

use cells::Canvas;
use colour::Depth;
pub use drawn::{Drawn, Placed};
use glyphs::Glyphs;
use theme::Theme;

/// Colours and glyphs.
#[derive(Clone, Debug)]
pub struct Look {
    /// Styles of meanings.
    pub theme: Theme,
    /// Signs of statuses.
    pub glyphs: Glyphs,
}

impl Look {
    /// What the settings ask for, with what is wrong with the theme. `ascii` and `theme` are the environment's.
    pub fn of(state: &AppState, theme: Option<&str>, ascii: bool, depth: Depth) -> (Self, Vec<String>) {
        let settings = &state.settings;
        let default = if depth == Depth::None { "mono" } else { "terminal" };
        let name = state.theme.as_deref().or(theme).or(settings.theme.as_deref()).unwrap_or(default);
        let (theme, problems) = Theme::of(name, &settings.sources, depth);
        let ascii = settings.ascii.unwrap_or(ascii);
        (Look { theme, glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Unicode } }, problems)
    }
}

/// Draws the whole screen, and says what is to be known of it beside its cells.
pub fn draw(state: &AppState, look: &Look, now: Micros, buffer: &mut Buffer) -> Drawn {
    let places = layout(state);
    let mut canvas = Canvas::new(buffer, look);
    if places.too_small {
        let sentence = match places.header.w {
            46.. => "Too small: 40 columns and 10 rows are needed.",
            _ => "Too small: needs 40x10.",
        };
        canvas.text(places.header, 0, 0, Tone::Text, sentence);
        return canvas.drawn;
    }
    bars::header(&mut canvas, places.header, state, now);
    if let Some(area) = places.gate {
        match state.time_line() {
            Some(line) => bars::time_line(&mut canvas, area, state, line),
            None => bars::gate(&mut canvas, area, state),
        }
    }
    if let Some(area) = places.runs {
        runs::draw(&mut canvas, area, state, now);
    }
    // What went on then is as old as it was then.
    let then = state.then().and(state.time_line()).and_then(|line| line.time()).unwrap_or(now);
    if let Some(area) = places.tree {
        calls::draw(&mut canvas, area, state, then);
    }
    if let Some(area) = places.inspector {
        inspector::draw(&mut canvas, area, state, then);
    }
    if let Some(area) = places.screen {
        match state.screen {
            Screen::Main => {}
            Screen::Problems => problems::draw(&mut canvas, area, state),
            Screen::Functions => functions::draw(&mut canvas, area, state),
            Screen::Search => find::draw(&mut canvas, area, state, now),
            Screen::Timeline => timeline::draw(&mut canvas, area, state, now),
            Screen::Savings => ledger::draw(&mut canvas, area, state),
            Screen::Messages => problems::said(&mut canvas, area, state, now),
            Screen::Diff => compare::draw(&mut canvas, area, state),
            Screen::Edits => edits::draw(&mut canvas, area, state),
        }
    }
    bars::borders(&mut canvas, &places);
    bars::command_line(&mut canvas, &places, state);
    if let Some(area) = places.bar {
        bars::blast(&mut canvas, area, state);
    }
    if let Some(area) = places.hint {
        bars::hint(&mut canvas, area, state);
    }
    bars::notice(&mut canvas, &places, state);
    bars::footer(&mut canvas, places.footer, state);
    overlay::draw(&mut canvas, &places, state);
    lists::which_key(&mut canvas, &places, state, now);
    canvas.drawn
}

/// The tone of a pane's title.
fn title_tone(state: &AppState, pane: Pane) -> Tone {
    if state.focus == pane && state.overlay.is_none() { Tone::Focus } else { Tone::Quiet }
}

/// The tone of the selected row in a pane.
fn selected_tone(state: &AppState, pane: Pane) -> Tone {
    if state.focus == pane { Tone::Selected } else { Tone::SelectedElsewhere }
}
