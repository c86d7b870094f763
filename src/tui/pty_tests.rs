//! The loop in a terminal of its own when something panics: this test binary once more, with one ignored test.

use std::io::{Read, Write};
use std::sync::Arc;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::app::script::agent;
use crate::model::RunStatus;

use super::fake::Fake;
use super::{Options, run};

/// The workbench on a terminal, as `main` has it.
fn workbench(change: impl FnOnce(&mut Fake)) {
    let mut fake = Fake::new(vec![agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    change(&mut fake);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(run(Arc::new(fake), Options::default())).unwrap();
}

#[test]
#[ignore = "runs in the terminal that a test below makes"]
fn the_loop_panics() {
    workbench(|fake| fake.judge_panics = true);
}

#[test]
#[ignore = "runs in the terminal that a test below makes"]
fn a_thread_panics() {
    // When the test says that the screen was drawn.
    std::thread::spawn(|| {
        let path = std::env::var_os("TLB_WHEN").unwrap();
        while !std::path::Path::new(&path).exists() {
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
        panic!("a bug on a thread");
    });
    workbench(|_| ());
}

#[test]
#[ignore = "runs in the terminal that a test below makes"]
fn the_project_is_large() {
    workbench(|fake| fake.reads_until = std::env::var_os("TLB_WHEN").map(Into::into));
}

/// What a terminal shows while a test runs in it, step by step.
struct Terminal {
    screen: vt100::Parser,
    output: Box<dyn Read + Send>,
    master: Box<dyn portable_pty::MasterPty + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
}

impl Terminal {
    fn with(test: &str, when: &std::path::Path) -> Terminal {
        let size = PtySize { rows: 30, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("tui::pty_tests::{test}"), "--ignored", "--nocapture"]);
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        command.env("TLB_WHEN", when);
        let child = pair.slave.spawn_command(command).unwrap();
        let output = pair.master.try_clone_reader().unwrap();
        let screen = vt100::Parser::new(30.try_into().unwrap(), 120.try_into().unwrap(), 0);
        // Its other end is the child's alone, so that the output ends with it.
        Terminal { screen, output, master: pair.master, child }
    }

    /// Reads on until the screen is like this.
    fn wait(&mut self, reason: &str, like: impl Fn(&vt100::Screen) -> bool) {
        let mut bytes = [0; 16 * 1024];
        while !like(self.screen.screen()) {
            // The end of the output is an error or nothing; a test that hangs is ended by its runner.
            let n = self.output.read(&mut bytes).unwrap_or(0);
            assert_ne!(n, 0, "the terminal closed before {reason}:\n{}", self.screen.screen().contents());
            self.screen.process(&bytes[..n]);
        }
    }

    /// Reads to the end, and says whether the test succeeded.
    fn ends(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        while let Ok(n @ 1..) = self.output.read(&mut bytes) {
            self.screen.process(&bytes[..n]);
        }
        self.child.wait().unwrap().success()
    }

    fn given_back(&self) {
        let screen = self.screen.screen();
        assert!(!screen.hide_cursor() && !screen.bracketed_paste(), "{}", screen.contents());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        let modes = self.master.get_termios().unwrap().local_flags.bits();
        let wanted = nix::libc::ECHO | nix::libc::ICANON | nix::libc::ISIG;
        assert_eq!(modes & wanted, wanted);
    }
}

#[test]
fn a_panic_of_the_loop_gives_the_terminal_back_before_it_is_told() {
    let mut terminal = Terminal::with("the_loop_panics", std::path::Path::new("/nowhere"));
    terminal.wait("the workbench to take the terminal", vt100::Screen::alternate_screen);
    terminal.wait("the message", |screen| {
        !screen.alternate_screen() && screen.contents().contains("a bug in the judge")
    });
    assert!(!terminal.ends());
    terminal.given_back();
}

#[test]
fn runs_can_be_looked_at_while_the_project_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let when = folder.path().join("when");
    let mut terminal = Terminal::with("the_project_is_large", &when);
    terminal.wait("the run's calls", |screen| screen.contents().contains("call_llm#1"));
    let mut keys = terminal.master.take_writer().unwrap();
    keys.write_all(b"r").unwrap();
    terminal.wait("the reason", |screen| screen.contents().contains("The project is still read."));
    std::fs::write(&when, "").unwrap();
    keys.write_all(b"q").unwrap();
    assert!(terminal.ends());
}

#[test]
fn after_a_panic_elsewhere_the_workbench_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let when = folder.path().join("when");
    let mut terminal = Terminal::with("a_thread_panics", &when);
    terminal.wait("the workbench", |screen| screen.contents().contains("call_llm#1"));
    std::fs::write(&when, "").unwrap();
    // No key is pressed: it takes the terminal again by itself.
    terminal.wait("the sentence", |screen| {
        screen.alternate_screen()
            && screen.contents().contains("has panicked; what it said stands in the shell")
    });
    terminal.master.take_writer().unwrap().write_all(b"q").unwrap();
    terminal.wait("the message", |screen| {
        !screen.alternate_screen() && screen.contents().contains("a bug on a thread")
    });
    assert!(terminal.ends());
    terminal.given_back();
}
