//! Why a decision must be durable: what a run decided and acted upon is what its replay goes on with.

mod support;

use support::Project;

const TRIP: &str = r#"
import random

@function()
def decide() -> float:
    return random.random()

@function(effect=True)
def book(destination: float) -> str:
    note("booked", destination)
    return f"ticket to {destination}"

@function()
def hotel(destination: float) -> str:
    if not healthy():
        raise RuntimeError("no rooms")
    return "room"

@application()
@function()
def app() -> float:
    destination = decide()
    book(destination)
    hotel(destination)
    return destination
"#;

#[test]
fn a_replay_never_takes_the_decisions_of_another_run() {
    let project = Project::app(TRIP);
    // An older run of the same application with the same input went well: its root would answer, too.
    project.heal();
    let other = project.run_ok(&[])["output"].clone();
    project.sicken();
    project.tl(&["run", "--json"]).exits(1);
    let booked = project.noted("booked");
    assert_eq!(booked.len(), 2);
    project.heal();
    let replayed = project.replay_ok(&[])["output"].clone();
    assert_ne!(replayed, other);
    assert_eq!(replayed.to_string(), booked[1]);
    assert_eq!(project.noted("booked"), booked, "nothing was booked again");
}
