//! The formats of well-known keys: a table. Each says by which characters it is recognised, and where that is from.

use std::ops::Range;

use super::exact::decode;

/// Where a key is: the bytes, where its anchor is, and whether bytes before and behind the text may touch it.
type Whole = fn(&[u8], Range<usize>, bool) -> Option<Range<usize>>;

/// One format.
pub struct Format {
    /// What it is called in markers.
    pub name: &'static str,
    /// What it begins with.
    pub anchors: &'static [&'static str],
    /// The whole key around an anchor.
    pub(super) whole: Whole,
    /// Whether bytes from an anchor on to the end of a piece may go on as a key.
    pub(super) open: fn(&[u8]) -> bool,
    /// Where the format is documented.
    pub source: &'static str,
}

const GITLEAKS: &str = "https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml";

const fn format(
    name: &'static str,
    anchors: &'static [&'static str],
    whole: Whole,
    source: &'static str,
) -> Format {
    Format { name, anchors, whole, open: one_word, source }
}

/// The formats. Anchors are what a search stops at, so they are as rare as can be.
pub static FORMATS: &[Format] = &[
    format("anthropic-key", &["sk-ant-"], |b, a, l| run(b, a, l, dashed, 20, any), GITLEAKS),
    format("openai-key", &["sk-"], |b, a, l| run(b, a, l, dashed, 20, random), GITLEAKS),
    format(
        "aws-access-key",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        |b, a, l| exactly(b, a, l, |c| c.is_ascii_uppercase() || c.is_ascii_digit(), 16),
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids",
    ),
    format(
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        |b, a, l| run(b, a, l, |c| c.is_ascii_alphanumeric(), 36, any),
        "https://github.blog/engineering/behind-githubs-new-authentication-token-formats/",
    ),
    format("github-token", &["github_pat_"], |b, a, l| run(b, a, l, word, 22, any), GITLEAKS),
    format("gitlab-token", &["glpat-"], |b, a, l| run(b, a, l, dashed, 20, any), GITLEAKS),
    format("google-key", &["AIza"], |b, a, l| run(b, a, l, dashed, 35, any), GITLEAKS),
    format("google-token", &["ya29."], |b, a, l| run(b, a, l, dashed, 20, any), GITLEAKS),
    format(
        "slack-token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.", "xapp-"],
        |b, a, l| run(b, a, l, |c| dashed(c) || c == b'.', 10, digits),
        "https://api.slack.com/authentication/token-types",
    ),
    format(
        "stripe-key",
        &["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"],
        |b, a, l| run(b, a, l, |c| c.is_ascii_alphanumeric(), 16, any),
        "https://docs.stripe.com/keys",
    ),
    format(
        "huggingface-token",
        &["hf_"],
        |b, a, l| run(b, a, l, |c| c.is_ascii_alphanumeric(), 30, any),
        GITLEAKS,
    ),
    format("groq-key", &["gsk_"], |b, a, l| run(b, a, l, |c| c.is_ascii_alphanumeric(), 40, any), GITLEAKS),
    format("npm-token", &["npm_"], |b, a, l| run(b, a, l, |c| c.is_ascii_alphanumeric(), 36, any), GITLEAKS),
    format("pypi-token", &["pypi-AgE"], |b, a, l| run(b, a, l, dashed, 50, any), GITLEAKS),
    format(
        "sendgrid-key",
        &["SG."],
        |b, a, l| run(b, a, l, |c| dashed(c) || c == b'.', 60, random),
        GITLEAKS,
    ),
    format("jwt", &["eyJ"], jwt, "https://www.rfc-editor.org/rfc/rfc7519"),
    Format {
        name: "private-key",
        anchors: &["-----BEGIN "],
        whole: pem,
        open: pem_open,
        source: "https://www.rfc-editor.org/rfc/rfc7468",
    },
    Format {
        name: "bearer-token",
        anchors: &["Bearer ", "bearer ", "BEARER "],
        whole: |b, a, l| credentials(b, a, l, |token| token.len() >= 16 && digits(token)),
        open: two_words,
        source: "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
    },
    Format {
        name: "basic-credentials",
        anchors: &["Basic ", "basic "],
        whole: |b, a, l| credentials(b, a, l, |token| token.len() >= 8 && decode(token).contains(&b':')),
        open: two_words,
        source: "https://www.rfc-editor.org/rfc/rfc7617",
    },
    format("url-password", &["@"], url_password, "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1"),
];

fn dashed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn any(_: &[u8]) -> bool {
    true
}

fn digits(key: &[u8]) -> bool {
    key.iter().any(u8::is_ascii_digit)
}

/// Not words with dashes: capitals, small letters and digits, or twenty letters and digits in a row.
fn random(key: &[u8]) -> bool {
    let mixed =
        key.iter().any(u8::is_ascii_uppercase) && key.iter().any(u8::is_ascii_lowercase) && digits(key);
    let mut parts = key.split(|byte| !byte.is_ascii_alphanumeric());
    mixed || parts.any(|part| part.len() >= 20 && digits(part) && part.iter().any(u8::is_ascii_alphabetic))
}

/// Whether what stands before an anchor may belong to the same word.
fn joined(bytes: &[u8], start: usize, loose: bool) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    !loose && before.is_some_and(u8::is_ascii_alphanumeric)
}

