//! What a recorded call began with, so that it can be executed again by itself.

use super::core::Sampling;
use super::run::StartError;
use crate::base::ids::CallNo;
use crate::model::{EventKind, Origin, RunHistory, ValueRef};
use crate::store::{Store, StoreError};

/// Events that are read at once.
const WINDOW: usize = 10_000;

/// A call of a run, to be executed `count` times.
pub fn sampling(store: &Store, run: &RunHistory, no: CallNo, count: u32) -> Result<Sampling, StartError> {
    let refused = |why: &str| Err(StartError::Sample(why.to_owned()));
    let Some(call) = run.call(no) else { return refused("there is no such call") };
    if no == 1 {
        return refused(
            "the application itself is not sampled: run it again, or sample a call that it makes",
        );
    }
    if !call.is_call() {
        return refused("a map or reduce is not sampled as such: sample one of its calls");
    }
    let Some(input) = call.input.clone() else { return refused("its arguments are not recorded") };
    let of = call.origin.clone().unwrap_or(Origin { run: run.id.clone(), call: no });
    Ok(Sampling {
        state: state_before(store, &of)?,
        of,
        call: no,
        function: call.function.clone(),
        input,
        key: call.key,
        site: call.site.clone(),
        count,
    })
}

/// The request state that a call found when its body first began; when it never did, when it was asked for.
fn state_before(store: &Store, of: &Origin) -> Result<Vec<(String, ValueRef)>, StoreError> {
    let mut state: Vec<(String, ValueRef)> = Vec::new();
    let mut asked = None;
    let mut after = 0;
    loop {
        let events = store.events(&of.run, after, WINDOW)?;
        let Some(last) = events.last() else { break };
        after = last.seq;
        for event in events {
            match event.kind {
                EventKind::CallStarted { no, .. } if no == of.call => return Ok(state),
                EventKind::CallAsked(call) if call.no == of.call => asked = Some(state.clone()),
                EventKind::StateSet { key, value, .. } => match state.iter_mut().find(|(k, _)| *k == key) {
                    Some(held) => held.1 = value,
                    None => state.push((key, value)),
                },
                _ => {}
            }
        }
    }
    Ok(asked.unwrap_or_default())
}
