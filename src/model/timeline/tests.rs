use super::*;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::event::{CallAsked, CallEnded};
use crate::model::{CallStatus, ErrorInfo, ErrorKind, Event, EventKind, RunStatus, ValueRef};
use proptest::prelude::*;

/// A run written instant by instant, and the chart that was kept up to date meanwhile.
struct Log {
    run: RunHistory,
    live: Timeline,
}

impl Log {
    fn new() -> Self {
        let mut log = Log { run: RunHistory::new(RunId::from_text("a")), live: Timeline::default() };
        let input = ValueRef {
            digest: Digest::default(),
            size: 0,
            preview: String::new(),
            inline: None,
            withheld: None,
        };
        log.push(
            0,
            0,
            EventKind::RunStarted {
                run: RunId::from_text("a"),
                app: "app".to_owned(),
                file: String::new(),
                mode: crate::model::Mode::Fresh,
                parent: None,
                input,
                python: String::new(),
                version: String::new(),
                purpose: crate::model::Purpose::default(),
            },
        );
        log.ask(0, 0, "app", CallKind::Root);
        log.start(0, 1, 1);
        log
    }

    fn push(&mut self, at: Micros, no: CallNo, kind: EventKind) {
        self.run.apply(&Event { seq: self.run.last_seq + 1, at, kind });
        if let Some(call) = self.run.call(no) {
            self.live.sync(&self.run, call);
        }
    }

    fn ask(&mut self, at: Micros, parent: CallNo, function: &str, kind: CallKind) -> CallNo {
        let no = self.run.calls.len() as CallNo + 1;
        let asked = CallAsked {
            no,
            parent,
            parent_attempt: 1,
            kind,
            function: function.to_owned(),
            ordinal: no,
            key: Digest::default(),
            code: Digest::default(),
            durable_id: Digest::default(),
            durable: true,
            input: None,
            site: None,
            reason: None,
            effect: false,
            pickled: None,
        };
        self.push(at, no, EventKind::CallAsked(Box::new(asked)));
        no
    }

    fn start(&mut self, at: Micros, no: CallNo, attempt: u32) {
        self.push(at, no, EventKind::CallStarted { no, attempt, worker: 1 });
    }

    fn fail_attempt(&mut self, at: Micros, no: CallNo) {
        let error = ErrorInfo::new(ErrorKind::Function, "E", "");
        self.push(at, no, EventKind::AttemptFailed { no, attempt: 1, error });
    }

    fn end(&mut self, at: Micros, no: CallNo, status: CallStatus) {
        let ended = CallEnded {
            no,
            status,
            wall_us: 1,
            output: None,
            error: None,
            origin: None,
            usage: None,
            state_reads: Vec::new(),
            reads: Vec::new(),
        };
        self.push(at, no, EventKind::CallEnded(Box::new(ended)));
    }

    fn call(&mut self, parent: CallNo, function: &str, times: (Micros, Micros, Micros)) -> CallNo {
        let no = self.ask(times.0, parent, function, CallKind::Call);
        self.start(times.1, no, 1);
        self.end(times.2, no, CallStatus::Fresh);
        no
    }

    fn finish(&mut self, at: Micros) {
        self.end(at, 1, CallStatus::Fresh);
        self.push(at, 0, EventKind::RunEnded { status: RunStatus::Succeeded, output: None, error: None });
    }
}

fn path(log: &Log, now: Micros) -> Vec<(CallNo, Spent, Micros, Micros)> {
    critical_path(&log.run, now).iter().map(|s| (s.no, s.spent, s.from, s.to)).collect()
}

#[test]
fn a_chain_is_critical_as_a_whole() {
    let mut log = Log::new();
    log.call(1, "a", (10, 12, 30));
    log.call(1, "b", (35, 35, 60));
    log.finish(70);
    use Spent::{Executing, Waiting};
    let expected = [
        (1, Executing, 0, 10),
        (2, Waiting, 10, 12),
        (2, Executing, 12, 30),
        (1, Executing, 30, 35),
        (3, Executing, 35, 60),
        (1, Executing, 60, 70),
    ];
    assert_eq!(path(&log, 70), expected);
    let shares = shares(&log.run, &critical_path(&log.run, 70));
    assert_eq!((shares[1].function.as_str(), shares[1].time, shares[1].calls), ("b", 25, 1));
    assert_eq!(shares.iter().map(|share| share.time).sum::<Micros>(), 70);
}

#[test]
fn of_calls_at_once_the_last_to_end_is_critical() {
    let mut log = Log::new();
    let map = log.ask(5, 1, "item", CallKind::Map);
    let items: Vec<CallNo> = (0..3).map(|_| log.ask(5, map, "item", CallKind::Call)).collect();
    for no in &items {
        log.start(6, *no, 1);
    }
    log.end(20, items[0], CallStatus::Fresh);
    log.end(90, items[1], CallStatus::Fresh);
    log.end(40, items[2], CallStatus::Fresh);
    log.end(91, map, CallStatus::Fresh);
    log.finish(95);
    let on: Vec<CallNo> = path(&log, 95).iter().map(|s| s.0).collect();
    assert_eq!(on, [1, items[1], items[1], map, 1]);
    assert_eq!(log.live.most, 3);
    // Three at once need three lanes; the map has one of its own.
    let lanes: Vec<(&str, CallKind, usize)> = log
        .live
        .groups
        .iter()
        .map(|group| (group.function.as_str(), group.kind, group.lanes.len()))
        .collect();
    assert_eq!(lanes, [("app", CallKind::Root, 1), ("item", CallKind::Map, 1), ("item", CallKind::Call, 3)]);
}

