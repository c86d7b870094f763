"""The serializers of the SDK by their names: pickle between functions, JSON at the edge."""

from __future__ import annotations

from tlb_runtime import coerce, values


class UserDataSerializer:
    """Turns objects into bytes and back."""

    NAME = ""
    CONTENT_TYPE = ""

    @property
    def name(self) -> str:
        return self.NAME

    @property
    def content_type(self) -> str:
        return self.CONTENT_TYPE

    def serialize(self, object, type_hint) -> bytes:
        raise NotImplementedError

    def deserialize(self, data, type_hint):
        raise NotImplementedError


class JSONUserDataSerializer(UserDataSerializer):
    NAME = "json"
    CONTENT_TYPE = "application/json; charset=UTF-8"

    def serialize(self, object, type_hint) -> bytes:
        return coerce.serialize(object, type_hint)

    def deserialize(self, data, type_hint):
        return coerce.deserialize(data, type_hint)


class PickleUserDataSerializer(UserDataSerializer):
    NAME = "pickle"
    CONTENT_TYPE = "application/python-pickle"

    def serialize(self, object, type_hint=None) -> bytes:
        return values.dumps(object)

    def deserialize(self, data, type_hint=None):
        return values.loads(data)


def serializer_by_name(serializer_name: str) -> UserDataSerializer:
    for kind in (PickleUserDataSerializer, JSONUserDataSerializer):
        if kind.NAME == serializer_name:
            return kind()
    raise ValueError(f"Unknown serializer name: {serializer_name}")
