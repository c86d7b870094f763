//! The workbench's state: everything that is shown, and nothing that is derived from the terminal but its size.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::clock::Micros;
use crate::base::digest::Digest;
use crate::base::ids::{CallNo, RunId};
use crate::model::filter::Filter;
use crate::model::fork::ForkPlan;
use crate::model::points::Point;
use crate::model::{Level, RunStatus};

use super::asof::AsOf;
use super::blast::{self, Blast};
use super::compare::{Compare, Held};
use super::editor::Editor;
use super::filtering::FilterLine;
use super::find::{Finder, Standing};
use super::form::Form;
use super::functions::TableView;
use super::gate::{FailLine, Gate, PointList, Rejected};
use super::inspect::Doc;
use super::keys::Key;
use super::layout::{Shares, Split, layout};
use super::messages::Messages;
use super::msg::{Ask, Fork, ProjectInfo, ValueView};
use super::openrun::OpenRun;
use super::palette::CommandList;
use super::persist::Saved;
use super::runs::RunList;
use super::search::Search;
use super::settings::Settings;
use super::tab::Tabs;
use super::timeline::View;
use super::tour::Tour;

pub use super::tab::Tab;

/// The panes, in the order of Tab.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pane {
    /// The list of runs.
    Runs,
    /// The tree of calls.
    #[default]
    Calls,
    /// What the selected call did.
    Inspector,
}

/// What the body of the window shows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Screen {
    /// Runs, calls and the inspector.
    #[default]
    Main,
    /// What needs a look.
    Problems,
    /// When the calls of the run waited and executed.
    Timeline,
    /// What edits mean for the run.
    Edits,
    /// The run by function.
    Functions,
    /// Words in all runs.
    Search,
    /// The run beside another one.
    Diff,
    /// What was spent and spared, day by day.
    Savings,
    /// What the workbench said.
    Messages,
}

impl Screen {
    /// Its name in headings.
    pub fn title(self) -> &'static str {
        match self {
            Screen::Main => "Runs, calls and the inspector",
            Screen::Problems => "Problems",
            Screen::Timeline => "Timeline",
            Screen::Edits => "What the edits cost",
            Screen::Functions => "Functions",
            Screen::Search => "Search",
            Screen::Diff => "Diff",
            Screen::Savings => "Savings",
            Screen::Messages => "Messages",
        }
    }
}

/// A sentence that is shown for a while.
#[derive(Clone, PartialEq, Debug)]
pub struct Toast {
    /// The sentence.
    pub text: String,
    /// How much it matters.
    pub level: Level,
    /// When it goes away; `None`: some time after the next key, so that whoever was away reads it.
    pub until: Option<Micros>,
    /// It answers a key, so it goes away with the next one.
    pub answers: bool,
}

/// Where the user is in a screen that is a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ListAt {
    /// The selected row.
    pub at: usize,
    /// First row shown.
    pub top: usize,
}

/// What can be taken back.
#[derive(Clone, PartialEq, Debug)]
pub enum Undo {
    /// A run was pinned, or no longer.
    Pin {
        /// The run.
        run: RunId,
        /// What it was before.
        pinned: bool,
    },
    /// A run was made by an edit: a fork, or answers at the gate.
    Edit {
        /// The run.
        run: RunId,
    },
    /// A run was deleted.
    Delete {
        /// The run.
        run: RunId,
    },
}

/// Keys that were pressed and begin a sequence.
#[derive(Clone, PartialEq, Debug)]
pub struct Pending {
    /// The keys so far.
    pub keys: Vec<Key>,
    /// When the first was pressed.
    pub since: Micros,
}

/// How long a sequence may stay unfinished before the keys that can follow are shown.
pub const WHICH_KEY: Micros = 300_000;

/// What lies over the panes and gets the keys.
#[derive(Clone, PartialEq, Debug)]
pub enum Overlay {
    /// Commands to choose from.
    Commands(CommandList),
    /// Which theme.
    Themes {
        /// The row.
        at: usize,
        /// The theme that was chosen before.
        before: Option<String>,
    },
    /// Which application to run.
    ChooseApp {
        /// The row.
        at: usize,
    },
    /// The filter of the tree.
    Filter(FilterLine),
    /// The input of a new run.
    Input(Form),
    /// What to look for in all runs; the line is [`super::find::Finder::editor`].
    Find,
    /// What to look for in the inspector.
    Search {
        /// The text.
        editor: Editor,
        /// Where the text was when it began.
        from: usize,
    },
    /// The project's breakpoints.
    Points(PointList),
    /// How the call at the gate is to fail.
    Fail(FailLine),
    /// Up to which call the run goes.
    RunTo {
        /// A filter.
        editor: Editor,
        /// What is wrong with it.
        problem: Option<String>,
    },
    /// The output of the call at the gate, as an expression.
    Expression(super::frames::ExprLine),
    /// The variables of its callers.
    Frames(Box<super::frames::FrameList>),
    /// How often the selected call is to be executed.
    Resample(super::fork::HowOften),
    /// A fork and what it would do.
    Fork {
        /// The fork.
        fork: Box<Fork>,
        /// What it would do.
        plan: Box<ForkPlan>,
    },
    /// What was edited cannot be taken; it is kept until somebody decides.
    Rejected(Rejected),
    /// Places that are not to count for good, or again.
    Rules(super::compare::Rules),
    /// A file to write what the inspector shows into.
    SaveAs {
        /// Its name.
        editor: Editor,
    },
}

