//! What drawing says beside the cells: where text is typed, and what the mouse finds there.

use crate::app::layout::Area;
use crate::app::pointer::Over;

/// What is to be known of a screen that was drawn.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Drawn {
    /// Where the next character that is typed goes, when text is typed: column and row.
    pub cursor: Option<(u16, u16)>,
    /// What lies over the panes, in the order in which it was drawn.
    pub(super) targets: Vec<(Area, Over)>,
}

impl Drawn {
    /// What is at a cell; what was drawn last is on top.
    pub fn over(&self, x: u16, y: u16) -> Over {
        let hit = self.targets.iter().rev().find(|(area, _)| area.holds(x, y));
        hit.map_or(Over::Beside, |(_, over)| *over)
    }
}
