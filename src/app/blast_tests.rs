//! Saves, verdicts, and what they do to the screen and to automatic replays.

use std::sync::Arc;

use crate::app::blast::{self, Mark, Said};
use crate::app::layout::layout;
use crate::app::msg::{BackendEvent, Judged, Start};
use crate::app::script::{self as fake, Script};
use crate::app::state::Screen;
use crate::app::testing::{ENV, bench, press, selected};
use crate::app::{AppState, Effect, Msg, settle, update};
use crate::base::ids::RunId;
use crate::model::verdict::SourceProblem;
use crate::model::{Mode, RunStatus};

fn ended() -> Script {
    fake::agent("2c1a00000000", 60, None, RunStatus::Succeeded)
}

fn hear(state: &mut AppState, judged: Judged) -> Vec<Effect> {
    let effects = update(state, Msg::Backend(BackendEvent::Judged(judged)), &ENV);
    settle(state, &ENV);
    effects
}

fn edit() -> Judged {
    fake::judged(&ended(), &[2, 4], &[1], &[3])
}

fn undo() -> Judged {
    fake::judged(&ended(), &[], &[], &[])
}

fn with(judged: Judged, change: impl FnOnce(&mut crate::model::verdict::Verdict)) -> Judged {
    let mut verdict = judged.result.as_ref().unwrap().verdict.clone();
    change(&mut verdict);
    Judged { result: Ok(Arc::new(Said::new(verdict, &ended().history()))), ..judged }
}

fn bar(state: &AppState) -> String {
    let words = |piece: crate::app::say::Piece| {
        " ".repeat(usize::from(piece.gap)) + &piece.words.iter().map(|(_, w)| w.as_str()).collect::<String>()
    };
    blast::bar(state).into_iter().map(words).collect()
}

fn replay() -> Effect {
    Effect::Start(Start::Replay { run: RunId::from_text("2c1a00000000"), mode: Mode::Adaptive, from: None })
}

#[test]
fn the_judge_is_asked_about_the_run_that_is_shown_once_it_has_ended() {
    let runs = [ended(), fake::agent("9aa000000000", 3_600, None, RunStatus::Failed)];
    let mut state = AppState::new(fake::project(), (120, 40));
    crate::app::update::start(&mut state);
    let reply = crate::app::Reply::Runs { generation: 1, result: Ok(fake::summaries(&runs)) };
    update(&mut state, Msg::Reply(reply), &ENV);
    let asked = |effects: Vec<Effect>| -> Vec<Option<RunId>> {
        effects
            .into_iter()
            .filter_map(|e| if let Effect::Judge { run } = e { Some(run) } else { None })
            .collect()
    };
    assert_eq!(asked(settle(&mut state, &ENV)), [Some(RunId::from_text("2c1a00000000"))]);
    assert_eq!(asked(settle(&mut state, &ENV)), [], "it was told");
    state.runs.selected = Some(RunId::from_text("9aa000000000"));
    assert_eq!(asked(settle(&mut state, &ENV)), [Some(RunId::from_text("9aa000000000"))]);
    // What it still says of the other run is not shown.
    assert_eq!(hear(&mut state, edit()), []);
    assert_eq!(bar(&state), "");

    let state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Running)]);
    assert_eq!(state.blast.told, None, "what goes on is not judged");
}

#[test]
fn an_edit_shows_what_it_costs_and_its_undoing_takes_that_away() {
    let mut state = bench(&[ended()]);
    let rows = layout(&state).tree.unwrap().h;
    assert_eq!(hear(&mut state, undo()), []);
    assert_eq!((bar(&state).as_str(), layout(&state).bar), ("", None));
    hear(&mut state, edit());
    assert_eq!(
        bar(&state),
        "util.py saved: clean changed   2 of 7 calls invalid   about 1.4k tok  $0.02  1.6 s   \
         at most 3 calls, 2.4 s, 2.1k tokens, $0.03   effects unknown: call_llm and 1 more"
    );
    assert_eq!(layout(&state).tree.unwrap().h, rows - 1);
    let said = blast::shown(&state).unwrap();
    let marks: Vec<Option<Mark>> = (1..6).map(|no| said.mark(no)).collect();
    assert_eq!(marks, [Some(Mark::Caller), Some(Mark::Edited), Some(Mark::After), Some(Mark::Edited), None]);
    assert_eq!((said.below(1), said.below(2)), (2, 0));
    hear(&mut state, undo());
    assert_eq!((bar(&state).as_str(), layout(&state).tree.unwrap().h), ("", rows));
}

