//! Texts that begin alike, shortened so that what differs is seen: `…"id": 17` instead of twenty rows of `{"customer": …`.
//!
//! Think of the texts as the paths of a tree of letters. A text differs from the others where its path branches, so these
//! places are shown, and long stretches between them are left out.
//!
//! Invariants, tested as properties: two texts that differ within the columns still do, and nothing that is to be seen moves to
//! the right; texts of one group are left out alike, so that what stands below one another can be compared; where
//! plain beginnings tell all texts apart nothing is changed.

use crate::base::text;

/// Columns that are kept before a difference, at most: the key that it is the value of, or some words. Tried in order.
const BEFORE: [usize; 5] = [20, 12, 8, 4, 0];
/// Columns that are kept behind a difference before something is left out, at most: the rest of a word.
const BEHIND: usize = 8;
/// Less than so many columns are not worth a sign that they are left out.
const WORTH: usize = 6;

/// The texts (safe ones) as they are to be shown before they are cut to their columns; `None`: as they are.
pub fn distinct(texts: &[&str], columns: &[usize]) -> Option<Vec<String>> {
    let cut = |at: usize| texts.get(at).zip(columns.get(at)).is_some_and(|(t, room)| text::width(t) > *room);
    if !(0..texts.len()).any(cut) {
        return None;
    }
    let places = branches(texts);
    let hidden = |at: usize| {
        let (Some(whole), Some(room), Some(last)) =
            (texts.get(at), columns.get(at), places.get(at).and_then(|places| places.last()))
        else {
            return false;
        };
        let (_, end) = text::grapheme_at(whole, *last);
        // The last column says that the text goes on.
        cut(at) && text::width(&whole[..end]) + 1 > *room
    };
    if !(0..texts.len()).any(hidden) {
        return None;
    }
    // As much before the differences as leaves room for all of them, or for the most.
    let mut best: Option<(usize, Vec<String>)> = None;
    for lead in BEFORE {
        let all: Vec<(String, Vec<usize>)> =
            texts.iter().zip(&places).map(|(whole, places)| shortened(whole, places, lead)).collect();
        let unseen = all.iter().zip(columns).map(|((shown, ends), room)| {
            let hidden = |end: &&usize| text::width(&shown[..**end]) + 1 > *room;
            if text::width(shown) > *room { ends.iter().filter(hidden).count() } else { 0 }
        });
        let unseen = unseen.sum();
        if best.as_ref().is_none_or(|(least, _)| unseen < *least) {
            best = Some((unseen, all.into_iter().map(|(shown, _)| shown).collect()));
        }
        if unseen == 0 {
            break;
        }
    }
    best.map(|(_, shown)| shown)
}

/// For each text the places (bytes) at which it begins to differ from another, in order.
fn branches(texts: &[&str]) -> Vec<Vec<usize>> {
    let mut sorted: Vec<&str> = texts.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    // What two texts have in common is the least that neighbours between them have.
    let common: Vec<usize> = sorted.windows(2).map(|pair| shared(pair[0], pair[1])).collect();
    let of = |rank: usize| {
        let mut out: Vec<usize> = Vec::new();
        let mut least = |lengths: &mut dyn Iterator<Item = &usize>| {
            let mut min = usize::MAX;
            for length in lengths.filter(|length| **length < usize::MAX) {
                if *length < min {
                    min = *length;
                    out.push(min);
                }
            }
        };
        least(&mut common.get(rank..).unwrap_or_default().iter());
        least(&mut common.get(..rank).unwrap_or_default().iter().rev());
        out.sort_unstable();
        out.dedup();
        out
    };
    texts.iter().map(|one| of(sorted.binary_search(one).unwrap_or(0))).collect()
}

/// How many bytes two texts have in common at their beginning: whole characters.
fn shared(a: &str, b: &str) -> usize {
    let bytes = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    (0..=bytes).rev().find(|at| a.is_char_boundary(*at) && b.is_char_boundary(*at)).unwrap_or(0)
}

/// A text with what lies around these places, and where behind each of them it goes on. What is left out before a place
/// follows from the text up to it alone, so that two texts look alike up to where they part.
fn shortened(whole: &str, places: &[usize], most: usize) -> (String, Vec<usize>) {
    let mut out = String::new();
    let mut ends = Vec::new();
    let mut end = 0;
    for place in places {
        let (place, next) = text::grapheme_at(whole, *place);
        if place < end {
            continue;
        }
        let between = &whole[end..place];
        let behind = if end == 0 { 0 } else { rest_of_word(between) };
        let before = behind + lead(&between[behind..], most);
        if text::width(&between[behind..before]) >= WORTH {
            out.push_str(&between[..behind]);
            out.push('…');
            out.push_str(&between[before..]);
        } else {
            out.push_str(between);
        }
        out.push_str(&whole[place..next]);
        ends.push(out.len());
        end = next;
    }
    out.push_str(&whole[end..]);
    (out, ends)
}

/// How many bytes of what follows belong to the word before.
fn rest_of_word(text: &str) -> usize {
    let most = text::cut(text, BEHIND);
    text[..most].find([' ', ',', '}', ']', ')']).unwrap_or(most)
}

