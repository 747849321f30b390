"""Moments as people type them: with their zone, or so long from now."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.errors import UsageError

_LENGTH = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """'2h', '90m' or '1d' from now, or an ISO 8601 moment with its zone. Raises UsageError."""
    length = _LENGTH.fullmatch(text.strip())
    try:
        if length:
            return now() + timedelta(**{_UNITS[length[2]]: int(length[1])})
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except (ValueError, OverflowError):  # a day that is not, or one after the last there is
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(
            f"'{text}' não é um momento. Nada foi mudado.",
            todo="Assim: 2h, 90m, 1d, ou 2027-01-31T22:00-03:00 (com o fuso).",
        )
    return found
