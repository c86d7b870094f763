//! A golden as a recorded run of a store, whose calls have the keys that today's calls will have.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use serde_json::value::RawValue;

use super::calls::Stored;
use super::text::{Meant, PICKLE};
use super::{Calls, Fault, Golden, Line, Noisy};
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

/// How much of values is gathered before it is stored.
const GATHERED: usize = 4 * 1024 * 1024;

impl<'t> Golden<Vec<&'t RawValue>> {
    /// Of a golden's text. Its calls are looked at when they are recorded.
    pub fn parse(text: &'t str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("not a golden: {error}"))
    }

    /// Records it as a run of a store; of its calls only their noise stays in memory.
    pub fn record(
        self,
        store: &Store,
        clock: &dyn Clock,
        secrets: &Secrets,
    ) -> Result<(Golden<Noisy>, RunId), String> {
        let mut making = Making::begin(&self, &self.code, (store, clock, secrets))?;
        let mut noisy = Noisy::new();
        for (at, text) in self.calls.iter().enumerate() {
            let wrong =
                |error: serde_json::Error| format!("not a golden: call {} of its calls: {error}", at + 1);
            let mut line: Line<&RawValue> = serde_json::from_str(text.get()).map_err(wrong)?;
            if let Some(noise) = line.noise.take() {
                noisy.insert(line.call.clone(), noise);
            }
            let read = |value: &RawValue| serde_json::from_str(value.get()).map(Meant::of).map_err(wrong);
            making.call(line, &self.code, read)?;
        }
        let run = making.end(&self)?;
        Ok((self.with(noisy), run))
    }
}

impl Golden<Calls<'_>> {
    /// Records what a replay gave as a golden of it would be recorded, but for the code of what is answered.
    pub fn record(
        &self,
        code: &Codes,
        store: &Store,
        clock: &dyn Clock,
        secrets: &Secrets,
    ) -> Result<RunId, String> {
        let mut making = Making::begin(self, code, (store, clock, secrets))?;
        for line in self.calls.lines() {
            making.call(line, code, Stored::meant)?;
        }
        making.end(self)
    }
}

type Codes = BTreeMap<String, String>;

/// A call whose end is told after those of the calls that it made.
struct End {
    no: CallNo,
    kind: CallKind,
    output: Option<ValueRef>,
    error: Option<ErrorInfo>,
}

struct Making<'s> {
    store: &'s Store,
    packer: Packer,
    batch: Batch,
    /// How many bytes of values are in the batch.
    gathered: usize,
    seq: u64,
    at: Micros,
    places: Places,
    ends: Vec<End>,
}

impl<'s> Making<'s> {
    fn begin<C>(
        golden: &Golden<C>,
        code: &Codes,
        (store, clock, secrets): (&'s Store, &dyn Clock, &Secrets),
    ) -> Result<Self, String> {
        let run = RunId::from_random(clock.random());
        let mut making = Making {
            store,
            packer: Packer::new(secrets),
            batch: Batch { run: run.clone(), events: Vec::new(), nodes: Vec::new() },
            gathered: 0,
            seq: 0,
            at: clock.now(),
            places: Places::default(),
            ends: Vec::new(),
        };
        let (file, app) = golden.app.rsplit_once("::").unwrap_or(("", golden.app.as_str()));
        let ready = making.packer.json_args(&golden.input);
        let input = making.keep(ready).0;
        making.emit(EventKind::RunStarted {
            run,
            app: app.to_owned(),
            file: file.to_owned(),
            mode: Mode::Fresh,
            parent: None,
            input: input.clone(),
            python: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            purpose: Default::default(),
        });
        for (function, digest) in code {
            let mut known = CodeKnown::alone(function.clone(), Digest::from_hex(digest).unwrap_or_default());
            known.rules.clone_from(&golden.rules);
            making.emit(EventKind::CodeKnown(Box::new(known)));
        }
        let root_key = call_key(app, &input.digest, 0);
        let place = making.places.root(app);
        making.asked(&place, Some(input), root_key, Digest::default());
        Ok(making)
    }

    /// A call, whose values are read one after the other.
    fn call<V>(
        &mut self,
        line: Line<V>,
        code: &Codes,
        read: impl Fn(V) -> Result<Meant, String>,
    ) -> Result<(), String> {
        let place = self.places.add(&line.call)?;
        let mut key = Digest::default();
        let mut input = None;
        if let Some(value) = line.input {
            let (value, canonical) = self.value(read(value)?)?;
            key = call_key(&place.function, &canonical, self.places.occurrence(&place, canonical));
            input = Some(value);
        }
        let code = code.get(&place.function).and_then(|hex| Digest::from_hex(hex)).unwrap_or_default();
        self.asked(&place, input, key, code);
        for (key, value) in line.state {
            let value = self.value(read(value)?)?.0;
            self.emit(EventKind::StateSet { no: place.no, key, value });
        }
        let output = match line.output {
            Some(value) => Some(self.value(read(value)?)?.0),
            None => None,
        };
        let error = line.error.as_ref().map(Fault::info);
        self.ends.push(End { no: place.no, kind: place.kind, output, error });
        Ok(())
    }

    /// The ends of all calls, and of the run.
    fn end<C>(mut self, golden: &Golden<C>) -> Result<RunId, String> {
        for End { no, kind, output, error } in std::mem::take(&mut self.ends).into_iter().rev() {
            let ok = output.is_some() || error.is_none() && kind != CallKind::Call;
            self.ended(no, ok, output, error);
        }
        let output = golden.output.as_ref().map(|json| {
            let ready = self.packer.json_args(json);
            self.keep(ready).0
        });
        let error = golden.error.as_ref().map(Fault::info);
        self.ended(1, golden.status == RunStatus::Succeeded, output.clone(), error.clone());
        self.emit(EventKind::RunEnded { status: golden.status, output, error });
        self.flush(true)?;
        Ok(self.batch.run)
    }

    fn emit(&mut self, kind: EventKind) {
        self.seq += 1;
        self.batch.events.push(Event { seq: self.seq, at: self.at, kind });
    }

    /// Stores what was gathered.
    fn flush(&mut self, durable: bool) -> Result<(), String> {
        let run = self.batch.run.clone();
        let batch = std::mem::replace(&mut self.batch, Batch { run, events: Vec::new(), nodes: Vec::new() });
        self.gathered = 0;
        let writer = self.store.writer().map_err(|error| error.to_string())?;
        writer.write(batch, durable).map_err(|error| error.to_string())
    }

    fn keep(&mut self, ready: Ready) -> (ValueRef, Digest) {
        self.gathered += ready.pieces.iter().map(|piece| piece.data.len()).sum::<usize>();
        self.batch.nodes.extend(ready.pieces);
        (ready.value, ready.canonical)
    }

    /// A value that was read; it is not in memory any more when much is.
    fn value(&mut self, meant: Meant) -> Result<(ValueRef, Digest), String> {
        let ready = match meant {
            Meant::Whole(json) => self.packer.json_value(&json),
            Meant::Pickled(text) => match value::from_json(&json!({"$bytes": text})) {
                value::Value::Bytes(pickle) => self.packer.any(&pickle),
                _ => return Err(format!("\"{PICKLE}\" is not base64")),
            },
        };
        let kept = self.keep(ready);
        if self.gathered > GATHERED {
            self.flush(false)?;
        }
        Ok(kept)
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
