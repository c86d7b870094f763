//! A process that records is killed at random instants: what it was told is recorded, is.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tl_bench::base::clock::{Clock, Micros, SystemClock};
use tl_bench::base::ids::RunId;
use tl_bench::model::{CallStatus, EventKind, RunStatus};
use tl_bench::store::{CallFilter, Options, Store};

use crate::support::{Recorder, asked, ended, node, open, options, value};

/// Runs in a child process: records until it is killed, noting each acknowledged call.
#[test]
fn child_records() {
    let Ok(dir) = std::env::var("STORE_KILL_DIR") else { return };
    let dir = Path::new(&dir);
    let name: u64 = std::env::var("STORE_KILL_NAME").unwrap().parse().unwrap();
    let mut acks = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("acks")).unwrap();
    let store = open(&dir.join("s"));
    let mut run = Recorder::start(&store, name, None);
    writeln!(acks, "{} 1", run.run).unwrap();
    for no in 2.. {
        // As the engine writes the start of a call and its outcome: what it may go on after, a kill does not take.
        run.put_now(vec![asked(no, 1), EventKind::CallStarted { no, attempt: 1, worker: 1 }], vec![], false);
        acks.write_all(format!("{} started {no}\n", run.run).as_bytes()).unwrap();
        let output = node(format!("{name} {no} ").repeat(30));
        let end = ended(no, CallStatus::Fresh, Some(value(&output)), None);
        run.put_now(vec![end], vec![output], true);
        acks.write_all(format!("{} {no}\n", run.run).as_bytes()).unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut seed = 99u64;
    for name in 1..=8u64 {
        // Two at a time, so that they also share the store.
        let children: Vec<_> = [name, name + 100]
            .map(|name| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "kill::child_records", "--nocapture"])
                    .env("STORE_KILL_DIR", dir.path())
                    .env("STORE_KILL_NAME", name.to_string())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .into_iter()
            .collect();
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        std::thread::sleep(Duration::from_millis(60 + (seed >> 57)));
        for mut child in children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    let store = open(&dir.path().join("s"));
    let acks = std::fs::read_to_string(dir.path().join("acks")).unwrap();
    assert!(acks.lines().count() > 20, "the children got nowhere: {acks}");
    for line in acks.lines() {
        let (run, no) = line.split_once(' ').unwrap();
        let history = store.history(&RunId::from_text(run)).unwrap();
        assert_eq!(history.damage, None);
        if let Some(no) = no.strip_prefix("started ") {
            let call = history.history.call(no.parse().unwrap());
            assert!(call.is_some_and(|call| call.started_at.is_some()), "{line}");
            continue;
        }
        let call = history.history.call(no.parse().unwrap()).unwrap();
        assert!(call.no == 1 || call.status == CallStatus::Fresh, "{line}");
        if let Some(output) = &call.output {
            store.node(&output.digest).unwrap();
        }
    }
    for row in store.runs(None, 99).unwrap() {
        assert_eq!((row.summary.status, row.alive, row.damaged), (RunStatus::Interrupted, false, None));
        let history = store.history(&row.summary.id).unwrap().history;
        // The root only made calls: what is in doubt is at most the one that ran.
        assert_eq!(history.call(1).unwrap().status, CallStatus::Cancelled);
        assert!(history.counts.in_doubt <= 1);
        assert_eq!(row.summary, history.summary(false));
    }
    assert!(store.integrity_check().unwrap().is_empty());
    let left = std::fs::read_dir(dir.path().join("s")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("beside-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Runs in a child process: ends two calls and starts one, or starts two, and dies before that is in the log.
#[test]
fn child_leaves_calls_beside() {
    let Ok(dir) = std::env::var("STORE_BESIDE_DIR") else { return };
    let store = open(Path::new(&dir));
    let mut run = Recorder::start(&store, 1, None);
    // The first event that is on disk by itself; from here on everything is put beside the database.
    run.put(vec![asked(2, 1)], vec![], true).unwrap();
    if std::env::var("STORE_BESIDE_WHAT").unwrap() == "starts" {
        run.put_now(vec![EventKind::CallStarted { no: 2, attempt: 1, worker: 1 }], vec![], false);
        run.put_now(vec![asked(3, 1)], vec![], false);
        run.put_now(vec![EventKind::CallStarted { no: 3, attempt: 1, worker: 1 }], vec![], false);
        std::process::abort();
    }
    for no in 2..=3 {
        let ended = ended(no, CallStatus::Fresh, Some(value(&node("answer".repeat(no as usize)))), None);
        run.put_now(vec![ended], vec![node("answer".repeat(no as usize))], true);
        run.put_now(vec![asked(no + 1, 1)], vec![], false);
    }
    run.put_now(vec![EventKind::CallStarted { no: 4, attempt: 1, worker: 1 }], vec![], false);
    std::process::abort();
}

/// A store whose process died before what it had put beside the database was in it, and the name of that file.
fn left_beside(dir: &Path, what: &str) -> (std::path::PathBuf, String) {
    for trial in 0.. {
        let whole = dir.join(format!("whole{trial}"));
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", "kill::child_leaves_calls_beside", "--nocapture"]);
        child.env("STORE_BESIDE_DIR", &whole).env("STORE_BESIDE_WHAT", what);
        child.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        let names = std::fs::read_dir(&whole).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let beside = names.find(|name| name.starts_with("beside-")).unwrap();
        // A process that is held up longer than things stay there has moved them.
        let probe = dir.join(format!("probe{trial}"));
        copy(&whole, &probe);
        std::fs::remove_file(probe.join(&beside)).unwrap();
        let store = open(&probe);
        let run = store.find_run("latest").unwrap();
        if store.history(&run).unwrap().history.call(3).is_none() {
            return (whole, beside);
        }
    }
    unreachable!()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn damage_beside_the_database_is_reported_and_not_taken_for_calls_that_never_were() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, beside) = left_beside(dir.path(), "outcomes");
    let bytes = std::fs::read(whole.join(&beside)).unwrap();
    let used = bytes.windows(4).rposition(|four| four == [0xff; 4]).unwrap() + 4;
    let look = |trial: usize, bytes: &[u8]| {
        let to = dir.path().join(format!("s{trial}"));
        copy(&whole, &to);
        std::fs::write(to.join(&beside), bytes).unwrap();
        let store = open(&to);
        let run = store.find_run("latest").unwrap();
        let history = store.history(&run).unwrap();
        let calls = history.history.calls.iter().skip(1).map(|call| (call.status, call.output.clone()));
        let outputs =
            calls.clone().filter_map(|(_, output)| store.node(&output?.digest).ok()).collect::<Vec<_>>();
        let statuses = calls.map(|(status, _)| status).collect::<Vec<_>>();
        (store.run(&run).unwrap().damaged, history.damage, statuses, outputs)
    };
    let (damaged, damage, statuses, outputs) = look(0, &bytes);
    assert_eq!((damaged, damage), (None, None));
    assert_eq!(statuses, [CallStatus::Fresh, CallStatus::Fresh, CallStatus::InDoubt]);
    assert_eq!(outputs, ["answer".repeat(2), "answer".repeat(3)]);
    for trial in 1..=60 {
        let mut other = bytes.clone();
        let at = trial * 7919 % used;
        match trial % 4 {
            0 => other.truncate(at),
            1 => other[at..(at + 512).min(used)].fill(0),
            _ => other[at] ^= 1 << (trial % 8),
        }
        let (damaged, damage, ..) = look(trial, &other);
        assert!(
            damaged.is_some_and(|text| text.contains("damaged") && text.contains(&beside)),
            "trial {trial}"
        );
        assert!(damage.is_some(), "trial {trial}");
    }
}

/// Makes the store of the third format of one of today, as programs that only put starts beside it left it.
fn of_the_third_format(dir: &Path, beside: &str) -> String {
    let run = beside.strip_prefix("beside-").unwrap();
    let now = std::fs::read(dir.join(beside)).unwrap();
    let (mut then, mut rest) = (Vec::new(), &now[..]);
    while !rest.starts_with(&[0xff; 4]) {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let record = &rest[20..20 + length];
        // What it follows, its first event, how many; then, without its length, the segment.
        assert_eq!(record[40..44], ((length - 44) as u32).to_le_bytes(), "there are no values");
        let body = [&record[..40], &record[44..]].concat();
        let named = [&(run.len() as u64).to_le_bytes(), run.as_bytes(), &body].concat();
        then.extend_from_slice(&(body.len() as u32).to_le_bytes());
        then.extend_from_slice(&blake3::hash(&named).as_bytes()[..16]);
        then.extend_from_slice(&body);
        then.resize(then.len().next_multiple_of(4), 0);
        rest = &rest[(20 + length).next_multiple_of(4)..];
    }
    then.extend_from_slice(&[0xff; 4]);
    let starts = format!("starts-{run}");
    std::fs::write(dir.join(&starts), then).unwrap();
    std::fs::remove_file(dir.join(beside)).unwrap();
    let db = rusqlite::Connection::open(dir.join("store.db")).unwrap();
    db.execute_batch("PRAGMA user_version=3; UPDATE meta SET value='3' WHERE key='format'").unwrap();
    starts
}

#[test]
fn what_an_older_program_put_beside_the_database_is_taken_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, beside) = left_beside(dir.path(), "starts");
    let starts = of_the_third_format(&whole, &beside);
    let bytes = std::fs::read(whole.join(&starts)).unwrap();
    let look = |trial: usize, bytes: &[u8]| {
        let to = dir.path().join(format!("s{trial}"));
        copy(&whole, &to);
        std::fs::write(to.join(&starts), bytes).unwrap();
        if trial % 2 == 1 {
            // Its program still ran when another brought the store up to date.
            let db = rusqlite::Connection::open(to.join("store.db")).unwrap();
            db.execute_batch("PRAGMA user_version=4; UPDATE meta SET value='4' WHERE key='format'").unwrap();
        }
        // What is taken is there the next time, too.
        let found: Vec<_> = (0..2)
            .map(|_| {
                let store = open(&to);
                let run = store.find_run("latest").unwrap();
                let history = store.history(&run).unwrap();
                let statuses: Vec<_> = history.history.calls.iter().skip(1).map(|call| call.status).collect();
                (store.run(&run).unwrap().damaged, history.damage, statuses, to.join(&starts).exists())
            })
            .collect();
        assert_eq!(found[0], found[1], "trial {trial}");
        found.into_iter().next().unwrap()
    };
    for trial in [0, 1] {
        let both = vec![CallStatus::InDoubt, CallStatus::InDoubt];
        assert_eq!(look(trial, &bytes), (None, None, both, false));
    }
    for trial in 2..40 {
        let mut other = bytes.clone();
        let at = trial * 7919 % bytes.len();
        match trial % 4 {
            0 => other.truncate(at),
            1 => other[at..].fill(0),
            _ => other[at] ^= 1 << (trial % 8),
        }
        let (damaged, damage, statuses, there) = look(trial, &other);
        let said = damaged.is_some_and(|text| text.contains("damaged") && text.contains(&starts));
        assert!(said && damage.is_some(), "trial {trial}");
        // What was whole is shown; the file stays for who can repair it.
        assert!(there && (1..=2).contains(&statuses.len()), "trial {trial}: {statuses:?}");
    }
    let empty = look(40, &[]);
    assert!(empty.1.is_some() && empty.2 == [CallStatus::Cancelled], "{empty:?}");
}

