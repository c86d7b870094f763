//! The canary: what it may look like, and where it is looked for.

use std::path::{Path, PathBuf};

use super::support::{Project, until};
use super::{CANARY, DOTENV, key, project};
use nix::sys::signal::Signal;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The digits of base64 that depend on the value alone, with so many bytes before it.
fn base64_middle(value: &[u8], before: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bytes: Vec<u8> = std::iter::repeat_n(b'x', before).chain(value.iter().copied()).collect();
    let whole = &bytes[(if before == 0 { 0 } else { 3 })..bytes.len() / 3 * 3];
    let group = |three: &[u8]| u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
    let digits = |n: u32| [18, 12, 6, 0].map(|shift| alphabet[(n >> shift & 63) as usize]);
    whole.chunks(3).flat_map(|three| digits(group(three))).collect()
}

/// A text in every form that anything could have written it in: as it is, in JSON (with and without what is beyond
/// ASCII, once and twice), in an address, in HTML, as Python shows it, in base64.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
    let quoted = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let percent = |safe: &str, space: &str| -> String {
        let one = |byte: u8| match byte {
            b' ' => space.to_owned(),
            b if b.is_ascii_alphanumeric() || safe.as_bytes().contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        };
        text.bytes().map(one).collect()
    };
    let ascii = |text: &str| text.replace('ä', "\\u00e4");
    let mut all = vec![
        text.to_owned(),
        json(text),
        quoted(text),
        quoted(&quoted(text)),
        ascii(&quoted(text)),
        quoted(&ascii(&quoted(text))),
        text.replace('\\', "\\\\").replace('\'', "\\'"),
        text.replace('\\', "\\\\").replace('\'', "\\'").replace('ä', "\\xc3\\xa4"),
        text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#x27;"),
        text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;"),
    ];
    for space in ["%20", "+"] {
        for safe in ["-._~", "-._~/"] {
            all.push(percent(safe, space));
            all.push(lower(percent(safe, space)));
        }
    }
    let mut out: Vec<Vec<u8>> = all.into_iter().map(String::into_bytes).collect();
    for alphabet in [STANDARD, URL_SAFE] {
        out.extend((0..3).map(|before| base64_middle(text.as_bytes(), before, alphabet)));
    }
    out.retain(|form| form.len() > 10);
    out
}

/// With the digits of percent-encoding in lower case.
fn lower(encoded: String) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |out, part| out + "%" + &part[..2].to_lowercase() + &part[2..])
}

/// Every secret of the application, in every form.
fn needles() -> &'static [Vec<u8>] {
    static ALL: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<Vec<u8>> = [CANARY, DOTENV, &key()].into_iter().flat_map(forms).collect();
        all.sort();
        all.dedup();
        all
    })
}

/// The first of the needles in these bytes.
fn found(bytes: &[u8]) -> Option<&'static Vec<u8>> {
    needles().iter().find(|needle| memchr_all(bytes, needle))
}

fn memchr_all(bytes: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(needle) {
            return true;
        }
        from += at + 1;
    }
    false
}

/// Asserts that there is none.
pub fn clean(what: &str, bytes: &[u8]) {
    if let Some(needle) = found(bytes) {
        panic!("{what} holds {}", String::from_utf8_lossy(needle));
    }
}

/// Every file below a folder, its name too; says how many there were.
pub fn clean_below(dir: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        clean("the name of a file", path.as_os_str().as_encoded_bytes());
        if path.is_dir() {
            files += clean_below(&path);
        } else if path.symlink_metadata().is_ok_and(|file| file.is_file()) {
            // Sockets and pipes hold nothing, and reading one would wait.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            clean(&path.display().to_string(), &bytes);
            files += 1;
        }
    }
    files
}

