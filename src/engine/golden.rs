//! A run as a text file that a repository keeps: what it was asked, and what its calls answered.
//!
//! [`Golden::of`] makes it of a recorded run, [`Golden::record`] makes a recorded run of it again, in a store of its own,
//! whose calls have the keys that today's calls will have. Values are JSON where JSON says all of them, else pickles in
//! base64 beside their JSON. Nothing in it depends on the machine, the time, or the order in which calls ended.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::replay::below;
use super::secrets::Secrets;
use super::values::{Packer, Ready};
use crate::base::clock::Clock;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::base::secrets::without_tags;
use crate::find::StoreNodes;
use crate::model::event::{CallAsked, CallEnded};
use crate::model::keys::call_key;
use crate::model::{
    CallKind, CallStatus, CodeKnown, ErrorInfo, ErrorKind, Event, EventKind, Mode, RunHistory, RunStatus,
    ValueRef, path,
};
use crate::store::{Batch, Store};
use crate::value::{self, view};

/// The layout of the file.
pub const FORMAT: u32 = 1;

/// A golden.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// By which rules code digests are made.
    pub rules: String,
    /// The code of functions that are answered from here.
    pub code: BTreeMap<String, String>,
    /// Its calls, callers before what they called, siblings in the order in which they were asked for.
    pub calls: Vec<Line>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its path.
    pub call: String,
    /// Its arguments by parameter name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Json>,
    /// Its output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// Request state that it set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, Json>,
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
    /// Its text.
    pub message: String,
}

impl Fault {
    fn of(error: &ErrorInfo) -> Self {
        // The message of a failed child quotes its traceback.
        let headline = error.headline();
        let message = headline.strip_prefix(&format!("{}: ", error.type_name)).unwrap_or(&headline);
        Fault {
            kind: error.kind,
            class: error.type_name.clone(),
            message: without_tags(message).into_owned(),
        }
    }

    fn info(&self) -> ErrorInfo {
        let mut error = ErrorInfo::new(self.kind, &self.class, self.message.clone());
        // What a caller is told of a child is made of its traceback, whose last line this is.
        error.traceback = format!("{}: {}\n", self.class, self.message);
        error
    }
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

impl Golden {
    /// Of a recorded run that has ended. `app` is as the user names it.
    pub fn of(store: &Store, run: &RunHistory, app: &str, roles: Roles) -> Result<Golden, String> {
        let mut lines = Vec::new();
        let mut numbers: Vec<CallNo> = Vec::new();
        let mut stack: Vec<CallNo> = vec![1];
        while let Some(no) = stack.pop() {
            numbers.push(no);
            // As the tree is read: calls that execute at once are numbered by chance.
            stack.extend(below(run, no).rev());
        }
        let mut state: HashMap<CallNo, BTreeMap<String, Json>> = HashMap::new();
        for change in &run.state {
            let value = written(store, &change.value)?;
            state.entry(change.call).or_default().insert(change.key.clone(), value);
        }
        let mut code = BTreeMap::new();
        for no in numbers.into_iter().filter(|no| *no != 1) {
            let Some(call) = run.call(no) else { continue };
            if roles.answer.contains(&call.function) && call.is_call() {
                code.insert(call.function.clone(), call.code.hex());
            }
            let value = |value: &Option<ValueRef>| value.as_ref().map(|v| written(store, v)).transpose();
            lines.push(Line {
                call: path::path(run, no),
                input: value(&call.input)?,
                output: if call.is_call() { value(&call.output)? } else { None },
                error: call.error.as_ref().filter(|_| call.is_call()).map(|error| Fault::of(error)),
                state: state.remove(&no).unwrap_or_default(),
            });
        }
        let plain = |value: &Option<ValueRef>| {
            let json = value.as_ref().map(|value| super::run::json_of(store, value)).transpose();
            json.map(|json| json.map(|json| tagless(&json)))
        };
        let answered = run.codes.iter().find(|known| code.contains_key(&known.function));
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
            rules: answered.map(|known| known.rules.clone()).unwrap_or_default(),
            code,
            calls: lines,
        })
    }

    /// Records it as a run of a store.
    pub fn record(&self, store: &Store, clock: &dyn Clock, secrets: &Secrets) -> Result<RunId, String> {
        let run = RunId::from_random(clock.random());
        let mut making = Making {
            packer: Packer::new(secrets),
            batch: Batch { run: run.clone(), events: Vec::new(), nodes: Vec::new() },
            at: clock.now(),
        };
        let (file, app) = self.app.rsplit_once("::").unwrap_or(("", self.app.as_str()));
        let ready = making.packer.json_args(&self.input);
        let input = making.keep(ready).0;
        making.emit(EventKind::RunStarted {
            run: run.clone(),
            app: app.to_owned(),
            file: file.to_owned(),
            mode: Mode::Fresh,
            parent: None,
            input: input.clone(),
            python: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            purpose: Default::default(),
        });
        for (function, digest) in &self.code {
            let mut known = CodeKnown::alone(function.clone(), Digest::from_hex(digest).unwrap_or_default());
            known.rules.clone_from(&self.rules);
            making.emit(EventKind::CodeKnown(Box::new(known)));
        }
        let mut places = Places::default();
        let root_key = call_key(app, &input.digest, 0);
        making.asked(&places.root(app), Some(input), root_key, Digest::default());
        let mut ends = Vec::new();
        for line in &self.calls {
            let place = places.add(&line.call)?;
            let mut key = Digest::default();
            let mut value = None;
            if let Some(json) = &line.input {
                let ready = making.read(json)?;
                let (input, canonical) = making.keep(ready);
                key = call_key(&place.function, &canonical, places.occurrence(&place, canonical));
                value = Some(input);
            }
            let code =
                self.code.get(&place.function).and_then(|hex| Digest::from_hex(hex)).unwrap_or_default();
            making.asked(&place, value, key, code);
            for (name, json) in &line.state {
                let ready = making.read(json)?;
                let value = making.keep(ready).0;
                making.emit(EventKind::StateSet { no: place.no, key: name.clone(), value });
            }
            ends.push((place.no, line.output.as_ref(), line.error.as_ref(), place.kind));
        }
        for (no, output, error, kind) in ends.into_iter().rev() {
            let output = match output {
                Some(json) => {
                    let ready = making.read(json)?;
                    Some(making.keep(ready).0)
                }
                None => None,
            };
            let ok = output.is_some() || error.is_none() && kind != CallKind::Call;
            making.ended(no, ok, output, error.map(Fault::info));
        }
        let output = self.output.as_ref().map(|json| {
            let ready = making.packer.json_args(json);
            making.keep(ready).0
        });
        let error = self.error.as_ref().map(Fault::info);
        making.ended(1, self.status == RunStatus::Succeeded, output.clone(), error.clone());
        making.emit(EventKind::RunEnded { status: self.status, output, error });
        let writer = store.writer().map_err(|error| error.to_string())?;
        writer.write(making.batch, true).map_err(|error| error.to_string())?;
        Ok(run)
    }
}

