//! Where something is inside a value, and patterns that name many such places.

use std::fmt;

/// One step down.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Step {
    /// The value of a key.
    Key(String),
    /// An element of a list.
    Index(usize),
}

/// A place inside a value; the empty path is the value itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// One step further down.
    pub fn key(&self, key: &str) -> Path {
        self.with(Step::Key(key.to_owned()))
    }

    /// One step further down.
    pub fn index(&self, index: usize) -> Path {
        self.with(Step::Index(index))
    }

    /// Reads a place as it is printed: `messages[0].content`, `["odd key"].b`.
    pub fn parse(text: &str) -> Result<Path, PatternError> {
        let step = |part| match part {
            Part::Key(key) => Some(Step::Key(key)),
            Part::Index(index) => Some(Step::Index(index)),
            Part::Any | Part::One => None,
        };
        let steps = Pattern::parse(text)?.parts.into_iter().map(step).collect::<Option<Vec<_>>>();
        let many =
            || PatternError { pattern: text.to_owned(), why: "one place, without *, is expected", at: 1 };
        steps.map(Path).ok_or_else(many)
    }

    fn with(&self, step: Step) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if is_plain(key) => {
                    if place > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'))
}

/// Names places: `*.id` (an `id` at any depth), `usage.*` (all below `usage`), `messages[*].content`, `a.b`.
///
/// A leading `*` or `**` stands for any steps, none included; elsewhere `*` is exactly one step and `**` any. A
/// pattern takes everything below what it names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Any,
    One,
    Key(String),
    Index(usize),
}

/// A pattern that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "'{pattern}' is not a path pattern: {why} at character {at}; write for example *.id or messages[*].content"
)]
pub struct PatternError {
    pattern: String,
    why: &'static str,
    at: usize,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = |why, at| Err(PatternError { pattern: text.to_owned(), why, at: at + 1 });
        let mut parts = Vec::new();
        let mut rest = text;
        let at = |rest: &str| text.chars().count() - rest.chars().count();
        if text.is_empty() {
            return wrong("it is empty", 0);
        }
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let Some((index, after)) = inner.split_once(']') else {
                    return wrong("']' is missing", text.chars().count());
                };
                parts.push(match index {
                    "*" => Part::One,
                    quoted if quoted.len() >= 2 && quoted.starts_with('"') && quoted.ends_with('"') => {
                        Part::Key(quoted[1..quoted.len() - 1].to_owned())
                    }
                    number => match number.parse() {
                        Ok(index) => Part::Index(index),
                        Err(_) => return wrong("a number, * or a quoted key is expected", at(inner)),
                    },
                });
                rest = after;
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                parts.push(match name {
                    "" => return wrong("a name is expected", at(rest)),
                    "**" => Part::Any,
                    "*" if parts.is_empty() && !after.is_empty() => Part::Any,
                    "*" => Part::One,
                    name => Part::Key(name.to_owned()),
                });
                rest = after;
            }
            if let Some(after) = rest.strip_prefix('.') {
                if after.is_empty() {
                    return wrong("a name is expected", text.chars().count());
                }
                rest = after;
            }
        }
        Ok(Pattern { text: text.to_owned(), parts })
    }

    /// Whether it names this place or one above it.
    pub fn takes(&self, path: &Path) -> bool {
        fits(&self.parts, &path.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn fits(parts: &[Part], steps: &[Step]) -> bool {
    let Some((part, more)) = parts.split_first() else { return true };
    if *part == Part::Any {
        return (0..=steps.len()).any(|skip| fits(more, &steps[skip..]));
    }
    let Some((step, below)) = steps.split_first() else { return false };
    let same = match (part, step) {
        (Part::One, _) => true,
        (Part::Key(wanted), Step::Key(key)) => wanted == key,
        (Part::Index(wanted), Step::Index(index)) => wanted == index,
        _ => false,
    };
    same && fits(more, below)
}
