//! Which recorded outcome a call may get: the reuse rules of design.md section 3.
//!
//! Reads recorded runs, decides nothing else. One run consumes a checkpoint once.

mod edits;
mod effects;
mod golden;
mod own;
mod plan;
mod strict;
mod subtree;
pub mod witness;
mod withheld;

use std::sync::Arc;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::checkpoints::{Checkpoints, Found};
use super::files::Files;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::keys::fingerprint;
use crate::model::{
    Accepted, Call, CallStatus, CodeKnown, EventKind, FileRead, Mode, Origin, RunHistory, Standing, Usage,
    ValueRef,
};

use edits::origins_below;
pub use golden::{Answers, FromGolden};
pub use own::OwnChange;
pub use plan::Plan;
pub use strict::Position;
use subtree::SubtreeFacts;
pub use subtree::{below, made_at};
use witness::Witnesses;

/// A call that is asked for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Its function.
    pub function: &'a str,
    /// Its key.
    pub key: Digest,
    /// The code that would answer.
    pub code: Digest,
    /// Its durable id as hex.
    pub durable_id: &'a str,
    /// Its caller's key.
    pub parent_key: Digest,
}

/// A checkpoint that may be served.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The call that executed it.
    pub origin: Origin,
    /// Its key.
    pub key: Digest,
    /// The code that made it: today's, or code that today's stands for.
    pub code: Digest,
    /// Its output.
    pub output: ValueRef,
    /// What it used.
    pub usage: Option<Usage>,
    /// How long its body took.
    pub wall_us: i64,
    /// What state it read.
    pub state_reads: Vec<(String, Option<Digest>)>,
    /// Files that its own body looked at.
    pub reads: Vec<FileRead>,
    /// What it and its descendants did to the run, in order.
    pub effects: Vec<EventKind>,
    /// The run that has its record, with everything below it.
    pub history: Arc<RunHistory>,
    /// Its number there.
    pub call: CallNo,
    /// Where it is from, when that is not the replayed run; why it counts, when its code is not today's.
    pub reason: Option<String>,
}

impl Hit {
    /// Whether it holds whatever happens meanwhile: it depends on no request state and on no file.
    pub fn is_unconditional(&self) -> bool {
        let mut stack = vec![self.call];
        while let Some(no) = stack.pop() {
            if self.history.call(no).is_none_or(|call| !call.reads.is_empty()) {
                return false;
            }
            stack.extend(below(&self.history, no));
        }
        self.state_reads.is_empty()
    }
}

/// Why nothing may be served.
#[derive(Debug, Default)]
pub struct Miss {
    /// In words, when there is something to say.
    pub reason: Option<String>,
    /// The replayed run had started this very call and does not know how it ended.
    pub in_doubt: Option<Origin>,
}

type Subtree = Arc<SubtreeFacts>;

/// The durable id of every root.
pub const ROOT: &str = "root";

/// Recorded runs and what was taken from them.
pub struct Replay {
    mode: Mode,
    base: Option<Arc<RunHistory>>,
    /// Base calls that have an output, by fingerprint, in order.
    by_fingerprint: HashMap<Digest, Vec<CallNo>>,
    /// Base calls that were begun, or made to fail, and have no output, by fingerprint.
    unfinished: HashSet<Digest>,
    by_key: HashMap<Digest, CallNo>,
    by_position: HashMap<Digest, CallNo>,
    /// Calls that must not be served: those that were asked for from this one on, and its callers.
    excluded: HashSet<CallNo>,
    from: bool,
    /// What calls of the replayed run are to have instead of theirs.
    edits: HashMap<CallNo, crate::model::fork::Edit>,
    /// Calls whose edits were used.
    edited: HashSet<CallNo>,
    known: HashMap<String, Arc<CodeKnown>>,
    witnesses: Witnesses,
    /// Older code that today's stands for, because the user said so.
    standing: Standing,
    consumed: HashSet<Origin>,
    others: HashMap<RunId, Option<Arc<RunHistory>>>,
    /// Looked up ahead: fingerprint → calls of any run whose fingerprint begins like it.
    ahead: HashMap<Digest, Found>,
    facts: HashMap<RunId, HashMap<CallNo, Subtree>>,
    effects: HashMap<RunId, Arc<effects::EffectIndex>>,
    /// The replayed run is a test; its calls that answered.
    golden: Option<(Answers, HashSet<CallNo>)>,
}

