//! The functions of the open run as a table: its columns, its order, and what a cell means as a filter.

use crate::base::text;
use crate::model::CallStatus;
use crate::model::functions::{Function, Functions};

use super::say;
use super::tone::Tone;

/// A column of numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// All calls.
    Calls,
    /// Calls with a status.
    Status(CallStatus),
    /// Attempts beyond the first.
    Retries,
    /// What half of the calls took at most.
    P50,
    /// What 95 of a hundred took at most.
    P95,
    /// All bodies that executed.
    Time,
    /// Tokens of calls that executed.
    Tokens,
    /// Dollars of calls that executed.
    Cost,
}

impl Column {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Column::Calls => "calls",
            Column::Status(status) => say::status_word(status),
            Column::Retries => "retries",
            Column::P50 => "p50",
            Column::P95 => "p95",
            Column::Time => "executed",
            Column::Tokens => "tokens",
            Column::Cost => "cost",
        }
    }

    /// Its columns on the screen, the gap before it included.
    pub fn width(self) -> u16 {
        match self {
            Column::Calls => 7,
            Column::Status(CallStatus::Cancelled) => 11,
            Column::Status(CallStatus::Running | CallStatus::Pending | CallStatus::InDoubt) => 10,
            Column::Status(_) | Column::Tokens => 8,
            Column::Retries | Column::Cost => 9,
            Column::P50 | Column::P95 | Column::Time => 10,
        }
    }

    /// What stands in it, and what that means. Nothing where there is nothing to say.
    pub fn cell(self, function: &Function) -> (Tone, String) {
        let number =
            |n: u64, tone: Tone| if n == 0 { (Tone::Faint, "·".to_owned()) } else { (tone, n.to_string()) };
        let time = |micros: Option<i64>| (Tone::Text, micros.map(text::duration).unwrap_or_default());
        match self {
            Column::Calls => (Tone::Text, function.calls().to_string()),
            Column::Status(status) => number(function.of(status), say::status_tone(status)),
            Column::Retries => number(function.retries, Tone::Warning),
            Column::P50 => time(function.p50),
            Column::P95 => time(function.p95),
            Column::Time => time((function.executed_us > 0).then_some(function.executed_us)),
            Column::Tokens if function.spent.tokens == 0 => (Tone::Quiet, String::new()),
            Column::Tokens => (Tone::Text, say::tokens(function.spent.tokens)),
            Column::Cost if function.spent.tokens == 0 => (Tone::Quiet, String::new()),
            // Unknown is not nothing.
            Column::Cost => {
                (Tone::Text, function.spent.known_cost().map_or_else(|| "?".to_owned(), text::dollars))
            }
        }
    }

    /// How much of it a function has, to put the most first.
    fn amount(self, function: &Function) -> i64 {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match self {
            Column::Calls => number(function.calls()),
            Column::Status(status) => number(function.of(status)),
            Column::Retries => number(function.retries),
            Column::P50 => function.p50.unwrap_or(-1),
            Column::P95 => function.p95.unwrap_or(-1),
            Column::Time => function.executed_us,
            Column::Tokens => number(function.spent.tokens),
            Column::Cost => (function.spent.cost_usd * 1e9) as i64,
        }
    }

    /// What of a function's calls its cell stands for, in the language of filters.
    fn condition(self) -> Option<String> {
        match self {
            Column::Status(status) => Some(status.word().to_owned()),
            Column::Retries => Some("retried".to_owned()),
            Column::Tokens | Column::Cost => Some("tokens>0".to_owned()),
            Column::Calls | Column::P50 | Column::P95 | Column::Time => None,
        }
    }
}

/// Statuses that always have a column.
const ALWAYS: [CallStatus; 3] = [CallStatus::Cached, CallStatus::Fresh, CallStatus::Failed];

/// What the user sees of the table.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TableView {
    /// The selected function, and the row in which it was.
    pub selected: (String, usize),
    /// The selected column.
    pub column: usize,
    /// The column with the most first; `None`: in the order in which they were first called.
    pub by: Option<Column>,
}

/// The columns for a width, the most important first to stay; in the order in which they stand.
pub fn columns(all: &Functions, width: u16) -> Vec<Column> {
    let total = all.total();
    let mut out = vec![Column::Calls];
    for status in say::TALLY_ORDER {
        if ALWAYS.contains(&status) || total.of(status) > 0 {
            out.push(Column::Status(status));
        }
    }
    if total.retries > 0 {
        out.push(Column::Retries);
    }
    out.extend([Column::P50, Column::P95, Column::Time]);
    if total.spent.tokens > 0 {
        out.extend([Column::Tokens, Column::Cost]);
    }
    const SPARED: [Column; 6] =
        [Column::Cost, Column::Time, Column::Retries, Column::Tokens, Column::P95, Column::P50];
    let name = name_width(all, width);
    let wide = |columns: &[Column]| columns.iter().map(|column| column.width()).sum::<u16>() + name > width;
    for column in SPARED {
        if wide(&out) {
            out.retain(|one| *one != column);
        }
    }
    while wide(&out) && out.len() > 1 {
        out.pop();
    }
    out
}

/// Columns of the names.
pub fn name_width(all: &Functions, width: u16) -> u16 {
    let longest = all.all.iter().map(|f| text::width(&text::line(&f.name))).max().unwrap_or(0);
    (longest as u16 + 2).clamp(10, 40).min((width / 3).max(10))
}

/// The functions in the order of the table.
pub fn ordered(all: &Functions, by: Option<Column>) -> Vec<&Function> {
    let mut out: Vec<&Function> = all.all.iter().collect();
    if let Some(by) = by {
        out.sort_by_key(|function| std::cmp::Reverse(by.amount(function)));
    }
    out
}

/// The filter that a cell stands for.
pub fn filter(function: &Function, column: Column) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name =
        if function.name.chars().all(plain) { function.name.clone() } else { format!("{:?}", function.name) };
    let mut out = format!("fn:{name}");
    if let Some(condition) = column.condition() {
        out.push_str(&format!(" {condition}"));
    }
    // The maps over it have its name, too.
    if function.applied {
        out.push_str(" not map not reduce");
    }
    out
}
