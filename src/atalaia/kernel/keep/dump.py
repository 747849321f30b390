"""PostgreSQL's own programs: pg_dump to a stream, pg_restore from a file.

Addresses and passwords go by the environment, never by the command line, which every user of the
machine can read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict

from atalaia.kernel.base.errors import AtalaiaError, Unavailable

_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def program(name: str) -> str:
    """The path of pg_dump, pg_restore …: of the newest PostgreSQL on this machine, which reads all
    older servers; else the one of PATH."""
    found = [path for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if path.exists()]
    if found:
        return str(max(found, key=lambda path: int(path.parts[-3])))
    elsewhere = shutil.which(name)
    if elsewhere:
        return elsewhere
    raise Unavailable(
        f"Não há {name} nesta máquina, e sem ele não há backup nem restauração.",
        todo="Instale os programas cliente do PostgreSQL (pacote postgresql-client).",
    )


def environment(url: str) -> dict[str, str]:
    """The environment in which a program of PostgreSQL talks to the database of `url`."""
    known = conninfo_to_dict(url)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    given = {variable: str(known[name]) for name, variable in _VARIABLES.items() if known.get(name)}
    return {**inherited, **given, "LC_ALL": "C.UTF-8"}


@contextmanager
def dumping(url: str, snapshot: str) -> Iterator[IO[bytes]]:
    """The bytes pg_dump writes of the database as `snapshot` sees it. Raises AtalaiaError after
    the last of them when it did not get to its end."""
    # Uncompressed: the archive is compressed as a whole. Locks are not waited for without end.
    command = [program("pg_dump"), "--format=custom", "--compress=0", f"--snapshot={snapshot}"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, "--lock-wait-timeout=60s", "--no-password"],
            env=environment(url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            assert process.stdout is not None  # noqa: S101  asked for above
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()  # type: ignore[union-attr]
            code = process.wait()
        if code != 0:
            raise AtalaiaError(f"O pg_dump não terminou ({code}): {_last_line(said)}")


def restore(url: str, file: Path, *, jobs: int) -> None:
    """Fill the empty database of `url` from a dump. Raises AtalaiaError at the first thing that
    does not go in."""
    command = [program("pg_restore"), "--exit-on-error", "--no-owner", f"--jobs={jobs}"]
    database = conninfo_to_dict(url)["dbname"]
    with tempfile.TemporaryFile() as said:
        code = subprocess.call(
            [*command, "--no-password", f"--dbname={database}", str(file)],
            env=environment(url),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        if code != 0:
            raise AtalaiaError(
                f"O pg_restore não terminou ({code}): {_last_line(said)}. Nada do banco no ar foi "
                "tocado."
            )


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "…")
