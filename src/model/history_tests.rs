use super::test_support::history;
use super::*;
use crate::model::call::ErrorKind;
use crate::model::event::CallEnded;

fn end(no: CallNo, status: CallStatus) -> EventKind {
    EventKind::CallEnded(Box::new(CallEnded {
        no,
        status,
        wall_us: 5,
        output: None,
        error: None,
        origin: None,
        usage: None,
        state_reads: vec![],
        reads: vec![],
    }))
}

fn apply(run: &mut RunHistory, kind: EventKind) {
    let event = Event { seq: run.last_seq + 1, at: 1, kind };
    run.apply(&event);
}

#[test]
fn counts_follow_statuses_and_leave_the_root_out() {
    let mut run = history(&[("root", 0, CallKind::Root, 1), ("a", 1, CallKind::Call, 1)]);
    apply(&mut run, EventKind::CallStarted { no: 2, attempt: 1, worker: 1 });
    assert_eq!(run.counts.running, 1);
    apply(&mut run, end(2, CallStatus::Fresh));
    apply(&mut run, end(1, CallStatus::Fresh));
    assert_eq!(run.counts.fresh, 1);
    assert_eq!(run.counts.total(), 1);
}

#[test]
fn an_event_applies_once() {
    let mut run = history(&[("root", 0, CallKind::Root, 1), ("a", 1, CallKind::Call, 1)]);
    let event = Event { seq: run.last_seq + 1, at: 1, kind: end(2, CallStatus::Cached) };
    run.apply(&event);
    run.apply(&event);
    assert_eq!(run.saved.calls, 1);
}

#[test]
fn an_interrupted_run_leaves_started_calls_in_doubt() {
    let mut run =
        history(&[("root", 0, CallKind::Root, 1), ("a", 1, CallKind::Call, 1), ("b", 1, CallKind::Call, 1)]);
    apply(&mut run, EventKind::CallStarted { no: 2, attempt: 1, worker: 1 });
    run.close(RunStatus::Interrupted, 9);
    assert_eq!(run.call(2).map(|c| c.status), Some(CallStatus::InDoubt));
    assert_eq!(run.call(3).map(|c| c.status), Some(CallStatus::Cancelled));
    assert_eq!(run.counts.in_doubt, 1);
}

#[test]
fn what_stops_a_run_from_above_its_calls_is_told_by_the_application_s_own() {
    let ends = |own: Option<&str>, status: RunStatus| {
        let mut run = history(&[("root", 0, CallKind::Root, 1), ("a", 1, CallKind::Call, 1)]);
        let error = |name: &str| ErrorInfo::new(ErrorKind::Cancelled, name, "stopped");
        if let (EventKind::CallEnded(mut ended), Some(own)) = (end(1, CallStatus::Failed), own) {
            ended.error = Some(error(own));
            apply(&mut run, EventKind::CallEnded(ended));
        }
        apply(&mut run, EventKind::RunEnded { status, output: None, error: Some(error("ReplayMismatch")) });
        run.call(1).and_then(|root| root.error.as_ref()).map(|error| error.type_name.clone())
    };
    assert_eq!(ends(None, RunStatus::Mismatch).as_deref(), Some("ReplayMismatch"));
    assert_eq!(ends(None, RunStatus::Failed).as_deref(), Some("ReplayMismatch"));
    assert_eq!(ends(Some("ValueError"), RunStatus::Failed).as_deref(), Some("ValueError"));
    assert_eq!(ends(None, RunStatus::Cancelled), None, "stopped by somebody: nothing failed");
}