#[test]
fn the_list_of_edits_leads_to_calls_and_sources() {
    let mut state = bench(&[ended()]);
    assert_eq!(press(&mut state, "g b"), []);
    assert_eq!((state.screen, blast::rows(&state).len()), (Screen::Edits, 0));
    hear(&mut state, edit());
    let texts: Vec<String> = blast::rows(&state).into_iter().map(|row| row.text).collect();
    assert_eq!(
        texts,
        [
            "call_llm  app.py:15  2 calls",
            "util.py:12 clean changed   call_llm → prepare → clean",
            "edited    research_agent/call_llm#1",
            "edited    research_agent/call_llm#2",
            "re-runs   research_agent   because of research_agent/call_llm#1",
            "may rerun research_agent/search_web#1   because of research_agent/call_llm#1",
        ]
    );
    let place = |file: &str, line| Effect::Edit { file: format!("/home/agent/{file}"), line };
    assert_eq!(press(&mut state, "e"), [place("app.py", 15)]);
    assert_eq!(press(&mut state, "j e"), [place("util.py", 12)]);
    assert_eq!(press(&mut state, "enter"), [place("util.py", 12)], "no call stands behind this row");
    press(&mut state, "j j enter");
    assert_eq!((state.screen, selected(&state)), (Screen::Main, 4));
}

#[test]
fn a_source_that_does_not_parse_is_a_problem_and_invalidates_nothing() {
    let mut state = bench(&[ended()]);
    let wrong = SourceProblem { file: "util.py".into(), line: 12, column: 5, message: "Expected ')'".into() };
    let broken = with(undo(), |verdict| verdict.problems = vec![wrong]);
    press(&mut state, "a a a a");
    assert_eq!(hear(&mut state, broken.clone()), []);
    assert_eq!((bar(&state).as_str(), state.problems().count()), ("", 1));
    assert_eq!(state.problems().next().unwrap(), "util.py:12: Expected ')'");
    press(&mut state, "g p");
    assert_eq!(press(&mut state, "e"), [Effect::Edit { file: "/home/agent/util.py".into(), line: 12 }]);
    // The project's own list has it already.
    state.project.problems = vec!["util.py:12: Expected ')'".into()];
    assert_eq!(state.problems().count(), 1);
    state.project.problems.clear();
    hear(&mut state, undo());
    assert_eq!(state.problems().count(), 0);
}

#[test]
fn saves_replay_only_when_asked_to_and_only_what_may_not_act_unasked() {
    let labelled = || with(edit(), |verdict| verdict.unlabelled.clear());
    let mut state = bench(&[ended()]);
    assert_eq!(hear(&mut state, labelled()), [], "off by default");
    // What was saved before does not count.
    press(&mut state, "a a");
    let asked = Judged { saved: Vec::new(), ..labelled() };
    assert_eq!(hear(&mut state, asked), []);
    assert_eq!(hear(&mut state, undo()), []);
    assert_eq!(hear(&mut state, edit()), []);
    let toast = state.toast.as_ref().unwrap().text.clone();
    assert!(toast.starts_with("Not replayed: call_llm, research_agent may act"), "{toast}");
    assert_eq!(hear(&mut state, labelled()), [replay()]);

    let mut state = bench(&[ended()]);
    press(&mut state, "a a a a");
    assert_eq!(hear(&mut state, with(edit(), |verdict| verdict.effects = vec!["mail".into()])), []);
    assert_eq!(state.toast.as_ref().unwrap().text, "Not replayed: mail may act on the world. R replays.");
    assert_eq!(hear(&mut state, edit()), [replay()]);
    press(&mut state, "a a");
    assert_eq!(hear(&mut state, edit()), [], "off again");
}

#[test]
fn a_save_while_a_replay_goes_on_waits_for_its_end() {
    let runs = [ended()];
    let mut state = bench(&runs);
    press(&mut state, "a a a a");
    assert_eq!(hear(&mut state, edit()), [replay()]);
    assert_eq!(hear(&mut state, edit()), [], "one is starting");
    let second = fake::agent("8f3c00000000", 0, Some("2c1a00000000"), RunStatus::Succeeded);
    let reply = crate::app::Reply::Started {
        what: Start::Replay { run: RunId::from_text("2c1a00000000"), mode: Mode::Adaptive, from: None },
        result: Ok(second.run.clone()),
    };
    update(&mut state, Msg::Reply(reply), &ENV);
    let event = BackendEvent::Run { run: second.run.clone(), events: second.events.clone() };
    update(&mut state, Msg::Backend(event), &ENV);
    let told = settle(&mut state, &ENV);
    assert!(told.contains(&Effect::Judge { run: Some(second.run.clone()) }), "{told:?}");
    let judged = Judged { saved: Vec::new(), ..fake::judged(&second, &[2], &[1], &[]) };
    let next = Start::Replay { run: second.run.clone(), mode: Mode::Adaptive, from: None };
    assert_eq!(hear(&mut state, judged), [Effect::Start(next)]);
}

#[test]
fn a_run_that_cannot_be_judged_says_why() {
    let mut state = bench(&[ended()]);
    hear(&mut state, edit());
    let why = "the application research_agent is not defined in app.py any more".to_owned();
    hear(&mut state, Judged { result: Err(why.clone()), ..edit() });
    assert_eq!(bar(&state), why);
    hear(&mut state, undo());
    assert_eq!(bar(&state), "");
}
