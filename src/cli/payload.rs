//! The bytes of a value, of a part of it, or of the file that it carries.

use super::args::ShowArgs;
use super::context::Context;
use super::error::{CliError, Exit};
use super::peek;
use crate::app::msg::{Payload, Piece};
use crate::base::text;
use crate::diff::value::{Path, Step};
use crate::find::StoreNodes;
use crate::model::{RunHistory, ValueRef};
use crate::store::Store;
use crate::value::UnpackError;
use crate::value::lazy::{Child, Key, Kind, Place, Reader};
use crate::value::look::{self, Carried};
use crate::value::view::{ViewLimits, to_json};

/// Entries of a dict that are looked through at once.
const WINDOW: usize = 1_000;

type Read<T> = Result<T, String>;

fn told(error: UnpackError) -> String {
    error.to_string()
}

/// A part of a recorded value as bytes; `as_file`: when it carries a file, that.
pub fn payload(store: &Store, value: &ValueRef, piece: &Piece, as_file: bool) -> Read<Payload> {
    let source = StoreNodes(store);
    let reader = Reader::new(&source);
    let root = reader.open(&value.digest, value.inline.as_deref()).map_err(told)?;
    let place = match piece {
        Piece::Whole => root,
        Piece::At(path) => descend(&reader, root, path)?,
        Piece::File(ask, nth) => {
            let found = peek::file(&reader, &root, ask, *nth).map_err(told)?;
            return unwrapped(&reader, &found.ok_or("there is no such file in the value")?);
        }
    };
    of_place(&reader, &place, as_file)
}

/// The bytes of what is at a place.
pub(super) fn of_place(reader: &Reader<'_>, place: &Place, as_file: bool) -> Read<Payload> {
    if as_file && let Some(file) = look::carried(reader, place).map_err(told)? {
        return unwrapped(reader, &file);
    }
    let shape = reader.shape(place).map_err(told)?;
    if matches!(shape.kind, Kind::Str | Kind::Bytes | Kind::ByteArray) && shape.scalar.is_none() {
        let extension = look::look(reader, place).map_err(told)?.extension();
        let whole = reader.bytes(place, 0, usize::MAX / 2).map_err(told)?;
        return Ok(Payload { bytes: whole.data.into(), extension });
    }
    let tree = reader.load(place).map_err(told)?;
    let view = to_json(&tree, &ViewLimits::full());
    drop(tree);
    let mut bytes = serde_json::to_vec_pretty(&view.json).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(Payload { bytes, extension: "json" })
}

fn unwrapped(reader: &Reader<'_>, file: &Carried) -> Read<Payload> {
    Ok(Payload { bytes: file.read(reader).map_err(told)?, extension: file.media.extension() })
}

/// `tl-bench show RUN CALL --save FILE`.
pub fn save(
    context: &Context,
    store: &Store,
    run: &RunHistory,
    args: &ShowArgs,
    file: &std::path::Path,
) -> Result<Exit, CliError> {
    let no = args.call.as_deref().map_or(Ok(1), |text| context.call(run, text))?;
    let Some(call) = run.call(no) else {
        return Err(CliError::usage(format!("run {} has no calls", run.id)));
    };
    let (value, side) = if args.input { (&call.input, "input") } else { (&call.output, "output") };
    let path = text::line(&crate::model::path::path(run, no));
    let Some(value) = value else {
        return Err(CliError::usage(format!("{path} has no {side} that was recorded")));
    };
    let wrong = |why: String| CliError::usage(format!("the {side} of {path} cannot be saved: {why}"));
    let source = StoreNodes(store);
    let reader = Reader::new(&source);
    let root = reader.open(&value.digest, value.inline.as_deref()).map_err(|error| wrong(told(error)))?;
    let place = match &args.at {
        Some(at) => {
            find(&reader, root, &Path::parse(at).map_err(|error| CliError::usage(error.to_string()))?)
        }
        None => Ok(root),
    };
    let found = place.and_then(|place| of_place(&reader, &place, true)).map_err(wrong)?;
    if file.as_os_str() == "-" {
        return if context.out.content(&found.bytes, found.extension == "json") {
            Ok(Exit::Success)
        } else {
            let what = format!("a terminal cannot show it ({})", found.extension);
            Err(wrong(what).hint("--save FILE writes it to a file, and `--save - |` hands it to a program"))
        };
    }
    let unwritable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            CliError::usage(format!("{} exists already; nothing was written", file.display()))
        }
        _ => CliError::new(Exit::Environment, format!("{} cannot be written: {error}", file.display())),
    };
    let mut out = std::fs::File::create_new(file).map_err(unwritable)?;
    std::io::Write::write_all(&mut out, &found.bytes).map_err(unwritable)?;
    let size = text::bytes(found.bytes.len() as u64);
    context.out.note(&format!(
        "{size} ({}) written to {}",
        found.extension,
        text::line(&file.display().to_string())
    ));
    Ok(Exit::Success)
}

/// Follows the words of a path.
fn find(reader: &Reader<'_>, root: Place, path: &Path) -> Read<Place> {
    let mut place = root;
    for step in &path.0 {
        let found = match step {
            Step::Index(index) => {
                let child = reader.children(&place, *index as u64, 1).map_err(told)?.into_iter().next();
                child.filter(|child| matches!(child.key, Key::Index(_)))
            }
            Step::Key(name) => named(reader, &place, name)?,
        };
        let word = match step {
            Step::Index(index) => format!("element {index}"),
            Step::Key(name) => format!("{name:?}"),
        };
        place = found.map(|child| child.place).ok_or_else(|| format!("there is no {word} in it"))?;
    }
    Ok(place)
}

fn named(reader: &Reader<'_>, place: &Place, name: &str) -> Read<Option<Child>> {
    let mut at = 0;
    loop {
        let window = reader.children(place, at, WINDOW).map_err(told)?;
        if window.is_empty() {
            return Ok(None);
        }
        at += window.len() as u64;
        let found =
            window.into_iter().find(|child| !matches!(child.key, Key::Index(_)) && child.key.words() == name);
        if found.is_some() {
            return Ok(found);
        }
    }
}

/// Follows positions from child to child.
fn descend(reader: &Reader<'_>, root: Place, path: &[u64]) -> Read<Place> {
    path.iter().try_fold(root, |place, at| {
        let child = reader.children(&place, *at, 1).map_err(told)?.into_iter().next();
        child.map(|child| child.place).ok_or_else(|| "the value has no such part".to_owned())
    })
}
