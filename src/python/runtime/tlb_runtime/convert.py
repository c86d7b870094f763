"""Fitting values to type hints without pydantic, by its rules for builtin hints (lax mode).

``is_exact`` also serves projects with pydantic: a value that passes needs no conversion, and the
import is spared. Hints that are not known here pass everything of the class they name.
"""

from __future__ import annotations

from .hints import MISSING, hint_text

_SIMPLE = (str, int, float, bool)
_TRUE = frozenset(("true", "t", "yes", "y", "on", "1"))
_FALSE = frozenset(("false", "f", "no", "n", "off", "0"))


class Unfit(Exception):
    """A value does not fit a hint."""


def _origin(hint):
    return getattr(hint, "__origin__", None)


def _is_union(hint) -> bool:
    kind = type(hint).__name__
    return kind in ("UnionType", "Union", "_UnionGenericAlias") and hasattr(hint, "__args__")


def _is_any(hint) -> bool:
    return hint is MISSING or getattr(hint, "_name", None) == "Any" or (
        getattr(hint, "__name__", None) == "Any" and getattr(hint, "__module__", "") == "typing"
    )


def is_exact(value, hint, depth: int = 0) -> bool:
    """True when the value is JSON of exactly the type that the hint names."""
    if depth > 50:
        return False
    if hint in _SIMPLE if isinstance(hint, type) else False:
        return type(value) is hint and (hint is not float or value - value == 0)
    if hint is None or hint is type(None):
        return value is None
    if _is_any(hint):
        return _is_plain(value, depth)
    if hint is list:
        return type(value) is list and _is_plain(value, depth)
    if hint is dict:
        return type(value) is dict and _is_plain(value, depth)
    if _is_union(hint):
        return any(is_exact(value, part, depth + 1) for part in hint.__args__)
    origin = _origin(hint)
    args = getattr(hint, "__args__", ())
    if origin is list and len(args) == 1:
        if type(value) is not list:
            return False
        return all(is_exact(part, args[0], depth + 1) for part in value)
    if origin is dict and len(args) == 2 and args[0] is str:
        return type(value) is dict and all(
            type(key) is str and is_exact(part, args[1], depth + 1) for key, part in value.items()
        )
    return False


def _is_plain(value, depth: int) -> bool:
    kind = type(value)
    if kind is float:
        return value - value == 0  # neither infinite nor NaN
    if value is None or kind in _SIMPLE:
        return True
    if depth > 50:
        return False
    if kind is list:
        return all(_is_plain(part, depth + 1) for part in value)
    if kind is dict:
        return all(type(k) is str and _is_plain(v, depth + 1) for k, v in value.items())
    return False


def convert(value, hint, from_json: bool):
    """The value as the hint wants it. Raises Unfit with the reason and the place."""
    if _is_any(hint):
        return value
    if isinstance(hint, str):
        raise Unfit(f"the type hint '{hint}' cannot be evaluated")
    if hint is None or hint is type(None):
        if value is None:
            return None
        raise Unfit("it is not None")
    if _is_union(hint):
        return _convert_union(value, hint, from_json)
    origin = _origin(hint)
    args = getattr(hint, "__args__", None) or ()
    if origin is not None:
        if hasattr(hint, "__metadata__"):  # Annotated[T, ...]
            return convert(value, origin, from_json)
        if type(hint).__name__ == "_LiteralGenericAlias":
            for choice in args:
                if type(choice) is type(value) and choice == value or (
                    getattr(choice, "value", MISSING) == value
                ):
                    return choice
            raise Unfit(f"it is none of {', '.join(repr(choice) for choice in args)}")
        return _convert_container(value, origin, args, from_json)
    if hasattr(hint, "__supertype__"):  # NewType
        return convert(value, hint.__supertype__, from_json)
    if not isinstance(hint, type):
        return value  # a TypeVar, a ForwardRef, ...: nothing is known
    return _convert_class(value, hint, from_json)


def _convert_union(value, hint, from_json: bool):
    parts = hint.__args__
    for part in parts:
        if is_exact(value, part) or isinstance(part, type) and type(value) is part:
            return value
    reasons = []
    for part in parts:
        try:
            return convert(value, part, from_json)
        except Unfit as error:
            reasons.append(f"as {hint_text(part)}: {error}")
    raise Unfit("; ".join(reasons))


