//! Judges runs again and again: keeps what it read of files and of recorded runs between two saves.
//!
//! Invariant: a syntax error invalidates nothing. Of a function whose code cannot be analysed because some file does
//! not parse, the last code that could be stands; before there was any, the code that the run recorded.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{cost, effects, parts, walk};
use crate::base::clock::SystemClock;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::engine::checkpoints::{Checkpoints, Found, LoadError};
use crate::engine::closures;
use crate::engine::code::{CodeBase, Defined};
use crate::engine::explain::now::packages;
use crate::engine::files::Files;
use crate::engine::project::{Project, applications_in};
use crate::engine::replay::{OwnChange, Replay};
use crate::engine::run::StoreCheckpoints;
use crate::engine::track::{Pattern, Tracked};
use crate::model::fork::{Edit, ForkPlan};
use crate::model::verdict::{ChangedFunction, ChangedPart, SourceProblem, Verdict};
use crate::model::{Call, CodeKnown, Mode, ReadKind, RunHistory, RunStatus, ValueRef};
use crate::source::{Closure, FINGERPRINT_VERSION};
use crate::store::{Store, StoreError};

/// A run cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its application is not there any more.
    #[error("the application {app} is not defined in {file} any more")]
    NoApplication {
        /// The application.
        app: String,
        /// Where it was.
        file: String,
    },
}

/// Ended runs that are kept in memory at most.
const KEPT: usize = 32;
/// Between two saves at most as many calls of them are kept, beside those of the run that is judged.
const KEPT_CALLS: usize = 100_000;

/// Where the interpreter imports from. Asked only when a run depended on installed packages.
pub type Search = Box<dyn Fn() -> Vec<String> + Send>;

/// What judging looked at: when one of these changes the verdict may be another one. Absolute paths.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attended {
    /// Files that were read or looked for.
    pub files: BTreeSet<PathBuf>,
    /// Folders whose names count.
    pub listed: BTreeSet<PathBuf>,
}

/// Judges runs of one project.
pub struct Judge {
    project: Project,
    code: Option<(PathBuf, CodeBase)>,
    files: Arc<Files>,
    search: Search,
    /// The answer of `search`.
    path: OnceCell<Vec<String>>,
    /// The last code of each function that could be analysed.
    good: HashMap<String, (Arc<Closure>, Option<Defined>)>,
    /// Closures by function and digest: what a recorded digest stood for, when it was seen.
    seen: HashMap<(String, Digest), Arc<Closure>>,
    runs: Runs,
    /// How long the calls of a run took.
    times: Option<(RunId, cost::Times)>,
}

/// Today's code.
struct Today {
    codes: HashMap<String, Digest>,
    defined: BTreeMap<String, Defined>,
    problems: Vec<SourceProblem>,
}

impl Judge {
    /// For a project and its store.
    pub fn new(project: &Project, store: &Store, search: Search) -> Self {
        Judge {
            project: project.clone(),
            code: None,
            files: Arc::new(Files::new(&project.root, Arc::new(SystemClock), &project.config.track.ignore)),
            search,
            path: OnceCell::new(),
            good: HashMap::new(),
            seen: HashMap::new(),
            runs: Runs { store: store.clone(), ended: Mutex::default() },
            times: None,
        }
    }

    /// These files or folders (absolute) may have changed; `all`: any may have. Says which sources did.
    pub fn changed(&mut self, paths: &[PathBuf], all: bool) -> Vec<String> {
        match &mut self.code {
            Some((_, code)) if all => code.changed_anywhere(),
            Some((_, code)) => code.changed(paths),
            None => Vec::new(),
        }
    }

