//! Paths of calls: `research_agent/call_llm#3`, `batch_processor/process_document[17]`.
//!
//! A map's or reduce's own node has the path `batch_processor/process_document[]`; an item's path skips it. When
//! one parent maps the same function several times, the later ones read `process_document@2[17]`.

use super::call::{Call, CallKind};
use super::history::RunHistory;
use crate::base::ids::{CallNo, call_id};

/// The path of a call.
pub fn path(run: &RunHistory, no: CallNo) -> String {
    let mut chain = Vec::new();
    let mut at = no;
    while let Some(call) = run.call(at) {
        chain.push((call.kind, call.function.as_str(), call.ordinal));
        at = call.parent;
    }
    of_chain(&chain)
}

/// The path of a call from kind, function and ordinal of it and of each node above, up to the application's own call.
pub fn of_chain(chain: &[(CallKind, &str, u32)]) -> String {
    let mut parts = Vec::with_capacity(chain.len());
    let mut inner: Option<u32> = None;
    for (i, (kind, function, ordinal)) in chain.iter().enumerate() {
        match kind {
            CallKind::Root => parts.push((*function).to_owned()),
            CallKind::Map | CallKind::Reduce => {
                let index = inner.take().map(|i| i.to_string()).unwrap_or_default();
                let mark = if *kind == CallKind::Reduce { "~" } else { "" };
                let nth = if *ordinal > 1 { format!("@{ordinal}") } else { String::new() };
                parts.push(format!("{function}{mark}{nth}[{index}]"));
            }
            CallKind::Call => {
                let above = chain.get(i + 1).map(|(kind, _, _)| *kind);
                if matches!(above, Some(CallKind::Map | CallKind::Reduce)) {
                    inner = Some(*ordinal);
                } else {
                    parts.push(format!("{function}#{ordinal}"));
                }
            }
        }
    }
    parts.reverse();
    parts.join("/")
}

/// The last part of the path: `call_llm#3`, `process_document[17]`.
pub fn label(run: &RunHistory, call: &Call) -> String {
    let whole = path(run, call.no);
    whole.rsplit('/').next().unwrap_or(&whole).to_owned()
}

/// Why a call was not found.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum NotFound {
    /// No call has this id or path; the nearest that exist.
    Unknown(Vec<String>),
    /// Several ids begin like this.
    Ambiguous(Vec<String>),
}

/// The call that `text` names: an id prefix of four digits or more, or a path (`#1` may be left out; the
/// application's own name at the front, too).
pub fn find(run: &RunHistory, text: &str) -> Result<CallNo, NotFound> {
    let numbers = 1..=run.calls.len() as CallNo;
    let wanted = text.trim();
    let paths: Vec<String> = numbers.clone().map(|no| path(run, no)).collect();
    let bare_wanted = bare(wanted);
    let names = |candidate: &str| {
        let candidate = bare(candidate);
        candidate == bare_wanted || candidate.split_once('/').is_some_and(|(_, below)| below == bare_wanted)
    };
    if let Some(i) = paths.iter().position(|candidate| names(candidate)) {
        return Ok(i as CallNo + 1);
    }
    if wanted.len() >= 4 && wanted.chars().all(|c| c.is_ascii_hexdigit()) {
        let hits: Vec<CallNo> =
            numbers.filter(|no| call_id(&run.id, *no).starts_with(&wanted.to_ascii_lowercase())).collect();
        match hits.as_slice() {
            [no] => return Ok(*no),
            [] => {}
            many => return Err(NotFound::Ambiguous(many.iter().map(|no| call_id(&run.id, *no)).collect())),
        }
    }
    let mut near: Vec<(usize, String)> = paths
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&bare(&candidate), &bare_wanted), candidate))
        .collect();
    near.sort();
    Err(NotFound::Unknown(near.into_iter().take(3).map(|(_, candidate)| candidate).collect()))
}

/// A path without its `#1`s.
pub(super) fn bare(path: &str) -> String {
    let inner = path.replace("#1/", "/");
    inner.strip_suffix("#1").unwrap_or(&inner).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::history::test_support::history;
    use super::*;

    #[test]
    fn paths_and_finding() {
        let run = history(&[
            ("root", 0, CallKind::Root, 1),
            ("llm", 1, CallKind::Call, 1),
            ("doc", 1, CallKind::Map, 1),
            ("doc", 3, CallKind::Call, 0),
            ("doc", 3, CallKind::Call, 1),
        ]);
        assert_eq!(path(&run, 2), "root/llm#1");
        assert_eq!(path(&run, 5), "root/doc[1]");
        assert_eq!(find(&run, "root/llm"), Ok(2));
        assert_eq!(find(&run, "llm"), Ok(2));
        assert_eq!(find(&run, "root/doc[1]"), Ok(5));
        assert_eq!(find(&run, &call_id(&run.id, 4)), Ok(4));
        assert!(matches!(find(&run, "root/lm"), Err(NotFound::Unknown(near)) if near[0] == "root/llm#1"));
    }
}
