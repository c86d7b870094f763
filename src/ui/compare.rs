//! The screen Diff: two runs as one tree, the causes above it, and what differs inside the selected pair.

use crate::app::AppState;
use crate::app::command::CommandId;
use crate::app::compare::{Comparison, Held, Mark, Part, Row, Rules, places};
use crate::app::inspect;
use crate::app::layout::{Area, indent};
use crate::app::tone::Tone;
use crate::base::text;

use super::cells::Canvas;
use super::overlay::window;

/// Draws the screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    let x = canvas.text(area, 1, 0, Tone::Focus, "Diff");
    let found = match &state.compare.held {
        Held::Ready(found) => found,
        Held::Failed(why) => {
            let body = area.below_title();
            let lines = inspect::wrapped(&text::line(why), usize::from(body.w.saturating_sub(2)).max(1));
            for (y, line) in (1..).zip(&lines) {
                canvas.text(body, 1, y, Tone::Warning, line);
            }
            // The next step, whatever the reason.
            let keys = state.settings.keymap.names(CommandId::MarkRun);
            let words = format!("{keys} in the list of runs marks a run; others are compared with it then.");
            canvas.text(body, 1, u16::try_from(lines.len()).unwrap_or(0) + 2, Tone::Quiet, &words);
            return;
        }
        Held::Loading | Held::Nothing => {
            canvas.text(area.below_title(), 1, 1, Tone::Faint, "Comparing …");
            return;
        }
    };
    title(canvas, area, x, state, found);
    let places = places(state, area);
    if let Some(area) = places.causes {
        causes(canvas, area, found);
    }
    if let Some(area) = places.rows {
        rows(canvas, area, state);
    }
    if let Some(rule) = places.rule {
        let sign = if rule.w == 1 {
            canvas.look.glyphs.pick("│", "|")
        } else {
            canvas.look.glyphs.pick("─", "-")
        };
        for y in 0..rule.h {
            for x in 0..rule.w {
                canvas.sign(rule, x, y, Tone::Rule, sign);
            }
        }
    }
    if let Some(area) = places.text {
        for y in 0..area.h {
            let Some(line) = state.compare.lines.get(state.compare.top + usize::from(y)) else { break };
            canvas.pieces(area, 0, y, line);
            if state.compare.reads && state.compare.top + usize::from(y) == state.compare.at {
                canvas.tint(area, y, Tone::Selected);
            }
        }
        let below = state.compare.lines.len().saturating_sub(state.compare.top + usize::from(area.h));
        if below > 0 && area.h > 0 {
            let tone = if state.compare.reads { Tone::Focus } else { Tone::Faint };
            canvas.right(area, area.w, area.h - 1, area.w, tone, &format!(" {below} more "));
        }
    }
}

/// Asks whether patterns are to be written into the project's file, or taken out.
pub(super) fn rules(canvas: &mut Canvas<'_>, body: Area, asked: &Rules) {
    let title = match asked.adds {
        true => "Ignore for good, in every comparison of the project?",
        false => "Let it count again, in every comparison of the project?",
    };
    let shown = asked.patterns.len().min(usize::from(body.h.saturating_sub(6))) as u16;
    let inner = window(canvas, body, 66, shown + 2, title);
    let sign = if asked.adds { "+" } else { "-" };
    for (y, pattern) in asked.patterns.iter().take(usize::from(shown)).enumerate() {
        let x = canvas.text(inner, 0, y as u16, if asked.adds { Tone::Good } else { Tone::Bad }, sign);
        canvas.text(inner, x + 1, y as u16, Tone::Text, pattern);
    }
    let hidden = asked.patterns.len() - usize::from(shown);
    let more = if hidden > 0 { format!("and {hidden} more, ") } else { String::new() };
    let words = format!("{more}in the list `ignore` of tl-bench.toml; all else in it stays");
    canvas.text(inner, 0, shown + 1, Tone::Quiet, &words);
}

fn title(canvas: &mut Canvas<'_>, area: Area, x: u16, state: &AppState, found: &Comparison) {
    let arrow = canvas.look.glyphs.pick("→", "->");
    let marked = if state.compare.marked.as_ref() == Some(&found.a) { " (marked)" } else { "" };
    let runs = format!("{}{marked} {arrow} {}", found.a.short(), found.b.short());
    let x = canvas.text(area, x + 2, 0, Tone::Title, &runs);
    let causes = match found.causes.len() {
        0 => String::new(),
        n => format!("{}, ", text::count(n as u64, "cause")),
    };
    let x = canvas.text(area, x + 3, 0, Tone::Text, &format!("{causes}{}", found.tally));
    let hidden: u64 = found.hidden.iter().map(|(_, differences)| differences).sum();
    let hidden = match (state.compare.counts_all, hidden) {
        (true, _) => ", ignored places too".to_owned(),
        (false, 0) => String::new(),
        (false, n) => {
            let patterns: Vec<&str> = found.hidden.iter().map(|(pattern, _)| pattern.as_str()).collect();
            format!(", {n} hidden by {}", patterns.join(" "))
        }
    };
    let shown = format!(" {}{hidden} ", state.compare.shown.word());
    let room = area.w.saturating_sub(x + 2);
    canvas.right(area, area.w.saturating_sub(1), 0, room, Tone::Quiet, &shown);
}

