"""The command line's own words, in Portuguese where Typer has them only in English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typer.core import TyperCommand as _Base
else:
    _Base = object

# What Typer says of wrong usage, and how we say it; tried in order on the whole message.
_USAGE = (
    (
        r"No such command '(.+?)'\.(?: Did you mean (.+)\?)?",
        r"Não há o comando '\1'.",
        r" Seria \2?",
    ),
    (
        r"No such option: (\S+)(?: \(Possible options: (.+)\))?",
        r"Não há a opção \1.",
        r" Seria \2?",
    ),
    (r"Missing (?:argument|option|parameter) '?(.+?)'?\.(?: (.+))?", r"Falta \1.", r" \2"),
    (r"(Missing command)\.()", r"Falta dizer qual comando.", ""),
    (r"Got unexpected extra argument\(s\) \((.+)\)()", r"Sobra na linha: \1.", ""),
    (r"Option '?(.+?)'? requires an argument\.?()", r"A opção \1 pede um valor.", ""),
    (r"Invalid value for '?(.+?)'?: (.+)", r"Valor inválido para \1:", r" \2"),
)
_VALUES = (
    (r"Value error, ", ""),
    (r"Input should be a valid integer.*", "não é um número inteiro."),
    (r"Input should be a valid number.*", "não é um número."),
    (r"Input should be a valid UUID.*", "não é um run_id."),
    (r"Input should be greater than or equal to (\S+)", r"deve ser pelo menos \1."),
    (r"Input should be less than or equal to (\S+)", r"deve ser no máximo \1."),
    (r"'?(.*?)'? is not one of (.+?)\.?$", r"'\1' não é nenhum destes: \2."),
    (r"(?:Path|File) '(.+)' does not exist\.?", r"o arquivo '\1' não existe."),
)


def usage_message(error: Exception) -> str:
    """What is wrong with the command line, in Portuguese; Typer's own words when it is new."""
    said = " ".join(str(getattr(error, "format_message", error.__str__)()).split())
    said = said.replace("' / '", " / ")
    for pattern, main, more in _USAGE:
        found = re.fullmatch(pattern, said)
        if found:
            rest = found.expand(more) if found[2] else ""
            return found.expand(main) + _value(rest)
    return said


def _value(said: str) -> str:
    for pattern, ours in _VALUES:
        said = re.sub(pattern, ours, said)
    return said


class ReaderGone(Exception):
    """Nobody reads our output any more; that is no fault of anybody's."""


class Portuguese(_Base):
    """Mixed into a Typer command: its help page in Portuguese."""

    def invoke(self, ctx: Any) -> Any:
        """Run it. Typer would turn a reader that is gone into exit code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error

    def get_usage(self, ctx: Any) -> str:
        """The line that shows how the command is called."""
        return super().get_usage(ctx).replace("Usage:", "Uso:", 1).replace("[OPTIONS]", "[OPÇÕES]")

    def get_help_option(self, ctx: Any) -> Any:
        """--help itself, explained."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "Mostra esta página."
        return option

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The page. Typer has no other way to name its panels than these constants."""
        from typer import rich_utils

        rich_utils.ARGUMENTS_PANEL_TITLE = "Argumentos"
        rich_utils.OPTIONS_PANEL_TITLE = "Opções"
        rich_utils.COMMANDS_PANEL_TITLE = "Comandos"
        rich_utils.REQUIRED_LONG_STRING = "[obrigatório]"
        rich_utils.DEFAULT_STRING = "[padrão: {}]"
        super().format_help(ctx, formatter)
