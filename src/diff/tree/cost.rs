//! What the difference of two aligned trees costs: one for each call that is only in one run, one for each that was asked
//! something else, one for each that moved.
//!
//! A call has moved when its caller is not its counterpart's caller, or when it must be taken out for the other calls of its
//! caller to stand in the order of their counterparts: of those as few as can be, and the smaller ones.

use super::shape::{Ix, Shape};

/// Where the nodes of a tree stand.
pub(super) struct Places(Vec<Option<(Ix, u32, Ix)>>);

impl Places {
    pub(super) fn of(shape: &Shape) -> Self {
        let mut places = vec![None; shape.nodes.len()];
        for (parent, node) in shape.nodes.iter().enumerate() {
            for (turn, list) in node.turns.iter().enumerate() {
                for (place, child) in list.iter().enumerate() {
                    places[*child as usize] = Some((parent as Ix, turn as u32, place as Ix));
                }
            }
        }
        Places(places)
    }

    pub(super) fn parent(&self, ix: Ix) -> Option<Ix> {
        self.0[ix as usize].map(|(parent, ..)| parent)
    }

    /// The place of a node in this turn of that caller, when it is there.
    pub(super) fn below(&self, parent: Option<Ix>, turn: usize, ix: Ix) -> Option<Ix> {
        let (caller, at, place) = self.0[ix as usize]?;
        (Some(caller) == parent && at as usize == turn).then_some(place)
    }
}

/// The nodes of a tree that have moved: `of` says their counterparts, whose places are `there`.
pub(super) fn moved(here: &Shape, there: &Places, of: &[Option<Ix>]) -> Vec<Ix> {
    let mut out = Vec::new();
    for (parent, node) in here.nodes.iter().enumerate() {
        let pair = of[parent];
        for (turn, list) in node.turns.iter().enumerate() {
            let mut stay: Vec<(Ix, Ix)> = Vec::new();
            for child in list {
                let Some(other) = of[*child as usize] else { continue };
                match there.below(pair, turn, other) {
                    Some(place) => stay.push((*child, place)),
                    None => out.push(*child),
                }
            }
            if stay.is_sorted_by_key(|(_, place)| *place) {
                continue;
            }
            let weighted: Vec<(Ix, u64)> =
                stay.iter().map(|(child, place)| (*place, u64::from(here.node(*child).size))).collect();
            let mut kept = heaviest_rise(&weighted).into_iter().peekable();
            out.extend(
                stay.iter()
                    .enumerate()
                    .filter(|(at, _)| kept.next_if_eq(at).is_none())
                    .map(|(_, (child, _))| *child),
            );
        }
    }
    out
}

/// How many must be taken out for the others to rise.
pub(super) fn out_of_order(places: &[Ix]) -> usize {
    let mut piles: Vec<Ix> = Vec::new();
    for place in places {
        let pile = piles.partition_point(|top| top < place);
        match piles.get_mut(pile) {
            Some(top) => *top = *place,
            None => piles.push(*place),
        }
    }
    places.len() - piles.len()
}

/// Which of these, given as value and weight, make the longest sequence of rising values; of several as long ones the
/// heaviest.
pub(super) fn heaviest_rise(values: &[(Ix, u64)]) -> Vec<usize> {
    const ONE: u64 = 1 << 40;
    let mut sorted: Vec<Ix> = values.iter().map(|(value, _)| *value).collect();
    sorted.sort_unstable();
    // The best sequence that ends at or below a rank, as a binary indexed tree: what it weighs and its last element.
    let mut best: Vec<(u64, usize)> = vec![(0, usize::MAX); sorted.len() + 1];
    let mut before: Vec<usize> = Vec::with_capacity(values.len());
    for (ix, (value, weight)) in values.iter().enumerate() {
        let rank = sorted.partition_point(|other| other < value);
        let mut top = (0, usize::MAX);
        let mut at = rank;
        while at > 0 {
            top = if best[at].0 > top.0 { best[at] } else { top };
            at &= at - 1;
        }
        before.push(top.1);
        let here = top.0 + ONE + weight;
        let mut at = rank + 1;
        while at < best.len() {
            if here > best[at].0 {
                best[at] = (here, ix);
            }
            at += at & at.wrapping_neg();
        }
    }
    let mut top = (0, usize::MAX);
    let mut at = sorted.len();
    while at > 0 {
        top = if best[at].0 > top.0 { best[at] } else { top };
        at &= at - 1;
    }
    let mut out = Vec::new();
    let mut at = top.1;
    while let Some(next) = before.get(at) {
        out.push(at);
        at = *next;
    }
    out.reverse();
    out
}

/// No alignment of these trees costs less: calls that only one of them asks are at least changed.
pub(super) fn least(a: &Shape, b: &Shape) -> usize {
    let mut counts: std::collections::HashMap<u64, (u64, i64)> = std::collections::HashMap::new();
    for (shape, one) in [(a, 1), (b, -1)] {
        for node in shape.nodes.iter().skip(1) {
            counts.entry(node.asked).or_insert((node.label, 0)).1 += one;
        }
    }
    let mut labels: std::collections::HashMap<u64, (usize, usize)> = std::collections::HashMap::new();
    for (label, count) in counts.into_values() {
        let slot = labels.entry(label).or_default();
        slot.0 += count.max(0).unsigned_abs() as usize;
        slot.1 += (-count).max(0).unsigned_abs() as usize;
    }
    // The starts are one another whatever they are.
    let start = usize::from(a.nodes.first().map(|node| node.asked) != b.nodes.first().map(|node| node.asked));
    start + labels.into_values().map(|(left, right)| left.max(right)).sum::<usize>()
}
