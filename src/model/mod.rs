//! What a run is: calls, events, statuses, and the projection of events to a call tree.
//!
//! Plain data and pure functions: no I/O, no clock, no terminal, no SQL. The event log is the only
//! truth; whoever shows or replays a run applies its events with [`history::RunHistory::apply`].

pub mod accepted;
pub mod call;
pub mod event;
pub mod filter;
pub mod fork;
pub mod gate;
pub mod frames;
pub mod functions;
pub mod history;
pub mod keys;
pub mod ledger;
pub mod path;
pub mod points;
pub mod samples;
pub mod summary;
pub mod texts;
pub mod timeline;
pub mod verdict;
pub mod witness;

pub use accepted::{Accepted, Standing, StoodFor};
pub use call::{
    Call, CallKind, CallStatus, ErrorInfo, ErrorKind, FailedAttempt, Frame, Origin, Site, Usage, ValueRef,
    Withheld,
};
pub use event::{Event, EventKind, Level, Mode, Purpose, RunStatus, Stream};
pub use history::RunHistory;
pub use summary::{Counts, RunSummary, Saved};
pub use witness::{CodeKnown, FileRead, Opaque, Package, ReadKind};
