//! When a further worker is started.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::scripted::{Script, Values};
use super::*;
use crate::value::{Value, pickle};

/// A clock that stands still unless it is moved.
#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Micros {
        self.0.load(Ordering::Relaxed)
    }

    fn random(&self) -> u64 {
        7
    }
}

/// The worker for what the application calls.
const SECOND: ConnId = 2;
/// Calls that a worker takes at once.
const SLOTS: u32 = 8;

struct Crowd {
    script: Script,
    clock: Arc<Hand>,
}

impl Crowd {
    /// Two of at most three workers are there; the application maps over this many items.
    fn mapping(items: usize) -> Crowd {
        let mut script = Script::new("00112233aabb", &Arc::<Values>::default(), None);
        let clock = Arc::new(Hand::default());
        script.core.clock = clock.clone();
        (script.core.spec.workers, script.core.spec.slots) = (3, SLOTS);
        script.core.spawn();
        script.give(Input::Ready {
            conn: SECOND,
            worker: 2,
            python: String::new(),
            functions: vec![],
            messages: vec![],
            loaded: Box::default(),
        });
        let blobs = (0..items).map(|n| pickle::to_pickle(&Value::Int(n as i64)).unwrap()).collect();
        let map = serde_json::json!(
            {"t": "map", "id": 1, "by": 1, "attempt": 1, "fn": "step", "param": "x", "n": items});
        script.say(map, blobs);
        Crowd { script, clock }
    }

    /// Calls that the second worker was given since the last time.
    fn started(&mut self) -> Vec<CallNo> {
        let mut calls = Vec::new();
        while let Some((message, _)) = self.script.heard() {
            if let ToWorker::Run { calls: more } = message {
                calls.extend(more.iter().map(|call| call.call));
            }
        }
        calls
    }

    fn ends(&mut self, call: CallNo, us: i64) {
        let end = serde_json::json!({"t": "end", "call": call, "attempt": 1, "ok": true, "us": us});
        let message = serde_json::from_value(end).unwrap();
        let blob = pickle::to_pickle(&Value::Int(0)).unwrap();
        self.script.give(Input::Message { conn: SECOND, message, blobs: vec![blob] });
    }

    fn pass(&mut self, micros: Micros) {
        self.clock.0.fetch_add(micros, Ordering::Relaxed);
    }

    fn workers(&self) -> usize {
        self.script.core.workers.len()
    }
}

#[test]
fn calls_that_wait_as_long_as_a_start_takes_get_a_further_worker_although_nothing_ends() {
    let mut crowd = Crowd::mapping(100);
    assert_eq!(crowd.started().len(), SLOTS as usize);
    crowd.pass(74_000);
    crowd.script.give(Input::Timer);
    assert_eq!(crowd.workers(), 2, "nobody has waited long enough");
    let due = crowd.script.core.next_timer().unwrap();
    assert_eq!(due, 75_000, "somebody has to look again");
    crowd.pass(1_000);
    crowd.script.give(Input::Timer);
    assert_eq!(crowd.workers(), 3);
}

/// How many workers there are after a map over this many items, of which one ends each 0.1 ms; bodies take `us`. One call
/// of it ends only with the map, when `long` says so.
fn workers_after(items: usize, us: i64, long: bool) -> usize {
    let mut crowd = Crowd::mapping(items);
    let mut waiting = VecDeque::from(crowd.started());
    if long {
        waiting.pop_front();
    }
    while let Some(call) = waiting.pop_front() {
        crowd.pass(100);
        crowd.ends(call, us);
        waiting.extend(crowd.started());
    }
    crowd.workers()
}

#[test]
fn a_wide_map_gets_a_further_worker_only_while_much_of_it_is_left() {
    assert_eq!(workers_after(1_000, 90, false), 2);
    assert_eq!(workers_after(10_000, 90, false), 3);
}

#[test]
fn bodies_that_take_little_of_the_time_do_not_wait_for_workers() {
    assert_eq!(workers_after(10_000, 20, false), 2);
    assert_eq!(workers_after(10_000, 20, true), 3, "one call takes long beside them");
}

#[test]
fn a_call_whose_callers_sit_in_all_workers_does_not_wait_for_a_further_one() {
    let mut crowd = Crowd::mapping(1);
    let call = crowd.started()[0];
    let inner = serde_json::json!({"t": "call", "id": 1, "by": call, "attempt": 1, "fn": "step"});
    let message = serde_json::from_value(inner).unwrap();
    let blobs = vec![super::scripted::arguments(1)];
    crowd.script.give(Input::Message { conn: SECOND, message, blobs });
    assert_eq!(crowd.workers(), 3);
}

/// A worker has its next calls while what the last ones gave is packed and written.
#[test]
fn calls_that_wait_begin_before_outcomes_are_written() {
    let mut crowd = Crowd::mapping(20);
    let first = crowd.started();
    let ends: Vec<_> = first
        .iter()
        .map(|call| serde_json::json!({"call": call, "attempt": 1, "ok": true, "us": 5}))
        .collect();
    let message = serde_json::from_value(serde_json::json!({"t": "ends", "ends": ends})).unwrap();
    let blobs = vec![pickle::to_pickle(&Value::Int(0)).unwrap(); first.len()];
    crowd.script.give(Input::Message { conn: SECOND, message, blobs });
    let next = crowd.started();
    let seq = |wanted: &dyn Fn(&EventKind) -> bool| -> Vec<u64> {
        let events = crowd.script.log.iter().filter(|event| wanted(&event.kind));
        events.map(|event| event.seq).collect()
    };
    let starts = seq(&|kind| matches!(kind, EventKind::CallStarted { no, .. } if next.contains(no)));
    let outcomes = seq(&|kind| matches!(kind, EventKind::CallEnded(ended) if first.contains(&ended.no)));
    assert_eq!((starts.len(), outcomes.len()), (SLOTS as usize, SLOTS as usize));
    assert!(starts.iter().max() < outcomes.iter().min(), "{starts:?} {outcomes:?}");
}
