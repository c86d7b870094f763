//! Starting a run and holding on to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::checkpoints::{Checkpoints, Found, LoadError};
use super::coder::Analyst;
use super::core::{Core, CoreSpec, Effects, Ending, InDoubt};
use super::early::Early;
use super::files::Files;
use super::local::{Admitted, Command, Observer, Record};
use super::prefetch::Prefetch;
use super::replay::Replay;
use super::step::{StepCommand, Stepping};
use super::track::{Track, Tracked};
use super::values::Prices;
use crate::base::clock::Clock;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::find::StoreNodes;
use crate::model::fork::Edit;
use crate::model::{CallKind, Mode, Purpose, RunHistory, ValueRef};
use crate::store::Store;
use crate::value::{self, NodeSource, StoredNode};

/// Checkpoints of one fingerprint that are looked at.
const CANDIDATES: usize = 64;
/// Outputs that are read before a replay asks for any: how many, the largest, and their bytes in all.
const FIRST: usize = 2_048;
const FIRST_SIZE: u64 = 64 << 10;
const FIRST_SIZES: u64 = 4 << 20;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// The project's folder.
    pub project: PathBuf,
    /// The application's file.
    pub file: PathBuf,
    /// The application.
    pub app: String,
    /// A JSON object by parameter name.
    pub input: serde_json::Value,
    /// How it reuses.
    pub mode: Mode,
    /// The run that it replays.
    pub parent: Option<RunId>,
    /// Serve only what was asked for before this call of the parent.
    pub from: Option<CallNo>,
    /// Calls of the parent that are to have other outputs or arguments.
    pub edits: Vec<(CallNo, Edit)>,
    /// What to do with calls in doubt.
    pub in_doubt: InDoubt,
    /// What to do with effects that would happen again.
    pub effects: Effects,
    /// Most worker processes.
    pub workers: u32,
    /// Most calls that execute at once in a worker.
    pub slots: u32,
    /// The interpreter.
    pub python: PathBuf,
    /// What the project tracks beside what is found by itself.
    pub track: Track,
    /// What tokens cost.
    pub prices: Prices,
    /// The run that it replays is a test, which answers these calls.
    pub golden: Option<super::replay::Answers>,
    /// It goes back in the run that it replays, which was left for it.
    pub back: bool,
    /// A call of the parent that is executed this often, in place of the application.
    pub samples: Option<(CallNo, u32)>,
}

/// A run could not be started; nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The runtime could not be installed.
    #[error(transparent)]
    Install(#[from] crate::python::install::InstallError),
    /// The call that is to be sampled cannot be.
    #[error("{0}")]
    Sample(String),
    /// Workers cannot be told of a file or folder: their protocol is text.
    #[error(
        "cannot start a run: the path {0:?} is not UTF-8, and Python code is told of it in text; rename what is escaped in it"
    )]
    NotText(PathBuf),
    /// The machine refused something.
    #[error("cannot start a run: {0}")]
    Io(#[from] std::io::Error),
}

/// Whether workers can be told of a file or folder.
pub(super) fn tellable(path: &Path) -> Result<(), StartError> {
    if path.to_str().is_some() { Ok(()) } else { Err(StartError::NotText(path.to_owned())) }
}

/// A run that goes on in a thread of its own.
pub struct RunHandle {
    /// Its id.
    pub id: RunId,
    commands: mpsc::UnboundedSender<Command>,
    thread: Option<JoinHandle<Ending>>,
}

impl RunHandle {
    /// Starts nothing more and lets end what runs.
    pub fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }

    /// Ends it at once.
    pub fn kill(&self) {
        let _ = self.commands.send(Command::Kill);
    }

    /// Answers at the gate, and says where to stop next.
    pub fn step(&self, command: StepCommand) {
        let _ = self.commands.send(Command::Step(command));
    }

    /// A sender for [`Command`]s, for signal handlers.
    pub fn commands(&self) -> mpsc::UnboundedSender<Command> {
        self.commands.clone()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ending {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ending)) => ending,
            _ => Ending::StoreFailed("the engine's thread panicked; please report this".to_owned()),
        }
    }
}

/// Starts a run.
pub fn start(
    store: &Store,
    spec: RunSpec,
    clock: Arc<dyn Clock>,
    observer: Option<Observer>,
) -> Result<RunHandle, StartError> {
    launch(store, spec, clock, observer, None, None)
}

/// Starts a run whose first workers were started before.
pub fn start_early(
    early: Option<Early>,
    store: &Store,
    spec: RunSpec,
    clock: Arc<dyn Clock>,
    observer: Option<Observer>,
) -> Result<RunHandle, StartError> {
    launch(store, spec, clock, observer, None, early)
}

