//! Bringing the index of full-text search up to date: from events and nodes to docs.
//!
//! Runs are read oldest first, so that newer texts have higher numbers. A node that was met before, in whichever
//! run, is not read again.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::{ErrorInfo, Event, EventKind, ValueRef};
use crate::store::{IndexBatch, Mark, RunRow, SearchField, SearchIndex, Store, StoreError};
use crate::value::{self, Below};

/// Events that are added in one transaction.
const EVENTS: usize = 4_000;
/// Runs that are listed at once.
const RUNS: usize = 200;

/// How far an update is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The run that is read, from 1.
    pub run: usize,
    /// Runs in all.
    pub runs: usize,
    /// Events that were read so far.
    pub events: u64,
}

/// What an update did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Updated {
    /// Events that were read.
    pub events: u64,
    /// Runs that are gone from the store and were forgotten.
    pub forgotten: u64,
    /// What could not be read; the rest can be searched.
    pub problems: Vec<String>,
}

/// Every run of a store, oldest first.
pub(super) fn all_runs(store: &Store) -> Result<Vec<RunRow>, StoreError> {
    let mut rows = Vec::new();
    let mut before = None;
    loop {
        let window = store.runs(before, RUNS)?;
        let next = window.iter().map(|row| row.cursor).filter(|cursor| *cursor > 0).min();
        rows.extend(window);
        match next {
            Some(cursor) => before = Some(cursor),
            None => break,
        }
    }
    rows.reverse();
    Ok(rows)
}

/// Forgets the runs that the store no longer has, when there is an index. How many there were.
pub fn forget_gone(store: &Store) -> Result<u64, StoreError> {
    match SearchIndex::look(store)? {
        Some(mut index) => index.keep_only(&all_runs(store)?.into_iter().map(|row| row.summary.id).collect()),
        None => Ok(0),
    }
}

/// Reads what was recorded since the last time. May be stopped at any instant; the next update goes on.
pub fn update(
    store: &Store,
    index: &mut SearchIndex,
    tell: &mut dyn FnMut(Progress),
) -> Result<Updated, StoreError> {
    let rows = all_runs(store)?;
    let mut updated = Updated::default();
    let known: HashSet<RunId> = rows.iter().map(|row| row.summary.id.clone()).collect();
    updated.forgotten = index.keep_only(&known)?;
    let marks = index.marks()?;
    for (i, row) in rows.iter().enumerate() {
        let mark = marks.get(&row.summary.id).copied().unwrap_or_default();
        if mark.done {
            continue;
        }
        let mut reading = Reading { store, problems: &mut updated.problems, events: updated.events };
        reading
            .run(index, row, mark, &mut |events| tell(Progress { run: i + 1, runs: rows.len(), events }))?;
        updated.events = reading.events;
    }
    Ok(updated)
}

struct Reading<'a> {
    store: &'a Store,
    problems: &'a mut Vec<String>,
    events: u64,
}

