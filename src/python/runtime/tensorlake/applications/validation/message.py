"""A finding of validation."""

from __future__ import annotations

import enum


class ValidationMessageSeverity(enum.Enum):
    ERROR = 1
    WARNING = 2
    INFO = 3


class ValidationMessage:
    """``details`` says of what: FunctionDetails, ClassDetails, or None for the whole application."""

    __slots__ = ("message", "severity", "details")

    def __init__(self, message: str, severity: ValidationMessageSeverity, details=None):
        self.message = message
        self.severity = severity
        self.details = details

    def __eq__(self, other) -> bool:
        return type(other) is ValidationMessage and (
            (self.message, self.severity, self.details)
            == (other.message, other.severity, other.details)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"ValidationMessage(message={self.message!r}, severity={self.severity!r}, "
            f"details={self.details!r})"
        )


def has_error_message(messages: list) -> bool:
    return any(found.severity is ValidationMessageSeverity.ERROR for found in messages)
