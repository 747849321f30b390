"""The sender as a process, to be killed."""

from __future__ import annotations

from tests.kernel.tell.house import QUICK

from atalaia.kernel.base.database import pool
from atalaia.kernel.base.settings import settings
from atalaia.kernel.tell.sender import Sender


def send() -> None:
    """Send until killed, with the settings of now."""
    settings.cache_clear()
    pool.cache_clear()
    Sender(QUICK).run()
