//! Scheduler, replay plan, worker pool. Knows no terminal.
