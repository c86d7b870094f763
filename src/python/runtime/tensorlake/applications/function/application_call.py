"""Arguments of an application as they arrive over HTTP: bytes with a content type each."""

from __future__ import annotations

from tlb_runtime.hints import resolved_annotations

from ..user_data_serializer import JSONUserDataSerializer
from .user_data_serializer import deserialize_value


class SerializedApplicationArgument:
    def __init__(self, data, content_type: str | None):
        self.data = data
        self.content_type = content_type


def deserialize_application_function_call_arguments(
    application, serialized_args: list, serialized_kwargs: dict
):
    """``(args, kwargs)`` for the application; what it has no parameter for is ignored."""
    serializer = JSONUserDataSerializer()
    hints = resolved_annotations(application._original_function)
    names = application._binder.order

    def value(name: str, given: SerializedApplicationArgument):
        hint = hints.get(name, object)
        return deserialize_value(given.data, serializer, given.content_type, hint)

    args = [
        value(name, given)
        for name, given in zip(names, serialized_args)
        if name not in serialized_kwargs
    ]
    kwargs = {
        name: value(name, given) for name, given in serialized_kwargs.items() if name in names
    }
    return args, kwargs
