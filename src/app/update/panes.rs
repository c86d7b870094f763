//! Sizes of panes, by keys and by the mouse.

use crate::app::layout::{self, Split};
use crate::app::msg::Env;
use crate::app::state::{AppState, Pane};
use crate::model::Level;

use super::toast;

/// Which way a border moves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Left and right.
    Columns,
    /// Up and down.
    Rows,
}

/// Thousandths that a key press moves a border.
const STEP: i32 = 40;

/// Makes the focused pane larger or smaller.
pub(super) fn resize(state: &mut AppState, direction: Direction, by: i32) {
    let three = layout::layout(state).splits().any(|(split, _)| split == Split::Runs);
    let (split, sign) = match (direction, state.focus) {
        (Direction::Rows, Pane::Runs) => (Split::Stack, 1),
        (Direction::Rows, _) => (Split::Stack, -1),
        (Direction::Columns, Pane::Inspector) if three => (Split::Right, 1),
        (Direction::Columns, Pane::Inspector) => (Split::Inspector, 1),
        (Direction::Columns, Pane::Runs) if three => (Split::Runs, 1),
        (Direction::Columns, _) if three => (Split::Right, -1),
        (Direction::Columns, _) => (Split::Inspector, -1),
    };
    let share = state.shares.of(split);
    *share = u16::try_from((i32::from(*share) + by * sign * STEP).clamp(100, 800)).unwrap_or(*share);
}

/// Moves a border to a place on the screen.
pub(super) fn drag(state: &mut AppState, split: Split, x: u16, y: u16) {
    let places = layout::layout(state);
    let part = |of: u16, at: u16| {
        u16::try_from(u32::from(at.min(of)) * 1_000 / u32::from(of.max(1))).unwrap_or(1_000)
    };
    let (w, body) = (state.size.0, places.body);
    *state.shares.of(split) = match split {
        Split::Runs => part(w, x),
        Split::Inspector | Split::Right => part(w, w.saturating_sub(x + 1)),
        Split::Stack => part(body.h, y.saturating_sub(body.y)),
    };
}

/// Uses the mouse, or leaves it to the terminal.
pub(super) fn mouse(state: &mut AppState, env: &Env) {
    let on = !state.uses_mouse();
    state.mouse = Some(on);
    let sentence = if on {
        "The mouse works here; with Shift (on a Mac: Option) it still selects text."
    } else {
        "The mouse is the terminal's: it selects text."
    };
    toast(state, Level::Info, sentence, env);
}
