"""The kernel stands with no domain: its tests are collected, and pass, in a copy of the tree whose
`domains/` is deleted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_QUICK = (  # at work on a real database
    "tests/kernel/work/test_items.py",
    "tests/kernel/test_domain.py",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree as version control has it, without the domains and their tests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "src", "tests", "pyproject.toml"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        if not name.startswith(("src/atalaia/domains/", "tests/domains/", "tests/runbooks/")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                shutil.copyfile(ROOT / name, tmp_path / name)
    project = tmp_path / "pyproject.toml"
    ours = r'(?m)^\w+ = "atalaia\.domains\..*$|^.*domains/.*/db/versions",?$'
    text = re.sub(ours, "", project.read_text())
    project.write_text(text, encoding="utf-8")
    assert not (tmp_path / "src/atalaia/domains").exists()
    return tmp_path


def _pytest(copy: Path, *arguments: str, seconds: float) -> str:
    """pytest in the copy, whose sources are those imported; what it said."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "NIGHT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=copy,
        env={**clean, "PYTHONPATH": str(copy / "src"), "ATALAIA_HOME": str(copy)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.mark.timeout(300)
def test_the_kernels_tests_stand_without_domains(
    copy: Path, postgres: str, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_TEST", postgres)
    monkeypatch.setenv("REDIS_URL_TEST", redis)
    collected = _pytest(copy, "--collect-only", "-q", "tests/kernel", seconds=120)
    found = re.findall(r"(?m)^tests/kernel/\S+: (\d+)$", collected)
    assert sum(map(int, found)) > 400, collected
    where = "import atalaia, atalaia.serve.api, sys; print(atalaia.__file__)"
    imported = subprocess.run(
        [sys.executable, "-c", where],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "ATALAIA_HOME": str(copy)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert imported.strip().startswith(str(copy))
    said = _pytest(copy, "-q", *_QUICK, seconds=240)
    assert "[100%]" in said


@pytest.mark.night("alone")
@pytest.mark.timeout(1400)
def test_all_of_the_kernels_tests_pass_without_domains(copy: Path) -> None:
    _pytest(copy, "-q", "-n", "2", "--deselect", "tests/kernel/test_alone.py", "tests/kernel",
            seconds=1300)  # fmt: skip
