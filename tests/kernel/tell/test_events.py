"""Events are written with their cause, once per key, one delivery for each channel that hears."""

from __future__ import annotations

from uuid import UUID

import pytest

from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.tell.events import MOST_BYTES, WAKE, announce, checked_wanted

pytestmark = pytest.mark.usefixtures("database")


def channel(name: str, *event_types: str, tenant: str = "default", status: str = "active") -> None:
    with transaction() as connection:
        connection.execute(
            """INSERT INTO ops.channels (tenant_id, kind, name, address, event_types, created_by,
                   status, disabled_at, disabled_by)
               VALUES (%s, 'webhook', %s, 'https://a.example', %s, 'test', %s,
                   CASE WHEN %s THEN now() END, CASE WHEN %s THEN 'test' END)""",
            (tenant, name, list(event_types), status, *[status == "disabled"] * 2),
        )


def told(event: UUID) -> list[str]:
    with transaction() as connection:
        found = connection.execute(
            """SELECT c.name FROM ops.deliveries d JOIN ops.channels c USING (channel_id)
               WHERE d.event_id = %s ORDER BY c.name""",
            (event,),
        ).fetchall()
    return [row["name"] for row in found]


def happened(event_type: str, tenant: str | None = None, key: str | None = None) -> UUID:
    with transaction() as connection:
        return announce(connection, event_type, {"n": 1}, tenant=tenant, key=key)


def test_who_hears_of_what() -> None:
    channel("all", "*")
    channel("family", "alert.*")
    channel("inner family", "alert.opened.*")
    channel("exact", "alert.opened")
    channel("two", "x.y", "alert.opened")
    channel("other", "incident.*", "alert.open")
    channel("near", "alerts.*")
    channel("off", "*", status="disabled")
    with transaction() as connection:
        connection.execute("INSERT INTO tenants (tenant_id, name) VALUES ('theirs', 'x')")
    channel("theirs", "*", tenant="theirs")
    assert told(happened("alert.opened")) == ["all", "exact", "family", "two"]
    assert told(happened("alert.opened", "theirs")) == ["theirs"]
    assert told(happened("alert_x.opened")) == ["all"]


def test_what_was_undone_was_not_announced() -> None:
    channel("all", "*")
    with connect() as connection:
        announce(connection, "alert.opened", {})
        connection.rollback()
    assert counted("events") == counted("deliveries") == 0


def test_under_one_key_there_is_one_event() -> None:
    channel("all", "*")
    first = happened("alert.opened", key="a")
    assert happened("alert.opened", key="a") == first
    assert counted("deliveries") == 1
    others = {happened("alert.closed", key="a"), happened("alert.opened"), happened("alert.opened")}
    assert len(others | {first}) == 4
    assert counted("events") == counted("deliveries") == 4


def test_the_sender_is_told_at_the_commit_and_not_before() -> None:
    channel("all", "alert.*")
    with connect(autocommit=True) as listening, connect() as telling:
        listening.execute(f"LISTEN {WAKE}")
        announce(telling, "alert.opened", {})
        assert list(listening.notifies(timeout=0.2)) == []
        telling.commit()
        assert len(list(listening.notifies(timeout=10, stop_after=1))) == 1
        announce(telling, "nobody.listens", {})
        telling.commit()
        assert list(listening.notifies(timeout=0.2)) == []


@pytest.mark.parametrize(
    "bad", ["", "alert", "Alert.opened", "alert..x", "alert.*", "a.b\n", "a.1"]
)
def test_a_type_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(UsageError, match="tipo de evento"):
        happened(bad)


def test_data_have_a_limit() -> None:
    with transaction() as connection:
        announce(connection, "a.b", {"t": "x" * (MOST_BYTES - 9)})
        with pytest.raises(UsageError, match=str(MOST_BYTES)):
            announce(connection, "a.b", {"t": "x" * (MOST_BYTES - 8)})
    assert counted("events") == 1


@pytest.mark.parametrize(
    "bad", [[], ["alert.**"], ["al*"], ["alert"], ["a.b", "x y"], [".*"], ["a" * 101]]
)
def test_what_cannot_be_wanted_is_refused(bad: list[str]) -> None:
    with pytest.raises(UsageError):
        checked_wanted(bad)


def test_what_is_wanted_twice_is_wanted_once() -> None:
    assert checked_wanted(["a.b", "*", "a.b", "alert.*"]) == ["a.b", "*", "alert.*"]


def counted(table: str) -> int:
    connection: Connection
    with transaction() as connection:
        found = connection.execute(f"SELECT count(*) AS n FROM ops.{table}".encode()).fetchone()
    assert found
    return int(found["n"])
