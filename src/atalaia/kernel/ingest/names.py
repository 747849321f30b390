"""Names that came from outside: a file is kept under a name of ours, and shown under a tame one."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

_LONGEST = 120  # letters of a name that is shown
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


def suffix_of(name: str) -> str:
    """The last suffix in small letters ('.csv'), or '' when it is none to be trusted."""
    found = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return found if _SUFFIX.fullmatch(found) else ""


def shown(name: str) -> str:
    """`name` as a screen or a line may show it: no folders, nothing invisible or that turns the
    direction of writing, no more than 120 letters."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(
        c for c in last if not unicodedata.category(c).startswith(("C", "Z")) or c == " "
    )
    tame = re.sub(r'[<>&"\'`]', "_", seen).strip(" .")
    return tame[:_LONGEST] or "arquivo"


def own(number: int, sha256: str, name: str) -> str:
    """Under which name it is kept: its place in what came together, its bytes, its suffix."""
    return f"{number:03d}-{sha256[:16]}{suffix_of(name)}"
