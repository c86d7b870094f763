//! What calls did to their run beside returning, ready to be done again.

use std::collections::HashMap;

use crate::base::ids::CallNo;
use crate::model::{EventKind, RunHistory};

/// Effects of a run by call; empty for most runs, and then asking costs nothing.
#[derive(Debug, Default)]
pub struct EffectIndex {
    by_call: HashMap<CallNo, Vec<EventKind>>,
}

impl EffectIndex {
    /// Reads a run.
    pub fn new(history: &RunHistory) -> Self {
        let mut by_call: HashMap<CallNo, Vec<EventKind>> = HashMap::new();
        for change in &history.state {
            by_call.entry(change.call).or_default().push(EventKind::StateSet {
                no: change.call,
                key: change.key.clone(),
                value: change.value.clone(),
            });
        }
        for metric in &history.metrics {
            by_call.entry(metric.call).or_default().push(EventKind::Metric {
                no: metric.call,
                name: metric.name.clone(),
                timer: metric.timer,
                value: metric.value,
            });
        }
        for log in &history.logs {
            by_call.entry(log.call).or_default().push(EventKind::Log {
                no: log.call,
                stream: log.stream,
                text: log.text.clone(),
            });
        }
        for call in &history.calls {
            if let Some((current, total, message)) = &call.progress {
                by_call.entry(call.no).or_default().push(EventKind::Progress {
                    no: call.no,
                    current: *current,
                    total: *total,
                    message: message.clone(),
                });
            }
        }
        by_call.remove(&0);
        EffectIndex { by_call }
    }

    /// What a call and its descendants did, callers before what they called.
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
        out
    }
}
