//! What workers tell of their frames (docs/protocol.md, `frames`), made ready for eyes: without secrets, in short.
//!
//! Total. Texts that were cut may end in the middle of a secret; what may be the beginning of one is left out.

use serde_json::Value as Json;

use crate::base::ids::CallNo;
use crate::base::secrets::{Held, Redactor};
use crate::base::text::{beginning, count};
use crate::model::Frame;
use crate::model::frames::{Shown, Stack, StackFrame};
use crate::value::{self, Value, from_json, secrets};

/// Characters of a value in one line.
const LINE: usize = 240;
/// ... inside another one.
const INSIDE: usize = 48;
/// Characters at which workers cut a line of source.
const SOURCE: usize = 200;

/// Reads a worker's answer.
pub fn read(json: &[u8], redactor: &Redactor) -> Result<Vec<Stack>, String> {
    let reader = Reader { redactor };
    match serde_json::from_slice(json) {
        Ok(Json::Array(stacks)) => Ok(stacks.iter().map(|stack| reader.stack(stack)).collect()),
        Ok(_) => Err("its worker told something else than frames".to_owned()),
        Err(error) => Err(format!("what its worker told cannot be read: {error}")),
    }
}

struct Reader<'r> {
    redactor: &'r Redactor,
}

fn list(json: Option<&Json>) -> &[Json] {
    json.and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

impl Reader<'_> {
    fn text(&self, json: Option<&Json>) -> String {
        let mut text = json.and_then(Json::as_str).unwrap_or_default().to_owned();
        self.redactor.clean(&mut text);
        text
    }

    /// The beginning of a text, as far as no secret may begin at its end.
    fn torn(&self, head: &str) -> String {
        String::from_utf8_lossy(&Held::default().push(self.redactor, head.as_bytes())).into_owned()
    }

    fn stack(&self, json: &Json) -> Stack {
        let told = |name: &str| json.get(name).map(|text| self.text(Some(text)));
        Stack {
            call: json
                .get("call")
                .and_then(Json::as_u64)
                .and_then(|no| CallNo::try_from(no).ok())
                .unwrap_or(0),
            task: told("task"),
            frames: list(json.get("frames")).iter().map(|frame| self.frame(frame)).collect(),
            more: json.get("more").and_then(Json::as_u64).unwrap_or(0),
            why: told("why"),
        }
    }

    fn frame(&self, json: &Json) -> StackFrame {
        let line = json.get("line").and_then(Json::as_u64).and_then(|line| u32::try_from(line).ok());
        let source = json.get("text").and_then(Json::as_str).unwrap_or_default();
        let text =
            if source.chars().count() < SOURCE { self.text(json.get("text")) } else { self.torn(source) };
        let local = |pair: &Json| {
            let name = self.text(pair.get(0));
            self.shown(name.clone(), &name, pair.get(1).unwrap_or(&Json::Null))
        };
        StackFrame {
            at: Frame {
                file: self.text(json.get("file")),
                line: line.unwrap_or(0),
                name: self.text(json.get("name")),
                text,
            },
            locals: list(json.get("locals")).iter().map(local).collect(),
            more: json.get("more").and_then(Json::as_u64).unwrap_or(0),
        }
    }

    /// A value that stands under `key`: what has a secret's name is one, whatever it looks like.
    fn shown(&self, name: String, key: &str, json: &Json) -> Shown {
        let Json::Object(map) = json else {
            let value = if let Json::String(text) = json { Value::str(text) } else { from_json(json) };
            return self.leaf(name, key, value, kind_of(json), false);
        };
        let kind = self.text(map.get("k"));
        let total = map.get("n").and_then(Json::as_u64);
        if let Some(head) = map.get("s").and_then(Json::as_str) {
            let Some(total) = total else { return self.leaf(name, key, Value::str(head), kind, false) };
            let kind = format!("{kind}, {}", count(total, "character"));
            return self.leaf(name, key, Value::str(&self.torn(head)), kind, true);
        }
        if let Some(head) = map.get("b") {
            let value = from_json(&serde_json::json!({ "$bytes": head }));
            let total = total.unwrap_or(0);
            let is_cut = matches!(&value, Value::Bytes(bytes) if (bytes.len() as u64) < total);
            let value = match &value {
                Value::Bytes(bytes) if is_cut => {
                    Value::Bytes(Held::default().push(self.redactor, bytes).into())
                }
                other => other.clone(),
            };
            return self.leaf(name, key, value, format!("{kind}, {}", count(total, "byte")), is_cut);
        }
        if map.contains_key("o") {
            return Shown { name, text: self.text(map.get("o")), kind, ..Shown::default() };
        }
        self.holder(name, map, kind, total.unwrap_or(0))
    }

    /// A value without parts.
    fn leaf(&self, name: String, key: &str, value: Value, kind: String, cut: bool) -> Shown {
        let entry = Value::dict(vec![(Value::str(key), value)]);
        let clean = secrets::redact(&entry, self.redactor).map_or(entry, |(clean, _)| clean);
        let value =
            clean.as_dict().and_then(|pairs| pairs.first()).map_or(Value::None, |pair| pair.1.clone());
        let mut text = value::view::preview(&value, LINE);
        if cut && !text.ends_with('…') {
            text.push('…');
        }
        Shown { name, text, kind, ..Shown::default() }
    }

    /// A value that holds others.
    fn holder(&self, name: String, map: &serde_json::Map<String, Json>, kind: String, total: u64) -> Shown {
        let (mut items, brackets): (Vec<Shown>, [&str; 2]) = if let Some(items) = map.get("l") {
            let items = list(Some(items));
            // A pair of a name and what it stands for.
            let key = match items {
                [Json::String(key), _] => key.as_str(),
                _ => "",
            };
            let item =
                |(at, item): (usize, &Json)| self.shown(String::new(), if at == 1 { key } else { "" }, item);
            let brackets = match map.get("of").and_then(Json::as_str) {
                Some("tuple") => ["(", ")"],
                Some("set" | "frozenset") => ["{", "}"],
                _ => ["[", "]"],
            };
            (items.iter().enumerate().map(item).collect(), brackets)
        } else {
            let is_dict = map.contains_key("d");
            let entry = |pair: &Json| {
                let key = match pair.get(0) {
                    Some(Json::String(key)) => {
                        let mut key = key.clone();
                        self.redactor.clean(&mut key);
                        key
                    }
                    Some(other) => self.shown(String::new(), "", other).text,
                    None => String::new(),
                };
                self.shown(key.clone(), &key, pair.get(1).unwrap_or(&Json::Null))
            };
            let pairs = list(map.get("d").or_else(|| map.get("a")));
            (pairs.iter().map(entry).collect(), if is_dict { ["{", "}"] } else { ["(", ")"] })
        };
        let is_object = map.contains_key("a");
        let more = total.saturating_sub(items.len() as u64);
        let mut text = String::new();
        if is_object {
            text.push_str(kind.rsplit('.').next().unwrap_or_default());
        }
        let empty = items.is_empty() && more == 0;
        if !(is_object && empty) {
            text.push_str(brackets[0]);
            text.push_str(&inside(&items, more, if is_object { "=" } else { ": " }));
            text.push_str(brackets[1]);
        }
        let kind = if is_object { kind } else { format!("{kind} of {total}") };
        items.iter_mut().for_each(|item| item.text.shrink_to_fit());
        Shown { name, text, kind, items, more }
    }
}

