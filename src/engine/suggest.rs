//! "Did you mean": near matches for names that do not exist.

/// A fragment for the end of a message: ` (did you mean 'x' or 'y'?)`, or nothing when nothing is near.
pub fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut scored: Vec<(usize, &str)> = known
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(wanted.len()) / 2)
        .collect();
    scored.sort();
    scored.dedup();
    let names: Vec<String> = scored.into_iter().take(3).map(|(_, name)| format!("'{name}'")).collect();
    if names.is_empty() { String::new() } else { format!(" (did you mean {}?)", names.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered() {
        assert_eq!(nearest("reserch", ["research", "batch"].into_iter()), " (did you mean 'research'?)");
        assert_eq!(nearest("zzz", ["research"].into_iter()), "");
    }
}
