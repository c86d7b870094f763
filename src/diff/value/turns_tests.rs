//! Conversations by turn, in the shapes of the common providers.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Options, Pattern, Sides, compare, told_all};

/// Each row in one line.
fn rows(old: &Value, new: &Value, options: &Options) -> Vec<String> {
    let found = compare(old, new, options);
    let mut out = Vec::new();
    for row in told_all(&found.changes, "") {
        let sides = match row.sides {
            Sides::None => String::new(),
            Sides::Texts(a, b) | Sides::Excerpts(a, b) => format!("  {a} → {b}"),
            Sides::Values(a, b) => {
                let text = |side: Option<&Value>| side.map(ToString::to_string).unwrap_or_default();
                format!("  {} → {}", text(a), text(b))
            }
        };
        out.push(format!("{}{}{sides}", "  ".repeat(row.depth), row.words));
    }
    out.extend(found.hidden.iter().map(|one| format!("hidden by {}: {}", one.pattern, one.differences)));
    out
}

fn plain(old: Value, new: Value) -> Vec<String> {
    rows(&old, &new, &Options::default())
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn calls(id: &str, name: &str, arguments: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]})
}

#[test]
fn messages_are_paired_and_one_more_shifts_nothing() {
    let old = json!({"messages": [user("Where is it warm in March?"), user("And in April?"), user("Thanks a lot")]});
    let new = json!({"messages": [json!({"role": "system", "content": "Be brief."}),
        user("Where is it warm in March?"), user("And in May?")]});
    assert_eq!(
        plain(old, new),
        [
            "messages[0]  system message  added",
            "  text  added   → \"Be brief.\"",
            "messages[2]  user message",
            "  text  And in April? → And in May?",
            "messages[2]  user message  removed",
            "  text  removed  \"Thanks a lot\" → ",
        ]
    );
}

#[test]
fn a_message_that_stands_elsewhere_has_moved() {
    let old = json!([user("one"), user("two"), user("three")]);
    let new = json!([user("two"), user("three"), user("one")]);
    assert_eq!(plain(old, new), ["[2]  user message  was at [0]"]);
}

