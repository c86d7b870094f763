//! Both trees as one: each pair of calls, each added and each removed one, in one order.

use std::collections::HashMap;

use super::align::{Alignment, align};
use super::causes::{self, Role};
use super::shape::{Ix, Shape};
use crate::base::ids::CallNo;
use crate::model::{Call, CallStatus, RunHistory};

/// How a call of one run stands to one of the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairKind {
    /// In both, at the same place.
    Both,
    /// In both, elsewhere.
    Moved,
    /// In the second run only.
    Added,
    /// Only in the second run, and asked for exactly as a sibling that is in both.
    Repeated,
    /// In the first run only.
    Removed,
}

/// What differs between the two calls of a pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize)]
pub struct Differs {
    /// The arguments.
    pub input: bool,
    /// The output, or the error.
    pub output: bool,
    /// One ended well and the other did not, or did not end.
    pub status: bool,
    /// The code of the function.
    pub code: bool,
    /// The number of attempts.
    pub attempts: bool,
    /// One was served and the other executed, or it took half as long or twice as long.
    pub timing: bool,
}

impl Differs {
    /// Whether anything but the time differs.
    pub fn matters(&self) -> bool {
        self.words().next().is_some()
    }

    /// What differs but the time, a word each.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.input, "input"),
            (self.output, "output"),
            (self.status, "status"),
            (self.code, "code"),
            (self.attempts, "attempts"),
        ];
        all.into_iter().filter_map(|(differs, word)| differs.then_some(word))
    }
}

/// A row of the merged tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Pair {
    /// The call of the first run.
    pub a: Option<CallNo>,
    /// The call of the second run.
    pub b: Option<CallNo>,
    /// How they stand to each other.
    pub kind: PairKind,
    /// What differs; nothing for added and removed calls.
    pub differs: Differs,
    /// Whether it is a cause of differences or follows from others.
    pub role: Role,
    /// The row that it is below of.
    pub parent: Option<usize>,
    /// Rows below it, in order.
    pub children: Vec<usize>,
}

impl Pair {
    /// Whether anything but the time differs.
    pub fn is_different(&self) -> bool {
        self.kind != PairKind::Both || self.differs.matters()
    }
}

/// Two call trees as one. Row 0 is the root; rows stand in the order of a walk from the top.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Merged {
    /// The rows.
    pub pairs: Vec<Pair>,
}

impl Merged {
    /// Says anew which differences are causes, after some were taken back.
    pub fn judge(&mut self, a: &RunHistory, b: &RunHistory) {
        causes::assign(self, a, b);
    }

    /// The rows that explain the others, in order.
    pub fn causes(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.pairs.len()).filter(|row| matches!(self.pairs[*row].role, Role::Cause(_)))
    }

    /// The first row that differs and has no row below it that does: where the runs part.
    pub fn first_divergence(&self) -> Option<usize> {
        let different = |row: &usize| self.pairs[*row].is_different();
        let mut at = self.causes().next().or_else(|| (0..self.pairs.len()).find(different))?;
        while let Some(below) = self.pairs[at].children.iter().copied().find(different) {
            at = below;
        }
        Some(at)
    }
}

/// Aligns two runs and says what differs.
pub fn merge(a: &RunHistory, b: &RunHistory) -> Merged {
    let (left, right) = (Shape::of(a), Shape::of(b));
    let found = align(&left, &right);
    let mut merged = Merged::default();
    let mut rows = Rows { left: &left, right: &right, found: &found, merged: &mut merged };
    rows.fill(a, b);
    causes::assign(&mut merged, a, b);
    merged
}

struct Rows<'a> {
    left: &'a Shape,
    right: &'a Shape,
    found: &'a Alignment,
    merged: &'a mut Merged,
}