/// Every cell of every table, decompressed where it is compressed.
pub fn clean_database(file: &Path) -> usize {
    let db = rusqlite::Connection::open(file).unwrap();
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_master WHERE type='table'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut unpacked = 0;
    for table in tables {
        let mut query = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = query.column_count();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let cell = row.get_ref(column).unwrap();
                let bytes = match cell {
                    rusqlite::types::ValueRef::Blob(bytes) | rusqlite::types::ValueRef::Text(bytes) => bytes,
                    _ => continue,
                };
                clean(&table, bytes);
                // Frames begin anywhere: a tag may stand before them.
                for at in 0..bytes.len().min(16) {
                    if let Ok(plain) = zstd::decode_all(&bytes[at..]) {
                        unpacked += 1;
                        clean(&format!("{table} (unpacked)"), &plain);
                    }
                }
            }
        }
    }
    unpacked
}

/// The arguments of every process of this machine that has a folder of the test in them or in its environment.
fn arguments_of_processes(mark: &str) -> usize {
    let mut seen = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let environment = read("environ");
        if memchr_all(&environment, mark.as_bytes()) {
            clean("the arguments of a process", &read("cmdline"));
            clean("the name of a process", &read("comm"));
            seen += 1;
        }
    }
    seen
}

/// Everything below a project but what its author wrote.
fn clean_project(project: &Project) {
    for entry in std::fs::read_dir(project.root()).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => drop(clean_below(&path)),
            false if path.ends_with("app.py") || path.ends_with("tl-bench.toml") => {}
            false => clean(&path.display().to_string(), &std::fs::read(&path).unwrap()),
        }
    }
}

/// Its own temporary folder, state and project.
struct Place {
    project: Project,
    other: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Place { project: project(""), other: tempfile::tempdir().unwrap() };
        for name in ["tmp", "state"] {
            std::fs::create_dir(place.path(name)).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.other.path().join(name)
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        let of = |name: &str| self.path(name).display().to_string();
        vec![("CANARY", CANARY.to_owned()), ("TMPDIR", of("tmp")), ("TL_BENCH_STATE_DIR", of("state"))]
    }

    /// Runs the program and looks through what it says.
    fn says(&self, args: &[&str]) -> super::support::Done {
        let env = self.env();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let done = self.project.tl_with(args, &env);
        clean(&format!("{args:?} (standard output)"), done.out.as_bytes());
        clean(&format!("{args:?} (standard error)"), done.err.as_bytes());
        assert!(!done.err.contains("panicked"), "{}", done.err);
        done
    }

    /// Looks through every file.
    fn clean(&self) {
        clean_below(self.other.path());
        clean_project(&self.project);
        let store = self.project.root().join(".tl-bench");
        // A copy: what is only in the write-ahead log is read there without a checkpoint of the original.
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(&store).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        for name in ["store.db", "search.db"] {
            if copy.path().join(name).exists() {
                let unpacked = clean_database(&copy.path().join(name));
                assert!(name != "store.db" || unpacked > 0, "no frame was unpacked");
            }
        }
    }
}

#[test]
fn the_forms_are_what_python_writes() {
    let program = r#"
import base64, html, json, os, sys
from urllib.parse import quote, quote_plus
c = os.environ["CANARY"]
for text in (c, json.dumps(c), json.dumps(json.dumps(c)), json.dumps(c, ensure_ascii=False), quote(c), quote_plus(c),
    quote(c, safe=""), html.escape(c), repr(c), repr(c.encode()), base64.b64encode(b"x" + c.encode()).decode(),
    base64.urlsafe_b64encode(b"xy" + c.encode()).decode(), base64.b64encode(c.encode()).decode()):
    print(text)
"#;
    let mut python = std::process::Command::new("python3");
    python.args(["-c", program]).env("CANARY", CANARY).env("PYTHONUTF8", "1");
    let said = String::from_utf8(python.output().unwrap().stdout).unwrap();
    assert_eq!(said.lines().count(), 13, "{said}");
    for line in said.lines() {
        assert!(found(line.as_bytes()).is_some(), "not recognised: {line}");
    }
    assert!(found(CANARY.replace("battery", "buttery").as_bytes()).is_none());
}

