//! Secrets in texts and bytes: finding them, and what stands in their place.
//!
//! A [`Redactor`] knows exact values (of environment variables that the project names) and the formats of well-known
//! keys ([`patterns`]). What it finds is replaced by a marker such as `[secret OPENAI_API_KEY 3f9ac21b7d1e4f60]`. The
//! digits are a keyed digest of the secret: equal secrets have equal markers, so that keys made of redacted values still
//! tell different secrets apart, and nobody who has the store but not the user's [`key`] can try out short ones.
//!
//! Invariants: one pass over text without secrets; every secret is found wherever it stands in a longer text; a marker
//! holds nothing of the secret and is never taken for one; no panics, whatever the bytes are.

mod exact;
mod headers;
pub mod key;
pub mod patterns;
mod scanner;
mod stream;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

pub use headers::is_secret_name;
use scanner::{Candidates, Scanner};
pub use stream::Held;

/// Values with fewer bytes are not looked for: they would be found everywhere.
pub const SHORTEST: usize = 4;

/// What begins something that may be a secret.
#[derive(Clone, Copy, Debug)]
enum Needle {
    /// An exact value, by its index.
    Exact(usize, exact::Form),
    /// A well-known format, by its index.
    Format(usize),
    /// The name of a header whose value is a secret.
    Header,
}

/// A secret that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Where.
    pub at: Range<usize>,
    /// The variable's name, or the format's.
    pub name: String,
    /// A keyed digest of it.
    tag: u64,
}

/// Finds secrets.
pub struct Redactor {
    /// Variables and their values.
    exact: Vec<(String, Vec<u8>)>,
    /// Named, and too short to be looked for.
    short: Vec<String>,
    scanners: Vec<Scanner>,
    beginnings: stream::Beginnings,
    key: Option<[u8; 32]>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.exact.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Redactor").field("names", &names).finish_non_exhaustive()
    }
}

impl Redactor {
    /// Looks for the formats of well-known keys and for these values. Without a key, markers do not tell equal
    /// secrets from others: for what is compared with other machines.
    pub fn new(values: Vec<(String, Vec<u8>)>, key: Option<[u8; 32]>) -> Self {
        let mut exact: Vec<(String, Vec<u8>)> = Vec::new();
        let mut short = Vec::new();
        for (name, value) in values {
            let value = value.trim_ascii().to_vec();
            match value.len() {
                0 => {}
                len if len < SHORTEST => short.push(name),
                _ if exact.iter().any(|(_, known)| *known == value) => {}
                _ => exact.push((name, value)),
            }
        }
        let mut words: Vec<(Vec<u8>, Needle)> = Vec::new();
        for (at, (_, value)) in exact.iter().enumerate() {
            let forms = exact::forms(value).into_iter();
            words.extend(forms.map(|(form, word)| (word, Needle::Exact(at, form))));
        }
        let beginnings = stream::Beginnings::new(words.iter().map(|(word, _)| word.clone()).collect());
        let mut anchors: Vec<(Vec<u8>, Needle)> = Vec::new();
        for (at, format) in patterns::FORMATS.iter().enumerate() {
            anchors.extend(format.anchors.iter().map(|a| (a.as_bytes().to_vec(), Needle::Format(at))));
        }
        anchors.extend(headers::anchors().map(|a| (a.as_bytes().to_vec(), Needle::Header)));
        let scanners = scanner::all(words).chain(scanner::all(anchors)).collect();
        Redactor { exact, short, scanners, beginnings, key }
    }

