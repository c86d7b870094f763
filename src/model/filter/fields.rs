//! The words of the filter language: one table for the parser, the completion and the documentation.

use super::super::call::CallStatus;

/// What a call is or is not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flag {
    /// Always true.
    All,
    /// It stands there.
    Status(CallStatus),
    /// Its function says `effect=True`.
    Effect,
    /// Its outcome may be reused.
    Durable,
    /// Its code reaches something that cannot be followed.
    Opaque,
    /// It took more than one attempt.
    Retried,
    /// It called nothing.
    Leaf,
    /// It is the application's own call.
    Root,
    /// It is a map.
    Map,
    /// It is a reduce.
    Reduce,
}

/// Texts of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TextField {
    /// Its function.
    Function,
    /// Its path.
    Path,
    /// Its public id.
    Id,
    /// What is in its arguments.
    Input,
    /// What is in its output.
    Output,
    /// Its errors, those of earlier attempts too.
    Error,
    /// What it wrote.
    Log,
    /// Why it was executed or served.
    Reason,
    /// The model that it asked.
    Model,
    /// The file that it was called from.
    File,
}

/// Numbers of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Number {
    /// Dollars.
    Cost,
    /// Tokens.
    Tokens,
    /// Milliseconds of its body.
    Millis,
    /// Attempts.
    Attempts,
    /// Bytes of its input and output.
    Size,
    /// Calls that it made itself.
    Calls,
}

/// In what a number may be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Plain, `k`, `M`.
    Count,
    /// `0.01` or `$0.01`.
    Dollars,
    /// Milliseconds, or with `us`, `ms`, `s`, `min`, `h`.
    Millis,
    /// Bytes, or with `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`.
    Bytes,
}

impl Number {
    /// In what it may be written.
    pub fn unit(self) -> Unit {
        match self {
            Number::Cost => Unit::Dollars,
            Number::Tokens | Number::Attempts | Number::Calls => Unit::Count,
            Number::Millis => Unit::Millis,
            Number::Size => Unit::Bytes,
        }
    }
}

/// What a word stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A condition by itself.
    Flag(Flag),
    /// To be compared with a text.
    Text(TextField),
    /// To be compared with a number.
    Number(Number),
}

/// A word of the language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// How it is written.
    pub name: &'static str,
    /// What it stands for.
    pub what: What,
    /// One sentence.
    pub doc: &'static str,
    /// How it is used.
    pub example: &'static str,
}

const fn flag(name: &'static str, flag: Flag, doc: &'static str) -> Field {
    Field { name, what: What::Flag(flag), doc, example: name }
}

const fn status(name: &'static str, status: CallStatus, doc: &'static str) -> Field {
    flag(name, Flag::Status(status), doc)
}

const fn text(name: &'static str, field: TextField, doc: &'static str, example: &'static str) -> Field {
    Field { name, what: What::Text(field), doc, example }
}

const fn number(name: &'static str, field: Number, doc: &'static str, example: &'static str) -> Field {
    Field { name, what: What::Number(field), doc, example }
}

/// Every word, in the order in which they are offered.
pub const FIELDS: &[Field] = &[
    status("failed", CallStatus::Failed, "ended with an error"),
    status("cached", CallStatus::Cached, "served from a checkpoint"),
    status("fresh", CallStatus::Fresh, "executed in this run"),
    status("edited", CallStatus::Edited, "its outcome was supplied by hand"),
    status("running", CallStatus::Running, "its body runs"),
    status("pending", CallStatus::Pending, "asked for, not started"),
    status("in-doubt", CallStatus::InDoubt, "started, and its outcome is not known"),
    status("cancelled", CallStatus::Cancelled, "given up because the run was stopped"),
    text("fn", TextField::Function, "name of the function", "fn:call_*"),
    text(
        "path",
        TextField::Path,
        "path; a whole path means the call and what is below it",
        "path:agent/plan#2",
    ),
    text("in", TextField::Input, "names and texts inside the arguments", "in~\"Rome\""),
    text("out", TextField::Output, "names and texts inside the output", "out~\"refund\""),
    text(
        "err",
        TextField::Error,
        "type, message, traceback of its errors, earlier attempts included",
        "err~timeout",
    ),
    text("log", TextField::Log, "what it wrote to standard output and standard error", "log~\"retrying\""),
    text("reason", TextField::Reason, "why it was executed or served", "reason~\"code changed\""),
    text("model", TextField::Model, "name of the model that it asked", "model:gpt-4*"),
    text("file", TextField::File, "file that it was called from", "file~app.py"),
    text("id", TextField::Id, "its id, 12 hex digits", "id:3dcb*"),
    number("cost", Number::Cost, "dollars, as far as prices are known", "cost>0.01"),
    number("tokens", Number::Tokens, "tokens that it used, or spared when cached", "tokens>=10k"),
    number("ms", Number::Millis, "milliseconds of its body, or with a unit", "ms>1.5s"),
    number("attempts", Number::Attempts, "how often its body was tried", "attempts>1"),
    number("size", Number::Size, "bytes of its input and output", "size>1MB"),
    number("calls", Number::Calls, "how many calls it made itself", "calls>10"),
    flag("effect", Flag::Effect, "its function says effect=True"),
    flag("durable", Flag::Durable, "its outcome may be reused"),
    flag("opaque", Flag::Opaque, "its code reaches something that cannot be followed"),
    flag("retried", Flag::Retried, "took more than one attempt"),
    flag("leaf", Flag::Leaf, "called nothing"),
    flag("root", Flag::Root, "the application's own call"),
    flag("map", Flag::Map, "a map; its items are calls below it"),
    flag("reduce", Flag::Reduce, "a reduce; its steps are calls below it"),
    flag("all", Flag::All, "every call"),
];

/// Words between conditions.
pub const KEYWORDS: &[(&str, &str)] =
    &[("and", "both; may be left out"), ("or", "one of the two, or both"), ("not", "the opposite")];

/// The word with this name. An underscore may stand for a hyphen.
pub fn find(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name || (field.name == "in-doubt" && name == "in_doubt"))
}

/// The name of a flag.
pub fn name_of(what: What) -> &'static str {
    FIELDS.iter().find(|field| field.what == what).map_or("all", |field| field.name)
}

/// A word of the language that is nearly this one, when it is long enough to tell.
pub fn nearest(word: &str) -> Option<&'static str> {
    let (near, distance) = FIELDS
        .iter()
        .map(|field| (field.name, strsim::damerau_levenshtein(field.name, word)))
        .min_by_key(|(_, distance)| *distance)?;
    let enough = word.chars().count() >= 4 || (word.chars().count() >= 2 && near.len() <= 3);
    (enough && (1..=2).contains(&distance) && distance * 3 <= word.chars().count().max(3)).then_some(near)
}
