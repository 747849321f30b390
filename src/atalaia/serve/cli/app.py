"""The list of commands. A command's code is imported when it is called, not when it is listed."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from atalaia.serve.cli.words import Portuguese


class Entry(NamedTuple):
    """A line of the list. `target` is 'module:name' of a function or of a Typer app."""

    name: str
    target: str
    help: str
    panel: str


_HERE = "atalaia.serve.cli"
_SERVERS, _WORK, _DATA, _WATCH = "Servidores", "Trabalho", "Dados", "Vigia"
_ACCESS = "Acesso"

ENTRIES = (
    Entry("up", f"{_HERE}.servers:up", "Põe tudo no ar e carrega os dados embarcados.", _SERVERS),
    Entry("down", f"{_HERE}.servers:down", "Para exatamente o que 'up' iniciou.", _SERVERS),
    Entry("restart", f"{_HERE}.servers:restart", "Reinicia uma parte.", _SERVERS),
    Entry("env", f"{_HERE}.servers:env", 'Exports para o shell: eval "$(atalaia env)".', _SERVERS),
    Entry("serve", f"{_HERE}.servers:serve", "API em primeiro plano.", _SERVERS),
    Entry("worker", f"{_HERE}.servers:worker", "Worker em primeiro plano.", _SERVERS),
    Entry("scheduler", f"{_HERE}.servers:scheduler", "Agendador em primeiro plano.", _SERVERS),
    Entry("service", f"{_HERE}.service:service", "As três em primeiro plano: systemd.", _SERVERS),
    Entry("mocks", f"{_HERE}.mocks:mocks", "Modelos de mentira, para ensaiar.", _SERVERS),
    Entry("run", f"{_HERE}.work:run", "Executa um job para um período.", _WORK),
    Entry("wave", f"{_HERE}.work:wave", "Executa os jobs de uma onda, em ordem.", _WORK),
    Entry("backfill", f"{_HERE}.backfill:backfill", "Executa um job para muitos períodos.", _WORK),
    Entry("dbt", f"{_HERE}.work:dbt", "Constrói o gold (job dbt_build).", _WORK),
    Entry(
        "quality", f"{_HERE}.work:quality", "Roda a suíte de qualidade e mostra o placar.", _WORK
    ),
    Entry("cancel", f"{_HERE}.work:cancel", "Pede que uma execução pare.", _WORK),
    Entry("schedule", f"{_HERE}.schedule:schedule", "O que vem de tempo em tempo.", _WORK),
    Entry("work", f"{_HERE}.batches:work", "Trabalhos aceitos: ver, seguir, cancelar.", _WORK),
    Entry("runs", f"{_HERE}.data:runs", "As últimas execuções.", _DATA),
    Entry("jobs", f"{_HERE}.data:jobs", "Os jobs que existem.", _DATA),
    Entry("domains", f"{_HERE}.data:domains", "Os domínios e os comandos que trazem.", _DATA),
    Entry("registry", f"{_HERE}.data:registry", "As fontes e a situação de cada uma.", _DATA),
    Entry("sources", f"{_HERE}.sources:sources", "Como foi cada fonte, e a prova disso.", _DATA),
    Entry("contracts", f"{_HERE}.data:contracts", "Os contratos de formato em vigor.", _DATA),
    Entry("dlq", f"{_HERE}.letters:dlq", "Linhas postas de lado, com o motivo.", _DATA),
    Entry("match", f"{_HERE}.match:match", "O código de cada nome de um CSV.", _DATA),
    Entry("explain", f"{_HERE}.data:explain", "De onde veio um número, até os bytes.", _DATA),
    Entry(
        "sign-in", f"{_HERE}.access:sign_in", "Um endereço que abre a sala de operações.", _ACCESS
    ),
    Entry("keys", f"{_HERE}.access:keys", "Chaves: fazer, listar, revogar, trocar.", _ACCESS),
    Entry("tenants", f"{_HERE}.access:tenants", "De quem são as chaves e o trabalho.", _ACCESS),
    Entry("sessions", f"{_HERE}.access:sessions", "Os navegadores que entraram.", _ACCESS),
    Entry("webhook", f"{_HERE}.tell:webhook", "Endereços que recebem avisos.", _WATCH),
    Entry("mailbox", f"{_HERE}.tell:mailbox", "Caixas de e-mail que recebem avisos.", _WATCH),
    Entry("delivery", f"{_HERE}.tell:delivery", "O que foi avisado a quem, e de novo.", _WATCH),
    Entry("status", f"{_HERE}.watch:status", "O que está no ar, desde quando.", _WATCH),
    Entry("ps", f"{_HERE}.watch:ps", "Só as partes: processo, endereço, sinal.", _WATCH),
    Entry(
        "doctor", f"{_HERE}.watch:doctor", "Confere a máquina e os mínimos documentados.", _WATCH
    ),
    Entry("handoff", f"{_HERE}.watch:handoff", "Passagem de plantão, numa página.", _WATCH),
    Entry("alerts", f"{_HERE}.alerts:alerts", "O que precisa de alguém agora.", _WATCH),
    Entry("incident", f"{_HERE}.incident:incident", "Incidentes: declarar, seguir.", _WATCH),
    Entry("maintenance", f"{_HERE}.maintenance:maintenance", "Janelas de manutenção.", _WATCH),
    Entry("watchdog", f"{_HERE}.watchdog:watchdog", "Soa quando ninguém vigia.", _WATCH),
    Entry("logs", f"{_HERE}.logs:logs", "O que as partes registraram.", _WATCH),
    Entry("backup", f"{_HERE}.backup:backup", "Tudo num arquivo: fazer, conferir, voltar.", _WATCH),
    Entry(
        "runbook", f"{_HERE}.runbook:runbook", "Procedimentos que se executam, com prova.", _WATCH
    ),
    Entry("retention", f"{_HERE}.retention:retention", "O que já pode ir embora.", _WATCH),
    Entry("audit", f"{_HERE}.audit:audit", "Quem fez o quê, e a prova de que é isso.", _WATCH),
    Entry(
        "conformance", f"{_HERE}.watch:conformance", "Cada promessa: pass, fail, untested.", _WATCH
    ),
)


class Command(Portuguese, TyperCommand):
    """A command whose help speaks Portuguese."""


class Group(Portuguese, TyperGroup):
    """A group of commands whose help speaks Portuguese."""


class Listed(Group):
    """The root: knows every command by name, imports only the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of ENTRIES."""
        return [entry.name for entry in ENTRIES]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What help and completion need of a command: its name and its line."""
        entry = _entry(cmd_name)
        if entry is None:
            return None
        return TyperCommand(cmd_name, short_help=entry.help, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself; a domain's own commands stand under the domain's name."""
        entry = _entry(args[0])
        if entry is not None:
            return args[0], _load(entry.name, entry.target, entry.help), args[1:]
        target, line = ("", "") if args[0].startswith("-") else _domain_commands(args[0])
        if target:
            return args[0], _load(args[0], target, line), args[1:]
        near = get_close_matches(args[0], self.list_commands(ctx), n=1)
        if near:
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)


class _Output:
    """`serve.cli.output`, imported when it is used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(f"{_HERE}.output"), name)


