"""File: bytes with a content type, passed to and returned from applications as they are."""

from __future__ import annotations


class File:
    def __init__(self, content: bytes, content_type: str):
        self._content = content
        self._content_type = content_type

    @property
    def content(self) -> bytes:
        return self._content

    @property
    def content_type(self) -> str:
        return self._content_type

    def __str__(self) -> str:
        return f"File(content_type={self._content_type}, content={self._content[:20]}...)"
