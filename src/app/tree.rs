//! The visible rows of a call tree, for runs of a hundred thousand calls.
//!
//! Links between calls are kept in dense vectors that only grow, tallies per parent are kept up to date call by
//! call, and the flattened rows are rebuilt only when calls were added or a fold changed. A status change costs
//! nothing here; drawing reads a window of [`CallTree::rows`].
//!
//! Invariant: after [`CallTree::rebuild`], `rows[row_of(no)]` is `no` for every visible call.

use std::collections::HashMap;

use crate::base::ids::CallNo;
use crate::model::{Call, CallKind, CallStatus, RunHistory};

/// One visible row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeRow {
    /// The call.
    pub no: CallNo,
    /// How deep it lies; the root is 0.
    pub depth: u16,
}

/// What lies directly below a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Children by status, in the order of [`CallStatus::ALL`].
    pub by_status: [u32; 8],
    /// Tokens of the children.
    pub tokens: u64,
}

impl Tally {
    /// All children.
    pub fn total(&self) -> u32 {
        self.by_status.iter().sum()
    }

    /// Children with this status.
    pub fn of(&self, status: CallStatus) -> u32 {
        self.by_status[slot(status)]
    }

    /// Children to which nothing more will happen.
    pub fn ended(&self) -> u32 {
        CallStatus::ALL.into_iter().filter(|s| s.is_final()).map(|s| self.of(s)).sum()
    }
}

fn slot(status: CallStatus) -> usize {
    CallStatus::ALL.iter().position(|s| *s == status).unwrap_or(0)
}

/// Operations with more items than this are folded until the user unfolds them.
pub const FOLD_ITEMS: u32 = 20;

const NONE: CallNo = 0;

/// What the tree remembers of a call.
#[derive(Clone, Copy, Debug)]
struct Node {
    parent: CallNo,
    first: CallNo,
    last: CallNo,
    next: CallNo,
    status: CallStatus,
    tokens: u64,
    operation: bool,
}

/// The tree of one run as it is shown.
#[derive(Clone, Debug, Default)]
pub struct CallTree {
    /// `nodes[no - 1]`.
    nodes: Vec<Node>,
    tallies: HashMap<CallNo, Tally>,
    folds: HashMap<CallNo, bool>,
    /// What the filter means: `hits[no - 1]`; without a filter empty.
    hits: Vec<bool>,
    /// Hits at and below a call.
    below: Vec<u32>,
    /// Folds that were made while the filter is there; before, nothing is folded.
    filter_folds: HashMap<CallNo, bool>,
    filtered: bool,
    rows: Vec<TreeRow>,
    row_of: Vec<u32>,
    dirty: bool,
}

impl CallTree {
    /// The tree of a whole history.
    pub fn of(run: &RunHistory) -> Self {
        let mut tree = CallTree::default();
        tree.sync_all(run);
        tree.rebuild();
        tree
    }

    fn node(&self, no: CallNo) -> Option<&Node> {
        self.nodes.get((no as usize).checked_sub(1)?)
    }

    fn node_mut(&mut self, no: CallNo) -> Option<&mut Node> {
        self.nodes.get_mut((no as usize).checked_sub(1)?)
    }

    /// Takes up every call, new or changed.
    pub fn sync_all(&mut self, run: &RunHistory) {
        for call in &run.calls {
            self.sync(call);
        }
    }

