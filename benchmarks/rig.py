"""What every benchmark stands on: a private server, a clock, and one way to say what came out."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True, slots=True)
class Line:
    """One measured bar: `ratio` against `limit` decides; the rest is to be read."""

    name: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    limit: float
    at_most: bool = True  # else at least

    @property
    def met(self) -> bool:
        """True when the bar is met."""
        return self.ratio <= self.limit if self.at_most else self.ratio >= self.limit


def seconds(act: Callable[[], object]) -> float:
    """How long `act` takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def side_by_side(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int = 3
) -> tuple[float, float]:
    """Medians of both, taken in turn so that the machine's mood touches both alike."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


@contextmanager
def private_database() -> Iterator[tuple[str, Path]]:
    """A migrated database on a server of its own, and a data folder; both gone afterwards."""
    from atalaia.kernel.base.settings import settings
    from atalaia.serve.local.postgres import PrivatePostgres

    with TemporaryDirectory(prefix="atalaia-bench-") as folder:
        server = PrivatePostgres(Path(folder) / "postgres")
        server.start()
        try:
            os.environ["DATABASE_URL"] = server.url()
            os.environ["DATA_DIR"] = f"{folder}/data"
            settings.cache_clear()
            from atalaia.kernel.base.migrate import upgrade

            upgrade()
            yield server.url(), Path(folder)
        finally:
            server.stop()


def peers_python() -> str:
    """The Python of the peers we measure against, made anew whenever peers.lock changed."""
    home, lock = ROOT / ".atalaia" / "peers", ROOT / "benchmarks" / "peers.lock"
    python, made_from = home / "bin" / "python", home / "peers.lock"
    if not made_from.exists() or made_from.read_bytes() != lock.read_bytes():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run(
            [
                str(python),
                "-m",
                "pip",
                "install",
                "-q",
                "--no-deps",
                "--require-hashes",
                "-r",
                str(lock),
            ],
            check=True,
        )
        shutil.copy(lock, made_from)
    return str(python)


def report(topic: str, lines: list[Line], notes: dict[str, object]) -> bool:
    """Print the lines, keep them in results/ with commit and machine; True when all are met."""
    print(f"\n## {topic}")
    for key, value in notes.items():
        print(f"   {key}: {value}")
    for line in lines:
        sign, mark = ("<=" if line.at_most else ">="), ("ok" if line.met else "MISSED")
        print(
            f"   {line.name:<58} {line.ours:>10.3f} {line.theirs:>10.3f} {line.unit:<6}"
            f" ratio {line.ratio:>6.2f} {sign} {line.limit:<5} {mark}"
        )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    RESULTS.mkdir(exist_ok=True)
    entry = {
        "topic": topic,
        "commit": commit,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "notes": notes,
        "lines": [
            {
                "name": x.name,
                "ours": round(x.ours, 4),
                "theirs": round(x.theirs, 4),
                "unit": x.unit,
                "ratio": round(x.ratio, 3),
                "limit": x.limit,
                "met": x.met,
            }
            for x in lines
        ],
    }
    (RESULTS / f"{topic}.json").write_text(
        json.dumps(entry, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
    )
    return all(line.met for line in lines)
