//! One call of a function inside a run.

use serde::{Deserialize, Serialize};

use crate::base::clock::Micros;
use crate::base::digest::{BytesDigest, Digest};
use crate::base::ids::{CallNo, RunId};
use crate::base::text;

/// What a node of the call tree is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// The application's own call, number 1.
    Root,
    /// A function call.
    Call,
    /// A map operation; its children are the items' calls. Not counted as a call.
    Map,
    /// A reduce operation; its children are the steps' calls. Not counted as a call.
    Reduce,
}

/// Where a call stands (design.md section 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Asked for, not started: waits for a slot, a delay or an argument.
    Pending,
    /// Its body runs.
    Running,
    /// Served from a checkpoint.
    Cached,
    /// Executed in this run, successfully.
    Fresh,
    /// Ended with an error.
    Failed,
    /// Its outcome was supplied by hand.
    Edited,
    /// Given up because the run was stopped.
    Cancelled,
    /// Started, and the run ended without knowing its outcome.
    InDoubt,
}

impl CallStatus {
    /// Every status, in the order of the legend.
    pub const ALL: [CallStatus; 8] = [
        CallStatus::Pending,
        CallStatus::Running,
        CallStatus::Cached,
        CallStatus::Fresh,
        CallStatus::Failed,
        CallStatus::Edited,
        CallStatus::Cancelled,
        CallStatus::InDoubt,
    ];

    /// The word for it, as `--json` writes it.
    pub fn word(self) -> &'static str {
        match self {
            CallStatus::Pending => "pending",
            CallStatus::Running => "running",
            CallStatus::Cached => "cached",
            CallStatus::Fresh => "fresh",
            CallStatus::Failed => "failed",
            CallStatus::Edited => "edited",
            CallStatus::Cancelled => "cancelled",
            CallStatus::InDoubt => "in-doubt",
        }
    }

    /// The status with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        CallStatus::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether the call has an output that its caller got.
    pub fn has_output(self) -> bool {
        matches!(self, CallStatus::Cached | CallStatus::Fresh | CallStatus::Edited)
    }

    /// Whether nothing more will happen to the call.
    pub fn is_final(self) -> bool {
        !matches!(self, CallStatus::Pending | CallStatus::Running)
    }
}

/// A recorded value: its canonical digest, and what is needed to show it in one line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ValueRef {
    /// The canonical digest: equal values have equal digests.
    pub digest: Digest,
    /// Bytes of the pickle it was made from.
    pub size: u64,
    /// A one-line preview, unsanitised, at most 120 characters.
    pub preview: String,
    /// The encoded value itself when it is small; else it is in the store under `digest`.
    #[serde(default, with = "serde_bytes_opt")]
    pub inline: Option<Vec<u8>>,
    /// Set when markers stand in place of secrets.
    #[serde(default)]
    pub withheld: Option<Box<Withheld>>,
}

/// What is not recorded of a value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Withheld {
    /// What the secrets are called: environment variables, formats of keys.
    pub names: Vec<String>,
    /// The value with them, when the project keeps it (`keep_secrets`).
    #[serde(default)]
    pub kept: Option<Digest>,
}

impl ValueRef {
    /// Why nobody can be given this value again; `None` when it is recorded as it was.
    pub fn lost(&self) -> Option<String> {
        let withheld = self.withheld.as_ref().filter(|withheld| withheld.kept.is_none())?;
        Some(format!("a secret, which is not recorded ({})", withheld.names.join(", ")))
    }
}

/// `Option<Vec<u8>>` as a byte string (compact in MessagePack).
mod serde_bytes_opt {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) if serializer.is_human_readable() => {
                serializer.serialize_str(&crate::base::digest::hex(bytes))
            }
            Some(bytes) => serializer.serialize_bytes(bytes),
            None => serializer.serialize_none(),
        }
    }

    struct Bytes(Vec<u8>);

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl de::Visitor<'_> for Visitor {
                type Value = Bytes;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }
                fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(bytes.to_vec()))
                }
                fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                    let digits = text.as_bytes();
                    let mut out = Vec::with_capacity(digits.len() / 2);
                    for pair in digits.chunks(2) {
                        let pair = std::str::from_utf8(pair).map_err(E::custom)?;
                        out.push(u8::from_str_radix(pair, 16).map_err(E::custom)?);
                    }
                    Ok(Bytes(out))
                }
            }
            deserializer.deserialize_any(Visitor)
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Bytes>::deserialize(deserializer)?.map(|bytes| bytes.0))
    }
}

