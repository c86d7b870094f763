"""What user code asks for: calls, maps, reduces, waiting. The layer below the public API.

Starting a Future starts the Futures among its inputs first, left to right, each once; the engine
derives positions of calls from the order of the requests, so this order is part of the contract.
"""

from __future__ import annotations

import sys

from tensorlake.applications.interface.exceptions import SDKUsageError, TimeoutError

from . import session as sessions
from .errors import RUNTIME_ROOT, raised_by
from .session import Pending, enter, value_of
from .values import dump_arguments, dumps, loads
from .wire import encode_json, frame, quoted

#: Values of these types are certainly no Futures.
_PLAIN = frozenset((str, int, float, bool, type(None), dict, list, tuple, bytes))

_files: dict = {}

# Filled by _bind_futures(): the classes are defined above this module.
_futures = None


def _api():
    global _futures
    if _futures is None:
        from tensorlake.applications.interface import futures

        _futures = futures
    return _futures


def require_session() -> None:
    sessions.require_active()


def call_site():
    """(file, line) of the user's code that is being executed."""
    found = sys._getframe(1)
    while found is not None and found.f_code.co_filename.startswith(RUNTIME_ROOT):
        found = found.f_back
    # The line of a frame is None in rare cases (3.10: during a generator's cleanup).
    return None if found is None else (found.f_code.co_filename, found.f_lineno or 0)


def _at(site) -> str:
    """The header's part for a call site."""
    if site is None:
        return ""
    name = _files.get(site[0])
    if name is None:
        name = _files[site[0]] = quoted(site[0])
    return ',"at":[%s,%d]' % (name, site[1])


def call(function, args, kwargs):
    """Call a function and wait for its result: ``function(*args, **kwargs)``."""
    running = enter()
    for value in args:
        if type(value) not in _PLAIN and _is_future(value):
            return _call_with_futures(function, args, kwargs)
    if kwargs:
        for value in kwargs.values():
            if type(value) not in _PLAIN and _is_future(value):
                return _call_with_futures(function, args, kwargs)
    api = _futures or _api()
    bound = function._binder.bind(args, kwargs)
    blob = dump_arguments(_as_lists(bound, api.MapResults), function._name)
    caller = sys._getframe(2)
    name = _files.get(caller.f_code.co_filename)
    if name is None:
        name = _files[caller.f_code.co_filename] = quoted(caller.f_code.co_filename)
    session = running.session
    ahead = running.ahead
    if ahead is not None:
        found = ahead.take(running, function, blob, (name, caller.f_lineno))
        if found is not None:
            return loads(found)
    pending = session.new_pending()
    header = (
        f'{{"t":"call","id":{pending.id},{running.by},"fn":{function._quoted_name},'
        f'"at":[{name},{caller.f_lineno or 0}]}}'
    )
    _send(running, header, (blob,))
    session.wait_for(pending, running)
    answer, blobs = pending.answer
    if answer["ok"]:
        foreseen = answer.get("ahead")
        if foreseen is not None:
            running.ahead = _ahead(foreseen, blobs[1:])
        return loads(blobs[0]) if "n" not in answer else api.MapResults(map(value_of, pending.results()))
    raise raised_by(answer["error"], lambda: api.FunctionCallFuture(function, args, kwargs))


def _ahead(foreseen: dict, blobs):
    from .ahead import Ahead  # only replays need it

    return Ahead(foreseen, blobs)


def _as_lists(bound: dict, results) -> dict:
    """Results of maps that are arguments themselves travel as the plain lists they stand for."""
    for name, value in bound.items():
        if type(value) is results:
            bound[name] = list(value)
    return bound


def _is_future(value) -> bool:
    api = _api()
    return isinstance(api._unwrap_future(value), api.Future)


def _call_with_futures(function, args, kwargs):
    future = _api().FunctionCallFuture(function, args, kwargs)
    future.run()
    return future.result()


def _send(running, header: str, blobs) -> None:
    session = running.session
    pieces = frame(header, blobs)
    with session.asking:
        # What was foreseen counts until the next request; what was taken of it is told first.
        running.said += 1
        ahead, running.ahead = running.ahead, None
        if ahead is not None and ahead.sites:
            pieces[0] = ahead.told(running) + pieces[0]
    try:
        session.send(pieces)
    except OSError as error:
        session.lost(error)


