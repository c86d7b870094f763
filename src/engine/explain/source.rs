//! The source of a call's function as it is now, with what differs from the code that the call ran with.
//!
//! The recorded side are the slices that the run stored; the other side is on disk. Nothing executes. Not sanitised.

use serde::Serialize;

use super::code::{Matching, matching};
use super::{Happened, Records};
use crate::base::ids::{CallNo, RunId, call_id};
use crate::diff::value::{LineKind, lines};
use crate::engine::today::{Today, Unknown};
use crate::model::{Opaque, RunHistory, path};
use crate::source::{Closure, FINGERPRINT_VERSION, Part};

/// Lines around a change of a definition that the function reaches; the function itself is shown as a whole.
const AROUND: usize = 3;
/// More lines than any definition has.
const WHOLE: usize = 1 << 24;

/// How the code of now stands to the recorded one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is the same.
    Same,
    /// It differs.
    Changed,
    /// What was recorded cannot be compared.
    NotRecorded,
    /// Only the recorded code is known.
    Gone,
}

/// The source of a call's function.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Source {
    /// The run.
    pub run: RunId,
    /// The call's public id.
    pub call: String,
    /// Its path.
    pub path: String,
    /// Its function.
    pub function: String,
    /// How the code of now stands to that of the call.
    pub standing: Standing,
    /// Why not more can be said, or what is special about it.
    pub note: Option<String>,
    /// The function, then what it reaches: each with its lines when it is the function itself or differs.
    pub definitions: Vec<Definition>,
    /// What the analysis could not follow.
    pub opaque: Vec<Opaque>,
}

/// A definition that the function consists of.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Its first line, now or, when it is gone, then.
    pub line: usize,
    /// What happened to it; `None`: nothing that counts.
    pub change: Option<Happened>,
    /// The names through which the function reaches it, the function first.
    pub chain: Vec<String>,
    /// Its lines; empty for what is the same and not the function itself.
    pub lines: Vec<Line>,
}

/// A line of a definition.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Line {
    /// Whether it is in both.
    pub kind: LineKind,
    /// Its number in the file then.
    pub old: Option<usize>,
    /// Its number in the file now.
    pub new: Option<usize>,
    /// It, without its line break.
    pub text: String,
}

/// The source of a call's function against what the call ran with.
pub fn look(run: &RunHistory, no: CallNo, records: &dyn Records, today: &mut Today) -> Option<Source> {
    let call = run.call(no)?;
    let known = run.code(&call.function, &call.code);
    let then = match known.map(|known| records.closure(known)) {
        Some(Ok(Some(closure))) => Ok(closure),
        Some(Ok(None)) => Err(format!("the analysis did not find {} then", call.function)),
        Some(Err(why)) => Err(why),
        None => Err("the call has not started, or its code was not recorded".to_owned()),
    };
    let now = today.closure(&call.function);
    let mut look = Source {
        run: run.id.clone(),
        call: call_id(&run.id, no),
        path: path::path(run, no),
        function: call.function.clone(),
        standing: Standing::Same,
        note: None,
        definitions: Vec::new(),
        opaque: Vec::new(),
    };
    match (then, now) {
        (Ok(then), Ok(now)) => {
            let (definitions, differs) = compared(&then, &now);
            look.definitions = definitions;
            look.opaque.clone_from(&now.opaque);
            let rules = known.map_or(FINGERPRINT_VERSION, |known| known.rules.as_str());
            look.standing = if differs { Standing::Changed } else { Standing::Same };
            if rules != FINGERPRINT_VERSION {
                // Digests of different rules differ whatever the text is.
                look.standing = Standing::NotRecorded;
                look.note = Some(format!("the checkpoint was made under other rules of code ({rules})"));
            }
        }
        (Err(why), Ok(now)) => {
            look.definitions = alone(&now, LineKind::Same);
            look.opaque.clone_from(&now.opaque);
            look.standing = Standing::NotRecorded;
            look.note = Some(why);
        }
        (Ok(then), Err(why)) => {
            look.definitions = alone(&then, LineKind::Removed);
            look.opaque.clone_from(&then.opaque);
            look.standing = Standing::Gone;
            look.note = Some(why.to_string());
        }
        (Err(_), Err(why)) => {
            look.standing = Standing::NotRecorded;
            look.note = Some(match why {
                Unknown::Undefined(_) => format!("{why}, and its code was not recorded"),
                why => why.to_string(),
            });
        }
    }
    Some(look)
}

/// All definitions of both, the differing ones and the function itself with their lines; and whether any differs.
fn compared(then: &Closure, now: &Closure) -> (Vec<Definition>, bool) {
    let Matching { was, gone } = matching(then, now);
    let mut out = Vec::new();
    let mut differs = !gone.is_empty();
    for (j, (part, was)) in now.parts.iter().zip(was).enumerate() {
        let before = was.map(|(i, _)| &then.parts[i]);
        let change = match was {
            Some((_, true)) => None,
            Some((_, false)) => Some(Happened::Changed),
            None => Some(Happened::Added),
        };
        differs |= change.is_some();
        let lines = match (j, change) {
            (0, _) => between(before, Some(part), WHOLE),
            (_, Some(_)) => between(before, Some(part), AROUND),
            (_, None) => Vec::new(),
        };
        out.push(definition(now, j, change, lines));
    }
    for i in gone {
        let lines = between(Some(&then.parts[i]), None, AROUND);
        out.push(definition(then, i, Some(Happened::Removed), lines));
    }
    (out, differs)
}

