"""What each program does for the feeding files as it starts, and the scheduler in each round:
whether they could be processed is noted minute by minute, and the log files are kept."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from atalaia.domains.cattle import folder, journal, sla
from atalaia.domains.cattle.config import config
from atalaia.domains.cattle.logfiles import LogFiles, attach
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection, connect, pooled
from atalaia.kernel.base.errors import AtalaiaError, NoSpace

MINUTE = timedelta(minutes=1)
_SAY_EVERY = timedelta(minutes=5)
_FRESH = timedelta(seconds=45)
_WATCHED = {"api-down": "a API não responde", "worker-dead": "nenhum worker trabalha"}


def start(_service: str) -> None:
    """Read the configuration and have this program's lines in the log files. Raises UsageError for
    a configuration that is wrong, NoSpace for a folder that cannot be written."""
    folder = config().logs
    try:
        attach(folder)
    except OSError as error:
        raise NoSpace(
            f"{folder} não pode ser escrita ({type(error).__name__}): os logs do ETL ficam sem "
            "lugar; os do Atalaia continuam.",
            todo="Crie a pasta para este usuário, ou mude folders.logs na configuração.",
        ) from error


def pipelines() -> dict[str, Any]:
    """Its part of /health: each layout, active or not."""
    with pooled() as connection:
        found = sla.pipelines(connection, now())
    return {name: one | {"domain": "cattle"} for name, one in found.items()}


class Rounds:
    """What is remembered between rounds: the last minute that was noted, and those in which the
    database, that it is noted in, did not answer."""

    def __init__(self) -> None:
        self._noted = self._said = datetime.min.replace(tzinfo=now().tzinfo)
        self._away: dict[datetime, str] = {}

    def go_round(self, moment: datetime | None = None) -> None:
        """Note the minute if it is a new one, and bring the log files up to date. Raises what the
        database raises; the minute is noted as soon as it is back."""
        at = moment or now()
        minute = at.replace(second=0, microsecond=0)
        if minute > self._noted:
            try:
                self._note(minute, at)
            except AtalaiaError:
                self._away[minute] = "o banco de dados não respondeu"
                raise
            self._noted = minute
        files = LogFiles(config().logs)
        journal.write(files)
        if at - self._said >= _SAY_EVERY:
            self._said = at
            self._say(files, at)

    def _note(self, minute: datetime, at: datetime) -> None:
        with connect(autocommit=True) as connection, connection.transaction():
            rows = [(when, False, why) for when, why in self._away.items()]
            for row in (*rows, (minute, *could_process(connection, at))):
                connection.execute(
                    """INSERT INTO etl.availability AS a (minute, up, why) VALUES (%s, %s, %s)
                       ON CONFLICT (minute) DO UPDATE SET (up, why) = (excluded.up, excluded.why)
                       WHERE a.up IS DISTINCT FROM false""",
                    row,
                )
        self._away.clear()

    def _say(self, files: LogFiles, at: datetime) -> None:
        """How things stand, in a line: the log of a service at rest is not silent."""
        with connect(autocommit=True) as connection:
            found = sla.pipelines(connection, at)
        waiting = sum(one["waiting"] for one in found.values())
        active = sum(one["status"] == "active" for one in found.values())
        files.said(at, "INFO", "watch", pipelines=f"{active}/{len(found)}", waiting=waiting)


def could_process(connection: Connection, at: datetime) -> tuple[bool | None, str]:
    """Whether files could be sent and processed now, as the watch last saw it, and why not."""
    found = {
        row["rule"]: row
        for row in connection.execute(
            """SELECT rule, value, state::text, asked_at FROM ops.watched
               WHERE rule = ANY (%s) AND subject = ''""",
            (list(_WATCHED),),
        )
    }
    wrong = []
    for rule, why in _WATCHED.items():
        row = found.get(rule)
        if row is None or at - row["asked_at"] > _FRESH or row["value"] is None:
            return None, "a vigia não olhou"
        if row["value"] > 0:
            wrong.append(why)
    return not wrong, "; ".join(wrong)


_rounds = Rounds()


def go_round() -> None:
    """The scheduler's part: files that wait in their folder or came whole and were not received,
    and what is noted. While the log files cannot be written, it is said, and no more."""
    folder.look_round()
    try:
        _rounds.go_round()
    except OSError as error:
        logging.getLogger("atalaia").error(
            "log files are not written",
            extra={"fields": {"domain": "cattle", "why": type(error).__name__}},
        )
