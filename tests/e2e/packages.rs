//! Python environments with packages from PyPI, installed once for all tests and test runs.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::project::{Done, Started, below_target};

/// Longer than a download takes.
const DOWNLOAD: Duration = Duration::from_secs(300);

/// The interpreter of the environment of this name with these packages, pinned (`name==version`). Another list
/// makes it anew.
pub fn environment(name: &str, packages: &[&str]) -> PathBuf {
    let folder = below_target(name);
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    // Other threads and processes of the test wait here; the lock goes with the file.
    lock.lock().unwrap();
    let python = folder.join("venv/bin/python");
    let mark = folder.join("installed");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&mark).is_ok_and(|text| text == wanted) && python.exists() {
        return python;
    }
    let _ = std::fs::remove_file(&mark);
    must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")));
    let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    must(Command::new(&python).args(options).args(packages));
    std::fs::write(&mark, wanted).unwrap();
    python
}

/// Runs a command that must succeed, without what this process knows of Python.
pub fn must(command: &mut Command) -> Done {
    let mut clean = Command::new(command.get_program());
    clean.args(command.get_args()).env_remove("PYTHONPATH").env_remove("VIRTUAL_ENV");
    let done = Started::new(clean).finish_within(DOWNLOAD);
    assert_eq!(done.code(), 0, "the packages from PyPI are needed: {done}");
    done
}
