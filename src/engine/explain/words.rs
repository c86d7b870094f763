//! Explanations in words: one line for a cause, one for a verdict. Not sanitised, not coloured.

use std::fmt;

use super::{Cause, Explanation, FileChange, ValueChange, Verdict};
use crate::diff::value::ChangeKind;
use crate::model::{FileRead, ReadKind};

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Fresh => f.write_str("the run reuses nothing"),
            Cause::NotDurable => f.write_str("it is not durable"),
            Cause::AskedAgain => f.write_str("it was asked for again (--from)"),
            Cause::FailedBefore { error } if error.is_empty() => f.write_str("it failed before"),
            Cause::FailedBefore { error } => write!(f, "it failed before: {error}"),
            Cause::NotEnded => f.write_str("it did not end before"),
            Cause::InDoubt => f.write_str("it had started before, and nobody knows how it ended"),
            Cause::New => f.write_str("nothing recorded stands in its place"),
            Cause::UsedAlready => f.write_str("its checkpoint was given to an equal call of this run"),
            Cause::Input { changes } => match changes.as_slice() {
                [only] => write!(f, "an argument differs: {only}"),
                [first, rest @ ..] => write!(f, "arguments differ: {first}, and {} more", rest.len()),
                [] => f.write_str("the arguments differ"),
            },
            Cause::Occurrence => {
                f.write_str("these arguments were asked for more often than in the recorded run")
            }
            Cause::Code { definitions, .. } => match definitions.as_slice() {
                [] => f.write_str("its code differs"),
                [only] => write!(f, "its code differs: {} ({}:{})", only.name, only.file, only.line),
                [first, rest @ ..] => write!(
                    f,
                    "its code differs: {} ({}:{}), and {} more",
                    first.name,
                    first.file,
                    first.line,
                    rest.len()
                ),
            },
            Cause::Rules { old, new } => {
                write!(
                    f,
                    "code digests are made by other rules now ({old} → {new}): nothing is known of the code itself"
                )
            }
            Cause::Undefined => f.write_str("the function is no longer defined"),
            Cause::File(file) => file.fmt(f),
            Cause::Package { name, old, new } => {
                let word = |version: &Option<String>| match version.as_deref() {
                    None => "not imported".to_owned(),
                    Some("") => "of no version".to_owned(),
                    Some(version) => version.to_owned(),
                };
                if old == new {
                    return write!(f, "package {name} is another build of {}", word(new));
                }
                write!(f, "package {name} differs: {} → {}", word(old), word(new))
            }
            Cause::Environment { name, was_set, is_set } => match (was_set, is_set) {
                (false, _) => write!(f, "environment variable {name} is set, and was not"),
                (_, false) => write!(f, "environment variable {name} is not set, and was"),
                _ => write!(f, "environment variable {name} has another value"),
            },
            Cause::State { key, old, new } => {
                let word = |held: &Option<String>| held.clone().unwrap_or_else(|| "nothing".to_owned());
                write!(f, "request state '{key}' differs: {} → {}", word(old), word(new))
            }
            Cause::Child { path, causes } => match causes.first() {
                Some(first) => write!(f, "a call that it made is not served: {path}: {first}"),
                None => write!(f, "a call that it made is not served: {path}"),
            },
            Cause::Said { text } => f.write_str(text),
        }
    }
}

impl fmt::Display for ValueChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the value" } else { &self.path };
        let side = |side: &Option<String>| side.clone().unwrap_or_default();
        let from = self.from.as_deref().unwrap_or_default();
        match self.change {
            ChangeKind::Changed => write!(f, "{path}: {} → {}", side(&self.old), side(&self.new)),
            ChangeKind::Added => write!(f, "{path} was added: {}", side(&self.new)),
            ChangeKind::Removed => write!(f, "{path} was removed: {}", side(&self.old)),
            ChangeKind::Renamed => write!(f, "{path} was called {from}"),
            ChangeKind::Moved if from == path => write!(f, "{path} stands in another order"),
            ChangeKind::Moved => write!(f, "{path} was at {from}"),
        }
    }
}

impl fmt::Display for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match (self.asked, self.old, self.new) {
            (ReadKind::Absent, _, _) => write!(f, "{path} is there, and was not")?,
            (ReadKind::Present, _, _) => write!(f, "{path} is gone")?,
            (ReadKind::Matching, _, _) => write!(f, "files {path} are others, or have other content")?,
            (_, None, _) => match FileRead::unnameable(path) {
                Some(why) => f.write_str(&why)?,
                None => write!(f, "file {path} changed while it was in use")?,
            },
            (ReadKind::Content, _, None) => write!(f, "file {path} is gone")?,
            (ReadKind::Content, _, _) => write!(f, "file {path} has other content")?,
            (ReadKind::Listing, _, None) => write!(f, "folder {path} is gone")?,
            (ReadKind::Listing, _, _) => write!(f, "folder {path} lists other names")?,
        }
        if self.imported { f.write_str(" (read while modules are imported)") } else { Ok(()) }
    }
}

impl Explanation {
    /// The verdict in one line: `executed: its code differs: clean (util.py:12)`.
    pub fn sentence(&self) -> String {
        let because = |verb: &str| match self.causes.first() {
            Some(cause) => format!("{verb}: {cause}"),
            None => verb.to_owned(),
        };
        match self.verdict {
            Verdict::Served => match &self.reason {
                Some(reason) => format!("served: {reason}"),
                None => "served: everything that it depends on holds".to_owned(),
            },
            Verdict::Executed => because("executed"),
            Verdict::Supplied => match &self.expr {
                Some(expr) => format!("its outcome was given by hand, by the expression {expr}"),
                None => "its outcome was given by hand".to_owned(),
            },
            Verdict::NotReached => "did not run: the run ended before".to_owned(),
            Verdict::InDoubt => because("started, and nobody knows how it ended"),
            Verdict::Operation => "its items are served or executed one by one".to_owned(),
            Verdict::WouldServe => match &self.reason {
                Some(reason) => format!("would be served now: {reason}"),
                None => "would be served now: everything that it depends on holds".to_owned(),
            },
            Verdict::WouldExecute => because("would execute now"),
        }
    }
}
