//! Panes, the mouse, folds by level, screens, and what outlives the workbench.

use crate::app::layout::{Shares, Split, layout};
use crate::app::persist;
use crate::app::pointer::{Mouse, MouseKind, Over};
use crate::app::script as fake;
use crate::app::state::{Pane, Screen, Tab};
use crate::app::testing::{ENV, bench, press, selected};
use crate::app::{AppState, Msg, settle, update};
use crate::model::RunStatus;

fn wide() -> AppState {
    let mut state = bench(&[
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
        fake::agent("2c1a00000000", 60, None, RunStatus::Failed),
    ]);
    update(&mut state, Msg::Resize(200, 60), &ENV);
    settle(&mut state, &ENV);
    state
}

fn mouse(state: &mut AppState, kind: MouseKind, x: u16, y: u16) {
    update(state, Msg::Mouse(Mouse { kind, x, y, over: Over::Beside }), &ENV);
    settle(state, &ENV);
}

#[test]
fn a_click_selects_and_does_nothing_else() {
    let mut state = wide();
    let places = layout(&state);
    let (runs, tree) = (places.runs.unwrap(), places.tree.unwrap());
    mouse(&mut state, MouseKind::Down, runs.x + 4, runs.y + 2);
    assert_eq!(state.focus, Pane::Runs);
    assert_eq!(state.runs.selected.as_ref().unwrap().short(), "9aa0");
    mouse(&mut state, MouseKind::Down, runs.x + 4, runs.y + 1);
    mouse(&mut state, MouseKind::Down, tree.x + 10, tree.y + 3);
    assert_eq!((state.focus, selected(&state)), (Pane::Calls, 3));
    mouse(&mut state, MouseKind::Down, tree.x + 10, tree.y + 40);
    assert_eq!(selected(&state), 3, "there is no row");
}

#[test]
fn a_click_on_the_sign_folds() {
    let mut state = wide();
    let tree = layout(&state).tree.unwrap();
    mouse(&mut state, MouseKind::Down, tree.x + 1, tree.y + 1);
    assert!(state.current().unwrap().tree.folded(1));
    mouse(&mut state, MouseKind::Down, tree.x + 1, tree.y + 1);
    assert!(!state.current().unwrap().tree.folded(1));
}

#[test]
fn a_click_on_a_title_shows_its_tab() {
    let mut state = wide();
    let area = layout(&state).inspector.unwrap();
    let logs = crate::app::inspect::tab_bar(area.w, Tab::Attempts)
        .into_iter()
        .find(|at| at.tab == Tab::Logs)
        .unwrap();
    mouse(&mut state, MouseKind::Down, area.x + logs.x, area.y + 1);
    assert_eq!((state.focus, state.effective_tab()), (Pane::Inspector, Tab::Logs));
}

#[test]
fn borders_are_dragged_and_moved_by_keys() {
    let mut state = wide();
    for split in [Split::Runs, Split::Right] {
        let (_, edge) = layout(&state).splits().find(|(known, _)| *known == split).unwrap();
        mouse(&mut state, MouseKind::Down, edge.x, 10);
        mouse(&mut state, MouseKind::Drag, edge.x + 7, 20);
        mouse(&mut state, MouseKind::Up, edge.x + 7, 20);
        let (_, moved) = layout(&state).splits().find(|(known, _)| *known == split).unwrap();
        assert_eq!(moved.x, edge.x + 7, "{split:?}");
        mouse(&mut state, MouseKind::Drag, edge.x + 20, 20);
        let (_, still) = layout(&state).splits().find(|(known, _)| *known == split).unwrap();
        assert_eq!(still.x, moved.x, "the button is up");
    }
    update(&mut state, Msg::Resize(120, 40), &ENV);
    let rule = layout(&state).stack_rule.unwrap();
    mouse(&mut state, MouseKind::Down, 3, rule.y);
    mouse(&mut state, MouseKind::Drag, 3, rule.y + 5);
    assert_eq!(layout(&state).stack_rule.unwrap().y, rule.y + 5);
    let before = layout(&state).inspector.unwrap().w;
    press(&mut state, "g i >");
    assert!(layout(&state).inspector.unwrap().w > before);
    press(&mut state, "z =");
    assert_eq!(state.shares, Shares::default());
}

