//! A worker process: start, supervision, how it ended.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::core::Input;
use crate::base::ids::CallNo;
use crate::model::Stream;
use crate::python::interpreter::{BOOTSTRAP, TOO_OLD};

/// Entries of the file in which a worker says what it executes.
pub const SLOT_ENTRIES: usize = 4_096;
/// How long a worker that closed its connection may take to exit.
const EXIT_GRACE: Duration = Duration::from_secs(2);
/// How long the output of a process that has ended may take to arrive.
const OUTPUT_GRACE: Duration = Duration::from_millis(250);

/// What every worker of a run is started with.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The interpreter.
    pub python: PathBuf,
    /// The runtime's folder.
    pub runtime: PathBuf,
    /// The project.
    pub project: PathBuf,
    /// The engine's socket.
    pub socket: PathBuf,
    /// The secret.
    pub token: String,
    /// Private folder of the run.
    pub folder: PathBuf,
}

impl Launch {
    /// The environment that makes a Python process ours.
    pub fn environment(&self) -> Vec<(&'static str, std::ffi::OsString)> {
        let mut paths = vec![self.runtime.clone()];
        if let Some(old) = std::env::var_os("PYTHONPATH").filter(|old| !old.is_empty()) {
            paths.extend(std::env::split_paths(&old));
        }
        let joined = std::env::join_paths(paths).unwrap_or_else(|_| self.runtime.clone().into());
        vec![
            ("PYTHONPATH", joined),
            ("TLB_SOCKET", self.socket.clone().into()),
            ("TLB_TOKEN", self.token.clone().into()),
        ]
    }

    /// Makes the FIFO whose end tells workers that the engine has ended. The kernel closes the returned end with the
    /// process, however that ends; a worker has itself killed then (`worker.py`), even in code that never yields.
    pub fn leash(&self) -> std::io::Result<std::fs::File> {
        let path = self.leash_file();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR)?;
        // For both, so that opening it does not wait for the other side.
        std::fs::File::options().read(true).write(true).open(path)
    }

    fn leash_file(&self) -> PathBuf {
        self.folder.join("leash")
    }

    fn slots_file(&self, worker: u32) -> PathBuf {
        self.folder.join(format!("slots-{worker}"))
    }

    /// Starts a worker.
    pub fn spawn(&self, worker: u32) -> std::io::Result<Child> {
        let slots = self.slots_file(worker);
        std::fs::write(&slots, vec![0u8; SLOT_ENTRIES * 8])?;
        let mut command = Command::new(&self.python);
        command
            .arg("-c")
            .arg(BOOTSTRAP)
            .envs(self.environment())
            .env("TLB_WORKER", worker.to_string())
            .env("TLB_SLOTS", slots)
            .env("TLB_LEASH", self.leash_file())
            .current_dir(&self.project)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn()
    }

    /// The calls that a worker's threads were executing when it ended.
    pub fn executing(&self, worker: u32) -> Vec<CallNo> {
        let bytes = std::fs::read(self.slots_file(worker)).unwrap_or_default();
        bytes
            .chunks_exact(8)
            .filter_map(|chunk| chunk.try_into().ok().map(u64::from_le_bytes))
            .filter(|no| *no != 0)
            .filter_map(|no| CallNo::try_from(no).ok())
            .collect()
    }
}

/// The tasks that forward what a worker's process writes.
pub struct Output(Vec<tokio::task::JoinHandle<()>>);

impl Output {
    /// Waits until all that an ended process wrote was forwarded. Its children may hold the streams open for longer
    /// than anybody wants to wait.
    pub async fn drained(self) {
        let all = async {
            for task in self.0 {
                let _ = task.await;
            }
        };
        let _ = tokio::time::timeout(OUTPUT_GRACE, all).await;
    }
}

/// Forwards what a worker's process writes to its standard streams.
pub fn forward_output(child: &mut Child, worker: u32, inputs: &mpsc::Sender<Input>) -> Output {
    let mut tasks = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        tasks.push(tokio::task::spawn_local(forward(stdout, worker, Stream::Stdout, inputs.clone())));
    }
    if let Some(stderr) = child.stderr.take() {
        tasks.push(tokio::task::spawn_local(forward(stderr, worker, Stream::Stderr, inputs.clone())));
    }
    Output(tasks)
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    worker: u32,
    stream: Stream,
    inputs: mpsc::Sender<Input>,
) {
    let mut buffer = vec![0u8; 8 << 10];
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        let bytes = Bytes::copy_from_slice(&buffer[..n]);
        if inputs.send(Input::Output { worker, stream, bytes }).await.is_err() {
            break;
        }
    }
}

/// Waits for a process that should be ending; kills it when it does not.
pub async fn reap(child: &mut Child) -> Option<ExitStatus> {
    match tokio::time::timeout(EXIT_GRACE, child.wait()).await {
        Ok(status) => status.ok(),
        Err(_) => {
            let _ = child.start_kill();
            child.wait().await.ok()
        }
    }
}

/// `was ended by signal 9 (SIGKILL)`, `exited with status 3`.
pub fn how_it_ended(status: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    let Some(status) = status else { return "ended".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => {
            let name =
                nix::sys::signal::Signal::try_from(signal).map(|s| format!(" ({s})")).unwrap_or_default();
            format!("was ended by signal {signal}{name}")
        }
        (None, None) => "ended".to_owned(),
    }
}

/// The same of one that ended before our runtime said anything: it may be no interpreter that can run it.
pub fn unheard(status: Option<ExitStatus>, python: &Path) -> String {
    let how = match status.and_then(|status| status.code()) {
        Some(TOO_OLD) => "is older than Python 3.10 and ended".to_owned(),
        _ => how_it_ended(status),
    };
    format!("({}) {how} before", python.display())
}
