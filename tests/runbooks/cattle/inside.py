"""What happens on the runbook's own machine: a root, a network and processes that are ours alone.

Run by `replay.py` inside `unshare --mount --net --pid --fork`. It builds the machine (`/etc/etl`,
`/var/log/etl`, `/opt/etl`, `/backup`, the unit, port 8000), starts the service as its unit says,
types every command it is given, and leaves what each came to in a file.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_ENDLESS_SECONDS = 4.0


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def build(root: Path, project: Path, work: Path, asked: dict[str, Any]) -> None:
    """A root folder with the host's programs, and nothing of ours outside it."""
    _mount("-t", "tmpfs", "tmpfs", str(root))
    _mirror(Path("/"), root, leave=("proc", "tmp", "etc", "opt", "backup", "run", "var"))
    (root / "proc").mkdir()
    _mount("-t", "proc", "proc", str(root / "proc"))
    for name, leave in (("etc", ("systemd", "etl")), ("opt", ("etl",)), ("var", ("log", "lib"))):
        (root / name).mkdir()
        _mirror(Path("/") / name, root / name, leave=leave)
    (root / "var/lib").mkdir()
    _mirror(Path("/var/lib"), root / "var/lib", leave=("etl",))
    for folder in (project, work, *map(Path, asked["besides"])):  # where they are, there too
        target = root / str(folder).lstrip("/")
        if not target.exists():
            target.mkdir(parents=True)
            _mount("--rbind", str(folder), str(target))
    for name in ("backup", "var/log/etl", "var/lib/etl/data", "run", "tmp", "etc/systemd/system"):
        (root / name).mkdir(parents=True, exist_ok=True)
    runbook = project / "runbooks/cattle"
    shutil.copytree(runbook / "etc/etl", root / "etc/etl", dirs_exist_ok=True)
    shutil.copytree(runbook / "opt/etl", root / "opt/etl", dirs_exist_ok=True)
    (root / "opt/etl/venv").symlink_to(asked["venv"])
    for unit in (project / "deploy/systemd").iterdir():
        shutil.copy(unit, root / "etc/systemd/system" / unit.name)
    env = root / "etc/etl/env"
    env.write_text("".join(f"{name}='{value}'\n" for name, value in asked["env"].items()))
    env.chmod(0o600)


def _mirror(source: Path, target: Path, *, leave: tuple[str, ...]) -> None:
    """What is in a folder, in another, but for what is ours to make."""
    for entry in source.iterdir():
        place = target / entry.name
        if entry.name in leave:
            continue
        if entry.is_symlink():
            place.symlink_to(entry.readlink())
        elif entry.is_dir():
            place.mkdir()
            _mount("--rbind", str(entry), str(place))
        elif entry.is_file():
            place.touch()
            _mount("--bind", str(entry), str(place))


def loopback_up() -> None:
    """`ip link set lo up`, without ip."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sh22x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS


def typed(line: str, *, endless: bool, seconds: float = 120) -> dict[str, Any]:
    """A line as an operator types it: at a terminal, with /etc/etl/env read. One without an end is
    watched for some seconds and ended."""
    script = Path("/tmp/line.sh")  # noqa: S108  its own /tmp; the line is in no process's name
    script.write_text(f"set -a; . /etc/etl/env; set +a\n{line}\n", encoding="utf-8")
    main, side = pty.openpty()
    began = time.monotonic()
    process = subprocess.Popen(
        ["bash", str(script)], stdin=side, stdout=side, stderr=side, start_new_session=True,
    )  # fmt: skip
    os.close(side)
    said, until = b"", began + (_ENDLESS_SECONDS if endless else seconds)
    while time.monotonic() < until:
        ready, _, _ = select.select([main], [], [], 0.2)
        if ready:
            try:
                said += os.read(main, 65536)
            except OSError:  # nobody has the other end any more
                break
        elif process.poll() is not None:
            break
    ended = process.poll()
    if ended is None:
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait(10)
    os.close(main)
    text = said.decode("utf-8", "replace").replace("\r\n", "\n")
    return {"line": line, "code": None if endless and ended is None else code, "out": text}


def wait_for_api() -> None:
    """Until /livez answers."""
    until = time.monotonic() + 600  # on a machine with other work
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen("http://127.0.0.1:8000/livez", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise SystemExit("the API did not come up: " + Path("/run/etl-service.journal").read_text())


def main() -> None:
    """Build, start, type, tell."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    work = Path(sys.argv[1]).parent
    root = work / "root"
    root.mkdir()
    loopback_up()
    build(root, Path(asked["project"]), work, asked)
    os.chroot(root)
    os.chdir("/")
    os.environ["PATH"] = f"{asked['stand_ins']}:{asked['venv']}/bin:{os.environ['PATH']}"
    os.environ.update(HOME="/root", TERM="xterm", LC_ALL="C.UTF-8")
    redis = subprocess.Popen(
        ["redis-server", "--port", "6379", "--save", "", "--dir", "/tmp"],  # noqa: S108
        stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    subprocess.run(["systemctl", "start", "etl-service"], check=True)
    wait_for_api()
    subprocess.run(["bash", "-ec", f"set -a; . /etc/etl/env; set +a; {asked['seed']}"], check=True)
    done = []
    for one in asked["lines"]:
        done.append(typed(one["line"], endless=one["endless"]) | {"fence": one["fence"]})
        if "systemctl" in one["line"] and "start" in one["line"]:
            wait_for_api()
        (work / "done.json").write_text(json.dumps(done), encoding="utf-8")
    subprocess.run(["systemctl", "stop", "etl-service"], check=True)
    redis.terminate()
    verified = subprocess.run(
        ["systemd-analyze", "verify", *sorted(map(str, Path("/etc/systemd/system").glob("etl-*")))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    state = {
        "units": [verified.returncode, verified.stderr],
        "journal": Path("/run/etl-service.journal").read_text(),
        "logs": sorted(path.name for path in Path("/var/log/etl").rglob("*.log")),
        "backup": [(p.name, p.stat().st_mode & 0o777) for p in Path("/backup").iterdir()],
        "report": Path("/tmp/perf_report.txt").read_text(),  # noqa: S108
    }
    (work / "state.json").write_text(json.dumps(state), encoding="utf-8")


if __name__ == "__main__":
    main()