/// The definitions of one side, the function itself with its lines.
fn alone(closure: &Closure, kind: LineKind) -> Vec<Definition> {
    let sides = |part| if kind == LineKind::Removed { (Some(part), None) } else { (None, Some(part)) };
    let own = closure.parts.first().map(|part| {
        let (old, new) = sides(part);
        let mut lines = between(old, new, WHOLE);
        lines.iter_mut().for_each(|line| line.kind = kind);
        definition(closure, 0, None, lines)
    });
    let others = (1..closure.parts.len()).map(|at| definition(closure, at, None, Vec::new()));
    own.into_iter().chain(others).collect()
}

fn definition(closure: &Closure, at: usize, change: Option<Happened>, lines: Vec<Line>) -> Definition {
    let part = &closure.parts[at];
    Definition {
        name: part.name.clone(),
        file: part.file.clone(),
        line: part.lines.0,
        change,
        chain: closure.chain(at),
        lines,
    }
}

fn between(old: Option<&Part>, new: Option<&Part>, around: usize) -> Vec<Line> {
    let text =
        |part: Option<&Part>| part.map_or("", |part| part.source.as_str()).trim_end_matches('\n').to_owned();
    let (a, b) = (text(old), text(new));
    let in_file = |at: usize, part: Option<&Part>| at + part.map_or(0, |part| part.lines.0) - 1;
    if a == b {
        let same = b.split('\n').enumerate();
        return same
            .map(|(i, text)| Line {
                kind: LineKind::Same,
                old: Some(in_file(i + 1, old)),
                new: Some(in_file(i + 1, new)),
                text: text.to_owned(),
            })
            .collect();
    }
    // Both end in a line break, so that a last line is not different for the lack of it.
    let ended = |text: String| if text.is_empty() { text } else { text + "\n" };
    lines(&ended(a), &ended(b), around)
        .into_iter()
        .map(|line| Line {
            kind: line.kind,
            old: line.old.map(|at| in_file(at, old)),
            new: line.new.map(|at| in_file(at, new)),
            text: line.spans.into_iter().map(|span| span.text).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;

    fn part(name: &str, line: usize, via: Option<usize>, source: &str, digest: &str) -> Part {
        let lines = (line, line + source.lines().count() - 1);
        let digest = Digest::of(digest.as_bytes());
        Part { file: "app.py".into(), name: name.into(), lines, digest, via, source: source.into() }
    }

    fn closure(parts: Vec<Part>) -> Closure {
        Closure { digest: Digest::default(), parts, opaque: vec![], external: vec![], version: None }
    }

    fn shown(definition: &Definition) -> Vec<String> {
        let row = |line: &Line| {
            let sign = match line.kind {
                LineKind::Same => ' ',
                LineKind::Removed => '-',
                LineKind::Added => '+',
            };
            format!("{}{sign}{}", line.new.or(line.old).unwrap_or(0), line.text)
        };
        definition.lines.iter().map(row).collect()
    }

    #[test]
    fn the_function_is_whole_and_what_changed_is_marked() {
        let f = "def f():\n    return g()\n";
        let then =
            closure(vec![part("f", 1, None, f, "f"), part("g", 9, Some(0), "def g():\n    return 1\n", "1")]);
        let now = closure(vec![
            part("f", 3, None, f, "f"),
            part("g", 11, Some(0), "def g():\n    return 2\n", "2"),
        ]);
        let (found, differs) = compared(&then, &now);
        assert!(differs);
        assert_eq!(shown(&found[0]), ["3 def f():", "4     return g()"]);
        assert_eq!(shown(&found[1]), ["11 def g():", "10-    return 1", "12+    return 2"]);
        assert_eq!((found[0].change, found[1].change), (None, Some(Happened::Changed)));
        assert_eq!(found[1].chain, ["f", "g"]);
    }

    #[test]
    fn a_comment_is_marked_and_is_no_difference() {
        let then = closure(vec![part("f", 1, None, "def f():\n    return 1", "f")]);
        let now = closure(vec![part("f", 1, None, "def f():  # one\n    return 1\n", "f")]);
        let (found, differs) = compared(&then, &now);
        assert!(!differs);
        assert_eq!(shown(&found[0]), ["1-def f():", "1+def f():  # one", "2     return 1"]);
    }

    #[test]
    fn definitions_come_and_go() {
        let f = part("f", 1, None, "def f(): pass\n", "f");
        let then = closure(vec![f.clone(), part("A", 5, Some(0), "A = 1\n", "a")]);
        let now = closure(vec![f, part("B", 5, Some(0), "B = 1\n", "b")]);
        let (found, _) = compared(&then, &now);
        let happened: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.change)).collect();
        assert_eq!(happened, [("f", None), ("B", Some(Happened::Added)), ("A", Some(Happened::Removed))]);
        assert_eq!(
            (shown(&found[1]), shown(&found[2])),
            (vec!["5+B = 1".to_owned()], vec!["5-A = 1".to_owned()])
        );
    }
}
