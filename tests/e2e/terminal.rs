//! A terminal of some size with the binary, or a shell, in it.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::project::Project;
use crate::wait::{self, BOUND};

struct Shown {
    parser: vt100::Parser,
    /// Everything that came.
    bytes: Vec<u8>,
    closed: bool,
}

/// A terminal as its user sees it.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    /// When the process was started.
    pub since: Instant,
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// The binary in a project, in a terminal of this many columns and rows.
    pub fn bench(project: &Project, size: (u16, u16), args: &[&str]) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tl-bench"));
        command.args(args);
        Terminal::new(project, size, command)
    }

    /// A shell with job control. It edits no lines, so that it leaves the terminal's modes alone.
    pub fn shell(project: &Project, size: (u16, u16)) -> Terminal {
        let mut command = CommandBuilder::new("bash");
        command.args(["--norc", "--noprofile", "--noediting", "-i"]);
        command.env("PS1", "shell> ");
        Terminal::new(project, size, command)
    }

    fn new(project: &Project, size: (u16, u16), command: CommandBuilder) -> Terminal {
        let pair = native_pty_system().openpty(pty_size(size)).unwrap();
        let prompt = command.get_env("PS1").map(|value| value.to_owned());
        let mut command = command;
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in project.environment() {
            command.env(name, value);
        }
        if let Some(prompt) = prompt {
            command.env("PS1", prompt);
        }
        command.cwd(project.path(""));
        let since = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let parser = vt100::Parser::new(size.1.try_into().unwrap(), size.0.try_into().unwrap(), 0);
        let shown =
            Arc::new((Mutex::new(Shown { parser, bytes: Vec::new(), closed: false }), Condvar::new()));
        let (keys, screen) = (pair.master.take_writer().unwrap(), shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            loop {
                let n = output.read(&mut bytes).unwrap_or(0);
                // A test that failed leaves a poisoned lock; its message is the other one.
                let Ok(mut shown) = screen.0.lock() else { return };
                shown.parser.process(&bytes[..n]);
                shown.bytes.extend_from_slice(&bytes[..n]);
                shown.closed |= n == 0;
                screen.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Terminal { master: pair.master, keys, child, shown, since }
    }

    /// Types.
    pub fn keys(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen is like this; shows it when that does not happen.
    pub fn wait(&self, reason: &str, like: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + BOUND;
        let mut shown = self.shown.0.lock().unwrap();
        while !like(shown.parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            let text = || shown.parser.screen().contents();
            assert!(!shown.closed, "the terminal closed before {reason}:\n{}", text());
            assert!(!left.is_zero(), "waited {BOUND:?} for {reason}:\n{}", text());
            shown = self.shown.1.wait_timeout(shown, left).unwrap().0;
        }
    }

    /// Waits until all of this is on the screen, and says how long after the start that was.
    pub fn sees(&self, reason: &str, texts: &[&str]) -> Duration {
        self.wait(&format!("{reason} ({texts:?})"), |screen| {
            let all = screen.contents();
            texts.iter().all(|text| all.contains(text))
        });
        self.since.elapsed()
    }

    /// Waits until this is not on the screen any more.
    pub fn misses(&self, reason: &str, text: &str) {
        self.wait(reason, |screen| !screen.contents().contains(text));
    }

    /// Everything that was written to the terminal so far, escape sequences included.
    pub fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.shown.0.lock().unwrap().bytes).into_owned()
    }

    /// Waits until this was written to the terminal, whatever it shows.
    pub fn gets(&self, reason: &str, bytes: &str) {
        wait::until(reason, BOUND, || self.bytes().contains(bytes).then_some(()));
    }

    /// Reports what the mouse does, as a terminal does: a button (0 left, 64 and 65 the wheel, 32 more while it is held),
    /// a cell counted from 0, and whether it is pressed.
    pub fn mouse(&mut self, button: u8, (x, y): (u16, u16), down: bool) {
        let end = if down { 'M' } else { 'm' };
        self.keys(&format!("\x1b[<{button};{};{}{end}", x + 1, y + 1));
    }

    /// Where a text stands first on the screen.
    pub fn find(&self, text: &str) -> (u16, u16) {
        let all = self.text();
        let found = all.lines().zip(0..).find_map(|(line, y)| {
            let x = line.find(text).map(|at| line[..at].chars().count())?;
            Some((u16::try_from(x).unwrap(), y))
        });
        found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{all}"))
    }

    /// The screen's text.
    pub fn text(&self) -> String {
        self.shown.0.lock().unwrap().parser.screen().contents()
    }

    /// Changes the size of the window.
    pub fn resize(&self, size: (u16, u16)) {
        let mut shown = self.shown.0.lock().unwrap();
        let (rows, cols) = (size.1.try_into().unwrap(), size.0.try_into().unwrap());
        shown.parser.screen_mut().set_size(rows, cols);
        drop(shown);
        self.master.resize(pty_size(size)).unwrap();
    }

    /// The process's number.
    pub fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap())
    }

    /// Waits for the process's end; its exit code.
    pub fn end(&mut self) -> u32 {
        let status = wait::until("the process to end", BOUND, || self.child.try_wait().unwrap());
        assert_eq!(status.signal(), None, "{}", self.text());
        status.exit_code()
    }

    /// Kills the process and waits until it is dead.
    pub fn killed(&mut self) {
        nix::sys::signal::kill(self.pid(), nix::sys::signal::Signal::SIGKILL).unwrap();
        wait::until("the process to die", BOUND, || self.child.try_wait().unwrap());
    }

    /// Waits until the terminal is as it was before the workbench: ordinary screen, cursor, modes, line discipline.
    pub fn given_back(&self) {
        self.wait("the terminal to be given back", |screen| {
            let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste() && !mouse
        });
        let modes = self.master.get_termios().unwrap().local_flags.bits();
        for (name, flag) in
            [("echo", nix::libc::ECHO), ("lines", nix::libc::ICANON), ("signals", nix::libc::ISIG)]
        {
            assert_ne!(modes & flag, 0, "{name} are not as they were");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