impl Reading<'_> {
    fn run(
        &mut self,
        index: &mut SearchIndex,
        row: &RunRow,
        mut mark: Mark,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        let run = &row.summary.id;
        loop {
            let events = match self.store.events(run, mark.seq, EVENTS) {
                Ok(events) => events,
                Err(error) => {
                    self.problems.push(format!("not all of run {run} can be searched: {error}"));
                    return Ok(());
                }
            };
            let ended = events.is_empty() && !row.alive;
            if events.is_empty() && !ended {
                return Ok(());
            }
            let last = events.last().map_or(mark.seq, |event| event.seq);
            let ahead = self.ahead(&events)?;
            let Some(batch) = index.begin(run, mark.seq)? else {
                // Another process was faster; go on where it is.
                mark = index.marks()?.get(run).copied().unwrap_or_default();
                if mark.done {
                    return Ok(());
                }
                continue;
            };
            for event in &events {
                self.event(&batch, event, &ahead)?;
            }
            mark = Mark { seq: last, done: ended };
            batch.commit(mark)?;
            self.events += events.len() as u64;
            tell(self.events);
            if ended {
                return Ok(());
            }
        }
    }

    /// The root nodes of the values of these events, read in one transaction.
    fn ahead(&self, events: &[Event]) -> Result<HashMap<Digest, Bytes>, StoreError> {
        let digests: Vec<Digest> = events
            .iter()
            .flat_map(values)
            .filter(|(_, _, value)| value.inline.is_none())
            .map(|(_, _, value)| value.digest)
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let nodes = self.store.nodes(&digests)?;
        Ok(digests.into_iter().zip(nodes).filter_map(|(digest, node)| Some((digest, node.ok()?))).collect())
    }

    fn event(
        &mut self,
        batch: &IndexBatch<'_>,
        event: &Event,
        ahead: &HashMap<Digest, Bytes>,
    ) -> Result<(), StoreError> {
        match &event.kind {
            EventKind::RunStarted { app, .. } => batch.run(app, event.at)?,
            EventKind::CallAsked(asked) => batch.call(asked)?,
            _ => {}
        }
        for (call, field, value) in values(event) {
            let (doc, new) = batch.doc(&value.digest, field)?;
            if new {
                let data = match &value.inline {
                    Some(data) => Some(Bytes::copy_from_slice(data)),
                    None => ahead.get(&value.digest).cloned(),
                };
                self.nodes(batch, field, doc, value.digest, data)?;
            }
            batch.place(doc, call, field, event.seq)?;
        }
        if let Some((call, field, text)) = text_of(event) {
            let (doc, new) = batch.doc(&Digest::of_parts(&[b"text", text.as_bytes()]), field)?;
            if new {
                batch.text(doc, &text)?;
            }
            batch.place(doc, call, field, event.seq)?;
        }
        Ok(())
    }

    /// A new node, and every new node below it.
    fn nodes(
        &mut self,
        batch: &IndexBatch<'_>,
        field: SearchField,
        doc: i64,
        digest: Digest,
        data: Option<Bytes>,
    ) -> Result<(), StoreError> {
        let mut queue = vec![(doc, Below::Node(digest), data)];
        while let Some((doc, below, data)) = queue.pop() {
            let (Below::Node(digest) | Below::Text(digest) | Below::Data(digest)) = below;
            let data = match data.map_or_else(|| self.store.node(&digest), Ok) {
                Ok(data) => data,
                Err(error) => {
                    self.problems.push(format!("a value cannot be searched: {error}"));
                    continue;
                }
            };
            let mut text = String::new();
            let parts = match below {
                Below::Node(_) => value::own_texts(&digest, &data, &mut |own| push(&mut text, own)),
                _ => {
                    text = value::piece_text(&data).unwrap_or_default();
                    Ok(Vec::new())
                }
            };
            if !text.is_empty() {
                batch.text(doc, &text)?;
            }
            let parts = match parts {
                Ok(parts) => parts,
                Err(error) => {
                    self.problems.push(format!("a value cannot be searched: {error}"));
                    continue;
                }
            };
            for part in parts {
                let (Below::Node(digest) | Below::Text(digest)) = part else { continue };
                let (child, new) = batch.doc(&digest, field)?;
                batch.part(child, doc)?;
                if new {
                    queue.push((child, part, None));
                }
            }
        }
        Ok(())
    }
}

/// Adds a text of a node; words of the language that stand for no text are not worth finding.
fn push(text: &mut String, own: &str) {
    if !matches!(own, "" | "None" | "True" | "False") {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(own);
    }
}

/// The values of an event that can be searched.
pub(super) fn values(event: &Event) -> Vec<(CallNo, SearchField, &ValueRef)> {
    match &event.kind {
        EventKind::CallAsked(asked) => {
            asked.input.iter().map(|value| (asked.no, SearchField::Input, value)).collect()
        }
        EventKind::CallEnded(ended) => {
            ended.output.iter().map(|value| (ended.no, SearchField::Output, value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The text of an event that can be searched.
pub(super) fn text_of(event: &Event) -> Option<(CallNo, SearchField, String)> {
    let error = |no: CallNo, error: &ErrorInfo| {
        let text = format!("{}: {}\n{}", error.type_name, error.message, error.traceback);
        Some((no, SearchField::Error, text))
    };
    match &event.kind {
        EventKind::Log { no, text, .. } => Some((*no, SearchField::Log, text.clone())),
        EventKind::AttemptFailed { no, error: info, .. } => error(*no, info),
        EventKind::CallEnded(ended) => error(ended.no, ended.error.as_ref()?),
        // Of a run that ended before it called anything, nothing else tells.
        EventKind::RunEnded { error: Some(info), .. } => error(1, info),
        _ => None,
    }
}
