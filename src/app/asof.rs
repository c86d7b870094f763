//! A finished run as it was after one of its events: the marks of the time line, moves along it, and how the run is
//! put together again.
//!
//! Invariants: nothing is executed. The loop holds one small mark for each event, never the events: [`marks`] and
//! [`rebuild`] read them window by window and are called where blocking is allowed. Histories on the way are kept, few
//! enough for runs of any size, so that a step in a long run applies about [`NEAR`] events.

use std::sync::Arc;

use crate::base::clock::Micros;
use crate::base::ids::{CallNo, RunId};
use crate::base::text;
use crate::model::{CallStatus, Event, EventKind, RunHistory, RunStatus};

use super::openrun::OpenRun;
use super::say;
use super::state::{AppState, Screen};
use super::tone::{Line, Tone};

/// Events that are read at once.
const WINDOW: usize = 8_192;
/// A history that is kept lies at most so many events before where one is.
pub const NEAR: u64 = 1_000;
/// Into how many parts the others cut a long run.
const PARTS: u64 = 4;

/// What an event is, without what it carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// The run began.
    RunStarted,
    /// A call was asked for.
    Asked,
    /// A body started.
    Started,
    /// An attempt failed, and another follows.
    AttemptFailed,
    /// A call ended.
    Ended(CallStatus),
    /// A call said how far it is.
    Progress,
    /// A call wrote.
    Log,
    /// A call set request state.
    State,
    /// A call recorded a metric.
    Metric,
    /// A sentence about the run.
    Notice,
    /// The run ended.
    RunEnded(RunStatus),
    /// A body ended and waits at the gate.
    Offered,
    /// Somebody answered at the gate.
    Answered,
    /// The code of a function was noted.
    Code,
}

/// One event on the time line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// When.
    pub at: Micros,
    /// The call, 0 for the run.
    pub no: CallNo,
    /// What happened.
    pub what: What,
}

impl Mark {
    /// Of an event.
    pub fn of(event: &Event) -> Self {
        let (no, what) = match &event.kind {
            EventKind::RunStarted { .. } => (0, What::RunStarted),
            EventKind::CallAsked(asked) => (asked.no, What::Asked),
            EventKind::CallStarted { no, .. } => (*no, What::Started),
            EventKind::AttemptFailed { no, .. } => (*no, What::AttemptFailed),
            EventKind::CallEnded(ended) => (ended.no, What::Ended(ended.status)),
            EventKind::Progress { no, .. } => (*no, What::Progress),
            EventKind::Log { no, .. } => (*no, What::Log),
            EventKind::StateSet { no, .. } => (*no, What::State),
            EventKind::Metric { no, .. } => (*no, What::Metric),
            EventKind::Notice { no, .. } => (*no, What::Notice),
            EventKind::RunEnded { status, .. } => (0, What::RunEnded(*status)),
            EventKind::Offered(ended) => (ended.no, What::Offered),
            EventKind::Answered(answered) => (answered.no, What::Answered),
            EventKind::CodeKnown(_) => (0, What::Code),
        };
        Mark { at: event.at, no, what }
    }

    fn is_failure(&self) -> bool {
        matches!(self.what, What::AttemptFailed | What::Ended(CallStatus::Failed | CallStatus::InDoubt))
    }

    fn is_end(&self) -> bool {
        matches!(self.what, What::Ended(_))
    }
}

/// Where to go on the time line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// So many events later, or earlier.
    By(i64),
    /// To the first event.
    First,
    /// To the last event.
    Last,
    /// To the next failure, or the one before.
    Failure(bool),
    /// To where the next call ended, or the one before.
    End(bool),
}

