//! Samples of a call: what its function gave for the same arguments, each time that it was executed on purpose.
//!
//! A sample is a call of a run whose [`Purpose`](super::Purpose) is to sample. It answers nothing by itself: whoever
//! wants one of them to count takes its output into a run as an edit.

use super::call::{CallStatus, ErrorInfo, Origin, Usage, ValueRef};
use super::{Call, Purpose, RunHistory};
use crate::base::clock::Micros;
use crate::base::digest::Digest;

/// One execution of the call.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// Where it is.
    pub at: Origin,
    /// Whether it is the call itself, as it was recorded, and not a sample of it.
    pub recorded: bool,
    /// Where it stands.
    pub status: CallStatus,
    /// What it gave.
    pub output: Option<ValueRef>,
    /// Why it gave nothing.
    pub error: Option<ErrorInfo>,
    /// What it used.
    pub usage: Option<Usage>,
    /// Microseconds of its body.
    pub wall_us: i64,
    /// When it was asked for.
    pub asked_at: Micros,
    /// The code that made it.
    pub code: Digest,
}

impl Sample {
    /// A call of a run, as a sample.
    pub fn of(run: &RunHistory, call: &Call, recorded: bool) -> Self {
        Sample {
            at: Origin { run: run.id.clone(), call: call.no },
            recorded,
            status: call.status,
            output: call.output.clone(),
            error: call.error.as_deref().cloned(),
            usage: call.usage.clone(),
            wall_us: call.wall_us,
            asked_at: call.asked_at,
            code: call.code,
        }
    }
}

/// The samples that a run holds, in order; none when it is no run of samples.
pub fn samples_in(run: &RunHistory) -> impl Iterator<Item = Sample> + '_ {
    let holds = matches!(run.purpose, Purpose::Samples { .. });
    let children = run.children(1).iter().filter(move |_| holds);
    children.filter_map(|no| run.call(*no)).map(|call| Sample::of(run, call, false))
}

/// All executions of one call that can be compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Samples {
    /// The call that executed what is sampled.
    pub of: Origin,
    /// The call itself, then its samples, the oldest first.
    pub all: Vec<Sample>,
}

impl Samples {
    /// Those with equal outcomes together, each as indexes into `all`: the groups in the order of their first members.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let same = |a: &Sample, b: &Sample| match (&a.output, &b.output) {
            (Some(a), Some(b)) => a.digest == b.digest,
            (None, None) => {
                a.error.as_ref().map(ErrorInfo::headline) == b.error.as_ref().map(ErrorInfo::headline)
                    && a.status == b.status
            }
            _ => false,
        };
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (index, sample) in self.all.iter().enumerate() {
            let known =
                |group: &&mut Vec<usize>| group.first().is_some_and(|at| same(&self.all[*at], sample));
            match groups.iter_mut().find(known) {
                Some(group) => group.push(index),
                None => groups.push(vec![index]),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::RunId;

    fn sample(no: u32, output: Option<&str>) -> Sample {
        Sample {
            at: Origin { run: RunId::from_text("0123456789ab"), call: no },
            recorded: no == 1,
            status: if output.is_some() { CallStatus::Fresh } else { CallStatus::Failed },
            output: output.map(|text| ValueRef {
                digest: Digest::of(text.as_bytes()),
                size: 1,
                preview: text.to_owned(),
                inline: None,
                withheld: None,
            }),
            error: None,
            usage: None,
            wall_us: 0,
            asked_at: 0,
            code: Digest::default(),
        }
    }

    #[test]
    fn equal_outcomes_are_grouped() {
        let all = vec![
            sample(1, Some("Whistler")),
            sample(2, Some("Japan")),
            sample(3, None),
            sample(4, Some("Whistler")),
            sample(5, None),
        ];
        let samples = Samples { of: all[0].at.clone(), all };
        assert_eq!(samples.groups(), [vec![0, 3], vec![1], vec![2, 4]]);
    }
}
