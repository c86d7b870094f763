//! Long texts and bytes: equal pieces are passed over by their digests, the rest is read in windows.

use std::hash::{DefaultHasher, Hasher};

use super::list::{Step, align};
use super::{Effort, Read, Walk};
use crate::diff::value::{
    Change, ChangeKind, Detail, Path, Stretch, Unit, hexadecimal, images, stays_in_place,
};
use crate::value::lazy::{Place, Reader};
use crate::value::look::media;

/// Bytes that are read at once.
const WINDOW: u64 = 4 << 20;
/// Longer stretches of a text are compared line by line.
const SHORT: u64 = 4 << 10;
/// Lines of either side that are aligned.
const LINES: usize = 2_000_000;
/// Bytes of a text that are shown around what differs, and of what differs.
const AROUND: u64 = 60;
const SHOWN: u64 = 2_000;
/// Larger images are not decoded.
const IMAGE: u64 = 64 << 20;

/// Two texts, or two byte strings.
struct Sides<'w> {
    a: &'w Place,
    b: &'w Place,
    sizes: [u64; 2],
}

impl Walk<'_, '_> {
    pub(super) fn leaf(&mut self, path: &Path, a: &Place, b: &Place, is_text: bool) -> Read<()> {
        let sizes = [self.reader.shape(a)?.count, self.reader.shape(b)?.count];
        let sides = Sides { a, b, sizes };
        let unit = if is_text { Unit::Text } else { Unit::Bytes };
        if !is_text && let Some(image) = self.image(&sides)? {
            self.tell(path, image);
            return Ok(());
        }
        let at = self.first_difference(&sides)?;
        if self.effort == Effort::First {
            // How far it goes is not known yet.
            let stretch = self.stretch(&sides, unit, at, [sizes[0] - at, sizes[1] - at])?;
            self.tell(path, Detail::Stretch(stretch));
            return Ok(());
        }
        let behind = self.equal_end(&sides, at)?;
        let lengths = [sizes[0] - at - behind, sizes[1] - at - behind];
        if is_text && lengths.iter().any(|length| *length > SHORT) {
            // Whole lines say more than their ends.
            let before = self.to_line(&sides, at)?;
            let lengths = lengths.map(|length| length + before);
            if self.by_line(path, &sides, at - before, lengths)? {
                return Ok(());
            }
        }
        let mut stretch = self.stretch(&sides, unit, at, lengths)?;
        if !is_text && lengths.iter().all(|length| *length > 0) {
            let changed = self.differing(&sides, at, lengths[0].min(lengths[1]))?;
            stretch.changed = stays_in_place(lengths, changed).then_some(changed);
        }
        self.tell(path, Detail::Stretch(stretch));
        Ok(())
    }

    /// How many bytes before a place its line begins; none when it is far.
    fn to_line(&self, sides: &Sides<'_>, at: u64) -> Read<u64> {
        let n = at.min(SHOWN);
        let window = self.reader.bytes(sides.a, at - n, usize::try_from(n).unwrap_or(0))?.data;
        let found = window.iter().rposition(|byte| *byte == b'\n').map(|place| n - place as u64 - 1);
        Ok(found.or((n == at).then_some(at)).unwrap_or(0))
    }

    fn tell(&mut self, path: &Path, detail: Detail) {
        let (kind, detail) = (ChangeKind::Changed, Some(detail));
        self.push(Change {
            path: path.clone(),
            kind,
            from: None,
            old: None,
            new: None,
            detail,
            within: Vec::new(),
        });
    }

    fn image(&self, sides: &Sides<'_>) -> Read<Option<Detail>> {
        let head = |place| -> Read<bool> {
            let head = self.reader.bytes(place, 0, 4_096)?;
            Ok(media(&head.data).is_some_and(|media| media.mime.starts_with("image/")))
        };
        if sides.sizes.iter().any(|size| *size > IMAGE) || !head(sides.a)? || !head(sides.b)? {
            return Ok(None);
        }
        let whole = |place, size: u64| self.reader.bytes(place, 0, usize::try_from(size).unwrap_or(0));
        let (a, b) = (whole(sides.a, sides.sizes[0])?.data, whole(sides.b, sides.sizes[1])?.data);
        Ok(media(&a).zip(media(&b)).map(|(x, y)| Detail::Image(images((&a, x), (&b, y)))))
    }

