//! What lies over the panes: help, the choice of an application, an input.

use crate::app::AppState;
use crate::app::command::Hint;
use crate::app::help;
use crate::app::layout::{Area, Layout};
use crate::app::state::{Editor, Overlay};
use crate::app::tone::Tone;
use crate::base::text;

use super::cells::Canvas;

/// The keys of an overlay.
pub(super) fn hints(overlay: &Overlay) -> Vec<Hint> {
    let pairs: &[(&str, &'static str)] = match overlay {
        Overlay::Help { .. } => &[("Down", "further"), ("PgDn", "page"), ("Esc", "close")],
        Overlay::ChooseApp { .. } => &[("Down", "next"), ("Enter", "run"), ("Esc", "cancel")],
        Overlay::Input { .. } => &[("Enter", "run"), ("Ctrl-U", "clear"), ("Esc", "cancel")],
    };
    pairs.iter().map(|(key, word)| Hint { key: (*key).to_owned(), word, rank: 0 }).collect()
}

/// Draws the overlay when there is one.
pub(super) fn draw(canvas: &mut Canvas<'_>, places: &Layout, state: &AppState) {
    match &state.overlay {
        None => {}
        Some(Overlay::Help { top }) => help(canvas, places.body, state, *top),
        Some(Overlay::ChooseApp { at }) => choose(canvas, places.body, state, *at),
        Some(Overlay::Input { app, editor, problem }) => {
            input(canvas, places.body, state, app, editor, problem.as_deref());
        }
    }
}

/// A cleared area with a frame in the middle of the body; returns its inside.
fn window(canvas: &mut Canvas<'_>, body: Area, w: u16, h: u16, title: &str) -> Area {
    let w = w.saturating_add(4).min(body.w);
    let h = h.saturating_add(2).min(body.h);
    let area = Area { x: body.x + (body.w - w) / 2, y: body.y + (body.h - h) / 2, w, h };
    // A column of air on both sides keeps what lies below from running into the frame.
    let air = u16::from(area.x > body.x && area.x + w < body.x + body.w);
    canvas.clear(Area { x: area.x - air, w: w + 2 * air, ..area });
    let glyphs = canvas.look.glyphs;
    let inner = usize::from(w.saturating_sub(2));
    let edge = glyphs.pick("─", "-").repeat(inner);
    let rows = [
        (0, format!("{}{edge}{}", glyphs.pick("╭", "+"), glyphs.pick("╮", "+"))),
        (h.saturating_sub(1), format!("{}{edge}{}", glyphs.pick("╰", "+"), glyphs.pick("╯", "+"))),
    ];
    for (y, row) in rows {
        canvas.text(area, 0, y, Tone::Rule, &row);
    }
    for y in 1..h.saturating_sub(1) {
        canvas.text(area, 0, y, Tone::Rule, glyphs.pick("│", "|"));
        canvas.text(area, w.saturating_sub(1), y, Tone::Rule, glyphs.pick("│", "|"));
    }
    canvas.text(area, 2, 0, Tone::Title, &format!(" {title} "));
    Area { x: area.x + 2, y: area.y + 1, w: w.saturating_sub(4), h: h.saturating_sub(2) }
}

fn help(canvas: &mut Canvas<'_>, body: Area, state: &AppState, top: usize) {
    let width = help::width(body.w);
    let lines = help::lines(state, usize::from(width));
    let inner = window(canvas, body, width, u16::try_from(lines.len()).unwrap_or(u16::MAX), "Keys");
    let top = top.min(lines.len().saturating_sub(usize::from(inner.h)));
    for y in 0..inner.h {
        let Some(line) = lines.get(top + usize::from(y)) else { break };
        canvas.pieces(inner, 0, y, line);
    }
    let below = lines.len().saturating_sub(top + usize::from(inner.h));
    if below > 0 && inner.h > 0 {
        let last = Area { y: inner.y + inner.h, h: 1, ..inner };
        canvas.right(last, last.w, 0, last.w, Tone::Quiet, &format!(" {below} more, Down "));
    }
}

fn choose(canvas: &mut Canvas<'_>, body: Area, state: &AppState, at: usize) {
    let apps = &state.project.applications;
    let widest = apps.iter().map(|app| text::width(&text::line(&app.name))).max().unwrap_or(0);
    let width = u16::try_from(widest + 24).unwrap_or(u16::MAX).clamp(30, 80);
    let height = u16::try_from(apps.len()).unwrap_or(u16::MAX);
    let inner = window(canvas, body, width, height, "Run which application?");
    let top = crate::app::layout::scroll_to(0, at, apps.len(), usize::from(inner.h));
    for y in 0..inner.h {
        let row = top + usize::from(y);
        let Some(app) = apps.get(row) else { break };
        let x = canvas.text(inner, 1, y, Tone::Text, &app.name);
        let params: Vec<&str> = app.params.iter().map(|param| param.name.as_str()).collect();
        canvas.text(inner, x + 2, y, Tone::Quiet, &params.join(", "));
        if row == at {
            canvas.tint(inner, y, Tone::Selected);
        }
    }
}

fn input(
    canvas: &mut Canvas<'_>,
    body: Area,
    state: &AppState,
    app: &str,
    editor: &Editor,
    problem: Option<&str>,
) {
    let inner = window(canvas, body, 76, 4, &format!("Input of {}", text::line(app)));
    let params = state
        .project
        .applications
        .iter()
        .find(|known| known.name == app)
        .map(|known| {
            let words: Vec<String> = known
                .params
                .iter()
                .map(|param| {
                    let hint = param.hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default();
                    let default =
                        param.default.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
                    format!("{}{hint}{default}", param.name)
                })
                .collect();
            words.join(", ")
        })
        .unwrap_or_default();
    canvas.text(inner, 0, 0, Tone::Quiet, &params);
    // The window of the text that holds the cursor; a line of its own characters each at most two columns wide.
    let room = usize::from(inner.w).max(2) / 2;
    let from = if text::width(&text::line(&editor.value())) < usize::from(inner.w) {
        0
    } else {
        editor.at.saturating_sub(room)
    };
    let before: String = editor.text.iter().skip(from).take(editor.at.saturating_sub(from)).collect();
    let after: String = editor.text.iter().skip(editor.at + 1).collect();
    let under = editor.text.get(editor.at).copied().unwrap_or(' ');
    let x = canvas.text(inner, 0, 2, Tone::Text, &before);
    let x = canvas.text(inner, x, 2, Tone::Selected, &under.to_string());
    canvas.text(inner, x, 2, Tone::Text, &after);
    if let Some(problem) = problem {
        canvas.text(inner, 0, 3, Tone::Bad, problem);
    }
}
