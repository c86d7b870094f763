"""Writes pickles.txt: real pickles of common classes as hex, one `name hex` per line.

Needs pydantic, numpy, pandas and openai; run it in this folder with Python 3.11 and look at the diff.
"""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import pickle
import sys
import types
import typing
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import pydantic
from openai.types.chat import ChatCompletion

app = types.ModuleType("app")
sys.modules["app"] = app


def in_app(cls):
    cls.__module__ = "app"
    setattr(app, cls.__name__, cls)
    return cls


@in_app
class Color(enum.Enum):
    RED = 1


@in_app
@dataclasses.dataclass
class Plan:
    goal: str
    steps: list


@in_app
@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    a: int


@in_app
class WithSlots:
    __slots__ = ("a", "b")


@in_app
class Point(typing.NamedTuple):
    x: int
    y: float


@in_app
class Oops(Exception):
    pass


@in_app
class Names(list):
    pass


@in_app
class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    a: int
    b: str = "z"


slots = WithSlots()
slots.a, slots.b = 1, "x"
oops = Oops("bad", 3)
oops.code = 5
cyclic = [1]
cyclic.append(cyclic)
inner = {"k": 1}
chat = ChatCompletion.model_validate(
    dict(
        id="c1",
        object="chat.completion",
        created=1,
        model="gpt-x",
        choices=[
            dict(
                index=0,
                finish_reason="tool_calls",
                message=dict(
                    role="assistant",
                    content=None,
                    tool_calls=[
                        dict(id="t", type="function", function=dict(name="search_web", arguments="{}"))
                    ],
                ),
            )
        ],
        usage=dict(
            prompt_tokens=30,
            completion_tokens=4,
            total_tokens=34,
            prompt_tokens_details=dict(cached_tokens=20),
        ),
    )
)
frame = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5], "c": ["x", "y"]})
utc = dt.timezone.utc
zone = zoneinfo.ZoneInfo("Europe/Berlin")
method = [1].append

CASES = {
    "enum": Color.RED,
    "dataclass": Plan("g", [1]),
    "frozen_slots": Slotted(1),
    "slots": slots,
    "namedtuple": Point(1, 2.0),
    "exception": oops,
    "value_error": ValueError("x"),
    "list_subclass": Names(["n"]),
    "pydantic": Model(a=1, more=2),
    "datetime": dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=utc),
    "datetime_offset": dt.datetime(2024, 1, 2, 3, 4, tzinfo=dt.timezone(-dt.timedelta(hours=2, minutes=30))),
    "datetime_zone": dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    "date": dt.date(2024, 1, 2),
    "time": dt.time(1, 2, 3, 4),
    "timedelta": dt.timedelta(1, 3723, 4),
    "negative_timedelta": -dt.timedelta(seconds=1.5),
    "decimal": decimal.Decimal("1.50"),
    "uuid": uuid.UUID("12345678-1234-5678-9234-567812345678"),
    "path": pathlib.PosixPath("/a/b"),
    "fraction": fractions.Fraction(1, 2),
    "complex": 1 + 2j,
    "range": range(3),
    "defaultdict": collections.defaultdict(list, {1: [2]}),
    "ordered": collections.OrderedDict(a=1),
    "counter": collections.Counter("aab"),
    "deque": collections.deque([1, 2], maxlen=5),
    "global": len,
    "array": np.array([[0.0, 1.5], [2.0, 3.0]]),
    "array_i2_big": np.array([1, -2], dtype=">i2"),
    "array_f4": np.array([0.1, np.nan], dtype="f4"),
    "array_str": np.array(["a", "bc"]),
    "array_object": np.array([1, "a"], dtype=object),
    "array_bool": np.array([True, False]),
    "np_float": np.float64(1.5),
    "np_int": np.int64(-3),
    "frame": frame,
    "series": frame["a"],
    "chat": chat,
    "aliased": [inner, inner],
    "cyclic": cyclic,
    "same_dates": [utc, utc, Color.RED],
    "same_zone": [zone, dt.datetime(2024, 1, 1, tzinfo=zone)],
    "same_method": [method, method],
    "surrogate": "a\udc80b",
    "big": -(2**70),
}

with open("pickles.txt", "w") as out:
    for name, value in CASES.items():
        out.write(f"{name} {pickle.dumps(value, 5).hex()}\n")
