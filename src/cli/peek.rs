//! A value as the inspector shows it: rows of a tree, turns of a conversation, a table, text, bytes.
//!
//! Read through a [`Reader`], so that only what is asked for is decoded. Nothing here is sanitised; drawing does that.

mod chat;
mod picture;

use crate::app::msg::{Ask, ValueRow, ValueView};
use crate::app::tone::{Line, Tone};
use crate::base::text;
use crate::source::{TokenKind, highlight};
use crate::value::UnpackError;
use crate::value::lazy::{Child, Key, Kind, Place, Reader};
use crate::value::lens;
use crate::value::look::{self, Carried, Look, Prose};

/// Bytes of one text that are shown for each page that is asked for.
const TEXT: usize = 64 << 10;
/// Characters of a row.
const GLANCE: usize = 400;
/// Bytes in a row of a dump.
const DUMP: usize = 16;
/// Rows that a value may have and still begin unfolded one more level.
const SMALL: u64 = 60;
/// Files of one value that are shown as pictures.
const PICTURES: usize = 8;
/// Levels that begin unfolded.
const LEVELS: usize = 3;

type Read<T> = Result<T, UnpackError>;

/// Makes the rows that are asked for.
pub fn peek(reader: &Reader<'_>, root: &Place, ask: &Ask) -> Read<ValueView> {
    look_into(reader, root, ask).map(|(view, _)| view)
}

/// The file with this number among those that come up when this is asked for.
pub fn file(reader: &Reader<'_>, root: &Place, ask: &Ask, nth: usize) -> Read<Option<Carried>> {
    look_into(reader, root, ask).map(|(_, files)| files.into_iter().nth(nth))
}

fn look_into(reader: &Reader<'_>, root: &Place, ask: &Ask) -> Read<(ValueView, Vec<Carried>)> {
    let mut out = Rows { reader, ask, rows: Vec::new(), cut: None, files: Vec::new() };
    let mut view = out.view(root)?;
    view.rows = out.rows;
    view.cut = out.cut;
    Ok((view, out.files))
}

impl Rows<'_, '_> {
    /// Fills the rows; what else is known of the value.
    fn view(&mut self, root: &Place) -> Read<ValueView> {
        let reader = self.reader;
        let as_is = |look: &str| ValueView {
            look: look.to_owned(),
            has_other: true,
            extension: "json",
            ..ValueView::default()
        };
        if !self.ask.plain {
            if let Some(response) = lens::response(reader, root)?
                && !response.answers.is_empty()
            {
                let answer = Some(self.response(&response)?);
                return Ok(ValueView { answer, ..as_is(response.api.word()) });
            }
            if let Some(request) = lens::request(reader, root)? {
                self.request(&request)?;
                return Ok(as_is("conversation"));
            }
        }
        let look = if self.ask.plain { Look::Tree } else { look::look(reader, root)? };
        let kind = match &look {
            Look::Conversation(place, count) => {
                self.conversation(place, *count)?;
                "conversation"
            }
            Look::Message(place) => {
                self.turn(place)?;
                "message"
            }
            Look::Table { columns, rows } => {
                self.table(root, columns, *rows)?;
                "table"
            }
            Look::Text(prose) => {
                self.text(root, *prose)?;
                match prose {
                    Prose::Markdown => "markdown",
                    Prose::Code(language) => language,
                    Prose::Json => "JSON in a string",
                    Prose::Plain => "text",
                }
            }
            Look::Carried(file) => {
                self.carried(file);
                // How a file is wrapped says little; `o` shows it.
                if let Some(bytes) = file.bytes() {
                    self.rows.push(ValueRow::Text { text: String::new(), markdown: false });
                    self.dump(bytes)?;
                }
                file.media.name
            }
            Look::Bytes => {
                self.dump(root)?;
                "bytes"
            }
            Look::Tree | Look::Scalar => {
                self.tree(root)?;
                "tree"
            }
        };
        let other = !matches!(look, Look::Tree | Look::Scalar) || self.ask.plain;
        Ok(ValueView { has_other: other, extension: look.extension(), ..as_is(kind) })
    }
}

struct Rows<'a, 's> {
    reader: &'a Reader<'s>,
    ask: &'a Ask,
    rows: Vec<ValueRow>,
    cut: Option<String>,
    /// The files that came up.
    files: Vec<Carried>,
}

