//! Whether what a checkpoint depended on is still as it was: files, packages, environment.
//!
//! Files that a call looked at are compared each time that it might be served, because calls that execute earlier in
//! the same run may write them. What belongs to a function's code (files read at import, packages, tracked variables)
//! was settled when the application was loaded: one verdict for the run.

use std::sync::Arc;

use rustc_hash::FxHashMap as HashMap;

use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::engine::files::Files;
use crate::model::{Call, CodeKnown, FileRead, Package, ReadKind, RunHistory};

/// A file read, by number: many calls share few.
pub type ReadNo = u32;

/// Recorded witnesses and how they fare.
pub struct Witnesses {
    files: Arc<Files>,
    reads: Vec<FileRead>,
    numbers: HashMap<FileRead, ReadNo>,
    /// Why a function's code of a run does not hold, by run and code digest.
    verdicts: HashMap<(RunId, Digest), Vec<Verdict>>,
}

/// A function, and why its code does not hold.
type Verdict = (String, Option<String>);

impl Witnesses {
    /// Nothing was compared yet.
    pub fn new(files: Arc<Files>) -> Self {
        Witnesses { files, reads: Vec::new(), numbers: HashMap::default(), verdicts: HashMap::default() }
    }

    /// The numbers of what a call looked at.
    pub fn numbers(&mut self, reads: &[FileRead]) -> Vec<ReadNo> {
        reads.iter().map(|read| self.number(read)).collect()
    }

    fn number(&mut self, read: &FileRead) -> ReadNo {
        if let Some(known) = self.numbers.get(read) {
            return *known;
        }
        let number = self.reads.len() as ReadNo;
        self.reads.push(read.clone());
        self.numbers.insert(read.clone(), number);
        number
    }

    /// The first of these that would be seen otherwise now, in words.
    pub fn difference(&self, numbers: &[ReadNo]) -> Option<String> {
        let reads = numbers.iter().filter_map(|number| self.reads.get(*number as usize));
        reads.into_iter().find_map(|read| self.files.difference(read))
    }

    /// Why what a recorded call's code depended on is not as it was.
    pub fn code(
        &mut self,
        history: &RunHistory,
        call: &Call,
        today: Option<&Arc<CodeKnown>>,
    ) -> Option<String> {
        let key = (history.id.clone(), call.code);
        let verdicts = self.verdicts.entry(key).or_default();
        if let Some((_, verdict)) = verdicts.iter().find(|(function, _)| *function == call.function) {
            return verdict.clone();
        }
        let recorded = history.code(&call.function, &call.code);
        let verdict = recorded.zip(today).and_then(|(then, now)| code_difference(then, now, &self.files));
        verdicts.push((call.function.clone(), verdict.clone()));
        verdict
    }
}

/// What differs between a function's recorded surroundings and today's, in words.
///
/// Files are compared with today's import where it was watched, and with the files themselves otherwise. Other code
/// (which the user declared equal) may depend on more or less: only what both depend on is compared.
pub fn code_difference(then: &CodeKnown, now: &CodeKnown, files: &Files) -> Option<String> {
    let same = then.code == now.code;
    for read in &then.files {
        let dropped = read.kind == ReadKind::Matching && !now.files.iter().any(|new| new.path == read.path);
        if dropped || files.ignores(&read.path) || now.files.contains(read) {
            continue;
        }
        let other = now.files.iter().any(|new| new.path == read.path && new.kind == read.kind);
        let text = files.difference(read).or_else(|| other.then(|| format!("file {} changed", read.path)));
        if let Some(text) = text {
            return Some(format!("{text} (read while it was imported)"));
        }
    }
    // What is absent now and was not looked for then changes nothing: scripts are imported in other ways than files.
    let new = now
        .files
        .iter()
        .find(|new| new.kind != ReadKind::Absent && !then.files.iter().any(|old| old.path == new.path));
    if let Some(new) = new.filter(|_| same) {
        return Some(format!("importing it reads {} now", new.path));
    }
    if let Some(text) = package_difference(&then.packages, &now.packages, same) {
        return Some(text);
    }
    for (name, value) in &then.env {
        if now.env.iter().any(|(other, now)| other == name && now != value) {
            return Some(format!("{name} differs"));
        }
    }
    now.env.iter().find_map(|(name, _)| {
        let known = then.env.iter().any(|(other, _)| other == name);
        (!known).then(|| format!("{name} is tracked now"))
    })
}

