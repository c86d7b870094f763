//! What the mouse did, as the terminal floor reports it.

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

/// Something that the mouse did, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
}
