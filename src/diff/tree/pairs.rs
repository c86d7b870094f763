//! Pairs of two trees, what they cost as they change, and the way back.
//!
//! Invariants: each node has at most one counterpart; after [`Pairs::settle`] the cost is that of the pairs.

use super::cost::{Places, moved, out_of_order};
use super::shape::{Ix, Shape};

/// Pairs that change.
pub(super) struct Pairs<'a> {
    pub(super) trees: [&'a Shape; 2],
    pub(super) places: [Places; 2],
    /// Counterparts, by side.
    of: [Vec<Option<Ix>>; 2],
    /// What a node of the first tree costs: itself, and its children that have moved.
    own: Vec<usize>,
    cost: usize,
    /// What was changed since the last [`Pairs::keep`].
    journal: Vec<Step>,
    /// Nodes of the first tree whose cost is to be counted anew.
    dirty: Vec<Ix>,
    /// Places of children in order, while a cost is counted.
    order: Vec<Ix>,
    /// Nodes that were looked at.
    pub(super) work: u64,
}

enum Step {
    /// This node of the first tree had this counterpart.
    Pair(Ix, Option<Ix>),
    /// This node of the first tree cost so much.
    Own(Ix, usize),
}

/// Where to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    steps: usize,
    pub(super) cost: usize,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(a: &'a Shape, b: &'a Shape, of_a: Vec<Option<Ix>>, of_b: Vec<Option<Ix>>) -> Self {
        let mut pairs = Pairs {
            trees: [a, b],
            places: [Places::of(a), Places::of(b)],
            of: [of_a, of_b],
            own: Vec::new(),
            cost: 0,
            journal: Vec::new(),
            dirty: Vec::new(),
            order: Vec::new(),
            work: 0,
        };
        pairs.own = (0..a.nodes.len() as Ix).map(|x| pairs.own_cost(x)).collect();
        let added = pairs.of[1].iter().filter(|pair| pair.is_none()).count();
        pairs.cost = added + pairs.own.iter().sum::<usize>();
        pairs
    }

    pub(super) fn of(&self, side: usize, ix: Ix) -> Option<Ix> {
        self.of[side][ix as usize]
    }

    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    pub(super) fn into_pairs(self) -> [Vec<Option<Ix>>; 2] {
        self.of
    }

    /// Gives a node of the first tree a counterpart that has none, or takes its own from it.
    pub(super) fn set(&mut self, x: Ix, y: Option<Ix>) {
        let old = self.of(0, x);
        if old != y {
            self.journal.push(Step::Pair(x, old));
            self.link(x, y);
            self.dirty.push(x);
            self.dirty.extend(self.places[0].parent(x));
        }
    }

    fn link(&mut self, x: Ix, y: Option<Ix>) {
        if let Some(old) = std::mem::replace(&mut self.of[0][x as usize], y) {
            self.of[1][old as usize] = None;
            self.cost += 1;
        }
        if let Some(y) = y {
            self.of[1][y as usize] = Some(x);
            self.cost -= 1;
        }
    }

    /// Counts anew what changed.
    pub(super) fn settle(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        dirty.dedup();
        for x in dirty.drain(..) {
            let now = self.own_cost(x);
            let old = std::mem::replace(&mut self.own[x as usize], now);
            if now != old {
                self.journal.push(Step::Own(x, old));
                self.cost = self.cost + now - old;
            }
        }
        self.dirty = dirty;
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { steps: self.journal.len(), cost: self.cost }
    }

    /// Back to where it was.
    pub(super) fn undo(&mut self, mark: Mark) {
        while self.journal.len() > mark.steps {
            match self.journal.pop() {
                Some(Step::Pair(x, old)) => self.link(x, old),
                Some(Step::Own(x, old)) => self.own[x as usize] = old,
                None => {}
            }
        }
        self.cost = mark.cost;
    }

    /// There is no way back from here.
    pub(super) fn keep(&mut self) {
        self.journal.clear();
    }

    /// What a node of the first tree costs when it is removed, or was asked something else, and its children that moved.
    fn own_cost(&mut self, x: Ix) -> usize {
        let [a, b] = self.trees;
        let pair = self.of(0, x);
        let mut cost = match pair {
            None => 1,
            Some(y) => usize::from(a.node(x).asked != b.node(y).asked),
        };
        self.work += 1;
        for (turn, list) in a.node(x).turns.iter().enumerate() {
            self.work += list.len() as u64;
            self.order.clear();
            for child in list {
                let Some(other) = self.of(0, *child) else { continue };
                match self.places[1].below(pair, turn, other) {
                    Some(place) => self.order.push(place),
                    None => cost += 1,
                }
            }
            if !self.order.is_sorted() {
                self.work += list.len() as u64;
                cost += out_of_order(&self.order);
            }
        }
        cost
    }

    /// Nodes of a side that have moved.
    pub(super) fn moved(&self, side: usize) -> Vec<Ix> {
        moved(self.trees[side], &self.places[1 - side], &self.of[side])
    }

    /// Nodes that cost something, their callers and what they called, by side.
    pub(super) fn suspicious(&mut self) -> Vec<(usize, Ix)> {
        let mut out = Vec::new();
        for side in [0, 1] {
            let (here, there) = (self.trees[side], self.trees[1 - side]);
            self.work += here.nodes.len() as u64;
            let mut costs: Vec<bool> = vec![false; here.nodes.len()];
            for ix in self.moved(side) {
                costs[ix as usize] = true;
            }
            let mut near = vec![false; here.nodes.len()];
            for ix in 1..here.nodes.len() as Ix {
                let unlike = |pair| there.node(pair).asked != here.node(ix).asked;
                if costs[ix as usize] || self.of(side, ix).is_none_or(unlike) {
                    near[ix as usize] = true;
                    if let Some(parent) = self.places[side].parent(ix) {
                        near[parent as usize] = true;
                    }
                    for child in here.node(ix).turns.iter().flatten() {
                        near[*child as usize] = true;
                    }
                }
            }
            out.extend((1..here.nodes.len()).filter(|ix| near[*ix]).map(|ix| (side, ix as Ix)));
        }
        out
    }
}
