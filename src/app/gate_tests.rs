//! Stepping as the user meets it: events of the gate and keys in, state and effects out.

use crate::app::gate;
use crate::app::keys::Key;
use crate::app::msg::{Edited, Fork, ForkEffects};
use crate::app::say;
use crate::app::script::{self as fake, Script, error, value};
use crate::app::state::{Overlay, Pane, Tab, Undo};
use crate::app::testing::{ENV, bench, press, selected};
use crate::app::{AppState, BackendEvent, Effect, Msg, Reply, Start, settle, update};
use crate::base::ids::{CallNo, RunId};
use crate::model::fork::ForkPlan;
use crate::model::gate::{Answer, Ask, Budget, Fault, GateEvent, Goal, Moment, Proposed, StepCommand, Want};
use crate::model::{CallKind, Origin, RunStatus};

const PARENT: &str = "2c1a00000000";
const RUN: &str = "8f3c00000000";

fn run() -> RunId {
    RunId::from_text(RUN)
}

fn serve(call: CallNo) -> Ask {
    let origin = Origin { run: RunId::from_text(PARENT), call };
    let proposed = Proposed::Serve { origin, output: value("\"served\""), reason: None };
    Ask { call, moment: Moment::Before, proposed, effect: false, stopped_by: None, platform: None }
}

fn execute(call: CallNo) -> Ask {
    let proposed = Proposed::Execute { reason: Some("failed before".to_owned()), in_doubt: None };
    Ask { proposed, ..serve(call) }
}

fn returned(call: CallNo) -> Ask {
    let proposed = Proposed::Return { output: value("\"new\"") };
    Ask { moment: Moment::After, proposed, ..serve(call) }
}

fn tell(state: &mut AppState, event: GateEvent) {
    update(state, Msg::Backend(BackendEvent::Gate { run: run(), event }), &ENV);
    settle(state, &ENV);
}

/// A run that is stepped through and stands before a call.
pub(super) fn at_gate() -> AppState {
    stepped(&[execute(2)])
}

