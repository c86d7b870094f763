//! The inspector's loaded tabs, and their twins on the command line: one set of rows for both.
//!
//! Each file makes the [`TabView`] of one tab from what engine and store say; [`print`] writes such rows for people.
//! Nothing here is sanitised but by [`print`]; the workbench sanitises when it lays rows out.

pub mod compare;
mod diff;
pub mod history;
pub mod samples;
mod shelf;
pub mod source;
pub mod variance;
pub mod why;

use std::path::{Path, PathBuf};

use super::context::{Context, replayed_application};
use super::output::{self, Out};
use crate::app::tab::{Change, Tab, TabKey, TabRow, TabView, Target};
use crate::app::tone::Tone;
use crate::base::clock::{Clock, SystemClock};
use crate::base::ids::CallNo;
use crate::base::text;
use crate::diff::stored::Effort;
use crate::diff::value::Options;
use crate::engine::explain::now::Now;
use crate::engine::explain::past;
use crate::engine::explain::source::look;
use crate::engine::explain::{Explanation, Records, recorded};
use crate::engine::today::Today;
use crate::model::{RunHistory, RunStatus};
use crate::store::Store;

pub use shelf::Shelf;

/// Makes a tab.
pub fn tab(context: &Context, store: &Store, shelf: &Shelf, key: &TabKey) -> Result<TabView, String> {
    let records = shelf.records(store);
    let run = records.run(&key.run).ok_or_else(|| format!("run {} cannot be read", key.run.short()))?;
    match key.tab {
        Tab::Source => {
            let mut today = Today::new(&context.project, &file(context, &run));
            let found = look(&run, key.no, &records, &mut today).ok_or("there is no such call")?;
            Ok(source::view(&found, &context.project.root))
        }
        Tab::Why => {
            let found = recorded::explain(&run, key.no, &records).ok_or("there is no such call")?;
            // What goes on is not replayed yet.
            let ended = run.status != RunStatus::Running;
            let now = ended.then(|| would(context, store, &records, &run, key.no));
            Ok(why::tab(&found, now, &context.project.root))
        }
        Tab::Diff => {
            let base = diff::base(&run, &records)?;
            let call = run.call(key.no).ok_or("there is no such call")?;
            let options =
                Options { ignore: crate::engine::rules::ignored(&context.project), ..Options::default() };
            let (merged, _) = shelf.merged(&base, &run, &options, &records);
            // It is made in the background: it is looked at once, and to the end.
            let look = diff::Look { records: &records, options: &options, effort: Effort::All };
            Ok(diff::view(&base, &run, call, &merged, &look))
        }
        Tab::History => {
            let found = past::look(store, &run, key.no, history::LIMIT).map_err(|error| error.to_string())?;
            let past = history::view(&found.ok_or("there is no such call")?, SystemClock.now());
            let samples = store.samples(&run, key.no).map_err(|error| error.to_string())?;
            if samples.all.iter().all(|sample| sample.recorded) {
                return Ok(past);
            }
            let mut rows = samples::view(&samples, &records).rows;
            rows.push(TabRow::Blank);
            rows.extend(past.rows);
            Ok(TabView { rows })
        }
        Tab::Variance => variance::Variance::of(store, &run, key.no).map(|found| found.view()),
        Tab::Output | Tab::Input | Tab::Logs | Tab::Attempts => {
            Err(format!("{} needs no loading", key.tab.title()))
        }
    }
}

/// The file of a run's application as it is today; where it was then, when it cannot be found in it.
fn file(context: &Context, run: &RunHistory) -> PathBuf {
    replayed_application(context, run).map_or_else(|_| PathBuf::from(&run.file), |app| app.file)
}

/// What would happen to a call if its run were replayed now.
fn would(
    context: &Context,
    store: &Store,
    records: &dyn Records,
    run: &RunHistory,
    no: CallNo,
) -> Result<Explanation, String> {
    let app = replayed_application(context, run).map_err(|error| {
        // The hint may be that the file does not parse.
        let hints = error.hints.iter().map(|hint| format!("; {hint}"));
        std::iter::once(error.message.clone()).chain(hints).collect::<String>()
    })?;
    let search = context.search()();
    let mut now = Now::new(&context.project, store, records, run.clone(), &app.file, &search)
        .map_err(|error| error.to_string())?;
    now.explain(no).ok_or_else(|| "there is no such call".to_owned())
}

/// A place in a file of the project.
fn place(root: &Path, file: &str, line: usize) -> Option<Target> {
    let line = u32::try_from(line).ok().filter(|line| *line > 0)?;
    Some(Target::Source { file: root.join(file).display().to_string(), line })
}

/// Writes rows for people.
pub fn print(out: Out, view: &TabView) {
    let numbers = view.rows.iter().filter_map(|row| match row {
        TabRow::Code { old, new, .. } => new.or(*old),
        _ => None,
    });
    let digits = numbers.max().map_or(0, |most| most.to_string().len());
    for row in &view.rows {
        match row {
            TabRow::Text { indent, tone, text, .. } => {
                let lead = " ".repeat(usize::from(*indent));
                out.line(&format!("{lead}{}", out.paint(tone_of(*tone), &text::line(text))));
            }
            TabRow::Pieces { indent, pieces, .. } => {
                let words = pieces.iter().map(|(tone, piece)| out.paint(tone_of(*tone), &text::line(piece)));
                out.line(&format!("{}{}", " ".repeat(usize::from(*indent)), words.collect::<String>()));
            }
            TabRow::Code { change, old, new, pieces, .. } => {
                let number = if *change == Change::Removed { old } else { new };
                let number = number.map(|number| number.to_string()).unwrap_or_default();
                let whole: String = pieces.iter().map(|(_, piece)| text::line(piece)).collect();
                let (sign, tone) = match change {
                    Change::Same => (' ', output::Tone::Plain),
                    Change::Removed => ('-', output::Tone::Bad),
                    Change::Added => ('+', output::Tone::Good),
                };
                let number = out.paint(output::Tone::Quiet, &format!("{number:>digits$}"));
                out.line(format!("{number} {}", out.paint(tone, &format!("{sign} {whole}"))).trim_end());
            }
            TabRow::Blank => out.line(""),
        }
    }
}

fn tone_of(tone: Tone) -> output::Tone {
    match tone {
        Tone::Quiet | Tone::Faint => output::Tone::Quiet,
        Tone::Good => output::Tone::Good,
        Tone::Bad => output::Tone::Bad,
        Tone::Warning | Tone::Marked => output::Tone::Warn,
        Tone::Title | Tone::Focus => output::Tone::Strong,
        _ => output::Tone::Plain,
    }
}
