//! Results of a map that are handed out before all of its items are over.
//!
//! A wide map would otherwise hold every result until the last one is there. Each is on disk before it is sent, as
//! any result is; what the map comes to is still said at its end.

use bytes::Bytes;

use super::Core;
use super::node::{Asker, NodeIx, Operation};
use crate::model::ErrorInfo;
use crate::proto::message::ToWorker;

/// Bytes of results that are worth a message.
const PART: usize = 128 << 10;

/// What was sent of a map's results, and what waits to be.
#[derive(Default)]
pub(super) struct Parts {
    waiting: Vec<usize>,
    bytes: usize,
    /// By index; empty before the first part.
    sent: Vec<bool>,
}

impl Core {
    /// An item of a map is over: its result may go.
    pub(super) fn part_over(&mut self, op: NodeIx, item: NodeIx) {
        let (Asker::Request { conn, id }, Asker::Operation { index, .. }) =
            (self.nodes[op].asker, self.nodes[item].asker)
        else {
            return;
        };
        let Some(size) = self.nodes[item].result.as_ref().map(Bytes::len) else { return };
        let parts = self.parts.entry(op).or_default();
        parts.waiting.push(index);
        parts.bytes += size;
        if parts.bytes < PART {
            return;
        }
        let Some(Operation::Map { items, .. }) = self.nodes[op].op.as_deref() else { return };
        let items = items.clone();
        let at = std::mem::take(&mut parts.waiting);
        parts.bytes = 0;
        parts.sent.resize(items.len(), false);
        let mut blobs = Vec::with_capacity(at.len());
        for index in &at {
            parts.sent[*index] = true;
            blobs.push(self.nodes[items[*index]].result.take().unwrap_or_default());
        }
        self.send(conn, ToWorker::Part { id, at }, blobs);
    }

    /// The results of a map that its asker has not got: their indexes when others were sent before.
    pub(super) fn parts_left(
        &mut self,
        op: NodeIx,
        items: Vec<NodeIx>,
    ) -> Result<(Option<Vec<usize>>, Vec<Bytes>), ErrorInfo> {
        let sent = self.parts.remove(&op).map(|parts| parts.sent).unwrap_or_default();
        let at: Vec<usize> = (0..items.len()).filter(|index| sent.get(*index) != Some(&true)).collect();
        let blobs: Result<Vec<Bytes>, ErrorInfo> =
            at.iter().map(|index| self.item_value(items[*index])).collect();
        Ok(((!sent.is_empty()).then_some(at), blobs?))
    }
}
