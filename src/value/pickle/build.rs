//! From the arena to the tree: finds cycles, aliases of mutable objects, and too deep or too shared values.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::tree::{Make, Object, Value};
use super::machine::{Arena, Id, Kind, Node, ObjectNode, Slot};
use super::{MAX_DEPTH, PickleError};

/// How many times larger than its pickle a value may be when it is written out as a tree.
const MAX_GROWTH: u64 = 64;
/// On top of that, so that small pickles are never refused.
const GROWTH_SLACK: u64 = 4 << 20;
/// Leaves above this are stored apart and hashed once, so repeating them costs little.
const LARGE: usize = 4096;

/// What is known of a node, gathered from its parts.
#[derive(Clone, Copy)]
struct Sum {
    /// Levels below and including it.
    height: usize,
    /// Whether something mutable is in it: then two ways to it are an alias.
    mutable: bool,
    /// Size when written out, roughly.
    weight: u64,
}

enum Progress {
    Open,
    Done(Value, Sum),
}

pub(super) struct Builder {
    arena: Arena,
    limit: u64,
    /// Only nodes that may have several parents.
    seen: HashMap<Id, Progress>,
    shared: bool,
    lossy: bool,
}

impl Sum {
    fn add(&mut self, part: &Sum) {
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
        let mut sum = Sum { height: 0, mutable: false, weight: 0 };
        let value = self.node(self.arena.root, 0, &mut sum)?;
        if sum.weight > self.limit {
            return Err(PickleError::TooShared);
        }
        Ok((value, self.shared))
    }

    fn give_up(&self, error: PickleError, reason: &'static str) -> Result<Value, PickleError> {
        if self.lossy { Ok(Value::Opaque(reason)) } else { Err(error) }
    }

    /// The value of a node; what it weighs is added to `sum`. Small frames: this recurses.
    fn node(&mut self, id: Id, depth: usize, sum: &mut Sum) -> Result<Value, PickleError> {
        let Some(slot) = self.arena.slots.get(id as usize) else {
            return Err(PickleError::Malformed("no such node"));
        };
        let fetched = slot.fetched;
        if matches!(slot.node, Node::Leaf(_)) {
            return Ok(self.leaf(id, sum));
        }
        if fetched && let Some(result) = self.again(id, depth, sum) {
            return result;
        }
        if depth >= MAX_DEPTH {
            return self.give_up(PickleError::TooDeep, "nested too deep");
        }
        if fetched {
            self.seen.insert(id, Progress::Open);
        }
        let mut own = Sum { height: 1, mutable: false, weight: 4 };
        let value = match self.take(id) {
            Node::Seq(kind, items) => self.seq(kind, &items, depth, &mut own)?,
            Node::Object(object) => self.object(&object, depth, &mut own)?,
            Node::Leaf(_) => return Err(PickleError::Malformed("no such node")),
        };
        sum.add(&own);
        if fetched {
            self.seen.insert(id, Progress::Done(value.clone(), own));
        }
        Ok(value)
    }

    /// Taken out, because a node is built once; what stays in its place is looked up in `seen` first.
    fn take(&mut self, id: Id) -> Node {
        let empty = Node::Seq(Kind::Tuple, Vec::new());
        match self.arena.slots.get_mut(id as usize) {
            Some(slot) => std::mem::replace(&mut slot.node, empty),
            None => empty,
        }
    }

    fn leaf(&mut self, id: Id, sum: &mut Sum) -> Value {
        let Some(Slot { node: Node::Leaf(value), fetched }) = self.arena.slots.get(id as usize) else {
            return Value::None;
        };
        let (mutable, len) = match value {
            Value::ByteArray(bytes) => (true, bytes.len()),
            Value::Str(text) => (false, text.bytes().len()),
            Value::Bytes(bytes) | Value::BigInt(bytes) => (false, bytes.len()),
            _ => (false, 0),
        };
        self.shared |= mutable && *fetched && self.seen.insert(id, Progress::Open).is_some();
        sum.mutable |= mutable;
        sum.height = sum.height.max(2);
        sum.weight = sum.weight.saturating_add(if len > LARGE { 64 } else { 1 + len as u64 });
        value.clone()
    }

