use proptest::prelude::*;
use serde_json::json;

use super::super::fixtures::{Memory, any_value};
use super::super::from_plain_json;
use super::*;

type Seen = (Api, Option<String>, Vec<(String, Option<String>)>, Option<(u64, u64)>, Option<u64>);

/// What is read of a result: whose, the model, the answers' words and their ends, tokens in and out, pieces.
fn seen(value: serde_json::Value) -> Option<Seen> {
    let nothing = Memory::default();
    let reader = Reader::new(&nothing);
    let found = response(&reader, &Place::from(from_plain_json(&value))).unwrap()?;
    let words = |answer: &Answer| {
        let words: Vec<String> = answer.turn.parts.iter().map(|part| said(&reader, part)).collect();
        (words.join(" | "), answer.finish.clone())
    };
    let tokens = found.tokens.as_ref().map(|tokens| (tokens.input, tokens.output));
    Some((found.api, found.model.clone(), found.answers.iter().map(words).collect(), tokens, found.pieces))
}

fn said(reader: &Reader<'_>, part: &Part) -> String {
    let text = |place: &Place| reader.glance(place, 200).unwrap();
    match part {
        Part::Text(place) => text(place),
        Part::Thinking(place) => format!("thinks {}", text(place)),
        Part::ToolCall { id, name, arguments } => {
            let arguments = arguments.as_ref().map(text).unwrap_or_default();
            format!("{}={name}({arguments})", id.clone().unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

fn one(words: &str, finish: &str) -> Vec<(String, Option<String>)> {
    vec![(words.to_owned(), Some(finish.to_owned()))]
}

fn name(model: &str) -> Option<String> {
    Some(model.to_owned())
}

#[test]
fn the_responses_of_all_providers_are_read() {
    let call =
        json!({"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":1}"}});
    let chat = json!({"id": "r", "object": "chat.completion", "model": "gpt-x", "choices": [{"index": 0, "finish_reason":
        "tool_calls", "message": {"role": "assistant", "content": "Hm.", "tool_calls": [call]}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2}});
    let words = one("\"Hm.\" | c1=find(\"{\"q\":1}\")", "tool_calls");
    let expected = (Api::ChatCompletions, name("gpt-x"), words, Some((9, 2)), None);
    assert_eq!(seen(chat.clone()), Some(expected.clone()));
    assert_eq!(seen(json!({"response": chat, "seconds": 2})), Some(expected), "in a field of a result");

    let responses = json!({"id": "r", "object": "response", "model": "gpt-y", "status": "completed", "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "first"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
        {"type": "function_call", "id": "fc", "call_id": "c2", "name": "find", "arguments": "{}"}],
        "usage": {"input_tokens": 5, "output_tokens": 6, "input_tokens_details": {"cached_tokens": 1}}});
    let words = one("thinks \"first\" | \"Hi\" | c2=find(\"{}\")", "completed");
    assert_eq!(seen(responses), Some((Api::Responses, name("gpt-y"), words, Some((5, 6)), None)));

    let anthropic = json!({"id": "m", "type": "message", "role": "assistant", "model": "claude-z",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": 1}}],
        "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 10}});
    let words = one("thinks \"hm\" | \"Hi\" | t1=find({q: 1})", "tool_use");
    assert_eq!(seen(anthropic), Some((Api::Anthropic, name("claude-z"), words, Some((13, 4)), None)));

    let google = json!({"modelVersion": "gemini-a", "candidates": [{"finishReason": "STOP", "content": {"role": "model",
        "parts": [{"text": "so", "thought": true}, {"text": "Hi"}, {"functionCall": {"name": "find", "args": {"q": 1}}}]}}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}});
    let words = one("thinks \"so\" | \"Hi\" | =find({q: 1})", "STOP");
    assert_eq!(seen(google), Some((Api::Google, name("gemini-a"), words, Some((7, 3)), None)));

    let langchain = json!({"type": "ai", "content": "Hi", "tool_calls": [{"id": "t", "name": "find", "args": {"q": 1}}],
        "response_metadata": {"model_name": "gpt-l", "finish_reason": "stop"},
        "usage_metadata": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}});
    let words = one("\"Hi\" | t=find({q: 1})", "stop");
    assert_eq!(seen(langchain), Some((Api::Langchain, name("gpt-l"), words, Some((1, 2)), None)));

    let message = json!({"role": "assistant", "content": "Hi"});
    assert_eq!(
        seen(message.clone()),
        Some((Api::Message, None, vec![("\"Hi\"".to_owned(), None)], None, None))
    );
    assert_eq!(seen(json!({"example": message})), None, "a message in a field may be anything");
}

#[test]
fn several_answers_are_all_read() {
    let choice = |i: u32| json!({"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": format!("a{i}")}});
    let found = seen(json!({"choices": [choice(0), choice(1)]})).unwrap();
    assert_eq!(found.2, [("\"a0\"".to_owned(), name("stop")), ("\"a1\"".to_owned(), name("stop"))]);
}

#[test]
fn other_values_are_no_responses() {
    for value in [
        json!(null),
        json!("text"),
        json!([]),
        json!({}),
        json!([{"role": "user", "content": "x"}]),
        json!({"role": "user", "content": "x"}),
        json!({"choices": ["red", "blue"]}),
        json!({"output": "x", "status": "done"}),
        json!([{"type": "a"}, {"type": "b"}]),
        json!({"type": "message", "text": "hi"}),
    ] {
        assert_eq!(seen(value.clone()), None, "{value}");
    }
}

#[test]
fn streams_are_put_together() {
    let chunk = |delta: serde_json::Value, finish: Option<&str>, usage: serde_json::Value| {
        json!({"id": "s", "object": "chat.completion.chunk", "model": "gpt-x", "usage": usage,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let tool = |id: Option<&str>, name: Option<&str>, text: &str| json!({"tool_calls": [{"index": 0, "id": id, "function": {"name": name, "arguments": text}}]});
    let chat = json!([
        chunk(json!({"role": "assistant", "content": ""}), None, json!(null)),
        chunk(json!({"content": "Hel"}), None, json!({"prompt_tokens": 8, "completion_tokens": 1})),
        chunk(json!({"content": "lo"}), None, json!(null)),
        chunk(tool(Some("c"), Some("find"), "{\"q\""), None, json!(null)),
        chunk(tool(None, None, ":1}"), None, json!(null)),
        chunk(json!({}), Some("tool_calls"), json!({"prompt_tokens": 8, "completion_tokens": 5})),
    ]);
    let words = one("\"Hello\" | c=find(\"{\"q\":1}\")", "tool_calls");
    let expected = (Api::ChatCompletions, name("gpt-x"), words, Some((8, 5)), Some(6));
    assert_eq!(seen(chat), Some(expected));

    let anthropic = json!([
        {"type": "message_start", "message": {"id": "m", "model": "claude-z", "role": "assistant", "content": [],
            "usage": {"input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "find", "input": {}}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"q\": 1}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 25}},
        {"type": "message_stop"}]);
    let words = one("\"Hello\" | t=find(\"{\"q\": 1}\")", "tool_use");
    assert_eq!(seen(anthropic), Some((Api::Anthropic, name("claude-z"), words, Some((13, 25)), Some(8))));

    let part = |text: &str, finish: Option<&str>, out: u32| {
        json!({"responseId": "g", "modelVersion": "gemini-a", "candidates": [{"content": {"parts": [{"text": text}]},
            "finishReason": finish}], "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": out}})
    };
    let google = seen(json!([part("Hel", None, 1), part("lo", Some("STOP"), 2)]));
    assert_eq!(
        google,
        Some((Api::Google, name("gemini-a"), one("\"Hello\"", "STOP"), Some((7, 2)), Some(2)))
    );
    // Two answers of a batch are no stream.
    assert_eq!(seen(json!([part("a", Some("STOP"), 1), part("b", Some("STOP"), 1)])), None);

    let piece = |text: &str, output: u32| {
        json!({"type": "AIMessageChunk", "id": "l", "content": text, "response_metadata": {},
            "usage_metadata": {"input_tokens": 1, "output_tokens": output, "total_tokens": 1 + output}})
    };
    let langchain = seen(json!([piece("Hel", 2), piece("lo", 3)])).unwrap();
    assert_eq!((langchain.0, langchain.3), (Api::Langchain, Some((2, 5))));

    let left = json!([
        {"type": "response.created", "response": {"id": "r", "model": "gpt-y", "object": "response", "output": []}},
        {"type": "response.output_text.delta", "delta": "Hel"},
        {"type": "response.output_text.delta", "delta": "lo"}]);
    let expected = (Api::Responses, name("gpt-y"), one("\"Hello\"", "in_progress"), None, Some(3));
    assert_eq!(seen(left), Some(expected), "a stream that was left");
}

fn asked(value: serde_json::Value) -> Option<String> {
    let nothing = Memory::default();
    let reader = Reader::new(&nothing);
    let found = request(&reader, &Place::from(from_plain_json(&value))).unwrap()?;
    let names = |list: &[(String, Place)]| {
        list.iter()
            .map(|(name, place)| format!("{name}={}", reader.glance(place, 40).unwrap()))
            .collect::<Vec<_>>()
            .join(",")
    };
    let prompt = match &found.prompt {
        Prompt::Turns(_, count) => format!("{count} turns"),
        Prompt::Text(place) => reader.glance(place, 40).unwrap(),
    };
    let system = found.system.as_ref().map(|place| reader.glance(place, 40).unwrap()).unwrap_or_default();
    let model = found.model.clone().unwrap_or_default();
    let (settings, others) = (names(&found.parameters), names(&found.others));
    Some(format!("{model};{settings};{system};{prompt};{};{others}", found.tools.join(",")))
}

#[test]
fn questions_are_read_from_arguments() {
    let messages = json!([{"role": "user", "content": "hi"}]);
    let tools =
        json!([{"type": "function", "function": {"name": "find"}}, {"name": "read", "input_schema": {}}]);
    for (arguments, expected) in [
        (json!({"messages": messages}), ";;;1 turns;;"),
        (
            json!({"messages": messages, "model": "gpt-x", "temperature": 0.2, "tools": tools, "retry": 3, "stop": null}),
            "gpt-x;temperature=0.2;;1 turns;find,read;retry=3",
        ),
        (
            json!({"request": {"model": "claude-z", "system": "be brief", "max_tokens": 9, "messages": messages}}),
            "claude-z;max_tokens=9;\"be brief\";1 turns;;",
        ),
        (
            json!({"model": "gpt-y", "input": [{"role": "user", "content": "hi"}, {"type": "function_call", "name": "f",
                "call_id": "c", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c", "output": "1"}],
                "instructions": "short"}),
            "gpt-y;;\"short\";3 turns;;",
        ),
        (json!({"prompt": "hi", "kwargs": {"temperature": 1}}), ";temperature=1;;\"hi\";;"),
        (json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "model": "g"}), "g;;;1 turns;;"),
    ] {
        assert_eq!(asked(arguments.clone()).as_deref(), Some(expected), "{arguments}");
    }
    for arguments in
        [json!({"prompt": "hi"}), json!({"messages": ["a"]}), json!([]), json!({"input": [1, 2]})]
    {
        assert_eq!(asked(arguments.clone()), None, "{arguments}");
    }
}

#[test]
fn a_text_answers_arguments_that_name_a_model() {
    let nothing = Memory::default();
    let reader = Reader::new(&nothing);
    let place = |value: serde_json::Value| Place::from(from_plain_json(&value));
    let text = place(json!("Rome"));
    let found = |input: serde_json::Value| exchange(&reader, Some(&place(input)), Some(&text)).unwrap();
    let messages = json!([{"role": "user", "content": "capital?"}]);
    assert_eq!(found(json!({"messages": messages, "model": "m"})).unwrap().response.api, Api::Text);
    assert!(found(json!({"messages": messages})).is_none(), "it may count words");
    assert!(found(json!({"city": "x"})).is_none());
}

proptest! {
    #[test]
    fn any_value_can_be_looked_at(value in any_value()) {
        let nothing = Memory::default();
        let reader = Reader::new(&nothing);
        let place = Place::from(value);
        let _ = response(&reader, &place);
        let _ = request(&reader, &place);
        let _ = exchange(&reader, Some(&place), Some(&place));
    }
}
