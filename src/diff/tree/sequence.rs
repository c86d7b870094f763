//! Two lists of siblings: which element of one is which of the other.
//!
//! Exact (least cost) while the table is small. Longer lists are cut first: equal ends are taken off, then subtrees
//! that occur once on either side hold the lists together. Where there are none, the lists are cut in the middle.

use std::collections::{HashMap, HashSet};

use super::cost::heaviest_rise;
use super::shape::{Ix, Shape};

/// A node that is only in one of the runs.
pub(super) const GAP: u64 = 10;
/// Other arguments. More than half of two gaps, so that two calls that changed places are found as a move and
/// not as two changes; less than two, so that a changed call stays a pair.
pub(super) const CHANGED: u64 = 11;

/// Cells of the largest table.
const CELLS: usize = 1 << 20;
/// How far below a pair its cost is computed rather than estimated.
const DEPTH: u32 = 64;
/// Cells of all tables together; beyond it costs of pairs are estimated.
const BUDGET: u64 = 12_000_000;
/// Cells of a table that is filled only to learn what a pair costs; for longer lists its cost is estimated: a hundred callers
/// of a hundred calls each against as many others would take a hundred million cells.
const GUESSED: usize = 2_048;

/// Computes costs of pairs of two trees.
pub(super) struct Costs<'a> {
    pub(super) a: &'a Shape,
    pub(super) b: &'a Shape,
    known: HashMap<(Ix, Ix), u64>,
    spent: u64,
    depth: u32,
    /// What other arguments of a node cost beside [`CHANGED`], by side.
    alike: [Vec<u8>; 2],
    /// The subtrees below a node in order, by side, for estimates.
    bags: HashMap<(bool, Ix), Vec<u64>>,
}

impl<'a> Costs<'a> {
    pub(super) fn new(a: &'a Shape, b: &'a Shape) -> Self {
        let asked = |shape: &Shape| shape.nodes.iter().map(|node| node.asked).collect::<HashSet<u64>>();
        let alike = |shape: &Shape, other: &HashSet<u64>| {
            shape.nodes.iter().map(|node| u8::from(other.contains(&node.asked))).collect()
        };
        let alike = [alike(a, &asked(b)), alike(b, &asked(a))];
        Costs { a, b, known: HashMap::new(), spent: 0, depth: 0, alike, bags: HashMap::new() }
    }

    /// Other arguments cost a little more for a call that has its like in the other run: that one is to be found.
    fn changed(&self, x: Ix, y: Ix) -> u64 {
        CHANGED + u64::from(self.alike[0][x as usize]) + u64::from(self.alike[1][y as usize])
    }

    /// What it costs to take one node, with all below it, for the other; `None` when it cannot be.
    fn pair(&mut self, x: Ix, y: Ix) -> Option<u64> {
        let (a, b) = (self.a.node(x), self.b.node(y));
        if a.label != b.label {
            return None;
        }
        if a.shape == b.shape {
            return Some(0);
        }
        let own = if a.asked == b.asked { 0 } else { self.changed(x, y) };
        if a.turns.is_empty() && b.turns.is_empty() {
            return Some(own);
        }
        if let Some(known) = self.known.get(&(x, y)) {
            return Some(own + known);
        }
        if self.depth >= DEPTH || self.spent > BUDGET {
            // At least the difference in size must be made up.
            return Some(own + u64::from(a.size.abs_diff(b.size)) * GAP + 1);
        }
        let cells: usize = a.turns.iter().zip(&b.turns).map(|(xs, ys)| xs.len() * ys.len()).sum();
        let below = if cells > GUESSED {
            self.estimate(x, y)
        } else {
            self.depth += 1;
            let below = self.below(x, y, &mut |_, _| {});
            self.depth -= 1;
            below
        };
        self.known.insert((x, y), below);
        Some(own + below)
    }

    /// About what it costs to align the children of a pair: those that are in one of them only are changed, or missing.
    fn estimate(&mut self, x: Ix, y: Ix) -> u64 {
        let shapes = [(self.a, x), (self.b, y)];
        for (side, (shape, ix)) in shapes.into_iter().enumerate() {
            self.bags.entry((side == 1, ix)).or_insert_with(|| {
                let children = shape.node(ix).turns.iter().flatten();
                let mut bag: Vec<u64> = children.map(|child| shape.node(*child).shape).collect();
                bag.sort_unstable();
                bag
            });
        }
        let (Some(left), Some(right)) = (self.bags.get(&(false, x)), self.bags.get(&(true, y))) else {
            return 0;
        };
        let (mut i, mut j, mut common) = (0, 0, 0);
        while let (Some(a), Some(b)) = (left.get(i), right.get(j)) {
            common += usize::from(a == b);
            i += usize::from(a <= b);
            j += usize::from(b <= a);
        }
        self.spent += (left.len() + right.len()) as u64;
        let (only_left, only_right) = (left.len() - common, right.len() - common);
        only_left.min(only_right) as u64 * CHANGED + only_left.abs_diff(only_right) as u64 * GAP
    }

    /// Aligns the children of a pair; returns the cost and tells each pair.
    pub(super) fn below(&mut self, x: Ix, y: Ix, pair: &mut dyn FnMut(Ix, Ix)) -> u64 {
        let (a, b) = (self.a, self.b);
        let (left, right) = (&a.node(x).turns, &b.node(y).turns);
        let mut cost = 0;
        for turn in 0..left.len().max(right.len()) {
            let xs = left.get(turn).map_or(&[][..], Vec::as_slice);
            let ys = right.get(turn).map_or(&[][..], Vec::as_slice);
            cost += self.lists(xs, ys, pair);
        }
        cost
    }

