//! Where the panes are: plain arithmetic on the terminal's size, shared by scrolling and drawing.
//!
//! Invariant: every area lies within the screen, for every size.

use super::state::{AppState, Pane};

/// A rectangle of cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Area {
    /// Left column.
    pub x: u16,
    /// Top row.
    pub y: u16,
    /// Columns.
    pub w: u16,
    /// Rows.
    pub h: u16,
}

impl Area {
    /// Without its first row, which holds the pane's title.
    pub fn below_title(self) -> Area {
        Area { y: self.y.saturating_add(1), h: self.h.saturating_sub(1), ..self }
    }
}

/// Narrower inspectors show the call's name and the tabs in two rows.
const ONE_TITLE: u16 = 48;

/// Rows above the inspector's text.
pub fn inspector_titles(area: Area) -> u16 {
    if area.w < ONE_TITLE { 2 } else { 1 }
}

/// Where the inspector's text goes.
pub fn inspector_text(area: Area) -> Area {
    let titles = inspector_titles(area).min(area.h);
    Area { x: area.x + 1, y: area.y + titles, w: area.w.saturating_sub(2), h: area.h - titles }
}

/// The smallest screen that is drawn.
pub const MIN: (u16, u16) = (40, 10);
/// From this width on several panes are shown.
pub const TWO: u16 = 100;
/// From this width on the panes are roomy.
const WIDE: u16 = 180;

/// The places of everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// Nothing but one message fits.
    pub too_small: bool,
    /// One pane at a time.
    pub single: bool,
    /// The sentence at the top.
    pub header: Area,
    /// The list of runs.
    pub runs: Option<Area>,
    /// The tree of calls.
    pub tree: Option<Area>,
    /// The inspector.
    pub inspector: Option<Area>,
    /// The rule below the panes.
    pub rule: Option<Area>,
    /// The tour's hint.
    pub hint: Option<Area>,
    /// Toasts and notices.
    pub notice: Area,
    /// The keys.
    pub footer: Area,
    /// All between header and rule.
    pub body: Area,
}

/// Lays out a screen of this state's size.
pub fn layout(state: &AppState) -> Layout {
    let (w, h) = state.size;
    if w < MIN.0 || h < MIN.1 {
        return Layout { too_small: true, header: Area { x: 0, y: 0, w, h: h.min(1) }, ..Layout::default() };
    }
    let row = |y: u16| Area { x: 0, y, w, h: 1 };
    let hint = state.tour.as_ref().is_some_and(|tour| tour.hint().is_some());
    let ruled = h >= 14;
    let below = 2 + u16::from(ruled) + u16::from(hint);
    let body = Area { x: 0, y: 1, w, h: h - 1 - below };
    let mut y = body.y + body.h;
    let mut next = |wanted: bool| {
        wanted.then(|| {
            y += 1;
            row(y - 1)
        })
    };
    let rule = next(ruled);
    let hint = next(hint);
    let mut out = Layout {
        header: row(0),
        rule,
        hint,
        notice: row(h - 2),
        footer: row(h - 1),
        body,
        single: w < TWO || state.zoom,
        ..Layout::default()
    };
    if out.single {
        let pane = Some(body);
        match state.focus {
            Pane::Runs => out.runs = pane,
            Pane::Calls => out.tree = pane,
            Pane::Inspector => out.inspector = pane,
        }
        return out;
    }
    let runs_w = if w >= WIDE { 40 } else { 23 };
    let rest = w - runs_w - 2;
    let tree_w = if w >= WIDE { rest * 56 / 100 } else { rest * 62 / 100 };
    out.runs = Some(Area { x: 0, y: body.y, w: runs_w, h: body.h });
    out.tree = Some(Area { x: runs_w + 1, y: body.y, w: tree_w, h: body.h });
    let x = runs_w + tree_w + 2;
    out.inspector = Some(Area { x, y: body.y, w: w - x, h: body.h });
    out
}

/// The scroll position that shows `selected`: moved by a row after a step, centred after a jump.
pub fn scroll_to(top: usize, selected: usize, rows: usize, height: usize) -> usize {
    if height == 0 {
        return 0;
    }
    let top = if selected + 1 < top || selected > top + height {
        // A jump: what lies around the selection matters as much.
        selected.saturating_sub(height / 2)
    } else if selected < top {
        selected
    } else if selected >= top + height {
        selected + 1 - height
    } else {
        top
    };
    top.min(rows.saturating_sub(height))
}
