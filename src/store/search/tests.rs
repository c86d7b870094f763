use super::*;
use crate::store::{Options, Store};

fn store(dir: &Path) -> Store {
    Store::open(dir, Options::default()).unwrap()
}

fn add(index: &mut SearchIndex, run: &str, texts: &[&str]) {
    let run = RunId::from_text(run);
    let batch = index.begin(&run, 0).unwrap().unwrap();
    batch.run("agent", 7).unwrap();
    for (i, text) in texts.iter().enumerate() {
        let (doc, new) =
            batch.doc(&crate::base::digest::Digest::of(text.as_bytes()), SearchField::Output).unwrap();
        if new {
            batch.text(doc, text).unwrap();
        }
        batch.place(doc, i as u32 + 1, SearchField::Output, i as u64 + 1).unwrap();
    }
    batch.commit(Mark { seq: texts.len() as u64, done: false }).unwrap();
}

fn found(index: &SearchIndex, word: &str) -> Vec<(String, u32)> {
    let mut matches = index.matches(word, &PlaceFilter::default()).unwrap();
    let docs = matches.take(10).unwrap();
    let places = docs.iter().filter_map(|doc| matches.places(*doc).unwrap());
    places.map(|places| (places.first.run.to_string(), places.first.call)).collect()
}

#[test]
fn a_batch_that_is_dropped_adds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = SearchIndex::open(&store(dir.path())).unwrap();
    let run = RunId::from_text("a");
    let batch = index.begin(&run, 0).unwrap().unwrap();
    let (doc, new) = batch.doc(&crate::base::digest::Digest::of(b"x"), SearchField::Output).unwrap();
    assert!(new);
    batch.text(doc, "refund").unwrap();
    drop(batch);
    assert!(index.marks().unwrap().is_empty());
    assert!(found(&index, "refund").is_empty());
    // Who comes second sees that the first was there.
    add(&mut index, "a", &["refund"]);
    assert!(index.begin(&run, 0).unwrap().is_none());
    assert!(index.begin(&run, 1).unwrap().is_some());
}

#[test]
fn forgotten_runs_leave_no_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = SearchIndex::open(&store(dir.path())).unwrap();
    add(&mut index, "a", &["only secretword here", "shared text"]);
    add(&mut index, "b", &["shared text", "another"]);
    assert_eq!(found(&index, "secretword"), [("a".to_owned(), 1)]);
    assert_eq!(found(&index, "shared"), [("b".to_owned(), 1)]);
    let kept = HashSet::from([RunId::from_text("b")]);
    assert_eq!(index.keep_only(&kept).unwrap(), 1);
    assert_eq!(index.keep_only(&kept).unwrap(), 0);
    assert!(found(&index, "secretword").is_empty());
    assert_eq!(found(&index, "shared"), [("b".to_owned(), 1)]);
    assert_eq!(index.size().unwrap().texts, 2);
    assert!(index.check().unwrap().is_empty());
    drop(index);
    let bytes = std::fs::read(dir.path().join("search.db")).unwrap();
    assert!(!bytes.windows(10).any(|window| window == b"secretword"), "the word is still in the file");
}

