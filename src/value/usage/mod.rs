//! What model calls report to have used, whichever provider's shape their responses have.
//!
//! Works on dicts and on instances alike (fields of pydantic models and dataclasses); looks a few levels deep
//! and at a bounded number of entries, so it can be asked of every value. [`prices`] turns tokens into dollars.

pub mod prices;

#[cfg(test)]
mod tests;

use super::pickle;
use super::stream;
use super::tree::Value;
use crate::base::digest::Digest;

/// What one response reported. The kinds overlap: `input` holds the cached and the written tokens too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenUsage {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Input tokens that the provider served from its cache.
    pub cached_input: u64,
    /// Input tokens that the provider wrote into its cache.
    pub cache_written: u64,
    /// Those of them that it keeps for an hour, which costs more.
    pub cache_written_hour: u64,
    /// Output tokens that were spent on reasoning.
    pub reasoning: u64,
    /// The model's name, when it was reported.
    pub model: Option<String>,
    /// Which response this is: the provider's id for it, else `#` and a digest of it. Functions hand responses on:
    /// whoever adds up counts each once.
    pub response: String,
}

/// How many values are looked at in all.
const BUDGET: usize = 256;

/// The responses at the top, or those of the first level below it that has any, at most two levels down.
pub fn find(value: &Value) -> Vec<TokenUsage> {
    let mut search = Search { budget: BUDGET, found: Vec::new() };
    for level in 0..=2 {
        search.at(value, level, None);
        if !search.found.is_empty() {
            break;
        }
    }
    search.found
}

struct Search {
    budget: usize,
    found: Vec<TokenUsage>,
}

impl Search {
    /// Looks exactly `level` levels below; `model` is the nearest name above.
    fn at(&mut self, value: &Value, level: usize, model: Option<&str>) {
        let Some(left) = self.budget.checked_sub(1) else { return };
        self.budget = left;
        let own = model_name(value).or(model);
        if let Value::List(items) | Value::Tuple(items) = value
            && let Some(whole) = stream::whole(items)
        {
            // Its pieces say parts of it, some of them twice.
            if level == 0 {
                self.found.extend(beside(&whole, model_name(&whole).or(own)));
            }
        } else if level == 0 {
            self.found.extend(beside(value, own));
        } else if let Some(fields) = value.fields() {
            for (_, inner) in fields.iter().take(32) {
                if inner.fields().is_some() || matches!(inner, Value::List(_) | Value::Tuple(_)) {
                    self.at(inner, level - 1, own);
                }
            }
        } else if let Value::List(items) | Value::Tuple(items) = value {
            for inner in items.iter() {
                if self.budget == 0 {
                    break;
                }
                self.at(inner, level - 1, own);
            }
        }
    }
}

/// A usage block in a field of `value`, or `value` as one itself.
fn beside(value: &Value, model: Option<&str>) -> Option<TokenUsage> {
    ["usage", "usage_metadata", "usageMetadata", "token_usage"]
        .iter()
        .find_map(|name| block(value.field(name)?))
        .or_else(|| block(value))
        .map(|usage| TokenUsage { model: model.map(str::to_owned), response: response(value), ..usage })
}

fn model_name(value: &Value) -> Option<&str> {
    ["model", "model_name", "model_version", "modelVersion"]
        .iter()
        .find_map(|name| value.field(name)?.as_str())
        // LangChain's messages.
        .or_else(|| value.field("response_metadata")?.field("model_name")?.as_str())
        .or_else(|| value.field("response_metadata")?.field("model")?.as_str())
}

/// See [`TokenUsage::response`].
fn response(value: &Value) -> String {
    let id = ["id", "response_id", "responseId"]
        .iter()
        .find_map(|name| value.field(name)?.as_str())
        .filter(|id| !id.is_empty() && id.len() <= 200);
    if let Some(id) = id {
        return id.to_owned();
    }
    let digest = pickle::to_pickle(value).map(|pickle| Digest::of(&pickle)).unwrap_or_default();
    format!("#{}", &digest.to_string()[..16])
}

fn count(value: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| match value.field(name)? {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    })
}

/// How Anthropic calls what it keeps in its cache, by how long.
const FIVE_MINUTES: &str = "ephemeral_5m_input_tokens";
const HOUR: &str = "ephemeral_1h_input_tokens";

fn kept(value: &Value, block: &str, name: &str) -> u64 {
    detail(value, block, &[name]).unwrap_or(0)
}

