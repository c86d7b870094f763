//! The table itself. Order is that of the help and of the bottom line.

use crate::app::state::{Pane, Screen};

use super::enabled::*;
use super::{Command, Scope};

/// Names of the keys that begin a sequence.
pub const PREFIXES: &[(&str, &str)] = &[
    ("L", "Let go"),
    ("N", "On to the next"),
    ("a", "Replay, pin"),
    ("g", "Go to"),
    ("y", "Copy"),
    ("z", "Folds and panes"),
];

const RUNS: Scope = Scope::Pane(Pane::Runs);
const CALLS: Scope = Scope::Pane(Pane::Calls);
const TIMELINE: Scope = Scope::Screen(Screen::Timeline);
const FUNCTIONS: Scope = Scope::Screen(Screen::Functions);
const DIFF: Scope = Scope::Screen(Screen::Diff);
const FIND: Scope = Scope::Screen(Screen::Search);
const PROBLEMS: Scope = Scope::Screen(Screen::Problems);
const EDITS: Scope = Scope::Screen(Screen::Edits);
const MESSAGES: Scope = Scope::Screen(Screen::Messages);
const INSPECTOR: Scope = Scope::Pane(Pane::Inspector);

macro_rules! commands {
    ($($id:ident $name:literal $scope:ident, $keys:expr, $hint:literal, $enabled:expr, $doc:literal;)*) => {
        /// Names of the commands.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[allow(missing_docs)] // Each is described by its row in the table.
        pub enum CommandId { $($id),* }

        /// Every command.
        pub const COMMANDS: &[Command] = &[$(Command {
            id: CommandId::$id, name: $name, doc: $doc, keys: &$keys, scope: $scope, hint: $hint, enabled: $enabled,
        }),*];
    };
}

use Scope::{Gate, Global, TimeLine};