/// The number of the event to which a move leads; `None`: there is none.
pub fn moved(marks: &[Mark], seq: u64, by: Move) -> Option<u64> {
    let last = marks.len() as u64;
    let seek = |forward: bool, wanted: fn(&Mark) -> bool| {
        let at = usize::try_from(seq).unwrap_or(usize::MAX);
        let found = if forward {
            marks.iter().enumerate().skip(at).find(|(_, mark)| wanted(mark))
        } else {
            marks.iter().enumerate().take(at.saturating_sub(1)).rev().find(|(_, mark)| wanted(mark))
        };
        found.map(|(at, _)| at as u64 + 1)
    };
    match by {
        _ if marks.is_empty() => None,
        Move::By(by) => Some(seq.saturating_add_signed(by).clamp(1, last)),
        Move::First => Some(1),
        Move::Last => Some(last),
        Move::Failure(forward) => seek(forward, Mark::is_failure),
        Move::End(forward) => seek(forward, Mark::is_end),
    }
}

/// The marks of all events of a run; `read` gives those after a number, at most so many.
pub fn marks(mut read: impl FnMut(u64, usize) -> Result<Vec<Event>, String>) -> Result<Vec<Mark>, String> {
    let mut out = Vec::new();
    let mut after = 0;
    loop {
        let events = read(after, WINDOW)?;
        let Some(last) = events.last() else { return Ok(out) };
        after = last.seq;
        out.extend(events.iter().map(Mark::of));
    }
}

/// A run as it was, ready to be shown.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// The run.
    pub open: OpenRun,
    /// Histories on the way that are worth keeping.
    pub kept: Vec<Arc<RunHistory>>,
}

impl PartialEq for Rebuilt {
    fn eq(&self, other: &Self) -> bool {
        self.open.history == other.open.history && self.kept == other.kept
    }
}

/// Whether the history after an event is kept while one is at `seq`: two lie near before it, the others cut the run into
/// few parts.
fn is_kept(at: u64, seq: u64, total: u64) -> bool {
    let near = (seq.saturating_sub(1) / NEAR).saturating_sub(1) * NEAR;
    at.is_multiple_of((total / PARTS).max(NEAR)) || at.is_multiple_of(NEAR) && at >= near && at < seq
}

/// Puts a run of `total` events together as it was after the event `seq`, beginning with an earlier history of it.
pub fn rebuild(
    run: &RunId,
    (seq, total): (u64, u64),
    from: Option<Arc<RunHistory>>,
    mut read: impl FnMut(u64, usize) -> Result<Vec<Event>, String>,
) -> Result<Rebuilt, String> {
    let from = from.filter(|from| from.last_seq <= seq);
    let mut history = from.map_or_else(|| RunHistory::new(run.clone()), Arc::unwrap_or_clone);
    let mut kept = Vec::new();
    while history.last_seq < seq {
        let wanted = usize::try_from(seq - history.last_seq).unwrap_or(WINDOW).min(WINDOW);
        let events = read(history.last_seq, wanted)?;
        if events.is_empty() {
            return Err(format!("its events end with number {}", history.last_seq));
        }
        // The store gives whole segments: there may be more than was asked for.
        for event in events.iter().take_while(|event| event.seq <= seq) {
            history.apply(event);
            let at = event.seq;
            if at < seq && is_kept(at, seq, total) {
                kept.push(Arc::new(history.clone()));
            }
        }
    }
    Ok(Rebuilt { open: OpenRun::new(Arc::new(history)), kept })
}

/// The time line of the selected run, while it is shown.
#[derive(Clone, Debug)]
pub struct AsOf {
    /// The run.
    pub run: RunId,
    /// Its events; empty until they are read.
    pub marks: Arc<Vec<Mark>>,
    /// The number of the event after which the run is to be shown.
    pub seq: u64,
    /// The run as it was after some event; that of `seq` as soon as it is there.
    pub open: Option<Box<OpenRun>>,
    /// The question under way.
    pub asked: Option<u64>,
    /// Histories to begin with, in the order of their last events.
    pub kept: Vec<Arc<RunHistory>>,
}

impl AsOf {
    /// Of a run whose events are being read.
    pub fn new(run: RunId, generation: u64) -> Self {
        AsOf { run, marks: Arc::default(), seq: 0, open: None, asked: Some(generation), kept: Vec::new() }
    }

    /// How many events there are.
    pub fn total(&self) -> u64 {
        self.marks.len() as u64
    }

    /// The event after which the run is to be shown.
    pub fn mark(&self) -> Option<&Mark> {
        self.marks.get(usize::try_from(self.seq).ok()?.checked_sub(1)?)
    }

