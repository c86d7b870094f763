//! Which Python executes a project: `--python`, `$VIRTUAL_ENV`, the project's `.venv`, `python3`.

use std::path::{Path, PathBuf};

/// Exit status by which the bootstrap says that the interpreter is too old.
pub const TOO_OLD: i32 = 97;

/// What a worker's interpreter executes. Written so that even Python 2 parses it.
pub const BOOTSTRAP: &str = "import sys\nif sys.version_info < (3, 10):\n    sys.stderr.write('it is Python ' + sys.version.split()[0])\n    sys.exit(97)\nfrom tlb_runtime.__main__ import main\nmain()\n";

/// An interpreter and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The executable.
    pub path: PathBuf,
    /// Where it came from, for `doctor` and messages.
    pub source: &'static str,
}

/// No interpreter.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InterpreterError {
    /// The given one does not exist.
    #[error("no Python at {0}; give --python the path of a Python 3.10 or newer")]
    Missing(PathBuf),
    /// None was found.
    #[error(
        "no Python found: looked for $VIRTUAL_ENV, .venv in {0}, and python3 on PATH; install Python 3.10 or newer, or give --python PATH"
    )]
    NotFound(PathBuf),
}

/// Finds the project's interpreter. Looks at files only; whether it is new enough shows when it starts.
pub fn find(
    given: Option<&Path>,
    project: &Path,
    env: &dyn Fn(&str) -> Option<std::ffi::OsString>,
) -> Result<Interpreter, InterpreterError> {
    if let Some(path) = given {
        let found =
            if path.components().count() == 1 { on_path(path, env) } else { Some(path.to_path_buf()) };
        return match found.filter(|p| p.exists()) {
            Some(path) => Ok(Interpreter { path, source: "--python" }),
            None => Err(InterpreterError::Missing(path.to_path_buf())),
        };
    }
    if let Some(venv) = env("VIRTUAL_ENV").filter(|v| !v.is_empty()) {
        let path = Path::new(&venv).join("bin/python");
        if path.exists() {
            return Ok(Interpreter { path, source: "$VIRTUAL_ENV" });
        }
    }
    let local = project.join(".venv/bin/python");
    if local.exists() {
        return Ok(Interpreter { path: local, source: ".venv" });
    }
    for name in ["python3", "python"] {
        if let Some(path) = on_path(Path::new(name), env) {
            let path = super::pyenv::behind_shim(&path, project, env).unwrap_or(path);
            return Ok(Interpreter { path, source: "PATH" });
        }
    }
    Err(InterpreterError::NotFound(project.to_path_buf()))
}

fn on_path(name: &Path, env: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let path = env("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_given_venv_local_path() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let make = |at: &str| -> std::io::Result<PathBuf> {
            let path = dir.path().join(at);
            std::fs::create_dir_all(path.parent().unwrap())?;
            std::fs::write(&path, "")?;
            Ok(path)
        };
        let on_path = make("path/python3")?;
        let env = |name: &str| match name {
            "PATH" => Some(dir.path().join("path").into_os_string()),
            "VIRTUAL_ENV" => Some(dir.path().join("venv").into_os_string()),
            _ => None,
        };
        assert_eq!(find(None, dir.path(), &env).unwrap().path, on_path);
        let local = make(".venv/bin/python")?;
        assert_eq!(find(None, dir.path(), &env).unwrap().path, local);
        let venv = make("venv/bin/python")?;
        assert_eq!(find(None, dir.path(), &env).unwrap().path, venv);
        let nowhere = dir.path().join("no/python");
        assert_eq!(find(Some(&nowhere), dir.path(), &env), Err(InterpreterError::Missing(nowhere)));
        Ok(())
    }
}
