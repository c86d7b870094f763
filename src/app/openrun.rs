//! A run that is open in the workbench: its history, the tree made of it, and where the user is in it. Events are
//! taken up one by one; what was made of the history (tree, chart, table) follows without being made anew.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::ids::CallNo;
use crate::model::functions::Functions;
use crate::model::{Call, CallKind, CallStatus, Event, EventKind, RunHistory, RunStatus};

use super::filtering::Matching;
use super::say;
use super::timeline::Chart;
use super::tree::CallTree;

/// A run that is open: its history, the tree made of it, and where the user is in it.
#[derive(Clone, Debug)]
pub struct OpenRun {
    /// All that is known; of a run that is over, others hold the same.
    pub history: Arc<RunHistory>,
    /// The visible rows.
    pub tree: CallTree,
    /// The selected call; may be hidden until `settle`.
    pub selected: CallNo,
    /// First row shown.
    pub top: usize,
    /// The wheel moved the rows; they stay there until the selection changes from this.
    pub wheeled: Option<CallNo>,
    /// Whether the selection goes along with what starts.
    pub follow: bool,
    /// The call that started last.
    pub newest: CallNo,
    /// The filter that the tree shows.
    pub filtered: Option<String>,
    /// The filter by which calls are being judged.
    pub matching: Option<Matching>,
    /// Calls that changed since the filter was applied.
    pub touched: Vec<CallNo>,
    /// Log lines by call.
    pub logs: HashMap<CallNo, Vec<u32>>,
    /// The timeline, once it was looked at.
    pub chart: Option<Box<Chart>>,
    /// The table of functions, once it was looked at.
    pub functions: Option<Box<Functions>>,
    /// When it was last looked at, to drop old ones.
    pub used: u64,
}

impl OpenRun {
    /// Opens a history.
    pub fn new(history: Arc<RunHistory>) -> Self {
        let tree = CallTree::of(&history);
        let newest = history
            .calls
            .iter()
            .filter(|call| call.started_at.is_some())
            .max_by_key(|call| (call.started_at, call.no))
            .map_or(1, |call| call.no);
        let mut open = OpenRun {
            tree,
            selected: 1,
            top: 0,
            wheeled: None,
            follow: history.status == RunStatus::Running,
            newest,
            filtered: None,
            matching: None,
            touched: Vec::new(),
            logs: HashMap::new(),
            chart: None,
            functions: None,
            used: 0,
            history,
        };
        open.index_logs(0);
        // A failed run is opened for its failure.
        if let Some(no) = open.next_failed(1, true).filter(|_| !open.follow) {
            open.selected = open.tree.visible(no);
        }
        open
    }

    /// Takes up new events. Says whether some are missing before them.
    pub fn apply(&mut self, events: &[Event]) -> bool {
        for event in events {
            if event.seq > self.history.last_seq + 1 {
                return true;
            }
            let logs = self.history.logs.len();
            // The end of a run ends what still goes on, and nothing else.
            let ends = matches!(event.kind, EventKind::RunEnded { .. });
            let going = |call: &&Call| !call.status.is_final() || call.offered.is_some();
            let calls = if ends { &self.history.calls[..] } else { &[] };
            let open: Vec<CallNo> = calls.iter().filter(going).map(|call| call.no).collect();
            Arc::make_mut(&mut self.history).apply(event);
            match &event.kind {
                EventKind::CallAsked(asked) => self.sync(asked.no),
                EventKind::CallStarted { no, .. } => {
                    self.newest = *no;
                    self.sync(*no);
                }
                EventKind::AttemptFailed { no, .. } => self.sync(*no),
                EventKind::CallEnded(ended) => {
                    if ended.status == CallStatus::Cached {
                        self.newest = ended.no;
                    }
                    self.sync(ended.no);
                }
                EventKind::Log { .. } => self.index_logs(logs),
                EventKind::RunEnded { .. } => open.into_iter().for_each(|no| self.sync(no)),
                _ => {}
            }
        }
        false
    }

    fn sync(&mut self, no: CallNo) {
        if let Some(call) = self.history.call(no) {
            self.tree.sync(call);
            if let Some(chart) = &mut self.chart {
                chart.lanes.sync(&self.history, call);
            }
            if let Some(functions) = &mut self.functions {
                functions.sync(call);
            }
            if self.filtered.is_some() || self.matching.is_some() {
                self.touched.push(no);
            }
        }
    }

    fn index_logs(&mut self, from: usize) {
        for (i, log) in self.history.logs.iter().enumerate().skip(from) {
            self.logs.entry(log.call).or_default().push(i as u32);
        }
    }

    /// Finds the log lines anew after the history was replaced.
    pub fn reindex(&mut self) {
        self.logs.clear();
        self.index_logs(0);
        self.chart = None;
        self.functions = None;
    }

    /// The selected call.
    pub fn call(&self) -> Option<&Call> {
        self.history.call(self.selected)
    }

    /// The next (or previous) failed call in tree order, folded or not. The application and operations only
    /// repeat what failed below them, so they count only when nothing else failed.
    pub fn next_failed(&self, from: CallNo, forward: bool) -> Option<CallNo> {
        let failed = |status: CallStatus| matches!(status, CallStatus::Failed | CallStatus::InDoubt);
        let cause = |no: CallNo, status: CallStatus| {
            failed(status) && self.history.call(no).is_some_and(|c| c.kind == CallKind::Call)
        };
        self.tree
            .seek(from, forward, cause)
            .or_else(|| self.tree.seek(from, forward, |_, status| failed(status)))
    }

    /// Why the run failed, in a line: the first call that failed, else what stopped the run.
    pub fn cause(&self) -> Option<String> {
        let first =
            self.next_failed(1, true).and_then(|no| self.history.call(no)).filter(|call| call.is_call());
        let of_call = |call: &Call| {
            let error = call.error.as_ref()?.brief();
            let name = say::place_in_tree(&self.history, call);
            Some(if call.no == 1 { error } else { format!("{name}: {error}") })
        };
        first.and_then(of_call).or_else(|| self.history.error.as_ref().map(|error| error.brief()))
    }
}
