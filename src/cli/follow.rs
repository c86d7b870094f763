//! Following a run on standard error: notices as they come, one live line while it goes on.

use super::args::OutputArgs;
use super::launch::is_notice;
use super::output::{Out, Tone};
use crate::base::ids::RunId;
use crate::base::text;
use crate::model::event::Level;
use crate::model::{CallKind, CallStatus, Event, RunHistory};

const SPINNER: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"];

/// A run that is being followed.
pub struct Follow {
    /// What is known of it.
    pub history: RunHistory,
    out: Out,
    quiet: bool,
    turn: usize,
    announced: bool,
}

impl Follow {
    /// Begins.
    pub fn new(id: RunId, out: Out, output: &OutputArgs) -> Self {
        let quiet = Follow::is_silent(output);
        Follow { history: RunHistory::new(id), out, quiet, turn: 0, announced: false }
    }

    /// Whether nothing is said while the run goes on.
    pub fn is_silent(output: &OutputArgs) -> bool {
        output.json || output.events || output.quiet
    }

    /// Takes an event.
    pub fn apply(&mut self, event: &Event) {
        // Who sees nothing needs no tree, which for a large run is large.
        if self.quiet {
            return;
        }
        self.history.apply(event);
        if !self.announced {
            self.announced = true;
            let parent = self.history.parent.as_ref().map(|p| format!(", replay of {p}")).unwrap_or_default();
            let head = format!("run {} of {}{parent}", self.history.id, text::line(&self.history.app));
            self.out.note(&self.out.paint_note(Tone::Strong, &head));
        }
        if let Some((level, sentence)) = is_notice(event) {
            self.out.status("");
            let tone = match level {
                Level::Info => Tone::Quiet,
                Level::Warning => Tone::Warn,
                Level::Error => Tone::Bad,
            };
            self.out.note(&self.out.paint_note(tone, &text::line(sentence)));
        }
    }

    /// Draws the live line.
    pub fn tick(&mut self) {
        if self.quiet || !self.out.live {
            return;
        }
        self.turn += 1;
        let counts = &self.history.counts;
        let running = self
            .history
            .calls
            .iter()
            .rev()
            .find(|call| call.status == CallStatus::Running && call.kind == CallKind::Call);
        let mut parts = vec![SPINNER[self.turn % SPINNER.len()].to_owned()];
        for (n, word) in [
            (counts.cached, "cached"),
            (counts.fresh, "fresh"),
            (counts.failed, "failed"),
            (counts.running, "running"),
            (counts.pending, "pending"),
        ] {
            if n > 0 {
                parts.push(format!("{n} {word}"));
            }
        }
        if let Some(call) = running {
            parts.push(text::line(&crate::model::path::label(&self.history, call)));
        }
        self.out.status(&text::fit(&parts.join("  "), 100));
    }

    /// Removes the live line.
    pub fn done(&self) {
        self.out.status("");
    }
}
