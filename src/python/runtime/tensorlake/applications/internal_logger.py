"""The writer behind Logger: JSON lines on a stream of this process. Never raises."""

from __future__ import annotations

import enum
import sys


class InternalLogger:
    class LOG_FILE(enum.Enum):
        STDOUT = 1
        STDERR = 2
        NULL = 3

    def __init__(self, context: dict, destination: LOG_FILE, as_cloud_event: bool):
        self._context = context
        self._destination = destination
        self._as_cloud_event = as_cloud_event
        self._log_file = None
        if destination is InternalLogger.LOG_FILE.STDOUT:
            self._log_file = sys.stdout
        elif destination is InternalLogger.LOG_FILE.STDERR:
            self._log_file = sys.stderr

    @classmethod
    def get_logger(cls, **kwargs) -> InternalLogger:
        return cls(kwargs, cls.LOG_FILE.STDOUT, as_cloud_event=True)

    def __reduce__(self):
        return InternalLogger, (self._context, self._destination, self._as_cloud_event)

    def bind(self, **kwargs) -> InternalLogger:
        return InternalLogger(
            {**self._context, **kwargs}, self._destination, self._as_cloud_event
        )

    def info(self, message: str, **kwargs):
        self._log("info", message, kwargs)

    def error(self, message: str, **kwargs):
        self._log("error", message, kwargs)

    def debug(self, message: str, **kwargs):
        self._log("debug", message, kwargs)

    def warning(self, message: str, **kwargs):
        self._log("warning", message, kwargs)

    def _log(self, level: str, message: str, values: dict) -> None:
        if self._log_file is None:
            return
        try:
            self._log_file.write(self._line(level, message, values) + "\n")
            self._log_file.flush()
        except Exception as error:
            # A value that is not JSON, or a stream that was closed.
            try:
                print(
                    "Failed to log internal logger message", message,
                    "context", str(values), "exception:", str(error), flush=True,
                )  # fmt: skip
            except Exception:
                pass

    def _line(self, level: str, message: str, values: dict) -> str:
        import json

        from .cloud_events import event_time, new_cloud_event

        context = {**self._context, **values, "level": level, "event": message}
        if "exc_info" in context:
            text = _traceback_text(context.pop("exc_info"))
            if text:
                context["exception"] = text
        for key, value in context.items():
            if not isinstance(value, (str, int, float, type(None), list, dict, tuple)):
                context[key] = str(value)
        if self._as_cloud_event:
            source = "/tensorlake/function_executor/logger"
            return json.dumps(new_cloud_event(context, source=source))
        context["timestamp"] = event_time()
        return json.dumps(context)


def _traceback_text(info) -> str:
    import traceback

    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if not info or info == (None, None, None):
        return ""
    return "".join(traceback.format_exception(*info))
