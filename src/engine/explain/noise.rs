//! How much answers to one question differ anyway: the executions of a call's fingerprint in all runs, and its samples.
//!
//! Of a model's response its words and its calls of tools are compared, not its id and its date. A difference of two runs
//! is within the noise of a call when the new answer is no farther from an earlier one than two earlier ones are from
//! each other. With fewer than [`ENOUGH`] earlier answers nothing is said. What follows from such differences alone is
//! noise, too ([`Judged`]).

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::base::ids::{CallNo, RunId};
use crate::diff::tree::{self, Merged, Role};
use crate::diff::value::{Spread, distance};
use crate::find::StoreNodes;
use crate::model::samples::Sample;
use crate::model::{Call, EventKind, Origin, RunHistory, ValueRef};
use crate::store::{CallFilter, CallRow, Store};
use crate::value::UnpackError;
use crate::value::lazy::{Document, Kind, Place, Reader};
use crate::value::lens;
use crate::value::look::Part;
use crate::value::view::{ViewLimits, to_json};

/// Earlier answers that say something.
pub const ENOUGH: usize = 3;
/// Executions of one question that are looked at.
const LOOKED_AT: usize = 24;
/// Differences of one comparison that are judged.
const JUDGED: usize = 40;

/// One execution.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// Where it is.
    pub at: Origin,
    /// Whether it was executed as a sample.
    pub sample: bool,
    /// What it gave.
    pub output: ValueRef,
    /// Its words.
    pub text: String,
}

/// A difference beside what differs anyway.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Noise {
    /// Earlier executions of the same question.
    pub samples: usize,
    /// How many of them were made by sampling the call; the others are of other runs.
    pub sampled: usize,
    /// The part of them that gave the most frequent answer.
    pub agreement: f64,
    /// How much two of them differ at most, from 0 to 1.
    pub radius: f64,
    /// How much the new answer differs from the nearest of them.
    pub distance: f64,
    /// Whether that is no more.
    pub within: bool,
}

impl Noise {
    /// In a sentence, with how it was measured.
    pub fn words(&self) -> String {
        let percent = |part: f64| format!("{:.0} %", part * 100.0);
        let verdict = if self.within { "within its noise" } else { "beyond its noise" };
        let from = match (self.samples - self.sampled, self.sampled) {
            (_, 0) => "of runs".to_owned(),
            (0, _) => "of its samples".to_owned(),
            (runs, samples) => format!("{runs} of runs, {samples} of its samples"),
        };
        let (distance, radius) = (percent(self.distance), percent(self.radius));
        format!(
            "{verdict}: {distance} from the nearest of {} answers ({from}), which differ by up to {radius}",
            self.samples
        )
    }
}

/// What of a comparison is noise.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Judged {
    /// Causes that nothing but chance explains, beside what differs anyway. By row.
    pub measured: HashMap<usize, Noise>,
    /// Such causes that were not measured: there were too many.
    pub unmeasured: usize,
    /// Of each row, whether it is noise or follows from noise alone.
    quiet: Vec<bool>,
}

impl Judged {
    /// Of these measurements.
    pub fn new(
        measured: HashMap<usize, Noise>,
        unmeasured: usize,
        merged: &Merged,
        a: &RunHistory,
        b: &RunHistory,
    ) -> Self {
        let within = |row: usize| measured.get(&row).is_some_and(|noise| noise.within);
        let quiet = merged.noise(a, b, &within);
        Judged { measured, unmeasured, quiet }
    }

    /// Whether a row is noise or follows from noise alone.
    pub fn is_quiet(&self, row: usize) -> bool {
        self.quiet.get(row).copied().unwrap_or(false)
    }
}

/// Reads executions; rows of runs are kept, because one comparison asks about many calls of the same runs.
pub struct Answers<'s> {
    store: &'s Store,
    rows: HashMap<RunId, Vec<CallRow>>,
}

impl<'s> Answers<'s> {
    /// Of this store.
    pub fn new(store: &'s Store) -> Self {
        Answers { store, rows: HashMap::new() }
    }

    /// What the question of a call was answered, each time that it executed with the same code. What cannot be read is
    /// left out.
    pub fn of(&mut self, run: &RunHistory, call: &Call) -> Vec<Answer> {
        let mut found: Vec<(Origin, bool, ValueRef)> = Vec::new();
        let candidates = self.store.candidates(&[call.fingerprint()], LOOKED_AT).unwrap_or_default();
        for one in candidates {
            if let Some(output) = self.output(&one.run, one.call, call) {
                found.push((Origin { run: one.run, call: one.call }, false, output));
            }
        }
        if let Ok(samples) = self.store.samples(run, call.no) {
            let same = samples.all.into_iter().filter(|sample| sample.code == call.code);
            // A call that was served did not execute: its answer is that of the call which did.
            let executed = |sample: &Sample| match &call.origin {
                Some(origin) if sample.recorded => origin.clone(),
                _ => sample.at.clone(),
            };
            found.extend(
                same.filter_map(|sample| Some((executed(&sample), !sample.recorded, sample.output?))),
            );
        }
        let mut known: HashSet<Origin> = HashSet::new();
        found.retain(|(at, ..)| known.insert(at.clone()));
        found.truncate(LOOKED_AT);
        let source = StoreNodes(self.store);
        let reader = Reader::new(&source);
        let read = |(at, sample, output): (Origin, bool, ValueRef)| {
            let text = words(&reader, &output).ok()?;
            Some(Answer { at, sample, output, text })
        };
        found.into_iter().filter_map(read).collect()
    }