/// A run that is stepped through, with two calls that wait beside one another.
fn stepped(asks: &[Ask]) -> AppState {
    let mut state = bench(&[fake::agent(PARENT, 60, None, RunStatus::Failed)]);
    let what = Start::Step {
        run: RunId::from_text(PARENT),
        goal: Goal::Into,
        breakpoints: vec![],
        budget: Budget::default(),
    };
    assert_eq!(press(&mut state, "s"), [Effect::Start(what.clone())]);
    let mut script = Script::new(RUN, 5, Some(PARENT), r#"{"topic": "tea"}"#);
    script.ask(1, "call_llm", CallKind::Call, 1, r#"{"messages": [1]}"#);
    script.ask(1, "search_web", CallKind::Call, 1, r#"{"query": "q"}"#);
    let events = BackendEvent::Run { run: run(), events: script.events };
    update(&mut state, Msg::Backend(events), &ENV);
    update(&mut state, Msg::Reply(Reply::Started { what, result: Ok(run()) }), &ENV);
    for ask in asks {
        tell(&mut state, GateEvent::Asked(ask.clone()));
    }
    state
}

fn commands(effects: &[Effect]) -> Vec<StepCommand> {
    match effects {
        [Effect::Step { run: told, commands }] if *told == run() => commands.clone(),
        other => panic!("{other:?}"),
    }
}

fn answered(state: &mut AppState, keys: &str) -> (CallNo, Answer) {
    match commands(&press(state, keys)).as_slice() {
        [StepCommand::Pause, StepCommand::Answer { call, answer }] => (*call, answer.clone()),
        other => panic!("{other:?}"),
    }
}

fn words(state: &AppState) -> String {
    let open = state.current().unwrap();
    let pieces = gate::line(state, &open.history);
    let words = |piece: &say::Piece| format!("{:gap$}{}", "", piece.words[0].1, gap = usize::from(piece.gap));
    pieces.iter().map(words).collect()
}

#[test]
fn the_run_that_is_stepped_through_is_shown_where_it_waits() {
    let state = stepped(&[execute(2)]);
    assert_eq!((state.runs.selected.clone(), selected(&state), state.focus), (Some(run()), 2, Pane::Calls));
    assert_eq!(words(&state), "PAUSED before call_llm#1   would execute: failed before");
    assert_eq!(state.effective_tab(), Tab::Input);
    // Nothing moves while it stands still.
    assert_eq!(state.next_wake(ENV.now), None);
}

#[test]
fn each_key_says_what_it_says() {
    let go = |goal| vec![StepCommand::Go(goal)];
    for (keys, expected) in [
        ("t", go(Goal::Into)),
        ("n", go(Goal::Past(2))),
        ("o", go(Goal::Past(1))),
        ("c", go(Goal::Continue)),
        ("N f", go(Goal::Next(Want::Fresh))),
        ("N x", go(Goal::Next(Want::Failed))),
        ("N e", go(Goal::Next(Want::Effect))),
        ("L c", vec![StepCommand::LetCall(2)]),
        ("L f", vec![StepCommand::LetFunction("call_llm".to_owned())]),
        ("C", vec![StepCommand::Detach]),
    ] {
        let mut state = stepped(&[serve(2)]);
        assert_eq!(commands(&press(&mut state, keys)), expected, "{keys}");
    }
    let mut state = stepped(&[serve(2)]);
    assert_eq!(answered(&mut state, "enter"), (2, Answer::Go));
    assert_eq!(answered(&mut state, "X"), (2, Answer::Execute));
    // What cannot be done is said, and does nothing else: r starts no run here.
    assert_eq!(press(&mut state, "r"), []);
    assert_eq!(state.toast.as_ref().unwrap().text, "Its body has not run yet.");
    let mut state = stepped(&[returned(2)]);
    assert_eq!(answered(&mut state, "r"), (2, Answer::Retry));
    assert_eq!(state.effective_tab(), Tab::Output);
}

#[test]
fn the_cursor_stays_on_a_call_as_long_as_it_waits() {
    let mut state = stepped(&[execute(2), execute(3)]);
    assert!(words(&state).ends_with("1 more waits"), "{}", words(&state));
    assert_eq!(selected(&state), 2);
    press(&mut state, "j");
    assert_eq!(answered(&mut state, "enter"), (3, Answer::Go));
    tell(&mut state, GateEvent::Left { call: 3 });
    assert_eq!(selected(&state), 2, "what still waits");
    tell(&mut state, GateEvent::Left { call: 2 });
    assert_eq!(words(&state), "STEPPING  goes on to the next stop …");
    assert_eq!(commands(&press(&mut state, "P")), [StepCommand::Pause]);
}

#[test]
fn a_call_fails_as_chosen_or_typed() {
    let mut state = stepped(&[execute(2)]);
    let fault = Fault { error: Some("TimeoutError".to_owned()), message: None };
    assert_eq!(answered(&mut state, "! down down enter"), (2, Answer::Fail { fault }));
    press(&mut state, "!");
    update(&mut state, Msg::Paste("KeyError: no seat".to_owned()), &ENV);
    let fault = Fault { error: Some("KeyError".to_owned()), message: Some("no seat".to_owned()) };
    assert_eq!(answered(&mut state, "enter"), (2, Answer::Fail { fault }));
    press(&mut state, "! esc");
    assert_eq!(state.overlay, None);
}

#[test]
fn an_answer_by_hand_is_checked_and_never_lost() {
    let mut state = stepped(&[serve(2)]);
    let what = Edited::Output(run(), 2);
    let value = Box::new(value("\"served\""));
    assert_eq!(press(&mut state, "a"), [Effect::LoadJson { what: what.clone(), value }]);
    let text = "\"served\"\n".to_owned();
    let json = Reply::Json { what: what.clone(), result: Ok(text.clone()) };
    let effects = update(&mut state, Msg::Reply(json), &ENV);
    assert_eq!(effects, [Effect::EditText { what: what.clone(), text: text.clone() }]);
    let back = |state: &mut AppState, saved: &str| {
        let result = Ok(saved.to_owned());
        let reply = Reply::Edited { what: what.clone(), before: text.clone(), result };
        update(state, Msg::Reply(reply), &ENV)
    };
    assert_eq!(back(&mut state, "\"served\""), [], "nothing was changed");
    assert_eq!(back(&mut state, "{"), []);
    assert!(matches!(state.overlay, Some(Overlay::Rejected(_))));
    let again = Effect::EditText { what: what.clone(), text: "{".to_owned() };
    assert_eq!(press(&mut state, "e"), [again]);
    let effects = back(&mut state, "\"mine\"");
    let answer = Answer::Output { value: "mine".into(), any_type: false };
    assert_eq!(commands(&effects), [StepCommand::Pause, StepCommand::Answer { call: 2, answer }]);
    // It went on meanwhile: nothing is answered for another call.
    tell(&mut state, GateEvent::Left { call: 2 });
    assert_eq!(back(&mut state, "\"late\""), []);
}

#[test]
fn stepping_back_leaves_the_run_for_a_replay_of_it() {
    let mut state = stepped(&[execute(3)]);
    let to =
        |no| Start::Step { run: run(), goal: Goal::At(no), breakpoints: vec![], budget: Budget::default() };
    assert_eq!(press(&mut state, "p"), [Effect::Start(to(2))]);
    assert_eq!(press(&mut state, "p"), [], "once");
    let failed = Reply::Started { what: to(2), result: Err("no".to_owned()) };
    update(&mut state, Msg::Reply(failed), &ENV);
    // To the selected call, when that is an earlier one.
    press(&mut state, "home");
    assert_eq!(press(&mut state, "p"), [Effect::Start(to(1))]);
    let mut state = stepped(&[returned(3)]);
    assert_eq!(press(&mut state, "p"), [Effect::Start(to(3))], "before what has just returned");
}

#[test]
fn run_to_takes_a_filter() {
    let mut state = stepped(&[execute(2)]);
    press(&mut state, "T");
    update(&mut state, Msg::Paste("fn:".to_owned()), &ENV);
    assert_eq!(press(&mut state, "enter"), []);
    assert!(matches!(&state.overlay, Some(Overlay::RunTo { problem: Some(_), .. })));
    update(&mut state, Msg::Paste("search_web".to_owned()), &ENV);
    let told = commands(&press(&mut state, "enter"));
    assert!(matches!(told.as_slice(), [StepCommand::Go(Goal::To(_))]), "{told:?}");
}

#[test]
fn an_error_at_the_gate_is_read_there_and_a_refusal_is_said() {
    let raised = Proposed::Raise { error: error("ValueError", "no seats") };
    let mut state = stepped(&[Ask { proposed: raised, moment: Moment::After, ..serve(2) }]);
    assert_eq!(words(&state), "PAUSED after call_llm#1   failed: ValueError: no seats");
    tell(&mut state, GateEvent::Refused { call: 2, why: "it is over".to_owned() });
    assert_eq!(state.toast.as_ref().unwrap().text, "That cannot be done: it is over.");
}

#[test]
fn a_run_that_ended_has_no_gate() {
    let mut state = stepped(&[execute(2)]);
    let mut script = Script::new(RUN, 5, Some(PARENT), "{}");
    script.ask(1, "call_llm", CallKind::Call, 1, "{}");
    script.ask(1, "search_web", CallKind::Call, 1, "{}");
    let before = script.events.len();
    script.finish(RunStatus::Cancelled, None);
    let events = script.events.split_off(before);
    update(&mut state, Msg::Backend(BackendEvent::Run { run: run(), events }), &ENV);
    assert_eq!(state.gate(), None);
    tell(&mut state, GateEvent::Left { call: 2 });
    assert_eq!(state.gate(), None);
    let key = Key::parse("n").unwrap();
    assert!(update(&mut state, Msg::Key(key), &ENV).is_empty());
}

#[test]
fn an_output_of_another_type_is_kept_and_can_be_used_all_the_same() {
    let mut state = stepped(&[serve(2)]);
    let what = Edited::Output(run(), 2);
    let reply =
        Reply::Edited { what: what.clone(), before: "\"served\"".to_owned(), result: Ok("5".to_owned()) };
    assert_eq!(commands(&update(&mut state, Msg::Reply(reply), &ENV)).len(), 2);
    let why = "it was a str, what you wrote is an int".to_owned();
    tell(&mut state, GateEvent::Refused { call: 2, why });
    assert!(
        matches!(&state.overlay, Some(Overlay::Rejected(rejected)) if rejected.text == "5" && rejected.may)
    );
    let answer = Answer::Output { value: 5.into(), any_type: true };
    assert_eq!(answered(&mut state, "u"), (2, answer));
    assert_eq!(state.overlay, None);
}

/// A fork of the search that was made, as it is planned.
fn planned(text: &str) -> (AppState, Vec<Effect>) {
    let mut state = bench(&[fake::agent(PARENT, 60, None, RunStatus::Failed)]);
    press(&mut state, "g g j j");
    let what = Edited::Fork(RunId::from_text(PARENT), 3);
    let output = Box::new(value("5 results"));
    assert_eq!(press(&mut state, "f"), [Effect::LoadJson { what: what.clone(), value: output }]);
    let reply = Reply::Edited { what, before: "[]".to_owned(), result: Ok(text.to_owned()) };
    let effects = update(&mut state, Msg::Reply(reply), &ENV);
    (state, effects)
}

#[test]
fn a_fork_is_planned_before_it_is_made() {
    let (state, effects) = planned("[]");
    assert_eq!((effects, state.overlay), (vec![], None), "nothing was changed");
    let (mut state, effects) = planned("[1]");
    let [Effect::Plan { fork, text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((fork.edits[0].0, text.as_str(), fork.effects), (3, "[1]", ForkEffects::Ask));
    let plan =
        ForkPlan { serve: 2, execute: 5, effects: vec![("book".to_owned(), 1)], ..ForkPlan::default() };
    let reply = Reply::Planned { fork: fork.clone(), text: text.clone(), result: Ok(plan) };
    update(&mut state, Msg::Reply(reply), &ENV);
    // Each effect is decided upon: asked about at the gate, unless it is said otherwise.
    let skipped = Fork { effects: ForkEffects::Skip, ..fork.as_ref().clone() };
    assert_eq!(press(&mut state, "k enter"), [Effect::Start(Start::Fork(Box::new(skipped)))]);
    // Without effects there is nothing to ask.
    let reply = Reply::Planned { fork: fork.clone(), text: text.clone(), result: Ok(ForkPlan::default()) };
    update(&mut state, Msg::Reply(reply), &ENV);
    let plain = Fork { effects: ForkEffects::Rerun, ..fork.as_ref().clone() };
    assert_eq!(press(&mut state, "enter"), [Effect::Start(Start::Fork(Box::new(plain)))]);
    // What does not fit is kept.
    let result = Err("it was a list".to_owned());
    update(&mut state, Msg::Reply(Reply::Planned { fork: fork.clone(), text: text.clone(), result }), &ENV);
    let again = press(&mut state, "u");
    assert!(matches!(again.as_slice(), [Effect::Plan { fork, .. }] if fork.any_type), "{again:?}");
}

#[test]
fn what_cannot_be_forked_says_why() {
    let mut state = bench(&[fake::agent(PARENT, 60, None, RunStatus::Failed)]);
    press(&mut state, "g g");
    assert_eq!(press(&mut state, "f"), []);
    assert!(state.toast.as_ref().unwrap().text.starts_with("The application's own output"));
}

#[test]
fn breakpoints_are_kept_and_told_to_runs_that_are_stepped_through() {
    let mut state = stepped(&[execute(2)]);
    let effects = press(&mut state, "b");
    let [Effect::SavePoints(saved), Effect::Step { run: told, commands }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((saved.len(), saved[0].text.as_str(), told), (1, "fn:call_llm", &run()));
    assert!(matches!(commands.as_slice(), [StepCommand::Breakpoints(points), _] if points.len() == 1));
    // In the list: another is typed, with its mistake pointed at first; the first is switched off, the second deleted.
    press(&mut state, "B a f n : enter");
    assert!(matches!(&state.overlay, Some(Overlay::Points(list)) if list.problem.is_some()));
    update(&mut state, Msg::Paste("search_web".to_owned()), &ENV);
    let saved = |effects: Vec<Effect>| match effects.into_iter().next() {
        Some(Effect::SavePoints(points)) => points.iter().map(|p| (p.text.clone(), p.on)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let point = |text: &str, on| (text.to_owned(), on);
    let both = [point("fn:call_llm", true), point("fn:search_web", true)];
    assert_eq!(saved(press(&mut state, "enter")), both);
    assert_eq!(saved(press(&mut state, "k space")), [point("fn:call_llm", false), both[1].clone()]);
    assert_eq!(saved(press(&mut state, "j d")), [point("fn:call_llm", false)]);
    press(&mut state, "esc");
    assert_eq!(saved(press(&mut state, "b")), [], "b takes it away");
}

#[test]
fn frames_are_asked_for_and_unfold() {
    use crate::app::frames::rows;
    use crate::model::Frame;
    use crate::model::frames::{Shown, Stack, StackFrame};
    let mut state = stepped(&[execute(2)]);
    assert_eq!(commands(&press(&mut state, "V")), [StepCommand::Frames { call: 2 }]);
    let shown = |state: &AppState| -> Vec<String> {
        let Some(Overlay::Frames(list)) = &state.overlay else { panic!("no frames") };
        rows(state, list)
            .iter()
            .map(|row| format!("{} {}", row.head.1, row.text.1).trim().to_owned())
            .collect()
    };
    assert_eq!(shown(&state), ["asking its worker …"]);
    let value = |name: &str, text: &str, items| Shown {
        name: name.to_owned(),
        text: text.to_owned(),
        kind: "x".to_owned(),
        items,
        more: 0,
    };
    let at =
        Frame { file: "/p/a.py".to_owned(), line: 7, name: "agent".to_owned(), text: "llm(x)".to_owned() };
    let locals = vec![value("x", "{a: 1}", vec![value("a", "1", vec![])])];
    let frames = vec![StackFrame { at, locals, more: 2 }];
    let stacks = vec![Stack { call: 1, frames, ..Stack::default() }];
    tell(&mut state, GateEvent::Frames { call: 2, stacks });
    let folded = ["research_agent", "/p/a.py:7  agent llm(x)", "x {a: 1}", "… 2 more names"];
    assert_eq!(shown(&state), folded);
    press(&mut state, "down down space");
    assert_eq!(shown(&state)[3], "a 1");
    press(&mut state, "left");
    assert_eq!(shown(&state), folded);
    // From a name to its frame, which folds.
    press(&mut state, "left left");
    assert_eq!(shown(&state), folded[..2]);
    let edit = Effect::Edit { file: "/p/a.py".to_owned(), line: 7 };
    assert_eq!(press(&mut state, "e"), [edit]);
    press(&mut state, "esc");
    assert!(state.overlay.is_none());
}

#[test]
fn an_expression_that_is_refused_is_kept() {
    let mut state = stepped(&[execute(2)]);
    press(&mut state, "=");
    let typed = |state: &mut AppState, text: &str| {
        update(state, Msg::Paste(text.to_owned()), &ENV);
    };
    typed(&mut state, "1 + x");
    let expr = "1 + x".to_owned();
    let answer = Answer::Expression { expr: expr.clone(), any_type: false };
    assert_eq!(answered(&mut state, "enter"), (2, answer));
    assert!(words(&state).contains("evaluates …") && state.overlay.is_none());
    tell(&mut state, GateEvent::Refused { call: 2, why: "it failed: NameError".to_owned() });
    assert!(!words(&state).contains("evaluates"));
    let Some(Overlay::Expression(line)) = &state.overlay else { panic!("{:?}", state.overlay) };
    assert_eq!((line.editor.value(), line.problem.as_deref()), (expr.clone(), Some("it failed: NameError")));
    assert_eq!(answered(&mut state, "ctrl-t"), (2, Answer::Expression { expr, any_type: true }));
    tell(&mut state, GateEvent::Left { call: 2 });
    assert!(state.gate().unwrap().sent.is_none());
}

#[test]
fn the_platforms_verdict_stands_beside_ours() {
    let state = stepped(&[Ask { platform: Some(true), ..serve(2) }]);
    assert!(words(&state).contains("   platform: reuse"), "{}", words(&state));
    let state = stepped(&[Ask { platform: Some(false), ..serve(2) }]);
    assert!(words(&state).contains("   but platform: re-execute"), "{}", words(&state));
    let state = stepped(&[Ask { platform: Some(true), ..execute(2) }]);
    assert!(words(&state).contains("   but platform: reuse"), "{}", words(&state));
}

#[test]
fn an_edit_is_undone_with_the_run_that_it_made() {
    let mut state = stepped(&[execute(2)]);
    state.undo.clear();
    state.stepping.get_mut(&run()).unwrap().sent = Some((Edited::Output(run(), 2), "5".to_owned()));
    // Refused: nothing was edited.
    tell(&mut state, GateEvent::Refused { call: 2, why: "no".to_owned() });
    press(&mut state, "esc");
    assert!(state.undo.is_empty());
    state.stepping.get_mut(&run()).unwrap().sent = Some((Edited::Output(run(), 2), "5".to_owned()));
    tell(&mut state, GateEvent::Left { call: 2 });
    assert_eq!(state.undo, [Undo::Edit { run: run() }]);
    // Not while it goes on.
    press(&mut state, "u");
    assert!(state.toast.as_ref().unwrap().text.contains("it goes on; stop it first"));
    assert_eq!(state.undo.len(), 1);
    for item in &mut state.runs.items {
        item.status = RunStatus::Succeeded;
    }
    state.stepping.clear();
    press(&mut state, "u");
    assert!(state.toast.as_ref().unwrap().text.starts_with("The edit is undone"), "{:?}", state.toast);
    assert!(state.runs.deleted.contains(&run()));
    assert_eq!(state.runs.selected, Some(RunId::from_text(PARENT)));
    // That, too, can be taken back.
    press(&mut state, "u");
    assert!(!state.runs.deleted.contains(&run()));
}
