//! The differences of two lists.
//!
//! Rows (objects that some key tells apart) are paired by that key: `id`, `name` and the like, else the column whose values
//! most rows of both sides share. Other elements are aligned by their longest common part, and what was replaced is paired
//! at least cost.
//!
//! Invariant: each row and each element of either side is in one pair, new, or gone; a column that is new or gone in all
//! rows is told once.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::order::{self, Became, cheapest};
use super::path::Path;
use super::structure::{ChangeKind, Detail, Differ, Inside, Within, digest, is_common, same_keys};
use super::turns::{alike, bag};

/// Keys that name an element of a list.
const IDENTITIES: [&str; 6] = ["id", "key", "name", "uuid", "path", "title"];
/// Columns that are tried as names of rows when there is none of these.
const COLUMNS: usize = 32;
/// Characters of a name.
const NAME: usize = 80;
/// In as few rows a new key is told one by one.
const FEW: usize = 2;
/// Pairs of replaced elements, or of rows with other names, that are looked at to find the best ones.
const PAIRS: usize = 10_000;
/// Words of an element that are compared to find its pair.
const WORDS: usize = 200;

/// Objects of one list.
type Rows<'v> = Vec<&'v Map<String, Value>>;

impl Differ<'_> {
    pub(super) fn lists(&mut self, path: &Path, old: &[Value], new: &[Value]) {
        let named = |key: &str| self.options.taken(&path.index(0).key(key)).is_none();
        if let (Some(was), Some(now)) = (objects(old), objects(new))
            && let Some(key) = identity(&was, &now, named)
        {
            self.rows(path, &was, &now, &key);
            return;
        }
        let (a, b) = (self.digests(path, old), self.digests(path, new));
        let may_move = |at: usize| !is_common(&new[at]);
        for became in order::aligned(&a, &b, may_move, |before, after| replaced(before, after, old, new)) {
            match became {
                // What does not count may differ in equal ones; that is told.
                Became::Both(was, at) => self.value(&path.index(at), &old[was], &new[at]),
                Became::Moved(from, at) => {
                    let was = Some(path.index(from));
                    self.note(path.index(at), ChangeKind::Moved, was, Some(&old[from]), Some(&new[at]));
                }
                Became::Added(at) => self.note(path.index(at), ChangeKind::Added, None, None, Some(&new[at])),
                Became::Removed(at) => {
                    self.note(path.index(at), ChangeKind::Removed, None, Some(&old[at]), None);
                }
            }
        }
    }

    /// Lists of rows that a key tells apart.
    fn rows(&mut self, path: &Path, old: &Rows<'_>, new: &Rows<'_>, key: &str) {
        let from = partners(old, new, key);
        let columns = self.columns(path, old, new, &from);
        let ordered = in_order(&from);
        for (at, row) in new.iter().enumerate() {
            let stands = ordered.contains(&at);
            if from[at].is_some_and(|was| stands && old[was] == *row && same_keys(old[was], row)) {
                continue;
            }
            let place = path.index(at);
            self.enter(&place, key, row);
            match from[at] {
                Some(was) => {
                    if !stands {
                        let [before, now] = [old[was], *row].map(|row| Value::Object(row.clone()));
                        let from = Some(path.index(was));
                        self.note(place.clone(), ChangeKind::Moved, from, Some(&before), Some(&now));
                    }
                    self.row(&place, old[was], row, &columns);
                }
                None => {
                    let now = Value::Object((*row).clone());
                    self.note(place, ChangeKind::Added, None, None, Some(&now));
                }
            }
            self.within.pop();
        }
        let met: HashSet<usize> = from.into_iter().flatten().collect();
        for (at, row) in old.iter().enumerate().filter(|(at, _)| !met.contains(at)) {
            let place = path.index(at);
            self.enter(&place, key, row);
            let was = Value::Object((*row).clone());
            self.note(place, ChangeKind::Removed, None, Some(&was), None);
            self.within.pop();
        }
    }

    fn enter(&mut self, place: &Path, key: &str, row: &Map<String, Value>) {
        let what = Inside::Row { key: key.to_owned(), name: row.get(key).cloned().unwrap_or_default() };
        self.within.push(Within { path: place.clone(), what });
    }

    fn row(
        &mut self,
        place: &Path,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        told: &HashSet<&str>,
    ) {
        let rest = |row: &Map<String, Value>| -> Value {
            let cells = row.iter().filter(|(key, _)| !told.contains(key.as_str()));
            Value::Object(cells.map(|(key, cell)| (key.clone(), cell.clone())).collect())
        };
        self.value(place, &rest(old), &rest(new));
    }

    /// Columns that are new, gone, or have another name in all rows that both sides have; they are told here.
    fn columns<'v>(
        &mut self,
        path: &Path,
        old: &Rows<'v>,
        new: &Rows<'v>,
        from: &[Option<usize>],
    ) -> HashSet<&'v str> {
        let pairs: Vec<_> =
            from.iter().zip(new).filter_map(|(was, now)| Some((old[(*was)?], *now))).collect();
        let mut out = HashSet::new();
        if pairs.len() <= FEW {
            return out;
        }
        let has = |rows: &Rows<'_>, key: &str| rows.iter().any(|row| row.contains_key(key));
        let keys =
            |row: Option<&'v Map<String, Value>>| row.into_iter().flat_map(Map::keys).map(String::as_str);
        let come: Vec<&str> = keys(pairs.first().map(|pair| pair.1))
            .filter(|key| !has(old, key) && pairs.iter().all(|(_, row)| row.contains_key(*key)))
            .collect();
        let mut gone: Vec<&str> = keys(pairs.first().map(|pair| pair.0))
            .filter(|key| !has(new, key) && pairs.iter().all(|(row, _)| row.contains_key(*key)))
            .collect();
        let rows = pairs.len();
        for name in come {
            let was = gone.iter().position(|was| {
                let equal = pairs.iter().all(|(old, new)| old.get(*was) == new.get(name));
                equal && pairs.iter().any(|(old, _)| old.get(*was).is_some_and(|cell| !is_common(cell)))
            });
            let was = was.map(|at| gone.remove(at));
            out.insert(name);
            out.extend(was);
            let kind = if was.is_some() { ChangeKind::Renamed } else { ChangeKind::Added };
            self.column(path, kind, name, was, rows);
        }
        for name in gone {
            out.insert(name);
            self.column(path, ChangeKind::Removed, name, None, rows);
        }
        out
    }

    fn column(&mut self, path: &Path, kind: ChangeKind, name: &str, was: Option<&str>, rows: usize) {
        if let Some(pattern) = self.options.taken(&path.index(0).key(name)) {
            *self.hidden.entry(pattern).or_default() += rows;
            return;
        }
        self.detailed(path, kind, Detail::Column { name: name.to_owned(), rows });
        if let (Some(change), Some(was)) = (self.found.last_mut(), was) {
            change.from = Some(path.key(was));
        }
    }
}

