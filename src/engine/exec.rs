//! `exec`: a script of the user makes runs and executes their calls itself.
//!
//! Each `run_local_application` in the script (or in processes that it starts) is one recorded run. Several
//! processes may make runs at the same time; each connection has its own scheduler.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::coder::Analyst;
use super::core::{Core, CoreSpec, Ending, Input};
use super::files::Files;
use super::local::{self, Command, QUEUE, Record};
use super::peer::{self, Peers};
use super::replay::Replay;
use super::run::{StartError, StoreCheckpoints, tellable};
use super::track::{Track, Tracked};
use super::values::Prices;
use super::worker::Launch;
use crate::base::clock::Clock;
use crate::base::ids::RunId;
use crate::model::{ErrorInfo, ErrorKind, Mode, RunStatus};
use crate::proto::message::{FromWorker, Function, Loaded, ToWorker, ValidationMessage};
use crate::store::Store;

/// Calls that a script may execute at once, in threads of its own.
const DRIVER_SLOTS: u32 = 10_000;

/// What to execute.
#[derive(Debug, Clone)]
pub struct ExecSpec {
    /// The project's folder.
    pub project: PathBuf,
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// How its runs reuse checkpoints.
    pub mode: Mode,
    /// What the project tracks beside what is found by itself.
    pub track: Track,
    /// What tokens cost.
    pub prices: Prices,
}

/// How it went.
#[derive(Debug)]
pub struct Executed {
    /// How the command ended.
    pub status: ExitStatus,
    /// The runs that it made, in order of their ends.
    pub runs: Vec<(RunId, RunStatus)>,
}

struct Exec {
    store: Store,
    clock: Arc<dyn Clock>,
    project: PathBuf,
    token: String,
    mode: Mode,
    track: Track,
    prices: Prices,
    peers: RefCell<Peers>,
    /// Inputs of the run that was started last: where `context` connections belong.
    current: RefCell<Option<mpsc::Sender<Input>>>,
    runs: RefCell<Vec<(RunId, RunStatus)>>,
}

