//! What tokens cost: a dated table that comes with the program, and the project's own prices above it.
//!
//! A model that stands in neither has no price, and a sum with it in it is unknown: never zero.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::TokenUsage;

/// Dollars for a million tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// In [`Price::above`] only: it is that of requests with more input tokens than this.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// Input tokens that no cache had a part in.
    pub input: f64,
    /// Output tokens.
    pub output: f64,
    /// Input tokens read from the provider's cache; as `input` when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// Input tokens written into the provider's cache; as `input` when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_written: Option<f64>,
    /// Input tokens that the provider keeps in its cache for an hour; twice `input` when it is not given, which is what
    /// Anthropic asks, who alone has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_written_hour: Option<f64>,
    /// Reasoning tokens; as `output` when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<f64>,
    /// Other prices for long requests, by rising limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<Price>,
}

fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

impl Price {
    /// What is wrong with it, in words.
    pub fn problem(&self) -> Option<String> {
        if self.tokens != 0 {
            return Some("`tokens` belongs into `above`".to_owned());
        }
        let nested = |tier: &Price| tier.tokens == 0 || !tier.above.is_empty();
        if self.above.iter().any(nested) {
            return Some("each of `above` has `tokens`, and none of its own `above`".to_owned());
        }
        let dollars = |price: &Price| {
            [
                Some(price.input),
                Some(price.output),
                price.cached_input,
                price.cache_written,
                price.cache_written_hour,
                price.reasoning,
            ]
        };
        let mut all = std::iter::once(self).chain(&self.above).flat_map(dollars).flatten();
        let wrong = all.find(|dollars| !dollars.is_finite() || *dollars < 0.0);
        wrong.map(|dollars| format!("{dollars} is no price"))
    }

    /// Dollars for one request. The kinds of tokens are made exclusive first, so that none is paid twice.
    pub fn of(&self, usage: &TokenUsage) -> f64 {
        let price = self.above.iter().rev().find(|tier| usage.input > tier.tokens).unwrap_or(self);
        let reused = usage.cached_input.min(usage.input);
        let stored = usage.cache_written.min(usage.input - reused);
        let hour = usage.cache_written_hour.min(stored);
        let thought = usage.reasoning.min(usage.output);
        let parts = [
            (usage.input - reused - stored, price.input),
            (reused, price.cached_input.unwrap_or(price.input)),
            (stored - hour, price.cache_written.unwrap_or(price.input)),
            (hour, price.cache_written_hour.unwrap_or(price.input * 2.0)),
            (usage.output - thought, price.output),
            (thought, price.reasoning.unwrap_or(price.output)),
        ];
        parts.iter().map(|(tokens, dollars)| *tokens as f64 * dollars).sum::<f64>() / 1_000_000.0
    }
}

/// The table that comes with the program.
#[derive(Debug, Default, Deserialize)]
struct Bundled {
    date: String,
    providers: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
struct Provider {
    name: String,
    models: BTreeMap<String, Price>,
}

/// Read when the first price is asked for. A test reads it too, so that it cannot be malformed.
static BUNDLED: LazyLock<Bundled> =
    LazyLock::new(|| toml::from_str(include_str!("prices.toml")).unwrap_or_default());

/// Where a price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// The project's own table.
    Project,
    /// The bundled table, of this provider.
    Bundled(&'a str),
}

/// One line of the tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed<'a> {
    /// The model.
    pub model: &'a str,
    /// Who says so.
    pub from: Whose<'a>,
    /// Its price.
    pub price: &'a Price,
}

/// The bundled prices under the project's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    own: BTreeMap<String, Price>,
}

impl Prices {
    /// With a project's own prices.
    pub fn new(own: BTreeMap<String, Price>) -> Self {
        Prices { own }
    }

    /// The day as of which the bundled prices are, as `YYYY-MM-DD`.
    pub fn date() -> &'static str {
        &BUNDLED.date
    }

    /// All prices: the project's, then the bundled ones by provider.
    pub fn all(&self) -> impl Iterator<Item = Listed<'_>> {
        let own = self.own.iter().map(|(model, price)| Listed { model, from: Whose::Project, price });
        own.chain(BUNDLED.providers.iter().flat_map(|provider| {
            let from = Whose::Bundled(&provider.name);
            provider.models.iter().map(move |(model, price)| Listed { model, from, price })
        }))
    }

    /// The price of a model as a response or a program names it: with or without a provider before a slash, with
    /// or without a date at its end.
    pub fn find(&self, model: &str) -> Option<Listed<'_>> {
        let model = model.strip_prefix("models/").unwrap_or(model);
        let mut name = model;
        loop {
            if let Some(found) = self.exactly(name) {
                return Some(found);
            }
            name = without_version(name)?;
        }
    }

    /// Dollars of what a response reported; `None` when its model has no price.
    pub fn cost(&self, usage: &TokenUsage) -> Option<f64> {
        Some(self.find(usage.model.as_deref()?)?.price.of(usage))
    }

    fn exactly(&self, name: &str) -> Option<Listed<'_>> {
        if let Some((model, price)) = self.own.get_key_value(name) {
            return Some(Listed { model, from: Whose::Project, price });
        }
        let of = |provider: &'static Provider, name: &str| {
            let (model, price) = provider.models.get_key_value(name)?;
            Some(Listed { model, from: Whose::Bundled(&provider.name), price })
        };
        // Providers that serve others' models have slashes in names of their own.
        if let Some(found) = BUNDLED.providers.iter().find_map(|provider| of(provider, name)) {
            return Some(found);
        }
        let (provider, rest) = name.split_once('/')?;
        let provider = match provider {
            "gemini" | "vertex_ai" | "google-vertex" | "google_genai" => "google",
            "bedrock" | "bedrock_converse" => "amazon-bedrock",
            "together_ai" | "together" => "togetherai",
            "fireworks_ai" | "fireworks" => "fireworks-ai",
            "azure" | "azure_openai" => "openai",
            "moonshot" => "moonshotai",
            "dashscope" | "qwen" => "alibaba",
            "x-ai" => "xai",
            "mistralai" => "mistral",
            known => known,
        };
        match BUNDLED.providers.iter().find(|known| known.name == provider) {
            Some(provider) => of(provider, rest),
            // A gateway before the provider: `openrouter/openai/gpt-x`.
            None => self.exactly(rest),
        }
    }
}

/// The name without its last part, when that is a date or a version: `-2025-08-07`, `-20250807`, `@20250807`,
/// `-001`, `-latest`, `:0`.
fn without_version(name: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (head, last) = name.rsplit_once(['-', '@', ':'])?;
    if last == "latest"
        || (digits(last) && matches!(last.len(), 3 | 8))
        || name.as_bytes()[head.len()] == b':'
    {
        return Some(head);
    }
    let (head, month) = head.rsplit_once('-')?;
    let (head, year) = head.rsplit_once('-')?;
    let date = year.len() == 4 && month.len() == 2 && last.len() == 2;
    (date && digits(year) && digits(month) && digits(last)).then_some(head)
}
