//! What was said, and keys that say why they do nothing.

use crate::app::command::{Scope, scopes};
use crate::app::keymap::Found;
use crate::app::keys::{Key, sequence_name};
use crate::app::script as fake;
use crate::app::state::{Pane, Screen};
use crate::app::testing::{ENV, bench, press};
use crate::app::{AppState, BackendEvent, Effect, Env, Msg, messages, settle, update};
use crate::model::RunStatus;

/// A workbench in which these were said.
fn told(said: &[(bool, &str)]) -> AppState {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    for (error, sentence) in said {
        tell(&mut state, *error, sentence);
    }
    state
}

fn tell(state: &mut AppState, error: bool, sentence: &str) {
    let event = if error { BackendEvent::Failed } else { BackendEvent::Notice };
    update(state, Msg::Backend(event(sentence.to_owned())), &ENV);
    settle(state, &ENV);
}

fn chosen(state: &AppState) -> &str {
    &state.messages.get(state.list.at).unwrap().text
}

#[test]
fn what_was_said_can_be_read_later() {
    let mut state = told(&[(true, "the disk is full"), (false, "one"), (false, "two")]);
    press(&mut state, "g m");
    assert_eq!((state.screen, chosen(&state)), (Screen::Messages, "two"), "the newest is selected");
    // Whoever reads the end goes on reading it; a selection elsewhere stays.
    tell(&mut state, false, "three");
    assert_eq!(chosen(&state), "three");
    press(&mut state, "home");
    tell(&mut state, false, "four");
    assert_eq!(chosen(&state), "the disk is full");
    for n in 0..2 * messages::MOST {
        tell(&mut state, false, &format!("{n}"));
    }
    assert_eq!((state.messages.len(), chosen(&state)), (messages::MOST, "the disk is full"));
    assert_eq!(
        press(&mut state, "y y"),
        [Effect::Copy { what: "The message".to_owned(), text: "the disk is full".to_owned() }]
    );
    let paged = press(&mut state, "enter");
    let [Effect::Page { bytes }] = paged.as_slice() else { panic!("{paged:?}") };
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(text.lines().count(), messages::MOST);
    assert!(text.starts_with("now error    the disk is full\n"), "{text}");
    press(&mut state, "esc");
    press(&mut state, "esc");
    assert_eq!(state.screen, Screen::Main);
}

#[test]
fn a_selection_stays_on_its_message_when_older_ones_go() {
    let mut state = told(&[]);
    for n in 0..messages::MOST {
        tell(&mut state, false, &format!("{n}"));
    }
    press(&mut state, "g m up up");
    let before = chosen(&state).to_owned();
    tell(&mut state, false, "another");
    assert_eq!(chosen(&state), before);
}

#[test]
fn an_error_stays_until_somebody_was_there() {
    let mut state = told(&[(true, "the disk is full")]);
    assert_eq!(state.next_wake(ENV.now), None);
    settle(&mut state, &Env { now: ENV.now + 3_600_000_000 });
    assert!(state.toast.is_some());
    let later = Env { now: ENV.now + 3_600_000_000 };
    update(&mut state, Msg::Key(Key::parse("j").unwrap()), &later);
    settle(&mut state, &later);
    assert!(state.toast.is_some(), "it may be read when the key is pressed");
    let end = Env { now: state.next_wake(later.now).unwrap() };
    settle(&mut state, &end);
    assert_eq!(state.toast, None);
}

#[test]
fn what_only_answers_a_key_is_not_kept() {
    let mut state = told(&[]);
    press(&mut state, "x");
    assert!(state.toast.is_some() && state.messages.is_empty());
    press(&mut state, "g m enter");
    assert_eq!(state.toast.as_ref().unwrap().text, "Nothing was said yet.");
    press(&mut state, "y c");
    assert!(state.toast.as_ref().unwrap().text.starts_with("No command line"));
}

/// The selected row is seen on every screen that is a list, with headings, sums and a sentence in full.
#[test]
fn the_selected_row_of_a_list_is_seen() {
    for size in [(80, 24), (200, 60), (40, 10)] {
        let mut state = told(&[]);
        state.size = size;
        for n in 0..100 {
            tell(&mut state, false, &format!("{n} {}", "and so on ".repeat(n)));
        }
        press(&mut state, "g m");
        let places = crate::app::layout::layout(&state);
        let body = places.screen.unwrap().below_title();
        let list = crate::app::screens::list_area(&state, body);
        assert!(list.h >= body.h * 2 / 3 && list.h < body.h, "{list:?} in {body:?}");
        for keys in ["home", "end", "up", "pgup", "pgup"] {
            press(&mut state, keys);
            assert!(
                (state.list.top..state.list.top + usize::from(list.h)).contains(&state.list.at),
                "{keys}"
            );
        }
    }
}

