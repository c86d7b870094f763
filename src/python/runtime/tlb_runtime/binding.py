"""How a function's arguments become one dict, and a dict becomes arguments again.

The dict of a call (see docs/protocol.md) maps parameter names to values in the order of the
signature, ``*args`` under ``"*"``, ``**kwargs`` under ``"**"``. Binding never fails: what does not
fit the signature is kept so that the call fails in the callee with Python's own TypeError.
A Binder is made once per function and reads the code object, because ``inspect.signature`` is
slow to import and slow to use.
"""

from __future__ import annotations

from types import FunctionType

_VARARGS = 0x04
_VARKEYWORDS = 0x08


class Parameter:
    """One parameter of a signature; the part of inspect.Parameter that is needed here."""

    __slots__ = ("name", "kind", "has_default", "default")

    def __init__(self, name, kind, has_default=False, default=None):
        self.name = name
        self.kind = kind
        self.has_default = has_default
        self.default = default


def parameters_of(function) -> list:
    """The parameters of a callable in order, ``self`` of a method included."""
    if type(function) is not FunctionType:
        return _inspected(function)
    code = function.__code__
    names = code.co_varnames
    positional = code.co_argcount
    keyword_only = code.co_kwonlyargcount
    defaults = function.__defaults__ or ()
    keyword_defaults = function.__kwdefaults__ or {}
    first_default = positional - len(defaults)
    result = []
    for index in range(positional):
        kind = "positional_only" if index < code.co_posonlyargcount else "positional_or_keyword"
        given = index >= first_default
        value = defaults[index - first_default] if given else None
        result.append(Parameter(names[index], kind, given, value))
    after = positional + keyword_only
    if code.co_flags & _VARARGS:
        result.append(Parameter(names[after], "var_positional"))
        after += 1
    for name in names[positional : positional + keyword_only]:
        given = name in keyword_defaults
        result.append(Parameter(name, "keyword_only", given, keyword_defaults.get(name)))
    if code.co_flags & _VARKEYWORDS:
        result.append(Parameter(names[after], "var_keyword"))
    return result


def _inspected(function) -> list:
    import inspect

    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return [Parameter("args", "var_positional"), Parameter("kwargs", "var_keyword")]
    return [
        Parameter(
            p.name,
            p.kind.name.lower(),
            p.default is not p.empty,
            None if p.default is p.empty else p.default,
        )
        for p in signature.parameters.values()
    ]


class Binder:
    """Binds calls of one function. ``method``: the first parameter is ``self`` and never bound."""

    __slots__ = ("parameters", "names", "count", "known", "order", "only", "first", "accumulator")

    def __init__(self, function, method: bool):
        parameters = parameters_of(function)
        if method:
            parameters = parameters[1:]
        self.parameters = parameters
        self.names = [p.name for p in parameters if p.kind.startswith("positional")]
        self.count = len(self.names)
        self.only = sum(1 for p in parameters if p.kind == "positional_only")
        self.known = frozenset(
            p.name for p in parameters if p.kind in ("positional_or_keyword", "keyword_only")
        )
        self.order = [p.name for p in parameters if not p.kind.startswith("var_")]
        #: The parameter that the item of a map is given to.
        self.first = self.names[0] if self.names else "*"

    def bind(self, args, kwargs) -> dict:
        """The arguments of ``f(*args, **kwargs)`` as a dict."""
        count = len(args)
        if not kwargs:
            if count <= self.count:
                return dict(zip(self.names, args))
            bound = dict(zip(self.names, args))
            bound["*"] = tuple(args[self.count :])
            return bound
        bound = dict(zip(self.names, args))
        extra = {}
        for name, value in kwargs.items():
            if name in bound or name not in self.known:
                extra[name] = value
            else:
                bound[name] = value
        if count < len(bound):
            # Keyword arguments came in any order; the dict has the order of the signature.
            bound = {name: bound[name] for name in self.order if name in bound}
        if count > self.count:
            bound["*"] = tuple(args[self.count :])
        if extra:
            bound["**"] = extra
        return bound

    def spread(self, bound: dict) -> tuple:
        """``(args, kwargs)`` that call the function with a bound dict (which is consumed)."""
        rest = bound.pop("*", None)
        extra = bound.pop("**", None)
        args = []
        if rest is not None or self.only:
            # Positional parameters go by position as far as they are there without a gap.
            for index, name in enumerate(self.names):
                if name not in bound or (rest is None and index >= self.only):
                    break
                args.append(bound.pop(name))
            if rest is not None:
                args.extend(rest)
        if extra:
            for name in extra:
                if name in bound:
                    # f(1, a=2): give the first by position, so that Python reports the clash.
                    return self._clash(bound, extra)
            bound.update(extra)
        return args, bound

    def _clash(self, bound: dict, extra: dict) -> tuple:
        args = []
        for name in self.names:
            if name not in bound:
                break
            args.append(bound.pop(name))
        bound.update(extra)
        return args, bound

    def reduce_names(self, method_form: bool) -> list:
        """The parameters of a reducer: [accumulator's, item's].

        ``fn.reduce(items)`` calls fn(accumulator, item). The method form ``results.reduce(fn)``
        gives the accumulator to the parameter that is named so, else calls fn(item, accumulator).
        """
        names = self.names[:2]
        if len(names) < 2:
            names = (names + ["*.0", "*.1"])[:2] if names else ["*.0", "*.1"]
        if method_form and names[0] not in ("acc", "accumulator"):
            names.reverse()
        return names
