"""Reading back what processes logged: files of JSON lines, the rotated ones too, in order of time.

PostgreSQL's and Redis's own lines are no JSON; their moment is read from how they begin. A line
without a moment of its own (the rest of an error) belongs to the line before it. Everything told
goes through the redactor once more: what others wrote did not.
"""

from __future__ import annotations

import gzip
import heapq
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atalaia.kernel.base.redact import redact

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_POSTGRES = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC ")
_REDIS = re.compile(r"\d+:[A-Z] (\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}) ")
_RANK = {
    **{name: rank for rank, name in enumerate(LEVELS)},
    **dict.fromkeys(("LOG", "NOTICE", "HINT", "DETAIL", "STATEMENT"), 1),
    **dict.fromkeys(("FATAL", "PANIC"), 4),
}
_WORD = re.compile(rf"\b({'|'.join(_RANK)})\b")


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `fields` is the JSON it is, or nothing when it is none."""

    at: datetime
    service: str
    level: str
    text: str
    fields: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The line, JSON-ready: as it was written, or its text."""
        if self.fields:
            return dict(self.fields)
        return {
            "ts": self.at.isoformat(timespec="milliseconds"),
            "level": self.level,
            "service": self.service,
            "message": self.text,
            "trace_id": "",
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: all that fit everything given. `until` is the first moment not wanted, `level`
    the least one, `trace` and `contains` are looked for in the line as it stands."""

    since: datetime | None = None
    until: datetime | None = None
    level: str = ""
    trace: str = ""
    contains: str = ""

    def takes(self, line: Line) -> bool:
        """Whether this is one of them."""
        return (
            (self.since is None or line.at >= self.since)
            and (self.until is None or line.at < self.until)
            and (not self.level or _RANK.get(line.level, 1) >= _RANK[self.level])
            and self.trace in line.text
            and self.contains in line.text
        )


def generations(path: Path) -> list[Path]:
    """A log file and what it was rotated into, the oldest first."""
    rotated = []
    for found in path.parent.glob(f"{path.name}.*"):
        number = found.name.removeprefix(f"{path.name}.").removesuffix(".gz")
        if number.isdigit():
            rotated.append((int(number), found))
    older = [found for _, found in sorted(rotated, reverse=True)]
    return [*older, path] if path.exists() else older


def read(files: Mapping[str, Path], wanted: Wanted) -> Iterator[Line]:
    """The wanted lines of these files, by service, in order of time."""
    each = [_of_service(service, path, wanted) for service, path in files.items()]
    return heapq.merge(*each, key=lambda line: line.at)


def _of_service(service: str, path: Path, wanted: Wanted) -> Iterator[Line]:
    parser = Parser(service)
    for file in generations(path):
        if wanted.since and file.stat().st_mtime < wanted.since.timestamp():
            continue  # nothing was written into it since
        with _opened(file) as lines:
            yield from (line for line in map(parser.line, lines) if wanted.takes(line))


def _opened(file: Path) -> Any:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", errors="replace", newline="\n")
    return file.open(encoding="utf-8", errors="replace", newline="\n")


class Parser:
    """Makes lines of one service's text; remembers the moment of the last one."""

    def __init__(self, service: str) -> None:
        self._service, self._at, self._level = service, datetime.fromtimestamp(0, UTC), "INFO"

    def line(self, text: str) -> Line:
        """One line of the file."""
        text = redact(_visible(text.rstrip("\n")))
        fields = _json(text)
        moment = _moment(str(fields.get("ts", "")) if fields else text)
        if moment is not None:
            self._at = moment
            found = _WORD.search(text[:200])
            self._level = (
                str(fields.get("level", "INFO")) if fields else (found[1] if found else "INFO")
            )
        return Line(self._at, self._service, self._level, text, fields)


def _visible(text: str) -> str:
    """Without what would move a terminal's cursor, or make one line look like two."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _json(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _moment(text: str) -> datetime | None:
    postgres, redis = _POSTGRES.match(text), _REDIS.match(text)
    try:
        if postgres:
            return datetime.fromisoformat(postgres[1]).replace(tzinfo=UTC)
        if redis:
            return datetime.strptime(redis[1], "%d %b %Y %H:%M:%S.%f").astimezone(UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def of_trace(folder: Path, trace: str, *, most: int) -> list[dict[str, Any]]:
    """The last `most` lines of a trace that the services' own files have."""
    if not trace.strip("-0"):
        return []
    files = {path.stem: path for path in sorted(folder.glob("*.log"))}
    return last(read(files, Wanted(trace=trace)), most)


def last(lines: Iterable[Line], most: int) -> list[dict[str, Any]]:
    """The last of them, JSON-ready."""
    found: list[dict[str, Any]] = []
    for line in lines:
        found.append(line.as_dict())
        del found[:-most]
    return found
