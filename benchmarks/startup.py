"""`atalaia --help` beside a Typer hello world."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rig import Line, report, seconds, side_by_side

HELLO = """
import typer
app = typer.Typer()
@app.command()
def hello(name: str) -> None:
    "Say hello."
    print(name)
@app.command()
def bye(name: str) -> None:
    "Say bye."
    print(name)
app()
"""


def main() -> bool:
    """Measure and report."""
    ours = [str(Path(sys.executable).parent / "atalaia"), "--help"]
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO, encoding="utf-8")
        theirs = [sys.executable, str(hello), "--help"]

        def once(command: list[str]) -> float:
            return seconds(lambda: subprocess.run(command, check=True, capture_output=True))

        once(ours), once(theirs)  # warm the disk
        a, b = side_by_side(lambda: once(ours), lambda: once(theirs), rounds=11)
    return report(
        "startup", [Line("atalaia --help / Typer hello --help", a, b, "s", a / b, 1.2)], {}
    )


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
