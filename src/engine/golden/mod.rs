//! A run as a text file that a repository keeps: what it was asked, and what its calls answered.
//!
//! [`Golden::saving`] makes it of a recorded run (`calls`); [`Golden::record`] (`record`) makes a recorded run of it again,
//! in a store of its own, and so of what a replay gave ([`Golden::replayed`]): the two are compared. Both read values one
//! at a time, while they write. `text` says how values are written, `noise` keeps how much calls that execute differ
//! anyway. Nothing in it depends on the machine, the time, or the order in which calls ended; only noise depends on what
//! else was recorded.

mod calls;
mod noise;
mod record;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value as Json, json};

use crate::base::secrets::without_tags;
use crate::model::{CallKind, ErrorInfo, ErrorKind, RunHistory, RunStatus, ValueRef};
use crate::store::Store;
use text::tagless;

pub use calls::Calls;
pub use noise::{Measured, Noisy};

/// The layout of the file.
pub const FORMAT: u32 = 1;

/// A golden. Its calls stand last, so that they can be made while it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden<C> {
    /// [`FORMAT`].
    pub golden: u32,
    /// The application: `path.py::function`.
    pub app: String,
    /// Its input: an object by parameter name.
    pub input: Json,
    /// Functions whose calls are answered from here.
    pub answer: Vec<String>,
    /// Functions whose calls execute.
    pub execute: Vec<String>,
    /// Places inside values that are not compared.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// How it ended.
    pub status: RunStatus,
    /// The application's output.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// By which rules code digests are made.
    pub rules: String,
    /// The code of functions that are answered from here.
    pub code: BTreeMap<String, String>,
    /// The code of functions that executed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub executed: BTreeMap<String, String>,
    /// Its calls, callers before what they called, siblings in the order in which they were asked for.
    pub calls: C,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "V: Deserialize<'de>"))]
pub struct Line<V> {
    /// Its path.
    pub call: String,
    /// Its arguments by parameter name.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    pub input: Option<V>,
    /// Its output.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    pub output: Option<V>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// Request state that it set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, V>,
    /// How much its answers differed when the golden was saved, of a call that executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Measured>,
}

/// What is there is a value, also where it is `null`.
fn stated<'de, D: Deserializer<'de>, V: Deserialize<'de>>(deserializer: D) -> Result<Option<V>, D::Error> {
    V::deserialize(deserializer).map(Some)
}

/// An error without its traceback, which names places of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its kind.
    pub kind: ErrorKind,
    /// Name of the exception's class.
    #[serde(rename = "type")]
    pub class: String,
    /// The module of that class, as tracebacks name it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub module: String,
    /// Its text; of the error of a failed child only the last line, because the others name places of one machine.
    pub message: String,
}

impl Fault {
    fn of(error: &ErrorInfo) -> Self {
        let headline = error.headline();
        let message = match error.type_name.as_str() {
            "FunctionError" => headline.strip_prefix("FunctionError: ").unwrap_or(&headline),
            _ => &error.message,
        };
        Fault {
            kind: error.kind,
            class: error.type_name.clone(),
            module: module(error),
            message: without_tags(message).into_owned(),
        }
    }

    fn info(&self) -> ErrorInfo {
        let mut error = ErrorInfo::new(self.kind, &self.class, self.message.clone());
        // What a caller is told of a child is made of its traceback, whose last line this is.
        let dot = if self.module.is_empty() { "" } else { "." };
        let colon = if self.message.is_empty() { "" } else { ": " };
        error.traceback = format!("{}{dot}{}{colon}{}\n", self.module, self.class, self.message);
        error
    }
}

/// The module of an exception's class: what its traceback says before the class's name.
fn module(error: &ErrorInfo) -> String {
    let first = error.message.lines().next().unwrap_or_default();
    let end =
        if first.is_empty() { error.type_name.clone() } else { format!("{}: {first}", error.type_name) };
    let before = error.traceback.lines().rev().find_map(|line| line.strip_suffix(&end)?.strip_suffix('.'));
    let is_name = |text: &&str| text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    before.filter(is_name).unwrap_or_default().to_owned()
}

