//! Two runs as one tree: what the screen Diff shows, and where the user is in it.
//!
//! The comparison is made by whoever reads the store and arrives as a [`Comparison`]; so does what differs inside the
//! selected pair of calls. The selection is a pair of calls, never a row: it stays when the filter changes.

use std::ops::Range;
use std::sync::Arc;

use crate::base::ids::{CallNo, RunId};
use crate::model::RunStatus;

use super::layout::Area;
use super::state::AppState;
use super::tab::{TabView, Target};
use super::tone::Line;

/// How a call of one run stands to one of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Nothing differs, but perhaps the time.
    Same,
    /// Something differs.
    Changed,
    /// It stands elsewhere.
    Moved,
    /// Only in the second run.
    Added,
    /// Only in the second run, and asked for as a sibling that is in both.
    Repeated,
    /// Only in the first run.
    Removed,
}

/// What a difference is to the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Nothing differs.
    None,
    /// It explains others.
    Cause,
    /// It is explained by others.
    Consequence,
}

/// A pair of calls: of the first run, of the second.
pub type PairId = (Option<CallNo>, Option<CallNo>);

/// A row of the merged tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Its calls.
    pub pair: PairId,
    /// How deep it stands.
    pub depth: u16,
    /// The row above it.
    pub parent: Option<usize>,
    /// `call_llm#3`, unsanitised.
    pub label: String,
    /// How its calls stand to one another.
    pub mark: Mark,
    /// What the difference is to the others.
    pub part: Part,
    /// What differs: `input, output`.
    pub words: String,
    /// Of a cause: what it is. Unsanitised.
    pub why: String,
    /// Whether nothing but the time differs.
    pub only_time: bool,
    /// Whether what differs is no more than what differs between equal calls anyway, or follows from such alone.
    pub noise: bool,
}

impl Row {
    /// Whether anything but the time differs.
    pub fn is_different(&self) -> bool {
        self.mark != Mark::Same
    }
}

/// One cause, however many calls it reaches.
#[derive(Clone, PartialEq, Debug)]
pub struct CauseLine {
    /// `code changed: TONE in app.py:2`, unsanitised.
    pub words: String,
    /// The row of the first call.
    pub row: usize,
    /// Calls.
    pub calls: usize,
}

/// Two runs as one tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// The first run.
    pub a: RunId,
    /// The second run.
    pub b: RunId,
    /// `28 same, 6 changed, 1 added`.
    pub tally: String,
    /// The causes.
    pub causes: Vec<CauseLine>,
    /// The row where the runs part.
    pub first: Option<usize>,
    /// The rows in the order of a walk from the top.
    pub rows: Vec<Row>,
    /// Ignored places by their patterns, and how many differences each hides.
    pub hidden: Vec<(String, u64)>,
    /// The patterns of all places that did not count, those of the project's file too.
    pub ignores: Vec<String>,
}

/// What is left out of a comparison, and how far it goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct How {
    /// Places that do not count, beside those of the project's file; `None`: all places count.
    pub ignore: Option<Vec<String>>,
    /// Large values are looked at to their end, not only until something differs.
    pub thorough: bool,
}

/// What differs inside a pair.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PairView {
    /// Rows of text.
    pub view: TabView,
    /// The same as a patch.
    pub patch: String,
    /// What of it is missing in the patch, and why.
    pub unpatched: Vec<String>,
    /// Whether looking longer would tell more.
    pub rough: bool,
    /// The patterns of all places that did not count. Other ones than those of the tree: the project's file was changed.
    pub ignores: Vec<String>,
}

/// Patterns that are to be written into the project's file, or taken out of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Rules {
    /// The patterns.
    pub patterns: Vec<String>,
    /// They are to be written.
    pub adds: bool,
}

/// What is known.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Held<T> {
    /// Nothing was asked.
    #[default]
    Nothing,
    /// It was asked.
    Loading,
    /// It is here.
    Ready(Arc<T>),
    /// It could not be made.
    Failed(String),
}

/// Which rows are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Shown {
    /// What differs, and what leads there.
    #[default]
    Changed,
    /// Causes alone.
    Causes,
    /// Everything.
    All,
}

impl Shown {
    /// For the title.
    pub fn word(self) -> &'static str {
        match self {
            Shown::Changed => "what differs",
            Shown::Causes => "causes alone",
            Shown::All => "all calls",
        }
    }
}