    /// Finds nothing: for values that never leave the process, and tests.
    pub fn off() -> &'static Redactor {
        static OFF: LazyLock<Redactor> = LazyLock::new(|| Redactor {
            exact: Vec::new(),
            short: Vec::new(),
            scanners: Vec::new(),
            beginnings: stream::Beginnings::default(),
            key: None,
        });
        &OFF
    }

    /// The same with more values; `None` when all of them are known.
    pub fn with(&self, more: Vec<(String, Vec<u8>)>) -> Option<Redactor> {
        let unknown = |value: &[u8]| {
            let value = value.trim_ascii();
            !value.is_empty() && !self.exact.iter().any(|(_, known)| known == value)
        };
        if !more.iter().any(|(name, value)| unknown(value) && !self.short.contains(name)) {
            return None;
        }
        Some(Redactor::new(self.exact.iter().cloned().chain(more).collect(), self.key))
    }

    /// Variables whose values are too short to be looked for.
    pub fn too_short(&self) -> &[String] {
        &self.short
    }

    /// Whether bytes that hold texts (a pickle) may hold a secret. `false` is certain.
    pub fn may_hold(&self, bytes: &[u8]) -> bool {
        self.search(bytes, true, |_| true)
    }

    /// Whether there is one.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.search(bytes, false, |_| true)
    }

    /// All secrets in a text, in order, without overlaps.
    pub fn find(&self, bytes: &[u8]) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        self.search(bytes, false, |mut one| {
            // Of what overlaps (a key in a password in an address), all goes, under the name that was found first.
            while let Some(last) = found.pop_if(|last| one.at.start < last.at.end) {
                one = Found { at: last.at.start.min(one.at.start)..last.at.end.max(one.at.end), ..last };
            }
            found.push(one);
            false
        });
        found
    }

    /// Hands each secret to `each` until it says `true`; says whether it did.
    fn search(&self, bytes: &[u8], loose: bool, mut each: impl FnMut(Found) -> bool) -> bool {
        let mut candidates = Candidates::new(&self.scanners, bytes, 0);
        while let Some((at, needle)) = candidates.next() {
            let start = at.start;
            let found =
                match needle {
                    Needle::Exact(of, form) => self.exact.get(of).map(|(name, value)| {
                        (exact::whole(form, bytes, at), name.as_str(), value.as_slice())
                    }),
                    Needle::Format(of) => patterns::FORMATS.get(of).and_then(|format| {
                        let at = (format.whole)(bytes, at, loose)?;
                        Some((at.clone(), format.name, bytes.get(at)?))
                    }),
                    // In a pickle, the header's value is a string of its own.
                    Needle::Header if loose => return true,
                    Needle::Header => headers::value(bytes, at)
                        .and_then(|at| Some((at.clone(), headers::NAME, bytes.get(at)?))),
                };
            let Some((at, name, secret)) = found else {
                candidates.go_on(start + 1);
                continue;
            };
            candidates.go_on(at.end.max(start + 1));
            // A value that the project names is called so, whatever stands around it.
            let named = self.exact.iter().find(|(_, value)| value == secret);
            let name = named.map_or(name, |(name, _)| name).to_owned();
            if each(Found { at, name, tag: self.tag(secret) }) {
                return true;
            }
        }
        false
    }

    fn tag(&self, secret: &[u8]) -> u64 {
        let Some(key) = &self.key else { return 0 };
        let digest = blake3::keyed_hash(key, secret);
        let mut head = [0u8; 8];
        head.copy_from_slice(&digest.as_bytes()[..8]);
        u64::from_le_bytes(head)
    }

    /// The digest of a value that may be a secret, for comparing it later: keyed, so that nobody can try out values.
    pub fn digest(&self, name: &str, value: &[u8]) -> Option<[u8; 32]> {
        let known = self.exact.iter().any(|(known, _)| known == name) || self.short.iter().any(|n| n == name);
        if !known && !self.holds(value) {
            return None;
        }
        Some(match &self.key {
            Some(key) => *blake3::keyed_hash(key, value).as_bytes(),
            None => *blake3::hash(name.as_bytes()).as_bytes(),
        })
    }

    /// What stands in a secret's place.
    pub fn marker(&self, name: &str, secret: &[u8]) -> String {
        marker(name, self.key.is_some().then(|| self.tag(secret)))
    }

    /// The bytes with markers in place of secrets, and the secrets' names; `None` when there are none.
    pub fn redact(&self, bytes: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
        let found = self.find(bytes);
        if found.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut names = Vec::new();
        let mut from = 0;
        for one in found {
            out.extend_from_slice(bytes.get(from..one.at.start).unwrap_or_default());
            out.extend_from_slice(marker(&one.name, self.key.is_some().then_some(one.tag)).as_bytes());
            from = one.at.end;
            if !names.contains(&one.name) {
                names.push(one.name);
            }
        }
        out.extend_from_slice(bytes.get(from..).unwrap_or_default());
        Some((out, names))
    }

    /// A text with markers in place of secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.redact(text.as_bytes()) {
            // Secrets begin and end at ASCII, or are whole values.
            Some((clean, _)) => Cow::Owned(String::from_utf8_lossy(&clean).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// Puts markers into a text in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }
}

fn marker(name: &str, tag: Option<u64>) -> String {
    match tag {
        Some(tag) => format!("[secret {name} {tag:016x}]"),
        None => format!("[secret {name}]"),
    }
}

/// What markers begin with.
const HEAD: &str = "[secret ";

/// The text behind [`HEAD`] as the name and the digits of a marker, and how long it is.
fn inner(marked: &str) -> Option<(&str, usize)> {
    let end = marked.find(']').filter(|end| *end < 200)?;
    let (name, tag) = marked[..end].rsplit_once(' ')?;
    let is_tag = tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_tag.then_some((name, end))
}

/// The first marker with digits in a text.
pub fn marker_in(text: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(HEAD).map(|at| from + at) {
        from = at + HEAD.len();
        if let Some((_, end)) = inner(&text[from..]) {
            return text.get(at..=from + end);
        }
    }
    None
}

/// Takes the digits out of markers: what is left is the same on every machine.
pub fn without_tags(text: &str) -> Cow<'_, str> {
    if !text.contains(HEAD) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(HEAD) {
        let (before, marked) = rest.split_at(at + HEAD.len());
        out.push_str(before);
        rest = marked;
        if let Some((name, end)) = inner(marked) {
            out.push_str(name);
            rest = &marked[end..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}
