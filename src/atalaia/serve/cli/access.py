"""Who may: keys, tenants, links that sign a browser in, and the sessions they opened."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import keys as kept_keys
from atalaia.kernel.keep import sessions as kept_sessions
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import OK
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.letters import Why, said
from atalaia.serve.cli.output import Shape, say, show, show_one

keys = typer.Typer(
    cls=Group, add_completion=False, help="Chaves: mostradas uma vez, guardadas só como hash."
)
tenants = typer.Typer(cls=Group, add_completion=False, help="De quem são as chaves e o trabalho.")
sessions = typer.Typer(cls=Group, add_completion=False, help="Os navegadores que entraram.")


class KeyRole(StrEnum):
    """What a key may be."""

    VIEWER = "viewer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    ADMIN = "admin"
    CLIENT = "client"


class PersonRole(StrEnum):
    """What a person may be."""

    VIEWER = "viewer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    ADMIN = "admin"


Tenant = Annotated[str, typer.Option("--tenant", help="De que tenant; 'default' é a própria casa.")]
Which = Annotated[str, typer.Argument(help="O número ou o prefixo que 'keys list' mostra.")]


@keys.command("create", cls=Command)
def keys_create(
    name: Annotated[str, typer.Argument(help="De quem ou para quê: 'painel da prefeitura'.")],
    role: Annotated[KeyRole, typer.Option("--role", help="O que ela pode.")],
    reason: Why,
    tenant: Tenant = DEFAULT_TENANT,
    expires_days: Annotated[
        int | None, typer.Option("--expires-days", min=1, max=3650, help="Padrão: não expira.")
    ] = None,
    shape: Shape = None,
) -> int:
    """Faz uma chave e a mostra, uma única vez."""
    who = _who(reason)
    with transaction() as connection:
        made = kept_keys.create(
            connection,
            name=name,
            role=role.value,
            tenant_id=tenant,
            expires_days=expires_days,
            who=who,
        )
    return _show_new(made, shape)


@keys.command("list", cls=Command)
def keys_list(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Só deste tenant.")] = None,
    shape: Shape = None,
) -> int:
    """As chaves, da mais nova para a mais velha; nenhuma pode ser mostrada inteira."""
    with transaction() as connection:
        found = kept_keys.listed(connection, tenant)
    columns = ("key_id", "prefix", "name", "role", "tenant_id", "status", "expires_at")
    show(found, shape, (*columns, "last_used_at"))
    return OK


@keys.command("revoke", cls=Command)
def keys_revoke(which: Which, reason: Why) -> int:
    """Revoga uma chave: nenhum processo a aceita mais."""
    who = _who(reason)
    with transaction() as connection:
        old = kept_keys.revoke(connection, which, who=who)
    say(f"{old.prefix} ({old.name}) não vale mais.")
    return OK


@keys.command("rotate", cls=Command)
def keys_rotate(which: Which, reason: Why, shape: Shape = None) -> int:
    """Troca uma chave por outra igual, e a mostra, uma única vez. A antiga não vale mais."""
    who = _who(reason)
    with transaction() as connection:
        made = kept_keys.rotate(connection, which, who=who)
    return _show_new(made, shape)


@tenants.command("create", cls=Command)
def tenants_create(
    tenant_id: Annotated[str, typer.Argument(help="Identificador: letras minúsculas, 0-9, - e _.")],
    name: Annotated[str, typer.Option("--name", help="O nome por extenso.")],
    reason: Why,
) -> int:
    """Faz um tenant: um cliente, que só vê o que é dele."""
    who = _who(reason)
    with transaction() as connection:
        kept_keys.create_tenant(connection, tenant_id, name=name, who=who)
    say(f"Tenant '{tenant_id}' feito.")
    return OK


@tenants.command("list", cls=Command)
def tenants_list(shape: Shape = None) -> int:
    """Os tenants e quantas chaves válidas cada um tem."""
    with transaction() as connection:
        show(kept_keys.tenants(connection), shape)
    return OK


def sign_in(
    role: Annotated[
        PersonRole, typer.Option("--role", help="O que a pessoa pode.")
    ] = PersonRole.OPERATOR,
    name: Annotated[
        str | None, typer.Option("--name", help="Quem entra; padrão: quem dá o comando.")
    ] = None,
    minutes: Annotated[
        int | None, typer.Option("--minutes", min=1, max=1440, help="Por quanto tempo vale.")
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    reason: Annotated[
        str, typer.Option("--reason", help="Por quê; fica no registro.")
    ] = "entrar pelo navegador",
    shape: Shape = None,
) -> int:
    """Um endereço que abre a sala de operações, uma vez, sem digitar chave."""
    who, person = _who(reason), kept_keys.named(name or whoami())
    with transaction() as connection:
        secret = kept_sessions.create_link(
            connection, name=person, role=role.value, minutes=minutes, tenant_id=tenant, who=who
        )
    # After '#' a browser sends nothing to anybody: the secret is in no server's log.
    url = f"{settings().atalaia_url.rstrip('/')}/entrar#{secret}"
    if shape is not None:
        show_one({"url": url, "role": role.value, "name": person}, shape)
        return OK
    print(url)
    valid = minutes or settings().sign_in_minutes
    say(f"Vale por {valid} min, uma vez, como {role.value}.")
    return OK


@sessions.command("list", cls=Command)
def sessions_list(shape: Shape = None) -> int:
    """As sessões abertas, da mais nova para a mais velha."""
    with transaction() as connection:
        show(kept_sessions.listed(connection), shape)
    return OK


@sessions.command("end", cls=Command)
def sessions_end(
    reason: Why,
    session_id: Annotated[
        int | None, typer.Argument(help="O número que 'sessions list' mostra.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Todas.")] = False,
) -> int:
    """Encerra uma sessão, ou todas: o navegador tem de entrar de novo."""
    if (session_id is None) is not everyone:
        raise UsageError("Diga o número de uma sessão, ou --all. Nada foi mudado.")
    who = _who(reason)
    with transaction() as connection:
        if session_id is None:
            say(f"{kept_sessions.end_all(connection, who=who)} encerradas.")
        else:
            kept_sessions.end(connection, session_id, who=who)
            say(f"Sessão {session_id} encerrada.")
    return OK


def _who(reason: str) -> Who:
    return Who(whoami(), "cli", said(reason))


def _show_new(made: kept_keys.NewKey, shape: Any) -> int:
    key = made.key
    show_one(
        {
            "key": made.secret,
            "key_id": key.key_id,
            "prefix": key.prefix,
            "name": key.name,
            "role": key.role,
            "tenant_id": key.tenant_id,
        },
        shape,
    )
    say("Guarde-a agora: ela não pode ser mostrada de novo.")
    return OK
