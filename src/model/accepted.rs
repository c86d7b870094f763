//! Changes of code that the user declared harmless: which code digests a function's digest stands for.
//!
//! A declaration has a direction: the new digest stands for the old one, never the other way round. Declarations
//! chain: after A → B and B → C, C stands for B and for A. A later edit stands for nothing.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::Micros;
use crate::base::digest::Digest;

/// One declaration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// Its number in the store, from 1.
    pub id: i64,
    /// When it was made.
    pub at: Micros,
    /// The function.
    pub function: String,
    /// The code digest that is stood for.
    pub old: Digest,
    /// The code digest that stands for it.
    pub new: Digest,
    /// What the user said about it.
    pub note: Option<String>,
    /// When it was taken back.
    pub revoked: Option<Micros>,
}

/// What stands for what.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// By function and new digest.
    by_new: HashMap<(String, Digest), Vec<Accepted>>,
}

/// An older digest that today's stands for, and why.
#[derive(Clone, PartialEq, Debug)]
pub struct StoodFor {
    /// The older digest.
    pub code: Digest,
    /// The declarations that lead to it, newest code first.
    pub by: Vec<Accepted>,
}

impl Standing {
    /// Of the declarations that were not taken back.
    pub fn new(declarations: &[Accepted]) -> Self {
        let mut by_new: HashMap<(String, Digest), Vec<Accepted>> = HashMap::new();
        for one in declarations.iter().filter(|one| one.revoked.is_none()) {
            by_new.entry((one.function.clone(), one.new)).or_default().push(one.clone());
        }
        Standing { by_new }
    }

    /// The older digests that `code` stands for, those with the fewest declarations first.
    pub fn of(&self, function: &str, code: &Digest) -> Vec<StoodFor> {
        let mut found: Vec<StoodFor> = Vec::new();
        // Declarations are made by hand: hardly ever more than a few, and mostly none at all.
        let mut look = vec![(*code, Vec::new())];
        while !self.by_new.is_empty() && !look.is_empty() {
            let mut next = Vec::new();
            for (at, by) in look {
                for one in self.by_new.get(&(function.to_owned(), at)).into_iter().flatten() {
                    if one.old == *code || found.iter().any(|known| known.code == one.old) {
                        continue;
                    }
                    let by: Vec<Accepted> = by.iter().cloned().chain([one.clone()]).collect();
                    found.push(StoodFor { code: one.old, by: by.clone() });
                    next.push((one.old, by));
                }
            }
            look = next;
        }
        found
    }

    /// Whether `today` stands for another digest, and why.
    pub fn between(&self, function: &str, today: &Digest, recorded: &Digest) -> Option<StoodFor> {
        self.of(function, today).into_iter().find(|one| one.code == *recorded)
    }
}

impl StoodFor {
    /// What a call that is served because of it says: `accepted change of plan (#1: wording only)`.
    pub fn reason(&self) -> String {
        let function = self.by.first().map_or("", |one| one.function.as_str());
        let each: Vec<String> = self
            .by
            .iter()
            .map(|one| match &one.note {
                Some(note) => format!("#{}: {note}", one.id),
                None => format!("#{}", one.id),
            })
            .collect();
        let changes = if each.len() == 1 { "change" } else { "changes" };
        format!("accepted {changes} of {function} ({})", each.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(name: &str) -> Digest {
        Digest::of(name.as_bytes())
    }

    fn accepted(id: i64, old: &str, new: &str) -> Accepted {
        let (old, new) = (digest(old), digest(new));
        Accepted { id, at: 0, function: "f".to_owned(), old, new, note: None, revoked: None }
    }

    fn codes(standing: &Standing, today: &str) -> Vec<Digest> {
        standing.of("f", &digest(today)).into_iter().map(|one| one.code).collect()
    }

    #[test]
    fn the_new_code_stands_for_the_old_and_not_the_other_way_round() {
        let standing = Standing::new(&[accepted(1, "a", "b")]);
        assert_eq!(codes(&standing, "b"), [digest("a")]);
        assert!(codes(&standing, "a").is_empty());
        assert!(standing.of("g", &digest("b")).is_empty(), "another function's code");
    }

    #[test]
    fn declarations_chain_and_a_later_edit_stands_for_nothing() {
        let standing = Standing::new(&[accepted(1, "a", "b"), accepted(2, "b", "c")]);
        assert_eq!(codes(&standing, "c"), [digest("b"), digest("a")]);
        assert!(codes(&standing, "d").is_empty());
        let chain = standing.between("f", &digest("c"), &digest("a")).unwrap();
        assert_eq!(chain.reason(), "accepted changes of f (#2, #1)");
    }

    #[test]
    fn a_circle_of_declarations_ends() {
        let standing = Standing::new(&[accepted(1, "a", "b"), accepted(2, "b", "a"), accepted(3, "a", "a")]);
        assert_eq!(codes(&standing, "a"), [digest("b")]);
        assert_eq!(codes(&standing, "b"), [digest("a")]);
    }

    #[test]
    fn what_was_taken_back_counts_no_more() {
        let mut one = accepted(1, "a", "b");
        one.note = Some("wording only".to_owned());
        let standing = Standing::new(std::slice::from_ref(&one));
        let reason = standing.between("f", &digest("b"), &digest("a")).unwrap().reason();
        assert_eq!(reason, "accepted change of f (#1: wording only)");
        one.revoked = Some(5);
        assert!(codes(&Standing::new(&[one]), "b").is_empty());
    }
}
