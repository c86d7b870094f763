//! The pictures of the documentation: whole screens as drawn, as SVG.
//!
//! `UPDATE_DOCS=1 cargo test --lib pictures` writes them anew; the test fails when one is old.

use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::colour::{place, rgb};
use super::glyphs::Glyphs;
use super::other_screen_tests::{concurrent, found, replayed as compared};
use super::screen_tests::{ENV, at_the_gate, bench, judged};
use super::theme::Theme;
use super::{Look, draw};
use crate::app::AppState;
use crate::app::script::{self as fake, Script};
use crate::base::text;
use crate::model::{CallKind, CallStatus, RunStatus};

/// Size of a cell.
const CELL: (f64, f64) = (8.4, 18.0);
const PAPER: &str = "#16181d";
const INK: &str = "#d8dbe2";

/// The sixteen colours of a terminal.
const PALETTE: [&str; 16] = [
    "#16181d", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#5c6370",
    "#ff7b86", "#b1e08f", "#ffd68a", "#7cc4ff", "#e090f5", "#6fd3e0", "#ffffff",
];

fn colour(colour: Color, otherwise: &str) -> String {
    let hex = |(r, g, b): (u8, u8, u8)| format!("#{r:02x}{g:02x}{b:02x}");
    match (colour, place(colour)) {
        (Color::Rgb(r, g, b), _) => hex((r, g, b)),
        (_, Some(index @ 0..16)) => PALETTE[usize::from(index)].to_owned(),
        (_, Some(index)) => hex(rgb(index)),
        (_, None) => otherwise.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A screen with the terminal's cursor on it.
fn seen(state: &AppState, look: &Look) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.0, state.size.1));
    if let Some(at) = draw(state, look, ENV.now, &mut buffer).cursor {
        buffer[at].modifier.insert(Modifier::REVERSED);
    }
    buffer
}

/// A screen as an SVG: stretches of one style, each as wide as its cells.
fn svg(buffer: &Buffer, title: &str) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (w, h) = (f64::from(columns) * CELL.0 + 16.0, f64::from(rows) * CELL.1 + 16.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w:.0} {h:.0}\" width=\"{w:.0}\" height=\"{h:.0}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title>{}</title>\n<rect width=\"{w:.0}\" height=\"{h:.0}\" rx=\"6\" fill=\"{PAPER}\"/>\n",
        escaped(title)
    );
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let style = |x: u16| (buffer[(x, y)].fg, buffer[(x, y)].bg, buffer[(x, y)].modifier);
            let end = (x..columns).find(|at| style(*at) != style(x)).unwrap_or(columns);
            stretch(&mut out, buffer, y, x, end);
            x = end;
        }
    }
    out.push_str("</svg>\n");
    out
}

fn stretch(out: &mut String, buffer: &Buffer, y: u16, from: u16, to: u16) {
    let cell = &buffer[(from, y)];
    let (mut fg, mut bg) = (colour(cell.fg, INK), colour(cell.bg, PAPER));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    let (left, top) = (8.0 + f64::from(from) * CELL.0, 8.0 + f64::from(y) * CELL.1);
    let width = f64::from(to - from) * CELL.0;
    if bg != PAPER {
        let (w, h) = (width, CELL.1);
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{bg}\"/>"
        );
    }
    let mut words = String::new();
    let mut skip = 0;
    for x in from..to {
        let symbol = buffer[(x, y)].symbol();
        if skip == 0 {
            words.push_str(symbol);
        }
        skip = text::width(symbol).max(skip).saturating_sub(1);
    }
    let mut style = String::new();
    let has = |modifier| cell.modifier.contains(modifier);
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.6\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
    ] {
        if has(modifier) {
            style.push_str(attribute);
        }
    }
    let base = top + CELL.1 - 4.5;
    // Some renderers join spaces: each piece between two or more of them has its own place.
    let mut at = 0;
    for piece in words.split_inclusive("  ") {
        let lead = piece.len() - piece.trim_start().len();
        let kept = piece.trim();
        let left = left + (at + lead) as f64 * CELL.0;
        at += text::width(piece);
        let width = text::width(kept) as f64 * CELL.0;
        if !kept.is_empty() {
            let _ = writeln!(
                out,
                "<text x=\"{left:.1}\" y=\"{base:.1}\" fill=\"{fg}\" textLength=\"{width:.1}\"{style}>{}</text>",
                escaped(kept)
            );
        }
    }
}

