"""What is installed here: domains, their jobs, and the domains that did not load.

The list is in `pyproject.toml`, under the entry point `atalaia.domains`, where a third party's
domain registers too: `grep -A9 atalaia.domains pyproject.toml`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from atalaia.kernel.base.errors import AtalaiaError, NotFound, UnknownJob, UsageError
from atalaia.kernel.base.trace import log
from atalaia.kernel.domain import Broken, Domain, installed
from atalaia.kernel.watch.sources import Expected
from atalaia.kernel.watch.voices import PLATFORM, Voice
from atalaia.kernel.work.job import Job

if TYPE_CHECKING:  # a command that lists jobs need not load what compares names
    from atalaia.kernel.match.reconciliation import Service

# What turns loaded rows into answers, whatever was loaded: always after the others, in this order.
AFTER_LOAD = ("dbt_build", "quality_suite")


@cache
def _found() -> tuple[tuple[Domain, ...], tuple[Broken, ...]]:
    good, bad = installed()
    return tuple(good), tuple(bad)


def domains() -> tuple[Domain, ...]:
    """The domains that loaded, by name."""
    return _found()[0]


def broken() -> tuple[Broken, ...]:
    """The domains that did not load, with the reason."""
    return _found()[1]


def brought(target: str) -> Any:
    """What a manifest names as 'module:attribute'. Raises whatever importing it raises."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def begin(service: str, *, strict: bool = False) -> None:
    """Let every domain make itself ready in this program. One that cannot is said to, and the
    others go on; `strict` raises what it raised instead."""
    for domain in domains():
        if domain.start:
            try:
                brought(domain.start)(service)
            except Exception as error:
                if strict:
                    raise
                ours = str(error) if isinstance(error, AtalaiaError) else type(error).__name__
                log("ERROR", "a domain is not ready", domain=domain.name, why=ours)


def voice(name: str) -> Voice:
    """How that domain tells of its incidents: the platform's way when it has none of its own."""
    for domain in domains():
        if domain.name == name and domain.incidents:
            found: Voice = brought(domain.incidents)
            return found
    return PLATFORM


def owner_of(rules: Collection[str]) -> str:
    """The one domain that brought all these alert rules, or '' when there is no one."""
    owners = {
        next((d.name for d in domains() if any(one.id == rule for one in d.alerts)), "")
        for rule in rules
    }
    return owners.pop() if len(owners) == 1 else ""


def jobs() -> list[Job]:
    """Every job of every domain, in the order their manifests give."""
    return [job for domain in domains() for job in domain.jobs]


def job(name: str) -> Job:
    """The job of that name or alias. Raises UnknownJob, which names those there are."""
    for domain in domains():
        try:
            return domain.job(name)
        except UnknownJob:
            continue
    known = ", ".join(sorted(one.name for one in jobs())) or "nenhum"
    missing = "; ".join(f"o domínio {one.name} não carregou ({one.reason})" for one in broken())
    raise UnknownJob(f"'{name}' não existe.", todo=f"Jobs conhecidos: {known}. {missing}".strip())


def wave(name: str) -> list[Job]:
    """The jobs of one wave ('mvp1', 'MVP-1'), loads first; empty when all of them are planned
    still. Raises NotFound for a wave no domain lists."""
    listed = {_plain(entry.wave) for domain in domains() for entry in domain.registry}
    if _plain(name) not in listed:
        known = ", ".join(sorted(listed)) or "nenhuma"
        raise NotFound(f"Não há onda chamada '{name}'.", todo=f"Ondas conhecidas: {known}.")
    return in_order([one for one in jobs() if _plain(one.wave) == _plain(name)])


def in_order(some: Sequence[Job]) -> list[Job]:
    """Loads in their manifests' order, then what comes after every load."""
    after = [one for name in AFTER_LOAD for one in some if one.name == name]
    return [one for one in some if one.name not in AFTER_LOAD] + after


def expected() -> dict[str, Expected]:
    """What each connector says of its data's age, by its name; a planned one is not there."""
    return {
        one.name: Expected(one.folder, one.datasets, one.refresh_hours if one.base_url else None)
        for domain in domains()
        for one in domain.connectors
    }


def explain(uri: str) -> dict[str, Any]:
    """Where the value at `uri` came from, by the first domain that knows that kind of address.
    Raises NotFound, and UsageError when none does."""
    refused: UsageError | None = None
    for domain in domains():
        if domain.explain:
            module, _, name = domain.explain.partition(":")
            try:
                return dict(getattr(import_module(module), name)(uri))
            except NotFound:
                raise
            except UsageError as error:
                refused = error
    raise refused or UsageError("Nenhum domínio instalado sabe explicar endereços.")


def reconciliation(name: str) -> Service:
    """The list of that name to reconcile with, from the domain that brings it. Raises NotFound,
    which names those there are."""
    known = {one: target for domain in domains() for one, target in domain.reconciles.items()}
    if name not in known:
        listed = ", ".join(sorted(known)) or "nenhuma"
        raise NotFound("Não há lista com esse nome.", todo=f"Listas conhecidas: {listed}.")
    module, _, attribute = known[name].partition(":")
    made: Service = getattr(import_module(module), attribute)()
    return made


def _plain(wave_name: str) -> str:
    return wave_name.lower().replace("-", "").replace("_", "")
