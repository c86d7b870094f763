//! How much the answers of a golden's executed calls differ anyway, kept in the file so that a machine without the store
//! can tell noise from a change.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Calls, Golden};
use crate::diff::tree::{Cause, Merged, Role};
use crate::diff::value::{Spread, distance};
use crate::engine::explain::noise::{Answers, ENOUGH, Judged, Noise, words};
use crate::find::StoreNodes;
use crate::model::{Call, RunHistory, path};
use crate::store::Store;
use crate::value::lazy::Reader;

/// How much the answers to a call's question differed when the golden was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Answers that were compared.
    pub answers: usize,
    /// How many of them were samples.
    pub samples: usize,
    /// The part of them that gave the most frequent one.
    pub agreement: f64,
    /// How much two of them differed at most, from 0 to 1.
    pub differ: f64,
}

/// The noise of a call: of one with [`ENOUGH`] answers that are not all equal.
pub(super) fn measure(answers: &mut Answers<'_>, run: &RunHistory, call: &Call) -> Option<Measured> {
    let found = answers.of(run, call);
    let texts: Vec<String> = found.iter().map(|answer| answer.text.clone()).collect();
    let spread = Spread::of(&texts);
    if texts.len() < ENOUGH || spread.radius() == 0.0 {
        return None;
    }
    Some(Measured {
        answers: texts.len(),
        samples: found.iter().filter(|answer| answer.sample).count(),
        agreement: short(spread.agreement()),
        // Rounded up: what was seen is within it.
        differ: short(spread.radius() + 0.00005),
    })
}

/// How noisy which calls of a golden are, by path.
pub type Noisy = BTreeMap<String, Measured>;

impl Golden<Calls<'_>> {
    /// Takes over what an older one knows of calls that are asked the same. `a` is the older one, `b` is this one.
    pub fn keep_noise(&mut self, older: &Golden<Noisy>, (a, b): (&RunHistory, &RunHistory)) {
        let asked = |run: &RunHistory| -> HashMap<String, _> {
            let digest = |call: &Call| call.input.as_ref().map(|input| input.digest);
            run.calls.iter().map(|call| (path::path(run, call.no), digest(call))).collect()
        };
        let mut noisy = older.calls.clone();
        if !noisy.is_empty() {
            let (then, now) = (asked(a), asked(b));
            noisy.retain(|call, _| now.contains_key(call) && then.get(call) == now.get(call));
        }
        self.calls.knowing(noisy);
    }
}

impl Golden<Noisy> {
    /// What of a comparison with this golden is noise, after what executes by other code is marked so: code alone is no
    /// difference, but it explains one. `a` is the golden, `b` is `now`, both of `store`.
    pub fn judge(
        &self,
        now: &Golden<Calls<'_>>,
        store: &Store,
        merged: &mut Merged,
        (a, b): (&RunHistory, &RunHistory),
    ) -> Judged {
        if self.rules != now.rules {
            return Judged::default();
        }
        for row in 0..merged.pairs.len() {
            let pair = &merged.pairs[row];
            let function = pair.a.and(pair.b).and_then(|no| b.call(no)).map(|call| &call.function);
            let codes = function.and_then(|name| self.executed.get(name).zip(now.executed.get(name)));
            if pair.is_different() && codes.is_some_and(|(then, now)| then != now) {
                merged.pairs[row].differs.code = true;
            }
        }
        merged.judge(a, b);
        let mut measured = HashMap::new();
        let source = StoreNodes(store);
        let reader = Reader::new(&source);
        for row in merged.causes().filter(|row| merged.pairs[*row].role == Role::Cause(Cause::Noise)) {
            let pair = &merged.pairs[row];
            let both = pair.a.and_then(|no| a.call(no)).zip(pair.b.and_then(|no| b.call(no)));
            let Some((old, new)) = both else { continue };
            let Some(noise) = self.calls.get(&path::path(a, old.no)) else { continue };
            let text = |call: &Call| words(&reader, call.output.as_ref()?).ok();
            let Some((old, new)) = text(old).zip(text(new)) else { continue };
            let apart = distance(&old, &new);
            measured.insert(
                row,
                Noise {
                    samples: noise.answers,
                    sampled: noise.samples,
                    agreement: noise.agreement,
                    radius: noise.differ,
                    distance: apart,
                    within: apart <= noise.differ,
                },
            );
        }
        Judged::new(measured, 0, merged, a, b)
    }
}

/// With four digits behind the point.
fn short(part: f64) -> f64 {
    (part * 10_000.0).round() / 10_000.0
}
