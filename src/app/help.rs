//! The help's text, made of the command table.

use crate::base::text;

use super::command::{self, COMMANDS, Scope};
use super::state::AppState;
use super::tone::{Line, Tone};

/// Columns of the help's text on a screen of this width.
pub fn width(screen: u16) -> u16 {
    screen.saturating_sub(6).min(100)
}

/// Every command under its scope, and why it cannot be used now.
pub fn lines(state: &AppState, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for scope in Scope::ALL {
        if !out.is_empty() {
            out.push(Line::new());
        }
        out.push(vec![(Tone::Title, scope.title().to_owned())]);
        for command in COMMANDS.iter().filter(|command| command.scope == scope) {
            let keys = format!("{:<18}", command::key_names(command));
            let (tone, doc) = match (command.enabled)(state) {
                Ok(()) => (Tone::Text, command.doc.to_owned()),
                Err(why) => (Tone::Faint, format!("{} (Now: {why})", command.doc)),
            };
            // The sentence goes on in the next lines, below itself.
            let room = width.saturating_sub(19).max(8);
            let mut line = String::new();
            let mut lead = Some(keys);
            for word in doc.split(' ') {
                if !line.is_empty() && text::width(&line) + 1 + text::width(word) > room {
                    let key = lead.take().unwrap_or_else(|| " ".repeat(18));
                    out.push(vec![(Tone::Key, key), (tone, format!(" {line}"))]);
                    line.clear();
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            let key = lead.take().unwrap_or_else(|| " ".repeat(18));
            out.push(vec![(Tone::Key, key), (tone, format!(" {line}"))]);
        }
    }
    out
}
