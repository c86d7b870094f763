//! The power goes: whatever the disk may hold then, every acknowledged outcome is read from it.
//!
//! Six threads record runs into one store, and then one records another alone, so that its outcomes are put beside the
//! database, while every operation on a file is recorded (`below.rs`). At points of that record, most of them at or soon after
//! an acknowledgement, disks are made: what was synced is there; of what was written since, nothing, all, a part with a
//! torn end, or any mixture of 512-byte sectors. A new name is there when its folder was synced, and else perhaps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Barrier};

use bytes::Bytes;
use tl_bench::base::digest::Digest;
use tl_bench::base::ids::RunId;
use tl_bench::model::event::{CallAsked, CallEnded, Stream};
use tl_bench::model::{CallKind, CallStatus, Event, EventKind, Mode, ValueRef};
use tl_bench::store::{Batch, Node, Options, Store};

use crate::below::{self, Op};
use crate::{Random, trials};

const THREADS: u64 = 6;
const CALLS: u32 = 16;
/// The run that is recorded alone, but for a neighbour that says little.
const ALONE: u64 = THREADS + 1;
const CALLS_ALONE: u32 = 40;

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

fn started(run: RunId) -> EventKind {
    EventKind::RunStarted {
        run,
        app: "app".to_owned(),
        file: "app.py".to_owned(),
        mode: Mode::Fresh,
        parent: None,
        input: inline("{}"),
        python: "3.12.0".to_owned(),
        version: "0".to_owned(),
        purpose: Default::default(),
    }
}

/// One run as an engine records it: starts that are not synced, outcomes that are; each outcome acknowledged. A neighbour
/// in the same process stores some of its outputs, too, before it does and in commits that are not synced.
fn record_run(store: &Store, name: u64, calls: u32, neighbour: Option<u64>) {
    let writer = store.writer().unwrap();
    let run = run_id(name);
    let mut seq = 0;
    // What is put beside the database joins the log with what others commit, and when somebody reads.
    let mut put = |kinds: Vec<EventKind>, nodes: Vec<Node>, durable: bool, at_once: bool| {
        let events = kinds
            .into_iter()
            .map(|kind| {
                seq += 1;
                event(seq, kind)
            })
            .collect();
        let batch = Batch { run: run.clone(), events, nodes };
        match if at_once { writer.commit_now(batch, durable) } else { Err(batch) } {
            Ok(outcome) => outcome.unwrap(),
            Err(batch) => writer.write(batch, durable).unwrap(),
        }
    };
    let mut beside = neighbour.map(run_id).map(|run| {
        let events = vec![event(1, started(run.clone())), event(2, asked(1))];
        writer.write(Batch { run: run.clone(), events, nodes: vec![] }, true).unwrap();
        (run, 2)
    });
    put(vec![started(run.clone()), asked(1)], vec![], true, false);
    for no in 2..2 + calls {
        if no % 3 == 0 {
            store.run(&run).unwrap();
        }
        put(vec![asked(no), EventKind::CallStarted { no, attempt: 1, worker: 1 }], vec![], false, no % 4 > 0);
        let log = EventKind::Log { no, stream: Stream::Stdout, text: "begun\n".to_owned() };
        put(vec![log], vec![], false, true);
        let output = output(name, no);
        if let Some((run, seq)) = beside.as_mut().filter(|_| no % 5 == 0) {
            *seq += 1;
            let log = EventKind::Log { no: 1, stream: Stream::Stdout, text: "the same\n".to_owned() };
            let batch =
                Batch { run: run.clone(), events: vec![event(*seq, log)], nodes: vec![output.clone()] };
            writer.write(batch, false).unwrap();
        }
        put(vec![ended(no, &output)], vec![output], true, true);
        below::ack(format!("{name} {no}"));
    }
}

/// Whether a sync of a file means anything.
type Saves = fn(&str) -> bool;

