//! The tab Attempts: each attempt with its times and its error; tracebacks whose lines lead to the source.
//!
//! Made of the run's history, which is here. Texts are cut: nobody reads ten megabytes of a message, and laying them out
//! would hold the loop up.

use std::path::Path;

use crate::base::clock::Micros;
use crate::base::paths::relative;
use crate::base::text;
use crate::model::{Call, CallStatus, ErrorInfo, RunHistory};

use super::inspect::Page;
use super::state::AppState;
use super::tab::Target;
use super::tone::Tone;

/// Bytes of one error's text that are shown.
const SHOWN: usize = 32 << 10;
/// Microseconds from a body's end to its record that are worth a line.
const LONG: Micros = 100_000;
/// Attempts whose tracebacks are shown; the latest.
const TRACED: usize = 8;

/// Lays out the attempts, the latest first.
pub(super) fn lay_out(page: &mut Page, state: &AppState, run: &RunHistory, call: &Call) {
    let root = Path::new(&state.project.root);
    // What waits at the gate has failed, and its caller does not know it yet.
    let error = call.error.as_deref().or_else(|| state.offered_error(call.no));
    if let Some(error) = error {
        head(page, error, root);
    } else if call.failed_attempts.is_empty() {
        page.wrap(Tone::Quiet, "", unfailing(call));
    }
    if let Some(origin) = &call.origin {
        let text = format!("Served from run {}; it was executed there.", origin.run.short());
        let target = Target::Call { run: origin.run.clone(), no: origin.call };
        to(page, Tone::Quiet, "", &text, Some(target));
        return;
    }
    if call.attempts == 0 {
        return;
    }
    // Of operations nothing starts or ends by itself.
    let began = run.started_at;
    let last = call.attempts.max(call.failed_attempts.len() as u32);
    let ended_alone = last as usize > call.failed_attempts.len();
    if ended_alone {
        let how = match call.status {
            CallStatus::Running if state.waits(call.no) => "waits at the gate",
            CallStatus::Running => "runs",
            CallStatus::Failed => "failed",
            CallStatus::Cancelled => "was given up",
            CallStatus::InDoubt => "did not end",
            _ => "returned",
        };
        page.blank();
        let start = call.started_at.unwrap_or(call.asked_at);
        // The body's own time, as everywhere; what a large outcome took on its way is said beside it.
        let whole = call.ended_at.map(|end| end - start);
        let body = Some(call.wall_us).filter(|wall| *wall > 0).or(whole);
        times(page, last, how, start - began, body);
        let rest = whole.unwrap_or(0) - body.unwrap_or(0);
        if rest > LONG && rest > body.unwrap_or(0) {
            let rest = text::duration(rest);
            page.wrap(Tone::Quiet, "  ", &format!("its outcome was recorded {rest} later"));
        }
        if let Some(error) = error {
            trace(page, error, root);
        }
    }
    for (i, failed) in call.failed_attempts.iter().enumerate().rev() {
        page.blank();
        let took = Some(failed.ended_at - failed.started_at);
        times(page, i as u32 + 1, "failed", failed.started_at - began, took);
        let later = call.failed_attempts.get(i + 1).map(|next| &next.error).or(error);
        if later.is_some_and(|later| {
            later.traceback == failed.error.traceback && later.message == failed.error.message
        }) {
            page.wrap(Tone::Quiet, "  ", "with the same error");
        } else {
            page.wrap(Tone::Bad, "  ", &cut(&sentence(&failed.error)));
            if call.failed_attempts.len() - i <= TRACED {
                trace(page, &failed.error, root);
            }
        }
    }
}

fn unfailing(call: &Call) -> &'static str {
    match call.status {
        CallStatus::Pending => "It waits to start.",
        CallStatus::Running => "It has not failed so far.",
        CallStatus::Failed => "It failed without an error of its own: the calls below it tell why.",
        CallStatus::Cancelled => "It was given up before it ended.",
        CallStatus::InDoubt => "It had started when the engine died; how it ended is not known.",
        _ => "It did not fail.",
    }
}