    /// What judging this run looks at.
    pub fn attended(&self, id: &RunId) -> Result<Attended, StoreError> {
        let root = &self.project.root;
        let mut found = Attended::default();
        for (path, _) in self.code.iter().flat_map(|(_, code)| code.looked_at()) {
            found.files.insert(path);
        }
        let base = self.runs.run(id)?;
        let of_calls = base.calls.iter().flat_map(|call| &call.reads);
        let of_code = base.codes.iter().flat_map(|known| &known.files);
        let reads: BTreeSet<(&String, ReadKind)> =
            of_calls.chain(of_code).map(|read| (&read.path, read.kind)).collect();
        for (path, kind) in reads {
            match kind {
                ReadKind::Content | ReadKind::Absent | ReadKind::Present => {
                    found.files.insert(root.join(path));
                }
                ReadKind::Listing => {
                    found.listed.insert(root.join(path));
                }
                ReadKind::Matching => {
                    let Ok(pattern) = Pattern::new(root, path) else { continue };
                    found.listed.insert(pattern.folder().to_path_buf());
                    for file in pattern.files() {
                        found.listed.extend(file.parent().map(Path::to_path_buf));
                        found.files.insert(file);
                    }
                }
            }
        }
        Ok(found)
    }

    /// A recorded run, read once when it has ended.
    pub fn run(&self, id: &RunId) -> Result<Arc<RunHistory>, StoreError> {
        self.runs.run(id)
    }

    /// The run against the code and files of now.
    pub fn verdict(&mut self, id: &RunId) -> Result<Verdict, JudgeError> {
        self.judged(id, &HashSet::new())
    }

    /// What a replay would do in which these calls get other outputs or arguments.
    pub fn plan(&mut self, id: &RunId, edits: &[(CallNo, Edit)]) -> Result<ForkPlan, JudgeError> {
        let calls: HashSet<CallNo> = edits.iter().map(|(no, _)| *no).collect();
        let verdict = self.judged(id, &calls)?;
        let base = self.runs.run(id)?;
        let mut plan = ForkPlan::of(&base, &verdict, &calls);
        for (no, _) in edits.iter().filter(|(_, edit)| matches!(edit, Edit::Arguments(_))) {
            plan.asked_otherwise(&base, *no);
        }
        Ok(plan)
    }

    fn judged(&mut self, id: &RunId, edits: &HashSet<CallNo>) -> Result<Verdict, JudgeError> {
        let base = self.runs.run(id)?;
        let today = self.today(&base)?;
        let mut replay = Replay::new(Mode::Adaptive, Some(base.clone()), None, self.files.clone());
        replay.set_accepted(&self.runs.store.accepted()?.declarations);
        // What calls an edited call is not served whole; which output it gets does not matter here.
        replay.set_edits(edits.iter().map(|no| (*no, Edit::Output(serde_json::Value::Null))).collect());
        replay.set_known(self.known(&base, &today));
        let walked = walk::walk(&mut replay, &base, &today.codes, &self.runs, edits);
        let changed = self.changed_functions(&base, &today, &walked.changes);
        let times = match self.times.take() {
            Some((run, times)) if run == base.id => times,
            _ => cost::Times::new(&base, &mut |run| self.runs.run(run).ok()),
        };
        let label = |function: &str| effects::label(today.defined.get(function)?);
        let fates = &walked.calls;
        let fate = |no: CallNo| {
            let at = (no as usize).checked_sub(1)?;
            fates.get(at)?.as_ref().map(|call| (call.by_edit, call.fate.executes()))
        };
        let cost = |test: fn((bool, bool)) -> bool| {
            cost::cost(&base, &times, &label, &|no| fate(no).is_some_and(test))
        };
        let known = effects::Known {
            base: &base,
            defined: &today.defined,
            walked: &walked,
            closure: &|function| self.good.get(function).map(|(closure, _)| closure.as_ref()),
        };
        let (effects, unlabelled) = (known.acting(), known.unlabelled());
        let verdict = Verdict {
            run: base.id.clone(),
            changed,
            problems: today.problems.clone(),
            rerun: cost(|(by_edit, executes)| by_edit && executes),
            at_most: cost(|(by_edit, _)| by_edit),
            anyway: cost(|(by_edit, executes)| executes && !by_edit),
            effects,
            unlabelled,
            calls: walked.calls,
        };
        // Between two saves only what was recorded and what is there now is compared.
        self.seen.retain(|(name, code), _| {
            let recorded = |known: &CodeKnown| known.function == *name && known.code == *code;
            today.codes.get(name) == Some(code) || base.codes.iter().any(recorded)
        });
        self.runs.ease(&base.id);
        if base.status != RunStatus::Running {
            self.times = Some((base.id.clone(), times));
        }
        Ok(verdict)
    }

