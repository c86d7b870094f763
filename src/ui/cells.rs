//! The one way to write a cell.
//!
//! Invariant: text passes [`crate::base::text::line`] and is cut to its area, whatever it holds; writes outside
//! the buffer do nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::layout::Area;
use crate::app::pointer::Over;
use crate::app::tone::Tone;
use crate::base::text;

use super::glyphs::Glyphs;
use super::{Drawn, Look};

/// A buffer with a look.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    /// Colours and glyphs.
    pub look: &'a Look,
    /// What is to be known beside the cells.
    pub drawn: Drawn,
}

impl<'a> Canvas<'a> {
    /// Draws on this buffer.
    pub fn new(buffer: &'a mut Buffer, look: &'a Look) -> Self {
        Canvas { buffer, look, drawn: Drawn::default() }
    }

    /// Says what the mouse is over in a part of an area: so many columns of a row, from a column on.
    pub fn target(&mut self, area: Area, (x, y): (u16, u16), w: u16, over: Over) {
        let w = w.min(area.w.saturating_sub(x));
        if w > 0 && y < area.h {
            self.drawn.targets.push((Area { x: area.x + x, y: area.y + y, w, h: 1 }, over));
        }
    }

    /// Puts the terminal's cursor to (x, y) within an area.
    pub fn cursor(&mut self, area: Area, x: u16, y: u16) {
        if x < area.w && y < area.h {
            self.drawn.cursor = Some((area.x + x, area.y + y));
        }
    }

    /// Writes one line at (x, y) within an area; returns the column after it, relative to the area.
    pub fn text(&mut self, area: Area, x: u16, y: u16, tone: Tone, raw: &str) -> u16 {
        if x >= area.w || y >= area.h {
            return area.w.min(x);
        }
        let room = usize::from(area.w - x);
        // A megabyte on one line costs no more than what can be seen of it.
        let cut = raw.char_indices().nth(room * 4 + 8).map_or(raw, |(at, _)| &raw[..at]);
        let mut safe = text::fit(&text::line(cut), room);
        if self.look.glyphs == Glyphs::Ascii && safe.contains('…') {
            safe = safe.replace('…', "~");
        }
        let (left, top) = (area.x + x, area.y + y);
        let all = self.buffer.area;
        if left >= all.right() || top >= all.bottom() {
            return x;
        }
        let width = text::width(&safe).min(room) as u16;
        let style = self.look.theme.style(tone);
        self.buffer.set_stringn(left, top, &safe, usize::from(width), style);
        x + width
    }

    /// Writes one sign that is one column wide. For charts, which have a sign and a tone for each cell.
    pub fn sign(&mut self, area: Area, x: u16, y: u16, tone: Tone, sign: &'static str) {
        if x < area.w
            && y < area.h
            && let Some(cell) = self.buffer.cell_mut((area.x + x, area.y + y))
        {
            cell.set_symbol(sign).set_style(self.look.theme.style(tone));
        }
    }

    /// Writes a line that ends at the column before `right`, at most `width` columns; cut from the end.
    pub fn right(&mut self, area: Area, right: u16, y: u16, width: u16, tone: Tone, raw: &str) {
        let safe = text::fit(&text::line(raw), usize::from(width));
        let w = text::width(&safe) as u16;
        if right >= w && right <= area.w {
            self.text(area, right - w, y, tone, &safe);
        }
    }

    /// Writes pieces one after the other; returns the column after them.
    pub fn pieces<'t>(
        &mut self,
        area: Area,
        x: u16,
        y: u16,
        pieces: impl IntoIterator<Item = &'t (Tone, String)>,
    ) -> u16 {
        let mut x = x;
        for (tone, piece) in pieces {
            x = self.text(area, x, y, *tone, piece);
        }
        x
    }

    /// Gives a whole row a tone, over what is written there. Colours that mean a status give way.
    pub fn tint(&mut self, area: Area, y: u16, tone: Tone) {
        if y >= area.h {
            return;
        }
        let row = Rect { x: area.x, y: area.y + y, width: area.w, height: 1 };
        let row = row.intersection(self.buffer.area);
        if tone == Tone::Selected {
            // Reversed colours would turn each status into a block of its own background.
            for x in row.left()..row.right() {
                if let Some(cell) = self.buffer.cell_mut((x, row.y)) {
                    cell.set_style(Style::reset());
                }
            }
        }
        self.buffer.set_style(row, self.look.theme.style(tone));
    }

    /// Fills an area with spaces.
    pub fn clear(&mut self, area: Area) {
        // A picture that is covered in part would be drawn over what covers it.
        self.drawn.pictures.retain(|placed| !placed.area.meets(area));
        let rect =
            Rect { x: area.x, y: area.y, width: area.w, height: area.h }.intersection(self.buffer.area);
        for y in rect.top()..rect.bottom() {
            for x in rect.left()..rect.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }
}

/// Pieces cut to so many columns.
pub fn fit_pieces(pieces: &[(Tone, String)], columns: usize) -> Vec<(Tone, String)> {
    let mut out = Vec::new();
    let mut left = columns;
    for (tone, piece) in pieces {
        if left == 0 {
            break;
        }
        let safe = text::fit(&text::line(piece), left);
        left -= text::width(&safe).min(left);
        out.push((*tone, safe));
    }
    out
}
