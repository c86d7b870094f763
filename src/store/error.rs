//! What can go wrong with the store, in words that say which file, what happened, and what to do.
//!
//! Everything that SQLite reports is sorted here into the few cases that a caller can act on. What SQLite
//! cannot tell apart from damage (a missing table, a value of the wrong type) counts as damage.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::base::digest::Digest;
use crate::base::ids::RunId;

/// Why a request to the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no store yet.
    #[error("there is no store at {}: run an application first", file.display())]
    Absent {
        /// Where it would be.
        file: PathBuf,
    },
    /// A later version of tl-bench wrote the store.
    #[error(
        "{} has format {found}, written by tl-bench {by}; this version knows formats up to {known}: \
         use that version or a newer one (nothing was changed)", file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
        /// The version that wrote it.
        by: String,
    },
    /// The store has an old format and cannot be brought up to date here.
    #[error("{} has the old format {found}: open it once in a folder that can be written", file.display())]
    Older {
        /// The database.
        file: PathBuf,
        /// Its format.
        found: i64,
    },
    /// Something in the store is not what was written.
    #[error("{} is damaged: {what}. Run `tl-bench doctor`; the other files of the folder may hold a good copy",
            file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        what: String,
    },
    /// No space is left.
    #[error("{} cannot grow, the disk is full: free some space, or run `tl-bench gc`", file.display())]
    Full {
        /// The file.
        file: PathBuf,
    },
    /// The file or its folder cannot be written.
    #[error("{} cannot be written ({what}): check the permissions of its folder", file.display())]
    ReadOnly {
        /// The file.
        file: PathBuf,
        /// What was refused.
        what: String,
    },
    /// Another process held the store for too long.
    #[error(
        "{} is locked by another process for too long: wait for a running gc or end the process that holds it",
        file.display()
    )]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// The operating system refused something.
    #[error("{}: {what}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        what: String,
        /// The refusal.
        source: std::io::Error,
    },
    /// SQLite failed in a way that has no case of its own.
    #[error("{}: {what}: {source} (if it persists the file may be damaged: run `tl-bench doctor`)",
            file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What was tried.
        what: String,
        /// The failure.
        source: rusqlite::Error,
    },
    /// No such run.
    #[error("there is no run {run} in the store: list them with `tl-bench runs`")]
    NoRun {
        /// The run asked for.
        run: RunId,
    },
    /// The run took an earlier error and records nothing any more.
    #[error("run {run} is no longer recorded after an error: {first}")]
    RunFailed {
        /// The run.
        run: RunId,
        /// The error that ended recording.
        first: String,
    },
    /// The caller broke a rule of the writer.
    #[error("run {run}: {what} (a fault in tl-bench: please report it)")]
    Misuse {
        /// The run.
        run: RunId,
        /// Which rule.
        what: String,
    },
    /// The writer ended before it got to the request.
    #[error("the store was closed before the request was recorded: open it again")]
    Closed,
}

/// Shorthand for this floor.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// Whether it reports damage, as opposed to something the user can change.
    pub fn is_damage(&self) -> bool {
        matches!(self, StoreError::Damaged { .. } | StoreError::Sqlite { .. })
    }

    pub(super) fn damaged(file: &Path, what: impl Into<String>) -> Self {
        StoreError::Damaged { file: file.to_owned(), what: what.into() }
    }

    pub(super) fn io(file: &Path, what: &str, source: std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        let file = file.to_owned();
        match source.kind() {
            K::StorageFull | K::QuotaExceeded | K::FileTooLarge => StoreError::Full { file },
            K::PermissionDenied | K::ReadOnlyFilesystem => {
                StoreError::ReadOnly { file, what: source.to_string() }
            }
            _ => StoreError::Io { file, what: what.to_owned(), source },
        }
    }

    pub(super) fn sql(file: &Path, what: &str, source: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let file = file.to_owned();
        let damaged =
            |text: String| StoreError::Damaged { file: file.clone(), what: format!("{what}: {text}") };
        match &source {
            E::SqliteFailure(failure, text) => match failure.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch => {
                    damaged(source.to_string())
                }
                ErrorCode::DiskFull => StoreError::Full { file },
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed => StoreError::Locked { file },
                ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::AuthorizationForStatementDenied => {
                    StoreError::ReadOnly { file, what: source.to_string() }
                }
                // "no such table", "malformed schema", a constraint that the writer never breaks.
                ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::SchemaChanged => {
                    damaged(text.clone().unwrap_or_else(|| source.to_string()))
                }
                _ => StoreError::Sqlite { file, what: what.to_owned(), source },
            },
            E::SqlInputError { .. }
            | E::InvalidColumnType(..)
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnName(_)
            | E::InvalidColumnIndex(_)
            | E::QueryReturnedNoRows
            | E::Utf8Error(..) => damaged(source.to_string()),
            _ => StoreError::Sqlite { file, what: what.to_owned(), source },
        }
    }
}

/// Why a node could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It is not in the store.
    #[error("the value {digest:?} is not in the store: it was removed, or the store is damaged")]
    Missing {
        /// Its digest.
        digest: Digest,
    },
    /// Its bytes do not match its digest. It counts as absent.
    #[error("the value {digest:?} is damaged in the store ({what}): re-run the call that made it")]
    Damaged {
        /// Its digest.
        digest: Digest,
        /// What was found.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a text names no run.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Nothing matches.
    #[error("no run matches `{text}`{}", hint(text, near))]
    NotFound {
        /// What was asked for.
        text: String,
        /// Ids that look alike, newest first.
        near: Vec<RunId>,
    },
    /// Several runs match.
    #[error("`{text}` matches several runs: {}", join(matches))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The matches, newest first.
        matches: Vec<RunId>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn join(runs: &[RunId]) -> String {
    let mut names: Vec<&str> = runs.iter().take(8).map(RunId::as_str).collect();
    if runs.len() > 8 {
        names.push("…");
    }
    names.join(", ")
}

fn hint(text: &str, near: &[RunId]) -> String {
    if super::runs::latest(text) == Some(0) {
        ": no run of an application is recorded; `tl-bench run` makes one".to_owned()
    } else if near.is_empty() {
        ": list them with `tl-bench runs`".to_owned()
    } else {
        format!("; did you mean {}?", join(near))
    }
}
