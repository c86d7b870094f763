//! `tl-bench why` and the tab Why: the verdict on a call and what it rests on, the platform's beside ours.

use std::collections::HashSet;
use std::path::Path;

use super::place;
use crate::app::tab::{TabRow, TabView, Target};
use crate::app::tone::Tone;
use crate::base::text;
use crate::engine::explain::{
    Cause, Checked, DefinitionChange, Explanation, Happened, Matched, Platform, ValueChange, Verdict,
};
use crate::model::Opaque;

/// Lines of one diff; the rest is counted.
const DIFF: usize = 40;
/// Differences, definitions and opaque places that are listed.
const LISTED: usize = 8;

struct Rows<'a> {
    out: Vec<TabRow>,
    root: &'a Path,
    /// By how many levels all is set in.
    inner: usize,
    /// With ids.
    full: bool,
    /// Definitions whose diff was printed: calls of one function repeat the same.
    told: HashSet<(String, String, usize)>,
}

/// The whole answer below its path.
pub fn view(found: &Explanation, root: &Path) -> TabView {
    let mut rows = Rows { out: Vec::new(), root, inner: 0, full: false, told: HashSet::new() };
    rows.add(0, Tone::Title, &found.path);
    rows.explanation(found, Tone::Text);
    TabView { rows: rows.out }
}

/// What happened, and what a replay would do now.
pub fn tab(found: &Explanation, now: Option<Result<Explanation, String>>, root: &Path) -> TabView {
    let mut rows = Rows { out: Vec::new(), root, inner: 0, full: true, told: HashSet::new() };
    // Who has just edited something looks for this.
    if let Some(Ok(now)) = now.as_ref().filter(|now| now.as_ref().is_ok_and(changed_since)) {
        rows.add(0, Tone::Marked, &now.sentence());
        rows.out.push(TabRow::Blank);
    }
    rows.explanation(found, Tone::Title);
    if let Some(now) = now {
        rows.out.push(TabRow::Blank);
        rows.add(0, Tone::Quiet, "A replay now:");
        rows.inner = 1;
        rows.told.clear();
        match now {
            Ok(now) => rows.explanation(&now, Tone::Title),
            Err(why) => rows.add(0, Tone::Warning, &why),
        }
    }
    TabView { rows: rows.out }
}

/// Whether a call would execute for what changed since, rather than for how it ended then.
fn changed_since(now: &Explanation) -> bool {
    let ended =
        |cause: &Cause| matches!(cause, Cause::FailedBefore { .. } | Cause::NotEnded | Cause::NotDurable);
    now.verdict == Verdict::WouldExecute && !now.causes.first().is_none_or(ended)
}

/// Whether causes have more to say than the one line of the first.
fn has_more(causes: &[Cause]) -> bool {
    causes.len() > 1
        || causes.iter().any(|cause| match cause {
            Cause::Input { changes } => {
                changes.len() > 1 || changes.iter().any(|change| change.diff.is_some())
            }
            Cause::Child { causes, .. } => has_more(causes),
            Cause::Code { .. } => true,
            _ => false,
        })
}

/// What was compared before a call was served.
fn checked_words(checked: &Checked) -> String {
    let code = match (&checked.version, checked.definitions) {
        (Some(version), _) => format!("version {version} instead of code"),
        (None, Some(n)) => format!("code ({})", text::count(n as u64, "definition")),
        (None, None) => "code".to_owned(),
    };
    let mut words = vec!["arguments".to_owned(), code];
    let counted = [
        (checked.files, "data file"),
        (checked.packages, "package"),
        (checked.environment, "environment variable"),
        (checked.state, "state key"),
        (checked.children, "call"),
    ];
    for (n, what) in counted.into_iter().filter(|(n, _)| *n > 0) {
        words.push(text::count(n as u64, what));
    }
    let mut all = words.join(", ");
    if checked.children > 0 {
        all.push_str(" below it");
    }
    all
}

