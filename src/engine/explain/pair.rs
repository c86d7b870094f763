//! Which recorded call stands beside a call, so that the two can be compared.

use super::{Matched, Records, values};
use crate::base::digest::Digest;
use crate::base::ids::CallNo;
use crate::model::{Call, RunHistory, path};

/// Calls of one function that are compared by their arguments.
const LOOKED_AT: usize = 64;

/// The call of `base` that `call` (of `run`) is to be compared with.
///
/// The same key wins, then the same durable id, then the same path, then the most similar arguments.
pub fn find(
    run: &RunHistory,
    call: &Call,
    base: &RunHistory,
    records: &dyn Records,
) -> Option<(CallNo, Matched)> {
    let alike = |other: &&Call| other.is_call() && other.function == call.function;
    let same_key: Vec<&Call> =
        base.calls.iter().filter(|other| other.is_call() && other.key == call.key).collect();
    let at_position = |other: &&&Call| placed(call) && other.durable_id == call.durable_id;
    if let Some(found) = same_key.iter().find(at_position).or(same_key.first()) {
        return Some((found.no, Matched::Key));
    }
    let same_place = |other: &&Call| placed(call) && other.durable && other.durable_id == call.durable_id;
    if let Some(found) = base.calls.iter().filter(alike).find(same_place) {
        return Some((found.no, Matched::Position));
    }
    let wanted = path::path(run, call.no);
    if let Some(found) = base.calls.iter().filter(alike).find(|other| path::path(base, other.no) == wanted) {
        return Some((found.no, Matched::Path));
    }
    let new = records.value(call.input.as_ref()?).ok()?;
    let near = base.calls.iter().filter(alike).take(LOOKED_AT).filter_map(|other| {
        let old = records.value(other.input.as_ref()?).ok()?;
        Some((values::distance(&old, &new), other.no))
    });
    // What shares nothing is not similar.
    let (distance, no) = near.min()?;
    (distance < values::MOST).then_some((no, Matched::Similar))
}

/// Whether a call has a place that the platform knows.
pub fn placed(call: &Call) -> bool {
    call.durable && call.durable_id != Digest::default()
}
