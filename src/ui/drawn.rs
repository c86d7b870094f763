//! What drawing says beside the cells: where text is typed, what the mouse finds there, and where images are.

use std::sync::Arc;

use crate::app::layout::Area;
use crate::app::msg::Picture;
use crate::app::pointer::Over;

/// What is to be known of a screen that was drawn.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// Where the next character that is typed goes, when text is typed: column and row.
    pub cursor: Option<(u16, u16)>,
    /// What lies over the panes, in the order in which it was drawn.
    pub(super) targets: Vec<(Area, Over)>,
    /// Pictures that nothing covers; their half cells are drawn.
    pub pictures: Vec<Placed>,
}

/// A picture, or the rows of one that can be seen.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Where the rows are.
    pub area: Area,
    /// It.
    pub picture: Arc<Picture>,
    /// Rows that it has.
    pub rows: u16,
    /// Rows of it above the area, which are not seen.
    pub skip: u16,
}

impl Placed {
    /// Whether it is the same one at the same place.
    pub fn same(&self, other: &Placed) -> bool {
        let place = |placed: &Placed| (placed.area, placed.rows, placed.skip);
        Arc::ptr_eq(&self.picture, &other.picture) && place(self) == place(other)
    }
}

impl Drawn {
    /// What is at a cell; what was drawn last is on top.
    pub fn over(&self, x: u16, y: u16) -> Over {
        let hit = self.targets.iter().rev().find(|(area, _)| area.holds(x, y));
        hit.map_or(Over::Beside, |(_, over)| *over)
    }
}