    /// What the rules of reuse compare recorded code with. Files that were read at import are compared with what is
    /// on disk: nothing is imported here.
    fn known(&self, base: &RunHistory, today: &Today) -> HashMap<String, Arc<CodeKnown>> {
        let mut tracked = Tracked::new(&self.project.root, self.project.config.track.clone());
        if base.codes.iter().any(|known| !known.packages.is_empty()) {
            tracked.imports_from(self.path.get_or_init(&self.search));
        }
        let env = tracked.env();
        let mut all = HashMap::new();
        for (name, code) in &today.codes {
            let recorded = base.codes.iter().rev().find(|known| known.function == *name);
            let closure = self.seen.get(&(name.clone(), *code));
            let installed = match (recorded, closure) {
                (Some(recorded), Some(closure)) if !recorded.packages.is_empty() => {
                    tracked.packages(&closure.external)
                }
                _ => Vec::new(),
            };
            let known = CodeKnown {
                function: name.clone(),
                code: *code,
                rules: FINGERPRINT_VERSION.to_owned(),
                closure: None,
                files: Vec::new(),
                packages: packages(recorded, &installed),
                env: env.clone(),
                opaque: Vec::new(),
            };
            all.insert(name.clone(), Arc::new(known));
        }
        all
    }

    fn today(&mut self, base: &RunHistory) -> Result<Today, JudgeError> {
        let entry = self.entry(base)?;
        if self.code.as_ref().is_none_or(|(file, _)| *file != entry) {
            self.code = Some((entry.clone(), CodeBase::new(&self.project.root, &entry)));
            self.good.clear();
        }
        let Some((_, code)) = &mut self.code else { return Ok(Today::nothing()) };
        // Reads the application and what it imports.
        code.closure(&entry, &base.app);
        let mut today = Today { defined: code.functions(), ..Today::nothing() };
        for (name, defined) in &today.defined {
            if let Some(closure) = code.closure(&self.project.root.join(&defined.file), name) {
                today.codes.insert(name.clone(), closure.digest);
                self.seen.insert((name.clone(), closure.digest), closure.clone());
                self.good.insert(name.clone(), (closure, Some(defined.clone())));
            }
        }
        today.problems = code
            .problems()
            .into_iter()
            .map(|(file, error)| SourceProblem {
                file,
                line: error.line,
                column: error.column,
                message: error.message,
            })
            .collect();
        let contents: Vec<Digest> = code.looked_at().into_iter().filter_map(|(_, content)| content).collect();
        for call in base.calls.iter().filter(|call| call.is_call()) {
            if today.codes.contains_key(&call.function) {
                continue;
            }
            if !today.problems.is_empty() {
                let (code, defined) = match self.good.get(&call.function) {
                    Some((closure, defined)) => (closure.digest, defined.clone()),
                    None => (call.code, None),
                };
                today.codes.insert(call.function.clone(), code);
                if let Some(defined) = defined {
                    today.defined.entry(call.function.clone()).or_insert(defined);
                }
            } else if contents.contains(&call.code) {
                // A function that was made at run time counts with its whole file, and that is as it was.
                today.codes.insert(call.function.clone(), call.code);
            }
        }
        Ok(today)
    }

