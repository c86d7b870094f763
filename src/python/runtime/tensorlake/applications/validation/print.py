"""Validation messages as records for display."""

from __future__ import annotations

from ..function.introspect import ClassDetails, FunctionDetails


def format_validation_messages(messages: list) -> list:
    """``severity``, ``message`` and ``location`` (``module:line:name: ``, or empty) of each."""
    return [
        {
            "severity": found.severity.name.lower(),
            "message": found.message,
            "location": _location(found.details),
        }
        for found in messages
    ]


def _location(details) -> str:
    if isinstance(details, FunctionDetails):
        name = details.name
        if details.class_name is not None:
            name = f"{details.class_name}.{details.class_method_name}"
    elif isinstance(details, ClassDetails):
        name = details.class_name
    else:
        return ""
    return f"{details.module_import_name}:{details.source_file_line}:{name}: "