impl Rows<'_, '_> {
    fn full(&self) -> bool {
        self.rows.len() >= self.ask.rows
    }

    fn left_out(&mut self, n: u64, what: &str) {
        if n > 0 {
            self.cut = Some(format!("{} more below", text::count(n, what)));
        }
    }

    /// A row for a file.
    fn carried(&mut self, file: &Carried) {
        let picture = if self.files.len() < PICTURES { picture::of(self.reader, file) } else { None };
        let (words, nth) = (file.words(), self.files.len());
        self.rows.push(ValueRow::File { words, nth, extension: file.media.extension(), picture });
        self.files.push(file.clone());
    }

    // A value that is small as a whole begins unfolded; a large one with its first level.
    fn tree(&mut self, root: &Place) -> Read<()> {
        let shape = self.reader.shape(root)?;
        let mut path = Vec::new();
        if shape.kind == Kind::Str && shape.scalar.is_none() {
            return self.text(root, Prose::Plain);
        }
        self.node(None, root, &mut path)
    }

    fn node(&mut self, key: Option<&Key>, place: &Place, path: &mut Vec<u64>) -> Read<()> {
        if self.full() {
            self.cut.get_or_insert_with(|| "more below".to_owned());
            return Ok(());
        }
        let shape = self.reader.shape(place)?;
        let foldable = shape.kind.has_children() && shape.count > 0 && shape.scalar.is_none();
        let automatic =
            path.is_empty() || (path.len() < LEVELS && shape.count <= SMALL / (path.len() as u64 + 1));
        let open = foldable && self.ask.folds.get(path).copied().unwrap_or(automatic);
        let named = key.map(|key| match key {
            Key::Index(index) => format!("[{index}]"),
            Key::Name(_) | Key::Other(_) => key.words(),
        });
        // What stands below says it all; folded, one line has to.
        let file = if open { None } else { look::carried(self.reader, place)? };
        let glance = match &file {
            _ if open => String::new(),
            Some(file) => file.words(),
            None => self.reader.glance(place, GLANCE)?,
        };
        let word = match (&shape.class, shape.kind) {
            (Some(class), _) => class.rsplit('.').next().unwrap_or(class).to_owned(),
            (None, kind) => kind.word().to_owned(),
        };
        let kind = match shape.kind {
            // What the file is says how many bytes it has.
            Kind::Bytes | Kind::ByteArray if file.is_some() => word,
            Kind::Str | Kind::Bytes | Kind::ByteArray if shape.scalar.is_none() => {
                format!("{word} {}", text::bytes(shape.count))
            }
            _ if foldable => format!("{word}[{}]", shape.count),
            _ => word,
        };
        let (path_here, long) = (path.clone(), shape.kind == Kind::Str && shape.count > 60);
        let is_text = shape.kind == Kind::Str && shape.scalar.is_none();
        let extension = match (&file, shape.kind) {
            (Some(file), _) => file.media.extension(),
            (None, Kind::Str) => "txt",
            (None, Kind::Bytes | Kind::ByteArray) => "bin",
            _ => "json",
        };
        let row = ValueRow::Node {
            path: path_here,
            key: named,
            kind,
            text: glance,
            foldable,
            open,
            is_text,
            extension,
        };
        self.rows.push(row);
        if long && self.ask.folds.get(path) == Some(&true) {
            self.text(place, Prose::Plain)?;
        }
        if !open {
            return Ok(());
        }
        let mut at = 0;
        while at < shape.count {
            let left = self.ask.rows.saturating_sub(self.rows.len());
            let window: Vec<Child> =
                if left == 0 { Vec::new() } else { self.reader.children(place, at, left.min(256))? };
            if window.is_empty() {
                self.left_out(shape.count - at, "element");
                break;
            }
            for child in &window {
                path.push(at);
                self.node(Some(&child.key), &child.place, path)?;
                path.pop();
                at += 1;
            }
        }
        Ok(())
    }

    fn text(&mut self, place: &Place, prose: Prose) -> Read<()> {
        let most = TEXT.saturating_mul(self.ask.rows.div_ceil(Ask::PAGE).max(1));
        let window = self.reader.text(place, 0, most)?;
        if window.to < window.total {
            self.cut = Some(format!("{} more below", text::bytes(window.total - window.to)));
        }
        if prose == Prose::Code("python") {
            self.rows.extend(coloured(&window.text).into_iter().map(ValueRow::Styled));
            return Ok(());
        }
        let markdown = prose == Prose::Markdown;
        self.rows.extend(window.text.lines().map(|line| ValueRow::Text { text: line.to_owned(), markdown }));
        Ok(())
    }

