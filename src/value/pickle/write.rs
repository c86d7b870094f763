//! Writes a value tree as a pickle of protocol 5 that Python loads to an equal object.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;

use super::super::tree::{Global, Make, Object, Text, Value};
use super::{MAX_DEPTH, PickleError, ops};

/// Elements per batch, as Python's pickler has it: a class sees its `extend` called alike.
const BATCH: usize = 1000;
/// Longer strings are looked up by where they lie, not by content: hashing them takes longer than writing them twice.
const HASHED: usize = 256;

#[derive(PartialEq, Eq, Hash)]
enum Key<'v> {
    Content(&'v [u8]),
    Place(usize, usize),
    Global(&'v [u8], &'v [u8]),
}

struct Writer<'v> {
    out: Vec<u8>,
    memo: HashMap<Key<'v>, u32>,
    memoized: u32,
}

/// The pickle of a value. Strings and globals that repeat are written once. Fails only for a value that holds
/// [`Value::Opaque`] or nests deeper than any that was read.
pub fn to_pickle(value: &Value) -> Result<Bytes, PickleError> {
    let mut writer = Writer { out: Vec::with_capacity(estimate(value)), memo: HashMap::new(), memoized: 0 };
    if let Value::Raw(pickle) = value {
        return Ok(pickle.clone());
    }
    writer.out.extend_from_slice(&[ops::PROTO, 5]);
    writer.value(value, 0)?;
    writer.out.push(ops::STOP);
    Ok(Bytes::from(writer.out))
}

/// Room for the largest leaf near the top, so that it is copied once.
fn estimate(value: &Value) -> usize {
    let leaf = |value: &Value| match value {
        Value::Str(text) => text.bytes().len() + 16,
        Value::Bytes(bytes) | Value::ByteArray(bytes) => bytes.len() + 16,
        _ => 16,
    };
    let inner: usize = match value {
        Value::Dict(pairs) => pairs.iter().take(64).map(|(k, v)| leaf(k) + leaf(v)).sum(),
        Value::List(items) | Value::Tuple(items) => items.iter().take(64).map(leaf).sum(),
        _ => leaf(value),
    };
    inner + 64
}

impl<'v> Writer<'v> {
    /// Whether it was written before; then only a reference is written now.
    fn recall(&mut self, key: Key<'v>) -> bool {
        match self.memo.entry(key) {
            Entry::Occupied(entry) => {
                let index = *entry.get();
                match u8::try_from(index) {
                    Ok(short) => self.out.extend_from_slice(&[ops::BINGET, short]),
                    Err(_) => {
                        self.out.push(ops::LONG_BINGET);
                        self.out.extend_from_slice(&index.to_le_bytes());
                    }
                }
                true
            }
            Entry::Vacant(entry) => {
                entry.insert(self.memoized);
                false
            }
        }
    }

    fn memoize(&mut self) {
        self.out.push(ops::MEMOIZE);
        self.memoized += 1;
    }

    fn sized(&mut self, short: u8, long: u8, huge: u8, bytes: &[u8]) {
        match (u8::try_from(bytes.len()), u32::try_from(bytes.len())) {
            (Ok(len), _) => self.out.extend_from_slice(&[short, len]),
            (_, Ok(len)) => {
                self.out.push(long);
                self.out.extend_from_slice(&len.to_le_bytes());
            }
            _ => {
                self.out.push(huge);
                self.out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            }
        }
        self.out.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &'v Text) {
        let bytes: &'v [u8] = text.bytes();
        let known = match bytes.len() {
            0..=1 => {
                self.sized(ops::SHORT_BINUNICODE, ops::BINUNICODE, ops::BINUNICODE8, bytes);
                return;
            }
            2..=HASHED => self.recall(Key::Content(bytes)),
            len => self.recall(Key::Place(bytes.as_ptr() as usize, len)),
        };
        if !known {
            self.sized(ops::SHORT_BINUNICODE, ops::BINUNICODE, ops::BINUNICODE8, bytes);
            self.memoize();
        }
    }