    /// The first byte that differs; the shorter length when one begins with the other.
    fn first_difference(&self, sides: &Sides<'_>) -> Read<u64> {
        let (x, y) = (self.reader.pieces(sides.a)?, self.reader.pieces(sides.b)?);
        let equal = x.iter().zip(&y).take_while(|(x, y)| x == y).count() as u64;
        let shorter = sides.sizes[0].min(sides.sizes[1]);
        let mut at = (equal * Reader::PIECE).min(shorter);
        while at < shorter {
            let (x, y) = self.windows(sides, [at, at], WINDOW.min(shorter - at))?;
            if let Some(first) = x.iter().zip(&y[..]).position(|(x, y)| x != y) {
                return Ok(at + first as u64);
            }
            at += x.len().max(1) as u64;
        }
        Ok(shorter)
    }

    /// How many bytes at the end are equal, none of them before `from`.
    fn equal_end(&self, sides: &Sides<'_>, from: u64) -> Read<u64> {
        let [old, new] = sides.sizes;
        let most = old.min(new) - from;
        let mut equal = 0;
        if old == new {
            let (x, y) = (self.reader.pieces(sides.a)?, self.reader.pieces(sides.b)?);
            let pieces = x.iter().rev().zip(y.iter().rev()).take_while(|(x, y)| x == y).count() as u64;
            if pieces > 0 {
                let last = old - (x.len() as u64 - 1) * Reader::PIECE;
                equal = (last + (pieces - 1) * Reader::PIECE).min(most);
            }
        }
        while equal < most {
            let n = WINDOW.min(most - equal);
            let (x, y) = self.windows(sides, [old - equal - n, new - equal - n], n)?;
            let same = x.iter().rev().zip(y.iter().rev()).take_while(|(x, y)| x == y).count() as u64;
            equal += same;
            if same < n {
                break;
            }
        }
        Ok(equal)
    }

    fn windows(&self, sides: &Sides<'_>, at: [u64; 2], n: u64) -> Read<(bytes::Bytes, bytes::Bytes)> {
        let n = usize::try_from(n).unwrap_or(0);
        Ok((self.reader.bytes(sides.a, at[0], n)?.data, self.reader.bytes(sides.b, at[1], n)?.data))
    }

    fn differing(&self, sides: &Sides<'_>, from: u64, length: u64) -> Read<u64> {
        let (mut at, mut count) = (from, 0);
        while at < from + length {
            let (x, y) = self.windows(sides, [at, at], WINDOW.min(from + length - at))?;
            count += x.iter().zip(&y[..]).filter(|(x, y)| x != y).count() as u64;
            at += x.len().max(1) as u64;
        }
        Ok(count)
    }

    /// What both sides say there, with a little of what is around.
    fn stretch(&self, sides: &Sides<'_>, unit: Unit, at: u64, lengths: [u64; 2]) -> Read<Stretch> {
        let show = |place, length: u64| -> Read<String> {
            let from = at.saturating_sub(AROUND);
            let behind = if length > SHOWN { 0 } else { AROUND };
            let n = at - from + length.min(SHOWN) + behind;
            if unit == Unit::Bytes {
                let window = self.reader.bytes(place, from, usize::try_from(n).unwrap_or(0))?;
                let (before, length) = ((at - from) as usize, usize::try_from(length).unwrap_or(usize::MAX));
                return Ok(hexadecimal(&window.data, before, length));
            }
            let window = self.reader.text(place, from, usize::try_from(n).unwrap_or(0))?;
            let lead = if window.from > 0 { "…" } else { "" };
            let more = if window.to < window.total { "…" } else { "" };
            Ok(format!("{lead}{}{more}", window.text))
        };
        let shown = [show(sides.a, lengths[0])?, show(sides.b, lengths[1])?];
        Ok(Stretch { unit, sizes: sides.sizes, at, lengths, changed: None, shown })
    }

