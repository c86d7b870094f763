//! Tabs that are loaded: when they are asked for, what stands in for them, and where their lines lead.

use super::command::CommandId;
use super::keymap::Found;
use super::keys::Key;
use super::msg::{BackendEvent, Effect, Msg, Reply};
use super::script as fake;
use super::state::{AppState, Pane, Tab};
use super::testing::{ENV, bench, press};
use super::{settle, update};
use crate::model::RunStatus;

/// A failed run, its inspector focused, at this tab; and the question for it.
fn at(tab: Tab) -> (AppState, Effect) {
    at_of(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)], tab)
}

fn at_of(runs: &[fake::Script], tab: Tab) -> (AppState, Effect) {
    let mut state = bench(runs);
    press(&mut state, "enter");
    let is_tab = |effect: &Effect| matches!(effect, Effect::LoadTab { .. });
    loop {
        let asked = press(&mut state, "right").into_iter().find(is_tab);
        match asked {
            Some(asked) if state.effective_tab() == tab => return (state, asked),
            Some(other) => {
                answered(&mut state, &other);
            }
            None => {}
        }
    }
}

fn answered(state: &mut AppState, asked: &Effect) -> Vec<Effect> {
    let Effect::LoadTab { key, generation } = asked else { panic!("{asked:?}") };
    let reply = Reply::Tab { generation: *generation, result: Ok(fake::tab_view(key)) };
    let mut effects = update(state, Msg::Reply(reply), &ENV);
    effects.extend(settle(state, &ENV));
    effects
}

fn shown(state: &AppState) -> Vec<String> {
    let line = |line: &super::tone::Line| line.iter().map(|(_, piece)| piece.as_str()).collect();
    state.doc.lines.iter().map(line).collect()
}

/// Moves to the first line that holds this.
fn down_to(state: &mut AppState, text: &str) {
    while !shown(state)[state.doc_at].contains(text) {
        press(state, "down");
    }
}

#[test]
fn one_key_leads_to_how_the_answers_vary_and_its_lines_to_the_calls() {
    let mut state = bench(&[
        fake::agent("2c1a00000000", 60, None, RunStatus::Failed),
        fake::agent("9aa000000000", 600, None, RunStatus::Succeeded),
    ]);
    let asked = press(&mut state, "g v");
    assert_eq!((state.focus, state.effective_tab()), (Pane::Inspector, Tab::Variance));
    let asked = asked.into_iter().find(|effect| matches!(effect, Effect::LoadTab { .. })).unwrap();
    let Effect::LoadTab { key, .. } = &asked else { panic!("{asked:?}") };
    assert_eq!(key.tab, Tab::Variance);
    answered(&mut state, &asked);
    assert_eq!(
        super::headless::command_line(&state).unwrap(),
        "tl-bench variance 2c1a 'research_agent/call_llm#4'"
    );
    down_to(&mut state, "of run 9aa0");
    press(&mut state, "enter");
    assert_eq!(state.runs.selected.as_ref().unwrap().short(), "9aa0");
}

#[test]
fn a_tab_is_asked_for_once_and_says_a_word_meanwhile() {
    let (mut state, asked) = at(Tab::Source);
    assert_eq!(shown(&state), ["Reading …"]);
    assert_eq!(press(&mut state, "down up"), [], "it is under way");
    assert_eq!(answered(&mut state, &asked), []);
    assert!(shown(&state)[0].starts_with("changed since this call"), "{:?}", shown(&state));
    press(&mut state, "left right");
    assert!(shown(&state)[0].starts_with("changed since this call"), "it is kept");
}

#[test]
fn a_breakpoint_at_its_function_is_told_above_the_source() {
    let (mut state, asked) = at(Tab::Source);
    answered(&mut state, &asked);
    let told = |state: &AppState| shown(state).iter().any(|line| line.contains("● A breakpoint"));
    assert!(!told(&state));
    press(&mut state, "g c b");
    settle(&mut state, &ENV);
    assert!(told(&state), "{:?}", shown(&state));
    press(&mut state, "g c b");
    settle(&mut state, &ENV);
    assert!(!told(&state));
}

#[test]
fn a_saved_file_makes_it_anew_while_the_old_one_stays() {
    let (mut state, asked) = at(Tab::Source);
    answered(&mut state, &asked);
    press(&mut state, "down down");
    let mut effects = update(&mut state, Msg::Backend(BackendEvent::ProjectChanged), &ENV);
    effects.extend(settle(&mut state, &ENV));
    let again = effects.iter().find(|effect| matches!(effect, Effect::LoadTab { .. })).unwrap();
    assert!(shown(&state)[0].starts_with("changed since this call"));
    answered(&mut state, again);
    assert_eq!(state.doc_at, 2, "the place in it stays");
}

