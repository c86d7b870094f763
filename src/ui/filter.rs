//! The line in which a filter is typed, over the tree's title: completions below it, or what is wrong.

use crate::app::AppState;
use crate::app::filtering::{self, FilterLine, SHOWN};
use crate::app::layout::{Area, Layout};
use crate::app::pointer::Over;
use crate::app::tone::Tone;
use crate::base::text;
use crate::model::filter::Filter;

use super::cells::Canvas;
use super::overlay::edited;

/// Columns of a completion.
const WORD: u16 = 18;

/// Draws the line.
pub(super) fn draw(canvas: &mut Canvas<'_>, places: &Layout, state: &AppState, line: &FilterLine) {
    let Some(area) = places.tree else { return };
    let title = Area { h: 1, ..area };
    canvas.clear(title);
    let x = canvas.text(title, 1, 0, Tone::Focus, "/");
    let typed = line.editor.value();
    let hits = state.current().and_then(|open| open.tree.hits());
    let found = match hits {
        // The tree keeps what was meant last.
        Some(_) if filtering::meaning(&typed).is_err() => format!("still: {}", text::fit(&state.filter, 20)),
        Some(n) => format!("{n} found"),
        None => String::new(),
    };
    let width = u16::try_from(text::width(&found)).unwrap_or(0);
    let field = Area { x: title.x + x, w: title.w.saturating_sub(x + width + 2), ..title };
    edited(canvas, field, 0, &line.editor, "failed, fn:NAME, ms>500, out~TEXT");
    canvas.right(title, title.w.saturating_sub(1), 0, width, Tone::Quiet, &found);

    let below = area.below_title();
    if let Err(error) = Filter::parse(&typed)
        && line.editor.at == line.editor.text.len()
        && error.at + error.len <= typed.trim_end().len()
        && error.len > 0
    {
        mistake(canvas, below, field.x - area.x, &typed, &error);
        return;
    }
    let found = filtering::completions(state, line);
    let rows = u16::try_from(found.items.len().min(SHOWN)).unwrap_or(0).min(below.h);
    canvas.clear(Area { h: rows, ..below });
    for (y, item) in (0..rows).zip(&found.items) {
        canvas.text(below, 2, y, Tone::Key, &item.insert);
        let words = item.insert.chars().count();
        let x = u16::try_from(words + 4).unwrap_or(u16::MAX).max(2 + WORD);
        canvas.text(below, x, y, Tone::Quiet, &item.doc);
        canvas.target(below, (0, y), below.w, Over::Entry(usize::from(y)));
        if line.choice == Some(usize::from(y)) {
            canvas.tint(below, y, Tone::Selected);
        }
    }
}

/// A caret below the character that is wrong, and the sentence.
fn mistake(
    canvas: &mut Canvas<'_>,
    below: Area,
    x: u16,
    typed: &str,
    error: &crate::model::filter::FilterError,
) {
    canvas.clear(Area { h: 2.min(below.h), ..below });
    let pointer = error.pointer(typed);
    let carets = pointer.lines().last().unwrap_or("^");
    // A text wider than its field is scrolled; then the sentence alone has to do.
    if text::width(&text::line(typed)) < usize::from(below.w.saturating_sub(x)) {
        canvas.text(below, x, 0, Tone::Bad, carets);
    }
    canvas.text(below, 1, 1, Tone::Bad, &error.message);
}
