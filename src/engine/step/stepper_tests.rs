use super::*;
use crate::model::CallKind;
use crate::model::history::test_support::history;

fn run() -> RunHistory {
    history(&[
        ("app", 0, CallKind::Root, 1),
        ("plan", 1, CallKind::Call, 1),
        ("llm", 2, CallKind::Call, 1),
        ("book", 1, CallKind::Call, 1),
    ])
}

fn passing(run: &RunHistory, call: CallNo, moment: Moment) -> Passing<'_> {
    Passing { run, call, moment, executes: true, failed: false, effect: call == 4, now: 2_000_000 }
}

fn stops(stepper: &mut Stepper, moment: Moment) -> Vec<CallNo> {
    let run = run();
    (1..=4).filter(|call| stepper.stops(&passing(&run, *call, moment)).is_some()).collect()
}

fn with(goal: Goal) -> Stepper {
    Stepper::new(goal, vec![], Budget::default())
}

#[test]
fn goals_say_where_to_stop() {
    use Moment::{After, Before};
    assert_eq!(stops(&mut with(Goal::Into), Before), [1, 2, 3, 4]);
    assert_eq!(stops(&mut with(Goal::Past(2)), Before), [1, 4]);
    assert_eq!(stops(&mut with(Goal::At(3)), After), [3]);
    assert_eq!(stops(&mut with(Goal::To(Filter::parse("fn:llm").unwrap())), Before), [3]);
    assert_eq!(stops(&mut with(Goal::Next(Want::Effect)), Before), [4]);
    assert_eq!(stops(&mut with(Goal::Next(Want::Effect)), After), Vec::<CallNo>::new());
    assert_eq!(stops(&mut with(Goal::Continue), Before), Vec::<CallNo>::new());
}

#[test]
fn breakpoints_stop_whatever_the_goal_and_say_so() {
    let point = Breakpoint { filter: Filter::parse("fn:book").unwrap(), text: "fn:book".into() };
    let mut stepper = Stepper::new(Goal::Continue, vec![point], Budget::default());
    assert_eq!(stops(&mut stepper, Moment::Before), [4]);
    let run = run();
    assert_eq!(stepper.stops(&passing(&run, 4, Moment::Before)), Some(Some("fn:book".to_owned())));
}

#[test]
fn what_was_let_go_is_not_stopped_again() {
    let mut stepper = with(Goal::Into);
    stepper.let_call(2);
    stepper.let_function("book".into());
    assert_eq!(stops(&mut stepper, Moment::Before), [1]);
}

#[test]
fn each_limit_stops_once() {
    let budget = Budget { seconds: Some(1.5), ..Budget::default() };
    let mut stepper = Stepper::new(Goal::Continue, vec![], budget);
    assert_eq!(stops(&mut stepper, Moment::Before), [1]);
    let mut generous = Stepper::new(Goal::Continue, vec![], Budget { seconds: Some(3.0), ..budget });
    assert_eq!(stops(&mut generous, Moment::Before), Vec::<CallNo>::new());
}
