"""How the watch has people told: an event of the caller's transaction, for whoever subscribed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.redact import place_of
from atalaia.kernel.base.trace import log
from atalaia.kernel.tell.events import announce


def tell(connection: Connection, event: str, data: Mapping[str, Any], *, key: str) -> bool:
    """Announce it once per `key`. False when it could not be, and then nothing else is undone."""
    try:
        with connection.transaction():
            announce(connection, event, data, key=key)
    except (psycopg.Error, AtalaiaError) as error:
        log("ERROR", "the watch could not tell", event=event, why=place_of(error))
        return False
    return True
