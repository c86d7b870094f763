//! `tl-bench diff [A] [B]`: what differs between two runs, causes first.

mod html;
mod json;
mod print;

use std::collections::HashSet;

use serde_json::Value;

use super::args::{DiffArgs, FailOn};
use super::context::{Context, value_json};
use super::error::{CliError, Exit};
use crate::base::ids::{CallNo, RunId};
use crate::diff::stored::Effort;
use crate::diff::tree::{Cause, Merged, Pair, PairKind, merge};
use crate::diff::value::{self, Differences, Hidden, Options, Pattern};
use crate::engine::explain::beside::{Group, groups as groups_of};
use crate::engine::explain::noise::{Answers, Judged};
use crate::engine::explain::records::StoreRecords;
use crate::engine::explain::{Records, ignored};
use crate::model::{Call, CallKind, RunHistory, ValueRef};
use crate::store::Store;
use crate::value::view::ViewLimits;

/// Two runs and what differs.
pub(super) struct Comparison<'a> {
    context: &'a Context,
    store: &'a Store,
    a: RunHistory,
    b: RunHistory,
    merged: Merged,
    /// The causes by name.
    groups: Vec<Group>,
    /// What differs anyway, and what follows from that alone.
    noise: Judged,
    options: Options,
    /// What is ignored in values, and how many differences that hides.
    hidden: Vec<Hidden>,
}

/// How often each thing happened.
#[derive(Default)]
struct Tally {
    same: usize,
    changed: usize,
    added: usize,
    removed: usize,
    moved: usize,
    /// Of those that differ: noise, and what follows from it alone.
    noise: usize,
}

impl Tally {
    /// What happened, with its word.
    fn parts(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let all = [
            (self.same, "same"),
            (self.changed, "changed"),
            (self.added, "added"),
            (self.removed, "removed"),
            (self.moved, "moved"),
            (self.noise, "within noise"),
        ];
        all.into_iter().filter(|(count, _)| *count > 0)
    }
}

/// `tl-bench diff A B`.
pub fn run(context: &Context, args: &DiffArgs) -> Result<Exit, CliError> {
    let store = context.existing_store()?;
    let (a, b) = which(&store, args)?;
    let options = options(context, args)?;
    let (a, b) = (context.history(&store, &a)?, context.history(&store, &b)?);
    let merged = merge(&a, &b);
    let groups = Vec::new();
    let noise = Judged::default();
    let hidden = Vec::new();
    let mut comparison = Comparison { context, store: &store, a, b, merged, groups, noise, options, hidden };
    comparison.forget_ignored();
    comparison.groups = groups_of(&comparison.merged, &comparison.a, &comparison.b, &StoreRecords(&store));
    comparison.noise = Answers::new(&store).judge(&comparison.merged, &comparison.a, &comparison.b);
    if let Some(file) = &args.html {
        html::write(&comparison, file)?;
        return Ok(comparison.exit(args.fail_on, args.accept_noise));
    }
    let rows = comparison.rows(args)?;
    match (args.json.json, args.patch, args.stat) {
        (true, ..) => context.out.json(&json::document(&comparison, &rows)?),
        (_, true, _) => print::patch(&comparison, &rows)?,
        (_, _, true) => print::stat(&comparison),
        _ if args.call.is_some() => print::calls(&comparison, &rows)?,
        _ => print::whole(&comparison)?,
    }
    Ok(comparison.exit(args.fail_on, args.accept_noise))
}

/// The run of a golden and one of today, compared but for these places. `judge` says what of it is noise, and may correct causes.
pub(super) fn compared<'a>(
    context: &'a Context,
    store: &'a Store,
    runs: [&RunId; 2],
    ignore: &[String],
    judge: &dyn Fn(&mut Merged, &RunHistory, &RunHistory) -> Judged,
) -> Result<Comparison<'a>, CliError> {
    let (a, b) = (context.history(store, runs[0])?, context.history(store, runs[1])?);
    let options =
        Options { ignore: patterns(context.project.config.ignored(), ignore)?, ..Options::default() };
    let merged = merge(&a, &b);
    let groups = Vec::new();
    let noise = Judged::default();
    let hidden = Vec::new();
    let mut comparison = Comparison { context, store, a, b, merged, groups, noise, options, hidden };
    comparison.forget_ignored();
    comparison.noise = judge(&mut comparison.merged, &comparison.a, &comparison.b);
    let mut groups = groups_of(&comparison.merged, &comparison.a, &comparison.b, &StoreRecords(store));
    // A golden has digests of code: what it said then cannot be shown.
    for group in groups.iter_mut().filter(|group| group.cause == Cause::Code && group.definitions.is_empty())
    {
        let call = group.rows.first().and_then(|row| comparison.b.call(comparison.merged.pairs[*row].b?));
        if let Some(call) = call {
            group.words = format!("code changed: {}, since the golden was saved", call.function);
        }
    }
    comparison.groups = groups;
    Ok(comparison)
}

