//! Text that arrives in pieces: a secret that is torn by the end of a piece is found all the same.

use super::{Candidates, Needle, Redactor, headers, patterns};

/// What may be the beginning of a secret is held back up to this many bytes.
const MOST: usize = 16 << 10;

/// A word that is longer is no address with a password.
const ADDRESS: usize = 256;

/// The end of a piece that is not decided yet.
#[derive(Debug, Default)]
pub struct Held(Vec<u8>);

impl Held {
    /// The next piece: what can be said of it and of what was held, redacted.
    pub fn push(&mut self, redactor: &Redactor, piece: &[u8]) -> Vec<u8> {
        let mut whole = std::mem::take(&mut self.0);
        whole.extend_from_slice(piece);
        let cut = redactor.undecided(&whole);
        self.0 = whole.split_off(cut);
        redactor.redact(&whole).map_or(whole, |(clean, _)| clean)
    }

    /// Nothing follows: what was held, redacted.
    pub fn end(&mut self, redactor: &Redactor) -> Vec<u8> {
        let whole = std::mem::take(&mut self.0);
        redactor.redact(&whole).map_or(whole, |(clean, _)| clean)
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Redactor {
    /// Where the end of a piece begins that may become a secret with what follows.
    fn undecided(&self, bytes: &[u8]) -> usize {
        let floor = bytes.len().saturating_sub(MOST);
        let mut cut = bytes.len();
        // What was found up to the end may go on; what begins like a key may become one.
        let mut candidates = Candidates::new(&self.scanners, bytes, floor);
        while let Some((at, needle)) = candidates.next() {
            let goes_on = match needle {
                Needle::Exact(_, _) => at.end == bytes.len(),
                Needle::Format(of) => {
                    patterns::FORMATS.get(of).is_some_and(|format| (format.open)(&bytes[at.start..]))
                }
                // Name, separators and value stand in one line.
                Needle::Header => !bytes[at.start..].contains(&b'\n'),
            };
            if goes_on {
                cut = at.start;
                break;
            }
            candidates.go_on(at.start + 1);
        }
        // An address may still turn out to have a password.
        let graphic = bytes[floor..].iter().rev().take_while(|byte| byte.is_ascii_graphic()).count();
        let word = bytes.len() - graphic;
        if graphic < ADDRESS && bytes[word..].windows(3).any(|three| three == b"://") {
            cut = cut.min(word);
        }
        // The beginning of a word to look for. What ends a secret that is there is none.
        let found = self.find(bytes).last().map_or(0, |one| one.at.end);
        let first = floor.max(found).max(bytes.len().saturating_sub(self.beginnings.longest));
        let torn = (first..bytes.len()).find(|at| {
            let joined = at.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_alphanumeric());
            self.beginnings.may_be(&bytes[*at..], joined)
        });
        torn.map_or(cut, |torn| cut.min(torn))
    }
}

/// Words to look for, sorted, so that it is quickly said whether some bytes begin one.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    /// They are found anywhere.
    exact: Vec<Vec<u8>>,
    /// They begin a word.
    anchors: Vec<Vec<u8>>,
    longest: usize,
}

impl Beginnings {
    pub(super) fn new(mut exact: Vec<Vec<u8>>) -> Self {
        let anchors = patterns::FORMATS
            .iter()
            .flat_map(|format| format.anchors.iter().copied())
            .chain(headers::beginnings())
            .chain(["://"]);
        let mut anchors: Vec<Vec<u8>> = anchors.map(|anchor| anchor.as_bytes().to_vec()).collect();
        exact.sort();
        anchors.sort();
        let longest = exact.iter().chain(&anchors).map(Vec::len).max().unwrap_or(0);
        Beginnings { exact, anchors, longest }
    }

    fn may_be(&self, bytes: &[u8], joined: bool) -> bool {
        let begins = |words: &[Vec<u8>]| {
            let at = words.partition_point(|word| word.as_slice() <= bytes);
            words.get(at).is_some_and(|word| word.starts_with(bytes))
        };
        let inside = joined && bytes.first().is_some_and(u8::is_ascii_alphanumeric);
        begins(&self.exact) || !inside && begins(&self.anchors)
    }
}
