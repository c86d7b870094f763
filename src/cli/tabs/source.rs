//! `tl-bench source` and the tab Source: a call's function as it is now, and what changed in it since.

use std::path::Path;

use serde_json::json;

use super::{Shelf, file, place, print};
use crate::app::tab::{Change, TabRow, TabView};
use crate::app::tone::{Line as Pieces, Tone};
use crate::base::text;
use crate::cli::args::SourceArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Exit};
use crate::cli::peek::coloured;
use crate::diff::value::LineKind;
use crate::engine::explain::Happened;
use crate::engine::explain::source::{Definition, Line, Source, Standing, look};
use crate::engine::today::Today;

/// `tl-bench source RUN CALL`.
pub fn run(context: &Context, args: &SourceArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let run = context.history(&store, &store.find_run(&args.run)?)?;
    let no = match &args.call {
        Some(text) => context.call(&run, text)?,
        None => 1,
    };
    let mut today = Today::new(&context.project, &file(context, &run));
    let shelf = Shelf::default();
    let Some(found) = look(&run, no, &shelf.records(&store), &mut today) else {
        return Err(CliError::usage(format!("run {} has no calls", run.id)));
    };
    if args.json.json {
        context.out.json(&json!(found));
    } else {
        print(context.out, &view(&found, &context.project.root));
    }
    Ok(Exit::Success)
}

/// Its rows.
pub fn view(found: &Source, root: &Path) -> TabView {
    let mut rows = Vec::new();
    let (tone, sentence) = sentence(found);
    rows.push(TabRow::text(0, tone, sentence));
    if let Some(note) = &found.note {
        rows.push(TabRow::text(0, Tone::Quiet, note.as_str()));
    }
    let (shown, same): (Vec<&Definition>, Vec<&Definition>) =
        found.definitions.iter().partition(|one| !one.lines.is_empty());
    for one in shown {
        rows.push(TabRow::Blank);
        heading(&mut rows, one, root);
        lines(&mut rows, one, root);
    }
    if !same.is_empty() {
        rows.push(TabRow::Blank);
        rows.push(TabRow::text(
            0,
            Tone::Quiet,
            format!("reaches, as {}:", if found.standing == Standing::Gone { "it was" } else { "it is" }),
        ));
        for one in same {
            let text = format!("{}  {}:{}", one.name, one.file, one.line);
            let target = place(root, &one.file, one.line);
            rows.push(TabRow::Text { indent: 2, tone: Tone::Quiet, text, target });
        }
    }
    if !found.opaque.is_empty() {
        rows.push(TabRow::Blank);
        for one in &found.opaque {
            let text = format!("not followed: {}:{} {}", one.file, one.line, one.reason);
            let target = place(root, &one.file, one.line as usize);
            rows.push(TabRow::Text { indent: 0, tone: Tone::Warning, text, target });
        }
    }
    TabView { rows }
}

fn sentence(found: &Source) -> (Tone, String) {
    let changed: Vec<&str> =
        found.definitions.iter().filter(|one| one.change.is_some()).map(|one| one.name.as_str()).collect();
    let marked = |one: &Definition| one.lines.iter().any(|line| line.kind != LineKind::Same);
    match found.standing {
        Standing::Same if found.definitions.iter().any(marked) => (
            Tone::Quiet,
            "changed since this call only in what has no effect: comments, layout, hints".to_owned(),
        ),
        Standing::Same => (Tone::Quiet, "as it was when this call was made".to_owned()),
        Standing::Changed => {
            let names = changed.join(", ");
            let n = text::count(changed.len() as u64, "definition");
            let what = if changed.is_empty() {
                "order or place of its definitions".to_owned()
            } else {
                format!("{n}: {names}")
            };
            (Tone::Marked, format!("changed since this call: {what}"))
        }
        Standing::NotRecorded => (Tone::Quiet, "what changed since this call cannot be said".to_owned()),
        Standing::Gone => (Tone::Marked, "the code that this call ran with".to_owned()),
    }
}

fn heading(rows: &mut Vec<TabRow>, one: &Definition, root: &Path) {
    let word = match one.change {
        Some(Happened::Added) => "  added",
        Some(Happened::Removed) => "  removed",
        Some(Happened::Changed) => "  changed",
        None => "",
    };
    let text = format!("{}  {}:{}{word}", one.name, one.file, one.line);
    rows.push(TabRow::Text { indent: 0, tone: Tone::Title, text, target: place(root, &one.file, one.line) });
    if one.chain.len() > 1 {
        rows.push(TabRow::text(0, Tone::Quiet, format!("reached by {}", one.chain.join(" → "))));
    }
}

fn lines(rows: &mut Vec<TabRow>, one: &Definition, root: &Path) {
    // What is there now is coloured as one text; lines that are gone are told by their colour.
    let now: Vec<&Line> = one.lines.iter().filter(|line| line.kind != LineKind::Removed).collect();
    let text: String = now.iter().map(|line| format!("{}\n", line.text)).collect();
    let mut colours = coloured(&text).into_iter();
    let (mut old, mut new): (Option<usize>, Option<usize>) = (None, None);
    for line in &one.lines {
        let at = line.new.or(line.old);
        let follows = |last: Option<usize>, at: Option<usize>| match (last, at) {
            (Some(last), Some(at)) => at == last + 1,
            _ => true,
        };
        if !follows(old, line.old) || !follows(new, line.new) {
            rows.push(TabRow::text(2, Tone::Faint, "…"));
        }
        (old, new) = (line.old.or(old), line.new.or(new));
        let (change, pieces): (Change, Pieces) = match line.kind {
            LineKind::Removed => (Change::Removed, vec![(Tone::Bad, line.text.replace('\t', "    "))]),
            LineKind::Same => (Change::Same, colours.next().unwrap_or_default()),
            LineKind::Added => (Change::Added, colours.next().unwrap_or_default()),
        };
        let number = |at: Option<usize>| at.and_then(|at| u32::try_from(at).ok());
        // A line that is gone leads to where it was.
        let target = at.and_then(|at| place(root, &one.file, at));
        rows.push(TabRow::Code { change, old: number(line.old), new: number(line.new), pieces, target });
    }
}
