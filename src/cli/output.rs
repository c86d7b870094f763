//! The one place that writes to standard output and standard error.
//!
//! Data goes to standard output, everything else to standard error. A reader that went away (`| head`) ends the
//! process quietly. Text of user code must be sanitised (`base::text`) before it gets here. What was forgotten is caught
//! here: of lines for people only our own colours are obeyed, and documents for programs are escaped for a terminal.

use std::io::{self, IsTerminal, Write};

use crate::base::text;

use super::error::{CliError, Exit};

/// Meanings that text may have; colours only ever say status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Less important.
    Quiet,
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
    /// Wants attention.
    Warn,
    /// A heading.
    Strong,
}

/// Where output goes and how.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    color: bool,
    color_err: bool,
    /// Whether standard error is a terminal.
    pub live: bool,
    /// Standard output is a terminal.
    pub terminal: bool,
}

impl Out {
    /// For this process: colours when the stream is a terminal and `NO_COLOR` is not set.
    pub fn detect() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let allowed = !set("NO_COLOR") && !dumb;
        let forced = set("CLICOLOR_FORCE") && !set("NO_COLOR");
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Out {
            color: forced || (allowed && out),
            color_err: forced || (allowed && err),
            live: err && !dumb,
            terminal: out,
        }
    }

    /// Writes a line to standard output.
    pub fn line(&self, text: &str) {
        write(&format!("{}\n", text::printed(text)));
    }

    /// Writes lines that a program reads: as they are, unless a terminal would obey what is in them.
    pub fn exact(&self, text: &str) {
        if self.terminal { write(&text::lines(text)) } else { write(text) }
    }

    /// Writes the content of a file: as it is, and safe to show on a terminal. False: a terminal cannot show it.
    pub fn content(&self, bytes: &[u8], is_json: bool) -> bool {
        if !self.terminal {
            return self.copy(&mut &*bytes).is_ok();
        }
        match std::str::from_utf8(bytes) {
            Ok(json) if is_json => write(&text::json(json)),
            Ok(content) => write(&text::lines(content)),
            Err(_) => return false,
        }
        true
    }

    /// Writes one of many JSON documents, a line each.
    pub fn record(&self, value: &serde_json::Value) {
        let line = format!("{value}\n");
        if self.terminal { write(&text::json(&line)) } else { write(&line) }
    }

    /// Writes a JSON document to standard output.
    pub fn json(&self, value: &serde_json::Value) {
        if self.terminal {
            // A terminal obeys what a program would only read.
            let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
            write(&text::json(&format!("{pretty}\n")));
        } else {
            write(&format!("{value}\n"));
        }
    }

    /// Writes to standard output all that a reader has; the error is the reader's.
    pub fn copy(&self, from: &mut impl io::Read) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let got = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if let Err(error) = stdout.write_all(&buffer[..got]) {
                gone(&error);
            }
        }
        if let Err(error) = stdout.flush() {
            gone(&error);
        }
        Ok(())
    }

    /// Writes a line to standard error.
    pub fn note(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        let _ = writeln!(stderr, "{}", text::printed(text));
    }

    /// Replaces the live line on standard error; empty text removes it.
    pub fn status(&self, text: &str) {
        if self.live {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[K{}", text::printed(text));
            let _ = stderr.flush();
        }
    }

    /// Text with a tone, for standard output.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.color, tone, text)
    }

    /// Whether standard output has colours.
    pub fn has_colors(&self) -> bool {
        self.color
    }

    /// Text with a tone, for standard error.
    pub fn paint_note(&self, tone: Tone, text: &str) -> String {
        paint(self.color_err, tone, text)
    }

    /// Reports an error.
    pub fn error(&self, error: &CliError) {
        let message = text::lines(&error.message);
        self.note(&format!("{} {message}", self.paint_note(Tone::Bad, "error:")));
        for hint in &error.hints {
            let hint = text::lines(hint);
            self.note(&format!("{} {hint}", self.paint_note(Tone::Quiet, "hint:")));
        }
    }
}

fn paint(color: bool, tone: Tone, text: &str) -> String {
    let code = match tone {
        _ if !color => return text.to_owned(),
        Tone::Plain => return text.to_owned(),
        Tone::Quiet => "2",
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Warn => "33",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Writes to standard output as it is.
fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        gone(&error);
    }
}

/// Standard output cannot be written to: nothing more is wanted, or nothing more can be said.
fn gone(error: &io::Error) -> ! {
    let code = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Success } else { Exit::Environment };
    std::process::exit(code as i32)
}
