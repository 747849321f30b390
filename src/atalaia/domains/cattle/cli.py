"""`atalaia cattle …`"""

from __future__ import annotations

import typer

from atalaia.domains.cattle import cli_files, cli_watch

app = typer.Typer(add_completion=False, help="Conecta Boi: arquivos de trato.")
cli_watch.add_to(app)
cli_files.add_to(app)