struct Making {
    packer: Packer,
    batch: Batch,
    at: crate::base::clock::Micros,
}

impl Making {
    fn emit(&mut self, kind: EventKind) {
        let seq = self.batch.events.len() as u64 + 1;
        self.batch.events.push(Event { seq, at: self.at, kind });
    }

    fn keep(&mut self, ready: Ready) -> (ValueRef, Digest) {
        self.batch.nodes.extend(ready.pieces);
        (ready.value, ready.canonical)
    }

    /// A written value.
    fn read(&self, json: &Json) -> Result<Ready, String> {
        match json.get(PICKLE).and_then(Json::as_str) {
            Some(text) => {
                let value = value::from_json(&json!({"$bytes": text}));
                match value {
                    value::Value::Bytes(pickle) => Ok(self.packer.any(&pickle)),
                    _ => Err(format!("\"{PICKLE}\" is not base64")),
                }
            }
            None => Ok(self.packer.json_value(&unlined(json))),
        }
    }

    fn asked(&mut self, place: &Place, input: Option<ValueRef>, key: Digest, code: Digest) {
        self.emit(EventKind::CallAsked(Box::new(CallAsked {
            no: place.no,
            parent: place.parent,
            parent_attempt: u32::from(place.parent > 0),
            kind: place.kind,
            function: place.function.clone(),
            ordinal: place.ordinal,
            key,
            code,
            durable_id: Digest::default(),
            durable: true,
            input,
            site: None,
            reason: None,
            effect: false,
            pickled: None,
        })));
        self.emit(EventKind::CallStarted { no: place.no, attempt: 1, worker: 0 });
    }

    fn ended(&mut self, no: CallNo, ok: bool, output: Option<ValueRef>, error: Option<ErrorInfo>) {
        let status = if ok { CallStatus::Fresh } else { CallStatus::Failed };
        self.emit(EventKind::CallEnded(Box::new(CallEnded::bodiless(no, status, output, error))));
    }
}

/// Where a call stands.
struct Place {
    no: CallNo,
    parent: CallNo,
    /// The call in whose body it was made.
    caller: CallNo,
    kind: CallKind,
    function: String,
    ordinal: u32,
}

/// Paths that were met, by number.
#[derive(Default)]
struct Places {
    by_path: HashMap<String, (CallNo, CallNo)>,
    seen: HashMap<(CallNo, String, Digest), u32>,
}

