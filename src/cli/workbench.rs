//! The workbench from the command line: connects the terminal to engine and store.

use std::sync::Arc;

use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Out;
use super::session::Session;
use crate::app::state::AppState;
use crate::app::tour::{Tour, TourStep};
use crate::model::RunStatus;
use crate::tui::backend::{Backend, Start};
use crate::tui::{self, Options, Outcome};

/// Whether there is a terminal to draw on.
pub fn possible(out: Out) -> bool {
    out.terminal && out.live && std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Opens the workbench.
pub fn open(context: Context) -> Result<Exit, CliError> {
    if !possible(context.out) {
        let dumb = std::env::var_os("TERM").filter(|term| term == "dumb");
        let why = match dumb {
            Some(_) => "the workbench needs a terminal that can place text; TERM says dumb",
            None => "the workbench needs a terminal",
        };
        let streams = [
            ("input", std::io::IsTerminal::is_terminal(&std::io::stdin())),
            ("output", context.out.terminal),
            ("error", context.out.live || dumb.is_some()),
        ];
        let none: Vec<&str> = streams.iter().filter(|(_, is)| !is).map(|(name, _)| *name).collect();
        let why = match none.as_slice() {
            [] => why.to_owned(),
            names => format!("{why}; not one: standard {}", names.join(", standard ")),
        };
        return Err(CliError::usage(why)
            .hint("`tl-bench --plain` works line by line, without one")
            .hint("every screen has a headless twin: `tl-bench --help` lists them"));
    }
    let store = context.store_to_look()?;
    show(Arc::new(Session::new(context, store)), Options::from_env())
}

/// Opens the workbench line by line; it needs no terminal.
pub fn plain(context: Context) -> Result<Exit, CliError> {
    let store = context.store_to_look()?;
    let session = Arc::new(Session::new(context, store));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(tui::plain::run(session.clone()));
    session.end_all();
    // A reader of standard input may wait for ever.
    runtime.shutdown_background();
    match outcome? {
        Outcome::Quit => Ok(Exit::Success),
        Outcome::Signal(_) => Ok(Exit::Failed),
    }
}

/// Opens the workbench on an example and runs it.
pub fn demo(context: Context) -> Result<Exit, CliError> {
    let store = context.store()?;
    let app = context.application(None)?;
    let (out, folder) = (context.out, context.project.root.clone());
    let session = Arc::new(Session::new(context, store));
    session
        .start(Start::Run { app: app.name, input: None })
        .map_err(|text| CliError::new(Exit::Environment, text))?;
    let exit = show(session, Options { tour: Some(tour()), ..Options::from_env() });
    out.note(&format!("the example is in {}", folder.display()));
    exit
}

fn show(session: Arc<Session>, options: Options) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(tui::run(session.clone(), options));
    session.end_all();
    match outcome? {
        Outcome::Quit => Ok(Exit::Success),
        Outcome::Signal(_) => Ok(Exit::Failed),
    }
}

/// Each hint fits into a row of 80 columns.
fn tour() -> Tour {
    let step = |text: &str, done_when| TourStep { text: text.to_owned(), done_when };
    Tour::new(vec![
        step("the example runs and will fail as scripted: watch the calls", |s| {
            newest(s).is_some_and(|(_, r)| r != RunStatus::Running)
        }),
        step("press R to replay it: what succeeded is served, only the rest executes", |s| runs(s) > 1),
        step("watch: ◇ was served from its checkpoint, ◆ executed now", |s| {
            runs(s) > 1 && newest(s).is_some_and(|(_, r)| r != RunStatus::Running)
        }),
        step("arrows select calls, Tab shows what one returned, ? the keys, q quits", |_| false),
    ])
}

fn runs(state: &AppState) -> usize {
    state.runs.items.len()
}

fn newest(state: &AppState) -> Option<(usize, RunStatus)> {
    state.runs.items.first().map(|run| (0, run.status))
}

#[cfg(test)]
mod tests {
    use crate::base::text::width;

    #[test]
    fn hints_of_the_tour_fit_into_a_row() {
        let mut tour = super::tour();
        for at in 0..tour.steps.len() {
            tour.at = at;
            let hint = tour.hint().unwrap();
            // The mark and the space around it.
            assert!(width(&hint) + 4 <= 80, "{hint}");
        }
    }
}
