//! What counts, to a digest and to parts that can be shown and compared.

use std::hash::Hash;

use ruff_python_ast::Stmt;
use ruff_python_ast::comparable::{ComparableExpr, ComparableStmt};
use ruff_text_size::Ranged;

use crate::source::digest::{FINGERPRINT_VERSION, Feed, version};
use crate::source::normal::{self, Keep};
use crate::source::parse::{PARSER, bytes};

use super::module::{Module, head_exprs};
use super::reach::{Aspect, Item, Reach};
use super::table::View;
use super::{Closure, Part};

/// The closure that a search found.
pub(super) fn seal(qualname: &str, mut reach: Reach<'_, '_>) -> Option<Closure> {
    let mut parts = Vec::with_capacity(reach.nodes.len());
    let mut whole = Feed::default();
    (FINGERPRINT_VERSION, PARSER, qualname).hash(&mut whole);
    for index in 0..reach.nodes.len() {
        let keep = reach.keep(index);
        let number = reach.nodes.get(index)?.item.module;
        let module = reach.view().module(number)?;
        let node = reach.nodes.get(index)?;
        let mut feed = Feed::default();
        item(node.item, &module, keep, &mut feed);
        let digest = feed.digest();
        digest.as_bytes().hash(&mut whole);
        for (one, tokens) in &node.tokens {
            (one, tokens).hash(&mut whole);
        }
        node.changes.hash(&mut whole);
        parts.push(part(node.item, node.via, digest, &module));
    }
    let root = reach.nodes.first()?.item;
    let version = own_version(root, reach.view());
    let digest = match &version {
        Some(version) => {
            // The author says which code is the same.
            let mut feed = Feed::default();
            (FINGERPRINT_VERSION, PARSER, qualname, "version", version).hash(&mut feed);
            feed.digest()
        }
        None => whole.digest(),
    };
    Some(Closure {
        digest,
        parts,
        opaque: reach.opaque_list(),
        external: reach.external.iter().cloned().collect(),
        version,
    })
}

/// `version=` of the function itself.
fn own_version(item: Item, view: &mut View<'_>) -> Option<String> {
    let module = view.module(item.module)?;
    let func = match (item.member, module.stmt(item.unit)?) {
        (None, Stmt::FunctionDef(func)) => func,
        (Some(member), _) => match module.member(item.unit, member)? {
            (_, Stmt::FunctionDef(func)) => func,
            _ => return None,
        },
        _ => return None,
    };
    version(func, &module.imports)
}

fn item(item: Item, module: &Module, keep: Keep, feed: &mut Feed) {
    let hashed = module.parsed.with_stack(|| {
        let mut feed = Feed::default();
        tree(item, module, keep, &mut feed);
        feed
    });
    match hashed {
        Some(hashed) => hashed.digest().as_bytes().hash(feed),
        None => module.text.hash(feed),
    }
}

fn tree(item: Item, module: &Module, keep: Keep, feed: &mut Feed) {
    let statement = match item.member {
        Some(member) => module.member(item.unit, member).map(|(_, stmt)| stmt),
        None => module.stmt(item.unit),
    };
    match item.aspect {
        Aspect::ModuleDoc => ("module doc", module.has_doc()).hash(feed),
        Aspect::Guards => heads(item, module, feed),
        Aspect::Doc => {
            ("doc", statement.and_then(doc)).hash(feed);
        }
        Aspect::Source => {
            let range = module.units.get(item.unit).map(|unit| unit.range.clone());
            ("source", range.and_then(|range| module.parsed.text().get(range))).hash(feed);
        }
        Aspect::Signature => {
            if let Some(Stmt::FunctionDef(func)) = statement {
                let mut func = func.clone();
                func.body = Default::default();
                func.decorator_list = Default::default();
                let keep = Keep { docs: false, hints: true, inside: false };
                let normal = Stmt::FunctionDef(normal::function(&func, &module.imports, keep));
                "signature".hash(feed);
                ComparableStmt::from(&normal).hash(feed);
            }
        }
        Aspect::Whole => {
            let mut identity = false;
            match (item.member, statement) {
                (Some(member), Some(stmt)) => {
                    "member".hash(feed);
                    plain(stmt, module, keep, feed);
                    let facts =
                        [module.member_outer(item.unit, member), module.member_inner(item.unit, member)];
                    identity = facts.iter().flatten().any(|facts| facts.identity);
                }
                (None, Some(stmt)) => {
                    heads(item, module, feed);
                    match stmt {
                        Stmt::ClassDef(class) => {
                            let members = module.units.get(item.unit).map_or(&[][..], |unit| &unit.members);
                            let apart = |index: usize| members.iter().any(|member| member.index == index);
                            let normal = normal::class(class, &module.imports, keep, &apart);
                            "class".hash(feed);
                            ComparableStmt::from(&Stmt::ClassDef(normal)).hash(feed);
                        }
                        Stmt::With(_) | Stmt::Match(_) => head(stmt, u32::MAX, feed),
                        stmt => plain(stmt, module, keep, feed),
                    }
                    let facts = [module.outer(item.unit), module.inner(item.unit)];
                    identity = facts.iter().flatten().any(|facts| facts.identity);
                }
                _ => {}
            }
            if identity {
                ("module", module.file.as_str()).hash(feed);
            }
        }
    }
}

