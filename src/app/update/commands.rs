//! What each command does.

use crate::app::command::CommandId;
use crate::app::compare::Shown;
use crate::app::form::Form;
use crate::app::gate::PointList;
use crate::app::layout::Shares;
use crate::app::msg::{AppInfo, Effect, Env, Start};
use crate::app::palette::{CommandList, Kind};
use crate::app::search::Search;
use crate::app::state::{AppState, Overlay, Pane, Screen, Tab};
use crate::base::text;
use crate::model::gate::Goal;
use crate::model::{Level, Mode};

use super::panes::{self, Direction};
use super::{acts, filter, fork, gate, navigate, overlay, points, replies, screens, tabs, toast, values};
use super::{asof, compare, find, functions, ignore, timeline};

/// Executes an enabled command.
pub(super) fn execute(state: &mut AppState, id: CommandId, env: &Env) -> Vec<Effect> {
    match id {
        CommandId::Up => navigate::step(state, -1),
        CommandId::Down => navigate::step(state, 1),
        CommandId::PageUp => navigate::page(state, -1),
        CommandId::PageDown => navigate::page(state, 1),
        CommandId::Top => navigate::step(state, isize::MIN),
        CommandId::Bottom => navigate::step(state, isize::MAX),
        CommandId::Fold => navigate::fold(state),
        CommandId::Unfold => navigate::unfold(state),
        CommandId::ToggleFold => navigate::toggle_fold(state),
        CommandId::NextFailed => navigate::failed(state, true),
        CommandId::PrevFailed => navigate::failed(state, false),
        CommandId::Follow => follow(state, env),
        CommandId::NextTab => tab(state, 1),
        CommandId::PrevTab => tab(state, Tab::ALL.len() - 1),
        CommandId::CycleTab => tab(state, 1),
        CommandId::NextPane => pane(state, 1),
        CommandId::PrevPane => pane(state, 2),
        CommandId::Open => open(state),
        CommandId::Back => back(state),
        CommandId::Help => state.overlay = Some(Overlay::Commands(CommandList::new(Kind::Help))),
        CommandId::Palette => state.overlay = Some(Overlay::Commands(CommandList::new(Kind::Palette))),
        CommandId::Theme => overlay::choose_theme(state),
        CommandId::GoRuns => go(state, Pane::Runs),
        CommandId::GoCalls => go(state, Pane::Calls),
        CommandId::GoInspector => go(state, Pane::Inspector),
        CommandId::ToggleValue => return values::toggle(state),
        CommandId::GoThere => return tabs::go(state, env),
        CommandId::SideBySide => tabs::side_by_side(state),
        CommandId::OtherLook => return values::other_look(state, env),
        CommandId::Search => values::ask_search(state),
        CommandId::SearchNext => values::next(state, true, env),
        CommandId::SearchPrev => values::next(state, false, env),
        CommandId::Filter => filter::edit(state),
        CommandId::ClearFilter => filter::clear(state),
        CommandId::GoProblems => screens::show(state, Screen::Problems),
        CommandId::GoTimeline => screens::show(state, Screen::Timeline),
        CommandId::TimelineOpen => timeline::open(state),
        CommandId::TimelinePrev => timeline::along(state, false),
        CommandId::TimelineNext => timeline::along(state, true),
        CommandId::CriticalNext => timeline::critical(state, true),
        CommandId::CriticalPrev => timeline::critical(state, false),
        CommandId::ZoomIn => timeline::zoom(state, true, env),
        CommandId::ZoomOut => timeline::zoom(state, false, env),
        CommandId::ZoomAll => timeline::whole(state),
        CommandId::PanLeft => timeline::pan(state, false, env),
        CommandId::PanRight => timeline::pan(state, true, env),
        CommandId::GoEdits => screens::show(state, Screen::Edits),
        CommandId::EditOpen => return screens::open_edit(state, env),
        CommandId::GoFunctions => screens::show(state, Screen::Functions),
        CommandId::CellOpen => return functions::open(state, env),
        CommandId::CellLeft => functions::step(state, -1),
        CommandId::CellRight => functions::step(state, 1),
        CommandId::SortTable => functions::sort(state, env),
        CommandId::GoSearch => return find::show(state),
        CommandId::FindOpen => return find::open(state, env),
        CommandId::FindEdit => find::edit(state),
        CommandId::FindField => return find::next_field(state),
        CommandId::FindHere => return find::here(state),
        CommandId::FindClear => return find::clear(state),
        CommandId::FoldedRuns => {
            state.runs.all = !state.runs.all;
            return replies::ask_runs(state);
        }
        CommandId::MarkRun => compare::mark(state, env),
        CommandId::GoDiff => screens::show(state, Screen::Diff),
        CommandId::GoVariance => variance(state),
        CommandId::GoSavings => screens::show(state, Screen::Savings),
        CommandId::GoMessages => screens::messages(state),
        CommandId::MessagesPage => return screens::page_messages(state, env),
        CommandId::MessageCopy => return screens::copy_message(state, env),
        CommandId::DiffOpen => compare::open(state),
        CommandId::DiffNext => compare::next(state, true, env),
        CommandId::DiffPrev => compare::next(state, false, env),
        CommandId::DiffFirst => compare::first(state, env),
        CommandId::DiffCauses => compare::show(state, Shown::Causes),
        CommandId::DiffAll => compare::show(state, Shown::All),
        CommandId::DiffSides => compare::sides(state),
        CommandId::DiffWrap => state.compare.cut = !state.compare.cut,
        CommandId::DiffPane => compare::other_pane(state),
        CommandId::DiffIgnore => ignore::place(state, env),
        CommandId::DiffKeep => ignore::keep(state),
        CommandId::DiffIgnored => ignore::all(state, env),
        CommandId::DiffCopy => return compare::copy(state, env),
        CommandId::ProblemOpen => return screens::open_problem(state, env),
        CommandId::Zoom => state.zoom = !state.zoom,
        CommandId::Wider => panes::resize(state, Direction::Columns, 1),
        CommandId::Narrower => panes::resize(state, Direction::Columns, -1),
        CommandId::Taller => panes::resize(state, Direction::Rows, 1),
        CommandId::Flatter => panes::resize(state, Direction::Rows, -1),
        CommandId::EvenPanes => state.shares = Shares::default(),
        CommandId::Mouse => panes::mouse(state, env),
        CommandId::FoldAll => navigate::fold_to(state, Some(1)),
        CommandId::FoldTwo => navigate::fold_to(state, Some(2)),
        CommandId::FoldThree => navigate::fold_to(state, Some(3)),
        CommandId::UnfoldAll => navigate::fold_to(state, None),
        CommandId::Run => return choose(state, env),
        CommandId::Replay => return acts::replay(state, Mode::Adaptive, env),
        CommandId::Step => return gate::begin(state, Goal::Into, env),
        CommandId::Points => state.overlay = Some(Overlay::Points(PointList::default())),
        CommandId::PointHere => return points::toggle_here(state, env),
        CommandId::Fork => return fork::output(state),
        CommandId::ForkInput => return fork::input(state),
        CommandId::MarkOutput => fork::mark(state, env),
        CommandId::TakeOutput => return fork::take(state, env),
        CommandId::Resample => fork::resample(state),
        CommandId::StepHere => return gate::begin_here(state, env),
        CommandId::AsOf => return asof::enter(state),
        CommandId::AsOfPrev
        | CommandId::AsOfNext
        | CommandId::AsOfBack
        | CommandId::AsOfForward
        | CommandId::AsOfFirst
        | CommandId::AsOfLast
        | CommandId::AsOfNextFailed
        | CommandId::AsOfPrevFailed
        | CommandId::AsOfNextEnded
        | CommandId::AsOfPrevEnded
        | CommandId::AsOfLeave => return asof::execute(state, id, env),
        CommandId::GateGo
        | CommandId::GateAnswer
        | CommandId::GateArguments
        | CommandId::GateExpression
        | CommandId::GateFrames
        | CommandId::GateRetry
        | CommandId::GateFail
        | CommandId::GateExecute
        | CommandId::GateKeep
        | CommandId::GateInto
        | CommandId::GateOver
        | CommandId::GateOut
        | CommandId::GateBack
        | CommandId::GateContinue
        | CommandId::GateTo
        | CommandId::GateNextFresh
        | CommandId::GateNextFailed
        | CommandId::GateNextEffect
        | CommandId::GateLetCall
        | CommandId::GateLetFunction
        | CommandId::GatePause
        | CommandId::GateDetach => return gate::execute(state, id, env),
        CommandId::ReplayStrict => return acts::replay(state, Mode::Strict, env),
        CommandId::ReplayFresh => return acts::replay(state, Mode::Fresh, env),
        CommandId::ReplayFrom => return acts::replay_from(state, env),
        CommandId::AutoReplay => acts::auto_replay(state, env),
        CommandId::Pin => return acts::pin(state, env),
        CommandId::Delete => acts::delete(state, env),
        CommandId::Undo => return acts::undo(state, env),
        CommandId::CopyValue => return acts::copy_value(state, env),
        CommandId::CopyPath => return acts::copy_path(state),
        CommandId::CopyId => return acts::copy_id(state),
        CommandId::CopyCommand => return acts::copy_command(state, env),
        CommandId::Page => return acts::page(state, env),
        CommandId::OpenValue => return acts::open_value(state, env),
        CommandId::SaveValue => return acts::ask_file(state, env),
        CommandId::Edit => return acts::edit(state, env),
        CommandId::Stop => return stop(state, env),
        CommandId::Repaint => return vec![Effect::Repaint],
        CommandId::Suspend => return vec![Effect::Suspend],
        CommandId::Quit => return quit(state, env),
    }
    Vec::new()
}

