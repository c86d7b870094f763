//! Which definitions a name has once the module has run.
//!
//! A later definition replaces an earlier one. Definitions in branches of which only one runs all
//! count, and an earlier one stays when no branch need define the name. A plain redefinition does
//! not remove a decorated one: the registry of functions still has it.

use std::collections::BTreeMap;

use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtClassDef, StmtFunctionDef};

use super::imports::{Imports, Mark};

/// One definition of a function.
#[derive(Debug)]
pub(super) struct Def<'a> {
    pub(super) qualname: String,
    pub(super) func: &'a StmtFunctionDef,
    /// The class whose body it stands in, with its qualified name.
    pub(super) class: Option<(&'a StmtClassDef, String)>,
    /// The outermost function that it is defined in, when it is defined in one.
    pub(super) outer: Option<&'a StmtFunctionDef>,
    /// Decorated with `@function` or `@application`.
    pub(super) marked: bool,
}

/// The definitions of a module.
#[derive(Debug, Default)]
pub(super) struct Defs<'a> {
    all: Vec<Def<'a>>,
    live: Block,
}

/// What a block of statements defines: for each name the definitions that it may have afterwards,
/// and whether it certainly has one of them.
type Block = BTreeMap<String, Names>;

#[derive(Debug, Default, Clone)]
struct Names {
    defs: Vec<usize>,
    certain: bool,
}

/// Where a block stands.
#[derive(Clone)]
struct Place<'a> {
    prefix: String,
    class: Option<(&'a StmtClassDef, String)>,
    outer: Option<&'a StmtFunctionDef>,
}

impl<'a> Defs<'a> {
    pub(super) fn of(body: &'a [Stmt], imports: &Imports) -> Self {
        let mut defs = Defs::default();
        let place = Place { prefix: String::new(), class: None, outer: None };
        defs.live = defs.block(body, &place, imports);
        defs
    }