#[test]
fn a_canary_is_found_nowhere() {
    let place = Place::new();
    let big = format!("--arg=question={}", "long ".repeat(4_000));
    let events = place.says(&["run", "--arg", "question=hello", "--events"]).exits(0).out;
    assert!(events.contains("[secret CANARY ") && events.contains("[secret anthropic-key "), "{events}");
    assert!(events.contains("DOTENV_TOKEN"), "{events}");
    place.says(&["run", &big, "--json"]).exits(0);
    place.says(&["replay", "--json"]).exits(0);
    place.says(&["run", "--arg", "question=fail"]).exits(1);
    place.says(&["breakpoints", "add", "header"]);
    place.says(&["golden", "save", "latest~1", "app"]).exits(0);
    for args in [
        vec!["show"],
        vec!["show", "--json"],
        vec!["show", "latest~1", "app/header", "--json"],
        vec!["show", "latest~1", "app/forms", "--json"],
        vec!["show", "latest~1", "--lens", "--json"],
        vec!["show", "latest~1", "app/header", "--save", "saved.json"],
        vec!["show", "latest~1", "app/header", "--input", "--save", "-"],
        vec!["completions", "bash"],
        vec!["logs", "latest~1"],
        vec!["logs", "--json"],
        vec!["why"],
        vec!["why", "latest~1", "app/header", "--json"],
        vec!["history", "latest~1", "app/header", "--json"],
        vec!["variance", "latest~1", "app/header", "--json"],
        vec!["timeline", "--json"],
        vec!["status", "--json"],
        vec!["diff", "latest~3", "latest", "--json"],
        vec!["diff", "latest~3", "latest", "--patch"],
        vec!["diff", "latest~3", "latest", "--html", "report.html"],
        vec!["search", "horse"],
        vec!["search", "answered", "--json"],
        vec!["functions", "--json"],
        vec!["source", "latest", "app"],
        vec!["config", "--json"],
        vec!["savings", "--json"],
        vec!["golden", "check", "--json"],
        vec!["step", "latest~1"],
        vec!["resample", "latest~1", "app/header", "-n", "2", "--json"],
        vec!["doctor"],
        vec!["scan", "--json"],
    ] {
        place.says(&args);
    }
    let html = std::fs::read_to_string(place.project.root().join("report.html")).unwrap();
    assert!(html.contains("[secret "), "the report shows where one was");
    let golden = std::fs::read_to_string(place.project.root().join("tests/golden/app.golden.json")).unwrap();
    assert!(golden.contains("[secret CANARY]"), "{golden}");
    assert!(
        place.project.root().join("saved.json").exists(),
        "it was saved, and is looked through like every file"
    );
    place.clean();
    let scan = place.says(&["scan", "--json"]).exits(0).json();
    assert_eq!((&scan["leaks"], &scan["elsewhere"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(std::fs::read_dir(place.path("tmp")).unwrap().count(), 0, "temporary files are left");
}

#[test]
fn a_canary_is_found_nowhere_when_a_worker_dies_and_when_everything_is_killed() {
    let place = Place::new();
    let died = place.says(&["run", "--arg", "question=die", "--json"]).exits(1);
    assert!(died.out.contains("was ended by signal 6"), "{}", died.out);
    place.clean();

    let mut command = place.project.command(&["run", "--arg", "question=wait", "--events"]);
    command.envs(place.env());
    let running = super::support::start(command);
    until("the run waits", || place.project.times("waits") == 1);
    // The engine and at least one worker; what they have in memory and in their environment is theirs.
    let mark = place.path("tmp").display().to_string();
    assert!(arguments_of_processes(&mark) >= 2, "no process was looked at");
    let names = |dir: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let beside = names(&place.project.root().join(".tl-bench"));
    assert!(beside.iter().any(|name| name.ends_with("-wal")), "{beside:?}");
    place.clean();
    running.signal_group(Signal::SIGKILL);
    let done = running.wait();
    clean("what was said until then", done.out.as_bytes());
    clean("what was said until then", done.err.as_bytes());
    place.clean();
    place.says(&["show", "--json"]);
    place.project.heal();
    place.says(&["replay", "--json"]);
    place.clean();
}
