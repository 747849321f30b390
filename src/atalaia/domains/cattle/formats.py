"""How a file writes numbers and dates, found in its cells; what they do not decide is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_ODD_ONE_OUT = 0.01  # of what is decided, the share that may say otherwise: slips of single rows
_GROUPED = re.compile(
    r"[+-]?[0-9]{1,3}(?:([.,])[0-9]{3}){2,}|[+-]?[0-9]{1,3}(?:([.,])[0-9]{3})+[.,][0-9]+"
)
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_DOT = re.compile(r"[+-]?[0-9]*\.[0-9]+")
_THREE = re.compile(r"[+-]?[0-9]{1,3}[.,][0-9]{3}")
_SLASHED = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})(?: ([0-9:]+))?")
_ISO = re.compile(r"[0-9]{4}([-/])[0-9]{1,2}[-/][0-9]{1,2}(?:[ T]([0-9:]+))?")
# As people say it → strptime's.
NAMES = {"DD": "%d", "MM": "%m", "YYYY": "%Y", "YY": "%y", "HH:MI:SS": "%H:%M:%S", "HH:MI": "%H:%M"}


@dataclass(slots=True)
class Formats:
    """What was found, `how` each was decided, and the questions that are left."""

    decimal_mark: str = ","
    date_format: str = "DD/MM/YYYY"
    how: dict[str, str] = field(default_factory=dict)
    questions: list[dict[str, Any]] = field(default_factory=list)


def strptime(date_format: str) -> str:
    """'DD/MM/YYYY' as '%d/%m/%Y'."""
    form = date_format
    for name, code in NAMES.items():
        form = form.replace(name, code)
    return form


def find(numbers: Iterable[str], dates: Iterable[str], said: Mapping[str, str]) -> Formats:
    """The formats of these cells; `said` is what people said of such files before."""
    found = Formats()
    _find_mark(found, [cell for cell in map(str.strip, numbers) if cell], said)
    _find_dates(found, [cell for cell in map(str.strip, dates) if cell], said)
    return found


def _find_mark(found: Formats, cells: list[str], said: Mapping[str, str]) -> None:
    votes, unclear = {",": 0, ".": 0}, 0
    for cell in cells:
        if "," not in cell and "." not in cell:
            continue
        if _GROUPED.fullmatch(cell):
            last = max(cell.rfind(","), cell.rfind("."))
            mixed = "," in cell and "." in cell
            votes[cell[last] if mixed else {",": ".", ".": ","}[cell[last]]] += 1
        elif _THREE.fullmatch(cell):
            unclear += 1
        elif _COMMA.fullmatch(cell):
            votes[","] += 1
        elif _DOT.fullmatch(cell):
            votes["."] += 1
    _decide(found, "decimal_mark", votes, said, default="," if not unclear else "")


def _find_dates(found: Formats, cells: list[str], said: Mapping[str, str]) -> None:
    forms: dict[str, int] = {}
    first_is_month = first_is_day = 0
    for cell in cells:
        if iso := _ISO.fullmatch(cell):
            form = f"YYYY{iso[1]}MM{iso[1]}DD" + _time_of(iso[2], "T" if "T" in cell else " ")
        elif slashed := _SLASHED.fullmatch(cell):
            year = "YYYY" if len(slashed[4]) == 4 else "YY"
            form = f"DD{slashed[2]}MM{slashed[2]}{year}" + _time_of(slashed[5], " ")
            first_is_day += int(slashed[1]) > 12
            first_is_month += int(slashed[3]) > 12
        else:
            continue
        forms[form] = forms.get(form, 0) + 1
    if not forms:
        found.how["date_format"] = "nenhuma data foi reconhecida"
        return
    found.date_format = max(forms, key=lambda form: forms[form])
    if not found.date_format.startswith("DD"):
        found.how["date_format"] = "visto"
        return
    order = _order(found, {"DD/MM": first_is_day, "MM/DD": first_is_month}, said)
    if order == "MM/DD":
        mark = found.date_format[2]
        found.date_format = found.date_format.replace(f"DD{mark}MM", f"MM{mark}DD", 1)


def _time_of(clock: str | None, between: str) -> str:
    if not clock:
        return ""
    return between + ("HH:MI:SS" if clock.count(":") == 2 else "HH:MI")


def _order(found: Formats, votes: dict[str, int], said: Mapping[str, str]) -> str:
    if not any(votes.values()) and "date_order" not in said:
        found.how["date_format"] = "suposto: nenhuma data tem dia maior que 12"
        return "DD/MM"
    return _decide(found, "date_order", votes, said, default="DD/MM", told_as="date_format")


def _decide(
    found: Formats,
    name: str,
    votes: dict[str, int],
    said: Mapping[str, str],
    *,
    default: str,
    told_as: str = "",
) -> str:
    total, best = sum(votes.values()), max(votes, key=lambda v: votes[v])
    if name in said:
        chosen, how = said[name], "dito por uma pessoa"
    elif total and (total - votes[best]) / total <= _ODD_ONE_OUT:
        chosen, how = best, "visto"
    elif not total and default:
        chosen, how = default, "não há o que decida"
    else:
        chosen, how = best, "a perguntar"
        found.questions.append({"ask": name, "candidates": list(votes), "seen": votes})
    found.how[told_as or name] = how
    if name == "decimal_mark":
        found.decimal_mark = chosen
    return chosen
