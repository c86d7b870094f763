//! From the arena to the tree: finds cycles, aliases of mutable objects, and too deep or too shared values.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::tree::{Make, Object, Value};
use super::machine::{Arena, Id, Kind, Node, ObjectNode};
use super::{MAX_DEPTH, PickleError};

/// How many times larger than its pickle a value may be when it is written out as a tree.
const MAX_GROWTH: u64 = 64;
/// On top of that, so that small pickles are never refused.
const GROWTH_SLACK: u64 = 4 << 20;
/// Leaves above this are stored apart and hashed once, so repeating them costs little.
const LARGE: usize = 4096;

#[derive(Clone)]
struct Built {
    value: Value,
    /// Levels below and including it.
    height: usize,
    /// Whether something mutable is in it: then two ways to it are an alias.
    mutable: bool,
    /// Size when written out, roughly.
    weight: u64,
}

enum Progress {
    Open,
    Done(Built),
}

pub(super) struct Builder {
    arena: Arena,
    limit: u64,
    /// Only nodes that may have several parents.
    seen: HashMap<Id, Progress>,
    shared: bool,
    lossy: bool,
}

struct Sum {
    height: usize,
    mutable: bool,
    weight: u64,
}

impl Sum {
    fn add(&mut self, part: &Built) {
        self.height = self.height.max(part.height + 1);
        self.mutable |= part.mutable;
        self.weight = self.weight.saturating_add(part.weight);
    }
}

impl Builder {
    pub(super) fn new(arena: Arena, input: usize, lossy: bool) -> Self {
        let limit = MAX_GROWTH.saturating_mul(input as u64).saturating_add(GROWTH_SLACK);
        Builder { arena, limit, seen: HashMap::new(), shared: false, lossy }
    }

    /// The value, and whether it holds aliases.
    pub(super) fn finish(mut self) -> Result<(Value, bool), PickleError> {
        let built = self.node(self.arena.root, 0)?;
        if built.weight > self.limit {
            return Err(PickleError::TooShared);
        }
        Ok((built.value, self.shared))
    }

    fn give_up(&self, error: PickleError, reason: &'static str) -> Result<Built, PickleError> {
        if !self.lossy {
            return Err(error);
        }
        Ok(Built { value: Value::Opaque(reason), height: 1, mutable: false, weight: 1 })
    }

    fn node(&mut self, id: Id, depth: usize) -> Result<Built, PickleError> {
        let Some(slot) = self.arena.slots.get_mut(id as usize) else {
            return Err(PickleError::Malformed("no such node"));
        };
        if let Node::Leaf(value) = &slot.node {
            let (mutable, len) = match value {
                Value::ByteArray(bytes) => (true, bytes.len()),
                Value::Str(text) => (false, text.bytes().len()),
                Value::Bytes(bytes) | Value::BigInt(bytes) => (false, bytes.len()),
                _ => (false, 0),
            };
            self.shared |= mutable && slot.fetched && self.seen.insert(id, Progress::Open).is_some();
            let weight = if len > LARGE { 64 } else { 1 + len as u64 };
            return Ok(Built { value: value.clone(), height: 1, mutable, weight });
        }
        let fetched = slot.fetched;
        if fetched {
            match self.seen.get(&id) {
                Some(Progress::Open) => return self.give_up(PickleError::Recursive, "contains itself"),
                Some(Progress::Done(built)) => {
                    let built = built.clone();
                    self.shared |= built.mutable;
                    if depth + built.height > MAX_DEPTH {
                        return self.give_up(PickleError::TooDeep, "nested too deep");
                    }
                    return Ok(built);
                }
                None => {}
            }
        }
        if depth >= MAX_DEPTH {
            return self.give_up(PickleError::TooDeep, "nested too deep");
        }
        if fetched {
            self.seen.insert(id, Progress::Open);
        }
        let Some(slot) = self.arena.slots.get_mut(id as usize) else {
            return Err(PickleError::Malformed("no such node"));
        };
        // Taken out, because a node is built once; what stays in its place is looked up in `seen` first.
        let built = match std::mem::replace(&mut slot.node, Node::Seq(Kind::Tuple, Vec::new())) {
            Node::Seq(kind, items) => self.seq(kind, items, depth)?,
            Node::Object(object) => self.object(*object, depth)?,
            Node::Leaf(_) => return Err(PickleError::Malformed("no such node")),
        };
        if fetched {
            self.seen.insert(id, Progress::Done(built.clone()));
        }
        Ok(built)
    }

