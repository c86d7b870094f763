//! Lists of commands: the palette, the help, and the keys that may follow those that were pressed.

use crate::app::AppState;
use crate::app::command::{COMMANDS, Command, PREFIXES, command, scopes};
use crate::app::keys::sequence_name;
use crate::app::layout::{Area, Layout, scroll_to};
use crate::app::palette::{self, CommandList, Kind, Row};
use crate::app::pointer::Over;
use crate::app::state::WHICH_KEY;
use crate::app::tone::Tone;
use crate::base::clock::Micros;
use crate::base::text;

use super::cells::Canvas;
use super::overlay::{edited, window};

/// Columns for the keys.
const KEYS: u16 = 19;
/// From this width on the name of each command is shown beside its sentence.
const NAMED: u16 = 84;

/// Draws a list of commands.
pub(super) fn commands(canvas: &mut Canvas<'_>, body: Area, state: &AppState, list: &CommandList) {
    let rows = palette::rows(state, list);
    let title = if list.kind == Kind::Help { "Keys" } else { "Commands" };
    // The longest sentence needs no more.
    let width = body.w.saturating_sub(6).min(150);
    // The query above, the selected command's sentence below.
    let height = u16::try_from(rows.len() + 5).unwrap_or(u16::MAX);
    let fixed = if list.kind == Kind::Palette { body.h } else { height };
    let inner = window(canvas, body, width, fixed.min(height.max(12)), title);
    let mark = canvas.look.glyphs.pick("▸", ">");
    canvas.text(inner, 0, 0, Tone::Focus, mark);
    edited(
        canvas,
        Area { x: inner.x + 2, w: inner.w.saturating_sub(2), ..inner },
        0,
        &list.query,
        "type to find a command",
    );
    let all: Vec<&Command> = palette::commands(&rows).collect();
    let Some(chosen) = all.get(list.at) else {
        canvas.text(inner, 2, 2, Tone::Quiet, "No command has this name or does this.");
        return;
    };
    let mut foot = foot(state, chosen, usize::from(inner.w));
    // The list itself needs the room more.
    foot.truncate(usize::from(inner.h / 4).max(1));
    let foot_h = u16::try_from(foot.len()).unwrap_or(2);
    let part = Area { y: inner.y + 1, h: inner.h.saturating_sub(2 + foot_h), ..inner };
    let at = rows.iter().position(|row| matches!(row, Row::Command(c) if c.id == chosen.id)).unwrap_or(0);
    let visible = usize::from(part.h);
    // The heading above the first command is shown with it.
    let top = scroll_to(0, if at == 1 { 0 } else { at }, rows.len(), visible);
    let mut entry = palette::commands(&rows[..top.min(rows.len())]).count();
    for y in 0..part.h {
        match rows.get(top + usize::from(y)) {
            Some(Row::Heading(title)) => {
                canvas.text(part, 0, y, Tone::Title, title);
            }
            Some(Row::Command(command)) => {
                line(canvas, part, y, state, command);
                canvas.target(part, (0, y), part.w, Over::Entry(entry));
                entry += 1;
                if command.id == chosen.id {
                    canvas.tint(part, y, Tone::Selected);
                }
            }
            None => break,
        }
    }
    let below = rows.len().saturating_sub(top + visible);
    for (y, (tone, sentence)) in (0..).zip(&foot) {
        canvas.text(inner, 0, inner.h.saturating_sub(foot_h) + y, *tone, sentence);
    }
    if below > 0 && inner.h > 0 {
        let edge = Area { y: inner.y + inner.h, h: 1, ..inner };
        canvas.right(edge, edge.w, 0, edge.w, Tone::Quiet, &format!(" {below} more, Down "));
    }
}

fn line(canvas: &mut Canvas<'_>, area: Area, y: u16, state: &AppState, command: &Command) {
    let usable = (command.enabled)(state).is_ok();
    let tone = if usable { Tone::Text } else { Tone::Faint };
    let keys = state.settings.keymap.names(command.id);
    canvas.text(
        Area { w: KEYS.min(area.w), ..area },
        1,
        y,
        if usable { Tone::Key } else { Tone::Faint },
        &keys,
    );
    let mut x = KEYS + 1;
    if area.w >= NAMED {
        canvas.text(area, x, y, tone, command.name);
        // The column is as wide as the longest name of all, so that it stays while somebody types.
        let longest = COMMANDS.iter().map(|command| command.name.len()).max().unwrap_or(0);
        x += u16::try_from(longest).unwrap_or(0) + 1;
    }
    let room = usize::from(area.w.saturating_sub(x + 1));
    canvas.text(
        area,
        x,
        y,
        if usable && area.w >= NAMED { Tone::Quiet } else { tone },
        clause(command.doc, room),
    );
}