#[test]
fn a_folder_that_cannot_be_written_shows_what_is_beside_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, _) = left_beside(dir.path(), "outcomes");
    let store = Store::open_read_only(&whole, options()).unwrap();
    let history = store.history(&store.find_run("latest").unwrap()).unwrap();
    assert_eq!((history.damage, history.history.counts.fresh, history.history.counts.in_doubt), (None, 2, 1));
}

#[test]
fn what_is_beside_a_log_that_is_not_there_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, _) = left_beside(dir.path(), "outcomes");
    let (to, log) = (dir.path().join("s"), "store.db-wal");
    copy(&whole, &to);
    std::fs::remove_file(to.join(log)).unwrap();
    let store = open(&to);
    let lost = store.runs(None, 9).unwrap().remove(0).damaged.unwrap();
    assert!(lost.contains("missing"), "{lost}");
    drop(store);
    std::fs::copy(whole.join(log), to.join(log)).unwrap();
    let store = open(&to);
    let history = store.history(&store.find_run("latest").unwrap()).unwrap();
    assert_eq!((history.damage, history.history.counts.fresh), (None, 2));
}

/// A clock at whose first look another process opens the store.
struct Opens(std::path::PathBuf, AtomicBool);

impl Clock for Opens {
    fn now(&self) -> Micros {
        if !self.1.swap(true, Ordering::Relaxed) {
            drop(open(&self.0));
        }
        SystemClock.now()
    }

