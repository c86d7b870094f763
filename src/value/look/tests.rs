use proptest::prelude::*;
use serde_json::json;

use super::super::fixtures::{Memory, any_value, real};
use super::super::tree::Value;
use super::super::{from_plain_json, pickle};
use super::*;

fn looked(value: Value) -> String {
    let nothing = Memory::default();
    let reader = Reader::new(&nothing);
    match look(&reader, &Place::from(value)).unwrap() {
        Look::Conversation(_, count) => format!("conversation {count}"),
        Look::Message(_) => "message".to_owned(),
        Look::Table { columns, rows } => format!("table {rows} {}", columns.join(",")),
        other => format!("{other:?}"),
    }
}

fn json(value: serde_json::Value) -> Value {
    from_plain_json(&value)
}

#[test]
fn shapes_of_data_are_told_apart() {
    let user = json!({"role": "user", "content": "hi"});
    for (value, expected) in [
        (json!([user, {"role": "assistant", "content": null, "tool_calls": []}]), "conversation 2"),
        (json!({"messages": [user]}), "conversation 1"),
        (json!({"messages": [user], "model": "gpt-4o"}), "Tree"),
        (user.clone(), "message"),
        (json!({"choices": [{"message": user}], "usage": {}}), "message"),
        (json!([user, {"city": "Rome"}]), "Tree"),
        (json!([{"city": "Rome", "days": 3}, {"city": "Oslo", "days": 1}]), "table 2 city,days"),
        (json!([{"city": "Rome"}, {"town": "Oslo"}]), "Tree"),
        (json!([{"city": "Rome"}]), "Tree"),
        (json!([1, 2, 3]), "Tree"),
        (json!([]), "Tree"),
        (json!(3), "Scalar"),
        (json!("hello"), "Text(Plain)"),
        (json!("{\"a\": [1, 2]}"), "Text(Json)"),
        (json!("{not json}"), "Text(Plain)"),
        (json!("# Plan\n\n- first\n- second\n"), "Text(Markdown)"),
        (json!("Some **bold** words and a [link](http://x).\nMore."), "Text(Markdown)"),
        (json!("import os\n\ndef f(x):\n    return x\n\nclass A:\n    pass\n"), "Text(Code(\"python\"))"),
        (json!("# How\n\nUse it:\n\n```python\nimport os\ndef f():\n    return 1\n```\n"), "Text(Markdown)"),
        (json!("SELECT a\nFROM t\nWHERE b = 1"), "Text(Code(\"sql\"))"),
        (json!("diff --git a/x b/x\n"), "Text(Code(\"diff\"))"),
        (json!("<!DOCTYPE html><html></html>"), "Text(Code(\"html\"))"),
        (json!("I import things from there.\nThen I let it be.\n"), "Text(Plain)"),
    ] {
        assert_eq!(looked(json(value.clone())), expected, "{value}");
    }
    assert_eq!(looked(Value::Bytes("plain text".as_bytes().to_vec().into())), "Text(Plain)");
    assert_eq!(looked(Value::Bytes(vec![1, 2, 3, 0].into())), "Bytes");
    // A multi-byte character across the border of what is looked at.
    assert_eq!(looked(Value::Bytes("日".repeat(HEAD).into_bytes().into())), "Text(Plain)");
}

fn sized(data: &[u8]) -> Option<(&'static str, Option<(u32, u32)>)> {
    media(data).map(|media| (media.mime, media.size))
}

