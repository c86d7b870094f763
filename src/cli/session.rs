//! Engine and store as the workbench asks for them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver as StdReceiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::args::{EngineArgs, InputArgs};
use super::context::{Context, recorded_input, replayed_application};
use super::judging::{Judging, Told};
use super::staged::Staged;
use super::tabs::{self, Shelf};
use super::{input, lock};
use crate::app::find::{FindAsk, FoundEnd, FoundHit, Indexing};
use crate::base::clock::SystemClock;
use crate::base::ids::{CallNo, RunId};
use crate::base::whole;
use crate::engine::project::Application;
use crate::engine::step::{Budget, GateEvent, Goal, StepCommand, Stepper, Stepping};
use crate::engine::verdict::Judge;
use crate::engine::{self, Ending, RunHandle, RunSpec};
use crate::find::StoreNodes;
use crate::model::filter::Filter;
use crate::model::fork::{Fork, ForkEffects, ForkPlan};
use crate::model::points::Point;
use crate::model::{Event, Mode, RunHistory, RunSummary, ValueRef};
use crate::store::Store;
use crate::tui::backend::{
    AppInfo, Ask, Backend, BackendEvent, Comparison, How, Judged, PairId, PairView, Param, Payload, Piece,
    ProjectInfo, Sources, Start, TabKey, TabView, ValueView,
};
use crate::value::lazy::Reader;
use crate::watch::{self, TreeWatch};

/// Events of running runs are handed on this often.
const BATCH: Duration = Duration::from_millis(16);
/// Changes of the store by other processes are reported this often.
const SETTLE: Duration = Duration::from_millis(250);

/// Where the workbench keeps what outlives it, beside the store.
const SAVED: &str = "workbench.json";

/// Among how many runs the last input of an application is looked for.
const LAST_RUNS: usize = 200;

enum Report {
    Events(RunId, Vec<Event>),
    Gate(RunId, GateEvent),
    Store,
    Sources,
    Judged(Judged),
    Settings,
    Notice(String),
    Failed(String),
}

/// The workbench's backend in this process.
pub struct Session {
    context: Context,
    store: Store,
    reports: Sender<Report>,
    inbox: Mutex<Option<StdReceiver<Report>>>,
    running: Arc<Mutex<HashMap<RunId, Running>>>,
    finder: super::finding::Finding,
    watch: Mutex<Option<watch::Watch>>,
    settings: Mutex<Option<TreeWatch>>,
    shelf: Shelf,
    judging: Mutex<Option<Judging>>,
    /// Files that other programs were given; they go with the workbench.
    staged: Staged,
}

struct Running {
    commands: tokio::sync::mpsc::UnboundedSender<engine::local::Command>,
    thread: std::thread::JoinHandle<()>,
}

impl Session {
    /// For a project and its store.
    pub fn new(context: Context, store: Store) -> Self {
        let (reports, inbox) = channel();
        Session {
            context,
            store,
            reports,
            inbox: Mutex::new(Some(inbox)),
            running: Arc::default(),
            watch: Mutex::new(None),
            settings: Mutex::new(None),
            finder: super::finding::Finding::default(),
            shelf: Shelf::default(),
            judging: Mutex::new(None),
            staged: Staged::default(),
        }
    }

    fn run_spec(&self, app: &Application, input: serde_json::Value) -> Result<RunSpec, String> {
        self.context.run_spec(app, input, &EngineArgs::default()).map_err(|error| error.message)
    }

    fn spec(&self, what: Start) -> Result<RunSpec, String> {
        match what {
            Start::Run { app, input } => {
                let app = self.context.application(Some(&app)).map_err(|error| error.message)?;
                let args = InputArgs { input: None, args: vec![] };
                let given = match input {
                    Some(text) => {
                        let given =
                            serde_json::from_str(&text).map_err(|error| format!("not JSON: {error}"))?;
                        // The form begins with the input of the last run.
                        crate::value::secrets::unmarked(&given).map_err(|why| format!("the input: {why}"))?;
                        given
                    }
                    None => {
                        input::resolve(&args, &app, &self.context.project).map_err(|error| error.message)?
                    }
                };
                self.run_spec(&app, given)
            }
            Start::Replay { run, mode, from } => Ok(RunSpec { mode, from, ..self.replay_spec(run)? }),
            Start::Fork(fork) => Ok(RunSpec {
                mode: Mode::Adaptive,
                edits: fork.edits,
                effects: match fork.effects {
                    ForkEffects::Ask => engine::Effects::Ask,
                    ForkEffects::Skip => engine::Effects::Skip,
                    ForkEffects::Rerun => engine::Effects::Rerun,
                },
                ..self.replay_spec(fork.run)?
            }),
            Start::Resample { run, call, count, effects } => Ok(RunSpec {
                effects: if effects { engine::Effects::Rerun } else { engine::Effects::Fail },
                samples: Some((call, count)),
                ..self.replay_spec(run)?
            }),
            Start::Step { run, .. } => {
                Ok(RunSpec { mode: Mode::Adaptive, effects: engine::Effects::Ask, ..self.replay_spec(run)? })
            }
        }
    }

