//! One line about a value, for a row of a tree. Costs little however large the value is.

use super::super::tree::{Object, Value};
use super::{arrays, encoding, known};

/// Characters of a string inside something else.
const NESTED_STRING: usize = 40;
/// Levels that are opened.
const LEVELS: u8 = 3;
/// Elements that are looked at.
const LOOKED_AT: usize = 24;

/// A value in at most `max_chars` characters.
pub fn preview(value: &Value, max_chars: usize) -> String {
    let mut line = Line { out: String::new(), left: max_chars.max(1) };
    line.value(value, 0, max_chars);
    line.finish(max_chars)
}

/// A dict of arguments by parameter name as a call shows them: `"topic", depth=3`.
pub fn preview_arguments(value: &Value, max_chars: usize) -> String {
    let mut line = Line { out: String::new(), left: max_chars.max(1) };
    match value {
        Value::Dict(pairs) => match pairs.as_slice() {
            // A single argument has the line for itself.
            [(_, only)] => line.value(only, 0, max_chars),
            pairs => {
                for (i, (name, value)) in pairs.iter().take(LOOKED_AT).enumerate() {
                    if line.left == 0 {
                        break;
                    }
                    if i > 0 {
                        line.push(", ");
                        line.push(&name.as_str().map_or_else(String::new, |name| format!("{name}=")));
                    }
                    line.value(value, 1, NESTED_STRING);
                }
                if pairs.len() > LOOKED_AT {
                    line.push(", …");
                }
            }
        },
        other => line.value(other, 0, max_chars),
    }
    line.finish(max_chars)
}

struct Line {
    out: String,
    /// Characters that may still be written; one more than that marks the cut.
    left: usize,
}

impl Line {
    fn finish(mut self, max_chars: usize) -> String {
        if let Some((cut, _)) = self.out.char_indices().nth(max_chars) {
            let keep = self.out[..cut].char_indices().next_back().map_or(0, |(last, _)| last);
            self.out.truncate(keep);
            self.out.push('…');
        }
        self.out
    }

    fn push(&mut self, text: &str) {
        if self.left == 0 {
            return;
        }
        // One character beyond the limit tells `finish` that something was cut.
        let mut written = 0;
        for c in text.chars().take(self.left + 1) {
            self.out.push(c);
            written += 1;
        }
        self.left = self.left.saturating_sub(written);
    }

    fn string(&mut self, text: &super::super::tree::Text, most: usize) {
        let (head, all) = text.head(most.min(self.left + 1));
        self.push("\"");
        self.push(&head);
        self.push(if all { "\"" } else { "…\"" });
    }

    fn value(&mut self, value: &Value, level: u8, strings: usize) {
        match value {
            Value::None => self.push("None"),
            Value::Bool(true) => self.push("True"),
            Value::Bool(false) => self.push("False"),
            Value::Int(number) => self.push(&number.to_string()),
            Value::BigInt(bytes) if bytes.len() <= 32 => self.push(&encoding::decimal(bytes)),
            Value::BigInt(bytes) => self.push(&format!("int of {} bits", bytes.len().saturating_mul(8))),
            Value::Float(number) => self.push(&float(*number)),
            Value::Str(text) => self.string(text, strings),
            Value::Bytes(bytes) => {
                self.push(&format!("bytes {}", crate::base::text::bytes(bytes.len() as u64)))
            }
            Value::ByteArray(bytes) => {
                self.push(&format!("bytearray {}", crate::base::text::bytes(bytes.len() as u64)));
            }
            Value::List(items) => self.items(items, ("[", "]"), level),
            Value::Tuple(items) if items.len() == 1 => self.items(items, ("(", ",)"), level),
            Value::Tuple(items) => self.items(items, ("(", ")"), level),
            Value::Set(items) | Value::FrozenSet(items) if items.is_empty() => self.push("set()"),
            Value::Set(items) | Value::FrozenSet(items) => self.items(items, ("{", "}"), level),
            Value::Dict(pairs) => {
                if !self.message(value) {
                    self.dict(pairs, level);
                }
            }
            Value::Global(global) => self.push(&global.name.head(80).0),
            Value::Object(object) => self.object(value, object, level),
            Value::Raw(pickle) => {
                self.push(&format!("pickle {}", crate::base::text::bytes(pickle.len() as u64)))
            }
            Value::Opaque(reason) => self.push(&format!("({reason})")),
        }
    }

