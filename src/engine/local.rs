//! The local executor: worker processes, sockets, the store's writer, on one thread of their own.
//!
//! Everything that decides is in [`super::core`]; here its actions are carried out and what happens is handed
//! back. One thread a run: it owns the processes, and when it ends they are gone.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::core::{Action, ConnId, Core, Ending, Input};
use super::files::{self, Files};
use super::peer::{self, Peers};
use super::step::{StepCommand, Teller};
use super::watched::Watched;
use super::worker::{self, Launch};
use crate::base::clock::Clock;
use crate::base::ids::RunId;
use crate::model::{ErrorInfo, ErrorKind, Event};
use crate::proto::message::{FromWorker, Load, Sighting, ToWorker};
use crate::store::{Batch, StoreError, Writer};

/// Inputs of connections that may wait; when it is full, sockets are not read.
pub(super) const QUEUE: usize = 256;
/// Inputs that are handled before what they made necessary is done.
const TURN: usize = 512;

/// How long the loop looks out for the next message before it sleeps, while one body executes.
const LINGER: Duration = Duration::from_micros(100);

/// Called with the run's events as they happen, before they are on disk. Must be quick.
pub type Observer = Box<dyn FnMut(&RunId, &[Event]) + Send>;

/// Where a run is recorded, and who watches.
pub struct Record {
    /// The run.
    pub run: RunId,
    /// Where events go.
    pub writer: Writer,
    /// Who watches, if anybody.
    pub observer: Option<Observer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is told of what waits at the gate.
    pub teller: Option<Teller>,
}

/// What workers are told when they are let in.
pub struct Admitted {
    /// The application's file.
    pub file: PathBuf,
    /// Calls that may execute at once in a worker.
    pub slots: u32,
    /// The project's files.
    pub files: Arc<Files>,
    /// Environment variables whose values workers tell: they may have read them from a file of their own.
    pub secrets: Vec<String>,
}

/// The user's wishes while a run goes on.
#[derive(Debug, Clone)]
pub enum Command {
    /// Start nothing more, let end what runs.
    Stop,
    /// End at once.
    Kill,
    /// Step through it.
    Step(StepCommand),
}

type Waiting = Rc<RefCell<HashMap<u32, oneshot::Sender<(Greeted, ConnId)>>>>;

/// A connection after its hello.
struct Greeted {
    python: String,
    reader: peer::Reader,
    sender: peer::Outlet,
}

struct Shared {
    launch: Launch,
    /// There before anybody is let in.
    admitted: OnceCell<Admitted>,
    waiting: Waiting,
    peers: RefCell<Peers>,
    inputs: mpsc::Sender<Input>,
}

/// Starts the first workers, and runs a scheduler to its end once it is there. Must be called inside a `LocalSet` of a
/// current-thread runtime.
pub async fn drive(
    launch: Launch,
    first: u32,
    listener: UnixListener,
    admitted: oneshot::Receiver<Admitted>,
    core: oneshot::Receiver<(Core, Record)>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) -> Ending {
    let (inputs, mut incoming) = mpsc::channel(QUEUE);
    let (waiting, peers) = (Rc::default(), RefCell::default());
    let shared = Rc::new(Shared { launch, admitted: OnceCell::new(), waiting, peers, inputs });
    let mut killers: HashMap<u32, oneshot::Sender<()>> = HashMap::new();
    let start = |worker| {
        let (kill, killed) = oneshot::channel();
        tokio::task::spawn_local(supervise(worker, shared.clone(), killed));
        kill
    };
    for worker in 1..=first {
        killers.insert(worker, start(worker));
    }
    let unbegun = || Ending::StoreFailed("the run did not begin".to_owned());
    let Ok(admitted) = admitted.await else { return unbegun() };
    let _ = shared.admitted.set(admitted);
    let accepting = tokio::task::spawn_local(accept(listener, shared.clone()));
    let Ok((core, record)) = core.await else { return unbegun() };
    // Beside the workers' start; what they have to say waits.
    let Ok(core) = tokio::task::spawn_blocking(move || core.prepared()).await else { return unbegun() };
    let hands = |action: Action| match action {
        Action::Send { conn, message, blobs } => shared.peers.borrow().send(conn, &message, &blobs),
        Action::Spawn { worker } => {
            killers.entry(worker).or_insert_with(|| start(worker));
        }
        Action::Kill { worker } => {
            if let Some(kill) = killers.remove(&worker) {
                let _ = kill.send(());
            }
        }
        Action::Submit { .. } | Action::Finish(_) | Action::Gate(_) => {}
    };
    let ending = turn(core, record, &mut incoming, &mut commands, hands).await;
    accepting.abort();
    // Dropping the senders closes the sockets, at which workers leave; the processes are killed on drop.
    ending
}

