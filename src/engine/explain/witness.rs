//! How what two calls depended on beside arguments and code differs: files, packages, variables, state.
//!
//! Pure: compares what was recorded on both sides. Only what both sides looked at is compared; what one of them did
//! not look at says nothing.

use serde::Serialize;

use super::Cause;
use crate::base::digest::Digest;
use crate::model::{Call, CodeKnown, FileRead, ReadKind, RunHistory};

/// A file or folder that differs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FileChange {
    /// Relative to the project.
    pub path: String,
    /// What the checkpoint had asked of it.
    pub asked: ReadKind,
    /// Whether it was read while modules were imported, rather than by the call itself.
    pub imported: bool,
    /// Its digest then; `None`: it was absent, or changed while it was in use.
    pub old: Option<Digest>,
    /// Its digest now; `None`: it is absent.
    pub new: Option<Digest>,
}

/// Files that two calls read, and that differ.
pub fn files(old: &[FileRead], new: &[FileRead], imported: bool) -> Vec<Cause> {
    let mut causes = Vec::new();
    for then in old {
        let now: Vec<&FileRead> = new.iter().filter(|now| now.path == then.path).collect();
        let there = now.iter().any(|now| now.kind != ReadKind::Absent);
        let differs = match then.kind {
            ReadKind::Absent => there,
            ReadKind::Present => !now.is_empty() && !there,
            kind => {
                let mut alike = now.iter().filter(|one| one.kind == kind).peekable();
                let other = alike.peek().is_some() && !alike.any(|one| one.digest == then.digest);
                other || !now.is_empty() && !there
            }
        };
        if !differs {
            continue;
        }
        let now = now.iter().find(|one| one.digest.is_some());
        causes.push(Cause::File(FileChange {
            path: then.path.clone(),
            asked: then.kind,
            imported,
            old: then.digest,
            new: now.and_then(|now| now.digest),
        }));
    }
    causes
}

/// What importing the code depended on, then and now.
pub fn imported(old: &CodeKnown, new: &CodeKnown) -> Vec<Cause> {
    let mut causes = files(&old.files, &new.files, true);
    for then in &old.packages {
        let Some(now) = new.packages.iter().find(|now| now.name == then.name) else { continue };
        if now != then {
            let version = |version: &str| Some(version.to_owned());
            let (old, new) = (version(&then.version), version(&now.version));
            causes.push(Cause::Package { name: then.name.clone(), old, new });
        }
    }
    for (name, then) in &old.env {
        let Some((_, now)) = new.env.iter().find(|(other, _)| other == name) else { continue };
        if now != then {
            let (was_set, is_set) = (then.is_some(), now.is_some());
            causes.push(Cause::Environment { name: name.clone(), was_set, is_set });
        }
    }
    causes
}

/// Keys of the request state that two calls read, and that held something else.
pub fn state(old: (&RunHistory, &Call), new: (&RunHistory, &Call)) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, then) in &old.1.state_reads {
        let Some((_, now)) = new.1.state_reads.iter().find(|(other, _)| other == key) else { continue };
        if now != then {
            let (old, new) = (held(old.0, key, then), held(new.0, key, now));
            causes.push(Cause::State { key: key.clone(), old, new });
        }
    }
    causes
}

/// What a key held, in short.
pub fn held(run: &RunHistory, key: &str, digest: &Option<Digest>) -> Option<String> {
    let digest = (*digest)?;
    let set = run.state.iter().find(|change| change.key == key && change.value.digest == digest);
    Some(set.map_or_else(|| format!("value {}", &digest.hex()[..12]), |change| change.value.preview.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Package;

    fn read(path: &str, kind: ReadKind, content: Option<&str>) -> FileRead {
        FileRead { path: path.into(), kind, digest: content.map(|text| Digest::of(text.as_bytes())) }
    }

    #[test]
    fn files_that_both_looked_at_are_compared() {
        let old = [
            read("same.txt", ReadKind::Content, Some("a")),
            read("edited.txt", ReadKind::Content, Some("a")),
            read("came.txt", ReadKind::Absent, None),
            read("went.txt", ReadKind::Content, Some("a")),
            read("unread.txt", ReadKind::Content, Some("a")),
            read("looked.txt", ReadKind::Present, None),
            read("opened.txt", ReadKind::Content, Some("a")),
            read("vanished.txt", ReadKind::Present, None),
        ];
        let new = [
            read("same.txt", ReadKind::Content, Some("a")),
            read("edited.txt", ReadKind::Content, Some("b")),
            read("came.txt", ReadKind::Content, Some("a")),
            read("went.txt", ReadKind::Absent, None),
            read("looked.txt", ReadKind::Content, Some("b")),
            read("opened.txt", ReadKind::Present, None),
            read("vanished.txt", ReadKind::Absent, None),
        ];
        let found: Vec<(String, bool, bool)> = files(&old, &new, false)
            .into_iter()
            .map(|cause| match cause {
                Cause::File(file) => (file.path, file.old.is_some(), file.new.is_some()),
                other => (format!("{other:?}"), false, false),
            })
            .collect();
        let expected = [
            ("edited.txt", true, true),
            ("came.txt", false, true),
            ("went.txt", true, false),
            ("vanished.txt", false, false),
        ];
        assert_eq!(found, expected.map(|(path, old, new)| (path.to_owned(), old, new)));
    }

    #[test]
    fn packages_and_variables_are_compared_by_name() {
        let known = |version: &str, value: Option<&str>| CodeKnown {
            packages: vec![Package { name: "numpy".into(), version: version.into(), record: None }],
            env: vec![("MODEL".into(), value.map(|text| Digest::of(text.as_bytes())))],
            ..CodeKnown::alone("f", Digest::default())
        };
        assert!(imported(&known("1", None), &known("1", None)).is_empty());
        let found = imported(&known("1", Some("a")), &known("2", None));
        assert_eq!(
            found,
            [
                Cause::Package { name: "numpy".into(), old: Some("1".into()), new: Some("2".into()) },
                Cause::Environment { name: "MODEL".into(), was_set: true, is_set: false },
            ]
        );
    }
}