/// Runs a command whose applications are recorded, and waits for its end.
pub fn exec(store: &Store, spec: ExecSpec, clock: Arc<dyn Clock>) -> Result<Executed, StartError> {
    tellable(&spec.project)?;
    let folder = super::folder::Folder::make()?;
    let socket = folder.path().join("s");
    let token = crate::base::digest::hex(&[clock.random(), clock.random()].map(u64::to_be_bytes).concat());
    let launch = Launch {
        python: PathBuf::new(),
        runtime: crate::python::install()?,
        project: spec.project.clone(),
        socket: socket.clone(),
        token: token.clone(),
        folder: folder.path().to_path_buf(),
    };
    let exec = Rc::new(Exec {
        store: store.clone(),
        clock,
        project: spec.project.clone(),
        token,
        mode: spec.mode,
        track: spec.track.clone(),
        prices: spec.prices.clone(),
        peers: RefCell::default(),
        current: RefCell::default(),
        runs: RefCell::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    let status = tasks.block_on(&runtime, async {
        let listener = UnixListener::bind(&socket)?;
        let accepting = tokio::task::spawn_local(accept(listener, exec.clone()));
        let mut words = spec.command.iter();
        let program = words.next().cloned().unwrap_or_default();
        let mut child = tokio::process::Command::new(program)
            .args(words)
            .envs(launch.environment())
            .env("TLB_PROJECT", &launch.project)
            .env_remove("TLB_WORKER")
            .env_remove("TLB_SLOTS")
            .env_remove("TLB_LEASH")
            .spawn()?;
        let status = child.wait().await;
        accepting.abort();
        status
    })?;
    // What still went on when the command ended is recorded as cancelled by its connection's end.
    runtime.block_on(tasks);
    Ok(Executed { status, runs: exec.runs.take() })
}

async fn accept(listener: UnixListener, exec: Rc<Exec>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::task::spawn_local(serve(stream, exec.clone()));
    }
}

async fn serve(stream: UnixStream, exec: Rc<Exec>) {
    let Some((hello, mut reader, sender)) = peer::greet(stream, &exec.token).await else { return };
    let conn = exec.peers.borrow_mut().add(sender);
    let welcome = ToWorker::Welcome {
        proto: crate::proto::VERSION,
        slots: DRIVER_SLOTS,
        project: exec.project.display().to_string(),
        load: None,
        log_limit: super::core::LOG_LIMIT,
        secrets: exec.track.secrets.names().to_vec(),
    };
    exec.peers.borrow().send(conn, &welcome, &[]);
    if hello.role == "driver" {
        drive(&mut reader, conn, &hello.python, &exec).await;
    } else {
        while let Ok(Some(frame)) = reader.next().await {
            let Ok(message) = FromWorker::parse(&frame) else { break };
            let to = exec.current.borrow().clone();
            if let Some(to) = to {
                let _ = to.send(Input::Message { conn, message, blobs: frame.blobs }).await;
            }
        }
    }
    exec.peers.borrow_mut().remove(conn);
}

/// What a driver asks for.
struct Request {
    id: u64,
    app: String,
    functions: Vec<Function>,
    messages: Vec<ValidationMessage>,
    loaded: Box<Loaded>,
    input: Bytes,
}

/// Serves one script: its messages go to the run that it asked for last.
async fn drive(reader: &mut peer::Reader, conn: u32, python: &str, exec: &Rc<Exec>) {
    let mut inputs: Option<mpsc::Sender<Input>> = None;
    while let Ok(Some(frame)) = reader.next().await {
        let Ok(message) = FromWorker::parse(&frame) else { break };
        match message {
            FromWorker::RunApp { id, app, functions, messages, loaded } => {
                let (send, incoming) = mpsc::channel(QUEUE);
                *exec.current.borrow_mut() = Some(send.clone());
                inputs = Some(send);
                let input = frame.blobs.into_iter().next().unwrap_or_default();
                let request = Request { id, app, functions, messages, loaded, input };
                tokio::task::spawn_local(one_run(request, conn, python.to_owned(), incoming, exec.clone()));
            }
            message => {
                if let Some(inputs) = &inputs {
                    let _ = inputs.send(Input::Message { conn, message, blobs: frame.blobs }).await;
                }
            }
        }
    }
    if let Some(inputs) = inputs {
        let why = "ended".to_owned();
        let _ = inputs.send(Input::Gone { worker: 1, conn: Some(conn), executing: vec![], why }).await;
    }
}

async fn one_run(
    request: Request,
    conn: u32,
    python: String,
    mut incoming: mpsc::Receiver<Input>,
    exec: Rc<Exec>,
) {
    let id = request.id;
    let run = RunId::from_random(exec.clock.random());
    let ending = match exec.store.writer() {
        Ok(writer) => {
            let mut core = exec.core(&run, &request);
            core.handle(Input::Ready {
                conn,
                worker: 1,
                python,
                functions: request.functions,
                messages: request.messages,
                loaded: request.loaded,
            });
            let record =
                Record { run: run.clone(), writer, observer: None, clock: exec.clock.clone(), teller: None };
            let (_keep, mut commands) = mpsc::unbounded_channel::<Command>();
            let hands = |action| {
                if let super::core::Action::Send { conn, message, blobs } = action {
                    exec.peers.borrow().send(conn, &message, &blobs);
                }
            };
            local::turn(core, record, &mut incoming, &mut commands, hands).await
        }
        Err(error) => Ending::StoreFailed(error.to_string()),
    };
    let (ok, error, blobs) = exec.answer(&run, ending);
    let done = ToWorker::RunDone { id, run: run.to_string(), ok, error };
    exec.peers.borrow().send(conn, &done, &blobs);
}

impl Exec {
    fn core(&self, run: &RunId, request: &Request) -> Core {
        let file = request
            .functions
            .iter()
            .rev()
            .find(|function| function.name == request.app)
            .map(|function| function.file.clone())
            .unwrap_or_default();
        let spec = CoreSpec {
            run: run.clone(),
            app: request.app.clone(),
            file,
            input: serde_json::from_slice(&request.input).unwrap_or_default(),
            mode: self.mode,
            parent: None,
            in_doubt: super::InDoubt::Rerun,
            effects: super::Effects::Rerun,
            workers: 1,
            slots: DRIVER_SLOTS,
            driver: true,
            prices: self.prices.clone(),
            purpose: Default::default(),
            samples: None,
            secrets: self.track.secrets.clone(),
        };
        let checkpoints = Arc::new(StoreCheckpoints::new(&self.store));
        let files = Arc::new(Files::new(&self.project, self.clock.clone(), &self.track.ignore));
        let mut replay = Replay::new(self.mode, None, None, files.clone());
        // A log that cannot be read costs reuse, not correctness.
        replay.set_accepted(&self.store.accepted().unwrap_or_default().declarations);
        let tracked = Tracked::new(&self.project, self.track.clone());
        let coder = Analyst::new(&self.project, Path::new(&spec.file), files.clone(), tracked);
        Core::new(spec, self.clock.clone(), checkpoints, Box::new(coder), files, replay)
    }

    /// What the script gets: the output as JSON text, or the error.
    fn answer(&self, run: &RunId, ending: Ending) -> (bool, Option<ErrorInfo>, Vec<Bytes>) {
        let internal = |text: String| Some(ErrorInfo::new(ErrorKind::Internal, "InternalError", text));
        match ending {
            Ending::Recorded { status, output, error, whole } => {
                self.runs.borrow_mut().push((run.clone(), status));
                match output {
                    Some(_) if let Some(json) = whole.as_ref().and_then(super::values::json_of_pickle) => {
                        (true, None, vec![Bytes::from(json.to_string())])
                    }
                    Some(value) => match super::run::json_of(&self.store, &value) {
                        Ok(json) => (true, None, vec![Bytes::from(json.to_string())]),
                        Err(text) => (false, internal(text), vec![]),
                    },
                    None => {
                        (false, error.or_else(|| internal("the run ended without an output".into())), vec![])
                    }
                }
            }
            Ending::NotLoaded(error) => (false, Some(error), vec![]),
            Ending::StoreFailed(text) => (false, internal(text), vec![]),
        }
    }
}
