//! The power goes: whatever the disk may hold then, every acknowledged outcome is read from it.
//!
//! Six threads record runs into one store while every file operation of SQLite is recorded (`vfs.rs`). At points of
//! that record, most of them right after an acknowledgement, disks are made: what was synced is there; of what was
//! written since, nothing, all, a part with a torn end, or any mixture of 512-byte sectors.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Barrier};

use bytes::Bytes;
use tl_bench::base::digest::Digest;
use tl_bench::base::ids::RunId;
use tl_bench::model::event::{CallAsked, CallEnded};
use tl_bench::model::{CallKind, CallStatus, Event, EventKind, Mode, ValueRef};
use tl_bench::store::{Batch, Node, Options, Store};

use crate::vfs::{self, Op};
use crate::{Random, trials};

const THREADS: u64 = 6;
const CALLS: u32 = 16;

fn event(seq: u64, kind: EventKind) -> Event {
    Event { seq, at: 1_700_000_000_000_000 + seq as i64, kind }
}

fn inline(text: &str) -> ValueRef {
    let data = text.as_bytes();
    ValueRef {
        digest: Digest::of(data),
        size: data.len() as u64,
        preview: text.to_owned(),
        inline: Some(data.to_vec()),
        withheld: None,
    }
}

fn asked(no: u32) -> EventKind {
    EventKind::CallAsked(Box::new(CallAsked {
        no,
        parent: u32::from(no > 1),
        parent_attempt: 1,
        kind: if no == 1 { CallKind::Root } else { CallKind::Call },
        function: "step".to_owned(),
        ordinal: no,
        key: Digest::of(&no.to_le_bytes()),
        code: Digest::of(b"code"),
        durable_id: Digest::of(b"durable"),
        durable: true,
        input: Some(inline("{}")),
        site: None,
        reason: None,
        effect: false,
        pickled: None,
    }))
}

fn output(run: u64, no: u32) -> Node {
    let data = Bytes::from(format!("run {run}, call {no}; ").repeat(60));
    Node { digest: Digest::of(&data), data }
}

fn ended(no: u32, output: &Node) -> EventKind {
    let output = ValueRef {
        digest: output.digest,
        size: output.data.len() as u64,
        preview: String::new(),
        inline: None,
        withheld: None,
    };
    EventKind::CallEnded(Box::new(CallEnded {
        no,
        status: CallStatus::Fresh,
        wall_us: 1,
        output: Some(output),
        error: None,
        origin: None,
        usage: None,
        state_reads: vec![],
        reads: vec![],
    }))
}

fn run_id(name: u64) -> RunId {
    RunId::from_random(name << 16)
}

/// One run as an engine records it: starts that are not synced, outcomes that are; each outcome acknowledged.
fn record_run(store: &Store, name: u64) {
    let writer = store.writer().unwrap();
    let run = run_id(name);
    let started = EventKind::RunStarted {
        run: run.clone(),
        app: "app".to_owned(),
        file: "app.py".to_owned(),
        mode: Mode::Fresh,
        parent: None,
        input: inline("{}"),
        python: "3.12.0".to_owned(),
        version: "0".to_owned(),
        purpose: Default::default(),
    };
    let mut seq = 0;
    let mut put = |kinds: Vec<EventKind>, nodes: Vec<Node>, durable: bool| {
        let events = kinds
            .into_iter()
            .map(|kind| {
                seq += 1;
                event(seq, kind)
            })
            .collect();
        writer.write(Batch { run: run.clone(), events, nodes }, durable).unwrap();
    };
    put(vec![started, asked(1)], vec![], true);
    for no in 2..2 + CALLS {
        put(vec![asked(no), EventKind::CallStarted { no, attempt: 1, worker: 1 }], vec![], false);
        let output = output(name, no);
        put(vec![ended(no, &output)], vec![output], true);
        vfs::ack(format!("{name} {no}"));
    }
}

