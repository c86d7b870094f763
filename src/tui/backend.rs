//! What the workbench asks of the engine and the store.

use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use crate::app::find::{FindAsk, FoundEnd, FoundHit, Indexing};
use crate::base::ids::{CallNo, RunId};
use crate::model::filter::Filter;
use crate::model::fork::ForkPlan;
use crate::model::gate::StepCommand;
use crate::model::points::Point;
use crate::model::{Event, RunHistory, RunSummary, ValueRef};

pub use crate::app::compare::{Comparison, How, PairId, PairView};
pub use crate::app::msg::{
    AppInfo, Ask, BackendEvent, Fork, Judged, Param, Payload, Piece, ProjectInfo, SourceFile, Sources, Start,
    ValueView,
};
pub use crate::app::tab::{TabKey, TabView};

/// The engine and the store.
///
/// All methods but [`Backend::subscribe`] and [`Backend::judge`] may block: the loop calls them on tokio's blocking threads. Errors are
/// sentences for the user.
pub trait Backend: Send + Sync + 'static {
    /// The project's name and folder; nothing of it is read for that.
    fn outline(&self) -> ProjectInfo;

    /// The project and its applications, as of now.
    fn project(&self) -> ProjectInfo;

    /// The files that settings are made of, as of now.
    fn settings(&self) -> Sources;

    /// What [`Backend::save`] kept, when there is something.
    fn saved(&self) -> Option<String>;

    /// Keeps a text for the next time that the workbench is opened in this project.
    fn save(&self, text: &str);

    /// The latest runs, newest first.
    fn runs(&self, limit: usize) -> Result<Vec<RunSummary>, String>;

    /// All of a run so far. A run whose engine is known to be dead comes back closed as interrupted.
    fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String>;

    /// What follows `after_seq` in a run's log, at most `limit` events; for runs of other processes.
    fn events(&self, run: &RunId, after_seq: u64, limit: usize) -> Result<Vec<Event>, String>;

    /// The part of a value that is asked for. It need not be sanitised.
    fn value(&self, value: &ValueRef, ask: &Ask) -> Result<ValueView, String>;

    /// A tab of the inspector that is loaded. It need not be sanitised.
    fn tab(&self, key: &TabKey) -> Result<TabView, String>;

    /// Two runs as one tree; without the first, the one that the second replays, else the one before it.
    fn compare(&self, a: Option<&RunId>, b: &RunId, how: &How) -> Result<Comparison, String>;

    /// What differs inside a pair of calls of two runs. It need not be sanitised.
    fn compare_pair(&self, a: &RunId, b: &RunId, pair: PairId, how: &How) -> Result<PairView, String>;

    /// The calls of a run that a filter means, judged by their whole values.
    fn filter(&self, run: &RunId, filter: &Filter) -> Result<Vec<CallNo>, String>;

    /// Looks for words in all runs and hands on what it finds, until that answers `false`: nobody wants more.
    fn find(&self, ask: &FindAsk, tell: &mut dyn FnMut(Vec<FoundHit>) -> bool) -> Result<FoundEnd, String>;

    /// Brings the index of search up to date; says whether that changed something.
    fn index(&self, tell: &mut dyn FnMut(Indexing)) -> Result<bool, String>;

    /// The bytes of a part of a value: a string's or bytes' own, else the JSON view. `as_file`: when it carries a file,
    /// those of the file.
    fn bytes(&self, value: &ValueRef, piece: &Piece, as_file: bool) -> Result<Payload, String>;

    /// Writes a file that only this user can read, and that goes when the workbench is left; says where it is.
    fn stage(&self, file: &str, bytes: &[u8]) -> Result<String, String>;

    /// The input of an application's last run as JSON.
    fn last_input(&self, app: &str) -> Option<String>;

    /// From now on this run is judged after each save, beginning at once; the same again judges it anew. Returns at
    /// once: what is found comes as [`BackendEvent::Judged`].
    fn judge(&self, run: Option<&RunId>);

    /// Keeps a run whatever happens, or no longer.
    fn pin(&self, run: &RunId, pinned: bool) -> Result<(), String>;

    /// Deletes a run.
    fn delete(&self, run: &RunId) -> Result<(), String>;

    /// Writes a file that does not exist yet; says where it is.
    fn write(&self, file: &str, bytes: &[u8]) -> Result<String, String>;

    /// Starts a run in this process and returns as soon as it has an id. Its events come through
    /// [`Backend::subscribe`], the first with sequence number 1; it does not matter which arrives first.
    fn start(&self, what: Start) -> Result<RunId, String>;

    /// Says what is to happen at the gate of a run of this process.
    fn step(&self, run: &RunId, commands: Vec<StepCommand>) -> Result<(), String>;

    /// What a fork would do, or why the output that it gives cannot be taken.
    fn plan(&self, fork: &Fork) -> Result<ForkPlan, String>;

    /// The project's breakpoints.
    fn points(&self) -> Result<Vec<Point>, String>;

    /// Keeps the project's breakpoints.
    fn save_points(&self, points: &[Point]) -> Result<(), String>;

    /// Writes patterns of places that do not count into the project's file, and takes others out.
    fn change_ignored(&self, add: &[String], remove: &[String]) -> Result<(), String>;

    /// A value as JSON that can be edited and read back as what it is; else why it cannot.
    fn json(&self, value: &ValueRef) -> Result<String, String>;

    /// Stops a run. Without `force` what executes may finish; with it workers are killed. For a run of another
    /// process an error, unless it can be told.
    fn stop(&self, run: &RunId, force: bool) -> Result<(), String>;

    /// What happens from now on. Called once, within a tokio runtime. Events of runs of this process come
    /// batched (a batch every 16 ms or more is enough); [`BackendEvent::Changed`] is sent when another process
    /// changed the store, and only then, so that an idle workbench never wakes up. When the channel closes the
    /// workbench goes on with what it has.
    fn subscribe(&self) -> Receiver<BackendEvent>;
}
