//! Between a run and who watches it.

use std::time::{Duration, Instant};

use super::local::Observer;
use crate::base::ids::RunId;
use crate::model::Event;

/// Between two reports to the observer: what a person sees as at once.
const OBSERVE_EVERY: Duration = Duration::from_millis(15);

/// Gathers events for the observer, which would otherwise be woken for each call.
pub struct Watched {
    run: RunId,
    observer: Option<Observer>,
    events: Vec<Event>,
    told: Instant,
}

impl Watched {
    /// Nothing was told yet.
    pub fn new(run: RunId, observer: Option<Observer>) -> Self {
        Watched { run, observer, events: Vec::new(), told: Instant::now() }
    }

    /// Events that happened.
    pub fn add(&mut self, events: &[Event]) {
        let Some(observer) = &mut self.observer else { return };
        if self.events.is_empty() && self.told.elapsed() >= OBSERVE_EVERY {
            observer(&self.run, events);
            self.told = Instant::now();
            return;
        }
        self.events.extend_from_slice(events);
        if self.told.elapsed() >= OBSERVE_EVERY {
            self.tell();
        }
    }

    /// Whether there is something that the observer does not know.
    pub fn waits(&self) -> bool {
        !self.events.is_empty()
    }

    /// How long that may wait.
    pub fn due(&self) -> Duration {
        OBSERVE_EVERY.saturating_sub(self.told.elapsed())
    }

    /// Tells what is not told.
    pub fn tell(&mut self) {
        if let Some(observer) = &mut self.observer
            && !self.events.is_empty()
        {
            observer(&self.run, &std::mem::take(&mut self.events));
        }
        self.told = Instant::now();
    }
}