impl Rows<'_> {
    fn add(&mut self, level: usize, tone: Tone, line: &str) {
        self.to(level, tone, line, None);
    }

    fn to(&mut self, level: usize, tone: Tone, line: &str, target: Option<Target>) {
        let indent = u16::try_from((level + self.inner) * 2).unwrap_or(u16::MAX);
        self.out.push(TabRow::Text { indent, tone, text: line.to_owned(), target });
    }

    fn explanation(&mut self, found: &Explanation, tone: Tone) {
        self.add(0, tone, &found.sentence());
        if has_more(&found.causes) {
            for cause in &found.causes {
                self.cause(1, cause);
            }
        }
        if let Some(with) = &found.compared_with {
            let verb = if with.matched == Matched::Origin { "made by" } else { "compared with" };
            let how = match with.matched {
                Matched::Origin => "",
                Matched::Key => ", the same arguments",
                Matched::Position => ", the same position",
                Matched::Path => ", the same path",
                Matched::Similar => ", the most similar arguments",
            };
            let other =
                format!("{verb} call {} of run {} ({}{how})", with.call, with.run, with.status.word());
            self.to(0, Tone::Quiet, &other, Some(Target::Call { run: with.run.clone(), no: with.no }));
        }
        if let Some(checked) = &found.checked {
            self.add(0, Tone::Text, &format!("checked: {}", checked_words(checked)));
        }
        self.opaque(&found.opaque);
        if let Some(platform) = &found.platform {
            self.platform(platform);
        }
    }

    fn platform(&mut self, platform: &Platform) {
        let does = if platform.reuses { "reuse" } else { "execute" };
        let differs = if platform.agrees { "the same" } else { "another verdict" };
        let tone = if platform.agrees { Tone::Quiet } else { Tone::Warning };
        self.add(0, tone, &format!("on the platform: {does} ({differs}): {}", platform.because));
        if let Some(matters) = platform.matters {
            self.add(1, tone, matters);
        }
        if self.full {
            let id = platform.durable_id.get(..16).unwrap_or_default();
            self.add(1, Tone::Quiet, &format!("durable id {id}"));
        }
    }

    fn cause(&mut self, level: usize, cause: &Cause) {
        match cause {
            Cause::Code { definitions, unknown, .. } => {
                self.add(level, Tone::Warning, "≠ code");
                for definition in definitions.iter().take(LISTED) {
                    self.definition(level + 1, definition);
                }
                self.rest(level + 1, definitions.len(), "definition");
                match unknown {
                    Some(why) => {
                        self.add(level + 1, Tone::Quiet, &format!("what differs is not known: {why}"))
                    }
                    None if definitions.is_empty() => {
                        self.add(level + 1, Tone::Quiet, "the same definitions in another order or place");
                    }
                    None => {}
                }
            }
            Cause::Input { changes } => {
                self.add(level, Tone::Warning, "≠ arguments");
                for change in changes.iter().take(LISTED) {
                    self.value(level + 1, change);
                }
                self.rest(level + 1, changes.len(), "difference");
            }
            Cause::Child { path, causes } => {
                self.add(level, Tone::Warning, &format!("≠ call {path}"));
                for cause in causes {
                    self.cause(level + 1, cause);
                }
            }
            Cause::File(change) => {
                let target = place(self.root, &change.path, 1);
                self.to(level, Tone::Warning, &format!("≠ {cause}"), target);
            }
            other => self.add(level, Tone::Warning, &format!("≠ {other}")),
        }
    }

    fn definition(&mut self, level: usize, definition: &DefinitionChange) {
        let verb = match definition.change {
            Happened::Added => "added",
            Happened::Removed => "removed",
            Happened::Changed => "changed",
        };
        let text = format!("{} {verb} in {}:{}", definition.name, definition.file, definition.line);
        self.to(level, Tone::Text, &text, place(self.root, &definition.file, definition.line));
        if definition.chain.len() > 1 {
            self.add(level, Tone::Quiet, &format!("reached by {}", definition.chain.join(" → ")));
        }
        let key = (definition.file.clone(), definition.name.clone(), definition.line);
        if self.told.insert(key) {
            self.diff(level + 1, &definition.diff);
        }
    }

    fn value(&mut self, level: usize, change: &ValueChange) {
        match &change.diff {
            Some(diff) => {
                let path = if change.path.is_empty() { "the value" } else { &change.path };
                self.add(level, Tone::Text, path);
                self.diff(level + 1, diff);
            }
            None => self.add(level, Tone::Text, &change.to_string()),
        }
    }

    fn diff(&mut self, level: usize, diff: &str) {
        let all = diff.lines().count();
        for line in diff.lines().take(DIFF) {
            let tone = match line.as_bytes().first() {
                Some(b'+') => Tone::Good,
                Some(b'-') => Tone::Bad,
                Some(b'@') => Tone::Quiet,
                _ => Tone::Text,
            };
            self.add(level, tone, line);
        }
        if all > DIFF {
            self.add(level, Tone::Quiet, &format!("… {} more", text::count((all - DIFF) as u64, "line")));
        }
    }

    fn opaque(&mut self, places: &[Opaque]) {
        for one in places.iter().take(LISTED) {
            let text = format!("not followed: {}:{} {}", one.file, one.line, one.reason);
            self.to(0, Tone::Warning, &text, place(self.root, &one.file, one.line as usize));
        }
        self.rest(0, places.len(), "place");
    }

    fn rest(&mut self, level: usize, all: usize, what: &str) {
        if all > LISTED {
            let more = text::count((all - LISTED) as u64, &format!("more {what}"));
            self.add(level, Tone::Quiet, &format!("… {more}"));
        }
    }
}
