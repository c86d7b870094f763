//! What a function's code consists of, as lines of text: sanitised, with tones.

use super::output::Tone;
use crate::base::text;
use crate::engine::explain::closure::Reach;
use crate::model::{FileRead, Opaque, ReadKind};

/// Opaque places that are listed.
const LISTED: usize = 8;

type Paint<'a> = &'a dyn Fn(Tone, &str) -> String;

struct Lines<'a> {
    out: Vec<String>,
    paint: Paint<'a>,
}

/// What a function's code consists of.
pub fn reach(found: &Reach, paint: Paint<'_>) -> Vec<String> {
    let mut lines = Lines { out: Vec::new(), paint };
    for part in &found.parts {
        let lines_of = if part.end_line > part.line {
            format!("{}:{}-{}", part.file, part.line, part.end_line)
        } else {
            format!("{}:{}", part.file, part.line)
        };
        let name = text::line(&part.name);
        let tone = if part.depth == 0 { Tone::Strong } else { Tone::Plain };
        let place = paint(Tone::Quiet, &text::line(&lines_of));
        lines.out.push(format!("{}{}  {place}", "  ".repeat(part.depth), paint(tone, &name)));
    }
    if let Some(version) = &found.version {
        let line = format!("version {version} counts instead of all this: edits of it invalidate nothing");
        lines.add(Tone::Strong, &line);
    }
    let words = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    match &found.seen {
        Some(seen) => {
            let packages = seen.packages.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
            lines.add(Tone::Quiet, &format!("packages: {}", words(packages)));
            let data = |read: &&FileRead| !matches!(read.kind, ReadKind::Absent | ReadKind::Present);
            let files = seen.files.iter().filter(data).map(|read| read.path.clone()).collect();
            lines.add(Tone::Quiet, &format!("files read while it is imported: {}", words(files)));
            if !seen.environment.is_empty() {
                lines.add(Tone::Quiet, &format!("environment: {}", words(seen.environment.clone())));
            }
        }
        None => {
            lines.add(Tone::Quiet, &format!("packages: {}", words(found.external.clone())));
            lines.add(
                Tone::Quiet,
                "no recent run had this code: versions, and files read at import, are not known",
            );
        }
    }
    lines.opaque(&found.opaque);
    let code = format!("code {}, {}", found.code.get(..12).unwrap_or_default(), found.rules);
    lines.add(Tone::Quiet, &code);
    lines.out
}

impl Lines<'_> {
    fn add(&mut self, tone: Tone, line: &str) {
        self.out.push((self.paint)(tone, &text::line(line)));
    }

    fn opaque(&mut self, places: &[Opaque]) {
        for place in places.iter().take(LISTED) {
            let text = format!("not followed: {}:{} {}", place.file, place.line, place.reason);
            self.add(Tone::Warn, &text);
        }
        if places.len() > LISTED {
            let more = text::count((places.len() - LISTED) as u64, "more place");
            self.add(Tone::Quiet, &format!("… {more}"));
        }
    }
}
