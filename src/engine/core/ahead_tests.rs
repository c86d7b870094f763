use std::sync::Arc;

use super::scripted::{CONN, Script, Values, arguments, text};
use super::*;
use crate::engine::step::{Breakpoint, Budget, Goal, StepCommand, Stepper, Want};
use crate::model::RunHistory;
use crate::model::filter::Filter;

/// A run that called `step(0)`, `step(1)`, ... of which each returned `r0`, `r1`, ...
fn recorded(values: &Arc<Values>, calls: i64) -> RunHistory {
    let mut script = Script::new("000000000001", values, None);
    for number in 0..calls {
        script.call("step", number);
        script.executes(&format!("r{number}"));
        assert_eq!(script.answered(), [format!("r{number}")]);
    }
    script.history
}

#[test]
fn answers_travel_ahead_and_are_recorded_when_they_are_taken() {
    let values = Arc::default();
    let first = recorded(&values, 12);
    let mut replay = Script::new("000000000002", &values, Some(&first));
    replay.call("step", 0);
    assert_eq!(replay.answered(), ["r0", "r1", "r2", "r3", "r4"]);
    assert_eq!(replay.statuses(), ["cached"]);
    replay.took(2, true);
    assert_eq!(replay.answered(), ["r5", "r6", "r7", "r8", "r9", "r10", "r11"]);
    assert_eq!(replay.statuses(), ["cached"; 3]);
    replay.took(9, false);
    // Each is recorded as if it had been asked for.
    for (now, then) in replay.history.calls.iter().zip(&first.calls).skip(1) {
        assert_eq!((&now.key, &now.durable_id, now.ordinal), (&then.key, &then.durable_id, then.ordinal));
        assert_eq!((&now.input, &now.output, &now.site), (&then.input, &then.output, &then.site));
        assert_eq!(now.origin.as_ref().unwrap().call, then.no);
        assert_eq!(now.pickled, then.pickled);
    }
    assert_eq!(replay.statuses(), ["cached"; 12]);
}

#[test]
fn what_was_foreseen_and_not_taken_is_free_again() {
    let values = Arc::default();
    let first = recorded(&values, 6);
    let mut replay = Script::new("000000000002", &values, Some(&first));
    replay.call("step", 0);
    assert_eq!(replay.answered().len(), 5);
    replay.took(1, false);
    replay.call("step", 99);
    replay.executes("new");
    assert_eq!(replay.answered(), ["new"]);
    // In another order, and each once.
    for number in [5, 2, 4, 3] {
        replay.call("step", number);
        assert_eq!(replay.answered()[0], format!("r{number}"));
    }
    replay.call("step", 4);
    replay.executes("again");
    assert_eq!(
        replay.statuses(),
        ["cached", "cached", "fresh", "cached", "cached", "cached", "cached", "fresh"]
    );
}

#[test]
fn a_wrong_guess_makes_cautious() {
    let values = Arc::default();
    let first = recorded(&values, 9);
    let mut replay = Script::new("000000000002", &values, Some(&first));
    replay.call("step", 0);
    assert_eq!(replay.answered().len(), 5);
    replay.call("step", 5);
    assert_eq!(replay.answered(), ["r5", "r6"]);
    replay.took(1, true);
    assert_eq!(replay.answered(), ["r7", "r8"]);
}

#[test]
fn only_what_nothing_can_change_is_foreseen() {
    let values = Arc::default();
    let mut script = Script::new("000000000001", &values, None);
    script.call("step", 0);
    script.executes("r0");
    script.call("step", 1);
    // This one reads the request state.
    let no = script.history.calls.last().unwrap().no;
    script.say(serde_json::json!({"t": "state_get", "id": 90, "by": no, "key": "k"}), vec![]);
    script.end(no, "r1");
    let first = script.history;
    let mut replay = Script::new("000000000002", &values, Some(&first));
    replay.call("step", 0);
    assert_eq!(replay.answered(), ["r0"]);
    replay.call("step", 1);
    assert_eq!(replay.answered(), ["r1"]);
}

