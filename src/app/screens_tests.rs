//! The screens beside the main one: (state, keys) -> (state, effects).

use crate::app::find::{FoundEnd, FoundHit, Indexing, Standing};
use crate::app::keys::Key;
use crate::app::script as fake;
use crate::app::state::{Overlay, Pane, Screen, Tab};
use crate::app::testing::{ENV, bench, press, selected};
use crate::app::{AppState, BackendEvent, Effect, Msg, Reply, settle, update};
use crate::base::ids::RunId;
use crate::model::{CallStatus, RunStatus};

#[test]
fn the_timeline_goes_from_bar_to_bar_and_to_the_call() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    press(&mut state, "g t");
    assert_eq!((state.screen, selected(&state)), (Screen::Timeline, 8));
    press(&mut state, "h");
    assert_eq!(selected(&state), 6, "the model call before");
    press(&mut state, "j");
    assert_eq!(selected(&state), 5, "the search that is nearest");
    press(&mut state, "home");
    assert_eq!(selected(&state), 1, "the application");
    press(&mut state, "c");
    assert_eq!(selected(&state), 2, "the first call of the critical path");
    press(&mut state, "C C");
    assert_eq!(selected(&state), 7, "around the beginning, and one back");
    press(&mut state, "+ + -");
    assert!(state.timeline.span.is_some());
    press(&mut state, "0");
    assert_eq!(state.timeline.span, None);
    press(&mut state, "n");
    assert_eq!((state.screen, selected(&state)), (Screen::Timeline, 8), "the failure, in the timeline");
    press(&mut state, "enter");
    assert_eq!((state.screen, state.focus, selected(&state)), (Screen::Main, Pane::Calls, 8));
    press(&mut state, "g t g t");
    assert_eq!(state.screen, Screen::Main, "the same again goes back");
}

#[test]
fn a_cell_of_the_table_filters_the_tree() {
    let mut state = bench(&[fake::mapping("77d200000000", 60, &[3, 50])]);
    press(&mut state, "g f");
    let filters = |state: &mut AppState, keys: &str| {
        press(state, keys);
        let at = (state.screen, state.filter.clone(), state.current().unwrap().tree.hits());
        press(state, "esc g f");
        at
    };
    let (tree, table) = (Screen::Main, Screen::Functions);
    assert_eq!(filters(&mut state, "enter"), (tree, "fn:research_agent".into(), Some(1)));
    assert_eq!(filters(&mut state, "end enter"), (tree, "fn:summarise not map not reduce".into(), Some(60)),);
    let failed = "fn:summarise failed not map not reduce";
    assert_eq!(filters(&mut state, "end l l l enter"), (tree, failed.into(), Some(2)));
    press(&mut state, "esc home");
    press(&mut state, "g f end h");
    assert_eq!(filters(&mut state, "enter").0, table, "none is fresh");
}

#[test]
fn sorting_the_table_keeps_the_selection() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Succeeded)]);
    press(&mut state, "g f");
    let order = |state: &AppState| {
        let all = state.current().unwrap().functions.as_ref().unwrap();
        let rows = crate::app::functions::ordered(all, state.table.by);
        rows.iter().map(|function| function.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(order(&state), ["research_agent", "call_llm", "search_web"]);
    press(&mut state, "o");
    assert_eq!(order(&state), ["call_llm", "search_web", "research_agent"]);
    assert_eq!((state.list.at, state.table.selected.0.as_str()), (2, "research_agent"));
    press(&mut state, "k");
    assert_eq!(state.table.selected.0, "search_web");
    press(&mut state, "o");
    assert_eq!(
        (order(&state)[0].as_str(), state.table.selected.0.as_str()),
        ("research_agent", "search_web")
    );
}

#[test]
fn the_timeline_grows_with_its_run() {
    let mut script = fake::agent("2c1a00000000", 60, None, RunStatus::Running);
    let mut state = bench(std::slice::from_ref(&script));
    press(&mut state, "g f g t");
    let before = script.events.len();
    script.end(8, CallStatus::Fresh, 900, "\"done\"", 0);
    script.call("search_web", 4, CallStatus::Fresh, "{}", "1 result");
    let events = script.events[before..].to_vec();
    update(&mut state, Msg::Backend(BackendEvent::Run { run: script.run.clone(), events }), &ENV);
    settle(&mut state, &ENV);
    let open = state.current().unwrap();
    let chart = open.chart.as_ref().unwrap();
    let whole = crate::model::timeline::Timeline::of(&script.history());
    assert_eq!(chart.lanes.lanes, whole.lanes);
    assert_eq!(chart.lanes.steps, whole.steps);
    let functions = crate::model::functions::Functions::of(&script.history());
    let known = open.functions.as_ref().unwrap();
    assert_eq!(known.all.len(), functions.all.len());
    assert_eq!(known.all[1].by_status, functions.all[1].by_status);
}

fn hit(run: &str, call: u32, text: &str) -> FoundHit {
    FoundHit {
        run: RunId::from_text(run),
        app: "research_agent".to_owned(),
        started_at: fake::T0,
        call,
        path: format!("research_agent/call_llm#{call}"),
        field: "output",
        text: text.to_owned(),
        marks: std::iter::once(0..2).collect(),
        places: 1,
        more: false,
    }
}

fn reply(state: &mut AppState, reply: Reply) -> Vec<Effect> {
    let mut effects = update(state, Msg::Reply(reply), &ENV);
    effects.extend(settle(state, &ENV));
    effects
}

/// The generation of the search that was asked for, if one was.
fn asked(effects: &[Effect]) -> Option<(u64, String)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Find(ask) => Some((ask.generation, ask.text.clone())),
        _ => None,
    })
}