impl Rows<'_> {
    fn fill(&mut self, a: &RunHistory, b: &RunHistory) {
        let root = ((!self.left.nodes.is_empty()).then_some(0), (!self.right.nodes.is_empty()).then_some(0));
        if root == (None, None) {
            return;
        }
        let mut stack: Vec<(Option<Ix>, Option<Ix>, Option<usize>)> = vec![(root.0, root.1, None)];
        while let Some((x, y, parent)) = stack.pop() {
            let row = self.merged.pairs.len();
            let pair = self.pair(a, b, x, y, parent);
            self.merged.pairs.push(pair);
            if let Some(parent) = parent {
                self.merged.pairs[parent].children.push(row);
            }
            let below = self.below(x, y);
            stack.extend(below.into_iter().rev().map(|(x, y)| (x, y, Some(row))));
        }
    }

    /// Children of a row: those of the second run in their order, and removed ones behind the sibling that they followed.
    fn below(&self, x: Option<Ix>, y: Option<Ix>) -> Vec<(Option<Ix>, Option<Ix>)> {
        let list = |shape: &Shape, ix: Option<Ix>| -> Vec<Ix> {
            // Attempts in the order in which they were made.
            ix.map(|ix| shape.node(ix).turns.iter().rev().flatten().copied().collect()).unwrap_or_default()
        };
        let new = list(self.right, y);
        let places: HashMap<Ix, usize> = new.iter().enumerate().map(|(place, y)| (*y, place + 1)).collect();
        // Removed ones by how many of the second run's stand before them.
        let mut removed: Vec<Vec<Ix>> = vec![Vec::new(); new.len() + 1];
        let mut at = 0;
        for old in list(self.left, x) {
            match self.found.of_a[old as usize] {
                Some(pair) => at = places.get(&pair).copied().unwrap_or(at),
                None => removed[at].push(old),
            }
        }
        let mut out = Vec::new();
        for (place, gone) in removed.into_iter().enumerate() {
            if let Some(y) = place.checked_sub(1).map(|before| new[before]) {
                out.push((self.found.of_b[y as usize], Some(y)));
            }
            out.extend(gone.into_iter().map(|x| (Some(x), None)));
        }
        out
    }

    fn pair(
        &self,
        a: &RunHistory,
        b: &RunHistory,
        x: Option<Ix>,
        y: Option<Ix>,
        parent: Option<usize>,
    ) -> Pair {
        let calls = (x.and_then(|x| a.call(Shape::call(x))), y.and_then(|y| b.call(Shape::call(y))));
        let kind = match (x, y) {
            (Some(_), Some(y)) if self.found.moved.contains(&y) => PairKind::Moved,
            (Some(_), None) => PairKind::Removed,
            (None, Some(y)) if self.is_repeated(b, y) => PairKind::Repeated,
            (None, _) => PairKind::Added,
            _ => PairKind::Both,
        };
        Pair {
            a: x.map(Shape::call),
            b: y.map(Shape::call),
            kind,
            differs: if let (Some(old), Some(new)) = calls { differs(old, new) } else { Differs::default() },
            role: Role::None,
            parent,
            children: Vec::new(),
        }
    }

    fn is_repeated(&self, b: &RunHistory, y: Ix) -> bool {
        let Some(call) = b.call(Shape::call(y)) else { return false };
        let asked = self.right.node(y).asked;
        b.children(call.parent).iter().any(|no| {
            let sibling = no - 1;
            sibling != y
                && self.right.node(sibling).asked == asked
                && self.found.of_b[sibling as usize].is_some()
        })
    }
}

fn differs(old: &Call, new: &Call) -> Differs {
    let digest = |value: &Option<crate::model::ValueRef>| value.as_ref().map(|value| value.digest);
    let error =
        |call: &Call| call.error.as_ref().map(|error| (error.type_name.clone(), error.message.clone()));
    let executed = |call: &Call| call.status == CallStatus::Fresh;
    let (short, long) = (old.wall_us.min(new.wall_us), old.wall_us.max(new.wall_us));
    Differs {
        input: digest(&old.input) != digest(&new.input),
        output: digest(&old.output) != digest(&new.output) || error(old) != error(new),
        status: old.status.has_output() != new.status.has_output()
            || (!old.status.has_output() && old.status != new.status),
        code: old.code != new.code && old.is_call(),
        attempts: old.failed_attempts.len() != new.failed_attempts.len(),
        // A millisecond is noise.
        timing: executed(old) != executed(new) || (long - short > 1_000 && long > 2 * short),
    }
}