/// A disk: files by name. Controls say of `saves` that no sync means anything, or not each.
fn disk(
    base: &BTreeMap<String, Vec<u8>>,
    ops: &[Op],
    saves: Saves,
    random: &mut Random,
) -> BTreeMap<String, Vec<u8>> {
    let names: BTreeMap<&str, (usize, &str)> = (0..)
        .zip(ops)
        .filter_map(|(i, op)| match op {
            Op::Name { from, to } => Some((from.as_str(), (i, to.as_str()))),
            _ => None,
        })
        .collect();
    // A file that was given another name is the same file.
    let known = |file: &str| names.get(file).map_or(file, |(_, to)| to).to_owned();
    let mut saved: BTreeMap<String, usize> = BTreeMap::new();
    for op in ops {
        if let Op::Sync { file, begun } = op
            && saves(file)
        {
            let mark = saved.entry(known(file)).or_default();
            *mark = (*mark).max(*begun);
        }
    }
    let saved = |file: &str| saved.get(file).copied().unwrap_or(0);
    let mut files = base.clone();
    // For each file how unsynced operations fared.
    let mut fates: BTreeMap<String, usize> = BTreeMap::new();
    for (i, op) in ops.iter().enumerate() {
        let (Op::Write { file, .. } | Op::Cut { file, .. } | Op::Remove { file }) = op else {
            continue;
        };
        let file = known(file);
        let sure = i < saved(&file);
        // 0: none, 1: all, 2: the earlier ones, 3 and more: sectors.
        let fate = fates.entry(file.clone()).or_insert_with(|| random.below(5));
        if !sure && *fate == 2 && random.below(4) == 0 {
            *fate = 0;
        }
        let fate = *fate;
        let mut kept = || sure || matches!(fate, 1 | 2) || (fate > 2 && random.below(2) == 0);
        match op {
            Op::Write { at, data, .. } => {
                let bytes = files.entry(file).or_default();
                let mut from = 0;
                while from < data.len() {
                    let to = ((at + from) / 512 * 512 + 512 - at).min(data.len());
                    if kept() {
                        let end = at + to;
                        bytes.resize(bytes.len().max(end), 0);
                        bytes[at + from..end].copy_from_slice(&data[from..to]);
                    }
                    from = to;
                }
            }
            Op::Cut { size, .. } if kept() => files.entry(file).or_default().resize(*size, 0),
            Op::Remove { .. } if kept() => drop(files.remove(&file)),
            _ => {}
        }
    }
    for (from, (i, to)) in names {
        // The folder itself has no name.
        if i >= saved("") && random.below(2) == 0 {
            files.remove(to).and_then(|bytes| files.insert(from.to_owned(), bytes));
        }
    }
    files.retain(|name, _| !name.ends_with("-shm"));
    files
}

/// How many acknowledged outcomes the disk does not give back.
fn lost(files: &BTreeMap<String, Vec<u8>>, ops: &[Op]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let acks = ops.iter().filter_map(|op| match op {
        Op::Ack { what } => what.split_once(' '),
        _ => None,
    });
    let acks: Vec<(u64, u32)> = acks.map(|(run, no)| (run.parse().unwrap(), no.parse().unwrap())).collect();
    let opened = below::after_a_restart(|| Store::open(dir.path(), Options::default()));
    let Ok(store) = opened else { return acks.len() };
    let histories: BTreeMap<u64, _> =
        (1..=ALONE).filter_map(|name| Some((name, store.history(&run_id(name)).ok()?))).collect();
    let there = |name: u64, no: u32| -> Option<bool> {
        let history = histories.get(&name).filter(|history| history.damage.is_none())?;
        let call = history.history.call(no).filter(|call| call.status == CallStatus::Fresh)?;
        let data = store.node(&call.output.as_ref()?.digest).ok()?;
        Some(data == output(name, no).data)
    };
    acks.iter().filter(|(name, no)| there(*name, *no) != Some(true)).count()
}

