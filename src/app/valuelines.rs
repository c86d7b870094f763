//! The rows of a value as lines of a width: wrapped, set in, and, for those that unfold, with the place they stand for.

use crate::base::text;

use super::command::CommandId;
use super::headless;
use super::inspect::Page;
use super::msg::{ValueRow, ValueView};
use super::state::AppState;
use super::tone::{Line, Tone};

/// Widest column of a table.
const CELL: usize = 40;

/// Lays out a value.
pub(super) fn lay_out(page: &mut Page, view: &ValueView) {
    let widths = columns(view, page.width);
    for row in &view.rows {
        match row {
            ValueRow::Node { path, key, kind, text, foldable, open, is_text, .. } => {
                node(page, path, key.as_deref(), kind, text, *foldable, *open, *is_text);
            }
            ValueRow::Text { text, markdown } => prose(page, text, *markdown),
            ValueRow::Styled(line) => styled(page, &Line::new(), line),
            ValueRow::Turn { role, name, note } => {
                let mut line = vec![(role_tone(role), text::line(role))];
                let extra =
                    name.iter().chain(note).map(|piece| text::line(piece)).collect::<Vec<_>>().join("  ");
                if !extra.is_empty() {
                    line.push((Tone::Quiet, format!("  {extra}")));
                }
                page.lines.push(line);
            }
            ValueRow::Tool { name, text: arguments, note } => {
                let mut head = vec![(Tone::Marked, format!("→ {}", text::line(name)))];
                if let Some(note) = note {
                    head.push((Tone::Faint, format!("  {}", text::line(note))));
                }
                page.lines.push(head);
                if !arguments.is_empty() {
                    page.wrap(Tone::Text, "  ", arguments);
                }
            }
            ValueRow::Fact(fact) => page.wrap(Tone::Quiet, "", fact),
            ValueRow::File { words, nth, picture, .. } => {
                let from = page.lines.len();
                page.wrap(Tone::Marked, "", words);
                if *nth == 0 && !page.file_hint.is_empty() {
                    let hint = page.file_hint.clone();
                    page.wrap(Tone::Faint, "", &hint);
                }
                if let Some(picture) = picture {
                    super::picture::lay_out(page, picture);
                }
                page.files.push((from..page.lines.len(), *nth));
            }
            ValueRow::Cells { cells, heading } => cells_line(page, cells, *heading, &widths),
            ValueRow::Dump { offset, bytes } => dump(page, *offset, bytes),
        }
    }
    if let Some(cut) = &view.cut {
        page.wrap(Tone::Faint, "", &format!("… {cut}{}", page.cut_hint));
    }
}

/// How the rest of a value comes to be seen.
pub(super) fn cut_hint(state: &AppState) -> String {
    let key = |id| state.settings.keymap.name(id);
    let mut ways = vec!["going down reads on".to_owned()];
    ways.extend(key(CommandId::Page).map(|key| format!("{key} shows all in $PAGER")));
    ways.extend(key(CommandId::SaveValue).map(|key| format!("{key} saves all")));
    format!(": {}", ways.join(", "))
}

/// What can be done with a file that a value carries, and the command line that does the same.
pub(super) fn file_hint(state: &AppState) -> String {
    let key = |id| state.settings.keymap.name(id);
    let mut ways = Vec::new();
    if let Some(open) = key(CommandId::OpenValue) {
        ways.push(format!("{open} opens it"));
    }
    if let Some(save) = key(CommandId::SaveValue) {
        ways.push(format!("{save} saves it"));
    }
    ways.extend(headless::save_line(state));
    ways.join(" · ")
}

fn role_tone(role: &str) -> Tone {
    match role {
        "assistant" | "model" | "ai" => Tone::Focus,
        "user" | "human" => Tone::Title,
        _ => Tone::Quiet,
    }
}

#[allow(clippy::too_many_arguments)] // The parts of one row, each used once.
fn node(
    page: &mut Page,
    path: &[u64],
    key: Option<&str>,
    kind: &str,
    value: &str,
    foldable: bool,
    open: bool,
    is_text: bool,
) {
    page.places.push((page.lines.len(), path.to_vec()));
    let depth = path.len().min(page.width / 6);
    let sign = match (foldable, open) {
        (false, _) => "  ",
        (true, true) => "▾ ",
        (true, false) => "▸ ",
    };
    let lead = format!("{}{sign}", "  ".repeat(depth));
    let mut head: Line = vec![(Tone::Faint, lead.clone())];
    if let Some(key) = key {
        head.push((Tone::Key, text::fit(&text::line(key), page.width / 2)));
        head.push((Tone::Faint, "  ".to_owned()));
    }
    let used: usize = head.iter().map(|(_, piece)| text::width(piece)).sum();
    // A glance at bytes says what they are.
    let kind_shown = (foldable || kind.contains(' ')) && !value.starts_with(kind);
    let right = if kind_shown { text::width(kind) + 2 } else { 0 };
    let room = page.width.saturating_sub(used + right).max(4);
    let safe = text::line(value);
    if is_text && text::width(&safe) > room && !value.ends_with('…') {
        // A text of a few lines is read where it stands.
        let inner = page.width.saturating_sub(text::width(&lead) + 2).max(8);
        head.push((Tone::Faint, kind.to_owned()));
        page.lines.push(head);
        for part in super::inspect::wrapped(&safe, inner) {
            page.lines.push(vec![
                (Tone::Faint, format!("{}  ", " ".repeat(text::width(&lead)))),
                (Tone::Text, part),
            ]);
        }
        return;
    }
    head.push((if foldable { Tone::Quiet } else { Tone::Text }, text::fit(&safe, room)));
    if kind_shown {
        let gap = if safe.is_empty() { "" } else { "  " };
        head.push((Tone::Faint, format!("{gap}{kind}")));
    }
    page.lines.push(head);
}

