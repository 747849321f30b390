"""Signs of life of the watch itself, for who looks from outside and needs no database.

After each round the scheduler leaves a file; `atalaia watchdog`, a process of its own, raises when
it is old or says that the round failed. An outside address (HEARTBEAT_URL) is asked after good
rounds only: it raises when it is asked no more, whatever died here, this machine included.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from atalaia.kernel.base.disk import renamed_when_whole


@dataclass(frozen=True, slots=True)
class Sign:
    """The last round: when it was tried, and why it failed ('' when it did not). `since` is when
    it began to fail."""

    at: str
    problem: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the watchdog found: its exit code (0, 1, 2) and why, in pt-BR."""

    code: int
    says: str


def leave(file: Path, sign: Sign) -> None:
    """Write the sign, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with renamed_when_whole(file) as out:
        out.write(json.dumps(asdict(sign)).encode())


def read(file: Path) -> Sign | None:
    """The sign that was left; None when there is none that can be read."""
    try:
        return Sign(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def judge(
    alive_at: datetime | None, sign: Sign | None, now: datetime, limit_seconds: float
) -> Alarm:
    """What the scheduler's heartbeat and the last round's sign mean at a moment. A clock that went
    back makes a sign look like one of the future: that is no sign of life either."""
    if alive_at is None:
        return Alarm(2, "o agendador nunca deu sinal de vida aqui")
    silent = (now - alive_at).total_seconds()
    if abs(silent) > limit_seconds:
        return Alarm(2, f"o agendador não dá sinal de vida há {silent:.0f} s")
    if sign is None:
        return Alarm(2, "o agendador vive, mas as regras de alerta nunca foram avaliadas aqui")
    old = (now - datetime.fromisoformat(sign.at)).total_seconds()
    if abs(old) > limit_seconds:
        return Alarm(2, f"o agendador vive, mas não avalia as regras de alerta há {old:.0f} s")
    if sign.problem:
        return Alarm(2, f"as regras de alerta não puderam ser avaliadas desde {sign.since}: "
                     f"{sign.problem}")  # fmt: skip
    return Alarm(0, f"as regras de alerta foram avaliadas há {old:.0f} s")
