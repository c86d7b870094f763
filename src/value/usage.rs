//! Token counts in what model calls return, whichever provider's shape they have.
//!
//! Works on dicts and on instances alike (fields of pydantic models and dataclasses); looks a few levels deep
//! and at a bounded number of entries, so it can be asked of every value.

use super::tree::Value;

/// What a model call reported to have used.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenUsage {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Input tokens that the provider served from its cache.
    pub cached_input: u64,
    /// The model's name, when it was reported.
    pub model: Option<String>,
}

/// How many values are looked at in all.
const BUDGET: usize = 64;

/// The first usage at the top, or up to two levels below.
pub fn find(value: &Value) -> Option<TokenUsage> {
    let mut budget = BUDGET;
    (0..=2).find_map(|level| search(value, level, None, &mut budget))
}

/// Looks exactly `level` levels below; `model` is the nearest name above.
fn search(value: &Value, level: usize, model: Option<&str>, budget: &mut usize) -> Option<TokenUsage> {
    *budget = budget.checked_sub(1)?;
    let own = model_name(value).or(model);
    if level == 0 {
        return beside(value, own);
    }
    if let Some(fields) = value.fields() {
        return fields.iter().take(32).find_map(|(_, inner)| {
            let nested = inner.fields().is_some() || matches!(inner, Value::List(_) | Value::Tuple(_));
            nested.then(|| search(inner, level - 1, own, budget)).flatten()
        });
    }
    match value {
        Value::List(items) | Value::Tuple(items) => {
            items.iter().take(8).find_map(|inner| search(inner, level - 1, own, budget))
        }
        _ => None,
    }
}

/// A usage block in a field of `value`, or `value` as one itself.
fn beside(value: &Value, model: Option<&str>) -> Option<TokenUsage> {
    ["usage", "usage_metadata", "usageMetadata", "token_usage"]
        .iter()
        .find_map(|name| block(value.field(name)?))
        .or_else(|| block(value))
        .map(|usage| TokenUsage { model: model.map(str::to_owned), ..usage })
}

fn model_name(value: &Value) -> Option<&str> {
    ["model", "model_name", "model_version", "modelVersion"]
        .iter()
        .find_map(|name| value.field(name)?.as_str())
}

fn count(value: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| match value.field(name)? {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    })
}

fn block(value: &Value) -> Option<TokenUsage> {
    value.fields()?;
    let usage =
        |input: u64, output: u64, cached_input: u64| TokenUsage { input, output, cached_input, model: None };
    // OpenAI chat completions and everything compatible with them.
    if let Some(input) = count(value, &["prompt_tokens"]) {
        let cached =
            value.field("prompt_tokens_details").and_then(|details| count(details, &["cached_tokens"]));
        let cached = cached.or_else(|| count(value, &["prompt_cache_hit_tokens"])).unwrap_or(0);
        return Some(usage(input, count(value, &["completion_tokens"]).unwrap_or(0), cached));
    }
    if let (Some(input), Some(output)) = (count(value, &["input_tokens"]), count(value, &["output_tokens"])) {
        // OpenAI responses count cached tokens as input, Anthropic counts them apart.
        if let Some(details) = value.field("input_tokens_details") {
            return Some(usage(input, output, count(details, &["cached_tokens"]).unwrap_or(0)));
        }
        let cached = count(value, &["cache_read_input_tokens"]).unwrap_or(0);
        let written = count(value, &["cache_creation_input_tokens"]).unwrap_or(0);
        return Some(usage(input.saturating_add(cached).saturating_add(written), output, cached));
    }
    // Google.
    if let Some(input) = count(value, &["promptTokenCount", "prompt_token_count"]) {
        let output = count(value, &["candidatesTokenCount", "candidates_token_count"]).unwrap_or(0);
        let thoughts = count(value, &["thoughtsTokenCount", "thoughts_token_count"]).unwrap_or(0);
        let cached = count(value, &["cachedContentTokenCount", "cached_content_token_count"]).unwrap_or(0);
        return Some(usage(input, output.saturating_add(thoughts), cached));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::from_json;
    use super::*;
    use serde_json::json;

    fn found(json: serde_json::Value) -> Option<(u64, u64, u64, Option<String>)> {
        find(&from_json(&json)).map(|usage| (usage.input, usage.output, usage.cached_input, usage.model))
    }

    #[test]
    fn every_provider_is_known() {
        let chat = json!({"model": "gpt-x", "usage": {"prompt_tokens": 10, "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 4}}});
        assert_eq!(found(chat.clone()), Some((10, 3, 4, Some("gpt-x".into()))));
        assert_eq!(found(json!([{"response": chat}])), Some((10, 3, 4, Some("gpt-x".into()))));
        let responses = json!({"usage": {"input_tokens": 10, "output_tokens": 3,
            "input_tokens_details": {"cached_tokens": 4}}});
        assert_eq!(found(responses), Some((10, 3, 4, None)));
        let anthropic = json!({"model": "c", "usage": {"input_tokens": 10, "output_tokens": 3,
            "cache_read_input_tokens": 5, "cache_creation_input_tokens": null}});
        assert_eq!(found(anthropic), Some((15, 3, 5, Some("c".into()))));
        let google = json!({"modelVersion": "g", "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2,
            "thoughtsTokenCount": 1}});
        assert_eq!(found(google), Some((7, 3, 0, Some("g".into()))));
    }

    #[test]
    fn other_values_have_none() {
        assert_eq!(found(json!({"a": 1, "usage": "heavy"})), None);
        assert_eq!(found(json!([1, 2])), None);
        assert_eq!(found(json!({"usage": {"prompt_tokens": -4}})), None);
    }
}
