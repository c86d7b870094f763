"""@application, @function and @cls. They record; :mod:`..validation` judges later.

Nothing is checked here but the names of keyword arguments: a decorator runs while the user's
module is imported, where an error could not be explained well.
"""

from __future__ import annotations

from ..registry import register_class, register_decorator, register_function
from .function import Function, _ApplicationConfiguration, _function_name, _FunctionConfiguration
from .retries import Retries


class _Decorator:
    """A decorator that was made; ``is_called`` once it was applied (not so without parentheses)."""

    #: The first argument of the factory: without parentheses it is the decorated object itself.
    _first = None

    def __init__(self):
        self._is_called = False
        self._function = None
        register_decorator(self)

    @property
    def is_called(self) -> bool:
        return self._is_called

    @property
    def function(self):
        return self._function

    def _wrap(self, fn):
        """The Function of ``fn``; a decorator when a lower one misses its parentheses."""
        self._is_called = True
        if not isinstance(fn, (_Decorator, Function)):
            fn = Function(fn)
            register_function(_function_name(fn._original_function), fn)
        self._function = fn
        return fn


class _ApplicationDecorator(_Decorator):
    def __init__(self, tags, retries, region, allow):
        super().__init__()
        self._first = tags
        self._tags = tags
        self._retries = retries
        self._region = region
        self._allow = list(allow)

    def __call__(self, fn):
        fn = self._wrap(fn)
        if isinstance(fn, Function):
            fn._application_config = _ApplicationConfiguration(
                tags=self._tags,
                retries=self._retries,
                region=self._region,
                allow=list(self._allow),
            )
        return fn


def application(tags={}, retries=Retries(), region=None, allow=None) -> _ApplicationDecorator:
    """Makes a function an application: something that a request can start."""
    return _ApplicationDecorator(tags, retries, region, allow or [])


class _FunctionDecorator(_Decorator):
    def __init__(self, options: dict):
        super().__init__()
        self._first = options["description"]
        self._options = options

    def __call__(self, fn):
        fn = self._wrap(fn)
        if isinstance(fn, Function):
            config = _FunctionConfiguration(_function_name(fn._original_function), self._options)
            fn._set_function_config(config)
        return fn


def function(
    description: str = "",
    cpu: float = 1.0,
    memory: float = 1.0,
    ephemeral_disk: float = 10.0,
    gpu=None,
    timeout: int = 300,
    image=None,
    secrets: list = [],
    retries=None,
    region=None,
    warm_containers: int | None = None,
    min_containers: int | None = None,
    max_containers: int | None = None,
    durable: bool = True,
    concurrency: int | None = None,
    effect: bool = False,
    version=None,
) -> _FunctionDecorator:
    """Registers a function; each of its calls is a checkpoint of the request.

    Beyond the released SDK: ``durable=False`` calls always execute; ``retries`` may be a number;
    ``concurrency`` is accepted; ``effect`` marks a function whose execution is visible outside, so
    that an interrupted call is not simply repeated; ``version`` is part of what a checkpoint
    depends on. Resources, image, secrets, region and containers have no effect locally.
    """
    return _FunctionDecorator(dict(locals()))


def _class_name(cls) -> str:
    return getattr(cls, "__qualname__", "<unknown>")


def __tensorlake_empty_class_instance_init__(self):
    """Replaces ``__init__``: an instance made at a call site only names the class."""


class _ClassDecorator(_Decorator):
    def __init__(self, init_timeout):
        super().__init__()
        self._first = init_timeout
        self._init_timeout = init_timeout
        self._original_class = None

    @property
    def original_class(self):
        return self._original_class

    def __call__(self, original_class):
        self._is_called = True
        self._original_class = original_class
        name = _class_name(original_class)
        original_class.__tensorlake_original_init__ = original_class.__init__
        original_class.__tensorlake_name__ = name
        original_class.__init__ = __tensorlake_empty_class_instance_init__
        register_class(name, original_class)
        for attr_name in dir(original_class):
            attr = getattr(original_class, attr_name)
            if isinstance(attr, Function) and attr._function_config is not None:
                attr._set_class(name, attr_name, self._init_timeout)
        return original_class


def cls(init_timeout: int | None = None) -> _ClassDecorator:
    """Makes the methods of a class usable as functions; one instance lives in each process."""
    return _ClassDecorator(init_timeout)