/// A file beside the database that the system will not let be read is not taken for one that says nothing.
fn a_file_that_is_refused_is_kept(base: &BTreeMap<String, Vec<u8>>, ops: &[Op], acks: &[usize]) {
    let named = |files: &BTreeMap<String, Vec<u8>>| {
        files.keys().find(|name| **name == format!("beside-{}", run_id(ALONE))).cloned()
    };
    // One that has what the log does not; and nothing else says that it had.
    let (point, file, files) = acks
        .iter()
        .rev()
        .find_map(|ack| {
            let mut files = disk(base, &ops[..=*ack], |_| true, &mut Random::new(5));
            files.insert("heads".to_owned(), Vec::new());
            let file = named(&files)?;
            let mut without = files.clone();
            without.remove(&file);
            (lost(&without, &ops[..=*ack]) > 0).then_some((*ack, file, files))
        })
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| std::fs::write(dir.path().join(name), bytes).unwrap());
    let path = dir.path().join(&file);
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let store = below::after_a_restart(|| Store::open(dir.path(), Options::default())).unwrap();
    let damage = store.history(&run_id(ALONE)).unwrap().damage.unwrap().to_string();
    assert!(damage.contains(&file), "{damage}");
    drop(store);
    // Once it can be read, nothing is lost.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &files[&file]).unwrap();
    assert_eq!(lost(&read_folder(dir.path()), &ops[..=point]), 0);
}

fn read_folder(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let names =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), std::fs::read(dir.join(name)).unwrap())).collect()
}

/// Records what the disks are made of: what the store was at first, and what happened to it.
fn record(folder: &Path) -> (BTreeMap<String, Vec<u8>>, Vec<Op>) {
    let store = Store::open(folder, Options::default()).unwrap();
    let base = read_folder(folder);
    below::record(folder);
    let together = Arc::new(Barrier::new(THREADS as usize + 1));
    std::thread::scope(|scope| {
        for name in 1..=THREADS {
            let (store, together) = (store.clone(), together.clone());
            scope.spawn(move || {
                together.wait();
                record_run(&store, name, CALLS, None);
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
    record_run(&store, ALONE, CALLS_ALONE, Some(ALONE + 1));
    drop(store);
    (base, below::take())
}

/// What is taken from the disks to see that the test can fail, by what is said of it.
const CONTROLS: [(&str, Saves); 2] =
    [("no sync", |_| false), ("no sync of what is beside the database", |file| !file.starts_with("beside-"))];

#[test]
fn what_was_acknowledged_survives_a_power_loss() {
    let dir = tempfile::tempdir().unwrap();
    let (base, ops) = record(&dir.path().canonicalize().unwrap());
    let acks: Vec<usize> = (0..ops.len()).filter(|at| matches!(ops[*at], Op::Ack { .. })).collect();
    assert_eq!(acks.len(), THREADS as usize * CALLS as usize + CALLS_ALONE as usize);

    let mut random = Random::new(3);
    let total = trials(120);
    let mut controls = [0; CONTROLS.len()];
    for trial in 0..total {
        let point = match trial % 3 {
            0 => random.below(ops.len() + 1),
            1 => acks[random.below(acks.len())] + 1,
            _ => (acks[random.below(acks.len())] + 1 + random.below(32)).min(ops.len()),
        };
        let files = disk(&base, &ops[..point], |_| true, &mut random);
        assert_eq!(lost(&files, &ops[..point]), 0, "trial {trial}: after operation {point} of {}", ops.len());
        let control = trial % 6;
        if let Some((_, saves)) = CONTROLS.get(control) {
            controls[control] += lost(&disk(&base, &ops[..point], *saves, &mut random), &ops[..point]);
        }
    }
    println!("{total} disks from {} operations", ops.len());
    a_file_that_is_refused_is_kept(&base, &ops, &acks);
    for ((what, _), lost) in CONTROLS.iter().zip(controls) {
        println!("with {what} {lost} outcomes would be lost");
        assert!(lost > 0, "the disks that are made lose nothing with {what}");
    }
}
