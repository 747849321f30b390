"""The machine and the installation against what the documents ask for, each point told as it is.

ok: met. warning: works, but below a documented minimum or not as it should be. critical: something
cannot work. An unmet documented minimum is always shown (X-31).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from atalaia.kernel.base.settings import project_dir, settings
from atalaia.kernel.watch.readiness import MINIMUMS, Minimum, judge_version
from atalaia.serve import catalog
from atalaia.serve.local import process
from atalaia.serve.local.layout import Layout
from atalaia.serve.local.status import parts, public_address

Status = Literal["ok", "warning", "critical"]
_NODE = Minimum("Node.js", (20,), (20,))
_DISK_WARNING, _DISK_CRITICAL = 5_000_000_000, 1_000_000_000
_SECRETS = {
    "DATABASE_URL": "sem ela não há banco; 'make up' cria um",
    "REDIS_URL": "sem ela nenhum worker é acordado; 'make up' cria um Redis",
    "ATALAIA_TOKEN": "sem ela os comandos não se identificam na API; 'make up' emite uma",
}
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True)
class Finding:
    """One point. `minimum` is the documented one, where there is one."""

    check: str
    status: Status
    observed: str
    minimum: str = ""
    note: str = ""


def examine(home: Layout) -> list[Finding]:
    """Every point, in the order a person would look."""
    found = [_version("python", platform.python_version()), _node()]
    with _Server() as server:
        found += _database_versions(server)
        found += _database_health(server)
    found += [_docker(), _disk(home), _locale(), _port(home)]
    found += [*_domains(), *_secrets(), *_parts(home)]
    return found


def worst(found: list[Finding]) -> int:
    """The exit code: 0, 1 with a warning, 2 with something critical."""
    statuses = {finding.status for finding in found}
    return 2 if "critical" in statuses else 1 if "warning" in statuses else 0


def _judged(name: str, minimum: Minimum, text: str | None) -> Finding:
    hard, warnings = judge_version(minimum, text)
    status: Status = "critical" if hard else "warning" if warnings else "ok"
    documented = f">= {'.'.join(map(str, minimum.documented))}"
    return Finding(name, status, text or "ausente", documented, "; ".join(hard + warnings))


def _version(name: str, text: str | None) -> Finding:
    return _judged(name, MINIMUMS[name], text)


def _node() -> Finding:
    own = os.path.join(os.path.dirname(sys.executable), "node")
    program = own if os.path.exists(own) else shutil.which("node")
    if program is None:
        built = (project_dir() / "frontend" / "dist" / "index.html").exists()
        note = "só é preciso para construir as telas; " + ("já estão construídas" if built else "")
        return Finding("node", "warning", "ausente", ">= 20", note)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return _judged("node", _NODE, said.stdout.strip().removeprefix("v") or None)


class _Server:
    """A connection to the database for as long as the examination lasts, or the reason for none."""

    def __init__(self) -> None:
        self.connection: psycopg.Connection[dict[str, Any]] | None = None
        self.reason = ""

    def __enter__(self) -> _Server:
        url = settings().database_url
        if not url:
            self.reason = "DATABASE_URL não está definida"
            return self
        try:
            self.connection = psycopg.connect(
                url, connect_timeout=2, autocommit=True, row_factory=dict_row
            )
        except psycopg.Error as error:
            self.reason = f"{public_address(url)} não responde ({type(error).__name__})"
        return self

    def __exit__(self, *_: object) -> None:
        if self.connection:
            self.connection.close()

    def one(self, sql: str) -> Any:
        """The only value of a query; None without a server or when it has none."""
        if self.connection is None:
            return None
        try:
            row = self.connection.execute(sql.encode()).fetchone()
        except psycopg.Error:
            return None
        return next(iter(row.values())) if row else None


def _database_versions(server: _Server) -> Iterator[Finding]:
    if server.connection is None:
        for name in ("postgresql", "postgis"):
            documented = f">= {'.'.join(map(str, MINIMUMS[name].documented))}"
            yield Finding(name, "critical", "não dá para saber", documented, server.reason)
        return
    yield _version("postgresql", server.one("SELECT split_part(version(), ' ', 2)"))
    yield _version(
        "postgis", server.one("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
    )


def _database_health(server: _Server) -> Iterator[Finding]:
    if server.connection is None:
        return
    off = [name for name in _DURABLE if server.one(f"SHOW {name}") != "on"]
    yield Finding(
        "durabilidade",
        "critical" if off else "ok",
        ", ".join(f"{name} desligado" for name in off) or "fsync e companhia ligados",
        note="o que foi confirmado pode se perder numa queda" if off else "",
    )
    encoding = server.one("SHOW server_encoding")
    yield Finding("codificação do banco", "ok" if encoding == "UTF8" else "critical", str(encoding))


def _docker() -> Finding:
    here = "presente" if shutil.which("docker") else "ausente"
    return Finding("docker", "ok", here, note="opcional: tudo roda sem ele")


def _disk(home: Layout) -> Finding:
    folder = home.folder if home.folder.exists() else project_dir()
    free = shutil.disk_usage(folder).free
    status: Status = "ok"
    if free < _DISK_WARNING:
        status = "critical" if free < _DISK_CRITICAL else "warning"
    return Finding("disco", status, f"{free / 1e9:.1f} GB livres", ">= 5 GB")


def _locale() -> Finding:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return Finding(
        "locale",
        "ok" if encoding == "utf8" else "warning",
        os.environ.get("LC_ALL") or os.environ.get("LANG") or "não definido",
        note="" if encoding == "utf8" else f"a saída sai em {encoding}; use LANG=C.UTF-8",
    )


def _port(home: Layout) -> Finding:
    text = settings().atalaia_url.rstrip("/").rpartition(":")[2]
    port = int(text) if text.isdigit() else 80
    if process.remembered(home.pid_file("api")):
        return Finding("porta da API", "ok", f"{port}, da nossa API")
    if process.port_is_free(port):
        return Finding("porta da API", "ok", f"{port}, livre")
    note = "outro programa escuta nela; use ATALAIA_PORT"
    return Finding("porta da API", "critical", f"{port}, ocupada", note=note)


def _domains() -> Iterator[Finding]:
    for domain in catalog.domains():
        yield Finding(f"domínio {domain.name}", "ok", f"{len(domain.jobs)} jobs")
    for broken in catalog.broken():
        yield Finding(f"domínio {broken.name}", "critical", "não carregou", note=broken.reason)


def _secrets() -> Iterator[Finding]:
    for name, note in _SECRETS.items():
        if getattr(settings(), name.lower()):
            yield Finding(name, "ok", "definida")
        else:
            yield Finding(name, "warning", "não definida", note=note)


def _parts(home: Layout) -> Iterator[Finding]:
    for part in parts(home):
        status: Status = "ok" if part.state == "up" else "warning"
        yield Finding(f"parte {part.part}", status, part.state, note=part.detail)
