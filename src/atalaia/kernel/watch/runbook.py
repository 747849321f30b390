"""A runbook as a text: Markdown whose named cells can be executed (docs/runbooks.md).

    ---                                                 the head: what it is about, who owns it
    title: Worker morto
    severity: critical
    owner: operação
    alerts: [worker-dead]
    arguments: []
    ---
    ```bash {name=restart-worker, interactive=false, expect="exit 0; text no ar", timeout=60}
    atalaia restart worker
    ```

The fences are runme's; `expect`, `confirm`, `danger` and `timeout` are ours. An argument reaches a
cell as the environment variable ARG_<NAME> and in no other way, so that nothing in it is ever read
as shell.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.base.reading import Unreadable, yaml_of
from atalaia.kernel.base.redact import redact
from atalaia.kernel.base.settings import project_dir
from atalaia.kernel.watch.runbook_expect import Expect, expectation

SHELLS = ("bash", "sh")
_HEAD = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
_FENCE = re.compile(r"(\w+)\s*\{(.*)\}\s*", re.DOTALL)
_ATTRIBUTE = re.compile(r'\s*([a-z]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))\s*(?:,|$)')
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_KNOWN = frozenset({"name", "interactive", "expect", "confirm", "danger", "optional", "timeout"})
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_LONGEST_VALUE = 200
_LONGEST_SECONDS = 1800.0


class Argument(BaseModel):
    """What a runbook has to be told. `pattern` matches the whole of a good value; `example` is one,
    with which the commands are verified."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")
    meaning: str = Field(min_length=1)
    pattern: str = Field(min_length=1)
    example: str
    default: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable in which a cell finds it."""
        return f"ARG_{self.name.upper()}"


class Head(BaseModel):
    """What stands above the text. `place: terminal` is for a runbook that stops parts of the
    product, and so cannot be executed by its worker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    severity: Literal["low", "normal", "high", "critical"]
    owner: str = Field(min_length=1)
    alerts: tuple[str, ...] = ()
    place: Literal["anywhere", "terminal"] = "anywhere"
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One fence that can be executed; an `optional` one only when it is named. `timeout` in
    seconds; `line` where its fence begins."""

    name: str
    source: str
    expect: Expect
    confirm: bool = False
    danger: bool = False
    optional: bool = False
    timeout: float = 120.0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook that was read. `sha256` is of the whole text, in hexadecimal."""

    name: str
    text: str = field(repr=False)
    head: Head
    cells: tuple[Cell, ...]

    @property
    def sha256(self) -> str:
        """What a run is pinned to."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def cell(self, name: str) -> Cell:
        """The cell of that name. Raises NotFound."""
        for cell in self.cells:
            if cell.name == name:
                return cell
        known = ", ".join(cell.name for cell in self.cells)
        raise NotFound(f"{self.name} não tem a célula '{name}'.", todo=f"Tem: {known}.")

    def chosen(self, only: str | None, start: str | None) -> list[Cell]:
        """The cells that a run executes, in order: one (`only`), or those from `start` on, without
        the optional ones that are not named. Raises UsageError and NotFound."""
        if only and start:
            raise UsageError("Diga --cell ou --from, um dos dois. Nada foi executado.")
        if only:
            return [self.cell(only)]
        first = self.cells.index(self.cell(start)) if start else 0
        return [cell for cell in self.cells[first:] if not cell.optional or cell.name == start]

    def values(self, given: Mapping[str, str], cells: Iterable[Cell]) -> dict[str, str]:
        """The values of the arguments these cells use: the given one, else the default. Raises
        UsageError for one that is missing, not declared, or not as its pattern asks; nothing has
        been executed then."""
        declared = {argument.name: argument for argument in self.head.arguments}
        for name in given.keys() - declared.keys():
            known = ", ".join(declared) or "nenhum"
            raise UsageError(f"{self.name} não tem o argumento '{name}'.", todo=f"Tem: {known}.")
        used = {variable for cell in cells for variable in VARIABLE.findall(cell.source)}
        return {
            name: _value(one, given.get(name))
            for name, one in declared.items()
            if name in given or one.variable in used
        }


def offered(name: str, arguments: Mapping[str, str]) -> str:
    """The command that runs the runbook of that name with what an alert knows: of the arguments,
    those the runbook declares and takes; without any where it cannot be read."""
    try:
        found = find(name)
    except UsageError:
        return f"atalaia runbook run {name} --reason …"
    good = [
        f"--arg {one.name}={shlex.quote(arguments[one.name])}"
        for one in found.head.arguments
        if one.name in arguments and not _problem_of_value(one, arguments[one.name])
    ]
    return " ".join(["atalaia runbook run", found.name, *good, "--reason …"])


def _value(argument: Argument, given: str | None) -> str:
    value = argument.default if given is None else given
    if value is None:
        raise UsageError(
            f"Falta o argumento '{argument.name}': {argument.meaning}. Nada foi executado.",
            todo=f"--arg {argument.name}={argument.example}",
        )
    if problem := _problem_of_value(argument, value):
        raise UsageError(
            f"O argumento '{argument.name}' {problem}. Nada foi executado.",
            todo=f"Como em --arg {argument.name}={argument.example}",
        )
    return value


def _problem_of_value(argument: Argument, value: str) -> str:
    if not value.isprintable() or value.startswith("-") or len(value) > _LONGEST_VALUE:
        return "não pode começar por '-', ter mais de uma linha nem passar de 200 caracteres"
    if not re.fullmatch(argument.pattern, value):
        return f"não é como se espera ({argument.meaning})"
    if redact(value) != value:
        return "parece dado de uma pessoa ou uma chave, e ficaria guardado"
    return ""


def folder() -> Path:
    """Where runbooks are: a folder per system."""
    return project_dir() / "runbooks"


def find(name: str) -> Runbook:
    """The runbook of that name: `platform/worker-dead`, or `worker-dead` where only one ends so.
    Raises NotFound, and UsageError when it is not well formed."""
    known = {one: path for one, path in _files()}
    names = [one for one in known if one == name or one.rpartition("/")[2] == name]
    if len(names) != 1:
        raise NotFound(
            f"Não há o runbook '{name}'." if not names else f"Há mais de um '{name}'.",
            todo="'atalaia runbook list' mostra todos.",
        )
    return parse(names[0], known[names[0]].read_text(encoding="utf-8"))


def names() -> list[str]:
    """Every runbook there is, well formed or not."""
    return [name for name, _ in _files()]


def _files() -> Iterator[tuple[str, Path]]:
    """Markdown with a head, by name."""
    for path in sorted(folder().rglob("*.md")):
        if _HEAD.match(path.read_text(encoding="utf-8")):
            yield path.relative_to(folder()).with_suffix("").as_posix(), path


def parse(name: str, text: str) -> Runbook:
    """The runbook written in `text`. Raises UsageError, which says all that is wrong with it."""
    found = _HEAD.match(text)
    if not found:
        raise UsageError(f"{name} não tem cabeçalho entre linhas '---'.")
    problems: list[str] = []
    head = _head(found[1], problems)
    cells = list(_cells(text, found.end(), problems))
    if not cells:
        problems.append("não tem célula para executar")
    counted = Counter(cell.name for cell in cells)
    problems += [f"duas células se chamam '{one}'" for one, times in counted.items() if times > 1]
    if problems or head is None:
        raise UsageError(f"{name}: {'; '.join(problems)}.")
    return Runbook(name, text, head, tuple(cells))


def _head(text: str, problems: list[str]) -> Head | None:
    try:
        head = Head.model_validate(yaml_of(text))
    except ValidationError as error:
        places = sorted({".".join(map(str, one["loc"])) or "tudo" for one in error.errors()})
        problems.append(f"cabeçalho: {', '.join(places)} não tem a forma combinada")
        return None
    except Unreadable:
        problems.append("o cabeçalho não é YAML")
        return None
    problems += [line for one in head.arguments if (line := _problem_of(one))]
    return head


def _problem_of(argument: Argument) -> str:
    try:
        re.compile(argument.pattern)
    except re.error:
        return f"o padrão de '{argument.name}' não é uma expressão regular"
    values = (("exemplo", argument.example), ("padrão", argument.default))
    for what, value in values:
        if value is not None and (problem := _problem_of_value(argument, value)):
            return f"o {what} de '{argument.name}' {problem}"
    return ""


def _cells(text: str, start: int, problems: list[str]) -> Iterator[Cell]:
    from markdown_it import MarkdownIt

    above = text.count("\n", 0, start)
    for token in MarkdownIt("commonmark").parse(text[start:]):
        if token.type != "fence" or token.info.split("{")[0].strip() not in SHELLS:
            continue
        line = above + (token.map[0] if token.map else 0) + 1
        cell = _cell(token.info.strip(), token.content, line, problems)
        if cell:
            yield cell


def _cell(info: str, source: str, line: int, problems: list[str]) -> Cell | None:
    found = _FENCE.fullmatch(info)
    attributes = _attributes(found[2]) if found else {}
    name = attributes.get("name", "")
    if not _NAME.fullmatch(name):
        problems.append(f"linha {line}: a célula não tem nome ou os atributos não se leem")
        return None
    strange = attributes.keys() - _KNOWN
    if strange:
        problems.append(f"'{name}': atributo desconhecido ({', '.join(sorted(strange))})")
    if attributes.get("interactive") != "false":
        problems.append(f"'{name}': falta interactive=false")
    if not source.strip():
        problems.append(f"'{name}' não tem comando")
    try:
        return Cell(
            name=name,
            source=source,
            expect=expectation(attributes.get("expect", "exit 0")),
            confirm=_flag(attributes, "confirm"),
            danger=_flag(attributes, "danger"),
            optional=_flag(attributes, "optional"),
            timeout=_seconds(attributes.get("timeout", "120")),
            line=line,
        )
    except UsageError as error:
        problems.append(f"'{name}': {error.message}")
        return None


def _attributes(text: str) -> dict[str, str]:
    """`a=b, c="d e"` as a dict; empty when it is not that, or says a thing twice."""
    found: dict[str, Any] = {}
    place = 0
    while place < len(text):
        one = _ATTRIBUTE.match(text, place)
        if not one or one[1] in found:
            return {}
        found[one[1]] = one[3] if one[2] is None else one[2]
        place = one.end()
    return found


def _flag(attributes: Mapping[str, str], name: str) -> bool:
    value = attributes.get(name, "false")
    if value not in ("true", "false"):
        raise UsageError(f"{name} é true ou false, e não '{value}'")
    return value == "true"


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= float(text) <= _LONGEST_SECONDS:
        raise UsageError(f"timeout vai de 1 a {_LONGEST_SECONDS:g} segundos, e não '{text}'")
    return float(text)
