"""Logger: one line of JSON on stdout for each message."""

from __future__ import annotations

from ..internal_logger import InternalLogger


class Logger:
    """Messages as flat JSON objects: context, ``level``, ``event``, ``timestamp``.

    ``exc_info=True`` or an exception adds its traceback as ``exception``. Never raises.
    """

    def __init__(self, context: dict):
        self._logger = InternalLogger(
            context, InternalLogger.LOG_FILE.STDOUT, as_cloud_event=False
        )

    @classmethod
    def get_logger(cls, **kwargs) -> Logger:
        """A logger whose messages all carry the given values."""
        return cls(context=kwargs)

    def bind(self, **kwargs) -> Logger:
        """A logger that adds further values."""
        bound = type(self).__new__(type(self))
        bound._logger = self._logger.bind(**kwargs)
        return bound

    def info(self, message: str, **kwargs):
        self._logger.info(message, **kwargs)

    def error(self, message: str, **kwargs):
        self._logger.error(message, **kwargs)

    def debug(self, message: str, **kwargs):
        self._logger.debug(message, **kwargs)

    def warning(self, message: str, **kwargs):
        self._logger.warning(message, **kwargs)
