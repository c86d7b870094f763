//! How many colours a terminal has, and the nearest one that it has.

use ratatui::style::{Color, Style};

/// The colours of a terminal, the fewest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Depth {
    /// None.
    None,
    /// Its palette of sixteen.
    Sixteen,
    /// The palette of 256.
    Indexed,
    /// Any.
    #[default]
    True,
}

impl Depth {
    /// What the environment says: `NO_COLOR`, `TL_BENCH_COLORS`, `COLORTERM`, `TERM`.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        if var("NO_COLOR").is_some() {
            return Depth::None;
        }
        match var("TL_BENCH_COLORS").as_deref() {
            Some("none") => return Depth::None,
            Some("16") => return Depth::Sixteen,
            Some("256") => return Depth::Indexed,
            Some("true") => return Depth::True,
            _ => {}
        }
        let term = var("TERM").unwrap_or_default();
        if term == "dumb" {
            Depth::None
        } else if var("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit")
            || term.ends_with("-direct")
        {
            Depth::True
        } else if term.contains("256color") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        }
    }

    /// The style with the nearest colours that there are.
    pub fn style(self, style: Style) -> Style {
        Style {
            fg: style.fg.and_then(|colour| self.nearest(colour)),
            bg: style.bg.and_then(|colour| self.nearest(colour)),
            ..style
        }
    }

    fn nearest(self, colour: Color) -> Option<Color> {
        match (self, colour) {
            (Depth::None, _) => None,
            (Depth::Indexed, Color::Rgb(r, g, b)) => Some(Color::Indexed(indexed((r, g, b)))),
            (Depth::Sixteen, Color::Rgb(r, g, b)) => Some(sixteen((r, g, b))),
            (Depth::Sixteen, Color::Indexed(index)) if index >= 16 => Some(sixteen(rgb(index))),
            (_, other) => Some(other),
        }
    }
}

/// The place in the palette of 256 of a colour that has one; the first sixteen are those with names.
pub fn place(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(index) => index,
        Color::Reset | Color::Rgb(..) => return None,
    })
}

type Rgb = (u8, u8, u8);

/// The steps of the colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn distance(a: Rgb, b: Rgb) -> u32 {
    let part = |a: u8, b: u8, weight: u32| u32::from(a.abs_diff(b)).pow(2) * weight;
    // The eye sees green best and blue least.
    part(a.0, b.0, 3) + part(a.1, b.1, 6) + part(a.2, b.2, 1)
}

/// The colour of a place in the palette of 256, from 16 on.
pub(super) fn rgb(index: u8) -> Rgb {
    match index {
        232.. => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
        _ => {
            let at = index.saturating_sub(16);
            let step = |n: u8| CUBE[usize::from(n % 6)];
            (step(at / 36), step(at / 6), step(at))
        }
    }
}

fn indexed(colour: Rgb) -> u8 {
    (16..=255u8).min_by_key(|index| distance(rgb(*index), colour)).unwrap_or(15)
}

/// What the sixteen look like in most palettes.
const SIXTEEN: [(Color, Rgb); 15] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (190, 30, 30)),
    (Color::Green, (30, 150, 50)),
    (Color::Yellow, (190, 140, 20)),
    (Color::Blue, (50, 90, 210)),
    (Color::Magenta, (150, 70, 190)),
    (Color::Cyan, (20, 150, 170)),
    (Color::Gray, (190, 190, 190)),
    (Color::DarkGray, (115, 115, 115)),
    (Color::LightRed, (250, 110, 110)),
    (Color::LightGreen, (120, 220, 130)),
    (Color::LightYellow, (245, 220, 100)),
    (Color::LightBlue, (120, 160, 255)),
    (Color::LightMagenta, (220, 150, 250)),
    (Color::LightCyan, (110, 225, 240)),
];

fn sixteen(colour: Rgb) -> Color {
    SIXTEEN.iter().min_by_key(|(_, known)| distance(*known, colour)).map_or(Color::White, |(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pairs: &[(&str, &str)]) -> Depth {
        Depth::detect(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_decides() {
        assert_eq!(depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::None);
        assert_eq!(depth(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("TL_BENCH_COLORS", "16")]), Depth::Sixteen);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Sixteen);
        assert_eq!(depth(&[("TERM", "dumb")]), Depth::None);
    }

    #[test]
    fn colours_go_down_the_ladder() {
        let red = Style::new().fg(Color::Rgb(240, 120, 122));
        assert_eq!(Depth::True.style(red).fg, Some(Color::Rgb(240, 120, 122)));
        assert_eq!(Depth::Indexed.style(red).fg, Some(Color::Indexed(210)));
        assert_eq!(Depth::Sixteen.style(red).fg, Some(Color::LightRed));
        assert_eq!(Depth::None.style(red).fg, None);
        assert_eq!(Depth::Sixteen.style(Style::new().fg(Color::Green)).fg, Some(Color::Green));
    }
}
