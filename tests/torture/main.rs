//! Kills by acknowledgement, damaged files, lost power: short forms of what `docs/torture.md` tells at length.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking"
)]

#[cfg(target_os = "linux")]
mod below;
mod flips;
mod kills;
#[cfg(target_os = "linux")]
mod power;
#[path = "../support/mod.rs"]
mod support;

/// xorshift: the same choices on every machine.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let extra: u64 = std::env::var("SEED").map_or(0, |text| text.parse().expect("SEED is a number"));
        Random((0x9E37_79B9_7F4A_7C15 ^ seed).wrapping_add(extra.wrapping_mul(0x2545_F491_4F6C_DD1D)) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// How many trials: `$TRIALS`, or this many.
fn trials(usual: usize) -> usize {
    std::env::var("TRIALS").map_or(usual, |text| text.parse().expect("TRIALS is a number"))
}
