"""Flags in a JSON file, for local runs and tests: `{"sms-notifications": false, "retry-days": [1, 3]}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog
from openfeature.flag_evaluation import Reason

from integrations.flags.provider import Found, MemoryProvider

_log = structlog.get_logger(__name__)


class FileProvider(MemoryProvider):
    """The same value for everyone. A change counts with the next question; a broken one leaves what was there."""

    name = "file"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._values: Mapping[str, Any] = {}

    def find(self, flag_key: str, code: str) -> Found | None:
        """The flag's value in the file."""
        del code
        self._reload()
        if flag_key not in self._values:
            return None
        return Found(value=self._values[flag_key], reason=Reason.STATIC)

    def _reload(self) -> None:
        """Read the file when it isn't the one that was read last: a look at it costs two microseconds."""
        try:
            state = self._path.stat()
        except FileNotFoundError:
            self._seen, self._values = None, {}
            return
        seen = (state.st_mtime_ns, state.st_size, state.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            values = orjson.loads(self._path.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            _log.warning("flags.file_unreadable", path=str(self._path), error=str(error))
            return
        if not isinstance(values, dict):
            _log.warning("flags.file_unreadable", path=str(self._path), error="it must hold an object: flag to value")
            return
        self._values = values
        _log.info("flags.file_read", path=str(self._path), flags=sorted(values))