    fn random(&self) -> u64 {
        SystemClock.random()
    }
}

#[test]
fn what_another_process_takes_into_the_database_while_somebody_reads_is_not_missed() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, beside) = left_beside(dir.path(), "outcomes");
    let looks: [fn(&Store, &RunId) -> Option<String>; 4] = [
        |store, run| store.history(run).unwrap().damage.map(|damage| damage.to_string()),
        |store, run| store.run(run).unwrap().damaged,
        |store, _| store.runs(None, 9).unwrap().remove(0).damaged,
        |store, run| store.call_rows(run, &CallFilter::default(), 0, 9).err().map(|error| error.to_string()),
    ];
    for (i, look) in looks.into_iter().enumerate() {
        let to = dir.path().join(format!("s{i}"));
        copy(&whole, &to);
        let clock = Arc::new(Opens(to.clone(), AtomicBool::new(false)));
        let store = Store::open_read_only(&to, Options { clock, ..options() }).unwrap();
        let run = RunId::from_text(beside.strip_prefix("beside-").unwrap());
        assert_eq!(look(&store, &run), None, "look {i}");
        assert!(!to.join(&beside).exists(), "look {i} was not disturbed");
    }
}

#[test]
fn what_is_beside_the_database_is_read_here_at_once_and_elsewhere_soon() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    run.put(vec![asked(2, 1)], vec![], true).unwrap();
    for no in 2..=40 {
        let output = node(format!("{no} ").repeat(200));
        run.put_now(
            vec![ended(no, CallStatus::Fresh, Some(value(&output)), None)],
            vec![output.clone()],
            true,
        );
        assert_eq!(store.node(&output.digest).unwrap(), output.data);
        assert_eq!(store.history(&run.run).unwrap().history.counts.fresh, u64::from(no) - 1);
        run.put_now(vec![asked(no + 1, 1)], vec![], false);
    }
    let last = node("the last");
    run.put_now(vec![ended(41, CallStatus::Fresh, Some(value(&last)), None)], vec![last.clone()], true);
    let other = open(dir.path());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while other.history(&run.run).unwrap().history.counts.fresh < 40 {
        assert!(std::time::Instant::now() < deadline, "it was never written");
        std::thread::yield_now();
    }
    assert_eq!(other.node(&last.digest).unwrap(), last.data);
    run.end(RunStatus::Succeeded);
    let history = store.history(&run.run).unwrap();
    assert_eq!((history.damage, history.history.counts.fresh), (None, 40));
    assert!(
        std::fs::read_dir(dir.path())
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with("beside-") })
    );
}

