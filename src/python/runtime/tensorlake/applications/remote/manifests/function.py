"""The part of a function's manifest that says what its parameters are."""

from __future__ import annotations

from tlb_runtime.coerce import pydantic, raw_class, type_adapter
from tlb_runtime.hints import MISSING, resolved_annotations

from ...interface.file import File


class DataType:
    """``type`` is that of the JSON schema, or one of the raw body types of Tensorlake."""

    def __init__(self, type: str | None):
        self.type = type


class ParameterManifest:
    def __init__(self, name: str, data_type: DataType, required: bool):
        self.name = name
        self.data_type = data_type
        self.required = required


class FunctionManifest:
    def __init__(self, name: str, description: str, parameters: list):
        self.name = name
        self.description = description
        self.parameters = parameters


def create_function_manifest(application, application_version: str, function) -> FunctionManifest:
    """The manifest of one function of an application."""
    hints = resolved_annotations(function._original_function)
    parameters = [
        ParameterManifest(
            parameter.name,
            DataType(_type_name(hints.get(parameter.name, MISSING))),
            not parameter.has_default,
        )
        for parameter in function._binder.parameters
    ]
    config = function._function_config
    return FunctionManifest(config.function_name, config.description, parameters)


def _type_name(hint) -> str | None:
    wrapper = raw_class(hint)
    if wrapper is not None:
        return "tensorlake_file" if issubclass(wrapper, File) else "tensorlake_http_body"
    if hint is MISSING or pydantic() is None:
        return None
    return type_adapter(hint).json_schema().get("type")