    fn many(&mut self, ids: Vec<Id>, depth: usize, sum: &mut Sum) -> Result<Vec<Value>, PickleError> {
        let mut values = Vec::with_capacity(ids.len());
        for id in ids {
            let part = self.node(id, depth + 1)?;
            sum.add(&part);
            values.push(part.value);
        }
        Ok(values)
    }

    fn pairs(&mut self, ids: &[Id], depth: usize, sum: &mut Sum) -> Result<Vec<(Value, Value)>, PickleError> {
        let mut pairs = Vec::with_capacity(ids.len() / 2);
        for pair in ids.chunks_exact(2) {
            let key = self.node(pair[0], depth + 1)?;
            sum.add(&key);
            let value = self.node(pair[1], depth + 1)?;
            sum.add(&value);
            pairs.push((key.value, value.value));
        }
        Ok(pairs)
    }

    fn one(&mut self, id: Id, depth: usize, sum: &mut Sum) -> Result<Value, PickleError> {
        let part = self.node(id, depth + 1)?;
        sum.add(&part);
        Ok(part.value)
    }

    fn seq(&mut self, kind: Kind, ids: Vec<Id>, depth: usize) -> Result<Built, PickleError> {
        let mut sum = Sum { height: 1, mutable: false, weight: 2 };
        let value = if kind == Kind::Dict {
            Value::Dict(Arc::new(self.pairs(&ids, depth, &mut sum)?))
        } else {
            let values = Arc::new(self.many(ids, depth, &mut sum)?);
            match kind {
                Kind::List => Value::List(values),
                Kind::Set => Value::Set(values),
                Kind::FrozenSet => Value::FrozenSet(values),
                _ => Value::Tuple(values),
            }
        };
        let mutable = sum.mutable || matches!(kind, Kind::List | Kind::Set | Kind::Dict);
        Ok(Built { value, height: sum.height, mutable, weight: sum.weight })
    }

    fn object(&mut self, node: ObjectNode, depth: usize) -> Result<Built, PickleError> {
        let mut sum = Sum { height: 1, mutable: false, weight: 4 };
        let callable = self.one(node.callable, depth, &mut sum)?;
        let args = self.one(node.args, depth, &mut sum)?;
        let make = if node.reduce {
            Make::Reduce { callable, args }
        } else {
            let kwargs = node.kwargs.map(|id| self.one(id, depth, &mut sum)).transpose()?;
            Make::New { cls: callable, args, kwargs }
        };
        let items = self.many(node.items, depth, &mut sum)?;
        let pairs = self.pairs(&node.pairs, depth, &mut sum)?;
        let added = self.many(node.added, depth, &mut sum)?;
        let state = node.state.map(|id| self.one(id, depth, &mut sum)).transpose()?;
        let object = Object { make, items, pairs, added, state };
        // The dict or list in the state of an immutable instance is its own, so it does not count either.
        let mutable = !object.global().is_some_and(|(module, name)| is_immutable(module, name));
        Ok(Built { value: Value::Object(Arc::new(object)), height: sum.height, mutable, weight: sum.weight })
    }
}

/// Classes of the standard library and numpy whose instances nobody can change: two references to one are as
/// good as two equal ones.
fn is_immutable(module: &str, name: &str) -> bool {
    match module {
        "datetime" => matches!(name, "datetime" | "date" | "time" | "timedelta" | "timezone"),
        "decimal" => name == "Decimal",
        "uuid" => matches!(name, "UUID" | "SafeUUID"),
        "fractions" => name == "Fraction",
        "pathlib" | "pathlib._local" => true,
        "builtins" => matches!(name, "complex" | "range" | "slice" | "getattr"),
        "numpy" => name == "dtype",
        "numpy._core.multiarray" | "numpy.core.multiarray" => name == "scalar",
        "re" => name == "_compile",
        "ipaddress" => true,
        _ => false,
    }
}