#[test]
fn each_key_of_a_search_asks_and_only_the_last_answer_counts() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    assert_eq!(press(&mut state, "g s"), [Effect::UpdateIndex]);
    assert_eq!(state.overlay, Some(Overlay::Find));
    let (first, _) = asked(&press(&mut state, "r")).unwrap();
    let (second, text) = asked(&press(&mut state, "e")).unwrap();
    assert!(second > first && text == "re");
    assert_eq!(press(&mut state, "left"), [], "the text is the same");

    reply(&mut state, Reply::Found { generation: first, hits: vec![hit("2c1a00000000", 2, "old")] });
    assert_eq!(state.finder.hits, []);
    reply(&mut state, Reply::Found { generation: second, hits: vec![hit("2c1a00000000", 2, "research")] });
    reply(&mut state, Reply::Found { generation: second, hits: vec![hit("2c1a00000000", 4, "results")] });
    reply(&mut state, Reply::FindEnded { generation: first, result: Err("late".to_owned()) });
    assert_eq!((state.finder.hits.len(), &state.finder.standing), (2, &Standing::Looking));
    let end = FoundEnd { more: true, unreadable: 0 };
    reply(&mut state, Reply::FindEnded { generation: second, result: Ok(end.clone()) });
    assert_eq!(state.finder.standing, Standing::Done(end));

    // The next key keeps what is there until its answer comes.
    let (third, _) = asked(&press(&mut state, "end s")).unwrap();
    assert_eq!((state.finder.hits.len(), state.finder.stale), (2, true));
    assert_eq!(press(&mut state, "enter"), [], "the hits are those of other words");
    reply(&mut state, Reply::FindEnded { generation: third, result: Ok(FoundEnd::default()) });
    assert_eq!(state.finder.hits, []);
}

#[test]
fn enter_before_the_answer_opens_what_it_brings() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    let hits = || vec![hit("2c1a00000000", 2, "research"), hit("2c1a00000000", 4, "results")];
    let (generation, _) = asked(&press(&mut state, "g s r")).unwrap();
    press(&mut state, "enter");
    reply(&mut state, Reply::Found { generation, hits: hits() });
    assert_eq!((state.screen, selected(&state)), (Screen::Main, 2));

    // The index grew, and the same is asked anew: the selected row is meant.
    let (generation, _) = asked(&press(&mut state, "g s e")).unwrap();
    reply(&mut state, Reply::Found { generation, hits: hits() });
    let (again, _) = asked(&reply(&mut state, Reply::Indexed(Ok(true)))).unwrap();
    press(&mut state, "down enter");
    assert_eq!(state.screen, Screen::Search);
    reply(&mut state, Reply::Found { generation: again, hits: hits() });
    assert_eq!((state.screen, selected(&state)), (Screen::Main, 4));

    // Another key, and it is not wanted any more; nor when there is nothing.
    let (generation, _) = asked(&press(&mut state, "g s s")).unwrap();
    press(&mut state, "enter left");
    reply(&mut state, Reply::Found { generation, hits: hits() });
    assert_eq!((state.screen, state.overlay.clone()), (Screen::Search, Some(Overlay::Find)));
    let (generation, _) = asked(&press(&mut state, "end t enter")).unwrap();
    reply(&mut state, Reply::FindEnded { generation, result: Ok(FoundEnd::default()) });
    reply(&mut state, Reply::Indexed(Ok(false)));
    assert_eq!((state.screen, state.finder.eager), (Screen::Search, false));
}