fn plain(stmt: &Stmt, module: &Module, keep: Keep, feed: &mut Feed) {
    let normal = match stmt {
        Stmt::FunctionDef(func) => Some(Stmt::FunctionDef(normal::function(func, &module.imports, keep))),
        stmt => normal::statement(stmt, &module.imports, keep),
    };
    normal.as_ref().map(ComparableStmt::from).hash(feed);
}

/// The conditions under which a unit runs.
fn heads(item: Item, module: &Module, feed: &mut Feed) {
    for (stmt, block) in module.heads(item.unit) {
        head(stmt, block, feed);
    }
}

fn head(stmt: &Stmt, block: u32, feed: &mut Feed) {
    let kind = match stmt {
        Stmt::If(_) => "if",
        Stmt::Try(_) => "try",
        Stmt::With(_) => "with",
        _ => "match",
    };
    (kind, block).hash(feed);
    match stmt {
        Stmt::Match(choice) => {
            for case in &choice.cases {
                let case = ruff_python_ast::comparable::ComparableMatchCase::from(case);
                case.hash(feed);
            }
            ComparableExpr::from(&*choice.subject).hash(feed);
        }
        _ => {
            for expr in head_exprs(stmt, block) {
                ComparableExpr::from(expr).hash(feed);
            }
        }
    }
}

fn doc(stmt: &Stmt) -> Option<String> {
    let body = match stmt {
        Stmt::FunctionDef(func) => &func.body,
        Stmt::ClassDef(class) => &class.body,
        _ => return None,
    };
    match body.first() {
        Some(Stmt::Expr(first)) => match &*first.value {
            ruff_python_ast::Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn part(item: Item, via: Option<usize>, digest: crate::base::digest::Digest, module: &Module) -> Part {
    let unit = module.units.get(item.unit);
    let member = item.member.and_then(|at| unit?.members.get(at));
    let (lines, range) = match (member, unit) {
        (Some(member), _) => (member.lines, member.range.clone()),
        (None, Some(unit)) => (unit.lines, unit.range.clone()),
        _ => ((1, 1), 0..0),
    };
    let owner = unit.map(|unit| unit.names.join(", ")).unwrap_or_default();
    let mut name = match member {
        Some(member) => format!("{owner}.{}", member.name),
        None if owner.is_empty() => {
            let source = module.parsed.text().get(range.clone()).unwrap_or_default();
            source.lines().next().unwrap_or_default().chars().take(60).collect()
        }
        None => owner,
    };
    let mut source = module.parsed.text().get(range).unwrap_or_default().to_owned();
    match item.aspect {
        Aspect::Guards => {
            name.push_str(" (condition)");
            let heads = module.heads(item.unit).into_iter();
            let conditions: Vec<String> =
                heads.map(|(stmt, block)| condition(stmt, block, module)).chain([source]).collect();
            source = conditions.join("\n");
        }
        Aspect::Doc => name.push_str(".__doc__"),
        Aspect::Signature => name.push_str(" (signature)"),
        Aspect::Source => name.push_str(" (source)"),
        Aspect::ModuleDoc => {
            return Part {
                file: module.file.clone(),
                name: "__doc__".to_owned(),
                lines: (1, 1),
                digest,
                via,
                source: module.has_doc().unwrap_or_default().to_owned(),
            };
        }
        Aspect::Whole => {}
    }
    Part { file: module.file.clone(), name, lines, digest, via, source }
}

/// The head of a branch, as it is written.
fn condition(stmt: &Stmt, block: u32, module: &Module) -> String {
    let exprs = head_exprs(stmt, block);
    let text =
        |expr: &&ruff_python_ast::Expr| module.parsed.text().get(bytes(expr.range())).unwrap_or_default();
    let last = exprs.last().map(text).unwrap_or_default();
    match (stmt, block) {
        (Stmt::If(_), 0) => format!("if {last}:"),
        (Stmt::If(branch), at) => match branch.elif_else_clauses.get(at as usize - 1) {
            Some(clause) if clause.test.is_some() => format!("elif {last}:"),
            _ => format!("else of: if {last}"),
        },
        (Stmt::Try(_), 0) => "try:".to_owned(),
        (Stmt::Try(_), _) => format!("except {last}:"),
        (Stmt::With(_), _) => format!("with {last}:"),
        _ => format!("match {}:", exprs.first().map(text).unwrap_or_default()),
    }
}
