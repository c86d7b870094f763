//! The stack machine: opcodes in, an arena of nodes out.
//!
//! Nodes refer to each other by index, so that a list that is filled after it was memoised, or that contains
//! itself, needs no special care here. Memory is proportional to the input: every node costs at least one byte
//! of it, and lengths are checked against what is left before anything is allocated.

use std::sync::Arc;

use bytes::Bytes;

use super::super::tree::{Global, Text, Value};
use super::{PickleError, ops};

/// Index of a node.
pub(super) type Id = u32;

/// What a sequence node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    List,
    Tuple,
    Set,
    FrozenSet,
    /// Keys and values in turn.
    Dict,
}

pub(super) enum Node {
    Leaf(Value),
    Seq(Kind, Vec<Id>),
    Object(Box<ObjectNode>),
}

pub(super) struct ObjectNode {
    pub callable: Id,
    pub args: Id,
    /// `Some` for `NEWOBJ_EX`.
    pub kwargs: Option<Id>,
    pub reduce: bool,
    pub items: Vec<Id>,
    pub pairs: Vec<Id>,
    pub added: Vec<Id>,
    pub state: Option<Id>,
}

pub(super) struct Slot {
    pub node: Node,
    /// Taken from the memo (or duplicated) at least once: it may have several parents.
    pub fetched: bool,
}

/// The result of a run.
pub(super) struct Arena {
    pub slots: Vec<Slot>,
    pub root: Id,
    /// Why a tree of it would not be exact.
    pub inexact: Option<&'static str>,
}

const NONE: Id = 0;
const TRUE: Id = 1;
const FALSE: Id = 2;
const EMPTY_TUPLE: Id = 3;
/// How far beyond the end of the memo an explicit index may be; picklers count up.
const MEMO_GAP: usize = 16;

struct Machine<'a> {
    input: &'a Bytes,
    pos: usize,
    slots: Vec<Slot>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: Vec<Id>,
    protocol: u8,
    inexact: Option<&'static str>,
}

/// Runs a pickle to its `STOP`.
pub(super) fn run(input: &Bytes) -> Result<Arena, PickleError> {
    if u32::try_from(input.len()).is_err() {
        return Err(PickleError::Unsupported("more than 4 GiB"));
    }
    let mut machine = Machine {
        input,
        pos: 0,
        slots: Vec::with_capacity((input.len() / 8).clamp(8, 4096)),
        stack: Vec::with_capacity(32),
        marks: Vec::with_capacity(16),
        memo: Vec::with_capacity((input.len() / 16).clamp(8, 1024)),
        protocol: 0,
        inexact: None,
    };
    for value in [Value::None, Value::Bool(true), Value::Bool(false)] {
        machine.slots.push(Slot { node: Node::Leaf(value), fetched: false });
    }
    machine.slots.push(Slot { node: Node::Seq(Kind::Tuple, Vec::new()), fetched: true });
    loop {
        let op = machine.byte()?;
        if op == ops::STOP {
            let root = machine.pop()?;
            return Ok(Arena { slots: machine.slots, root, inexact: machine.inexact });
        }
        machine.step(op)?;
    }
}

