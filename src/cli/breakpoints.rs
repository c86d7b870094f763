//! The project's breakpoints: a file beside the store, read and written whole.

use std::path::PathBuf;

use super::context::Context;
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
    let folder = context.project.store_dir();
    let told = |error: std::io::Error| format!("{} cannot be written: {error}", path(context).display());
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(told)?;
    let text = serde_json::to_string_pretty(points).map_err(|error| error.to_string())?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(told)?;
    file.as_file().sync_all().map_err(told)?;
    file.persist(path(context)).map_err(|error| told(error.error))?;
    Ok(())
}