    fn weight(shape: &Shape, list: &[Ix]) -> u64 {
        list.iter().map(|ix| u64::from(shape.node(*ix).size) * GAP).sum()
    }

    /// Aligns two lists of siblings; returns the cost and tells each pair.
    pub(super) fn lists(&mut self, xs: &[Ix], ys: &[Ix], pair: &mut dyn FnMut(Ix, Ix)) -> u64 {
        let (a, b) = (self.a, self.b);
        let same = |x: &Ix, y: &Ix| a.node(*x).shape == b.node(*y).shape;
        let head = xs.iter().zip(ys).take_while(|(x, y)| same(x, y)).count();
        for (x, y) in xs[..head].iter().zip(ys) {
            pair(*x, *y);
        }
        let (xs, ys) = (&xs[head..], &ys[head..]);
        let tail = xs.iter().rev().zip(ys.iter().rev()).take_while(|(x, y)| same(x, y)).count();
        for (x, y) in xs[xs.len() - tail..].iter().zip(&ys[ys.len() - tail..]) {
            pair(*x, *y);
        }
        let (xs, ys) = (&xs[..xs.len() - tail], &ys[..ys.len() - tail]);
        if xs.is_empty() || ys.is_empty() {
            return Self::weight(a, xs) + Self::weight(b, ys);
        }
        if (xs.len() + 1) * (ys.len() + 1) <= CELLS {
            return self.table(xs, ys, pair);
        }
        let mut anchors = anchors(xs, ys, |x| a.node(x).shape, |y| b.node(y).shape);
        if anchors.is_empty() {
            anchors = self::anchors(xs, ys, |x| a.node(x).asked, |y| b.node(y).asked);
        }
        if anchors.is_empty() {
            // Nothing tells where one is in the other: about as far from the start.
            let (x, y) = (xs.len() / 2, ys.len() / 2);
            return self.lists(&xs[..x], &ys[..y], pair) + self.lists(&xs[x..], &ys[y..], pair);
        }
        let mut cost = 0;
        let (mut i, mut j) = (0, 0);
        for (at_x, at_y) in anchors {
            cost += self.lists(&xs[i..at_x], &ys[j..at_y], pair);
            cost += self.pair(xs[at_x], ys[at_y]).unwrap_or_default();
            pair(xs[at_x], ys[at_y]);
            (i, j) = (at_x + 1, at_y + 1);
        }
        cost + self.lists(&xs[i..], &ys[j..], pair)
    }

    /// Least cost by a table of all beginnings of one list against all of the other.
    fn table(&mut self, xs: &[Ix], ys: &[Ix], pair: &mut dyn FnMut(Ix, Ix)) -> u64 {
        let (n, m) = (xs.len(), ys.len());
        let row = m + 1;
        let gap = |shape: &Shape, ix: Ix| u64::from(shape.node(ix).size) * GAP;
        let mut costs = vec![0u64; (n + 1) * row];
        self.spent += costs.len() as u64;
        for i in 1..=n {
            costs[i * row] = costs[(i - 1) * row] + gap(self.a, xs[i - 1]);
        }
        for j in 1..=m {
            costs[j] = costs[j - 1] + gap(self.b, ys[j - 1]);
        }
        for i in 1..=n {
            let above = gap(self.a, xs[i - 1]);
            for j in 1..=m {
                let mut best =
                    (costs[(i - 1) * row + j] + above).min(costs[i * row + j - 1] + gap(self.b, ys[j - 1]));
                let before = costs[(i - 1) * row + j - 1];
                if before < best
                    && let Some(cost) = self.pair(xs[i - 1], ys[j - 1])
                {
                    best = best.min(before + cost);
                }
                costs[i * row + j] = best;
            }
        }
        let (mut i, mut j) = (n, m);
        let mut pairs = Vec::new();
        while i > 0 && j > 0 {
            let here = costs[i * row + j];
            if let Some(cost) = self.pair(xs[i - 1], ys[j - 1])
                && costs[(i - 1) * row + j - 1] + cost == here
            {
                (i, j) = (i - 1, j - 1);
                pairs.push((xs[i], ys[j]));
            } else if costs[(i - 1) * row + j] + gap(self.a, xs[i - 1]) == here {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        for (x, y) in pairs.into_iter().rev() {
            pair(x, y);
        }
        costs[n * row + m]
    }
}

/// Elements that occur once in each list, as many as keep their order.
fn anchors(xs: &[Ix], ys: &[Ix], of_x: impl Fn(Ix) -> u64, of_y: impl Fn(Ix) -> u64) -> Vec<(usize, usize)> {
    let mut seen: HashMap<u64, (usize, usize, usize, usize)> = HashMap::new();
    for (i, x) in xs.iter().enumerate() {
        let slot = seen.entry(of_x(*x)).or_default();
        (slot.0, slot.1) = (slot.0 + 1, i);
    }
    for (j, y) in ys.iter().enumerate() {
        let slot = seen.entry(of_y(*y)).or_default();
        (slot.2, slot.3) = (slot.2 + 1, j);
    }
    let mut both: Vec<(usize, usize)> =
        seen.values().filter(|slot| slot.0 == 1 && slot.2 == 1).map(|slot| (slot.1, slot.3)).collect();
    both.sort_unstable();
    let places: Vec<(Ix, u64)> = both.iter().map(|(_, place)| (*place as Ix, 0)).collect();
    heaviest_rise(&places).into_iter().map(|at| both[at]).collect()
}