impl Machine<'_> {
    fn byte(&mut self) -> Result<u8, PickleError> {
        let byte = *self.input.get(self.pos).ok_or(PickleError::Truncated)?;
        self.pos += 1;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let bytes = self.input.get(self.pos..).and_then(|rest| rest.first_chunk::<N>());
        self.pos += N;
        bytes.copied().ok_or(PickleError::Truncated)
    }

    fn len4(&mut self) -> Result<usize, PickleError> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn len8(&mut self) -> Result<usize, PickleError> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| PickleError::Truncated)
    }

    fn take(&mut self, len: usize) -> Result<Bytes, PickleError> {
        let end = self.pos.checked_add(len).filter(|end| *end <= self.input.len());
        let end = end.ok_or(PickleError::Truncated)?;
        let bytes = self.input.slice(self.pos..end);
        self.pos = end;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<Text, PickleError> {
        let rest = self.input.get(self.pos..).unwrap_or_default();
        let len = rest.iter().position(|byte| *byte == b'\n').ok_or(PickleError::Truncated)?;
        let line = self.take(len)?;
        self.pos += 1;
        Text::from_bytes(line).ok_or(PickleError::Malformed("a name is not UTF-8"))
    }

    fn add(&mut self, node: Node) -> Id {
        let id = self.slots.len() as Id;
        self.slots.push(Slot { node, fetched: false });
        id
    }

    fn push(&mut self, node: Node) {
        let id = self.add(node);
        self.stack.push(id);
    }

    fn push_value(&mut self, value: Value) {
        self.push(Node::Leaf(value));
    }

    fn push_str(&mut self, len: usize) -> Result<(), PickleError> {
        let bytes = self.take(len)?;
        let text = Text::from_bytes(bytes).ok_or(PickleError::Malformed("a string is not UTF-8"))?;
        self.push_value(Value::Str(text));
        Ok(())
    }

    /// The bottom of what may be popped: the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        if self.stack.len() <= self.floor() {
            return Err(PickleError::Malformed("the stack is empty"));
        }
        self.stack.pop().ok_or(PickleError::Malformed("the stack is empty"))
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let mark = self.marks.pop().ok_or(PickleError::Malformed("no mark"))?;
        if mark > self.stack.len() {
            return Err(PickleError::Malformed("no mark"));
        }
        Ok(self.stack.split_off(mark))
    }

    fn top(&self) -> Result<Id, PickleError> {
        if self.stack.len() <= self.floor() {
            return Err(PickleError::Malformed("the stack is empty"));
        }
        self.stack.last().copied().ok_or(PickleError::Malformed("the stack is empty"))
    }

    fn slot(&mut self, id: Id) -> Result<&mut Slot, PickleError> {
        self.slots.get_mut(id as usize).ok_or(PickleError::Malformed("no such node"))
    }

    fn put(&mut self, index: usize) -> Result<(), PickleError> {
        let id = self.top()?;
        if index >= self.memo.len() {
            if index > self.memo.len() + MEMO_GAP {
                return Err(PickleError::Malformed("memo index out of order"));
            }
            self.memo.resize(index + 1, Id::MAX);
        }
        self.memo[index] = id;
        Ok(())
    }

    fn get(&mut self, index: usize) -> Result<(), PickleError> {
        let id = self.memo.get(index).copied().filter(|id| *id != Id::MAX);
        let id = id.ok_or(PickleError::Malformed("no such memo entry"))?;
        self.slot(id)?.fetched = true;
        self.stack.push(id);
        Ok(())
    }

    fn global(&mut self, module: Text, name: Text) {
        // Protocol 2 writes the names of Python 2; a pickle re-emitted in protocol 5 would lose their meaning.
        if self.protocol < 3 {
            self.inexact.get_or_insert("names of Python 2");
        }
        self.push_value(Value::Global(Arc::new(Global { module, name })));
    }

    fn tuple(&mut self, len: usize) -> Result<(), PickleError> {
        if self.stack.len() < self.floor() + len {
            return Err(PickleError::Malformed("the stack is empty"));
        }
        let items = self.stack.split_off(self.stack.len() - len);
        self.push(Node::Seq(Kind::Tuple, items));
        Ok(())
    }

    fn make(&mut self, callable: Id, args: Id, kwargs: Option<Id>, reduce: bool) -> Result<(), PickleError> {
        if !matches!(self.slot(args)?.node, Node::Seq(Kind::Tuple, _)) {
            return Err(PickleError::Unsupported("arguments that are no tuple"));
        }
        if let Some(kwargs) = kwargs
            && !matches!(self.slot(kwargs)?.node, Node::Seq(Kind::Dict, _))
        {
            return Err(PickleError::Unsupported("keyword arguments that are no dict"));
        }
        self.push(Node::Object(Box::new(ObjectNode {
            callable,
            args,
            kwargs,
            reduce,
            items: Vec::new(),
            pairs: Vec::new(),
            added: Vec::new(),
            state: None,
        })));
        Ok(())
    }

    fn fill(&mut self, op: u8, mut more: Vec<Id>) -> Result<(), PickleError> {
        let target = self.top()?;
        let mut early = false;
        match (&mut self.slot(target)?.node, op) {
            (Node::Seq(Kind::List, items), ops::APPENDS)
            | (Node::Seq(Kind::Dict, items), ops::SETITEMS)
            | (Node::Seq(Kind::Set, items), ops::ADDITEMS) => items.append(&mut more),
            (Node::Object(object), _) => {
                // The writer fills in a fixed order; anything else would not be the same program.
                early = object.state.is_some()
                    || (op == ops::APPENDS && !(object.pairs.is_empty() && object.added.is_empty()))
                    || (op == ops::SETITEMS && !object.added.is_empty());
                match op {
                    ops::APPENDS => object.items.append(&mut more),
                    ops::SETITEMS => object.pairs.append(&mut more),
                    _ => object.added.append(&mut more),
                }
            }
            _ => return Err(PickleError::Malformed("filling something that is no container")),
        }
        if early {
            self.inexact.get_or_insert("filled in an unusual order");
        }
        Ok(())
    }

    fn build(&mut self) -> Result<(), PickleError> {
        let state = self.pop()?;
        let target = self.top()?;
        let again = match &mut self.slot(target)?.node {
            Node::Object(object) => object.state.replace(state).is_some(),
            _ => return Err(PickleError::Unsupported("state for something that is no instance")),
        };
        if again {
            self.inexact.get_or_insert("state set twice");
        }
        Ok(())
    }

    /// What is thrown away may still have had an effect (a state setter).
    fn discard(&mut self, ids: &[Id]) -> Result<(), PickleError> {
        for id in ids {
            if matches!(self.slot(*id)?.node, Node::Object(_)) {
                self.inexact.get_or_insert("a call for its effect");
            }
        }
        Ok(())
    }

    fn step(&mut self, op: u8) -> Result<(), PickleError> {
        match op {
            ops::PROTO => {
                self.protocol = self.byte()?;
                if !(2..=5).contains(&self.protocol) {
                    return Err(PickleError::Unsupported("this protocol"));
                }
            }
            // Frames only help buffering; a wrong length harms nobody who has all bytes at hand.
            ops::FRAME => {
                self.array::<8>()?;
            }
            ops::MARK => self.marks.push(self.stack.len()),
            ops::NONE => self.stack.push(NONE),
            ops::NEWTRUE => self.stack.push(TRUE),
            ops::NEWFALSE => self.stack.push(FALSE),
            ops::BININT => {
                let number = i32::from_le_bytes(self.array()?);
                self.push_value(Value::Int(number.into()));
            }
            ops::BININT1 => {
                let number = self.byte()?;
                self.push_value(Value::Int(number.into()));
            }
            ops::BININT2 => {
                let number = u16::from_le_bytes(self.array()?);
                self.push_value(Value::Int(number.into()));
            }
            ops::LONG1 | ops::LONG4 => {
                let len = if op == ops::LONG1 { usize::from(self.byte()?) } else { self.len4()? };
                let bytes = self.take(len)?;
                self.push_value(Value::int_from_le(&bytes));
            }
            ops::BINFLOAT => {
                let number = f64::from_be_bytes(self.array()?);
                self.push_value(Value::Float(number));
            }
            ops::SHORT_BINUNICODE => {
                let len = self.byte()?.into();
                self.push_str(len)?;
            }
            ops::BINUNICODE => {
                let len = self.len4()?;
                self.push_str(len)?;
            }
            ops::BINUNICODE8 => {
                let len = self.len8()?;
                self.push_str(len)?;
            }
            ops::SHORT_BINBYTES | ops::BINBYTES | ops::BINBYTES8 => {
                let len = match op {
                    ops::SHORT_BINBYTES => self.byte()?.into(),
                    ops::BINBYTES => self.len4()?,
                    _ => self.len8()?,
                };
                let bytes = self.take(len)?;
                self.push_value(Value::Bytes(bytes));
            }
            ops::BYTEARRAY8 => {
                let len = self.len8()?;
                let bytes = self.take(len)?;
                self.push_value(Value::ByteArray(bytes));
            }
            ops::EMPTY_LIST => self.push(Node::Seq(Kind::List, Vec::new())),
            ops::EMPTY_DICT => self.push(Node::Seq(Kind::Dict, Vec::new())),
            ops::EMPTY_SET => self.push(Node::Seq(Kind::Set, Vec::new())),
            ops::EMPTY_TUPLE => self.stack.push(EMPTY_TUPLE),
            ops::TUPLE1 => self.tuple(1)?,
            ops::TUPLE2 => self.tuple(2)?,
            ops::TUPLE3 => self.tuple(3)?,
            ops::TUPLE | ops::FROZENSET | ops::LIST => {
                let items = self.pop_mark()?;
                let kind = match op {
                    ops::TUPLE => Kind::Tuple,
                    ops::LIST => Kind::List,
                    _ => Kind::FrozenSet,
                };
                self.push(Node::Seq(kind, items));
            }
            ops::DICT | ops::SETITEMS => {
                let items = self.pop_mark()?;
                if items.len() % 2 == 1 {
                    return Err(PickleError::Malformed("a key without a value"));
                }
                if op == ops::DICT {
                    self.push(Node::Seq(Kind::Dict, items));
                } else {
                    self.fill(op, items)?;
                }
            }
            ops::APPENDS | ops::ADDITEMS => {
                let items = self.pop_mark()?;
                self.fill(op, items)?;
            }
            ops::APPEND => {
                let item = self.pop()?;
                self.fill(ops::APPENDS, vec![item])?;
            }
            ops::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.fill(ops::SETITEMS, vec![key, value])?;
            }
            ops::MEMOIZE => self.put(self.memo.len())?,
            ops::BINPUT => {
                let index = self.byte()?.into();
                self.put(index)?;
            }
            ops::LONG_BINPUT => {
                let index = self.len4()?;
                self.put(index)?;
            }
            ops::BINGET => {
                let index = self.byte()?.into();
                self.get(index)?;
            }
            ops::LONG_BINGET => {
                let index = self.len4()?;
                self.get(index)?;
            }
            ops::GLOBAL => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(module, name);
            }
            ops::STACK_GLOBAL => {
                let name = self.pop()?;
                let module = self.pop()?;
                match (self.text(module), self.text(name)) {
                    (Some(module), Some(name)) => self.global(module, name),
                    _ => return Err(PickleError::Malformed("a name that is no string")),
                }
            }
            ops::REDUCE | ops::NEWOBJ => {
                let args = self.pop()?;
                let callable = self.pop()?;
                self.make(callable, args, None, op == ops::REDUCE)?;
            }
            ops::NEWOBJ_EX => {
                let kwargs = self.pop()?;
                let args = self.pop()?;
                let callable = self.pop()?;
                self.make(callable, args, Some(kwargs), false)?;
            }
            ops::BUILD => self.build()?,
            ops::DUP => {
                let id = self.top()?;
                self.slot(id)?.fetched = true;
                self.stack.push(id);
            }
            // Like Python's: with nothing above the mark, `POP` takes the mark itself.
            ops::POP if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
            }
            ops::POP => {
                let id = self.pop()?;
                self.discard(&[id])?;
            }
            ops::POP_MARK => {
                let ids = self.pop_mark()?;
                self.discard(&ids)?;
            }
            other => return Err(PickleError::Opcode(other)),
        }
        Ok(())
    }

    fn text(&self, id: Id) -> Option<Text> {
        match self.slots.get(id as usize).map(|slot| &slot.node) {
            Some(Node::Leaf(Value::Str(text))) => Some(text.clone()),
            _ => None,
        }
    }
}