/// What was asked for: the first run (`None`: the one that suits), the second, and where that stands; what counts.
pub type Asked = (Option<RunId>, RunId, Option<RunStatus>, Option<Vec<String>>);

/// What the text was laid out of: pair, width, sides, wrapping, the answer's number.
pub type TextKey = (PairId, u16, bool, bool, u64);

/// What the user sees of the comparison.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Compare {
    /// The run that others are compared with, when one was chosen.
    pub marked: Option<RunId>,
    /// What was asked for last.
    pub asked: Option<Asked>,
    /// The number of that question.
    pub generation: u64,
    /// The comparison.
    pub held: Held<Comparison>,
    /// Which rows are shown.
    pub shown: Shown,
    /// Numbers of the rows that are shown.
    pub visible: Vec<usize>,
    /// The selected pair.
    pub selected: Option<PairId>,
    /// The pair whose differences were asked for.
    pub pair: Option<PairId>,
    /// The number of that question.
    pub pair_generation: u64,
    /// Its differences.
    pub inside: Held<PairView>,
    /// Whether it is being looked at once more, to its end.
    pub refines: bool,
    /// Places that do not count in this view.
    pub ignored: Vec<String>,
    /// Nothing is ignored, whatever was said.
    pub counts_all: bool,
    /// Whether the text has the keys.
    pub reads: bool,
    /// Lines are cut where the pane ends.
    pub cut: bool,
    /// The text.
    pub lines: Vec<Line>,
    /// What it was laid out of.
    pub key: Option<TextKey>,
    /// First line of it that is shown.
    pub top: usize,
    /// The selected line of it.
    pub at: usize,
    /// What its lines stand for.
    pub targets: Vec<(Range<usize>, Target)>,
}

impl Compare {
    /// The same runs are to be compared again: the project's file says other places do not count.
    pub fn ask_anew(&mut self) {
        // No run that is compared has no status.
        if let Some((_, _, status, _)) = &mut self.asked {
            *status = None;
        }
    }

    /// What counts, as it is asked for.
    pub fn ignore(&self) -> Option<Vec<String>> {
        (!self.counts_all).then(|| self.ignored.clone())
    }

    /// What the selected line of the text stands for.
    pub fn target(&self) -> Option<&Target> {
        self.targets.iter().find(|(lines, _)| lines.contains(&self.at)).map(|(_, target)| target)
    }

    /// The comparison, when it is here.
    pub fn ready(&self) -> Option<&Arc<Comparison>> {
        match &self.held {
            Held::Ready(found) => Some(found),
            _ => None,
        }
    }

    /// The row at a place of what is shown.
    pub fn row(&self, at: usize) -> Option<&Row> {
        self.ready()?.rows.get(*self.visible.get(at)?)
    }

    /// Where the pair stands in what is shown; of one that is not, where its caller stands.
    pub fn place_of(&self, pair: PairId) -> Option<usize> {
        let rows = &self.ready()?.rows;
        let mut at = rows.iter().position(|row| row.pair == pair);
        while let Some(row) = at {
            if let Ok(place) = self.visible.binary_search(&row) {
                return Some(place);
            }
            at = rows.get(row)?.parent;
        }
        None
    }

    /// Finds out which rows are shown.
    pub fn filter(&mut self) {
        let Some(found) = self.ready().cloned() else {
            self.visible.clear();
            return;
        };
        let mut shown = vec![self.shown == Shown::All; found.rows.len()];
        for (at, row) in found.rows.iter().enumerate() {
            let wanted = match self.shown {
                Shown::All => continue,
                Shown::Causes => row.part == Part::Cause,
                Shown::Changed => row.is_different(),
            };
            if wanted {
                shown[at] = true;
            }
            let mut above = row.parent.filter(|_| wanted && self.shown == Shown::Changed);
            while let Some(row) = above.filter(|row| !shown[*row]) {
                shown[row] = true;
                above = found.rows[row].parent;
            }
        }
        self.visible = (0..found.rows.len()).filter(|at| shown[*at]).collect();
    }