/// The message, and where it came from.
fn head(page: &mut Page, error: &ErrorInfo, root: &Path) {
    page.wrap(Tone::Bad, "", &cut(&sentence(error)));
    if error.type_name == "EffectWouldRepeat" {
        page.blank();
        page.wrap(
            Tone::Text,
            "",
            "Step through the replay (key s by default): it asks at the gate what to do with each effect.",
        );
    }
    if let Some(frame) =
        error.frames.iter().rev().find(|frame| is_own(&frame.file, root)).or(error.frames.last())
    {
        let target = Target::Source { file: frame.file.clone(), line: frame.line };
        page.blank();
        to(page, Tone::Title, "", &place(root, &frame.file, frame.line), Some(target.clone()));
        if !frame.text.is_empty() {
            to(page, Tone::Text, "    ", &cut(&frame.text), Some(target));
        }
    }
}

fn times(page: &mut Page, number: u32, how: &str, at: Micros, took: Option<Micros>) {
    let mut text = format!("attempt {number}  {how}");
    if let Some(took) = took {
        text.push_str(&format!(" after {}", text::duration(took.max(0))));
    }
    text.push_str(&format!(", started {} into the run", text::duration(at.max(0))));
    page.wrap(Tone::Title, "", &text);
}

/// The traceback; lines of the project's files stand out and lead there.
fn trace(page: &mut Page, error: &ErrorInfo, root: &Path) {
    let mut at: Option<(Target, bool)> = None;
    let whole = cut(error.traceback.trim_end());
    // The message is said already, and that a traceback follows can be seen.
    let said = sentence(error);
    let inner = whole.strip_prefix("Traceback (most recent call last):\n").unwrap_or(&whole);
    let inner = match inner.strip_suffix(said.as_str()) {
        // Python puts the module before the name of the class.
        Some(before) => before.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')),
        None => inner,
    };
    for line in inner.trim_end().lines() {
        match frame(line) {
            Some((file, number, name)) => {
                let own = is_own(file, root);
                let target = Target::Source { file: file.to_owned(), line: number };
                let text = format!("{}  {name}", place(root, file, number));
                to(page, if own { Tone::Text } else { Tone::Faint }, "  ", &text, Some(target.clone()));
                at = Some((target, own));
            }
            // Below a line that is broken they would point at nothing.
            None if marks(line) && text::width(line) + 2 > page.width => {}
            // Source lines and the marks below them are set in.
            None if line.starts_with("    ") && at.is_some() => {
                let (target, own) = at.clone().unzip();
                let tone = if own == Some(true) { Tone::Text } else { Tone::Faint };
                to(page, tone, "  ", line, target);
            }
            None => {
                at = None;
                page.wrap(Tone::Quiet, "  ", line);
            }
        }
    }
}

/// Python's marks below a line of source.
fn marks(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.chars().all(|c| matches!(c, '^' | '~' | ' '))
}

/// `  File "app.py", line 19, in flaky`
fn frame(line: &str) -> Option<(&str, u32, &str)> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let (number, name) = rest.split_once(", in ").unwrap_or((rest, ""));
    Some((file, number.trim().parse().ok()?, name))
}

fn is_own(file: &str, root: &Path) -> bool {
    Path::new(file).starts_with(root) && !file.contains("site-packages")
}

/// `app.py:41`, as seen from the project.
pub(super) fn place(root: &Path, file: &str, line: u32) -> String {
    format!("{}:{line}", relative(Path::new(file), root).display())
}

fn to(page: &mut Page, tone: Tone, prefix: &str, raw: &str, target: Option<Target>) {
    let from = page.lines.len();
    page.wrap(tone, prefix, raw);
    if let Some(target) = target {
        page.targets.push((from..page.lines.len(), target));
    }
}

/// The whole message, type first.
fn sentence(error: &ErrorInfo) -> String {
    if error.message.is_empty() {
        error.type_name.clone()
    } else {
        format!("{}: {}", error.type_name, error.message)
    }
}

/// The text, or its beginning and how much follows.
fn cut(whole: &str) -> String {
    if whole.len() <= SHOWN {
        return whole.to_owned();
    }
    let end = (0..=SHOWN).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
    format!("{} … {} more", &whole[..end], text::bytes((whole.len() - end) as u64))
}

