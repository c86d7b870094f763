//! Which node of one tree is which node of the other.
//!
//! From the roots down: children are aligned only below parents that are one another, at the least cost. What
//! remains on both sides is then looked for elsewhere in the tree: those calls have moved. `improve` makes the result cheaper
//! where what is best for each list of siblings is not best for all.

use std::collections::{HashMap, HashSet};

use super::cost;
use super::improve::improve;
use super::sequence::Costs;
use super::shape::{Ix, Shape};

/// The pairs of two trees.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// For each node of the first tree its counterpart.
    pub(super) of_a: Vec<Option<Ix>>,
    /// For each node of the second tree its counterpart.
    pub(super) of_b: Vec<Option<Ix>>,
    /// Nodes of the second tree that have another caller, or another place, than their counterparts (see `cost`).
    pub(super) moved: HashSet<Ix>,
}

/// Aligns two trees. From the other side it is the same alignment.
pub(super) fn align(a: &Shape, b: &Shape) -> Alignment {
    if a.nodes.is_empty() || b.nodes.is_empty() {
        return Alignment {
            of_a: vec![None; a.nodes.len()],
            of_b: vec![None; b.nodes.len()],
            ..Alignment::default()
        };
    }
    let rank = |shape: &Shape| (shape.nodes.len(), shape.node(0).shape);
    let [of_a, of_b] = if rank(a) <= rank(b) {
        paired(a, b)
    } else {
        let [of_b, of_a] = paired(b, a);
        [of_a, of_b]
    };
    let moved = cost::moved(b, &cost::Places::of(a), &of_b).into_iter().collect();
    Alignment { of_a, of_b, moved }
}

fn paired(a: &Shape, b: &Shape) -> [Vec<Option<Ix>>; 2] {
    let mut found = Found { of_a: vec![None; a.nodes.len()], of_b: vec![None; b.nodes.len()] };
    let mut costs = Costs::new(a, b);
    // Two runs of different applications still have their starts in common.
    found.below(0, 0, &mut costs);
    found.find_moves(&mut costs);
    improve(a, b, [found.of_a, found.of_b], cost::least(a, b))
}

/// What has been found so far: for each node its counterpart.
struct Found {
    of_a: Vec<Option<Ix>>,
    of_b: Vec<Option<Ix>>,
}

impl Found {
    /// Pairs two nodes and aligns what lies below them.
    fn below(&mut self, x: Ix, y: Ix, costs: &mut Costs<'_>) {
        let mut open = vec![(x, y)];
        while let Some((x, y)) = open.pop() {
            self.of_a[x as usize] = Some(y);
            self.of_b[y as usize] = Some(x);
            costs.below(x, y, &mut |x, y| {
                // What has moved away already is not taken back.
                if self.of_a[x as usize].is_none() && self.of_b[y as usize].is_none() {
                    open.push((x, y));
                }
            });
        }
    }

    /// What is left on both sides is looked for from the top: whole subtrees, calls that were asked the same, callers
    /// of mostly the same.
    fn find_moves(&mut self, costs: &mut Costs<'_>) {
        let (a, b) = (costs.a, costs.b);
        let mut by_shape: HashMap<u64, Vec<Ix>> = HashMap::new();
        let mut by_asked: HashMap<u64, Vec<Ix>> = HashMap::new();
        let mut by_child: HashMap<u64, Vec<Ix>> = HashMap::new();
        for x in (0..a.nodes.len() as Ix).rev().filter(|x| self.of_a[*x as usize].is_none()) {
            by_shape.entry(a.node(x).shape).or_default().push(x);
            by_asked.entry(a.node(x).asked).or_default().push(x);
            for child in a.node(x).turns.iter().flatten() {
                by_child.entry(a.node(*child).shape).or_default().push(x);
            }
        }
        let mut wanted: HashMap<u64, usize> = HashMap::new();
        for y in (0..b.nodes.len() as Ix).filter(|y| self.of_b[*y as usize].is_none()) {
            *wanted.entry(b.node(y).shape).or_default() += 1;
        }
        for y in 0..b.nodes.len() as Ix {
            if self.of_b[y as usize].is_some() {
                continue;
            }
            let free = |list: Option<&mut Vec<Ix>>, of_a: &[Option<Ix>], fits: &dyn Fn(Ix) -> bool| {
                let list = list?;
                list.retain(|x| of_a[*x as usize].is_none());
                let at = list.iter().rposition(|x| fits(*x))?;
                Some(list.remove(at))
            };
            let node = b.node(y);
            let x = free(by_shape.get_mut(&node.shape), &self.of_a, &|_| true)
                .or_else(|| {
                    // One that another subtree wants whole is left to it.
                    free(by_asked.get_mut(&node.asked), &self.of_a, &|x| {
                        !wanted.contains_key(&a.node(x).shape)
                    })
                })
                .or_else(|| self.caller_of_the_same(a, b, y, &by_child));
            if let Some(x) = x {
                self.below(x, y, costs);
            }
        }
    }

    /// A call of the first run that made more than half of the calls that `y` made.
    fn caller_of_the_same(
        &self,
        a: &Shape,
        b: &Shape,
        y: Ix,
        by_child: &HashMap<u64, Vec<Ix>>,
    ) -> Option<Ix> {
        let node = b.node(y);
        let mut votes: HashMap<Ix, usize> = HashMap::new();
        let mut made = 0;
        for child in node.turns.iter().flatten() {
            made += 1;
            for x in by_child.get(&b.node(*child).shape).into_iter().flatten() {
                if self.of_a[*x as usize].is_none() && a.node(*x).label == node.label {
                    *votes.entry(*x).or_default() += 1;
                }
            }
        }
        let (votes, x) = votes.into_iter().map(|(x, votes)| (votes, std::cmp::Reverse(x))).max()?;
        (2 * votes > made).then_some(x.0)
    }
}

#[cfg(test)]
impl Alignment {
    /// What the difference costs: one for each call that is only in one run, that has other arguments, or that moved.
    pub(super) fn cost(&self, a: &Shape, b: &Shape) -> usize {
        let removed = self.of_a.iter().filter(|pair| pair.is_none()).count();
        let added = self.of_b.iter().filter(|pair| pair.is_none()).count();
        let changed = self.of_b.iter().enumerate().filter_map(|(y, x)| Some((y, (*x)?)));
        let changed = changed.filter(|(y, x)| a.node(*x).asked != b.node(*y as Ix).asked).count();
        removed + added + changed + self.moved.len()
    }
}
