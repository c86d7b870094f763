//! What calls did to their run beside returning, ready to be done again.

use rustc_hash::FxHashMap as HashMap;

use crate::base::ids::CallNo;
use crate::model::{EventKind, RunHistory};

/// Where an effect stands among those of its kind, which are kept apart: only their own order matters.
type Order = (u8, usize);

/// Effects of a run by call; empty for most runs, and then asking costs nothing.
#[derive(Debug, Default)]
pub struct EffectIndex {
    by_call: HashMap<CallNo, Vec<(Order, EventKind)>>,
}

impl EffectIndex {
    /// Reads a run.
    pub fn new(history: &RunHistory) -> Self {
        let mut by_call: HashMap<CallNo, Vec<(Order, EventKind)>> = HashMap::default();
        let mut add = |no: CallNo, order: Order, kind: EventKind| {
            by_call.entry(no).or_default().push((order, kind));
        };
        for (i, change) in history.state.iter().enumerate() {
            add(
                change.call,
                (0, i),
                EventKind::StateSet { no: change.call, key: change.key.clone(), value: change.value.clone() },
            );
        }
        for (i, metric) in history.metrics.iter().enumerate() {
            add(
                metric.call,
                (1, i),
                EventKind::Metric {
                    no: metric.call,
                    name: metric.name.clone(),
                    timer: metric.timer,
                    value: metric.value,
                },
            );
        }
        for (i, log) in history.logs.iter().enumerate() {
            add(
                log.call,
                (2, i),
                EventKind::Log { no: log.call, stream: log.stream, text: log.text.clone() },
            );
        }
        for call in &history.calls {
            if let Some((current, total, message)) = call.progress.as_deref() {
                add(
                    call.no,
                    (3, 0),
                    EventKind::Progress {
                        no: call.no,
                        current: *current,
                        total: *total,
                        message: message.clone(),
                    },
                );
            }
        }
        by_call.remove(&0);
        EffectIndex { by_call }
    }

    /// What a call and its descendants did: each kind in the order in which it was done.
    pub fn of(&self, history: &RunHistory, no: CallNo) -> Vec<EventKind> {
        if self.by_call.is_empty() {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut stack = vec![no];
        while let Some(at) = stack.pop() {
            out.extend(self.by_call.get(&at).into_iter().flatten().cloned());
            stack.extend(history.children(at).iter().rev());
        }
        out.sort_by_key(|(order, _)| *order);
        out.into_iter().map(|(_, kind)| kind).collect()
    }
}
