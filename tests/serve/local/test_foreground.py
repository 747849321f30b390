"""One service of several parts: what dies is begun anew, what dies again and again ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.serve.api.server import eventually

from atalaia.serve.local import foreground
from atalaia.serve.local.foreground import Service

LIVES = [sys.executable, "-c", "import time; time.sleep(600)"]
DIES = [sys.executable, "-c", "raise SystemExit(3)"]


def started(service: Service, name: str, not_pid: int = 0) -> int:
    """The process of a part, once it is another one than `not_pid`."""

    def pid() -> int:
        process = service._parts[name].process
        return process.pid if process and process.pid != not_pid else 0

    return int(eventually(pid, 60, f"{name} begun"))


@pytest.mark.row("B-031", "B-061")
def test_a_part_that_is_killed_is_begun_anew_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foreground, "_AGAIN_SECONDS", 0.1)
    service = Service({"one": LIVES, "two": LIVES})
    ended: list[bool] = []
    running = Thread(target=lambda: ended.append(service.run()))
    running.start()
    one, two = started(service, "one"), started(service, "two")
    os.kill(one, signal.SIGKILL)
    again = started(service, "one", not_pid=one)
    assert started(service, "two") == two
    service.stop()
    running.join(60)
    assert ended == [True]
    for pid in (again, two):
        assert not Path(f"/proc/{pid}").exists(), "nothing of it is left"


def test_a_part_that_cannot_live_ends_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreground, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(foreground, "_WITHIN_SECONDS", 600.0)
    service = Service({"one": LIVES, "two": DIES})
    assert service.run() is False
    one: Any = service._parts["one"].process
    assert one.poll() is not None, "the others were ended too"


@pytest.mark.row("B-032")
def test_a_wrong_configuration_stops_the_service_before_anything_starts(tmp_path: Path) -> None:
    wrong = tmp_path / "config.json"
    wrong.write_text('{"alerts": {"idle_minutes": "segredo"}}')
    environment = os.environ | {
        "CATTLE_CONFIG_FILE": str(wrong), "DATABASE_URL": "postgresql://x@127.0.0.1:9/x",
        "ATALAIA_STATE_DIR": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "atalaia.serve.cli", "service", "etl-service"],
        env=environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 64
    assert "alerts.idle_minutes" in done.stderr
    assert str(wrong) in done.stderr.replace("\n", "")
    assert "segredo" not in done.stdout + done.stderr
    assert "a part was begun" not in done.stderr
