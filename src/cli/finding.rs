//! Full-text search for the workbench: each question hands on what it finds, and gives way to a newer one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::lock;
use crate::app::find::{FIELDS, FindAsk, FoundEnd, FoundHit, Indexing};
use crate::base::clock::{Clock, Micros, SystemClock};
use crate::find::{self, Words};
use crate::store::{PlaceFilter, SearchField, SearchIndex, Store, StoreError};

/// Most texts that are shown.
const LIMIT: usize = 200;
/// What was found is handed on this often, the first at once.
const PART: Micros = 20_000;

/// The index as it is asked, and which question counts.
#[derive(Default)]
pub struct Finding {
    index: Mutex<Option<SearchIndex>>,
    newest: AtomicU64,
}

impl Finding {
    /// Looks for words in the index as it is.
    pub fn find(
        &self,
        store: &Store,
        ask: &FindAsk,
        tell: &mut dyn FnMut(Vec<FoundHit>) -> bool,
    ) -> Result<FoundEnd, String> {
        self.newest.fetch_max(ask.generation, Ordering::SeqCst);
        let wanted = || self.newest.load(Ordering::SeqCst) == ask.generation;
        let mut held = lock(&self.index);
        // Whoever waited for its turn may be late.
        if !wanted() {
            return Ok(FoundEnd::default());
        }
        let words = Words::parse(&ask.text)
            .ok_or_else(|| "there is no word to look for: words are letters and digits".to_owned())?;
        let index = match &mut *held {
            Some(index) => index,
            none => none.insert(SearchIndex::open(store).map_err(said)?),
        };
        let field =
            ask.field.and_then(|word| SearchField::ALL.into_iter().find(|field| field.word() == word));
        let filter = PlaceFilter { run: ask.run.clone(), fields: field.into_iter().collect() };
        let (mut part, mut told) = (Vec::new(), None);
        let found = find::search_each(store, index, &words, &filter, LIMIT, &mut |hit| {
            part.push(shown(hit));
            let now = SystemClock.now();
            if told.is_none_or(|at| now - at >= PART) {
                told = Some(now);
                return wanted() && tell(std::mem::take(&mut part));
            }
            wanted()
        });
        let ended = match found {
            Ok(ended) => ended,
            Err(error) => {
                // The next one opens it anew, and makes it again when it is damaged.
                *held = None;
                return Err(said(error));
            }
        };
        if !part.is_empty() && wanted() {
            tell(part);
        }
        Ok(FoundEnd { more: ended.more, unreadable: ended.unreadable })
    }

    /// Reads what was recorded since the last time; says whether that changed something.
    pub fn update(&self, store: &Store, tell: &mut dyn FnMut(Indexing)) -> Result<bool, String> {
        let mut progress =
            |at: find::Progress| tell(Indexing { run: at.run, runs: at.runs, events: at.events });
        if !store.is_writable() {
            // An index in memory belongs to one connection: searching waits for it.
            let mut held = lock(&self.index);
            let index = match &mut *held {
                Some(index) => index,
                none => none.insert(SearchIndex::open(store).map_err(said)?),
            };
            return done(find::update(store, index, &mut progress));
        }
        // On a connection of its own: who types is answered from what is there already.
        let mut index = SearchIndex::open(store).map_err(said)?;
        let changed = done(find::update(store, &mut index, &mut progress))?;
        if changed {
            // The file may be another one, when it was damaged and made again.
            *lock(&self.index) = None;
        }
        Ok(changed)
    }
}

fn done(updated: Result<find::Updated, StoreError>) -> Result<bool, String> {
    let updated = updated.map_err(said)?;
    match updated.problems.first() {
        Some(first) if updated.events == 0 => Err(first.clone()),
        _ => Ok(updated.events > 0 || updated.forgotten > 0),
    }
}

fn said(error: StoreError) -> String {
    error.to_string()
}

fn shown(hit: find::Hit) -> FoundHit {
    let word = hit.place.field.word();
    FoundHit {
        run: hit.place.run,
        app: hit.place.app,
        started_at: hit.place.started_at,
        call: hit.place.call,
        path: hit.path,
        field: FIELDS.into_iter().find(|field| *field == word).unwrap_or(FIELDS[0]),
        text: hit.snippet.text,
        marks: hit.snippet.marks,
        places: hit.count,
        more: hit.more,
    }
}
