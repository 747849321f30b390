"""Commands about the instance: up, down, restart, env, and its programs in the foreground."""

from __future__ import annotations

import shlex
import time
from typing import Annotated, Any

import typer

from atalaia.kernel.base.errors import NotFound, PortTaken
from atalaia.kernel.base.settings import database_url, settings
from atalaia.serve.cli import CRITICAL, OK
from atalaia.serve.cli.output import Reason, Shape, say, show_one
from atalaia.serve.cli.progress import steps
from atalaia.serve.local.layout import layout

_SUBJECTS = 6  # how many of a check's subjects are named before "…"
Port = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="Porta da API; 0: qualquer livre."),
]


def up(
    port: Port = None,
    load: Annotated[bool, typer.Option(help="Carregar os dados embarcados.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Carregar de novo o que já está.")] = False,
    shape: Shape = None,
) -> int:
    """Põe no ar PostgreSQL, Redis, API, worker e agendador, e carrega os dados embarcados.

    Repetir não custa nada: o que já está no ar e carregado fica como está. Com DATABASE_URL ou
    REDIS_URL definidas, usa esses servidores e não inicia nenhum. Termina com 0 quando todas as
    partes estão de pé e nenhum check é fail; com 2 quando não.
    """
    from atalaia.serve import catalog
    from atalaia.serve.local import up as instance
    from atalaia.serve.local.loading import Loaded, load_bundled

    began = time.monotonic()
    home = layout()
    with home.alone(), steps() as progress:
        wanted = instance.wanted_port() if port is None else port
        standing = instance.stand(home, port=wanted, tell=progress.tell)
        loaded = Loaded()
        if load:
            loaded = load_bundled(force=force, progress=progress, tell=progress.tell)
        progress.tell("esperando pela API")
        found = instance.answering(home)
    down = [part.part for part in found if part.state != "up"]
    for run in loaded.runs:
        if run["run_status"] != "success":
            say(f"{run['job_name']} {run['reference_period']}: {run['run_status']}. {run['error']}")
    _tell_tally(loaded)
    say(f"Atalaia em {standing.url} · {time.monotonic() - began:.1f} s")
    if shape is not None:
        show_one(
            {
                "url": standing.url,
                "started": standing.started,
                "runs": len(loaded.runs),
                "quality": loaded.tally,
                "parts": {part.part: part.state for part in found},
            },
            shape,
        )
    for part in found:
        if part.state != "up":
            say(f"{part.part}: {part.state} ({part.detail})")
    for broken in catalog.broken():
        say(f"O domínio {broken.name} não carregou: {broken.reason}")
    return CRITICAL if down or catalog.broken() or not loaded.good else OK


def _tell_tally(loaded: Any) -> None:
    if not loaded.tally:
        return
    counted = " · ".join(f"{count} {status}" for status, count in loaded.tally.items())
    say(f"Qualidade: {counted}")
    for answer in loaded.answers:
        subjects = answer["subjects"] or []
        some = ", ".join(subjects[:_SUBJECTS]) + (" …" if len(subjects) > _SUBJECTS else "")
        count = f" [{len(subjects)}: {some}]" if some else ""
        say(f"  {answer['status']}  {answer['check_name']}: {answer['reason']}{count}")


