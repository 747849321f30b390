"""What tests of the territory stand on: a database, a bronze of its own, and IBGE at home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sources.ibge import IbgeServer
from tests.sources.server import nobody

from atalaia.domains.territory import bundle
from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze

PAYLOADS = Path(__file__).resolve().parents[4] / "shared" / "payloads"


class Territory:
    """The territory's tables, its bronze and its manual folder, as a test handles them."""

    def rows(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        """What a query answers."""
        with connect(autocommit=True) as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    def count(self, statement: str, *params: Any) -> int:
        """The single number a query answers."""
        return int(next(iter(self.rows(statement, *params)[0].values())))

    def names(self) -> dict[str, str]:
        """code → name of the municipalities in force."""
        found = self.rows(
            "SELECT territory_id, name FROM silver.dim_territory "
            "WHERE level = 'municipality' AND kind = 'land' AND valid_to IS NULL"
        )
        return {row["territory_id"]: row["name"] for row in found}

    def dead(self) -> list[dict[str, Any]]:
        """The dead letters that wait, oldest first."""
        return self.rows(
            "SELECT * FROM ops.dead_letters WHERE NOT resolved ORDER BY dead_letter_id"
        )

    def bundled(self, *datasets: str) -> None:
        """Put bundled files into bronze, as seeding does."""
        for found in bundle.resources():
            if found.dataset in datasets:
                bronze.store_bytes(
                    bundle.read_raw(found),
                    source=found.source,
                    dataset=found.dataset,
                    reference_period=found.reference_period,
                    filename=found.raw_name,
                    package=found.package,
                    extracted_at=found.extracted_at,
                )

    def by_hand(self, period: str, dataset: str, filename: str, body: bytes | Any) -> None:
        """Put a file where a person would."""
        folder = settings().data_dir / "manual" / "ibge" / period / dataset
        folder.mkdir(parents=True, exist_ok=True)
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        (folder / filename).write_bytes(data)


@pytest.fixture
def territory(database: str) -> Territory:
    """A fresh database."""
    return Territory()


@pytest.fixture
def ibge(territory: Territory, monkeypatch: pytest.MonkeyPatch) -> Iterator[IbgeServer]:
    """IBGE's data service, small and well-behaved until told otherwise."""
    with IbgeServer() as server:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", server.url)
        yield server


@pytest.fixture
def offline(territory: Territory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """IBGE refuses every connection."""
    with nobody() as url:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", url)
        yield


@pytest.fixture
def payloads() -> Path:
    """Real payloads that may not be committed; without them the test is skipped."""
    if not PAYLOADS.is_dir():
        pytest.skip("the folder of real payloads is not beside this checkout")
    return PAYLOADS
