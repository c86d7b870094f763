//! What lies over the panes: lists of commands, the choice of an application or a theme, an input.

use crate::app::AppState;
use crate::app::command::Hint;
use crate::app::editor::Editor;
use crate::app::form::{Field, Form};
use crate::app::layout::{Area, Layout, scroll_to};
use crate::app::pointer::Over;
use crate::app::state::Overlay;
use crate::app::tone::Tone;
use crate::base::text;
use crate::model::CallStatus;

use super::cells::Canvas;
use super::{filter, lists};

/// The keys of an overlay.
pub(super) fn hints(overlay: &Overlay) -> Vec<Hint> {
    let pairs: &[(&str, &'static str)] = match overlay {
        Overlay::Commands(_) => &[("Down", "next"), ("Enter", "do it"), ("Esc", "close")],
        Overlay::Filter(_) => {
            &[("Tab", "complete"), ("Down", "choose"), ("Enter", "apply"), ("Esc", "as before")]
        }
        Overlay::Themes { .. } => &[("Down", "next"), ("Enter", "keep"), ("Esc", "as before")],
        Overlay::ChooseApp { .. } => &[("Down", "next"), ("Enter", "run"), ("Esc", "cancel")],
        Overlay::Input(_) => &[
            ("Enter", "run"),
            ("Tab", "next"),
            ("Ctrl-O", "in $EDITOR"),
            ("Ctrl-U", "clear"),
            ("Esc", "cancel"),
        ],
        Overlay::Find => &[
            ("Enter", "to the call"),
            ("Down", "next"),
            ("Tab", "where"),
            ("Ctrl-R", "this run"),
            ("Esc", "close the line"),
        ],
        Overlay::Search { .. } => &[("Enter", "stay here"), ("Esc", "go back")],
        Overlay::Points(list) if list.typed.is_some() => &[("Enter", "add"), ("Esc", "close")],
        Overlay::Points(_) => {
            &[("a", "add"), ("Enter", "on, off"), ("d", "delete"), ("Down", "next"), ("Esc", "close")]
        }
        Overlay::Fail(_) => &[("Enter", "fail"), ("Down", "next"), ("Esc", "let it wait")],
        Overlay::RunTo { .. } => &[("Enter", "go"), ("Esc", "stay")],
        Overlay::Rejected(rejected) if rejected.may => {
            &[("e", "edit again"), ("u", "use it all the same"), ("Esc", "throw it away")]
        }
        Overlay::Rejected(_) => &[("e", "edit again"), ("Esc", "throw it away")],
        Overlay::Fork { plan, .. } if plan.effects.is_empty() => {
            &[("Enter", "fork"), ("+", "another edit"), ("Esc", "throw it away")]
        }
        Overlay::Fork { .. } => &[
            ("Enter", "fork"),
            ("a", "ask"),
            ("k", "keep"),
            ("r", "repeat"),
            ("+", "another edit"),
            ("Esc", "throw it away"),
        ],
        Overlay::Expression(line) if line.problem.is_some() => {
            &[("Enter", "evaluate"), ("Ctrl-T", "of any type"), ("Esc", "let it wait")]
        }
        Overlay::Expression(_) => &[("Enter", "evaluate"), ("Esc", "let it wait")],
        Overlay::Frames(_) => {
            &[("Down", "next"), ("Space", "fold, unfold"), ("e", "edit there"), ("Esc", "close")]
        }
        Overlay::Resample(_) => &[("Enter", "execute"), ("Esc", "leave it")],
        Overlay::SaveAs { .. } => &[("Enter", "write"), ("Esc", "cancel")],
        Overlay::Rules(_) => &[("Enter", "change tl-bench.toml"), ("Esc", "leave it")],
    };
    pairs.iter().map(|(key, word)| Hint { key: (*key).to_owned(), word, rank: 0 }).collect()
}

/// Draws the overlay when there is one.
pub(super) fn draw(canvas: &mut Canvas<'_>, places: &Layout, state: &AppState) {
    match &state.overlay {
        // The screen draws its line itself.
        None | Some(Overlay::Find) => {}
        Some(Overlay::Commands(list)) => lists::commands(canvas, places.body, state, list),
        Some(Overlay::Filter(line)) => filter::draw(canvas, places, state, line),
        Some(Overlay::Themes { at, .. }) => themes(canvas, places.body, state, *at),
        Some(Overlay::ChooseApp { at }) => choose(canvas, places.body, state, *at),
        Some(Overlay::Input(input)) => form(canvas, places.body, input),
        Some(Overlay::Search { editor, .. }) => {
            let area = places.notice;
            canvas.clear(area);
            let x = canvas.text(area, 1, 0, Tone::Focus, "/");
            let (at, all) = crate::app::search::count(state);
            let found = if editor.text.is_empty() { String::new() } else { format!("{at} of {all}") };
            let field = Area { x: area.x + x, w: area.w.saturating_sub(x + 16), ..area };
            edited(canvas, field, 0, editor, "a text in the inspector");
            canvas.right(area, area.w.saturating_sub(1), 0, 14, Tone::Quiet, &found);
        }
        Some(Overlay::SaveAs { editor }) => save_as(canvas, places.body, editor),
        Some(Overlay::Rules(asked)) => super::compare::rules(canvas, places.body, asked),
        Some(Overlay::Points(list)) => super::gate::points(canvas, places.body, state, list),
        Some(Overlay::Fail(line)) => super::gate::fail(canvas, places.body, line),
        Some(Overlay::Expression(line)) => super::frames::expression(canvas, places.body, line),
        Some(Overlay::Frames(list)) => super::frames::draw(canvas, places.body, state, list),
        Some(Overlay::Resample(typed)) => super::gate::resample(canvas, places.body, state, typed),
        Some(Overlay::RunTo { editor, problem }) => {
            super::gate::run_to(canvas, places.body, editor, problem.as_deref());
        }
        Some(Overlay::Fork { fork, plan }) => super::gate::fork(canvas, places.body, state, fork, plan),
        Some(Overlay::Rejected(rejected)) => super::gate::rejected(canvas, places.body, rejected),
    }
}

/// A cleared area with a frame in the middle of the body; returns its inside.
pub(super) fn window(canvas: &mut Canvas<'_>, body: Area, w: u16, h: u16, title: &str) -> Area {
    let w = w.saturating_add(4).min(body.w);
    let h = h.saturating_add(2).min(body.h);
    let area = Area { x: body.x + (body.w - w) / 2, y: body.y + (body.h - h) / 2, w, h };
    // A column of air on both sides keeps what lies below from running into the frame.
    let air = u16::from(area.x > body.x && area.x + w < body.x + body.w);
    canvas.clear(Area { x: area.x - air, w: w + 2 * air, ..area });
    canvas.drawn.targets.push((area, Over::Inside));
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

/// A line being edited, with the terminal's cursor where the next character goes; `empty` stands there before anything
/// is typed.
pub(super) fn edited(canvas: &mut Canvas<'_>, area: Area, y: u16, editor: &Editor, empty: &str) {
    let width = |c: &char| text::width(&text::line(c.encode_utf8(&mut [0; 4])));
    let caret = editor.at.min(editor.text.len());
    // One column is the cursor's, also behind a text that fills the rest.
    let whole = text::width(&text::line(&editor.value())) < usize::from(area.w);
    let mut from = if whole { 0 } else { caret };
    // The window of the text that holds the cursor: what stands before it has half of the room.
    let mut room = usize::from(area.w) / 2;
    while from > 0 && width(&editor.text[from - 1]) <= room {
        from -= 1;
        room -= width(&editor.text[from]);
    }
    let before: String = editor.text[from..caret].iter().collect();
    let after: String = editor.text[caret..].iter().collect();
    let x = canvas.text(area, 0, y, Tone::Text, &before);
    if from > 0 {
        canvas.text(area, 0, y, Tone::Faint, canvas.look.glyphs.pick("‹", "<"));
    }
    canvas.text(area, x, y, Tone::Text, &after);
    canvas.cursor(area, x, y);
    if editor.text.is_empty() {
        canvas.text(area, x + 2, y, Tone::Faint, empty);
    }
    let mut left = 0;
    for (at, c) in editor.text.iter().enumerate().skip(from) {
        if left >= area.w {
            break;
        }
        let columns = u16::try_from(width(c)).unwrap_or(u16::MAX);
        canvas.target(area, (left, y), columns, Over::Caret(at));
        left = left.saturating_add(columns);
    }
    canvas.target(area, (left, y), area.w, Over::Caret(editor.text.len()));
}

fn themes(canvas: &mut Canvas<'_>, body: Area, state: &AppState, at: usize) {
    let names = state.settings.themes();
    let height = u16::try_from(names.len()).unwrap_or(u16::MAX);
    let inner = window(canvas, body, 34, height, "Which theme?");
    let top = scroll_to(0, at, names.len(), usize::from(inner.h));
    for y in 0..inner.h {
        let Some(name) = names.get(top + usize::from(y)) else { break };
        canvas.text(inner, 1, y, Tone::Text, name);
        canvas.target(inner, (0, y), inner.w, Over::Entry(top + usize::from(y)));
        let signs = [
            (Tone::Quiet, CallStatus::Cached),
            (Tone::Good, CallStatus::Fresh),
            (Tone::Bad, CallStatus::Failed),
            (Tone::Marked, CallStatus::Edited),
            (Tone::Warning, CallStatus::InDoubt),
        ];
        if top + usize::from(y) == at {
            canvas.tint(inner, y, Tone::Selected);
        }
        for (x, (tone, status)) in (20u16..).step_by(2).zip(signs) {
            let glyph = canvas.look.glyphs.status(status, 0);
            canvas.text(inner, x, y, tone, glyph);
        }
    }
}

fn choose(canvas: &mut Canvas<'_>, body: Area, state: &AppState, at: usize) {
    let apps = &state.project.applications;
    let widest = apps.iter().map(|app| text::width(&text::line(&app.name))).max().unwrap_or(0);
    let width = u16::try_from(widest + 24).unwrap_or(u16::MAX).clamp(30, 80);
    let height = u16::try_from(apps.len()).unwrap_or(u16::MAX);
    let inner = window(canvas, body, width, height, "Run which application?");
    let top = scroll_to(0, at, apps.len(), usize::from(inner.h));
    for y in 0..inner.h {
        let row = top + usize::from(y);
        let Some(app) = apps.get(row) else { break };
        let x = canvas.text(inner, 1, y, Tone::Text, &app.name);
        let params: Vec<&str> = app.params.iter().map(|param| param.name.as_str()).collect();
        canvas.text(inner, x + 2, y, Tone::Quiet, &params.join(", "));
        canvas.target(inner, (0, y), inner.w, Over::Entry(row));
        if row == at {
            canvas.tint(inner, y, Tone::Selected);
        }
    }
}

fn form(canvas: &mut Canvas<'_>, body: Area, form: &Form) {
    let name = |field: &Field| {
        let hint = field.param.hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default();
        text::fit(&text::line(&format!("{}{hint}", field.param.name)), 30)
    };
    let names: Vec<String> = form.fields.iter().map(name).collect();
    let widest = names.iter().map(|name| text::width(name)).max().unwrap_or(0);
    let column = u16::try_from(widest).unwrap_or(0) + 3;
    let height = u16::try_from(names.len() + 2).unwrap_or(u16::MAX);
    let inner = window(canvas, body, 90, height, &format!("Run {}", text::line(&form.app)));
    let rows = usize::from(inner.h.saturating_sub(2)).max(1);
    let top = scroll_to(0, form.at, names.len(), rows);
    for (y, (i, field)) in (0..inner.h).zip(form.fields.iter().enumerate().skip(top).take(rows)) {
        let here = i == form.at;
        canvas.target(inner, (0, y), inner.w, Over::Entry(i));
        if here {
            canvas.text(inner, 0, y, Tone::Focus, canvas.look.glyphs.pick("▸", ">"));
        }
        let tone = if here { Tone::Focus } else { Tone::Quiet };
        canvas.text(inner, 2, y, tone, names.get(i).map_or("", String::as_str));
        let area = Area { x: inner.x + column.min(inner.w), w: inner.w.saturating_sub(column), ..inner };
        let default =
            field.param.default.as_deref().map(|value| format!("left out: {value}")).unwrap_or_default();
        if here {
            edited(canvas, area, y, &field.editor, &default);
        } else if field.editor.text.is_empty() {
            canvas.text(area, 1, y, Tone::Faint, &default);
        } else {
            canvas.text(area, 0, y, Tone::Text, &field.editor.value());
        }
    }
    if let Some(problem) = &form.problem {
        canvas.text(inner, 0, inner.h.saturating_sub(1), Tone::Bad, problem);
    }
}

fn save_as(canvas: &mut Canvas<'_>, body: Area, editor: &Editor) {
    let inner = window(canvas, body, 70, 1, "Write into which new file?");
    edited(canvas, inner, 0, editor, "a name");
}
