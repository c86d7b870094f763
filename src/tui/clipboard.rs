//! Copying: by the terminal itself (OSC 52, which works over SSH and in tmux), and by the system's own tools.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::value::view::base64;

/// Terminals drop longer copies, some without a word.
pub const MOST: usize = 74_000;

/// Copies a text; says what may have to be done for it to arrive.
pub fn copy(text: &str, var: &dyn Fn(&str) -> Option<String>) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(sequence(text, var).as_bytes())?;
    out.flush()?;
    // Over SSH the tools would copy on the wrong machine.
    if var("SSH_TTY").is_none() && var("SSH_CONNECTION").is_none() {
        for (set, tool, args) in TOOLS {
            if set.is_none_or(|name| var(name).is_some()) && pipe(tool, args, text).is_ok() {
                break;
            }
        }
    }
    Ok(())
}

/// Which variable must be set, the tool, its arguments.
const TOOLS: [(Option<&str>, &str, &[&str]); 4] = [
    (Some("WAYLAND_DISPLAY"), "wl-copy", &[]),
    (Some("DISPLAY"), "xclip", &["-selection", "clipboard"]),
    (Some("DISPLAY"), "xsel", &["--clipboard", "--input"]),
    (None, "pbcopy", &[]),
];

fn pipe(tool: &str, args: &[&str], text: &str) -> io::Result<()> {
    let mut child = Command::new(tool)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    // Such tools go on in the background to serve the copy; their first process ends at once.
    std::thread::spawn(move || {
        let _ = child.wait();
    });
    Ok(())
}

/// The escape sequence. Multiplexers hand on what is wrapped for them; tmux also understands it bare.
fn sequence(text: &str, var: &dyn Fn(&str) -> Option<String>) -> String {
    let bare = format!("\x1b]52;c;{}\x07", base64(text.as_bytes()));
    if var("TMUX").is_some() {
        format!("{bare}\x1bPtmux;{}\x1b\\", bare.replace('\x1b', "\x1b\x1b"))
    } else if var("TERM").is_some_and(|term| term.starts_with("screen")) {
        format!("\x1bP{bare}\x1b\\")
    } else {
        bare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplexers_get_it_wrapped() {
        let with = |name: &'static str, value: &'static str| {
            sequence("f", &move |asked: &str| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(with("X", ""), "\x1b]52;c;Zg==\x07");
        assert!(with("TMUX", "x").ends_with("\x1bPtmux;\x1b\x1b]52;c;Zg==\x07\x1b\\"));
        assert_eq!(with("TERM", "screen-256color"), "\x1bP\x1b]52;c;Zg==\x07\x1b\\");
    }
}