fn objects(list: &[Value]) -> Option<Rows<'_>> {
    list.iter().map(Value::as_object).collect()
}

/// The key whose values tell the rows of both lists apart and that rows of both share.
fn identity(old: &Rows<'_>, new: &Rows<'_>, counts: impl Fn(&str) -> bool) -> Option<String> {
    let shared = |key: &str| match (names(old, key), names(new, key)) {
        (Some(old), Some(new)) => old.intersection(&new).count(),
        _ => 0,
    };
    let usual = IDENTITIES.into_iter().find(|key| counts(key) && shared(key) > 0);
    if let Some(key) = usual {
        return Some(key.to_owned());
    }
    // Any other column may be what changed: most rows must know each other by it.
    let (most, mut best) = (old.len().max(new.len()), None);
    for key in new.first()?.keys().take(COLUMNS).filter(|key| counts(key)) {
        let n = shared(key);
        if n > 1 && n * 2 > most && best.as_ref().is_none_or(|(least, _)| n > *least) {
            best = Some((n, key.clone()));
        }
    }
    best.map(|(_, key)| key)
}

/// The values of a key, when every row has it and no two have the same.
fn names(rows: &Rows<'_>, key: &str) -> Option<HashSet<String>> {
    let mut seen = HashSet::new();
    for row in rows {
        let name = name_of(row.get(key)?)?;
        if !seen.insert(name) {
            return None;
        }
    }
    Some(seen)
}

