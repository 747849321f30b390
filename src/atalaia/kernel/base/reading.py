"""YAML and JSON that others wrote, read so that only one thing can go wrong.

The libraries raise more than their own errors: a date that does not exist (`2024-13-45` in YAML) is
a plain ValueError, a number too large an OverflowError, brackets nested a thousand deep a
RecursionError, which passes by everything that catches ValueError.
"""

from __future__ import annotations

import json
import re
from typing import Any

_DEEPEST = 200  # nested lists and objects; no document of ours has twenty

_BRACKET = re.compile(r"[\[\]{}]")


class Unreadable(ValueError):
    """The text is not what it should be. The message says where, and repeats nothing of it."""


def json_of(text: str | bytes) -> Any:
    """What the JSON `text` says. Raises Unreadable, also for what is nested beyond reason."""
    try:
        found = json.loads(text)
        _require_shallow(found)
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None
    return found


def yaml_of(text: str) -> Any:
    """What the YAML `text` says. Raises Unreadable, also for what is nested beyond reason."""
    import yaml  # most who read JSON never read YAML

    try:
        _require_few_brackets(text)  # its scanner's time grows with the square of them
        found = yaml.safe_load(text)
        _require_shallow(found)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise Unreadable(where) from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None
    return found


def _require_few_brackets(text: str) -> None:
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(0, depth - 1)
        if depth > _DEEPEST:
            raise Unreadable("nested too deep")


def _require_shallow(found: Any) -> None:
    """Raise Unreadable for what is nested so deep that whoever walks through it would fall. A YAML
    anchor may make a thing part of itself: that is deep too."""
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise Unreadable("nested too deep")
        inner: dict[int, Any] = {}
        for one in level:
            parts = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            inner |= {id(part): part for part in parts if isinstance(part, dict | list)}
        level = list(inner.values())