commands! {
    Open "open" Global, ["enter"], "inspect", can_open,
        "Go from the run to its calls, from the call to its inspector, and there to one pane and back.";
    Run "run" Global, ["r"], "run", can_run,
        "Start a new run of an application; nothing is reused.";
    Replay "replay" Global, ["R"], "replay", can_replay,
        "Replay the selected run: serve what still holds, retry what failed, execute what changed.";
    Step "step" Global, ["s"], "step", can_replay,
        "Step through a replay of the selected run: it stops before each call and after each body.";
    StepHere "step-here" CALLS, ["S"], "", can_step_here,
        "Replay the run and stop before the selected call.";
    Points "breakpoints" Global, ["B"], "", always,
        "List the breakpoints of the project; add, switch and delete them.";
    PointHere "breakpoint-here" CALLS, ["b"], "", has_calls,
        "Stop whenever the function of the selected call is called, or no longer.";
    Fork "fork" Global, ["f"], "fork", can_fork,
        "Edit the output of the selected call in $EDITOR, see what follows from it, and replay with it.";
    ForkInput "fork-input" Global, ["a i"], "", can_fork_input,
        "Edit the arguments of the selected call in $EDITOR, see what follows from it, and replay with them.";
    MarkOutput "mark-output" Global, ["a m"], "", can_mark,
        "Mark the output of the selected call, to be taken into a call of another run.";
    TakeOutput "take-output" Global, ["a t"], "", can_take,
        "Fork with an output that was recorded elsewhere: the marked one for the selected call, or of a sample for the call it is a sample of.";
    Resample "resample" Global, ["a x"], "", can_resample,
        "Execute the selected call several times and keep the outcomes side by side; nothing else of the run executes.";
    ReplayFrom "replay-from" CALLS, ["a c"], "", can_replay,
        "Replay the run; the selected call and what was asked for after it are executed.";
    ReplayStrict "replay-strict" Global, ["a s"], "", can_replay,
        "Replay by position: the run must ask for the recorded calls in their order, or it stops.";
    ReplayFresh "replay-fresh" Global, ["a f"], "", can_replay,
        "Run again with the same input; nothing is reused.";
    AutoReplay "auto-replay" Global, ["a a"], "", always,
        "Replay the selected run on each save that invalidates something: what says effect=False; also what does not say; or no longer.";
    Pin "pin" Global, ["a p"], "", has_run, "Keep the selected run whatever is deleted, or no longer.";
    Delete "delete-run" RUNS, ["delete", "D"], "delete", can_delete,
        "Delete the selected run when the workbench is left; until then it can be brought back.";
    Undo "undo" Global, ["u"], "undo", can_undo, "Take back what was deleted, pinned or edited last; the run that an edit made goes with it.";
    Edit "edit-source" Global, ["e"], "edit", has_source,
        "Open $EDITOR at the selected line's place, else where the call failed, else where it was called.";
    CopyValue "copy-value" Global, ["y y"], "", has_calls, "Copy what the inspector shows.";
    CopyPath "copy-path" Global, ["y p"], "", has_calls, "Copy the path of the selected call.";
    CopyId "copy-id" Global, ["y i"], "", has_run, "Copy the id of the selected call, or of the run in the list of runs.";
    CopyCommand "copy-command" Global, ["y c"], "", always, "Copy the command line that gives what is on the screen.";
    Page "page-value" Global, ["v"], "", has_calls, "Show what the inspector shows in $PAGER.";
    SaveValue "save-value" Global, ["y f"], "", has_calls, "Write what the inspector shows into a new file.";
    OpenValue "open-externally" Global, ["O"], "", can_open_value,
        "Let another program open what the inspector shows, or the selected part of it: $TL_BENCH_OPEN, else the desktop's.";
    Stop "stop" Global, ["x"], "stop", can_stop,
        "Stop the selected run; pressed again, without waiting for what executes.";
    NextFailed "next-failed" Global, ["n"], "failures", has_failed,
        "Select the next failed call, also inside folded rows.";
    PrevFailed "previous-failed" Global, ["N", "p"], "", has_failed,
        "Select the previous failed call.";
    Filter "filter" Global, ["/"], "filter", has_calls,
        "Show only the calls that an expression means: failed, fn:call_llm, cost>0.01, out~refund.";
    ClearFilter "clear-filter" Global, [], "", has_filter, "Show all calls again.";
    Follow "follow" Global, ["F"], "follow", has_calls,
        "Let the selection go along with what starts; moving the selection ends it.";
    ToggleFold "toggle-fold" CALLS, ["space", "z a"], "fold", can_fold,
        "Fold or unfold what lies below the call.";
    Fold "fold" CALLS, ["left", "h"], "", has_calls,
        "Fold the call, or go to the call above it.";
    Unfold "unfold" CALLS, ["right", "l"], "", has_calls,
        "Unfold the call, or go to the first call below it.";
    PrevTab "previous-tab" INSPECTOR, ["left", "h"], "", has_calls,
        "Show the tab to the left.";
    NextTab "next-tab" INSPECTOR, ["right", "l"], "tab", has_calls,
        "Show the tab to the right.";
    ToggleValue "toggle-value" INSPECTOR, ["space"], "unfold", has_places,
        "Fold or unfold what the selected line stands for.";
    GoThere "go-there" INSPECTOR, ["enter"], "go there", has_target,
        "Go to what the selected line stands for: a place in the source, or a call of a run.";
    SideBySide "side-by-side" INSPECTOR, ["u"], "", has_diff,
        "Show a diff with both sides beside each other, or below each other.";
    OtherLook "other-look" INSPECTOR, ["o"], "", has_calls,
        "Show the value as a tree, or again as the conversation, table, text or bytes that it is.";
    Search "search" INSPECTOR, ["/"], "search", has_calls, "Look for a text in what the inspector shows.";
    SearchNext "search-next" INSPECTOR, ["n"], "", has_search, "Go to the next line that holds what was looked for.";
    SearchPrev "search-previous" INSPECTOR, ["N"], "", has_search,
        "Go to the previous line that holds what was looked for.";
    CycleTab "cycle-tab" Global, ["t"], "", has_calls,
        "Show the inspector's next tab.";
    Up "up" Global, ["up", "k"], "", always, "Go up.";
    Down "down" Global, ["down", "j"], "", always, "Go down.";
    PageUp "page-up" Global, ["pgup", "ctrl-b", "ctrl-u"], "", always, "Go up a page.";
    PageDown "page-down" Global, ["pgdn", "ctrl-f", "ctrl-d"], "", always, "Go down a page.";
    Top "top" Global, ["home", "g g"], "", always, "Go to the first row.";
    Bottom "bottom" Global, ["end", "G", "g e"], "", always, "Go to the last row.";
    NextPane "next-pane" Global, ["tab"], "pane", always,
        "Go to the next pane: runs, calls, inspector.";
    PrevPane "previous-pane" Global, ["shift-tab"], "", always, "Go to the previous pane.";
    GoRuns "go-runs" Global, ["g r"], "", always, "Go to the list of runs.";
    GoCalls "go-calls" Global, ["g c"], "", always, "Go to the tree of calls.";
    GoInspector "go-inspector" Global, ["g i"], "", always, "Go to the inspector.";
    GoVariance "variance" Global, ["g v"], "", has_calls,
        "Show how much the answers to the selected call's question differ, over runs and samples.";
    GoProblems "problems" Global, ["g p"], "", always,
        "Show what needs a look: syntax errors, settings, divergences, calls in doubt.";
    GoTimeline "timeline" Global, ["g t"], "", has_calls,
        "Show when the calls of the run waited and executed, and which of them decided how long it took.";
    AsOf "as-of" Global, ["T"], "", can_go_back_in_time,
        "Go along the events of the selected run and see it as it was after each; nothing is executed.";
    TimelineOpen "timeline-open" TIMELINE, ["enter"], "to the call", has_calls, "Go to the selected call in the tree.";
    TimelinePrev "timeline-previous" TIMELINE, ["left", "h"], "", has_calls, "Go to the bar before in this lane.";
    TimelineNext "timeline-next" TIMELINE, ["right", "l"], "", has_calls, "Go to the bar after in this lane.";
    CriticalNext "critical-next" TIMELINE, ["c"], "critical path", has_calls,
        "Go to the next call on the critical path: those that decided when the run ended.";
    CriticalPrev "critical-previous" TIMELINE, ["C"], "", has_calls, "Go to the previous call on the critical path.";
    ZoomIn "zoom-in" TIMELINE, ["+"], "closer", has_calls, "Show a shorter part of the run, about the selected bar.";
    ZoomOut "zoom-out" TIMELINE, ["-"], "wider", has_calls, "Show a longer part of the run.";
    ZoomAll "zoom-all" TIMELINE, ["0", "="], "all", is_zoomed, "Show the whole run.";
    PanLeft "pan-earlier" TIMELINE, ["<", "ctrl-left"], "", is_zoomed, "Show an earlier part of the run.";
    PanRight "pan-later" TIMELINE, [">", "ctrl-right"], "", is_zoomed, "Show a later part of the run.";
    GoEdits "edits" Global, ["g b"], "", has_run,
        "Show the blast radius of the edits: what changed since the run, which calls are invalid, and why.";
    EditOpen "open-edit" EDITS, ["enter"], "go there", has_edits, "Go to the call that the row is about, or to its place in the source.";
    GoFunctions "functions" Global, ["g f"], "", has_calls,
        "Show the run by function: calls by status, how long they took, tokens and cost.";
    CellOpen "filter-by-cell" FUNCTIONS, ["enter"], "these calls", has_calls,
        "Show only the calls in the tree that the selected cell counts.";
    CellLeft "cell-left" FUNCTIONS, ["left", "h"], "", has_calls, "Go to the cell to the left.";
    CellRight "cell-right" FUNCTIONS, ["right", "l"], "", has_calls, "Go to the cell to the right.";
    SortTable "sort-by-column" FUNCTIONS, ["o"], "most first", has_calls,
        "Put the function with the most of the selected column first; again: in the order of first calls.";
    GoSearch "search-all-runs" Global, ["g s"], "", always,
        "Look for words in the inputs, outputs, logs and errors of all runs.";
    FindOpen "found-open" FIND, ["enter"], "to the call", has_found, "Go to the call that has the selected text, in whichever run.";
    FindEdit "found-edit" FIND, ["/", "i"], "words", always, "Change what is looked for.";
    FindField "found-field" FIND, ["tab"], "where", always, "Look everywhere, or only in inputs, outputs, logs or errors.";
    FindHere "found-here" FIND, ["ctrl-r"], "this run", always, "Look only in the open run, or again in all runs.";
    FindClear "found-clear" FIND, ["ctrl-u"], "", always, "Empty the line.";
    FoldedRuns "folded-runs" RUNS, ["A"], "", can_unfold_runs,
        "List the runs that were left by stepping back, too, or no longer.";
    MarkRun "mark-run" RUNS, ["M"], "", has_run,
        "Mark the selected run: others are compared with it, not with the runs that they replay.";
    GoDiff "diff" Global, ["g d", "d"], "", has_run,
        "Compare the selected run with the marked one, else with the one that it replays, else with the one before it.";
    DiffOpen "diff-open" DIFF, ["enter"], "to the call", has_pair, "Go to the selected call in the tree of its run.";
    DiffNext "next-difference" DIFF, ["n"], "next", has_pair, "Go to the next call that differs.";
    DiffPrev "previous-difference" DIFF, ["N", "p"], "", has_pair, "Go to the previous call that differs.";
    DiffFirst "first-difference" DIFF, ["1"], "first", has_pair, "Go to where the runs part.";
    DiffCauses "diff-causes" DIFF, ["c"], "causes", has_pair, "Show only calls that explain differences, or again all that differ.";
    DiffAll "diff-all" DIFF, ["o"], "all", has_pair, "Show all calls, or again only those that differ.";
    DiffSides "diff-sides" DIFF, ["u"], "sides", has_pair, "Show both sides beside each other, or below each other.";
    DiffWrap "diff-wrap" DIFF, ["w"], "", has_pair, "Cut long lines, or wrap them.";
    DiffPane "diff-pane" DIFF, ["tab", "shift-tab"], "read", has_pair, "Move in what differs inside the call, or again in the tree.";
    DiffIgnore "ignore-place" DIFF, ["i"], "ignore", has_pair, "Ignore the place of the selected line in this view; on the line that tells what is hidden: count it again.";
    DiffKeep "keep-ignored" DIFF, ["W"], "keep", has_ignored, "Write what this view ignores into tl-bench.toml, for every comparison of the project.";
    DiffIgnored "count-ignored" DIFF, ["I"], "", has_pair, "Count all places, or again all but the ignored ones.";
    DiffCopy "copy-patch" DIFF, ["y y", "y d"], "", has_pair, "Copy what differs inside the call as a patch.";
    GoSavings "savings" Global, ["g l"], "", always,
        "Show what the project's runs spent and what reuse spared, day by day.";
    GoMessages "messages" Global, ["g m"], "", always,
        "Show what the workbench said: the last messages in full, errors longest.";
    MessagesPage "page-messages" MESSAGES, ["enter", "v"], "all in $PAGER", always, "Show all messages in $PAGER.";
    MessageCopy "copy-message" MESSAGES, ["y y"], "copy", always, "Copy the selected message.";
    ProblemOpen "open-problem" PROBLEMS, ["enter"], "go there", has_problems,
        "Go to the call that the problem is about, or to its place in the source.";
    Zoom "zoom" Global, ["Z", "z z"], "", has_panes, "Give the focused pane the whole window, or all panes their room again.";
    Wider "wider" Global, [">", "ctrl-right"], "", has_panes, "Give the focused pane more columns.";
    Narrower "narrower" Global, ["<", "ctrl-left"], "", has_panes, "Give the focused pane fewer columns.";
    Taller "taller" Global, ["+", "ctrl-down"], "", is_stacked, "Give the focused pane more rows.";
    Flatter "flatter" Global, ["-", "ctrl-up"], "", is_stacked, "Give the focused pane fewer rows.";
    EvenPanes "reset-panes" Global, ["z ="], "", has_panes, "Give all panes their first sizes again.";
    FoldAll "fold-all" Global, ["z m", "z 1"], "", has_calls, "Fold everything below the calls that the application makes.";
    FoldTwo "fold-two" Global, ["z 2"], "", has_calls, "Show two levels of calls.";
    FoldThree "fold-three" Global, ["z 3"], "", has_calls, "Show three levels of calls.";
    UnfoldAll "unfold-all" Global, ["z r"], "", has_calls, "Unfold everything, items of maps as well.";
    Mouse "toggle-mouse" Global, ["m"], "", always,
        "Use the mouse, or leave it to the terminal, which then selects text with it.";
    Back "back" Global, ["esc", "backspace"], "", always,
        "Go back: from one pane to all, from the inspector to the calls, from there to the runs.";
    Palette "palette" Global, [":", "ctrl-p"], "commands", always,
        "Find a command by its name or what it does, and execute it.";
    Theme "choose-theme" Global, [], "", always,
        "Choose the colours; each theme is shown while it is selected.";
    Help "help" Global, ["?", "f1"], "help", always, "Show what every key does here.";
    Repaint "repaint" Global, ["ctrl-l"], "", always, "Draw the screen anew.";
    Suspend "suspend" Global, ["ctrl-z"], "", always,
        "Go back to the shell; `fg` returns. Runs go on meanwhile only as far as the shell lets them.";
    Quit "quit" Global, ["q", "ctrl-c"], "quit", always,
        "Leave. Runs of this workbench are stopped; it asks first.";
    AsOfPrev "event-earlier" TimeLine, ["left", "h"], "earlier", is_as_of, "Show the run as it was one event earlier.";
    AsOfNext "event-later" TimeLine, ["right", "l"], "later", is_as_of, "Show the run as it was one event later.";
    AsOfBack "events-earlier" TimeLine, ["<"], "10 earlier", is_as_of, "Go ten events back.";
    AsOfForward "events-later" TimeLine, [">"], "10 later", is_as_of, "Go ten events on.";
    AsOfFirst "first-event" TimeLine, ["home"], "", is_as_of, "Go to the first event.";
    AsOfLast "last-event" TimeLine, ["end"], "", is_as_of, "Go to the last event.";
    AsOfNextFailed "failure-later" TimeLine, ["n"], "failure", is_as_of, "Go on to the next event that is a failure.";
    AsOfPrevFailed "failure-earlier" TimeLine, ["N", "p"], "", is_as_of, "Go back to the failure before.";
    AsOfNextEnded "end-later" TimeLine, ["c"], "call ended", is_as_of, "Go on to where the next call ended.";
    AsOfPrevEnded "end-earlier" TimeLine, ["C"], "", is_as_of, "Go back to where the call before ended.";
    AsOfLeave "leave-time-line" TimeLine, ["esc"], "leave", is_as_of, "Show the run as it is again.";
    GateGo "gate-go" Gate, ["enter"], "go on", is_asked,
        "Let the call at the gate go on as the line above the panes says, and stop at the next one.";
    GateAnswer "gate-answer" Gate, ["a"], "answer", is_asked,
        "Write the call's output by hand in $EDITOR; after its body, change what it returned.";
    GateExpression "gate-expression" Gate, ["="], "expression", is_asked,
        "Write the call's output as a Python expression, evaluated in a worker: {**output, \"answer\": \"Japan\"}.";
    GateFrames "gate-frames" Gate, ["V"], "variables", is_asked,
        "Show the Python frames that wait for the call, with what their names stand for.";
    GateArguments "gate-arguments" Gate, ["i"], "arguments", is_before,
        "Edit the call's arguments in $EDITOR; then it is asked about again.";
    GateRetry "gate-retry" Gate, ["r"], "retry", is_after,
        "Execute the body once more; what came out is thrown away.";
    GateFail "gate-fail" Gate, ["!"], "fail", is_asked, "Make the call fail, in a way that can be chosen.";
    GateExecute "gate-execute" Gate, ["X"], "fresh", can_execute,
        "Execute the body, although a checkpoint would be served.";
    GateKeep "gate-keep" Gate, ["K"], "keep", can_keep,
        "Serve what is recorded: an effect is not repeated.";
    GateInto "gate-into" Gate, ["t"], "into", is_asked,
        "Go on to the next call or outcome, also inside a call that would be served.";
    GateOver "gate-over" Gate, ["n"], "over", is_asked,
        "Let the call and all below it go, and stop behind it.";
    GateOut "gate-out" Gate, ["o"], "out", is_asked, "Let the caller go on to its end, and stop behind it.";
    GateBack "gate-back" Gate, ["p"], "back", can_step_back,
        "Go back to the selected call when it is an earlier one, else to the call before.";
    GateContinue "gate-continue" Gate, ["c"], "continue", is_stepped, "Go on to the next breakpoint, or to the end.";
    GateTo "gate-to" Gate, ["T"], "", is_stepped, "Go on to the next call that an expression means: fn:call_llm, cost>0.01.";
    GateNextFresh "gate-next-fresh" Gate, ["N f"], "", is_stepped, "Go on to the next call that would execute.";
    GateNextFailed "gate-next-failed" Gate, ["N x"], "", is_stepped, "Go on to the next body that fails.";
    GateNextEffect "gate-next-effect" Gate, ["N e"], "", is_stepped,
        "Go on to the next call that would act on the world.";
    GateLetCall "gate-let-call" Gate, ["L c"], "", is_asked,
        "Let the call at the gate and all below it go, and never stop there again.";
    GateLetFunction "gate-let-function" Gate, ["L f"], "", is_asked,
        "Let every call of this function go, and never stop at one again.";
    GatePause "gate-pause" Gate, ["P"], "pause", can_pause, "Stop at the next call.";
    GateDetach "gate-detach" Gate, ["C"], "", is_stepped,
        "Go on to the end without stopping. What acts on the world again ends the run.";
}
