//! The samples of a call, from all runs that hold some.

use super::error::Result;
use super::open::Store;
use crate::base::ids::CallNo;
use crate::model::samples::{Sample, Samples, samples_in};
use crate::model::{Origin, Purpose, RunHistory};

/// Runs that are looked at together.
const WINDOW: usize = 500;

impl Store {
    /// A call of a run beside all samples of it, the oldest first. A call that was served has the samples of the call
    /// that executed it. Runs whose records are damaged are left out.
    pub fn samples(&self, run: &RunHistory, no: CallNo) -> Result<Samples> {
        let here = Origin { run: run.id.clone(), call: no };
        let call = run.call(no);
        let of = call.and_then(|call| call.origin.clone()).unwrap_or(here);
        let mut all: Vec<Sample> = call.map(|call| Sample::of(run, call, true)).into_iter().collect();
        let mut holding = Vec::new();
        let mut cursor = None;
        loop {
            let rows = self.runs(cursor, WINDOW)?;
            // A lost run has no place.
            let Some(last) = rows.iter().rfind(|row| row.cursor > 0) else { break };
            cursor = Some(last.cursor);
            let full = rows.len() >= WINDOW;
            let wanted =
                |purpose: &Purpose| matches!(purpose, Purpose::Samples { of: other, .. } if *other == of);
            let found = rows.into_iter().filter(|row| wanted(&row.summary.purpose) && row.damaged.is_none());
            holding.extend(found.map(|row| row.summary.id));
            if !full {
                break;
            }
        }
        for id in holding.iter().rev() {
            let found = self.history(id)?;
            if found.damage.is_none() {
                all.extend(samples_in(&found.history));
            }
        }
        Ok(Samples { of, all })
    }
}