    /// A node that may have been met before.
    fn again(&mut self, id: Id, depth: usize, sum: &mut Sum) -> Option<Result<Value, PickleError>> {
        match self.seen.get(&id)? {
            Progress::Open => Some(self.give_up(PickleError::Recursive, "contains itself")),
            Progress::Done(value, own) => {
                self.shared |= own.mutable;
                if depth + own.height > MAX_DEPTH {
                    return Some(self.give_up(PickleError::TooDeep, "nested too deep"));
                }
                sum.add(own);
                Some(Ok(value.clone()))
            }
        }
    }

    fn many(&mut self, ids: &[Id], depth: usize, sum: &mut Sum) -> Result<Vec<Value>, PickleError> {
        let mut values = Vec::with_capacity(ids.len());
        for id in ids {
            values.push(self.node(*id, depth + 1, sum)?);
        }
        Ok(values)
    }

    fn pairs(&mut self, ids: &[Id], depth: usize, sum: &mut Sum) -> Result<Vec<(Value, Value)>, PickleError> {
        let mut pairs = Vec::with_capacity(ids.len() / 2);
        for pair in ids.chunks_exact(2) {
            let key = self.node(pair[0], depth + 1, sum)?;
            pairs.push((key, self.node(pair[1], depth + 1, sum)?));
        }
        Ok(pairs)
    }

    fn seq(&mut self, kind: Kind, ids: &[Id], depth: usize, sum: &mut Sum) -> Result<Value, PickleError> {
        sum.mutable |= matches!(kind, Kind::List | Kind::Set | Kind::Dict);
        if kind == Kind::Dict {
            return Ok(Value::Dict(Arc::new(self.pairs(ids, depth, sum)?)));
        }
        let values = Arc::new(self.many(ids, depth, sum)?);
        Ok(match kind {
            Kind::List => Value::List(values),
            Kind::Set => Value::Set(values),
            Kind::FrozenSet => Value::FrozenSet(values),
            _ => Value::Tuple(values),
        })
    }

    fn object(&mut self, node: &ObjectNode, depth: usize, sum: &mut Sum) -> Result<Value, PickleError> {
        let below = depth + 1;
        let make = self.make(node, below, sum)?;
        let parts_mutable = sum.mutable;
        let items = self.many(&node.items, depth, sum)?;
        let pairs = self.pairs(&node.pairs, depth, sum)?;
        let added = self.many(&node.added, depth, sum)?;
        let state = self.maybe(node.state, below, sum)?;
        let object = Object { make, items, pairs, added, state };
        // The dict in the state of an immutable instance is its own; what it was made from may be shared.
        sum.mutable = parts_mutable || !is_immutable(object.make.callable());
        Ok(Value::Object(Arc::new(object)))
    }

    fn make(&mut self, node: &ObjectNode, depth: usize, sum: &mut Sum) -> Result<Make, PickleError> {
        let callable = self.node(node.callable, depth, sum)?;
        let args = self.node(node.args, depth, sum)?;
        if node.reduce {
            return Ok(Make::Reduce { callable, args });
        }
        Ok(Make::New { cls: callable, args, kwargs: self.maybe(node.kwargs, depth, sum)? })
    }

    fn maybe(&mut self, id: Option<Id>, depth: usize, sum: &mut Sum) -> Result<Option<Value>, PickleError> {
        match id {
            Some(id) => Ok(Some(self.node(id, depth, sum)?)),
            None => Ok(None),
        }
    }
}

/// Classes of the standard library and numpy whose instances nobody can change: two references to one are as
/// good as two equal ones.
fn is_immutable(callable: &Value) -> bool {
    // `getattr(ZoneInfo, '_unpickle')(key, …)`
    if let Value::Object(object) = callable {
        let zone = |args: &[Value]| args.first().and_then(Value::as_global) == Some(("zoneinfo", "ZoneInfo"));
        return object.global() == Some(("builtins", "getattr")) && zone(object.make.args());
    }
    let Some((module, name)) = callable.as_global() else { return false };
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