def run_future(future) -> None:
    """Start a Future and the Futures it is made of."""
    running = enter()
    start_tree(future, running)


def start_tree(root, running) -> Pending:
    """Start all unstarted Futures of a tree, inputs before what uses them; the root's request."""
    api = _api()
    unwrap, base = api._unwrap_future, api.Future
    stack = [(root, None)]
    while stack:
        node, inputs = stack[-1]
        if inputs is None:
            if node._pending is not None:
                stack.pop()
                continue
            inputs = iter(
                [
                    item
                    for value in node._inputs()
                    if type(value) not in _PLAIN and isinstance(item := unwrap(value), base)
                ]
            )
            stack[-1] = (node, inputs)
        child = next(inputs, None)
        if child is not None:
            if child._pending is None:
                stack.append((child, None))
            continue
        stack.pop()
        _start(node, running, api)
    return root._pending


def _start(future, running, api) -> None:
    """Send the request of one Future, whose inputs are started."""
    if future._coroutine is not None and not future._run_hook_was_called:
        # It is started on behalf of user code, which must not await the coroutine any more.
        future._coroutine.close()
        future._coroutine = None
    future._run_hook_was_called = True
    if isinstance(future, api.FunctionCallFuture):
        fields, blobs = _call_fields(future, api)
    elif isinstance(future, api.MapFuture):
        fields, blobs = _map_fields(future, api)
    else:
        fields, blobs = _reduce_fields(future, api)
    pending = running.session.new_pending()
    header = '{%s,"id":%d,%s,"fn":%s%s}' % (
        fields, pending.id, running.by, future._function._quoted_name, _at(future._at),
    )  # fmt: skip
    _send(running, header, blobs)
    future._pending = pending


def _dependency(value, api):
    """The id of the request that a value stands for, or None when it is a plain value."""
    if type(value) in _PLAIN:
        return None
    future = api._unwrap_future(value)
    if not isinstance(future, api.Future):
        return None
    if future._pending is None:
        raise future._exception or SDKUsageError(f"Future cannot be used: {future}")
    return future._pending.id


def _call_fields(future, api):
    bound = future._function._binder.bind(future._args, future._kwargs)
    deps = {}
    for name, value in list(bound.items()):
        if name == "*":
            value = list(value)
            for index, item in enumerate(value):
                found = _dependency(item, api)
                if found is not None:
                    deps["*.%d" % index] = found
                    value[index] = None
            bound[name] = tuple(value)
        elif name == "**":
            for key, item in list(value.items()):
                found = _dependency(item, api)
                if found is not None:
                    deps["**." + key] = found
                    del value[key]
        else:
            found = _dependency(value, api)
            if found is not None:
                deps[name] = found
                del bound[name]
    blob = dump_arguments(_as_lists(bound, api.MapResults), future._function_name)
    fields = '"t":"call"'
    if deps:
        fields += ',"deps":' + encode_json(deps)
    return fields + _delay(future), (blob,)


def _delay(future) -> str:
    return "" if future._start_delay is None else ',"delay":%r' % float(future._start_delay)


def _map_fields(future, api):
    fields = '"t":"map","param":' + quoted(future._function._binder.first)
    if type(future._items) is not list:
        fields += ',"n":0,"from":%d' % _dependency(future._items, api)
        return fields + _delay(future), ()
    deps, blobs = _items(future._items, "item %d of the map over '%s'", future, api)
    fields += ',"n":%d' % len(blobs)
    if deps:
        fields += ',"deps":' + encode_json(deps)
    return fields + _delay(future), blobs


