"""How a domain speaks of its incidents, and whom it calls: the platform's words and CONTACTS_FILE
unless the domain brings its own (`Domain.incidents`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atalaia.kernel.base.database import Connection
from atalaia.kernel.watch import contacts, incident_texts

Row = Mapping[str, Any]  # of ops.incidents


@dataclass(frozen=True, slots=True)
class Voice:
    """The three texts, made from the incident's row as it is after the step, and who is called.

    `news` gets what was done, what is next, and the expected end; `levels` raises UsageError when
    what it reads is wrong."""

    declaration: Callable[[Connection, Row], str]
    news: Callable[[Connection, Row, str, str, str], str]
    end: Callable[[Row], str]
    levels: Callable[[], Sequence[contacts.Level]]


PLATFORM = Voice(
    incident_texts.declaration, incident_texts.news, incident_texts.end, contacts.levels
)
Voices = Callable[[str], Voice]  # of a domain's name; '' is the platform


def platform_only(_domain: str) -> Voice:
    """For who knows no domain."""
    return PLATFORM