#[test]
fn tool_calls_differ_in_name_and_arguments_that_are_read() {
    let old = json!([user("q"), calls("call_1", "search", r#"{"query": "warm", "limit": 3}"#)]);
    // Other blanks are no difference; another id is one beside the call.
    let new = json!([user("q"), calls("call_2", "search", r#"{"query":"cold","limit":3}"#)]);
    assert_eq!(
        plain(old.clone(), new),
        [
            "[1]  assistant message",
            "  tool call search  query  warm → cold",
            "  tool_calls[0].id  call_1 → call_2",
        ]
    );
    let spaced = json!([user("q"), calls("call_1", "search", r#"{"query":"warm","limit":3}"#)]);
    // They differ, but say the same: that is told as what it is.
    let told = plain(old.clone(), spaced);
    assert_eq!(told[0], r#"[1].tool_calls[0]  id "call_1""#);
    assert!(told[1].starts_with("  function.arguments  {\"query\": "), "{told:?}");
    let other = json!([user("q"), calls("call_1", "fetch", r#"{"url": "x"}"#)]);
    assert_eq!(
        plain(old, other),
        [
            "[1]  assistant message",
            "  tool call fetch  added   → {\"url\":\"x\"}",
            "  tool call search  removed  {\"query\":\"warm\",\"limit\":3} → ",
        ]
    );
}

#[test]
fn every_providers_messages_are_read() {
    // Anthropic: blocks, a response that is a message itself, a result of a tool.
    let anthropic = |text: &str, city: &str, out: u32| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [
            {"type": "text", "text": text},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": city}}],
            "stop_reason": "tool_use", "usage": {"input_tokens": 5, "output_tokens": out}})
    };
    assert_eq!(
        plain(anthropic("Let me see.", "Rome", 7), anthropic("Let me look.", "Oslo", 8)),
        [
            "assistant message",
            "  text  Let me see. → Let me look.",
            "  tool call weather  city  Rome → Oslo",
            "  usage.output_tokens  7 → 8",
        ]
    );
    let result = |failed: bool, text: &str| {
        json!([{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": text, "is_error": failed}]}])
    };
    assert_eq!(
        plain(result(false, "18 °C"), result(true, "no such city")),
        ["[0]  user message", "  tool result  18 °C → no such city", "  content[0].is_error  false → true",]
    );
    // OpenAI's chat and responses.
    let chat =
        |text: &str| json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]});
    assert_eq!(
        plain(chat("a b"), chat("a c")),
        ["choices[0].message  assistant message", "  text  a b → a c"]
    );
    let responses = |query: &str, text: &str| {
        json!({"object": "response", "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "search", "arguments": query},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]})
    };
    assert_eq!(
        plain(responses(r#"{"q": 1}"#, "yes"), responses(r#"{"q": 2}"#, "no")),
        [
            "output[1]  assistant message",
            "  tool call search  q  1 → 2",
            "output[2]  assistant message",
            "  text  yes → no",
        ]
    );
    // Gemini.
    let gemini = |city: &str| {
        json!({"candidates": [{"content": {"role": "model", "parts": [
            {"text": "So:"}, {"functionCall": {"name": "weather", "args": {"city": city}}}]}}]})
    };
    assert_eq!(
        plain(gemini("Rome"), gemini("Oslo")),
        ["candidates[0].content  model message", "  tool call weather  city  Rome → Oslo"]
    );
    // LangChain, which says its calls twice.
    let langchain = |city: &str| {
        json!([{"type": "human", "content": "q"}, {"type": "ai", "content": [
            {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": city}}],
            "tool_calls": [{"name": "weather", "args": {"city": city}, "id": "t"}]}])
    };
    assert_eq!(
        plain(langchain("Rome"), langchain("Oslo")),
        ["[1]  assistant message", "  tool call weather  city  Rome → Oslo"]
    );
}

#[test]
fn streams_are_compared_by_what_their_pieces_make() {
    let stream = |pieces: &[&str]| -> Value {
        let one = |text: &&str| json!({"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]});
        pieces.iter().map(one).collect()
    };
    assert_eq!(plain(stream(&["a", " b"]), stream(&["a b"])), ["2 → 1 pieces of a stream that say the same"]);
    let found = plain(stream(&["a", " b"]), stream(&["a", " c"]));
    assert_eq!(found, ["choices[0].message  assistant message", "  text  a b → a c"]);
}

#[test]
fn ignored_places_in_messages_are_counted() {
    let options = |text: &str| Options { ignore: vec![Pattern::parse(text).unwrap()], tolerance: 0.0 };
    let old = json!([user("q"), calls("call_1", "search", r#"{"query": "warm", "at": 1}"#), user("end")]);
    let new = json!([user("q"), calls("call_2", "search", r#"{"query": "warm", "at": 2}"#), user("end")]);
    assert_eq!(
        rows(&old, &new, &options("*.id")),
        ["[1]  assistant message", "  tool call search  at  1 → 2", "hidden by *.id: 1"]
    );
    assert_eq!(
        rows(&old, &new, &options("[*].tool_calls[*].function.arguments.at")),
        [
            "[1]  assistant message",
            "  tool_calls[0].id  call_1 → call_2",
            "hidden by [*].tool_calls[*].function.arguments.at: 1",
        ]
    );
    assert_eq!(rows(&old, &new, &options("[*].tool_calls")), ["hidden by [*].tool_calls: 2"]);
}

fn message() -> impl Strategy<Value = Value> {
    let text = "[ab]{0,2}";
    prop_oneof![
        ("user|assistant|system", text).prop_map(|(role, text)| json!({"role": role, "content": text})),
        (text, text).prop_map(|(a, b)| json!({"role": "user", "content": [{"type": "text", "text": a}, {"type": "text", "text": b, "id": a}]})),
        ("[12]", "f|g", "[12]").prop_map(|(id, name, n)| calls(&id, &name, &format!("{{\"n\": {n}}}"))),
        ("[12]", text).prop_map(|(id, text)| json!({"role": "tool", "tool_call_id": id, "content": text})),
        text.prop_map(|text| json!({"role": "assistant", "content": text, "extra": {"k": text}})),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_by_reading_messages(
        a in prop::collection::vec(message(), 0..6),
        b in prop::collection::vec(message(), 0..6),
    ) {
        let (a, b) = (Value::from(a), Value::from(b));
        let nothing = Options::default();
        prop_assert!(compare(&a, &a, &nothing).changes.is_empty());
        prop_assert_eq!(compare(&a, &b, &nothing).changes.is_empty(), a == b);
        // What is hidden and what is told is everything: nothing vanishes.
        let ignoring = Options { ignore: vec![Pattern::parse("*.id").unwrap()], tolerance: 0.0 };
        let found = compare(&a, &b, &ignoring);
        prop_assert_eq!(found.changes.is_empty() && found.hidden.is_empty(), a == b);
    }
}