    /// Texts of many lines, of which several differ; `false` when they are better told as one stretch.
    fn by_line(&mut self, path: &Path, sides: &Sides<'_>, at: u64, lengths: [u64; 2]) -> Read<bool> {
        let (Some(old), Some(new)) =
            (self.lines(sides.a, at, lengths[0])?, self.lines(sides.b, at, lengths[1])?)
        else {
            self.left_out.push(
                "what is between the first and the last difference has too many lines to align".to_owned(),
            );
            return Ok(false);
        };
        if old.len().max(new.len()) < 2 {
            return Ok(false);
        }
        let marks = |lines: &[(u64, u64)]| lines.iter().map(|(mark, _)| *mark).collect::<Vec<_>>();
        let end = |lines: &[(u64, u64)], i: usize, last: u64| lines.get(i + 1).map_or(last, |(_, at)| *at);
        let ends = [at + lengths[0], at + lengths[1]];
        for step in align(&marks(&old), &marks(&new)) {
            let place = |lines: &[(u64, u64)], i: usize, last| (lines[i].1, end(lines, i, last) - lines[i].1);
            let (was, now) = match step {
                Step::Changed(i, j) => (Some(place(&old, i, ends[0])), Some(place(&new, j, ends[1]))),
                Step::Removed(i) => (Some(place(&old, i, ends[0])), None),
                Step::Added(j) => (None, Some(place(&new, j, ends[1]))),
            };
            if self.found.len() >= super::FOUND {
                self.more += 1;
                continue;
            }
            let show = |reader: &Reader<'_>, place: &Place, line: Option<(u64, u64)>| -> Read<String> {
                let Some((from, length)) = line else { return Ok(String::new()) };
                let window = reader.text(place, from, usize::try_from(length.min(SHOWN)).unwrap_or(0))?;
                Ok(window.text.trim_end_matches(['\n', '\r']).to_owned())
            };
            let shown = [show(self.reader, sides.a, was)?, show(self.reader, sides.b, now)?];
            let length = |line: Option<(u64, u64)>| line.map_or(0, |(_, length)| length);
            let at = now.or(was).map_or(at, |(from, _)| from);
            let lengths = [length(was), length(now)];
            let stretch = Stretch { unit: Unit::Text, sizes: sides.sizes, at, lengths, changed: None, shown };
            self.tell(path, Detail::Stretch(stretch));
        }
        Ok(true)
    }

    /// The lines that begin in a part of a text: their marks and where they begin.
    fn lines(&self, place: &Place, from: u64, length: u64) -> Read<Option<Vec<(u64, u64)>>> {
        let mut out = Vec::new();
        let mut hasher = DefaultHasher::new();
        let (mut at, mut begin) = (from, from);
        while at < from + length {
            let n = usize::try_from(WINDOW.min(from + length - at)).unwrap_or(0);
            let window = self.reader.bytes(place, at, n)?.data;
            if window.is_empty() {
                break;
            }
            for (i, line) in window.split_inclusive(|byte| *byte == b'\n').enumerate() {
                if i > 0 {
                    begin = at + (line.as_ptr() as usize - window.as_ptr() as usize) as u64;
                }
                hasher.write(line);
                if line.last() == Some(&b'\n') {
                    out.push((std::mem::take(&mut hasher).finish(), begin));
                    begin = at + (line.as_ptr() as usize - window.as_ptr() as usize + line.len()) as u64;
                }
            }
            if out.len() > LINES {
                return Ok(None);
            }
            at += window.len() as u64;
        }
        if begin < from + length {
            out.push((hasher.finish(), begin));
        }
        Ok(Some(out))
    }
}
