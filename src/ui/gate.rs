//! What is asked of whoever steps through a run: how a call fails, up to where the run goes, what is wrong with an edit.

use crate::app::editor::Editor;
use crate::app::fork::HowOften;
use crate::app::gate::{FAULTS, FailLine, PointList, Rejected};
use crate::app::layout::{Area, scroll_to};
use crate::app::msg::{Fork, ForkEffects};
use crate::app::pointer::Over;
use crate::app::tone::Tone;
use crate::app::{AppState, say};
use crate::base::ids::CallNo;
use crate::base::text;
use crate::model::fork::{Edit, ForkPlan};

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
pub(super) fn resample(canvas: &mut Canvas<'_>, body: Area, typed: &HowOften) {
    let height = 1 + u16::from(typed.problem.is_some());
    let inner = window(canvas, body, 70, height, "Execute this call how often?");
    edited(canvas, inner, 0, &typed.editor, "a number");
    if let Some(problem) = &typed.problem {
        canvas.text(inner, 0, 1, Tone::Warning, problem);
    }
}

/// What a fork would do, and what becomes of effects.
pub(super) fn fork(canvas: &mut Canvas<'_>, body: Area, state: &AppState, fork: &Fork, plan: &ForkPlan) {
    let width = 84.min(body.w.saturating_sub(6)).max(10);
    let run = state.open.get(&fork.run).map(|open| &open.history);
    let head = |(call, edit): &(CallNo, Edit)| {
        let name = run.and_then(|run| Some(say::place_in_tree(run, run.call(*call)?))).unwrap_or_default();
        (Tone::Text, format!("{name} of run {} {}", fork.run.short(), edit.words()))
    };
    let mut choices = None;
    let mut lines: Vec<(Tone, String)> = fork.edits.iter().map(head).collect();
    lines.push((Tone::Text, format!("The replay {}.", plan.words())));
    if let Some(effects) = plan.effect_words() {
        let choice = |which: ForkEffects, key: &str, what: &str| {
            let chosen = fork.effects == which;
            let mark = if chosen { canvas.look.glyphs.paused() } else { " " };
            (if chosen { Tone::Focus } else { Tone::Quiet }, format!("{mark} {key}  {what}"))
        };
        lines.push((Tone::Text, String::new()));
        lines.push((Tone::Warning, format!("Some {effects}.")));
        choices = Some(lines.len());
        lines.push(choice(ForkEffects::Ask, "a", "ask about each: it waits at the gate"));
        lines.push(choice(ForkEffects::Skip, "k", "keep what they gave: nothing acts"));
        lines.push(choice(ForkEffects::Rerun, "r", "repeat them: they act again"));
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let inner = window(canvas, body, width, height, "Fork");
    for (y, (tone, line)) in (0..inner.h).zip(&lines) {
        canvas.text(inner, 0, y, *tone, line);
        if let Some(entry) = choices.and_then(|first| usize::from(y).checked_sub(first)) {
            canvas.target(inner, (0, y), inner.w, Over::Entry(entry));
        }
    }
}

/// What is wrong with what was edited. It is kept.
pub(super) fn rejected(canvas: &mut Canvas<'_>, body: Area, rejected: &Rejected) {
    let width = 76.min(usize::from(body.w.saturating_sub(6))).max(10);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text::line(&rejected.why).split(' ') {
        if !line.is_empty() && text::width(&line) + 1 + text::width(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
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
