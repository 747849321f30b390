"""Who is called about an incident, and when: levels of escalation from CONTACTS_FILE.

    levels:
      - {after_minutes: 0, contacts: [{role: Plantão, email: plantao@orgao.gov.br}]}
      - {after_minutes: 30, contacts: [{role: Infraestrutura, phone: "…"}]}

Roles may be kept and told anywhere; names, mailboxes and numbers are shown to who asks for the
incident, and are in no log, event or record.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.reading import Unreadable, yaml_of
from atalaia.kernel.base.settings import settings


class Contact(BaseModel):
    """One who is called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str = Field(min_length=1, max_length=80)
    name: str = ""
    email: str = ""
    phone: str = ""


class Level(BaseModel):
    """Who is called once an incident is open for so long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after_minutes: float = Field(ge=0)
    contacts: tuple[Contact, ...] = ()


def check_levels(levels: Sequence[Level]) -> None:
    """Raises ValueError unless they begin at 0 and go up."""
    minutes = [level.after_minutes for level in levels]
    if minutes[0] != 0 or minutes != sorted(set(minutes)):
        raise ValueError("os níveis começam em after_minutes 0 e sobem")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    levels: tuple[Level, ...] = Field(min_length=1, max_length=9)

    @field_validator("levels")
    @classmethod
    def _go_up(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        check_levels(levels)
        return levels


DEFAULT = (Level(after_minutes=0), Level(after_minutes=30), Level(after_minutes=60))


def levels(file: Path | None = None) -> tuple[Level, ...]:
    """The levels of `file`, or of CONTACTS_FILE; without one, three levels with nobody in them.
    Raises UsageError, saying where the file is wrong and repeating nothing of it."""
    path = file or settings().contacts_file
    if path is None:
        return DEFAULT
    try:
        read = yaml_of(path.read_text(encoding="utf-8"))  # JSON is YAML too
        return _File.model_validate(read).levels
    except OSError as error:
        raise UsageError(
            f"CONTACTS_FILE não pode ser lido ({type(error).__name__}).",
            todo="Corrija o caminho, ou deixe a variável vazia.",
        ) from error
    except (Unreadable, UnicodeDecodeError) as error:
        raise UsageError(
            f"CONTACTS_FILE não é YAML nem JSON ({type(error).__name__}).",
            todo="docs/incidents.md tem um exemplo.",
        ) from None
    except ValidationError as error:
        where = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'o arquivo'}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        )
        raise UsageError(
            f"CONTACTS_FILE não tem a forma combinada. {where}",
            todo="docs/incidents.md tem um exemplo.",
        ) from None


def level_at(minutes: float, known: Sequence[Level]) -> int:
    """Which level, from 1 on, an incident open for so long is at: at 30 minutes the one of 30."""
    return max(1, sum(minutes >= level.after_minutes for level in known))


def roles(level: int, known: Sequence[Level]) -> list[str]:
    """The roles that are called at a level."""
    return [one.role for one in known[min(level, len(known)) - 1].contacts]


def people(level: int, known: Sequence[Level]) -> list[dict[str, Any]]:
    """Who is called at a level, whole: for who asks, and for no log."""
    return [one.model_dump() for one in known[min(level, len(known)) - 1].contacts]
