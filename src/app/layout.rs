//! Where the panes are: plain arithmetic on the terminal's size, shared by scrolling and drawing.
//!
//! Invariant: every area lies within the screen, for every size.

use super::blast;
use super::state::{AppState, Pane, Screen};

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
    /// Whether a cell lies in it.
    pub fn holds(self, x: u16, y: u16) -> bool {
        (self.x..self.x.saturating_add(self.w)).contains(&x)
            && (self.y..self.y.saturating_add(self.h)).contains(&y)
    }

    /// Whether they have cells in common.
    pub fn meets(self, other: Area) -> bool {
        let overlap = |a: u16, n: u16, b: u16, m: u16| a < b.saturating_add(m) && b < a.saturating_add(n);
        overlap(self.x, self.w, other.x, other.w) && overlap(self.y, self.h, other.y, other.h)
    }

    /// Without its first row, which holds the pane's title.
    pub fn below_title(self) -> Area {
        Area { y: self.y.saturating_add(1), h: self.h.saturating_sub(1), ..self }
    }
}

/// Rows above the inspector's text: the call, and the tabs.
pub const INSPECTOR_TITLES: u16 = 2;

/// Where the inspector's text goes.
pub fn inspector_text(area: Area) -> Area {
    let titles = INSPECTOR_TITLES.min(area.h);
    Area { x: area.x + 1, y: area.y + titles, w: area.w.saturating_sub(2), h: area.h - titles }
}

/// The smallest screen that is drawn.
pub const MIN: (u16, u16) = (40, 10);
/// From this width on the runs and the tree share a column, and the inspector has the other.
pub const TWO: u16 = 100;
/// From this width on each pane has a column.
pub const THREE: u16 = 150;
/// Lower bodies have no room for the runs above the tree.
const STACKED: u16 = 16;
/// The narrowest column.
const NARROW: u16 = 20;

/// A border that can be moved.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Split {
    /// Right of the runs, in three columns.
    Runs,
    /// Left of the inspector, in two columns.
    Inspector,
    /// Left of the inspector, in three columns.
    Right,
    /// Below the runs, in two columns.
    Stack,
}

/// How the panes share the room, in thousandths of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Shares {
    /// Columns of the runs among three.
    pub runs: u16,
    /// Columns of the inspector among two.
    pub inspector: u16,
    /// Columns of the inspector among three.
    pub right: u16,
    /// Rows of the runs above the tree.
    pub stack: u16,
}

impl Default for Shares {
    fn default() -> Self {
        Shares { runs: 200, inspector: 420, right: 380, stack: 220 }
    }
}

impl Shares {
    /// The share that a border decides.
    pub fn of(&mut self, split: Split) -> &mut u16 {
        match split {
            Split::Runs => &mut self.runs,
            Split::Inspector => &mut self.inspector,
            Split::Right => &mut self.right,
            Split::Stack => &mut self.stack,
        }
    }
}

fn share(of: u16, thousandths: u16) -> u16 {
    u16::try_from((u32::from(of) * u32::from(thousandths.min(1_000)) + 500) / 1_000).unwrap_or(of)
}

/// The places of everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// Nothing but one message fits.
    pub too_small: bool,
    /// One pane at a time.
    pub single: bool,
    /// The sentence at the top.
    pub header: Area,
    /// Where one is in a run that is stepped through, or on its time line.
    pub gate: Option<Area>,
    /// The list of runs.
    pub runs: Option<Area>,
    /// The tree of calls.
    pub tree: Option<Area>,
    /// The inspector.
    pub inspector: Option<Area>,
    /// A screen that takes the whole body.
    pub screen: Option<Area>,
    /// The rule below the panes.
    pub rule: Option<Area>,
    /// The rule between the runs and the tree.
    pub stack_rule: Option<Area>,
    /// The bar of edits.
    pub bar: Option<Area>,
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
    let bar = blast::has_bar(state);
    let below = 2 + u16::from(ruled) + u16::from(bar) + u16::from(hint);
    let stepped = state.screen == Screen::Main && state.gate().is_some() || state.time_line().is_some();
    let above = 1 + u16::from(stepped);
    let body = Area { x: 0, y: above, w, h: h - above - below };
    let mut y = body.y + body.h;
    let mut next = |wanted: bool| {
        wanted.then(|| {
            y += 1;
            row(y - 1)
        })
    };
    let rule = next(ruled);
    let bar = next(bar);
    let hint = next(hint);
    let mut out = Layout {
        header: row(0),
        gate: stepped.then(|| row(1)),
        rule,
        bar,
        hint,
        notice: row(h - 2),
        footer: row(h - 1),
        body,
        single: w < TWO || state.zoom,
        ..Layout::default()
    };
    if state.screen != Screen::Main {
        out.single = true;
        out.screen = Some(body);
        return out;
    }
    if out.single {
        let pane = Some(body);
        match state.focus {
            Pane::Runs => out.runs = pane,
            Pane::Calls => out.tree = pane,
            Pane::Inspector => out.inspector = pane,
        }
        return out;
    }
    let three = w >= THREE;
    let runs_w = if three { share(w, state.shares.runs).clamp(NARROW, w / 2) } else { 0 };
    let left = if three { runs_w + 1 } else { 0 };
    let wanted = if three { state.shares.right } else { state.shares.inspector };
    let inspector_w = share(w, wanted).clamp(NARROW, w - left - 1 - NARROW * 3 / 2);
    let tree = Area { x: left, y: body.y, w: w - left - inspector_w - 1, h: body.h };
    out.inspector = Some(Area { x: w - inspector_w, y: body.y, w: inspector_w, h: body.h });
    if three {
        out.runs = Some(Area { x: 0, y: body.y, w: runs_w, h: body.h });
        out.tree = Some(tree);
    } else if body.h >= STACKED {
        let rows = share(body.h, state.shares.stack).clamp(3, body.h - 6);
        out.runs = Some(Area { h: rows, ..tree });
        out.stack_rule = Some(Area { y: tree.y + rows, h: 1, ..tree });
        out.tree = Some(Area { y: tree.y + rows + 1, h: tree.h - rows - 1, ..tree });
    } else if state.focus == Pane::Runs {
        out.runs = Some(tree);
    } else {
        out.tree = Some(tree);
    }
    out
}

