//! The project's breakpoints: a file beside the store, read and written whole.

use std::path::PathBuf;

use super::context::Context;
use crate::base::whole;
use crate::model::points::Point;

const FILE: &str = "breakpoints.json";

fn path(context: &Context) -> PathBuf {
    context.project.store_dir().join(FILE)
}

/// Reads them. A file that cannot be read is an error that names it; none is none.
pub fn load(context: &Context) -> Result<Vec<Point>, String> {
    let path = path(context);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| format!("{}: {error}; mend it or delete it", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Writes them: all or nothing, so that a reader never finds half of the file.
pub fn save(context: &Context, points: &[Point]) -> Result<(), String> {
    let path = path(context);
    let text = serde_json::to_string_pretty(points).map_err(|error| error.to_string())?;
    whole::replace(&path, text.as_bytes(), whole::PRIVATE)
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