/// The runs that were named; without names the newest run and the one that it replays.
fn which(store: &Store, args: &DiffArgs) -> Result<(RunId, RunId), CliError> {
    match (&args.a, &args.b) {
        (Some(a), Some(b)) => Ok((store.find_run(a)?, store.find_run(b)?)),
        (one, _) => {
            let child = store.find_run(one.as_deref().unwrap_or("latest"))?;
            let parent = store.run(&child)?.summary.parent;
            let parent = parent.ok_or_else(|| {
                CliError::usage(format!(
                    "run {child} replays no other run, so there is nothing to compare it with"
                ))
                .hint("name both runs: tl-bench diff A B; tl-bench runs lists them")
            })?;
            Ok((parent, child))
        }
    }
}

fn options(context: &Context, args: &DiffArgs) -> Result<Options, CliError> {
    let project = if args.no_ignore { Vec::new() } else { context.project.config.ignored() };
    Ok(Options { ignore: patterns(project, &args.ignore)?, tolerance: args.tolerance })
}

/// The project's ignored places and those that were asked for.
fn patterns(mut project: Vec<Pattern>, asked: &[String]) -> Result<Vec<Pattern>, CliError> {
    for text in asked {
        project.push(Pattern::parse(text).map_err(|error| CliError::usage(error.to_string()))?);
    }
    Ok(project)
}

