"""How an error is told to a person: what happened, what to do, and nothing of our insides."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from datetime import UTC, datetime

from atalaia.kernel.base.errors import AtalaiaError, NoSpace, outcome
from atalaia.kernel.base.redact import place_of, redact
from atalaia.kernel.base.settings import state_dir


def explain(error: Exception) -> int:
    """Print the error on stderr and return its exit code, both as `errors.CATALOGUE` has them."""
    known = _known(error)
    found = outcome(known)
    print(f"Erro: {found.title}. {known.message}", file=sys.stderr)
    if known.todo:
        print(f"O que fazer: {known.todo}", file=sys.stderr)
    if known is not error and not isinstance(known, NoSpace):
        kept = _keep(error)
        if kept:
            print(f"Detalhes técnicos: {kept}", file=sys.stderr)
    return found.exit_code


def _known(error: Exception) -> AtalaiaError:
    if isinstance(error, AtalaiaError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace()
    if isinstance(error, PermissionError):
        return AtalaiaError(f"Sem permissão para {error.filename}.")
    told = place_of(error)
    if str(getattr(error, "sqlstate", "")).startswith(("42", "3F")):  # of the schema, not of data
        told = redact(str(error).strip().splitlines()[0])
    return AtalaiaError(f"É um defeito nosso: {told}.")


def _keep(error: Exception) -> str:
    """Add the traceback to a log, lines of code and no values. Returns where it is, or '' when it
    could not be written."""
    log = state_dir() / "logs" / "cli.log"
    lines = traceback.format_tb(error.__traceback__)
    text = "".join(["Traceback (most recent call last):\n", *lines, place_of(error), "\n"])
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")
    except OSError:
        return ""
    return str(log)
