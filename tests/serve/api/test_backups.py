"""GET /v1/ops/backups: what there is to go back to, and whether anybody has tried."""

from __future__ import annotations

import pytest
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import transaction

_ROWS = """
    INSERT INTO ops.backups (backup_id, file, sha256, size, created_at_utc, seconds, row_count,
        data_hash, actor, trigger, verified_at_utc, problem, removed_at_utc)
    SELECT gen_random_uuid(), '/secret/place/backup-' || n || '.atl', repeat('a', 64), 10 + n,
           clock_timestamp() - n * interval '1 hour', 1.5, 7, 'h', 'ana', 'cli',
           CASE WHEN n > 30 THEN clock_timestamp() END, NULL, NULL
    FROM unnest(ARRAY[1, 40, 2]) AS n
"""


@pytest.fixture(scope="module")
def key(api: Api) -> str:
    with transaction() as connection:
        connection.execute(_ROWS.encode())
        connection.execute(
            """INSERT INTO ops.restore_drills
               SELECT gen_random_uuid(), backup_id, clock_timestamp(), 1, 2, 3, 4, 5, false, 'x'
               FROM ops.backups LIMIT 1"""
        )
    return new_key("viewer")


def test_it_asks_for_a_key(api: Api, key: str) -> None:
    assert api.get("/v1/ops/backups").status_code == 401


def test_backups_newest_first_with_drills_and_no_path_of_the_machine(api: Api, key: str) -> None:
    answer = api.get("/v1/ops/backups?page_size=2", Authorization=f"Bearer {key}")
    body = answer.json()
    assert [one["name"] for one in body["items"]] == ["backup-1.atl", "backup-2.atl"]
    assert (body["count"], body["total"]) == (2, 3)
    assert body["items"][0]["age_seconds"] in range(3600, 3700)
    assert [one["passed"] for one in body["drills"]] == [False]
    assert "secret" not in answer.text


def test_the_guard_counts_only_what_was_verified_and_is_young(api: Api, key: str) -> None:
    def guarded() -> bool:
        body = api.get("/v1/ops/backups", Authorization=f"Bearer {key}").json()
        assert body["guard"]["limit_hours"] == 24
        return bool(body["guard"]["guarded"])

    assert not guarded()  # the verified one is 40 hours old
    with transaction() as connection:
        connection.execute(
            "UPDATE ops.backups SET verified_at_utc = clock_timestamp() WHERE size = 11"
        )
    assert guarded()


def test_one_asked_for_twice_with_one_key_is_accepted_once(api: Api) -> None:
    bearer = f"Bearer {new_key('operator')}"

    def ask() -> str:
        answer = api.client.post(
            "/v1/ops/backups",
            json={"reason": "antes da carga"},
            headers={"Authorization": bearer, "Idempotency-Key": "before-the-load"},
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    assert ask() == ask()
