//! TOML whose values know the file and line that they stand in, so that a mistake can be pointed at.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where something was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The file as the user knows it.
    pub file: String,
    /// 1-based.
    pub line: usize,
}

impl Place {
    /// A sentence about this place: `keys.toml:3: there is no command "rnu".`
    pub fn says(&self, sentence: &str) -> String {
        format!("{}:{}: {sentence}", self.file, self.line)
    }
}

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    List(Vec<Value>),
    /// A table.
    Table(Table),
    /// A kind of value that no setting has.
    Other,
}

/// One line of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// The name.
    pub key: String,
    /// Where the name stands.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// A table, in the order of the file.
pub type Table = Vec<Entry>;

/// Reads a file's text; the error names file and line.
pub fn read(file: &str, text: &str) -> Result<Table, String> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let place = |at: usize| Place {
        file: file.to_owned(),
        line: starts.partition_point(|start| *start <= at).max(1),
    };
    match DeTable::parse(text) {
        Ok(table) => Ok(owned(table.get_ref(), &place)),
        Err(error) => {
            Err(place(error.span().map_or(0, |span| span.start)).says(&format!("{}.", error.message())))
        }
    }
}

/// The entry with this name.
pub fn get<'t>(table: &'t [Entry], key: &str) -> Option<&'t Entry> {
    table.iter().find(|entry| entry.key == key)
}

/// The table with this name; empty when there is none.
pub fn table<'t>(of: &'t [Entry], key: &str) -> &'t [Entry] {
    match get(of, key).map(|entry| &entry.value) {
        Some(Value::Table(table)) => table,
        _ => &[],
    }
}

fn owned(table: &DeTable<'_>, place: &dyn Fn(usize) -> Place) -> Table {
    let mut entries: Vec<(usize, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let at = key.span().start;
            (at, Entry { key: key.get_ref().to_string(), place: place(at), value: owned_value(value, place) })
        })
        .collect();
    entries.sort_by_key(|(at, _)| *at);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn owned_value(value: &Spanned<DeValue<'_>>, place: &dyn Fn(usize) -> Place) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Other, Value::Number)
        }
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Array(items) => Value::List(items.iter().map(|item| owned_value(item, place)).collect()),
        DeValue::Table(table) => Value::Table(owned(table, place)),
        DeValue::Float(_) | DeValue::Datetime(_) => Value::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_know_their_lines() {
        let all = read("a.toml", "# first\nx = 1\n\n[keys]\nrun = ['r', \"g r\"]\nquit = 'q'\n").unwrap();
        assert_eq!(get(&all, "x").unwrap().place.line, 2);
        let keys = table(&all, "keys");
        assert_eq!(
            keys.iter().map(|e| (e.key.as_str(), e.place.line)).collect::<Vec<_>>(),
            [("run", 5), ("quit", 6)]
        );
        assert_eq!(keys[0].value, Value::List(vec![Value::Text("r".into()), Value::Text("g r".into())]));
        assert!(table(&all, "nothing").is_empty());
    }

    #[test]
    fn mistakes_name_file_and_line() {
        let why = read("a.toml", "x = 1\ny = = 2\n").unwrap_err();
        assert!(why.starts_with("a.toml:2: "), "{why}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC*|[a-z=\\[\\]\n'\" .0-9{}]*") {
            let _ = read("x", &text);
        }
    }
}
