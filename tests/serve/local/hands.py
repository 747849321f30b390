"""A worker with one more kind of work, whose effect is a row: counted outside what is tested.

`python -m tests.serve.local.hands` is `atalaia worker` but for that kind.
"""

from __future__ import annotations

import time

from atalaia.kernel.base.database import Connection
from atalaia.kernel.work.drain import Handler
from atalaia.kernel.work.items import Item
from atalaia.serve import worker

KIND = "toy"


def apply(item: Item, connection: Connection) -> None:
    """One row for one item; nothing in the table stops a second one."""
    time.sleep(item.payload.get("seconds", 0))
    with item.effect(connection):
        connection.execute(
            "INSERT INTO public.applied VALUES (%s, %s)", (item.payload["key"], item.item_id)
        )


worker.HANDLERS[KIND] = Handler(apply, group=20)

if __name__ == "__main__":
    worker.main()