/// What kind of failure a call ended with; decides which exception its caller gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// User code raised.
    Function,
    /// User code raised `RequestError`: never retried.
    Request,
    /// The function's timeout expired.
    Timeout,
    /// The SDK was used wrongly.
    SdkUsage,
    /// A value could not be pickled or written as JSON.
    Serialization,
    /// A value could not be rebuilt.
    Deserialization,
    /// The worker process died while it executed the call.
    Died,
    /// The run was stopped.
    Cancelled,
    /// A strict replay diverged from its history.
    Mismatch,
    /// The engine or the store failed.
    Internal,
}

/// One frame of a Python traceback.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// Absolute path of the source file.
    pub file: String,
    /// 1-based line.
    pub line: u32,
    /// Name of the function.
    pub name: String,
    /// The source line, stripped; empty when it could not be read.
    #[serde(default)]
    pub text: String,
}

/// Why a call failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorInfo {
    /// Its kind.
    pub kind: ErrorKind,
    /// Name of the exception's class, e.g. `ValueError`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The exception's text.
    pub message: String,
    /// The full Python traceback, without frames of the runtime.
    #[serde(default)]
    pub traceback: String,
    /// The frames, outermost first.
    #[serde(default)]
    pub frames: Vec<Frame>,
}

/// Characters of an error in a row of a screen.
const BRIEF: usize = 1_000;

impl ErrorInfo {
    /// An error that did not come from Python.
    pub fn new(kind: ErrorKind, type_name: &str, message: impl Into<String>) -> Self {
        ErrorInfo {
            kind,
            type_name: type_name.to_owned(),
            message: message.into(),
            traceback: String::new(),
            frames: Vec::new(),
        }
    }

    /// Of what the user stopped.
    pub fn cancelled() -> Self {
        ErrorInfo::new(ErrorKind::Cancelled, "Cancelled", "the run was stopped")
    }

    /// `ValueError: no such city`: one line, unsanitised.
    pub fn headline(&self) -> String {
        // The SDK's FunctionError tells what was called, the traceback, and in its last line what was raised.
        let mut lines = self.message.lines().filter(|line| !line.trim().is_empty());
        let line = if self.type_name == "FunctionError" { lines.next_back() } else { lines.next() };
        let first = line.unwrap_or_default();
        if first.is_empty() { self.type_name.clone() } else { format!("{}: {first}", self.type_name) }
    }

    /// The beginning of the headline, as much as a row of a screen can need: a message may have megabytes.
    pub fn brief(&self) -> String {
        text::beginning(&self.headline(), BRIEF).into_owned()
    }
}

/// An attempt that failed and was followed by another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FailedAttempt {
    /// When its body started.
    pub started_at: Micros,
    /// When it failed.
    pub ended_at: Micros,
    /// With what.
    pub error: ErrorInfo,
}

/// A place in the project's source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// Absolute path of the file.
    pub file: String,
    /// 1-based line.
    pub line: u32,
}

/// Which checkpoint a cached call was served from: always the call that executed, never a copy of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The run that executed it.
    pub run: RunId,
    /// Its number there.
    pub call: CallNo,
}

/// What a model call reported to have used. Records hold the fields by position: new ones go to the end.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Input tokens that the provider served from its cache.
    #[serde(default)]
    pub cached_input: u64,
    /// The model's name, when it was reported; of several models the first.
    #[serde(default)]
    pub model: Option<String>,
    /// Dollars as of the prices of that day, when all prices are known.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// Which responses these are: providers' ids, or `#` and digests.
    #[serde(default)]
    pub responses: Vec<String>,
    /// Input tokens that the provider wrote into its cache.
    #[serde(default)]
    pub cache_written: u64,
    /// Output tokens that were spent on reasoning.
    #[serde(default)]
    pub reasoning: u64,
}

impl Usage {
    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.input + self.output
    }
}

impl std::ops::AddAssign for Usage {
    /// Of several models the first is named. The price is known when all are.
    fn add_assign(&mut self, other: Usage) {
        self.input += other.input;
        self.output += other.output;
        self.cached_input += other.cached_input;
        self.cache_written += other.cache_written;
        self.reasoning += other.reasoning;
        self.cost_usd = self.cost_usd.zip(other.cost_usd).map(|(one, two)| one + two);
        self.responses.extend(other.responses);
    }
}

