//! Asking the index: which docs hold the words, and where they occur.

use std::collections::{HashSet, VecDeque};

use rusqlite::{OptionalExtension, params};

use super::super::error::Result;
use super::super::rows::KINDS;
use super::{SearchField, SearchIndex};
use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::CallKind;

/// Places and holders of one match that are looked at; a text that all calls share has as many as there are calls.
const HOLDERS: usize = 100;

/// Which places are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PlaceFilter {
    /// In this run.
    pub run: Option<RunId>,
    /// In one of these fields; empty: in any.
    pub fields: Vec<SearchField>,
}

/// Where a doc occurs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchPlace {
    /// The run.
    pub run: RunId,
    /// Its application.
    pub app: String,
    /// When the run started.
    pub started_at: Micros,
    /// The call; 0 when no call is known.
    pub call: CallNo,
    /// Where in the call.
    pub field: SearchField,
    /// The event that tells.
    pub seq: u64,
}

/// The places of a doc.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchPlaces {
    /// The first one: of the newest run, its earliest call.
    pub first: SearchPlace,
    /// How many there are.
    pub count: u64,
    /// Whether there may be more than that.
    pub more: bool,
}

/// A step of a call's path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// What it is.
    pub kind: CallKind,
    /// The function.
    pub function: String,
    /// See [`crate::model::Call::ordinal`].
    pub ordinal: u32,
}

/// Docs that match, and what is known about which places are wanted.
pub struct Matches<'i> {
    index: &'i SearchIndex,
    expression: String,
    /// The run's row.
    run: Option<i64>,
    /// The bits of the wanted fields.
    mask: i64,
    before: i64,
    /// Nothing more can match.
    empty: bool,
}

impl SearchIndex {
    /// The words of the index that begin so, when they are no more than `most` and all can be asked for by themselves.
    ///
    /// For a word that may go on FTS5 reads all docs of all that begin so before it tells one. The docs of a whole word it
    /// reads newest first, as far as somebody asks.
    pub fn beginning(&self, prefix: &str, most: usize) -> Result<Option<Vec<String>>> {
        // Others than plain letters are not in the index as they were written.
        let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain(prefix) {
            return Ok(None);
        }
        self.sql((|| {
            self.db.execute_batch(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab(main, texts, instance)",
            )?;
            let mut next = self.db.prepare_cached("SELECT term FROM temp.terms WHERE term>=?1 LIMIT 1")?;
            let (mut words, mut from) = (Vec::new(), prefix.to_owned());
            loop {
                let word: Option<String> = next.query_row([&from], |row| row.get(0)).optional()?;
                let Some(word) = word.filter(|word| word.starts_with(prefix)) else { return Ok(Some(words)) };
                if words.len() == most || !plain(&word) {
                    return Ok(None);
                }
                // What follows a word at the least.
                from = format!("{word}\u{1}");
                words.push(word);
            }
        })())
    }

    /// Docs whose own text matches an FTS5 expression and that occur in wanted places.
    pub fn matches(&self, expression: &str, filter: &PlaceFilter) -> Result<Matches<'_>> {
        let mask = match filter.fields.as_slice() {
            [] => (1 << SearchField::ALL.len()) - 1,
            fields => fields.iter().fold(0i64, |mask, field| mask | 1 << field.code()),
        };
        let run: Option<Option<i64>> = self.sql((|| match &filter.run {
            None => Ok(None),
            Some(uid) => {
                let mut query = self.db.prepare_cached("SELECT id FROM runs WHERE uid=?1")?;
                query.query_row([uid.as_str()], |row| row.get(0)).optional().map(Some)
            }
        })())?;
        let run_row = run.flatten();
        let last: i64 = match run_row {
            None => i64::MAX - 1,
            Some(run) => self.sql((|| {
                let mut query =
                    self.db.prepare_cached("SELECT ifnull(max(doc), 0) FROM run_docs WHERE run=?1")?;
                query.query_row([run], |row| row.get(0))
            })())?,
        };
        Ok(Matches {
            index: self,
            expression: expression.to_owned(),
            run: run_row,
            mask,
            before: last + 1,
            empty: run == Some(None),
        })
    }
}