    /// Takes up one call, new or changed.
    pub fn sync(&mut self, call: &Call) {
        let tokens = call.usage.as_ref().map_or(0, crate::model::Usage::tokens);
        if call.no as usize == self.nodes.len() + 1 {
            self.nodes.push(Node {
                parent: call.parent,
                first: NONE,
                last: NONE,
                next: NONE,
                status: call.status,
                tokens,
                operation: matches!(call.kind, CallKind::Map | CallKind::Reduce),
            });
            // A parent that comes after its child would be a damaged log; such a call is shown nowhere.
            if call.parent < call.no && call.parent != NONE {
                self.link(call.parent, call.no);
            }
            let tally = self.tallies.entry(call.parent).or_default();
            tally.by_status[slot(call.status)] += 1;
            tally.tokens += tokens;
            if self.filtered {
                self.hits.push(false);
                self.below.push(0);
            }
            self.dirty = true;
            return;
        }
        let Some(node) = self.node_mut(call.no) else { return };
        let (before, before_tokens, parent) = (node.status, node.tokens, node.parent);
        node.status = call.status;
        node.tokens = tokens;
        if before != call.status || before_tokens != tokens {
            let tally = self.tallies.entry(parent).or_default();
            tally.by_status[slot(before)] = tally.by_status[slot(before)].saturating_sub(1);
            tally.by_status[slot(call.status)] += 1;
            tally.tokens = (tally.tokens + tokens).saturating_sub(before_tokens);
        }
    }

    fn link(&mut self, parent: CallNo, no: CallNo) {
        let Some(node) = self.node_mut(parent) else { return };
        let last = node.last;
        node.last = no;
        if last == NONE {
            node.first = no;
        } else if let Some(last) = self.node_mut(last) {
            last.next = no;
        }
    }

    /// What lies directly below a call.
    pub fn tally(&self, no: CallNo) -> Tally {
        self.tallies.get(&no).copied().unwrap_or_default()
    }

    /// Whether a call has something to fold.
    pub fn foldable(&self, no: CallNo) -> bool {
        self.node(no).is_some_and(|node| node.first != NONE)
    }

    /// Whether what lies below a call is hidden.
    pub fn folded(&self, no: CallNo) -> bool {
        let Some(node) = self.node(no) else { return false };
        if node.first == NONE {
            return false;
        }
        if self.filtered {
            return self.filter_folds.get(&no).copied().unwrap_or(false);
        }
        match self.folds.get(&no) {
            Some(folded) => *folded,
            None => node.operation && self.tally(no).total() > FOLD_ITEMS,
        }
    }

    /// Folds or unfolds a call.
    pub fn set_fold(&mut self, no: CallNo, folded: bool) {
        if self.foldable(no) && self.folded(no) != folded {
            let folds = if self.filtered { &mut self.filter_folds } else { &mut self.folds };
            folds.insert(no, folded);
            self.dirty = true;
        }
    }

    /// Folds everything below so many levels of calls under the root, or unfolds everything. An operation and its
    /// items are one level.
    pub fn fold_to(&mut self, levels: Option<u16>) {
        let mut depths: Vec<u16> = Vec::with_capacity(self.nodes.len());
        for i in 0..self.nodes.len() {
            let node = self.nodes[i];
            let above = (node.parent as usize).checked_sub(1).filter(|above| *above < i);
            let depth = above
                .map_or(0, |above| depths[above].saturating_add(u16::from(!self.nodes[above].operation)));
            depths.push(depth);
            if node.first != NONE {
                let folded = levels.is_some_and(|levels| depth >= levels);
                self.set_fold(i as CallNo + 1, folded);
            }
        }
    }

    /// The folds that were made by hand.
    pub fn folds(&self) -> impl Iterator<Item = (CallNo, bool)> {
        self.folds.iter().map(|(no, folded)| (*no, *folded))
    }

    /// Shows only these calls and what leads to them; `None`: everything.
    pub fn filter(&mut self, found: Option<&[CallNo]>) {
        self.dirty = true;
        self.filtered = found.is_some();
        self.filter_folds.clear();
        self.hits.clear();
        self.below.clear();
        let Some(found) = found else { return };
        self.hits.resize(self.nodes.len(), false);
        self.below.resize(self.nodes.len(), 0);
        for no in found {
            self.set_hit(*no, true);
        }
    }

    /// Whether a call is one that the filter means; nothing without a filter.
    pub fn set_hit(&mut self, no: CallNo, hit: bool) {
        let Some(slot) = (no as usize).checked_sub(1).and_then(|at| self.hits.get_mut(at)) else { return };
        if std::mem::replace(slot, hit) == hit {
            return;
        }
        let mut at = no;
        while at != NONE {
            if let Some(below) = self.below.get_mut(at as usize - 1) {
                let before = *below;
                *below = if hit { before + 1 } else { before.saturating_sub(1) };
                self.dirty |= (before == 0) != (*below == 0);
            }
            at = self.parent(at);
        }
    }