#[test]
fn what_would_be_beside_the_database_where_nobody_finds_it_goes_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    run.put(vec![asked(2, 1)], vec![], true).unwrap();
    let other = open(dir.path());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    for no in (2..).step_by(2) {
        let file = dir.path().join(format!("beside-{}", run.run));
        run.put_now(vec![ended(no, CallStatus::Fresh, None, None), asked(no + 1, 1)], vec![], true);
        // Somebody cleans up.
        let cleaned = std::fs::remove_file(&file).is_ok();
        run.put_now(vec![ended(no + 1, CallStatus::Fresh, None, None), asked(no + 2, 1)], vec![], true);
        if cleaned {
            assert_eq!(other.history(&run.run).unwrap().history.counts.fresh, u64::from(no));
            while !file.exists() {
                assert!(std::time::Instant::now() < deadline, "it was not made again");
                run.put_now(
                    vec![EventKind::CallStarted { no: no + 2, attempt: 1, worker: 1 }],
                    vec![],
                    false,
                );
            }
            break;
        }
        assert!(std::time::Instant::now() < deadline, "nothing was ever beside the database");
    }
    run.end(RunStatus::Succeeded);
    assert!(store.integrity_check().unwrap().is_empty());
}

/// A start is written beside the database at first, but who looks from elsewhere sees it soon.
#[test]
fn a_call_that_takes_long_is_seen_by_others_although_nothing_else_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut run = Recorder::start(&store, 1, None);
    let start = run.batch(vec![asked(2, 1), EventKind::CallStarted { no: 2, attempt: 1, worker: 1 }], vec![]);
    while let Err(batch) = run.writer.commit_now(start.clone(), false) {
        drop(batch);
    }
    let other = open(dir.path());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while other.history(&run.run).unwrap().history.call(2).is_none_or(|call| call.started_at.is_none()) {
        assert!(std::time::Instant::now() < deadline, "it was never written");
        std::thread::yield_now();
    }
    let output = node("done");
    run.put(vec![ended(2, CallStatus::Fresh, Some(value(&output)), None)], vec![output], true).unwrap();
    run.end(RunStatus::Succeeded);
    assert!(store.integrity_check().unwrap().is_empty());
}
