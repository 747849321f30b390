"""Um módulo por job: `run(...)` em Python e `python -m pipelines.<job>` no terminal (runbook 3)."""

import sys
from typing import NoReturn

from atalaia.domains.territory.manifest import DOMAIN
from atalaia.kernel.work.runner import RunFunction, as_function
from atalaia.serve.cli import main


def function(job: str) -> RunFunction:
    """`run` do job: os argumentos do runbook, todos nomeados."""
    return as_function(DOMAIN.job(job))


def command(job: str) -> NoReturn:
    """O mesmo que `atalaia run JOB`, com os argumentos desta linha de comando."""
    sys.argv[1:1] = ["run", job]
    sys.exit(main())
