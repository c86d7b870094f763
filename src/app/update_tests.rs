//! (state, keys) -> (state, effects).

use crate::app::Param;
use crate::app::keys::Key;
use crate::app::msg::{Payload, Piece};
use crate::app::script::{self as fake, Script, T0};
use crate::app::state::{Overlay, Pane, Tab};
use crate::app::testing::{ENV, bench, press, selected};
use crate::app::tour::{Tour, TourStep};
use crate::app::{
    AppState, BackendEvent, Edited, Effect, Env, Msg, Reply, SourceFile, Sources, Start, settle, update,
};
use crate::base::ids::RunId;
use crate::model::{Mode, RunStatus};

fn failed() -> AppState {
    bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)])
}

fn edited(before: &str, text: &str) -> Reply {
    Reply::Edited { what: Edited::Input, before: before.to_owned(), result: Ok(text.to_owned()) }
}

fn mapped() -> AppState {
    bench(&[fake::mapping("77d200000000", 1_000, &[3, 500, 900])])
}

#[test]
fn a_failed_run_opens_at_its_failure() {
    let state = failed();
    assert_eq!(selected(&state), 8);
    assert_eq!(state.effective_tab(), Tab::Attempts);
}

#[test]
fn moving_keeps_to_the_rows() {
    let mut state = failed();
    for (keys, expected) in
        [("home", 1), ("k", 1), ("j j", 3), ("end", 8), ("down", 8), ("pgup", 1), ("G", 8), ("g g", 1)]
    {
        assert_eq!(press(&mut state, keys), []);
        assert_eq!(selected(&state), expected, "{keys}");
    }
}

#[test]
fn n_goes_into_folded_operations_and_around() {
    let mut state = mapped();
    assert_eq!(selected(&state), 3, "the folded map");
    for expected in [4 + 3, 4 + 500, 4 + 900, 4 + 3] {
        press(&mut state, "n");
        assert_eq!(selected(&state), expected);
        assert!(state.current().unwrap().tree.row_of(expected).is_some());
    }
    press(&mut state, "N");
    assert_eq!(selected(&state), 4 + 900);
}

#[test]
fn folding_takes_the_selection_to_what_is_folded() {
    let mut state = mapped();
    press(&mut state, "n h");
    assert_eq!(selected(&state), 3);
    assert!(!state.current().unwrap().tree.folded(3));
    press(&mut state, "h");
    assert!(state.current().unwrap().tree.folded(3));
    press(&mut state, "l l");
    assert_eq!(selected(&state), 4);
    press(&mut state, "h space");
    assert!(state.current().unwrap().tree.folded(3));
}

#[test]
fn keys_of_one_batch_see_each_other() {
    let mut state = mapped();
    press(&mut state, "space home");
    for key in ["j", "j", "space", "j"] {
        update(&mut state, Msg::Key(Key::parse(key).unwrap()), &ENV);
    }
    settle(&mut state, &ENV);
    assert_eq!(selected(&state), 3, "there is nothing below the folded map");
}

fn load_input() -> Effect {
    Effect::LoadInput { app: "research_agent".to_owned() }
}

fn start_with(input: &str) -> Effect {
    let input = Some(input.to_owned());
    Effect::Start(Start::Run { app: "research_agent".to_owned(), input })
}

