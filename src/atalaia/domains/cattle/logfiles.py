"""The four log files, laid out so that the runbook's grep and awk lines work as printed (X-14).

    2026-01-31 08:00:00 ALERT etl-dlq subject=- told=opened
    2026-01-31 08:00:00 ERROR etl-service file=<id> ValidationError message=…
    2026-01-31 08:00:00 PROCESSING_TIME <file id> 1234 layout=… rows=…
    2026-01-31 08:00:00 AUDIT <who> <what> <of what> reason=…

etl-service.log has everything, errors.log only ERROR and FATAL, metrics.log only PROCESSING_TIME,
audit.log only AUDIT. Times are the machine's own, because the runbook's `date` is. A value is one
quoted word that begins no line and bears no other line's name, whatever a file was called; it goes
through the redactor. Each line is one write to a file opened for appending, so that processes do
not tear one another's lines, and `tail -f` sees it at once; a file that was moved away, or removed,
is made again.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atalaia.kernel.base.redact import redact

SERVICE, ERRORS, METRICS, AUDIT = "etl-service.log", "errors.log", "metrics.log", "audit.log"
FILES = (SERVICE, ERRORS, METRICS, AUDIT)
CLASSES = {
    "validation": "ValidationError",
    "connection": "ConnectionError",
    "resource": "ResourceError",
    "data": "DataError",
}
DOMAIN = "cattle"
RULE_PREFIX = "etl-"
_NAMES = re.compile(r"ERROR|FATAL|ALERT|SLOW_QUERY|PROCESSING_TIME|AUDIT")
_PLAIN = re.compile(r"[\w.:/@%+,\[\]-]+")  # needs no quotes
_LEVELS = {"CRITICAL": "FATAL"}
_CLASS = re.compile(r"[A-Za-z]\w*")
_LONGEST = 400


class LogFiles:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def touch(self) -> None:
        """Have all four there, and none of them old: the weekly clean-up removes old ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (self.folder / name).touch(mode=0o640)

    def audit(self, at: datetime, who: str, what: str, subject: str, **more: Any) -> None:
        """Who did what, to what."""
        self._write((AUDIT,), at, f"AUDIT {word(who)} {word(what)} {word(subject)}", more)

    def processed(self, at: datetime, file_id: str, milliseconds: int, **more: Any) -> None:
        """How long a file took."""
        line = f"PROCESSING_TIME {word(file_id)} {milliseconds}"
        self._write((METRICS, SERVICE), at, line, more)

    def error(
        self, at: datetime, kind: str, message: str, file_id: str = "-", *, level: str = "ERROR",
        **more: Any,
    ) -> None:  # fmt: skip
        """What went wrong, by its class, and with which file."""
        name = kind if _CLASS.fullmatch(kind) else "UnknownError"
        line = f"{level} etl-service file={word(file_id)} {_unnamed(name)}"
        self._write((SERVICE, ERRORS), at, line, {"message": message, **more})

    def alert(self, at: datetime, rule: str, **more: Any) -> None:
        """An alert that was told."""
        self._write((SERVICE,), at, f"ALERT {word(rule)}", more)

    def slow_query(self, at: datetime, **more: Any) -> None:
        """A query that took long."""
        self._write((SERVICE,), at, "WARNING etl-service SLOW_QUERY", more)

    def said(self, at: datetime, level: str, message: str, **more: Any) -> None:
        """Anything else."""
        self._write((SERVICE,), at, f"{level} etl-service", {"message": message, **more})

    def _write(
        self, names: tuple[str, ...], at: datetime, head: str, fields: Mapping[str, Any]
    ) -> None:
        moment = at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        told = " ".join(f"{name}={word(value)}" for name, value in fields.items())
        line = f"{moment} {head} {told}".rstrip() + "\n"
        for name in names:
            self._append(name, line.encode())

    def _append(self, name: str, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            file = os.open(self.folder / name, flags, 0o640)
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self.folder / name, flags, 0o640)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def word(value: Any) -> str:
    """A value as one word of a line: redacted, cut, quoted where it must be, and never one of the
    words by which lines are found."""
    if value is None or value == "":
        return "-"
    text = redact(str(value))
    text = _unnamed(text[:_LONGEST] + ("…" if len(text) > _LONGEST else ""))
    if _PLAIN.fullmatch(text):
        return text
    # Quoted, blanks would still be counted by awk: what stands in it is one field.
    return json.dumps(text, ensure_ascii=not text.isprintable()).replace(" ", "_")


def _unnamed(text: str) -> str:
    return _NAMES.sub(lambda found: found[0].lower(), text)


class Handler(logging.Handler):
    """Brings a process's own lines into the files: errors, alerts of cattle, slow queries, the
    rest. What says that it is another domain's is not in them."""

    def __init__(self, files: LogFiles) -> None:
        super().__init__(logging.INFO)
        self._files = files

    def emit(self, record: logging.LogRecord) -> None:
        """One line, or none; nobody is stopped by a full disk here."""
        fields = dict(getattr(record, "fields", {}))
        message = record.getMessage().strip().partition("\n")[0]
        if not _ours(message, fields):
            return
        at = datetime.fromtimestamp(record.created, UTC)
        try:
            self._tell(at, record, message, fields)
        except OSError:
            self.handleError(record)

    def _tell(
        self, at: datetime, record: logging.LogRecord, message: str, fields: dict[str, Any]
    ) -> None:
        if message == "ALERT":
            self._files.alert(at, fields.pop("rule"), **fields)
        elif message == "SLOW_QUERY":
            self._files.slow_query(at, **fields)
        elif record.levelno >= logging.ERROR:
            level = _LEVELS.get(record.levelname, record.levelname)
            kind = fields.pop("error", None) or fields.get("why") or _class_of(record)
            file_id = str(fields.pop("file", "-"))
            for taken in ("level", "kind", "message"):
                fields[f"{taken}_"] = fields.pop(taken, "-")
            told = {name: value for name, value in fields.items() if value != "-"}
            self._files.error(at, str(kind), message, file_id, level=level, **told)
        else:
            told = {k: v for k, v in fields.items() if k not in ("level", "message", "at")}
            self._files.said(at, record.levelname, message, **told)


def _class_of(record: logging.LogRecord) -> str:
    return record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "Error"


def _ours(message: str, fields: Mapping[str, Any]) -> bool:
    if message == "ALERT":
        return str(fields.get("rule", "")).startswith(RULE_PREFIX)
    if fields.get("domain", DOMAIN) != DOMAIN:
        return False
    kind = str(fields.get("kind", ""))
    return "." not in kind or kind.startswith(f"{DOMAIN}.")


def attach(folder: Path) -> LogFiles:
    """Have this process's lines in the files of `folder` too, once, whatever was attached before.
    Raises OSError when the folder cannot be written."""
    files = LogFiles(folder)
    files.touch()
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not isinstance(one, Handler)]
    root.addHandler(Handler(files))
    return files
