//! A found alignment made cheaper: a node is given another counterpart, those that lose theirs are given others, and that
//! is kept if it pays. Where no single such step pays any more, walks of many steps that cost little look for more.
//!
//! Invariants: it never gets dearer; it ends after a fixed amount of work; the same trees give the same pairs.

use std::collections::HashMap;

use super::pairs::Pairs;
use super::sequence::Costs;
use super::shape::{Ix, Node, Shape};

/// Nodes that may be looked at: about a tenth of a second, and far more than small trees need.
const WORK: u64 = 8_000_000;
/// Counterparts of each kind that are tried for one node.
const TRIED: usize = 16;
/// Of a hundred steps of a walk that cost one more so many are taken: few find what is near, many what is far.
const WARMTH: [usize; 6] = [10, 5, 20, 10, 5, 15];
/// Steps of a walk for each step that could be tried from where it starts.
const STEPS: usize = 4;
/// How many callers in a row may be in one run only for all below them to be found at once.
const LEVELS: usize = 4;
/// How much dearer than its start a walk may get.
const DEARER: usize = 2;
/// Steps of a walk after which it is looked up anew what costs something.
const FRESH: usize = 8;

/// What lies below two nodes that become a pair.
#[derive(Clone, Copy)]
enum Below {
    /// Stays as it is.
    Stays,
    /// Is paired as the two subtrees alone would be.
    All,
    /// Likewise, but for what has its counterpart elsewhere.
    Here,
}

const BELOW: [Below; 3] = [Below::Stays, Below::All, Below::Here];

/// The pairs `of_a` and `of_b`, or cheaper ones; `least` is what no pairs cost less than.
pub(super) fn improve(
    a: &Shape,
    b: &Shape,
    [of_a, of_b]: [Vec<Option<Ix>>; 2],
    least: usize,
) -> [Vec<Option<Ix>>; 2] {
    let mut search = Search {
        pairs: Pairs::new(a, b, of_a, of_b),
        costs: Costs::new(a, b),
        asked: Classes::of(a, b, |node| node.asked),
        label: Classes::of(a, b, |node| node.label),
    };
    while search.pairs.cost() > least {
        search.shift();
        let tried = search.sweep();
        let walks = WARMTH.iter().zip(1..);
        if !walks.into_iter().any(|(warmth, seed)| search.walk(least, tried, *warmth, seed)) {
            break;
        }
    }
    search.part();
    search.pairs.into_pairs()
}

struct Search<'a> {
    pairs: Pairs<'a>,
    costs: Costs<'a>,
    /// Nodes that are asked the same.
    asked: Classes,
    /// Nodes that can be one another.
    label: Classes,
}

