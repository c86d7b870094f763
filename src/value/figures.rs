//! How long the common operations take. Ignored: run it with
//! `cargo test --release --lib value::figures -- --ignored --nocapture`.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;

use super::fixtures::{Memory, message, real};
use super::pickle::{read, to_pickle};
use super::store::{NodeSink, pack, unpack};
use super::tree::Value;
use super::{lazy, usage, view};
use crate::base::digest::Digest;

struct Count(usize);

impl NodeSink for Count {
    fn put(&mut self, _: Digest, data: Bytes, _: Vec<Digest>) {
        self.0 += data.len();
    }
}

fn time(name: &str, mut work: impl FnMut()) {
    let mut best = f64::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        let mut rounds = 0u32;
        while start.elapsed().as_millis() < 40 {
            work();
            rounds += 1;
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(rounds));
    }
    println!("{name:44} {:10.1} us", best * 1e6);
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let fields =
        (0..10).map(|i| (Value::str(&format!("field_{i}")), Value::str(&format!("{i:0180}")))).collect();
    let dict = to_pickle(&Value::dict(fields)).unwrap();
    let chat = real("chat");
    let megabyte = to_pickle(&Value::Bytes(vec![7; 1 << 20].into())).unwrap();
    let messages =
        to_pickle(&Value::list((0..100).map(|i| message("user", &format!("{i:01000}"))).collect())).unwrap();
    let items = Value::list((0..100_000).map(Value::Int).collect());
    let items = to_pickle(&items).unwrap();
    for (name, pickle) in [
        ("2 kB dict", &dict),
        ("chat completion", &chat),
        ("1 MiB bytes", &megabyte),
        ("100 kB of messages", &messages),
        ("100,000 ints", &items),
    ] {
        println!("{name}: {} bytes", pickle.len());
        time("  read", || drop(black_box(read(pickle))));
        time("  pack", || drop(black_box(pack(pickle, &mut Count(0)))));
        let mut sink = Memory::default();
        let packed = pack(pickle, &mut sink);
        time("  pack, nodes known", || drop(black_box(pack(pickle, &mut sink))));
        time("  unpack", || drop(black_box(unpack(&packed.digest, packed.inline.as_deref(), &sink))));
        let value = read(pickle).unwrap().value;
        time("  preview", || drop(black_box(view::preview(&value, 120))));
        time("  view", || drop(black_box(view::to_json(&value, &view::ViewLimits::default()))));
        time("  usage", || drop(black_box(usage::find(&value))));
    }
    large_values();
    time("blake3 of 1 MiB", || {
        black_box(Digest::of(&megabyte));
    });
}

/// What a screen of a 100 MB value costs: opening it, fifty rows at its beginning, fifty at its end.
fn large_values() {
    let messages = (0..100_000).map(|i| message("user", &format!("{i:01000}"))).collect();
    let mut sink = Memory::default();
    let packed = pack(&to_pickle(&Value::list(messages)).unwrap(), &mut sink);
    println!("100,000 messages: {} bytes", packed.size);
    let rows = |skip: u64| {
        let reader = lazy::Reader::new(&sink);
        let root = reader.open(&packed.digest, None).unwrap();
        for child in reader.children(&root, skip, 50).unwrap() {
            black_box(reader.glance(&child.place, 120).unwrap());
        }
    };
    time("  open, 50 rows", || rows(0));
    time("  open, the last 50 rows", || rows(99_950));
    let reader = lazy::Reader::new(&sink);
    let root = reader.open(&packed.digest, None).unwrap();
    time("  search all of it", || drop(black_box(reader.find(&root, "nowhere", None, usize::MAX))));
    let text = "0123456789abcdef\n".repeat(6_250_000);
    let packed = pack(&to_pickle(&Value::str(&text)).unwrap(), &mut sink);
    println!("a string of {} bytes", text.len());
    let end = text.len() as u64 - 4000;
    time("  open, the last 4 kB", || {
        let reader = lazy::Reader::new(&sink);
        let root = reader.open(&packed.digest, None).unwrap();
        black_box(reader.text(&root, end, 4000).unwrap());
    });
}