#[test]
fn large_outputs_are_read_ahead_and_not_sent() {
    let values: Arc<Values> = Arc::default();
    let mut script = Script::new("000000000001", &values, None);
    for number in 0..8 {
        script.call("step", number);
        script.executes(&number.to_string().repeat(1 << 20));
        script.answered();
    }
    let mut replay = Script::new("000000000002", &values, Some(&script.history));
    values.loaded.lock().unwrap().clear();
    replay.call("step", 0);
    assert_eq!(replay.answered().len(), 1);
    let taken = std::mem::take(&mut *values.loaded.lock().unwrap());
    assert_eq!(taken.len(), 1, "what is not sent is not loaded: {taken:?}");
    let wanted = std::mem::take(&mut *values.wanted.lock().unwrap());
    assert_eq!(wanted.len(), 3, "4 MiB at most: {wanted:?}");
}

#[test]
fn calls_that_are_not_durable_end_what_is_foreseen() {
    let values = Arc::default();
    let mut script = Script::new("000000000001", &values, None);
    for (function, number) in [("step", 0), ("live", 1), ("step", 2)] {
        script.call(function, number);
        script.executes(&format!("r{number}"));
        script.answered();
    }
    let mut replay = Script::new("000000000002", &values, Some(&script.history));
    replay.call("step", 0);
    assert_eq!(replay.answered(), ["r0"]);
}

#[test]
fn nothing_is_foreseen_while_something_else_goes_on() {
    let values = Arc::default();
    let first = recorded(&values, 3);
    let mut replay = Script::new("000000000002", &values, Some(&first));
    replay.call("step", 99);
    replay.call("step", 0);
    assert!(matches!(replay.told().0, ToWorker::Run { .. }));
    assert_eq!(replay.answered(), ["r0"]);
}

/// A replay of twelve calls that is stepped through with this goal and this breakpoint: what was sent in answer to
/// its first call.
fn stepped(goal: Goal, breakpoint: Option<&str>) -> (Script, usize) {
    let values = Arc::default();
    let first = recorded(&values, 12);
    let points =
        breakpoint.map(|text| Breakpoint { filter: Filter::parse(text).unwrap(), text: text.into() });
    let stepper = Stepper::new(goal, points.into_iter().collect(), Budget::default());
    let mut replay = Script::with("000000000002", &values, Some(&first), Some(stepper));
    replay.call("step", 0);
    let sent = replay.answered().len();
    (replay, sent)
}

#[test]
fn whoever_steps_gets_ahead_what_comes_before_the_next_stop() {
    // The application is call 1, step(0) is call 2.
    let (mut replay, sent) = stepped(Goal::At(5), None);
    assert_eq!(sent, 3, "calls 2, 3 and 4");
    replay.took(2, true);
    assert_eq!(replay.answered(), Vec::<String>::new());
    replay.call("step", 3);
    assert!(replay.heard().is_none(), "it waits");
    replay.step(StepCommand::Go(Goal::Continue));
    assert!(replay.answered().len() > 2, "nothing stops it any more");

    let path = Filter::parse("path:\"app/step#3\"").unwrap();
    assert_eq!(stepped(Goal::To(path), None).1, 2);
    assert_eq!(stepped(Goal::Continue, Some("path:app/step#4")).1, 3);
    assert_eq!(stepped(Goal::Continue, Some("fn:other")).1, 5);
    assert_eq!(stepped(Goal::Next(Want::Failed), Some("not root and pending and in~2")).1, 2);
    let long = Budget { seconds: Some(1e6), ..Budget::default() };
    let (mut replay, _) = stepped(Goal::Next(Want::Failed), None);
    replay.step(StepCommand::Budget(long));
    replay.took(4, true);
    assert_eq!(replay.answered().len(), 0, "time goes by whoever looks");
}

#[test]
fn who_changes_his_mind_finds_the_run_stopped_behind_what_was_sent() {
    let (mut replay, sent) = stepped(Goal::Continue, None);
    assert_eq!(sent, 5);
    replay.step(StepCommand::Pause);
    replay.took(4, true);
    assert_eq!(replay.answered().len(), 0);
    replay.call("step", 5);
    assert!(replay.heard().is_none(), "it waits");
    assert_eq!(replay.statuses(), ["cached", "cached", "cached", "cached", "cached", "pending"]);
}

#[test]
fn an_answer_that_was_not_sent_cannot_be_taken() {
    let values = Arc::default();
    let first = recorded(&values, 3);
    let mut replay = Script::new("000000000002", &values, Some(&first));
    replay.call("step", 0);
    assert_eq!(replay.answered().len(), 3);
    replay.took(3, false);
    let error = replay.history.error.as_ref().unwrap();
    assert!(error.message.contains("not meant for it"), "{}", error.message);
}