impl Search<'_> {
    fn is_done(&self) -> bool {
        self.pairs.work > WORK
    }

    /// A caller that is only in one run shifts all that lies below it by a level. Where such a chain is long, this finds at once
    /// what single steps find after much work.
    fn shift(&mut self) {
        for (side, node) in self.pairs.suspicious() {
            for other in self.shifted(side, node) {
                let mark = self.pairs.mark();
                self.step(side, node, other, Below::All);
                if self.pairs.cost() < mark.cost {
                    self.pairs.keep();
                    break;
                }
                self.pairs.undo(mark);
                if self.is_done() {
                    return;
                }
            }
        }
    }

    /// What is asked the same as a node and stands a few levels above or below its counterpart.
    fn shifted(&self, side: usize, node: Ix) -> Vec<Ix> {
        let (here, tree) = (self.pairs.trees[side], self.pairs.trees[1 - side]);
        let asked = here.node(node).asked;
        let pair = self.pairs.of(side, node);
        let mut out = Vec::new();
        if pair.is_some_and(|pair| tree.node(pair).asked == asked) {
            return out;
        }
        let mut above = node;
        for _ in 0..LEVELS {
            let Some(caller) = self.pairs.places[side].parent(above) else { break };
            let other = self.pairs.of(side, caller).filter(|ix| *ix != 0 && tree.node(*ix).asked == asked);
            out.extend(other);
            above = caller;
        }
        let mut below: Vec<Ix> = pair.into_iter().collect();
        for _ in 0..LEVELS {
            let children = below.iter().flat_map(|ix| tree.node(*ix).turns.iter().flatten());
            below = children.copied().take(TRIED).collect();
            out.extend(below.iter().copied().filter(|ix| tree.node(*ix).asked == asked));
        }
        out
    }

    /// Takes single steps as long as one pays; how many there are that do not.
    fn sweep(&mut self) -> usize {
        loop {
            let (mut tried, mut paid) = (0, false);
            for (side, node) in self.pairs.suspicious() {
                for other in self.candidates(side, node) {
                    for below in BELOW {
                        let mark = self.pairs.mark();
                        tried += usize::from(self.step(side, node, other, below));
                        if self.pairs.cost() < mark.cost {
                            self.pairs.keep();
                            paid = true;
                        } else {
                            self.pairs.undo(mark);
                        }
                        if self.is_done() {
                            return tried;
                        }
                    }
                }
            }
            if !paid {
                return tried;
            }
        }
    }

    /// Takes steps at random, rarely ones that cost more; says whether it came to something cheaper.
    fn walk(&mut self, least: usize, tried: usize, warmth: usize, seed: u64) -> bool {
        let start = self.pairs.mark();
        if start.cost <= least {
            return false;
        }
        let mut next = random(seed);
        let mut around = Vec::new();
        for step in 0..STEPS * tried {
            if self.is_done() {
                break;
            }
            if step % FRESH == 0 {
                around = self.pairs.suspicious();
            }
            let Some((side, node)) = around.get(next(around.len())).copied() else { break };
            let others = self.candidates(side, node);
            let Some(other) = others.get(next(others.len())) else { continue };
            let mark = self.pairs.mark();
            self.step(side, node, *other, BELOW[next(BELOW.len())]);
            let cost = self.pairs.cost();
            if cost < start.cost {
                self.pairs.keep();
                return true;
            }
            let dearer = cost.saturating_sub(mark.cost);
            if cost > start.cost + DEARER || (0..dearer).any(|_| next(100) >= warmth) {
                self.pairs.undo(mark);
            }
        }
        self.pairs.undo(start);
        false
    }

    /// Makes a pair of two nodes; those that lose their counterparts get others where that costs nothing. Says whether there
    /// was anything to do.
    fn step(&mut self, side: usize, node: Ix, other: Ix, below: Below) -> bool {
        let (x, y) = if side == 0 { (node, other) } else { (other, node) };
        let mut lost = Vec::new();
        for (x, y) in self.wanted(x, y, below) {
            let (old_y, old_x) = (self.pairs.of(0, x), self.pairs.of(1, y));
            if old_y == Some(y) {
                continue;
            }
            if let Some(old_x) = old_x {
                self.pairs.set(old_x, None);
                lost.push((0, old_x));
            }
            lost.extend(old_y.map(|old_y| (1, old_y)));
            self.pairs.set(x, None);
            self.pairs.set(x, Some(y));
        }
        let before = self.pairs.cost();
        self.pairs.settle();
        for (side, node) in lost.iter().copied() {
            if self.pairs.of(side, node).is_none() {
                self.fill(side, node);
            }
        }
        !lost.is_empty() || self.pairs.cost() != before
    }

    /// The pairs that a step makes.
    fn wanted(&mut self, x: Ix, y: Ix, below: Below) -> Vec<(Ix, Ix)> {
        let mut wanted = vec![(x, y)];
        let mut at = 0;
        while let Some((x, y)) = wanted.get(at).copied() {
            at += 1;
            let [a, b] = self.pairs.trees;
            match below {
                Below::Stays => break,
                Below::All => {
                    self.costs.below(x, y, &mut |x, y| wanted.push((x, y)));
                }
                Below::Here => {
                    for (xs, ys) in a.node(x).turns.iter().zip(&b.node(y).turns) {
                        let (xs, ys) = (self.not_elsewhere(0, xs, y), self.not_elsewhere(1, ys, x));
                        self.costs.lists(&xs, &ys, &mut |x, y| wanted.push((x, y)));
                    }
                }
            }
        }
        self.pairs.work += 4 * wanted.len() as u64;
        wanted
    }

    /// Those of a list whose counterparts, if any, are below that caller.
    fn not_elsewhere(&self, side: usize, list: &[Ix], caller: Ix) -> Vec<Ix> {
        let places = &self.pairs.places[1 - side];
        let here = |ix: &Ix| self.pairs.of(side, *ix).is_none_or(|pair| places.parent(pair) == Some(caller));
        list.iter().copied().filter(here).collect()
    }

    /// Gives a node without counterpart the one that is cheapest, unless it costs more than none.
    fn fill(&mut self, side: usize, node: Ix) {
        let mut best: Option<(usize, Ix, Ix)> = None;
        for other in self.candidates(side, node) {
            if self.pairs.of(1 - side, other).is_some() {
                continue;
            }
            let (x, y) = if side == 0 { (node, other) } else { (other, node) };
            let mark = self.pairs.mark();
            self.pairs.set(x, Some(y));
            self.pairs.settle();
            let cost = self.pairs.cost();
            if cost <= mark.cost && best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, x, y));
            }
            self.pairs.undo(mark);
        }
        if let Some((_, x, y)) = best {
            self.pairs.set(x, Some(y));
            self.pairs.settle();
        }
    }

    /// What may be the counterpart of a node, the likely ones first.
    fn candidates(&mut self, side: usize, node: Ix) -> Vec<Ix> {
        let pairs = &self.pairs;
        let (here, tree) = (pairs.trees[side].node(node), pairs.trees[1 - side]);
        let mut out: Vec<Ix> = Vec::with_capacity(2 * TRIED);
        if node == 0 {
            // The starts are one another.
            return out;
        }
        let add = |ix: Ix, out: &mut Vec<Ix>, most: usize| {
            if ix != 0 && out.len() < most && tree.node(ix).label == here.label && !out.contains(&ix) {
                out.push(ix);
            }
        };
        let mut work = 0;
        // Below the counterpart of its caller: what is asked the same, or has no counterpart that is.
        let caller = pairs.places[side].parent(node).and_then(|caller| pairs.of(side, caller));
        for child in caller.into_iter().flat_map(|caller| tree.node(caller).turns.iter().flatten()) {
            work += 1;
            let asked = tree.node(*child).asked;
            let unlike = |pair| pairs.trees[side].node(pair).asked != asked;
            if asked == here.asked || pairs.of(1 - side, *child).is_none_or(unlike) {
                add(*child, &mut out, TRIED);
            }
        }
        // The callers of what it calls.
        for child in here.turns.iter().flatten().take(4 * TRIED) {
            work += 1;
            let pair = pairs.of(side, *child);
            if let Some(caller) = pair.and_then(|pair| pairs.places[1 - side].parent(pair)) {
                add(caller, &mut out, 2 * TRIED);
            }
        }
        // Asked the same, anywhere; without counterpart, anywhere.
        for ix in self.asked.like(side, node).iter().take(TRIED) {
            add(*ix, &mut out, usize::MAX);
        }
        let alike = self.label.like(side, node);
        let open = alike.iter().filter(|ix| pairs.of(1 - side, **ix).is_none());
        for ix in open.take(TRIED) {
            add(*ix, &mut out, usize::MAX);
        }
        self.pairs.work += work + (alike.len() / 8 + out.len()) as u64;
        out
    }

    /// A call that moved and was asked something else is another call, unless others tell that it is the same.
    fn part(&mut self) {
        let [a, b] = self.pairs.trees;
        for x in self.pairs.moved(0) {
            let unlike = |y: Ix| b.node(y).asked != a.node(x).asked;
            if self.pairs.work > 2 * WORK || !self.pairs.of(0, x).is_some_and(unlike) {
                continue;
            }
            let mark = self.pairs.mark();
            self.pairs.set(x, None);
            self.pairs.settle();
            if self.pairs.cost() > mark.cost {
                self.pairs.undo(mark);
            }
        }
    }
}

