//! What is asked of whoever steps through a run: how a call fails, up to where the run goes, what is wrong with an edit.

use crate::app::editor::Editor;
use crate::app::fork::HowOften;
use crate::app::gate::{FAULTS, FailLine, PointList, Rejected};
use crate::app::layout::{Area, scroll_to};
use crate::app::msg::{Fork, ForkEffects};
use crate::app::pointer::Over;
use crate::app::tone::Tone;
use crate::app::{AppState, inspect, say};
use crate::base::text;
use crate::model::fork::ForkPlan;

use super::cells::Canvas;
use super::overlay::{edited, window};

/// Columns of an exception's name.
const NAME: u16 = 18;

/// How the call is to fail.
pub(super) fn fail(canvas: &mut Canvas<'_>, body: Area, line: &FailLine) {
    let rows = u16::try_from(FAULTS.len()).unwrap_or(0);
    let inner = window(canvas, body, 66, rows + 2, "How is it to fail?");
    for (y, (name, what)) in (0..inner.h).zip(FAULTS) {
        canvas.text(inner, 1, y, Tone::Text, name);
        canvas.text(inner, 1 + NAME, y, Tone::Quiet, what);
        canvas.target(inner, (0, y), inner.w, Over::Entry(usize::from(y)));
        if usize::from(y) == line.at && line.editor.text.is_empty() {
            canvas.tint(inner, y, Tone::Selected);
        }
    }
    if inner.h > rows + 1 {
        let field = Area { x: inner.x + 1, w: inner.w.saturating_sub(1), ..inner };
        edited(canvas, field, rows + 1, &line.editor, "or type: KeyError: no such city");
    }
}

/// Up to which call the run goes.
pub(super) fn run_to(canvas: &mut Canvas<'_>, body: Area, editor: &Editor, problem: Option<&str>) {
    let inner = window(canvas, body, 70, 1 + u16::from(problem.is_some()), "Go on to which call?");
    edited(canvas, inner, 0, editor, "fn:NAME, path:app/NAME#3, cost>0.01, out~TEXT");
    if let Some(problem) = problem {
        canvas.text(inner, 0, 1, Tone::Bad, problem);
    }
}

/// How often the selected call is executed.
pub(super) fn resample(canvas: &mut Canvas<'_>, body: Area, state: &AppState, typed: &HowOften) {
    let words = state.current().and_then(|open| {
        let call = open.call()?;
        let name = say::place_in_tree(&open.history, call);
        let took = call.status.is_final().then(|| format!(" took {}", text::duration(call.wall_us)));
        let used = call.usage.as_ref().map(|usage| {
            format!(", {} tokens, {}", text::short(usage.tokens()), text::price(usage.cost_usd))
        });
        Some(format!("{name}{}{}", took.unwrap_or_default(), used.unwrap_or_default()))
    });
    let words = words.unwrap_or_default();
    let height = 2 + u16::from(typed.problem.is_some());
    let inner = window(canvas, body, 70, height, "Execute this call how often?");
    edited(canvas, inner, 0, &typed.editor, "a number");
    canvas.text(inner, 0, 1, Tone::Quiet, &words);
    if let Some(problem) = &typed.problem {
        canvas.text(inner, 0, 2, Tone::Warning, problem);
    }
}

/// Most rows of a place that an edit changes.
const PLACE: usize = 3;
/// Most places of an edit that are shown.
const PLACES: usize = 4;
/// What can become of effects.
const CHOICES: usize = 3;

