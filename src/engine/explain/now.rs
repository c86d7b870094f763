//! What would happen to a recorded call if its run were replayed now, given the code and the files on disk.
//!
//! Nothing executes. Whether a call holds is decided by [`Replay::holds`], the rules that a replay goes by; this page
//! says why. What a call gets as arguments, and what the request state holds, depends on what executes before it: a
//! call that holds is served *if* it is asked for with the same.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::recorded::{self, calls_below};
use super::{Cause, Explanation, FileChange, Platform, Records, Verdict, code, pair, witness};
use crate::base::clock::SystemClock;
use crate::base::ids::{CallNo, call_id};
use crate::engine::checkpoints::Checkpoints;
use crate::engine::files::Files;
use crate::engine::project::Project;
use crate::engine::replay::Replay;
use crate::engine::run::StoreCheckpoints;
use crate::engine::today::{Today, Unknown};
use crate::engine::track::Tracked;
use crate::model::{Call, CodeKnown, FileRead, Mode, Package, RunHistory, Standing, path};
use crate::source::FINGERPRINT_VERSION;
use crate::store::{Store, StoreError};

/// Calls below one that are explained beside it; more of them repeat the same.
const CHILDREN: usize = 3;
/// How deep causes of causes are followed.
const LEVELS: usize = 24;

/// A recorded run against the code and files of now.
pub struct Now<'a> {
    base: Arc<RunHistory>,
    replay: Replay,
    checkpoints: StoreCheckpoints,
    today: Today,
    /// Today's code by function, as far as it can be said without importing anything.
    known: HashMap<String, Arc<CodeKnown>>,
    /// Functions whose code cannot be analysed now: what was recorded stands.
    unsaid: HashMap<String, Unknown>,
    files: Arc<Files>,
    standing: Standing,
    records: &'a dyn Records,
}

impl<'a> Now<'a> {
    /// Of the run `base`, whose application stands in `entry`. `search`: where the interpreter imports from; empty
    /// when that is not known, then packages are not compared.
    pub fn new(
        project: &Project,
        store: &Store,
        records: &'a dyn Records,
        base: RunHistory,
        entry: &Path,
        search: &[String],
    ) -> Result<Self, StoreError> {
        let base = Arc::new(base);
        let files = Arc::new(Files::new(&project.root, Arc::new(SystemClock), &project.config.track.ignore));
        let declarations = store.accepted()?.declarations;
        let mut today = Today::new(project, entry);
        let mut tracked = Tracked::new(&project.root, project.config.track.clone());
        tracked.imports_from(search);
        let mut known = HashMap::new();
        let mut unsaid = HashMap::new();
        for call in base.calls.iter().filter(|call| call.is_call()) {
            let function = &call.function;
            if known.contains_key(function) {
                continue;
            }
            let code = match today.digest(function) {
                Ok(code) => code,
                Err(Unknown::Undefined(_)) => continue,
                Err(why) => {
                    unsaid.insert(function.clone(), why);
                    call.code
                }
            };
            let recorded = base.code(function, &call.code);
            let external =
                today.closure(function).map(|closure| closure.external.clone()).unwrap_or_default();
            let installed = if search.is_empty() { Vec::new() } else { tracked.packages(&external) };
            let now = CodeKnown {
                function: function.clone(),
                code,
                rules: FINGERPRINT_VERSION.to_owned(),
                closure: None,
                // Nothing is imported here: files are compared with what is on disk.
                files: Vec::new(),
                packages: packages(recorded, &installed),
                env: tracked.env(),
                opaque: Vec::new(),
            };
            known.insert(function.clone(), Arc::new(now));
        }
        let mut replay = Replay::new(Mode::Adaptive, Some(base.clone()), None, files.clone());
        replay.set_accepted(&declarations);
        replay.set_known(known.clone());
        let (checkpoints, standing) = (StoreCheckpoints::new(store), Standing::new(&declarations));
        Ok(Now { base, replay, checkpoints, today, known, unsaid, files, standing, records })
    }

    /// The calls that would execute for reasons of their own, in order.
    pub fn decisive(&mut self) -> Vec<CallNo> {
        let base = self.base.clone();
        let all = base.calls.iter().filter(|call| call.is_call());
        all.filter(|call| self.holds(call.no).is_err() && !self.own(call).is_empty())
            .map(|call| call.no)
            .collect()
    }

    /// Explains a call.
    pub fn explain(&mut self, no: CallNo) -> Option<Explanation> {
        let base = self.base.clone();
        let call = base.call(no)?;
        let holds = self.holds(no);
        let verdict = match (&holds, call.is_call()) {
            (_, false) => Verdict::Operation,
            (Ok(()), true) => Verdict::WouldServe,
            (Err(_), true) => Verdict::WouldExecute,
        };
        let causes = if verdict == Verdict::WouldExecute { self.causes(call, 0) } else { Vec::new() };
        let served = verdict == Verdict::WouldServe;
        let said = self.unsaid.get(&call.function).map(|why| format!("{why}; the recorded code stands"));
        let mut remarks: Vec<String> = said.into_iter().collect();
        if served {
            remarks.extend(self.accepted(call));
            remarks.extend(self.condition(no));
        }
        let reason = (!remarks.is_empty()).then(|| remarks.join("; "));
        let platform = platform(call, served, &causes);
        Some(Explanation {
            run: base.id.clone(),
            no,
            call: call_id(&base.id, no),
            path: path::path(&base, no),
            function: call.function.clone(),
            status: call.status,
            verdict,
            reason,
            compared_with: None,
            causes,
            checked: served.then(|| recorded::checked(&base, no, self.records)),
            opaque: recorded::opaque(&base, no),
            expr: None,
            platform,
        })
    }

