//! Full-text search over what all runs recorded.

use super::index::{text_of, values};
use super::words::{Snippet, Words};
use crate::base::digest::Digest;
use crate::base::ids::RunId;
use crate::model::{Event, path};
use crate::store::{
    NodeError, PlaceFilter, SearchField, SearchIndex, SearchPlace, SearchPlaces, Store, StoreError,
};
use crate::value;

/// Matches that are looked at in one go.
const BATCH: usize = 100;
/// Events that are read at once.
const NEAR: usize = 256;

/// Words that begin like one that is looked for and are asked for one by one.
const FORMS: usize = 32;

/// A text that was found.
#[derive(Clone, PartialEq, Debug)]
pub struct Hit {
    /// Where it stands: in the newest run, its earliest call.
    pub place: SearchPlace,
    /// That call's path; empty when no call is known.
    pub path: String,
    /// The text around what was looked for.
    pub snippet: Snippet,
    /// In how many places it stands.
    pub count: u64,
    /// Whether there may be more than that.
    pub more: bool,
}

/// What was found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Hits {
    /// Newest texts first, each once.
    pub hits: Vec<Hit>,
    /// Whether there are more hits than were asked for.
    pub more: bool,
    /// Matches whose text cannot be read any more.
    pub unreadable: u64,
}

/// How a search ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ended {
    /// Whether there are more hits than were asked for.
    pub more: bool,
    /// Matches whose text cannot be read any more.
    pub unreadable: u64,
}

/// Looks for words in an index that is up to date; at most `limit` hits.
pub fn search(
    store: &Store,
    index: &SearchIndex,
    words: &Words,
    filter: &PlaceFilter,
    limit: usize,
) -> Result<Hits, StoreError> {
    let mut hits = Vec::new();
    let ended = search_each(store, index, words, filter, limit, &mut |hit| {
        hits.push(hit);
        true
    })?;
    Ok(Hits { hits, more: ended.more, unreadable: ended.unreadable })
}

/// Like [`search`], handing on each hit when it is found, until `each` wants no more.
pub fn search_each(
    store: &Store,
    index: &SearchIndex,
    words: &Words,
    filter: &PlaceFilter,
    limit: usize,
    each: &mut dyn FnMut(Hit) -> bool,
) -> Result<Ended, StoreError> {
    let (mut found, mut hits) = (Ended::default(), 0);
    let expression = words.expression(|prefix| index.beginning(prefix, FORMS))?;
    let mut matches = index.matches(&expression, filter)?;
    let mut log = Log::default();
    loop {
        let docs = matches.take(limit.saturating_add(1).min(BATCH))?;
        if docs.is_empty() {
            return Ok(found);
        }
        for doc in docs {
            let Some(places) = matches.places(doc)? else { continue };
            if hits == limit {
                found.more = true;
                return Ok(found);
            }
            match hit(store, index, words, doc, places, &mut log)? {
                Some(hit) => {
                    hits += 1;
                    if !each(hit) {
                        return Ok(found);
                    }
                }
                None => found.unreadable += 1,
            }
        }
    }
}

fn hit(
    store: &Store,
    index: &SearchIndex,
    words: &Words,
    doc: i64,
    places: SearchPlaces,
    log: &mut Log,
) -> Result<Option<Hit>, StoreError> {
    let place = places.first;
    let Some(digest) = index.digest(doc)? else { return Ok(None) };
    let Some(texts) = texts(store, &digest, &place, log)? else { return Ok(None) };
    // The first text with the most of the words.
    let mut best: (usize, Snippet) = (0, Snippet::default());
    for text in &texts {
        let (marks, number) = words.marks(text);
        if number > best.0 || best.1.text.is_empty() {
            best = (number, Snippet::of(text, &marks));
        }
    }
    let links = index.chain(&place.run, place.call)?;
    let chain: Vec<_> = links.iter().map(|link| (link.kind, link.function.as_str(), link.ordinal)).collect();
    let path = path::of_chain(&chain);
    Ok(Some(Hit { place, path, snippet: best.1, count: places.count, more: places.more }))
}

/// The part of a run's log that was read last: what is found next to it was often recorded next to it.
#[derive(Default)]
struct Log {
    run: Option<RunId>,
    events: Vec<Event>,
}

impl Log {
    /// The event that tells of a place; `None` when the store has it no longer.
    fn event(&mut self, store: &Store, place: &SearchPlace) -> Result<Option<&Event>, StoreError> {
        let at = |events: &[Event]| events.binary_search_by_key(&place.seq, |event| event.seq).ok();
        let held = self.run.as_ref() == Some(&place.run) && at(&self.events).is_some();
        if !held {
            self.run = None;
            // Newest texts come first: the next one stands before this one.
            let after = place.seq.saturating_sub(NEAR as u64);
            self.events = match store.events(&place.run, after, NEAR) {
                Ok(events) => events,
                Err(error) if error.is_damage() || matches!(error, StoreError::NoRun { .. }) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            self.run = Some(place.run.clone());
        }
        Ok(at(&self.events).map(|at| &self.events[at]))
    }
}

/// The own texts of a doc; `None` when the store has them no longer.
fn texts(
    store: &Store,
    digest: &Digest,
    place: &SearchPlace,
    log: &mut Log,
) -> Result<Option<Vec<String>>, StoreError> {
    let own = |data: &bytes::Bytes| {
        let mut texts = Vec::new();
        let read = value::own_texts(digest, data, &mut |text| texts.push(text.to_owned()));
        texts.extend(value::piece_text(data));
        read.is_ok().then_some(texts)
    };
    if matches!(place.field, SearchField::Input | SearchField::Output) {
        match store.node(digest) {
            Ok(data) => return Ok(own(&data)),
            Err(NodeError::Missing { .. }) => {}
            Err(_) => return Ok(None),
        }
    }
    let Some(event) = log.event(store, place)? else { return Ok(None) };
    if let Some((_, field, text)) = text_of(event)
        && field == place.field
    {
        return Ok(Some(vec![text]));
    }
    let inline =
        values(event).into_iter().find(|(_, field, value)| *field == place.field && value.digest == *digest);
    Ok(inline.and_then(|(_, _, value)| own(&bytes::Bytes::copy_from_slice(value.inline.as_deref()?))))
}
