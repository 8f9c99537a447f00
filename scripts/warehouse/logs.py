"""The log of the commands: JSON lines in `logs/warehouse.jsonl`, rotated by size."""

from __future__ import annotations

import json
import logging
import logging.handlers
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from warehouse.config import Config

logger = logging.getLogger("warehouse")
logger.propagate = False
logger.addHandler(logging.NullHandler())


class JsonLines(logging.Formatter):
    """One JSON object per record; what was passed as `extra={"data": {...}}` is merged into it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None).isoformat(),
            "level": record.levelname.lower(),
            "pid": record.process,
            "message": record.getMessage(),
            **getattr(record, "data", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class _Private(logging.handlers.RotatingFileHandler):
    """A rotating log that only its owner may read, and that never stops a run."""

    def _open(self):
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk is reported by the step that needs the space, not by its log."""


@contextmanager
def logging_to(config: Config) -> Iterator[None]:
    """Write the log of this process below `config.logs` while the block runs."""
    try:
        handler = _Private(
            config.logs / "warehouse.jsonl",
            maxBytes=int(config.log_megabytes * 1_000_000),
            backupCount=config.log_files,
            encoding="utf-8",
        )
    except OSError:
        # Without a log the run can still do its work, and its own writes say what is wrong.
        yield
        return
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        # What a full disk did not take is still in the buffer: it must not hide what happened.
        with suppress(OSError):
            handler.close()