#[test]
fn a_hit_selects_the_line_that_holds_its_text_until_something_else_is_shown() {
    let scripts = [fake::agent("2c1a00000000", 60, None, RunStatus::Failed)];
    let mut state = bench(&scripts);
    let (generation, _) = asked(&press(&mut state, "g s r")).unwrap();
    let hits =
        vec![FoundHit { marks: std::iter::once(2..9).collect(), ..hit("2c1a00000000", 3, "5 results") }];
    reply(&mut state, Reply::Found { generation, hits });
    let mut effects = update(&mut state, Msg::Key(Key::parse("enter").unwrap()), &ENV);
    effects.extend(settle(&mut state, &ENV));
    assert_eq!(state.search.goal.as_ref().and_then(|goal| goal.at), Some(0), "in the preview");
    while let Some(effect) = effects.pop() {
        let answer = fake::answer(&scripts, &effect);
        answer.into_iter().for_each(|answer| effects.extend(reply(&mut state, answer)));
    }
    let line: String = state.doc.lines[state.doc_at].iter().map(|(_, piece)| piece.as_str()).collect();
    assert!(state.search.marks() && line.contains("results"), "{line:?}");
    assert_eq!((state.effective_tab(), selected(&state)), (Tab::Output, 3));
    press(&mut state, "down");
    assert_eq!(state.search.text, "", "the text was looked for there alone");
}

#[test]
fn a_filter_never_hides_the_call_that_one_goes_to() {
    let scripts = [fake::agent("2c1a00000000", 60, None, RunStatus::Failed)];
    let mut state = bench(&scripts);
    let goes_to = |state: &mut AppState, call: u32| {
        press(state, "g s");
        let (generation, _) = asked(&press(state, "r")).unwrap();
        reply(state, Reply::Found { generation, hits: vec![hit("2c1a00000000", call, "results")] });
        press(state, "enter");
        (selected(state), state.filter.clone())
    };
    press(&mut state, "/ f a i l e d enter");
    assert_eq!(goes_to(&mut state, 8), (8, "failed".to_owned()), "it means this one");
    assert_eq!(goes_to(&mut state, 3), (3, String::new()));
    assert!(state.toast.as_ref().unwrap().text.contains("taken away"));
}

#[test]
fn a_hit_leads_to_its_call_in_whichever_run() {
    let scripts = [
        fake::agent("2c1a00000000", 60, None, RunStatus::Failed),
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
    ];
    let mut state = bench(&scripts);
    let (generation, _) = asked(&press(&mut state, "g s s")).unwrap();
    let hits = vec![hit("2c1a00000000", 3, "search"), hit("9aa000000000", 5, "search")];
    reply(&mut state, Reply::Found { generation, hits });
    let effects = press(&mut state, "down enter");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LoadHistory { .. })), "{effects:?}");
    assert_eq!((state.screen, state.focus), (Screen::Main, Pane::Calls));
    for effect in &effects {
        let answer = fake::answer(&scripts, effect);
        answer.into_iter().for_each(|answer| drop(reply(&mut state, answer)));
    }
    assert_eq!((state.runs.selected.as_ref().unwrap().short(), selected(&state)), ("9aa0", 5));
    assert_eq!(state.effective_tab(), Tab::Output, "the tab that holds the text");

    // What was found is still there.
    press(&mut state, "g s esc");
    assert_eq!(
        (state.overlay.clone(), state.screen, state.finder.editor.value()),
        (None, Screen::Search, "s".into())
    );
    press(&mut state, "esc");
    assert_eq!(state.screen, Screen::Main);
}

