use super::*;
use proptest::prelude::*;

fn redactor(values: &[(&str, &str)]) -> Redactor {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    Redactor::new(values.collect(), None)
}

/// One example of each format, put together here so that scanners of this repository stay quiet.
fn examples() -> Vec<(&'static str, String)> {
    let long = "a1B2c3D4e5F6g7H8i9J0".repeat(4);
    let cut = |count: usize| long[..count].to_owned();
    vec![
        ("anthropic-key", format!("sk-ant-api03-{}", cut(40))),
        ("openai-key", format!("sk-proj-{}", cut(48))),
        ("openai-key", format!("sk-{}", "0123456789abcdef".repeat(2))),
        ("aws-access-key", format!("AKIA{}", "IOSFODNN7EXAMPLE")),
        ("github-token", format!("ghp_{}", cut(36))),
        ("github-token", format!("github_pat_{}", cut(60))),
        ("gitlab-token", format!("glpat-{}", cut(20))),
        ("google-key", format!("AIza{}", cut(35))),
        ("google-token", format!("ya29.{}", cut(40))),
        ("slack-token", format!("xoxb-{}-{}", "123456789012", cut(24))),
        ("stripe-key", format!("sk_live_{}", cut(24))),
        ("huggingface-token", format!("hf_{}", cut(34))),
        ("groq-key", format!("gsk_{}", cut(52))),
        ("npm-token", format!("npm_{}", cut(36))),
        ("pypi-token", format!("pypi-AgEIcHlwaS5vcmc{}", cut(60))),
        ("sendgrid-key", format!("SG.{}.{}", cut(22), cut(43))),
        ("jwt", format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{}", cut(43))),
        (
            "private-key",
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", cut(64)),
        ),
    ]
}

#[test]
fn each_format_is_found_inside_a_longer_text() {
    let redactor = redactor(&[]);
    for (name, key) in examples() {
        for (before, after) in
            [("", ""), ("key=", "&x=1"), ("{\"k\": \"", "\"}"), ("(", ")."), ("a b\n", "\nc")]
        {
            let text = format!("{before}{key}{after}");
            assert_eq!(redactor.text(&text), format!("{before}[secret {name}]{after}"), "{text}");
            assert!(redactor.may_hold(text.as_bytes()));
        }
        assert_eq!(
            redactor.text(&format!("[secret {name}]")),
            format!("[secret {name}]"),
            "a marker is none"
        );
    }
    let named: std::collections::BTreeSet<&str> = examples().into_iter().map(|(name, _)| name).collect();
    let others = ["bearer-token", "basic-credentials", "url-password"];
    for format in patterns::FORMATS {
        assert!(
            named.contains(format.name) || others.contains(&format.name),
            "{} has no example",
            format.name
        );
        assert!(format.source.starts_with("https://"), "{}", format.name);
    }
}

#[test]
fn credentials_in_headers_and_addresses_are_found() {
    let redactor = redactor(&[]);
    for (text, clean) in [
        ("Authorization: Bearer abcdef0123456789abcd", "Authorization: Bearer [secret header]"),
        ("say Bearer abcdef0123456789abcd now", "say Bearer [secret bearer-token] now"),
        ("the header Basic dXNlcjpwYXNzd29yZA== here", "the header Basic [secret basic-credentials] here"),
        ("{'x-api-key': 'k-7f3a-99'}", "{'x-api-key': '[secret header]'}"),
        ("curl -H \"X-Api-Key: k7f3a99xx\"", "curl -H \"X-Api-Key: [secret header]\""),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPx", "aws_secret_access_key = [secret header]"),
        ("postgres://app:hunter2!@db:5432/x", "postgres://app:[secret url-password]@db:5432/x"),
    ] {
        assert_eq!(redactor.text(text), clean);
    }
}

#[test]
fn ordinary_text_stays_as_it_is() {
    let redactor = redactor(&[]);
    for text in [
        "a risk-free task-oriented desk-bound approach",
        "sk-learn-is-a-library-with-a-very-long-name",
        "sk-",
        "Bearer of bad news travels far and wide",
        "Basic authentication is described in a document",
        "authorization: required",
        "Authorization header is missing",
        "http://localhost:8080/@user and https://example.com/a:b@c",
        "mail://user@host git@github.com:owner/name.git",
        "eyJust a word",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "AKIA is a prefix, AKIAXY is not a key",
        "mail a@b.c, x@y and http://host/a:b@c or see http://h:80/ then me@home",
        "https://$USER:$PASSWORD@host and https://{user}:{password}@host",
        "the SG.5 model and the hf_hub module",
    ] {
        assert_eq!(redactor.text(text), text);
    }
}

#[test]
fn exact_values_are_found_in_every_form() {
    let value = "p@ss \"word\"/\u{e9}+1";
    let redactor = redactor(&[("DB_PASSWORD", value)]);
    let json = serde_json::to_string(&format!("x{value}y")).unwrap();
    let twice = serde_json::to_string(&json).unwrap();
    for text in [
        format!("before {value} after"),
        json,
        twice,
        "q=p%40ss%20%22word%22%2F%C3%A9%2B1&r=2".to_owned(),
        "q=p%40ss+%22word%22%2F%C3%A9%2B1&r=2".to_owned(),
    ] {
        let clean = redactor.text(&text);
        assert!(clean.contains("[secret DB_PASSWORD]"), "{text}: {clean}");
        assert!(!clean.contains("word"), "{clean}");
    }
}

#[test]
fn equal_secrets_have_equal_markers_and_others_do_not() {
    let make = |key: Option<[u8; 32]>| {
        Redactor::new(vec![("A".into(), b"value-one".to_vec()), ("B".into(), b"value-two".to_vec())], key)
    };
    let tagged = make(Some([7; 32]));
    let text = tagged.text("value-one value-two value-one").into_owned();
    let words: Vec<&str> = text.split("] ").map(|word| word.trim_end_matches(']')).collect();
    assert_eq!(words[0], words[2]);
    assert_ne!(words[0], words[1].replace("secret B", "secret A"));
    assert_eq!(without_tags(&text), "[secret A] [secret B] [secret A]");
    assert_eq!(without_tags("[secret and [secret x] 1"), "[secret and [secret x] 1");
    assert_ne!(text, make(Some([8; 32])).text("value-one value-two value-one"));
    assert_eq!(make(None).text("value-one"), "[secret A]");
    assert_ne!(tagged.digest("A", b"x"), make(Some([8; 32])).digest("A", b"x"));
    assert_eq!(tagged.digest("OTHER", b"plain"), None);
}

#[test]
fn short_values_are_named_and_not_looked_for() {
    let redactor = redactor(&[("DEBUG", "1"), ("PIN", " 1234\n"), ("EMPTY", "")]);
    assert_eq!(redactor.too_short(), ["DEBUG"]);
    assert_eq!(redactor.text("1 and 1234"), "1 and [secret PIN]");
}

#[test]
fn values_that_are_learnt_later_are_looked_for() {
    let first = redactor(&[("A", "value-one")]);
    assert!(first.with(vec![("A".into(), b"value-one".to_vec())]).is_none());
    let more = first.with(vec![("B".into(), b"value-two".to_vec())]).unwrap();
    assert_eq!(more.text("value-one value-two"), "[secret A] [secret B]");
}

/// Base64 of what Python's `base64` module writes.
fn base64(bytes: &[u8], url: bool) -> String {
    let digits: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    let last = if url { ['-', '_'] } else { ['+', '/'] };
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let digit = (number >> (18 - 6 * at) & 63) as usize;
            out.push(if at > group.len() { '=' } else { *digits.get(digit).unwrap_or(&last[digit & 1]) });
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let redactor = redactor(&[("A", "value-one")]);
        let _ = redactor.redact(&bytes);
        let _ = redactor.may_hold(&bytes);
        let _ = without_tags(&String::from_utf8_lossy(&bytes));
    }

    /// Pieces of keys in any order: what is left is clean, and no piece of a known value survives.
    #[test]
    fn what_was_redacted_is_clean(parts in prop::collection::vec(0usize..24, 0..12), gaps in "[ a:\"=]{0,3}") {
        let redactor = redactor(&[("A", "value-one"), ("B", "one-two-three")]);
        let examples = examples();
        let words = ["value-one", "one-two-three", "Bearer ", "sk-", "://u:", "x-api-key"];
        let text: Vec<&str> = parts
            .iter()
            .map(|at| examples.get(*at).map_or_else(|| words[at % words.len()], |(_, key)| key.as_str()))
            .collect();
        let clean = redactor.text(&text.join(&gaps)).into_owned();
        prop_assert!(!clean.contains("value-one") && !clean.contains("one-two-three"), "{clean}");
    }

    #[test]
    fn base64_is_found_at_every_offset(before in ".{0,7}", after in ".{0,7}", url in any::<bool>()) {
        let redactor = redactor(&[("TOKEN", "correct-horse-battery")]);
        let text = base64(format!("{before}correct-horse-battery{after}").as_bytes(), url);
        prop_assert!(redactor.holds(text.as_bytes()), "{text}");
        let whole = format!("x: {text} y");
        prop_assert_eq!(redactor.text(&whole), "x: [secret TOKEN] y");
    }

    /// However a stream is cut into pieces, what comes out is what the whole would give.
    #[test]
    fn torn_secrets_are_found(cuts in prop::collection::vec(1usize..30, 1..20), which in 0usize..18) {
        let redactor = redactor(&[("A", "value-one")]);
        let key = &examples()[which].1;
        let text = format!("start value-one\nand {key} db://u:pass-word@host/x\nthen sk- {key} Authorization: Bearer abcdef0123456789abcd\nend");
        let (mut held, mut out, mut from) = (Held::default(), Vec::new(), 0);
        for len in cuts.iter().cycle() {
            let to = (from + len).min(text.len());
            out.extend(held.push(&redactor, &text.as_bytes()[from..to]));
            from = to;
            if from == text.len() {
                break;
            }
        }
        out.extend(held.end(&redactor));
        prop_assert_eq!(String::from_utf8(out).unwrap(), redactor.text(&text).into_owned());
    }
}

