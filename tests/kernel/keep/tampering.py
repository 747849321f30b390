"""What a superuser with the guard switched off can do to the log, and where it must show.

Each kind does it to the history of conftest.py and returns the stream and the first record that
does not fit; None, None when what is found is not about one stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from tests.kernel.keep.conftest import (
    ANCHORED,
    KEY,
    ROWS,
    STREAMS,
    add,
    put,
    rewrite,
    rows,
    superuser,
)

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import anchor, audit

Found = tuple[str | None, int | None]
_SET = "UPDATE ops.audit_log SET {} WHERE stream = %s AND seq = %s"


def _change(stream: str, seq: int, assignment: str, *values: Any) -> None:
    with superuser() as connection:
        changed = connection.execute(_SET.format(assignment).encode(), (*values, stream, seq))
        assert changed.rowcount == 1


def edit_field(chance: Random) -> Found:
    """Another value in one field."""
    stream, seq = chance.choice(STREAMS), chance.randint(1, ROWS)
    field = chance.choice(["actor", "trigger", "action", "subject", "reason", "trace_id"])
    _change(stream, seq, f"{field} = coalesce({field}, '') || 'x'")
    return stream, seq


def edit_hash(chance: Random) -> Found:
    """One bit of a hash."""
    stream, seq = chance.choice(STREAMS), chance.randint(1, ROWS)
    bit = chance.randrange(256)
    _change(stream, seq, "hash = set_bit(hash, %s, 1 - get_bit(hash, %s))", bit, bit)
    return stream, seq


def delete_row(chance: Random) -> Found:
    """One record, not the last."""
    stream, seq = chance.choice(STREAMS), chance.randint(1, ROWS - 1)
    with superuser() as connection:
        connection.execute(
            "DELETE FROM ops.audit_log WHERE stream = %s AND seq = %s", (stream, seq)
        )
    return stream, seq


def delete_tail(chance: Random) -> Found:
    """The last records; all of them too."""
    stream, kept = chance.choice(STREAMS), chance.choice([0, ROWS - 1, chance.randrange(ROWS)])
    with superuser() as connection:
        connection.execute(
            "DELETE FROM ops.audit_log WHERE stream = %s AND seq > %s", (stream, kept)
        )
    return stream, kept + 1


def insert_row(chance: Random) -> Found:
    """A record with a good hash of its own, put between others: the one after it tells, or the
    anchor that knew another one in its place."""
    stream, seq = chance.choice(STREAMS), chance.randint(1, ROWS)
    there = rows(stream)[seq - 1]
    forged = there._replace(actor="eva")
    with superuser() as connection:
        for shift in (1000, -999):
            connection.execute(
                "UPDATE ops.audit_log SET seq = seq + %s WHERE stream = %s AND seq >= %s",
                (shift, stream, seq),
            )
        put(connection, forged._replace(hash=forged.digest()))
    return stream, seq if seq in ANCHORED else seq + 1


def reorder(chance: Random) -> Found:
    """Two records change places."""
    stream, (one, other) = chance.choice(STREAMS), sorted(chance.sample(range(1, ROWS + 1), 2))
    with superuser() as connection:
        for before, after in ((one, 1000), (other, one), (1000, other)):
            connection.execute(_SET.format("seq = %s").encode(), (after, stream, before))
    return stream, one


def copy_row(chance: Random) -> Found:
    """One record once more, at the end or under the same number."""
    stream, seq = chance.choice(STREAMS), chance.randint(1, ROWS)
    record = rows(stream)[seq - 1]
    twice = chance.random() < 0.5
    with superuser() as connection:
        if twice:
            connection.execute("ALTER TABLE ops.audit_log DROP CONSTRAINT audit_log_pkey")
        put(connection, record if twice else record._replace(seq=ROWS + 1))
    return stream, seq if twice else ROWS + 1


def change_time(chance: Random) -> Found:
    """A microsecond, a day, the year's mirror image before Christ, for ever."""
    stream, seq = chance.choice(STREAMS), chance.randint(1, ROWS)
    _change(
        stream,
        seq,
        "at = "
        + chance.choice(
            [
                "at + interval '1 microsecond'",
                "at - interval '1 day'",
                "'infinity'",
                "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00 \"BC\"')::timestamptz",
            ]
        ),
    )
    return stream, seq


