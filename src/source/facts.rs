//! What the rest of the program sees of a module: its functions and what their decorators say.

use ruff_python_ast::{Decorator, Expr, Parameter, ParameterWithDefault, Stmt};
use ruff_text_size::Ranged;

use super::defs::{Def, Defs};
use super::digest::version;
use super::imports::{Imports, Mark};
use super::literal::Literal;
use super::parse::{Parsed, SyntaxError, bytes};
use super::text::clean_doc;

/// A module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModuleFacts {
    /// Functions and methods in the order of the text; a name that is defined several times once
    /// (its last definition). Functions inside functions only when they are decorated with ours.
    pub functions: Vec<FunctionFacts>,
    /// Why the module does not load; the functions are then what could be recovered.
    pub error: Option<SyntaxError>,
}

/// A function or a method.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionFacts {
    /// The qualified name: `name`, `Class.method`, `outer.<locals>.inner`.
    pub name: String,
    /// The line of its `def`, from 1.
    pub line: usize,
    /// The line of its first decorator, or of its `def`.
    pub first_line: usize,
    /// Its last line.
    pub end_line: usize,
    /// Bytes of [`Parsed::text`], decorators included.
    pub source_range: std::ops::Range<usize>,
    /// `async def`
    pub is_async: bool,
    /// The qualified name of the class whose method it is.
    pub class: Option<String>,
    /// That class has `@cls`.
    pub is_cls: bool,
    /// Has `@application`.
    pub is_application: bool,
    /// Has `@function`.
    pub is_function: bool,
    /// One of our decorators stands without parentheses, which is an error when it runs.
    pub missing_parenthesis: bool,
    /// Not `durable=False`.
    pub durable: bool,
    /// `effect=True`
    pub effect: bool,
    /// `version=`, when it is a literal.
    pub version: Option<String>,
    /// In the order of the text, `self` included.
    pub params: Vec<ParamFacts>,
    /// The source of the return hint.
    pub returns: Option<String>,
    /// The docstring, laid out as `inspect.cleandoc` does.
    pub doc: Option<String>,
    /// From the top.
    pub decorators: Vec<DecoratorFacts>,
    /// How many definitions count for this name (branches).
    pub definitions: usize,
}

impl FunctionFacts {
    /// An option of `@function` or `@application`.
    pub fn option(&self, mark: Mark, name: &str) -> Option<&OptionFacts> {
        let ours = self.decorators.iter().find(|decorator| decorator.mark == Some(mark))?;
        ours.options.iter().find(|option| option.name == name)
    }
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamFacts {
    /// Without stars.
    pub name: String,
    /// How it is passed.
    pub kind: ParamKind,
    /// The source of its hint.
    pub hint: Option<String>,
    /// The source of its default.
    pub default: Option<String>,
}

/// How a parameter is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Before `/`.
    PositionalOnly,
    /// By position or by name.
    Normal,
    /// `*args`
    VarArgs,
    /// After `*`.
    KeywordOnly,
    /// `**kwargs`
    KwArgs,
}

/// A decorator.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoratorFacts {
    /// The source after `@`.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
    /// Which of ours it is.
    pub mark: Option<Mark>,
    /// Ours, and without parentheses.
    pub missing_parenthesis: bool,
    /// What it is called with (ours only).
    pub options: Vec<OptionFacts>,
}

/// An argument of one of our decorators.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionFacts {
    /// Its keyword, or the name of the parameter at its position.
    pub name: String,
    /// Its source.
    pub text: String,
    /// Its value, when it is a literal.
    pub value: Option<Literal>,
}

const FUNCTION_OPTIONS: [&str; 13] = [
    "description",
    "cpu",
    "memory",
    "ephemeral_disk",
    "gpu",
    "timeout",
    "image",
    "secrets",
    "retries",
    "region",
    "warm_containers",
    "min_containers",
    "max_containers",
];
const APPLICATION_OPTIONS: [&str; 4] = ["tags", "retries", "region", "allow"];
const CLS_OPTIONS: [&str; 1] = ["init_timeout"];

/// What a module holds; of a text with a syntax error what could be recovered.
pub fn facts(parsed: &Parsed) -> ModuleFacts {
    let functions = parsed.with_stack(|| {
        let imports = Imports::of(parsed.body());
        let defs = Defs::of(parsed.body(), &imports);
        let mut functions: Vec<FunctionFacts> = defs
            .names()
            .filter_map(|name| {
                let found = defs.get(name);
                let def = found.last()?;
                (def.outer.is_none() || def.marked).then(|| function(parsed, &imports, def, found.len()))
            })
            .collect();
        functions.sort_by_key(|function| function.source_range.start);
        functions
    });
    ModuleFacts { functions: functions.unwrap_or_default(), error: parsed.error().cloned() }
}

