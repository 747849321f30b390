"""Texts that would do something, in every place of every operation that takes a text.

By day a seeded few at each place, all of them somewhere; by night each at each, in shards:
`make test-night SET=fuzz-inject-1` …
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from tests.fuzz.filling import Filling, Place
from tests.fuzz.injections import SLEEPS, Ground, texts, told
from tests.serve.api.matrix import World
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect

SEED, BY_DAY, SHARDS = 20261201, 2, 6
_PATIENCE = 2.0  # seconds over what the place takes for a harmless text
_ENDLESS = "/v1/ops/live"


class Prober:
    """Puts texts into places, as an admin, and judges what comes back."""

    def __init__(self, api: Api) -> None:
        self._api, self._filling = api, Filling(api, World())
        self._key = {"X-API-Key": new_key("admin")}
        self._paths: dict[str, str] = {}
        self.places = [one for one in self._filling.places() if one.kind != "cookie"]
        self.asked, self.wrong = 0, list[str]()

    def try_at(self, place: Place, some: Sequence[str]) -> None:
        """Each of these texts there; what is not as promised goes to `wrong`."""
        usual = max(self._took(place, "porque sim")[0] for _ in range(2))
        for text in some:
            spent, answer = self._took(place, text)
            faults = list(told(answer, text))
            # A busy machine is slow once, or twice; what sleeps is slow each time.
            if spent > usual + _PATIENCE and self._is_slow(place, text, usual):
                faults.append(f"a wait of {spent:.1f} s")
            self.asked += 1
            where = f"{place.operation.name} {place.kind} {place.name}: {text[:120]!r}"
            self.wrong += [f"{where} gave {fault}" for fault in faults]

    def _is_slow(self, place: Place, text: str, usual: float) -> bool:
        return all(self._took(place, text)[0] > usual + _PATIENCE for _ in range(3))

    def _took(self, place: Place, text: str) -> tuple[float, Any]:
        request = self._request(place, text)
        began = time.monotonic()
        answer = self._api.client.request(place.operation.method, **request)
        return time.monotonic() - began, answer

    def _request(self, place: Place, text: str) -> dict[str, Any]:
        operation, kind = place.operation, place.kind
        if kind == "path":
            path = self._filling.path(operation, text, place.name)
        else:
            path = self._paths.setdefault(operation.name, self._filling.path(operation))
        query = {
            **self._filling.query(operation),
            **({place.name: text} if kind == "query" else {}),
        }
        headers = {**self._key, **self._filling.headers(operation, self.asked)}
        if kind == "header":
            # What ends a header cannot be sent in one: it would end it on our side.
            headers[place.name] = "".join(c for c in text if c >= " " and c != "\x7f").strip()
        sent = {name: value.encode("utf-8", "replace") for name, value in headers.items()}
        name = place.name if kind == "body" else ""
        body = self._filling.body(operation, text if name else "porque sim", name)
        return {"url": path, "params": query, "headers": sent,
                **({} if body is None else {"json": body})}  # fmt: skip


@pytest.fixture
def ground(api: Api, tmp_path: Path) -> Iterator[Ground]:
    """What must be at the end as it was at the beginning."""
    found = Ground(tmp_path / "injected")
    found.lay()
    before = found.seen()
    yield found
    assert found.seen() == before


def _shared_out(count: int, among: int, each: int) -> list[list[int]]:
    """For each place some of the texts, so that every text is somewhere."""
    chance = random.Random(SEED)  # noqa: S311
    order: list[int] = []
    while len(order) < among * each:
        order += chance.sample(range(count), count)
    return [order[at * each : (at + 1) * each] for at in range(among)]


def test_what_would_be_seen_of_an_injection(ground: Ground, api: Api) -> None:
    """A statement made by putting a text between quotes does what the text says: seen each time."""
    before = ground.seen()
    with connect(autocommit=True) as connection:
        for deed in ("DROP", "DELETE", "UPDATE", "INSERT", "CREATE TABLE"):
            (text,) = (one for one in texts(ground.marker) if one.startswith(f"'; {deed}"))
            connection.execute(sql.SQL(f"SELECT '{text}'"))  # type: ignore[arg-type]
            assert ground.seen() != before, text
            connection.execute("DROP TABLE IF EXISTS public.inj3cted")
            ground.lay()
        (sleeps,) = (one for one in texts(ground.marker) if one.startswith("'; SELECT pg_sleep"))
        began = time.monotonic()
        connection.execute(sql.SQL(f"SELECT '{sleeps}'"))  # type: ignore[arg-type]
        assert time.monotonic() - began >= SLEEPS > 2 * _PATIENCE
    ground.lay()
    assert ground.seen() == before


@pytest.mark.row("R-082")
@pytest.mark.timeout(600)
def test_a_few_injections_at_every_place(api: Api, ground: Ground, record_property: Any) -> None:
    prober, all_texts = Prober(api), texts(ground.marker)
    record_property("places", len(prober.places))
    record_property("seed", SEED)
    assert len(all_texts) >= 300
    shares = _shared_out(len(all_texts), len(prober.places), BY_DAY)
    assert {at for share in shares for at in share} == set(range(len(all_texts)))
    for place, share in zip(prober.places, shares, strict=True):
        if place.operation.path != _ENDLESS:
            prober.try_at(place, [all_texts[at] for at in share])
    assert prober.wrong == [], f"{len(prober.wrong)}: " + "\n".join(prober.wrong[:20])
    assert prober.asked > len(all_texts)


@pytest.mark.row("R-082")
@pytest.mark.timeout(1480)
@pytest.mark.parametrize(
    "shard",
    [pytest.param(at, marks=pytest.mark.night(f"fuzz-inject-{at + 1}")) for at in range(SHARDS)],
)
def test_every_injection_at_every_place(
    api: Api, ground: Ground, shard: int, record_property: Any
) -> None:
    prober, all_texts = Prober(api), texts(ground.marker)
    record_property("texts", len(all_texts))
    mine = prober.places[shard::SHARDS]
    record_property("places", len(mine))
    for place in mine:
        some = all_texts if place.operation.path != _ENDLESS else all_texts[:5]
        prober.try_at(place, some)
    record_property("requests", prober.asked)
    assert prober.wrong == [], f"{len(prober.wrong)}: " + "\n".join(prober.wrong[:20])