    fn items(&mut self, items: &[Value], (open, close): (&str, &str), level: u8) {
        let ends = [items.first(), items.last()];
        if !items.is_empty() && ends.iter().flatten().all(|item| role(item).is_some()) {
            self.push(&format!("{} msg{}", items.len(), if items.len() == 1 { "" } else { "s" }));
            return;
        }
        let bulky = |item: &Value| matches!(item, Value::Dict(_) | Value::Object(_) | Value::List(_));
        if level >= LEVELS || (items.len() > 3 && items.iter().take(3).all(bulky)) {
            self.push(&crate::base::text::count(items.len() as u64, "item"));
            return;
        }
        self.push(open);
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            // Room for the count at the end.
            if i > 0 && items.len() > 3 && (self.left < 24 || i >= LOOKED_AT) {
                self.push(&format!("… {}", items.len()));
                break;
            }
            self.value(item, level + 1, NESTED_STRING);
            if self.left == 0 {
                break;
            }
        }
        self.push(close);
    }

    fn dict(&mut self, pairs: &[(Value, Value)], level: u8) {
        if level >= LEVELS {
            self.push(&crate::base::text::count(pairs.len() as u64, "key"));
            return;
        }
        self.push("{");
        self.entries(pairs, level, ": ");
        self.push("}");
    }

    fn entries(&mut self, pairs: &[(Value, Value)], level: u8, between: &str) {
        for (i, (key, value)) in pairs.iter().enumerate() {
            if self.left == 0 {
                break;
            }
            if i > 0 {
                self.push(", ");
            }
            if i > 0 && (i >= LOOKED_AT || self.left < 12) {
                self.push("…");
                break;
            }
            match key {
                Value::Str(text) => {
                    let (head, all) = text.head(NESTED_STRING);
                    self.push(&head);
                    self.push(if all { "" } else { "…" });
                }
                other => self.value(other, level + 1, NESTED_STRING),
            }
            self.push(between);
            self.value(value, level + 1, NESTED_STRING);
        }
    }

    /// A message of a chat, or a response with one: what it says or calls.
    fn message(&mut self, value: &Value) -> bool {
        let choice = || value.field("choices")?.as_items()?.first()?.field("message");
        let message = choice().unwrap_or(value);
        let tools = called_tools(message).or_else(|| called_tools(value)).unwrap_or_default();
        if !tools.is_empty() {
            self.push("→ ");
            self.push(&tools.join(", "));
            return true;
        }
        let Some(role) = role(message) else { return false };
        let text = match message.field("content") {
            Some(Value::Str(text)) => Some(text),
            // Blocks: the first with a text.
            Some(content) => content.as_items().and_then(|blocks| {
                blocks.iter().take(LOOKED_AT).find_map(|block| match block.field("text")? {
                    Value::Str(text) => Some(text),
                    _ => None,
                })
            }),
            None => None,
        };
        let Some(text) = text else { return false };
        let role = format!("{role}: ");
        self.push(&role);
        self.string(text, self.left);
        true
    }

    fn object(&mut self, value: &Value, object: &Object, level: u8) {
        if let Some((_, text)) = known::scalar(object) {
            self.push(&text);
            return;
        }
        if let Some(array) = arrays::array(object) {
            self.push(&format!("ndarray {}", array.outline()));
            return;
        }
        if let Some((_, Some(number))) = arrays::scalar(object) {
            self.push(&number.to_string());
            return;
        }
        if let Some(frame) = arrays::frame(object) {
            let class = known::short_name(&frame.class).to_owned();
            let rows = frame.rows.map_or_else(|| "?".to_owned(), |rows| rows.to_string());
            match frame.columns {
                Some(columns) => self.push(&format!("{class} {rows}×{}", columns.len())),
                None => self.push(&format!("{class} of {rows}")),
            }
            return;
        }
        if self.message(value) {
            return;
        }
        let name = known::type_name(object.make.callable());
        self.push(known::short_name(&name));
        if level >= LEVELS {
            return;
        }
        self.push("(");
        let args = object.make.args();
        for (i, arg) in args.iter().take(LOOKED_AT).enumerate() {
            if i > 0 {
                self.push(", ");
            }
            self.value(arg, level + 1, NESTED_STRING);
        }
        let mut first = args.is_empty();
        for (items, (open, close)) in [(&object.items, ("[", "]")), (&object.added, ("{", "}"))] {
            if !items.is_empty() {
                self.push(if first { "" } else { ", " });
                self.items(items, (open, close), level + 1);
                first = false;
            }
        }
        if !object.pairs.is_empty() {
            self.push(if first { "" } else { ", " });
            self.dict(&object.pairs, level + 1);
            first = false;
        }
        if object.state.is_some()
            && let Some(fields) = value.fields()
            && !fields.is_empty()
        {
            self.push(if first { "" } else { ", " });
            self.entries(fields, level, "=");
        }
        self.push(")");
    }
}

/// Digits as Python prints them, near enough.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    format!("{number:?}")
}

/// The role of a chat message.
fn role(value: &Value) -> Option<&str> {
    let role = value.field("role")?.as_str()?;
    let speaks = value.field("content").is_some() || value.field("tool_calls").is_some();
    (speaks && role.len() <= 20).then_some(role)
}

/// Names of the tools that a message calls, in any provider's shape.
fn called_tools(message: &Value) -> Option<Vec<String>> {
    let name = |call: &Value| {
        let function = call.field("function").unwrap_or(call);
        Some(function.field("name")?.as_str()?.chars().take(60).collect::<String>())
    };
    if let Some(calls) = message.field("tool_calls").and_then(Value::as_items)
        && !calls.is_empty()
    {
        return Some(calls.iter().take(4).filter_map(name).collect());
    }
    let blocks = ["content", "output"].iter().find_map(|field| message.field(field)?.as_items())?;
    let calls = |block: &&Value| {
        matches!(block.field("type").and_then(Value::as_str), Some("tool_use" | "function_call"))
    };
    Some(blocks.iter().take(LOOKED_AT).filter(calls).take(4).filter_map(name).collect())
}
