//! What the tests of the program share: a project made of inline files, and its runs of the real binary.
//!
//! Bodies tell what they did by appending lines to files below `$TRACE`, outside of the project
//! (`from effects import note, healthy`): counts in a report can be wrong, a file that was appended to cannot.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod stepped;

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::Value;

/// The program under test: the one that was built with the tests, or `$TL_BENCH_BIN` (a release build, for long forms).
pub fn program_file() -> PathBuf {
    std::env::var_os("TL_BENCH_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_tl-bench")), PathBuf::from)
}

/// How long one invocation may take before the test fails.
pub const LIMIT: Duration = Duration::from_secs(120);

/// `note(name, text)` appends a line; `healthy()` is false until [`Project::heal`].
const EFFECTS: &str = r#"
import os

TRACE = os.environ["TRACE"]

def note(name, text="x"):
    fd = os.open(os.path.join(TRACE, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, f"{text}\n".encode())
    os.close(fd)

def healthy():
    return os.path.exists(os.path.join(TRACE, "healthy"))

def times(name):
    try:
        with open(os.path.join(TRACE, name)) as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0
"#;

/// What every application of the tests begins with.
pub const HEAD: &str = "from tensorlake.applications import *\nfrom effects import note, healthy, times\n";

/// A project in a temporary folder.
pub struct Project {
    dir: tempfile::TempDir,
    trace: tempfile::TempDir,
}

impl Project {
    /// A project with these files, and `effects.py` beside them.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Project { dir: tempfile::tempdir().unwrap(), trace: tempfile::tempdir().unwrap() };
        project.write("tl-bench.toml", "workers = 3\n");
        project.write("effects.py", EFFECTS);
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    /// A project with one file, `app.py`, that begins with [`HEAD`] (two lines).
    pub fn app(text: &str) -> Self {
        Project::new(&[("app.py", &format!("{HEAD}{text}"))])
    }

    /// The project's folder, without symbolic links.
    pub fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Replaces a piece of `app.py` that must be there.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.dir.path().join("app.py");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "app.py does not contain {from:?}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// 1-based line of `app.py` that contains a text.
    pub fn line_of(&self, needle: &str) -> usize {
        let text = std::fs::read_to_string(self.dir.path().join("app.py")).unwrap();
        text.lines().position(|line| line.contains(needle)).unwrap() + 1
    }

    /// From now on `healthy()` is true.
    pub fn heal(&self) {
        std::fs::write(self.trace.path().join("healthy"), "").unwrap();
    }

    /// From now on `healthy()` is false again.
    pub fn sicken(&self) {
        let _ = std::fs::remove_file(self.trace.path().join("healthy"));
    }

    /// A file below `$TRACE`.
    pub fn trace(&self, name: &str) -> PathBuf {
        self.trace.path().join(name)
    }

    /// The lines that bodies noted under a name.
    pub fn noted(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.trace.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How many there are.
    pub fn times(&self, name: &str) -> usize {
        self.noted(name).len()
    }

    /// Forgets what was noted, but not whether the project is healthy.
    pub fn forget(&self) {
        for entry in std::fs::read_dir(self.trace.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "healthy") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    /// The program in this project, in a process group of its own and an environment without surprises.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.current_dir(self.root()).env("TRACE", self.trace.path());
        command
    }

    /// Runs the program to its end.
    pub fn tl(&self, args: &[&str]) -> Done {
        run(self.command(args))
    }

    /// Runs the program with more in its environment.
    pub fn tl_with(&self, args: &[&str], env: &[(&str, &str)]) -> Done {
        let mut command = self.command(args);
        command.envs(env.iter().copied());
        run(command)
    }

    /// Starts the program.
    pub fn start(&self, args: &[&str]) -> Running {
        start(self.command(args))
    }

    /// `run --json` with more arguments, which must succeed.
    pub fn run_ok(&self, args: &[&str]) -> Value {
        self.tl(&[&["run", "--json"], args].concat()).exits(0).json()
    }

    /// `replay --json` with more arguments, which must succeed.
    pub fn replay_ok(&self, args: &[&str]) -> Value {
        self.tl(&[&["replay", "--json"], args].concat()).exits(0).json()
    }

    /// `show RUN --json`.
    pub fn show(&self, run: &str) -> Value {
        self.tl(&["show", run, "--json"]).exits(0).json()
    }

    /// The calls of a run that have this function.
    pub fn calls(&self, run: &str, function: &str) -> Vec<Value> {
        let shown = self.show(run);
        let calls = shown["calls"].as_array().unwrap();
        let kinds = ["call", "root"];
        calls
            .iter()
            .filter(|call| call["function"] == function && kinds.iter().any(|kind| call["kind"] == *kind))
            .cloned()
            .collect()
    }

    /// The statuses of these calls, in the order in which they were asked for.
    pub fn statuses(&self, run: &str, function: &str) -> Vec<String> {
        self.calls(run, function)
            .iter()
            .map(|call| call["status"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// `doctor` finds nothing.
    pub fn sound(&self) {
        let done = self.tl(&["doctor", "--json"]);
        let report = done.json();
        assert_eq!(report["ok"], true, "doctor: {report:#}");
    }
}

/// The program with nothing of this process's environment that could change what it does.
pub fn program(args: &[&str]) -> Command {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    let mut command = Command::new(program_file());
    command.args(args).stdin(Stdio::null()).process_group(0);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["OPENAI_", "PYTHON", "VIRTUAL_ENV", "TL_BENCH_", "TLB_", "TENSORLAKE_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
        .env("TL_BENCH_CACHE_DIR", &cache)
        .env("TL_BENCH_CONFIG_DIR", cache.join("config"))
        .env("TL_BENCH_STATE_DIR", cache.join("state"))
        .env("NO_COLOR", "1")
        .env("TERM", "dumb");
    command
}

/// Runs a command to its end, which must come within [`LIMIT`].
pub fn run(command: Command) -> Done {
    start(command).wait()
}

/// Starts a command with both outputs read.
pub fn start(mut command: Command) -> Running {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let out = child.stdout.take().map(read).unwrap();
    let err = child.stderr.take().map(read).unwrap();
    let pid = Pid::from_raw(child.id() as i32);
    Running { pid, ended: reaper(child), out, err }
}

type Text = (JoinHandle<()>, std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

fn read(mut from: impl Read + Send + 'static) -> Text {
    let held = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let into = held.clone();
    let thread = std::thread::spawn(move || {
        let mut buffer = vec![0u8; 64 << 10];
        while let Ok(n) = from.read(&mut buffer) {
            if n == 0 {
                break;
            }
            into.lock().unwrap().extend_from_slice(&buffer[..n]);
        }
    });
    (thread, held)
}

fn reaper(mut child: Child) -> Receiver<ExitStatus> {
    let (send, ended) = channel();
    std::thread::spawn(move || {
        let _ = send.send(child.wait().unwrap());
    });
    ended
}

/// A program that runs.
pub struct Running {
    /// Its process, which leads a group of its own.
    pub pid: Pid,
    ended: Receiver<ExitStatus>,
    out: Text,
    err: Text,
}

impl Running {
    /// What it wrote to standard error so far.
    pub fn err_so_far(&self) -> String {
        String::from_utf8_lossy(&self.err.1.lock().unwrap()).into_owned()
    }

    /// What it wrote to standard output so far.
    pub fn out_so_far(&self) -> String {
        String::from_utf8_lossy(&self.out.1.lock().unwrap()).into_owned()
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal).unwrap();
    }

    /// Sends a signal to the program and everything that it started, as a terminal's Ctrl-C does.
    pub fn signal_group(&self, signal: Signal) {
        let _ = killpg(self.pid, signal);
    }

    /// Whether a signal reaches code of the program by now, as far as the system tells.
    pub fn hears(&self, signal: Signal) -> bool {
        let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", self.pid)) else { return true };
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
        let caught = u64::from_str_radix(caught.trim(), 16).expect("a mask of signals");
        caught & (1 << (signal as u32 - 1)) != 0
    }

    /// Whether it has ended, waiting no longer than this.
    pub fn ended_within(&self, limit: Duration) -> Option<ExitStatus> {
        match self.ended.recv_timeout(limit) {
            Ok(status) => Some(status),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the program's end was taken before"),
        }
    }

    /// Waits for its end.
    pub fn wait(self) -> Done {
        let Some(status) = self.ended_within(LIMIT) else {
            self.signal_group(Signal::SIGKILL);
            panic!("the program did not end within {LIMIT:?}; it wrote:\n{}", self.err_so_far());
        };
        self.finish(status)
    }

    /// Takes its output; it has ended with this status.
    pub fn finish(self, status: ExitStatus) -> Done {
        let text = |(thread, held): Text| {
            thread.join().unwrap();
            let bytes = held.lock().unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Done { status, out: text(self.out), err: text(self.err) }
    }
}

/// A program that has ended.
pub struct Done {
    /// How.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Done {
    /// It ended with this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "ended by {:?} (signal {:?})\nstdout: {}\nstderr: {}",
            self.status.code(),
            self.status.signal(),
            self.out,
            self.err
        );
        self
    }

    /// Standard error contains all of these.
    #[track_caller]
    pub fn says(self, pieces: &[&str]) -> Self {
        for piece in pieces {
            assert!(self.err.contains(piece), "{piece:?} is missing from\n{}", self.err);
        }
        self
    }

    /// The JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\nstdout: {}\nstderr: {}", self.out, self.err))
    }
}

/// Waits until a condition holds, and fails with the reason when it does not within 30 s.
#[track_caller]
pub fn until(reason: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {reason}");
        // The condition lies in other processes' files: there is nothing to be woken by.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Writes an executable script.
pub fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mut mode = file.metadata().unwrap().permissions();
    mode.set_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap();
}

/// A count of a run's report.
pub fn count(report: &Value, name: &str) -> u64 {
    report["counts"][name].as_u64().unwrap_or_else(|| panic!("no count {name} in {report:#}"))
}

/// Asserts which bodies noted that they `ran` since the last look, in any order.
#[track_caller]
pub fn executed(project: &Project, expected: &[&str]) {
    let mut seen = project.noted("ran");
    seen.sort();
    let mut expected: Vec<&str> = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    project.forget();
}

/// Says that a test could not be done here.
#[allow(clippy::print_stderr)]
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