#[test]
fn whoever_runs_through_calls_asks_for_the_one_where_they_stop() {
    let (mut state, asked) = at(Tab::Source);
    press(&mut state, "esc");
    assert_eq!(press(&mut state, "up up up"), [], "one question at a time");
    assert_eq!(state.effective_tab(), Tab::Source);
    let effects = answered(&mut state, &asked);
    let [Effect::LoadTab { key, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(key.no, state.current().unwrap().selected);
}

#[test]
fn a_line_leads_to_the_editor() {
    let (mut state, asked) = at(Tab::Source);
    answered(&mut state, &asked);
    let edit = |line| [Effect::Edit { file: "/home/agent/app.py".to_owned(), line }];
    down_to(&mut state, "def call_llm");
    assert_eq!(press(&mut state, "e"), edit(16));
    assert_eq!(press(&mut state, "enter"), edit(16));
    assert!(!state.zoom);
    down_to(&mut state, "+ TONE");
    assert_eq!(press(&mut state, "e"), edit(2));
    // From the calls it is the function that is shown, not the line where it was called.
    press(&mut state, "esc");
    assert_eq!(press(&mut state, "e"), edit(15));
}

#[test]
fn where_a_line_stands_for_nothing_enter_means_what_it_means_everywhere() {
    let (mut state, asked) = at(Tab::Source);
    answered(&mut state, &asked);
    press(&mut state, "enter");
    assert!(state.zoom);
}

#[test]
fn what_is_shown_can_be_copied() {
    let (mut state, asked) = at(Tab::Source);
    answered(&mut state, &asked);
    let effects = press(&mut state, "y y");
    let [Effect::Copy { what, text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(what, "The source");
    assert!(text.contains("\n-TONE = \"kind\"\n+TONE = \"curt\"\n"), "{text}");
}

#[test]
fn an_answer_that_is_an_error_is_shown_and_not_asked_for_again() {
    let (mut state, asked) = at(Tab::Source);
    let Effect::LoadTab { generation, .. } = asked else { panic!("{asked:?}") };
    let result = Err("run 2c1a cannot be read".to_owned());
    let mut effects = update(&mut state, Msg::Reply(Reply::Tab { generation, result }), &ENV);
    effects.extend(settle(&mut state, &ENV));
    assert_eq!(effects, []);
    assert_eq!(shown(&state), ["run 2c1a cannot be read"]);
}

#[test]
fn a_line_leads_to_a_call_of_another_run_also_before_that_is_read() {
    let runs = [
        fake::agent("2c1a00000000", 60, None, RunStatus::Failed),
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
    ];
    let (mut state, asked) = at_of(&runs, Tab::Why);
    answered(&mut state, &asked);
    down_to(&mut state, "compared with");
    let effects = press(&mut state, "enter");
    let [Effect::LoadHistory { run, generation }] = effects.as_slice() else { panic!("{effects:?}") };
    let result = Ok(std::sync::Arc::new(runs[1].history()));
    let reply = Reply::History { generation: *generation, run: run.clone(), result };
    update(&mut state, Msg::Reply(reply), &ENV);
    settle(&mut state, &ENV);
    let open = state.current().unwrap();
    assert_eq!((open.history.id.as_str(), open.selected), ("9aa000000000", 2));
    assert_eq!(state.focus, Pane::Calls);
}

#[test]
fn the_bottom_line_says_what_a_key_means_here() {
    let (mut state, asked) = at(Tab::Source);
    answered(&mut state, &asked);
    let hints = |state: &AppState| super::command::hints(state).into_iter().map(|hint| (hint.key, hint.word));
    let slash = |state: &AppState| hints(state).find(|(key, _)| key == "/").map(|(_, word)| word);
    assert_ne!(slash(&state), Some("filter"), "it searches here");
    assert!(hints(&state).any(|hint| hint == ("Right".to_owned(), "tab")), "how to see the others");
    down_to(&mut state, "def call_llm");
    assert!(hints(&state).any(|hint| hint == ("Enter".to_owned(), "go there")));
    assert!(!hints(&state).any(|hint| hint == ("Enter".to_owned(), "one pane")));
    press(&mut state, "esc");
    // The bottom line of the tree has more keys than fit: the keymap says what this one means there.
    let keys = [Key::parse("/").unwrap()];
    let meant = state.settings.keymap.find(&keys, &super::command::scopes(&state));
    assert_eq!(meant, Found::Command(CommandId::Filter));
    assert!(slash(&state).is_none_or(|word| word == "filter"));
}
