//! Which process executes a run, and whether it still lives.
//!
//! A process is known by its number, its start time (numbers are reused), the boot of the machine, and the
//! process namespace (numbers mean nothing in another container). Where one of these cannot be read the rest
//! decides; across namespaces only the heartbeat can.

use serde::{Deserialize, Serialize};

use super::chain::{Link, START};
use crate::base::clock::Micros;

/// A heartbeat older than this (microseconds) belongs to a dead process, where nothing better is known.
const STALE: Micros = 60_000_000;

/// A process, in a way that outlives it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Owner {
    /// The boot of the machine; empty when unknown.
    pub boot: String,
    /// The process namespace; empty when unknown.
    pub space: String,
    /// The process's number.
    pub pid: u32,
    /// Its start time in ticks since boot; 0 when unknown.
    pub start: u64,
}

impl Owner {
    /// This process.
    pub fn me() -> Self {
        let pid = std::process::id();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let space = std::fs::read_link("/proc/self/ns/pid")
            .map(|link| link.to_string_lossy().into_owned())
            .unwrap_or_default();
        Owner { boot: boot.trim().to_owned(), space, pid, start: started(pid).unwrap_or(0) }
    }

    /// Digest of the boot, for `heads`.
    pub(super) fn boot_link(&self) -> Link {
        let mut out = START;
        out.copy_from_slice(&blake3::hash(self.boot.as_bytes()).as_bytes()[..16]);
        out
    }

    /// Whether that process lives; `beat` is its last sign of life.
    pub fn is_alive(&self, me: &Owner, beat: Micros, now: Micros) -> bool {
        if self == me {
            return true;
        }
        if self.pid == 0 {
            return false;
        }
        if !self.boot.is_empty() && !me.boot.is_empty() && self.boot != me.boot {
            return false;
        }
        if self.space != me.space {
            return now.saturating_sub(beat) < STALE;
        }
        match started(self.pid) {
            Some(start) => self.start == 0 || start == self.start,
            None if std::path::Path::new("/proc/self/stat").exists() => false,
            None => exists(self.pid),
        }
    }
}

/// Start time of a living process, from its `stat` (Linux). A zombie does not live.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; fields are counted after the last one.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Whether a signal could be sent to it: all that is known without `/proc`.
fn exists(pid: u32) -> bool {
    let Ok(pid) = i32::try_from(pid) else { return false };
    !matches!(nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None), Err(nix::errno::Errno::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_its_namesakes_do_not() {
        let me = Owner::me();
        assert!(me.is_alive(&me, 0, 0));
        let other = Owner { pid: std::process::id(), start: me.start + 1, ..me.clone() };
        assert!(!other.is_alive(&me, 0, 0));
        let before = Owner { boot: "before".to_owned(), ..me.clone() };
        assert!(!before.is_alive(&me, 0, 0));
    }

    #[test]
    fn in_another_container_the_heartbeat_decides() {
        let me = Owner::me();
        let far = Owner { space: "pid:[1]".to_owned(), pid: 1, ..me.clone() };
        assert!(far.is_alive(&me, 100, 200));
        assert!(!far.is_alive(&me, 100, 100 + STALE));
    }
}
