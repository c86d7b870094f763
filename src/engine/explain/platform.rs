//! The platform's verdict beside ours: what its replay would do by durable id alone, and what comes of it where the two
//! differ.
//!
//! The platform looks up the durable id, which is made of where a call stands and not of its arguments, its code, or
//! what it reads. So it serves what this program executes when one of these changed, and executes what this program
//! serves when calls before it came, went or changed places.

use super::{Cause, Platform};
use crate::model::Call;

/// The verdict on a call that is (or would be) served here, or not.
pub(super) fn verdict(
    call: &Call,
    reuses: bool,
    served: bool,
    because: &'static str,
    causes: &[Cause],
) -> Platform {
    let agrees = reuses == served;
    let matters = match (agrees, reuses) {
        (true, _) => None,
        (false, true) => Some(stale(causes.first())),
        (false, false) => Some(
            "a call before it came, went or changed places, which gives all that follows another durable id: the \
             platform would execute it again, with its cost and effects; in strict mode its replay would stop",
        ),
    };
    Platform { reuses, agrees, because, durable_id: call.durable_id.hex(), matters }
}

/// What it means that the platform serves what executes here.
fn stale(cause: Option<&Cause>) -> &'static str {
    match cause {
        Some(Cause::Input { .. }) => {
            "the arguments changed: the platform would serve the output that the old ones gave"
        }
        Some(Cause::Code { .. } | Cause::Rules { .. } | Cause::Undefined) => {
            "the code changed: the platform would serve what the old code gave"
        }
        Some(Cause::File(_) | Cause::Package { .. } | Cause::Environment { .. } | Cause::State { .. }) => {
            "what it reads changed: the platform would serve what was made of the old data"
        }
        Some(Cause::Child { causes, .. }) => match causes.first() {
            None => "a call below it must execute: the platform would serve the old output without it",
            cause => stale(cause),
        },
        Some(Cause::AskedAgain | Cause::Fresh) => {
            "it executes because that was asked for: a replay on the platform would serve the recorded output"
        }
        _ => "the platform would serve what the call that stood in this place gave",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;

    fn code() -> Cause {
        let (old, new) = (Digest::default(), Digest::of(b"new"));
        Cause::Code { old, new, definitions: Vec::new(), unknown: None }
    }

    #[test]
    fn a_difference_says_what_comes_of_it() {
        assert!(stale(Some(&Cause::Input { changes: Vec::new() })).starts_with("the arguments changed"));
        let child = |causes| Cause::Child { path: "a/b#1".to_owned(), causes };
        assert!(stale(Some(&child(vec![child(vec![code()])]))).starts_with("the code changed"));
        assert!(stale(Some(&child(Vec::new()))).starts_with("a call below it"));
        assert!(stale(None).ends_with("in this place gave"));
    }
}
