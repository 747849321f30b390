"""How each chain of the audit log stands now: where it ends, when it was last verified, and whether
what came since holds. Nothing is written: reading about a chain must not vouch for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import psycopg
from psycopg.rows import TupleRow

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep.anchor import Anchor
from atalaia.kernel.keep.audit import Head, heads, snapshot
from atalaia.kernel.keep.verify import followed, guard, known_anchors

State = Literal["ok", "warn", "fail", "unknown"]
MOST_FOLLOWED = 20_000  # records since the anchor: a page must not wait for a whole log
_LATE = 3  # anchors this many times later than they should be are old news


@dataclass(frozen=True, slots=True)
class Standing:
    """One chain. `seq`, `hash` and `at` are its newest record's; `followed` is how many records
    were verified just now, from the newest anchor on. `bad_seq` is the first that does not fit."""

    stream: str
    state: State
    seq: int = 0
    hash: str = ""
    at: datetime | None = None
    anchored_seq: int | None = None
    anchored_at: str | None = None
    followed: int = 0
    bad_seq: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Every chain, what is wrong with none of them in particular, and when the log was last
    verified by who anchors it."""

    chains: list[Standing]
    problems: list[str]
    state: State
    verified_at: datetime | None
    looked_at: datetime


def report() -> Report:
    """How the whole log stands. Chains are followed from their newest anchor on."""
    anchors, about = known_anchors()
    with snapshot() as connection:
        about = [*about, *guard(connection)]
        found = {head.stream: head for head in heads(connection)}
        names = sorted(found.keys() | {one.stream for one in anchors})
        chains = [_standing(connection, name, found.get(name), anchors) for name in names]
    verified = _verified_at() if anchors else None
    states: list[State] = [one.state for one in chains]
    states += ["fail" if one.status == "fail" else "unknown" for one in about]
    if verified and (now() - verified).total_seconds() > _LATE * settings().audit_anchor_seconds:
        states.append("warn")
    return Report(chains, [one.problem for one in about], _worst(states), verified, now())


def _worst(states: Sequence[State]) -> State:
    order: tuple[State, ...] = ("fail", "warn", "unknown", "ok")
    return min(states, key=order.index, default="unknown")


def _verified_at() -> datetime | None:
    """Who anchors brings the file up to date each time, also when there was nothing to add."""
    try:
        return datetime.fromtimestamp(settings().audit_anchor_file.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def _standing(
    connection: psycopg.Connection[TupleRow],
    stream: str,
    head: Head | None,
    anchors: Sequence[Anchor],
) -> Standing:
    own = [one for one in anchors if one.stream == stream]
    newest = max(own, key=lambda one: one.seq, default=None)
    seq = head.seq if head else 0
    news = seq - (newest.seq if newest else 0)
    found = followed(connection, stream, own, since_anchor=True) if news <= MOST_FOLLOWED else None
    state: State = "fail" if found and found.status == "fail" else "ok"
    problem = found.problem if found else f"{news} registros novos por conferir"
    if state != "fail" and (newest is None or found is None):
        state = "unknown"
        problem = problem or "nenhuma âncora com que comparar"
    return Standing(
        stream=stream,
        state=state,
        seq=seq,
        hash=head.hash if head else "",
        at=_moment_of(connection, stream, seq),
        anchored_seq=newest.seq if newest else None,
        anchored_at=newest.anchored_at if newest else None,
        followed=found.rows if found else 0,
        bad_seq=found.bad_seq if found else None,
        problem=problem,
    )


def _moment_of(connection: psycopg.Connection[TupleRow], stream: str, seq: int) -> datetime | None:
    found = connection.execute(
        "SELECT at FROM ops.audit_log WHERE stream = %s AND seq = %s", (stream, seq)
    ).fetchone()
    return found[0] if found else None
