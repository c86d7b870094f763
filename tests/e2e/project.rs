//! A project in a folder of its own, and the binary in an environment of its own.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::wait::{self, BOUND};

/// Where things are kept from one test run to the next: below `target/`.
pub fn below_target(name: &str) -> PathBuf {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap_or(temporary).join(name)
}

/// A temporary project and what its processes see of the world.
pub struct Project {
    folder: tempfile::TempDir,
    /// Variables beside those that every project gets.
    pub variables: Vec<(String, String)>,
}

impl Project {
    /// An empty project with an interpreter without packages.
    pub fn new() -> Project {
        // Short, because Unix sockets are made below it.
        let folder = tempfile::Builder::new().prefix("tlb-e2e-").tempdir_in("/tmp").unwrap();
        for name in ["project", "home", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let variables = vec![("TLB_DEMO_SPEED".to_owned(), "0".to_owned())];
        let project = Project { folder, variables };
        project.write("tl-bench.toml", "");
        project
    }

    /// A copy of one of the example workspaces.
    pub fn workspace(name: &str) -> Project {
        let project = Project::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("workspaces").join(name);
        for entry in std::fs::read_dir(&source).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, project.path(path.file_name().unwrap())).unwrap();
            }
        }
        project
    }

    /// Sets a variable for the project's processes.
    pub fn with(mut self, name: &str, value: &str) -> Project {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder of temporary files of the project's processes.
    pub fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// A path in the project.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Reads a file of the project.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The environment: nothing but this is inherited.
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.display().to_string();
        let mut all = vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("HOME".to_owned(), text(self.folder.path().join("home"))),
            ("TMPDIR".to_owned(), text(self.temporary())),
            ("TL_BENCH_CACHE_DIR".to_owned(), text(below_target("e2e-cache"))),
            ("TL_BENCH_CONFIG_DIR".to_owned(), text(self.folder.path().join("home/config"))),
        ];
        all.extend(self.variables.iter().cloned());
        all
    }

    /// Starts the binary in the project.
    pub fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> Started {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tl-bench"));
        command.args(args).current_dir(self.path("")).env_clear().envs(self.environment());
        Started::new(command)
    }

    /// Runs the binary in the project to its end.
    pub fn tl<S: AsRef<OsStr>>(&self, args: &[S]) -> Done {
        self.start(args).finish()
    }

    /// Runs the binary and reads what it printed as JSON; the exit code must be this.
    pub fn json<S: AsRef<OsStr>>(&self, exit: i32, args: &[S]) -> Value {
        let done = self.tl(args);
        assert_eq!(done.code(), exit, "{done}");
        serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("not JSON: {error}: {done}"))
    }
}

/// `(cached, fresh, failed)` of a document of `run --json`.
pub fn counts(document: &Value) -> (u64, u64, u64) {
    let of = |name: &str| document["counts"][name].as_u64().unwrap_or(u64::MAX);
    assert_eq!((of("edited"), of("in_doubt"), of("cancelled")), (0, 0, 0), "{document}");
    (of("cached"), of("fresh"), of("failed"))
}

/// A process that was started.
pub struct Started {
    what: String,
    since: Instant,
    child: Child,
    pipes: Receiver<(usize, Vec<u8>)>,
}

impl Started {
    /// Starts a command with its output gathered.
    pub fn new(mut command: Command) -> Started {
        let what = format!("{command:?}")
            .rsplit_once("tl-bench")
            .map_or_else(String::new, |(_, args)| args.to_owned());
        // A group of its own, so that nothing stays behind when a test gives up.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, pipes) = channel();
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for (i, mut stream) in streams.into_iter().enumerate() {
            let send = send.clone();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = stream.read_to_end(&mut bytes);
                let _ = send.send((i, bytes));
            });
        }
        Started { what, since: Instant::now(), child, pipes }
    }

    /// The process's number.
    pub fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Waits for its end, and that nothing it started holds its output open.
    pub fn finish(self) -> Done {
        self.finish_within(BOUND)
    }

    /// The same for what takes longer than most.
    pub fn finish_within(mut self, bound: Duration) -> Done {
        let mut texts = [String::new(), String::new()];
        let mut late = false;
        for _ in 0..2 {
            let left = bound.saturating_sub(self.since.elapsed());
            match self.pipes.recv_timeout(left) {
                Ok((i, bytes)) => texts[i] = String::from_utf8_lossy(&bytes).into_owned(),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    late = true;
                    let _ = nix::sys::signal::killpg(self.pid(), nix::sys::signal::Signal::SIGKILL);
                }
            }
        }
        let status = wait::until("the process to end", BOUND, || self.child.try_wait().unwrap());
        let [out, err] = texts;
        let done = Done { what: self.what, status, out, err };
        assert!(!late, "not done within {bound:?}: {done}");
        done
    }
}

/// How a process ended.
pub struct Done {
    what: String,
    status: ExitStatus,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Done {
    /// The exit code; a signal fails the test.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{self}"))
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tl-bench {}: {}\n{}\n--\n{}", self.what, self.status, self.out, self.err)
    }
}
