use super::line::{Meaning, fill, meaning};
use super::speak::{Heard, changes, help, list};
use crate::app::command::CommandId;
use crate::app::script::{self as fake};
use crate::app::state::Overlay;
use crate::app::testing::{ENV, bench, press};
use crate::app::{AppState, Msg, settle, update};
use crate::model::{CallStatus, RunStatus};

fn said(state: &AppState, heard: &mut Heard) -> Vec<String> {
    changes(state, heard, ENV.now)
}

fn does(state: &mut AppState, line: &str) -> Meaning {
    let meaning = meaning(state, line);
    if let Meaning::Messages(all) = &meaning {
        for message in all {
            update(state, message.clone(), &ENV);
            settle(state, &ENV);
        }
    }
    meaning
}

#[test]
fn only_what_changed_is_said() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    let mut heard = Heard::default();
    let first = said(&state, &mut heard);
    assert_eq!(
        first,
        [
            "Run 2c1a of research_agent: failed after 14.2 s. 6 fresh, 1 failed.",
            "The tree of calls.",
            "Selected: call_llm#4: failed, 1.4 s. In: [1,2,3,4,5,6,7,8]. Error: RateLimitError: 429 Too Many \
             Requests: try again in 20 s",
        ]
    );
    assert_eq!(said(&state, &mut heard), [""; 0]);
    does(&mut state, "up");
    let line = said(&state, &mut heard).concat();
    assert!(line.starts_with("Selected: search_web#3: fresh"), "{line}");
    does(&mut state, "open");
    let lines = said(&state, &mut heard);
    assert_eq!(lines[0], "The inspector: Output.");
}

#[test]
fn many_changes_are_summed_up_but_failures_are_named() {
    let mut script = fake::Script::new("77d200000000", 5, None, "{}");
    let items: Vec<_> =
        (0..30).map(|i| script.ask(1, "step", crate::model::CallKind::Call, i, "{}")).collect();
    let mut state = bench(std::slice::from_ref(&script));
    let mut heard = Heard::default();
    said(&state, &mut heard);
    let before = script.events.len();
    for no in &items[1..] {
        script.end(*no, CallStatus::Cached, 1, "\"done\"", 0);
    }
    script.fail(items[0], 5, fake::error("ValueError", "no text"));
    let events = script.events[before..].to_vec();
    let run = script.run.clone();
    update(&mut state, Msg::Backend(crate::app::BackendEvent::Run { run, events }), &ENV);
    settle(&mut state, &ENV);
    let lines = said(&state, &mut heard);
    assert_eq!(lines[0], "30 calls changed: 29 cached, 1 failed.");
    assert!(lines[1].starts_with("step#0: failed") && lines[1].contains("no text"), "{lines:?}");
}

#[test]
fn a_line_is_a_command_a_key_or_a_mistake() {
    let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
    let command = |id| Meaning::Messages(vec![Msg::Command(id)]);
    assert_eq!(meaning(&state, "next-failed"), command(CommandId::NextFailed));
    assert_eq!(meaning(&state, "timeline"), command(CommandId::GoTimeline));
    assert_eq!(meaning(&state, "stop"), command(CommandId::Stop));
    assert_eq!(meaning(&state, ""), Meaning::Where);
    assert_eq!(meaning(&state, "7"), Meaning::Row(7));
    assert!(matches!(meaning(&state, "g t"), Meaning::Messages(keys) if keys.len() == 2));
    let Meaning::Say(sentence) = meaning(&state, "replya") else { panic!() };
    assert!(sentence.contains("did you mean \"replay\"?"), "{sentence}");
    does(&mut state, "filter failed");
    assert_eq!((state.filter.as_str(), &state.overlay), ("failed", &None));
    does(&mut state, "search-all-runs refund");
    assert_eq!((state.finder.editor.value().as_str(), &state.overlay), ("refund", &None));
}

#[test]
fn a_form_is_filled_by_lines() {
    let mut state = bench(&[]);
    does(&mut state, "run");
    assert!(matches!(state.overlay, Some(Overlay::Input(_))));
    let lines = said(&state, &mut Heard::default());
    assert!(lines.iter().any(|line| line.trim_end() == "topic (str) ="), "{lines:?}");
    assert_eq!(meaning(&state, "topic = tea = good"), Meaning::Field("topic".into(), "tea = good".into()));
    assert!(fill(&mut state, "topc", "x").contains("did you mean \"topic\"?"));
    fill(&mut state, "topic", "tea");
    let Meaning::Messages(keys) = meaning(&state, "") else { panic!() };
    let effects: Vec<_> = keys.into_iter().flat_map(|key| update(&mut state, key, &ENV)).collect();
    let input = Some("{\"topic\":\"tea\"}".to_owned());
    let app = "research_agent".to_owned();
    assert_eq!(effects, [crate::app::Effect::Start(crate::app::Start::Run { app, input })]);
}

#[test]
fn every_screen_can_be_read() {
    let mut state = bench(&[fake::mapping("77d200000000", 30, &[3])]);
    let line =
        |state: &AppState, part: &str| list(state, ENV.now, 20).into_iter().any(|line| line.contains(part));
    assert!(line(&state, "level 1, map summarise: failed"), "{:?}", list(&state, ENV.now, 20));
    for (keys, part) in
        [("g f", "summarise, 30"), ("g t", "critical path"), ("g p", "no text layer"), ("g r", "77d2")]
    {
        press(&mut state, keys);
        assert!(line(&state, part), "{keys}: {:?}", list(&state, ENV.now, 20));
    }
    assert!(help(&state, "strict").iter().any(|line| line.starts_with("replay-strict: ")));
    assert!(help(&state, "stop").iter().any(|line| line.contains("Not now: The run has ended.")));
}