/// A disk: files by name. `syncs`: whether a sync means anything (the control says no).
fn disk(
    base: &BTreeMap<String, Vec<u8>>,
    ops: &[Op],
    syncs: bool,
    random: &mut Random,
) -> BTreeMap<String, Vec<u8>> {
    let mut saved: BTreeMap<&str, usize> = BTreeMap::new();
    for op in ops {
        if let Op::Sync { file, begun } = op {
            let mark = saved.entry(file).or_default();
            *mark = (*mark).max(*begun);
        }
    }
    let mut files = base.clone();
    // For each file how unsynced operations fared.
    let mut fates: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, op) in ops.iter().enumerate() {
        let (Op::Write { file, .. } | Op::Cut { file, .. } | Op::Remove { file }) = op else {
            continue;
        };
        let sure = syncs && i < saved.get(file.as_str()).copied().unwrap_or(0);
        // 0: none, 1: all, 2: the earlier ones, 3 and more: sectors.
        let fate = fates.entry(file).or_insert_with(|| random.below(5));
        if !sure && *fate == 2 && random.below(4) == 0 {
            *fate = 0;
        }
        let whole = sure || matches!(*fate, 1 | 2) || (*fate > 2 && random.below(2) == 0);
        match op {
            Op::Write { at, data, .. } => {
                let bytes = files.entry(file.clone()).or_default();
                let mut from = 0;
                while from < data.len() {
                    let to = ((at + from) / 512 * 512 + 512 - at).min(data.len());
                    if sure || matches!(*fate, 1 | 2) || (*fate > 2 && random.below(2) == 0) {
                        let end = at + to;
                        bytes.resize(bytes.len().max(end), 0);
                        bytes[at + from..end].copy_from_slice(&data[from..to]);
                    }
                    from = to;
                }
            }
            Op::Cut { size, .. } if whole => {
                files.entry(file.clone()).or_default().resize(*size, 0);
            }
            Op::Remove { .. } if whole => drop(files.remove(file)),
            _ => {}
        }
    }
    let heads = ops.iter().rev().find_map(|op| match op {
        Op::Ack { heads, .. } => Some(heads.clone()),
        _ => None,
    });
    // `heads` is never synced: an old state of it, or none.
    match heads.filter(|_| random.below(3) > 0) {
        Some(heads) => files.insert("heads".to_owned(), after_a_restart(heads)),
        None => files.insert("heads".to_owned(), Vec::new()),
    };
    files.retain(|name, _| !name.ends_with("-shm"));
    files
}

/// The machine has started again: what holds during one boot only must not be believed.
fn after_a_restart(mut heads: Vec<u8>) -> Vec<u8> {
    let (records, _) = heads.as_chunks_mut::<128>();
    for record in records.iter_mut().filter(|record| record[0] != 0) {
        record[80..96].fill(7);
        let sum = blake3::hash(&record[..112]);
        record[112..].copy_from_slice(&sum.as_bytes()[..16]);
    }
    heads
}

/// How many acknowledged outcomes the disk does not give back.
fn lost(files: &BTreeMap<String, Vec<u8>>, ops: &[Op]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let acks = ops.iter().filter_map(|op| match op {
        Op::Ack { what, .. } => what.split_once(' '),
        _ => None,
    });
    let acks: Vec<(u64, u32)> = acks.map(|(run, no)| (run.parse().unwrap(), no.parse().unwrap())).collect();
    let Ok(store) = Store::open(dir.path(), Options::default()) else { return acks.len() };
    let histories: BTreeMap<u64, _> =
        (1..=THREADS).filter_map(|name| Some((name, store.history(&run_id(name)).ok()?))).collect();
    let there = |name: u64, no: u32| -> Option<bool> {
        let history = histories.get(&name).filter(|history| history.damage.is_none())?;
        let call = history.history.call(no).filter(|call| call.status == CallStatus::Fresh)?;
        let data = store.node(&call.output.as_ref()?.digest).ok()?;
        Some(data == output(name, no).data)
    };
    acks.iter().filter(|(name, no)| there(*name, *no) != Some(true)).count()
}

fn read_folder(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let names =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), std::fs::read(dir.join(name)).unwrap())).collect()
}

#[test]
fn what_was_acknowledged_survives_a_power_loss() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().canonicalize().unwrap();
    vfs::record(&folder);
    let store = Store::open(&folder, Options::default()).unwrap();
    let base = read_folder(&folder);
    vfs::restart();
    let together = Arc::new(Barrier::new(THREADS as usize + 1));
    std::thread::scope(|scope| {
        for name in 1..=THREADS {
            let (store, together) = (store.clone(), together.clone());
            scope.spawn(move || {
                together.wait();
                record_run(&store, name);
            });
        }
        together.wait();
        // The log is moved into the database meanwhile, and begins again.
        let db = rusqlite::Connection::open(folder.join("store.db")).unwrap();
        for _ in 0..8 {
            db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
            std::thread::yield_now();
        }
    });
    drop(store);
    let ops = vfs::take();
    let acks: Vec<usize> = (0..ops.len()).filter(|at| matches!(ops[*at], Op::Ack { .. })).collect();
    assert_eq!(acks.len(), (THREADS * u64::from(CALLS)) as usize);

    let mut random = Random::new(3);
    let total = trials(120);
    let mut control = 0;
    for trial in 0..total {
        let point = match trial % 3 {
            0 => random.below(ops.len() + 1),
            _ => acks[random.below(acks.len())] + 1,
        };
        let files = disk(&base, &ops[..point], true, &mut random);
        assert_eq!(lost(&files, &ops[..point]), 0, "trial {trial}: after operation {point} of {}", ops.len());
        if trial % 6 == 1 {
            // If syncs meant nothing, something would be lost: the test can fail.
            control += lost(&disk(&base, &ops[..point], false, &mut random), &ops[..point]);
        }
    }
    println!("{total} disks from {} operations; without syncs {control} outcomes would be lost", ops.len());
    assert!(control > 0, "the disks that are made lose nothing whatever is synced");
}
