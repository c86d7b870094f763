//! Breakpoints as a project keeps them: each a text, on or off.
//!
//! A text is a filter (`fn:call_llm`, `path:app/plan`, `failed`, `cost>0.01`), or a limit of what a run may use:
//! `spent 50000 tokens`, `spent $0.50`, `spent 30 s`.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::gate::{Breakpoint, Budget};

/// A breakpoint as it was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// The text.
    pub text: String,
    /// Whether the run stops there.
    #[serde(default = "yes")]
    pub on: bool,
}

fn yes() -> bool {
    true
}

/// What a text means.
#[derive(Clone, PartialEq, Debug)]
pub enum Meaning {
    /// Calls that a filter takes.
    Calls(Breakpoint),
    /// A limit.
    Limit(Budget),
}

/// Reads a text; an error says what is wrong with it.
pub fn meaning(text: &str) -> Result<Meaning, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(
            "a breakpoint is a filter like fn:call_llm, or a limit like: spent 50000 tokens".to_owned()
        );
    }
    if let Some(limit) = text.strip_prefix("spent ") {
        return budget(limit.trim()).map(Meaning::Limit).ok_or_else(|| {
            format!("spent {}: use `spent 50000 tokens`, `spent $0.50` or `spent 30 s`", limit.trim())
        });
    }
    match Filter::parse(text) {
        Ok(filter) => Ok(Meaning::Calls(Breakpoint { filter, text: text.to_owned() })),
        Err(why) => Err(why.to_string()),
    }
}

fn budget(limit: &str) -> Option<Budget> {
    let none = Budget::default();
    if let Some(dollars) = limit.strip_prefix('$') {
        let dollars = dollars.trim().parse::<f64>().ok().filter(|most| most.is_finite() && *most >= 0.0)?;
        return Some(Budget { dollars: Some(dollars), ..none });
    }
    let (number, unit) = limit.split_at(limit.find(|c: char| c.is_ascii_alphabetic())?);
    let number = number.trim();
    match unit {
        "tokens" | "token" | "tok" => Some(Budget { tokens: Some(number.parse().ok()?), ..none }),
        "s" | "seconds" => {
            let seconds = number.parse::<f64>().ok().filter(|most| most.is_finite() && *most >= 0.0)?;
            Some(Budget { seconds: Some(seconds), ..none })
        }
        _ => None,
    }
}

/// The breakpoint at a function.
pub fn at_function(name: &str) -> String {
    format!("fn:{name}")
}

/// What those that are on mean; of limits of one kind the last counts. Texts that mean nothing are left out.
pub fn active(points: &[Point]) -> (Vec<Breakpoint>, Budget) {
    let mut budget = Budget::default();
    let mut breakpoints = Vec::new();
    for point in points.iter().filter(|point| point.on) {
        match meaning(&point.text) {
            Ok(Meaning::Calls(point)) => breakpoints.push(point),
            Ok(Meaning::Limit(limit)) => {
                budget.tokens = limit.tokens.or(budget.tokens);
                budget.dollars = limit.dollars.or(budget.dollars);
                budget.seconds = limit.seconds.or(budget.seconds);
            }
            Err(_) => {}
        }
    }
    (breakpoints, budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_filters_or_limits() {
        assert!(matches!(meaning("fn:llm and cost>0.01"), Ok(Meaning::Calls(_))));
        let limit = |text: &str| match meaning(text) {
            Ok(Meaning::Limit(limit)) => Some((limit.tokens, limit.dollars, limit.seconds)),
            _ => None,
        };
        assert_eq!(limit("spent 50000 tokens"), Some((Some(50_000), None, None)));
        assert_eq!(limit("spent $0.5"), Some((None, Some(0.5), None)));
        assert_eq!(limit("spent 30s"), Some((None, None, Some(30.0))));
        for wrong in ["", "fn:", "spent", "spent lots", "spent -1 tokens", "spent $x", "spent nan s"] {
            assert!(meaning(wrong).is_err() || !matches!(meaning(wrong), Ok(Meaning::Limit(_))), "{wrong}");
        }
    }

    #[test]
    fn what_is_off_does_not_count() {
        let point = |text: &str, on| Point { text: text.to_owned(), on };
        let all =
            [point("fn:a", true), point("fn:b", false), point("spent 5 s", true), point("spent 9 s", true)];
        let (points, budget) = active(&all);
        assert_eq!(points.iter().map(|point| point.text.as_str()).collect::<Vec<_>>(), ["fn:a"]);
        assert_eq!(budget.seconds, Some(9.0));
    }
}