    /// Whether the filter lets a call be seen: it is meant, or something below it is.
    pub fn passes(&self, no: CallNo) -> bool {
        !self.filtered
            || (no as usize).checked_sub(1).and_then(|at| self.below.get(at)).is_some_and(|n| *n > 0)
    }

    /// Whether a call is meant itself, and not only on the way to one that is.
    pub fn is_hit(&self, no: CallNo) -> bool {
        !self.filtered
            || (no as usize).checked_sub(1).and_then(|at| self.hits.get(at)).copied().unwrap_or(false)
    }

    /// How many calls are meant; `None` without a filter.
    pub fn hits(&self) -> Option<usize> {
        self.filtered.then(|| self.below.first().map_or(0, |n| *n as usize))
    }

    /// Unfolds everything above a call, so that it can be seen.
    pub fn reveal(&mut self, no: CallNo) {
        let mut at = self.parent(no);
        while at != NONE {
            self.set_fold(at, false);
            at = self.parent(at);
        }
    }

    /// The calling node, 0 for none.
    pub fn parent(&self, no: CallNo) -> CallNo {
        // Numbers fall on the way up, so every walk to the root ends.
        self.node(no).map_or(NONE, |node| if node.parent < no { node.parent } else { NONE })
    }

    /// The first call below, 0 for none.
    pub fn first_child(&self, no: CallNo) -> CallNo {
        self.node(no).map_or(NONE, |node| node.first)
    }

    /// The call itself, or the nearest one above it that can be seen; the root when none can.
    pub fn visible(&self, no: CallNo) -> CallNo {
        let mut shown = if self.passes(no) { no } else { NONE };
        let mut at = self.parent(no);
        while at != NONE {
            // What lies above a call that passes passes, too.
            if self.passes(at) && (shown == NONE || self.folded(at)) {
                shown = at;
            }
            at = self.parent(at);
        }
        if shown == NONE { no.min(1) } else { shown }
    }

    /// The visible rows, from top to bottom.
    pub fn rows(&self) -> &[TreeRow] {
        &self.rows
    }

    /// The row of a visible call.
    pub fn row_of(&self, no: CallNo) -> Option<usize> {
        let row = *self.row_of.get((no as usize).checked_sub(1)?)?;
        (row != u32::MAX).then_some(row as usize)
    }

    /// Flattens the tree again when calls were added or folds changed; says whether it did.
    pub fn rebuild(&mut self) -> bool {
        if !self.dirty {
            return false;
        }
        self.dirty = false;
        self.rows.clear();
        self.row_of.clear();
        self.row_of.resize(self.nodes.len(), u32::MAX);
        let (mut at, mut depth) = (if self.nodes.is_empty() { NONE } else { 1 }, 0u16);
        while at != NONE {
            if !self.passes(at) {
                at = self.after(at, &mut depth);
                continue;
            }
            if let Some(row) = self.row_of.get_mut(at as usize - 1) {
                *row = self.rows.len() as u32;
            }
            self.rows.push(TreeRow { no: at, depth });
            let below = if self.folded(at) { NONE } else { self.first_child(at) };
            if below != NONE {
                at = below;
                depth = depth.saturating_add(1);
                continue;
            }
            at = self.after(at, &mut depth);
        }
        true
    }

    /// The next call in tree order that does not lie below `at`.
    fn after(&self, at: CallNo, depth: &mut u16) -> CallNo {
        let mut at = at;
        while let Some(node) = self.node(at) {
            if node.next != NONE {
                return node.next;
            }
            at = self.parent(at);
            *depth = depth.saturating_sub(1);
        }
        NONE
    }

