//! The workbench from the command line: connects the terminal to engine and store.

use super::context::Context;
use super::error::{CliError, Exit};
use super::output::Out;

/// Whether there is a terminal to draw on.
pub fn possible(out: Out) -> bool {
    out.terminal && out.live && false
}

/// Opens the workbench on an example and runs it.
pub fn demo(context: Context) -> Result<Exit, CliError> {
    open(context)
}

/// Opens the workbench.
pub fn open(_context: Context) -> Result<Exit, CliError> {
    Err(CliError::usage("the workbench needs a terminal")
        .hint("every screen has a headless twin: `tl-bench --help`"))
}
