//! numpy arrays and scalars, and the outlines of pandas frames, from the shapes that they pickle to.

use bytes::Bytes;
use serde_json::Value as Json;

use super::super::tree::{Object, Value};
use super::known;

/// An array as its pickle describes it.
pub(super) struct Array {
    /// Like `float64`, `<U2`, `object`.
    pub dtype: String,
    pub shape: Vec<u64>,
    kind: u8,
    width: usize,
    big: bool,
    /// The elements in memory order.
    pub data: Data,
}

/// Where the elements of an array are.
pub(super) enum Data {
    Packed(Bytes),
    Objects(Value),
    Unknown,
}

struct Dtype {
    name: String,
    kind: u8,
    width: usize,
    big: bool,
}

/// `numpy.dtype(code, False, True)` with the byte order in its state.
fn dtype(value: &Value) -> Option<Dtype> {
    let Value::Object(object) = value else { return None };
    let ("numpy", "dtype") = object.global()? else { return None };
    let code = object.make.args().first()?.as_str()?;
    let kind = *code.as_bytes().first()?;
    let width = code.get(1..)?.parse::<usize>().unwrap_or(0);
    let order = match &object.state {
        Some(Value::Tuple(state)) => state.get(1).and_then(Value::as_str).unwrap_or("|"),
        _ => "|",
    };
    let bits = width.saturating_mul(8);
    let name = match kind {
        b'f' => format!("float{bits}"),
        b'i' => format!("int{bits}"),
        b'u' => format!("uint{bits}"),
        b'c' => format!("complex{bits}"),
        b'b' => "bool".to_owned(),
        b'O' => "object".to_owned(),
        b'M' => "datetime64".to_owned(),
        b'm' => "timedelta64".to_owned(),
        _ => format!("{order}{code}"),
    };
    Some(Dtype { name, kind, width, big: order == ">" })
}

fn shape(value: &Value) -> Option<Vec<u64>> {
    let dimension = |value: &Value| match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    match value {
        Value::Tuple(items) if items.len() <= 64 => items.iter().map(dimension).collect(),
        _ => None,
    }
}

fn packed(value: &Value) -> Data {
    match value {
        Value::Bytes(bytes) | Value::ByteArray(bytes) => Data::Packed(bytes.clone()),
        Value::List(_) => Data::Objects(value.clone()),
        _ => Data::Unknown,
    }
}

/// An `ndarray`, in either of the two shapes that numpy writes.
pub(super) fn array(object: &Object) -> Option<Array> {
    let (module, name) = object.global()?;
    if !module.starts_with("numpy.") {
        return None;
    }
    let (kind, dims, data) = match (name, object.make.args(), &object.state) {
        ("_frombuffer", [buffer, kind, dims, _], _) => (kind, dims, packed(buffer)),
        // `(version, shape, dtype, is_fortran, data)`
        ("_reconstruct", _, Some(Value::Tuple(state))) => match state.as_slice() {
            [_, dims, kind, _, data] => (kind, dims, packed(data)),
            _ => return None,
        },
        _ => return None,
    };
    let kind = dtype(kind)?;
    let shape = shape(dims)?;
    Some(Array { dtype: kind.name, shape, kind: kind.kind, width: kind.width, big: kind.big, data })
}

/// A numpy scalar: the name of its type, and its value when it can be decoded.
pub(super) fn scalar(object: &Object) -> Option<(String, Option<Json>)> {
    let (module, "scalar") = object.global()? else { return None };
    if !module.starts_with("numpy.") {
        return None;
    }
    let [kind, Value::Bytes(bytes)] = object.make.args() else { return None };
    let kind = dtype(kind)?;
    Some((kind.name, element(kind.kind, kind.width, kind.big, bytes)))
}

impl Array {
    /// The first elements in memory order; `None` for types that are not decoded.
    pub(super) fn head(&self, most: usize) -> Option<Vec<Json>> {
        let Data::Packed(bytes) = &self.data else { return None };
        // Strings are counted in characters of four bytes.
        let width = if self.kind == b'U' { self.width.checked_mul(4)? } else { self.width };
        if width == 0 {
            return None;
        }
        bytes
            .chunks_exact(width)
            .take(most)
            .map(|cell| element(self.kind, self.width, self.big, cell))
            .collect()
    }

    /// `float64 (3, 2)`
    pub(super) fn outline(&self) -> String {
        let dims: Vec<String> = self.shape.iter().map(u64::to_string).collect();
        format!("{} ({})", self.dtype, dims.join("×"))
    }
}