#[test]
fn a_run_that_is_older_than_the_list_is_listed_when_it_is_read() {
    let scripts = [
        fake::agent("2c1a00000000", 60, None, RunStatus::Failed),
        fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded),
    ];
    let mut state = bench(&scripts[..1]);
    let (generation, _) = asked(&press(&mut state, "g s s")).unwrap();
    reply(&mut state, Reply::Found { generation, hits: vec![hit("9aa000000000", 5, "search")] });
    for effect in press(&mut state, "enter") {
        if matches!(effect, Effect::LoadHistory { .. }) {
            reply(&mut state, fake::answer(&scripts, &effect).unwrap());
        }
    }
    assert_eq!((state.runs.items.len(), selected(&state)), (2, 5));
    // The list is read again: the run stays.
    for effect in update(&mut state, Msg::Backend(BackendEvent::Changed), &ENV) {
        if let Some(answer) = fake::answer(&scripts[..1], &effect) {
            reply(&mut state, answer);
        }
    }
    assert_eq!((state.runs.items.len(), state.runs.selected.as_ref().unwrap().short()), (2, "9aa0"));
}

#[test]
fn a_search_is_asked_again_when_the_index_grew() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    let effects = press(&mut state, "g s r");
    assert_eq!(effects.iter().filter(|effect| **effect == Effect::UpdateIndex).count(), 1, "one at a time");
    reply(&mut state, Reply::Indexing(Indexing { run: 1, runs: 3, events: 4_000 }));
    assert!(state.finder.indexing.is_some());
    let effects = reply(&mut state, Reply::Indexed(Ok(true)));
    assert_eq!(asked(&effects).map(|(_, text)| text), Some("r".to_owned()));
    assert_eq!(asked(&reply(&mut state, Reply::Indexed(Ok(false)))), None);
    // Where it looks is part of the question.
    let asks = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Find(ask) => Some((ask.run.is_some(), ask.field)),
            _ => None,
        })
    };
    assert_eq!(asks(press(&mut state, "tab")), Some((false, Some("input"))));
    assert_eq!(asks(press(&mut state, "ctrl-r")), Some((true, Some("input"))));
    let line = crate::app::headless::command_line(&state).unwrap();
    assert_eq!(line, "tl-bench search --run 2c1a --in input -- r");
}

