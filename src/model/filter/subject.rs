//! The calls of a run's history as what a filter looks at.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::super::call::{Call, CallKind, ErrorInfo, ValueRef};
use super::super::history::RunHistory;
use super::super::path;
use super::Filter;
use super::complete::Vocabulary;
use super::eval::Subject;
use super::fields::{Flag, Number, TextField};
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, call_id};

/// Where the texts inside values come from.
pub trait Values {
    /// Whether a text inside the value satisfies `holds`: a string, a key, a scalar as it reads.
    fn any_text(&self, value: &ValueRef, holds: &mut dyn FnMut(&str) -> bool) -> bool;
}

/// Only what the preview shows: the first 120 characters. Costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Previews;

impl Values for Previews {
    fn any_text(&self, value: &ValueRef, holds: &mut dyn FnMut(&str) -> bool) -> bool {
        holds(&value.preview)
    }
}

/// The calls of a run, ready to be filtered. What only some filters need is made when it is first asked for.
pub struct RunCalls<'a> {
    run: &'a RunHistory,
    values: &'a dyn Values,
    logs: OnceCell<HashMap<CallNo, Vec<usize>>>,
    opaque: OnceCell<HashSet<(&'a str, Digest)>>,
}

impl<'a> RunCalls<'a> {
    /// The calls of a run.
    pub fn new(run: &'a RunHistory, values: &'a dyn Values) -> Self {
        RunCalls { run, values, logs: OnceCell::new(), opaque: OnceCell::new() }
    }

    /// One call.
    pub fn call(&self, no: CallNo) -> Option<CallSubject<'_, 'a>> {
        self.run.call(no).map(|call| CallSubject { calls: self, call })
    }

    /// The numbers of the calls and operations that are meant, in the order in which they were asked for.
    pub fn matching(&self, filter: &Filter) -> Vec<CallNo> {
        let calls = self.run.calls.iter();
        calls.filter(|call| filter.matches(&CallSubject { calls: self, call })).map(|call| call.no).collect()
    }

    /// The same of a part of the calls: so many from one on.
    pub fn matching_among(&self, filter: &Filter, first: CallNo, count: usize) -> Vec<CallNo> {
        let calls = self.run.calls.iter().skip((first as usize).saturating_sub(1)).take(count);
        calls.filter(|call| filter.matches(&CallSubject { calls: self, call })).map(|call| call.no).collect()
    }

    fn logs(&self) -> &HashMap<CallNo, Vec<usize>> {
        self.logs.get_or_init(|| {
            let mut logs: HashMap<CallNo, Vec<usize>> = HashMap::new();
            for (i, log) in self.run.logs.iter().enumerate() {
                logs.entry(log.call).or_default().push(i);
            }
            logs
        })
    }

    fn opaque(&self) -> &HashSet<(&'a str, Digest)> {
        self.opaque.get_or_init(|| {
            let known = self.run.codes.iter().filter(|known| !known.opaque.is_empty());
            known.map(|known| (known.function.as_str(), known.code)).collect()
        })
    }
}

/// One call of a run.
pub struct CallSubject<'s, 'a> {
    calls: &'s RunCalls<'a>,
    call: &'a Call,
}

fn any_error(error: &ErrorInfo, holds: &mut dyn FnMut(&str) -> bool) -> bool {
    holds(&error.headline()) || holds(&error.message) || holds(&error.traceback)
}

impl Subject for CallSubject<'_, '_> {
    fn is(&self, flag: Flag) -> bool {
        let call = self.call;
        match flag {
            Flag::All => true,
            Flag::Status(status) => call.status == status,
            Flag::Effect => call.effect,
            Flag::Durable => call.durable,
            Flag::Opaque => self.calls.opaque().contains(&(call.function.as_str(), call.code)),
            Flag::Retried => call.attempts > 1,
            Flag::Leaf => self.calls.run.children(call.no).is_empty(),
            Flag::Root => call.kind == CallKind::Root,
            Flag::Map => call.kind == CallKind::Map,
            Flag::Reduce => call.kind == CallKind::Reduce,
        }
    }

    fn number(&self, number: Number) -> Option<f64> {
        let call = self.call;
        match number {
            Number::Cost => call.usage.as_ref()?.cost_usd,
            Number::Tokens => Some(call.usage.as_ref().map_or(0, super::super::Usage::tokens) as f64),
            // A body that runs has no duration yet.
            Number::Millis => call.ended_at.map(|_| call.wall_us as f64 / 1e3),
            Number::Attempts => Some(f64::from(call.attempts)),
            Number::Size => {
                let size = |value: &Option<ValueRef>| value.as_ref().map_or(0, |value| value.size);
                Some((size(&call.input) + size(&call.output)) as f64)
            }
            Number::Calls => Some(self.calls.run.children(call.no).len() as f64),
        }
    }

    fn any_text(&self, field: TextField, holds: &mut dyn FnMut(&str) -> bool) -> bool {
        let (call, run) = (self.call, self.calls.run);
        let mut inside = |value: &Option<ValueRef>| {
            value.as_ref().is_some_and(|value| self.calls.values.any_text(value, holds))
        };
        match field {
            TextField::Input => inside(&call.input),
            TextField::Output => inside(&call.output),
            TextField::Function => holds(&call.function),
            TextField::Path => holds(&path::path(run, call.no)),
            TextField::Id => holds(&call_id(&run.id, call.no)),
            TextField::Error => call
                .failed_attempts
                .iter()
                .map(|failed| &failed.error)
                .chain(call.error.as_deref())
                .any(|error| any_error(error, holds)),
            TextField::Log => {
                let logs = self.calls.logs().get(&call.no);
                logs.into_iter().flatten().any(|i| run.logs.get(*i).is_some_and(|log| holds(&log.text)))
            }
            TextField::Reason => call.reason.as_deref().is_some_and(holds),
            TextField::Model => {
                call.usage.as_ref().and_then(|usage| usage.model.as_deref()).is_some_and(holds)
            }
            TextField::File => call.site.as_ref().is_some_and(|site| holds(&site.file)),
        }
    }

    fn any_shown(&self, holds: &mut dyn FnMut(&str) -> bool) -> bool {
        let call = self.call;
        let preview = |value: &Option<ValueRef>, holds: &mut dyn FnMut(&str) -> bool| {
            value.as_ref().is_some_and(|value| holds(&value.preview))
        };
        holds(&call.function)
            || holds(&path::label(self.calls.run, call))
            || preview(&call.input, holds)
            || preview(&call.output, holds)
            || call.error.as_ref().is_some_and(|error| holds(&error.headline()))
    }
}

impl Vocabulary for RunHistory {
    fn values(&self, field: TextField) -> Vec<String> {
        let mut seen = HashSet::new();
        let texts = self.calls.iter().filter_map(|call| match field {
            TextField::Function => Some(call.function.as_str()),
            TextField::Reason => call.reason.as_deref(),
            TextField::Model => call.usage.as_ref()?.model.as_deref(),
            TextField::File => call.site.as_ref().map(|site| site.file.as_str()),
            _ => None,
        });
        texts.filter(|text| seen.insert(*text)).map(str::to_owned).take(super::complete::MOST).collect()
    }
}
