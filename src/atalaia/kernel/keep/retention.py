"""What is removed when: planned first, then exactly that is removed, and recorded.

Backups: all of the last 2 days, then the newest of each day for 7 days, of each week for 5 weeks,
of each month for 12 months; the newest verified one always. A database that a restore set aside:
after 7 days. What killed processes left: after an hour. Bronze is the way back of every number and
the audit log only grows: neither is ever in a plan.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.rows import tuple_row

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.disk import sweep
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.keep import backup, guard
from atalaia.kernel.keep.archive import checksum_file
from atalaia.kernel.keep.audit import append
from atalaia.kernel.keep.restore import alone, databases, drop, maintenance_url

_ALL_DAYS, _DAILY, _WEEKLY, _MONTHLY = 2, 7, 5 * 7, 366
_SET_ASIDE_DAYS = 7
# Which bucket a backup of that age shares with others; the newest of a bucket is kept.
_BUCKETS = ((_DAILY, "%Y-%m-%d"), (_WEEKLY, "%G-W%V"), (_MONTHLY, "%Y-%m"))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to remove, and why now."""

    kind: str  # backup | database
    name: str
    reason: str
    size: int = 0


def kept(moments: Iterable[datetime], at: datetime) -> set[datetime]:
    """Which of these backups the rule keeps at the moment `at`."""
    found, taken = set(), set()
    for moment in sorted(moments, reverse=True):
        age = at - moment
        if age < timedelta(days=_ALL_DAYS):
            found.add(moment)
            continue
        bucket = next((f"{moment:{form}}" for d, form in _BUCKETS if age < timedelta(days=d)), "")
        if bucket and bucket not in taken:
            taken.add(bucket)
            found.add(moment)
    return found


def plan() -> list[Step]:
    """What would be removed now."""
    at = now()
    listed = [row for row in backup.known() if row["removed_at_utc"] is None]
    keep = kept((row["created_at_utc"] for row in listed), at)
    verified = (row["created_at_utc"] for row in listed if row["verified_at_utc"])
    keep |= {max(verified, default=at)}
    steps = [
        Step(
            "backup",
            row["file"],
            f"de {row['created_at_utc']:%Y-%m-%d}, fora da regra",
            row["size"],
        )
        for row in listed
        if row["created_at_utc"] not in keep
    ]
    with connect(url=maintenance_url(), row_factory=tuple_row) as control:
        for name in databases(control, "before"):
            moment = _moment(name)
            if moment and at - moment >= timedelta(days=_SET_ASIDE_DAYS):
                steps.append(Step("database", name, f"guardado por uma troca em {moment:%Y-%m-%d}"))
    return steps


def plan_id(steps: list[Step]) -> str:
    """A name for exactly this plan."""
    text = json.dumps([asdict(step) for step in steps], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def apply(
    agreed: str, *, actor: str, trigger: str, reason: str, override: bool = False
) -> list[Step]:
    """Remove what the plan of that name says. Raises UsageError when it is no longer the plan,
    NotGuarded without a verified backup of the day; nothing was removed then."""
    steps = plan()
    if plan_id(steps) != agreed:
        raise UsageError(
            "O plano mudou desde que foi feito. Nada foi apagado.",
            todo="Leia o de agora: atalaia retention plan",
        )
    guard.require_backup(
        "retention apply", override=override, actor=actor, trigger=trigger, reason=reason
    )
    with alone() as control:
        for step in steps:
            _record(step, actor, trigger, reason)
            if step.kind == "database":
                drop(control, step.name)
            else:
                Path(step.name).unlink(missing_ok=True)
                checksum_file(Path(step.name)).unlink(missing_ok=True)
    for folder in {Path(row["file"]).parent for row in backup.known()}:
        sweep(folder, ".*.atl*")
    return steps


def _record(step: Step, actor: str, trigger: str, reason: str) -> None:
    """First the record: what is removed without one could not be told from what was lost."""
    with transaction() as connection:
        if step.kind == "backup":
            connection.execute(
                """UPDATE ops.backups SET removed_at_utc = clock_timestamp()
                   WHERE file = %s AND removed_at_utc IS NULL""",
                (step.name,),
            )
        details: dict[str, Any] = {"kind": step.kind, "rule": step.reason, "size": step.size}
        append(
            connection, stream=backup.STREAM, action="retention.removed", actor=actor,
            trigger=trigger, subject=Path(step.name).name, reason=reason, details=details,
        )  # fmt: skip


def _moment(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.rpartition("_")[2], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None