fn element(kind: u8, width: usize, big: bool, cell: &[u8]) -> Option<Json> {
    let mut word = [0u8; 8];
    if matches!(kind, b'f' | b'i' | b'u' | b'b') {
        if cell.len() != width || width > 8 || width == 0 {
            return None;
        }
        for (i, byte) in cell.iter().enumerate() {
            word[if big { width - 1 - i } else { i }] = *byte;
        }
    }
    let unsigned = u64::from_le_bytes(word);
    Some(match (kind, width) {
        (b'b', 1) => Json::Bool(unsigned != 0),
        (b'u', _) => Json::from(unsigned),
        (b'i', _) => {
            let shift = 64 - 8 * width as u32;
            Json::from((unsigned << shift) as i64 >> shift)
        }
        (b'f', 8) => float(f64::from_le_bytes(word)),
        (b'f', 4) => {
            let number = f32::from_bits(unsigned as u32);
            // The shortest digits of the single, not those of the double it widens to.
            float(number.to_string().parse().unwrap_or(f64::from(number)))
        }
        (b'f', 2) => float(half(unsigned as u16)),
        (b'U', _) => {
            let chars = cell.chunks_exact(4).map(|unit| {
                let unit: [u8; 4] = unit.try_into().unwrap_or_default();
                let code = if big { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) };
                char::from_u32(code).unwrap_or('\u{fffd}')
            });
            let text: String = chars.take(4096).collect();
            Json::from(text.trim_end_matches('\0'))
        }
        (b'S', _) => {
            let text = String::from_utf8_lossy(cell.get(..4096).unwrap_or(cell));
            Json::from(text.trim_end_matches('\0'))
        }
        _ => return None,
    })
}

/// A float as JSON; the three that JSON lacks get a tag.
pub(super) fn float(number: f64) -> Json {
    match serde_json::Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None if number.is_nan() => serde_json::json!({"$float": "nan"}),
        None if number > 0.0 => serde_json::json!({"$float": "inf"}),
        None => serde_json::json!({"$float": "-inf"}),
    }
}

fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let mantissa = f64::from(bits & 0x3ff);
    match bits >> 10 & 0x1f {
        0 => sign * mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        exponent => sign * (1.0 + mantissa / 1024.0) * 2f64.powi(i32::from(exponent) - 15),
    }
}

/// A pandas frame or series, as far as its pickle tells: its class, rows, columns, names of the columns.
pub(super) struct Frame {
    pub class: String,
    pub rows: Option<u64>,
    pub columns: Option<Vec<Json>>,
}

/// How many column names are worth showing.
const COLUMNS: usize = 100;

pub(super) fn frame(object: &Object) -> Option<Frame> {
    let (module, class @ ("DataFrame" | "Series")) = object.global()? else { return None };
    if module != "pandas" && !module.starts_with("pandas.core.") {
        return None;
    }
    let Value::Object(manager) =
        object.state.as_ref()?.get("_mgr").or_else(|| object.state.as_ref()?.get("_data"))?
    else {
        return None;
    };
    // Axes are the second argument of the block manager, or the first part of its state.
    let axes = match (&manager.state, manager.make.args()) {
        (Some(Value::Tuple(state)), _) => state.first().and_then(Value::as_items),
        (_, [_, axes, ..]) => axes.as_items(),
        _ => None,
    };
    let axes = axes.unwrap_or_default();
    let frame = class == "DataFrame";
    let rows = axes.get(usize::from(frame)).and_then(index_len);
    let columns = if frame { axes.first().and_then(index_names) } else { None };
    Some(Frame { class: known::type_name(object.make.callable()), rows, columns })
}

/// `_new_Index(cls, {…})`
fn index_fields(index: &Value) -> Option<&Value> {
    let Value::Object(object) = index else { return None };
    object.make.args().get(1)
}

fn index_len(index: &Value) -> Option<u64> {
    let fields = index_fields(index)?;
    match (fields.get("start"), fields.get("stop"), fields.get("step")) {
        (Some(Value::Int(start)), Some(Value::Int(stop)), Some(Value::Int(step))) if *step != 0 => {
            let span = i128::from(*stop) - i128::from(*start);
            let step = i128::from(*step);
            u64::try_from((span + step - step.signum()) / step).ok().or(Some(0))
        }
        _ => index_array(fields.get("data")?, 0)?.shape.first().copied(),
    }
}

fn index_names(index: &Value) -> Option<Vec<Json>> {
    let array = index_array(index_fields(index)?.get("data")?, 0)?;
    match &array.data {
        Data::Objects(Value::List(items)) => {
            let name = |item: &Value| match item {
                Value::Str(text) => Json::from(text.head(200).0),
                Value::Int(number) => Json::from(*number),
                _ => Json::from("?"),
            };
            Some(items.iter().take(COLUMNS).map(name).collect())
        }
        _ => array.head(COLUMNS),
    }
}

/// The array in an index: itself, or in the state of an extension array around it.
fn index_array(data: &Value, depth: u8) -> Option<Array> {
    let Value::Object(object) = data else { return None };
    if let Some(array) = array(object) {
        return Some(array);
    }
    match &object.state {
        Some(Value::Tuple(parts)) if depth < 3 => {
            parts.iter().take(8).find_map(|part| index_array(part, depth + 1))
        }
        _ => None,
    }
}