/// The attempt that took answers is over: nothing of it is held, and the next attempt gets them.
#[test]
fn a_dead_worker_leaves_nothing_reserved() {
    let values = Arc::default();
    let first = recorded(&values, 3);
    let mut replay = Script::new("000000000002", &values, Some(&first));
    replay.call("step", 0);
    assert_eq!(replay.answered().len(), 3);
    assert_eq!(replay.core.ahead.len(), 1);
    replay.core.handle(Input::Gone { worker: 1, conn: Some(CONN), executing: vec![1], why: "died".into() });
    assert!(replay.core.ahead.is_empty());
}

/// Results of a wide map leave the engine as they come, each once, and the end brings the rest.
#[test]
fn a_wide_map_is_handed_out_in_parts() {
    let values = Arc::default();
    let mut script = Script::new("000000000001", &values, None);
    let items: Vec<Bytes> = (0..5).map(arguments).collect();
    let header = serde_json::json!(
        {"t": "map", "id": 1, "by": 1, "attempt": 1, "fn": "step", "param": "x", "n": 5, "at": ["/app.py", 7]});
    script.say(header, items);
    let (begun, _) = script.told();
    let ToWorker::Run { calls } = begun else { panic!("{begun:?}") };
    let mut sent: Vec<usize> = Vec::new();
    for index in [3, 0, 4, 1, 2] {
        script.end(calls[index].call, &index.to_string().repeat(50 << 10));
        let Some((message, blobs)) = script.heard() else { continue };
        let (at, over) = match message {
            ToWorker::Part { id: 1, at } => (at, false),
            ToWorker::Done { id: 1, ok: true, n: Some(5), at: Some(at), .. } => (at, true),
            other => panic!("{other:?}"),
        };
        for (index, blob) in at.iter().zip(&blobs) {
            assert!(text(blob).starts_with(&index.to_string()));
        }
        sent.extend(at);
        assert_eq!((sent.len(), over), if over { (5, true) } else { (3, false) });
    }
    assert_eq!(sent[..3], [3, 0, 4]);
    assert!(script.core.parts.is_empty());
    assert!(script.core.nodes.iter().all(|node| node.result.is_none()));
}

/// The first items of a wide map begin, and leave, while the others are decided; whatever comes meanwhile finds all
/// of them decided.
#[test]
fn a_wide_map_is_decided_in_pieces_and_nothing_comes_between() {
    let wide = |script: &Script| {
        let items: Vec<Bytes> = (0..200).map(arguments).collect();
        let header = serde_json::json!(
            {"t": "map", "id": 1, "by": 1, "attempt": 1, "fn": "step", "param": "x", "n": 200, "at": ["/app.py", 7]});
        let message = serde_json::from_value(header).unwrap();
        assert!(!script.core.goes_on());
        Input::Message { conn: CONN, message, blobs: items }
    };
    let values = Arc::default();
    let mut script = Script::new("000000000001", &values, None);
    let map = wide(&script);
    script.core.handle(map);
    let asked = |actions: &[Action]| {
        let batches = actions.iter().filter_map(|action| match action {
            Action::Submit { batch, token } => Some((batch.events.len(), batch.then.len(), *token)),
            _ => None,
        });
        batches.collect::<Vec<_>>()
    };
    let actions = script.core.flush();
    let [(events, then, token)] = asked(&actions)[..] else { panic!("{actions:?}") };
    // The code, the map, its start, its first items, and the starts of as many as the worker has room for.
    assert_eq!((events, then), (3 + 64 + 8, 8));
    script.core.handle(Input::Committed { token, error: None });
    assert!(script.core.goes_on(), "bodies begin before all is decided");
    let actions = script.core.flush();
    assert!(
        matches!(&actions[..], [Action::Send { message: ToWorker::Run { calls }, .. }] if calls.len() == 8)
    );
    assert_eq!(script.core.nodes.iter().filter(|node| node.no != 0).count(), 2 + 128);
    let progress = serde_json::json!({"t": "progress", "by": 3, "current": 1.0, "total": 2.0});
    script.say(progress, vec![]);
    assert!(!script.core.goes_on());
    let last_asked = script.log.iter().rposition(|event| matches!(event.kind, EventKind::CallAsked(_)));
    let told = script.log.iter().position(|event| matches!(event.kind, EventKind::Progress { .. }));
    assert!(last_asked.is_some() && last_asked < told);
}
