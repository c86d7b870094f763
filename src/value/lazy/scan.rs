//! Stepping over encoded values without decoding them.

use super::super::store::format::*;

/// Steps over one value. Entries follow each other without closing marks: only how many are still to come counts.
pub(super) fn skip(cursor: &mut Cursor<'_>) -> Option<()> {
    let mut due: u64 = 1;
    while due > 0 {
        due -= 1;
        match cursor.byte()? {
            NONE | FALSE | TRUE => {}
            INT => {
                cursor.number()?;
            }
            FLOAT => {
                cursor.take(8)?;
            }
            STR | BYTES | BYTE_ARRAY | BIG_INT | RAW => sized(cursor)?,
            GLOBAL => {
                sized(cursor)?;
                sized(cursor)?;
            }
            LIST | TUPLE | SET | FROZEN_SET => due = due.checked_add(counted(cursor)?)?,
            DICT => due = due.checked_add(counted(cursor)?.checked_mul(2)?)?,
            OBJECT => due = due.checked_add(parts(cursor.byte()?))?,
            REF => {
                cursor.digest()?;
            }
            TREE | SPLIT => {
                cursor.byte()?;
                cursor.number()?;
                let digests = counted(cursor)?;
                cursor.take(usize::try_from(digests.checked_mul(32)?).ok()?)?;
            }
            _ => return None,
        }
        // Each value takes a byte at least.
        if due > cursor.left() as u64 {
            return None;
        }
    }
    Some(())
}

fn sized(cursor: &mut Cursor<'_>) -> Option<()> {
    let len = cursor.len()?;
    cursor.take(len).map(|_| ())
}

fn counted(cursor: &mut Cursor<'_>) -> Option<u64> {
    cursor.number().filter(|count| *count <= cursor.left() as u64)
}

/// Values that make up an object with these flags.
fn parts(flags: u8) -> u64 {
    2 + u64::from((flags & !IS_NEW).count_ones())
}

/// How many values stand from here to the node's end.
pub(super) fn count_rest(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut count = 0;
    while cursor.left() > 0 {
        skip(cursor)?;
        count += 1;
    }
    Some(count)
}

/// Where the parts of an object begin: which they are, and their positions.
pub(super) struct Parts {
    pub flags: u8,
    /// Callable, arguments, and the others in the order of their flags.
    pub at: Vec<usize>,
}

/// The parts of the object that begins after its tag.
pub(super) fn object(cursor: &mut Cursor<'_>) -> Option<Parts> {
    let flags = cursor.byte()?;
    let mut at = Vec::with_capacity(8);
    for _ in 0..parts(flags) {
        at.push(cursor.pos);
        skip(cursor)?;
    }
    Some(Parts { flags, at })
}

impl Parts {
    /// The position of the part that a flag announces.
    pub(super) fn of(&self, flag: u8) -> Option<usize> {
        if self.flags & flag == 0 {
            return None;
        }
        let before = [HAS_KWARGS, HAS_ITEMS, HAS_PAIRS, HAS_ADDED, HAS_STATE]
            .into_iter()
            .take_while(|other| *other != flag)
            .filter(|other| self.flags & other != 0);
        self.at.get(2 + before.count()).copied()
    }
}
