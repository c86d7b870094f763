//! What goes wrong at the command line: one message, hints, an exit code.

use std::fmt;

/// Exit codes (design.md section 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// The application failed.
    Failed = 1,
    /// The command line or the input is wrong.
    Usage = 2,
    /// A strict replay diverged.
    Mismatch = 3,
    /// No Python, an import error.
    Environment = 4,
    /// The store.
    Store = 5,
}

/// A message for the user.
#[derive(Debug)]
pub struct CliError {
    /// How the process exits.
    pub exit: Exit,
    /// What is wrong, where.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

impl CliError {
    /// An error.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        CliError { exit, message: message.into(), hints: Vec::new() }
    }

    /// The user asked for something that cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        CliError::new(Exit::Usage, message)
    }

    /// With a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<crate::store::StoreError> for CliError {
    fn from(error: crate::store::StoreError) -> Self {
        CliError::new(Exit::Store, error.to_string())
    }
}

impl From<crate::store::FindError> for CliError {
    fn from(error: crate::store::FindError) -> Self {
        match error {
            crate::store::FindError::Store(error) => error.into(),
            other => CliError::usage(other.to_string()),
        }
    }
}

impl From<crate::engine::project::ConfigError> for CliError {
    fn from(error: crate::engine::project::ConfigError) -> Self {
        CliError::usage(error.to_string())
    }
}

impl From<crate::engine::StartError> for CliError {
    fn from(error: crate::engine::StartError) -> Self {
        match error {
            crate::engine::StartError::Store(error) => error.into(),
            crate::engine::StartError::Sample(why) => CliError::usage(why),
            other => CliError::new(Exit::Environment, other.to_string()),
        }
    }
}

impl From<crate::python::interpreter::InterpreterError> for CliError {
    fn from(error: crate::python::interpreter::InterpreterError) -> Self {
        CliError::new(Exit::Environment, error.to_string())
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        CliError::new(Exit::Environment, error.to_string())
    }
}