def _reduce_fields(future, api):
    names = future._function._binder.reduce_names(future._method_form)
    has_initial = future._initial is not api._InitialMissing
    fields = '"t":"reduce","params":' + encode_json(names)
    fields += ',"initial":' + ("true" if has_initial else "false")
    if type(future._items) is not list:
        fields += ',"n":0,"from":%d' % _dependency(future._items, api)
        blobs = []
        deps = {}
        if has_initial:
            found = _dependency(future._initial, api)
            if found is None:
                blobs.append(_item(future._initial, api, "the initial value of a reduce"))
            else:
                deps["initial"] = found
    else:
        inputs = [future._initial, *future._items] if has_initial else future._items
        if not inputs:
            raise SDKUsageError("reduce of empty iterable with no initial value")
        deps, blobs = _items(inputs, "input %d of the reduce with '%s'", future, api)
        fields += ',"n":%d' % len(blobs)
    if deps:
        fields += ',"deps":' + encode_json(deps)
    return fields + _delay(future), blobs


def _items(items, label: str, future, api):
    """(ids by index of the items that are Futures, the pickle of each item or b"")."""
    deps = {}
    blobs = []
    name = future._function_name
    for index, item in enumerate(items):
        found = None if type(item) in _PLAIN else _dependency(item, api)
        if found is not None:
            deps[str(index)] = found
            blobs.append(b"")
        else:
            blobs.append(_item(item, api, label, index, name))
    return deps, blobs


def _item(value, api, what: str, *names) -> bytes:
    return dumps(list(value) if type(value) is api.MapResults else value, what, *names)


def outcome(pending: Pending, future):
    """The value of an answer that has come; raises what the request failed with."""
    answer, blobs = pending.answer
    if not answer["ok"]:
        raise raised_by(answer["error"], lambda: future)
    api = _api()
    if "n" in answer:
        return api.MapResults(map(value_of, pending.results()))
    value = loads(blobs[0])
    return api.MapResults(value) if isinstance(future, api.MapFuture) else value


def wait_futures(futures, timeout, return_when):
    """Wait for started Futures; see Future.wait."""
    running = enter()
    session = running.session
    when = _api().RETURN_WHEN
    if len(futures) == 1 and timeout is None:
        pending = futures[0]._pending
        if pending is not None:
            session.wait_for(pending, running)
        return list(futures), []
    open_pendings = [f._pending for f in futures if not f.done() and f._pending is not None]

    def settled(future) -> bool:
        return future.done() or future._pending is None

    def failed(future) -> bool:
        pending = future._pending
        if future._exception is not None:
            return True
        return pending is not None and pending.answer is not None and not pending.answer[0]["ok"]

    if return_when is when.ALL_COMPLETED:
        ready = lambda: all(map(settled, futures))  # noqa: E731
    elif return_when is when.FIRST_COMPLETED:
        ready = lambda: not futures or any(map(settled, futures))  # noqa: E731
    else:
        ready = lambda: any(map(failed, futures)) or all(map(settled, futures))  # noqa: E731
    in_time = session.wait_many(open_pendings, ready, running, timeout)
    if not in_time:
        for future in futures:
            if not future.done():
                future._exception = TimeoutError()
        return list(futures), []
    if return_when is when.ALL_COMPLETED or all(map(settled, futures)) and (
        return_when is when.FIRST_FAILURE and not any(map(failed, futures))
    ):
        return list(futures), []
    candidates = [f for f in futures if settled(f)]
    if return_when is when.FIRST_FAILURE:
        candidates = [f for f in candidates if failed(f)]
    if not candidates:
        return [], list(futures)
    winner = min(candidates, key=_completion)
    return [f for f in futures if f is winner], [f for f in futures if f is not winner]


def _completion(future) -> int:
    pending = future._pending
    return 0 if pending is None else pending.order


def await_future(future):
    """Suspend the running coroutine until a started Future has its outcome."""
    from asyncio import get_running_loop

    running = enter()
    pending = future._pending
    if pending is None or pending.answer is not None:
        return
    loop = get_running_loop()
    arrived = loop.create_future()

    def set_arrived() -> None:
        if not arrived.done():
            arrived.set_result(None)

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(set_arrived)
        except RuntimeError:
            pass  # the loop was closed: nobody waits any more

    if pending.wakers is None:
        pending.wakers = []
    pending.wakers.append(wake)
    if pending.answer is None:
        running.session.ensure_reader()
        yield from arrived
    enter()
