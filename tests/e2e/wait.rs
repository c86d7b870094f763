//! Waiting for a condition, with a reason and a bound. Nothing here waits for time to pass.

use std::path::Path;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; only failures get there.
pub const BOUND: Duration = Duration::from_secs(60);

/// Asks until there is an answer. Panics with the reason when there is none within the bound.
pub fn until<T>(reason: &str, bound: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + bound;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "waited {bound:?} for {reason}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Waits until a file exists.
pub fn for_file(path: &Path) {
    until(&format!("{} to appear", path.display()), BOUND, || path.exists().then_some(()));
}
