//! A run's calls as a plain tree for alignment.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::base::ids::CallNo;
use crate::model::{Call, CallKind, RunHistory};

/// A node by its index in [`Shape::nodes`].
pub(super) type Ix = u32;

/// What alignment needs of a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Function and kind: only nodes with the same label can be one another.
    pub(super) label: u64,
    /// Label and arguments.
    pub(super) asked: u64,
    /// `asked` of the whole subtree, in order.
    pub(super) shape: u64,
    /// Nodes of the subtree, itself included.
    pub(super) size: u32,
    /// Children by attempt of this node, the last attempt first: an earlier attempt's calls are never mixed
    /// with those of the last one.
    pub(super) turns: Vec<Vec<Ix>>,
}

/// A tree. Node `i` is call `i + 1` of its run; the root is node 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) nodes: Vec<Node>,
}

impl Shape {
    /// Of a run. Calls that the log does not connect to the root are left out of every list of children.
    pub(super) fn of(run: &RunHistory) -> Self {
        let mut nodes: Vec<Node> = run
            .calls
            .iter()
            .map(|call| {
                let label = hash(&(&call.function, call.kind));
                let input = call.input.as_ref().map(|input| input.digest);
                Node { label, asked: hash(&(label, input)), turns: turns(run, call), ..Node::default() }
            })
            .collect();
        // A child always has a greater number than its parent.
        for ix in (0..nodes.len()).rev() {
            measure(&mut nodes, ix);
        }
        Shape { nodes }
    }

    #[cfg(test)]
    pub(super) fn measured(mut nodes: Vec<Node>) -> Self {
        for ix in (0..nodes.len()).rev() {
            measure(&mut nodes, ix);
        }
        Shape { nodes }
    }

    pub(super) fn node(&self, ix: Ix) -> &Node {
        &self.nodes[ix as usize]
    }

    /// The number of the call that a node stands for.
    pub(super) fn call(ix: Ix) -> CallNo {
        ix + 1
    }
}

fn turns(run: &RunHistory, call: &Call) -> Vec<Vec<Ix>> {
    let mut turns: Vec<(u32, Vec<Ix>)> = Vec::new();
    for no in run.children(call.no).iter().filter(|no| **no > call.no) {
        let attempt = run.call(*no).map_or(0, |child| if call.is_call() { child.parent_attempt } else { 0 });
        match turns.iter_mut().find(|(known, _)| *known == attempt) {
            Some((_, list)) => list.push(no - 1),
            None => turns.push((attempt, vec![no - 1])),
        }
    }
    turns.sort_by_key(|(attempt, _)| std::cmp::Reverse(*attempt));
    let mut lists: Vec<Vec<Ix>> = turns.into_iter().map(|(_, list)| list).collect();
    if matches!(call.kind, CallKind::Map | CallKind::Reduce) {
        // Items are asked for in any order; their place is their index.
        for list in &mut lists {
            list.sort_by_key(|ix| run.call(ix + 1).map_or(0, |item| item.ordinal));
        }
    }
    lists
}

fn measure(nodes: &mut [Node], ix: usize) {
    let mut size = 1u32;
    let mut hasher = DefaultHasher::new();
    nodes[ix].asked.hash(&mut hasher);
    for turn in &nodes[ix].turns {
        turn.len().hash(&mut hasher);
        for child in turn {
            let child = &nodes[*child as usize];
            size = size.saturating_add(child.size);
            child.shape.hash(&mut hasher);
        }
    }
    nodes[ix].size = size;
    nodes[ix].shape = hasher.finish();
}

pub(super) fn hash(value: &impl Hash) -> u64 {
    // Only compared within one process; a collision would pair two calls that differ, which is then shown.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
