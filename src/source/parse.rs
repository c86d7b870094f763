//! Text to tree. The only file that names the parser.
//!
//! The parser is a component of another tool without a promise of stability, so its version is
//! pinned and an upgrade touches this file (and [`PARSER`], which every digest carries).
//!
//! Invariant: no text panics or overflows the stack. The parser grows its stack, but walking and
//! dropping a tree recurse; so the depth that a text can reach is bounded from its tokens before a
//! tree exists. Ordinary texts are handled in place, deep ones on a thread with a large stack, and
//! absurd ones are refused with an error as CPython refuses them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ruff_python_ast::ModModule;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, lexer, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

use super::text::{Lines, universal};

/// The parser and its version: part of every digest.
pub(super) const PARSER: &str = "ruff_python_parser 0.0.10";

/// Texts longer than this are refused (the parser counts bytes in 32 bits).
const MAX_TEXT: usize = 256 << 20;
/// CPython's own limits.
const MAX_BRACKETS: usize = 200;
const MAX_INDENT: usize = 100;
/// Levels of one statement: what the large stack holds with a wide margin.
const MAX_DEPTH: usize = 2_000;
/// Up to here a tree is walked on the caller's stack.
const SHALLOW: usize = 40;
const LARGE_STACK: usize = 256 << 20;

/// Why a text is not a Python module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One line, without the position.
    pub message: String,
}

/// A parsed text; with an error it holds what could be recovered.
#[derive(Debug)]
pub struct Parsed {
    text: String,
    lines: Lines,
    tree: Option<ModModule>,
    error: Option<SyntaxError>,
    deep: bool,
}

impl Parsed {
    /// The text that all positions refer to: no byte-order mark, every line break `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first syntax error.
    pub fn error(&self) -> Option<&SyntaxError> {
        self.error.as_ref()
    }

    pub(super) fn body(&self) -> &[ruff_python_ast::Stmt] {
        self.tree.as_ref().map_or(&[], |tree| &tree.body)
    }

    /// The source of a node.
    pub(super) fn slice(&self, node: impl Ranged) -> &str {
        self.text.get(bytes(node.range())).unwrap_or("")
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.line(offset)
    }

    /// Runs `walk`, which goes down the tree, where the stack suffices for it.
    pub(super) fn with_stack<T: Send>(&self, walk: impl FnOnce() -> T + Send) -> Option<T> {
        on_stack(self.deep, walk)
    }
}

impl Drop for Parsed {
    fn drop(&mut self) {
        if self.deep
            && let Some(tree) = self.tree.take()
        {
            // When no thread can be had the closure is dropped with the tree, on this stack; that
            // is still within the bound of `MAX_DEPTH` small frames.
            on_stack(true, move || drop(tree));
        }
    }
}

/// A node's range in bytes.
pub(super) fn bytes(range: TextRange) -> std::ops::Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

fn on_stack<T: Send>(deep: bool, walk: impl FnOnce() -> T + Send) -> Option<T> {
    if !deep {
        return Some(walk());
    }
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("source".to_owned()).stack_size(LARGE_STACK);
        builder.spawn_scoped(scope, walk).ok()?.join().ok()
    })
}

/// Parses a module. Never fails: see [`Parsed::error`].
pub fn parse(text: &str) -> Parsed {
    let text = universal(text).into_owned();
    let lines = Lines::new(&text);
    let depth = match depth(&text) {
        Ok(depth) => depth,
        Err(error) => return Parsed { text, lines, tree: None, error: Some(error), deep: false },
    };
    let deep = depth > SHALLOW;
    let parsed = on_stack(deep, || tree(&text));
    let (tree, error) = match parsed.flatten() {
        Some((tree, error)) => {
            let error = error.map(|(at, message)| {
                let (line, column) = lines.position(&text, at);
                SyntaxError { line, column, message }
            });
            (Some(tree), error)
        }
        None => (None, Some(refused(1, "this text cannot be parsed"))),
    };
    Parsed { text, lines, tree, error, deep }
}

fn refused(line: usize, message: &str) -> SyntaxError {
    SyntaxError { line, column: 1, message: message.to_owned() }
}

type Tree = (ModModule, Option<(usize, String)>);