#[test]
fn images_tell_their_size() {
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 0, 2, 128, 0, 0, 1, 224], &[8, 2]].concat();
    assert_eq!(sized(&png), Some(("image/png", Some((640, 480)))));
    assert_eq!(sized(&png[..10]), Some(("image/png", None)));
    // JPEG: APP0, a table, fill bytes, then the frame.
    let jpeg = [
        &b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x02\0\0\x01\0\x01\0\0"[..],
        b"\xff\xdb\0\x04ab",
        b"\xff\xff\xc2\0\x11\x08\x01\xe0\x02\x80\x03",
    ]
    .concat();
    assert_eq!(sized(&jpeg), Some(("image/jpeg", Some((640, 480)))));
    assert_eq!(sized(b"\xff\xd8\xff\xda\0\x02"), Some(("image/jpeg", None)));
    assert_eq!(sized(b"GIF89a\x80\x02\xe0\x01rest"), Some(("image/gif", Some((640, 480)))));
    assert_eq!(
        sized(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0"),
        Some(("image/webp", Some((640, 480))))
    );
    let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01";
    assert_eq!(sized(lossy), Some(("image/webp", Some((640, 480)))));
    let bits: u32 = 639 | 479 << 14;
    let lossless = [&b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f"[..], &bits.to_le_bytes()].concat();
    assert_eq!(sized(&lossless), Some(("image/webp", Some((640, 480)))));
    let bmp = [&b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0"[..], &640u32.to_le_bytes(), &(-480i32).to_le_bytes()]
        .concat();
    assert_eq!(sized(&bmp), Some(("image/bmp", Some((640, 480)))));
    assert_eq!(sized(b"BMW is a make of cars, and this is a text"), None);
}

#[test]
fn other_types_are_known_by_their_marks() {
    for (data, mime) in [
        (&b"%PDF-1.7\n"[..], "application/pdf"),
        (b"PK\x03\x04\x14\0\0\0\0\0", "application/zip"),
        (b"\x1f\x8b\x08\0", "application/gzip"),
        (b"SQLite format 3\0", "application/vnd.sqlite3"),
        (b"\x80\x04\x95\x01", "application/x-pickle"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
    ] {
        assert_eq!(sized(data).map(|(mime, _)| mime), Some(mime));
    }
    let office = [&b"PK\x03\x04"[..], &[0; 26], b"[Content_Types].xml"].concat();
    assert_eq!(media(&office).unwrap().name, "Office document");
    let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
    assert_eq!(media(&tar).unwrap().name, "tar archive");
    let url = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    assert!(looked(Value::str(url)).contains("size: Some((1, 1))"));
}

/// A PNG of 320 by 200 pixels, as far as anybody looks, in base64.
fn image() -> (Vec<u8>, String) {
    let head = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 0, 1, 64, 0, 0, 0, 200], &[8; 60]].concat();
    let text = super::super::view::encoding::base64(&head);
    (head, text)
}

fn file(value: Value) -> Option<(String, Vec<u8>)> {
    let nothing = Memory::default();
    let reader = Reader::new(&nothing);
    let found = carried(&reader, &Place::from(value)).unwrap()?;
    let bytes = found.read(&reader).unwrap();
    assert!((found.len as i64 - bytes.len() as i64).abs() <= 4, "{found:?}");
    Some((found.words(), bytes))
}

#[test]
fn files_are_found_in_what_wraps_them() {
    let (bytes, text) = image();
    let url = format!("data:image/png;base64,{text}");
    let words = "PNG image (image/png), 320 × 200, 84 B".to_owned();
    for value in [
        json!(text),
        json!(url),
        json!({"type": "image_url", "image_url": {"url": url, "detail": "low"}}),
        json!({"type": "image_url", "image_url": url}),
        json!({"type": "input_image", "image_url": url}),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": text}}),
        json!({"inline_data": {"mime_type": "image/png", "data": text}}),
        json!({"inlineData": {"mimeType": "image/webp", "data": text}}),
        json!({"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": text}),
        json!({"type": "file", "file": {"filename": "a.png", "file_data": url}}),
        // Line breaks, as `base64.encodebytes` makes them.
        json!(
            text.as_bytes()
                .chunks(76)
                .map(|line| String::from_utf8_lossy(line).into_owned() + "\n")
                .collect::<String>()
        ),
    ] {
        let found = file(json(value.clone())).unwrap_or_else(|| panic!("{value}"));
        assert_eq!(found.1, bytes, "{value}");
        // How many line breaks there are is not known before all is read.
        assert!(found.0 == words || value.to_string().contains("\\n"), "{} {value}", found.0);
    }
    let wav = [&b"RIFF\0\0\0\0WAVE"[..], &[1; 50]].concat();
    let sound = json!({"type": "input_audio", "input_audio": {"format": "wav", "data": super::super::view::encoding::base64(&wav)}});
    assert_eq!(file(json(sound)).unwrap(), ("WAV audio (audio/wav), 62 B".to_owned(), wav));
    let page = Value::dict(vec![
        (Value::str("_content"), Value::Bytes(b"<p>hello</p>".to_vec().into())),
        (Value::str("_content_type"), Value::str("text/html")),
    ]);
    assert_eq!(file(page).unwrap(), ("HTML page (text/html), 12 B".to_owned(), b"<p>hello</p>".to_vec()));
}

#[test]
fn what_only_begins_like_a_file_is_none() {
    let (_, text) = image();
    for value in [
        json!("a long word of letters only, and more of them, and more of them, and more"),
        json!("/9j/is/a/path/of/many/folders/and/not/a/jpeg/though/it/begins/like/one"),
        json!("QUJD".repeat(40)),
        json!({"role": "user", "content": text, "n": 1}),
        json!({"type": "text", "text": text}),
        json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}),
        json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}}),
        json!({"content_type": "application/json", "content": "eyJhIjogMX0"}),
        json!({"media_type": "image/png", "data": 3}),
    ] {
        assert_eq!(file(json(value.clone())), None, "{value}");
    }
    let elsewhere = json!({"type": "image", "source": {"type": "url", "url": "https://x/a.png"}});
    let nothing = Memory::default();
    let found = linked(&Reader::new(&nothing), &Place::from(json(elsewhere))).unwrap();
    assert_eq!(found.as_deref(), Some("https://x/a.png"));
}

