//! Accepted changes: what is served because of them, with which reason, and under which code.

use super::*;
use crate::base::clock::TestClock;
use crate::engine::checkpoints::{InMemory, LoadError};
use crate::model::event::{CallAsked, CallEnded};
use crate::model::{CallKind, Event};
use bytes::Bytes;

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A finished run: `app` calls `outer`, which calls `inner`; each with the given code.
fn run(id: &str, outer: &str, inner: &str) -> Arc<RunHistory> {
    let mut run = RunHistory::new(RunId::from_text(id));
    let calls = [("app", "app", 0), ("outer", outer, 1), ("inner", inner, 2)];
    let mut seq = 0;
    let mut apply = |kind| {
        seq += 1;
        run.apply(&Event { seq, at: 0, kind });
    };
    for (i, (function, code, parent)) in calls.iter().enumerate() {
        apply(EventKind::CallAsked(Box::new(CallAsked {
            no: i as CallNo + 1,
            parent: *parent,
            parent_attempt: 1,
            kind: if *parent == 0 { CallKind::Root } else { CallKind::Call },
            function: (*function).to_owned(),
            ordinal: 1,
            key: digest(&format!("key of {function}")),
            code: digest(code),
            durable_id: digest(&format!("place of {function}")),
            durable: true,
            input: None,
            site: None,
            reason: None,
            effect: false,
            pickled: None,
        })));
        apply(EventKind::CallStarted { no: i as CallNo + 1, attempt: 1, worker: 1 });
    }
    for no in [3, 2, 1] {
        let output = ValueRef {
            digest: digest("output"),
            size: 1,
            preview: String::new(),
            inline: None,
            withheld: None,
        };
        apply(EventKind::CallEnded(Box::new(CallEnded {
            no,
            status: CallStatus::Fresh,
            wall_us: 1,
            output: Some(output),
            error: None,
            origin: None,
            usage: None,
            state_reads: vec![],
            reads: vec![],
        })));
    }
    Arc::new(run)
}

fn accepted(id: i64, function: &str, old: &str, new: &str) -> Accepted {
    let (old, new) = (digest(old), digest(new));
    Accepted { id, at: 0, function: function.to_owned(), old, new, note: None, revoked: None }
}

/// A replay of `base` today, where `outer` and `inner` have these codes.
fn today(base: Option<&Arc<RunHistory>>, outer: &str, inner: &str, declarations: &[Accepted]) -> Replay {
    let files = Files::new(std::path::Path::new("/nowhere"), Arc::new(TestClock::default()), &[]);
    let mut replay = Replay::new(Mode::Adaptive, base.cloned(), None, Arc::new(files));
    let codes = [("app", "app"), ("outer", outer), ("inner", inner)];
    replay.set_known(codes.map(|(name, code)| (name.to_owned(), Arc::new(known(name, code)))));
    replay.set_accepted(declarations);
    replay
}

fn known(function: &str, code: &str) -> CodeKnown {
    CodeKnown::alone(function, digest(code))
}

fn ask(replay: &mut Replay, function: &str, runs: &InMemory) -> Result<Hit, String> {
    let code = replay.known[function].code;
    let durable_id = digest(&format!("place of {function}")).hex();
    let wanted = Wanted {
        function,
        key: digest(&format!("key of {function}")),
        code,
        durable_id: &durable_id,
        parent_key: digest("key of app"),
    };
    replay.find(&wanted, &|_| None, runs).map_err(|miss| miss.reason.unwrap_or_default())
}

#[test]
fn an_accepted_change_is_served_says_so_and_keeps_the_code_that_made_it() {
    let base = run("aaaaaaaaaaaa", "1", "1");
    let runs = InMemory(vec![base.clone()]);
    let mut edited = today(Some(&base), "2", "1", &[]);
    assert_eq!(ask(&mut edited, "outer", &runs).unwrap_err(), "code changed");

    let mut served = today(Some(&base), "2", "1", &[accepted(1, "outer", "1", "2")]);
    assert_eq!(served.plan(&runs).unwrap().served, 2);
    let hit = ask(&mut served, "outer", &runs).unwrap();
    assert_eq!(hit.reason.as_deref(), Some("accepted change of outer (#1)"));
    assert_eq!(hit.code, digest("1"), "or taking it back would change nothing");

    let mut later = today(Some(&base), "3", "1", &[accepted(1, "outer", "1", "2")]);
    assert_eq!(ask(&mut later, "outer", &runs).unwrap_err(), "code changed", "a later edit");
    let mut back = today(Some(&run("bbbbbbbbbbbb", "2", "1")), "1", "1", &[accepted(1, "outer", "1", "2")]);
    assert_eq!(
        ask(&mut back, "outer", &InMemory(vec![])).unwrap_err(),
        "code changed",
        "the other direction"
    );
}

