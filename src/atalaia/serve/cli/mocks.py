"""`atalaia mocks`: stand-ins for the two model services, at the ports the manual names (X-26)."""

from __future__ import annotations

from typing import Annotated

import typer

from atalaia.kernel.base.errors import PortTaken
from atalaia.serve.cli import OK
from atalaia.serve.cli.output import say

EMBED_PORT, LLM_PORT = 9001, 9002


def mocks(
    host: Annotated[str, typer.Option(help="Onde escutar.")] = "127.0.0.1",
    embed_port: Annotated[int, typer.Option(help="A porta dos embeddings.")] = EMBED_PORT,
    llm_port: Annotated[int, typer.Option(help="A porta do modelo de linguagem.")] = LLM_PORT,
) -> int:
    """Embeddings e modelo de linguagem de mentira, em primeiro plano, para desenvolver e ensaiar.

    Não sabem nada: um conta letras, o outro procura palavras. 'POST /misbehave' os faz falhar.
    """
    import asyncio

    import uvicorn

    from atalaia.kernel.ai.mocks import embed_app, llm_app
    from atalaia.serve.local import process

    for port in (embed_port, llm_port):
        if not process.port_is_free(port, host):
            raise PortTaken(
                f"Outro programa escuta na {port}. Nada foi iniciado.",
                todo="Escolha outra com --embed-port ou --llm-port.",
            )
    servers = [
        uvicorn.Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_level="warning",
                timeout_graceful_shutdown=1,  # one that plays slow is not waited for
            )
        )
        for app, port in ((embed_app(), embed_port), (llm_app(), llm_port))
    ]
    say(f"EMBED_URL=http://{host}:{embed_port} LLM_URL=http://{host}:{llm_port}")

    async def serve() -> None:
        await asyncio.gather(*(server.serve() for server in servers))

    asyncio.run(serve())
    return OK
