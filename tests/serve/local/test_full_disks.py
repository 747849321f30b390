"""No room for the write-ahead log, or for the logs, under the whole product at work: what was
accepted is kept, who asks is told, and once there is room it works on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.kernel.ingest.test_disk import mounted
from tests.serve.api.server import eventually
from tests.serve.local.house import BACK_SECONDS, House

from atalaia.kernel.base.settings import settings

pytestmark = [pytest.mark.timeout(300), pytest.mark.row("R-012")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The product, up; each test leaves it up."""
    with House(tmp_path_factory.mktemp("house")) as found:
        found.start()
        eventually(found.healthy, BACK_SECONDS, "the API")
        yield found


def test_no_room_for_the_write_ahead_log(house: House) -> None:
    """PostgreSQL falls then, and comes back by itself when there is room while it tries; else it
    is started. Nothing else is."""
    assert house.postgres.stop()
    wal = house.postgres.data / "pg_wal"
    aside = wal.rename(wal.with_name("pg_wal.aside"))
    wal.mkdir(mode=0o700)
    with mounted(wal, "-t", "tmpfs", "-o", "size=160m,mode=0700", "tmpfs") as again:
        shutil.copytree(aside, wal, dirs_exist_ok=True)
        house.postgres.give(wal, *wal.rglob("*"))
        house.postgres.start()
        eventually(house.healthy, BACK_SECONDS, "the API")
        with house.load() as load:
            load.until(10)
            fill(house)
            eventually(lambda: load.answers[503] >= 3, 30, "503 while there is no room")
            house.alive()
            again("size=2g")
            house.postgres.start()
            eventually(house.healthy, BACK_SECONDS, "the API sees its database again")
            load.until(len(load.accepted) + 10)
        house.settle(load)
        house.indexes_hold()
        assert house.postgres.stop()
        shutil.copytree(wal, aside, dirs_exist_ok=True)
    wal.rmdir()
    aside.rename(wal)
    house.postgres.start()


def fill(house: House) -> None:
    """Write until the server can no longer keep what it is told."""
    more = (
        "INSERT INTO public.large SELECT n, repeat(md5(n::text), 60) "
        "FROM generate_series(1, 1000000) AS n"
    )
    with psycopg.connect(house.postgres.url()) as session:
        session.execute("CREATE TABLE public.large (n int, text text)")
        with pytest.raises(psycopg.OperationalError):
            session.execute(more)


def test_no_room_for_the_logs(house: House) -> None:
    """The product works on without its lines, and writes them again when it can."""
    house.kill("api")
    with mounted(settings().log_dir, "-t", "tmpfs", "-o", "size=200k", "tmpfs"):
        house.start("api")
        eventually(house.healthy, BACK_SECONDS, "the API")
        ballast = Path(settings().log_dir, "ballast")
        with house.load() as load:
            load.until(5)
            with pytest.raises(OSError, match="No space"):
                ballast.write_bytes(b"x" * 300_000)
            load.until(len(load.accepted) + 20)
            read = load.answers[200]
            eventually(lambda: load.answers[200] >= read + 20, 30, "answers without a log")
            ballast.unlink()
            before = written(house)
            eventually(lambda: written(house) > before, 30, "lines are written again")
        house.settle(load)
        house.kill("api")
    house.start("api")
    eventually(house.healthy, BACK_SECONDS, "the API")


def written(house: House) -> int:
    """The bytes of all logs."""
    return sum(file.stat().st_size for file in settings().log_dir.rglob("*.log"))
