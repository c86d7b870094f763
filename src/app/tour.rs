//! A guided tour: hints that wait for the user to do what they say.

use super::state::AppState;

/// One hint.
#[derive(Clone, Debug)]
pub struct TourStep {
    /// What to do, one sentence.
    pub text: String,
    /// Whether it is done.
    pub done_when: fn(&AppState) -> bool,
}

/// Hints in order; the first that is not done is shown.
#[derive(Clone, Debug, Default)]
pub struct Tour {
    /// All hints.
    pub steps: Vec<TourStep>,
    /// How many are done.
    pub at: usize,
}

impl Tour {
    /// A tour at its start.
    pub fn new(steps: Vec<TourStep>) -> Self {
        Tour { steps, at: 0 }
    }

    /// The hint to show: `2/5 press R to replay what failed`.
    pub fn hint(&self) -> Option<String> {
        let step = self.steps.get(self.at)?;
        Some(format!("{}/{}  {}", self.at + 1, self.steps.len(), step.text))
    }
}

/// Moves on past every hint that is done. A hint once done stays done.
pub fn advance(state: &mut AppState) {
    let Some(mut tour) = state.tour.take() else { return };
    while tour.steps.get(tour.at).is_some_and(|step| (step.done_when)(state)) {
        tour.at += 1;
    }
    state.tour = Some(tour);
}