def _convert_class(value, hint, from_json: bool):
    if hint is bool:
        return _convert_bool(value)
    if hint is int:
        return _convert_int(value)
    if hint is float:
        return _convert_float(value)
    if hint is str:
        if isinstance(value, str):
            return value
        raise Unfit("it is not a string")
    if hint is bytes:
        if isinstance(value, (bytes, bytearray)):
            return bytes(value)
        if isinstance(value, str):
            return value.encode("utf-8")
        raise Unfit("it is neither bytes nor a string")
    if hint in (list, tuple, set, frozenset, dict):
        return _convert_container(value, hint, (), from_json)
    if hint is object:
        return value
    if not from_json and isinstance(value, hint):
        return value
    if hasattr(hint, "__dataclass_fields__"):
        return _convert_dataclass(value, hint, from_json)
    if hasattr(hint, "__members__"):  # an Enum
        return _convert_enum(value, hint)
    if hasattr(hint, "__total__") and issubclass(hint, dict):
        return _convert_typed_dict(value, hint, from_json)
    if hasattr(hint, "_fields") and issubclass(hint, tuple):
        return _convert_named_tuple(value, hint, from_json)
    known = _CONVERTERS.get((hint.__module__, hint.__qualname__)) or _CONVERTERS.get(
        (hint.__module__.split(".")[0], hint.__qualname__)
    )
    if known is not None:
        try:
            return value if isinstance(value, hint) else known(hint, value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise Unfit(f"it is not a valid {hint.__qualname__} ({error})") from None
    if isinstance(value, hint):
        return value
    raise Unfit(f"it is not a {hint.__qualname__}")


def _convert_bool(value) -> bool:
    if type(value) is bool:
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
    raise Unfit("it is not a boolean")


def _convert_int(value) -> int:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if value == value and value not in (1e999, -1e999) and value == int(value):
            return int(value)
        raise Unfit("it is a number with a fractional part")
    if isinstance(value, str):
        try:
            return int(value.strip())
        except ValueError:
            pass
    raise Unfit("it is not an integer")


def _convert_float(value) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    raise Unfit("it is not a number")


def _convert_enum(value, hint):
    if isinstance(value, hint):
        return value
    for member in hint:
        if member.value == value and (type(member.value) is type(value) or value is not True):
            return member
    choices = ", ".join(repr(member.value) for member in hint)
    raise Unfit(f"it is no value of {hint.__qualname__} ({choices})")


def _at(step: str, error: Unfit) -> Unfit:
    text = str(error)
    return Unfit(f"at {step}{text[3:]}" if text.startswith("at [") or text.startswith("at .")
                 else f"at {step}: {text}")


def _each(values, hint, from_json: bool):
    for index, part in enumerate(values):
        try:
            yield convert(part, hint, from_json)
        except Unfit as error:
            raise _at(f"[{index}]", error) from None


_SEQUENCES = {"Sequence": list, "Iterable": list, "Collection": list, "MutableSequence": list,
              "Set": set, "AbstractSet": set, "MutableSet": set}  # fmt: skip
_MAPPINGS = ("dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict")


def _convert_container(value, origin, args, from_json: bool):
    name = getattr(origin, "__name__", "")
    if name in _MAPPINGS:
        if not isinstance(value, dict) and not hasattr(value, "keys"):
            raise Unfit("it is not an object")
        key_hint, value_hint = (args + (MISSING, MISSING))[:2]
        result = {}
        for key in value:
            try:
                result[convert(key, key_hint, from_json)] = convert(
                    value[key], value_hint, from_json
                )
            except Unfit as error:
                raise _at(f"[{key!r}]", error) from None
        return result
    kind = _SEQUENCES.get(name, origin)
    if kind not in (list, tuple, set, frozenset):
        if isinstance(origin, type):
            return _convert_class(value, origin, from_json)
        return value
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise Unfit("it is not a list")
    values = list(value)
    if kind is tuple and args and not (len(args) == 2 and args[1] is Ellipsis):
        if args == ((),):
            args = ()
        if len(values) != len(args):
            raise Unfit(f"it has {len(values)} items, not {len(args)}")
        result = []
        for index, (part, part_hint) in enumerate(zip(values, args)):
            result.extend(_one(part, part_hint, from_json, index))
        return tuple(result)
    return kind(_each(values, args[0] if args else MISSING, from_json))


def _one(part, hint, from_json: bool, index: int):
    try:
        return [convert(part, hint, from_json)]
    except Unfit as error:
        raise _at(f"[{index}]", error) from None


def _convert_fields(value, hints: dict, required, from_json: bool) -> dict:
    if not isinstance(value, dict):
        raise Unfit("it is not an object")
    missing = [name for name in required if name not in value]
    if missing:
        raise Unfit(f"{', '.join(repr(name) for name in missing)} missing")
    result = {}
    for name, hint in hints.items():
        if name in value:
            try:
                result[name] = convert(value[name], hint, from_json)
            except Unfit as error:
                raise _at(f".{name}", error) from None
    return result


def _hints_of_class(cls) -> dict:
    import typing

    try:
        return typing.get_type_hints(cls, include_extras=True)
    except Exception:
        return dict(getattr(cls, "__annotations__", {}))


def _convert_dataclass(value, hint, from_json: bool):
    if isinstance(value, hint):
        return value
    from dataclasses import MISSING as NO_DEFAULT

    fields = [field for field in hint.__dataclass_fields__.values() if field.init]
    hints = _hints_of_class(hint)
    required = [
        field.name
        for field in fields
        if field.default is NO_DEFAULT and field.default_factory is NO_DEFAULT
    ]
    wanted = {field.name: hints.get(field.name, MISSING) for field in fields}
    return hint(**_convert_fields(value, wanted, required, from_json))


def _convert_typed_dict(value, hint, from_json: bool):
    hints = {
        name: getattr(part, "__args__", (part,))[0]
        if getattr(_origin(part), "_name", "") in ("Required", "NotRequired")
        else part
        for name, part in _hints_of_class(hint).items()
    }
    return _convert_fields(value, hints, sorted(hint.__required_keys__), from_json)


def _convert_named_tuple(value, hint, from_json: bool):
    hints = _hints_of_class(hint)
    if isinstance(value, (list, tuple)):
        value = dict(zip(hint._fields, value))
    required = [name for name in hint._fields if name not in hint._field_defaults]
    wanted = {name: hints.get(name, MISSING) for name in hint._fields}
    return hint(**_convert_fields(value, wanted, required, from_json))


def _iso(hint, value):
    if isinstance(value, str):
        # Python 3.10 does not read a Z.
        return hint.fromisoformat(value[:-1] + "+00:00" if value[-1:] in "Zz" else value)
    raise ValueError("an ISO 8601 text is wanted")


def _datetime(hint, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        from datetime import timezone

        return hint.fromtimestamp(value, timezone.utc)
    return _iso(hint, value)


def _timedelta(hint, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return hint(seconds=value)
    if isinstance(value, str):
        return hint(seconds=_iso_duration(value))
    raise ValueError("seconds or an ISO 8601 duration are wanted")


def _iso_duration(text: str) -> float:
    units = {"W": 604800, "D": 86400, "H": 3600, "M": 60, "S": 1}
    sign = -1 if text.startswith("-") else 1
    body = text.lstrip("+-")
    if not body.startswith("P"):
        raise ValueError("no ISO 8601 duration")
    total, number = 0.0, ""
    for char in body[1:]:
        if char in "0123456789.":
            number += char
        elif char != "T":
            total += float(number) * units[char] if char in units else float("nan")
            number = ""
    return sign * total


def _text_value(hint, value):
    if isinstance(value, str):
        return hint(value)
    raise ValueError("a text is wanted")


def _decimal(hint, value):
    return hint(str(value)) if isinstance(value, (int, float, str)) else _text_value(hint, value)


_CONVERTERS = {
    ("datetime", "datetime"): _datetime,
    ("datetime", "date"): _iso,
    ("datetime", "time"): _iso,
    ("datetime", "timedelta"): _timedelta,
    ("decimal", "Decimal"): _decimal,
    ("uuid", "UUID"): _text_value,
    ("pathlib", "Path"): _text_value,
    ("pathlib", "PurePath"): _text_value,
    ("pathlib", "PosixPath"): _text_value,
}


def to_json(value, depth: int = 0):
    """A value of the supported types as what JSON can hold. Raises Unfit."""
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is float:
        return value if value - value == 0 else None
    if depth > 500:
        raise Unfit("it is nested too deeply, or contains itself")
    if isinstance(value, dict):
        return {_json_key(key): to_json(part, depth + 1) for key, part in value.items()}
    if hasattr(kind, "__members__") and hasattr(value, "value"):
        return to_json(value.value, depth + 1)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(part, depth + 1) for part in value]
    if hasattr(kind, "__dataclass_fields__"):
        return {
            name: to_json(getattr(value, name), depth + 1) for name in kind.__dataclass_fields__
        }
    if isinstance(value, (str, int, float)):
        return to_json(kind.__mro__[-2](value), depth + 1)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "total_seconds"):
        return _duration_text(value.total_seconds())
    if kind.__module__ in ("decimal", "uuid") or hasattr(value, "__fspath__"):
        return str(value)
    raise Unfit(f"an object of type {kind.__qualname__} is not JSON")


def _duration_text(seconds: float) -> str:
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    days, rest = divmod(seconds, 86400)
    return f"{sign}P{int(days)}DT{rest:g}S" if days else f"{sign}PT{rest:g}S"


def _json_key(key) -> str:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, bool):
        return "true" if key else "false"
    if key is None:
        return "None"
    if isinstance(key, (int, float)):
        return str(key)
    return str(to_json(key))
