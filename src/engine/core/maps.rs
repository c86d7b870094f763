//! Maps: a call for each item, and what is to become of each.
//!
//! The items of a wide map are decided in pieces, one at each [`Core::flush`]: the first bodies begin, and the first
//! results leave, while the others are decided.
//!
//! Invariant: nothing else is asked for, and no message is looked at, before the last item has been decided. So the
//! record is the same as if all had been decided at once.

use super::node::{NodeIx, Operation, OperationAsk};
use super::{Core, Input};
use crate::base::digest::Digest;
use crate::engine::recorder::Then;
use crate::model::Mode;

/// Items that are decided at once.
const PIECE: usize = 64;

/// Items of a map that are still to be decided, in order.
pub(super) struct Undecided {
    items: std::vec::IntoIter<NodeIx>,
    /// Whether their arguments are recorded, and their keys known.
    keyed: bool,
}

impl Core {
    pub(super) fn begin_map(&mut self, op: NodeIx, ask: OperationAsk) {
        let param = ask.params.into_iter().next().unwrap_or_default();
        let count = ask.items.len();
        let mut items = Vec::with_capacity(count);
        let func = self.nodes[op].func;
        // Growing in steps would leave room for as many again.
        self.nodes.reserve_exact(count);
        for (index, item) in ask.items.into_iter().enumerate() {
            items.push(self.step_node(op, func, index, vec![item], Some(param.clone())));
        }
        self.nodes[op].op = Some(Box::new(Operation::Map { items: items.clone(), open: count }));
        if count == 0 {
            self.operation_over(op);
            return;
        }
        let keyed = self.spec.mode != Mode::Fresh;
        if keyed {
            // Every item's key first, so that checkpoints of other runs are looked up together.
            for ix in &items {
                self.item_arguments(*ix);
            }
            let wanted: Vec<Digest> = items
                .iter()
                .filter(|ix| self.nodes[**ix].durable && !self.nodes[**ix].is_over())
                .map(|ix| self.nodes[*ix].key)
                .collect();
            let func = &self.functions[self.nodes[op].func];
            self.replay.prefetch(&func.facts.name, &func.code, &wanted, &*self.checkpoints);
        }
        self.undecided.push_back(Undecided { items: items.into_iter(), keyed });
    }

    fn item_arguments(&mut self, ix: NodeIx) {
        let base = self.nodes[ix].args.first().cloned().unwrap_or_default();
        let param = self.nodes[ix].map_param.clone().unwrap_or_default();
        let ready = self.recorder.packer.item(&param, &base);
        let (input, canonical) = self.recorder.keep(ready);
        self.nodes[ix].input = Some(input);
        self.set_key(ix, canonical);
    }

    /// Whether items of a map are still to be decided: [`Core::flush`] goes on with them.
    pub fn goes_on(&self) -> bool {
        !self.undecided.is_empty()
    }

    /// Decides what becomes of the next items.
    pub(super) fn decide_some(&mut self) {
        let Some(mut map) = self.undecided.pop_front() else { return };
        for ix in map.items.by_ref().take(PIECE) {
            if self.ending.is_some() || self.nodes[ix].is_over() {
                continue;
            }
            if !map.keyed {
                self.item_arguments(ix);
            }
            self.decide(ix);
        }
        if map.items.len() > 0 {
            self.undecided.push_front(map);
        }
    }

    /// Whether nothing follows from an input but that bodies begin.
    pub(super) fn only_begins(&self, input: &Input) -> bool {
        let Input::Committed { token, error: None } = input else { return false };
        self.commits.get(token).is_some_and(|then| then.iter().all(|next| matches!(next, Then::Start(..))))
    }

    /// Decides the rest: something else happens.
    pub(super) fn decide_all(&mut self) {
        while self.goes_on() {
            self.decide_some();
        }
    }
}
