//! The terminal as drawing goes to it.
//!
//! Where a terminal has sixteen colours they are asked for by the codes that such a terminal knows (`31`, `91`);
//! crossterm would ask for them by their places in the palette of 256 (`38;5;1`), which it may not know.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::Color;

use crate::app::layout::Area;
use crate::ui::colour::{Depth, place};

use super::graphics::Damage;

/// crossterm's terminal, with the old codes where they are needed.
pub struct Screen<W: Write> {
    inner: CrosstermBackend<W>,
    depth: Depth,
    /// Where images are.
    images: Vec<Area>,
    damage: Damage,
}

impl<W: Write> Screen<W> {
    /// A terminal with so many colours.
    pub fn new(out: W, depth: Depth) -> Self {
        Screen { inner: CrosstermBackend::new(out), depth, images: Vec::new(), damage: Damage::None }
    }

    /// From now on images are in these areas.
    pub fn watch(&mut self, images: Vec<Area>) {
        self.images = images;
        self.damage = Damage::None;
    }

    /// What became of them since.
    pub fn damage(&self) -> Damage {
        self.damage
    }
}

/// The code of one of the sixteen, counted from 0 for what text is drawn in.
fn code(colour: Color) -> Option<u8> {
    match place(colour)? {
        dark @ 0..8 => Some(dark),
        light @ 8..16 => Some(light + 52),
        _ => None,
    }
}

impl<W: Write> Backend for Screen<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let Screen { images, damage, .. } = self;
        let content = content.inspect(|(x, y, _)| {
            if images.iter().any(|area| area.holds(*x, *y)) {
                *damage = Damage::Written.max(*damage);
            }
        });
        if self.depth != Depth::Sixteen {
            return self.inner.draw(content);
        }
        // Each stretch of one colour is drawn as if it had none, after its codes; crossterm ends it with a reset.
        let mut content = content.peekable();
        while let Some((_, _, first)) = content.peek() {
            let (fg, bg) = (first.fg, first.bg);
            let mut plain: Vec<(u16, u16, Cell)> = Vec::new();
            while let Some((x, y, cell)) = content.next_if(|(_, _, cell)| (cell.fg, cell.bg) == (fg, bg)) {
                let mut cell = cell.clone();
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
                plain.push((x, y, cell));
            }
            if let Some(code) = code(fg) {
                write!(self.inner, "\x1b[{}m", 30 + code)?;
            }
            if let Some(code) = code(bg) {
                write!(self.inner, "\x1b[{}m", 40 + code)?;
            }
            self.inner.draw(plain.iter().map(|(x, y, cell)| (*x, *y, cell)))?;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.damage = Damage::Cleared;
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.damage = Damage::Cleared;
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Modifier, Style};

    fn drawn(depth: Depth) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "ab", Style::new().fg(Color::Red));
        buffer.set_string(2, 0, "c", Style::new().fg(Color::LightBlue).bg(Color::Black));
        buffer.set_string(3, 0, "d", Style::new().add_modifier(Modifier::BOLD));
        let mut out = Vec::new();
        let cells = buffer.content.iter().zip(0..).map(|(cell, x)| (x, 0, cell));
        Screen::new(&mut out, depth).draw(cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sixteen_colours_are_asked_for_as_such_terminals_know_them() {
        let text = drawn(Depth::Sixteen);
        assert!(!text.contains("38;5") && !text.contains("48;5"), "{text:?}");
        assert!(text.contains("\x1b[31m\x1b[1;1Hab\x1b[39m"), "{text:?}");
        assert!(text.contains("\x1b[94m\x1b[40m\x1b[1;3Hc"), "{text:?}");
        let mut screen = vt100::Parser::new(1.try_into().unwrap(), 6.try_into().unwrap(), 0);
        screen.process(text.as_bytes());
        let cell = |x| screen.screen().cell(0, x).unwrap();
        assert_eq!(cell(1).fgcolor(), vt100::Color::Idx(1));
        assert_eq!((cell(2).fgcolor(), cell(2).bgcolor()), (vt100::Color::Idx(12), vt100::Color::Idx(0)));
        assert_eq!((cell(3).fgcolor(), cell(3).bold()), (vt100::Color::Default, true));
        assert!(drawn(Depth::Indexed).contains("38;5;1"));
    }
}
