//! Segments of the event log and the chain that holds them together. Pure functions.
//!
//! A segment is what one commit appended to one run: MessagePack of `[base time, [[time - base, kind], ...]]`,
//! compressed when that pays. Each carries 16 bytes of
//! blake3(previous digest, run, first sequence number, count, stored bytes), so that a segment which was
//! changed, removed, swapped or moved to another run breaks the chain at that point. The end of the chain is
//! kept a second time in `heads` (see `heads.rs`).

use serde::{Deserialize, Serialize};

use crate::base::clock::Micros;
use crate::base::ids::RunId;
use crate::model::event::{Event, EventKind};

/// One link of a run's chain.
pub type Link = [u8; 16];

/// The link before the first segment.
pub const START: Link = [0; 16];

/// Below this a segment is stored as it is: compression would save a hundred bytes of digests and short names, and takes
/// a tenth of the commit's time.
const COMPRESS_FROM: usize = 1_024;
/// The largest segment that a reader unpacks; a writer never makes larger ones compressed.
const UNPACK_LIMIT: usize = 256 << 20;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// The link of a segment that follows `previous`.
pub fn link(previous: &Link, run: &RunId, first_seq: u64, n: u64, data: &[u8]) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous);
    hasher.update(&(run.as_str().len() as u64).to_le_bytes());
    hasher.update(run.as_str().as_bytes());
    hasher.update(&first_seq.to_le_bytes());
    hasher.update(&n.to_le_bytes());
    hasher.update(data);
    let mut out = START;
    out.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    out
}

#[derive(Serialize)]
struct Packed<'a>(Micros, Vec<(i64, &'a EventKind)>);

#[derive(Deserialize)]
struct Unpacked(Micros, Vec<(i64, EventKind)>);

/// The stored bytes of consecutive events.
pub fn encode<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Vec<u8>, String> {
    let mut base = None;
    let relative = events.into_iter().map(|event| {
        let base = *base.get_or_insert(event.at);
        (event.at.wrapping_sub(base), &event.kind)
    });
    let kinds = relative.collect();
    let packed = Packed(base.unwrap_or(0), kinds);
    let mut plain = vec![PLAIN];
    rmp_serde::encode::write(&mut plain, &packed).map_err(|e| e.to_string())?;
    if plain.len() >= COMPRESS_FROM
        && plain.len() < UNPACK_LIMIT
        && let Some(small) = super::nodes::squeeze(&plain[1..])
    {
        let mut out = Vec::with_capacity(small.len() + 1);
        out.push(ZSTD);
        out.extend_from_slice(&small);
        return Ok(out);
    }
    Ok(plain)
}

/// The events of a segment whose link was verified before.
pub fn decode(first_seq: u64, n: u64, data: &[u8]) -> Result<Vec<Event>, String> {
    let (codec, body) = data.split_first().ok_or("an empty segment")?;
    let unpacked: Unpacked = match *codec {
        PLAIN => rmp_serde::from_slice(body).map_err(|e| e.to_string())?,
        ZSTD => {
            let plain = super::nodes::unsqueeze(body, UNPACK_LIMIT)?;
            rmp_serde::from_slice(&plain).map_err(|e| e.to_string())?
        }
        other => return Err(format!("segment codec {other} is not known")),
    };
    let Unpacked(base, kinds) = unpacked;
    if kinds.len() as u64 != n {
        return Err(format!("{} events where {n} were announced", kinds.len()));
    }
    Ok(kinds
        .into_iter()
        .zip(first_seq..)
        .map(|((after, kind), seq)| Event { seq, at: base.wrapping_add(after), kind })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Stream;
    use proptest::prelude::*;

    fn log(seq: u64, at: Micros, text: String) -> Event {
        Event { seq, at, kind: EventKind::Log { no: 1, stream: Stream::Stdout, text } }
    }

    proptest! {
        #[test]
        fn segments_round_trip(
            first in 1u64..1 << 40,
            items in proptest::collection::vec((any::<i64>(), ".{0,300}"), 1..12),
        ) {
            let events: Vec<Event> =
                items.into_iter().zip(first..).map(|((at, text), seq)| log(seq, at, text)).collect();
            let data = encode(&events).unwrap();
            prop_assert_eq!(decode(first, events.len() as u64, &data).unwrap(), events);
        }

        #[test]
        fn a_link_depends_on_every_byte(
            mut data in proptest::collection::vec(any::<u8>(), 1..200),
            at in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let run = RunId::from_text("0123456789ab");
            let before = link(&START, &run, 7, 3, &data);
            prop_assert_ne!(before, link(&START, &run, 8, 3, &data));
            prop_assert_ne!(before, link(&START, &run, 7, 2, &data));
            prop_assert_ne!(before, link(&[1; 16], &run, 7, 3, &data));
            let at = at.index(data.len());
            data[at] ^= 1 << bit;
            prop_assert_ne!(before, link(&START, &run, 7, 3, &data));
        }

        #[test]
        fn rubbish_never_panics(data in proptest::collection::vec(any::<u8>(), 0..300), n in 0u64..5) {
            let _ = decode(1, n, &data);
        }
    }
}
