//! The command line that gives the data on the screen.

use crate::model::path;

use super::find::FIELDS;
use super::state::{AppState, Pane, Screen, Tab};

/// What to type in a shell, when there is something to see.
pub fn command_line(state: &AppState) -> Option<String> {
    let short = |run| state.runs.short(run);
    if state.screen == Screen::Problems {
        let calls = state
            .current()
            .map(|open| format!("; tl-bench show {} --filter 'failed or in-doubt'", short(&open.history.id)));
        return Some(format!("tl-bench doctor{}", calls.unwrap_or_default()));
    }
    if state.screen == Screen::Edits {
        return Some(format!("tl-bench status {}", short(state.runs.selected.as_ref()?)));
    }
    if state.screen == Screen::Search {
        return search_line(state);
    }
    // What the workbench said is nowhere but in it.
    if state.screen == Screen::Messages {
        return None;
    }
    if state.screen == Screen::Savings {
        return Some("tl-bench savings".to_owned());
    }
    if state.screen == Screen::Diff {
        let Some(found) = state.compare.ready() else { return Some("tl-bench diff".to_owned()) };
        return Some(format!("tl-bench diff {} {}", short(&found.a), short(&found.b)));
    }
    if state.screen == Screen::Main && state.focus == Pane::Runs {
        return Some(if state.runs.all { "tl-bench runs --all" } else { "tl-bench runs" }.to_owned());
    }
    let open = state.current()?;
    let run = short(&open.history.id);
    if state.screen == Screen::Functions {
        return Some(format!("tl-bench functions {run}"));
    }
    if state.screen == Screen::Timeline {
        return Some(format!("tl-bench timeline {run}"));
    }
    if let Some(seq) = state.then().map(|open| open.history.last_seq) {
        let place = quoted(&path::path(&open.history, open.selected));
        let call = if state.focus == Pane::Calls { String::new() } else { format!(" {place}") };
        return Some(format!("tl-bench show {run}{call} --as-of {seq}"));
    }
    if state.focus == Pane::Calls {
        let filter = if state.filter.is_empty() {
            String::new()
        } else {
            format!(" --filter {}", quoted(&state.filter))
        };
        return Some(format!("tl-bench show {run}{filter}"));
    }
    let call = open.call()?;
    let place = quoted(&path::path(&open.history, call.no));
    Some(match state.effective_tab() {
        Tab::Logs => format!("tl-bench logs {run} {place}"),
        Tab::Diff => match &open.history.parent {
            Some(parent) => format!("tl-bench diff {} {run} --call {place}", short(parent)),
            None => {
                let items = &state.runs.items;
                let at = items.iter().position(|item| item.id == open.history.id)?;
                let before = items[at + 1..].iter().find(|item| item.app == open.history.app)?;
                format!("tl-bench diff {} {run} --call {place}", short(&before.id))
            }
        },
        Tab::History => format!("tl-bench history {run} {place}"),
        Tab::Variance => format!("tl-bench variance {run} {place}"),
        Tab::Why => format!("tl-bench why {run} {place}"),
        Tab::Source => format!("tl-bench source {run} {place}"),
        Tab::Output | Tab::Input | Tab::Attempts => format!("tl-bench show {run} {place}"),
    })
}

/// The command line that writes the value that the inspector shows into a file.
pub fn save_line(state: &AppState) -> Option<String> {
    let open = state.current()?;
    let (run, call) = (open.history.id.short(), open.call()?);
    let place = quoted(&path::path(&open.history, call.no));
    let side = match state.effective_tab() {
        Tab::Output => "",
        Tab::Input => " --input",
        _ => return None,
    };
    Some(format!("tl-bench show {run} {place}{side} --save FILE"))
}

/// `tl-bench search` for what is looked for; its words come last, so that one that begins with a dash is none of its options.
fn search_line(state: &AppState) -> Option<String> {
    let finder = &state.finder;
    let text = finder.editor.value();
    let mut out = "tl-bench search".to_owned();
    if let Some(run) = state.runs.selected.as_ref().filter(|_| finder.here) {
        out.push_str(&format!(" --run {}", state.runs.short(run)));
    }
    if let Some(field) = finder.field.and_then(|at| FIELDS.get(at)) {
        out.push_str(&format!(" --in {field}"));
    }
    let words = if text.trim().is_empty() { "TEXT".to_owned() } else { quoted(text.trim()) };
    Some(format!("{out} -- {words}"))
}

/// As one word of a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::script as fake;
    use crate::app::testing::{bench, press};
    use crate::model::RunStatus;

    #[test]
    fn each_pane_has_a_twin() {
        let mut state = bench(&[fake::agent("2c1a00000000", 60, None, RunStatus::Failed)]);
        let line = |state: &AppState| command_line(state).unwrap();
        assert_eq!(line(&state), "tl-bench show 2c1a");
        press(&mut state, "enter");
        assert_eq!(line(&state), "tl-bench show 2c1a 'research_agent/call_llm#4'");
        press(&mut state, "g r");
        assert_eq!(line(&state), "tl-bench runs");
        press(&mut state, "g t");
        assert_eq!(line(&state), "tl-bench timeline 2c1a");
        press(&mut state, "g p");
        assert_eq!(line(&state), "tl-bench doctor; tl-bench show 2c1a --filter 'failed or in-doubt'");
        press(&mut state, "esc");
        press(&mut state, "/ f a i l e d enter");
        assert_eq!(line(&state), "tl-bench show 2c1a --filter failed");
    }

    #[test]
    fn a_command_line_means_its_run_alone() {
        let runs = ["2c1a00000000", "2c1a01000000", "2c1a01ff0000"];
        let mut state = bench(&runs.map(|id| fake::agent(id, 60, None, RunStatus::Failed)));
        state.runs.selected = Some(crate::base::ids::RunId::from_text("2c1a01000000"));
        press(&mut state, "g b");
        assert_eq!(command_line(&state).unwrap(), "tl-bench status 2c1a010");
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a/b"), "a/b");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
