//! The places that do not count when runs are compared, as the project's tl-bench.toml names them: read anew and changed.
//!
//! Invariants: a change touches the list `ignore` alone, everything else in the file stays as it was written; the file is
//! replaced whole or not at all; a file that cannot be read as a configuration is left alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Value};

use super::project::{Config, Project};
use crate::base::{paths, whole};
use crate::diff::value::Pattern;

const KEY: &str = "ignore";

/// The places that the project's file names now; while it cannot be read, those that it named before.
pub fn ignored(project: &Project) -> Vec<Pattern> {
    let text = std::fs::read_to_string(project.root.join(paths::CONFIG_FILE)).unwrap_or_default();
    match toml::from_str::<Config>(&text) {
        Ok(config) => config.ignored(),
        Err(_) => project.config.ignored(),
    }
}

/// Adds patterns to the project's file, which is made when there is none, and takes others out.
pub fn change(root: &Path, add: &[String], remove: &[String]) -> Result<(), String> {
    let path = root.join(paths::CONFIG_FILE);
    // A link stays one.
    let path = path.canonicalize().unwrap_or(path);
    let told = |error: std::io::Error| format!("{} cannot be changed: {error}", path.display());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(told(error)),
    };
    let text = edited(&text, add, remove).map_err(|why| format!("{}: {why}", path.display()))?;
    let mode = path.metadata().map_or(whole::COMMON, |there| there.permissions().mode());
    whole::replace(&path, text.as_bytes(), mode).map_err(told)
}

/// The text of a configuration with these patterns in `ignore`, and without those.
fn edited(text: &str, add: &[String], remove: &[String]) -> Result<String, String> {
    toml::from_str::<Config>(text).map_err(|error| error.to_string().trim().to_owned())?;
    let mut document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    let entry = document.entry(KEY).or_insert_with(|| Item::Value(Value::Array(Array::new())));
    let list = entry.as_array_mut().ok_or_else(|| format!("{KEY}: a list is expected"))?;
    remove_from(list, remove);
    for pattern in add {
        if list.iter().any(|one| one.as_str() == Some(pattern)) {
            continue;
        }
        let mut new = Value::from(pattern.as_str());
        let last = list.len().checked_sub(1).and_then(|at| list.get(at)).map(prefix);
        match last.as_deref().and_then(|prefix| prefix.rfind('\n').map(|at| &prefix[at..])) {
            // Under the others, where each has a line of its own.
            Some(line) => {
                new.decor_mut().set_prefix(line);
                list.push_formatted(new);
            }
            None => list.push(new),
        }
    }
    Ok(document.to_string())
}

/// What stands before an element: blanks, and the comment behind the one before it.
fn prefix(value: &Value) -> String {
    value.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned()
}

/// Takes patterns out; comments that stand before them stay.
fn remove_from(list: &mut Array, patterns: &[String]) {
    let named = |one: &Value| one.as_str().is_some_and(|one| patterns.iter().any(|pattern| pattern == one));
    let places: Vec<usize> =
        list.iter().enumerate().filter(|(_, one)| named(one)).map(|(at, _)| at).collect();
    for at in places.into_iter().rev() {
        let removed = prefix(&list.remove(at));
        let Some(end) = removed.rfind('\n').filter(|_| removed.contains('#')) else { continue };
        match list.get_mut(at) {
            Some(next) => {
                let whole = format!("{}{}", &removed[..end], prefix(next));
                next.decor_mut().set_prefix(whole);
            }
            None => {
                let whole = format!("{}{}", &removed[..end], list.trailing().as_str().unwrap_or_default());
                list.set_trailing(whole);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(all: &[&str]) -> Vec<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    fn with(text: &str, add: &[&str]) -> String {
        edited(text, &patterns(add), &[]).unwrap()
    }

    #[test]
    fn a_rule_is_added_and_all_else_stays() {
        let text =
            "# Our agent.\napp = \"talk\"   # the only one\n\n[track]\nenv = [ \"MODEL\" ]  # prices\n";
        let changed = with(text, &["*.id"]);
        assert_eq!(changed, text.replace("one\n\n", "one\nignore = [\"*.id\"]\n\n"));
        assert_eq!(with("", &["a.b", "*.id"]), "ignore = [\"a.b\", \"*.id\"]\n");
        assert_eq!(with(&changed, &["*.id"]), changed, "once is enough");
    }

    #[test]
    fn rules_are_laid_out_as_those_that_are_there() {
        let one = "ignore = [\"*.id\"] # noise\n";
        assert_eq!(with(one, &["n"]), "ignore = [\"*.id\", \"n\"] # noise\n");
        let lines = "ignore = [\n    \"*.id\",  # ids\n    \"created\",\n]\nworkers = 2\n";
        let more = with(lines, &["usage.*"]);
        assert!(more.contains("\"*.id\",  # ids\n    \"created\",\n    \"usage.*\""), "{more}");
        assert!(more.ends_with("\n]\nworkers = 2\n"), "{more}");
        let back = edited(&more, &[], &patterns(&["usage.*", "unknown"])).unwrap();
        assert_eq!(back, lines);
        let fewer = edited(lines, &[], &patterns(&["created"])).unwrap();
        assert_eq!(fewer, "ignore = [\n    \"*.id\",  # ids\n]\nworkers = 2\n");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(paths::CONFIG_FILE);
        std::fs::write(&path, "ignore = [\nworkers 2\n").unwrap();
        let why = change(folder.path(), &patterns(&["a"]), &[]).unwrap_err();
        assert!(why.contains("tl-bench.toml") && why.contains("line 2"), "{why}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ignore = [\nworkers 2\n");
        std::fs::remove_file(&path).unwrap();
        change(folder.path(), &patterns(&["a"]), &[]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ignore = [\"a\"]\n");
        let project = Project::find(folder.path()).unwrap();
        change(folder.path(), &[], &patterns(&["a"])).unwrap();
        assert_eq!((project.config.ignore.len(), ignored(&project).len()), (1, 0), "it is read anew");
    }
}
