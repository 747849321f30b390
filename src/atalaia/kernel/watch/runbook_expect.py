"""What a cell is to come to: `exit 0|1; text no ar; regex ^\\d+ linhas; absent Traceback`.

Clauses stand between semicolons; a semicolon not followed by a clause's word belongs to the text
before it. Without `exit`, the exit code is to be 0; `exit any` takes every one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from atalaia.kernel.base.errors import UsageError

_CLAUSE = re.compile(r"\s*;\s*(?=(?:exit|text|regex|absent)\s)")
_CODES = re.compile(r"\d{1,3}(?:\|\d{1,3})*")


@dataclass(frozen=True, slots=True)
class Expect:
    """`exits` None takes every exit code; each of `texts` and `patterns` is to be found in the
    output, none of `absent`."""

    exits: frozenset[int] | None = frozenset({0})
    texts: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def unmet(self, code: int, output: str) -> str:
        """The first clause that does not hold, in words for people; '' when all do."""
        if self.exits is not None and code not in self.exits:
            wanted = " ou ".join(map(str, sorted(self.exits)))
            return f"saiu com {code}, e não com {wanted}"
        for text in self.texts:
            if text not in output:
                return f"a saída não tem '{text}'"
        for pattern in self.patterns:
            if not re.search(pattern, output, re.MULTILINE):
                return f"nada na saída é como /{pattern}/"
        return next((f"a saída tem '{text}'" for text in self.absent if text in output), "")


def expectation(written: str) -> Expect:
    """What `written` says. Raises UsageError when it says nothing that can be checked."""
    exits: frozenset[int] | None = frozenset({0})
    found: dict[str, list[str]] = {"text": [], "regex": [], "absent": []}
    seen = 0
    for clause in _CLAUSE.split(written.strip()):
        word, _, rest = clause.partition(" ")
        rest = rest.strip()
        if word == "exit" and (rest == "any" or _CODES.fullmatch(rest)):
            exits = None if rest == "any" else frozenset(map(int, rest.split("|")))
            seen += 1
        elif word in found and rest and (word != "regex" or _is_pattern(rest)):
            found[word].append(rest)
        else:
            raise UsageError(f"expect não se lê: '{clause}'")
    if seen > 1 or (exits is None and not any(found.values())):
        raise UsageError(f"expect não decide nada: '{written}'")
    return Expect(exits, tuple(found["text"]), tuple(found["regex"]), tuple(found["absent"]))


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
