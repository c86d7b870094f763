use serde_json::json;

use super::super::from_json;
use super::prices::{Price, Prices, Whose};
use super::*;

/// Input, output, cached, written, reasoning, model.
type Counts = (u64, u64, u64, u64, u64, Option<String>);

fn all(json: serde_json::Value) -> Vec<Counts> {
    let counts = |usage: TokenUsage| {
        (usage.input, usage.output, usage.cached_input, usage.cache_written, usage.reasoning, usage.model)
    };
    find(&from_json(&json)).into_iter().map(counts).collect()
}

fn found(json: serde_json::Value) -> Option<Counts> {
    all(json).into_iter().next()
}

#[test]
fn every_provider_is_known() {
    let model = |name: &str| Some(name.to_owned());
    let chat = json!({"model": "gpt-x", "usage": {"prompt_tokens": 10, "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}}});
    assert_eq!(found(chat.clone()), Some((10, 3, 4, 0, 2, model("gpt-x"))));
    assert_eq!(found(json!([{"response": chat}])), Some((10, 3, 4, 0, 2, model("gpt-x"))));
    let responses = json!({"usage": {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13,
        "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 1}}});
    assert_eq!(found(responses), Some((10, 3, 4, 0, 1, None)));
    let anthropic = json!({"model": "c", "usage": {"input_tokens": 10, "output_tokens": 3,
        "cache_read_input_tokens": 5, "cache_creation_input_tokens": null}});
    assert_eq!(found(anthropic), Some((15, 3, 5, 0, 0, model("c"))));
    let written = json!({"model": "c", "usage": {"input_tokens": 10, "output_tokens": 3,
        "cache_read_input_tokens": 0, "cache_creation_input_tokens": 7}});
    assert_eq!(found(written), Some((17, 3, 0, 7, 0, model("c"))));
    let google = json!({"modelVersion": "g", "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2,
        "thoughtsTokenCount": 1}});
    assert_eq!(found(google), Some((7, 3, 0, 0, 1, model("g"))));
    // google-genai says of its total that it is the sum of these four.
    let tools = json!({"usage_metadata": {"prompt_token_count": 100, "cached_content_token_count": 40,
        "candidates_token_count": 20, "thoughts_token_count": 7, "tool_use_prompt_token_count": 5,
        "total_token_count": 132}});
    assert_eq!(found(tools), Some((105, 27, 40, 0, 7, None)));
    let langchain = json!({"content": "hi", "response_metadata": {"model_name": "gpt-y"},
        "usage_metadata": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13,
            "input_token_details": {"cache_read": 3, "cache_creation": 1}, "output_token_details": {"reasoning": 2}}});
    assert_eq!(found(langchain), Some((9, 4, 3, 1, 2, model("gpt-y"))));
    assert_eq!(found(json!({"usage": {"prompt_tokens": 8, "total_tokens": 8}})), Some((8, 0, 0, 0, 0, None)));
}

#[test]
fn kinds_of_tokens_that_came_later_are_known() {
    let thinking = json!({"usage": {"input_tokens": 10, "output_tokens": 30, "cache_read_input_tokens": null,
        "output_tokens_details": {"thinking_tokens": 12}}});
    assert_eq!(found(thinking), Some((10, 30, 0, 0, 12, None)));
    let written = json!({"usage": {"input_tokens": 10, "output_tokens": 3,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5}}});
    assert_eq!(found(written), Some((10, 3, 4, 5, 0, None)));
    let chat = json!({"usage": {"prompt_tokens": 10, "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5}}});
    assert_eq!(found(chat), Some((10, 3, 4, 5, 0, None)));
}

#[test]
fn the_pieces_of_a_stream_are_one_response() {
    let start = json!({"type": "message_start", "message": {"id": "m", "model": "c", "content": [],
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 1}}});
    let delta =
        json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 25, "input_tokens": null}});
    let stream = json!([start, delta, {"type": "message_stop"}]);
    let expected = vec![(13, 25, 10, 0, 0, Some("c".to_owned()))];
    assert_eq!(all(stream.clone()), expected);
    assert_eq!(all(json!({"pieces": stream, "seconds": 1})), expected);
    // Servers that count up in each chunk.
    let chunk = |out: u32| {
        json!({"id": "s", "model": "g", "choices": [{"index": 0, "delta": {"content": "a"}}],
        "usage": {"prompt_tokens": 8, "completion_tokens": out}})
    };
    assert_eq!(all(json!([chunk(1), chunk(2), chunk(3)])), [(8, 3, 0, 0, 0, Some("g".to_owned()))]);
    // A stream that was left says nothing, and its beginning is no whole.
    assert_eq!(all(json!([{"choices": [{"delta": {"content": "a"}}], "usage": null}])), []);
}

#[test]
fn other_values_have_none() {
    assert_eq!(found(json!({"a": 1, "usage": "heavy"})), None);
    assert_eq!(found(json!([1, 2])), None);
    assert_eq!(found(json!({"usage": {"prompt_tokens": -4}})), None);
}

#[test]
fn all_responses_of_a_level_are_found_and_told_apart() {
    let one = json!({"id": "r1", "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    let two = json!({"id": "r2", "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    let ids = |value: serde_json::Value| -> Vec<String> {
        find(&from_json(&value)).into_iter().map(|usage| usage.response).collect()
    };
    assert_eq!(ids(json!({"messages": [one, two], "answer": "x"})), ["r1", "r2"]);
    let nameless = |text: &str| json!({"text": text, "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    let digest = ids(nameless("a"));
    assert!(digest[0].starts_with('#') && digest[0].len() == 17, "{digest:?}");
    assert_eq!(digest, ids(json!([nameless("a")])));
    assert_ne!(digest, ids(nameless("b")));
}

fn usage(model: &str, input: u64, cached: u64, written: u64, output: u64, reasoning: u64) -> TokenUsage {
    TokenUsage {
        input,
        output,
        cached_input: cached,
        cache_written: written,
        reasoning,
        model: Some(model.to_owned()),
        response: String::new(),
        ..TokenUsage::default()
    }
}

#[test]
fn what_is_kept_for_an_hour_has_its_own_price() {
    let anthropic = json!({"id": "m", "model": "claude-opus-4-5", "usage": {"input_tokens": 100, "output_tokens": 10,
        "cache_creation_input_tokens": 3_000, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000}}});
    let used = find(&from_json(&anthropic)).remove(0);
    assert_eq!((used.input, used.cache_written, used.cache_written_hour), (3_100, 3_000, 2_000));
    // 5 dollars a million, 6.25 for five minutes, 10 for an hour, 25 for what is put out.
    let dollars = (100.0 * 5.0 + 1_000.0 * 6.25 + 2_000.0 * 10.0 + 10.0 * 25.0) / 1e6;
    assert!(
        (Prices::default().cost(&used).unwrap() - dollars).abs() < 1e-12,
        "{:?}",
        Prices::default().cost(&used)
    );
    // LangChain says them apart, or as a whole.
    let langchain = |creation: u64| {
        let said = json!({"usage_metadata": {"input_tokens": 3_100, "output_tokens": 10, "total_tokens": 3_110,
            "input_token_details": {"cache_read": 0, "cache_creation": creation,
                "ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000}}});
        let used = find(&from_json(&said)).remove(0);
        (used.input, used.cache_written, used.cache_written_hour)
    };
    assert_eq!((langchain(0), langchain(3_000)), ((3_100, 3_000, 2_000), (3_100, 3_000, 2_000)));
    // LiteLLM says them within the details of the prompt.
    let litellm = json!({"id": "l", "model": "claude-opus-4-5", "usage": {"prompt_tokens": 3_100, "completion_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 3_000, "cache_creation_tokens": 3_000,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000}},
        "cache_creation_input_tokens": 3_000, "cache_read_input_tokens": 0}});
    assert_eq!(Prices::default().cost(&find(&from_json(&litellm)).remove(0)), Prices::default().cost(&used));
    let own = |hour: Option<f64>| {
        let price = Price {
            input: 5.0,
            output: 25.0,
            cache_written: Some(6.25),
            cache_written_hour: hour,
            ..Price::default()
        };
        price.of(&used) * 1e6
    };
    assert!((own(Some(7.0)) - own(None) + 6_000.0).abs() < 1e-6);
}

#[test]
fn the_bundled_table_is_whole() {
    let prices = Prices::default();
    assert!(prices.all().count() > 400);
    assert!(prices.all().all(|listed| listed.price.problem().is_none()));
    assert_eq!(Prices::date().len(), "2026-01-01".len());
}

#[test]
fn names_lead_to_prices() {
    let prices = Prices::default();
    let named = |name: &str| {
        prices.find(name).map(|listed| match listed.from {
            Whose::Bundled(provider) => format!("{provider}: {}", listed.model),
            Whose::Project => listed.model.to_owned(),
        })
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(named("gpt-4o"), some("openai: gpt-4o"));
    assert_eq!(named("gpt-4o-2024-05-13"), some("openai: gpt-4o-2024-05-13"));
    assert_eq!(named("gpt-5-2025-08-07"), some("openai: gpt-5"));
    assert_eq!(named("openai/gpt-5"), some("openai: gpt-5"));
    assert_eq!(named("openrouter/openai/gpt-5"), some("openai: gpt-5"));
    assert_eq!(named("models/gemini-2.5-pro"), some("google: gemini-2.5-pro"));
    assert_eq!(named("gemini/gemini-2.5-flash-001"), some("google: gemini-2.5-flash"));
    assert_eq!(named("claude-opus-4-5@20251101"), some("anthropic: claude-opus-4-5"));
    for unknown in ["", "-", "my-model", "nobody/gpt", "gpt-5-2025", "日本-2025-08-07"] {
        assert_eq!(named(unknown), None, "{unknown}");
    }
}

#[test]
fn every_kind_is_paid_once() {
    let price = Price {
        tokens: 0,
        input: 10.0,
        output: 100.0,
        cached_input: Some(1.0),
        cache_written: Some(20.0),
        cache_written_hour: None,
        reasoning: Some(50.0),
        above: Vec::new(),
    };
    let own = Prices::new([("m".to_owned(), price.clone())].into());
    let million = 1_000_000;
    let cost = |used: TokenUsage| own.cost(&used).map(|dollars| (dollars * 1000.0).round() / 1000.0);
    assert_eq!(cost(usage("m", million, 0, 0, 0, 0)), Some(10.0));
    assert_eq!(cost(usage("m", million, million / 2, million / 4, 0, 0)), Some(0.5 + 5.0 + 2.5));
    assert_eq!(cost(usage("m", 0, 0, 0, million, million / 2)), Some(75.0));
    // More cached than input at all: counts are not believed beyond the whole.
    assert_eq!(cost(usage("m", million, 2 * million, million, 0, 0)), Some(1.0));
    assert_eq!(cost(usage("other", 5, 0, 0, 0, 0)), None);
    assert_eq!(own.cost(&TokenUsage { model: None, ..usage("m", 5, 0, 0, 0, 0) }), None);
}

#[test]
fn a_malformed_price_is_told() {
    let problem = |text: &str| toml::from_str::<Price>(text).map(|price| price.problem());
    assert_eq!(problem("input = 1\noutput = 2"), Ok(None));
    assert_eq!(problem("input = 1\noutput = 2\nabove = [{tokens = 9, input = 2, output = 3}]"), Ok(None));
    assert!(problem("input = 1").is_err());
    assert!(problem("input = 1\noutput = 2\ncached = 3").is_err());
    for (text, says) in [
        ("input = -1\noutput = 2", "-1 is no price"),
        ("input = 1\noutput = nan", "NaN is no price"),
        ("tokens = 9\ninput = 1\noutput = 2", "`tokens` belongs into `above`"),
        ("input = 1\noutput = 2\nabove = [{input = 2, output = 3}]", "each of `above` has `tokens`"),
        ("input = 1\noutput = 2\nabove = [{tokens = 9, input = 2, output = -3}]", "-3 is no price"),
    ] {
        let told = problem(text).unwrap().unwrap_or_default();
        assert!(told.contains(says), "{text}: {told}");
    }
}

#[test]
fn long_requests_have_other_prices() {
    let prices = Prices::default();
    let at = |input| {
        prices.cost(&usage("gemini-2.5-pro", input, 0, 0, 0, 0)).map(|dollars| (dollars * 1e6).round())
    };
    assert_eq!(at(200_000), Some(250_000.0));
    assert_eq!(at(400_000), Some(1_000_000.0));
}
