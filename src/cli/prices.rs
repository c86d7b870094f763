//! `tl-bench prices`: what a million tokens cost, and who says so.

use serde_json::{Value, json};

use super::args::PricesArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use crate::base::text;
use crate::engine::suggest;
use crate::engine::values::{Listed, Price, Prices, Whose};

/// Lists all prices, or that of one model.
pub fn run(context: &Context, args: &PricesArgs) -> Result<Exit, CliError> {
    let prices = context.project.config.prices();
    let listed: Vec<Listed<'_>> = match &args.model {
        Some(model) => vec![prices.find(model).ok_or_else(|| unknown(&prices, model))?],
        None => prices.all().collect(),
    };
    if args.json {
        let rows: Vec<Value> = listed.iter().map(as_json).collect();
        context.out.json(&json!({"date": Prices::date(), "models": rows}));
        return Ok(Exit::Success);
    }
    context.out.line(&format!(
        "{:<20} {:<42} {:>9} {:>9} {:>9} {:>9}",
        "from", "model", "input", "output", "cached", "written"
    ));
    for one in &listed {
        row(context, one);
    }
    let date = Prices::date();
    context.out.line(&format!("dollars for a million tokens; bundled prices are of {date}"));
    Ok(Exit::Success)
}

fn unknown(prices: &Prices, model: &str) -> CliError {
    let near = suggest::nearest(model, prices.all().map(|listed| listed.model));
    let line = format!("prices.{model:?} = {{ input = 1.0, output = 4.0 }}");
    CliError::usage(format!("no price is known for '{model}'{near}"))
        .hint(format!("give one in tl-bench.toml, in dollars for a million tokens: {line}"))
}

fn source(whose: Whose<'_>) -> &str {
    match whose {
        Whose::Project => "tl-bench.toml",
        Whose::Bundled(provider) => provider,
    }
}

fn row(context: &Context, listed: &Listed<'_>) {
    let dollars = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let line = |from: &str, model: &str, price: &Price| {
        let (input, output) = (price.input, price.output);
        let (cached, written) = (dollars(price.cached_input), dollars(price.cache_written));
        let line = format!("{from:<20} {model:<42} {input:>9} {output:>9} {cached:>9} {written:>9}");
        context.out.line(line.trim_end());
    };
    line(source(listed.from), &text::line(listed.model), listed.price);
    for tier in &listed.price.above {
        line("", &format!("  above {} tokens of input", tier.tokens), tier);
    }
}

fn as_json(listed: &Listed<'_>) -> Value {
    let mut row = json!({"model": listed.model, "from": source(listed.from)});
    if let (Some(row), Ok(Value::Object(price))) = (row.as_object_mut(), serde_json::to_value(listed.price)) {
        row.extend(price);
    }
    row
}