/// What a value holds, in the rest of its line.
fn inside(items: &[Shown], more: u64, between: &str) -> String {
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        if out.chars().count() > LINE - INSIDE {
            out.push_str(&format!("… {} more", items.len() as u64 - at as u64 + more));
            return out;
        }
        if !item.name.is_empty() {
            out.push_str(&item.name);
            out.push_str(between);
        }
        out.push_str(&beginning(&item.text, INSIDE));
    }
    if more > 0 {
        out.push_str(&format!("{}… {more} more", if items.is_empty() { "" } else { ", " }));
    }
    out
}

fn kind_of(json: &Json) -> String {
    let kind = match json {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "float",
        Json::Number(_) => "int",
        _ => "str",
    };
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn locals(redactor: &Redactor, json: Json) -> Vec<Shown> {
        let told = json!([{"call": 2, "frames": [{"file": "/a.py", "line": 3, "name": "f", "text": "x()", "locals": json}]}]);
        let stacks = read(told.to_string().as_bytes(), redactor).unwrap();
        assert_eq!((stacks[0].call, stacks[0].frames[0].at.line), (2, 3));
        stacks[0].frames[0].locals.clone()
    }

    #[test]
    fn values_are_told_in_one_line_and_unfold() {
        let found = locals(
            Redactor::off(),
            json!([
                ["n", 5],
                ["trip", {"d": [["to", "Japan"], ["days", {"l": [1, 2], "n": 40, "k": "list", "of": "list"}]], "n": 2, "k": "dict"}],
                ["session", {"a": [["host", "h"]], "n": 1, "k": "app.Session"}],
                ["lock", {"a": [], "n": 0, "k": "_thread.lock"}],
                ["long", {"s": "abc", "n": 9000, "k": "str"}],
                ["raw", {"b": "AAE=", "n": 2, "k": "bytes"}],
                ["nan", {"o": "nan", "k": "float"}]
            ]),
        );
        let lines: Vec<String> =
            found.iter().map(|one| format!("{} {} | {}", one.name, one.text, one.kind)).collect();
        assert_eq!(
            lines,
            [
                "n 5 | int",
                "trip {to: \"Japan\", days: [1, 2, … 38 more]} | dict of 2",
                "session Session(host=\"h\") | app.Session",
                "lock lock | _thread.lock",
                "long \"abc\"… | str, 9000 characters",
                "raw bytes 2 B | bytes, 2 bytes",
                "nan nan | float",
            ]
        );
        assert_eq!((found[1].items[1].items.len(), found[1].items[1].more), (2, 38));
    }

    #[test]
    fn no_secret_is_shown_not_even_a_torn_one() {
        let value = "s3cr3t-0123456789-abcdefgh";
        let redactor = Redactor::new(vec![("API_KEY".to_owned(), value.as_bytes().to_vec())], None);
        let half = format!("x{}", &value[..20]);
        let found = locals(
            &redactor,
            json!([
                ["key", value],
                ["torn", {"s": half, "n": 9000, "k": "str"}],
                ["deep", {"d": [[value, {"l": [value], "n": 1, "k": "list", "of": "list"}]], "n": 1, "k": "dict"}],
                ["authorization", "whatever this is"],
                ["pair", {"l": ["x-api-key", "whatever this is"], "n": 2, "k": "tuple", "of": "tuple"}]
            ]),
        );
        let all = format!("{found:?}");
        assert!(!all.contains("s3cr3t") && !all.contains("whatever"), "{all}");
        assert!(all.contains("[secret API_KEY"), "{all}");
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        assert!(read(b"{", Redactor::off()).is_err());
        assert!(read(b"{}", Redactor::off()).is_err());
        assert_eq!(
            read(b"[{\"call\": 3, \"why\": \"gone\"}]", Redactor::off()).unwrap()[0].why.as_deref(),
            Some("gone")
        );
    }
}
