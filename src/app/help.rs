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
            // Keys to the left of the sentence, or above it where there is no room.
            let narrow = width < 60;
            let indent = if narrow { 2 } else { 19 };
            if narrow {
                out.push(vec![(Tone::Key, keys.trim_end().to_owned())]);
            }
            for (i, line) in wrapped(&doc, width.saturating_sub(indent).max(8)).into_iter().enumerate() {
                let lead = if i == 0 && !narrow { format!("{keys} ") } else { " ".repeat(indent) };
                out.push(vec![(Tone::Key, lead), (tone, line)]);
            }
        }
    }
    out
}

fn wrapped(sentence: &str, room: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = String::new();
    for word in sentence.split(' ') {
        if !line.is_empty() && text::width(&line) + 1 + text::width(word) > room {
            out.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push(line);
    out
}