fn follow(state: &mut AppState, env: &Env) {
    let Some(open) = state.current_mut() else { return };
    open.follow = !open.follow;
    let follows = open.follow;
    let sentence = if follows {
        "Following what starts; move to stop.".to_owned()
    } else {
        format!("Not following any more; {} follows.", key(state, CommandId::Follow))
    };
    toast(state, Level::Info, sentence, env);
}

/// The key to name for a command in a sentence.
pub(super) fn key(state: &AppState, id: CommandId) -> String {
    state.settings.keymap.name(id).unwrap_or_else(|| "the palette".to_owned())
}

fn tab(state: &mut AppState, by: usize) {
    let at = Tab::ALL.iter().position(|tab| *tab == state.effective_tab()).unwrap_or(0);
    choose_tab(state, Tab::ALL[(at + by) % Tab::ALL.len()]);
}

/// Shows a tab of the selected call.
pub(super) fn choose_tab(state: &mut AppState, next: Tab) {
    if let Some(open) = state.current() {
        state.picked = Some((open.history.id.clone(), open.selected, next));
    }
    // The error comes up by itself where there is one; the other tabs are a habit.
    if next != Tab::Attempts {
        state.tab = next;
    }
}

/// The tab Variance of the selected call; on the screen Diff that of the selected pair.
fn variance(state: &mut AppState) {
    if state.screen == Screen::Diff {
        compare::open(state);
    }
    match &state.wanted_call {
        // Its run is being read.
        Some((run, no)) => {
            state.picked = Some((run.clone(), *no, Tab::Variance));
            state.tab = Tab::Variance;
        }
        None => choose_tab(state, Tab::Variance),
    }
    go(state, Pane::Inspector);
}

