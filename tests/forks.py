"""Processes that start in milliseconds, to be killed: forks of one that has imported everything.

`python -m tests.forks MODULE[:NAME]…` imports the modules, looks at the names, and obeys one JSON
line at a time:
{"call": "module:function", "args": […]} forks a process that calls it, and answers its pid;
{"wait": pid} answers how it ended (negative: the signal that killed it, as in subprocess).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]


class Forks:
    """The parent of such processes, with this process's environment of now."""

    def __init__(self, *modules: str, log: Path, **environment: str) -> None:
        self._log = log.open("ab")
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.forks", *modules],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path])),
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._alive: set[int] = set()

    def start(self, call: str, *args: Any) -> int:
        """The pid of a new process that calls it."""
        pid: int = self._asked({"call": call, "args": args})
        self._alive.add(pid)
        return pid

    def ended(self, pid: int) -> int:
        """How the process ended, once it has."""
        code: int = self._asked({"wait": pid})
        self._alive.discard(pid)
        return code

    def kill(self, pid: int) -> None:
        """kill -9, proven: it is dead, and of that."""
        os.kill(pid, signal.SIGKILL)
        code = self.ended(pid)
        assert code == -signal.SIGKILL, f"{pid} ended by itself before it was killed: {code}"

    def _asked(self, what: dict[str, Any]) -> Any:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(what) + "\n")
        self._parent.stdin.flush()
        answer = self._parent.stdout.readline()
        assert answer, f"the parent of the forks died; its log: {self._log.name}"
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        for pid in list(self._alive):
            os.kill(pid, signal.SIGKILL)
            self.ended(pid)
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(20)
        assert self._parent.stdout is not None
        self._parent.stdout.close()
        self._log.close()


def _fork(call: str, args: list[Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        module, _, name = call.partition(":")
        getattr(import_module(module), name)(*args)
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
            answer = _fork(asked["call"], asked["args"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        name, _, attribute = wanted.partition(":")
        getattr(import_module(name), attribute or "__name__")
    main()
