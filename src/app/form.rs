//! The form for the input of a new run: a field for each parameter.
//!
//! A field of a parameter with the hint `str` holds the text itself; any other holds JSON, or, when it is no JSON
//! and nothing says that it must be, text. An empty field whose parameter has a default is left out.

use serde_json::{Map, Value};

use super::editor::Editor;
use super::msg::{AppInfo, Param};
use crate::base::json::beyond_64_bits;

/// One parameter.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Which.
    pub param: Param,
    /// What is typed.
    pub editor: Editor,
}

/// The form.
#[derive(Clone, PartialEq, Debug)]
pub struct Form {
    /// The application.
    pub app: String,
    /// Its parameters in order.
    pub fields: Vec<Field>,
    /// The field that gets the keys.
    pub at: usize,
    /// Whether something was typed, so that nothing may replace it.
    pub touched: bool,
    /// What is wrong.
    pub problem: Option<String>,
}

fn is_text(param: &Param) -> bool {
    let hint = param.hint.as_deref().unwrap_or_default();
    let without = hint.trim_start_matches("Optional[").trim_end_matches(']');
    hint == "str" || without == "str" || hint.split('|').map(str::trim).eq(["str", "None"])
}

impl Form {
    /// An empty form.
    pub fn new(app: &AppInfo) -> Self {
        let field = |param: &Param| Field { param: param.clone(), editor: Editor::default() };
        Form {
            app: app.name.clone(),
            fields: app.params.iter().map(field).collect(),
            at: 0,
            touched: false,
            problem: None,
        }
    }

    /// Fills the fields from an input: an object by parameter name, or the value of the only parameter.
    pub fn fill(&mut self, input: &Value) {
        let only = self.fields.len() == 1;
        for field in &mut self.fields {
            let value = match input {
                // A run to which nothing was given.
                Value::Object(map) if map.is_empty() => None,
                Value::Object(map) if !only || map.contains_key(&field.param.name) => {
                    map.get(&field.param.name)
                }
                other if only => Some(other),
                _ => None,
            };
            let text = match value {
                None => continue,
                Some(Value::String(text)) if is_text(&field.param) && !text.contains(['\n', '\r', '\t']) => {
                    text.clone()
                }
                Some(other) => other.to_string(),
            };
            field.editor = Editor::new(&text);
        }
    }

    /// The input as an object by parameter name.
    pub fn input(&self) -> Result<Value, (usize, String)> {
        let mut out = Map::new();
        for (i, field) in self.fields.iter().enumerate() {
            let text = field.editor.value();
            let name = &field.param.name;
            if text.trim().is_empty() {
                if field.param.default.is_some() {
                    continue;
                }
                if is_text(&field.param) {
                    out.insert(name.clone(), Value::String(String::new()));
                    continue;
                }
                return Err((i, format!("{name} is needed.")));
            }
            let value = match serde_json::from_str::<Value>(&text) {
                // "5" typed for a text is the text 5; a text in quotes is what is quoted.
                Ok(Value::String(inner)) => Value::String(inner),
                Ok(_) | Err(_) if is_text(&field.param) => Value::String(text),
                Ok(value) => match beyond_64_bits(&text) {
                    None => value,
                    Some(number) => {
                        let why = "is beyond 64 bits and would be rounded: put it in quotes";
                        return Err((i, format!("{name}: {number} {why}.")));
                    }
                },
                Err(_) if field.param.hint.is_none() => Value::String(text),
                Err(why) => return Err((i, format!("{name} is not JSON yet: {why}."))),
            };
            out.insert(name.clone(), value);
        }
        Ok(Value::Object(out))
    }

    /// What `$EDITOR` gets: the input as far as it is one, else an empty value for each parameter.
    pub fn pretty(&self) -> String {
        let value = self.input().unwrap_or_else(|_| {
            let empty = |field: &Field| (field.param.name.clone(), Value::Null);
            Value::Object(self.fields.iter().map(empty).collect())
        });
        serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(params: &[(&str, Option<&str>, Option<&str>)]) -> Form {
        let param = |(name, hint, default): &(&str, Option<&str>, Option<&str>)| Param {
            name: (*name).to_owned(),
            hint: hint.map(str::to_owned),
            default: default.map(str::to_owned),
        };
        let params = params.iter().map(param).collect();
        Form::new(&AppInfo { name: "app".to_owned(), params, ..AppInfo::default() })
    }

    fn typed(hint: Option<&str>, default: Option<&str>, text: &str) -> Result<Value, (usize, String)> {
        let mut form = form(&[("x", hint, default)]);
        form.fields[0].editor = Editor::new(text);
        form.input()
    }

    #[test]
    fn hints_decide_what_is_text() {
        assert_eq!(typed(Some("str"), None, "tea"), Ok(json!({"x": "tea"})));
        assert_eq!(typed(Some("str"), None, "5"), Ok(json!({"x": "5"})));
        assert_eq!(typed(Some("str | None"), None, "\"a b\""), Ok(json!({"x": "a b"})));
        assert_eq!(typed(Some("int"), None, "5"), Ok(json!({"x": 5})));
        assert_eq!(typed(None, None, "plain"), Ok(json!({"x": "plain"})));
        assert_eq!(
            typed(Some("list[int]"), None, "[1"),
            Err((0, typed(Some("list[int]"), None, "[1").unwrap_err().1))
        );
    }

    #[test]
    fn integers_that_would_be_rounded_are_refused() {
        let why = typed(Some("int"), None, "[1, 99999999999999999999]").unwrap_err().1;
        assert!(why.contains("99999999999999999999") && why.contains("in quotes"), "{why}");
        assert_eq!(typed(Some("str"), None, "99999999999999999999").unwrap()["x"], "99999999999999999999");
        assert_eq!(typed(None, None, "\"99999999999999999999\"").unwrap()["x"], "99999999999999999999");
    }

    #[test]
    fn an_empty_field_is_left_out_or_needed() {
        assert_eq!(typed(Some("int"), Some("3"), " "), Ok(json!({})));
        assert_eq!(typed(Some("int"), None, ""), Err((0, "x is needed.".to_owned())));
        assert_eq!(typed(Some("str"), None, ""), Ok(json!({"x": ""})));
    }

    #[test]
    fn an_input_fills_the_form_and_comes_out_again() {
        let mut form = form(&[("a", Some("str"), None), ("b", Some("dict"), None), ("c", None, None)]);
        let input = json!({"a": "tea", "b": {"k": [1]}, "c": "two\nlines"});
        form.fill(&input);
        assert_eq!(form.input(), Ok(input));
        let mut form = self::form(&[("only", Some("list[int]"), None)]);
        form.fill(&json!([1, 2]));
        assert_eq!(form.input(), Ok(json!({"only": [1, 2]})));
        // What was left out in the last run is left out again, not given as an empty object.
        let mut form = self::form(&[("only", Some("int"), Some("3"))]);
        form.fill(&json!({}));
        assert_eq!(form.input(), Ok(json!({})));
    }
}
