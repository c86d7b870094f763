//! Looking for a text in what the inspector shows.

use crate::base::text;

use super::state::AppState;
use super::tone::Line;

/// What is looked for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Search {
    /// The text; empty: nothing.
    pub text: String,
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
