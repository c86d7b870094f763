//! A scheduler driven by hand, for tests: what a worker says goes in, what it would be told comes out. Every batch
//! is on disk at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::*;
use crate::base::clock::TestClock;
use crate::engine::checkpoints::{Found, LoadError};
use crate::engine::recorder::Piece;
use crate::engine::values::Packer;
use crate::model::{Event, Mode, RunHistory, ValueRef};
use crate::value::{self, NodeError, NodeSource, StoredNode, Value};

/// Values of all runs of a test.
#[derive(Default)]
pub struct Values {
    held: Mutex<HashMap<Digest, Bytes>>,
    /// Sizes of those that were loaded, and of those that were said to be wanted soon.
    pub loaded: Mutex<Vec<u64>>,
    pub wanted: Mutex<Vec<u64>>,
}

impl NodeSource for Values {
    fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError> {
        let data = self.held.lock().unwrap().get(digest).cloned().ok_or(NodeError::Missing)?;
        Ok(StoredNode { data, verified: false })
    }
}

impl Checkpoints for Values {
    fn load(&self, value: &ValueRef) -> Result<Bytes, LoadError> {
        self.loaded.lock().unwrap().push(value.size);
        value::unpack(&value.digest, value.inline.as_deref(), self)
            .map_err(|error| LoadError::Absent(error.to_string()))
    }

    fn ahead(&self, values: &[&ValueRef]) {
        self.wanted.lock().unwrap().extend(values.iter().map(|value| value.size));
    }

    fn history(&self, _: &RunId) -> Result<Arc<RunHistory>, String> {
        Err("no other runs".to_owned())
    }

    fn candidates(&self, _: &[Digest]) -> Result<Vec<Found>, String> {
        Ok(vec![])
    }
}

/// A function's code is its name.
struct Names;

impl Coder for Names {
    fn loaded(&mut self, _: &[Function], _: &Loaded) -> Result<(), String> {
        Ok(())
    }

    fn known(&mut self, function: &Function) -> CodeKnown {
        CodeKnown::alone(function.name.clone(), Digest::of(function.name.as_bytes()))
    }

    fn closure(&mut self, _: &Function, _: &Packer) -> Option<(Digest, Vec<Piece>)> {
        None
    }

    fn joined(&mut self, _: &Loaded) -> Result<Vec<Placed>, String> {
        Ok(vec![])
    }

    fn imported(&mut self, _: &[(String, String)]) -> Vec<Placed> {
        vec![]
    }

    fn reaches(&mut self, _: &Function, _: &Placed) -> bool {
        false
    }
}

/// The worker's connection.
pub const CONN: ConnId = 1;

/// A run whose functions are `app` (the application), `step`, and `live`, which is not durable.
pub struct Script {
    pub core: Core,
    pub history: RunHistory,
    /// What was written, in order.
    pub log: Vec<Event>,
    values: Arc<Values>,
    /// What was sent and not looked at.
    sent: VecDeque<(ToWorker, Vec<Bytes>)>,
    request: u64,
}

impl Script {
    /// A run whose application's body runs; it replays `base`.
    pub fn new(id: &str, values: &Arc<Values>, base: Option<&RunHistory>) -> Script {
        Script::with(id, values, base, None)
    }

    /// The same; it is stepped through.
    pub fn with(
        id: &str,
        values: &Arc<Values>,
        base: Option<&RunHistory>,
        stepper: Option<crate::engine::step::Stepper>,
    ) -> Script {
        let mode = if base.is_some() { Mode::Adaptive } else { Mode::Fresh };
        let spec = CoreSpec {
            run: RunId::from_text(id),
            app: "app".to_owned(),
            file: "/app.py".to_owned(),
            input: serde_json::json!({}),
            mode,
            parent: base.map(|run| run.id.clone()),
            in_doubt: InDoubt::Rerun,
            effects: super::Effects::Fail,
            workers: 1,
            slots: 8,
            driver: false,
            prices: Default::default(),
            purpose: Default::default(),
            samples: None,
            secrets: Default::default(),
        };
        let clock = Arc::new(TestClock::default());
        let files = Arc::new(Files::new(std::path::Path::new("/"), clock.clone(), &[]));
        let replay = Replay::new(mode, base.cloned().map(Arc::new), None, files.clone());
        let history = RunHistory::new(spec.run.clone());
        let mut core = Core::new(spec, clock, values.clone(), Box::new(Names), files, replay);
        if let Some(stepper) = stepper {
            core = core.stepped(stepper);
        }
        let mut script = Script {
            core,
            history,
            log: Vec::new(),
            values: values.clone(),
            sent: VecDeque::new(),
            request: 0,
        };
        script.core.begin();
        let functions =
            r#"[{"name":"app","application":true},{"name":"step"},{"name":"live","durable":false}]"#;
        script.give(Input::Ready {
            conn: CONN,
            worker: 1,
            python: "3.12.0".to_owned(),
            functions: serde_json::from_str(functions).unwrap(),
            messages: vec![],
            loaded: Box::default(),
        });
        let (begun, _) = script.told();
        assert!(matches!(begun, ToWorker::Run { .. }), "{begun:?}");
        script
    }

