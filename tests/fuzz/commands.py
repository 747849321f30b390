"""The tree of commands, and how one is filled in: what a fuzzer needs to call all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from atalaia.serve.cli.app import ENTRIES, _load

# They stay in the foreground, start or stop servers, or replace the database: fuzzed by what they
# refuse (wrong flags), not by what they do.
LASTING = {
    ("up",), ("down",), ("restart",), ("serve",), ("worker",), ("scheduler",), ("conformance",),
    ("watchdog",), ("doctor",), ("dbt",), ("quality",), ("wave",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One command: its words, and what it takes."""

    words: tuple[str, ...]
    arguments: list[Any] = field(default_factory=list)
    options: list[Any] = field(default_factory=list)

    @property
    def lasting(self) -> bool:
        """Whether it does too much to be called for real."""
        return self.words[:1] in LASTING or self.words[0] == "backup"

    def line(self, text: str, *, only_needed: bool = False) -> list[str]:
        """The command with `text` wherever a text may stand."""
        found = [*self.words]
        for option in self.options:
            if only_needed and not option.required:
                continue
            if not option.is_flag and takes_text(option):
                found += [_long(option), text]
        return [*found, *(text for _ in self.arguments)]


def takes_text(parameter: Any) -> bool:
    """Whether a parameter takes what a person types, and not one of a list or a number."""
    return parameter.type.name in ("text", "path", "file", "filename", "directory", "str")


def _long(option: Any) -> str:
    return str(max(option.opts, key=len))


def leaves() -> Iterator[Leaf]:
    """Every command there is, in the order of `atalaia --help`."""
    for entry in ENTRIES:
        yield from _below((entry.name,), _load(entry.name, entry.target, entry.help))


def _below(words: tuple[str, ...], command: Any) -> Iterator[Leaf]:
    inner = getattr(command, "commands", None)
    if inner:
        for name, one in inner.items():
            yield from _below((*words, name), one)
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    yield Leaf(words, arguments, [one for one in options if "--help" not in one.opts])
