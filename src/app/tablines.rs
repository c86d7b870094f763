//! The rows of a loaded tab as lines of a width.

use crate::base::text;

use super::inspect::Page;
use super::tab::{Change, TabRow, TabView};
use super::tone::{Line, Tone};
use super::valuelines;

/// Narrower pages have no room for the numbers of lines.
const NUMBERED: usize = 44;

/// Lays out a tab.
pub(super) fn lay_out(page: &mut Page, view: &TabView) {
    let numbers = view.rows.iter().filter_map(|row| match row {
        TabRow::Code { old, new, .. } => new.or(*old),
        _ => None,
    });
    let digits = numbers.max().map_or(0, |most| most.to_string().len());
    let digits = if page.width < NUMBERED { 0 } else { digits };
    for row in &view.rows {
        let from = page.lines.len();
        let target = match row {
            TabRow::Text { indent, tone, text, target } => {
                page.wrap(*tone, &" ".repeat(usize::from(*indent).min(page.width / 3)), &text::line(text));
                target
            }
            TabRow::Code { change, old, new, pieces, target } => {
                code(page, *change, number(*change, *old, *new), digits, pieces);
                target
            }
            TabRow::Blank => {
                page.blank();
                &None
            }
        };
        if let Some(target) = target {
            page.targets.push((from..page.lines.len(), target.clone()));
        }
    }
}

/// A removed line has its number before, any other the number now.
fn number(change: Change, old: Option<u32>, new: Option<u32>) -> Option<u32> {
    if change == Change::Removed { old } else { new }
}

/// The sign of a line, and what it means.
pub(super) fn sign(change: Change) -> (Tone, &'static str) {
    match change {
        Change::Same => (Tone::Faint, " "),
        Change::Removed => (Tone::Bad, "-"),
        Change::Added => (Tone::Good, "+"),
    }
}

fn code(page: &mut Page, change: Change, number: Option<u32>, digits: usize, pieces: &Line) {
    let (tone, sign) = sign(change);
    let mut lead = Line::new();
    if digits > 0 {
        let shown = number.map(|number| number.to_string()).unwrap_or_default();
        lead.push((if change == Change::Same { Tone::Faint } else { tone }, format!("{shown:>digits$} ")));
    }
    lead.push((tone, format!("{sign} ")));
    valuelines::styled(page, &lead, pieces);
}

/// Columns of the widest line, for tests of what fits.
#[cfg(test)]
pub(super) fn widest(lines: &[Line]) -> usize {
    let width = |line: &Line| line.iter().map(|(_, piece)| text::width(piece)).sum();
    lines.iter().map(width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tab::Target;

    fn laid(rows: Vec<TabRow>, width: usize) -> Page {
        let mut page = Page::new(width);
        lay_out(&mut page, &TabView { rows });
        page
    }

    fn shown(page: &Page) -> Vec<String> {
        page.lines.iter().map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect()).collect()
    }

    fn code(change: Change, old: Option<u32>, new: Option<u32>, text: &str) -> TabRow {
        TabRow::Code { change, old, new, pieces: vec![(Tone::Text, text.to_owned())], target: None }
    }

    #[test]
    fn source_has_numbers_and_signs_where_there_is_room() {
        let rows = || {
            vec![
                code(Change::Same, Some(9), Some(9), "def f():"),
                code(Change::Removed, Some(10), None, "    return 1"),
                code(Change::Added, None, Some(10), "    return 2"),
            ]
        };
        assert_eq!(shown(&laid(rows(), 60)), [" 9   def f():", "10 -     return 1", "10 +     return 2"]);
        assert_eq!(shown(&laid(rows(), 20)), ["  def f():", "-     return 1", "+     return 2"]);
    }

    #[test]
    fn a_wrapped_row_stands_for_its_target_on_all_its_lines() {
        let target = Target::Source { file: "/p/a.py".to_owned(), line: 3 };
        let text = "one two three four".to_owned();
        let page = laid(
            vec![
                TabRow::Blank,
                TabRow::Text { indent: 2, tone: Tone::Text, text, target: Some(target.clone()) },
            ],
            10,
        );
        assert_eq!(shown(&page), ["", "  one two", "  three", "  four"]);
        assert_eq!(page.targets, [(1..4, target)]);
    }

    proptest::proptest! {
        #[test]
        fn lines_fit(texts in proptest::collection::vec(".*", 0..6), width in 6usize..80) {
            let rows = texts.iter().enumerate().map(|(i, text)| match i % 3 {
                0 => TabRow::text(i as u16 * 5, Tone::Text, text.as_str()),
                1 => code(Change::Added, None, Some(77), text),
                _ => TabRow::Blank,
            });
            let page = laid(rows.collect(), width);
            proptest::prop_assert!(widest(&page.lines) <= width, "{:?}", shown(&page));
        }
    }
}
