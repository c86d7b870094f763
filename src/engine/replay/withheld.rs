//! What held a secret cannot be given to anybody again, unless the project keeps it.

use super::Hit;
use crate::model::EventKind;

/// A hit that can be served whole: its output is recorded as it was, and so is every state that it would set again.
pub(super) fn check(hit: Option<Hit>) -> Result<Hit, Option<String>> {
    let hit = hit.ok_or(None)?;
    if let Some(why) = hit.output.lost() {
        return Err(Some(format!("its output held {why}")));
    }
    for effect in &hit.effects {
        if let EventKind::StateSet { key, value, .. } = effect
            && let Some(why) = value.lost()
        {
            return Err(Some(format!("it set request state '{key}' to {why}")));
        }
    }
    Ok(hit)
}
