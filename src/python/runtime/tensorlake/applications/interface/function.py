"""Function: what ``@function()`` turns a Python function into.

It looks like a plain function to ``inspect`` (frameworks build tool descriptions from it), and
calling it asks the engine. The hot path is ``__call__`` -> :func:`tlb_runtime.requests.call`.
"""

from __future__ import annotations

from types import FunctionType

from tlb_runtime import requests
from tlb_runtime.binding import Binder
from tlb_runtime.wire import quoted

from .exceptions import SDKUsageError
from .futures import (
    FunctionCallFuture,
    MapFuture,
    ReduceOperationFuture,
    _InitialMissing,
    _materialize,
    _wrap_future_into_coroutine,
)

_COROUTINE = 0x80  # inspect.CO_COROUTINE
_ITERABLE_COROUTINE = 0x100

_OPTIONS = (
    "description", "cpu", "memory", "ephemeral_disk", "gpu", "timeout", "image", "secrets",
    "retries", "region", "warm_containers", "min_containers", "max_containers",
    "durable", "concurrency", "effect", "version",
)  # fmt: skip

#: Attributes of the user's function that are also ours.
_MIMICKED = frozenset(
    (
        "__annotate__", "__code__", "__closure__", "__defaults__", "__kwdefaults__",
        "__globals__", "__builtins__", "__annotations__", "__type_params__",
    )
)  # fmt: skip


class _FunctionConfiguration:
    """The options of ``@function``, and the class when the function is a method."""

    def __init__(self, function_name: str, options: dict):
        self.function_name = function_name
        self.class_name = None
        self.class_method_name = None
        self.class_init_timeout = None
        for name in _OPTIONS:
            setattr(self, name, options[name])
        self.cacheable = False
        self.max_concurrency = 1

    def __repr__(self) -> str:
        return f"_FunctionConfiguration({self.__dict__!r})"


class _ApplicationConfiguration:
    """The options of ``@application``."""

    def __init__(self, tags, retries, region, allow):
        self.tags = tags
        self.retries = retries
        self.region = region
        self.allow = allow
        self.version = _unique_version()

    def __repr__(self) -> str:
        return f"_ApplicationConfiguration({self.__dict__!r})"


def _unique_version() -> str:
    import os

    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[byte % 36] for byte in os.urandom(21))


class Function:
    """A function of the application. Nothing is validated when it is made."""

    @property
    def __class__(self):
        # inspect.isfunction() and inspect.iscoroutinefunction() test isinstance(f, FunctionType).
        # isinstance(f, Function) still holds, because type(f) is asked first.
        return FunctionType

    def __init__(self, original_function):
        self._original_function = original_function
        self._function_config = None
        self._application_config = None
        self._future_factory = FunctionFutureFactory(self)
        self._is_async = False
        self._quoted_name = '""'
        self._lazy_binder = None
        if isinstance(original_function, FunctionType):
            for name in ("__doc__", "__name__", "__qualname__", "__module__"):
                setattr(self, name, getattr(original_function, name, None))
            flags = original_function.__code__.co_flags
            self._is_async = bool(flags & (_COROUTINE | _ITERABLE_COROUTINE))
        elif hasattr(original_function, "_is_coroutine_marker"):
            self._is_async = True
        self._quoted_name = quoted(_function_name(original_function))

    def __getattr__(self, name: str):
        # Delegated rather than copied: reading __annotations__ may evaluate them (Python 3.14).
        if name in _MIMICKED:
            original = self.__dict__.get("_original_function")
            if isinstance(original, FunctionType):
                return getattr(original, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _set_function_config(self, config: _FunctionConfiguration) -> None:
        self._function_config = config
        self._quoted_name = quoted(config.function_name)

    def _set_class(self, class_name: str, method_name: str, init_timeout) -> None:
        self._function_config.class_name = class_name
        self._function_config.class_method_name = method_name
        self._function_config.class_init_timeout = init_timeout
        self._lazy_binder = None

    @property
    def _binder(self) -> Binder:
        binder = self._lazy_binder
        if binder is None:
            config = self._function_config
            method = config is not None and config.class_name is not None
            binder = self._lazy_binder = Binder(self._original_function, method)
        return binder

    def __call__(self, *args, **kwargs):
        """The result of the call; for an async function a coroutine that gives it.

        Raises RequestError, FunctionError or TimeoutError as the called function failed, other
        TensorlakeErrors for what goes wrong before it runs.
        """
        if self._is_async:
            return _wrap_future_into_coroutine(FunctionCallFuture(self, args, kwargs))
        return requests.call(self, args, kwargs)

    def map(self, items):
        """The results of the function for every item, in order: a list with ``reduce``.

        All items are processed in parallel; the map fails with the first failure. For an async
        function a coroutine that gives the list.
        """
        return self._run(self.future.map(items))

    def reduce(self, items, initial=_InitialMissing):
        """``fn(fn(fn(initial, item0), item1), ...)`` like functools.reduce."""
        return self._run(self.future.reduce(items, initial))

    def _run(self, future):
        if self._is_async:
            return _wrap_future_into_coroutine(future)
        future.run()
        return future.result()

    @property
    def future(self) -> FunctionFutureFactory:
        """Makes Futures: calls that are not started yet."""
        return self._future_factory

    @property
    def awaitable(self) -> FunctionFutureFactory:
        """The name of ``future`` before 2026."""
        return self._future_factory

    @property
    def _name(self) -> str:
        if self._function_config is not None:
            return self._function_config.function_name
        return _function_name(self._original_function)

    def __repr__(self) -> str:
        return (
            f"<Tensorlake Function(\n"
            f"  original_function={self._original_function!r},\n"
            f"  function_config={self._function_config!r},\n"
            f"  application_config={self._application_config!r}\n"
            f")>"
        )

    def __str__(self) -> str:
        return f"Tensorlake Function '{self._name}'"

    def __get__(self, instance, cls) -> Function:
        # Instances made at call sites are empty and interchangeable: nothing to bind.
        return self

    def __reduce__(self):
        raise SDKUsageError(
            f"Attempt to pickle {self}. It cannot be passed as a function parameter or returned "
            "from a Tensorlake Function."
        )


class FunctionFutureFactory:
    """``function.future``: call it, or its ``map`` and ``reduce``, to make a Future."""

    def __init__(self, function: Function):
        self._function = function

    def __call__(self, *args, **kwargs) -> FunctionCallFuture:
        return FunctionCallFuture(self._function, args, kwargs)

    def map(self, items) -> MapFuture:
        return MapFuture(self._function, _materialize(items))

    def reduce(self, items, initial=_InitialMissing) -> ReduceOperationFuture:
        return ReduceOperationFuture(self._function, _materialize(items), initial)

    def __repr__(self) -> str:
        return f"<FunctionFutureFactory function={self._function!r}>"

    def __str__(self) -> str:
        return f"Tensorlake Function.future factory for {self._function}"

    def __reduce__(self):
        raise SDKUsageError(
            f"Attempt to pickle a Tensorlake Function.future factory for {self._function}. It "
            "cannot be passed as a function parameter or returned from a Tensorlake Function."
        )


def _function_name(original_function) -> str:
    """``function`` or ``Class.method``; without the module: there is one flat namespace."""
    return getattr(original_function, "__qualname__", "<unknown>")


def _is_application_function(fn: Function) -> bool:
    return fn._application_config is not None


def __getattr__(name: str):
    if name == "ApplicationCapability":
        from typing import Literal

        return Literal["unauthenticated_requests"]
    raise AttributeError(name)
