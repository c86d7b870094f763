//! Differences put in words, once for every reader: the command line, the workbench and reports draw the same rows.

use serde_json::Value;

use super::media::{Stretch, Unit};
use super::path::{Path, Step};
use super::structure::{Change, ChangeKind, Detail, Inside, Within};
use super::turns::{PartChange, TurnChange};
use crate::base::text;

/// What stands below a row.
#[derive(Clone, PartialEq, Debug)]
pub enum Sides<'c> {
    /// Nothing.
    None,
    /// Two texts, to be compared line by line.
    Texts(&'c str, &'c str),
    /// What it was and what it is.
    Values(Option<&'c Value>, Option<&'c Value>),
    /// Excerpts of both sides.
    Excerpts(&'c str, &'c str),
}

/// Characters of the name of a row.
const NAME: usize = 60;
/// Characters of a side that stands in the line of its place.
const SHORT: usize = 40;

impl Sides<'_> {
    /// Both sides as JSON, when they are short enough to stand in one line.
    pub fn in_short(&self) -> Option<[Option<String>; 2]> {
        let short = |value: &Value| -> Option<String> {
            let is_one = !matches!(value, Value::Array(list) if !list.is_empty())
                && !matches!(value, Value::Object(map) if !map.is_empty());
            let several = value.as_str().is_some_and(|text| text.contains('\n'));
            let shown = value.to_string();
            (is_one && !several && shown.chars().nth(SHORT).is_none()).then_some(shown)
        };
        match self {
            Sides::Texts(old, new) => {
                let text = |text: &str| short(&Value::from(text));
                Some([Some(text(old)?), Some(text(new)?)])
            }
            Sides::Values(old, new) => {
                let side =
                    |value: &Option<&Value>| value.map(|value| short(value).ok_or(())).transpose().ok();
                Some([side(old)?, side(new)?])
            }
            Sides::None | Sides::Excerpts(..) => None,
        }
    }
}

/// One row: unsanitised.
#[derive(Clone, PartialEq, Debug)]
pub struct Told<'c> {
    /// How deep it stands below the first.
    pub depth: usize,
    /// Where, and what happened: `messages[3]  assistant message`.
    pub words: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Where.
    pub path: Path,
    /// What stands below it.
    pub sides: Sides<'c>,
}

/// The rows of the differences in a value that is called `root`; rows of tables and texts that are JSON stand once, above
/// what differs in them.
pub fn told_all<'c>(changes: &'c [Change], root: &str) -> Vec<Told<'c>> {
    let mut out = Vec::new();
    tell_all(changes, &|path| placed(path, root), 0, &mut out);
    out
}

/// How a place is called.
type Names<'n> = &'n dyn Fn(&Path) -> String;

fn tell_all<'c>(changes: &'c [Change], names: Names<'_>, depth: usize, out: &mut Vec<Told<'c>>) {
    let mut open: &[Within] = &[];
    for change in changes {
        let above = change.within.iter().zip(open).take_while(|(a, b)| a == b).count();
        for (level, one) in change.within.iter().enumerate().skip(above) {
            if !is_row(change, one) {
                let words = named(&relative(&one.path, change.within[..level].last(), names), &one.what);
                let (kind, path) = (ChangeKind::Changed, one.path.clone());
                out.push(Told { depth: depth + level, words, kind, path, sides: Sides::None });
            }
        }
        tell(change, names, depth, out);
        open = &change.within;
    }
}

/// Whether the difference is about a row as a whole.
fn is_row(change: &Change, one: &Within) -> bool {
    one.path == change.path && matches!(one.what, Inside::Row { .. })
}

/// What a difference is in, after where that is.
fn named(place: &str, what: &Inside) -> String {
    let words = match what {
        Inside::Row { key, name } => format!("{key} {}", text::beginning(&name.to_string(), NAME)),
        Inside::JsonText => "a text that is JSON".to_owned(),
    };
    if place.is_empty() { words } else { format!("{place}  {words}") }
}

/// A place as it is called below what it is in.
fn relative(path: &Path, outer: Option<&Within>, names: Names<'_>) -> String {
    match outer {
        Some(outer) => inside(path, &outer.path),
        None => names(path),
    }
}