fn tail(bytes: &[u8], from: usize, of: fn(u8) -> bool) -> &[u8] {
    let rest = bytes.get(from..).unwrap_or_default();
    let len = rest.iter().position(|byte| !of(*byte)).unwrap_or(rest.len());
    rest.get(..len).unwrap_or_default()
}

/// An anchor and at least so many characters that look like a key.
fn run(
    bytes: &[u8],
    anchor: Range<usize>,
    loose: bool,
    of: fn(u8) -> bool,
    least: usize,
    looks: fn(&[u8]) -> bool,
) -> Option<Range<usize>> {
    let key = tail(bytes, anchor.end, of);
    (key.len() >= least && !joined(bytes, anchor.start, loose) && looks(key))
        .then(|| anchor.start..anchor.end + key.len())
}

/// An anchor and exactly so many characters.
fn exactly(
    bytes: &[u8],
    anchor: Range<usize>,
    loose: bool,
    of: fn(u8) -> bool,
    count: usize,
) -> Option<Range<usize>> {
    let key = tail(bytes, anchor.end, of);
    let next = bytes.get(anchor.end + count);
    let ends = loose || key.len() == count && !next.is_some_and(u8::is_ascii_alphanumeric);
    (key.len() >= count && ends && !joined(bytes, anchor.start, loose))
        .then(|| anchor.start..anchor.end + count)
}

/// Three parts in base64, of which the first two are JSON objects.
fn jwt(bytes: &[u8], anchor: Range<usize>, loose: bool) -> Option<Range<usize>> {
    if joined(bytes, anchor.start, loose) {
        return None;
    }
    let header = tail(bytes, anchor.start, dashed);
    let second = anchor.start + header.len() + 1;
    let claims = tail(bytes, second, dashed);
    let third = second + claims.len() + 1;
    let signature = tail(bytes, third, dashed);
    let dotted = bytes.get(second - 1) == Some(&b'.') && bytes.get(third - 1) == Some(&b'.');
    (dotted && header.len() > 10 && claims.starts_with(b"eyJ") && signature.len() > 10)
        .then(|| anchor.start..third + signature.len())
}

/// A PEM block with a private key, to its end, or to the end of what looks like one.
fn pem(bytes: &[u8], anchor: Range<usize>, _: bool) -> Option<Range<usize>> {
    let rest = bytes.get(anchor.end..)?;
    let label =
        tail(bytes, anchor.end, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    if !label.ends_with(b"PRIVATE KEY") && !label.ends_with(b"PRIVATE KEY BLOCK") {
        return None;
    }
    let end = find(rest, b"-----END ").and_then(|at| {
        let closes = find(rest.get(at + 9..)?, b"-----")?;
        Some(at + 9 + closes + 5)
    });
    // Cut off: lines of base64, whatever they are separated by.
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\\\r\n\t :,-".contains(byte);
    let len = end.unwrap_or_else(|| rest.iter().position(|byte| !base64(byte)).unwrap_or(rest.len()));
    Some(anchor.start..anchor.end + len)
}

fn pem_open(bytes: &[u8]) -> bool {
    let label = tail(bytes, 11, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    let private = label.windows(7).any(|word| word == b"PRIVATE") || label.len() + 11 == bytes.len();
    private && find(bytes, b"-----END ").is_none_or(|at| find(&bytes[at + 9..], b"-----").is_none())
}

/// What follows a scheme of `Authorization`.
fn credentials(
    bytes: &[u8],
    anchor: Range<usize>,
    loose: bool,
    looks: fn(&[u8]) -> bool,
) -> Option<Range<usize>> {
    let of = |byte: u8| dashed(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=');
    let token = tail(bytes, anchor.end, of);
    (looks(token) && !joined(bytes, anchor.start, loose)).then(|| anchor.end..anchor.end + token.len())
}

/// The password in `scheme://user:password@host`; the anchor is the `@`, which is rarer than what it belongs to.
fn url_password(bytes: &[u8], anchor: Range<usize>, _: bool) -> Option<Range<usize>> {
    const LONGEST: usize = 256;
    let from = anchor.start.saturating_sub(LONGEST);
    let before = bytes.get(from..anchor.start)?;
    let ends = |byte: &u8| !byte.is_ascii_graphic() || b"?#\"'<>\\".contains(byte);
    let authority = before.get(before.iter().rposition(ends).map_or(0, |at| at + 1)..)?;
    let slashes = find(authority, b"://")?;
    let user = authority.get(slashes + 3..)?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    let password = user.get(colon + 1..)?;
    let written = [&b"["[..], b"$", b"{"].iter().any(|open| password.starts_with(open));
    let host = bytes.get(anchor.end).is_some_and(u8::is_ascii_alphanumeric);
    (colon > 0 && password.len() >= 3 && !written && host && !user.contains(&b'/'))
        .then(|| anchor.start - password.len()..anchor.start)
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

/// A word that reaches the end.
fn one_word(bytes: &[u8]) -> bool {
    bytes.len() < 4_096 && bytes.iter().all(u8::is_ascii_graphic)
}

/// A word, a blank, and a word that reaches the end.
fn two_words(bytes: &[u8]) -> bool {
    let blank = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
    one_word(bytes.get(blank + 1..).unwrap_or_default())
}
