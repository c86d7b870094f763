//! Base64 and decimal digits, for values that JSON cannot carry.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Integers of more bytes are shown in hexadecimal: decimal takes quadratic time.
const DECIMAL_BYTES: usize = 512;

/// Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0u32, |word, (i, byte)| word | u32::from(*byte) << (16 - 8 * i));
        for i in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// The bytes of a base64 text with its padding; `None` when it is none.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let mut word = 0u32;
        for digit in chunk {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            word = word << 6 | u32::from(value);
        }
        word <<= 6 * (4 - chunk.len());
        out.extend_from_slice(word.to_be_bytes().get(1..chunk.len())?);
    }
    Some(out)
}

/// Little-endian two's complement as decimal digits; `0x…` when it is very large.
pub(in crate::value) fn decimal(bytes: &[u8]) -> String {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut size: Vec<u8> = bytes.to_vec();
    if negative {
        negate(&mut size);
    }
    let sign = if negative { "-" } else { "" };
    if size.len() > DECIMAL_BYTES {
        size.truncate(bytes.len());
        let hex: String = size.iter().rev().take(DECIMAL_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let rest = if size.len() > DECIMAL_BYTES { "…" } else { "" };
        return format!("{sign}0x{hex}{rest}");
    }
    let mut groups = Vec::new();
    while size.iter().any(|byte| *byte != 0) {
        let mut rest = 0u64;
        for byte in size.iter_mut().rev() {
            let word = rest << 8 | u64::from(*byte);
            *byte = (word / 1_000_000_000) as u8;
            rest = word % 1_000_000_000;
        }
        groups.push(rest);
    }
    let mut out = format!("{sign}{}", groups.pop().unwrap_or(0));
    for group in groups.iter().rev() {
        out.push_str(&format!("{group:09}"));
    }
    out
}

fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes {
        let (value, over) = (!*byte).overflowing_add(u8::from(carry));
        *byte = value;
        carry = over;
    }
}

/// Decimal digits, or `0x…`, as little-endian two's complement.
pub(in crate::value) fn from_decimal(text: &str) -> Option<Vec<u8>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.strip_prefix("0x") {
        Some(digits) => (16, digits),
        None => (10, digits),
    };
    if digits.is_empty() || digits.len() > 4 * DECIMAL_BYTES {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for c in digits.chars() {
        let mut carry = c.to_digit(radix)?;
        for byte in &mut bytes {
            let word = u32::from(*byte) * radix + carry;
            *byte = word as u8;
            carry = word >> 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    bytes.push(0);
    if negative {
        negate(&mut bytes);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn base64_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            prop_assert_eq!(from_base64(&base64(&bytes)), Some(bytes));
        }

        #[test]
        fn decimals_round_trip(number in any::<i128>()) {
            let text = decimal(&number.to_le_bytes());
            prop_assert_eq!(&text, &number.to_string());
            let mut back = from_decimal(&text).unwrap();
            back.resize(16, if number < 0 { 0xff } else { 0 });
            prop_assert_eq!(&back[..16], &number.to_le_bytes()[..]);
        }
    }

    #[test]
    fn the_alphabet_is_right() {
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("ü→", "w7zihpI="),
        ] {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(from_base64("a"), None);
        assert_eq!(from_base64("a==="), None);
        assert_eq!(from_base64("a*b="), None);
        assert_eq!(from_decimal("12a"), None);
        assert_eq!(base64(b"M"), "TQ==");
    }
}
