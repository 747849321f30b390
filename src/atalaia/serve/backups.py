"""Backups as work: asked for by the schedule or by somebody, made by a worker, and each of them
rehearsed: what was not restored and compared is no backup yet."""

from __future__ import annotations

from typing import Any

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import Tampered
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import recovery
from atalaia.kernel.work.items import Item
from atalaia.kernel.work.schedule import Scheduled
from atalaia.serve import catalog

KIND = "backup"
# Twice a day: made once, it would be older than the guard's 24 hours while the next is being made.
SCHEDULE = (
    Scheduled("backup_at_night", KIND, "daily 02:00"),
    Scheduled("backup_at_noon", KIND, "daily 12:30"),
)


def execute(item: Item, _connection: Connection) -> dict[str, Any]:
    """Make a backup in DATA_DIR/backups, restore it into a scratch database and compare all of it.
    Done twice for one item it is two backups, which harms nobody. Raises Tampered when what came
    back is not what went in."""
    catalog.domains()  # a domain registers what it keeps when it is loaded
    made = recovery.drill(
        settings().data_dir / "backups",
        actor=item.actor,
        trigger=item.trigger,
        reason=item.reason,
    )
    done = {
        "backup_id": str(made["backup_id"]),
        "seconds": round(made["backup_seconds"] + made["restore_seconds"], 1),
        "not_loaded": [one.name for one in catalog.broken()],  # what they keep on disk is not in it
    }
    if not made["passed"]:
        raise Tampered(
            f"O backup {done['backup_id']} não volta igual ao que foi copiado.",
            todo="Veja o que difere em 'atalaia backup list', e faça outro.",
        )
    return done