    fn int(&mut self, number: i64) {
        if let Ok(small) = u8::try_from(number) {
            self.out.extend_from_slice(&[ops::BININT1, small]);
        } else if let Ok(small) = u16::try_from(number) {
            self.out.push(ops::BININT2);
            self.out.extend_from_slice(&small.to_le_bytes());
        } else if let Ok(small) = i32::try_from(number) {
            self.out.push(ops::BININT);
            self.out.extend_from_slice(&small.to_le_bytes());
        } else {
            self.out.extend_from_slice(&[ops::LONG1, 8]);
            self.out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn global(&mut self, global: &'v Global) {
        if self.recall(Key::Global(global.module.bytes(), global.name.bytes())) {
            return;
        }
        // The strings take memo places of their own, before the global does.
        let place = Key::Global(global.module.bytes(), global.name.bytes());
        self.memo.remove(&place);
        self.text(&global.module);
        self.text(&global.name);
        self.out.push(ops::STACK_GLOBAL);
        self.memo.insert(place, self.memoized);
        self.memoize();
    }

    fn batches(&mut self, items: &'v [Value], one: u8, many: u8, depth: usize) -> Result<(), PickleError> {
        for batch in items.chunks(BATCH) {
            if let [item] = batch
                && one != 0
            {
                self.value(item, depth)?;
                self.out.push(one);
                continue;
            }
            self.out.push(ops::MARK);
            for item in batch {
                self.value(item, depth)?;
            }
            self.out.push(many);
        }
        Ok(())
    }

    fn pairs(&mut self, pairs: &'v [(Value, Value)], depth: usize) -> Result<(), PickleError> {
        for batch in pairs.chunks(BATCH) {
            let single = batch.len() == 1;
            if !single {
                self.out.push(ops::MARK);
            }
            for (key, value) in batch {
                self.value(key, depth)?;
                self.value(value, depth)?;
            }
            self.out.push(if single { ops::SETITEM } else { ops::SETITEMS });
        }
        Ok(())
    }

    fn tuple(&mut self, items: &'v [Value], depth: usize) -> Result<(), PickleError> {
        let op = match items.len() {
            0 => ops::EMPTY_TUPLE,
            1 => ops::TUPLE1,
            2 => ops::TUPLE2,
            3 => ops::TUPLE3,
            _ => ops::TUPLE,
        };
        if op == ops::TUPLE {
            self.out.push(ops::MARK);
        }
        for item in items {
            self.value(item, depth)?;
        }
        self.out.push(op);
        Ok(())
    }

    fn object(&mut self, object: &'v Object, depth: usize) -> Result<(), PickleError> {
        match &object.make {
            Make::Reduce { callable, args } => {
                self.value(callable, depth)?;
                self.value(args, depth)?;
                self.out.push(ops::REDUCE);
            }
            Make::New { cls, args, kwargs } => {
                self.value(cls, depth)?;
                self.value(args, depth)?;
                match kwargs {
                    Some(kwargs) => {
                        self.value(kwargs, depth)?;
                        self.out.push(ops::NEWOBJ_EX);
                    }
                    None => self.out.push(ops::NEWOBJ),
                }
            }
        }
        self.batches(&object.items, ops::APPEND, ops::APPENDS, depth)?;
        self.pairs(&object.pairs, depth)?;
        self.batches(&object.added, 0, ops::ADDITEMS, depth)?;
        if let Some(state) = &object.state {
            self.value(state, depth)?;
            self.out.push(ops::BUILD);
        }
        Ok(())
    }

    fn value(&mut self, value: &'v Value, depth: usize) -> Result<(), PickleError> {
        // A little more than what is read, for the dict that arguments are gathered in.
        if depth > MAX_DEPTH + 8 {
            return Err(PickleError::TooDeep);
        }
        let below = depth + 1;
        match value {
            Value::None => self.out.push(ops::NONE),
            Value::Bool(flag) => self.out.push(if *flag { ops::NEWTRUE } else { ops::NEWFALSE }),
            Value::Int(number) => self.int(*number),
            Value::BigInt(bytes) => match u8::try_from(bytes.len()) {
                Ok(len) => {
                    self.out.extend_from_slice(&[ops::LONG1, len]);
                    self.out.extend_from_slice(bytes);
                }
                Err(_) => {
                    let len =
                        u32::try_from(bytes.len()).map_err(|_| PickleError::Unsupported("an integer"))?;
                    self.out.push(ops::LONG4);
                    self.out.extend_from_slice(&len.to_le_bytes());
                    self.out.extend_from_slice(bytes);
                }
            },
            Value::Float(number) => {
                self.out.push(ops::BINFLOAT);
                self.out.extend_from_slice(&number.to_be_bytes());
            }
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => self.sized(ops::SHORT_BINBYTES, ops::BINBYTES, ops::BINBYTES8, bytes),
            Value::ByteArray(bytes) => {
                self.out.push(ops::BYTEARRAY8);
                self.out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                self.out.extend_from_slice(bytes);
            }
            Value::List(items) => {
                self.out.push(ops::EMPTY_LIST);
                self.batches(items, ops::APPEND, ops::APPENDS, below)?;
            }
            Value::Tuple(items) => self.tuple(items, below)?,
            Value::Dict(pairs) => {
                self.out.push(ops::EMPTY_DICT);
                self.pairs(pairs, below)?;
            }
            Value::Set(items) => {
                self.out.push(ops::EMPTY_SET);
                self.batches(items, 0, ops::ADDITEMS, below)?;
            }
            Value::FrozenSet(items) => {
                self.out.push(ops::MARK);
                for item in items.iter() {
                    self.value(item, below)?;
                }
                self.out.push(ops::FROZENSET);
            }
            Value::Global(global) => self.global(global),
            Value::Object(object) => self.object(object, below)?,
            Value::Raw(pickle) => {
                // Its memo is its own, so it is loaded as a pickle of its own.
                self.sized(ops::SHORT_BINUNICODE, ops::BINUNICODE, ops::BINUNICODE8, b"pickle");
                self.sized(ops::SHORT_BINUNICODE, ops::BINUNICODE, ops::BINUNICODE8, b"loads");
                self.out.push(ops::STACK_GLOBAL);
                self.sized(ops::SHORT_BINBYTES, ops::BINBYTES, ops::BINBYTES8, pickle);
                self.out.extend_from_slice(&[ops::TUPLE1, ops::REDUCE]);
            }
            Value::Opaque(_) => return Err(PickleError::Unsupported("a value that was not read exactly")),
        }
        Ok(())
    }
}