def command() -> Any:
    """The root command."""
    app = typer.Typer(
        name="atalaia",
        cls=Listed,
        add_completion=False,
        help="Atalaia: a torre de vigia dos dados públicos do Brasil.",
        epilog="Códigos de saída: 0 OK · 1 aviso · 2 crítico · 64 uso. "
        "Os domínios trazem comandos seus: veja 'atalaia domains'.",
    )

    @app.callback()
    def root(ctx: typer.Context) -> None:
        ctx.obj = _Output()  # how commands of domains print: they import nothing of ours

    return typer.main.get_command(app)


def _entry(name: str) -> Entry | None:
    return next((entry for entry in ENTRIES if entry.name == name), None)


def _load(name: str, target: str, help_line: str) -> Any:
    module, _, attribute = target.partition(":")
    found = getattr(import_module(module), attribute)
    loaded: Any
    if isinstance(found, typer.Typer):
        loaded = typer.main.get_group(found)
    else:
        app = typer.Typer(add_completion=False)
        app.command(name, cls=Command, short_help=help_line)(found)
        loaded = typer.main.get_command(app)
    loaded.name = name
    return loaded


def _domain_commands(name: str) -> tuple[str, str]:
    """What a domain brings under `name`, its own or one of those it puts at the top, and its line.
    A name of ours is never a domain's."""
    from atalaia.serve import catalog

    for domain in catalog.domains():
        if domain.name == name:
            return domain.cli, ""
        if name in domain.commands:
            return domain.commands[name].target, domain.commands[name].help
    return "", ""
