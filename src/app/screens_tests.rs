//! The screens beside the main one: (state, keys) -> (state, effects).

use crate::app::script as fake;
use crate::app::state::{Pane, Screen};
use crate::app::testing::{ENV, bench, press, selected};
use crate::app::{BackendEvent, Msg, settle, update};
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
fn the_timeline_grows_with_its_run() {
    let mut script = fake::agent("2c1a00000000", 60, None, RunStatus::Running);
    let mut state = bench(std::slice::from_ref(&script));
    press(&mut state, "g t");
    let before = script.events.len();
    script.end(8, CallStatus::Fresh, 900, "\"done\"", 0);
    script.call("search_web", 4, CallStatus::Fresh, "{}", "1 result");
    let events = script.events[before..].to_vec();
    update(&mut state, Msg::Backend(BackendEvent::Run { run: script.run.clone(), events }), &ENV);
    settle(&mut state, &ENV);
    let chart = state.current().unwrap().chart.as_ref().unwrap();
    let whole = crate::model::timeline::Timeline::of(&script.history());
    assert_eq!(chart.lanes.lanes, whole.lanes);
    assert_eq!(chart.lanes.steps, whole.steps);
}
