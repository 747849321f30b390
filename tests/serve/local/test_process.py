"""Processes are known by who they are, never by name or by a number alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from atalaia.kernel.base.errors import Unavailable
from atalaia.serve.local import process

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
# Ignores SIGTERM and has a child in a process group of its own, as an RQ worker has.
HEADLESS = """
import ctypes, socket, threading, time
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgrp()
    time.sleep(600)
print(child, flush=True)
time.sleep(600)
"""


def until(truth: object, seconds: float = 10) -> bool:
    """Ask again until it holds or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if truth():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_a_reused_pid_is_not_ours_and_is_left_alone(tmp_path: Path) -> None:
    stranger = process.spawn(SLEEPER, log=tmp_path / "log", cwd=tmp_path)
    try:
        forgotten = replace(stranger, started_ticks=stranger.started_ticks - 1)
        process.remember(forgotten, tmp_path / "part.pid")
        assert process.remembered(tmp_path / "part.pid") is None
        assert process.stop(forgotten) is False
        assert stranger.alive
        process.remember(replace(stranger, boot="another"), tmp_path / "part.pid")
        assert process.remembered(tmp_path / "part.pid") is None
    finally:
        process.stop(stranger)
    assert not stranger.alive


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": 1}', "[1]", "\x00"])
def test_a_damaged_pid_file_remembers_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "part.pid").write_text(text, encoding="utf-8")
    assert process.remembered(tmp_path / "part.pid") is None


def test_one_started_with_other_settings_is_not_the_one_wanted(tmp_path: Path) -> None:
    ours = process.identify(os.getpid())
    process.remember(ours, tmp_path / "part.pid", note="version 1")
    assert process.remembered(tmp_path / "part.pid") == ours
    assert process.remembered(tmp_path / "part.pid", note="version 1") == ours
    assert process.remembered(tmp_path / "part.pid", note="version 2") is None


def test_one_that_does_not_listen_is_killed_with_its_children(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stubborn = process.spawn([sys.executable, "-c", STUBBORN], log=log, cwd=tmp_path)
    assert until(lambda: log.read_text().strip())
    child = process.identify(int(log.read_text()))
    assert process.stop(stubborn, seconds=0.3) is True
    assert not stubborn.alive
    assert until(lambda: not child.alive)


def test_a_polite_one_is_not_killed(tmp_path: Path) -> None:
    sleeper = process.spawn(SLEEPER, log=tmp_path / "log", cwd=tmp_path)
    assert process.stop(sleeper, seconds=10) is False
    assert not sleeper.alive


def test_a_program_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    with pytest.raises((Unavailable, FileNotFoundError)):
        process.spawn([str(tmp_path / "no-such-program")], log=tmp_path / "log", cwd=tmp_path)


def test_processes_are_found_by_where_they_live(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    program = Path(sys.executable).resolve().name
    one = subprocess.Popen(SLEEPER, cwd=home)
    other = subprocess.Popen(SLEEPER, cwd=elsewhere)
    try:
        assert until(lambda: process.living_in(home, program))
        assert [found.pid for found in process.living_in(home, program)] == [one.pid]
        assert process.living_in(home, "postgres") == []
    finally:
        for child in (one, other):
            child.kill()
            child.wait()


def test_a_taken_port_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not process.port_is_free(port)
        assert process.free_port(port) != port
    assert process.port_is_free(port)
    assert process.free_port(port) == port


def test_a_process_lives_as_long_as_one_of_its_threads() -> None:
    """Its first thread may have ended, as one after the other of a killed one's do: its port is
    still taken."""
    child = subprocess.Popen([sys.executable, "-c", HEADLESS], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        identity = process.identify(child.pid)
        stat = Path(f"/proc/{child.pid}/stat")
        assert until(lambda: stat.read_text("utf-8").rpartition(")")[2].split()[0] == "Z")
        assert identity.alive
        assert not process.port_is_free(port)
        child.kill()
        assert until(lambda: not identity.alive)
        assert process.port_is_free(port)
    finally:
        child.kill()
        child.wait(10)
