"""Checks of the loaded code that do not need to run it."""

from .message import ValidationMessage, ValidationMessageSeverity, has_error_message
from .print import format_validation_messages
from .validate import validate_loaded_applications

__all__ = [
    "ValidationMessageSeverity",
    "ValidationMessage",
    "validate_loaded_applications",
    "has_error_message",
    "format_validation_messages",
]
