"""What tests of the intake stand on: a database, a data folder, and a worker's hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import forget_settings

from atalaia.domains.cattle.service import Bringer, receive
from atalaia.domains.cattle.work import HANDLERS
from atalaia.kernel.base.database import connect
from atalaia.kernel.work.drain import Drained, drain

House = Callable[..., Any]


def sql(statement: str, *values: Any) -> list[dict[str, Any]]:
    """What a query answers."""
    with connect(autocommit=True) as connection:
        found = connection.execute(statement.encode(), values)
        return found.fetchall() if found.description else []


def work() -> Drained:
    """Do what is due, as a worker does."""
    return drain(HANDLERS, seconds=60)


@pytest.fixture
def house(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty house: its database, and the folder its data are in."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("DATA_DIR", str(folder))
    forget_settings()
    return tmp_path


def bring(file: Path, *, tenant_id: str = "default", name: str = "") -> dict[str, Any]:
    """Have the intake take a copy of `file`; returns its row."""
    copy = file.with_name(f"{file.name}.sent")
    shutil.copy(file, copy)
    by = Bringer(tenant_id, "teste", "cli", "cli", "teste")
    return receive(copy, name or file.name, by)


def of(one: dict[str, Any]) -> dict[str, Any]:
    """The row as it is now."""
    return sql("SELECT * FROM etl_file WHERE id = %s", one["id"])[0]
