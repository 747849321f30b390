"""`atalaia service`: the whole product but its servers, in the foreground."""

from __future__ import annotations

from typing import Annotated

import typer

from atalaia.kernel.base.settings import database_url, settings
from atalaia.kernel.base.trace import configure, log
from atalaia.serve.cli import CRITICAL, OK


def service(
    name: Annotated[
        str, typer.Argument(help="Como o processo é achado: pgrep -f NOME.")
    ] = "atalaia-service",
) -> int:
    """API, worker e agendador em primeiro plano, para o systemd.

    Com a configuração de um domínio errada não sobe, e diz onde ela está errada.
    """
    from atalaia.serve import catalog
    from atalaia.serve.local import foreground

    configure(name, settings().log_level)
    database_url()  # says what to set when it is not
    catalog.begin(name, strict=True)
    log("INFO", "the service begins", name=name)
    return OK if foreground.run() else CRITICAL
