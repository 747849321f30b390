"""Keys: shown once, kept as a keyed hash, found by the whole of themselves, ended at once."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from tests.conftest import forget_settings

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import NotFound, Unavailable, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.keys import NewKey, Who
from atalaia.kernel.keep.pepper import keyed_hash

pytestmark = pytest.mark.usefixtures("database")
ANA = Who("ana", "cli", "porque sim")


def make(**fields: Any) -> NewKey:
    known = {"name": "painel", "role": "viewer", "who": ANA}
    with transaction() as connection:
        return keys.create(connection, **(known | fields))


def found(secret: str) -> keys.Key | None:
    with connect(autocommit=True) as connection:
        return keys.find(connection, secret)


def records() -> list[dict[str, Any]]:
    with connect(autocommit=True) as connection:
        return connection.execute(
            """SELECT action, actor, trigger, subject, reason, tenant_id, details
               FROM ops.audit_log WHERE stream = 'access' ORDER BY seq"""
        ).fetchall()


@pytest.mark.row("E-043")
def test_a_key_is_32_random_bytes_known_by_a_hash_that_only_the_pepper_makes() -> None:
    made = make()
    assert made.secret.startswith(f"{made.key.prefix}_")
    assert len(made.secret) - len(made.key.prefix) - 1 == 43, "32 bytes in base64"
    assert len({make().secret[17:] for _ in range(50)}) == 50
    assert found(made.secret) == made.key
    with connect(autocommit=True) as connection:
        (row,) = connection.execute(
            "SELECT * FROM api_keys WHERE key_id = %s", (made.key.key_id,)
        ).fetchall()
        text = str(connection.execute("SELECT k::text FROM api_keys AS k").fetchall())
        text += str(connection.execute("SELECT l::text FROM ops.audit_log AS l").fetchall())
    assert bytes(row["key_hmac"]) == keyed_hash(made.secret, "key")
    assert made.secret[17:] not in text
    assert made.secret not in repr(made)
    settings().key_pepper = "another pepper, as long as the first one"
    assert found(made.secret) is None
    forget_settings()
    assert found(made.secret) == made.key


@pytest.mark.parametrize("change", range(9))
def test_only_the_whole_key_is_the_key(change: int) -> None:
    good, other = make().secret, make().secret
    wrong = (
        good[:-1], good + "A", good[:-1] + ("A" if good[-1] != "A" else "B"), good.upper(),
        good[:17] + other[17:], good[:16], good[17:], "", f" {good}",
    )[change]  # fmt: skip
    assert found(good)
    assert found(wrong) is None


def test_a_revoked_key_is_none_and_stays_so() -> None:
    made, other = make(), make()
    for wrong in (str(made.key.key_id), made.key.prefix):
        with transaction() as connection:
            if wrong == made.key.prefix:
                with pytest.raises(NotFound):
                    keys.revoke(connection, wrong, who=ANA)
            else:
                assert keys.revoke(connection, wrong, who=ANA) == made.key
    assert found(made.secret) is None
    assert found(other.secret) == other.key
    last = records()[-1]
    assert (last["action"], last["subject"]) == ("key.revoked", made.key.prefix)
    assert (last["actor"], last["trigger"], last["reason"]) == ("ana", "cli", "porque sim")


def test_a_key_of_another_tenant_cannot_be_revoked_by_who_names_the_own() -> None:
    with transaction() as connection:
        keys.create_tenant(connection, "uf", name="UF", who=ANA)
    theirs = make(tenant_id="uf")
    with transaction() as connection, pytest.raises(NotFound):
        keys.revoke(connection, theirs.key.key_id, tenant_id="default", who=ANA)
    assert found(theirs.secret) == theirs.key


def test_an_expired_key_is_none_and_listed_as_such() -> None:
    made = make(expires_days=1)
    assert found(made.secret)
    with transaction() as connection:
        connection.execute("UPDATE api_keys SET expires_at = clock_timestamp()")
    assert found(made.secret) is None
    with transaction() as connection:
        assert [key["status"] for key in keys.listed(connection)] == ["expired"]


def test_a_rotated_key_is_like_the_old_one_which_is_none_any_more() -> None:
    old = make(name="ônibus", role="auditor", expires_days=30)
    with transaction() as connection:
        new = keys.rotate(connection, old.key.prefix, who=ANA)
    assert found(old.secret) is None
    kept = found(new.secret)
    assert kept
    assert (kept.name, kept.role, kept.tenant_id) == ("ônibus", "auditor", "default")
    with transaction() as connection:
        listed = keys.listed(connection)
    assert [key["status"] for key in listed] == ["active", "revoked"]
    assert (listed[0]["expires_at"] - listed[0]["created_at"]).total_seconds() == pytest.approx(
        30 * 86400, abs=5
    )
    last = records()[-1]
    assert (last["action"], last["subject"]) == ("key.rotated", old.key.prefix)
    assert last["details"] == {"role": "auditor", "new": new.key.prefix}


@pytest.mark.row("R-059")
def test_a_key_is_compared_by_its_hash_in_constant_time_also_when_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, compared = make(), []

    def digest(one: bytes, other: bytes) -> bool:
        compared.append((bytes(one), bytes(other)))
        return honest(one, other)

    honest = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", digest)
    assert found(made.secret)
    assert found(made.secret[:-3] + "abc") is None
    assert found(f"atl_{'0' * 12}_{made.secret[17:]}") is None
    kept = keyed_hash(made.secret, "key")
    assert [other for _, other in compared] == [kept, kept, bytes(32)]
    assert [one == kept for one, _ in compared] == [True, False, False]


def test_when_it_was_last_used_is_known() -> None:
    made = make()
    found(made.secret[:-2] + "xx")
    with transaction() as connection:
        assert keys.listed(connection)[0]["last_used_at"] is None
    found(made.secret)
    with transaction() as connection:
        assert keys.listed(connection)[0]["last_used_at"] is not None


def test_what_cannot_be_made_is_not_and_leaves_no_record() -> None:
    before = records()
    for fields in ({"tenant_id": "nobody"}, {"name": " "}, {"name": "a\nb"}, {"name": "x" * 81}):
        with pytest.raises(UsageError):
            make(**fields)
    for tenant in ("", "Ação", "a b", "-a", "x" * 64, "default"):
        with pytest.raises(UsageError), transaction() as connection:
            keys.create_tenant(connection, tenant, name="T", who=ANA)
    assert records() == before


@pytest.mark.parametrize("pepper", ["", "short"])
def test_without_a_pepper_no_key_is_made_or_known(
    monkeypatch: pytest.MonkeyPatch, pepper: str
) -> None:
    made = make()
    monkeypatch.setenv("KEY_PEPPER", pepper)
    forget_settings()
    with pytest.raises(Unavailable, match="KEY_PEPPER"):
        make()
    with pytest.raises(Unavailable, match="KEY_PEPPER"):
        found(made.secret)


def test_the_pepper_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    made = make()
    file = tmp_path / "pepper"
    file.write_text(settings().key_pepper + "\n", encoding="utf-8")
    monkeypatch.delenv("KEY_PEPPER")
    monkeypatch.setenv("KEY_PEPPER_FILE", str(file))
    forget_settings()
    assert found(made.secret) == made.key