#[test]
fn the_wheel_moves_the_rows_and_not_the_selection() {
    let mut state = bench(&[fake::mapping("77d200000000", 1_000, &[3, 500])]);
    press(&mut state, "z r home");
    let tree = layout(&state).tree.unwrap();
    for _ in 0..4 {
        mouse(&mut state, MouseKind::WheelDown, tree.x + 3, tree.y + 3);
    }
    assert_eq!((state.current().unwrap().top, selected(&state)), (12, 1));
    press(&mut state, "down");
    assert_eq!((state.current().unwrap().top, selected(&state)), (0, 2), "the selection is shown again");
    mouse(&mut state, MouseKind::WheelDown, 110, 5);
    assert_eq!(state.focus, Pane::Calls, "the wheel takes no focus");
}

#[test]
fn levels_fold() {
    let mut state = bench(&[fake::mapping("77d200000000", 50, &[3])]);
    let rows = |state: &AppState| state.current().unwrap().tree.rows().len();
    press(&mut state, "z r");
    assert_eq!(rows(&state), 53);
    press(&mut state, "n z m");
    assert_eq!(rows(&state), 3);
    assert_eq!(selected(&state), 3, "what held the selection");
    press(&mut state, "z 2");
    assert_eq!(rows(&state), 53, "an operation is no level of its own");
}

#[test]
fn a_screen_takes_the_keys_and_leads_to_calls() {
    let mut state = bench(&[fake::mapping("77d200000000", 1_000, &[3, 500, 900])]);
    press(&mut state, "g p");
    assert_eq!(state.screen, Screen::Problems);
    press(&mut state, "down enter");
    assert_eq!((state.screen, selected(&state)), (Screen::Main, 4 + 500));
    press(&mut state, "g p esc");
    assert_eq!(state.screen, Screen::Main);
    press(&mut state, "g p g p");
    assert_eq!(state.screen, Screen::Main, "the same key again goes back");
}

#[test]
fn what_is_kept_is_taken_up() {
    let scripts = [
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
        fake::mapping("77d200000000", 30, &[3]),
    ];
    let mut state = bench(&scripts);
    press(&mut state, "home z r g r > m");
    let text = persist::save(&state);
    let mut again = AppState::new(fake::project(), (120, 40));
    persist::restore(&mut again, &text);
    let again = crate::app::testing::fed(again, &scripts);
    assert_eq!((again.focus, again.shares, again.mouse), (state.focus, state.shares, state.mouse));
    assert_eq!(selected(&again), 1);
    assert_eq!(again.current().unwrap().tree.rows(), state.current().unwrap().tree.rows());
    assert_eq!(persist::save(&again), text);
}

#[test]
fn a_newer_run_matters_more_than_the_selected_one() {
    let old = fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded);
    let new = fake::agent("2c1a00000000", 60, None, RunStatus::Failed);
    let mut state = bench(&[old, new]);
    press(&mut state, "g r down");
    let text = persist::save(&state);
    let scripts = [
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
        fake::agent("2c1a00000000", 60, None, RunStatus::Failed),
        fake::agent("8f3c00000000", 6, None, RunStatus::Succeeded),
    ];
    for (count, expected) in [(2, "9aa0"), (3, "8f3c")] {
        let mut again = AppState::new(fake::project(), (120, 40));
        persist::restore(&mut again, &text);
        let again = crate::app::testing::fed(again, &scripts[..count]);
        assert_eq!(again.runs.selected.as_ref().unwrap().short(), expected);
    }
}

#[test]
fn a_damaged_text_is_as_good_as_none() {
    for text in ["", "{", "[]", "{\"focus\": 7}", "null", "{\"runs\":{\"x\":{\"selected\":99}}}"] {
        let mut state = AppState::new(fake::project(), (120, 40));
        persist::restore(&mut state, text);
        assert_eq!(state.focus, Pane::Calls, "{text}");
    }
}

