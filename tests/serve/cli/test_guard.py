"""What destroys, and what changes a production database, asks for a verified backup of the day."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import forget_settings
from tests.kernel.keep import platform
from tests.kernel.keep.platform import WHO, Platform
from tests.migrations import BEFORE, NEWEST
from tests.serve.cli.conftest import Run, Said

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import project_dir
from atalaia.kernel.keep import recovery
from atalaia.kernel.keep.retention import plan_id

REFUSED = "Não há backup verificado com menos de 24 horas"
Do = Callable[[Run, Platform], Said]


@pytest.fixture(scope="module")
def held(database_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform.cleaned():
        made = platform.fill(tmp_path_factory.mktemp("archives"))
        made.archive("unverified.atl")
        yield made


def _cli(*arguments: str) -> Do:
    def done(here: Run, held: Platform) -> Said:
        return here(
            *(one.replace("ARCHIVE", str(held.folder / "unverified.atl")) for one in arguments)
        )

    return done


def _alembic(*arguments: str) -> Do:
    def done(_here: Run, _held: Platform) -> Said:
        from alembic.config import main

        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                main(["--config", str(project_dir() / "pyproject.toml"), *arguments])
        except Exception as error:
            return Said(2, "", str(error))
        return Said(0, said.getvalue(), "")

    return done


def _program(folder: str, *arguments: str) -> Do:
    def done(_here: Run, _held: Platform) -> Said:
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=project_dir() / folder, env=os.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Said(ran.returncode, ran.stdout, ran.stderr)

    return done


UPGRADE = "from atalaia.kernel.base.migrate import upgrade; upgrade()"
# `down --delete-data`, `up` and `restart` are in tests/serve/local/test_guard.py: they have an
# instance to lose.
COMMANDS: dict[str, Do] = {
    "restore": _cli("backup", "restore", "--from", "ARCHIVE", "--reason", "teste"),
    "rollback": _cli("backup", "rollback", "--reason", "teste"),
    "retention apply": _cli("retention", "apply", plan_id([]), "--reason", "teste"),
    "alembic upgrade heads": _alembic("upgrade", "heads"),
    "alembic upgrade to the newest": _alembic("upgrade", NEWEST),
    "alembic downgrade": _alembic("downgrade", "-1"),
    "alembic stamp": _alembic("stamp", "heads"),
    "init_db.py": _program("runbooks/territory", "scripts/init_db.py"),
    "upgrade() of a program": _program(".", "-c", UPGRADE),
}


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A production database with one migration to come."""
    monkeypatch.setenv("ENV", "production")
    forget_settings()
    _version(BEFORE, was=NEWEST)
    yield
    _version(NEWEST, was=BEFORE)
    forget_settings()


def _version(version: str, *, was: str) -> None:
    with connect() as connection:
        connection.execute(
            "UPDATE alembic_version SET version_num = %s WHERE version_num = %s", (version, was)
        )


def overrides() -> list[tuple[str, str]]:
    """What was recorded of going on without a backup."""
    with connect() as connection:
        found = connection.execute(
            """SELECT subject, reason FROM ops.audit_log
               WHERE action = 'guard.overridden' ORDER BY seq"""
        ).fetchall()
    return [(row["subject"], row["reason"]) for row in found]


@pytest.mark.row("R-029", "E-031", "E-042", "E-045")
@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("name", COMMANDS)
def test_without_a_verified_backup_of_the_day_it_is_refused(
    here: Run, held: Platform, name: str
) -> None:
    before = platform.state()
    said = COMMANDS[name](here, held)
    assert REFUSED in said.err + said.out
    assert "atalaia backup create" in said.err + said.out
    assert said.code != 0
    assert (platform.state(), overrides(), platform.of_this_database()) == (before, [], [])


@pytest.mark.usefixtures("production")
def test_looking_at_a_production_database_is_free(here: Run, held: Platform) -> None:
    for words in (("current",), ("heads",), ("history",)):
        assert _alembic(*words)(here, held).code == 0


@pytest.mark.row("E-045")
def test_elsewhere_migrations_ask_for_nothing(here: Run, held: Platform) -> None:
    assert _alembic("stamp", "heads")(here, held).code == 0


@pytest.mark.row("R-029", "E-042", "E-045")
def test_going_on_without_one_is_recorded_with_its_reason(
    here: Run, held: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = here("backup", "rollback", "--override-without-backup", "--reason", " ")
    assert refused.code == 64
    assert overrides() == []
    gone_on = here("backup", "rollback", "--override-without-backup", "--reason", "sem disco")
    assert "Nenhum banco foi guardado" in gone_on.err  # it got as far as that
    assert overrides() == [("backup rollback", "sem disco")]
    monkeypatch.setenv("ENV", "production")
    monkeypatch.setenv("OVERRIDE_WITHOUT_BACKUP", "janela de manutenção")
    forget_settings()
    assert _alembic("stamp", "heads")(here, held).code == 0
    assert overrides()[1:] == [("alembic stamp", "janela de manutenção")]
    monkeypatch.undo()
    forget_settings()


@pytest.mark.row("R-029", "E-031", "E-045")
def test_only_a_verified_young_and_untouched_backup_opens_the_way(
    here: Run, held: Platform, production: None
) -> None:
    stamp = _alembic("stamp", BEFORE)
    file = held.archive("guarding.atl")

    def change(assignment: str) -> None:
        with connect() as connection:
            connection.execute(
                f"UPDATE ops.backups SET {assignment} WHERE file = %s".encode(), (str(file),)
            )

    assert REFUSED in stamp(here, held).err  # made, but never verified
    recovery.verify(file, **WHO)
    assert stamp(here, held).code == 0
    change("created_at_utc = clock_timestamp() - interval '24 hours 1 minute'")
    assert REFUSED in stamp(here, held).err
    change("created_at_utc = clock_timestamp() - interval '23 hours 59 minutes'")
    assert stamp(here, held).code == 0
    change("problem = 'x'")
    assert REFUSED in stamp(here, held).err
    change("problem = NULL")
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert REFUSED in stamp(here, held).err
    file.write_bytes(content)
    assert stamp(here, held).code == 0
    moved = file.rename(Path(f"{file}.moved"))
    assert REFUSED in stamp(here, held).err
    moved.rename(file)
