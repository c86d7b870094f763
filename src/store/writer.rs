//! The single writer thread of a process, and the handle to it.
//!
//! Submitting never waits for the disk: it packs the values (compression: about 10 us for 2 KB, 3 ms for
//! 1 MiB) and queues. The thread takes everything that is queued, commits it as one transaction, and then
//! runs the callbacks of exactly what was in it. A submission that arrives meanwhile waits for the next commit:
//! a sync covers only what was written before it began.
//!
//! A caller that has nothing to do while a batch is written may commit it on its own thread with
//! [`Writer::commit_now`], which spares two switches of threads: most of what a small commit costs.
//!
//! Rules for callers: events of a run are submitted in order and by one process; a value is submitted with, or
//! before, the first event that refers to it, in the same process; callbacks are quick and do not wait for
//! the writer.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::commit::{Committer, Work};
use super::error::{Result, StoreError};
use super::nodes::{ChildrenOf, Known, Node, PackedNode};
use crate::base::ids::RunId;
use crate::model::Event;

/// A group grows to at most this many submissions, so that the first does not wait for an endless queue.
const GROUP: usize = 1_024;
/// How long the row of a run may be behind when nothing more comes.
const SETTLE: Duration = Duration::from_millis(50);
/// Between two signs of life of a process that records.
const BEAT: Duration = Duration::from_secs(15);

/// What to append to a run, all or nothing.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The run. Its first event, number 1, must be `RunStarted`.
    pub run: RunId,
    /// The next events, without gaps.
    pub events: Vec<Event>,
    /// Values that the events refer to.
    pub nodes: Vec<Node>,
}

type Outcome = std::result::Result<(), Arc<StoreError>>;
type Done = Box<dyn FnOnce(Outcome) + Send>;

enum Message {
    Work(Work, Done),
    /// There is something to tidy up.
    Look,
    Stop,
}

/// What the thread and the handles share.
struct Shared {
    committer: Mutex<Turn>,
    /// Batches that were submitted and are not committed.
    waiting: AtomicUsize,
    /// Whether something may be beside the database that readers would miss.
    beside: AtomicBool,
}

/// The right to commit.
struct Turn {
    committer: Committer,
    /// The thread sleeps longer than [`SETTLE`]: somebody has to tell it that rows are behind.
    dozing: bool,
}

impl Shared {
    /// A panic while committing leaves an open transaction, which the next one rolls back.
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.committer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to the writer thread: cheap to clone. The thread ends, after it wrote what is queued, with the last
/// handle.
#[derive(Clone)]
pub struct Writer {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Sender<Message>,
    shared: Arc<Shared>,
    known: Arc<Mutex<Known>>,
    children: Option<ChildrenOf>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.queue.send(Message::Stop);
        if let Some(thread) = self.thread.take()
            // The last handle may go in a callback, on the thread itself.
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Writer {
    pub(super) fn start(
        committer: Committer,
        known: Arc<Mutex<Known>>,
        children: Option<ChildrenOf>,
    ) -> std::io::Result<Self> {
        let (queue, inbox) = channel();
        let shared = Arc::new(Shared {
            committer: Mutex::new(Turn { committer, dozing: false }),
            waiting: AtomicUsize::new(0),
            beside: AtomicBool::new(false),
        });
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&theirs, &inbox))?;
        Ok(Writer { inner: Arc::new(Inner { queue, shared, known, children, thread: Some(thread) }) })
    }

    /// Queues a batch. `done` runs on the writer's thread after the commit that holds the batch.
    ///
    /// `durable`: the commit is synced before `done` (outcomes, the end of a run). Otherwise it survives the
    /// end of the process but not a power loss (starts, logs), until the next durable commit of any run.
    pub fn submit(&self, batch: Batch, durable: bool, done: impl FnOnce(Outcome) + Send + 'static) {
        let work = self.work(batch, durable);
        self.inner.shared.waiting.fetch_add(1, Ordering::AcqRel);
        if let Err(refused) = self.inner.queue.send(Message::Work(work, Box::new(done)))
            && let Message::Work(_, done) = refused.0
        {
            done(Err(Arc::new(StoreError::Closed)));
        }
    }

