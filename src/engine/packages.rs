//! Which installed distribution owns an imported module, found by reading metadata files: nothing is executed.
//!
//! The folders that the interpreter imports from are searched in order, as importing does. A distribution is known by
//! its `*.dist-info` folder, and two builds of one version by the digest of its RECORD. What no distribution owns (a
//! plain folder on PYTHONPATH, an editable install) counts by its own sources. Other distributions change nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::model::Package;

/// Modules that are no dependency: the applications API is our own, whatever is installed.
const OURS: [&str; 2] = ["tensorlake", "tlb_runtime"];
/// Sources of a module that no distribution owns: more than this many bytes are compared by size and time.
const LARGE_TREE: u64 = 64 << 20;

/// The distributions of one interpreter.
pub struct Packages {
    root: PathBuf,
    ignored: Vec<String>,
    path: Vec<PathBuf>,
    found: HashMap<String, Vec<Package>>,
    folders: HashMap<PathBuf, Vec<Distribution>>,
}

/// A metadata folder.
#[derive(Clone)]
struct Distribution {
    folder: PathBuf,
    name: String,
    version: String,
}

impl Packages {
    /// Without those that are called as one of `ignored`.
    pub fn new(root: &Path, ignored: &[String]) -> Self {
        let ignored = ignored.iter().map(|name| normal(name)).collect();
        let (found, folders) = (HashMap::new(), HashMap::new());
        Packages { root: root.to_path_buf(), ignored, path: Vec::new(), found, folders }
    }

    /// Where the interpreter imports from, in order.
    pub fn imports_from(&mut self, path: &[String]) {
        self.path = path
            .iter()
            .map(|folder| self.root.join(folder))
            .filter(|folder| folder.is_dir() && !folder.join("tlb_runtime").is_dir())
            .collect();
        self.found.clear();
        self.folders.clear();
    }

    /// The distributions of these top-level modules, sorted. Ignored ones have neither version nor record.
    pub fn of(&mut self, modules: &[String]) -> Vec<Package> {
        let mut all = Vec::new();
        for module in modules.iter().filter(|module| !OURS.contains(&module.as_str())) {
            if !self.found.contains_key(module) {
                let found = self.look(module);
                self.found.insert(module.clone(), found);
            }
            all.extend(self.found.get(module).into_iter().flatten().cloned());
        }
        for package in all.iter_mut().filter(|package| self.ignored.contains(&normal(&package.name))) {
            // Named all the same: what was recorded before it was ignored is compared with this, and holds.
            (package.version, package.record) = (String::new(), None);
        }
        all.sort();
        all.dedup();
        all
    }

    fn look(&mut self, module: &str) -> Vec<Package> {
        for folder in self.path.clone() {
            let Some(place) = place_of(&folder, module) else { continue };
            let held = self.folders.entry(folder.clone()).or_insert_with(|| distributions(&folder));
            let owners: Vec<Package> =
                owners(held, module, place.is_dir() && !place.join("__init__.py").is_file())
                    .map(|owner| package(owner, &place))
                    .collect();
            if !owners.is_empty() {
                return owners;
            }
            let record = sources(&place);
            return vec![Package { name: module.to_owned(), version: String::new(), record }];
        }
        Vec::new()
    }
}

/// Names of distributions are equal when they are so in this form (PEP 503).
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['-', '.'], "_")
}

/// The folder or file that importing a top-level module from a folder finds.
fn place_of(folder: &Path, module: &str) -> Option<PathBuf> {
    let package = folder.join(module);
    if package.is_dir() {
        return Some(package);
    }
    let file = folder.join(format!("{module}.py"));
    if file.is_file() {
        return Some(file);
    }
    let start = format!("{module}.");
    let mut names = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    names.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&start) && (name.ends_with(".so") || name.ends_with(".pyd"))
    })
}

fn distributions(folder: &Path) -> Vec<Distribution> {
    let mut found: Vec<Distribution> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let file = entry.file_name().to_string_lossy().into_owned();
            let stem = file.strip_suffix(".dist-info").or_else(|| file.strip_suffix(".egg-info"))?;
            let (name, rest) = stem.split_once('-').unwrap_or((stem, ""));
            let version = rest.split("-py").next().unwrap_or_default();
            Some(Distribution { folder: entry.path(), name: name.to_owned(), version: version.to_owned() })
        })
        .collect();
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    found
}

/// The distributions that a module belongs to: one, or several for a folder without `__init__.py`.
fn owners<'a>(
    all: &'a [Distribution],
    module: &str,
    shared: bool,
) -> impl Iterator<Item = &'a Distribution> + use<'a> {
    // Most are called like their module; the metadata of the others is read only when none is.
    let called = normal(module);
    let named: Vec<&Distribution> =
        all.iter().filter(|dist| normal(&dist.name) == called && owns(dist, module)).collect();
    let found = if named.is_empty() || shared {
        all.iter().filter(|dist| owns(dist, module)).collect()
    } else {
        named
    };
    found.into_iter()
}

fn owns(distribution: &Distribution, module: &str) -> bool {
    if let Ok(record) = std::fs::read_to_string(distribution.folder.join("RECORD")) {
        return record.lines().any(|line| {
            line.strip_prefix(module).is_some_and(|rest| {
                rest.starts_with('/')
                    || rest.starts_with(".py")
                    || rest.starts_with('.') && rest.contains(".so")
            })
        });
    }
    match std::fs::read_to_string(distribution.folder.join("top_level.txt")) {
        Ok(names) => names.lines().any(|name| name.trim() == module),
        Err(_) => normal(&distribution.name) == normal(module),
    }
}

