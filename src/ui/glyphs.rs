//! Signs, each one column wide, with an ASCII form for terminals and fonts that lack them.

use crate::base::clock::Micros;
use crate::model::{CallStatus, RunStatus};

/// Which set of signs is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Glyphs {
    /// Geometric shapes and box drawing.
    #[default]
    Unicode,
    /// Nothing beyond ASCII.
    Ascii,
}

const SPIN: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"];
const SPIN_ASCII: [&str; 4] = ["|", "/", "-", "\\"];

impl Glyphs {
    /// What the environment says: `TL_BENCH_GLYPHS`, else whether the locale and the terminal know more than ASCII.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        match var("TL_BENCH_GLYPHS").as_deref() {
            Some("ascii") => return Glyphs::Ascii,
            Some("unicode") => return Glyphs::Unicode,
            _ => {}
        }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var);
        // No locale at all is what containers have, behind terminals that can.
        let plain = locale.is_some_and(|name| name == "C" || name == "POSIX");
        // Its console has 512 signs, ours not among them.
        let console = var("TERM").is_some_and(|term| term == "linux");
        if plain || console { Glyphs::Ascii } else { Glyphs::Unicode }
    }

    /// One of two forms.
    pub fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// The spinner at this instant; changes eight times a second.
    pub fn spinner(self, now: Micros) -> &'static str {
        let at = now.div_euclid(125_000).rem_euclid(8) as usize;
        match self {
            Glyphs::Unicode => SPIN[at % SPIN.len()],
            Glyphs::Ascii => SPIN_ASCII[at % SPIN_ASCII.len()],
        }
    }

    /// A bar as high as `n` of `most`.
    pub fn height(self, n: u32, most: u32) -> &'static str {
        const UNICODE: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        const ASCII: [&str; 4] = [".", ":", "=", "#"];
        let of = |signs: usize| {
            let share = u64::from(n.min(most)) * signs as u64;
            usize::try_from(share.div_ceil(u64::from(most.max(1)))).unwrap_or(1).clamp(1, signs) - 1
        };
        match self {
            Glyphs::Unicode => UNICODE[of(UNICODE.len())],
            Glyphs::Ascii => ASCII[of(ASCII.len())],
        }
    }

    /// The sign of what waits at the gate.
    pub fn paused(self) -> &'static str {
        self.pick("▶", ">")
    }

    /// The sign of a call's status.
    pub fn status(self, status: CallStatus, now: Micros) -> &'static str {
        match status {
            CallStatus::Cached => self.pick("◇", "="),
            CallStatus::Fresh => self.pick("◆", "+"),
            CallStatus::Failed => self.pick("✗", "x"),
            CallStatus::Edited => self.pick("✎", "~"),
            CallStatus::Running => self.spinner(now),
            CallStatus::Pending => self.pick("·", "."),
            CallStatus::InDoubt => "?",
            CallStatus::Cancelled => self.pick("⊘", "-"),
        }
    }

    /// The sign of a call that an edit makes execute again.
    pub fn again(self) -> &'static str {
        self.pick("↻", "v")
    }

    /// The sign of a run's status.
    pub fn run(self, status: RunStatus, now: Micros) -> &'static str {
        match status {
            RunStatus::Running => self.spinner(now),
            RunStatus::Succeeded => self.pick("✓", "+"),
            RunStatus::Failed => self.pick("✗", "x"),
            RunStatus::Cancelled => self.pick("⊘", "-"),
            RunStatus::Interrupted => "?",
            RunStatus::Mismatch => self.pick("≠", "!"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let glyphs = |pairs: &[(&str, &str)]| {
            Glyphs::detect(|name| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(glyphs(&[]), Glyphs::Unicode);
        assert_eq!(glyphs(&[("LANG", "C.UTF-8"), ("TERM", "xterm")]), Glyphs::Unicode);
        assert_eq!(glyphs(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), Glyphs::Ascii);
        assert_eq!(glyphs(&[("LANG", "C"), ("TL_BENCH_GLYPHS", "unicode")]), Glyphs::Unicode);
        assert_eq!(glyphs(&[("TERM", "linux"), ("LANG", "C.UTF-8")]), Glyphs::Ascii);
        assert_eq!(glyphs(&[("TL_BENCH_GLYPHS", "ascii")]), Glyphs::Ascii);
    }
}
