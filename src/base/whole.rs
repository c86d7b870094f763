//! Files that are written whole or not at all: a reader never finds half of one, whenever the writer is killed.

use std::fs::File;
use std::io::{Result, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What only its user may read.
pub const PRIVATE: u32 = 0o600;
/// As any file of a repository is.
pub const COMMON: u32 = 0o644;

/// Puts a file in the place of the one that is there, if one is. Its folder must exist.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    replace_with(path, mode, |file| file.write_all(content))
}

/// The same with content that is made while it is written; when that fails, the file that is there stays.
pub fn replace_with(path: &Path, mode: u32, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    write(file.as_file_mut())?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"one", COMMON).unwrap();
        replace(&path, b"two", PRIVATE).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, PRIVATE);
        assert!(replace(&dir.path().join("none/file"), b"", PRIVATE).is_err());
        let half = |file: &mut File| file.write_all(b"half").and_then(|()| Err(std::io::Error::other("no")));
        assert!(replace_with(&path, COMMON, half).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
