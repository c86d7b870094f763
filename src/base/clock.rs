//! Wall-clock and ids as a seam, so that tests are repeatable. The only place that reads the time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Microseconds since the Unix epoch.
pub type Micros = i64;

/// Where time and randomness come from.
pub trait Clock: Send + Sync {
    /// Now, in microseconds since the Unix epoch.
    fn now(&self) -> Micros;
    /// 64 random bits for a new id.
    fn random(&self) -> u64;
}

/// The machine's clock and the operating system's randomness.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        jiff::Timestamp::now().as_microsecond()
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        // RandomState is seeded by the operating system, and differs for each instance.
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    }
}

/// A clock for tests: starts at a fixed instant and advances one millisecond a reading.
#[derive(Debug)]
pub struct TestClock {
    now: AtomicI64,
    next: AtomicU64,
}

impl Default for TestClock {
    fn default() -> Self {
        TestClock { now: AtomicI64::new(1_700_000_000_000_000), next: AtomicU64::new(1) }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Micros {
        self.now.fetch_add(1_000, Ordering::Relaxed)
    }

    fn random(&self) -> u64 {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        u64::from_le_bytes(
            crate::base::digest::Digest::of(&n.to_le_bytes()).as_bytes()[..8].try_into().unwrap_or_default(),
        )
    }
}