/// The selected command in full: what it does, and why it cannot be used now.
fn foot(state: &AppState, command: &Command, width: usize) -> Vec<(Tone, String)> {
    let mut out: Vec<(Tone, String)> =
        wrapped(command.doc, width.max(8)).into_iter().map(|line| (Tone::Text, line)).collect();
    if !scopes(state).contains(&command.scope) {
        out.push((Tone::Quiet, format!("{}.", command.scope.title())));
    }
    if let Err(why) = (command.enabled)(state) {
        out.extend(
            wrapped(&format!("Not now: {why}"), width.max(8)).into_iter().map(|line| (Tone::Warning, line)),
        );
    }
    out
}

fn wrapped(sentence: &str, room: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = String::new();
    for word in sentence.split(' ') {
        if !line.is_empty() && text::width(&line) + 1 + text::width(word) > room {
            out.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push(line);
    out
}

/// The keys that may follow, when somebody hesitates in a sequence.
pub(super) fn which_key(canvas: &mut Canvas<'_>, places: &Layout, state: &AppState, now: Micros) {
    let Some(pending) = state.pending.as_ref().filter(|pending| now >= pending.since + WHICH_KEY) else {
        return;
    };
    let next = state.settings.keymap.continuations(&pending.keys, &scopes(state));
    let pressed = sequence_name(&pending.keys);
    let name = PREFIXES.iter().find(|(prefix, _)| *prefix == pressed).map_or("…", |(_, name)| name);
    let lines: Vec<(String, &Command)> =
        next.iter().filter_map(|(keys, id)| Some((sequence_name(keys), command(*id)?))).collect();
    let keys = lines.iter().map(|(keys, _)| text::width(keys)).max().unwrap_or(1);
    let widest = lines.iter().map(|(_, command)| command.doc.len()).max().unwrap_or(0);
    let width = u16::try_from(keys + 2 + widest).unwrap_or(u16::MAX);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    // At the bottom, where the keys are; what is selected stays visible more often.
    let h = height.saturating_add(2).min(places.body.h);
    let below = Area { y: places.body.y + places.body.h - h, h, ..places.body };
    let inner = window(canvas, below, width, height, &format!("{pressed}  {name}"));
    for ((y, (key, command)), entry) in (0..inner.h).zip(&lines).zip(0..) {
        canvas.target(inner, (0, y), inner.w, Over::Entry(entry));
        let usable = (command.enabled)(state).is_ok();
        canvas.text(inner, 0, y, if usable { Tone::Key } else { Tone::Faint }, key);
        let tone = if usable { Tone::Text } else { Tone::Faint };
        let x = u16::try_from(keys + 2).unwrap_or(3);
        canvas.text(inner, x, y, tone, clause(command.doc, usize::from(inner.w.saturating_sub(x))));
    }
}

/// As much of a sentence as fits and can stand for itself: all of it, or what comes before a colon, semicolon or comma,
/// unless that is little: then a cut one says more.
fn clause(sentence: &str, room: usize) -> &str {
    if text::width(sentence) <= room {
        return sentence;
    }
    let last =
        |ends: &[char]| sentence.match_indices(ends).map(|(at, _)| at).take_while(|at| *at <= room).last();
    let enough = |at: &usize| *at * 5 >= room * 3;
    let end = last(&[':', ';']).filter(enough).or_else(|| last(&[',']).filter(enough));
    end.map_or(sentence, |at| &sentence[..at])
}

#[cfg(test)]
mod tests {
    use super::clause;

    #[test]
    fn sentences_end_where_they_can_stand_for_themselves() {
        let list = "List the breakpoints of the project; add, switch and delete them.";
        assert_eq!(clause(list, 80), list);
        assert_eq!(clause(list, 50), "List the breakpoints of the project");
        assert_eq!(
            clause("Fold, or go to what is above the call.", 30),
            "Fold, or go to what is above the call."
        );
        assert_eq!(
            clause("Go to the next call that differs, or back.", 35),
            "Go to the next call that differs"
        );
    }
}