impl Places {
    fn root(&mut self, app: &str) -> Place {
        self.by_path.insert(app.to_owned(), (1, 0));
        Place { no: 1, parent: 0, caller: 0, kind: CallKind::Root, function: app.to_owned(), ordinal: 1 }
    }

    /// The place that a path names: `app/f#2`, a map `app/f[]`, its item `app/f[3]`, `app/f~@2[3]` of a reduce.
    fn add(&mut self, text: &str) -> Result<Place, String> {
        let wrong = || format!("{text}: not the path of a call, or its caller stands behind it");
        let (above, last) = text.rsplit_once('/').ok_or_else(wrong)?;
        let no = self.by_path.len() as CallNo + 1;
        let mut caller = self.by_path.get(above).ok_or_else(wrong)?.0;
        let (kind, function, ordinal, parent) = if let Some((function, ordinal)) = last.split_once('#') {
            (CallKind::Call, function, ordinal.parse().map_err(|_| wrong())?, caller)
        } else {
            let (name, index) = last.strip_suffix(']').and_then(|l| l.split_once('[')).ok_or_else(wrong)?;
            let (name, nth) = name.split_once('@').unwrap_or((name, "1"));
            let (function, op) = match name.strip_suffix('~') {
                Some(function) => (function, CallKind::Reduce),
                None => (name, CallKind::Map),
            };
            if index.is_empty() {
                (op, function, nth.parse().map_err(|_| wrong())?, caller)
            } else {
                let whole = format!("{}]", &text[..text.len() - index.len() - 1]);
                let (op, above) = *self.by_path.get(&whole).ok_or_else(wrong)?;
                caller = above;
                (CallKind::Call, function, index.parse().map_err(|_| wrong())?, op)
            }
        };
        self.by_path.insert(text.to_owned(), (no, parent));
        Ok(Place { no, parent, caller, kind, function: function.to_owned(), ordinal })
    }

    fn occurrence(&mut self, place: &Place, canonical: Digest) -> u32 {
        let seen = self.seen.entry((place.caller, place.function.clone(), canonical)).or_insert(0);
        *seen += 1;
        *seen - 1
    }
}

const PICKLE: &str = "$pickle";
const LINES: &str = "$lines";

/// A value as it is written: JSON when that is all of it, else its pickle.
fn written(store: &Store, value: &ValueRef) -> Result<Json, String> {
    let why = |error: value::UnpackError| format!("a recorded value cannot be read: {error}");
    let nodes = StoreNodes(store);
    let tree = value::load_value(&value.digest, value.inline.as_deref(), &nodes).map_err(why)?;
    let shown = tagless(&view::to_json(&tree, &view::ViewLimits::full()).json);
    let lined = lined(&shown);
    let packer = Packer::new(&Secrets::default());
    // Tags of markers are this machine's; without them the value is compared with what was recorded without.
    let whole = value.withheld.is_some()
        || packer.json_value(&unlined(&lined)).canonical == packer.any(&pickled(store, value)?).canonical;
    if whole {
        return Ok(lined);
    }
    let bytes = value::Value::Bytes(pickled(store, value)?);
    let coded = view::to_json(&bytes, &view::ViewLimits::full()).json;
    Ok(json!({PICKLE: coded.get("$bytes"), "shows": lined}))
}

fn pickled(store: &Store, value: &ValueRef) -> Result<bytes::Bytes, String> {
    value::unpack(&value.digest, value.inline.as_deref(), &StoreNodes(store))
        .map_err(|error| format!("a recorded value cannot be read: {error}"))
}

/// A list's items and an object's members through `of`; anything else as it is.
fn inside(json: &Json, of: fn(&Json) -> Json) -> Json {
    match json {
        Json::Array(items) => Json::Array(items.iter().map(of).collect()),
        Json::Object(map) => Json::Object(map.iter().map(|(key, item)| (key.clone(), of(item))).collect()),
        other => other.clone(),
    }
}

fn tagless(json: &Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.iter().map(|(key, item)| (without_tags(key).into_owned(), tagless(item))).collect(),
        ),
        Json::String(text) => Json::String(without_tags(text).into_owned()),
        other => inside(other, tagless),
    }
}

/// Strings of several lines as lists of lines, so that a change of one is a change of one.
fn lined(json: &Json) -> Json {
    match json {
        Json::String(text) if text.contains('\n') => {
            json!({LINES: text.split('\n').collect::<Vec<_>>()})
        }
        other => inside(other, lined),
    }
}

fn unlined(json: &Json) -> Json {
    if let Some(lines) =
        json.as_object().filter(|map| map.len() == 1).and_then(|map| map.get(LINES)?.as_array())
    {
        let lines: Vec<&str> = lines.iter().filter_map(Json::as_str).collect();
        return Json::String(lines.join("\n"));
    }
    inside(json, unlined)
}