/// One call as the projection of a run's events knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// Number within the run, 1 is the root.
    pub no: CallNo,
    /// The calling node, 0 for the root.
    pub parent: CallNo,
    /// What it is.
    pub kind: CallKind,
    /// Name of the function (for map and reduce: the function that is applied).
    pub function: String,
    /// 1-based count of calls (or operations) with this function and kind under this parent; for an item of a map
    /// or a step of a reduce, its 0-based index.
    pub ordinal: u32,
    /// Where it stands.
    pub status: CallStatus,
    /// Why it was executed or served, in a few words (`failed before`, `code changed`, `not durable` …).
    pub reason: Option<String>,
    /// What is asked: function, inputs, occurrence. Zero for map and reduce operations.
    pub key: Digest,
    /// Digest of the code that would answer.
    pub code: Digest,
    /// Tensorlake's durable id; zero for non-durable calls.
    pub durable_id: Digest,
    /// Whether its outcome may be reused.
    pub durable: bool,
    /// Whether its function says `effect=True`.
    pub effect: bool,
    /// Attempts so far.
    pub attempts: u32,
    /// The attempt of the parent that made the call, from 1.
    pub parent_attempt: u32,
    /// When it was asked for.
    pub asked_at: Micros,
    /// When its body started; for cached calls when it was served.
    pub started_at: Option<Micros>,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// Microseconds of the last attempt's body; for a cached call those of the original.
    pub wall_us: i64,
    /// Bound arguments (a dict by parameter name).
    pub input: Option<ValueRef>,
    /// The output.
    pub output: Option<ValueRef>,
    /// The last error.
    pub error: Option<Box<ErrorInfo>>,
    /// Where a cached call's outcome came from.
    pub origin: Option<Origin>,
    /// What a model call used.
    pub usage: Option<Usage>,
    /// Where it was called from.
    pub site: Option<Site>,
    /// Latest progress: current, total, message.
    pub progress: Option<Box<(f64, f64, Option<String>)>>,
    /// Request-state keys that its body read, with the digest of the value it got (`None`: absent).
    pub state_reads: Vec<(String, Option<Digest>)>,
    /// Files that its own body looked at.
    pub reads: Vec<super::witness::FileRead>,
    /// An outcome that waits, or waited when the run died, for somebody's answer.
    pub offered: Option<Box<super::event::CallEnded>>,
    /// What was answered at the gate, in order.
    pub answers: Vec<super::event::Answered>,
    /// Earlier attempts, oldest first.
    pub failed_attempts: Vec<FailedAttempt>,
    /// See [`super::event::CallAsked::pickled`].
    pub pickled: Option<BytesDigest>,
}

impl Call {
    /// When earlier attempts began and failed, oldest first.
    pub fn tries(&self) -> impl DoubleEndedIterator<Item = (Micros, Micros)> + ExactSizeIterator + '_ {
        self.failed_attempts.iter().map(|failed| (failed.started_at, failed.ended_at))
    }

    /// blake3(key, code digest): what content reuse looks up.
    pub fn fingerprint(&self) -> Digest {
        super::keys::fingerprint(&self.key, &self.code)
    }

    /// Whether somebody had a hand in it: then it answers in replays of its run, and nowhere else.
    pub fn is_answered(&self) -> bool {
        self.status == CallStatus::Edited
            || self.answers.iter().any(|one| one.answer == super::event::AnswerKind::Arguments)
    }

    /// The same call as somebody asks for it: nothing has become of it.
    pub fn pending(&self) -> Call {
        Call {
            status: CallStatus::Pending,
            reason: None,
            attempts: 0,
            started_at: None,
            ended_at: None,
            wall_us: 0,
            output: None,
            error: None,
            origin: None,
            usage: None,
            progress: None,
            state_reads: Vec::new(),
            reads: Vec::new(),
            offered: None,
            answers: Vec::new(),
            failed_attempts: Vec::new(),
            ..self.clone()
        }
    }

    /// When its first attempt began; an operation begins when it is asked for.
    pub fn began_at(&self) -> Option<Micros> {
        let first = self.tries().next().map(|(from, _)| from).or(self.started_at);
        if self.is_call() { first } else { Some(self.asked_at) }
    }

    /// Whether it is a function call rather than a map or reduce operation.
    pub fn is_call(&self) -> bool {
        matches!(self.kind, CallKind::Root | CallKind::Call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_the_beginning_of_a_long_error() {
        let brief = |message: &str| ErrorInfo::new(ErrorKind::Function, "ValueError", message).brief();
        assert_eq!(brief("no such city\nat all"), "ValueError: no such city");
        let long = brief(&"ü".repeat(5 << 20));
        assert!(long.starts_with("ValueError: üü") && long.ends_with('…'), "{}", long.len());
        assert_eq!(long.chars().count(), BRIEF + 1);
    }
}