/// Starts a run that stops where the stepper says so; answers go to [`RunHandle::step`].
pub fn start_stepping(
    store: &Store,
    spec: RunSpec,
    clock: Arc<dyn Clock>,
    observer: Observer,
    stepping: Stepping,
) -> Result<RunHandle, StartError> {
    launch(store, spec, clock, Some(observer), Some(stepping), None)
}

fn launch(
    store: &Store,
    spec: RunSpec,
    clock: Arc<dyn Clock>,
    observer: Option<Observer>,
    stepping: Option<Stepping>,
    early: Option<Early>,
) -> Result<RunHandle, StartError> {
    tellable(&spec.file)?;
    let early = early.filter(|early| early.fits(&spec.python, &spec.project, spec.workers));
    let mut early = match early {
        Some(early) => early,
        None => Early::start(&spec.python, &spec.project, spec.workers, &*clock)?,
    };
    let id = RunId::from_random(clock.random());
    let writer = store.writer()?;
    let files = Arc::new(Files::new(&spec.project, clock.clone(), &spec.track.ignore));
    early.admit(Admitted {
        file: spec.file.clone(),
        slots: spec.slots,
        files: files.clone(),
        secrets: spec.track.secrets.names().to_vec(),
    });
    let checkpoints: Arc<dyn Checkpoints> = Arc::new(StoreCheckpoints::new(store));
    let base = match &spec.parent {
        Some(parent) => Some(Arc::new(store.history(parent)?.history)),
        None => None,
    };
    if let Some(run) = &base {
        read_first(run, &*checkpoints);
    }
    let samples = match (&base, spec.samples) {
        (Some(run), Some((call, count))) => Some(super::samples::sampling(store, run, call, count)?),
        _ => None,
    };
    let mut replay = Replay::new(spec.mode, base, spec.from, files.clone());
    replay.set_edits(spec.edits.iter().cloned().collect());
    replay.set_accepted(&store.accepted()?.declarations);
    replay.set_golden(spec.golden.clone());
    let tracked = Tracked::new(&spec.project, spec.track.clone());
    let coder = Analyst::new(&spec.project, &spec.file, files.clone(), tracked);
    let core = Core::new(
        CoreSpec {
            run: id.clone(),
            app: spec.app.clone(),
            file: spec.file.display().to_string(),
            input: spec.input.clone(),
            mode: spec.mode,
            parent: spec.parent.clone(),
            in_doubt: spec.in_doubt.clone(),
            effects: spec.effects,
            workers: spec.workers,
            slots: spec.slots,
            driver: false,
            prices: spec.prices.clone(),
            purpose: if spec.back { Purpose::StepBack } else { Purpose::Application },
            samples,
            secrets: spec.track.secrets.clone(),
        },
        clock.clone(),
        checkpoints,
        Box::new(coder),
        files.clone(),
        replay,
    );
    let (core, teller) = match stepping {
        Some(stepping) => (core.stepped(stepping.stepper), Some(stepping.tell)),
        None => (core, None),
    };
    let record = Record { run: id.clone(), writer, observer, clock, teller };
    let (commands, thread) = early.begin(core, record);
    Ok(RunHandle { id, commands, thread })
}

/// What a replay will probably serve first is read while its workers start.
fn read_first(run: &RunHistory, checkpoints: &dyn Checkpoints) {
    let below = run.calls.iter().filter(|call| call.kind == CallKind::Call);
    let outputs = below.filter_map(|call| call.output.as_ref()).filter(|value| value.size <= FIRST_SIZE);
    let mut bytes = 0;
    let first = outputs.take(FIRST).take_while(|value| {
        bytes += value.size;
        bytes <= FIRST_SIZES
    });
    checkpoints.ahead(&first.collect::<Vec<_>>());
}

/// The store as the scheduler sees it.
pub struct StoreCheckpoints {
    store: Store,
    ahead: Prefetch,
}

impl StoreCheckpoints {
    /// For this store.
    pub fn new(store: &Store) -> Self {
        StoreCheckpoints { store: store.clone(), ahead: Prefetch::default() }
    }
}

/// [`StoreNodes`], after what was read ahead.
struct AheadNodes<'a>(&'a StoreCheckpoints);

impl NodeSource for AheadNodes<'_> {
    fn get(&self, digest: &Digest) -> Result<StoredNode, value::NodeError> {
        match self.0.ahead.take(digest) {
            Some(data) => Ok(StoredNode { data, verified: true }),
            None => StoreNodes(&self.0.store).get(digest),
        }
    }
}