    /// The output of a recorded call that asked the same with the same code.
    fn output(&mut self, run: &RunId, no: CallNo, like: &Call) -> Option<ValueRef> {
        if !self.rows.contains_key(run) {
            let rows = self.store.call_rows(run, &CallFilter::default(), 0, usize::MAX).ok()?;
            self.rows.insert(run.clone(), rows);
        }
        let row = self.rows.get(run)?.get((no as usize).checked_sub(1)?)?;
        let mut output = None;
        for event in self.store.call_events(run, row).ok()? {
            match event.kind {
                // Checkpoints are found by a part of their fingerprint.
                EventKind::CallAsked(asked) if asked.key != like.key || asked.code != like.code => {
                    return None;
                }
                EventKind::CallEnded(ended) if ended.origin.is_none() => output = ended.output,
                _ => {}
            }
        }
        output
    }

    /// The noise of two runs.
    pub fn judge(&mut self, merged: &Merged, a: &RunHistory, b: &RunHistory) -> Judged {
        let mut measured = HashMap::new();
        let by_chance = |row: &usize| merged.pairs[*row].role == Role::Cause(tree::Cause::Noise);
        let rows: Vec<usize> = merged.causes().filter(by_chance).collect();
        for row in rows.iter().take(JUDGED) {
            let pair = &merged.pairs[*row];
            let both = pair.a.and_then(|no| a.call(no)).zip(pair.b.and_then(|no| b.call(no)));
            if let Some((old, new)) = both
                && let Some(noise) = self.pair((a, old), (b, new))
            {
                measured.insert(*row, noise);
            }
        }
        Judged::new(measured, rows.len().saturating_sub(JUDGED), merged, a, b)
    }

    /// How far a new answer is from earlier ones to the same question; nothing when there are too few.
    pub fn pair(&mut self, old: (&RunHistory, &Call), new: (&RunHistory, &Call)) -> Option<Noise> {
        let mut answers = self.of(old.0, old.1);
        let here = Origin { run: new.0.id.clone(), call: new.1.no };
        let made = new.1.origin.clone().unwrap_or(here);
        // What is judged does not judge itself.
        answers.retain(|answer| answer.at != made);
        if answers.len() < ENOUGH {
            return None;
        }
        let source = StoreNodes(self.store);
        let text = words(&Reader::new(&source), new.1.output.as_ref()?).ok()?;
        let sampled = answers.iter().filter(|answer| answer.sample).count();
        let texts: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
        let spread = Spread::of(&texts);
        let nearest = texts.iter().map(|one| distance(one, &text)).min_by(f64::total_cmp)?;
        Some(Noise {
            samples: texts.len(),
            sampled,
            agreement: spread.agreement(),
            radius: spread.radius(),
            distance: nearest,
            within: nearest <= spread.radius(),
        })
    }
}

/// What an output says: the words and the calls of tools of a model's response, a text itself, else its JSON.
pub fn words(reader: &Reader<'_>, output: &ValueRef) -> Result<String, UnpackError> {
    /// Larger values are compared by their beginnings anyway.
    const BYTES: usize = 64 << 10;
    let place = reader.open(&output.digest, output.inline.as_deref())?;
    let text = |place: &Place| Ok::<_, UnpackError>(reader.text(place, 0, BYTES)?.text);
    if let Some(response) = lens::response(reader, &place)? {
        let mut out = Vec::new();
        for part in response.answers.iter().flat_map(|answer| &answer.turn.parts) {
            match part {
                Part::Text(place) => out.push(text(place)?),
                Part::ToolCall { name, arguments, .. } => {
                    let arguments = match arguments {
                        Some(place) if reader.shape(place)?.kind == Kind::Str => text(place)?,
                        Some(place) => to_json(&reader.load(place)?, &ViewLimits::default()).json.to_string(),
                        None => String::new(),
                    };
                    out.push(format!("{name}({arguments})"));
                }
                // Thoughts are not the answer.
                _ => {}
            }
        }
        if !out.is_empty() {
            return Ok(out.join("\n"));
        }
    }
    if reader.shape(&place)?.kind == Kind::Str {
        return text(&place);
    }
    // As far as it is shown: answers may be large, and many are compared.
    let inline = output.inline.as_deref();
    let json = Document::open(reader, &output.digest, inline, &ViewLimits::default())?.view()?.json;
    Ok(serde_json::to_string_pretty(&json).unwrap_or_default())
}
