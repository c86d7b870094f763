//! JSON that people type: integers that 64 bits do not hold are kept or refused, never rounded.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The first integer in a JSON text that neither `i64` nor `u64` holds.
pub fn beyond_64_bits(json: &str) -> Option<&str> {
    next_wide(json, 0).map(|(from, to)| &json[from..to])
}

/// Reads a JSON text whose objects may be tags: such integers become `{"$int": "…"}`, which means them exactly.
pub fn tagged<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
    let Some(first) = next_wide(json, 0) else { return serde_json::from_str(json) };
    // What is wrong is told of the text as it was typed.
    serde_json::from_str::<serde::de::IgnoredAny>(json)?;
    let mut out = String::with_capacity(json.len() + 64);
    let (mut wide, mut done) = (Some(first), 0);
    while let Some((from, to)) = wide {
        out.push_str(&json[done..from]);
        out.push_str("{\"$int\":\"");
        out.push_str(&json[from..to]);
        out.push_str("\"}");
        done = to;
        wide = next_wide(json, to);
    }
    out.push_str(&json[done..]);
    serde_json::from_str(&out)
}

/// Reads a JSON text in which an object is an object; why it cannot be is half a sentence about it.
pub fn plain(json: &str) -> Result<Value, String> {
    let value = serde_json::from_str(json).map_err(|why| format!("is not JSON: {why}"))?;
    match beyond_64_bits(json) {
        None => Ok(value),
        Some(number) => {
            Err(format!("holds {number}, which is beyond 64 bits and would be rounded: put it in quotes"))
        }
    }
}

/// Where the first such integer at or after a place stands.
fn next_wide(json: &str, at: usize) -> Option<(usize, usize)> {
    let mut at = at;
    loop {
        let begins = |c: char| c == '"' || c == '-' || c.is_ascii_digit();
        let from = at + json[at..].find(begins)?;
        let rest = &json[from..];
        if let Some(inner) = rest.strip_prefix('"') {
            let mut escaped = false;
            let closing = inner.find(|c| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            })?;
            at = from + closing + 2;
            continue;
        }
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let number = &rest[..rest.find(|c| !inside(c)).unwrap_or(rest.len())];
        at = from + number.len();
        let integer = number.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        if integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
            return Some((from, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integers_beyond_64_bits_are_found() {
        for text in
            ["18446744073709551616", "[1, {\"a\": -9223372036854775809}]", "\"a\\\"\" 99999999999999999999"]
        {
            assert!(beyond_64_bits(text).is_some(), "{text}");
        }
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "1e30",
            "0.12345678901234567890123",
            "\"\\\\\"",
            "\"99999999999999999999\"",
            "{\"99999999999999999999\": 1}",
            "\"open",
        ] {
            assert_eq!(beyond_64_bits(text), None, "{text}");
        }
    }

    #[test]
    fn they_are_kept_where_tags_are_read() {
        let wide = "99999999999999999999";
        let text = format!("{{\"a\": [-{wide}, 1], \"{wide}\": \"{wide}\"}}");
        let minus = format!("-{wide}");
        assert_eq!(tagged::<Value>(&text).unwrap(), json!({"a": [{"$int": minus}, 1], wide: wide}));
        assert_eq!(tagged::<Value>("[1, 2]").unwrap(), json!([1, 2]));
        let why = tagged::<Value>(&format!("[{wide}, x]")).unwrap_err().to_string();
        assert!(why.ends_with("column 24"), "{why}");
    }

    #[test]
    fn they_are_refused_where_no_tag_is_read() {
        let why = plain("[99999999999999999999]").unwrap_err();
        assert!(why.contains("99999999999999999999") && why.contains("in quotes"), "{why}");
        assert_eq!(plain("[1, 18446744073709551615]").unwrap(), json!([1, u64::MAX]));
        assert!(plain("[1").unwrap_err().starts_with("is not JSON: "));
    }
}