/// Types each character as a key.
fn type_in(state: &mut AppState, text: &str) {
    for c in text.chars() {
        press(state, &if c == ' ' { "space".to_owned() } else { c.to_string() });
    }
}

fn shown(state: &AppState) -> Vec<u32> {
    state.current().unwrap().tree.rows().iter().map(|row| row.no).collect()
}

#[test]
fn a_filter_shows_what_is_meant_and_what_leads_there() {
    let mut state = bench(&[fake::mapping("77d200000000", 1_000, &[3, 500, 900])]);
    press(&mut state, "/");
    type_in(&mut state, "failed ");
    assert_eq!(shown(&state), [1, 3, 7, 504, 904], "while it is typed, also inside what was folded");
    assert_eq!(selected(&state), 3, "the map failed, too");
    type_in(&mut state, "in~500");
    assert_eq!(shown(&state), [1, 3, 504]);
    assert_eq!(selected(&state), 504);
    press(&mut state, "enter");
    assert_eq!(state.filter, "failed in~500");
    press(&mut state, "n");
    assert_eq!(selected(&state), 504, "only among what is shown");
    press(&mut state, "esc");
    assert_eq!((state.filter.as_str(), shown(&state).len()), ("", 1_003), "unfolded for the selected call");
    assert_eq!(selected(&state), 504, "in its place among the others");
}

#[test]
fn a_mistake_keeps_the_last_meaning_and_the_line_open() {
    let mut state = bench(&[fake::mapping("77d200000000", 50, &[3])]);
    press(&mut state, "/");
    type_in(&mut state, "failed ms>x");
    assert_eq!(state.filter, "failed m", "the last that meant something");
    press(&mut state, "enter");
    assert!(state.overlay.is_some());
    press(&mut state, "esc");
    assert_eq!((state.filter.as_str(), &state.overlay), ("", &None), "as before");
}

#[test]
fn completions_are_chosen_by_keys() {
    let mut state = bench(&[fake::mapping("77d200000000", 50, &[3])]);
    press(&mut state, "/");
    type_in(&mut state, "fn:s");
    press(&mut state, "tab enter");
    assert_eq!(state.filter, "fn:summarise");
    press(&mut state, "/ ctrl-u f a i down enter enter");
    assert_eq!(state.filter, "failed");
}

#[test]
fn a_filter_keeps_up_with_a_run() {
    use crate::app::BackendEvent;
    let script = fake::agent("8f3c00000000", 0, None, RunStatus::Failed);
    let mut state = bench(&[]);
    let send = |state: &mut AppState, from: usize, to: usize| {
        let event = BackendEvent::Run { run: script.run.clone(), events: script.events[from..to].to_vec() };
        update(state, Msg::Backend(event), &ENV);
        settle(state, &ENV);
    };
    send(&mut state, 0, 5);
    press(&mut state, "/");
    type_in(&mut state, "fn:search_web fresh");
    press(&mut state, "enter");
    assert!(shown(&state).is_empty());
    for to in 6..=script.events.len() {
        send(&mut state, to - 1, to);
        let mut whole = state.current().unwrap().clone();
        whole.filter(state.meaning.as_ref());
        whole.tree.rebuild();
        assert_eq!(
            shown(&state),
            whole.tree.rows().iter().map(|row| row.no).collect::<Vec<_>>(),
            "after {to}"
        );
    }
    assert_eq!(shown(&state), [1, 3, 5, 7]);
}

#[test]
fn the_store_is_asked_when_previews_do_not_tell() {
    use crate::app::{Effect, Reply};
    let mut state = bench(&[fake::mapping("77d200000000", 50, &[3])]);
    press(&mut state, "/");
    type_in(&mut state, "out~hidden");
    let effects = press(&mut state, "enter");
    let [Effect::Filter { run, filter }] = effects.as_slice() else { panic!("{effects:?}") };
    let reply = Reply::Filtered { run: run.clone(), filter: filter.to_string(), result: Ok(vec![9]) };
    update(&mut state, Msg::Reply(reply), &ENV);
    settle(&mut state, &ENV);
    assert_eq!(shown(&state), [1, 3, 9]);
}