def down(
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Apaga também o banco e o Redis privados.")
    ] = False,
    override: Annotated[
        bool,
        typer.Option(
            "--override-without-backup", help="Apaga sem backup verificado de menos de 24 h."
        ),
    ] = False,
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Para exatamente o que 'up' iniciou. Os dados ficam, a menos de --delete-data.

    Apagar pede --reason e um backup verificado, e em produção (ENV=production) não se faz.
    """
    from atalaia.serve.local.up import delete, fall, require_deletable

    home = layout()
    with home.alone():
        if delete_data:
            require_deletable(home, override=override, reason=reason or "")
        stopped = fall(home)
        if delete_data:
            delete(home)
    say(f"Parados: {', '.join(stopped)}." if stopped else "Nada estava no ar.")
    if delete_data:
        say("O banco e o Redis privados foram apagados; bronze, backups e registros ficam.")
    if shape is not None:
        show_one({"stopped": stopped, "deleted": delete_data}, shape)
    return OK


def restart(
    part: Annotated[str, typer.Argument(help="postgres, redis, api (ou web), worker, scheduler")],
    shape: Shape = None,
) -> int:
    """Reinicia uma parte, com o mesmo endereço."""
    from atalaia.serve.local import up as instance
    from atalaia.serve.local.parts import PARTS, named

    part = named(part)
    if part not in PARTS:
        raise NotFound(f"Não há a parte '{part}'.", todo=f"As partes são: {', '.join(PARTS)}.")
    home = layout()
    with home.alone():
        instance.restart(home, part)
    say(f"{part}: no ar de novo.")
    if shape is not None:
        show_one({"restarted": part}, shape)
    return OK


def env(shape: Shape = None) -> int:
    """Exports para o shell: eval "$(atalaia env)"."""
    from psycopg.conninfo import conninfo_to_dict

    url = database_url()
    home, known = layout(), conninfo_to_dict(url)
    own = home.postgres.running() if home.postgres.owns(url) else None
    values = {
        "DATABASE_URL": url,
        "PGHOST": str(own.socket_dir) if own else known.get("host"),
        "PGPORT": known.get("port"),
        "PGUSER": known.get("user"),
        "PGDATABASE": known.get("dbname"),
        "PGPASSWORD": known.get("password"),
        "REDIS_URL": settings().redis_url,
        "ATALAIA_URL": settings().atalaia_url,
        "API_URL": settings().atalaia_url,
        "ATALAIA_TOKEN": settings().atalaia_token,
        "API_TOKEN": settings().atalaia_token,
    }
    known_values = {name: str(value) for name, value in values.items() if value}
    if shape is not None:
        show_one(known_values, shape)
        return OK
    for name, value in known_values.items():
        print(f"export {name}={shlex.quote(value)}")
    return OK


def serve(
    host: Annotated[str, typer.Option(help="Onde escutar.")] = "127.0.0.1",
    port: Port = None,
) -> int:
    """API em primeiro plano. Com o banco fora ela sobe, diz isso, e volta a responder sozinha."""
    import logging

    import uvicorn

    from atalaia.kernel.base import trace
    from atalaia.kernel.base.database import connect
    from atalaia.kernel.base.errors import DatabaseUnavailable
    from atalaia.kernel.base.schema import require_complete
    from atalaia.serve.api.prompt import PromptProtocol
    from atalaia.serve.local import process, up

    database_url()  # says what to set when it is not
    trace.configure("api", settings().log_level)
    chosen = up.wanted_port() if port is None else port
    if chosen and not process.port_is_free(chosen, host):
        raise PortTaken(f"Outro programa escuta na {chosen}.", todo="Escolha outra com --port.")
    require_complete()
    try:
        connect().close()
    except DatabaseUnavailable:
        trace.log("WARNING", "the database does not answer: 503 until it does")
    logging.getLogger("uvicorn.access").disabled = True  # the API writes its own, with trace id
    uvicorn.run(
        "atalaia.serve.api:app",
        host=host,
        port=chosen,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here asks who the client is
        server_header=False,
        http=PromptProtocol,
    )
    return OK


def worker() -> int:
    """Worker em primeiro plano: executa o que a fila pede."""
    from atalaia.kernel.base.schema import require_complete
    from atalaia.serve import worker as program

    require_complete()
    program.main()
    return OK


def scheduler() -> int:
    """Agendador em primeiro plano: pede o que está na hora."""
    from atalaia.kernel.base.schema import require_complete
    from atalaia.serve import scheduler as program

    require_complete()
    program.main()
    return OK
