//! Dates and times as ISO 8601, from the byte strings that `datetime` pickles.

use super::super::tree::{Object, Value};

fn two(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at).map(|byte| u32::from(*byte))
}

fn micros(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [a, b, c] => Some(u32::from(*a) << 16 | u32::from(*b) << 8 | u32::from(*c)),
        _ => None,
    }
}

fn fraction(micros: u32) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}") }
}

/// `2024-01-02` of the four bytes of a date.
pub(super) fn date(bytes: &[u8]) -> Option<String> {
    let [high, low, month, day] = bytes else { return None };
    // The highest bit of the month marks the second pass through a repeated hour.
    Some(format!("{:04}-{:02}-{day:02}", u32::from(*high) << 8 | u32::from(*low), month & 0x7f))
}

/// `03:04:05.000006` of the six bytes of a time.
pub(super) fn time(bytes: &[u8]) -> Option<String> {
    let micros = micros(bytes.get(3..6)?)?;
    let hour = two(bytes, 0)? & 0x7f;
    Some(format!("{hour:02}:{:02}:{:02}{}", two(bytes, 1)?, two(bytes, 2)?, fraction(micros)))
}

/// Date and time of the ten bytes of a datetime.
pub(super) fn datetime(bytes: &[u8]) -> Option<String> {
    Some(format!("{}T{}", date(bytes.get(..4)?)?, time(bytes.get(4..10)?)?))
}

/// `+02:00`, or a name in brackets when the offset depends on the date.
pub(super) fn zone(value: &Value) -> Option<String> {
    let Value::Object(object) = value else { return None };
    if let Some(("datetime", "timezone")) = object.global() {
        let Value::Object(delta) = object.make.args().first()? else { return None };
        let (days, seconds, micros) = delta_parts(delta)?;
        let total = days.checked_mul(86_400)?.checked_add(seconds)?;
        let size = total.unsigned_abs();
        let mut out =
            format!("{}{:02}:{:02}", if total < 0 { '-' } else { '+' }, size / 3600, size / 60 % 60);
        if size % 60 != 0 || micros != 0 {
            out.push_str(&format!(":{:02}", size % 60));
        }
        return Some(out);
    }
    // `ZoneInfo._unpickle(key, from_cache)`, pytz, dateutil: the first string names it.
    let name = object.make.args().first().and_then(Value::as_str);
    Some(format!("[{}]", name.unwrap_or("?")))
}

fn delta_parts(object: &Object) -> Option<(i64, i64, i64)> {
    match object.make.args() {
        [Value::Int(days), Value::Int(seconds), Value::Int(micros)] => Some((*days, *seconds, *micros)),
        _ => None,
    }
}

/// An ISO 8601 duration such as `P1DT2.000003S`.
pub(super) fn duration(object: &Object) -> Option<String> {
    let (days, seconds, micros) = delta_parts(object)?;
    let total = i128::from(days) * 86_400_000_000 + i128::from(seconds) * 1_000_000 + i128::from(micros);
    let size = total.unsigned_abs();
    let (days, rest) = (size / 86_400_000_000, size % 86_400_000_000);
    let mut out = format!("{}P", if total < 0 { "-" } else { "" });
    if days > 0 {
        out.push_str(&format!("{days}D"));
    }
    if rest > 0 || days == 0 {
        let (hours, minutes, rest) = (rest / 3_600_000_000, rest / 60_000_000 % 60, rest % 60_000_000);
        out.push('T');
        if hours > 0 {
            out.push_str(&format!("{hours}H"));
        }
        if minutes > 0 {
            out.push_str(&format!("{minutes}M"));
        }
        if rest > 0 || (hours == 0 && minutes == 0) {
            out.push_str(&format!("{}{}S", rest / 1_000_000, fraction((rest % 1_000_000) as u32)));
        }
    }
    Some(out)
}

/// The ISO text of an instance of one of `datetime`'s classes, with the name of its tag.
pub(super) fn iso(object: &Object) -> Option<(&'static str, String)> {
    let ("datetime", class) = object.global()? else { return None };
    let args = object.make.args();
    let bytes = |args: &[Value]| match args.first() {
        Some(Value::Bytes(bytes)) => Some(bytes.clone()),
        _ => None,
    };
    let zone_of = |args: &[Value]| args.get(1).and_then(zone).unwrap_or_default();
    Some(match class {
        "datetime" => ("$datetime", datetime(&bytes(args)?)? + &zone_of(args)),
        "date" => ("$date", date(&bytes(args)?)?),
        "time" => ("$time", time(&bytes(args)?)? + &zone_of(args)),
        "timedelta" => ("$timedelta", duration(object)?),
        _ => return None,
    })
}
