//! The application's input from the command line: `--input`, `--arg`, or the project's default.

use std::io::Read;

use serde_json::{Map, Value};

use super::args::InputArgs;
use super::error::CliError;
use crate::base::json::beyond_64_bits;
use crate::engine::project::{Application, Project};

/// The input as an object by parameter name. `None` when nothing was given.
pub fn given(args: &InputArgs, app: &Application) -> Result<Option<Value>, CliError> {
    let mut object = match &args.input {
        Some(text) => {
            let (text, name) = read(text)?;
            let value = serde_json::from_str(&text).map_err(|error| {
                CliError::usage(format!("{name} is not JSON: {error}"))
                    .hint("strings need double quotes inside: --input '\"text\"'; or use --arg name=text")
            })?;
            exact(&name, &text)?;
            Some(by_name(value, app)?)
        }
        None => None,
    };
    for pair in &args.args {
        let Some((name, text)) = pair.split_once('=') else {
            return Err(CliError::usage(format!("--arg {pair}: write NAME=VALUE")));
        };
        let value = match serde_json::from_str(text) {
            Ok(value) => exact(&format!("--arg {name}"), text).map(|()| value)?,
            Err(_) => Value::String(text.to_owned()),
        };
        object.get_or_insert_with(Map::new).insert(name.to_owned(), value);
    }
    if let Some(object) = &object {
        check_names(object, app)?;
        for (name, value) in object {
            crate::value::secrets::unmarked(value)
                .map_err(|why| CliError::usage(format!("input {name}: {why}")))?;
        }
    }
    Ok(object.map(Value::Object))
}

/// Refuses integers that JSON as it is read here would round.
fn exact(name: &str, json: &str) -> Result<(), CliError> {
    match beyond_64_bits(json) {
        None => Ok(()),
        Some(number) => Err(CliError::usage(format!(
            "{name}: {number} is beyond 64 bits and would be rounded"
        ))
        .hint(format!("give it as a string, \"{number}\": parameters with the hint `int` take that, too"))),
    }
}

/// What is given, or else the default of the project's configuration, or else nothing for applications that need nothing.
pub fn resolve(args: &InputArgs, app: &Application, project: &Project) -> Result<Value, CliError> {
    let object = match given(args, app)? {
        Some(value) => value,
        None => match &project.config.input {
            Some(file) => {
                let path = project.root.join(file);
                let args = InputArgs { input: Some(format!("@{}", path.display())), args: vec![] };
                given(&args, app)?.unwrap_or_else(|| Value::Object(Map::new()))
            }
            None => Value::Object(Map::new()),
        },
    };
    let missing: Vec<&str> = app
        .params
        .iter()
        .filter(|param| !param.optional && object.get(&param.name).is_none())
        .map(|param| param.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(object);
    }
    Err(CliError::usage(format!("{} needs {}: {}", app.name, plural(&missing), missing.join(", ")))
        .hint(format!("try --arg {}=…, or --input with {}", missing[0], shape(app))))
}

fn plural(names: &[&str]) -> &'static str {
    if names.len() == 1 { "an argument" } else { "arguments" }
}

fn shape(app: &Application) -> String {
    match app.params.as_slice() {
        [one] => format!("the value of {}", one.name),
        several => {
            let names: Vec<String> = several.iter().map(|p| format!("\"{}\": …", p.name)).collect();
            format!("{{{}}}", names.join(", "))
        }
    }
}

fn read(text: &str) -> Result<(String, String), CliError> {
    if let Some(file) = text.strip_prefix('@') {
        let content = std::fs::read_to_string(file)
            .map_err(|error| CliError::usage(format!("cannot read --input @{file}: {error}")))?;
        return Ok((content, format!("--input @{file}")));
    }
    if text == "-" {
        let mut content = String::new();
        std::io::stdin()
            .read_to_string(&mut content)
            .map_err(|error| CliError::usage(format!("cannot read --input from standard input: {error}")))?;
        return Ok((content, "standard input".to_owned()));
    }
    Ok((text.to_owned(), "--input".to_owned()))
}

