//! Images as the terminal itself draws them, over the half cells that stand for them otherwise.
//!
//! Drawing says where images are; here they are put on the terminal after its cells, by kitty's graphics protocol or as
//! sixels. Below each one stay the cells of [`crate::app::picture`]: what covers an image (a list, a form) takes it away
//! as a whole, and the cells show.
//!
//! Which protocol there is, the terminal is asked when the first image is to be shown, and its answer is read among the
//! keys whenever it comes ([`answers`]): nothing waits for it. Multiplexers are not asked, as they would answer for
//! themselves and keep images of their own.
//!
//! Invariant: what is written is made here of numbers and of pixels that were decoded; no byte of a value is in it.

pub mod answers;
mod kitty;
mod sixel;

use std::io::{self, Write};

use crate::app::layout::Area;
use crate::app::settings::Images;
use crate::ui::Placed;

/// How a terminal draws images.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    Kitty,
    Sixel,
}

/// What became of the screen since images were put on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Damage {
    /// Nothing that concerns them.
    #[default]
    None,
    /// Cells below them were written.
    Written,
    /// All of it was cleared.
    Cleared,
}

/// The size of a cell in pixels where the terminal does not tell: that of the terminal that brought sixels.
const CELL: (u16, u16) = (10, 20);

/// Terminals that draw sixels and not kitty's images, by what they call themselves.
const SIXELS: [&str; 7] = ["foot", "mlterm", "contour", "mintty", "WezTerm", "iTerm2", "Konsole"];

/// The images on the terminal.
#[derive(Debug, Default)]
pub struct Graphics {
    /// What the terminal said.
    told: Option<Protocol>,
    /// What counts: that, or what the settings say.
    protocol: Option<Protocol>,
    asked: bool,
    /// What is on the screen was drawn in another way.
    changed: bool,
    shown: Vec<(u32, Placed)>,
    last: u32,
}

impl Graphics {
    /// Takes the settings up; gives what the terminal is to be asked, once and only when there is something to show.
    pub fn choose(
        &mut self,
        images: Images,
        wanted: &[Placed],
        var: &dyn Fn(&str) -> Option<String>,
    ) -> Option<&'static str> {
        let protocol = match images {
            Images::Auto => self.told,
            Images::Kitty => Some(Protocol::Kitty),
            Images::Sixel => Some(Protocol::Sixel),
            Images::Blocks => None,
        };
        if protocol != self.protocol {
            self.protocol = protocol;
            self.changed = !self.shown.is_empty();
        }
        let ask = images == Images::Auto && !self.asked && !wanted.is_empty() && can_be_asked(var);
        self.asked |= ask;
        ask.then_some(answers::QUESTION)
    }

    /// Takes an answer of the terminal; says whether images are drawn in another way from now on.
    pub fn answered(&mut self, answer: &str) -> bool {
        let before = self.told;
        if answer.starts_with("Gi=31;OK") {
            self.told = Some(Protocol::Kitty);
        } else if let Some(name) = answer.strip_prefix(">|")
            && SIXELS.iter().any(|known| name.starts_with(known))
        {
            self.told = self.told.or(Some(Protocol::Sixel));
        }
        self.told != before
    }

    /// Whether only clearing the screen takes away what must go: sixels are part of it, and so is everything that was
    /// drawn by a protocol that is not used any more.
    pub fn must_clear(&self, wanted: &[Placed]) -> bool {
        let gone = |shown: &Placed| !wanted.iter().any(|placed| placed.same(shown));
        let sixels = self.protocol == Some(Protocol::Sixel);
        self.changed || sixels && self.shown.iter().any(|(_, shown)| gone(shown))
    }

    /// The screen was cleared, or is another one.
    pub fn forget(&mut self) {
        self.shown.clear();
        self.changed = false;
    }

    /// Where images are, so that what is written there is noticed.
    pub fn areas(&self) -> Vec<Area> {
        self.shown.iter().map(|(_, placed)| placed.area).collect()
    }

    /// Shows these images and no others; the cursor stays where it is.
    pub fn show(
        &mut self,
        wanted: &[Placed],
        damage: Damage,
        cell: Option<(u16, u16)>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Some(protocol) = self.protocol else { return Ok(()) };
        let mut before = std::mem::take(&mut self.shown);
        for placed in wanted {
            let known =
                before.iter().position(|(_, old)| std::sync::Arc::ptr_eq(&old.picture, &placed.picture));
            let known = known.map(|at| before.remove(at));
            let there = known.as_ref().is_some_and(|(_, old)| old.same(placed));
            let id = known.as_ref().map_or_else(|| self.next(), |(id, _)| *id);
            match protocol {
                Protocol::Kitty => {
                    if known.is_none() {
                        kitty::send(out, id, &placed.picture)?;
                    }
                    if !there {
                        kitty::place(out, id, placed)?;
                    }
                }
                Protocol::Sixel if there && damage == Damage::None => {}
                Protocol::Sixel => sixel::draw(out, placed, cell.unwrap_or(CELL))?,
            }
            self.shown.push((id, placed.clone()));
        }
        if protocol == Protocol::Kitty {
            for (id, _) in before {
                kitty::delete(out, id)?;
            }
        }
        out.flush()
    }

    fn next(&mut self) -> u32 {
        // Numbers that other programs in this terminal are not likely to use.
        self.last = self.last % 0xffff + 1;
        0x746c_0000 + self.last
    }
}

