//! What a check found: for people, and as a document.

use std::path::Path;

use serde_json::{Value, json};

use super::EXTENSION;
use super::check::{Checked, Verdict};
use crate::base::text;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Tone;

/// The document of `--json`.
pub(super) fn document(checked: &Checked<'_>, passes: bool, path: &Path) -> Result<Value, CliError> {
    let name = path.file_name().map(|name| name.to_string_lossy().trim_end_matches(EXTENSION).to_owned());
    let different = checked.comparison.is_different();
    Ok(json!({
        "golden": name,
        "file": checked.shown,
        "ok": passes,
        "updated": checked.verdict == Verdict::Updated,
        "within_noise": different && checked.unknown.is_none() && checked.comparison.is_noise(),
        "unknown": checked.unknown.as_ref().map(|unknown| &unknown.message),
        "stale": checked.stale,
        "calls": checked.calls,
        "diff": if different { checked.comparison.document()? } else { Value::Null },
    }))
}

/// For people.
pub(super) fn tell(context: &Context, checked: &Checked<'_>) -> Result<(), CliError> {
    let out = context.out;
    let (mark, tone) = match checked.verdict {
        Verdict::Holds => ("holds  ", Tone::Good),
        Verdict::Noise => ("noise  ", Tone::Warn),
        Verdict::Differs => ("differs", Tone::Bad),
        Verdict::Updated => ("updated", Tone::Warn),
    };
    out.line(&format!("{}  {}", out.paint(tone, mark), text::line(&checked.shown)));
    if !checked.comparison.is_different() {
        return Ok(());
    }
    if let Some(unknown) = &checked.unknown {
        out.line(&text::line(&unknown.message));
        if let Some((path, old, new)) = &unknown.asked {
            checked.comparison.tell_asked(path, old, new);
        }
    }
    for name in &checked.stale {
        let line = format!("the code of {name} is not what gave these answers");
        out.line(&out.paint(Tone::Warn, &text::line(&line)));
    }
    let hint = |text: &str| out.note(&out.paint_note(Tone::Quiet, text));
    if let Some(unknown) = &checked.unknown {
        // The run ended there: that the rest is missing says nothing.
        let done = text::count(unknown.done as u64, "call");
        let all = text::count(unknown.known as u64, "recorded call");
        out.line(&format!("{done} of {all} came before, and were as recorded"));
        hint("record a new run and save it, or let unknown calls execute: --allow");
        return Ok(());
    }
    checked.comparison.tell()?;
    match checked.verdict {
        Verdict::Noise => hint(
            "all that differs is within the noise that was measured when the golden was saved: --accept-noise lets that \
             pass, --update writes what happens now into it",
        ),
        Verdict::Differs => hint("--update writes what happens now into the golden"),
        Verdict::Holds | Verdict::Updated => {}
    }
    Ok(())
}