    /// Commits a batch on the calling thread, as [`Writer::submit`] would; gives it back when others come first.
    ///
    /// Blocks for the disk when `durable`. A small batch is only put beside the database (`beside.rs`):
    /// other processes see it with the run's next commit, at the latest after [`SETTLE`], this one when it looks.
    pub fn commit_now(&self, batch: Batch, durable: bool) -> std::result::Result<Outcome, Batch> {
        let shared = &self.inner.shared;
        if shared.waiting.load(Ordering::Acquire) > 0 {
            return Err(batch);
        }
        let Ok(mut turn) = shared.committer.try_lock() else { return Err(batch) };
        let Batch { run, events, nodes } = batch;
        let (seen, kept) = (durable || !nodes.is_empty(), turn.committer.hold(&run, events, nodes, durable));
        let (events, nodes) = match kept {
            Ok(()) => {
                if seen {
                    shared.beside.store(true, Ordering::Release);
                }
                if std::mem::take(&mut turn.dozing) {
                    let _ = self.inner.queue.send(Message::Look);
                }
                return Ok(Ok(()));
            }
            Err(back) => back,
        };
        let batch = Batch { run, events, nodes };
        let work = self.work(batch, durable);
        let outcome = turn.committer.commit(std::slice::from_ref(&work)).pop().unwrap_or(Ok(()));
        if turn.committer.wants_checkpoint() || std::mem::take(&mut turn.dozing) {
            // The thread ends with the last handle, so it is there.
            let _ = self.inner.queue.send(Message::Look);
        }
        Ok(outcome)
    }

    /// Moves what is beside the database into it, so that this process reads what it wrote.
    pub(super) fn settle(&self) {
        let shared = &self.inner.shared;
        if shared.beside.swap(false, Ordering::AcqRel) {
            // What fails here fails the run's next commit, too.
            let _: Result<()> = shared.turn().committer.settle();
        }
    }

    fn work(&self, batch: Batch, durable: bool) -> Work {
        let nodes = batch
            .nodes
            .into_iter()
            .map(|node| {
                let known = self.inner.known.lock().is_ok_and(|known| known.contains(&node.digest));
                PackedNode::new(node, known, self.inner.children)
            })
            .collect();
        Work { run: batch.run, events: batch.events, nodes, durable }
    }

    /// Submits and waits. Not for async code.
    pub fn write(&self, batch: Batch, durable: bool) -> std::result::Result<(), Arc<StoreError>> {
        let (send, receive) = channel();
        self.submit(batch, durable, move |outcome| {
            let _ = send.send(outcome);
        });
        receive.recv().unwrap_or_else(|_| Err(Arc::new(StoreError::Closed)))
    }
}

fn serve(shared: &Shared, inbox: &Receiver<Message>) {
    let mut work = Vec::new();
    let mut done: Vec<Done> = Vec::new();
    let mut beat = Instant::now();
    let mut stopping = false;
    while !stopping {
        let (stale, recording) = {
            let mut turn = shared.turn();
            turn.dozing = !turn.committer.stale();
            (turn.committer.stale(), turn.committer.recording())
        };
        let first = if stale || recording {
            inbox.recv_timeout(if stale { SETTLE } else { BEAT })
        } else {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match first {
            Ok(message) => stopping |= take(message, &mut work, &mut done),
            Err(RecvTimeoutError::Disconnected) => stopping = true,
            Err(RecvTimeoutError::Timeout) => {
                // Rows of `runs` are derived: failing to refresh one loses nothing, the next commit will tell.
                let _: Result<()> = shared.turn().committer.refresh(beat.elapsed() >= BEAT);
                if beat.elapsed() >= BEAT {
                    beat = Instant::now();
                }
                continue;
            }
        }
        while work.len() < GROUP
            && let Ok(message) = inbox.try_recv()
        {
            stopping |= take(message, &mut work, &mut done);
        }
        if !work.is_empty() {
            let results = shared.turn().committer.commit(&work);
            shared.waiting.fetch_sub(work.len(), Ordering::AcqRel);
            for (done, result) in done.drain(..).zip(results) {
                // A callback that panics must not end recording for everybody.
                let _ = std::panic::catch_unwind(AssertUnwindSafe(|| done(result)));
            }
            work.clear();
        }
        // A failed checkpoint leaves the log as it is; a disk that is full fails the next commit.
        let _: Result<()> = shared.turn().committer.checkpoint();
    }
    let _: Result<()> = shared.turn().committer.refresh(false);
}

fn take(message: Message, work: &mut Vec<Work>, done: &mut Vec<Done>) -> bool {
    match message {
        Message::Work(item, callback) => {
            work.push(item);
            done.push(callback);
            false
        }
        Message::Look => false,
        Message::Stop => true,
    }
}