impl Comparison<'_> {
    /// Whether anything differs but the time.
    pub(super) fn is_different(&self) -> bool {
        self.merged.pairs.iter().any(Pair::is_different)
    }

    /// Whether all that differs is noise, or follows from noise alone.
    pub(super) fn is_noise(&self) -> bool {
        let pairs = self.merged.pairs.iter().enumerate();
        pairs.filter(|(_, pair)| pair.is_different()).all(|(row, _)| self.noise.is_quiet(row))
    }

    /// The runs that are compared.
    pub(super) fn runs(&self) -> (&RunHistory, &RunHistory) {
        (&self.a, &self.b)
    }

    /// Says what differs, causes first.
    pub(super) fn tell(&self) -> Result<(), CliError> {
        print::differences(self)
    }

    /// Says how a call is asked now.
    pub(super) fn tell_asked(&self, path: &str, old: &Value, new: &Value) {
        print::asked(self, path, old, new);
    }

    /// The document of `diff --json`.
    pub(super) fn document(&self) -> Result<Value, CliError> {
        let rows: Vec<usize> =
            (0..self.merged.pairs.len()).filter(|row| self.merged.pairs[*row].is_different()).collect();
        json::document(self, &rows)
    }

    /// The calls of a row.
    fn pair(&self, row: usize) -> (&Pair, Option<&Call>, Option<&Call>) {
        let pair = &self.merged.pairs[row];
        (pair, pair.a.and_then(|no| self.a.call(no)), pair.b.and_then(|no| self.b.call(no)))
    }

    /// The cause that a row is of, by name.
    fn group(&self, row: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.rows.contains(&row))
    }

    /// The path of a row's call, in the second run when it is there.
    fn path(&self, row: usize) -> String {
        match (self.merged.pairs[row].a, self.merged.pairs[row].b) {
            (_, Some(no)) => crate::model::path::path(&self.b, no),
            (Some(no), None) => crate::model::path::path(&self.a, no),
            (None, None) => String::new(),
        }
    }

    fn view(&self, value: Option<&ValueRef>) -> Result<Value, CliError> {
        match value {
            Some(value) => Ok(value_json(self.store, value, &ViewLimits::full())?.json),
            None => Ok(Value::Null),
        }
    }

    /// What differs between two recorded values.
    fn changes(&self, old: Option<&ValueRef>, new: Option<&ValueRef>) -> Result<Differences, CliError> {
        match (old, new) {
            (Some(old), Some(new)) => {
                StoreRecords(self.store).differences(old, new, &self.options, Effort::All).map_err(|error| {
                    CliError::new(Exit::Store, format!("recorded values cannot be compared: {error}"))
                })
            }
            _ if old == new => Ok(Differences::default()),
            _ => Ok(value::compare(&self.view(old)?, &self.view(new)?, &self.options)),
        }
    }

    /// Values that differ only in what is ignored do not differ.
    fn forget_ignored(&mut self) {
        let records = StoreRecords(self.store);
        self.hidden = ignored::forget(&mut self.merged, &self.a, &self.b, &self.options, &records);
    }

    /// The rows that are asked for: that of `--call` and those below it, or all that differ.
    fn rows(&self, args: &DiffArgs) -> Result<Vec<usize>, CliError> {
        let Some(text) = &args.call else {
            return Ok((0..self.merged.pairs.len())
                .filter(|row| self.merged.pairs[*row].is_different())
                .collect());
        };
        // A call may be in one of the runs only.
        let new = self.context.call(&self.b, text);
        let is = |pair: &Pair| match &new {
            Ok(no) => pair.b == Some(*no),
            Err(_) => false,
        };
        if let Some(row) = self.merged.pairs.iter().position(is) {
            return Ok(vec![row]);
        }
        let old: CallNo = self.context.call(&self.a, text).map_err(|error| new.err().unwrap_or(error))?;
        Ok(self.merged.pairs.iter().position(|pair| pair.a == Some(old)).into_iter().collect())
    }

    /// What both runs answered, when both are texts that differ.
    fn sentences(&self) -> Result<Option<(String, String)>, CliError> {
        let Some(root) = self.merged.pairs.first().filter(|root| root.differs.output) else {
            return Ok(None);
        };
        let text = |run: &RunHistory, no: Option<CallNo>| -> Result<Option<String>, CliError> {
            let output = no.and_then(|no| run.call(no)).and_then(|call| call.output.as_ref());
            Ok(match self.view(output)? {
                Value::String(text) => Some(text),
                _ => None,
            })
        };
        Ok(text(&self.a, root.a)?.zip(text(&self.b, root.b)?))
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for row in 0..self.merged.pairs.len() {
            let (pair, old, new) = self.pair(row);
            // The application's own call does not count, and neither do operations.
            if old.or(new).is_none_or(|call| call.kind != CallKind::Call) {
                continue;
            }
            tally.noise += usize::from(self.noise.is_quiet(row));
            *match pair.kind {
                PairKind::Both if pair.differs.matters() => &mut tally.changed,
                PairKind::Both => &mut tally.same,
                PairKind::Moved => &mut tally.moved,
                PairKind::Added | PairKind::Repeated => &mut tally.added,
                PairKind::Removed => &mut tally.removed,
            } += 1;
        }
        tally
    }

    /// Whether all that differs in a row is the code, which answered the same: its cause is told once, whatever it reaches.
    fn is_only_code(&self, row: usize) -> bool {
        let pair = &self.merged.pairs[row];
        pair.kind == PairKind::Both && pair.differs.words().eq(["code"])
    }

    /// What is below a row and not shown, in words: `3 same, 40 answer alike by other code`.
    fn left_out(&self, row: usize, shown: &HashSet<usize>) -> Option<String> {
        let left = self.merged.pairs[row].children.iter().filter(|below| !shown.contains(below));
        let (code, same): (Vec<usize>, Vec<usize>) = left.partition(|below| self.is_only_code(**below));
        let parts = [(same.len(), "same"), (code.len(), "answer alike by other code")];
        let words: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// Rows to show when only differences are: those, and what leads to them.
    fn shown(&self) -> HashSet<usize> {
        let mut shown = HashSet::new();
        let pairs = &self.merged.pairs;
        for row in (0..pairs.len()).filter(|row| pairs[*row].is_different() && !self.is_only_code(*row)) {
            let mut at = Some(row);
            while let Some(row) = at.filter(|row| shown.insert(*row)) {
                at = self.merged.pairs[row].parent;
            }
        }
        shown
    }

    fn exit(&self, fail_on: Option<FailOn>, accept_noise: bool) -> Exit {
        let pairs = &self.merged.pairs;
        let counts = |row: usize| !(accept_noise && self.noise.is_quiet(row));
        let any =
            |differs: fn(&Pair) -> bool| (0..pairs.len()).any(|row| counts(row) && differs(&pairs[row]));
        let fails = match fail_on {
            None => false,
            Some(FailOn::Changed) => any(Pair::is_different),
            Some(FailOn::Output) => {
                any(|pair| pair.parent.is_none() && (pair.differs.output || pair.differs.status))
            }
            Some(FailOn::Structure) => any(|pair| pair.kind != PairKind::Both),
        };
        if fails { Exit::Failed } else { Exit::Success }
    }
}