/// Nodes of both trees that have something in common.
struct Classes {
    /// The class of each node, by side.
    of: [Vec<u32>; 2],
    /// The nodes of each class, by side.
    nodes: [Vec<Vec<Ix>>; 2],
}

impl Classes {
    fn of(a: &Shape, b: &Shape, key: fn(&Node) -> u64) -> Self {
        let mut known: HashMap<u64, u32> = HashMap::new();
        let of = [a, b].map(|shape| -> Vec<u32> {
            let class = |node| {
                let next = known.len() as u32;
                *known.entry(key(node)).or_insert(next)
            };
            shape.nodes.iter().map(class).collect()
        });
        let nodes = [0, 1].map(|side: usize| {
            let mut nodes: Vec<Vec<Ix>> = vec![Vec::new(); known.len()];
            for (ix, class) in of[side].iter().enumerate() {
                nodes[*class as usize].push(ix as Ix);
            }
            nodes
        });
        Classes { of, nodes }
    }

    /// Nodes of the other side that are of the class of this one.
    fn like(&self, side: usize, ix: Ix) -> &[Ix] {
        &self.nodes[1 - side][self.of[side][ix as usize] as usize]
    }
}

/// Numbers below a bound that look random and are the same each time (xorshift).
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below.max(1)
    }
}