/// The loop itself: inputs to the scheduler, its writes to the store, its other actions to `hands`.
pub async fn turn(
    mut core: Core,
    record: Record,
    incoming: &mut mpsc::Receiver<Input>,
    commands: &mut mpsc::UnboundedReceiver<Command>,
    mut hands: impl FnMut(Action),
) -> Ending {
    let Record { run, writer, observer, clock, mut teller } = record;
    let mut watched = Watched::new(run.clone(), observer);
    let (commits, mut committed) = mpsc::unbounded_channel();
    let mut actions = core.begin();
    // A driver is ready before the loop begins.
    actions.extend(core.flush());
    loop {
        while !actions.is_empty() || core.goes_on() {
            let mut waits = Vec::new();
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::Submit { batch, token } => {
                        watched.add(&batch.events);
                        let durable = batch.durable;
                        let batch_waits = batch.then.is_empty();
                        let batch = Batch { run: run.clone(), events: batch.events, nodes: batch.pieces };
                        // While nothing else goes on, handing it to another thread would only cost time.
                        let now = if batch_waits || durable && core.is_busy() {
                            Err(batch)
                        } else {
                            writer.commit_now(batch, durable)
                        };
                        let commits = commits.clone();
                        match now {
                            Ok(outcome) => core.handle(committed_input(token, outcome)),
                            Err(batch) => writer.submit(batch, durable, move |outcome| {
                                let _ = commits.send(committed_input(token, outcome));
                            }),
                        }
                    }
                    Action::Finish(ending) => {
                        watched.tell();
                        return ending;
                    }
                    Action::Gate(event) => waits.push(event),
                    other => hands(other),
                }
            }
            if let Some(tell) = teller.as_mut().filter(|_| !waits.is_empty()) {
                // Whoever answers has seen the events that led here.
                watched.tell();
                waits.into_iter().for_each(|event| tell(&run, event));
            }
            if core.goes_on() {
                // Lets what a socket did not take at once go on its way.
                tokio::task::yield_now().await;
            }
            // What was committed at once has consequences at once.
            actions = core.flush();
        }
        if core.is_alone() {
            linger(incoming, &committed).await;
        }
        let timer = core
            .next_timer()
            .map(|due| Duration::from_micros(u64::try_from(due.saturating_sub(clock.now())).unwrap_or(0)));
        tokio::select! {
            biased;
            // First, because a Ctrl-C also ends processes that have just started: that they end is then no failure.
            Some(command) = commands.recv() => core.handle(match command {
                Command::Stop => Input::Stop { force: false },
                Command::Kill => Input::Stop { force: true },
                Command::Step(step) => Input::Step(step),
            }),
            Some(input) = committed.recv() => core.handle(input),
            Some(input) = incoming.recv() => core.handle(input),
            () = tokio::time::sleep(watched.due()), if watched.waits() => watched.tell(),
            () = tokio::time::sleep(timer.unwrap_or_default()), if timer.is_some() => core.handle(Input::Timer),
            else => return Ending::StoreFailed("the engine's loop ended early".to_owned()),
        }
        for _ in 0..TURN {
            if let Ok(input) = committed.try_recv() {
                core.handle(input);
            } else if let Ok(input) = incoming.try_recv() {
                core.handle(input);
            } else {
                break;
            }
        }
        actions = core.flush();
    }
}

/// Looks out for the next message for a moment before the thread sleeps.
///
/// Quick calls answer within it, and waking a core that has gone to sleep costs more than the moment (in virtual
/// machines several times more). Nothing is burnt while bodies take long: it is one moment for each message. While
/// several execute, they have the cores: whoever looks out takes one from them.
async fn linger(incoming: &mpsc::Receiver<Input>, committed: &mpsc::UnboundedReceiver<Input>) {
    let until = Instant::now() + LINGER;
    while incoming.is_empty() && committed.is_empty() && Instant::now() < until {
        // Lets the connections' tasks run, and the operating system be asked what has arrived.
        tokio::task::yield_now().await;
    }
}

fn committed_input(token: u64, outcome: Result<(), Arc<StoreError>>) -> Input {
    Input::Committed { token, error: outcome.err().map(|error| error.to_string()) }
}

async fn accept(listener: UnixListener, shared: Rc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::task::spawn_local(greet(stream, shared.clone()));
    }
}