/// An agent that was repaired and is replayed: what held is served, one tool runs now.
fn replayed() -> Vec<Script> {
    let mut s = Script::new("8f3c00000000", 12, Some("2c1a00000000"), r#"{"topic": "durable execution"}"#);
    for i in 1..=6u32 {
        let messages = format!("{{\"messages\": \"{} msgs\"}}", i * 2);
        s.call("call_llm", i, CallStatus::Cached, &messages, "→ search_web");
        let query = format!("{{\"query\": \"checkpoints, part {i}\"}}");
        s.call("search_web", i, CallStatus::Cached, &query, "5 results");
    }
    let map = s.ask(1, "read_document", CallKind::Map, 1, "");
    let items: Vec<_> = (0..24).map(|i| s.ask(map, "read_document", CallKind::Call, i, "{}")).collect();
    for (i, no) in items.iter().enumerate() {
        match i {
            0..=17 => s.end(*no, CallStatus::Cached, 0, "8.1 kB", 0),
            18 => {
                s.start(*no);
                s.fail(*no, 120, fake::error("ValueError", "no text layer"));
            }
            _ => {
                s.start(*no);
                s.end(*no, CallStatus::Fresh, 90, "6.4 kB", 0);
            }
        }
    }
    s.end(map, CallStatus::Fresh, 0, "", 0);
    s.call("call_llm", 7, CallStatus::Fresh, r#"{"messages": "15 msgs"}"#, "→ search_web");
    let no = s.ask(1, "search_web", CallKind::Call, 7, r#"{"query": "what checkpoints cost"}"#);
    s.start(no);
    let mut all = vec![s, fake::agent("2c1a00000000", 120, None, RunStatus::Failed)];
    all.push(fake::agent("9aa000000000", 3_600, None, RunStatus::Succeeded));
    all
}

/// A run whose code was edited since.
fn edited() -> Script {
    fake::agent("2c1a00000000", 120, None, RunStatus::Succeeded)
}

fn screens() -> Vec<(&'static str, &'static str, AppState)> {
    let size = (120, 30);
    let mapped = || vec![fake::mapping("77d200000000", 1_000, &[3, 500, 900])];
    vec![
        ("main", "Runs, calls and the inspector", bench(replayed(), (150, 34), "")),
        ("failure", "A failure inside a map of a thousand items", bench(mapped(), size, "n")),
        ("filter", "Filtering the tree", bench(mapped(), size, "/ f a i l e d enter")),
        ("form", "The input of a run", bench(replayed(), size, "r t e a")),
        ("timeline", "The timeline", bench(vec![concurrent()], size, "g t c c")),
        ("functions", "The table of functions", bench(replayed(), size, "g f j l l")),
        ("search", "Search in all runs", found(size)),
        ("diff", "Two runs beside each other", bench(compared(), size, "g d n")),
        ("edits", "What the edits cost", judged(edited(), [&[2, 4], &[1], &[3, 5, 6]], size, "g b")),
        ("step", "A call at the gate", at_the_gate(size, "")),
        ("savings", "What was spent and spared", bench(compared(), size, "g l")),
        ("problems", "Problems", bench(mapped(), size, "g p")),
    ]
}

#[test]
fn the_pictures_of_the_documentation_are_those_of_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let look = Look { theme: Theme::named("dark").0, glyphs: Glyphs::Unicode };
    let mut old = Vec::new();
    for (name, title, state) in screens() {
        let drawn = svg(&seen(&state, &look), title);
        let file = folder.join(format!("{name}.svg"));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &drawn).unwrap();
        }
        let page = std::fs::read_to_string(folder.join("../workbench.md")).unwrap();
        assert!(
            page.contains(&format!("pictures/{name}.svg")),
            "docs/workbench.md lacks pictures/{name}.svg"
        );
        if std::fs::read_to_string(&file).unwrap_or_default() != drawn {
            old.push(name);
        }
    }
    assert!(old.is_empty(), "{old:?} are old: UPDATE_DOCS=1 cargo test --lib pictures writes them anew");
}