#[test]
fn the_time_between_attempts_is_waiting() {
    let mut log = Log::new();
    let no = log.ask(10, 1, "flaky", CallKind::Call);
    log.start(12, no, 1);
    log.fail_attempt(20, no);
    assert!(log.live.bar(no).is_some_and(|bar| bar.to == OPEN && bar.status == CallStatus::Pending));
    log.start(50, no, 2);
    log.end(60, no, CallStatus::Fresh);
    log.finish(60);
    let call = log.run.call(no).unwrap();
    assert_eq!(attempts(&log.run, call, 60), [(12, 20), (50, 60)]);
    assert_eq!(waited(&log.run, call, 60), 2 + 30);
    let waits = path(&log, 60).iter().filter(|s| s.1 == Spent::Waiting).map(|s| s.3 - s.2).sum::<Micros>();
    assert_eq!(waits, 32);
    let bar = log.live.bar(no).unwrap();
    assert_eq!((bar.asked, bar.from, bar.to), (10, 12, 60));
}

#[test]
fn served_calls_share_a_lane_even_at_one_instant() {
    let mut log = Log::new();
    for _ in 0..50 {
        let no = log.ask(10, 1, "step", CallKind::Call);
        log.end(10, no, CallStatus::Cached);
    }
    log.finish(11);
    for chart in [&log.live, &Timeline::of(&log.run)] {
        assert_eq!(chart.groups[1].lanes.len(), 1);
        assert_eq!(chart.lanes[1].bars.len(), 50);
        assert_eq!(chart.most, 1, "the application's own code");
    }
}

#[test]
fn what_a_run_left_open_ends_with_it() {
    let mut log = Log::new();
    let no = log.ask(10, 1, "slow", CallKind::Call);
    log.start(12, no, 1);
    log.push(50, 0, EventKind::RunEnded { status: RunStatus::Cancelled, output: None, error: None });
    for call in &log.run.calls.clone() {
        log.live.sync(&log.run, call);
    }
    assert_eq!(log.live.bar(no).map(|bar| (bar.to, bar.status)), Some((50, CallStatus::Cancelled)));
    assert_eq!(path(&log, 999).last().map(|s| s.3), Some(50));
}

proptest! {
    /// A chart kept up to date call by call is the chart of the whole; the path has no gaps.
    #[test]
    fn live_is_as_made_at_once(
        calls in proptest::collection::vec((0usize..6, 0usize..3, 1i64..40, 1i64..40, 0u8..4), 1..40),
        cut in 0i64..2_000,
    ) {
        let mut log = Log::new();
        // Moments in the order of time; no two at one instant.
        let mut moments: Vec<(Micros, usize, u8)> = Vec::new();
        for (i, (_, _, wait, run, _)) in calls.iter().enumerate() {
            let asked = 1_000 * (i as i64 / 4 + 1) + i as i64;
            let started = asked + wait * 100;
            moments.extend([(asked, i, 0), (started, i, 1), (started + run * 100, i, 2)]);
        }
        moments.sort_unstable();
        let mut numbers = vec![0; calls.len()];
        let mut last = 0;
        for (at, i, what) in moments {
            let (parent, function, _, _, end) = calls[i];
            last = at;
            match (what, end) {
                (0, _) => {
                    let parent = if parent < i { numbers[parent] } else { 1 };
                    numbers[i] = log.ask(at, parent, ["a", "b", "c"][function], CallKind::Call);
                }
                (1, 0) => {}
                (1, _) => log.start(at, numbers[i], 1),
                (_, 0) => log.end(at, numbers[i], CallStatus::Cached),
                (_, 1) => log.fail_attempt(at, numbers[i]),
                (_, 2) if at % 3 == 0 => {}
                _ => log.end(at, numbers[i], CallStatus::Fresh),
            }
            if at > 2_000 + cut * 10 {
                break;
            }
        }
        let whole = Timeline::of(&log.run);
        log.live.order();
        prop_assert_eq!(&log.live.lanes, &whole.lanes);
        prop_assert_eq!(&log.live.steps, &whole.steps);
        prop_assert_eq!(log.live.rows(), whole.rows());
        // What is added up meanwhile is the sum of the steps.
        let steps = &whole.steps;
        let end = last + 500;
        let worked: Micros = (0..steps.len())
            .map(|i| (steps.get(i + 1).map_or(end, |next| next.at) - steps[i].at) * Micros::from(steps[i].executing))
            .sum();
        prop_assert_eq!(whole.mean(0, end), if steps.is_empty() { 0.0 } else { worked as f64 / end as f64 });
        prop_assert_eq!(whole.most_waiting(), steps.iter().map(|step| step.waiting).max().unwrap_or(0));
        for lane in &whole.lanes {
            for pair in lane.bars.windows(2) {
                prop_assert!(pair[0].to <= pair[1].from, "bars overlap: {pair:?}");
            }
        }
        let now = last + 500;
        let path = critical_path(&log.run, now);
        prop_assert_eq!(path.first().map(|s| s.from), Some(0));
        prop_assert_eq!(path.last().map(|s| s.to), Some(now));
        for pair in path.windows(2) {
            prop_assert_eq!(pair[0].to, pair[1].from);
        }
    }
}
