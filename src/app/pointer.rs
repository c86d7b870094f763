//! What the mouse did, as the terminal floor reports it.
//!
//! What lies over the panes is placed by drawing alone. So drawing says where its entries and the characters of its
//! lines are, and whoever reports the mouse says what of that is under it.

/// What the mouse does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MouseKind {
    /// The left button went down.
    Down,
    /// It moved while down.
    Drag,
    /// It went up.
    Up,
    /// The wheel, towards the beginning.
    WheelUp,
    /// The wheel, towards the end.
    WheelDown,
}

/// What the mouse is over, of what lies over the panes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Over {
    /// Nothing of it: a pane, or a bar.
    #[default]
    Beside,
    /// A part of it that cannot be chosen.
    Inside,
    /// An entry of its list, counted from 0.
    Entry(usize),
    /// A character of the line that is edited, counted from 0.
    Caret(usize),
}

/// Something that the mouse did, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
    /// What is there over the panes.
    pub over: Over,
}