fn tell<'c>(change: &'c Change, names: Names<'_>, depth: usize, out: &mut Vec<Told<'c>>) {
    let (place, depth) = match change.within.as_slice() {
        // A row that is new, gone or moved is named itself.
        [outer @ .., one] if is_row(change, one) => {
            (named(&relative(&change.path, outer.last(), names), &one.what), depth + outer.len())
        }
        within => (relative(&change.path, within.last(), names), depth + within.len()),
    };
    let from = change.from.as_ref().map(|from| match (&change.detail, from.0.last()) {
        (Some(Detail::Column { .. }), Some(Step::Key(name))) => name.clone(),
        _ => placed(from, ""),
    });
    let from = from.unwrap_or_default();
    let with = |words: &str| {
        if place.is_empty() { words.trim_start().to_owned() } else { format!("{place}{words}") }
    };
    let happened = match change.kind {
        ChangeKind::Changed => String::new(),
        ChangeKind::Added => "  added".to_owned(),
        ChangeKind::Removed => "  removed".to_owned(),
        ChangeKind::Renamed => format!("  was called {from}"),
        ChangeKind::Moved if change.from.as_ref() == Some(&change.path) => {
            "  keys in another order".to_owned()
        }
        ChangeKind::Moved => format!("  was at {from}"),
    };
    let mut row = |words: String, sides: Sides<'c>| {
        out.push(Told { depth, words, kind: change.kind, path: change.path.clone(), sides });
    };
    match &change.detail {
        Some(Detail::Turn(turn)) => {
            let role = if turn.role.is_empty() { String::new() } else { format!("{} ", turn.role) };
            row(with(&format!("  {role}message{happened}")), Sides::None);
            tell_turn(turn, &change.path, depth + 1, out);
        }
        Some(Detail::Image(image)) => {
            row(with(&format!("  {}; {}", image.sides(), image.words())), Sides::None)
        }
        Some(Detail::Stretch(stretch)) => row(with(&format!("  {}", stretch.words())), excerpts(stretch)),
        Some(Detail::Column { name, rows }) => {
            let happened = happened.trim_start();
            let words = with(&format!("  column {name} {happened} in {}", text::count(*rows as u64, "row")));
            row(words, Sides::None);
        }
        Some(Detail::Large { old, new }) => row(with(&happened), Sides::Excerpts(old, new)),
        Some(Detail::Pieces { old, new }) => {
            let words = format!("  {old} → {new} pieces of a stream that say the same");
            row(with(&words), Sides::None);
        }
        None => {
            let sides = match (&change.old, &change.new) {
                _ if change.kind == ChangeKind::Moved || change.kind == ChangeKind::Renamed => Sides::None,
                (Some(Value::String(old)), Some(Value::String(new))) => Sides::Texts(old, new),
                (old, new) => Sides::Values(old.as_ref(), new.as_ref()),
            };
            row(with(&happened), sides);
        }
    }
}

fn tell_turn<'c>(turn: &'c TurnChange, message: &Path, depth: usize, out: &mut Vec<Told<'c>>) {
    for part in &turn.parts {
        tell_part(part, depth, out);
    }
    // Their places in the message are enough: the message has been named.
    tell_all(&turn.rest, &|path| inside(path, message), depth, out);
}

/// A path below a message.
fn inside(path: &Path, message: &Path) -> String {
    Path(path.0.get(message.0.len()..).unwrap_or_default().to_vec()).to_string()
}

fn tell_part<'c>(part: &'c PartChange, depth: usize, out: &mut Vec<Told<'c>>) {
    let words = part.words();
    let row =
        |words: String, path: &Path, sides| Told { depth, words, kind: part.kind, path: path.clone(), sides };
    match part.kind {
        ChangeKind::Added => {
            out.push(row(format!("{words}  added"), &part.path, Sides::Values(None, part.content.as_ref())));
        }
        ChangeKind::Removed => {
            out.push(row(
                format!("{words}  removed"),
                &part.path,
                Sides::Values(part.content.as_ref(), None),
            ));
        }
        _ => {
            let names = |path: &Path| match inside(path, &part.path) {
                below if below.is_empty() => words.clone(),
                below => format!("{words}  {below}"),
            };
            tell_all(&part.changes, &names, depth, out);
        }
    }
}

fn excerpts(stretch: &Stretch) -> Sides<'_> {
    let [old, new] = &stretch.shown;
    match stretch.unit {
        Unit::Text => Sides::Texts(old, new),
        Unit::Bytes => Sides::Excerpts(old, new),
    }
}

/// `input.messages[3]`
fn placed(path: &Path, root: &str) -> String {
    match path.to_string() {
        inner if root.is_empty() => inner,
        inner if inner.is_empty() => root.to_owned(),
        inner if inner.starts_with('[') => format!("{root}{inner}"),
        inner => format!("{root}.{inner}"),
    }
}

/// Ignored places with how much they hide: `2 differences hidden by *.id, 1 by usage.*`.
pub fn hidden_words(hidden: &[super::Hidden]) -> Option<String> {
    let mut words = Vec::new();
    for (at, one) in hidden.iter().enumerate() {
        words.push(match at {
            0 => format!("{} hidden by {}", text::count(one.differences as u64, "difference"), one.pattern),
            _ => format!("{} by {}", one.differences, one.pattern),
        });
    }
    (!words.is_empty()).then(|| words.join(", "))
}
