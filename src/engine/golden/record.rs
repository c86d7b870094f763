//! A golden as a recorded run of a store, whose calls have the keys that today's calls will have.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::text::{PICKLE, unlined};
use super::{Fault, Golden};
use crate::base::clock::{Clock, Micros};
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::engine::secrets::Secrets;
use crate::engine::values::{Packer, Ready};
use crate::model::event::{CallAsked, CallEnded};
use crate::model::keys::call_key;
use crate::model::{CallKind, CallStatus, CodeKnown, ErrorInfo, Event, EventKind, Mode, RunStatus, ValueRef};
use crate::store::{Batch, Store};
use crate::value;

impl Golden {
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
    at: Micros,
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