#[test]
fn an_index_that_is_damaged_or_foreign_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let file = dir.path().join("search.db");
    for damage in ["garbage", "format", "cut"] {
        let mut index = SearchIndex::open(&store).unwrap();
        assert!(index.marks().unwrap().is_empty(), "{damage}");
        add(&mut index, "a", &["refund"]);
        match damage {
            "format" => {
                index.db.execute("UPDATE meta SET value='0' WHERE key='format'", []).unwrap();
                drop(index);
            }
            "garbage" => {
                drop(index);
                std::fs::write(&file, vec![b'x'; 20_000]).unwrap();
            }
            _ => {
                drop(index);
                let bytes = std::fs::read(&file).unwrap();
                std::fs::write(&file, &bytes[..100]).unwrap();
            }
        }
        assert!(SearchIndex::look(&store).is_err(), "{damage}");
    }
    let index = SearchIndex::open(&store).unwrap();
    assert!(index.check().unwrap().is_empty());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn parts_lead_to_the_values_that_hold_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = SearchIndex::open(&store(dir.path())).unwrap();
    let run = RunId::from_text("a");
    let digest = |text: &str| crate::base::digest::Digest::of(text.as_bytes());
    let batch = index.begin(&run, 0).unwrap().unwrap();
    let (message, _) = batch.doc(&digest("message"), SearchField::Input).unwrap();
    batch.text(message, "Grüße from a shared message").unwrap();
    for call in 1..=2000 {
        let (list, _) = batch.doc(&digest(&format!("list {call}")), SearchField::Input).unwrap();
        batch.part(message, list).unwrap();
        batch.place(list, call, SearchField::Input, 1).unwrap();
    }
    batch.commit(Mark { seq: 1, done: true }).unwrap();
    // The list of the first call is in an older run, too.
    let older = RunId::from_text("b");
    let batch = index.begin(&older, 0).unwrap().unwrap();
    let (list, _) = batch.doc(&digest("list 1"), SearchField::Output).unwrap();
    batch.place(list, 9, SearchField::Output, 4).unwrap();
    batch.commit(Mark { seq: 4, done: true }).unwrap();
    let places = |word: &str, filter: PlaceFilter| {
        let mut matches = index.matches(word, &filter).unwrap();
        let docs = matches.take(9).unwrap();
        assert!(docs.is_empty() || docs == [message], "{docs:?}");
        assert!(matches.take(9).unwrap().is_empty());
        docs.first().map(|doc| matches.places(*doc).unwrap().unwrap())
    };
    assert_eq!(places("grusse", PlaceFilter::default()), None);
    let all = places("gruße", PlaceFilter::default()).unwrap();
    assert!(all.more && all.count >= 100, "{all:?}");
    let one = places("shared", PlaceFilter { run: Some(older), fields: vec![] }).unwrap();
    assert_eq!((one.count, one.more, one.first.call, one.first.field), (1, false, 9, SearchField::Output));
    // One output among thousands of inputs.
    let output = places("shared", PlaceFilter { run: None, fields: vec![SearchField::Output] }).unwrap();
    assert_eq!((output.count, output.first.call), (1, 9));
    assert_eq!(places("shared", PlaceFilter { run: None, fields: vec![SearchField::Log] }), None);
    let both = PlaceFilter { run: Some(run), fields: vec![SearchField::Output] };
    assert_eq!(index.matches("shared", &both).unwrap().places(message).unwrap(), None);
    let nowhere = PlaceFilter { run: Some(RunId::from_text("c")), fields: vec![] };
    assert_eq!(places("shared", nowhere), None);
}

#[test]
fn words_that_begin_alike_are_found_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = SearchIndex::open(&store(dir.path())).unwrap();
    add(&mut index, "a", &["refund refunds", "refunded Refund", "refuse", "refunding"]);
    add(&mut index, "b", &["refund of refunds refund", "reéfund"]);
    let of = |prefix: &str, most| index.beginning(prefix, most).unwrap();
    let words = ["refund", "refunded", "refunding", "refunds"];
    assert_eq!(of("refund", 4).unwrap(), words);
    assert_eq!(of("refund", 3), None, "too many");
    assert_eq!(of("refunds", 3).unwrap(), ["refunds"]);
    assert_eq!(of("nothing", 3).unwrap(), [""; 0]);
    assert_eq!(of("zzz", 3).unwrap(), [""; 0]);
    assert_eq!(of("ré", 3), None, "words are in the index without accents");
    // They mean the same docs, in the same order.
    let each = words.map(|word| format!("\"{word}\"")).join(" OR ");
    assert_eq!(found(&index, &each), found(&index, "\"refund\" *"));
    assert_eq!(found(&index, &each).len(), 4);
}