    fn replay_spec(&self, run: RunId) -> Result<RunSpec, String> {
        let parent = self.history(&run)?;
        super::launch::no_samples(&parent).map_err(|error| error.message)?;
        let app = replayed_application(&self.context, &parent).map_err(|error| error.message)?;
        let recorded = recorded_input(&self.store, &parent).map_err(|error| error.message)?;
        Ok(RunSpec { parent: Some(run), ..self.run_spec(&app, recorded)? })
    }

    /// Stays with a run to its end; a run that could not begin is said as a notice.
    fn keep(&self, handle: RunHandle) -> RunId {
        let id = handle.id.clone();
        let commands = handle.commands();
        let (reports, running, done) = (self.reports.clone(), self.running.clone(), id.clone());
        let root = format!("{}/", self.context.project.root.display());
        let wait = move || {
            let text = match handle.wait() {
                Ending::Recorded { .. } => None,
                Ending::NotLoaded(error) => {
                    let message = super::launch::not_loaded(&error).message;
                    let first = message.lines().next().unwrap_or_default();
                    Some(format!("The run did not start: {}", first.strip_prefix(&root).unwrap_or(first)))
                }
                Ending::StoreFailed(text) => Some(format!("The run could not be recorded: {text}")),
            };
            if let Some(text) = text {
                let _ = reports.send(Report::Failed(text));
            }
            lock(&running).remove(&done);
        };
        let mut held = lock(&self.running);
        if let Ok(thread) = std::thread::Builder::new().name("run".to_owned()).spawn(wait) {
            held.insert(id.clone(), Running { commands, thread });
        }
        id
    }

    /// Ends a run of this process and waits until that is recorded. False: it is none, or has ended.
    fn leave(&self, run: &RunId) -> bool {
        let Some(running) = lock(&self.running).remove(run) else { return false };
        let _ = running.commands.send(engine::local::Command::Kill);
        let _ = running.thread.join();
        true
    }

    /// Ends all runs of this process and waits until that is recorded.
    pub fn end_all(&self) {
        let running: Vec<Running> = lock(&self.running).drain().map(|(_, running)| running).collect();
        for run in &running {
            let _ = run.commands.send(engine::local::Command::Kill);
        }
        for run in running {
            let _ = run.thread.join();
        }
    }

    /// Watches the store's folder: other processes write there.
    fn watch(&self) {
        let reports = Mutex::new(self.reports.clone());
        let changed = move |_: &Path| {
            let _ = lock(&reports).send(Report::Store);
        };
        match watch::folders(&[self.context.project.store_dir()], changed) {
            Ok(watch) => *lock(&self.watch) = Some(watch),
            Err(error) => {
                let text = format!(
                    "files cannot be watched ({error}): runs of other processes show after a key press"
                );
                let _ = self.reports.send(Report::Notice(text));
            }
        }
    }

    /// Watches the files of settings, those that are not there yet as well.
    fn watch_settings(&self) {
        let reports = Mutex::new(self.reports.clone());
        let changed = move |report| {
            let report = match report {
                watch::Report::Changed(_) => Report::Settings,
                watch::Report::Notice(text) => Report::Notice(text),
            };
            let _ = lock(&reports).send(report);
        };
        match TreeWatch::start(super::settings::interest(&self.context.project.root), changed) {
            Ok(watch) => *lock(&self.settings) = Some(watch),
            Err(error) => {
                let _ = self.reports.send(Report::Notice(format!("settings cannot be watched: {error}")));
            }
        }
    }

