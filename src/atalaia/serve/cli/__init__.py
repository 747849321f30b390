"""The command line. `main` is the entry point and the one place where errors become exit codes.

    0 OK · 1 aviso · 2 crítico · 64 uso · 130 interrompido (Ctrl-C) · 141 ninguém mais lê a saída

Nothing heavy is imported before a command is known: `atalaia --help` costs what Typer costs.
"""

from __future__ import annotations

import os
import sys

OK, WARNING, CRITICAL, USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 64, 130, 141


def main() -> int:
    """Run the command of sys.argv and return its exit code. It never shows a traceback; one of an
    unexpected error goes to `.atalaia/logs/cli.log`."""
    import typer

    from atalaia.serve.cli.app import command
    from atalaia.serve.cli.words import ReaderGone

    _speak_utf_8()
    if any("\udc80" <= letter <= "\udcff" for letter in "".join(sys.argv)):
        print("Erro: a linha de comando tem bytes que não são UTF-8.", file=sys.stderr)
        return USAGE
    try:
        code = command()(sys.argv[1:] or ["--help"], prog_name="atalaia", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except typer.TyperException as error:
        return _usage(error)
    except (BrokenPipeError, ReaderGone):
        # Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        print("Interrompido.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        from atalaia.serve.cli.failure import explain

        return explain(error)


def _speak_utf_8() -> None:
    """Whatever LANG says: programs read our output, and in ASCII no name of a place could be said.
    What has no bytes at all (half a surrogate that a source sent) is shown by its number."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _usage(error: Exception) -> int:
    from atalaia.serve.cli.words import usage_message

    context = getattr(error, "ctx", None)
    print(f"Erro: {usage_message(error)}", file=sys.stderr)
    where = context.command_path if context else "atalaia"
    print(f"Veja '{where} --help'.", file=sys.stderr)
    return USAGE
