//! The binary in a terminal: what is on its screen and when, what it holds, how often it wakes up.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tl_bench::base::clock::{Clock, Micros, SystemClock};

/// Longer than anything here takes.
const BOUND: Duration = Duration::from_secs(60);

struct Shown {
    parser: vt100::Parser,
    /// What the first line said, and when.
    heads: Vec<(Micros, String)>,
}

/// A terminal with the workbench in it.
pub struct Screen {
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    since: Instant,
}

impl Screen {
    /// Opens the workbench in a project.
    pub fn open(project: &Path, (cols, rows): (u16, u16)) -> Screen {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tl-bench"));
        command.cwd(project);
        command.env("TERM", "xterm-256color");
        let since = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let parser = vt100::Parser::new(rows.try_into().unwrap(), cols.try_into().unwrap(), 0);
        let shown = Shown { parser, heads: Vec::new() };
        let shown = Arc::new((Mutex::new(shown), Condvar::new()));
        let (keys, screen) = (pair.master.take_writer().unwrap(), shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 64 * 1024];
            while let Ok(n @ 1..) = output.read(&mut bytes) {
                let now = SystemClock.now();
                let mut shown = screen.0.lock().unwrap();
                shown.parser.process(&bytes[..n]);
                let head = shown.parser.screen().rows(0, cols).next().unwrap_or_default();
                if shown.heads.last().is_none_or(|(_, last)| *last != head) {
                    shown.heads.push((now, head));
                }
                screen.1.notify_all();
            }
        });
        Screen { _master: pair.master, keys, child, shown, since }
    }

    /// Waits for a text; says how long after the start, or after the last keys, it was there.
    pub fn sees(&self, text: &str) -> Duration {
        let mut shown = self.shown.0.lock().unwrap();
        loop {
            let all = shown.parser.screen().contents();
            if all.contains(text) {
                return self.since.elapsed();
            }
            assert!(self.since.elapsed() < BOUND, "waited for {text:?}:\n{all}");
            shown = self.shown.1.wait_timeout(shown, Duration::from_millis(100)).unwrap().0;
        }
    }

    /// Types.
    pub fn keys(&mut self, text: &str) {
        self.since = Instant::now();
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Each first line of the screen, and when it came.
    pub fn heads(&self) -> Vec<(Micros, String)> {
        self.shown.0.lock().unwrap().heads.clone()
    }

    fn process(&self) -> String {
        format!("/proc/{}", self.child.process_id().unwrap())
    }

    /// Resident memory now and at most, in MB.
    pub fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("{}/status", self.process())).unwrap();
        let of = |name: &str| number(&status, name) as f64 / 1024.0;
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// How often its threads woke up or were interrupted so far.
    fn switches(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("{}/task", self.process())).unwrap();
        let of = |task: std::io::Result<std::fs::DirEntry>| {
            let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            number(&status, "\nvoluntary_ctxt_switches:") + number(&status, "nonvoluntary_ctxt_switches:")
        };
        tasks.map(of).sum()
    }

    /// How often it wakes up in so long.
    pub fn wakes(&self, during: Duration) -> u64 {
        let before = self.switches();
        std::thread::sleep(during);
        self.switches() - before
    }

    /// Leaves the workbench.
    pub fn quit(mut self) {
        self.keys("q");
        let end = Instant::now() + BOUND;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn number(status: &str, name: &str) -> u64 {
    let rest = status.split_once(name).map_or("", |(_, rest)| rest);
    rest.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap()
}