def swap_tenant(chance: Random) -> Found:
    """Two records of two tenants."""
    stream = chance.choice(STREAMS)
    of_one = [record.seq or 0 for record in rows(stream) if record.tenant_id == "uf"]
    of_other = [record.seq or 0 for record in rows(stream) if record.tenant_id == "default"]
    one, other = chance.choice(of_one), chance.choice(of_other)
    _change(stream, one, "tenant_id = 'default'")
    _change(stream, other, "tenant_id = 'uf'")
    return stream, min(one, other)


def rewrite_chain(chance: Random) -> Found:
    """A record changed, and every hash from there on made good: an anchor tells."""
    stream, seq = chance.choice(STREAMS), chance.randint(1, ROWS)
    records = rows(stream)
    records[seq - 1] = records[seq - 1]._replace(actor="eva")
    with superuser() as connection:
        rewrite(connection, records)
    return stream, min(anchored for anchored in ANCHORED if anchored >= seq)


def restore_older(chance: Random) -> Found:
    """The state of some time ago, and work that went on from there."""
    kept = chance.randint(0, ROWS - 1)
    stream, since = STREAMS[0], chance.randint(0, ROWS)
    with superuser() as connection:
        connection.execute(
            "DELETE FROM ops.audit_log WHERE seq > %s AND stream = %s", (kept, stream)
        )
    for _ in range(since):
        add(stream)
    met = [anchored for anchored in ANCHORED if kept < anchored <= kept + since]
    return stream, met[0] if met else kept + since + 1


def forge_anchor(chance: Random) -> Found:
    """A chain written anew, and the anchors to go with it, but for the key."""
    stream = chance.choice(STREAMS)
    with superuser() as connection:
        rewrite(connection, [record._replace(actor="eva") for record in rows(stream)])
    hashes = {(record.stream, record.seq): record.hash for name in STREAMS for record in rows(name)}
    file = settings().audit_anchor_file
    if chance.random() < 0.5:
        forged = []
        for line in file.read_text(encoding="utf-8").splitlines():
            known = json.loads(line)
            known["hash"] = hashes[known["stream"], known["seq"]]
            forged.append(json.dumps(known, ensure_ascii=False) + "\n")
        file.write_text("".join(forged), encoding="utf-8")
    else:
        file.unlink()
        with pytest.MonkeyPatch.context() as patch, audit.snapshot() as connection:
            patch.setenv("AUDIT_ANCHOR_KEY", KEY[::-1])
            settings.cache_clear()
            anchor.write(audit.heads(connection))
        settings.cache_clear()
    return None, None


def switch_guard_off(chance: Random) -> Found:
    """Nothing changed yet, but it could be."""
    how = chance.choice(
        [
            "ALTER TABLE ops.audit_log DISABLE TRIGGER audit_only_grows",
            "ALTER TABLE ops.audit_log ENABLE REPLICA TRIGGER audit_only_grows",
            "ALTER TABLE ops.audit_log ENABLE TRIGGER audit_only_grows",
            "ALTER TRIGGER audit_only_grows ON ops.audit_log RENAME TO other",
        ]
    )
    with transaction() as connection:
        connection.execute(how.encode())
    return None, None


KINDS: tuple[Callable[[Random], Found], ...] = (
    edit_field, edit_hash, delete_row, delete_tail, insert_row, reorder, copy_row, change_time,
    swap_tenant, rewrite_chain, restore_older, forge_anchor, switch_guard_off,
)  # fmt: skip
