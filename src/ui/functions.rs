//! The table of functions.

use crate::app::AppState;
use crate::app::functions::{self, Column};
use crate::app::layout::Area;
use crate::app::screens;
use crate::app::tone::Tone;
use crate::model::functions::Function;

use super::cells::Canvas;

/// Draws the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let x = canvas.text(area, 1, 0, Tone::Focus, "Functions");
    let Some(all) = state.current().and_then(|open| open.functions.as_ref()) else {
        canvas.text(area, 1, 2, Tone::Quiet, "No run is open.");
        return;
    };
    canvas.text(area, x + 1, 0, Tone::Faint, &all.all.len().to_string());
    let columns = functions::columns(all, area.w);
    let name = functions::name_width(all, area.w);
    let rows = functions::ordered(all, state.table.by);
    let body = area.below_title();
    for (i, right, column) in places(&columns, name) {
        let sorted = state.table.by == Some(column);
        let mark = if sorted { canvas.look.glyphs.pick("▾", "v") } else { "" };
        let tone = if i == state.table.column { Tone::Focus } else { Tone::Faint };
        canvas.right(area, right, 0, column.width() - 1, tone, &format!("{}{mark}", column.title()));
    }
    let list = screens::list_area(state, body);
    let sums = list.h < body.h;
    for y in 0..list.h {
        let row = state.list.top + usize::from(y);
        let Some(function) = rows.get(row) else { break };
        let at = (row == state.list.at).then_some(state.table.column);
        line(canvas, list, y, function, &columns, name, at);
    }
    if sums {
        let total = all.total();
        let y = (rows.len().saturating_sub(state.list.top) as u16).min(list.h) + 1;
        line(canvas, body, y.min(body.h - 1), &total, &columns, name, None);
    }
}

/// Each column with its number and its right end.
fn places(columns: &[Column], name: u16) -> impl Iterator<Item = (usize, u16, Column)> {
    let mut right = name;
    columns.iter().enumerate().map(move |(i, column)| {
        right += column.width();
        (i, right, *column)
    })
}

fn line(
    canvas: &mut Canvas<'_>,
    area: Area,
    y: u16,
    function: &Function,
    columns: &[Column],
    name: u16,
    at: Option<usize>,
) {
    let tone = if at.is_some() { Tone::Focus } else { Tone::Title };
    if at.is_some() {
        canvas.text(area, 0, y, Tone::Focus, canvas.look.glyphs.pick("▸", ">"));
    }
    canvas.text(Area { w: name.min(area.w), ..area }, 1, y, tone, &function.name);
    for (i, right, column) in places(columns, name) {
        let (tone, mut words) = column.cell(function);
        if words == "·" {
            words = canvas.look.glyphs.pick("·", ".").to_owned();
        }
        canvas.right(area, right, y, column.width() - 1, tone, &words);
        if at == Some(i) && right <= area.w {
            let width = column.width() - 1;
            canvas.tint(Area { x: area.x + right - width, w: width, ..area }, y, Tone::Selected);
        }
    }
}