/// A value's text as far as it is known.
#[derive(Clone, PartialEq, Debug)]
pub enum ValueState {
    /// Asked for.
    Loading,
    /// Here.
    Ready(Arc<ValueView>),
    /// Could not be read.
    Failed(String),
}

/// A value, what was asked of it, and what came.
#[derive(Clone, PartialEq, Debug)]
pub struct HeldValue {
    /// What is wanted.
    pub ask: Ask,
    /// Whether an answer to that is under way.
    pub asked: bool,
    /// What is here.
    pub state: ValueState,
    /// Changes with every answer.
    pub answer: u64,
    /// Asking for more brought no more.
    pub stuck: bool,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The project.
    pub project: ProjectInfo,
    /// The list of runs.
    pub runs: RunList,
    /// Runs whose history is here.
    pub open: HashMap<RunId, OpenRun>,
    /// Runs whose history was asked for, with the question's generation.
    pub opening: HashMap<RunId, u64>,
    /// Foreign runs whose new events were asked for.
    pub tailing: HashMap<RunId, u64>,
    /// Runs that could not be read, with the reason.
    pub unreadable: HashMap<RunId, String>,
    /// Runs of this process that are stepped through.
    pub stepping: HashMap<RunId, Gate>,
    /// The time line of the selected run.
    pub as_of: Option<AsOf>,
    /// What is kept for forks.
    pub forking: super::fork::Forking,
    /// The project's breakpoints.
    pub points: Vec<Point>,
    /// What the body shows.
    pub screen: Screen,
    /// The list of a screen that is one: selection and scroll position.
    pub list: ListAt,
    /// What is seen of the timeline.
    pub timeline: View,
    /// Full-text search.
    pub finder: Finder,
    /// What is seen of the table of functions.
    pub table: TableView,
    /// The run beside another one.
    pub compare: Compare,
    /// The pane that gets the keys.
    pub focus: Pane,
    /// How the panes share the room.
    pub shares: Shares,
    /// The border that the mouse holds.
    pub dragged: Option<Split>,
    /// Whether the mouse is used, when it was decided here.
    pub mouse: Option<bool>,
    /// Where the user was when the workbench was left; taken up when the runs are known.
    pub saved: Option<Saved>,
    /// The focused pane has the whole body.
    pub zoom: bool,
    /// The tab that the user likes.
    pub tab: Tab,
    /// The tab that the user chose for one call.
    pub picked: Option<(RunId, CallNo, Tab)>,
    /// The inspector's text.
    pub doc: Doc,
    /// First line of it that is shown.
    pub doc_top: usize,
    /// The line of it that is selected, where lines can be unfolded.
    pub doc_at: usize,
    /// The wheel moved the text; it stays there until the selected line changes from this.
    pub doc_wheeled: Option<usize>,
    /// What is looked for in it.
    pub search: Search,
    /// Texts of values.
    pub values: HashMap<Digest, HeldValue>,
    /// The values' digests, oldest first.
    pub value_order: Vec<Digest>,
    /// Tabs that are loaded.
    pub tabs: Tabs,
    /// Whether the sides of a diff stand beside each other, when it was decided here.
    pub side_by_side: Option<bool>,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
    /// Keys that begin a sequence.
    pub pending: Option<Pending>,
    /// The filter of the tree as it was typed; empty: none.
    pub filter: String,
    /// What it means.
    pub meaning: Option<Filter>,
    /// Look and keys.
    pub settings: Settings,
    /// The theme that was chosen here; it counts before the settings.
    pub theme: Option<String>,
    /// A passing sentence.
    pub toast: Option<Toast>,
    /// Those that passed.
    pub messages: Messages,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What can be taken back, the last at the end.
    pub undo: Vec<Undo>,
    /// What edits mean for the selected run.
    pub blast: Blast,
    /// Whether the terminal has the colours for pictures.
    pub pictures: bool,
    /// The tour, when there is one.
    pub tour: Option<Tour>,
    /// Starts that were asked for and not answered.
    pub starting: usize,
    /// The user pressed q while a run of this process goes on.
    pub quit_asked: bool,
    /// Numbers the questions.
    pub generation: u64,
    /// The latest question for the list of runs, while it is open.
    pub runs_asked: Option<u64>,
    /// The list changed again while it was being read.
    pub runs_again: bool,
    /// Runs started here whose first events have not come.
    pub expected: HashSet<RunId>,
    /// The call to select as soon as its run is read.
    pub wanted_call: Option<(RunId, CallNo)>,
}

