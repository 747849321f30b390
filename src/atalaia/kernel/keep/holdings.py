"""What is kept beside the database, and what a restored database takes over from the one before.

`keep` knows neither bronze nor gold: a higher room registers what it holds here, when it is
imported. An archive says which holdings it was made of, and is refused where one is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

AnyConnection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of the data folder that never changes: `path` is below DATA_DIR."""

    path: str
    sha256: str
    size: int


def _no_files(_connection: AnyConnection) -> Iterable[KeptFile]:
    return ()


def _nothing(_before: AnyConnection, _restored: AnyConnection) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Holding:
    """`files` lists what the database, as `connection` sees it, says is on disk. `carry` is called
    before a swap with the database that leaves and the one that comes, whose transaction is
    open: for what must not go back in time."""

    name: str
    files: Callable[[AnyConnection], Iterable[KeptFile]] = _no_files
    carry: Callable[[AnyConnection, AnyConnection], None] = _nothing


_registered: dict[str, Holding] = {}


def register(holding: Holding) -> None:
    """Have a holding in every backup from now on. Registering it again changes nothing."""
    _registered[holding.name] = holding


def registered() -> tuple[Holding, ...]:
    """Every holding, by name."""
    return tuple(_registered[name] for name in sorted(_registered))
