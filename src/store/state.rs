//! What the writer keeps in memory of a run that it records: the end of its chain, its summary, its open calls.
//!
//! Pure: events in, changed rows out. It follows [`RunHistory`](crate::model::RunHistory) for counts and
//! statuses without holding every call (a test compares the two).

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::beside::Beside;
use super::chain::{self, Link};
use super::heads::{End, Head};
use super::nodes::Node;
use super::owner::Owner;
use super::rows::{CallRow, RunRecord, reusable};
use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::event::{AnswerKind, CallAsked, CallEnded};
use crate::model::summary::{Spent, add_end};
use crate::model::{Call, CallKind, CallStatus, Event, EventKind, Mode, RunHistory, RunStatus, keys};

/// A call that has not ended, and what its row will need then.
#[derive(Debug)]
struct Open {
    row: CallRow,
    key: Digest,
    code: Digest,
    durable: bool,
    /// Whether it made calls itself.
    calls: bool,
    stored: bool,
    changed: bool,
    /// An outcome that waits for an answer.
    offered: Option<Box<CallEnded>>,
}

/// A row of `calls` to write.
#[derive(Debug)]
pub(super) struct Change {
    pub row: CallRow,
    /// Whether the row exists already.
    pub stored: bool,
}

/// Where a segment stands in its run's log.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its first event.
    pub first: u64,
    /// How many it holds.
    pub count: u64,
    /// Its link.
    pub link: Link,
}

/// What a run recorded beside the database since its log grew last.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub events: Vec<Event>,
    /// Values that they refer to, as they are.
    pub nodes: Vec<Node>,
    pub digests: HashSet<Digest>,
    /// The last event that was synced there; 0 when none was.
    pub synced: u64,
}

/// A run being recorded.
#[derive(Debug)]
pub(super) struct RunState {
    pub run: RunId,
    /// Its row in `runs`; 0 before it has one.
    pub id: i64,
    pub record: RunRecord,
    pub end: End,
    /// The last end that was synced.
    pub durable: End,
    /// Its slot in `heads`.
    pub slot: u64,
    /// Whether the row in `runs` is older than `end`.
    pub stale: bool,
    /// Whether the last event of the run was applied.
    pub closed: bool,
    /// What is not in the log yet: it was applied, and is beside the database.
    pub held: Held,
    /// The file there, once there was something.
    pub beside: Option<Beside>,
    spent: Spent,
    open: HashMap<CallNo, Open>,
    touched: Vec<CallNo>,
    done: Vec<Change>,
    // `Counts::shift` asks a call for its kind only.
    probe: Call,
}

impl RunState {
    /// What `heads` is to say of the run.
    pub fn head(&self, boot: Link) -> Head {
        let started = self.record.summary.started_at;
        let kept = self.held.synced.max(self.durable.seq);
        Head { run: self.run.clone(), durable: self.durable, soft: self.end, boot, started, kept }
    }

    /// A run of which no event is known yet.
    pub fn new(run: RunId, owner: Owner, now: Micros) -> Self {
        let mut history = RunHistory::new(run.clone());
        history.mode = Mode::Fresh;
        let record =
            RunRecord { summary: history.summary(false), owner, beat: now, seq: 0, nodes: 0, first_node: 0 };
        RunState {
            run,
            id: 0,
            record,
            end: End::NONE,
            durable: End::NONE,
            slot: 0,
            stale: false,
            closed: false,
            held: Held::default(),
            beside: None,
            spent: Spent::default(),
            open: HashMap::default(),
            touched: Vec::new(),
            done: Vec::new(),
            probe: probe(),
        }
    }

