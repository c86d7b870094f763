//! Looking for a text in what the inspector shows.

use crate::base::ids::{CallNo, RunId};
use crate::base::text;

use super::state::{AppState, Tab};
use super::tone::Line;

/// What is looked for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Search {
    /// The text; empty: nothing.
    pub text: String,
    /// What full-text search went to; the text counts for that alone.
    pub goal: Option<Goal>,
}

impl Search {
    /// Whether the selected line holds the text.
    pub fn marks(&self) -> bool {
        !self.text.is_empty() && self.goal.as_ref().is_none_or(|goal| goal.at.is_some())
    }
}

/// The tab of a call that full-text search went to.
#[derive(Clone, PartialEq, Debug)]
pub struct Goal {
    /// The run.
    pub run: RunId,
    /// The call.
    pub no: CallNo,
    /// The tab that has the text.
    pub tab: Tab,
    /// The line with the text that was selected.
    pub at: Option<usize>,
}

/// Brings the search into step with what the inspector shows: selects the line that full-text search went to, first in the
/// preview and, `anew`, in the value that takes its place; forgets the text when something else is shown.
pub fn settle(state: &mut AppState, anew: bool) {
    let (Some(goal), Some(open)) = (&state.search.goal, state.current()) else { return };
    if open.history.id != goal.run || open.selected != goal.no || state.effective_tab() != goal.tab {
        state.search = Search::default();
        return;
    }
    // Whoever has moved on stays there.
    if goal.at.is_some_and(|at| !anew || at != state.doc_at) {
        return;
    }
    let found = next(&state.doc.lines, &state.search.text, 0, true, true);
    if let (Some(at), Some(goal)) = (found, &mut state.search.goal) {
        goal.at = Some(at);
        state.doc_at = at;
        state.doc_wheeled = None;
    }
}

fn plain(line: &Line) -> String {
    line.iter().map(|(_, piece)| piece.as_str()).collect::<String>().to_lowercase()
}

/// The next line after (or before) `from` that holds the text, around the end; upper and lower case are the same.
pub fn next(lines: &[Line], wanted: &str, from: usize, forward: bool, here: bool) -> Option<usize> {
    let wanted = text::line(wanted).to_lowercase();
    let n = lines.len();
    if wanted.is_empty() || n == 0 {
        return None;
    }
    let from = from.min(n - 1);
    let steps = if here { 0..n } else { 1..n + 1 };
    steps
        .map(|step| if forward { (from + step) % n } else { (from + n - step % n) % n })
        .find(|at| plain(&lines[*at]).contains(&wanted))
}

/// How many lines hold the text, and which of them the selected one is, from 1.
pub fn count(state: &AppState) -> (usize, usize) {
    let wanted = text::line(&state.search.text).to_lowercase();
    let mut all = 0;
    let mut at = 0;
    for (i, line) in state.doc.lines.iter().enumerate() {
        if !wanted.is_empty() && plain(line).contains(&wanted) {
            all += 1;
            if i <= state.doc_at {
                at = all;
            }
        }
    }
    (at, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tone::Tone;

    #[test]
    fn it_goes_around_both_ways() {
        let lines: Vec<Line> =
            ["a Tea", "b", "c tea", "d"].map(|text| vec![(Tone::Text, text.to_owned())]).to_vec();
        assert_eq!(next(&lines, "TEA", 0, true, true), Some(0));
        assert_eq!(next(&lines, "tea", 0, true, false), Some(2));
        assert_eq!(next(&lines, "tea", 2, true, false), Some(0));
        assert_eq!(next(&lines, "tea", 0, false, false), Some(2));
        assert_eq!(next(&lines, "x", 0, true, true), None);
        assert_eq!(next(&[], "x", 0, true, true), None);
        assert_eq!(next(&lines[..1], "tea", 0, true, false), Some(0));
    }
}