    /// When that was.
    pub fn time(&self) -> Option<Micros> {
        self.mark().map(|mark| mark.at)
    }

    /// The latest history that lies before where one goes.
    pub fn base(&self) -> Option<Arc<RunHistory>> {
        let shown = self.open.as_ref().map(|open| &open.history);
        let before = self.kept.iter().chain(shown).filter(|kept| kept.last_seq <= self.seq);
        before.max_by_key(|kept| kept.last_seq).cloned()
    }

    /// Takes up histories that were passed; gives back those that lie near where one was.
    pub fn keep(&mut self, kept: Vec<Arc<RunHistory>>) -> Vec<Arc<RunHistory>> {
        let (seq, total) = (self.seq, self.total());
        self.kept.extend(kept);
        self.kept.sort_by_key(|kept| kept.last_seq);
        self.kept.dedup_by_key(|kept| kept.last_seq);
        self.kept.extract_if(.., |kept| !is_kept(kept.last_seq, seq, total)).collect()
    }
}

impl AppState {
    /// The time line, while it is on the screen.
    pub fn time_line(&self) -> Option<&AsOf> {
        let shown =
            |line: &&AsOf| self.screen == Screen::Main && self.runs.selected.as_ref() == Some(&line.run);
        self.as_of.as_ref().filter(shown)
    }

    /// The selected run as it was, while the time line is on the screen.
    pub fn then(&self) -> Option<&OpenRun> {
        self.time_line()?.open.as_deref()
    }
}

/// The line above the panes: which event, when, and what happened.
pub fn line(state: &AppState) -> Line {
    let Some(line) = state.time_line() else { return Line::new() };
    let Some(mark) = line.mark() else {
        return vec![(Tone::Focus, "AS OF".to_owned()), (Tone::Quiet, "  reading the events …".to_owned())];
    };
    let since = mark.at - line.marks.first().map_or(mark.at, |first| first.at);
    let mut out = vec![
        (Tone::Focus, format!("event {} of {}", line.seq, line.total())),
        (Tone::Text, format!(", +{}, ", text::duration(since))),
    ];
    out.push(happened(state, line, mark));
    if line.open.as_ref().is_none_or(|open| open.history.last_seq != line.seq) {
        out.push((Tone::Quiet, "  …".to_owned()));
    }
    out
}

fn happened(state: &AppState, line: &AsOf, mark: &Mark) -> (Tone, String) {
    let whole = state.open.get(&line.run).map(|open| &open.history);
    let name = match whole.and_then(|run| Some((run, run.call(mark.no)?))) {
        Some((run, call)) => say::place_in_tree(run, call),
        None => "the run".to_owned(),
    };
    match mark.what {
        What::RunStarted => (Tone::Text, "the run started".to_owned()),
        What::Asked => (Tone::Text, format!("{name} was asked for")),
        What::Started => (Tone::Active, format!("{name} started")),
        What::AttemptFailed => (Tone::Bad, format!("an attempt of {name} failed")),
        What::Ended(status) => {
            (say::status_tone(status), format!("{name} ended: {}", say::status_word(status)))
        }
        What::Progress => (Tone::Text, format!("{name} told its progress")),
        What::Log => (Tone::Text, format!("{name} wrote")),
        What::State => {
            let set = line.open.as_ref().filter(|open| open.history.last_seq == line.seq);
            let set = set.and_then(|open| open.history.state.last());
            let what =
                set.map_or_else(String::new, |set| format!(" {} = {}", set.key, say::preview(&set.value)));
            (Tone::Marked, format!("{name} set state{what}"))
        }
        What::Metric => (Tone::Text, format!("{name} recorded a metric")),
        What::Notice => (Tone::Text, format!("a notice about {name}")),
        What::RunEnded(status) => (say::run_tone(status), format!("the run ended: {}", status.word())),
        What::Offered => (Tone::Marked, format!("{name} waited at the gate behind its body")),
        What::Answered => (Tone::Marked, format!("{name} was answered at the gate")),
        What::Code => (Tone::Text, "the code of a function was noted".to_owned()),
    }
}