fn go(state: &mut AppState, pane: Pane) {
    state.screen = Screen::Main;
    state.focus = pane;
}

fn pane(state: &mut AppState, by: usize) {
    const ORDER: [Pane; 3] = [Pane::Runs, Pane::Calls, Pane::Inspector];
    let at = ORDER.iter().position(|pane| *pane == state.focus).unwrap_or(0);
    state.focus = ORDER[(at + by) % ORDER.len()];
}

fn open(state: &mut AppState) {
    match state.focus {
        _ if state.screen != Screen::Main => state.screen = Screen::Main,
        Pane::Runs => state.focus = Pane::Calls,
        Pane::Calls => state.focus = Pane::Inspector,
        Pane::Inspector => state.zoom = !state.zoom,
    }
}

fn back(state: &mut AppState) {
    if state.toast.take().is_some() && state.screen == Screen::Main {
        return;
    }
    if state.screen == Screen::Diff && std::mem::take(&mut state.compare.reads) {
        return;
    }
    if state.screen != Screen::Main {
        state.screen = Screen::Main;
        return;
    }
    if state.zoom {
        state.zoom = false;
        return;
    }
    if state.focus == Pane::Calls && !state.filter.is_empty() {
        filter::clear(state);
        return;
    }
    if state.focus == Pane::Inspector && !state.search.text.is_empty() {
        state.search = Search::default();
        return;
    }
    state.focus = match state.focus {
        Pane::Inspector => Pane::Calls,
        Pane::Calls | Pane::Runs => Pane::Runs,
    };
}