mod values {
    use super::*;
    use crate::app::msg::{AnswerHead, Ask, ValueRow, ValueView};
    use crate::app::{Effect, Reply};

    fn node(path: &[u64], open: bool) -> ValueRow {
        ValueRow::Node {
            path: path.to_vec(),
            key: Some(format!("key{}", path.len())),
            kind: "dict[2]".to_owned(),
            text: String::new(),
            foldable: true,
            open,
            is_text: false,
            extension: "json",
        }
    }

    /// A workbench with the focus on an output that is being read, and the question.
    fn reading() -> (AppState, Ask, crate::base::digest::Digest) {
        let mut state = bench(&[fake::agent("9aa000000000", 60, None, RunStatus::Succeeded)]);
        let mut effects = update(&mut state, Msg::Key(crate::app::keys::Key::parse("j").unwrap()), &ENV);
        effects.extend(settle(&mut state, &ENV));
        press(&mut state, "g i");
        let [Effect::LoadValue { value, ask }] = effects.as_slice() else { panic!("{effects:?}") };
        (state, (**ask).clone(), value.digest)
    }

    fn answer(
        state: &mut AppState,
        ask: &Ask,
        digest: crate::base::digest::Digest,
        view: ValueView,
    ) -> Vec<Effect> {
        update(
            state,
            Msg::Reply(Reply::Value { digest, ask: Box::new(ask.clone()), result: Ok(view) }),
            &ENV,
        );
        settle(state, &ENV)
    }

    fn view(rows: Vec<ValueRow>, cut: Option<&str>) -> ValueView {
        ValueView {
            rows,
            look: "tree".to_owned(),
            has_other: true,
            cut: cut.map(str::to_owned),
            ..ValueView::default()
        }
    }