fn function(parsed: &Parsed, imports: &Imports, def: &Def<'_>, definitions: usize) -> FunctionFacts {
    let func = def.func;
    let decorators: Vec<DecoratorFacts> =
        func.decorator_list.iter().map(|one| decorator(parsed, imports, one)).collect();
    let marked = |mark| decorators.iter().any(|decorator| decorator.mark == Some(mark));
    let option = |name| {
        let ours = decorators.iter().filter(|decorator| decorator.mark == Some(Mark::Function));
        ours.flat_map(|decorator| &decorator.options).find(|option| option.name == name)?.value.as_ref()
    };
    let range = bytes(func.range());
    let start = func.decorator_list.first().map_or(range.start, |first| bytes(first.range()).start);
    FunctionFacts {
        name: def.qualname.clone(),
        line: parsed.line(bytes(func.name.range()).start),
        first_line: parsed.line(start),
        end_line: parsed.line(range.end),
        source_range: start.min(range.start)..range.end,
        is_async: func.is_async,
        class: def.class.as_ref().map(|(_, name)| name.clone()),
        is_cls: def.class.as_ref().is_some_and(|(class, _)| {
            class
                .decorator_list
                .iter()
                .any(|one| super::defs::mark(&one.expression, imports) == Some(Mark::Cls))
        }),
        is_application: marked(Mark::Application),
        is_function: marked(Mark::Function),
        missing_parenthesis: decorators.iter().any(|decorator| decorator.missing_parenthesis),
        durable: option("durable").is_none_or(Literal::is_true),
        effect: option("effect").is_some_and(Literal::is_true),
        version: version(func, imports),
        params: params(parsed, &func.parameters),
        returns: func.returns.as_ref().map(|hint| parsed.slice(&**hint).to_owned()),
        doc: doc(&func.body),
        decorators,
        definitions,
    }
}

fn decorator(parsed: &Parsed, imports: &Imports, decorator: &Decorator) -> DecoratorFacts {
    let mark = super::defs::mark(&decorator.expression, imports);
    let mut options = Vec::new();
    if let (Expr::Call(call), Some(mark)) = (&decorator.expression, mark) {
        let names: &[&str] = match mark {
            Mark::Function => &FUNCTION_OPTIONS,
            Mark::Application => &APPLICATION_OPTIONS,
            Mark::Cls => &CLS_OPTIONS,
        };
        let positional = names.iter().zip(&call.arguments.args).map(|(name, value)| (*name, value));
        let named = call.arguments.keywords.iter();
        let named = named.filter_map(|keyword| Some((keyword.arg.as_ref()?.as_str(), &keyword.value)));
        options.extend(positional.chain(named).map(|(name, value)| OptionFacts {
            name: name.to_owned(),
            text: parsed.slice(value).to_owned(),
            value: Literal::of(value),
        }));
    }
    DecoratorFacts {
        text: parsed.slice(&decorator.expression).to_owned(),
        line: parsed.line(bytes(decorator.range()).start),
        mark,
        missing_parenthesis: mark.is_some() && !decorator.expression.is_call_expr(),
        options,
    }
}

fn params(parsed: &Parsed, parameters: &ruff_python_ast::Parameters) -> Vec<ParamFacts> {
    let fact = |parameter: &Parameter, kind, default: Option<&Expr>| ParamFacts {
        name: parameter.name.as_str().to_owned(),
        kind,
        hint: parameter.annotation.as_ref().map(|hint| parsed.slice(&**hint).to_owned()),
        default: default.map(|default| parsed.slice(default).to_owned()),
    };
    let plain = |list: &[ParameterWithDefault], kind| -> Vec<ParamFacts> {
        list.iter().map(|one| fact(&one.parameter, kind, one.default.as_deref())).collect()
    };
    let mut out = plain(&parameters.posonlyargs, ParamKind::PositionalOnly);
    out.extend(plain(&parameters.args, ParamKind::Normal));
    out.extend(parameters.vararg.iter().map(|one| fact(one, ParamKind::VarArgs, None)));
    out.extend(plain(&parameters.kwonlyargs, ParamKind::KeywordOnly));
    out.extend(parameters.kwarg.iter().map(|one| fact(one, ParamKind::KwArgs, None)));
    out
}

fn doc(body: &[Stmt]) -> Option<String> {
    let Some(Stmt::Expr(first)) = body.first() else {
        return None;
    };
    let Expr::StringLiteral(text) = &*first.value else {
        return None;
    };
    Some(clean_doc(text.value.to_str()))
}
