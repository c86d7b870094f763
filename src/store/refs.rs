//! Digests inside of nodes, kept as the numbers of the rows that they name. Pure functions.
//!
//! A list of messages is a node of references, 32 bytes each, and an agent sends it again with one more at every turn.
//! Inside of a store the row of what is referred to says the same in a byte or two: rows are numbered as they are
//! written, so the elements of a list that grew lie at even distances. What is stored is MessagePack of
//! `[[gap, step, count], ...]` and then the node without its references: `count` times, after `gap` more bytes of
//! the rest comes the digest of the row `step` rows on.
//!
//! Invariants: what is read back is what was cut, byte for byte, or an error; reading is total, and makes no more bytes
//! than were announced. A row that others refer to keeps its number: gc deletes nothing that a kept node reaches.

use bytes::Bytes;

use crate::base::digest::Digest;

const DIGEST: usize = 32;

/// Equal references in a row: bytes before each, rows from one to the next, how many.
type Run = (u32, i64, u32);

/// A node taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Cut {
    /// Bytes of the rest before each reference, and what it refers to.
    places: Vec<(u32, Digest)>,
    /// The node as it was.
    pub whole: Bytes,
}

impl Cut {
    /// Takes the references out of a node, and the bytes that are left. `None` when there are none, or they are not in it.
    pub fn new(whole: &Bytes, children: &[Digest]) -> Option<(Cut, Vec<u8>)> {
        let mut places = Vec::with_capacity(children.len());
        let mut rest = Vec::with_capacity(whole.len().checked_sub(DIGEST * children.len())?);
        let mut left = &whole[..];
        for child in children {
            let at = left.windows(DIGEST).position(|bytes| bytes == child.as_bytes())?;
            places.push((u32::try_from(at).ok()?, *child));
            rest.extend_from_slice(left.get(..at)?);
            left = left.get(at + DIGEST..)?;
        }
        rest.extend_from_slice(left);
        (!places.is_empty()).then(|| (Cut { places, whole: whole.clone() }, rest))
    }

    /// What is referred to, in order.
    pub fn children(&self) -> impl Iterator<Item = &Digest> {
        self.places.iter().map(|(_, child)| child)
    }

    /// The front of the stored form; the rest follows it. `rows`: those of the children, in order.
    pub fn front(&self, rows: &[i64]) -> Result<Vec<u8>, String> {
        let mut runs: Vec<Run> = Vec::new();
        let mut last = 0i64;
        for ((gap, _), row) in self.places.iter().zip(rows) {
            let step = row.wrapping_sub(last);
            last = *row;
            match runs.last_mut() {
                Some(run) if (run.0, run.1) == (*gap, step) => run.2 += 1,
                _ => runs.push((*gap, step, 1)),
            }
        }
        rmp_serde::to_vec(&runs).map_err(|error| error.to_string())
    }
}

/// A stored form in its two parts: the runs of references, and the rest.
pub(super) fn split(data: &[u8]) -> Result<(Vec<Run>, &[u8]), String> {
    let mut rest = data;
    let runs = rmp_serde::from_read(&mut rest).map_err(|error| error.to_string())?;
    Ok((runs, rest))
}

/// The node of `size` bytes, put together again.
pub(super) fn join(
    runs: &[Run],
    rest: &[u8],
    size: usize,
    mut digest_of: impl FnMut(i64) -> Result<Digest, String>,
) -> Result<Vec<u8>, String> {
    let short = || "its references do not fit it".to_owned();
    let refs = runs.iter().map(|run| u64::from(run.2)).sum::<u64>();
    if refs.saturating_mul(DIGEST as u64).saturating_add(rest.len() as u64) != size as u64 {
        return Err(short());
    }
    // What a damaged row announces is not believed before it is there.
    let mut out = Vec::with_capacity(size.min(1 << 20));
    let mut left = rest;
    let mut row = 0i64;
    for (gap, step, count) in runs {
        for _ in 0..*count {
            let (before, after) = left.split_at_checked(*gap as usize).ok_or_else(short)?;
            out.extend_from_slice(before);
            left = after;
            row = row.wrapping_add(*step);
            out.extend_from_slice(digest_of(row)?.as_bytes());
        }
    }
    out.extend_from_slice(left);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(row: i64) -> Digest {
        Digest::of(&row.to_le_bytes())
    }

    /// A node with references to these rows, each after some bytes.
    fn node(places: &[(Vec<u8>, i64)], end: &[u8]) -> (Bytes, Vec<Digest>, Vec<i64>) {
        let mut data = Vec::new();
        for (before, row) in places {
            data.extend_from_slice(before);
            data.extend_from_slice(digest(*row).as_bytes());
        }
        data.extend_from_slice(end);
        let rows: Vec<i64> = places.iter().map(|(_, row)| *row).collect();
        (data.into(), rows.iter().map(|row| digest(*row)).collect(), rows)
    }

    fn back(stored: &[u8], size: usize) -> Result<Vec<u8>, String> {
        let (runs, rest) = split(stored)?;
        join(&runs, rest, size, |row| Ok(digest(row)))
    }

    proptest! {
        #[test]
        fn what_was_cut_is_put_together_again(
            places in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..4), 1i64..1 << 40), 1..40),
            end in proptest::collection::vec(any::<u8>(), 0..50),
        ) {
            let (data, children, rows) = node(&places, &end);
            let (cut, rest) = Cut::new(&data, &children).unwrap();
            let mut stored = cut.front(&rows).unwrap();
            stored.extend_from_slice(&rest);
            prop_assert_eq!(back(&stored, data.len()).unwrap(), data.to_vec());
            prop_assert!(back(&stored, data.len() + 1).is_err());
        }

        #[test]
        fn rubbish_is_refused_and_makes_no_more_than_was_announced(
            stored in proptest::collection::vec(any::<u8>(), 0..80), size in 0usize..5_000,
        ) {
            if let Ok(data) = back(&stored, size) {
                prop_assert_eq!(data.len(), size);
            }
        }
    }

    #[test]
    fn a_list_that_grew_evenly_takes_a_few_bytes() {
        let places: Vec<(Vec<u8>, i64)> = (0..32).map(|at| (vec![16], 5 + 3 * at)).collect();
        let (data, children, rows) = node(&places, &[]);
        let (cut, rest) = Cut::new(&data, &children).unwrap();
        assert_eq!(data.len(), 32 * 33);
        assert!(cut.front(&rows).unwrap().len() + rest.len() < 48);
    }

    #[test]
    fn what_holds_no_references_is_not_cut() {
        let data = Bytes::from_static(b"some text that is longer than a digest is, and refers to nothing");
        assert_eq!(Cut::new(&data, &[]), None);
        assert_eq!(Cut::new(&data, &[digest(1)]), None);
        assert_eq!(Cut::new(&Bytes::from_static(b"short"), &[digest(1)]), None);
    }
}
