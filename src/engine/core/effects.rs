//! What bodies do beside returning: request state, progress, logs; and doing it again when they are served.

use std::collections::HashMap;

use bytes::Bytes;

use super::Core;
use super::node::{ConnId, NodeIx};
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::base::text;
use crate::engine::replay::Hit;
use crate::engine::values;
use crate::model::event::Level;
use crate::model::{EventKind, Stream};
use crate::proto::message::ToWorker;

/// Bytes of one stream of one call that are recorded.
pub const LOG_LIMIT: u64 = 1 << 20;

impl Core {
    pub(super) fn state_set(&mut self, by: CallNo, key: String, blobs: Vec<Bytes>) {
        let Some(pickle) = blobs.into_iter().next() else { return };
        match values::pack(&pickle) {
            Ok((value, digest, pieces)) => {
                self.recorder.pending.pieces.extend(pieces);
                self.state.insert(key.clone(), (digest, value.clone(), pickle));
                self.emit(EventKind::StateSet { no: by, key, value });
            }
            Err(text) => {
                self.notice(by, Level::Error, format!("request state '{key}' was not recorded: {text}"))
            }
        }
    }

    pub(super) fn state_get(&mut self, conn: ConnId, id: u64, by: CallNo, key: String) {
        let held = self.state.get(&key).map(|held| (held.0, held.2.clone()));
        if let Some(ix) = self.node_by_no(by) {
            let seen: Option<Digest> = held.as_ref().map(|h| h.0);
            let reads = &mut self.nodes[ix].state_reads;
            if !reads.iter().any(|(name, _)| *name == key) {
                reads.push((key, seen));
            }
        }
        let found = held.is_some();
        self.send(conn, ToWorker::State { id, found }, held.into_iter().map(|h| h.1).collect());
    }

    pub(super) fn progress(&mut self, by: CallNo, current: f64, total: f64, message: Option<String>) {
        self.emit(EventKind::Progress { no: by, current, total, message });
        // "progress.update resets the timeout" (the platform's documentation).
        if let Some(ix) = self.node_by_no(by) {
            self.arm_timeout(ix);
        }
    }

    pub(super) fn log(&mut self, by: CallNo, stream: Stream, bytes: &[u8]) {
        let slot = usize::from(stream == Stream::Stderr);
        if let Some(ix) = self.node_by_no(by) {
            // The runtime keeps to the limit that it was told; this bounds what a broken one can write.
            let logged = &mut self.nodes[ix].logged[slot];
            if *logged > 2 * LOG_LIMIT {
                return;
            }
            *logged += bytes.len() as u64;
        }
        self.emit(EventKind::Log { no: by, stream, text: text::lossy(bytes) });
    }

    /// Bytes that came past the runtime: they belong to the one call that the worker executes, if it is one.
    pub(super) fn raw_output(&mut self, worker: u32, stream: Stream, bytes: &[u8]) {
        let hosts = self.workers.get(&worker).map(|w| w.hosts.clone()).unwrap_or_default();
        let active: Vec<NodeIx> = hosts.into_iter().filter(|ix| self.nodes[*ix].asking == 0).collect();
        let no = match active.as_slice() {
            [ix] => self.nodes[*ix].no,
            _ => 0,
        };
        self.log(no, stream, bytes);
    }

    /// Repeats what a served call did to the run when it was executed, its descendants' doings included.
    ///
    /// `numbers`: the calls' numbers in this run by their recorded ones.
    pub(super) fn reapply(&mut self, ix: NodeIx, hit: &Hit, numbers: &HashMap<CallNo, CallNo>) {
        let top = self.nodes[ix].no;
        for effect in &hit.effects {
            let mut kind = effect.clone();
            let (EventKind::StateSet { no: by, .. }
            | EventKind::Progress { no: by, .. }
            | EventKind::Metric { no: by, .. }
            | EventKind::Log { no: by, .. }) = &kind
            else {
                continue;
            };
            let no = numbers.get(by).copied().unwrap_or(top);
            match &mut kind {
                EventKind::StateSet { no: at, key, value } => {
                    *at = no;
                    match self.checkpoints.load(value) {
                        Ok(pickle) => {
                            self.state.insert(key.clone(), (value.digest, value.clone(), pickle));
                        }
                        Err(error) => {
                            let text = format!("request state '{key}' could not be set again: {error}");
                            self.notice(no, Level::Error, text);
                        }
                    }
                }
                EventKind::Progress { no: at, .. }
                | EventKind::Metric { no: at, .. }
                | EventKind::Log { no: at, .. } => *at = no,
                _ => continue,
            }
            self.emit(kind);
        }
    }
}