/// Finds out who connected.
async fn greet(stream: UnixStream, shared: Rc<Shared>) {
    let Some(run) = shared.admitted.get() else { return };
    let Some((hello, mut reader, sender)) = peer::greet(stream, &shared.launch.token).await else { return };
    let conn = shared.peers.borrow_mut().add(sender.clone());
    let worker = hello.role == "worker";
    let welcome = ToWorker::Welcome {
        proto: crate::proto::VERSION,
        slots: run.slots,
        project: shared.launch.project.display().to_string(),
        load: worker.then(|| Load { file: run.file.display().to_string() }),
        log_limit: super::core::LOG_LIMIT,
        secrets: run.secrets.clone(),
    };
    shared.peers.borrow().send(conn, &welcome, &[]);
    if worker {
        let waiting = shared.waiting.borrow_mut().remove(&hello.worker);
        if let Some(waiting) = waiting {
            let _ = waiting.send((Greeted { python: hello.python, reader, sender }, conn));
        }
    } else {
        let _ = read_messages(&mut reader, conn, 0, "", &shared).await;
        shared.peers.borrow_mut().remove(conn);
    }
}

/// Hands a connection's messages to the scheduler until it ends. The error says what was wrong with the stream.
async fn read_messages(
    reader: &mut peer::Reader,
    conn: ConnId,
    worker: u32,
    python: &str,
    shared: &Shared,
) -> Result<(), String> {
    while let Some(frame) = reader.next().await? {
        let message = FromWorker::parse(&frame).map_err(|error| error.to_string())?;
        if worker != 0 && matches!(message, FromWorker::End(_) | FromWorker::Ends { .. }) {
            // What the body wrote past the runtime lies in the process's pipes already: their readers come first, or
            // it would not be known whose it is.
            tokio::task::yield_now().await;
        }
        if let FromWorker::End(end) = &message {
            warm(shared, &end.reads).await;
        }
        let input = match message {
            FromWorker::Ready { functions, messages, loaded } => {
                warm(shared, &loaded.reads).await;
                Input::Ready { conn, worker, python: python.to_owned(), functions, messages, loaded }
            }
            FromWorker::LoadFailed { error } => Input::LoadFailed { worker, error },
            message => Input::Message { conn, message, blobs: frame.blobs },
        };
        if shared.inputs.send(input).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Hashes large files away from the thread that serves all workers; only this worker's messages wait.
async fn warm(shared: &Shared, reads: &[Sighting]) {
    let large: Vec<Sighting> = reads.iter().filter(|read| files::is_large(read)).cloned().collect();
    if let Some(admitted) = shared.admitted.get().filter(|_| !large.is_empty()) {
        let files = admitted.files.clone();
        let _ = tokio::task::spawn_blocking(move || files.warm(&large)).await;
    }
}

/// Starts a worker and stays with it to its end.
async fn supervise(worker: u32, shared: Rc<Shared>, mut killed: oneshot::Receiver<()>) {
    let (connected, mut connection) = oneshot::channel();
    shared.waiting.borrow_mut().insert(worker, connected);
    let mut child = match shared.launch.spawn(worker) {
        Ok(child) => child,
        Err(error) => {
            let text = format!("cannot start {}: {error}", shared.launch.python.display());
            let error = ErrorInfo::new(ErrorKind::Died, "NoPython", text);
            let _ = shared.inputs.send(Input::LoadFailed { worker, error }).await;
            return;
        }
    };
    let output = worker::forward_output(&mut child, worker, &shared.inputs);
    let python = shared.launch.python.clone();
    let (stream, conn) = tokio::select! {
        biased;
        Ok(connected) = &mut connection => connected,
        status = child.wait() => {
            output.drained().await;
            let why = worker::unheard(status.ok(), &python);
            let _ = shared.inputs.send(Input::Gone { worker, conn: None, executing: vec![], why }).await;
            return;
        }
        _ = &mut killed => {
            let _ = child.start_kill();
            let _ = child.wait().await;
            return;
        }
    };
    let mut reader = stream.reader;
    let broken = tokio::select! {
        biased;
        end = read_messages(&mut reader, conn, worker, &stream.python, &shared) => end.err(),
        _ = &mut killed => {
            shared.peers.borrow_mut().remove(conn);
            let _ = child.start_kill();
            let _ = child.wait().await;
            return;
        }
    };
    drop(stream.sender);
    shared.peers.borrow_mut().remove(conn);
    if broken.is_some() {
        let _ = child.start_kill();
    }
    let status = worker::reap(&mut child).await;
    output.drained().await;
    let why = match broken {
        Some(error) => format!("broke the protocol ({error})"),
        None => worker::how_it_ended(status),
    };
    let executing = shared.launch.executing(worker);
    let _ = shared.inputs.send(Input::Gone { worker, conn: Some(conn), executing, why }).await;
}
