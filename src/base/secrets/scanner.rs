//! Where a secret may be: words to look for, all of them in one pass or a few.
//!
//! Words go into groups that a vectorised search takes; it reads text without them several times faster than a table
//! of states, and most text is that.

use std::ops::Range;

use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::Needle;

/// Words that one vectorised search takes.
const GROUP: usize = 64;
/// Longer words are looked for with a table.
const LONG: usize = 256;

/// Looks for a group of words.
pub(super) struct Scanner {
    needles: Vec<Needle>,
    finder: Finder,
}

enum Finder {
    Byte(u8),
    Packed(Searcher),
    Table(AhoCorasick),
}

/// All words, in groups.
pub(super) fn all(mut words: Vec<(Vec<u8>, Needle)>) -> impl Iterator<Item = Scanner> {
    // What begins alike is cheap to look for together; one byte beside others would make all of them dear.
    words.sort_by(|a, b| (a.0.len() > 1).cmp(&(b.0.len() > 1)).then_with(|| a.0.cmp(&b.0)));
    let single = words.iter().take_while(|(word, _)| word.len() == 1).count();
    let (single, words) = words.split_at(single);
    let groups = single.chunks(1).chain(words.chunks(GROUP));
    let groups: Vec<Scanner> = groups.filter_map(Scanner::new).collect();
    groups.into_iter()
}

impl Scanner {
    fn new(words: &[(Vec<u8>, Needle)]) -> Option<Self> {
        let needles = words.iter().map(|(_, needle)| *needle).collect();
        let texts: Vec<&[u8]> = words.iter().map(|(word, _)| word.as_slice()).collect();
        if let [[byte]] = texts.as_slice() {
            return Some(Scanner { needles, finder: Finder::Byte(*byte) });
        }
        let short = texts.iter().all(|text| text.len() <= LONG);
        let packed = short.then(|| {
            packed::Config::new()
                .match_kind(packed::MatchKind::LeftmostLongest)
                .builder()
                .extend(texts.iter().copied())
                .build()
        });
        // Not on every machine.
        let finder = match packed.flatten() {
            Some(searcher) => Finder::Packed(searcher),
            None => {
                let builder = || AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).clone();
                let table = builder().kind(Some(AhoCorasickKind::DFA)).build(&texts);
                // Too long for a table: slower, not less exact.
                Finder::Table(table.or_else(|_| builder().build(&texts)).ok()?)
            }
        };
        Some(Scanner { needles, finder })
    }

    fn find(&self, bytes: &[u8], from: usize) -> Option<(Range<usize>, Needle)> {
        let span = from..bytes.len();
        let hit = match &self.finder {
            Finder::Byte(byte) => {
                let at = from + memchr::memchr(*byte, bytes.get(from..)?)?;
                return Some((at..at + 1, *self.needles.first()?));
            }
            Finder::Packed(searcher) => searcher.find_in(bytes, span.into())?,
            Finder::Table(table) => table.find(Input::new(bytes).range(span))?,
        };
        Some((hit.start()..hit.end(), *self.needles.get(hit.pattern().as_usize())?))
    }
}

/// What a scanner found, if anything.
type Next = Option<(Range<usize>, Needle)>;

/// The places of all scanners in order; of several at one place the longest word.
pub(super) struct Candidates<'s, 'b> {
    scanners: &'s [Scanner],
    bytes: &'b [u8],
    from: usize,
    /// What each scanner found next, once it was asked.
    next: Vec<Option<Next>>,
}

impl<'s, 'b> Candidates<'s, 'b> {
    pub(super) fn new(scanners: &'s [Scanner], bytes: &'b [u8], from: usize) -> Self {
        Candidates { scanners, bytes, from, next: vec![None; scanners.len()] }
    }

    /// Nothing before this is of interest any more.
    pub(super) fn go_on(&mut self, from: usize) {
        self.from = from.min(self.bytes.len());
    }

    pub(super) fn next(&mut self) -> Next {
        let mut best: Next = None;
        for (scanner, next) in self.scanners.iter().zip(&mut self.next) {
            let stale = match next {
                None => true,
                Some(None) => false,
                Some(Some((at, _))) => at.start < self.from,
            };
            if stale {
                *next = Some(scanner.find(self.bytes, self.from));
            }
            if let Some(Some((at, needle))) = next {
                let better = best.as_ref().is_none_or(|(known, _)| {
                    at.start < known.start || at.start == known.start && at.end > known.end
                });
                if better {
                    best = Some((at.clone(), *needle));
                }
            }
        }
        best
    }
}
