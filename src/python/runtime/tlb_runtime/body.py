"""What happens inside one call: arguments, the user's function, its outcome.

Runs in a fresh context, so that context variables never leak between calls. Nothing of what user
code raises gets out of :func:`execute`.
"""

from __future__ import annotations

from _contextvars import Context
from _thread import _local, allocate_lock, get_ident

from tensorlake.applications.interface.exceptions import SDKUsageError, TensorlakeError
from tensorlake.applications.interface.futures import Future, MapResults, _unwrap_future
from tensorlake.applications.registry import get_class

from . import requests
from . import session as sessions
from .errors import Abandoned, internal, kind_of, record
from .values import dumps, loads
from .wire import encode_json

_PLAIN = frozenset((str, int, float, bool, type(None), dict, list, tuple, bytes))

_local_state = _local()
_instances: dict = {}
_instance_locks: dict = {}
_instances_lock = allocate_lock()


def execute(call, info: dict, blobs):
    """Run a call to its end: (the outcome's header fields, its blob or None)."""
    call.thread = get_ident()
    return Context().run(_execute, call, info, blobs)


def _execute(call, info: dict, blobs):
    sessions.current.set(call)
    function = call.function
    if function is None:
        text = "No function '%s' is defined in the loaded code." % info["fn"]
        return _failure(internal(text))
    is_root = info.get("input") == "json"
    try:
        args, kwargs = _arguments(function, info, blobs, is_root)
    except TensorlakeError as error:
        return _failure(record(error, kind_of(error)))
    except BaseException as error:
        return _failure(record(error))
    try:
        if call.abandoned is not None:
            raise Abandoned(call.abandoned)
        call.in_user = True
        if function._function_config.class_name is not None:
            args = [_instance(function._function_config.class_name), *args]
        result = function._original_function(*args, **kwargs)
        if function._is_async:
            result = _run_async(result)
        call.in_user = False
    except Abandoned as error:
        call.in_user = False
        return _failure(record(error, "cancelled"))
    except BaseException as error:
        call.in_user = False
        return _failure(record(error))
    if call.abandoned is not None:
        return _failure(record(Abandoned(call.abandoned), "cancelled"))
    try:
        return _outcome(call, function, result, is_root)
    except Abandoned as error:
        return _failure(record(error, "cancelled"))
    except BaseException as error:
        return _failure(record(error, kind_of(error)))


def _failure(error: dict, final: bool = False):
    return '"ok":false,%s"error":%s' % ('"final":true,' if final else "", encode_json(error)), None


def _arguments(function, info: dict, blobs, is_root: bool):
    """The positional and keyword arguments of a call."""
    if is_root:
        from .coerce import application_arguments

        bound = application_arguments(function, blobs[0])
    else:
        bound = loads(blobs[0])
        param = info.get("map")
        if param is not None:
            if param == "*":
                bound = {"*": (bound,)}
            else:
                bound = {param: bound}
    deps = info.get("deps")
    if deps:
        lists = info.get("lists") or {}
        at = 1
        for name in deps:
            size = lists.get(name)
            if size is None:
                value = loads(blobs[at])
                at += 1
            else:
                value = MapResults(map(loads, blobs[at : at + size]))
                at += size
            _put(bound, name, value)
    return function._binder.spread(bound)


def _put(bound: dict, name: str, value) -> None:
    """Put the value of a Future where it was among the arguments."""
    if name.startswith("**."):
        bound.setdefault("**", {})[name[3:]] = value
    elif name.startswith("*."):
        rest = list(bound.get("*", ()))
        index = int(name[2:])
        while len(rest) <= index:
            rest.append(None)
        rest[index] = value
        bound["*"] = tuple(rest)
    else:
        bound[name] = value


def _outcome(call, function, result, is_root: bool):
    if type(result) not in _PLAIN:
        result = _unwrap_future(result)
        if isinstance(result, Future):
            if result._run_hook_was_called:
                raise SDKUsageError(
                    f"A tail call Future {result} returned from function '{function._name}' is "
                    "already running, a tail call Future should not be started."
                )
            pending = requests.start_tree(result, call)
            if not is_root:
                return '"tail":%d' % pending.id, None
            # The output of an application is JSON, which only this process can make of it.
            call.session.wait_for(pending, call)
            try:
                result = requests.outcome(pending, result)
            except TensorlakeError as error:
                known = getattr(error, "error_record", None)
                return _failure(known or record(error, kind_of(error)), final=True)
        if type(result) is MapResults:
            result = list(result)
    if is_root:
        from .coerce import application_output

        return '"ok":true,"json":true', application_output(function, result)
    return '"ok":true', dumps(result, "the result of '%s'", function._name)


def _instance(class_name: str):
    """The one instance of a class in this process."""
    found = _instances.get(class_name)
    if found is not None:
        return found
    with _instances_lock:
        lock = _instance_locks.setdefault(class_name, allocate_lock())
    with lock:
        found = _instances.get(class_name)
        if found is None:
            found = get_class(class_name)()
            found.__tensorlake_original_init__()
            _instances[class_name] = found
    return found


def _run_async(coroutine):
    """Run a coroutine to its end in this thread's event loop, as asyncio.run would.

    The loop is kept for the thread's next call: making one costs more than a short call.
    """
    import asyncio

    loop = getattr(_local_state, "loop", None)
    if loop is None or loop.is_closed():
        loop = _local_state.loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    clean = False
    try:
        result = loop.run_until_complete(coroutine)
        clean = True
        return result
    finally:
        try:
            left = asyncio.all_tasks(loop)
            if left:
                for task in left:
                    task.cancel()
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            if len(getattr(loop, "_asyncgens", ())) or not clean:
                loop.run_until_complete(loop.shutdown_asyncgens())
        except BaseException:
            clean = False
        asyncio.set_event_loop(None)
        if not clean:
            _local_state.loop = None
            try:
                loop.close()
            except Exception:
                pass
