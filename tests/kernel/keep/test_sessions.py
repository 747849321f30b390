"""Links and sessions: a link opens one session, and a session ends when it should."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from tests.conftest import forget_settings

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import LinkNotValid, NotFound
from atalaia.kernel.keep import sessions
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.keep.sessions import NewSession, Session

pytestmark = pytest.mark.usefixtures("database")
ANA = Who("ana", "cli", "entrar")


def link(**fields: Any) -> str:
    known = {"name": "ana", "role": "operator", "who": ANA}
    with transaction() as connection:
        return sessions.create_link(connection, **(known | fields))


def enter(secret: str) -> NewSession:
    with transaction() as connection:
        return sessions.open_session(connection, secret)


def found(secret: str) -> Session | None:
    with connect(autocommit=True) as connection:
        return sessions.find(connection, secret)


def change(sql: str) -> None:
    with transaction() as connection:
        connection.execute(sql.encode())


def test_a_link_opens_one_session_and_is_used_up() -> None:
    secret = link(role="auditor")
    made = enter(secret)
    assert found(made.secret) == made.session
    assert (made.session.name, made.session.role) == ("ana", "auditor")
    with pytest.raises(LinkNotValid):
        enter(secret)
    with connect(autocommit=True) as connection:
        text = str(
            connection.execute(
                "SELECT l::text, s::text FROM ops.sign_in_links AS l, ops.sessions AS s"
            ).fetchall()
        )
        text += str(connection.execute("SELECT l::text FROM ops.audit_log AS l").fetchall())
        did = connection.execute(
            "SELECT action, actor FROM ops.audit_log WHERE stream = 'access' ORDER BY seq"
        ).fetchall()
    assert [(one["action"], one["actor"]) for one in did] == [
        ("link.created", "ana"),
        ("session.opened", "ana"),
    ]
    for kept in (secret, made.secret, made.session.form_token):
        assert kept not in text
        assert kept not in repr(made)


def test_eight_browsers_at_once_and_one_of_them_is_in() -> None:
    secret, opened, start = link(), [], threading.Barrier(8)

    def try_it() -> None:
        start.wait()
        with suppress(LinkNotValid):
            opened.append(enter(secret))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1


@pytest.mark.parametrize("wrong", ["", "x", "x" * 43, "x" * 100_000])
def test_what_is_no_link_or_cookie_opens_nothing(wrong: str) -> None:
    secret = link()
    with pytest.raises(LinkNotValid):
        enter(wrong)
    made = enter(secret)
    assert found(wrong) is None
    with pytest.raises(LinkNotValid):
        enter(made.secret)  # a cookie is no link
    assert found(secret) is None  # and a link no cookie


def test_a_link_grows_old() -> None:
    secret = link(minutes=5)
    change("UPDATE ops.sign_in_links SET expires_at = expires_at - interval '301 seconds'")
    with pytest.raises(LinkNotValid):
        enter(secret)


def test_a_session_ends_when_unused_and_at_its_last_moment_and_when_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SESSION_IDLE_MINUTES", "30")
    monkeypatch.setenv("SESSION_HOURS", "2")
    forget_settings()
    idle, old, ended, used = (enter(link()) for _ in range(4))
    assert (used.session.expires_at - idle.session.expires_at).total_seconds() < 5

    def ago(column: str, made: NewSession, minutes: int) -> None:
        change(
            f"UPDATE ops.sessions SET {column} = {column} - interval '{minutes} minutes' "
            f"WHERE session_id = {made.session.session_id}"
        )

    ago("seen_at", idle, 31)
    ago("expires_at", old, 121)
    ago("seen_at", used, 20)
    with transaction() as connection:
        sessions.end(connection, ended.session.session_id, who=ANA)
        with pytest.raises(NotFound):
            sessions.end(connection, ended.session.session_id, who=ANA)
    assert [found(made.secret) is not None for made in (idle, old, ended, used)] == [
        False, False, False, True,
    ]  # fmt: skip
    ago("seen_at", used, 20)  # being used just now, it began to count anew
    assert found(used.secret)
    with transaction() as connection:
        listed = sessions.listed(connection)
        assert [one["session_id"] for one in listed] == [used.session.session_id]
        assert sessions.end_all(connection, who=ANA) == 1
    assert found(used.secret) is None


def test_each_session_has_a_form_token_of_its_own() -> None:
    made = [enter(link()) for _ in range(5)]
    assert len({one.session.form_token for one in made}) == 5
    assert all(found(one.secret) == one.session for one in made)


def test_there_is_no_link_to_a_tenant_that_is_not() -> None:
    with pytest.raises(NotFound):
        link(tenant_id="nobody")