#[test]
fn a_caller_is_served_when_the_change_of_what_it_called_is_accepted() {
    let base = run("aaaaaaaaaaaa", "1", "1");
    let runs = InMemory(vec![base.clone()]);
    let mut edited = today(Some(&base), "1", "3", &[accepted(1, "inner", "1", "2")]);
    assert_eq!(ask(&mut edited, "outer", &runs).unwrap_err(), "code of inner changed");

    let chain = [accepted(1, "inner", "1", "2"), accepted(2, "inner", "2", "3")];
    let mut served = today(Some(&base), "1", "3", &chain);
    let hit = ask(&mut served, "outer", &runs).unwrap();
    assert_eq!(hit.reason, None, "its own code is as it was");
    let below = hit.history.call(3).unwrap();
    assert_eq!(served.said_below(below).as_deref(), Some("accepted changes of inner (#2, #1)"));
}

#[test]
fn checkpoints_of_other_runs_are_found_under_the_code_that_is_stood_for() {
    let runs = InMemory(vec![run("aaaaaaaaaaaa", "1", "1")]);
    let declarations = [accepted(1, "outer", "1", "2")];
    let mut any = today(None, "2", "1", &declarations);
    any.prefetch("outer", &digest("2"), &[digest("key of outer")], &runs);
    let hit = ask(&mut any, "outer", &runs).unwrap();
    assert_eq!(hit.reason.as_deref(), Some("accepted change of outer (#1)"));

    let other = run("bbbbbbbbbbbb", "9", "9");
    let mut replay = today(Some(&other), "2", "1", &declarations);
    let hit = ask(&mut replay, "outer", &runs).unwrap();
    assert_eq!(hit.reason.as_deref(), Some("from run aaaaaaaaaaaa; accepted change of outer (#1)"));
}

#[test]
fn code_of_today_is_taken_before_code_that_it_stands_for() {
    let (old, new) = (run("aaaaaaaaaaaa", "1", "1"), run("bbbbbbbbbbbb", "2", "1"));
    let runs = InMemory(vec![old, new.clone()]);
    let mut replay = today(Some(&new), "2", "1", &[accepted(1, "outer", "1", "2")]);
    let hit = ask(&mut replay, "outer", &runs).unwrap();
    assert_eq!((hit.code, hit.reason), (digest("2"), None));
}

/// Of many runs that have what is wanted only as many are read as are needed to know the best.
#[test]
fn runs_older_than_the_one_that_answers_are_not_read() {
    struct Counting(InMemory, std::sync::Mutex<Vec<RunId>>);
    impl Checkpoints for Counting {
        fn load(&self, value: &ValueRef) -> Result<Bytes, LoadError> {
            self.0.load(value)
        }
        fn history(&self, run: &RunId) -> Result<Arc<RunHistory>, String> {
            self.1.lock().unwrap().push(run.clone());
            self.0.history(run)
        }
        fn candidates(&self, wanted: &[Digest]) -> Result<Vec<Found>, String> {
            self.0.candidates(wanted)
        }
    }
    let ids = ["cccccccccccc", "bbbbbbbbbbbb", "aaaaaaaaaaaa"];
    let runs = Counting(InMemory(ids.iter().map(|id| run(id, "1", "1")).collect()), Default::default());
    let mut any = today(None, "1", "1", &[]);
    any.prefetch("outer", &digest("1"), &[digest("key of outer")], &runs);
    let wanted = |place: &'static str| (digest("key of outer"), digest(place).hex());
    let mut ask = |(key, durable_id): (Digest, String)| {
        let code = digest("1");
        let parent_key = digest("key of app");
        let wanted = Wanted { function: "outer", key, code, durable_id: &durable_id, parent_key };
        any.find(&wanted, &|_| None, &runs).unwrap().origin.run
    };
    assert_eq!(ask(wanted("place of outer")).as_str(), ids[0]);
    assert_eq!(*runs.1.lock().unwrap(), [RunId::from_text(ids[0])]);
    // Used already: the next newest. Elsewhere none is the best, and all are looked at.
    assert_eq!(ask(wanted("place of outer")).as_str(), ids[1]);
    assert_eq!(runs.1.lock().unwrap().len(), 2);
    assert_eq!(ask(wanted("another place")).as_str(), ids[2]);
}
