"""Image: a description of a container image. Locally it has no effect and builds nothing."""

from __future__ import annotations

_DEFAULT_BASE_IMAGE = "python:3.14-trixie"


class _Operation:
    """One step of the build, kept so that tools can show or render it."""

    __slots__ = ("type", "args", "options")

    def __init__(self, type: str, args: list, options: dict | None):
        self.type = type
        self.args = args
        self.options = dict(options or {})

    def __repr__(self) -> str:
        return f"{self.type} {self.args!r}"


class Image:
    def __init__(
        self, name: str = "default", tag: str = "latest", base_image: str = _DEFAULT_BASE_IMAGE
    ):
        self._name = name
        self._tag = tag
        self._base_image = base_image
        self._build_operations: list = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def tag(self) -> str:
        return self._tag

    def add(self, src: str, dest: str, options: dict | None = None) -> Image:
        return self._step("ADD", [src, dest], options)

    def copy(self, src: str, dest: str, options: dict | None = None) -> Image:
        return self._step("COPY", [src, dest], options)

    def env(self, key: str, value: str) -> Image:
        return self._step("ENV", [key, value], None)

    def run(self, commands, options: dict | None = None) -> Image:
        return self._step("RUN", commands if isinstance(commands, list) else [commands], options)

    def workdir(self, directory: str) -> Image:
        return self._step("WORKDIR", [directory], None)

    def build(self, **_options):
        from .exceptions import SDKUsageError

        raise SDKUsageError(
            "Image.build() builds in Tensorlake Cloud, which tl-bench does not talk to."
        )

    def _step(self, type: str, args: list, options) -> Image:
        self._build_operations.append(_Operation(type, args, options))
        return self