    /// The file of the run's application, wherever it is now.
    fn entry(&self, base: &RunHistory) -> Result<PathBuf, JudgeError> {
        let recorded = PathBuf::from(&base.file);
        let known = self.code.as_ref().is_some_and(|(file, _)| *file == recorded);
        let defines = |file: &PathBuf| {
            let (apps, problems) = applications_in(file);
            !problems.is_empty() || apps.iter().any(|app| app.name == base.app)
        };
        if let Some(app) = self.project.moved_application(&recorded, &base.app) {
            return Ok(app.file);
        }
        // A file that does not parse may well define it.
        if known && recorded.is_file() || defines(&recorded) {
            return Ok(recorded);
        }
        let (apps, _) = self.project.applications();
        let found = apps.into_iter().find(|app| app.name == base.app);
        found
            .map(|app| app.file)
            .ok_or_else(|| JudgeError::NoApplication { app: base.app.clone(), file: base.file.clone() })
    }

    fn changed_functions(
        &self,
        base: &RunHistory,
        today: &Today,
        changes: &HashMap<CallNo, OwnChange>,
    ) -> Vec<ChangedFunction> {
        let mut found: BTreeMap<&str, ChangedFunction> = BTreeMap::new();
        let mut changes: Vec<(&CallNo, &OwnChange)> = changes.iter().collect();
        changes.sort_unstable_by_key(|(no, _)| **no);
        for (no, change) in changes {
            let Some(call) = base.call(*no) else { continue };
            let entry = found.entry(&call.function).or_insert_with(|| ChangedFunction {
                function: call.function.clone(),
                place: today.defined.get(&call.function).map(|d| (d.file.clone(), d.facts.line)),
                calls: 0,
                parts: Vec::new(),
                reasons: Vec::new(),
            });
            entry.calls += 1;
            match change {
                OwnChange::Code if entry.parts.is_empty() => entry.parts = self.parts(base, call, today),
                OwnChange::Other(why) if !entry.reasons.contains(why) => entry.reasons.push(why.clone()),
                _ => {}
            }
        }
        found.into_values().collect()
    }

    /// What made a function's code another one than the recorded.
    fn parts(&self, base: &RunHistory, call: &Call, today: &Today) -> Vec<ChangedPart> {
        let seen = |code: &Digest| self.seen.get(&(call.function.clone(), *code)).cloned();
        let stored = || {
            let known = base.code(&call.function, &call.code)?;
            closures::load(&self.runs.store, known).ok().flatten().map(Arc::new)
        };
        let now = today.codes.get(&call.function).and_then(seen);
        match (seen(&call.code).or_else(stored), now) {
            (Some(old), Some(new)) => parts::changed(&old, &new),
            _ => Vec::new(),
        }
    }
}

impl Today {
    fn nothing() -> Self {
        Today { codes: HashMap::new(), defined: BTreeMap::new(), problems: Vec::new() }
    }
}

/// The store's checkpoints. An ended run does not change and is read once.
struct Runs {
    store: Store,
    ended: Mutex<HashMap<RunId, Arc<RunHistory>>>,
}

impl Runs {
    fn run(&self, id: &RunId) -> Result<Arc<RunHistory>, StoreError> {
        let held = self.ended.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(run) = held {
            return Ok(run);
        }
        let (run, _) = self.store.shared_history(id)?;
        if run.status != RunStatus::Running {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            if ended.len() >= KEPT {
                ended.clear();
            }
            ended.insert(id.clone(), run.clone());
        }
        Ok(run)
    }

    /// Lets go of other runs when they are large: judging asked for them, and may ask again only after the next save.
    fn ease(&self, base: &RunId) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.values().map(|run| run.calls.len()).sum::<usize>() > KEPT_CALLS {
            ended.retain(|id, _| id == base);
        }
    }
}

impl Checkpoints for Runs {
    fn load(&self, _: &ValueRef) -> Result<Bytes, LoadError> {
        Err(LoadError::Absent("nothing is served while judging".to_owned()))
    }

    fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String> {
        self.run(run).map_err(|error| error.to_string())
    }

    fn candidates(&self, fingerprints: &[Digest]) -> Result<Vec<Found>, String> {
        StoreCheckpoints::new(&self.store).candidates(fingerprints)
    }
}