#[test]
fn text_that_cannot_become_a_secret_is_not_held_back() {
    let redactor = redactor(&[("A", "value-one")]);
    for text in ["Loading...", "50 % of 3 done", "a b c\n", "{\"x\": 1}"] {
        let mut held = Held::default();
        assert_eq!(held.push(&redactor, text.as_bytes()), text.as_bytes());
    }
    let mut held = Held::default();
    assert_eq!(held.push(&redactor, b"is it val"), b"is it ");
    assert_eq!(held.push(&redactor, b"id?"), b"valid?");
}

/// What it costs: `cargo test --lib secrets::tests::figures -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
fn figures() {
    let text = "The quick brown fox asks https://example.com/path?x=1 about a risk-free task; {\"role\": \"user\"}. ";
    let long = text.repeat(20_000);
    for values in [vec![], vec![("A", "value-one"), ("B", "sk-proj-a1B2c3D4e5F6g7H8i9J0a1B2c3D4")]] {
        let redactor = redactor(&values);
        let from = std::time::Instant::now();
        let mut found = 0;
        for _ in 0..20 {
            found += usize::from(redactor.may_hold(std::hint::black_box(long.as_bytes())));
        }
        let scan = from.elapsed();
        let from = std::time::Instant::now();
        for _ in 0..20 {
            std::hint::black_box(blake3::hash(std::hint::black_box(long.as_bytes())));
        }
        let hash = from.elapsed();
        let rate = |time: std::time::Duration| (20 * long.len()) as f64 / time.as_secs_f64() / 1e9;
        eprintln!(
            "{} values: scan {:.2} GB/s, blake3 {:.2} GB/s, found {found}",
            values.len(),
            rate(scan),
            rate(hash)
        );
    }
}