#[test]
fn running_asks_for_the_input_it_needs() {
    let mut state = bench(&[]);
    state.project.applications[0].params.push(Param {
        name: "n".to_owned(),
        hint: Some("int".to_owned()),
        default: None,
    });
    assert_eq!(press(&mut state, "r"), [load_input()]);
    assert_eq!(press(&mut state, "t e a enter"), []);
    assert!(matches!(&state.overlay, Some(Overlay::Input(form)) if form.at == 1 && form.problem.is_some()));
    assert_eq!(press(&mut state, "3 shift-tab space enter"), [start_with(r#"{"topic":"tea ","n":3}"#)]);
    assert_eq!(state.overlay, None);
}

#[test]
fn the_form_begins_with_the_last_input_unless_something_was_typed() {
    let reply =
        || Reply::Input { app: "research_agent".to_owned(), input: Some(r#"{"topic": "tea"}"#.to_owned()) };
    let mut state = bench(&[]);
    press(&mut state, "r");
    update(&mut state, Msg::Reply(reply()), &ENV);
    assert_eq!(press(&mut state, "enter"), [start_with(r#"{"topic":"tea"}"#)]);
    press(&mut state, "r x");
    update(&mut state, Msg::Reply(reply()), &ENV);
    assert_eq!(press(&mut state, "enter"), [start_with(r#"{"topic":"x"}"#)]);
}

#[test]
fn the_input_can_be_edited_elsewhere() {
    let mut state = bench(&[]);
    let effects = press(&mut state, "r t e a ctrl-o");
    let text = "{\n  \"topic\": \"tea\"\n}\n".to_owned();
    assert_eq!(effects, [load_input(), Effect::EditText { what: Edited::Input, text: text.clone() }]);
    update(&mut state, Msg::Reply(edited(&text, "{\"topic\": \"a\\nb\"}")), &ENV);
    assert_eq!(press(&mut state, "enter"), [start_with(r#"{"topic":"a\nb"}"#)]);
    press(&mut state, "r");
    update(&mut state, Msg::Reply(edited(&text, "{")), &ENV);
    assert!(matches!(&state.overlay, Some(Overlay::Input(form)) if form.problem.is_some()));
}

#[test]
fn a_deleted_run_comes_back() {
    let scripts = [
        fake::agent("2c1a00000000", 60, None, RunStatus::Failed),
        fake::agent("9aa000000000", 600, None, RunStatus::Succeeded),
    ];
    let mut state = bench(&scripts);
    assert_eq!(
        press(&mut state, "g r D"),
        [Effect::LoadHistory { run: RunId::from_text("9aa000000000"), generation: state.generation - 1 }]
    );
    assert_eq!((state.runs.items.len(), state.runs.deleted.len()), (1, 1));
    // The store still has it; it stays hidden.
    let again = |state: &mut AppState| {
        let generation = state.runs_asked.unwrap();
        let result = Ok(fake::summaries(&scripts));
        update(state, Msg::Reply(Reply::Runs { generation, result }), &ENV);
    };
    update(&mut state, Msg::Backend(BackendEvent::Changed), &ENV);
    again(&mut state);
    assert_eq!(state.runs.items.len(), 1);
    press(&mut state, "u");
    again(&mut state);
    assert_eq!((state.runs.items.len(), state.runs.deleted.len()), (2, 0));
    assert_eq!(state.runs.selected.as_ref().unwrap().short(), "2c1a");
    press(&mut state, "u");
    assert_eq!(state.toast.as_ref().unwrap().text, "Nothing was deleted, pinned or edited.");
}

#[test]
fn a_pin_is_told_and_taken_back() {
    let mut state = failed();
    let run = RunId::from_text("2c1a00000000");
    assert_eq!(press(&mut state, "a p"), [Effect::Pin { run: run.clone(), pinned: true }]);
    press(&mut state, "g r D");
    assert_eq!(
        state.toast.as_ref().unwrap().text,
        "The run is pinned; a pinned run is not deleted until it is unpinned."
    );
    assert_eq!(press(&mut state, "u"), [Effect::Pin { run, pinned: false }]);
}

#[test]
fn values_go_where_they_are_wanted() {
    let mut state = failed();
    let copied = |effects: &[Effect]| match effects {
        [Effect::Copy { text, .. }] => text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(copied(&press(&mut state, "y y")).contains("RateLimitError: 429"), "the error that is shown");
    assert_eq!(copied(&press(&mut state, "y p")), "research_agent/call_llm#4");
    assert_eq!(copied(&press(&mut state, "y c")), "tl-bench show 2c1a");
    assert_eq!(copied(&press(&mut state, "g r y i")), "2c1a00000000");
    press(&mut state, "g c k t");
    let effects = press(&mut state, "y f");
    assert_eq!(effects, []);
    let effects = press(&mut state, "enter");
    let [Effect::LoadBytes { purpose, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(purpose.wants_file());
    let payload = |extension| Ok(Payload { bytes: b"x".to_vec(), extension });
    let reply = Reply::Bytes { purpose: purpose.clone(), result: payload("json") };
    let effects = update(&mut state, Msg::Reply(reply), &ENV);
    let file = "search_web-input.json".to_owned();
    assert_eq!(effects, [Effect::SaveFile { file, bytes: b"x".to_vec() }]);
    // Opened by another program: its name says what it is, once that is known.
    let effects = press(&mut state, "O");
    let [Effect::LoadBytes { purpose, piece: Piece::Whole, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let reply = Reply::Bytes { purpose: purpose.clone(), result: payload("png") };
    let file = "search_web-input.png".to_owned();
    assert_eq!(update(&mut state, Msg::Reply(reply), &ENV), [Effect::Open { file, bytes: b"x".to_vec() }]);
    // The failed call has no output.
    press(&mut state, "g c n");
    let picked = state.current().map(|open| (open.history.id.clone(), open.selected, Tab::Output));
    state.picked = picked;
    assert_eq!(press(&mut state, "O"), []);
    assert_eq!(state.toast.as_ref().unwrap().text, "The selected call has no output that could be opened.");
}

#[test]
fn the_editor_opens_where_it_failed_else_where_it_was_called() {
    let mut state = failed();
    let place = |line| Effect::Edit { file: "/home/agent/app.py".to_owned(), line };
    assert_eq!(press(&mut state, "e"), [place(17)]);
    assert_eq!(press(&mut state, "k e"), [place(41)]);
    state.project.problems = vec!["lib/util.py:7: invalid syntax".to_owned()];
    let file = "/home/agent/lib/util.py".to_owned();
    assert_eq!(press(&mut state, "g p e"), [Effect::Edit { file, line: 7 }]);
}

#[test]
fn an_application_without_parameters_starts_at_once() {
    let mut state = bench(&[]);
    state.project.applications[0].params.clear();
    let start = Start::Run { app: "research_agent".to_owned(), input: None };
    assert_eq!(press(&mut state, "r"), [Effect::Start(start)]);
}

#[test]
fn replay_and_stop() {
    let mut state = failed();
    let run = RunId::from_text("2c1a00000000");
    assert_eq!(press(&mut state, "x"), []);
    assert_eq!(state.toast.as_ref().unwrap().text, "The run has ended.");
    let replay = Start::Replay { run: run.clone(), mode: Mode::Adaptive, from: None };
    assert_eq!(press(&mut state, "R"), [Effect::Start(replay)]);

    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Running)]);
    assert_eq!(press(&mut state, "R"), []);
    assert_eq!(press(&mut state, "x"), [Effect::Stop { run: run.clone(), force: false }]);
    assert_eq!(press(&mut state, "x"), [Effect::Stop { run, force: true }]);
}

/// The script's events as the engine would send them, from `from` on.
fn send(state: &mut AppState, script: &Script, from: usize, to: usize) -> Vec<Effect> {
    let events = script.events[from..to].to_vec();
    let event = BackendEvent::Run { run: script.run.clone(), events };
    let mut out = update(state, Msg::Backend(event), &ENV);
    out.extend(settle(state, &ENV));
    out.retain(|effect| !matches!(effect, Effect::LoadValue { .. } | Effect::Judge { .. }));
    out
}

#[test]
fn a_started_run_is_selected_and_followed_until_the_user_moves() {
    let mut state = failed();
    press(&mut state, "R");
    let script = fake::agent("8f3c00000000", 0, Some("2c1a00000000"), RunStatus::Succeeded);
    let started = Reply::Started {
        what: Start::Replay { run: RunId::from_text("2c1a00000000"), mode: Mode::Adaptive, from: None },
        result: Ok(script.run.clone()),
    };
    update(&mut state, Msg::Reply(started), &ENV);
    assert_eq!(send(&mut state, &script, 0, 6), []);
    assert_eq!(state.runs.selected.as_ref(), Some(&script.run));
    assert_eq!(state.runs.row_of(&script.run), Some(0));
    assert_eq!(selected(&state), 2);
    send(&mut state, &script, 6, 8);
    assert_eq!(selected(&state), 3, "follows");
    press(&mut state, "k");
    let n = script.events.len();
    send(&mut state, &script, 8, n - 1);
    assert_eq!(selected(&state), 2, "stays where the user went");
    press(&mut state, "F");
    assert_eq!(selected(&state), 8);
    send(&mut state, &script, n - 1, n);
    assert!(state.toast.as_ref().unwrap().text.contains("8f3c succeeded"));
    assert!(state.runs.local.is_empty());
}

#[test]
fn a_gap_in_the_events_is_filled_from_the_store() {
    let mut state = bench(&[]);
    let script = fake::agent("8f3c00000000", 0, None, RunStatus::Succeeded);
    send(&mut state, &script, 0, 6);
    let effects = send(&mut state, &script, 9, 12);
    assert!(
        matches!(effects.as_slice(), [Effect::LoadHistory { run, .. }] if *run == script.run),
        "{effects:?}"
    );
}

#[test]
fn stale_answers_are_dropped() {
    let mut state = bench(&[]);
    let script = fake::agent("8f3c00000000", 0, None, RunStatus::Succeeded);
    let old = Reply::Runs { generation: 1, result: Ok(vec![script.summary()]) };
    update(&mut state, Msg::Reply(old), &ENV);
    assert!(state.runs.items.is_empty());
    let old = Reply::History {
        generation: 99,
        run: script.run.clone(),
        result: Ok(std::sync::Arc::new(script.history())),
    };
    update(&mut state, Msg::Reply(old), &ENV);
    assert!(state.open.is_empty());
}

#[test]
fn a_changed_store_is_asked_once_at_a_time() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Running)]);
    let effects = update(&mut state, Msg::Backend(BackendEvent::Changed), &ENV);
    assert!(
        matches!(effects.as_slice(), [Effect::LoadRuns { .. }, Effect::LoadEvents { after_seq, .. }]
            if *after_seq == state.current().unwrap().history.last_seq),
        "{effects:?}"
    );
    let effects = update(&mut state, Msg::Backend(BackendEvent::Changed), &ENV);
    assert!(matches!(effects.as_slice(), [Effect::LoadEvents { .. }]), "{effects:?}");
    let generation = state.runs_asked.unwrap();
    let result = Ok(state.runs.items.clone());
    let effects = update(&mut state, Msg::Reply(Reply::Runs { generation, result }), &ENV);
    assert!(matches!(effects.as_slice(), [Effect::LoadRuns { .. }]), "{effects:?}");
}

#[test]
fn a_foreign_run_whose_engine_died_is_read_again() {
    let script = fake::agent("2c1a00000000", 60, None, RunStatus::Running);
    let mut state = bench(std::slice::from_ref(&script));
    update(&mut state, Msg::Backend(BackendEvent::Changed), &ENV);
    state.tailing.clear();
    let mut summary = script.summary();
    summary.status = RunStatus::Interrupted;
    let generation = state.runs_asked.unwrap();
    let reply = Reply::Runs { generation, result: Ok(vec![summary]) };
    let effects = update(&mut state, Msg::Reply(reply), &ENV);
    let Some(Effect::LoadHistory { run, generation }) = effects.first().cloned() else {
        panic!("{effects:?}")
    };
    let mut history = script.history();
    history.close(RunStatus::Interrupted, T0);
    let reply = Reply::History { generation, run, result: Ok(std::sync::Arc::new(history)) };
    update(&mut state, Msg::Reply(reply), &ENV);
    assert_eq!(state.current().unwrap().history.status, RunStatus::Interrupted);
}

#[test]
fn tab_enter_and_escape_go_through_the_panes() {
    let mut state = failed();
    for (keys, pane, zoom) in [
        ("tab", Pane::Inspector, false),
        ("tab", Pane::Runs, false),
        ("shift-tab", Pane::Inspector, false),
        ("enter", Pane::Inspector, true),
        ("esc", Pane::Inspector, false),
        ("esc", Pane::Calls, false),
        ("esc", Pane::Runs, false),
        ("esc", Pane::Runs, false),
        ("enter", Pane::Calls, false),
        ("enter", Pane::Inspector, false),
    ] {
        press(&mut state, keys);
        assert_eq!((state.focus, state.zoom), (pane, zoom), "{keys}");
    }
}

#[test]
fn a_chosen_tab_stays_but_errors_come_first() {
    let mut state = failed();
    press(&mut state, "t");
    assert_eq!(state.effective_tab(), Tab::Output, "after the error comes the output");
    press(&mut state, "t k");
    assert_eq!(state.effective_tab(), Tab::Input, "the habit");
    press(&mut state, "k j j");
    assert_eq!(state.effective_tab(), Tab::Input, "what was chosen for this call");
    press(&mut state, "home");
    assert_eq!(state.effective_tab(), Tab::Attempts, "another failed call");
}

#[test]
fn quitting_asks_while_a_run_of_this_workbench_goes_on() {
    let mut state = bench(&[]);
    let script = fake::agent("8f3c00000000", 0, None, RunStatus::Running);
    send(&mut state, &script, 0, script.events.len());
    assert_eq!(press(&mut state, "q"), []);
    assert!(state.toast.is_some());
    assert_eq!(press(&mut state, "j q"), [], "asked anew after another key");
    assert_eq!(press(&mut state, "q"), [Effect::Quit]);
    assert_eq!(press(&mut failed(), "q"), [Effect::Quit]);
}

#[test]
fn help_takes_the_keys_until_it_is_closed() {
    let mut state = failed();
    press(&mut state, "? down down");
    assert!(matches!(&state.overlay, Some(Overlay::Commands(list)) if list.at == 2));
    assert_eq!(press(&mut state, "q"), [], "q closes the help only");
    assert_eq!(state.overlay, None);
}

#[test]
fn the_palette_finds_and_executes() {
    let mut state = failed();
    press(&mut state, ": r p l a y");
    let replay = Start::Replay { run: RunId::from_text("2c1a00000000"), mode: Mode::Adaptive, from: None };
    assert_eq!(press(&mut state, "enter"), [Effect::Start(replay)]);
    assert_eq!(state.overlay, None);
    // What cannot be done now is shown with its reason and does nothing.
    press(&mut state, "ctrl-p s t o p");
    assert_eq!(press(&mut state, "enter"), []);
    assert!(state.overlay.is_some());
    press(&mut state, "esc");
    assert_eq!(state.overlay, None);
}

#[test]
fn a_command_of_a_pane_takes_the_focus_there() {
    let mut state = failed();
    press(&mut state, "g r : n e x t space t a b enter");
    assert_eq!(state.focus, Pane::Inspector);
}

#[test]
fn a_sequence_waits_for_its_end_and_shows_what_may_follow() {
    let mut state = failed();
    press(&mut state, "g");
    assert_eq!(selected(&state), 8, "nothing happens yet");
    assert_eq!(state.next_wake(T0), Some(T0 + 300_000), "the box comes by itself");
    assert_eq!(state.next_wake(T0 + 300_000), None, "and then stays");
    press(&mut state, "g");
    assert_eq!((selected(&state), state.pending.is_none()), (1, true));
    press(&mut state, "g esc");
    assert_eq!((&state.pending, state.focus), (&None, Pane::Calls), "escape ends the sequence only");
    press(&mut state, "g q");
    assert!(state.toast.as_ref().unwrap().text.contains("g q means nothing here"));
    press(&mut state, "j");
    assert_eq!(state.toast, None, "whoever goes on has read it");
}

#[test]
fn a_theme_is_shown_while_it_is_selected() {
    let mut state = failed();
    press(&mut state, ": t h e m e enter down down");
    assert_eq!(state.theme.as_deref(), Some("light"));
    press(&mut state, "esc");
    assert_eq!(state.theme, None);
    press(&mut state, ": t h e m e enter down enter");
    assert_eq!((state.theme.as_deref(), &state.overlay), (Some("dark"), &None));
}

#[test]
fn settings_are_taken_up_while_it_runs() {
    let mut state = failed();
    state.theme = Some("light".to_owned());
    let effects = update(&mut state, Msg::Backend(BackendEvent::SettingsChanged), &ENV);
    assert_eq!(effects, [Effect::LoadSettings]);
    let text = "[workbench]\ntheme = 'dark'\nthme = 1\n[workbench.keys]\nreplay = 'f5'\n".to_owned();
    let files = vec![SourceFile { path: "tl-bench.toml".to_owned(), text }];
    update(&mut state, Msg::Reply(Reply::Settings(Sources { files, themes: vec![] })), &ENV);
    assert_eq!(state.theme, None, "the files say something new");
    assert!(state.problems().next().unwrap().starts_with("tl-bench.toml:3: "));
    assert!(matches!(press(&mut state, "f5").as_slice(), [Effect::Start(_)]));
    assert_eq!(press(&mut state, "R"), []);
}

#[test]
fn nothing_moves_when_nothing_runs() {
    let state = failed();
    assert_eq!(state.next_wake(T0), None);
    let state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Running)]);
    assert!(state.next_wake(T0).is_some_and(|at| at > T0 && at <= T0 + 125_000));
}

#[test]
fn what_is_wrong_with_the_theme_outlives_a_reading_of_the_settings() {
    let mut state = bench(&[]);
    state.settings.theme_problems = vec!["There is no theme \"nope\".".to_owned()];
    crate::app::update::configure(&mut state, Default::default());
    assert_eq!(state.problems().count(), 1, "who draws looks again only at another theme");
}

#[test]
fn a_run_that_failed_says_why_as_it_ends() {
    use crate::app::openrun::OpenRun;
    let cause = |script: &fake::Script| OpenRun::new(std::sync::Arc::new(script.history())).cause();
    let failed = fake::agent("2c1a00000000", 60, None, RunStatus::Failed);
    let why = "call_llm#4: RateLimitError: 429 Too Many Requests: try again in 20 s";
    assert_eq!(cause(&failed).as_deref(), Some(why));
    let mut stopped = fake::Script::new("9aa000000000", 60, None, "{}");
    stopped.call("book", 1, crate::model::CallStatus::Fresh, "{}", "1");
    stopped.finish(RunStatus::Failed, Some(fake::error("EffectWouldRepeat", "book acted before")));
    assert_eq!(cause(&stopped).as_deref(), Some("EffectWouldRepeat: book acted before"));
    let sentence = crate::app::say::ended(&failed.history().summary(false), cause(&failed));
    assert!(sentence.starts_with("Run 2c1a failed in ") && sentence.ends_with(why), "{sentence}");
    // The tabs tell it where one looks first.
    let mut state = bench(&[stopped]);
    press(&mut state, "home");
    assert_eq!(state.effective_tab(), Tab::Attempts);
    assert_eq!(
        crate::app::problems::list(&state)[0].text,
        "research_agent: EffectWouldRepeat: book acted before"
    );
}

#[test]
fn a_toast_goes_away_by_itself() {
    let mut state = failed();
    press(&mut state, "x");
    let at = state.next_wake(T0).unwrap();
    settle(&mut state, &Env { now: at });
    assert_eq!(state.toast, None);
    assert_eq!(state.next_wake(at), None);
}

#[test]
fn a_tour_moves_on_when_its_step_is_done() {
    let mut state = failed();
    state.tour = Some(Tour::new(vec![
        TourStep { text: "press ? for help".to_owned(), done_when: |state| state.overlay.is_some() },
        TourStep { text: "go to the runs".to_owned(), done_when: |state| state.focus == Pane::Runs },
    ]));
    press(&mut state, "?");
    assert_eq!(state.tour.as_ref().unwrap().hint().unwrap(), "2/2  go to the runs");
    press(&mut state, "esc esc");
    assert_eq!(state.tour.as_ref().unwrap().hint(), None);
}

#[test]
fn a_list_that_is_behind_does_not_bring_a_run_back_to_life() {
    let mut state = bench(&[]);
    let script = fake::agent("8f3c00000000", 0, None, RunStatus::Succeeded);
    let n = script.events.len();
    send(&mut state, &script, 0, n - 1);
    update(&mut state, Msg::Backend(BackendEvent::Changed), &ENV);
    let generation = state.runs_asked.unwrap();
    let result = Ok(vec![state.runs.items[0].clone()]);
    send(&mut state, &script, n - 1, n);
    update(&mut state, Msg::Reply(Reply::Runs { generation, result }), &ENV);
    assert_eq!(state.runs.items[0].status, RunStatus::Succeeded);
}

#[test]
fn a_running_run_that_cannot_be_seen_does_not_wake_the_loop() {
    let mut state = bench(&[
        fake::agent("2c1a00000000", 60, None, RunStatus::Running),
        fake::agent("9aa000000000", 10, None, RunStatus::Succeeded),
    ]);
    state.runs.selected = Some(RunId::from_text("9aa000000000"));
    assert!(state.next_wake(T0).is_some(), "its row is in the list");
    update(&mut state, Msg::Resize(80, 24), &ENV);
    state.focus = Pane::Calls;
    assert_eq!(state.next_wake(T0), None);
}

#[test]
fn pasted_text_reaches_the_application_unchanged() {
    let mut state = bench(&[]);
    press(&mut state, "r");
    update(&mut state, Msg::Paste("a\u{200d}b".to_owned()), &ENV);
    assert_eq!(press(&mut state, "enter"), [start_with("{\"topic\":\"a\u{200d}b\"}")]);
}

#[test]
fn the_end_of_a_growing_log_stays_in_view() {
    use crate::model::Stream;
    let mut script = fake::agent("8f3c00000000", 0, None, RunStatus::Running);
    let before = script.events.len();
    for i in 0..200 {
        script.log(8, Stream::Stdout, &format!("line {i}\n"));
    }
    let mut state = bench(&[]);
    send(&mut state, &script, 0, before);
    press(&mut state, "t t t");
    assert_eq!(state.effective_tab(), Tab::Logs);
    send(&mut state, &script, before, before + 100);
    let end = state.doc_top;
    assert!(end > 50);
    press(&mut state, "tab k");
    send(&mut state, &script, before + 100, before + 200);
    assert_eq!(state.doc_top, end - 1, "who scrolls up stays there");
}
