"""The table of docs/access-matrix.md, the operations an API has, and who tries them on what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.keep import keys, sessions
from atalaia.kernel.keep.keys import ROLES, Role, Who
from atalaia.kernel.tell.events import announce_to
from atalaia.kernel.watch import runbook, runbook_evidence, runbook_run
from atalaia.kernel.work import schedule
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept
from atalaia.serve import scheduler

TABLE = Path(__file__).resolve().parents[3] / "docs/access-matrix.md"
HOUSE, MINE, THEIRS = "default", "mine", "theirs"
PEOPLE: tuple[Role, ...] = tuple(role for role in ROLES if role != "client")
_TEST = Who("test", "python", "test")


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table. `cells`: no key, each role, a key of another tenant."""

    method: str
    path: str
    cells: tuple[str, ...]

    @property
    def name(self) -> str:
        """As the table and OpenAPI call it."""
        return f"{self.method} {self.path}"

    @property
    def keyed(self) -> bool:
        """Whether a key is asked for."""
        return self.cells[0] == "401"

    @property
    def parameters(self) -> list[str]:
        """The names in its path."""
        return re.findall(r"{(\w+)}", self.path)

    def cell(self, role: str | None, tenant: str) -> str:
        """What the table says for who comes with that role; None is no key, or a wrong one."""
        if role is None:
            return self.cells[0]
        at_home = self.cells[1 + ROLES.index(role)]  # type: ignore[arg-type]
        return at_home if tenant == HOUSE or at_home == "403" else self.cells[-1]


@cache
def table() -> tuple[Operation, ...]:
    """The rows of the committed table."""
    rows = re.findall(r"^\| `(\w+) ([^`]+)` \| (.+) \|$", TABLE.read_text("utf-8"), re.M)
    return tuple(Operation(m, path, tuple(cells.split(" | "))) for m, path, cells in rows)


def keyed() -> list[Operation]:
    """The operations that ask for a key."""
    return [operation for operation in table() if operation.keyed]


def described(api: Api) -> dict[str, dict[str, Any]]:
    """Operation → what OpenAPI has of it."""
    paths = api.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: `headers` carry the key or the cookie."""

    kind: str
    role: Role | None
    tenant: str
    headers: dict[str, str]


def visitors() -> Iterator[Visitor]:
    """Nobody, somebody wrong, and a key and a browser of every role, of the house and of another
    tenant."""
    yield Visitor("no key", None, HOUSE, {})
    yield Visitor("unknown key", None, HOUSE, {"X-API-Key": f"atl_{'0' * 12}_{'A' * 43}"})
    for tenant in (HOUSE, MINE):
        for role in ROLES:
            yield Visitor("key", role, tenant, {"X-API-Key": new_key(role, tenant)})
        for role in PEOPLE:
            yield Visitor("session", role, tenant, new_session(role, tenant))


def new_session(role: Role, tenant: str = HOUSE) -> dict[str, str]:
    """The headers of a browser that signed in."""
    with transaction() as connection:
        link = sessions.create_link(connection, name="ana", role=role, tenant_id=tenant, who=_TEST)
        made = sessions.open_session(connection, link)
    return {
        "Cookie": f"atalaia_session={made.secret}",
        "X-Atalaia-Form": made.session.form_token,
        "Sec-Fetch-Site": "same-origin",
    }


def _run(tenant: str) -> str | None:
    if tenant != HOUSE:
        return None  # the ledger is the house's
    run_id = str(uuid4())
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id) VALUES (%s, 'matrix', 'x', '2024', 'test', 'python', '-')""",
            (run_id,),
        )
    return run_id


def _batch(tenant: str) -> str:
    with transaction() as connection:
        made = accept(connection, "toy", [{"n": 1}], tenant_id=tenant, actor="a", trigger="api")
    return str(made.batch_id)


def _key(tenant: str) -> str:
    with transaction() as connection:
        made = keys.create(connection, name="matrix", role="viewer", tenant_id=tenant, who=_TEST)
    return str(made.key.key_id)


def _letter(tenant: str) -> str:
    def refuse(_item: Item, _connection: Connection) -> None:
        raise ContractBroken("n: não")

    with transaction() as connection:
        accept(
            connection, "matrix", [{"n": 1}], tenant_id=tenant, actor="a", trigger="api",
            max_attempts=1,
        )  # fmt: skip
    drain({"matrix": Handler(refuse)})
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            "SELECT max(dead_letter_id) AS id FROM ops.dead_letters"
        ).fetchall()
    return str(found["id"])


