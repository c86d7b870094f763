//! The screens beside the main one: how many rows each has.
//!
//! A screen that is a list needs a row count here; its selection is `AppState::list`, its drawing a file in `ui`.

use super::state::{AppState, Screen};
use super::{blast, problems};

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
    }
}