fn causes(canvas: &mut Canvas<'_>, area: Area, found: &Comparison) {
    let sign = canvas.look.glyphs.pick("■", "#");
    for (y, cause) in found.causes.iter().take(usize::from(area.h)).enumerate() {
        let y = y as u16;
        let quiet = found.rows.get(cause.row).is_some_and(|row| row.noise);
        let (tone, sign) = match quiet {
            true => (Tone::Faint, canvas.look.glyphs.pick("≈", "~")),
            false => (Tone::Marked, sign),
        };
        let x = canvas.text(area, 1, y, tone, sign);
        let calls = if cause.calls > 1 { format!("  {} calls", cause.calls) } else { String::new() };
        let label = found.rows.get(cause.row).map(|row| row.label.as_str()).unwrap_or_default();
        let more = format!("  {label}{calls}");
        let room = Area { w: area.w.saturating_sub(text::width(&text::line(&more)) as u16 + 1), ..area };
        let x = canvas.text(room, x + 1, y, if quiet { Tone::Quiet } else { Tone::Title }, &cause.words);
        canvas.text(area, x, y, Tone::Quiet, &more);
    }
    let hidden = found.causes.len().saturating_sub(usize::from(area.h));
    if hidden > 0 && area.h > 0 {
        canvas.right(
            area,
            area.w.saturating_sub(1),
            area.h - 1,
            20,
            Tone::Faint,
            &format!(" {hidden} more "),
        );
    }
}

fn rows(canvas: &mut Canvas<'_>, area: Area, state: &AppState) {
    if state.compare.visible.is_empty() {
        let words = match state.compare.shown {
            crate::app::compare::Shown::Causes => "No call explains the differences by itself.",
            _ => "Nothing differs.",
        };
        canvas.text(area, 1, 0, Tone::Quiet, words);
        return;
    }
    for y in 0..area.h {
        let at = state.list.top + usize::from(y);
        let Some(row) = state.compare.row(at) else { break };
        one(canvas, area, y, row);
        if at == state.list.at {
            canvas.tint(area, y, if state.compare.reads { Tone::SelectedElsewhere } else { Tone::Selected });
        }
    }
    let below = state.compare.visible.len().saturating_sub(state.list.top + usize::from(area.h));
    if below > 0 && area.h > 0 {
        canvas.right(area, area.w, area.h - 1, area.w, Tone::Faint, &format!(" {below} more "));
    }
}

/// The sign of a row and what it means.
fn sign(canvas: &Canvas<'_>, row: &Row) -> (Tone, &'static str) {
    let pick = |unicode, ascii| canvas.look.glyphs.pick(unicode, ascii);
    match (row.mark, row.part) {
        _ if row.noise => (Tone::Faint, pick("≈", "~")),
        (Mark::Added, _) => (Tone::Good, "+"),
        (Mark::Repeated, _) => (Tone::Good, pick("⊕", "+")),
        (Mark::Removed, _) => (Tone::Bad, "-"),
        (Mark::Moved, _) => (Tone::Warning, pick("»", ">")),
        (Mark::Changed, Part::Cause) => (Tone::Marked, pick("■", "#")),
        (Mark::Changed, _) => (Tone::Text, pick("□", "o")),
        (Mark::Same, _) => (Tone::Faint, " "),
    }
}

fn one(canvas: &mut Canvas<'_>, area: Area, y: u16, row: &Row) {
    let (tone, sign) = sign(canvas, row);
    let x = 1 + indent(row.depth, area.w);
    let x = canvas.text(area, x, y, tone, sign);
    let quiet = row.noise || row.mark == Mark::Same;
    let name = if quiet { Tone::Quiet } else { Tone::Text };
    let x = canvas.text(area, x + 1, y, name, &row.label);
    let mut words: Vec<&str> = match row.mark {
        Mark::Added => vec!["added"],
        Mark::Repeated => vec!["asked once more"],
        Mark::Removed => vec!["removed"],
        Mark::Moved => vec!["moved"],
        Mark::Same if row.only_time => vec!["only the time"],
        Mark::Same | Mark::Changed => Vec::new(),
    };
    words.extend(Some(row.words.as_str()).filter(|words| !words.is_empty()));
    if row.noise {
        words.push(if row.part == Part::Cause { "within its noise" } else { "follows from noise" });
    }
    let x = canvas.text(area, x + 2, y, Tone::Quiet, &words.join(", "));
    if row.part == Part::Cause {
        canvas.text(area, x + 2, y, if row.noise { Tone::Faint } else { Tone::Marked }, &row.why);
    }
}