def _alert(tenant: str) -> str | None:
    if tenant != HOUSE:
        return None  # alerts are about the installation
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            """INSERT INTO ops.alerts (rule, dedup_key, title, says, owner, severity, state,
                   runbook, first_seen_at, last_seen_at)
               VALUES ('matrix', gen_random_uuid()::text, 't', 's', 'o', 'low', 'failed', 'r',
                       now(), now()) RETURNING alert_id AS id"""
        ).fetchall()
    return str(found["id"])


def _incident(tenant: str) -> str | None:
    if tenant != HOUSE:
        return None
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            """INSERT INTO ops.incidents (title, severity, commander, started_at, declared_at,
                   declared_by, next_update_due_at)
               VALUES ('t', 'low', 'c', now(), now(), 'a', now()) RETURNING incident_id AS id"""
        ).fetchall()
    return str(found["id"])


def _channel(kind: str) -> Callable[[str], str]:
    def made(tenant: str) -> str:
        with connect(autocommit=True) as connection:
            (found,) = connection.execute(
                """INSERT INTO ops.channels
                       (tenant_id, kind, name, address, event_types, created_by)
                   VALUES (%s, %s, %s, 'a@b.example', '{matrix.*}', 'test')
                   RETURNING channel_id""",
                (tenant, kind, str(uuid4())),
            ).fetchall()
        return str(found["channel_id"])

    return made


def _delivery(tenant: str) -> str:
    channel = UUID(_channel("webhook")(tenant))
    with transaction() as connection:
        event = announce_to(connection, channel, "matrix.made", {}, tenant=tenant)
        (found,) = connection.execute(
            "SELECT delivery_id FROM ops.deliveries WHERE event_id = %s", (event,)
        ).fetchall()
    return str(found["delivery_id"])


def _runbook(tenant: str) -> str | None:
    return "platform/daily-check" if tenant == HOUSE else None  # as the runs of them, the house's


def _runbook_run(tenant: str) -> str | None:
    if tenant != HOUSE:
        return None
    found = runbook.find("platform/daily-check")
    state = runbook_run.begin(found, {}, actor="a", trigger="cli", reason="matrix")
    assert runbook_evidence.save(state)
    return state.run_id


def _evaluation(tenant: str) -> str:
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            """INSERT INTO equivalence.equivalence_results (evaluation_id, tenant_id, request_id,
                   request_sha256, origem, destino, decisao, score, degraded, mapper, policy,
                   policy_version, answer, actor, trace_id)
               VALUES (gen_random_uuid(), %s, 'matrix', sha256(''), 'a', 'b', 'INDEFERIDO', 0,
                   false, 'm', 'p', '1', '{}', 'a', '-') RETURNING evaluation_id AS id""",
            (tenant,),
        ).fetchall()
    return str(found["id"])


def _source(tenant: str) -> str | None:
    if tenant != HOUSE:
        return None  # sources are the house's
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.connector_registry
                   (connector, job_name, domain, wave, source, status)
               VALUES ('matrix', 'matrix_source', 'x', 'w', 's', 'planned')"""
        )
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id, run_status, finished_at_utc)
               VALUES (gen_random_uuid(), 'matrix_source', 'x', '2024', 'test', 'python', '-',
                       'failed', clock_timestamp())"""
        )
    return "matrix"


def _window(tenant: str) -> str | None:
    if tenant != HOUSE:
        return None
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            """INSERT INTO ops.maintenance_windows (title, starts_at, ends_at, created_by, reason)
               VALUES ('t', now(), now() + interval '1 hour', 'a', 'r')
               RETURNING window_id AS id"""
        ).fetchall()
    return str(found["id"])


def _entry(tenant: str) -> str | None:
    if tenant != HOUSE:
        return None  # the schedule is the house's
    schedule.sync(scheduler.SCHEDULE)
    return scheduler.SCHEDULE[0].name


def _feeding_file(tenant: str) -> str:
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            """INSERT INTO etl.etl_file (tenant_id, filename, state, error_message)
               VALUES (%s, 'a.csv', 'failed', 'matrix') RETURNING id""",
            (tenant,),
        ).fetchall()
    return str(found["id"])


def _feeding_letter(tenant: str) -> str:
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            """WITH run AS (
                   INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                       trigger, trace_id, tenant_id, run_status, finished_at_utc)
                   VALUES (gen_random_uuid(), 'matrix', 'cattle', '2024', 'a', 'api', '-', %s,
                       'failed', clock_timestamp()) RETURNING run_id)
               INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period)
               SELECT 'cattle', 'matrix', '1', 'permanent', 'r', '{}', run_id, '2024' FROM run
               RETURNING dead_letter_id AS id""",
            (tenant,),
        ).fetchall()
    return str(found["id"])


