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
