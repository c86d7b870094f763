//! What needs a look: mistakes in the project's source and in settings, and what is doubtful in the open run.

use crate::base::ids::CallNo;
use crate::model::{CallKind, CallStatus, Level};

use super::blast;
use super::say;
use super::state::AppState;
use super::tone::Tone;

/// What a problem is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A source file does not parse.
    Source,
    /// A settings file says something wrong.
    Settings,
    /// The run was told something about itself.
    Notice,
    /// A call's outcome is not known.
    InDoubt,
    /// A call failed.
    Failed,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Source => "source",
            Kind::Settings => "settings",
            Kind::Notice => "notice",
            Kind::InDoubt => "in doubt",
            Kind::Failed => "failed",
        }
    }

    /// How much it matters.
    pub fn tone(self) -> Tone {
        match self {
            Kind::Source | Kind::Failed => Tone::Bad,
            Kind::Settings | Kind::Notice | Kind::InDoubt => Tone::Warning,
        }
    }
}

/// One problem.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    /// What it is about.
    pub kind: Kind,
    /// The call, when it is about one.
    pub call: Option<CallNo>,
    /// The sentence, unsanitised.
    pub text: String,
}

/// Most calls of one kind that are listed.
const MOST: usize = 1_000;

/// All problems, those of the project first.
pub fn list(state: &AppState) -> Vec<Problem> {
    let plain = |kind| move |text: &String| Problem { kind, call: None, text: text.clone() };
    let settings = state.settings.problems.iter().chain(&state.settings.theme_problems);
    let sources = state.project.problems.iter().chain(blast::problems(state));
    let mut out: Vec<Problem> = sources.map(plain(Kind::Source)).collect();
    out.extend(settings.map(plain(Kind::Settings)));
    let Some(open) = state.current() else { return out };
    let history = &open.history;
    out.extend(history.notices.iter().filter(|notice| notice.level != Level::Info).take(MOST).map(
        |notice| {
            let call = (notice.call > 0).then_some(notice.call);
            Problem { kind: Kind::Notice, call, text: notice.text.clone() }
        },
    ));
    let counts = &history.counts;
    if counts.in_doubt + counts.failed == 0 {
        // Then nothing below it tells why the application failed.
        let error = history.call(1).and_then(|root| root.error.as_ref());
        out.extend(error.map(|error| Problem {
            kind: Kind::Failed,
            call: Some(1),
            text: format!("{}: {}", history.app, error.brief()),
        }));
        return out;
    }
    let doubtful = history.calls.iter().filter(|call| call.kind == CallKind::Call).filter_map(|call| {
        let (kind, why) = match call.status {
            CallStatus::InDoubt => (Kind::InDoubt, "it had started when the engine died".to_owned()),
            CallStatus::Failed => (Kind::Failed, call.error.as_ref().map(|e| e.brief()).unwrap_or_default()),
            _ => return None,
        };
        let name = say::place_in_tree(history, call);
        Some(Problem { kind, call: Some(call.no), text: format!("{name}: {why}") })
    });
    out.extend(doubtful.take(MOST));
    out
}
