//! The calls of a run as lines of a golden, made one by one: a run may hold more than memory does.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use serde::ser::Error;
use serde::{Serialize, Serializer};

use super::text::{Meant, Written, written};
use super::{Fault, Line, Noisy, Roles};
use crate::engine::explain::noise::Answers;
use crate::engine::replay::below;
use crate::model::{Call, RunHistory, ValueRef, path};
use crate::store::Store;

/// The calls below the application's own, callers before what they called.
pub struct Calls<'a> {
    store: &'a Store,
    run: &'a RunHistory,
    calls: Vec<&'a Call>,
    /// What each set, and to what in the end.
    state: HashMap<u32, BTreeMap<&'a str, &'a ValueRef>>,
    noise: From<'a>,
    noisy: Cell<u64>,
    failure: RefCell<Option<String>>,
}

/// Where the noise of calls comes from.
enum From<'a> {
    /// From what was answered elsewhere to those that execute: all but those of functions that answer.
    Answers(RefCell<Answers<'a>>, Vec<String>),
    /// From a golden.
    Known(Noisy),
}

impl<'a> Calls<'a> {
    /// Of a recorded run.
    pub(super) fn of(store: &'a Store, run: &'a RunHistory) -> Self {
        let mut calls = Vec::new();
        // As the tree is read: calls that execute at once are numbered by chance.
        let mut stack = vec![1];
        while let Some(no) = stack.pop() {
            calls.extend(run.call(no).filter(|_| no != 1));
            stack.extend(below(run, no).rev());
        }
        let mut state: HashMap<u32, BTreeMap<&str, &ValueRef>> = HashMap::new();
        for change in &run.state {
            state.entry(change.call).or_default().insert(&change.key, &change.value);
        }
        let (noisy, failure) = (Cell::new(0), RefCell::new(None));
        Calls { store, run, calls, state, noise: From::Known(Noisy::new()), noisy, failure }
    }

    /// Notes the noise of calls that will execute: all but those of functions that answer.
    pub(super) fn measured(mut self, answer: &[String]) -> Self {
        self.noise = From::Answers(RefCell::new(Answers::new(self.store)), answer.to_vec());
        self
    }

    /// Notes this noise.
    pub(super) fn knowing(&mut self, noisy: Noisy) {
        self.noise = From::Known(noisy);
    }

    /// How many of them had noise that is kept.
    pub fn noisy(&self) -> u64 {
        self.noisy.get()
    }

    /// Why one could not be written, when that is what ended the writing.
    pub fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().copied()
    }

    /// The code of the functions that answer.
    pub(super) fn code(&self, roles: &Roles) -> BTreeMap<String, String> {
        let answered = self.iter().filter(|call| roles.answer.contains(&call.function) && call.is_call());
        answered.map(|call| (call.function.clone(), call.code.hex())).collect()
    }

    /// The line of one of them, with values that are read when they are wanted.
    fn line<'c>(&'c self, call: &'c Call) -> Line<Stored<'c, 'a>> {
        let value = |value: &'c Option<ValueRef>| value.as_ref().map(|value| Stored { calls: self, value });
        let set = self.state.get(&call.no).into_iter().flatten();
        let path = path::path(self.run, call.no);
        let noise = match &self.noise {
            From::Answers(answers, answered) => {
                let executes = call.is_call() && call.output.is_some() && !answered.contains(&call.function);
                executes.then(|| super::noise::measure(&mut answers.borrow_mut(), self.run, call)).flatten()
            }
            From::Known(noisy) => noisy.get(&path).cloned(),
        };
        Line {
            call: path,
            input: value(&call.input),
            output: if call.is_call() { value(&call.output) } else { None },
            error: call.error.as_ref().filter(|_| call.is_call()).map(|error| Fault::of(error)),
            state: set.map(|(key, value)| ((*key).to_owned(), Stored { calls: self, value })).collect(),
            noise,
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = Line<Stored<'_, 'a>>> {
        self.iter().map(|call| self.line(call))
    }
}

impl Serialize for Calls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.lines().inspect(|line| {
            self.noisy.set(self.noisy() + u64::from(line.noise.is_some()));
        }))
    }
}

/// A recorded value that is in memory only while it is written.
pub(super) struct Stored<'c, 'a> {
    calls: &'c Calls<'a>,
    value: &'c ValueRef,
}

impl Stored<'_, '_> {
    /// What a golden would say of it.
    pub(super) fn meant(self) -> Result<Meant, String> {
        written(self.calls.store, self.value).map(Written::meant)
    }
}

impl Serialize for Stored<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let read = written(self.calls.store, self.value).map_err(|why| {
            let error = S::Error::custom(&why);
            *self.calls.failure.borrow_mut() = Some(why);
            error
        });
        read?.serialize(serializer)
    }
}