impl Matches<'_> {
    /// The next docs, newest first; empty at the end.
    pub fn take(&mut self, limit: usize) -> Result<Vec<i64>> {
        if self.empty {
            return Ok(Vec::new());
        }
        // The plus keeps the words in charge: asked row by row, they would be looked up for each doc of the run.
        let wanted = match self.run {
            Some(_) => "+texts.rowid IN (SELECT doc FROM run_docs WHERE run=?5 AND fields & ?3)",
            None => "(SELECT fields FROM docs WHERE id=texts.rowid) & ?3 AND ?5 IS NULL",
        };
        let query = format!(
            "SELECT texts.rowid FROM texts WHERE texts MATCH ?1 AND texts.rowid<?2 AND {wanted} \
             ORDER BY texts.rowid DESC LIMIT ?4"
        );
        let docs: Vec<i64> = self.index.sql((|| {
            let mut query = self.index.db.prepare_cached(&query)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = query
                .query_map(params![self.expression, self.before, self.mask, limit, self.run], |row| {
                    row.get(0)
                })?;
            rows.collect()
        })())?;
        match docs.last() {
            Some(last) => self.before = *last,
            None => self.empty = true,
        }
        Ok(docs)
    }

    /// Where a doc occurs, by itself or as a part; `None` when it does so in no wanted place.
    pub fn places(&self, doc: i64) -> Result<Option<SearchPlaces>> {
        let found = self.index.sql(self.look_up(doc))?;
        let Some(((run, call, field, seq), count, more)) = found else { return Ok(None) };
        let place = self.index.sql((|| {
            let mut query = self.index.db.prepare_cached("SELECT uid, app, started FROM runs WHERE id=?1")?;
            query.query_row([run], |row| {
                Ok(SearchPlace {
                    run: RunId::from_text(&row.get::<_, String>(0)?),
                    app: row.get(1)?,
                    started_at: row.get(2)?,
                    call,
                    field: SearchField::from_code(field).unwrap_or(SearchField::Input),
                    seq: seq.max(0) as u64,
                })
            })
        })())?;
        Ok(Some(SearchPlaces { first: place, count, more }))
    }

    /// From a doc to what holds it, newest first, as far as a bounded look goes. Only holders that have a wanted
    /// field (and are of the wanted run) are followed, and such a holder has a wanted place above or in it.
    fn look_up(&self, doc: i64) -> rusqlite::Result<Option<(Cell, u64, bool)>> {
        let db = &self.index.db;
        let mut holders = db.prepare_cached(match self.run {
            Some(_) => {
                "SELECT r.doc FROM edges JOIN run_docs r ON r.doc=edges.parent AND r.run=?4 \
                 WHERE edges.child=?1 AND r.fields & ?2 ORDER BY edges.parent DESC LIMIT ?3"
            }
            None => {
                "SELECT d.id FROM edges JOIN docs d ON d.id=edges.parent \
                 WHERE edges.child=?1 AND d.fields & ?2 AND ?4 IS NULL ORDER BY edges.parent DESC LIMIT ?3"
            }
        })?;
        let run = if self.run.is_some() { "run=?2" } else { "?2 IS NULL" };
        let from = format!("FROM places WHERE doc=?1 AND {run} AND (?3 >> field) & 1");
        let mut newest = db
            .prepare_cached(&format!("SELECT run {from} ORDER BY run DESC, call DESC, field DESC LIMIT 1"))?;
        let mut first = db.prepare_cached(
            "SELECT run, call, field, seq FROM places WHERE doc=?1 AND run=?2 AND (?3 >> field) & 1 \
             ORDER BY call, field LIMIT 1",
        )?;
        let mut number = db.prepare_cached(&format!("SELECT count(*) FROM (SELECT 1 {from} LIMIT ?4)"))?;
        let (mut queue, mut seen) = (VecDeque::from([doc]), HashSet::from([doc]));
        let (mut best, mut count, mut more): (Option<Cell>, u64, bool) = (None, 0, false);
        let most = HOLDERS as i64;
        while let Some(at) = queue.pop_front() {
            let run =
                newest.query_row(params![at, self.run, self.mask], |row| row.get::<_, i64>(0)).optional()?;
            if let Some(run) = run {
                let cell: Cell = first.query_row(params![at, run, self.mask], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
                let earlier = |a: &Cell, b: &Cell| (-a.0, a.1, a.2) < (-b.0, b.1, b.2);
                if best.as_ref().is_none_or(|best| earlier(&cell, best)) {
                    best = Some(cell);
                }
                let here: i64 = number.query_row(params![at, self.run, self.mask, most], |row| row.get(0))?;
                count += here.max(0) as u64;
            }
            if count >= HOLDERS as u64 {
                more = true;
                break;
            }
            let above: rusqlite::Result<Vec<i64>> =
                holders.query_map(params![at, self.mask, most, self.run], |row| row.get(0))?.collect();
            for holder in above? {
                if seen.len() >= 20 * HOLDERS {
                    more = true;
                } else if seen.insert(holder) {
                    queue.push_back(holder);
                }
            }
        }
        Ok(best.map(|best| (best, count, more)))
    }
}

/// Run, call, field, event.
type Cell = (i64, CallNo, i64, i64);

impl SearchIndex {
    /// The digest of a doc.
    pub fn digest(&self, doc: i64) -> Result<Option<Digest>> {
        let mut found = self.sql(self.db.prepare_cached("SELECT digest FROM docs WHERE id=?1"))?;
        let bytes: Option<Vec<u8>> = self.sql(found.query_row([doc], |row| row.get(0)).optional())?;
        Ok(bytes.and_then(|bytes| Digest::from_slice(&bytes)))
    }

    /// The calls from one up to the application's own, for its path. Empty when the call is not known.
    pub fn chain(&self, run: &RunId, call: CallNo) -> Result<Vec<Link>> {
        self.sql((|| {
            let mut query = self.db.prepare_cached(
                "SELECT c.parent, c.kind, c.function, c.ordinal FROM calls c JOIN runs r ON r.id=c.run \
                 WHERE r.uid=?1 AND c.no=?2",
            )?;
            let (mut links, mut at) = (Vec::new(), call);
            while at != 0 {
                let found = query
                    .query_row(params![run.as_str(), at], |row| {
                        let kind = usize::try_from(row.get::<_, i64>(1)?).ok().and_then(|at| KINDS.get(at));
                        let kind = kind.copied().unwrap_or(CallKind::Call);
                        Ok((
                            row.get::<_, CallNo>(0)?,
                            Link { kind, function: row.get(2)?, ordinal: row.get(3)? },
                        ))
                    })
                    .optional()?;
                let Some((parent, link)) = found.filter(|(parent, _)| *parent < at) else { break };
                links.push(link);
                at = parent;
            }
            Ok(links)
        })())
    }
}