def _upload(tenant: str) -> str:
    with connect(autocommit=True) as connection:
        (found,) = connection.execute(
            """INSERT INTO ops.uploads (tenant_id, purpose, filename, size_bytes, actor)
               VALUES (%s, 'cattle', 'a.csv', 10, 'a') RETURNING upload_id AS id""",
            (tenant,),
        ).fetchall()
    return str(found["id"])


# How one thing of a tenant is made, by the name its id has in a path; None: tenants have none.
THINGS: dict[str, Callable[[str], str | None]] = {
    "run_id": _run, "batch_id": _batch, "key_id": _key, "dead_letter_id": _letter,
    "alert_id": _alert, "incident_id": _incident, "source_name": _source,
    "window_id": _window, "schedule_name": _entry,
    "webhook_id": _channel("webhook"), "mailbox_id": _channel("email"), "delivery_id": _delivery,
    "runbook": _runbook, "runbook_run_id": _runbook_run, "evaluation_id": _evaluation,
    "file_id": _feeding_file, "letter_id": _feeding_letter, "upload_id": _upload,
    # A row is told from a file that was loaded: tests/domains/cattle does that.
    "layout": lambda _tenant: None, "row": lambda _tenant: "1",
}  # fmt: skip


class World:
    """Something of each kind for every tenant, whose ids fill the paths."""

    def __init__(self, quotas: Iterable[str] = ()) -> None:
        """`quotas` are those of routes that count by tenant: here nobody is to come to an end."""
        with transaction() as connection:
            for tenant in (MINE, THEIRS):
                keys.create_tenant(connection, tenant, name=tenant, who=_TEST)
            for tenant in (HOUSE, MINE, THEIRS):
                for quota in quotas:
                    keys.set_quota(connection, tenant, quota, keys.MOST_PER_MINUTE, who=_TEST)
        asked = {name for operation in keyed() for name in operation.parameters}
        unknown = asked - THINGS.keys()
        if unknown:
            pytest.fail(f"say in THINGS how one of each is made: {', '.join(sorted(unknown))}")
        self._ids = {
            (name, tenant): THINGS[name](tenant)
            for name in asked
            for tenant in (HOUSE, MINE, THEIRS)
        }

    def targets(self, operation: Operation, tenant: str) -> Iterator[tuple[str, str]]:
        """(kind, path) of what is tried: own, another tenant's, one that never was, nonsense."""
        names = operation.parameters
        if not names:
            yield "-", operation.path
            return
        if operation.keyed:
            for kind, owner in (("own", tenant), ("other", THEIRS)):
                ids = {name: self._ids[name, owner] for name in names}
                if all(ids.values()):
                    yield kind, operation.path.format(**ids)
            yield "missing", operation.path.format(**{name: _never(self._ids[name, HOUSE])
                                                      for name in names})  # fmt: skip
        yield "nonsense", operation.path.format(**dict.fromkeys(names, "no-such"))


def _never(example: str | None) -> str:
    """An id of the same form that nothing has."""
    if (example or "").isdigit():
        return str(2**40)
    try:
        UUID(example or "")
    except ValueError:
        return "never_was"  # a name
    return str(uuid4())


GIVEN = {
    "reason": "matrix", "payload": {"n": 1}, "until": "2999-01-01T00:00:00Z",
    "root_cause": "c", "resolution": "r", "where": "wiki/1",
}  # fmt: skip


def filled(document: dict[str, Any], operation: Operation) -> dict[str, Any] | None:
    """What a change needs beside its id, where that is in GIVEN; None where it needs more."""
    told = document["paths"][operation.path][operation.method.lower()]
    body, asked = body_of(document, told) or {}, told.get("parameters", ())
    beside = {one["name"] for one in asked if one.get("required") and one["in"] != "path"}
    if not beside | set(body.get("required", ())) <= GIVEN.keys():
        return None
    found: dict[str, Any] = {"params": {name: GIVEN[name] for name in beside}}
    if body:
        found["json"] = {name: GIVEN[name] for name in body.get("required", ())}
    return found


def body_of(document: dict[str, Any], told: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the JSON an operation takes, or None."""
    content = told.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema and schema.get("type") == "array":  # of items that are all of one model
        schema = schema["items"]
    if schema and "anyOf" in schema:  # a body that may be left out
        schema = schema["anyOf"][0]
    if not schema or "$ref" not in schema:
        return None
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return found


def without_trace(answer: httpx.Response) -> dict[str, Any]:
    """What a refusal says, without what differs between any two: its trace and the id asked for."""
    told = {k: v for k, v in answer.json().items() if k not in ("trace_id", "instance")}
    for part in answer.request.url.path.split("/")[2:]:
        told["detail"] = re.sub(rf"\b{re.escape(part)}\b", "#", told["detail"])
    return told
