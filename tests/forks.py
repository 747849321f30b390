"""Processes that start in milliseconds, to be killed: forks of one that has imported everything.

`python -m tests.forks MODULE[:NAME]…` imports the modules, looks at the names, and obeys one JSON
line at a time:
{"call": "module:function", "args": […], "environment": {…}, "log": path} forks a process that calls
it, and answers its pid;
{"wait": pid} answers how it ended (negative: the signal that killed it, as in subprocess).

Importing costs seconds of the processor, so that parent is one for all tests of a session that name
the same modules; it ends when nobody can ask it any more.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from atalaia.kernel.base.settings import settings

ROOT = Path(__file__).resolve().parents[1]


class _Parent:
    """The process that forks."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forks", *modules],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path])),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def asked(self, what: dict[str, Any]) -> Any:
        """Its answer. An answer that was not waited for must not be taken for the next one: then
        the parent is given up."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the parent of the forks died"
        except BaseException:
            _parent.cache_clear()
            raise
        return json.loads(answer)


@cache
def _parent(modules: tuple[str, ...]) -> _Parent:
    return _Parent(modules)


class Forks:
    """Such processes, each with the environment this process has when it starts."""

    def __init__(self, *modules: str, log: Path, **environment: str) -> None:
        self._log, self._environment = log, environment
        self._parent = _parent(modules)
        self._alive: set[int] = set()

    def start(self, call: str, *args: Any) -> int:
        """The pid of a new process that calls it."""
        environment = {**os.environ, **self._environment}
        pid: int = self._parent.asked(
            {"call": call, "args": args, "environment": environment, "log": str(self._log)}
        )
        self._alive.add(pid)
        return pid

    def ended(self, pid: int) -> int:
        """How the process ended, once it has."""
        code: int = self._parent.asked({"wait": pid})
        self._alive.discard(pid)
        return code

    def kill(self, pid: int) -> None:
        """kill -9, proven: it is dead, and of that."""
        os.kill(pid, signal.SIGKILL)
        code = self.ended(pid)
        assert code == -signal.SIGKILL, f"{pid} ended by itself before it was killed: {code}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        for pid in list(self._alive):
            os.kill(pid, signal.SIGKILL)
            self.ended(pid)


def _fork(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(asked["environment"])
        settings.cache_clear()
        module, _, name = asked["call"].partition(":")
        getattr(import_module(module), name)(*asked["args"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Obey until nobody asks any more."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = _fork(asked)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        name, _, attribute = wanted.partition(":")
        getattr(import_module(name), attribute or "__name__")
    main()