    /// The next row that differs after a place in what is shown, or the one before it.
    pub fn next(&self, from: usize, forward: bool) -> Option<usize> {
        let differs = |at: &usize| self.row(*at).is_some_and(|row| row.is_different() && !row.noise);
        if forward {
            (from + 1..self.visible.len()).find(differs)
        } else {
            (0..from.min(self.visible.len())).rev().find(differs)
        }
    }
}

/// Where the parts of the screen are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// The causes.
    pub causes: Option<Area>,
    /// The tree.
    pub rows: Option<Area>,
    /// The rule between them.
    pub rule: Option<Area>,
    /// What differs inside the selected pair.
    pub text: Option<Area>,
}

/// From this width on the text stands beside the tree.
const WIDE: u16 = 110;
/// Lower screens show the tree or the text.
const HIGH: u16 = 14;
/// Rows of the tree above a text that is read.
const READING: u16 = 3;
/// Causes that have a line above the tree.
const CAUSES: usize = 3;

/// Lays out the screen.
pub fn places(state: &AppState, area: Area) -> Places {
    let mut body = area.below_title();
    let mut out = Places::default();
    let known = state.compare.ready().map_or(0, |found| found.causes.len().min(CAUSES)) as u16;
    if known > 0 && body.h >= HIGH {
        out.causes = Some(Area { h: known, ..body });
        body = Area { y: body.y + known + 1, h: body.h - known - 1, ..body };
    }
    if body.w >= WIDE {
        let left = body.w * 2 / 5;
        out.rows = Some(Area { w: left, ..body });
        out.rule = Some(Area { x: body.x + left, w: 1, ..body });
        out.text = Some(Area { x: body.x + left + 2, w: body.w - left - 3, ..body });
    } else if body.h >= HIGH {
        // Who reads the text needs it, and of the tree what is around the pair.
        let upper = if state.compare.reads { READING } else { body.h * 2 / 5 };
        out.rows = Some(Area { h: upper, ..body });
        out.rule = Some(Area { y: body.y + upper, h: 1, ..body });
        let (y, h) = (body.y + upper + 1, body.h - upper - 1);
        out.text = Some(Area { x: body.x + 1, w: body.w.saturating_sub(2), y, h });
    } else if state.compare.reads {
        out.text = Some(Area { x: body.x + 1, w: body.w.saturating_sub(2), ..body });
    } else {
        out.rows = Some(body);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(no: CallNo, parent: Option<usize>, mark: Mark, part: Part) -> Row {
        Row {
            pair: (Some(no), Some(no)),
            depth: 0,
            parent,
            label: no.to_string(),
            mark,
            part,
            words: String::new(),
            why: String::new(),
            only_time: false,
            noise: false,
        }
    }

    fn compare() -> Compare {
        let rows = vec![
            row(1, None, Mark::Changed, Part::Consequence),
            row(2, Some(0), Mark::Same, Part::None),
            row(3, Some(1), Mark::Changed, Part::Cause),
            row(4, Some(0), Mark::Same, Part::None),
            row(5, Some(0), Mark::Added, Part::Consequence),
        ];
        let run = RunId::from_text("2c1a00000000");
        let found = Comparison {
            ignores: Vec::new(),
            a: run.clone(),
            b: run,
            tally: String::new(),
            causes: vec![],
            first: None,
            rows,
            hidden: vec![],
        };
        Compare { held: Held::Ready(Arc::new(found)), ..Compare::default() }
    }

    #[test]
    fn filters_keep_what_leads_to_a_difference() {
        let mut compare = compare();
        compare.filter();
        assert_eq!(compare.visible, [0, 1, 2, 4]);
        assert_eq!(compare.next(0, true), Some(2), "row 1 only leads there");
        assert_eq!(
            (compare.next(2, true), compare.next(3, true), compare.next(3, false)),
            (Some(3), None, Some(2))
        );
        compare.shown = Shown::Causes;
        compare.filter();
        assert_eq!(compare.visible, [2]);
        assert_eq!(compare.place_of((Some(5), Some(5))), None);
        assert_eq!(compare.place_of((Some(3), Some(3))), Some(0));
        compare.shown = Shown::All;
        compare.filter();
        assert_eq!(compare.visible.len(), 5);
    }

    #[test]
    fn a_hidden_pair_is_found_at_its_caller() {
        let mut compare = compare();
        compare.filter();
        assert_eq!(compare.place_of((Some(4), Some(4))), Some(0));
    }
}