impl Layout {
    /// The borders that can be moved: where each is.
    pub fn splits(&self) -> impl Iterator<Item = (Split, Area)> {
        let edge = |area: Area| Area { x: area.x.saturating_sub(1), w: 1, ..area };
        let several = !self.single && !self.too_small;
        let inspector = self.inspector.filter(|_| several).map(|area| {
            let three = self.tree.is_some_and(|tree| tree.x > 0);
            (if three { Split::Right } else { Split::Inspector }, edge(area))
        });
        let column = |area: &Area| several && area.x > 0;
        let runs = self.tree.filter(column).map(|area| (Split::Runs, edge(area)));
        let stack = self.stack_rule.map(|area| (Split::Stack, area));
        runs.into_iter().chain(inspector).chain(stack)
    }

    /// The pane at a place, and where it is.
    pub fn pane_at(&self, x: u16, y: u16) -> Option<(Pane, Area)> {
        [(Pane::Runs, self.runs), (Pane::Calls, self.tree), (Pane::Inspector, self.inspector)]
            .into_iter()
            .filter_map(|(pane, area)| Some((pane, area?)))
            .find(|(_, area)| area.holds(x, y))
    }

    /// Rows of a pane's list or text that can be seen; for a pane that is not shown, those that it would have.
    pub fn rows(&self, area: Option<Area>) -> usize {
        usize::from(area.unwrap_or(self.body).below_title().h)
    }
}

/// Columns by which a row of the tree is set in. Deeper rows are not set in further, so that names stay readable.
pub fn indent(depth: u16, width: u16) -> u16 {
    depth.saturating_mul(2).min(24).min(width / 3)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::script;
    use proptest::prelude::*;

    fn at(w: u16, h: u16) -> AppState {
        AppState::new(script::project(), (w, h))
    }

    #[test]
    fn columns_by_width() {
        let panes = |w, h| {
            let out = layout(&at(w, h));
            [out.runs, out.tree, out.inspector].map(|area| area.map(|area| area.x))
        };
        assert_eq!(panes(200, 60), [Some(0), Some(41), Some(124)]);
        assert_eq!(panes(120, 40), [Some(0), Some(0), Some(70)]);
        assert_eq!(panes(120, 15), [None, Some(0), Some(70)]);
        assert_eq!(panes(80, 24), [None, Some(0), None]);
        assert!(layout(&at(39, 24)).too_small && layout(&at(80, 9)).too_small);
    }

    proptest! {
        #[test]
        fn panes_lie_side_by_side_on_every_screen(
            w in 0u16..400, h in 0u16..120, runs in 0u16..2_000, inspector in 0u16..2_000, stack in 0u16..2_000,
            focus in 0usize..3, zoom in any::<bool>(),
        ) {
            let mut state = at(w, h);
            state.shares = Shares { runs, inspector, right: inspector, stack };
            state.focus = [Pane::Runs, Pane::Calls, Pane::Inspector][focus];
            state.zoom = zoom;
            let out = layout(&state);
            let areas: Vec<Area> = [out.runs, out.tree, out.inspector].into_iter().flatten().collect();
            prop_assert_eq!(areas.is_empty(), out.too_small);
            for (i, a) in areas.iter().enumerate() {
                prop_assert!(a.w >= NARROW && a.h >= 3, "{a:?}");
                prop_assert!(a.x + a.w <= w && a.y + a.h <= h, "{a:?}");
                for b in &areas[i + 1..] {
                    let beside = a.x + a.w < b.x || b.x + b.w < a.x || a.y + a.h < b.y || b.y + b.h < a.y;
                    prop_assert!(beside, "{a:?} {b:?}");
                }
            }
            for (_, area) in out.splits() {
                prop_assert!(area.x < w && area.y < h);
            }
        }
    }
}