fn by_name(value: Value, app: &Application) -> Result<Map<String, Value>, CliError> {
    let mut object = Map::new();
    match (app.params.as_slice(), value) {
        ([], Value::Null) => {}
        ([], Value::Object(map)) if map.is_empty() => {}
        ([], _) => return Err(CliError::usage(format!("{} takes no input", app.name))),
        ([one], Value::Object(map)) if map.len() == 1 && map.contains_key(&one.name) => object = map,
        ([one], value) => {
            object.insert(one.name.clone(), value);
        }
        (_, Value::Object(map)) => object = map,
        (params, Value::Array(values)) => {
            if values.len() > params.len() {
                return Err(CliError::usage(format!(
                    "--input has {} values, {} takes {}",
                    values.len(),
                    app.name,
                    params.len()
                )));
            }
            for (param, value) in params.iter().zip(values) {
                object.insert(param.name.clone(), value);
            }
        }
        _ => {
            return Err(CliError::usage(format!(
                "{} takes {} arguments: --input must be an object by name or an array by position",
                app.name,
                app.params.len()
            ))
            .hint(format!("for example {}", shape(app))));
        }
    }
    Ok(object)
}

fn check_names(object: &Map<String, Value>, app: &Application) -> Result<(), CliError> {
    for name in object.keys() {
        if !app.params.iter().any(|param| param.name == *name) {
            let near = crate::engine::suggest::nearest(name, app.params.iter().map(|p| p.name.as_str()));
            let names: Vec<&str> = app.params.iter().map(|param| param.name.as_str()).collect();
            let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(CliError::usage(format!("{} has no parameter '{name}'{near}", app.name))
                .hint(format!("its parameters: {has}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::project::Parameter;

    fn app(names: &[&str]) -> Application {
        Application {
            name: "f".into(),
            file: "f.py".into(),
            line: 1,
            params: names
                .iter()
                .map(|name| Parameter { name: (*name).into(), hint: None, optional: false })
                .collect(),
            doc: None,
        }
    }

    fn input(text: &str, names: &[&str]) -> Result<Value, CliError> {
        let args = InputArgs { input: Some(text.into()), args: vec![] };
        given(&args, &app(names)).map(Option::unwrap_or_default)
    }

    #[test]
    fn integers_that_would_be_rounded_are_refused() {
        let error = input("18446744073709551616", &["xs"]).unwrap_err();
        assert!(error.message.contains("18446744073709551616 is beyond 64 bits"), "{}", error.message);
    }

    #[test]
    fn one_parameter_takes_the_whole_value() {
        assert_eq!(input("[1,2]", &["xs"]).unwrap(), serde_json::json!({"xs": [1, 2]}));
        assert_eq!(input("{\"ys\":1}", &["xs"]).unwrap(), serde_json::json!({"xs": {"ys": 1}}));
        // Nobody who names the parameter means an object with that name in it.
        assert_eq!(input("{\"xs\":1}", &["xs"]).unwrap(), serde_json::json!({"xs": 1}));
    }

    #[test]
    fn several_parameters_by_name_or_position() {
        assert_eq!(input("[1,2]", &["a", "b"]).unwrap(), serde_json::json!({"a": 1, "b": 2}));
        assert_eq!(input("{\"b\":1}", &["a", "b"]).unwrap(), serde_json::json!({"b": 1}));
        assert!(input("3", &["a", "b"]).is_err());
        assert!(input("[1,2,3]", &["a", "b"]).is_err());
    }

    #[test]
    fn mistakes_are_named() {
        assert!(input("{bad", &["a"]).unwrap_err().message.contains("line 1 column 2"));
        let args = InputArgs { input: None, args: vec!["topik=x".into()] };
        let error = given(&args, &app(&["topic"])).unwrap_err();
        assert!(error.message.contains("did you mean 'topic'"), "{}", error.message);
    }
}
