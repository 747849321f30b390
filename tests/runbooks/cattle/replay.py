"""The runbook's own machine (X-33): all it prints is typed in a root, a network and a list of
processes that are ours alone, against a database of the printed name.

    unshare --mount --net --pid --fork python inside.py what-to-type.json
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import PEPPER

from atalaia.serve.local.postgres import PrivatePostgres

ROOT = Path(__file__).resolve().parents[3]
TEXT = ROOT / "runbooks/cattle/runbook.md"
_FENCE = re.compile(r"^```(bash|sql) \{name=([\w-]+)[^}]*\}\n(.*?)^```", re.M | re.S)
_ENDLESS = re.compile(r"^(top|htop|multitail|tail -f|journalctl)\b")
NAMESPACE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")


def fences(text: str) -> dict[str, tuple[str, str]]:
    """name → (language, body), in the order of the text."""
    return {name: (language, body) for language, name, body in _FENCE.findall(text)}


def commands(body: str) -> list[str]:
    """The commands of a bash fence, without its comments."""
    joined = body.replace("\\\n", " ")
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What every line came to, and how the machine was left."""

    done: list[dict[str, Any]]
    state: dict[str, Any]

    def of(self, fence: str, begins: str = "") -> dict[str, Any]:
        """The one line of a fence that begins so."""
        (found,) = [
            one for one in self.done if one["fence"] == fence and one["line"].startswith(begins)
        ]
        return found


def possible() -> bool:
    """Whether a machine of one's own may be made here."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0


def replay(
    server: PrivatePostgres, database: str, work: Path, token: str, *, seed: str
) -> Replayed:
    """Type the whole runbook; `seed` is typed first, to have a file to speak of."""
    running = server.running()
    assert running is not None
    lines = []
    for name, (language, body) in fences(TEXT.read_text(encoding="utf-8")).items():
        if name in ("ambiente", "locais-dos-logs"):
            continue  # the first is read before every line; the second lists the paths
        if language == "sql":
            query = f"psql -v ON_ERROR_STOP=1 <<'SQL'\n{body}SQL"
            lines.append({"fence": name, "line": query, "endless": False})
            continue
        lines += [
            {"fence": name, "line": one, "endless": bool(_ENDLESS.match(one))}
            for one in commands(body)
        ]
    asked = {
        "project": str(ROOT),
        "venv": sys.prefix,
        "stand_ins": str(Path(__file__).with_name("machine")),
        "besides": [str(running.socket_dir)],
        "seed": seed,
        "lines": lines,
        "env": {
            "DATABASE_URL": server.socket_url(database),
            "REDIS_URL": "redis://127.0.0.1:6379/0",
            "KEY_PEPPER": PEPPER,
            "AUDIT_ANCHOR_KEY": "the anchor key of the tests, long enough",
            "PGHOST": str(running.socket_dir),
            "PGPORT": str(running.port),
            "PGUSER": "atalaia",
            "PGDATABASE": database,
            "API_URL": "http://127.0.0.1:8000",
            "API_TOKEN": token,
            "DATA_DIR": "/var/lib/etl/data",
            "ATALAIA_STATE_DIR": "/var/lib/etl",
            "RATE_LIMIT_PER_MINUTE": "100000",
        },
    }
    known = work / "asked.json"
    known.write_text(json.dumps(asked), encoding="utf-8")
    inside = str(Path(__file__).with_name("inside.py"))
    ended = subprocess.run(
        [*NAMESPACE, sys.executable, inside, str(known)],
        capture_output=True, text=True, timeout=1700, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    done = json.loads((work / "done.json").read_text(encoding="utf-8"))
    return Replayed(done, json.loads((work / "state.json").read_text(encoding="utf-8")))