#[test]
fn ends_of_names_run_nothing() {
    let media = |mime, name| Media { mime, name, size: None };
    let ends = [
        "image/png",
        "image/jpeg",
        "application/pdf",
        "application/x-elf",
        "application/x-pickle",
        "text/html",
    ]
    .map(|mime| media(mime, "").extension());
    assert_eq!(ends, ["png", "jpg", "pdf", "bin", "bin", "html"]);
}

fn parts(value: serde_json::Value) -> (Turn, Vec<String>) {
    let nothing = Memory::default();
    let reader = Reader::new(&nothing);
    let turn = turn(&reader, &Place::from(json(value))).unwrap().unwrap();
    let glance = |place: &Place| reader.glance(place, 60).unwrap();
    let words = turn
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(place) => format!("text {}", glance(place)),
            Part::Thinking(place) => format!("thinking {}", glance(place)),
            Part::ToolCall { id, name, arguments } => {
                format!("call {id:?} {name} {}", arguments.as_ref().map(&glance).unwrap_or_default())
            }
            Part::ToolResult { id, content, failed } => {
                format!("result {id:?} {} {failed}", content.as_ref().map(&glance).unwrap_or_default())
            }
            Part::Attachment(_) => "attachment".to_owned(),
            Part::Other(place) => format!("other {}", glance(place)),
        })
        .collect();
    (turn, words)
}

#[test]
fn messages_of_the_common_providers_are_read() {
    let (turn, words) = parts(json!({"role": "assistant", "content": "let me see", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{\"q\": 1}"}}]}));
    assert_eq!(turn.role, "assistant");
    assert_eq!(words, ["text \"let me see\"", "call Some(\"c1\") search \"{\"q\": 1}\""]);
    let (turn, words) =
        parts(json!({"role": "tool", "tool_call_id": "c1", "name": "search", "content": "5 hits"}));
    assert_eq!((turn.answers.as_deref(), turn.name.as_deref()), (Some("c1"), Some("search")));
    assert_eq!(words, ["text \"5 hits\""]);
    let (_, words) = parts(json!({"role": "user", "content": [
        {"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": "http://x"}}]}));
    assert_eq!(words, ["text \"what is this?\"", "attachment"]);
    let (_, words) = parts(json!({"role": "assistant", "content": [
        {"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "id": "t1", "name": "search", "input": {"q": 1}}]}));
    assert_eq!(words, ["thinking \"hm\"", "call Some(\"t1\") search {q: 1}"]);
    let (_, words) = parts(json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": true}]}));
    assert_eq!(words, ["result Some(\"t1\") \"no\" true"]);
    let (turn, words) = parts(json!({"role": "model", "parts": [
        {"text": "hi"}, {"functionCall": {"name": "search", "args": {"q": 1}}},
        {"functionResponse": {"name": "search", "response": {"hits": 5}}}]}));
    assert_eq!(turn.role, "model");
    assert_eq!(words, ["text \"hi\"", "call None search {q: 1}", "result Some(\"search\") {hits: 5} false"]);
    let (turn, words) =
        parts(json!({"type": "ai", "content": "", "tool_calls": [{"name": "f", "args": {}, "id": "1"}]}));
    assert_eq!(turn.role, "assistant");
    assert_eq!(words, ["text \"\"", "call Some(\"1\") f {}"]);
}

#[test]
fn a_real_chat_completion_is_a_message() {
    let value = pickle::read(&real("chat")).unwrap().value;
    assert_eq!(looked(value), "message");
}

proptest! {
    #[test]
    fn any_value_has_a_look(value in any_value()) {
        looked(value);
    }

    #[test]
    fn any_bytes_have_a_look(mark in 0usize..42, bytes in prop::collection::vec(any::<u8>(), 0..80), text in any::<String>()) {
        // What begins like something known and goes on wildly.
        let marks: [&[u8]; 6] = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"GIF89a", b"RIFF0000WEBPVP8X", b"BM", b""];
        let data = [marks[mark % 6], &bytes[..]].concat();
        media(&data);
        let url = format!("data:image/png;base64,{}", super::super::view::encoding::base64(&data));
        looked(Value::str(&url));
        looked(Value::str(url.get(23..).unwrap_or_default()));
        looked(Value::Bytes(data.into()));
        prose(&text, true);
        prose(&text, false);
        prose(&format!("{{{text}"), false);
    }
}
