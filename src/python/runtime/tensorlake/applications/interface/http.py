"""Headers and HttpBody: what a request that came over HTTP carries."""

from __future__ import annotations

from collections.abc import Mapping


class Headers(Mapping):
    """An immutable mapping of header names, which are compared without case, to values.

    ``[name]`` and ``get`` give the last value of a name, ``getlist`` all of them.
    """

    def __init__(self, headers=None):
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        self._items = tuple((str(name), str(value)) for name, value in pairs)
        self._values: dict = {}
        for name, value in self._items:
            self._values.setdefault(name.lower(), []).append(value)

    def __getitem__(self, key: str) -> str:
        return self._values[key.lower()][-1]

    def __iter__(self):
        spelled: dict = {}
        for name, _ in self._items:
            spelled.setdefault(name.lower(), name)
        return iter(spelled.values())

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._values

    def get(self, key: str, default=None):
        values = self._values.get(key.lower())
        return default if values is None else values[-1]

    def getlist(self, key: str) -> list:
        """All values of a name, in order."""
        return list(self._values.get(key.lower(), ()))

    def multi_items(self) -> list:
        """All (name, value) pairs as they came."""
        return list(self._items)


class HttpBody:
    """The body of the request that started an application, byte for byte."""

    def __init__(self, content: bytes, content_type: str | None = None):
        self._content = content
        self._content_type = content_type

    @property
    def content(self) -> bytes:
        return self._content

    @property
    def content_type(self) -> str | None:
        return self._content_type

    def text(self, encoding: str = "utf-8") -> str:
        return self._content.decode(encoding)

    def json(self):
        import json

        return json.loads(self.text())

    def __str__(self) -> str:
        return f"HttpBody(content_type={self._content_type}, content={self._content[:20]}...)"