/// Which functions answer: those that cannot be executed without the world that answered then.
pub struct Roles {
    /// Answered.
    pub answer: Vec<String>,
    /// Executed.
    pub execute: Vec<String>,
}

/// Who answers: functions that used tokens or act on the world; and of the others those that call nothing, unless they
/// say that they do not act (`effect=False`). What calls others is what is tested.
pub fn roles(run: &RunHistory, harmless: &dyn Fn(&str) -> bool) -> Roles {
    let mut functions: BTreeMap<&str, bool> = BTreeMap::new();
    for call in run.calls.iter().filter(|call| call.kind == CallKind::Call) {
        let leaf = run.children(call.no).is_empty();
        let outside = call.usage.is_some() || call.effect;
        let answers = functions.entry(&call.function).or_insert(!harmless(&call.function));
        *answers = outside || *answers && leaf;
    }
    // A function that used tokens once answers always.
    for call in run.calls.iter().filter(|call| call.usage.is_some() || call.effect) {
        if let Some(answers) = functions.get_mut(call.function.as_str()) {
            *answers = call.kind == CallKind::Call || *answers;
        }
    }
    let named = |wanted: bool| {
        functions
            .iter()
            .filter(|(_, answers)| **answers == wanted)
            .map(|(name, _)| (*name).to_owned())
            .collect()
    };
    Roles { answer: named(true), execute: named(false) }
}

/// A value of a recorded run as a golden says it.
pub fn said(store: &Store, value: &ValueRef) -> Result<Json, String> {
    Ok(text::written(store, value)?.json())
}

impl<'a> Golden<Calls<'a>> {
    /// Of a recorded run that has ended, whose calls are read while it is written; with the noise of those that execute.
    /// `app` is as the user names it.
    pub fn saving(store: &'a Store, run: &'a RunHistory, app: &str, roles: Roles) -> Result<Self, String> {
        let calls = Calls::of(store, run).measured(&roles.answer);
        Golden::around(calls, store, run, app, roles)
    }

    /// Of a run that replayed another golden.
    pub fn replayed<C>(store: &'a Store, run: &'a RunHistory, of: &Golden<C>) -> Result<Self, String> {
        let roles = Roles { answer: of.answer.clone(), execute: of.execute.clone() };
        let mut now = Golden::around(Calls::of(store, run), store, run, &of.app, roles)?;
        now.ignore.clone_from(&of.ignore);
        Ok(now)
    }

    fn around(
        calls: Calls<'a>,
        store: &Store,
        run: &RunHistory,
        app: &str,
        roles: Roles,
    ) -> Result<Self, String> {
        let code = calls.code(&roles);
        let plain = |value: &Option<ValueRef>| {
            value.as_ref().map(|value| super::run::json_of(store, value).map(tagless)).transpose()
        };
        let executed = run.calls.iter().filter(|call| call.kind == CallKind::Root || call.is_call());
        let executed = executed.filter(|call| !roles.answer.contains(&call.function));
        let executed = executed.map(|call| (call.function.clone(), call.code.hex())).collect();
        let known = run.codes.first();
        Ok(Golden {
            golden: FORMAT,
            app: app.to_owned(),
            input: plain(&run.input)?.unwrap_or_else(|| json!({})),
            answer: roles.answer,
            execute: roles.execute,
            ignore: Vec::new(),
            status: run.status,
            output: plain(&run.output)?,
            error: run.error.as_ref().map(Fault::of),
            rules: known.map(|known| known.rules.clone()).unwrap_or_default(),
            code,
            executed,
            calls,
        })
    }
}

impl<C> Golden<C> {
    /// The same with something else in place of its calls.
    fn with<D>(self, calls: D) -> Golden<D> {
        let Golden { golden, app, input, answer, execute, ignore, status, .. } = self;
        let Golden { output, error, rules, code, executed, .. } = self;
        Golden {
            golden,
            app,
            input,
            answer,
            execute,
            ignore,
            status,
            output,
            error,
            rules,
            code,
            executed,
            calls,
        }
    }
}