impl AppState {
    /// The state at the start, before anything was read.
    pub fn new(project: ProjectInfo, size: (u16, u16)) -> Self {
        AppState {
            project,
            runs: RunList::default(),
            open: HashMap::new(),
            opening: HashMap::new(),
            tailing: HashMap::new(),
            unreadable: HashMap::new(),
            stepping: HashMap::new(),
            as_of: None,
            forking: Default::default(),
            points: Vec::new(),
            screen: Screen::default(),
            list: ListAt::default(),
            timeline: View::default(),
            table: TableView::default(),
            compare: Compare::default(),
            finder: Finder::default(),
            focus: Pane::default(),
            shares: Shares::default(),
            dragged: None,
            mouse: None,
            saved: None,
            zoom: false,
            tab: Tab::default(),
            picked: None,
            doc: Doc::default(),
            doc_top: 0,
            doc_at: 0,
            doc_wheeled: None,
            search: Search::default(),
            values: HashMap::new(),
            value_order: Vec::new(),
            tabs: Tabs::default(),
            side_by_side: None,
            overlay: None,
            pending: None,
            filter: String::new(),
            meaning: None,
            settings: Settings::default(),
            theme: None,
            toast: None,
            messages: Messages::default(),
            size,
            undo: Vec::new(),
            blast: Blast::default(),
            pictures: false,
            tour: None,
            starting: 0,
            quit_asked: false,
            generation: 0,
            runs_asked: None,
            runs_again: false,
            expected: HashSet::new(),
            wanted_call: None,
        }
    }

    /// The run that is shown, when its history is here; on the time line as it was then.
    pub fn current(&self) -> Option<&OpenRun> {
        self.then().or_else(|| self.open.get(self.runs.selected.as_ref()?))
    }

    /// The run that is shown, to change where the user is in it.
    pub fn current_mut(&mut self) -> Option<&mut OpenRun> {
        if self.then().is_some() {
            return self.as_of.as_mut()?.open.as_deref_mut();
        }
        self.open.get_mut(self.runs.selected.as_ref()?)
    }

    /// Whether the mouse is used.
    pub fn uses_mouse(&self) -> bool {
        self.mouse.unwrap_or(self.settings.mouse)
    }

    /// What is wrong with the project and with the settings, one sentence each.
    pub fn problems(&self) -> impl Iterator<Item = &String> {
        let settings = self.settings.problems.iter().chain(&self.settings.theme_problems);
        self.project.problems.iter().chain(blast::problems(self)).chain(settings)
    }

    /// Whether the run that is shown executes now.
    pub fn current_runs(&self) -> bool {
        self.runs.current().is_some_and(|run| run.status == RunStatus::Running)
    }

    /// Whether what is shown is still being read.
    pub fn is_reading(&self) -> bool {
        let readable = |run: &RunId| !self.unreadable.contains_key(run);
        let opening = self.current().is_none() && self.runs.selected.as_ref().is_some_and(readable);
        let value = self
            .current()
            .and_then(|open| open.call())
            .and_then(|call| crate::app::inspect::shown_value(self, call, self.effective_tab()));
        let asked = value.and_then(|value| self.values.get(&value.digest)).is_some_and(|held| held.asked);
        let looking = self.screen == Screen::Search && self.finder.standing == Standing::Looking;
        let comparing = self.screen == Screen::Diff && matches!(self.compare.held, Held::Loading);
        !self.runs.loaded || opening || asked || self.tabs.is_asked() || looking || comparing
    }

    /// The inspector's tab: what was chosen for this call, else its error, else what the user likes.
    pub fn effective_tab(&self) -> Tab {
        let Some(open) = self.current() else { return self.tab };
        match &self.picked {
            Some((run, no, tab)) if *run == open.history.id && *no == open.selected => *tab,
            _ if self.waits(open.selected) => self.gate_tab(open.selected),
            _ if open.call().is_some_and(|call| call.error.is_some()) => Tab::Attempts,
            _ => self.tab,
        }
    }

    /// When something on the screen changes by itself: a spinner, a toast's end. `None`: never.
    pub fn next_wake(&self, now: Micros) -> Option<Micros> {
        const SPIN: Micros = 125_000;
        let moving = self.current_runs() && !self.is_paused() || self.running_row_shown();
        let spin = moving.then_some(now - now.rem_euclid(SPIN) + SPIN);
        let toast = self.toast.as_ref().and_then(|toast| toast.until);
        let which_key = self.pending.as_ref().map(|pending| pending.since + WHICH_KEY).filter(|at| *at > now);
        spin.into_iter().chain(toast).chain(which_key).min()
    }

    fn running_row_shown(&self) -> bool {
        let height = layout(self).runs.map_or(0, |area| usize::from(area.below_title().h));
        let shown = self.runs.items.iter().skip(self.runs.top).take(height);
        shown.into_iter().any(|run| run.status == RunStatus::Running && !self.paused(&run.id))
    }

    /// A number for a new question.
    pub fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }
}
