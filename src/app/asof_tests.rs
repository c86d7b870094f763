//! The time line of a finished run: where moves lead, what is read for them, and what the screen shows.

use std::cell::Cell;
use std::sync::Arc;

use crate::app::asof::{self, Mark, Move, NEAR, moved};
use crate::app::script::{self as fake, Script};
use crate::app::testing::{ENV, bench, press, selected};
use crate::app::{AppState, Effect, Msg, Reply, command, settle, update};
use crate::base::ids::RunId;
use crate::model::{CallStatus, Event, RunHistory, RunStatus};

pub(super) fn failed() -> Script {
    fake::agent("2c1a00000000", 60, None, RunStatus::Failed)
}

/// Whole segments, as the store gives them: more than was asked for.
fn read(script: &Script, after: u64, most: usize) -> Vec<Event> {
    script.events.iter().skip(after as usize).take(most.next_multiple_of(30)).cloned().collect()
}

/// Answers questions until none is left; what was asked.
fn feed(state: &mut AppState, script: &Script, mut effects: Vec<Effect>) -> Vec<Effect> {
    let mut asked = Vec::new();
    for _ in 0..10 {
        effects.extend(settle(state, &ENV));
        effects.retain(|effect| {
            !matches!(effect, Effect::LoadValue { .. } | Effect::Judge { .. } | Effect::LetGo(_))
        });
        for effect in std::mem::take(&mut effects) {
            let reply = fake::answer(std::slice::from_ref(script), &effect).unwrap();
            effects.extend(update(state, Msg::Reply(reply), &ENV));
            asked.push(effect);
        }
    }
    asked
}

/// On the time line of a run, after these keys.
pub(super) fn along(script: &Script, keys: &str) -> AppState {
    let mut state = bench(std::slice::from_ref(script));
    for key in std::iter::once("T").chain(keys.split_whitespace()) {
        let effects = press(&mut state, key);
        feed(&mut state, script, effects);
    }
    state
}

fn words(state: &AppState) -> String {
    asof::line(state).into_iter().map(|(_, piece)| piece).collect()
}

fn shown(state: &AppState) -> String {
    let lines = state.doc.lines.iter();
    lines.flat_map(|line| line.iter().map(|(_, piece)| piece.as_str()).chain(["\n"])).collect()
}