/// All errors as text, the latest first, for the clipboard, the pager and files.
pub(super) fn plain(call: &Call) -> Option<String> {
    let whole = |error: &ErrorInfo| match error.traceback.as_str() {
        "" => format!("{}\n", sentence(error)),
        traceback => format!("{}\n", traceback.trim_end()),
    };
    let earlier = call.failed_attempts.iter().enumerate().rev();
    let earlier = earlier.map(|(i, failed)| format!("attempt {}\n{}", i + 1, whole(&failed.error)));
    let all: Vec<String> = call.error.as_deref().map(whole).into_iter().chain(earlier).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::script::{self as fake, Script};
    use crate::app::testing::bench;
    use crate::model::{CallKind, EventKind, RunStatus};

    fn retried() -> Script {
        let mut s = Script::new("2c1a00000000", 60, None, "{}");
        let no = s.ask(1, "call_llm", CallKind::Call, 1, "{}");
        for (attempt, message) in [(1, "429"), (2, "429")] {
            s.push(EventKind::CallStarted { no, attempt, worker: 1 });
            s.at += 500_000;
            s.push(EventKind::AttemptFailed { no, attempt, error: fake::error("RateLimitError", message) });
            s.at += 1_000_000;
        }
        s.push(EventKind::CallStarted { no, attempt: 3, worker: 1 });
        s.fail(no, 200, fake::error("ValueError", "no text"));
        s.finish(RunStatus::Failed, None);
        s
    }

    fn laid(scripts: &[Script]) -> (Vec<String>, Page) {
        let state = bench(scripts);
        let open = state.current().unwrap();
        let mut page = Page::new(70);
        lay_out(&mut page, &state, &open.history, open.history.call(2).unwrap());
        let line = |line: &super::super::tone::Line| line.iter().map(|(_, piece)| piece.as_str()).collect();
        (page.lines.iter().map(line).collect(), page)
    }

    #[test]
    fn the_module_of_an_exception_goes_with_its_message() {
        let mut s = Script::new("2c1a00000000", 60, None, "{}");
        let no = s.ask(1, "call_llm", CallKind::Call, 1, "{}");
        s.start(no);
        let mut error = fake::error("ArchiveError", "502");
        error.traceback = error.traceback.replace("ArchiveError: 502", "archive.client.ArchiveError: 502");
        s.fail(no, 200, error);
        let (lines, _) = laid(&[s]);
        assert_eq!(lines.last().unwrap().trim(), "return client.chat(messages)", "{lines:?}");
    }

    #[test]
    fn each_attempt_has_its_times_and_its_error() {
        let (lines, page) = laid(&[retried()]);
        insta::assert_snapshot!(lines.join("\n"), @r"
    ValueError: no text

    app.py:17
        return client.chat(messages)

    attempt 3  failed after 0.2 s, started 3.0 s into the run
      app.py:41  research_agent
          response = call_llm(messages)
      app.py:17  call_llm
          return client.chat(messages)

    attempt 2  failed after 0.5 s, started 1.5 s into the run
      RateLimitError: 429
      app.py:41  research_agent
          response = call_llm(messages)
      app.py:17  call_llm
          return client.chat(messages)

    attempt 1  failed after 0.5 s, started 0 ms into the run
      with the same error
    ");
        let first = page.targets.first().unwrap();
        assert_eq!(first.1, Target::Source { file: "/home/agent/app.py".to_owned(), line: 17 });
    }

    #[test]
    fn frames_of_a_traceback_are_read() {
        assert_eq!(
            frame("  File \"/p/a b.py\", line 19, in f.<locals>.g"),
            Some(("/p/a b.py", 19, "f.<locals>.g"))
        );
        assert_eq!(frame("  File \"/p/a.py\", line 3"), Some(("/p/a.py", 3, "")));
        assert_eq!(frame("  File \"/p/a.py\", line x, in f"), None);
        assert_eq!(frame("ValueError: File \"a\", line 3"), None);
    }

    #[test]
    fn a_huge_message_is_cut() {
        let mut s = Script::new("2c1a00000000", 60, None, "{}");
        let no = s.ask(1, "f", CallKind::Call, 1, "{}");
        s.start(no);
        s.fail(no, 1, fake::error("ValueError", &"é".repeat(5 << 20)));
        let (lines, _) = laid(&[s]);
        assert!(lines.iter().any(|line| line.ends_with("MB more")), "{}", lines.len());
        assert!(lines.len() < 3 * SHOWN / 60, "{}", lines.len());
    }
}