/// A count in a block of details.
fn detail(value: &Value, block: &str, names: &[&str]) -> Option<u64> {
    count(value.field(block)?, names)
}

fn block(value: &Value) -> Option<TokenUsage> {
    value.fields()?;
    openai_chat(value).or_else(|| input_output(value)).or_else(|| google(value))
}

/// OpenAI's chat completions, and everything compatible with them.
fn openai_chat(value: &Value) -> Option<TokenUsage> {
    let input = count(value, &["prompt_tokens"])?;
    let cached = detail(value, "prompt_tokens_details", &["cached_tokens"])
        .or_else(|| count(value, &["prompt_cache_hit_tokens"]));
    Some(TokenUsage {
        input,
        output: count(value, &["completion_tokens"]).unwrap_or(0),
        cached_input: cached.unwrap_or(0),
        // LiteLLM hands on what Anthropic says; its `prompt_tokens` hold them.
        cache_written: count(value, &["cache_creation_input_tokens"])
            .or_else(|| detail(value, "prompt_tokens_details", &["cache_write_tokens"]))
            .unwrap_or(0),
        cache_written_hour: value
            .field("prompt_tokens_details")
            .map_or(0, |details| kept(details, "cache_creation_token_details", HOUR)),
        reasoning: detail(value, "completion_tokens_details", &["reasoning_tokens"]).unwrap_or(0),
        ..TokenUsage::default()
    })
}

/// OpenAI's responses, LangChain's messages and Anthropic: all say `input_tokens` and `output_tokens`.
fn input_output(value: &Value) -> Option<TokenUsage> {
    let input = count(value, &["input_tokens"])?;
    let output = count(value, &["output_tokens"])?;
    // OpenAI's responses: cached tokens are part of the input.
    if value.field("input_tokens_details").is_some() {
        return Some(TokenUsage {
            input,
            output,
            cached_input: detail(value, "input_tokens_details", &["cached_tokens"]).unwrap_or(0),
            cache_written: detail(value, "input_tokens_details", &["cache_write_tokens"]).unwrap_or(0),
            reasoning: detail(value, "output_tokens_details", &["reasoning_tokens"]).unwrap_or(0),
            ..TokenUsage::default()
        });
    }
    // LangChain: the same, with other names.
    let hour = kept(value, "input_token_details", HOUR);
    if value.field("input_token_details").is_some() || value.field("total_tokens").is_some() {
        return Some(TokenUsage {
            input,
            output,
            cached_input: detail(value, "input_token_details", &["cache_read"]).unwrap_or(0),
            // Said by how long they are kept, they are not said as a whole.
            cache_written: detail(value, "input_token_details", &["cache_creation"])
                .unwrap_or(0)
                .max(kept(value, "input_token_details", FIVE_MINUTES).saturating_add(hour)),
            cache_written_hour: hour,
            reasoning: detail(value, "output_token_details", &["reasoning"]).unwrap_or(0),
            ..TokenUsage::default()
        });
    }
    // Anthropic counts what it read from its cache and wrote into it apart from the input.
    let cached = count(value, &["cache_read_input_tokens"]).unwrap_or(0);
    let written = count(value, &["cache_creation_input_tokens"]).unwrap_or(0);
    Some(TokenUsage {
        input: input.saturating_add(cached).saturating_add(written),
        output,
        cached_input: cached,
        cache_written: written,
        cache_written_hour: kept(value, "cache_creation", HOUR),
        reasoning: detail(value, "output_tokens_details", &["thinking_tokens"]).unwrap_or(0),
        ..TokenUsage::default()
    })
}

/// Google counts thoughts apart from the candidates, and what tools gave back apart from the prompt.
fn google(value: &Value) -> Option<TokenUsage> {
    let input = count(value, &["promptTokenCount", "prompt_token_count"])?;
    let output = count(value, &["candidatesTokenCount", "candidates_token_count"]).unwrap_or(0);
    let thoughts = count(value, &["thoughtsTokenCount", "thoughts_token_count"]).unwrap_or(0);
    let tools = count(value, &["toolUsePromptTokenCount", "tool_use_prompt_token_count"]).unwrap_or(0);
    Some(TokenUsage {
        input: input.saturating_add(tools),
        output: output.saturating_add(thoughts),
        cached_input: count(value, &["cachedContentTokenCount", "cached_content_token_count"]).unwrap_or(0),
        reasoning: thoughts,
        ..TokenUsage::default()
    })
}
