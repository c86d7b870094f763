//! Long lists: what is stored together and equal is passed over, the rest is aligned by marks.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use similar::{Algorithm, DiffOp};

use super::{Read, Walk};
use crate::base::text;
use crate::diff::value::{ChangeKind, Path};
use crate::value::lazy::Place;

/// Elements of both sides between the equal ends that are aligned.
const ALIGNED: u64 = 2_000_000;
/// As many are aligned at least cost; more by what both sides have.
const COSTLY: usize = 4_000;

/// A step of an alignment: what stands for what.
pub(super) enum Step {
    /// This one became that one.
    Changed(usize, usize),
    /// Only in the old one.
    Removed(usize),
    /// Only in the new one.
    Added(usize),
}

impl Walk<'_, '_> {
    pub(super) fn list(&mut self, path: &Path, a: (&Place, u64), b: (&Place, u64)) -> Read<()> {
        let (old, new) = self.between(a, b)?;
        if self.effort == super::Effort::First {
            return self.first(path, (a.0, old), (b.0, new));
        }
        let most = (old.end - old.start).max(new.end - new.start);
        if most > ALIGNED {
            self.left_out.push(format!(
                "{} from {path}[{}] on are too many to align",
                text::count(most, "element"),
                new.start
            ));
            return self.first(path, (a.0, old), (b.0, new));
        }
        let (x, y) =
            (self.reader.marks(a.0, old.start, old.end)?, self.reader.marks(b.0, new.start, new.end)?);
        for step in align(&x, &y) {
            if self.done() {
                break;
            }
            let was = |at: usize| self.reader.children(a.0, old.start + at as u64, 1);
            let now = |at: usize| self.reader.children(b.0, new.start + at as u64, 1);
            // Beyond what is told one by one it is enough to count.
            if self.found.len() >= super::FOUND {
                self.more += 1;
                continue;
            }
            let place = |from: u64, at: usize| path.index(usize::try_from(from).unwrap_or(0) + at);
            match step {
                Step::Changed(i, j) => {
                    if let (Some(was), Some(now)) = (was(i)?.first(), now(j)?.first()) {
                        self.pair(&place(new.start, j), &was.place, &now.place)?;
                    }
                }
                Step::Removed(i) => {
                    if let Some(was) = was(i)?.first() {
                        self.only(place(old.start, i), ChangeKind::Removed, &was.place)?;
                    }
                }
                Step::Added(j) => {
                    if let Some(now) = now(j)?.first() {
                        self.only(place(new.start, j), ChangeKind::Added, &now.place)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What stands between the ends that are stored in equal runs.
    fn between(&self, a: (&Place, u64), b: (&Place, u64)) -> Read<(Range<u64>, Range<u64>)> {
        let (x, y) = (self.reader.runs(a.0)?, self.reader.runs(b.0)?);
        let (n, m) = (x.len(), y.len());
        let head = x.iter().zip(&y).take_while(|(x, y)| x.digest == y.digest).count();
        let tail = x.iter().rev().zip(y.iter().rev()).take(n.min(m) - head);
        let tail = tail.take_while(|(x, y)| x.digest == y.digest).count();
        let range = |runs: &[crate::value::lazy::Run], count: u64| {
            let from = runs.get(head).map_or(if head > 0 { count } else { 0 }, |run| run.before);
            let to = runs.get(runs.len() - tail).map_or(count, |run| run.before);
            from..to
        };
        Ok((range(&x, a.1), range(&y, b.1)))
    }

    /// The first elements that differ.
    fn first(&mut self, path: &Path, old: (&Place, Range<u64>), new: (&Place, Range<u64>)) -> Read<()> {
        const WINDOW: u64 = 4_096;
        let (mut at, left) = (0, (old.1.end - old.1.start).min(new.1.end - new.1.start));
        while at < left {
            let n = WINDOW.min(left - at);
            let (from, to) = (old.1.start + at, new.1.start + at);
            let (x, y) = (self.reader.marks(old.0, from, from + n)?, self.reader.marks(new.0, to, to + n)?);
            if let Some(i) = x.iter().zip(&y).position(|(x, y)| x != y) {
                let (was, now) = (
                    self.reader.children(old.0, from + i as u64, 1)?,
                    self.reader.children(new.0, to + i as u64, 1)?,
                );
                let place = path.index(usize::try_from(to).unwrap_or(0) + i);
                return match (was.first(), now.first()) {
                    (Some(was), Some(now)) => self.pair(&place, &was.place, &now.place),
                    _ => Ok(()),
                };
            }
            at += n;
        }
        let (longer, kind, place) = match old.1.end - old.1.start > left {
            true => (old.0, ChangeKind::Removed, old.1.start + left),
            false if new.1.end - new.1.start > left => (new.0, ChangeKind::Added, new.1.start + left),
            false => return Ok(()),
        };
        match self.reader.children(longer, place, 1)?.first() {
            Some(child) => self.only(path.index(usize::try_from(place).unwrap_or(0)), kind, &child.place),
            None => Ok(()),
        }
    }
}

/// What became of what, in the order of the new side; equal elements are left out.
pub(super) fn align(old: &[u64], new: &[u64]) -> Vec<Step> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut out = Vec::new();
    if a.len() <= COSTLY && b.len() <= COSTLY {
        for op in similar::capture_diff_slices(Algorithm::Myers, a, b) {
            if !matches!(op, DiffOp::Equal { .. }) {
                let (_, was, now) = op.as_tag_tuple();
                beside(was.map(|at| at + head), now.map(|at| at + head), &mut out);
            }
        }
        return out;
    }
    // What both sides have as often stays, wherever it stands; the rest is paired in order between what stays.
    let count = |list: &[u64]| {
        let mut counts: HashMap<u64, i64> = HashMap::new();
        list.iter().for_each(|mark| *counts.entry(*mark).or_default() += 1);
        counts
    };
    let mut surplus = count(a);
    for mark in b {
        *surplus.entry(*mark).or_default() -= 1;
    }
    let mut gone: HashMap<u64, i64> =
        surplus.iter().filter(|(_, n)| **n > 0).map(|(mark, n)| (*mark, *n)).collect();
    let mut come: HashMap<u64, i64> =
        surplus.iter().filter(|(_, n)| **n < 0).map(|(mark, n)| (*mark, -*n)).collect();
    let takes = |list: &[u64], left: &mut HashMap<u64, i64>| -> Vec<usize> {
        let mut taken = |at: &usize| match left.get_mut(&list[*at]) {
            Some(n) if *n > 0 => {
                *n -= 1;
                true
            }
            _ => false,
        };
        (0..list.len()).filter(|at| taken(at)).map(|at| at + head).collect()
    };
    let (gone, come) = (takes(a, &mut gone), takes(b, &mut come));
    let (left, right): (HashSet<usize>, HashSet<usize>) =
        (gone.iter().copied().collect(), come.iter().copied().collect());
    // How far the sides have shifted against each other where an element stands tells its pair.
    let (mut i, mut j) = (head, head);
    while i < old.len() - tail || j < new.len() - tail {
        let was = (i..old.len() - tail).take_while(|at| left.contains(at)).count();
        let now = (j..new.len() - tail).take_while(|at| right.contains(at)).count();
        beside((i..i + was).collect::<Vec<_>>(), (j..j + now).collect::<Vec<_>>(), &mut out);
        // One that stays on each side.
        (i, j) = (i + was + 1, j + now + 1);
    }
    out
}

fn beside(old: impl IntoIterator<Item = usize>, new: impl IntoIterator<Item = usize>, out: &mut Vec<Step>) {
    let (mut old, mut new) = (old.into_iter(), new.into_iter());
    loop {
        match (old.next(), new.next()) {
            (Some(was), Some(now)) => out.push(Step::Changed(was, now)),
            (Some(was), None) => out.push(Step::Removed(was)),
            (None, Some(now)) => out.push(Step::Added(now)),
            (None, None) => return,
        }
    }
}
