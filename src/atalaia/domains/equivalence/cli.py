"""`atalaia equivalence …`: what an operator asks of the service at a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from atalaia.domains.equivalence import rules
from atalaia.kernel.base.errors import Unavailable
from atalaia.kernel.base.settings import settings

app = typer.Typer(add_completion=False, help="O serviço de equivalência de disciplinas.")


@app.callback()
def _group() -> None: ...


@app.command("mappers")
def mappers(
    quiet: Annotated[bool, typer.Option("--quiet", help="Só o código de saída.")] = False,
) -> None:
    """Quem lê as ementas, e se responde. Sai com 2 quando um que está configurado não responde."""
    away = []
    for name, setting, url in (
        ("embeddings", "EMBED_URL", settings().embed_url),
        ("llm", "LLM_URL", settings().llm_url),
    ):
        state = "local" if name == "embeddings" else "nenhum"
        if url:
            state = "responde" if rules.answers(url) else "não responde"
        if state == "não responde":
            away.append(setting)
        if not quiet:
            print(f"{name}: {state}" + (f" ({setting})" if url else ""))
    if away:
        raise Unavailable(
            f"Não responde: {', '.join(away)}. As avaliações saem sem ele, e dizem isso.",
            todo="atalaia runbook show equivalence/mapper-down",
        )
