//! The rows of a loaded tab as lines of a width.

use crate::base::text;

use super::inspect::Page;
use super::tab::{Change, TabRow, TabView};
use super::tone::{Line, Tone};
use super::valuelines;

/// Narrower pages have no room for the numbers of lines.
const NUMBERED: usize = 44;

/// Lays out a tab.
pub(super) fn lay_out(page: &mut Page, view: &TabView, split: bool) {
    let numbers = view.rows.iter().filter_map(|row| match row {
        TabRow::Code { old, new, .. } => new.or(*old),
        _ => None,
    });
    let digits = numbers.max().map_or(0, |most| most.to_string().len());
    let digits = if page.width < NUMBERED { 0 } else { digits };
    let mut at = 0;
    while let Some(row) = view.rows.get(at) {
        if split && matches!(row, TabRow::Code { .. }) {
            at += beside(page, &view.rows[at..], digits);
            continue;
        }
        at += 1;
        let from = page.lines.len();
        let target = match row {
            TabRow::Text { indent, tone, text, target } => {
                page.wrap(*tone, &" ".repeat(usize::from(*indent).min(page.width / 3)), &text::line(text));
                target
            }
            TabRow::Pieces { indent, pieces, target } => {
                let lead = " ".repeat(usize::from(*indent).min(page.width / 3));
                valuelines::styled(page, &vec![(Tone::Quiet, lead)], pieces);
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

/// Lays out the lines of code at the beginning of `rows` with their sides beside each other; says how many those are.
fn beside(page: &mut Page, rows: &[TabRow], digits: usize) -> usize {
    let (width, cut) = (page.width.saturating_sub(3) / 2, page.cut);
    let numbered = |row: &TabRow, number: fn(Change, Option<u32>, Option<u32>) -> Option<u32>| {
        let mut half = Page::new(width.max(4));
        half.cut = cut;
        if let TabRow::Code { change, old, new, pieces, .. } = row {
            code(&mut half, *change, number(*change, *old, *new), digits, pieces);
        }
        half.lines
    };
    let side = |row: &TabRow| numbered(row, number);
    let of = |row: &TabRow| match row {
        TabRow::Code { change, .. } => Some(*change),
        _ => None,
    };
    let n = rows.iter().take_while(|row| of(row).is_some()).count();
    let mut at = 0;
    while at < n {
        if of(&rows[at]) == Some(Change::Same) {
            let then = numbered(&rows[at], |_, old, _| old);
            pair(page, then, side(&rows[at]), width);
            at += 1;
            continue;
        }
        // What was replaced stands beside what replaced it.
        let changed = rows[at..n].iter().take_while(|row| of(row) != Some(Change::Same)).count();
        let here = &rows[at..at + changed];
        let of_kind = |kind| here.iter().filter(move |row| of(row) == Some(kind)).map(side);
        let (old, new): (Vec<_>, Vec<_>) =
            (of_kind(Change::Removed).collect(), of_kind(Change::Added).collect());
        for i in 0..old.len().max(new.len()) {
            let get = |list: &[Vec<Line>]| list.get(i).cloned().unwrap_or_default();
            pair(page, get(&old), get(&new), width);
        }
        at += changed;
    }
    n
}

/// Two sides, padded so that the border between them is straight.
fn pair(page: &mut Page, old: Vec<Line>, new: Vec<Line>, width: usize) {
    for i in 0..old.len().max(new.len()) {
        let mut line = old.get(i).cloned().unwrap_or_default();
        let used: usize = line.iter().map(|(_, piece)| text::width(piece)).sum();
        line.push((Tone::Rule, format!("{} │ ", " ".repeat(width.saturating_sub(used)))));
        line.extend(new.get(i).cloned().unwrap_or_default());
        page.lines.push(line);
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
        lay_out(&mut page, &TabView { rows }, false);
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

    #[test]
    fn sides_stand_beside_each_other() {
        let rows = vec![
            code(Change::Same, Some(1), Some(1), "one"),
            code(Change::Removed, Some(2), None, "two and a half"),
            code(Change::Removed, Some(3), None, "three"),
            code(Change::Added, None, Some(2), "2"),
            code(Change::Same, Some(4), Some(3), "four"),
        ];
        let mut page = Page::new(45);
        lay_out(&mut page, &TabView { rows }, true);
        insta::assert_snapshot!(shown(&page).join("\n").replace(" \n", "\n"), @r"
    1   one               │ 1   one
    2 - two and a half    │ 2 + 2
    3 - three             │
    4   four              │ 3   four
    ");
    }

    proptest::proptest! {
        #[test]
        fn lines_fit(texts in proptest::collection::vec(".*", 0..6), width in 14usize..80, split in proptest::bool::ANY) {
            let rows = texts.iter().enumerate().map(|(i, text)| match i % 3 {
                0 => TabRow::text(i as u16 * 5, Tone::Text, text.as_str()),
                1 => code(Change::Added, None, Some(77), text),
                _ => TabRow::Blank,
            });
            let mut page = Page::new(width);
            lay_out(&mut page, &TabView { rows: rows.collect() }, split);
            proptest::prop_assert!(widest(&page.lines) <= width, "{:?}", shown(&page));
        }
    }
}
