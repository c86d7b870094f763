//! Instances as JSON: known classes by what they mean, others by their class and fields.

use serde_json::{Map, Value as Json};

use super::super::tree::{Make, Object, Value};
use super::json::{Viewer, tagged};
use super::{arrays, known};

/// Elements of an array that are shown at most.
const ARRAY_HEAD: usize = 100;

pub(super) fn view(viewer: &mut Viewer, object: &Object, depth: usize) -> Json {
    if let Some((tag, text)) = known::scalar(object) {
        viewer.spend(text.len() + tag.len());
        return tagged(tag, text);
    }
    if let Some(json) = builtin(viewer, object, depth) {
        return json;
    }
    if let Some(array) = arrays::array(object) {
        return ndarray(viewer, &array, depth);
    }
    if let Some((dtype, value)) = arrays::scalar(object) {
        let mut map = Map::new();
        map.insert("$numpy".to_owned(), Json::from(dtype));
        map.insert("value".to_owned(), value.unwrap_or(Json::Null));
        viewer.spend(32);
        return Json::Object(map);
    }
    if let Some(frame) = arrays::frame(object) {
        return outline(viewer, frame);
    }
    if let Some((class, value)) = known::enum_member(object) {
        let mut map = Map::new();
        viewer.spend(class.len() + 20);
        map.insert("$enum".to_owned(), Json::from(class));
        map.insert("value".to_owned(), viewer.value(&value, depth + 1));
        return Json::Object(map);
    }
    instance(viewer, object, depth)
}

/// Builtins and collections that have a shape of their own.
fn builtin(viewer: &mut Viewer, object: &Object, depth: usize) -> Option<Json> {
    let args = object.make.args();
    let tag = match object.global()? {
        ("builtins", "complex") => "$complex",
        ("builtins", "range") => "$range",
        ("builtins", "slice") => "$slice",
        ("collections", name @ ("OrderedDict" | "Counter" | "defaultdict" | "deque")) => {
            return Some(collection(viewer, name, object, depth));
        }
        _ => return None,
    };
    Some(tagged(tag, viewer.items(args, depth)))
}

fn collection(viewer: &mut Viewer, name: &str, object: &Object, depth: usize) -> Json {
    let args = object.make.args();
    let mut map = Map::new();
    map.insert("$type".to_owned(), Json::from(format!("collections.{name}")));
    viewer.spend(32);
    let items = match (name, args) {
        ("deque", _) => {
            if let Some(Value::Int(most)) = args.get(1) {
                map.insert("maxlen".to_owned(), Json::from(*most));
            }
            Json::Array(viewer.items(&object.items, depth + 1))
        }
        ("Counter", [Value::Dict(counts)]) => viewer.dict(counts, depth + 1),
        ("defaultdict", [factory, ..]) => {
            map.insert("default".to_owned(), Json::from(known::type_name(factory)));
            viewer.dict(&object.pairs, depth + 1)
        }
        _ => viewer.dict(&object.pairs, depth + 1),
    };
    map.insert("items".to_owned(), items);
    if let Some(state) = &object.state {
        map.insert("state".to_owned(), viewer.value(state, depth + 1));
    }
    Json::Object(map)
}

fn ndarray(viewer: &mut Viewer, array: &arrays::Array, depth: usize) -> Json {
    let mut map = Map::new();
    map.insert("dtype".to_owned(), Json::from(array.dtype.as_str()));
    map.insert("shape".to_owned(), Json::from(array.shape.as_slice()));
    viewer.spend(60);
    let total = array.shape.iter().fold(1u64, |product, dimension| product.saturating_mul(*dimension));
    let most = ARRAY_HEAD.min(viewer.limits.max_items);
    let data = match &array.data {
        arrays::Data::Objects(Value::List(items)) => {
            viewer.items(items.get(..items.len().min(most)).unwrap_or_default(), depth + 1)
        }
        _ => {
            let head = array.head(most).unwrap_or_default();
            viewer.spend(head.len() * 12);
            head
        }
    };
    if (data.len() as u64) < total {
        viewer.cuts.items += total - data.len() as u64;
    }
    map.insert("data".to_owned(), Json::Array(data));
    tagged("$ndarray", Json::Object(map))
}

fn outline(viewer: &mut Viewer, frame: arrays::Frame) -> Json {
    let mut map = Map::new();
    map.insert("$type".to_owned(), Json::from(frame.class));
    let mut shape: Vec<Json> = frame.rows.map(Json::from).into_iter().collect();
    if let Some(columns) = frame.columns {
        shape.push(Json::from(columns.len()));
        viewer.spend(columns.len() * 16);
        map.insert("columns".to_owned(), Json::Array(columns));
    }
    map.insert("shape".to_owned(), Json::Array(shape));
    viewer.spend(60);
    // The cells are not shown.
    viewer.cuts.items += frame.rows.unwrap_or(1);
    Json::Object(map)
}

/// Class, arguments, fields, elements of any other instance.
fn instance(viewer: &mut Viewer, object: &Object, depth: usize) -> Json {
    let mut map = Map::new();
    let name = known::type_name(object.make.callable());
    viewer.spend(name.len() + 12);
    map.insert("$type".to_owned(), Json::from(name));
    let args = object.make.args();
    if !args.is_empty() {
        map.insert("args".to_owned(), Json::Array(viewer.items(args, depth + 1)));
    }
    if let Make::New { kwargs: Some(kwargs), .. } = &object.make {
        map.insert("kwargs".to_owned(), viewer.value(kwargs, depth + 1));
    }
    if !object.items.is_empty() {
        map.insert("items".to_owned(), Json::Array(viewer.items(&object.items, depth + 1)));
    }
    if !object.added.is_empty() {
        map.insert("items".to_owned(), Json::Array(viewer.items(&object.added, depth + 1)));
    }
    if !object.pairs.is_empty() {
        map.insert("items".to_owned(), viewer.dict(&object.pairs, depth + 1));
    }
    if let Some(state) = &object.state {
        state_fields(viewer, &mut map, object, state, depth);
    }
    Json::Object(map)
}

fn state_fields(
    viewer: &mut Viewer,
    map: &mut Map<String, Json>,
    object: &Object,
    state: &Value,
    depth: usize,
) {
    let pydantic = state.get("__pydantic_fields_set__").is_some();
    let dicts: Vec<&[(Value, Value)]> = match state {
        Value::Dict(_) if pydantic => ["__dict__", "__pydantic_extra__", "__pydantic_private__"]
            .iter()
            .filter_map(|name| state.get(name)?.as_dict())
            .collect(),
        Value::Dict(fields) => vec![fields],
        Value::Tuple(pair)
            if pair.len() == 2 && pair.iter().all(|part| matches!(part, Value::None | Value::Dict(_))) =>
        {
            pair.iter().filter_map(Value::as_dict).collect()
        }
        other => {
            map.insert("state".to_owned(), viewer.value(other, depth + 1));
            return;
        }
    };
    let clash = |key: &Value| key.as_str().is_none_or(|name| map.contains_key(name) || name.starts_with('$'));
    if dicts.iter().any(|fields| fields.iter().take(viewer.limits.max_items).any(|(key, _)| clash(key))) {
        // A field named like one of ours, or without a name: apart, so that nothing is overwritten.
        let state = object.state.as_ref().unwrap_or(&Value::None);
        map.insert("state".to_owned(), viewer.value(state, depth + 1));
        return;
    }
    for fields in dicts {
        viewer.entries(map, fields, depth);
    }
}