fn package_difference(then: &[Package], now: &[Package], same: bool) -> Option<String> {
    for old in then {
        match now.iter().find(|new| new.name == old.name) {
            // It is not to be compared any more.
            Some(new) if new.record.is_none() && new.version.is_empty() => {}
            Some(new) if old.record.is_none() && old.version.is_empty() && new != old => {
                return Some(format!("package {} is tracked now", old.name));
            }
            Some(new) if new.version != old.version => {
                return Some(format!("package {} {} -> {}", old.name, version(old), version(new)));
            }
            Some(new) if new.record != old.record => {
                return Some(format!("package {} {} is another build", old.name, version(old)));
            }
            Some(_) => {}
            None if !same => {}
            None => return Some(format!("package {} {} is not there", old.name, version(old))),
        }
    }
    let new = now.iter().find(|new| same && !then.iter().any(|old| old.name == new.name))?;
    Some(format!("package {} {} is there now", new.name, version(new)))
}

fn version(package: &Package) -> &str {
    if package.version.is_empty() { "without a version" } else { &package.version }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;

    fn known() -> CodeKnown {
        CodeKnown::alone("f", Digest::default())
    }

    fn package(name: &str, version: &str, record: &str) -> Package {
        Package { name: name.into(), version: version.into(), record: Some(Digest::of(record.as_bytes())) }
    }

    #[test]
    fn says_what_differs() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path(), Arc::new(SystemClock), &[]);
        std::fs::write(dir.path().join("a.md"), "new").unwrap();
        let read = |path: &str, text: &str| FileRead {
            path: path.into(),
            kind: ReadKind::Content,
            digest: Some(Digest::of(text.as_bytes())),
        };
        let say = |then: &CodeKnown, now: &CodeKnown| code_difference(then, now, &files);
        let bare = known();
        assert_eq!(say(&bare, &bare), None);
        let vendor = |v: &str, r: &str| CodeKnown { packages: vec![package("vendorlib", v, r)], ..known() };
        assert_eq!(say(&vendor("1.0", "a"), &vendor("1.0", "a")), None);
        assert_eq!(
            say(&vendor("1.0", "a"), &vendor("1.1", "b")).as_deref(),
            Some("package vendorlib 1.0 -> 1.1")
        );
        assert_eq!(
            say(&vendor("1.0", "a"), &vendor("1.0", "b")).as_deref(),
            Some("package vendorlib 1.0 is another build")
        );
        let ignored = Package { name: "vendorlib".into(), version: String::new(), record: None };
        let ignored = CodeKnown { packages: vec![ignored], ..known() };
        assert_eq!(say(&vendor("1.0", "a"), &ignored), None);
        assert_eq!(say(&ignored, &ignored), None);
        assert_eq!(say(&ignored, &vendor("1.0", "a")).as_deref(), Some("package vendorlib is tracked now"));
        assert!(say(&vendor("1.0", "a"), &bare).is_some() && say(&bare, &vendor("1.0", "a")).is_some());
        let env = |v: Option<&str>| CodeKnown {
            env: vec![("MODEL".into(), v.map(|v| Digest::of(v.as_bytes())))],
            ..known()
        };
        assert_eq!(say(&env(Some("a")), &env(None)).as_deref(), Some("MODEL differs"));
        assert_eq!(say(&bare, &env(None)).as_deref(), Some("MODEL is tracked now"));
        // No longer tracked: nobody cares.
        assert_eq!(say(&env(None), &bare), None);
        let with = |text: &str| CodeKnown { files: vec![read("a.md", text)], ..known() };
        assert_eq!(say(&with("new"), &with("new")), None);
        assert!(say(&with("old"), &with("new")).is_some_and(|text| text.starts_with("file a.md changed")));
        // Changed back after this import had read it: what was imported counts.
        assert!(say(&with("new"), &with("old")).is_some());
        assert!(say(&bare, &with("new")).is_some());
    }
}