    /// Starts the thread that watches sources and says what saves mean.
    fn start_judging(&self) {
        let reports = Mutex::new(self.reports.clone());
        let tell = move |told| {
            let report = match told {
                Told::Sources => Report::Sources,
                Told::Judged(judged) => Report::Judged(judged),
                Told::Notice(text) => Report::Notice(text),
            };
            let _ = lock(&reports).send(report);
        };
        match Judging::start(&self.context.project, &self.store, self.context.search(), tell) {
            Ok(judging) => *lock(&self.judging) = Some(judging),
            Err(error) => {
                let _ = self.reports.send(Report::Notice(format!("saves cannot be judged: {error}")));
            }
        }
    }
}

impl Backend for Session {
    fn outline(&self) -> ProjectInfo {
        let project = &self.context.project;
        let (name, root) = (project.name(), project.root.display().to_string());
        ProjectInfo { name, root, unread: true, ..ProjectInfo::default() }
    }

    fn project(&self) -> ProjectInfo {
        let (apps, problems) = self.context.project.applications();
        let root = &self.context.project.root;
        ProjectInfo {
            unread: false,
            applications: apps.iter().map(app_info).collect(),
            problems: problems
                .iter()
                .map(|p| {
                    format!(
                        "{}:{}: {}",
                        crate::base::paths::relative(&p.file, root).display(),
                        p.line,
                        p.text
                    )
                })
                .collect(),
            ..self.outline()
        }
    }

    fn settings(&self) -> Sources {
        // First, so that nothing that is saved from here on is missed: a theme may be new.
        if let Some(watch) = &*lock(&self.settings) {
            watch.attend(super::settings::interest(&self.context.project.root));
        }
        super::settings::sources(&self.context.project.root)
    }

    fn saved(&self) -> Option<String> {
        std::fs::read_to_string(self.context.project.store_dir().join(SAVED)).ok()
    }

    fn save(&self, text: &str) {
        let path = self.context.project.store_dir().join(SAVED);
        let _ = whole::replace(&path, text.as_bytes(), whole::PRIVATE);
    }