    /// The nearest call after (or before) `from` in tree order, folded or not, that `wanted` accepts; goes
    /// around at the end. `from` itself comes last.
    pub fn seek(
        &self,
        from: CallNo,
        forward: bool,
        wanted: impl Fn(CallNo, CallStatus) -> bool,
    ) -> Option<CallNo> {
        let mut before = None;
        let mut last = None;
        let mut first = None;
        let mut seen = false;
        let mut at = if self.nodes.is_empty() { NONE } else { 1 };
        while let Some(node) = self.node(at) {
            if self.passes(at) && wanted(at, node.status) {
                if seen && at != from && forward {
                    return Some(at);
                }
                first = first.or(Some(at));
                if !seen && at != from {
                    before = Some(at);
                }
                last = Some(at);
            }
            seen |= at == from;
            at = if node.first != NONE { node.first } else { self.after(at, &mut 0) };
        }
        if forward { first } else { before.or(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::history::test_support::history;
    use proptest::prelude::*;

    fn numbers(tree: &CallTree) -> Vec<CallNo> {
        tree.rows().iter().map(|row| row.no).collect()
    }

    #[test]
    fn folding_hides_what_lies_below() {
        let run = history(&[
            ("root", 0, CallKind::Root, 1),
            ("a", 1, CallKind::Call, 1),
            ("b", 2, CallKind::Call, 1),
            ("c", 1, CallKind::Call, 1),
        ]);
        let mut tree = CallTree::of(&run);
        assert_eq!(numbers(&tree), [1, 2, 3, 4]);
        tree.set_fold(2, true);
        assert!(tree.rebuild());
        assert_eq!(numbers(&tree), [1, 2, 4]);
        assert_eq!(tree.visible(3), 2);
        assert_eq!(tree.row_of(3), None);
        tree.reveal(3);
        tree.rebuild();
        assert_eq!(numbers(&tree), [1, 2, 3, 4]);
    }

    #[test]
    fn a_large_operation_starts_folded() {
        let mut nodes = vec![("root", 0, CallKind::Root, 1), ("doc", 1, CallKind::Map, 1)];
        nodes.extend((0..=FOLD_ITEMS).map(|i| ("doc", 2, CallKind::Call, i)));
        let tree = CallTree::of(&history(&nodes));
        assert_eq!(numbers(&tree), [1, 2]);
        assert_eq!(tree.tally(2).total(), FOLD_ITEMS + 1);
    }

    #[test]
    fn seeking_goes_around_and_into_folds() {
        let run = history(&[
            ("root", 0, CallKind::Root, 1),
            ("a", 1, CallKind::Call, 1),
            ("b", 2, CallKind::Call, 1),
            ("c", 1, CallKind::Call, 1),
        ]);
        let mut tree = CallTree::of(&run);
        tree.set_fold(2, true);
        let odd = |no: CallNo, _| no == 3 || no == 4;
        assert_eq!(tree.seek(1, true, odd), Some(3));
        assert_eq!(tree.seek(3, true, odd), Some(4));
        assert_eq!(tree.seek(4, true, odd), Some(3));
        assert_eq!(tree.seek(4, false, odd), Some(3));
        assert_eq!(tree.seek(3, false, odd), Some(4));
        assert_eq!(tree.seek(3, true, |no, _| no == 3), Some(3));
        assert_eq!(tree.seek(3, true, |_, _| false), None);
    }

    proptest! {
        /// Call by call gives the same rows as all at once, and every row is found again.
        #[test]
        fn rows_do_not_depend_on_the_way(parents in proptest::collection::vec(0u32..50, 1..80)) {
            let mut nodes = vec![("root", 0, CallKind::Root, 1)];
            for (i, parent) in parents.iter().enumerate() {
                nodes.push(("f", 1 + parent % (i as u32 + 1), CallKind::Call, 1));
            }
            let run = history(&nodes);
            let whole = CallTree::of(&run);
            let mut steps = CallTree::default();
            for call in &run.calls {
                steps.sync(call);
                steps.rebuild();
            }
            prop_assert_eq!(whole.rows(), steps.rows());
            prop_assert_eq!(whole.rows().len(), run.calls.len());
            for (i, row) in whole.rows().iter().enumerate() {
                prop_assert_eq!(whole.row_of(row.no), Some(i));
            }
        }
    }
}
