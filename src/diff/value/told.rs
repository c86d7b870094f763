//! Differences put in words, once for every reader: the command line, the workbench and reports draw the same rows.

use serde_json::Value;

use super::media::{Stretch, Unit};
use super::path::Path;
use super::structure::{Change, ChangeKind, Detail};
use super::turns::{PartChange, TurnChange};

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

/// The rows of a difference in a value that is called `root`.
pub fn told<'c>(change: &'c Change, root: &str) -> Vec<Told<'c>> {
    let mut out = Vec::new();
    tell(change, root, 0, &mut out);
    out
}

fn tell<'c>(change: &'c Change, root: &str, depth: usize, out: &mut Vec<Told<'c>>) {
    let place = placed(&change.path, root);
    let from = change.from.as_ref().map(|from| placed(from, "")).unwrap_or_default();
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
    for change in &turn.rest {
        // Its place in the message is enough: the message has been named.
        let from = out.len();
        tell(change, "", depth, out);
        let (whole, inner) = (placed(&change.path, ""), inside(&change.path, message));
        if let Some(row) = out.get_mut(from) {
            row.words = row.words.replacen(&whole, &inner, 1);
        }
    }
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
            for change in &part.changes {
                let below = change.path.0.get(part.path.0.len()..).unwrap_or_default();
                let from = out.len();
                tell(change, "", depth, out);
                let whole = placed(&change.path, "");
                let named = match below {
                    [] => words.clone(),
                    below => format!("{words}  {}", Path(below.to_vec())),
                };
                if let Some(row) = out.get_mut(from) {
                    let rest = row.words.strip_prefix(&whole).unwrap_or_default().to_owned();
                    row.words = format!("{named}{rest}");
                }
            }
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
            0 => format!(
                "{} hidden by {}",
                crate::base::text::count(one.differences as u64, "difference"),
                one.pattern
            ),
            _ => format!("{} by {}", one.differences, one.pattern),
        });
    }
    (!words.is_empty()).then(|| words.join(", "))
}