/// Which application: the only one without asking.
fn choose(state: &mut AppState, env: &Env) -> Vec<Effect> {
    match state.project.applications.as_slice() {
        [only] => {
            let app = only.clone();
            prepare(state, &app, env)
        }
        apps => {
            let current = state.runs.current().map(|run| run.app.as_str());
            let at = apps.iter().position(|app| Some(app.name.as_str()) == current).unwrap_or(0);
            state.overlay = Some(Overlay::ChooseApp { at });
            Vec::new()
        }
    }
}

/// Starts an application, or asks for its input first: that of its last run, as soon as it is read.
pub(super) fn prepare(state: &mut AppState, app: &AppInfo, env: &Env) -> Vec<Effect> {
    if app.params.is_empty() {
        return begin(state, Start::Run { app: app.name.clone(), input: None }, env);
    }
    state.overlay = Some(Overlay::Input(Form::new(app)));
    vec![Effect::LoadInput { app: app.name.clone() }]
}

/// Asks the engine to start.
pub(super) fn begin(state: &mut AppState, what: Start, env: &Env) -> Vec<Effect> {
    state.starting += 1;
    let sentence = match &what {
        Start::Run { app, .. } => format!("Starting {app} …"),
        Start::Replay { run, .. } => format!("Starting a replay of {} …", run.short()),
        Start::Fork(fork) => format!("Forking {} …", fork.run.short()),
        Start::Resample { count, .. } => {
            format!("Executing the call {} …", crate::base::text::count(u64::from(*count), "time"))
        }
        Start::Step { run, .. } => format!("Stepping through a replay of {} …", run.short()),
    };
    toast(state, Level::Info, sentence, env);
    vec![Effect::Start(what)]
}

fn stop(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let Some(run) = state.runs.selected.clone() else { return Vec::new() };
    let force = !state.runs.stopping.insert(run.clone());
    let sentence = if force {
        format!("Stopping run {} at once.", run.short())
    } else {
        let key = key(state, CommandId::Stop);
        format!("Stopping run {}: what executes may finish. {key} again stops at once.", run.short())
    };
    toast(state, Level::Info, sentence, env);
    vec![Effect::Stop { run, force }]
}

fn quit(state: &mut AppState, env: &Env) -> Vec<Effect> {
    let going = state.runs.local.len() as u64;
    if going > 0 && !state.quit_asked {
        state.quit_asked = true;
        let runs = text::count(going, "run");
        let key = key(state, CommandId::Quit);
        let sentence = format!("{runs} of this workbench still going. {key} again stops and leaves.");
        toast(state, Level::Warning, sentence, env);
        return Vec::new();
    }
    vec![Effect::Quit]
}