fn tree(text: &str) -> Option<Tree> {
    // A defect of the parser shall cost the facts of one file, not the workbench.
    let parsed = catch_unwind(AssertUnwindSafe(|| parse_unchecked(text, ParseOptions::from(Mode::Module))));
    let parsed = parsed.ok()?.try_into_module()?;
    // Errors come in the order of discovery: those of the lexer after those of the parser.
    let first = parsed.errors().iter().min_by_key(|error| error.location.start());
    let error = first.map(|error| {
        let message = error.error.to_string();
        (error.location.start().to_usize(), message.lines().next().unwrap_or_default().to_owned())
    });
    Some((parsed.into_syntax(), error))
}

/// The tokens of a text as it is (no translation of line breaks), soft keywords resolved.
pub(super) fn tokens(text: &str) -> Vec<(TokenKind, std::ops::Range<usize>)> {
    let Ok(depth) = depth(text) else {
        return Vec::new();
    };
    let lex = || {
        let parsed = catch_unwind(|| parse_unchecked(text, ParseOptions::from(Mode::Module))).ok()?;
        Some(parsed.tokens().iter().map(|token| (token.kind(), bytes(token.range()))).collect())
    };
    on_stack(depth > SHALLOW, lex).flatten().unwrap_or_default()
}

/// One open bracket (or f-string), or the statement itself: how deep its expression can be.
#[derive(Default)]
struct Level {
    /// Since the last comma.
    parts: usize,
    /// Commas of its parameters do not end a lambda.
    lambdas: usize,
}

/// An upper bound of the depth of the tree of a text, from its tokens alone.
fn depth(text: &str) -> Result<usize, SyntaxError> {
    use TokenKind as T;
    if text.len() > MAX_TEXT {
        return Err(refused(1, "the file is too large"));
    }
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut levels = vec![Level::default()];
    let (mut line, mut indent, mut compound, mut sum, mut most) = (1, 0_usize, 0_usize, 0_usize, 0_usize);
    loop {
        let kind = lexer.next_token();
        match kind {
            T::EndOfFile => break,
            T::Newline | T::NonLogicalNewline => {
                line += 1;
                compound = 0;
            }
            T::Indent => indent += 1,
            T::Dedent => indent = indent.saturating_sub(1),
            T::Lpar | T::Lsqb | T::Lbrace | T::FStringStart | T::TStringStart => {
                sum += 1;
                levels.push(Level { parts: 1, lambdas: 0 });
            }
            T::Rpar | T::Rsqb | T::Rbrace | T::FStringEnd | T::TStringEnd => {
                if levels.len() > 1
                    && let Some(level) = levels.pop()
                {
                    sum -= level.parts + level.lambdas;
                }
                part(&mut levels, &mut sum);
            }
            T::Comma => {
                if let Some(level) = levels.last_mut() {
                    sum -= std::mem::take(&mut level.parts);
                }
            }
            T::Lambda => {
                sum += 1;
                if let Some(level) = levels.last_mut() {
                    level.lambdas += 1;
                }
            }
            // A nested statement on one line is an error that the parser recovers from by nesting.
            T::If | T::For | T::While | T::With | T::Try | T::Else | T::Match | T::Case | T::Async => {
                compound += 1;
                part(&mut levels, &mut sum);
            }
            T::Name | T::Int | T::Float | T::Complex | T::String | T::FStringMiddle | T::TStringMiddle => {}
            _ => part(&mut levels, &mut sum),
        }
        // These begin a statement, whatever was left open before: the parser gives up the bracket.
        let statement = matches!(
            kind,
            T::Def | T::Class | T::Return | T::Import | T::Raise | T::Assert | T::Del | T::Pass | T::While
        );
        if matches!(kind, T::Newline | T::Semi) || statement {
            levels.truncate(1);
            levels[0] = Level::default();
            sum = 0;
            compound += usize::from(statement);
        }
        if levels.len() > MAX_BRACKETS {
            return Err(refused(line, "too many nested parentheses"));
        }
        if indent > MAX_INDENT {
            return Err(refused(line, "too many levels of indentation"));
        }
        // A level of statements costs several frames.
        most = most.max(sum + 2 * (indent + compound));
        if most > MAX_DEPTH {
            return Err(refused(line, "this expression is nested too deeply"));
        }
    }
    Ok(most)
}

fn part(levels: &mut [Level], sum: &mut usize) {
    if let Some(level) = levels.last_mut() {
        level.parts += 1;
        *sum += 1;
    }
}