    fn table(&mut self, list: &Place, columns: &[String], count: u64) -> Read<()> {
        self.rows.push(ValueRow::Cells { cells: columns.to_vec(), heading: true });
        let mut at = 0;
        while at < count && !self.full() {
            let left = self.ask.rows.saturating_sub(self.rows.len()).min(128);
            let window = self.reader.children(list, at, left)?;
            if window.is_empty() {
                break;
            }
            for child in &window {
                let fields = self.reader.children(&child.place, 0, columns.len())?;
                let cell = |name: &String| {
                    let found = fields.iter().find(|field| field.key.words() == *name);
                    found.map_or(Ok(String::new()), |field| self.reader.glance(&field.place, 120))
                };
                let cells: Vec<String> = columns.iter().map(cell).collect::<Read<_>>()?;
                self.rows.push(ValueRow::Cells { cells, heading: false });
                at += 1;
            }
        }
        self.left_out(count - at, "row");
        Ok(())
    }

    fn dump(&mut self, place: &Place) -> Read<()> {
        let most = self.ask.rows.saturating_mul(DUMP);
        let window = self.reader.bytes(place, 0, most)?;
        for (i, chunk) in window.data.chunks(DUMP).enumerate() {
            self.rows.push(ValueRow::Dump { offset: (i * DUMP) as u64, bytes: chunk.to_vec() });
        }
        let left = window.total - window.data.len() as u64;
        if left > 0 {
            self.cut = Some(format!("{} more below", text::bytes(left)));
        }
        Ok(())
    }
}

/// Python text in lines of coloured pieces.
pub fn coloured(source: &str) -> Vec<Line> {
    let mut out = vec![Line::new()];
    let mut push = |tone: Tone, piece: &str| {
        for (i, part) in piece.split('\n').enumerate() {
            if i > 0 {
                out.push(Line::new());
            }
            let part = part.strip_suffix('\r').unwrap_or(part);
            if !part.is_empty()
                && let Some(line) = out.last_mut()
            {
                line.push((tone, part.replace('\t', "    ")));
            }
        }
    };
    let mut at = 0;
    for token in highlight(source) {
        push(Tone::Text, source.get(at..token.range.start).unwrap_or_default());
        push(code_tone(token.kind), source.get(token.range.clone()).unwrap_or_default());
        at = token.range.end;
    }
    push(Tone::Text, source.get(at..).unwrap_or_default());
    if source.ends_with('\n') {
        out.pop();
    }
    out
}

