//! The Python runtime's own tests (`tests/python`), so that `cargo test` runs everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The suite takes ten seconds on two idle cores.
const LIMIT: Duration = Duration::from_secs(300);

fn python() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("python3")).find(|file| file.is_file());
    found.expect("no python3 on PATH: the tests need Python 3.10 or newer")
}

/// The number in `Ran 46 tests in 10.656s`.
fn ran(output: &str) -> Option<u32> {
    let line = output.lines().rev().find(|line| line.starts_with("Ran "))?;
    line.split(' ').nth(1)?.parse().ok()
}

#[test]
fn the_python_suite_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(python())
        .args(["-W", "ignore::ResourceWarning", "-m", "unittest", "discover", "-s", "tests/python"])
        .current_dir(root)
        .env("PYTHONPATH", root.join("src/python/runtime"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("VIRTUAL_ENV")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    // Both pipes are read all the time: a full one would stop the suite.
    let readers: Vec<_> = [
        Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
        Box::new(child.stderr.take().unwrap()),
    ]
    .into_iter()
    .map(|mut pipe| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    })
    .collect();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if start.elapsed() > LIMIT {
            // The suite starts workers: its whole process group has to go.
            let group = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let output: String = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    match status {
        None => panic!("the Python suite did not end within {} s\n{output}", LIMIT.as_secs()),
        Some(status) => assert!(status.success(), "the Python suite failed ({status})\n{output}"),
    }
    assert!(ran(&output).is_some_and(|tests| tests > 0), "no Python test ran\n{output}");
}

#[test]
fn the_count_of_tests_is_read() {
    assert_eq!(ran("..\n----\nRan 46 tests in 10.656s\n\nOK\n"), Some(46));
    assert_eq!(ran("Ran 0 tests in 0.000s\n\nNO TESTS RAN\n"), Some(0));
    assert_eq!(ran("Traceback (most recent call last):\n"), None);
}