impl Checkpoints for StoreCheckpoints {
    fn load(&self, value: &ValueRef) -> Result<Bytes, LoadError> {
        if let Some(why) = value.lost() {
            return Err(LoadError::Absent(format!("it held {why}")));
        }
        let kept = value.withheld.as_ref().and_then(|withheld| withheld.kept);
        let (digest, inline) = match &kept {
            Some(kept) => (kept, None),
            None => (&value.digest, value.inline.as_deref()),
        };
        value::unpack(digest, inline, &AheadNodes(self)).map_err(|error| LoadError::Absent(error.to_string()))
    }

    fn ahead(&self, values: &[&ValueRef]) {
        let wanted = values.iter().filter(|value| value.inline.is_none()).map(|value| value.digest);
        let store = self.store.clone();
        let read = move |digests: &[Digest]| {
            let found = store.nodes(digests).unwrap_or_default();
            digests.iter().zip(found).filter_map(|(digest, node)| Some((*digest, node.ok()?))).collect()
        };
        self.ahead.want(wanted, || Box::new(read));
    }

    fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String> {
        self.store.history(run).map(|found| Arc::new(found.history)).map_err(|error| error.to_string())
    }

    fn candidates(&self, fingerprints: &[Digest]) -> Result<Vec<Found>, String> {
        let hits = self.store.candidates(fingerprints, CANDIDATES).map_err(|error| error.to_string())?;
        let mut found = vec![Found::new(); fingerprints.len()];
        for hit in hits {
            if let Some(calls) = found.get_mut(hit.asked) {
                calls.push((hit.run, hit.call));
            }
        }
        Ok(found)
    }
}

/// A recorded JSON value as it was given, secrets included when they are kept.
pub fn whole_json(store: &Store, value: &ValueRef) -> Result<serde_json::Value, String> {
    match value.withheld.as_ref().and_then(|withheld| withheld.kept) {
        Some(kept) => {
            let tree =
                value::load_value(&kept, None, &StoreNodes(store)).map_err(|error| error.to_string())?;
            value::to_plain_json(&tree).ok_or_else(|| "a kept value is no JSON".to_owned())
        }
        None => json_of(store, value),
    }
}

/// A recorded JSON value, such as an application's output.
pub fn json_of(store: &Store, value: &ValueRef) -> Result<serde_json::Value, String> {
    value::load_value(&value.digest, value.inline.as_deref(), &StoreNodes(store))
        .map(|tree| {
            value::to_plain_json(&tree)
                .unwrap_or_else(|| value::view::to_json(&tree, &value::view::ViewLimits::full()).json)
        })
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::secrets::Secrets;
    use crate::engine::values::Packer;
    use crate::store::{Batch, NodeRules, Options};

    /// Small ones, ones of several nodes, and one that is not there.
    #[test]
    fn what_is_read_ahead_is_what_would_be_read_when_it_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = NodeRules { children: Some(value::children), ..NodeRules::default() };
        let store = Store::open(dir.path(), Options { nodes, ..Options::default() }).unwrap();
        let packer = Packer::new(&Secrets::default());
        let text = |at: usize| format!("{at} {}", "a long answer ".repeat(400));
        let values = [
            serde_json::json!(text(0)),
            serde_json::json!((0..90).map(text).collect::<Vec<_>>()),
            serde_json::Value::Object((0..90).map(|at| (text(at), serde_json::json!([at]))).collect()),
        ];
        let ready: Vec<_> = values.iter().map(|value| packer.json_value(value)).collect();
        let nodes = ready.iter().flat_map(|one| one.pieces.clone()).collect::<Vec<_>>();
        assert!(nodes.len() > values.len());
        let run = RunId::from_random(1);
        store.writer().unwrap().write(Batch { run, events: vec![], nodes }, true).unwrap();
        let direct = StoreCheckpoints::new(&store);
        let ahead = StoreCheckpoints::new(&store);
        let nowhere = ValueRef { digest: Digest::of(b"nowhere"), ..ready[0].value.clone() };
        let wanted = ready.iter().map(|one| &one.value).chain([&nowhere]);
        ahead.ahead(&wanted.collect::<Vec<_>>());
        for one in &ready {
            assert_eq!(one.value.inline, None);
            assert_eq!(ahead.load(&one.value).unwrap(), direct.load(&one.value).unwrap());
        }
        assert!(ahead.load(&nowhere).is_err());
    }
}