fn code_tone(kind: TokenKind) -> Tone {
    match kind {
        TokenKind::Keyword => Tone::CodeKeyword,
        TokenKind::String => Tone::CodeString,
        TokenKind::Number => Tone::CodeNumber,
        TokenKind::Comment => Tone::CodeComment,
        TokenKind::Definition | TokenKind::Decorator => Tone::CodeName,
        TokenKind::Name | TokenKind::Operator | TokenKind::Builtin => Tone::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::value::{NodeError, NodeSink, NodeSource, StoredNode, pack_json};
    use serde_json::json;
    use std::cell::RefCell;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Memory(RefCell<HashMap<Digest, (bytes::Bytes, Vec<Digest>)>>);

    impl NodeSink for &Memory {
        fn put(&mut self, digest: Digest, data: bytes::Bytes, children: Vec<Digest>) {
            self.0.borrow_mut().insert(digest, (data, children));
        }
    }

    impl NodeSource for Memory {
        fn get(&self, digest: &Digest) -> Result<StoredNode, NodeError> {
            let held = self.0.borrow();
            held.get(digest)
                .map(|(data, _)| StoredNode { data: data.clone(), verified: false })
                .ok_or(NodeError::Missing)
        }
    }

    fn peeked(value: &serde_json::Value, ask: &Ask) -> ValueView {
        let memory = Memory::default();
        let packed = pack_json(value, &mut &memory);
        let reader = Reader::new(&memory);
        let root = reader.open(&packed.digest, packed.inline.as_deref()).unwrap();
        peek(&reader, &root, ask).unwrap()
    }

    fn shown(view: &ValueView) -> Vec<String> {
        let row = |row: &ValueRow| match row {
            ValueRow::Node { path, key, kind, text, .. } => {
                format!("{path:?} {} {kind} {text}", key.as_deref().unwrap_or("-"))
            }
            ValueRow::Text { text, .. } | ValueRow::Fact(text) => text.clone(),
            ValueRow::Turn { role, .. } => format!("<{role}>"),
            ValueRow::Tool { name, text, .. } => format!("{name}({text})"),
            ValueRow::Cells { cells, .. } => cells.join("|"),
            ValueRow::Styled(line) => line.iter().map(|(_, piece)| piece.as_str()).collect(),
            ValueRow::Dump { bytes, .. } => format!("{bytes:?}"),
            ValueRow::File { words, nth, .. } => format!("file {nth}: {words}"),
        };
        view.rows.iter().map(row).collect()
    }

    #[test]
    fn a_tree_unfolds_where_it_is_small_or_asked_for() {
        let value = json!({"a": {"b": [1, 2]}, "long": (0..500).collect::<Vec<_>>()});
        let view = peeked(&value, &Ask::default());
        assert_eq!(shown(&view)[..3], ["[] - dict[2] ", "[0] a dict[1] ", "[0, 0] b list[2] "]);
        assert_eq!(shown(&view).last().unwrap(), "[1] long list[500] 500 items");
        let ask = Ask { folds: [(vec![0], false), (vec![1], true)].into(), ..Ask::default() };
        let view = peeked(&value, &ask);
        assert_eq!(shown(&view)[1], "[0] a dict[1] {b: [1, 2]}");
        assert_eq!(view.rows.len(), 3 + 500);
    }

    #[test]
    fn no_more_rows_than_asked_for() {
        let value = json!((0..5_000).collect::<Vec<_>>());
        let view = peeked(&value, &Ask::default());
        assert_eq!((view.rows.len(), view.cut.as_deref()), (Ask::PAGE, Some("4001 elements more below")));
        let view = peeked(&value, &Ask { rows: 6_000, ..Ask::default() });
        assert_eq!((view.rows.len(), view.cut), (5_001, None));
    }

    #[test]
    fn questions_and_answers_of_models_are_conversations() {
        let asked = json!({"model": "gpt-x", "temperature": 0.5, "messages": [{"role": "user", "content": "hi"}],
            "tools": [{"type": "function", "function": {"name": "find"}}], "tries": 3});
        let view = peeked(&asked, &Ask::default());
        let rows = ["gpt-x   temperature 0.5   tools find", "tries  3", "", "<user>", "hi"];
        assert_eq!((view.look.as_str(), shown(&view)), ("conversation", rows.map(str::to_owned).to_vec()));
        let answer = json!({"model": "gpt-x", "choices": [{"finish_reason": "stop", "index": 0,
            "message": {"role": "assistant", "content": "Hello"}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}});
        let view = peeked(&answer, &Ask::default());
        assert_eq!(shown(&view), ["<assistant>", "Hello"]);
        let head = view.answer.unwrap();
        assert_eq!((head.model.as_deref(), head.finish.as_deref()), (Some("gpt-x"), Some("stop")));
        assert_eq!(head.tokens.unwrap().words(), "in 9 (4 cached)   out 2");
    }

    #[test]
    fn conversations_and_tables_have_a_look_of_their_own_and_a_tree() {
        let call = json!({"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{\"q\": 1}"}});
        let chat = json!([
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
        ]);
        let view = peeked(&chat, &Ask::default());
        assert_eq!(view.look, "conversation");
        assert_eq!(shown(&view), ["<user>", "hello", "", "<assistant>", "search(q  1)"]);
        let plain = peeked(&chat, &Ask { plain: true, ..Ask::default() });
        assert!(plain.has_other && matches!(plain.rows[0], ValueRow::Node { .. }));
        let table = json!([{"x": 1, "y": "a"}, {"x": 2, "y": "b"}, {"x": 3, "y": "c"}]);
        assert_eq!(shown(&peeked(&table, &Ask::default()))[..2], ["x|y", "1|\"a\""]);
    }

    #[test]
    fn python_is_coloured_without_losing_a_character() {
        let source = "def f(x):\n    return 'a'  # b\n\nf(1)\n";
        let lines: Vec<String> = coloured(source)
            .iter()
            .map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect())
            .collect();
        assert_eq!(lines.join("\n") + "\n", source);
    }
}