impl Replay {
    /// A replay of `base` (or, without one, reuse from any run when the mode is adaptive).
    pub fn new(mode: Mode, base: Option<Arc<RunHistory>>, from: Option<CallNo>, files: Arc<Files>) -> Self {
        let mut replay = Replay {
            mode,
            base: None,
            by_fingerprint: HashMap::default(),
            unfinished: HashSet::default(),
            by_key: HashMap::default(),
            by_position: HashMap::default(),
            excluded: HashSet::default(),
            from: from.is_some(),
            edits: HashMap::default(),
            edited: HashSet::default(),
            known: HashMap::default(),
            witnesses: Witnesses::new(files),
            standing: Standing::default(),
            consumed: HashSet::default(),
            others: HashMap::default(),
            ahead: HashMap::default(),
            facts: HashMap::default(),
            effects: HashMap::default(),
            golden: None,
        };
        if let Some(base) = base {
            if let Some(from) = from {
                replay.excluded.extend(from..=base.calls.len() as CallNo);
                let mut at = from;
                while let Some(call) = base.call(at) {
                    replay.excluded.insert(at);
                    at = call.parent;
                }
            }
            for call in base.calls.iter().filter(|c| c.is_call() && c.durable) {
                if call.status.has_output() {
                    replay.by_fingerprint.entry(call.fingerprint()).or_default().push(call.no);
                } else if call.attempts > 0
                    || !matches!(call.status, CallStatus::Pending | CallStatus::Cancelled)
                {
                    replay.unfinished.insert(call.fingerprint());
                }
                replay.by_key.entry(call.key).or_insert(call.no);
                replay.by_position.insert(call.durable_id, call.no);
            }
            replay.base = Some(base);
        }
        replay
    }

    /// Today's code by function; known once the application is loaded.
    pub fn set_known(&mut self, known: impl IntoIterator<Item = (String, Arc<CodeKnown>)>) {
        self.known = known.into_iter().collect();
    }

    /// Changes of code that the user declared harmless.
    pub fn set_accepted(&mut self, declarations: &[Accepted]) {
        self.standing = Standing::new(declarations);
    }

    /// Whether a call that this code made may be served today: `Some` with what is to be said about it.
    fn code_holds(&self, function: &str, recorded: &Digest) -> Option<Option<String>> {
        let today = &self.known.get(function)?.code;
        if today == recorded {
            return Some(None);
        }
        self.standing.between(function, today, recorded).map(|stood| Some(stood.reason()))
    }

    /// What a call that is served below another says for itself.
    pub fn said_below(&self, call: &Call) -> Option<String> {
        // Strict replay asks for no code.
        if self.mode == Mode::Strict || !call.is_call() {
            return None;
        }
        self.code_holds(&call.function, &call.code).flatten()
    }

    /// The replayed run.
    pub fn base(&self) -> Option<&Arc<RunHistory>> {
        self.base.as_ref()
    }

    /// Looks up checkpoints of other runs for many calls of a function at once, by their keys; not for those that
    /// the replayed run has.
    pub fn prefetch(
        &mut self,
        function: &str,
        code: &Digest,
        keys: &[Digest],
        checkpoints: &dyn Checkpoints,
    ) {
        let codes = self.answering(function, code);
        let mut unknown = Vec::new();
        for key in keys {
            let prints: Vec<Digest> = codes.iter().map(|(code, _)| fingerprint(key, code)).collect();
            if !prints.iter().any(|fp| self.by_fingerprint.contains_key(fp)) {
                unknown.extend(prints);
            }
        }
        self.look_up(&unknown, checkpoints);
    }

    /// The code that may have made what is served for `code`, nearest first, with what is to be said about it.
    fn answering(&self, function: &str, code: &Digest) -> Vec<(Digest, Option<String>)> {
        let older = self.standing.of(function, code);
        let older = older.into_iter().map(|stood| (stood.code, Some(stood.reason())));
        std::iter::once((*code, None)).chain(older).collect()
    }

    fn look_up(&mut self, fingerprints: &[Digest], checkpoints: &dyn Checkpoints) {
        if self.mode != Mode::Adaptive || self.from {
            return;
        }
        let wanted: Vec<Digest> =
            fingerprints.iter().filter(|fp| !self.ahead.contains_key(*fp)).copied().collect();
        if wanted.is_empty() {
            return;
        }
        // A store that cannot answer costs reuse, not correctness.
        let found = checkpoints.candidates(&wanted).unwrap_or_default();
        self.ahead
            .extend(wanted.into_iter().zip(found.into_iter().chain(std::iter::repeat_with(Found::new))));
    }