    fn runs(&self, limit: usize) -> Result<Vec<RunSummary>, String> {
        let rows = self.store.runs(None, limit).map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|row| row.summary).collect())
    }

    fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String> {
        let (history, damage) = self.store.shared_history(run).map_err(|error| error.to_string())?;
        if let Some(damage) = damage {
            let _ = self.reports.send(Report::Notice(damage.to_string()));
        }
        Ok(history)
    }

    fn events(&self, run: &RunId, after_seq: u64, limit: usize) -> Result<Vec<Event>, String> {
        self.store.events(run, after_seq, limit).map_err(|error| error.to_string())
    }

    fn value(&self, value: &ValueRef, ask: &Ask) -> Result<ValueView, String> {
        let source = StoreNodes(&self.store);
        let reader = Reader::new(&source);
        let root = reader.open(&value.digest, value.inline.as_deref()).map_err(|error| error.to_string())?;
        super::peek::peek(&reader, &root, ask).map_err(|error| error.to_string())
    }

    fn tab(&self, key: &TabKey) -> Result<TabView, String> {
        tabs::tab(&self.context, &self.store, &self.shelf, key)
    }

    fn compare(&self, a: Option<&RunId>, b: &RunId, how: &How) -> Result<Comparison, String> {
        let options = tabs::compare::options(&self.context, how);
        tabs::compare::comparison(&self.store, &self.shelf, a, b, &options)
    }

    fn compare_pair(&self, a: &RunId, b: &RunId, pair: PairId, how: &How) -> Result<PairView, String> {
        let options = tabs::compare::options(&self.context, how);
        tabs::compare::pair(&self.store, &self.shelf, (a, b), pair, &options, how.thorough)
    }

    fn filter(&self, run: &RunId, filter: &Filter) -> Result<Vec<CallNo>, String> {
        let history = self.history(run)?;
        super::filtered::matching(&self.store, &history, filter, None).map_err(|error| error.message)
    }

    fn find(&self, ask: &FindAsk, tell: &mut dyn FnMut(Vec<FoundHit>) -> bool) -> Result<FoundEnd, String> {
        self.finder.find(&self.store, ask, tell)
    }

    fn index(&self, tell: &mut dyn FnMut(Indexing)) -> Result<bool, String> {
        self.finder.update(&self.store, tell)
    }

    fn bytes(&self, value: &ValueRef, piece: &Piece, as_file: bool) -> Result<Payload, String> {
        super::payload::payload(&self.store, value, piece, as_file)
    }

    fn stage(&self, file: &str, bytes: &[u8]) -> Result<String, String> {
        self.staged.write(file, bytes).map_err(|error| format!("{file} cannot be written: {error}"))
    }

    fn last_input(&self, app: &str) -> Option<String> {
        let rows = self.store.runs(None, LAST_RUNS).ok()?;
        let input = match rows.into_iter().find(|row| row.summary.app == app) {
            Some(run) => {
                let history = self.store.history(&run.summary.id).ok()?.history;
                recorded_input(&self.store, &history).ok()?
            }
            // The input that `tl-bench.toml` names.
            None => {
                let app = self.context.application(Some(app)).ok()?;
                let none = InputArgs { input: None, args: vec![] };
                input::resolve(&none, &app, &self.context.project).ok()?
            }
        };
        serde_json::to_string(&input).ok()
    }

    fn judge(&self, run: Option<&RunId>) {
        if let Some(judging) = &*lock(&self.judging) {
            judging.attend(run.cloned());
        }
    }

    fn pin(&self, run: &RunId, pinned: bool) -> Result<(), String> {
        self.store.pin(run, pinned).map_err(|error| error.to_string())
    }

    fn delete(&self, run: &RunId) -> Result<(), String> {
        self.store.delete_run(run).map_err(|error| error.to_string())
    }

    fn write(&self, file: &str, bytes: &[u8]) -> Result<String, String> {
        let path = std::path::absolute(file).map_err(|error| error.to_string())?;
        let told = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("{} exists already; nothing was written.", path.display())
            }
            _ => format!("{} cannot be written: {error}", path.display()),
        };
        let mut out = std::fs::File::create_new(&path).map_err(told)?;
        std::io::Write::write_all(&mut out, bytes).map_err(told)?;
        Ok(path.display().to_string())
    }

    fn start(&self, what: Start) -> Result<RunId, String> {
        let mut back = false;
        let stepping = match &what {
            Start::Step { run, goal, breakpoints, budget } => {
                back = self.leave(run);
                Some(Stepper::new(goal.clone(), breakpoints.clone(), *budget))
            }
            // It stops at effects alone.
            Start::Fork(fork) if fork.effects == ForkEffects::Ask => {
                Some(Stepper::new(Goal::Continue, Vec::new(), Budget::default()))
            }
            _ => None,
        };
        let spec = RunSpec { back, ..self.spec(what)? };
        let reports = Mutex::new(self.reports.clone());
        let observer = Box::new(move |run: &RunId, events: &[Event]| {
            let _ = lock(&reports).send(Report::Events(run.clone(), events.to_vec()));
        });
        let clock = Arc::new(SystemClock);
        let handle = match stepping {
            None => engine::start(&self.store, spec, clock, Some(observer)),
            Some(stepper) => {
                let gate = Mutex::new(self.reports.clone());
                let tell = Box::new(move |run: &RunId, event| {
                    let _ = lock(&gate).send(Report::Gate(run.clone(), event));
                });
                engine::start_stepping(&self.store, spec, clock, observer, Stepping { stepper, tell })
            }
        };
        Ok(self.keep(handle.map_err(|error| error.to_string())?))
    }

    fn step(&self, run: &RunId, commands: Vec<StepCommand>) -> Result<(), String> {
        let held = lock(&self.running);
        let Some(running) = held.get(run) else { return Err("The run has ended.".to_owned()) };
        for command in commands {
            let _ = running.commands.send(engine::local::Command::Step(command));
        }
        Ok(())
    }

    fn points(&self) -> Result<Vec<Point>, String> {
        super::breakpoints::load(&self.context)
    }

    fn save_points(&self, points: &[Point]) -> Result<(), String> {
        super::breakpoints::save(&self.context, points)
    }

    fn change_ignored(&self, add: &[String], remove: &[String]) -> Result<(), String> {
        engine::rules::change(&self.context.project.root, add, remove)
    }

    fn plan(&self, fork: &Fork) -> Result<ForkPlan, String> {
        let run = self.history(&fork.run)?;
        fork.edits.iter().try_for_each(|(_, edit)| super::edits::unmarked(edit))?;
        for (no, edit) in fork.edits.iter().filter(|_| !fork.any_type) {
            super::edits::fits(&self.store, &run, *no, edit)?;
        }
        let mut plan = Judge::new(&self.context.project, &self.store, self.context.search())
            .plan(&fork.run, &fork.edits)
            .map_err(|error| error.to_string())?;
        plan.changed = super::edits::changes(&self.store, &run, &fork.edits);
        Ok(plan)
    }

    fn json(&self, value: &ValueRef) -> Result<String, String> {
        let view = super::edits::editable(&self.store, value)?;
        serde_json::to_string_pretty(&view).map(|text| text + "\n").map_err(|error| error.to_string())
    }

    fn stop(&self, run: &RunId, force: bool) -> Result<(), String> {
        let command = if force { engine::local::Command::Kill } else { engine::local::Command::Stop };
        if let Some(running) = lock(&self.running).get(run) {
            let _ = running.commands.send(command);
            return Ok(());
        }
        let row = self.store.run(run).map_err(|error| error.to_string())?;
        if !row.alive {
            return Err("the run has ended".to_owned());
        }
        // Another process executes it: it handles an interrupt as the first or second Ctrl-C.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(row.pid).map_err(|error| error.to_string())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT)
            .map_err(|error| format!("cannot tell process {pid}: {error}"))
    }

    fn subscribe(&self) -> mpsc::Receiver<BackendEvent> {
        let (send, receive) = mpsc::channel(256);
        if let Some(inbox) = lock(&self.inbox).take() {
            let store = self.store.clone();
            let pump = move || pump(&store, &inbox, &send);
            if std::thread::Builder::new().name("reports".to_owned()).spawn(pump).is_ok() {
                self.watch();
                self.watch_settings();
                self.start_judging();
            }
        }
        receive
    }
}

