//! The interpreter behind a pyenv shim. A shim is a shell script that works out the version at every start, which
//! takes longer than Python's own start; its choice is made once here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What a shim would start in `project`; `None` when it is no shim or its choice is not an obvious one.
pub fn behind_shim(shim: &Path, project: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = shim.parent()?;
    let root = folder.parent()?;
    if folder.file_name()? != "shims" || !root.join("versions").is_dir() {
        return None;
    }
    let chosen = match env("PYENV_VERSION").filter(|text| !text.is_empty()) {
        Some(text) => text.to_string_lossy().replace(':', "\n"),
        None => project
            .ancestors()
            .find_map(|dir| std::fs::read_to_string(dir.join(".python-version")).ok())
            .or_else(|| std::fs::read_to_string(root.join("version")).ok())?,
    };
    let version = chosen.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    // Prefixes, `system` and names of other tools are left to the shim.
    if !version.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let found = root.join("versions").join(version).join("bin").join(shim.file_name()?);
    found.is_file().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_version_file_decides_and_the_rest_is_left_to_the_shim() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path().join("pyenv");
        for version in ["3.11.7", "3.12.1"] {
            std::fs::create_dir_all(root.join("versions").join(version).join("bin"))?;
            std::fs::write(root.join("versions").join(version).join("bin/python3"), "")?;
        }
        let project = dir.path().join("a/b");
        std::fs::create_dir_all(&project)?;
        std::fs::write(root.join("version"), "3.11.7\n")?;
        let shim = root.join("shims/python3");
        let none = |_: &str| None;
        let at = |version: &str| Some(root.join("versions").join(version).join("bin/python3"));
        assert_eq!(behind_shim(&shim, &project, &none), at("3.11.7"));
        std::fs::write(dir.path().join("a/.python-version"), "# ours\n3.12.1\n3.11.7\n")?;
        assert_eq!(behind_shim(&shim, &project, &none), at("3.12.1"));
        let env = |name: &str| (name == "PYENV_VERSION").then(|| OsString::from("3.11.7:3.12.1"));
        assert_eq!(behind_shim(&shim, &project, &env), at("3.11.7"));
        for other in ["system", "3.9", "my-venv"] {
            let env = |_: &str| Some(OsString::from(other));
            assert_eq!(behind_shim(&shim, &project, &env), None);
        }
        assert_eq!(behind_shim(Path::new("/usr/bin/python3"), &project, &none), None);
        Ok(())
    }
}