fn package(distribution: &Distribution, place: &Path) -> Package {
    let record = std::fs::read(distribution.folder.join("RECORD")).ok();
    Package {
        name: distribution.name.clone(),
        version: distribution.version.clone(),
        record: record.map(|bytes| Digest::of(&bytes)).or_else(|| sources(place)),
    }
}

/// The digest of a module's own files.
fn sources(place: &Path) -> Option<Digest> {
    let mut files = Vec::new();
    let mut bytes = 0;
    let mut folders = vec![place.to_path_buf()];
    if place.is_file() {
        files.push(place.to_path_buf());
        folders.clear();
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            let Ok(found) = std::fs::metadata(&path) else { continue };
            if found.is_dir() {
                if !super::files::NO_DATA.iter().any(|name| entry.file_name() == *name) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|end| end != "pyc") {
                bytes += found.len();
                files.push(path);
            }
        }
    }
    files.sort();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for file in &files {
        parts.push(file.strip_prefix(place).unwrap_or(file).to_string_lossy().into_owned().into_bytes());
        parts.push(if bytes > LARGE_TREE {
            format!("{:?}", super::files::stamp(file)).into_bytes()
        } else {
            Digest::of(&std::fs::read(file).unwrap_or_default()).as_bytes().to_vec()
        });
    }
    Some(Digest::of_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

/// Asks an interpreter where it imports from, as a worker would: for verdicts without one.
pub fn ask(python: &Path, project: &Path) -> std::io::Result<Vec<String>> {
    let out = std::process::Command::new(python)
        .args(["-c", "import sys\nsys.stdout.write('\\0'.join(sys.path[1:]))"])
        .current_dir(project)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output()?;
    if !out.status.success() {
        return Err(std::io::Error::other(format!("{} {}", python.display(), out.status)));
    }
    Ok(String::from_utf8_lossy(&out.stdout).split('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, name: &str, text: &str) {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn of(dirs: &[&Path], ignored: &[&str], modules: &[&str]) -> Vec<(String, String, Option<Digest>)> {
        let ignored: Vec<String> = ignored.iter().map(|name| (*name).to_owned()).collect();
        let mut packages = Packages::new(Path::new("/"), &ignored);
        packages.imports_from(&dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>());
        let modules: Vec<String> = modules.iter().map(|name| (*name).to_owned()).collect();
        packages.of(&modules).into_iter().map(|found| (found.name, found.version, found.record)).collect()
    }

    #[test]
    fn the_owner_is_found_by_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path();
        write(site, "vendorlib/__init__.py", "");
        write(site, "vendorlib-1.0.dist-info/RECORD", "vendorlib/__init__.py,sha256=a,0\n");
        write(site, "yaml/__init__.py", "");
        write(site, "PyYAML-6.0.1.dist-info/RECORD", "yaml/__init__.py,sha256=b,0\n");
        write(site, "PyYAML-6.0.1.dist-info/top_level.txt", "_yaml\nyaml\n");
        write(site, "six.py", "");
        write(site, "six-1.16.0.dist-info/RECORD", "six.py,sha256=c,0\n");
        write(site, "_fast.cpython-311-x86_64-linux-gnu.so", "");
        write(site, "fast-2.dist-info/RECORD", "_fast.cpython-311-x86_64-linux-gnu.so,sha256=d,0\n");
        write(site, "old/__init__.py", "");
        write(site, "Old_Lib-3.1-py3.11.egg-info/top_level.txt", "old\n");
        let found = of(&[site], &[], &["vendorlib", "yaml", "six", "_fast", "old", "nowhere", "tensorlake"]);
        let names: Vec<(&str, &str)> = found.iter().map(|(n, v, _)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            names,
            [("Old_Lib", "3.1"), ("PyYAML", "6.0.1"), ("fast", "2"), ("six", "1.16.0"), ("vendorlib", "1.0")]
        );
        assert!(found.iter().all(|(_, _, record)| record.is_some()));
        assert_eq!(of(&[site], &["pyyaml"], &["yaml", "six"])[0], ("PyYAML".into(), String::new(), None));
        // Another distribution changes nothing; another build of the same does.
        write(site, "other-9.dist-info/RECORD", "other/__init__.py,,\n");
        assert_eq!(of(&[site], &[], &["six"])[0], found[3]);
        write(site, "six-1.16.0.dist-info/RECORD", "six.py,sha256=x,0\n");
        assert_ne!(of(&[site], &[], &["six"])[0].2, found[3].2);
    }

    #[test]
    fn what_no_distribution_owns_counts_by_its_sources_and_the_first_folder_wins() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(first.path(), "plain/__init__.py", "A = 1");
        write(second.path(), "plain/__init__.py", "");
        write(second.path(), "plain-1.dist-info/RECORD", "plain/__init__.py,,\n");
        let both = [first.path(), second.path()];
        let before = of(&both, &[], &["plain"]);
        assert_eq!((before[0].0.as_str(), before[0].1.as_str()), ("plain", ""));
        write(first.path(), "plain/__pycache__/x.pyc", "x");
        assert_eq!(of(&both, &[], &["plain"]), before);
        write(first.path(), "plain/__init__.py", "A = 2");
        assert_ne!(of(&both, &[], &["plain"]), before);
        assert_eq!(of(&[second.path()], &[], &["plain"])[0].1, "1");
    }

    #[test]
    fn a_shared_folder_has_several_owners() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "google/auth/__init__.py", "");
        write(dir.path(), "google_auth-2.dist-info/RECORD", "google/auth/__init__.py,,\n");
        write(dir.path(), "google_genai-1.dist-info/RECORD", "google/genai/__init__.py,,\n");
        assert_eq!(of(&[dir.path()], &[], &["google"]).len(), 2);
    }
}
