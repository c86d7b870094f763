//! Secrets in what was recorded: by runs of older versions, or before a secret was named.
//!
//! Everything is read once: events, then each node of their values, whichever run refers to it. A node that may hold a
//! secret is looked at with the value that it belongs to. No secret is handed out, only where it is.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::index::all_runs;
use super::values::StoreNodes;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::base::secrets::Redactor;
use crate::model::{Event, EventKind, ValueRef};
use crate::store::{Store, StoreError};
use crate::value::{self, secrets};

/// Events that are read at once.
const EVENTS: usize = 4_000;

/// Where secrets are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Leak {
    /// The run.
    pub run: RunId,
    /// The call, 0 when none can be named.
    pub call: CallNo,
    /// Of what: `input`, `output`, `log`, `state KEY` …
    pub place: String,
    /// What the secrets are called.
    pub names: Vec<String>,
    /// It is there because the project keeps values with secrets for reuse.
    pub kept: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Leaks {
    /// Where secrets are, run by run, oldest first.
    pub found: Vec<Leak>,
    /// Runs that were read.
    pub runs: usize,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// Reads the whole store.
pub fn leaks(store: &Store, redactor: &Redactor) -> Result<Leaks, StoreError> {
    let mut looking = Looking { store, redactor, suspicious: HashMap::new(), leaks: Leaks::default() };
    for row in all_runs(store)? {
        let run = row.summary.id;
        looking.leaks.runs += 1;
        let mut places = BTreeMap::new();
        let mut seq = 0;
        loop {
            match store.events(&run, seq, EVENTS) {
                Ok(events) if events.is_empty() => break,
                Ok(events) => {
                    seq = events.last().map_or(seq, |event| event.seq);
                    events.into_iter().for_each(|event| looking.event(event, &mut places));
                }
                Err(error) => {
                    looking.leaks.problems.push(format!("not all of run {run} was read: {error}"));
                    break;
                }
            }
        }
        looking.leaks.found.extend(places.into_iter().map(|((call, place, kept), names)| Leak {
            run: run.clone(),
            call,
            place,
            names,
            kept,
        }));
    }
    Ok(looking.leaks)
}

/// Call, what of it, whether it is kept on purpose.
type Places = BTreeMap<(CallNo, String, bool), Vec<String>>;

struct Looking<'a> {
    store: &'a Store,
    redactor: &'a Redactor,
    /// Whether a node, or one below it, may hold a secret.
    suspicious: HashMap<Digest, bool>,
    leaks: Leaks,
}

impl Looking<'_> {
    fn event(&mut self, mut event: Event, places: &mut Places) {
        let (call, text_place) = place_of(&event.kind);
        for (place, value) in values(&event.kind) {
            if let Some(value) = value {
                self.value(value.digest, value.inline.as_deref(), (call, place.clone(), false), places);
                if let Some(kept) = value.withheld.as_ref().and_then(|withheld| withheld.kept) {
                    self.value(kept, None, (call, place, true), places);
                }
            }
        }
        if let EventKind::CodeKnown(known) = &event.kind
            && let Some(closure) = known.closure
        {
            self.value(closure, None, (0, format!("code of {}", known.function), false), places);
        }
        let mut names: Vec<String> = Vec::new();
        event.kind.each_text(&mut |text| {
            names.extend(self.redactor.find(text.as_bytes()).into_iter().map(|found| found.name));
        });
        add(places, (call, text_place.to_owned(), false), names);
    }

    fn value(
        &mut self,
        digest: Digest,
        inline: Option<&[u8]>,
        place: (CallNo, String, bool),
        places: &mut Places,
    ) {
        if !self.may_hold(digest, inline) {
            return;
        }
        match value::load_value(&digest, inline, &StoreNodes(self.store)) {
            Ok(value) => {
                let names = secrets::redact(&value, self.redactor).map(|(_, names)| names);
                add(places, place, names.unwrap_or_default());
            }
            Err(error) => self.leaks.problems.push(format!("a value cannot be read: {error}")),
        }
    }

    /// Whether a value's nodes may hold a secret; each node is read once.
    fn may_hold(&mut self, root: Digest, inline: Option<&[u8]>) -> bool {
        let mut stack = vec![(root, false)];
        let mut held: HashMap<Digest, Vec<Digest>> = HashMap::new();
        while let Some((digest, entered)) = stack.pop() {
            if entered {
                let below = held.remove(&digest).unwrap_or_default();
                let found = below.iter().any(|child| self.suspicious.get(child) == Some(&true));
                let own = self.suspicious.entry(digest).or_insert(false);
                *own |= found;
                continue;
            }
            if self.suspicious.contains_key(&digest) {
                continue;
            }
            let data = match inline.filter(|_| digest == root) {
                Some(data) => Ok(Bytes::copy_from_slice(data)),
                None => self.store.node(&digest),
            };
            let Ok(data) = data else {
                // The value itself will say what is wrong with it.
                self.suspicious.insert(digest, true);
                continue;
            };
            self.suspicious.insert(digest, self.redactor.may_hold(&data));
            let children = value::children(&data);
            stack.push((digest, true));
            stack.extend(children.iter().map(|child| (*child, false)));
            held.insert(digest, children);
        }
        self.suspicious.get(&root) == Some(&true)
    }
}

fn add(places: &mut Places, place: (CallNo, String, bool), names: Vec<String>) {
    if names.is_empty() {
        return;
    }
    let known = places.entry(place).or_default();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
}

/// The values of an event and what they are.
fn values(kind: &EventKind) -> Vec<(String, Option<&ValueRef>)> {
    match kind {
        EventKind::RunStarted { input, .. } => vec![("input".to_owned(), Some(input))],
        EventKind::CallAsked(asked) => vec![("input".to_owned(), asked.input.as_ref())],
        EventKind::CallEnded(ended) | EventKind::Offered(ended) => {
            vec![("output".to_owned(), ended.output.as_ref())]
        }
        EventKind::StateSet { key, value, .. } => vec![(format!("state {key}"), Some(value))],
        EventKind::RunEnded { output, .. } => vec![("output".to_owned(), output.as_ref())],
        EventKind::Answered(answered) => {
            vec![("edit".to_owned(), answered.was.as_ref()), ("edit".to_owned(), answered.now.as_ref())]
        }
        _ => Vec::new(),
    }
}

/// The call that an event belongs to, and what its texts are.
fn place_of(kind: &EventKind) -> (CallNo, &'static str) {
    match kind {
        EventKind::RunStarted { .. } => (0, "run"),
        EventKind::CallAsked(asked) => (asked.no, "reason"),
        EventKind::CallStarted { no, .. } => (*no, "start"),
        EventKind::AttemptFailed { no, .. } => (*no, "error"),
        EventKind::CallEnded(ended) | EventKind::Offered(ended) => (ended.no, "error"),
        EventKind::Progress { no, .. } => (*no, "progress"),
        EventKind::Metric { no, .. } => (*no, "metric"),
        EventKind::Log { no, .. } => (*no, "log"),
        EventKind::StateSet { no, .. } => (*no, "state key"),
        EventKind::Notice { no, .. } => (*no, "notice"),
        EventKind::RunEnded { .. } => (0, "error"),
        EventKind::CodeKnown(_) => (0, "witness"),
        EventKind::Answered(answered) => (answered.no, "edit"),
    }
}
