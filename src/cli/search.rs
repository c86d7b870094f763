//! `tl-bench search`.

use serde_json::{Value, json};

use super::args::SearchArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Tone;
use crate::base::clock::{Clock, SystemClock};
use crate::base::ids::call_id;
use crate::base::text;
use crate::find::{self, Hit, Hits, Snippet, Words};
use crate::store::{PlaceFilter, SearchField, SearchIndex, Store};

/// An update that reads more events than this is worth a word afterwards.
const MANY: u64 = 20_000;

/// `tl-bench search TEXT`.
pub fn run(context: &Context, args: &SearchArgs) -> Result<Exit, CliError> {
    let wanted = args.text.join(" ");
    let words = Words::parse(&wanted).ok_or_else(|| {
        CliError::usage(format!("'{wanted}' has no word to look for")).hint(
            "words are made of letters and digits; `tl-bench show --filter 'out~\"…\"'` finds any characters",
        )
    })?;
    let store = context.existing_store()?;
    let run = args.run.as_deref().map(|run| store.find_run(run)).transpose()?;
    let fields = args.fields.iter().map(|field| field.field()).collect();
    let mut index = SearchIndex::open(&store)?;
    update(context, &store, &mut index)?;
    let filter = PlaceFilter { run, fields };
    let found = find::search(&store, &index, &words, &filter, args.limit)?;
    if args.json.json {
        context.out.json(&json!({
            "text": wanted,
            "hits": found.hits.iter().map(hit_json).collect::<Vec<_>>(),
            "more": found.more,
        }));
    } else {
        for hit in &found.hits {
            print(context, hit);
        }
    }
    tell(context, &found);
    Ok(Exit::Success)
}

fn update(context: &Context, store: &Store, index: &mut SearchIndex) -> Result<(), CliError> {
    let out = context.out;
    let updated = find::update(store, index, &mut |progress| {
        let events = text::count(progress.events, "event");
        out.status(&format!("indexing run {} of {}: {events}", progress.run, progress.runs));
    });
    out.status("");
    let updated = updated?;
    if updated.events >= MANY {
        out.note(&format!("indexed {}", text::count(updated.events, "new event")));
    }
    for problem in updated.problems.iter().take(5) {
        out.note(&format!("{} {}", out.paint_note(Tone::Warn, "warning:"), text::line(problem)));
    }
    let rest = updated.problems.len().saturating_sub(5);
    if rest > 0 {
        out.note(&format!("and {rest} more; `tl-bench doctor` checks the whole store"));
    }
    Ok(())
}

fn tell(context: &Context, found: &Hits) {
    let texts = text::count(found.hits.len() as u64, "text");
    let more = if found.more { ", and more: `-n` shows more of them" } else { "" };
    context.out.note(&if found.hits.is_empty() {
        "nothing found".to_owned()
    } else {
        format!("{texts}{more}")
    });
    if found.unreadable > 0 {
        let gone = text::count(found.unreadable, "match");
        context.out.note(&format!("{gone} could not be read; `tl-bench doctor` checks the whole store"));
    }
}

fn print(context: &Context, hit: &Hit) {
    let out = context.out;
    let place = &hit.place;
    let path = if hit.path.is_empty() { &place.app } else { &hit.path };
    let age = text::age(SystemClock.now().saturating_sub(place.started_at));
    let others = match (hit.count, hit.more) {
        (0 | 1, false) => String::new(),
        (count, more) => format!(", {}{} places", count, if more { "+" } else { "" }),
    };
    out.line(&format!(
        "{}  {}  {}",
        out.paint(Tone::Strong, &text::line(path)),
        place.field.word(),
        out.paint(Tone::Quiet, &format!("run {} {age}{others}", place.run.short()))
    ));
    out.line(&format!("    {}", marked(context, &hit.snippet)));
}

/// The snippet as safe text, with what was found in colour, or in brackets where there are no colours.
fn marked(context: &Context, snippet: &Snippet) -> String {
    let mut out = String::new();
    let mut at = 0;
    for mark in &snippet.marks {
        let piece = |from: usize, to: usize| text::line(snippet.text.get(from..to).unwrap_or_default());
        out.push_str(&piece(at, mark.start));
        let found = piece(mark.start, mark.end);
        let painted = context.out.paint(Tone::Warn, &found);
        out.push_str(&if painted == found { format!("[{found}]") } else { painted });
        at = mark.end;
    }
    out + &text::line(snippet.text.get(at..).unwrap_or_default())
}

fn hit_json(hit: &Hit) -> Value {
    let place = &hit.place;
    let characters = |at: usize| hit.snippet.text.get(..at).map_or(0, |head| head.chars().count());
    let marks: Vec<_> =
        hit.snippet.marks.iter().map(|mark| [characters(mark.start), characters(mark.end)]).collect();
    let known = place.call != 0 && !hit.path.is_empty();
    json!({
        "run": place.run,
        "app": place.app,
        "started_at": place.started_at,
        "call": known.then(|| call_id(&place.run, place.call)),
        "path": known.then_some(&hit.path),
        "in": place.field.word(),
        "text": hit.snippet.text,
        "marks": marks,
        "places": hit.count,
        "more_places": hit.more,
    })
}

/// One line about the index, for `doctor`. It follows from the store, so damage of it is no loss.
pub fn health(store: &Store) -> String {
    let again = "the next search makes it again";
    let looked = SearchIndex::look(store)
        .and_then(|index| index.map(|index| Ok((index.check()?, index.size()?))).transpose());
    match looked {
        Ok(None) => "no index yet; the first search makes it".to_owned(),
        Ok(Some((wrong, size))) if wrong.is_empty() => format!(
            "index of {}, {}, {}",
            text::count(size.runs, "run"),
            text::count(size.texts, "text"),
            text::bytes(size.bytes)
        ),
        Ok(Some((wrong, _))) => match SearchIndex::remove(store) {
            Ok(()) => format!("the index was damaged ({}) and is deleted; {again}", wrong.join("; ")),
            Err(error) => error.to_string(),
        },
        Err(error) if error.is_damage() => format!("the index cannot be used ({error}); {again}"),
        Err(error) => error.to_string(),
    }
}

impl super::args::InArg {
    fn field(self) -> SearchField {
        match self {
            super::args::InArg::Input => SearchField::Input,
            super::args::InArg::Output => SearchField::Output,
            super::args::InArg::Log => SearchField::Log,
            super::args::InArg::Error => SearchField::Error,
        }
    }
}