/// What tells a row apart: a short text, or a whole number.
fn name_of(value: &Value) -> Option<String> {
    let fits = match value {
        Value::String(text) => text.chars().nth(NAME).is_none(),
        Value::Number(number) => !number.is_f64(),
        _ => false,
    };
    fits.then(|| value.to_string())
}

/// Of each new row the old one: by its name; rows with other names that agree in most cells stand for each other, too.
fn partners(old: &Rows<'_>, new: &Rows<'_>, key: &str) -> Vec<Option<usize>> {
    let places: HashMap<String, usize> =
        old.iter().enumerate().filter_map(|(at, row)| Some((row.get(key)?.to_string(), at))).collect();
    let mut out: Vec<Option<usize>> =
        new.iter().map(|row| row.get(key).and_then(|name| places.get(&name.to_string()).copied())).collect();
    let met: HashSet<usize> = out.iter().flatten().copied().collect();
    let mut left: Vec<usize> = (0..old.len()).filter(|at| !met.contains(at)).collect();
    let alone: Vec<usize> = (0..new.len()).filter(|at| out[*at].is_none()).collect();
    if left.len() * alone.len() > PAIRS {
        return out;
    }
    for at in alone {
        let like = |was: &usize| {
            let same = new[at].iter().filter(|(name, cell)| old[*was].get(*name) == Some(cell)).count();
            same > 1 && same * 2 >= old[*was].len().max(new[at].len())
        };
        if let Some(found) = left.iter().position(like) {
            out[at] = Some(left.remove(found));
        }
    }
    out
}

/// The new rows that stand in the order of their old ones: the most that do.
fn in_order(from: &[Option<usize>]) -> HashSet<usize> {
    // From the end: for each length the row with which a sequence of it begins latest, and of each row the one after it.
    let mut begins: Vec<usize> = Vec::new();
    let mut after: Vec<Option<usize>> = vec![None; from.len()];
    for (at, was) in from.iter().enumerate().rev() {
        let Some(was) = was else { continue };
        let length = begins.partition_point(|begin| from[*begin].is_some_and(|begin| begin > *was));
        after[at] = length.checked_sub(1).map(|shorter| begins[shorter]);
        match begins.get_mut(length) {
            Some(begin) => *begin = at,
            None => begins.push(at),
        }
    }
    let mut out = HashSet::new();
    let mut at = begins.last().copied();
    while let Some(row) = at {
        out.insert(row);
        at = after[row];
    }
    out
}

/// Which replaced element stands for which.
fn replaced(before: &[usize], after: &[usize], old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    // As many as there were, in their places: nothing says that they are others.
    if before.len() == after.len() || before.len() * after.len() > PAIRS {
        return before.iter().copied().zip(after.iter().copied()).collect();
    }
    let texts = |places: &[usize], list: &[Value]| -> Vec<Option<HashMap<String, usize>>> {
        places.iter().map(|at| list[*at].as_str().map(|text| bag(text, WORDS))).collect()
    };
    let (x, y) = (texts(before, old), texts(after, new));
    let cost = |i: usize, j: usize| {
        let unlike = match (&old[before[i]], &new[after[j]]) {
            (Value::Object(a), Value::Object(b)) => {
                let held = a.iter().filter_map(|(key, was)| Some((was, b.get(key)?)));
                let alike: usize = held.map(|(was, now)| if was == now { 2 } else { 1 }).sum();
                1.0 - alike as f64 / (a.len() + b.len()).max(1) as f64
            }
            (Value::Array(a), Value::Array(b)) => {
                let [a, b] = [a, b].map(|list| list.iter().map(digest).collect::<HashSet<u64>>());
                1.0 - 2.0 * a.intersection(&b).count() as f64 / (a.len() + b.len()).max(1) as f64
            }
            _ => match (&x[i], &y[j]) {
                (Some(a), Some(b)) => 1.0 - alike(a, b),
                _ => 1.0,
            },
        };
        let kinds = [&old[before[i]], &new[after[j]]].map(std::mem::discriminant);
        if kinds[0] == kinds[1] { 0.95 * unlike } else { 1.5 }
    };
    let found = cheapest(before.len(), after.len(), cost);
    found.into_iter().map(|(i, j)| (before[i], after[j])).collect()
}

#[cfg(test)]
#[path = "lists_tests.rs"]
mod tests;