/// What a fork would do, and what becomes of effects.
pub(super) fn fork(canvas: &mut Canvas<'_>, body: Area, state: &AppState, fork: &Fork, plan: &ForkPlan) {
    let width = 96.min(body.w.saturating_sub(6)).max(10);
    let room = usize::from(width);
    let wrapped = |tone: Tone, words: &str| -> Vec<(Tone, String)> {
        inspect::wrapped(&text::line(words), room).into_iter().map(|line| (tone, line)).collect()
    };
    let run = state.open.get(&fork.run).map(|open| &open.history);
    let mut edits = Vec::new();
    for (call, edit) in &fork.edits {
        let name = run.and_then(|run| Some(say::place_in_tree(run, run.call(*call)?))).unwrap_or_default();
        let changed = plan.changed.iter().find(|changed| changed.call == *call);
        let places = changed.map_or(&[][..], |changed| &changed.places);
        if places.is_empty() {
            let words = format!("{name} of run {} {}", fork.run.short(), edit.words());
            edits.extend(wrapped(Tone::Text, &words).into_iter().take(PLACE));
            continue;
        }
        edits.extend(wrapped(Tone::Text, &format!("{name} of run {} {}:", fork.run.short(), edit.verb())));
        for place in places.iter().take(PLACES) {
            let lines = inspect::wrapped(&text::line(place), room.saturating_sub(2).max(1));
            edits.extend(lines.into_iter().take(PLACE).map(|line| (Tone::Marked, format!("  {line}"))));
        }
        if let Some(more) = places.len().checked_sub(PLACES).filter(|more| *more > 0) {
            edits.push((Tone::Quiet, format!("  and {}", text::count(more as u64, "other place"))));
        }
    }
    let mut choices = None;
    let mut lines = wrapped(Tone::Text, &format!("The replay {}.", plan.words()));
    if let Some(effects) = plan.effect_words() {
        let choice = |which: ForkEffects, key: &str, what: &str| {
            let chosen = fork.effects == which;
            let mark = if chosen { canvas.look.glyphs.paused() } else { " " };
            (if chosen { Tone::Focus } else { Tone::Quiet }, format!("{mark} {key}  {what}"))
        };
        let acted = format!("Some {effects}.");
        let mut asked = vec![(Tone::Text, String::new())];
        asked.extend(wrapped(Tone::Warning, &acted));
        let room = usize::from(body.h).saturating_sub(2 + CHOICES);
        if lines.len() + asked.len() > room {
            // Without what can be chosen nobody could answer.
            asked = vec![(Tone::Warning, text::line(&acted))];
            lines.truncate(room.saturating_sub(asked.len()));
        }
        lines.extend(asked);
        choices = Some(lines.len());
        lines.push(choice(ForkEffects::Ask, "a", "ask about each: it waits at the gate"));
        lines.push(choice(ForkEffects::Skip, "k", "keep what they gave: nothing acts"));
        lines.push(choice(ForkEffects::Rerun, "r", "repeat them: they act again"));
    }
    // What it does and what is asked have their room first.
    let room = usize::from(body.h).saturating_sub(2 + lines.len());
    if edits.len() > room {
        edits.truncate(room.saturating_sub(1));
        edits.extend((room > 0).then(|| (Tone::Quiet, "…".to_owned())));
    }
    let choices = choices.map(|first| first + edits.len());
    edits.extend(lines);
    let height = u16::try_from(edits.len()).unwrap_or(u16::MAX);
    let inner = window(canvas, body, width, height, "Fork");
    for (y, (tone, line)) in (0..inner.h).zip(&edits) {
        canvas.text(inner, 0, y, *tone, line);
        if let Some(entry) = choices.and_then(|first| usize::from(y).checked_sub(first)) {
            canvas.target(inner, (0, y), inner.w, Over::Entry(entry));
        }
    }
}

/// What is wrong with what was edited. It is kept.
pub(super) fn rejected(canvas: &mut Canvas<'_>, body: Area, rejected: &Rejected) {
    let width = 76.min(usize::from(body.w.saturating_sub(6))).max(10);
    let lines = inspect::wrapped(&text::line(&rejected.why), width);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = window(canvas, body, u16::try_from(width).unwrap_or(76), height, "This cannot be taken");
    for (y, line) in (0..inner.h).zip(&lines) {
        canvas.text(inner, 0, y, Tone::Bad, line);
    }
    let last = inner.h.saturating_sub(1);
    canvas.text(
        inner,
        0,
        last,
        Tone::Quiet,
        if rejected.may {
            "What you wrote is kept: e opens it again, u uses it all the same."
        } else {
            "What you wrote is kept: e opens it again."
        },
    );
}

/// The breakpoints of the project.
pub(super) fn points(canvas: &mut Canvas<'_>, body: Area, state: &AppState, list: &PointList) {
    let rows = u16::try_from(state.points.len().max(1)).unwrap_or(u16::MAX);
    let typing = u16::from(list.typed.is_some()) * 2 + u16::from(list.problem.is_some());
    let inner = window(canvas, body, 74, rows.saturating_add(typing), "Breakpoints");
    let shown = inner.h.saturating_sub(typing);
    let top = scroll_to(0, list.at, state.points.len(), usize::from(shown));
    for y in 0..shown {
        let row = top + usize::from(y);
        let Some(point) = state.points.get(row) else { break };
        let (tone, word) = if point.on { (Tone::Text, "on ") } else { (Tone::Faint, "off") };
        canvas.text(inner, 1, y, tone, word);
        canvas.text(inner, 6, y, tone, &point.text);
        canvas.target(inner, (0, y), inner.w, Over::Entry(row));
        if row == list.at && list.typed.is_none() {
            canvas.tint(inner, y, Tone::Selected);
        }
    }
    if state.points.is_empty() {
        canvas.text(inner, 1, 0, Tone::Quiet, "None yet: a adds one, b on a call stops at its function.");
    }
    if let Some(editor) = &list.typed {
        let field = Area { x: inner.x + 1, w: inner.w.saturating_sub(1), ..inner };
        edited(
            canvas,
            field,
            shown + 1,
            editor,
            "fn:NAME, failed, cost>0.01, spent 50000 tokens, spent $0.50",
        );
    }
    if let Some(problem) = &list.problem {
        canvas.text(inner, 1, inner.h.saturating_sub(1), Tone::Bad, problem);
    }
}