    /// Something happens.
    pub fn give(&mut self, input: Input) {
        self.core.handle(input);
        self.settle();
    }

    /// Writes everything, also what might wait for more.
    fn settle(&mut self) {
        self.core.held_until = self.core.held_until.map(|_| 0);
        loop {
            let actions = self.core.flush();
            if actions.is_empty() && self.core.held_until.is_none() && !self.core.goes_on() {
                return;
            }
            self.core.held_until = self.core.held_until.map(|_| 0);
            for action in actions {
                match action {
                    Action::Submit { batch, token } => {
                        batch.events.iter().for_each(|event| self.history.apply(event));
                        self.log.extend(batch.events.iter().cloned());
                        let pieces = batch.pieces.into_iter().map(|piece| (piece.digest, piece.data));
                        self.values.held.lock().unwrap().extend(pieces);
                        self.core.handle(Input::Committed { token, error: None });
                    }
                    Action::Send { message, blobs, .. } => self.sent.push_back((message, blobs)),
                    Action::Spawn { .. } | Action::Kill { .. } | Action::Gate(_) | Action::Finish(_) => {}
                }
            }
        }
    }

    /// A message of the worker.
    pub fn say(&mut self, header: serde_json::Value, blobs: Vec<Bytes>) {
        let message = serde_json::from_value(header).unwrap();
        self.give(Input::Message { conn: CONN, message, blobs });
    }

    /// The application's body calls `function(x=number)`.
    pub fn call(&mut self, function: &str, number: i64) {
        self.request += 1;
        let header = serde_json::json!(
            {"t": "call", "id": self.request, "by": 1, "attempt": 1, "fn": function, "at": ["/app.py", 7]});
        self.say(header, vec![arguments(number)]);
    }

    /// Somebody who steps through the run wants something.
    pub fn step(&mut self, command: crate::engine::step::StepCommand) {
        self.give(Input::Step(command));
    }

    /// The body of a call ends with this text.
    pub fn end(&mut self, call: CallNo, text: &str) {
        self.end_with(call, &Value::str(text));
    }

    /// The body of a call ends with this value.
    pub fn end_with(&mut self, call: CallNo, value: &Value) {
        let pickle = crate::value::pickle::to_pickle(value).unwrap();
        self.say(serde_json::json!({"t": "end", "call": call, "attempt": 1, "ok": true}), vec![pickle]);
    }

    /// The body took answers that had been sent ahead; with `more` it waits for further ones.
    pub fn took(&mut self, count: usize, more: bool) {
        self.request += u64::from(more);
        let id = more.then_some(self.request);
        let at = vec![("/app.py", 7); count];
        self.say(serde_json::json!({"t": "took", "id": id, "by": 1, "attempt": 1, "at": at}), vec![]);
    }

    /// The next message to the worker.
    pub fn told(&mut self) -> (ToWorker, Vec<Bytes>) {
        self.sent.pop_front().unwrap()
    }

    /// The next message to the worker, if there is one.
    pub fn heard(&mut self) -> Option<(ToWorker, Vec<Bytes>)> {
        self.sent.pop_front()
    }

    /// The answers in the next message, which must be one: how many were asked for (0 or 1), and those sent ahead.
    pub fn answered(&mut self) -> Vec<String> {
        let (message, blobs) = self.told();
        assert!(matches!(message, ToWorker::Done { ok: true, .. }), "{message:?}");
        blobs.iter().map(text).collect()
    }

    /// Takes the next message, which must be an answer.
    pub fn answered_one(&mut self) {
        let (message, _) = self.told();
        assert!(matches!(message, ToWorker::Done { ok: true, .. }), "{message:?}");
    }

    /// Executes the next call that the worker is told to: its number.
    pub fn executes(&mut self, result: &str) -> CallNo {
        let (message, _) = self.told();
        let ToWorker::Run { calls } = message else { panic!("{message:?}") };
        self.end(calls[0].call, result);
        calls[0].call
    }

    /// Status of the calls below the application, in order.
    pub fn statuses(&self) -> Vec<&'static str> {
        self.history.calls.iter().skip(1).map(|call| call.status.word()).collect()
    }
}

/// The pickle of `{"x": number}`.
pub fn arguments(number: i64) -> Bytes {
    let value = Value::dict(vec![(Value::str("x"), Value::Int(number))]);
    crate::value::pickle::to_pickle(&value).unwrap()
}

/// A pickled text.
pub fn text(pickle: &Bytes) -> String {
    match crate::value::pickle::read_lossy(pickle) {
        Value::Str(text) => String::from_utf8_lossy(text.bytes()).into_owned(),
        other => panic!("{other:?}"),
    }
}