    #[test]
    fn what_is_unfolded_is_asked_for_and_old_answers_are_dropped() {
        let (mut state, ask, digest) = reading();
        answer(&mut state, &ask, digest, view(vec![node(&[], true), node(&[0], false)], None));
        assert_eq!(state.doc.places.len(), 2);
        let key = |state: &mut AppState, key: &str| {
            let mut out = update(state, Msg::Key(crate::app::keys::Key::parse(key).unwrap()), &ENV);
            out.extend(settle(state, &ENV));
            out
        };
        key(&mut state, "j");
        let effects = key(&mut state, "space");
        let [Effect::LoadValue { ask: wider, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(wider.folds.get(&vec![0]), Some(&true));
        answer(&mut state, &ask, digest, view(vec![], None));
        assert_eq!(state.doc.places.len(), 2, "the answer to the first question came late");
        answer(
            &mut state,
            wider,
            digest,
            view(vec![node(&[], true), node(&[0], true), node(&[0, 0], false)], None),
        );
        assert_eq!((state.doc.places.len(), state.doc_at), (3, 1));
        let effects = key(&mut state, "o");
        assert!(matches!(effects.as_slice(), [Effect::LoadValue { ask, .. }] if ask.plain), "{effects:?}");
    }

    #[test]
    fn the_selected_part_is_what_is_taken() {
        use crate::app::msg::{Picture, Piece};
        let (mut state, ask, digest) = reading();
        state.pictures = true;
        let picture = Picture { width: 4, pixels: vec![[1, 2, 3]; 16] };
        let file = ValueRow::File {
            words: "PNG image".to_owned(),
            nth: 0,
            extension: "png",
            picture: Some(std::sync::Arc::new(picture)),
        };
        answer(&mut state, &ask, digest, view(vec![node(&[], true), node(&[3], false), file], None));
        let taken = |state: &mut AppState, keys: &str| match press(state, keys).as_slice() {
            [Effect::LoadBytes { piece, .. }] => piece.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(taken(&mut state, "O"), Piece::Whole);
        assert_eq!(taken(&mut state, "j y y"), Piece::At(vec![3]));
        let third = taken(&mut state, "j O");
        assert!(matches!(third, Piece::File(_, 0)), "{third:?}");
        // The picture is part of it, and says how it is taken elsewhere.
        let lines = state.doc.lines.iter().map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect());
        let lines: Vec<String> = lines.collect();
        let at = lines.iter().position(|line| line == "▀▀▀▀").unwrap_or_else(|| panic!("{lines:?}"));
        assert!(state.doc.files[0].0.contains(&at), "{lines:?}");
        assert!(
            lines.join(" ").contains("O opens it") && lines.join(" ").contains("--save FILE"),
            "{lines:?}"
        );
        press(&mut state, "y f");
        let Some(crate::app::state::Overlay::SaveAs { editor }) = &state.overlay else { panic!() };
        assert!(editor.value().ends_with("-output.png"), "{}", editor.value());
        press(&mut state, "esc g c");
        assert_eq!(taken(&mut state, "O"), Piece::Whole, "the inspector has no cursor");
    }

    #[test]
    fn the_head_of_an_answer_says_what_it_took_once() {
        let (mut state, ask, digest) = reading();
        let tokens = crate::app::msg::Tokens { input: 9, cached: 4, written: 0, output: 3, reasoning: 0 };
        let head = AnswerHead {
            model: Some("gpt-x".to_owned()),
            finish: Some("stop".to_owned()),
            tokens: Some(tokens),
            pieces: Some(7),
        };
        let row = ValueRow::Turn { role: "assistant".to_owned(), name: None, note: None };
        answer(&mut state, &ask, digest, ValueView { answer: Some(head), ..view(vec![row], None) });
        let lines: Vec<String> = state
            .doc
            .lines
            .iter()
            .map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect())
            .collect();
        let text = lines.join(" ");
        let usage = state.current().unwrap().call().unwrap().usage.clone();
        match usage {
            // What the run counted stands above what the response says.
            Some(usage) => assert!(text.contains(&format!("in {}", usage.input)), "{lines:?}"),
            None => assert!(text.contains("in 9 (4 cached)") && text.contains("counted where"), "{lines:?}"),
        }
        assert!(text.contains("gpt-x") && text.contains("stop") && text.contains("7 pieces"), "{lines:?}");
        assert_eq!(text.matches(" out ").count(), 1, "{lines:?}");
    }

    #[test]
    fn more_is_read_when_its_end_comes_near_and_only_while_there_is_more() {
        let (mut state, ask, digest) = reading();
        let rows =
            |n: usize| (0..n).map(|_| ValueRow::Text { text: "x".to_owned(), markdown: false }).collect();
        let effects = answer(&mut state, &ask, digest, view(rows(1_000), Some("5 more")));
        assert_eq!(effects, [], "the end is far");
        update(&mut state, Msg::Key(crate::app::keys::Key::parse("end").unwrap()), &ENV);
        let effects = settle(&mut state, &ENV);
        let [Effect::LoadValue { ask: more, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(more.rows, 2 * Ask::PAGE);
        let effects = answer(&mut state, more, digest, view(rows(1_000), Some("5 more")));
        assert_eq!(effects, [], "asking brought nothing");
    }

    #[test]
    fn a_text_is_looked_for_and_found_again() {
        let (mut state, ask, digest) = reading();
        let text = |text: &str| ValueRow::Text { text: text.to_owned(), markdown: false };
        let rows = vec![text("a"), text("tea one"), text("b"), text("Tea two")];
        answer(&mut state, &ask, digest, view(rows, None));
        press(&mut state, "/ t e a enter");
        assert_eq!(state.doc_at, 1);
        press(&mut state, "n");
        assert_eq!(state.doc_at, 3);
        press(&mut state, "n N");
        assert_eq!(state.doc_at, 3);
        press(&mut state, "esc");
        assert_eq!((state.search.text.as_str(), state.focus), ("", Pane::Inspector));
    }
}
