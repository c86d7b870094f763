//! A recorded run as a test: its answers are given again whatever the code is, and nothing that it does not know executes.

use std::collections::HashSet;

use super::{Hit, Replay, Wanted, origin_of, rank};
use crate::base::ids::CallNo;
use crate::model::ErrorInfo;

/// Which calls are answered from the recorded run.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Functions whose calls are; calls of others execute.
    pub functions: HashSet<String>,
    /// A call of such a function that the recorded run does not know executes.
    pub allow: bool,
}

/// What becomes of a call.
pub enum FromGolden {
    /// It gets the recorded output.
    Serve(Box<Hit>),
    /// It fails as it did.
    Fail(ErrorInfo),
    /// It executes.
    Execute,
    /// The recorded run has no answer: why.
    Unknown(String),
}

impl Replay {
    /// From now on calls are answered by these rules alone.
    pub fn set_golden(&mut self, answers: Option<Answers>) {
        self.golden = answers.map(|answers| (answers, rustc_hash::FxHashSet::default()));
    }

    /// Whether the replayed run is a test.
    pub fn is_golden(&self) -> bool {
        self.golden.is_some()
    }

    /// What a test says of a call; `None` when this is none.
    pub fn from_golden(&mut self, wanted: &Wanted<'_>) -> Option<FromGolden> {
        let (answers, used) = self.golden.as_ref()?;
        if !answers.functions.contains(wanted.function) {
            return Some(FromGolden::Execute);
        }
        let base = self.base.clone()?;
        let mut same: Vec<CallNo> = base
            .calls
            .iter()
            .filter(|call| call.is_call() && call.function == wanted.function && !used.contains(&call.no))
            .map(|call| call.no)
            .collect();
        let left = same.len();
        same.retain(|no| base.call(*no).is_some_and(|call| call.key == wanted.key));
        // Among equal questions the one of the same caller, then the first.
        same.sort_by_key(|no| rank(&base, *no, wanted));
        let Some(call) = same.first().and_then(|no| base.call(*no)) else {
            if answers.allow {
                return Some(FromGolden::Execute);
            }
            let name = wanted.function;
            let known = base.calls.iter().filter(|call| call.is_call() && call.function == name).count();
            return Some(FromGolden::Unknown(match (known, left) {
                (0, _) => format!("the golden has no call of {name}"),
                (_, 0) => {
                    format!("{name} is called more often than in the golden, which has {known} of its calls")
                }
                _ => format!("the golden has no call of {name} with these arguments"),
            }));
        };
        let found = match (self.hit(&base, call, origin_of(&base, call)), &call.error) {
            (Some(hit), _) => FromGolden::Serve(Box::new(hit)),
            (None, Some(error)) => FromGolden::Fail((**error).clone()),
            (None, None) => {
                FromGolden::Unknown(format!("the golden does not say how {} ended", wanted.function))
            }
        };
        if let Some((_, used)) = &mut self.golden {
            used.insert(call.no);
        }
        Some(found)
    }
}
