//! Two lists, element by element: which stand for each other, which moved, which are new or gone.
//!
//! Equal elements are aligned by their longest common part; what is gone at one place and new at another, and equal, has
//! moved; what was replaced between is paired as the caller says ([`cheapest`] helps).
//!
//! Invariant: each element of either list is in exactly one of what is returned.

use std::collections::{HashMap, HashSet};

use similar::{Algorithm, DiffOp};

/// What became of elements, by their places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Became {
    /// The old one stands for the new one.
    Both(usize, usize),
    /// From the old place to the new one.
    Moved(usize, usize),
    Added(usize),
    Removed(usize),
}

/// What became of the elements of which these are the digests: the new list in its order, then what is gone. `may_move`
/// is asked about new places; `pairs` about what was replaced, old places and new ones.
pub(super) fn aligned(
    a: &[u64],
    b: &[u64],
    may_move: impl Fn(usize) -> bool,
    pairs: impl Fn(&[usize], &[usize]) -> Vec<(usize, usize)>,
) -> Vec<Became> {
    let ops = similar::capture_diff_slices(Algorithm::Myers, a, b);
    let mut moved = moved(&ops, a, b);
    moved.retain(|at, _| may_move(*at));
    let stays: HashSet<usize> = moved.values().copied().collect();
    let (mut out, mut gone) = (Vec::new(), Vec::new());
    for op in &ops {
        let (_, was, now) = op.as_tag_tuple();
        if let DiffOp::Equal { .. } = op {
            out.extend(was.zip(now).map(|(was, now)| Became::Both(was, now)));
            continue;
        }
        let before: Vec<usize> = was.filter(|at| !stays.contains(at)).collect();
        let after: Vec<usize> = now.clone().filter(|at| !moved.contains_key(at)).collect();
        let paired: HashMap<usize, usize> =
            pairs(&before, &after).into_iter().map(|(was, now)| (now, was)).collect();
        out.extend(now.map(|at| match (moved.get(&at), paired.get(&at)) {
            (Some(from), _) => Became::Moved(*from, at),
            (None, Some(was)) => Became::Both(*was, at),
            (None, None) => Became::Added(at),
        }));
        let kept: HashSet<usize> = paired.into_values().collect();
        gone.extend(before.into_iter().filter(|at| !kept.contains(at)));
    }
    out.extend(gone.into_iter().map(Became::Removed));
    out
}

/// Elements that are gone at one place and new at another, and equal: from the new place to the old one.
fn moved(ops: &[DiffOp], a: &[u64], b: &[u64]) -> HashMap<usize, usize> {
    let changed = || ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).map(DiffOp::as_tag_tuple);
    let mut gone: HashMap<u64, Vec<usize>> = HashMap::new();
    for (_, was, _) in changed() {
        was.rev().for_each(|at| gone.entry(a[at]).or_default().push(at));
    }
    let mut out = HashMap::new();
    for (_, _, now) in changed() {
        for at in now {
            if let Some(from) = gone.get_mut(&b[at]).and_then(Vec::pop) {
                out.insert(at, from);
            }
        }
    }
    out
}

/// Which of `n` stands for which of `m`, in order and at least cost; leaving one alone costs a half.
pub(super) fn cheapest(n: usize, m: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<(usize, usize)> {
    let costs: Vec<Vec<f64>> = (0..n).map(|i| (0..m).map(|j| cost(i, j)).collect()).collect();
    // The cheapest of what is before, cell by cell.
    let mut best = vec![vec![0.0f64; m + 1]; n + 1];
    for i in 0..=n {
        for j in 0..=m {
            let mut least = if i + j == 0 { 0.0 } else { f64::INFINITY };
            if i > 0 {
                least = least.min(best[i - 1][j] + 0.5);
            }
            if j > 0 {
                least = least.min(best[i][j - 1] + 0.5);
            }
            if i > 0 && j > 0 {
                least = least.min(best[i - 1][j - 1] + costs[i - 1][j - 1]);
            }
            best[i][j] = least;
        }
    }
    let (mut i, mut j) = (n, m);
    let mut out = Vec::new();
    while i > 0 && j > 0 {
        if best[i][j] == best[i - 1][j - 1] + costs[i - 1][j - 1] {
            out.push((i - 1, j - 1));
            (i, j) = (i - 1, j - 1);
        } else if best[i][j] == best[i - 1][j] + 0.5 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    out.reverse();
    out
}
