//! The mouse over what lies over the panes.

use crate::app::command::CommandId;
use crate::app::pointer::{Mouse, MouseKind, Over};
use crate::app::script as fake;
use crate::app::state::{Overlay, Pane, Screen};
use crate::app::testing::{ENV, bench, press};
use crate::app::{AppState, Effect, Msg, settle, update};
use crate::model::RunStatus;

fn opened(keys: &str) -> AppState {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    press(&mut state, keys);
    state
}

fn mouse(state: &mut AppState, kind: MouseKind, over: Over) -> Vec<Effect> {
    let effects = update(state, Msg::Mouse(Mouse { kind, x: 70, y: 8, over }), &ENV);
    settle(state, &ENV);
    effects
}

fn click(state: &mut AppState, over: Over) -> Vec<Effect> {
    mouse(state, MouseKind::Down, over)
}

fn query(state: &AppState) -> (String, usize) {
    let Some(Overlay::Commands(list)) = &state.overlay else { panic!("{:?}", state.overlay) };
    (list.query.value(), list.at)
}

#[test]
fn a_click_selects_and_a_second_one_acts() {
    let mut state = opened(": p r o b l e m s");
    click(&mut state, Over::Entry(1));
    assert_eq!(query(&state), ("problems".to_owned(), 1));
    click(&mut state, Over::Entry(0));
    assert_eq!(state.screen, Screen::Main, "selected only");
    click(&mut state, Over::Entry(0));
    assert_eq!((state.screen, state.overlay.is_none()), (Screen::Problems, true));
}

#[test]
fn a_click_in_a_line_moves_the_cursor() {
    let mut state = opened(": r u n");
    click(&mut state, Over::Caret(1));
    press(&mut state, "x");
    assert_eq!(query(&state).0, "rxun");
    click(&mut state, Over::Caret(99));
    press(&mut state, "y");
    assert_eq!(query(&state).0, "rxuny");
    click(&mut state, Over::Inside);
    assert_eq!(query(&state).0, "rxuny", "the window itself does nothing");
}

#[test]
fn the_wheel_moves_the_selection_and_stays_in_the_list() {
    let mut state = opened(":");
    mouse(&mut state, MouseKind::WheelUp, Over::Inside);
    assert_eq!(query(&state).1, 0);
    for _ in 0..500 {
        mouse(&mut state, MouseKind::WheelDown, Over::Beside);
    }
    assert_eq!(query(&state).1, crate::app::command::COMMANDS.len() - 1);
}

#[test]
fn a_click_beside_closes_what_loses_nothing() {
    for keys in [":", "?", ": a b c", "B"] {
        let mut state = opened(keys);
        assert!(state.overlay.is_some(), "{keys}");
        click(&mut state, Over::Beside);
        assert!(state.overlay.is_none(), "{keys}: {:?}", state.overlay);
    }
    for keys in ["B a f n", "y f x"] {
        let mut state = opened(keys);
        let before = state.overlay.clone();
        assert!(before.is_some(), "{keys}");
        click(&mut state, Over::Beside);
        assert_eq!(state.overlay, before, "{keys}");
        assert!(state.toast.as_ref().is_some_and(|toast| toast.text.starts_with("Esc closes this")));
    }
}

#[test]
fn a_theme_that_was_only_looked_at_goes_with_the_list() {
    let mut state = opened("");
    update(&mut state, Msg::Command(CommandId::Theme), &ENV);
    click(&mut state, Over::Entry(2));
    assert_eq!(state.theme.as_deref(), Some("light"));
    click(&mut state, Over::Beside);
    assert_eq!((state.theme.as_deref(), state.overlay.is_none()), (None, true));
    update(&mut state, Msg::Command(CommandId::Theme), &ENV);
    click(&mut state, Over::Entry(2));
    click(&mut state, Over::Entry(2));
    assert_eq!((state.theme.as_deref(), state.overlay.is_none()), (Some("light"), true));
}

#[test]
fn a_click_elsewhere_takes_the_filter_and_goes_on() {
    let mut state = opened("/ f a i l e d");
    click(&mut state, Over::Beside);
    assert!(state.overlay.is_none());
    assert_eq!(state.filter, "failed");
    // One with a mistake stays.
    let mut state = opened("/ f n :");
    click(&mut state, Over::Beside);
    assert!(matches!(state.overlay, Some(Overlay::Filter(_))));
    // A completion is put in.
    let mut state = opened("/ f a i l");
    click(&mut state, Over::Entry(0));
    let Some(Overlay::Filter(line)) = &state.overlay else { panic!("{:?}", state.overlay) };
    assert_eq!((line.editor.value().trim(), state.filter.as_str()), ("failed", "failed"));
}

#[test]
fn what_is_pasted_into_a_filter_counts_at_once() {
    let mut state = opened("/");
    update(&mut state, Msg::Paste("failed".to_owned()), &ENV);
    assert_eq!(state.filter, "failed");
}

#[test]
fn one_of_the_keys_that_may_follow_is_clicked() {
    let mut state = opened("g");
    let pressed = state.pending.as_ref().map(|pending| pending.keys.clone()).unwrap_or_default();
    let next = state.settings.keymap.continuations(&pressed, &crate::app::command::scopes(&state));
    let at = next.iter().position(|(_, id)| *id == CommandId::GoFunctions).unwrap();
    click(&mut state, Over::Inside);
    assert!(state.pending.is_some());
    click(&mut state, Over::Entry(at));
    assert_eq!((state.screen, state.pending.is_none()), (Screen::Functions, true));
    let mut state = opened("g r g");
    click(&mut state, Over::Beside);
    assert!(state.pending.is_none(), "a click ends the sequence");
    assert_ne!(state.focus, Pane::Runs, "and goes on");
}