fn app_info(app: &Application) -> AppInfo {
    AppInfo {
        name: app.name.clone(),
        file: app.file.display().to_string(),
        line: u32::try_from(app.line).unwrap_or(0),
        params: app
            .params
            .iter()
            .map(|p| Param {
                name: p.name.clone(),
                hint: p.hint.clone(),
                default: p.optional.then(|| "its default".to_owned()),
            })
            .collect(),
    }
}

/// Gathers what is reported and hands it on in batches. Sleeps when nothing is reported.
fn pump(store: &Store, inbox: &StdReceiver<Report>, send: &mpsc::Sender<BackendEvent>) {
    let mut seen = store.change_counter();
    let patience = |report: &Report| match report {
        Report::Store => SETTLE,
        // Somebody saved and looks.
        Report::Judged(_) => Duration::ZERO,
        // Somebody waits for it.
        Report::Gate(..) => Duration::ZERO,
        _ => BATCH,
    };
    while let Some(batch) = watch::gather(inbox, patience) {
        let mut runs: Vec<(RunId, Vec<Event>)> = Vec::new();
        let (mut out, mut gates) = (Vec::new(), Vec::new());
        let (mut foreign, mut sources, mut settings) = (false, false, false);
        for report in batch {
            match report {
                Report::Events(run, events) => match runs.iter_mut().find(|(id, _)| *id == run) {
                    Some((_, held)) => held.extend(events),
                    None => runs.push((run, events)),
                },
                Report::Gate(run, event) => gates.push(BackendEvent::Gate { run, event }),
                Report::Store => foreign = true,
                Report::Sources => sources = true,
                Report::Judged(judged) => out.push(BackendEvent::Judged(judged)),
                Report::Settings => settings = true,
                Report::Notice(text) => out.push(BackendEvent::Notice(text)),
                Report::Failed(text) => out.push(BackendEvent::Failed(text)),
            }
        }
        out.extend(runs.into_iter().map(|(run, events)| BackendEvent::Run { run, events }));
        // What waits is known already: the events that led there came before.
        out.append(&mut gates);
        if settings {
            out.push(BackendEvent::SettingsChanged);
        }
        if sources {
            out.push(BackendEvent::ProjectChanged);
        }
        if foreign {
            let now = store.change_counter();
            if now != seen {
                seen = now;
                out.push(BackendEvent::Changed);
            }
        }
        for event in out {
            if send.blocking_send(event).is_err() {
                return;
            }
        }
    }
}
