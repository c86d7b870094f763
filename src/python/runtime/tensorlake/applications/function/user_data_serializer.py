"""Serialized values with what is needed to read them again; File and HttpBody stay raw bytes."""

from __future__ import annotations

from ..interface.exceptions import DeserializationError
from ..interface.file import File
from ..interface.http import HttpBody
from ..user_data_serializer import PickleUserDataSerializer, serializer_by_name


class ValueMetadata:
    """How a value was serialized. ``serializer_name`` is None for raw bytes."""

    def __init__(self, id: str, type_hint, serializer_name: str | None, content_type: str):
        self.id = id
        self.type_hint = type_hint
        self.serializer_name = serializer_name
        self.content_type = content_type


def serialize_value(value, serializer, value_id: str, type_hint):
    """``(data, ValueMetadata)`` of a value. Subclasses of File come back as File."""
    for wrapper in (File, HttpBody):
        if isinstance(value, wrapper):
            metadata = ValueMetadata(value_id, wrapper, None, value.content_type or "")
            return value.content, metadata
    data = serializer.serialize(value, type_hint=type_hint)
    return data, ValueMetadata(value_id, type_hint, serializer.name, serializer.content_type)


def deserialize_value_with_metadata(serialized_value, metadata: ValueMetadata):
    name = metadata.serializer_name
    serializer = PickleUserDataSerializer() if name is None else serializer_by_name(name)
    return deserialize_value(
        serialized_value, serializer, metadata.content_type, metadata.type_hint
    )


def deserialize_value(serialized_value, serializer, content_type: str | None, type_hint):
    """A value, or the wrapper class that the hint names with the bytes as they are."""
    if isinstance(type_hint, type) and issubclass(type_hint, (File, HttpBody)):
        if content_type is None and issubclass(type_hint, File):
            raise DeserializationError(
                f"Deserializing to {type_hint.__name__} requires a content type, "
                "but None was provided."
            )
        return type_hint(content=bytes(serialized_value), content_type=content_type)
    return serializer.deserialize(serialized_value, type_hint)