    fn holds(&mut self, no: CallNo) -> Result<(), String> {
        self.replay.holds(no, &self.checkpoints as &dyn Checkpoints)
    }

    fn accepted(&self, call: &Call) -> Option<String> {
        let today = &self.known.get(&call.function)?.code;
        self.standing.between(&call.function, today, &call.code).map(|stood| stood.reason())
    }

    /// On what it depends that a call that holds is asked for with the same arguments.
    fn condition(&mut self, no: CallNo) -> Option<String> {
        let base = self.base.clone();
        let mut at = no;
        while let Some(parent) = base.call(at).map(|call| call.parent).filter(|parent| *parent != 0) {
            for before in base.children(parent).iter().copied().take_while(|other| *other != at) {
                if self.holds(before).is_err() {
                    return Some(format!(
                        "if it is asked for with the same arguments: {} executes before it",
                        path::path(&base, before)
                    ));
                }
            }
            if let Some(caller) = base.call(parent)
                && caller.is_call()
                && !self.own(caller).is_empty()
            {
                return Some(format!(
                    "if it is asked for with the same arguments: {} executes other code or reads other data",
                    path::path(&base, parent)
                ));
            }
            at = parent;
        }
        None
    }

    fn causes(&mut self, call: &Call, level: usize) -> Vec<Cause> {
        let mut found = self.own(call);
        if call.durable && level < LEVELS {
            let base = self.base.clone();
            for child in calls_below(&base, call.no) {
                if found.len() >= CHILDREN {
                    break;
                }
                let Some(below) = base.call(child).filter(|_| self.holds(child).is_err()) else { continue };
                let causes = self.causes(below, level + 1);
                found.push(Cause::Child { path: path::path(&base, child), causes });
            }
        }
        if found.is_empty()
            && let Err(text) = self.holds(call.no)
        {
            found.push(Cause::Said { text });
        }
        found
    }

    /// What of a call itself is not as it was.
    fn own(&mut self, call: &Call) -> Vec<Cause> {
        if !call.durable {
            return vec![Cause::NotDurable];
        }
        let mut found: Vec<Cause> = recorded::outcome(call).into_iter().collect();
        let Some(now) = self.known.get(&call.function).cloned() else {
            found.push(Cause::Undefined);
            return found;
        };
        let base = self.base.clone();
        let then = base.code(&call.function, &call.code);
        if now.code != call.code && self.accepted(call).is_none() {
            found.push(self.code(call, then, &now));
        }
        found.extend(self.files(&call.reads, false));
        if let Some(then) = then {
            found.extend(self.files(&then.files, true));
            found.extend(witness::imported(then, &now));
        }
        found
    }

    fn code(&mut self, call: &Call, then: Option<&CodeKnown>, now: &CodeKnown) -> Cause {
        if let Some(then) = then.filter(|then| then.rules != now.rules) {
            return Cause::Rules { old: then.rules.clone(), new: now.rules.clone() };
        }
        let old = match then.map(|then| self.records.closure(then)) {
            Some(Ok(Some(closure))) => Ok(closure),
            Some(Err(text)) => Err(text),
            Some(Ok(None)) | None => {
                Err(format!("run {} did not record the code of {}", self.base.id, call.function))
            }
        };
        let new = self.today.closure(&call.function).map_err(|why| why.to_string());
        let (definitions, unknown) = match (old, new) {
            (Ok(old), Ok(new)) => (code::changes(&old, &new), None),
            (Err(text), _) | (_, Err(text)) => (Vec::new(), Some(text)),
        };
        Cause::Code { old: call.code, new: now.code, definitions, unknown }
    }

    fn files(&self, reads: &[FileRead], imported: bool) -> Vec<Cause> {
        let differ = reads.iter().filter(|read| self.files.difference(read).is_some());
        differ
            .map(|read| {
                Cause::File(FileChange {
                    path: read.path.clone(),
                    asked: read.kind,
                    imported,
                    old: read.digest,
                    new: self.files.digest(&read.path, read.kind),
                })
            })
            .collect()
    }
}

/// The recorded packages with the versions of now. What is not found without the interpreter counts as it was.
pub fn packages(recorded: Option<&CodeKnown>, installed: &[Package]) -> Vec<Package> {
    let then = recorded.map(|known| known.packages.as_slice()).unwrap_or_default();
    let now = |old: &Package| installed.iter().find(|new| new.name == old.name).unwrap_or(old).clone();
    then.iter().map(now).collect()
}

fn platform(call: &Call, served: bool, causes: &[Cause]) -> Option<Platform> {
    if !call.is_call() || call.no == 1 {
        return None;
    }
    let (reuses, because) = match call.status.has_output() {
        _ if !pair::placed(call) => (false, "it is not durable"),
        true => (true, "a result is recorded at its durable id"),
        false => (false, "no result is recorded at its durable id"),
    };
    Some(super::platform::verdict(call, reuses, served, because, causes))
}