    /// Another recorded run, read once.
    pub fn other(&mut self, run: &RunId, checkpoints: &dyn Checkpoints) -> Option<Arc<RunHistory>> {
        if let Some(base) = &self.base
            && base.id == *run
        {
            return Some(base.clone());
        }
        self.others.entry(run.clone()).or_insert_with(|| checkpoints.history(run).ok()).clone()
    }

    /// Adaptive replay: the checkpoint that answers this call, or why there is none.
    pub fn find(
        &mut self,
        wanted: &Wanted<'_>,
        state: &dyn Fn(&str) -> Option<Digest>,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Hit, Miss> {
        let answers: Vec<(Digest, Option<String>)> = self
            .answering(wanted.function, &wanted.code)
            .into_iter()
            .map(|(code, said)| (fingerprint(&wanted.key, &code), said))
            .collect();
        let mut refusal = None;
        if let Some(base) = self.base.clone() {
            for (fingerprint, said) in &answers {
                let mut own: Vec<CallNo> = self.by_fingerprint.get(fingerprint).cloned().unwrap_or_default();
                own.retain(|no| !self.excluded.contains(no));
                // Stable: among equals the order of the recorded run decides.
                own.sort_by_key(|no| rank(&base, *no, wanted));
                let own = own.into_iter().map(|no| (base.clone(), no));
                if let Some(mut hit) = self.first_served(own, &mut refusal, state, checkpoints) {
                    hit.reason.clone_from(said);
                    return Ok(hit);
                }
            }
        }
        // What the replayed run began belongs to it: its decisions were acted upon, and another run made others.
        let begun = wanted.durable_id == ROOT && !self.root_may_be_older()
            || answers.iter().any(|(fp, _)| self.unfinished.contains(fp));
        if !(self.from || (self.base.is_some() && begun)) {
            for (fingerprint, said) in &answers {
                match self.find_elsewhere(*fingerprint, wanted, state, checkpoints) {
                    Ok(mut hit) => {
                        let from = self.base.is_some().then(|| format!("from run {}", hit.origin.run));
                        let all: Vec<String> = from.into_iter().chain(said.clone()).collect();
                        hit.reason = (!all.is_empty()).then(|| all.join("; "));
                        return Ok(hit);
                    }
                    Err(why) => refusal = refusal.or(why),
                }
            }
        }
        Err(self.miss(wanted, refusal))
    }

    /// The checkpoint of another run with this fingerprint. The replayed run may have one that does not hold any
    /// more, where an older one does.
    fn find_elsewhere(
        &mut self,
        fingerprint: Digest,
        wanted: &Wanted<'_>,
        state: &dyn Fn(&str) -> Option<Digest>,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Hit, Option<String>> {
        self.look_up(&[fingerprint], checkpoints);
        let others = self.ahead.get(&fingerprint).cloned().unwrap_or_default();
        let mut refusal = None;
        let mut second = Vec::new();
        for (run, no) in others {
            let Some(history) = self.other(&run, checkpoints) else { continue };
            if history.call(no).is_none_or(|call| call.fingerprint() != fingerprint) {
                continue;
            }
            let rank = rank(&history, no, wanted);
            if rank > 0 {
                second.push((rank, history, no));
                continue;
            }
            // None of an older run can be better, so those are not read.
            if let Some(hit) = self.first_served([(history, no)], &mut refusal, state, checkpoints) {
                return Ok(hit);
            }
        }
        second.sort_by_key(|(rank, ..)| *rank);
        let second = second.into_iter().map(|(_, history, no)| (history, no));
        self.first_served(second, &mut refusal, state, checkpoints).ok_or(refusal)
    }

    /// The first of these recorded calls that may be served; `refusal` keeps the first reason why one may not.
    fn first_served(
        &mut self,
        calls: impl IntoIterator<Item = (Arc<RunHistory>, CallNo)>,
        refusal: &mut Option<String>,
        state: &dyn Fn(&str) -> Option<Digest>,
        checkpoints: &dyn Checkpoints,
    ) -> Option<Hit> {
        for (history, no) in calls {
            match self.try_serve(&history, no, state, checkpoints) {
                Ok(hit) => return Some(hit),
                Err(why) => *refusal = refusal.take().or(why),
            }
        }
        None
    }

    fn miss(&self, wanted: &Wanted<'_>, refusal: Option<String>) -> Miss {
        let Some(base) = &self.base else { return Miss { reason: refusal, in_doubt: None } };
        let same_key = self.by_key.get(&wanted.key).and_then(|no| base.call(*no));
        let here = Digest::from_hex(wanted.durable_id)
            .and_then(|id| self.by_position.get(&id))
            .and_then(|no| base.call(*no));
        let in_doubt = same_key
            .filter(|call| call.status == CallStatus::InDoubt)
            .map(|call| Origin { run: base.id.clone(), call: call.no });
        let reason = refusal.or_else(|| {
            Some(match (same_key, here) {
                (Some(call), _) if self.excluded.contains(&call.no) => "asked for again".to_owned(),
                (Some(call), _) if self.code_holds(&call.function, &call.code).is_none() => {
                    self.code_changed(base, call)
                }
                (Some(call), _) => match call.status {
                    CallStatus::Failed => "failed before".to_owned(),
                    CallStatus::InDoubt => "in doubt".to_owned(),
                    CallStatus::Cancelled => "did not end before".to_owned(),
                    _ => "used already".to_owned(),
                },
                (None, Some(call)) if call.function == wanted.function => "arguments changed".to_owned(),
                _ => "new call".to_owned(),
            })
        });
        Miss { reason, in_doubt }
    }

    fn code_changed(&self, base: &RunHistory, call: &Call) -> String {
        let then = base.code(&call.function, &call.code);
        match then.zip(self.known.get(&call.function)) {
            Some((then, now)) if then.rules != now.rules => {
                format!("made under other rules ({})", then.rules)
            }
            _ => "code changed".to_owned(),
        }
    }

    fn try_serve(
        &mut self,
        history: &Arc<RunHistory>,
        no: CallNo,
        state: &dyn Fn(&str) -> Option<Digest>,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Hit, Option<String>> {
        let Some(call) = history.call(no) else { return Err(None) };
        let origin = origin_of(history, call);
        if self.consumed.contains(&origin) {
            return Err(None);
        }
        let facts = self.subtree(history, no, checkpoints);
        if let Some(why) = &facts.broken {
            return Err(Some(why.clone()));
        }
        if let Some((key, _)) = facts.state_reads.iter().find(|(key, seen)| state(key) != *seen) {
            return Err(Some(format!("request state '{key}' differs")));
        }
        if let Some(why) = self.witnesses.difference(&facts.reads) {
            return Err(Some(why));
        }
        // What lies below is used with it: neither may an earlier call have used it, nor may a later one.
        let within = origins_below(history, no);
        if within.iter().any(|origin| self.consumed.contains(origin)) {
            return Err(Some("a call below it was used already".to_owned()));
        }
        let hit = withheld::check(self.hit(history, call, origin))?;
        self.consumed.insert(hit.origin.clone());
        self.consumed.extend(within);
        Ok(hit)
    }

    fn hit(&mut self, history: &Arc<RunHistory>, call: &Call, origin: Origin) -> Option<Hit> {
        let index = self
            .effects
            .entry(history.id.clone())
            .or_insert_with(|| Arc::new(effects::EffectIndex::new(history)))
            .clone();
        Some(Hit {
            origin,
            key: call.key,
            code: call.code,
            output: call.output.clone()?,
            usage: call.usage.clone(),
            wall_us: call.wall_us,
            state_reads: call.state_reads.clone(),
            reads: call.reads.clone(),
            effects: index.of(history, call.no),
            history: history.clone(),
            call: call.no,
            reason: None,
        })
    }
}

fn origin_of(history: &RunHistory, call: &Call) -> Origin {
    call.origin.clone().unwrap_or(Origin { run: history.id.clone(), call: call.no })
}

/// Among several candidates: 0 when caller and position agree, 1 when the caller does, 2 when the position does.
fn rank(history: &RunHistory, no: CallNo, wanted: &Wanted<'_>) -> u8 {
    let Some(call) = history.call(no) else { return 3 };
    let mut parent = history.call(call.parent);
    if let Some(op) = parent
        && !op.is_call()
    {
        parent = history.call(op.parent);
    }
    let same_parent = parent.is_some_and(|p| p.key == wanted.parent_key);
    let same_place = Digest::from_hex(wanted.durable_id) == Some(call.durable_id);
    match (same_parent, same_place) {
        (true, true) => 0,
        (true, false) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}

#[cfg(test)]
#[path = "replay/accept_tests.rs"]
mod accept_tests;
