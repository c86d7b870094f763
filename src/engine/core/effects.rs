//! What bodies do beside returning: request state, progress, logs; and doing it again when they are served.

use bytes::Bytes;
use rustc_hash::FxHashMap as HashMap;

use super::Core;
use super::node::{ConnId, NodeIx};
use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::base::secrets::SHORTEST;
use crate::base::text;
use crate::engine::replay::Hit;
use crate::model::event::Level;
use crate::model::{EventKind, Stream};
use crate::proto::message::ToWorker;

/// The value of a key of request state.
pub(super) struct State {
    pub(super) digest: Digest,
    pickle: Bytes,
    /// The call that set it.
    setter: Option<NodeIx>,
}

/// Bytes of one stream of one call that are recorded.
pub const LOG_LIMIT: u64 = 1 << 20;

impl Core {
    pub(super) fn state_set(&mut self, by: CallNo, key: String, blobs: Vec<Bytes>) {
        let Some(pickle) = blobs.into_iter().next() else { return };
        let ready = self.recorder.packer.any(&pickle);
        let (value, digest) = self.recorder.keep(ready);
        let setter = self.spoke(by);
        let own = setter.and_then(|ix| self.sample_of(ix));
        self.state.insert(kept_as(own, &key), State { digest, pickle, setter });
        self.emit(EventKind::StateSet { no: by, key, value });
    }

    pub(super) fn state_get(&mut self, conn: ConnId, id: u64, by: CallNo, key: String) {
        let speaker = self.spoke(by);
        let held = self.held(speaker, &key).map(|held| (held.digest, held.pickle.clone()));
        if let Some(ix) = speaker {
            let seen: Option<Digest> = held.as_ref().map(|h| h.0);
            self.read(ix, &key, seen);
        }
        let found = held.is_some();
        self.send(conn, ToWorker::State { id, found }, held.into_iter().map(|h| h.1).collect());
    }

    /// What a call finds under a key of the request state.
    fn held(&self, by: Option<NodeIx>, key: &str) -> Option<&State> {
        let own =
            by.and_then(|ix| self.sample_of(ix)).and_then(|own| self.state.get(&kept_as(Some(own), key)));
        own.or_else(|| self.state.get(key))
    }

    /// What the run begins with.
    pub(super) fn state_is(&mut self, key: String, digest: Digest, pickle: Bytes) {
        self.state.insert(key, State { digest, pickle, setter: None });
    }

    /// Something came from a call's body: it has begun.
    pub(super) fn spoke(&mut self, by: CallNo) -> Option<NodeIx> {
        let ix = self.node_by_no(by)?;
        self.nodes[ix].begun = true;
        Some(ix)
    }

    /// Notes what a call saw of the request state, for itself and for those that (indirectly) called it.
    ///
    /// What was set below a call is no condition on the state before it.
    fn read(&mut self, ix: NodeIx, key: &str, seen: Option<Digest>) {
        let setter = self.held(Some(ix), key).and_then(|held| held.setter);
        let mut at = ix;
        while !setter.is_some_and(|setter| self.is_below(setter, at)) {
            let reads = &mut self.nodes[at].state_reads;
            if !reads.iter().any(|(name, _)| *name == key) {
                reads.push((key.to_owned(), seen));
            }
            if at == 0 {
                break;
            }
            at = self.nodes[at].parent;
        }
    }

    /// Notes what a served call had seen for those that called it.
    pub(super) fn callers_read(&mut self, ix: NodeIx, key: &str, seen: Option<Digest>) {
        if ix != 0 {
            self.read(self.nodes[ix].parent, key, seen);
        }
    }

    pub(super) fn is_below(&self, ix: NodeIx, ancestor: NodeIx) -> bool {
        let mut at = ix;
        while at != ancestor {
            if at == 0 {
                return false;
            }
            at = self.nodes[at].parent;
        }
        true
    }

    pub(super) fn progress(&mut self, by: CallNo, current: f64, total: f64, message: Option<String>) {
        self.emit(EventKind::Progress { no: by, current, total, message });
        // "progress.update resets the timeout" (the platform's documentation).
        if let Some(ix) = self.spoke(by) {
            self.arm_timeout(ix);
        }
    }

    pub(super) fn log(&mut self, by: CallNo, stream: Stream, bytes: &[u8]) {
        let slot = usize::from(stream == Stream::Stderr);
        if let Some(ix) = self.spoke(by) {
            // The runtime keeps to the limit that it was told; this bounds what a broken one can write.
            let logged = &mut self.nodes[ix].logged[slot];
            if *logged > 2 * LOG_LIMIT {
                return;
            }
            *logged += bytes.len() as u64;
        } else {
            if self.stray[slot] > 2 * LOG_LIMIT {
                return;
            }
            self.stray[slot] += bytes.len() as u64;
        }
        let bytes = self.recorder.heard(by, stream, bytes);
        if !bytes.is_empty() {
            self.emit(EventKind::Log { no: by, stream, text: text::lossy(&bytes) });
        }
    }

    /// What is left of the streams of a call that ends, or of all when the run does.
    pub(super) fn emit_unheard(&mut self, now: Micros, kind: &EventKind) {
        let no = match kind {
            EventKind::CallEnded(ended) | EventKind::Offered(ended) => ended.no,
            EventKind::AttemptFailed { no, .. } => *no,
            EventKind::RunEnded { .. } => 0,
            _ => return,
        };
        for (no, stream, bytes) in self.recorder.unheard(no) {
            self.recorder.emit(now, EventKind::Log { no, stream, text: text::lossy(&bytes) });
        }
    }

    /// Says which named secrets are not looked for.
    pub(super) fn tell_short(&mut self) {
        for name in self.recorder.packer.redactor().too_short().to_vec() {
            let text = format!(
                "{name} is named in `secrets`, but its value has fewer than {SHORTEST} characters: it is not looked for"
            );
            self.notice(0, Level::Warning, text);
        }
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
                            // What readers are compared by; the stored digest also tells how it is packed.
                            let digest = self.recorder.packer.any(&pickle).canonical;
                            let setter = Some(ix);
                            self.state.insert(key.clone(), State { digest, pickle, setter });
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

/// A sample's state is kept apart from that of others.
fn kept_as(sample: Option<NodeIx>, key: &str) -> String {
    match sample {
        Some(sample) => format!("{sample}\0{key}"),
        None => key.to_owned(),
    }
}

/// The text of a log.
pub(super) fn text_of(event: &EventKind) -> Option<&str> {
    match event {
        EventKind::Log { text, .. } => Some(text),
        _ => None,
    }
}
