"""An output that somebody writes as a Python expression at the gate.

Evaluated where the call's body would run: its names are the application's, then the function's
module's, then the call's arguments, and ``output`` is what the call would give or gave. It runs in a
thread of its own, outside of any call: what it prints belongs to no call, what it reads is no witness,
and calling a ``@function`` is refused, because that would be a call of the run.
"""

from __future__ import annotations

from _contextvars import Context
from _thread import get_ident
from types import CoroutineType

from tensorlake.applications.interface.exceptions import SDKUsageError
from tensorlake.applications.registry import get_function

from . import reads
from . import session as sessions
from .binding import parameters_of
from .body import _arguments, _failure, _instance, _run_async
from .errors import Abandoned, record
from .values import dumps, loads
from .wire import frame

_NO_CALLS = (
    "An expression at the gate cannot call a @function: that would be a call of the run. "
    "Execute the call instead, or use a plain function."
)


def evaluate(executor, header: dict, blobs) -> None:
    """Evaluate and tell; in a thread of its own."""
    call = sessions.Call(
        executor.session, header["call"], 0, executor.functions(header["fn"]), header.get("request") or ""
    )
    call.thread = get_ident()
    # So that it can be interrupted as a body can.
    executor.calls[call.number] = call
    reads.begin(call)
    try:
        fields, blob = Context().run(_evaluate, call, header, blobs)
    except Abandoned as error:
        fields, blob = _failure(record(error, "cancelled"))
    finally:
        reads.begin(None)
        if executor.calls.get(call.number) is call:
            del executor.calls[call.number]
    head = '{"t":"evaluated","id":%d,%s}' % (header["id"], fields)
    try:
        executor.session.send(frame(head, () if blob is None else (blob,)))
    except OSError as error:
        executor.session.lost(error)


def _evaluate(call, header: dict, blobs):
    is_root = header.get("input") == "json"
    try:
        code = compile(header["expr"].strip(), "<expression>", "eval")
        names = _names(call.function, header, blobs, is_root)
        call.in_user = True
        if call.abandoned is not None:
            raise Abandoned(call.abandoned)
        result = eval(code, names)
        if type(result) is CoroutineType:
            result = _run_async(result)
        call.in_user = False
        if is_root:
            from .coerce import application_output

            return '"ok":true', application_output(call.function, result)
        return '"ok":true', dumps(result, "what the expression gives")
    except Abandoned:
        call.in_user = False
        raise
    except SDKUsageError as error:
        call.in_user = False
        if sessions._OUTSIDE in str(error):
            error = SDKUsageError(_NO_CALLS)
        return _failure(record(error))
    except BaseException as error:
        call.in_user = False
        return _failure(record(error))


def _names(function, header: dict, blobs, is_root: bool) -> dict:
    """One namespace: comprehensions see no others than an expression's globals."""
    body = function._original_function
    names = dict(get_function(header["app"])._original_function.__globals__)
    names.update(body.__globals__)
    if header.get("output"):
        names["output"] = loads(blobs[-1])
    args, kwargs = _arguments(function, header, blobs, is_root)
    args = list(args)
    if function._function_config.class_name is not None:
        args.insert(0, _instance(function._function_config.class_name))
    for parameter in parameters_of(body):
        if parameter.kind == "var_positional":
            names[parameter.name], args = tuple(args), []
        elif parameter.kind == "var_keyword":
            names[parameter.name], kwargs = dict(kwargs), {}
        elif args and parameter.kind.startswith("positional"):
            names[parameter.name] = args.pop(0)
        elif parameter.name in kwargs:
            names[parameter.name] = kwargs.pop(parameter.name)
        elif parameter.has_default:
            names[parameter.name] = parameter.default
    return names
