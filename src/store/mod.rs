//! The checkpoint store: SQLite, one writer with group commit, windowed reads, blobs, gc.
mod calls;
mod chain;
mod commit;
mod doctor;
mod error;
mod gc;
mod heads;
mod history;
mod nodes;
mod open;
mod owner;
mod rows;
mod runs;
mod schema;
mod state;
mod values;
mod writer;

pub use calls::{CallFilter, Candidate};
pub use doctor::{Finding, Size};
pub use error::{FindError, NodeError, StoreError};
pub use gc::{GcDone, GcOptions, GcPlan, Kept};
pub use history::{Damage, History};
pub use nodes::{ChildrenOf, Node, NodeRules};
pub use open::{Options, Store};
pub use rows::{CallRow, RunRow};
pub use writer::{Batch, Writer};
