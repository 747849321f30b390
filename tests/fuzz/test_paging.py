"""Lists: every odd page is refused or right, and a walk meets each row once while rows come."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fuzz.filling import Filling
from tests.serve.api.matrix import HOUSE, THINGS, Operation, World, table
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.work.items import accept

ODD = (
    "0", "-1", "1", "2", "500", "501", "999999", "1000000", "1000001", "1000000000000", str(2**31),
    str(2**63 - 1), str(2**63), str(2**64), "9" * 400, "1.0", "1.5", "1e3", "0x10", "+1", " 1",
    "1 ", "01", "١", "", "abc", "null", "true", "NaN", "inf", "-inf", "1;2", "1,2", "[1]", "'",
    "%00",
    "\x00",     "١٢", "-0", "1_000", "½",
)  # fmt: skip
NUMBERS = ("page", "page_size", "limit")


def lists(filling: Filling) -> list[tuple[Operation, list[str]]]:
    """The operations that give a list by pages, and which of the numbers each takes."""
    found = []
    for operation in table():
        asked = [one["name"] for one in filling.told(operation).get("parameters", ())]
        names = [name for name in NUMBERS if name in asked]
        if names and operation.method == "GET":
            found.append((operation, names))
    return found


@pytest.mark.row("R-084")
@pytest.mark.timeout(400)
def test_every_odd_page_of_every_list_is_refused_or_right(api: Api) -> None:
    filling, key, tried = Filling(api, World()), new_key("admin"), 0
    found = lists(filling)
    assert len(found) >= 12
    assert len(ODD) >= 40
    for operation, names in found:
        path, needed = filling.path(operation), filling.query(operation)
        for odd in ODD:
            for name in names:
                query = {**needed, name: odd}
                answer = api.client.get(path, params=query, headers={"X-API-Key": key})
                tried += 1
                assert answer.status_code in (200, 404, 422), (operation.name, name, odd)
                if answer.status_code == 200 and "items" in answer.json():
                    body = answer.json()
                    assert body.get("count", len(body["items"])) == len(body["items"])
                    size = int(float(odd)) if name != "page" else body.get("page_size", 500)
                    assert len(body["items"]) <= size, (operation.name, name, odd)
    assert tried >= 12 * 40


def _items(count: int) -> str:
    with transaction() as connection:
        made = accept(connection, "toy", [{"n": n} for n in range(count)], tenant_id="default",
                      actor="a", trigger="api")  # fmt: skip
    return str(made.batch_id)


def _letters(count: int, name: str) -> None:
    with connect(autocommit=True) as connection:
        found = connection.execute("SELECT run_id FROM ops.pipeline_runs LIMIT 1").fetchone()
        run = found["run_id"] if found else THINGS["run_id"](HOUSE)
        connection.execute(
            """INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period)
               SELECT 'x', 'walked', %s || n, 'permanent', 'r', '{}', %s, '2024' FROM 
                   generate_series(1, %s) AS n""",
            (name, run, count),
        )


@pytest.mark.row("R-084")
def test_a_walk_meets_each_row_once_while_rows_come(api: Api) -> None:
    """Dead letters, oldest first; the audit log, newest first, by where the last page ended."""
    key = {"X-API-Key": new_key("admin")}
    _letters(57, "before-")
    seen, page = [], 1
    while True:
        query: dict[str, Any] = {"source": "walked", "page": page, "page_size": 7}
        body = api.client.get("/v1/ops/dead-letters", params=query, headers=key).json()
        seen += [one["entity_id"] for one in body["items"]]
        if page < 6:
            _letters(3, f"meanwhile-{page}-")
        if not body["more"]:
            break
        page += 1
    assert len(seen) == len(set(seen)) == 57 + 5 * 3

    before = api.client.get("/v1/audit", params={"page_size": 1}, headers=key).json()["total"]
    walked, query = [], {"page_size": 5}
    for turn in range(before):
        body = api.client.get("/v1/audit", params=query, headers=key).json()
        walked += [(one["stream"], one["seq"]) for one in body["items"]]
        if turn < 5:
            new_key("viewer")  # one record more, newer than all that is walked
        if not body["older"]:
            break
        query = {"page_size": 5, "start": body["older"]}
    assert len(walked) == len(set(walked)) == before


@pytest.mark.row("R-084")
def test_a_walk_through_results_meets_each_position_once(api: Api) -> None:
    key, batch, seen = {"X-API-Key": new_key("admin")}, _items(53), []
    for page in range(1, 20):
        query = {"page": page, "page_size": 5}
        body = api.client.get(f"/v1/jobs/{batch}/results", params=query, headers=key).json()
        seen += [one["position"] for one in body["items"]]
        _items(2)
        if not body["items"]:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == 53