/// Where in what comes before a difference to begin: at the key of the value, else at a word, a part of a path or of a
/// name, else somewhere.
fn lead(text: &str, most: usize) -> usize {
    let from = text::cut_front(text, most);
    let near = &text[from..];
    let last = |signs: &[char]| near.rfind(signs);
    let at = last(&[',']).or_else(|| last(&['{', '[', '('])).or_else(|| near.find(' '));
    let at = at.or_else(|| near.find('/')).or_else(|| near.find(['-', '_']));
    let Some(at) = at else { return from };
    // Each of the signs is one byte.
    let behind = &near[at + 1..];
    from + at + 1 + (behind.len() - behind.trim_start_matches(' ').len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(texts: &[&str], columns: usize) -> Vec<String> {
        let rooms = vec![columns; texts.len()];
        let all = distinct(texts, &rooms).unwrap_or_else(|| texts.iter().map(|t| (*t).to_owned()).collect());
        all.iter().map(|one| text::fit(one, columns)).collect()
    }

    #[test]
    fn items_are_told_apart_by_what_differs() {
        let row = |id: u32| {
            format!(r#"{{"customer": "ACME Incorporated", "region": "EU", "id": {id}, "open": true}}"#)
        };
        let rows = [row(16), row(17), row(170)];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(
            shown(&rows, 24),
            [r#"…"id": 16, "open": true}"#, r#"…"id": 17, "open": true}"#, r#"…"id": 170, "open": tru…"#,]
        );
        // Where there is room nothing is left out.
        assert_eq!(shown(&rows, 80), rows);
    }

    #[test]
    fn narrow_columns_keep_the_difference_rather_than_its_key() {
        let row = |id: u32| format!(r#"{{"kind":"company","segment":"retail","identifier":{id}}}"#);
        let rows = [row(16), row(17), row(26)];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(shown(&rows, 8), ["…er\":16}", "…er\":17}", "…er\":26}"]);
    }

    #[test]
    fn what_does_not_fit_at_all_shows_as_much_as_it_can() {
        let urls = ["what it is", "what it costs", "how it works", "how it fails"]
            .map(|end| format!("durable execution for LLM agents: {end}"));
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        assert_eq!(shown(&urls, 8), ["…what i…", "…what i…", "…how it…", "…how it…"]);
    }

    #[test]
    fn several_differences_are_shown_together() {
        let row = |region: &str, id: u32| {
            format!(
                r#"{{"customer": "ACME Incorporated", "region": "{region}", "address": "Main street", "id": {id}}}"#
            )
        };
        let rows = [row("EU", 1), row("EU", 2), row("US", 1), row("US", 2)];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(
            shown(&rows, 40),
            [
                r#"…"region": "EU"…"id": 1}"#,
                r#"…"region": "EU"…"id": 2}"#,
                r#"…"region": "US"…"id": 1}"#,
                r#"…"region": "US"…"id": 2}"#,
            ]
        );
    }

    #[test]
    fn words_and_paths_begin_at_a_boundary() {
        let urls = ["https://example.org/library/papers/1.pdf", "https://example.org/library/papers/2.pdf"];
        assert_eq!(shown(&urls, 14), ["…papers/1.pdf", "…papers/2.pdf"]);
        let prose = ["Summarise this long text about tides", "Summarise this long text about terns"];
        assert_eq!(shown(&prose, 24), ["…long text about tides", "…long text about terns"]);
    }

    #[test]
    fn beginnings_that_tell_all_apart_stay() {
        assert_eq!(distinct(&["a long text that is cut", "b long text that is cut"], &[10, 10]), None);
        assert_eq!(distinct(&["the same text, cut", "the same text, cut"], &[10, 10]), None);
        assert_eq!(distinct(&[], &[]), None);
    }

    /// Texts of a few pieces, so that many begin alike.
    fn alike() -> impl Strategy<Value = Vec<String>> {
        let piece = proptest::sample::select(vec![
            "{\"customer\": ",
            "\"ACME Incorporated\"",
            ", ",
            "\"id\": ",
            "1",
            "17",
            "a/b/",
            "日本語",
            "e\u{301}",
            "…",
            " ",
            "and so on and so on",
            "}",
            "x",
        ]);
        let one = proptest::collection::vec(piece, 0..9).prop_map(|pieces| text::line(&pieces.concat()));
        proptest::collection::vec(one, 1..12)
    }

    proptest! {
        #[test]
        fn what_is_told_apart_stays_so(texts in alike(), columns in 1usize..60) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let shown = shown(&texts, columns);
            let plain: Vec<String> = texts.iter().map(|one| text::fit(one, columns)).collect();
            prop_assert_eq!(shown.len(), texts.len());
            for (i, one) in shown.iter().enumerate() {
                prop_assert!(text::width(one) <= columns, "{one:?} in {columns}");
                prop_assert_eq!(&text::line(one), one, "still safe");
                for (j, other) in shown.iter().enumerate() {
                    if plain[i] != plain[j] {
                        prop_assert_ne!(one, other, "{:?} and {:?}", texts[i], texts[j]);
                    }
                    prop_assert!(texts[i] != texts[j] || one == other);
                }
            }
        }

        /// Where each text differs from all others at one place, it is seen in few columns, wherever it is.
        #[test]
        fn one_difference_is_always_seen(
            head in "[a-z{\",: 日]{0,100}", tails in proptest::collection::btree_set("[0-9][a-z ]{0,40}", 2..10),
            columns in 8usize..80,
        ) {
            // No two begin alike behind the head.
            let mut firsts = std::collections::HashSet::new();
            let tails: Vec<String> = tails.into_iter().filter(|tail| firsts.insert(tail.chars().next())).collect();
            let texts: Vec<String> = tails.iter().map(|tail| format!("{head}{tail}")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let shown: std::collections::HashSet<String> = shown(&texts, columns).into_iter().collect();
            prop_assert_eq!(shown.len(), texts.len());
        }
    }
}
