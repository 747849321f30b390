"""Schemathesis on every operation, right and wrong, by an admin, a tenant's program and nobody.

By day a seeded sample of each operation; by night 500 requests each, in four sets of whole tags:
`make test-night SET=fuzz-api-1` … `fuzz-api-4`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import Case
from schemathesis.core.transport import Response
from tests.fuzz.operations import Asker
from tests.serve.api.server import Api

from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep.keys import find

SEED = 20261130
BY_DAY, BY_NIGHT, SHARDS = 4, 500, 4


@pytest.fixture(scope="module")
def asker(api: Api) -> Asker:
    return Asker(api)


def _judge(asker: Asker, least: int) -> None:
    seen = asker.seen
    assert seen.wrong == [], f"{len(seen.wrong)} of {seen.asked}: " + "\n\n".join(seen.wrong[:10])
    assert seen.asked >= least
    refused, taken = seen.statuses[422], seen.statuses[200] + seen.statuses[201]
    assert min(refused, taken, seen.statuses[401], seen.statuses[403]) > 0, seen.statuses
    with transaction() as connection:
        assert find(connection, asker.admin_key) is not None, "the admin's key lived to the end"


@pytest.mark.row("R-080")
@pytest.mark.timeout(600)
def test_a_few_requests_to_every_operation(asker: Asker) -> None:
    operations = asker.operations()
    for operation in operations.values():
        asker.try_all(operation, BY_DAY, SEED)
    _judge(asker, len(operations) * BY_DAY)


@pytest.mark.row("R-080")
@pytest.mark.timeout(1480)
@pytest.mark.parametrize(
    "shard",
    [pytest.param(at, marks=pytest.mark.night(f"fuzz-api-{at + 1}")) for at in range(SHARDS)],
)
def test_five_hundred_requests_to_every_operation(
    api: Api, shard: int, record_property: Any
) -> None:
    asker = Asker(api)
    mine = list(asker.operations().values())[shard::SHARDS]
    record_property("seed", SEED)
    try:
        for operation in mine:
            asker.try_all(operation, BY_NIGHT, SEED)
    finally:
        record_property("requests", asker.seen.asked)
        record_property("statuses", {str(k): v for k, v in asker.seen.statuses.items()})
    _judge(asker, len(mine) * BY_NIGHT)
    assert asker.seen.slow == []


def _walk(asker: Asker, walks: int) -> None:
    """Requests that follow from each other: what one answer names, the next request asks for."""

    class Walk(asker.schema.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Case, **_: Any) -> Response:
            return asker.ask(case)

        def validate_response(self, *_: Any, **__: Any) -> None:
            """`ask` has judged it."""

    @seeded(SEED)
    class Seeded(Walk):
        pass

    run_state_machine_as_test(
        Seeded,
        settings=settings(
            max_examples=walks, stateful_step_count=8, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.row("R-080")
@pytest.mark.timeout(300)
def test_requests_that_follow_from_each_other(asker: Asker) -> None:
    before = asker.seen.asked
    _walk(asker, 6)
    assert asker.seen.asked >= before + 6
    assert asker.seen.wrong == []


@pytest.mark.night("fuzz-api-walks")
@pytest.mark.row("R-080")
@pytest.mark.timeout(1480)
def test_many_requests_that_follow_from_each_other(asker: Asker, record_property: Any) -> None:
    record_property("seed", SEED)
    _walk(asker, 1500)
    record_property("requests", asker.seen.asked)
    assert asker.seen.wrong == []