    /// Every name that has a definition, in the order of names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.live.iter().filter(|(_, names)| !names.defs.is_empty()).map(|(name, _)| name.as_str())
    }

    /// The definitions that count for a name, in the order of the text. When some of them are
    /// decorated with ours, only these.
    pub(super) fn get(&self, qualname: &str) -> Vec<&Def<'a>> {
        let indexes = self.live.get(qualname).map_or(&[][..], |names| &names.defs);
        let mut found: Vec<&Def> = indexes.iter().filter_map(|index| self.all.get(*index)).collect();
        if found.iter().any(|def| def.marked) {
            found.retain(|def| def.marked);
        }
        found
    }

    fn block(&mut self, body: &'a [Stmt], place: &Place<'a>, imports: &Imports) -> Block {
        let mut block = Block::new();
        for stmt in body {
            self.stmt(stmt, place, imports, &mut block);
        }
        block
    }

    fn stmt(&mut self, stmt: &'a Stmt, place: &Place<'a>, imports: &Imports, block: &mut Block) {
        match stmt {
            Stmt::FunctionDef(func) => self.function(func, place, imports, block),
            Stmt::ClassDef(class) => {
                let qualname = format!("{}{}", place.prefix, class.name.as_str());
                let inner = Place {
                    prefix: format!("{qualname}."),
                    class: Some((class, qualname.clone())),
                    outer: place.outer,
                };
                let mut defined = self.block(&class.body, &inner, imports);
                defined.insert(qualname, Names { defs: Vec::new(), certain: true });
                self.then(block, defined);
            }
            Stmt::If(branch) => {
                // What only a type checker sees is never defined.
                let first =
                    (!is_type_checking(&branch.test)).then(|| self.block(&branch.body, place, imports));
                let mut branches: Vec<Block> = first.into_iter().collect();
                for clause in &branch.elif_else_clauses {
                    branches.push(self.block(&clause.body, place, imports));
                }
                let complete = branch.elif_else_clauses.last().is_some_and(|last| last.test.is_none());
                self.then(block, either(branches, complete));
            }
            Stmt::Try(attempt) => {
                let tried = self.block(&attempt.body, place, imports);
                let mut good = tried.clone();
                let orelse = self.block(&attempt.orelse, place, imports);
                self.then(&mut good, orelse);
                let mut paths = vec![good];
                for handler in &attempt.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    let mut path = either(vec![tried.clone()], false);
                    let handled = self.block(&handler.body, place, imports);
                    self.then(&mut path, handled);
                    paths.push(path);
                }
                let mut whole = either(paths, true);
                let last = self.block(&attempt.finalbody, place, imports);
                self.then(&mut whole, last);
                self.then(block, whole);
            }
            Stmt::With(with) => {
                let defined = self.block(&with.body, place, imports);
                self.then(block, defined);
            }
            Stmt::For(each) => self.maybe([&each.body[..], &each.orelse[..]], place, imports, block),
            Stmt::While(each) => self.maybe([&each.body[..], &each.orelse[..]], place, imports, block),
            Stmt::Match(choice) => {
                let complete = choice
                    .cases
                    .last()
                    .is_some_and(|last| last.guard.is_none() && last.pattern.is_irrefutable());
                let branches =
                    choice.cases.iter().map(|case| self.block(&case.body, place, imports)).collect();
                self.then(block, either(branches, complete));
            }
            _ => {}
        }
    }

    fn maybe(&mut self, bodies: [&'a [Stmt]; 2], place: &Place<'a>, imports: &Imports, block: &mut Block) {
        for body in bodies {
            let defined = self.block(body, place, imports);
            self.then(block, either(vec![defined], false));
        }
    }

    fn function(
        &mut self,
        func: &'a StmtFunctionDef,
        place: &Place<'a>,
        imports: &Imports,
        block: &mut Block,
    ) {
        let qualname = format!("{}{}", place.prefix, func.name.as_str());
        let marked = func.decorator_list.iter().any(|decorator| {
            matches!(mark(&decorator.expression, imports), Some(Mark::Function | Mark::Application))
        });
        let inner = Place {
            prefix: format!("{qualname}.<locals>."),
            class: None,
            outer: Some(place.outer.unwrap_or(func)),
        };
        let mut defined = self.block(&func.body, &inner, imports);
        self.all.push(Def {
            qualname: qualname.clone(),
            func,
            class: place.class.clone(),
            outer: place.outer,
            marked,
        });
        // `@price.setter def price` adds to the definition before it.
        let certain = !func.decorator_list.iter().any(|decorator| extends(&decorator.expression, func));
        defined.insert(qualname, Names { defs: vec![self.all.len() - 1], certain });
        self.then(block, defined);
    }

    /// `block`, then `next`.
    fn then(&self, block: &mut Block, next: Block) {
        for (name, names) in &next {
            if names.certain && block.contains_key(name) {
                // A new class or function takes the place of the old one with all its members.
                let members = format!("{name}.");
                let gone: Vec<String> = block
                    .range(members.clone()..)
                    .take_while(|(member, _)| member.starts_with(&members))
                    .map(|(member, _)| member.clone())
                    .collect();
                for member in gone {
                    block.remove(&member);
                }
            }
        }
        for (name, names) in next {
            let Some(before) = block.get_mut(&name) else {
                block.insert(name, names);
                continue;
            };
            let marked =
                |defs: &[usize]| defs.iter().any(|def| self.all.get(*def).is_some_and(|def| def.marked));
            if names.certain && (marked(&names.defs) || !marked(&before.defs)) {
                *before = names;
            } else {
                before.defs.extend(names.defs);
                before.certain |= names.certain;
            }
        }
    }
}

/// One of several blocks; `complete` when one of them certainly runs.
fn either(blocks: Vec<Block>, complete: bool) -> Block {
    let count = blocks.len();
    let mut out: BTreeMap<String, (Names, usize)> = BTreeMap::new();
    for block in blocks {
        for (name, names) in block {
            let (merged, certain) = out.entry(name).or_default();
            *certain += usize::from(names.certain);
            for def in names.defs {
                if !merged.defs.contains(&def) {
                    merged.defs.push(def);
                }
            }
        }
    }
    out.into_iter()
        .map(|(name, (names, certain))| {
            (name, Names { defs: names.defs, certain: complete && certain == count })
        })
        .collect()
}

/// The decorator of ours that an expression means, called or not.
pub(super) fn mark(expr: &Expr, imports: &Imports) -> Option<Mark> {
    match expr {
        Expr::Call(call) => imports.mark(&call.func),
        _ => imports.mark(expr),
    }
}

fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}

fn extends(decorator: &Expr, func: &StmtFunctionDef) -> bool {
    let Expr::Attribute(attribute) = decorator else {
        return false;
    };
    matches!(&*attribute.value, Expr::Name(name) if name.id == func.name.id)
}