/// Modes of the workbench, by the keys that lead to them.
fn modes() -> Vec<(&'static str, AppState)> {
    let failed = |keys: &str| {
        let mut state = bench(&[
            fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
            fake::agent("2c1a00000000", 60, Some("9aa000000000"), RunStatus::Failed),
        ]);
        press(&mut state, keys);
        state
    };
    let mut out: Vec<(&'static str, AppState)> =
        ["g r", "g c", "g i", "g p", "g t", "g b", "g f", "g s esc", "g d", "g l", "g m", "B", "y f", ":"]
            .map(|keys| (keys, failed(keys)))
            .into();
    out.push(("empty", bench(&[])));
    out.push(("gate", super::gate_tests::at_gate()));
    out.push(("as it was", super::asof_tests::along(&super::asof_tests::failed(), "")));
    let mut runs = super::gate_tests::at_gate();
    press(&mut runs, "g r");
    out.push(("runs beside the gate", runs));
    out
}

#[test]
fn each_mode_is_another() {
    let all: Vec<Vec<Scope>> = modes().iter().map(|(_, state)| scopes(state)).collect();
    for scope in Scope::ALL {
        assert!(all.iter().any(|scopes| scopes.contains(&scope)), "{scope:?}");
    }
}

/// Every sequence of the table acts in every mode, or says why it does not: never nothing at all.
#[test]
fn no_key_of_the_table_is_silent() {
    for (mode, before) in modes() {
        for command in crate::app::command::COMMANDS {
            let sequences: Vec<Vec<Key>> =
                before.settings.keymap.keys(command.id).map(<[Key]>::to_vec).collect();
            for keys in sequences {
                let mut state = before.clone();
                state.toast = None;
                let mut silent = false;
                for n in 1..=keys.len() {
                    // A key of the sequence may have acted by itself and led elsewhere.
                    let from = scopes(&state);
                    let pressed: Vec<Key> = match &state.pending {
                        Some(pending) => [pending.keys.as_slice(), &keys[n - 1..n]].concat(),
                        None => vec![keys[n - 1]],
                    };
                    let found = state.settings.keymap.find(&pressed, &from);
                    let typed = state.overlay.is_some();
                    let effects = update(&mut state, Msg::Key(keys[n - 1]), &ENV);
                    silent = !typed && found == Found::Nothing && state.toast.is_none() && effects.is_empty();
                    if typed || found == Found::Nothing {
                        break;
                    }
                }
                assert!(!silent, "{} is silent in {mode}", sequence_name(&keys));
            }
        }
    }
}

#[test]
fn a_key_of_another_place_says_where_it_works() {
    let said = |state: &mut AppState, keys: &str| {
        press(state, keys);
        state.toast.take().map(|toast| toast.text).unwrap_or_default()
    };
    let mut state = told(&[]);
    press(&mut state, "g c");
    assert_eq!(said(&mut state, "M"), "M works in the list of runs (g r): mark the selected run.");
    assert_eq!(
        said(&mut state, "c"),
        "c works in the timeline (g t), while a run is stepped through (s), while a run is shown as it was (T) \
         and in 1 other place; ? shows all."
    );
    assert_eq!(said(&mut state, "L"), "L works while a run is stepped through (s): let go.");
    assert_eq!(
        said(&mut state, "y d"),
        "y d works where two runs are compared (g d): copy what differs inside the call as a patch."
    );
    assert_eq!(said(&mut state, "g q"), "g q means nothing here.");
    assert_eq!(said(&mut state, "é"), "", "what means nothing anywhere is no mistake to be told");
    assert_eq!(state.focus, Pane::Calls);
    let mut gate = super::gate_tests::at_gate();
    press(&mut gate, "g r");
    assert_eq!(
        said(&mut gate, "X"),
        "X works in the tree of calls (g c): execute the body, although a checkpoint would be served."
    );
    // Keys that somebody chose are what is named.
    state.settings.keymap.rebind(crate::app::command::CommandId::GoRuns, vec![]);
    assert_eq!(said(&mut state, "M"), "M works in the list of runs: mark the selected run.");
    state.settings.keymap.rebind(crate::app::command::CommandId::Help, vec![]);
    assert!(said(&mut state, "c").ends_with("and in 1 other place; the help shows all."));
    // A prefix that is only theirs has no words.
    let own = crate::app::keys::sequence("ä M").unwrap();
    state.settings.keymap.rebind(crate::app::command::CommandId::MarkRun, vec![own]);
    assert_eq!(said(&mut state, "ä"), "ä works in the list of runs.");
}

#[test]
fn a_key_that_waits_for_a_list_to_close_says_so() {
    let mut state = told(&[]);
    press(&mut state, "B R");
    assert_eq!(state.toast.as_ref().unwrap().text, "R works when this is closed.");
    press(&mut state, "down");
    assert_eq!(state.toast, None, "the end of a list is no mistake");
    press(&mut state, "a R");
    assert_eq!(state.toast, None, "it is typed");
}
