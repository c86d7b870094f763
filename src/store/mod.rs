//! The checkpoint store: SQLite, one writer with group commit, windowed reads, blobs, gc.
//!
//! # What is where
//!
//! The folder `.tl-bench` (0700, ignored by git) holds `store.db` (SQLite in WAL mode, 4 KiB pages; the
//! format is the sum of `schema/*.sql`), `heads` (where each run's log ends, kept apart: `heads.rs`), and `beside-RUN`
//! while a run goes on (what is not in its log yet: `beside.rs`).
//!
//! | table | holds | proof |
//! |---|---|---|
//! | `events` | the log of each run, the only truth, in segments of one commit each | a chain of digests (`chain.rs`), its end in `heads` |
//! | `runs`, `calls` | derived: a run in one line, a call in one line, the index of checkpoints | a checksum a row; made again from the log when it fails |
//! | `nodes` | values, content-addressed, compressed when that pays; what they refer to as numbers of rows (`refs.rs`) | their digest |
//! | `marks` | what the user said: pinned, label | a checksum a row |
//! | `accepted` | changes of code that the user declared harmless, and takes back: only ever added to | a checksum a row, numbers without gaps |
//! | `gone` | runs deleted on purpose | none: at worst a deleted run is reported as lost |
//! | `meta` | format, version, count of gcs | compared with the header |
//! | `beside-RUN` | the newest events of a running run, with their values | a digest a record, how many there are in `heads` |
//!
//! # Invariants
//!
//! - A run is written by one process, through [`Writer`]; anybody reads, at any time, in any process.
//! - What was acknowledged as durable is on disk; what was acknowledged otherwise survives the process.
//! - One flipped bit, zeroed sector or cut file leads to the right answer or to an error or report that says
//!   `damaged`, never to a wrong answer or a shorter one. Not covered: the index of checkpoints may miss one
//!   (the call is executed again), and a lost log may bring back a deleted run or an old label.
//! - Readers read `heads` before their snapshot begins, so that it is never ahead of what they see.
//! - After an error nothing more of that run is recorded, and its callers know.
//!
//! Methods block on the disk: call them from plain threads or `spawn_blocking`. Every floor above may use this
//! one; it uses `base` and `model` only, and knows values as bytes with a digest.

mod accepted;
mod beside;
mod calls;
mod chain;
mod commit;
mod derived;
mod doctor;
mod error;
mod gc;
mod heads;
mod history;
mod nodes;
mod open;
mod owner;
mod refs;
mod room;
mod rows;
mod runs;
mod samples;
mod schema;
mod search;
mod shared;
mod state;
mod values;
mod writer;

pub use accepted::{AcceptedLog, Change};
pub use calls::{CallFilter, Candidate};
pub use doctor::{Finding, Size};
pub use error::{FindError, NodeError, StoreError};
pub use gc::{GcDone, GcOptions, GcPlan, Kept};
pub use history::{Damage, History};
pub use nodes::{ChildrenOf, Node, NodeRules};
pub use open::{Options, Store};
pub use rows::{CallRow, RunRow};
pub use search::{
    IndexBatch, IndexSize, Link, Mark, Matches, PlaceFilter, SearchField, SearchIndex, SearchPlace,
    SearchPlaces,
};
pub use writer::{Batch, Writer};