/// A replay, and the run that it replays; the replay is compared with it.
fn compared() -> AppState {
    let (old, new) = ("9aa000000000", "8f3c00000000");
    let scripts = [
        fake::agent(old, 3_600, None, RunStatus::Succeeded),
        fake::agent(new, 12, Some(old), RunStatus::Succeeded),
    ];
    let mut state = bench(&scripts);
    let effects = press(&mut state, "g d");
    let [Effect::Compare { a: None, b, generation, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(b.as_str(), new);
    let result = Ok(fake::comparison(&RunId::from_text(old), b));
    update(&mut state, Msg::Reply(Reply::Compared { generation: *generation, result }), &ENV);
    state
}

#[test]
fn a_place_is_ignored_in_this_view_and_counted_again() {
    use crate::app::tab::{TabRow, TabView, Target};
    let mut state = compared();
    let effects = settle(&mut state, &ENV);
    let answer = |state: &mut AppState, effects: &[Effect], view: TabView| {
        let generation = effects
            .iter()
            .find_map(|effect| match effect {
                Effect::ComparePair { generation, .. } => Some(*generation),
                _ => None,
            })
            .unwrap();
        let view = crate::app::compare::PairView { view, ..Default::default() };
        update(state, Msg::Reply(Reply::Inside { generation, result: Ok(view) }), &ENV);
        settle(state, &ENV)
    };
    let row = |text: &str, target| TabRow::Text {
        indent: 0,
        tone: crate::app::tone::Tone::Key,
        text: text.to_owned(),
        target: Some(target),
    };
    let path = "messages[3].id".to_owned();
    answer(&mut state, &effects, TabView { rows: vec![row("messages[3].id", Target::Value { path })] });
    press(&mut state, "i");
    assert!(state.compare.ignored.is_empty(), "the tree has the keys");
    press(&mut state, "tab");
    let asked = press(&mut state, "i");
    let [Effect::Compare { how, generation, a: _, b }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(how.ignore.as_deref(), Some(&["messages[*].id".to_owned()][..]));
    let said = &state.toast.as_ref().unwrap().text;
    assert_eq!(said, "Ignored here; W writes it into tl-bench.toml: messages[*].id");
    let mut found = fake::comparison(&RunId::from_text("9aa0"), b);
    found.hidden = vec![("messages[*].id".to_owned(), 2)];
    update(
        &mut state,
        Msg::Reply(Reply::Compared { generation: *generation, result: Ok(found.clone()) }),
        &ENV,
    );
    let asked = settle(&mut state, &ENV);
    let pattern = "messages[*].id".to_owned();
    answer(&mut state, &asked, TabView { rows: vec![row("2 hidden", Target::Ignored { pattern })] });
    press(&mut state, "i");
    assert_eq!(state.compare.ignore(), Some(Vec::new()), "it counts again");
    state.compare.held = crate::app::compare::Held::Ready(std::sync::Arc::new(found));
    press(&mut state, "I");
    assert_eq!(state.compare.ignore(), None, "all places count");
}

#[test]
fn what_is_ignored_is_written_into_the_projects_file_when_that_is_confirmed() {
    let mut state = compared();
    settle(&mut state, &ENV);
    press(&mut state, "W");
    assert!(state.overlay.is_none() && state.toast.as_ref().unwrap().text.contains("Nothing is ignored"));
    state.compare.ignored = vec!["*.id".to_owned(), "n".to_owned()];
    press(&mut state, "W");
    press(&mut state, "esc");
    assert!(state.overlay.is_none() && state.compare.ignored.len() == 2, "it is left");
    press(&mut state, "W");
    assert_eq!(press(&mut state, "x"), [], "only Enter means it");
    let asked = press(&mut state, "enter");
    let patterns = state.compare.ignored.clone();
    assert_eq!(asked, [Effect::ChangeIgnored { patterns: patterns.clone(), adds: true }]);
    let answer = |result| Msg::Reply(Reply::Ignored { patterns: patterns.clone(), adds: true, result });
    update(&mut state, answer(Err("the disk is full".to_owned())), &ENV);
    assert_eq!(state.toast.as_ref().unwrap().text, "the disk is full");
    assert_eq!(state.compare.ignored, patterns, "they stay ignored here");
    update(&mut state, answer(Ok(())), &ENV);
    assert!(state.compare.ignored.is_empty(), "the file says it now");
    let effects = settle(&mut state, &ENV);
    let [Effect::Compare { how, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(how.ignore.as_deref(), Some(&[][..]));
}

/// Another process changed tl-bench.toml: what is read of a pair counts by the new list, and so must the tree.
#[test]
fn a_pair_that_was_read_with_other_ignored_places_brings_a_new_tree() {
    let mut state = compared();
    let inside = |state: &mut AppState, effects: &[Effect], ignores: &[String]| {
        let [Effect::ComparePair { generation, pair, .. }] = effects else { panic!("{effects:?}") };
        let view = crate::app::compare::PairView { ignores: ignores.to_vec(), ..fake::pair_view(*pair) };
        update(state, Msg::Reply(Reply::Inside { generation: *generation, result: Ok(view) }), &ENV);
        settle(state, &ENV)
    };
    let asked = settle(&mut state, &ENV);
    assert_eq!(inside(&mut state, &asked, &[]), [], "nothing was changed");
    let pair = press(&mut state, "down");
    let ignores = ["*.id".to_owned()];
    let asked = inside(&mut state, &pair, &ignores);
    let [Effect::Compare { generation, a, b, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    let found = fake::comparison(a.as_ref().unwrap_or(b), b);
    let found = crate::app::compare::Comparison { ignores: ignores.to_vec(), ..found };
    update(&mut state, Msg::Reply(Reply::Compared { generation: *generation, result: Ok(found) }), &ENV);
    let asked = settle(&mut state, &ENV);
    assert_eq!(inside(&mut state, &asked, &ignores), [], "both are of the same list");
}

#[test]
fn a_large_value_is_told_at_once_and_then_looked_at_to_its_end() {
    let mut state = compared();
    let effects = settle(&mut state, &ENV);
    let [Effect::ComparePair { generation, how, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!how.thorough);
    let rough = crate::app::compare::PairView { rough: true, ..fake::pair_view((Some(2), Some(2))) };
    update(&mut state, Msg::Reply(Reply::Inside { generation: *generation, result: Ok(rough) }), &ENV);
    let effects = settle(&mut state, &ENV);
    let before = state.compare.lines.clone();
    assert!(!before.is_empty(), "what is known is shown");
    let [Effect::ComparePair { generation, how, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(how.thorough);
    assert_eq!(settle(&mut state, &ENV), [], "it is asked once");
    assert_eq!(state.compare.lines, before);
    let rows = vec![crate::app::tab::TabRow::text(0, crate::app::tone::Tone::Text, "all of it")];
    let view = crate::app::tab::TabView { rows };
    let whole = crate::app::compare::PairView { view, ..Default::default() };
    update(&mut state, Msg::Reply(Reply::Inside { generation: *generation, result: Ok(whole) }), &ENV);
    assert_eq!(settle(&mut state, &ENV), []);
    let shown: String = state.compare.lines[0].iter().map(|(_, piece)| piece.as_str()).collect();
    assert_eq!(shown, "all of it");
}

#[test]
fn differences_are_gone_through_and_filtered() {
    let mut state = compared();
    let effects = settle(&mut state, &ENV);
    let both = |no| Some((Some(no), Some(no)));
    assert_eq!(state.compare.selected, both(2), "the first cause");
    let [Effect::ComparePair { pair: (Some(2), Some(2)), generation, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let result = Ok(fake::pair_view((Some(2), Some(2))));
    update(&mut state, Msg::Reply(Reply::Inside { generation: *generation, result }), &ENV);
    settle(&mut state, &ENV);
    assert!(!state.compare.lines.is_empty());
    let copied = press(&mut state, "y y");
    assert!(matches!(&copied[..], [Effect::Copy { text, .. }] if text.contains("+curt")), "{copied:?}");

    let effects = press(&mut state, "n n");
    assert_eq!(state.compare.selected, Some((None, Some(4))), "removed, then added");
    assert_eq!(effects.len(), 1, "one question at a time: {effects:?}");
    press(&mut state, "n n n");
    assert_eq!(state.compare.selected, Some((Some(6), Some(7))), "what is only noise is passed over");
    press(&mut state, "1");
    assert_eq!(state.compare.selected, both(2), "where the runs part");
    press(&mut state, "c");
    assert_eq!(state.compare.visible, [1, 5, 7]);
    press(&mut state, "j");
    assert_eq!(state.compare.selected, both(5));
    press(&mut state, "c o");
    assert_eq!((state.compare.visible.len(), state.compare.selected), (8, both(5)), "the selection stays");
    press(&mut state, "enter");
    assert_eq!((state.screen, selected(&state)), (Screen::Main, 5));
    let again = press(&mut state, "g d");
    assert!(again.iter().all(|effect| !matches!(effect, Effect::Compare { .. })), "it is known: {again:?}");
    assert_eq!(state.compare.selected, both(5));
}

#[test]
fn a_removed_call_is_in_the_first_run_and_a_marked_run_is_the_first() {
    let mut state = compared();
    settle(&mut state, &ENV);
    press(&mut state, "n");
    assert_eq!(state.compare.selected, Some((Some(4), None)));
    press(&mut state, "enter");
    assert_eq!(state.runs.selected, Some(RunId::from_text("9aa000000000")));
    press(&mut state, "g r M g g");
    assert_eq!(state.compare.marked, Some(RunId::from_text("9aa000000000")));
    assert_eq!(state.runs.selected, Some(RunId::from_text("8f3c00000000")));
    let effects = press(&mut state, "g d");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Compare { a, .. } => Some(a.clone()),
        _ => None,
    });
    assert_eq!(asked, Some(Some(RunId::from_text("9aa000000000"))), "{effects:?}");
}

#[test]
fn a_comparison_that_fails_or_comes_late_says_so_or_is_dropped() {
    let mut state = compared();
    let late = Err("late".to_owned());
    update(&mut state, Msg::Reply(Reply::Compared { generation: 1, result: late }), &ENV);
    assert!(state.compare.ready().is_some());
    update(&mut state, Msg::Reply(Reply::Broken("a bug".to_owned())), &ENV);
    let effects = settle(&mut state, &ENV);
    assert!(effects.iter().all(|effect| !matches!(effect, Effect::Compare { .. })), "{effects:?}");
    let generation = state.compare.generation;
    let failed = Err("There is no earlier run.".to_owned());
    update(&mut state, Msg::Reply(Reply::Compared { generation, result: failed }), &ENV);
    let effects = press(&mut state, "n j tab enter");
    assert!(effects.is_empty(), "{effects:?}");
}
