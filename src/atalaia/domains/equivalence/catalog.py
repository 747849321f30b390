"""Policies and taxonomies: versions that never change, and which one is used for whom.

A tenant's own comes before the house's of the same code. What was read of a version is remembered
by the process: it cannot change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, LiteralString

import orjson
from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import Conflict, NotFound, UsageError
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.match.concepts import Lexicon
from atalaia.kernel.match.subjects import Policy, Taxonomy
from atalaia.kernel.match.syllabus import read
from atalaia.kernel.match.text import fold

STREAM = "equivalence"
Kind = Literal["policy", "taxonomy"]
_NAMES: dict[Kind, str] = {"policy": "política", "taxonomy": "taxonomia"}
_TABLES: dict[Kind, LiteralString] = {
    "policy": "equivalence.policy_versions",
    "taxonomy": "equivalence.taxonomy_versions",
}
_READ: dict[Kind, Callable[[Mapping[str, Any]], Policy | Taxonomy]] = {
    "policy": Policy.from_dict,
    "taxonomy": Taxonomy.from_dict,
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a request is judged by."""

    policy: Policy
    taxonomy: Taxonomy | None


def add(
    connection: Connection, kind: Kind, document: Mapping[str, Any], *, tenant_id: str, who: Who,
    activate: bool,
) -> dict[str, Any]:  # fmt: skip
    """Add a version. The same again is no error and changes nothing. Raises UsageError for a
    document that is not one, Conflict when that version says something else."""
    agreed = _READ[kind](document)
    whole = agreed.as_dict()
    code = agreed.code if isinstance(agreed, Policy) else agreed.area
    sha256 = hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).digest()
    added = connection.execute(
        f"""INSERT INTO {_TABLES[kind]} (tenant_id, code, version, document, sha256, created_by)
            VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",  # noqa: S608
        (tenant_id, code, agreed.version, Jsonb(whole), sha256, who.actor),
    ).rowcount
    if not added:
        _require_the_same(connection, kind, tenant_id, code, agreed.version, sha256)
    details = {"version": agreed.version, "sha256": sha256.hex()}
    if added:
        record(connection, f"{kind}.added", code, details, tenant_id=tenant_id, who=who)
    if activate:
        set_active(connection, kind, code, agreed.version, tenant_id=tenant_id, who=who)
    return {"code": code, "version": agreed.version, "sha256": sha256.hex(), "added": bool(added)}


def _require_the_same(
    connection: Connection, kind: Kind, tenant_id: str, code: str, version: str, sha256: bytes
) -> None:
    found = connection.execute(
        f"SELECT sha256 FROM {_TABLES[kind]} WHERE (tenant_id, code, version) = (%s, %s, %s)",  # noqa: S608
        (tenant_id, code, version),
    ).fetchone()
    if found is None or bytes(found["sha256"]) != sha256:
        raise Conflict(
            f"A versão {version} da {_NAMES[kind]} '{code}' já diz outra coisa. Nada foi mudado.",
            todo="Uma versão não muda: dê a esta outro número.",
        )


def set_active(
    connection: Connection, kind: Kind, code: str, version: str, *, tenant_id: str, who: Who
) -> bool:
    """Use that version from now on. False when it was in use. Raises NotFound."""
    table = _TABLES[kind]
    found = connection.execute(
        f"SELECT version, active FROM {table} WHERE (tenant_id, code) = (%s, %s) FOR UPDATE",  # noqa: S608
        (tenant_id, code),
    ).fetchall()
    standing = {row["version"]: row["active"] for row in found}
    if version not in standing:
        raise NotFound(f"Não há essa versão dessa {_NAMES[kind]}. Nada foi mudado.")
    if standing[version]:
        return False
    connection.execute(
        f"UPDATE {table} SET active = false WHERE (tenant_id, code) = (%s, %s) AND active",  # noqa: S608
        (tenant_id, code),
    )
    connection.execute(
        f"UPDATE {table} SET active = true WHERE (tenant_id, code, version) = (%s, %s, %s)",  # noqa: S608
        (tenant_id, code, version),
    )
    was = next((one for one, active in standing.items() if active), None)
    details = {"version": version, "was": was}
    record(connection, f"{kind}.activated", code, details, tenant_id=tenant_id, who=who)
    return True


def bind(
    connection: Connection, tenant_id: str, course: str, policy: str, taxonomy: str | None,
    *, who: Who,
) -> None:  # fmt: skip
    """Say what a tenant uses for a course. Raises NotFound for what it does not have."""
    _version(connection, "policy", policy, None, tenant_id)
    if taxonomy:
        _version(connection, "taxonomy", taxonomy, None, tenant_id)
    done = connection.execute(
        """INSERT INTO equivalence.bindings (tenant_id, course, policy, taxonomy, updated_by)
           SELECT tenant_id, %(course)s, %(policy)s, %(taxonomy)s, %(actor)s
           FROM tenants WHERE tenant_id = %(tenant)s
           ON CONFLICT (tenant_id, course) DO UPDATE
           SET (policy, taxonomy, updated_at, updated_by) =
               (excluded.policy, excluded.taxonomy, clock_timestamp(), excluded.updated_by)""",
        {"tenant": tenant_id, "course": course, "policy": policy, "taxonomy": taxonomy,
         "actor": who.actor},
    )  # fmt: skip
    if not done.rowcount:
        raise NotFound("Não há esse tenant. Nada foi mudado.")
    details = {"course_sha256": hashlib.sha256(course.encode()).hexdigest(), "policy": policy,
               "taxonomy": taxonomy}  # fmt: skip
    record(connection, "binding.set", tenant_id, details, tenant_id=tenant_id, who=who)


def record(
    connection: Connection, action: str, subject: str, details: Mapping[str, Any], *,
    tenant_id: str, who: Who,
) -> None:  # fmt: skip
    """One record of the audit log about what the service stands on."""
    audit.append(
        connection, stream=STREAM, action=action, actor=who.actor, trigger=who.trigger,
        subject=subject, reason=who.reason, tenant_id=tenant_id, details=details,
    )  # fmt: skip


def choose(
    connection: Connection,
    tenant_id: str,
    *,
    course: str | None,
    policy: str | None,
    policy_version: str | None,
    area: str | None,
    taxonomy_version: str | None,
    destination: tuple[str, str],
) -> Chosen:
    """What a request is judged by: what it names, else what the tenant uses for the course, else
    what the house uses. `destination` is its name and its syllabus, by which an area is found where
    none is said. Raises NotFound for what is named and not there."""
    bound = _bound(connection, tenant_id, course or "") or {"policy": None, "taxonomy": None}
    code = policy or bound["policy"]
    if not code:
        raise UsageError(
            "Não há política para este tenant, e o pedido não diz qual. Nada foi avaliado.",
            todo="Diga 'policy' no pedido, ou vincule uma em POST /admin/bindings.",
        )
    rules = _version(connection, "policy", code, policy_version, tenant_id)
    found = _taxonomy(connection, tenant_id, area or bound["taxonomy"], taxonomy_version,
                      destination)  # fmt: skip
    assert isinstance(rules, Policy)  # noqa: S101  as _READ has it
    return Chosen(rules, found)


def _bound(connection: Connection, tenant_id: str, course: str) -> dict[str, Any] | None:
    return connection.execute(
        """SELECT policy, taxonomy FROM equivalence.bindings
           WHERE tenant_id IN (%(tenant)s, %(house)s) AND course IN (%(course)s, '')
           ORDER BY tenant_id <> %(tenant)s, course <> %(course)s LIMIT 1""",
        {"tenant": tenant_id, "house": DEFAULT_TENANT, "course": course},
    ).fetchone()


def _version(
    connection: Connection, kind: Kind, code: str, version: str | None, tenant_id: str
) -> Policy | Taxonomy:
    found = connection.execute(
        f"""SELECT tenant_id, version, encode(sha256, 'hex') AS sha256 FROM {_TABLES[kind]}
            WHERE tenant_id IN (%(tenant)s, %(house)s) AND code = %(code)s
              AND CASE WHEN %(version)s::text IS NULL THEN active ELSE version = %(version)s END
            ORDER BY tenant_id <> %(tenant)s LIMIT 1""",  # noqa: S608
        {"tenant": tenant_id, "house": DEFAULT_TENANT, "code": code, "version": version},
    ).fetchone()
    if found is None:
        raise NotFound(
            f"Não há essa {_NAMES[kind]}, ou nenhuma versão dela está em uso. Nada foi avaliado.",
            todo="GET /v1/equivalences/policies e /taxonomies mostram o que há.",
        )
    return _read(connection, kind, found["tenant_id"], code, found["version"], found["sha256"])


def _read(
    connection: Connection, kind: Kind, tenant_id: str, code: str, version: str, sha256: str
) -> Policy | Taxonomy:
    known = _known(kind, sha256)
    if not known:
        row = connection.execute(
            f"SELECT document FROM {_TABLES[kind]} WHERE (tenant_id, code, version) = (%s, %s, %s)",  # noqa: S608
            (tenant_id, code, version),
        ).fetchone()
        assert row is not None  # noqa: S101  a version is never removed
        known.append(_READ[kind](row["document"]))
    return known[0]


@lru_cache(maxsize=256)
def _known(_kind: Kind, _sha256: str) -> list[Policy | Taxonomy]:
    """What was read of the version with that digest; empty until it was."""
    return []


def _taxonomy(
    connection: Connection,
    tenant_id: str,
    area: str | None,
    version: str | None,
    destination: tuple[str, str],
) -> Taxonomy | None:
    """The one of the area; without an area, the one that knows a subject of that name, else the one
    that names most of the syllabus. None: no taxonomy, and then a person decides."""
    if area:
        try:
            found = _version(connection, "taxonomy", area, version, tenant_id)
        except NotFound:
            if version:
                raise
            return None
        assert isinstance(found, Taxonomy)  # noqa: S101  as _READ has it
        return found
    candidates = _active_taxonomies(connection, tenant_id)
    wanted = fold(destination[0])
    for one in candidates:
        if any(fold(known) == wanted for subject in one.subjects for known in subject.names):
            return one
    named = [(_concepts_named(one, destination[1]), one.area, one) for one in candidates]
    most, _, best = max(named, key=lambda found: found[:2], default=(0, "", None))
    return best if most else None


def _concepts_named(taxonomy: Taxonomy, syllabus: str) -> int:
    finds = _lexicon(_Read(taxonomy.digest, taxonomy)).find(read(syllabus))
    return len({find.code for find in finds})


@dataclass(frozen=True)
class _Read:
    """A taxonomy, told by its digest."""

    digest: str
    taxonomy: Taxonomy = field(compare=False, hash=False)


@lru_cache(maxsize=64)
def _lexicon(of: _Read) -> Lexicon:
    return Lexicon(of.taxonomy)


def _active_taxonomies(connection: Connection, tenant_id: str) -> list[Taxonomy]:
    rows = connection.execute(
        """SELECT DISTINCT ON (code) tenant_id, code, version, encode(sha256, 'hex') AS sha256
           FROM equivalence.taxonomy_versions
           WHERE tenant_id IN (%(tenant)s, %(house)s) AND active
           ORDER BY code, tenant_id <> %(tenant)s""",
        {"tenant": tenant_id, "house": DEFAULT_TENANT},
    ).fetchall()
    found = [_read(connection, "taxonomy", **row) for row in rows]
    return [one for one in found if isinstance(one, Taxonomy)]


def listed(
    connection: Connection,
    kind: Kind,
    tenant_id: str,
    code: str | None = None,
    version: str | None = None,
) -> list[dict[str, Any]]:
    """Every version a tenant may use, its own and the house's; whole when a code is named."""
    whole: LiteralString = ", document" if code else ""
    return connection.execute(
        f"""SELECT tenant_id, code, version, active, encode(sha256, 'hex') AS sha256, created_at,
                   created_by{whole} FROM {_TABLES[kind]}
            WHERE tenant_id IN (%(tenant)s, %(house)s)
              AND (%(code)s::text IS NULL OR code = %(code)s)
              AND (%(version)s::text IS NULL OR version = %(version)s)
            ORDER BY code, tenant_id, created_at DESC, version DESC""",  # noqa: S608
        {"tenant": tenant_id, "house": DEFAULT_TENANT, "code": code, "version": version},
    ).fetchall()