/// Whether the question does no harm: some terminals print what they do not understand.
fn can_be_asked(var: &dyn Fn(&str) -> Option<String>) -> bool {
    let term = var("TERM").unwrap_or_default();
    let multiplexed = var("TMUX").is_some() || var("STY").is_some();
    let prints = var("TERM_PROGRAM").is_some_and(|name| name == "Apple_Terminal") || term == "linux";
    !multiplexed && !prints && !["screen", "tmux"].iter().any(|name| term.starts_with(name))
}

/// Moves the cursor to an area for what is written, and back again.
fn at(out: &mut impl Write, area: Area, bytes: &[u8]) -> io::Result<()> {
    write!(out, "\x1b7\x1b[{};{}H", area.y + 1, area.x + 1)?;
    out.write_all(bytes)?;
    out.write_all(b"\x1b8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::msg::Picture;
    use std::sync::Arc;

    pub(super) fn placed(y: u16, rows: u16, skip: u16) -> Placed {
        let picture = Arc::new(Picture { width: 4, pixels: vec![[200, 10, 10]; 16] });
        Placed { area: Area { x: 3, y, w: 8, h: rows - skip }, picture, rows, skip }
    }

    fn shown(graphics: &mut Graphics, wanted: &[Placed], damage: Damage) -> String {
        let mut out = Vec::new();
        graphics.show(wanted, damage, Some((8, 16)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn with(images: Images) -> Graphics {
        let mut graphics = Graphics::default();
        assert_eq!(graphics.choose(images, &[], &|_| None), None);
        graphics
    }

    #[test]
    fn a_terminal_is_asked_once_and_only_when_there_is_something_to_show() {
        let mut graphics = Graphics::default();
        let some = [placed(2, 2, 0)];
        assert_eq!(graphics.choose(Images::Auto, &[], &|_| None), None);
        assert_eq!(graphics.choose(Images::Blocks, &some, &|_| None), None);
        assert_eq!(graphics.choose(Images::Auto, &some, &|_| None), Some(answers::QUESTION));
        assert_eq!(graphics.choose(Images::Auto, &some, &|_| None), None);
        assert_eq!(shown(&mut graphics, &some, Damage::None), "", "no answer yet");
        for (name, value) in [("TMUX", "x"), ("TERM", "screen-256color"), ("TERM_PROGRAM", "Apple_Terminal")]
        {
            let var = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(Graphics::default().choose(Images::Auto, &some, &var), None, "{name}");
        }
    }

    #[test]
    fn answers_decide_and_kitty_comes_first() {
        let told = |answers: &[&str]| {
            let mut graphics = Graphics::default();
            let _ = answers.iter().map(|answer| graphics.answered(answer)).collect::<Vec<_>>();
            graphics.told
        };
        assert_eq!(told(&["Gi=31;OK", ">|WezTerm 2024"]), Some(Protocol::Kitty));
        assert_eq!(told(&[">|foot(1.16.2)"]), Some(Protocol::Sixel));
        assert_eq!(told(&["Gi=31;ENOTSUPPORTED", ">|XTerm(390)"]), None);
    }

    #[test]
    fn kitty_sends_once_moves_and_deletes() {
        let mut graphics = with(Images::Kitty);
        let first = placed(2, 4, 0);
        let bytes = shown(&mut graphics, std::slice::from_ref(&first), Damage::None);
        assert!(
            bytes.contains("\x1b_Ga=t,f=100,i=1953234945,q=2,m=0;") && bytes.contains("\x1b[3;4H"),
            "{bytes:?}"
        );
        assert_eq!(
            shown(&mut graphics, std::slice::from_ref(&first), Damage::Written),
            "",
            "a layer of its own"
        );
        let mut moved = first.clone();
        (moved.area.y, moved.area.h, moved.skip) = (1, 3, 1);
        let bytes = shown(&mut graphics, &[moved], Damage::None);
        assert!(!bytes.contains("a=t") && bytes.contains("x=0,y=1,w=4,h=3"), "{bytes:?}");
        assert!(!graphics.must_clear(&[]));
        assert_eq!(shown(&mut graphics, &[], Damage::None), "\x1b_Ga=d,d=I,i=1953234945,q=2\x1b\\");
        shown(&mut graphics, std::slice::from_ref(&first), Damage::None);
        graphics.forget();
        assert!(shown(&mut graphics, &[first], Damage::Cleared).contains("a=t"), "sent anew");
    }

    #[test]
    fn sixels_are_drawn_again_when_they_were_written_over() {
        let mut graphics = with(Images::Sixel);
        let one = placed(2, 4, 0);
        let bytes = shown(&mut graphics, std::slice::from_ref(&one), Damage::None);
        assert!(bytes.starts_with("\x1b7\x1b[3;4H\x1bP0;1;0q\"1;1;64;64"), "{bytes:?}");
        assert_eq!(shown(&mut graphics, std::slice::from_ref(&one), Damage::None), "");
        assert_eq!(graphics.areas(), [one.area]);
        assert!(shown(&mut graphics, std::slice::from_ref(&one), Damage::Written).contains("\x1bP0;1;0q"));
        assert!(!graphics.must_clear(std::slice::from_ref(&one)) && graphics.must_clear(&[placed(2, 4, 0)]));
        graphics.choose(Images::Blocks, &[], &|_| None);
        assert!(graphics.must_clear(&[one]), "another way of drawing");
    }
}