    /// Whether these events may follow; the text says why not.
    pub fn accepts(&self, events: &[Event]) -> Result<(), String> {
        if self.closed && !events.is_empty() {
            return Err("events after the last one".to_owned());
        }
        for (next, event) in (self.end.seq + self.held.events.len() as u64 + 1..).zip(events) {
            if event.seq != next {
                return Err(format!("event {} where {next} was due", event.seq));
            }
            match &event.kind {
                EventKind::RunStarted { run, .. } if next != 1 || *run != self.run => {
                    return Err(format!("run {run} started at event {next}"));
                }
                EventKind::RunStarted { .. } => {}
                _ if next == 1 => return Err("the first event must start the run".to_owned()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Applies accepted events that become part of the log later, with the values that they refer to.
    pub fn hold(&mut self, events: Vec<Event>, nodes: Vec<Node>, synced: bool) {
        events.iter().for_each(|event| self.apply(event));
        if let Some(last) = events.last().filter(|_| synced) {
            self.held.synced = last.seq;
        }
        self.held.events.extend(events);
        self.held.digests.extend(nodes.iter().map(|node| node.digest));
        self.held.nodes.extend(nodes);
        self.stale = true;
    }

    /// Applies accepted events and appends the segment that holds them to the chain, after `held` ones of before.
    pub fn append(&mut self, held: usize, events: &[Event], data: &[u8]) -> Segment {
        for event in events {
            self.apply(event);
        }
        let (first, count) = (self.end.seq + 1, (held + events.len()) as u64);
        let link = chain::link(&self.end.link, &self.run, first, count, data);
        self.end = End { seq: first + count - 1, link };
        self.stale = true;
        Segment { first, count, link }
    }

    /// The rows of `calls` that changed since the last time.
    pub fn changes(&mut self) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.done);
        for no in std::mem::take(&mut self.touched) {
            if let Some(open) = self.open.get_mut(&no)
                && std::mem::take(&mut open.changed)
            {
                changes.push(Change {
                    row: open.row.clone(),
                    stored: std::mem::replace(&mut open.stored, true),
                });
            }
        }
        changes
    }

    /// Rows that could not be written: they come first the next time.
    pub fn put_back(&mut self, mut changes: Vec<Change>) {
        changes.append(&mut self.done);
        self.done = changes;
        self.stale = true;
    }

    /// The record for the row in `runs`, up to date.
    pub fn current(&mut self, now: Micros) -> &RunRecord {
        self.record.seq = self.end.seq;
        self.record.beat = now;
        self.record.summary.cost_usd = self.spent.known_cost();
        self.record.summary.priced_usd = self.spent.cost_usd;
        self.stale = false;
        &self.record
    }

    fn apply(&mut self, event: &Event) {
        let summary = &mut self.record.summary;
        match &event.kind {
            EventKind::RunStarted { app, file, mode, parent, purpose, .. } => {
                summary.purpose.clone_from(purpose);
                summary.app.clone_from(app);
                summary.file.clone_from(file);
                summary.mode = *mode;
                summary.parent.clone_from(parent);
                summary.started_at = event.at;
            }
            EventKind::CallAsked(asked) => self.asked(event, asked),
            EventKind::CallStarted { no, .. } => {
                self.shift(*no, CallStatus::Running, |row| row.started_at = Some(event.at));
            }
            EventKind::AttemptFailed { no, .. } => self.shift(*no, CallStatus::Pending, |_| {}),
            EventKind::CallEnded(ended) => self.ended(event, ended),
            EventKind::Offered(ended) => {
                if let Some(open) = self.open.get_mut(&ended.no) {
                    open.offered = Some(ended.clone());
                }
            }
            EventKind::Answered(answered) => {
                if let Some(open) = self.open.get_mut(&answered.no) {
                    open.offered = None;
                    // What it answers is not what was asked for.
                    open.durable &= answered.answer != AnswerKind::Arguments;
                }
            }
            EventKind::RunEnded { status, .. } => {
                self.record.summary.status = *status;
                self.record.summary.ended_at = Some(event.at);
                self.closed = true;
                let mut open: Vec<CallNo> = self.open.keys().copied().collect();
                open.sort_unstable();
                for no in open {
                    if let Some(offered) = self.open.get_mut(&no).and_then(|open| open.offered.take()) {
                        self.ended(event, &offered);
                        continue;
                    }
                    let doubt = self.open.get(&no).is_some_and(|open| {
                        *status == RunStatus::Interrupted
                            && open.row.status == CallStatus::Running
                            && open.row.kind == CallKind::Call
                            && !open.calls
                    });
                    self.shift(no, if doubt { CallStatus::InDoubt } else { CallStatus::Cancelled }, |_| {});
                }
            }
            _ => {}
        }
    }

    fn asked(&mut self, event: &Event, asked: &CallAsked) {
        if asked.no != self.record.nodes + 1 {
            return;
        }
        self.record.nodes += 1;
        let row = CallRow {
            no: asked.no,
            parent: asked.parent,
            kind: asked.kind,
            function: asked.function.clone(),
            ordinal: asked.ordinal,
            status: CallStatus::Pending,
            asked_at: event.at,
            started_at: None,
            ended_at: None,
            wall_us: 0,
            tokens: 0,
            cost_usd: None,
            ask_seq: event.seq,
            end_seq: 0,
            fp: None,
        };
        if let Some(parent) = self.open.get_mut(&asked.parent) {
            parent.calls = true;
        }
        self.probe.kind = asked.kind;
        self.record.summary.counts.shift(&self.probe, None, CallStatus::Pending);
        self.touched.push(asked.no);
        self.open.insert(
            asked.no,
            Open {
                row,
                key: asked.key,
                code: asked.code,
                durable: asked.durable,
                calls: false,
                stored: false,
                changed: true,
                offered: None,
            },
        );
    }

    fn shift(&mut self, no: CallNo, status: CallStatus, change: impl FnOnce(&mut CallRow)) {
        let Some(open) = self.open.get_mut(&no) else { return };
        self.probe.kind = open.row.kind;
        self.record.summary.counts.shift(&self.probe, Some(open.row.status), status);
        open.row.status = status;
        change(&mut open.row);
        if !std::mem::replace(&mut open.changed, true) {
            self.touched.push(no);
        }
    }

    fn ended(&mut self, event: &Event, ended: &CallEnded) {
        let Some(mut open) = self.open.remove(&ended.no) else { return };
        let usage = ended.usage.clone().unwrap_or_default();
        let row = &mut open.row;
        self.probe.kind = row.kind;
        let summary = &mut self.record.summary;
        summary.counts.shift(&self.probe, Some(row.status), ended.status);
        add_end(&mut self.spent, &mut summary.saved, row.kind, ended, !open.calls);
        summary.tokens = self.spent.tokens;
        row.status = ended.status;
        row.ended_at = Some(event.at);
        row.wall_us = ended.wall_us;
        row.tokens = usage.tokens();
        row.cost_usd = usage.cost_usd;
        row.end_seq = event.seq;
        if ended.status == CallStatus::Cached && row.started_at.is_none() {
            row.started_at = Some(event.at);
        }
        if reusable(ended.status, open.durable, row.kind) {
            row.fp = Some(keys::fingerprint(&open.key, &open.code).prefix());
        }
        self.done.push(Change { row: open.row, stored: open.stored });
    }
}

fn probe() -> Call {
    Call {
        no: 0,
        parent: 0,
        kind: CallKind::Call,
        function: String::new(),
        ordinal: 0,
        status: CallStatus::Pending,
        reason: None,
        key: Digest::default(),
        code: Digest::default(),
        durable_id: Digest::default(),
        durable: false,
        effect: false,
        attempts: 0,
        parent_attempt: 0,
        asked_at: 0,
        started_at: None,
        ended_at: None,
        wall_us: 0,
        input: None,
        output: None,
        error: None,
        origin: None,
        usage: None,
        site: None,
        progress: None,
        state_reads: Vec::new(),
        reads: vec![],
        offered: None,
        answers: vec![],
        failed_attempts: Vec::new(),
        pickled: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ErrorInfo, ErrorKind, Usage, ValueRef};
    use proptest::prelude::*;

    fn empty() -> ValueRef {
        ValueRef { digest: Digest::default(), size: 0, preview: String::new(), inline: None, withheld: None }
    }

    fn step() -> impl Strategy<Value = (u8, u8, u8)> {
        (0u8..6, any::<u8>(), any::<u8>())
    }

    /// Turns arbitrary numbers into a log as an engine could write it.
    fn log(run: &RunId, steps: &[(u8, u8, u8)], end: Option<RunStatus>) -> Vec<Event> {
        let mut kinds = vec![EventKind::RunStarted {
            run: run.clone(),
            app: "a".to_owned(),
            file: "/a.py".to_owned(),
            mode: Mode::Strict,
            parent: None,
            input: empty(),
            python: String::new(),
            version: String::new(),
            purpose: crate::model::Purpose::default(),
        }];
        let mut open: Vec<CallNo> = Vec::new();
        let mut last = 0;
        for (what, which, how) in steps {
            let pick = open.get(usize::from(*which) % open.len().max(1)).copied();
            match (what, pick) {
                (0 | 1, _) | (_, None) => {
                    last += 1;
                    open.push(last);
                    let kind = if last == 1 {
                        CallKind::Root
                    } else {
                        super::super::rows::KINDS[1 + usize::from(how % 3)]
                    };
                    kinds.push(EventKind::CallAsked(Box::new(CallAsked {
                        no: last,
                        parent: u32::from(last > 1),
                        parent_attempt: 1,
                        kind,
                        function: "f".to_owned(),
                        ordinal: 1,
                        key: Digest::of(&[*which]),
                        code: Digest::of(&[*how]),
                        durable_id: Digest::default(),
                        durable: how % 2 == 0,
                        input: None,
                        site: None,
                        reason: None,
                        effect: false,
                        pickled: None,
                    })));
                }
                (2, Some(no)) => kinds.push(EventKind::CallStarted { no, attempt: 1, worker: 1 }),
                (3, Some(no)) => kinds.push(EventKind::AttemptFailed {
                    no,
                    attempt: 1,
                    error: ErrorInfo::new(ErrorKind::Function, "E", "x"),
                }),
                (_, Some(no)) => {
                    open.retain(|other| *other != no);
                    let status =
                        [CallStatus::Cached, CallStatus::Fresh, CallStatus::Failed, CallStatus::Edited];
                    kinds.push(EventKind::CallEnded(Box::new(CallEnded {
                        no,
                        status: status[usize::from(how % 4)],
                        wall_us: i64::from(*which),
                        output: None,
                        error: None,
                        origin: None,
                        usage: (how % 5 > 0).then(|| Usage {
                            input: 3,
                            output: 4,
                            cost_usd: (how % 5 > 1).then_some(0.5),
                            ..Usage::default()
                        }),
                        state_reads: vec![],
                        reads: vec![],
                    })));
                }
            }
        }
        kinds.extend(end.map(|status| EventKind::RunEnded { status, output: None, error: None }));
        kinds.into_iter().zip(1..).map(|(kind, seq)| Event { seq, at: seq as i64 * 10, kind }).collect()
    }

    proptest! {
        #[test]
        fn the_summary_and_rows_are_those_of_the_projection(
            steps in proptest::collection::vec(step(), 0..60),
            end in 0usize..4,
            cut in 1usize..9,
        ) {
            let run = RunId::from_text("00112233aabb");
            let end = [None, Some(RunStatus::Failed), Some(RunStatus::Interrupted), Some(RunStatus::Succeeded)][end];
            let events = log(&run, &steps, end);
            let mut history = RunHistory::new(run.clone());
            let mut state = RunState::new(run, Owner::default(), 0);
            let mut rows: HashMap<CallNo, CallRow> = HashMap::default();
            for (turn, part) in events.chunks(cut).enumerate() {
                prop_assert_eq!(state.accepts(part), Ok(()));
                if turn % 3 == 1 {
                    state.hold(part.to_vec(), vec![], true);
                } else {
                    let held = std::mem::take(&mut state.held).events.len();
                    state.append(held, part, b"");
                }
                part.iter().for_each(|event| history.apply(event));
                for change in state.changes() {
                    let before = rows.insert(change.row.no, change.row);
                    prop_assert_eq!(before.is_some(), change.stored);
                }
                prop_assert_eq!(&state.current(0).summary, &history.summary(false));
                prop_assert_eq!(rows.len(), history.calls.len());
                for call in &history.calls {
                    let row = &rows[&call.no];
                    prop_assert_eq!(row, &CallRow::of(call, row.ask_seq, row.end_seq));
                }
            }
        }
    }
}
