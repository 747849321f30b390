"""Whether what a runbook tells one to type exists: each command with its options, each program,
each argument. Nothing is executed.

A cell is what an operator would type: commands joined by `&&`, `||`, `|` and `;`. What hides a
command from this (`$( )`, here-documents, `eval`, `if`, loops) is refused, not guessed at.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import typer

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.watch.runbook import VARIABLE, Cell, Runbook, find
from atalaia.serve.cli.words import usage_message

# Programs every system has; any other one has to be found on PATH.
_EVERYWHERE = frozenset(
    {"cat", "date", "df", "du", "echo", "grep", "head", "ls", "printf", "sleep", "sort", "tail",
     "test", "true", "wc"}
)  # fmt: skip
_GIVEN = {"RUNBOOK_REASON": "verificação", "RUNBOOK_RUN_ID": "0"}
_HIDING = re.compile(r"\$\(|`|<<|<\(|>\(")
_WORDS = frozenset(
    {"if", "for", "while", "until", "case", "function", "eval", "exec", "source", "."}
)
_JOINTS = frozenset({"&&", "||", "|", ";", "&", "(", ")", "{", "}", "!"})


def problems_of(name: str) -> list[str]:
    """What is wrong with the runbook of that name, in words; nothing when all of it holds."""
    try:
        runbook = find(name)
    except UsageError as error:
        return [error.message]
    found = [
        f"'{cell.name}': {problem}" for cell in runbook.cells for problem in _of(cell, runbook)
    ]
    used = {one for cell in runbook.cells for one in VARIABLE.findall(cell.source)}
    unused = [one.name for one in runbook.head.arguments if one.variable not in used]
    return found + [f"o argumento '{one}' não é usado" for one in unused]


def _of(cell: Cell, runbook: Runbook) -> Iterator[str]:
    known = {one.variable: one.example for one in runbook.head.arguments} | _GIVEN
    for name in sorted(set(VARIABLE.findall(cell.source)) - known.keys()):
        yield f"${name} não é um argumento declarado"
    if re.search(r"\$\w|\$\{", re.sub(r'"[^"]*"', "", cell.source)):
        yield 'uma variável está fora de aspas: escreva "$ARG_…"'
    if _HIDING.search(cell.source):
        yield "esconde um comando ($( ), ` ou <<), e assim não há como conferi-lo"
        return
    said = subprocess.run(
        ["bash", "-n", "-c", cell.source], capture_output=True, text=True, check=False
    )
    if said.returncode:
        yield "não é shell que se leia"
        return
    yield from problems_in(cell.source, known)


def problems_in(source: str, known: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """What is wrong with these lines, their variables filled in from `known`."""
    found = (_problem_of([_filled(one, known) for one in words]) for words in _commands(source))
    return [problem for problem in found if problem]


def _filled(word: str, known: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: known.get(found[1], found[0]), word)


def _commands(source: str) -> Iterator[list[str]]:
    """The commands of a cell, each as its words, without redirections."""
    for line in source.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        words: list[str] = []
        for word in [*reader, ";"]:
            if word not in _JOINTS:
                words.append(word)
                continue
            if words:
                yield _without_redirections(words)
            words = []


def _without_redirections(words: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif set(word) <= set("<>&") and word:
            skip = True
            if kept and kept[-1].isdigit():  # the 2 of 2>
                kept.pop()
        else:
            kept.append(word)
    return kept


def _problem_of(words: list[str]) -> str:
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        words = words[1:]
    if not words:
        return ""
    program, *rest = words
    if program in _WORDS:
        return f"'{program}' não se usa numa célula"
    if program == "atalaia":
        return _problem_of_ours(rest)
    if program in _EVERYWHERE or shutil.which(program):
        return ""
    return f"não há o programa '{program}'"


def _problem_of_ours(words: list[str]) -> str:
    """Read the command line as `atalaia` itself would, and stop before doing anything."""
    from atalaia.serve.cli.app import command

    if not words:
        return "falta dizer qual comando"
    told = f"atalaia {' '.join(words)}"
    here = command()
    context = typer.Context(here, info_name="atalaia")
    try:
        while hasattr(here, "resolve_command"):
            if not words:
                return f"{told}: falta dizer qual comando"
            name, here, words = here.resolve_command(context, words)
            context = typer.Context(here, parent=context, info_name=name)
        if "--help" in words:
            return ""
        here.make_context(here.name, list(words))
    except typer.TyperException as error:
        return f"{told}: {usage_message(error)}"
    except UsageError as error:
        return f"{told}: {error.message}"
    return ""