#[test]
fn moves_stay_within_the_run_and_find_what_they_look_for() {
    let script = failed();
    let marks: Vec<Mark> = script.events.iter().map(Mark::of).collect();
    let last = marks.len() as u64;
    assert_eq!(moved(&marks, 1, Move::By(-10)), Some(1));
    assert_eq!(moved(&marks, 1, Move::By(10)), Some(11));
    assert_eq!(moved(&marks, last, Move::By(10)), Some(last));
    assert_eq!((moved(&marks, 5, Move::First), moved(&marks, 5, Move::Last)), (Some(1), Some(last)));
    // The call failed, then the application, then the run ended.
    assert_eq!(moved(&marks, 1, Move::Failure(true)), Some(last - 2));
    assert_eq!(moved(&marks, last - 2, Move::Failure(true)), Some(last - 1));
    assert_eq!(moved(&marks, last - 1, Move::Failure(true)), None);
    assert_eq!(moved(&marks, last, Move::Failure(false)), Some(last - 1));
    assert_eq!(moved(&marks, last - 2, Move::Failure(false)), None);
    let ends: Vec<u64> =
        std::iter::successors(Some(1), |at| moved(&marks, *at, Move::End(true))).skip(1).collect();
    assert_eq!(ends.len(), 8);
    let back: Vec<u64> =
        std::iter::successors(Some(last), |at| moved(&marks, *at, Move::End(false))).skip(1).collect();
    assert_eq!(back, ends.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(moved(&[], 0, Move::By(1)), None);
}

#[test]
fn a_run_put_together_from_anywhere_is_what_its_events_say() {
    let script = fake::mapping("77d200000000", 3_000, &[7, 2_000]);
    let total = script.events.len() as u64;
    assert_eq!(asof::marks(|after, most| Ok(read(&script, after, most))).unwrap().len() as u64, total);
    let mut line = asof::AsOf::new(script.run.clone(), 1);
    line.marks = Arc::new(script.events.iter().map(Mark::of).collect());
    let most_read = Cell::new(0);
    let mut go = |seq: u64| {
        line.seq = seq;
        let read_now = Cell::new(0);
        let count = |after, most| {
            let events = read(&script, after, most);
            read_now.set(read_now.get() + events.len() as u64);
            Ok(events)
        };
        let rebuilt = asof::rebuild(&script.run, (seq, total), line.base(), count).unwrap();
        let mut expected = RunHistory::new(script.run.clone());
        script.events[..seq as usize].iter().for_each(|event| expected.apply(event));
        assert!(*rebuilt.open.history == expected, "after event {seq}");
        line.open = Some(Box::new(rebuilt.open));
        drop(line.keep(rebuilt.kept));
        assert!(line.kept.len() <= 6, "{}", line.kept.len());
        most_read.set(read_now.get());
    };
    for seq in [total, 1, total - 1] {
        go(seq);
    }
    // Step by step back over the borders of what is kept; no step reads much.
    for back in (2..2_500).step_by(83) {
        go(total - back);
        assert!(most_read.get() <= 2 * NEAR, "{} events for one step", most_read.get());
    }
    assert!(
        asof::rebuild(&script.run, (total + 1, total), None, |after, most| Ok(read(&script, after, most)))
            .is_err()
    );
}

#[test]
fn the_screen_is_as_of_then_and_esc_leaves() {
    let script = failed();
    let total = script.events.len();
    let mut state = along(&script, "");
    // It begins where the selected call ended.
    let failure = format!("event {} of {total}, +", total - 2);
    assert!(words(&state).starts_with(&failure), "{}", words(&state));
    assert!(words(&state).ends_with("call_llm#4 ended: failed"), "{}", words(&state));
    assert!(shown(&state).contains("RateLimitError"));
    assert_eq!(state.current().unwrap().history.status, RunStatus::Running);

    // Before that it ran, and wrote less.
    state = along(&script, "left");
    assert!(words(&state).ends_with("call_llm#4 wrote"), "{}", words(&state));
    let call = state.current().unwrap().call().unwrap();
    assert_eq!((call.no, call.status, call.error.is_none()), (8, CallStatus::Running, true));
    assert!(
        !shown(&state).contains("RateLimitError") && shown(&state).contains("Runs."),
        "{}",
        shown(&state)
    );
    state = along(&script, "left left");
    assert_eq!(state.current().unwrap().history.logs.len(), 2);

    // At the beginning there is nothing else; the first call to end has its output there.
    state = along(&script, "home");
    assert_eq!(words(&state), format!("event 1 of {total}, +0 ms, the run started"));
    assert_eq!(state.current().unwrap().history.calls.len(), 0);
    state = along(&script, "home c");
    assert!(words(&state).ends_with("call_llm#1 ended: fresh"), "{}", words(&state));
    assert_eq!((selected(&state), state.current().unwrap().history.calls.len()), (2, 2));
    assert!(shown(&state).contains("search_web"), "{}", shown(&state));
    press(&mut state, "p");
    assert_eq!(state.toast.as_ref().unwrap().text, "No failure before this event.");

    // Esc leaves, whatever was selected.
    assert_eq!(press(&mut state, "esc"), []);
    assert!(state.time_line().is_none());
    assert_eq!(state.current().unwrap().history.status, RunStatus::Failed);
    assert!(press(&mut state, "left").is_empty(), "the key has its own meaning again");
}

#[test]
fn request_state_is_as_of_then() {
    let mut script = Script::new("2c1b00000000", 60, None, "{}");
    script.set(1, "step", "\"one\"");
    let no = script.call("call_llm", 1, CallStatus::Fresh, "{}", "1");
    script.set(no, "step", "\"two\"");
    script.set(no, "name", "\"Ada\"");
    script.end(1, CallStatus::Fresh, 10, "\"done\"", 0);
    script.finish(RunStatus::Succeeded, None);
    let then = |keys: &str| {
        let mut state = along(&script, keys);
        press(&mut state, "g c g g");
        settle(&mut state, &ENV);
        shown(&state)
    };
    assert!(then("end").contains("Request state:\n  name = \"Ada\"\n  step = \"two\""), "{}", then("end"));
    let before = then("end left left left");
    assert!(before.contains("step = \"two\"") && !before.contains("Ada"), "{before}");
    assert!(then("end left left left left").contains("step = \"one\""));
    assert!(!then("home").contains("Request state"));
}

#[test]
fn keys_that_come_while_it_is_read_are_one_question() {
    let script = failed();
    let mut state = along(&script, "end");
    let first = press(&mut state, "left");
    let [Effect::LoadAsOf { seq, .. }] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(*seq, script.events.len() as u64 - 1);
    assert_eq!(press(&mut state, "left < <"), []);
    let asked = feed(&mut state, &script, first);
    let seqs: Vec<u64> = asked
        .iter()
        .map(|effect| match effect {
            Effect::LoadAsOf { seq, .. } => *seq,
            other => panic!("{other:?}"),
        })
        .collect();
    let last = script.events.len() as u64;
    assert_eq!(seqs, [last - 1, last.saturating_sub(22).max(1)]);
    assert_eq!(state.current().unwrap().history.last_seq, seqs[1]);
}

/// Freeing a long run takes longer than a frame.
#[test]
fn what_was_shown_is_let_go_off_the_loop() {
    let script = failed();
    let lets_go = |effects: &[Effect], seq: u64| {
        let of = |effect: &Effect| match effect {
            Effect::LetGo(spent) => Some(spent.open.history.last_seq),
            _ => None,
        };
        assert_eq!(effects.iter().filter_map(of).collect::<Vec<_>>(), [seq]);
    };
    let mut state = along(&script, "");
    let asked = press(&mut state, "left");
    let reply = fake::answer(std::slice::from_ref(&script), &asked[0]).unwrap();
    lets_go(&update(&mut state, Msg::Reply(reply), &ENV), 27);
    let esc = crate::app::keys::Key::parse("esc").unwrap();
    lets_go(&update(&mut state, Msg::Key(esc), &ENV), 26);
    let mut state = along(&script, "");
    state.runs.selected = Some(RunId::from_text("9aa000000000"));
    lets_go(&settle(&mut state, &ENV), 27);
}

#[test]
fn it_ends_with_the_run_that_is_shown_and_with_an_error() {
    let script = failed();
    let mut state = along(&script, "");
    state.runs.selected = Some(RunId::from_text("9aa000000000"));
    settle(&mut state, &ENV);
    assert!(state.as_of.is_none());

    let mut state = along(&script, "");
    let asked = press(&mut state, "left");
    let [Effect::LoadAsOf { generation, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    let broken = Reply::AsOf { generation: *generation, result: Err("disk on fire".to_owned()) };
    update(&mut state, Msg::Reply(broken), &ENV);
    assert!(state.as_of.is_none() && state.toast.as_ref().unwrap().text.contains("disk on fire"));

    let going = fake::agent("8f3c00000000", 1, None, RunStatus::Running);
    let mut state = bench(std::slice::from_ref(&going));
    assert_eq!(press(&mut state, "T"), []);
    assert!(state.as_of.is_none());
}

#[test]
fn what_is_about_the_run_as_it_is_says_so() {
    let script = failed();
    let mut state = along(&script, "");
    let effects = press(&mut state, "tab t t t");
    assert!(effects.is_empty(), "{effects:?}");
    assert!(
        shown(&state).contains("about the run as it is"),
        "{:?} {}",
        state.effective_tab(),
        shown(&state)
    );
    let line = crate::app::headless::command_line(&state).unwrap();
    assert!(line.starts_with("tl-bench show 2c1a") && line.ends_with("--as-of 27"), "{line}");
    let hints: Vec<&str> = command::hints(&state).iter().map(|hint| hint.word).collect();
    assert_eq!(&hints[..3], ["earlier", "later", "failure"]);
}
