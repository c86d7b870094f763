//! Files that other programs are given (the editor's, the pager's, those of viewers): in a folder and with a mode that only
//! this user gets past, until the workbench is left. What a killed one leaves is removed by the next engine.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use super::lock;
use crate::engine::folder::Folder;

/// The files; they go when this is dropped.
#[derive(Default)]
pub struct Staged {
    folder: Mutex<Option<Folder>>,
}

impl Staged {
    /// Writes a file; says where it is. What is written again must not change under the program that shows it, so each has
    /// a name of its own.
    pub fn write(&self, file: &str, bytes: &[u8]) -> std::io::Result<String> {
        let mut held = lock(&self.folder);
        let folder = match &mut *held {
            Some(folder) => folder,
            none => none.insert(Folder::make()?),
        };
        for n in 0u32.. {
            let path = folder.path().join(if n == 0 { file.to_owned() } else { format!("{n}-{file}") });
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut out) => {
                    out.write_all(bytes)?;
                    return Ok(path.display().to_string());
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(std::io::ErrorKind::AlreadyExists.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_own_name_and_goes_in_the_end() {
        let staged = Staged::default();
        let (a, b) = (staged.write("x.png", b"a").unwrap(), staged.write("x.png", b"b").unwrap());
        assert!(a.ends_with("/x.png") && b.ends_with("/1-x.png"), "{a} {b}");
        assert_eq!((std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap()), (b"a".to_vec(), b"b".to_vec()));
        drop(staged);
        assert!(!std::path::Path::new(&a).parent().unwrap().exists());
    }
}