/// Text, with the marks of markdown lightly drawn.
fn prose(page: &mut Page, raw: &str, markdown: bool) {
    if !markdown {
        page.wrap(Tone::Text, "", raw);
        return;
    }
    let trimmed = raw.trim_start();
    if trimmed.starts_with("```") {
        page.fenced = !page.fenced;
        page.wrap(Tone::Faint, "", raw);
    } else if page.fenced {
        page.wrap(Tone::CodeString, "", raw);
    } else if trimmed.starts_with('#') && trimmed.trim_start_matches('#').starts_with(' ') {
        page.wrap(Tone::Title, "", raw);
    } else if trimmed.starts_with('>') {
        page.wrap(Tone::Quiet, "", raw);
    } else {
        page.wrap(Tone::Text, "", raw);
    }
}

/// A coloured line behind what leads it, broken where it must be; what follows is set in as far.
pub(super) fn styled(page: &mut Page, lead: &Line, line: &Line) {
    let inner: usize = lead.iter().map(|(_, piece)| text::width(piece)).sum();
    let mut out = lead.clone();
    let mut used = inner;
    for (tone, piece) in line {
        let safe = text::line(piece);
        let mut rest = safe.as_str();
        while !rest.is_empty() {
            let fits = at_a_word(rest, text::cut(rest, page.width.saturating_sub(used)), page.cut);
            let (head, tail) = rest.split_at(fits);
            if page.cut && head.len() < rest.len() {
                out.push((*tone, text::fit(rest, page.width.saturating_sub(used))));
                page.lines.push(out);
                return;
            }
            if head.is_empty() && used > inner {
                page.lines.push(std::mem::replace(&mut out, vec![(Tone::Faint, " ".repeat(inner))]));
                used = inner;
                continue;
            }
            let head = if head.is_empty() { rest } else { head };
            used += text::width(head);
            out.push((*tone, head.to_owned()));
            rest = if head.len() == rest.len() { "" } else { tail };
            if !rest.is_empty() {
                page.lines.push(std::mem::replace(&mut out, vec![(Tone::Faint, " ".repeat(inner))]));
                used = inner;
            }
        }
    }
    page.lines.push(out);
}

/// Where to break what does not fit: after a space that is near.
fn at_a_word(rest: &str, fits: usize, cut: bool) -> usize {
    if cut || fits >= rest.len() || rest[fits..].starts_with(' ') {
        return fits;
    }
    let near = rest[..fits].rfind(' ').filter(|at| at * 2 > fits);
    near.map_or(fits, |at| at + 1)
}

/// Widths of a table's columns: what their cells need, until the page is full.
fn columns(view: &ValueView, width: usize) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::new();
    for row in &view.rows {
        let ValueRow::Cells { cells, .. } = row else { continue };
        out.resize(out.len().max(cells.len()), 0);
        for (wanted, cell) in out.iter_mut().zip(cells) {
            *wanted = (*wanted).max(text::width(&text::line(cell)).min(CELL));
        }
    }
    // The widest give way first.
    while out.iter().sum::<usize>() + out.len() * 2 > width {
        let Some(widest) = out.iter_mut().max().filter(|widest| **widest > 4) else { break };
        *widest -= 1;
    }
    out
}

fn cells_line(page: &mut Page, cells: &[String], heading: bool, widths: &[usize]) {
    let tone = if heading { Tone::Title } else { Tone::Text };
    let mut line = Line::new();
    let mut left = page.width;
    for (cell, width) in cells.iter().zip(widths) {
        let width = (*width).min(left);
        if width == 0 {
            break;
        }
        let shown = text::fit(&text::line(cell), width);
        let pad = " ".repeat((width - text::width(&shown)) + 2.min(left - width));
        left = left.saturating_sub(width + 2);
        line.push((tone, format!("{shown}{pad}")));
    }
    page.lines.push(line);
}

fn dump(page: &mut Page, offset: u64, bytes: &[u8]) {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let plain: String =
        bytes.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
    let numbers = format!("{:<48}", hex.join(" "));
    let all = [(Tone::Faint, format!("{offset:08x}  ")), (Tone::Text, numbers), (Tone::Quiet, plain)];
    let mut left = page.width;
    let mut line = Line::new();
    for (tone, piece) in all {
        let shown: String = piece.chars().take(left).collect();
        left -= shown.chars().count();
        line.push((tone, shown));
    }
    page.lines.push(line);
}
