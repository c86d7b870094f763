//! The screen of savings: what the project's runs spent, and what reuse spared, day by day.

use crate::app::AppState;
use crate::app::layout::Area;
use crate::app::screens;
use crate::app::tone::Tone;
use crate::base::text;
use crate::model::ledger::{Amount, Line, by_day};

use super::cells::Canvas;

/// Right ends of the columns, the most important first to stay, with their headings.
const COLUMNS: [(u16, &str); 8] = [
    (18, "runs"),
    (29, "calls"),
    (39, "tokens"),
    (49, "cost"),
    (59, "time"),
    (72, "calls"),
    (82, "tokens"),
    (92, "cost"),
];

/// What stands above several columns: the first of them, and how many they are.
const GROUPS: [(usize, usize, &str); 2] = [(1, 4, "spared by reuse"), (5, 3, "executed")];

/// Draws the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    canvas.text(area, 1, 0, Tone::Focus, "Savings");
    let days = by_day(state.runs.items.iter());
    if days.is_empty() {
        canvas.text(area, 1, 2, Tone::Quiet, "No runs yet. Press r to run an application.");
        return;
    }
    let body = area.below_title();
    for (right, heading) in COLUMNS {
        canvas.right(body, right, 0, 9, Tone::Faint, heading);
    }
    for (first, columns, title) in GROUPS {
        let mut seen = COLUMNS.iter().skip(first).take(columns).filter(|(right, _)| *right <= area.w);
        if let Some((right, _)) = seen.next_back() {
            canvas.right(area, *right, 0, 16, Tone::Faint, title);
        }
    }
    let all = crate::app::update::RUN_LIMIT;
    if state.runs.items.len() >= all && body.h >= 4 {
        let words = format!("of the newest {all} runs; tl-bench savings has all");
        canvas.text(body, 1, body.h - 2, Tone::Faint, &words);
    }
    let list = screens::list_area(state, body);
    for y in 0..list.h {
        let row = state.list.top + usize::from(y);
        let Some((day, line)) = days.get(row) else { break };
        one(canvas, list, y, day, line, row == state.list.at);
    }
    if body.h >= 4 {
        let sum = Line {
            runs: state.runs.items.len() as u64,
            amount: state.runs.items.iter().map(Amount::of_run).sum(),
        };
        one(canvas, body, body.h - 1, "all", &sum, false);
    }
}

fn one(canvas: &mut Canvas<'_>, area: Area, y: u16, name: &str, line: &Line, selected: bool) {
    let (amount, saved) = (&line.amount, &line.amount.saved);
    canvas.text(area, 1, y, Tone::Title, name);
    let cost = match amount.spent.known_cost() {
        _ if amount.spent.tokens == 0 && amount.spent.unpriced == 0 => String::new(),
        Some(usd) => text::dollars(usd),
        None => "?".to_owned(),
    };
    let spared = if saved.cost_usd > 0.0 { text::dollars(saved.cost_usd) } else { String::new() };
    let cells = [
        (Tone::Text, line.runs.to_string()),
        (Tone::Good, saved.calls.to_string()),
        (Tone::Good, text::short(saved.tokens)),
        (Tone::Good, spared),
        (Tone::Good, text::duration((saved.seconds * 1e6) as i64)),
        (Tone::Quiet, amount.executed.to_string()),
        (Tone::Quiet, text::short(amount.spent.tokens)),
        (Tone::Quiet, cost),
    ];
    for ((right, _), (tone, words)) in COLUMNS.into_iter().zip(cells) {
        canvas.right(area, right, y, 9, tone, &words);
    }
    if selected {
        canvas.tint(area, y, Tone::Selected);
    }
}
