use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::scripted::Script;
use super::*;
use crate::value::from_json;

/// What a model call returns; a response without `id` has none.
fn response(id: Option<&str>, input: u64) -> Json {
    let mut json =
        json!({"model": "gpt-4o-mini", "usage": {"prompt_tokens": input, "completion_tokens": 10}});
    if let Some(id) = id {
        json["id"] = json!(id);
    }
    json
}

/// Runs the next call, whose body returns this.
fn returns(script: &mut Script, number: i64, json: &Json) {
    script.call("step", number);
    let (message, _) = script.told();
    let ToWorker::Run { calls } = message else { panic!("{message:?}") };
    script.end_with(calls[0].call, &from_json(json));
    script.answered_one();
}

fn tokens(script: &Script) -> Vec<u64> {
    script.history.calls.iter().map(|call| call.usage.as_ref().map_or(0, |usage| usage.tokens())).collect()
}

#[test]
fn a_response_that_is_handed_on_counts_once() {
    let mut script = Script::new("000000000001", &Arc::default(), None);
    returns(&mut script, 1, &response(Some("r1"), 100));
    // Another function got the response as its argument and returns it.
    returns(&mut script, 2, &json!({"checked": true, "response": response(Some("r1"), 100)}));
    returns(&mut script, 3, &response(Some("r2"), 100));
    script.end_with(1, &from_json(&json!([response(Some("r1"), 100), response(Some("r2"), 100)])));
    assert_eq!(tokens(&script), [0, 110, 0, 110]);
    assert_eq!(script.history.spent.tokens, 220);
}

#[test]
fn equal_answers_without_an_id_count_each_but_in_the_caller() {
    let mut script = Script::new("000000000001", &Arc::default(), None);
    returns(&mut script, 1, &response(None, 100));
    returns(&mut script, 2, &response(None, 100));
    script.end_with(1, &from_json(&response(None, 100)));
    assert_eq!(tokens(&script), [0, 110, 110]);
}

#[test]
fn served_responses_are_known_again_in_the_caller() {
    let values = Arc::default();
    let mut first = Script::new("000000000001", &values, None);
    returns(&mut first, 1, &response(Some("r1"), 100));
    returns(&mut first, 2, &response(None, 50));
    let mut replay = Script::new("000000000002", &values, Some(&first.history));
    replay.call("step", 1);
    replay.answered_one();
    replay.took(1, false);
    let all = json!([response(Some("r1"), 100), response(None, 50), response(Some("r3"), 7)]);
    replay.end_with(1, &from_json(&all));
    assert_eq!(tokens(&replay), [17, 110, 60]);
    assert_eq!((replay.history.spent.tokens, replay.history.saved.tokens), (17, 170));
}

#[test]
fn dollars_are_known_only_when_every_price_is() {
    let mut script = Script::new("000000000001", &Arc::default(), None);
    returns(&mut script, 1, &response(Some("r1"), 1_000_000));
    let cost = script.history.calls[1].usage.as_ref().unwrap().cost_usd.unwrap();
    assert!((0.1..0.3).contains(&cost), "{cost}");
    assert_eq!(script.history.known_cost(), Some(cost));
    let mut unknown = response(Some("r2"), 5);
    unknown["model"] = json!("nobody-knows");
    returns(&mut script, 2, &unknown);
    assert_eq!(script.history.calls[2].usage.as_ref().unwrap().cost_usd, None);
    assert_eq!(script.history.known_cost(), None);
}

#[test]
fn bodies_report_what_they_used() {
    let mut script = Script::new("000000000001", &Arc::default(), None);
    script.call("step", 1);
    let (message, _) = script.told();
    let ToWorker::Run { calls } = message else { panic!("{message:?}") };
    let call = calls[0].call;
    for (name, kind, value) in [
        ("tokens.input", "counter", 70.0),
        ("tokens.input", "counter", 30.0),
        ("tokens.output", "counter", 5.0),
        ("cost.usd", "timer", 0.25),
        ("tokens.odd", "counter", 9.0),
    ] {
        script.say(json!({"t": "metric", "by": call, "name": name, "kind": kind, "value": value}), vec![]);
    }
    script.end(call, "done");
    let usage = script.history.calls[1].usage.clone().unwrap();
    assert_eq!((usage.input, usage.output, usage.cost_usd), (100, 5, Some(0.25)));
}
