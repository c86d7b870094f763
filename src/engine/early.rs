//! Workers that start before all is known of their run.
//!
//! Starting a Python takes longer than everything else that comes before a first step. So the run's thread starts the
//! first workers at once, and the caller opens the store and reads what it replays meanwhile.
//!
//! Invariants: nothing of the project is imported before [`Early::admit`]; workers whose run never begins are ended, and
//! their folder is gone, when [`Early`] is dropped.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

use super::core::{Core, Ending, first_workers};
use super::folder::Folder;
use super::local::{self, Admitted, Command, Record};
use super::run::{StartError, tellable};
use super::worker::Launch;
use crate::base::clock::Clock;

/// Stack of a run's threads: recorded trees are walked recursively, and agents nest deeply.
pub(super) const STACK: usize = 64 << 20;

/// The first workers of a run, on their way.
pub struct Early {
    python: PathBuf,
    project: PathBuf,
    first: u32,
    begin: Option<Begin>,
    commands: mpsc::UnboundedSender<Command>,
    thread: Option<JoinHandle<Ending>>,
}

/// What the thread waits for.
struct Begin {
    admit: Option<oneshot::Sender<Admitted>>,
    core: oneshot::Sender<(Core, Record)>,
}

impl Early {
    /// Starts the first workers of a run with at most `workers`.
    pub fn start(
        python: &Path,
        project: &Path,
        workers: u32,
        clock: &dyn Clock,
    ) -> Result<Early, StartError> {
        tellable(project)?;
        let folder = Folder::make()?;
        let socket = folder.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let token = [clock.random(), clock.random()].map(u64::to_be_bytes).concat();
        let launch = Launch {
            python: python.to_path_buf(),
            runtime: crate::python::install()?,
            project: project.to_path_buf(),
            socket,
            token: crate::base::digest::hex(&token),
            folder: folder.path().to_path_buf(),
        };
        let leash = launch.leash()?;
        let first = first_workers(workers);
        let (admit, admitted) = oneshot::channel();
        let (core, begun) = oneshot::channel();
        let (commands, orders) = mpsc::unbounded_channel();
        let thread =
            std::thread::Builder::new().name("engine".to_owned()).stack_size(STACK).spawn(move || {
                let ending = run_loop(|listener| async move {
                    local::drive(launch, first, listener, admitted, begun, orders).await
                }, listener);
                drop(leash);
                drop(folder);
                super::folder::sweep();
                ending
            })?;
        Ok(Early {
            python: python.to_path_buf(),
            project: project.to_path_buf(),
            first,
            begin: Some(Begin { admit: Some(admit), core }),
            commands,
            thread: Some(thread),
        })
    }

    /// Whether they are those that such a run would start with.
    pub(super) fn fits(&self, python: &Path, project: &Path, workers: u32) -> bool {
        self.python == python && self.project == project && self.first == first_workers(workers)
    }

    /// Lets the workers import the application.
    pub(super) fn admit(&mut self, admitted: Admitted) {
        if let Some(admit) = self.begin.as_mut().and_then(|begin| begin.admit.take()) {
            let _ = admit.send(admitted);
        }
    }

    /// Begins the run: where its commands go, and the thread that ends with it.
    pub(super) fn begin(
        mut self,
        core: Core,
        record: Record,
    ) -> (mpsc::UnboundedSender<Command>, Option<JoinHandle<Ending>>) {
        if let Some(begin) = self.begin.take() {
            let _ = begin.core.send((core, record));
        }
        (self.commands.clone(), self.thread.take())
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.begin = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run_loop<F: Future<Output = Ending>>(
    drive: impl FnOnce(UnixListener) -> F,
    listener: std::os::unix::net::UnixListener,
) -> Ending {
    let runtime =
        match tokio::runtime::Builder::new_current_thread().enable_all().thread_stack_size(STACK).build() {
            Ok(runtime) => runtime,
            Err(error) => return Ending::StoreFailed(format!("cannot start the engine: {error}")),
        };
    let tasks = tokio::task::LocalSet::new();
    let ending = tasks.block_on(&runtime, async move {
        match UnixListener::from_std(listener) {
            Ok(listener) => drive(listener).await,
            Err(error) => Ending::StoreFailed(format!("cannot listen for workers: {error}")),
        }
    });
    // Dropping the tasks kills the workers.
    drop(tasks);
    ending
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;
    use std::os::unix::fs::PermissionsExt;

    fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !there() {
            assert!(std::time::Instant::now() < until, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// A stand-in that tells its process and its folder, and waits to be ended.
    #[test]
    fn workers_whose_run_never_begins_are_ended_and_leave_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let python = dir.path().join("python");
        std::fs::write(&python, "#!/bin/sh\necho $TLB_SOCKET > told.$TLB_WORKER.$$\nexec sleep 600\n")
            .unwrap();
        std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o700)).unwrap();
        let told = || -> Vec<(String, String)> {
            let entries = std::fs::read_dir(dir.path()).unwrap().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            names
                .filter(|name| name.starts_with("told."))
                .map(|name| (name.clone(), std::fs::read_to_string(dir.path().join(name)).unwrap()))
                .filter(|(_, text)| text.ends_with('\n'))
                .collect()
        };
        let early = Early::start(&python, dir.path(), 3, &SystemClock).unwrap();
        assert!(early.fits(&python, dir.path(), 2) && !early.fits(&python, dir.path(), 1));
        assert!(!early.fits(Path::new("python3"), dir.path(), 3));
        wait_for("two processes", || told().len() == 2);
        drop(early);
        for (name, socket) in told() {
            assert!(!Path::new(socket.trim()).parent().unwrap().exists(), "{socket}");
            let pid = name.rsplit('.').next().unwrap().to_owned();
            // Gone, or ended and not fetched yet.
            wait_for(&name, || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
                Ok(stat) => stat.contains(") Z "),
                Err(_) => true,
            });
        }
    }
}
